//! What is measured. Every copy is compared in length; the tests compare the bytes.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use photosfs::photos::Checksum;

use crate::library::{EIGHT, FILM, HOME, KEYED, LOOKS, MANY, OPENED, PHOTOS, SHOOT, SMALL, Shelf, TEN_THOUSAND, USERS};
use crate::peer::Peer;
use crate::processor;
use crate::report::Report;
use crate::world::World;

/// What all connections together bring: photosfs uses ten, of 20 MB/s.
const BUDGET: f64 = 200.0;

/// A program's mount in one run, and a folder to copy to.
pub struct Place<'a> {
    peer: &'a Peer,
    world: &'a World,
    run: usize,
    copies: PathBuf,
}

impl<'a> Place<'a> {
    pub fn new(world: &'a World, peer: &'a Peer, run: usize) -> Place<'a> {
        let copies = world.folder.path().join(format!("copies of {}", peer.name));
        let _ = fs::remove_dir_all(&copies);
        fs::create_dir_all(&copies).unwrap();
        assert!(Command::new("chmod").arg("0777").arg(&copies).status().unwrap().success());
        Place { peer, world, run, copies }
    }

    fn album(&self, shelf: &Shelf) -> PathBuf {
        self.peer.albums.join(shelf.album(self.run))
    }

    fn file(&self, shelf: &Shelf, number: usize) -> PathBuf {
        self.album(shelf).join(shelf.file(self.run, number))
    }

    fn name(&self) -> &'static str {
        self.peer.name
    }

    /// Copies so many bytes for the first time: how long that takes, and what it costs for each byte.
    fn first(&self, scenario: &str, bytes: u64, report: &mut Report, work: impl FnOnce()) -> Duration {
        settle();
        let before = self.world.fetched();
        let (own, all) = (self.peer.processor(), processor::all());
        let took = time(work);
        let (own, all) = (self.peer.processor() - own, processor::all() - all);
        let fetched = self.world.fetched() - before;
        let mut of = |what: &str, figure| report.add_to(scenario, what, self.name(), figure);
        of("bytes fetched to bytes needed", fetched as f64 / bytes as f64);
        of("processor time, s for each GB", own / bytes as f64 * 1e9);
        of("the same of the whole machine, the service included", all / bytes as f64 * 1e9);
        took
    }
}

/// Lets what earlier scenarios wrote reach the disk, so that it is in nobody's way.
fn settle() {
    nix::unistd::sync();
}

