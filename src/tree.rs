//! Where things are shown, and under which names: pure functions from a photo to directories and names.
//!
//! Nothing here reads or writes anything. Names that were given are kept by [`crate::index`].

mod facts;
mod name;
mod naming;
mod photo;
mod place;
mod smart;
mod xmp;

pub use facts::Facts;
pub use name::{fold, safe, short_id, with_suffix};
pub use naming::{FileNames, name_album, name_sidecar};
pub use photo::{File, Photo};
pub use place::{Directory, day_of_expiry, places};
pub use smart::SmartAlbum;
pub use xmp::{XMP_FORMAT, xmp};
