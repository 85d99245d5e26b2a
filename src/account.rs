//! The account: signing in, keeping the session, and speaking to the data service in its name.
//!
//! The protocol is that of icloud.com in a browser (protocol/auth.md). What costs the person something, a sign-in by
//! password, is done once at most and never in a loop: Apple locks accounts that try too often.

mod browser;
mod challenge_state;
mod clock;
mod code;
mod cookies;
mod error;
mod keyring;
mod keys;
mod lock;
mod password;
mod password_mark;
mod phone;
mod refusal;
mod renewal;
mod second_factor;
mod secret;
mod session;
mod session_file;
mod setup;
mod sign_in;
mod srp;
mod status;
mod unattended;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use jiff::Timestamp;
use secrecy::SecretString;

use self::browser::Browser;
use self::keys::Keys;
use self::password_mark::PasswordMark;
use self::renewal::Renewal;
use self::session::{Pending, Session};
use self::session_file::{SessionFile, SessionLock};
use self::sign_in::{Dialogue, Password};
use self::unattended::Unattended;
use crate::config::{Config, PasswordSource};
use crate::http::{Bytes, Http, Reply, RetryPolicy};
pub use clock::Clock;
pub use error::AccountError;
pub use lock::AccountLock;
pub use password::{forget_password, keep_password, stored_password};
pub use phone::{CodeBy, CodeSent, Phone};
pub use refusal::Step;
pub use status::SessionStatus;

/// One account, on this machine.
pub struct Account {
    apple_id: String,
    password: PasswordSource,
    browser: Browser,
    file: SessionFile,
    clock: Clock,
    /// Never held across an await.
    state: Mutex<State>,
    renewal: Renewal,
    /// Never held across an await.
    keys: Mutex<Keys>,
    /// For work that goes on when the call that began it is done.
    me: Weak<Account>,
    /// Between the password and the code, after which Apple may ask for it again (protocol/auth.md §1.7).
    password_typed: Mutex<Option<SecretString>>,
}

/// The session as this process knows it.
struct State {
    session: Session,
    /// Counts the sessions, so that a call knows whether its own is still the newest.
    generation: u64,
    /// Why there is no session, when trying for one has failed.
    problem: Option<(Timestamp, AccountError)>,
    /// How many attempts at renewing have failed in a row.
    failures: u32,
    cookies_saved: Option<Instant>,
}

/// How far a sign-in came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    Done,
    /// Apple has sent a code; go on with [`Account::submit_code`], from any process.
    CodeNeeded {
        digits: usize,
        sent: CodeSent,
    },
}

/// A session that is being changed: nobody else, in this process or another, changes it meanwhile.
struct Turn {
    session: Session,
    _lock: SessionLock,
}

impl Account {
    /// Reads what is known of the account; no network.
    ///
    /// # Errors
    /// [`AccountError::Store`] if the session on disk cannot be read.
    pub fn open(config: &Config, http: Http) -> Result<Arc<Account>, AccountError> {
        Account::open_at(config, http, Clock::default())
    }

    /// As [`Account::open`], by a clock that can be moved.
    ///
    /// # Errors
    /// As for [`Account::open`].
    pub fn open_at(config: &Config, http: Http, clock: Clock) -> Result<Arc<Account>, AccountError> {
        let browser = Browser::new(http, config.endpoints.clone());
        let file = SessionFile::new(&config.state);
        let session = own(file.load()?, &browser);
        Ok(Arc::new_cyclic(|me| Account {
            apple_id: config.apple_id.clone(),
            password: config.password.clone(),
            browser,
            file,
            clock,
            state: Mutex::new(State { session, generation: 0, problem: None, failures: 0, cookies_saved: None }),
            renewal: Renewal::default(),
            keys: Mutex::default(),
            me: me.clone(),
            password_typed: Mutex::new(None),
        }))
    }

    /// How often and how long a call with this account may be tried.
    pub fn retry_policy(&self) -> RetryPolicy {
        self.browser.retry_policy()
    }

    /// Signs in by password, for a person who is present; asks Apple to show a code if it wants one.
    ///
    /// # Errors
    /// What Apple says, by name; nothing is retried.
    pub async fn sign_in(&self, password: &SecretString) -> Result<SignIn, AccountError> {
        self.sign_in_by(password, CodeBy::Devices).await
    }

