use super::boxes::{atom, full_atom, halves, words};
use super::{Capture, Scene, still};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// A QuickTime file without `ftyp`, as the films of many Live Photos are: `wide` and `mdat` come first (protocol/photos.md §5.3).
    LivePhoto,
    QuickTime,
    Mpeg4,
}

/// A silent film of a [`Scene`] whose frames are JPEG pictures.
#[derive(Debug, Clone, Copy)]
pub struct Film {
    pub scene: Scene,
    pub container: Container,
    pub width: u32,
    pub height: u32,
    pub frames: u32,
    pub duration_ms: u32,
}

/// Units of a film's time in a second; 600 is QuickTime's custom.
const TIME_SCALE: u32 = 600;
/// Seconds from 1904, where QuickTime's dates begin, to 1970.
const MAC_EPOCH_OFFSET_S: i64 = 2_082_844_800;
const IDENTITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

impl Film {
    pub fn make(&self, capture: &Capture) -> Vec<u8> {
        let frames: Vec<Vec<u8>> = (0..self.frames).map(|place| self.frame(place)).collect();
        let head = match self.container {
            Container::LivePhoto => atom(b"wide", &[]),
            Container::QuickTime => [atom(b"ftyp", &[b"qt  ", &words(&[0]), b"qt  "]), atom(b"wide", &[])].concat(),
            Container::Mpeg4 => atom(b"ftyp", &[b"mp42", &words(&[0]), b"isommp42"]),
        };
        let first = head.len() as u32 + 8;
        let sizes: Vec<u32> = frames.iter().map(|frame| frame.len() as u32).collect();
        [head, atom(b"mdat", &[&frames.concat()]), self.movie(capture, first, &sizes)].concat()
    }

    fn frame(&self, place: u32) -> Vec<u8> {
        still::bare_jpeg(&self.scene.frame(self.width, self.height, place as f32 / self.frames as f32))
    }

    /// The film's length in [`TIME_SCALE`] units: a whole number for each frame.
    fn duration(&self) -> u32 {
        self.frame_duration() * self.frames
    }

    fn frame_duration(&self) -> u32 {
        (self.duration_ms * TIME_SCALE / 1000 / self.frames).max(1)
    }

    fn movie(&self, capture: &Capture, first: u32, sizes: &[u32]) -> Vec<u8> {
        let made = (capture.taken_ms.div_euclid(1000) + MAC_EPOCH_OFFSET_S).clamp(0, i64::from(u32::MAX)) as u32;
        let head = [words(&[made, made, TIME_SCALE, self.duration(), 0x1_0000, 0x0100_0000, 0, 0]), words(&IDENTITY)];
        let head = full_atom(b"mvhd", 0, 0, &[&head.concat(), &words(&[0, 0, 0, 0, 0, 0, 2])]);
        let track_head = [words(&[made, made, 1, 0, self.duration(), 0, 0, 0, 0]), words(&IDENTITY)].concat();
        let track_head = full_atom(b"tkhd", 0, 7, &[&track_head, &words(&[self.width << 16, self.height << 16])]);
        let track = atom(b"trak", &[&track_head, &self.media(made, first, sizes)]);
        match self.container {
            Container::Mpeg4 => atom(b"moov", &[&head, &track]),
            _ => atom(b"moov", &[&head, &track, &metadata(capture)]),
        }
    }

    fn media(&self, made: u32, first: u32, sizes: &[u32]) -> Vec<u8> {
        const UNDETERMINED_LANGUAGE: u32 = 0x55c4 << 16;
        let head = words(&[made, made, TIME_SCALE, self.duration(), UNDETERMINED_LANGUAGE]);
        let head = full_atom(b"mdhd", 0, 0, &[&head]);
        // A component type is QuickTime's own; MPEG-4 has zeros there.
        let component: &[u8; 4] = if self.container == Container::Mpeg4 { &[0; 4] } else { b"mhlr" };
        let handler = full_atom(b"hdlr", 0, 0, &[component, b"vide", &[0; 13]]);
        let video = full_atom(b"vmhd", 0, 1, &[&[0; 8]]);
        let here = full_atom(b"dref", 0, 0, &[&words(&[1]), &full_atom(b"url ", 0, 1, &[])]);
        let info = atom(b"minf", &[&video, &atom(b"dinf", &[&here]), &self.samples(first, sizes)]);
        atom(b"mdia", &[&head, &handler, &info])
    }

    /// All frames lie in one chunk that begins at byte `first` of the file.
    fn samples(&self, first: u32, sizes: &[u32]) -> Vec<u8> {
        let count = sizes.len() as u32;
        let description = full_atom(b"stsd", 0, 0, &[&words(&[1]), &self.sample_entry()]);
        let times = full_atom(b"stts", 0, 0, &[&words(&[1, count, self.frame_duration()])]);
        let chunks = full_atom(b"stsc", 0, 0, &[&words(&[1, 1, count, 1])]);
        let lengths = full_atom(b"stsz", 0, 0, &[&words(&[0, count]), &words(sizes)]);
        let offsets = full_atom(b"stco", 0, 0, &[&words(&[1, first])]);
        atom(b"stbl", &[&description, &times, &chunks, &lengths, &offsets])
    }

