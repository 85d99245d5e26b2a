//! Entries of directories, and the counts and times that follow them.

use rusqlite::{OptionalExtension, params};

use super::IndexError;
use super::layout::Layout;
use crate::tree;

impl Layout<'_> {
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
        self.entry_changed(parent, name, ino, 1)
    }

    pub(super) fn unlink(&mut self, parent: u64, name: &str, ino: u64) -> Result<(), IndexError> {
        self.tx
            .prepare_cached("DELETE FROM dentry WHERE parent = ?1 AND fold = ?2")?
            .execute(params![parent as i64, tree::fold(name)])?;
        self.entry_changed(parent, name, ino, -1)
    }

    fn entry_changed(&mut self, parent: u64, name: &str, ino: u64, links: i64) -> Result<(), IndexError> {
        self.tx
            .prepare_cached("UPDATE node SET nlink = nlink + ?2 WHERE ino = ?1")?
            .execute(params![ino as i64, links])?;
        self.tx
            .prepare_cached("UPDATE node SET mtime = max(mtime, ?2), ctime = max(ctime, ?2) WHERE ino = ?1")?
            .execute(params![parent as i64, self.stamp])?;
        self.change.entries.push((parent, name.to_owned()));
        self.change.attributes.push(ino);
        Ok(())
    }
}
