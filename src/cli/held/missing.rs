//! What iCloud announces and shows nowhere: told, and let be by a person.

use std::process::ExitCode;

use crate::cli::service::{index_file, index_to_read};
use crate::cli::{Context, Failure, sync};
use crate::index::{Discrepancy, Index};
use crate::photos::LibraryId;
use crate::sync::Round;

/// Tells what is missing of one library or of all, and what has been accepted.
pub fn tell(index: &Index, library: Option<&LibraryId>) -> Result<(), Failure> {
    for missing in missing_of(index, library)? {
        let name = &missing.library.0;
        match missing.is_accepted() {
            true => eprintln!("accepted: {name}: {missing}; to take that back: photosfs held reject --missing"),
            false => {
                eprintln!("missing: {name}: {missing}; if nothing is missing in Photos: photosfs held accept --missing")
            }
        }
    }
    Ok(())
}

/// Lets be what is missing as it was told, or no longer.
///
/// # Errors
/// If there is none of that, or not all was asked yet that could show what is missing.
pub fn decide(context: &Context, library: Option<&LibraryId>, accepted: bool) -> Result<ExitCode, Failure> {
    let config = context.config()?;
    let mut waiting = missing_of(&index_to_read(&config)?, library)?;
    waiting.retain(|missing| missing.is_accepted() != accepted);
    if waiting.is_empty() {
        let nothing = if accepted { "nothing is missing that is not accepted" } else { "nothing missing is accepted" };
        return Err(Failure::plain(nothing, "see photosfs held list"));
    }
    if let Some(missing) = waiting.iter().find(|missing| !missing.offset.sought) {
        return Err(Failure::plain(missing, "look everywhere first: photosfs sync --full"));
    }
    if Index::accept_discrepancies(&index_file(&config), &waiting, accepted)? < waiting.len() {
        return Err(Failure::plain("what is missing is another number by now", "look again: photosfs held list"));
    }
    for missing in &waiting {
        let word = if accepted { "accepted" } else { "not accepted any more" };
        println!("{word}: {}: {missing}", missing.library.0);
    }
    // A library that is not shown because of it can be.
    match sync::ask(&config, Round::News)? {
        Some(asked) if accepted => sync::round_after(&config, asked)?,
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn missing_of(index: &Index, library: Option<&LibraryId>) -> Result<Vec<Discrepancy>, Failure> {
    let all = index.discrepancies()?.into_iter().filter(Discrepancy::is_short);
    Ok(all.filter(|missing| library.is_none_or(|id| missing.library == *id)).collect())
}
