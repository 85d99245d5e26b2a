//! What leaves: in the journal, and held when it is much.

use std::path::PathBuf;

use jiff::Timestamp;

use super::*;

impl Fixture {
    fn file(&self) -> PathBuf {
        self.folder.path().join("index.sqlite")
    }

    fn departures(&self) -> Vec<Departure> {
        let mut all = Vec::new();
        let from = Timestamp::UNIX_EPOCH;
        self.index
            .departures(from, Timestamp::MAX, &mut |departure| {
                all.push(departure);
                true
            })
            .unwrap();
        all
    }

    /// How each thing left, and what.
    fn said(&self) -> Vec<(How, String)> {
        self.departures().into_iter().map(|left| (left.how, left.record)).collect()
    }

    /// A library of so many photos, called A0, A1 …
    pub(super) fn of(count: usize) -> Fixture {
        let fixture = Fixture::new(TreeOptions::default());
        fixture.index.begin_listing(&library(Library::PRIMARY), None).unwrap();
        for n in 0..count {
            let id = format!("A{n}");
            let photo = master(&id, &format!("IMG_{n}.JPG"));
            fixture.index.stage(&primary(), &[asset(&id, n as i64)], &[photo]).unwrap();
        }
        fixture.index.show(&primary(), &token("t0")).unwrap();
        fixture
    }

    pub(super) fn show_shared(&self, photos: &[&str]) -> LibraryId {
        let shared = library("SharedSync-1");
        self.index.begin_listing(&shared, None).unwrap();
        for photo in photos {
            self.index.stage(&shared.id(), &[asset(photo, 5)], &[master(photo, "S.JPG")]).unwrap();
        }
        self.index.show(&shared.id(), &token("s0")).unwrap();
        shared.id()
    }

    fn apply_to(&self, library: &LibraryId, changes: &[Change]) {
        let held = self.index.removals_to_hold(library, changes).unwrap();
        self.index.apply(library, &Batch { changes, token: &token("t2"), held: &held }).unwrap();
    }
}

fn back(name: &str) -> Change {
    Change::Asset(Box::new(asset(name, 0)))
}

fn gone(name: &str) -> Change {
    Change::Gone(name.into())
}

#[test]
fn a_photo_that_is_trashed_is_told_with_all_it_had() {
    let fixture = Fixture::with(&["tab\there\nline.JPG"]);
    let live = sighting(ResourceKind::LiveVideo, "com.apple.quicktime-movie", "film");
    let mut both = master("A", "tab\there\nline.JPG");
    both.resources.push(live);
    fixture.apply(&[
        Change::Master(Box::new(both)),
        Change::Album(Album { kind: AlbumKind::Folder, ..album("F", "Norway", None) }),
        Change::Album(album("X", "Day 1", Some("F"))),
        Change::Joined(member("X", "A")),
    ]);
    assert!(fixture.departures().is_empty(), "nothing left");
    fixture.apply(&[trashed("A")]);
    let left = fixture.departures().remove(0);
    assert_eq!((left.how, left.library.as_str(), left.record.as_str()), (How::Trashed, "PrimarySync", "A"));
    assert_eq!(left.details.name.as_deref(), Some("tab\there\nline.JPG"));
    assert_eq!(left.details.captured.unwrap().as_millisecond(), MARCH);
    assert_eq!(left.details.expires.unwrap().as_millisecond(), MARCH);
    assert_eq!(left.details.albums, ["Norway/Day 1"]);
    let expected = [
        ("Years/2024/2024-03/tab_here_line.JPG", "Albums/Norway/Day 1/tab_here_line.JPG", "bytes of A"),
        ("Years/2024/2024-03/tab_here_line.MOV", "Albums/Norway/Day 1/tab_here_line.MOV", "film"),
    ];
    assert_eq!(left.details.files.len(), 2);
    for (file, (home, album, bytes)) in left.details.files.iter().zip(expected) {
        assert_eq!(file.paths[0], home);
        assert!(file.paths.contains(&album.to_owned()), "{:?}", file.paths);
        assert_eq!((file.size, file.checksum.as_str()), (bytes.len() as u64, Checksum::of(bytes.as_bytes()).as_str()));
    }
}

