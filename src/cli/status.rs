//! `photosfs status`: how the library, the session and the mount are.

use std::process::ExitCode;

use jiff::Timestamp;
use serde::Serialize;

use super::held::counted;
use super::running::Told;
use super::service::{index_file, index_to_read};
use super::{Context, Failure, damage, running};
use crate::account::{Account, SessionStatus};
use crate::config::Config;
use crate::http::Http;
use crate::index::{Discrepancy, HistoryWalk, Index, LibraryState, Offset, Waiting};

/// Tell how the library, the session and the mount are
#[derive(clap::Args)]
pub struct Args {
    /// Print JSON with stable keys (docs/commands.md)
    #[arg(long)]
    json: bool,
}

/// What `status --json` prints and `.photosfs/status.json` holds. Keys are stable.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub version: &'static str,
    pub at: Timestamp,
    /// Whether everything iCloud announces is in the tree.
    pub complete: bool,
    pub libraries: Vec<LibraryReport>,
    /// Files in the tree, each counted once, and their bytes.
    pub files: u64,
    pub bytes: u64,
    /// Removals that wait for `photosfs held accept` or `reject`.
    pub held: u64,
    pub session: SessionStatus,
    /// Where the library is mounted; none if it is not.
    pub mountpoint: Option<String>,
    /// What a person should know of the account, such as a database that Apple refuses; none if nothing is odd.
    pub note: Option<String>,
    /// Zones of the account that are no photo libraries: nothing of them is shown.
    pub ignored_zones: Vec<String>,
    /// Why the latest request for changes failed; none if it did not.
    pub last_error: Option<String>,
    /// What is the matter with the index, while nothing is shown because of it; none if nothing is.
    pub index_damage: Option<String>,
    /// Originals that, fetched twice by the serving process, were not what Apple's checksum promises: they cannot be read.
    pub damaged: Vec<String>,
    /// Paths of originals that the serving process gave past the cache and could check by length only.
    pub length_only: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct LibraryReport {
    pub name: String,
    pub shown: bool,
    /// When iCloud last confirmed what is shown.
    pub synced: Option<Timestamp>,
    /// When everything in it was last listed.
    pub listed: Option<Timestamp>,
    pub visible: u64,
    pub hidden: u64,
    pub recently_deleted: u64,
    /// How far its history has been read for frames of bursts, which no list shows; none if it has no burst.
    pub history: Option<HistoryReport>,
    /// Photos whose original is not ready in iCloud: they are not shown yet.
    pub not_ready: u64,
    /// Photos whose keywords, place or edit are of a form that photosfs cannot read: they are shown without.
    pub unread: u64,
    pub held: u64,
    /// What iCloud announces and shows nowhere.
    pub missing: Vec<MissingReport>,
    pub note: Option<String>,
}

impl Report {
    pub fn of(index: &Index, session: SessionStatus, mountpoint: Option<String>) -> Result<Report, Failure> {
        let waiting = index.holds()?;
        let missing: Vec<Discrepancy> = index.discrepancies()?.into_iter().filter(Discrepancy::is_short).collect();
        let libraries = index
            .libraries()?
            .iter()
            .map(|state| LibraryReport::of(index, state, &waiting, &missing))
            .collect::<Result<Vec<_>, _>>()?;
        let totals = index.totals()?;
        Ok(Report {
            version: env!("CARGO_PKG_VERSION"),
            at: Timestamp::now(),
            complete: index.has_everything()?
                && libraries.iter().all(|library| library.shown && library.note.is_none()),
            held: libraries.iter().map(|library| library.held).sum(),
            libraries,
            files: totals.files,
            bytes: totals.bytes,
            session,
            mountpoint,
            note: index.account_notes()?,
            ignored_zones: index.ignored_zones()?,
            last_error: index.last_error()?,
            ..Report::default()
        })
    }

    /// Of an account whose index is damaged: what is in it says nothing.
    pub fn of_damaged(damage: String, session: SessionStatus, mountpoint: Option<String>) -> Report {
        let (version, at) = (env!("CARGO_PKG_VERSION"), Timestamp::now());
        Report { version, at, session, mountpoint, index_damage: Some(damage), ..Report::default() }
    }

    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain values only");
        text.push('\n');
        text
    }

    fn print(&self) {
        match &self.mountpoint {
            Some(mountpoint) => println!("mounted at {mountpoint}"),
            None => println!("not mounted"),
        }
        match &self.session.needs {
            Some(needs) => println!("session: {needs}"),
            None => println!("session: signed in"),
        }
        match &self.index_damage {
            Some(damage) => println!("{damage}"),
            None => self.print_libraries(),
        }
        if self.held > 0 {
            let verb = if self.held == 1 { "waits" } else { "wait" };
            println!("{} {verb} for you: photosfs held list", counted(self.held, "removal"));
        }
        if let Some(note) = &self.note {
            println!("note: {note}");
        }
        if !self.ignored_zones.is_empty() {
            println!("left out, being no photo libraries: {}", self.ignored_zones.join(", "));
        }
        if let Some(error) = &self.last_error {
            println!("asking for changes failed: {error}");
        }
        for path in &self.damaged {
            println!("damaged in iCloud: {path}");
        }
        for path in &self.length_only {
            println!("read past the cache, checked by its length only: {path}");
        }
    }

    fn print_libraries(&self) {
        if self.libraries.is_empty() {
            return println!("no library has been read yet: mount it, or read it now: photosfs sync");
        }
        for library in &self.libraries {
            library.print();
        }
        println!("{} files, {}", self.files, bytesize::ByteSize::b(self.bytes));
    }
}

