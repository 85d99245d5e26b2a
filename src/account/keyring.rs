//! The password in the system's keyring: Secret Service on Linux, Keychain on macOS.

use std::time::Duration;

use keyring::v1::{Entry, Error};
use secrecy::{ExposeSecret, SecretString};

use super::AccountError;

/// Under which a keyring shows what is ours.
const SERVICE: &str = "photosfs";
/// A keyring may ask a person to unlock it; one that nobody unlocks must not hold up a mount for ever.
const DEADLINE: Duration = Duration::from_secs(60);

/// The password of an account; none if the keyring does not have it.
///
/// # Errors
/// [`AccountError::Password`] if there is no keyring, or nobody unlocks it.
pub async fn read(apple_id: &str) -> Result<Option<SecretString>, AccountError> {
    with_entry(apple_id, |entry| match entry.get_password() {
        Ok(password) => Ok(Some(SecretString::from(password))),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(error),
    })
    .await
}

/// Keeps the password, in the place of an older one.
///
/// # Errors
/// As for [`read`].
pub async fn keep(apple_id: &str, password: &SecretString) -> Result<(), AccountError> {
    let password = password.clone();
    with_entry(apple_id, move |entry| entry.set_password(password.expose_secret())).await
}

/// Removes the password, if it is there.
///
/// # Errors
/// As for [`read`].
pub async fn forget(apple_id: &str) -> Result<(), AccountError> {
    with_entry(apple_id, |entry| match entry.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        outcome => outcome,
    })
    .await
}

async fn with_entry<T: Send + 'static>(
    apple_id: &str,
    work: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, AccountError> {
    let apple_id = apple_id.to_owned();
    let outcome = within(DEADLINE, move || Entry::new(SERVICE, &apple_id).and_then(|entry| work(&entry))).await;
    outcome?.map_err(|error| failed(reason(&error)))
}

/// On a thread of its own, which is left behind if it hangs: it may wait for a bus or a dialogue that never answers, and a
/// thread of the runtime would keep the program from ending.
async fn within<T: Send + 'static>(
    deadline: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AccountError> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let spawned = std::thread::Builder::new().name("keyring".into()).spawn(move || tell.send(work()).map_err(drop));
    spawned.map_err(|error| failed(error.to_string()))?;
    match tokio::time::timeout(deadline, told).await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(_)) => Err(failed("the system's keyring gave up")),
        Err(_) => Err(failed(format!("the system's keyring did not answer within {} s", deadline.as_secs()))),
    }
}

/// In our own words: some of the library's hold what they were given.
fn reason(error: &Error) -> String {
    match error {
        Error::NoDefaultStore => "there is no keyring in this session (no Secret Service on a session bus)".into(),
        Error::NoStorageAccess(_) => "the system's keyring is locked".into(),
        Error::PlatformFailure(error) => format!("the system's keyring: {error}"),
        Error::Ambiguous(_) => "the system's keyring has several passwords for this account".into(),
        _ => "what the system's keyring has for this account is no password".into(),
    }
}

fn failed(reason: impl Into<String>) -> AccountError {
    AccountError::Password { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_keyring_that_hangs_or_breaks_is_an_error() {
        let outcome = within(Duration::from_millis(50), || std::thread::sleep(Duration::from_secs(3600))).await;
        assert!(matches!(&outcome, Err(AccountError::Password { reason }) if reason.contains("did not answer")));
        let outcome = within(Duration::from_secs(60), || -> u8 { panic!("on purpose") }).await;
        assert!(matches!(&outcome, Err(AccountError::Password { reason }) if reason.contains("gave up")));
        assert_eq!(within(Duration::from_secs(60), || 7).await, Ok(7));
    }

    #[test]
    fn no_reason_quotes_what_the_keyring_holds() {
        let error = Error::BadEncoding(b"s3cret\xff".to_vec());
        assert!(!reason(&error).contains("115") && !reason(&error).contains("s3cret"));
    }
}