#[test]
fn each_kind_of_leaving_has_its_word() {
    let fixture = Fixture::of(6);
    fixture.apply(&[trashed("A0"), gone("A1"), trashed("A2")]);
    fixture.apply(&[gone("A0"), back("A2")]);
    fixture.apply(&[trashed("A3"), back("A3"), Change::Asset(Box::new(Asset { hidden: true, ..asset("A4", 0) }))]);
    let said = fixture.said();
    let expected = [
        (How::Trashed, "A0"),
        (How::Expunged, "A1"),
        (How::Trashed, "A2"),
        (How::Expunged, "A0"),
        (How::Restored, "A2"),
    ];
    assert_eq!(
        said,
        expected.map(|(how, name)| (how, name.to_owned())),
        "what comes back at once, or hides, is no loss"
    );
    let expunged = &fixture.departures()[3];
    assert_eq!(expunged.details.files[0].paths, ["Recently Deleted/until 2024-03-05/IMG_0.JPG"]);
    assert_eq!(fixture.index.days_of_change().unwrap(), [Timestamp::now().as_second() / 86_400]);
}

#[test]
fn what_vanished_stays_until_a_person_has_seen_it() {
    let fixture = Fixture::of(3);
    fixture.apply(&[trashed("A1")]);
    let before = fixture.files();
    fixture.apply(&[Change::Vanished("A0".into()), Change::Vanished("A1".into())]);
    assert_eq!(fixture.said()[1..], [(How::Vanished, "A0".to_owned()), (How::Expunged, "A1".to_owned())]);
    assert!(fixture.departures()[1].details.held);
    let held = fixture.index.holds().unwrap().remove(0);
    assert_eq!(
        (held.photos, held.vanished, held.first.as_slice()),
        (1, 1, &["Years/2024/2024-03/IMG_0.JPG".to_owned()][..])
    );
    assert!(before.iter().filter(|path| path.contains("IMG_0")).all(|path| fixture.files().contains(path)));
    fixture.apply(&[trashed("A2")]);
    assert_eq!(waiting(&fixture), 1, "an ordinary removal does not wait for it");
    fixture.apply(&[Change::Vanished("A0".into())]);
    assert_eq!(fixture.said().len(), 4, "told once");
    fixture.index.decide(Decision::Accept, None).unwrap();
    assert!(!fixture.files().iter().any(|path| path.contains("IMG_0")));
}

#[test]
fn a_move_between_libraries_is_no_loss_whichever_comes_first() {
    let fixture = Fixture::of(2);
    let shared = fixture.show_shared(&["S0"]);
    let moved = Change::Asset(Box::new(Asset { master: "m-A0".into(), ..asset("S1", 9) }));
    let twin = Change::Master(Box::new(Master { name: "m-A0".into(), ..master("A0", "IMG_0.JPG") }));
    fixture.apply(&[gone("A0")]);
    fixture.apply_to(&shared, &[twin, moved]);
    assert_eq!(fixture.said(), [(How::Expunged, "A0".to_owned()), (How::Moved, "A0".to_owned())]);
    let told = fixture.departures().remove(1);
    assert_eq!((told.library.as_str(), told.other.as_deref()), ("PrimarySync", Some("SharedSync-1")));
    assert_eq!(told.details.files[0].paths[0], "Years/2024/2024-03/IMG_0.JPG");
    let here = Change::Asset(Box::new(Asset { master: "m-S0".into(), ..asset("A9", 9) }));
    fixture.apply(&[here, Change::Master(Box::new(master("S0", "S.JPG")))]);
    fixture.apply_to(&shared, &[gone("S0")]);
    let told = fixture.departures().remove(2);
    assert_eq!(
        (told.how, told.library.as_str(), told.other.as_deref()),
        (How::Moved, "SharedSync-1", Some("PrimarySync"))
    );
}

