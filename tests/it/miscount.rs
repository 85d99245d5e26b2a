//! Counts that are wrong for good: everything is asked that could bear them out, once; then a person can let them be, and
//! exactly them.

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Fault};
use icloud_simulator::library::{Body, Cloud, NewPhoto, Resource};
use photosfs::index::{Discrepancy, Index};
use photosfs::sync::Round;

use crate::installation::Installation;
use crate::listing::{assert_places, assert_true};
use crate::stage::Stage;

const VISIBLE: &str = "CPLAssetByAssetDateWithoutHiddenOrDeleted";

/// A library whose count of visible photos is off by so much.
fn off_by(by: i64) -> Stage {
    let stage = Stage::new(Options { assets: Some(200), ..Options::default() });
    miscount(&stage, by);
    stage
}

fn miscount(stage: &Stage, by: i64) {
    let cloud = stage.simulator.cloud();
    cloud.miscount(cloud.primary(), VISIBLE, by);
}

fn known(stage: &Stage) -> Vec<(String, i64, bool, bool)> {
    let of = |known: Discrepancy| {
        let accepted = known.is_accepted();
        (known.offset.list, known.offset.beyond, known.offset.sought, accepted)
    };
    stage.index.discrepancies().unwrap().into_iter().map(of).collect()
}

fn visible(beyond: i64, accepted: bool) -> Vec<(String, i64, bool, bool)> {
    vec![("visible".to_owned(), beyond, true, accepted)]
}

fn accept(stage: &Stage) {
    let shown = stage.index.discrepancies().unwrap();
    let file = stage.config.state.join("index.sqlite");
    assert_eq!(Index::accept_discrepancies(&file, &shown, true).unwrap(), shown.len());
}

fn note(stage: &Stage) -> Option<String> {
    stage.index.libraries().unwrap()[0].note.clone()
}

fn add(cloud: &Cloud, n: u64) -> icloud_simulator::library::AssetId {
    let picture = Resource::new("public.jpeg", Body::seeded(40_000 + n, 300));
    cloud.add_photo(cloud.primary(), NewPhoto::new(&format!("LATE_{n}.JPG"), picture, 1_700_000_000_000))
}

/// A round whose news are lost, on another day.
fn lose(stage: Stage) -> Stage {
    let stage = stage.reopened();
    stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(Change::EmptyListing)));
    stage.update().unwrap();
    stage
}

/// Requests for lists and for the change log.
fn asked(stage: &Stage) -> (u64, u64) {
    (stage.simulator.requests("records/query"), stage.simulator.requests("changes/zone"))
}

#[test]
fn a_count_that_nothing_bears_out_is_told_until_it_is_accepted() {
    let quiet = Stage::new(Options { assets: Some(200), ..Options::default() });
    quiet.update().unwrap();
    quiet.runtime.block_on(quiet.sync.round(Round::Full)).unwrap();
    let stage = off_by(1);
    stage.update().unwrap();
    assert_true(&stage);
    assert_eq!(known(&stage), visible(1, false));
    assert_eq!(note(&stage).unwrap(), "iCloud announces 1 visible photo more than it lists");
    assert!(asked(&stage).1 > 10, "its history was read");
    let listed = asked(&stage);
    add(&stage.simulator.cloud(), 1);
    stage.update().unwrap();
    assert_eq!(asked(&stage).0, listed.0, "it was looked for everywhere: nothing is listed again");
    accept(&stage);
    let stage = stage.reopened();
    assert_eq!((known(&stage), note(&stage)), (visible(1, true), None), "another process knows it");
    let before = asked(&stage);
    stage.runtime.block_on(stage.sync.round(Round::Full)).unwrap();
    let (lists, log) = (asked(&stage).0 - before.0, asked(&stage).1 - before.1);
    assert!(lists < 2 * asked(&quiet).0 / 2 + 5 && log < 5, "listed once: {lists} and {log}, {:?}", asked(&quiet));
    assert_eq!((known(&stage), note(&stage)), (visible(1, true), None));
    assert_true(&stage);
    stage.simulator.assert_clean();
}

