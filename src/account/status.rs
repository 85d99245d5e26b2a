use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Account;

/// What `status` tells of the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Whether there is a session that worked when it was last used.
    pub signed_in: bool,
    /// When Apple last confirmed the session.
    pub since: Option<Timestamp>,
    /// When Apple last trusted this installation after a code; the trust ends when Apple says so.
    pub trusted_since: Option<Timestamp>,
    /// What stands in the way, in a line; none if nothing does.
    pub needs: Option<String>,
}

impl Account {
    /// No network: what is known from the last call.
    pub fn status(&self) -> SessionStatus {
        let state = self.state();
        let session = &state.session;
        let usable = session.confirmed.is_some() && self.browser.has_session_cookie(session);
        let problem = state.problem.as_ref().map(|(_, error)| error.to_string());
        let waiting = session.pending.as_ref().map(|_| "Apple asks for a verification code".to_owned());
        let missing = || (!usable).then(|| "not signed in".to_owned());
        SessionStatus {
            signed_in: usable && problem.is_none(),
            since: session.confirmed,
            trusted_since: session.trust.as_ref().map(|trust| trust.since),
            needs: problem.or(waiting.filter(|_| !usable)).or_else(missing),
        }
    }
}
