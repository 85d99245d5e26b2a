//! The file system without a mount.

use std::ffi::OsStr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use photosfs::index::{NodeKind, ROOT};
use photosfs::vfs::{Caching, ChangeListener, SHORT_TTL, System, TTL, TreeChange, Vfs, VfsError};

use crate::fake::{Fault, Forest, Shelf, bytes, vfs};

struct Scene {
    vfs: Arc<Vfs>,
    forest: Arc<Forest>,
    shelf: Arc<Shelf>,
    _folder: tempfile::TempDir,
}

/// `/Years/Café.JPG` (ino 2000) and `/Years/film.MOV` (ino 2001, 12 MiB).
fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let (forest, shelf) = (Arc::new(Forest::new()), Arc::new(Shelf::default()));
    let years = forest.directory(ROOT, "Years", 1000);
    forest.file(years, "Café.JPG", 2000, shelf.put("cafe", bytes(1, 5000)));
    forest.file(years, "film.MOV", 2001, shelf.put("film", bytes(2, 12 << 20)));
    let vfs = vfs(folder.path(), &forest, &shelf);
    Scene { vfs, forest, shelf, _folder: folder }
}

fn names(scene: &Scene, ino: u64) -> Vec<String> {
    let opened = scene.vfs.opendir(ino).unwrap();
    scene.vfs.page(opened.handle, 0).unwrap().entries().map(|(_, entry)| entry.name.to_owned()).collect()
}

#[tokio::test]
async fn names_are_found_composed_or_not() {
    let scene = scene();
    let ino = |name: &str| scene.vfs.lookup(1000, OsStr::new(name)).unwrap().attributes.map(|a| a.ino);
    assert_eq!(ino("Café.JPG"), Some(2000));
    assert_eq!(ino("Cafe\u{301}.JPG"), Some(2000));
    assert_eq!(ino("cafe.jpg"), None);
    assert_eq!((ino("."), ino("..")), (Some(1000), Some(ROOT)));
    assert_eq!(scene.vfs.lookup(2000, OsStr::new(".")).unwrap().attributes.unwrap().ino, 2000);
}

#[tokio::test]
async fn on_macos_names_are_decomposed_and_found_in_any_case() {
    let Scene { vfs, forest, shelf, _folder } = scene();
    let vfs = Arc::into_inner(vfs).unwrap().on(System::MacOs);
    let scene = Scene { vfs: Arc::new(vfs), forest, shelf, _folder };
    assert_eq!(names(&scene, 1000), [".", "..", "Cafe\u{301}.JPG", "film.MOV"]);
    let found = |name: &str| scene.vfs.lookup(1000, OsStr::new(name)).unwrap();
    for name in ["Cafe\u{301}.JPG", "Café.JPG", "cafe\u{301}.jpg", "CAFÉ.jpg"] {
        assert_eq!(found(name).attributes.map(|a| a.ino), Some(2000), "{name}");
    }
    assert_eq!(found("Café.JPG").ttl, System::MacOs.ttl());
    assert_eq!(found("Cafe.JPG").attributes, None);
    scene.forest.broken.store(true, Ordering::SeqCst);
    assert_eq!(found("._film.MOV").attributes, None, "answered from memory");
    assert_eq!(scene.vfs.lookup(1000, OsStr::new("FILM.mov")).unwrap_err().errno(), libc::EIO);
}

#[tokio::test]
async fn on_macos_changes_are_told_by_the_names_that_were_listed() {
    let Scene { vfs, _folder, .. } = scene();
    let vfs = Arc::into_inner(vfs).unwrap().on(System::MacOs);
    let heard = Arc::new(Heard::default());
    vfs.tell(heard.clone());
    vfs.changed(TreeChange { entries: vec![(1000, "Café.JPG".into())], ..TreeChange::default() });
    assert_eq!(*heard.names.lock().unwrap(), ["Cafe\u{301}.JPG"]);
}

#[tokio::test]
async fn what_is_not_there_may_be_remembered_shortly_and_probes_for_long() {
    let scene = scene();
    let missing = |name: &str| scene.vfs.lookup(1000, OsStr::new(name)).unwrap();
    assert_eq!((missing("new.JPG").attributes, missing("new.JPG").ttl), (None, SHORT_TTL));
    scene.forest.broken.store(true, Ordering::SeqCst);
    assert_eq!((missing("._film.MOV").attributes, missing(".DS_Store").ttl), (None, TTL));
    assert_eq!(scene.vfs.lookup(1000, OsStr::new("new.JPG")).unwrap_err().errno(), libc::EIO);
}

