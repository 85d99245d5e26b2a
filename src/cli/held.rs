//! `photosfs held`: what to do about a mass deletion.

use std::process::ExitCode;

use jiff::Timestamp;

use super::service::{Service, index_file, index_to_read};
use super::{Context, Failure, running, sync};
use crate::index::{Decision, Index};
use crate::sync::Round;

/// Show, accept or reject removals that wait for a decision
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Name the photos that iCloud removed and that are still shown
    List,
    /// Let them go, as iCloud says
    Accept,
    /// Keep them in the tree, for as long as iCloud still has their originals
    Reject,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    match args.action {
        None | Some(Action::List) => list(context),
        Some(Action::Accept) => {
            decide(context, Decision::Accept)?;
            println!("accepted: the tree is as iCloud says");
            Ok(ExitCode::SUCCESS)
        }
        Some(Action::Reject) => {
            decide(context, Decision::Reject)?;
            println!("rejected: the photos stay in the tree");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(context: &Context) -> Result<ExitCode, Failure> {
    let index = index_to_read(&context.config()?)?;
    for ino in index.waiting_inodes()? {
        if let Some(path) = index.path(ino)? {
            println!("{path}");
        }
    }
    for (library, count) in index.waiting()? {
        eprintln!("{count} removals in {} wait: photosfs held accept, or photosfs held reject", library.0);
    }
    Ok(ExitCode::SUCCESS)
}

/// A decision changes the tree, which only the process that serves the account may do: it is asked, if there is one.
fn decide(context: &Context, decision: Decision) -> Result<(), Failure> {
    let config = context.config()?;
    index_to_read(&config)?;
    match running::mountpoint(&config) {
        None => drop(Service::open(config)?.index.decide(decision)?),
        Some(_) => {
            let now = Timestamp::now();
            Index::leave_decision(&index_file(&config), decision)?;
            running::ask(&config, Round::News)?;
            let outcome = sync::wait_for_round(&config, now);
            // That iCloud cannot be asked just now does not undo a decision.
            if !index_to_read(&config)?.waiting()?.is_empty() {
                outcome?;
            }
        }
    }
    Ok(())
}
