//! The account: signing in, keeping the session, and speaking to the data service in its name.
//!
//! The protocol is that of icloud.com in a browser (protocol/auth.md). What costs the person something, a sign-in by
//! password, is done once at most and never in a loop: Apple locks accounts that try too often.

mod error;

use std::fs::File;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;

use crate::config::Config;
use crate::http::{Http, Reply};
pub use error::AccountError;

/// One account, on this machine.
pub struct Account {
    http: Http,
}

/// How far a sign-in came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    Done,
    /// Apple shows a code on the person's devices; go on with [`Account::submit_code`], from any process.
    CodeNeeded {
        digits: usize,
    },
}

/// What `status` tells of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionStatus {
    /// Whether there is a session that worked when it was last used.
    pub signed_in: bool,
    /// When Apple last confirmed the session.
    pub since: Option<jiff::Timestamp>,
    /// When Apple last trusted this installation after a code; the trust ends when Apple says so.
    pub trusted_since: Option<jiff::Timestamp>,
    /// What a person has to do, in a line; none if nothing.
    pub needs: Option<String>,
}

/// Held by the one process that serves an account: mount, or sync.
pub struct AccountLock {
    _file: File,
}

impl AccountLock {
    /// # Errors
    /// [`AccountError::InUse`] if another process holds it.
    pub fn take(_config: &Config) -> Result<AccountLock, AccountError> {
        Err(AccountError::InUse)
    }
}

impl Account {
    /// Reads what is known of the account; no network.
    ///
    /// # Errors
    /// [`AccountError::Store`] if the session on disk cannot be read.
    pub fn open(_config: &Config, http: Http) -> Result<Arc<Account>, AccountError> {
        Ok(Arc::new(Account { http }))
    }

    /// Signs in by password, for a person who is present.
    pub async fn sign_in(&self, _password: &SecretString) -> Result<SignIn, AccountError> {
        let _ = &self.http;
        Err(AccountError::SignInNeeded)
    }

    /// The second step: the code that Apple shows on the person's devices.
    pub async fn submit_code(&self, _code: &str) -> Result<(), AccountError> {
        Err(AccountError::NoCodeExpected)
    }

    /// Makes sure that there is a session, without a person.
    pub async fn ready(&self) -> Result<(), AccountError> {
        Err(AccountError::SignInNeeded)
    }

    /// Posts JSON to the data service, at `path` below its host, such as
    /// `database/1/com.apple.photos.cloud/production/private/zones/list`.
    ///
    /// A session that is over (401, 421) is renewed once, for all who ask at the time, and the call repeated once. Any other
    /// reply is handed back, whatever its status.
    pub async fn post(&self, _path: &str, _body: &serde_json::Value) -> Result<Reply, AccountError> {
        Err(AccountError::SignInNeeded)
    }

    /// Ends the session at Apple's and forgets it here.
    pub async fn log_out(&self) -> Result<(), AccountError> {
        Err(AccountError::SignInNeeded)
    }

    pub fn status(&self) -> SessionStatus {
        SessionStatus { signed_in: false, since: None, trusted_since: None, needs: None }
    }
}
