//! The paths that every byte, every read or every entry takes: `cargo bench --bench hot`.

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/fake.rs"]
mod fake;

use std::hint::black_box;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use photosfs::content::{BLOCK, Blocks};
use photosfs::index::ROOT;
use photosfs::photos::Verifier;

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

/// A directory opened and listed to its end, as readdirplus does.
#[divan::bench(args = [1_000, 50_000])]
fn readdir(bencher: Bencher, files: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (forest, shelf) = (Arc::new(fake::Forest::new()), Arc::new(fake::Shelf::default()));
    let month = forest.directory(ROOT, "2024-03", 100);
    let resource = shelf.put("body", fake::bytes(1, 100));
    for n in 0..files {
        forest.file(month, &format!("IMG_{n:06}.JPG"), 1000 + n, resource.clone());
    }
    let vfs = fake::vfs(folder.path(), &forest, &shelf);
    bencher.counter(ItemsCount::new(files)).bench(|| {
        let opened = vfs.opendir(month).expect("it is there");
        let listing = vfs.listing(opened.handle).expect("just opened");
        let mut listed = 0;
        loop {
            let page = listing.page(listed).expect("taken whole");
            let Some((last, _)) = page.entries().map(black_box).last() else { break };
            listed = last;
        }
        vfs.release(opened.handle).expect("just opened");
        listed
    });
}
