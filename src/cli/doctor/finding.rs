use std::process::ExitCode;

use serde::Serialize;

use crate::cli::Failure;

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    /// What to do, if it is not in order.
    pub trouble: Option<String>,
}

impl Finding {
    pub fn good(what: impl Into<String>) -> Finding {
        Finding { what: what.into(), trouble: None }
    }

    pub fn bad(what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { what: what.into(), trouble: Some(advice.into()) }
    }
}

impl From<Failure> for Finding {
    fn from(failure: Failure) -> Finding {
        Finding::bad(failure.reason, failure.advice)
    }
}

/// Everything that was looked at, in order. People are told at once, programs at the end.
pub struct Ladder {
    json: bool,
    rungs: Vec<Rung>,
}

/// What `doctor --json` prints of each. Keys are stable.
#[derive(Serialize)]
struct Rung {
    step: &'static str,
    ok: bool,
    what: String,
    advice: Option<String>,
}

impl Ladder {
    pub fn new(json: bool) -> Ladder {
        Ladder { json, rungs: Vec::new() }
    }

    /// Takes down a finding, under a word that stays (docs/commands.md).
    pub fn tell(&mut self, step: &'static str, finding: Finding) {
        if !self.json {
            match &finding.trouble {
                None => println!("ok  {}", finding.what),
                Some(advice) => println!("!!  {}\n      {advice}", finding.what),
            }
        }
        let Finding { what, trouble: advice } = finding;
        self.rungs.push(Rung { step, ok: advice.is_none(), what, advice });
    }

    pub fn end(self) -> ExitCode {
        let sound = self.rungs.iter().all(|rung| rung.ok);
        if self.json {
            let report = serde_json::json!({"ok": sound, "steps": self.rungs});
            println!("{report:#}");
        }
        if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
