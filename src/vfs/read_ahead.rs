//! Reading ahead across files: who copies a directory file by file finds the next originals on their way already.
//!
//! A thread of its own is told of first reads, guesses what comes next (`walk.rs`), and has it fetched. Nobody waits for
//! it, and what it fetches yields to what somebody waits for. A reader that only opens files or asks for their attributes
//! starts nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Tree;
use super::walk::{Step, Walk};
use crate::content::Content;
use crate::index::{IndexError, NodeKind};

/// Walks that are followed at a time. A read that belongs to none begins one, and the one that was right longest ago
/// is given up: so many wrong guesses end it.
const MAX_WALKS: usize = 8;

/// Of a large file only its beginning is fetched ahead: whoever reads on is read ahead for within the file.
const HEAD: u64 = 16 * 1024 * 1024;

/// News that wait to be looked at; more are dropped, which only makes a guess later.
const MAX_NEWS: usize = 1024;

/// What a reader did with a file for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Asked for its bytes: as one does who copies it, from the beginning and many at once, or not.
    Read { as_copying: bool },
    /// Opened a file that is whole: the kernel may read it without asking.
    OpenedWhole,
}

/// The way to the thread; it ends when this is dropped.
pub struct ReadAhead {
    news: SyncSender<(u64, Use)>,
}

impl ReadAhead {
    /// None if the system has no thread left: everything works without.
    pub fn start(tree: Arc<dyn Tree>, content: Arc<Content>) -> Option<ReadAhead> {
        let (news, told) = sync_channel(MAX_NEWS);
        let guesser = Guesser { tree, content, walks: Vec::new() };
        let thread = std::thread::Builder::new().name("read-ahead".into()).spawn(move || guesser.serve(&told));
        thread.inspect_err(|error| tracing::warn!(%error, "no reading ahead across files")).ok()?;
        Some(ReadAhead { news })
    }

    /// Notes a use. Never waits.
    pub fn note(&self, ino: u64, what: Use) {
        let _ = self.news.try_send((ino, what));
    }
}

struct Guesser {
    tree: Arc<dyn Tree>,
    content: Arc<Content>,
    /// The one that was right last comes first.
    walks: Vec<Walk>,
}

impl Guesser {
    fn serve(mut self, told: &Receiver<(u64, Use)>) {
        while let Ok((ino, what)) = told.recv() {
            if let Err(error) = self.noted(ino, what) {
                tracing::debug!(%error, "no guess what is read next");
            }
        }
    }

    fn noted(&mut self, ino: u64, what: Use) -> Result<(), IndexError> {
        let found = self.walks.iter_mut().position(|walk| walk.step(ino, what) != Step::Elsewhere);
        match found {
            Some(place) => {
                let walk = self.walks.remove(place);
                self.walks.insert(0, walk);
                self.fetch_next()
            }
            None => match what {
                Use::Read { as_copying } => self.begin(ino, as_copying),
                Use::OpenedWhole => Ok(()),
            },
        }
    }

    /// Follows a new reader from here on, in every directory that shows this file. Who copies the first file of a directory
    /// that nobody is walking through yet is taken to go on.
    fn begin(&mut self, ino: u64, as_copying: bool) -> Result<(), IndexError> {
        for directory in self.tree.holders(ino)? {
            let is_new = !self.walks.iter().any(|walk| walk.began_in(directory));
            self.walks.insert(0, Walk::begin(&*self.tree, directory, ino, as_copying && is_new)?);
            self.fetch_next()?;
        }
        self.walks.truncate(MAX_WALKS);
        Ok(())
    }

    /// Has the next files of the walk that was just right fetched.
    fn fetch_next(&mut self) -> Result<(), IndexError> {
        let Some(walk) = self.walks.first_mut() else { return Ok(()) };
        let foreseen: Vec<u64> = walk.foresee();
        let expected: Result<Vec<_>, _> = foreseen.into_iter().map(|ino| self.tree.resource(ino)).collect();
        let expected: Vec<_> = expected?.into_iter().flatten().filter(|original| !self.content.has(original)).collect();
        if !expected.is_empty() {
            self.content.expect(expected);
        }
        for (ino, size) in walk.next(&*self.tree, HEAD)? {
            if let Some(resource) = self.tree.resource(ino)?.filter(|resource| resource.size == size) {
                self.content.fetch_ahead(&resource, HEAD, walk.given_up());
            }
        }
        Ok(())
    }
}

/// Set when nobody needs a guess any more.
pub type GivenUp = Arc<AtomicBool>;

/// Files of a directory whose bytes are fetched, with their sizes, and its directories.
pub fn members(tree: &dyn Tree, directory: u64) -> Result<(Vec<Member>, Vec<Member>), IndexError> {
    let all = tree.children(directory)?.into_iter();
    let fetched = all.filter(|entry| matches!(entry.node.kind, NodeKind::File | NodeKind::Directory));
    let (files, directories): (Vec<_>, Vec<_>) = fetched.partition(|entry| entry.node.kind == NodeKind::File);
    let member = |entry: crate::index::Entry| Member { ino: entry.node.ino, size: entry.node.size, name: entry.name };
    Ok((files.into_iter().map(member).collect(), directories.into_iter().map(member).collect()))
}

/// An entry, as far as the order of walking needs it.
#[derive(Clone, Debug)]
pub struct Member {
    pub ino: u64,
    pub size: u64,
    pub name: String,
}
