//! What waits for a person outlives the index that knows of it, also on the mount: whatever befalls the file, a backup loses
//! nothing that nobody has decided about.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Failure, Fault};
use icloud_simulator::library::{Area, AssetId, Body, NewPhoto, Resource, TruthState};

use crate::compared::Compared;
use crate::installation::{Files, Installation, tool};

/// Fifteen photos of Years in a library of eighty are deleted, five of them for good.
fn deleted() -> (Installation, Files) {
    let installation = Installation::new(Options { assets: Some(80), ..Options::default() });
    installation.mount();
    let (files, copy) = (installation.files(), installation.path("copy"));
    rsync(&installation, &copy);
    Compared::assert_whole(&copy, &files);
    let cloud = installation.simulator.cloud();
    let truth = cloud.truth();
    let visible = truth.assets().filter(|asset| asset.state == TruthState::Visible).take(15);
    let chosen: Vec<AssetId> = visible.map(|asset| cloud.asset_named(&asset.record_name).unwrap()).collect();
    for (n, photo) in chosen.into_iter().enumerate() {
        if n % 3 == 0 { cloud.purge(photo).unwrap() } else { cloud.trash(photo).unwrap() }
    }
    installation.run(&["sync"]);
    (installation, files)
}

fn rsync(installation: &Installation, copy: &Path) {
    tool("rsync", &[&"-aH", &"--delete-after", &format!("{}/", installation.point().display()), &copy]);
}

/// A copy made anew, of which every byte comes from the mount.
fn assert_all_is_read(installation: &Installation, files: &Files) {
    let again = installation.path("again");
    let _ = fs::remove_dir_all(&again);
    rsync(installation, &again);
    Compared::assert_whole(&again, files);
}

fn listed(installation: &Installation) -> BTreeSet<String> {
    installation.run(&["held", "list"]).lines().map(str::to_owned).collect()
}

type Harm = fn(&Path);

/// A page in the middle goes bad when power is lost: there is a log.
fn spoil_a_page(index: &Path) {
    let mut bytes = fs::read(index).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(index, bytes).unwrap();
    fs::write(PathBuf::from(format!("{}-wal", index.display())), [0; 64]).unwrap();
}

const HARMS: [(&str, Harm); 4] = [
    ("a header that is none", |index| {
        let mut bytes = fs::read(index).unwrap();
        bytes[..16].copy_from_slice(b"no data base now");
        fs::write(index, bytes).unwrap();
    }),
    ("a page in the middle", spoil_a_page),
    ("cut short", |index| fs::File::options().write(true).open(index).unwrap().set_len(9_000).unwrap()),
    ("removed", |index| fs::remove_file(index).unwrap()),
];

#[test]
fn what_is_held_is_there_and_read_whatever_befalls_the_index() {
    let (installation, files) = deleted();
    let copy = installation.path("copy");
    let waiting = listed(&installation);
    assert_eq!(waiting.len(), 15);
    for (what, harm) in HARMS {
        installation.unmount();
        harm(&installation.state().join("index.sqlite"));
        installation.mount();
        assert_eq!(listed(&installation), waiting, "{what}");
        let status = installation.status();
        assert_eq!((&status["held"], &status["complete"]), (&15.into(), &true.into()), "{what}: {status}");
        rsync(&installation, &copy);
        Compared::assert_whole(&copy, &files);
        assert_all_is_read(&installation, &files);
    }
    installation.simulator.assert_clean();
}

#[test]
fn what_is_held_is_decided_after_the_index_was_lost() {
    for decision in ["accept", "reject"] {
        let (installation, files) = deleted();
        installation.unmount();
        spoil_a_page(&installation.state().join("index.sqlite"));
        installation.mount();
        let waiting = listed(&installation);
        installation.run(&["held", decision]);
        assert!(listed(&installation).is_empty());
        for path in &waiting {
            assert_eq!(installation.point().join(path).is_file(), decision == "reject", "{path} after {decision}");
        }
        let trashed = fs::read_dir(installation.point().join("Recently Deleted")).unwrap().count();
        assert_eq!(trashed > 0, decision == "accept" || !files.keys().all(|path| !path.starts_with("Recently")));
        // A listing of everything changes nothing of it.
        installation.run(&["sync", "--full"]);
        assert!(listed(&installation).is_empty());
        for path in &waiting {
            assert_eq!(installation.point().join(path).is_file(), decision == "reject", "{path} after {decision}");
        }
        installation.simulator.assert_clean();
    }
}

/// A library, and one that others share with this person; mounted once, and the index lost since.
fn with_two_libraries() -> (Installation, Files) {
    let installation = Installation::new(Options { assets: Some(40), ..Options::default() });
    let cloud = installation.simulator.cloud();
    let shared = cloud.add_shared_library(Area::Shared);
    for n in 0..3 {
        let picture = Resource::new("public.jpeg", Body::seeded(7_000 + n, 2_000));
        cloud.add_photo(shared, NewPhoto::new(&format!("SHARED_{n}.JPG"), picture, 1_600_000_000_000));
    }
    installation.mount();
    let files = installation.files();
    assert!(files.keys().any(|path| path.starts_with("Shared Library/")));
    installation.unmount();
    spoil_a_page(&installation.state().join("index.sqlite"));
    (installation, files)
}

fn refuses_to_mount(installation: &Installation) -> String {
    let point = installation.point();
    let output = installation.output(&["mount", "--background", point.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(fs::read_dir(&point).unwrap().count(), 0, "nothing is shown");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn after_the_index_was_lost_nothing_is_shown_before_every_library_is() {
    let (installation, files) = with_two_libraries();
    // The private database is asked first.
    let refused = Effect::Fail(Failure::new(403, "ACCESS_DENIED", "scripted"));
    installation.simulator.fault(Fault::from("changes/database", 2, refused));
    assert!(refuses_to_mount(&installation).contains("ACCESS_DENIED"));
    assert!(refuses_to_mount(&installation).contains("ACCESS_DENIED"), "though one library is known by now");
    installation.simulator.state().faults.clear();
    installation.mount();
    assert_eq!(installation.files(), files);
    installation.simulator.assert_clean();
}

#[test]
fn a_library_that_went_with_the_index_is_let_go_by_a_person_only() {
    let (installation, files) = with_two_libraries();
    installation.simulator.fault(Fault::from("changes/database", 2, Effect::Answer(Change::NoZones)));
    for _ in 0..2 {
        // Asked again, iCloud has no news of it.
        let said = refuses_to_mount(&installation);
        assert!(said.contains("no longer has a library") && said.contains("photosfs held accept"), "{said}");
        installation.simulator.state().faults.clear();
        installation.simulator.fault(Fault::from("changes/database", 2, Effect::Answer(Change::NoZones)));
    }
    installation.run(&["held", "accept"]);
    installation.mount();
    let own: Files = files.into_iter().filter(|(path, _)| !path.starts_with("Shared Library/")).collect();
    assert_eq!(installation.files(), own);
}
