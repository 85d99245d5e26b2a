//! Records as rows.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use super::IndexError;
use super::files::{self, files_at};
use crate::photos::{Asset, Master, ResourceKind, Sighting};
use crate::tree::Photo;

/// A kind's number in the tables: its place in [`ResourceKind::ALL`].
pub fn kind_number(kind: ResourceKind) -> i64 {
    ResourceKind::ALL.iter().position(|known| *known == kind).unwrap_or(0) as i64
}

/// The kind in a column.
///
/// # Errors
/// If there is none of this number: damage is never taken for an original.
pub fn kind_at(row: &Row<'_>, column: usize) -> rusqlite::Result<ResourceKind> {
    kind_numbered(row.get(column)?, column)
}

/// The kind with a number, which is in a column.
pub fn kind_numbered(number: i64, column: usize) -> rusqlite::Result<ResourceKind> {
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

const PUT_ASSET: &str = "INSERT INTO asset (library, name, master, captured, zone_offset, added, modified, favourite, hidden,
        trashed, expires, subtype, subtype_v2, burst, adjustment, render, title, description, keywords, north, east, altitude,
        files, unread)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)
    ON CONFLICT (name, library) DO UPDATE SET master = ?3, captured = ?4, zone_offset = ?5, added = ?6, modified = ?7,
        favourite = ?8, hidden = ?9, trashed = ?10, expires = ?11, subtype = ?12, subtype_v2 = ?13, burst = ?14,
        adjustment = ?15, render = ?16, title = ?17, description = ?18, keywords = ?19, north = ?20, east = ?21,
        altitude = ?22, files = ?23, unread = ?24, gone = 0
    RETURNING id";

/// Writes an asset and the renderings of its edit; gives its row.
pub fn put_asset(tx: &Connection, library: i64, asset: &Asset) -> Result<i64, IndexError> {
    let keywords = (!asset.keywords.is_empty()).then(|| serde_json::json!(asset.keywords).to_string());
    let place = asset.place;
    let files = renderings(tx, library, asset)?;
    let id = tx.prepare_cached(PUT_ASSET)?.query_row(
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
            files,
            asset.unread,
        ],
        |row| row.get(0),
    )?;
    Ok(id)
}

/// The column of an asset's renderings: they go with the edit that they were of.
fn renderings(tx: &Connection, library: i64, asset: &Asset) -> Result<Option<String>, IndexError> {
    if asset.resources.is_empty() {
        return Ok(None);
    }
    let before = files_of(tx, FILES_OF_ASSET, library, &asset.name)?;
    Ok(files::column(&files::seen_again(&before, &asset.resources)))
}

/// Writes a master and its originals. One that the record no longer tells of stays: a field that is absent is no proof that
/// the file is gone (design.md §2, rule 3).
pub fn put_master(tx: &Connection, library: i64, master: &Master) -> Result<(), IndexError> {
    let before = files_of(tx, FILES_OF_MASTER, library, &master.name)?;
    let mut originals = files::seen_again(&before, &master.resources);
    originals.extend(before.into_iter().filter(|old| master.resources.iter().all(|new| new.kind != old.kind)));
    tx.prepare_cached(
        "INSERT INTO master (library, name, file_name, uti, modified, files) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (library, name) DO UPDATE SET file_name = ?3, uti = ?4, modified = ?5, files = ?6",
    )?
    .execute(params![
        library,
        master.name,
        master.file_name,
        master.uti,
        master.modified,
        files::column(&originals)
    ])?;
    Ok(())
}

const FILES_OF_ASSET: &str = "SELECT files FROM asset WHERE library = ?1 AND name = ?2";
const FILES_OF_MASTER: &str = "SELECT files FROM master WHERE library = ?1 AND name = ?2";

/// The files of a record as they are known; none of one that is not.
fn files_of(tx: &Connection, statement: &str, library: i64, record: &str) -> Result<Vec<Sighting>, IndexError> {
    let mut query = tx.prepare_cached(statement)?;
    Ok(query.query_row(params![library, record], |row| files_at(row, 0)).optional()?.unwrap_or_default())
}

/// An asset's row with all that the layout needs.
pub struct Shown {
    pub asset: i64,
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
        "SELECT l.zone, a.name, m.file_name, m.uti, a.captured, a.zone_offset, a.added, a.favourite, a.hidden,
                a.trashed, a.expires, a.subtype, a.subtype_v2, a.burst, a.adjustment, a.render, a.modified,
                coalesce(m.modified, a.modified), a.gone, a.id, a.unready, m.files, a.files
         FROM asset a JOIN library l ON l.id = a.library
         LEFT JOIN master m ON m.library = a.library AND m.name = a.master WHERE a.id = ?1",
    )?;
    Ok(query.query_row([asset], shown).optional()?)
}

fn shown(row: &Row<'_>) -> rusqlite::Result<Shown> {
    let photo = Photo {
        asset: row.get(1)?,
        file_name: row.get(2)?,
        uti: row.get(3)?,
        captured: row.get(4)?,
        offset: row.get(5)?,
        added: row.get(6)?,
        favourite: row.get(7)?,
        hidden: row.get(8)?,
        trashed: row.get(9)?,
        expires: row.get(10)?,
        subtype: row.get(11)?,
        subtype_v2: row.get(12)?,
        burst: row.get::<_, Option<String>>(13)?.is_some(),
        edited: row.get::<_, Option<String>>(14)?.is_some(),
        render: row.get(15)?,
        files: files::to_show(files_at(row, 21)?, files_at(row, 22)?),
    };
    Ok(Shown {
        asset: row.get(19)?,
        zone: row.get(0)?,
        photo,
        asset_modified: row.get(16)?,
        master_modified: row.get(17)?,
        gone: row.get(18)?,
        unready: row.get(20)?,
    })
}
