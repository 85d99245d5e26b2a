use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;

use super::HttpError;

/// The largest reply that is read. The API's largest, a full page of records, is a few MiB.
const LIMIT: u64 = 64 * 1024 * 1024;

/// A complete reply of the API, of any status.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    host: String,
}

impl Reply {
    pub(super) async fn read(host: &str, mut incoming: reqwest::Response) -> Result<Reply, HttpError> {
        let status = incoming.status().as_u16();
        let headers = std::mem::take(incoming.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = incoming.chunk().await.map_err(|e| HttpError::transport(host, e))? {
            if body.len() as u64 + chunk.len() as u64 > LIMIT {
                return Err(HttpError::TooLarge { host: host.to_owned(), limit: LIMIT });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body: body.freeze(), host: host.to_owned() })
    }

    /// A reply made up, for tests of what reads one.
    #[cfg(test)]
    pub(crate) fn new(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Reply {
        Reply { status, headers, body: body.into(), host: "test".into() }
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, whatever its content type says: Apple's says text/html at times (protocol/auth.md §1.3).
    ///
    /// # Errors
    /// [`HttpError::Unexpected`] with the place of the mistake, and nothing of the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|e| {
            let kind = match e.is_data() {
                true => "JSON of another shape",
                false => "no JSON",
            };
            HttpError::unexpected(&self.host, format!("{kind} (line {}, column {})", e.line(), e.column()))
        })
    }

    /// A header's text; none if it is missing, empty or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())
    }

    /// How long the service asks us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }

    /// The service's clock.
    pub fn date(&self) -> Option<jiff::Timestamp> {
        jiff::fmt::rfc2822::parse(self.header("date")?).ok().map(|zoned| zoned.timestamp())
    }
}

/// Status and size alone: bodies hold names, identifiers and addresses.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// `Retry-After` in seconds, or as a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn both_forms_of_retry_after() {
        assert_eq!(after("30"), Some(Duration::from_secs(30)));
        assert_eq!(after("Fri, 01 Jan 2021 00:00:00 GMT"), Some(Duration::ZERO));
        assert!(after("Thu, 01 Jan 2099 00:00:00 GMT").unwrap() > Duration::from_secs(86_400));
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn a_reply_never_shows_its_body() {
        let reply =
            Reply { status: 200, headers: HeaderMap::new(), body: "{\"dsid\":\"s3cret\"".into(), host: "h".into() };
        assert_eq!(format!("{reply:?}"), "Reply { status: 200, bytes: 16, .. }");
        let error = reply.json::<serde_json::Value>().unwrap_err();
        assert_eq!(error.to_string(), "h sent something else than was asked for: no JSON (line 1, column 16)");
    }
}
