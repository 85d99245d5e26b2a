//! `photosfs doctor --listing`: what iCloud announces and lists, against what is in the tree.

use std::sync::Arc;

use super::{Finding, Ladder};
use crate::account::Account;
use crate::cli::service::index_to_read;
use crate::cli::{Failure, runtime, sync};
use crate::config::Config;
use crate::http::Http;
use crate::index::Discrepancy;
use crate::photos::Photos;
use crate::sync::{LibrarySync, ListAudit, Round};

/// Record names told of one list; a list that differs in more has another trouble than single records.
const MOST_NAMES: usize = 1_000;

/// Compares every list of every library, after the running mount, if there is one, has asked for changes.
pub fn check(config: &Config, ladder: &mut Ladder) -> Result<(), Failure> {
    if let Some(asked) = sync::ask(config, Round::News)? {
        sync::round_after(config, asked)?;
    }
    let runtime = runtime()?;
    let index = Arc::new(index_to_read(config)?);
    let account = Account::open(config, Http::new(&config.endpoints)?)?;
    // As for all that the doctor looks at: no device asks the person, and no password is tried.
    account.leave_devices_alone();
    runtime.block_on(account.resume())?;
    let photos = {
        let _inside = runtime.enter();
        Arc::new(Photos::new(account))
    };
    let sync = LibrarySync::new(photos, index.clone());
    for state in index.libraries()? {
        let library = state.library.id().0;
        let known = index.discrepancies_of(&state.library.id())?;
        for audit in runtime.block_on(sync.audit(&state))? {
            let accepted = known.iter().find(|known| is_accepted(known, &audit));
            ladder.tell("listing", accepted.map_or_else(|| finding(&library, &audit), |known| told(&library, known)));
        }
        if let Some(note) = &state.note {
            let advice = "photosfs sync --full lists everything again";
            ladder.tell("listing", Finding::bad(format!("{library}: {note}"), advice));
        }
    }
    if let Some(note) = index.account_notes()? {
        ladder.tell("listing", Finding::bad(note, "if somebody shares a library with you, it is not in the tree"));
    }
    Ok(())
}

/// Whether all that is amiss with a list is what a person has accepted.
fn is_accepted(known: &Discrepancy, audit: &ListAudit) -> bool {
    let ListAudit { list, announced, listed, missing, surplus, .. } = audit;
    let title = || known.title.as_ref().map(|title| format!("album {title}"));
    let is_of_it = known.offset.list == *list || title().as_ref() == Some(list);
    let beyond = announced.map(|announced| announced.cast_signed() - listed.cast_signed());
    let is_all = missing.is_empty() && surplus.is_empty() && beyond == Some(known.offset.beyond);
    known.is_accepted() && is_of_it && is_all
}

fn told(library: &str, accepted: &Discrepancy) -> Finding {
    Finding::good(format!("{library}: {accepted}, which you have accepted"))
}

fn finding(library: &str, audit: &ListAudit) -> Finding {
    let ListAudit { list, announced, listed, indexed, missing, surplus } = audit;
    if audit.agrees() {
        return Finding::good(format!("{library}, {list}: {indexed}"));
    }
    let announced = announced.map_or("?".into(), |count| count.to_string());
    let what = format!("{library}, {list}: {announced} announced, {listed} listed, {indexed} here");
    let advice = "photosfs sync --full lists everything again; photosfs held list tells what waits for you";
    let here = missing.iter().map(|name| format!("not here: {name}"));
    let there = surplus.iter().map(|name| format!("only here: {name}"));
    let lines: Vec<String> = here.chain(there).take(MOST_NAMES).chain([advice.to_owned()]).collect();
    Finding::bad(what, lines.join("\n      "))
}
