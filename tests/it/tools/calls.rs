//! What tools ask of a file system besides bytes: listings, attributes, space, and that nothing can be written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use icloud_simulator::library::TruthState;

use super::copies::demo;
use crate::compared::Compared;
use crate::installation::{Files, Installation, tool, tool_output};

#[test]
fn the_mount_answers_what_tools_ask() {
    let installation = demo();
    let files = installation.files();
    find_sees_what_stat_sees(&installation, &files);
    listings_name_every_file(&installation, &files);
    attributes_tell_of_the_photo(&installation, &files);
    space_is_the_librarys(&installation, &files);
    nothing_can_be_written(&installation, &files);
    one_file_system_is_kept_to(&installation, &files);
    odd_names_are_there(&files);
    assert_eq!(installation.files(), files);
    installation.simulator.assert_clean();
}

/// Numbers of one `find -printf` line: inode, links, size, mode.
fn find_sees_what_stat_sees(installation: &Installation, files: &Files) {
    let format = "%i %n %s %m %y %P\\0";
    let said = tool("find", &[&installation.point(), &"-mindepth", &"1", &"-printf", &format]);
    let mut links: BTreeMap<u64, usize> = BTreeMap::new();
    files.values().for_each(|file| *links.entry(file.ino).or_default() += 1);
    let mut seen = BTreeSet::new();
    for line in said.split_terminator('\0') {
        let fields: Vec<&str> = line.splitn(6, ' ').collect();
        let [ino, nlink, size, mode, kind, path] = fields[..] else { panic!("{line}") };
        if kind == "d" || path.starts_with(".photosfs/") {
            assert_eq!(mode, if kind == "d" { "555" } else { "444" }, "{path}");
            continue;
        }
        let file = &files[path];
        let told = (ino.parse().unwrap(), nlink.parse().unwrap(), size.parse().unwrap());
        assert_eq!(told, (file.ino, links[&file.ino], file.size), "{path}");
        assert_eq!((mode, kind), ("444", "f"), "{path}");
        assert!(seen.insert(path.to_owned()), "{path} is listed twice");
    }
    assert_eq!(seen.len(), files.len());
    directories_count_their_directories(&installation.point());
}

/// find(1) and fts(3) leave out directories when the link count of their parent says that there are no more.
fn directories_count_their_directories(top: &Path) {
    for entry in walkdir::WalkDir::new(top).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_dir()) {
        let inside = fs::read_dir(entry.path()).unwrap().map(Result::unwrap);
        let directories = inside.filter(|entry| entry.file_type().unwrap().is_dir()).count() as u64;
        assert_eq!(entry.metadata().unwrap().nlink(), 2 + directories, "{}", entry.path().display());
    }
}

fn listings_name_every_file(installation: &Installation, files: &Files) {
    let listed = tool("ls", &[&"-laR", &"--literal", &"--time-style=+%s", &installation.point()]);
    assert_eq!(listed.lines().filter(|line| line.starts_with("-r--r--r--")).count(), files.len() + 1);
    for path in files.keys() {
        let name = path.rsplit('/').next().unwrap();
        assert!(listed.contains(name), "{path}");
        // One name at a time, as stat(1) and shells look it up.
        assert_eq!(fs::metadata(installation.point().join(path)).unwrap().ino(), files[path].ino);
    }
    let told = tool("stat", &[&"--format=%F %a %h", &installation.point()]);
    assert!(told.starts_with("directory 555 "), "{told}");
}

fn attributes_tell_of_the_photo(installation: &Installation, files: &Files) {
    let truth = installation.simulator.cloud().truth();
    let favourites: BTreeSet<&str> =
        truth.assets().filter(|asset| asset.favourite).map(|asset| asset.record_name.as_str()).collect();
    let hidden: BTreeSet<&str> = truth
        .assets()
        .filter(|asset| asset.state == TruthState::Hidden)
        .map(|asset| asset.record_name.as_str())
        .collect();
    let told = tool("getfattr", &[&"-R", &"-d", &"-m-", &"--absolute-names", &installation.point()]);
    let mut asked = 0;
    for block in told.split("\n\n").filter(|block| block.contains("user.photosfs.asset=")) {
        let value = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(&format!("user.photosfs.{name}=\"")));
            line.map(|rest| rest.trim_end_matches('"').to_owned())
        };
        let asset = value("asset").unwrap();
        let record = truth.assets().find(|record| record.record_name == asset).expect("an asset of the cloud");
        let checksum = value("checksum").unwrap();
        assert!(record.resources.iter().any(|file| file.checksum == checksum), "{block}");
        assert_eq!(value("favorite").unwrap() == "1", favourites.contains(asset.as_str()), "{block}");
        assert_eq!(value("hidden").unwrap() == "1", hidden.contains(asset.as_str()), "{block}");
        asked += 1;
    }
    assert_eq!(asked, files.len());
    let unknown = tool_output("getfattr", &[&"-n", &"user.somebody.else", &installation.point()]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("No such attribute"));
}

