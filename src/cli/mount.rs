//! `photosfs mount`: in the foreground until Ctrl-C or an unmount; in the background, until it answers.

pub(super) mod background;
mod log;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::held::by_library;
use super::service::Service;
use super::{Context, Failure};
use crate::fuse::{self, MountError, MountOptions};
use crate::sync::Round;
use crate::vfs::Vfs;

/// Mount the library
#[derive(clap::Args)]
pub struct Args {
    /// An empty directory
    #[arg(value_name = "MOUNTPOINT")]
    point: PathBuf,
    /// Return when the mount answers, and go on without a terminal
    #[arg(long)]
    background: bool,
    /// Let other users in, root among them (for a user, /etc/fuse.conf must hold user_allow_other)
    #[arg(long)]
    allow_other: bool,
    /// Use no network: show the library as it was, and read what is in the cache
    #[arg(long)]
    offline: bool,
    /// The second half of --background
    #[arg(long, hide = true)]
    leave_when_ready: bool,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let config = context.config()?;
    if args.background {
        return background::start();
    }
    let options = MountOptions { allow_other: args.allow_other };
    let service = Service::open(config)?;
    if !service.index.has_everything()? {
        list_first(&service, &args)?;
    }
    if let Some(needs) = service.account.status().needs.filter(|_| !args.offline) {
        eprintln!(
            "{needs}: the library is shown as it was, and what was never read cannot be. Go on with: photosfs login"
        );
    }
    let ready = || match args.leave_when_ready {
        true => {
            eprintln!("The library is mounted on {}.", args.point.display());
            background::leave(&service.config.state.join("mount.log"))
        }
        false => {
            eprintln!("The library is mounted on {}; Ctrl-C unmounts it.", args.point.display());
            Ok(())
        }
    };
    service.mount(&args.point, options, args.offline, ready)?;
    Ok(ExitCode::SUCCESS)
}

/// Lists what was never listed. Nothing is shown before that is proven; then the mount is up at once, with or without a session.
fn list_first(service: &Service, args: &Args) -> Result<(), Failure> {
    if args.offline {
        return Err(match service.index.is_person_awaited()? {
            true => gone(service)?,
            false => Failure::plain("the library has not been read yet", "mount it once without --offline"),
        });
    }
    // A first listing takes minutes: what hinders the mount is better known before.
    fuse::check(&args.point)?;
    service.runtime.block_on(service.account.ready())?;
    service.sync(Round::News)?;
    if service.index.has_everything()? {
        return Ok(());
    }
    Err(match service.index.is_person_awaited()? {
        true => gone(service)?,
        false => Failure::plain("the library is not complete", "try again; photosfs status tells what is missing"),
    })
}

/// Nothing is shown before a person has let go what only a damaged index showed.
fn gone(service: &Service) -> Result<Failure, Failure> {
    Ok(Failure::plain(
        format!("gone from iCloud since the index was damaged: {}", by_library(&service.index.holds()?)),
        "your copies may be all there is of it: photosfs held list; after photosfs held accept the mount goes on without",
    ))
}

/// Mounts, says so, and serves until a signal or until somebody unmounts.
pub(super) async fn serve(
    vfs: Arc<Vfs>,
    point: &Path,
    options: MountOptions,
    ready: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    // Signals are watched before there is a mount that they could leave behind.
    let no_signals = |error| Failure::plain(format!("signals cannot be watched: {error}"), "");
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let point = point.to_owned();
    let mount = move || fuse::mount(vfs, &point, options, Handle::current());
    let mounted = tokio::task::spawn_blocking(mount).await.map_err(|error| Failure::plain(error, ""))??;
    ready()?;
    tokio::select! {
        () = mounted.wait() => return Ok(()),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    match mounted.unmount().await {
        // Somebody was quicker.
        Err(MountError::NotMounted(_)) => Ok(()),
        outcome => Ok(outcome?),
    }
}

impl From<MountError> for Failure {
    fn from(error: MountError) -> Failure {
        let advice = error.advice();
        Failure::plain(error, advice)
    }
}
