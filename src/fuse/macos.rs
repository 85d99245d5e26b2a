//! Mounting on macOS, on macFUSE's kernel extension. Type-checked only: it has never run on a Mac.

mod table;

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fuser::{InitFlags, SessionACL};
use nix::errno::Errno;
use nix::mount::{MntFlags, unmount as unmount2};
use nix::sys::statvfs::statvfs;

use super::macfuse::{self, Macfuse};
use super::place::{self, Entry, Identity};
use super::{Gone, MountError, MountOptions, NAME};

/// The program that mounts, a part of macFUSE.
pub const HELPER: &str = "/Library/Filesystems/macfuse.fs/Contents/Resources/mount_macfuse";
/// What to do where macFUSE is missing.
pub const INSTALL: &str = "install macFUSE from https://macfuse.github.io, allow its system extension in System Settings \
                           under Privacy & Security, and restart";
/// What to do where other users may not be let in.
pub const LET_OTHERS_IN: &str = "macFUSE lets administrators do so; or mount without --allow-other";

/// What the kernel is asked to do. Linux's other flags mean something else here (fuser's `FUSE_EXPLICIT_INVAL_DATA` is
/// macFUSE's "can swap names").
pub const CAPABILITIES: [InitFlags; 0] = [];

/// The most open files to ask the system for: it refuses more, though it names no limit (setrlimit(2), OPEN_MAX).
pub const OPEN_FILES: u64 = 10_240;

/// What the Finder shows. Without a comma, which would begin another option.
const VOLUME: &str = "iCloud Photos";
/// Where macFUSE makes missing directories: people may not.
const VOLUMES: &str = "/Volumes";

/// How long a mounted file system may take to say that it lives, or to vanish.
const ANSWER: Duration = Duration::from_secs(5);
/// How long files may stay open when the process ends. There is no unmounting with open files that leaves them readable.
const DRAIN: Duration = Duration::from_secs(5);

/// The kernel's number of a mount.
pub type MountId = [i32; 2];

/// A mount that becomes complete once somebody answers.
pub struct Mounting {
    point: PathBuf,
    macfuse: Macfuse,
    allow_other: bool,
}

impl Mounting {
    /// Waits until it is complete; which mount it has become. The session must be answering.
    pub fn finish(self) -> Result<Identity, MountError> {
        self.macfuse.finish().map_err(|error| explained(error, self.allow_other))?;
        let point = self.point;
        let entry = place::top(&point)?.filter(is_ours).ok_or_else(|| MountError::NotMounted(point.clone()))?;
        Ok(Identity { point, id: entry.id })
    }

    /// Takes away what there is of it, without asking a file system that nobody answers.
    pub fn abandon(self) {
        if let Ok(Some(entry)) = place::top(&self.point)
            && is_ours(&entry)
        {
            let _ = clear_away(&self.point);
        }
    }
}

pub fn table() -> Result<Vec<Entry>, MountError> {
    table::read().map_err(MountError::Table)
}

/// macFUSE keeps its own name as the type, so the source says whose it is.
pub fn is_ours(entry: &Entry) -> bool {
    entry.source == OsStr::new(NAME) && entry.kind.contains("fuse")
}

/// Whether mounting makes the directory, if it is missing.
pub fn makes_directory(point: &Path) -> bool {
    point.parent() == Some(Path::new(VOLUMES))
}

/// Whether somebody answers; one that hangs counts as alive.
pub fn lives(point: &Path) -> bool {
    let (tell, told) = mpsc::channel();
    let point = point.to_owned();
    thread::spawn(move || tell.send(statvfs(&point).err()));
    !matches!(told.recv_timeout(ANSWER), Ok(Some(Errno::ENXIO | Errno::ENOTCONN)))
}

/// Begins to mount, read-only: the kernel's first question is waiting on the device.
pub fn attach(point: &Path, options: MountOptions) -> Result<(OwnedFd, Mounting), MountError> {
    let explained = |error| explained(error, options.allow_other);
    let (device, mut macfuse) = macfuse::begin(Path::new(HELPER), &flags(options), point).map_err(explained)?;
    macfuse.wait_for_kernel(&device).map_err(explained)?;
    Ok((device, Mounting { point: point.into(), macfuse, allow_other: options.allow_other }))
}

/// What each is for: desktop.md §3.1. The timeout is the longest there is, as a dead volume is worse than a slow one;
/// reads end earlier by content's deadline.
fn flags(options: MountOptions) -> String {
    let others = if options.allow_other { ",allow_other" } else { "" };
    format!(
        "ro,volname={VOLUME},fsname={NAME},daemon_timeout=600,iosize=1048576,noatime,nodev,nosuid,noexec,\
         default_permissions{others}"
    )
}

fn explained(error: MountError, allow_other: bool) -> MountError {
    match error {
        MountError::Refused(why) if allow_other && why.contains(Errno::EPERM.desc()) => MountError::AllowOther,
        other => other,
    }
}

/// How the session works: with one thread, which fuser insists on here. Root is let in whoever mounted: the Finder shows
/// an error for files that macOS's own check, which is root's, cannot look at (desktop.md §2.2).
pub fn tune(_config: &mut fuser::Config, options: MountOptions) -> SessionACL {
    if options.allow_other { SessionACL::All } else { SessionACL::RootAndOwner }
}

/// Decided by macFUSE's option `iosize` here.
pub fn widen_read_ahead(_identity: &Identity) {}

/// Takes away what is uppermost on a path: gently, and after a while by force, because the process that answers ends.
pub fn take_away(point: &Path) -> Result<Gone, MountError> {
    let deadline = Instant::now() + DRAIN;
    while Instant::now() < deadline {
        match unmount2(point, MntFlags::empty()) {
            Ok(()) => return Ok(Gone::Free),
            Err(Errno::EBUSY) => thread::sleep(Duration::from_millis(200)),
            Err(_) => break,
        }
    }
    clear_away(point).map(|()| Gone::Free)
}

/// Takes away a mount by force: that of a dead process cannot be unmounted otherwise, and may hang who tries.
pub fn clear_away(point: &Path) -> Result<(), MountError> {
    match unmount2(point, MntFlags::MNT_FORCE) {
        Ok(()) => Ok(()),
        Err(_) => diskutil(&["unmount", "force"], point),
    }
}

/// The way that works for those who may not unmount by themselves.
fn diskutil(arguments: &[&str], point: &Path) -> Result<(), MountError> {
    let mut command = Command::new("/usr/sbin/diskutil");
    command.args(arguments).arg(point).stdin(Stdio::null());
    let output = command.output().map_err(|error| MountError::Refused(error.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(MountError::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

/// Ends the mount on a path, if it is a photosfs and nobody has files open there: they could not be read to the end.
pub fn unmount(point: &Path) -> Result<Gone, MountError> {
    let point = place::absolute(point)?;
    if !place::top(&point)?.as_ref().is_some_and(is_ours) {
        return Err(MountError::NotMounted(point));
    }
    if !lives(&point) {
        return clear_away(&point).map(|()| Gone::Free);
    }
    match unmount2(&point, MntFlags::empty()) {
        Ok(()) => Ok(Gone::Free),
        Err(Errno::EBUSY) => Err(MountError::Busy(point)),
        Err(Errno::EPERM) => diskutil(&["unmount"], &point).map(|()| Gone::Free),
        Err(errno) => Err(MountError::Refused(errno.desc().into())),
    }
}
