//! Taking the listing of a directory; of a large one in the background, while the kernel reads what is there already.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak, mpsc};

use super::directory::{CHUNK, Taker};
use super::{Listing, Owner, Special, System, Tree, VfsError, special};
use crate::index::{Node, NodeKind, ROOT};

/// Listings that are taken in the background at once; others are taken before their directory is open.
const MOST: usize = 4;

/// A listing, and how often the tree had changed before it was begun.
struct Shared {
    writes: u64,
    listing: Weak<Listing>,
}

/// What listings are taken from, and how they are shown.
pub struct Taking {
    pub tree: Arc<dyn Tree>,
    pub special: Arc<Special>,
    pub owner: Owner,
    pub system: System,
    /// One for each listing that is being taken in the background, and one of our own.
    under_way: Arc<()>,
    /// Large listings that somebody has. Who opens such a directory before the tree changes shares it: 8 MB and a tenth of a
    /// second for 100,000 entries.
    large: Mutex<HashMap<u64, Shared>>,
}

impl Taking {
    pub fn new(tree: Arc<dyn Tree>, special: Special, owner: Owner) -> Taking {
        Taking {
            tree,
            special: Arc::new(special),
            owner,
            system: System::Linux,
            under_way: Arc::default(),
            large: Mutex::default(),
        }
    }

    /// The same on another system.
    pub fn on(&self, system: System) -> Taking {
        let (tree, special) = (self.tree.clone(), self.special.clone());
        Taking { tree, special, owner: self.owner, system, under_way: Arc::default(), large: Mutex::default() }
    }

    pub fn node(&self, ino: u64) -> Result<Node, VfsError> {
        match self.special.node(ino)? {
            Some(node) => Ok(node),
            None => match self.tree.node(ino) {
                // What tells of the trouble is below it.
                Err(error) if ino == ROOT => {
                    tracing::debug!(%error, "the root is shown all the same");
                    Ok(special::root())
                }
                node => node?.map(special::with_listed).ok_or(VfsError::Stale),
            },
        }
    }

    fn directory(&self, ino: u64) -> Result<Node, VfsError> {
        let node = self.node(ino)?;
        if node.kind == NodeKind::Directory { Ok(node) } else { Err(VfsError::NotDirectory) }
    }

    pub fn parent(&self, ino: u64) -> Result<u64, VfsError> {
        match ino == ROOT || special::is_special(ino) {
            true => Ok(special::parent(ino)),
            false => self.tree.parent(ino)?.ok_or(VfsError::Stale),
        }
    }

    /// The entries of a directory as they are now.
    pub fn listing(self: &Arc<Self>, ino: u64, epoch: u64) -> Result<Arc<Listing>, VfsError> {
        let is_large = !special::is_special(ino) && self.tree.has_more_children(ino, CHUNK)?;
        let (listing, taker) = if is_large { self.shared(ino, epoch) } else { self.own(epoch) };
        match taker {
            Some(taker) if is_large && Arc::strong_count(&self.under_way) <= MOST => {
                self.fill_in_background(ino, taker);
            }
            Some(taker) => self.fill(ino, taker),
            None => {}
        }
        // From here on it is what it is: the index answers one question with one state.
        listing.begun()?;
        Ok(listing)
    }

    fn own(&self, epoch: u64) -> (Arc<Listing>, Option<Taker>) {
        let (listing, taker) = Listing::begin(self.owner, epoch);
        (listing, Some(taker))
    }

    /// The listing that somebody has of a large directory, or one with what is to take it.
    fn shared(&self, ino: u64, epoch: u64) -> (Arc<Listing>, Option<Taker>) {
        let mut large = self.large.lock().expect("no panic while held");
        let writes = self.tree.writes();
        let known =
            large.get(&ino).filter(|shared| shared.writes == writes).and_then(|shared| shared.listing.upgrade());
        if let Some(listing) = known.filter(|listing| !listing.has_failed()) {
            return (listing, None);
        }
        large.retain(|_, shared| shared.listing.strong_count() > 0);
        let (listing, taker) = self.own(epoch);
        large.insert(ino, Shared { writes, listing: Arc::downgrade(&listing) });
        (listing, taker)
    }

    /// Takes the entries of a listing that somebody may be waiting for.
    pub fn fill(&self, ino: u64, mut taker: Taker) {
        match self.begin(ino, &mut taker) {
            Ok(()) => self.go_on(ino, taker),
            Err(error) => taker.end(Err(error)),
        }
    }

    /// What the index does not list.
    fn begin(&self, ino: u64, taker: &mut Taker) -> Result<(), VfsError> {
        taker.push(".", &self.directory(ino)?);
        taker.push("..", &self.node(self.parent(ino)?)?);
        if let Some(entry) = self.special.listed_in(ino)? {
            taker.push(&entry.name, &entry.node);
        }
        Ok(())
    }

    fn go_on(&self, ino: u64, mut taker: Taker) {
        let taken = match special::is_special(ino) {
            true => self.special.children(ino).map(|entries| {
                entries.iter().for_each(|entry| taker.push(&entry.name, &entry.node));
            }),
            false => self.tree.each_child(ino, &mut |name, node| taker.push(&self.system.listed(name), &node)),
        };
        taker.end(taken.map_err(VfsError::from));
    }

    /// In place where no thread is to be had.
    fn fill_in_background(self: &Arc<Self>, ino: u64, taker: Taker) {
        let (own, under_way) = (self.clone(), self.under_way.clone());
        let (hand_over, handed) = mpsc::sync_channel::<Taker>(1);
        let thread = std::thread::Builder::new().name("listing".into()).spawn(move || {
            if let Ok(taker) = handed.recv() {
                own.fill(ino, taker.in_background());
            }
            drop(under_way);
        });
        // The receiver is gone with a thread that did not start.
        if let Err(mpsc::SendError(taker)) = hand_over.send(taker) {
            tracing::debug!(error = ?thread.err(), "a large directory is listed before it is open");
            self.fill(ino, taker);
        }
    }
}
