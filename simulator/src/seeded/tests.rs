use std::sync::Arc;

use super::*;
use crate::clock::Clock;
use crate::library::TruthState;

fn filled(assets: usize) -> Cloud {
    let cloud = Cloud::new(Arc::new(Clock::default()));
    fill(&cloud, Size { assets, body: 4096 });
    cloud
}

#[test]
fn it_is_the_same_on_every_run() {
    let tell = |cloud: &Cloud| {
        let truth = cloud.truth();
        let told =
            truth.assets().map(|asset| (asset.record_name.clone(), asset.master_name.clone(), asset.captured_ms));
        told.collect::<Vec<_>>()
    };
    assert_eq!(tell(&filled(300)), tell(&filled(300)));
}

#[test]
fn it_has_some_of_everything() {
    let truth = filled(3000).truth();
    let assets: Vec<_> = truth.assets().collect();
    let count = |is: &dyn Fn(&crate::library::TruthAsset) -> bool| assets.iter().filter(|asset| is(asset)).count();
    assert_eq!(assets.len(), 3000 + 3000_usize.div_ceil(DUPLICATE_EVERY) - 1);
    assert!((200..400).contains(&count(&|asset| asset.resource(Slot::LiveVideo).is_some())));
    assert!(count(&|asset| asset.resource(Slot::EditedPicture).is_some()) > 50);
    assert!(count(&|asset| asset.state == TruthState::Hidden) > 5);
    assert!(count(&|asset| asset.state == TruthState::Trashed) > 5);
    let albums = &truth.library("PrimarySync").unwrap().albums;
    assert_eq!(albums.iter().filter(|album| !album.is_folder).count(), 40);
    assert!(albums.iter().any(|album| album.path.len() == 3 && album.members.len() > 66));
}

#[test]
fn names_begin_again_after_9999() {
    let size = Size { assets: 20_000, body: 1 };
    let name = |n| photo(n, size, 0).file_name.text().unwrap()[..8].to_owned();
    assert_eq!((name(0), name(9998), name(9999)), ("IMG_0001".into(), "IMG_9999".into(), "IMG_0001".into()));
}
