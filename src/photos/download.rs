//! Download addresses: short-lived, signed, secret, looked up in batches and remembered until they are about to run out.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::{LOOKUP, LibraryId, PhotosError, Resource, ResourceKind};
use crate::cloudkit::{AssetValue, CloudKitError, Database, Record, Zone};

/// A signed address of a resource's bytes. Whoever has it can read the photo: it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadUrl(Url);

impl DownloadUrl {
    pub fn new(url: Url) -> DownloadUrl {
        DownloadUrl(url)
    }

    /// The address itself, for the HTTP client only.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// When it runs out: `e`, in seconds since 1970 (protocol/photos.md §5.5).
    fn expires(&self) -> Option<u64> {
        self.0.query_pairs().find(|(key, _)| key == "e")?.1.parse().ok()
    }

    /// Whether it is good for a while yet. One without a time is taken to be short-lived and asked for anew.
    fn is_fresh(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.expires().is_some_and(|e| e > (now + MARGIN).as_secs())
    }
}

impl fmt::Debug for DownloadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DownloadUrl(…)")
    }
}

/// An address with less than this left is looked up again (protocol/photos.md §5.5: "a minute or two").
const MARGIN: Duration = Duration::from_secs(90);
/// How long a look-up waits for others to share its request. A look-up takes tens of milliseconds at the least.
const GATHER: Duration = Duration::from_millis(3);
/// Records whose addresses are remembered: one to three of some 700 bytes each, good for an hour at the most.
const REMEMBERED: u64 = 4_000;

/// A record that can be asked for addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Holder {
    library: LibraryId,
    record_name: String,
}

/// What a record said of its files, as far as it has them.
type Files = Arc<Vec<(ResourceKind, AssetValue)>>;

struct Ask {
    zone: Zone,
    holder: Holder,
    answer: oneshot::Sender<Result<Files, Arc<PhotosError>>>,
}

/// Looks up download addresses.
pub(super) struct Downloads {
    known: Cache<Holder, Files>,
    asks: mpsc::Sender<Ask>,
}

impl Downloads {
    /// Must be called inside a tokio runtime: a task of its own gathers the look-ups.
    pub fn new(database: Database) -> Downloads {
        let (asks, queue) = mpsc::channel(4 * LOOKUP);
        tokio::spawn(gather(database, queue));
        // Plainly the most recent: a policy that weighs popularity would refuse what was looked up in advance, once it is full.
        let known = Cache::builder().max_capacity(REMEMBERED).eviction_policy(EvictionPolicy::lru()).build();
        Downloads { known, asks }
    }

    /// An address that is good for a while; looked up anew if the known one is `refused`.
    pub async fn url(
        &self,
        zone: &Zone,
        resource: &Resource,
        refused: Option<&DownloadUrl>,
    ) -> Result<DownloadUrl, PhotosError> {
        let holder = Holder { library: resource.library.clone(), record_name: resource.record_name.clone() };
        if let Some(files) = self.known.get(&holder).await {
            if let Ok(url) = pick(&files, resource)
                && url.is_fresh()
                && Some(&url) != refused
            {
                return Ok(url);
            }
            self.known.invalidate(&holder).await;
        }
        // Whoever asks for the same record meanwhile waits for this answer.
        let files = self.known.try_get_with(holder.clone(), self.look_up(zone, &holder)).await;
        pick(&files.map_err(PhotosError::LookUp)?, resource)
    }

    async fn look_up(&self, zone: &Zone, holder: &Holder) -> Result<Files, PhotosError> {
        let (answer, files) = oneshot::channel();
        let ask = Ask { zone: zone.clone(), holder: holder.clone(), answer };
        self.asks.send(ask).await.map_err(|_| PhotosError::Stopped)?;
        files.await.map_err(|_| PhotosError::Stopped)?.map_err(PhotosError::LookUp)
    }
}

/// The address of one resource, if the record still holds these very bytes.
fn pick(files: &Files, resource: &Resource) -> Result<DownloadUrl, PhotosError> {
    let (_, value) = files.iter().find(|(kind, _)| *kind == resource.kind).ok_or(PhotosError::Gone)?;
    if value.checksum != resource.checksum.as_str() || value.size != resource.size {
        return Err(PhotosError::Changed);
    }
    let text = value.download_url.as_deref().ok_or(PhotosError::NotReady)?;
    // The file name is a placeholder that clients fill in (protocol/photos.md §5.5).
    let url = Url::parse(&text.replace("${f}", "original")).map_err(|_| PhotosError::BadAddress)?;
    Ok(DownloadUrl(url))
}

/// Gathers look-ups that come together and asks for them together, zone by zone.
async fn gather(database: Database, mut queue: mpsc::Receiver<Ask>) {
    let mut asks = Vec::new();
    while queue.recv_many(&mut asks, LOOKUP).await > 0 {
        tokio::time::sleep(GATHER).await;
        while asks.len() < LOOKUP
            && let Ok(ask) = queue.try_recv()
        {
            asks.push(ask);
        }
        let mut by_zone: HashMap<Zone, Vec<Ask>> = HashMap::new();
        for ask in asks.drain(..) {
            by_zone.entry(ask.zone.clone()).or_default().push(ask);
        }
        for (zone, asks) in by_zone {
            tokio::spawn(answer(database.clone(), zone, asks));
        }
    }
}

async fn answer(database: Database, zone: Zone, asks: Vec<Ask>) {
    let mut names: Vec<String> = asks.iter().map(|ask| ask.holder.record_name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let keys: Vec<String> = ResourceKind::ALL.iter().map(|kind| format!("{}Res", kind.prefix())).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let found = match database.lookup(&zone, &names, &keys, files).await {
        Ok(files) => files.into_iter().map(|(name, files)| (name, found(files))).collect(),
        Err(error) => {
            let error = Arc::new(PhotosError::CloudKit(error));
            names.into_iter().map(|name| (name, Err(error.clone()))).collect::<HashMap<_, _>>()
        }
    };
    for ask in asks {
        let missing = || Err(Arc::new(PhotosError::Gone));
        // An asker that has gone away needs no answer.
        let _ = ask.answer.send(found.get(&ask.holder.record_name).cloned().unwrap_or_else(missing));
    }
}

fn files(record: &Record<'_>) -> Files {
    let file = |kind: &ResourceKind| Some((*kind, record.asset(&format!("{}Res", kind.prefix()))?));
    Arc::new(ResourceKind::ALL.iter().filter_map(file).collect())
}

fn found(files: Result<Files, CloudKitError>) -> Result<Files, Arc<PhotosError>> {
    files.map_err(|error| match error {
        CloudKitError::Refused { ref code, .. } if code == "NOT_FOUND" => Arc::new(PhotosError::Gone),
        other => Arc::new(PhotosError::CloudKit(other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> DownloadUrl {
        DownloadUrl(Url::parse(text).unwrap())
    }

    #[test]
    fn an_address_is_never_printed() {
        assert_eq!(format!("{:?}", url("https://x.icloud-content.com/B/secret?e=1&s=sig")), "DownloadUrl(…)");
    }

    #[test]
    fn freshness_follows_e() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(url(&format!("https://x/B/a?o=1&e={}", now + 600)).is_fresh());
        assert!(!url(&format!("https://x/B/a?o=1&e={}", now + 30)).is_fresh());
        assert!(!url("https://x/B/a").is_fresh());
    }
}
