//! What is known of the photo behind a file.

use jiff::Timestamp;

use super::photo::USABLE;
use super::place::wall_clock;
use crate::photos::{LibraryId, Place, ResourceKind};

/// A photo as a person described it, and the file as it was imported. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    pub library: LibraryId,
    /// The asset's record name.
    pub asset: String,
    pub kind: ResourceKind,
    pub checksum: String,
    /// The name the file had when it was imported, if the record tells.
    pub original_name: Option<String>,
    pub captured: Option<i64>,
    /// Seconds east of UTC where it was captured.
    pub offset: Option<i64>,
    pub added: Option<i64>,
    /// When this rendering of an edit was made.
    pub edited: Option<i64>,
    pub favourite: bool,
    pub hidden: bool,
    pub title: Option<String>,
    pub description: Option<String>,
    pub keywords: Vec<String>,
    pub place: Option<Place>,
    /// When a trashed photo will be gone for good.
    pub expires: Option<i64>,
}

impl Facts {
    /// The moment of capture by the clock where it was captured: RFC 3339, in UTC if that clock is not known.
    pub fn captured_text(&self) -> Option<String> {
        date(self.captured?, self.offset.unwrap_or(0))
    }
}

/// RFC 3339 with milliseconds, if there are any; `None` for what cannot be the date of a photo.
pub fn date(millisecond: i64, offset: i64) -> Option<String> {
    // RFC 3339 knows no seconds of an offset, which clocks had before there were time zones.
    let minutes = (offset as f64 / 60.0).round() as i64;
    let clock = wall_clock(millisecond, minutes.saturating_mul(60));
    USABLE.contains(&millisecond).then(|| clock.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string())
}

/// RFC 3339 in UTC, of any time that a record holds.
pub fn instant(millisecond: i64) -> Option<String> {
    Timestamp::from_millisecond(millisecond).ok().map(|at| at.to_string())
}

#[cfg(test)]
impl Facts {
    /// A photo of which everything is known.
    pub fn sample() -> Facts {
        Facts {
            library: LibraryId("PrimarySync".into()),
            asset: "7B1E0000-0000-4000-8000-000000000042".into(),
            kind: ResourceKind::Original,
            checksum: "ARqdPZjFmdSZOG/4FrBl60A1BEXf".into(),
            original_name: Some("IMG_0042.HEIC".into()),
            captured: Some(1_709_632_800_123),
            offset: Some(7200),
            added: Some(1_709_632_900_000),
            edited: None,
            favourite: true,
            hidden: false,
            title: Some("Båt".into()),
            description: Some("Zwei\nZeilen".into()),
            keywords: vec!["Oslo, Norway".into(), "two\nlines".into()],
            place: Some(Place { north: -33.8568, east: 151.2153, altitude: Some(-1.5) }),
            expires: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_keep_their_zone_and_their_instant() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let noon = at("2024-03-05T12:00:00Z");
        assert_eq!(date(noon, 3600).unwrap(), "2024-03-05T13:00:00+01:00");
        assert_eq!(date(noon + 7, -34_200).unwrap(), "2024-03-05T02:30:00.007-09:30");
        assert_eq!(date(noon, 0).unwrap(), "2024-03-05T12:00:00+00:00");
        assert_eq!(date(at("1921-06-01T00:00:00Z"), 3208).unwrap(), "1921-06-01T00:53:00+00:53", "Berlin had 53:28");
        assert_eq!(date(at("1969-07-20T20:17:40Z"), 0).unwrap(), "1969-07-20T20:17:40+00:00");
        assert_eq!((date(i64::MAX, 0), date(0, i64::MAX)), (None, date(0, 0)));
    }
}
