use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

use super::Reason;

/// Enough for a mail server that thinks; after that the command is ended, and run again later.
const DEADLINE: Duration = Duration::from_secs(60);

/// The person's command, and what it is told in every case.
pub struct Call {
    pub command: String,
    pub apple_id: String,
    pub mountpoint: PathBuf,
}

impl Call {
    /// Runs the command. What it is told is in its environment, which others on the machine cannot read, as they can arguments.
    ///
    /// # Errors
    /// In a line, why it did not succeed.
    pub async fn run(&self, reason: &Reason) -> Result<(), String> {
        self.run_within(reason, DEADLINE).await
    }

    async fn run_within(&self, reason: &Reason, deadline: Duration) -> Result<(), String> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &self.command])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        shell.env("PHOTOSFS_REASON", reason.code).env("PHOTOSFS_MESSAGE", &reason.line);
        shell.env("PHOTOSFS_ADVICE", &reason.advice).env("PHOTOSFS_APPLE_ID", &self.apple_id);
        shell.env("PHOTOSFS_MOUNTPOINT", &self.mountpoint);
        let mut child = shell.spawn().map_err(|error| error.to_string())?;
        let group = child.id();
        match tokio::time::timeout(deadline, child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(status.to_string()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => {
                // With what it has started: a pipe into curl is as many processes.
                group.map(|id| killpg(Pid::from_raw(id.cast_signed()), Signal::SIGKILL));
                Err(format!("it took longer than {} s", deadline.as_secs()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(command: &str) -> Call {
        Call { command: command.into(), apple_id: "jane@example.com".into(), mountpoint: "/mnt".into() }
    }

    fn reason() -> Reason {
        Reason { code: "code", line: "Apple asks".into(), advice: "sign in".into() }
    }

    #[tokio::test]
    async fn what_the_command_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let command = format!(
            "printf '%s|' \"$PHOTOSFS_REASON\" \"$PHOTOSFS_MESSAGE\" \"$PHOTOSFS_ADVICE\" \"$PHOTOSFS_APPLE_ID\" \
             \"$PHOTOSFS_MOUNTPOINT\" $# > '{}'",
            file.display()
        );
        call(&command).run(&reason()).await.unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "code|Apple asks|sign in|jane@example.com|/mnt|0|");
    }

    #[tokio::test]
    async fn a_command_that_fails_or_hangs_is_an_error() {
        assert!(call("exit 3").run(&reason()).await.unwrap_err().contains('3'));
        let error = call("sleep 600 | cat").run_within(&reason(), Duration::from_millis(200)).await.unwrap_err();
        assert!(error.contains("longer"), "{error}");
    }
}
