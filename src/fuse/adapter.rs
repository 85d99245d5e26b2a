//! One short method for each request: convert, ask the file system, reply.

use std::ffi::OsStr;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, Errno, FileHandle, Filesystem, Generation, INodeNo, IoctlFlags,
    KernelConfig, LockOwner, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr, ReplyBmap, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLseek, ReplyOpen, ReplyStatfs,
    ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use tokio::runtime::Handle;

use super::passthrough::{Decision, Passthrough};
use super::repeated::Repeated;
use super::{convert, platform};
use crate::vfs::{Caching, Opened, Vfs, VfsError};

/// Requests the kernel may have in flight of its own accord: read-ahead is as wide as this (fuse.md §1, 16 → 64:
/// 724 → 1,229 MiB/s at 5 ms).
const MAX_BACKGROUND: u16 = 64;

/// The unit in which sizes of the whole are told.
const FRAGMENT: u32 = 4096;

#[derive(Clone)]
pub struct Adapter {
    vfs: Arc<Vfs>,
    runtime: Handle,
    passthrough: Arc<Passthrough>,
    errors: Arc<Repeated>,
}

impl Adapter {
    pub fn new(vfs: Arc<Vfs>, runtime: Handle) -> Adapter {
        Adapter { vfs, runtime, passthrough: Arc::default(), errors: Arc::default() }
    }

    /// Answers a request. A panic is that request's EIO: a session thread that ends would leave the mount hanging
    /// (fuse.md §9, 4).
    fn ask<T>(&self, operation: &str, question: impl FnOnce(&Vfs) -> Result<T, VfsError>) -> Result<T, Errno> {
        match catch_unwind(AssertUnwindSafe(|| question(&self.vfs))) {
            Ok(answer) => answer.map_err(|error| self.refused(operation, &error)),
            Err(_) => {
                tracing::error!(operation, "a bug: the request was answered with an error");
                Err(Errno::EIO)
            }
        }
    }

    /// Answers an open when it is known whether reads have any hope.
    fn open_in_doubt(&self, ino: u64, opened: Opened, reply: ReplyOpen) {
        let own = self.clone();
        self.runtime.spawn(async move {
            match own.vfs.assure(opened.handle).await {
                Ok(()) => own.opened(ino, opened, reply),
                Err(error) => reply.error(own.refused("open", &error)),
            }
        });
    }

    /// Answers an open of an original: the kernel reads it by itself if all of it is here.
    fn opened(&self, ino: u64, opened: Opened, reply: ReplyOpen) {
        let handle = FileHandle(opened.handle);
        let decided = self.ask("open", |vfs| {
            let whole = vfs.whole_file(opened.handle)?;
            Ok(self.passthrough.open(ino, whole, &reply))
        });
        let errno = match decided {
            Ok(Decision::Cached) => return reply.opened(handle, convert::file_flags(opened.caching)),
            // No pages of an earlier, cached open are kept: they would only be in memory twice.
            Ok(Decision::Passthrough(backing)) => {
                return reply.opened_passthrough(handle, convert::file_flags(Caching::Fresh), &backing);
            }
            Ok(Decision::Conflict) => Errno::EIO,
            Err(errno) => errno,
        };
        let _ = self.ask("open", |vfs| vfs.release(opened.handle));
        reply.error(errno);
    }

    /// The error number for the kernel; trouble is told in the log.
    fn refused(&self, operation: &str, error: &VfsError) -> Errno {
        match error.errno() {
            libc::EIO => {
                if let Some(repeated) = self.errors.is_due(format!("{operation}: {error}"), Instant::now()) {
                    tracing::warn!(operation, %error, repeated, "answered with an input/output error");
                }
            }
            _ => tracing::debug!(operation, %error),
        }
        convert::errno(error)
    }
}

