//! Mounting without being root: the set-user-id program fusermount3 does it and hands over the open device.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::super::handed::receive;
use super::super::{MountError, MountOptions, NAME};
use super::HELPER;

/// Names the descriptor on which the program sends the device.
const SOCKET_VARIABLE: &str = "_FUSE_COMMFD";
const DEADLINE: Duration = Duration::from_secs(30);
/// What it says in a line, and more.
const LONGEST_WORD: u64 = 64 * 1024;

pub fn attach(point: &Path, options: MountOptions) -> Result<OwnedFd, MountError> {
    let (own, its) = UnixStream::pair().map_err(refused)?;
    own.set_read_timeout(Some(DEADLINE)).map_err(refused)?;
    let others = if options.allow_other { ",allow_other" } else { "" };
    let flags = format!("ro,nosuid,nodev,noatime,default_permissions,fsname={NAME},subtype={NAME}{others}");
    let child = Command::new(HELPER)
        .args(["-o", &flags, "--"])
        .arg(point)
        // The program reads nothing, so its standard input can be the socket: no descriptor has to survive an exec.
        .env(SOCKET_VARIABLE, "0")
        .stdin(Stdio::from(OwnedFd::from(its)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing)?;
    let device = receive(&own);
    let (status, said) = end_of(child, DEADLINE)?;
    match device {
        Ok(device) if status.success() => Ok(device),
        _ => Err(explained(&said)),
    }
}

/// Unmounts as the user who mounted.
pub fn detach(point: &Path, lazily: bool) -> Result<(), MountError> {
    let flags = if lazily { "-uz" } else { "-u" };
    let child = Command::new(HELPER)
        .args([flags, "--"])
        .arg(point)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing)?;
    let (status, said) = end_of(child, DEADLINE)?;
    if status.success() { Ok(()) } else { Err(explained(&said)) }
}

/// How the program ended, and what it said. One that does not end, because a file system hangs under it, is left to itself: it
/// is root's, so that nobody else can end it.
fn end_of(mut child: Child, deadline: Duration) -> Result<(ExitStatus, String), MountError> {
    let (tell, told) = mpsc::channel();
    let wait = move || {
        let mut said = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            let _ = stderr.take(LONGEST_WORD).read_to_end(&mut said);
        }
        let _ = tell.send(child.wait().map(|status| (status, String::from_utf8_lossy(&said).into_owned())));
    };
    thread::Builder::new().name(HELPER.into()).spawn(wait).map_err(refused)?;
    match told.recv_timeout(deadline) {
        Ok(end) => end.map_err(refused),
        Err(_) => {
            Err(MountError::Refused(format!("{HELPER} did not end within {} s; it is left alone", deadline.as_secs())))
        }
    }
}

fn missing(error: io::Error) -> MountError {
    if error.kind() == io::ErrorKind::NotFound { MountError::NoHelper } else { refused(error) }
}

fn refused(error: io::Error) -> MountError {
    MountError::Refused(error.to_string())
}

/// What fusermount3 said, as one line of ours.
fn explained(said: &str) -> MountError {
    if said.contains("user_allow_other") {
        return MountError::AllowOther;
    }
    if said.contains("device not found") || said.contains("fuse: device") {
        return MountError::NoFuse(io::Error::other(said.trim().to_owned()));
    }
    let line = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("fusermount3 said nothing");
    MountError::Refused(line.trim().trim_start_matches("fusermount3: ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    #[test]
    fn a_program_that_does_not_end_is_not_waited_for() {
        let mut hanging = shell("read line");
        // It ends with the test, when this is dropped.
        let _input = hanging.stdin.take();
        let error = end_of(hanging, Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");
    }

    #[test]
    fn a_program_is_heard_to_its_end() {
        let (status, said) = end_of(shell("echo 'fusermount3: no' >&2; exit 3"), DEADLINE).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(3), "fusermount3: no\n"));
        let (_, said) = end_of(shell("head -c 1000000 /dev/zero >&2"), DEADLINE).unwrap();
        assert_eq!(said.len() as u64, LONGEST_WORD);
    }
}
