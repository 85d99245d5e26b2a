//! What is lost upstream: told by the program and on the mount, held when it is much, and never told by halves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Output, Stdio};
use std::time::Duration;

use icloud_simulator::Options;
use icloud_simulator::library::{AssetId, Body, NewPhoto, Resource, TruthState};
use jiff::Timestamp;

use crate::installation::{Installation, eventually};

/// A name that would break a table, and an album of the same kind.
const ODD: &str = "tab\there\nline \\ back.JPG";
const ODD_ALBUM: &str = "Day\t1\nof 2";

/// So many of the photos in Years, by record name.
fn visible(installation: &Installation, count: usize) -> BTreeMap<String, AssetId> {
    let cloud = installation.simulator.cloud();
    let truth = cloud.truth();
    let visible = truth.assets().filter(|asset| asset.state == TruthState::Visible && asset.file_name.is_some());
    let names = visible.map(|asset| asset.record_name.clone()).filter(|name| cloud.asset_named(name).is_ok());
    let chosen: BTreeMap<_, _> =
        names.take(count).map(|name| (name.clone(), cloud.asset_named(&name).unwrap())).collect();
    assert_eq!(chosen.len(), count);
    chosen
}

fn add_photo(installation: &Installation, name: &str) -> AssetId {
    let cloud = installation.simulator.cloud();
    let picture = Resource::new("public.jpeg", Body::seeded(4711, 5_000));
    cloud.add_photo(cloud.primary(), NewPhoto::new(name, picture, 1_600_000_000_000))
}

/// The cells of each row of a table below its header, by the names of their columns.
fn rows(table: &str) -> Vec<BTreeMap<&str, String>> {
    let mut lines = table.split_terminator('\n');
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let row = |line: &'_ str| {
        let cells: Vec<String> = line.split('\t').map(unescaped).collect();
        assert_eq!(cells.len(), columns.len(), "{line}");
        columns.iter().copied().zip(cells).collect()
    };
    lines.map(row).collect()
}