    fn sample_entry(&self) -> Vec<u8> {
        let mut name = [0; 32];
        name[..13].copy_from_slice(b"\x0cPhoto - JPEG");
        let size = halves(&[self.width as u16, self.height as u16]);
        let start =
            [&[0, 0, 0, 0, 0, 0, 0, 1][..], &[0; 16], &size, &words(&[72 << 16, 72 << 16, 0]), &halves(&[1])].concat();
        let end = halves(&[24, 0xffff]);
        match self.container {
            Container::Mpeg4 => atom(b"mp4v", &[&start, &name, &end, &jpeg_stream_descriptor()]),
            _ => atom(b"jpeg", &[&start, &name, &end]),
        }
    }
}

/// An elementary stream of JPEG pictures (object type 0x6c, ISO/IEC 14496-1 §7.2.6).
fn jpeg_stream_descriptor() -> Vec<u8> {
    let decoder = [&[4, 13, 0x6c, 0x11][..], &[0; 11]].concat();
    full_atom(b"esds", 0, 0, &[&[3, 3 + 15 + 3, 0, 1, 0], &decoder, &[6, 1, 2]])
}

/// Apple's film metadata: camera, date and place, and the identifier that joins a Live Photo's halves.
fn metadata(capture: &Capture) -> Vec<u8> {
    let date = capture.local().strftime("%Y-%m-%dT%H:%M:%S").to_string() + &capture.offset_text().replace(':', "");
    let mut pairs = vec![
        ("com.apple.quicktime.make", capture.camera.make.to_owned()),
        ("com.apple.quicktime.model", capture.camera.model.to_owned()),
        ("com.apple.quicktime.creationdate", date),
    ];
    pairs.extend(
        capture.place.map(|(lat, lon)| ("com.apple.quicktime.location.ISO6709", format!("{lat:+08.4}{lon:+09.4}/"))),
    );
    pairs.extend(capture.content_id.clone().map(|id| ("com.apple.quicktime.content.identifier", id)));
    let keys: Vec<u8> = pairs.iter().flat_map(|(key, _)| atom(b"mdta", &[key.as_bytes()])).collect();
    let entry = |(place, (_, value)): (usize, &(&str, String))| {
        // Type 1 is UTF-8 text.
        atom(&(place as u32 + 1).to_be_bytes(), &[&atom(b"data", &[&words(&[1, 0]), value.as_bytes()])])
    };
    let values: Vec<u8> = pairs.iter().enumerate().flat_map(entry).collect();
    let handler = full_atom(b"hdlr", 0, 0, &[&words(&[0]), b"mdta", &[0; 13]]);
    let keys = full_atom(b"keys", 0, 0, &[&words(&[pairs.len() as u32]), &keys]);
    atom(b"meta", &[&handler, &keys, &atom(b"ilst", &[&values])])
}

/// Bytes of a [`free_header`].
pub const FREE_HEADER: usize = 8;

/// What stands before `padding` bytes of anything, so that a film with them behind it is still a film.
pub fn free_header(padding: u32) -> Vec<u8> {
    [&words(&[padding + FREE_HEADER as u32])[..], b"free"].concat()
}

#[cfg(test)]
mod tests {
    use super::super::boxes::{find, parse};
    use super::super::tests::capture;
    use super::*;

    fn film(container: Container) -> Vec<u8> {
        Film { scene: Scene::new(9), container, width: 64, height: 48, frames: 4, duration_ms: 2400 }.make(&capture())
    }

    fn kinds(file: &[u8]) -> Vec<String> {
        parse(file).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn each_container_begins_as_it_should() {
        assert_eq!(kinds(&film(Container::LivePhoto)), ["wide", "mdat", "moov"]);
        assert_eq!(kinds(&film(Container::QuickTime)), ["ftyp", "wide", "mdat", "moov"]);
        assert_eq!(kinds(&film(Container::Mpeg4)), ["ftyp", "mdat", "moov"]);
    }

    #[test]
    fn frames_lie_where_the_tables_say_and_last_as_long_as_asked() {
        let file = film(Container::LivePhoto);
        let table = |path: &str| {
            find(&file, &format!("moov/trak/mdia/minf/stbl/{path}"))
                .chunks(4)
                .map(|w| u32::from_be_bytes(w.try_into().unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(table("stts")[1..], [1, 4, 360]);
        let mut at = table("stco")[2] as usize;
        for size in &table("stsz")[3..] {
            assert_eq!(file[at..at + 2], [0xff, 0xd8]);
            at += *size as usize;
            assert_eq!(file[at - 2..at], [0xff, 0xd9]);
        }
        let head = find(&file, "moov/mvhd");
        assert_eq!(u32::from_be_bytes(head[16..20].try_into().unwrap()), 1440);
    }

    #[test]
    fn the_metadata_names_camera_date_and_pair() {
        let file = film(Container::LivePhoto);
        let values = String::from_utf8_lossy(find(&file, "moov/meta/ilst")).into_owned();
        assert!(values.contains("2024-03-01T12:30:45+0100"), "{values}");
        assert!(values.contains("2F0C7A54"), "{values}");
    }
}
