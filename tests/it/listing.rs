//! The first listing against what the simulator knows to be true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Failure, Fault, Place};
use icloud_simulator::library::{Area, Body, NewPhoto, Resource, Slot, TruthAsset, TruthState};

use photosfs::index::{Node, NodeKind};
use photosfs::sync::{Progress, Round};

use crate::installation::eventually;
use crate::stage::Stage;

/// What a resource is known by: asset, checksum, size.
pub type Key = (String, String, u64);

/// Every file of the truth that the tree must hold, by what it is.
pub fn expected(stage: &Stage) -> BTreeSet<Key> {
    let truth = stage.simulator.cloud().truth();
    let shown = |asset: &&TruthAsset| asset.resource(Slot::Original).is_some();
    let files = |asset: &TruthAsset| {
        let name = asset.record_name.clone();
        let preview =
            |slot| matches!(slot, Slot::MediumPicture | Slot::Thumbnail | Slot::MediumVideo | Slot::SmallVideo);
        let resources = asset.resources.iter().filter(move |resource| !preview(resource.slot));
        resources.map(move |file| (name.clone(), file.checksum.clone(), file.size)).collect::<Vec<_>>()
    };
    truth.assets().filter(shown).flat_map(files).collect()
}

/// Every file of the tree, by what it is; a symlink is another path of what it points at.
pub fn found(stage: &Stage) -> BTreeMap<Key, Vec<String>> {
    let tree: BTreeMap<String, Node> = stage.tree().into_iter().collect();
    let mut found: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    for (path, node) in &tree {
        let node = match node.kind {
            NodeKind::Symlink => &tree[&pointed_at(path, &stage.index.link_target(node.ino).unwrap().unwrap())],
            _ => node,
        };
        if let Some(facts) = stage.index.facts(node.ino).unwrap() {
            found.entry((facts.asset, facts.checksum, node.size)).or_default().push(path.clone());
        }
    }
    found
}

/// The path that a relative link at a path means.
fn pointed_at(link: &str, target: &str) -> String {
    let mut parts: Vec<&str> = link.split('/').collect();
    let up = target.split('/').take_while(|part| *part == "..").count();
    parts.truncate(parts.len() - 1 - up);
    parts.extend(target.split('/').skip(up));
    parts.join("/")
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
    for asset in truth.assets() {
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
    assert_listed(&stage);
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
    assert_listed(&stage);
}

/// In a history the record of a file may come hundreds of pages after its photo (protocol/photos.md §3.5).
#[test]
fn a_history_whose_masters_come_last_is_read_whole() {
    let stage = Stage::new(Options { assets: Some(900), ..Options::default() });
    let cloud = stage.simulator.cloud();
    for asset in cloud.truth().assets().step_by(17) {
        cloud.leave_out_of_lists(cloud.primary(), cloud.asset_named(&asset.record_name).unwrap().name);
    }
    cloud.rewrite_masters(cloud.primary());
    stage.update().unwrap();
    assert_true(&stage);
    assert!(stage.simulator.requests("changes/zone") > 5, "the history was read");
    // Two pages of new photos, all before the first of their masters.
    let photo = |n: u64| NewPhoto::new(&format!("NEW_{n}.JPG"), Resource::new("public.jpeg", Body::seeded(n, 900)), 0);
    (0..250).for_each(|n| _ = cloud.add_photo(cloud.primary(), photo(n)));
    cloud.rewrite_masters(cloud.primary());
    stage.update().unwrap();
    assert_true(&stage);
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
    stage.simulator.fault(Fault::every("records/query", Effect::Answer(Change::WithoutMasters)));
    stage.update().unwrap();
    assert_true(&stage);
    assert!(stage.simulator.requests("records/lookup") >= 2, "two hundred at a time");
    stage.simulator.assert_clean();
}

/// A record that cannot be had is no photo without a file: the listing waits for it (protocol/photos.md §5.4).
#[test]
fn masters_whose_look_up_fails_are_not_given_up() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    stage.simulator.fault(Fault::every("records/query", Effect::Answer(Change::WithoutMasters)));
    let (code, reason) = ("INTERNAL_ERROR".to_owned(), "scripted".to_owned());
    let inside = Effect::Answer(Change::ErrorInside { place: Place::FirstRecord, code, reason });
    stage.simulator.fault(Fault::nth("records/lookup", 1, inside));
    let error = stage.update().unwrap_err();
    assert!(error.to_string().contains("INTERNAL_ERROR"), "{error}");
    assert!(stage.tree().iter().all(|(path, _)| !path.contains('.')), "nothing of it is shown");
    stage.update().unwrap();
    assert_listed(&stage);
}

