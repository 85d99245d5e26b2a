//! A library that is in use while it is counted: what happens between the question for changes and the one for counts is no
//! change that was never told, and costs no listing.

use icloud_simulator::Options;
use icloud_simulator::control::{Command, SeededPhoto};
use icloud_simulator::fault::{Change, Effect, Fault};
use icloud_simulator::library::{AlbumId, Area, AssetId, Body, Cloud, NewPhoto, Resource, TruthState, ZoneId};
use photosfs::sync::Round;

use crate::listing::{assert_places, assert_true};
use crate::stage::Stage;

const COUNTS: &str = "internal/records/query/batch";

/// What has been asked so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    queries: u64,
    lookups: u64,
    changes: u64,
    counts: u64,
}

/// Two libraries that are shown, the person's own with an album of three photos.
struct Scene {
    stage: Stage,
    cloud: Cloud,
    album: AlbumId,
    members: Vec<AssetId>,
    shared: ZoneId,
    guests: Vec<AssetId>,
}

impl Scene {
    fn new() -> Scene {
        // Of a smaller one the history costs less than the lists of its albums.
        let stage = Stage::new(Options { assets: Some(300), ..Options::default() });
        let cloud = stage.simulator.cloud();
        let album = cloud.add_album(cloud.primary(), "Norway", None);
        let members: Vec<AssetId> = in_state(&cloud, TruthState::Visible).into_iter().take(9).collect();
        members.iter().take(3).for_each(|photo| cloud.add_to_album(*photo, album).unwrap());
        let shared = cloud.add_shared_library(Area::Shared);
        let guests = (0..9).map(|n| cloud.add_photo(shared, picture(n))).collect();
        stage.update().unwrap();
        Scene { stage, cloud, album, members, shared, guests }
    }

    fn asked(&self) -> Asked {
        let asked = |endpoint| self.stage.simulator.requests(endpoint);
        Asked {
            queries: asked("records/query"),
            lookups: asked("records/lookup"),
            changes: asked("changes/zone"),
            counts: asked(COUNTS),
        }
    }

    /// A round in which something happens just before the counts are asked for so many times; gives what was asked.
    fn round(&self, meanwhile: &[&[Command]]) -> Asked {
        for commands in meanwhile {
            // Each rule counts the calls that none before it has struck.
            self.stage.simulator.fault(Fault::nth(COUNTS, 1, Effect::Meanwhile(commands.to_vec())));
        }
        let before = self.asked();
        self.stage.update().unwrap();
        let now = self.asked();
        Asked {
            queries: now.queries - before.queries,
            lookups: now.lookups - before.lookups,
            changes: now.changes - before.changes,
            counts: now.counts - before.counts,
        }
    }

    fn assert_true(&self) {
        assert_true(&self.stage);
        assert_places(&self.stage);
        assert_unnoted(&self.stage);
        self.stage.simulator.assert_clean();
    }

    /// What can happen to the person's own library: to its views, its albums and their list.
    fn events(&self) -> Vec<Command> {
        let name = |photo: usize| self.members[photo].name.to_string();
        let album = || self.album.name.to_string();
        let trashed = in_state(&self.cloud, TruthState::Trashed)[0].name.to_string();
        let hidden = in_state(&self.cloud, TruthState::Hidden)[0].name.to_string();
        vec![
            add("NEW.JPG", None),
            Command::Trash { asset: name(4) },
            Command::Hide { asset: name(5), hidden: true },
            Command::Hide { asset: hidden, hidden: false },
            Command::Purge { asset: trashed },
            Command::AddToAlbum { asset: name(6), album: album() },
            Command::RemoveFromAlbum { asset: name(1), album: album() },
            Command::AddAlbum { name: "Sweden".into(), folder: None, zone: None },
            Command::DeleteAlbum { album: album() },
        ]
    }
}

fn in_state(cloud: &Cloud, state: TruthState) -> Vec<AssetId> {
    let truth = cloud.truth();
    let own = truth.assets().filter(|asset| asset.state == state);
    own.filter_map(|asset| cloud.asset_named(&asset.record_name).ok()).collect()
}

fn picture(n: u64) -> NewPhoto {
    NewPhoto::new(&format!("S{n}.JPG"), Resource::new("public.jpeg", Body::seeded(n, 400)), 1_700_000_000_000)
}

fn add(name: &str, zone: Option<String>) -> Command {
    let seed = 77_000 + name.len() as u64;
    Command::AddPhoto(SeededPhoto {
        name: name.into(),
        seed,
        size: 300,
        captured_ms: 1_600_000_000_000,
        uti: "public.jpeg".into(),
        zone,
        live: None,
        burst: None,
    })
}

fn assert_unnoted(stage: &Stage) {
    assert!(stage.index.libraries().unwrap().iter().all(|state| state.note.is_none()));
}

/// One more look at the changes, and one more at the counts.
const ASKED_AGAIN: Asked = Asked { queries: 0, lookups: 0, changes: 2, counts: 2 };

