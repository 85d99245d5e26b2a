//! Many photos leave iCloud at once: they stay in the tree until a person has said what is to become of them.

use std::collections::BTreeSet;
use std::fs;

use icloud_simulator::library::{AssetId, Body, NewPhoto, Resource, TruthState};

use super::rsync;
use crate::compared::Compared;
use crate::installation::{Files, Installation};

/// So many of the photos in Years.
fn visible(installation: &Installation, count: usize) -> Vec<AssetId> {
    let cloud = installation.simulator.cloud();
    let truth = cloud.truth();
    let visible = truth.assets().filter(|asset| asset.state == TruthState::Visible).take(count);
    let chosen: Vec<AssetId> = visible.map(|asset| cloud.asset_named(&asset.record_name).unwrap()).collect();
    assert_eq!(chosen.len(), count);
    chosen
}

fn add_photo(installation: &Installation, name: &str) {
    let cloud = installation.simulator.cloud();
    let picture = Resource::new("public.jpeg", Body::seeded(name.len() as u64 + 99, 5_000));
    cloud.add_photo(cloud.primary(), NewPhoto::new(name, picture, 1_600_000_000_000));
}

fn paths(files: &Files) -> BTreeSet<&str> {
    files.keys().map(String::as_str).collect()
}

#[test]
fn a_mass_deletion_is_held_until_it_is_accepted() {
    let installation = Installation::mounted(250);
    let (before, copy) = (installation.files(), installation.path("copy"));
    assert!(rsync(&installation, &copy).status.success());
    let gone = visible(&installation, 150);
    gone.iter().for_each(|photo| installation.simulator.cloud().trash(*photo).unwrap());
    add_photo(&installation, "MEANWHILE.JPG");
    let said = String::from_utf8(installation.sync().stdout).unwrap();
    assert!(said.contains("waiting for you: 150 removals;"), "{said}");
    let held = installation.files();
    let new: Vec<&str> = paths(&held).difference(&paths(&before)).copied().collect();
    assert!(paths(&before).is_subset(&paths(&held)), "everything is still there");
    assert!(!new.is_empty() && new.iter().all(|path| path.contains("MEANWHILE")), "additions appear: {new:?}");
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &held);
    assert_told(&installation, &before);
    // Another round and another process change nothing.
    assert!(installation.sync().status.success());
    installation.remount();
    assert_eq!(installation.files(), held);
    assert_eq!(installation.status()["held"], 150);
    // The running mount carries the decision out.
    installation.run(&["held", "accept"]);
    assert_accepted(&installation, &held, 150);
    installation.simulator.assert_clean();
}

/// The person is told in all three places.
fn assert_told(installation: &Installation, before: &Files) {
    let listed = installation.run(&["held", "list"]);
    let listed: BTreeSet<&str> = listed.lines().collect();
    assert_eq!(listed.len(), 150);
    assert!(listed.iter().all(|path| before.contains_key(*path)), "{listed:?}");
    assert_eq!(installation.status()["held"], 150);
    let status: serde_json::Value = serde_json::from_str(&installation.run(&["status", "--json"])).unwrap();
    assert_eq!(status["held"], 150);
    let log = fs::read_to_string(installation.state().join("mount.log")).unwrap();
    assert!(log.contains("removals are held"), "{log}");
}

fn assert_accepted(installation: &Installation, held: &Files, count: usize) {
    let (after, copy) = (installation.files(), installation.path("copy"));
    assert_eq!(installation.status()["held"], 0);
    let originals = |files: &Files, folder: &str| {
        let inodes: BTreeSet<u64> =
            files.iter().filter(|(path, _)| path.starts_with(folder)).map(|(_, file)| file.ino).collect();
        inodes
    };
    let (years, deleted) = (originals(held, "Years/"), originals(&after, "Recently Deleted/"));
    assert!(years.intersection(&deleted).count() >= count, "they are where one can still save them");
    assert_eq!(originals(&after, "Years/").intersection(&deleted).count(), 0);
    assert!(rsync(installation, &copy).status.success());
    Compared::assert_whole(&copy, &after);
}

#[test]
fn a_mass_purge_that_is_rejected_stays_in_the_tree() {
    let installation = Installation::mounted(250);
    let (before, copy) = (installation.files(), installation.path("copy"));
    assert!(rsync(&installation, &copy).status.success());
    visible(&installation, 120).iter().for_each(|photo| installation.simulator.cloud().purge(*photo).unwrap());
    assert!(installation.sync().status.success());
    assert_eq!(installation.status()["held"], 120);
    // The cloud no longer knows these files: their names and the bytes of the copy are what is left.
    let listed = |installation: &Installation| walk(installation);
    assert_eq!(listed(&installation), paths(&before).into_iter().map(str::to_owned).collect::<BTreeSet<_>>());
    let output = rsync(&installation, &copy);
    assert!(output.status.success(), "unchanged files are not read: {output:?}");
    Compared::assert_whole(&copy, &before);
    installation.unmount();
    installation.run(&["held", "reject"]);
    installation.mount();
    assert!(installation.sync().status.success());
    assert_eq!(listed(&installation).len(), before.len());
    assert_eq!(installation.status()["held"], 0);
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &before);
    installation.simulator.assert_clean();
}

/// Every path of the mount, made-up files left out.
fn walk(installation: &Installation) -> BTreeSet<String> {
    let point = installation.point();
    let entries = walkdir::WalkDir::new(&point).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let paths = files.map(|entry| entry.path().strip_prefix(&point).unwrap().to_str().unwrap().to_owned());
    paths.filter(|path| !path.starts_with(".photosfs/")).collect()
}

#[test]
fn few_deletions_are_followed() {
    let installation = Installation::mounted(250);
    let (before, copy) = (installation.files(), installation.path("copy"));
    assert!(rsync(&installation, &copy).status.success());
    visible(&installation, 8).iter().for_each(|photo| installation.simulator.cloud().trash(*photo).unwrap());
    assert!(installation.sync().status.success());
    let after = installation.files();
    assert_eq!(installation.status()["held"], 0);
    let moved = paths(&before).difference(&paths(&after)).filter(|path| path.starts_with("Years/")).count();
    assert!(moved >= 8, "{moved}");
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &after);
    installation.simulator.assert_clean();
}
