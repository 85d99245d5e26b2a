//! Extended attributes on a real mount, as tools ask for them and keep them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use icloud_simulator::Options;
use icloud_simulator::library::{AssetId, Body, Location, NewPhoto, Resource};

use crate::installation::{Installation, tool, tool_output};

const MARCH: i64 = 1_709_632_800_123;
const PHOTO: &str = "Years/2024/2024-03/IMG_0042.JPG";

/// A library of three made-up photos and one that its owner described; nothing is mounted.
fn described() -> (Installation, AssetId) {
    let installation = Installation::new(Options { assets: Some(3), ..Options::default() });
    let cloud = installation.simulator.cloud();
    let original = Resource::new("public.jpeg", Body::seeded(42, 300_001));
    let photo = NewPhoto {
        caption: Some("Båten i skumringen 🌊".into()),
        description: Some("First line\nsecond \"line\"".into()),
        keywords: vec!["sea".into(), "Oslo, Norway".into()],
        location: Some(Location { latitude: -33.8568, longitude: 151.2153, altitude: 4.5 }),
        favourite: true,
        added_ms: Some(MARCH + 60_000),
        ..NewPhoto::new("IMG_0042.JPG", original, MARCH).in_zone(39_600, "Australia/Sydney")
    };
    let photo = cloud.add_photo(cloud.primary(), photo);
    let album = cloud.add_album(cloud.primary(), "Norway", None);
    cloud.add_to_album(photo, album).unwrap();
    (installation, photo)
}

fn value(file: &Path, name: &str) -> String {
    tool("getfattr", &[&"--only-values", &"--absolute-names", &"-n", &name, &file])
}

fn names(file: &Path) -> Vec<String> {
    let told = tool("getfattr", &[&"-h", &"-m-", &"--absolute-names", &file]);
    told.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::to_owned).collect()
}

fn identity(file: &Path) -> (u64, i64, i64, i64, i64) {
    let meta = fs::metadata(file).unwrap();
    (meta.ino(), meta.ctime(), meta.ctime_nsec(), meta.mtime(), meta.mtime_nsec())
}

#[test]
fn everything_that_is_known_is_told_without_a_request() {
    let (installation, _) = described();
    installation.mount();
    let (file, requests) = (installation.point().join(PHOTO), installation.simulator.requests("records/lookup"));
    for (name, expected) in [
        ("user.photosfs.title", "Båten i skumringen 🌊"),
        ("user.photosfs.description", "First line\nsecond \"line\""),
        ("user.photosfs.keywords", "sea\nOslo, Norway"),
        ("user.photosfs.kind", "original"),
        ("user.photosfs.favorite", "1"),
        ("user.photosfs.hidden", "0"),
        ("user.photosfs.place", "-33.8568,151.2153"),
        ("user.photosfs.altitude", "4.5"),
        ("user.photosfs.captured", "2024-03-05T21:00:00.123+11:00"),
        ("user.photosfs.added", "2024-03-05T10:01:00.123Z"),
        ("user.photosfs.original_name", "IMG_0042.JPG"),
        ("user.photosfs.library", "PrimarySync"),
        ("user.xdg.comment", "Båten i skumringen 🌊\nFirst line\nsecond \"line\""),
        ("user.xdg.tags", "Favorite,sea,Oslo; Norway"),
    ] {
        assert_eq!(value(&file, name), expected, "{name}");
    }
    let names = names(&file);
    assert_eq!(names.len(), 16, "{names:?}");
    // What the kernel and the Finder ask for all the time, and a photo that nobody described.
    let plain = installation.files().into_keys().find(|path| path.starts_with("Years/") && path != PHOTO).unwrap();
    for (file, name) in [(file.clone(), "security.selinux"), (installation.point().join(plain), "user.photosfs.title")]
    {
        let refused = tool_output("getfattr", &[&"--absolute-names", &"-n", &name, &file]);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("No such attribute"), "{refused:?}");
    }
    assert_eq!(installation.simulator.requests("records/lookup"), requests);
    assert_eq!(installation.downloads(), 0);
    installation.simulator.assert_clean();
}

/// A new title is seen by every tool that keeps attributes, and no byte of the photo is read for it.
#[test]
fn a_new_title_is_kept_by_rsync_and_restic_and_reads_no_photo() {
    let (installation, photo) = described();
    installation.mount();
    let (source, copy) = (format!("{}/Years/", installation.point().display()), installation.path("copy"));
    let rsync = || tool("rsync", &[&"-aXHi", &source, &copy]);
    rsync();
    let copied = copy.join("2024/2024-03/IMG_0042.JPG");
    assert_eq!(value(&copied, "user.photosfs.title"), "Båten i skumringen 🌊");
    assert_eq!(rsync(), "", "nothing to do");
    let backup = || restic(&installation, &["backup", "--json", &source]);
    restic(&installation, &["init"]);
    backup();
    let (file, downloads) = (installation.point().join(PHOTO), installation.downloads());
    let before = identity(&file);
    installation.simulator.cloud().retitle(photo, "A new title").unwrap();
    installation.run(&["sync"]);
    let title = || value(&file, "user.photosfs.title");
    crate::installation::eventually("the new title is there", || title() == "A new title");
    assert_eq!(identity(&file), before, "the bytes are the same, and so are its times");
    let itemized = rsync();
    assert!(itemized.trim_end() == ".f........x 2024/2024-03/IMG_0042.JPG", "{itemized}");
    assert_eq!(value(&copied, "user.photosfs.title"), "A new title");
    let read = installation.bytes_read();
    assert!(backup().contains("\"files_changed\":0"), "restic reads no file again");
    assert!(installation.bytes_read() - read < 200_000, "of a photo of 300,001 bytes");
    assert_eq!(installation.downloads(), downloads);
    let restored = installation.path("restored");
    restic(&installation, &["restore", "latest", "--target", restored.to_str().unwrap()]);
    assert_eq!(value(&restored.join(file.strip_prefix("/").unwrap()), "user.photosfs.title"), "A new title");
    installation.simulator.assert_clean();
}

fn restic(installation: &Installation, arguments: &[&str]) -> String {
    let repository: PathBuf = installation.path("restic");
    let command = format!("RESTIC_PASSWORD=worthless exec restic --no-cache --repo '{}' \"$@\"", repository.display());
    let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"-c", &command, &"sh"];
    all.extend(arguments.iter().map(|argument| argument as &dyn AsRef<std::ffi::OsStr>));
    tool("sh", &all)
}

#[test]
fn symlinks_have_none_and_all_can_be_turned_off() {
    let (installation, _) = described();
    let point = installation.point();
    let mount = |options: &[&str]| {
        installation.run(&[&["mount", "--background", point.to_str().unwrap()], options].concat());
    };
    mount(&["--albums", "symlink"]);
    let (link, file) = (point.join("Albums/Norway/IMG_0042.JPG"), point.join(PHOTO));
    assert!(link.is_symlink() && names(&link).is_empty(), "{:?}", names(&link));
    assert!(!names(&file).is_empty());
    tool("rsync", &[&"-aX", &format!("{}/", point.display()), &installation.path("copy")]);
    installation.unmount();
    mount(&["--xattrs", "false"]);
    assert_eq!(names(&file), [""; 0]);
    let refused = tool_output("getfattr", &[&"--absolute-names", &"-n", &"user.photosfs.title", &file]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("No such attribute"), "{refused:?}");
    installation.simulator.assert_clean();
}
