use icloud_simulator::library::{Body, Cloud, NewPhoto, Resource};

/// Photos by photo, an album list has pages of 66: three records for each, at most 200 on a page (protocol/photos.md §2.5).
pub const PAGE: usize = 66;

/// Adds an album of that many small photos, in order of capture, to the personal library.
pub fn fill(cloud: &Cloud, name: &str, count: usize) {
    let album = cloud.add_album(cloud.primary(), name, None);
    for n in 0..count {
        let original = Resource::new("public.jpeg", Body::seeded(n as u64, 1000 + n as u64)).sized(40, 30);
        let captured_ms = 1_700_000_000_000 + 60_000 * n as i64;
        let photo = cloud.add_photo(cloud.primary(), NewPhoto::new(&format!("IMG_{n:04}.JPG"), original, captured_ms));
        cloud.add_to_album(photo, album).expect("both are there");
    }
}
