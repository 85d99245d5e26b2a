//! What stat(2) shows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::index::{Node, NodeKind};

/// The block size told to programs; a read of this size is one request (fuse.md §1).
const BLOCK_SIZE: u32 = 128 * 1024;
/// That of a directory: C libraries list with a buffer as large, and the kernel asks for as much at once (fuse.md §3). With 128
/// KiB one of 92,000 entries is 129 waits in place of 74, and takes some 5 % longer.
const DIRECTORY_BLOCK_SIZE: u32 = 256 * 1024;

/// Who owns every file: the person who mounted. Constant, because backup tools compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

impl Owner {
    /// The user this program runs as.
    pub fn of_this_process() -> Owner {
        Owner { uid: nix::unistd::getuid().as_raw(), gid: nix::unistd::getgid().as_raw() }
    }
}

/// A file's attributes. Modes are constant: 0444, 0555 for directories, 0777 for symlinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    pub ino: u64,
    pub kind: NodeKind,
    pub size: u64,
    pub mtime: SystemTime,
    pub ctime: SystemTime,
    pub btime: SystemTime,
    pub nlink: u32,
    pub permissions: u16,
    pub owner: Owner,
}

impl Attributes {
    pub fn new(node: &Node, owner: Owner) -> Attributes {
        Attributes {
            ino: node.ino,
            kind: node.kind,
            size: node.size,
            mtime: system_time(node.mtime),
            ctime: system_time(node.ctime),
            btime: system_time(node.btime),
            nlink: node.nlink,
            permissions: permissions(node.kind),
            owner,
        }
    }

    pub fn block_size(&self) -> u32 {
        if self.kind == NodeKind::Directory { DIRECTORY_BLOCK_SIZE } else { BLOCK_SIZE }
    }

    /// Units of 512 bytes, as st_blocks counts.
    pub fn blocks(&self) -> u64 {
        self.size.div_ceil(512)
    }
}

fn permissions(kind: NodeKind) -> u16 {
    match kind {
        NodeKind::Directory => 0o555,
        NodeKind::File | NodeKind::Sidecar => 0o444,
        NodeKind::Symlink => 0o777,
    }
}

/// A time of nanoseconds since 1970, also before it; beyond 64 bits, which the index does not hold, it is 1970.
fn system_time(nanoseconds: i128) -> SystemTime {
    let Ok(size) = u64::try_from(nanoseconds.unsigned_abs()) else { return UNIX_EPOCH };
    let span = Duration::from_nanos(size);
    let time = if nanoseconds < 0 { UNIX_EPOCH.checked_sub(span) } else { UNIX_EPOCH.checked_add(span) };
    time.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_hold() {
        assert_eq!(system_time(-1_500_000_000), UNIX_EPOCH - Duration::from_millis(1500));
        assert_eq!(system_time(1_500_000_000), UNIX_EPOCH + Duration::from_millis(1500));
        assert_eq!(system_time(i128::MAX), UNIX_EPOCH);
    }
}
