//! One reader's way through the tree, as far as it can be guessed.
//!
//! rsync and restic read a directory by name, byte by byte; GNU cp and borg by inode number, and tar in the listing's
//! order, which is by name too. Within a directory files come before directories. Both orders are followed until one
//! fails.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Tree;
use super::read_ahead::{GivenUp, Member, Use, members};
use crate::index::{IndexError, ROOT};

/// How far from the last file the next may be: restic reads two at once, and nobody is punished for a file left out.
const REACH: usize = 4;

/// The window doubles with every right guess, from 1; at this width it is believed: at the third file in order.
const SURE: usize = 4;

/// Files on their way at most, and how many bytes of them: enough to keep every connection busy, with small files
/// (8 connections at 40 ms a request) as with large ones (8 at 20 MB/s).
const MAX_FILES: usize = 32;
const MAX_BYTES: u64 = 128 * 1024 * 1024;

/// Files of the next directory that are guessed before the walk has gone from one directory to the next.
const FIRST_OF_NEXT: usize = 2;

/// How deep the tree may be: years, months, nested albums.
const MAX_DEPTH: usize = 32;

/// The best of both orders counts: the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// A file that was expected next.
    Ahead,
    /// One that this walk has passed just now.
    Behind,
    Elsewhere,
}

/// A reader that goes through a directory. Dropping it gives up what was not begun yet.
pub struct Walk {
    by_name: Course,
    by_inode: Course,
    asked: HashSet<u64>,
    window: usize,
    given_up: GivenUp,
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

/// The files in one order, from the first directory on as far as they were needed.
struct Course {
    order: fn(&mut [Member]),
    files: Vec<Member>,
    at: usize,
    hits: usize,
    /// Where the files of the last directory begin, and which it is; `None` after the last of all.
    last: usize,
    directory: Option<u64>,
    crossed: bool,
}

fn by_name(members: &mut [Member]) {
    members.sort_unstable_by(|a, b| a.name.cmp(&b.name));
}

fn by_inode(members: &mut [Member]) {
    members.sort_unstable_by_key(|member| member.ino);
}

impl Walk {
    pub fn begin(tree: &dyn Tree, directory: u64, ino: u64) -> Result<Walk, IndexError> {
        let files = members(tree, directory)?.0;
        let course = |order: fn(&mut [Member])| Course::begin(order, files.clone(), directory, ino);
        let (by_name, by_inode) = (course(by_name), course(by_inode));
        Ok(Walk { by_name, by_inode, asked: HashSet::from([ino]), window: 1, given_up: GivenUp::default() })
    }

    pub fn given_up(&self) -> GivenUp {
        Arc::clone(&self.given_up)
    }

    /// Compares a use with what was expected.
    pub fn step(&mut self, ino: u64, what: Use) -> Step {
        let step = self.by_name.step(ino).min(self.by_inode.step(ino));
        // Files that were whole before nobody fetched for this reader: they move the walk on, and prove nothing.
        if step == Step::Ahead && (what == Use::Read || self.asked.contains(&ino)) {
            self.window = (self.window * 2).min(MAX_FILES);
        }
        step
    }

    /// The files to fetch now, with their sizes; a large one counts with its first `head` bytes.
    pub fn next(&mut self, tree: &dyn Tree, head: u64) -> Result<Vec<(u64, u64)>, IndexError> {
        if self.window < SURE {
            return Ok(Vec::new());
        }
        let course = if self.by_inode.hits > self.by_name.hits { &mut self.by_inode } else { &mut self.by_name };
        course.reach(tree, self.window)?;
        let mut bytes = 0;
        let within = course.ahead(self.window).iter().take_while(|file| {
            bytes += file.size.min(head);
            bytes <= MAX_BYTES
        });
        Ok(within.filter(|file| self.asked.insert(file.ino)).map(|file| (file.ino, file.size)).collect())
    }
}

impl Course {
    fn begin(order: fn(&mut [Member]), mut files: Vec<Member>, directory: u64, ino: u64) -> Course {
        order(&mut files);
        let at = files.iter().position(|file| file.ino == ino).unwrap_or(0);
        Course { order, files, at, hits: 0, last: 0, directory: Some(directory), crossed: false }
    }

    fn step(&mut self, ino: u64) -> Step {
        let from = self.at.saturating_sub(REACH);
        let near = self.files.iter().skip(from).take(self.at - from + 1 + REACH);
        match near.enumerate().find(|(_, file)| file.ino == ino).map(|(place, _)| from + place) {
            Some(place) if place > self.at => {
                self.at = place;
                self.hits += 1;
                self.crossed |= self.last > 0 && place >= self.last;
                Step::Ahead
            }
            Some(_) => Step::Behind,
            None => {
                self.hits = 0;
                Step::Elsewhere
            }
        }
    }

    /// The files that come next; few of another directory while it is not sure that the walk goes on there.
    fn ahead(&self, window: usize) -> &[Member] {
        let limit = if self.crossed || self.last == 0 { self.files.len() } else { self.last + FIRST_OF_NEXT };
        let end = (self.at + 1 + window).min(limit).min(self.files.len());
        &self.files[(self.at + 1).min(end)..end]
    }

    /// Goes on into the following directories where this one ends within the window.
    fn reach(&mut self, tree: &dyn Tree, window: usize) -> Result<(), IndexError> {
        while self.files.len() <= self.at + window && (self.crossed || self.last == 0) {
            let Some(directory) = self.directory else { return Ok(()) };
            self.directory = self.following(tree, directory)?;
            let Some(next) = self.directory else { return Ok(()) };
            let mut files = members(tree, next)?.0;
            (self.order)(&mut files);
            if !files.is_empty() {
                self.last = self.files.len();
                self.files.append(&mut files);
            }
        }
        Ok(())
    }

    /// The directory that is walked after this one and all that is in it before its directories: its first own one, else
    /// the next beside it, else the next beside its parent.
    fn following(&self, tree: &dyn Tree, directory: u64) -> Result<Option<u64>, IndexError> {
        if let Some(first) = self.directories(tree, directory)?.first() {
            return Ok(Some(first.ino));
        }
        let mut from = directory;
        for _ in 0..MAX_DEPTH {
            let Some(parent) = tree.parent(from)?.filter(|_| from != ROOT) else { return Ok(None) };
            let beside = self.directories(tree, parent)?;
            let own = beside.iter().position(|member| member.ino == from);
            if let Some(next) = own.and_then(|own| beside.get(own + 1)) {
                return Ok(Some(next.ino));
            }
            from = parent;
        }
        Ok(None)
    }

    fn directories(&self, tree: &dyn Tree, directory: u64) -> Result<Vec<Member>, IndexError> {
        let mut directories = members(tree, directory)?.1;
        (self.order)(&mut directories);
        Ok(directories)
    }
}
