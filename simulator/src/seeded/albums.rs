//! Albums of a seeded library: forty, most of them in folders, some two levels down.

use crate::library::{AlbumId, AssetId, Cloud, Stream};

const ALBUMS: u64 = 40;
const FOLDERS: [&str; 4] = ["Travels", "Family", "Work", "Projects"];

/// Each album holds a run of neighbouring photos, as a trip does.
pub(super) fn fill(cloud: &Cloud, photos: &[AssetId]) {
    if photos.is_empty() {
        return;
    }
    let folders = folders(cloud);
    let mut dice = Stream::new(0xa1b0);
    for n in 0..ALBUMS {
        let folder = folders.get(dice.below(folders.len() as u64 + 3) as usize).copied();
        let album = cloud.add_album(cloud.primary(), &format!("Album {:02}", n + 1), folder);
        let length = 1 + dice.below(photos.len() as u64 / 100 + 70) as usize;
        let start = dice.below(photos.len() as u64) as usize;
        for photo in photos.iter().skip(start).take(length) {
            cloud.add_to_album(*photo, album).expect("album and photo were just added");
        }
    }
}

/// Each top folder, and one below each.
fn folders(cloud: &Cloud) -> Vec<AlbumId> {
    let primary = cloud.primary();
    let pair = |name: &&str| {
        let top = cloud.add_folder(primary, name, None);
        [top, cloud.add_folder(primary, "Archive", Some(top))]
    };
    FOLDERS.iter().flat_map(pair).collect()
}
