//! Which removals must wait.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{Held, Removal, is_held};
use crate::index::library::library_row;
use crate::index::{Index, IndexError, journal, news};
use crate::photos::{Change, LibraryId};

/// Removals add up for a week: as many as [`limit`] on every poll would empty a library unnoticed, and what left at the
/// week's beginning can still be rescued, for Recently Deleted keeps it for 30 days (protocol/photos.md §3.4).
const WINDOW: i64 = 7 * 86_400_000;

/// How many assets of a library of this size may leave in a week: more wait for a person. Fewer than ten are an
/// ordinary week's tidying of any library; 500 is what a person can still look through.
pub fn limit(assets: u64) -> u64 {
    (assets / 20).clamp(10, 500)
}

impl Index {
    /// Those removals among the staged changes, and some more, that must wait.
    ///
    /// All of them, if with those of the last week that nobody has decided about they are more than [`limit`], or if others
    /// of a mass deletion in this library wait already; else those a person has rejected before, and what has vanished.
    pub fn removals_to_hold(&self, library: &LibraryId, changes: &[Change]) -> Result<Vec<Held>, IndexError> {
        let reader = self.reader()?;
        let (id, _) = library_row(&reader, &library.0)?;
        let (mut assets, mut albums) = (Vec::new(), Vec::new());
        for (name, removal) in news::removals(&reader, id, changes)? {
            if is_album(&reader, id, &name)? {
                albums.push(Held { name, removal: Removal::Album });
            } else if is_live(&reader, id, &name)? {
                assets.push(Held { name, removal });
            }
        }
        let mut held = Sort::Assets.choose(&reader, id, &library.0, assets)?;
        held.extend(Sort::Albums.choose(&reader, id, &library.0, albums)?);
        Ok(held)
    }
}

/// What is counted together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Assets,
    Albums,
}

impl Sort {
    fn limit(self, alive: u64) -> u64 {
        match self {
            Sort::Assets => limit(alive),
            // Fewer albums than photos are made in a life: there is no upper bound.
            Sort::Albums => (alive / 20).max(10),
        }
    }

    /// How many are alive in a library, and how many removals of a mass deletion wait.
    fn counts(self, reader: &Connection, library: i64) -> Result<(u64, u64), IndexError> {
        let statement = match self {
            Sort::Assets => {
                "SELECT (SELECT visible + hidden FROM library WHERE id = ?1),
                        (SELECT count(*) FROM held WHERE library = ?1 AND state = 0 AND removal IN (0, 1))"
            }
            Sort::Albums => {
                "SELECT (SELECT count(*) FROM album WHERE library = ?1),
                        (SELECT count(*) FROM held WHERE library = ?1 AND state = 0 AND removal = 3)"
            }
        };
        let count = |row: &Row<'_>, column| row.get::<_, i64>(column).map(|count| count as u64);
        Ok(reader.query_row(statement, [library], |row| Ok((count(row, 0)?, count(row, 1)?)))?)
    }

    /// Of some removals those that must wait.
    fn choose(
        self,
        reader: &Connection,
        library: i64,
        zone: &str,
        removals: Vec<Held>,
    ) -> Result<Vec<Held>, IndexError> {
        if removals.is_empty() {
            return Ok(removals);
        }
        let (alive, waiting) = self.counts(reader, library)?;
        let since = Timestamp::now().as_millisecond() - WINDOW;
        let left = journal::undecided(reader, zone, self == Sort::Albums, since)?;
        if waiting > 0 || removals.len() as u64 + left > self.limit(alive + left) {
            return Ok(removals);
        }
        let mut kept = Vec::new();
        for removal in removals {
            if removal.removal == Removal::Vanished || is_held(reader, &removal.name, library)? {
                kept.push(removal);
            }
        }
        Ok(kept)
    }
}

fn is_live(connection: &Connection, library: i64, name: &str) -> Result<bool, IndexError> {
    let mut query = connection
        .prepare_cached("SELECT 1 FROM asset WHERE name = ?1 AND library = ?2 AND NOT gone AND NOT trashed")?;
    Ok(query.exists(params![name, library])?)
}

fn is_album(connection: &Connection, library: i64, name: &str) -> Result<bool, IndexError> {
    let mut query = connection.prepare_cached("SELECT 1 FROM album WHERE name = ?1 AND library = ?2")?;
    Ok(query.exists(params![name, library])?)
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn the_limit_is_design_rule_4() {
        assert_eq!([0, 60, 200, 1_000, 9_999, 10_000, 1_000_000].map(limit), [10, 10, 10, 50, 499, 500, 500]);
    }
}