#[tokio::test]
async fn made_up_files_are_in_their_places() {
    let scene = scene();
    assert_eq!(names(&scene, ROOT), [".", "..", ".photosfs", "Years"]);
    assert_eq!(names(&scene, 2), [".", "..", "changes", "status.json"]);
    for marker in [".metadata_never_index", ".trackerignore", ".nomedia"] {
        let found = scene.vfs.lookup(ROOT, OsStr::new(marker)).unwrap().attributes.unwrap();
        assert_eq!((found.kind, found.size), (NodeKind::File, 0));
        assert_eq!(scene.vfs.lookup(1000, OsStr::new(marker)).unwrap().attributes, None);
    }
    let (status, ttl) = scene.vfs.getattr(3, None).unwrap();
    assert_eq!((status.size % 4096, ttl), (0, SHORT_TTL));
    let opened = scene.vfs.open(3, false).unwrap();
    assert_eq!(opened.caching, Caching::Never);
    let text = scene.vfs.read_now(opened.handle, 0, 1 << 20).unwrap().unwrap();
    assert_eq!(text.len() as u64, status.size);
    assert_eq!(std::str::from_utf8(&text).unwrap().trim_end(), "{\"state\": \"calm\"}");
}

#[tokio::test]
async fn a_page_can_be_asked_for_again() {
    let scene = scene();
    let opened = scene.vfs.opendir(1000).unwrap();
    scene.forest.remove(1000, "Café.JPG");
    let page = |offset| {
        let page = scene.vfs.page(opened.handle, offset).unwrap();
        page.entries().map(|(next, e)| (next, e.name.to_owned())).collect::<Vec<_>>()
    };
    let all = page(0);
    assert!(all.iter().map(|(_, name)| &**name).eq([".", "..", "Café.JPG", "film.MOV"]));
    assert_eq!(page(all[1].0), all[2..]);
    assert_eq!(page(all[1].0), page(all[1].0));
    assert!(page(all[3].0).is_empty());
    scene.vfs.release(opened.handle).unwrap();
    assert_eq!(scene.vfs.page(opened.handle, 0).err().unwrap().errno(), libc::EBADF);
}

#[tokio::test]
async fn attributes_of_an_old_listing_are_kept_shortly() {
    let scene = scene();
    let listing = scene.vfs.page(scene.vfs.opendir(1000).unwrap().handle, 0).unwrap();
    assert_eq!(scene.vfs.listing_ttl(&listing, 2000), TTL);
    scene.vfs.changed(TreeChange { attributes: vec![2000], ..TreeChange::default() });
    assert_eq!(scene.vfs.listing_ttl(&listing, 2000), SHORT_TTL);
}

