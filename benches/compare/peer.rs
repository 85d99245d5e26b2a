//! The two programs, mounted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::processor;
use crate::programs::{self, Wires};

/// A program, and as whom it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum User {
    Root,
    /// photosfs without any privilege.
    Nobody,
    Rclone,
}

/// Runs what follows it without any privilege.
const AS_NOBODY: [&str; 6] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];

/// A mounted program. Dropping it ends it.
pub struct Peer {
    pub name: &'static str,
    user: User,
    /// Where its albums are.
    pub albums: PathBuf,
    point: PathBuf,
    process: Child,
}

impl Peer {
    pub fn new(user: User, folder: &Path, wires: &Wires) -> Peer {
        match user {
            User::Rclone => Peer::rclone(folder, wires),
            _ => Peer::photosfs(user, folder, wires),
        }
    }

    /// A program that runs as this one's user, and so may read its mount.
    pub fn tool(&self, name: &str) -> Command {
        if self.user != User::Nobody {
            return Command::new(name);
        }
        let mut command = Command::new(AS_NOBODY[0]);
        command.args(&AS_NOBODY[1..]).arg(name);
        command
    }

    fn photosfs(user: User, folder: &Path, wires: &Wires) -> Peer {
        let device = fs::metadata("/dev/fuse").expect("a kernel with FUSE").permissions();
        assert!(user == User::Root || device.mode() & 0o006 == 0o006, "/dev/fuse is not for everybody: chmod 0666 it");
        let home = programs::home(folder, "photosfs");
        let photosfs = programs::photosfs(&home, wires, "", if user == User::Nobody { &AS_NOBODY } else { &[] });
        let point = home.join("mnt");
        let process = photosfs(&["mount"]).arg(&point).spawn().expect("photosfs starts");
        let name = if user == User::Root { "photosfs" } else { "photosfs as a user" };
        Peer { name, user, albums: point.join("Albums"), point, process }.mounted()
    }

    fn rclone(folder: &Path, wires: &Wires) -> Peer {
        let home = programs::home(folder, "rclone");
        let rclone = programs::rclone(&home, wires);
        let point = home.join("mnt");
        let mount = ["mount", "photos:PrimarySync", point.to_str().unwrap(), "--vfs-cache-mode", "full", "--read-only"];
        let process = rclone(&mount).spawn().expect("rclone starts");
        Peer { name: "rclone", user: User::Rclone, albums: point.clone(), point, process }.mounted()
    }

    fn mounted(self) -> Peer {
        let deadline = Instant::now() + Duration::from_secs(120);
        let is_shown = || self.tool("ls").arg(&self.albums).output().is_ok_and(|output| !output.stdout.is_empty());
        while !is_shown() {
            assert!(Instant::now() < deadline, "{} does not show its albums", self.name);
            std::thread::sleep(Duration::from_millis(100));
        }
        self
    }

    /// Resident memory in MB, at its peak.
    pub fn peak_memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1000.0
    }

    /// Seconds of processor time so far.
    pub fn processor(&self) -> f64 {
        processor::seconds(self.process.id())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.point).status();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
