//! What a crash, a bad disk or a person with `rm` can do to index, cache and mount, and what the mount shows afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use icloud_simulator::Options;
use icloud_simulator::fault::{Change, Effect, Failure, Fault};
use icloud_simulator::library::{Area, Body, NewPhoto, Resource};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use walkdir::WalkDir;

use crate::compared::{Compared, sha1};
use crate::installation::{Files, Installation, eventually, tool, tool_output};

/// A library whose copy takes some seconds: latency on every answer, several blocks in some files.
fn slow(assets: usize, body_size: u64) -> Installation {
    let options = Options { assets: Some(assets), body_size, latency: Duration::from_millis(20), ..Options::default() };
    Installation::new(options)
}

fn rsync(installation: &Installation, copy: &Path) {
    let source = format!("{}/", installation.point().display());
    tool("rsync", &[&"-aH", &"--delete-after", &source, &copy]);
}

fn names(files: &Files) -> Vec<(&str, u64)> {
    files.iter().map(|(path, file)| (path.as_str(), file.ino)).collect()
}

#[test]
fn a_kill_in_the_middle_of_a_copy_costs_no_byte() {
    let installation = slow(120, 400_000);
    installation.mount();
    let (files, copy) = (installation.files(), installation.path("copy"));
    let source = format!("{}/", installation.point().display());
    let mut copying = Command::new("rsync").args(["-aH", &source]).arg(&copy).stderr(Stdio::null()).spawn().unwrap();
    eventually("the copy is under way", || count(&copy) > 20);
    installation.kill();
    assert!(!ended(&mut copying), "rsync tells that it could not read everything");
    let half = Compared::assert_no_wrong_byte(&copy, &files);
    assert!(half.files > 0 && half.files < files.len(), "{half:?}");
    // Nobody answers at the mount point: a copy with --delete from there removes nothing.
    assert!(!tool_output("rsync", &[&"-aH", &"--delete-after", &source, &copy]).status.success());
    assert_eq!(Compared::assert_no_wrong_byte(&copy, &files).files, half.files);
    let point = installation.point();
    let mounting = installation.output(&["mount", "--background", point.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&mounting.stderr);
    assert!(mounting.status.success() && said.contains("clearing away a mount whose process has died"), "{said}");
    rsync(&installation, &copy);
    Compared::assert_whole(&copy, &files);
    assert_eq!(installation.files(), files);
    let originals = files.values().map(|file| file.ino).collect::<std::collections::BTreeSet<_>>().len() as u64;
    // What was on its way when the process was killed, 32 files at the most, is asked for twice.
    assert!(installation.downloads() <= originals + 40, "{} for {originals}", installation.downloads());
    installation.run(&["verify", copy.to_str().unwrap()]);
    installation.simulator.assert_clean();
}

/// Whether rsync ended well. With -H its parts wait for each other for ever once hard-linked files cannot be opened (3.5.0,
/// whatever its --timeout): then it is ended as a person would.
fn ended(copying: &mut Child) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while copying.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            let _ = kill(Pid::from_raw(copying.id().cast_signed()), Signal::SIGTERM);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    copying.wait().unwrap().success()
}

/// Finished files below a folder; rsync's unfinished ones have a dot in front.
fn count(copy: &Path) -> usize {
    let files = WalkDir::new(copy).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    files.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b".")).count()
}

#[test]
fn a_kill_in_the_middle_of_the_first_listing_shows_nothing_or_everything() {
    for requests in [8, 30, 60] {
        kill_once(&slow(2_500, 64), "records/query", requests);
    }
}

/// Views are counted before they are read and after, the albums once, and once their members; changes are replayed in between.
#[test]
fn a_kill_in_any_phase_of_the_first_listing_does_so_too() {
    for (endpoint, nth) in
        [("internal/records/query/batch", 2), ("changes/zone", 1), ("internal/records/query/batch", 4)]
    {
        let installation = slow(2_500, 64);
        installation.simulator.fault(Fault::nth(endpoint, nth, Effect::Delay { ms: 60_000 }));
        kill_once(&installation, endpoint, nth);
    }
}

