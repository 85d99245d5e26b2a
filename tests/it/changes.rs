//! A library that changes, against a reference: after every round the tree is what the simulator knows to be true.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Failure, Fault, Place};
use icloud_simulator::library::{
    AlbumId, Area, AssetId, Body, Cloud, Edit, NewPhoto, Resource, TruthAsset, TruthState, ZoneId,
};
use photosfs::index::{Decision, NodeKind};
use photosfs::sync::Round;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::listing::{Key, assert_places, assert_true, expected, found};
use crate::stage::Stage;

/// What a person does; numbers choose among what is there.
#[derive(Clone, Debug)]
enum Action {
    Add(u8),
    Duplicate(usize),
    Trash(usize),
    TrashOnWeb(usize),
    Restore(usize),
    Purge(usize),
    /// More at once than may leave without a person's word.
    TrashMany,
    Hide(usize, bool),
    Favourite(usize, bool),
    Date(usize, i64),
    Edit(usize),
    Revert(usize),
    Share(usize),
    NewAlbum(u8, Option<usize>),
    NewFolder(Option<usize>),
    Rename(usize, u8),
    MoveAlbum(usize, Option<usize>),
    DeleteAlbum(usize),
    Join(usize, usize),
    Leave(usize, usize),
}

/// What the service does while photosfs asks for changes.
#[derive(Clone, Debug)]
enum Trouble {
    None,
    /// So many calls of an endpoint come to nothing.
    Fails(&'static str, u64, Effect),
    /// Part of an answer is lost, and nothing tells of it but a full listing.
    Loses(Change),
}

fn action() -> impl Strategy<Value = Action> {
    // Few, so that what was done to a photo is often undone or done again.
    let n = 0..12_usize;
    let folder = proptest::option::of(n.clone());
    prop_oneof![
        4 => any::<u8>().prop_map(Action::Add),
        1 => n.clone().prop_map(Action::Duplicate),
        2 => n.clone().prop_map(Action::Trash),
        1 => n.clone().prop_map(Action::TrashOnWeb),
        2 => n.clone().prop_map(Action::Restore),
        2 => n.clone().prop_map(Action::Purge),
        2 => (n.clone(), any::<bool>()).prop_map(|(n, on)| Action::Hide(n, on)),
        1 => (n.clone(), any::<bool>()).prop_map(|(n, on)| Action::Favourite(n, on)),
        2 => (n.clone(), -100_000_000_000..1_800_000_000_000_i64).prop_map(|(n, at)| Action::Date(n, at)),
        2 => n.clone().prop_map(Action::Edit),
        1 => n.clone().prop_map(Action::Revert),
        1 => n.clone().prop_map(Action::Share),
        2 => (any::<u8>(), folder.clone()).prop_map(|(name, folder)| Action::NewAlbum(name, folder)),
        1 => folder.clone().prop_map(Action::NewFolder),
        1 => (n.clone(), any::<u8>()).prop_map(|(n, name)| Action::Rename(n, name)),
        1 => (n.clone(), folder).prop_map(|(n, folder)| Action::MoveAlbum(n, folder)),
        1 => n.clone().prop_map(Action::DeleteAlbum),
        6 => (n.clone(), n.clone()).prop_map(|(photo, album)| Action::Join(photo, album)),
        4 => (n.clone(), n).prop_map(|(photo, album)| Action::Leave(photo, album)),
    ]
}

/// What people do between two rounds: now and then a great deal of deleting is in it.
fn batch() -> impl Strategy<Value = Vec<Action>> {
    let many = prop_oneof![15 => Just(None), 1 => Just(Some(Action::TrashMany))];
    let actions = proptest::collection::vec(action(), BATCH);
    (actions, many).prop_map(|(actions, many)| actions.into_iter().chain(many).collect())
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let token = || {
        Effect::Answer(Change::ErrorInside {
            place: Place::Zone,
            code: "BAD_REQUEST".into(),
            reason: "Unknown sync continuation type".into(),
        })
    };
    let inside = || {
        Effect::Answer(Change::ErrorInside {
            place: Place::FirstRecord,
            code: "INTERNAL_ERROR".into(),
            reason: "scripted".into(),
        })
    };
    prop_oneof![
        12 => Just(Trouble::None),
        1 => (1..9_u64).prop_map(|times| Trouble::Fails("changes/zone", times, Effect::Fail(Failure::bare(500)))),
        1 => (1..9_u64).prop_map(|times| Trouble::Fails("changes/zone", times, Effect::Reset)),
        1 => (1..9_u64).prop_map(|times| Trouble::Fails("changes/database", times, Effect::Html)),
        1 => (1..9_u64).prop_map(move |times| Trouble::Fails("changes/zone", times, inside())),
        1 => Just(()).prop_map(move |()| Trouble::Fails("changes/zone", 1, token())),
        1 => (1..9_u64).prop_map(|times| Trouble::Fails("internal/records/query/batch", times, Effect::Fail(Failure::bare(503)))),
        1 => Just(Trouble::Loses(Change::HalfPage)),
        1 => Just(Trouble::Loses(Change::EmptyListing)),
    ]
}

/// Names on purpose few, so that they clash, in case too.
fn name(seed: u8) -> String {
    ["IMG_0001.JPG", "img_0001.jpg", "IMG_0002.JPG", "a/b.JPG", ".x.jpg"][usize::from(seed) % 5].to_owned()
}

/// One of the oldest or of the newest.
fn pick<T: Copy>(all: &[T], n: usize) -> Option<T> {
    let at = if n < 4 { n } else { all.len().saturating_sub(n - 3) };
    all.get(at % all.len().max(1)).copied()
}

/// What was done so far, and to what.
struct World {
    cloud: Cloud,
    shared: ZoneId,
    photos: Vec<AssetId>,
    albums: Vec<AlbumId>,
    folders: Vec<AlbumId>,
    made: u64,
}

impl World {
    fn body(&mut self) -> Resource {
        self.made += 1;
        Resource::new("public.jpeg", Body::bytes(format!("picture {}", self.made).into_bytes()))
    }

