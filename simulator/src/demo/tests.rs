use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::*;
use crate::clock::Clock;
use crate::library::{Asset, Master, Slot, Truth, TruthAsset, TruthLibrary, TruthState, Zone};

fn demo() -> &'static Cloud {
    static DEMO: OnceLock<Cloud> = OnceLock::new();
    DEMO.get_or_init(|| {
        let cloud = Cloud::new(Arc::new(Clock::default()));
        fill(&cloud);
        cloud
    })
}

fn truth() -> &'static Truth {
    static TRUTH: OnceLock<Truth> = OnceLock::new();
    TRUTH.get_or_init(|| demo().truth())
}

fn personal() -> &'static TruthLibrary {
    truth().library("PrimarySync").unwrap()
}

fn shared() -> &'static TruthLibrary {
    truth().libraries.iter().find(|library| library.shared).unwrap()
}

fn named(name: &str) -> Vec<&'static TruthAsset> {
    personal().assets.iter().filter(|asset| asset.file_name.as_deref() == Some(name)).collect()
}

fn album(path: &[&str]) -> Vec<&'static [String]> {
    let found = personal().albums.iter().filter(|album| album.path == path && !album.is_folder);
    found.map(|album| &album.members[..]).collect()
}

/// How many assets of the personal library the records say this of.
fn count(holds: impl Fn(&Asset, &Master) -> bool) -> usize {
    let model = demo().model();
    let zone: &Zone = &model.zones[0];
    zone.assets.iter().filter(|asset| holds(asset, zone.master(asset.master))).count()
}

fn uti(asset: &Asset, slot: Slot) -> Option<String> {
    asset.edit.as_ref()?.resources.get(slot).map(|resource| resource.uti.to_string())
}

fn master_uti(master: &Master, slot: Slot) -> Option<&str> {
    master.resources.get(slot).map(|resource| &*resource.uti)
}

#[test]
fn it_is_of_the_right_size() {
    assert!(truth().assets().count() >= 60, "{}", truth().assets().count());
    let resources = truth().assets().flat_map(|asset| &asset.resources);
    let small = resources.map(|resource| resource.size).filter(|size| *size < kinds::BIG_FILM_SIZE).sum::<u64>();
    assert!((10 << 20..40 << 20).contains(&small), "{small} bytes");
}

#[test]
fn record_names_are_the_same_at_each_start() {
    let again = Cloud::new(Arc::new(Clock::default()));
    fill(&again);
    let facts = |truth: &Truth| -> Vec<(String, String)> {
        truth.assets().map(|asset| (asset.record_name.clone(), asset.master_name.clone())).collect()
    };
    assert_eq!(facts(&again.truth()), facts(truth()));
}

#[test]
fn files_made_twice_are_the_same() {
    let checksums = |roll: Vec<Entry>| -> Vec<_> {
        roll.into_iter().filter_map(|entry| Some(entry.photo.original?.body.checksum())).collect()
    };
    assert_eq!(checksums(years::all()), checksums(years::all()));
}

#[test]
fn every_file_is_what_its_type_says() {
    for asset in truth().assets() {
        for resource in &asset.resources {
            let head = resource.body.read(0, 64);
            let begins = |with: &[u8]| head.starts_with(with);
            let right = match resource.uti.as_str() {
                "public.jpeg" => begins(&[0xff, 0xd8, 0xff]),
                "public.heic" => begins(b"\0\0\0\x18ftypheic"),
                "public.png" => begins(b"\x89PNG\r\n\x1a\n"),
                "com.compuserve.gif" => begins(b"GIF89a"),
                "public.tiff" | "com.adobe.raw-image" => begins(b"MM\0\x2a"),
                "com.apple.quicktime-movie" if resource.slot == Slot::LiveVideo => begins(b"\0\0\0\x08wide"),
                "com.apple.quicktime-movie" => begins(b"\0\0\0\x14ftypqt  ") || begins(b"\0\0\0\x08wide"),
                "public.mpeg-4" => begins(b"\0\0\0\x18ftypmp42"),
                "com.adobe.xmp" => begins(b"<?xpacket"),
                "com.apple.photos.apple-adjustment-envelope" => begins(b"<?xml"),
                other => panic!("a type without a check: {other}"),
            };
            assert!(right, "{:?} {:?} {}: {head:?}", asset.file_name, resource.slot, resource.uti);
        }
    }
}

