//! What the index tells of a file or directory.

use crate::photos::LibraryId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    Directory,
    File,
    Symlink,
}

/// An inode: identity, size and times. Numbers are persistent and never reused.
///
/// An inode of a file stands for one resource with one checksum: when an edit's rendering is replaced, the new bytes
/// are a new inode, so that an open file keeps what it was opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub ino: u64,
    pub kind: NodeKind,
    /// Bytes; for a symlink the length of its target; 0 for a directory.
    pub size: u64,
    /// How many directory entries name it; for a directory 2 and one for each subdirectory.
    pub nlink: u32,
    /// Nanoseconds since 1970, may be negative. Capture date for originals, edit date for renderings.
    pub mtime: i128,
    /// Nanoseconds since 1970: the record's change time, distinct for each inode.
    pub ctime: i128,
    /// Nanoseconds since 1970: when the photo entered the library.
    pub btime: i128,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub node: Node,
}

/// What is known of the photo behind a file, for extended attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub library: LibraryId,
    /// The asset's record name.
    pub asset: String,
    pub checksum: String,
    /// The name the file had when it was imported, if the record tells.
    pub original_name: Option<String>,
    pub favourite: bool,
    pub hidden: bool,
    pub title: Option<String>,
    pub description: Option<String>,
    pub keywords: Vec<String>,
    /// Degrees north and east.
    pub place: Option<(f64, f64)>,
    /// When a trashed photo will be gone for good: milliseconds since 1970.
    pub expires: Option<i64>,
}

/// Everything that is shown once, not counting links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub files: u64,
    pub bytes: u64,
}
