//! Which of the possible names a file or directory gets.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::name::{fold, safe, short_id, with_suffix};
use super::{Photo, name};
use crate::photos::ResourceKind;

/// A name without a suffix, with the short one, with the asset's whole record name, and with that and a number: the last
/// are for the case that somebody called other photos just so.
const LEVELS: std::ops::Range<usize> = 0..16;
/// Where all those are taken, it is counted on: so far that whoever called photos so would have a directory of nothing else. A
/// last name that is taken all the same is for the index to refuse, so that no photo is left out without a word.
const BEYOND: std::ops::Range<usize> = LEVELS.end..65_536;

/// What a photo's files may be called, in whatever directory.
pub struct FileNames {
    asset: String,
    wanted: Vec<(ResourceKind, String, &'static str, String)>,
    /// By level; made when first needed.
    forms: [OnceCell<Vec<Form>>; LEVELS.end],
}

/// A name, and the form in which names of one directory must differ.
#[derive(Clone)]
struct Form {
    name: String,
    fold: String,
}

impl FileNames {
    pub fn of(photo: &Photo) -> FileNames {
        FileNames { asset: photo.asset.clone(), wanted: photo.wanted_names(), forms: Default::default() }
    }

    /// Makes the forms that a photo of a large library needs: in a directory of many, the plain name is often another's.
    pub fn form_ahead(&self) {
        for level in LEVELS.take(2) {
            self.forms(level);
        }
    }

    /// Names for the files in one directory.
    ///
    /// `kept` are names the files have there already: they stay, whatever came or went beside them. A file that is new takes
    /// the first free form, all files of a photo the same one if that can be, so that the halves of a Live Photo stay
    /// together. `taken` tells whether a folded name is somebody else's.
    pub fn in_directory(
        &self,
        kept: &[(ResourceKind, String)],
        taken: impl Fn(&str) -> bool,
    ) -> Vec<(ResourceKind, String)> {
        let mut names: Vec<(ResourceKind, Cow<'_, Form>)> =
            (0..self.wanted.len()).filter_map(|file| Some((self.wanted[file].0, self.stays(file, kept)?))).collect();
        let (together, all_free) = self.preferred_level(kept, &taken);
        for (file, (kind, ..)) in self.wanted.iter().enumerate() {
            if names.iter().any(|(named, _)| named == kind) {
                continue;
            }
            let is_free = |level: &usize| {
                let form = self.form(file, *level);
                (all_free && *level == together || !taken(&form.fold))
                    && names.iter().all(|(_, own)| own.fold != form.fold)
            };
            let level = (together..LEVELS.end).chain(LEVELS).chain(BEYOND).find(is_free).unwrap_or(BEYOND.end);
            names.push((*kind, self.form(file, level)));
        }
        names.into_iter().map(|(kind, form)| (kind, form.name.clone())).collect()
    }

    /// The name that a file has already, if it is one of its forms.
    fn stays(&self, file: usize, kept: &[(ResourceKind, String)]) -> Option<Cow<'_, Form>> {
        let (_, name) = kept.iter().find(|(kind, _)| *kind == self.wanted[file].0)?;
        levels_of(name, &self.asset).map(|level| self.form(file, level)).find(|form| form.name == *name)
    }

    /// The form its other files have, or the first in which all its names are free; and whether they are.
    fn preferred_level(&self, kept: &[(ResourceKind, String)], taken: &impl Fn(&str) -> bool) -> (usize, bool) {
        let is_kept = |level: usize| {
            let forms = self.wanted.iter().zip(self.forms(level));
            forms.into_iter().any(|((kind, ..), form)| kept.iter().any(|(k, name)| k == kind && *name == form.name))
        };
        let is_free = |level: usize| self.forms(level).iter().all(|form| !taken(&form.fold));
        match kept.is_empty() {
            false => (LEVELS.into_iter().find(|&level| is_kept(level)).unwrap_or(0), false),
            true => {
                LEVELS.into_iter().find(|&level| is_free(level)).map_or((LEVELS.end - 1, false), |level| (level, true))
            }
        }
    }

    fn forms(&self, level: usize) -> &[Form] {
        self.forms[level].get_or_init(|| (0..self.wanted.len()).map(|file| self.make(file, level)).collect())
    }

    fn form(&self, file: usize, level: usize) -> Cow<'_, Form> {
        match LEVELS.contains(&level) {
            true => Cow::Borrowed(&self.forms(level)[file]),
            false => Cow::Owned(self.make(file, level)),
        }
    }

    fn make(&self, file: usize, level: usize) -> Form {
        let (_, stem, addition, extension) = &self.wanted[file];
        let name = with_suffix(stem, &format!("{}{addition}", suffix(&self.asset, level)), extension);
        Form { fold: fold(&name), name }
    }
}

/// A name for an album's directory: its title, with a suffix if another has it.
///
/// `present` is the name it has now, which stays if it is a form of the title.
pub fn name_album(
    record_name: &str,
    title: Option<&str>,
    present: Option<&str>,
    taken: impl Fn(&str) -> bool,
) -> String {
    let title = name::safe(title.unwrap_or_default());
    let stem = if title.is_empty() { "Untitled Album" } else { &title };
    kept_or_free(record_name, |suffix| with_suffix(stem, suffix, ""), present, taken)
}

/// A name for the sidecar of an original: the original's with `.xmp` behind its extension, as darktable and digiKam write
/// and read it. With `.xmp` in place of the extension, which Lightroom prefers and the others read as well, RAW and JPEG of
/// one photo would share a sidecar, and an XMP file that was imported with a photo could have the same name.
///
/// `present` is the name it has now, which stays if it is a form of the original's.
pub fn name_sidecar(asset: &str, original: &str, present: Option<&str>, taken: impl Fn(&str) -> bool) -> String {
    kept_or_free(asset, |suffix| with_suffix(original, suffix, "xmp"), present, taken)
}

