//! Entries of directories, and the counts and times that follow them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::IndexError;
use super::layout::Layout;
use crate::tree;

/// Counts and times that follow from entries, gathered so that a directory that gets thousands of entries is written once.
#[derive(Default)]
pub(super) struct Pending {
    /// How many more links an inode has.
    pub links: BTreeMap<u64, i64>,
    /// When a directory's entries changed: nanoseconds.
    times: BTreeMap<u64, i64>,
}

impl Pending {
    /// Inodes that may wait: a few hundred kilobytes.
    const MOST: usize = 8192;

    fn write(&mut self, tx: &Connection) -> Result<(), IndexError> {
        let mut links = tx.prepare_cached("UPDATE node SET nlink = nlink + ?2 WHERE ino = ?1")?;
        while let Some((ino, by)) = self.links.pop_first() {
            if by != 0 {
                links.execute(params![ino as i64, by])?;
            }
        }
        let mut times =
            tx.prepare_cached("UPDATE node SET mtime = max(mtime, ?2), ctime = max(ctime, ?2) WHERE ino = ?1")?;
        while let Some((directory, stamp)) = self.times.pop_first() {
            times.execute(params![directory as i64, stamp])?;
        }
        Ok(())
    }
}

impl Layout<'_> {
    pub(super) fn write_pending_if_much(&mut self) -> Result<(), IndexError> {
        match self.pending.links.len() + self.pending.times.len() < Pending::MOST {
            true => Ok(()),
            false => self.write_pending(),
        }
    }

    pub(super) fn write_pending(&mut self) -> Result<(), IndexError> {
        self.change.directories.extend(self.pending.times.keys());
        self.pending.write(self.tx)
    }

    /// The one entry of a directory.
    pub(super) fn entry_of(&self, ino: u64) -> Result<Option<(u64, String)>, IndexError> {
        let mut query = self.tx.prepare_cached("SELECT parent, name FROM dentry WHERE ino = ?1")?;
        Ok(query.query_row([ino as i64], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))).optional()?)
    }

    pub(super) fn is_taken(&self, parent: u64, fold: &str) -> bool {
        self.is_taken_by_other(parent, fold, &[])
    }

    /// A name whose state cannot be read is taken: the next form is tried, and the transaction will fail by itself.
    pub(super) fn is_taken_by_other(&self, parent: u64, fold: &str, own: &[u64]) -> bool {
        let found = self
            .tx
            .prepare_cached("SELECT ino FROM dentry WHERE parent = ?1 AND fold = ?2")
            .and_then(|mut query| query.query_row(params![parent as i64, fold], |row| row.get::<_, i64>(0)).optional());
        match found {
            Ok(Some(ino)) => !own.contains(&(ino as u64)),
            Ok(None) => false,
            Err(_) => true,
        }
    }

    pub(super) fn link(&mut self, parent: u64, name: &str, ino: u64) -> Result<(), IndexError> {
        self.tx
            .prepare_cached("INSERT INTO dentry (parent, fold, name, ino) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![parent as i64, tree::fold(name), name, ino as i64])?;
        self.entry_changed(parent, name, ino, 1);
        Ok(())
    }

    pub(super) fn unlink(&mut self, parent: u64, name: &str, ino: u64) -> Result<(), IndexError> {
        self.tx
            .prepare_cached("DELETE FROM dentry WHERE parent = ?1 AND fold = ?2")?
            .execute(params![parent as i64, tree::fold(name)])?;
        self.entry_changed(parent, name, ino, -1);
        Ok(())
    }

    fn entry_changed(&mut self, parent: u64, name: &str, ino: u64, links: i64) {
        *self.pending.links.entry(ino).or_default() += links;
        let latest = self.pending.times.entry(parent).or_insert(self.stamp);
        *latest = self.stamp.max(*latest);
        if !self.coarse {
            self.change.add(parent, name, ino);
        }
    }
}
