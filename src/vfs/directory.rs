//! A directory as it was when it was opened.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::give_back::give_back;
use super::{Attributes, Owner, VfsError};
use crate::index::{Node, NodeKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry<'a> {
    pub name: &'a str,
    pub attributes: Attributes,
}

/// All entries of a directory in a fixed order. Any page can be asked for again, after a signal or by seekdir(3), and a
/// change meanwhile shifts nothing (backup-tools.md §5.5).
///
/// Held for as long as a directory is open: 64 bytes and the name for each entry, 8 MB for an album of 100,000; those of a
/// large one are given back to the system then. Of a large directory the beginning can be read while the rest is being taken.
#[derive(Debug)]
pub struct Listing {
    taken: Mutex<Taken>,
    more: Condvar,
    /// How many wait for entries.
    waiting: AtomicUsize,
    owner: Owner,
    epoch: u64,
}

#[derive(Debug, Default)]
struct Taken {
    chunks: Vec<Arc<Chunk>>,
    /// How it ended; `None` while entries are being taken.
    end: Option<Result<(), VfsError>>,
}

/// Entries that come together at most. Twice as many fill the largest reply.
pub(super) const CHUNK: usize = 1024;
/// Entries that come first; each time twice as many. Who reads goes through them at a third of the speed at which they are taken,
/// so that nobody waits but for the first: the whole tree of 100,000 photos takes 2 to 5 % less than with 1,024 at once.
const FIRST_CHUNK: usize = 64;
/// Entries that are taken in the background between two moments at which others may have the processor, some 50 µs. Linux lets
/// who wakes up wait for a few milliseconds where another runs, even if the next processor is idle: the first walk of a mount
/// through the tree of 100,000 photos takes 4 to 12 % less than without.
const TURN: usize = 64;
/// Chunks that a reply may need: all that are smaller, and two.
const PAGE: usize = 6;
/// From so many chunks on, some 12,000 entries, the memory of a listing is given back.
const LARGE: usize = 16;
/// The longest wait for entries: a directory of a million takes seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Where an entry is, or will be.
#[derive(Clone, Copy)]
struct Place {
    chunk: usize,
    row: usize,
}

#[derive(Debug, Default)]
struct Chunk {
    /// All names, one after the other.
    names: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    ino: u64,
    /// What has been listed up to here.
    listed: u64,
    size: u64,
    mtime: i64,
    ctime: i64,
    btime: i64,
    nlink: u32,
    /// Where its name ends; it begins where the one before ends.
    end: u32,
    kind: NodeKind,
}

/// How the places of a listing are told. An offset says which files came before it, in which order, and since which change
/// of the directory, and is not a position: the kernel lets who is in the middle of a directory go on in the listing that
/// another has read since, and adds what both read to one cached listing, wherever the offsets are equal. By positions a photo
/// was left out where one before it had gone.
#[derive(Clone, Copy, Debug)]
pub struct Offsets {
    since: u64,
}

/// No offset but the first is 0, and none is negative for who reads it as such.
const MARK: u64 = 1 << 62;

/// Some entries of a listing; none at its end.
pub struct Page {
    chunks: Vec<Arc<Chunk>>,
    /// Rows of the first chunk that come before it.
    skipped: usize,
    offsets: Offsets,
    owner: Owner,
    epoch: u64,
}

/// Takes the entries of a listing. One that is dropped before it ends leaves a listing that cannot be read.
pub(super) struct Taker {
    listing: Arc<Listing>,
    chunk: Chunk,
    /// Entries of which the next chunk is made.
    full: usize,
    listed: u64,
    in_background: bool,
}

impl Listing {
    /// A listing, and what is to take its entries.
    pub(super) fn begin(owner: Owner, epoch: u64) -> (Arc<Listing>, Taker) {
        let (taken, more, waiting) = (Mutex::default(), Condvar::new(), AtomicUsize::default());
        let listing = Arc::new(Listing { taken, more, waiting, owner, epoch });
        let chunk = Chunk::default();
        (listing.clone(), Taker { listing, chunk, full: FIRST_CHUNK, listed: 0, in_background: false })
    }

    /// Entries at and after an offset (0 is the start), once there are some; none at the end, and an error where it is not
    /// known what comes. `near` is the chunk in which the reader's latest page began, and is looked through first.
    pub fn page(&self, offset: u64, offsets: Offsets, near: &AtomicUsize) -> Result<Page, VfsError> {
        let latest = near.load(Ordering::Relaxed);
        let to_come = |taken: &mut Taken| {
            let place = taken.place(offset, offsets, latest);
            place.is_none_or(|place| taken.chunks.len() <= place.chunk) && taken.end.is_none()
        };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let waited = self.more.wait_timeout_while(self.taken(), LONGEST_WAIT, to_come);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let (taken, _) = waited.expect("no panic while held");
        let place = taken.place(offset, offsets, latest);
        let from = place.map_or(usize::MAX, |place| place.chunk);
        let chunks: Vec<_> = taken.chunks.iter().skip(from).take(PAGE).cloned().collect();
        match &taken.end {
            _ if !chunks.is_empty() => {}
            Some(end) => end.clone()?,
            None => return Err(VfsError::Unlisted),
        }
        let place = place.ok_or(VfsError::Unlisted)?;
        near.store(place.chunk, Ordering::Relaxed);
        Ok(Page { chunks, skipped: place.row, offsets, owner: self.owner, epoch: self.epoch })
    }

