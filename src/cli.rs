//! The command line: one file per command, each composing the rooms and no more.

mod allocator;
mod attention;
mod changes;
mod damage;
mod demo;
mod doctor;
mod failure;
mod held;
mod logging;
mod login;
mod logout;
mod mount;
mod prefetch;
mod progress;
mod ready;
mod refused;
mod running;
mod service;
mod status;
mod sync;
mod unmount;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use nix::sys::signal::{SigHandler, Signal, signal};

use crate::config::{Config, Settings};
pub use failure::Failure;

/// Mounts your iCloud Photos library as a read-only file system, for backups you can trust.
#[derive(Parser)]
#[command(version, about, max_term_width = 110)]
struct Cli {
    /// Configuration file [default: photosfs/config.toml in the user's configuration folder]
    #[arg(long, global = true, env = "PHOTOSFS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to log on standard error, such as info or photosfs=debug
    #[arg(long, global = true, env = "PHOTOSFS_LOG", default_value = "warn", value_name = "FILTER")]
    log: String,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Login(login::Args),
    Logout(logout::Args),
    Mount(mount::Args),
    Unmount(unmount::Args),
    Status(status::Args),
    Sync(sync::Args),
    Prefetch(prefetch::Args),
    Verify(verify::Args),
    Ready(ready::Args),
    Held(held::Args),
    Changes(changes::Args),
    Doctor(doctor::Args),
}

/// Runs the program: 0 done, 1 failed, 2 wrong usage, 3 a code is needed, 4 Apple refused, 5 not reachable.
pub fn main() -> ExitCode {
    allocator::keep_small();
    let cli = Cli::parse();
    logging::start(&cli.log);
    if matches!(
        cli.command,
        Command::Status(_) | Command::Verify(_) | Command::Held(_) | Command::Changes(_) | Command::Doctor(_)
    ) {
        end_with_the_reader();
    }
    match run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

/// What every command is given.
pub struct Context {
    pub settings: Settings,
    /// The configuration file, if the person named one.
    pub config_file: Option<PathBuf>,
}

impl Context {
    /// The account's configuration, complete and checked.
    pub fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(self.settings.clone(), self.config_file.as_deref())?)
    }
}

/// What runs a command's network calls.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().build().map_err(|error| Failure::plain(format!("no threads: {error}"), ""))
}

/// Ends the process when nobody reads its answer to the end, as in `photosfs status | head -1`; printing would panic.
/// Only for commands that do no more than answer: a mount outlives the terminal it was started from.
fn end_with_the_reader() {
    // SAFETY: no other thread runs yet, and the default action runs no code of ours.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let context = Context { settings: cli.settings, config_file: cli.config };
    match cli.command {
        Command::Demo(args) => demo::run(&context, args),
        Command::Login(args) => login::run(&context, args),
        Command::Logout(args) => logout::run(&context, args),
        Command::Mount(args) => mount::run(&context, args),
        Command::Unmount(args) => unmount::run(&context, args),
        Command::Status(args) => status::run(&context, args),
        Command::Sync(args) => sync::run(&context, args),
        Command::Prefetch(args) => prefetch::run(&context, args),
        Command::Verify(args) => verify::run(&context, args),
        Command::Ready(args) => ready::run(&context, args),
        Command::Held(args) => held::run(&context, args),
        Command::Changes(args) => changes::run(&context, args),
        Command::Doctor(args) => doctor::run(&context, args),
    }
}
