//! From when on changes are told.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// A moment, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    At(Timestamp),
    Ago(SignedDuration),
}

impl Since {
    pub fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Since::At(at) => at,
            Since::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH),
        }
    }
}

impl FromStr for Since {
    type Err = String;

    /// Days begin at midnight UTC, as the files of `.photosfs/changes` do.
    fn from_str(text: &str) -> Result<Since, String> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Since::At(at));
        }
        if let Ok(midnight) = text.parse::<Date>().and_then(|date| date.to_zoned(TimeZone::UTC)) {
            return Ok(Since::At(midnight.timestamp()));
        }
        let days_of_24_hours = SpanRelativeTo::days_are_24_hours();
        match text.parse::<Span>().and_then(|span| span.to_duration(days_of_24_hours)) {
            Ok(ago) => Ok(Since::Ago(ago.abs())),
            Err(_) => Err("neither a day (2026-11-01), nor a time, nor how long ago (12h, 30d)".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_times_and_durations_are_understood() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let since = |text: &str| text.parse::<Since>().unwrap().before(now).to_string();
        assert_eq!(since("2026-11-01"), "2026-11-01T00:00:00Z");
        assert_eq!(since("2026-11-01T10:00:00+02:00"), "2026-11-01T08:00:00Z");
        assert_eq!(since("12h"), "2026-11-22T00:00:00Z");
        assert_eq!(since("30d"), "2026-10-23T12:00:00Z");
        assert_eq!(since("2w"), "2026-11-08T12:00:00Z");
        assert!("yesterday".parse::<Since>().is_err());
    }
}
