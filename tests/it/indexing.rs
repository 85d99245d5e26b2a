//! iCloud prepares its own lists, as it does for hours after a library was turned on: they are short without a sign meanwhile,
//! so they are waited for, and that is told.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Fault};
use icloud_simulator::library::{Area, Body, NewPhoto, Resource};
use photosfs::sync::{Progress, Round, SyncError};

use crate::listing::{assert_places, assert_true};
use crate::stage::Stage;

fn unfinished(percent: u64) -> Effect {
    Effect::Answer(Change::Indexing(percent))
}

/// Rounds, while the faults are on; they are taken away when it has been told that iCloud is at so many percent of a library.
fn update_and_wait(stage: &Stage, library: &str, percent: i64) {
    let told = stage.sync.progress();
    let waiting = Progress::Waiting { library: library.into(), percent };
    assert_eq!(waiting.to_string(), format!("{library}: iCloud prepares its list ({percent} %)"));
    let before: BTreeSet<String> = stage.tree().into_iter().map(|(path, _)| path).collect();
    std::thread::scope(|scope| {
        let update = scope.spawn(|| stage.update());
        let until = Instant::now() + Duration::from_secs(60);
        while *told.borrow() != waiting {
            assert!(!update.is_finished() && Instant::now() < until, "it waits: {}", *told.borrow());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(
            stage.tree().into_iter().map(|(path, _)| path).collect::<BTreeSet<_>>(),
            before,
            "nothing is shown yet"
        );
        stage.simulator.state().faults.clear();
        update.join().unwrap().unwrap();
    });
    assert_true(stage);
    assert_places(stage);
    stage.simulator.assert_clean();
}

#[test]
fn a_first_listing_waits_until_the_lists_are_whole() {
    let stage = Stage::new(Options { assets: Some(120), ..Options::default() });
    stage.simulator.fault(Fault::every("records/query", unfinished(40)));
    update_and_wait(&stage, "PrimarySync", 40);
}

#[test]
fn so_does_the_listing_of_a_shared_library() {
    let stage = Stage::new(Options { assets: Some(60), ..Options::default() });
    stage.update().unwrap();
    let cloud = stage.simulator.cloud();
    let shared = cloud.add_shared_library(Area::Shared);
    let picture = Resource::new("public.jpeg", Body::bytes(&b"shared"[..]));
    cloud.add_photo(shared, NewPhoto::new("S.JPG", picture, 1_700_000_000_000));
    let name =
        cloud.truth().libraries.into_iter().map(|library| library.zone).find(|zone| zone != "PrimarySync").unwrap();
    stage.simulator.fault(Fault::every("records/query", unfinished(7)));
    update_and_wait(&stage, &name, 7);
}

#[test]
fn lists_that_are_prepared_anew_while_they_are_read_are_read_again() {
    let stage = Stage::new(Options { assets: Some(120), ..Options::default() });
    // The first answer says that all is ready; albums and photos come after it.
    stage.simulator.fault(Fault::from("records/query", 2, unfinished(90)));
    let asked = stage.simulator.requests("records/query");
    update_and_wait(&stage, "PrimarySync", 90);
    let whole = Stage::new(Options { assets: Some(120), ..Options::default() });
    whole.update().unwrap();
    let (twice, once) = (stage.simulator.requests("records/query") - asked, whole.simulator.requests("records/query"));
    assert!(twice >= once * 2 - 5, "albums too: {twice} requests, and {once} for one listing");
}

#[test]
fn what_is_announced_meanwhile_is_not_believed_and_that_is_told() {
    let stage = Stage::new(Options { assets: Some(120), ..Options::default() });
    stage.update().unwrap();
    let tree = stage.tree();
    let cloud = stage.simulator.cloud();
    let note = |stage: &Stage| stage.index.libraries().unwrap()[0].note.clone();
    let photo = |n: u8| {
        let picture = Resource::new("public.jpeg", Body::bytes(vec![n; 9]));
        cloud.add_photo(cloud.primary(), NewPhoto::new(&format!("{n}.JPG"), picture, 1_700_000_000_000))
    };
    photo(1);
    stage.simulator.fault(Fault::every("records/query", unfinished(30)));
    stage.simulator.fault(Fault::every("internal/records/query/batch", Effect::Answer(Change::CountsOff(-40))));
    let asked = stage.simulator.requests("records/query");
    stage.update().unwrap();
    assert!(note(&stage).is_some_and(|note| note.contains("prepares its list (30 %)")), "{:?}", note(&stage));
    assert_eq!(stage.simulator.requests("records/query") - asked, 1, "nothing is listed again");
    assert!(stage.tree().len() > tree.len(), "changes are followed");
    let error = stage.runtime.block_on(stage.sync.round(Round::Full)).unwrap_err();
    assert!(matches!(error, SyncError::Indexing { progress: 30, .. }), "{error}");
    assert!(stage.index.last_error().unwrap().unwrap().contains("30 %"));
    stage.simulator.state().faults.clear();
    photo(2);
    stage.update().unwrap();
    assert_eq!(note(&stage), None);
    assert_true(&stage);
    stage.simulator.assert_clean();
}
