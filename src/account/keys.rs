//! Advanced Data Protection: Apple has no keys, so one of the person's devices has to lend them, for about an hour of use
//! (protocol/auth.md §5).

use std::sync::PoisonError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::browser::{Browser, KEY_COOKIES};
use super::refusal::{Step, refusal, true_status};
use super::session::Session;
use super::unattended::grown;
use super::{Account, AccountError, off_thread, own};
use crate::http::Reply;

/// Thirty polls, ten seconds apart: the five minutes that other clients grant the person (protocol/auth.md §5.2).
const POLLS: u32 = 30;
const BETWEEN_POLLS: Duration = Duration::from_secs(10);
/// A simulator has nobody to wait for.
const BETWEEN_POLLS_HERE: Duration = Duration::from_millis(20);
/// After a round in which nobody approved, doubling with each further one up to the longest.
const BACK_OFF: SignedDuration = SignedDuration::from_mins(15);
const LONGEST: SignedDuration = SignedDuration::from_hours(4);

/// How the latest attempt at borrowing keys went.
#[derive(Default)]
pub struct Keys {
    running: bool,
    failures: u32,
    problem: Option<(Timestamp, AccountError)>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct KeyReply {
    is_web_access_allowed: Option<bool>,
    #[serde(rename = "isDeviceConsentedForPCS")]
    is_device_consented_for_pcs: Option<bool>,
    is_device_consent_notification_sent: Option<bool>,
    status: String,
    error: String,
}

impl Account {
    /// Whether the session is good but for keys that a device has to lend.
    pub fn lacks_keys(&self) -> bool {
        let state = self.state();
        state.problem.is_none() && self.browser.lacks_keys(&state.session)
    }

    /// Whether a round of asking the devices is being made.
    pub fn is_asking_for_keys(&self) -> bool {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).running
    }

    /// From now on no device is asked for keys that are missing; for who only wants to know how things are.
    pub fn leave_devices_alone(&self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).running = true;
    }

    /// Borrows the keys, for a person who is present and approves it on a device; waits five minutes for that.
    ///
    /// # Errors
    /// [`AccountError::KeysNeeded`] if nobody did, [`AccountError::WebAccessOff`] if the account does not allow it.
    pub async fn borrow_keys(&self) -> Result<(), AccountError> {
        let outcome = self.borrow().await;
        self.keys_asked(&outcome);
        outcome
    }

    /// The data service wants keys: one round is made in the background, for all who ask meanwhile, and none too soon after
    /// one in vain.
    pub(super) fn keys_missing(&self) -> AccountError {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.running {
            return AccountError::KeysNeeded;
        }
        let pause = grown(BACK_OFF, keys.failures, LONGEST);
        if let Some((since, error)) = &keys.problem
            && (SignedDuration::ZERO..pause).contains(&self.clock.now().duration_since(*since))
        {
            return error.clone();
        }
        let Some(account) = self.me.upgrade() else { return AccountError::KeysNeeded };
        keys.running = true;
        tokio::spawn(async move {
            let outcome = account.borrow_keys().await;
            match outcome {
                Ok(()) => tracing::info!(target: "photosfs::account", "a device has lent its keys"),
                Err(error) => tracing::warn!(target: "photosfs::account", %error, "no keys"),
            }
        });
        AccountError::KeysNeeded
    }

    fn keys_asked(&self, outcome: &Result<(), AccountError>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => *keys = Keys::default(),
            Err(error) => {
                *keys = Keys {
                    running: false,
                    failures: keys.failures + 1,
                    problem: Some((self.clock.now(), error.clone())),
                };
            }
        }
    }

    /// What the lack of keys asks of the person now.
    pub(super) fn keys_problem(&self) -> Option<AccountError> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match (keys.running, &keys.problem) {
            (true, _) => Some(AccountError::KeysNeeded),
            (false, problem) => problem.as_ref().map(|(_, error)| error.clone()),
        }
    }

    /// On a copy of the session: others may go on changing it while the person looks for the device.
    async fn borrow(&self) -> Result<(), AccountError> {
        let mut copy = self.state().session.clone();
        ask_devices(&self.browser, &mut copy).await?;
        let mut turn = self.turn().await?;
        turn.session.cookies = copy.cookies;
        turn.session.confirmed = Some(Timestamp::now());
        self.finish(turn, None).await
    }

    /// Takes over the keys that another process has borrowed meanwhile.
    pub(super) async fn keys_from_elsewhere(&self) -> bool {
        let file = self.file.clone();
        // Whole, whoever writes it: no need to wait for one's turn, as reads would.
        let Ok(kept) = off_thread(move || file.load()).await else { return false };
        let kept = own(kept, &self.browser);
        if kept.confirmed <= self.state().session.confirmed {
            return false;
        }
        self.install(kept, None);
        self.keys_asked(&Ok(()));
        true
    }
}