fn unescaped(cell: &str) -> String {
    let (mut text, mut chars) = (String::new(), cell.chars());
    while let Some(char) = chars.next() {
        text.push(match (char, char == '\\') {
            (char, false) => char,
            _ => match chars.next().unwrap() {
                't' => '\t',
                'n' => '\n',
                '\\' => '\\',
                other => panic!("\\{other} in {cell}"),
            },
        });
    }
    text
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// All tables of the mount, each once its header, in the order of their days.
fn tables(installation: &Installation) -> String {
    let folder = installation.point().join(".photosfs/changes");
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let mut all = String::new();
    for (n, name) in names.iter().enumerate() {
        let path = folder.join(name);
        let table = fs::read_to_string(&path).unwrap();
        assert_eq!(path.metadata().unwrap().size(), table.len() as u64, "{name:?}");
        assert!(!fs::read(&path).unwrap().is_empty() && path.metadata().unwrap().mode() & 0o222 == 0);
        let body = table.split_once('\n').unwrap().1;
        all += if n == 0 { &table } else { body };
    }
    all
}

#[test]
fn what_is_deleted_is_told_in_every_form() {
    let installation = Installation::new(Options { assets: Some(60), ..Options::default() });
    let cloud = installation.simulator.cloud();
    let odd = add_photo(&installation, ODD);
    let album = cloud.add_album(cloud.primary(), ODD_ALBUM, None);
    cloud.add_to_album(odd, album).unwrap();
    installation.mount();
    assert!(installation.run(&["changes"]).contains("nothing left"));
    assert_eq!(fs::read_dir(installation.point().join(".photosfs/changes")).unwrap().count(), 0);
    let before = installation.files();
    let (other, other_id) = visible(&installation, 1).pop_first().unwrap();
    cloud.trash(odd).unwrap();
    cloud.purge(other_id).unwrap();
    installation.run(&["sync"]);

    // Nothing of it is unexplained: exit code 0.
    let table = installation.run(&["changes", "--tsv"]);
    let rows = rows(&table);
    let how: BTreeSet<&str> = rows.iter().map(|row| row["how"].as_str()).collect();
    assert_eq!(how, BTreeSet::from(["expunged", "trashed"]), "{table}");
    assert!(rows.iter().any(|row| row["record"] == other && row["how"] == "expunged"), "{table}");
    let trashed = rows.iter().find(|row| row["how"] == "trashed").unwrap();
    assert_eq!((trashed["name"].as_str(), trashed["held"].as_str(), trashed["size"].as_str()), (ODD, "0", "5000"));
    assert!(trashed["albums"].contains("Day") && !trashed["expires"].is_empty(), "{trashed:?}");
    for row in &rows {
        let paths: Vec<&str> = row["paths"].split('|').collect();
        assert!(!paths.is_empty() && paths.iter().all(|path| before.contains_key(*path)), "{paths:?}");
        assert!(paths.iter().all(|path| before[*path].size.to_string() == row["size"]), "{row:?}");
    }
    assert_eq!(tables(&installation), table, "the mount has the same rows");
    assert_other_forms(&installation, rows.len());
    assert_what_vanishes_is_told(&installation);
    installation.simulator.assert_clean();
}

fn assert_other_forms(installation: &Installation, files: usize) {
    let json: serde_json::Value = serde_json::from_str(&installation.run(&["changes", "--json"])).unwrap();
    let changes = json["changes"].as_array().unwrap();
    assert_eq!(json["unexplained"], 0);
    assert_eq!(changes.iter().map(|change| change["files"].as_array().unwrap().len()).sum::<usize>(), files);
    assert!(changes.iter().any(|change| change["name"] == ODD && change["how"] == "trashed"), "{json}");
    let said = installation.run(&["changes"]);
    assert_eq!(said.lines().count(), 3, "a line for each and a summary: {said}");
    assert!(said.contains("1 trashed, 1 expunged"), "{said}");
    // From the last one on; from later on.
    let last: Timestamp = changes.last().unwrap()["noticed"].as_str().unwrap().parse().unwrap();
    let since = |at: Timestamp| installation.run(&["changes", "--tsv", "--since", &at.to_string()]);
    assert!(rows(&since(last)).len() < rows(&since(Timestamp::UNIX_EPOCH)).len() + 1);
    assert!(!rows(&since(last)).is_empty());
    assert!(rows(&since(last + Duration::from_millis(1))).is_empty());
    assert_eq!(installation.output(&["changes", "--since", "once"]).status.code(), Some(2));
}

/// What iCloud loses without a word is another thing: it is kept, and the exit code is 1.
fn assert_what_vanishes_is_told(installation: &Installation) {
    let (name, photo) = visible(installation, 1).pop_first().unwrap();
    installation.simulator.cloud().vanish(photo).unwrap();
    installation.run(&["sync", "--full"]);
    let output = installation.output(&["changes", "--tsv"]);
    assert_eq!(output.status.code(), Some(1));
    let table = text(&output);
    let rows = rows(&table);
    let vanished = rows.iter().find(|row| row["how"] == "vanished").unwrap();
    assert_eq!((&vanished["record"], vanished["held"].as_str()), (&name, "1"));
    for path in vanished["paths"].split('|') {
        assert!(installation.point().join(path).is_file(), "{path} is shown still");
    }
    let said = installation.output(&["changes"]);
    assert_eq!(said.status.code(), Some(1));
    assert!(text(&said).contains("1 vanished"), "{said:?}");
    let json = installation.output(&["changes", "--json"]);
    assert_eq!(json.status.code(), Some(1));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&json.stdout).unwrap()["unexplained"], 1);
    let held = fs::read_to_string(installation.point().join(".photosfs/HELD")).unwrap();
    assert!(held.contains("1 of them without a deletion"), "{held}");
}

