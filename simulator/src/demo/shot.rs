use image::RgbImage;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::spot::Spot;
use crate::library::{Edit, FileName, Location, NewPhoto, Resource, Slot};
use crate::media::{self, Camera, Capture, Container, Film, Scene};

pub const PHONE: Camera = Camera { make: "Apple", model: "iPhone 15 Pro" };
pub const SCANNER: Camera = Camera { make: "EPSON", model: "Perfection V600" };
pub const SLR: Camera = Camera { make: "Canon", model: "Canon EOS R6" };

const JPEG: &str = "public.jpeg";
const HEIC: &str = "public.heic";
const DNG: &str = "com.adobe.raw-image";
const QUICKTIME: &str = "com.apple.quicktime-movie";

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
        self.photo(self.resource("com.compuserve.gif", media::animated_gif(self.scene, self.width, self.height, 6)))
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
        let thumbnail = Capture { place: None, content_id: None, ..self.capture.clone() };
        let thumbnail = media::jpeg(&self.scene.paint(80, 60), &thumbnail);
        NewPhoto {
            added_ms: Some(self.capture.taken_ms + 90_000),
            orientation: self.capture.orientation as u8,
            renditions: vec![(Slot::Thumbnail, Resource::new(JPEG, thumbnail).sized(80, 60))],
            location: self.capture.place.map(|(latitude, longitude)| Location {
                latitude,
                longitude,
                altitude: self.spot.altitude,
            }),
            ..NewPhoto::new(&self.name, original, self.capture.taken_ms)
        }
        .in_zone(self.spot.offset_s, self.spot.zone)
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

    /// What Photos leaves behind after an edit: a rendering without colour, as JPEG whatever the original was.
    pub fn edit_as_jpeg(&self) -> Edit {
        let rendering = media::jpeg(&without_colour(self.scene.paint(self.width, self.height)), &self.as_edited());
        Edit { picture: Some(Resource::new(JPEG, rendering).sized(self.width, self.height)), ..Edit::new() }
    }

    /// The same as HEIC.
    pub fn edit_as_heic(&self) -> Edit {
        let rendering = media::heic(&without_colour(self.scene.paint(self.width, self.height)), &self.as_edited());
        Edit { picture: Some(Resource::new(HEIC, rendering).sized(self.width, self.height)), ..Edit::new() }
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
    fn as_edited(&self) -> Capture {
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
        let uti = if container == Container::Mpeg4 { "public.mpeg-4" } else { QUICKTIME };
        Resource::new(uti, self.make_film(scene, container, duration_ms, frames)).sized(320, 240)
    }

    fn make_film(&self, scene: Scene, container: Container, duration_ms: u32, frames: u32) -> Vec<u8> {
        Film { scene, container, width: 320, height: 240, frames, duration_ms }.make(&self.capture)
    }
}

/// Changes to a photo that read better after it than around it.
pub trait Retouch: Sized {
    fn favourite(self) -> Self;
    fn named(self, name: FileName) -> Self;
    fn edited(self, edit: Edit) -> Self;
    fn captioned(self, caption: &str) -> Self;
}

impl Retouch for NewPhoto {
    fn favourite(self) -> NewPhoto {
        NewPhoto { favourite: true, ..self }
    }

    fn named(self, file_name: FileName) -> NewPhoto {
        NewPhoto { file_name, ..self }
    }

    fn edited(self, edit: Edit) -> NewPhoto {
        NewPhoto { edit: Some(edit), ..self }
    }

    fn captioned(self, caption: &str) -> NewPhoto {
        NewPhoto { caption: Some(caption.to_owned()), ..self }
    }
}

fn without_colour(mut picture: RgbImage) -> RgbImage {
    for pixel in picture.chunks_exact_mut(3) {
        let grey = (u16::from(pixel[0]) + 2 * u16::from(pixel[1]) + u16::from(pixel[2])) / 4;
        pixel.fill(grey as u8);
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
