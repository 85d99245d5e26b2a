//! A photo as its owner sees it, and the imported file behind it.

use std::sync::Arc;

use super::checksum::Checksum;
use super::name::Uuid;
use super::photo::{Burst, Edit, FileName, Location};
use super::resource::{Resource, Resources, Slot};
use super::stamp::Stamp;

/// Index of an asset within its zone; slots are never used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct AssetIndex(pub(crate) u32);

/// Index of a master within its zone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct MasterIndex(pub(crate) u32);

/// CPLAsset (photos.md §4.2).
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) stamp: Stamp,
    pub(crate) id: Uuid,
    pub(crate) master: MasterIndex,
    pub(crate) captured_ms: i64,
    pub(crate) added_ms: i64,
    pub(crate) utc_offset_s: Option<i32>,
    pub(crate) time_zone: Option<Arc<str>>,
    pub(crate) favourite: bool,
    pub(crate) hidden: bool,
    pub(crate) trashed: Option<Trashed>,
    pub(crate) duration_ms: i64,
    pub(crate) orientation: u8,
    pub(crate) subtype: i64,
    pub(crate) subtype_v2: i64,
    pub(crate) burst: Option<Burst>,
    pub(crate) edit: Option<Box<Edited>>,
    pub(crate) caption: Option<Box<str>>,
    pub(crate) description: Option<Box<str>>,
    pub(crate) keywords: Vec<String>,
    pub(crate) location: Option<Location>,
}

/// An asset in Recently Deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trashed {
    pub(crate) at_ms: i64,
    /// `trashReason`: 0 moved to another library, 1 deleted by a person (photos.md §3.6).
    pub(crate) reason: i64,
    /// It only moved elsewhere: not to be seen even in Recently Deleted.
    pub(crate) expunged: bool,
}

const DAY_MS: i64 = 86_400_000;

impl Trashed {
    /// When it will be purged: 30 days on, in milliseconds.
    pub(crate) fn date_expunged_ms(&self) -> i64 {
        self.at_ms + 30 * DAY_MS
    }

    /// `expirationTime` of the record: 40 days on, in seconds.
    pub(crate) fn expiration_time_s(&self) -> i64 {
        (self.at_ms + 40 * DAY_MS).div_euclid(1000)
    }
}

/// The stored form of an [`Edit`].
#[derive(Clone, Debug)]
pub(crate) struct Edited {
    pub(crate) adjustment_type: String,
    pub(crate) render_type: i64,
    pub(crate) resources: Resources,
}

impl From<Edit> for Edited {
    fn from(edit: Edit) -> Edited {
        let picture = edit.picture.map(|resource| (Slot::EditedPicture, resource));
        let video = edit.video.map(|resource| (Slot::EditedVideo, resource));
        Edited {
            adjustment_type: edit.adjustment_type,
            render_type: edit.render_type,
            resources: picture.into_iter().chain(video).chain(edit.renditions).collect(),
        }
    }
}

impl Asset {
    /// In the ordinary listings: not hidden, not trashed, and not a lesser frame of a burst.
    pub(crate) fn is_visible(&self) -> bool {
        self.is_shown() && !self.hidden
    }

    /// There, not trashed, and reachable by listings.
    pub(crate) fn is_shown(&self) -> bool {
        self.stamp.is_here() && self.trashed.is_none() && self.burst.as_ref().is_none_or(|burst| burst.pick)
    }

    pub(crate) fn is_recently_deleted(&self) -> bool {
        self.stamp.is_here() && self.trashed.is_some_and(|trashed| !trashed.expunged)
    }

    pub(crate) fn render_type(&self) -> i64 {
        self.edit.as_ref().map_or(0, |edit| edit.render_type)
    }
}

/// CPLMaster (photos.md §4.1).
#[derive(Clone, Debug)]
pub(crate) struct Master {
    pub(crate) stamp: Stamp,
    pub(crate) file_name: FileName,
    pub(crate) item_type: Option<Box<str>>,
    pub(crate) video: bool,
    pub(crate) orientation: u8,
    pub(crate) resources: Resources,
    /// Set when a device trashed the asset (photos.md §3.4).
    pub(crate) trashed: Option<Trashed>,
    /// Stands in for the content in the record name when there is no original.
    pub(crate) fallback_name: Uuid,
}

impl Master {
    pub(crate) fn original(&self) -> Option<&Resource> {
        self.resources.get(Slot::Original)
    }

    /// The record name is the checksum of the original's content; where the fingerprint is keyed it is another first-
    /// generation signature (photos.md §4.1, §6).
    pub(crate) fn name(&self) -> String {
        match self.original() {
            Some(original) if original.keyed_checksum => original.body.signature().to_string(),
            Some(original) => original.body.checksum().to_string(),
            None => {
                use sha1::Digest;
                Checksum::finish(Checksum::hasher().chain_update(self.fallback_name.to_string())).to_string()
            }
        }
    }
}
