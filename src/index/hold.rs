//! Removals that wait until a person has looked at them (design.md §2, rule 4).
//!
//! Held are a mass deletion, also one that is spread over a week; the deletion of many albums; the end of a whole library;
//! and every photo that is gone without anybody having deleted it. What is held stays in the tree as it was.

mod choice;
mod copy;
mod decision;
mod restore;

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::journal::{self, Entry, How};
use super::library::library_row;
use super::{Index, IndexError, NoteKind, TreeChange};
use crate::photos::{Asset, LibraryId};
pub use choice::limit;
pub use decision::Decision;

/// How something leaves what a backup copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Moved to Recently Deleted, to be gone at this time: milliseconds since 1970.
    Trashed(Option<i64>),
    Gone,
    /// Gone, and nobody told of a deletion.
    Vanished,
    /// An album or folder, deleted.
    Album,
    /// The whole library.
    Library,
}

/// Names of a library's held photos that a summary gives.
const FIRST: usize = 5;

/// Something that would leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its record name; of a library the zone's.
    pub name: String,
    pub removal: Removal,
}

/// What waits in a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub library: LibraryId,
    /// Photos and videos.
    pub photos: u64,
    /// Of these, those that are gone without a deletion.
    pub vanished: u64,
    pub albums: u64,
    /// Photos that are gone since the index was damaged, which only that one knew by name: nothing is shown until then.
    pub unnamed: u64,
    /// Whether iCloud no longer has the library itself.
    pub whole: bool,
    /// Since when the oldest of it waits.
    pub since: Timestamp,
    /// Paths of the first few.
    pub first: Vec<String>,
}

impl Waiting {
    /// Removals: photos, albums and the library itself.
    pub fn count(&self) -> u64 {
        self.photos + self.unnamed + self.albums + u64::from(self.whole)
    }
}

impl Removal {
    fn number(self) -> i64 {
        match self {
            Removal::Trashed(_) => 0,
            Removal::Gone => 1,
            Removal::Vanished => 2,
            Removal::Album => 3,
            Removal::Library => 4,
        }
    }

    fn expires(self) -> Option<i64> {
        match self {
            Removal::Trashed(expires) => expires,
            _ => None,
        }
    }

    fn how(self) -> How {
        match self {
            Removal::Trashed(_) => How::Trashed,
            Removal::Gone => How::Expunged,
            Removal::Vanished => How::Vanished,
            Removal::Album => How::AlbumDeleted,
            Removal::Library => How::LibraryGone,
        }
    }
}

impl Held {
    /// Takes note of it, in the journal too; one that was rejected before stays so.
    pub(super) fn keep(&self, tx: &Connection, library: i64, zone: &str) -> Result<(), IndexError> {
        let known: Option<i64> = tx
            .prepare_cached("SELECT removal FROM held WHERE library = ?1 AND record = ?2")?
            .query_row(params![library, self.name], |row| row.get(0))
            .optional()?;
        // Asked for by name, what is known to have been deleted is merely not there.
        if known == Some(Removal::Gone.number()) && self.removal == Removal::Vanished {
            return Ok(());
        }
        if known != Some(self.removal.number()) {
            self.journal(tx, library, zone)?;
        }
        let now = Timestamp::now().as_millisecond();
        tx.prepare_cached(
            "INSERT INTO held (library, record, removal, expires, since) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (library, record) DO UPDATE SET removal = ?3, expires = ?4",
        )?
        .execute(params![library, self.name, self.removal.number(), self.removal.expires(), now])?;
        Ok(())
    }

    fn journal(&self, tx: &Connection, library: i64, zone: &str) -> Result<(), IndexError> {
        let (mut details, master) = match self.removal {
            Removal::Album => (journal::of_album(tx, &self.name, None)?, None),
            Removal::Library => (journal::Details { name: Some(zone.to_owned()), ..Default::default() }, None),
            _ => match asset_row(tx, library, &self.name)? {
                Some(asset) => journal::of_asset(tx, asset).map(|(details, master)| (details, Some(master)))?,
                None => return Ok(()),
            },
        };
        details.held = true;
        details.expires = self.removal.expires().and_then(|at| Timestamp::from_millisecond(at).ok());
        let (how, master) = (self.removal.how(), master.as_deref());
        Entry { how, zone, record: &self.name, master, other: None, counted: false, details: &details }.write(tx)
    }
}

pub(super) fn is_held(tx: &Connection, record: &str, library: i64) -> Result<bool, IndexError> {
    let mut query = tx.prepare_cached("SELECT 1 FROM held WHERE library = ?1 AND record = ?2")?;
    Ok(query.exists(params![library, record])?)
}

/// It is back in the cloud: there is nothing to decide any more.
pub(super) fn forget(tx: &Connection, record: &str, library: i64) -> Result<(), IndexError> {
    tx.prepare_cached("DELETE FROM held WHERE library = ?1 AND record = ?2")?.execute(params![library, record])?;
    Ok(())
}

