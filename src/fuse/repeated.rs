//! Errors in the log: one that comes again and again is told once a minute.
//!
//! A backup that goes on without a session meets the same error for each file: 760 lines in half a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const BETWEEN: Duration = Duration::from_secs(60);
/// How long it is known how often an error came that was not told.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// Different errors that are told apart; all further ones count as one.
const MOST: usize = 64;

#[derive(Default)]
pub struct Repeated(Mutex<HashMap<String, Told>>);

struct Told {
    at: Instant,
    /// How often it came since.
    since: u64,
}

impl Repeated {
    /// Whether an error is to be told now: then, how often it came since it was told last.
    pub fn is_due(&self, error: String, now: Instant) -> Option<u64> {
        let mut errors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        errors.retain(|_, told| now.duration_since(told.at) < if told.since > 0 { REMEMBERED } else { BETWEEN });
        let key = if errors.len() < MOST || errors.contains_key(&error) { error } else { String::new() };
        match errors.get_mut(&key) {
            Some(told) if now.duration_since(told.at) < BETWEEN => {
                told.since += 1;
                None
            }
            known => {
                let since = known.map_or(0, |told| told.since);
                errors.insert(key, Told { at: now, since: 0 });
                Some(since)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_error_is_told_once_a_minute_and_how_often_it_came() {
        let (repeated, begin) = (Repeated::default(), Instant::now());
        let at = |seconds: u64, error: &str| repeated.is_due(error.into(), begin + Duration::from_secs(seconds));
        assert_eq!(at(0, "no session"), Some(0));
        assert_eq!(at(1, "no session"), None);
        assert_eq!(at(59, "no session"), None);
        assert_eq!(at(59, "another"), Some(0));
        assert_eq!(at(60, "no session"), Some(2));
        assert_eq!(at(61, "no session"), None);
        assert_eq!(at(500, "another"), Some(0));
        assert_eq!(at(501, "no session"), Some(1));
    }

    #[test]
    fn however_many_there_are_some_are_told() {
        let (repeated, now) = (Repeated::default(), Instant::now());
        let told = (0..1_000).filter(|n| repeated.is_due(n.to_string(), now).is_some()).count();
        assert_eq!(told, MOST + 1);
        assert!(repeated.is_due("later".into(), now + REMEMBERED).is_some());
        assert!(repeated.0.lock().unwrap().len() <= MOST);
    }
}