#[test]
fn albums_are_told_with_what_was_in_them() {
    let fixture = Fixture::of(3);
    fixture.apply(&[Change::Album(album("X", "Trip", None))]);
    let join: Vec<Change> = (0..3).map(|n| Change::Joined(member("X", &format!("A{n}")))).collect();
    fixture.apply(&join);
    fixture.apply(&[Change::Left(member("X", "A1"))]);
    fixture.apply(&[gone("A0"), Change::Left(member("X", "A0"))]);
    fixture.apply(&[Change::Album(Album { deleted: true, ..album("X", "Trip", None) })]);
    let told = fixture.departures();
    let names = |left: &Departure| left.details.files.iter().map(|file| file.paths[0].clone()).collect::<Vec<_>>();
    assert_eq!(
        fixture.said().iter().map(|(how, _)| *how).collect::<Vec<_>>(),
        [How::AlbumLeft, How::Expunged, How::AlbumDeleted]
    );
    assert_eq!(names(&told[0]), ["Albums/Trip/IMG_1.JPG"]);
    assert_eq!(
        (names(&told[2]), told[2].details.name.as_deref()),
        (vec!["Albums/Trip/IMG_2.JPG".to_owned()], Some("Trip"))
    );
}

#[test]
fn a_mass_deletion_in_small_steps_is_held() {
    let fixture = Fixture::of(30);
    for n in 0..10 {
        fixture.apply(&[trashed(&format!("A{n}"))]);
    }
    assert_eq!(waiting(&fixture), 0, "ten are an ordinary week");
    fixture.apply(&[back("A0"), trashed("A10")]);
    assert_eq!(waiting(&fixture), 1, "judged by what the week has seen when the round began");
    fixture.index.decide(Decision::Accept, None).unwrap();
    fixture.apply(&[trashed("A11")]);
    assert_eq!(waiting(&fixture), 0, "the person has looked: the week begins anew");
    // The other libraries have weeks of their own.
    let shared = fixture.show_shared(&["S0", "S1"]);
    fixture.apply_to(&shared, &[trashed("S0")]);
    assert_eq!(waiting(&fixture), 0);
}

#[test]
fn trashing_one_photo_again_and_again_is_one_removal() {
    let fixture = Fixture::of(15);
    for _ in 0..12 {
        fixture.apply(&[trashed("A0")]);
        fixture.apply(&[back("A0")]);
    }
    fixture.apply(&[trashed("A1")]);
    assert_eq!(waiting(&fixture), 0);
    assert!(fixture.departures().len() >= 25);
}

#[test]
fn the_deletion_of_many_albums_is_held() {
    let fixture = Fixture::of(1);
    let albums: Vec<Album> = (0..12).map(|n| album(&format!("X{n}"), &format!("Trip {n}"), None)).collect();
    let make = |album: &Album| [Change::Album(album.clone()), Change::Joined(member(&album.name, "A0"))];
    fixture.apply(&albums.iter().flat_map(make).collect::<Vec<_>>());
    let before = fixture.files();
    let delete = |album: &Album| {
        [Change::Left(member(&album.name, "A0")), Change::Album(Album { deleted: true, ..album.clone() })]
    };
    fixture.apply(&albums[..11].iter().flat_map(delete).collect::<Vec<_>>());
    assert_eq!((fixture.files(), waiting(&fixture)), (before, 11), "their photos stay in them");
    assert_eq!(fixture.index.holds().unwrap()[0].albums, 11);
    assert!(fixture.index.held_paths(None, 100).unwrap().contains(&"Albums/Trip 3".to_owned()));
    fixture.apply(&[Change::Album(albums[0].clone())]);
    assert_eq!(waiting(&fixture), 10, "one that is there again waits no more");
    fixture.index.decide(Decision::Accept, None).unwrap();
    let left: Vec<String> = fixture.tree().into_keys().filter(|path| path.starts_with("/Albums/Trip")).collect();
    assert_eq!(left, ["/Albums/Trip 0", "/Albums/Trip 0/IMG_0.JPG", "/Albums/Trip 11", "/Albums/Trip 11/IMG_0.JPG"]);
}

