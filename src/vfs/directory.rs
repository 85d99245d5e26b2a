//! A directory as it was when it was opened.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::{Attributes, Owner, VfsError};
use crate::index::{Node, NodeKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry<'a> {
    pub name: &'a str,
    pub attributes: Attributes,
}

/// All entries of a directory in a fixed order. An offset is a position in it, so that any page can be asked for
/// again, after a signal or by seekdir(3), and a change meanwhile shifts nothing (backup-tools.md §5.5).
///
/// Held for as long as a directory is open: 56 bytes and the name for each entry, 7 MB for an album of 100,000. Of a large
/// directory the beginning can be read while the rest is being taken.
#[derive(Debug)]
pub struct Listing {
    taken: Mutex<Taken>,
    more: Condvar,
    owner: Owner,
    epoch: u64,
}

#[derive(Debug, Default)]
struct Taken {
    /// All but the last of [`CHUNK`] entries.
    chunks: Vec<Arc<Chunk>>,
    /// How it ended; `None` while entries are being taken.
    end: Option<Result<(), VfsError>>,
}

/// Entries that come together. Two of them fill the largest reply.
pub(super) const CHUNK: usize = 1024;
/// The longest wait for entries: a directory of a million takes seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct Chunk {
    /// All names, one after the other.
    names: String,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    ino: u64,
    size: u64,
    mtime: i64,
    ctime: i64,
    btime: i64,
    nlink: u32,
    /// Where its name ends; it begins where the one before ends.
    end: u32,
    kind: NodeKind,
}

/// Some entries of a listing; none at its end.
pub struct Page {
    chunks: Vec<Arc<Chunk>>,
    offset: u64,
    owner: Owner,
}

/// Takes the entries of a listing. One that is dropped before it ends leaves a listing that cannot be read.
pub(super) struct Taker {
    listing: Arc<Listing>,
    chunk: Chunk,
}

impl Listing {
    /// A listing, and what is to take its entries.
    pub(super) fn begin(owner: Owner, epoch: u64) -> (Arc<Listing>, Taker) {
        let listing = Arc::new(Listing { taken: Mutex::default(), more: Condvar::new(), owner, epoch });
        (listing.clone(), Taker { listing, chunk: Chunk::default() })
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Entries at and after an offset (0 is the start), once there are some; none at the end, and an error where it is not
    /// known what comes.
    pub fn page(&self, offset: u64) -> Result<Page, VfsError> {
        let place = usize::try_from(offset).unwrap_or(usize::MAX);
        let to_come = |taken: &mut Taken| taken.chunks.len() <= place / CHUNK && taken.end.is_none();
        let waited = self.more.wait_timeout_while(self.taken(), LONGEST_WAIT, to_come);
        let (taken, _) = waited.expect("no panic while held");
        let chunks: Vec<_> = taken.chunks.iter().skip(place / CHUNK).take(2).cloned().collect();
        match &taken.end {
            _ if !chunks.is_empty() => {}
            Some(end) => end.clone()?,
            None => return Err(VfsError::Unlisted),
        }
        Ok(Page { chunks, offset, owner: self.owner })
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

impl Page {
    /// The entries, each with the offset of the one that follows it.
    pub fn entries(&self) -> impl Iterator<Item = (u64, DirectoryEntry<'_>)> {
        let rows = self.chunks.iter().flat_map(|chunk| (0..chunk.rows.len()).map(move |row| (chunk, row)));
        let here = rows.skip(self.offset as usize % CHUNK).enumerate();
        here.map(|(place, (chunk, row))| (self.offset + place as u64 + 1, chunk.entry(row, self.owner)))
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
    pub fn push(&mut self, name: &str, node: &Node) {
        self.chunk.names.push_str(name);
        let end = self.chunk.names.len() as u32;
        let &Node { ino, kind, size, nlink, .. } = node;
        let [mtime, ctime, btime] = [node.mtime, node.ctime, node.btime].map(nanoseconds);
        self.chunk.rows.push(Row { ino, size, mtime, ctime, btime, nlink, end, kind });
        if self.chunk.rows.len() == CHUNK {
            let chunk = self.complete();
            self.listing.taken().chunks.extend(chunk);
            self.listing.more.notify_all();
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
        let page = listing.page(offset).unwrap();
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
        assert_eq!(found(&listing, 1), [(2, String::new()), (3, "Café.JPG".into())]);
        let page = listing.page(2).unwrap();
        let attributes = page.entries().next().unwrap().1.attributes;
        assert_eq!(attributes, Attributes::new(&node(2, NodeKind::Symlink), OWNER));
        assert!(found(&listing, 3).is_empty() && found(&listing, u64::MAX).is_empty());
    }

    #[test]
    fn a_listing_is_read_to_its_end_while_it_is_taken() {
        let (listing, mut taker) = Listing::begin(OWNER, 3);
        let count = 5 * CHUNK as u64 + 17;
        let reading = std::thread::spawn(move || {
            let mut names = Vec::new();
            loop {
                let page = found(&listing, names.len() as u64);
                // Not all of a page has room in every reply.
                let Some(last) = page.len().checked_sub(1) else { return names };
                names.extend(page.into_iter().take(last.max(1)).map(|(_, name)| name));
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
        (0..CHUNK as u64 + 5).for_each(|ino| taker.push("name", &node(ino, NodeKind::File)));
        drop(taker);
        assert_eq!(found(&listing, 0).len(), CHUNK);
        assert_eq!(listing.page(CHUNK as u64).err().unwrap().errno(), libc::EIO);
        let (listing, mut taker) = Listing::begin(OWNER, 3);
        taker.push("name", &node(1, NodeKind::File));
        taker.end(Err(VfsError::Stale));
        assert_eq!(listing.page(0).err().unwrap().errno(), libc::ESTALE);
    }
}
