//! Mounting on Linux: mount(2) for root, fusermount3 for everybody else.

mod fusermount;
mod table;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use fuser::{InitFlags, SessionACL};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::statvfs;

use super::place::{self, Entry, Identity};
use super::{Gone, MountError, MountOptions, NAME};

/// The program that mounts for those who may not.
pub const HELPER: &str = "fusermount3";
/// What to do where FUSE is missing.
pub const INSTALL: &str = "install the package fuse3 (in a container, pass --device /dev/fuse --cap-add SYS_ADMIN)";
/// What to do where other users may not be let in.
pub const LET_OTHERS_IN: &str = "put user_allow_other into /etc/fuse.conf, or mount without --allow-other";

/// What the kernel is asked to do. Readdirplus always, not where the kernel guesses: `find` then asks 514 times in place
/// of 100,000 (fuse.md §3).
pub const CAPABILITIES: [InitFlags; 4] = [
    InitFlags::FUSE_DO_READDIRPLUS,
    InitFlags::FUSE_PARALLEL_DIROPS,
    InitFlags::FUSE_EXPORT_SUPPORT,
    InitFlags::FUSE_EXPLICIT_INVAL_DATA,
];

/// The most open files to ask the system for: the kernel's own limit as it is shipped (fs.nr_open).
pub const OPEN_FILES: u64 = 1 << 20;

const DEVICE: &str = "/dev/fuse";

/// A second thread halves the latency of a request even for one client; more than four bring nothing (fuse.md §5.7).
const MAX_THREADS: usize = 4;

/// How long a mounted file system may take to say that it lives.
const ANSWER: Duration = Duration::from_secs(5);

/// The kernel's number of a mount, and its device number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountId {
    pub number: u64,
    /// `major:minor`.
    pub device: String,
}

/// A mount that is complete, but that nobody answers yet.
pub struct Mounting(Identity);

impl Mounting {
    /// Which mount it has become.
    pub fn finish(self) -> Result<Identity, MountError> {
        Ok(self.0)
    }

    /// Takes it away again: left behind, it would hang whoever looks.
    pub fn abandon(self) {
        let _ = place::detach(&self.0);
    }
}

pub fn table() -> Result<Vec<Entry>, MountError> {
    table::read().map_err(MountError::Table)
}

pub fn is_ours(entry: &Entry) -> bool {
    entry.source == OsStr::new(NAME) && entry.kind.strip_prefix("fuse.") == Some(NAME)
}

/// Whether mounting makes the directory, if it is missing.
pub fn makes_directory(_point: &Path) -> bool {
    false
}

/// Whether somebody answers. Asked by statfs, which the kernel never answers itself; one that hangs counts as alive.
pub fn lives(point: &Path) -> bool {
    let (tell, told) = mpsc::channel();
    let point = point.to_owned();
    thread::spawn(move || tell.send(statvfs(&point).err()));
    // The second is the answer while the dead process is still being taken down.
    !matches!(told.recv_timeout(ANSWER), Ok(Some(Errno::ENOTCONN | Errno::ECONNABORTED)))
}

/// Mounts, read-only.
pub fn attach(point: &Path, options: MountOptions) -> Result<(OwnedFd, Mounting), MountError> {
    let device = match nix::unistd::geteuid().is_root() {
        true => match attach_as_root(point, options) {
            // Root without the right to mount, as in a container.
            Err(Errno::EPERM) => fusermount::attach(point, options)?,
            other => other.map_err(refused)?,
        },
        false => fusermount::attach(point, options)?,
    };
    let entry = place::top(point)?.filter(is_ours).ok_or_else(|| MountError::NotMounted(point.into()))?;
    Ok((device, Mounting(Identity { point: point.into(), id: entry.id })))
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

/// How the session works. Who may enter is the kernel's to decide, by allow_other; fuser's own rule would lock out root
/// as well. More threads can have a device of their own where fuser can open it again: where it is root's alone, a user
/// got his from fusermount3.
pub fn tune(config: &mut fuser::Config, _options: MountOptions) -> SessionACL {
    config.n_threads = Some(thread::available_parallelism().map_or(2, NonZeroUsize::get).clamp(2, MAX_THREADS));
    config.clone_fd = File::options().read(true).write(true).open(DEVICE).is_ok();
    SessionACL::All
}

/// Has the kernel read ahead far enough to hide a network (fuse.md §1: 39 → 724 MiB/s at 5 ms a request). Root only.
pub fn widen_read_ahead(identity: &Identity) {
    let _ = fs::write(format!("/sys/class/bdi/{}/read_ahead_kb", identity.id.device), "4096");
}

/// Takes away what is uppermost on a path, and leaves files that are open to those who have them.
pub fn take_away(point: &Path) -> Result<Gone, MountError> {
    end(point, true).map(|()| Gone::Free)
}

/// Takes away a mount that nobody answers.
pub fn clear_away(point: &Path) -> Result<(), MountError> {
    end(point, true)
}

/// Ends the mount on a path, if it is a photosfs.
pub fn unmount(point: &Path) -> Result<Gone, MountError> {
    let point = place::absolute(point)?;
    if !place::top(&point)?.as_ref().is_some_and(is_ours) {
        return Err(MountError::NotMounted(point));
    }
    let before = table::count(&point).map_err(MountError::Table)?;
    let gone = match end(&point, false) {
        Ok(()) => Gone::Free,
        Err(_) => {
            end(&point, true)?;
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
fn end(point: &Path, lazily: bool) -> Result<(), MountError> {
    let lazy = if lazily { MntFlags::MNT_DETACH } else { MntFlags::empty() };
    match umount2(point, lazy | MntFlags::UMOUNT_NOFOLLOW) {
        Err(Errno::EPERM) => fusermount::detach(point, lazily),
        other => other.map_err(|errno| MountError::Refused(errno.desc().into())),
    }
}
