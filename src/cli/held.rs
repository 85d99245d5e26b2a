//! `photosfs held`: what to do about a mass deletion.

use std::process::ExitCode;

use super::service::{Service, index_to_read};
use super::{Context, Failure, running};

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
        Some(Action::Accept) => accept(context),
        Some(Action::Reject) => reject(context),
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

/// A decision changes the tree, which only the process that serves the account may do.
fn service(context: &Context) -> Result<Service, Failure> {
    let config = context.config()?;
    match running::mountpoint(&config) {
        None => Service::open(config),
        Some(mountpoint) => Err(Failure::plain(
            format!("the library is mounted at {mountpoint}"),
            format!("unmount it first: photosfs unmount '{mountpoint}'"),
        )),
    }
}

fn accept(context: &Context) -> Result<ExitCode, Failure> {
    let service = service(context)?;
    let count: u64 = service.index.waiting()?.iter().map(|(_, count)| count).sum();
    service.index.accept_held()?;
    println!("{count} removals accepted");
    Ok(ExitCode::SUCCESS)
}

fn reject(context: &Context) -> Result<ExitCode, Failure> {
    let count = service(context)?.index.reject_held()?;
    println!("{count} photos stay in the tree");
    Ok(ExitCode::SUCCESS)
}
