//! Four hundred days of a mount that nobody watches, by a clock that runs fast: sessions end, tokens lapse, Apple is out of
//! order now and then, the password is changed once. What counts is how often a password is tried, and that the mount stays.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use icloud_simulator::Options;
use icloud_simulator::fault::{Effect, Failure, Fault};
use jiff::SignedDuration;
use photosfs::account::{Account, AccountError, Clock};
use photosfs::content::{Content, PhotosSource};
use photosfs::fuse::{self, MountOptions, Mounted};
use photosfs::http::Http;
use photosfs::index::Index;
use photosfs::photos::Photos;
use photosfs::sync::{LibrarySync, Round};
use photosfs::vfs::{Owner, StatusSource, Vfs};
use secrecy::SecretString;
use serde_json::json;
use tokio::runtime::Runtime;
use walkdir::WalkDir;

use crate::world::{CODE, PASSWORD, World, ZONES};

const DAYS: i64 = 400;
/// A mount asks more often; what has to stay rare does not depend on that.
const STEP: SignedDuration = SignedDuration::from_hours(3);
/// As often as a mount asks.
const STEP_IN_TROUBLE: SignedDuration = SignedDuration::from_mins(5);
/// How long a person takes to come once one is needed.
const PERSON_COMES: SignedDuration = SignedDuration::from_hours(30);
const NEW_PASSWORD: &str = "another-library-2027";
const CHANGED_ON: i64 = 200;
/// A spell of 503 in so many days, of half a day.
const BETWEEN_SPELLS: i64 = 23;

struct NoStatus;

impl StatusSource for NoStatus {
    fn status(&self) -> String {
        String::new()
    }
}

/// What happened, for the closing figures.
#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    answered: u64,
    persons: u32,
    spells: u32,
    looks: u32,
    listings_lost: u32,
    cached_lost: u32,
    /// Other files; those not in the cache need a session.
    read: u32,
    not_read: u32,
}

struct Soak {
    // Dropped in this order: the mount before its runtime and its folder.
    _mounted: Mounted,
    account: Arc<Account>,
    sync: Arc<LibrarySync>,
    world: World,
    runtime: Runtime,
    clock: Clock,
    passed: SignedDuration,
    needed_since: Option<SignedDuration>,
    password: &'static str,
    files: Vec<std::path::PathBuf>,
    tally: Tally,
}

impl Soak {
    fn new() -> Soak {
        let options = Options { assets: Some(60), code: Some(CODE.into()), ..Options::default() };
        let world = World::of(options, PASSWORD);
        world.simulator.change_switches(|switches| switches.locks_accounts = true);
        let (runtime, config, clock) = (Runtime::new().unwrap(), world.config(), Clock::default());
        let _inside = runtime.enter();
        let http = Http::new(&config.endpoints).unwrap();
        let account = Account::open_at(&config, http.clone(), clock.clone()).unwrap();
        runtime.block_on(crate::world::sign_in(&account));
        let index = Arc::new(Index::open(&config.state.join("index.sqlite"), &config.tree).unwrap());
        let photos = Arc::new(Photos::new(account.clone()));
        let sync = Arc::new(LibrarySync::new(photos.clone(), index.clone()));
        runtime.block_on(sync.round(Round::News)).unwrap();
        let source = Arc::new(PhotosSource::new(photos, http));
        let content = Arc::new(Content::open_folder((&config).into(), source, runtime.handle().clone()).unwrap());
        let vfs = Arc::new(Vfs::new(index, content, Arc::new(NoStatus), Owner::of_this_process()));
        let point = world.path("mnt");
        fs::create_dir(&point).unwrap();
        let mounted = fuse::mount(vfs, &point, MountOptions::default(), runtime.handle().clone()).unwrap();
        let files = files(&point);
        assert!(files.len() > 40 && !fs::read(&files[0]).unwrap().is_empty());
        drop(_inside);
        let (passed, needed_since, tally) = (SignedDuration::ZERO, None, Tally::default());
        Soak {
            _mounted: mounted,
            account,
            sync,
            world,
            runtime,
            clock,
            passed,
            needed_since,
            password: PASSWORD,
            files,
            tally,
        }
    }

    fn advance(&mut self, by: SignedDuration) {
        self.clock.advance(by);
        self.world.simulator.state().clock.advance(by.unsigned_abs());
        self.passed += by;
    }

