//! A real mount over a tree and a source in memory. Needs /dev/fuse and root; without them these tests fail.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use photosfs::fuse::{self, Gone, MountError, MountOptions, Mounted};
use photosfs::index::ROOT;
use photosfs::photos::Checksum;
use photosfs::vfs::{ChangeListener, TreeChange, Vfs};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::fake::{Fault, Forest, Shelf, bytes, vfs};

const MIB: usize = 1024 * 1024;

/// A mounted library of four originals, one of them in two places.
struct Library {
    // Dropped in this order: the mount before its runtime and its folder.
    mounted: Option<Mounted>,
    vfs: Arc<Vfs>,
    forest: Arc<Forest>,
    shelf: Arc<Shelf>,
    bodies: Vec<(&'static str, Bytes)>,
    runtime: Runtime,
    folder: TempDir,
}

impl Library {
    fn new() -> Library {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("mnt")).unwrap();
        let (forest, shelf) = (Arc::new(Forest::new()), Arc::new(Shelf::default()));
        let bodies = vec![
            ("Years/2024/2024-03/IMG_0001.JPG", bytes(1, 300_001)),
            ("Years/2024/2024-03/IMG_0002 (edited).HEIC", bytes(2, 2 * MIB)),
            ("Years/2024/2024-03/Grüße 🌊.MOV", bytes(3, 21 * MIB + 9)),
            ("Years/2024/2024-03/empty.XMP", Bytes::new()),
        ];
        let years = forest.directory(ROOT, "Years", 1000);
        let year = forest.directory(years, "2024", 1001);
        let month = forest.directory(year, "2024-03", 1002);
        for (ino, (path, body)) in (2000..).zip(&bodies) {
            let name = path.rsplit('/').next().unwrap();
            forest.file(month, name, ino, shelf.put(name, body.clone()));
        }
        let albums = forest.directory(ROOT, "Albums", 1003);
        forest.link(albums, "IMG_0001.JPG", 2000);
        forest.symlink(albums, "latest", 3000, "../Years/2024/2024-03/IMG_0001.JPG");
        let vfs = {
            let _inside = runtime.enter();
            vfs(folder.path(), &forest, &shelf)
        };
        let mut library = Library { mounted: None, vfs, forest, shelf, bodies, runtime, folder };
        library.mounted = Some(library.mount().unwrap());
        library
    }

    fn point(&self) -> PathBuf {
        self.folder.path().join("mnt")
    }

    fn mount(&self) -> Result<Mounted, MountError> {
        fuse::mount(self.vfs.clone(), &self.point(), MountOptions::default(), self.runtime.handle().clone())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.point().join(path)
    }

    fn first(&self) -> PathBuf {
        self.path(self.bodies[0].0)
    }

    /// Bytes that were fetched of it. Copying it has the next files fetched too.
    fn fetched_of_film(&self) -> u64 {
        self.shelf.given_of(self.bodies[2].0.rsplit('/').next().unwrap())
    }

    /// The third, large original: its path, its bytes, and where the cache keeps it.
    fn film(&self) -> (PathBuf, Bytes, PathBuf) {
        let (path, body) = &self.bodies[2];
        let name = Checksum::of(body).file_name();
        let kept = self.folder.path().join("originals").join(&name[name.len() - 2..]).join(&name);
        (self.path(path), body.clone(), kept)
    }
}

