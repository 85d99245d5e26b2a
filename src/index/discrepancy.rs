//! How many more, or fewer, iCloud announces of a list than there are, after everything was asked that could show them; and
//! whether a person has let that be.
//!
//! A count can be wrong for good (protocol/photos.md §2.4), and it can be the only sign of a loss: nothing here tells
//! one from the other. So what is announced and not found stands against a backup until a person accepts it, which holds
//! for exactly this number: if one more is missing, that stands against a backup again, and so does the old number
//! once another was looked for in vain in between.

use std::fmt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::library::library_row;
use super::store::connect_beside;
use super::{Index, IndexError};
use crate::photos::LibraryId;

/// The list of a library's albums and folders.
pub const ALBUM_LIST: &str = "albums";

/// By how much what is announced of a list is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offset {
    /// A view (`visible`, `hidden`, `recently deleted`), [`ALBUM_LIST`], or an album's record name.
    pub list: String,
    /// How many more are announced than there are; fewer, if it is negative.
    pub beyond: i64,
    /// Whether all was asked that could show what is missing.
    pub sought: bool,
}

impl Offset {
    pub fn is_of_view(&self) -> bool {
        matches!(self.list.as_str(), "visible" | "hidden" | "recently deleted")
    }
}

/// An offset as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    pub library: LibraryId,
    pub offset: Offset,
    /// What the album is called, if it is one's.
    pub title: Option<String>,
    /// How many a person has let be; 0 if nobody has.
    pub accepted: i64,
}

impl Discrepancy {
    /// Whether something may be missing.
    pub fn is_short(&self) -> bool {
        self.offset.beyond > 0
    }

    /// Whether something may be missing that nobody has accepted.
    pub fn is_open(&self) -> bool {
        self.is_short() && !self.is_accepted()
    }

    /// Whether a person has let exactly this be.
    pub fn is_accepted(&self) -> bool {
        self.offset.sought && self.accepted == self.offset.beyond
    }

    /// Whether a person has let it be that so many of a list are missing.
    pub fn accepts(&self, missing: &Offset) -> bool {
        self.offset.list == missing.list && self.accepted == missing.beyond
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Offset { list, beyond, sought } = &self.offset;
        let (number, more) = (beyond.unsigned_abs(), if *beyond < 0 { "fewer" } else { "more" });
        let plural = if number == 1 { "" } else { "s" };
        match (list.as_str(), &self.title) {
            (ALBUM_LIST, _) => write!(f, "iCloud announces {number} album{plural} {more} than it lists")?,
            _ if self.offset.is_of_view() => {
                write!(f, "iCloud announces {number} {list} photo{plural} {more} than it lists")?;
            }
            (_, title) => {
                let title = title.as_deref().unwrap_or("Untitled Album");
                write!(f, "iCloud announces {number} photo{plural} {more} in album {title} than it lists")?;
            }
        }
        if *sought { Ok(()) } else { f.write_str(" (not looked for everywhere yet)") }
    }
}

/// Of libraries that are not let go.
const SELECT: &str = "SELECT l.zone, d.list, b.title, d.beyond, d.sought, d.accepted FROM discrepancy d
    JOIN library l ON l.id = d.library AND NOT l.gone LEFT JOIN album b ON b.name = d.list";

impl Index {
    /// All that is known of all libraries.
    pub fn discrepancies(&self) -> Result<Vec<Discrepancy>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(&format!("{SELECT} ORDER BY d.library, d.list"))?;
        Ok(query.query_map([], discrepancy)?.collect::<Result<_, _>>()?)
    }

    /// All that is known of a library.
    pub fn discrepancies_of(&self, library: &LibraryId) -> Result<Vec<Discrepancy>, IndexError> {
        let all = self.discrepancies()?.into_iter();
        Ok(all.filter(|discrepancy| discrepancy.library == *library).collect())
    }

    /// Takes down by how much a list is off now. The same as before stays as sought for as it was. What a person has accepted
    /// is forgotten when another number is missing although all was asked, or none.
    pub fn note_offset(&self, library: &LibraryId, offset: &Offset) -> Result<(), IndexError> {
        let row = library_row(&*self.reader()?, &library.0)?.0;
        // Writes only what is new: a round without news leaves the index alone.
        match is_noted(&*self.reader()?, row, offset)? {
            true => Ok(()),
            false => put(&self.writer(), row, offset),
        }
    }

    /// Takes down what a listing of everything found missing; whatever else was missing has been found.
    pub fn note_listed(&self, library: &LibraryId, missing: &[Offset]) -> Result<(), IndexError> {
        for Discrepancy { offset, .. } in self.discrepancies_of(library)? {
            if offset.beyond > 0 && !missing.iter().any(|missing| missing.list == offset.list) {
                self.note_offset(library, &Offset { beyond: 0, ..offset })?;
            }
        }
        missing.iter().try_for_each(|offset| self.note_offset(library, offset))
    }

    /// Takes down whether a person lets some discrepancies be: as they were shown, and if they were looked for. Gives how many
    /// are still as they were shown.
    pub fn accept_discrepancies(path: &Path, shown: &[Discrepancy], accepted: bool) -> Result<usize, IndexError> {
        let connection = connect_beside(path)?;
        let mut update = connection.prepare(
            "UPDATE discrepancy SET accepted = iif(?1, beyond, 0) WHERE sought AND list = ?2 AND beyond = ?3
                 AND library = (SELECT id FROM library WHERE zone = ?4)",
        )?;
        let mut taken = 0;
        for Discrepancy { library, offset, .. } in shown {
            taken += update.execute(params![accepted, offset.list, offset.beyond, library.0])?;
        }
        Ok(taken)
    }
}

fn discrepancy(row: &Row<'_>) -> rusqlite::Result<Discrepancy> {
    let offset = Offset { list: row.get(1)?, beyond: row.get(3)?, sought: row.get(4)? };
    Ok(Discrepancy { library: LibraryId(row.get(0)?), offset, title: row.get(2)?, accepted: row.get(5)? })
}

fn is_noted(reader: &Connection, library: i64, offset: &Offset) -> Result<bool, IndexError> {
    let mut query = reader.prepare_cached("SELECT beyond, sought FROM discrepancy WHERE library = ?1 AND list = ?2")?;
    let known = query
        .query_row(params![library, offset.list], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))
        .optional()?;
    Ok(match known {
        None => offset.beyond == 0,
        Some((beyond, sought)) => beyond == offset.beyond && (sought || !offset.sought),
    })
}

fn put(writer: &Connection, library: i64, offset: &Offset) -> Result<(), IndexError> {
    let Offset { list, beyond, sought } = offset;
    match beyond {
        0 => writer
            .prepare_cached("DELETE FROM discrepancy WHERE library = ?1 AND list = ?2")?
            .execute(params![library, list])?,
        _ => writer
            .prepare_cached(
                "INSERT INTO discrepancy (library, list, beyond, sought) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (library, list) DO UPDATE SET beyond = ?3, sought = ?4 OR (sought AND beyond = ?3),
                     accepted = iif(?4 AND accepted <> ?3, 0, accepted)",
            )?
            .execute(params![library, list, beyond, sought])?,
    };
    Ok(())
}

/// What may be missing of a library and nobody has accepted, in words.
pub(super) fn open(connection: &Connection, library: i64) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare_cached(&format!("{SELECT} WHERE d.library = ?1 ORDER BY d.list"))?;
    let all = query.query_map([library], discrepancy)?.collect::<Result<Vec<_>, _>>()?;
    Ok(all.iter().filter(|discrepancy| discrepancy.is_open()).map(ToString::to_string).collect())
}
