//! `photosfs sync`.

use std::process::ExitCode;

use super::{Context, Failure};

/// Ask for changes now
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_context: &Context, _args: Args) -> Result<ExitCode, Failure> {
    Err(Failure::plain("not yet", ""))
}