    /// Refusals, such as restoring what is not trashed, are part of the game.
    fn act(&mut self, action: &Action) {
        let cloud = self.cloud.clone();
        let primary = cloud.primary();
        let photo = |n: &usize| pick(&self.photos, *n);
        let album = |n: &usize| pick(&self.albums, *n);
        let folder = |n: &Option<usize>| n.and_then(|n| pick(&self.folders, n));
        let done = match action {
            Action::TrashMany => {
                self.photos.iter().rev().take(25).for_each(|photo| drop(cloud.trash(*photo)));
                None
            }
            Action::Add(seed) => {
                let at = 1_700_000_000_000 + i64::from(*seed) * 1_000_000_000;
                let body = self.body();
                self.photos.push(cloud.add_photo(primary, NewPhoto::new(&name(*seed), body, at)));
                None
            }
            Action::Duplicate(n) => {
                let twin = photo(n).and_then(|photo| cloud.duplicate(photo).ok());
                self.photos.extend(twin);
                None
            }
            Action::Share(n) => {
                let other = |photo: AssetId| if photo.zone == primary { self.shared } else { primary };
                let moved = photo(n).and_then(|photo| cloud.move_to(photo, other(photo)).ok());
                self.photos.extend(moved);
                None
            }
            Action::Trash(n) => photo(n).map(|photo| cloud.trash(photo)),
            Action::TrashOnWeb(n) => photo(n).map(|photo| cloud.trash_on_web(photo)),
            Action::Restore(n) => photo(n).map(|photo| cloud.restore(photo)),
            Action::Purge(n) => photo(n).map(|photo| cloud.purge(photo)),
            Action::Hide(n, on) => photo(n).map(|photo| cloud.set_hidden(photo, *on)),
            Action::Favourite(n, on) => photo(n).map(|photo| cloud.set_favourite(photo, *on)),
            Action::Date(n, at) => photo(n).map(|photo| cloud.set_date(photo, *at, Some(3600))),
            Action::Revert(n) => photo(n).map(|photo| cloud.revert(photo)),
            Action::Edit(n) => {
                let picture = photo(n).is_some().then(|| self.body());
                let edit = Edit { picture, ..Edit::new() };
                let photo = pick(&self.photos, *n);
                photo.map(|photo| cloud.edit(photo, edit))
            }
            Action::NewAlbum(seed, at) => {
                let made = cloud.add_album(primary, &name(*seed), folder(at));
                self.albums.push(made);
                None
            }
            Action::NewFolder(at) => {
                let made = cloud.add_folder(primary, "Folder", folder(at));
                self.folders.push(made);
                None
            }
            Action::Rename(n, seed) => album(n).map(|album| cloud.rename_album(album, &name(*seed))),
            Action::MoveAlbum(n, at) => album(n).map(|album| cloud.move_album(album, folder(at))),
            Action::DeleteAlbum(n) => album(n).map(|album| cloud.delete_album(album)),
            Action::Join(n, at) => photo(n).zip(album(at)).map(|(photo, album)| cloud.add_to_album(photo, album)),
            Action::Leave(n, at) => photo(n).zip(album(at)).map(|(photo, album)| cloud.remove_from_album(photo, album)),
        };
        let _ = done;
    }
}

/// Every name that is still there stands for the inode it stood for, and every inode for the same bytes.
fn assert_stable(stage: &Stage, before: &BTreeMap<u64, (String, u64)>) -> BTreeMap<u64, (String, u64)> {
    let mut now = BTreeMap::new();
    for (_, node) in stage.tree() {
        if let Some(facts) = stage.index.facts(node.ino).unwrap() {
            let known = (facts.checksum, node.size);
            if let Some(before) = before.get(&node.ino) {
                assert_eq!(*before, known, "an inode never stands for other bytes");
            }
            now.insert(node.ino, known);
        }
    }
    now
}

/// Albums with members, by depth and members; and each file of Years in the month of its capture.
fn assert_directories(stage: &Stage) {
    let truth = stage.simulator.cloud().truth();
    let visible: BTreeSet<&str> =
        truth.assets().filter(|a| a.state == TruthState::Visible).map(|a| a.record_name.as_str()).collect();
    let albums = truth.libraries.iter().flat_map(|library| &library.albums).filter(|album| !album.is_folder);
    let members = albums.map(|album| {
        let members = album.members.iter().filter(|name| visible.contains(name.as_str()));
        (album.path.len(), members.cloned().collect::<BTreeSet<String>>())
    });
    let mut expected: Vec<_> = members.filter(|(_, members)| !members.is_empty()).collect();
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let months: BTreeMap<&str, String> =
        truth.assets().map(|asset| (asset.record_name.as_str(), month(asset))).collect();
    for ((asset, ..), paths) in found(stage) {
        for path in &paths {
            let (directory, _) = path.rsplit_once('/').unwrap();
            if directory.starts_with("/Albums/") {
                shown.entry(directory.to_owned()).or_default().insert(asset.clone());
            }
            let in_years = path.strip_prefix("/Shared Library").unwrap_or(path).starts_with("/Years/");
            assert!(
                !in_years || directory.ends_with(&months[asset.as_str()]),
                "{path} was taken in {}",
                months[asset.as_str()]
            );
        }
    }
    let mut shown: Vec<_> = shown.into_iter().map(|(path, members)| (path.matches('/').count() - 1, members)).collect();
    expected.sort();
    shown.sort();
    assert_eq!(shown, expected, "albums by depth and members");
    let directories = stage
        .tree()
        .into_iter()
        .filter(|(path, node)| node.kind == NodeKind::Directory && path.starts_with("/Albums/"));
    let albums = truth.libraries.iter().map(|library| library.albums.len()).sum::<usize>();
    assert_eq!(directories.count(), albums, "albums and folders");
}

/// `2024/2024-03`, on the clock of the capture.
fn month(asset: &TruthAsset) -> String {
    let clock = asset.captured_ms + i64::from(asset.utc_offset_s.unwrap_or(0)) * 1000;
    let clock = jiff::Timestamp::from_millisecond(clock).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    format!("{:04}/{:04}-{:02}", clock.year(), clock.year(), clock.month())
}

/// Steps between two rounds.
const BATCH: usize = 50;
/// Rounds of one history.
const ROUNDS: usize = 21;
/// One history each: 10 × 21 × 50 steps.
const SEEDS: std::ops::Range<u64> = 0..10;

/// Everything that people and the service do, from a seed.
struct History {
    stage: Stage,
    world: World,
    inodes: BTreeMap<u64, (String, u64)>,
    steps: usize,
    holds: usize,
    failed_rounds: usize,
}

impl History {
    fn new() -> History {
        let stage = Stage::new(Options { assets: Some(30), ..Options::default() });
        let cloud = stage.simulator.cloud();
        let shared = cloud.add_shared_library(Area::Private);
        stage.update().unwrap();
        let mut world = World { cloud, shared, photos: vec![], albums: vec![], folders: vec![], made: 0 };
        for beginning in [Action::Add(0), Action::Add(1), Action::NewFolder(None), Action::NewAlbum(0, None)] {
            world.act(&beginning);
        }
        for album in [Action::NewAlbum(1, Some(0)), Action::Join(0, 0), Action::Join(1, 1)] {
            world.act(&album);
        }
        History { stage, world, inodes: BTreeMap::new(), steps: 0, holds: 0, failed_rounds: 0 }
    }