/// An empty directory in its place would look to a backup as if everything had been deleted.
#[test]
fn a_dead_mount_stays_while_everything_is_listed_anew() {
    let installation = Installation::mounted(5);
    let files = installation.files();
    installation.kill();
    fs::remove_file(installation.state().join("index.sqlite")).unwrap();
    installation.simulator.fault(Fault::every("changes/database", Effect::Fail(Failure::bare(503))));
    let point = installation.point();
    assert!(!installation.output(&["mount", "--background", point.to_str().unwrap()]).status.success());
    assert_eq!(fs::read_dir(&point).unwrap_err().raw_os_error(), Some(nix::libc::ENOTCONN));
    installation.simulator.state().faults.clear();
    installation.mount();
    assert_right_bytes(&installation, &files);
    installation.simulator.assert_clean();
}

/// A tree without the Shared Library would look to a backup as if every photo in it had been deleted.
#[test]
fn a_mount_that_ended_between_two_libraries_is_followed_by_none_that_shows_one() {
    let installation = Installation::new(Options { assets: Some(20), ..Options::default() });
    add_ours(&installation);
    let point = installation.point();
    for _ in 0..2 {
        // The private database is asked first.
        installation.simulator.state().faults.clear();
        installation.simulator.fault(Fault::from("changes/database", 2, Effect::Fail(Failure::bare(503))));
        let mounted = installation.output(&["mount", "--background", point.to_str().unwrap()]);
        assert!(!mounted.status.success() && fs::read_dir(&point).unwrap().count() == 0, "{mounted:?}");
        assert!(installation.index().libraries().unwrap().iter().any(|state| state.shown), "one is listed");
        assert!(installation.run(&["status", "--json"]).contains("\"complete\": false"));
        assert_eq!(installation.output(&["verify", "/tmp"]).status.code(), Some(1), "a part is nothing to verify by");
    }
    installation.simulator.state().faults.clear();
    installation.mount();
    assert_everything_is_shown(&installation);
    assert!(point.join("Shared Library/Years/2023/2023-11/OURS.JPG").is_file());
    installation.simulator.assert_clean();
}

/// A photo in a Shared Library.
fn add_ours(installation: &Installation) {
    let cloud = installation.simulator.cloud();
    let shared = cloud.add_shared_library(Area::Shared);
    let original = Resource::new("public.jpeg", Body::bytes(b"ours".to_vec()));
    cloud.add_photo(shared, NewPhoto::new("OURS.JPG", original, 1_700_000_000_000));
}

/// What a walk through the mount meets: names, sizes, inodes.
fn listing(installation: &Installation) -> BTreeSet<String> {
    let format = "%P %s %i\\n";
    let listed =
        tool("find", &[&installation.point(), &"-not", &"-path", &"*/.photosfs*", &"-type", &"f", &"-printf", &format]);
    listed.lines().map(str::to_owned).collect()
}

/// No sync token is taken any more, so each mount lists everything again, and dies at another point of it.
#[test]
fn a_kill_while_everything_is_listed_again_takes_nothing_from_the_tree() {
    let installation = slow(500, 64);
    add_ours(&installation);
    installation.mount();
    let before = listing(&installation);
    let cloud = installation.simulator.cloud();
    cloud.forget_tokens();
    let added = NewPhoto::new("LATER.JPG", Resource::new("public.jpeg", Body::seeded(77, 64)), 1_700_000_000_000);
    cloud.add_photo(cloud.primary(), added);
    for (endpoint, nth) in [("records/query", 3), ("records/query", 8), ("internal/records/query/batch", 3)] {
        installation.kill();
        let asked = installation.simulator.requests(endpoint) + nth;
        installation.simulator.fault(Fault::nth(endpoint, nth, Effect::Delay { ms: 60_000 }));
        installation.mount();
        eventually("the listing is under way", || installation.simulator.requests(endpoint) >= asked);
        assert_eq!(listing(&installation), before, "{nth} of {endpoint}");
        installation.simulator.state().faults.clear();
    }
    installation.kill();
    installation.mount();
    assert!(installation.sync().status.success());
    let after = listing(&installation);
    assert!(after.is_superset(&before) && after.iter().any(|file| file.contains("/LATER.JPG ")));
    assert_everything_is_shown(&installation);
    installation.simulator.assert_clean();
}

