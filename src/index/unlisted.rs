//! What no list of a library shows and its history does: the frames of a burst that are not its pick.

use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::apply::Touched;
use super::library::library_row;
use super::{Index, IndexError, TreeChange, record};
use crate::photos::{Change, LibraryId};

/// How far the history of a library has been read for what no list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryWalk {
    /// Where it goes on; at the beginning, if there is none.
    pub token: Option<String>,
    pub pages: u64,
    /// Records that were found.
    pub found: u64,
    pub done: bool,
}

impl Index {
    /// How far the history of a library has been read; not at all, if there is none of it to read: no burst, nothing unlisted.
    pub fn history_walk(&self, library: &LibraryId) -> Result<Option<HistoryWalk>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT 1 FROM library l JOIN asset a ON a.library = l.id AND a.burst IS NOT NULL
             WHERE l.zone = ?1 AND l.shown AND NOT l.gone LIMIT 1",
        )?;
        if !query.exists([&library.0])? {
            return Ok(None);
        }
        let walk = self.remembered(&key(library))?.filter(|text| !text.is_empty());
        Ok(Some(walk.map_or(Ok(HistoryWalk::default()), |text| record::json(0, &text))?))
    }

    pub fn note_history_walk(&self, library: &LibraryId, walk: &HistoryWalk) -> Result<(), IndexError> {
        self.remember(&key(library), &serde_json::to_string(walk).expect("plain values"))
    }

    /// Of some records of a library's history those that are not known: photos, with their masters, and memberships in albums
    /// that are. What has left is known; of what is trashed there are lists.
    pub fn unknown_of(&self, library: &LibraryId, changes: Vec<Change>) -> Result<Vec<Change>, IndexError> {
        let reader = self.reader()?;
        let (id, _) = library_row(&reader, &library.0)?;
        let mut asset = reader.prepare_cached("SELECT 1 FROM asset WHERE name = ?1 AND library = ?2")?;
        let mut member = reader.prepare_cached(
            "SELECT 1 FROM album b WHERE b.name = ?1
                 AND NOT EXISTS (SELECT 1 FROM member m WHERE m.album = ?1 AND m.asset = ?2)",
        )?;
        let mut unknown = Vec::new();
        for change in changes {
            let is_unknown = match &change {
                Change::Asset(new) if new.trashed && new.burst.is_none() => false,
                Change::Asset(new) => !asset.exists(params![new.name, id])?,
                Change::Joined(new) => member.exists([&new.album, &new.asset])?,
                // Seldom on the page of their assets; they are looked up by name.
                _ => false,
            };
            if is_unknown {
                unknown.push(change);
            }
        }
        Ok(unknown)
    }

    /// Adds records to a library that is shown. Where its changes go on stays as it is.
    pub fn add(&self, library: &LibraryId, changes: &[Change]) -> Result<TreeChange, IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, _) = library_row(&tx, &library.0)?;
        let mut touched = Touched::default();
        for change in changes {
            touched.write(&tx, id, change)?;
        }
        let change = touched.journal_and_lay_out(&tx, &self.options, (id, &library.0))?;
        tx.commit()?;
        Ok(change)
    }
}

fn key(library: &LibraryId) -> String {
    format!("history of {}", library.0)
}
