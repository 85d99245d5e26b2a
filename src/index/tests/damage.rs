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

#[test]
fn a_damaged_index_is_set_aside_and_the_journal_goes_on() {
    let harms: [(&str, Harm); 5] = [
        ("a header that is none", |file| overwrite(file, 0, b"not a data base")),
        ("a file cut short", |file| fs::write(file, &fs::read(file).unwrap()[..6_000]).unwrap()),
        ("a first page of noise", |file| overwrite(file, 100, &[0xa5; 3_000])),
        ("a table that is missing", |file| sql(file, "DROP TABLE member")),
        ("an older version", |file| sql(file, "PRAGMA user_version = 1")),
    ];
    for (name, harm) in harms {
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
        assert!(fixture.index.libraries().unwrap().is_empty(), "{name}: it begins anew");
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
    assert!(index.libraries().unwrap().is_empty());
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