/// Kills a mount that lists everything, once it has made so many requests, and mounts again.
fn kill_once(installation: &Installation, endpoint: &str, requests: u64) {
    let mut mounting = start_mount(installation);
    eventually("the listing is under way", || installation.simulator.requests(endpoint) >= requests);
    kill(Pid::from_raw(mounting.id().cast_signed()), Signal::SIGKILL).unwrap();
    mounting.wait().unwrap();
    // A call that went with its client before it was struck leaves the fault to the next one.
    installation.simulator.state().faults.clear();
    assert_eq!(fs::read_dir(installation.point()).unwrap().count(), 0, "nothing is mounted");
    if installation.state().join("index.sqlite").is_file() {
        let libraries = installation.index().libraries().unwrap();
        assert!(libraries.iter().all(|state| !state.shown), "killed after {requests} of {endpoint}");
        assert_eq!(installation.output(&["verify", "/tmp"]).status.code(), Some(1), "a part is nothing to verify by");
    }
    installation.mount();
    assert_everything_is_shown(installation);
    installation.simulator.assert_clean();
}

/// `photosfs mount` in the foreground, so that its process is the one to kill.
fn start_mount(installation: &Installation) -> Child {
    let point = installation.point();
    let mut command = installation.command(&["mount", point.to_str().unwrap()]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The tree has every asset of the cloud.
fn assert_everything_is_shown(installation: &Installation) {
    let shown: std::collections::BTreeSet<String> = installation.files().into_values().map(|file| file.sha1).collect();
    let truth = installation.simulator.cloud().truth();
    for asset in truth.assets() {
        assert!(shown.contains(&asset.resources[0].sha1), "{:?} is missing", asset.file_name);
    }
    assert!(installation.status()["complete"].as_bool().unwrap());
}

/// A mounted library, copied once, so that every original is in the cache.
fn cached(assets: usize) -> (Installation, Files, PathBuf) {
    let installation = Installation::mounted(assets);
    let (files, copy) = (installation.files(), installation.path("copy"));
    rsync(&installation, &copy);
    Compared::assert_whole(&copy, &files);
    (installation, files, copy)
}

/// The whole originals in the cache, in a fixed order.
fn originals(installation: &Installation) -> Vec<PathBuf> {
    let entries = WalkDir::new(installation.originals()).sort_by_file_name().into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file() && entry.path().extension().is_none());
    files.map(|entry| entry.into_path()).collect()
}

/// A copy made anew of every file, whatever rsync thinks of their times.
fn assert_right_bytes(installation: &Installation, files: &Files) {
    let again = installation.path("again");
    let _ = fs::remove_dir_all(&again);
    rsync(installation, &again);
    Compared::assert_whole(&again, files);
}

#[test]
fn damaged_cache_files_are_never_served() {
    let (installation, files, _) = cached(40);
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 6] = [
        ("one bit of it is flipped", |path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("it is cut", |path| fs::File::options().write(true).open(path).unwrap().set_len(10).unwrap()),
        ("it is empty", |path| fs::write(path, b"").unwrap()),
        ("it is longer", |path| {
            let bytes = [fs::read(path).unwrap(), b"more".to_vec()].concat();
            fs::write(path, bytes).unwrap();
        }),
        ("it is a folder", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            fs::write(path.join("file"), b"not ours").unwrap();
        }),
        ("it is another's", |path| {
            let size = fs::metadata(path).unwrap().len() as usize;
            fs::write(path, vec![0xff; size]).unwrap();
        }),
    ];
    for (what, harm) in harms {
        installation.unmount();
        let cached = originals(&installation);
        assert!(cached.len() > 30, "{what}: {} in the cache", cached.len());
        cached.iter().step_by(3).for_each(|path| harm(path));
        installation.mount();
        println!("{what}");
        assert_right_bytes(&installation, &files);
    }
    installation.simulator.assert_clean();
}

