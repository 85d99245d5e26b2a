//! What a person and the service do, at random.

use icloud_simulator::fault::{Change, Effect, Failure, Place};
use icloud_simulator::library::{AlbumId, Area, AssetId, Body, Cloud, Edit, NewPhoto, Resource, ZoneId};
use proptest::prelude::*;

use super::BATCH;

/// What a person does; numbers choose among what is there.
#[derive(Clone, Debug)]
pub enum Action {
    Add(u8),
    /// To the shared library.
    AddShared(u8),
    Retitle(usize, u8),
    Duplicate(usize),
    Trash(usize),
    TrashOnWeb(usize),
    Restore(usize),
    Purge(usize),
    /// More at once than may leave without a person's word.
    TrashMany,
    Hide(usize, bool),
    Favourite(usize, bool),
    Date(usize, i64),
    Edit(usize),
    Revert(usize),
    Share(usize),
    NewAlbum(u8, Option<usize>),
    NewFolder(Option<usize>),
    Rename(usize, u8),
    MoveAlbum(usize, Option<usize>),
    DeleteAlbum(usize),
    Join(usize, usize),
    Leave(usize, usize),
}

/// What the service does while photosfs asks for changes.
#[derive(Clone, Debug)]
pub enum Trouble {
    None,
    /// So many calls of an endpoint come to nothing.
    Fails(&'static str, u64, Effect),
    /// Part of an answer is lost, and nothing tells of it but a full listing.
    Loses(Change),
}

fn action() -> impl Strategy<Value = Action> {
    // Few, so that what was done to a photo is often undone or done again.
    let n = 0..12_usize;
    let folder = proptest::option::of(n.clone());
    prop_oneof![
        4 => any::<u8>().prop_map(Action::Add),
        1 => any::<u8>().prop_map(Action::AddShared),
        1 => (n.clone(), any::<u8>()).prop_map(|(n, title)| Action::Retitle(n, title)),
        1 => n.clone().prop_map(Action::Duplicate),
        2 => n.clone().prop_map(Action::Trash),
        1 => n.clone().prop_map(Action::TrashOnWeb),
        2 => n.clone().prop_map(Action::Restore),
        2 => n.clone().prop_map(Action::Purge),
        2 => (n.clone(), any::<bool>()).prop_map(|(n, on)| Action::Hide(n, on)),
        1 => (n.clone(), any::<bool>()).prop_map(|(n, on)| Action::Favourite(n, on)),
        2 => (n.clone(), -100_000_000_000..1_800_000_000_000_i64).prop_map(|(n, at)| Action::Date(n, at)),
        2 => n.clone().prop_map(Action::Edit),
        1 => n.clone().prop_map(Action::Revert),
        1 => n.clone().prop_map(Action::Share),
        2 => (any::<u8>(), folder.clone()).prop_map(|(name, folder)| Action::NewAlbum(name, folder)),
        1 => folder.clone().prop_map(Action::NewFolder),
        1 => (n.clone(), any::<u8>()).prop_map(|(n, name)| Action::Rename(n, name)),
        1 => (n.clone(), folder).prop_map(|(n, folder)| Action::MoveAlbum(n, folder)),
        1 => n.clone().prop_map(Action::DeleteAlbum),
        6 => (n.clone(), n.clone()).prop_map(|(photo, album)| Action::Join(photo, album)),
        4 => (n.clone(), n).prop_map(|(photo, album)| Action::Leave(photo, album)),
    ]
}

/// What people do between two rounds: now and then a great deal of deleting is in it.
pub fn batch() -> impl Strategy<Value = Vec<Action>> {
    let many = prop_oneof![15 => Just(None), 1 => Just(Some(Action::TrashMany))];
    let actions = proptest::collection::vec(action(), BATCH);
    (actions, many).prop_map(|(actions, many)| actions.into_iter().chain(many).collect())
}

pub fn trouble() -> impl Strategy<Value = Trouble> {
    let token = || {
        Effect::Answer(Change::ErrorInside {
            place: Place::Zone,
            code: "BAD_REQUEST".into(),
            reason: "Unknown sync continuation type".into(),
        })
    };
    let inside = || {
        Effect::Answer(Change::ErrorInside {
            place: Place::FirstRecord,
            code: "INTERNAL_ERROR".into(),
            reason: "scripted".into(),
        })
    };
    prop_oneof![
        12 => Just(Trouble::None),
        1 => (1..9_u64).prop_map(|times| Trouble::Fails("changes/zone", times, Effect::Fail(Failure::bare(500)))),
        1 => (1..9_u64).prop_map(|times| Trouble::Fails("changes/zone", times, Effect::Reset)),
        1 => (1..9_u64).prop_map(|times| Trouble::Fails("changes/database", times, Effect::Html)),
        1 => (1..9_u64).prop_map(move |times| Trouble::Fails("changes/zone", times, inside())),
        1 => Just(()).prop_map(move |()| Trouble::Fails("changes/zone", 1, token())),
        1 => (1..9_u64).prop_map(|times| Trouble::Fails("internal/records/query/batch", times, Effect::Fail(Failure::bare(503)))),
        1 => Just(Trouble::Loses(Change::HalfPage)),
        1 => Just(Trouble::Loses(Change::EmptyListing)),
    ]
}

/// What the person says about removals that wait.
#[derive(Clone, Copy, Debug)]
pub enum Word {
    Accept,
    Reject,
    /// Nothing, this time.
    None,
}

pub fn word() -> impl Strategy<Value = Word> {
    prop_oneof![4 => Just(Word::Accept), 1 => Just(Word::Reject), 2 => Just(Word::None)]
}

/// Names on purpose few, so that they clash, in case too.
fn name(seed: u8) -> String {
    ["IMG_0001.JPG", "img_0001.jpg", "IMG_0002.JPG", "a/b.JPG", ".x.jpg"][usize::from(seed) % 5].to_owned()
}

/// One of the oldest or of the newest.
fn pick<T: Copy>(all: &[T], n: usize) -> Option<T> {
    let at = if n < 4 { n } else { all.len().saturating_sub(n - 3) };
    all.get(at % all.len().max(1)).copied()
}

/// What was done so far, and to what.
pub struct World {
    cloud: Cloud,
    shared: ZoneId,
    photos: Vec<AssetId>,
    albums: Vec<AlbumId>,
    folders: Vec<AlbumId>,
    made: u64,
}

impl World {
    /// With a shared library, two photos, one album and one in a folder.
    pub fn new(cloud: Cloud) -> World {
        let shared = cloud.add_shared_library(Area::Private);
        let mut world = World { cloud, shared, photos: vec![], albums: vec![], folders: vec![], made: 0 };
        let beginning = [
            Action::Add(0),
            Action::Add(1),
            Action::NewFolder(None),
            Action::NewAlbum(0, None),
            Action::NewAlbum(1, Some(0)),
            Action::Join(0, 0),
            Action::Join(1, 1),
        ];
        beginning.iter().for_each(|action| world.act(action));
        world
    }

