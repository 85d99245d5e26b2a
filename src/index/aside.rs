//! What a very large change tells, kept on the disk until it is told.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};

/// Names by their directory's inode, and inodes whose attributes changed.
pub type Told = (Vec<(u64, String)>, Vec<u64>);

/// A piece of a change in a file that has no name and goes with this.
#[derive(Debug)]
pub struct Aside(File);

impl Aside {
    pub(super) fn write(entries: &[(u64, String)], attributes: &[u64]) -> io::Result<Aside> {
        let mut out = BufWriter::new(tempfile::tempfile()?);
        serde_json::to_writer(&mut out, &(entries, attributes))?;
        out.flush()?;
        Ok(Aside(out.into_inner()?))
    }

    /// Reads it, from the beginning.
    ///
    /// # Errors
    /// What the file system answers. What was to be told is lost then.
    pub fn read(&self) -> io::Result<Told> {
        (&self.0).rewind()?;
        Ok(serde_json::from_reader(BufReader::new(&self.0))?)
    }
}

/// Only itself: two pieces are never compared by what they hold.
impl PartialEq for Aside {
    fn eq(&self, other: &Aside) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Aside {}
