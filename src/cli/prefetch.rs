//! `photosfs prefetch`: originals into the cache, before anybody reads them.

mod fetching;
mod wanted;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytesize::ByteSize;

use super::service::{Service, index_to_read};
use super::{Context, Failure, running};
use crate::config::Config;
use crate::content::{disk_usage, free_space, is_kept};
use fetching::{Fetching, Outcome};
use wanted::Wanted;

/// Fetch originals into the cache, so that they can be read at once and without a network
#[derive(clap::Args)]
pub struct Args {
    /// Files and folders: on the mount, or as in the tree (Albums/Norway)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Failures that are named one by one; more of them are counted.
const NAMED: usize = 10;

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let config = context.config()?;
    let mountpoint = running::mountpoint(&config);
    let wanted = wanted::find(&index_to_read(&config)?, mountpoint.as_deref().map(Path::new), &args.paths)?;
    let originals = config.cache.join("originals");
    let (here, missing): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|file| is_kept(&originals, &file.resource));
    has_room(&config, &originals, bytes(&here), bytes(&missing))?;
    let fetching = Fetching::new(&originals, missing);
    let outcome = match mountpoint {
        Some(mountpoint) => fetching.through_mount(Path::new(&mountpoint)),
        None => {
            let service = Service::open(config)?;
            service.runtime.block_on(service.account.ready())?;
            let content = service.content(false)?;
            service.runtime.block_on(fetching.by(&content))
        }
    };
    tell(here.len(), &outcome)
}

fn bytes(files: &[Wanted]) -> u64 {
    files.iter().map(|file| file.resource.size).sum()
}

/// What does not fit would push out what was fetched first, or what is here already.
fn has_room(config: &Config, originals: &Path, here: u64, missing: u64) -> Result<(), Failure> {
    if here + missing > config.cache_size {
        return Err(Failure::plain(
            format!("{} are wanted, and the cache keeps {}", ByteSize(here + missing), ByteSize(config.cache_size)),
            "fetch less at a time, or mount with a larger cache_size",
        ));
    }
    let free = free_space(originals).map_err(|error| Failure::plain(error, "make the cache's folder readable"))?;
    // Originals that are not wanted make room.
    let others = disk_usage(originals).saturating_sub(here);
    match missing <= free.saturating_add(others).saturating_sub(config.keep_free) {
        true => Ok(()),
        false => Err(Failure::plain(
            format!("{} are to be fetched, and the disk has {} free", ByteSize(missing), ByteSize(free)),
            format!("make room, or fetch less: {} stay free (keep_free)", ByteSize(config.keep_free)),
        )),
    }
}

fn tell(here: usize, outcome: &Outcome) -> Result<ExitCode, Failure> {
    for (path, reason) in outcome.failed.iter().take(NAMED) {
        eprintln!("{path}: {reason}");
    }
    println!("{} fetched ({}), {here} were here", outcome.fetched, ByteSize(outcome.bytes));
    match outcome.failed.len() {
        0 => Ok(ExitCode::SUCCESS),
        count => Err(Failure::plain(format!("{count} originals could not be fetched"), "run it again: it goes on")),
    }
}
