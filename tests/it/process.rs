//! The program as a process: in the background, killed, told to stop.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use icloud_simulator::fault::{Damage, Effect, Fault};

use crate::installation::{Installation, tool_output};

/// A home of its own, so that the demo of whoever runs the tests is left alone.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn point(&self) -> PathBuf {
        self.0.path().join("mnt")
    }

    fn photosfs(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_photosfs"));
        for variable in ["XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PHOTOSFS_LOG"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.0.path());
        command.args(arguments).arg(self.point()).output().unwrap()
    }

    fn start(&self) -> Pid {
        let output = self.photosfs(&["demo", "--background"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(self.is_mounted() && self.point().join("Years").is_dir(), "it returned before it answered");
        self.process()
    }

    /// The process that serves the mount: the one whose arguments name it.
    fn process(&self) -> Pid {
        let point = self.point();
        let processes =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let names_it = |pid: &i32| {
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut arguments = arguments.split(|byte| *byte == 0).map(String::from_utf8_lossy);
            arguments.any(|argument| Path::new(&*argument) == point)
        };
        Pid::from_raw(processes.into_iter().find(names_it).expect("a process that serves the mount"))
    }

    fn is_mounted(&self) -> bool {
        fs::read_to_string("/proc/self/mounts").unwrap().contains(self.point().to_str().unwrap())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.is_mounted() {
            self.photosfs(&["unmount"]);
        }
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_gone(pid: Pid) -> bool {
    // A process that ended and that nobody waited for is still listed.
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[test]
fn a_killed_mount_comes_back_and_a_signal_ends_it() {
    let home = Home::new();
    let pid = home.start();
    kill(pid, Signal::SIGKILL).unwrap();
    eventually("killed", || is_gone(pid));
    let errno = || fs::read_dir(home.point()).err().and_then(|error| error.raw_os_error());
    eventually("the mount is dead", || errno() == Some(libc::ENOTCONN));
    let pid = home.start();
    kill(pid, Signal::SIGTERM).unwrap();
    eventually("ended by the signal", || is_gone(pid));
    assert!(!home.is_mounted());
}

#[test]
fn an_unmount_ends_the_process() {
    let home = Home::new();
    let pid = home.start();
    let output = home.photosfs(&["unmount"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!home.is_mounted());
    eventually("ended", || is_gone(pid));
    let again = home.photosfs(&["unmount"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("no photosfs is mounted on"));
}

#[test]
fn another_demo_knows_nothing_of_the_last_one() {
    let home = Home::new();
    for library in [&["demo", "--background"][..], &["demo", "--background", "--assets", "30"]] {
        let output = home.photosfs(library);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let ready = home.photosfs(&["ready"]);
        assert!(ready.status.success(), "{library:?}: {}", String::from_utf8_lossy(&ready.stderr));
        let pid = home.process();
        assert!(home.photosfs(&["unmount"]).status.success());
        eventually("ended", || is_gone(pid));
    }
}

#[test]
fn the_log_is_begun_anew_when_it_is_large_and_an_error_that_repeats_is_told_once() {
    let installation = Installation::mounted(40);
    installation.unmount();
    let log = installation.state().join("mount.log");
    fs::File::options().append(true).open(&log).unwrap().set_len(9_000_000).unwrap();
    installation.simulator.fault(Fault::every("download", Effect::Body(Damage::WrongBytes)));
    installation.mount();
    let source = format!("{}/", installation.point().display());
    assert!(!tool_output("rsync", &[&"-a", &source, &installation.path("copy")]).status.success());
    installation.unmount();
    let said = fs::read_to_string(&log).unwrap();
    let errors = said.matches("answered with an input/output error").count();
    assert!((1..=4).contains(&errors), "one for each kind, however many files: {said}");
    assert_eq!(fs::metadata(log.with_extension("log.old")).unwrap().len(), 9_000_000);
    installation.simulator.assert_clean();
}