fn run(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let output = Command::new(program).args(arguments.iter().map(|argument| argument.as_ref())).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn kind_of_mount_on(point: &Path) -> Option<String> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    let on_point = |line: &&str| line.split(' ').nth(1) == point.to_str();
    table.lines().rfind(on_point).map(|line| line.split(' ').nth(2).unwrap().to_owned())
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn tools_copy_every_byte_and_find_nothing_to_do_the_second_time() {
    let library = Library::new();
    let (copy, synced) = (library.folder.path().join("cp"), library.folder.path().join("rsync"));
    run("cp", &[&"-a", &library.point(), &copy]);
    for (path, body) in &library.bodies {
        assert!(fs::read(copy.join(path)).unwrap() == *body, "{path}");
    }
    let source = format!("{}/", library.point().display());
    run("rsync", &[&"-aH", &source, &synced]);
    for (path, body) in &library.bodies {
        assert!(fs::read(synced.join(path)).unwrap() == *body, "{path}");
    }
    let linked = fs::metadata(synced.join("Albums/IMG_0001.JPG")).unwrap();
    assert_eq!((linked.nlink(), linked.ino()), (2, fs::metadata(synced.join(library.bodies[0].0)).unwrap().ino()));
    let (requests, before) = (library.shelf.requests(), library.shelf.given());
    let total: usize = library.bodies.iter().map(|(_, body)| body.len()).sum();
    assert_eq!(before, total as u64, "each byte was fetched once, for two copies");
    let second = run("rsync", &[&"-aHi", &source, &synced]);
    assert_eq!(String::from_utf8_lossy(&second.stdout), "", "nothing to do");
    assert_eq!((library.shelf.requests(), library.shelf.given()), (requests, before));
}

#[test]
fn attributes_are_the_indexes() {
    let library = Library::new();
    let first = fs::metadata(library.first()).unwrap();
    assert_eq!((first.ino(), first.size(), first.nlink(), first.mode()), (2000, 300_001, 2, 0o100_444));
    assert_eq!((first.blocks(), first.uid(), first.gid()), (586, 0, 0));
    let since = first.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    assert_eq!(since.as_nanos(), 1_400_000_000_000_000_000 + 2000 * 1_000_000_007);
    let root = fs::metadata(library.point()).unwrap();
    assert_eq!((root.ino(), root.nlink(), root.mode()), (1, 5, 0o40_555));
    assert_eq!(
        fs::read_link(library.path("Albums/latest")).unwrap().to_str().unwrap(),
        "../Years/2024/2024-03/IMG_0001.JPG"
    );
    assert_eq!(fs::metadata(library.path("Albums/latest")).unwrap().ino(), 2000);
    let listing = String::from_utf8(run("ls", &[&"-AR", &library.point()]).stdout).unwrap();
    for name in ["IMG_0001.JPG", "Grüße 🌊.MOV", ".photosfs", "status.json", "latest"] {
        assert!(listing.contains(name), "{listing}");
    }
    assert!(!listing.contains(".nomedia") && library.path(".nomedia").exists());
    assert_eq!(fs::metadata(library.path("nothing")).unwrap_err().kind(), ErrorKind::NotFound);
    let disk = nix::sys::statvfs::statvfs(&library.point()).unwrap();
    assert_eq!((disk.files(), disk.blocks_free()), (4, 0));
    let bytes: usize = library.bodies.iter().map(|(_, body)| body.len()).sum();
    assert_eq!(disk.blocks() as usize, bytes.div_ceil(4096));
}

#[test]
fn status_is_a_file_that_can_be_read() {
    let library = Library::new();
    let path = library.path(".photosfs/status.json");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.trim_end(), "{\"state\": \"calm\"}");
    assert_eq!(fs::metadata(&path).unwrap().len() as usize, text.len());
}

#[test]
fn extended_attributes_tell_of_the_photo() {
    let library = Library::new();
    let script = "import os,sys\np=sys.argv[1]\n\
                  print(sorted(os.listxattr(p)))\n\
                  print(os.getxattr(p,'user.photosfs.asset').decode(), os.getxattr(p,'user.photosfs.favorite').decode())\n\
                  try: os.getxattr(p,'user.photosfs.none')\n\
                  except OSError as e: print(e.errno)\n\
                  print(os.listxattr(os.path.dirname(p)))";
    let said = run("python3", &[&"-c", &script, &library.first()]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("'user.photosfs.checksum'") && said.contains("asset-of-IMG_0001.JPG 1\n61\n[]\n"), "{said}");
}

#[test]
fn writing_is_refused() {
    let library = Library::new();
    let rofs = |outcome: std::io::Result<()>| {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    };
    rofs(fs::write(library.path("new"), "x"));
    rofs(fs::File::options().append(true).open(library.first()).map(drop));
    rofs(fs::create_dir(library.path("dir")));
    rofs(fs::remove_file(library.first()));
    rofs(fs::rename(library.first(), library.path("other")));
    rofs(fs::set_permissions(library.first(), std::os::unix::fs::PermissionsExt::from_mode(0o644)));
    rofs(std::os::unix::fs::symlink("a", library.path("b")));
}

#[test]
fn trouble_is_an_input_output_error_and_passes() {
    let library = Library::new();
    library.forest.broken.store(true, Ordering::SeqCst);
    let errno = |outcome: std::io::Result<fs::Metadata>| outcome.unwrap_err().raw_os_error();
    assert_eq!(errno(fs::metadata(library.first())), Some(libc::EIO));
    assert_eq!(fs::read_dir(library.point()).unwrap_err().raw_os_error(), Some(libc::EIO));
    library.forest.broken.store(false, Ordering::SeqCst);
    library.shelf.plan(|_, _| Fault::Fail);
    assert_eq!(fs::read(library.first()).unwrap_err().raw_os_error(), Some(libc::EIO));
    library.shelf.plan(|_, _| Fault::None);
    assert!(fs::read(library.first()).unwrap() == library.bodies[0].1);
}

