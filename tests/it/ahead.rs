//! Listings that are taken before their directory is opened, and those that are not taken because the kernel has them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use photosfs::index::ROOT;
use photosfs::vfs::{Caching, ChangeListener, TTL, TreeChange, Vfs, VfsError};

use crate::fake::{Forest, Shelf, bytes, vfs};

/// Directories 1000, 1001 … in the root, each with as many files.
struct Scene {
    vfs: Arc<Vfs>,
    forest: Arc<Forest>,
    _folder: tempfile::TempDir,
}

fn scene(directories: u64, files: u64) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (forest, shelf) = (Arc::new(Forest::new()), Arc::new(Shelf::default()));
    let original = shelf.put("original", bytes(1, 100));
    for directory in 1000..1000 + directories {
        forest.directory(ROOT, &format!("D{directory}"), directory);
        for file in 0..files {
            forest.file(directory, &format!("{file:03}.JPG"), directory * 1000 + file, original.clone());
        }
    }
    let vfs = vfs(folder.path(), &forest, &shelf);
    Scene { vfs, forest, _folder: folder }
}

impl Scene {
    /// The names of a directory, all of them, but for those of itself and the one it is in.
    fn names(&self, ino: u64) -> Result<Vec<String>, VfsError> {
        let opened = self.vfs.opendir(ino)?;
        let names = self.read(opened.handle);
        self.vfs.release(opened.handle).unwrap();
        names
    }

    fn read(&self, handle: u64) -> Result<Vec<String>, VfsError> {
        let (mut names, mut offset) = (Vec::new(), 0);
        loop {
            let page = self.vfs.page(handle, offset)?;
            let before = names.len();
            for (next, entry) in page.entries() {
                names.push(entry.name.to_owned());
                offset = next;
            }
            if names.len() == before {
                return Ok(names.split_off(2));
            }
        }
    }

