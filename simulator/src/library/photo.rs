//! What a person hands to the library: a photo or video to be added.

use std::sync::Arc;

use super::resource::{Resource, Slot, is_video};

/// How the file name is written on the master record (photos.md §4.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileName {
    /// The ordinary form: ENCRYPTED_BYTES, base64 of UTF-8.
    Encrypted(Box<str>),
    /// Plain text of type STRING, as some records have it.
    Plain(Box<str>),
    /// The field is not there at all.
    Missing,
}

impl FileName {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            FileName::Encrypted(text) | FileName::Plain(text) => Some(text),
            FileName::Missing => None,
        }
    }
}

/// One frame of a burst.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Burst {
    /// The same on every frame of one burst: an upper-case UUID.
    pub id: Arc<str>,
    pub flags: i64,
    /// The key frame. The other frames appear in no listing, only in the change log (photos.md §2.2).
    pub pick: bool,
}

/// The state of an edit: what the editor recorded and the renderings it left.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The editor's format, for example `com.apple.photo`.
    pub adjustment_type: String,
    /// Bit mask `adjustmentRenderType`: 2 portrait, 4 long exposure.
    pub render_type: i64,
    /// Full-size picture; none for slow motion, whose edit is only a speed ramp.
    pub picture: Option<Resource>,
    /// Full-size video of an edited video or Live Photo.
    pub video: Option<Resource>,
    /// Smaller renderings of the edited version.
    pub renditions: Vec<(Slot, Resource)>,
}

impl Edit {
    /// An ordinary edit in Photos.
    pub fn new() -> Edit {
        let adjustment_type = "com.apple.photo".to_owned();
        Edit { adjustment_type, render_type: 0, picture: None, video: None, renditions: Vec::new() }
    }
}

impl Default for Edit {
    fn default() -> Edit {
        Edit::new()
    }
}

/// Where a photo was taken: degrees, and metres above the sea.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Location {
    pub latitude: f64,
    pub longitude: f64,
    pub altitude: f64,
}

/// A photo or video to add. Start from [`NewPhoto::new`] and change the fields that matter.
#[derive(Clone, Debug)]
pub struct NewPhoto {
    pub file_name: FileName,
    /// Record field `itemType`; `None` leaves it out.
    pub item_type: Option<String>,
    /// Master resources. `original` absent means an upload that never finished.
    pub original: Option<Resource>,
    pub alternative: Option<Resource>,
    pub live_video: Option<Resource>,
    pub sidecar: Option<Resource>,
    /// Smaller renderings of the unedited photo.
    pub renditions: Vec<(Slot, Resource)>,
    pub edit: Option<Edit>,
    /// Capture instant, milliseconds since 1970 UTC; may be negative.
    pub captured_ms: i64,
    /// Seconds east of UTC at capture.
    pub utc_offset_s: Option<i32>,
    /// IANA name of the zone, for example `Europe/Oslo`.
    pub time_zone: Option<String>,
    /// When it entered the library; now, if not given.
    pub added_ms: Option<i64>,
    pub video: bool,
    pub duration_ms: i64,
    pub orientation: u8,
    pub favourite: bool,
    pub hidden: bool,
    /// When it was moved to Recently Deleted.
    pub trashed_ms: Option<i64>,
    pub burst: Option<Burst>,
    /// `assetSubtype`: 1 panorama, 100 slow motion, 101 time-lapse.
    pub subtype: i64,
    /// `assetSubtypeV2`: 2 Live Photo, 3 screenshot.
    pub subtype_v2: i64,
    pub caption: Option<String>,
    pub description: Option<String>,
    pub keywords: Vec<String>,
    pub location: Option<Location>,
}

impl NewPhoto {
    /// A photo or video with its original; `file_name` is written in the ordinary form.
    pub fn new(file_name: &str, original: Resource, captured_ms: i64) -> NewPhoto {
        let uti = original.uti.to_string();
        NewPhoto {
            file_name: FileName::Encrypted(file_name.into()),
            video: is_video(&uti),
            item_type: Some(uti),
            original: Some(original),
            alternative: None,
            live_video: None,
            sidecar: None,
            renditions: Vec::new(),
            edit: None,
            captured_ms,
            utc_offset_s: Some(0),
            time_zone: None,
            added_ms: None,
            duration_ms: 0,
            orientation: 1,
            favourite: false,
            hidden: false,
            trashed_ms: None,
            burst: None,
            subtype: 0,
            subtype_v2: 0,
            caption: None,
            description: None,
            keywords: Vec::new(),
            location: None,
        }
    }

    /// Makes it a Live Photo.
    pub fn live(self, video: Resource) -> NewPhoto {
        NewPhoto { live_video: Some(video), subtype_v2: 2, ..self }
    }

    /// Capture offset in seconds east of UTC, with the zone's IANA name.
    pub fn in_zone(self, utc_offset_s: i32, name: &str) -> NewPhoto {
        NewPhoto { utc_offset_s: Some(utc_offset_s), time_zone: Some(name.to_owned()), ..self }
    }
}
