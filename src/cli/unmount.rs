//! `photosfs unmount`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Context, Failure};
use crate::fuse::{self, Gone};

/// Unmount the library
#[derive(clap::Args)]
pub struct Args {
    /// Where it is mounted
    #[arg(value_name = "MOUNTPOINT")]
    point: PathBuf,
}

pub fn run(_context: &Context, args: Args) -> Result<ExitCode, Failure> {
    match fuse::unmount(&args.point)? {
        Gone::Free => {}
        Gone::Busy => eprintln!("Programs still have files open there; they can read them to the end."),
    }
    Ok(ExitCode::SUCCESS)
}
