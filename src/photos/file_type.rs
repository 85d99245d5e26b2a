//! Uniform type identifiers and the file extensions they are known by (protocol/photos.md §5.2).

/// Types and extensions, in upper case as cameras write them.
const EXTENSIONS: &[(&str, &str)] = &[
    ("public.jpeg", "JPG"),
    ("public.heic", "HEIC"),
    ("public.heif", "HEIF"),
    ("public.png", "PNG"),
    ("public.tiff", "TIFF"),
    ("com.compuserve.gif", "GIF"),
    ("org.webmproject.webp", "WEBP"),
    ("public.avif", "AVIF"),
    ("public.jpeg-xl", "JXL"),
    ("public.jpeg-2000", "JP2"),
    ("com.microsoft.bmp", "BMP"),
    ("com.adobe.photoshop-image", "PSD"),
    ("com.adobe.pdf", "PDF"),
    ("public.mpo-image", "MPO"),
    ("com.adobe.raw-image", "DNG"),
    ("com.canon.cr2-raw-image", "CR2"),
    ("com.canon.cr3-raw-image", "CR3"),
    ("com.canon.crw-raw-image", "CRW"),
    ("com.nikon.raw-image", "NEF"),
    ("com.nikon.nrw-raw-image", "NRW"),
    ("com.sony.arw-raw-image", "ARW"),
    ("com.fuji.raw-image", "RAF"),
    ("com.panasonic.rw2-raw-image", "RW2"),
    ("com.olympus.raw-image", "ORF"),
    ("com.olympus.or-raw-image", "ORF"),
    ("com.pentax.raw-image", "PEF"),
    ("com.apple.quicktime-movie", "MOV"),
    ("public.mpeg-4", "MP4"),
    ("com.apple.m4v-video", "M4V"),
    ("public.avi", "AVI"),
    ("public.3gpp", "3GP"),
    ("public.mpeg", "MPG"),
    ("public.mpeg-2-video", "M2V"),
    ("public.avchd-mpeg-2-transport-stream", "MTS"),
    ("public.mp3", "MP3"),
    ("com.apple.m4a-audio", "M4A"),
    ("com.adobe.xmp", "XMP"),
    ("com.apple.photos.apple-adjustment-envelope", "AAE"),
];

/// Types that are films.
const VIDEO: &[&str] = &["MOV", "MP4", "M4V", "AVI", "3GP", "MPG", "M2V", "MTS"];

/// The extension a type is known by, without the dot; `None` for generic and unknown types.
pub fn extension(uti: &str) -> Option<&'static str> {
    EXTENSIONS.iter().find(|(known, _)| *known == uti).map(|(_, extension)| *extension)
}

/// Whether a type is a camera's raw format.
pub fn is_raw(uti: &str) -> bool {
    uti.ends_with("raw-image")
}

/// Whether a type is a film.
pub fn is_video(uti: &str) -> bool {
    extension(uti).is_some_and(|extension| VIDEO.contains(&extension))
}
