//! `photosfs status`.

use std::process::ExitCode;

use super::{Context, Failure};

/// Tell how the library, the session and the mount are
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_context: &Context, _args: Args) -> Result<ExitCode, Failure> {
    Err(Failure::plain("not yet", ""))
}
