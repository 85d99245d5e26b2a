//! Changes that iCloud never told: pages of the change log that came short, with a token beyond them. What a count shows is
//! found at once; the rest when everything is listed again, as it is now and then.

use std::time::Duration;

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Fault};
use icloud_simulator::library::{AlbumId, Area, AssetId, Body, Cloud, Edit, NewPhoto, Resource, TruthState};
use photosfs::sync::{LibrarySync, Round};

use crate::listing::{assert_places, assert_true};
use crate::stage::Stage;

/// A library that is shown: an album of three photos in a folder, and the photos of it.
struct Scene {
    stage: Stage,
    cloud: Cloud,
    album: AlbumId,
    members: Vec<AssetId>,
}

impl Scene {
    fn new() -> Scene {
        let stage = Stage::new(Options { assets: Some(120), ..Options::default() });
        let cloud = stage.simulator.cloud();
        let folder = cloud.add_folder(cloud.primary(), "Journeys", None);
        let album = cloud.add_album(cloud.primary(), "Norway", Some(folder));
        let members: Vec<AssetId> = visible(&cloud).into_iter().take(3).collect();
        members.iter().for_each(|photo| cloud.add_to_album(*photo, album).unwrap());
        stage.update().unwrap();
        Scene { stage, cloud, album, members }
    }

    /// A round whose news are lost.
    fn lose(&self) {
        self.stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(Change::EmptyListing)));
        self.stage.update().unwrap();
        assert_eq!(self.stage.index.last_error().unwrap(), None);
    }

    fn assert_true(&self) {
        assert_true(&self.stage);
        assert_places(&self.stage);
        self.stage.simulator.assert_clean();
    }

    fn albums(&self) -> Vec<String> {
        let tree = self.stage.tree().into_iter().map(|(path, _)| path);
        tree.filter(|path| path.starts_with("/Albums/") && !path.contains('.')).collect()
    }
}

fn visible(cloud: &Cloud) -> Vec<AssetId> {
    let truth = cloud.truth();
    let visible = truth.assets().filter(|asset| asset.state == TruthState::Visible);
    visible.filter_map(|asset| cloud.asset_named(&asset.record_name).ok()).collect()
}

fn picture(text: &str) -> Resource {
    Resource::new("public.jpeg", Body::bytes(text.as_bytes().to_vec()))
}

#[test]
fn a_photo_that_came_or_went_untold_is_found_by_counting() {
    let scene = Scene::new();
    scene.cloud.add_photo(scene.cloud.primary(), NewPhoto::new("NEW.JPG", picture("new"), 1_700_000_000_000));
    scene.lose();
    scene.assert_true();
    // A library is listed again once a day at the most; this is another day, to another process.
    let scene = Scene { stage: scene.stage.reopened(), ..scene };
    scene.cloud.trash(scene.members[0]).unwrap();
    scene.lose();
    scene.assert_true();
    let scene = Scene { stage: scene.stage.reopened(), ..scene };
    scene.cloud.purge(scene.members[1]).unwrap();
    scene.lose();
    // What is gone without a word waits for a person.
    assert_eq!(scene.stage.index.holds().unwrap()[0].vanished, 1);
    scene.stage.simulator.assert_clean();
}

#[test]
fn a_photo_that_joined_or_left_an_album_untold_is_found_by_counting() {
    let scene = Scene::new();
    let listings = scene.stage.simulator.requests("records/query");
    let other = visible(&scene.cloud)[10];
    scene.cloud.add_to_album(other, scene.album).unwrap();
    scene.lose();
    scene.assert_true();
    for photo in &scene.members {
        scene.cloud.remove_from_album(*photo, scene.album).unwrap();
    }
    scene.lose();
    scene.assert_true();
    assert!(scene.stage.simulator.requests("records/query") - listings < 10, "only the album is read again");
}

#[test]
fn an_album_that_came_or_went_untold_is_found_by_counting() {
    let scene = Scene::new();
    let before = scene.albums();
    let made = scene.cloud.add_album(scene.cloud.primary(), "Sweden", None);
    scene.cloud.add_to_album(scene.members[0], made).unwrap();
    scene.lose();
    assert_eq!(scene.albums().len(), before.len() + 1);
    scene.cloud.delete_album(made).unwrap();
    scene.lose();
    assert_eq!(scene.albums(), before);
    scene.assert_true();
}

#[test]
fn an_edit_that_was_never_told_is_found_when_everything_is_listed_again() {
    let scene = Scene::new();
    let (edited, moved) = (scene.members[0], scene.members[1]);
    scene.cloud.edit(edited, Edit { picture: Some(picture("the edit")), ..Edit::new() }).unwrap();
    scene.cloud.set_date(moved, 1_500_000_000_000, Some(0)).unwrap();
    scene.cloud.rename_album(scene.album, "Sverige").unwrap();
    let before = scene.stage.tree();
    scene.lose();
    assert_eq!(scene.stage.tree(), before, "no count tells of it");
    let due = |every| {
        let sync = LibrarySync::new(scene.stage.photos.clone(), scene.stage.index.clone()).listing_every(every);
        let asked = scene.stage.simulator.requests("records/query");
        scene.stage.runtime.block_on(sync.list_what_is_due());
        scene.stage.simulator.requests("records/query") > asked
    };
    assert!(!due(None) && !due(Some(Duration::from_secs(3_600))), "it was listed just now");
    assert!(due(Some(Duration::ZERO)));
    scene.assert_true();
    assert!(scene.albums().iter().any(|path| path.ends_with("/Sverige")), "{:?}", scene.albums());
    assert!(scene.stage.tree().iter().any(|(path, _)| path.starts_with("/Years/2017/")));
    assert!(scene.stage.index.libraries().unwrap()[0].listed.is_some());
}

