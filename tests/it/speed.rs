//! What is fetched before it is asked for, and what is not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use photosfs::index::ROOT;
use photosfs::vfs::Vfs;
use tempfile::TempDir;

use crate::fake::{Fault, Forest, Shelf, bytes, content, vfs};

const MIB: usize = 1024 * 1024;
const SIZE: usize = 20_000;
const FILES: u64 = 50;

/// Three directories of fifty files each, whose inode numbers run against their names.
struct Library {
    vfs: Arc<Vfs>,
    shelf: Arc<Shelf>,
    _folder: TempDir,
}

/// The inode of the file that comes so many places after the first by name.
fn ino(directory: u64, place: u64) -> u64 {
    directory * 1000 + 999 - place
}

impl Library {
    fn new() -> Library {
        let folder = tempfile::tempdir().unwrap();
        let (forest, shelf) = (Arc::new(Forest::new()), Arc::new(Shelf::default()));
        for directory in 1..=3 {
            let month = forest.directory(ROOT, &format!("2024-0{directory}"), 100 + directory);
            for place in 0..FILES {
                let name = format!("IMG_{place:04}.JPG");
                let resource = shelf.put(&format!("{directory}/{name}"), body(directory, place));
                forest.file(month, &name, ino(directory, place), resource);
            }
        }
        let vfs = vfs(folder.path(), &forest, &shelf);
        Library { vfs, shelf, _folder: folder }
    }

    async fn read(&self, directory: u64, place: u64) {
        let handle = self.vfs.open(ino(directory, place), false).unwrap().handle;
        let bytes = match self.vfs.read_now(handle, 0, 1 << 20).unwrap() {
            Some(bytes) => bytes,
            None => self.vfs.read(handle, 0, 1 << 20).await.unwrap(),
        };
        self.vfs.release(handle).unwrap();
        assert!(bytes == body(directory, place), "{directory}/{place}");
    }

