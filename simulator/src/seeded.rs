//! Large libraries made from a seed: every run has the same photos, and no body is in memory.
//!
//! A body is hashed when it is first listed, so the size of bodies is the cost of a first listing. Measured for 100,000
//! assets of the default 4 KiB, in an unoptimised build on a busy two-core machine: made in under a second, 130 MB of
//! memory; hashing every file of it and writing the truth as JSON, 14 s; listing it with all keys, 0.16 s a page, hashing
//! or not. Larger bodies cost in proportion.

mod albums;

use crate::library::{Body, Cloud, Edit, FileName, NewPhoto, Resource, Slot, Stream, ZoneId, mix};

/// How large a library is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    pub assets: usize,
    /// Mean size of an original, in bytes; single ones have half as much to half as much again.
    pub body: u64,
}

const SEED: u64 = 0x5eed;
const SECOND: i64 = 1000;
const DAY: i64 = 86_400 * SECOND;
/// 2011-01-01; the library spans fifteen years from here.
const FIRST: i64 = 1_293_840_000 * SECOND;
const SPAN: i64 = 15 * 365 * DAY;
/// Cameras count to here and begin again at 1.
const LAST_NUMBER: usize = 9999;
/// A long-used library has about one tombstone for two living records (photos.md §3.5).
const TOMBSTONES_PER_ASSET: f64 = 1.2;

/// Where the owner has been: seconds east of UTC, and the zone's name. Most photos are from the first.
const ZONES: [(i32, &str); 6] = [
    (3600, "Europe/Oslo"),
    (7200, "Europe/Athens"),
    (-18_000, "America/New_York"),
    (-28_800, "America/Los_Angeles"),
    (32_400, "Asia/Tokyo"),
    (19_800, "Asia/Kolkata"),
];

/// Fills an empty account.
pub fn fill(cloud: &Cloud, size: Size) {
    let primary = cloud.primary();
    cloud.add_old_tombstones(primary, (size.assets as f64 * TOMBSTONES_PER_ASSET) as u32);
    let now = cloud.now_ms();
    let photos: Vec<_> = (0..size.assets).map(|n| cloud.add_photo(primary, photo(n, size, now))).collect();
    for photo in photos.iter().step_by(DUPLICATE_EVERY).skip(1) {
        cloud.duplicate(*photo).expect("the photo was just added");
    }
    albums::fill(cloud, &photos);
}

/// One photo in so many has a second asset over its master.
const DUPLICATE_EVERY: usize = 211;

/// Adds photos to a shared library.
pub fn fill_shared(cloud: &Cloud, zone: ZoneId, size: Size) {
    let now = cloud.now_ms();
    for n in 0..size.assets {
        cloud.add_photo(zone, photo(SHARED_FROM + n, size, now));
    }
}

/// Shared libraries have photos of their own.
const SHARED_FROM: usize = 10_000_000;

/// The `n`-th photo, in order of capture.
fn photo(n: usize, size: Size, now: i64) -> NewPhoto {
    let mut dice = Stream::new(mix(SEED, n as u64));
    let captured = FIRST + spread(n, size.assets) + (dice.below(3600) as i64) * SECOND + dice.below(1000) as i64;
    let mut photo = original(n, size, &mut dice, captured);
    let (offset, zone) = if dice.chance(70) { ZONES[0] } else { ZONES[dice.below(6) as usize] };
    photo = photo.in_zone(offset, zone);
    photo.added_ms = Some(captured + dice.below(600) as i64 * SECOND);
    photo.favourite = dice.chance(5);
    photo.hidden = dice.chance(1);
    if dice.below(200) == 0 {
        photo.trashed_ms = Some(now - dice.below(29 * DAY as u64) as i64);
    }
    if dice.below(500) == 0 {
        photo.file_name = FileName::Plain(photo.file_name.text().unwrap_or_default().into());
    }
    photo.renditions.push((Slot::Thumbnail, file("public.jpeg", n, Slot::Thumbnail, 1024).sized(360, 270)));
    photo
}

/// Photos are spread evenly over the years.
fn spread(n: usize, of: usize) -> i64 {
    (SPAN as f64 * (n % SHARED_FROM) as f64 / of.max(1) as f64) as i64
}

/// A still, a Live Photo, a video or a screenshot; some of them edited.
fn original(n: usize, size: Size, dice: &mut Stream, captured: i64) -> NewPhoto {
    let bytes = (size.body / 2 + dice.below(size.body.max(1))).max(1);
    let name = |extension: &str| format!("IMG_{:04}.{extension}", n % LAST_NUMBER + 1);
    let still = |uti| file(uti, n, Slot::Original, bytes).sized(4032, 3024);
    let mut photo = match dice.below(100) {
        0..8 => video(&name("MOV"), file("com.apple.quicktime-movie", n, Slot::Original, bytes * 4), captured),
        8..18 => {
            let motion = file("com.apple.quicktime-movie", n, Slot::LiveVideo, bytes).sized(1920, 1440);
            NewPhoto::new(&name("HEIC"), still("public.heic"), captured).live(motion)
        }
        18..22 => NewPhoto { subtype_v2: 3, ..NewPhoto::new(&name("PNG"), still("public.png"), captured) },
        22..60 => NewPhoto::new(&name("JPG"), still("public.jpeg"), captured),
        _ => NewPhoto::new(&name("HEIC"), still("public.heic"), captured),
    };
    if dice.chance(4) {
        photo.edit = Some(edit(n, photo.video, bytes));
    }
    photo
}

fn video(name: &str, film: Resource, captured: i64) -> NewPhoto {
    NewPhoto { duration_ms: 12_345, ..NewPhoto::new(name, film.sized(1920, 1080), captured) }
}

fn edit(n: usize, is_video: bool, bytes: u64) -> Edit {
    let (picture, film) = match is_video {
        true => (None, Some(file("com.apple.quicktime-movie", n, Slot::EditedVideo, bytes).sized(1920, 1080))),
        false => (Some(file("public.jpeg", n, Slot::EditedPicture, bytes).sized(4032, 3024)), None),
    };
    Edit { picture, video: film, ..Edit::new() }
}

fn file(uti: &'static str, n: usize, slot: Slot, bytes: u64) -> Resource {
    Resource::new(uti, Body::seeded(mix(SEED ^ (slot as u64 + 1), n as u64), bytes))
}

#[cfg(test)]
mod tests;
