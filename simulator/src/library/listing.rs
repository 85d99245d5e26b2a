//! The server-side indexes: which assets a listing holds, and their ranks (photos.md §2.2, §2.6).

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::album::{AlbumIndex, RelationIndex};
use super::asset::{Asset, AssetIndex, Master};
use super::zone::Zone;

/// A listing of assets. Rank 0 is the newest by the listing's own date.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Listing {
    /// By capture date, without hidden or deleted.
    Visible,
    /// By capture date, hidden ones too.
    ByAssetDate,
    /// By the date of entry into the library.
    ByAddedDate,
    Hidden,
    /// By the date of their purge.
    RecentlyDeleted,
    /// The key frame of each burst.
    Bursts,
    Smart(Smart),
}

/// Albums that the service keeps by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Smart {
    Favourite,
    Video,
    Live,
    Screenshot,
    Panorama,
    SlowMotion,
    TimeLapse,
    Portrait,
    LongExposure,
    Animated,
    /// Accepted by the service, and never filled.
    Selfie,
}

/// How the members of an album are ranked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum MemberOrder {
    AssetDate,
    Position,
}

impl Listing {
    fn holds(self, asset: &Asset, master: &Master) -> bool {
        match self {
            Listing::Visible => asset.is_visible(),
            Listing::ByAssetDate => asset.is_shown(),
            Listing::ByAddedDate => asset.is_visible(),
            Listing::Hidden => asset.is_shown() && asset.hidden,
            Listing::RecentlyDeleted => asset.is_recently_deleted(),
            Listing::Bursts => asset.is_visible() && asset.burst.is_some(),
            Listing::Smart(smart) => asset.is_visible() && smart.holds(asset, master),
        }
    }

    fn date(self, asset: &Asset) -> i64 {
        match self {
            Listing::ByAddedDate => asset.added_ms,
            Listing::RecentlyDeleted => asset.trashed.map_or(0, |trashed| trashed.date_expunged_ms()),
            _ => asset.captured_ms,
        }
    }
}

impl Smart {
    fn holds(self, asset: &Asset, master: &Master) -> bool {
        match self {
            Smart::Favourite => asset.favourite,
            Smart::Video => master.video,
            Smart::Live => asset.subtype_v2 == 2,
            Smart::Screenshot => asset.subtype_v2 == 3,
            Smart::Panorama => asset.subtype == 1,
            Smart::SlowMotion => asset.subtype == 100,
            Smart::TimeLapse => asset.subtype == 101,
            Smart::Portrait => asset.render_type() & 2 != 0,
            Smart::LongExposure => asset.render_type() & 4 != 0,
            Smart::Animated => master.item_type.as_deref() == Some("com.compuserve.gif"),
            Smart::Selfie => false,
        }
    }
}

/// Ranked lists, each made when first asked for and kept until the zone changes.
#[derive(Default)]
pub(crate) struct Listings {
    assets: HashMap<Listing, Arc<[AssetIndex]>>,
    members: HashMap<(AlbumIndex, MemberOrder), Arc<[RelationIndex]>>,
}

impl Listings {
    pub(crate) fn clear(&mut self) {
        self.assets.clear();
        self.members.clear();
    }
}

impl Zone {
    /// The assets of a listing, by rank.
    pub(crate) fn ranked(&mut self, listing: Listing) -> Arc<[AssetIndex]> {
        if let Some(ranked) = self.listings.assets.get(&listing) {
            return ranked.clone();
        }
        let ranked = self.rank(listing);
        self.listings.assets.insert(listing, ranked.clone());
        ranked
    }

    fn rank(&self, listing: Listing) -> Arc<[AssetIndex]> {
        let all = (0..self.assets.len() as u32).map(AssetIndex);
        let held = |index: &AssetIndex| listing.holds(self.asset(*index), self.master(self.asset(*index).master));
        let mut found: Vec<_> = all.filter(held).collect();
        found.sort_by_cached_key(|index| (Reverse(listing.date(self.asset(*index))), self.asset(*index).id));
        found.into()
    }

    /// The members of an album, by rank; trashed ones are left out.
    pub(crate) fn ranked_members(&mut self, album: AlbumIndex, order: MemberOrder) -> Arc<[RelationIndex]> {
        if let Some(ranked) = self.listings.members.get(&(album, order)) {
            return ranked.clone();
        }
        let ranked = self.rank_members(album, order);
        self.listings.members.insert((album, order), ranked.clone());
        ranked
    }

    fn rank_members(&self, album: AlbumIndex, order: MemberOrder) -> Arc<[RelationIndex]> {
        let mut found: Vec<_> = self.members(album).filter(|index| self.is_member_shown(*index)).collect();
        found.sort_by_key(|index| {
            let relation = self.relation(*index);
            match order {
                MemberOrder::AssetDate => (-self.member_date(*index), relation.item),
                MemberOrder::Position => (relation.position, relation.item),
            }
        });
        found.into()
    }

    fn is_member_shown(&self, index: RelationIndex) -> bool {
        let relation = self.relation(index);
        match self.asset_named(relation.item) {
            Some(asset) => self.asset(asset).is_shown(),
            None => relation.foreign_ms.is_some(),
        }
    }

    fn member_date(&self, index: RelationIndex) -> i64 {
        let relation = self.relation(index);
        self.asset_named(relation.item).map(|asset| self.asset(asset).captured_ms).or(relation.foreign_ms).unwrap_or(0)
    }
}
