//! The two programs, signed in and mounted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Not the demo's: that one is taken by loopback addresses only.
pub const APPLE_ID: &str = "bench@example.invalid";
const PASSWORD: &str = "demo-library-2026";
const CODE: &str = "123456";

/// The way to the simulator under Apple's names.
pub struct Wires {
    pub authority: PathBuf,
    pub proxy: String,
}

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

pub fn rclone_program() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").join("clients-venv/bin/rclone")
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
        as_user(self.user, name.as_ref())
    }

    fn photosfs(user: User, folder: &Path, wires: &Wires) -> Peer {
        let home = home(folder, "photosfs");
        let settings = home.join("config.toml");
        let text =
            format!("apple_id = '{APPLE_ID}'\nstate_dir = '{0}/state'\ncache_dir = '{0}/cache'\n", home.display());
        fs::write(&settings, text + "keep_free = '1M'\npassword_file = '" + &secret(&home) + "'\n").unwrap();
        let photosfs = |arguments: &[&str]| {
            let mut command = program(user, Path::new(env!("CARGO_BIN_EXE_photosfs")), &home, wires);
            command.arg("--config").arg(&settings).args(arguments);
            command
        };
        if user == User::Nobody {
            assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(&home).status().unwrap().success());
        }
        // 3: a code is needed.
        assert_eq!(photosfs(&["login"]).status().unwrap().code(), Some(3), "photosfs asks for a code");
        assert!(photosfs(&["login", "--code", CODE]).status().unwrap().success(), "photosfs signs in");
        let point = home.join("mnt");
        let process = photosfs(&["mount"]).arg(&point).spawn().unwrap();
        let name = if user == User::Root { "photosfs" } else { "photosfs as a user" };
        Peer { name, user, albums: point.join("Albums"), point, process }.mounted()
    }

    fn rclone(folder: &Path, wires: &Wires) -> Peer {
        let home = home(folder, "rclone");
        let rclone = |arguments: &[&str]| {
            let mut command = program(User::Rclone, &rclone_program(), &home, wires);
            command.arg("--config").arg(home.join("rclone.conf")).arg("--cache-dir").arg(home.join("cache"));
            command.arg("--ca-cert").arg(&wires.authority).args(arguments);
            command
        };
        let (id, password) = (format!("apple_id={APPLE_ID}"), format!("password={PASSWORD}"));
        let create = ["config", "create", "photos", "iclouddrive", "service=photos", &id, &password];
        let asked = rclone(&[&create[..], &["--non-interactive", "--obscure"]].concat()).output().unwrap();
        let asked: Value = serde_json::from_slice(&asked.stdout).expect("rclone asks for a code");
        let state = asked["State"].as_str().expect("a state to go on from");
        let update = ["config", "update", "photos", "--continue", "--state", state, "--result", CODE];
        let done = rclone(&[&update[..], &["--non-interactive"]].concat()).output().unwrap();
        assert!(done.status.success(), "rclone signs in");
        let point = home.join("mnt");
        let mount = ["mount", "photos:PrimarySync", point.to_str().unwrap(), "--vfs-cache-mode", "full", "--read-only"];
        let process = rclone(&mount).spawn().unwrap();
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
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.point).status();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn home(folder: &Path, name: &str) -> PathBuf {
    let home = folder.join(name);
    fs::create_dir_all(home.join("mnt")).unwrap();
    home
}

fn secret(home: &Path) -> String {
    use std::os::unix::fs::OpenOptionsExt;
    let path = home.join("password");
    let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    std::io::Write::write_all(&mut file, PASSWORD.as_bytes()).unwrap();
    path.display().to_string()
}

/// A program that sees its own home, the simulator, and nothing of the machine's set-up.
fn program(user: User, path: &Path, home: &Path, wires: &Wires) -> Command {
    let mut command = as_user(user, path);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", home).env("LC_ALL", "C.UTF-8");
    command.env("HTTPS_PROXY", &wires.proxy).env("SSL_CERT_FILE", &wires.authority);
    command.stdin(Stdio::null());
    command
}

fn as_user(user: User, program: &Path) -> Command {
    if user != User::Nobody {
        return Command::new(program);
    }
    let mut command = Command::new(AS_NOBODY[0]);
    command.args(&AS_NOBODY[1..]).arg(program);
    command
}
