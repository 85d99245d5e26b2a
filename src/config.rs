//! Settings: defaults < configuration file < environment < flags, validated once.

mod accounts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;
use thiserror::Error;
use url::{Host, Url};

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("{name} is `{value}`: {reason}")]
    Setting { name: &'static str, value: String, reason: String },
    #[error("no Apple ID is set: pass --apple-id, or put `apple_id = \"…\"` in {}", file.display())]
    NoAccount { file: PathBuf },
    #[error("several accounts are set up: name one with --account: {}", names.join(", "))]
    SeveralAccounts { names: Vec<String> },
    #[error("no account is called `{name}`; there {}", listed(.names))]
    NoSuchAccount { name: String, names: Vec<String> },
    #[error("the home folder is not known: set HOME, or pass --state-dir and --cache-dir")]
    NoHome,
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "is no [accounts.NAME] in the configuration file".into(),
        names => format!("are: {}", names.join(", ")),
    }
}

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

/// Where the service is (protocol/auth.md §0.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// `https://idmsa.apple.com/appleauth/auth`, without a trailing slash.
    pub auth: Url,
    /// `https://setup.icloud.com/setup/ws/1`, without a trailing slash.
    pub setup: Url,
    /// The web site the client speaks as: its Origin and redirect address.
    pub home: &'static str,
    /// Plain http to this machine: only then are http data and content hosts accepted, and only on loopback.
    pub loopback: bool,
    /// The wait before a failed call is tried again, if it is not to be the usual one.
    pub first_wait: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// Ask on the terminal.
    Ask,
    File(PathBuf),
    Command(String),
    /// The system's keyring, which is filled by the first sign-in on a terminal.
    Keyring {
        apple_id: String,
    },
}

/// How the tree is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeOptions {
    pub years: String,
    pub albums: AlbumStyle,
    pub hidden: bool,
    pub sidecars: Sidecars,
}

impl Default for TreeOptions {
    fn default() -> TreeOptions {
        TreeOptions {
            years: "{year}/{year}-{month}".into(),
            albums: AlbumStyle::Hardlink,
            hidden: true,
            sidecars: Sidecars::None,
        }
    }
}

/// Everything decided, for one account.
#[derive(Clone, Debug)]
pub struct Config {
    /// Trimmed and in lower case: the form Apple hashes (protocol/auth.md §8.2).
    pub apple_id: String,
    pub endpoints: Endpoints,
    pub password: PasswordSource,
    /// This account's folder for index, session and lock.
    pub state: PathBuf,
    /// This account's folder for originals.
    pub cache: PathBuf,
    pub cache_size: u64,
    pub keep_free: u64,
    /// Bytes of memory, beside the index.
    pub memory: u64,
    /// Bytes to download in a second at most.
    pub bandwidth: Option<u64>,
    /// Names of programs that are given only what is in the cache.
    pub cached_only: Vec<String>,
    pub poll: Duration,
    /// A shell command for a mount to run when a person is needed.
    pub on_attention: Option<String>,
    /// Whether files have extended attributes.
    pub xattrs: bool,
    pub tree: TreeOptions,
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
            on_attention: self.on_attention.or(weaker.on_attention),
            endpoints: self.endpoints.or(weaker.endpoints),
            accounts: weaker.accounts,
        }
    }
}

impl Config {
    /// The account of `photosfs demo`. RFC 2606 keeps `.invalid` from ever being a real address.
    pub const DEMO: &str = "demo@example.invalid";

    /// Flags and environment over the file (`--config`, else the user's `photosfs/config.toml`).
    pub fn load(flags: Settings, file: Option<&Path>) -> Result<Config, ConfigError> {
        let path = match file {
            Some(path) => path.to_owned(),
            None => Folder::Config.of_user().ok_or(ConfigError::NoHome)?.join("config.toml"),
        };
        let weaker = Settings::from_file(&path, file.is_some())?.of_account(&flags)?;
        // An account that is named has its Apple ID from there.
        let named = Settings { apple_id: flags.apple_id.clone().filter(|_| flags.account.is_none()), ..flags };
        Config::resolve(named.or(weaker), &path)
    }

