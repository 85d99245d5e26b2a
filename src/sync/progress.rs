use std::fmt;
use std::time::Duration;

/// How far a sync is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    #[default]
    Idle,
    /// The service prepares its own lists: per cent.
    Waiting {
        library: String,
        percent: i64,
    },
    /// Assets of a library are being read.
    Assets {
        library: String,
        seen: u64,
        announced: u64,
        /// Those among the seen that an earlier attempt had read.
        known: u64,
        /// Pages read since this walk began, and how long ago that was.
        pages: u64,
        elapsed: Duration,
    },
    Albums {
        library: String,
        seen: u64,
        announced: u64,
    },
    /// The library's history is being read: pages so far.
    History {
        library: String,
        pages: u64,
    },
    /// What happened meanwhile is being replayed.
    Replay {
        library: String,
    },
    /// The tree is being laid out.
    Layout {
        library: String,
    },
}

/// Before that, a pace says little.
const FIRST_ESTIMATE: Duration = Duration::from_secs(2);

impl Progress {
    /// Done and to do, while both are known.
    pub fn fraction(&self) -> Option<(u64, u64)> {
        match self {
            Progress::Assets { seen, announced, .. } | Progress::Albums { seen, announced, .. } => {
                Some((*seen, *announced))
            }
            _ => None,
        }
    }

    /// Whether photos are being read and not all of them are in.
    pub(super) fn has_photos_to_read(&self) -> bool {
        matches!(self, Progress::Assets { seen, announced, .. } if seen < announced)
    }

    /// Pages a second, and the time left at the pace so far.
    pub fn pace(&self) -> Option<(f64, Duration)> {
        let Progress::Assets { seen, announced, known, pages, elapsed, .. } = self else { return None };
        let read = seen.saturating_sub(*known);
        if *elapsed < FIRST_ESTIMATE || read == 0 {
            return None;
        }
        let left = elapsed.as_secs_f64() * announced.saturating_sub(*seen) as f64 / read as f64;
        Some((*pages as f64 / elapsed.as_secs_f64(), Duration::from_secs_f64(left)))
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Progress::Idle => f.write_str("idle"),
            Progress::Waiting { library, percent } => write!(f, "{library}: iCloud prepares its list ({percent} %)"),
            Progress::Assets { library, seen, announced, .. } => {
                write!(f, "{library}: {seen} of {announced} photos")?;
                match self.pace() {
                    Some((pace, left)) => write!(f, ", {pace:.1} pages a second, {} left", about(left)),
                    None => Ok(()),
                }
            }
            Progress::Albums { library, seen, announced } => write!(f, "{library}: {seen} of {announced} albums"),
            Progress::History { library, pages } => write!(f, "{library}: its history, {pages} pages so far"),
            Progress::Replay { library } => write!(f, "{library}: what changed meanwhile"),
            Progress::Layout { library } => write!(f, "{library}: laying out folders"),
        }
    }
}

fn about(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..=99 => format!("about {seconds} s"),
        seconds => format!("about {} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_what_this_run_read() {
        let at = |seen, known, seconds| Progress::Assets {
            library: "PrimarySync".into(),
            seen,
            announced: 100_000,
            known,
            pages: (seen - known) / 100,
            elapsed: Duration::from_secs(seconds),
        };
        let told = at(60_000, 40_000, 100).to_string();
        assert_eq!(told, "PrimarySync: 60000 of 100000 photos, 2.0 pages a second, about 4 min left");
        assert_eq!(at(40_100, 40_000, 1).to_string(), "PrimarySync: 40100 of 100000 photos", "too early to say");
        assert_eq!(at(40_000, 40_000, 50).pace(), None);
        assert!(at(99_999, 0, 9).has_photos_to_read() && !at(100_000, 0, 9).has_photos_to_read());
    }
}