#[test]
fn claims_of_half_downloads_that_lie_are_found_out() {
    let (installation, files, _) = cached(40);
    for claim in [vec![0xff; 3_000_000], Vec::new(), vec![0xff; 9], b"garbage".to_vec()] {
        installation.unmount();
        for path in originals(&installation) {
            // A download that was broken off: the right length, no byte of it right, and a claim that it is all there.
            let size = fs::metadata(&path).unwrap().len();
            fs::remove_file(&path).unwrap();
            fs::write(path.with_extension("part"), vec![0xee; size as usize]).unwrap();
            let own = [size.to_le_bytes().to_vec(), vec![0xff]].concat();
            fs::write(path.with_extension("blocks"), if claim.len() == 9 { own } else { claim.clone() }).unwrap();
        }
        installation.mount();
        assert_right_bytes(&installation, &files);
    }
    installation.simulator.assert_clean();
}

#[test]
fn the_cache_may_be_deleted_under_a_mount() {
    let (installation, files, copy) = cached(40);
    fs::remove_dir_all(installation.originals()).unwrap();
    assert_right_bytes(&installation, &files);
    installation.remount();
    fs::remove_dir_all(installation.originals()).unwrap();
    assert_right_bytes(&installation, &files);
    rsync(&installation, &copy);
    Compared::assert_whole(&copy, &files);
    assert_eq!(installation.files(), files);
    installation.simulator.assert_clean();
}

#[test]
fn a_lost_index_comes_back_the_same() {
    let installation = Installation::new(Options::default());
    installation.mount();
    let files = installation.files();
    let stat = || {
        tool(
            "find",
            &[&installation.point(), &"-not", &"-path", &"*/.photosfs*", &"-printf", &"%p %i %n %s %T@ %C@\\n"],
        )
    };
    let before = stat();
    installation.unmount();
    for file in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let _ = fs::remove_file(installation.state().join(file));
    }
    installation.mount();
    assert_eq!(names(&installation.files()), names(&files));
    let after = stat();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&after), sorted(&before), "inodes, links, sizes and all times");
    installation.simulator.assert_clean();
}

