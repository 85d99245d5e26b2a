//! What the file system asks of the index.

use std::sync::Weak;

use crate::index::{Entry, Facts, Index, IndexError, Node, Reliant, Totals};
use crate::photos::Resource;

/// The directory tree. Implemented by [`Index`]; tests bring their own. No call waits for the network.
pub trait Tree: Send + Sync {
    /// See [`Index::node`].
    fn node(&self, ino: u64) -> Result<Option<Node>, IndexError>;
    /// See [`Index::lookup`].
    fn lookup(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError>;
    /// See [`Index::lookup_in_any_case`].
    fn lookup_in_any_case(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError>;
    /// See [`Index::children`].
    fn children(&self, directory: u64) -> Result<Vec<Entry>, IndexError>;
    /// See [`Index::each_child`].
    fn each_child(&self, directory: u64, take: &mut dyn FnMut(&str, Node)) -> Result<(), IndexError> {
        self.children(directory)?.into_iter().for_each(|entry| take(&entry.name, entry.node));
        Ok(())
    }
    /// See [`Index::has_more_children`].
    fn has_more_children(&self, _directory: u64, _than: usize) -> Result<bool, IndexError> {
        Ok(false)
    }
    /// See [`Index::parent`].
    fn parent(&self, directory: u64) -> Result<Option<u64>, IndexError>;
    /// See [`Index::holders`].
    fn holders(&self, file: u64) -> Result<Vec<u64>, IndexError>;
    /// See [`Index::resource`].
    fn resource(&self, ino: u64) -> Result<Option<Resource>, IndexError>;
    /// See [`Index::sidecar`].
    fn sidecar(&self, ino: u64) -> Result<Option<Vec<u8>>, IndexError>;
    /// See [`Index::link_target`].
    fn link_target(&self, ino: u64) -> Result<Option<String>, IndexError>;
    /// See [`Index::facts`].
    fn facts(&self, ino: u64) -> Result<Option<Facts>, IndexError>;
    /// See [`Index::totals`].
    fn totals(&self) -> Result<Totals, IndexError>;
    /// See [`Index::writes`].
    fn writes(&self) -> u64;
    /// See [`Index::rely`].
    fn rely(&self, _reliant: Weak<dyn Reliant>) -> bool {
        false
    }
}

/// Answers nothing while what was shown is being listed anew: see [`Index::whole`].
impl Tree for Index {
    fn writes(&self) -> u64 {
        Index::writes(self)
    }

    fn node(&self, ino: u64) -> Result<Option<Node>, IndexError> {
        Index::node(self.whole()?, ino)
    }

    fn lookup(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError> {
        Index::lookup(self.whole()?, parent, name)
    }

    fn lookup_in_any_case(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError> {
        Index::lookup_in_any_case(self.whole()?, parent, name)
    }

    fn children(&self, directory: u64) -> Result<Vec<Entry>, IndexError> {
        Index::children(self.whole()?, directory)
    }

    fn each_child(&self, directory: u64, take: &mut dyn FnMut(&str, Node)) -> Result<(), IndexError> {
        Index::each_child(self.whole()?, directory, take)
    }

    fn has_more_children(&self, directory: u64, than: usize) -> Result<bool, IndexError> {
        Index::has_more_children(self.whole()?, directory, than)
    }

    fn parent(&self, directory: u64) -> Result<Option<u64>, IndexError> {
        Index::parent(self.whole()?, directory)
    }

    fn holders(&self, file: u64) -> Result<Vec<u64>, IndexError> {
        Index::holders(self.whole()?, file)
    }

    fn resource(&self, ino: u64) -> Result<Option<Resource>, IndexError> {
        Index::resource(self.whole()?, ino)
    }

    fn sidecar(&self, ino: u64) -> Result<Option<Vec<u8>>, IndexError> {
        Index::sidecar(self.whole()?, ino)
    }

    fn link_target(&self, ino: u64) -> Result<Option<String>, IndexError> {
        Index::link_target(self.whole()?, ino)
    }

    fn facts(&self, ino: u64) -> Result<Option<Facts>, IndexError> {
        Index::facts(self.whole()?, ino)
    }

    fn totals(&self) -> Result<Totals, IndexError> {
        Index::totals(self.whole()?)
    }

    fn rely(&self, reliant: Weak<dyn Reliant>) -> bool {
        Index::rely(self, reliant)
    }
}
