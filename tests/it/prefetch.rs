//! `photosfs prefetch`, through the running mount and beside it; programs that get only what is here; a limited line.

use std::fs;
use std::time::{Duration, Instant};

use icloud_simulator::Options;
use icloud_simulator::fault::{Effect, Failure, Fault};

use crate::installation::{Installation, said, tool_output};

/// A folder of the library and the bytes of the originals in it.
fn month(installation: &Installation) -> (String, u64) {
    let files = installation.files();
    let path = files.keys().find(|path| path.starts_with("Years/")).unwrap();
    let month = path.rsplit_once('/').unwrap().0.to_owned();
    let own = files.iter().filter(|(path, _)| path.starts_with(&format!("{month}/")));
    let unique: std::collections::BTreeMap<_, _> = own.map(|(_, file)| (file.sha1.clone(), file.size)).collect();
    (month, unique.values().sum())
}

fn kept(installation: &Installation) -> u64 {
    let whole = walkdir::WalkDir::new(installation.originals()).into_iter().filter_map(|entry| {
        let entry = entry.unwrap();
        let is_whole = entry.file_type().is_file() && entry.path().extension().is_none();
        is_whole.then(|| entry.metadata().unwrap().len())
    });
    whole.sum()
}

#[test]
fn a_folder_is_fetched_by_itself_and_through_the_mount() {
    for mounted in [false, true] {
        let installation = Installation::new(Options { assets: Some(120), ..Options::default() });
        installation.run(&["sync"]);
        let (month, bytes) = month(&installation);
        let path = match mounted {
            true => {
                installation.mount();
                installation.point().join(&month).display().to_string()
            }
            false => month.clone(),
        };
        let text = installation.run(&["prefetch", &path]);
        assert!(text.contains(" fetched ("), "{text}");
        assert!(kept(&installation) >= bytes, "{} of {bytes}", kept(&installation));
        let before = installation.downloads();
        let again = installation.run(&["prefetch", &path]);
        assert!(again.starts_with("0 fetched"), "{again}");
        assert_eq!(installation.downloads(), before);
        if !mounted {
            installation.run(&["mount", "--background", "--offline", installation.point().to_str().unwrap()]);
        }
        let truth = installation.files();
        for (path, file) in truth.iter().filter(|(path, _)| path.starts_with(&format!("{month}/"))) {
            let bytes = fs::read(installation.point().join(path)).unwrap();
            assert_eq!(hex(&bytes), file.sha1, "{path}");
        }
        installation.simulator.assert_clean();
    }
}

fn hex(bytes: &[u8]) -> String {
    use sha1::{Digest, Sha1};
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_fails_is_named_and_a_second_run_goes_on() {
    let installation = Installation::new(Options { assets: Some(40), ..Options::default() });
    installation.run(&["sync"]);
    installation.simulator.fault(Fault::every("download", Effect::Fail(Failure::bare(404))));
    let output = installation.output(&["prefetch", "Years"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("Years/") && text.contains("originals could not be fetched"), "{text}");
    let unknown = installation.output(&["prefetch", "Years/1066"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("is not in the library"));
    let below = installation.point().join("Years");
    let elsewhere = installation.output(&["prefetch", below.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&elsewhere.stderr).into_owned();
    assert!(
        text.contains(&format!("photosfs: {} is not", below.display())) && text.contains("nothing is mounted"),
        "{text}"
    );
    let small = installation.output(&["prefetch", "--cache-size", "1k", "Years"]);
    assert!(String::from_utf8_lossy(&small.stderr).contains("the cache keeps"));
    let full = installation.output(&["prefetch", "--keep-free", "1000000T", "Years"]);
    assert_eq!(full.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&full.stderr).contains("the disk has"), "{full:?}");
    assert_eq!(kept(&installation), 0);
}

#[test]
fn a_named_program_gets_only_what_is_in_the_cache() {
    let installation = Installation::new(Options { assets: Some(20), ..Options::default() });
    installation.run(&["mount", "--background", "--cached-only", "head,cat", installation.point().to_str().unwrap()]);
    let path = installation.files().into_keys().find(|path| path.starts_with("Years/")).unwrap();
    let path = installation.point().join(path);
    let refused = tool_output("cat", &[&path]);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Permission denied"));
    assert_eq!(installation.downloads(), 0);
    let bytes = fs::read(&path).unwrap();
    let output = tool_output("cat", &[&path]);
    said("cat", &output);
    assert!(output.stdout == bytes);
    installation.simulator.assert_clean();
}

#[test]
fn a_limited_line_is_not_exceeded() {
    let installation = Installation::new(Options { assets: Some(60), ..Options::default() });
    installation.run(&["sync"]);
    let begun = Instant::now();
    installation.run(&["prefetch", "--bandwidth", "100k", "Years"]);
    let (took, bytes) = (begun.elapsed(), kept(&installation));
    assert!(bytes > 200_000, "{bytes}");
    let least = Duration::from_secs_f64(bytes as f64 / 1e5 * 0.9).saturating_sub(Duration::from_millis(200));
    assert!(took >= least, "{bytes} bytes in {took:?}");
}