#[test]
fn half_a_page_is_read_on() {
    let whole = Stage::new(Options { assets: Some(300), ..Options::default() });
    whole.update().unwrap();
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    stage.simulator.fault(Fault::nth("records/query", 5, Effect::Answer(Change::HalfPage)));
    stage.update().unwrap();
    assert_true(&stage);
    let asked = |stage: &Stage| stage.simulator.requests("records/query");
    assert!(asked(&stage) > asked(&whole), "what was missing was asked for");
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

fn albums(stage: &Stage) -> usize {
    stage.tree().iter().filter(|(path, _)| path.starts_with("/Albums/") && !path.contains('.')).count()
}

#[test]
fn a_list_of_albums_that_comes_empty_is_read_again() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    // The state of indexing, the first page, then the albums at the top.
    stage.simulator.fault(Fault::nth("records/query", 3, Effect::Answer(Change::EmptyListing)));
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    assert_eq!(albums(&stage), 48, "forty albums in eight folders");
    assert!(stage.index.libraries().unwrap().iter().all(|state| state.note.is_none()));
    stage.simulator.assert_clean();
}

/// A page has 200 albums, whatever is asked for (protocol/photos.md §2.3).
#[test]
fn albums_beyond_one_page_are_listed_at_every_level() {
    let stage = Stage::new(Options { assets: Some(0), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let folder = cloud.add_folder(cloud.primary(), "Folder", None);
    for (count, inside) in [(450, None), (230, Some(folder))] {
        (0..count).for_each(|n| _ = cloud.add_album(cloud.primary(), &format!("Album {n}"), inside));
    }
    stage.update().unwrap();
    let library = stage.index.libraries().unwrap().remove(0).library;
    let listed = stage.runtime.block_on(stage.photos.albums(&library)).unwrap();
    assert_eq!((listed.albums.len(), listed.roots), (681, 2));
    assert_eq!(albums(&stage), 681);
    stage.simulator.assert_clean();
}

#[test]
fn albums_and_members_that_lists_leave_out_are_found_in_the_history() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let primary = cloud.primary();
    let truth = cloud.truth();
    for album in truth.libraries[0].albums.iter().filter(|album| !album.is_folder).take(3) {
        cloud.leave_out_of_lists(primary, cloud.album_named(&album.record_name).unwrap().name);
    }
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    assert_eq!(albums(&stage), 48);
    assert_eq!(stage.index.libraries().unwrap()[0].note, None, "nothing is missing");
    stage.simulator.assert_clean();
}

#[test]
fn photos_that_lists_leave_out_are_found_in_the_history() {
    let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
    let cloud = stage.simulator.cloud();
    for asset in cloud.truth().assets().step_by(17) {
        cloud.leave_out_of_lists(cloud.primary(), cloud.asset_named(&asset.record_name).unwrap().name);
    }
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    assert_eq!(stage.index.libraries().unwrap()[0].note, None, "their albums are asked for by name");
    stage.simulator.assert_clean();
}

#[test]
fn an_album_that_was_short_is_counted_again() {
    let stage = Stage::new(Options { assets: Some(200), ..Options::default() });
    // The members of albums are the third counts, and the fourth.
    for _ in 0..2 {
        stage.simulator.fault(Fault::nth("internal/records/query/batch", 3, Effect::Answer(Change::CountsOff(2))));
    }
    stage.update().unwrap();
    assert_true(&stage);
    assert_eq!(stage.index.libraries().unwrap()[0].note, None, "when it is, nothing is missing");
    stage.simulator.assert_clean();
}

#[test]
fn what_left_albums_while_they_were_read_is_not_missing() {
    let stage = Stage::new(Options { assets: Some(200), ..Options::default() });
    // As if ten photos had left each album since it was counted.
    stage.simulator.fault(Fault::nth("internal/records/query/batch", 3, Effect::Answer(Change::CountsOff(10))));
    stage.update().unwrap();
    assert_listed(&stage);
    assert_eq!(stage.index.libraries().unwrap()[0].note, None);
    assert!(stage.simulator.requests("changes/zone") <= 2, "the history is not read for it");
}

#[test]
fn a_listing_that_is_never_whole_is_not_repeated_at_every_poll() {
    let stage = Stage::new(Options { assets: Some(200), ..Options::default() });
    stage.simulator.fault(Fault::every("internal/records/query/batch", Effect::Answer(Change::CountsOff(50))));
    let short = || stage.update().unwrap_err().to_string();
    let told = [short(), short(), short()];
    let asked = |stage: &Stage| stage.simulator.requests("records/query") + stage.simulator.requests("changes/zone");
    let before = asked(&stage);
    assert!(told[2].contains("is not complete"), "{told:?}");
    assert_eq!([short(), short()], [told[2].clone(), told[2].clone()], "it is told all the same");
    assert_eq!(asked(&stage), before);
    stage.runtime.block_on(stage.sync.round(Round::Full)).unwrap_err();
    assert!(asked(&stage) > before, "who asks for everything has it tried");
    stage.simulator.assert_clean();
}

#[test]
fn progress_is_never_more_than_everything() {
    let stage = Stage::new(Options { assets: Some(2_000), ..Options::default() });
    // After the state of indexing and the token; the state is asked for again at the end, and half of it is none.
    for _ in 0..20 {
        stage.simulator.fault(Fault::nth("records/query", 3, Effect::Answer(Change::HalfPage)));
    }
    let mut progress = stage.sync.progress();
    let watching = stage.runtime.spawn(async move {
        let mut told = Vec::new();
        while progress.changed().await.is_ok() {
            let now = progress.borrow_and_update().clone();
            told.extend(now.fraction());
            if matches!(now, Progress::Layout { .. }) {
                break;
            }
        }
        told
    });
    stage.update().unwrap();
    let told = stage.runtime.block_on(watching).unwrap();
    assert!(told.len() > 3 && told.iter().all(|(seen, announced)| seen <= announced), "{told:?}");
    assert_listed(&stage);
}

#[test]
fn a_shared_database_that_is_refused_is_told_and_no_library_is_gone() {
    let stage = Stage::new(Options { assets: Some(60), ..Options::default() });
    // The private database is asked first.
    let refused = Effect::Fail(Failure::new(403, "ACCESS_DENIED", "no shared database"));
    stage.simulator.fault(Fault::nth("changes/database", 2, refused.clone()));
    stage.update().unwrap();
    assert_true(&stage);
    let note = stage.index.account_notes().unwrap().unwrap();
    assert!(note.contains("libraries that others share") && note.contains("ACCESS_DENIED"), "{note}");
    stage.update().unwrap();
    assert_eq!(stage.index.account_notes().unwrap(), None, "it answers again");
    let shared = stage.simulator.cloud().add_shared_library(Area::Shared);
    let photo = NewPhoto::new("S.JPG", Resource::new("public.jpeg", Body::bytes(&b"shared"[..])), 1_700_000_000_000);
    stage.simulator.cloud().add_photo(shared, photo);
    stage.update().unwrap();
    let tree = stage.tree();
    stage.simulator.fault(Fault::nth("changes/database", 2, refused));
    let error = stage.update().unwrap_err();
    assert!(error.to_string().contains("ACCESS_DENIED"), "{error}");
    assert_eq!(stage.tree(), tree, "what is known stays");
    assert!(stage.index.libraries().unwrap().iter().all(|state| state.note.is_none()));
}

#[test]
fn a_library_that_is_back_is_no_longer_told_to_be_gone() {
    let mut stage = Stage::new(Options { assets: Some(20), ..Options::default() });
    let shared = stage.simulator.cloud().add_shared_library(Area::Shared);
    let photo = NewPhoto::new("S.JPG", Resource::new("public.jpeg", Body::bytes(&b"shared"[..])), 1_700_000_000_000);
    stage.simulator.cloud().add_photo(shared, photo);
    stage.update().unwrap();
    let tree = stage.tree();
    stage = without_index(stage);
    // The private database is asked first.
    stage.simulator.fault(Fault::nth("changes/database", 2, Effect::Answer(Change::NoZones)));
    stage.update().unwrap();
    assert!(stage.index.holds().unwrap()[0].whole);
    // In an index that is new again it is as it was held: shown, with no token to go on from.
    stage = without_index(stage);
    stage.update().unwrap();
    assert_eq!(stage.index.holds().unwrap(), []);
    let notes: Vec<_> = stage.index.libraries().unwrap().into_iter().filter_map(|state| state.note).collect();
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(stage.tree(), tree);
    stage.simulator.assert_clean();
}

/// As another process goes on that finds no index.
fn without_index(stage: Stage) -> Stage {
    for file in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        std::fs::remove_file(stage.config.state.join(file)).unwrap();
    }
    stage.reopened()
}

