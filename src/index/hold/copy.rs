//! The copy of what is held, beside the index. It outlives the index, as the journal's copy does: one that is made anew has
//! from there what no listing would show again. It tells, too, which libraries were shown.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use crate::index::store::connect;
use crate::index::{Index, IndexError, damage};

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
        let now = contents(&*self.reader()?)?;
        if self.remembered(COPIED)? == Some(now.clone()) {
            return Ok(());
        }
        write(&self.path, &beside(&self.path))?;
        self.remember(COPIED, &now)
    }
}

/// What a copy would hold, in a few figures that differ when it would.
fn contents(connection: &Connection) -> Result<String, IndexError> {
    let mut libraries = connection.prepare_cached(
        "SELECT group_concat(zone, ' ') FROM (SELECT zone FROM library WHERE NOT gone AND (shown OR awaited) ORDER BY id)",
    )?;
    let libraries: Option<String> = libraries.query_row([], |row| row.get(0)).optional()?.flatten();
    let mut held = connection.prepare_cached(
        "SELECT printf('%d %d %d %d %d', count(*), total(h.removal), total(h.state), total(h.since), total(a.modified))
         FROM held h LEFT JOIN asset a ON a.name = h.record AND a.library = h.library",
    )?;
    let held: String = held.query_row([], |row| row.get(0))?;
    Ok(format!("{held} {}", libraries.unwrap_or_default()))
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
