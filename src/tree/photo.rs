//! A photo with all its files, as the tree sees it.

use super::name;
use crate::photos::{Checksum, ResourceKind, extension};

/// One file of a photo that can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub kind: ResourceKind,
    pub size: u64,
    pub checksum: Checksum,
    pub uti: String,
}

/// An asset joined with its master. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Photo {
    pub asset: String,
    /// The imported file's name, if the record has one.
    pub file_name: Option<String>,
    /// The type of the original.
    pub uti: Option<String>,
    pub captured: Option<i64>,
    /// Seconds east of UTC.
    pub offset: Option<i64>,
    pub added: Option<i64>,
    pub favourite: bool,
    pub hidden: bool,
    pub trashed: bool,
    pub expires: Option<i64>,
    pub subtype: i64,
    pub subtype_v2: i64,
    pub burst: bool,
    pub edited: bool,
    pub render: i64,
    /// What can be shown: complete files only.
    pub files: Vec<File>,
}

/// 1904, where QuickTime's clock begins, and 2100: dates outside are mistakes (protocol/photos.md §8).
pub(super) const USABLE: std::ops::Range<i64> = -2_082_844_800_000..4_102_444_800_000;

impl Photo {
    /// When it was captured; when that cannot be, when it was added.
    pub fn date(&self) -> i64 {
        let usable = |date: &i64| USABLE.contains(date);
        self.captured.filter(usable).or(self.added.filter(usable)).unwrap_or(0)
    }

    pub fn file(&self, kind: ResourceKind) -> Option<&File> {
        self.files.iter().find(|file| file.kind == kind)
    }

    /// The stem all its files share, and the original's extension, both safe.
    fn stem(&self) -> (String, String) {
        let name = name::safe(self.file_name.as_deref().unwrap_or_default());
        let (stem, ext) = name::split(&name);
        let known = self.uti.as_deref().or(self.file(ResourceKind::Original).map(|f| f.uti.as_str()));
        let ext = match ext {
            "" => known.and_then(extension).unwrap_or_default(),
            own => own,
        };
        match stem {
            "" => (name::safe(&self.asset), ext.to_owned()),
            stem => (stem.to_owned(), ext.to_owned()),
        }
    }

    /// What each file would like to be called: stem, addition after a possible suffix, extension.
    ///
    /// All share the original's stem, so that the two halves of a Live Photo and a RAW and its JPEG stay together.
    pub fn wanted_names(&self) -> Vec<(ResourceKind, String, &'static str, String)> {
        let (stem, ext) = self.stem();
        let mut taken: Vec<String> = Vec::new();
        let mut wanted = Vec::new();
        for file in &self.files {
            let own = match file.kind {
                ResourceKind::Original => ext.clone(),
                kind => extension(&file.uti).unwrap_or(default_extension(kind, &ext)).to_owned(),
            };
            let additions: [&'static str; 2] = match file.kind {
                ResourceKind::Original => ["", " (original)"],
                ResourceKind::Alternative => ["", " (alternative)"],
                ResourceKind::LiveVideo => ["", " (live)"],
                ResourceKind::Edited => [" (edited)", " (edited picture)"],
                ResourceKind::EditedVideo => [" (edited)", " (edited video)"],
                ResourceKind::Sidecar => ["", " (sidecar)"],
            };
            let full = |addition: &str| name::fold(&format!("{addition}.{own}"));
            let addition = if taken.contains(&full(additions[0])) { additions[1] } else { additions[0] };
            taken.push(full(addition));
            wanted.push((file.kind, stem.clone(), addition, own));
        }
        wanted
    }
}

/// What a rendering without a known type is most likely to be.
fn default_extension(kind: ResourceKind, original: &str) -> &str {
    match kind {
        ResourceKind::Original | ResourceKind::Alternative => original,
        ResourceKind::LiveVideo | ResourceKind::EditedVideo => "MOV",
        ResourceKind::Edited => "JPG",
        ResourceKind::Sidecar => "XMP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(name: Option<&str>, files: &[(ResourceKind, &str)]) -> Photo {
        let file = |(kind, uti): &(ResourceKind, &str)| File {
            kind: *kind,
            size: 1,
            checksum: Checksum::of(b"x"),
            uti: (*uti).into(),
        };
        Photo {
            asset: "7B1E0000-0000-4000-8000-000000000042".into(),
            file_name: name.map(str::to_owned),
            files: files.iter().map(file).collect(),
            ..Photo::default()
        }
    }

    fn names(photo: &Photo) -> Vec<String> {
        photo.wanted_names().iter().map(|(_, stem, add, ext)| name::with_suffix(stem, add, ext)).collect()
    }

    #[test]
    fn files_of_one_photo_share_a_stem() {
        use ResourceKind::*;
        let live = photo(
            Some("IMG_0042.HEIC"),
            &[
                (Original, "public.heic"),
                (LiveVideo, "com.apple.quicktime-movie"),
                (Edited, "public.heic"),
                (EditedVideo, "com.apple.quicktime-movie"),
            ],
        );
        assert_eq!(names(&live), ["IMG_0042.HEIC", "IMG_0042.MOV", "IMG_0042 (edited).HEIC", "IMG_0042 (edited).MOV"]);
        let raw = photo(Some("IMG_0050.JPG"), &[(Original, "public.jpeg"), (Alternative, "com.adobe.raw-image")]);
        assert_eq!(names(&raw), ["IMG_0050.JPG", "IMG_0050.DNG"]);
        let twins = photo(Some("a.JPG"), &[(Original, "public.jpeg"), (Alternative, "public.jpeg")]);
        assert_eq!(names(&twins), ["a.JPG", "a (alternative).JPG"]);
    }

    #[test]
    fn nameless_photos_are_called_by_their_record() {
        let nameless = photo(None, &[(ResourceKind::Original, "public.png")]);
        assert_eq!(names(&nameless), ["7B1E0000-0000-4000-8000-000000000042.PNG"]);
        let bare = photo(Some("scan"), &[(ResourceKind::Original, "public.tiff")]);
        assert_eq!(names(&bare), ["scan.TIFF"]);
        let odd = photo(Some("noext"), &[(ResourceKind::Original, "public.image")]);
        assert_eq!(names(&odd), ["noext"]);
    }

    #[test]
    fn impossible_dates_fall_back() {
        let mut photo = photo(None, &[]);
        photo.captured = Some(i64::MAX);
        photo.added = Some(1_000);
        assert_eq!(photo.date(), 1_000);
        photo.captured = Some(-86_400_000);
        assert_eq!(photo.date(), -86_400_000, "before 1970 is a date");
    }
}
