//! The copy of what is held, beside the index. It outlives the index, as the journal's copy does: one that is made anew has
//! from there what no listing would show again. It tells, too, which libraries were shown, and nearly how many photos of each.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::index::store::connect;
use crate::index::{Index, IndexError, damage, limit};

const GATHER: &str = include_str!("copy.sql");
/// Under which the index remembers what its copy holds; a new index does not.
pub(super) const COPIED: &str = "held copy";

/// Where the copy of what an index holds is.
pub(super) fn beside(index: &Path) -> PathBuf {
    index.with_file_name("held.sqlite")
}

impl Index {
    /// Brings the copy up to date; what fails is made up for at the next change.
    pub(in crate::index) fn copy_held_or_warn(&self) {
        if let Err(error) = self.copy_held() {
            tracing::warn!(%error, "the copy of what is held is behind");
        }
    }

    fn copy_held(&self) -> Result<(), IndexError> {
        let now = Contents::of(&*self.reader()?)?;
        let copied = self.remembered(COPIED)?.and_then(|copied| serde_json::from_str(&copied).ok());
        if copied.is_some_and(|copied| now.is_nearly(&copied)) {
            return Ok(());
        }
        write(&self.path, &beside(&self.path))?;
        self.remember(COPIED, &serde_json::json!(now).to_string())
    }
}

/// What a copy would hold, in a few figures that differ when it would.
#[derive(Serialize, Deserialize)]
struct Contents {
    held: String,
    /// How many photos each library shows, or showed before it was damaged.
    sizes: BTreeMap<String, u64>,
}

impl Contents {
    /// A copy is as large as what is held, so it is not written for every photo: a size may be off by a quarter of what may
    /// leave without a person.
    fn is_nearly(&self, copied: &Contents) -> bool {
        let near = |(zone, size): (&String, &u64)| {
            copied.sizes.get(zone).is_some_and(|copied| size.abs_diff(*copied) <= limit(*copied) / 4)
        };
        self.held == copied.held && self.sizes.len() == copied.sizes.len() && self.sizes.iter().all(near)
    }

    fn of(connection: &Connection) -> Result<Contents, IndexError> {
        let mut sizes = connection.prepare_cached(
            "SELECT zone, coalesce(showed, visible + hidden) FROM library WHERE NOT gone AND (shown OR awaited)",
        )?;
        let sizes = sizes.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.max(0) as u64)))?;
        Ok(Contents { sizes: sizes.collect::<Result<_, _>>()?, held: held(connection)? })
    }
}

fn held(connection: &Connection) -> Result<String, IndexError> {
    let mut held = connection.prepare_cached(
        "SELECT printf('%d %d %d %d %d', count(*), total(h.removal), total(h.state), total(h.since), total(a.modified))
         FROM held h LEFT JOIN asset a ON a.name = h.record AND a.library = h.library",
    )?;
    Ok(held.query_row([], |row| row.get(0))?)
}

/// Gathers what an index holds into a new copy.
pub(super) fn write(index: &Path, copy: &Path) -> Result<(), IndexError> {
    let folder = copy.parent().unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder)?;
    {
        let mut connection = Connection::open(file.path())?;
        // Nobody sees the file before it is finished and on the disk.
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        attach(&connection, index, "source")?;
        let tx = connection.transaction()?;
        tx.execute_batch(GATHER)?;
        tx.commit()?;
    }
    file.as_file().sync_all()?;
    file.persist(copy).map_err(|error| error.error)?;
    Ok(File::open(folder)?.sync_all()?)
}

/// Whether there is a copy, and every page of it can be read.
pub(super) fn is_sound(copy: &Path) -> bool {
    copy.is_file() && connect(copy).is_ok_and(|connection| damage::check_pages(&connection).is_ok())
}

pub(super) fn attach(connection: &Connection, file: &Path, name: &str) -> Result<(), IndexError> {
    connection.execute(&format!("ATTACH CAST(?1 AS TEXT) AS {name}"), [file.as_os_str().as_bytes()])?;
    Ok(())
}
