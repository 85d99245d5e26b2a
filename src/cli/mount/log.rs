//! Where the messages of a mount in the background go: a file that is begun anew when it is large. The one before it is kept.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Bytes. A mount that has nothing to complain of writes a few lines a week.
const LARGE: u64 = 8_000_000;
/// Between two looks at the size.
const BETWEEN: Duration = Duration::from_secs(60);

/// Sends standard error to a log file, for as long as the process lives.
pub fn write_to(log: &Path) -> io::Result<()> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    begin(log)?;
    let log = log.to_owned();
    // The mount is worth more than a small log.
    if let Err(error) = thread::Builder::new().name("log".into()).spawn(move || watch(&log)) {
        tracing::warn!(%error, "the log may grow");
    }
    Ok(())
}

fn watch(log: &Path) {
    loop {
        thread::sleep(BETWEEN);
        // What somebody removed is begun anew, too: its blocks are free only when nobody writes to it.
        if (is_large(log) || !log.exists())
            && let Err(error) = begin(log)
        {
            tracing::warn!(%error, "the log is not begun anew");
        }
    }
}

fn begin(log: &Path) -> io::Result<()> {
    let file = opened(log)?;
    nix::unistd::dup2_stderr(&file)?;
    Ok(())
}

/// The file to write to; a large one is set aside.
fn opened(log: &Path) -> io::Result<File> {
    if is_large(log) {
        fs::rename(log, before(log))?;
    }
    File::options().append(true).create(true).mode(0o600).open(log)
}

fn is_large(log: &Path) -> bool {
    fs::metadata(log).is_ok_and(|file| file.len() > LARGE)
}

fn before(log: &Path) -> PathBuf {
    log.with_extension("log.old")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_large_log_is_begun_anew_and_a_small_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("mount.log");
        opened(&log).unwrap().write_all(b"one\n").unwrap();
        opened(&log).unwrap().write_all(b"two\n").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"one\ntwo\n");
        assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
        for _ in 0..2 {
            File::options().append(true).open(&log).unwrap().set_len(LARGE + 1).unwrap();
            opened(&log).unwrap().write_all(b"new\n").unwrap();
            assert_eq!(fs::read(&log).unwrap(), b"new\n");
            assert_eq!(fs::metadata(before(&log)).unwrap().len(), LARGE + 1);
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no more than one of old");
    }
}
