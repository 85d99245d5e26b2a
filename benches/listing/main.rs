//! Libraries of many photos: read from nothing, started, listed and kept current by photosfs and by `rclone mount`, side by
//! side, and listed on the local disk.
//!
//! `cargo build --release -p icloud-simulator && cargo bench --bench listing -- 100000` as root, after `tests/run` has
//! installed rclone; `--runs N` (3), `--photosfs-alone`. Everything is a process of its own, and photosfs and rclone reach the
//! simulator, 40 ms away, over TLS and the same proxy. Writes the section of its size in benches/listing.md; with
//! `--only nothing,tree` it measures these scenarios ([`scenario::Only`] names them) and prints them only.

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/clients/authority.rs"]
mod authority;
mod client;
mod cloud;
mod disk;
#[path = "../shared/programs.rs"]
mod programs;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/clients/proxy.rs"]
mod proxy;
mod report;
mod scenario;

use std::process::ExitCode;

use client::{photosfs, rclone};
use cloud::Cloud;
use programs::rclone_program;
use report::Report;
use scenario::Only;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let assets = arguments.iter().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(20_000);
    let runs = after("--runs").and_then(|runs| runs.parse().ok()).unwrap_or(3);
    let alone = arguments.iter().any(|argument| argument == "--photosfs-alone");
    let Some(only) = Only::of(after("--only").map(String::as_str)) else {
        eprintln!("--only takes some of {}, with commas between", Only::NAMES.join(", "));
        return ExitCode::FAILURE;
    };
    for program in [cloud::program(), rclone_program()].iter().skip(usize::from(alone)) {
        if !program.exists() {
            eprintln!("{} is missing: see the head of benches/listing/main.rs", program.display());
            return ExitCode::FAILURE;
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cloud = Cloud::start(folder.path(), assets);
    cloud.hash_everything();
    let mut report = Report::default();
    for run in 1..=runs {
        eprintln!("run {run} of {runs}");
        let own = photosfs(folder.path(), &cloud);
        scenario::all(&own, &cloud, &mut report, &only, run == 1);
        if !alone {
            scenario::all(&rclone(folder.path(), &cloud), &cloud, &mut report, &only, false);
        }
        if only.wants("tree") {
            scenario::local(folder.path(), &mut report);
        }
        if run == runs && only.wants("many") {
            scenario::much_news(&own, &cloud, &mut report);
        }
    }
    match only.is_everything() {
        true => report.write(assets),
        false => report.print(assets),
    }
    ExitCode::SUCCESS
}