#[test]
fn what_is_lost_after_an_acceptance_is_found() {
    let stage = off_by(1);
    stage.update().unwrap();
    accept(&stage);
    let cloud = stage.simulator.cloud();
    add(&cloud, 1);
    let stage = lose(stage);
    assert_true(&stage);
    assert_eq!((known(&stage), note(&stage)), (visible(1, true), None), "it is missing no more");
    // One that no list shows is in the history.
    let unlisted = add(&cloud, 2);
    cloud.leave_out_of_lists(cloud.primary(), unlisted.name);
    let stage = lose(stage);
    assert_true(&stage);
    assert_eq!((known(&stage), note(&stage)), (visible(1, true), None));
    stage.simulator.assert_clean();
}

#[test]
fn another_difference_is_accepted_no_more_nor_the_same_after_it() {
    let stage = off_by(1);
    stage.update().unwrap();
    accept(&stage);
    for (by, known_then) in [(2, visible(2, false)), (1, visible(1, false)), (0, vec![]), (1, visible(1, false))] {
        miscount(&stage, by);
        add(&stage.simulator.cloud(), 10 + by as u64);
        let stage = &stage;
        // By a listing of everything, whatever the day.
        stage.runtime.block_on(stage.sync.round(Round::Full)).unwrap();
        assert_eq!(known(stage), known_then, "off by {by}");
        assert_eq!(note(stage).is_some(), by > 0);
        assert_true(stage);
    }
    stage.simulator.assert_clean();
}

/// A second difference on the day of the first is no reason to list everything again, but one against a backup.
#[test]
fn what_was_not_looked_for_everywhere_cannot_be_accepted() {
    let stage = Stage::new(Options { assets: Some(200), ..Options::default() });
    stage.update().unwrap();
    for by in 1..=2 {
        miscount(&stage, by);
        add(&stage.simulator.cloud(), by as u64);
        stage.update().unwrap();
    }
    assert_eq!(known(&stage), [("visible".to_owned(), 2, false, false)]);
    assert!(note(&stage).unwrap().contains("not looked for everywhere yet"));
    let file = stage.config.state.join("index.sqlite");
    assert_eq!(Index::accept_discrepancies(&file, &stage.index.discrepancies().unwrap(), true).unwrap(), 0);
    stage.runtime.block_on(stage.sync.round(Round::Full)).unwrap();
    assert_eq!(known(&stage), visible(2, false));
    accept(&stage);
    assert_eq!(note(&stage), None);
    // What is found the next day was missing in between, and not accepted.
    add(&stage.simulator.cloud(), 3);
    stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(Change::EmptyListing)));
    stage.update().unwrap();
    assert_eq!(known(&stage), [("visible".to_owned(), 3, false, false)]);
    assert!(note(&stage).is_some());
    add(&stage.simulator.cloud(), 4);
    let stage = stage.reopened();
    stage.update().unwrap();
    assert_eq!((known(&stage), note(&stage)), (visible(2, true), None));
    assert_true(&stage);
    stage.simulator.assert_clean();
}

#[test]
fn a_library_that_lacks_many_is_shown_when_a_person_has_accepted_that() {
    let stage = off_by(40);
    let error = stage.update().unwrap_err().to_string();
    assert!(error.contains("not complete"), "{error}");
    stage.update().unwrap_err();
    stage.update().unwrap_err();
    let before = asked(&stage);
    stage.update().unwrap_err();
    assert_eq!(asked(&stage), before, "it is not tried at every poll");
    assert!(!stage.index.libraries().unwrap()[0].shown);
    accept(&stage);
    stage.update().unwrap();
    assert_true(&stage);
    assert_eq!((known(&stage), note(&stage)), (visible(40, true), None));
    stage.simulator.assert_clean();
}

#[test]
fn a_photo_that_comes_untold_is_found_though_it_makes_a_count_right() {
    let stage = off_by(-1);
    stage.update().unwrap();
    add(&stage.simulator.cloud(), 1);
    stage.update().unwrap();
    assert_eq!((known(&stage), note(&stage)), (visible(-1, false), None), "nothing is missing");
    miscount(&stage, -1);
    add(&stage.simulator.cloud(), 2);
    let stage = lose(stage);
    assert_true(&stage);
    assert_eq!(known(&stage), visible(-1, false));
    stage.simulator.assert_clean();
}

