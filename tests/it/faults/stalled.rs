//! Somebody who holds a directory and files open and does not go on, while the library changes under him: he holds up
//! nobody, reads what he opened to its end, and costs no more disk the longer he waits.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use icloud_simulator::Options;
use icloud_simulator::library::{AssetId, Body, NewPhoto, Resource};

use super::rsync;
use crate::compared::Compared;
use crate::installation::Installation;

/// More than what the kernel reads of a directory at once (32 KiB), and of a file (4 MiB).
const FILES: u64 = 900;
const FILM: u64 = 12_000_000;
const ROUNDS: u64 = 20;

fn add_photos(installation: &Installation, seeds: std::ops::Range<u64>) -> Vec<AssetId> {
    let cloud = installation.simulator.cloud();
    let add = |seed| {
        let picture = Resource::new("public.jpeg", Body::seeded(seed, 300));
        cloud.add_photo(cloud.primary(), NewPhoto::new(&format!("IMG_{seed:05}.JPG"), picture, 1_600_000_000_000))
    };
    seeds.map(add).collect()
}

/// Bytes of the index and its log.
fn index_size(installation: &Installation) -> (u64, u64) {
    let size = |name| fs::metadata(installation.state().join(name)).map_or(0, |file| file.len());
    (size("index.sqlite"), size("index.sqlite-wal"))
}

#[test]
fn a_reader_that_stands_still_holds_up_nobody_and_reads_on() {
    let installation = Installation::new(Options { assets: Some(0), ..Options::default() });
    let cloud = installation.simulator.cloud();
    let mut photos = add_photos(&installation, 0..FILES);
    let body = Body::seeded(77, FILM);
    let film = Resource::new("com.apple.quicktime-movie", body.clone());
    let film = cloud.add_photo(cloud.primary(), NewPhoto::new("FILM.MOV", film, 1_600_000_000_000));
    installation.mount();
    let month = installation.point().join("Years/2020/2020-09");
    let mut listing = fs::read_dir(&month).unwrap();
    let mut seen: Vec<_> = listing.by_ref().take(10).map(|entry| entry.unwrap().file_name()).collect();
    let open = File::open(month.join("FILM.MOV")).unwrap();
    let mut bytes = vec![0; FILM as usize];
    open.read_exact_at(&mut bytes[..100_000], 0).unwrap();
    cloud.trash(film).unwrap();
    installation.run(&["sync"]);
    let mut sizes = Vec::new();
    for round in 0..ROUNDS {
        // Few enough that they are not held.
        let leaving = if round == 0 { 9 } else { 0 };
        photos.drain(..leaving).for_each(|photo| cloud.purge(photo).unwrap());
        photos.extend(add_photos(&installation, FILES + 30 * round..FILES + 30 * (round + 1)));
        installation.run(&["sync"]);
        assert_eq!(fs::read_dir(&month).unwrap().count(), photos.len(), "others see it at once");
        sizes.push(index_size(&installation));
    }
    println!("bytes of the index and of its log: {:?} … {:?}", sizes[0], sizes.last().unwrap());
    let most = sizes.iter().map(|(_, log)| *log).max().unwrap();
    // It is brought into the file every 16 MB.
    assert!(most < 24 << 20, "the log grows with him: {sizes:?}");
    seen.extend(listing.map(|entry| entry.unwrap().file_name()));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len() as u64, FILES + 1, "each name that was there when he began, once");
    open.read_exact_at(&mut bytes[100_000..], 100_000).unwrap();
    assert!(bytes == body.to_bytes(), "what he opened, to its last byte");
    drop(open);
    let copy = installation.path("copy");
    assert!(rsync(&installation, &copy).status.success());
    Compared::assert_whole(&copy, &installation.files());
    installation.simulator.assert_clean();
}
