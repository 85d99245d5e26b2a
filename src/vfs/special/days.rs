//! `.photosfs/changes/2026-11-22.tsv`: what left the library on a day, or came back. A file for each day (UTC) with any.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::ToSpan;
use jiff::civil::Date;

use super::node;
use crate::index::{Entry, INO_BITS, IndexError, Node, NodeKind};
use crate::vfs::StatusSource;

/// The inode number of the file of 1970-01-01; those of later days follow, every second one: these are exact in floating
/// point.
const FIRST_INO: u64 = 1 << INO_BITS;
/// 2517-08-01.
const LAST_DAY: i64 = 200_000;

const EXTENSION: &str = ".tsv";

/// The day of a file with this inode number.
pub fn day(ino: u64) -> Option<i64> {
    let day = i64::try_from(ino.checked_sub(FIRST_INO)? / 2).ok()?;
    (inode(day) == Some(ino)).then_some(day)
}

/// The inode number of a file of this name.
pub fn named(name: &str) -> Option<u64> {
    let date: Date = name.strip_suffix(EXTENSION)?.parse().ok()?;
    let day = date.since(Date::constant(1970, 1, 1)).ok()?.get_days();
    inode(i64::from(day)).filter(|_| file_name(i64::from(day)) == name)
}

fn inode(day: i64) -> Option<u64> {
    (0..=LAST_DAY).contains(&day).then(|| FIRST_INO + 2 * day as u64)
}

fn file_name(day: i64) -> String {
    format!("{}{EXTENSION}", Date::constant(1970, 1, 1).saturating_add(day.days()))
}

pub struct Days {
    source: Arc<dyn StatusSource>,
    /// Sizes and times of files of days that have passed: they change no more.
    passed: Mutex<HashMap<i64, Node>>,
    /// The latest day, the number of the change that was the newest when its file was looked at, and the file: its size is
    /// that of its text, which is as long as the day was busy.
    latest: Mutex<Option<(i64, i64, Node)>>,
}

impl Days {
    pub fn new(source: Arc<dyn StatusSource>) -> Days {
        Days { source, passed: Mutex::default(), latest: Mutex::default() }
    }

    pub fn node(&self, day: i64) -> Result<Option<Node>, IndexError> {
        if let Some(node) = self.passed.lock().expect("no panic while locked").get(&day) {
            return Ok(Some(node.clone()));
        }
        self.node_before(day, self.source.days_of_change()?.last().copied())
    }

    /// Nothing is added before the latest day, whatever the clock says since (the journal sees to that): files of days before
    /// it change no more.
    fn node_before(&self, day: i64, latest: Option<i64>) -> Result<Option<Node>, IndexError> {
        let passed = || self.passed.lock().expect("no panic while locked");
        if let Some(node) = passed().get(&day) {
            return Ok(Some(node.clone()));
        }
        // Asked before the text is: what is added meanwhile has it read again.
        let newest = self.source.newest_change()?;
        let mut known = self.latest.lock().expect("no panic while locked");
        if let Some((of, at, node)) = &*known
            && (Some(*at), *of) == (newest, day)
        {
            return Ok(Some(node.clone()));
        }
        let Some(node) = self.read(day)? else { return Ok(None) };
        match latest.is_some_and(|latest| day < latest) {
            true => drop(passed().insert(day, node.clone())),
            false => *known = newest.map(|newest| (day, newest, node.clone())),
        }
        Ok(Some(node))
    }

    fn read(&self, day: i64) -> Result<Option<Node>, IndexError> {
        let (Some(ino), Some(changes)) = (inode(day), self.source.changes_of(day)?) else { return Ok(None) };
        Ok(Some(node(ino, NodeKind::File, changes.text.len() as u64, changes.noticed.as_nanosecond())))
    }

    pub fn entries(&self) -> Result<Vec<Entry>, IndexError> {
        let days = self.source.days_of_change()?;
        let latest = days.last().copied();
        let entry = |day| Ok(self.node_before(day, latest)?.map(|node| Entry { name: file_name(day), node }));
        days.into_iter().filter_map(|day| entry(day).transpose()).collect()
    }

    pub fn bytes(&self, day: i64) -> Result<Option<Bytes>, IndexError> {
        Ok(self.source.changes_of(day)?.map(|changes| changes.text.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::vfs::DayOfChange;

    #[test]
    fn a_days_file_has_one_name_and_one_number() {
        let ino = named("2026-11-22.tsv").unwrap();
        assert_eq!(day(ino), Some(20_779));
        assert_eq!(file_name(20_779), "2026-11-22.tsv");
        assert_eq!((day(ino - 1), day(FIRST_INO - 2), day(u64::MAX)), (None, None, None));
        for odd in ["2026-11-22", "2026-11-31.tsv", "20261122.tsv", "1969-12-31.tsv", "9999-01-01.tsv", "x.tsv"] {
            assert_eq!(named(odd), None, "{odd}");
        }
    }

    /// Rows of one day, and how often its text was asked for.
    #[derive(Default)]
    struct Journal {
        rows: AtomicI64,
        asked: AtomicUsize,
    }

    impl StatusSource for Journal {
        fn status(&self) -> String {
            String::new()
        }

        fn days_of_change(&self) -> Result<Vec<i64>, IndexError> {
            Ok(vec![20_779])
        }

        fn newest_change(&self) -> Result<Option<i64>, IndexError> {
            Ok(Some(self.rows.load(Ordering::Relaxed)))
        }

        fn changes_of(&self, _: i64) -> Result<Option<DayOfChange>, IndexError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let text = "row\n".repeat(self.rows.load(Ordering::Relaxed) as usize);
            Ok(Some(DayOfChange { text, noticed: Timestamp::UNIX_EPOCH }))
        }
    }

    #[test]
    fn the_text_of_the_latest_day_is_read_once_for_every_change() {
        let journal = Arc::<Journal>::default();
        let days = Days::new(journal.clone());
        for rows in 1..4 {
            journal.rows.store(rows, Ordering::Relaxed);
            for _ in 0..10 {
                assert_eq!(days.node(20_779).unwrap().unwrap().size, 4 * rows as u64);
                assert_eq!(days.entries().unwrap()[0].node.size, 4 * rows as u64);
            }
        }
        assert_eq!(journal.asked.load(Ordering::Relaxed), 3);
    }
}
