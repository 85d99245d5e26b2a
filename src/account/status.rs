use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Account, AccountError};

/// What `status` tells of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Whether there is a session that worked when it was last used.
    pub signed_in: bool,
    /// When Apple last confirmed the session.
    pub since: Option<Timestamp>,
    /// When Apple last trusted this installation after a code; the trust ends when Apple says so.
    pub trusted_since: Option<Timestamp>,
    /// What stands in the way, in a line; none if nothing does.
    pub needs: Option<String>,
    /// The same as a word that stays (docs/sign-in.md); none if nothing does.
    #[serde(default)]
    pub needs_code: Option<String>,
    /// Whole days since `trusted_since`.
    #[serde(default)]
    pub days_since_trust: Option<i64>,
}

impl Account {
    /// What the account needs and only a person can give; no network.
    pub fn needs_a_person(&self) -> Option<AccountError> {
        self.needs().filter(AccountError::needs_a_person)
    }

    /// Where the account's data are, if that is known.
    pub fn data_host(&self) -> Option<url::Url> {
        self.state().session.services.as_ref().map(|services| services.data.clone())
    }

    /// What stands in the way, if anything does.
    fn needs(&self) -> Option<AccountError> {
        let state = self.state();
        let session = &state.session;
        let usable = session.confirmed.is_some() && self.browser.has_session_cookie(session);
        let problem = state.problem.as_ref().map(|(_, error)| error.clone());
        let signed_in = usable && problem.is_none();
        let waiting = session.pending.as_ref().map(|_| AccountError::CodeNeeded).filter(|_| !usable);
        let missing = || (!usable).then_some(AccountError::SignInNeeded);
        let keys = || self.keys_problem().filter(|_| signed_in);
        problem.or(waiting).or_else(missing).or_else(keys)
    }

    /// No network: what is known from the last call.
    pub fn status(&self) -> SessionStatus {
        let needs = self.needs();
        let state = self.state();
        let session = &state.session;
        let usable = session.confirmed.is_some() && self.browser.has_session_cookie(session);
        let signed_in = usable && state.problem.is_none();
        let trusted_since = session.trust.as_ref().map(|trust| trust.since);
        SessionStatus {
            signed_in,
            since: session.confirmed,
            trusted_since,
            needs: needs.as_ref().map(AccountError::to_string),
            needs_code: needs.as_ref().map(|error| error.code().to_owned()),
            days_since_trust: trusted_since.map(|since| self.clock.now().duration_since(since).as_hours() / 24),
        }
    }
}
