//! How rare sign-ins without a person are kept: Apple refuses, and in the end locks, accounts that try too often
//! (protocol/auth.md §6.4).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::AccountError;
use super::password_mark::PasswordMark;

/// About ten sign-ins in a while are refused, others report.
const BETWEEN: SignedDuration = SignedDuration::from_mins(15);
/// After a refusal, doubling with each further one up to the longest.
const AFTER_REFUSAL: SignedDuration = SignedDuration::from_mins(30);
const LONGEST: SignedDuration = SignedDuration::from_hours(6);
/// The longest wait that Apple's `Retry-After` is granted: more is a mistake, and would keep a mount out for good.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(24);

/// The record of it; on disk, so that a process that is started again in a loop waits as well.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Unattended {
    pub last: Option<Timestamp>,
    /// How many attempts in a row Apple has turned away.
    refusals: u32,
    /// How long Apple asked to be left alone then.
    retry_after: Duration,
    /// Apple wanted a person then, and it would be no use, or do harm, to ask again before one came.
    pub barred: bool,
    /// The password that Apple called wrong: it is not tried again.
    pub wrong: Option<PasswordMark>,
}

impl Unattended {
    /// Enters an attempt that is about to be made.
    ///
    /// # Errors
    /// [`AccountError::TooSoon`] if it must not be made yet.
    pub fn begin(&mut self, now: Timestamp) -> Result<(), AccountError> {
        // A clock that was set back, or one that begins anew at each start, makes the wait begin anew: no longer than it was,
        // and no attempt at each start either.
        if self.last.is_some_and(|last| last > now) {
            self.last = Some(now);
        }
        match self.wait(now) {
            Some(wait) => Err(AccountError::TooSoon { wait }),
            None => {
                self.last = Some(now);
                Ok(())
            }
        }
    }

    /// How long the next attempt has to wait.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let due = self.last? + self.pause();
        Duration::try_from(due.duration_since(now)).ok().filter(|wait| !wait.is_zero())
    }

    /// How long somebody's script has to wait after a refusal; a first try need not.
    pub fn wait_after_refusal(&self, now: Timestamp) -> Option<Duration> {
        self.wait(now).filter(|wait| self.refusals > 0 && *wait <= self.pause().unsigned_abs())
    }

    fn pause(&self) -> SignedDuration {
        match self.refusals {
            0 => BETWEEN,
            refusals => grown(AFTER_REFUSAL, refusals, LONGEST).max(asked(self.retry_after)),
        }
    }

    /// Enters how the attempt ended.
    pub fn end<T>(&mut self, outcome: &Result<T, AccountError>) {
        match outcome {
            Ok(_) => *self = Unattended { last: self.last, ..Unattended::default() },
            // It did not get there; or the password is to be mended, which its mark takes care of.
            Err(AccountError::Http(_) | AccountError::WrongPassword) => {}
            Err(error) => {
                self.barred = error.needs_a_person();
                // What a person mends is mended when they come; the rest, and what Apple does not explain, takes time.
                if !self.barred || matches!(error, AccountError::Refused { .. }) {
                    self.refusals = self.refusals.saturating_add(1);
                }
                self.retry_after = match error {
                    AccountError::Throttled { retry_after } => retry_after.unwrap_or_default(),
                    _ => Duration::ZERO,
                };
            }
        }
    }
}

/// How long a wait that Apple asked for is kept to.
pub fn asked(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait).map_or(LONGEST_ASKED, |wait| wait.min(LONGEST_ASKED))
}

/// `first`, doubled for each further failure, up to `longest`.
pub fn grown(first: SignedDuration, failures: u32, longest: SignedDuration) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(16);
    first.checked_mul(1 << doublings).map_or(longest, |pause| pause.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Step;

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    /// How long after an attempt that ended so the next one may be made, to the minute.
    fn next(record: &mut Unattended, at: Timestamp, outcome: Result<(), AccountError>) -> i64 {
        record.begin(at).unwrap();
        record.end(&outcome);
        let after = (1..2000).find(|wait| record.clone().begin(at + minutes(*wait)).is_ok());
        after.expect("it may be made some day")
    }

    fn throttled(retry_after: Option<Duration>) -> Result<(), AccountError> {
        Err(AccountError::Throttled { retry_after })
    }

    #[test]
    fn a_quarter_of_an_hour_apart_and_longer_after_each_refusal() {
        let mut record = Unattended::default();
        let mut at = Timestamp::now();
        let mut after = |outcome| {
            let wait = next(&mut record, at, outcome);
            at += minutes(wait);
            wait
        };
        assert_eq!((after(Ok(())), after(Ok(()))), (15, 15));
        let refusals: Vec<i64> = (0..6).map(|_| after(throttled(None))).collect();
        assert_eq!(refusals, [30, 60, 120, 240, 360, 360]);
        let failed = Err(AccountError::Service { step: Step::Proof, status: 502 });
        assert_eq!(after(failed), 360, "an unknown trouble is one too");
        assert_eq!(after(Ok(())), 15, "and a good one ends it");
        assert_eq!(after(throttled(Some(Duration::from_secs(7200)))), 120, "as long as Apple says");
        assert_eq!(after(throttled(Some(Duration::from_secs(1)))), 60, "but no shorter");
    }

    #[test]
    fn a_clock_that_goes_back_neither_forbids_nor_allows() {
        let now = Timestamp::now();
        let mut record = Unattended::default();
        record.begin(now).unwrap();
        let earlier = now - SignedDuration::from_hours(24 * 365);
        assert_eq!(record.begin(earlier), Err(AccountError::TooSoon { wait: Duration::from_secs(900) }));
        assert_eq!(record.begin(earlier + minutes(10)), Err(AccountError::TooSoon { wait: Duration::from_secs(300) }));
        assert_eq!(record.begin(earlier + minutes(15)), Ok(()));
    }

    #[test]
    fn what_a_person_mends_is_a_bar_and_no_wait() {
        let now = Timestamp::now();
        for error in [AccountError::CodeNeeded, AccountError::Locked, AccountError::TermsPending] {
            let mut record = Unattended { last: Some(now), ..Unattended::default() };
            record.end::<()>(&Err(error));
            assert!(record.barred && record.wait_after_refusal(now).is_none());
        }
        let mut record = Unattended { last: Some(now), ..Unattended::default() };
        record.end::<()>(&Err(AccountError::WrongPassword));
        assert!(!record.barred, "the mark of the password does it");
        record.end::<()>(&throttled(None));
        assert!(!record.barred && record.wait_after_refusal(now).is_some());
    }
}
