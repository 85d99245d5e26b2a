//! The paths that every byte, every read or every entry takes: `cargo bench --bench hot`.

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/fake.rs"]
mod fake;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use photosfs::config::TreeOptions;
use photosfs::content::{BLOCK, Blocks};
use photosfs::index::{Index, ROOT};
use photosfs::photos::{Area, Asset, Checksum, Library, Master, ResourceKind, Sighting, SyncToken, Verifier, Zone};

fn main() {
    divan::main();
}

/// Apple's checksum over a photo, in the pieces it is written in.
#[divan::bench(args = [5_000_000, 200_000])]
fn verify(bencher: Bencher, size: usize) {
    let body = fake::bytes(1, size);
    bencher.counter(BytesCount::new(size)).bench(|| {
        let mut verifier = Verifier::new();
        black_box(&body).chunks(1 << 20).for_each(|piece| verifier.update(piece));
        verifier.finish()
    });
}

/// The map of a film of 4 GiB, half of it there in alternate MiB: every run found, and the claim written and read.
#[divan::bench]
fn block_map(bencher: Bencher) {
    let size = 4 << 30;
    let mut blocks = Blocks::none(size);
    (0..blocks.count()).filter(|block| block / 16 % 2 == 0).for_each(|block| blocks.insert(block));
    bencher.counter(ItemsCount::new(blocks.count())).bench(|| {
        let mut block = 0;
        while block < blocks.count() {
            block = black_box(&blocks).run(block, u64::MAX).end.max(block + 1);
        }
        Blocks::decode(&blocks.encode(), size)
    });
    black_box(BLOCK);
}

/// A directory of the index opened and listed to its end, as readdirplus does.
#[divan::bench(args = [1_000, 10_000, 50_000])]
fn readdir(bencher: Bencher, photos: u32) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let index = Arc::new(index(folder.path(), photos));
    let month = ["Years", "2024", "2024-03"].into_iter().fold(ROOT, |directory, name| {
        index.lookup(directory, name).expect("the index answers").expect("a directory of the tree").ino
    });
    let vfs = fake::vfs_of(folder.path(), index, &Arc::default());
    bencher.counter(ItemsCount::new(photos)).bench(|| {
        let opened = vfs.opendir(month).expect("it is there");
        let (mut listed, mut offset) = (0, 0);
        loop {
            let page = vfs.page(opened.handle, offset).expect("taken whole");
            let before = listed;
            for (next, entry) in page.entries() {
                black_box(entry);
                (listed, offset) = (listed + 1, next);
            }
            if listed == before {
                break;
            }
        }
        vfs.release(opened.handle).expect("just opened");
        assert_eq!(listed, photos + 2, "and . and ..");
    });
}

/// A library whose photos were all taken in one month.
fn index(folder: &Path, photos: u32) -> Index {
    const MARCH: i64 = 1_709_632_800_000;
    let zone = Zone { area: Area::Private, name: Library::PRIMARY.into(), owner: None, zone_type: None };
    let library = Library::of(zone).expect("a library");
    let index = Index::open(&folder.join("index.sqlite"), &TreeOptions::default()).expect("a new index");
    index.begin_listing(&library, None).expect("it begins");
    let (assets, masters): (Vec<Asset>, Vec<Master>) = (0..photos).map(|n| photo(n, MARCH)).unzip();
    index.stage(&library.id(), &assets, &masters).expect("they are taken");
    index.show(&library.id(), &SyncToken::new("t").expect("a token")).expect("they are shown");
    index
}

fn photo(n: u32, captured: i64) -> (Asset, Master) {
    let (name, master) = (format!("asset-{n}"), format!("master-{n}"));
    let original = Sighting {
        kind: ResourceKind::Original,
        size: 3_000_000,
        checksum: Checksum::of(master.as_bytes()),
        uti: "public.jpeg".into(),
        ready: true,
    };
    let asset = Asset {
        name,
        master: master.clone(),
        captured: Some(captured),
        added: Some(i64::from(n)),
        modified: captured,
        ..Asset::default()
    };
    let master = Master {
        name: master,
        file_name: Some(format!("IMG_{n:06}.JPG")),
        uti: Some("public.jpeg".into()),
        modified: captured,
        resources: vec![original],
    };
    (asset, master)
}