    fn resolve(settings: Settings, file: &Path) -> Result<Config, ConfigError> {
        let base = |own: Option<PathBuf>, kind: Folder| own.or_else(|| kind.of_user()).ok_or(ConfigError::NoHome);
        let state = base(settings.state_dir, Folder::State)?;
        let named = settings.apple_id.as_deref().map(|id| id.trim().to_lowercase()).filter(|id| !id.is_empty());
        let apple_id = match named.or_else(|| only_account(&state)) {
            Some(apple_id) => apple_id,
            None => return Err(ConfigError::NoAccount { file: file.to_owned() }),
        };
        let folder = account_folder(&apple_id)?;
        Ok(Config {
            endpoints: endpoints(settings.region.unwrap_or_default(), settings.endpoints.as_ref())?,
            password: password(&apple_id, settings.password_file, settings.password_command, settings.keyring)?,
            state: state.join(&folder),
            cache: base(settings.cache_dir, Folder::Cache)?.join(&folder),
            cache_size: settings.cache_size.unwrap_or(ByteSize::gb(20)).as_u64(),
            keep_free: settings.keep_free.unwrap_or(ByteSize::gb(2)).as_u64(),
            memory: at_least("memory", settings.memory.unwrap_or(ByteSize::mb(256)), ByteSize::mb(64))?,
            bandwidth: settings.bandwidth.map(|rate| at_least("bandwidth", rate, ByteSize::kb(10))).transpose()?,
            cached_only: settings.cached_only.unwrap_or_default(),
            poll: poll(settings.poll)?,
            on_attention: settings.on_attention.filter(|command| !command.trim().is_empty()),
            xattrs: settings.xattrs.unwrap_or(true),
            tree: TreeOptions {
                years: years(settings.years)?,
                albums: settings.albums.unwrap_or_default(),
                hidden: settings.hidden.unwrap_or(true),
                sidecars: settings.sidecars.unwrap_or_default(),
            },
            apple_id,
        })
    }
}

/// What is wrong with a file, and where; TOML's own words draw a picture of it over several lines.
fn in_a_line(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or_else(String::new, |before| format!("line {}: ", before.matches('\n').count() + 1));
    format!("{line}{}", error.message().replace('\n', " "))
}

fn setting(name: &'static str, value: impl Into<String>, reason: impl Into<String>) -> ConfigError {
    ConfigError::Setting { name, value: value.into(), reason: reason.into() }
}

/// The account that photosfs has a folder of, if it is the only one: then nobody has to name it.
fn only_account(state: &Path) -> Option<String> {
    let folders = std::fs::read_dir(state).ok()?.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
    let mut accounts = folders.filter_map(|folder| folder.file_name().into_string().ok());
    accounts.next().filter(|_| accounts.next().is_none())
}

/// The account's folder name: the Apple ID, which must be usable as one.
fn account_folder(apple_id: &str) -> Result<String, ConfigError> {
    match apple_id.starts_with('.') || apple_id.contains(|c: char| c == '/' || c.is_control()) {
        true => Err(setting("apple_id", apple_id, "an Apple ID is an e-mail address or a phone number")),
        false => Ok(apple_id.to_owned()),
    }
}

fn password(
    apple_id: &str,
    file: Option<PathBuf>,
    command: Option<String>,
    keyring: Option<bool>,
) -> Result<PasswordSource, ConfigError> {
    match (file, command) {
        (Some(_), _) | (_, Some(_)) if keyring == Some(true) => {
            Err(setting("keyring", "true", "password_file or password_command is set too; keep one"))
        }
        (None, None) if keyring == Some(true) => Ok(PasswordSource::Keyring { apple_id: apple_id.to_owned() }),
        (None, None) => Ok(PasswordSource::Ask),
        (Some(file), None) => Ok(PasswordSource::File(file)),
        (None, Some(command)) => Ok(PasswordSource::Command(command)),
        (Some(_), Some(command)) => Err(setting("password_command", command, "password_file is set too; keep one")),
    }
}

