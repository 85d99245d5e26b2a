//! The `photosfs` program: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    photosfs::cli::main()
}
