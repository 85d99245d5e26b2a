//! How much iCloud should announce of what is here. Not exactly: frames of a burst are in no list, and whether members of an
//! album that are hidden are in its list is not known (protocol/photos.md §2.2).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use rusqlite::params;

use super::{Index, IndexError, ViewCounts};
use crate::photos::LibraryId;

impl Index {
    /// A library's assets by the view that iCloud has them in: those that are held are elsewhere there, or gone.
    pub fn listed_counts(&self, library: &LibraryId) -> Result<ViewCounts, IndexError> {
        let counts = self.view_counts(library)?;
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT count(*) FILTER (WHERE NOT a.hidden), count(*) FILTER (WHERE a.hidden),
                    count(*) FILTER (WHERE h.removal = 0)
             FROM library l JOIN held h ON h.library = l.id AND h.removal <= 2
             JOIN asset a ON a.name = h.record AND a.library = h.library AND NOT a.gone AND NOT a.trashed
             WHERE l.zone = ?1",
        )?;
        let held = query.query_row([&library.0], |row| Ok([row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?]))?;
        let [visible, hidden, trashed] = held.map(|count| count as u64);
        Ok(ViewCounts {
            visible: counts.visible.saturating_sub(visible),
            hidden: counts.hidden.saturating_sub(hidden),
            trashed: counts.trashed + trashed,
            unready: counts.unready,
        })
    }

    /// How many assets each view of a library may announce, in the order of [`crate::photos::View::ALL`].
    pub fn expected_views(&self, library: &LibraryId) -> Result<[RangeInclusive<u64>; 3], IndexError> {
        let ViewCounts { visible, hidden, trashed, .. } = self.listed_counts(library)?;
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT coalesce(sum(n) FILTER (WHERE view = 0), 0), coalesce(sum(n) FILTER (WHERE view = 1), 0),
                    coalesce(sum(n) FILTER (WHERE view = 2), 0)
             FROM (SELECT CASE WHEN a.trashed THEN 2 ELSE a.hidden END AS view, count(*) - 1 AS n
                   FROM asset a JOIN library l ON l.id = a.library
                   WHERE l.zone = ?1 AND a.burst IS NOT NULL AND NOT a.gone GROUP BY a.burst, view)",
        )?;
        let unlisted = query.query_row([&library.0], |row| Ok([row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?]))?;
        let range = |most: u64, unlisted: i64| most.saturating_sub(unlisted as u64)..=most;
        Ok([range(visible, unlisted[0]), range(hidden, unlisted[1]), range(trashed, unlisted[2])])
    }

    /// How many members an album may announce.
    pub fn expected_members(&self, album: &str) -> Result<RangeInclusive<u64>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT count(*) FILTER (WHERE EXISTS (
                 SELECT 1 FROM asset a WHERE a.name = m.asset AND NOT (a.hidden OR a.trashed OR a.gone) AND a.burst IS NULL
                     AND NOT EXISTS (SELECT 1 FROM held h WHERE h.library = a.library AND h.record = a.name))), count(*)
             FROM member m WHERE m.album = ?1",
        )?;
        let (least, most): (i64, i64) = query.query_row([album], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(least as u64..=most as u64)
    }

    /// Albums and folders of a library that iCloud has too.
    pub fn listed_albums(&self, library: &LibraryId) -> Result<BTreeSet<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT b.name FROM library l JOIN album b ON b.library = l.id WHERE l.zone = ?1
                 AND NOT EXISTS (SELECT 1 FROM held h WHERE h.library = l.id AND h.record = b.name)",
        )?;
        Ok(query.query_map([&library.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Albums of which something was not followed while it was held, and now nothing is.
    pub fn doubted_albums(&self) -> Result<Vec<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT b.name FROM album b WHERE b.doubt
                 AND NOT EXISTS (SELECT 1 FROM held h WHERE h.library = b.library AND h.record = b.name)
                 AND NOT EXISTS (SELECT 1 FROM member m JOIN held h ON h.record = m.asset WHERE m.album = b.name)
             ORDER BY b.name",
        )?;
        Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// An album's list is being read.
    pub fn trust_album(&self, album: &str) -> Result<(), IndexError> {
        self.writer().execute("UPDATE album SET doubt = 0 WHERE name = ?1 AND doubt", params![album])?;
        Ok(())
    }
}
