//! Dates far apart, clocks far apart, and what is hidden or on its way out.

use super::Entry;
use super::retouch::Retouch;
use super::shelf::Shelf;
use super::shot::{SCANNER, Shot};
use super::spot::Spot;
use crate::library::NewPhoto;
use crate::media::Camera;

const COMPACT: Camera = Camera { make: "SONY", model: "DSC-W120" };
/// Scans came into the library on 2019-01-05.
const SCANNED_MS: i64 = 1_546_700_000_000;

pub fn all() -> Vec<Entry> {
    [scans(), broken_clocks(), phones(), clocks(), norway(), hidden(), recently_deleted()]
        .into_iter()
        .flatten()
        .collect()
}

fn scans() -> Vec<Entry> {
    let scan = |name, local| Shot::new(name, local, Spot::BERLIN).with(SCANNER).nowhere();
    let late = |photo: NewPhoto| NewPhoto { added_ms: Some(SCANNED_MS), ..photo };
    vec![
        Entry::of(late(scan("Moon party.jpg", "1969-07-21T03:56:15").jpeg().captioned("The night of the landing"))),
        Entry::of(late(scan("Scan 1987-1.tif", "1987-06-12T14:00:00").sized(320, 240).tiff())).on(Shelf::Family),
        Entry::of(late(scan("Scan 1987-2.jpg", "1987-06-12T14:30:00").jpeg())).on(Shelf::Family),
        Entry::of(late(scan("Great-grandmother.jpg", "1903-05-01T12:00:00").jpeg().favourite())),
    ]
}

/// Dates that no camera can have meant.
fn broken_clocks() -> Vec<Entry> {
    let shot = |name, local| Shot::new(name, local, Spot { offset_s: 0, ..Spot::BERLIN }).nowhere();
    let late = |photo: NewPhoto| NewPhoto { added_ms: Some(SCANNED_MS), ..photo };
    let without_offset = shot("IMG_0004.JPG", "2013-03-03T03:03:03").jpeg();
    vec![
        Entry::of(late(shot("epoch.jpg", "1970-01-01T00:00:00").jpeg())),
        Entry::of(late(shot("DCIM0001.JPG", "2107-02-06T06:28:15").jpeg())),
        Entry::of(late(shot("Daguerreotype.jpg", "1850-01-01T12:00:00").jpeg())),
        Entry::of(NewPhoto { utc_offset_s: None, time_zone: None, ..without_offset }),
    ]
}

fn phones() -> Vec<Entry> {
    let summer = Spot::BERLIN.in_summer();
    let bridge = Shot::new("IMG_1871.HEIC", "2017-10-07T16:44:02", Spot::NEW_YORK.in_summer()).heic();
    vec![
        Entry::of(Shot::new("DSC00042.JPG", "2009-08-15T10:00:00", summer).with(COMPACT).nowhere().jpeg()),
        Entry::of(Shot::new("MOV00043.MP4", "2009-08-15T10:05:00", summer).with(COMPACT).nowhere().mp4(2000)),
        Entry::of(Shot::new("IMG_0815.JPG", "2015-05-23T19:12:00", summer).jpeg()),
        Entry::of(Shot::new("IMG_1300.JPG", "2016-02-29T12:00:00", Spot::BERLIN).upright().jpeg()),
        Entry::of(NewPhoto { keywords: vec!["bridge".into(), "river".into()], ..bridge.captioned("Brooklyn Bridge") }),
        Entry::of(Shot::new("IMG_2412.HEIC", "2020-12-24T18:30:00", Spot::BERLIN).live()).on(Shelf::ChristmasEve),
        Entry::of(Shot::new("IMG_2413.HEIC", "2020-12-24T19:00:00", Spot::BERLIN).heic().favourite())
            .on(Shelf::ChristmasEve)
            .on(Shelf::Family),
        Entry::of(Shot::new("IMG_2414.MOV", "2020-12-24T20:00:00", Spot::BERLIN).mov(3000)).on(Shelf::ChristmasEve),
        Entry::of(Shot::new("IMG_9001.HEIC", "2026-06-01T08:00:00", summer).live()).on(Shelf::LeadingDot),
    ]
}

