//! Memory stays bounded, whatever is read, in whatever order, by however many.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use icloud_simulator::Options;
use icloud_simulator::library::{Body, NewPhoto, Resource};
use nix::unistd::Pid;

use crate::installation::Installation;

const MIB: u64 = 1 << 20;

/// The default of the setting `memory`.
const BOUND: u64 = 256_000_000;

/// Name and bytes of each file: films, of which two are too large to be held in memory, and photos.
fn shelf() -> Vec<(String, Body)> {
    let films = (0..4).map(|n| (format!("FILM_{n}.MOV"), 40 * MIB + 20 * n * MIB));
    let photos = (0..24).map(|n| (format!("IMG_{n:04}.JPG"), 3 * MIB + n));
    films.chain(photos).zip(7000..).map(|((name, size), seed)| (name, Body::seeded(seed, size))).collect()
}

fn installation(shelf: &[(String, Body)]) -> Installation {
    let installation = Installation::new(Options { assets: Some(0), ..Options::default() });
    let cloud = installation.simulator.cloud();
    for (n, (name, body)) in shelf.iter().enumerate() {
        let original = Resource::new("public.jpeg", body.clone()).sized(4032, 3024);
        cloud.add_photo(cloud.primary(), NewPhoto::new(name, original, 1_600_000_000_000 + 60_000 * n as i64));
    }
    installation
}

/// Resident memory, and files that are in memory without being resident in the process.
fn memory(process: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: u64 = resident.split_whitespace().next().unwrap().parse().unwrap();
    let files = fs::read_dir(format!("/proc/{process}/fd")).unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let in_memory = fs::read_link(&path).ok()?.to_string_lossy().starts_with("/memfd:");
        in_memory.then(|| fs::metadata(&path).map_or(0, |file| file.blocks() * 512))
    });
    resident * 1024 + files.sum::<u64>()
}

/// Pools of memory that the C library has made for threads: their parts begin at multiples of 64 MiB.
fn pools(process: Pid) -> usize {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let begins = |line: &str| u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap();
    let is_anonymous = |line: &&str| line.split_whitespace().count() == 5;
    maps.lines().filter(is_anonymous).filter(|line| begins(line).is_multiple_of(64 * MIB)).count()
}

/// Reads the whole of a file in one of four orders, and compares every byte.
fn read(path: &Path, body: &Body, order: u64) {
    let (file, size) = (File::open(path).unwrap(), body.size());
    let piece = [MIB, 128 * 1024, 777_777, 3 * MIB][order as usize % 4];
    let count = size.div_ceil(piece);
    for n in 0..count {
        let at = piece
            * match order % 4 {
                0 => n,
                1 => count - 1 - n,
                2 => (n * 7919) % count,
                _ => (n / 2) + (n % 2) * count.div_ceil(2),
            };
        let mut bytes = vec![0; piece.min(size - at) as usize];
        file.read_exact_at(&mut bytes, at).unwrap_or_else(|error| panic!("{} at {at}: {error}", path.display()));
        assert!(bytes == body.read(at, bytes.len()), "{} at {at}", path.display());
    }
}

/// Reads everything by sixteen readers at once; gives the most memory that was seen.
fn everything(installation: &Installation, shelf: &[(String, Body)]) -> u64 {
    let process = installation.process().unwrap();
    let files: Vec<(PathBuf, &Body)> = installation
        .files()
        .into_keys()
        .filter(|path| path.starts_with("Years/"))
        .map(|path| {
            let (_, body) = shelf.iter().find(|(name, _)| path.ends_with(name)).unwrap();
            (installation.point().join(path), body)
        })
        .collect();
    assert_eq!(files.len(), shelf.len());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(memory(process));
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            most
        });
        std::thread::scope(|scope| {
            for reader in 0..16 {
                let files = &files;
                scope.spawn(move || {
                    for (n, (path, body)) in files.iter().enumerate().filter(|(n, _)| n % 8 == reader % 8) {
                        read(path, body, ((reader / 8) * 2 + n / 8 % 2) as u64);
                    }
                });
            }
        });
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap()
    })
}

#[test]
fn many_readers_in_every_order_stay_within_the_bound() {
    let shelf = shelf();
    let installation = installation(&shelf);
    installation.mount();
    let most = everything(&installation, &shelf);
    assert!(most < BOUND, "{} MB", most / 1_000_000);
    let pools = pools(installation.process().unwrap());
    assert!(pools <= 4, "threads share memory: {pools} pools");
    installation.simulator.assert_clean();
}

/// The worst case: no room on the disk, so that everything is in memory or passes through.
#[test]
fn without_a_cache_they_do_too() {
    let shelf = shelf();
    let installation = installation(&shelf);
    installation.run(&["mount", "--background", "--cache-size", "1M", installation.point().to_str().unwrap()]);
    let most = everything(&installation, &shelf);
    assert!(most < BOUND, "{} MB", most / 1_000_000);
    assert!(installation.status()["damaged"].as_array().unwrap().is_empty());
    installation.simulator.assert_clean();
}
