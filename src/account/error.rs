use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::phone::Phone;
use super::refusal::Step;
use crate::http::{HttpError, Transient, Verdict};

/// Why the account cannot be used now. One variant per thing that a person or a program can do about it
/// (protocol/auth.md §1.6 and §6.2); none holds a secret, and Apple's own words are kept where we have none better.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AccountError {
    #[error(transparent)]
    Http(#[from] HttpError),

    // What the person has to do.
    /// There is no session that works, and no password to get one with.
    #[error("not signed in")]
    SignInNeeded,
    /// The password was right; Apple wants a code from a trusted device.
    #[error("Apple asks for a verification code")]
    CodeNeeded,
    #[error("Apple did not accept the Apple ID or the password")]
    WrongPassword,
    #[error("Apple did not accept the code")]
    WrongCode,
    #[error("a code has {digits} digits")]
    MalformedCode { digits: usize },
    /// A code was given but none is asked for, or the sign-in it belonged to is over.
    #[error("no sign-in is waiting for a code")]
    NoCodeExpected,
    #[error("Apple knows several trusted numbers: {}", listed(.phones))]
    WhichNumber { phones: Vec<Phone> },
    #[error("Apple knows no such trusted number, but these: {}", listed(.phones))]
    NoSuchNumber { phones: Vec<Phone> },
    #[error("Apple cannot send a code to this number now")]
    NumberUnusable,
    #[error("Apple takes no more codes for some hours: too many were sent or tried")]
    TooManyCodes,
    #[error("Apple has locked this account")]
    Locked,
    #[error("this account signs in with security keys, which photosfs cannot use")]
    SecurityKeys,
    #[error("this account uses Apple's old two-step verification")]
    OldTwoStep,
    #[error("Apple waits for something to be accepted on the web, such as new terms")]
    TermsPending,
    #[error("access to iCloud data on the web is turned off for this account")]
    WebAccessOff,
    /// Advanced Data Protection: a device has to lend its keys.
    #[error("Advanced Data Protection is on, and no device has lent its keys")]
    KeysNeeded,
    /// A trusted browser has to prove the password a second time (protocol/auth.md §1.7).
    #[error("Apple asks for a second proof of the password")]
    EscrowNeeded,
    #[error("this account lives at {domain}")]
    OtherRegion { domain: String },
    #[error("iCloud offers no photos for this account")]
    NoPhotos,

    // What time has to do.
    #[error("Apple asks us to come back later")]
    Throttled { retry_after: Option<Duration> },
    /// Signing in unattended is rationed, lest the account be locked.
    #[error("the next sign-in without a person is not due yet")]
    TooSoon { wait: Duration },
    #[error("Apple's service failed at {step} (status {status})")]
    Service { step: Step, status: u16 },

    // What Apple said that has no better name.
    /// The session or sign-in is over: 401, 421 or 450.
    #[error("Apple no longer knows this session ({step}, status {status})")]
    SessionOver { step: Step, status: u16 },
    #[error("Apple refused at {step} (status {status}{})", said(.code, .message))]
    Refused { step: Step, status: u16, code: Option<String>, message: Option<String> },
    #[error("Apple answered at {step} in a way photosfs does not understand: {reason}")]
    Unexpected { step: Step, reason: String },

    // This machine.
    #[error("the password cannot be had: {reason}")]
    Password { reason: String },
    #[error("{}: {reason}", path.display())]
    Store { path: PathBuf, reason: String },
    #[error("another photosfs is signing in to this account")]
    SignInRunning,
    #[error("another photosfs uses this account already")]
    InUse,
}

fn listed(phones: &[Phone]) -> String {
    match phones {
        [] => "none".into(),
        _ => phones.iter().map(Phone::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn said(code: &Option<String>, message: &Option<String>) -> String {
    [code, message].into_iter().flatten().map(|part| format!(", {part}")).collect()
}

impl AccountError {
    /// Whether a person has to do something before this can work again.
    pub fn needs_a_person(&self) -> bool {
        use AccountError::*;
        match self {
            Http(_) | Throttled { .. } | TooSoon { .. } | Service { .. } | SignInRunning => false,
            SessionOver { .. } | Unexpected { .. } | Store { .. } | InUse => false,
            SignInNeeded | CodeNeeded | WrongPassword | WrongCode | MalformedCode { .. } => true,
            NoCodeExpected | TooManyCodes | Locked => true,
            WhichNumber { .. } | NoSuchNumber { .. } | NumberUnusable => true,
            SecurityKeys | OldTwoStep | TermsPending | WebAccessOff | KeysNeeded | EscrowNeeded => true,
            OtherRegion { .. } | NoPhotos | Refused { .. } | Password { .. } => true,
        }
    }

    /// A word for programs, which stays (docs/sign-in.md).
    pub fn code(&self) -> &'static str {
        use AccountError::*;
        match self {
            SignInNeeded | SessionOver { .. } | NoCodeExpected => "sign_in",
            CodeNeeded | WrongCode | MalformedCode { .. } => "code",
            WhichNumber { .. } | NoSuchNumber { .. } | NumberUnusable => "number",
            WrongPassword => "wrong_password",
            TooManyCodes => "too_many_codes",
            Locked => "locked",
            SecurityKeys => "security_keys",
            OldTwoStep => "old_two_step",
            TermsPending => "terms",
            WebAccessOff => "web_access",
            KeysNeeded => "keys",
            EscrowNeeded => "password_again",
            OtherRegion { .. } => "region",
            NoPhotos => "no_photos",
            Refused { .. } => "refused",
            Password { .. } => "password",
            Http(_) => "network",
            Throttled { .. } | TooSoon { .. } => "wait",
            Service { .. } | Unexpected { .. } => "service",
            Store { .. } | SignInRunning | InUse => "machine",
        }
    }

    /// Whether nothing was heard from Apple at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, AccountError::Http(error) if error.is_unreachable())
    }
}

impl Transient for AccountError {
    /// Only the way there is ever retried: after an answer from Apple's account services, repeating does harm.
    fn verdict(&self) -> Verdict {
        match self {
            AccountError::Http(error) => error.verdict(),
            _ => Verdict::Stop,
        }
    }
}
