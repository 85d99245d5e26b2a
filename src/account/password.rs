use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::io::AsyncReadExt;
use tokio::process::Child;

use super::{AccountError, keyring};
use crate::config::PasswordSource;

/// A password manager may have to be unlocked by a person first.
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);
const LIMIT: u64 = 4096;
/// What a command may print: a password, and the notes beside it.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// The password, where it can be had without a person; none where a person has to be asked.
///
/// # Errors
/// [`AccountError::Password`] if the file is missing, empty or readable by others, or the command fails.
pub async fn stored_password(source: &PasswordSource) -> Result<Option<SecretString>, AccountError> {
    match source {
        PasswordSource::Ask => Ok(None),
        PasswordSource::File(path) => {
            let path = path.clone();
            let read = tokio::task::spawn_blocking(move || from_file(&path));
            read.await.map_err(|e| failed(e.to_string()))?.map(Some)
        }
        PasswordSource::Command(command) => from_command(command).await.map(Some),
        PasswordSource::Keyring { apple_id } => keyring::read(apple_id).await,
    }
}

/// Keeps a password that a person has typed, where the settings say so: in the keyring.
///
/// # Errors
/// [`AccountError::Password`] if there is no keyring, or nobody unlocks it.
pub async fn keep_password(source: &PasswordSource, password: &SecretString) -> Result<(), AccountError> {
    match source {
        PasswordSource::Keyring { apple_id } => keyring::keep(apple_id, password).await,
        _ => Ok(()),
    }
}

/// Forgets a password that [`keep_password`] kept.
///
/// # Errors
/// As for [`keep_password`].
pub async fn forget_password(source: &PasswordSource) -> Result<(), AccountError> {
    match source {
        PasswordSource::Keyring { apple_id } => keyring::forget(apple_id).await,
        _ => Ok(()),
    }
}

fn from_file(path: &Path) -> Result<SecretString, AccountError> {
    let at = |reason: String| failed(format!("{}: {reason}", path.display()));
    let file = File::open(path).map_err(|e| at(e.to_string()))?;
    let metadata = file.metadata().map_err(|e| at(e.to_string()))?;
    // Of the file that is open, so that it cannot be exchanged in between.
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(at("others can read it; make it yours alone with chmod 600".into()));
    }
    if metadata.uid() != nix::unistd::geteuid().as_raw() && metadata.uid() != 0 {
        return Err(at("it belongs to another user".into()));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
    file.take(LIMIT).read_to_end(&mut bytes).map_err(|e| at(e.to_string()))?;
    first_line(&bytes).ok_or_else(|| at("its first line is no password".into()))
}

async fn from_command(command: &str) -> Result<SecretString, AccountError> {
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let broken = |error: io::Error| failed(format!("password_command: {error}"));
    let mut child = shell.stdout(Stdio::piped()).spawn().map_err(broken)?;
    let (bytes, status) = match tokio::time::timeout(COMMAND_DEADLINE, output_of(&mut child)).await {
        Err(_) => return Err(failed(format!("password_command gave none within {} s", COMMAND_DEADLINE.as_secs()))),
        Ok(output) => output.map_err(broken)?,
    };
    if !status.success() {
        return Err(failed(format!("password_command: {status}")));
    }
    first_line(&bytes).ok_or_else(|| failed("password_command printed no password"))
}

/// What a command prints until it ends. One that prints too much is not waited for.
async fn output_of(child: &mut Child) -> io::Result<(Zeroizing<Vec<u8>>, ExitStatus)> {
    // With room for all of it, so that no copy is left behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * OUTPUT_LIMIT as usize));
    if let Some(printed) = child.stdout.take() {
        printed.take(OUTPUT_LIMIT + 1).read_to_end(&mut bytes).await?;
    }
    match bytes.len() as u64 > OUTPUT_LIMIT {
        true => Err(io::Error::other(format!("it prints more than {} KiB, which is no password", OUTPUT_LIMIT / 1024))),
        false => Ok((bytes, child.wait().await?)),
    }
}

/// UTF-8 as typed: no client changes its form (protocol/auth.md §1.4).
fn first_line(bytes: &[u8]) -> Option<SecretString> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
    (!line.is_empty()).then(|| SecretString::from(line))
}

fn failed(reason: impl Into<String>) -> AccountError {
    AccountError::Password { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PasswordSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        (folder, PasswordSource::File(path))
    }

    async fn read(source: PasswordSource) -> Result<String, AccountError> {
        stored_password(&source).await.map(|password| password.unwrap().expose_secret().to_owned())
    }

    #[tokio::test]
    async fn the_first_line_of_a_private_file() {
        for (text, mode) in [("Correct Horse \nnotes", 0o600), ("Correct Horse \r\n", 0o400)] {
            let (_folder, source) = file(text, mode);
            assert_eq!(read(source).await.unwrap(), "Correct Horse ");
        }
        for (text, mode) in [("secret", 0o640), ("secret", 0o604), ("\nsecret", 0o600), ("", 0o600)] {
            let (_folder, source) = file(text, mode);
            let error = read(source).await.unwrap_err();
            assert!(matches!(&error, AccountError::Password { reason } if !reason.contains("secret")), "{error:?}");
        }
    }

    #[tokio::test]
    async fn the_output_of_a_command() {
        let command = |text: &str| PasswordSource::Command(text.into());
        assert_eq!(read(command("printf 'Correct Horse\\nmore'")).await.unwrap(), "Correct Horse");
        for bad in ["exit 3", "true", "echo secret; exit 1"] {
            let error = read(command(bad)).await.unwrap_err();
            assert!(matches!(&error, AccountError::Password { reason } if !reason.contains("secret")), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_command_that_prints_without_end_is_refused() {
        let error = read(PasswordSource::Command("yes secret".into())).await.unwrap_err();
        assert!(
            matches!(&error, AccountError::Password { reason } if reason.contains("more than 64 KiB")),
            "{error:?}"
        );
        assert!(!error.to_string().contains("secret"));
        let most = format!("printf 'Correct Horse\\n'; head -c {} /dev/zero", OUTPUT_LIMIT - 14);
        assert_eq!(read(PasswordSource::Command(most)).await.unwrap(), "Correct Horse");
    }

    #[tokio::test]
    async fn nobody_is_asked_here() {
        assert!(stored_password(&PasswordSource::Ask).await.unwrap().is_none());
    }
}
