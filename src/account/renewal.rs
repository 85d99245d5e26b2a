//! How a session that is over becomes one again, without a person: the cheapest way first, a password at most once, and
//! one renewal for all who need it at the time.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::sync::Mutex;

use super::password::stored_password;
use super::session::{Services, Session};
use super::sign_in::{Dialogue, Password};
use super::unattended::{asked, grown};
use super::{Account, AccountError, mark, off_thread, setup, was_refused};
use crate::http::Reply;

/// How long a failure stands before another try is made at renewing, doubling with each further one; longer if a person is
/// needed, whose sign-in is noticed at once.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(1);
const AFTER_REFUSAL: SignedDuration = SignedDuration::from_mins(30);
/// Where Apple asks to be left alone (protocol/auth.md §6.4).
const LONGEST: SignedDuration = SignedDuration::from_hours(6);
/// Rotated cookies are written this often at most: older ones still serve, and writing means fsync.
const BETWEEN_SAVES: Duration = Duration::from_secs(30);

/// The one renewal at a time: when the last one ended, and how.
#[derive(Default)]
pub struct Renewal(Mutex<Option<(Instant, Result<(), AccountError>)>>);

impl Account {
    /// Makes sure that there is a session, without a person: asks whether the old one stands, else renews it, with the
    /// password too if one is stored.
    ///
    /// # Errors
    /// [`AccountError::SignInNeeded`] and its like if only a person can help; [`AccountError::Http`] and
    /// [`AccountError::Service`] if Apple cannot be asked now, which says nothing about the session.
    pub async fn ready(&self) -> Result<(), AccountError> {
        self.establish(true).await
    }

    /// As [`Account::ready`], but never by password.
    ///
    /// # Errors
    /// As for [`Account::ready`].
    pub async fn resume(&self) -> Result<(), AccountError> {
        self.establish(false).await
    }

    async fn establish(&self, by_password: bool) -> Result<(), AccountError> {
        let mut turn = self.turn().await?;
        let session = &mut turn.session;
        let outcome = match self.browser.has_session_cookie(session) {
            true => setup::validate(&self.browser, session).await,
            false => Err(AccountError::SignInNeeded),
        };
        let outcome = match outcome {
            Err(AccountError::SessionOver { .. } | AccountError::SignInNeeded) => {
                self.revive(session, by_password).await
            }
            outcome => outcome,
        };
        self.finish(turn, outcome.as_ref().err()).await?;
        outcome
    }

    /// Renews the session that a call of `generation` found to be over. Who comes while another renews shares the outcome.
    pub(super) async fn renew(&self, generation: u64) -> Result<(), AccountError> {
        let came = Instant::now();
        let mut last = self.renewal.0.lock().await;
        match &*last {
            Some((ended, outcome)) if *ended >= came => return outcome.clone(),
            _ if self.state().generation != generation && self.state().problem.is_none() => return Ok(()),
            _ => {}
        }
        let outcome = self.renew_once().await;
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }

    async fn renew_once(&self) -> Result<(), AccountError> {
        let mut turn = self.turn().await?;
        let (known, problem, failures) = {
            let state = self.state();
            (state.session.confirmed, state.problem.clone(), state.failures)
        };
        if turn.session.confirmed.is_some() && turn.session.confirmed > known {
            tracing::info!(target: "photosfs::account", "taking over the session that another process has renewed");
            self.install(turn.session, None);
            return Ok(());
        }
        if let Some((since, error)) = problem {
            let passed = self.clock.now().duration_since(since);
            if (SignedDuration::ZERO..pause(&error, failures)).contains(&passed) {
                return Err(error);
            }
        }
        let outcome = self.revive(&mut turn.session, true).await;
        self.finish(turn, outcome.as_ref().err()).await?;
        outcome
    }

    /// By the session token, and if that is dead too, by password.
    async fn revive(&self, session: &mut Session, by_password: bool) -> Result<(), AccountError> {
        let outcome = match setup::account_login(&self.browser, session).await {
            Err(AccountError::SessionOver { .. } | AccountError::SignInNeeded) if by_password => {
                self.sign_in_unattended(session).await
            }
            Err(AccountError::SessionOver { .. }) => Err(AccountError::SignInNeeded),
            outcome => outcome,
        };
        match &outcome {
            Ok(()) => tracing::info!(target: "photosfs::account", "the session is renewed"),
            Err(error) if session.confirmed.is_some() => {
                tracing::warn!(target: "photosfs::account", %error, "the session could not be renewed");
            }
            Err(_) => {}
        }
        if outcome.as_ref().is_err_and(AccountError::needs_a_person) {
            session.confirmed = None;
        }
        outcome
    }