    /// Waits for the first entries.
    pub(super) fn begun(&self) -> Result<(), VfsError> {
        self.page(0, Offsets::since(0), &AtomicUsize::default()).map(drop)
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.taken().end, Some(Err(_)))
    }

    /// How many entries have come so far.
    pub(super) fn len(&self) -> usize {
        self.taken().chunks.iter().map(|chunk| chunk.rows.len()).sum()
    }

    /// The directories in it, but for itself and the one it is in; `None` unless all of it has come.
    pub(super) fn directories(&self) -> Option<Vec<u64>> {
        let taken = self.taken();
        let rows = taken.chunks.iter().flat_map(|chunk| &chunk.rows).skip(2);
        let directories = rows.filter(|row| row.kind == NodeKind::Directory).map(|row| row.ino);
        matches!(taken.end, Some(Ok(()))).then(|| directories.collect())
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().expect("no panic while held")
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        let taken = self.taken.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        let chunks = std::mem::take(&mut taken.chunks);
        if chunks.len() >= LARGE {
            give_back(chunks);
        }
    }
}

impl Taken {
    /// The place that an offset tells, if it is known yet. Whoever reads on asks for one close behind the latest.
    fn place(&self, offset: u64, offsets: Offsets, latest: usize) -> Option<Place> {
        if offset == 0 {
            return Some(Place { chunk: 0, row: 0 });
        }
        let within = |chunk: usize| self.chunks[chunk].rows.iter().position(|row| offsets.after(row) == offset);
        let mut chunks = (latest..self.chunks.len()).chain(0..latest.min(self.chunks.len()));
        chunks.find_map(|chunk| within(chunk).map(|row| self.behind(chunk, row)))
    }

    fn behind(&self, chunk: usize, row: usize) -> Place {
        match row + 1 < self.chunks[chunk].rows.len() {
            true => Place { chunk, row: row + 1 },
            false => Place { chunk: chunk + 1, row: 0 },
        }
    }
}

impl Offsets {
    /// Of a directory that last changed then.
    pub fn since(change: u64) -> Offsets {
        Offsets { since: listed(0, change) }
    }

    fn after(self, row: &Row) -> u64 {
        (row.listed ^ self.since) & (MARK - 1) | MARK
    }
}

