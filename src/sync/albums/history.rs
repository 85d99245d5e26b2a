//! Albums and memberships by a library's history, which holds all of them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_util::FutureExt;

use super::{PSEUDO_FOLDERS, offsets};
use crate::index::{ALBUM_LIST, Offset};
use crate::photos::{Album, Change, Library, Member};
use crate::sync::views::{History, Target};
use crate::sync::{LibrarySync, SyncError};

/// What a history has shown.
#[derive(Default)]
struct Seen {
    albums: BTreeMap<String, Album>,
    /// Members by album.
    sizes: BTreeMap<String, u64>,
}

impl LibrarySync {
    /// Reads albums and memberships from the library's history; gives what is announced and not in it.
    pub(in crate::sync) async fn albums_of_history(
        &self,
        library: &Library,
        target: Target,
    ) -> Result<Vec<Offset>, SyncError> {
        let (seen, log) = (Mutex::default(), tokio::sync::Mutex::new(self.history(library)));
        self.read_log(library, &log, &seen, target).await?;
        let compare = || self.missing_albums(library, &seen).boxed();
        let catch_up = || self.read_log(library, &log, &seen, target).boxed();
        // What is missing from one that changes all the while is in its changes.
        Ok(self.settled(compare, Vec::is_empty, catch_up).await?.unwrap_or_default())
    }

    /// Reads a history to its end, from where it was read to; gives whether it told of albums.
    async fn read_log(
        &self,
        library: &Library,
        log: &tokio::sync::Mutex<History<'_>>,
        seen: &Mutex<Seen>,
        target: Target,
    ) -> Result<bool, SyncError> {
        let (mut log, mut is_news) = (log.lock().await, false);
        log.go_on();
        while let Some(changes) = log.next().await? {
            let (mut albums, mut members) = (Vec::new(), Vec::new());
            for change in changes {
                match change {
                    Change::Album(album) if !album.deleted => albums.push(album),
                    Change::Joined(member) => members.push(member),
                    Change::Album(_) | Change::Left(_) => is_news = true,
                    _ => {}
                }
            }
            is_news |= !(albums.is_empty() && members.is_empty());
            seen.lock().expect("no panic while held").add(&albums, &members);
            self.take_albums(library, target, albums, members, None).await?;
        }
        Ok(is_news)
    }

    /// What is announced and was not seen.
    async fn missing_albums(&self, library: &Library, seen: &Mutex<Seen>) -> Result<Vec<Offset>, SyncError> {
        let albums: Vec<Album> = seen.lock().expect("no panic while held").albums.values().cloned().collect();
        let found = albums.len() as u64;
        let announced = self.announced_members(library, albums).await?;
        let short = {
            let sizes = &seen.lock().expect("no panic while held").sizes;
            let short = announced.into_iter().filter_map(|(album, announced)| {
                let seen = sizes.get(&album.name).copied().unwrap_or(0);
                (seen < announced).then_some((album, seen, announced))
            });
            short.collect()
        };
        let mut missing = offsets(&short, true);
        if let Some(announced) = self.photos.album_count(library).await? {
            let beyond = announced.cast_signed() - found.cast_signed();
            let roots = PSEUDO_FOLDERS.cast_signed();
            self.know_beyond(library, beyond.min(roots)).await?;
            let list = Offset { list: ALBUM_LIST.to_owned(), beyond: beyond - roots, sought: true };
            missing.extend((list.beyond > 0).then_some(list));
        }
        Ok(missing)
    }
}

impl Seen {
    fn add(&mut self, albums: &[Album], members: &[Member]) {
        self.albums.extend(albums.iter().map(|album| (album.name.clone(), album.clone())));
        members.iter().for_each(|member| *self.sizes.entry(member.album.clone()).or_default() += 1);
    }
}
