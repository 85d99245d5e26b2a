//! Every fault with every tool, over a real mount: nothing that was backed up is lost or damaged, a tool that could not
//! read everything says so, and the first run after the fault is whole by `photosfs verify`.

mod lab;
mod outcome;
mod rows;
pub(super) mod tools;

use std::fs::{self, File};
use std::path::Path;
use std::process::Child;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use self::lab::Lab;
use self::outcome::Outcome;
use self::rows::{Row, Says, Strike, Then, rows};
use self::tools::{Backup, TOOLS, Tool};
use super::side_by_side;
use crate::compared::Compared;
use crate::installation::Files;

/// They wait more than they work.
const AT_ONCE: usize = 10;

/// PHOTOSFS_MATRIX=text runs only the faults whose names contain it.
#[test]
fn every_fault_with_every_tool_loses_nothing() {
    let outcomes = Mutex::new(Vec::new());
    let only = std::env::var("PHOTOSFS_MATRIX").unwrap_or_default();
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.name.contains(&only)).collect();
    side_by_side(AT_ONCE, cases(&rows), |(row, tools): (&Row, &[Tool])| {
        let began = Instant::now();
        let mut bench = Bench::new(row);
        tools.iter().for_each(|tool| bench.first_backup(tool));
        for (turn, tool) in tools.iter().enumerate() {
            let outcome = bench.turn(tool, turn as u64);
            outcomes.lock().unwrap().push(outcome);
        }
        bench.lab.installation.simulator.assert_clean();
        println!("{:5.1} s: {}, {}", began.elapsed().as_secs_f64(), row.name, tools[0].name);
    });
    let outcomes = outcomes.into_inner().unwrap();
    assert_eq!(outcomes.len(), rows.len() * TOOLS.len(), "every fault met every tool");
    let table = outcome::table(&outcomes, &TOOLS.each_ref().map(|tool| tool.name));
    println!("{table}");
    // As a test's output it would be lost where tests pass.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("fault-matrix.md"), table).unwrap();
}

/// One lab serves all tools in turn, or each tool gets its own.
fn cases(rows: &[Row]) -> Vec<(String, (&Row, &[Tool]))> {
    let cases = rows.iter().flat_map(|row| {
        let share = if row.alone { 1 } else { TOOLS.len() };
        TOOLS.chunks(share).map(move |tools| {
            let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
            (format!("{}: {}", row.name, names.join(", ")), (row, tools))
        })
    });
    cases.collect()
}

/// A lab with the places that the tools back up to.
struct Bench<'a> {
    lab: Lab,
    row: &'a Row,
    backups: TempDir,
}

