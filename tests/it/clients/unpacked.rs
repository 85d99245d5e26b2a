use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

use super::dialogue::Dialogue;
use super::stage::Stage;

/// What the program's launcher says to the process that runs from the unpacked files.
const HOME_OF_UNPACKED: &str = "_PYI_APPLICATION_HOME_DIR";

/// icloudpd is one file that unpacks its own Python at every start, and with it a list of certificate authorities that
/// some of its requests look at and no setting replaces (protocol/auth.md §9); Python reads it long before the first
/// prompt. So the program is started once and killed where it asks for the password, before it has said a word to
/// anybody: what it has unpacked stays, the stage's authority joins the list, and every later start runs from there.
pub struct Unpacked {
    folder: PathBuf,
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Unpacked {
    pub async fn new(stage: &Stage) -> Self {
        let mut command = stage.client("icloudpd");
        command.args(["--username", "nobody", "--password-provider", "console", "--directory"]).arg(stage.home());
        own_session(&mut command);
        let mut dialogue = Dialogue::start(command);
        dialogue.wait_for("iCloud Password").await;
        let unpacked = Self::find(&stage.scratch());
        killpg(Pid::from_raw(dialogue.id() as i32), Signal::SIGKILL).expect("its own session ends");
        trust(&stage.scratch(), &stage.authority.trusted);
        unpacked
    }

    /// Starts what has been unpacked. It has no terminal, and so asks on its standard streams.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).env_clear().envs(self.environment.iter().cloned()).kill_on_drop(true);
        own_session(&mut command);
        command
    }

    /// The one process that runs from files unpacked into that folder and has been told where they are.
    fn find(folder: &Path) -> Self {
        let processes = fs::read_dir("/proc").expect("/proc").map(|entry| entry.unwrap().path());
        let found = processes.filter_map(|process| {
            let program = fs::read_link(process.join("exe")).ok().filter(|program| program.starts_with(folder))?;
            let environment = environment(&fs::read(process.join("environ")).ok()?);
            environment.iter().any(|(name, _)| name == HOME_OF_UNPACKED).then_some(Self {
                folder: folder.to_owned(),
                program,
                environment,
            })
        });
        let found: Vec<_> = found.collect();
        let [unpacked] = found.try_into().unwrap_or_else(|found: Vec<_>| panic!("{} processes run there", found.len()));
        unpacked
    }
}

/// Without a controlling terminal of its own it would ask on the terminal of whoever runs the tests.
fn own_session(command: &mut Command) {
    // SAFETY: setsid is async-signal-safe, and nothing else happens between fork and exec.
    unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(Into::into)) };
}

fn environment(block: &[u8]) -> Vec<(OsString, OsString)> {
    let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let variables = block.split(|byte| *byte == 0);
    variables
        .filter_map(|line| line.iter().position(|byte| *byte == b'=').map(|at| (os(&line[..at]), os(&line[at + 1..]))))
        .collect()
}

/// Adds an authority to the unpacked list.
fn trust(folder: &Path, authority: &Path) {
    let unpacked = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().join("certifi/cacert.pem"));
    let lists: Vec<_> = unpacked.filter(|list| list.exists()).collect();
    assert_eq!(lists.len(), 1, "one list of authorities has been unpacked: {lists:?}");
    let mut list = OpenOptions::new().append(true).open(&lists[0]).expect("the list of authorities");
    list.write_all(&fs::read(authority).unwrap()).expect("the list of authorities");
}
