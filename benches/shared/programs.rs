//! photosfs and rclone as a person has them: each with a home of its own, signed in to the simulator under Apple's names.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Not the demo's: that one is taken by loopback addresses only.
pub const APPLE_ID: &str = "bench@example.invalid";
const PASSWORD: &str = "demo-library-2026";
const CODE: &str = "123456";
/// The one setting of the environment that photosfs is let see.
pub const LOG: &str = "PHOTOSFS_LOG";

/// The way to the simulator under Apple's names.
#[derive(Clone)]
pub struct Wires {
    pub authority: PathBuf,
    pub proxy: String,
}

/// A program that is signed in: gives the command with these arguments.
pub type Program = Box<dyn Fn(&[&str]) -> Command>;

pub fn rclone_program() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").join("clients-venv/bin/rclone")
}

/// An empty home, with a place to mount at.
pub fn home(folder: &Path, name: &str) -> PathBuf {
    let home = folder.join(name);
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(home.join("mnt")).expect("a home");
    home
}

/// photosfs in its home, with lines for its settings, run as what is written before it says.
pub fn photosfs(home: &Path, wires: &Wires, settings: &str, before: &'static [&'static str]) -> Program {
    let file = home.join("config.toml");
    let own = format!("apple_id = '{APPLE_ID}'\nstate_dir = '{0}/state'\ncache_dir = '{0}/cache'\n", home.display());
    let secret = format!("keep_free = '1M'\npassword_file = '{}'\n", secret(home));
    fs::write(&file, own + &secret + settings).expect("the settings");
    if !before.is_empty() {
        let given = Command::new("chown").args(["-R", "65534:65534"]).arg(home).status();
        assert!(given.is_ok_and(|status| status.success()), "the home is the user's");
    }
    let base = alone(before, Path::new(env!("CARGO_BIN_EXE_photosfs")), home, wires);
    let photosfs = move |arguments: &[&str]| {
        let mut command = base();
        command.arg("--config").arg(&file).args(arguments);
        command
    };
    // 3: a code is needed.
    assert_eq!(photosfs(&["login"]).status().expect("it runs").code(), Some(3), "photosfs asks for a code");
    assert!(photosfs(&["login", "--code", CODE]).status().expect("it runs").success(), "photosfs signs in");
    Box::new(photosfs)
}

pub fn rclone(home: &Path, wires: &Wires) -> Program {
    let base = alone(&[], &rclone_program(), home, wires);
    let (files, authority) = (home.to_owned(), wires.authority.clone());
    let rclone = move |arguments: &[&str]| {
        let mut command = base();
        command.arg("--config").arg(files.join("rclone.conf")).arg("--cache-dir").arg(files.join("cache"));
        command.arg("--ca-cert").arg(&authority).args(arguments);
        command
    };
    let (id, password) = (format!("apple_id={APPLE_ID}"), format!("password={PASSWORD}"));
    let create = ["config", "create", "photos", "iclouddrive", "service=photos", &id, &password];
    let asked = rclone(&[&create[..], &["--non-interactive", "--obscure"]].concat()).output().expect("it runs");
    let asked: Value = serde_json::from_slice(&asked.stdout).expect("rclone asks for a code");
    let state = asked["State"].as_str().expect("a state to go on from");
    let update = ["config", "update", "photos", "--continue", "--state", state, "--result", CODE];
    let done = rclone(&[&update[..], &["--non-interactive"]].concat()).output().expect("it runs");
    assert!(done.status.success(), "rclone signs in");
    Box::new(rclone)
}

fn secret(home: &Path) -> String {
    let path = home.join("password");
    let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&path).expect("a file");
    std::io::Write::write_all(&mut file, PASSWORD.as_bytes()).expect("a password");
    path.display().to_string()
}

/// A program that sees its own home, the simulator, and nothing of the machine's set-up.
fn alone(before: &'static [&'static str], path: &Path, home: &Path, wires: &Wires) -> impl Fn() -> Command + use<> {
    let (path, home, wires) = (path.to_owned(), home.to_owned(), wires.clone());
    move || {
        let mut words = before.iter().map(Path::new).chain([&*path]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words.map(Path::as_os_str));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", &home).env("LC_ALL", "C.UTF-8");
        command.env("HTTPS_PROXY", &wires.proxy).env("SSL_CERT_FILE", &wires.authority);
        if let Ok(filter) = std::env::var(LOG) {
            command.env(LOG, filter);
        }
        command.stdin(Stdio::null());
        command
    }
}
