//! An index that is damaged: found, set aside, and made anew. Its journal goes on from the copy beside it.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode};

use super::store::connect;
use super::{Index, IndexError, schema};
use crate::tree;

/// Damaged indexes that are kept, for whoever wants to look into them.
const KEPT: usize = 2;
/// What SQLite keeps beside the file, and the mark of one in which damage was found.
const BESIDE: [&str; 3] = ["-wal", "-shm", SUSPECT];
const SUSPECT: &str = "-suspect";

impl IndexError {
    /// Whether the file is no index that this photosfs can go on with, now or later.
    pub fn is_damage(&self) -> bool {
        match self {
            IndexError::Damaged(_) => true,
            IndexError::Version { found, known } => found < known,
            IndexError::Sqlite(error) => {
                matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
            _ => false,
        }
    }
}

impl Index {
    /// Looks whether every page of an index is sound. One that is not is set aside by whoever opens it next.
    pub fn check(path: &Path) -> Result<(), IndexError> {
        let connection = connect(path)?;
        let outcome = schema::check(&connection).and_then(|()| quick_check(&connection));
        if outcome.as_ref().is_err_and(IndexError::is_damage) {
            suspect(path);
        }
        outcome
    }

    /// Whether damage was found in an index, and nobody has set it aside yet.
    pub fn is_found_damaged(path: &Path) -> bool {
        is_marked(path)
    }
}

pub(super) fn quick_check(connection: &Connection) -> Result<(), IndexError> {
    schema::check_tables(connection)?;
    check_pages(connection)?;
    check_names(connection)
}

/// Whether every name is what it was when its row was written: bytes that are wrong within a row are no trouble to SQLite.
fn check_names(connection: &Connection) -> Result<(), IndexError> {
    let mut query =
        connection.prepare("SELECT d.fold, d.name, n.ino FROM dentry d LEFT JOIN node n ON n.ino = d.ino")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (fold, name) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str());
        let is_sound = matches!((fold, name), (Ok(fold), Ok(name)) if tree::fold(name) == fold);
        if !is_sound || row.get::<_, Option<i64>>(2)?.is_none() {
            return Err(IndexError::Damaged("a name in it is not as it was".into()));
        }
    }
    Ok(())
}

/// Whether every page can be read, of whatever tables.
pub(super) fn check_pages(connection: &Connection) -> Result<(), IndexError> {
    match connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))? {
        sound if sound == "ok" => Ok(()),
        trouble => Err(IndexError::Damaged(trouble.lines().last().unwrap_or_default().to_owned())),
    }
}

/// Whether damage was found in the index.
pub(super) fn is_marked(path: &Path) -> bool {
    beside(path, SUSPECT).exists()
}

/// Whether damage was found in the index, or the last process to write it ended without closing it.
pub(super) fn is_suspect(path: &Path) -> bool {
    is_marked(path) || fs::metadata(beside(path, BESIDE[0])).is_ok_and(|log| log.len() > 0)
}

/// Has whoever opens the index next look at every page.
pub(super) fn suspect(path: &Path) {
    if let Err(error) = fs::File::create(beside(path, SUSPECT)) {
        tracing::warn!(%error, "the damaged index cannot be marked");
    }
}

/// Every page is sound.
pub(super) fn clear(path: &Path) -> Result<(), IndexError> {
    match fs::remove_file(beside(path, SUSPECT)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Renames a damaged index, and keeps only the latest few of its kind.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, IndexError> {
    let mark = format!(".damaged-{}", Timestamp::now().strftime("%Y%m%dT%H%M%SZ"));
    let aside = beside(path, &mark);
    fs::rename(path, &aside)?;
    for suffix in BESIDE {
        // Without its log the file may lack the latest changes; a log without its file would spoil the next one.
        match fs::rename(beside(path, suffix), beside(&aside, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    forget_old(path)?;
    Ok(aside)
}

fn forget_old(path: &Path) -> Result<(), IndexError> {
    let prefix = beside(path, ".damaged-");
    let Some(folder) = path.parent() else { return Ok(()) };
    let mut old: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        let is_log = BESIDE.iter().any(|suffix| file.to_string_lossy().ends_with(suffix));
        if file.to_string_lossy().starts_with(&*prefix.to_string_lossy()) && !is_log {
            old.push(file);
        }
    }
    old.sort();
    for file in old.iter().rev().skip(KEPT) {
        fs::remove_file(file)?;
        for suffix in BESIDE {
            let _ = fs::remove_file(beside(file, suffix));
        }
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
