use super::finding::{Finding, Ladder};

/// What the system has to bring for a mount.
pub fn check(ladder: &mut Ladder) {
    findings().into_iter().for_each(|finding| ladder.tell("fuse", finding));
}

#[cfg(target_os = "linux")]
fn findings() -> Vec<Finding> {
    let device = match std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        Ok(_) => Finding::good("/dev/fuse"),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Finding::bad(
            "there is no /dev/fuse",
            "load it: sudo modprobe fuse; in a container, pass --device /dev/fuse",
        ),
        Err(e) => Finding::bad(format!("/dev/fuse cannot be opened: {e}"), "let this user read and write /dev/fuse"),
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    vec![device, helper(&path, nix::unistd::geteuid().is_root())]
}

#[cfg(target_os = "linux")]
fn helper(path: &std::ffi::OsStr, root: bool) -> Finding {
    match std::env::split_paths(path).any(|folder| folder.join("fusermount3").is_file()) {
        true => Finding::good("fusermount3"),
        false if root => Finding::good("fusermount3 is missing, and root does not need it"),
        false => Finding::bad("fusermount3 is missing", "install fuse3, for instance: sudo apt install fuse3"),
    }
}

#[cfg(target_os = "macos")]
fn findings() -> Vec<Finding> {
    vec![match std::path::Path::new("/Library/Filesystems/macfuse.fs").is_dir() {
        true => Finding::good("macFUSE"),
        false => Finding::bad("macFUSE is missing", "install it from https://macfuse.github.io"),
    }]
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_root_can_do_without_the_helper() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        assert!(helper(path, true).trouble.is_none());
        assert!(helper(path, false).trouble.unwrap().contains("fuse3"));
        std::fs::write(folder.path().join("fusermount3"), "").unwrap();
        assert_eq!(helper(path, false), Finding::good("fusermount3"));
    }
}
