//! What a person should know of a library or of the account, until it is so no more.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Index, IndexError, discrepancy};
use crate::photos::LibraryId;

/// What a note is about: there is one of each kind at the most, and it is taken back when it no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// iCloud does not list the library any more.
    Gone,
    /// iCloud prepares its lists: what it announces says nothing.
    Indexing,
    /// Of the account: what was held is lost with an index that was damaged.
    Held,
    /// Of the account: libraries that others share cannot be asked for.
    Shared,
}

impl NoteKind {
    fn key(self) -> &'static str {
        match self {
            NoteKind::Gone => "gone",
            NoteKind::Indexing => "indexing",
            NoteKind::Held => "held",
            NoteKind::Shared => "shared",
        }
    }
}

/// Stands for the account in the place of a library's row.
const ACCOUNT: i64 = 0;

impl Index {
    /// Takes down what a person should know of a library; with `None`, takes it back.
    pub fn note(&self, library: &LibraryId, kind: NoteKind, text: Option<&str>) -> Result<(), IndexError> {
        let row = super::library::library_row(&*self.reader()?, &library.0)?.0;
        self.put_note(row, kind, text)
    }

    /// As [`Index::note`], of the account.
    pub fn note_account(&self, kind: NoteKind, text: Option<&str>) -> Result<(), IndexError> {
        self.put_note(ACCOUNT, kind, text)
    }

    /// Whether there is a note of this kind about the account.
    pub(super) fn is_noted(&self, kind: NoteKind) -> Result<bool, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT 1 FROM note WHERE library = ?1 AND kind = ?2")?;
        Ok(query.exists(params![ACCOUNT, kind.key()])?)
    }

    /// What a person should know of the account.
    pub fn account_notes(&self) -> Result<Option<String>, IndexError> {
        Ok(notes(&*self.reader()?, ACCOUNT)?)
    }

    /// Writes only what is new: a round without news leaves the index alone.
    fn put_note(&self, library: i64, kind: NoteKind, text: Option<&str>) -> Result<(), IndexError> {
        let known: Option<String> = self
            .reader()?
            .prepare_cached("SELECT text FROM note WHERE library = ?1 AND kind = ?2")?
            .query_row(params![library, kind.key()], |row| row.get(0))
            .optional()?;
        if known.as_deref() == text {
            return Ok(());
        }
        let writer = self.writer();
        match text {
            Some(text) => writer
                .prepare_cached("INSERT OR REPLACE INTO note (library, kind, text) VALUES (?1, ?2, ?3)")?
                .execute(params![library, kind.key(), text])?,
            None => writer
                .prepare_cached("DELETE FROM note WHERE library = ?1 AND kind = ?2")?
                .execute(params![library, kind.key()])?,
        };
        Ok(())
    }
}

/// All notes of a library in one line, and what may be missing of it.
pub(super) fn notes(connection: &Connection, library: i64) -> rusqlite::Result<Option<String>> {
    let mut query = connection.prepare_cached("SELECT text FROM note WHERE library = ?1 ORDER BY kind")?;
    let mut notes = query.query_map([library], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    notes.extend(discrepancy::open(connection, library)?);
    Ok((!notes.is_empty()).then(|| notes.join("; ")))
}
