//! The rooms put together for one account.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender};

use super::attention::Attention;
use super::failure::code;
use super::status::Report;
use super::{Failure, damage, running};
use crate::account::{Account, AccountError, AccountLock};
use crate::config::Config;
use crate::content::{Content, Offline, PhotosSource, Source};
use crate::fuse::MountOptions;
use crate::http::Http;
use crate::index::{Index, IndexError};
use crate::photos::{Photos, Resource};
use crate::sync::{LibrarySync, Round, SyncError};
use crate::vfs::{ChangeListener, DayOfChange, Owner, StatusSource, System, Vfs};

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
        let lock = lock(&config)?;
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
        let sync = Arc::new(LibrarySync::new(photos.clone(), index.clone()).listing_every(config.list_again));
        Ok(Service { config, runtime, http, account, photos, index, sync, _lock: lock })
    }

    /// Brings the index up to date, with the first listing of what was never listed, and shows how far it is.
    pub fn sync(&self, round: Round) -> Result<(), Failure> {
        let shown = super::progress::show(&self.runtime, self.sync.progress());
        let outcome = self.runtime.block_on(self.sync.round(round));
        shown.stop(&self.runtime);
        Ok(outcome?)
    }

    /// The originals, from the cache and from iCloud; `offline` from the cache alone.
    pub fn content(&self, offline: bool) -> Result<Content, Failure> {
        let source: Arc<dyn Source> = match offline {
            true => Arc::new(Offline),
            false => Arc::new(PhotosSource::new(self.photos.clone(), self.http.clone())),
        };
        let content = Content::open_folder((&self.config).into(), source, self.runtime.handle().clone());
        content.map_err(|error| {
            Failure::plain(format!("{}: {error}", self.config.cache.display()), "make the cache folder writable")
        })
    }

    /// Mounts the library, and keeps it current until a signal or an unmount; `offline` asks nobody.
    pub fn mount(
        &self,
        point: &Path,
        options: MountOptions,
        offline: bool,
        ready: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let point = std::path::absolute(point).map_err(|error| Failure::plain(error, ""))?;
        let content = Arc::new(self.content(offline)?);
        let status = Arc::new(MountStatus {
            index: self.index.clone(),
            account: self.account.clone(),
            content: content.clone(),
            mountpoint: point.display().to_string(),
        });
        let vfs = Vfs::new(self.index.clone(), content.clone(), status, Owner::of_this_process());
        let vfs =
            Arc::new(vfs.on(System::OWN).with_xattrs(self.config.xattrs).with_cached_only(&self.config.cached_only));
        self.sync.on_change({
            let vfs = vfs.clone();
            move |change| vfs.changed(change)
        });
        let _announced = running::announce(&self.config, &point)?;
        let served = self.runtime.block_on(async {
            let (ask, asked) = tokio::sync::mpsc::channel(1);
            self.look_through(ask.clone());
            if !offline {
                self.keep_current(ask, asked)?;
                if let Some(attention) = Attention::of(self, content.clone(), &point) {
                    tokio::spawn(attention.watch());
                }
            }
            super::mount::serve(vfs, &point, options, ready).await
        });
        // What still holds the index ends with the process, without closing it.
        self.index.settle();
        served
    }

    /// Looks whether the index is sound; the round that is asked for if it is not makes it anew.
    fn look_through(&self, ask: Sender<Round>) {
        self.index.look_through(move || {
            // If another request waits, that one will do.
            let _ = ask.try_send(Round::News);
        });
    }

    /// Asks for changes now, every few minutes, and on SIGHUP; on SIGUSR1 for everything.
    fn keep_current(&self, ask: Sender<Round>, asked: Receiver<Round>) -> Result<(), Failure> {
        let _ = ask.try_send(Round::News);
        on_signal(SignalKind::hangup(), Round::News, ask.clone())?;
        on_signal(SignalKind::user_defined1(), Round::Full, ask)?;
        tokio::spawn(self.sync.clone().run(self.config.poll, asked));
        Ok(())
    }
}

/// Asks for a round whenever a signal comes, from now on.
fn on_signal(kind: SignalKind, round: Round, ask: Sender<Round>) -> Result<(), Failure> {
    let mut signals =
        signal(kind).map_err(|error| Failure::plain(format!("signals cannot be watched: {error}"), ""))?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            // Waits while another request waits, so that none is lost.
            let _ = ask.send(round).await;
        }
    });
    Ok(())
}

