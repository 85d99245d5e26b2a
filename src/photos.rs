//! iCloud Photos' own terms: libraries, assets, masters, resources, albums, and Apple's checksum of an original.

mod checksum;
mod download;
mod resource;
mod service;

pub use checksum::{Checksum, Verdict, Verifier};
pub use download::DownloadUrl;
pub use resource::{LibraryId, Resource, ResourceKind};
pub use service::{Photos, PhotosError};
