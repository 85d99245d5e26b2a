//! Changes as a table for programs: a line for each file, cells parted by tabs.

use std::fmt::Write;

use jiff::Timestamp;

use crate::index::{Departure, LostFile};

/// Names of the columns. Stable; others may be added at the end.
pub const HEADER: &str =
    "noticed\thow\tlibrary\trecord\tother\theld\tcaptured\texpires\tname\talbums\tsize\tchecksum\tpaths\n";

/// The lines of one change; one without files has one line, too. Albums and paths are parted by `|`, which no name in the
/// tree holds.
pub fn lines(change: &Departure) -> String {
    let Departure { noticed, how, library, record, other, details } = change;
    let time = |at: Option<Timestamp>| at.map(|at| format!("{at:.0}")).unwrap_or_default();
    let name = details.name.as_deref().unwrap_or_default();
    let left = [
        format!("{noticed:.3}"),
        how.as_str().to_owned(),
        escaped(library),
        escaped(record),
        escaped(other.as_deref().unwrap_or_default()),
        u8::from(details.held).to_string(),
        time(details.captured),
        time(details.expires),
        escaped(name),
        escaped(&details.albums.join("|")),
    ]
    .join("\t");
    let mut text = String::new();
    if details.files.is_empty() {
        text = format!("{left}\t\t\t\n");
    }
    for LostFile { size, checksum, paths } in &details.files {
        let _ = writeln!(text, "{left}\t{size}\t{}\t{}", escaped(checksum), escaped(&paths.join("|")));
    }
    text
}

/// A text that stays in its cell and on its line: `\t`, `\n`, `\r`, `\\`, and `\x1b` for other control characters.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => safe += "\\\\",
            '\t' => safe += "\\t",
            '\n' => safe += "\\n",
            '\r' => safe += "\\r",
            control if control.is_control() => _ = write!(safe, "\\x{:02x}", u32::from(control)),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::changes::tests::departure;

    #[test]
    fn a_name_cannot_break_out_of_its_cell() {
        let text = lines(&departure());
        let cells: Vec<&str> = text.trim_end_matches('\n').split('\t').collect();
        assert_eq!(cells.len(), HEADER.split('\t').count());
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(cells[8], "tab\\there\\nline.JPG");
        assert_eq!(cells[12], "Years/2024/a.JPG|Albums/Norway/Day 1/a.JPG");
        assert_eq!((cells[0], cells[7]), ("2026-11-22T20:14:05.000Z", "2026-12-22T20:14:05Z"));
        assert_eq!(escaped("a\\b\u{1b}[2J\u{85}é"), "a\\\\b\\x1b[2J\\x85é");
    }

    #[test]
    fn what_has_no_files_has_a_line() {
        let mut bare = departure();
        bare.details.files.clear();
        let text = lines(&bare);
        assert_eq!(text.trim_end_matches('\n').split('\t').count(), HEADER.split('\t').count());
    }
}