#[test]
fn a_library_that_is_gone_keeps_no_other_from_being_listed_again() {
    let stage = Stage::new(Options { assets: Some(30), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let shared = cloud.add_shared_library(Area::Shared);
    cloud.add_photo(shared, NewPhoto::new("S.JPG", picture("shared"), 1_700_000_000_000));
    stage.update().unwrap();
    cloud.delete_zone(shared);
    stage.update().unwrap();
    assert!(stage.index.holds().unwrap()[0].whole);
    let listed = || stage.index.libraries().unwrap()[0].listed;
    for day in 1..=2 {
        let before = listed();
        let sync = LibrarySync::new(stage.photos.clone(), stage.index.clone()).listing_every(Some(Duration::ZERO));
        stage.runtime.block_on(sync.list_what_is_due());
        assert!(listed() > before, "day {day}");
    }
    stage.runtime.block_on(stage.sync.round(Round::Full)).unwrap();
    assert_eq!(stage.index.last_error().unwrap(), None);
    assert!(stage.index.holds().unwrap()[0].whole, "it waits for a person all the same");
    stage.simulator.assert_clean();
}

#[test]
fn counts_that_are_wrong_for_good_cause_one_listing() {
    let scene = Scene::new();
    scene.stage.simulator.fault(Fault::every("internal/records/query/batch", Effect::Answer(Change::CountsOff(-1))));
    let mut costs = Vec::new();
    let mut scene = scene;
    for n in 0..3 {
        let asked = scene.stage.simulator.requests("records/query");
        scene.cloud.set_favourite(scene.members[0], n % 2 == 0).unwrap();
        scene.stage.update().unwrap();
        scene.assert_true();
        costs.push(scene.stage.simulator.requests("records/query") - asked);
        // To another process it is another day.
        scene = Scene { stage: scene.stage.reopened(), ..scene };
    }
    assert!(costs[0] > 10, "once it is made sure: {costs:?}");
    assert_eq!(costs[2], 0, "then it is known: {costs:?}");
    assert!(scene.stage.index.libraries().unwrap().iter().all(|state| state.note.is_none()), "nothing is missing");
}

#[test]
fn what_left_an_album_while_it_was_held_has_left_when_it_is_back() {
    let scene = Scene::new();
    let albums: Vec<AlbumId> =
        (0..15).map(|n| scene.cloud.add_album(scene.cloud.primary(), &format!("X{n}"), None)).collect();
    for album in &albums {
        scene.members.iter().for_each(|photo| scene.cloud.add_to_album(*photo, *album).unwrap());
    }
    scene.stage.update().unwrap();
    let shown = scene.stage.tree();
    let held = visible(&scene.cloud).into_iter().skip(20).take(20).collect::<Vec<_>>();
    scene.cloud.add_to_album(held[0], albums[0]).unwrap();
    scene.stage.update().unwrap();
    held.iter().for_each(|photo| scene.cloud.trash(*photo).unwrap());
    scene.stage.update().unwrap();
    scene.cloud.remove_from_album(held[0], albums[0]).unwrap();
    scene.stage.update().unwrap();
    let in_album =
        |scene: &Scene| scene.stage.tree().iter().filter(|(path, _)| path.starts_with("/Albums/X0/")).count();
    assert_eq!(in_album(&scene), 4, "what is held stays as it was");
    held.iter().for_each(|photo| scene.cloud.restore(*photo).unwrap());
    scene.stage.update().unwrap();
    assert!(scene.stage.index.holds().unwrap().is_empty());
    assert_eq!(in_album(&scene), 3, "and it has left");
    assert_eq!(scene.stage.tree().len(), shown.len());
    scene.assert_true();
}

#[test]
fn photos_that_leave_an_album_are_in_years_still_and_told() {
    let scene = Scene::new();
    let album = scene.cloud.add_album(scene.cloud.primary(), "Everything", None);
    let photos: Vec<AssetId> = visible(&scene.cloud).into_iter().take(60).collect();
    photos.iter().for_each(|photo| scene.cloud.add_to_album(*photo, album).unwrap());
    scene.stage.update().unwrap();
    let years = |scene: &Scene| {
        scene.stage.tree().into_iter().filter(|(path, _)| path.starts_with("/Years/")).collect::<Vec<_>>()
    };
    let names = |scene: &Scene| years(scene).into_iter().map(|(path, node)| (path, node.ino)).collect::<Vec<_>>();
    let before = names(&scene);
    photos.iter().for_each(|photo| scene.cloud.remove_from_album(*photo, album).unwrap());
    scene.stage.update().unwrap();
    assert!(scene.stage.index.holds().unwrap().is_empty(), "no photo leaves");
    assert_eq!(names(&scene), before);
    let mut told = 0;
    let from = jiff::Timestamp::UNIX_EPOCH;
    let count = &mut |change: photosfs::index::Departure| {
        assert_eq!(change.how.as_str(), "album-left");
        told += change.details.files.len();
        true
    };
    scene.stage.index.departures(from, jiff::Timestamp::MAX, count).unwrap();
    assert!(told >= 60, "{told} of 60 and their other files");
    scene.assert_true();
}
