//! What is known of something that leaves, read while it is still in the tree.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Details, LostFile};
use crate::index::{IndexError, ROOT};

/// Places of one file that a row names; a photo in more albums than this is none that anybody has.
const MOST_PATHS: usize = 64;
/// Files of an album that a row names.
const MOST_FILES: usize = 10_000;

/// A name in the tree and what it stands for.
struct Place {
    resource: i64,
    /// Whether it is the file itself, not a symlink to it.
    is_file: bool,
    size: i64,
    checksum: String,
    parent: i64,
    name: String,
    /// What the directory is.
    key: String,
}

const PLACES: &str = "SELECT n.resource, n.kind, n.size, n.checksum, d.parent, d.name, coalesce(p.key, '')
    FROM node n JOIN dentry d ON d.ino = n.ino AND n.kind IN (1, 2) JOIN node p ON p.ino = d.parent";

/// An asset with every path it has; gives its master's record name too.
pub fn of_asset(tx: &Connection, asset: i64) -> Result<(Details, String), IndexError> {
    let mut query = tx.prepare_cached(
        "SELECT m.file_name, a.captured, CASE WHEN a.trashed THEN a.expires END, a.master FROM asset a
         LEFT JOIN master m ON m.library = a.library AND m.name = a.master WHERE a.id = ?1",
    )?;
    let (name, captured, expires, master) = query.query_row([asset], |row| {
        Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Option<i64>>(2)?, row.get(3)?))
    })?;
    let mut details = Details { name, captured: time(captured), expires: time(expires), ..Details::default() };
    let order = "WHERE n.asset = ?1 ORDER BY n.resource, n.kind, p.key NOT GLOB 'years:*', d.parent, d.name";
    let mut last = None;
    for place in places(tx, order, params![asset])? {
        let directory = directory_path(tx, place.parent)?;
        if place.key.starts_with("album:")
            && let Some((_, album)) = directory.split_once('/')
            && details.albums.iter().all(|known| known != album)
        {
            details.albums.push(album.to_owned());
        }
        if last.replace(place.resource) != Some(place.resource) {
            details.files.push(LostFile { checksum: place.checksum, ..LostFile::default() });
        }
        let file = details.files.last_mut().expect("pushed above");
        if place.is_file {
            file.size = place.size as u64;
        }
        if file.paths.len() < MOST_PATHS {
            file.paths.push(format!("{directory}/{}", place.name));
        }
    }
    Ok((details, master))
}

/// An album and the files in it, or those of some assets only.
pub fn of_album(tx: &Connection, album: &str, only: Option<&[String]>) -> Result<Details, IndexError> {
    let mut query = tx.prepare_cached("SELECT ino FROM node WHERE key = ?1")?;
    let Some(directory): Option<i64> = query.query_row([format!("album:{album}")], |row| row.get(0)).optional()? else {
        return Ok(Details::default());
    };
    let path = directory_path(tx, directory)?;
    let name = path.split_once('/').map(|(_, name)| name.to_owned());
    let order = match only {
        None => "WHERE d.parent = ?1 AND n.asset IS NOT NULL ORDER BY d.fold LIMIT ?3",
        Some(_) => {
            "WHERE d.parent = ?1 AND n.asset IN (SELECT id FROM asset WHERE name IN (SELECT value FROM json_each(?2)))
             ORDER BY d.fold LIMIT ?3"
        }
    };
    let only = serde_json::json!(only.unwrap_or_default()).to_string();
    let places = places(tx, order, params![directory, only, MOST_FILES as i64])?;
    let file = |place: Place| LostFile {
        size: if place.is_file { place.size as u64 } else { 0 },
        checksum: place.checksum,
        paths: vec![format!("{path}/{}", place.name)],
    };
    Ok(Details { name, files: places.into_iter().map(file).collect(), ..Details::default() })
}

fn places(tx: &Connection, condition: &str, values: impl rusqlite::Params) -> Result<Vec<Place>, IndexError> {
    let mut query = tx.prepare_cached(&format!("{PLACES} {condition}"))?;
    let rows = query.query_map(values, |row| {
        Ok(Place {
            resource: row.get(0)?,
            is_file: row.get::<_, i64>(1)? == 1,
            size: row.get(2)?,
            checksum: row.get(3)?,
            parent: row.get(4)?,
            name: row.get(5)?,
            key: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The path of a directory that is in the tree, without a leading slash.
fn directory_path(tx: &Connection, directory: i64) -> Result<String, IndexError> {
    let mut query = tx.prepare_cached("SELECT parent, name FROM dentry WHERE ino = ?1")?;
    let mut parts: Vec<String> = Vec::new();
    let mut at = directory;
    while at != ROOT as i64
        && let Some((parent, name)) = query.query_row([at], |row| Ok((row.get(0)?, row.get(1)?))).optional()?
    {
        parts.push(name);
        at = parent;
    }
    parts.reverse();
    Ok(parts.join("/"))
}

fn time(millisecond: Option<i64>) -> Option<Timestamp> {
    millisecond.and_then(|at| Timestamp::from_millisecond(at).ok())
}
