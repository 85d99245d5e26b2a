//! What is read: albums of their own for every scenario and run.

use icloud_simulator::library::{Body, Cloud, NewPhoto, Resource};

const MB: u64 = 1_000_000;
const MONTH: i64 = 31 * 86_400_000;

/// An album: what it is for, how many files, how large each is.
pub struct Shelf {
    pub name: &'static str,
    pub count: usize,
    pub size: u64,
    /// Whether a checksum goes with them that a client can compute.
    pub verifiable: bool,
}

const fn shelf(name: &'static str, count: usize, size: u64) -> Shelf {
    Shelf { name, count, size, verifiable: true }
}

impl Shelf {
    pub fn bytes(&self) -> u64 {
        self.size * self.count as u64
    }

    /// The album in a run.
    pub fn album(&self, run: usize) -> String {
        format!("{} {run}", self.name)
    }

    pub fn file(&self, run: usize, number: usize) -> String {
        format!("{}_{run}_{number:05}.JPG", self.name)
    }
}

// rclone lists no more than 66 of each hundred, so what it copies stays below.
pub const PHOTOS: Shelf = shelf("photos", 60, 5 * MB);
pub const SHOOT: Shelf = shelf("shoot", 300, 5 * MB);
pub const KEYED: Shelf = Shelf { verifiable: false, ..shelf("keyed", 300, 5 * MB) };
pub const SMALL: Shelf = shelf("small", 60, 200 << 10);
pub const MANY: Shelf = shelf("many", 2000, 200 << 10);
pub const TEN_THOUSAND: Shelf = shelf("tens", 10_000, 200 << 10);
pub const FILM: Shelf = shelf("film", 1, 200 * MB);
pub const EIGHT: Shelf = shelf("eight", 8, 40 * MB);
pub const LOOKS: Shelf = shelf("looks", 3, 200 * MB);
pub const USERS: Shelf = shelf("users", 60, 5 * MB);
pub const HOME: Shelf = shelf("home", 16, 5 * MB);
pub const OPENED: Shelf = shelf("opened", 16, 5 * MB);

/// Photos between two albums, in the order of albums and of months: a walk that goes on beyond its album reads these
/// ahead, and none of another scenario's.
const FENCE: usize = 3;

/// Adds the shelves of all runs.
pub fn fill(cloud: &Cloud, shelves: &[&Shelf], runs: usize) {
    let mut shelves: Vec<(usize, &Shelf)> = (0..runs).flat_map(|run| shelves.iter().map(move |s| (run, *s))).collect();
    shelves.sort_by_key(|(run, shelf)| shelf.album(*run));
    let (mut seed, mut month) = (0, 0);
    let mut album = |name: &str, files: Vec<(String, u64)>, verifiable: bool| {
        let id = cloud.add_album(cloud.primary(), name, None);
        month += 1;
        for (minute, (file, size)) in files.into_iter().enumerate() {
            seed += 1;
            let original = Resource::new("public.jpeg", Body::seeded(seed, size)).sized(4032, 3024);
            let original = if verifiable { original } else { original.with_keyed_checksum() };
            let captured = 1_000_000_000_000 + MONTH * month + 10_000 * minute as i64;
            let photo = cloud.add_photo(cloud.primary(), NewPhoto::new(&file, original, captured));
            cloud.add_to_album(photo, id).expect("both are there");
        }
    };
    for (run, shelf) in shelves {
        let files = (0..shelf.count).map(|n| (shelf.file(run, n), shelf.size)).collect();
        album(&shelf.album(run), files, shelf.verifiable);
        let name = format!("{} fence", shelf.album(run));
        album(&name, (0..FENCE).map(|n| (format!("{name} {n}.JPG"), 1000)).collect(), true);
    }
}
