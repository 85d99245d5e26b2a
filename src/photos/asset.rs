//! A photo as the person sees it (CPLAsset), and the imported file behind it (CPLMaster).

use serde::{Deserialize, Serialize};

use super::{Checksum, Place, ResourceKind};
use crate::cloudkit::Record;

/// A resource as a record tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    pub kind: ResourceKind,
    pub size: u64,
    pub checksum: Checksum,
    pub uti: String,
    /// Whether it can be downloaded now; not while an upload is unfinished.
    pub ready: bool,
}

/// CPLAsset (protocol/photos.md §4.2). Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    pub name: String,
    pub master: String,
    pub captured: Option<i64>,
    /// Seconds east of UTC where it was captured.
    pub offset: Option<i64>,
    pub added: Option<i64>,
    pub modified: i64,
    pub duration: i64,
    pub favourite: bool,
    pub hidden: bool,
    pub trashed: bool,
    /// When a trashed asset will be gone for good.
    pub expires: Option<i64>,
    /// 1 panorama, 100 slo-mo, 101 time-lapse.
    pub subtype: i64,
    /// 2 live, 3 screenshot.
    pub subtype_v2: i64,
    pub burst: Option<String>,
    /// The editor's format, when the photo is edited.
    pub adjustment: Option<String>,
    /// Flags: 2 portrait, 4 long exposure.
    pub render: i64,
    pub title: Option<String>,
    pub description: Option<String>,
    pub keywords: Vec<String>,
    pub place: Option<Place>,
    /// Whether keywords, a place or the rendering of an edit are there in a form that cannot be read.
    pub unread: bool,
    /// Renderings of an edit.
    pub resources: Vec<Sighting>,
}

/// CPLMaster (protocol/photos.md §4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Master {
    pub name: String,
    pub file_name: Option<String>,
    pub uti: Option<String>,
    pub modified: i64,
    /// Originals, the video half of a Live Photo, sidecars.
    pub resources: Vec<Sighting>,
}

impl Asset {
    /// Reads a CPLAsset; `None` without the master's name, which makes it no photo.
    pub fn read(record: &Record<'_>) -> Option<Asset> {
        let keywords = keywords(record);
        let renderings = [ResourceKind::Edited, ResourceKind::EditedVideo];
        let unread = keywords.is_none() || Place::is_unreadable(record) || has_unreadable_file(record, &renderings);
        Some(Asset {
            name: record.name.clone(),
            master: record.reference("masterRef")?,
            captured: record.int("assetDate"),
            offset: record.int("timeZoneOffset"),
            added: record.int("addedDate"),
            modified: record.modified.unwrap_or(0),
            duration: record.int("duration").unwrap_or(0),
            favourite: record.flag("isFavorite"),
            hidden: record.flag("isHidden"),
            trashed: record.flag("isDeleted"),
            expires: record.int("dateExpunged"),
            subtype: record.int("assetSubtype").unwrap_or(0),
            subtype_v2: record.int("assetSubtypeV2").unwrap_or(0),
            burst: record.text("burstId").filter(|id| !id.is_empty()),
            adjustment: record.text("adjustmentType").filter(|kind| !kind.is_empty()),
            render: record.int("adjustmentRenderType").unwrap_or(0),
            title: record.text("captionEnc").filter(|text| !text.is_empty()),
            description: record.text("extendedDescEnc").filter(|text| !text.is_empty()),
            keywords: keywords.unwrap_or_default(),
            place: Place::read(record),
            unread,
            resources: sightings(record, &renderings),
        })
    }
}

impl Master {
    pub fn read(record: &Record<'_>) -> Master {
        use ResourceKind::{Alternative, LiveVideo, Original, Sidecar};
        Master {
            name: record.name.clone(),
            file_name: record.text("filenameEnc").filter(|name| !name.is_empty()),
            uti: record.text("itemType").filter(|uti| !uti.is_empty()),
            modified: record.modified.unwrap_or(0),
            resources: sightings(record, &[Original, Alternative, LiveVideo, Sidecar]),
        }
    }
}

fn sightings(record: &Record<'_>, kinds: &[ResourceKind]) -> Vec<Sighting> {
    let sighting = |&kind: &ResourceKind| {
        let value = record.asset(&format!("{}Res", kind.prefix()))?;
        Some(Sighting {
            kind,
            size: value.size,
            checksum: Checksum::new(value.checksum),
            uti: record.text(&format!("{}FileType", kind.prefix())).unwrap_or_default(),
            ready: value.download_url.is_some(),
        })
    };
    kinds.iter().filter_map(sighting).collect()
}

fn has_unreadable_file(record: &Record<'_>, kinds: &[ResourceKind]) -> bool {
    let mut fields = kinds.iter().map(|kind| format!("{}Res", kind.prefix()));
    let unreadable = fields.any(|field| record.has(&field) && record.asset(&field).is_none());
    if unreadable {
        tracing::warn!(record = record.name, "a file of a photo is described in a form that cannot be read");
    }
    unreadable
}

/// Key words come as a property list: an array of strings. `None` for one that cannot be read.
fn keywords(record: &Record<'_>) -> Option<Vec<String>> {
    if !record.has("keywordsEnc") {
        return Some(Vec::new());
    }
    let list = record.bytes("keywordsEnc").and_then(|bytes| plist::from_bytes::<Vec<String>>(&bytes).ok());
    if list.is_none() {
        tracing::warn!(asset = record.name, "the keywords of a photo cannot be read");
    }
    Some(list?.into_iter().filter(|keyword| !keyword.trim().is_empty()).collect())
}