#[test]
fn a_panic_in_a_handler_is_one_requests_error() {
    let library = Library::new();
    library.forest.panics.store(true, Ordering::SeqCst);
    for _ in 0..8 {
        assert_eq!(fs::metadata(library.first()).unwrap_err().raw_os_error(), Some(libc::EIO));
    }
    library.forest.panics.store(false, Ordering::SeqCst);
    library.shelf.plan(|_, _| Fault::Panic);
    assert_eq!(fs::read(library.first()).unwrap_err().raw_os_error(), Some(libc::EIO));
    library.shelf.plan(|_, _| Fault::None);
    assert!(fs::read(library.first()).unwrap() == library.bodies[0].1);
}

#[test]
fn a_download_that_waits_holds_up_nobody_else() {
    let library = Library::new();
    // Also what is read ahead, which may be asked for first.
    library.shelf.plan(|_, _| Fault::Held);
    let slow = library.first();
    let reader = std::thread::spawn(move || fs::read(slow).unwrap());
    eventually("the download has begun", || library.shelf.requests() > 0);
    run("ls", &[&"-lAR", &library.point()]);
    assert!(!reader.is_finished());
    library.shelf.let_go();
    assert!(reader.join().unwrap() == library.bodies[0].1);
}

#[test]
fn offline_and_not_here_fails_at_open() {
    let library = Library::new();
    fs::read(library.first()).unwrap();
    library.shelf.go_offline(true);
    assert!(fs::read(library.first()).unwrap() == library.bodies[0].1);
    // Another one of which nothing was read: reading ahead fetches a file's neighbours.
    let library = Library::new();
    library.shelf.go_offline(true);
    let error = fs::File::open(library.first()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
}

#[test]
fn changes_are_seen_at_once_and_open_files_stay() {
    let library = Library::new();
    let month = library.path("Years/2024/2024-03");
    let names = || {
        let mut names: Vec<_> = fs::read_dir(&month).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!((names().len(), names().len()), (4, 4));
    let open = fs::File::open(library.first()).unwrap();
    assert!(!month.join("new.JPG").exists());
    library.forest.remove(1002, "IMG_0001.JPG");
    library.forest.file(1002, "new.JPG", 2100, library.shelf.put("new", bytes(77, 5000)));
    library.forest.write(2001, |node| node.mtime += 1_000_000_000);
    let before = fs::metadata(library.path(library.bodies[1].0)).unwrap().mtime();
    library.vfs.changed(TreeChange {
        entries: vec![(1002, "IMG_0001.JPG".into()), (1002, "new.JPG".into())],
        attributes: vec![2001],
        directories: vec![1002],
        ..TreeChange::default()
    });
    eventually("the old name is gone", || !library.first().exists());
    eventually("the new name is there", || month.join("new.JPG").exists());
    assert!(names().contains(&"new.JPG".into()) && !names().contains(&"IMG_0001.JPG".into()));
    assert!(fs::read(month.join("new.JPG")).unwrap() == bytes(77, 5000));
    eventually("the new time", || fs::metadata(library.path(library.bodies[1].0)).unwrap().mtime() == before + 1);
    let mut all = vec![0; 300_001];
    open.read_exact_at(&mut all, 0).unwrap();
    assert!(all == library.bodies[0].1);
    assert_eq!(open.metadata().unwrap().len(), 300_001);
}

/// A new index in the place of a damaged one may give two files the number of the other. Nothing the kernel has of them may be
/// seen under the other's name.
#[test]
fn an_index_that_is_another_may_have_the_same_numbers_stand_for_other_files() {
    let library = Library::new();
    let (first, second) = (library.first(), library.path(library.bodies[1].0));
    let names = |directory: &Path| fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    let month = library.path("Years/2024/2024-03");
    assert_eq!(
        (fs::read(&first).unwrap(), fs::read(&second).unwrap()),
        (library.bodies[0].1.to_vec(), library.bodies[1].1.to_vec())
    );
    assert_eq!((names(&month).len(), names(&month).len()), (4, 4));
    let open = fs::File::open(&first).unwrap();
    let _inside = fs::File::open(&month).unwrap();
    library.forest.broken.store(true, Ordering::SeqCst);
    library.vfs.changed(TreeChange { anew: true, ..TreeChange::default() });
    assert_eq!(
        fs::read_dir(&month).unwrap_err().raw_os_error(),
        Some(libc::EIO),
        "the listing it has is of the other index"
    );
    for (ino, (path, body)) in [2001, 2000].into_iter().zip(&library.bodies) {
        let name = path.rsplit('/').next().unwrap();
        library.forest.file(1002, name, ino, library.shelf.put(name, body.clone()));
    }
    library.forest.remove(1002, "empty.XMP");
    let top = ["Albums", "Years"].map(|name| (ROOT, name.to_owned())).to_vec();
    library.vfs.changed(TreeChange { anew: true, entries: top, directories: vec![ROOT], ..TreeChange::default() });
    library.forest.broken.store(false, Ordering::SeqCst);
    eventually("the files have their new numbers", || fs::metadata(&first).is_ok_and(|found| found.ino() == 2001));
    let mut part = vec![0; 4096];
    let read = open.read_at(&mut part, 0);
    assert!(read.is_err() || part == library.bodies[0].1[..4096], "its own bytes or an error: {read:?}");
    drop(open);
    // A number is read by the kernel from one file at a time: until that is closed, opening the other is an error.
    eventually("both are read", || fs::File::open(&first).is_ok() && fs::File::open(&second).is_ok());
    for (path, body) in [(&first, &library.bodies[0].1), (&second, &library.bodies[1].1)] {
        assert!(fs::metadata(path).unwrap().len() == body.len() as u64 && fs::read(path).unwrap() == *body);
    }
    assert_eq!(names(&month).len(), 3);
}

/// The kernel may keep a name for an hour: one that is gone must be told, however many there are.
#[test]
fn of_very_many_changes_each_is_seen_at_once() {
    const FILES: u64 = TreeChange::MOST as u64 + 10_000;
    let library = Library::new();
    let (many, file) = (library.forest.directory(ROOT, "many", 5000), library.shelf.put("one", bytes(1, 10)));
    let name = |n: u64| format!("IMG_{n:05}.JPG");
    let probed = [0, 7, FILES / 2, FILES - 2, FILES - 1];
    for n in probed {
        library.forest.file(many, &name(n), 10_000 + n, file.clone());
    }
    let known = || probed.into_iter().filter(|n| fs::metadata(library.path("many").join(name(*n))).is_ok()).count();
    let _open = fs::File::open(library.path("many").join(name(7))).unwrap();
    assert_eq!(known(), probed.len());
    probed.iter().for_each(|n| library.forest.remove(many, &name(*n)));
    assert_eq!(known(), probed.len(), "the kernel asks nobody");
    let before = fs::metadata(library.path(library.bodies[1].0)).unwrap().mtime();
    library.forest.write(2001, |node| node.mtime += 1_000_000_000);
    let mut change = TreeChange { attributes: vec![2001], directories: vec![many], ..TreeChange::default() };
    for n in 0..FILES {
        change.extend(TreeChange { entries: vec![(many, name(n))], ..TreeChange::default() });
    }
    change.extend(TreeChange { attributes: (10_000..10_000 + FILES).collect(), ..TreeChange::default() });
    assert!(!change.aside.is_empty() && change.entries.len() < FILES as usize);
    library.vfs.changed(change);
    eventually("no name that is gone", || known() == 0);
    eventually("the new time", || fs::metadata(library.path(library.bodies[1].0)).unwrap().mtime() == before + 1);
}

#[test]
fn a_listing_stays_what_it_was_when_it_was_begun() {
    let library = Library::new();
    let many = library.forest.directory(ROOT, "many", 1010);
    for n in 0..3000 {
        library.forest.file(many, &format!("IMG_{n:04}.JPG"), 10_000 + n, library.shelf.put("one", bytes(1, 10)));
    }
    let mut listing = fs::read_dir(library.path("many")).unwrap();
    let mut seen: Vec<_> = listing.by_ref().take(100).map(|e| e.unwrap().file_name()).collect();
    for n in (0..3000).step_by(2) {
        library.forest.remove(many, &format!("IMG_{n:04}.JPG"));
    }
    library.vfs.changed(TreeChange { directories: vec![many], ..TreeChange::default() });
    seen.extend(listing.map(|e| e.unwrap().file_name()));
    seen.dedup();
    assert_eq!(seen.len(), 3000);
    eventually("a new listing", || fs::read_dir(library.path("many")).unwrap().count() == 1500);
    assert_eq!(fs::read_dir(library.path("many")).unwrap().count(), 1500);
}

/// The kernel lets who is in the middle of a directory go on in the listing that another has read since, and adds what both
/// read to one listing that it keeps (fuse.md §3): neither may be without a photo that was there all the time.
#[test]
fn who_lists_a_directory_while_it_changes_and_another_lists_it_sees_all_of_it() {
    // More than readdir(3) takes at once.
    const FILES: u64 = 40_000;
    let library = Library::new();
    let (many, file) = (library.forest.directory(ROOT, "many", 5000), library.shelf.put("one", bytes(1, 10)));
    for n in 0..FILES {
        library.forest.file(many, &format!("IMG_{n:05}.JPG"), 10_000 + n, file.clone());
    }
    let open =
        || fs::read_dir(library.path("many")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let change = |gone: &str, comes: &str, ino: u64| {
        library.forest.remove(many, gone);
        library.forest.file(many, comes, ino, file.clone());
        let entries = vec![(many, gone.into()), (many, comes.into())];
        library.vfs.changed(TreeChange { entries, directories: vec![many], ..TreeChange::default() });
        eventually("the kernel has been told", || !library.path("many").join(gone).exists());
    };
    // Before the place where the first reader is, and behind it.
    let changes = [("IMG_00000.JPG", "Z.JPG"), ("IMG_39999.JPG", "A.JPG"), ("IMG_39998.JPG", "Y.JPG")];
    for (ino, (gone, comes)) in (1_000_000..).zip(changes) {
        for is_read_to_its_end_first in [true, false] {
            let before = sorted(open().collect());
            let mut early = open();
            let mut seen = vec![early.next().unwrap()];
            change(gone, comes, ino);
            let mut late = open();
            let mut second = vec![late.next().unwrap()];
            if is_read_to_its_end_first {
                second.extend(&mut late);
            }
            seen.extend(&mut early);
            second.extend(&mut late);
            let after = sorted(before.iter().filter(|name| *name != gone).cloned().chain([comes.into()]).collect());
            let case = format!("{gone} goes, the other reads all of it first: {is_read_to_its_end_first}");
            assert!(sorted(seen) == before, "{case}: the first");
            assert!(sorted(second) == after, "{case}: the second");
            assert!(sorted(open().collect()) == after, "{case}: the third");
            change(comes, gone, ino + 1000);
        }
    }
}

#[test]
fn it_shows_as_photosfs_and_goes_when_told() {
    let mut library = Library::new();
    assert_eq!(kind_of_mount_on(&library.point()).as_deref(), Some("fuse.photosfs"));
    assert!(matches!(library.mount(), Err(MountError::AlreadyOurs(_))));
    let mounted = library.mounted.take().unwrap();
    library.runtime.block_on(mounted.unmount()).unwrap();
    assert_eq!(kind_of_mount_on(&library.point()), None);
    library.mounted = Some(library.mount().unwrap());
    assert!(fs::read(library.first()).unwrap() == library.bodies[0].1);
    // By hand, as another process does it.
    assert_eq!(fuse::unmount(&library.point()).unwrap(), Gone::Free);
    let mounted = library.mounted.take().unwrap();
    library.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), mounted.wait()).await }).unwrap();
    assert!(matches!(fuse::unmount(&library.point()), Err(MountError::NotMounted(_))));
}