    /// As [`Account::sign_in`], with a say in how the code comes.
    ///
    /// # Errors
    /// As for [`Account::sign_in`]; after [`AccountError::WhichNumber`] and its like, go on with [`Account::ask_code`].
    pub async fn sign_in_by(&self, password: &SecretString, by: CodeBy) -> Result<SignIn, AccountError> {
        let mut turn = self.turn().await?;
        turn.session.unattended.barred = false;
        let outcome = self.sign_in_with(&mut turn.session, password, by).await;
        self.note_attempt(&mut turn.session, password, &outcome).await;
        self.finish(turn, outcome.as_ref().err()).await?;
        outcome
    }

    async fn sign_in_with(
        &self,
        session: &mut Session,
        password: &SecretString,
        by: CodeBy,
    ) -> Result<SignIn, AccountError> {
        let mut dialogue = Dialogue::begin(&self.browser, session);
        match dialogue.prove_password(&self.apple_id, password, session.trust.as_ref()).await? {
            Password::Trusted => {
                session.adopt(dialogue.exchange);
                setup::account_login(&self.browser, session).await?;
                Ok(SignIn::Done)
            }
            Password::CodeNeeded => {
                *self.password_typed() = Some(password.clone());
                session.pending = Some(Pending::new(dialogue.exchange, self.clock.now()));
                self.request_code(session, by).await
            }
        }
    }

    /// Remembers how an attempt with a person went, for those without: a script that signs in is one of either kind.
    async fn note_attempt(
        &self,
        session: &mut Session,
        password: &SecretString,
        outcome: &Result<SignIn, AccountError>,
    ) {
        match outcome {
            Ok(_) => session.unattended = Unattended::default(),
            Err(error) => {
                session.unattended.end(outcome);
                session.unattended.barred = false;
                session.unattended.last = Some(self.clock.now());
                if *error == AccountError::WrongPassword {
                    session.unattended.wrong = mark(password).await;
                }
            }
        }
    }

    /// Whether a sign-in that no person watches may be tried with this password now.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`] if Apple has refused this very one before, [`AccountError::TooSoon`] after other
    /// refusals.
    pub async fn may_sign_in(&self, password: &SecretString) -> Result<(), AccountError> {
        let unattended = self.state().session.unattended.clone();
        if was_refused(&unattended, password).await {
            return Err(AccountError::WrongPassword);
        }
        match unattended.wait_after_refusal(self.clock.now()) {
            Some(wait) => Err(AccountError::TooSoon { wait }),
            None => Ok(()),
        }
    }

    fn password_typed(&self) -> MutexGuard<'_, Option<SecretString>> {
        self.password_typed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts JSON to the data service, at `path` below its host, such as
    /// `database/1/com.apple.photos.cloud/production/private/zones/list`.
    ///
    /// A session that is over (401, 421, 450) is renewed once, for all who ask at the time, and the call repeated once. Any
    /// other reply is handed back, whatever its status; only 423, keys that no device has lent, is an error too, while one round
    /// of borrowing them is made in the background.
    ///
    /// # Errors
    /// [`AccountError::Http`] if there was no reply; otherwise why there is no session, often for a person to mend.
    pub async fn post(&self, path: &str, body: &serde_json::Value) -> Result<Reply, AccountError> {
        let body = Bytes::from(body.to_string());
        let first = match self.try_post(path, body.clone()).await {
            Err(AccountError::KeysNeeded) if self.keys_from_elsewhere().await => {
                self.try_post(path, body.clone()).await
            }
            first => first,
        };
        let (generation, first) = first?;
        if let Ok(reply) = first {
            return Ok(reply);
        }
        self.renew(generation).await?;
        let (generation, second) = self.try_post(path, body).await?;
        second.map_err(|refused| self.give_up(generation, refused))
    }

