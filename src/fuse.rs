//! The kernel's side of the file system: mounting, answering, invalidating. Nothing outside of this room knows fuser.
//!
//! photosfs mounts by itself and hands fuser an open device, so that fuser never unmounts anything: its own unmounting can
//! hit a file system that is not ours (fuse.md §9, 1 to 3 and 5). What is here or in memory is answered on the session's
//! threads; whatever may wait is answered from tokio, within content's deadline. Messages to the kernel about changes come
//! from a thread of their own that owes no reply and holds no lock (fuse.md §9, 9). Originals that are whole on disk the
//! kernel reads by itself, where it may (`passthrough.rs`).

mod adapter;
mod convert;
mod error;
mod handed;
mod invalidation;
mod mounted;
mod passthrough;
mod place;
mod repeated;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;

// Tested everywhere, with a stand-in for macFUSE's program.
#[cfg(any(target_os = "macos", test))]
mod macfuse;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as platform;

use std::path::Path;
use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::Handle;

use crate::vfs::Vfs;
use adapter::Adapter;
pub use error::MountError;
pub use mounted::{Gone, Mounted};
pub use place::is_mounted;
pub use platform::unmount;

/// What the table of mounts shows as the source, and Linux also in the type: `fuse.photosfs`.
pub const NAME: &str = "photosfs";

#[derive(Clone, Copy, Debug, Default)]
pub struct MountOptions {
    /// Whether other users, root among them, may look in.
    pub allow_other: bool,
}

/// Whether the library can be mounted on a path: what [`mount`] would find out first, without the mount.
///
/// # Errors
/// See [`MountError`].
pub fn check(point: &Path) -> Result<(), MountError> {
    place::check(point)
}

/// Mounts and begins to answer. A mount of ours whose process has died is cleared away first; anything else that is
/// mounted there is left alone and is an error. Requests that wait run on `runtime`.
///
/// # Errors
/// See [`MountError`]; each knows what a person can do about it.
pub fn mount(vfs: Arc<Vfs>, point: &Path, options: MountOptions, runtime: Handle) -> Result<Mounted, MountError> {
    raise_open_files();
    let point = place::prepare(point)?;
    let (device, mounting) = platform::attach(&point, options)?;
    let mut config = fuser::Config::default();
    let acl = platform::tune(&mut config, options);
    match fuser::Session::from_fd(Adapter::new(vfs.clone(), runtime), device, acl, config) {
        Ok(session) => Mounted::start(session, mounting, vfs),
        Err(error) => {
            mounting.abandon();
            Err(MountError::Session(error))
        }
    }
}

/// Every open original holds a file of the cache: as many as the system lets this process have.
fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| match soft < hard {
        true => setrlimit(Resource::RLIMIT_NOFILE, hard.min(platform::OPEN_FILES), hard),
        false => Ok(()),
    });
    if let Err(error) = raised {
        tracing::debug!(%error, "the number of open files stays limited");
    }
}