    /// What a mount does all day: it asks, and if a person is needed for long enough, one comes.
    fn step(&mut self) -> Result<(), AccountError> {
        self.tally.calls += 1;
        let outcome = self.runtime.block_on(self.account.post(ZONES, &json!({}))).map(|_| ());
        self.tally.answered += u64::from(outcome.is_ok());
        match &outcome {
            Err(error) if error.needs_a_person() => {
                let since = *self.needed_since.get_or_insert(self.passed);
                if self.passed - since >= PERSON_COMES {
                    self.person();
                }
            }
            _ => self.needed_since = None,
        }
        outcome
    }

    /// Another process, as `photosfs login` is one.
    fn person(&mut self) {
        self.needed_since = None;
        self.tally.persons += 1;
        fs::write(self.world.path("password"), self.password).unwrap();
        let config = self.world.config();
        let http = Http::new(&config.endpoints).unwrap();
        let account = Account::open_at(&config, http, self.clock.clone()).unwrap();
        self.runtime.block_on(async {
            // Apple may be out of order just then; the person comes again.
            if account.sign_in(&SecretString::from(self.password)).await.is_ok() {
                let _ = account.submit_code(CODE).await;
            }
        });
    }

    fn events(&mut self, day: i64) {
        let simulator = &self.world.simulator;
        if day % BETWEEN_SPELLS == BETWEEN_SPELLS - 1 {
            self.tally.spells += 1;
            // Just when the session is needed anew.
            simulator.expire_sessions();
            for endpoint in ["signin/init", "accountLogin", "validate"] {
                // As often with accountLogin working, so that the password's turn comes.
                if endpoint != "accountLogin" || self.tally.spells.is_multiple_of(2) {
                    simulator.fault(Fault::every(endpoint, Effect::Fail(Failure::bare(503))));
                }
            }
        }
        if day == CHANGED_ON {
            self.password = NEW_PASSWORD;
            simulator.change_password(NEW_PASSWORD);
        }
    }

    /// The mount, once a day: it lists, what is in the cache is there, and the rest if there is a session.
    fn look(&mut self, day: i64) {
        self.tally.looks += 1;
        let point = self.world.path("mnt");
        self.tally.listings_lost += u32::from(files(&point) != self.files);
        self.tally.cached_lost += u32::from(fs::read(&self.files[0]).is_err());
        let other = &self.files[1 + usize::try_from(day).unwrap() % (self.files.len() - 1)];
        match fs::read(other) {
            Ok(_) => self.tally.read += 1,
            Err(_) => self.tally.not_read += 1,
        }
        let _ = self.runtime.block_on(self.sync.round(Round::News));
    }

    fn day(&mut self, day: i64) {
        self.events(day);
        let end = SignedDuration::from_hours(24 * (day + 1));
        while self.passed < end {
            let hours = self.passed - SignedDuration::from_hours(24 * day);
            if hours >= SignedDuration::from_hours(12) {
                self.world.simulator.state().faults.clear();
            }
            let step = match self.step() {
                Ok(()) => STEP,
                Err(_) => STEP_IN_TROUBLE,
            };
            self.advance(step.min(end - self.passed));
        }
        self.look(day);
    }
}

/// The files of a mount, by date.
fn files(point: &Path) -> Vec<std::path::PathBuf> {
    let walk = WalkDir::new(point.join("Years")).sort_by_file_name().into_iter().filter_map(Result::ok);
    walk.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

#[test]
fn four_hundred_days_without_a_lock_out() {
    let mut soak = Soak::new();
    (0..DAYS).for_each(|day| soak.day(day));
    let simulator = &soak.world.simulator;
    let times = simulator.password_times();
    let closest = times.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap();
    eprintln!(
        "{DAYS} days: {:?}; sign-ins begun {}, passwords tried {}, wrong {}, closest {closest} s, lock-outs {}",
        soak.tally,
        soak.world.sign_ins(),
        times.len(),
        simulator.wrong_passwords(),
        simulator.lock_outs(),
    );
    assert_eq!(simulator.lock_outs(), 0);
    assert_eq!(simulator.wrong_passwords(), 1, "the old password, once");
    assert!(closest >= 15 * 60, "{closest} s apart");
    assert!(times.len() < 60 && soak.world.sign_ins() < 120, "{} of {}", times.len(), soak.world.sign_ins());
    let tally = &soak.tally;
    assert_eq!((tally.looks, tally.listings_lost, tally.cached_lost), (400, 0, 0), "{tally:?}");
    assert!(tally.spells == 17 && tally.persons >= 2 && tally.persons < 20, "{tally:?}");
    assert!(tally.not_read < 40 && tally.read > 360, "{tally:?}");
    assert!(soak.account.status().signed_in, "at the end as at the beginning");
    assert_eq!(simulator.breaches(), Vec::<String>::new());
}