#[test]
fn libraries_are_listed_though_they_are_told_of_one_by_one() {
    let stage = Stage::new(Options { assets: Some(20), ..Options::default() });
    stage.simulator.change_switches(|switches| switches.zones_per_page = 1);
    let cloud = stage.simulator.cloud();
    let add = |zone, seed| {
        let picture = Resource::new("public.jpeg", Body::seeded(seed, 500));
        cloud.add_photo(zone, NewPhoto::new("NEW.JPG", picture, 1_700_000_000_000));
    };
    let shared = cloud.add_shared_library(Area::Private);
    add(shared, 1);
    stage.update().unwrap();
    assert_eq!(stage.index.libraries().unwrap().len(), 2);
    assert_true(&stage);
    [(cloud.primary(), 2), (shared, 3)].into_iter().for_each(|(zone, seed)| add(zone, seed));
    stage.update().unwrap();
    assert_true(&stage);
    assert_eq!(stage.index.holds().unwrap(), []);
    stage.simulator.assert_clean();
}

#[test]
fn zones_that_are_no_libraries_are_left_out_and_named() {
    let stage = Stage::new(Options { assets: Some(20), ..Options::default() });
    stage.update().unwrap();
    let ignored = stage.index.ignored_zones().unwrap();
    for zone in ["SharedCollection-", "AppLibrarySync-com.apple.GenerativePlayground-", "CustomZone", "CMM-"] {
        assert_eq!(ignored.iter().filter(|name| name.starts_with(zone)).count(), 1, "{zone} in {ignored:?}");
    }
    let names: Vec<_> = stage.index.libraries().unwrap().into_iter().map(|state| state.library.id().0).collect();
    assert_eq!(names, ["PrimarySync"]);
    stage.simulator.assert_clean();
}

