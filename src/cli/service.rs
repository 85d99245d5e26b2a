//! The rooms put together for one account.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::Failure;
use super::failure::code;
use crate::account::{Account, AccountLock};
use crate::config::Config;
use crate::http::Http;
use crate::index::{Index, IndexError};
use crate::photos::Photos;
use crate::sync::{LibrarySync, SyncError};

/// Everything that serves an account, but for the mount itself. Only one process has it at a time.
pub struct Service {
    pub config: Config,
    pub runtime: Runtime,
    pub http: Http,
    pub account: Arc<Account>,
    pub photos: Arc<Photos>,
    pub index: Arc<Index>,
    pub sync: Arc<LibrarySync>,
    _lock: AccountLock,
}

impl Service {
    /// Opens session and index; no network.
    pub fn open(config: Config) -> Result<Service, Failure> {
        let lock = AccountLock::take(&config)?;
        let runtime = super::runtime()?;
        let http = Http::new(&config.endpoints)?;
        let account = Account::open(&config, http.clone())?;
        let index = Arc::new(Index::open(&index_file(&config), &config.tree)?);
        let photos = {
            let _inside = runtime.enter();
            Arc::new(Photos::new(account.clone()))
        };
        for state in index.libraries()? {
            photos.know(&state.library);
        }
        let sync = Arc::new(LibrarySync::new(photos.clone(), index.clone()));
        Ok(Service { config, runtime, http, account, photos, index, sync, _lock: lock })
    }

    /// Brings the index up to date, with the first listing of what was never listed, and shows how far it is.
    pub fn update(&self) -> Result<(), Failure> {
        let shown = super::progress::show(&self.runtime, self.sync.progress());
        let outcome = self.runtime.block_on(self.sync.update());
        shown.stop(&self.runtime);
        Ok(outcome?)
    }

    /// Whether there is anything to show.
    pub fn has_library(&self) -> Result<bool, Failure> {
        Ok(self.index.libraries()?.iter().any(|state| state.shown))
    }
}

/// Where the account's index is.
pub fn index_file(config: &Config) -> PathBuf {
    config.state.join("index.sqlite")
}

/// The account's index, for reading beside a process that writes it.
pub fn index_to_read(config: &Config) -> Result<Index, Failure> {
    let path = index_file(config);
    match path.is_file() {
        true => Ok(Index::open_to_read(&path)?),
        false => Err(Failure::plain(
            "the library has not been read yet",
            "mount it once (photosfs mount MOUNTPOINT) or read it now: photosfs sync",
        )),
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Failure {
        let advice = match error {
            IndexError::Version { .. } => "update photosfs".to_owned(),
            _ => "see photosfs doctor; removing index.sqlite from the state folder costs one new listing".to_owned(),
        };
        Failure::plain(error, advice)
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Failure {
        if let SyncError::Photos(photos) = &error
            && let Some(account) = photos.account()
        {
            return Failure::from(account.clone());
        }
        let advice = match &error {
            SyncError::Photos(_) => "see photosfs doctor; photosfs tries again by itself",
            SyncError::NoLibrary => "turn on iCloud Photos on a device of yours, then try again",
            SyncError::Indexing { .. } => "wait some hours; new and large libraries take that long",
            SyncError::Incomplete { .. } => "nothing is shown until the listing is whole; try again later",
            _ => "try again",
        };
        Failure::new(code::FAILED, error, advice)
    }
}
