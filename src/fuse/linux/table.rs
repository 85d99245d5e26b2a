//! The table of mounts: /proc/self/mountinfo (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::super::place::Entry;
use super::MountId;

/// All mounts this process sees, the later ones above the earlier.
pub fn read() -> io::Result<Vec<Entry>> {
    let text = fs::read("/proc/self/mountinfo")?;
    Ok(text.split(|byte| *byte == b'\n').filter_map(parse).collect())
}

/// How many mounts lie upon each other on a path.
pub fn count(point: &Path) -> io::Result<usize> {
    Ok(read()?.iter().filter(|entry| entry.point == point).count())
}

/// `36 35 98:0 /root /point rw,noatime master:1 - type source options`; the number of fields before the dash varies.
fn parse(line: &[u8]) -> Option<Entry> {
    let mut fields = line.split(|byte| *byte == b' ');
    let number = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let device = String::from_utf8(fields.nth(1)?.to_vec()).ok()?;
    let point = PathBuf::from(unescape(fields.nth(1)?));
    let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
    let kind = String::from_utf8_lossy(fields.next()?).into_owned();
    Some(Entry { id: MountId { number, device }, point, kind, source: unescape(fields.next()?) })
}

/// Blanks and backslashes are written as `\040`.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let code = tail.get(..3).filter(|_| *first == b'\\').and_then(octal);
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    OsString::from_vec(bytes)
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_with_blanks() {
        let line = br"98 27 0:52 / /mnt/iCloud\040Photos\134x ro,nosuid shared:1 - fuse.photosfs photosfs ro,user_id=0";
        let entry = parse(line).unwrap();
        assert_eq!((entry.id.number, entry.id.device.as_str(), entry.kind.as_str()), (98, "0:52", "fuse.photosfs"));
        assert_eq!(entry.point, Path::new("/mnt/iCloud Photos\\x"));
        assert_eq!(entry.source, "photosfs");
    }

    #[test]
    fn this_machine_has_a_root() {
        assert!(count(Path::new("/")).unwrap() >= 1);
    }
}