fn at_least(name: &'static str, value: ByteSize, least: ByteSize) -> Result<u64, ConfigError> {
    match value >= least {
        true => Ok(value.as_u64()),
        false => Err(setting(name, value.to_string(), format!("must be at least {least}"))),
    }
}

fn poll(value: Option<jiff::SignedDuration>) -> Result<Duration, ConfigError> {
    let Some(value) = value else { return Ok(Duration::from_secs(300)) };
    match Duration::try_from(value) {
        Ok(poll) if poll >= Duration::from_secs(10) => Ok(poll),
        // Asking more often buys nothing and has cost people their access for days (protocol/photos.md §11).
        _ => Err(setting("poll", value.to_string(), "must be at least 10s")),
    }
}

fn years(template: Option<String>) -> Result<String, ConfigError> {
    let template = template.unwrap_or_else(|| TreeOptions::default().years);
    let bare = template.replace("{year}", "").replace("{month}", "").replace("{day}", "");
    let folders_named = template.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match bare.contains(['{', '}', '\0']) || !folders_named || !template.contains("{year}") {
        true => Err(setting("years", template, "use folder names with {year}, and if you like {month} and {day}")),
        false => Ok(template),
    }
}

fn endpoints(region: Region, own: Option<&EndpointSettings>) -> Result<Endpoints, ConfigError> {
    let (auth, setup, home) = match region {
        Region::Com => ("https://idmsa.apple.com", "https://setup.icloud.com", "https://www.icloud.com"),
        // Clients disagree on the sign-in host for China; the com host is the likelier (protocol/auth.md §8.3).
        Region::Cn => ("https://idmsa.apple.com", "https://setup.icloud.com.cn", "https://www.icloud.com.cn"),
    };
    let address = |name, text: &str| base_url(text).map_err(|reason| setting(name, text, reason));
    let (auth, setup) = match own {
        Some(own) => (address("endpoints.auth", &own.auth)?, address("endpoints.setup", &own.setup)?),
        None => (
            address("endpoints.auth", &format!("{auth}/appleauth/auth"))?,
            address("endpoints.setup", &format!("{setup}/setup/ws/1"))?,
        ),
    };
    let loopback = is_loopback(&auth) && is_loopback(&setup);
    let first_wait = first_wait(own.and_then(|own| own.first_wait), loopback)?;
    Ok(Endpoints { auth, setup, home, loopback, first_wait })
}

fn first_wait(own: Option<jiff::SignedDuration>, loopback: bool) -> Result<Option<Duration>, ConfigError> {
    let Some(own) = own else { return Ok(None) };
    match Duration::try_from(own) {
        Ok(wait) if loopback => Ok(Some(wait)),
        _ => Err(setting("endpoints.first_wait", own.to_string(), "can be set for servers on this machine only")),
    }
}

/// An https address, or plain http to this very machine.
fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim_end_matches('/')).map_err(|e| e.to_string())?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err("only https is accepted, and http to a loopback address".into()),
    }
}

/// Whether an address is a literal one of this machine. Names are not: they could be made to point elsewhere.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

/// The user's folders: XDG's on Linux, Apple's on macOS.
#[derive(Clone, Copy)]
enum Folder {
    Config,
    State,
    Cache,
}

