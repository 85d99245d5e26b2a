//! The demo library: what a newcomer sees with no Apple account, and what tests lean on because it has one of every kind
//! and every oddity that protocol/photos.md tells of.
//!
//! It is the same at every start, record names included; only Recently Deleted counts its days from now.

mod kinds;
mod marathon;
mod names;
mod shared;
mod shelf;
mod shot;
mod spot;
mod years;

use std::collections::HashMap;

use crate::library::{AlbumId, Area, Cloud, NewPhoto, ZoneId};
use shelf::Shelf;

/// A photo and the albums it is put into.
struct Entry {
    photo: NewPhoto,
    shelves: Vec<Shelf>,
    /// "Duplicate" was chosen for it once: two assets over one master.
    twice: bool,
}

impl Entry {
    fn of(photo: NewPhoto) -> Entry {
        Entry { photo, shelves: Vec::new(), twice: false }
    }

    fn on(mut self, shelf: Shelf) -> Entry {
        self.shelves.push(shelf);
        self
    }

    fn twice(self) -> Entry {
        Entry { twice: true, ..self }
    }
}

/// A part of the library; takes the present, in milliseconds since 1970.
type Roll = fn(i64) -> Vec<Entry>;

/// Fills an empty account with the demo library: the personal one, its albums, and a shared one.
pub fn fill(cloud: &Cloud) {
    let albums = shelf::build(cloud);
    let rolls: [Roll; 5] = [|_| kinds::all(), years::all, |_| names::all(), |_| marathon::all(), shared::all];
    let [kinds, years, names, marathon, shared] = develop(rolls, cloud.now_ms());
    let both = vec![Entry::of(shared::in_both_libraries())];
    let personal = [kinds, years, names, marathon, both].into_iter().flatten();
    personal.for_each(|entry| put(cloud, cloud.primary(), &albums, entry));
    let shared_library = cloud.add_shared_library(Area::Private);
    shared.into_iter().for_each(|entry| put(cloud, shared_library, &albums, entry));
}

/// Makes all files, on as many cores as there are: painting and encoding is what a start costs.
fn develop<const N: usize>(rolls: [Roll; N], now_ms: i64) -> [Vec<Entry>; N] {
    std::thread::scope(|scope| {
        let makers = rolls.map(|roll| scope.spawn(move || roll(now_ms)));
        makers.map(|maker| maker.join().expect("a roll is developed"))
    })
}

fn put(cloud: &Cloud, zone: ZoneId, albums: &HashMap<Shelf, AlbumId>, entry: Entry) {
    const OURS: &str = "what was just made is there";
    let photo = cloud.add_photo(zone, entry.photo);
    for shelf in entry.shelves {
        cloud.add_to_album(photo, albums[&shelf]).expect(OURS);
    }
    if entry.twice {
        cloud.duplicate(photo).expect(OURS);
    }
}

#[cfg(test)]
mod tests;
