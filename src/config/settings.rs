//! What a person may set, and which setting wins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use serde::Deserialize;

use super::ConfigError;

/// What a person may set, in `config.toml`, as `PHOTOSFS_…` in the environment, or as flags. All optional.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
#[command(next_help_heading = "Settings, also in config.toml and the environment (docs/configuration.md)")]
pub struct Settings {
    /// One of several accounts: the NAME of [accounts.NAME] in the configuration file, or an Apple ID
    #[arg(long, global = true, env = "PHOTOSFS_ACCOUNT", value_name = "NAME")]
    pub account: Option<String>,
    /// The account's Apple ID; not needed while there is one account only
    #[arg(long, global = true, env = "PHOTOSFS_APPLE_ID", value_name = "ID")]
    pub apple_id: Option<String>,
    /// Where the account lives: com, or cn for China mainland
    #[arg(long, global = true, env = "PHOTOSFS_REGION")]
    pub region: Option<Region>,
    /// A file whose first line is the password; it must be readable by its owner only
    #[arg(long, global = true, env = "PHOTOSFS_PASSWORD_FILE", value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// A command whose first line of output is the password
    #[arg(long, global = true, env = "PHOTOSFS_PASSWORD_COMMAND", value_name = "COMMAND")]
    pub password_command: Option<String>,
    /// Keep the password in the system's keyring, once `login` has asked for it
    #[arg(long, global = true, env = "PHOTOSFS_KEYRING", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub keyring: Option<bool>,
    /// Folder for the index and the session [default: photosfs in the user's state folder]
    #[arg(long, global = true, env = "PHOTOSFS_STATE_DIR", value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Folder for downloaded originals [default: photosfs in the user's cache folder]
    #[arg(long, global = true, env = "PHOTOSFS_CACHE_DIR", value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// How many bytes of originals to keep on disk, such as 20G [default: 20G]
    #[arg(long, global = true, env = "PHOTOSFS_CACHE_SIZE", value_name = "SIZE")]
    pub cache_size: Option<ByteSize>,
    /// How much of the disk the cache leaves free [default: 2G]
    #[arg(long, global = true, env = "PHOTOSFS_KEEP_FREE", value_name = "SIZE")]
    pub keep_free: Option<ByteSize>,
    /// How much memory may be used, beside the index [default: 256M; at least 64M]
    #[arg(long, global = true, env = "PHOTOSFS_MEMORY", value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// How much to download in a second at most, such as 2M [default: no limit; at least 10k]
    #[arg(long, global = true, env = "PHOTOSFS_BANDWIDTH", value_name = "RATE")]
    pub bandwidth: Option<ByteSize>,
    /// Programs that are given only what is in the cache, such as tumblerd [default: none]
    #[arg(long, global = true, env = "PHOTOSFS_CACHED_ONLY", value_name = "NAME,…", value_delimiter = ',')]
    pub cached_only: Option<Vec<String>>,
    /// Folders of Years [default: {year}/{year}-{month}]; {year}, {month} and {day} are of the capture's own clock
    #[arg(long, global = true, env = "PHOTOSFS_YEARS", value_name = "TEMPLATE")]
    pub years: Option<String>,
    /// How a photo is shown in albums, beside its place in Years [default: hardlink]
    #[arg(long, global = true, env = "PHOTOSFS_ALBUMS", value_name = "STYLE")]
    pub albums: Option<AlbumStyle>,
    /// Whether the Hidden album is shown [default: true]
    #[arg(long, global = true, env = "PHOTOSFS_HIDDEN", value_name = "BOOL")]
    pub hidden: Option<bool>,
    /// Files beside the originals that tell title, keywords, place and dates [default: none]
    #[arg(long, global = true, env = "PHOTOSFS_SIDECARS", value_name = "KIND")]
    pub sidecars: Option<Sidecars>,
    /// Whether files have extended attributes [default: true]
    #[arg(long, global = true, env = "PHOTOSFS_XATTRS", value_name = "BOOL")]
    pub xattrs: Option<bool>,
    /// How often to ask for changes, such as 5m [default: 5m; at least 10s]
    #[arg(long, global = true, env = "PHOTOSFS_POLL", value_name = "TIME")]
    pub poll: Option<jiff::SignedDuration>,
    /// How often a mount lists everything again, such as 168h [default: 168h; at least 24h; 0s: never]
    #[arg(long, global = true, env = "PHOTOSFS_LIST_AGAIN", value_name = "TIME")]
    pub list_again: Option<jiff::SignedDuration>,
    /// A shell command that a mount runs when a person is needed (docs/sign-in.md)
    #[arg(long, global = true, env = "PHOTOSFS_ON_ATTENTION", value_name = "COMMAND")]
    pub on_attention: Option<String>,
    #[arg(skip)]
    pub endpoints: Option<EndpointSettings>,
    /// What differs between accounts, by the names that the person gives them.
    #[arg(skip)]
    pub accounts: BTreeMap<String, Settings>,
}

