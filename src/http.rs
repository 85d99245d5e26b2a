//! The HTTP client: the one place that opens connections.
//!
//! - [`Http::send`] makes one call of the API; [`Http::range`] reads a part of a file from a content host.
//! - Neither retries, follows redirects, or keeps cookies: [`retry()`] repeats what its caller says may be repeated, and the
//!   cookies belong to the account.
//! - Nothing here logs or reports more of an address than host and path, and of a content address not even the path:
//!   whoever knows such an address can fetch the photo (protocol/auth.md §7).

mod error;
mod range;
mod reach;
mod reply;
mod request;
mod retry;

use std::sync::Arc;
use std::time::Duration;

use crate::config::Endpoints;
pub use bytes::Bytes;
pub use error::HttpError;
pub use range::RangeBody;
pub use reach::{Hope, Reach, Reached};
pub use reply::Reply;
pub use request::Request;
pub use reqwest::Method;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use retry::{RetryPolicy, Transient, Verdict, retry};

/// Until a connection stands, TLS included.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// From the request's first byte to the reply's last.
const CALL_DEADLINE: Duration = Duration::from_secs(60);
/// The longest wait for the head of a content reply, and for each piece of its body after that. A whole film may take as
/// long as it takes, but not stand still.
const STALL_DEADLINE: Duration = Duration::from_secs(30);

/// The client; a clone shares its connections.
#[derive(Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    api: reqwest::Client,
    content: reqwest::Client,
    /// Whether plain http to this machine is allowed.
    loopback: bool,
    /// See [`STALL_DEADLINE`].
    stall: Duration,
    /// See [`Endpoints::first_wait`].
    first_wait: Option<Duration>,
}

impl Http {
    /// # Errors
    /// [`HttpError::Setup`] if TLS cannot be set up, for instance because the machine has no certificates.
    pub fn new(endpoints: &Endpoints) -> Result<Http, HttpError> {
        let api = client(endpoints.loopback).timeout(CALL_DEADLINE).build().map_err(HttpError::setup)?;
        // Compressed bytes could not be compared with the length that was asked for.
        let content = client(endpoints.loopback).no_gzip().build().map_err(HttpError::setup)?;
        let shared = Shared {
            api,
            content,
            loopback: endpoints.loopback,
            stall: STALL_DEADLINE,
            first_wait: endpoints.first_wait,
        };
        Ok(Http { shared: Arc::new(shared) })
    }

    /// How often and how long a call may be tried.
    pub fn retry_policy(&self) -> RetryPolicy {
        let usual = RetryPolicy::default();
        RetryPolicy { first_wait: self.shared.first_wait.unwrap_or(usual.first_wait), ..usual }
    }
}

/// HTTP/1.1 alone: over HTTP/2 connections to several of Apple's partitions are merged, and the wrong one answers 421
/// (protocol/auth.md §6.2).
#[expect(clippy::disallowed_methods, reason = "the one place that makes clients")]
fn client(loopback: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .http1_only()
        .connect_timeout(CONNECT_DEADLINE)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    match loopback {
        true => builder.no_proxy(),
        false => builder,
    }
}

#[cfg(test)]
mod tests;
