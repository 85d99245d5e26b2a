//! Changes that are staged page by page, and applied together: what waits is on the disk, not in memory.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::hold::Removal;
use super::library::library_row;
use super::{Index, IndexError, ViewCounts};
use crate::photos::{Change, LibraryId};

/// The state a change leaves an asset in.
const VISIBLE: i64 = 0;
const HIDDEN: i64 = 1;
const TRASHED: i64 = 2;
/// A tombstone, of whatever it may be.
const GONE: i64 = 3;
const VANISHED: i64 = 4;
/// An album that is there.
const ALBUM: i64 = 5;

impl Index {
    /// Stages changes, after those that are; gives how many records were not among them. The next [`Index::apply`] of
    /// this library begins with them.
    pub fn stage_changes(&self, library: &LibraryId, changes: &[Change]) -> Result<u64, IndexError> {
        self.stage_with(|tx| {
            let (id, _) = library_row(tx, &library.0)?;
            let mut new = 0;
            let mut known = tx.prepare_cached("SELECT 1 FROM news WHERE library = ?1 AND record = ?2")?;
            let mut put = tx.prepare_cached(
                "INSERT INTO news (library, record, state, expires, change) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for change in changes {
                let (record, state, expires) = key(change);
                new += u64::from(!known.exists(params![id, record])?);
                put.execute(params![id, record, state, expires, serde_json::to_string(change).expect("plain values")])?;
            }
            Ok(new)
        })
    }

    /// Forgets what was staged and never applied, such as by a process that ended meanwhile.
    pub fn forget_staged(&self, library: &LibraryId) -> Result<(), IndexError> {
        let (id, _) = library_row(&*self.reader()?, &library.0)?;
        forget(&self.writer(), id)
    }

    /// Counts the assets that were staged, each once, by the view that the last change leaves it in.
    pub fn staged_counts(&self, library: &LibraryId) -> Result<ViewCounts, IndexError> {
        let reader = self.reader()?;
        let (id, _) = library_row(&reader, &library.0)?;
        // SQLite takes the state from the row that has the highest number.
        let mut query = reader.prepare_cached(
            "SELECT count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2)
             FROM (SELECT state, max(n) FROM news WHERE library = ?1 AND state IS NOT NULL GROUP BY record)",
        )?;
        let row = query.query_row([id], |row| Ok([row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?]))?;
        let [visible, hidden, trashed] = row.map(|count| count as u64);
        Ok(ViewCounts { visible, hidden, trashed, unready: 0 })
    }

    /// Names of all records of a library that a listing should show (assets, albums, memberships), and that were not
    /// staged.
    pub fn absent_from_staged(&self, library: &LibraryId) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let (id, _) = library_row(&reader, &library.0)?;
        let mut query = reader.prepare_cached(
            "SELECT name FROM (
                 SELECT name FROM asset WHERE library = ?1 AND NOT gone
                 UNION ALL SELECT name FROM album WHERE library = ?1
                 UNION ALL SELECT m.asset || '-IN-' || m.album FROM member m
                     JOIN album b ON b.name = m.album WHERE b.library = ?1)
             WHERE name NOT IN (SELECT record FROM news WHERE library = ?1)",
        )?;
        Ok(query.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Assets that are hidden, trashed or gone, and that what was staged makes visible.
    pub fn returning(&self, library: &LibraryId) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let (id, _) = library_row(&reader, &library.0)?;
        let mut query = reader.prepare_cached(
            "SELECT DISTINCT a.name FROM news n JOIN asset a ON a.name = n.record AND a.library = n.library
             WHERE n.library = ?1 AND n.state = ?2 AND (a.hidden OR a.trashed OR a.gone)",
        )?;
        Ok(query.query_map(params![id, VISIBLE], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

/// What a change is about: the record, the state it leaves an asset in, and when a trashed one will be gone.
fn key(change: &Change) -> (String, Option<i64>, Option<i64>) {
    match change {
        Change::Asset(asset) => {
            let state = match (asset.trashed, asset.hidden) {
                (true, _) => TRASHED,
                (false, true) => HIDDEN,
                (false, false) => VISIBLE,
            };
            (asset.name.clone(), Some(state), asset.expires)
        }
        Change::Gone(name) => (name.clone(), Some(GONE), None),
        Change::Vanished(name) => (name.clone(), Some(VANISHED), None),
        Change::Master(master) => (master.name.clone(), None, None),
        Change::Album(album) => (album.name.clone(), Some(if album.deleted { GONE } else { ALBUM }), None),
        Change::Joined(member) | Change::Left(member) => (member.record_name(), None, None),
    }
}

/// Goes through what was staged for a library, in its order.
pub(super) fn each(
    tx: &Connection,
    library: i64,
    mut take: impl FnMut(&Change) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let mut query = tx.prepare_cached("SELECT change FROM news WHERE library = ?1 ORDER BY n")?;
    let mut rows = query.query([library])?;
    while let Some(row) = rows.next()? {
        let change = serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
        take(&change.map_err(|error| IndexError::Staged(error.to_string()))?)?;
    }
    Ok(())
}

pub(super) fn forget(tx: &Connection, library: i64) -> Result<(), IndexError> {
    tx.prepare_cached("DELETE FROM news WHERE library = ?1")?.execute([library])?;
    Ok(())
}

/// What leaves by the changes that were staged and by some more: each record's last state, if it is a removal.
pub(super) fn removals(
    tx: &Connection,
    library: i64,
    changes: &[Change],
) -> Result<BTreeMap<String, Removal>, IndexError> {
    let mut removals = staged_removals(tx, library)?;
    for change in changes {
        let (record, state, expires) = key(change);
        if let Some(state) = state {
            removals.remove(&record);
            removals.extend(removal(state, expires).map(|removal| (record, removal)));
        }
    }
    Ok(removals)
}

fn removal(state: i64, expires: Option<i64>) -> Option<Removal> {
    match state {
        TRASHED => Some(Removal::Trashed(expires)),
        GONE => Some(Removal::Gone),
        VANISHED => Some(Removal::Vanished),
        _ => None,
    }
}

fn staged_removals(tx: &Connection, library: i64) -> Result<BTreeMap<String, Removal>, IndexError> {
    let mut query = tx.prepare_cached(
        "SELECT record, state, expires FROM news n WHERE library = ?1 AND state IN (2, 3, 4)
           AND NOT EXISTS (SELECT 1 FROM news later
               WHERE later.library = n.library AND later.record = n.record AND later.n > n.n AND later.state IS NOT NULL)",
    )?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, removal(row.get(1)?, row.get(2)?)));
    let rows = query.query_map([library], row)?.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().filter_map(|(record, removal)| Some((record, removal?))).collect())
}
