//! What a person is told of an index that is damaged.

use std::path::Path;

use super::Failure;
use crate::index::{Index, Trouble};

/// What a person can do while it lasts.
pub const ADVICE: &str =
    "it is mended by itself as soon as iCloud answers; look after the disk, and see photosfs status";

/// In a line, why the tree of a mount is not shown; none if it is.
pub fn of(index: &Index) -> Result<Option<String>, Failure> {
    let line = match index.trouble() {
        None => return Ok(None),
        Some(Trouble::Damaged(what)) => {
            format!("the index is damaged ({what}): nothing is shown until everything is listed anew")
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
