use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, RANGE};
use url::{Host, Url};

use super::reply::retry_after;
use super::request::host;
use super::{Http, HttpError};

/// Where content may come from (protocol/photos.md §5.5).
const CONTENT_DOMAINS: [&str; 3] = [".icloud-content.com", ".icloud-content.com.cn", ".cdn-apple.com"];

/// The bytes of a range, piece by piece. Ends well only after exactly as many bytes as were asked for.
pub struct RangeBody {
    incoming: reqwest::Response,
    host: String,
    left: u64,
    stall: Duration,
}

impl Http {
    /// Asks a content host for the bytes `range` of a file of `total` bytes.
    ///
    /// # Errors
    /// [`HttpError::Forbidden`] if the address is not a content host's; [`HttpError::Status`] for a refusal (401, 403,
    /// 404 and 410 mean that the address has expired, protocol/photos.md §5.5); [`HttpError::Unexpected`] if the reply is
    /// another part, of another length, or a page for people.
    pub async fn range(&self, url: &Url, range: Range<u64>, total: u64) -> Result<RangeBody, HttpError> {
        let host = host(url);
        self.permit_content(url)?;
        if range.is_empty() || range.end > total {
            return Err(HttpError::Forbidden { host, reason: "the range is empty or beyond the end" });
        }
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        let get = self.shared.content.get(url.clone()).header(RANGE, bytes).header(ACCEPT_ENCODING, "identity");
        let incoming = in_time(&host, self.shared.stall, get.send()).await?;
        let status = incoming.status().as_u16();
        tracing::debug!(target: "photosfs::http", call = %format_args!("GET {host}"), status,
            start = range.start, end = range.end, total);
        check_status(&host, status, &range, total, incoming.headers())?;
        check_head(&host, status, &range, total, incoming.headers())?;
        Ok(RangeBody { incoming, host, left: range.end - range.start, stall: self.shared.stall })
    }

    fn permit_content(&self, url: &Url) -> Result<(), HttpError> {
        let forbidden = |reason| Err(HttpError::Forbidden { host: host(url), reason });
        if self.shared.loopback && crate::config::is_loopback(url) {
            return Ok(());
        }
        let Some(Host::Domain(name)) = url.host() else {
            return forbidden("a content host has a name");
        };
        match url.scheme() == "https" && CONTENT_DOMAINS.iter().any(|domain| name.ends_with(domain)) {
            true => Ok(()),
            false => forbidden("it is not one of Apple's content hosts over https"),
        }
    }
}

impl RangeBody {
    /// The next piece, or none after the last.
    ///
    /// # Errors
    /// [`HttpError::Interrupted`] or [`HttpError::TimedOut`] if the body stops early, [`HttpError::Unexpected`] if it goes on
    /// for too long. What came before must then not be taken for the whole.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let chunk = in_time(&self.host, self.stall, self.incoming.chunk()).await?;
        match chunk {
            Some(chunk) if chunk.len() as u64 > self.left => {
                Err(HttpError::unexpected(&self.host, "more bytes than were asked for"))
            }
            Some(chunk) => {
                self.left -= chunk.len() as u64;
                Ok(Some(chunk))
            }
            None if self.left > 0 => {
                let reason = format!("{} bytes are missing", self.left);
                Err(HttpError::Interrupted { host: self.host.clone(), reason })
            }
            None => Ok(None),
        }
    }
}

async fn in_time<T>(
    host: &str,
    deadline: Duration,
    step: impl Future<Output = reqwest::Result<T>>,
) -> Result<T, HttpError> {
    match tokio::time::timeout(deadline, step).await {
        Ok(outcome) => outcome.map_err(|e| HttpError::transport(host, e)),
        Err(_) => Err(HttpError::TimedOut { host: host.to_owned() }),
    }
}

fn check_status(host: &str, status: u16, range: &Range<u64>, total: u64, headers: &HeaderMap) -> Result<(), HttpError> {
    match status {
        206 => Ok(()),
        200 if *range == (0..total) => Ok(()),
        200 => Err(HttpError::unexpected(host, "the whole file in place of a part")),
        _ => Err(HttpError::Status { host: host.to_owned(), status, retry_after: retry_after(headers) }),
    }
}

/// A good reply says which part it is, how long it is, and that it is a file.
fn check_head(host: &str, status: u16, range: &Range<u64>, total: u64, headers: &HeaderMap) -> Result<(), HttpError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let expected = format!("bytes {}-{}/{total}", range.start, range.end - 1);
    if status == 206 && !text(CONTENT_RANGE).eq_ignore_ascii_case(&expected) {
        return Err(HttpError::unexpected(host, "another part of the file, or a file of another size"));
    }
    let length = (range.end - range.start).to_string();
    if headers.contains_key(CONTENT_LENGTH) && text(CONTENT_LENGTH) != length {
        return Err(HttpError::unexpected(host, "a body of another length"));
    }
    let kind = text(CONTENT_TYPE).to_ascii_lowercase();
    match kind.starts_with("text/html") || kind.starts_with("application/json") {
        true => Err(HttpError::unexpected(host, "a message in place of a file")),
        false => Ok(()),
    }
}
