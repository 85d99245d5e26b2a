//! CPLLibraryInfo: the counters that every delta carries (photos.md §4.5).

use super::{Record, Writer};
use crate::library::Zone;

pub(in crate::database) fn library_info_name(zone: &Zone) -> String {
    format!("{}-0000-LI", zone.name)
}

impl Writer<'_> {
    pub(in crate::database) fn library_info(&mut self) -> Record {
        let zone = self.zone;
        let count = |hidden: bool, video: bool| {
            let shown = zone.assets.iter().filter(|asset| asset.is_shown() && asset.hidden == hidden);
            shown.filter(|asset| zone.master(asset.master).video == video).count() as i64
        };
        let albums = zone.albums.iter().filter(|album| album.is_live() && !album.is_folder).count();
        let mut fields = self.fields();
        fields.int("photosCount", count(false, false));
        fields.int("videosCount", count(false, true));
        fields.int("hiddenPhotosCount", count(true, false));
        fields.int("hiddenVideosCount", count(true, true));
        fields.int("albumsCount", albums as i64);
        fields.int("featureVersion", 3);
        fields.int("libraryInfoVersion", 1);
        self.envelope(library_info_name(zone), "CPLLibraryInfo", &zone.info, fields)
    }
}