    fn round(&mut self, actions: &[Action], trouble: &Trouble) {
        actions.iter().for_each(|action| self.world.act(action));
        self.steps += actions.len();
        self.troubled(trouble);
        self.stage.update().unwrap();
        if matches!(trouble, Trouble::Loses(_)) {
            self.full();
        }
        if !self.stage.index.holds().unwrap().is_empty() {
            self.holds += 1;
            self.stage.index.decide(Decision::Accept, None).unwrap();
        }
        assert_true(&self.stage);
        assert_places(&self.stage);
        assert_directories(&self.stage);
        self.inodes = assert_stable(&self.stage, &self.inodes);
    }

    /// A round in trouble may fail; what it must not do is to take away what the cloud has.
    fn troubled(&mut self, trouble: &Trouble) {
        let (endpoint, times, effect) = match trouble {
            Trouble::None => return,
            Trouble::Fails(endpoint, times, effect) => (*endpoint, *times, effect.clone()),
            Trouble::Loses(change) => ("changes/zone", 1, Effect::Answer(change.clone())),
        };
        let before: BTreeSet<Key> = found(&self.stage).into_keys().collect();
        self.stage.simulator.fault(Fault::every(endpoint, effect).times(times));
        self.failed_rounds += usize::from(self.stage.update().is_err());
        let after: BTreeSet<Key> = found(&self.stage).into_keys().collect();
        let lost: Vec<&Key> = expected(&self.stage)
            .intersection(&before)
            .filter(|key| !after.contains(*key))
            .map(|key| before.get(key).unwrap())
            .collect();
        assert!(lost.is_empty(), "{trouble:?} takes away {lost:#?}");
        self.stage.simulator.state().faults.clear();
    }

