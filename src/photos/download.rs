//! Download addresses: short-lived, signed, secret.

use std::fmt;

use url::Url;

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
}

impl fmt::Debug for DownloadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DownloadUrl(…)")
    }
}
