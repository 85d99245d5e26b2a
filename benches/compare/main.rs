//! photosfs and `rclone mount` side by side, over a simulated iCloud 40 ms away that gives each connection 20 MB/s.
//!
//! `cargo bench --bench compare` as root, after `tests/run` has installed rclone; `-- --photosfs-alone` goes without it,
//! `-- --runs N` measures so many times (3). `-- copy eight line` measures these groups only (`group.rs` names them), each
//! of a minute or two; what was measured of the others before stays in the report. Both programs run as a person runs
//! them, over TLS and the same proxy, and read the same albums; every scenario and run has photos of its own, so that
//! nothing is in a cache that should not be, and no read-ahead of one scenario reaches another. The group `user` wants a
//! /dev/fuse that anybody may open, as it is on most machines. Prints what it measures and writes benches/results.md.

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/clients/authority.rs"]
mod authority;
mod group;
mod library;
mod peer;
mod processor;
#[path = "../shared/programs.rs"]
mod programs;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/clients/proxy.rs"]
mod proxy;
mod report;
mod scenario;
mod world;

use std::process::ExitCode;

use group::Group;
use report::Report;

const RUNS: usize = 3;

/// Kept below the table, whatever is measured: what limits, as found out by hand.
const LIMITS: &str = include_str!("limits.md");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let runs = after("--runs").map_or(RUNS, |runs| runs.parse().expect("a number of runs"));
    let alone = arguments.iter().any(|argument| argument == "--photosfs-alone");
    let named = |group: &&Group| arguments.iter().any(|argument| argument == group.name);
    let mut groups: Vec<&Group> = group::ALL.iter().filter(named).collect();
    if groups.is_empty() {
        groups = group::ALL.iter().collect();
    }
    let rclone = programs::rclone_program();
    if !alone && !rclone.exists() {
        eprintln!("{} is missing: tests/run installs it; or pass -- --photosfs-alone", rclone.display());
        return ExitCode::FAILURE;
    }
    for group in groups {
        let mut report = Report::default();
        group.measure(runs, alone, &mut report);
        report.keep(group.name);
    }
    let text = report::text(group::ALL.iter().map(|group| group.name));
    print!("{text}");
    let text = format!("{text}\n{LIMITS}");
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results.md"), text).expect("benches/results.md");
    ExitCode::SUCCESS
}
