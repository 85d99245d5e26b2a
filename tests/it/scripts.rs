//! The scripts that people run: quickstart, backup-rsync and the mount helper, as they are, with the built program.
//! Needs root, /dev/fuse, rsync and getfattr; without them these tests fail.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use icloud_simulator::fault::{Effect, Fault};
use icloud_simulator::{Options, Simulator};
use walkdir::WalkDir;

use crate::installation::eventually;
use crate::stage::config_text;

const PHOTO: &str = "Years/2023/2023-07/IMG_0101.HEIC";

/// A person with a home of his own, who may have signed in to a simulated account and mounted its library.
struct Person {
    simulator: Simulator,
    home: tempfile::TempDir,
}

impl Person {
    fn new() -> Person {
        let simulator = Simulator::start(Options::default()).unwrap();
        let home = tempfile::tempdir().unwrap();
        let person = Person { simulator, home };
        fs::write(person.path("config.toml"), config_text(&person.simulator, person.home.path())).unwrap();
        fs::create_dir(person.path("mnt")).unwrap();
        fs::create_dir(person.path("copy")).unwrap();
        person
    }

    /// Signed in, in the two steps of a script, and mounted.
    fn with_mount() -> Person {
        let person = Person::new();
        fs::write(person.path("password"), "demo-library-2026\n").unwrap();
        fs::set_permissions(person.path("password"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let first = person.photosfs(&["login", "--password-file", person.path("password").to_str().unwrap()]);
        assert_eq!(first.status.code(), Some(3), "{first:?}");
        assert!(text(&first.stderr).contains("photosfs login --code"), "{first:?}");
        done(&person.photosfs(&["login", "--code", &person.simulator.device_code()]));
        let nowhere = person.photosfs(&["mount", "nowhere"]);
        assert!(text(&nowhere.stderr).contains("nowhere does not exist"), "{nowhere:?}");
        assert!(!text(&nowhere.stderr).contains("PrimarySync"), "known before the listing: {nowhere:?}");
        done(&person.photosfs(&["mount", "--background", person.path("mnt").to_str().unwrap()]));
        person
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// A program of this person's: nothing of the account of whoever runs the tests is seen or touched.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PHOTOSFS_") || name.to_string_lossy().starts_with("XDG_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.home.path()).env("PHOTOSFS", env!("CARGO_BIN_EXE_photosfs"));
        command.env_remove("SUDO_USER").current_dir(self.home.path());
        command
    }

    fn photosfs(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_photosfs"));
        command.env("PHOTOSFS_CONFIG", self.path("config.toml")).args(arguments).output().unwrap()
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Output {
        self.command(Path::new(env!("CARGO_MANIFEST_DIR")).join("mount-scripts").join(name))
            .args(arguments)
            .output()
            .unwrap()
    }

    fn back_up(&self, arguments: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("mount-scripts/backup-rsync");
        self.command(script).env("PHOTOSFS_CONFIG", self.path("config.toml")).args(arguments).output().unwrap()
    }

    /// A backup of this kind must be refused, for this reason, with nothing in the copy.
    fn is_refused(&self, arguments: &[&str], reason: &str) {
        let output = self.back_up(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with("backup-rsync: refused: ") && said.contains(reason), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(fs::read_dir(self.path("copy")).unwrap().count(), 0, "{arguments:?}");
    }

    /// Record names of photos, by their place in the tree.
    fn asset(&self, path: &str) -> String {
        let file = self.path("mnt").join(path);
        let output =
            self.command("getfattr").args(["--only-values", "-n", "user.photosfs.asset"]).arg(file).output().unwrap();
        text(&done(&output).stdout)
    }

    fn purge(&self, path: &str) {
        let cloud = self.simulator.cloud();
        cloud.purge(cloud.asset_named(&self.asset(path)).unwrap()).unwrap();
    }

    fn is_mounted(&self, point: &str) -> bool {
        fs::read_to_string("/proc/self/mounts").unwrap().contains(self.path(point).to_str().unwrap())
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        for point in ["mnt", "photosfs-demo", "other"] {
            if self.is_mounted(point) {
                self.photosfs(&["unmount", self.path(point).to_str().unwrap()]);
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(output: &Output) -> &Output {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// Every file of the mount but for its status is in the copy, with its bytes and its time.
fn is_whole(mount: &Path, copy: &Path) -> usize {
    let mut files = 0;
    for entry in WalkDir::new(mount) {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(mount).unwrap();
        if !entry.file_type().is_file() || path.starts_with(".photosfs") {
            continue;
        }
        let own = copy.join(path);
        assert!(fs::read(entry.path()).unwrap() == fs::read(&own).unwrap(), "{}", path.display());
        assert_eq!(entry.metadata().unwrap().mtime(), fs::metadata(&own).unwrap().mtime(), "{}", path.display());
        files += 1;
    }
    files
}

#[test]
fn a_backup_is_refused_when_it_could_do_harm() {
    let person = Person::with_mount();
    person.is_refused(&["mnt", "nowhere"], "nowhere does not exist");
    person.is_refused(&["copy", "copy"], "in the other");
    person.is_refused(&["mnt", "mnt/Years"], "in the other");
    fs::create_dir(person.path("empty")).unwrap();
    person.is_refused(&["empty", "copy"], "no photosfs is mounted on");
    person.is_refused(&["--max-age", "0s", "mnt", "copy"], "too long");
    person.is_refused(&["--max-delete", "many", "mnt", "copy"], "no number");
    for option in ["--inplace", "--delete", "--ignore-errors", "-avP"] {
        person.is_refused(&["mnt", "copy", option], "");
    }
    if fs::metadata("/").unwrap().dev() == fs::metadata(person.home.path()).unwrap().dev() {
        person.is_refused(&["--require-mounted", "mnt", "copy"], "root file system");
    }
    let lock = File::open(person.path("copy")).unwrap();
    lock.lock().unwrap();
    person.is_refused(&["mnt", "copy"], "another backup");
    drop(lock);
    // More at once than anybody deletes by hand.
    for n in 1000..1040 {
        person.purge(&format!("Years/2019/2019-09/IMG_{n}.JPG"));
    }
    done(&person.photosfs(&["sync"]));
    person.is_refused(&["mnt", "copy"], "40 removals are held");
    // All of it, and only its first line: nobody is told of a pipe.
    assert_eq!(text(&done(&person.photosfs(&["held", "list"])).stdout).lines().count(), 40);
    let line = format!("'{}' held list | head -n 1", env!("CARGO_BIN_EXE_photosfs"));
    let head =
        person.command("sh").env("PHOTOSFS_CONFIG", person.path("config.toml")).args(["-c", &line]).output().unwrap();
    assert!(!text(&done(&head).stderr).contains("panicked"), "{head:?}");
    done(&person.photosfs(&["unmount", "mnt"]));
    person.is_refused(&["mnt", "copy"], "no photosfs is mounted on");
}

#[test]
fn a_backup_is_whole_and_heals() {
    let person = Person::with_mount();
    let (mount, copy) = (person.path("mnt"), person.path("copy"));
    let first = person.back_up(&["mnt", "copy"]);
    assert!(text(&done(&first).stdout).contains(" 0 missing, 0 damaged"), "{first:?}");
    assert!(is_whole(&mount, &copy) > 600);
    assert_eq!(fs::metadata(copy.join(PHOTO)).unwrap().nlink(), 3, "one photo in three places is stored once");
    let second = person.back_up(&["mnt", "copy", "--itemize-changes"]);
    assert_eq!(text(&done(&second).stdout).lines().filter(|line| line.contains('/')).count(), 0, "{second:?}");
    // A disk that rots: the size and the time stay.
    let file = copy.join(PHOTO);
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    let open = File::options().write(true).open(&file).unwrap();
    open.write_all_at(b"rot", 1000).unwrap();
    open.set_modified(time).unwrap();
    fs::remove_file(copy.join("Years/2009/2009-08/DSC00042.JPG")).unwrap();
    let healed = person.back_up(&["mnt", "copy"]);
    assert_eq!(healed.status.code(), Some(3), "{healed:?}");
    assert!(text(&healed.stderr).contains("IMG_0101.HEIC") && text(&healed.stderr).contains("disk"), "{healed:?}");
    is_whole(&mount, &copy);
    assert!(text(&done(&person.photosfs(&["verify", "copy"])).stdout).contains(" 0 missing, 0 damaged"));
}

#[test]
fn a_mount_that_dies_ends_the_backup() {
    let person = Person::with_mount();
    person.simulator.fault(Fault::every("download", Effect::Delay { ms: 500 }));
    let backup = std::thread::scope(|scope| {
        let backup = scope.spawn(|| person.back_up(&["mnt", "copy"]));
        eventually("the backup is under way", || person.simulator.requests("download") > 0);
        let note = fs::read_to_string(person.path("state/demo@example.invalid/mount.json")).unwrap();
        let note: serde_json::Value = serde_json::from_str(&note).unwrap();
        done(&Command::new("kill").args(["-9", &note["pid"].to_string()]).output().unwrap());
        backup.join().unwrap()
    });
    assert_eq!(backup.status.code(), Some(1), "{backup:?}");
    assert!(text(&backup.stderr).contains("the mount has died"), "{backup:?}");
}

#[test]
fn an_archive_keeps_what_is_deleted_and_a_mirror_does_not() {
    let person = Person::with_mount();
    fs::create_dir(person.path("mirror")).unwrap();
    done(&person.back_up(&["mnt", "copy"]));
    done(&person.back_up(&["--mirror", "mnt", "mirror"]));
    let gone = "Years/2019/2019-09/IMG_1000.JPG";
    person.purge(gone);
    done(&person.photosfs(&["sync"]));
    let capped = person.back_up(&["--mirror", "--max-delete", "0", "mnt", "mirror"]);
    assert_eq!(capped.status.code(), Some(1), "{capped:?}");
    assert!(person.path("mirror").join(gone).exists(), "it stopped before it deleted");
    for (arguments, copy, kept) in
        [(&["mnt", "copy"][..], "copy", true), (&["--mirror", "mnt", "mirror"], "mirror", false)]
    {
        done(&person.back_up(arguments));
        assert_eq!(person.path(copy).join(gone).exists(), kept, "{copy}");
        is_whole(&person.path("mnt"), &person.path(copy));
    }
}

#[test]
fn quickstart_shows_everything_and_cleans_up() {
    let person = Person::new();
    let demo = person.path("photosfs-demo");
    assert!(text(&done(&person.script("quickstart", &["--help"])).stdout).contains("usage: mount-scripts/quickstart"));
    assert_eq!(person.script("quickstart", &["--nonsense"]).status.code(), Some(2));
    assert!(text(&done(&person.script("quickstart", &["--stop"])).stdout).contains("No demo library"));
    let first = text(&done(&person.script("quickstart", &[])).stdout);
    assert!(person.is_mounted("photosfs-demo"));
    assert!(text(&done(&person.script("quickstart", &[])).stdout).contains("already"));
    // The lines of the tour do what it says, when they are pasted into a shell.
    let lines: Vec<&str> = first.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert_eq!(lines.len(), 8, "{first}");
    let paste = |line: &str| person.command("sh").args(["-c", line]).output().unwrap();
    let [looks @ .., backup, verify, damage, verify_again, stop] = &lines[..] else { unreachable!() };
    for line in looks.iter().chain([backup, verify]) {
        done(&paste(line));
    }
    assert!(is_whole(&demo, &person.path("photosfs-demo-copy")) > 600);
    done(&paste(damage));
    let told = paste(verify_again);
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert!(text(&told.stdout).contains("damaged  Years/2009/2009-08/DSC00042.JPG"), "{told:?}");
    done(&paste(stop));
    assert!(!person.is_mounted("photosfs-demo") && !demo.exists());
    // Somewhere else, at once after that.
    done(&person.script("quickstart", &["other"]));
    assert!(person.is_mounted("other"));
    done(&person.script("quickstart", &["--stop", "other"]));
    assert!(!person.is_mounted("other"));
}

#[test]
fn mount_8_mounts_through_the_helper() {
    let person = Person::with_mount();
    done(&person.photosfs(&["unmount", "mnt"]));
    fs::create_dir(person.path("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_photosfs"), person.path("bin/photosfs")).unwrap();
    // As mount(8) calls it: no home, no PATH of the person's, everything in the options.
    let helper = |options: &str| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("mount-scripts/mount.photosfs");
        let path = format!("/usr/bin:/bin:{}", person.path("bin").display());
        let mut command = person.command(script);
        command.env_remove("HOME").env("PATH", path);
        command.args(["demo@example.invalid", "mnt", "-n", "-o", options]).output().unwrap()
    };
    for nonsense in ["rw,nonsense", "nonsense=1"] {
        let wrong = helper(nonsense);
        assert_eq!((wrong.status.code(), text(&wrong.stderr).contains("nonsense")), (Some(1), true), "{wrong:?}");
    }
    let folder = person.home.path().display();
    let empty = helper(&format!("ro,state_dir={folder}/elsewhere,cache_dir={folder}/cache"));
    assert_eq!(empty.status.code(), Some(32), "nobody has signed in there: {empty:?}");
    assert!(!person.is_mounted("mnt"));
    done(&helper(&format!(
        "ro,_netdev,allow_other,config={folder}/config.toml,state_dir={folder}/state,cache-dir={folder}/cache,\
         sidecars=xmp,list_again=48h"
    )));
    assert!(person.is_mounted("mnt"));
    fs::read(person.path("mnt").join(PHOTO)).unwrap();
    fs::read(person.path("mnt").join(format!("{PHOTO}.xmp"))).unwrap();
}
