//! Pages of a listing on their way into the index: several are written together.
//!
//! The rows of one page belong all over the tables, so it costs as much writing as many: a first listing of 100,000 photos
//! wrote 3 GB to end up with 80 MB.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::views::Target;
use super::{LibrarySync, SyncError};
use crate::index::ListedPage;
use crate::photos::{AssetPage, Change, Library};

/// Pages that are written together: some 100 kB of memory each.
const TOGETHER: usize = 32;
/// How long a page may wait: what waits is lost with the process.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Writes the pages of one library's listing.
pub(super) struct Pages<'a> {
    sync: &'a LibrarySync,
    library: &'a Library,
    target: Target,
    waiting: Mutex<Waiting>,
    /// One writes at a time, and who comes meanwhile with more than is written together waits: pages come faster than they
    /// are written.
    turn: tokio::sync::Mutex<()>,
}

struct Waiting {
    pages: Vec<ListedPage>,
    since: Instant,
}

impl<'a> Pages<'a> {
    pub fn new(sync: &'a LibrarySync, library: &'a Library, target: Target) -> Pages<'a> {
        let waiting = Mutex::new(Waiting { pages: Vec::new(), since: Instant::now() });
        Pages { sync, library, target, waiting, turn: tokio::sync::Mutex::default() }
    }

    /// Takes a page of a list, from a rank on, to be written with others.
    pub async fn add(&self, list: &'static str, rank: u64, page: AssetPage) -> Result<(), SyncError> {
        match self.push(list, rank, page) {
            true => self.write().await.map(|_| ()),
            false => Ok(()),
        }
    }

    /// Takes a page and writes it with all that waits; gives how many assets were new.
    pub async fn add_now(&self, list: &'static str, rank: u64, page: AssetPage) -> Result<u64, SyncError> {
        self.push(list, rank, page);
        self.write().await
    }

    /// Whether it is time to write.
    fn push(&self, list: &'static str, rank: u64, page: AssetPage) -> bool {
        let mut waiting = self.waiting.lock().expect("no panic while held");
        waiting.pages.push(ListedPage { list, rank, assets: page.assets, masters: page.masters });
        waiting.pages.len() >= TOGETHER || waiting.since.elapsed() > LONGEST_WAIT
    }

    /// Writes everything that waits; gives how many assets of it were new.
    pub async fn write(&self) -> Result<u64, SyncError> {
        let _turn = self.turn.lock().await;
        let pages = {
            let mut waiting = self.waiting.lock().expect("no panic while held");
            waiting.since = Instant::now();
            std::mem::take(&mut waiting.pages)
        };
        if pages.is_empty() {
            return Ok(0);
        }
        let (id, target) = (self.library.id(), self.target);
        self.sync
            .on_index(move |index| match target {
                Target::Listing => index.stage_pages(&id, &pages),
                Target::Changes => index.stage_changes(&id, &pages.into_iter().flat_map(changes).collect::<Vec<_>>()),
            })
            .await
    }
}

fn changes(page: ListedPage) -> impl Iterator<Item = Change> {
    let masters = page.masters.into_iter().map(|master| Change::Master(Box::new(master)));
    masters.chain(page.assets.into_iter().map(|asset| Change::Asset(Box::new(asset))))
}
