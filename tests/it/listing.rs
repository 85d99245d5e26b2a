//! The first listing against what the simulator knows to be true.

use std::collections::{BTreeMap, BTreeSet};

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Failure, Fault};
use icloud_simulator::library::{Slot, TruthAsset, TruthState};

use crate::stage::Stage;

/// What a resource is known by: asset, checksum, size.
type Key = (String, String, u64);

/// Every file of the truth that the tree must hold, by what it is.
fn expected(stage: &Stage) -> BTreeSet<Key> {
    let truth = stage.simulator.cloud().truth();
    let shown = |asset: &&TruthAsset| !asset.lesser_burst_frame && asset.resource(Slot::Original).is_some();
    let files = |asset: &TruthAsset| {
        let name = asset.record_name.clone();
        let preview =
            |slot| matches!(slot, Slot::MediumPicture | Slot::Thumbnail | Slot::MediumVideo | Slot::SmallVideo);
        let resources = asset.resources.iter().filter(move |resource| !preview(resource.slot));
        resources.map(move |file| (name.clone(), file.checksum.clone(), file.size)).collect::<Vec<_>>()
    };
    truth.assets().filter(shown).flat_map(files).collect()
}

/// Every file of the tree, by what it is.
fn found(stage: &Stage) -> BTreeMap<Key, Vec<String>> {
    let mut found: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    for (path, node) in stage.tree() {
        if let Some(facts) = stage.index.facts(node.ino).unwrap() {
            found.entry((facts.asset, facts.checksum, node.size)).or_default().push(path);
        }
    }
    found
}

pub fn assert_true(stage: &Stage) {
    let (expected, found) = (expected(stage), found(stage));
    let shown: BTreeSet<Key> = found.keys().cloned().collect();
    let missing: Vec<_> = expected.difference(&shown).collect();
    let surplus: Vec<_> = shown.difference(&expected).map(|key| &found[key]).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:#?}\nsurplus {surplus:#?}");
}

#[test]
fn the_demo_library_is_listed_whole() {
    let stage = Stage::new(Options::default());
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    for state in stage.index.libraries().unwrap() {
        assert!(state.shown && state.note.is_none(), "{state:?}");
    }
    stage.simulator.assert_clean();
}

/// Each asset is at home where its state says, and each album holds its members and no others.
pub fn assert_places(stage: &Stage) {
    let found = found(stage);
    let truth = stage.simulator.cloud().truth();
    for asset in truth.assets().filter(|asset| !asset.lesser_burst_frame) {
        let Some(original) = asset.resource(Slot::Original) else { continue };
        let paths = &found[&(asset.record_name.clone(), original.checksum.clone(), original.size)];
        let home = match asset.state {
            TruthState::Visible => "Years/",
            TruthState::Hidden => "Hidden/",
            TruthState::Trashed => "Recently Deleted/",
        };
        let at_home = paths.iter().filter(|path| path.contains(&format!("/{home}"))).count();
        assert_eq!(at_home, 1, "{:?} of {paths:?}", asset.file_name);
    }
    let visible: BTreeSet<&str> =
        truth.assets().filter(|asset| asset.state == TruthState::Visible).map(|a| a.record_name.as_str()).collect();
    let expected: usize = truth
        .libraries
        .iter()
        .flat_map(|library| &library.albums)
        .filter(|album| !album.is_folder)
        .map(|album| album.members.iter().filter(|member| visible.contains(member.as_str())).count())
        .sum();
    let assets_in_albums: BTreeSet<(String, &str)> = found
        .iter()
        .flat_map(|((asset, ..), paths)| paths.iter().map(move |path| (asset.clone(), path.as_str())))
        .filter(|(_, path)| path.starts_with("/Albums/"))
        .map(|(asset, path)| (asset, path.rsplit_once('/').unwrap().0))
        .collect();
    assert_eq!(assets_in_albums.len(), expected);
}

#[test]
fn a_seeded_library_is_listed_whole() {
    let stage = Stage::new(Options { assets: Some(1_500), ..Options::default() });
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    stage.simulator.assert_clean();
}

#[test]
fn a_second_round_without_news_costs_two_requests() {
    let stage = Stage::new(Options::default());
    stage.update().unwrap();
    let (before, tree) = (total(&stage), stage.tree());
    stage.update().unwrap();
    assert_eq!(total(&stage) - before, 2, "changes/database of the private and of the shared database");
    assert_eq!(stage.tree(), tree);
    stage.simulator.assert_clean();
}

fn total(stage: &Stage) -> u64 {
    ["changes/database", "changes/zone", "records/query", "records/lookup", "internal/records/query/batch"]
        .iter()
        .map(|endpoint| stage.simulator.requests(endpoint))
        .sum()
}

#[test]
fn a_shared_library_without_lists_of_hidden_and_trashed_is_read_from_its_history() {
    let stage = Stage::new(Options::default());
    let cloud = stage.simulator.cloud();
    cloud.keep_proven_lists_only(cloud.zone("SharedSync-CB6DB43B-E5B9-4940-A7F5-C2E986D98450").unwrap());
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    stage.simulator.assert_clean();
}

#[test]
fn a_listing_that_stays_short_is_not_shown() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    let short = Effect::Answer(Change::CountsOff(40));
    stage.simulator.fault(Fault::every("internal/records/query/batch", short));
    let error = stage.update().unwrap_err();
    assert!(error.to_string().contains("not complete"), "{error}");
    assert!(stage.tree().iter().all(|(path, _)| !path.contains('.')), "nothing of it is shown");
}

#[test]
fn masters_that_come_late_are_looked_up() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    stage.simulator.fault(Fault::nth("records/query", 4, Effect::Answer(Change::WithoutMasters)));
    stage.update().unwrap();
    assert_true(&stage);
    stage.simulator.assert_clean();
}

#[test]
fn half_a_page_is_read_on() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    stage.simulator.fault(Fault::nth("records/query", 5, Effect::Answer(Change::HalfPage)));
    stage.update().unwrap();
    assert_true(&stage);
    stage.simulator.assert_clean();
}

#[test]
fn a_refusal_now_and_then_does_not_end_a_listing() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    for (n, failure) in [(3, Failure::new(400, "BAD_REQUEST", "?")), (6, Failure::new(503, "TRY_AGAIN_LATER", "busy"))]
    {
        stage.simulator.fault(Fault::nth("records/query", n, Effect::Fail(failure)));
    }
    stage.update().unwrap();
    assert_true(&stage);
    stage.simulator.assert_clean();
}