impl Folder {
    fn of_user(self) -> Option<PathBuf> {
        let home = std::env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from);
        if cfg!(target_os = "macos") {
            let library = home?.join("Library");
            return Some(match self {
                Folder::Config | Folder::State => library.join("Application Support/photosfs"),
                Folder::Cache => library.join("Caches/photosfs"),
            });
        }
        let (variable, fallback) = match self {
            Folder::Config => ("XDG_CONFIG_HOME", ".config"),
            Folder::State => ("XDG_STATE_HOME", ".local/state"),
            Folder::Cache => ("XDG_CACHE_HOME", ".cache"),
        };
        let set = std::env::var_os(variable).map(PathBuf::from).filter(|p| p.is_absolute());
        set.or_else(|| Some(home?.join(fallback))).map(|p| p.join("photosfs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<Config, ConfigError> {
        let mut settings: Settings = toml::from_str(text).map_err(|e| setting("file", text, e.to_string()))?;
        settings.state_dir.get_or_insert("/s".into());
        settings.cache_dir.get_or_insert("/c".into());
        Config::resolve(settings, Path::new("config.toml"))
    }

    #[test]
    fn defaults_are_apples_hosts() {
        let config = resolve("apple_id = ' Jane@Example.com '").unwrap();
        assert_eq!(config.apple_id, "jane@example.com");
        assert_eq!(config.endpoints.auth.as_str(), "https://idmsa.apple.com/appleauth/auth");
        assert_eq!(config.endpoints.setup.as_str(), "https://setup.icloud.com/setup/ws/1");
        assert!(!config.endpoints.loopback);
        assert_eq!(config.state, Path::new("/s/jane@example.com"));
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        let with = |auth: &str| {
            resolve(&format!("apple_id='a@b'\n[endpoints]\nauth='{auth}'\nsetup='http://127.0.0.1:1/setup/ws/1'"))
        };
        assert!(with("http://127.0.0.1:1/appleauth/auth").unwrap().endpoints.loopback);
        let hurried = "apple_id='a@b'\n[endpoints]\nauth='https://h/a'\nsetup='https://h/s'\nfirst_wait='10ms'";
        assert!(resolve(hurried).is_err());
        assert!(resolve(&hurried.replace("https://h", "http://127.0.0.1:1")).is_ok());
        for bad in ["http://example.com/a", "http://localhost/a", "ftp://127.0.0.1/a", "nonsense"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bad_settings_are_named() {
        for bad in [
            "",
            "apple_id='../x'",
            "apple_id='a@b'\nunknown=1",
            "apple_id='a@b'\nyears='{yeer}'",
            "apple_id='a@b'\nyears='{year}/../x'",
            "apple_id='a@b'\npoll='1s'",
            "apple_id='a@b'\ncache_size='lots'",
            "apple_id='a@b'\nmemory='1M'",
            "apple_id='a@b'\nbandwidth='0'",
            "apple_id='a@b'\npassword_file='/x'\npassword_command='y'",
            "apple_id='a@b'\npassword_file='/x'\nkeyring=true",
        ] {
            assert!(resolve(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_single_account_needs_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let state = format!("state_dir = '{}'", folder.path().display());
        assert!(matches!(resolve(&state), Err(ConfigError::NoAccount { .. })));
        std::fs::create_dir(folder.path().join("jane@example.com")).unwrap();
        assert_eq!(resolve(&state).unwrap().apple_id, "jane@example.com");
        std::fs::create_dir(folder.path().join("john@example.com")).unwrap();
        assert!(matches!(resolve(&state), Err(ConfigError::NoAccount { .. })), "two: somebody has to choose");
    }

    #[test]
    fn flags_win_over_the_file() {
        let flags = Settings { poll: Some(jiff::SignedDuration::from_mins(1)), ..Settings::default() };
        let file: Settings = toml::from_str("apple_id='a@b'\npoll='10m'\ncache_size='1G'").unwrap();
        let both = flags.or(file);
        assert_eq!(both.poll, Some(jiff::SignedDuration::from_mins(1)));
        assert_eq!(both.cache_size, Some(ByteSize::gb(1)));
    }
}
