//! A new index has what is held from its copy: photos stay in the tree under their names, until a person decides.

use std::path::Path;

use rusqlite::Connection;

use super::copy::{COPIED, attach, beside, is_sound, write};
use crate::index::layout::Layout;
use crate::index::{Index, IndexError, NoteKind};

/// What a copy holds, libraries first: rows of others count in theirs.
const TABLES: [&str; 9] = ["library", "held", "note", "asset", "master", "album", "member", "node", "claim"];
/// Columns that a new index fills by itself.
const OWN: [&str; 8] = ["token", "shown", "awaited", "visible", "hidden", "trashed", "unready", "nlink"];

impl Index {
    /// Has what is held from the copy if this index is new, and brings the copy up to date. What was held and cannot be read
    /// any more is told. `aside` is the damaged index that this one takes the place of.
    pub(in crate::index) fn agree_with_held_copy(&self, aside: Option<&Path>) -> Result<(), IndexError> {
        if self.remembered(COPIED)?.is_none()
            && let Err(error) = self.take_over_held(aside)
        {
            tracing::error!(%error, "what was held cannot be read any more");
            let note = format!(
                "what was held before the index was damaged cannot be read any more ({error}): \
                 photosfs changes names it; see to your copies before the next backup deletes"
            );
            self.note_account(NoteKind::Held, Some(&note))?;
        }
        self.copy_held_or_warn();
        Ok(())
    }

    fn take_over_held(&self, aside: Option<&Path>) -> Result<(), IndexError> {
        let copy = beside(&self.path);
        match aside {
            _ if is_sound(&copy) => {}
            Some(aside) => write(aside, &copy)?,
            None if copy.exists() => return Err(IndexError::Damaged("the copy of what is held".into())),
            None => return Ok(()),
        }
        let mut writer = self.writer();
        attach(&writer, &copy, "copy")?;
        let restored = restore(&mut writer, self);
        writer.execute("DETACH copy", [])?;
        restored
    }
}

fn restore(writer: &mut Connection, index: &Index) -> Result<(), IndexError> {
    let tx = writer.transaction()?;
    for table in TABLES {
        let columns = columns(&tx, table)?;
        tx.execute(&format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM copy.{table}"), [])?;
    }
    tx.execute_batch(
        // A library that iCloud no longer has is here whole; the others are listed anew.
        "UPDATE library SET shown = id IN (SELECT library FROM held WHERE removal = 4);
         UPDATE library SET awaited = NOT shown;
         UPDATE library SET showed = coalesce(library.showed, c.visible + c.hidden) FROM copy.library c
         WHERE c.id = library.id AND library.awaited;
         -- Those that the listing finds among the trashed are trashed; the others have gone since.
         UPDATE held SET removal = 1 WHERE removal = 0;",
    )?;
    let whole: Vec<(i64, String)> = {
        let mut query = tx.prepare("SELECT id, zone FROM library WHERE shown ORDER BY id")?;
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?
    };
    let mut layout = Layout::new(&tx, &index.options);
    for (id, zone) in whole {
        layout.library(id, &zone, None)?;
    }
    layout.finish()?;
    Ok(tx.commit()?)
}

/// The columns of a table that both know: the copy may be of another photosfs.
fn columns(connection: &Connection, table: &str) -> Result<String, IndexError> {
    let mut query = connection.prepare(
        "SELECT name FROM pragma_table_info(?1, 'main') INTERSECT SELECT name FROM pragma_table_info(?1, 'copy')",
    )?;
    let shared: Vec<String> = query.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let own = |name: &String| matches!(table, "library" | "node") && OWN.contains(&name.as_str());
    Ok(shared.into_iter().filter(|name| !own(name)).collect::<Vec<_>>().join(", "))
}