#[test]
fn open_files_are_read_to_the_end_after_the_unmount() {
    let mut library = Library::new();
    let mut open = fs::File::open(library.first()).unwrap();
    let (mounted, point) = (library.mounted.take().unwrap(), library.point());
    let read = Arc::new(AtomicBool::new(false));
    let reading = std::thread::spawn({
        let read = read.clone();
        move || {
            eventually("it is detached", || kind_of_mount_on(&point).is_none());
            let mut all = Vec::new();
            open.read_to_end(&mut all).unwrap();
            read.store(true, Ordering::SeqCst);
            all
        }
    });
    library.runtime.block_on(mounted.unmount()).unwrap();
    assert!(read.load(Ordering::SeqCst), "it ends with the last file, not sooner");
    assert!(reading.join().unwrap() == library.bodies[0].1);
}

#[test]
fn busy_mounts_are_detached() {
    let library = Library::new();
    let open = fs::File::open(library.first()).unwrap();
    assert_eq!(fuse::unmount(&library.point()).unwrap(), Gone::Busy);
    assert_eq!(kind_of_mount_on(&library.point()), None);
    drop(open);
}

/// Whether the kernel reads this original by itself: what changes in the cache's file is then seen at once, where pages
/// of ours would still be the old ones. The byte is put back, and the file's time: one that somebody has modified is
/// compared anew before the kernel gets it.
fn is_passed_through(open: &fs::File, kept: &Path) -> bool {
    let file = fs::File::options().read(true).write(true).open(kept).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    let mut byte = [0];
    let mut read = |from: &fs::File| {
        from.read_exact_at(&mut byte, 5000).unwrap();
        byte[0]
    };
    let before = read(open);
    file.write_all_at(&[!before], 5000).unwrap();
    let after = read(open);
    file.write_all_at(&[before], 5000).unwrap();
    file.set_modified(modified).unwrap();
    after != before
}

