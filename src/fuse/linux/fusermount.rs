//! Mounting without being root: the set-user-id program fusermount3 does it and hands over the open device.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::super::handed::receive;
use super::super::{MountError, MountOptions, NAME};
use super::HELPER;

/// Names the descriptor on which the program sends the device.
const SOCKET_VARIABLE: &str = "_FUSE_COMMFD";
const DEADLINE: Duration = Duration::from_secs(30);

pub fn attach(point: &Path, options: MountOptions) -> Result<OwnedFd, MountError> {
    let (own, its) = UnixStream::pair().map_err(refused)?;
    own.set_read_timeout(Some(DEADLINE)).map_err(refused)?;
    let others = if options.allow_other { ",allow_other" } else { "" };
    let flags = format!("ro,nosuid,nodev,noatime,default_permissions,fsname={NAME},subtype={NAME}{others}");
    let mut child = Command::new(HELPER)
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
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    let status = child.wait().map_err(refused)?;
    match device {
        Ok(device) if status.success() => Ok(device),
        _ => Err(explained(&said)),
    }
}

/// Unmounts as the user who mounted.
pub fn detach(point: &Path, lazily: bool) -> Result<(), MountError> {
    let flags = if lazily { "-uz" } else { "-u" };
    let output = Command::new(HELPER).args([flags, "--"]).arg(point).stdin(Stdio::null()).output().map_err(missing)?;
    if output.status.success() { Ok(()) } else { Err(explained(&String::from_utf8_lossy(&output.stderr))) }
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
