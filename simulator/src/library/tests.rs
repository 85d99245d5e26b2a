use super::*;

fn cloud() -> Cloud {
    Cloud::new(Arc::new(Clock::default()))
}

fn photo(n: i64) -> NewPhoto {
    let body = Body::bytes(format!("photo {n}").into_bytes());
    NewPhoto::new(&format!("IMG_{n:04}.JPG"), Resource::new("public.jpeg", body), 1_700_000_000_000 + n * 1000)
}

#[test]
fn truth_tells_state_name_and_bytes() {
    let cloud = cloud();
    let one = cloud.add_photo(cloud.primary(), photo(1));
    let two = cloud.add_photo(cloud.primary(), NewPhoto { hidden: true, ..photo(2) });
    cloud.trash(one).unwrap();
    let truth = cloud.truth();
    let find = |id: AssetId| truth.assets().find(|asset| asset.record_name == id.name.to_string()).unwrap();
    assert_eq!((find(one).state, find(two).state), (TruthState::Trashed, TruthState::Hidden));
    let original = find(two).resource(Slot::Original).unwrap();
    assert_eq!((original.size, &original.body.to_bytes()[..]), (7, &b"photo 2"[..]));
    assert_eq!(find(two).file_name.as_deref(), Some("IMG_0002.JPG"));
}

#[test]
fn a_moved_photo_is_in_one_library_only() {
    let cloud = cloud();
    let shared = cloud.add_shared_library(Area::Private);
    let photo = cloud.add_photo(cloud.primary(), photo(1));
    let moved = cloud.move_to(photo, shared).unwrap();
    let truth = cloud.truth();
    assert_eq!(truth.assets().map(|asset| asset.record_name.clone()).collect::<Vec<_>>(), [moved.name.to_string()]);
}

#[test]
fn folders_give_albums_their_path() {
    let cloud = cloud();
    let folder = cloud.add_folder(cloud.primary(), "Norway", None);
    let album = cloud.add_album(cloud.primary(), "Day 1", Some(folder));
    let photo = cloud.add_photo(cloud.primary(), photo(1));
    cloud.add_to_album(photo, album).unwrap();
    let truth = cloud.truth();
    let albums = &truth.library("PrimarySync").unwrap().albums;
    assert_eq!(albums[1].path, ["Norway", "Day 1"]);
    assert_eq!(albums[1].members, [photo.name.to_string()]);
    cloud.delete_album(folder).unwrap();
    assert!(cloud.truth().library("PrimarySync").unwrap().albums.is_empty());
}

#[test]
fn what_is_gone_cannot_be_changed() {
    let cloud = cloud();
    let photo = cloud.add_photo(cloud.primary(), photo(1));
    cloud.purge(photo).unwrap();
    assert_eq!(cloud.trash(photo), Err(NoSuch::Asset(photo.name)));
}

#[test]
fn equal_bytes_share_a_master_and_it_goes_with_the_last() {
    let cloud = cloud();
    let (one, two) = (cloud.add_photo(cloud.primary(), photo(1)), cloud.add_photo(cloud.primary(), photo(1)));
    let masters: Vec<_> = cloud.truth().assets().map(|asset| asset.master_name.clone()).collect();
    assert_eq!(masters[0], masters[1]);
    cloud.purge(one).unwrap();
    assert_eq!(cloud.truth().assets().count(), 1);
    assert!(cloud.model().zones[0].masters[0].stamp.is_here());
    cloud.purge(two).unwrap();
    assert!(!cloud.model().zones[0].masters[0].stamp.is_here());
}

#[test]
fn a_keyed_file_costs_no_hash_and_is_named_apart_from_its_fingerprint() {
    let resource = Resource::new("public.mpeg-4", Body::seeded(1, 4 << 30)).with_keyed_checksum();
    let cloud = cloud();
    let movie = cloud.add_photo(cloud.primary(), NewPhoto::new("MOVIE.MP4", resource.clone(), 0));
    let model = cloud.model();
    let zone = &model.zones[movie.zone.0];
    assert_eq!(resource.checksum().as_bytes()[0], 0x04);
    assert_eq!(zone.masters[0].name().len(), 28);
    assert_ne!(zone.masters[0].name(), resource.checksum().to_string());
    assert!(!resource.body.is_hashed(), "four gigabytes were hashed");
}
