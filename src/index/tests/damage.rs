//! Indexes that are damaged in every way, and come back.

use std::fs;
use std::path::Path;

use super::*;

type Harm = fn(&Path);

fn overwrite(file: &Path, at: usize, bytes: &[u8]) {
    let mut all = fs::read(file).unwrap();
    all[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(file, all).unwrap();
}

fn sql(file: &Path, text: &str) {
    rusqlite::Connection::open(file).unwrap().execute_batch(text).unwrap();
}

const HARMS: [(&str, Harm); 5] = [
    ("a header that is none", |file| overwrite(file, 0, b"not a data base")),
    ("a file cut short", |file| fs::write(file, &fs::read(file).unwrap()[..6_000]).unwrap()),
    ("a first page of noise", |file| overwrite(file, 100, &[0xa5; 3_000])),
    ("a table that is missing", |file| sql(file, "DROP TABLE member")),
    ("an older version", |file| sql(file, "PRAGMA user_version = 1")),
];

impl Fixture {
    /// What was shown is known, and nothing of it is here.
    fn begins_anew(&self) -> bool {
        let libraries = self.index.libraries().unwrap();
        let awaited = libraries.iter().all(|state| state.awaited && !state.shown && state.token.is_none());
        libraries.len() == 1 && awaited && self.files().is_empty()
    }

    /// The same state folder, its index harmed and opened again.
    fn harmed(self, harm: Harm) -> Fixture {
        let Fixture { index, folder } = self;
        drop(index);
        let file = folder.path().join("index.sqlite");
        harm(&file);
        Fixture { index: Index::open(&file, &TreeOptions::default()).unwrap(), folder }
    }
}

#[test]
fn a_damaged_index_is_set_aside_and_the_journal_goes_on() {
    for (name, harm) in HARMS {
        let fixture = Fixture::with(&["a.jpg", "b.jpg"]);
        fixture.apply(&[trashed("A")]);
        let before = fixture.tree();
        let Fixture { index, folder } = fixture;
        drop(index);
        let file = folder.path().join("index.sqlite");
        harm(&file);
        assert!(Index::check(&file).is_err(), "{name} is found");
        let index = Index::open(&file, &TreeOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let fixture = Fixture { index, folder };
        assert!(fixture.begins_anew(), "{name}");
        let mut told = 0;
        let from = jiff::Timestamp::UNIX_EPOCH;
        fixture
            .index
            .departures(from, jiff::Timestamp::MAX, &mut |_| {
                told += 1;
                true
            })
            .unwrap();
        assert_eq!(told, 1, "{name}: the journal is kept");
        fixture.list(&["a.jpg", "b.jpg"]);
        fixture.apply(&[trashed("A")]);
        assert_eq!(fixture.tree().keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{name}");
        Index::check(&file).unwrap();
    }
}

#[test]
fn a_kind_of_file_that_there_is_not_is_damage() {
    let fixture = Fixture::with(&["a.jpg"]);
    let ino = fixture.ino("/Years/2024/2024-03/a.jpg");
    fixture.index.writer().execute("UPDATE node SET resource = 99", []).unwrap();
    for error in [fixture.index.facts(ino).unwrap_err(), fixture.index.resource(ino).unwrap_err()] {
        assert!(error.to_string().contains("no kind 99"), "{error}");
    }
}

#[test]
fn a_bad_page_is_found_after_a_crash() {
    let names: Vec<String> = (0..300).map(|n| format!("IMG_{n}.JPG")).collect();
    let fixture = Fixture::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let Fixture { index, folder } = fixture;
    drop(index);
    let file = folder.path().join("index.sqlite");
    let middle = fs::metadata(&file).unwrap().len() as usize / 2 / 4096 * 4096;
    overwrite(&file, middle, &[0xa5; 4096]);
    assert!(Index::check(&file).is_err());
    fs::write(folder.path().join("index.sqlite-wal"), [0; 64]).unwrap();
    let index = Index::open(&file, &TreeOptions::default()).unwrap();
    assert!(Fixture { index, folder }.begins_anew());
}

/// Three hundred photos in one directory, of which the disk has lost so much that it is short, and nothing tells so. Gives
/// the directory too.
fn with_rows_lost() -> (Fixture, u64) {
    let names: Vec<String> = (0..300).map(|n| format!("IMG_{n}.JPG")).collect();
    let fixture = Fixture::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let directory = fixture.ino("/Years/2024/2024-03");
    let Fixture { index, folder } = fixture;
    drop(index);
    let file = folder.path().join("index.sqlite");
    let whole = fs::read(&file).unwrap();
    for name in names {
        let row = format!("{}{name}", name.to_lowercase()).into_bytes();
        let Some(at) = whole.windows(row.len()).position(|bytes| bytes == row) else { continue };
        overwrite(&file, at / 512 * 512, &[0; 512]);
        let index = Index::open(&file, &TreeOptions::default()).unwrap();
        if index.children(directory).is_ok_and(|children| children.len() < 300) {
            return (Fixture { index, folder }, directory);
        }
        drop(index);
        fs::write(&file, &whole).unwrap();
    }
    panic!("every loss is an error");
}

#[test]
fn damage_that_is_found_while_the_index_serves_ends_all_answers() {
    let (fixture, directory) = with_rows_lost();
    assert!(fixture.index.look().unwrap_err().is_damage());
    let answers = [
        fixture.index.children(directory).map(drop),
        fixture.index.lookup(directory, "IMG_1.JPG").map(drop),
        fixture.index.node(directory).map(drop),
    ];
    for answer in answers {
        assert!(matches!(answer, Err(IndexError::Damaged(_))), "{answer:?}");
    }
    let reliant: std::sync::Arc<dyn Reliant> = std::sync::Arc::new(Nobody);
    assert!(!fixture.index.rely(std::sync::Arc::downgrade(&reliant)), "nor does anybody rely on what was read before");
    let fixture = fixture.harmed(|_| {});
    assert!(fixture.begins_anew());
    let names: Vec<String> = (0..300).map(|n| format!("IMG_{n}.JPG")).collect();
    fixture.list(&names.iter().map(String::as_str).collect::<Vec<_>>());
    fixture.index.look().unwrap();
    let fixture = fixture.harmed(|_| {});
    assert!(!fixture.files().is_empty(), "it is sound, and not set aside again");
}

#[test]
fn an_index_that_is_damaged_while_it_serves_is_begun_anew_under_those_who_have_it() {
    let (Fixture { index, folder }, directory) = with_rows_lost();
    let fixture = Fixture { index, folder };
    assert!(!fixture.index.renew_if_damaged().unwrap(), "nothing was found yet");
    let reader = fixture.index.reader().unwrap();
    let number: i64 = reader.query_row("SELECT max(ino) FROM node", [], |row| row.get(0)).unwrap();
    fixture.index.look().unwrap_err();
    assert!(fixture.index.renew_if_damaged().unwrap());
    drop(reader);
    assert!(matches!(fixture.index.whole(), Err(IndexError::ListedAnew)));
    assert!(fixture.begins_anew() && fixture.index.ready_to_show_again().unwrap().is_none());
    let names: Vec<String> = (0..300).map(|n| format!("IMG_{n}.JPG")).collect();
    fixture.list(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let change = fixture.index.ready_to_show_again().unwrap().unwrap();
    assert!(change.anew && change.entries.contains(&(ROOT, "Years".into())) && change.directories == [ROOT]);
    assert!(fixture.index.whole().is_err(), "the kernel is told first");
    fixture.index.show_again();
    assert_eq!(fixture.index.whole().unwrap().children(directory).unwrap().len(), 300);
    assert!(fixture.index.node(number as u64).unwrap().is_some(), "the numbers are the same");
    assert!(fixture.index.damage_found().is_some() && fixture.index.damage_found().is_none());
    let set_aside = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains(".damaged-");
    assert!(fs::read_dir(fixture.folder.path()).unwrap().map(Result::unwrap).any(|entry| set_aside(&entry)));
    fixture.apply(&[trashed("A")]);
    assert!(!fixture.harmed(|_| {}).files().is_empty(), "what is written later is in the new file");
}

#[test]
fn a_disk_that_spoils_index_after_index_does_not_have_everything_listed_each_time() {
    let fixture = Fixture::with(&["a.jpg", "b.jpg"]);
    fixture.index.met(&IndexError::UnknownLibrary("that is no damage".into()));
    assert_eq!(fixture.index.trouble(), None);
    fixture.index.met(&IndexError::Damaged("met by somebody".into()));
    assert!(fixture.index.libraries().is_err() && fixture.index.renew_if_damaged().unwrap());
    assert!(fixture.index.ready_to_show_again().unwrap().is_some(), "a second look found it sound");
    fixture.index.show_again();
    assert_eq!(fixture.files().len(), 4);
    super::super::damage::suspect(&fixture.folder.path().join("index.sqlite"));
    assert!(fixture.index.renew_if_damaged().unwrap_err().is_damage(), "found by another process, and too soon");
    assert!(matches!(fixture.index.whole(), Err(IndexError::Damaged(_))));
    assert_eq!(fixture.harmed(|_| {}).files().len(), 4, "a start looks again");
}

struct Nobody;

impl Reliant for Nobody {
    fn before_change(&self) {}
}

#[test]
fn damage_that_a_check_finds_is_found_by_who_opens_it_next() {
    let (Fixture { index, folder }, _) = with_rows_lost();
    drop(index);
    let file = folder.path().join("index.sqlite");
    assert!(Index::check(&file).unwrap_err().is_damage());
    let index = Index::open(&file, &TreeOptions::default()).unwrap();
    assert!(Fixture { index, folder }.begins_anew());
}

#[test]
fn a_name_that_is_not_as_it_was_is_damage() {
    let harms: [Harm; 3] = [
        |file| sql(file, "UPDATE dentry SET name = 'b.jqg' WHERE name = 'b.jpg'"),
        |file| sql(file, "UPDATE dentry SET name = CAST(x'62ff6a7067' AS TEXT) WHERE name = 'b.jpg'"),
        |file| sql(file, "UPDATE dentry SET ino = 5 WHERE name = 'b.jpg'"),
    ];
    for harm in harms {
        let fixture = Fixture::with(&["a.jpg", "b.jpg"]).harmed(harm);
        assert!(fixture.index.look().unwrap_err().is_damage());
        assert!(fixture.harmed(|_| {}).begins_anew());
    }
}

#[test]
fn a_name_whose_inode_is_lost_is_an_error() {
    let fixture = Fixture::with(&["a.jpg", "b.jpg"]);
    let ino = fixture.ino("/Years/2024/2024-03/a.jpg");
    let directory = fixture.ino("/Years/2024/2024-03");
    assert_eq!(fixture.index.children(directory).unwrap().len(), 2);
    fixture.index.writer().execute("DELETE FROM node WHERE ino = ?1", [ino as i64]).unwrap();
    fixture.index.children(directory).unwrap_err();
    fixture.index.lookup(directory, "a.jpg").unwrap_err();
    fixture.index.lookup_in_any_case(directory, "A.JPG").unwrap_err();
    assert!(fixture.index.lookup(directory, "b.jpg").unwrap().is_some());
}

#[test]
fn only_the_latest_damaged_ones_are_kept_and_a_newer_index_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("index.sqlite");
    for day in 1..=3 {
        fs::write(folder.path().join(format!("index.sqlite.damaged-2026010{day}T000000Z")), "old").unwrap();
    }
    fs::write(&file, "no index at all, but longer than any header of a data base would have to be, so that it is read")
        .unwrap();
    Index::open(&file, &TreeOptions::default()).unwrap();
    let kept = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains("damaged");
    assert_eq!(fs::read_dir(folder.path()).unwrap().map(Result::unwrap).filter(kept).count(), 2);
    sql(&file, "PRAGMA user_version = 9999");
    assert!(matches!(Index::open(&file, &TreeOptions::default()), Err(IndexError::Version { found: 9999, .. })));
    assert!(file.is_file());
}

/// Forty photos; the twelfth has the name of the first, which came later, and an edit. Both are held with ten others, two of
/// them in an album.
fn with_held() -> Fixture {
    let fixture = Fixture::of(40);
    let edit = sighting(ResourceKind::Edited, "public.jpeg", "edited");
    let twin = Asset { adjustment: Some("com.apple.photo".into()), resources: vec![edit], ..asset("A12", -5) };
    fixture.apply(&[
        Change::Album(album("X", "Norway", None)),
        Change::Joined(member("X", "A3")),
        Change::Joined(member("X", "A4")),
        Change::Master(Box::new(master("A12", "IMG_0.JPG"))),
        Change::Asset(Box::new(twin.clone())),
    ]);
    let mut held: Vec<Change> = (0..12).map(|n| trashed(&format!("A{n}"))).collect();
    held.push(Change::Asset(Box::new(Asset { trashed: true, expires: Some(MARCH), ..twin })));
    fixture.apply(&held);
    assert_eq!(fixture.index.holds().unwrap()[0].photos, 13);
    fixture
}

/// What iCloud lists after that: the first three among the trashed, the other ten no more.
fn list_what_is_left(fixture: &Fixture) {
    fixture.index.begin_listing(&library(Library::PRIMARY), None).unwrap();
    fixture.index.stage_albums(&primary(), &[album("X", "Norway", None)], &[], None).unwrap();
    for n in (0..40).filter(|n| !(3..13).contains(n)) {
        let id = format!("A{n}");
        let asset = Asset { trashed: n < 3, expires: (n < 3).then_some(MARCH), ..asset(&id, n) };
        fixture.index.stage(&primary(), &[asset], &[master(&id, &format!("IMG_{n}.JPG"))]).unwrap();
    }
    let listed = fixture.index.listed_counts(&primary()).unwrap();
    assert_eq!((listed.visible, listed.trashed), (27, 3), "as iCloud counts them");
    fixture.index.show(&primary(), &token("t9")).unwrap();
}

#[test]
fn what_is_held_outlives_the_index() {
    for (name, harm) in HARMS.into_iter().chain([("a file removed", (|file| fs::remove_file(file).unwrap()) as Harm)]) {
        let fixture = with_held();
        let (before, files, holds) = (fixture.tree(), fixture.files(), fixture.index.held_paths(None, 99).unwrap());
        let fixture = fixture.harmed(harm);
        assert!(fixture.begins_anew(), "{name}: nothing is shown before all is listed");
        // A second blow before that changes nothing.
        let fixture = fixture.harmed(harm);
        list_what_is_left(&fixture);
        let after = fixture.tree();
        assert_eq!(fixture.files(), files, "{name}");
        for path in &files {
            let same = |node: &Node| (node.ino, node.size, node.mtime, node.ctime, node.btime);
            assert_eq!(same(&before[path]), same(&after[path]), "{name}: {path}");
        }
        assert_eq!(fixture.index.held_paths(None, 99).unwrap(), holds, "{name}");
        assert_eq!(fixture.index.account_notes().unwrap(), None, "{name}: nothing is lost");
        Index::check(&fixture.folder.path().join("index.sqlite")).unwrap();
    }
}

#[test]
fn the_copy_knows_nearly_how_many_there_were() {
    let fixture = Fixture::of(1_000);
    let copied = |fixture: &Fixture| -> i64 {
        let copy = rusqlite::Connection::open(fixture.folder.path().join("held.sqlite")).unwrap();
        copy.query_row("SELECT visible FROM library", [], |row| row.get(0)).unwrap()
    };
    let add = |from: i64, until: i64| {
        for n in from..until {
            let id = format!("A{n}");
            let photo = [master(&id, &format!("IMG_{n}.JPG"))].map(|master| Change::Master(Box::new(master)));
            fixture.apply(&photo.into_iter().chain([Change::Asset(Box::new(asset(&id, n)))]).collect::<Vec<_>>());
        }
    };
    assert_eq!(copied(&fixture), 1_000);
    add(1_000, 1_012);
    assert_eq!(copied(&fixture), 1_000, "it is not written for each photo");
    add(1_012, 1_013);
    assert_eq!(copied(&fixture), 1_013);
}

#[test]
fn what_was_held_is_decided_in_the_new_index() {
    for decision in [Decision::Accept, Decision::Reject] {
        let fixture = with_held().harmed(HARMS[0].1);
        list_what_is_left(&fixture);
        let files = fixture.files();
        fixture.index.decide(decision, None).unwrap();
        assert!(fixture.index.holds().unwrap().is_empty());
        let fixture = match decision {
            Decision::Accept => {
                let shown = |below: &str| fixture.files().iter().filter(|path| path.starts_with(below)).count();
                assert_eq!((shown("/Years"), shown("/Recently Deleted"), shown("/Albums")), (27, 3, 0));
                fixture
            }
            Decision::Reject => {
                let fixture = fixture.harmed(HARMS[1].1);
                list_what_is_left(&fixture);
                assert_eq!(fixture.files(), files, "what is kept for good outlives the next index too");
                fixture
            }
        };
        assert!(fixture.index.holds().unwrap().is_empty());
    }
}

#[test]
fn an_album_and_a_library_that_are_held_outlive_the_index() {
    let fixture = Fixture::of(20);
    let albums: Vec<String> = (0..12).map(|n| format!("X{n}")).collect();
    let made = albums.iter().map(|name| Change::Album(album(name, name, None)));
    fixture.apply(&made.chain([Change::Joined(member("X1", "A1"))]).collect::<Vec<_>>());
    let gone = |name: &String| Change::Album(Album { deleted: true, ..album(name, name, None) });
    fixture.apply(&albums.iter().map(gone).collect::<Vec<_>>());
    let shared = fixture.show_shared(&["S1", "S2"]);
    fixture.index.hold_library(&shared).unwrap();
    let paths: Vec<String> = fixture.tree().into_keys().collect();
    let fixture = fixture.harmed(HARMS[0].1);
    assert_eq!(
        fixture.files().len(),
        4,
        "the library that is gone from iCloud is here at once, in Years and Not in an Album"
    );
    let state = |zone: &str| fixture.index.libraries().unwrap().into_iter().find(|s| s.library.id().0 == zone).unwrap();
    assert!(state("PrimarySync").awaited && state("SharedSync-1").shown && state("SharedSync-1").note.is_some());
    fixture.index.begin_listing(&library(Library::PRIMARY), None).unwrap();
    for n in 0..20 {
        let id = format!("A{n}");
        fixture.index.stage(&primary(), &[asset(&id, n)], &[master(&id, &format!("IMG_{n}.JPG"))]).unwrap();
    }
    fixture.index.show(&primary(), &token("t9")).unwrap();
    assert_eq!(fixture.tree().into_keys().collect::<Vec<_>>(), paths);
    fixture.index.decide(Decision::Accept, None).unwrap();
    assert!(fixture.files().iter().all(|path| path.starts_with("/Years") || path.starts_with("/Smart Albums")));
}

#[test]
fn what_was_held_and_cannot_be_read_is_told() {
    let fixture = with_held();
    fs::write(fixture.folder.path().join("held.sqlite"), [7; 9_000]).unwrap();
    let fixture = fixture.harmed(HARMS[0].1);
    let told = fixture.index.account_notes().unwrap().unwrap();
    assert!(told.contains("held") && told.contains("photosfs changes"), "{told}");
    assert!(fixture.index.libraries().unwrap().is_empty());
    fixture.index.decide(Decision::Accept, None).unwrap();
    assert_eq!(fixture.index.account_notes().unwrap(), None, "a person has seen it");
    // What the copy lacks, an index that is merely of another version has.
    let fixture = with_held();
    fs::remove_file(fixture.folder.path().join("held.sqlite")).unwrap();
    let fixture = fixture.harmed(HARMS[4].1);
    assert_eq!((fixture.index.account_notes().unwrap(), fixture.index.holds().unwrap()[0].photos), (None, 13));
}
