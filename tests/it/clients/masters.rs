use std::collections::BTreeMap;

use icloud_simulator::library::TruthAsset;

/// One asset of each master: rclone and icloudpd key photos by master, and show one of several that share theirs
/// (protocol/photos.md §2.5).
pub fn one_asset_each<'a>(assets: impl IntoIterator<Item = &'a TruthAsset>) -> impl Iterator<Item = &'a TruthAsset> {
    let by_master: BTreeMap<&str, &TruthAsset> =
        assets.into_iter().map(|asset| (asset.master_name.as_str(), asset)).collect();
    by_master.into_values()
}