/// What has been listed, once an inode has come to what had been before: a hash, at a nanosecond an entry.
fn listed(before: u64, ino: u64) -> u64 {
    // The golden ratio, as a fraction of 2^64: an odd number with its bits well mixed.
    let mixed = (before ^ ino).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

impl Page {
    /// The entries, each with the offset of the one that follows it.
    pub fn entries(&self) -> impl Iterator<Item = (u64, DirectoryEntry<'_>)> {
        let rows = self.chunks.iter().flat_map(|chunk| (0..chunk.rows.len()).map(move |row| (chunk, row)));
        let here = rows.skip(self.skipped);
        here.map(|(chunk, row)| (self.offsets.after(&chunk.rows[row]), chunk.entry(row, self.owner)))
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl Chunk {
    fn entry(&self, place: usize, owner: Owner) -> DirectoryEntry<'_> {
        let begin = place.checked_sub(1).map_or(0, |before| self.rows[before].end);
        let row = &self.rows[place];
        let &Row { ino, kind, size, nlink, .. } = row;
        let [mtime, ctime, btime] = [row.mtime, row.ctime, row.btime].map(i128::from);
        let node = Node { ino, kind, size, nlink, mtime, ctime, btime };
        DirectoryEntry {
            name: &self.names[begin as usize..row.end as usize],
            attributes: Attributes::new(&node, owner),
        }
    }
}

impl Taker {
    /// The same on a thread that others need not wait for.
    pub fn in_background(mut self) -> Taker {
        self.in_background = true;
        self
    }

    pub fn push(&mut self, name: &str, node: &Node) {
        self.chunk.names.push_str(name);
        let end = self.chunk.names.len() as u32;
        let &Node { ino, kind, size, nlink, .. } = node;
        let [mtime, ctime, btime] = [node.mtime, node.ctime, node.btime].map(nanoseconds);
        self.listed = listed(self.listed, ino);
        self.chunk.rows.push(Row { ino, listed: self.listed, size, mtime, ctime, btime, nlink, end, kind });
        self.give_way();
        if self.chunk.rows.len() == self.full {
            self.full = CHUNK.min(2 * self.full);
            let chunk = self.complete();
            self.listing.taken().chunks.extend(chunk);
            self.listing.more.notify_all();
        }
    }

    /// Only where nobody waits for it: on a busy machine it may take a while until it is its turn again.
    fn give_way(&self) {
        let is_turn = self.in_background && self.chunk.rows.len().is_multiple_of(TURN);
        if is_turn && self.listing.waiting.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
    }

    /// Ends the listing: with all its entries, or with what kept them from being taken. Then its last ones are not shown:
    /// what comes behind them is not known.
    pub fn end(mut self, outcome: Result<(), VfsError>) {
        let last = outcome.is_ok().then(|| self.complete()).flatten();
        let mut taken = self.listing.taken();
        taken.chunks.extend(last);
        taken.end = Some(outcome);
    }

    fn complete(&mut self) -> Option<Arc<Chunk>> {
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.names.shrink_to_fit();
        chunk.rows.shrink_to_fit();
        (!chunk.rows.is_empty()).then(|| Arc::new(chunk))
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.listing.taken().end.get_or_insert(Err(VfsError::Unlisted));
        self.listing.more.notify_all();
    }
}

/// The index keeps times in 64 bits, from 1677 to 2262.
fn nanoseconds(time: i128) -> i64 {
    time.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner { uid: 1, gid: 2 };

    fn node(ino: u64, kind: NodeKind) -> Node {
        Node { ino, kind, size: 7, nlink: 2, mtime: -5, ctime: 6, btime: i64::MAX.into() }
    }

    fn found(listing: &Listing, offset: u64) -> Vec<(u64, String)> {
        let page = listing.page(offset, Offsets::since(0), &AtomicUsize::default()).unwrap();
        page.entries().map(|(next, entry)| (next, entry.name.to_owned())).collect()
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let (listing, mut taker) = Listing::begin(OWNER, 3);
        let entries = [(".", NodeKind::Directory), ("", NodeKind::File), ("Café.JPG", NodeKind::Symlink)];
        for (ino, (name, kind)) in entries.iter().enumerate() {
            taker.push(name, &node(ino as u64, *kind));
        }
        taker.end(Ok(()));
        let all = found(&listing, 0);
        assert!(all.iter().map(|(_, name)| &**name).eq([".", "", "Café.JPG"]));
        assert_eq!(found(&listing, all[0].0), all[1..]);
        let page = listing.page(all[1].0, Offsets::since(0), &AtomicUsize::default()).unwrap();
        let attributes = page.entries().next().unwrap().1.attributes;
        assert_eq!(attributes, Attributes::new(&node(2, NodeKind::Symlink), OWNER));
        assert!(found(&listing, all[2].0).is_empty());
    }

    fn listing_of(names: &[&str]) -> Arc<Listing> {
        let (listing, mut taker) = Listing::begin(OWNER, 3);
        names.iter().for_each(|name| taker.push(name, &node(u64::from(name.as_bytes()[0]), NodeKind::File)));
        taker.end(Ok(()));
        listing
    }

    #[test]
    fn an_offset_holds_where_the_same_came_before_and_nowhere_else() {
        let (then, now) = (listing_of(&["a", "b", "c", "d"]), listing_of(&["a", "c", "d"]));
        let (first, second) = (found(&then, 0)[0].0, found(&then, 0)[1].0);
        assert_eq!(found(&now, first), found(&now, 0)[1..], "what it is missing had not been listed yet");
        for (offset, change) in [(second, 0), (first, 1), (1, 0), (u64::MAX, 0)] {
            assert_eq!(
                now.page(offset, Offsets::since(change), &AtomicUsize::default()).err().unwrap().errno(),
                libc::EIO,
                "{offset} {change}"
            );
        }
    }

    #[test]
    fn a_listing_is_read_to_its_end_while_it_is_taken() {
        let (listing, mut taker) = Listing::begin(OWNER, 3);
        let count = 5 * CHUNK as u64 + 17;
        let reading = std::thread::spawn(move || {
            let (mut names, mut offset) = (Vec::new(), 0);
            loop {
                let page = found(&listing, offset);
                // Not all of a page has room in every reply.
                let Some(last) = page.len().checked_sub(1) else { return names };
                for (next, name) in page.into_iter().take(last.max(1)) {
                    names.push(name);
                    offset = next;
                }
            }
        });
        for ino in 0..count {
            taker.push(&ino.to_string(), &node(ino, NodeKind::File));
        }
        taker.end(Ok(()));
        assert_eq!(reading.join().unwrap(), (0..count).map(|ino| ino.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn what_could_not_be_taken_is_an_error_and_no_end() {
        let (listing, mut taker) = Listing::begin(OWNER, 3);
        (0..3 * FIRST_CHUNK as u64 + 5).for_each(|ino| taker.push("name", &node(ino, NodeKind::File)));
        drop(taker);
        let first = found(&listing, 0);
        assert_eq!(first.len(), 3 * FIRST_CHUNK, "a second chunk is twice the first");
        assert_eq!(
            listing.page(first.last().unwrap().0, Offsets::since(0), &AtomicUsize::default()).err().unwrap().errno(),
            libc::EIO
        );
        let (listing, mut taker) = Listing::begin(OWNER, 3);
        taker.push("name", &node(1, NodeKind::File));
        taker.end(Err(VfsError::Stale));
        assert_eq!(listing.page(0, Offsets::since(0), &AtomicUsize::default()).err().unwrap().errno(), libc::ESTALE);
    }
}
