//! `photosfs sync`: ask for changes now.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::service::{Service, index_to_read};
use super::{Context, Failure, running};
use crate::config::Config;
use crate::index::Index;
use crate::sync::Round;

/// How long a mount is waited for. A round of changes takes seconds; a first listing, minutes.
const PATIENCE: Duration = Duration::from_secs(900);

/// Ask for changes now
#[derive(clap::Args)]
pub struct Args {
    /// List everything again, and compare it with what is known
    #[arg(long)]
    full: bool,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let config = context.config()?;
    let round = if args.full { Round::Full } else { Round::News };
    match ask(&config, round)? {
        Some(asked) => wait_for_round(&config, asked)?,
        None => {
            let service = Service::open(config)?;
            service.runtime.block_on(service.account.ready())?;
            service.sync(round)?;
            tell(&service.index)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How many rounds the mount had begun when it was asked for one more.
#[derive(Clone, Copy)]
pub(super) struct Asked(u64);

/// Has the running mount ask for changes, or for everything, now; `None` if there is none.
pub(super) fn ask(config: &Config, round: Round) -> Result<Option<Asked>, Failure> {
    if running::mountpoint(config).is_none() {
        return Ok(None);
    }
    let asked = Asked(index_to_read(config)?.rounds_begun()?);
    Ok(running::ask(config, round)?.then_some(asked))
}

/// Waits until the running mount has finished a round that began after it was asked.
pub(super) fn wait_for_round(config: &Config, asked: Asked) -> Result<(), Failure> {
    round_after(config, asked)?;
    tell(&index_to_read(config)?)
}

/// As [`wait_for_round`], without a word.
pub(super) fn round_after(config: &Config, asked: Asked) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
        // Opened each time: one that is damaged is replaced by another, whose rounds are counted from the beginning. It may
        // be just being made.
        let Ok(index) = index_to_read(config) else { continue };
        let asked = if index.rounds_begun()? < asked.0 { 0 } else { asked.0 };
        if index.last_round()? > asked {
            return match index.last_error()? {
                None => Ok(()),
                Some(error) => Err(Failure::plain(error, "see photosfs status")),
            };
        }
        if running::mountpoint(config).is_none() {
            return Err(Failure::plain("the mount ended before it had finished asking for changes", "mount it again"));
        }
    }
    Err(Failure::plain("the mount has not finished asking for changes", "see photosfs status"))
}

fn tell(index: &Index) -> Result<(), Failure> {
    let totals = index.totals()?;
    println!("up to date: {} files, {}", totals.files, bytesize::ByteSize::b(totals.bytes));
    let holds = index.holds()?;
    if !holds.is_empty() {
        println!("waiting for you: {}; see photosfs held list", super::held::what_all(&holds));
    }
    Ok(())
}
