use image::RgbImage;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::spot::Spot;
use crate::library::{Edit, Location, NewPhoto, Resource, Slot};
use crate::media::{self, Camera, Capture, Container, Film, Scene};

pub const PHONE: Camera = Camera { make: "Apple", model: "iPhone 15 Pro" };
pub const SCANNER: Camera = Camera { make: "EPSON", model: "Perfection V600" };
pub const SLR: Camera = Camera { make: "Canon", model: "Canon EOS R6" };

const JPEG: &str = "public.jpeg";
const HEIC: &str = "public.heic";
const DNG: &str = "com.adobe.raw-image";
const GIF: &str = "com.compuserve.gif";
const MPEG4: &str = "public.mpeg-4";
const QUICKTIME: &str = "com.apple.quicktime-movie";

/// Films are small because each frame is encoded at start.
pub const FILM_SIZE: (u32, u32) = (240, 176);

/// A press of the shutter, from which the files of a photo or video are made.
#[derive(Debug, Clone)]
pub struct Shot {
    name: String,
    scene: Scene,
    capture: Capture,
    spot: Spot,
    width: u32,
    height: u32,
}

impl Shot {
    /// `local` is what the clock at the spot showed, for example `2024-03-01T12:30:45`.
    pub fn new(name: &str, local: &str, spot: Spot) -> Shot {
        let wall: DateTime = local.parse().unwrap_or_else(|error| panic!("{local}: {error}"));
        let offset = Offset::from_seconds(spot.offset_s).expect("an offset of less than a day");
        let taken = offset.to_timestamp(wall).expect("a date within jiff's years");
        let capture = Capture {
            taken_ms: taken.as_millisecond(),
            offset_s: spot.offset_s,
            camera: PHONE,
            orientation: 1,
            place: Some((spot.latitude, spot.longitude)),
            content_id: None,
        };
        let seed = hash(&[name, local].concat());
        Shot {
            name: name.to_owned(),
            scene: Scene { seed, number: number_in(name) },
            capture,
            spot,
            width: 480,
            height: 352,
        }
    }

    pub fn sized(self, width: u32, height: u32) -> Shot {
        Shot { width, height, ..self }
    }

    pub fn with(mut self, camera: Camera) -> Shot {
        self.capture.camera = camera;
        self
    }

    /// Somewhere the camera did not note.
    pub fn nowhere(mut self) -> Shot {
        self.capture.place = None;
        self
    }

    /// Held upright: stored on its side, put right by its orientation.
    pub fn upright(mut self) -> Shot {
        self.capture.orientation = 6;
        self
    }

    pub fn jpeg(&self) -> NewPhoto {
        self.photo(self.jpeg_file())
    }

    pub fn heic(&self) -> NewPhoto {
        self.photo(self.heic_file())
    }

    pub fn png(&self) -> NewPhoto {
        self.photo(self.resource("public.png", media::png(&self.picture(), &self.capture)))
    }

    pub fn tiff(&self) -> NewPhoto {
        self.photo(self.resource("public.tiff", media::tiff(&self.picture(), &self.capture)))
    }

    pub fn gif(&self) -> NewPhoto {
        self.photo(self.resource(GIF, media::animated_gif(self.scene, self.width, self.height, 6)))
    }

    pub fn dng(&self) -> NewPhoto {
        self.photo(self.dng_file())
    }

    /// A RAW and a JPEG of one moment; which of them counts as the original varies by how they were imported.
    pub fn raw_and_jpeg(&self, raw_first: bool) -> NewPhoto {
        let [original, alternative] = match raw_first {
            true => [self.dng_file(), self.jpeg_file()],
            false => [self.jpeg_file(), self.dng_file()],
        };
        NewPhoto { alternative: Some(alternative), ..self.photo(original) }
    }

    /// A Live Photo: a HEIC and a film of 2.4 seconds, joined by one content identifier.
    pub fn live(mut self) -> NewPhoto {
        self.capture.content_id = Some(content_id(self.scene.seed));
        let film = self.film_file(self.scene, Container::LivePhoto, 2400, 6);
        self.heic().live(film)
    }

    /// A QuickTime film.
    pub fn mov(&self, duration_ms: u32) -> NewPhoto {
        self.film(Container::QuickTime, duration_ms, 8)
    }

    /// An MPEG-4 film.
    pub fn mp4(&self, duration_ms: u32) -> NewPhoto {
        self.film(Container::Mpeg4, duration_ms, 8)
    }

    pub fn film(&self, container: Container, duration_ms: u32, frames: u32) -> NewPhoto {
        let file = self.film_file(self.scene, container, duration_ms, frames);
        NewPhoto { duration_ms: i64::from(duration_ms), ..self.photo(file) }
    }

    /// The whole film file, for what goes before or behind it.
    pub fn film_bytes(&self, duration_ms: u32, frames: u32) -> Vec<u8> {
        self.make_film(self.scene, Container::QuickTime, duration_ms, frames)
    }

