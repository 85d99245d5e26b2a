use icloud_simulator::library::{AssetId, Body, Cloud, NewPhoto, Resource, ZoneId};

/// Photos by photo, an album list has pages of 66: three records for each, at most 200 on a page (protocol/photos.md §2.5).
pub const PAGE: usize = 66;

/// Adds an album of that many small photos, in order of capture, to the personal library.
pub fn fill(cloud: &Cloud, name: &str, count: usize) {
    let album = cloud.add_album(cloud.primary(), name, None);
    for photo in add_photos(cloud, cloud.primary(), count) {
        cloud.add_to_album(photo, album).expect("both are there");
    }
}

/// Adds that many small photos, in order of capture, to a library.
pub fn add_photos(cloud: &Cloud, library: ZoneId, count: usize) -> Vec<AssetId> {
    let photo = |n: usize| {
        let original = Resource::new("public.jpeg", Body::seeded(n as u64, 1000 + n as u64)).sized(40, 30);
        NewPhoto::new(&format!("IMG_{n:04}.JPG"), original, 1_700_000_000_000 + 60_000 * n as i64)
    };
    (0..count).map(|n| cloud.add_photo(library, photo(n))).collect()
}
