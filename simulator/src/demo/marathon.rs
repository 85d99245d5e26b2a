//! One day with many small photos: an album longer than one page of an album listing (66 members).

use super::Entry;
use super::shelf::Shelf;
use super::shot::Shot;
use super::spot::Spot;

pub const PHOTOS: usize = 150;

pub fn all() -> Vec<Entry> {
    (0..PHOTOS).map(entry).collect()
}

/// Every tenth is a few hundred pixels wide, the others are as a phone forwards them.
fn entry(place: usize) -> Entry {
    let name = format!("IMG_{:04}.JPG", 1000 + place);
    let local = format!("2019-09-29T{:02}:{:02}:{:02}", 9 + place / 40, place % 40, place % 60);
    let shot = Shot::new(&name, &local, Spot::BERLIN.in_summer());
    let shot = if place.is_multiple_of(10) { shot } else { shot.sized(160, 120) };
    Entry::of(shot.jpeg()).on(Shelf::Marathon)
}
