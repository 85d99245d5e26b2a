//! Records as rows.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use super::IndexError;
use crate::photos::{Asset, Checksum, Master, ResourceKind, Sighting};
use crate::tree::{File, Photo};

/// A kind's number in the tables: its place in [`ResourceKind::ALL`].
pub fn kind_number(kind: ResourceKind) -> i64 {
    ResourceKind::ALL.iter().position(|known| *known == kind).unwrap_or(0) as i64
}

/// The kind in a column.
///
/// # Errors
/// If there is none of this number: damage is never taken for an original.
pub fn kind_at(row: &Row<'_>, column: usize) -> rusqlite::Result<ResourceKind> {
    let number: i64 = row.get(column)?;
    let kind = usize::try_from(number).ok().and_then(|n| ResourceKind::ALL.get(n).copied());
    kind.ok_or_else(|| unreadable(column, format!("there is no kind {number} of file")))
}

/// What is kept as JSON in a column.
///
/// # Errors
/// If it cannot be read: damage is never taken for nothing.
pub fn json<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(column, error.to_string()))
}

/// A value that this index would not have written.
pub fn unreadable(column: usize, error: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
}

/// Writes an asset and the renderings of its edit; gives its row.
pub fn put_asset(tx: &Connection, library: i64, asset: &Asset) -> Result<i64, IndexError> {
    let keywords = (!asset.keywords.is_empty()).then(|| serde_json::json!(asset.keywords).to_string());
    let place = asset.place;
    let id = tx
        .prepare_cached(
            "INSERT INTO asset (library, name, master, captured, zone_offset, added, modified, favourite, hidden, trashed,
                 expires, subtype, subtype_v2, burst, adjustment, render, title, description, keywords, north, east, altitude)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)
             ON CONFLICT (name, library) DO UPDATE SET master = ?3, captured = ?4, zone_offset = ?5, added = ?6,
                 modified = ?7, favourite = ?8, hidden = ?9, trashed = ?10, expires = ?11, subtype = ?12,
                 subtype_v2 = ?13, burst = ?14, adjustment = ?15, render = ?16, title = ?17, description = ?18,
                 keywords = ?19, north = ?20, east = ?21, altitude = ?22, gone = 0
             RETURNING id",
        )?
        .query_row(
            params![
                library,
                asset.name,
                asset.master,
                asset.captured,
                asset.offset,
                asset.added,
                asset.modified,
                asset.favourite,
                asset.hidden,
                asset.trashed,
                asset.expires,
                asset.subtype,
                asset.subtype_v2,
                asset.burst,
                asset.adjustment,
                asset.render,
                asset.title,
                asset.description,
                keywords,
                place.map(|place| place.north),
                place.map(|place| place.east),
                place.and_then(|place| place.altitude),
            ],
            |row| row.get(0),
        )?;
    // A rendering goes with the edit that it was of.
    drop_resources(tx, library, &asset.name, &asset.resources)?;
    put_resources(tx, library, &asset.name, &asset.resources)?;
    Ok(id)
}

/// Writes a master and its originals. One that the record no longer tells of stays: a field that is absent is no proof that
/// the file is gone (design.md §2, rule 3).
pub fn put_master(tx: &Connection, library: i64, master: &Master) -> Result<(), IndexError> {
    tx.prepare_cached(
        "INSERT INTO master (library, name, file_name, uti, modified) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (library, name) DO UPDATE SET file_name = ?3, uti = ?4, modified = ?5",
    )?
    .execute(params![library, master.name, master.file_name, master.uti, master.modified])?;
    put_resources(tx, library, &master.name, &master.resources)
}

/// Forgets a record's files of kinds that are not among these.
fn drop_resources(tx: &Connection, library: i64, record: &str, but: &[Sighting]) -> Result<(), IndexError> {
    let kept = but.iter().fold(0, |kinds, resource| kinds | 1 << kind_number(resource.kind));
    tx.prepare_cached("DELETE FROM resource WHERE library = ?1 AND record = ?2 AND NOT (?3 >> kind & 1)")?
        .execute(params![library, record, kept])?;
    Ok(())
}