/// An asset of a listing as it is to be shown: one that is held stays where it is, though iCloud lists it among the trashed.
pub(super) fn as_shown<'a>(tx: &Connection, library: i64, asset: &'a Asset) -> Result<Cow<'a, Asset>, IndexError> {
    if !is_held(tx, &asset.name, library)? {
        return Ok(Cow::Borrowed(asset));
    }
    if !asset.trashed {
        forget(tx, &asset.name, library)?;
        return Ok(Cow::Borrowed(asset));
    }
    tx.prepare_cached("UPDATE held SET removal = 0, expires = ?3 WHERE library = ?1 AND record = ?2")?
        .execute(params![library, asset.name, asset.expires])?;
    Ok(Cow::Owned(Asset { trashed: false, expires: None, ..asset.clone() }))
}

/// Whether, how much and what waits: differs when a person should be told anew.
pub(super) fn fingerprint(connection: &Connection) -> Result<(i64, i64), IndexError> {
    let mut query =
        connection.prepare_cached("SELECT count(*), coalesce(sum(removal), 0) FROM held WHERE state = 0")?;
    Ok(query.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

impl Index {
    /// Takes note that iCloud no longer has a library; it is shown as it was.
    pub fn hold_library(&self, library: &LibraryId) -> Result<TreeChange, IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        let (id, _) = library_row(&tx, &library.0)?;
        let news = !is_held(&tx, &library.0, id)?;
        Held { name: library.0.clone(), removal: Removal::Library }.keep(&tx, id, &library.0)?;
        tx.commit()?;
        drop(writer);
        if news {
            let note = format!("iCloud no longer lists the library {}: it is shown as it was", library.0);
            self.note(library, NoteKind::Gone, Some(&note))?;
        }
        self.copy_journal_or_warn();
        self.copy_held_or_warn();
        Ok(TreeChange { holds: news, ..TreeChange::default() })
    }

    /// What waits for a decision, by library; nothing if no person is needed.
    pub fn holds(&self) -> Result<Vec<Waiting>, IndexError> {
        let waiting = {
            let reader = self.reader()?;
            let mut query = reader.prepare_cached(
                "SELECT l.zone, count(*) FILTER (WHERE h.removal <= 2), count(*) FILTER (WHERE h.removal = 2),
                        count(*) FILTER (WHERE h.removal = 3), coalesce(max(h.removal = 4), 0),
                        coalesce(min(h.since), l.listed), iif(l.awaited AND l.shown, max(l.showed - l.visible - l.hidden, 0), 0)
                 FROM library l LEFT JOIN held h ON h.library = l.id AND h.state = 0
                 WHERE h.record IS NOT NULL OR l.awaited AND l.shown GROUP BY l.id ORDER BY l.id",
            )?;
            query.query_map([], waiting)?.collect::<Result<Vec<_>, _>>()?
        };
        let named = |waiting: Waiting| {
            let first = self.held_paths(Some(&waiting.library), FIRST)?;
            Ok(Waiting { first, ..waiting })
        };
        waiting.into_iter().map(named).collect()
    }

    /// Where the photos and albums that wait are shown, all photos of a library that waits whole; all libraries' or one's.
    pub fn held_paths(&self, library: Option<&LibraryId>, most: usize) -> Result<Vec<String>, IndexError> {
        let inodes: Vec<u64> = {
            let reader = self.reader()?;
            let mut query = reader.prepare_cached(
                "SELECT n.ino FROM held h JOIN library l ON l.id = h.library
                 JOIN asset a ON a.library = h.library AND a.name = h.record
                 JOIN node n ON n.asset = a.id AND n.kind = 1 AND n.resource = 0 AND n.place = 0 AND n.nlink > 0
                 WHERE h.state = 0 AND coalesce(l.zone = ?1, 1)
                 UNION ALL SELECT n.ino FROM held h JOIN library l ON l.id = h.library
                 JOIN node n ON n.key = 'album:' || h.record
                 WHERE h.state = 0 AND h.removal = 3 AND coalesce(l.zone = ?1, 1)
                 UNION ALL SELECT n.ino FROM held h JOIN library l ON l.id = h.library
                 JOIN asset a ON a.library = h.library
                 JOIN node n ON n.asset = a.id AND n.kind = 1 AND n.resource = 0 AND n.place = 0 AND n.nlink > 0
                 WHERE h.state = 0 AND h.removal = 4 AND coalesce(l.zone = ?1, 1)
                 AND NOT EXISTS (SELECT 1 FROM held o WHERE o.library = h.library AND o.record = a.name AND o.state = 0)
                 LIMIT ?2",
            )?;
            let values = params![library.map(|library| &library.0), i64::try_from(most).unwrap_or(i64::MAX)];
            query.query_map(values, |row| row.get::<_, i64>(0).map(|ino| ino as u64))?.collect::<Result<_, _>>()?
        };
        let paths = inodes.into_iter().map(|ino| self.path(ino));
        paths.filter_map(Result::transpose).collect()
    }
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let count = |column| row.get::<_, i64>(column).map(|count| count as u64);
    Ok(Waiting {
        library: LibraryId(row.get(0)?),
        photos: count(1)?,
        vanished: count(2)?,
        albums: count(3)?,
        whole: row.get(4)?,
        since: Timestamp::from_millisecond(row.get(5)?).unwrap_or_default(),
        unnamed: count(6)?,
        first: Vec::new(),
    })
}

fn asset_row(connection: &Connection, library: i64, name: &str) -> Result<Option<i64>, IndexError> {
    let mut query = connection.prepare_cached("SELECT id FROM asset WHERE name = ?1 AND library = ?2")?;
    Ok(query.query_row(params![name, library], |row| row.get(0)).optional()?)
}
