//! Albums, folders, and what is in them.

use serde::{Deserialize, Serialize};

use crate::cloudkit::Record;

/// What a CPLAlbum is (protocol/photos.md §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlbumKind {
    Album,
    Folder,
    /// A smart album of the person's own making, or a kind nobody knows: it holds no relations.
    Other,
}

/// CPLAlbum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Album {
    pub name: String,
    /// What the person called it.
    pub title: Option<String>,
    pub kind: AlbumKind,
    /// The folder it is in; `None` at the top.
    pub parent: Option<String>,
    pub deleted: bool,
    pub modified: i64,
}

/// Pseudo folders that stand for the top level (protocol/photos.md §2.3).
const ROOTS: [&str; 2] = ["----Root-Folder----", "----Project-Root-Folder----"];

impl Album {
    /// Reads a CPLAlbum; `None` for the pseudo folders.
    pub fn read(record: &Record<'_>) -> Option<Album> {
        if ROOTS.contains(&record.name.as_str()) {
            return None;
        }
        Some(Album {
            name: record.name.clone(),
            title: record.text("albumNameEnc"),
            kind: match record.int("albumType") {
                Some(0) | None => AlbumKind::Album,
                Some(3) => AlbumKind::Folder,
                Some(_) => AlbumKind::Other,
            },
            parent: record.text("parentId").filter(|parent| !ROOTS.contains(&parent.as_str())),
            deleted: record.flag("isDeleted") || record.deleted,
            modified: record.modified.unwrap_or(0),
        })
    }
}

/// CPLContainerRelation: an asset is in an album. The asset may live in another library.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    pub album: String,
    pub asset: String,
}

impl Member {
    pub fn read(record: &Record<'_>) -> Option<Member> {
        match (record.text("containerId"), record.text("itemId")) {
            (Some(album), Some(asset)) => Some(Member { album, asset }),
            _ => Member::from_name(&record.name),
        }
    }

    /// The name of the relation's record.
    pub fn record_name(&self) -> String {
        format!("{}-IN-{}", self.asset, self.album)
    }

    /// The record name tells both, also in a tombstone (protocol/photos.md §3.4).
    pub fn from_name(record_name: &str) -> Option<Member> {
        let (asset, album) = record_name.split_once("-IN-")?;
        Some(Member { album: album.to_owned(), asset: asset.to_owned() })
    }
}
