//! Our types as fuser's.

use std::time::UNIX_EPOCH;

use fuser::{Errno, FileAttr, FileType, FopenFlags, INodeNo};

use crate::index::NodeKind;
use crate::vfs::{Attributes, Caching, VfsError};

pub fn attributes(own: &Attributes) -> FileAttr {
    FileAttr {
        ino: INodeNo(own.ino),
        size: own.size,
        blocks: own.blocks(),
        // No time of reading is kept; the capture time never makes a tool think a file was touched.
        atime: own.mtime,
        mtime: own.mtime,
        ctime: own.ctime,
        crtime: own.btime,
        kind: kind(own.kind),
        perm: own.permissions,
        nlink: own.nlink,
        uid: own.owner.uid,
        gid: own.owner.gid,
        rdev: 0,
        blksize: own.block_size(),
        flags: 0,
    }
}

/// What a lookup answers for a name that does not exist: an entry without an inode, which the kernel may remember.
pub fn no_entry() -> FileAttr {
    FileAttr {
        ino: INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: FileType::RegularFile,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 0,
        flags: 0,
    }
}

pub fn kind(kind: NodeKind) -> FileType {
    match kind {
        NodeKind::Directory => FileType::Directory,
        NodeKind::File | NodeKind::Sidecar => FileType::RegularFile,
        NodeKind::Symlink => FileType::Symlink,
    }
}

pub fn errno(error: &VfsError) -> Errno {
    Errno::from_i32(error.errno())
}

/// Files: nothing is ever written, so closing needs no message.
pub fn file_flags(caching: Caching) -> FopenFlags {
    FopenFlags::FOPEN_NOFLUSH
        | match caching {
            Caching::Keep => FopenFlags::FOPEN_KEEP_CACHE,
            Caching::Fresh => FopenFlags::empty(),
            // There mmap(2), and with it Preview, refuses files that are not cached (desktop.md §2.4).
            Caching::Never if cfg!(target_os = "macos") => FopenFlags::empty(),
            Caching::Never => FopenFlags::FOPEN_DIRECT_IO,
        }
}

/// Directories: the kernel keeps listings, which are 3.4 times as fast the second time (fuse.md §3).
pub fn directory_flags(caching: Caching) -> FopenFlags {
    match caching {
        Caching::Keep => FopenFlags::FOPEN_CACHE_DIR | FopenFlags::FOPEN_KEEP_CACHE,
        Caching::Fresh => FopenFlags::FOPEN_CACHE_DIR,
        Caching::Never => FopenFlags::empty(),
    }
}
