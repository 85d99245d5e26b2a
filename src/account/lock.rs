use std::fs::File;

use super::AccountError;
use super::session_file::{open_lock, try_lock};
use crate::config::Config;

/// Held by the one process that serves an account, a mount or a sync; ends with the process at the latest. Signing in
/// does not need it, so that `login` works beside a mount.
pub struct AccountLock {
    _file: File,
}

impl AccountLock {
    /// # Errors
    /// [`AccountError::InUse`] if another process holds it.
    pub fn take(config: &Config) -> Result<AccountLock, AccountError> {
        let file = open_lock(&config.state, "account.lock")?;
        match try_lock(&file, &config.state)? {
            true => Ok(AccountLock { _file: file }),
            false => Err(AccountError::InUse),
        }
    }
}
