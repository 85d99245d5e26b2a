//! A machine that is started without a network, or without a session: what is on the disk is served at once, what is not is
//! refused at open, and all is well again when somebody answers.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::compared::sha1;
use crate::installation::{Expected, Files, Installation, tool_output};

/// Half a minute for a round that gives up and the pause before the next, and as much again for a loaded machine.
const DEADLINE: Duration = Duration::from_secs(120);

fn at_last(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < until, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Reads some photos, unmounts, and gives those that are on the disk then and those that are not.
fn read_some(installation: &Installation) -> (Files, Files) {
    let once: BTreeMap<String, (String, Expected)> = installation
        .files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("Years/"))
        .map(|(path, file)| (file.sha1.clone(), (path, file)))
        .collect();
    let mut there: Files = once.into_values().collect();
    let here: Files = (0..15).filter_map(|_| there.pop_first()).collect();
    assert_right(installation, &here);
    installation.unmount();
    // Reading ahead has fetched others.
    let files = walkdir::WalkDir::new(installation.originals()).into_iter().map(Result::unwrap);
    let kept: Vec<u64> = files.map(|file| file.metadata().unwrap().len()).collect();
    there.retain(|_, file| !kept.contains(&file.size));
    assert!(here.len() == 15 && there.len() > 5, "{} here, {} there", here.len(), there.len());
    (here, there)
}

fn assert_right(installation: &Installation, files: &Files) {
    for (path, file) in files {
        assert_eq!(sha1(&installation.point().join(path)), file.sha1, "{path}");
    }
}

fn refused(installation: &Installation, path: &str) -> bool {
    match File::open(installation.point().join(path)) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.raw_os_error(), Some(Errno::EIO as i32), "{path}: {error}");
            true
        }
    }
}

/// What is on the disk is right, and the rest fails with EIO, at open, from the first one on.
fn assert_served_from_disk(installation: &Installation, here: &Files, there: &Files) {
    // The very first one who opens anything, before anybody knows.
    assert_refused_to_map(installation, there.keys().next().unwrap());
    assert_right(installation, here);
    for (path, file) in there {
        assert!(refused(installation, path), "{path}");
        assert_eq!(installation.point().join(path).metadata().unwrap().len(), file.size);
    }
    assert_right(installation, here);
}

/// Reads a file by mapping it into memory, as some tools do: an error while it reads is a signal.
fn map(installation: &Installation, path: &str) -> std::process::Output {
    let script = "import mmap, sys\nwith open(sys.argv[1], 'rb') as f:\n m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)\n sys.stdout.buffer.write(m[:])";
    tool_output("python3", &[&"-c", &script, &installation.point().join(path)])
}

/// Who maps a file that cannot be had is told at open, and never by a signal.
fn assert_refused_to_map(installation: &Installation, path: &str) {
    let mapped = map(installation, path);
    assert_eq!((mapped.status.signal(), mapped.status.code()), (None, Some(1)), "{mapped:?}");
    assert!(String::from_utf8_lossy(&mapped.stderr).contains("Input/output error"), "{mapped:?}");
}

/// The same whenever it is tried: each time it may be the one that finds out whether there is somebody again.
fn assert_never_a_signal(installation: &Installation, there: &Files) {
    let until = Instant::now() + Duration::from_secs(14);
    for path in there.keys().cycle() {
        assert_refused_to_map(installation, path);
        if Instant::now() > until {
            return;
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

#[test]
fn without_a_network_it_serves_what_it_has_and_comes_back() {
    let installation = Installation::mounted(60);
    let (here, there) = read_some(&installation);
    let before = installation.files();
    installation.simulator.unplug();
    installation.mount();
    assert_eq!(installation.files(), before, "everything is listed");
    assert_served_from_disk(&installation, &here, &there);
    let (path, file) = here.first_key_value().unwrap();
    assert_eq!(map(&installation, path).stdout.len() as u64, file.size);
    assert_never_a_signal(&installation, &there);
    installation.simulator.plug_in();
    at_last("it comes back by itself", || !refused(&installation, there.keys().next().unwrap()));
    assert_right(&installation, &there);
    at_last("the status says so", || installation.status()["last_error"].is_null());
    installation.simulator.assert_clean();
}

#[test]
fn without_a_session_it_serves_what_it_has_until_somebody_signs_in() {
    let installation = Installation::mounted(60);
    let (here, there) = read_some(&installation);
    let before = installation.files();
    installation.simulator.forget_browsers();
    installation.simulator.expire_sessions();
    installation.mount();
    assert_eq!(installation.files(), before);
    assert_served_from_disk(&installation, &here, &there);
    assert_never_a_signal(&installation, &there);
    assert_eq!(installation.output(&["login"]).status.code(), Some(3), "a code is asked for");
    installation.run(&["login", "--code", &installation.simulator.device_code()]);
    at_last("it comes back by itself", || !refused(&installation, there.keys().next().unwrap()));
    assert_right(&installation, &there);
    installation.simulator.assert_clean();
}

#[test]
fn a_network_that_goes_under_a_mount_is_found_out_before_a_file_is_open() {
    let installation = Installation::mounted(60);
    let (_, there) = read_some(&installation);
    installation.mount();
    let mut paths = there.keys();
    let (first, second) = (paths.next().unwrap(), paths.next().unwrap());
    assert_eq!(map(&installation, first).stdout.len() as u64, there[first].size);
    installation.simulator.unplug();
    // As long as somebody is believed to answer because somebody just did.
    std::thread::sleep(Duration::from_secs(12));
    assert_refused_to_map(&installation, second);
    installation.simulator.plug_in();
    at_last("it comes back by itself", || !refused(&installation, second));
    assert_eq!(map(&installation, second).stdout.len() as u64, there[second].size);
    installation.simulator.assert_clean();
}
