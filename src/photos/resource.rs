//! One file of a photo: the original, the video half of a Live Photo, an edit's rendering …

use serde::{Deserialize, Serialize};

use super::Checksum;

/// The name of a library's zone: `PrimarySync` or `SharedSync-…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LibraryId(pub String);

/// Which file of a photo (protocol/photos.md §5.1 and §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ResourceKind {
    /// The imported file, byte for byte.
    Original,
    /// The second original of RAW + JPEG.
    Alternative,
    /// The video half of a Live Photo.
    LiveVideo,
    /// The rendering of an edited picture.
    Edited,
    /// The rendering of an edited video, or the video half of an edited Live Photo.
    EditedVideo,
    /// A sidecar imported with the photo (XMP, AAE).
    Sidecar,
}

impl ResourceKind {
    /// Every kind photosfs shows.
    pub const ALL: [ResourceKind; 6] = [
        ResourceKind::Original,
        ResourceKind::Alternative,
        ResourceKind::LiveVideo,
        ResourceKind::Edited,
        ResourceKind::EditedVideo,
        ResourceKind::Sidecar,
    ];

    /// The prefix of its fields: `PRes`, `PFileType`, `PFingerprint`.
    pub fn prefix(self) -> &'static str {
        match self {
            ResourceKind::Original => "resOriginal",
            ResourceKind::Alternative => "resOriginalAlt",
            ResourceKind::LiveVideo => "resOriginalVidCompl",
            ResourceKind::Edited => "resJPEGFull",
            ResourceKind::EditedVideo => "resVidFull",
            ResourceKind::Sidecar => "resSidecar",
        }
    }
}

/// A file that can be downloaded, and all that is known of it before any byte is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub library: LibraryId,
    /// The record that carries it: the master's for originals, the asset's for renderings of an edit.
    pub record_name: String,
    pub kind: ResourceKind,
    /// Length in bytes.
    pub size: u64,
    pub checksum: Checksum,
}
