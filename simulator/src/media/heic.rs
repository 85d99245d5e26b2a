use image::RgbImage;

use super::boxes::{atom, full_atom, halves, words};
use super::{Capture, hevc};

/// A HEIC file (ISO/IEC 23008-12): one HEVC picture and its EXIF. Both sides must be multiples of [`hevc::BLOCK`].
pub fn heic(picture: &RgbImage, capture: &Capture) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let slice = hevc::slice(picture);
    let coded = [&words(&[slice.len() as u32])[..], &slice].concat();
    let exif = [&[0; 4][..], &capture.exif(width, height)].concat();
    let brands = atom(b"ftyp", &[b"heic", &words(&[0]), b"mif1heic"]);
    let sizes = [coded.len() as u32, exif.len() as u32];
    let before = (brands.len() + meta(picture, capture, 0, sizes).len() + 8) as u32;
    [brands, meta(picture, capture, before, sizes), atom(b"mdat", &[&coded, &exif])].concat()
}

/// Item 1 is the picture, item 2 its EXIF; `start` is where the first begins in the file.
fn meta(picture: &RgbImage, capture: &Capture, start: u32, [coded, exif]: [u32; 2]) -> Vec<u8> {
    let handler = full_atom(b"hdlr", 0, 0, &[&words(&[0]), b"pict", &[0; 13]]);
    let primary = full_atom(b"pitm", 0, 0, &[&halves(&[1])]);
    let place = |item: u16, offset: u32, size: u32| [halves(&[item, 0, 1]), words(&[offset, size])].concat();
    let locations = [place(1, start, coded), place(2, start + coded, exif)].concat();
    let locations = full_atom(b"iloc", 0, 0, &[&halves(&[0x4400, 2]), &locations]);
    let entry = |item: u16, kind: &[u8; 4], flags| full_atom(b"infe", 2, flags, &[&halves(&[item, 0]), kind, b"\0"]);
    let items = full_atom(b"iinf", 0, 0, &[&halves(&[2]), &entry(1, b"hvc1", 0), &entry(2, b"Exif", 1)]);
    let references = full_atom(b"iref", 0, 0, &[&atom(b"cdsc", &[&halves(&[2, 1, 1])])]);
    full_atom(b"meta", 0, 0, &[&handler, &primary, &locations, &items, &references, &properties(picture, capture)])
}

fn properties(picture: &RgbImage, capture: &Capture) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let properties = [
        configuration(width, height),
        full_atom(b"ispe", 0, 0, &[&words(&[width, height])]),
        atom(b"colr", &[b"nclx", &halves(&[1, 13, 6]), &[0x80]]),
        full_atom(b"pixi", 0, 0, &[&[3, 8, 8, 8]]),
        atom(b"irot", &[&[quarter_turns(capture.orientation)]]),
    ];
    let container = atom(b"ipco", &[&properties.concat()]);
    // One item, number 1, five properties; the configuration and the rotation are essential (top bit).
    let association = full_atom(b"ipma", 0, 0, &[&words(&[1]), &halves(&[1]), &[5, 0x81, 2, 3, 4, 0x85]]);
    atom(b"iprp", &[&container, &association])
}

/// The decoder configuration record (ISO/IEC 14496-15 §8.3.3.1): Main Still Picture, 4:2:0, eight bits, lengths of four bytes.
fn configuration(width: u32, height: u32) -> Vec<u8> {
    let mut record = vec![1];
    record.extend_from_slice(&hevc::PROFILE_TIER_LEVEL);
    record.extend_from_slice(&[0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, 3]);
    for (unit, nal) in hevc::parameter_sets(width, height) {
        record.push(0x80 | unit as u8);
        record.extend_from_slice(&halves(&[1, nal.len() as u16]));
        record.extend_from_slice(&nal);
    }
    atom(b"hvcC", &[&record])
}

/// EXIF orientation as quarter turns to the left.
fn quarter_turns(orientation: u16) -> u8 {
    match orientation {
        6 => 3,
        3 => 2,
        8 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::boxes::{find, parse};
    use super::super::{Scene, tests::capture};
    use super::*;

    #[test]
    fn a_heic_names_its_picture_its_exif_and_where_they_lie() {
        let picture = Scene::new(3).paint(64, 48);
        let file = heic(&picture, &capture());
        assert_eq!(parse(&file).iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["ftyp", "meta", "mdat"]);
        let meta = &find(&file, "meta")[4..];
        let locations = find(meta, "iloc");
        let word = |at: usize| u32::from_be_bytes(locations[at..at + 4].try_into().unwrap()) as usize;
        let (start, size) = (word(14), word(18));
        // The slice: its length, then the unit's header, IDR_N_LP.
        assert_eq!(u32::from_be_bytes(file[start..start + 4].try_into().unwrap()) as usize, size - 4);
        assert_eq!(file[start + 4..start + 6], [20 << 1, 1]);
        let (exif, exif_size) = (word(28), word(32));
        assert_eq!(&file[exif + 4..exif + 8], b"MM\0\x2a");
        assert_eq!(exif + exif_size, file.len());
    }
}
