use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Reason;

/// A reason that lasts is told once in this time.
const AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// After a command that failed: the network it needs may be what is missing.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(15);

/// What the person was told, in `attention.json`: a mount that is started again does not repeat it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Told {
    reasons: BTreeMap<String, Attempt>,
    /// Whether the person believes that something waits.
    open: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Attempt {
    at: Timestamp,
    reached: bool,
}

impl Told {
    /// A file that is missing or damaged costs a repetition.
    pub fn load(file: &Path) -> Told {
        std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub fn save(&self, file: &Path) -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(&serde_json::to_vec(self)?)?;
        temporary.as_file().sync_all()?;
        temporary.persist(file)?;
        Ok(())
    }

    /// What to tell now of everything that waits: what is new, or lasts for a day; that nothing waits any more, once.
    pub fn due(&self, waiting: &[Reason], now: Timestamp) -> Vec<Reason> {
        if waiting.is_empty() && self.open {
            return vec![resolved()]
                .into_iter()
                .filter(|reason| self.is_due(reason.code, AFTER_FAILURE, now))
                .collect();
        }
        waiting.iter().filter(|reason| self.is_due(reason.code, AGAIN, now)).cloned().collect()
    }

    fn is_due(&self, code: &str, again: SignedDuration, now: Timestamp) -> bool {
        self.reasons.get(code).is_none_or(|attempt| {
            let pause = if attempt.reached { again } else { AFTER_FAILURE };
            // A clock that was set back makes the wait no longer than it was.
            !(SignedDuration::ZERO..pause).contains(&now.duration_since(attempt.at))
        })
    }

    pub fn note(&mut self, code: &'static str, at: Timestamp, reached: bool) {
        let over = code == RESOLVED && reached;
        if over {
            self.reasons.remove(RESOLVED);
        } else {
            self.reasons.insert(code.to_owned(), Attempt { at, reached });
        }
        self.open = if over { false } else { self.open || (reached && code != RESOLVED) };
    }
}

const RESOLVED: &str = "resolved";

fn resolved() -> Reason {
    Reason { code: RESOLVED, line: "nothing waits for you any more".into(), advice: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: &'static str) -> Reason {
        Reason { code, line: code.into(), advice: String::new() }
    }

    /// Tells what is due, and says what that was.
    fn tell(told: &mut Told, waiting: &[&'static str], now: Timestamp, reached: bool) -> Vec<&'static str> {
        let waiting: Vec<Reason> = waiting.iter().map(|code| reason(code)).collect();
        let codes: Vec<&str> = told.due(&waiting, now).iter().map(|reason| reason.code).collect();
        codes.iter().for_each(|code| told.note(code, now, reached));
        codes
    }

    #[test]
    fn once_a_day_for_each_reason_and_once_when_it_is_over() {
        let mut told = Told::default();
        let start = Timestamp::now();
        let hours = |hours| start + SignedDuration::from_hours(hours);
        assert!(tell(&mut told, &[], start, true).is_empty(), "nothing was told, nothing is over");
        assert_eq!(tell(&mut told, &["code"], start, true), ["code"]);
        assert!(tell(&mut told, &["code"], hours(23), true).is_empty());
        assert_eq!(tell(&mut told, &["code", "hold"], hours(23), true), ["hold"], "a new reason is told at once");
        assert_eq!(tell(&mut told, &["code", "hold"], hours(24), true), ["code"]);
        assert_eq!(tell(&mut told, &[], hours(25), true), ["resolved"]);
        assert!(tell(&mut told, &[], hours(25), true).is_empty());
        assert!(tell(&mut told, &["code"], hours(26), true).is_empty(), "what comes and goes is told once a day, too");
        assert_eq!(tell(&mut told, &["code"], hours(48), true), ["code"]);
    }

    #[test]
    fn what_did_not_reach_the_person_is_told_again_sooner() {
        let mut told = Told::default();
        let start = Timestamp::now();
        let minutes = |minutes| start + SignedDuration::from_mins(minutes);
        assert_eq!(tell(&mut told, &["code"], start, false), ["code"]);
        assert!(tell(&mut told, &["code"], minutes(14), false).is_empty());
        assert_eq!(tell(&mut told, &["code"], minutes(15), true), ["code"]);
        assert!(tell(&mut told, &["code"], minutes(-600), true).contains(&"code"), "a clock that was set back");
        assert_eq!(tell(&mut told, &[], minutes(20), false), ["resolved"]);
        assert!(tell(&mut told, &[], minutes(21), true).is_empty());
        assert_eq!(tell(&mut told, &[], minutes(36), true), ["resolved"]);
    }

    #[test]
    fn a_new_start_remembers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("attention.json");
        let mut told = Told::load(&file);
        let now = Timestamp::now();
        assert_eq!(tell(&mut told, &["code"], now, true), ["code"]);
        told.save(&file).unwrap();
        assert!(tell(&mut Told::load(&file), &["code"], now, true).is_empty());
        std::fs::write(&file, "{").unwrap();
        assert_eq!(tell(&mut Told::load(&file), &["code"], now, true), ["code"]);
    }
}