fn kept_or_free(
    record_name: &str,
    with: impl Fn(&str) -> String,
    present: Option<&str>,
    taken: impl Fn(&str) -> bool,
) -> String {
    let form = |level: usize| with(&suffix(record_name, level));
    let is_form = |present: &&str| levels_of(present, record_name).any(|level| form(level) == **present);
    if let Some(present) = present.filter(is_form) {
        return present.to_owned();
    }
    let mut free = LEVELS.chain(BEYOND).map(form).filter(|form| !taken(&fold(form)));
    free.next().unwrap_or_else(|| form(BEYOND.end))
}

/// The levels a name may have been given at: the usual ones, and the one it tells.
fn levels_of(name: &str, record_name: &str) -> impl Iterator<Item = usize> {
    let counted = name.rsplit_once(&format!("_{}_", safe(record_name))).and_then(|(_, behind)| {
        let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        behind[..digits].parse().ok()
    });
    LEVELS.chain(counted)
}

fn suffix(record_name: &str, level: usize) -> String {
    match level {
        0 => String::new(),
        1 => format!("_{}", short_id(record_name)),
        2 => format!("_{}", safe(record_name)),
        _ => format!("_{}_{level}", safe(record_name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::Checksum;
    use crate::tree::File;

    fn live(asset: &str) -> Photo {
        let file = |kind, uti: &str| File { kind, size: 1, checksum: Checksum::of(b"x"), uti: uti.into() };
        Photo {
            asset: asset.into(),
            file_name: Some("IMG_0001.HEIC".into()),
            files: vec![
                file(ResourceKind::Original, "public.heic"),
                file(ResourceKind::LiveVideo, "com.apple.quicktime-movie"),
            ],
            ..Photo::default()
        }
    }

    fn names(photo: &Photo, kept: &[(ResourceKind, &str)], taken: &[&str]) -> Vec<String> {
        let kept: Vec<_> = kept.iter().map(|(kind, name)| (*kind, (*name).to_owned())).collect();
        let taken: Vec<String> = taken.iter().map(|name| fold(name)).collect();
        let named = FileNames::of(photo).in_directory(&kept, |name| taken.iter().any(|t| t == name));
        named.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn the_first_has_the_plain_name_and_later_ones_a_suffix() {
        assert_eq!(names(&live("A"), &[], &[]), ["IMG_0001.HEIC", "IMG_0001.MOV"]);
        let id = short_id("B");
        let later = names(&live("B"), &[], &["img_0001.heic"]);
        assert_eq!(later, [format!("IMG_0001_{id}.HEIC"), format!("IMG_0001_{id}.MOV")], "the video follows");
    }

    #[test]
    fn a_name_once_given_stays() {
        let id = short_id("B");
        let (still, video) = (format!("IMG_0001_{id}.HEIC"), format!("IMG_0001_{id}.MOV"));
        let kept = [(ResourceKind::Original, still.as_str())];
        assert_eq!(names(&live("B"), &kept, &[]), [still.clone(), video], "though the plain name is free by now");
        let plain = [(ResourceKind::Original, "IMG_0001.HEIC")];
        let crowded = names(&live("B"), &plain, &["IMG_0001.MOV"]);
        assert_eq!(crowded, ["IMG_0001.HEIC".to_owned(), format!("IMG_0001_{id}.MOV")]);
    }

    #[test]
    fn whatever_others_are_called_a_photo_gets_a_name() {
        let taken: Vec<String> = (0..16).map(|level| format!("img_0001{}.heic", suffix("B", level))).collect();
        let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
        let crowded = names(&live("B"), &[], &taken);
        assert_eq!(crowded, ["IMG_0001_B_16.HEIC", "IMG_0001_B_15.MOV"]);
        assert_eq!(names(&live("B"), &[(ResourceKind::Original, &crowded[0])], &[])[0], crowded[0], "and it stays");
        assert_eq!(
            names(&live("B"), &[(ResourceKind::Original, "IMG_0001_B_99999999999999999999.HEIC")], &[]).len(),
            2
        );
        let is_taken = |name: &str| !name.ends_with("_100");
        let album = name_album("B", Some("Trip"), None, is_taken);
        assert_eq!(album, "Trip_B_100");
        assert_eq!(name_album("B", Some("Trip"), Some(&album), |_| false), album);
        assert_eq!(names(&live("B"), &[], &[]).len(), FileNames::of(&live("B")).in_directory(&[], |_| true).len());
    }

    #[test]
    fn a_sidecar_is_called_by_its_original() {
        assert_eq!(name_sidecar("X", "IMG_0050.DNG", None, |_| false), "IMG_0050.DNG.xmp");
        let clash = name_sidecar("X", "scan", None, |name| name == "scan.xmp");
        assert_eq!(clash, format!("scan_{}.xmp", short_id("X")), "an imported XMP file has the name");
        assert_eq!(name_sidecar("X", "scan", Some(&clash), |_| false), clash, "and stays so");
        assert_eq!(name_sidecar("X", &"é".repeat(127), None, |_| false).len(), 254);
    }

    #[test]
    fn albums_are_told_apart() {
        let id = short_id("X");
        assert_eq!(name_album("X", Some("24/12/2020"), None, |_| false), "24_12_2020");
        assert_eq!(name_album("X", Some("Trip"), None, |name| name == "trip"), format!("Trip_{id}"));
        assert_eq!(name_album("X", Some("Trip"), Some("Trip"), |_| true), "Trip");
        assert_eq!(name_album("X", None, None, |_| false), "Untitled Album");
    }
}
