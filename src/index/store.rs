//! The file, and the connections to it.

use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use thiserror::Error;

use super::condition::Condition;
use super::look::Look;
use super::writer::Reliants;
use super::{damage, schema};
use crate::config::TreeOptions;

#[derive(Debug, Error)]
pub enum IndexError {
    #[error("the index cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the index cannot be made: {0}")]
    Io(#[from] std::io::Error),
    #[error("the index is damaged: {0}")]
    Damaged(String),
    #[error("the index is of another photosfs (version {found}, this one knows {known})")]
    Version { found: i64, known: i64 },
    #[error("a change in the index cannot be read: {0}")]
    Staged(String),
    /// Nothing of the tree is shown, because some of it may be missing.
    #[error("the index was damaged, and everything is being listed anew")]
    ListedAnew,
    #[error("the library {0} is not in the index")]
    UnknownLibrary(String),
}

impl IndexError {
    /// Whether there is no room for it.
    pub fn is_disk_full(&self) -> bool {
        match self {
            IndexError::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::DiskFull),
            IndexError::Io(error) => error.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }
}

/// So many connections wait at the most. Each keeps some 100 KB of memory, and what it last read: 2 MB of pages at the most.
const SPARE_READERS: usize = 8;
/// Of a first listing, whose rows come in no order; given back when it is shown.
const WRITER_CACHE_KIB: i64 = 8 << 10;
/// When the log is brought into the file, and what it is cut to when all of it is in: a first listing is one transaction as
/// large as the index. Pages that are written again and again meanwhile are brought in once.
pub(super) const LOG_BYTES: i64 = 16 << 20;
const PAGE_BYTES: i64 = 4096;
/// For a writer in another process; photosfs' own writers queue for the lock.
const BUSY: Duration = Duration::from_secs(30);

/// For readers who stand in the way when the log is brought in at the end.
const SETTLING: Duration = Duration::from_secs(1);

/// The index of one account. Shared by threads.
pub struct Index {
    pub(super) path: PathBuf,
    pub(super) options: TreeOptions,
    /// Closed before the writer: the last connection to go brings the log into the file, and a reader may not write.
    pub(super) readers: Mutex<Readers>,
    pub(super) writer: Mutex<Connection>,
    pub(super) reliants: Reliants,
    pub(super) look: Look,
    pub(super) condition: Condition,
    /// When damage was last made up for by a new file.
    pub(super) renewed: Mutex<Option<Instant>>,
    /// Why the latest round of this process failed.
    pub(super) failed: Mutex<Option<String>>,
}

impl Index {
    /// Opens the index, makes it if there is none, and lays it out anew if the options of the tree have changed. One that is
    /// damaged or outdated is set aside, and a new one begun with what was held.
    pub fn open(path: &Path, options: &TreeOptions) -> Result<Index, IndexError> {
        let (index, aside) = match Index::open_sound(path, options) {
            Err(error) if error.is_damage() => {
                let aside = damage::set_aside(path)?;
                tracing::error!(%error, aside = %aside.display(), "the index was set aside: everything is listed anew");
                (Index::open_sound(path, options)?, Some(aside))
            }
            outcome => (outcome?, None),
        };
        index.agree_with_held_copy(aside.as_deref())?;
        Ok(index)
    }