#[test]
fn a_library_that_is_gone_waits_and_goes_whole() {
    let fixture = Fixture::of(2);
    let shared = fixture.show_shared(&["S0", "S1"]);
    let before = fixture.files();
    assert!(fixture.index.hold_library(&shared).unwrap().holds);
    assert!(!fixture.index.hold_library(&shared).unwrap().holds, "told once");
    assert_eq!(fixture.files(), before);
    let held = fixture.index.holds().unwrap().remove(0);
    assert_eq!((held.library.clone(), held.whole, held.count()), (shared.clone(), true, 1));
    let paths = fixture.index.held_paths(None, 100).unwrap();
    assert!(paths.len() == 2 && paths.iter().all(|path| path.starts_with("Shared Library/")), "{paths:?}");
    assert_eq!(fixture.said(), [(How::LibraryGone, "SharedSync-1".to_owned())]);
    let synced = |index: &Index| index.libraries().unwrap()[1].synced;
    let confirmed = synced(&fixture.index);
    fixture.index.confirm(&shared).unwrap();
    assert_eq!(synced(&fixture.index), confirmed, "silence is no confirmation");
    fixture.index.decide(Decision::Accept, Some(&primary())).unwrap();
    assert_eq!(waiting(&fixture), 1, "a decision about another library");
    fixture.index.decide(Decision::Accept, Some(&shared)).unwrap();
    let tree = fixture.tree();
    assert!(!tree.keys().any(|path| path.starts_with("/Shared Library")), "{tree:?}");
    assert!(tree.contains_key("/Years/2024/2024-03/IMG_0.JPG"));
    assert_eq!(fixture.index.libraries().unwrap().len(), 1);
    // It comes back the same.
    fixture.show_shared(&["S0", "S1"]);
    assert_eq!(fixture.files(), before);
}

/// A process that ends while it lists one that is back must not leave it as if all of it were shown.
#[test]
fn a_library_that_was_let_go_and_is_back_is_listed_before_it_is_shown() {
    let fixture = Fixture::of(2);
    let shared = fixture.show_shared(&["S0", "S1"]);
    let before = fixture.tree();
    // What was staged before it went, and never applied.
    fixture.index.stage_changes(&shared, &[gone("S1")]).unwrap();
    fixture.index.hold_library(&shared).unwrap();
    fixture.index.decide(Decision::Accept, None).unwrap();
    fixture.index.begin_listing(&library("SharedSync-1"), Some(&token("s1"))).unwrap();
    let fixture = fixture.reopened(TreeOptions::default());
    assert!(!fixture.index.libraries().unwrap()[1].shown);
    assert_eq!(fixture.index.unfinished_listing(&shared).unwrap(), Some(token("s1")));
    for photo in ["S0", "S1"] {
        fixture.index.stage(&shared, &[asset(photo, 5)], &[master(photo, "S.JPG")]).unwrap();
    }
    fixture.apply_to(&shared, &[]);
    fixture.index.show(&shared, &token("s2")).unwrap();
    assert_eq!(fixture.tree(), before, "with the inode numbers it had");
}

#[test]
fn holds_and_journal_outlive_a_restart() {
    let fixture = Fixture::of(20);
    fixture.apply(&(0..12).map(|n| trashed(&format!("A{n}"))).collect::<Vec<_>>());
    let (held, told, files) = (fixture.index.holds().unwrap(), fixture.departures(), fixture.files());
    assert_eq!((held[0].photos, told.len()), (12, 12));
    let fixture = fixture.reopened(TreeOptions::default());
    assert_eq!((fixture.index.holds().unwrap(), fixture.departures(), fixture.files()), (held, told, files));
}

