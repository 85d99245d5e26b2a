//! Extended attributes: what is known of the photo behind a file, for people and for the programs that show it to them.
//!
//! `user.photosfs.NAME` on every system; beside it the names that desktops know: freedesktop's on Linux, Apple's on macOS.
//! Values come from the index. Tools that keep attributes read them at every run, whether a file changed or not
//! (backup-tools.md §5.5), so that a new title needs no new change time, which would have them read the whole file again.

use jiff::Timestamp;

use super::System;
use crate::index::Facts;
use crate::photos::ResourceKind;

const OWN: &str = "user.photosfs.";
const FREEDESKTOP: [&str; 2] = ["user.xdg.comment", "user.xdg.tags"];
/// The Finder reads the tags; Spotlight and `mdls` the others (desktop.md §3.3).
const APPLE: [&str; 3] = [
    "com.apple.metadata:_kMDItemUserTags",
    "com.apple.metadata:kMDItemFinderComment",
    "com.apple.metadata:kMDItemWhereFroms",
];

/// Bytes that a value takes at the most. ext4 has some 4 KB for all attributes of a file; with more, `rsync -X` and
/// `cp -a` onto it would fail.
const MAX_TITLE: usize = 256;
const MAX_TEXT: usize = 640;
const MAX_LIST: usize = 384;
const MAX_NAME: usize = 256;

/// An attribute: its name and its value.
pub type Attribute = (String, Vec<u8>);

/// Whether a name could be one of ours on this system; everybody else's are answered without asking the index.
pub fn is_ours(name: &str, system: System) -> bool {
    name.starts_with(OWN)
        || match system {
            System::Linux => FREEDESKTOP.contains(&name),
            System::MacOs => APPLE.contains(&name),
        }
}

/// All attributes of a file that have a value, in a fixed order.
pub fn of(facts: &Facts, system: System) -> Vec<Attribute> {
    let own = own(facts).into_iter().filter_map(|(name, value)| Some((format!("{OWN}{name}"), value?.into_bytes())));
    let known: Vec<Attribute> = match system {
        System::Linux => freedesktop(facts),
        System::MacOs => apple(facts),
    };
    own.chain(known).collect()
}

fn own(facts: &Facts) -> [(&'static str, Option<String>); 16] {
    let flag = |value: bool| Some(if value { "1" } else { "0" }.to_owned());
    [
        ("asset", Some(facts.asset.clone())),
        ("library", Some(facts.library.0.clone())),
        ("kind", Some(kind(facts.kind).into())),
        ("checksum", Some(facts.checksum.clone())),
        ("original_name", facts.original_name.as_deref().map(|name| shortened(name, MAX_NAME))),
        ("captured", facts.captured_text()),
        ("added", facts.added.and_then(instant)),
        ("edited", facts.edited.and_then(instant)),
        ("expires", facts.expires.and_then(instant)),
        ("favorite", flag(facts.favourite)),
        ("hidden", flag(facts.hidden)),
        ("title", facts.title.as_deref().map(|title| shortened(title, MAX_TITLE))),
        ("description", facts.description.as_deref().map(|text| shortened(text, MAX_TEXT))),
        ("keywords", list(&facts.keywords, '\n', MAX_LIST)),
        ("place", facts.place.map(|place| format!("{},{}", decimal(place.north), decimal(place.east)))),
        ("altitude", facts.place.and_then(|place| place.altitude).map(decimal)),
    ]
}

fn kind(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Original => "original",
        ResourceKind::Alternative => "alternative",
        ResourceKind::LiveVideo => "live-video",
        ResourceKind::Edited => "edited",
        ResourceKind::EditedVideo => "edited-video",
        ResourceKind::Sidecar => "sidecar",
    }
}

