//! What was asked of the simulator: a log, counters, and how many at once.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The log keeps the latest; the counters count all.
const KEPT: usize = 10_000;

/// One answered request. No query and no header: they hold secrets.
#[derive(Clone, Debug)]
pub struct Entry {
    pub method: String,
    pub path: String,
    pub status: u16,
    /// Since the simulator started.
    pub at: Duration,
    pub took: Duration,
}

/// Log and counters of one simulator.
pub struct Requests {
    since: Instant,
    inner: Mutex<Inner>,
    /// Bytes of bodies of files that were handed to connections.
    pub(crate) content: Arc<AtomicU64>,
    /// Connections that were closed because they had carried their share.
    pub(crate) exhausted: AtomicU64,
}

#[derive(Default)]
struct Inner {
    log: VecDeque<Entry>,
    counts: HashMap<String, u64>,
    now: usize,
    peak: usize,
}

impl Default for Requests {
    fn default() -> Self {
        Self { since: Instant::now(), inner: Mutex::default(), content: Arc::default(), exhausted: AtomicU64::new(0) }
    }
}

/// A request being answered. Dropped when it is answered, or when its client has gone away.
pub(crate) struct Begun<'a> {
    requests: &'a Requests,
    at: Instant,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.requests.inner().now -= 1;
    }
}

impl Requests {
    pub(crate) fn begin(&self, path: &str) -> Begun<'_> {
        let mut inner = self.inner();
        *inner.counts.entry(endpoint(path).to_owned()).or_default() += 1;
        inner.now += 1;
        inner.peak = inner.peak.max(inner.now);
        Begun { requests: self, at: Instant::now() }
    }

    pub(crate) fn end(&self, begun: Begun<'_>, method: &str, path: &str, status: u16) {
        tracing::debug!("{method} {path} {status}");
        let mut inner = self.inner();
        if inner.log.len() == KEPT {
            inner.log.pop_front();
        }
        inner.log.push_back(Entry {
            method: method.to_owned(),
            path: path.to_owned(),
            status,
            at: begun.at - self.since,
            took: begun.at.elapsed(),
        });
        drop(inner);
    }

    /// How often an endpoint was asked, named as in [`endpoint`].
    pub fn count(&self, endpoint: &str) -> u64 {
        self.inner().counts.get(endpoint).copied().unwrap_or(0)
    }

    /// How often each endpoint was asked.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.inner().counts.iter().map(|(endpoint, count)| (endpoint.clone(), *count)).collect()
    }

    /// The latest requests, oldest first.
    pub fn log(&self) -> Vec<Entry> {
        self.inner().log.iter().cloned().collect()
    }

    /// The most requests that were ever being answered at once.
    pub fn peak(&self) -> usize {
        self.inner().peak
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The short name of an endpoint: what follows `/appleauth/auth/`, `/setup/ws/1/` or `…/private/` and `…/shared/`;
/// `challenge` for `/appleauth/auth` itself and `download` for all content.
pub fn endpoint(path: &str) -> &str {
    if path.starts_with("/B/") {
        return "download";
    }
    if path.trim_end_matches('/') == "/appleauth/auth" {
        return "challenge";
    }
    let prefixes = ["/appleauth/auth/", "/setup/ws/1/"];
    if let Some(rest) = prefixes.iter().find_map(|prefix| path.strip_prefix(prefix)) {
        return rest;
    }
    let databases = ["/private/", "/shared/", "/public/"];
    databases.iter().find_map(|database| path.split_once(database)).map_or(path, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn endpoints_have_short_names() {
        assert_eq!(endpoint("/appleauth/auth"), "challenge");
        assert_eq!(endpoint("/appleauth/auth/signin/init"), "signin/init");
        assert_eq!(endpoint("/setup/ws/1/accountLogin"), "accountLogin");
        assert_eq!(endpoint("/database/1/com.apple.photos.cloud/production/private/records/query"), "records/query");
        assert_eq!(endpoint("/B/abc/name.jpg"), "download");
    }
}