fn space_is_the_librarys(installation: &Installation, files: &Files) {
    let inodes: BTreeMap<u64, u64> = files.values().map(|file| (file.ino, file.size)).collect();
    let bytes: u64 = inodes.values().sum();
    let said = tool("df", &[&"--block-size=1", &"--output=source,size,avail,itotal", &installation.point()]);
    let fields: Vec<&str> = said.lines().nth(1).unwrap().split_whitespace().collect();
    let [source, size, free, total] = fields[..] else { panic!("{said}") };
    assert_eq!((source, free, total.parse::<usize>().unwrap()), ("photosfs", "0", inodes.len()));
    let size: u64 = size.parse().unwrap();
    assert!((bytes..bytes + 1_048_576).contains(&size), "{size} for {bytes}, up to a block");
    let used = tool("du", &[&"--bytes", &"--summarize", &installation.point().join("Years")]);
    assert!(used.split('\t').next().unwrap().parse::<u64>().unwrap() > bytes / 2, "{used}");
}

fn nothing_can_be_written(installation: &Installation, files: &Files) {
    let read_only = |what: &str, outcome: std::io::Result<()>| {
        let error = outcome.expect_err(what);
        assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem, "{what}: {error}");
    };
    let file = installation.point().join(files.keys().next().unwrap());
    let new = installation.point().join("Years/new");
    read_only("open to write", File::options().write(true).open(&file).map(drop));
    read_only("open to append", File::options().append(true).open(&file).map(drop));
    read_only("truncate", File::options().write(true).truncate(true).open(&file).map(drop));
    read_only("create", File::create(&new).map(drop));
    read_only("mkdir", fs::create_dir(&new));
    read_only("unlink", fs::remove_file(&file));
    read_only("rmdir", fs::remove_dir(installation.point().join("Years")));
    read_only("rename", fs::rename(&file, &new));
    read_only("link", fs::hard_link(&file, &new));
    read_only("symlink", std::os::unix::fs::symlink("target", &new));
    read_only("chmod", fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)));
    read_only("chown", std::os::unix::fs::chown(&file, Some(1), Some(1)));
    let set = tool_output("setfattr", &[&"-n", &"user.mine", &"-v", &"1", &file]);
    assert!(String::from_utf8_lossy(&set.stderr).contains("Read-only file system"), "{set:?}");
    let touch = tool_output("touch", &[&file]);
    assert!(String::from_utf8_lossy(&touch.stderr).contains("Read-only file system"), "{touch:?}");
}

/// Started above the mount, `rsync -x` leaves it out; started at it, it copies it.
fn one_file_system_is_kept_to(installation: &Installation, files: &Files) {
    let (above, at) = (installation.path("above"), installation.path("at"));
    let folder = format!("{}/", installation.path("").display());
    tool("rsync", &[&"-ax", &"--include=/mnt/***", &"--exclude=*", &folder, &above]);
    assert_eq!(fs::read_dir(above.join("mnt")).unwrap().count(), 0);
    tool("rsync", &[&"-axH", &format!("{}/", installation.point().display()), &at]);
    Compared::assert_whole(&at, files);
}

fn odd_names_are_there(files: &Files) {
    let names: Vec<&str> = files.keys().map(|path| path.rsplit('/').next().unwrap()).collect();
    let has = |what: &str, is: &dyn Fn(&str) -> bool| assert!(names.iter().any(|name| is(name)), "{what}: {names:#?}");
    has("an emoji", &|name| name.chars().any(|char| u32::from(char) > 0x1_0000));
    has("a suffix for a second photo of one name", &|name| name.contains('_'));
    has("a blank", &|name| name.contains(' '));
    has("a long one", &|name| name.len() > 200);
    has("letters beyond ASCII", &|name| name.chars().any(|char| char.is_alphabetic() && !char.is_ascii()));
    for path in files.keys() {
        for part in path.split('/') {
            assert!(part.len() <= 255 && !part.contains(|char: char| char.is_control()), "{path}");
        }
    }
}