fn rate(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

pub fn copy(place: &Place, report: &mut Report) {
    let name = place.name();
    let requests = place.world.simulator.requests("download");
    const PHOTO: &str = "cold rsync of 60 files of 5 MB, MB/s";
    let took = place.first(PHOTO, PHOTOS.bytes(), report, || rsync(place, &PHOTOS));
    report.add(PHOTO, name, rate(PHOTOS.bytes(), took));
    report.add_to(PHOTO, "requests", name, (place.world.simulator.requests("download") - requests) as f64);
    const ONE: &str = "one cold file of 200 MB by cp, MB/s";
    let took = place.first(ONE, FILM.bytes(), report, || cp(place, &place.file(&FILM, 0)));
    report.add(ONE, name, rate(FILM.bytes(), took));
    again(place, "60 files of 5 MB copied again by rsync, s", &PHOTOS, report);
    read_again(place, "200 MB read again from the cache, MB/s", &FILM, report);
}

pub fn eight(place: &Place, report: &mut Report) {
    const SCENARIO: &str = "eight cold files of 40 MB by eight cp's, MB/s";
    let requests = place.world.simulator.requests("download");
    let took = place.first(SCENARIO, EIGHT.bytes(), report, || copy_eight(place));
    report.add(SCENARIO, place.name(), rate(EIGHT.bytes(), took));
    report.add_to(SCENARIO, "requests", place.name(), (place.world.simulator.requests("download") - requests) as f64);
}

/// Long enough that its beginning does not count: what the connections are used to.
pub fn shoot(place: &Place, report: &mut Report) {
    const SCENARIO: &str = "cold rsync of 300 files of 5 MB, MB/s";
    let name = place.name();
    let took = place.first(SCENARIO, SHOOT.bytes(), report, || rsync(place, &SHOOT));
    report.add(SCENARIO, name, rate(SHOOT.bytes(), took));
    let share = rate(SHOOT.bytes(), took) / BUDGET * 100.0;
    report.add_to(SCENARIO, "share of ten connections of 20 MB/s, %", name, share);
    settle();
    let unchecked = time(|| rsync(place, &KEYED));
    let longer = took.as_secs_f64() / unchecked.as_secs_f64() - 1.0;
    report.add_to(SCENARIO, "longer than of as many that cannot be verified, %", name, longer * 100.0);
    let one_core = verifying(&SHOOT).as_secs_f64() / took.as_secs_f64();
    report.add_to(SCENARIO, "verifying on a core of its own, % of its time", name, one_core * 100.0);
}

pub fn small(place: &Place, report: &mut Report) {
    files(place, "cold rsync of 60 files of 200 KiB, files/s", &SMALL, report);
}

pub fn many(place: &Place, report: &mut Report) {
    files(place, "cold rsync of 2,000 files of 200 KiB, files/s", &MANY, report);
    again(place, "2,000 files of 200 KiB copied again by rsync, s", &MANY, report);
}

pub fn ten_thousand(place: &Place, report: &mut Report) {
    files(place, "cold rsync of 10,000 files of 200 KiB, files/s", &TEN_THOUSAND, report);
    again(place, "10,000 files of 200 KiB copied again by rsync, s", &TEN_THOUSAND, report);
}

fn files(place: &Place, scenario: &str, shelf: &Shelf, report: &mut Report) {
    let requests = place.world.simulator.requests("records/lookup");
    let took = place.first(scenario, shelf.bytes(), report, || rsync(place, shelf));
    let requests = place.world.simulator.requests("records/lookup") - requests;
    report.add(scenario, place.name(), shelf.count as f64 / took.as_secs_f64());
    report.add_to(scenario, "look-ups of addresses", place.name(), requests as f64);
}

pub fn look(place: &Place, report: &mut Report) {
    let name = place.name();
    let cold = place.file(&LOOKS, 0);
    report.add("first byte of a cold file of 200 MB, ms", name, first_byte(&cold));
    let cold = File::open(place.file(&LOOKS, 1)).unwrap();
    report.add("random 4 KiB reads of a cold file, ms each", name, random(&cold, 4 << 10));
    let cold = File::open(place.file(&LOOKS, 2)).unwrap();
    report.add("random 128 KiB reads of a cold file, ms each", name, random(&cold, 128 << 10));
}

pub fn user(place: &Place, report: &mut Report) {
    const SCENARIO: &str = "as a user: cold rsync of 60 files of 5 MB, MB/s";
    let took = place.first(SCENARIO, USERS.bytes(), report, || rsync(place, &USERS));
    report.add(SCENARIO, place.name(), rate(USERS.bytes(), took));
    again(place, "as a user: 60 files of 5 MB copied again by rsync, s", &USERS, report);
    read_again(place, "as a user: 5 MB files read again from the cache, MB/s", &USERS, report);
}

pub fn at_home(place: &Place, report: &mut Report) {
    let name = place.name();
    let cold = place.file(&LOOKS, 0);
    report.add("50 Mbit/s, 25 ms: first byte of a cold file of 200 MB, ms", name, first_byte(&cold));
    const COPY: &str = "50 Mbit/s, 25 ms: cold rsync of 16 files of 5 MB, MB/s of 6.25";
    let took = place.first(COPY, HOME.bytes(), report, || rsync(place, &HOME));
    report.add(COPY, name, rate(HOME.bytes(), took));
    let took = time(|| cp(place, &place.file(&OPENED, 0)));
    report.add("50 Mbit/s, 25 ms: the first photo of a folder, 5 MB, by cp, s", name, took.as_secs_f64());
    wait_for_guesses(place);
}

/// Waits until nothing is fetched any more: what was begun beside a scenario is not to disturb the next one.
fn wait_for_guesses(place: &Place) {
    let mut before = None;
    while before != Some(place.world.fetched()) {
        before = Some(place.world.fetched());
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Copies an album again, from the cache; and the first copy of it, on the local disk, with the same program.
fn again(place: &Place, scenario: &str, shelf: &Shelf, report: &mut Report) {
    let (target, copied) = (place.copies.join("again"), place.copies.join(shelf.name));
    for (who, source) in [(place.name(), place.album(shelf)), ("local disk", copied)] {
        // Once to have it in memory: what is compared is the programs, not the disk. The second counts.
        for counts in [false, true] {
            settle();
            let took = time(|| run_rsync(place, &source, &target));
            if counts && (who != "local disk" || place.name() != "rclone") {
                report.add(scenario, who, took.as_secs_f64());
            }
            fs::remove_dir_all(&target).unwrap();
        }
    }
}

/// Reads an album's files again, from the cache and from the copy.
fn read_again(place: &Place, scenario: &str, shelf: &Shelf, report: &mut Report) {
    let copied = match shelf.count {
        1 => place.copies.clone(),
        _ => place.copies.join(shelf.name),
    };
    for (who, folder) in [(place.name(), place.album(shelf)), ("local disk", copied)] {
        let files: Vec<PathBuf> = (0..shelf.count).map(|number| folder.join(shelf.file(place.run, number))).collect();
        let read = || sequential(place, &files);
        read();
        let took = read();
        if who != "local disk" || place.name() != "rclone" {
            report.add(scenario, who, rate(shelf.bytes(), took));
        }
    }
}

/// What Apple's checksum of so many bytes takes, on one core.
fn verifying(shelf: &Shelf) -> Duration {
    let bytes: Vec<u8> = (0..shelf.size).map(|n| (n * 31) as u8).collect();
    let once = || time(|| assert!(Checksum::of(std::hint::black_box(&bytes)).is_verifiable()));
    // The least of several: bytes that were just fetched are in the processor's cache, and its clock is up.
    (0..10).map(|_| once()).min().unwrap_or_default() * shelf.count as u32
}

fn rsync(place: &Place, shelf: &Shelf) {
    let target = place.copies.join(shelf.name);
    run_rsync(place, &place.album(shelf), &target);
    let copied: u64 = fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(copied, shelf.bytes(), "{} copies everything", place.name());
}

fn run_rsync(place: &Place, source: &Path, target: &Path) {
    let source = format!("{}/", source.display());
    assert!(place.peer.tool("rsync").arg("-a").arg(source).arg(target).status().unwrap().success());
}

fn cp(place: &Place, source: &Path) {
    assert!(place.peer.tool("cp").arg(source).arg(&place.copies).status().unwrap().success());
}

fn copy_eight(place: &Place) {
    std::thread::scope(|scope| {
        for number in 0..EIGHT.count {
            scope.spawn(move || cp(place, &place.file(&EIGHT, number)));
        }
    });
}

/// Milliseconds for each of 16 reads, spread over the file so that none is near another.
fn random(file: &File, length: usize) -> f64 {
    let place = |n: u64| ((n * 7 + 3) % 16) * 12_000_000 + length as u64;
    millis(|| (0..16).for_each(|n| read_at(file, place(n), length))) / 16.0
}

/// In ms, from opening a file that has been listed: where it is not known whether bytes can be had, opening waits for them.
fn first_byte(path: &Path) -> f64 {
    fs::metadata(path).unwrap();
    millis(|| read_at(&File::open(path).unwrap(), 0, 1))
}

fn read_at(file: &File, offset: u64, length: usize) {
    file.read_exact_at(&mut vec![0; length], offset).unwrap();
}

/// Reads files from beginning to end: by this process, or by one that may.
fn sequential(place: &Place, files: &[PathBuf]) -> Duration {
    if place.name() == "photosfs as a user" {
        let mut cat = place.peer.tool("cat");
        cat.args(files).stdout(std::process::Stdio::null());
        return time(|| assert!(cat.status().unwrap().success()));
    }
    let mut buffer = vec![0; 1 << 20];
    time(|| {
        for path in files {
            let mut file = File::open(path).unwrap();
            while file.read(&mut buffer).unwrap() > 0 {}
        }
    })
}

fn millis(work: impl FnOnce()) -> f64 {
    time(work).as_secs_f64() * 1000.0
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}
