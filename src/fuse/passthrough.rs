//! Files the kernel reads by itself: whole, checked originals, handed to it once per inode.
//!
//! An inode has one mode while any handle of it is open (fuse.md §5.12: the kernel refuses to mix them with EIO). The
//! first open decides, later ones follow, and when the last is released the next one decides anew (fuse.md §7, 2). A
//! release may arrive late, so the count here is never lower than the kernel's.
//!
//! The kernel's reads end where the file ends, so only a file of exactly the original's size is handed over, and it is the
//! one that was checked. Nobody shortens such a file: eviction and replacement unlink it, which open handles survive.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use fuser::{BackingId, InitFlags, KernelConfig, ReplyOpen};

/// File systems that may lie below each other under the cache: 2, as it may be on overlayfs (fuse.md §5.12).
const DEPTH: u32 = 2;

/// How an inode is served while it is open.
enum Mode {
    /// By our answers, which the kernel caches.
    Cached,
    /// By the kernel itself, from this file.
    Passthrough { file: Arc<File>, backing: Arc<BackingId> },
}

/// An open file's mode, as the kernel is to be told.
pub enum Decision {
    Cached,
    Passthrough(Arc<BackingId>),
    /// The file behind the open handles is not the one that is whole now: no handle may be added to them.
    Conflict,
}

#[derive(Default)]
struct Inode {
    handles: usize,
    mode: Option<Mode>,
}

/// The modes of all open inodes.
#[derive(Default)]
pub struct Passthrough {
    /// False until the kernel offers it, and again once it has refused for lack of privilege.
    possible: AtomicBool,
    inodes: Mutex<HashMap<u64, Arc<Mutex<Inode>>>>,
}

impl Passthrough {
    /// Asks for it when the session begins: Linux 6.9 and later.
    pub fn begin(&self, kernel: &mut KernelConfig) {
        let offered = kernel.add_capabilities(InitFlags::FUSE_PASSTHROUGH).is_ok();
        self.possible.store(offered && kernel.set_max_stack_depth(DEPTH).is_ok(), Ordering::Relaxed);
    }

    /// Counts one more handle of an inode and says how it is served. `whole` is the original's file, if all of it is here.
    pub fn open(&self, ino: u64, whole: Option<Arc<File>>, reply: &ReplyOpen) -> Decision {
        // Held together: an inode that is being closed must not be taken for an open one.
        let mut inodes = self.inodes();
        let shared = inodes.entry(ino).or_default().clone();
        let mut inode = locked(&shared);
        drop(inodes);
        let mode = inode.mode.get_or_insert_with(|| self.decide(whole.clone(), reply));
        let decision = match mode {
            Mode::Cached => Decision::Cached,
            Mode::Passthrough { file, backing } => match whole {
                Some(whole) if Arc::ptr_eq(file, &whole) => Decision::Passthrough(backing.clone()),
                _ => return Decision::Conflict,
            },
        };
        inode.handles += 1;
        decision
    }

    /// Counts one handle less. The kernel has let go of it already.
    pub fn release(&self, ino: u64) {
        let mut inodes = self.inodes();
        let Some(shared) = inodes.get(&ino).cloned() else { return };
        let mut inode = locked(&shared);
        inode.handles = inode.handles.saturating_sub(1);
        if inode.handles == 0 {
            inodes.remove(&ino);
        }
    }

    fn decide(&self, whole: Option<Arc<File>>, reply: &ReplyOpen) -> Mode {
        let Some(file) = whole.filter(|_| self.possible.load(Ordering::Relaxed)) else { return Mode::Cached };
        match reply.open_backing(&file) {
            Ok(backing) => Mode::Passthrough { file, backing: Arc::new(backing) },
            Err(error) => {
                self.refused(&error);
                Mode::Cached
            }
        }
    }

    /// A user's process is told EPERM, for every file alike; other refusals are one file's.
    fn refused(&self, error: &io::Error) {
        if matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOTTY | libc::ENOSYS | libc::EOPNOTSUPP)) {
            self.possible.store(false, Ordering::Relaxed);
            tracing::debug!(%error, "originals on disk are read through us: the kernel takes files from root only");
        } else {
            tracing::debug!(%error, "the kernel does not take this file");
        }
    }

    fn inodes(&self) -> MutexGuard<'_, HashMap<u64, Arc<Mutex<Inode>>>> {
        self.inodes.lock().expect("no panic while locked")
    }
}

fn locked(inode: &Mutex<Inode>) -> MutexGuard<'_, Inode> {
    inode.lock().expect("no panic while locked")
}
