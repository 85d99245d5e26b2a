//! `photosfs doctor`: walks through everything that has to be in order, one line each.

use std::path::Path;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use nix::sys::statvfs::statvfs;
use url::Url;

use super::service::index_to_read;
use super::{Context, Failure};
use crate::account::Account;
use crate::config::Config;
use crate::http::{Http, HttpError, Method, Reply, Request};

/// Beyond this, certificates and download addresses seem to have expired, or not to be valid yet.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

/// Check everything photosfs needs and say what to do
#[derive(clap::Args)]
pub struct Args {}

/// One thing that was looked at.
struct Finding {
    what: String,
    /// What to do, if it is not in order.
    trouble: Option<String>,
}

impl Finding {
    fn good(what: impl Into<String>) -> Finding {
        Finding { what: what.into(), trouble: None }
    }

    fn bad(what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { what: what.into(), trouble: Some(advice.into()) }
    }

    fn print(&self) {
        match &self.trouble {
            None => println!("ok  {}", self.what),
            Some(advice) => println!("!!  {}\n      {advice}", self.what),
        }
    }
}

pub fn run(context: &Context, _args: Args) -> Result<ExitCode, Failure> {
    let mut sound = true;
    let mut tell = |finding: Finding| {
        sound &= finding.trouble.is_none();
        finding.print();
    };
    fuse().into_iter().for_each(&mut tell);
    match context.config() {
        Ok(config) => {
            tell(Finding::good("configuration"));
            account(&config, &mut tell)?;
            tell(disk(&config.cache, config.keep_free, "the cache"));
            tell(disk(&config.state, 1_000_000_000, "the index"));
            tell(index(&config));
        }
        Err(failure) => tell(Finding::bad(failure.reason, "mend the configuration; the rest depends on it")),
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(target_os = "linux")]
fn fuse() -> Vec<Finding> {
    let device = match std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        Ok(_) => Finding::good("/dev/fuse"),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Finding::bad(
            "there is no /dev/fuse",
            "load it: sudo modprobe fuse; in a container, pass --device /dev/fuse",
        ),
        Err(e) => Finding::bad(format!("/dev/fuse cannot be opened: {e}"), "let this user read and write /dev/fuse"),
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let helper = std::env::split_paths(&path).any(|folder| folder.join("fusermount3").is_file());
    let helper = match helper {
        true => Finding::good("fusermount3"),
        false if nix::unistd::geteuid().is_root() => Finding::good("fusermount3 is missing, and root does not need it"),
        false => Finding::bad("fusermount3 is missing", "install fuse3, for instance: sudo apt install fuse3"),
    };
    vec![device, helper]
}

#[cfg(target_os = "macos")]
fn fuse() -> Vec<Finding> {
    vec![match Path::new("/Library/Filesystems/macfuse.fs").is_dir() {
        true => Finding::good("macFUSE"),
        false => Finding::bad("macFUSE is missing", "install it from https://macfuse.github.io"),
    }]
}

/// The way to Apple, the clock, the session.
fn account(config: &Config, tell: &mut impl FnMut(Finding)) -> Result<(), Failure> {
    let runtime = super::runtime()?;
    let http = match Http::new(&config.endpoints) {
        Ok(http) => http,
        Err(error) => {
            tell(Finding::bad(error.to_string(), "install the system's certificates (ca-certificates)"));
            return Ok(());
        }
    };
    let mut replies = Vec::new();
    for service in [&config.endpoints.auth, &config.endpoints.setup] {
        let (finding, reply) = reach(service, runtime.block_on(greet(&http, service)));
        tell(finding);
        replies.extend(reply);
    }
    if let Some(theirs) = replies.iter().find_map(Reply::date) {
        tell(clock(theirs, Timestamp::now()));
    }
    tell(match Account::open(config, http) {
        Err(error) => {
            let failure = Failure::from(error);
            Finding::bad(failure.reason, failure.advice)
        }
        // Asked for only where the way is open: otherwise it would name the same trouble once more.
        Ok(account) if replies.len() == 2 => session(runtime.block_on(account.resume()).map_err(Failure::from)),
        Ok(account) => match account.status().signed_in {
            true => Finding::good("signed in, when last asked"),
            false => Finding::bad("not signed in", "sign in: photosfs login"),
        },
    });
    Ok(())
}

/// Any reply will do: it proves the name, the way there and the certificate.
async fn greet(http: &Http, service: &Url) -> Result<Reply, HttpError> {
    let mut root = service.clone();
    root.set_path("/");
    http.send(Request::new(Method::GET, root)).await
}

fn reach(service: &Url, outcome: Result<Reply, HttpError>) -> (Finding, Option<Reply>) {
    let host = service.host_str().unwrap_or_default();
    match outcome {
        Ok(reply) => (Finding::good(format!("{host} answers")), Some(reply)),
        Err(error) => {
            let advice = "check the network, the proxy (HTTPS_PROXY) and the system's certificates";
            (Finding::bad(error.to_string(), advice), None)
        }
    }
}

fn clock(theirs: Timestamp, ours: Timestamp) -> Finding {
    let skew = ours.duration_since(theirs);
    match skew.abs() <= CLOCK_TOLERANCE {
        true => Finding::good("the clock is right"),
        false => Finding::bad(
            format!("the clock is {} s {}", skew.abs().as_secs(), if skew.is_positive() { "fast" } else { "slow" }),
            "set it, for instance: sudo timedatectl set-ntp true",
        ),
    }
}

fn session(outcome: Result<(), Failure>) -> Finding {
    match outcome {
        Ok(()) => Finding::good("signed in"),
        Err(failure) => Finding::bad(failure.reason, failure.advice),
    }
}

/// Whether a folder, or the one it will be made in, has room.
fn disk(folder: &Path, needed: u64, purpose: &str) -> Finding {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match statvfs(existing) {
        Ok(disk) => {
            // Their width differs between systems.
            #[allow(clippy::unnecessary_cast)]
            let free = disk.blocks_available() as u64 * disk.fragment_size() as u64;
            let size = bytesize::ByteSize::b(free);
            match free >= needed {
                true => Finding::good(format!("{size} free for {purpose}")),
                false => Finding::bad(
                    format!("only {size} free for {purpose}, in {}", existing.display()),
                    "make room, or choose another place with --cache-dir and --state-dir",
                ),
            }
        }
        Err(e) => Finding::bad(format!("{}: {e}", existing.display()), "make that folder readable"),
    }
}

fn index(config: &Config) -> Finding {
    let shown = || Ok(index_to_read(config)?.libraries()?.iter().any(|library| library.shown));
    match shown() {
        Ok(true) => Finding::good("the library has been read"),
        Ok(false) => Finding::bad("the library has not been read yet", "mount it once: photosfs mount MOUNTPOINT"),
        Err::<_, Failure>(failure) => Finding::bad(failure.reason, failure.advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_is_told_with_its_direction() {
        let now = Timestamp::now();
        assert!(clock(now, now + SignedDuration::from_secs(60)).trouble.is_none());
        assert_eq!(clock(now, now + SignedDuration::from_secs(600)).what, "the clock is 600 s fast");
        assert_eq!(clock(now, now - SignedDuration::from_secs(600)).what, "the clock is 600 s slow");
    }

    #[test]
    fn room_is_measured_where_the_folder_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let later = folder.path().join("not/yet/there");
        assert!(disk(&later, 1, "the cache").trouble.is_none());
        assert!(disk(&later, u64::MAX, "the cache").what.contains("only"));
    }
}
