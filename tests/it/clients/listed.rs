use std::collections::BTreeMap;

use icloud_simulator::library::{TruthAsset, TruthLibrary, TruthState};

/// The assets in that state that some listing holds: a burst shows its key frame only (protocol/photos.md §2.2).
pub fn in_state(library: &TruthLibrary, state: TruthState) -> impl Iterator<Item = &TruthAsset> {
    library.assets.iter().filter(move |asset| asset.state == state && !asset.lesser_burst_frame)
}

/// One asset of each master: rclone and icloudpd key photos by master, and show one of several that share theirs
/// (protocol/photos.md §2.5).
pub fn one_asset_each<'a>(assets: impl IntoIterator<Item = &'a TruthAsset>) -> impl Iterator<Item = &'a TruthAsset> {
    let by_master: BTreeMap<&str, &TruthAsset> =
        assets.into_iter().map(|asset| (asset.master_name.as_str(), asset)).collect();
    by_master.into_values()
}

/// The members of the album at that path; those from another library are left out.
pub fn members<'a>(library: &'a TruthLibrary, path: &[&str]) -> Vec<&'a TruthAsset> {
    let album = library.albums.iter().find(|album| album.path == path).expect("the library has that album");
    library.assets.iter().filter(|asset| album.members.contains(&asset.record_name)).collect()
}
