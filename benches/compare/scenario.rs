//! What is measured. Every copy is compared in length; the tests compare the bytes.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use icloud_simulator::Simulator;

use crate::library::{EIGHT, FILM, PHOTOS, RANDOM, SMALL, Shelf, album, file};
use crate::peer::Peer;
use crate::report::Report;

/// A program's mount in one run, and a folder to copy to.
pub struct Place<'a> {
    peer: &'a Peer,
    run: usize,
    copies: PathBuf,
}

impl<'a> Place<'a> {
    pub fn new(folder: &Path, peer: &'a Peer, run: usize) -> Place<'a> {
        let copies = folder.join(format!("copies of {}", peer.name));
        let _ = fs::remove_dir_all(&copies);
        fs::create_dir_all(&copies).unwrap();
        Place { peer, run, copies }
    }

    fn album(&self, shelf: &Shelf) -> PathBuf {
        self.peer.albums.join(album(shelf, self.run))
    }

    fn file(&self, shelf: &Shelf, number: usize) -> PathBuf {
        self.album(shelf).join(file(shelf, self.run, number))
    }
}

pub fn all(place: &Place, simulator: &Simulator, report: &mut Report) {
    let name = place.peer.name;
    let rate = |shelf: &Shelf, time: Duration| shelf.size as f64 * shelf.count as f64 / 1e6 / time.as_secs_f64();
    let before = simulator.requests("download");
    report.add("cold rsync of 60 files of 5 MB, MB/s", name, rate(&PHOTOS, rsync(place, &PHOTOS)));
    report.add("requests for these 60 files", name, (simulator.requests("download") - before) as f64);
    report.add("cold rsync of 60 files of 200 kB, files/s", name, 60.0 / rsync(place, &SMALL).as_secs_f64());
    report.add("one cold file of 200 MB by cp, MB/s", name, rate(&FILM, copy(&place.file(&FILM, 0), place)));
    report.add("eight cold files of 40 MB by eight cp's, MB/s", name, rate(&EIGHT, eight(place)));
    let cold = File::open(place.file(&RANDOM, 0)).unwrap();
    report.add("first byte of a cold file of 100 MB, ms", name, millis(|| read_at(&cold, 0, 1)));
    let cold = File::open(place.file(&RANDOM, 1)).unwrap();
    report.add("random 4 KiB reads of a cold file, ms each", name, random(&cold, 4 << 10));
    report.add("random 128 KiB reads of a cold file, ms each", name, random(&cold, 128 << 10));
    again(place.album(&PHOTOS), place.file(&FILM, 0), &place.copies, name, report);
    report.add("memory at its peak, MB", name, place.peer.peak_memory());
}

/// The same, copied again from what is on this machine: from a cache, or from a plain folder.
fn again(photos: PathBuf, film: PathBuf, copies: &Path, name: &str, report: &mut Report) {
    // Once to have it in memory: what is compared is the programs, not the disk.
    sequential(&film);
    report.add("200 MB read again from the cache, MB/s", name, 200.0 / time(|| sequential(&film)).as_secs_f64());
    let target = copies.join("again");
    report.add("60 files of 5 MB copied again by rsync, s", name, time(|| run_rsync(&photos, &target)).as_secs_f64());
    fs::remove_dir_all(&target).unwrap();
}

/// The local disk, with the copies that photosfs made.
pub fn local(folder: &Path, run: usize, report: &mut Report) {
    let copies = folder.join("copies of photosfs");
    again(copies.join(PHOTOS.name), copies.join(file(&FILM, run, 0)), &copies, "local disk", report);
}

fn rsync(place: &Place, shelf: &Shelf) -> Duration {
    let target = place.copies.join(shelf.name);
    let took = time(|| run_rsync(&place.album(shelf), &target));
    let copied: u64 = fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(copied, shelf.size * shelf.count as u64, "{} copies everything", place.peer.name);
    took
}

fn run_rsync(source: &Path, target: &Path) {
    let source = format!("{}/", source.display());
    assert!(Command::new("rsync").arg("-a").arg(source).arg(target).status().unwrap().success());
}

fn copy(source: &Path, place: &Place) -> Duration {
    time(|| assert!(Command::new("cp").arg(source).arg(&place.copies).status().unwrap().success()))
}

fn eight(place: &Place) -> Duration {
    time(|| {
        std::thread::scope(|scope| {
            for number in 0..EIGHT.count {
                scope.spawn(move || copy(&place.file(&EIGHT, number), place));
            }
        });
    })
}

/// Milliseconds for each of 16 reads, spread over the file so that none is near another.
fn random(file: &File, length: usize) -> f64 {
    let place = |n: u64| ((n * 7 + length as u64 % 5) % 16) * 6_000_000 + length as u64;
    millis(|| (0..16).for_each(|n| read_at(file, place(n), length))) / 16.0
}

fn read_at(file: &File, offset: u64, length: usize) {
    file.read_exact_at(&mut vec![0; length], offset).unwrap();
}

fn sequential(path: &Path) {
    let (mut file, mut buffer) = (File::open(path).unwrap(), vec![0; 1 << 20]);
    while file.read(&mut buffer).unwrap() > 0 {}
}

fn millis(work: impl FnOnce()) -> f64 {
    time(work).as_secs_f64() * 1000.0
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}
