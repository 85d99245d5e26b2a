//! No secret leaves the session file and the headers it belongs in: not into logs at their loudest, not into state or
//! cache, not into arguments or environment (protocol/auth.md §7).

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::{Output, Stdio};

use icloud_simulator::Options;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use walkdir::WalkDir;

use crate::installation::{Installation, eventually, tool, tool_output};

/// Texts that must not be found, by what they are.
type Secrets = BTreeMap<String, Vec<u8>>;

const CODE: &str = "731905";
const WRONG_CODE: &str = "846217";
const WRONG_PASSWORD: &str = "not-the-password-7f3a";

/// Runs the program at its loudest, and keeps what it says.
struct Loud<'a> {
    installation: &'a Installation,
    said: Vec<(String, Output)>,
}

impl Loud<'_> {
    fn run(&mut self, arguments: &[&str]) -> i32 {
        self.run_with(arguments, &[])
    }

    fn run_with(&mut self, arguments: &[&str], environment: &[(&str, &str)]) -> i32 {
        let mut command = self.installation.command(arguments);
        let output = command.envs(environment.iter().copied()).env("PHOTOSFS_LOG", "trace").output().unwrap();
        let code = output.status.code().unwrap();
        self.said.push((arguments.join(" "), output));
        code
    }

    /// By a wrong password, then the right one and a wrong code, then the right code.
    fn sign_in(&mut self) {
        let wrong = self.installation.path("wrong");
        fs::write(&wrong, WRONG_PASSWORD).unwrap();
        fs::set_permissions(&wrong, PermissionsExt::from_mode(0o600)).unwrap();
        let peek = peeking_password_command(self.installation);
        assert_eq!(self.run(&["login", "--password-file", wrong.to_str().unwrap()]), 4);
        assert_eq!(self.run_with(&["login"], &[("PHOTOSFS_PASSWORD_COMMAND", &peek)]), 3);
        assert_eq!(self.run(&["login", "--code", WRONG_CODE]), 4);
        assert_eq!(self.run(&["login", "--code", CODE]), 0);
    }

    /// Has the session renewed by a running mount, in both ways.
    fn renew(&mut self) {
        self.installation.simulator.expire_cookies();
        assert_eq!(self.run(&["sync"]), 0, "the session is renewed");
        self.installation.simulator.expire_sessions();
        assert_eq!(self.run(&["sync"]), 0, "with the password");
    }

    /// Writes down what was said, and the names of all files.
    fn take_down(&self, folder: &Path) {
        for (n, (what, output)) in self.said.iter().enumerate() {
            let text = [what.as_bytes(), &output.stdout, &output.stderr].join(&b'\n');
            // The one place where a person hands over a secret as an argument; it is good for this one sign-in.
            let text = if what.starts_with("login --code") { text[what.len()..].to_vec() } else { text };
            fs::write(folder.join(n.to_string()), text).unwrap();
        }
        let all = WalkDir::new(self.installation.path("")).into_iter();
        let names: Vec<String> = all.map(|entry| entry.unwrap().path().display().to_string()).collect();
        assert!(names.len() > 100, "index, log, originals and their copies");
        fs::write(folder.join("names"), names.join("\n")).unwrap();
    }
}

#[test]
fn no_secret_is_found_outside_the_session_file() {
    let installation =
        Installation::signed_out(Options { assets: Some(40), code: Some(CODE.into()), ..Options::default() });
    let mut loud = Loud { installation: &installation, said: Vec::new() };
    loud.sign_in();
    // What is said after the mount has left the terminal goes to its log.
    let point = installation.point();
    assert_eq!(loud.run(&["mount", "--background", point.to_str().unwrap()]), 0);
    let copy = installation.path("copy");
    tool("rsync", &[&"-aH", &format!("{}/", point.display()), &copy]);
    loud.renew();
    let process = installation.process().unwrap().as_raw();
    assert!(times_in_memory(process, b"demo@example.invalid") > 0, "the memory can be searched");
    assert_eq!(times_in_memory(process, b"demo-library-2026"), 0, "the password is wiped once it is used");
    let folder = installation.path("said");
    fs::create_dir(&folder).unwrap();
    take_down_process(process.unsigned_abs(), &folder, "mount");
    installation.simulator.assert_clean();
    let verify = ["verify", copy.to_str().unwrap()];
    for arguments in [&verify[..], &["status"], &["status", "--json"], &["doctor"]] {
        loud.run(arguments);
    }
    installation.unmount();
    // Nothing is mounted: this one asks by itself, and must renew the session.
    installation.simulator.expire_cookies();
    for arguments in [&["sync"][..], &verify, &["status"], &["changes"]] {
        take_down_command(&installation, arguments, &folder);
    }
    loud.take_down(&folder);
    assert!(fs::read(installation.path("peeked")).unwrap().len() > 200, "something was seen of the short-lived ones");
    assert_found_in_the_session_alone(&installation);
}

/// The search can find what is there: the session file holds tokens, and only it does.
fn assert_found_in_the_session_alone(installation: &Installation) {
    let secrets = secrets(installation);
    assert!(secrets.len() > 12, "{:?}", secrets.keys());
    let session = installation.state().join("session.json");
    assert_private(&installation.state());
    assert!(found_in(&session, &secrets).len() >= 3);
    for theirs in [session, installation.path("password"), installation.path("wrong")] {
        fs::remove_file(theirs).unwrap();
    }
    assert_eq!(found_in(&installation.path(""), &secrets), Vec::<String>::new());
    let log = fs::read_to_string(installation.state().join("mount.log")).unwrap();
    assert!(log.contains("TRACE") && log.contains("photosfs"), "the log is a loud one");
}