    fn open_sound(path: &Path, options: &TreeOptions) -> Result<Index, IndexError> {
        // A crash is when files are damaged; a look at every page before every start would cost seconds.
        let look = damage::is_suspect(path);
        // For its owner only, whatever the folder allows; SQLite gives the files beside it the same mode.
        File::options().create(true).append(true).mode(0o600).open(path)?;
        let mut writer = Connection::open(path)?;
        tune(&writer)?;
        writer.set_prepared_statement_cache_capacity(64);
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        schema::prepare(&mut writer)?;
        // No reader ever waits: the log is brought into the file after commits, as far as readers have gone on, and the file is
        // never vacuumed. Rows are not removed in bulk, and pages that become free are used again.
        writer.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        writer.pragma_update(None, "wal_autocheckpoint", LOG_BYTES / PAGE_BYTES)?;
        match look {
            true => damage::quick_check(&writer).and_then(|()| damage::clear(path))?,
            false => schema::check_tables(&writer)?,
        }
        // A transaction that is reported done is on the disk, also after the power went: the sync token in it is
        // never ahead of the records.
        writer.pragma_update(None, "synchronous", "FULL")?;
        let index = Index {
            path: path.to_owned(),
            options: options.clone(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            reliants: Reliants::default(),
            look: Look::default(),
            condition: Condition::default(),
            renewed: Mutex::default(),
            failed: Mutex::default(),
        };
        index.lay_out_anew_if_changed()?;
        index.agree_with_copy()?;
        Ok(index)
    }

    /// Opens an index that is there, to read it beside the process that writes it.
    pub fn open_to_read(path: &Path) -> Result<Index, IndexError> {
        let writer = connect(path)?;
        schema::check(&writer)?;
        Ok(Index {
            path: path.to_owned(),
            options: TreeOptions::default(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            reliants: Reliants::none(),
            look: Look::default(),
            condition: Condition::default(),
            renewed: Mutex::default(),
            failed: Mutex::default(),
        })
    }

    /// Brings the log into the file, so that the next start has nothing to look through. Whoever reads meanwhile goes on
    /// reading, and is not waited for longer than a moment; nor is somebody who writes.
    pub fn settle(&self) {
        self.look.stop();
        let Ok(writer) = self.writer.try_lock() else { return };
        let settled = writer
            .busy_timeout(SETTLING)
            .and_then(|()| writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0)))
            .and_then(|busy| writer.busy_timeout(BUSY).map(|()| busy));
        tracing::debug!(?settled, "the log is brought in");
    }

    /// Writes what is not shown yet. What of it the power takes with it is asked for again, so nothing waits for
    /// the disk: SQLite keeps the order of commits all the same.
    pub(super) fn stage_with<T>(
        &self,
        write: impl FnOnce(&Connection) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let mut writer = self.writer();
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        let staged = in_transaction(&mut writer, write);
        writer.pragma_update(None, "synchronous", "FULL")?;
        staged
    }

    /// A connection for reading; it goes back when dropped.
    pub(super) fn reader(&self) -> Result<Reader<'_>, IndexError> {
        self.condition.readable()?;
        let (spare, file) = {
            let mut readers = self.readers();
            (readers.spare.pop(), readers.file)
        };
        let connection = match spare {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        Ok(Reader { index: self, file, connection: Some(connection) })
    }

    pub(super) fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    write: impl FnOnce(&Connection) -> Result<T, IndexError>,
) -> Result<T, IndexError> {
    let tx = connection.transaction()?;
    let written = write(&tx)?;
    tx.commit()?;
    Ok(written)
}

/// A connection that may write a word beside the process that serves the account.
pub(super) fn connect_beside(path: &Path) -> Result<Connection, IndexError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    tune(&connection)?;
    schema::check(&connection)?;
    Ok(connection)
}

/// A connection that cannot write.
pub(super) fn connect(path: &Path) -> Result<Connection, IndexError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    tune(&connection)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn tune(connection: &Connection) -> Result<(), IndexError> {
    connection.busy_timeout(BUSY)?;
    // Plans do not depend on bound values, so a statement is planned once: without this SQLite plans those anew that
    // use a partial index, at every call. A first listing of 100,000 photos spent half its time there.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Connections that wait for the next reader.
#[derive(Default)]
pub(super) struct Readers {
    spare: Vec<Connection>,
    /// How many files there have been in this one's place.
    file: u64,
}

impl Readers {
    pub fn file(&self) -> u64 {
        self.file
    }

    /// Has nobody read the file any more that was there until now.
    pub fn begin_anew(&mut self) {
        *self = Readers { spare: Vec::new(), file: self.file + 1 };
    }
}

pub(super) struct Reader<'a> {
    index: &'a Index,
    file: u64,
    connection: Option<Connection>,
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("there until dropped")
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("there until dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut readers = self.index.readers();
        if readers.file == self.file && readers.spare.len() < SPARE_READERS {
            readers.spare.extend(self.connection.take());
        }
    }
}
