//! One picture as HEVC (H.265, Main Still Picture) made of raw blocks (`pcm_flag`): every decoder shows it, nothing is
//! lost, and no compressor is needed. The price is size: 1.5 bytes for each pixel.

use image::RgbImage;

use super::cabac::{Arithmetic, BitWriter};

/// Width and height of a coding block: both sides of a picture must be multiples of it.
pub const BLOCK: u32 = 16;

/// `part_mode` starts in this state (initValue 184 at QP 26, H.265 §9.3.2.2), its likely value being the whole block.
const PART_MODE_STATE: usize = 0;

#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Video = 32,
    Sequence = 33,
    Picture = 34,
    /// An instantaneous refresh picture without leading pictures (IDR_N_LP).
    Slice = 20,
}

/// The three parameter sets, as a decoder configuration record wants them.
pub fn parameter_sets(width: u32, height: u32) -> [(Unit, Vec<u8>); 3] {
    [
        (Unit::Video, nal(Unit::Video, video_parameters())),
        (Unit::Sequence, nal(Unit::Sequence, sequence_parameters(width, height))),
        (Unit::Picture, nal(Unit::Picture, picture_parameters())),
    ]
}

/// The one slice of the picture.
pub fn slice(picture: &RgbImage) -> Vec<u8> {
    let planes = Planes::of(picture);
    let mut out = BitWriter::default();
    out.bits(0b10, 2); // first slice of the picture; no_output_of_prior_pics_flag
    out.golomb(0); // picture parameter set
    out.golomb(2); // an I slice
    out.golomb(0); // slice_qp_delta
    out.trail();
    let mut coder = Arithmetic::default();
    let mut state = PART_MODE_STATE;
    let (columns, rows) = (planes.width / BLOCK as usize, planes.height / BLOCK as usize);
    for block in 0..columns * rows {
        if block > 0 {
            coder.go_on(&mut out);
        }
        coder.likely(&mut state, &mut out);
        coder.finish(&mut out); // pcm_flag
        planes.write_block(block % columns, block / columns, &mut out);
        coder = Arithmetic::default();
    }
    coder.finish(&mut out); // end_of_slice_segment_flag
    nal(Unit::Slice, out)
}

/// Profile, compatibility, constraints and level: twelve bytes that the configuration record repeats.
pub const PROFILE_TIER_LEVEL: [u8; 12] = [0x03, 0x70, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 120];

fn video_parameters() -> BitWriter {
    let mut out = BitWriter::default();
    out.bits(0, 4); // its number
    out.bits(0b11, 2); // base layer: internal, available
    out.bits(0, 6); // one layer
    out.bits(0, 3); // one sub-layer
    out.bits(1, 1); // temporal nesting
    out.bits(0xffff, 16);
    out.bytes(&PROFILE_TIER_LEVEL);
    out.bits(1, 1); // ordering info follows: one picture, no reordering, no latency
    (0..3).for_each(|_| out.golomb(0));
    out.bits(0, 6); // highest layer
    out.golomb(0); // one layer set
    out.bits(0, 2); // no timing, no extension
    out.trail();
    out
}

fn sequence_parameters(width: u32, height: u32) -> BitWriter {
    let mut out = BitWriter::default();
    out.bits(0b0000_0001, 8); // video parameter set 0, one sub-layer, temporal nesting
    out.bytes(&PROFILE_TIER_LEVEL);
    out.golomb(0); // its number
    out.golomb(1); // 4:2:0
    out.golomb(width);
    out.golomb(height);
    out.bits(0, 1); // no cropping
    out.golomb(0); // eight bits of luma
    out.golomb(0); // and of chroma
    out.golomb(0); // four bits of picture order
    out.bits(1, 1); // ordering info follows
    (0..3).for_each(|_| out.golomb(0));
    out.golomb(1); // smallest coding block: 16
    out.golomb(0); // and the largest
    out.golomb(0); // smallest transform: 4
    out.golomb(2); // largest: 16
    out.golomb(0);
    out.golomb(0); // transform depths
    out.bits(0b0001, 4); // no scaling lists, no asymmetric parts, no adaptive offset; raw blocks
    out.bits(7, 4); // of eight bits of luma
    out.bits(7, 4); // and of chroma
    out.golomb(1); // 16 wide at the least
    out.golomb(0); // and at the most
    out.bits(1, 1); // left alone by the loop filter
    out.golomb(0); // no reference picture sets
    out.bits(0b000, 3); // no long-term references, no motion prediction, no smoothing
    out.bits(1, 1); // usability information follows
    out.bits(0b00, 2); // no aspect ratio, no overscan
    out.bits(0b11_0111, 6); // video signal: unspecified format, full range, colours described:
    out.bits(1, 8); // BT.709 primaries
    out.bits(13, 8); // sRGB transfer
    out.bits(6, 8); // BT.601 matrix
    out.bits(0, 8); // none of: chroma location … bitstream restriction; no extension
    out.bits(0, 1);
    out.trail();
    out
}

