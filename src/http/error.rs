use std::time::Duration;

use thiserror::Error;

use super::Reached;
use super::retry::{Transient, Verdict};

/// Why there is no good reply. No variant holds a query, a header or a body.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HttpError {
    #[error("secure connections cannot be set up: {reason}")]
    Setup { reason: String },
    /// No connection: name, route, proxy or TLS.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("{host} did not answer in time")]
    TimedOut { host: String },
    /// The connection broke before the reply was complete.
    #[error("the connection to {host} broke: {reason}")]
    Interrupted { host: String, reason: String },
    #[error("{host} answered with status {status}")]
    Status { host: String, status: u16, retry_after: Option<Duration> },
    /// The reply is larger than any that the API gives.
    #[error("{host} answered with more than {limit} bytes")]
    TooLarge { host: String, limit: u64 },
    /// The reply is not what was asked for; what it holds must not be used.
    #[error("{host} sent something else than was asked for: {reason}")]
    Unexpected { host: String, reason: String },
    /// The address is not one that this client may ask.
    #[error("not asking {host}: {reason}")]
    Forbidden { host: String, reason: &'static str },
}

impl HttpError {
    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            HttpError::Unreachable { .. } | HttpError::TimedOut { .. } | HttpError::Interrupted { .. } => true,
            // Content hosts answer overload with a page for people, too (protocol/photos.md §5.6).
            HttpError::Unexpected { .. } => true,
            HttpError::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            HttpError::Setup { .. } | HttpError::TooLarge { .. } | HttpError::Forbidden { .. } => false,
        }
    }

    /// Whether nothing was heard from the service at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, HttpError::Unreachable { .. } | HttpError::TimedOut { .. } | HttpError::Interrupted { .. })
    }

    /// What it tells of the next request.
    pub fn reached(&self) -> Reached {
        match self {
            HttpError::Unreachable { .. } => Reached::Nobody,
            HttpError::TimedOut { .. } => Reached::Silence,
            _ => Reached::Answer,
        }
    }

    /// The status, if the service answered with one that is a failure.
    pub fn status(&self) -> Option<u16> {
        match self {
            HttpError::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    pub(super) fn setup(error: reqwest::Error) -> HttpError {
        HttpError::Setup { reason: root_cause(&error.without_url()) }
    }

    /// A failure below HTTP.
    pub(super) fn transport(host: &str, error: reqwest::Error) -> HttpError {
        let host = host.to_owned();
        let (timed_out, connecting) = (error.is_timeout(), error.is_connect());
        let reason = root_cause(&error.without_url());
        match (timed_out, connecting) {
            (_, true) => HttpError::Unreachable { host, reason },
            (true, false) => HttpError::TimedOut { host },
            (false, false) => HttpError::Interrupted { host, reason },
        }
    }

    pub(super) fn unexpected(host: &str, reason: impl Into<String>) -> HttpError {
        HttpError::Unexpected { host: host.to_owned(), reason: reason.into() }
    }
}

impl Transient for HttpError {
    fn verdict(&self) -> Verdict {
        match self {
            HttpError::Status { retry_after: Some(wait), .. } if self.is_transient() => Verdict::After(*wait),
            _ if self.is_transient() => Verdict::Again,
            _ => Verdict::Stop,
        }
    }
}

/// The innermost cause: the outer ones only say that a request failed.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_tried_again() {
        let status = |status| HttpError::Status { host: "h".into(), status, retry_after: None };
        for (error, transient) in [
            (HttpError::TimedOut { host: "h".into() }, true),
            (HttpError::unexpected("h", "a page"), true),
            (status(429), true),
            (status(503), true),
            (status(403), false),
            (status(410), false),
            (HttpError::Forbidden { host: "h".into(), reason: "not https" }, false),
        ] {
            assert_eq!(error.is_transient(), transient, "{error}");
        }
    }

    #[test]
    fn a_servers_wish_to_wait_is_kept() {
        let wait = Duration::from_secs(7);
        let error = HttpError::Status { host: "h".into(), status: 503, retry_after: Some(wait) };
        assert_eq!(error.verdict(), Verdict::After(wait));
    }
}
