//! rsync, cp and tar.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;

use icloud_simulator::Options;
use icloud_simulator::library::{AssetId, Body, NewPhoto, Resource, Slot, TruthAsset};

use super::BETWEEN;
use crate::compared::Compared;
use crate::installation::{Files, Installation, tool};

/// The demo library, mounted.
pub fn demo() -> Installation {
    let installation = Installation::new(Options::default());
    installation.mount();
    installation
}

/// Distinct inodes of a tree and the bytes of each, once.
fn once_each(files: &Files) -> (usize, u64) {
    let inodes: BTreeSet<(u64, u64)> = files.values().map(|file| (file.ino, file.size)).collect();
    (inodes.len(), inodes.iter().map(|(_, size)| size).sum())
}

/// How many files the cloud's photos have, from its own model.
fn files_in_the_cloud(installation: &Installation) -> usize {
    let shown = |asset: &&TruthAsset| asset.resource(Slot::Original).is_some();
    let previews = [Slot::MediumPicture, Slot::Thumbnail, Slot::MediumVideo, Slot::SmallVideo];
    let truth = installation.simulator.cloud().truth();
    let files = |asset: &TruthAsset| asset.resources.iter().filter(|file| !previews.contains(&file.slot)).count();
    truth.assets().filter(shown).map(files).sum()
}

#[test]
fn rsync_copies_every_byte_once_and_nothing_the_second_time() {
    let installation = demo();
    let (files, copy) = (installation.files(), installation.path("copy"));
    let source = format!("{}/", installation.point().display());
    let rsync = || tool("rsync", &[&"-aHi", &"--stats", &source, &copy]);
    rsync();
    let compared = Compared::assert_whole(&copy, &files);
    assert_eq!((compared.inodes, compared.bytes), once_each(&files), "hard links are copied as such");
    assert_eq!(compared.inodes, files_in_the_cloud(&installation));
    assert!(files.len() > compared.inodes + 100, "the albums of the demo have members");
    println!("{} names of {} files, {} bytes", compared.files, compared.inodes, compared.bytes);
    for (what, happen) in BETWEEN {
        happen(&installation);
        let (downloads, read) = (installation.downloads(), installation.bytes_read());
        let changed = transferred(&rsync());
        // It tells the time, in which rsync sees seconds.
        let other: Vec<_> = changed.iter().filter(|path| *path != ".photosfs/status.json").collect();
        assert!(other.is_empty(), "after {what}: {other:?}");
        assert_eq!(installation.downloads(), downloads);
        let read = installation.bytes_read() - read;
        println!("after {what}, rsync has the mount read {read} bytes");
        assert!(read < compared.bytes / 4, "{read} bytes were read of {}", compared.bytes);
    }
    Compared::assert_whole(&copy, &files);
    installation.run(&["verify", copy.to_str().unwrap()]);
    installation.simulator.assert_clean();
}

#[test]
fn twins_that_come_and_go_cost_their_own_bytes_only() {
    let installation = demo();
    let (copy, cloud) = (installation.path("copy"), installation.simulator.cloud());
    let source = format!("{}/", installation.point().display());
    let rsync = || transferred(&tool("rsync", &[&"-aHi", &"--delete", &"--exclude=/.photosfs/", &source, &copy]));
    rsync();
    let (before, attributes) = (installation.files(), attributes(&installation));
    let twins = before.keys().filter_map(|path| path.strip_prefix("Years/2019/2019-09/")).take(3);
    let twins: Vec<AssetId> = twins.map(|name| cloud.add_photo(cloud.primary(), twin(name))).collect();
    assert_eq!(twins.len(), 3);
    installation.run(&["sync"]);
    let with_twins = installation.files();
    let came: BTreeSet<&String> = with_twins.keys().filter(|path| !before.contains_key(*path)).collect();
    let now = self::attributes(&installation);
    assert!(attributes.iter().all(|(path, was)| now[path] == *was), "names, inodes and times are what they were");
    assert_eq!(rsync().iter().collect::<BTreeSet<_>>(), came);
    twins.into_iter().for_each(|twin| cloud.purge(twin).unwrap());
    installation.run(&["sync"]);
    let downloads = installation.downloads();
    assert_eq!(self::attributes(&installation), attributes);
    let deleted = |path: &String| !before.contains_key(path);
    assert!(rsync().iter().all(deleted));
    assert_eq!(installation.downloads(), downloads);
    Compared::assert_whole(&copy, &before);
    installation.simulator.assert_clean();
}

/// What backup tools go by: inode, size, time of change of bytes and of attributes, of every file.
pub fn attributes(installation: &Installation) -> BTreeMap<String, (u64, u64, [i64; 4])> {
    let of = |path: String| {
        let data = fs::symlink_metadata(installation.point().join(&path)).unwrap();
        let times = [data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()];
        (path, (data.ino(), data.len(), times))
    };
    installation.files().into_keys().map(of).collect()
}

/// Another photo of September 2019 with the same name.
fn twin(name: &str) -> NewPhoto {
    let body = Body::bytes(format!("the twin of {name}").into_bytes());
    NewPhoto::new(name, Resource::new("public.jpeg", body), 1_568_505_600_000)
}

/// What rsync says it has changed (`--itemize-changes`), directories' times and what hard links lead to left out.
fn transferred(said: &str) -> BTreeSet<String> {
    let changes = said.lines().filter_map(|line| line.split_once(' '));
    let files = changes.filter(|(what, _)| what.len() == 11 && what.as_bytes()[1] != b'd');
    files.map(|(_, path)| path.split(" => ").next().unwrap_or(path).to_owned()).collect()
}

#[test]
fn cp_keeps_bytes_links_and_times() {
    let installation = demo();
    let (files, copy) = (installation.files(), installation.path("copy"));
    tool("cp", &[&"-a", &installation.point(), &copy]);
    let compared = Compared::assert_whole(&copy, &files);
    assert_eq!((compared.inodes, compared.bytes), once_each(&files));
    for path in files.keys() {
        let (own, copied) = (installation.point().join(path), copy.join(path));
        let modified = |path| fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(modified(&own), modified(&copied), "{path}");
    }
    installation.simulator.assert_clean();
}

#[test]
fn tar_stores_every_byte_once() {
    let installation = demo();
    let (files, archive, copy) = (installation.files(), installation.path("library.tar"), installation.path("copy"));
    tool("tar", &[&"-C", &installation.point(), &"-cf", &archive, &"."]);
    let (_, bytes) = once_each(&files);
    let stored = fs::metadata(&archive).unwrap().len();
    assert!((bytes..bytes + bytes / 4 + 4_000_000).contains(&stored), "{stored} bytes for {bytes}: links are links");
    fs::create_dir(&copy).unwrap();
    tool("tar", &[&"-C", &copy, &"-xf", &archive]);
    let compared = Compared::assert_whole(&copy, &files);
    assert_eq!(compared.inodes, once_each(&files).0);
    installation.simulator.assert_clean();
}
