//! Smart albums, derived from what the records say (protocol/photos.md §2.2, §4.2).

use super::Photo;
use crate::photos::{ResourceKind, is_raw, is_video};

/// Photos' own smart albums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmartAlbum {
    Favorites,
    Videos,
    LivePhotos,
    Screenshots,
    Panoramas,
    SloMo,
    TimeLapse,
    Bursts,
    Portrait,
    LongExposure,
    Animated,
    Raw,
    NotInAnAlbum,
}

impl SmartAlbum {
    pub const ALL: [SmartAlbum; 13] = [
        SmartAlbum::Favorites,
        SmartAlbum::Videos,
        SmartAlbum::LivePhotos,
        SmartAlbum::Screenshots,
        SmartAlbum::Panoramas,
        SmartAlbum::SloMo,
        SmartAlbum::TimeLapse,
        SmartAlbum::Bursts,
        SmartAlbum::Portrait,
        SmartAlbum::LongExposure,
        SmartAlbum::Animated,
        SmartAlbum::Raw,
        SmartAlbum::NotInAnAlbum,
    ];

    pub fn title(self) -> &'static str {
        match self {
            SmartAlbum::Favorites => "Favorites",
            SmartAlbum::Videos => "Videos",
            SmartAlbum::LivePhotos => "Live Photos",
            SmartAlbum::Screenshots => "Screenshots",
            SmartAlbum::Panoramas => "Panoramas",
            SmartAlbum::SloMo => "Slo-mo",
            SmartAlbum::TimeLapse => "Time-lapse",
            SmartAlbum::Bursts => "Bursts",
            SmartAlbum::Portrait => "Portrait",
            SmartAlbum::LongExposure => "Long Exposure",
            SmartAlbum::Animated => "Animated",
            SmartAlbum::Raw => "RAW",
            SmartAlbum::NotInAnAlbum => "Not in an Album",
        }
    }

    /// Whether a photo belongs in it; `in_album` tells whether it is in an album of the person's own.
    pub fn holds(self, photo: &Photo, in_album: bool) -> bool {
        let uti = |kind| photo.file(kind).map_or("", |file| file.uti.as_str());
        let original = photo.uti.as_deref().unwrap_or(uti(ResourceKind::Original));
        match self {
            SmartAlbum::Favorites => photo.favourite,
            SmartAlbum::Videos => is_video(original),
            SmartAlbum::LivePhotos => photo.subtype_v2 == 2 || photo.file(ResourceKind::LiveVideo).is_some(),
            SmartAlbum::Screenshots => photo.subtype_v2 == 3,
            SmartAlbum::Panoramas => photo.subtype == 1,
            SmartAlbum::SloMo => photo.subtype == 100,
            SmartAlbum::TimeLapse => photo.subtype == 101 || photo.subtype_v2 == 101,
            SmartAlbum::Bursts => photo.burst,
            SmartAlbum::Portrait => photo.render & 2 != 0,
            SmartAlbum::LongExposure => photo.render & 4 != 0,
            SmartAlbum::Animated => original == "com.compuserve.gif",
            SmartAlbum::Raw => is_raw(original) || is_raw(uti(ResourceKind::Alternative)),
            SmartAlbum::NotInAnAlbum => !in_album,
        }
    }
}