#[test]
fn what_happens_before_the_counts_is_asked_for_and_nothing_is_listed() {
    let scene = Scene::new();
    for (n, event) in scene.events().into_iter().enumerate() {
        scene.cloud.set_favourite(scene.members[8], n % 2 == 0).unwrap();
        let asked = scene.round(&[std::slice::from_ref(&event)]);
        // What comes back may be in albums that do not say so.
        let lookups = asked.lookups;
        assert_eq!(Asked { lookups: 0, ..asked }, ASKED_AGAIN, "{event:?}");
        assert_eq!(lookups > 0, matches!(event, Command::Hide { hidden: false, .. }), "{event:?}");
        scene.assert_true();
    }
}

#[test]
fn what_happens_to_a_shared_library_before_its_counts_is_asked_for() {
    let scene = Scene::new();
    let zone = || Some(scene.cloud.zone_name(scene.shared));
    let name = |photo: usize| scene.guests[photo].name.to_string();
    let trash = Command::Trash { asset: name(1) };
    let hide = Command::Hide { asset: name(2), hidden: true };
    let purge = Command::Purge { asset: name(1) };
    for (n, event) in [add("GUEST.JPG", zone()), trash, hide, purge].into_iter().enumerate() {
        scene.cloud.set_favourite(scene.guests[8], n % 2 == 0).unwrap();
        assert_eq!(scene.round(&[std::slice::from_ref(&event)]), ASKED_AGAIN, "{event:?}");
        scene.assert_true();
    }
}

#[test]
fn without_anything_happening_the_counts_are_asked_for_once() {
    let scene = Scene::new();
    scene.cloud.set_favourite(scene.members[8], true).unwrap();
    assert_eq!(scene.round(&[]), Asked { queries: 0, lookups: 0, changes: 1, counts: 1 });
    scene.assert_true();
}

#[test]
fn a_library_that_never_keeps_still_is_compared_when_it_does() {
    let scene = Scene::new();
    scene.cloud.set_favourite(scene.members[8], true).unwrap();
    let events: Vec<Command> = (0..5).map(|n| add(&"X".repeat(n + 1), None)).collect();
    let events: Vec<&[Command]> = events.iter().map(std::slice::from_ref).collect();
    let asked = scene.round(&events);
    assert_eq!(asked, Asked { queries: 0, lookups: 0, changes: 6, counts: 5 }, "that is the most");
    scene.assert_true();
    assert_eq!(scene.round(&[]), Asked { queries: 0, lookups: 0, changes: 1, counts: 1 }, "it is compared, and agrees");
}

#[test]
fn a_photo_that_is_lost_is_found_however_busy_the_library_is() {
    let scene = Scene::new();
    scene.cloud.add_photo(scene.cloud.primary(), picture(500));
    scene.stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(Change::EmptyListing)));
    let asked = scene.round(&[&[add("NEW.JPG", None)], &[add("NEWER.JPG", None)]]);
    assert!(asked.queries > 10, "it is listed again: {asked:?}");
    // Four looks at the counts until the loss is believed, four in the listing, and one after it.
    assert!(asked.counts <= 9 && asked.changes <= 6, "{asked:?}");
    scene.assert_true();
}

#[test]
fn a_member_that_is_lost_is_found_by_reading_its_album_alone() {
    let scene = Scene::new();
    scene.cloud.add_to_album(scene.members[7], scene.album).unwrap();
    scene.stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(Change::EmptyListing)));
    let asked = scene.round(&[&[add("NEW.JPG", None)]]);
    assert_eq!(asked.queries, 3, "a page, and the end of the list");
    assert_eq!((asked.counts, asked.changes), (4, 3), "{asked:?}");
    scene.assert_true();
}

#[test]
fn a_count_that_is_wrong_for_good_is_known_though_the_library_grows() {
    let scene = Scene::new();
    scene.stage.simulator.fault(Fault::every(COUNTS, Effect::Answer(Change::CountsOff(-1))));
    let mut costs = Vec::new();
    let mut scene = scene;
    for n in 0..3 {
        scene.cloud.add_photo(scene.cloud.primary(), picture(600 + n));
        costs.push(scene.round(&[]).queries);
        scene.assert_true();
        // To another process it is another day.
        scene = Scene { stage: scene.stage.reopened(), ..scene };
    }
    assert!(costs[0] > 10, "once it is made sure: {costs:?}");
    assert_eq!(costs[1..], [0, 0], "then it is known, though the number is another: {costs:?}");
    scene.stage.simulator.state().faults.clear();
    scene.cloud.add_photo(scene.cloud.primary(), picture(700));
    let asked = scene.round(&[]);
    assert!(asked.queries > 10, "one that is no longer too low may hide a loss: {asked:?}");
    scene.cloud.trash(scene.members[3]).unwrap();
    scene.stage.simulator.fault(Fault::nth("changes/zone", 1, Effect::Answer(Change::EmptyListing)));
    let scene = Scene { stage: scene.stage.reopened(), ..scene };
    assert!(scene.round(&[]).queries > 10, "and one that differs by as much is a loss");
    scene.assert_true();
}