    /// By a stored password and the trust of an earlier sign-in; never asks Apple to show a code to nobody.
    async fn sign_in_unattended(&self, session: &mut Session) -> Result<(), AccountError> {
        // Without either there has been no sign-in here, and the answer could only be that a code is needed.
        let known_here = session.trust.is_some() || session.services.is_some();
        if session.unattended.barred || !known_here {
            return Err(AccountError::SignInNeeded);
        }
        let Some(password) = stored_password(&self.password).await? else { return Err(AccountError::SignInNeeded) };
        if was_refused(&session.unattended, &password).await {
            return Err(AccountError::WrongPassword);
        }
        session.unattended.begin(self.clock.now())?;
        // Written first: a process that dies and is started again in a loop must not sign in each time.
        let (file, kept) = (self.file.clone(), session.clone());
        off_thread(move || file.save(&kept)).await?;
        let mut dialogue = Dialogue::begin(&self.browser, session);
        let outcome = match dialogue.prove_password(&self.apple_id, &password, session.trust.as_ref()).await {
            Ok(Password::Trusted) => {
                session.adopt(dialogue.exchange);
                setup::account_login(&self.browser, session).await
            }
            Ok(Password::CodeNeeded) => Err(AccountError::CodeNeeded),
            Err(error) => Err(error),
        };
        session.unattended.end(&outcome);
        if outcome == Err(AccountError::WrongPassword) {
            session.unattended.wrong = mark(&password).await;
        }
        outcome
    }

    /// Takes over the cookies of a data reply, unless they belong to a session that has been replaced meanwhile.
    pub(super) async fn keep_cookies(&self, generation: u64, services: &Services, reply: &Reply) {
        let session = {
            let mut state = self.state();
            if state.generation != generation {
                return;
            }
            let changed = state.session.cookies.absorb(&services.data, &reply.headers).is_change();
            let due = state.cookies_saved.is_none_or(|last| last.elapsed() >= BETWEEN_SAVES);
            if !changed || !due {
                return;
            }
            state.cookies_saved = Some(Instant::now());
            state.session.clone()
        };
        if let Err(error) = self.save_cookies(session).await {
            tracing::warn!(target: "photosfs::account", %error, "rotated cookies could not be kept");
        }
    }

    /// Not over a session that another process has made meanwhile, nor over one that is forgotten; and not at all while
    /// somebody signs in, for the call whose reply this is must not wait.
    async fn save_cookies(&self, session: Session) -> Result<(), AccountError> {
        let file = self.file.clone();
        off_thread(move || {
            let Some(_lock) = file.try_lock()? else { return Ok(()) };
            match file.load()? {
                Some(kept) if kept.confirmed == session.confirmed => {
                    file.save(&Session { cookies: session.cookies, ..kept })
                }
                _ => Ok(()),
            }
        })
        .await
    }
}

/// How long a failed renewal stands.
fn pause(error: &AccountError, failures: u32) -> SignedDuration {
    match error {
        error if error.needs_a_person() => AFTER_REFUSAL,
        AccountError::TooSoon { wait } => asked(*wait).max(AFTER_FAILURE),
        AccountError::Throttled { retry_after } => {
            grown(AFTER_REFUSAL, failures, LONGEST).max(asked(retry_after.unwrap_or_default()))
        }
        _ => grown(AFTER_FAILURE, failures, AFTER_REFUSAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Step;

    #[test]
    fn a_failed_renewal_stands_for_a_while_and_longer_each_time() {
        let minutes = |error: &AccountError| [1, 2, 3, 9].map(|failures| pause(error, failures).as_mins());
        assert_eq!(minutes(&AccountError::Service { step: Step::Login, status: 502 }), [1, 2, 4, 30]);
        assert_eq!(minutes(&AccountError::Throttled { retry_after: None }), [30, 60, 120, 360]);
        assert_eq!(
            minutes(&AccountError::Throttled { retry_after: Some(Duration::from_secs(5400)) }),
            [90, 90, 120, 360]
        );
        let for_ever = AccountError::Throttled { retry_after: Some(Duration::MAX) };
        assert_eq!(minutes(&for_ever), [24 * 60; 4], "nobody is locked out by a slip of the service");
        assert_eq!(minutes(&AccountError::CodeNeeded), [30; 4]);
        assert_eq!(minutes(&AccountError::TooSoon { wait: Duration::from_secs(600) }), [10; 4]);
    }
}