/// A number to the eighth decimal, of degrees a millimetre; no zeros at its end.
fn decimal(number: f64) -> String {
    let text = format!("{number:.8}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// RFC 3339, in UTC.
fn instant(millisecond: i64) -> Option<String> {
    Timestamp::from_millisecond(millisecond).ok().map(|at| at.to_string())
}

fn freedesktop(facts: &Facts) -> Vec<Attribute> {
    let values = [comment(facts), list(&tags(facts), ',', MAX_LIST)];
    FREEDESKTOP.into_iter().zip(values).filter_map(|(name, value)| Some((name.into(), value?.into_bytes()))).collect()
}

/// Property lists. A tag is its name, a new line, and its colour: 0 none, 6 red.
fn apple(facts: &Facts) -> Vec<Attribute> {
    let strings = |texts: Vec<String>| plist::Value::Array(texts.into_iter().map(plist::Value::String).collect());
    let coloured = |tag: String| format!("{}\n{}", tag.replace('\n', " "), if tag == FAVORITE { 6 } else { 0 });
    let tags: Vec<String> = tags(facts).into_iter().map(coloured).collect();
    let values = [
        (!tags.is_empty()).then(|| strings(tags)),
        comment(facts).map(plist::Value::String),
        Some(strings(vec!["iCloud Photos".into()])),
    ];
    APPLE.into_iter().zip(values).filter_map(|(name, value)| Some((name.into(), binary(&value?)?))).collect()
}

fn binary(value: &plist::Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    value.to_writer_binary(&mut bytes).ok().map(|()| bytes)
}

/// The tag of a favourite, called as Photos' own album is.
const FAVORITE: &str = "Favorite";

fn tags(facts: &Facts) -> Vec<String> {
    let favourite = facts.favourite.then(|| FAVORITE.to_owned());
    let keywords = facts.keywords.iter().filter(|keyword| *keyword != FAVORITE).cloned();
    favourite.into_iter().chain(keywords).collect()
}

/// Title and description, which file managers show as one.
fn comment(facts: &Facts) -> Option<String> {
    let texts: Vec<&str> = [&facts.title, &facts.description].into_iter().flatten().map(String::as_str).collect();
    (!texts.is_empty()).then(|| shortened(&texts.join("\n"), MAX_TEXT))
}

/// Texts with a separator between them, which none of them may hold; those that do not fit are left out, and `…` says so.
fn list(texts: &[String], separator: char, room: usize) -> Option<String> {
    let mut list = String::new();
    for text in texts {
        let text = text.replace(separator, if separator == ',' { ";" } else { " " });
        if list.len() + text.len() + 2 * separator.len_utf8() + ELLIPSIS.len() > room {
            return Some(list + ELLIPSIS);
        }
        list.push_str(&text);
        list.push(separator);
    }
    (list.pop().is_some()).then_some(list)
}

const ELLIPSIS: &str = "…";

fn shortened(text: &str, room: usize) -> String {
    match text.len() <= room {
        true => text.to_owned(),
        false => format!("{}{ELLIPSIS}", &text[..text.floor_char_boundary(room - ELLIPSIS.len())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::{LibraryId, Place};

    fn value(facts: &Facts, system: System, name: &str) -> Option<Vec<u8>> {
        of(facts, system).into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    fn text(facts: &Facts, name: &str) -> Option<String> {
        value(facts, System::Linux, name).map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn what_is_known_is_told_and_nothing_else() {
        let facts = Facts::sample();
        for (name, expected) in [
            ("user.photosfs.kind", "original"),
            ("user.photosfs.captured", "2024-03-05T12:00:00.123+02:00"),
            ("user.photosfs.added", "2024-03-05T10:01:40Z"),
            ("user.photosfs.place", "-33.8568,151.2153"),
            ("user.photosfs.altitude", "-1.5"),
            ("user.photosfs.keywords", "Oslo, Norway\ntwo lines"),
            ("user.xdg.comment", "Båt\nZwei\nZeilen"),
            ("user.xdg.tags", "Favorite,Oslo; Norway,two\nlines"),
        ] {
            assert_eq!(text(&facts, name).as_deref(), Some(expected), "{name}");
        }
        let bare = Facts { favourite: false, title: None, description: None, keywords: vec![], place: None, ..facts };
        for name in
            ["photosfs.edited", "photosfs.expires", "photosfs.title", "photosfs.place", "xdg.tags", "xdg.comment"]
        {
            assert_eq!(text(&bare, &format!("user.{name}")), None, "{name}");
        }
        for (name, _) in of(&bare, System::Linux).into_iter().chain(of(&bare, System::MacOs)) {
            assert!(is_ours(&name, System::Linux) || is_ours(&name, System::MacOs), "{name}");
        }
    }

    #[test]
    fn on_macos_the_finders_names_hold_property_lists() {
        let list = |name: &str| {
            let bytes = value(&Facts::sample(), System::MacOs, &format!("com.apple.metadata:{name}")).unwrap();
            assert!(bytes.starts_with(b"bplist00"), "{name}");
            plist::from_bytes::<plist::Value>(&bytes).unwrap()
        };
        let strings = |texts: &[&str]| plist::Value::Array(texts.iter().map(|text| (*text).into()).collect());
        assert_eq!(list("_kMDItemUserTags"), strings(&["Favorite\n6", "Oslo, Norway\n0", "two lines\n0"]));
        assert_eq!(list("kMDItemFinderComment"), plist::Value::from("Båt\nZwei\nZeilen"));
        assert_eq!(list("kMDItemWhereFroms"), strings(&["iCloud Photos"]));
        assert_eq!(value(&Facts::sample(), System::MacOs, "user.xdg.tags"), None);
        assert!(!is_ours("com.apple.FinderInfo", System::MacOs) && !is_ours("user.xdg.tags", System::MacOs));
        assert!(value(&Facts::sample(), System::MacOs, "user.photosfs.title").is_some());
    }

    #[test]
    fn the_longest_texts_fit_into_ext4() {
        let long = "é\u{1f30a}".repeat(5000);
        let longest = Facts {
            library: LibraryId(format!("SharedSync-{}", Facts::sample().asset)),
            kind: ResourceKind::EditedVideo,
            original_name: Some(long.clone()),
            edited: Some(1_709_632_900_123),
            expires: Some(1_709_632_900_123),
            title: Some(long.clone()),
            description: Some(long.clone()),
            keywords: vec!["ünfzehn".into(); 1000],
            place: Some(Place { north: -33.123_456_789, east: -151.123_456_789, altitude: Some(-1_234.567_890_123) }),
            ..Facts::sample()
        };
        let attributes = of(&longest, System::Linux);
        // A block of 4096 bytes with a header of 32 and an end of 4; an entry is 16, a name without `user.`, a value, the last
        // two in steps of 4.
        let room =
            |(name, value): &Attribute| 16 + (name.len() - 5).next_multiple_of(4) + value.len().next_multiple_of(4);
        let taken: usize = attributes.iter().map(room).sum();
        assert!(taken <= 4096 - 36, "{taken}");
        assert!(text(&longest, "user.photosfs.description").unwrap().ends_with('…'));
        assert!(text(&longest, "user.photosfs.keywords").unwrap().ends_with("\nünfzehn\n…"));
        assert!(text(&longest, "user.xdg.tags").unwrap().starts_with("Favorite,ünfzehn,"));
        assert_eq!(attributes.len(), 18);
        assert_eq!([100.0, -0.5, 1e-300, 59.9].map(decimal), ["100", "-0.5", "0", "59.9"]);
    }
}
