//! One of every kind of photo and video that iCloud knows (protocol/photos.md §5.3).

use std::sync::Arc;

use super::Entry;
use super::retouch::Retouch;
use super::shelf::Shelf;
use super::shot::{FILM_SIZE, PHONE, SLR, Shot};
use super::spot::Spot;
use crate::library::{Body, Burst, Edit, NewPhoto, Resource, Slot};
use crate::media::{self, Camera, Container};

const SUMMER: Spot = Spot::BERLIN.in_summer();

pub fn all() -> Vec<Entry> {
    [lives(), raws(), edits(), videos(), bursts(), screenshots(), depths(), others()].into_iter().flatten().collect()
}

fn lives() -> Vec<Entry> {
    let edited = Shot::new("IMG_0104.HEIC", "2023-07-08T18:20:11", SUMMER);
    let edit = Edit { video: Some(edited.cut(Container::LivePhoto, 1800)), ..edited.edit_as_heic() };
    let names = ["IMG_0101.HEIC", "IMG_0102.HEIC", "IMG_0103.HEIC"];
    let plain = names.iter().zip(["18:02:00", "18:05:30", "18:10:59"]).map(|(name, time)| {
        let photo = Shot::new(name, &format!("2023-07-08T{time}"), SUMMER).live();
        Entry::of(photo).on(Shelf::Family)
    });
    // The film of its own has the name that the Live Photo's film takes.
    let twin = Shot::new("IMG_0102.MOV", "2023-07-21T09:00:00", SUMMER).mov(3000);
    let revisited = Shot::new("IMG_0105.HEIC", "2023-07-09T07:45:00", SUMMER).upright().live().favourite();
    plain
        .chain([Entry::of(edited.live().edited(edit)), Entry::of(twin), Entry::of(revisited).on(Shelf::Favorites)])
        .collect()
}

fn raws() -> Vec<Entry> {
    let shot = |name, time: &str| Shot::new(name, &format!("2022-10-03T{time}"), SUMMER).with(SLR);
    vec![
        Entry::of(shot("_MG_2201.DNG", "06:58:12").raw_and_jpeg(true).captioned("Fog over the lake")),
        Entry::of(shot("_MG_2202.JPG", "07:01:40").raw_and_jpeg(false)),
        Entry::of(shot("_MG_2203.DNG", "07:04:05").dng()),
    ]
}

fn edits() -> Vec<Entry> {
    let jpeg = Shot::new("IMG_0201.JPG", "2021-09-12T15:00:00", SUMMER);
    let heic = Shot::new("IMG_0202.HEIC", "2021-09-12T15:05:00", SUMMER);
    let turned = Shot::new("IMG_0203.HEIC", "2021-09-12T15:06:00", SUMMER).upright();
    // Somebody exported the edit of 0202 and imported it again: its name is the one that rendering is shown by.
    let export = Shot::new("IMG_0202 (edited).HEIC", "2021-09-20T20:00:00", SUMMER).heic();
    vec![
        Entry::of(jpeg.jpeg().edited(jpeg.edit_as_jpeg())).on(Shelf::Family),
        Entry::of(heic.heic().edited(heic.edit_as_heic()).favourite()).on(Shelf::OtherFamily),
        Entry::of(turned.heic().edited(turned.edit_as_jpeg())),
        Entry::of(export),
    ]
}

fn videos() -> Vec<Entry> {
    let cut = Shot::new("IMG_0302.MOV", "2022-04-18T12:12:00", SUMMER);
    let trimmed = Edit { video: Some(cut.cut(Container::QuickTime, 2000)), ..Edit::new() };
    let slow = Shot::new("IMG_0303.MOV", "2022-04-18T12:20:00", SUMMER).film(Container::QuickTime, 4000, 12);
    let speed_ramp = Edit { adjustment_type: "com.apple.video.slomo".to_owned(), ..Edit::new() };
    let clouds = Shot::new("IMG_0304.MOV", "2022-04-18T19:00:00", SUMMER).mov(6000);
    vec![
        Entry::of(Shot::new("IMG_0301.MOV", "2022-04-18T12:10:00", SUMMER).mov(5000).favourite()),
        Entry::of(cut.mov(4000).edited(trimmed)),
        Entry::of(NewPhoto { subtype: 100, ..slow.edited(speed_ramp) }),
        Entry::of(NewPhoto { subtype: 101, ..clouds }),
        Entry::of(Shot::new("VID_20220419_101500.mp4", "2022-04-19T10:15:00", SUMMER).mp4(3000)),
        Entry::of(big_film()),
    ]
}

/// Bytes of the big film, which is made while it is read.
pub const BIG_FILM_SIZE: u64 = 60 << 20;

/// A film of four seconds with a box of nothing behind it: players show it, and readers have something to chew.
fn big_film() -> NewPhoto {
    let shot = Shot::new("IMG_0399.MOV", "2025-08-02T11:00:00", Spot::TROMSO.in_summer());
    let film = shot.film_bytes(4000, 8);
    let padding = BIG_FILM_SIZE as usize - film.len() - media::FREE_HEADER;
    let head = [film, media::free_header(padding as u32)].concat();
    let body = Body::padded(head, 0x6269_6766, BIG_FILM_SIZE);
    let original = Resource::new("com.apple.quicktime-movie", body).sized(FILM_SIZE.0, FILM_SIZE.1);
    let mut photo = NewPhoto { duration_ms: 4000, ..shot.photo(original) };
    photo.renditions.retain(|(slot, _)| *slot == Slot::Thumbnail); // a smaller film would be as large
    photo
}

