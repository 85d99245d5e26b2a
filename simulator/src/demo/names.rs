//! File names that a careless path breaks on (protocol/photos.md §9), and uploads that never finished.

use super::Entry;
use super::retouch::Retouch;
use super::shelf::Shelf;
use super::shot::Shot;
use super::spot::Spot;
use crate::library::{FileName, NewPhoto, Resource};

/// Names of one month that is full of them. Two of a kind are two photos of one name.
pub fn odd_names() -> Vec<String> {
    let fixed = [
        "IMG_0001.JPG",
        "IMG_0001.JPG",
        "IMG_0001.JPG",
        "IMG_1.JPG",
        "img_1.jpg",
        "🏔️ Fjord 🇳🇴.jpg",
        "Mum/Dad.jpg",
        "12:30 train.jpg",
        r"C:\Users\me\photo.jpg",
        "Cafe\u{301} Zu\u{308}rich.jpg", // decomposed, as a Mac writes it
        "Café Zürich.jpg",               // composed
        "two\nlines\t\u{1}.jpg",
        "ends with a dot.jpg.",
        "ends with a space.jpg ",
        ".hidden.jpg",
        "..",
        ".",
        "no extension",
        "-rf.jpg",
        "$(reboot) 'quoted\" *?.jpg",
        "CON.jpg",
        "שלום.jpg",
        "写真 0042.jpg",
    ];
    // 255 bytes to the last; longer in plain letters; longer with a cut that falls inside a letter.
    let long =
        [format!("{}.jpg", "a".repeat(251)), format!("{}.jpg", "b".repeat(300)), format!("{}.jpeg", "ø🐟".repeat(60))];
    fixed.into_iter().map(str::to_owned).chain(long).collect()
}

pub fn all() -> Vec<Entry> {
    let place = Spot::BERLIN.in_summer();
    let odd = odd_names().into_iter().enumerate().map(|(minute, name)| {
        let shot = Shot::new(&name, &format!("2021-05-16T10:{minute:02}:00"), place).sized(240, 176);
        Entry::of(shot.jpeg()).on(Shelf::NameTests)
    });
    odd.chain(special_forms()).chain(unfinished()).collect()
}

fn special_forms() -> Vec<Entry> {
    let shot = |name: &str, time: &str| {
        Shot::new(name, &format!("2021-05-17T{time}"), Spot::BERLIN.in_summer()).sized(240, 176)
    };
    let untyped = NewPhoto { item_type: None, ..shot("IMG_7003.JPG", "10:02:00").jpeg() };
    vec![
        Entry::of(shot("nameless", "10:00:00").jpeg().named(FileName::Missing)).on(Shelf::NameTests),
        Entry::of(shot("nameless live", "10:00:30").live().named(FileName::Missing)),
        Entry::of(shot("plain", "10:01:00").jpeg().named(FileName::Plain("Plain text name.jpg".into())))
            .on(Shelf::Inside),
        Entry::of(untyped),
        // A name that lies about what is inside.
        Entry::of(shot("IMG_7004.PNG", "10:03:00").jpeg()).on(Shelf::Decomposed),
        Entry::of(shot("IMG_7005.HEIC", "10:04:00").heic()).on(Shelf::TooLong).on(Shelf::LowerCaseFamily),
    ]
}

/// Nothing of these can be downloaded, so nothing of them may be listed.
fn unfinished() -> Vec<Entry> {
    let shot = |name, time: &str| Shot::new(name, &format!("2026-05-20T{time}"), Spot::BERLIN).sized(240, 176);
    let halfway = shot("IMG_8001.JPG", "10:00:00");
    let addressless = Resource { without_url: true, ..shot("IMG_8002.JPG", "10:01:00").jpeg_file() };
    vec![
        Entry::of(NewPhoto { original: None, ..halfway.jpeg() }),
        Entry::of(shot("IMG_8002.JPG", "10:01:00").photo(addressless)),
    ]
}
