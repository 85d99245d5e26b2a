//! Going on without a terminal.
//!
//! The first process starts the program again and waits for its word on a pipe. Until then the second one has the
//! terminal: progress and the reason of a failure are seen, and its exit code becomes the first one's. Then it leaves.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use super::log;
use crate::cli::Failure;

const READY: &[u8] = b"ready\n";

/// Starts this command again, without `--background`, and returns when it is ready or has failed.
pub fn start() -> Result<ExitCode, Failure> {
    let failed = |error: io::Error| Failure::plain(format!("no second process: {error}"), "");
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--background");
    let mut child = Command::new(std::env::current_exe().map_err(failed)?)
        .args(arguments)
        .arg("--leave-when-ready")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut said = [0; READY.len()];
    let mut stdout = child.stdout.take().expect("piped");
    if stdout.read_exact(&mut said).is_ok() && said == READY {
        return Ok(ExitCode::SUCCESS);
    }
    // It has said why on standard error, which is ours too.
    let status = child.wait().map_err(failed)?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Gives the terminal back: a session of its own, messages to a log file, and the word to the one who waits.
pub fn leave(log: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::plain(format!("{}: {error}", log.display()), "");
    let nothing = File::options().write(true).open("/dev/null").map_err(failed)?;
    // Refused only to a leader of a process group, which has no terminal to leave.
    let _ = nix::unistd::setsid();
    log::write_to(log).map_err(failed)?;
    let mut stdout = io::stdout();
    stdout.write_all(READY).and_then(|()| stdout.flush()).map_err(failed)?;
    nix::unistd::dup2_stdout(&nothing).map_err(|errno| failed(errno.into()))
}
