//! `photosfs changes`: what left the library, and what came back.

mod period;
pub(super) mod tsv;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use jiff::Timestamp;

use super::service::index_to_read;
use super::{Context, Failure};
use crate::index::{Departure, How, Index, IndexError};
use period::Since;

/// Tell what left the library and what came back: when, how, and every place it had
#[derive(clap::Args)]
pub struct Args {
    /// From when on: a day (2026-11-01), a time (2026-11-01T12:00:00Z), or how long ago (12h, 30d)
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    since: Since,
    /// Print a table for programs, as in .photosfs/changes
    #[arg(long, conflicts_with = "json")]
    tsv: bool,
    /// Print JSON with stable keys (docs/commands.md)
    #[arg(long)]
    json: bool,
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let index = index_to_read(&context.config()?)?;
    let now = Timestamp::now();
    let since = args.since.before(now);
    let mut out = io::stdout().lock();
    let counts = match (args.json, args.tsv) {
        (true, _) => json(&index, since, &mut out)?,
        (_, true) => {
            write!(out, "{}", tsv::HEADER).map_err(unwritten)?;
            each(&index, since, |change| write!(out, "{}", tsv::lines(change)))?
        }
        _ => {
            let counts = each(&index, since, |change| writeln!(out, "{}", line(change)))?;
            writeln!(out, "{}", summary(&counts, since)).map_err(unwritten)?;
            counts
        }
    };
    out.flush().map_err(unwritten)?;
    let unexplained = counts.keys().any(|how| how.is_unexplained());
    Ok(if unexplained { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// How often each thing happened.
type Counts = BTreeMap<How, u64>;

/// Writes every change since a moment, and counts.
fn each(
    index: &Index,
    since: Timestamp,
    mut write: impl FnMut(&Departure) -> io::Result<()>,
) -> Result<Counts, Failure> {
    let mut counts = Counts::new();
    let mut written = Ok(());
    index.departures(since, Timestamp::MAX, &mut |change| {
        *counts.entry(change.how).or_default() += 1;
        written = write(&change);
        written.is_ok()
    })?;
    written.map_err(unwritten)?;
    Ok(counts)
}

fn unwritten(error: io::Error) -> Failure {
    Failure::plain(format!("the answer cannot be written: {error}"), "")
}

/// One document, written as it is read: a journal may be larger than memory.
fn json(index: &Index, since: Timestamp, out: &mut impl Write) -> Result<Counts, Failure> {
    write!(out, "{{\"since\":{},\"changes\":[", serde_json::json!(since)).map_err(unwritten)?;
    let mut comma = "\n";
    let counts = each(index, since, |change| {
        write!(out, "{}{}", std::mem::replace(&mut comma, ",\n"), serde_json::to_string(change)?)
    })?;
    let unexplained: u64 = counts.iter().filter(|(how, _)| how.is_unexplained()).map(|(_, count)| count).sum();
    writeln!(out, "\n],\"unexplained\":{unexplained}}}").map_err(unwritten)?;
    Ok(counts)
}

/// One change, for a person.
fn line(change: &Departure) -> String {
    let Departure { noticed, how, details, other, record, .. } = change;
    let paths = details.files.iter().flat_map(|file| &file.paths);
    let place = match paths.clone().next() {
        Some(path) if matches!(how, How::AlbumDeleted | How::AlbumLeft) => {
            format!("{} ({})", details.name.as_deref().unwrap_or(path), many(details.files.len(), "photo"))
        }
        Some(path) => path.clone(),
        None => details.name.clone().unwrap_or_else(|| record.clone()),
    };
    let mut text = format!("{}  {:<13}  {place}", noticed.strftime("%Y-%m-%d %H:%M"), how.as_str());
    let mut remarks = Vec::new();
    if !details.albums.is_empty() {
        remarks.push(format!("in {}", details.albums.join(", ")));
    }
    if let Some(expires) = details.expires {
        remarks.push(format!("until {}", expires.strftime("%Y-%m-%d")));
    }
    if let Some(other) = other {
        remarks.push(format!("the same original is in {other}"));
    }
    if details.held {
        remarks.push("held".to_owned());
    }
    if !remarks.is_empty() {
        text += &format!("  [{}]", remarks.join("; "));
    }
    // Titles and names may hold anything; a line stays a line.
    tsv::escaped(&text)
}

fn summary(counts: &Counts, since: Timestamp) -> String {
    let of = |how| counts.get(&how).map(|count| format!("{count} {}", how.as_str()));
    let all: Vec<String> = counts.keys().filter_map(|how| of(*how)).collect();
    let all = if all.is_empty() { "nothing left".to_owned() } else { all.join(", ") };
    let warning = match counts.keys().any(|how| how.is_unexplained()) {
        true => "\nWhat vanished was deleted by nobody as far as iCloud tells: look for it in old backups",
        false => "",
    };
    format!("since {} (UTC): {all}{warning}", since.strftime("%Y-%m-%d %H:%M"))
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A day's table: at most so many changes, for it is held in memory while it is open.
const MOST_A_DAY: usize = 50_000;

/// What happened on a day (since 1970, UTC): a table, and when the last of it was noticed; `None` if nothing did.
pub(super) fn of_day(index: &Index, day: i64) -> Result<Option<(String, Timestamp)>, IndexError> {
    let begin = |day: i64| Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or(Timestamp::MAX);
    let (mut text, mut count, mut last) = (tsv::HEADER.to_owned(), 0, None);
    index.departures(begin(day), begin(day + 1), &mut |change| {
        count += 1;
        if count <= MOST_A_DAY {
            text += &tsv::lines(&change);
            last = Some(change.noticed);
            return true;
        }
        text += "# there is more: photosfs changes --tsv\n";
        false
    })?;
    Ok(last.map(|last| (text, last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Details, LostFile};

    pub(super) fn departure() -> Departure {
        Departure {
            noticed: "2026-11-22T20:14:05Z".parse().unwrap(),
            how: How::Trashed,
            library: "PrimarySync".into(),
            record: "A-1".into(),
            other: None,
            details: Details {
                name: Some("tab\there\nline.JPG".into()),
                captured: None,
                expires: Some("2026-12-22T20:14:05Z".parse().unwrap()),
                held: true,
                albums: vec!["Norway/Day 1".into()],
                files: vec![LostFile {
                    size: 7,
                    checksum: "Aabc".into(),
                    paths: vec!["Years/2024/a.JPG".into(), "Albums/Norway/Day 1/a.JPG".into()],
                }],
            },
        }
    }

    #[test]
    fn a_person_reads_one_line() {
        let said = "2026-11-22 20:14  trashed        Years/2024/a.JPG  [in Norway/Day 1; until 2026-12-22; held]";
        assert_eq!(line(&departure()), said);
        let nameless =
            Departure { details: Details { name: Some("a\nb".into()), ..Details::default() }, ..departure() };
        assert_eq!(line(&nameless), "2026-11-22 20:14  trashed        a\\nb");
    }
}
