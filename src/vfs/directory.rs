//! A directory as it was when it was opened.

use super::Attributes;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    pub name: String,
    pub attributes: Attributes,
}

/// All entries of a directory in a fixed order. An offset is a position in it, so that any page can be asked for
/// again, after a signal or by seekdir(3), and a change meanwhile shifts nothing (backup-tools.md §5.5).
#[derive(Debug)]
pub struct Listing {
    entries: Vec<DirectoryEntry>,
    epoch: u64,
}

impl Listing {
    pub(super) fn new(epoch: u64) -> Listing {
        Listing { entries: Vec::new(), epoch }
    }

    pub(super) fn push(&mut self, name: &str, attributes: Attributes) {
        self.entries.push(DirectoryEntry { name: name.into(), attributes });
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The entries at and after an offset (0 is the start), each with the offset of the one that follows it.
    pub fn page(&self, offset: u64) -> impl Iterator<Item = (u64, &DirectoryEntry)> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries[start..].iter().zip(start as u64 + 1..).map(|(entry, next)| (next, entry))
    }
}
