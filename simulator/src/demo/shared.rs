//! The iCloud Shared Photo Library.

use super::Entry;
use super::retouch::Retouch;
use super::shelf::Shelf;
use super::shot::Shot;
use super::spot::Spot;
use crate::library::NewPhoto;

pub fn all() -> Vec<Entry> {
    let shot = |name: &str, local: &str| Shot::new(name, local, Spot::SYDNEY);
    let edited = shot("IMG_0103.HEIC", "2024-09-03T12:00:00");
    let edit = edited.edit_as_heic();
    let mut entries = vec![
        // An album of the personal library may hold photos of the shared one (protocol/photos.md §1.3).
        Entry::of(shot("IMG_0101.HEIC", "2024-09-01T12:00:00").live()).on(Shelf::Family),
        Entry::of(shot("IMG_0102.MOV", "2024-09-02T12:00:00").mov(3000)),
        Entry::of(edited.heic().edited(edit).favourite()),
        Entry::of(shot("IMG_0110.JPG", "2024-09-10T12:00:00").jpeg()).thrown_away(5),
        Entry::of(in_both_libraries()),
    ];
    entries.extend(
        (4..12)
            .map(|day| Entry::of(shot(&format!("IMG_01{day:02}.HEIC"), &format!("2024-10-{day:02}T15:00:00")).heic())),
    );
    entries
}

/// The same file in the personal and in the shared library: one content, two assets.
pub fn in_both_libraries() -> NewPhoto {
    Shot::new("IMG_0155.JPG", "2024-09-15T09:30:00", Spot::SYDNEY).jpeg()
}
