//! Questions the file system asks.

use thiserror::Error;

use super::{Entry, Facts, Node, Totals};
use crate::photos::Resource;

#[derive(Debug, Error)]
pub enum IndexError {
    #[error("the index cannot be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// The index of one account. Shared by threads; every call takes microseconds to a few milliseconds.
pub struct Index {}

impl Index {
    /// The inode with this number, or `None` if none ever had it or it is shown nowhere any more.
    pub fn node(&self, _ino: u64) -> Result<Option<Node>, IndexError> {
        todo!()
    }

    /// The child of a directory with exactly this name (NFC).
    pub fn lookup(&self, _parent: u64, _name: &str) -> Result<Option<Node>, IndexError> {
        todo!()
    }

    /// All children of a directory, by name.
    pub fn children(&self, _directory: u64) -> Result<Vec<Entry>, IndexError> {
        todo!()
    }

    /// The directory that holds this directory.
    pub fn parent(&self, _directory: u64) -> Result<Option<u64>, IndexError> {
        todo!()
    }

    /// The resource a file's inode stands for. Answered also for a file that has left the tree while it is open.
    pub fn resource(&self, _ino: u64) -> Result<Option<Resource>, IndexError> {
        todo!()
    }

    /// Where a symlink points.
    pub fn link_target(&self, _ino: u64) -> Result<Option<String>, IndexError> {
        todo!()
    }

    /// What is known of the photo behind a file.
    pub fn facts(&self, _ino: u64) -> Result<Option<Facts>, IndexError> {
        todo!()
    }

    /// Files and bytes of everything shown, each once.
    pub fn totals(&self) -> Result<Totals, IndexError> {
        todo!()
    }
}
