//! The directories a photo is shown in.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use super::{Photo, SmartAlbum};

/// A directory, named by what it is and not by where it is, so that it stays the same when it is renamed or moved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Directory {
    /// Below `Years`, by its folders: `["2024", "2024-03"]`.
    Years(Vec<String>),
    /// An album, by its record name.
    Album(String),
    Smart(SmartAlbumTitle),
    Hidden,
    /// Below `Recently Deleted`, by the day (UTC) after which the photo is gone.
    Trashed(String),
}

/// The title of a smart album.
pub type SmartAlbumTitle = &'static str;

/// Where a photo of a library is shown, the first being its home: every other place is a link to it.
///
/// `albums` are the record names of the albums it is in; `years` is the configured template; `hidden` tells whether hidden
/// photos are shown.
pub fn places(photo: &Photo, albums: &[String], years: &str, hidden: bool) -> Vec<Directory> {
    if photo.trashed {
        return vec![Directory::Trashed(day_of_expiry(photo.expires))];
    }
    if photo.hidden {
        return if hidden { vec![Directory::Hidden] } else { vec![] };
    }
    let smart = SmartAlbum::ALL.into_iter().filter(|smart| smart.holds(photo, !albums.is_empty()));
    std::iter::once(Directory::Years(year_folders(photo, years)))
        .chain(albums.iter().cloned().map(Directory::Album))
        .chain(smart.map(|smart| Directory::Smart(smart.title())))
        .collect()
}

/// The folders of Years for the moment of capture on the wall clock where the photo was taken.
fn year_folders(photo: &Photo, template: &str) -> Vec<String> {
    let clock = wall_clock(photo.date(), photo.offset.unwrap_or(0));
    let filled = template
        .replace("{year}", &format!("{:04}", clock.year()))
        .replace("{month}", &format!("{:02}", clock.month()))
        .replace("{day}", &format!("{:02}", clock.day()));
    filled.split('/').map(super::safe).collect()
}

/// The day, in UTC, on which a trashed photo is gone for good: the name of its folder.
pub fn day_of_expiry(expires: Option<i64>) -> String {
    match expires.filter(|at| Timestamp::from_millisecond(*at).is_ok()) {
        Some(at) => format!("until {}", wall_clock(at, 0).date()),
        None => "until unknown".into(),
    }
}

pub(super) fn wall_clock(millisecond: i64, offset: i64) -> Zoned {
    let at = Timestamp::from_millisecond(millisecond).unwrap_or_default();
    let offset = i32::try_from(offset).ok().and_then(|seconds| Offset::from_seconds(seconds).ok());
    at.to_zoned(TimeZone::fixed(offset.unwrap_or(Offset::UTC)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEARS: &str = "{year}/{year}-{month}";

    fn at(text: &str, offset: i64) -> Photo {
        let captured = text.parse::<Timestamp>().unwrap().as_millisecond();
        Photo { captured: Some(captured), offset: Some(offset), ..Photo::default() }
    }

    fn folders(photo: &Photo) -> Vec<String> {
        year_folders(photo, YEARS)
    }

    #[test]
    fn the_month_is_that_of_the_cameras_clock() {
        assert_eq!(folders(&at("2023-12-31T23:30:00Z", 0)), ["2023", "2023-12"]);
        assert_eq!(folders(&at("2023-12-31T23:30:00Z", 3600)), ["2024", "2024-01"]);
        assert_eq!(folders(&at("2024-01-01T02:00:00Z", -34_200)), ["2023", "2023-12"]);
        assert_eq!(folders(&at("1969-07-20T20:17:40Z", 0)), ["1969", "1969-07"]);
        assert_eq!(folders(&at("2024-01-01T02:00:00Z", i64::MAX)), ["2024", "2024-01"]);
    }

    #[test]
    fn a_visible_photo_is_at_home_in_years() {
        let photo = Photo { favourite: true, ..at("2024-03-05T10:00:00Z", 0) };
        let places = places(&photo, &["A1".into()], YEARS, true);
        assert_eq!(
            places,
            [
                Directory::Years(vec!["2024".into(), "2024-03".into()]),
                Directory::Album("A1".into()),
                Directory::Smart("Favorites"),
            ]
        );
    }

    #[test]
    fn trashed_wins_over_hidden_and_both_over_albums() {
        let mut photo = Photo { trashed: true, hidden: true, ..at("2024-03-05T10:00:00Z", 0) };
        photo.expires = Some("2024-04-04T10:00:00Z".parse::<Timestamp>().unwrap().as_millisecond());
        assert_eq!(places(&photo, &["A".into()], YEARS, true), [Directory::Trashed("until 2024-04-04".into())]);
        photo.trashed = false;
        assert_eq!(places(&photo, &["A".into()], YEARS, true), [Directory::Hidden]);
        assert_eq!(places(&photo, &["A".into()], YEARS, false), []);
    }

    #[test]
    fn a_time_that_is_none_is_no_day_of_1970() {
        assert_eq!(day_of_expiry(None), "until unknown");
        assert_eq!(day_of_expiry(Some(i64::MAX)), "until unknown");
    }
}