/// Ends a first listing at its ninetieth request; gives the requests it has made.
fn interrupted(stage: &Stage) -> u64 {
    let denied = Failure::new(403, "ACCESS_DENIED", "scripted");
    stage.simulator.fault(Fault::from("records/query", 90, Effect::Fail(denied)));
    stage.update().unwrap_err();
    stage.simulator.state().faults.clear();
    stage.simulator.requests("records/query")
}

#[test]
fn a_listing_that_was_interrupted_goes_on_where_it_was() {
    let stage = Stage::new(Options { assets: Some(3_000), ..Options::default() });
    let before = interrupted(&stage);
    let stage = stage.reopened();
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    let again = stage.simulator.requests("records/query") - before;
    let whole = Stage::new(Options { assets: Some(3_000), ..Options::default() });
    whole.update().unwrap();
    let whole = whole.simulator.requests("records/query");
    // The state of indexing, the albums' own list in nine requests, and up to sixteen albums that were under way.
    assert!(before + again <= whole + 60, "{before} requests, then {again}; without an end {whole}");
    stage.simulator.assert_clean();
}

#[test]
fn a_listing_that_ends_before_it_is_shown_is_not_read_again() {
    let whole = Stage::new(Options { assets: Some(1_000), ..Options::default() });
    whole.update().unwrap();
    let stage = Stage::new(Options { assets: Some(1_000), ..Options::default() });
    let denied = Failure::new(403, "ACCESS_DENIED", "scripted");
    // The last query is whether the lists are still whole.
    let last = whole.simulator.requests("records/query");
    stage.simulator.fault(Fault::nth("records/query", last, Effect::Fail(denied)));
    stage.update().unwrap_err();
    let stage = stage.reopened();
    stage.update().unwrap();
    let again = stage.simulator.requests("records/query") - last;
    assert!(again <= 30, "the state, the albums' own list, and the ends of views and lists: {again} of {last}");
    assert_listed(&stage);
}

