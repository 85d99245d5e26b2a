//! The files of a record, in a column of its row: of a master the originals, of an asset the renderings of its edit.
//!
//! In a table of their own they would cost a third of a first listing's writing, for they are only ever read with the record.

use rusqlite::Row;

use super::record::{json, kind_number, kind_numbered};
use crate::photos::{Checksum, ResourceKind, Sighting};
use crate::tree::File;

/// A file as the column has it: kind, size, checksum, type, and whether it can be downloaded.
type Kept = (i64, u64, Checksum, String, bool);

/// The files of a record, `NULL` for none.
///
/// # Errors
/// If the column cannot be read: damage is never taken for nothing.
pub fn files_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Sighting>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)? else {
        return Ok(Vec::new());
    };
    let kept: Vec<Kept> = json(column, text)?;
    let sighting = |(number, size, checksum, uti, ready): Kept| {
        Ok(Sighting { kind: kind_numbered(number, column)?, size, checksum, uti, ready })
    };
    kept.into_iter().map(sighting).collect()
}

/// Files as a column has them.
pub fn column(files: &[Sighting]) -> Option<String> {
    let kept =
        |file: &Sighting| (kind_number(file.kind), file.size, file.checksum.clone(), file.uti.clone(), file.ready);
    (!files.is_empty()).then(|| serde_json::json!(files.iter().map(kept).collect::<Vec<Kept>>()).to_string())
}

/// What is known of files after they were seen again. One that was ready stays so while its bytes are the same: an answer
/// without its address does not make it unfinished.
pub fn seen_again(before: &[Sighting], now: &[Sighting]) -> Vec<Sighting> {
    let same = |old: &Sighting, new: &Sighting| {
        old.ready && (old.kind, old.size, &old.checksum) == (new.kind, new.size, &new.checksum)
    };
    let ready = |new: &Sighting| new.ready || before.iter().any(|old| same(old, new));
    now.iter().map(|new| Sighting { ready: ready(new), ..new.clone() }).collect()
}

/// Those among the files of an asset and its master that can be downloaded, originals first; without a complete original there
/// are none.
pub fn to_show(of_master: Vec<Sighting>, of_asset: Vec<Sighting>) -> Vec<File> {
    let ready = of_master.into_iter().chain(of_asset).filter(|file| file.ready);
    let mut files: Vec<File> =
        ready.map(|Sighting { kind, size, checksum, uti, .. }| File { kind, size, checksum, uti }).collect();
    files.sort_by_key(|file| kind_number(file.kind));
    let complete = files.iter().any(|file| file.kind == ResourceKind::Original);
    if complete { files } else { Vec::new() }
}