/// Requests of a first listing, and those of a whole round after it, while photos come before some calls.
fn listings(first: &[u64], again: &[(&str, u64)]) -> (u64, u64) {
    let stage = Stage::new(Options { assets: Some(1_000), ..Options::default() });
    let queries = || stage.simulator.requests("records/query");
    let come = |endpoint: &str, nth: u64| {
        let photo = add(&format!("{}.JPG", "X".repeat(nth as usize)), None);
        stage.simulator.fault(Fault::nth(endpoint, nth, Effect::Meanwhile(vec![photo])));
    };
    first.iter().for_each(|nth| come(COUNTS, *nth));
    stage.update().unwrap();
    assert_true(&stage);
    let listed = queries();
    again.iter().for_each(|(endpoint, nth)| come(endpoint, *nth));
    stage.runtime.block_on(stage.sync.round(Round::Full)).unwrap();
    assert_true(&stage);
    assert_unnoted(&stage);
    stage.simulator.assert_clean();
    (listed, queries() - listed)
}

#[test]
fn a_photo_that_comes_while_everything_is_listed_causes_no_other_listing() {
    let quiet = listings(&[], &[]);
    // Views, the list of albums, their members, and at last what the listing is compared with.
    let busy = listings(&[4], &[(COUNTS, 4), ("records/query", 12)]);
    assert_eq!(busy.0, quiet.0);
    assert!(busy.1 <= quiet.1 + 5, "another walk through the views would be nineteen: {busy:?} {quiet:?}");
}

/// Requests for lists that a first listing takes while something happens before one.
fn walked(nth: u64, meanwhile: impl Fn(&Cloud) -> Vec<Command>) -> u64 {
    let stage = Stage::new(Options { assets: Some(2_000), ..Options::default() });
    let commands = meanwhile(&stage.simulator.cloud());
    stage.simulator.fault(Fault::nth("records/query", nth, Effect::Meanwhile(commands)));
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    assert_unnoted(&stage);
    stage.simulator.assert_clean();
    stage.simulator.requests("records/query")
}

/// The newest are the first of every list: all behind them slip by one.
#[test]
fn a_photo_that_comes_or_goes_while_pages_are_read_costs_no_other_walk() {
    let newest = |n| match add(&"N".repeat(n), None) {
        Command::AddPhoto(photo) => Command::AddPhoto(SeededPhoto { captured_ms: 4_000_000_000_000, ..photo }),
        other => other,
    };
    let first = |cloud: &Cloud| {
        let truth = cloud.truth();
        let visible = truth.assets().filter(|asset| asset.state == TruthState::Visible);
        visible.max_by_key(|asset| asset.captured_ms).unwrap().record_name.clone()
    };
    let quiet = walked(12, |_| vec![]);
    let come = walked(12, |_| vec![newest(1), newest(2)]);
    let gone = walked(12, |cloud| vec![Command::Trash { asset: first(cloud) }]);
    assert!(come <= quiet + 3 && gone <= quiet + 3, "another walk would be some 24: {quiet}, {come}, {gone}");
    // More than pages have in common are found by another walk.
    walked(12, |_| (1..=30).map(newest).collect());
}

/// The members of albums are the third counts; those of albums that are short by it, the fourth.
#[test]
fn who_joins_an_album_while_it_is_counted_again_is_not_missing() {
    let stage = Stage::new(Options { assets: Some(200), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let album = cloud.add_album(cloud.primary(), "Norway", None);
    let photos = in_state(&cloud, TruthState::Visible);
    cloud.add_to_album(photos[0], album).unwrap();
    let join = Command::AddToAlbum { asset: photos[1].name.to_string(), album: album.name.to_string() };
    stage.simulator.fault(Fault::nth(COUNTS, 3, Effect::Answer(Change::CountsOff(10))));
    stage.simulator.fault(Fault::nth(COUNTS, 3, Effect::Meanwhile(vec![join])));
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    assert_unnoted(&stage);
    assert!(stage.simulator.requests("changes/zone") <= 3, "the history is not read for it");
    stage.simulator.assert_clean();
}

#[test]
fn who_joins_an_album_while_the_history_is_read_for_it_is_not_missing() {
    let stage = Stage::new(Options { assets: Some(200), ..Options::default() });
    let cloud = stage.simulator.cloud();
    let unlisted = cloud.add_album(cloud.primary(), "Sweden", None);
    for n in 0..3 {
        let album = cloud.add_album(cloud.primary(), &format!("Sweden {n}"), None);
        cloud.leave_out_of_lists(cloud.primary(), album.name);
    }
    let join = Command::AddToAlbum {
        asset: in_state(&cloud, TruthState::Visible)[1].name.to_string(),
        album: unlisted.name.to_string(),
    };
    // The views, the list of albums three times, and then the members of those that the history has.
    stage.simulator.fault(Fault::nth(COUNTS, 5, Effect::Meanwhile(vec![join])));
    stage.update().unwrap();
    assert_true(&stage);
    assert_places(&stage);
    assert_unnoted(&stage);
    stage.simulator.assert_clean();
}
