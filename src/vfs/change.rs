//! What changed in the tree, for those who remember it.

/// Names, inodes and listings that are no longer what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeChange {
    /// Names added, removed or now standing for another inode, each with its directory.
    pub entries: Vec<(u64, String)>,
    /// Inodes whose attributes changed, but not their bytes.
    pub attributes: Vec<u64>,
    /// Inodes whose bytes must be read again.
    pub contents: Vec<u64>,
    /// Directories whose listing changed.
    pub directories: Vec<u64>,
}

impl TreeChange {
    /// How many things are named.
    pub fn len(&self) -> usize {
        self.entries.len() + self.attributes.len() + self.contents.len() + self.directories.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One who is told after a change has been committed to the index. Must return at once.
pub trait ChangeListener: Send + Sync {
    fn changed(&self, change: TreeChange);
}
