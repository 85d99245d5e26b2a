//! What left a library, and what came back: the person's own record, to be read when a loss is noticed months later.
//!
//! Rows are written in the transaction that changes the records (design.md §2, rule 8), and never changed: a day that has
//! passed reads the same for ever. A copy in plain text lies beside the index ([`copy`]) and outlives it.

mod copy;
mod details;
mod transitions;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::record::{json, unreadable};
use super::{Index, IndexError};
pub(super) use details::{of_album, of_asset};
pub(super) use transitions::Transitions;

/// Rows that are kept; the oldest go first. A row takes some 600 bytes, a usual library makes a few hundred a year: this is
/// room for a library of half a million to be trashed and expunged whole.
const MOST_ROWS: i64 = 1_000_000;

const DAY: i64 = 86_400_000;

/// How something left a library, or came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Moved to Recently Deleted.
    Trashed,
    /// Gone for good, by a tombstone or because its time in Recently Deleted was over.
    Expunged,
    /// Gone from this library while another has the same original.
    Moved,
    /// iCloud no longer has it and told of no deletion.
    Vanished,
    /// Back in the library.
    Restored,
    AlbumDeleted,
    /// Photos were taken out of an album that goes on.
    AlbumLeft,
    /// iCloud no longer has the whole library.
    LibraryGone,
}

impl How {
    const ALL: [How; 8] = [
        How::Trashed,
        How::Expunged,
        How::Moved,
        How::Vanished,
        How::Restored,
        How::AlbumDeleted,
        How::AlbumLeft,
        How::LibraryGone,
    ];

    /// The word that files and tables hold. Stable.
    pub fn as_str(self) -> &'static str {
        match self {
            How::Trashed => "trashed",
            How::Expunged => "expunged",
            How::Moved => "moved",
            How::Vanished => "vanished",
            How::Restored => "restored",
            How::AlbumDeleted => "album-deleted",
            How::AlbumLeft => "album-left",
            How::LibraryGone => "library-gone",
        }
    }

    fn from_word(word: &str) -> Option<How> {
        How::ALL.into_iter().find(|how| how.as_str() == word)
    }

    /// Whether nobody is known to have asked for it.
    pub fn is_unexplained(self) -> bool {
        matches!(self, How::Vanished | How::LibraryGone)
    }
}

/// An asset, album or library that left or came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// When photosfs learned of it.
    pub noticed: Timestamp,
    pub how: How,
    /// The zone's name.
    pub library: String,
    /// The record name of the asset or album; of a library the zone's.
    pub record: String,
    /// Another library that has the same original.
    pub other: Option<String>,
    #[serde(flatten)]
    pub details: Details,
}

/// What was known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The name a photo was imported with, or the album's name in the tree.
    pub name: Option<String>,
    pub captured: Option<Timestamp>,
    /// When a trashed photo will be gone for good.
    pub expires: Option<Timestamp>,
    /// Whether it stayed in the tree until a person decides.
    pub held: bool,
    /// Albums it was shown in, with their folders.
    pub albums: Vec<String>,
    /// A photo's files; of an album, what was in it.
    pub files: Vec<LostFile>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostFile {
    pub size: u64,
    pub checksum: String,
    /// Where it was in the tree.
    pub paths: Vec<String>,
}

/// A row to be written.
pub(super) struct Entry<'a> {
    pub how: How,
    pub zone: &'a str,
    pub record: &'a str,
    /// The master's record name: equal in every library that has the same original (protocol/photos.md §3.6).
    pub master: Option<&'a str>,
    pub other: Option<&'a str>,
    /// Whether it counts for the limit above which removals are held: nobody has decided about it.
    pub counted: bool,
    pub details: &'a Details,
}

impl Entry<'_> {
    pub fn write(&self, tx: &Connection) -> Result<(), IndexError> {
        let details = serde_json::to_string(self.details).expect("plain values only");
        // A clock that was set back must not write into a day that has passed.
        tx.prepare_cached(
            "INSERT INTO journal (noticed, library, record, how, master, other, counted, details)
             VALUES (max(?1, coalesce((SELECT noticed FROM journal ORDER BY id DESC LIMIT 1), 0)), ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            Timestamp::now().as_millisecond(),
            self.zone,
            self.record,
            self.how.as_str(),
            self.master,
            self.other,
            self.counted,
            details
        ])?;
        tx.prepare_cached("DELETE FROM journal WHERE id <= ?1")?.execute([tx.last_insert_rowid() - MOST_ROWS])?;
        Ok(())
    }
}

/// Removals of assets or of albums that nobody has decided about, since a moment: each record once.
pub(super) fn undecided(connection: &Connection, zone: &str, albums: bool, since: i64) -> Result<u64, IndexError> {
    let mut query = connection.prepare_cached(
        "SELECT count(DISTINCT record) FROM journal
         WHERE library = ?1 AND counted AND noticed > ?2 AND (how = 'album-deleted') = ?3",
    )?;
    Ok(query.query_row(params![zone, since, albums], |row| row.get::<_, i64>(0))? as u64)
}

/// A person has looked at a library's removals, or one is undone: it counts no more.
pub(super) fn settle(tx: &Connection, zone: &str, record: Option<&str>) -> Result<(), IndexError> {
    tx.prepare_cached("UPDATE journal SET counted = 0 WHERE library = ?1 AND counted AND coalesce(record = ?2, 1)")?
        .execute([Some(zone), record])?;
    Ok(())
}

impl Index {
    /// Gives what left or came back from a moment to another (not included), oldest first, until `take` says stop. Rows are
    /// read as they lie: a day may have more than memory holds.
    pub fn departures(
        &self,
        from: Timestamp,
        to: Timestamp,
        take: &mut dyn FnMut(Departure) -> bool,
    ) -> Result<(), IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT noticed, library, record, how, other, details FROM journal WHERE noticed >= ?1 AND noticed < ?2
             ORDER BY noticed, id",
        )?;
        let mut rows = query.query([from.as_millisecond(), to.as_millisecond()])?;
        while let Some(row) = rows.next()? {
            if !take(departure(row)?) {
                break;
            }
        }
        Ok(())
    }

    /// The number of the latest row; `None` if there is none.
    pub fn newest_change(&self) -> Result<Option<i64>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT max(id) FROM journal")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    /// The days (since 1970, UTC) on which something left or came back.
    pub fn days_of_change(&self) -> Result<Vec<i64>, IndexError> {
        let reader = self.reader()?;
        // Goes from day to day by the index instead of through all rows.
        let mut query = reader.prepare_cached(
            "WITH RECURSIVE step (day) AS (
                 SELECT min(noticed) / ?1 FROM journal
                 UNION ALL
                 SELECT (SELECT min(noticed) / ?1 FROM journal WHERE noticed >= (day + 1) * ?1) FROM step
                 WHERE day IS NOT NULL)
             SELECT day FROM step WHERE day IS NOT NULL",
        )?;
        Ok(query.query_map([DAY], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

fn departure(row: &Row<'_>) -> rusqlite::Result<Departure> {
    let (how, details): (String, String) = (row.get(3)?, row.get(5)?);
    Ok(Departure {
        noticed: Timestamp::from_millisecond(row.get(0)?).unwrap_or_default(),
        library: row.get(1)?,
        record: row.get(2)?,
        how: How::from_word(&how).ok_or_else(|| unreadable(3, how.clone()))?,
        other: row.get(4)?,
        details: json(5, &details)?,
    })
}