#[test]
fn boxes_of_the_big_film_cover_it_to_the_last_byte() {
    let film = named("IMG_0399.MOV")[0].resource(Slot::Original).unwrap();
    assert_eq!(film.size, kinds::BIG_FILM_SIZE);
    let mut at = 0;
    let mut kinds = Vec::new();
    while at < film.size {
        let head = film.body.read(at, 8);
        kinds.push(String::from_utf8(head[4..].to_vec()).unwrap());
        at += u64::from(u32::from_be_bytes(head[..4].try_into().unwrap()));
    }
    assert_eq!(at, film.size);
    assert_eq!(kinds, ["ftyp", "wide", "mdat", "moov", "free"]);
}

#[test]
fn every_kind_of_photo_is_there() {
    let of_subtype = |subtype| count(|asset, _| asset.subtype == subtype);
    assert!(count(|_, master| master_uti(master, Slot::LiveVideo).is_some()) >= 10, "Live Photos");
    assert_eq!(count(|_, master| master_uti(master, Slot::Thumbnail).is_none()), 0, "thumbnails");
    assert!(of_subtype(1) >= 1, "panorama");
    assert!(count(|asset, _| asset.subtype_v2 == 3) >= 3, "screenshots");
    assert!(count(|_, master| master_uti(master, Slot::Original) == Some("com.compuserve.gif")) >= 1, "animation");
    assert!(count(|_, master| master_uti(master, Slot::Sidecar).is_some()) >= 2, "sidecars");
    assert!(count(|asset, _| asset.render_type() & 2 != 0) >= 1, "portrait");
    assert!(count(|asset, _| asset.render_type() & 4 != 0) >= 1, "long exposure");
    let burst = |pick| count(|asset, _| asset.burst.as_ref().is_some_and(|burst| burst.pick == pick));
    assert_eq!((burst(true), burst(false)), (1, 2), "one burst of three");
    let raw = Some("com.adobe.raw-image");
    assert!(
        count(|_, master| master_uti(master, Slot::Original) == raw
            && master_uti(master, Slot::Alternative) == Some("public.jpeg"))
            >= 1
    );
    assert!(
        count(|_, master| master_uti(master, Slot::Original) == Some("public.jpeg")
            && master_uti(master, Slot::Alternative) == raw)
            >= 1
    );
}

#[test]
fn every_kind_of_video_is_there() {
    let of_subtype = |subtype| count(|asset, _| asset.subtype == subtype);
    assert_eq!((of_subtype(100), of_subtype(101)), (1, 1), "slow motion, time-lapse");
    assert!(count(|asset, master| master.video && asset.edit.is_none() && asset.duration_ms > 0) >= 5, "plain videos");
    assert!(count(|_, master| master_uti(master, Slot::Original) == Some("public.mpeg-4")) >= 2, "MPEG-4");
}

#[test]
fn every_kind_of_edit_is_there() {
    let original = |master: &Master| master_uti(master, Slot::Original).unwrap_or_default().to_owned();
    let picture = |asset: &Asset| uti(asset, Slot::EditedPicture).unwrap_or_default();
    let rendered = |from: &str, to: &str| count(|asset, master| original(master) == from && picture(asset) == to);
    assert!(rendered("public.jpeg", "public.jpeg") >= 1);
    assert!(rendered("public.heic", "public.heic") >= 1);
    assert!(rendered("public.heic", "public.jpeg") >= 1);
    assert!(rendered("public.png", "public.jpeg") >= 1, "a screenshot's edit is JPEG");
    let film = |asset: &Asset| uti(asset, Slot::EditedVideo).is_some();
    assert!(count(|asset, master| master.video && film(asset)) >= 1, "edited video");
    assert!(
        count(|asset, _| asset.subtype_v2 == 2 && film(asset) && !picture(asset).is_empty()) >= 1,
        "edited Live Photo"
    );
    let slow = |asset: &Asset| asset.edit.as_ref().is_some_and(|edit| edit.adjustment_type == "com.apple.video.slomo");
    assert_eq!(count(|asset, _| slow(asset) && !film(asset)), 1, "slow motion has no rendering");
}

#[test]
fn years_and_clocks_reach_far() {
    let local = |asset: &TruthAsset| {
        let shift = i64::from(asset.utc_offset_s.unwrap_or(0)) * 1000;
        jiff::Timestamp::from_millisecond(asset.captured_ms + shift).unwrap().to_zoned(jiff::tz::TimeZone::UTC)
    };
    let years: HashSet<i16> = personal().assets.iter().map(|asset| local(asset).year()).collect();
    for year in [1850, 1903, 1969, 1970, 1987, 2009, 2107].into_iter().chain(2015..=2026) {
        assert!(years.contains(&year), "{year}");
    }
    let offsets: HashSet<_> = personal().assets.iter().map(|asset| asset.utc_offset_s).collect();
    for offset in [Some(50_400), Some(-34_200), Some(20_700), None] {
        assert!(offsets.contains(&offset), "{offset:?}");
    }
    let utc_month =
        |asset: &TruthAsset| jiff::Timestamp::from_millisecond(asset.captured_ms).unwrap().to_string()[..7].to_owned();
    let new_year = named("IMG_3101.HEIC")[0];
    assert_eq!((utc_month(new_year).as_str(), local(new_year).year()), ("2025-12", 2026));
}

