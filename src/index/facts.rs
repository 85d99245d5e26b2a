//! What is known of photos, as their rows have it.

use rusqlite::{Connection, OptionalExtension, Row};

use super::files::files_at;
use super::inodes::NANOS;
use super::read::number;
use super::record::{json, kind_at};
use super::{Facts, Index, IndexError};
use crate::photos::{LibraryId, Place, ResourceKind};

const COLUMNS: &str = "l.zone, a.name, m.file_name, a.captured, a.zone_offset, a.added, a.favourite, a.hidden, a.title,
    a.description, a.keywords, a.north, a.east, a.altitude, CASE WHEN a.trashed THEN a.expires END";

impl Index {
    /// How many photos of a library have keywords, a place or an edit that cannot be read, and are shown without.
    pub fn unread(&self, library: &LibraryId) -> Result<u64, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT count(*) FROM library l JOIN asset a ON a.library = l.id AND a.unread WHERE l.zone = ?1 AND NOT a.gone",
        )?;
        Ok(query.query_row([&library.0], |row| row.get::<_, i64>(0))? as u64)
    }

    /// What is known of the photo behind a file that is one of iCloud's; `None` for a directory, a symlink, a sidecar.
    pub fn facts(&self, ino: u64) -> Result<Option<Facts>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(&format!(
            "SELECT {COLUMNS}, n.checksum, n.resource, n.mtime
             FROM node n JOIN asset a ON a.id = n.asset JOIN library l ON l.id = a.library
             LEFT JOIN master m ON m.library = a.library AND m.name = a.master WHERE n.ino = ?1 AND n.kind = 1"
        ))?;
        let with_edit = |row: &Row<'_>| {
            let kind = kind_at(row, 16)?;
            let is_edit = matches!(kind, ResourceKind::Edited | ResourceKind::EditedVideo);
            Ok(Facts { edited: is_edit.then_some(row.get::<_, i64>(17)? / NANOS), ..facts(row, kind, row.get(15)?)? })
        };
        Ok(query.query_row([number(ino)], with_edit).optional()?)
    }
}

/// What is known of an asset and one of its master's files; `None` if there is no such file.
pub(super) fn of_original(
    connection: &Connection,
    asset: i64,
    kind: ResourceKind,
) -> Result<Option<Facts>, IndexError> {
    let mut query = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, m.files FROM asset a JOIN library l ON l.id = a.library
         JOIN master m ON m.library = a.library AND m.name = a.master WHERE a.id = ?1"
    ))?;
    let of_kind = |row: &Row<'_>| match files_at(row, 15)?.into_iter().find(|file| file.kind == kind) {
        Some(file) => facts(row, kind, file.checksum.as_str().to_owned()).map(Some),
        None => Ok(None),
    };
    Ok(query.query_row([asset], of_kind).optional()?.flatten())
}

fn facts(row: &Row<'_>, kind: ResourceKind, checksum: String) -> rusqlite::Result<Facts> {
    let (north, east): (Option<f64>, Option<f64>) = (row.get(11)?, row.get(12)?);
    let altitude = row.get(13)?;
    Ok(Facts {
        library: LibraryId(row.get(0)?),
        asset: row.get(1)?,
        kind,
        checksum,
        original_name: row.get(2)?,
        captured: row.get(3)?,
        offset: row.get(4)?,
        added: row.get(5)?,
        edited: None,
        favourite: row.get(6)?,
        hidden: row.get(7)?,
        title: row.get(8)?,
        description: row.get(9)?,
        keywords: row.get::<_, Option<String>>(10)?.map_or(Ok(Vec::new()), |text| json(10, &text))?,
        place: north.zip(east).map(|(north, east)| Place { north, east, altitude }),
        expires: row.get(14)?,
    })
}
