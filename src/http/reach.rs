use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How a request ended, with all its repetitions, as far as it tells of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Somebody answered, if only to refuse.
    Answer,
    /// There was a connection, and no answer in time.
    Silence,
    /// No connection was made.
    Nobody,
    /// A person has to sign in first.
    NoSession,
}

/// Whether a request has any hope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hope {
    /// Somebody answered a moment ago.
    Good,
    /// Nobody knows: it has to be tried.
    Unknown,
    /// There was none a moment ago.
    None,
}

/// How long it is believed that somebody answers: a file is opened in this time without a look at its first bytes. Tools that
/// read have answers all the time; one that opens thousands of files and reads none costs a request in this time.
const ANSWER: Duration = Duration::from_secs(10);
/// How long it is believed that there is no network if nobody looks again; a round of requests without one takes a minute
/// where packets are lost, and some seconds where they are refused.
const NO_NETWORK: Duration = Duration::from_secs(120);
/// The same of a session. To try without one costs no request.
const NO_SESSION: Duration = Duration::from_secs(10);

/// Whether requests have any hope, as far as the latest ones tell: a tool that copies thousands of files waits for a few of
/// them, and is refused the others at once.
#[derive(Debug, Default)]
pub struct Reach(Mutex<Option<(Reached, Instant)>>);

impl Reach {
    pub fn note(&self, reached: Reached) {
        *self.0.lock().expect("no panic while held") = Some((reached, Instant::now()));
    }

    pub fn hope(&self) -> Hope {
        let latest = *self.0.lock().expect("no panic while held");
        let within = |long: Duration| latest.is_some_and(|(_, at)| at.elapsed() <= long);
        match latest.map(|(reached, _)| reached) {
            Some(Reached::Answer) if within(ANSWER) => Hope::Good,
            Some(Reached::Nobody) if within(NO_NETWORK) => Hope::None,
            Some(Reached::NoSession) if within(NO_SESSION) => Hope::None,
            _ => Hope::Unknown,
        }
    }

    /// Whether the latest request found no network.
    pub fn is_cut_off(&self) -> bool {
        self.0.lock().expect("no panic while held").is_some_and(|(reached, _)| reached == Reached::Nobody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_believed_for_a_while() {
        let reach = Reach::default();
        assert_eq!((reach.hope(), reach.is_cut_off()), (Hope::Unknown, false), "nobody has asked yet");
        let outcomes = [
            (Reached::Answer, Hope::Good, ANSWER),
            (Reached::Nobody, Hope::None, NO_NETWORK),
            (Reached::NoSession, Hope::None, NO_SESSION),
        ];
        for (reached, hope, believed) in outcomes {
            reach.note(reached);
            assert_eq!((reach.hope(), reach.is_cut_off()), (hope, reached == Reached::Nobody));
            *reach.0.lock().unwrap() = Some((reached, Instant::now().checked_sub(believed * 2).unwrap()));
            assert_eq!(reach.hope(), Hope::Unknown, "{reached:?} was long ago: it is tried again");
        }
        reach.note(Reached::Answer);
        reach.note(Reached::Silence);
        assert_eq!(
            (reach.hope(), reach.is_cut_off()),
            (Hope::Unknown, false),
            "silence is no answer, nor the lack of a network"
        );
    }
}
