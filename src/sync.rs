//! Keeping the index true: the first listing of a library, and its changes from then on.
//!
//! A library is shown once its listing is proven complete: token taken before the first page, every rank of every view read,
//! what happened meanwhile replayed from that token, and the counts that the service announces compared with what was
//! found. Afterwards nothing leaves the tree but on positive proof, and a mass deletion waits for a person.

mod again;
mod albums;
mod audit;
mod compare;
mod due;
mod error;
mod follow;
mod listing;
mod pages;
mod progress;
mod prove;
mod ranks;
mod renewal;
mod seek;
mod settled;
mod shortfall;
mod unlisted;
mod unproven;
mod views;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

pub use audit::ListAudit;
pub use error::SyncError;
pub use progress::Progress;

use crate::index::{Index, TreeChange};
use crate::photos::{LibraryId, Photos};
use unproven::Unproven;

/// Told of every change of the tree, after its transaction, with no lock held.
type Listener = Box<dyn Fn(TreeChange) + Send + Sync>;

/// How often it is tried to reach somebody while there is no network: a refused connection costs nobody anything.
const WHILE_CUT_OFF: Duration = Duration::from_secs(10);

/// What to ask the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// What changed since the last round.
    News,
    /// Everything again.
    Full,
}

/// Keeps one account's index true to the cloud.
pub struct LibrarySync {
    photos: Arc<Photos>,
    index: Arc<Index>,
    listener: Mutex<Option<Arc<Listener>>>,
    progress: watch::Sender<Progress>,
    /// When a library was last listed again because counts differed, or it was due.
    listed_again: Mutex<HashMap<LibraryId, Instant>>,
    unproven: Unproven,
    /// The album that is the next to be counted.
    next_album: Mutex<usize>,
    /// How often everything is listed again, if ever.
    every: Option<Duration>,
    /// One round at a time.
    turn: tokio::sync::Mutex<()>,
}

impl LibrarySync {
    pub fn new(photos: Arc<Photos>, index: Arc<Index>) -> LibrarySync {
        LibrarySync {
            photos,
            index,
            listener: Mutex::default(),
            progress: watch::Sender::new(Progress::Idle),
            listed_again: Mutex::default(),
            unproven: Unproven::default(),
            next_album: Mutex::default(),
            every: None,
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Lists everything again so often, beside what is shown; never, unless this is called.
    pub fn listing_every(self, every: Option<Duration>) -> LibrarySync {
        LibrarySync { every, ..self }
    }

    /// Tells of every change of the tree from now on.
    pub fn on_change(&self, listener: impl Fn(TreeChange) + Send + Sync + 'static) {
        *self.listener.lock().expect("no panic while held") = Some(Arc::new(Box::new(listener)));
    }

    /// How far a listing is.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Asks for news every `poll`, more often while there is no network, and does a round whenever one is asked for, for ever;
    /// between rounds, reads what no list shows.
    pub async fn run(self: Arc<Self>, poll: Duration, mut asked: mpsc::Receiver<Round>) {
        let mut missed = false;
        let (mut next, mut more) = (tokio::time::Instant::now() + poll, false);
        loop {
            let round = tokio::select! {
                () = tokio::time::sleep_until(next) => Round::News,
                () = self.cut_off(missed) => Round::News,
                Some(round) = asked.recv() => round,
                () = tokio::time::sleep(unlisted::PAUSE), if more => {
                    more = self.read_on().await;
                    continue;
                }
            };
            // Told in the status; the next round tries again.
            let outcome = self.round(round).await;
            missed = outcome.is_err() && self.photos.reach().is_cut_off();
            (next, more) = (tokio::time::Instant::now() + poll, outcome.is_ok());
            match outcome {
                Ok(()) => self.list_what_is_due().await,
                Err(error) => tracing::warn!("asking for changes failed: {error}"),
            }
        }
    }

    /// Ends a while after there is no network any more, or after a round was missed for want of one.
    async fn cut_off(&self, missed: bool) {
        loop {
            tokio::time::sleep(WHILE_CUT_OFF).await;
            if missed || self.photos.reach().is_cut_off() {
                return;
            }
        }
    }

    fn tell(&self, change: TreeChange) {
        let listener = self.listener.lock().expect("no panic while held").clone();
        if let Some(listener) = listener
            && !change.is_empty()
        {
            listener(change);
        }
    }

    /// Runs something on the index that may take a while, off the runtime's threads.
    async fn on_index<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Index) -> Result<T, crate::index::IndexError> + Send + 'static,
    ) -> Result<T, SyncError> {
        let index = self.index.clone();
        Ok(tokio::task::spawn_blocking(move || work(&index)).await.map_err(|_| SyncError::Stopped)??)
    }
}