/// A page is 200 records at the most.
#[derive(Debug, Serialize)]
pub struct HistoryReport {
    pub pages: u64,
    /// Records that no list had shown.
    pub found: u64,
    pub done: bool,
}

impl From<HistoryWalk> for HistoryReport {
    fn from(walk: HistoryWalk) -> HistoryReport {
        HistoryReport { pages: walk.pages, found: walk.found, done: walk.done }
    }
}

/// Of a view, the list of albums or an album iCloud announces more than it shows.
#[derive(Debug, Serialize)]
pub struct MissingReport {
    /// `visible`, `hidden`, `recently deleted`, `albums`, or an album's record name.
    pub list: String,
    pub count: u64,
    /// Whether all was asked that could show them.
    pub sought: bool,
    /// Whether a person lets that be.
    pub accepted: bool,
    /// All of it in words.
    #[serde(skip)]
    pub words: String,
}

impl MissingReport {
    fn of(missing: &Discrepancy) -> MissingReport {
        let Offset { list, beyond, sought } = &missing.offset;
        let (count, words) = (beyond.unsigned_abs(), missing.to_string());
        MissingReport { list: list.clone(), count, sought: *sought, accepted: missing.is_accepted(), words }
    }
}

impl LibraryReport {
    fn of(
        index: &Index,
        state: &LibraryState,
        waiting: &[Waiting],
        missing: &[Discrepancy],
    ) -> Result<LibraryReport, Failure> {
        let id = state.library.id();
        let counts = index.view_counts(&id)?;
        Ok(LibraryReport {
            shown: state.shown,
            synced: state.synced.and_then(|at| Timestamp::from_millisecond(at).ok()),
            listed: state.listed.and_then(|at| Timestamp::from_millisecond(at).ok()),
            visible: counts.visible,
            hidden: counts.hidden,
            recently_deleted: counts.trashed,
            not_ready: counts.unready,
            unread: index.unread(&id)?,
            held: waiting.iter().find(|waiting| waiting.library == id).map_or(0, Waiting::count),
            history: index.history_walk(&id)?.map(HistoryReport::from),
            missing: missing.iter().filter(|missing| missing.library == id).map(MissingReport::of).collect(),
            note: state.note.clone(),
            name: id.0,
        })
    }

    fn print(&self) {
        let LibraryReport { name, visible, hidden, recently_deleted, not_ready, .. } = self;
        match (self.shown, self.synced) {
            (false, _) => println!("{name}: being read for the first time"),
            (true, synced) => {
                println!("{name}: {visible} photos, {hidden} hidden, {recently_deleted} recently deleted");
                if let Some(synced) = synced {
                    println!("  confirmed by iCloud at {synced:.0}");
                }
                if let Some(listed) = self.listed {
                    println!("  everything last listed at {listed:.0}");
                }
            }
        }
        if *not_ready > 0 {
            println!("  {not_ready} more are not ready in iCloud yet and are not shown");
        }
        if self.unread > 0 {
            println!("  keywords, places or edits of {} cannot be read: they are shown without", self.unread);
        }
        if let Some(HistoryReport { pages, found, done: false }) = &self.history {
            println!("  its history is being read for frames of bursts: {pages} pages so far, {found} found");
        }
        for missing in self.missing.iter().filter(|missing| missing.accepted) {
            println!("  accepted: {}", missing.words);
        }
        if let Some(note) = &self.note {
            println!("  note: {note}");
        }
    }
}

/// How things are for an account; no network.
pub fn report(config: &Config) -> Result<Report, Failure> {
    let mountpoint = running::mountpoint(config);
    let Told { session, damaged, length_only, index_damage, last_error } =
        match mountpoint.as_deref().and_then(running::told) {
            Some(told) => told,
            None => Told::nothing(Account::open(config, Http::new(&config.endpoints)?)?.status()),
        };
    if let Some(damage) = index_damage.or_else(|| damage::found_in(&index_file(config))) {
        return Ok(Report { last_error, ..Report::of_damaged(damage, session, mountpoint) });
    }
    Ok(Report { damaged, length_only, ..Report::of(&index_to_read(config)?, session, mountpoint)? })
}

pub fn run(context: &Context, args: Args) -> Result<ExitCode, Failure> {
    let report = report(&context.config()?)?;
    match args.json {
        true => print!("{}", report.json()),
        false => report.print(),
    }
    Ok(ExitCode::SUCCESS)
}
