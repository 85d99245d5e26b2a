//! `photosfs demo`: the whole product without an account. Only addresses and credentials differ from a real one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use icloud_simulator::{Options, Simulator};
use secrecy::SecretString;

use super::mount::background;
use super::service::{self, Service};
use super::{Context, Failure};
use crate::account::SignIn;
use crate::config::{Config, EndpointSettings, Settings};
use crate::fuse::MountOptions;
use crate::sync::Round;

/// Show everything with no account: a simulated library, mounted
#[derive(clap::Args)]
pub struct Args {
    /// A directory; made if it is not there
    #[arg(value_name = "MOUNTPOINT", default_value = "photosfs-demo")]
    point: PathBuf,
    /// Return when the mount answers, and go on without a terminal
    #[arg(long)]
    background: bool,
    /// Let other users in, root among them
    #[arg(long)]
    allow_other: bool,
    /// Mount a library of this many made-up photos instead of the small one with real pictures
    #[arg(long, value_name = "N")]
    assets: Option<usize>,
    /// The second half of --background
    #[arg(long, hide = true)]
    leave_when_ready: bool,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    match std::fs::create_dir_all(&args.point) {
        // A mount whose process has died is there, but does not look like a directory; mounting clears it away.
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::plain(format!("{}: {error}", args.point.display()), "choose another directory"));
        }
        _ => {}
    }
    if args.background {
        return background::start();
    }
    let options = Options { assets: args.assets, ..Options::default() };
    let simulator = Simulator::start(options)
        .map_err(|error| Failure::plain(format!("the simulator cannot start: {error}"), ""))?;
    let config = config(context, &simulator)?;
    start_afresh(&config)?;
    let service = Service::open(config)?;
    sign_in(&service, &simulator)?;
    service.sync(Round::News)?;
    let ready = || {
        eprintln!("This is a demo: a simulated library, no Apple account. It is mounted on {}.", args.point.display());
        match args.leave_when_ready {
            true => background::leave(&service.config.state.join("mount.log")),
            false => {
                eprintln!("Ctrl-C unmounts it.");
                Ok(())
            }
        }
    };
    service.mount(&args.point, MountOptions { allow_other: args.allow_other }, false, ready)?;
    Ok(ExitCode::SUCCESS)
}

/// The demo's own account and folders, with the addresses of a simulator on this machine.
fn config(context: &Context, simulator: &Simulator) -> Result<Config, Failure> {
    let settings = Settings {
        apple_id: Some(person().apple_id),
        endpoints: Some(EndpointSettings {
            auth: simulator.idmsa_url(),
            setup: simulator.setup_url(),
            first_wait: None,
        }),
        ..context.settings.clone()
    };
    Ok(Config::load(settings, context.config_file.as_deref())?)
}

fn person() -> icloud_simulator::options::Person {
    icloud_simulator::options::Person::default()
}

/// What an earlier demo has left beside its log and its locks.
const LEFT: [&str; 7] = [
    "index.sqlite",
    "index.sqlite-wal",
    "index.sqlite-shm",
    "held.sqlite",
    "changes.jsonl",
    "attention.json",
    "session.json",
];

/// Every simulator is a new cloud: what an earlier one said is forgotten, but not the originals, which are the same.
fn start_afresh(config: &Config) -> Result<(), Failure> {
    let _lock = service::lock(config)?;
    LEFT.iter().try_for_each(|file| remove(&config.state.join(file)))
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::plain(format!("{}: {error}", path.display()), "remove it by hand"))
        }
        _ => Ok(()),
    }
}

/// Password, then the code that the simulated device shows: the way a person goes.
fn sign_in(service: &Service, simulator: &Simulator) -> Result<(), Failure> {
    let password = SecretString::from(person().password);
    service.runtime.block_on(async {
        match service.account.sign_in(&password).await? {
            SignIn::Done => Ok(()),
            SignIn::CodeNeeded { .. } => Ok(service.account.submit_code(&simulator.device_code()).await?),
        }
    })
}