    /// Every fourth is a Live Photo, every fifth has a second original.
    fn photo(&mut self, seed: u8) -> NewPhoto {
        let at = 1_700_000_000_000 + i64::from(seed) * 1_000_000_000;
        let mut photo = NewPhoto::new(&name(seed), self.body("public.jpeg"), at);
        if seed % 5 == 4 {
            photo.alternative = Some(self.body("com.adobe.raw-image"));
        }
        match seed % 4 {
            3 => photo.live(self.body("com.apple.quicktime-movie")),
            _ => photo,
        }
    }

    fn body(&mut self, uti: &'static str) -> Resource {
        self.made += 1;
        Resource::new(uti, Body::bytes(format!("picture {}", self.made).into_bytes()))
    }

    /// Refusals, such as restoring what is not trashed, are part of the game.
    pub fn act(&mut self, action: &Action) {
        let is_made = self.make(action);
        if !is_made {
            self.change(action);
        }
    }

    /// Does what brings something new; `false` for every other action.
    fn make(&mut self, action: &Action) -> bool {
        let (cloud, primary) = (self.cloud.clone(), self.cloud.primary());
        let folder = |n: &Option<usize>| n.and_then(|n| pick(&self.folders, n));
        match action {
            Action::Add(seed) => {
                let photo = self.photo(*seed);
                self.photos.push(cloud.add_photo(primary, photo));
            }
            Action::AddShared(seed) => {
                let photo = self.photo(*seed);
                self.photos.push(cloud.add_photo(self.shared, photo));
            }
            Action::Duplicate(n) => {
                let twin = pick(&self.photos, *n).and_then(|photo| cloud.duplicate(photo).ok());
                self.photos.extend(twin);
            }
            Action::Share(n) => {
                let other = |photo: AssetId| if photo.zone == primary { self.shared } else { primary };
                let moved = pick(&self.photos, *n).and_then(|photo| cloud.move_to(photo, other(photo)).ok());
                self.photos.extend(moved);
            }
            Action::NewAlbum(seed, at) => {
                let made = cloud.add_album(primary, &name(*seed), folder(at));
                self.albums.push(made);
            }
            Action::NewFolder(at) => {
                let made = cloud.add_folder(primary, "Folder", folder(at));
                self.folders.push(made);
            }
            _ => return false,
        }
        true
    }

