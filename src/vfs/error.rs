//! What can go wrong, and the one table that says it to the kernel.

use std::sync::Arc;

use thiserror::Error;

use crate::content::ContentError;
use crate::index::IndexError;

#[derive(Clone, Debug, Error)]
pub enum VfsError {
    /// This inode number is shown nowhere any more, or never was.
    #[error("this file is no longer in the tree")]
    Stale,
    #[error("not a directory")]
    NotDirectory,
    #[error("a directory")]
    IsDirectory,
    #[error("not a symbolic link")]
    NotSymlink,
    #[error("the library is read-only")]
    ReadOnly,
    #[error("no such open file")]
    BadHandle,
    #[error("too many open files")]
    TooManyOpen,
    #[error("no such attribute")]
    NoAttribute,
    /// This program is given only what is in the cache, because the person said so.
    #[error("not in the cache, and this program is not to have it fetched")]
    CachedOnly,
    /// The size shown is not the size of the resource: whatever were served could be short.
    #[error("the size of this file is not proven")]
    SizeUnproven,
    #[error("the directory could not be listed to its end")]
    Unlisted,
    #[error("{0}")]
    Index(Arc<IndexError>),
    #[error("{0}")]
    Content(ContentError),
}

impl From<IndexError> for VfsError {
    fn from(error: IndexError) -> VfsError {
        VfsError::Index(Arc::new(error))
    }
}

impl VfsError {
    /// The error number for the kernel. No kind of trouble is ENOENT: backup tools take that for a deletion
    /// (backup-tools.md §5.2). A name that does not exist is an answer of `lookup`, not an error.
    pub fn errno(&self) -> i32 {
        match self {
            VfsError::Stale => libc::ESTALE,
            VfsError::NotDirectory => libc::ENOTDIR,
            VfsError::IsDirectory => libc::EISDIR,
            VfsError::NotSymlink => libc::EINVAL,
            VfsError::ReadOnly => libc::EROFS,
            VfsError::BadHandle => libc::EBADF,
            VfsError::TooManyOpen => libc::ENFILE,
            VfsError::NoAttribute if cfg!(target_os = "macos") => NO_ATTRIBUTE_ON_MACOS,
            VfsError::NoAttribute => libc::ENODATA,
            // A refusal and no fault: whoever sees it is not to look for a broken disk.
            VfsError::CachedOnly => libc::EACCES,
            VfsError::SizeUnproven | VfsError::Unlisted | VfsError::Index(_) | VfsError::Content(_) => libc::EIO,
        }
    }
}

/// ENOATTR: the Finder shows no file at all if it gets ENODATA (desktop.md §3.3).
const NO_ATTRIBUTE_ON_MACOS: i32 = 93;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_eio_and_never_enoent() {
        let content = [ContentError::Offline, ContentError::TimedOut, ContentError::Damaged, ContentError::Refetched];
        for error in content {
            assert_eq!(VfsError::Content(error).errno(), libc::EIO);
        }
        let index = VfsError::from(IndexError::Sqlite(rusqlite::Error::InvalidQuery));
        assert_eq!(index.errno(), libc::EIO);
        assert_eq!(VfsError::SizeUnproven.errno(), libc::EIO);
        assert_eq!(VfsError::Unlisted.errno(), libc::EIO);
        let others = [
            VfsError::Stale,
            VfsError::NotDirectory,
            VfsError::IsDirectory,
            VfsError::NotSymlink,
            VfsError::ReadOnly,
            VfsError::BadHandle,
            VfsError::TooManyOpen,
            VfsError::NoAttribute,
            VfsError::CachedOnly,
        ];
        for error in others {
            assert_ne!(error.errno(), libc::ENOENT, "{error}");
        }
    }
}