#[test]
fn albums_have_every_shape() {
    assert_eq!(album(&["Norway", "Day 1"])[0].len(), 3);
    assert_eq!(album(&["Norway", "Hikes", "Segla"])[0].len(), 3);
    assert_eq!(album(&["24/12/2020"])[0].len(), 3);
    assert_eq!(album(&["Favorites"])[0].len(), 2);
    assert_eq!(album(&["Family"]).len(), 2);
    assert_eq!(album(&["🎉 Party 🥳"])[0].len(), 2);
    assert!(album(&["Empty"])[0].is_empty());
    assert_eq!(album(&["Marathon 2019"])[0].len(), marathon::PHOTOS);
    const { assert!(marathon::PHOTOS > 66, "longer than a page") };
    assert_eq!((album(&[".private"])[0].len(), album(&["..", "Inside"])[0].len()), (1, 1));
    let of_shared: HashSet<&String> = shared().assets.iter().map(|asset| &asset.record_name).collect();
    assert_eq!(
        album(&["Family"]).iter().flat_map(|members| members.iter()).filter(|name| of_shared.contains(name)).count(),
        1
    );
}

#[test]
fn favourites_hidden_and_deleted_ones_are_there() {
    let in_state = |state| personal().assets.iter().filter(|asset| asset.state == state).count();
    assert_eq!((in_state(TruthState::Hidden), in_state(TruthState::Trashed)), (3, 4));
    assert!(personal().assets.iter().filter(|asset| asset.favourite).count() >= 5);
    let model = demo().model();
    let days: HashSet<i64> =
        model.zones[0].assets.iter().filter_map(|asset| Some(asset.trashed?.date_expunged_ms() / 86_400_000)).collect();
    assert_eq!(days.len(), 3, "different days of expiry");
}

#[test]
fn the_shared_library_has_its_own_assets_and_one_file_of_ours() {
    assert_eq!(shared().assets.len(), 13);
    let masters =
        |library: &TruthLibrary| library.assets.iter().map(|asset| asset.master_name.clone()).collect::<HashSet<_>>();
    assert_eq!(masters(shared()).intersection(&masters(personal())).count(), 1);
}

#[test]
fn two_assets_share_a_master() {
    let [one, two] = named("IMG_0706.HEIC")[..] else { panic!("two assets") };
    assert_eq!(one.master_name, two.master_name);
    assert_ne!(one.record_name, two.record_name);
    let mut assets_of: BTreeMap<&str, usize> = BTreeMap::new();
    personal().assets.iter().for_each(|asset| *assets_of.entry(&asset.master_name).or_default() += 1);
    assert_eq!(assets_of.values().filter(|count| **count > 1).count(), 1, "and no others do");
}

#[test]
fn odd_names_are_kept_to_the_letter() {
    for name in names::odd_names() {
        assert!(!named(&name).is_empty(), "{name:?}");
    }
    assert_eq!(named("IMG_0001.JPG").len(), 3);
    assert!(
        names::odd_names().iter().any(|name| name.len() == 255)
            && names::odd_names().iter().any(|name| name.len() > 255)
    );
    use crate::library::FileName;
    assert_eq!(count(|_, master| master.file_name == FileName::Missing), 2);
    assert_eq!(count(|_, master| matches!(master.file_name, FileName::Plain(_))), 1);
    assert_eq!(count(|_, master| master.item_type.is_none()), 1);
}

#[test]
fn unfinished_uploads_have_no_original() {
    for name in ["IMG_8001.JPG", "IMG_8002.JPG"] {
        assert!(named(name)[0].resource(Slot::Original).is_none());
    }
    let unverifiable =
        personal().assets.iter().flat_map(|asset| &asset.resources).filter(|resource| !resource.verifiable);
    assert_eq!(unverifiable.count(), 1);
}

#[test]
fn some_have_titles_descriptions_keywords_and_places() {
    assert!(count(|asset, _| asset.caption.is_some()) >= 4);
    assert!(count(|asset, _| asset.description.is_some()) >= 1);
    assert!(count(|asset, _| !asset.keywords.is_empty()) >= 2);
    assert!(count(|asset, _| asset.location.is_some()) >= 100);
    assert!(count(|asset, _| asset.location.is_none()) >= 5);
}