fn bursts() -> Vec<Entry> {
    let id: Arc<str> = "B0457000-0000-4000-8000-000000000001".into();
    let frame = |name, time: &str, pick| {
        let photo = Shot::new(name, &format!("2020-06-14T16:00:{time}"), SUMMER).jpeg();
        let flags = if pick { 0b1101 } else { 0b0100 };
        Entry::of(NewPhoto { burst: Some(Burst { id: id.clone(), flags, pick }), ..photo })
    };
    vec![
        frame("IMG_0401.JPG", "01.000", false),
        frame("IMG_0402.JPG", "01.100", true),
        frame("IMG_0403.JPG", "01.200", false),
    ]
}

fn screenshots() -> Vec<Entry> {
    let screen = |name, local: &str| Shot::new(name, local, SUMMER).sized(256, 448).nowhere();
    let as_screenshot = |photo: NewPhoto| NewPhoto { subtype_v2: 3, ..photo };
    let marked = screen("IMG_0502.PNG", "2024-05-04T10:00:00");
    let markup = Edit { adjustment_type: "ScreenshotServices".to_owned(), ..marked.edit_as_jpeg() };
    vec![
        Entry::of(as_screenshot(screen("IMG_0501.PNG", "2024-05-04T09:59:00").png())),
        Entry::of(as_screenshot(marked.png().edited(markup))),
        // macOS writes a narrow no-break space before AM and PM.
        Entry::of(as_screenshot(screen("Screenshot 2024-05-04 at 9.41.00\u{202f}AM.png", "2024-05-04T09:41:00").png())),
    ]
}

/// Portrait and long exposure: "edited" by the camera itself, told by bits of adjustmentRenderType (protocol/photos.md §4.2).
fn depths() -> Vec<Entry> {
    let portrait = Shot::new("IMG_0601.HEIC", "2024-08-17T17:30:00", SUMMER);
    let blurred = Edit { render_type: 2050, ..portrait.edit_as_heic() };
    let water = Shot::new("IMG_0602.HEIC", "2024-08-17T18:00:00", SUMMER);
    let smeared = Edit { render_type: 4, video: Some(water.cut(Container::LivePhoto, 2400)), ..water.edit_as_heic() };
    vec![
        Entry::of(portrait.heic().edited(blurred)).on(Shelf::Family),
        Entry::of(water.live().edited(smeared).captioned("Waterfall")),
    ]
}

fn others() -> Vec<Entry> {
    let wide = Shot::new("IMG_0701.JPG", "2023-01-02T13:00:00", Spot::BERLIN).sized(1600, 320);
    let sidecar_shot = Shot::new("DSC_0703.JPG", "2018-11-11T11:11:11", Spot::BERLIN).with(NIKON);
    let keywords = ["carnival", "köln"];
    let xmp = media::sidecar::xmp("Carnival begins", &keywords, sidecar_shot.capture());
    let aae = media::sidecar::aae("com.apple.camera", sidecar_shot.capture().taken_ms);
    let with_xmp = NewPhoto {
        sidecar: Some(Resource::new("com.adobe.xmp", xmp)),
        keywords: keywords.map(str::to_owned).to_vec(),
        description: Some("Eleven past eleven on the eleventh of the eleventh".to_owned()),
        ..sidecar_shot.jpeg().captioned("Carnival begins")
    };
    let phone = Shot::new("IMG_0704.JPG", "2018-11-12T08:00:00", Spot::BERLIN).with(PHONE).jpeg();
    vec![
        Entry::of(NewPhoto { subtype: 1, ..wide.jpeg() }).on(Shelf::Favorites),
        Entry::of(Shot::new("IMG_0702.GIF", "2023-02-14T20:15:00", Spot::BERLIN).sized(160, 120).nowhere().gif()),
        Entry::of(with_xmp),
        Entry::of(NewPhoto {
            sidecar: Some(Resource::new("com.apple.photos.apple-adjustment-envelope", aae)),
            ..phone
        }),
        Entry::of(Shot::new("IMG_0705.HEIC", "2023-02-15T12:00:00", Spot::BERLIN).sized(1280, 960).heic()),
        Entry::of(Shot::new("IMG_0706.HEIC", "2023-02-15T12:01:00", Spot::BERLIN).heic()).twice(),
        Entry::of(keyed_checksum()),
    ]
}

const NIKON: Camera = Camera { make: "NIKON CORPORATION", model: "NIKON D750" };

/// Uploaded by a recent device: its checksum cannot be recomputed (protocol/photos.md §6).
fn keyed_checksum() -> NewPhoto {
    let shot = Shot::new("IMG_0707.HEIC", "2026-03-01T09:00:00", Spot::BERLIN);
    shot.photo(shot.heic_file().with_keyed_checksum())
}