    /// One call. No reply if there is no session to call with, or, with the status, if Apple no longer knows it.
    async fn try_post(&self, path: &str, body: Bytes) -> Result<(u64, Result<Reply, Option<u16>>), AccountError> {
        let (generation, session) = {
            let state = self.state();
            match state.problem {
                Some(_) => return Ok((state.generation, Err(None))),
                None => (state.generation, state.session.clone()),
            }
        };
        let Some(services) = &session.services else { return Ok((generation, Err(None))) };
        let sent = self.browser.data_call(&session.cookies, services, &session.client_id, path, body).await?;
        match sent.status {
            401 | 421 | 450 => Ok((generation, Err(Some(sent.status)))),
            423 => Err(self.keys_missing()),
            403 if refusal::is_web_access_off(&sent) => Err(AccountError::WebAccessOff),
            _ => {
                self.keep_cookies(generation, services, &sent).await;
                Ok((generation, Ok(sent)))
            }
        }
    }

    /// A session that is new and yet not good: what one would see who renewed it over and over.
    fn give_up(&self, generation: u64, refused: Option<u16>) -> AccountError {
        let mut state = self.state();
        let Some(status) = refused else {
            // Somebody else has found out meanwhile.
            return state.problem.as_ref().map_or(AccountError::SignInNeeded, |(_, error)| error.clone());
        };
        let error = AccountError::SessionOver { step: Step::Data, status };
        if state.generation == generation {
            state.failures += 1;
            state.problem.get_or_insert((self.clock.now(), error.clone()));
        }
        error
    }

    /// Ends the session at Apple's and forgets it here, even if Apple cannot be told.
    ///
    /// # Errors
    /// Why Apple could not be told, or the file not be removed.
    pub async fn log_out(&self) -> Result<(), AccountError> {
        let mut turn = self.turn().await?;
        let told = match self.browser.has_session_cookie(&turn.session) {
            true => setup::log_out(&self.browser, &mut turn.session).await,
            false => Ok(()),
        };
        let file = self.file.clone();
        off_thread(move || file.remove()).await?;
        self.install(Session::new(self.browser.service().clone()), None);
        told
    }

    /// Takes the session for changing it, as it is on disk now.
    async fn turn(&self) -> Result<Turn, AccountError> {
        let lock = self.file.lock().await?;
        let file = self.file.clone();
        let kept = off_thread(move || file.load()).await?;
        // Until something is saved, the identity made at the start is the one to use.
        let fresh = || self.state().session.clone();
        let session = match kept {
            None if self.state().generation == 0 => fresh(),
            kept => own(kept, &self.browser),
        };
        Ok(Turn { session, _lock: lock })
    }

    /// Writes the changed session, and makes it this process's.
    async fn finish(&self, turn: Turn, problem: Option<&AccountError>) -> Result<(), AccountError> {
        let (file, session) = (self.file.clone(), turn.session.clone());
        let saved = off_thread(move || file.save(&session)).await;
        self.install(turn.session, problem.cloned());
        saved
    }

    fn install(&self, session: Session, problem: Option<AccountError>) {
        let mut state = self.state();
        state.session = session;
        state.generation += 1;
        // A failure on the way to Apple says nothing about the session.
        state.problem =
            problem.filter(|error| !matches!(error, AccountError::Http(_))).map(|error| (self.clock.now(), error));
        state.failures = if state.problem.is_some() { state.failures.saturating_add(1) } else { 0 };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session that was kept, if it is this service's; else a new one.
fn own(kept: Option<Session>, browser: &Browser) -> Session {
    kept.filter(|session| session.service == *browser.service())
        .unwrap_or_else(|| Session::new(browser.service().clone()))
}

/// Whether this is the password that Apple called wrong.
async fn was_refused(unattended: &Unattended, password: &SecretString) -> bool {
    let Some(wrong) = unattended.wrong.clone() else { return false };
    let password = password.clone();
    tokio::task::spawn_blocking(move || wrong.is_of(&password)).await.unwrap_or(false)
}

/// A password's mark; none if it cannot be made, which costs one more attempt.
async fn mark(password: &SecretString) -> Option<PasswordMark> {
    let password = password.clone();
    tokio::task::spawn_blocking(move || PasswordMark::of(&password)).await.ok()
}

/// File work, away from the threads that serve others.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AccountError> + Send + 'static,
) -> Result<T, AccountError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
