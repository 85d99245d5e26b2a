//! photosfs mounts a person's own iCloud Photos library as a read-only file system, so that rsync, restic, borg,
//! Finder or cp make an offline backup of the originals.
//!
//! Every decision is judged by one question: can a careful person trust the copy?
//!
//! # Rooms
//!
//! Imports point one way: `cli → fuse → vfs → {index, content} → photos → cloudkit → account → http`;
//! `sync → {photos, index}`; `index → tree → photos` (types only); [`config`] imports none of ours.
//! `tests/it/import_order.rs` reads the `use` lines and keeps it so.
//!
//! # Three walks
//!
//! - **read()**: [`fuse`] (copy, spawn) → [`vfs`] (handle → resource, clamp to size) → [`content`] (on disk? pread) →
//!   content's fetch (range, check, publish) → [`photos`] (fresh URL) → [`http`].
//! - **readdir()**: [`fuse`] → [`vfs`] (snapshot of the moment of opendir, mostly taken ahead) → [`index`] (one query). No network.
//! - **a photo was added**: [`sync`] (changes/zone until moreComing is false) → [`photos`] (pair asset and master) →
//!   [`index`] (one transaction) → [`vfs`] (drop what it remembered) → [`fuse`] (invalidation on its own thread, no lock held).

pub mod account;
pub mod cli;
pub mod cloudkit;
pub mod config;
pub mod content;
pub mod fuse;
pub mod http;
pub mod index;
pub mod photos;
pub mod sync;
pub mod tree;
pub mod vfs;
