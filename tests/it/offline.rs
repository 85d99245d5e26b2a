//! A machine that is started without a network, or without a session: what is on the disk is served at once, what is not is
//! refused at open, and all is well again when somebody answers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
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

/// What is on the disk is right, and the rest fails with EIO, at open once it is known that it must.
fn assert_served_from_disk(installation: &Installation, here: &Files, there: &Files) {
    assert_right(installation, here);
    let (path, _) = there.first_key_value().unwrap();
    // Whoever opens it before that waits for an answer, and gets an error and no byte.
    if let Ok(mut file) = File::open(installation.point().join(path)) {
        let mut bytes = Vec::new();
        let error = file.read_to_end(&mut bytes).unwrap_err();
        assert_eq!((error.raw_os_error(), bytes.len()), (Some(Errno::EIO as i32), 0), "{path}");
    }
    at_last("all are refused at open", || there.keys().all(|path| refused(installation, path)));
    for (path, file) in there {
        assert_eq!(installation.point().join(path).metadata().unwrap().len(), file.size);
    }
    assert_right(installation, here);
}

/// Reads a file by mapping it into memory, as some tools do: an error while it reads is a signal.
fn map(installation: &Installation, path: &str) -> std::process::Output {
    let script = "import mmap, sys\nwith open(sys.argv[1], 'rb') as f:\n m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)\n sys.stdout.buffer.write(m[:])";
    tool_output("python3", &[&"-c", &script, &installation.point().join(path)])
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
    let mapped = map(&installation, there.keys().next().unwrap());
    assert_eq!((mapped.status.signal(), mapped.status.code()), (None, Some(1)), "{mapped:?}");
    assert!(String::from_utf8_lossy(&mapped.stderr).contains("Input/output error"), "{mapped:?}");
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
    assert_eq!(installation.output(&["login"]).status.code(), Some(3), "a code is asked for");
    installation.run(&["login", "--code", &installation.simulator.device_code()]);
    at_last("it comes back by itself", || !refused(&installation, there.keys().next().unwrap()));
    assert_right(&installation, &there);
    installation.simulator.assert_clean();
}
