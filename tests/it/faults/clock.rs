//! The machine's clock is set: what is waited for comes, and no time to come is taken for one that has passed. What the
//! tools make of it is in the matrix.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;

use icloud_simulator::Options;
use icloud_simulator::library::{Body, NewPhoto, Resource, TruthState};

use super::rsync;
use crate::compared::Compared;
use crate::installation::Installation;

/// Mounted, with a clock that can be set.
fn library(assets: usize) -> Installation {
    let installation = Installation::new(Options { assets: Some(assets), ..Options::default() });
    installation.set_clock("+0");
    installation.mount();
    installation
}

fn add_photo(installation: &Installation, name: &str) {
    let cloud = installation.simulator.cloud();
    let picture = Resource::new("public.jpeg", Body::bytes(name.as_bytes().to_vec()));
    cloud.add_photo(cloud.primary(), NewPhoto::new(name, picture, 1_600_000_000_000));
}

/// Throws visible photos away and asks for changes.
fn trash(installation: &Installation, count: usize) {
    let cloud = installation.simulator.cloud();
    let truth = cloud.truth();
    let visible = truth.assets().filter(|asset| asset.state == TruthState::Visible).take(count);
    visible.for_each(|asset| cloud.trash(cloud.asset_named(&asset.record_name).unwrap()).unwrap());
    installation.run(&["sync"]);
}

/// Inode, links, size and times of every file, by path.
type Attributes = BTreeMap<String, (u64, u64, u64, [i64; 4])>;

fn attributes(installation: &Installation) -> Attributes {
    let attributes = |path: String| {
        let data = fs::symlink_metadata(installation.point().join(&path)).unwrap();
        let times = [data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()];
        (path, (data.ino(), data.nlink(), data.size(), times))
    };
    installation.files().into_keys().map(attributes).collect()
}

#[test]
fn whatever_the_clock_says_sync_asks_and_ready_tells_the_truth() {
    let installation = library(60);
    let point = installation.point();
    let is_ready = || installation.output(&["ready", point.to_str().unwrap()]).status.success();
    assert!(is_ready());
    let before = attributes(&installation);
    for (n, off) in ["+4d", "+0", "-4d", "+20d", "-20y", "+0"].into_iter().enumerate() {
        installation.set_clock(off);
        assert!(!is_ready(), "{off}: confirmed too long ago, or in the time to come");
        let name = format!("NEW_{n}.JPG");
        add_photo(&installation, &name);
        installation.simulator.expire_cookies();
        let synced = installation.sync();
        assert!(synced.status.success(), "{off}: {synced:?}");
        assert!(installation.files().keys().any(|path| path.ends_with(&name)), "{off}: sync has not asked");
        assert!(is_ready(), "{off}: confirmed just now");
    }
    let (after, files, copy) = (attributes(&installation), installation.files(), installation.path("copy"));
    assert!(before.iter().all(|(path, was)| after[path] == *was), "names, inodes, links, sizes and times stay");
    installation.remount();
    assert_eq!(attributes(&installation), after);
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &files);
    installation.simulator.assert_clean();
}

/// A sign-in without a person is followed by a quarter of an hour without another: not by more of it for a clock that was
/// four days ahead when it was made.
#[test]
fn a_renewal_does_not_wait_for_a_time_that_was_wrong() {
    let installation = library(20);
    installation.set_clock("+4d");
    installation.simulator.expire_sessions();
    installation.run(&["sync"]);
    assert_eq!(installation.simulator.requests("signin/init"), 2, "with the password");
    installation.set_clock("+0");
    installation.simulator.expire_sessions();
    let refused = installation.sync();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not due yet"), "{refused:?}");
    installation.set_clock("+16m");
    installation.run(&["sync"]);
    assert_eq!(installation.simulator.requests("signin/init"), 3);
    installation.simulator.assert_clean();
}

/// Removals add up over a week, by whatever clock they were noticed; and the files that tell of them have every line.
#[test]
fn removals_add_up_and_are_told_when_the_clock_is_set_back() {
    let installation = library(250);
    let held = || installation.status()["held"].as_u64().unwrap();
    let told = || {
        let folder = fs::read_dir(installation.point().join(".photosfs/changes")).unwrap();
        let texts = folder.map(|file| {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.len() as u64, fs::metadata(&path).unwrap().len(), "{}", path.display());
            text
        });
        let texts: String = texts.collect();
        let rows = texts.lines().filter(|row| row.contains("\ttrashed\t"));
        rows.map(|row| row.split('\t').nth(3).unwrap()).collect::<BTreeSet<_>>().len()
    };
    trash(&installation, 4);
    installation.set_clock("+3d");
    assert_eq!(told(), 4);
    installation.set_clock("+0");
    trash(&installation, 4);
    assert_eq!((told(), held()), (8, 0), "the first day has not passed");
    installation.set_clock("+3d");
    trash(&installation, 3);
    installation.set_clock("-3d");
    trash(&installation, 4);
    // Twelve of 250 may leave within a week.
    assert_eq!((told(), held()), (15, 4), "fifteen within three days");
    installation.simulator.assert_clean();
}