/// Base addresses other than Apple's, for a simulator on this machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSettings {
    pub auth: String,
    pub setup: String,
    /// Before a failed call is tried again, such as 10ms; for this machine only. Nobody may hurry Apple.
    pub first_wait: Option<jiff::SignedDuration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    #[default]
    Com,
    Cn,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum AlbumStyle {
    /// The same inode under another name: `rsync -H` and tar store it once.
    #[default]
    Hardlink,
    /// A relative symlink to the place in Years.
    Symlink,
    /// A file of its own.
    Copy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Sidecars {
    #[default]
    None,
    /// Adobe's, which most programs for photos read.
    Xmp,
}

impl Settings {
    /// Reads a configuration file; a missing file is no settings, unless it was named by the person.
    pub fn from_file(path: &Path, must_exist: bool) -> Result<Settings, ConfigError> {
        let error = |reason: String| ConfigError::File { path: path.to_owned(), reason };
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|e| error(in_a_line(&e, &text))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(Settings::default()),
            Err(e) => Err(error(e.to_string())),
        }
    }

    /// These settings, with `weaker` where they are silent.
    pub fn or(self, weaker: Settings) -> Settings {
        // Of the ways to give a password, one stronger choice silences all weaker ones.
        let own = self.password_file.is_some() || self.password_command.is_some() || self.keyring.is_some();
        let (file, command, keyring) = match own {
            true => (None, None, None),
            false => (weaker.password_file, weaker.password_command, weaker.keyring),
        };
        Settings {
            account: self.account.or(weaker.account),
            apple_id: self.apple_id.or(weaker.apple_id),
            region: self.region.or(weaker.region),
            password_file: self.password_file.or(file),
            password_command: self.password_command.or(command),
            keyring: self.keyring.or(keyring),
            state_dir: self.state_dir.or(weaker.state_dir),
            cache_dir: self.cache_dir.or(weaker.cache_dir),
            cache_size: self.cache_size.or(weaker.cache_size),
            keep_free: self.keep_free.or(weaker.keep_free),
            memory: self.memory.or(weaker.memory),
            bandwidth: self.bandwidth.or(weaker.bandwidth),
            cached_only: self.cached_only.or(weaker.cached_only),
            years: self.years.or(weaker.years),
            albums: self.albums.or(weaker.albums),
            hidden: self.hidden.or(weaker.hidden),
            sidecars: self.sidecars.or(weaker.sidecars),
            xattrs: self.xattrs.or(weaker.xattrs),
            poll: self.poll.or(weaker.poll),
            list_again: self.list_again.or(weaker.list_again),
            on_attention: self.on_attention.or(weaker.on_attention),
            endpoints: self.endpoints.or(weaker.endpoints),
            accounts: weaker.accounts,
        }
    }
}

/// What is wrong with a file, and where; TOML's own words draw a picture of it over several lines.
fn in_a_line(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or_else(String::new, |before| format!("line {}: ", before.matches('\n').count() + 1));
    format!("{line}{}", error.message().replace('\n', " "))
}
