//! The process that serves the account: who it is, where it mounted, how to wake it.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::account::{AccountError, AccountLock, SessionStatus};
use crate::config::Config;
use crate::sync::Round;

/// What a mount leaves in the state folder while it runs.
#[derive(Serialize, Deserialize)]
struct Note {
    pid: i32,
    mountpoint: String,
}

const FILE: &str = "mount.json";

/// A file in memory is read at once, unless the process that serves it is stopped.
const ANSWER: Duration = Duration::from_secs(5);

/// Leaves a note that this process serves the account, until the returned value is dropped.
pub fn announce(config: &Config, mountpoint: &Path) -> Result<Announced, Failure> {
    let path = config.state.join(FILE);
    let note = Note { pid: std::process::id().cast_signed(), mountpoint: mountpoint.display().to_string() };
    let written = tempfile::NamedTempFile::new_in(&config.state).and_then(|mut file| {
        file.write_all(serde_json::to_string(&note).expect("plain values").as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)
    });
    match written {
        Ok(_) => Ok(Announced { path }),
        Err(error) => Err(Failure::plain(format!("{}: {error}", path.display()), "make the state folder writable")),
    }
}

pub struct Announced {
    path: std::path::PathBuf,
}

impl Drop for Announced {
    fn drop(&mut self) {
        // What is left behind is not believed without the lock.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The note of the process that serves the account, if there is one.
fn note(config: &Config) -> Option<Note> {
    match AccountLock::take(config) {
        Err(AccountError::InUse) => {}
        _ => return None,
    }
    serde_json::from_slice(&std::fs::read(config.state.join(FILE)).ok()?).ok()
}

/// Where the account is mounted, if it is.
pub fn mountpoint(config: &Config) -> Option<String> {
    Some(note(config)?.mountpoint)
}

/// What only the process that serves a mount knows.
#[derive(Deserialize)]
pub struct Told {
    /// What Apple said last, and whom it asks.
    pub session: SessionStatus,
    pub damaged: Vec<String>,
    pub length_only: Vec<String>,
    pub index_damage: Option<String>,
    pub last_error: Option<String>,
}

impl Told {
    /// Where nobody says more.
    pub fn nothing(session: SessionStatus) -> Told {
        Told { session, damaged: Vec::new(), length_only: Vec::new(), index_damage: None, last_error: None }
    }
}

/// What the process that serves a mount says of itself; none if it does not say so in time.
pub fn told(mountpoint: &str) -> Option<Told> {
    let path = Path::new(mountpoint).join(".photosfs/status.json");
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(std::fs::read(path)));
    serde_json::from_slice(&told.recv_timeout(ANSWER).ok()?.ok()?).ok()
}

/// Has the process that serves the account ask for changes, or for everything, now; `false` if there is none.
pub fn ask(config: &Config, round: Round) -> Result<bool, Failure> {
    let Some(note) = note(config) else { return Ok(false) };
    let signal = match round {
        Round::News => Signal::SIGHUP,
        Round::Full => Signal::SIGUSR1,
    };
    match kill(Pid::from_raw(note.pid), signal) {
        Ok(()) => Ok(true),
        Err(error) => Err(Failure::plain(
            format!("the mount (process {}) cannot be asked: {error}", note.pid),
            "run this as the user who mounted",
        )),
    }
}
