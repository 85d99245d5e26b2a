//! Questions the file system asks.

use rusqlite::{OptionalExtension, Row, params};

use super::record::{kind_at, kind_number};
use super::{Entry, Index, IndexError, Node, NodeKind, Totals};
use crate::photos::{Checksum, LibraryId, Resource, ResourceKind};
use crate::tree;

/// Names are joined to nodes from the left: one whose node is lost is an error, and not left out.
const NODE: &str = "n.ino, n.kind, n.size, n.nlink, n.mtime, n.ctime, n.btime";

impl Index {
    /// The inode with this number, or `None` if none ever had it. One that is shown nowhere any more has no links.
    pub fn node(&self, ino: u64) -> Result<Option<Node>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(&format!("SELECT {NODE} FROM node n WHERE n.ino = ?1"))?;
        Ok(query.query_row([number(ino)], node).optional()?)
    }

    /// The child of a directory with exactly this name (NFC).
    pub fn lookup(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(&format!(
            "SELECT {NODE} FROM dentry d LEFT JOIN node n ON n.ino = d.ino WHERE d.parent = ?1 AND d.fold = ?2 AND d.name = ?3"
        ))?;
        Ok(query.query_row(params![number(parent), tree::fold(name), name], node).optional()?)
    }

    /// The child of a directory with this name in any case; there is one at the most (`tree::fold`).
    pub fn lookup_in_any_case(&self, parent: u64, name: &str) -> Result<Option<Node>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(&format!(
            "SELECT {NODE} FROM dentry d LEFT JOIN node n ON n.ino = d.ino WHERE d.parent = ?1 AND d.fold = ?2"
        ))?;
        Ok(query.query_row(params![number(parent), tree::fold(name)], node).optional()?)
    }

    /// All children of a directory, by name.
    pub fn children(&self, directory: u64) -> Result<Vec<Entry>, IndexError> {
        let mut children = Vec::new();
        self.each_child(directory, &mut |name, node| children.push(Entry { name: name.to_owned(), node }))?;
        Ok(children)
    }

    /// Hands over every child of a directory, by name, in one pass.
    pub fn each_child(&self, directory: u64, take: &mut dyn FnMut(&str, Node)) -> Result<(), IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(&format!(
            "SELECT {NODE}, d.name FROM dentry d LEFT JOIN node n ON n.ino = d.ino WHERE d.parent = ?1 ORDER BY d.fold"
        ))?;
        let mut rows = query.query([number(directory)])?;
        while let Some(row) = rows.next()? {
            take(row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?, node(row)?);
        }
        Ok(())
    }

    /// Whether a directory has more than so many children.
    pub fn has_more_children(&self, directory: u64, than: usize) -> Result<bool, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT 1 FROM dentry WHERE parent = ?1 LIMIT 1 OFFSET ?2")?;
        Ok(query.exists(params![number(directory), than as i64])?)
    }

    /// The directory that holds this directory.
    pub fn parent(&self, directory: u64) -> Result<Option<u64>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT parent FROM dentry WHERE ino = ?1")?;
        Ok(query.query_row([number(directory)], |row| row.get::<_, i64>(0)).optional()?.map(|ino| ino as u64))
    }

    /// The directories that show a file; a few of them, if it is in very many albums.
    pub fn holders(&self, file: u64) -> Result<Vec<u64>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT DISTINCT parent FROM dentry WHERE ino = ?1 LIMIT 4")?;
        let rows = query.query_map([number(file)], |row| row.get::<_, i64>(0))?;
        Ok(rows.map(|parent| parent.map(|parent| parent as u64)).collect::<Result<_, _>>()?)
    }

    /// The resource a file's inode stands for. Answered also for a file that has left the tree while it is open.
    pub fn resource(&self, ino: u64) -> Result<Option<Resource>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT l.zone, a.name, a.master, n.resource, n.size, n.checksum FROM node n
             JOIN asset a ON a.id = n.asset JOIN library l ON l.id = a.library WHERE n.ino = ?1 AND n.kind = 1",
        )?;
        Ok(query.query_row([number(ino)], resource).optional()?)
    }

    /// Every original that is shown, each once: what a whole copy must hold. The tree's own order.
    pub fn resources(&self) -> Result<Vec<(u64, Resource)>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT l.zone, a.name, a.master, n.resource, n.size, n.checksum, n.ino FROM node n
             JOIN asset a ON a.id = n.asset JOIN library l ON l.id = a.library
             WHERE n.kind = 1 AND n.nlink > 0 ORDER BY n.ino",
        )?;
        let rows = query.query_map([], |row| Ok((row.get::<_, i64>(6)? as u64, resource(row)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A path an inode is shown at, without a leading slash: at home, if it is there.
    pub fn path(&self, ino: u64) -> Result<Option<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT d.parent, d.name FROM dentry d JOIN node p ON p.ino = d.parent WHERE d.ino = ?1
             ORDER BY p.key NOT GLOB 'years:*', p.key NOT GLOB 'trash:*', p.key NOT GLOB 'hidden:*' LIMIT 1",
        )?;
        let mut parts: Vec<String> = Vec::new();
        let mut at = number(ino);
        while at != number(super::ROOT) {
            let step = query.query_row([at], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((parent, name)) = step else { return Ok(None) };
            parts.push(name);
            at = parent;
        }
        parts.reverse();
        Ok(Some(parts.join("/")))
    }

    /// A path an original is shown at.
    pub fn path_of(&self, resource: &Resource) -> Result<Option<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT n.ino FROM node n
             WHERE n.asset IN (SELECT id FROM asset WHERE name = ?1 UNION ALL SELECT id FROM asset WHERE master = ?1)
                 AND n.resource = ?2 AND n.checksum = ?3 AND n.nlink > 0",
        )?;
        let values = params![resource.record_name, kind_number(resource.kind), resource.checksum.as_str()];
        let ino: Option<i64> = query.query_row(values, |row| row.get(0)).optional()?;
        ino.map_or(Ok(None), |ino| self.path(ino as u64))
    }

    /// Where a symlink points.
    pub fn link_target(&self, ino: u64) -> Result<Option<String>, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT target FROM node WHERE ino = ?1 AND target IS NOT NULL")?;
        Ok(query.query_row([number(ino)], |row| row.get(0)).optional()?)
    }

    /// Files and bytes of everything shown, each once.
    pub fn totals(&self) -> Result<Totals, IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached("SELECT files, bytes FROM total")?;
        let totals =
            |row: &Row<'_>| Ok(Totals { files: row.get::<_, i64>(0)? as u64, bytes: row.get::<_, i64>(1)? as u64 });
        Ok(query.query_row([], totals)?)
    }
}

