/// Somewhere a picture was taken, and the clock there.
#[derive(Debug, Clone, Copy)]
pub struct Spot {
    pub latitude: f64,
    pub longitude: f64,
    pub altitude: f64,
    /// IANA name of its time zone.
    pub zone: &'static str,
    /// Seconds east of UTC, in winter.
    pub offset_s: i32,
}

const HOUR: i32 = 3600;

impl Spot {
    pub const BERLIN: Spot = Spot::at(52.5163, 13.3777, 38.0, "Europe/Berlin", HOUR);
    pub const TROMSO: Spot = Spot::at(69.6492, 18.9553, 12.0, "Europe/Oslo", HOUR);
    pub const NEW_YORK: Spot = Spot::at(40.7061, -73.9969, 41.0, "America/New_York", -5 * HOUR);
    pub const SYDNEY: Spot = Spot::at(-33.8568, 151.2153, 4.0, "Australia/Sydney", 10 * HOUR);
    /// The earliest clock on Earth: UTC+14.
    pub const KIRITIMATI: Spot = Spot::at(1.8721, -157.4278, 3.0, "Pacific/Kiritimati", 14 * HOUR);
    /// UTC−09:30.
    pub const NUKU_HIVA: Spot = Spot::at(-8.9111, -140.1, 2.0, "Pacific/Marquesas", -(9 * HOUR + HOUR / 2));
    /// UTC+05:45.
    pub const KATHMANDU: Spot = Spot::at(27.7172, 85.324, 1400.0, "Asia/Kathmandu", 5 * HOUR + 3 * HOUR / 4);

    const fn at(latitude: f64, longitude: f64, altitude: f64, zone: &'static str, offset_s: i32) -> Spot {
        Spot { latitude, longitude, altitude, zone, offset_s }
    }

    /// The same place with its clock an hour ahead.
    pub const fn in_summer(self) -> Spot {
        Spot { offset_s: self.offset_s + HOUR, ..self }
    }
}
