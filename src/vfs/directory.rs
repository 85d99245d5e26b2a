//! A directory as it was when it was opened.

use super::{Attributes, Owner};
use crate::index::{Node, NodeKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry<'a> {
    pub name: &'a str,
    pub attributes: Attributes,
}

/// All entries of a directory in a fixed order. An offset is a position in it, so that any page can be asked for
/// again, after a signal or by seekdir(3), and a change meanwhile shifts nothing (backup-tools.md §5.5).
///
/// Held for as long as a directory is open: 56 bytes and the name for each entry, 7 MB for an album of 100,000.
#[derive(Debug)]
pub struct Listing {
    /// All names, one after the other.
    names: String,
    rows: Vec<Row>,
    owner: Owner,
    epoch: u64,
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
    end: usize,
    kind: NodeKind,
}

impl Listing {
    pub(super) fn new(owner: Owner, epoch: u64) -> Listing {
        Listing { names: String::new(), rows: Vec::new(), owner, epoch }
    }

    pub(super) fn push(&mut self, name: &str, node: &Node) {
        self.names.push_str(name);
        let end = self.names.len();
        let &Node { ino, kind, size, nlink, .. } = node;
        let [mtime, ctime, btime] = [node.mtime, node.ctime, node.btime].map(nanoseconds);
        self.rows.push(Row { ino, size, mtime, ctime, btime, nlink, end, kind });
    }

    /// Gives back what was set aside for more entries.
    pub(super) fn complete(&mut self) {
        self.names.shrink_to_fit();
        self.rows.shrink_to_fit();
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The entries at and after an offset (0 is the start), each with the offset of the one that follows it.
    pub fn page(&self, offset: u64) -> impl Iterator<Item = (u64, DirectoryEntry<'_>)> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.rows.len());
        (start..self.rows.len()).map(|place| (place as u64 + 1, self.entry(place)))
    }

    fn entry(&self, place: usize) -> DirectoryEntry<'_> {
        let begin = place.checked_sub(1).map_or(0, |before| self.rows[before].end);
        let row = &self.rows[place];
        let &Row { ino, kind, size, nlink, .. } = row;
        let [mtime, ctime, btime] = [row.mtime, row.ctime, row.btime].map(i128::from);
        let node = Node { ino, kind, size, nlink, mtime, ctime, btime };
        DirectoryEntry { name: &self.names[begin..row.end], attributes: Attributes::new(&node, self.owner) }
    }
}

/// The index keeps times in 64 bits, from 1677 to 2262.
fn nanoseconds(time: i128) -> i64 {
    time.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were() {
        let mut listing = Listing::new(Owner { uid: 1, gid: 2 }, 3);
        let node = |ino, kind| Node { ino, kind, size: 7, nlink: 2, mtime: -5, ctime: 6, btime: i64::MAX.into() };
        let entries = [(".", NodeKind::Directory), ("", NodeKind::File), ("Café.JPG", NodeKind::Symlink)];
        for (ino, (name, kind)) in entries.iter().enumerate() {
            listing.push(name, &node(ino as u64, *kind));
        }
        listing.complete();
        let found: Vec<_> = listing.page(1).collect();
        assert_eq!(
            found.iter().map(|(next, entry)| (*next, entry.name)).collect::<Vec<_>>(),
            [(2, ""), (3, "Café.JPG")]
        );
        assert_eq!(found[1].1.attributes, Attributes::new(&node(2, NodeKind::Symlink), Owner { uid: 1, gid: 2 }));
        assert_eq!(listing.page(3).count() + listing.page(u64::MAX).count(), 0);
    }
}
