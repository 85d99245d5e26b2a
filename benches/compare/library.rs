//! What is read: albums of their own for every run.

use icloud_simulator::library::{Body, Cloud, NewPhoto, Resource};

const MB: u64 = 1_000_000;

/// An album: what it is for, how many files, how large each is. rclone lists no more than 66 of each hundred.
pub struct Shelf {
    pub name: &'static str,
    pub count: usize,
    pub size: u64,
}

pub const PHOTOS: Shelf = Shelf { name: "photos", count: 60, size: 5 * MB };
pub const SMALL: Shelf = Shelf { name: "small", count: 60, size: 200_000 };
pub const FILM: Shelf = Shelf { name: "film", count: 1, size: 200 * MB };
pub const EIGHT: Shelf = Shelf { name: "eight", count: 8, size: 40 * MB };
pub const RANDOM: Shelf = Shelf { name: "random", count: 2, size: 100 * MB };
const ALL: [Shelf; 5] = [PHOTOS, SMALL, FILM, EIGHT, RANDOM];

/// The album of a shelf in a run.
pub fn album(shelf: &Shelf, run: usize) -> String {
    format!("{} {run}", shelf.name)
}

pub fn file(shelf: &Shelf, run: usize, number: usize) -> String {
    format!("{}_{run}_{number:04}.JPG", shelf.name)
}

pub fn fill(cloud: &Cloud, runs: usize) {
    let mut seed = 0;
    for (run, shelf) in (0..runs).flat_map(|run| ALL.map(|shelf| (run, shelf))) {
        let album_id = cloud.add_album(cloud.primary(), &album(&shelf, run), None);
        for number in 0..shelf.count {
            seed += 1;
            let original = Resource::new("public.jpeg", Body::seeded(seed, shelf.size)).sized(4032, 3024);
            // A month for every album, so that no walk goes on from one into the next.
            let captured = 1_600_000_000_000 + 90 * 86_400_000 * (seed as i64 / 200) + 60_000 * seed as i64;
            let photo = cloud.add_photo(cloud.primary(), NewPhoto::new(&file(&shelf, run, number), original, captured));
            cloud.add_to_album(photo, album_id).expect("both are there");
        }
    }
}