impl Filesystem for Adapter {
    fn init(&mut self, _: &Request, kernel: &mut KernelConfig) -> io::Result<()> {
        // Each is asked for by itself: a kernel that lacks one gives the others.
        for capability in platform::CAPABILITIES {
            if kernel.add_capabilities(capability).is_err() {
                tracing::debug!(?capability, "the kernel lacks this");
            }
        }
        let _ = kernel.set_max_background(MAX_BACKGROUND);
        self.passthrough.begin(kernel);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.ask("lookup", |vfs| vfs.lookup(parent.0, name)) {
            Ok(found) => {
                let attributes = found.attributes.as_ref().map_or_else(convert::no_entry, convert::attributes);
                reply.entry(&found.ttl, &attributes, Generation(self.vfs.generation(attributes.ino.0)));
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, handle: Option<FileHandle>, reply: ReplyAttr) {
        match self.ask("getattr", |vfs| vfs.getattr(ino.0, handle.map(|handle| handle.0))) {
            Ok((attributes, ttl)) => reply.attr(&ttl, &convert::attributes(&attributes)),
            Err(errno) => reply.error(errno),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.ask("readlink", |vfs| vfs.readlink(ino.0)) {
            Ok(target) => reply.data(target.as_bytes()),
            Err(errno) => reply.error(errno),
        }
    }

    fn open(&self, request: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let writing = flags.acc_mode() != OpenAccMode::O_RDONLY;
        match self.ask("open", |vfs| vfs.open_for(ino.0, writing, request.pid())) {
            Ok(opened) if opened.caching == Caching::Never => {
                reply.opened(FileHandle(opened.handle), convert::file_flags(Caching::Never));
            }
            Ok(opened) if opened.is_doubtful => self.open_in_doubt(ino.0, opened, reply),
            Ok(opened) => self.opened(ino.0, opened, reply),
            Err(errno) => reply.error(errno),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let (handle, length) = (handle.0, u64::from(size));
        match self.ask("read", |vfs| vfs.read_now(handle, offset, length)) {
            Ok(Some(bytes)) => return reply.data(&bytes),
            Err(errno) => return reply.error(errno),
            Ok(None) => {}
        }
        let own = self.clone();
        // A task that panics drops its reply, which fuser then answers with EIO.
        self.runtime.spawn(async move {
            match own.vfs.read(handle, offset, length).await {
                Ok(bytes) => reply.data(&bytes),
                Err(error) => reply.error(own.refused("read", &error)),
            }
        });
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        // Before the handle goes: while an inode has a mode, the file behind it is held.
        self.passthrough.release(ino.0);
        done(reply, self.ask("release", |vfs| vfs.release(handle.0)));
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.ask("opendir", |vfs| vfs.opendir(ino.0)) {
            Ok(opened) => reply.opened(FileHandle(opened.handle), convert::directory_flags(opened.caching)),
            Err(errno) => reply.error(errno),
        }
    }

    fn readdir(&self, _: &Request, _: INodeNo, handle: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let page = match self.ask("readdir", |vfs| vfs.page(handle.0, offset)) {
            Ok(page) => page,
            Err(errno) => return reply.error(errno),
        };
        for (next, entry) in page.entries() {
            let full = reply.add(INodeNo(entry.attributes.ino), next, convert::kind(entry.attributes.kind), entry.name);
            if full {
                break;
            }
        }
        reply.ok();
    }

    fn readdirplus(&self, _: &Request, _: INodeNo, handle: FileHandle, offset: u64, mut reply: ReplyDirectoryPlus) {
        let page = match self.ask("readdirplus", |vfs| vfs.page(handle.0, offset)) {
            Ok(page) => page,
            Err(errno) => return reply.error(errno),
        };
        for (next, entry) in page.entries() {
            let attributes = convert::attributes(&entry.attributes);
            let ttl = self.vfs.listing_ttl(&page, entry.attributes.ino);
            let generation = Generation(self.vfs.generation(attributes.ino.0));
            if reply.add(attributes.ino, next, entry.name, &ttl, &attributes, generation) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, handle: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        done(reply, self.ask("releasedir", |vfs| vfs.release(handle.0)));
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match self.ask("statfs", Vfs::totals) {
            Ok(totals) => {
                let blocks = totals.bytes.div_ceil(u64::from(FRAGMENT));
                reply.statfs(blocks, 0, 0, totals.files, 0, FRAGMENT, 255, FRAGMENT);
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        attribute(reply, size, self.ask("getxattr", |vfs| vfs.getxattr(ino.0, name)));
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        attribute(reply, size, self.ask("listxattr", |vfs| vfs.listxattr(ino.0)));
    }

    fn access(&self, _: &Request, ino: INodeNo, mask: AccessFlags, reply: ReplyEmpty) {
        done(reply, self.ask("access", |vfs| vfs.access(ino.0, mask.contains(AccessFlags::W_OK))));
    }

    // Nothing is ever written, so there is nothing to flush.

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    // ENOSYS here is an answer the kernel remembers: from then on it finds holes (none) by itself.

    fn lseek(&self, _: &Request, _: INodeNo, _: FileHandle, _: i64, _: i32, reply: ReplyLseek) {
        reply.error(Errno::ENOSYS);
    }

    fn bmap(&self, _: &Request, _: INodeNo, _: u32, _: u64, reply: ReplyBmap) {
        reply.error(Errno::EINVAL);
    }

    fn ioctl(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        _: u32,
        _: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        reply.error(Errno::ENOTTY);
    }

    // A read-only mount refuses these before they come here. They are answered all the same, because fuser's own
    // answers are ENOSYS and a line in the log each time (fuse.md §9, 12).

    fn setattr(
        &self,
        _: &Request,
        _: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        reply.error(Errno::EROFS);
    }

    fn mknod(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, _: u32, reply: ReplyEntry) {
        reply.error(Errno::EROFS);
    }

    fn mkdir(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        reply.error(Errno::EROFS);
    }

    fn unlink(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    fn rmdir(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    fn symlink(&self, _: &Request, _: INodeNo, _: &OsStr, _: &Path, reply: ReplyEntry) {
        reply.error(Errno::EROFS);
    }

    fn rename(&self, _: &Request, _: INodeNo, _: &OsStr, _: INodeNo, _: &OsStr, _: RenameFlags, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    fn link(&self, _: &Request, _: INodeNo, _: INodeNo, _: &OsStr, reply: ReplyEntry) {
        reply.error(Errno::EROFS);
    }

    fn create(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        reply.error(Errno::EROFS);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: u64,
        _: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        reply.error(Errno::EROFS);
    }

    fn fallocate(&self, _: &Request, _: INodeNo, _: FileHandle, _: u64, _: u64, _: i32, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    fn copy_file_range(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: u64,
        _: INodeNo,
        _: FileHandle,
        _: u64,
        _: u64,
        _: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        reply.error(Errno::EROFS);
    }

    fn setxattr(&self, _: &Request, _: INodeNo, _: &OsStr, _: &[u8], _: i32, _: u32, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    fn removexattr(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }

    /// The date of creation, which the Finder and `rsync -N` take from here alone (desktop.md §3.3). No backup is noted.
    #[cfg(target_os = "macos")]
    fn getxtimes(&self, _: &Request, ino: INodeNo, reply: fuser::ReplyXTimes) {
        match self.ask("getxtimes", |vfs| vfs.getattr(ino.0, None)) {
            Ok((attributes, _)) => reply.xtimes(SystemTime::UNIX_EPOCH, attributes.btime),
            Err(errno) => reply.error(errno),
        }
    }

    #[cfg(target_os = "macos")]
    fn setvolname(&self, _: &Request, _: &OsStr, reply: ReplyEmpty) {
        reply.error(Errno::ENOTSUP);
    }

    #[cfg(target_os = "macos")]
    fn exchange(&self, _: &Request, _: INodeNo, _: &OsStr, _: INodeNo, _: &OsStr, _: u64, reply: ReplyEmpty) {
        reply.error(Errno::EROFS);
    }
}

fn done(reply: ReplyEmpty, outcome: Result<(), Errno>) {
    match outcome {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

/// A size of 0 asks how large the value is.
fn attribute(reply: ReplyXattr, size: u32, value: Result<Vec<u8>, Errno>) {
    match value {
        Ok(value) if size == 0 => reply.size(value.len() as u32),
        Ok(value) if value.len() > size as usize => reply.error(Errno::ERANGE),
        Ok(value) => reply.data(&value),
        Err(errno) => reply.error(errno),
    }
}
