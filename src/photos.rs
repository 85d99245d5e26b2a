//! iCloud Photos' own terms: libraries, assets, masters, resources, albums, and Apple's checksum of an original.
//!
//! Records come in from [`crate::cloudkit`]; what goes out is what a file system needs to know of a photo. Everything is
//! keyed by the **asset**: several assets may share one master (protocol/photos.md §2.5).

mod album;
mod asset;
mod change;
mod checksum;
mod download;
mod file_type;
mod library;
mod place;
mod resource;
mod service;

pub use crate::cloudkit::{Area, MOST_CALLS, SyncToken, Trail, Zone};
pub use album::{Album, AlbumKind, Member};
pub use asset::{Asset, Master, Sighting};
pub use change::Change;
pub use checksum::{Checksum, Verdict, Verifier};
pub use download::DownloadUrl;
pub use file_type::{extension, is_raw, is_video};
pub use library::{Library, View};
pub use place::Place;
pub use resource::{LibraryId, Resource, ResourceKind};
pub use service::{
    AlbumList, AlbumPage, Announced, AssetPage, ChangePage, Indexing, LOOKUP, News, Photos, PhotosError,
};