fn picture_parameters() -> BitWriter {
    let mut out = BitWriter::default();
    out.golomb(0); // its number
    out.golomb(0); // sequence parameter set 0
    out.bits(0, 7); // no dependent slices … no cabac_init_present
    out.golomb(0);
    out.golomb(0); // one reference each
    out.golomb(0); // QP 26
    out.bits(0, 3); // no constrained intra, no transform skip, no QP deltas
    out.golomb(0);
    out.golomb(0); // no chroma offsets
    out.bits(0, 7); // no slice offsets, weights, lossless blocks, tiles, wave fronts, filtering across slices
    out.bits(0b101, 3); // deblocking control: no override, disabled
    out.bits(0, 2); // no scaling lists, no list modification
    out.golomb(0); // merge level
    out.bits(0, 2); // no slice header extension, no extension
    out.trail();
    out
}

/// Header, then the payload with an emulation prevention byte after any two zeros before a byte of 3 or less (H.265 §7.4.2).
fn nal(unit: Unit, payload: BitWriter) -> Vec<u8> {
    let payload = payload.into_bytes();
    let mut out = Vec::with_capacity(payload.len() + payload.len() / 64);
    out.extend_from_slice(&[(unit as u8) << 1, 1]);
    let mut zeros = 0;
    for byte in payload {
        if zeros == 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// Luma, and chroma at half the width and height.
struct Planes {
    width: usize,
    height: usize,
    luma: Vec<u8>,
    chroma: [Vec<u8>; 2],
}

impl Planes {
    fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        assert!(
            width % BLOCK as usize == 0 && height % BLOCK as usize == 0,
            "{width}x{height} is not made of whole blocks"
        );
        let pixels = picture.as_chunks().0;
        let luma = pixels.iter().map(|pixel| weigh(pixel, [77, 150, 29], 0)).collect();
        let chroma = [[-43, -85, 128], [128, -107, -21]].map(|weights| {
            let lines = pixels.chunks_exact(width).step_by(2);
            lines.flat_map(|line| line.iter().step_by(2).map(|pixel| weigh(pixel, weights, 128))).collect()
        });
        Self { width, height, luma, chroma }
    }

    fn write_block(&self, column: usize, row: usize, out: &mut BitWriter) {
        write_square(&self.luma, self.width, column, row, BLOCK as usize, out);
        for plane in &self.chroma {
            write_square(plane, self.width / 2, column, row, BLOCK as usize / 2, out);
        }
    }
}

fn write_square(plane: &[u8], stride: usize, column: usize, row: usize, side: usize, out: &mut BitWriter) {
    for line in plane.chunks_exact(stride).skip(row * side).take(side) {
        out.bytes(&line[column * side..(column + 1) * side]);
    }
}

/// A weighted sum of red, green and blue in 256ths (BT.601, full range).
fn weigh(pixel: &[u8; 3], weights: [i32; 3], base: i32) -> u8 {
    let [red, green, blue] = pixel.map(i32::from);
    let sum = red * weights[0] + green * weights[1] + blue * weights[2];
    ((sum >> 8) + base).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::super::Scene;
    use super::super::cabac::Decoder;
    use super::*;

    /// Takes the emulation prevention bytes out again.
    fn payload(nal: &[u8]) -> Vec<u8> {
        let is_inserted = |at: usize| at >= 2 && nal[at] == 3 && nal[at - 2..at] == [0, 0];
        (2..nal.len()).filter(|at| !is_inserted(*at)).map(|at| nal[at]).collect()
    }

    #[test]
    fn a_decoder_finds_every_sample_of_the_picture() {
        let mut picture = Scene::new(6).paint(48, 32);
        // Black: zeros in a row, which must not look like a start code.
        picture.chunks_exact_mut(3).take(200).for_each(|pixel| pixel.fill(0));
        let nal = slice(&picture);
        assert!(!nal.windows(3).any(|three| three[..2] == [0, 0] && three[2] < 3));
        let (payload, planes) = (payload(&nal), Planes::of(&picture));
        // The slice header fills one byte.
        let mut decoder = Decoder::new(&payload[1..]);
        let mut state = PART_MODE_STATE;
        for block in 0..6 {
            assert!(decoder.likely(&mut state), "block {block} is whole");
            assert!(decoder.ends(), "block {block} is raw");
            let mut expected = BitWriter::default();
            planes.write_block(block % 3, block / 3, &mut expected);
            assert_eq!(decoder.raw(16 * 16 * 3 / 2), expected.into_bytes(), "block {block}");
            assert_eq!(decoder.ends(), block == 5, "the slice ends with its last block");
        }
    }

    #[test]
    fn grey_has_no_colour_and_white_is_full() {
        assert_eq!(weigh(&[255, 255, 255], [77, 150, 29], 0), 255);
        assert_eq!(weigh(&[90, 90, 90], [-43, -85, 128], 128), 128);
    }
}
