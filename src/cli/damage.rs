//! What a person is told of an index that is damaged.

use std::path::Path;

use super::Failure;
use super::held::what_all;
use crate::index::{Index, Trouble};

/// What a person can do while it lasts.
pub const ADVICE: &str = "look after the disk; photosfs status tells how far it is";

/// In a line, why the tree of a mount is not shown; none if it is.
pub fn of(index: &Index) -> Result<Option<String>, Failure> {
    let line = match index.trouble() {
        None => return Ok(None),
        Some(Trouble::Damaged(what)) => {
            format!(
                "the index is damaged ({what}): nothing is shown until iCloud answers and everything is listed anew"
            )
        }
        Some(Trouble::ListedAnew) if index.is_person_awaited()? => {
            format!(
                "nothing is shown until you have looked at what waits: {}; photosfs held list",
                what_all(&index.holds()?)
            )
        }
        Some(Trouble::ListedAnew) => format!(
            "the index was damaged, and everything is being listed anew ({} photos so far): nothing is shown until that is done",
            listed(index)?
        ),
    };
    Ok(Some(line))
}

/// The same of an index that nobody has set aside yet.
pub fn found_in(file: &Path) -> Option<String> {
    let line = "the index is damaged: when changes are asked for next it is set aside, and everything is listed anew";
    Index::is_found_damaged(file).then(|| line.to_owned())
}

fn listed(index: &Index) -> Result<u64, Failure> {
    let count = |state: &crate::index::LibraryState| {
        let counts = index.view_counts(&state.library.id())?;
        Ok(counts.visible + counts.hidden + counts.trashed)
    };
    index.libraries()?.iter().map(count).sum()
}