    /// Goes the first two steps of a walk, and waits until so many directories have been listed, each once.
    fn walk_until_listed(&self, directories: usize) {
        self.names(ROOT).unwrap();
        self.names(1000).unwrap();
        let begun = Instant::now();
        while self.forest.listed().len() < directories {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", self.forest.listed());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[tokio::test]
async fn who_goes_through_the_tree_finds_what_comes_next_taken() {
    let scene = scene(4, 2);
    scene.forest.directory(1001, "inner", 3000);
    scene.walk_until_listed(6);
    assert_eq!(scene.forest.listed(), [ROOT, 1000, 1001, 3000, 1002, 1003]);
    scene.forest.broken.store(true, Ordering::SeqCst);
    assert_eq!(scene.names(1001).unwrap(), ["000.JPG", "001.JPG", "inner"]);
    assert_eq!(scene.names(3000).unwrap(), [""; 0]);
    assert_eq!(scene.names(1003).unwrap(), ["000.JPG", "001.JPG"]);
    // What was passed over is not kept.
    assert_eq!(scene.names(1002).unwrap_err().errno(), libc::EIO);
}

#[tokio::test]
async fn what_is_ready_is_what_was_listed_with_its_attributes() {
    let scene = scene(3, 2);
    scene.walk_until_listed(4);
    let page = scene.vfs.page(scene.vfs.opendir(1001).unwrap().handle, 0).unwrap();
    let found: Vec<_> = page.entries().map(|(_, entry)| (entry.name.to_owned(), entry.attributes)).collect();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [".", "..", "000.JPG", "001.JPG"]);
    for (_, attributes) in &found {
        assert_eq!(*attributes, scene.vfs.getattr(attributes.ino, None).unwrap().0);
    }
    assert_eq!(scene.vfs.listing_ttl(&page, 1001), TTL);
}

#[tokio::test]
async fn a_change_is_seen_by_whoever_opens_after_it() {
    let scene = scene(6, 2);
    scene.walk_until_listed(7);
    scene.forest.remove(1001, "000.JPG");
    assert_eq!(scene.names(1001).unwrap(), ["001.JPG"]);
    assert_eq!(scene.names(1002).unwrap(), ["000.JPG", "001.JPG"]);
    scene.forest.directory(1003, "new", 3000);
    assert_eq!(scene.names(1003).unwrap(), ["000.JPG", "001.JPG", "new"]);
}

#[tokio::test]
async fn a_failure_ahead_is_told_to_whoever_opens_if_it_lasts() {
    let scene = scene(4, 2);
    scene.forest.fail_to_list(Some(1001));
    scene.walk_until_listed(3);
    assert_eq!(scene.names(1001).unwrap_err().errno(), libc::EIO);
    scene.forest.fail_to_list(None);
    assert_eq!(scene.names(1001).unwrap(), ["000.JPG", "001.JPG"]);
}

#[tokio::test]
async fn no_more_is_taken_than_has_room() {
    let scene = scene(100, 200);
    // 8,192 entries are 41 directories of 202.
    scene.walk_until_listed(2 + 41);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(scene.forest.listed().len(), 2 + 41);
    let every: BTreeSet<String> = (0..200).map(|file| format!("{file:03}.JPG")).collect();
    for directory in 1001..1100 {
        assert_eq!(scene.names(directory).unwrap().into_iter().collect::<BTreeSet<_>>(), every);
    }
    let listed = scene.forest.listed();
    assert!(listed.len() <= 101 + 10, "hardly any was listed twice: {}", listed.len());
}

#[tokio::test]
async fn a_large_directory_is_left_to_whoever_opens_it() {
    let scene = scene(3, 2);
    let original = Shelf::default().put("original", bytes(1, 100));
    for file in 0..2000 {
        scene.forest.file(1001, &format!("IMG_{file:04}.JPG"), 2_000_000 + file, original.clone());
    }
    scene.walk_until_listed(3);
    assert_eq!(scene.forest.listed(), [ROOT, 1000, 1002]);
    assert_eq!(scene.names(1001).unwrap().len(), 2002);
    assert_eq!(scene.names(1002).unwrap().len(), 2);
}

#[tokio::test]
async fn nothing_is_taken_for_who_opens_here_and_there() {
    let scene = scene(6, 2);
    for ino in [1003, ROOT, 1003, 1001, 1005, ROOT] {
        scene.names(ino).unwrap();
    }
    std::thread::sleep(Duration::from_millis(20));
    let listed: BTreeSet<u64> = scene.forest.listed().into_iter().collect();
    assert_eq!(listed, BTreeSet::from([ROOT, 1001, 1003, 1005]));
}

#[tokio::test]
async fn a_directory_listed_again_is_as_it_was_when_it_was_opened() {
    let scene = scene(1, 2);
    scene.names(1000).unwrap();
    let again = scene.vfs.opendir(1000).unwrap();
    assert_eq!(again.caching, Caching::Keep);
    scene.forest.remove(1000, "000.JPG");
    assert_eq!(scene.read(again.handle).unwrap(), ["000.JPG", "001.JPG"]);
    scene.vfs.changed(TreeChange { directories: vec![1000], ..TreeChange::default() });
    let after = scene.vfs.opendir(1000).unwrap();
    assert_eq!(after.caching, Caching::Fresh);
    assert_eq!(scene.read(after.handle).unwrap(), ["001.JPG"]);
    assert_eq!(scene.read(again.handle).unwrap(), ["000.JPG", "001.JPG"]);
}

#[tokio::test]
async fn what_the_kernel_has_is_listed_only_if_it_asks() {
    let scene = scene(1, 2);
    scene.names(1000).unwrap();
    let opened = scene.vfs.opendir(1000).unwrap();
    scene.vfs.release(scene.vfs.opendir(1000).unwrap().handle).unwrap();
    assert_eq!(scene.forest.listed(), [1000]);
    scene.forest.broken.store(true, Ordering::SeqCst);
    assert_eq!(scene.vfs.page(opened.handle, 0).err().unwrap().errno(), libc::EIO);
}

/// One directory, 1000, of 2,000 files.
fn large() -> Scene {
    let scene = scene(1, 0);
    let original = Shelf::default().put("original", bytes(1, 100));
    for file in 0..2000 {
        scene.forest.file(1000, &format!("IMG_{file:04}.JPG"), 2_000_000 + file, original.clone());
    }
    scene
}

#[tokio::test]
async fn a_large_directory_is_listed_once_for_all_who_have_it_open() {
    let scene = large();
    let handles: Vec<u64> = (0..50).map(|_| scene.vfs.opendir(1000).unwrap().handle).collect();
    scene.forest.remove(1000, "IMG_0000.JPG");
    assert_eq!(scene.forest.listed(), [1000], "neither at an opening nor before the change");
    assert_eq!(scene.names(1000).unwrap().len(), 1999, "who opens it after the change sees it");
    assert_eq!(scene.forest.listed(), [1000, 1000]);
    for handle in handles {
        assert_eq!(scene.read(handle).unwrap().len(), 2000);
        scene.vfs.release(handle).unwrap();
    }
    assert_eq!(scene.names(1000).unwrap().len(), 1999);
}

#[tokio::test]
async fn many_read_one_listing_each_at_a_place_of_its_own() {
    let scene = large();
    let handles: Vec<u64> = (0..3).map(|_| scene.vfs.opendir(1000).unwrap().handle).collect();
    let (mut names, mut offsets) = (vec![Vec::new(); 3], [0; 3]);
    for turn in 0.. {
        let reader = turn % 3;
        let page = scene.vfs.page(handles[reader], offsets[reader]).unwrap();
        // One goes in steps of 1, one of 64, and one of all there is.
        let step = [1, 64, usize::MAX][reader];
        for (next, entry) in page.entries().take(step) {
            names[reader].push(entry.name.to_owned());
            offsets[reader] = next;
        }
        if names.iter().all(|names| names.len() == 2002) {
            break;
        }
    }
    assert!(names[0] == names[1] && names[1] == names[2] && names[0].is_sorted());
    assert_eq!(scene.forest.listed(), [1000]);
}
