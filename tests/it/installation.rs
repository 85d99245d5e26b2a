//! The program as a person has it: the binary with a configuration, a state and a cache of its own, signed in to a
//! simulated account by `photosfs login`. Needs /dev/fuse and root to mount; without them the tests that use it fail.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use icloud_simulator::{Options, Simulator};
use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use photosfs::index::{Index, NodeKind, ROOT};
use tempfile::TempDir;

const PASSWORD: &str = "demo-library-2026";

pub struct Installation {
    pub simulator: Simulator,
    folder: TempDir,
}

/// What a file of the tree must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub ino: u64,
    pub size: u64,
    /// Plain SHA-1 from the simulator's own model, in hex.
    pub sha1: String,
}

/// Every file of the tree by its path below the mount point, made-up files left out.
pub type Files = BTreeMap<String, Expected>;

/// Size and SHA-1 of files of the cloud, by asset and checksum.
pub type Known = BTreeMap<(String, String), (u64, String)>;

impl Installation {
    /// Signed in; nothing listed, nothing mounted.
    pub fn new(options: Options) -> Installation {
        let installation = Installation::signed_out(options);
        assert_eq!(installation.output(&["login"]).status.code(), Some(3), "a code is asked for");
        installation.run(&["login", "--code", &installation.simulator.device_code()]);
        installation
    }

    /// Configured, and no more.
    pub fn signed_out(options: Options) -> Installation {
        let simulator = Simulator::start(options).unwrap();
        let installation = Installation { simulator, folder: tempfile::tempdir().unwrap() };
        private_file(&installation.path("password"), PASSWORD);
        private_file(&installation.path("config.toml"), &installation.config_text());
        fs::create_dir(installation.point()).unwrap();
        installation
    }

    /// A library of this many made-up photos, mounted.
    pub fn mounted(assets: usize) -> Installation {
        let installation = Installation::new(Options { assets: Some(assets), ..Options::default() });
        installation.mount();
        installation
    }

    /// Rounds come only at the start of a mount and by `photosfs sync`, so that a test knows which calls are struck. A call
    /// that fails is tried as often as with Apple, without the pauses.
    fn config_text(&self) -> String {
        format!(
            "apple_id = 'demo@example.invalid'\npassword_file = '{0}/password'\nstate_dir = '{0}/state'\n\
             cache_dir = '{0}/cache'\nkeep_free = '1M'\npoll = '24h'\n[endpoints]\nauth = '{1}'\nsetup = '{2}'\nfirst_wait = '10ms'\n",
            self.folder.path().display(),
            self.simulator.idmsa_url(),
            self.simulator.setup_url(),
        )
    }

