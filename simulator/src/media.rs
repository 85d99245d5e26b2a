//! Real picture and film files, made from nothing: what the demo library serves, so that a viewer opens it.
//!
//! | format | what is inside | opened by, in checks |
//! |---|---|---|
//! | JPEG, PNG, GIF | the `image` crate's encoders, with our EXIF | ffmpeg, exiftool |
//! | HEIC | one HEVC picture of raw blocks, see [`hevc`] | libheif 1.15, exiftool; its stream alone also by ffmpeg 5.1 |
//! | TIFF, DNG | uncompressed; the DNG is a Bayer mosaic | exiftool, ffmpeg |
//! | MOV, MP4 | Motion JPEG without sound | ffprobe, exiftool |
//! | XMP, AAE | text | exiftool |
//!
//! All of it is deterministic: the same arguments give the same bytes.

mod boxes;
mod cabac;
mod capture;
mod heic;
pub mod hevc;
mod ifd;
mod movie;
mod random;
mod scene;
pub mod sidecar;
mod still;

pub use capture::{Camera, Capture};
pub use heic::heic;
pub use movie::{Container, FREE_HEADER, Film, free_header};
pub use random::Random;
pub use scene::Scene;
pub use still::{animated_gif, dng, jpeg, on_its_side, png, tiff};

#[cfg(test)]
mod tests {
    use super::*;

    pub fn capture() -> Capture {
        Capture {
            taken_ms: 1_709_292_645_250,
            offset_s: 3600,
            camera: Camera { make: "Apple", model: "iPhone 15 Pro" },
            orientation: 1,
            place: Some((69.6492, 18.9553)),
            content_id: Some("2F0C7A54-0000-4000-8000-000000000001".to_owned()),
        }
    }
}
