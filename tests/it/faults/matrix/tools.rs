//! The tools of the matrix: how each makes a backup, and how what it made is looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Tool {
    pub name: &'static str,
    /// The command that makes backup number `run`.
    pub back_up: fn(&Backup, usize) -> Command,
    /// A folder with what backup number `run` holds; none if the tool made none.
    pub restore: fn(&Backup, usize) -> Option<PathBuf>,
    /// It has one copy, which each run changes; the others begin a new one.
    pub one_copy: bool,
    /// It leaves files behind that it could not read to their end, and says so by its exit code: empty or short ones (cp),
    /// or such as end in zeros (tar).
    pub leaves_unfinished: bool,
}

/// The list.
pub static TOOLS: [Tool; 5] = [
    Tool { name: "rsync", back_up: rsync, restore: rsync_copy, one_copy: true, leaves_unfinished: false },
    Tool { name: "restic", back_up: restic, restore: restic_restore, one_copy: false, leaves_unfinished: false },
    Tool { name: "borg", back_up: borg, restore: borg_extract, one_copy: false, leaves_unfinished: false },
    Tool { name: "tar", back_up: tar, restore: tar_extract, one_copy: false, leaves_unfinished: true },
    Tool { name: "cp", back_up: cp, restore: cp_copy, one_copy: false, leaves_unfinished: true },
];

/// What is backed up, and where to.
pub struct Backup {
    pub point: PathBuf,
    /// What is named at the mount point: `.`, or its folders.
    pub names: Vec<String>,
    /// The tool's own folder.
    pub folder: PathBuf,
}

impl Backup {
    /// Everything that the tool has said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.join("said")).unwrap_or_default()
    }

    fn sources(&self) -> impl Iterator<Item = PathBuf> {
        self.names.iter().map(|name| if name == "." { self.point.clone() } else { self.point.join(name) })
    }

    /// A folder for what one run made, new and empty the first time it is asked for.
    fn of_run(&self, what: &str, run: usize) -> PathBuf {
        let folder = self.folder.join(format!("{what}-{run}"));
        fs::create_dir_all(&folder).unwrap();
        folder
    }
}

fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}

/// Whether it went well.
fn done(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// As people are told to make a mirror (`mount-scripts/backup-rsync --mirror`).
fn rsync(backup: &Backup, _: usize) -> Command {
    let mut command = quiet("rsync");
    command.args(["-aHR", "--delete-after", "--exclude=/.photosfs"]);
    command.args(backup.names.iter().map(|name| format!("{}/./{name}", backup.point.display())));
    command.arg(backup.folder.join("copy"));
    command
}

fn rsync_copy(backup: &Backup, _: usize) -> Option<PathBuf> {
    Some(backup.folder.join("copy"))
}

fn cp(backup: &Backup, run: usize) -> Command {
    let mut command = quiet("cp");
    command.arg("-a").arg("-t").arg(backup.of_run("copy", run));
    command.args(backup.names.iter().map(|name| backup.point.join(name)));
    command
}

fn cp_copy(backup: &Backup, run: usize) -> Option<PathBuf> {
    Some(backup.of_run("copy", run))
}

fn archive(backup: &Backup, run: usize) -> PathBuf {
    backup.folder.join(format!("{run}.tar"))
}

fn tar(backup: &Backup, run: usize) -> Command {
    let mut command = quiet("tar");
    command.arg("-C").arg(&backup.point).arg("-cf").arg(archive(backup, run));
    command.arg("--exclude=./.photosfs").args(&backup.names);
    command
}

fn tar_extract(backup: &Backup, run: usize) -> Option<PathBuf> {
    let to = backup.of_run("extracted", run);
    // What is in the archive of a run that failed is what counts, whether or not the archive has a proper end.
    done(quiet("tar").arg("-C").arg(&to).arg("-xf").arg(archive(backup, run)));
    Some(to)
}

/// An empty repository whose key opens with scrypt at N = 16: restic itself would choose half a second for each command.
fn restic_repository(backup: &Backup) -> PathBuf {
    let (repository, template) =
        (backup.folder.join("repository"), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    if !repository.exists() {
        assert!(done(quiet("cp").arg("-r").arg(template.join("restic-repository")).arg(&repository)), "cp");
    }
    repository
}

fn restic_command(backup: &Backup) -> Command {
    let mut command = quiet("restic");
    command.arg("--repo").arg(restic_repository(backup)).arg("--no-cache").env("RESTIC_PASSWORD", "of no worth");
    command
}

fn restic(backup: &Backup, run: usize) -> Command {
    let mut command = restic_command(backup);
    command.args(["backup", "--tag"]).arg(format!("run-{run}"));
    command.arg("--exclude").arg(backup.point.join(".photosfs")).args(backup.sources());
    command
}

fn restic_restore(backup: &Backup, run: usize) -> Option<PathBuf> {
    let to = backup.of_run("restored", run);
    let mut command = restic_command(backup);
    command.args(["restore", "latest", "--tag"]).arg(format!("run-{run}")).arg("--target").arg(&to);
    done(&mut command).then(|| to.join(backup.point.strip_prefix("/").unwrap())).filter(|folder| folder.exists())
}

fn borg_command(backup: &Backup) -> Command {
    let mut command = quiet("borg");
    command.env("BORG_REPO", backup.folder.join("repository")).env("BORG_BASE_DIR", &backup.folder);
    command.env("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes");
    command
}

fn borg(backup: &Backup, run: usize) -> Command {
    if !backup.folder.join("repository").exists() {
        assert!(done(borg_command(backup).args(["init", "--encryption=none"])), "borg init");
    }
    let mut command = borg_command(backup);
    command.args(["create", "--exclude"]).arg(backup.point.join(".photosfs"));
    command.arg(format!("::{run}")).args(backup.sources());
    command
}

fn borg_extract(backup: &Backup, run: usize) -> Option<PathBuf> {
    let to = backup.of_run("extracted", run);
    let went_well = done(borg_command(backup).current_dir(&to).arg("extract").arg(format!("::{run}")));
    went_well.then(|| to.join(backup.point.strip_prefix("/").unwrap())).filter(|folder| folder.exists())
}