    /// A place in the installation's own folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn point(&self) -> PathBuf {
        self.path("mnt")
    }

    /// The account's folder of index and session.
    pub fn state(&self) -> PathBuf {
        self.path("state/demo@example.invalid")
    }

    /// The account's folder of originals.
    pub fn originals(&self) -> PathBuf {
        self.path("cache/demo@example.invalid/originals")
    }

    /// The program with this installation's configuration, and nothing of the environment's.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_photosfs"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PHOTOSFS_")) {
            command.env_remove(name);
        }
        command.env("HOME", self.folder.path()).env("RUST_BACKTRACE", "1").stdin(Stdio::null());
        if self.clock().exists() {
            command.envs(faked_clock(&self.clock()));
        }
        command.arg("--config").arg(self.path("config.toml")).args(arguments);
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; gives what it says.
    pub fn run(&self, arguments: &[&str]) -> String {
        said(&format!("photosfs {}", arguments.join(" ")), &self.output(arguments))
    }

    pub fn mount(&self) {
        self.run(&["mount", "--background", self.point().to_str().unwrap()]);
    }

    /// Unmounts, and waits until the process has gone.
    pub fn unmount(&self) {
        let process = self.process().expect("a process serves the mount");
        self.run(&["unmount", self.point().to_str().unwrap()]);
        eventually("the process ends after the unmount", || !self.is_ours(process));
    }

    pub fn remount(&self) {
        self.unmount();
        self.mount();
    }

    /// SIGKILL to the process that serves the mount: the mount stays behind and answers nobody.
    pub fn kill(&self) {
        let process = self.process().expect("a process serves the mount");
        kill(process, Signal::SIGKILL).unwrap();
        eventually("the process is dead", || !self.is_ours(process));
    }

    /// `umount -l`: the mount goes from the tree, and its process when the last file is closed.
    pub fn detach(&self) {
        umount2(&self.point(), MntFlags::MNT_DETACH).unwrap();
    }

    /// Sets the machine's clock, for processes started since the first call: off by so much, such as `+3d`. As on a real
    /// machine, only the time of day jumps.
    pub fn set_clock(&self, off: &str) {
        fs::write(self.path("clock.new"), off).unwrap();
        fs::rename(self.path("clock.new"), self.clock()).unwrap();
    }

    fn clock(&self) -> PathBuf {
        self.path("clock")
    }

    /// Asks for changes now.
    pub fn sync(&self) -> Output {
        self.output(&["sync"])
    }

    /// The process that serves the mount.
    pub fn process(&self) -> Option<Pid> {
        let note = fs::read(self.state().join("mount.json")).ok()?;
        let note: serde_json::Value = serde_json::from_slice(&note).ok()?;
        let process = Pid::from_raw(i32::try_from(note["pid"].as_i64()?).ok()?);
        self.is_ours(process).then_some(process)
    }

    /// Whether a process lives and was started with this installation's configuration.
    fn is_ours(&self, process: Pid) -> bool {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(self.folder.path().to_str().unwrap())
    }

    /// Bytes that the serving process has read, from files and from the kernel: reads that reach it are among them.
    pub fn bytes_read(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/io", self.process().unwrap())).unwrap();
        text.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
    }

    /// `.photosfs/status.json`, as a program on the mount reads it.
    pub fn status(&self) -> serde_json::Value {
        // The text may be a second old.
        std::thread::sleep(Duration::from_millis(1_100));
        serde_json::from_slice(&fs::read(self.point().join(".photosfs/status.json")).unwrap()).unwrap()
    }

    pub fn index(&self) -> Index {
        Index::open_to_read(&self.state().join("index.sqlite")).unwrap()
    }

    /// What the tree must hold: its names from the index, its bytes from the simulator's model. Sidecars are left out: their
    /// bytes are the index's own.
    pub fn files(&self) -> Files {
        self.files_among(&self.known())
    }

    /// Every file that the cloud has now.
    pub fn known(&self) -> Known {
        let truth = self.simulator.cloud().truth();
        let files = truth.assets().flat_map(|asset| asset.resources.iter().map(|file| (&asset.record_name, file)));
        files.map(|(asset, file)| ((asset.clone(), file.checksum.clone()), (file.size, file.sha1.clone()))).collect()
    }

    /// What the tree must hold, of files that the cloud has or had.
    pub fn files_among(&self, known: &Known) -> Files {
        let index = self.index();
        let mut files = Files::new();
        let mut todo = vec![(ROOT, String::new())];
        while let Some((directory, path)) = todo.pop() {
            for entry in index.children(directory).unwrap() {
                let path = format!("{path}{}", entry.name);
                match index.facts(entry.node.ino).unwrap() {
                    None if entry.node.kind == NodeKind::Directory => todo.push((entry.node.ino, path + "/")),
                    None if entry.node.kind == NodeKind::Sidecar => {}
                    None => panic!("nothing is known of {path}"),
                    Some(facts) => {
                        let file = known.get(&(facts.asset, facts.checksum));
                        let (size, sha1) = file
                            .cloned()
                            .unwrap_or_else(|| panic!("{path} stands for something that the cloud does not have"));
                        files.insert(path, Expected { ino: entry.node.ino, size, sha1 });
                    }
                }
            }
        }
        files
    }

    pub fn downloads(&self) -> u64 {
        self.simulator.requests("download")
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let process = self.process();
        // Not mounted is as good; a mount that a test left below another is not ours to find.
        let _ = umount2(&self.point(), MntFlags::MNT_DETACH);
        let Some(process) = process else { return };
        let until = Instant::now() + Duration::from_secs(8);
        while self.is_ours(process) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        if self.is_ours(process) {
            let _ = kill(process, Signal::SIGKILL);
        }
    }
}

/// The environment in which libfaketime tells the time by a file, which it reads at every call.
fn faked_clock(file: &Path) -> [(&'static str, String); 5] {
    static LIBRARY: OnceLock<String> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let said = tool("faketime", &[&"-m", &"-f", &"+0", &"env"]);
        said.lines().find_map(|line| line.strip_prefix("LD_PRELOAD=")).expect("a library to load").to_owned()
    });
    let yes = || "1".to_owned();
    [
        ("LD_PRELOAD", library.clone()),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_NO_CACHE", yes()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", yes()),
        ("NO_FAKE_STAT", yes()),
    ]
}

fn private_file(path: &Path, text: &str) {
    let file = fs::File::options().write(true).create_new(true).mode(0o600).open(path);
    std::io::Write::write_all(&mut file.unwrap(), text.as_bytes()).unwrap();
}

/// What a tool said on standard output; it must have succeeded.
pub fn said(name: &str, output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{name}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Runs a tool that must succeed; gives what it says.
pub fn tool(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> String {
    said(program, &tool_output(program, arguments))
}

/// Runs a tool, however it ends.
pub fn tool_output(program: &str, arguments: &[&dyn AsRef<OsStr>]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|argument| argument.as_ref())).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command.output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
