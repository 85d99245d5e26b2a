//! Which of the possible names a file or directory gets.

use super::name::{fold, safe, short_id, with_suffix};
use super::{Photo, name};
use crate::photos::ResourceKind;

/// A name without a suffix, with the short one, with the asset's whole record name, and with that and a number: the last
/// are for the case that somebody called other photos just so.
const LEVELS: std::ops::Range<usize> = 0..16;

/// Names for a photo's files in one directory.
///
/// `kept` are names its files have there already: they stay, whatever came or went beside them. A file that is new takes the
/// first free form, all files of a photo the same one if that can be, so that the halves of a Live Photo stay
/// together. `taken` tells whether a folded name is somebody else's.
pub fn name_files(
    photo: &Photo,
    kept: &[(ResourceKind, String)],
    taken: impl Fn(&str) -> bool,
) -> Vec<(ResourceKind, String)> {
    let wanted = photo.wanted_names();
    let form = |(_, stem, addition, extension): &(ResourceKind, String, &str, String), level: usize| {
        with_suffix(stem, &format!("{}{addition}", suffix(&photo.asset, level)), extension)
    };
    let stays = |want: &(ResourceKind, String, &str, String)| {
        let (_, name) = kept.iter().find(|(kind, _)| *kind == want.0)?;
        LEVELS.map(|level| form(want, level)).any(|form| form == *name).then(|| name.clone())
    };
    let mut names: Vec<(ResourceKind, String)> =
        wanted.iter().filter_map(|want| Some((want.0, stays(want)?))).collect();
    let together = preferred_level(&wanted, &names, &form, &taken);
    for want in &wanted {
        if names.iter().any(|(kind, _)| *kind == want.0) {
            continue;
        }
        let free = |name: &String| !taken(&fold(name)) && names.iter().all(|(_, own)| fold(own) != fold(name));
        let found = (together..LEVELS.end).chain(LEVELS).map(|level| form(want, level)).find(free);
        names.extend(found.map(|name| (want.0, name)));
    }
    names
}

type Wanted = (ResourceKind, String, &'static str, String);

/// The form its other files have, or the first in which all its names are free.
fn preferred_level(
    wanted: &[Wanted],
    kept: &[(ResourceKind, String)],
    form: &impl Fn(&Wanted, usize) -> String,
    taken: &impl Fn(&str) -> bool,
) -> usize {
    let is_kept = |level| wanted.iter().any(|want| kept.contains(&(want.0, form(want, level))));
    let is_free = |level| wanted.iter().all(|want| !taken(&fold(&form(want, level))));
    match kept.is_empty() {
        false => LEVELS.into_iter().find(|&level| is_kept(level)).unwrap_or(0),
        true => LEVELS.into_iter().find(|&level| is_free(level)).unwrap_or(LEVELS.end - 1),
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
    let forms = LEVELS.map(|level| with_suffix(stem, &suffix(record_name, level), ""));
    kept_or_free(forms.collect(), present, taken)
}

/// A name for the sidecar of an original: the original's with `.xmp` behind its extension, as darktable and digiKam write
/// and read it. With `.xmp` in place of the extension, which Lightroom prefers and the others read as well, RAW and JPEG of
/// one photo would share a sidecar, and an XMP file that was imported with a photo could have the same name.
///
/// `present` is the name it has now, which stays if it is a form of the original's.
pub fn name_sidecar(asset: &str, original: &str, present: Option<&str>, taken: impl Fn(&str) -> bool) -> String {
    let forms = LEVELS.map(|level| with_suffix(original, &suffix(asset, level), "xmp"));
    kept_or_free(forms.collect(), present, taken)
}

fn kept_or_free(forms: Vec<String>, present: Option<&str>, taken: impl Fn(&str) -> bool) -> String {
    if let Some(present) = present.filter(|present| forms.iter().any(|form| form == present)) {
        return present.to_owned();
    }
    let free = forms.iter().find(|form| !taken(&fold(form)));
    free.unwrap_or(&forms[LEVELS.end - 1]).clone()
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
        name_files(photo, &kept, |name| taken.iter().any(|t| t == name)).into_iter().map(|(_, name)| name).collect()
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
