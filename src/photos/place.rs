//! Where a photo was taken.

use serde::{Deserialize, Serialize};

use crate::cloudkit::Record;

/// A place on Earth (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Degrees north of the equator, -90 to 90.
    pub north: f64,
    /// Degrees east of Greenwich, -180 to 180.
    pub east: f64,
    /// Metres above the sea, if known.
    pub altitude: Option<f64>,
}

impl Place {
    /// The place that a record tells: plain numbers where it has them, else a property list with `lat` and `lon`
    /// (protocol/photos.md §4.2). `None` for what is no place on Earth.
    pub fn read(record: &Record<'_>) -> Option<Place> {
        let list = record.bytes("locationEnc").and_then(|bytes| plist::from_bytes(&bytes).ok()).unwrap_or_default();
        let plain = record.double("locationLatitude").zip(record.double("locationLongitude"));
        Place::of(plain, &list)
    }

    /// Whether a record tells of a place in no way that is known.
    pub fn is_unreadable(record: &Record<'_>) -> bool {
        let has_list =
            || record.bytes("locationEnc").is_some_and(|bytes| plist::from_bytes::<plist::Dictionary>(&bytes).is_ok());
        record.has("locationEnc") && record.double("locationLatitude").is_none() && !has_list()
    }

    fn of(plain: Option<(f64, f64)>, list: &plist::Dictionary) -> Option<Place> {
        let number = |key: &str| {
            let value = list.get(key)?;
            value.as_real().or_else(|| value.as_signed_integer().map(|whole| whole as f64))
        };
        // Apple's sign that a measurement failed is a negative accuracy.
        let is_measured = |accuracy: &str| number(accuracy).is_none_or(|metres| metres >= 0.0);
        let listed = || number("lat").zip(number("lon")).filter(|_| is_measured("horzAcc"));
        let (north, east) = plain.or_else(listed)?;
        let altitude = number("alt").filter(|metres| metres.is_finite() && is_measured("vertAcc"));
        let on_earth = (-90.0..=90.0).contains(&north) && (-180.0..=180.0).contains(&east);
        on_earth.then_some(Place { north, east, altitude })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use plist::{Dictionary, Value};

    use super::*;

    fn list(numbers: &[(&str, f64)]) -> Dictionary {
        numbers.iter().map(|(key, value)| ((*key).to_owned(), Value::Real(*value))).collect()
    }

    #[test]
    fn a_recorded_list_is_read() {
        // protocol/photos.md §4.6.
        let recorded = "YnBsaXN0MDDXAQIDBAUGBwgJCgsMCQ1TYWx0VmNvdXJzZVdob3J6QWNjU2xhdFNsb25Vc3BlZWRXdmVydEFjYyNAKAAAAAAAACMAAA\
                        AAAAAAACNAIAAAAAAAACNATcAAAAAAACNAJIAAAAAAACNAEAAAAAAAAAgXGyIqLjI4QElSW2RtAAAAAAAAAQEAAAAAAAAADgAAAAAAAAAA\
                        AAAAAAAAAHY=";
        let list: Dictionary = plist::from_bytes(&STANDARD.decode(recorded).unwrap()).unwrap();
        assert_eq!(Place::of(None, &list), Some(Place { north: 59.5, east: 10.25, altitude: Some(12.0) }));
    }

    #[test]
    fn what_was_not_measured_is_not_told() {
        let place = |numbers: &[(&str, f64)]| Place::of(None, &list(numbers));
        let south = Place { north: -33.5, east: -0.25, altitude: None };
        assert_eq!(place(&[("lat", -33.5), ("lon", -0.25)]), Some(south));
        assert_eq!(place(&[("lat", -33.5), ("lon", -0.25), ("alt", 3.0), ("vertAcc", -1.0)]), Some(south));
        assert_eq!(place(&[("lat", -33.5), ("lon", -0.25), ("horzAcc", -1.0)]), None);
        assert_eq!(place(&[("lat", -33.5)]), None);
        assert_eq!(place(&[("lat", 91.0), ("lon", 0.0)]), None);
        assert_eq!(place(&[("lat", f64::NAN), ("lon", 0.0)]), None);
        assert_eq!(Place::of(Some((1.0, 2.0)), &list(&[("alt", 5.0)])).unwrap().altitude, Some(5.0));
        let whole = Dictionary::from_iter([("lat".to_owned(), Value::from(4)), ("lon".to_owned(), Value::from(-5))]);
        assert_eq!(Place::of(None, &whole), Some(Place { north: 4.0, east: -5.0, altitude: None }));
    }
}
