//! A library that changes while it is copied: whatever is in the copy is whole, and no name stands for other bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use icloud_simulator::Options;
use icloud_simulator::library::{AssetId, Body, Edit, NewPhoto, Resource, TruthState};

use super::rsync;
use crate::compared::{Compared, sha1};
use crate::installation::{Files, Installation};

/// Bytes that each path has ever stood for.
type Seen = BTreeMap<String, BTreeSet<String>>;

fn take_down(seen: &mut Seen, files: &Files) {
    for (path, file) in files {
        seen.entry(path.clone()).or_default().insert(file.sha1.clone());
    }
}

#[test]
fn a_copy_of_a_library_that_changes_is_whole_file_by_file() {
    let options =
        Options { assets: Some(200), body_size: 200_000, latency: Duration::from_millis(15), ..Options::default() };
    let installation = Installation::new(options);
    installation.mount();
    let copy = installation.path("copy");
    let mut seen = Seen::new();
    take_down(&mut seen, &installation.files());
    let over = AtomicBool::new(false);
    let copies = std::thread::scope(|scope| {
        let changing = scope.spawn(|| change(&installation, &over));
        let copies: Vec<_> = (0..3).map(|_| rsync(&installation, &copy)).collect();
        over.store(true, Ordering::Release);
        changing.join().unwrap().iter().for_each(|files| take_down(&mut seen, files));
        copies
    });
    for output in &copies {
        // 24: some files vanished before they could be copied, as those that were thrown away did. 2: rsync's own parts
        // lose each other when many hard-linked files vanish ("Invalid packet at end of run"). Either way it says so.
        assert!(matches!(output.status.code(), Some(0 | 2 | 23 | 24)), "{output:?}");
    }
    let ambiguous: Vec<_> = seen.iter().filter(|(_, hashes)| hashes.len() > 1).collect();
    assert!(ambiguous.is_empty(), "names that stood for several files: {ambiguous:#?}");
    assert_known(&copy, &seen);
    assert!(installation.sync().status.success());
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &installation.files());
    installation.simulator.assert_clean();
}

/// Every file of a copy is one that its path stood for at some time.
fn assert_known(copy: &std::path::Path, seen: &Seen) {
    for entry in walkdir::WalkDir::new(copy).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file()) {
        let path = entry.path().strip_prefix(copy).unwrap().to_str().unwrap();
        let known = seen.get(path).unwrap_or_else(|| panic!("{path} was never in the tree"));
        assert!(known.contains(&sha1(entry.path())), "{path} has bytes that are not its own");
    }
}

/// Adds, edits, hides and throws away, a few at a time, with a round after each; gives the tree after each.
fn change(installation: &Installation, over: &AtomicBool) -> Vec<Files> {
    let cloud = installation.simulator.cloud();
    let truth = cloud.truth();
    let mut visible: Vec<AssetId> = truth
        .assets()
        .filter(|asset| asset.state == TruthState::Visible)
        .map(|asset| cloud.asset_named(&asset.record_name).unwrap())
        .collect();
    let mut trees = Vec::new();
    for seed in 50_000.. {
        let picture = |seed| Resource::new("public.jpeg", Body::seeded(seed, 150_000));
        // The same name and month again and again: suffixes are given while others are copied.
        cloud.add_photo(cloud.primary(), NewPhoto::new("IMG_0001.JPG", picture(seed), 1_400_000_000_000));
        let photo = visible.remove(visible.len() / 2);
        match seed % 3 {
            0 => cloud.trash(photo).unwrap(),
            1 => cloud.edit(photo, Edit { picture: Some(picture(seed + 1_000_000)), ..Edit::new() }).unwrap(),
            _ => cloud.set_hidden(photo, true).unwrap(),
        }
        assert!(installation.sync().status.success());
        trees.push(installation.files());
        if over.load(Ordering::Acquire) && trees.len() >= 3 {
            return trees;
        }
    }
    unreachable!("the copies come to an end")
}
