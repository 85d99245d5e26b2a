//! The two programs: signed in, with nothing read yet, and how each is mounted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cloud::{APPLE_ID, Cloud};

const PASSWORD: &str = "demo-library-2026";
const CODE: &str = "123456";
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

pub fn rclone_program() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").join("clients-venv/bin/rclone")
}

pub fn photosfs(folder: &Path, cloud: &Cloud) -> Client {
    let home = home(folder, "photosfs");
    let settings = home.join("config.toml");
    let own = format!("apple_id = '{APPLE_ID}'\nstate_dir = '{0}/state'\ncache_dir = '{0}/cache'\n", home.display());
    let rest = format!("keep_free = '1M'\npoll = '1h'\npassword_file = '{}'\n", secret(&home));
    fs::write(&settings, own + &rest).unwrap();
    let base = program(Path::new(env!("CARGO_BIN_EXE_photosfs")), &home, cloud);
    let photosfs = move |arguments: &[&str]| {
        let mut command = base();
        command.arg("--config").arg(&settings).args(arguments);
        command
    };
    // 3: a code is needed.
    assert_eq!(photosfs(&["login"]).status().unwrap().code(), Some(3), "photosfs asks for a code");
    assert!(photosfs(&["login", "--code", CODE]).status().unwrap().success(), "photosfs signs in");
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
    let home = home(folder, "rclone");
    let base = program(&rclone_program(), &home, cloud);
    let (files, authority) = (home.clone(), cloud.authority.clone());
    let rclone = move |arguments: &[&str]| {
        let mut command = base();
        command.arg("--config").arg(files.join("rclone.conf")).arg("--cache-dir").arg(files.join("cache"));
        command.arg("--ca-cert").arg(&authority).args(arguments);
        command
    };
    let (id, password) = (format!("apple_id={APPLE_ID}"), format!("password={PASSWORD}"));
    let create = ["config", "create", "photos", "iclouddrive", "service=photos", &id, &password];
    let asked = rclone(&[&create[..], &["--non-interactive", "--obscure"]].concat()).output().unwrap();
    let asked: Value = serde_json::from_slice(&asked.stdout).expect("rclone asks for a code");
    let state = asked["State"].as_str().expect("a state to go on from").to_owned();
    let update = ["config", "update", "photos", "--continue", "--state", &state, "--result", CODE];
    let done = rclone(&[&update[..], &["--non-interactive"]].concat()).output().unwrap();
    assert!(done.status.success(), "rclone signs in");
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
        let process = (self.mount)().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
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

fn home(folder: &Path, name: &str) -> PathBuf {
    let home = folder.join(name);
    let _ = fs::remove_dir_all(&home);
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
fn program(path: &Path, home: &Path, cloud: &Cloud) -> impl Fn() -> Command + use<> {
    let (path, home, proxy, authority) =
        (path.to_owned(), home.to_owned(), cloud.proxy.clone(), cloud.authority.clone());
    move || {
        let mut command = Command::new(&path);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", &home).env("LC_ALL", "C.UTF-8");
        command.env("HTTPS_PROXY", &proxy).env("SSL_CERT_FILE", &authority);
        command.stdin(Stdio::null());
        command
    }
}
