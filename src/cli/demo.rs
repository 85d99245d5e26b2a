//! `photosfs demo`.

use std::process::ExitCode;

use super::{Context, Failure};

/// Show everything with no account: a simulated library, mounted
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_context: &Context, _args: Args) -> Result<ExitCode, Failure> {
    Err(Failure::plain("not yet", ""))
}
