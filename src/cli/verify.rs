//! `photosfs verify`.

use std::process::ExitCode;

use super::{Context, Failure};

/// Check a copy: is every original in this folder, byte for byte?
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_context: &Context, _args: Args) -> Result<ExitCode, Failure> {
    Err(Failure::plain("not yet", ""))
}