/// What may become of an index on a disk.
fn damaged(good: &[u8]) -> [(&'static str, Vec<u8>); 6] {
    let mut holes = good.to_vec();
    holes[4096..].chunks_mut(4096).step_by(2).for_each(|page| page.fill(0xa5));
    let mut head = good.to_vec();
    head[..100].fill(0);
    [
        ("garbage", (0..good.len()).map(|at| (at * 131 + 7) as u8).collect()),
        ("every second page lost", holes),
        ("its head lost", head),
        ("cut in half", good[..good.len() / 8192 * 4096].to_vec()),
        ("cut within its first page", good[..1000].to_vec()),
        ("empty", Vec::new()),
    ]
}

#[test]
fn a_damaged_index_is_an_error_or_made_anew_but_never_an_empty_tree() {
    let (installation, files, copy) = cached(150);
    let index = installation.state().join("index.sqlite");
    installation.unmount();
    bring_in_the_log(&index);
    let good = fs::read(&index).unwrap();
    assert!(good.len() > 400_000, "{} bytes", good.len());
    for (what, bytes) in damaged(&good) {
        for other in ["index.sqlite-wal", "index.sqlite-shm"] {
            let _ = fs::remove_file(installation.state().join(other));
        }
        fs::write(&index, &bytes).unwrap();
        let point = installation.point();
        let output = installation.output(&["mount", "--background", point.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{what}: {} {said}", output.status);
        match output.status.success() {
            true => {
                // Whatever it shows, a copy loses nothing by it.
                let source = format!("{}/", point.display());
                let copied = tool_output("rsync", &[&"-aH", &"--delete-after", &source, &copy]);
                println!("{what}: rsync {}", copied.status);
                let compared = Compared::assert_no_wrong_byte(&copy, &files);
                assert_eq!(compared.missing, Vec::<String>::new(), "{what}");
                installation.unmount();
            }
            false => {
                assert_eq!(output.status.code(), Some(1), "{what}: {said}");
                assert!(said.contains("index"), "{what}: {said}");
                assert_eq!(fs::read_dir(&point).unwrap().count(), 0, "{what}: nothing is mounted");
            }
        }
    }
    let _ = fs::remove_file(&index);
    installation.mount();
    assert_eq!(installation.files(), files);
    assert_eq!(sha1(&copy.join(files.keys().next().unwrap())), files.values().next().unwrap().sha1);
}

/// What is in the write-ahead log goes to the file.
fn bring_in_the_log(index: &Path) {
    let connection = rusqlite::Connection::open(index).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// Has the disk lose rows of a directory, while nobody serves: read by itself it is short, and no error tells so.
pub fn lose_rows(installation: &Installation, files: &Files) {
    let index = installation.state().join("index.sqlite");
    bring_in_the_log(&index);
    let mut bytes = fs::read(&index).unwrap();
    let row = files.keys().find_map(|path| {
        let name = path.rsplit('/').next().unwrap();
        let row = format!("{}{name}", name.to_lowercase()).into_bytes();
        bytes.windows(row.len()).position(|bytes| bytes == row)
    });
    let sector = row.unwrap() / 512 * 512;
    bytes[sector..sector + 512].fill(0);
    fs::write(&index, &bytes).unwrap();
}

/// Whether nothing can be listed, as it is while an index that was damaged is listed anew.
fn lists_nothing(installation: &Installation) -> bool {
    let directories = [installation.point(), installation.point().join("Years"), installation.point().join("Albums")];
    directories.iter().all(|directory| fs::read_dir(directory).is_err_and(|e| e.raw_os_error() == Some(libc::EIO)))
}

/// Has iCloud say that its lists are not ready: a listing waits, until the faults are cleared.
fn hold_listings(installation: &Installation) {
    installation.simulator.fault(Fault::every("records/query", Effect::Answer(Change::Indexing(40))));
}

#[test]
fn what_the_disk_lost_while_nobody_served_is_shown_to_nobody_and_comes_back_by_itself() {
    let (installation, files, copy) = cached(150);
    let held_open = fs::File::open(installation.point().join(files.keys().next().unwrap())).unwrap();
    drop(held_open);
    installation.unmount();
    lose_rows(&installation, &files);
    hold_listings(&installation);
    installation.mount();
    let point = installation.point();
    eventually("nothing is listed any more", || lists_nothing(&installation));
    let ready = installation.output(&["ready", point.to_str().unwrap()]);
    assert!(!ready.status.success(), "no backup is made now");
    assert!(String::from_utf8_lossy(&ready.stderr).contains("damaged"), "{ready:?}");
    eventually("it is being listed anew", || {
        told_damage(&installation).is_some_and(|said| said.contains("being listed anew"))
    });
    assert!(installation.run(&["status"]).contains("the index was damaged"));
    assert_eq!(installation.status()["complete"], false);
    let source = format!("{}/", point.display());
    let copying = || tool_output("rsync", &[&"-aH", &"--delete-after", &source, &copy]).status.success();
    assert!(!copying() && lists_nothing(&installation));
    assert_eq!(
        Compared::assert_no_wrong_byte(&copy, &files).missing,
        Vec::<String>::new(),
        "a copy loses nothing by it"
    );
    installation.simulator.state().faults.clear();
    eventually("a copy is made", || {
        let copied = copying();
        assert_eq!(Compared::assert_no_wrong_byte(&copy, &files).missing, Vec::<String>::new(), "copied: {copied}");
        copied
    });
    assert!(shown(&installation).iter().eq(files.keys()), "it was made anew");
    assert_eq!(installation.files(), files);
    assert_eq!((told_damage(&installation), installation.status()["complete"].as_bool()), (None, Some(true)));
    installation.run(&["ready", point.to_str().unwrap()]);
    assert_right_bytes(&installation, &files);
    installation.simulator.assert_clean();
}

fn told_damage(installation: &Installation) -> Option<String> {
    let said = installation.run(&["status", "--json"]);
    serde_json::from_str::<serde_json::Value>(&said).unwrap()["index_damage"].as_str().map(str::to_owned)
}

#[test]
fn a_kill_while_a_damaged_index_is_listed_anew_costs_nothing() {
    let (installation, files, copy) = cached(150);
    for (endpoint, nth) in
        [("changes/database", 1), ("records/query", 2), ("internal/records/query/batch", 2), ("changes/zone", 1)]
    {
        installation.unmount();
        lose_rows(&installation, &files);
        let before = installation.simulator.requests(endpoint);
        // The first round of a mount asks for changes; the second one lists.
        installation.simulator.fault(Fault::from(endpoint, nth, Effect::Delay { ms: 60_000 }));
        installation.mount();
        eventually("the listing is under way", || installation.simulator.requests(endpoint) >= before + nth);
        eventually("nothing is listed any more", || lists_nothing(&installation));
        installation.kill();
        installation.simulator.state().faults.clear();
        assert!(
            !tool_output("rsync", &[&"-aH", &"--delete-after", &format!("{}/", installation.point().display()), &copy])
                .status
                .success()
        );
        installation.mount();
        eventually("everything is shown again", || installation.status()["complete"] == true);
        rsync(&installation, &copy);
        Compared::assert_whole(&copy, &files);
        assert_eq!(installation.files(), files, "{endpoint}");
    }
    installation.simulator.assert_clean();
}

/// Spoils a page of the index, and leaves it as `ready` does that has found damage.
pub fn spoil_while_it_serves(installation: &Installation) {
    let index = installation.state().join("index.sqlite");
    bring_in_the_log(&index);
    fs::write(installation.state().join("index.sqlite-suspect"), "").unwrap();
    let mut bytes = fs::read(&index).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(&index, bytes).unwrap();
}

#[test]
fn what_another_process_finds_damaged_is_mended_by_the_mount() {
    let (installation, files, _) = cached(60);
    spoil_while_it_serves(&installation);
    installation.run(&["sync"]);
    assert!(shown(&installation).iter().eq(files.keys()));
    assert_eq!(installation.files(), files);
    let set_aside = |name: &std::ffi::OsStr| name.to_string_lossy().contains(".damaged-");
    assert!(fs::read_dir(installation.state()).unwrap().any(|entry| set_aside(&entry.unwrap().file_name())));
    installation.simulator.assert_clean();
}

#[test]
fn a_full_disk_is_told_and_costs_nothing() {
    let installation = Installation::mounted(50);
    let files = installation.files();
    installation.unmount();
    let disk = SmallDisk::below(&installation.state());
    installation.mount();
    disk.fill();
    let said = || fs::read_to_string(installation.point().join(".photosfs/status.json")).unwrap();
    let ask = || kill(installation.process().unwrap(), Signal::SIGHUP).unwrap();
    let photos = 2_000;
    many_photos(&installation, photos);
    ask();
    eventually("it is told", || said().contains("disk is full"));
    assert!(shown(&installation).iter().eq(files.keys()), "what was shown is shown");
    disk.make_room();
    ask();
    let years = |paths: &BTreeSet<String>| paths.iter().filter(|path| path.starts_with("Years")).count();
    let before = years(&files.keys().cloned().collect());
    eventually("what is new is shown", || years(&shown(&installation)) == before + photos);
    eventually("it is told no more", || !said().contains("disk is full"));
    installation.unmount();
    installation.simulator.assert_clean();
}

/// Paths of all files on the mount, made-up files left out.
fn shown(installation: &Installation) -> BTreeSet<String> {
    let point = installation.point();
    let entries = WalkDir::new(&point).into_iter().filter_entry(|entry| entry.file_name() != ".photosfs");
    let files = entries.map(Result::unwrap).filter(|entry| !entry.file_type().is_dir());
    files.map(|entry| entry.path().strip_prefix(&point).unwrap().to_str().unwrap().to_owned()).collect()
}

fn many_photos(installation: &Installation, count: usize) {
    let cloud = installation.simulator.cloud();
    for n in 0..count {
        let original = Resource::new("public.jpeg", Body::seeded(0x3a17_0000_0000 + n as u64, 4096));
        cloud.add_photo(cloud.primary(), NewPhoto::new(&format!("NEW_{n}.JPG"), original, n as i64 * 60_000));
    }
}

/// A disk of a few megabytes with what was in a folder.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn below(folder: &Path) -> SmallDisk {
        let kept: Vec<_> =
            WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|e| e.path().is_file()).collect();
        let kept: Vec<_> = kept.iter().map(|entry| (entry.path(), fs::read(entry.path()).unwrap())).collect();
        mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some("size=32m,mode=0700")).unwrap();
        for (path, bytes) in kept {
            fs::write(path, bytes).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        SmallDisk(folder.to_owned())
    }

    fn fill(&self) {
        let full = fs::write(self.0.join("filling"), vec![1; 32 << 20]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filling")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}
