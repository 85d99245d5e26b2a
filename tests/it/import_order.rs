//! Imports point one way (design.md §3): who may name whom, read from the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// The rooms, and the rooms that each may name. Whatever is not here is not allowed.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("cli", &["account", "config", "content", "fuse", "http", "index", "photos", "sync", "tree", "vfs"]),
    // The kinds of inodes.
    ("fuse", &["index", "vfs"]),
    // What a resource is.
    ("vfs", &["content", "index", "photos"]),
    ("content", &["config", "http", "photos"]),
    ("sync", &["index", "photos"]),
    ("index", &["config", "photos", "tree"]),
    ("tree", &["photos"]),
    ("photos", &["account", "cloudkit", "http"]),
    ("cloudkit", &["account", "http"]),
    ("account", &["config", "http"]),
    ("http", &["config"]),
    ("config", &[]),
];

/// A source file without its comments and without the tests in it.
struct Source {
    path: PathBuf,
    code: Vec<String>,
}

/// All sources below a folder of the repository, those of tests left out.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = WalkDir::new(root.join(folder)).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    let is_source = |path: &PathBuf| path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs");
    let sources: Vec<Source> = files
        .filter(is_source)
        .map(|path| Source {
            code: code(&fs::read_to_string(&path).unwrap()),
            path: path.strip_prefix(root).unwrap().into(),
        })
        .collect();
    assert!(sources.len() > 10, "{folder} has sources");
    sources
}

/// Lines of code: in-file tests stand at the end of a file, behind the attribute of their module.
fn code(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_test =
        |at: usize| lines[at] == "#[cfg(test)]" && lines.get(at + 1).is_some_and(|next| next.starts_with("mod "));
    let end = (0..lines.len()).find(|&at| is_test(at)).unwrap_or(lines.len());
    let without_comment = |line: &&str| line.split("//").next().unwrap_or_default().to_owned();
    lines[..end].iter().map(without_comment).collect()
}

/// The room a file of `src` is in: `src/index.rs` and all of `src/index/`.
fn room(path: &Path) -> String {
    let first = path.components().nth(1).unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Every room that a line names as `crate::room`, in a list of imports too.
fn named(line: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for (at, found) in line.match_indices("crate::") {
        let rest = &line[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(list.split(',').map(|part| word(part.trim()))),
            None => {
                names.insert(word(rest));
            }
        }
    }
    names
}

#[test]
fn imports_point_one_way() {
    let mut offences = Vec::new();
    for source in sources("src") {
        let own = room(&source.path);
        if ["main", "lib"].contains(&own.as_str()) {
            continue;
        }
        let allowed = ALLOWED.iter().find(|(room, _)| *room == own).map(|(_, rooms)| *rooms);
        let allowed = allowed.unwrap_or_else(|| panic!("{own} is a room that nobody may name: add it here"));
        for (line, code) in source.code.iter().enumerate() {
            let strangers = named(code).into_iter().filter(|name| *name != own && !allowed.contains(&name.as_str()));
            offences.extend(strangers.map(|name| format!("{}:{}: {own} → {name}", source.path.display(), line + 1)));
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn the_allowed_imports_have_no_circle() {
    let mut below: Vec<&str> = Vec::new();
    while below.len() < ALLOWED.len() {
        let next = ALLOWED
            .iter()
            .find(|(room, rooms)| !below.contains(room) && rooms.iter().all(|named| below.contains(named)))
            .expect("some room that names only rooms below it");
        below.push(next.0);
    }
}

#[test]
fn fuser_stays_in_its_room() {
    let names_fuser = |line: &String| line.contains("fuser::") || line.contains("use fuser");
    assert_only_in("src/fuse", names_fuser);
    assert!(sources("src").iter().any(|source| source.code.iter().any(names_fuser)), "the test can see it");
}

#[test]
fn the_http_client_is_made_in_one_room() {
    let names_client = |line: &String| line.contains("reqwest::");
    assert_only_in("src/http", names_client);
    assert!(sources("src").iter().any(|source| source.code.iter().any(names_client)), "the test can see it");
}

fn assert_only_in(room: &str, is_found: impl Fn(&String) -> bool) {
    for source in sources("src").iter().filter(|source| source.path != Path::new(&format!("{room}.rs"))) {
        if !source.path.starts_with(room) {
            let line = source.code.iter().position(&is_found);
            assert!(line.is_none(), "{}:{}", source.path.display(), line.unwrap() + 1);
        }
    }
}

#[test]
fn the_simulator_knows_nothing_of_photosfs() {
    for source in sources("simulator/src") {
        let line = source.code.iter().position(|line| line.contains("photosfs::") || line.contains("use photosfs"));
        assert!(line.is_none(), "{}:{}", source.path.display(), line.unwrap() + 1);
    }
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("simulator/Cargo.toml")).unwrap();
    let dependency = manifest.lines().find(|line| line.trim_start().starts_with("photosfs"));
    assert_eq!(dependency, None);
}

#[test]
fn names_are_found_in_every_form() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(named("use crate::index::{Index, ROOT};"), set(&["index"]));
    assert_eq!(named("use crate::{content, vfs::Vfs};"), set(&["content", "vfs"]));
    assert_eq!(named("    let x: crate::http::Reply = crate::photos::of();"), set(&["http", "photos"]));
    assert_eq!(code("use a;\n// crate::b\n#[cfg(test)]\nmod tests {\nuse crate::c;\n").join("|"), "use a;|");
}
