//! What can go wrong with a call, and whether the same call may succeed later.

use std::time::Duration;

use thiserror::Error;

use super::pace::Ending;
use crate::account::AccountError;
use crate::http::{Reached, Transient, Verdict};

#[derive(Debug, Error)]
pub enum CloudKitError {
    #[error(transparent)]
    Account(#[from] AccountError),
    /// An error the service names, by HTTP status or inside a 200 answer.
    #[error("iCloud answers {code}: {reason}")]
    Refused { status: u16, code: String, reason: String, retry_after: Option<Duration> },
    /// An answer without the members it must have.
    #[error("iCloud's answer cannot be understood: {0}")]
    Malformed(String),
    /// Pages that go on for ever.
    #[error("iCloud's answers do not come to an end: {0}")]
    Endless(&'static str),
}

impl CloudKitError {
    pub(super) fn malformed(what: impl ToString) -> CloudKitError {
        CloudKitError::Malformed(what.to_string())
    }

    fn code(&self) -> &str {
        match self {
            CloudKitError::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// Whether the zone does not exist (any more, or not yet).
    pub fn is_zone_missing(&self) -> bool {
        self.code() == "ZONE_NOT_FOUND"
    }

    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        self.verdict() != Verdict::Stop && !self.is_bad_request()
    }

    /// What it tells of the next call.
    pub fn reached(&self) -> Reached {
        match self {
            CloudKitError::Account(AccountError::Http(error)) => error.reached(),
            CloudKitError::Account(error) if error.needs_a_person() => Reached::NoSession,
            _ => Reached::Answer,
        }
    }

    /// What it says about the load. A request that is not understood, now and then a good one, says nothing.
    pub(super) fn ending(&self) -> Ending {
        match self.verdict() {
            _ if self.is_bad_request() => Ending::Other,
            Verdict::Stop => Ending::Other,
            Verdict::Again => Ending::Overloaded(None),
            Verdict::After(wait) => Ending::Overloaded(Some(wait)),
        }
    }

    /// Whether the service did not understand: for a sync token this means it must be dropped.
    pub fn is_bad_request(&self) -> bool {
        self.code() == "BAD_REQUEST"
    }
}

impl Transient for CloudKitError {
    /// Refusals of access are not tried again: doing so prolongs a lock-out (protocol/photos.md §1.5). Codes nobody knows
    /// are, a few times.
    fn verdict(&self) -> Verdict {
        let CloudKitError::Refused { status, code, retry_after, .. } = self else {
            return match self {
                CloudKitError::Account(error) => error.verdict(),
                CloudKitError::Endless(_) => Verdict::Stop,
                _ => Verdict::Again,
            };
        };
        let again = match code.as_str() {
            "ACCESS_DENIED" | "ATOMIC_ERROR" | "NOT_FOUND" | "ZONE_NOT_FOUND" => false,
            // With status 400 it comes now and then for a good request (protocol/photos.md §1.5); inside a good answer it
            // is about what was asked, such as a token.
            "BAD_REQUEST" => *status == 400,
            "AUTHENTICATION_FAILED" | "AUTHENTICATION_REQUIRED" => false,
            "" => matches!(status, 408 | 429 | 500..),
            _ => true,
        };
        match (again, retry_after) {
            (false, _) => Verdict::Stop,
            (true, Some(wait)) => Verdict::After(*wait),
            (true, None) => Verdict::Again,
        }
    }
}