    fn change(&mut self, action: &Action) {
        let cloud = self.cloud.clone();
        let photo = |n: &usize| pick(&self.photos, *n);
        let album = |n: &usize| pick(&self.albums, *n);
        let folder = |n: &Option<usize>| n.and_then(|n| pick(&self.folders, n));
        let _ = match action {
            Action::TrashMany => {
                self.photos.iter().rev().take(25).for_each(|photo| drop(cloud.trash(*photo)));
                None
            }
            Action::Trash(n) => photo(n).map(|photo| cloud.trash(photo)),
            Action::TrashOnWeb(n) => photo(n).map(|photo| cloud.trash_on_web(photo)),
            Action::Restore(n) => photo(n).map(|photo| cloud.restore(photo)),
            Action::Purge(n) => photo(n).map(|photo| cloud.purge(photo)),
            Action::Hide(n, on) => photo(n).map(|photo| cloud.set_hidden(photo, *on)),
            Action::Favourite(n, on) => photo(n).map(|photo| cloud.set_favourite(photo, *on)),
            Action::Date(n, at) => photo(n).map(|photo| cloud.set_date(photo, *at, Some(3600))),
            Action::Retitle(n, title) => photo(n).map(|photo| cloud.retitle(photo, &format!("title {}", title % 3))),
            Action::Revert(n) => photo(n).map(|photo| cloud.revert(photo)),
            Action::Edit(n) => {
                let picture = photo(n).is_some().then(|| self.body("public.jpeg"));
                let edit = Edit { picture, ..Edit::new() };
                let photo = pick(&self.photos, *n);
                photo.map(|photo| cloud.edit(photo, edit))
            }
            Action::Rename(n, seed) => album(n).map(|album| cloud.rename_album(album, &name(*seed))),
            Action::MoveAlbum(n, at) => album(n).map(|album| cloud.move_album(album, folder(at))),
            Action::DeleteAlbum(n) => album(n).map(|album| cloud.delete_album(album)),
            Action::Join(n, at) => photo(n).zip(album(at)).map(|(photo, album)| cloud.add_to_album(photo, album)),
            Action::Leave(n, at) => photo(n).zip(album(at)).map(|(photo, album)| cloud.remove_from_album(photo, album)),
            Action::Add(_) | Action::AddShared(_) | Action::Duplicate(_) | Action::Share(_) => None,
            Action::NewAlbum(..) | Action::NewFolder(_) => None,
        };
    }
}
