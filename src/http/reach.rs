use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How a request ended, with all its repetitions, as far as it tells of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Somebody answered, if only to refuse.
    Answer,
    /// No connection was made.
    Nobody,
    /// A person has to sign in first.
    NoSession,
}

/// How long it is believed that there is no network if nobody looks again; a round of requests without one takes a minute
/// where packets are lost, and some seconds where they are refused.
const NO_NETWORK: Duration = Duration::from_secs(120);
/// The same of a session. To try without one costs no request.
const NO_SESSION: Duration = Duration::from_secs(10);

/// Whether requests have any hope, as far as the latest ones tell: a tool that copies thousands of files waits for a few of
/// them, and is refused the others at once.
#[derive(Debug)]
pub struct Reach(Mutex<(Reached, Instant)>);

impl Default for Reach {
    fn default() -> Reach {
        Reach(Mutex::new((Reached::Answer, Instant::now())))
    }
}

impl Reach {
    pub fn note(&self, reached: Reached) {
        *self.0.lock().expect("no panic while held") = (reached, Instant::now());
    }

    pub fn is_good(&self) -> bool {
        let (reached, at) = *self.0.lock().expect("no panic while held");
        match reached {
            Reached::Answer => true,
            Reached::Nobody => at.elapsed() > NO_NETWORK,
            Reached::NoSession => at.elapsed() > NO_SESSION,
        }
    }

    /// Whether the latest request found no network.
    pub fn is_cut_off(&self) -> bool {
        self.0.lock().expect("no panic while held").0 == Reached::Nobody
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_it_and_so_does_time() {
        let reach = Reach::default();
        assert!(reach.is_good() && !reach.is_cut_off());
        for (lost, cut_off) in [(Reached::Nobody, true), (Reached::NoSession, false)] {
            reach.note(lost);
            assert_eq!((reach.is_good(), reach.is_cut_off()), (false, cut_off));
            reach.note(Reached::Answer);
            assert!(reach.is_good() && !reach.is_cut_off());
        }
        reach.note(Reached::NoSession);
        reach.0.lock().unwrap().1 = Instant::now().checked_sub(NO_SESSION * 2).unwrap();
        assert!(reach.is_good(), "it is tried again");
    }
}
