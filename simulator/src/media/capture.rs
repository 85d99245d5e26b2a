use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::ifd::Ifd;

/// What took a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Camera {
    pub make: &'static str,
    pub model: &'static str,
}

/// When, where and with what a picture was taken, as its EXIF tells it.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Milliseconds since 1970, UTC; may be negative.
    pub taken_ms: i64,
    /// Seconds east of UTC on the camera's clock.
    pub offset_s: i32,
    pub camera: Camera,
    /// EXIF orientation, 1 to 8.
    pub orientation: u16,
    /// Latitude and longitude, degrees.
    pub place: Option<(f64, f64)>,
    /// Joins the two files of a Live Photo.
    pub content_id: Option<String>,
}

impl Capture {
    /// What the clock on the camera showed.
    pub fn local(&self) -> DateTime {
        let offset = Offset::from_seconds(self.offset_s).expect("an offset of less than a day");
        offset.to_datetime(Timestamp::from_millisecond(self.taken_ms).expect("a date within jiff's years"))
    }

    /// The TIFF stream that JPEG, PNG and HEIC carry as their EXIF.
    pub fn exif(&self, width: u32, height: u32) -> Vec<u8> {
        self.describe(Ifd::default(), width, height).into_tiff()
    }

    /// Adds camera, orientation, dates and place to a TIFF file's first directory (EXIF 2.32 §4.6).
    pub fn describe(&self, ifd: Ifd, width: u32, height: u32) -> Ifd {
        let date = self.local().strftime("%Y:%m:%d %H:%M:%S").to_string();
        let ifd = ifd
            .text(0x010f, self.camera.make)
            .text(0x0110, self.camera.model)
            .shorts(0x0112, &[self.orientation])
            .rationals(0x011a, &[(72, 1)])
            .rationals(0x011b, &[(72, 1)])
            .shorts(0x0128, &[2]) // dots an inch
            .text(0x0132, &date)
            .shorts(0x0213, &[1])
            .directory(0x8769, self.exif_directory(&date, width, height));
        match self.place {
            Some((latitude, longitude)) => ifd.directory(0x8825, gps(latitude, longitude)),
            None => ifd,
        }
    }

    fn exif_directory(&self, date: &str, width: u32, height: u32) -> Ifd {
        let offset = self.offset_text();
        let exif = Ifd::default()
            .undefined(0x9000, b"0232")
            .undefined(0x9101, &[1, 2, 3, 0]) // Y, Cb, Cr
            .undefined(0xa000, b"0100")
            .shorts(0xa001, &[1]) // sRGB
            .text(0x9003, date)
            .text(0x9004, date)
            .text(0x9010, &offset)
            .text(0x9011, &offset)
            .text(0x9291, &format!("{:03}", self.taken_ms.rem_euclid(1000)))
            .long(0xa002, width)
            .long(0xa003, height);
        match &self.content_id {
            Some(id) => exif.undefined(0x927c, &apple_maker_note(id)),
            None => exif,
        }
    }

    /// As in `+05:45`.
    pub fn offset_text(&self) -> String {
        let minutes = self.offset_s.abs() / 60;
        format!("{}{:02}:{:02}", if self.offset_s < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    }
}

/// Apple's maker note with the content identifier (tag 17); its offsets count from its own first byte.
fn apple_maker_note(content_id: &str) -> Vec<u8> {
    let mut note = b"Apple iOS\0\0\x01MM".to_vec();
    Ifd::default().text(0x0011, content_id).append_to(&mut note);
    note
}

fn gps(latitude: f64, longitude: f64) -> Ifd {
    let side = |value: f64, names: [&'static str; 2]| if value < 0.0 { names[1] } else { names[0] };
    Ifd::default()
        .bytes(0, &[2, 3, 0, 0])
        .text(1, side(latitude, ["N", "S"]))
        .rationals(2, &degrees(latitude))
        .text(3, side(longitude, ["E", "W"]))
        .rationals(4, &degrees(longitude))
}

/// Degrees, minutes and hundredths of a second.
fn degrees(value: f64) -> [(u32, u32); 3] {
    let hundredths = (value.abs() * 360_000.0).round() as u32;
    [(hundredths / 360_000, 1), (hundredths / 6_000 % 60, 1), (hundredths % 6_000, 100)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_on_the_wall_follows_the_offset_also_before_1970() {
        let mut capture = Capture {
            taken_ms: 1_767_179_700_000, // 2025-12-31T11:15:00Z
            offset_s: 14 * 3600,
            camera: Camera { make: "Apple", model: "iPhone" },
            orientation: 1,
            place: None,
            content_id: None,
        };
        assert_eq!(capture.local().to_string(), "2026-01-01T01:15:00");
        assert_eq!(capture.offset_text(), "+14:00");
        capture.offset_s = -(9 * 3600 + 1800);
        assert_eq!(capture.offset_text(), "-09:30");
        capture.taken_ms = -14_182_940_000;
        assert_eq!(capture.local().year(), 1969);
    }

    #[test]
    fn degrees_are_split_for_gps() {
        assert_eq!(degrees(-33.856_784), [(33, 1), (51, 1), (2442, 100)]);
    }
}
