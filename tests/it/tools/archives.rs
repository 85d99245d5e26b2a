//! restic and borg: a backup, a second and a third one that find nothing new, and every byte restored.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use icloud_simulator::library::{AssetId, Slot, TruthAsset, TruthState};

use super::BETWEEN;
use super::copies::{attributes, demo};
use crate::compared::Compared;
use crate::installation::{Installation, said};

#[test]
fn restic_reads_nothing_twice_and_restores_every_byte() {
    let installation = demo();
    let files = installation.files();
    restic(&installation, &["init"]);
    let point = installation.point().to_str().unwrap().to_owned();
    let backup = || {
        let lines = restic(&installation, &["backup", "--json", &point]);
        let summary = lines.lines().rfind(|line| line.contains("\"summary\"")).unwrap();
        serde_json::from_str::<serde_json::Value>(summary).unwrap()
    };
    assert_eq!(backup()["files_new"], files.len() + 1, "every name, and status.json");
    for (what, happen) in BETWEEN {
        happen(&installation);
        let (downloads, read) = (installation.downloads(), installation.bytes_read());
        let summary = backup();
        assert_eq!(summary["files_new"], 0, "after {what}");
        assert_eq!(summary["files_changed"], 1, "status.json, which tells the time; after {what}");
        assert_eq!(summary["files_unmodified"], files.len());
        assert_eq!(installation.downloads(), downloads);
        assert!(installation.bytes_read() - read < 4_000_000, "of some thirty million in the library");
    }
    restic(&installation, &["check", "--read-data"]);
    let restored = installation.path("restored");
    restic(&installation, &["restore", "latest", "--target", restored.to_str().unwrap()]);
    Compared::assert_whole(&restored.join(point.trim_start_matches('/')), &files);
    installation.simulator.assert_clean();
}

fn restic(installation: &Installation, arguments: &[&str]) -> String {
    let mut command = Command::new("restic");
    command.arg("--repo").arg(installation.path("restic")).arg("--cache-dir").arg(installation.path("restic-cache"));
    command.env("RESTIC_PASSWORD", "of no worth").env("HOME", installation.path(""));
    said("restic", &command.args(arguments).output().unwrap())
}

#[test]
fn borg_reads_nothing_twice_and_restores_every_byte() {
    let installation = demo();
    let files = installation.files();
    borg(&installation, &["init", "--encryption=none", "::"]);
    // A: new, M: changed, C: changed while it was read, E: cannot be read.
    let create = |name: &str| {
        let archive = format!("::{name}");
        let point = installation.point().to_str().unwrap().to_owned();
        let output = borg_command(&installation, &["create", "--list", "--filter=AMCE", &archive, &point]);
        said("borg create", &output);
        String::from_utf8(output.stderr).unwrap()
    };
    let first = create("first");
    assert!(first.lines().filter(|line| line.starts_with("A ")).count() > 200, "{first}");
    for (name, (what, happen)) in ["second", "third", "fourth"].into_iter().zip(BETWEEN) {
        happen(&installation);
        let (downloads, read) = (installation.downloads(), installation.bytes_read());
        let listed = create(name);
        let changed: Vec<&str> = listed.lines().filter(|line| line.as_bytes().get(1) == Some(&b' ')).collect();
        assert!(changed.len() == 1 && changed[0].ends_with("/.photosfs/status.json"), "after {what}: {listed}");
        assert_eq!(installation.downloads(), downloads);
        assert!(installation.bytes_read() - read < 4_000_000, "of some thirty million in the library");
    }
    borg(&installation, &["check", "--verify-data", "::"]);
    let restored = installation.path("restored");
    fs::create_dir(&restored).unwrap();
    borg(&installation, &["extract", "::fourth"]);
    Compared::assert_whole(&restored.join(installation.point().strip_prefix("/").unwrap()), &files);
    installation.simulator.assert_clean();
}

/// A photo that nobody has as a favourite, of a size that would be noticed.
fn plain_photo(installation: &Installation) -> AssetId {
    let cloud = installation.simulator.cloud();
    let truth = cloud.truth();
    let is_plain = |asset: &&TruthAsset| {
        let original = asset.resource(Slot::Original);
        asset.state == TruthState::Visible && !asset.favourite && original.is_some_and(|file| file.size > 50_000)
    };
    cloud.asset_named(&truth.assets().find(is_plain).unwrap().record_name).unwrap()
}

type Change = fn(&Installation, AssetId);

/// What changes a record and none of its bytes.
const OF_RECORDS: [(&str, Change); 3] = [
    ("a title", |installation, photo| installation.simulator.cloud().retitle(photo, "Evening").unwrap()),
    ("a favourite", |installation, photo| installation.simulator.cloud().set_favourite(photo, true).unwrap()),
    ("none any more", |installation, photo| installation.simulator.cloud().set_favourite(photo, false).unwrap()),
];

#[test]
fn what_changes_a_record_and_no_byte_adds_no_byte_to_a_backup() {
    let installation = demo();
    let point = installation.point().to_str().unwrap().to_owned();
    let excluded = format!("{point}/.photosfs");
    restic(&installation, &["init"]);
    borg(&installation, &["init", "--encryption=none", "::"]);
    let with_restic = || {
        let lines = restic(&installation, &["backup", "--json", "--exclude", &excluded, &point]);
        let summary = lines.lines().rfind(|line| line.contains("\"summary\"")).unwrap();
        serde_json::from_str::<serde_json::Value>(summary).unwrap()
    };
    let with_borg = |name: &str| {
        let archive = format!("::{name}");
        let said = borg(&installation, &["create", "--json", "--exclude", &excluded, &archive, &point]);
        serde_json::from_str::<serde_json::Value>(&said).unwrap()["archive"]["stats"]["deduplicated_size"].as_u64()
    };
    with_restic();
    with_borg("first");
    let photo = plain_photo(&installation);
    for (what, change) in OF_RECORDS {
        let before = attributes(&installation);
        change(&installation, photo);
        installation.run(&["sync"]);
        let after = attributes(&installation);
        assert!(before.iter().all(|(path, was)| after.get(path).is_none_or(|now| now == was)), "{what}: times stay");
        let names = after.keys().filter(|path| !before.contains_key(*path)).count();
        assert_eq!(names > 0, what == "a favourite");
        let (downloads, read) = (installation.downloads(), installation.bytes_read());
        let (summary, added) = (with_restic(), with_borg(what).unwrap());
        let read = installation.bytes_read() - read;
        println!("{what}: {names} names more, the mount read {read} bytes, borg kept {added}");
        // A favourite has a name more, which neither has seen before: they read the file behind it, and have it already.
        assert_eq!(summary["files_new"], names, "{what}");
        assert_eq!((&summary["files_changed"], &summary["data_blobs"]), (&0.into(), &0.into()), "{what}: {summary}");
        assert!(added < 120_000, "{what}: borg has added {added} bytes, all of them about files");
        assert_eq!(installation.downloads(), downloads, "{what}");
    }
    installation.simulator.assert_clean();
}

fn borg(installation: &Installation, arguments: &[&str]) -> String {
    said("borg", &borg_command(installation, arguments))
}

/// Runs borg in the folder to restore to, where there is one.
fn borg_command(installation: &Installation, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new("borg");
    let restored: PathBuf = installation.path("restored");
    command.current_dir(if restored.is_dir() { restored } else { installation.path("") });
    command.env("BORG_REPO", installation.path("borg")).env("BORG_BASE_DIR", installation.path(""));
    command.env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes").env("LC_ALL", "C.UTF-8");
    command.args(arguments).output().unwrap()
}
