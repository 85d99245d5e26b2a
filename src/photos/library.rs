//! A library, and the lists the service keeps of it.

use super::LibraryId;
use crate::cloudkit::Zone;

/// The person's own library, or one they share: a zone (protocol/photos.md §1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    pub zone: Zone,
}

impl Library {
    /// The library in a zone. Only names known to be libraries are: others have turned up and broken every client
    /// that took what it did not know.
    pub fn of(zone: Zone) -> Option<Library> {
        let is_library = zone.name == Library::PRIMARY || zone.name.starts_with("SharedSync-");
        is_library.then_some(Library { zone })
    }

    /// The zone of everybody's own library.
    pub const PRIMARY: &str = "PrimarySync";

    pub fn id(&self) -> LibraryId {
        LibraryId(self.zone.name.clone())
    }

    /// Whether albums live here. In shared libraries the album index does not exist (protocol/photos.md §1.3).
    pub fn has_albums(&self) -> bool {
        self.zone.name == Library::PRIMARY
    }
}

/// A list of assets: together the first three hold every asset of a library.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum View {
    Visible,
    Hidden,
    Trashed,
    /// The members of an album.
    Album(String),
}

impl View {
    /// The views that partition a library.
    pub const ALL: [View; 3] = [View::Visible, View::Hidden, View::Trashed];

    /// The index to query (protocol/photos.md §2.2).
    pub fn index(&self) -> &'static str {
        match self {
            View::Visible => "CPLAssetAndMasterByAssetDateWithoutHiddenOrDeleted",
            View::Hidden => "CPLAssetAndMasterHiddenByAssetDate",
            View::Trashed => "CPLAssetAndMasterDeletedByExpungedDate",
            View::Album(_) => "CPLContainerRelationLiveByAssetDate",
        }
    }

    /// The name its count is asked by.
    pub(super) fn count_index(&self) -> String {
        match self {
            View::Visible => "CPLAssetByAssetDateWithoutHiddenOrDeleted".into(),
            View::Hidden => "CPLAssetHiddenByAssetDate".into(),
            View::Trashed => "CPLAssetDeletedByExpungedDate".into(),
            View::Album(album) => format!("CPLContainerRelationNotDeletedByAssetDate:{album}"),
        }
    }

    /// How many ranks one full page of an album covers.
    pub const MEMBERS: u64 = 66;

    /// How many ranks one full page covers: 200 records, two for each asset (§2.5).
    const ASSETS: u64 = 100;

    /// What two pages of assets have in common: so many photos may come or go between them, and none slips through. More cost
    /// another walk. A first listing of 20,000 took 610 requests if one photo came meanwhile, and 402 if none did; it takes
    /// 406. The list of an album is short, and read again by itself.
    const OVERLAP: u64 = 2;

    /// How many ranks a walk goes on by with each page.
    pub fn stride(&self) -> u64 {
        match self {
            View::Album(_) => View::MEMBERS,
            _ => View::ASSETS - View::OVERLAP,
        }
    }
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            View::Visible => "visible",
            View::Hidden => "hidden",
            View::Trashed => "recently deleted",
            View::Album(_) => "an album",
        })
    }
}
