//! What waits for a person outlives the index that knows of it, also on the mount: whatever befalls the file, a backup loses
//! nothing that nobody has decided about.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Failure, Fault};
use icloud_simulator::library::{Area, AssetId, Body, NewPhoto, Resource, TruthState};
use photosfs::index::{IndexError, Node, ROOT};
use photosfs::photos::View;
use photosfs::vfs::Tree;

use crate::compared::Compared;
use crate::crash::spoil_while_it_serves;
use crate::installation::{Files, Installation, tool};
use crate::stage::Stage;

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
        assert!(
            said.contains("SharedSync")
                && said.contains(": the whole library")
                && said.contains("photosfs held accept"),
            "{said}"
        );
        installation.simulator.state().faults.clear();
        installation.simulator.fault(Fault::from("changes/database", 2, Effect::Answer(Change::NoZones)));
    }
    installation.run(&["held", "accept"]);
    installation.mount();
    let own: Files = files.into_iter().filter(|(path, _)| !path.starts_with("Shared Library/")).collect();
    assert_eq!(installation.files(), own);
}

/// Mounted, and the first round over: what is deleted now is asked for by nobody.
fn mounted_and_asked() -> Installation {
    let installation = Installation::mounted(80);
    installation.run(&["sync"]);
    installation
}

fn trash(installation: &Installation, photos: usize) -> Vec<AssetId> {
    let cloud = installation.simulator.cloud();
    let truth = cloud.truth();
    let visible = truth.assets().filter(|asset| asset.state == TruthState::Visible).take(photos);
    let chosen: Vec<AssetId> = visible.map(|asset| cloud.asset_named(&asset.record_name).unwrap()).collect();
    chosen.iter().for_each(|photo| cloud.trash(*photo).unwrap());
    chosen
}

#[test]
fn a_mass_deletion_while_there_was_no_index_waits_for_a_person() {
    for (what, harm) in HARMS {
        let installation = mounted_and_asked();
        let files = installation.files();
        installation.unmount();
        harm(&installation.state().join("index.sqlite"));
        trash(&installation, 15);
        for _ in 0..2 {
            let said = refuses_to_mount(&installation);
            assert!(
                said.contains("PrimarySync: 15 photos that left") && said.contains("held accept"),
                "{what}: {said}"
            );
        }
        // A second blow, and a listing that is killed, are no consent.
        harm(&installation.state().join("index.sqlite"));
        assert!(refuses_to_mount(&installation).contains("15 photos"), "{what}: after a second blow");
        assert!(installation.run(&["sync"]).contains("waiting for you: 15 photos that left"), "{what}");
        assert!(installation.run(&["status"]).contains("15 removals wait for you"));
        let listed = installation.output(&["held", "list"]);
        assert!(String::from_utf8_lossy(&listed.stderr).contains("15 photos that left"), "{listed:?}");
        let rejected = installation.output(&["held", "reject"]);
        assert!(String::from_utf8_lossy(&rejected.stderr).contains("cannot be kept"), "{rejected:?}");
        assert!(refuses_to_mount(&installation).contains("15 photos"), "{what}: they are not let go by that");
        let offline = installation.output(&["mount", "--offline", installation.point().to_str().unwrap()]);
        let said = String::from_utf8_lossy(&offline.stderr);
        assert!(!offline.status.success() && said.contains("15 photos"), "{what}: {said}");
        installation.run(&["held", "accept"]);
        installation.mount();
        let now = installation.files();
        let years = |files: &Files| files.keys().filter(|path| path.starts_with("Years/")).count();
        assert!(years(&now) < years(&files), "{what}");
        assert_all_is_read(&installation, &now);
        installation.run(&["ready", installation.point().to_str().unwrap()]);
        installation.simulator.assert_clean();
    }
}

#[test]
fn what_is_deleted_while_the_mount_makes_its_index_anew_waits_too() {
    let installation = mounted_and_asked();
    let (files, point) = (installation.files(), installation.point());
    let chosen = trash(&installation, 15);
    spoil_while_it_serves(&installation);
    assert!(installation.run(&["sync"]).contains("waiting for you: 15 photos that left"));
    assert_eq!(fs::read_dir(&point).unwrap_err().raw_os_error(), Some(nix::libc::EIO), "nothing is shown");
    assert!(fs::read_to_string(point.join(".photosfs/HELD")).unwrap().contains("PrimarySync: 15 photos that left"));
    assert!(installation.status()["index_damage"].as_str().unwrap().contains("15 photos that left"));
    assert!(!installation.output(&["ready", point.to_str().unwrap()]).status.success());
    // They come back, and so does the tree, by itself.
    let cloud = installation.simulator.cloud();
    chosen.iter().for_each(|photo| cloud.restore(*photo).unwrap());
    installation.run(&["sync"]);
    assert_eq!(installation.files(), files);
    assert_all_is_read(&installation, &files);
    // Mounting again is no consent; a person's word to the mount is.
    chosen.iter().for_each(|photo| cloud.trash(*photo).unwrap());
    installation.kill();
    spoil_a_page(&installation.state().join("index.sqlite"));
    let refused = installation.output(&["mount", "--background", point.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("15 photos that left"), "{refused:?}");
    installation.run(&["held", "accept"]);
    installation.mount();
    assert_all_is_read(&installation, &installation.files());
    installation.simulator.assert_clean();
}

#[test]
fn a_person_lets_them_go_while_the_mount_stands() {
    let installation = mounted_and_asked();
    let point = installation.point();
    trash(&installation, 15);
    spoil_while_it_serves(&installation);
    installation.run(&["sync"]);
    assert!(fs::read_dir(&point).is_err());
    installation.run(&["held", "accept"]);
    let now = installation.files();
    assert_all_is_read(&installation, &now);
    assert!(!point.join(".photosfs/HELD").exists());
    installation.run(&["ready", point.to_str().unwrap()]);
    installation.simulator.assert_clean();
}

#[test]
fn a_mass_deletion_is_not_let_go_by_a_listing_anew() {
    let stage = Stage::new(Options { assets: Some(150), ..Options::default() });
    stage.update().unwrap();
    let (tree, file) = (stage.tree(), stage.config.state.join("index.sqlite"));
    let library = stage.index.libraries().unwrap()[0].library.id();
    let visible = stage.index.names_in(&library, &View::Visible).unwrap();
    let harm = rusqlite::Connection::open(&file).unwrap();
    harm.execute_batch("UPDATE dentry SET name = 'x' || name; PRAGMA wal_checkpoint").unwrap();
    stage.index.met(&IndexError::Damaged("as a look finds it".into()));
    let cloud = stage.simulator.cloud();
    let assets: Vec<_> = visible.iter().take(30).map(|name| cloud.asset_named(name).unwrap()).collect();
    assets.iter().for_each(|asset| cloud.trash(*asset).unwrap());
    stage.update().unwrap();
    assert_eq!(stage.index.holds().unwrap()[0].unnamed, 30);
    assert!(Tree::children(&*stage.index, ROOT).is_err(), "nothing is shown");
    assets.iter().for_each(|asset| cloud.restore(*asset).unwrap());
    stage.update().unwrap();
    assert_eq!(stage.index.trouble(), None);
    let names = |tree: Vec<(String, Node)>| tree.into_iter().map(|(path, node)| (path, node.ino)).collect::<Vec<_>>();
    assert!(names(stage.tree()) == names(tree));
    stage.simulator.assert_clean();
}
