//! Which file systems are mounted where, and which of them is ours.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::platform::{self, MountId};
use super::{Gone, MountError};

/// A mount, as the system's table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: MountId,
    pub point: PathBuf,
    /// The type of the file system, such as `fuse.photosfs`.
    pub kind: String,
    pub source: OsString,
}

/// Which mount is ours. The same path may be another's by the time we leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub point: PathBuf,
    pub id: MountId,
}

/// The absolute path of a directory that can be mounted on. Clears away a mount of ours that nobody answers.
pub fn prepare(point: &Path) -> Result<PathBuf, MountError> {
    let point = absolute(point)?;
    while is_dead(&point)? {
        tracing::warn!(point = %point.display(), "clearing away a mount whose process has died");
        platform::clear_away(&point)?;
    }
    look(&point)?;
    Ok(point)
}

/// What stands against mounting on a path. A mount of ours that nobody answers stays: whoever copies from it meets errors,
/// and from an empty directory, deletions.
pub fn check(point: &Path) -> Result<(), MountError> {
    let point = absolute(point)?;
    match is_dead(&point)? {
        true => Ok(()),
        false => look(&point),
    }
}

/// Whether there is a mount of ours that nobody answers; any other is an error.
fn is_dead(point: &Path) -> Result<bool, MountError> {
    match top(point)? {
        None => Ok(false),
        Some(entry) if !platform::is_ours(&entry) => {
            Err(MountError::AlreadyMounted { path: point.into(), kind: entry.kind })
        }
        Some(_) if platform::lives(point) => Err(MountError::AlreadyOurs(point.into())),
        Some(_) => Ok(true),
    }
}

/// Whether there is a directory, or mounting makes one.
fn look(point: &Path) -> Result<(), MountError> {
    if platform::makes_directory(point) && !point.exists() {
        return Ok(());
    }
    let error = |error| MountError::MountPoint { path: point.into(), error };
    if !fs::metadata(point).map_err(error)?.is_dir() {
        return Err(MountError::NotADirectory(point.into()));
    }
    if fs::read_dir(point).map_err(error)?.next().is_some() {
        tracing::warn!(point = %point.display(), "the directory is not empty; the mount hides what is in it");
    }
    Ok(())
}

/// The path without links. The last part of it is not looked at if it cannot be, as with a dead mount.
pub fn absolute(point: &Path) -> Result<PathBuf, MountError> {
    match fs::canonicalize(point) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !platform::makes_directory(point) => {
            Err(MountError::NoMountPoint(point.into()))
        }
        Err(error) => {
            let failed = |error| MountError::MountPoint { path: point.into(), error };
            let path = std::path::absolute(point).map_err(failed)?;
            match (path.parent().map(fs::canonicalize), path.file_name()) {
                (Some(Ok(parent)), Some(name)) => Ok(parent.join(name)),
                _ => Err(failed(error)),
            }
        }
    }
}

/// What is mounted on a path, the uppermost if there are several.
pub fn top(point: &Path) -> Result<Option<Entry>, MountError> {
    Ok(platform::table()?.into_iter().rfind(|entry| entry.point == point))
}

/// Whether a photosfs that answers is mounted on a path, by the kernel's own table.
pub fn is_mounted(point: &Path) -> Result<bool, MountError> {
    let point = absolute(point)?;
    Ok(top(&point)?.is_some_and(|entry| platform::is_ours(&entry)) && platform::lives(&point))
}

/// Takes a mount of ours away, and no other: one that is gone already is an error, and so is one that another covers.
pub fn detach(identity: &Identity) -> Result<Gone, MountError> {
    let not_mounted = || MountError::NotMounted(identity.point.clone());
    let entries = platform::table()?;
    // By number, as the mount may have been moved.
    let own = entries.iter().find(|entry| entry.id == identity.id).ok_or_else(not_mounted)?;
    match entries.iter().rfind(|entry| entry.point == own.point) {
        Some(top) if top.id == own.id => platform::take_away(&own.point),
        Some(top) => Err(MountError::Covered { path: own.point.clone(), kind: top.kind.clone() }),
        None => Err(not_mounted()),
    }
}
