//! `photosfs doctor`: walks through everything that has to be in order, from the bottom up, one line each.

mod account;
mod disk;
mod finding;
mod fuse;
mod listing;
mod network;

use std::process::ExitCode;

use super::service::{index_file, index_to_read};
use super::{Context, Failure};
use crate::config::Config;
use crate::index::Index;
use finding::{Finding, Ladder};

/// Room that the index wants: a large library's, and its journal beside it.
const FOR_THE_INDEX: u64 = 1_000_000_000;

/// Check everything photosfs needs and say what to do
#[derive(clap::Args)]
pub struct Args {
    /// Print JSON with stable keys (docs/commands.md)
    #[arg(long)]
    json: bool,
    /// Compare what iCloud announces and lists with what is in the tree: a request for every hundred photos
    #[arg(long)]
    listing: bool,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let mut ladder = Ladder::new(args.json);
    fuse::check(&mut ladder);
    match context.config() {
        Ok(config) => {
            ladder.tell("configuration", Finding::good("configuration"));
            account::check(&config, &mut ladder)?;
            ladder.tell("disk", disk::room(&config.cache, config.keep_free, "the cache"));
            ladder.tell("disk", disk::room(&config.state, FOR_THE_INDEX, "the index"));
            ladder.tell("index", index(&config));
            if args.listing
                && let Err(failure) = listing::check(&config, &mut ladder)
            {
                ladder.tell("listing", failure.into());
            }
        }
        Err(failure) => {
            let advice = "mend the configuration; the rest depends on it";
            ladder.tell("configuration", Finding::bad(failure.reason, advice));
        }
    }
    Ok(ladder.end())
}

fn index(config: &Config) -> Finding {
    let file = index_file(config);
    if file.is_file()
        && let Err(error) = Index::check(&file)
        && error.is_damage()
    {
        let advice = "look after the disk, and have everything listed anew: photosfs sync";
        return Finding::bad(error.to_string(), advice);
    }
    let shown = || Ok(index_to_read(config)?.libraries()?.iter().any(|library| library.shown));
    match shown() {
        Ok(true) => Finding::good("the library has been read"),
        Ok(false) => Finding::bad("the library has not been read yet", "mount it once: photosfs mount MOUNTPOINT"),
        Err::<_, Failure>(failure) => failure.into(),
    }
}
