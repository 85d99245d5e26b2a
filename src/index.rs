//! The index: records as rows, directory entries, inode numbers, tokens and holds, in one SQLite file.
//!
//! Everything a listing shows comes from here, so that it is complete, costs no network and survives a restart. A library's
//! rows are staged while it is first listed and shown all at once when the listing is proven; afterwards every
//! change of records, entries, inodes and the sync token is one transaction (design.md §2, rules 2 and 8).
//!
//! Calls are synchronous and, but for the large ones of [`Index::show`] and [`Index::apply`], short; [`Index`] can be
//! shared by threads: reading never waits for writing.

mod apply;
mod aside;
mod awaited;
mod claims;
mod condition;
mod damage;
mod directories;
mod discrepancy;
mod expected;
mod facts;
mod files;
mod hold;
mod inodes;
mod journal;
mod layout;
mod library;
mod links;
mod listing;
mod look;
mod news;
mod node;
mod note;
mod placing;
mod read;
mod record;
mod renewal;
mod schema;
mod sidecars;
mod store;
#[cfg(test)]
mod tests;
mod unlisted;
mod writer;

pub use crate::tree::Facts;
pub use apply::{Batch, TreeChange};
pub use aside::{Aside, Told};
pub use condition::Trouble;
pub use discrepancy::{ALBUM_LIST, Discrepancy, Offset};
pub use hold::{Decision, Held, Removal, Waiting, limit};
pub use journal::{Departure, Details, How, LostFile};
pub use library::{LibraryState, ViewCounts};
pub use listing::ListedPage;
pub use node::{Entry, Node, NodeKind, Totals};
pub use note::NoteKind;
pub use store::{Index, IndexError};
pub use unlisted::HistoryWalk;
pub use writer::Reliant;

/// The root directory's inode number, as FUSE wants it.
pub const ROOT: u64 = 1;

/// Inode numbers up to this one are not the index's: the root (1), and files the file system makes up.
pub const RESERVED: u64 = 999;

/// Inode numbers of the index have so many bits: they are exact in every program, JSON and floating point included. Above them
/// the file system makes up more.
pub const INO_BITS: u32 = 53;
