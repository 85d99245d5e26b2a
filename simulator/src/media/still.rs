//! Still pictures in the formats of the `image` crate, and the two that are little more than an [`Ifd`].

use image::codecs::{gif::GifEncoder, jpeg::JpegEncoder, png::PngEncoder};
use image::{Delay, ExtendedColorType, Frame, ImageEncoder, RgbImage, buffer::ConvertBuffer, imageops};

use super::ifd::Ifd;
use super::{Capture, Scene};

/// Above this, JPEG shows no difference in flat landscapes.
const JPEG_QUALITY: u8 = 85;

/// A JPEG with EXIF.
pub fn jpeg(picture: &RgbImage, capture: &Capture) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
    encoder.set_exif_metadata(capture.exif(picture.width(), picture.height())).expect("JPEG holds EXIF");
    write(encoder, picture);
    file
}

/// A JPEG without anything around it, as the frames of a film are.
pub fn bare_jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    write(JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY), picture);
    file
}

/// A PNG with EXIF.
pub fn png(picture: &RgbImage, capture: &Capture) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new(&mut file);
    encoder.set_exif_metadata(capture.exif(picture.width(), picture.height())).expect("PNG holds EXIF");
    write(encoder, picture);
    file
}

fn write(encoder: impl ImageEncoder, picture: &RgbImage) {
    let (width, height) = picture.dimensions();
    encoder
        .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)
        .expect("a picture in memory is written to memory");
}

/// A GIF of `frames` frames, each shown for 120 ms.
pub fn animated_gif(scene: Scene, width: u32, height: u32, frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut file, 30);
    encoder.set_repeat(image::codecs::gif::Repeat::Infinite).expect("a GIF may repeat");
    for place in 0..frames {
        let picture = scene.frame(width, height, place as f32 / frames as f32);
        let frame = Frame::from_parts(picture.convert(), 0, 0, Delay::from_numer_denom_ms(120, 1));
        encoder.encode_frame(frame).expect("a picture in memory is written to memory");
    }
    drop(encoder);
    file
}

/// An uncompressed RGB TIFF (TIFF 6.0 §6).
pub fn tiff(picture: &RgbImage, capture: &Capture) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let ifd = raster(picture, picture.as_raw().clone())
        .shorts(0x0102, &[8, 8, 8])
        .shorts(0x0106, &[2]) // RGB
        .shorts(0x0115, &[3]);
    capture.describe(ifd, width, height).into_tiff()
}

/// An uncompressed raw picture of a Bayer sensor, sixteen bits a pixel (DNG 1.4).
pub fn dng(picture: &RgbImage, capture: &Capture) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let ifd = raster(picture, mosaic(picture))
        .shorts(0x0102, &[16])
        .shorts(0x0106, &[32803]) // colour filter array
        .shorts(0x0115, &[1])
        .shorts(0x828d, &[2, 2])
        .bytes(0x828e, &[0, 1, 1, 2]) // red, green / green, blue
        .bytes(0xc612, &[1, 4, 0, 0])
        .bytes(0xc613, &[1, 1, 0, 0])
        .text(0xc614, &format!("{} {}", capture.camera.make, capture.camera.model))
        .shorts(0xc61a, &[0]) // black level
        .long(0xc61d, 0xffff) // white level
        .signed_rationals(0xc621, &XYZ_TO_CAMERA.map(|value| (value, 10_000)))
        .rationals(0xc628, &[(1, 1), (1, 1), (1, 1)]) // as-shot neutral
        .shorts(0xc65a, &[21]); // calibrated for D65
    capture.describe(ifd, width, height).into_tiff()
}

/// XYZ to linear sRGB in ten-thousandths: the "camera" is the painter.
const XYZ_TO_CAMERA: [i32; 9] = [32405, -15371, -4985, -9693, 18760, 416, 556, -2040, 10572];

