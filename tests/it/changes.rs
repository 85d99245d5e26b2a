//! Changes: news that are refused, broken off or not told, and what one costs. Whatever a person does is in the model test.

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Fault, Place};
use icloud_simulator::library::{Area, Body, NewPhoto, Resource};
use photosfs::sync::Round;

use crate::listing::assert_true;
use crate::stage::Stage;

#[test]
fn a_refused_token_lists_anew_beside_the_old_view() {
    let stage = Stage::new(Options::default());
    stage.update().unwrap();
    let cloud = stage.simulator.cloud();
    let photo = NewPhoto::new("NEW.JPG", Resource::new("public.jpeg", Body::bytes(&b"new"[..])), 1_700_000_000_000);
    cloud.add_photo(cloud.primary(), photo);
    let (code, reason) = ("BAD_REQUEST".to_owned(), "Unknown sync continuation type".to_owned());
    let refusal = Effect::Answer(Change::ErrorInside { place: Place::Zone, code, reason });
    stage.simulator.fault(Fault::nth("changes/zone", 1, refusal));
    stage.update().unwrap();
    assert_true(&stage);
    stage.simulator.assert_clean();
}

#[test]
fn tokens_that_are_all_forgotten_cost_a_listing_and_no_photo() {
    let stage = Stage::new(Options { assets: Some(120), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let shared = cloud.add_shared_library(Area::Shared);
    let picture = |seed| Resource::new("public.jpeg", Body::seeded(seed, 500));
    cloud.add_photo(shared, NewPhoto::new("SHARED.JPG", picture(8_000), 1_700_000_000_000));
    stage.update().unwrap();
    let paths = |stage: &Stage| stage.tree().into_iter().map(|(path, node)| (path, node.ino)).collect::<Vec<_>>();
    let before = paths(&stage);
    cloud.forget_tokens();
    stage.update().unwrap();
    assert_eq!(paths(&stage), before);
    cloud.forget_tokens();
    add(&stage, 3);
    cloud.add_photo(shared, NewPhoto::new("SHARED_2.JPG", picture(8_001), 1_700_000_000_000));
    stage.update().unwrap();
    assert_true(&stage);
    assert_eq!(stage.index.holds().unwrap(), []);
    assert!(stage.index.libraries().unwrap().iter().all(|state| state.note.is_none()));
    stage.simulator.assert_clean();
}

#[test]
fn a_change_that_is_not_told_is_found_by_counting() {
    let stage = Stage::new(Options { assets: Some(120), ..Options::default() });
    stage.update().unwrap();
    let cloud = stage.simulator.cloud();
    let photo = NewPhoto::new("NEW.JPG", Resource::new("public.jpeg", Body::bytes(&b"new"[..])), 1_700_000_000_000);
    cloud.add_photo(cloud.primary(), photo);
    stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(Change::EmptyListing)));
    stage.update().unwrap();
    assert_true(&stage);
    assert!(stage.index.libraries().unwrap().iter().all(|state| state.note.is_none()));
    stage.simulator.assert_clean();
}

#[test]
fn a_photo_that_comes_without_its_master_is_completed() {
    let stage = Stage::new(Options { assets: Some(120), ..Options::default() });
    stage.update().unwrap();
    stage.simulator.fault(Fault::every("changes/zone", Effect::Answer(Change::WithoutMasters)));
    add(&stage, 3);
    stage.update().unwrap();
    assert_true(&stage);
    stage.simulator.assert_clean();
}

#[test]
fn what_leaves_while_everything_is_listed_again_is_not_missing() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    stage.update().unwrap();
    let tree = stage.tree();
    // As if forty had been deleted since they were counted.
    let more = Effect::Answer(Change::CountsOff(40));
    stage.simulator.fault(Fault::nth("internal/records/query/batch", 1, more));
    stage.runtime.block_on(stage.sync.round(Round::Full)).unwrap();
    assert_eq!(stage.index.libraries().unwrap()[0].note, None);
    assert_eq!(stage.tree(), tree);
    stage.simulator.assert_clean();
}

fn add(stage: &Stage, count: u64) {
    let cloud = stage.simulator.cloud();
    for n in 0..count {
        let picture = Resource::new("public.jpeg", Body::seeded(9_000 + n, 500));
        cloud.add_photo(cloud.primary(), NewPhoto::new(&format!("NEW_{n}.JPG"), picture, 1_600_000_000_000 + n as i64));
    }
}

fn requests(stage: &Stage) -> u64 {
    let endpoints =
        ["changes/database", "changes/zone", "records/query", "records/lookup", "internal/records/query/batch"];
    endpoints.iter().map(|endpoint| stage.simulator.requests(endpoint)).sum()
}

/// What one new photo costs in a library of so many: requests, and what the kernel is told.
fn cost_of_one(assets: usize) -> (u64, usize) {
    let stage = Stage::new(Options { assets: Some(assets), ..Options::default() });
    stage.update().unwrap();
    let told = std::sync::Arc::new(std::sync::Mutex::new(0));
    stage.sync.on_change({
        let told = told.clone();
        move |change| *told.lock().unwrap() += change.entries.len() + change.attributes.len() + change.directories.len()
    });
    let before = requests(&stage);
    add(&stage, 1);
    stage.update().unwrap();
    assert_true(&stage);
    stage.simulator.assert_clean();
    let told = *told.lock().unwrap();
    (requests(&stage) - before, told)
}

#[test]
fn one_new_photo_costs_the_same_in_any_library() {
    let (small, large) = (cost_of_one(200), cost_of_one(2_000));
    assert!(small.0 <= 6 && large.0 <= 6, "{small:?} {large:?}");
    // A year that is new is a directory more.
    assert!(small.1 <= 16 && large.1 <= 16, "{small:?} {large:?}");
}

#[test]
fn a_delta_that_breaks_off_changes_nothing_and_is_applied_whole_later() {
    let stage = Stage::new(Options { assets: Some(100), ..Options::default() });
    stage.update().unwrap();
    let token = |stage: &Stage| stage.index.libraries().unwrap()[0].token.clone();
    let (tree, before) = (stage.tree(), token(&stage));
    add(&stage, 1_000);
    let (code, reason) = ("INTERNAL_ERROR".to_owned(), "scripted".to_owned());
    for place in [Place::FirstRecord, Place::Zone] {
        let broken = Effect::Answer(Change::ErrorInside { place, code: code.clone(), reason: reason.clone() });
        stage.simulator.fault(Fault::from("changes/zone", 6, broken));
        stage.update().unwrap_err();
        assert_eq!((stage.tree(), token(&stage)), (tree.clone(), before.clone()), "{place:?}");
        stage.simulator.state().faults.clear();
    }
    stage.update().unwrap();
    assert_true(&stage);
    assert_ne!(token(&stage), before);
    stage.simulator.assert_clean();
}

#[test]
fn while_a_large_delta_comes_in_the_tree_is_read_as_it_was() {
    let stage = Stage::new(Options { assets: Some(100), ..Options::default() });
    stage.update().unwrap();
    add(&stage, 2_000);
    let files = || stage.index.totals().unwrap().files;
    let before = files();
    let reads = std::thread::scope(|scope| {
        let update = scope.spawn(|| stage.update());
        let mut reads = 0;
        while !update.is_finished() {
            let now = files();
            assert!(now == before || now == before + 2_000, "all or nothing: {before} files, then {now}");
            reads += 1;
        }
        update.join().unwrap().unwrap();
        reads
    });
    assert!(reads > 10, "nobody waits for the delta: {reads}");
    assert_true(&stage);
}