/// Writes a record's files. One that was ready stays so while its bytes are the same: an answer without its address does
/// not make it unfinished.
fn put_resources(tx: &Connection, library: i64, record: &str, resources: &[Sighting]) -> Result<(), IndexError> {
    let mut put = tx.prepare_cached(
        "INSERT INTO resource (library, record, kind, size, checksum, uti, ready) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (library, record, kind) DO UPDATE SET
             ready = ?7 OR (ready AND size = ?4 AND checksum = ?5), size = ?4, checksum = ?5, uti = ?6",
    )?;
    for resource in resources {
        let (kind, size, checksum) = (kind_number(resource.kind), resource.size as i64, resource.checksum.as_str());
        put.execute(params![library, record, kind, size, checksum, resource.uti, resource.ready])?;
    }
    Ok(())
}

/// An asset's row with all that the layout needs.
pub struct Shown {
    pub asset: i64,
    pub library: i64,
    pub zone: String,
    pub photo: Photo,
    /// When the asset's and the master's record changed: milliseconds since 1970.
    pub asset_modified: i64,
    pub master_modified: i64,
    pub gone: bool,
    /// Whether it is known for one that cannot be shown yet.
    pub unready: bool,
}

/// Reads an asset with its master and files; `None` if there is no such row. Files are those that can be downloaded; without
/// a complete original there are none.
pub fn load(tx: &Connection, asset: i64) -> Result<Option<Shown>, IndexError> {
    let mut query = tx.prepare_cached(
        "SELECT a.library, l.zone, a.name, m.file_name, m.uti, a.captured, a.zone_offset, a.added, a.favourite, a.hidden,
                a.trashed, a.expires, a.subtype, a.subtype_v2, a.burst, a.adjustment, a.render, a.modified,
                coalesce(m.modified, a.modified), a.gone, a.master, a.id, a.unready
         FROM asset a JOIN library l ON l.id = a.library
         LEFT JOIN master m ON m.library = a.library AND m.name = a.master WHERE a.id = ?1",
    )?;
    let row = query.query_row([asset], |row| Ok((shown(row)?, row.get::<_, String>(20)?))).optional()?;
    let Some((mut shown, master)) = row else { return Ok(None) };
    shown.photo.files = files(tx, shown.library, &master, &shown.photo.asset)?;
    Ok(Some(shown))
}

fn shown(row: &Row<'_>) -> rusqlite::Result<Shown> {
    let photo = Photo {
        asset: row.get(2)?,
        file_name: row.get(3)?,
        uti: row.get(4)?,
        captured: row.get(5)?,
        offset: row.get(6)?,
        added: row.get(7)?,
        favourite: row.get(8)?,
        hidden: row.get(9)?,
        trashed: row.get(10)?,
        expires: row.get(11)?,
        subtype: row.get(12)?,
        subtype_v2: row.get(13)?,
        burst: row.get::<_, Option<String>>(14)?.is_some(),
        edited: row.get::<_, Option<String>>(15)?.is_some(),
        render: row.get(16)?,
        files: Vec::new(),
    };
    Ok(Shown {
        asset: row.get(21)?,
        library: row.get(0)?,
        zone: row.get(1)?,
        photo,
        asset_modified: row.get(17)?,
        master_modified: row.get(18)?,
        gone: row.get(19)?,
        unready: row.get(22)?,
    })
}

fn files(tx: &Connection, library: i64, master: &str, asset: &str) -> Result<Vec<File>, IndexError> {
    let mut query = tx.prepare_cached(
        "SELECT kind, size, checksum, uti FROM resource
         WHERE library = ?1 AND record IN (?2, ?3) AND ready ORDER BY kind",
    )?;
    let file = |row: &Row<'_>| {
        Ok(File {
            kind: kind_at(row, 0)?,
            size: row.get::<_, i64>(1)? as u64,
            checksum: Checksum::new(row.get::<_, String>(2)?),
            uti: row.get(3)?,
        })
    };
    let files: Vec<File> = query.query_map(params![library, master, asset], file)?.collect::<Result<_, _>>()?;
    let complete = files.iter().any(|file| file.kind == ResourceKind::Original);
    Ok(if complete { files } else { Vec::new() })
}
