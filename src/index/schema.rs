//! The tables, and how they are brought to be.

use rusqlite::{Connection, TransactionBehavior};

use super::IndexError;

const SCHEMA: &str = include_str!("schema.sql");
/// Raised with every change of the tables.
const VERSION: i64 = 13;

/// Makes the tables if there are none.
///
/// # Errors
/// [`IndexError::Version`] for an index that another photosfs wrote.
pub fn prepare(connection: &mut Connection) -> Result<(), IndexError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    if connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? != 0 {
        return check(connection);
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(SCHEMA)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    Ok(tx.commit()?)
}

/// Whether this photosfs knows the tables.
pub fn check(connection: &Connection) -> Result<(), IndexError> {
    match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
        VERSION => Ok(()),
        found => Err(IndexError::Version { found, known: VERSION }),
    }
}

/// Whether every table and index is there.
pub fn check_tables(connection: &Connection) -> Result<(), IndexError> {
    let wanted = Connection::open_in_memory()?;
    wanted.execute_batch(SCHEMA)?;
    let names = |connection: &Connection| -> Result<Vec<String>, IndexError> {
        let mut query = connection.prepare("SELECT name FROM sqlite_schema")?;
        Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    };
    let there = names(connection)?;
    match names(&wanted)?.into_iter().find(|name| !there.contains(name)) {
        None => Ok(()),
        Some(missing) => Err(IndexError::Damaged(format!("{missing} is missing"))),
    }
}
