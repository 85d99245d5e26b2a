//! The index: records as rows, directory entries, inode numbers, tokens and holds, in one SQLite file.
//!
//! Everything a listing shows comes from here, so that it is complete, costs no network and survives a restart.
//! Calls are synchronous and short; [`Index`] can be shared by threads.

mod node;
mod read;

pub use node::{Entry, Facts, Node, NodeKind, Totals};
pub use read::{Index, IndexError};

/// The root directory's inode number, as FUSE wants it.
pub const ROOT: u64 = 1;

/// Inode numbers up to this one are not the index's: the root (1), and files the file system makes up (2 ..= 999).
pub const RESERVED: u64 = 999;
