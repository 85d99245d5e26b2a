//! Why there is no mount.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::platform::{HELPER, INSTALL, LET_OTHERS_IN};

#[derive(Debug, Error)]
pub enum MountError {
    #[error("{} does not exist", .0.display())]
    NoMountPoint(PathBuf),
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    #[error("{} cannot be used: {error}", path.display())]
    MountPoint { path: PathBuf, error: io::Error },
    #[error("the library is mounted on {} already", .0.display())]
    AlreadyOurs(PathBuf),
    #[error("{kind} is mounted on {} already", path.display())]
    AlreadyMounted { path: PathBuf, kind: String },
    #[error("no photosfs is mounted on {}", .0.display())]
    NotMounted(PathBuf),
    #[error("{kind} is mounted over the library on {}", path.display())]
    Covered { path: PathBuf, kind: String },
    #[error("this machine has no FUSE: {0}")]
    NoFuse(io::Error),
    #[error("the program {HELPER} is missing")]
    NoHelper,
    #[error("the system refuses to let other users in")]
    AllowOther,
    #[error("programs have files open in {}", .0.display())]
    Busy(PathBuf),
    #[error("the mount was refused: {0}")]
    Refused(String),
    #[error("the mount was made, but the kernel did not begin to talk: {0}")]
    Session(io::Error),
    #[error("the table of mounts cannot be read: {0}")]
    Table(io::Error),
}

impl MountError {
    /// What the person can do about it.
    pub fn advice(&self) -> String {
        match self {
            MountError::NoMountPoint(path) => format!("make it first: mkdir -p '{}'", path.display()),
            MountError::AlreadyOurs(path) => format!("use it, or end it: photosfs unmount '{}'", path.display()),
            MountError::NotADirectory(_) | MountError::AlreadyMounted { .. } => "choose an empty directory".into(),
            MountError::Covered { .. } => "unmount that first".into(),
            MountError::Busy(_) => "close them, and try again".into(),
            MountError::NoFuse(_) | MountError::NoHelper => INSTALL.into(),
            MountError::AllowOther => LET_OTHERS_IN.into(),
            _ => String::new(),
        }
    }
}