#[test]
fn journal_and_removal_are_one_transaction() {
    let fixture = Fixture::of(3);
    let before = fixture.tree();
    let outside = rusqlite::Connection::open(fixture.file()).unwrap();
    // The last statement of the transaction fails.
    outside
        .execute_batch("CREATE TRIGGER stop BEFORE UPDATE OF token ON library BEGIN SELECT raise(ABORT, 'stop'); END")
        .unwrap();
    let batch = Batch { changes: &[trashed("A0")], token: &token("t1"), held: &[] };
    fixture.index.apply(&primary(), &batch).unwrap_err();
    assert_eq!((fixture.tree(), fixture.departures().len()), (before, 0), "neither");
    outside.execute_batch("DROP TRIGGER stop").unwrap();
    fixture.index.apply(&primary(), &batch).unwrap();
    assert_eq!(fixture.departures().len(), 1, "both");
}

#[test]
fn the_journal_outlives_its_index() {
    let fixture = Fixture::of(3);
    fixture.apply(&[trashed("A0"), gone("A1")]);
    let (told, copy) = (fixture.departures(), fixture.folder.path().join("changes.jsonl"));
    assert_eq!(told.len(), 2);
    // A line that a crash cut short, and an index that is lost.
    let whole = std::fs::read(&copy).unwrap();
    std::fs::write(&copy, [&whole, &b"{\"id\":3,\"noti"[..]].concat()).unwrap();
    let folder = without_index(fixture);
    let index = Index::open(&folder.path().join("index.sqlite"), &TreeOptions::default()).unwrap();
    let fixture = Fixture { index, folder };
    assert_eq!(fixture.departures(), told);
    fixture.list(&["IMG_0.JPG"]);
    fixture.apply(&[trashed("A")]);
    let lines = String::from_utf8(std::fs::read(&copy).unwrap()).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{lines}");
}

fn without_index(fixture: Fixture) -> TempDir {
    let Fixture { index, folder } = fixture;
    drop(index);
    for file in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    folder
}

/// Zeros, as a crash may leave them: in front of a line, behind it, and behind the last.
#[test]
fn of_a_damaged_copy_every_line_that_can_be_read_is_taken_over() {
    let fixture = Fixture::of(3);
    fixture.apply(&[trashed("A0"), gone("A1")]);
    let (told, copy) = (fixture.departures(), fixture.folder.path().join("changes.jsonl"));
    let mut folder = without_index(fixture);
    let lines = std::fs::read(&copy).unwrap();
    let middle = lines.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // Longer than the longest line, twice.
    const HOLE: usize = 33 * 1024 * 1024;
    for hole in [100, 70_000, HOLE] {
        let (zeros, between) = (vec![0; hole], &b"\n{\n"[..]);
        let damaged = [&zeros, between, &lines[..middle], &zeros, between, &lines[middle..], &zeros].concat();
        std::fs::write(&copy, damaged).unwrap();
        let index = Index::open(&folder.path().join("index.sqlite"), &TreeOptions::default()).unwrap();
        let fixture = Fixture { index, folder };
        assert_eq!(fixture.departures(), told, "{hole}");
        folder = without_index(fixture);
    }
}

#[test]
fn a_copy_that_cannot_be_opened_is_not_taken_for_none() {
    let fixture = Fixture::of(3);
    fixture.apply(&[trashed("A0")]);
    let (told, copy) = (fixture.departures(), fixture.folder.path().join("changes.jsonl"));
    let folder = without_index(fixture);
    let lines = std::fs::read(&copy).unwrap();
    // For root, too, a link to itself cannot be opened.
    std::fs::remove_file(&copy).unwrap();
    std::os::unix::fs::symlink(&copy, &copy).unwrap();
    let path = folder.path().join("index.sqlite");
    assert!(Index::open(&path, &TreeOptions::default()).is_err());
    std::fs::remove_file(&copy).unwrap();
    std::fs::write(&copy, lines).unwrap();
    let fixture = Fixture { index: Index::open(&path, &TreeOptions::default()).unwrap(), folder };
    assert_eq!(fixture.departures(), told, "once it can be read");
}