/// What TIFF and DNG share: size, one uncompressed strip.
fn raster(picture: &RgbImage, strip: Vec<u8>) -> Ifd {
    let (width, height) = picture.dimensions();
    let size = strip.len() as u32;
    Ifd::default()
        .long(0x00fe, 0)
        .long(0x0100, width)
        .long(0x0101, height)
        .shorts(0x0103, &[1])
        .strip(0x0111, strip)
        .long(0x0116, height)
        .long(0x0117, size)
        .shorts(0x011c, &[1])
}

/// One colour for each pixel, linear light.
fn mosaic(picture: &RgbImage) -> Vec<u8> {
    let linear: Vec<u16> = (0..=255u32).map(|v| (v * v * 65535 / (255 * 255)) as u16).collect();
    let width = picture.width() as usize;
    let pixels = picture.as_chunks::<3>().0.iter().enumerate();
    pixels.flat_map(|(at, pixel)| linear[usize::from(pixel[at % width % 2 + at / width % 2])].to_be_bytes()).collect()
}

/// The picture as a camera held upright on its side stores it: orientation 6 puts it right again.
pub fn on_its_side(picture: &RgbImage) -> RgbImage {
    imageops::rotate270(picture)
}

#[cfg(test)]
mod tests {
    use super::super::tests::capture;
    use super::*;

    /// The value of a numeric entry of a TIFF's first directory, for tests.
    fn entry(tiff: &[u8], tag: u16) -> (u32, u32) {
        let half = |at: usize| u16::from_be_bytes(tiff[at..at + 2].try_into().unwrap());
        let word = |at: usize| u32::from_be_bytes(tiff[at..at + 4].try_into().unwrap());
        let start = word(4) as usize;
        let at = (0..half(start)).map(|i| start + 2 + 12 * i as usize).find(|at| half(*at) == tag).expect("the entry");
        (word(at + 4), if half(at + 2) == 3 && word(at + 4) == 1 { half(at + 8).into() } else { word(at + 8) })
    }

    #[test]
    fn a_jpeg_is_one_and_carries_its_exif() {
        let picture = Scene::new(1).paint(64, 48);
        let file = jpeg(&picture, &capture());
        assert_eq!(file[..2], [0xff, 0xd8]);
        assert_eq!(file[file.len() - 2..], [0xff, 0xd9]);
        let exif = file.windows(6).position(|w| w == b"Exif\0\0").expect("an EXIF segment") + 6;
        assert_eq!(entry(&file[exif..], 0x0112).1, 1);
        assert!(file.windows(20).any(|w| w == b"2024:03:01 12:30:45\0"));
        let again = image::load_from_memory(&file).unwrap();
        assert_eq!((again.width(), again.height()), (64, 48));
    }

    #[test]
    fn a_png_comes_back_pixel_by_pixel() {
        let picture = Scene::new(2).paint(64, 48);
        assert_eq!(image::load_from_memory(&png(&picture, &capture())).unwrap().into_rgb8(), picture);
    }

    #[test]
    fn a_gif_has_its_frames() {
        let file = animated_gif(Scene::new(4), 32, 24, 3);
        assert_eq!(&file[..6], b"GIF89a");
        let decoder = image::codecs::gif::GifDecoder::new(std::io::Cursor::new(&file)).unwrap();
        assert_eq!(image::AnimationDecoder::into_frames(decoder).collect_frames().unwrap().len(), 3);
    }

    #[test]
    fn tiff_and_dng_strips_lie_where_the_directory_says() {
        let picture = Scene::new(5).paint(64, 48);
        let file = tiff(&picture, &capture());
        let (start, size) = (entry(&file, 0x0111).1 as usize, entry(&file, 0x0117).1 as usize);
        assert_eq!(&file[start..start + size], picture.as_raw());
        let raw = dng(&picture, &capture());
        assert_eq!(entry(&raw, 0x0106).1, 32803);
        assert_eq!(entry(&raw, 0x0117).1, 64 * 48 * 2);
        assert_eq!(entry(&raw, 0xc612), (4, 0x0104_0000));
    }
}