/// What the files of `.photosfs` show.
struct MountStatus {
    index: Arc<Index>,
    account: Arc<Account>,
    content: Arc<Content>,
    mountpoint: String,
}

impl MountStatus {
    fn report(&self) -> Result<Report, Failure> {
        if let Some(damage) = damage::of(&self.index)? {
            // Why it lasts is known in memory; the index itself may not be asked.
            let last_error = self.index.last_error().ok().flatten();
            let report = Report::of_damaged(damage, self.account.status(), Some(self.mountpoint.clone()));
            return Ok(Report { last_error, ..report });
        }
        let path = |resource: Resource| Ok(self.index.path_of(&resource)?.unwrap_or(resource.record_name));
        let damaged = self.content.damaged().into_iter().map(|damage| path(damage.resource));
        let damaged = damaged.collect::<Result<_, Failure>>()?;
        let length_only = self.content.unproven().into_iter().map(path).collect::<Result<_, Failure>>()?;
        let report = Report::of(&self.index, self.account.status(), Some(self.mountpoint.clone()))?;
        Ok(Report { damaged, length_only, ..report })
    }
}

impl StatusSource for MountStatus {
    fn status(&self) -> String {
        match self.report() {
            Ok(report) => report.json(),
            // Not complete is all that may be concluded from an index that cannot be read.
            Err(failure) => format!("{}\n", serde_json::json!({"complete": false, "last_error": failure.reason})),
        }
    }

    fn held(&self) -> Result<Option<String>, IndexError> {
        Ok(super::held::report(&self.index.holds()?))
    }

    fn days_of_change(&self) -> Result<Vec<i64>, IndexError> {
        self.index.days_of_change()
    }

    fn newest_change(&self) -> Result<Option<i64>, IndexError> {
        self.index.newest_change()
    }

    fn changes_of(&self, day: i64) -> Result<Option<DayOfChange>, IndexError> {
        let changes = super::changes::of_day(&self.index, day)?;
        Ok(changes.map(|(text, noticed)| DayOfChange { text, noticed }))
    }
}

/// Takes the account for this process; the failure says where it is mounted, if that is what stands in the way.
pub fn lock(config: &Config) -> Result<AccountLock, Failure> {
    AccountLock::take(config).map_err(|error| match (&error, running::mountpoint(config)) {
        (AccountError::InUse, Some(mountpoint)) => Failure::plain(
            format!("the library is mounted on {mountpoint} already"),
            format!("use it, or end it: photosfs unmount '{mountpoint}'"),
        ),
        _ => error.into(),
    })
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
        let advice = index_advice(&error);
        Failure::plain(error, advice)
    }
}

fn index_advice(error: &IndexError) -> &'static str {
    match error {
        IndexError::Version { found, known } if found > known => "update photosfs",
        _ if error.is_damage() => "have everything listed anew: photosfs sync",
        _ if error.is_disk_full() => "make room for the index, or choose another place with --state-dir",
        _ => "see photosfs doctor; removing index.sqlite from the state folder costs one new listing",
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
            SyncError::Photos(_) => "see photosfs doctor, then try again",
            SyncError::Index(error) => index_advice(error),
            SyncError::NoLibrary => "turn on iCloud Photos on a device of yours, then try again",
            SyncError::Indexing { .. } => "wait some hours; new and large libraries take that long",
            SyncError::Restless { .. } => "try again when less is being added or removed; what is listed is kept",
            SyncError::Incomplete { .. } => {
                "nothing is shown until the listing is whole; try again later, and see photosfs held list"
            }
            _ => "try again",
        };
        Failure::new(code::FAILED, error, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::PhotosError;

    #[test]
    fn a_command_that_ends_promises_nothing() {
        let failures = [
            SyncError::Photos(PhotosError::NoState),
            SyncError::Restless { library: "PrimarySync".into() },
            SyncError::Incomplete { library: "PrimarySync".into(), view: "visible".into(), seen: 1, announced: 2 },
        ];
        for failure in failures.map(Failure::from) {
            assert!(failure.advice.contains("try again") && !failure.advice.contains("tries again"), "{failure:?}");
            assert!(!failure.reason.contains('\n') && !failure.advice.contains('\n'), "one line each: {failure:?}");
        }
    }
}
