//! Albums, folders, and what lies in them.

use super::name::Uuid;
use super::stamp::Stamp;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct AlbumIndex(pub(crate) u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct RelationIndex(pub(crate) u32);

/// CPLAlbum: an album or a folder (photos.md §4.3).
#[derive(Clone, Debug)]
pub(crate) struct Album {
    pub(crate) stamp: Stamp,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) is_folder: bool,
    pub(crate) parent: Option<Uuid>,
    pub(crate) position: i64,
    /// When it was deleted; the record stays for a while.
    pub(crate) deleted_ms: Option<i64>,
}

impl Album {
    pub(crate) fn is_live(&self) -> bool {
        self.stamp.is_here() && self.deleted_ms.is_none()
    }
}

/// CPLContainerRelation: one asset in one album (photos.md §4.4).
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) stamp: Stamp,
    pub(crate) album: AlbumIndex,
    pub(crate) item: Uuid,
    /// Multiples of 1024.
    pub(crate) position: i64,
    /// Capture date of a member that lives in another zone.
    pub(crate) foreign_ms: Option<i64>,
}
