//! One reader's way through the tree, as far as it can be guessed.
//!
//! The orders in which files are really opened, as strace shows them on a directory whose names, inode numbers and listing
//! all disagree: rsync 3.5 and restic 0.14 by name, byte by byte; cp -r (coreutils 9.1) and borg 1.2 by inode number; tar
//! 1.34 as listed, which on this mount is by name too. Within a directory files come before directories. Both orders are
//! followed until one fails.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Tree;
use super::read_ahead::{GivenUp, Member, Use, members};
use crate::index::{IndexError, ROOT};

/// How far from the last file the next may be: restic reads two at once, and nobody is punished for a file left out.
const REACH: usize = 4;

/// How far a walk's second file may be from its first.
const NEXT: usize = 2;

/// Files to have on their way after the first right guess, or at once if the first file of a directory is copied, and how
/// many bytes of them: with the one that is read they keep ten connections busy, and this is what a wrong guess may cost.
/// Each right guess makes them three times as many.
const FIRST_WINDOW: usize = 9;
const FIRST_BYTES: u64 = 48 * 1024 * 1024;

/// Files on their way at most, and how many bytes of them: enough to keep every connection busy, with small files
/// (10 connections at 40 ms a request) as with large ones (10 at 20 MB/s).
const MAX_FILES: usize = 32;
const MAX_BYTES: u64 = 128 * 1024 * 1024;

/// Addresses are looked up for so many files at once, before the last one is used up: one look-up for a hundred files.
const FORESEEN: usize = 100;

/// Files of the next directory that are guessed before the walk has gone from one directory to the next, up to this size:
/// of eight films that are copied at once none is proof of a ninth.
const FIRST_OF_NEXT: usize = 2;
const MAX_OF_NEXT: u64 = 8 * 1024 * 1024;

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
    directory: u64,
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
    /// The length of the latest step forward.
    stride: usize,
    /// Where the files of the last directory begin, and which it is; `None` after the last of all.
    last: usize,
    directory: Option<u64>,
    crossed: bool,
    /// Addresses of the files before this place have been asked for.
    foreseen: usize,
}

fn by_name(members: &mut [Member]) {
    members.sort_unstable_by(|a, b| a.name.cmp(&b.name));
}

fn by_inode(members: &mut [Member]) {
    members.sort_unstable_by_key(|member| member.ino);
}

impl Walk {
    /// `copies` if the reader seems to copy: then the first file of the directory, in one of the orders, is guess enough.
    pub fn begin(tree: &dyn Tree, directory: u64, ino: u64, copies: bool) -> Result<Walk, IndexError> {
        let files = members(tree, directory)?.0;
        let course = |order: fn(&mut [Member])| Course::begin(order, files.clone(), directory, ino);
        let (mut by_name, mut by_inode) = (course(by_name), course(by_inode));
        for course in [&mut by_name, &mut by_inode] {
            course.hits = usize::from(copies && course.at == 0);
        }
        let window = if by_name.hits + by_inode.hits > 0 { FIRST_WINDOW } else { 0 };
        let asked = HashSet::from([ino]);
        Ok(Walk { by_name, by_inode, directory, asked, window, given_up: GivenUp::default() })
    }

    pub fn began_in(&self, directory: u64) -> bool {
        self.directory == directory
    }

    pub fn given_up(&self) -> GivenUp {
        Arc::clone(&self.given_up)
    }

    /// Compares a use with what was expected.
    pub fn step(&mut self, ino: u64, what: Use) -> Step {
        let step = self.by_name.step(ino).min(self.by_inode.step(ino));
        // Files that were whole before nobody fetched for this reader: they move the walk on, and prove nothing.
        let near = self.window > 0 || self.by_name.stride.min(self.by_inode.stride) <= NEXT;
        if step == Step::Ahead && near && (what != Use::OpenedWhole || self.asked.contains(&ino)) {
            self.window = (self.window * 3).clamp(FIRST_WINDOW, MAX_FILES);
        }
        step
    }

    /// The files to fetch now, with their sizes; a large one counts with its first `head` bytes.
    pub fn next(&mut self, tree: &dyn Tree, head: u64) -> Result<Vec<(u64, u64)>, IndexError> {
        if self.window == 0 {
            return Ok(Vec::new());
        }
        let (window, is_believed) = (self.window, self.is_believed());
        let course = self.course();
        // A first guess stays in its directory.
        if is_believed {
            course.reach(tree, window)?;
        }
        let (mut bytes, most) = (0, if is_believed { MAX_BYTES } else { FIRST_BYTES });
        let within = course.ahead(window).iter().take_while(|file| {
            bytes += file.size.min(head);
            bytes <= most
        });
        let within: Vec<(u64, u64)> = within.map(|file| (file.ino, file.size)).collect();
        Ok(within.into_iter().filter(|(ino, _)| self.asked.insert(*ino)).collect())
    }

    /// Whether more than the first guess was right.
    fn is_believed(&self) -> bool {
        self.window > FIRST_WINDOW
    }

    /// The files whose addresses are to be looked up now, in advance: with the first guess already, whose files need a
    /// look-up anyway, so that nobody waits for one when it has turned out to be right.
    pub fn foresee(&mut self) -> Vec<u64> {
        if self.window == 0 {
            return Vec::new();
        }
        let course = self.course();
        let from = course.foreseen.max(course.at + 1).min(course.files.len());
        if from > course.at + MAX_FILES {
            return Vec::new();
        }
        let upcoming = &course.files[from..(from + FORESEEN).min(course.files.len())];
        course.foreseen = from + upcoming.len();
        upcoming.iter().map(|file| file.ino).collect()
    }

    /// The order that was right more often.
    fn course(&mut self) -> &mut Course {
        if self.by_inode.hits > self.by_name.hits { &mut self.by_inode } else { &mut self.by_name }
    }
}

impl Course {
    fn begin(order: fn(&mut [Member]), mut files: Vec<Member>, directory: u64, ino: u64) -> Course {
        order(&mut files);
        let at = files.iter().position(|file| file.ino == ino).unwrap_or(0);
        Course {
            order,
            files,
            at,
            hits: 0,
            stride: usize::MAX,
            last: 0,
            directory: Some(directory),
            crossed: false,
            foreseen: 0,
        }
    }

    fn step(&mut self, ino: u64) -> Step {
        let from = self.at.saturating_sub(REACH);
        let near = self.files.iter().skip(from).take(self.at - from + 1 + REACH);
        match near.enumerate().find(|(_, file)| file.ino == ino).map(|(place, _)| from + place) {
            Some(place) if place > self.at => {
                self.stride = place - self.at;
                self.at = place;
                self.hits += 1;
                self.crossed |= self.last > 0 && place >= self.last;
                Step::Ahead
            }
            Some(_) => Step::Behind,
            None => {
                (self.hits, self.stride) = (0, usize::MAX);
                Step::Elsewhere
            }
        }
    }

    /// The files that come next; few of another directory while it is not sure that the walk goes on there.
    fn ahead(&self, window: usize) -> &[Member] {
        let next = self.files[self.last..].iter().take(FIRST_OF_NEXT).take_while(|file| file.size <= MAX_OF_NEXT);
        let limit = if self.crossed || self.last == 0 { self.files.len() } else { self.last + next.count() };
        let end = (self.at + 1 + window).min(limit);
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