    fn full(&self) {
        self.stage.runtime.block_on(self.stage.sync.round(Round::Full)).unwrap();
    }

    fn names(&self) -> Vec<(String, u64)> {
        self.stage.tree().into_iter().map(|(path, node)| (path, node.ino)).collect()
    }
}

/// One history: the same for the same seed.
fn play(seed: u64) -> History {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let mut history = History::new();
    for round in 0..ROUNDS {
        let (actions, trouble) = (batch(), trouble()).new_tree(&mut runner).unwrap().current();
        let played = catch_unwind(AssertUnwindSafe(|| history.round(&actions, &trouble)));
        if let Err(panic) = played {
            eprintln!("PHOTOSFS_MODEL_SEED={seed}: round {round}, {trouble:?}, after {actions:#?}");
            resume_unwind(panic);
        }
    }
    let tree = history.names();
    history.full();
    assert_eq!(tree, history.names(), "seed {seed}: a full listing finds what following the changes found");
    history.stage.simulator.assert_clean();
    history
}

/// PHOTOSFS_MODEL_SEED plays the history of one seed.
#[test]
fn the_tree_follows_whatever_a_person_does() {
    let only = std::env::var("PHOTOSFS_MODEL_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let seeds: Vec<u64> = only.map_or_else(|| SEEDS.collect(), |seed| vec![seed]);
    let (queue, played) = (Mutex::new(seeds.iter()), Mutex::new(Vec::new()));
    let next = || queue.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    let history = play(*seed);
                    played.lock().unwrap().push((history.steps, history.holds, history.failed_rounds));
                }
            });
        }
    });
    let played = played.into_inner().unwrap();
    let sum = |of: fn(&(usize, usize, usize)) -> usize| played.iter().map(of).sum::<usize>();
    let (steps, holds, failed) = (sum(|h| h.0), sum(|h| h.1), sum(|h| h.2));
    println!("{} histories, {steps} steps, {holds} mass deletions held, {failed} rounds failed", played.len());
    assert!(only.is_some() || (steps >= 10_000 && holds > 0 && failed > 0), "{played:?}");
}

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
fn photos_that_stay_missing_are_told() {
    let stage = Stage::new(Options { assets: Some(120), ..Options::default() });
    stage.update().unwrap();
    let cloud = stage.simulator.cloud();
    let again = |name: &str| {
        let photo =
            NewPhoto::new(name, Resource::new("public.jpeg", Body::bytes(name.as_bytes().to_vec())), 1_700_000_000_000);
        cloud.add_photo(cloud.primary(), photo);
        stage.update()
    };
    stage.simulator.fault(Fault::every("internal/records/query/batch", Effect::Answer(Change::CountsOff(3))));
    again("ONE.JPG").unwrap_err();
    again("TWO.JPG").unwrap();
    let note = |stage: &Stage| stage.index.libraries().unwrap()[0].note.clone();
    assert!(note(&stage).is_some_and(|note| note.contains("missing")), "{:?}", note(&stage));
    stage.simulator.state().faults.clear();
    again("THREE.JPG").unwrap();
    assert_eq!(note(&stage), None);
    assert_true(&stage);
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
