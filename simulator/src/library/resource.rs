//! The files of a photo: which slot each fills, and what is said about it.

use std::borrow::Cow;

use super::body::Body;
use super::checksum::Checksum;

/// Where a resource hangs on its record (photos.md §5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The imported file, byte for byte.
    Original,
    /// The second original of a RAW + JPEG pair.
    Alternative,
    /// The video half of a Live Photo.
    LiveVideo,
    Sidecar,
    /// Full-size picture of the edited version.
    EditedPicture,
    /// Full-size video of the edited version.
    EditedVideo,
    MediumPicture,
    Thumbnail,
    MediumVideo,
    SmallVideo,
}

impl Slot {
    /// The prefix of the slot's fields on the wire.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Slot::Original => "resOriginal",
            Slot::Alternative => "resOriginalAlt",
            Slot::LiveVideo => "resOriginalVidCompl",
            Slot::Sidecar => "resSidecar",
            Slot::EditedPicture => "resJPEGFull",
            Slot::EditedVideo => "resVidFull",
            Slot::MediumPicture => "resJPEGMed",
            Slot::Thumbnail => "resJPEGThumb",
            Slot::MediumVideo => "resVidMed",
            Slot::SmallVideo => "resVidSmall",
        }
    }
}

/// One file and its description.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Uniform type identifier, for example `public.heic`.
    pub uti: Cow<'static, str>,
    pub body: Body,
    /// Pixels; 0 by 0 for files without a picture.
    pub width: u32,
    pub height: u32,
    /// Show a second-generation (0x04) checksum, which no client can recompute.
    pub keyed_checksum: bool,
    /// The upload never finished: the record says nothing about where to download it.
    pub without_url: bool,
}

impl Resource {
    pub fn new(uti: impl Into<Cow<'static, str>>, body: impl Into<Body>) -> Resource {
        let (uti, body) = (uti.into(), body.into());
        Resource { uti, body, width: 0, height: 0, keyed_checksum: false, without_url: false }
    }

    pub fn sized(self, width: u32, height: u32) -> Resource {
        Resource { width, height, ..self }
    }

    pub fn with_keyed_checksum(self) -> Resource {
        Resource { keyed_checksum: true, ..self }
    }

    /// The checksum shown on the wire.
    pub fn checksum(&self) -> Checksum {
        if self.keyed_checksum { Checksum::keyed(self.body.signature()) } else { self.body.checksum() }
    }
}

/// Resources of one record, at most one per slot.
#[derive(Clone, Default, Debug)]
pub(crate) struct Resources(Vec<(Slot, Resource)>);

impl Resources {
    pub(crate) fn get(&self, slot: Slot) -> Option<&Resource> {
        self.0.iter().find(|(held, _)| *held == slot).map(|(_, resource)| resource)
    }

    /// All uploads are finished.
    pub(crate) fn finish(&mut self) {
        self.0.iter_mut().for_each(|(_, resource)| resource.without_url = false);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Resource)> {
        self.0.iter().map(|(slot, resource)| (*slot, resource))
    }
}

impl FromIterator<(Slot, Resource)> for Resources {
    fn from_iter<I: IntoIterator<Item = (Slot, Resource)>>(resources: I) -> Resources {
        Resources(resources.into_iter().collect())
    }
}

/// Whether a type identifier names a video.
pub(crate) fn is_video(uti: &str) -> bool {
    matches!(uti, "com.apple.quicktime-movie" | "com.apple.m4v-video" | "public.avi" | "public.3gpp" | "public.movie")
        || (uti.starts_with("public.mpeg") || uti.starts_with("public.avchd"))
}