#[test]
fn an_album_that_announces_too_many_is_accepted_and_who_joins_it_untold_is_found() {
    let stage = Stage::new(Options { assets: Some(200), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let album = cloud.add_album(cloud.primary(), "Norway", None);
    let photos: Vec<_> = (0..3).map(|n| add(&cloud, n)).collect();
    cloud.add_to_album(photos[0], album).unwrap();
    cloud.miscount(cloud.primary(), &format!("CPLContainerRelationNotDeletedByAssetDate:{}", album.name), 2);
    stage.update().unwrap();
    assert_eq!(note(&stage).unwrap(), "iCloud announces 2 photos more in album Norway than it lists");
    let off = |accepted| vec![(album.name.to_string(), 2, true, accepted)];
    assert_eq!(known(&stage), off(false));
    accept(&stage);
    // Neither its list nor the changes show the first.
    cloud.leave_out_of_lists(cloud.primary(), photos[1].name);
    for photo in &photos[1..] {
        cloud.add_to_album(*photo, album).unwrap();
        stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(Change::EmptyListing)));
        stage.update().unwrap();
        assert_places(&stage);
    }
    assert_eq!(known(&stage), off(true));
    cloud.delete_album(album).unwrap();
    stage.update().unwrap();
    assert_eq!((known(&stage), note(&stage)), (vec![], None));
    stage.simulator.assert_clean();
}

#[test]
fn a_backup_is_refused_until_a_person_accepts_and_when_another_is_missing() {
    let installation = Installation::new(Options { assets: Some(60), ..Options::default() });
    let cloud = installation.simulator.cloud();
    cloud.miscount(cloud.primary(), VISIBLE, 1);
    installation.mount();
    let point = installation.point();
    let ready = || installation.output(&["ready", point.to_str().unwrap()]);
    let missing = "PrimarySync: iCloud announces 1 visible photo more than it lists";
    let refusal = ready();
    let said = String::from_utf8(refusal.stderr).unwrap();
    assert_eq!(refusal.status.code(), Some(1));
    assert!(said.contains(missing) && said.contains("photosfs held list"), "{said}");
    let listed = || String::from_utf8(installation.output(&["held", "list"]).stderr).unwrap();
    assert!(
        listed().contains(&format!("missing: {missing}")) && listed().contains("held accept --missing"),
        "{}",
        listed()
    );
    installation.run(&["held", "accept"]);
    assert_eq!(ready().status.code(), Some(1), "that was about removals");
    assert!(installation.run(&["held", "accept", "--missing"]).contains(missing));
    installation.run(&["ready", point.to_str().unwrap()]);
    installation.remount();
    installation.run(&["ready", point.to_str().unwrap()]);
    let status = installation.status();
    let told = serde_json::json!([{"list": "visible", "count": 1, "sought": true, "accepted": true}]);
    assert_eq!((&status["complete"], &status["libraries"][0]["missing"]), (&true.into(), &told), "{status}");
    assert!(installation.run(&["status"]).contains("accepted: iCloud announces 1 visible photo more"));
    assert!(listed().contains(&format!("accepted: {missing}")), "{}", listed());
    cloud.miscount(cloud.primary(), VISIBLE, 2);
    add(&cloud, 1);
    installation.run(&["sync"]);
    assert_eq!(ready().status.code(), Some(1));
    installation.run(&["held", "accept", "--missing"]);
    installation.run(&["ready", point.to_str().unwrap()]);
    installation.run(&["held", "reject", "--missing"]);
    assert_eq!(ready().status.code(), Some(1), "a person may think better of it");
    installation.simulator.assert_clean();
    installation.run(&["held", "accept", "--missing"]);
    let looked = installation.run(&["doctor", "--listing"]);
    assert!(
        looked.contains("iCloud announces 2 visible photos more than it lists, which you have accepted"),
        "{looked}"
    );
}