fn all_of(open: &fs::File) -> Vec<u8> {
    let mut bytes = vec![0; open.metadata().unwrap().len() as usize];
    open.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// Opens a file once its earlier handles are all released, which happens after close() has returned.
fn opened_anew(path: &Path, kept: &Path) -> fs::File {
    let mut open = fs::File::open(path).unwrap();
    eventually("the kernel reads it by itself", || {
        let passed = is_passed_through(&open, kept);
        if !passed {
            // Closed before it is opened again.
            open = fs::File::open("/dev/null").unwrap();
            open = fs::File::open(path).unwrap();
        }
        passed
    });
    open
}

#[test]
fn whole_originals_are_read_by_the_kernel_itself() {
    let library = Library::new();
    let (path, body, kept) = library.film();
    let early = fs::File::open(&path).unwrap();
    let mut first = [0; 9];
    early.read_exact_at(&mut first, 0).unwrap();
    assert!(first == body[..9]);
    // It becomes whole while it is open: the handles that come later are served as the first one is.
    assert!(fs::read(&path).unwrap() == body);
    eventually("it is whole", || kept.exists());
    let late = fs::File::open(&path).unwrap();
    assert!(!is_passed_through(&late, &kept));
    assert!(all_of(&late) == body && all_of(&early) == body);
    drop((early, late));
    let open = opened_anew(&path, &kept);
    let second = fs::File::open(&path).unwrap();
    assert!(is_passed_through(&second, &kept));
    assert!(all_of(&open) == body && all_of(&second) == body);
    assert_eq!(library.fetched_of_film(), body.len() as u64);
    // Asked for ahead of reading, such a file is asked of us all the same (fuse.md §5.12).
    nix::fcntl::posix_fadvise(&open, 0, 0, nix::fcntl::PosixFadviseAdvice::POSIX_FADV_WILLNEED).unwrap();
    let copy = library.folder.path().join("copy");
    run("cp", &[&path, &copy]);
    assert!(fs::read(&copy).unwrap() == body);
}

#[test]
fn an_original_taken_from_the_cache_while_it_is_open_stays_readable() {
    let library = Library::new();
    let (path, body, kept) = library.film();
    assert!(fs::read(&path).unwrap() == body);
    let open = opened_anew(&path, &kept);
    fs::remove_file(&kept).unwrap();
    assert!(all_of(&open) == body);
    let second = fs::File::open(&path).unwrap();
    assert!(all_of(&second) == body);
    assert_eq!(library.fetched_of_film(), body.len() as u64);
    drop((open, second));
    eventually("it is fetched again", || {
        assert!(fs::read(&path).unwrap() == body);
        library.fetched_of_film() == 2 * body.len() as u64
    });
}

#[test]
fn an_original_cut_by_somebody_else_is_not_handed_to_the_kernel() {
    let library = Library::new();
    let (path, body, kept) = library.film();
    assert!(fs::read(&path).unwrap() == body);
    let open = opened_anew(&path, &kept);
    fs::File::options().write(true).open(&kept).unwrap().set_len(100).unwrap();
    assert_eq!(fs::File::open(&path).unwrap_err().raw_os_error(), Some(libc::EIO));
    drop(open);
    eventually("it is fetched again", || fs::read(&path).is_ok_and(|bytes| bytes == body));
    // Cut while nobody has it open, it is found out before anybody reads it.
    eventually("it is whole", || kept.exists());
    eventually("it is closed", || {
        fs::File::options().write(true).open(&kept).unwrap().set_len(100).unwrap();
        fs::read(&path).is_ok_and(|bytes| bytes == body)
    });
}

#[test]
fn two_thousand_originals_are_open_at_once() {
    let library = Library::new();
    let many = library.forest.directory(ROOT, "many", 1010);
    let body_of = |n: u64| bytes(5000 + n, 1000 + n as usize);
    for n in 0..2000 {
        let resource = library.shelf.put(&format!("many {n}"), body_of(n));
        library.forest.file(many, &format!("IMG_{n:04}.JPG"), 10_000 + n, resource);
    }
    let path = |n: u64| library.path(&format!("many/IMG_{n:04}.JPG"));
    for n in 0..2000 {
        assert!(fs::read(path(n)).unwrap() == body_of(n), "{n}");
    }
    let open: Vec<_> = (0..2000).map(|n| fs::File::open(path(n)).unwrap()).collect();
    for (n, file) in (0..).zip(&open) {
        assert!(all_of(file) == body_of(n), "{n}");
    }
}

fn tmpfs(point: &Path) {
    mount(Some("tmpfs"), point, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
}

#[test]
fn a_strangers_mount_is_left_alone() {
    let mut library = Library::new();
    let point = library.point();
    // Ours is taken away and a stranger's put in its place, while our session still runs for an open file.
    let open = fs::File::open(library.first()).unwrap();
    umount2(&point, MntFlags::MNT_DETACH).unwrap();
    tmpfs(&point);
    let mounted = library.mounted.take().unwrap();
    assert!(matches!(library.runtime.block_on(mounted.unmount()), Err(MountError::NotMounted(_))));
    drop(open);
    assert_eq!(kind_of_mount_on(&point).as_deref(), Some("tmpfs"));
    assert!(matches!(library.mount(), Err(MountError::AlreadyMounted { .. })));
    assert!(matches!(fuse::unmount(&point), Err(MountError::NotMounted(_))));
    assert_eq!(kind_of_mount_on(&point).as_deref(), Some("tmpfs"));
    umount2(&point, MntFlags::empty()).unwrap();
}

#[test]
fn a_mount_upon_ours_is_left_alone() {
    let mut library = Library::new();
    let point = library.point();
    tmpfs(&point);
    let mounted = library.mounted.take().unwrap();
    assert!(matches!(library.runtime.block_on(mounted.unmount()), Err(MountError::Covered { .. })));
    assert_eq!(kind_of_mount_on(&point).as_deref(), Some("tmpfs"));
    umount2(&point, MntFlags::empty()).unwrap();
    fuse::unmount(&point).unwrap();
}

#[test]
fn a_mount_whose_process_died_is_cleared_away() {
    let library = Library::new();
    let point = library.point();
    fuse::unmount(&point).unwrap();
    // As a killed process leaves it: mounted, the device closed.
    let device = fs::File::options().read(true).write(true).open("/dev/fuse").unwrap();
    let data = format!("fd={},rootmode=40000,user_id=0,group_id=0", std::os::fd::AsRawFd::as_raw_fd(&device));
    mount(Some("photosfs"), &point, Some("fuse.photosfs"), MsFlags::MS_RDONLY, Some(data.as_str())).unwrap();
    drop(device);
    assert_eq!(fs::metadata(&point).unwrap_err().raw_os_error(), Some(libc::ENOTCONN));
    let _mounted = library.mount().unwrap();
    assert!(fs::read(library.first()).unwrap() == library.bodies[0].1);
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    assert_eq!(table.matches(point.to_str().unwrap()).count(), 1, "the dead one is gone");
}

#[test]
fn bad_mount_points_are_named() {
    let library = Library::new();
    let handle = library.runtime.handle();
    let mount_on = |path: &Path| fuse::mount(library.vfs.clone(), path, MountOptions::default(), handle.clone());
    let missing = library.folder.path().join("missing");
    assert!(matches!(mount_on(&missing), Err(MountError::NoMountPoint(_))));
    let file = library.folder.path().join("file");
    fs::File::create(&file).unwrap().write_all(b"x").unwrap();
    assert!(matches!(mount_on(&file), Err(MountError::NotADirectory(_))));
}

/// Set for the half of the next test that runs as a user.
const AS_USER: &str = "PHOTOSFS_TEST_AS_USER";

/// As nobody, with a device that nobody may open, in a mount namespace of its own: the machine stays as it is.
#[test]
fn a_user_mounts_through_fusermount3() {
    if std::env::var_os(AS_USER).is_some() {
        return as_a_user();
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "set -e; mknod -m 666 \"$1/fuse\" c 10 229; mount --bind \"$1/fuse\" /dev/fuse; shift; \
                  exec setpriv --reuid 65534 --regid 65534 --clear-groups -- \"$@\"";
    let this = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .arg(this)
        .args(["--exact", "mount::a_user_mounts_through_fusermount3", "--nocapture"])
        .env(AS_USER, "1")
        .env("TMPDIR", "/tmp")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("read as user 65534"), "{said}");
}

fn as_a_user() {
    let mut library = Library::new();
    assert_eq!(kind_of_mount_on(&library.point()).as_deref(), Some("fuse.photosfs"));
    for (path, body) in &library.bodies {
        for _ in 0..2 {
            assert!(fs::read(library.path(path)).unwrap() == *body, "{path}");
        }
    }
    let (path, body, kept) = library.film();
    let open = fs::File::open(path).unwrap();
    assert!(!is_passed_through(&open, &kept) && all_of(&open) == body, "a user is served by us");
    drop(open);
    println!("read as user {}", nix::unistd::getuid());
    let allowing = MountOptions { allow_other: true };
    let second = library.folder.path().join("second");
    fs::create_dir(&second).unwrap();
    let refused = fuse::mount(library.vfs.clone(), &second, allowing, library.runtime.handle().clone());
    assert!(matches!(refused, Err(MountError::AllowOther)), "{:?}", refused.err());
    let open = fs::File::open(library.first()).unwrap();
    assert_eq!(fuse::unmount(&library.point()).unwrap(), Gone::Busy);
    drop(open);
    let mounted = library.mounted.take().unwrap();
    library.runtime.block_on(mounted.wait());
    library.mounted = Some(library.mount().unwrap());
    let mounted = library.mounted.take().unwrap();
    library.runtime.block_on(mounted.unmount()).unwrap();
    assert_eq!(kind_of_mount_on(&library.point()), None);
}

/// A directory stream of the C library: positions can be asked for and gone back to, which std's cannot.
struct Stream(*mut libc::DIR);

impl Stream {
    fn open(path: &Path) -> Stream {
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the path is a string that ends.
        let stream = unsafe { libc::opendir(path.as_ptr()) };
        assert!(!stream.is_null());
        Stream(stream)
    }

    /// Where the stream is, and the name that it reads there; `None` at the end.
    fn next(&self) -> Option<(libc::c_long, String)> {
        // SAFETY: the stream is open until it is dropped, and an entry is read before the next one is asked for.
        unsafe {
            let at = libc::telldir(self.0);
            let entry = libc::readdir(self.0);
            let name = (!entry.is_null()).then(|| std::ffi::CStr::from_ptr((*entry).d_name.as_ptr()))?;
            Some((at, name.to_str().unwrap().to_owned()))
        }
    }

    fn go_back(&self, to: libc::c_long) {
        // SAFETY: the stream is open, and the position is one that it told.
        unsafe { libc::seekdir(self.0, to) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: it was opened, and nobody has it any more.
        unsafe { libc::closedir(self.0) };
    }
}

#[test]
fn places_in_a_huge_directory_hold_while_files_come_and_go() {
    const FILES: u64 = 100_000;
    let library = Library::new();
    let huge = library.forest.directory(ROOT, "Huge", 900_000);
    let file = library.shelf.put("huge", bytes(9, 100));
    for n in 0..FILES {
        library.forest.file(huge, &format!("IMG_{n:06}.JPG"), 1_000_000 + n, file.clone());
    }
    library.vfs.changed(TreeChange { directories: vec![ROOT], ..TreeChange::default() });
    let stream = Stream::open(&library.path("Huge"));
    let mut seen = Vec::new();
    while let Some(entry) = stream.next() {
        seen.push(entry);
        if seen.len() as u64 == FILES / 2 {
            library.forest.remove(huge, "IMG_000007.JPG");
            library.forest.remove(huge, "IMG_099000.JPG");
            library.forest.file(huge, "IMG_000000a.JPG", 800_000, file.clone());
            let entries = [7, 99_000].map(|n| (huge, format!("IMG_{n:06}.JPG"))).to_vec();
            library.vfs.changed(TreeChange { entries, directories: vec![huge], ..TreeChange::default() });
        }
    }
    assert_eq!(seen.len() as u64, FILES + 2);
    let names: std::collections::BTreeSet<&str> = seen.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names.len(), seen.len(), "each once");
    for (at, name) in seen.iter().step_by(9_973).rev().chain(&seen[99_990..]).chain(&seen[..3]) {
        stream.go_back(*at);
        assert_eq!(stream.next().as_ref().map(|(_, name)| name), Some(name), "at {at}");
    }
    let names = || fs::read_dir(library.path("Huge")).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    eventually("a new listing shows what came and went", || {
        let names = names();
        names.len() as u64 == FILES - 1 && names.contains(&"IMG_000000a.JPG".into())
    });
}
