//! Listings taken ahead: who goes through the tree directory by directory finds the next listing taken already.
//!
//! The way is the one of find, tar and rsync: down into each directory as it comes in the listing. It is followed once somebody
//! has opened a directory and then the first one in it. What was taken ahead is what would be taken now: all of it is dropped
//! before the tree changes.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread;

use super::directory::{CHUNK, Taker};
use super::taking::Taking;
use super::{Listing, VfsError, special};
use crate::index::Reliant;

/// Entries that are ready at most, but for those of the listing that is under way: a megabyte, or a few milliseconds of a
/// walk.
const MOST_ENTRIES: usize = 8 * CHUNK;
/// Listings that are ready at most.
const MOST_LISTINGS: usize = 64;

/// The way to the thread that takes them; it ends when this is dropped.
pub struct Ahead(Arc<Shared>);

struct Shared {
    taking: Arc<Taking>,
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    /// The directories in the one that was opened last and that nobody expected; the first comes last.
    inner: Vec<u64>,
    course: Option<Course>,
    /// How many courses there have been.
    courses: u64,
    relies: bool,
    serves: bool,
    stopped: bool,
}

/// Somebody's way through the tree.
struct Course {
    number: u64,
    /// Changes that the latest opening had seen: what is taken now has seen no fewer.
    epoch: u64,
    /// Directories whose listings are to be taken, the next one last.
    to_come: Vec<u64>,
    /// The one that was the next and is taken by who opened it.
    left: Option<u64>,
    /// In the order in which they are expected to be opened.
    ready: VecDeque<Ready>,
}

struct Ready {
    ino: u64,
    /// `None` for a large directory: what opens it takes it in the background anyway.
    listing: Option<Arc<Listing>>,
    entries: usize,
}

impl Ahead {
    pub fn new(taking: Arc<Taking>) -> Ahead {
        Ahead(Arc::new(Shared { taking, state: Mutex::default(), woken: Condvar::new() }))
    }

    /// See [`super::Tree::rely`].
    pub fn rely(&self, reliant: Weak<dyn Reliant>) -> bool {
        self.0.taking.tree.rely(reliant)
    }

    /// The entries of a directory as they are now.
    pub fn listing(&self, ino: u64, epoch: u64) -> Result<Arc<Listing>, VfsError> {
        if special::is_special(ino) {
            return self.0.taking.listing(ino, epoch);
        }
        // What failed ahead of time is tried again, and whoever opens the directory is told how that went.
        if let Some(listing) = self.0.wanted(ino, epoch).filter(|listing| listing.begun().is_ok()) {
            return Ok(listing);
        }
        let listing = self.0.taking.listing(ino, epoch)?;
        if let Some(directories) = directories(&listing) {
            self.0.opened(ino, epoch, directories);
        }
        Ok(listing)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.state().stopped = true;
        self.0.woken.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while locked")
    }

    /// The listing of a directory that is wanted now, if it was expected. If it is the next that would be taken, it is left to
    /// who wants it.
    fn wanted(&self, ino: u64, epoch: u64) -> Option<Arc<Listing>> {
        let mut state = self.state();
        let course = state.course.as_mut()?;
        if course.to_come.last() == Some(&ino) {
            course.left = course.to_come.pop();
        }
        let place = course.ready.iter().position(|ready| ready.ino == ino)?;
        course.ready.drain(..place);
        course.epoch = epoch;
        let listing = course.ready.pop_front()?.listing;
        // Not for each: waking a thread costs as much as a small listing.
        if course.entries() < MOST_ENTRIES / 2 && course.ready.len() < MOST_LISTINGS / 2 {
            self.woken.notify_all();
        }
        listing
    }

    /// Notes that a directory was opened that was not ready, and what directories are in it.
    fn opened(self: &Arc<Self>, ino: u64, epoch: u64, mut directories: Vec<u64>) {
        let mut state = self.state();
        if let Some(course) = state.course.as_mut().filter(|course| course.left == Some(ino)) {
            course.to_come.append(&mut directories);
            course.epoch = epoch;
        } else if state.inner.last() == Some(&ino) {
            let mut to_come = std::mem::take(&mut state.inner);
            to_come.pop();
            to_come.append(&mut directories);
            self.begin(&mut state, to_come, epoch);
        } else if !directories.is_empty() {
            state.inner = directories;
        }
        self.woken.notify_all();
    }

    fn begin(self: &Arc<Self>, state: &mut State, to_come: Vec<u64>, epoch: u64) {
        let own: Arc<dyn Reliant> = self.clone();
        state.relies = state.relies || self.taking.tree.rely(Arc::downgrade(&own));
        state.serves = state.serves || serve(self.clone());
        if state.relies && state.serves {
            state.courses += 1;
            let number = state.courses;
            state.course = Some(Course { number, epoch, to_come, left: None, ready: VecDeque::new() });
        }
    }

    /// Waits for a listing that is to be taken.
    fn next(&self) -> Option<Next> {
        let mut state = self.state();
        while !state.stopped {
            if let Some(next) = state.course.as_mut().and_then(|course| course.next(&self.taking)) {
                return Some(next);
            }
            state = self.woken.wait(state).expect("no panic while locked");
        }
        None
    }

    fn take(&self, next: Next) -> Result<(), VfsError> {
        let Next { number, ino, listing, taker } = next;
        let is_large = self.taking.tree.has_more_children(ino, CHUNK)?;
        if !is_large {
            self.taking.fill(ino, taker.in_background());
        }
        let directories = directories(&listing);
        let mut state = self.state();
        let Some(course) = state.course.as_mut().filter(|course| course.number == number) else { return Ok(()) };
        if let Some(ready) = course.ready.iter_mut().find(|ready| ready.ino == ino) {
            ready.entries = listing.len();
            ready.listing = (!is_large).then_some(listing);
        }
        match directories {
            Some(mut directories) => course.to_come.append(&mut directories),
            None if is_large => {}
            None => state.course = None,
        }
        Ok(())
    }
}

impl Reliant for Shared {
    fn before_change(&self) {
        let mut state = self.state();
        (state.course, state.relies) = (None, false);
        state.inner.clear();
    }
}

/// A listing that is to be taken; who wants it can have it already, and waits for its entries.
struct Next {
    number: u64,
    ino: u64,
    listing: Arc<Listing>,
    taker: Taker,
}

impl Course {
    fn entries(&self) -> usize {
        self.ready.iter().map(|ready| ready.entries).sum()
    }

    fn next(&mut self, taking: &Taking) -> Option<Next> {
        if self.entries() >= MOST_ENTRIES || self.ready.len() >= MOST_LISTINGS {
            return None;
        }
        let ino = self.to_come.pop()?;
        let (listing, taker) = Listing::begin(taking.owner, self.epoch);
        self.ready.push_back(Ready { ino, listing: Some(listing.clone()), entries: 0 });
        Some(Next { number: self.number, ino, listing, taker })
    }
}

/// The directories of the index in a listing that is whole, the first one last.
fn directories(listing: &Listing) -> Option<Vec<u64>> {
    let mut directories = listing.directories()?;
    directories.retain(|ino| !special::is_special(*ino));
    directories.reverse();
    Some(directories)
}

/// Starts the thread; everything works without.
fn serve(shared: Arc<Shared>) -> bool {
    let serving = move || {
        while let Some(next) = shared.next() {
            if let Err(error) = shared.take(next) {
                tracing::debug!(%error, "a listing is not taken ahead");
            }
        }
    };
    thread::Builder::new().name("ahead".into()).spawn(serving).is_ok()
}