#[tokio::test]
async fn open_asks_nobody_and_refuses_to_write() {
    let scene = scene();
    assert!(matches!(scene.vfs.open(2000, true), Err(VfsError::ReadOnly)));
    assert!(matches!(scene.vfs.open(1000, false), Err(VfsError::IsDirectory)));
    assert!(matches!(scene.vfs.opendir(2000), Err(VfsError::NotDirectory)));
    assert!(matches!(scene.vfs.open(4711, false), Err(VfsError::Stale)));
    for _ in 0..3 {
        let opened = scene.vfs.open(2000, false).unwrap();
        scene.vfs.release(opened.handle).unwrap();
    }
    assert_eq!(scene.shelf.requests(), 0);
    scene.shelf.go_offline(true);
    assert_eq!(scene.vfs.open(2000, false).unwrap_err().errno(), libc::EIO);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_opened_in_doubt_is_assured_by_its_first_bytes() {
    let scene = scene();
    scene.shelf.be_in_doubt(true);
    // The second time, the small one is on the disk.
    for (ino, is_doubtful) in [(2000, true), (2001, true), (2000, false), (2001, true)] {
        let opened = scene.vfs.open(ino, false).unwrap();
        assert_eq!(opened.is_doubtful, is_doubtful, "{ino}");
        scene.vfs.assure(opened.handle).await.unwrap();
        assert!(scene.vfs.read_now(opened.handle, 0, 1).unwrap().is_some(), "{ino}: its first byte is here");
        scene.vfs.release(opened.handle).unwrap();
    }
    let scene = self::scene();
    scene.shelf.be_in_doubt(true);
    scene.shelf.plan(|_, _| Fault::Fail);
    for ino in [2000, 2001] {
        let opened = scene.vfs.open(ino, false).unwrap();
        assert_eq!(scene.vfs.assure(opened.handle).await.unwrap_err().errno(), libc::EIO);
        assert!(matches!(scene.vfs.release(opened.handle), Err(VfsError::BadHandle)), "it is not open any more");
    }
}

#[tokio::test]
async fn a_size_that_is_not_the_resources_is_not_served() {
    let scene = scene();
    scene.forest.write(2000, |node| node.size -= 1);
    assert!(matches!(scene.vfs.open(2000, false), Err(VfsError::SizeUnproven)));
}

#[tokio::test]
async fn pages_of_an_unchecked_file_are_not_kept() {
    let scene = scene();
    let read_all = async || {
        let opened = scene.vfs.open(2000, false).unwrap();
        scene.vfs.read(opened.handle, 0, 5000).await.unwrap();
        opened.caching
    };
    assert_eq!(read_all().await, Caching::Fresh);
    assert_eq!(read_all().await, Caching::Fresh);
    assert_eq!(read_all().await, Caching::Keep);
}

#[derive(Default)]
struct Heard {
    names: Mutex<Vec<String>>,
    tainted: Mutex<Vec<u64>>,
}

impl ChangeListener for Heard {
    fn changed(&self, change: TreeChange) {
        self.names.lock().unwrap().extend(change.entries.into_iter().map(|(_, name)| name));
    }

    fn tainted(&self, ino: u64) {
        self.tainted.lock().unwrap().push(ino);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_are_taken_back() {
    let scene = scene();
    let heard = Arc::new(Heard::default());
    scene.vfs.tell(heard.clone());
    scene.shelf.plan(|number, _| if number == 1 { Fault::Wrong } else { Fault::None });
    let opened = scene.vfs.open(2001, false).unwrap();
    let mut outcome = Ok(());
    for offset in (0..12u64 << 20).step_by(1 << 20) {
        outcome = outcome.and(scene.vfs.read(opened.handle, offset, 1 << 20).await.map(drop));
    }
    assert_eq!(outcome.unwrap_err().errno(), libc::EIO);
    assert!(heard.tainted.lock().unwrap().contains(&2001));
}

#[tokio::test]
async fn an_open_file_outlives_its_name() {
    let scene = scene();
    let opened = scene.vfs.open(2000, false).unwrap();
    scene.forest.remove(1000, "Café.JPG");
    assert!(matches!(scene.vfs.getattr(2000, None), Err(VfsError::Stale)));
    assert_eq!(scene.vfs.getattr(2000, Some(opened.handle)).unwrap().0.size, 5000);
    assert!(scene.vfs.read(opened.handle, 0, 5000).await.unwrap() == bytes(1, 5000));
}

#[tokio::test]
async fn extended_attributes_are_text() {
    let scene = scene();
    let value = |name: &str| scene.vfs.getxattr(2000, OsStr::new(name)).map(|v| String::from_utf8(v).unwrap());
    assert_eq!(value("user.photosfs.asset").unwrap(), "asset-of-cafe");
    assert_eq!(value("user.photosfs.favorite").unwrap(), "1");
    assert_eq!(value("user.photosfs.keywords").unwrap(), "sea\nsun");
    assert_eq!(value("user.photosfs.place").unwrap(), "59.9,10.75");
    for missing in ["user.photosfs.expires", "user.photosfs.", "user.other", "security.selinux"] {
        assert!(matches!(value(missing), Err(VfsError::NoAttribute)), "{missing}");
    }
    let listed = String::from_utf8(scene.vfs.listxattr(2000).unwrap()).unwrap();
    assert!(listed.starts_with("user.photosfs.asset\0") && listed.ends_with('\0'), "{listed:?}");
    assert_eq!(scene.vfs.listxattr(1000).unwrap(), b"");
    // Names of others are answered without asking the index.
    scene.forest.broken.store(true, Ordering::SeqCst);
    assert!(matches!(value("security.selinux"), Err(VfsError::NoAttribute)));
}

#[tokio::test]
async fn of_another_index_nothing_holds_that_was_listed_before() {
    let scene = scene();
    let opened = scene.vfs.opendir(1000).unwrap();
    assert_eq!(scene.vfs.page(opened.handle, 0).unwrap().entries().count(), 4);
    assert_eq!([ROOT, 2000].map(|ino| scene.vfs.generation(ino)), [0, 0]);
    scene.vfs.changed(TreeChange { anew: true, ..TreeChange::default() });
    assert!(matches!(scene.vfs.page(opened.handle, 0), Err(VfsError::Unlisted)), "it may be short");
    assert_eq!(scene.vfs.opendir(1000).unwrap().caching, Caching::Fresh);
    assert_eq!([ROOT, 2, 2000].map(|ino| scene.vfs.generation(ino)), [0, 0, 1]);
}

#[tokio::test]
async fn the_root_can_be_gone_through_while_the_index_is_not_to_be_asked() {
    let scene = scene();
    scene.forest.broken.store(true, Ordering::SeqCst);
    assert_eq!(scene.vfs.getattr(ROOT, None).unwrap().0.kind, NodeKind::Directory);
    assert!(scene.vfs.lookup(ROOT, OsStr::new(".photosfs")).unwrap().attributes.is_some());
    assert_eq!(scene.vfs.opendir(ROOT).unwrap_err().errno(), libc::EIO);
    assert_eq!(scene.vfs.lookup(ROOT, OsStr::new("Years")).unwrap_err().errno(), libc::EIO);
}
