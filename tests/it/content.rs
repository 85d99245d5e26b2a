//! Originals: fetched, checked, kept, evicted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use photosfs::content::{Content, ContentError, ContentOptions};
use photosfs::http::Hope;
use photosfs::photos::{Checksum, Resource};
use proptest::prelude::*;

use crate::fake::{Fault, Shelf, bytes, content, content_with, options, resource};

const MIB: usize = 1024 * 1024;

fn shelf() -> Arc<Shelf> {
    Arc::new(Shelf::default())
}

async fn whole(content: &Content, resource: &Resource) -> Result<Vec<u8>, ContentError> {
    let reader = content.open(resource);
    let mut all = Vec::new();
    while (all.len() as u64) < resource.size {
        let piece = match reader.read_now(all.len() as u64, 128 * 1024)? {
            Some(piece) => piece,
            None => reader.read(all.len() as u64, 128 * 1024).await?,
        };
        assert!(!piece.is_empty(), "a short read at {}", all.len());
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// Waits for what a task does behind a read.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within a minute: {what}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let found = walk(folder);
    found.into_iter().filter(|path| path.is_file()).collect()
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.iter().flat_map(|path| if path.is_dir() { walk(path) } else { vec![path.clone()] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_original_is_one_request_and_one_file() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(1, 3 * MIB + 17);
    let resource = shelf.put("a", body.clone());
    let cache = content(folder.path(), &shelf);
    assert!(whole(&cache, &resource).await.unwrap() == body);
    assert_eq!((shelf.requests(), shelf.given()), (1, body.len() as u64));
    let files = files(folder.path());
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].ends_with(resource.checksum.file_name()));
    assert!(fs::read(&files[0]).unwrap() == body);
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(cache.used(), body.len() as u64);
    assert!(cache.path_if_whole(&resource).is_some());
    assert!(whole(&cache, &resource).await.unwrap() == body);
    assert_eq!(shelf.requests(), 1, "the second reading came from the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_original_streams_ahead_in_few_requests() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(2, 70 * MIB + 5);
    let resource = shelf.put("a", body.clone());
    let cache = content(folder.path(), &shelf);
    assert!(whole(&cache, &resource).await.unwrap() == body);
    assert_eq!(shelf.given(), body.len() as u64, "no byte twice");
    assert!(shelf.requests() < 90, "{} requests", shelf.requests());
    assert!(cache.path_if_whole(&resource).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_into_a_large_original_fetches_little() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(3, 60 * MIB);
    let resource = shelf.put("a", body.clone());
    let cache = content(folder.path(), &shelf);
    let at = 41 * MIB + 7;
    let piece = cache.read(&resource, at as u64, 1000).await.unwrap();
    assert!(piece == body[at..at + 1000]);
    assert!(shelf.given() <= 128 * 1024, "{}", shelf.given());
}

/// The first of ten requests ends before the others, and its connection is the next one's.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_open_any_more_is_not_begun() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let others: Vec<Resource> = (0..10).map(|n| shelf.put(&format!("other {n}"), bytes(n, 1000))).collect();
    let film = shelf.put("film", bytes(20, 20 * MIB));
    shelf.plan(|number, _| Fault::Late(if number == 1 { 2000 } else { 2500 }));
    let cache = Arc::new(content(folder.path(), &shelf));
    let readers: Vec<_> = others
        .into_iter()
        .map(|other| {
            let cache = cache.clone();
            tokio::spawn(async move { whole(&cache, &other).await.unwrap() })
        })
        .collect();
    eventually("each has its connection", || shelf.requests() == 10).await;
    let left = tokio::time::timeout(Duration::from_millis(20), cache.read(&film, 0, 1000)).await;
    assert!(left.is_err());
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!((shelf.requests(), shelf.given_of("film")), (10, 0));
}

/// Each is asked for once more when the photo is here.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_slow_line_what_is_guessed_gives_way_to_a_photo_that_nobody_foresaw() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let guesses: Vec<Resource> = (0..5).map(|n| shelf.put(&format!("guess {n}"), bytes(n, 3 * MIB))).collect();
    let body = bytes(20, 2 * MIB);
    let photo = shelf.put("photo", body.clone());
    shelf.plan(|_, _| Fault::Slow(100));
    let cache = content(folder.path(), &shelf);
    guesses.iter().for_each(|guess| cache.fetch_ahead(guess, guess.size, Arc::default()));
    eventually("the guesses are under way", || shelf.requests() == 5).await;
    assert!(whole(&cache, &photo).await.unwrap() == body);
    assert!(guesses.iter().all(|guess| cache.path_if_whole(guess).is_none()));
    eventually("the guesses are whole", || guesses.iter().all(|guess| cache.path_if_whole(guess).is_some())).await;
    assert_eq!(shelf.requests(), 1 + 2 * 5, "cut short, and gone on with");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_file_is_the_only_short_read() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let resource = shelf.put("a", bytes(4, 1000));
    let empty = shelf.put("empty", bytes(4, 0));
    let cache = content(folder.path(), &shelf);
    assert_eq!(cache.read(&resource, 900, 500).await.unwrap().len(), 100);
    assert_eq!(cache.read(&resource, 1000, 500).await.unwrap().len(), 0);
    assert_eq!(cache.read(&resource, u64::MAX, 500).await.unwrap().len(), 0);
    assert_eq!(cache.read(&empty, 0, 500).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_share_one_download() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(5, 5 * MIB);
    let resource = shelf.put("a", body.clone());
    shelf.plan(|_, _| Fault::Late(50));
    let cache = Arc::new(content(folder.path(), &shelf));
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let (cache, resource) = (cache.clone(), resource.clone());
            tokio::spawn(async move { whole(&cache, &resource).await.unwrap() })
        })
        .collect();
    for reader in readers {
        assert!(reader.await.unwrap() == body);
    }
    assert_eq!(shelf.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_and_short_bodies_are_taken_up_where_they_stopped() {
    for fault in [Fault::Break(1_500_000), Fault::Short(1_500_000)] {
        let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
        let body = bytes(6, 4 * MIB);
        let resource = shelf.put("a", body.clone());
        shelf.plan(move |number, _| if number == 1 { fault } else { Fault::None });
        let cache = content(folder.path(), &shelf);
        assert!(whole(&cache, &resource).await.unwrap() == body);
        assert_eq!(*shelf.asked.lock().unwrap(), [0..4 * MIB as u64, 1_500_000..4 * MIB as u64]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_errors_and_the_next_read_tries_again() {
    for fault in [Fault::Fail, Fault::Short(10), Fault::Long, Fault::Panic] {
        let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
        let body = bytes(7, 2 * MIB);
        let resource = shelf.put("a", body.clone());
        shelf.plan(move |_, _| fault);
        let cache = content(folder.path(), &shelf);
        let error = cache.read(&resource, 0, 100).await.unwrap_err();
        assert!(matches!(error, ContentError::Source(_) | ContentError::Disk(_)), "{fault:?}: {error:?}");
        shelf.plan(|_, _| Fault::None);
        assert!(whole(&cache, &resource).await.unwrap() == body, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_has_a_deadline_and_the_download_goes_on() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(8, MIB);
    let resource = shelf.put("a", body.clone());
    shelf.plan(|_, _| Fault::Late(600));
    let limited = ContentOptions { deadline: Duration::from_millis(150), ..options(folder.path()) };
    let cache = content_with(limited, &shelf);
    let error = cache.read(&resource, 0, 100).await.unwrap_err();
    assert!(matches!(error, ContentError::TimedOut), "{error:?}");
    eventually("the download went on", || cache.path_if_whole(&resource).is_some()).await;
    assert_eq!(shelf.requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_damaged_original_is_replaced_unnoticed() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(9, 2 * MIB);
    let resource = shelf.put("a", body.clone());
    shelf.plan(|number, _| if number == 1 { Fault::Wrong } else { Fault::None });
    let cache = content(folder.path(), &shelf);
    assert!(whole(&cache, &resource).await.unwrap() == body);
    assert_eq!(shelf.requests(), 2);
    assert!(cache.damaged().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_damaged_twice_is_an_error_and_reported() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let resource = shelf.put("a", bytes(10, 2 * MIB));
    shelf.plan(|_, _| Fault::Wrong);
    let cache = content(folder.path(), &shelf);
    assert!(matches!(cache.read(&resource, 0, 10).await, Err(ContentError::Damaged)));
    assert_eq!(shelf.requests(), 2);
    assert_eq!(cache.damaged().len(), 1);
    assert_eq!(cache.damaged()[0].resource, resource);
    assert!(cache.path_if_whole(&resource).is_none());
    assert!(files(folder.path()).is_empty(), "nothing of it stays");
    assert!(matches!(cache.read(&resource, 0, 10).await, Err(ContentError::Damaged)), "remembered");
    assert_eq!(shelf.requests(), 2);
}

/// The property that matters: whoever got every byte got the right ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_damaged_original_is_never_read_to_its_end() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(11, 20 * MIB);
    let resource = shelf.put("a", body.clone());
    shelf.plan(|_, range| if range.contains(&(12 * MIB as u64)) { Fault::Wrong } else { Fault::None });
    let cache = content(folder.path(), &shelf);
    let error = whole(&cache, &resource).await.unwrap_err();
    assert!(error.taints_earlier_reads(), "{error:?}");
    // Only the first fetch was damaged: who starts again gets the true bytes.
    shelf.plan(|_, _| Fault::None);
    assert!(whole(&cache, &resource).await.unwrap() == body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_first_try_gets_nothing_of_the_second() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(12, 12 * MIB);
    let resource = shelf.put("a", body.clone());
    shelf.plan(|number, _| if number == 1 { Fault::Wrong } else { Fault::None });
    let cache = content(folder.path(), &shelf);
    let early = cache.open(&resource);
    early.read(0, 100).await.unwrap();
    let error = whole(&cache, &resource).await.unwrap_err();
    assert!(matches!(error, ContentError::Refetched), "{error:?}");
    assert!(whole(&cache, &resource).await.unwrap() == body);
    assert!(matches!(early.read_now(0, 100), Err(ContentError::Refetched)));
    assert!(matches!(early.read(MIB as u64, 100).await, Err(ContentError::Refetched)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyed_checksum_is_checked_by_size_only() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(13, 9 * MIB);
    let known = shelf.put("a", body.clone());
    let keyed = resource("a", known.size, Checksum::new("BAQEBAQEBAQEBAQEBAQEBAQEBAQE"));
    assert!(!keyed.checksum.is_verifiable());
    let cache = content(folder.path(), &shelf);
    assert!(whole(&cache, &keyed).await.unwrap() == body);
    assert!(cache.path_if_whole(&keyed).is_some());
}

/// The bytes of whole blocks that the claim on disk says are there.
fn claimed(folder: &Path) -> u64 {
    let claim = files(folder).into_iter().find(|path| path.extension().is_some_and(|e| e == "blocks"));
    let bits = claim.and_then(|path| fs::read(path).ok()).unwrap_or_default();
    bits.iter().skip(8).map(|byte| u64::from(byte.count_ones())).sum::<u64>() * 64 * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_survives_a_kill() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(14, 20 * MIB);
    let resource = shelf.put("a", body.clone());
    let cache = content(folder.path(), &shelf);
    for block in [6, 12, 19] {
        let at = block * MIB as u64;
        cache.read(&resource, at, 10).await.unwrap();
    }
    eventually("all that was given is claimed", || claimed(folder.path()) == shelf.given()).await;
    let before = shelf.given();
    assert!(before <= 3 * 128 * 1024, "{before}");
    drop(cache);
    let again = content(folder.path(), &shelf);
    assert!(whole(&again, &resource).await.unwrap() == body);
    assert_eq!(shelf.given(), body.len() as u64, "what was there was not fetched again");
}

/// A claim that lies (a disk that lost writes) cannot make a wrong file: the whole is judged before it counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_false_claim_is_found_out() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(15, 10 * MIB);
    let resource = shelf.put("a", body.clone());
    let name = resource.checksum.file_name();
    let place = folder.path().join("originals").join(&name[name.len() - 2..]);
    fs::create_dir_all(&place).unwrap();
    fs::File::create(place.join(format!("{name}.part"))).unwrap().set_len(resource.size).unwrap();
    let claim = [&resource.size.to_le_bytes()[..], &[0b0000_0100], &[0; 19]].concat();
    fs::write(place.join(format!("{name}.blocks")), claim).unwrap();
    let cache = content(folder.path(), &shelf);
    let first = whole(&cache, &resource).await;
    assert!(first.is_err(), "the zeros of block 2 were taken for the photo");
    assert!(whole(&cache, &resource).await.unwrap() == body);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_and_short_files_are_replaced() {
    for wrong in [0, 5, 3 * MIB] {
        let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
        let body = bytes(16, 2 * MIB);
        let resource = shelf.put("a", body.clone());
        let name = resource.checksum.file_name();
        let place = folder.path().join("originals").join(&name[name.len() - 2..]);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(&name), vec![7; wrong]).unwrap();
        let cache = content(folder.path(), &shelf);
        assert!(whole(&cache, &resource).await.unwrap() == body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cut_while_it_is_served_is_an_error_and_then_fetched_again() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(17, 2 * MIB);
    let resource = shelf.put("a", body.clone());
    let cache = content(folder.path(), &shelf);
    let reader = cache.open(&resource);
    reader.read(0, 10).await.unwrap();
    fs::File::options().write(true).open(&files(folder.path())[0]).unwrap().set_len(100).unwrap();
    assert!(reader.read_now(MIB as u64, 10).is_err());
    assert!(whole(&cache, &resource).await.unwrap() == body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_goes_first_and_open_files_stay() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let originals: Vec<_> = (0..5).map(|n| shelf.put(&format!("{n}"), bytes(20 + n, MIB))).collect();
    let limited = ContentOptions { size: 3 * MIB as u64, ..options(folder.path()) };
    let cache = content_with(limited, &shelf);
    let pinned = cache.open(&originals[0]);
    pinned.read(0, 1).await.unwrap();
    for original in &originals[1..] {
        whole(&cache, original).await.unwrap();
        assert!(cache.used() <= 3 * MIB as u64);
    }
    let here: Vec<bool> = originals.iter().map(|o| cache.path_if_whole(o).is_some()).collect();
    assert_eq!(here, [true, false, false, true, true]);
    assert_eq!(pinned.read_now(0, 1).unwrap().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_kept_pushes_nothing_out() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let (small, large) = (shelf.put("small", bytes(25, MIB)), shelf.put("large", bytes(26, 4 * MIB)));
    let limited = ContentOptions { size: 3 * MIB as u64, ..options(folder.path()) };
    let cache = content_with(limited, &shelf);
    for original in [&small, &large] {
        whole(&cache, original).await.unwrap();
    }
    assert!(cache.path_if_whole(&small).is_some() && cache.path_if_whole(&large).is_none());
    // A size that no disk has, as a record might tell by mistake.
    let absurd = Resource { size: u64::MAX, ..shelf.put("absurd", bytes(27, 10)) };
    assert!(matches!(cache.fetch(&absurd).await, Err(ContentError::NoRoom)));
    assert!(cache.path_if_whole(&small).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_remembers_sizes_and_order() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let originals: Vec<_> = (0..3).map(|n| shelf.put(&format!("{n}"), bytes(30 + n, MIB))).collect();
    let cache = content(folder.path(), &shelf);
    for (age, original) in [300, 100, 200].into_iter().zip(&originals) {
        whole(&cache, original).await.unwrap();
        let old = std::time::SystemTime::now() - Duration::from_secs(age);
        cache.path_if_whole(original).unwrap().set_modified(old).unwrap();
    }
    drop(cache);
    let limited = ContentOptions { size: 2 * MIB as u64, ..options(folder.path()) };
    let cache = content_with(limited, &shelf);
    eventually("counted and evicted", || cache.used() == 2 * MIB as u64 && files(folder.path()).len() == 2).await;
    assert!(cache.path_if_whole(&originals[0]).is_none(), "the one used longest ago went");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_originals_pass_through() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(40, 120 * MIB + 3);
    let resource = shelf.put("a", body.clone());
    let limited = ContentOptions { size: 5 * MIB as u64, ..options(folder.path()) };
    let cache = content_with(limited, &shelf);
    assert!(whole(&cache, &resource).await.unwrap() == body);
    assert!(files(folder.path()).is_empty());
    assert_eq!(shelf.given(), body.len() as u64, "each block once");
    let keep_all = ContentOptions { keep_free: u64::MAX, ..options(folder.path()) };
    let cache = content_with(keep_all, &shelf);
    assert!(cache.read(&resource, 0, 10).await.unwrap() == body[..10]);
    assert!(files(folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_on_disk_originals_are_checked_in_memory() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(41, 20 * MIB + 3);
    let resource = shelf.put("a", body.clone());
    let limited = ContentOptions { size: 5 * MIB as u64, ..options(folder.path()) };
    let cache = content_with(limited, &shelf);
    shelf.plan(|number, _| if number == 1 { Fault::Wrong } else { Fault::None });
    let error = whole(&cache, &resource).await.unwrap_err();
    assert!(error.taints_earlier_reads(), "{error:?}");
    assert!(whole(&cache, &resource).await.unwrap() == body);
    assert!(files(folder.path()).is_empty());
}

/// Too large for the memory as well: checked as it passes, by whoever reads it in order.
#[tokio::test(flavor = "multi_thread")]
async fn past_the_cache_an_original_read_in_order_is_checked() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(43, 70 * MIB + 3);
    let resource = shelf.put("a", body.clone());
    let limited = ContentOptions { size: 5 * MIB as u64, ..options(folder.path()) };
    let cache = content_with(limited, &shelf);
    shelf.plan(|_, range| if range.contains(&(30 * MIB as u64)) { Fault::Wrong } else { Fault::None });
    let error = whole(&cache, &resource).await.unwrap_err();
    assert!(matches!(error, ContentError::Refetched), "{error:?}");
    let error = whole(&cache, &resource).await.unwrap_err();
    assert!(matches!(error, ContentError::Damaged), "twice: {error:?}");
    assert_eq!(cache.damaged().len(), 1);
    let other = shelf.put("b", bytes(44, 70 * MIB));
    shelf.plan(|_, _| Fault::None);
    assert!(whole(&cache, &other).await.unwrap() == bytes(44, 70 * MIB));
    assert!(cache.unproven().is_empty());
    let reader = cache.open(&other);
    let third = shelf.put("c", bytes(45, 70 * MIB));
    cache.read(&third, 69 * MIB as u64, MIB as u64).await.unwrap();
    assert_eq!(cache.unproven(), [third], "its end was read by itself");
    drop(reader);
}

/// A disk that is full although it seemed not to be: a tiny one of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_stops_no_reader() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let body = bytes(42, 10 * MIB);
    let resource = shelf.put("a", body.clone());
    let limit = Some("size=4m");
    nix::mount::mount(Some("tmpfs"), folder.path(), Some("tmpfs"), nix::mount::MsFlags::empty(), limit).unwrap();
    let originals = folder.path().join("originals");
    let name = resource.checksum.file_name();
    let place = originals.join(&name[name.len() - 2..]);
    fs::create_dir_all(&place).unwrap();
    // A download begun earlier counts as having its room.
    fs::File::create(place.join(format!("{name}.part"))).unwrap().set_len(resource.size).unwrap();
    let cache = content(folder.path(), &shelf);
    eventually("counted", || cache.used() == resource.size).await;
    let outcome = whole(&cache, &resource).await;
    let left = files(folder.path());
    drop(cache);
    nix::mount::umount2(folder.path(), nix::mount::MntFlags::MNT_DETACH).unwrap();
    assert!(outcome.unwrap() == body);
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_serves_what_is_here_and_nothing_else() {
    let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
    let (here, there) = (shelf.put("a", bytes(50, MIB)), shelf.put("b", bytes(51, MIB)));
    let cache = content(folder.path(), &shelf);
    whole(&cache, &here).await.unwrap();
    shelf.go_offline(true);
    assert_eq!((cache.open(&here).hope(), cache.open(&there).hope()), (Hope::Good, Hope::None));
    whole(&cache, &here).await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Any reads in any order, through breaks of every kind, give the bytes of the file.
    #[test]
    fn reads_match_the_file(
        size in 1usize..14 * MIB,
        reads in prop::collection::vec((0.0f64..1.0, 1usize..3 * MIB), 1..12),
        faults in prop::collection::vec(0u8..4, 8),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let checked: Result<(), TestCaseError> = runtime.block_on(async {
            let (folder, shelf) = (tempfile::tempdir().unwrap(), shelf());
            let body = bytes(size as u64, size);
            let resource = shelf.put("a", body.clone());
            shelf.plan(move |number, range| match faults[number as usize % 8] {
                0 => Fault::Break((range.end - range.start) / 2),
                1 => Fault::Short((range.end - range.start) / 3),
                2 => Fault::Late(2),
                _ => Fault::None,
            });
            let cache = content(folder.path(), &shelf);
            let reader = cache.open(&resource);
            for (place, length) in reads {
                let at = (place * size as f64) as usize;
                match reader.read(at as u64, length as u64).await {
                    Ok(piece) => prop_assert!(piece == body[at..(at + length).min(size)]),
                    // Three breaks in one block are given up.
                    Err(ContentError::Source(_)) => {}
                    Err(error) => prop_assert!(false, "{error:?}"),
                }
            }
            Ok(())
        });
        checked?;
    }
}