#[test]
fn a_notice_is_on_the_mount_while_removals_wait() {
    let installation = Installation::mounted(60);
    let folder = installation.point().join(".photosfs");
    let is_there = || {
        let listed = fs::read_dir(&folder).unwrap().any(|entry| entry.unwrap().file_name() == "HELD");
        assert_eq!(listed, folder.join("HELD").is_file(), "the list and the name agree");
        listed
    };
    assert!(!is_there());
    for decision in ["accept", "reject"] {
        let photos = visible(&installation, 15);
        photos.values().for_each(|photo| installation.simulator.cloud().trash(*photo).unwrap());
        installation.run(&["sync"]);
        eventually("the notice is there", || folder.join("HELD").is_file());
        assert!(is_there());
        let notice = fs::read_to_string(folder.join("HELD")).unwrap();
        let first = notice.lines().find_map(|line| line.strip_prefix("  ")).unwrap();
        assert!(notice.contains("PrimarySync: 15 removals"), "{notice}");
        assert!(installation.point().join(first).is_file(), "{first} is shown still");
        installation.run(&["held", decision]);
        eventually("the notice is gone", || !folder.join("HELD").exists());
        assert!(!is_there());
        assert_eq!(installation.point().join(first).is_file(), decision == "reject", "{first} after {decision}");
    }
    installation.simulator.assert_clean();
}

/// Record names of the photos in Years, and of those that the journal says were trashed; read beside a dead mount.
fn years_and_journal(installation: &Installation) -> (BTreeSet<String>, Vec<String>) {
    let index = installation.index();
    let years: BTreeSet<u64> = installation
        .files()
        .into_iter()
        .filter_map(|(path, file)| path.starts_with("Years/").then_some(file.ino))
        .collect();
    let shown = years.into_iter().map(|ino| index.facts(ino).unwrap().unwrap().asset).collect();
    let mut journal = Vec::new();
    let all = &mut |change: photosfs::index::Departure| {
        journal.push(change.record);
        true
    };
    index.departures(Timestamp::UNIX_EPOCH, Timestamp::MAX, all).unwrap();
    (shown, journal)
}

#[test]
fn a_kill_around_a_round_leaves_a_removal_and_its_record_or_neither() {
    // Twelve of three hundred are below what is held.
    let installation = Installation::mounted(300);
    let mut gone = BTreeSet::new();
    for wait in [0, 3, 8, 15, 30, 60] {
        let photos = visible(&installation, 2);
        photos.values().for_each(|photo| installation.simulator.cloud().trash(*photo).unwrap());
        gone.extend(photos.into_keys());
        let asked = installation.simulator.requests("changes/zone");
        let mut sync = installation.command(&["sync"]);
        let mut sync = sync.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("it asks for changes", || installation.simulator.requests("changes/zone") > asked);
        std::thread::sleep(Duration::from_millis(wait));
        installation.kill();
        // It ends with the process that it waits for; 0 if that round was over before.
        assert!(matches!(sync.wait().unwrap().code(), Some(0 | 1)));
        let (shown, journal) = years_and_journal(&installation);
        for name in &gone {
            let told = journal.iter().filter(|record| *record == name).count();
            assert_eq!(told, usize::from(!shown.contains(name)), "{name}, {wait} ms after it was asked");
        }
        installation.mount();
    }
    installation.run(&["sync"]);
    let (shown, journal) = years_and_journal(&installation);
    assert_eq!(journal.len(), 12, "each is told once");
    assert_eq!(journal.into_iter().collect::<BTreeSet<_>>(), gone);
    assert!(shown.is_disjoint(&gone));
    let copy = fs::read_to_string(installation.state().join("changes.jsonl")).unwrap();
    assert_eq!(copy.lines().count(), 12, "the copy beside the index has the same");
    assert!(gone.iter().all(|name| copy.contains(name)));
    installation.simulator.assert_clean();
}