    /// What the photo is with this file as its original.
    pub fn photo(&self, original: Resource) -> NewPhoto {
        NewPhoto {
            added_ms: Some(self.capture.taken_ms + 90_000),
            orientation: self.capture.orientation as u8,
            renditions: self.renditions(&original),
            location: self.location(),
            ..NewPhoto::new(&self.name, original, self.capture.taken_ms)
        }
        .in_zone(self.spot.offset_s, self.spot.zone)
    }

    /// What Apple makes of an original: always a thumbnail, a JPEG of what is none, and for a small film the film itself
    /// (protocol/photos.md §5.1).
    fn renditions(&self, original: &Resource) -> Vec<(Slot, Resource)> {
        let medium = match &*original.uti {
            JPEG | GIF => None,
            QUICKTIME | MPEG4 => Some((Slot::MediumVideo, original.clone())),
            _ => {
                let (width, height) = (self.width / 2, self.height / 2);
                let file = media::jpeg(&self.scene.paint(width, height), &self.as_rendered());
                Some((Slot::MediumPicture, Resource::new(JPEG, file).sized(width, height)))
            }
        };
        [self.thumbnail(self.scene.paint(80, 60))].into_iter().chain(medium).collect()
    }

    fn thumbnail(&self, picture: RgbImage) -> (Slot, Resource) {
        let capture = Capture { place: None, content_id: None, ..self.as_rendered() };
        (Slot::Thumbnail, Resource::new(JPEG, media::jpeg(&picture, &capture)).sized(80, 60))
    }

    fn location(&self) -> Option<Location> {
        let altitude = self.spot.altitude;
        self.capture.place.map(|(latitude, longitude)| Location { latitude, longitude, altitude })
    }

    pub fn jpeg_file(&self) -> Resource {
        self.resource(JPEG, media::jpeg(&self.picture(), &self.capture))
    }

    pub fn heic_file(&self) -> Resource {
        self.resource(HEIC, media::heic(&self.picture(), &self.capture))
    }

    fn dng_file(&self) -> Resource {
        self.resource(DNG, media::dng(&self.picture(), &self.capture))
    }

    /// What Photos leaves behind after an edit: renderings without colour, as JPEG whatever the original was.
    pub fn edit_as_jpeg(&self) -> Edit {
        self.edit(JPEG, media::jpeg)
    }

    /// The same as HEIC.
    pub fn edit_as_heic(&self) -> Edit {
        self.edit(HEIC, media::heic)
    }

    fn edit(&self, uti: &'static str, write: fn(&RgbImage, &Capture) -> Vec<u8>) -> Edit {
        let rendering = write(&without_colour(self.scene.paint(self.width, self.height)), &self.as_rendered());
        let thumbnail = self.thumbnail(without_colour(self.scene.paint(80, 60)));
        Edit { picture: Some(self.resource(uti, rendering)), renditions: vec![thumbnail], ..Edit::new() }
    }

    /// A film as it is after a cut: the second half of it.
    pub fn cut(&self, container: Container, duration_ms: u32) -> Resource {
        let scene = Scene { seed: self.scene.seed ^ 1, ..self.scene };
        self.film_file(scene, container, duration_ms, 4)
    }

    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Renderings are upright.
    fn as_rendered(&self) -> Capture {
        Capture { orientation: 1, ..self.capture.clone() }
    }

    fn picture(&self) -> RgbImage {
        match self.capture.orientation {
            6 => media::on_its_side(&self.scene.paint(self.height, self.width)),
            _ => self.scene.paint(self.width, self.height),
        }
    }

    fn resource(&self, uti: &'static str, file: Vec<u8>) -> Resource {
        Resource::new(uti, file).sized(self.width, self.height)
    }

    fn film_file(&self, scene: Scene, container: Container, duration_ms: u32, frames: u32) -> Resource {
        let uti = if container == Container::Mpeg4 { MPEG4 } else { QUICKTIME };
        Resource::new(uti, self.make_film(scene, container, duration_ms, frames)).sized(FILM_SIZE.0, FILM_SIZE.1)
    }

    fn make_film(&self, scene: Scene, container: Container, duration_ms: u32, frames: u32) -> Vec<u8> {
        let (width, height) = FILM_SIZE;
        Film { scene, container, width, height, frames, duration_ms }.make(&self.capture)
    }
}

fn without_colour(mut picture: RgbImage) -> RgbImage {
    for pixel in picture.as_chunks_mut::<3>().0 {
        let [red, green, blue] = pixel.map(u16::from);
        *pixel = [((red + 2 * green + blue) / 4) as u8; 3];
    }
    picture
}

/// The digits of a name, the last four at the most: `IMG_0042.HEIC` shows 0042.
fn number_in(name: &str) -> u32 {
    name.chars().filter_map(|c| c.to_digit(10)).fold(0, |number, digit| (number * 10 + digit) % 10_000)
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn content_id(seed: u64) -> String {
    format!("{:08X}-{:04X}-4000-8000-{:012X}", seed >> 32, seed >> 16 & 0xffff, seed & 0xffff_ffff_ffff)
}