    /// So many requests once no more come.
    async fn settled(&self) -> u64 {
        let mut before = None;
        while before != Some(self.shelf.requests()) {
            before = Some(self.shelf.requests());
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        self.shelf.requests()
    }
}

fn body(directory: u64, place: u64) -> bytes::Bytes {
    bytes(directory * 100 + place, SIZE)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_by_name_or_by_inode_finds_the_next_files_fetched() {
    for by_name in [true, false] {
        let library = Library::new();
        let place = |n| if by_name { n } else { FILES - 1 - n };
        for n in 0..4 {
            library.read(1, place(n)).await;
        }
        let ahead = library.settled().await;
        assert!((8..=4 + 32).contains(&ahead), "{ahead} files, by name: {by_name}");
        for n in 4..FILES {
            library.read(1, place(n)).await;
        }
        assert!(library.settled().await <= FILES + 2, "of the next directory only the first files are guessed");
        for n in 0..FILES {
            library.read(2, place(n)).await;
            library.read(3, place(n)).await;
        }
        assert_eq!(library.settled().await, 3 * FILES, "each once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_guess_is_ten_photos_or_a_few_films() {
    let library = Library::new();
    library.read(1, 0).await;
    assert_eq!(library.settled().await, 10);

    let folder = tempfile::tempdir().unwrap();
    let (forest, shelf) = (Arc::new(Forest::new()), Arc::new(Shelf::default()));
    let later = forest.directory(ROOT, "later", 99);
    for film in 1..=8 {
        let resource = shelf.put(&format!("film {film}"), vec![film; 17 * MIB].into());
        let folder = if film < 8 { ROOT } else { later };
        forest.file(folder, &format!("{film}.MOV"), 10 + u64::from(film), resource);
    }
    let library = Library { vfs: vfs(folder.path(), &forest, &shelf), shelf, _folder: folder };
    let first = library.vfs.open(11, false).unwrap().handle;
    assert!(library.vfs.read(first, 0, 1 << 20).await.unwrap() == vec![1; MIB]);
    assert_eq!(library.vfs.read_now(first, 0, 1 << 20).unwrap().map(|bytes| bytes.len()), Some(MIB));
    library.settled().await;
    let asked = || library.shelf.names().into_iter().collect::<BTreeSet<String>>();
    assert_eq!(Vec::from_iter(asked()), ["film 1", "film 2", "film 3", "film 4"], "48 MiB of their beginnings");
    for film in 12..18 {
        let handle = library.vfs.open(film, false).unwrap().handle;
        library.vfs.read_now(handle, 0, 1 << 20).unwrap();
    }
    library.settled().await;
    assert_eq!(asked().len(), 7, "none of the next directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_through_everything_fetches_each_file_once() {
    let library = Library::new();
    library.shelf.plan(|_, _| Fault::Late(60));
    for directory in 1..=3 {
        for place in 0..FILES {
            library.read(directory, place).await;
        }
    }
    assert_eq!(library.settled().await, 3 * FILES);
    assert_eq!(library.shelf.given(), 3 * FILES * SIZE as u64);
    let most = library.shelf.most_at_once();
    assert!((4..=10).contains(&most), "several at once, and no more than there are connections: {most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_jumps_opens_or_goes_backwards_gets_nothing_fetched() {
    let library = Library::new();
    for place in [3, 40, 12, 30, 20, 49, 7, 25] {
        library.read(1, place).await;
    }
    for place in 0..FILES {
        let handle = library.vfs.open(ino(2, place), false).unwrap().handle;
        library.vfs.getattr(ino(2, place), Some(handle)).unwrap();
        library.vfs.release(handle).unwrap();
    }
    assert_eq!(library.settled().await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_wrong_guesses_give_up_what_has_not_begun() {
    let library = Library::new();
    for place in 0..6 {
        library.read(1, place).await;
    }
    library.settled().await;
    library.shelf.plan(|_, _| Fault::Late(150));
    // The window moves on; its files are under way or queue. Then the reader is elsewhere.
    for place in 6..20 {
        library.read(1, place).await;
    }
    for (n, place) in [0, 10, 20, 30, 40, 49, 5, 15, 25, 35].into_iter().enumerate() {
        library.read(2 + n as u64 % 2, place).await;
    }
    let asked = library.settled().await;
    assert_eq!(library.settled().await, asked, "nothing goes on");
    assert!(asked < FILES, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_somebody_waits_for_passes_what_is_fetched_ahead() {
    let library = Library::new();
    library.shelf.plan(|_, _| Fault::Late(1000));
    for place in 0..4 {
        library.read(1, place).await;
    }
    let before = library.shelf.names().len();
    library.read(3, 25).await;
    let asked = library.shelf.names();
    let place = asked.iter().position(|name| name == "3/IMG_0025.JPG").expect("it was asked for");
    assert!(place <= before + 10, "next after those that had a connection: {place}, after {before}");
    library.settled().await;
    assert!(library.shelf.names().len() > place + 1, "others were still in the queue");
}

/// The first byte needs its own block only; a reader that goes on has several pieces fetched at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_fetched_in_parallel_as_its_reader_goes_on() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), Arc::new(Shelf::default()));
    let body = bytes(1, 96 * MIB + 5);
    let resource = shelf.put("film", body.clone());
    shelf.plan(|_, _| Fault::Late(40));
    let content = content(folder.path(), &shelf);
    let reader = content.open(&resource);
    assert!(reader.read(0, 4096).await.unwrap() == body[..4096]);
    assert!(shelf.given() <= 256 * 1024, "{}", shelf.given());
    for at in (0..body.len()).step_by(MIB) {
        let bytes = match reader.read_now(at as u64, MIB as u64).unwrap() {
            Some(bytes) => bytes,
            None => reader.read(at as u64, MIB as u64).await.unwrap(),
        };
        assert!(bytes == body[at..(at + MIB).min(body.len())], "{at}");
    }
    assert_eq!(shelf.given(), body.len() as u64, "each block once");
    assert!(shelf.requests() < 60, "{} requests", shelf.requests());
    let most = shelf.most_at_once();
    assert!((4..=10).contains(&most), "several at once, and no more than there are connections: {most}");
    assert!(content.path_if_whole(&resource).is_some(), "checked, out of order as it came");
}