/// From the consent to the cookies.
async fn ask_devices(browser: &Browser, session: &mut Session) -> Result<(), AccountError> {
    let pause = if browser.is_simulated() { BETWEEN_POLLS_HERE } else { BETWEEN_POLLS };
    let mut polls = 0;
    let mut asked = false;
    while call(browser, session, "requestWebAccessState", "").await?.is_device_consented_for_pcs == Some(false) {
        if !asked {
            let sent = call(browser, session, "enableDeviceConsentForPCS", "").await?;
            if sent.is_device_consent_notification_sent == Some(false) {
                return Err(AccountError::KeysNeeded);
            }
            asked = true;
        }
        wait(&mut polls, pause).await?;
    }
    let mut prompt = true;
    loop {
        // Once true, which makes a device ask; then false, which only asks how far it is.
        let body = json!({"appName": "photos", "derivedFromUserAction": prompt}).to_string();
        let reply = call(browser, session, "requestPCS", &body).await?;
        if reply.status == "success" && !browser.lacks_keys(session) {
            return Ok(());
        }
        prompt = false;
        wait(&mut polls, pause).await?;
    }
}

async fn wait(polls: &mut u32, pause: Duration) -> Result<(), AccountError> {
    *polls += 1;
    if *polls > POLLS {
        return Err(AccountError::KeysNeeded);
    }
    tokio::time::sleep(pause).await;
    Ok(())
}

async fn call(browser: &Browser, session: &mut Session, path: &str, body: &str) -> Result<KeyReply, AccountError> {
    let (reply, _) = browser.setup_call(&mut session.cookies, path, "application/json", body.to_owned()).await?;
    judge(&reply)
}

/// What the answer about the keys means (protocol/auth.md §5.2).
fn judge(reply: &Reply) -> Result<KeyReply, AccountError> {
    let told: KeyReply = reply.json().unwrap_or_default();
    match true_status(reply) {
        _ if told.is_web_access_allowed == Some(false) => Err(AccountError::WebAccessOff),
        200..=299 => Ok(told),
        500 if told.error.contains("WEBAUTH-TOKEN") => Err(AccountError::SessionOver { step: Step::Keys, status: 500 }),
        // "Issue requesting IDMS for arming.", after many sign-ins: waiting in front of it has cured nothing.
        500 if told.is_device_consented_for_pcs == Some(false) => Err(AccountError::KeysNeeded),
        _ => Err(refusal(Step::Keys, reply)),
    }
}

impl Browser {
    /// Whether a data call would go without the keys.
    pub(super) fn lacks_keys(&self, session: &Session) -> bool {
        let Some(services) = &session.services else { return false };
        KEY_COOKIES.iter().any(|name| !session.cookies.has(&services.data, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HeaderMap;

    #[test]
    fn what_the_answers_mean() {
        let judge = |status, body: &str| judge(&Reply::new(status, HeaderMap::new(), body.to_owned())).map(|_| ());
        let waiting =
            r#"{"isWebAccessAllowed":true,"status":"failure","message":"Cookies not available yet on server."}"#;
        let arming = r#"{"message":"Issue requesting IDMS for arming.","isDeviceConsentedForPCS":false}"#;
        let over = r#"{"success":false,"error":"Missing X-APPLE-WEBAUTH-TOKEN cookie"}"#;
        assert_eq!(judge(200, waiting), Ok(()));
        assert_eq!(judge(500, arming), Err(AccountError::KeysNeeded));
        assert_eq!(judge(500, over), Err(AccountError::SessionOver { step: Step::Keys, status: 500 }));
        for status in [200, 500] {
            assert_eq!(judge(status, r#"{"isWebAccessAllowed":false}"#), Err(AccountError::WebAccessOff));
        }
        assert_eq!(judge(503, ""), Err(AccountError::Throttled { retry_after: None }));
    }
}
