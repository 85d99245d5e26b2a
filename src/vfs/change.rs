//! Who is told that something is no longer what it was.

pub use crate::index::TreeChange;

/// One who remembers parts of the tree. Both calls must return at once.
pub trait ChangeListener: Send + Sync {
    /// Names, listings or attributes changed; the index has the new ones already.
    fn changed(&self, change: TreeChange);

    /// Bytes of a file that were given out are not to be trusted.
    fn tainted(&self, ino: u64);
}
