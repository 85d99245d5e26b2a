//! The two programs: signed in, with nothing read yet, and how each is mounted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cloud::Cloud;
use crate::programs;

/// A million photos take minutes to be read.
const PATIENCE: Duration = Duration::from_secs(900);

/// A program that is signed in.
pub struct Client {
    pub name: &'static str,
    mount: Box<dyn Fn() -> Command>,
    pub point: PathBuf,
    /// Where every photo is, by date or in one directory, and a large flat directory.
    pub photos: PathBuf,
    pub flat: PathBuf,
    /// Where a photo appears that was taken on the first of January 1970.
    pub newest: PathBuf,
}

/// A mount that answers. Dropping it ends it.
pub struct Mounted<'a> {
    client: &'a Client,
    process: Child,
}

pub fn photosfs(folder: &Path, cloud: &Cloud) -> Client {
    let home = programs::home(folder, "photosfs");
    let photosfs = programs::photosfs(&home, &cloud.wires, "poll = '1h'\n", &[]);
    let point = home.join("mnt");
    Client {
        name: "photosfs",
        photos: point.join("Years"),
        flat: point.join("Smart Albums/Not in an Album"),
        newest: point.join("Years/1970/1970-01"),
        mount: {
            let point = point.display().to_string();
            Box::new(move || photosfs(&["mount", &point]))
        },
        point,
    }
}

pub fn rclone(folder: &Path, cloud: &Cloud) -> Client {
    let home = programs::home(folder, "rclone");
    let rclone = programs::rclone(&home, &cloud.wires);
    let point = home.join("mnt");
    let path = point.display().to_string();
    let all = point.join("All Photos");
    Client {
        name: "rclone",
        photos: all.clone(),
        flat: all.clone(),
        newest: all,
        mount: Box::new(move || {
            rclone(&["mount", "photos:PrimarySync", &path, "--vfs-cache-mode", "full", "--read-only"])
        }),
        point,
    }
}

impl Client {
    /// Starts the program and waits until it answers; for photosfs from nothing, until everything is read.
    pub fn mount(&self) -> Mounted<'_> {
        let log = if std::env::var_os(programs::LOG).is_some() { Stdio::inherit() } else { Stdio::null() };
        let process = (self.mount)().stdout(Stdio::null()).stderr(log).spawn().expect("the program starts");
        let mounted = Mounted { client: self, process };
        let begun = Instant::now();
        while fs::symlink_metadata(&self.photos).is_err() {
            assert!(begun.elapsed() < PATIENCE, "{} does not mount", self.name);
            std::thread::sleep(Duration::from_millis(2));
        }
        mounted
    }
}

impl Mounted<'_> {
    /// Resident memory in MB, and its peak.
    pub fn memory(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field of status");
            line.split_whitespace().next().and_then(|kb| kb.parse::<f64>().ok()).expect("a number") / 1000.0
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Seconds of processor time so far, of the program and the system on its behalf.
    pub fn cpu(&self) -> f64 {
        cpu(self.process.id())
    }

    /// Asks for news now.
    pub fn ask_for_news(&self) {
        let pid = nix::unistd::Pid::from_raw(self.process.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP).expect("it runs");
    }
}

pub fn cpu(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let ticks = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.client.point).status();
        let _ = self.process.wait();
    }
}
