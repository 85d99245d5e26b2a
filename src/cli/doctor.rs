//! `photosfs doctor`.

use std::process::ExitCode;

use super::{Context, Failure};

/// Check everything photosfs needs and say what to do
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_context: &Context, _args: Args) -> Result<ExitCode, Failure> {
    Err(Failure::plain("not yet", ""))
}
