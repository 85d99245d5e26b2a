//! The demo library: what a newcomer sees with no Apple account, and what tests lean on because it has one of every kind
//! and every oddity that protocol/photos.md tells of.
//!
//! It is the same at every start, record names included; only Recently Deleted counts its days from now.

mod kinds;
mod marathon;
mod names;
mod retouch;
mod shared;
mod shelf;
mod shot;
mod spot;
mod years;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::library::{AlbumId, Area, Cloud, NewPhoto, ZoneId};
use shelf::Shelf;

/// A photo and the albums it is put into.
#[derive(Clone)]
struct Entry {
    photo: NewPhoto,
    shelves: Vec<Shelf>,
    /// Days since it was thrown away.
    thrown_away: Option<i64>,
    /// "Duplicate" was chosen for it once: two assets over one master.
    twice: bool,
}

impl Entry {
    fn of(photo: NewPhoto) -> Entry {
        Entry { photo, shelves: Vec::new(), thrown_away: None, twice: false }
    }

    fn on(mut self, shelf: Shelf) -> Entry {
        self.shelves.push(shelf);
        self
    }

    fn thrown_away(self, days: i64) -> Entry {
        Entry { thrown_away: Some(days), ..self }
    }

    fn twice(self) -> Entry {
        Entry { twice: true, ..self }
    }
}

/// The photos of both libraries. Their files are made once in a process, however many simulators it starts.
struct Rolls {
    personal: Vec<Entry>,
    shared: Vec<Entry>,
}

static ROLLS: LazyLock<Rolls> = LazyLock::new(|| {
    let both = || vec![Entry::of(shared::in_both_libraries())];
    let [kinds, years, names, marathon, both, shared] =
        develop([kinds::all, years::all, names::all, marathon::all, both, shared::all]);
    Rolls { personal: [kinds, years, names, marathon, both].concat(), shared }
});

/// Makes all files, on as many cores as there are: painting and encoding is what a start costs.
fn develop<const N: usize>(rolls: [fn() -> Vec<Entry>; N]) -> [Vec<Entry>; N] {
    std::thread::scope(|scope| {
        let makers = rolls.map(|roll| scope.spawn(roll));
        makers.map(|maker| maker.join().expect("a roll is developed"))
    })
}

/// Fills an empty account with the demo library: the personal one, its albums, and a shared one.
pub fn fill(cloud: &Cloud) {
    let albums = shelf::build(cloud);
    ROLLS.personal.iter().for_each(|entry| put(cloud, cloud.primary(), &albums, entry));
    let shared = cloud.add_shared_library(Area::Private);
    ROLLS.shared.iter().for_each(|entry| put(cloud, shared, &albums, entry));
}

fn put(cloud: &Cloud, zone: ZoneId, albums: &HashMap<Shelf, AlbumId>, entry: &Entry) {
    const OURS: &str = "what was just made is there";
    const DAY_MS: i64 = 86_400_000;
    let trashed_ms = entry.thrown_away.map(|days| cloud.now_ms() - days * DAY_MS);
    let photo = cloud.add_photo(zone, NewPhoto { trashed_ms, ..entry.photo.clone() });
    for shelf in &entry.shelves {
        cloud.add_to_album(photo, albums[shelf]).expect(OURS);
    }
    if entry.twice {
        cloud.duplicate(photo).expect(OURS);
    }
}

#[cfg(test)]
mod tests;
