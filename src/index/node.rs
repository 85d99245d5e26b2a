//! What the index tells of a file or directory.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    Directory,
    File,
    Symlink,
    /// A file that the index makes, to describe an original: see `Index::sidecar`.
    Sidecar,
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

/// Everything that is shown once, not counting links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub files: u64,
    pub bytes: u64,
}
