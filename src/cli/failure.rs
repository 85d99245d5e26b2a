//! How a command fails: an exit code, one line for the person, and what to do next.

use std::fmt::Display;
use std::process::ExitCode;

use crate::config::ConfigError;

/// Exit codes with a meaning (docs/commands.md).
pub mod code {
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const CODE_NEEDED: u8 = 3;
    pub const REFUSED: u8 = 4;
    pub const UNREACHABLE: u8 = 5;
}

/// Why a command could not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: u8,
    /// One line, no secret in it.
    pub reason: String,
    /// What the person can do about it; empty if nothing.
    pub advice: String,
}

impl Failure {
    pub fn new(code: u8, reason: impl Display, advice: impl Into<String>) -> Failure {
        Failure { code, reason: reason.to_string(), advice: advice.into() }
    }

    /// A failure with exit code 1.
    pub fn plain(reason: impl Display, advice: impl Into<String>) -> Failure {
        Failure::new(code::FAILED, reason, advice)
    }

    /// Says it on standard error.
    pub fn report(&self) -> ExitCode {
        eprintln!("photosfs: {}", self.reason);
        if !self.advice.is_empty() {
            eprintln!("  {}", self.advice);
        }
        ExitCode::from(self.code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::new(code::USAGE, error, "")
    }
}