/// SQLite's integers are signed; inode numbers are below 2^53.
pub(super) fn number(ino: u64) -> i64 {
    i64::try_from(ino).unwrap_or(-1)
}

fn node(row: &Row<'_>) -> rusqlite::Result<Node> {
    let time = |column| Ok::<_, rusqlite::Error>(i128::from(row.get::<_, i64>(column)?));
    Ok(Node {
        ino: row.get::<_, i64>(0)? as u64,
        kind: match row.get::<_, i64>(1)? {
            0 => NodeKind::Directory,
            1 => NodeKind::File,
            2 => NodeKind::Symlink,
            _ => NodeKind::Sidecar,
        },
        size: row.get::<_, i64>(2)? as u64,
        nlink: row.get(3)?,
        mtime: time(4)?,
        ctime: time(5)?,
        btime: time(6)?,
    })
}

fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
    let kind = kind_at(row, 3)?;
    let holder = match kind {
        ResourceKind::Edited | ResourceKind::EditedVideo => 1,
        _ => 2,
    };
    Ok(Resource {
        library: LibraryId(row.get(0)?),
        record_name: row.get(holder)?,
        kind,
        size: row.get::<_, i64>(4)? as u64,
        checksum: Checksum::new(row.get::<_, String>(5)?),
    })
}
