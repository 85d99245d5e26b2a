//! Libraries of an index that was damaged, which are waited for until as much of them is here as it showed. A listing anew
//! tells of no deletion: what is missing from it would leave the tree without being held.

use rusqlite::Connection;

use super::{Index, IndexError, LibraryState, limit};

impl Index {
    /// Waits no more for a library that is listed anew, unless more of it is missing than may leave without a person.
    pub fn settle_awaited(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let tx = writer.transaction()?;
        settle(&tx)?;
        Ok(tx.commit()?)
    }

    /// Whether only a person can still have everything shown: what is listed anew lacks too much, or iCloud no longer has it.
    pub fn is_person_awaited(&self) -> Result<bool, IndexError> {
        let awaited: Vec<LibraryState> = self.libraries()?.into_iter().filter(|state| state.awaited).collect();
        Ok(!awaited.is_empty() && awaited.iter().all(|state| state.shown || state.missing))
    }
}

/// As [`Index::settle_awaited`]. Gives how many photos are missing of those that are still waited for.
pub(super) fn settle(tx: &Connection) -> Result<u64, IndexError> {
    let listed: Vec<(i64, u64, u64)> = {
        let mut query = tx.prepare_cached(
            "SELECT id, coalesce(showed, 0), visible + hidden FROM library WHERE awaited AND shown AND NOT gone",
        )?;
        let count = |number: i64| number.max(0) as u64;
        let rows = query.query_map([], |row| Ok((row.get(0)?, count(row.get(1)?), count(row.get(2)?))))?;
        rows.collect::<Result<_, _>>()?
    };
    let mut missing = 0;
    for (id, showed, here) in listed {
        match showed.saturating_sub(here) {
            few if few <= limit(showed) => wait_no_more(tx, id)?,
            many => missing += many,
        }
    }
    Ok(missing)
}

/// What is not here of a library is waited for no more.
pub(super) fn wait_no_more(tx: &Connection, library: i64) -> Result<(), IndexError> {
    tx.prepare_cached("UPDATE library SET awaited = 0, showed = NULL WHERE id = ?1")?.execute([library])?;
    Ok(())
}
