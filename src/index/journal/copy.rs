//! The journal's copy beside the index: one row a line, as JSON, only ever added to. It is behind the index by one
//! transaction at the most and outlives it: an index that is made anew takes its journal from there.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::MOST_ROWS;
use crate::index::record::json;
use crate::index::{Index, IndexError};

/// Beyond so many rows that the index has dropped, the copy is written anew.
const SURPLUS: i64 = 100_000;
/// No line is longer: a row names at most so many paths.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Line {
    id: i64,
    noticed: i64,
    library: String,
    record: String,
    how: String,
    master: Option<String>,
    other: Option<String>,
    details: serde_json::Value,
}

/// Where the copy of an index's journal is.
fn beside(index: &Path) -> PathBuf {
    index.with_file_name("changes.jsonl")
}

impl Index {
    /// Takes over from the copy what a new index lacks, and adds to the copy what it lacks.
    pub(in crate::index) fn agree_with_copy(&self) -> Result<(), IndexError> {
        let path = beside(&self.path);
        {
            let mut writer = self.writer();
            let tx = writer.transaction()?;
            let newest: i64 = tx.query_row("SELECT coalesce(max(id), 0) FROM journal", [], |row| row.get(0))?;
            if last_line(&path)?.is_some_and(|(line, _)| line.id > newest) {
                take_over(&tx, &path, newest)?;
            }
            tx.commit()?;
        }
        let oldest: i64 = self.reader()?.query_row("SELECT coalesce(min(id), 1) FROM journal", [], |row| row.get(0))?;
        if first_line(&path)?.is_some_and(|line| line.id < oldest - SURPLUS) {
            self.write_anew(&path)?;
        }
        self.copy_journal()
    }

    /// As [`Index::copy_journal`]; what fails is made up for the next time.
    pub(in crate::index) fn copy_journal_or_warn(&self) {
        if let Err(error) = self.copy_journal() {
            tracing::warn!(%error, "the copy of the journal is behind");
        }
    }

    /// Adds rows that are new to the copy. Its last line is finished, or it is written again.
    pub(in crate::index) fn copy_journal(&self) -> Result<(), IndexError> {
        let path = beside(&self.path);
        let mut file = File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path)?;
        let (last, end) = last_line(&path)?.map_or((0, 0), |(line, end)| (line.id, end));
        if self.reader()?.query_row("SELECT max(id) FROM journal", [], |row| row.get::<_, Option<i64>>(0))?
            <= Some(last)
        {
            return Ok(());
        }
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        self.write_lines(&file, last)?;
        Ok(file.sync_all()?)
    }

    fn write_lines(&self, file: &File, after: i64) -> Result<(), IndexError> {
        let reader = self.reader()?;
        let mut query = reader.prepare_cached(
            "SELECT id, noticed, library, record, how, master, other, details FROM journal WHERE id > ?1 ORDER BY id",
        )?;
        let mut out = BufWriter::new(file);
        let mut rows = query.query([after])?;
        while let Some(row) = rows.next()? {
            serde_json::to_writer(&mut out, &line(row)?).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
        Ok(out.flush()?)
    }

    fn write_anew(&self, path: &Path) -> Result<(), IndexError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder)?;
        self.write_lines(file.as_file(), 0)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(File::open(folder)?.sync_all()?)
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        id: row.get(0)?,
        noticed: row.get(1)?,
        library: row.get(2)?,
        record: row.get(3)?,
        how: row.get(4)?,
        master: row.get(5)?,
        other: row.get(6)?,
        details: json(7, row.get_ref(7)?.as_str()?)?,
    })
}

/// Lines after a row. One that cannot be read is left out: the others are as good without it.
fn take_over(tx: &Connection, path: &Path, after: i64) -> Result<(), IndexError> {
    let mut put = tx.prepare(
        "INSERT OR IGNORE INTO journal (id, noticed, library, record, how, master, other, counted, details)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)",
    )?;
    let (mut copy, mut line) = (BufReader::new(File::open(path)?), Vec::new());
    while next_line(&mut copy, &mut line)? {
        let Ok(line) = serde_json::from_slice::<Line>(&line) else { continue };
        if line.id > after {
            let Line { id, noticed, library, record, how, master, other, details } = line;
            put.execute(params![id, noticed, library, record, how, master, other, details.to_string()])?;
        }
    }
    tx.execute("DELETE FROM journal WHERE id <= (SELECT max(id) FROM journal) - ?1", [MOST_ROWS])?;
    Ok(())
}

/// `None` if there is no copy yet. One that cannot be opened is not taken for that: its lines would not be taken over.
fn open(path: &Path) -> Result<Option<File>, IndexError> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        outcome => Ok(Some(outcome?)),
    }
}

/// Reads a line; `false` at the end. Damage that is longer than any line is read in several, of which none is one.
fn next_line(copy: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, IndexError> {
    line.clear();
    Ok(copy.take(LONGEST_LINE).read_until(b'\n', line)? > 0)
}

fn first_line(path: &Path) -> Result<Option<Line>, IndexError> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut line = Vec::new();
    next_line(&mut BufReader::new(file), &mut line)?;
    Ok(serde_json::from_slice(&line).ok())
}

/// The last line that is finished and can be read, and where it ends. Damage may be of any length: it is searched from the
/// end, a piece at a time.
fn last_line(path: &Path) -> Result<Option<(Line, u64)>, IndexError> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    // Behind this there is no such line.
    let mut end = file.metadata()?.len();
    let mut reach = 64 * 1024;
    while end > 0 {
        let start = end.saturating_sub(reach);
        let mut piece = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        (&file).take(end - start).read_to_end(&mut piece)?;
        if let Some((line, length)) = last_in(&piece, start == 0) {
            return Ok(Some((line, start + length as u64)));
        }
        // What ends in the piece may begin before it.
        let first_end = piece.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        match first_end.filter(|first_end| *first_end < piece.len()) {
            _ if start == 0 => end = 0,
            Some(first_end) => end = start + first_end as u64,
            None if reach < LONGEST_LINE => reach *= 8,
            None => end = start,
        }
    }
    Ok(None)
}

/// The last line of a piece that is finished and can be read, and where it ends in the piece.
fn last_in(piece: &[u8], is_beginning: bool) -> Option<(Line, usize)> {
    let mut rest = piece;
    while let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') {
        let begin = match rest[..end].iter().rposition(|byte| *byte == b'\n') {
            Some(before) => before + 1,
            None if is_beginning => 0,
            None => return None,
        };
        if let Ok(line) = serde_json::from_slice(&rest[begin..end]) {
            return Some((line, end + 1));
        }
        rest = &rest[..begin];
    }
    None
}
