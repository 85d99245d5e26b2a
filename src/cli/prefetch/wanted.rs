//! From paths to originals.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use crate::cli::Failure;
use crate::index::{Index, IndexError, Node, NodeKind, ROOT};
use crate::photos::Resource;

/// A file to fetch: where it is in the tree, and what it holds.
pub struct Wanted {
    pub path: PathBuf,
    pub resource: Resource,
}

/// Every original under these paths, each of equal bytes once.
pub fn find(index: &Index, mountpoint: Option<&Path>, paths: &[PathBuf]) -> Result<Vec<Wanted>, Failure> {
    let mut found = Found { index, seen: HashSet::new(), wanted: Vec::new() };
    for named in paths {
        let no_such = || no_such(named, mountpoint);
        let path = in_tree(mountpoint, named)?.ok_or_else(no_such)?;
        let node = found.node(&path)?.ok_or_else(no_such)?;
        found.add(path, node)?;
    }
    Ok(found.wanted)
}

/// A path below the mount point, or one that is of the tree already; `None` if it may lead out of both.
fn in_tree(mountpoint: Option<&Path>, path: &Path) -> Result<Option<PathBuf>, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| Failure::plain(error, ""))?;
    if let Some(within) = mountpoint.and_then(|mountpoint| absolute.strip_prefix(mountpoint).ok()) {
        return Ok(Some(within.to_owned()));
    }
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    let leads_out = path.components().any(|part| part == Component::ParentDir);
    Ok((!leads_out).then(|| parts.collect()))
}

fn no_such(path: &Path, mountpoint: Option<&Path>) -> Failure {
    let advice = match mountpoint {
        Some(_) => "name it as the mount shows it",
        None => "nothing is mounted: name it as it is in the tree, such as Years/2024",
    };
    Failure::plain(format!("{} is not in the library", path.display()), advice)
}

struct Found<'a> {
    index: &'a Index,
    seen: HashSet<String>,
    wanted: Vec<Wanted>,
}

impl Found<'_> {
    fn node(&self, path: &Path) -> Result<Option<Node>, IndexError> {
        let mut node = self.index.node(ROOT)?;
        for part in path {
            let (Some(within), Some(name)) = (&node, part.to_str()) else { return Ok(None) };
            node = self.index.lookup(within.ino, name)?;
        }
        Ok(node)
    }

    fn add(&mut self, path: PathBuf, node: Node) -> Result<(), Failure> {
        let mut todo = vec![(path, node)];
        while let Some((path, node)) = todo.pop() {
            match node.kind {
                NodeKind::Directory => {
                    let children = self.index.children(node.ino)?.into_iter().rev();
                    todo.extend(children.map(|entry| (path.join(&entry.name), entry.node)));
                }
                NodeKind::File => self.add_file(path, node.ino)?,
                NodeKind::Symlink | NodeKind::Sidecar => {}
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: PathBuf, ino: u64) -> Result<(), Failure> {
        if let Some(resource) = self.index.resource(ino)?
            && resource.size > 0
            && self.seen.insert(resource.checksum.as_str().to_owned())
        {
            self.wanted.push(Wanted { path, resource });
        }
        Ok(())
    }
}