/// A command that gives the password, and takes down what others on the machine see of the process that asks for it.
fn peeking_password_command(installation: &Installation) -> String {
    format!(
        "{{ cat /proc/$PPID/cmdline /proc/$PPID/environ; env; }} >>'{}'; cat '{}'",
        installation.path("peeked").display(),
        installation.path("password").display()
    )
}

/// How often bytes are found in what a process may write to.
fn times_in_memory(process: i32, wanted: &[u8]) -> usize {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let writable = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|may| may.starts_with("rw")));
    writable.map(|line| times_in(&memory, line.split(' ').next().unwrap(), wanted)).sum()
}

fn times_in(memory: &fs::File, range: &str, wanted: &[u8]) -> usize {
    let (start, end) = range.split_once('-').unwrap();
    let address = |text| u64::from_str_radix(text, 16).unwrap();
    let (mut at, end, mut found) = (address(start), address(end), 0);
    // In pieces that overlap; what is mapped and cannot be read is a device's.
    let mut piece = vec![0; 1 << 20];
    while at < end {
        let length = piece.len().min(usize::try_from(end - at).unwrap());
        let Ok(count) = memory.read_at(&mut piece[..length], at) else { break };
        if count == 0 {
            break;
        }
        found += piece[..count].windows(wanted.len()).filter(|window| *window == wanted).count();
        let overlap = if (count as u64) < end - at { wanted.len() - 1 } else { 0 };
        at += (count - overlap.min(count - 1)) as u64;
    }
    found
}

/// Everything the simulator gave out, the passwords and the codes.
fn secrets(installation: &Installation) -> Secrets {
    let mut secrets: Secrets = installation
        .simulator
        .secrets_issued()
        .into_iter()
        .enumerate()
        .map(|(n, (what, text))| (format!("{what} {n}"), text.into_bytes()))
        .collect();
    let own = [
        ("password", "demo-library-2026"),
        ("wrong password", WRONG_PASSWORD),
        ("code", CODE),
        ("wrong code", WRONG_CODE),
    ];
    secrets.extend(own.map(|(what, text)| (what.to_owned(), text.as_bytes().to_vec())));
    secrets
}

/// Searches every file below a folder for every secret, with grep: there are many of both. Gives what was found where.
fn found_in(folder: &Path, secrets: &Secrets) -> Vec<String> {
    let elsewhere = tempfile::tempdir().unwrap();
    let patterns = elsewhere.path().join("patterns");
    fs::write(&patterns, secrets.values().cloned().collect::<Vec<_>>().join(&b'\n')).unwrap();
    let options: [&dyn AsRef<std::ffi::OsStr>; 4] = [&"--recursive", &"--text", &"--only-matching", &"--fixed-strings"];
    let arguments = [&options[..], &[&"--file" as &dyn AsRef<std::ffi::OsStr>, &patterns, &folder]].concat();
    let output = tool_output("grep", &arguments);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| named(line, secrets))
        .collect()
}

/// A line `file:secret` of grep's, with the secret's name in its place.
fn named(line: &[u8], secrets: &Secrets) -> String {
    let (what, secret) = secrets.iter().find(|(_, secret)| line.ends_with(secret)).expect("one of them matched");
    format!("{} holds: {what}", String::from_utf8_lossy(&line[..line.len() - secret.len()]))
}

fn assert_private(state: &Path) {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&state.join("session.json")), mode(state)), (0o600, 0o700));
    assert_eq!(mode(&state.join("mount.log")), 0o600);
}

/// Runs a command that must succeed, and takes down what it says, and what others on the machine see of it meanwhile: its
/// configuration is a pipe, which it waits for.
fn take_down_command(installation: &Installation, arguments: &[&str], folder: &Path) {
    let (config, kept) = (installation.path("config.toml"), installation.path("config.kept"));
    fs::rename(&config, &kept).unwrap();
    mkfifo(&config, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let mut command = installation.command(arguments);
    command.env("PHOTOSFS_LOG", "trace").stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = command.spawn().unwrap();
    let mut pipe = None;
    eventually("it reads its configuration", || {
        pipe = fs::File::options().write(true).custom_flags(libc::O_NONBLOCK).open(&config).ok();
        pipe.is_some()
    });
    let name = arguments.join("-").replace('/', "_");
    take_down_process(running.id(), folder, &name);
    pipe.unwrap().write_all(&fs::read(&kept).unwrap()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    fs::write(folder.join(format!("{name}.said")), [output.stdout, output.stderr].concat()).unwrap();
    fs::rename(&kept, &config).unwrap();
}

/// Takes down what others on the machine can see of a process.
fn take_down_process(process: u32, folder: &Path, name: &str) {
    for file in ["cmdline", "environ"] {
        let seen = fs::read(format!("/proc/{process}/{file}")).unwrap();
        assert!(String::from_utf8_lossy(&seen).contains(if file == "cmdline" { "--config" } else { "HOME=" }));
        fs::write(folder.join(format!("{name}.{file}")), seen).unwrap();
    }
}