impl Bench<'_> {
    fn new(row: &Row) -> Bench<'_> {
        Bench { lab: Lab::new(row.films), row, backups: tempfile::tempdir().unwrap() }
    }

    fn backup(&self, tool: &Tool) -> Backup {
        let names = vec![".".to_owned()];
        Backup { point: self.lab.installation.point(), names, folder: self.backups.path().join(tool.name) }
    }

    /// The backup before any fault.
    fn first_backup(&self, tool: &Tool) {
        let backup = self.backup(tool);
        fs::create_dir(&backup.folder).unwrap();
        assert_eq!(run(tool, &backup, 0, || {}), Some(0), "{}, before any fault", tool.name);
    }

    /// The library grows, the fault strikes, the tool runs; the fault ends, the tool runs again.
    fn turn(&mut self, tool: &Tool, turn: u64) -> Outcome {
        let before = self.lab.files();
        self.lab.grow(turn);
        let mut backup = self.backup(tool);
        self.strike(&before, &mut backup);
        let tree = self.lab.files();
        self.assert_base_is_in(&tree);
        let meanwhile = match &self.row.strike {
            Strike::Happens { meanwhile: Some(meanwhile), .. } => Some(*meanwhile),
            _ => None,
        };
        let code = run(tool, &backup, 1, || meanwhile.into_iter().for_each(|happens| happens(&self.lab)));
        let mut outcome = Outcome { fault: self.row.name, tool: tool.name, code, runs: 3, ..Outcome::default() };
        self.judge(tool, &backup, &tree, &mut outcome);
        self.recover();
        let backup = self.backup(tool);
        let tree = self.lab.files();
        self.assert_base_is_in(&tree);
        self.assert_cloud_is_in(&tree);
        let code = run(tool, &backup, 2, || {});
        assert_eq!(code, Some(0), "{}, {}: after it: {}", self.row.name, tool.name, backup.said());
        let copy = (tool.restore)(&backup, 2).expect("a backup");
        outcome.compared += Compared::assert_whole(&copy, &tree).files;
        let verified = self.lab.verify(&copy).output().unwrap();
        assert!(verified.status.success(), "{verified:?}");
        if !tool.one_copy {
            outcome.compared += Compared::assert_whole(&(tool.restore)(&backup, 0).unwrap(), &self.lab.base).files;
        }
        outcome
    }

    fn strike(&self, before: &Files, backup: &mut Backup) {
        match &self.row.strike {
            Strike::Reads(fault) => {
                assert_eq!(self.lab.sync(&[]), Some(0), "{}", self.row.name);
                self.lab.installation.simulator.fault(fault.clone());
            }
            Strike::Rounds { fault, full, says } => {
                self.lab.installation.simulator.fault(fault.clone());
                let code = self.lab.sync(if *full { &["--full"] } else { &[] });
                self.assert_round(*says, code, before);
            }
            Strike::Happens { begin, .. } => {
                assert_eq!(self.lab.sync(&[]), Some(0));
                begin(&self.lab);
            }
            Strike::HappensToFolders { begin, .. } => {
                assert_eq!(self.lab.sync(&[]), Some(0));
                let folders = fs::read_dir(&backup.point).unwrap().map(|entry| entry.unwrap().file_name());
                let folders = folders.map(|name| name.into_string().unwrap());
                backup.names = folders.filter(|name| name != ".photosfs").collect();
                begin(&self.lab);
            }
        }
    }

    fn assert_round(&self, says: Says, code: Option<i32>, before: &Files) {
        let failed = matches!(says, Says::Failed | Says::FailedAfterwards);
        assert_eq!(code, Some(i32::from(failed)), "{}", self.row.name);
        match says {
            Says::Done | Says::FailedAfterwards => self.assert_cloud_is_in(&self.lab.files()),
            Says::Short => {}
            Says::Failed => assert!(self.lab.files() == *before, "{}: the tree has changed", self.row.name),
        }
    }

    /// The fault ends.
    fn recover(&self) {
        self.lab.installation.simulator.assert_clean();
        self.lab.clear_faults();
        if let Strike::Happens { end, .. } | Strike::HappensToFolders { end, .. } = &self.row.strike {
            end(&self.lab);
        }
        if self.row.restart {
            self.lab.installation.remount();
        }
        // What was not told is found by looking at everything.
        let short = matches!(self.row.strike, Strike::Rounds { says: Says::Short, .. });
        assert_eq!(self.lab.sync(if short { &["--full"] } else { &[] }), Some(0), "{}: after it", self.row.name);
    }

    /// Looks at what the tool made while the fault lasted.
    fn judge(&self, tool: &Tool, backup: &Backup, tree: &Files, outcome: &mut Outcome) {
        let (name, code) = (format!("{}, {}", self.row.name, tool.name), outcome.code);
        let copy = (tool.restore)(backup, 1);
        let found = copy.as_deref().map(|copy| Compared::new(copy, tree)).unwrap_or_default();
        outcome.compared += found.files;
        outcome.lacking = tree.len() - found.files - found.wrong.len();
        outcome.unfinished = found.wrong.len();
        assert!(found.surplus.is_empty(), "{name}: {found:#?}");
        assert!(found.wrong.is_empty() || (tool.leaves_unfinished && code != Some(0)), "{name}: {found:#?}");
        let is_whole = found.files == tree.len();
        if tool.one_copy {
            let lost: Vec<_> = self.lab.base.keys().filter(|path| found.missing.contains(path)).collect();
            assert!(lost.is_empty(), "{name} lost {lost:?}");
        }
        match self.row.then {
            Then::Whole => assert!(code == Some(0) && is_whole, "{name}: {code:?}, {found:#?}"),
            Then::Told => assert!(code != Some(0) || is_whole, "{name}: {code:?}, {found:#?}"),
            Then::Refused | Then::Nothing => {
                assert!(code != Some(0) && !is_whole, "{name}: {code:?}, {found:#?}");
                let verified = copy.map(|copy| self.lab.verify(&copy).status().unwrap().code());
                assert!(verified.is_none_or(|code| code == Some(1)), "{name}: verify says {verified:?}");
            }
        }
    }

    /// Nothing of the library was ever removed, so nothing leaves the tree.
    fn assert_base_is_in(&self, tree: &Files) {
        let gone: Vec<_> = self.lab.base.iter().filter(|(path, file)| tree.get(*path) != Some(file)).collect();
        assert!(gone.is_empty(), "{}: gone from the tree: {gone:#?}", self.row.name);
    }

    fn assert_cloud_is_in(&self, tree: &Files) {
        let shown: std::collections::BTreeSet<&str> = tree.values().map(|file| file.sha1.as_str()).collect();
        for (_, sha1) in self.lab.installation.known().values() {
            assert!(shown.contains(sha1.as_str()), "{}: a file of the cloud is not in the tree", self.row.name);
        }
    }
}

/// Far longer than any run takes whose every read waits for its deadline.
const LONGEST: Duration = Duration::from_secs(240);
/// rsync -H waits for ever once the mount has died: then it is ended as `mount-scripts/backup-rsync` would.
const AFTER_DEATH: Duration = Duration::from_secs(5);

/// Runs a tool to its end, and gives its exit code; none if it had to be ended.
fn run(tool: &Tool, backup: &Backup, number: usize, meanwhile: impl FnOnce()) -> Option<i32> {
    let log = || File::options().create(true).append(true).open(backup.folder.join("said")).unwrap();
    let mut running = (tool.back_up)(backup, number).stdout(log()).stderr(log()).spawn().unwrap();
    meanwhile();
    let dead = fs::read_dir(&backup.point).is_err();
    finished(&mut running, Instant::now() + if dead { AFTER_DEATH } else { LONGEST })
}

fn finished(running: &mut Child, until: Instant) -> Option<i32> {
    loop {
        if let Some(status) = running.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > until {
            // It may have ended just now.
            let _ = kill(Pid::from_raw(running.id().cast_signed()), Signal::SIGTERM);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
