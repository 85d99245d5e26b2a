//! `photosfs held`: what to do about removals that wait.

mod missing;
mod report;

use std::process::ExitCode;

use super::service::{Service, index_file, index_to_read};
use super::{Context, Failure, running, sync};
use crate::index::{Decision, Index, Waiting};
use crate::photos::LibraryId;
use crate::sync::Round;
use report::{UNNAMED, what};
pub(super) use report::{by_library, counted, report, what_all};

/// Show, accept or reject removals that wait for a decision
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Name the photos and albums that iCloud removed and that are still shown
    List(Which),
    /// Let them go, as iCloud says
    Accept(What),
    /// Keep them in the tree, for as long as iCloud still has their originals
    Reject(What),
}

#[derive(clap::Args)]
struct What {
    #[command(flatten)]
    which: Which,
    /// Not about removals: accept that iCloud announces so many more than it shows anywhere, or no longer
    #[arg(long)]
    missing: bool,
}

#[derive(clap::Args)]
struct Which {
    /// Only those of one library, such as PrimarySync
    #[arg(long, value_name = "NAME")]
    library: Option<String>,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    match args.action.unwrap_or(Action::List(Which { library: None })) {
        Action::List(which) => list(context, &which),
        Action::Accept(What { which, missing: true }) => which.decide_missing(context, true),
        Action::Reject(What { which, missing: true }) => which.decide_missing(context, false),
        Action::Accept(What { which, .. }) => {
            decide(context, Decision::Accept, &which)?;
            println!("accepted: the tree is as iCloud says");
            Ok(ExitCode::SUCCESS)
        }
        Action::Reject(What { which, .. }) => {
            refuse_unnamed(context, &which)?;
            decide(context, Decision::Reject, &which)?;
            println!("rejected: the photos stay in the tree");
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl Which {
    fn decide_missing(&self, context: &Context, accepted: bool) -> Result<ExitCode, Failure> {
        let library = self.library(&index_to_read(&context.config()?)?)?;
        missing::decide(context, library.as_ref(), accepted)
    }

    /// The library, which must be one that is known.
    fn library(&self, index: &Index) -> Result<Option<LibraryId>, Failure> {
        let Some(name) = &self.library else { return Ok(None) };
        let known: Vec<String> = index.libraries()?.into_iter().map(|state| state.library.id().0).collect();
        match known.contains(name) {
            true => Ok(Some(LibraryId(name.clone()))),
            false => {
                Err(Failure::plain(format!("there is no library {name}"), format!("there are: {}", known.join(", "))))
            }
        }
    }
}

fn list(context: &Context, which: &Which) -> Result<ExitCode, Failure> {
    let index = index_to_read(&context.config()?)?;
    let library = which.library(&index)?;
    for path in index.held_paths(library.as_ref(), usize::MAX)? {
        println!("{path}");
    }
    for waiting in of_library(index.holds()?, library.as_ref()) {
        let next = match waiting.unnamed {
            0 => "photosfs held accept, or photosfs held reject".to_owned(),
            _ => format!("photosfs held accept. {UNNAMED}"),
        };
        eprintln!("waiting: {} in {}; {next}", what(&waiting), waiting.library.0);
    }
    missing::tell(&index, library.as_ref())?;
    Ok(ExitCode::SUCCESS)
}

fn of_library(holds: Vec<Waiting>, library: Option<&LibraryId>) -> impl Iterator<Item = Waiting> {
    holds.into_iter().filter(move |waiting| library.is_none_or(|id| *id == waiting.library))
}

/// What is in no index cannot be kept in the tree.
fn refuse_unnamed(context: &Context, which: &Which) -> Result<(), Failure> {
    let index = index_to_read(&context.config()?)?;
    let library = which.library(&index)?;
    match of_library(index.holds()?, library.as_ref()).find(|waiting| waiting.unnamed > 0) {
        Some(waiting) => {
            Err(Failure::plain(format!("{} cannot be kept: {UNNAMED}", what(&waiting)), "photosfs held accept"))
        }
        None => Ok(()),
    }
}

/// A decision changes the tree, which only the process that serves the account may do: it is asked, if there is one.
fn decide(context: &Context, decision: Decision, which: &Which) -> Result<(), Failure> {
    let config = context.config()?;
    let library = which.library(&index_to_read(&config)?)?;
    match running::mountpoint(&config) {
        None => drop(Service::open(config)?.index.decide(decision, library.as_ref())?),
        Some(_) => {
            Index::leave_decision(&index_file(&config), decision, library.as_ref())?;
            let outcome = match sync::ask(&config, Round::News)? {
                Some(asked) => sync::wait_for_round(&config, asked),
                None => Err(Failure::plain("the mount has just ended", "do this again")),
            };
            // That iCloud cannot be asked just now does not undo a decision.
            if of_library(index_to_read(&config)?.holds()?, library.as_ref()).next().is_some() {
                outcome?;
            }
        }
    }
    Ok(())
}
