//! The way through answers that name the next one, which must come to an end.

use super::CloudKitError;

/// Follows tokens or markers from answer to answer, and finds out when they go round in circles.
///
/// Keeps one token, renewed at steps 1, 2, 4, 8 …: a circle of any length comes by it again (Brent's method).
pub struct Trail {
    what: &'static str,
    most: u64,
    steps: u64,
    mark: String,
}

impl Trail {
    /// Steps of a library's history: a million assets have some 60,000 pages (protocol/photos.md §3.5).
    pub const HISTORY: u64 = 500_000;
    /// Steps of a list of zones or albums, of some 200 each.
    pub const LIST: u64 = 200;

    /// A way that has not begun, of so many steps at the most; `what` is being read, for the error.
    pub fn new(what: &'static str, most: u64) -> Trail {
        Trail { what, most, steps: 0, mark: String::new() }
    }

    /// One step on, to where `token` points.
    ///
    /// # Errors
    /// [`CloudKitError::Endless`] if it points where the way has been, or has become longer than any way there is.
    pub fn step(&mut self, token: &str) -> Result<(), CloudKitError> {
        if (self.steps > 0 && token == self.mark) || self.steps >= self.most {
            return Err(CloudKitError::Endless(self.what));
        }
        self.steps += 1;
        if self.steps.is_power_of_two() {
            token.clone_into(&mut self.mark);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many steps a way over these tokens, again and again, is given up.
    fn given_up(circle: &[&str]) -> u64 {
        let mut trail = Trail::new("tokens", 300);
        let steps = circle.iter().cycle().take_while(|token| trail.step(token).is_ok());
        steps.count() as u64
    }

    #[test]
    fn circles_are_found() {
        assert_eq!(given_up(&["a"]), 1);
        assert!(given_up(&["a", "b"]) <= 6);
        assert!(given_up(&["a", "b", "c", "d", "e"]) <= 20);
    }

    #[test]
    fn a_way_that_goes_on_is_followed_up_to_a_bound() {
        let mut trail = Trail::new("tokens", 300);
        let steps = (0..).take_while(|n: &u64| trail.step(&n.to_string()).is_ok());
        assert_eq!(steps.count(), 300);
    }
}
