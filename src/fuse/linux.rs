//! Mounting on Linux: mount(2) for root, fusermount3 for everybody else.

mod fusermount;
mod table;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::statvfs;

use super::{MountError, MountOptions, NAME};
use table::Entry;

const DEVICE: &str = "/dev/fuse";

/// How long a mounted file system may take to say that it lives.
const ANSWER: Duration = Duration::from_secs(5);

/// An open connection to the kernel, and which mount it belongs to.
pub struct Attached {
    pub device: OwnedFd,
    pub identity: Identity,
}

/// Which mount is ours. The same path may be another's by the time we leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub point: PathBuf,
    /// The kernel's number of the mount, and its device number.
    id: u64,
    device: String,
}

/// How a mount went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Free,
    /// Out of sight, but programs have files open there and can go on reading them.
    Busy,
}

/// The absolute path of a directory that can be mounted on. Clears away a mount of ours that nobody answers.
pub fn prepare(point: &Path) -> Result<PathBuf, MountError> {
    let point = absolute(point)?;
    while let Some(entry) = top(&point)? {
        match entry.is_ours() {
            false => return Err(MountError::AlreadyMounted { path: point, kind: entry.kind }),
            true if lives(&point) => return Err(MountError::AlreadyOurs(point)),
            true => {
                tracing::warn!(point = %point.display(), "clearing away a mount whose process has died");
                take_away(&point, true)?;
            }
        }
    }
    let error = |error| MountError::MountPoint { path: point.clone(), error };
    if !fs::metadata(&point).map_err(error)?.is_dir() {
        return Err(MountError::NotADirectory(point));
    }
    if fs::read_dir(&point).map_err(error)?.next().is_some() {
        tracing::warn!(point = %point.display(), "the directory is not empty; the mount hides what is in it");
    }
    Ok(point)
}

/// The path without links. The last part of it is not looked at: a dead mount cannot be.
fn absolute(point: &Path) -> Result<PathBuf, MountError> {
    match fs::canonicalize(point) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(MountError::NoMountPoint(point.into())),
        Err(error) => {
            let failed = |error| MountError::MountPoint { path: point.into(), error };
            let path = std::path::absolute(point).map_err(failed)?;
            match (path.parent().map(fs::canonicalize), path.file_name()) {
                (Some(Ok(parent)), Some(name)) => Ok(parent.join(name)),
                _ => Err(failed(error)),
            }
        }
    }
}

/// What is mounted on a path, the uppermost if there are several.
fn top(point: &Path) -> Result<Option<Entry>, MountError> {
    let entries = table::read().map_err(MountError::Table)?;
    Ok(entries.into_iter().rfind(|entry| entry.point == point))
}

/// Whether a photosfs that answers is mounted on a path, by the kernel's own table.
pub fn is_mounted(point: &Path) -> Result<bool, MountError> {
    let point = absolute(point)?;
    Ok(top(&point)?.is_some_and(|entry| entry.is_ours()) && lives(&point))
}

/// Whether somebody answers. Asked by statfs, which the kernel never answers itself; one that hangs counts as alive.
fn lives(point: &Path) -> bool {
    let (tell, told) = mpsc::channel();
    let point = point.to_owned();
    thread::spawn(move || tell.send(statvfs(&point).err()));
    // The second is the answer while the dead process is still being taken down.
    !matches!(told.recv_timeout(ANSWER), Ok(Some(Errno::ENOTCONN | Errno::ECONNABORTED)))
}

/// Mounts, read-only.
pub fn attach(point: &Path, options: MountOptions) -> Result<Attached, MountError> {
    let device = match nix::unistd::geteuid().is_root() {
        true => match attach_as_root(point, options) {
            // Root without the right to mount, as in a container.
            Err(Errno::EPERM) => fusermount::attach(point, options)?,
            other => other.map_err(refused)?,
        },
        false => fusermount::attach(point, options)?,
    };
    let entry = top(point)?.filter(Entry::is_ours).ok_or_else(|| MountError::NotMounted(point.into()))?;
    Ok(Attached { device, identity: Identity { point: point.into(), id: entry.id, device: entry.device } })
}

fn attach_as_root(point: &Path, options: MountOptions) -> Result<OwnedFd, Errno> {
    let opened = File::options().read(true).write(true).open(DEVICE);
    let device = opened.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
    let others = if options.allow_other { ",allow_other" } else { "" };
    let data = format!("fd={},rootmode=40000,user_id=0,group_id=0,default_permissions{others}", device.as_raw_fd());
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOATIME;
    let kind = format!("fuse.{NAME}");
    mount(Some(NAME), point, Some(kind.as_str()), flags, Some(data.as_str()))?;
    Ok(device.into())
}

fn refused(errno: Errno) -> MountError {
    match errno {
        Errno::ENOENT | Errno::ENODEV | Errno::ENXIO => MountError::NoFuse(errno.into()),
        _ => MountError::Refused(errno.desc().into()),
    }
}

/// Whether more session threads can have a device of their own: fuser opens it again, and where it is root's alone
/// a user got his from fusermount3.
pub fn can_clone_device() -> bool {
    File::options().read(true).write(true).open(DEVICE).is_ok()
}

/// Has the kernel read ahead far enough to hide a network (fuse.md §1: 39 → 724 MiB/s at 5 ms a request). Root only.
pub fn widen_read_ahead(identity: &Identity) {
    let _ = fs::write(format!("/sys/class/bdi/{}/read_ahead_kb", identity.device), "4096");
}

/// Takes a mount of ours away, and no other: one that is gone already is an error, and so is one that another covers.
pub fn detach(identity: &Identity) -> Result<Gone, MountError> {
    let not_mounted = || MountError::NotMounted(identity.point.clone());
    let entries = table::read().map_err(MountError::Table)?;
    let ours = |entry: &&Entry| entry.id == identity.id && entry.device == identity.device;
    // By number, as the mount may have been moved.
    let own = entries.iter().find(ours).ok_or_else(not_mounted)?;
    match entries.iter().rfind(|entry| entry.point == own.point) {
        Some(top) if top.id == own.id => take_away(&own.point, true).map(|()| Gone::Free),
        Some(top) => Err(MountError::Covered { path: own.point.clone(), kind: top.kind.clone() }),
        None => Err(not_mounted()),
    }
}

/// Ends the mount on a path, if it is a photosfs.
pub fn unmount(point: &Path) -> Result<Gone, MountError> {
    let point = absolute(point)?;
    match top(&point)? {
        Some(entry) if entry.is_ours() => {}
        _ => return Err(MountError::NotMounted(point)),
    }
    let before = table::count(&point).map_err(MountError::Table)?;
    let gone = match take_away(&point, false) {
        Ok(()) => Gone::Free,
        Err(_) => {
            take_away(&point, true)?;
            Gone::Busy
        }
    };
    let deadline = Instant::now() + ANSWER;
    while table::count(&point).map_err(MountError::Table)? >= before && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    Ok(gone)
}

/// Unmounts what is uppermost on a path; lazily, if programs may have files open there.
fn take_away(point: &Path, lazily: bool) -> Result<(), MountError> {
    let lazy = if lazily { MntFlags::MNT_DETACH } else { MntFlags::empty() };
    match umount2(point, lazy | MntFlags::UMOUNT_NOFOLLOW) {
        Err(Errno::EPERM) => fusermount::detach(point, lazily),
        other => other.map_err(|errno| MountError::Refused(errno.desc().into())),
    }
}

impl Entry {
    fn is_ours(&self) -> bool {
        self.source == OsStr::new(NAME) && self.kind.strip_prefix("fuse.") == Some(NAME)
    }
}