/// The month on the wall is not the month in UTC.
fn clocks() -> Vec<Entry> {
    vec![
        Entry::of(
            Shot::new("IMG_3101.HEIC", "2026-01-01T00:30:00", Spot::KIRITIMATI).heic().captioned("First morning"),
        )
        .on(Shelf::Party),
        Entry::of(Shot::new("IMG_3102.HEIC", "2025-12-31T23:50:00", Spot::NUKU_HIVA).live()).on(Shelf::Party),
        Entry::of(Shot::new("IMG_3103.HEIC", "2024-11-01T04:00:00", Spot::KATHMANDU).heic()),
        Entry::of(Shot::new("IMG_3104.JPG", "2019-04-01T07:15:00", Spot::SYDNEY).jpeg()),
        Entry::of(Shot::new("IMG_3105.MOV", "2025-10-26T02:30:00", Spot::BERLIN.in_summer()).mov(2000)),
        Entry::of(Shot::new("IMG_3106.JPG", "2025-10-26T02:30:00", Spot::BERLIN).jpeg()),
    ]
}

fn norway() -> Vec<Entry> {
    let place = Spot::TROMSO.in_summer();
    let live = |name, local| Entry::of(Shot::new(name, local, place).live());
    vec![
        live("IMG_4001.HEIC", "2025-07-30T09:00:00").on(Shelf::DayOne),
        live("IMG_4002.HEIC", "2025-07-30T11:30:00").on(Shelf::DayOne),
        Entry::of(Shot::new("IMG_4003.HEIC", "2025-07-30T23:59:59", place).heic().favourite()).on(Shelf::DayOne),
        Entry::of(Shot::new("IMG_4004.MOV", "2025-07-31T08:00:00", place).mov(4000)).on(Shelf::DayTwo),
        live("IMG_4005.HEIC", "2025-07-31T14:20:00").on(Shelf::DayTwo).on(Shelf::Segla),
        Entry::of(Shot::new("IMG_4006.DNG", "2025-07-31T14:25:00", place).raw_and_jpeg(true)).on(Shelf::Segla),
        Entry::of(Shot::new("IMG_4007.JPG", "2025-08-01T00:10:00", place).sized(1600, 320).jpeg()).on(Shelf::Segla),
    ]
}

fn hidden() -> Vec<Entry> {
    let hide = |photo: NewPhoto| Entry::of(NewPhoto { hidden: true, ..photo });
    let shot = |name, local| Shot::new(name, local, Spot::BERLIN);
    vec![
        hide(shot("IMG_5001.HEIC", "2022-02-02T22:22:22").live()),
        hide(shot("IMG_5002.JPG", "2022-02-03T08:00:00").jpeg()).on(Shelf::Family),
        hide(shot("IMG_5003.MOV", "2022-02-04T08:00:00").mov(2000).favourite()),
    ]
}

/// Thrown away one, twelve and twenty-nine days ago.
fn recently_deleted() -> Vec<Entry> {
    let throw = |photo, days| Entry::of(photo).thrown_away(days);
    let shot = |name, local| Shot::new(name, local, Spot::BERLIN.in_summer());
    vec![
        throw(shot("IMG_6001.HEIC", "2026-04-01T10:00:00").live(), 1),
        throw(shot("IMG_6002.JPG", "2026-04-02T10:00:00").jpeg(), 12),
        throw(shot("IMG_6003.MOV", "2026-04-03T10:00:00").mov(2000), 29),
        throw(shot("IMG_6004.HEIC", "2019-08-03T10:00:00").heic().favourite(), 29).on(Shelf::Family),
    ]
}
