//! Every kind of photo that iCloud knows (protocol/photos.md §4, §5), each by itself, from the simulated service through the
//! file system: which files it has, under which names, in which directories, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::sync::Arc;

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Fault};
use icloud_simulator::library::{
    AlbumId, Area, AssetId, Body, Burst, Cloud, Edit, FileName, NewPhoto, Resource, ZoneId,
};
use photosfs::content::{Content, ContentOptions, PhotosSource};
use photosfs::index::{NodeKind, ROOT};
use photosfs::tree::short_id;
use photosfs::vfs::Vfs;

use crate::fake::{Calm, OWNER};
use crate::stage::Stage;

const JPEG: &str = "public.jpeg";
const HEIC: &str = "public.heic";
const DNG: &str = "com.adobe.raw-image";
const MOV: &str = "com.apple.quicktime-movie";
/// 2024-03-05.
const MARCH: i64 = 1_709_632_800_000;
const DAY: i64 = 86_400_000;

/// A library of a few photos.
struct Scene {
    stage: Stage,
    cloud: Cloud,
    vfs: Vfs,
}

fn file(uti: &'static str, text: &str) -> Resource {
    Resource::new(uti, Body::bytes(text.as_bytes().to_vec()))
}

fn photo(name: &str, original: Resource) -> NewPhoto {
    NewPhoto::new(name, original, MARCH)
}

impl Scene {
    fn new() -> Scene {
        let stage = Stage::new(Options { assets: Some(0), ..Options::default() });
        let cloud = stage.simulator.cloud();
        Scene::on(stage, cloud)
    }

    fn on(stage: Stage, cloud: Cloud) -> Scene {
        let source = Arc::new(PhotosSource::new(stage.photos.clone(), stage.http.clone()));
        let content = Content::open_folder(ContentOptions::from(&stage.config), source, stage.runtime.handle().clone());
        let vfs = Vfs::new(stage.index.clone(), Arc::new(content.unwrap()), Arc::new(Calm), OWNER);
        Scene { cloud, vfs, stage }
    }

    /// A library that holds these photos when it is first listed.
    fn of(photos: impl IntoIterator<Item = NewPhoto>) -> Scene {
        let scene = Scene::new();
        for photo in photos {
            scene.add(photo);
        }
        scene.update();
        scene
    }

    fn primary(&self) -> ZoneId {
        self.cloud.primary()
    }

    fn add(&self, photo: NewPhoto) -> AssetId {
        self.cloud.add_photo(self.primary(), photo)
    }

    fn album(&self, name: &str, folder: Option<AlbumId>) -> AlbumId {
        self.cloud.add_album(self.primary(), name, folder)
    }

    fn update(&self) {
        self.stage.update().unwrap();
        self.stage.simulator.assert_clean();
    }

    /// Files below a directory, and their bytes as they are read.
    fn files(&self, below: &str) -> BTreeMap<String, String> {
        let below = format!("/{below}/");
        let tree = self.stage.tree().into_iter().filter(|(_, node)| node.kind == NodeKind::File);
        tree.filter_map(|(path, _)| Some((path.strip_prefix(&below)?.to_owned(), self.read(&path)))).collect()
    }

    fn read(&self, path: &str) -> String {
        let find = |parent, name: &str| self.vfs.lookup(parent, OsStr::new(name)).unwrap().attributes.unwrap();
        let parts = path.split('/').filter(|part| !part.is_empty());
        let (ino, size) = parts.fold((ROOT, 0), |(parent, _), name| {
            let found = find(parent, name);
            (found.ino, found.size)
        });
        let bytes = self.stage.runtime.block_on(async {
            let handle = self.vfs.open(ino, false).unwrap().handle;
            let bytes = match self.vfs.read_now(handle, 0, 1 << 20).unwrap() {
                Some(bytes) => bytes,
                None => self.vfs.read(handle, 0, 1 << 20).await.unwrap(),
            };
            self.vfs.release(handle).unwrap();
            bytes
        });
        assert_eq!(bytes.len() as u64, size, "{path} is as long as it was said to be");
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// The month that all photos here are of.
    fn month(&self) -> BTreeMap<String, String> {
        self.files("Years/2024/2024-03")
    }

    /// Smart albums that hold something.
    fn smart(&self) -> BTreeSet<String> {
        self.files("Smart Albums").into_keys().map(|path| path.split_once('/').unwrap().0.to_owned()).collect()
    }

    fn directories(&self, below: &str) -> Vec<String> {
        let below = format!("/{below}/");
        let tree = self.stage.tree().into_iter().filter(|(_, node)| node.kind == NodeKind::Directory);
        tree.filter_map(|(path, _)| path.strip_prefix(&below).map(str::to_owned)).collect()
    }
}

fn files(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(name, bytes)| ((*name).to_owned(), (*bytes).to_owned())).collect()
}