/// The tree is the cloud's, its albums too, and nothing was asked that may not be.
fn assert_listed(stage: &Stage) {
    assert_true(stage);
    assert_places(stage);
    stage.simulator.assert_clean();
}

/// Albums and photos are read side by side: whichever of them fails, what is in of the other is gone on from.
#[test]
fn a_listing_whose_albums_or_photos_fail_goes_on_where_both_were() {
    let denied = || Effect::Fail(Failure::new(403, "ACCESS_DENIED", "scripted"));
    // The counts of albums and of their members are the second and third batch; the state of indexing, the token, and some of
    // the first pages of both kinds come before the twelfth query.
    let phases = [("internal/records/query/batch", 2), ("internal/records/query/batch", 3), ("records/query", 12)];
    for (endpoint, nth) in phases {
        let stage = Stage::new(Options { assets: Some(2_000), ..Options::default() });
        stage.simulator.fault(Fault::nth(endpoint, nth, denied()));
        stage.update().unwrap_err();
        assert!(stage.index.libraries().unwrap().iter().all(|state| !state.shown), "{endpoint} {nth}");
        let stage = stage.reopened();
        stage.update().unwrap();
        assert_listed(&stage);
    }
}

/// What changes while albums and photos are read is in the replay, which comes after both.
#[test]
fn what_changes_while_albums_and_photos_are_read_is_listed() {
    let stage = Stage::new(Options { assets: Some(2_000), latency: Duration::from_millis(5), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let zone = cloud.primary();
    let truth = cloud.truth();
    let visible: Vec<_> = truth.assets().filter(|asset| asset.state == TruthState::Visible).collect();
    let named = |n: usize| cloud.asset_named(&visible[n].record_name).unwrap();
    std::thread::scope(|scope| {
        let listing = scope.spawn(|| stage.update());
        for n in 0..12 {
            eventually("the listing is under way", || stage.simulator.requests("records/query") >= 5 + 4 * n as u64);
            let album = cloud.add_album(zone, &format!("Made meanwhile {n}"), None);
            cloud.add_to_album(named(n * 40), album).unwrap();
            cloud.trash(named(n * 40 + 1)).unwrap();
            let body = Body::bytes(format!("new {n}").into_bytes());
            let resource = Resource::new("public.jpeg", body);
            cloud.add_photo(zone, NewPhoto::new(&format!("NEW_{n}.JPG"), resource, 1_700_000_000_000 + n as i64));
        }
        listing.join().unwrap().unwrap();
    });
    stage.update().unwrap();
    assert_listed(&stage);
}

/// Between two pages of an album one photo leaves it, another joins it, and a third slips from the second page to the first.
#[test]
fn a_member_that_slips_while_an_album_is_read_is_not_missing() {
    let stage = Stage::new(Options { assets: Some(2_000), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let truth = cloud.truth();
    let mut visible: Vec<_> = truth.assets().filter(|asset| asset.state == TruthState::Visible).collect();
    // An album's list begins with the latest.
    visible.sort_by_key(|asset| asset.captured_ms);
    let named = |n: usize| cloud.asset_named(&visible[n].record_name).unwrap();
    let album = cloud.add_album(cloud.primary(), "Slippery", None);
    (1..=70).for_each(|n| cloud.add_to_album(named(n), album).unwrap());
    // Announced as 60, its second page comes after the first.
    stage.simulator.fault(Fault::nth("internal/records/query/batch", 3, Effect::Answer(Change::CountsOff(-10))));
    stage.simulator.fault(Fault::every("records/query", Effect::Delay { ms: 300 }));
    std::thread::scope(|scope| {
        let listing = scope.spawn(|| stage.update());
        // The 45th to the 60th query are the first pages of albums.
        eventually("second pages are asked for", || stage.simulator.requests("records/query") > 64);
        cloud.remove_from_album(named(40), album).unwrap();
        cloud.add_to_album(named(0), album).unwrap();
        listing.join().unwrap().unwrap();
    });
    assert_listed(&stage);
}

#[test]
fn a_library_that_changed_while_its_listing_was_interrupted_is_listed_whole() {
    let stage = Stage::new(Options { assets: Some(3_000), ..Options::default() });
    interrupted(&stage);
    let cloud = stage.simulator.cloud();
    let visible = |asset: &&TruthAsset| asset.state == TruthState::Visible;
    for asset in cloud.truth().assets().filter(visible).step_by(400) {
        cloud.trash(cloud.asset_named(&asset.record_name).unwrap()).unwrap();
    }
    let photo = NewPhoto::new("NEW.JPG", Resource::new("public.jpeg", Body::bytes(&b"new"[..])), 1_700_000_000_000);
    cloud.add_photo(cloud.primary(), photo);
    let stage = stage.reopened();
    stage.update().unwrap();
    assert_listed(&stage);
}

#[test]
fn an_interrupted_listing_whose_token_is_not_taken_begins_anew() {
    let stage = Stage::new(Options { assets: Some(600), ..Options::default() });
    let denied = Failure::new(403, "ACCESS_DENIED", "scripted");
    stage.simulator.fault(Fault::from("records/query", 60, Effect::Fail(denied)));
    stage.update().unwrap_err();
    stage.simulator.state().faults.clear();
    let (code, reason) = ("BAD_REQUEST".to_owned(), "Unknown sync continuation type".to_owned());
    let refusal = Effect::Answer(Change::ErrorInside { place: Place::Zone, code, reason });
    stage.simulator.fault(Fault::nth("changes/zone", 1, refusal));
    stage.update().unwrap();
    assert_listed(&stage);
}

#[test]
fn answers_that_do_not_end_are_given_up() {
    for endpoint in ["changes/database", "changes/zone"] {
        let stage = Stage::new(Options { assets: Some(60), ..Options::default() });
        stage.simulator.fault(Fault::every(endpoint, Effect::Answer(Change::MoreComing)));
        let error = stage.update().unwrap_err();
        assert!(error.to_string().contains("do not come to an end"), "{endpoint}: {error}");
        assert!(stage.simulator.requests(endpoint) <= 410, "{endpoint}");
        stage.simulator.state().faults.clear();
        stage.update().unwrap();
        assert_true(&stage);
    }
}