fn names(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_live_photo_is_a_still_and_a_film_of_one_name() {
    let scene = Scene::of([photo("IMG_1.HEIC", file(HEIC, "still")).live(file(MOV, "film"))]);
    assert_eq!(scene.month(), files(&[("IMG_1.HEIC", "still"), ("IMG_1.MOV", "film")]));
    assert_eq!(scene.smart(), names(&["Live Photos", "Not in an Album"]));
}

#[test]
fn raw_and_jpeg_are_both_there_whichever_is_the_original() {
    let both = |name: &str, original, alternative| NewPhoto { alternative: Some(alternative), ..photo(name, original) };
    let scene = Scene::of([
        both("A.DNG", file(DNG, "raw a"), file(JPEG, "jpeg a")),
        both("B.JPG", file(JPEG, "jpeg b"), file(DNG, "raw b")),
        photo("C.DNG", file(DNG, "raw c")),
    ]);
    let expected =
        [("A.DNG", "raw a"), ("A.JPG", "jpeg a"), ("B.DNG", "raw b"), ("B.JPG", "jpeg b"), ("C.DNG", "raw c")];
    assert_eq!(scene.month(), files(&expected));
    assert_eq!(scene.files("Smart Albums/RAW"), files(&expected));
}

#[test]
fn edits_stand_beside_what_they_are_of() {
    let edit = |picture: Option<Resource>, video: Option<Resource>| Some(Edit { picture, video, ..Edit::new() });
    let scene = Scene::of([
        NewPhoto { edit: edit(Some(file(JPEG, "a'")), None), ..photo("A.HEIC", file(HEIC, "a")) },
        NewPhoto { edit: edit(None, Some(file(MOV, "b'"))), ..photo("B.MOV", file(MOV, "b")) },
        NewPhoto {
            edit: edit(Some(file(HEIC, "c'")), Some(file(MOV, "film c'"))),
            ..photo("C.HEIC", file(HEIC, "c")).live(file(MOV, "film c"))
        },
    ]);
    let expected = [
        ("A.HEIC", "a"),
        ("A (edited).JPG", "a'"),
        ("B.MOV", "b"),
        ("B (edited).MOV", "b'"),
        ("C.HEIC", "c"),
        ("C.MOV", "film c"),
        ("C (edited).HEIC", "c'"),
        ("C (edited).MOV", "film c'"),
    ];
    assert_eq!(scene.month(), files(&expected));
}

#[test]
fn an_edit_that_is_reverted_leaves_and_the_original_stays() {
    let scene = Scene::of([]);
    let asset = scene.add(photo("A.JPG", file(JPEG, "a")));
    let edit = |text| Edit { picture: Some(file(JPEG, text)), ..Edit::new() };
    for text in ["first", "second, longer"] {
        scene.cloud.edit(asset, edit(text)).unwrap();
        scene.update();
        assert_eq!(scene.month(), files(&[("A.JPG", "a"), ("A (edited).JPG", text)]));
    }
    scene.cloud.revert(asset).unwrap();
    scene.update();
    assert_eq!(scene.month(), files(&[("A.JPG", "a")]));
}

#[test]
fn slow_motion_and_the_other_subtypes_have_their_smart_albums() {
    let ramp = Edit { adjustment_type: "com.apple.video.slomo".into(), ..Edit::new() };
    let of = |name: &str, render_type| Edit { render_type, picture: Some(file(HEIC, name)), ..Edit::new() };
    let scene = Scene::of([
        NewPhoto { subtype: 100, edit: Some(ramp), ..photo("SLOW.MOV", file(MOV, "slow")) },
        NewPhoto { subtype: 101, ..photo("LAPSE.MOV", file(MOV, "lapse")) },
        NewPhoto { subtype: 1, ..photo("WIDE.JPG", file(JPEG, "wide")) },
        NewPhoto { subtype_v2: 3, ..photo("SCREEN.PNG", file("public.png", "screen")) },
        NewPhoto { edit: Some(of("blurred", 0x802)), ..photo("FACE.HEIC", file(HEIC, "face")) },
        NewPhoto { edit: Some(of("smeared", 4)), ..photo("WATER.HEIC", file(HEIC, "water")) },
        photo("MOVES.GIF", file("com.compuserve.gif", "moves")),
        NewPhoto { favourite: true, ..photo("LIKED.JPG", file(JPEG, "liked")) },
    ]);
    let album = |name: &str| scene.files(&format!("Smart Albums/{name}")).into_keys().collect::<Vec<_>>();
    assert_eq!(album("Slo-mo"), ["SLOW.MOV"], "a speed ramp leaves no second film");
    assert_eq!(album("Time-lapse"), ["LAPSE.MOV"]);
    assert_eq!(album("Videos"), ["LAPSE.MOV", "SLOW.MOV"]);
    assert_eq!(album("Panoramas"), ["WIDE.JPG"]);
    assert_eq!(album("Screenshots"), ["SCREEN.PNG"]);
    assert_eq!(album("Portrait"), ["FACE (edited).HEIC", "FACE.HEIC"]);
    assert_eq!(album("Long Exposure"), ["WATER (edited).HEIC", "WATER.HEIC"]);
    assert_eq!(album("Animated"), ["MOVES.GIF"]);
    assert_eq!(album("Favorites"), ["LIKED.JPG"]);
    assert_eq!(scene.month().len(), 10);
}

/// Reads what no list shows; gives the pages that it took.
fn read_history(scene: &Scene) -> usize {
    let pages =
        (0..).take_while(|_| scene.stage.runtime.block_on(scene.stage.sync.read_unlisted()).unwrap()).count() + 1;
    scene.stage.simulator.assert_clean();
    pages
}

#[test]
fn the_other_frames_of_a_burst_are_found_in_the_history() {
    let frame = |name: &str, pick| {
        let burst = Burst { id: "B0457000-0000-4000-8000-000000000001".into(), flags: 4, pick };
        NewPhoto { burst: Some(burst), ..photo(name, file(JPEG, name)) }
    };
    let scene = Scene::new();
    let lesser: Vec<AssetId> = (1..=4).map(|n| scene.add(frame(&format!("{n}.JPG"), false))).collect();
    scene.add(frame("5.JPG", true));
    let album = scene.album("Jump", None);
    scene.cloud.add_to_album(lesser[0], album).unwrap();
    for n in 0..400 {
        scene.add(photo(&format!("IMG_{n}.JPG"), file(JPEG, &format!("other {n}"))));
    }
    scene.update();
    let before = scene.stage.tree();
    assert_eq!(scene.month().len(), 401, "no list shows the others");
    // One goes for good before anybody has seen it, one while the history is being read.
    scene.cloud.purge(lesser[1]).unwrap();
    assert!(scene.stage.runtime.block_on(scene.stage.sync.read_unlisted()).unwrap(), "there is more");
    scene.cloud.purge(lesser[2]).unwrap();
    scene.update();
    // Another process goes on where the first was.
    let Scene { stage, cloud, .. } = scene;
    let scene = Scene::on(stage.reopened(), cloud);
    scene.update();
    let asked = scene.stage.simulator.requests("changes/zone");
    let pages = read_history(&scene);
    assert_eq!(scene.stage.simulator.requests("changes/zone") - asked, pages as u64);
    let walk =
        scene.stage.index.history_walk(&scene.stage.index.libraries().unwrap()[0].library.id()).unwrap().unwrap();
    assert_eq!((walk.done, walk.pages), (true, pages as u64 + 1));
    let burst = ["1.JPG", "4.JPG", "5.JPG"].map(|name| (name, name));
    assert_eq!(scene.files("Smart Albums/Bursts"), files(&burst));
    assert_eq!(scene.files("Albums/Jump"), files(&[("1.JPG", "1.JPG")]), "also where they are in albums");
    let after = scene.stage.tree();
    let is_there =
        |(path, node): &(String, photosfs::index::Node)| after.iter().any(|(p, n)| (p, n.ino) == (path, node.ino));
    assert!(before.iter().all(is_there), "nothing leaves by it");
    assert!(!scene.stage.runtime.block_on(scene.stage.sync.read_unlisted()).unwrap(), "once is enough");
    // Counts and lists that lack them cause no listing, and take nothing away.
    let listed = scene.stage.simulator.requests("records/query");
    scene.add(photo("NEW.JPG", file(JPEG, "new")));
    scene.update();
    assert_eq!(scene.stage.simulator.requests("records/query"), listed);
    scene.stage.runtime.block_on(scene.stage.sync.round(photosfs::sync::Round::Full)).unwrap();
    assert_eq!(scene.files("Smart Albums/Bursts"), files(&burst));
}

#[test]
fn without_a_burst_no_history_is_read() {
    let scene = Scene::of([photo("A.JPG", file(JPEG, "a"))]);
    let asked = scene.stage.simulator.requests("changes/zone");
    assert!(!scene.stage.runtime.block_on(scene.stage.sync.read_unlisted()).unwrap());
    assert_eq!(scene.stage.simulator.requests("changes/zone"), asked);
}

#[test]
fn of_a_burst_lists_show_the_pick_and_the_change_log_the_others() {
    let frame = |name: &str, pick| {
        let burst = Burst { id: "B0457000-0000-4000-8000-000000000001".into(), flags: 4, pick };
        NewPhoto { burst: Some(burst), ..photo(name, file(JPEG, name)) }
    };
    let scene = Scene::of([frame("1.JPG", false), frame("2.JPG", true)]);
    let first = files(&[("1.JPG", "1.JPG"), ("2.JPG", "2.JPG")]);
    assert_eq!(scene.files("Smart Albums/Bursts"), first, "a short history is read at once");
    scene.add(frame("3.JPG", false));
    scene.update();
    let all = files(&[("1.JPG", "1.JPG"), ("2.JPG", "2.JPG"), ("3.JPG", "3.JPG")]);
    assert_eq!((scene.files("Smart Albums/Bursts"), scene.month()), (all.clone(), all.clone()));
    scene.stage.runtime.block_on(scene.stage.sync.round(photosfs::sync::Round::Full)).unwrap();
    assert_eq!(scene.month(), all, "that no list shows them is no reason to drop them");
}

#[test]
fn assets_that_share_a_master_are_two_photos() {
    let scene = Scene::of([]);
    // The one added first has the plain name.
    let first = scene.add(NewPhoto { added_ms: Some(MARCH), ..photo("A.JPG", file(JPEG, "a")) });
    let second = scene.cloud.duplicate(first).unwrap();
    scene.cloud.edit(second, Edit { picture: Some(file(JPEG, "edited")), ..Edit::new() }).unwrap();
    scene.update();
    let id = short_id(&second.name.to_string());
    let (copy, edit) = (format!("A_{id}.JPG"), format!("A_{id} (edited).JPG"));
    assert_eq!(scene.month(), files(&[("A.JPG", "a"), (&copy, "a"), (&edit, "edited")]));
    scene.cloud.purge(first).unwrap();
    scene.update();
    assert_eq!(scene.month(), files(&[(&copy, "a"), (&edit, "edited")]));
}

#[test]
fn a_photo_whose_original_is_not_ready_is_counted_and_shown_when_it_is() {
    let scene = Scene::of([]);
    let body = || Body::bytes(&b"late"[..]);
    let late = Resource { without_url: true, ..Resource::new(JPEG, body()) };
    let never = NewPhoto { original: None, ..photo("NEVER.JPG", file(JPEG, "never")) };
    let waiting = scene.add(photo("LATE.JPG", late));
    scene.add(never);
    scene.update();
    let unready =
        || scene.stage.index.view_counts(&scene.stage.index.libraries().unwrap()[0].library.id()).unwrap().unready;
    assert_eq!((scene.month(), unready()), (files(&[]), 2));
    scene.cloud.finish_upload(waiting).unwrap();
    scene.update();
    assert_eq!((scene.month(), unready()), (files(&[("LATE.JPG", "late")]), 1));
}

#[test]
fn sidecars_and_odd_types_keep_what_they_are() {
    let sidecar = |uti, text| Some(file(uti, text));
    let scene = Scene::of([
        NewPhoto { sidecar: sidecar("com.adobe.xmp", "<x/>"), ..photo("A.NEF", file("com.nikon.raw-image", "a")) },
        NewPhoto {
            sidecar: sidecar("com.apple.photos.apple-adjustment-envelope", "<plist/>"),
            ..photo("B.JPG", file(JPEG, "b"))
        },
        photo("C.XYZ", file("public.image", "generic")),
        NewPhoto { item_type: None, ..photo("D.heif", file("dyn.ah62d4", "dynamic")) },
        NewPhoto { file_name: FileName::Plain("E é.jpg".into()), ..photo("", file(JPEG, "plain")) },
        photo("no extension", file("public.avif", "f")),
    ]);
    let expected = [
        ("A.NEF", "a"),
        ("A.XMP", "<x/>"),
        ("B.JPG", "b"),
        ("B.AAE", "<plist/>"),
        ("C.XYZ", "generic"),
        ("D.heif", "dynamic"),
        ("E é.jpg", "plain"),
        ("no extension.AVIF", "f"),
    ];
    assert_eq!(scene.month(), files(&expected));
}

#[test]
fn a_photo_without_a_name_is_called_by_its_record() {
    let scene = Scene::of([]);
    let nameless = NewPhoto { file_name: FileName::Missing, ..photo("", file(HEIC, "nameless")) };
    let asset = scene.add(nameless);
    scene.update();
    assert_eq!(scene.month(), files(&[(&format!("{}.HEIC", asset.name), "nameless")]));
}

#[test]
fn a_keyed_checksum_is_no_obstacle() {
    let keyed = file(HEIC, "uploaded by a recent device").with_keyed_checksum();
    let scene = Scene::of([photo("A.HEIC", keyed)]);
    assert_eq!(scene.month(), files(&[("A.HEIC", "uploaded by a recent device")]));
}

#[test]
fn masters_and_assets_that_come_pages_apart_find_each_other() {
    let scene = Scene::new();
    for n in 0..150 {
        scene.add(photo(&format!("{n}.JPG"), file(JPEG, &format!("bytes {n}"))));
    }
    scene.stage.simulator.fault(Fault::every("records/query", Effect::Answer(Change::WithoutMasters)));
    scene.update();
    assert_eq!(scene.month().len(), 150);
    assert_eq!(scene.month()["77.JPG"], "bytes 77");
}

#[test]
fn albums_hold_photos_of_the_shared_library() {
    let scene = Scene::new();
    for area in [Area::Private, Area::Shared] {
        let shared = scene.cloud.add_shared_library(area);
        let name = format!("{area:?}.JPG");
        let theirs = scene.cloud.add_photo(shared, photo(&name, file(JPEG, &name)));
        let album = scene.album(&format!("{area:?}"), None);
        scene.cloud.add_to_album(theirs, album).unwrap();
    }
    scene.update();
    let (own, others) = (files(&[("Private.JPG", "Private.JPG")]), files(&[("Shared.JPG", "Shared.JPG")]));
    assert_eq!((scene.files("Albums/Private"), scene.files("Albums/Shared")), (own.clone(), others.clone()));
    assert_eq!(scene.files("Shared Library/Years/2024/2024-03"), own, "as owner");
    let (second, _) = scene.stage.tree().into_iter().find(|(path, _)| path.starts_with("/Shared Library_")).unwrap();
    assert_eq!(scene.files(&format!("{}/Years/2024/2024-03", &second[1..])), others, "as participant");
    assert!(scene.month().is_empty());
}

#[test]
fn a_photo_that_moves_to_the_shared_library_moves_in_the_tree() {
    let scene = Scene::new();
    let shared = scene.cloud.add_shared_library(Area::Private);
    let asset = scene.add(photo("A.JPG", file(JPEG, "a")));
    scene.update();
    scene.cloud.move_to(asset, shared).unwrap();
    scene.update();
    assert!(scene.month().is_empty());
    assert!(scene.files("Recently Deleted").is_empty(), "moved, not deleted");
    assert_eq!(scene.files("Shared Library/Years/2024/2024-03"), files(&[("A.JPG", "a")]));
}

#[test]
fn albums_are_told_apart_whatever_they_are_called() {
    let scene = Scene::new();
    let asset = scene.add(photo("A.JPG", file(JPEG, "a")));
    let titles = ["Trip", "Trip", "trip", "24/12/2020", "Favorites", ".hidden", "..", "Zu\u{308}rich", ""];
    let albums: Vec<_> = titles.iter().map(|title| scene.album(title, None)).collect();
    for album in &albums {
        scene.cloud.add_to_album(asset, *album).unwrap();
    }
    scene.update();
    let directories = scene.directories("Albums");
    assert_eq!(directories.len(), albums.len(), "{directories:?}");
    for name in ["24_12_2020", "Favorites", "_hidden", "__", "Zürich", "Untitled Album"] {
        assert!(directories.iter().any(|found| found == name), "{name} in {directories:?}");
    }
    let trips = directories.iter().filter(|name| name.to_lowercase().starts_with("trip"));
    assert_eq!(
        trips.map(|name| name.to_lowercase()).collect::<BTreeSet<_>>().len(),
        3,
        "on a Mac, too: {directories:?}"
    );
    for directory in &directories {
        assert_eq!(scene.files(&format!("Albums/{directory}")), files(&[("A.JPG", "a")]), "{directory}");
    }
    assert!(!scene.directories("Smart Albums").contains(&"Favorites".to_owned()));
}

#[test]
fn folders_are_nested_as_they_are() {
    let scene = Scene::new();
    let asset = scene.add(photo("A.JPG", file(JPEG, "a")));
    let outer = scene.cloud.add_folder(scene.primary(), "Outer", None);
    let inner = scene.cloud.add_folder(scene.primary(), "Inner", Some(outer));
    let album = scene.album("Album", Some(inner));
    scene.cloud.add_to_album(asset, album).unwrap();
    scene.update();
    assert_eq!(scene.directories("Albums"), ["Outer", "Outer/Inner", "Outer/Inner/Album"]);
    scene.cloud.move_album(inner, None).unwrap();
    scene.update();
    assert_eq!(scene.directories("Albums"), ["Inner", "Inner/Album", "Outer"]);
    assert_eq!(scene.files("Albums/Inner/Album"), files(&[("A.JPG", "a")]));
}

#[test]
fn hidden_and_trashed_photos_are_where_they_belong() {
    let scene = Scene::new();
    let now = jiff::Timestamp::now().as_millisecond();
    let hidden = scene.add(NewPhoto { hidden: true, ..photo("H.JPG", file(JPEG, "hidden")) });
    scene.add(NewPhoto { trashed_ms: Some(now - 3 * DAY), ..photo("T.JPG", file(JPEG, "trashed")) });
    let album = scene.album("Both", None);
    scene.cloud.add_to_album(hidden, album).unwrap();
    scene.update();
    let day = jiff::Timestamp::from_millisecond(now + 27 * DAY).unwrap().strftime("%F").to_string();
    assert_eq!(scene.files("Hidden"), files(&[("H.JPG", "hidden")]));
    assert_eq!(scene.files("Recently Deleted"), files(&[(&format!("until {day}/T.JPG"), "trashed")]));
    assert!(scene.files("Albums").is_empty() && scene.month().is_empty());
    scene.cloud.set_hidden(hidden, false).unwrap();
    scene.update();
    assert_eq!(scene.files("Albums/Both"), files(&[("H.JPG", "hidden")]), "back in its album, too");
}

#[test]
fn keywords_places_and_edits_that_cannot_be_read_are_counted() {
    let scene = Scene::new();
    for (name, keywords) in [("A.JPG", vec!["sea".to_owned()]), ("B.JPG", vec![])] {
        let location = Some(icloud_simulator::library::Location { latitude: 59.5, longitude: 10.25, altitude: 12.0 });
        scene.add(NewPhoto { keywords, location, caption: Some("Boat".into()), ..photo(name, file(JPEG, name)) });
    }
    scene.add(photo("C.JPG", file(JPEG, "C.JPG")));
    let edited = scene.add(photo("D.JPG", file(JPEG, "D.JPG")));
    scene.cloud.edit(edited, Edit { picture: Some(file(JPEG, "D edited")), ..Edit::new() }).unwrap();
    let unread =
        |scene: &Scene| scene.stage.index.unread(&scene.stage.index.libraries().unwrap()[0].library.id()).unwrap();
    let garbled = Change::Garbled(["keywordsEnc", "locationEnc", "resJPEGFullRes"].map(Into::into).into());
    scene.stage.simulator.fault(Fault::every("records/query", Effect::Answer(garbled)));
    scene.update();
    assert_eq!(unread(&scene), 3);
    assert_eq!(scene.month().len(), 4, "they are shown without");
    scene.stage.simulator.state().faults.clear();
    scene.stage.runtime.block_on(scene.stage.sync.round(photosfs::sync::Round::Full)).unwrap();
    assert_eq!((unread(&scene), scene.month().len()), (0, 5));
}
