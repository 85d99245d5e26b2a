//! Settings: defaults < configuration file < environment < flags, validated once.

mod accounts;
mod endpoints;
mod folder;
mod settings;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use endpoints::endpoints;
pub use endpoints::{Endpoints, is_loopback};
use folder::Folder;
pub use settings::{AlbumStyle, EndpointSettings, Region, Settings, Sidecars};

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
    /// How often a mount lists everything again, if ever.
    pub list_again: Option<Duration>,
    /// A shell command for a mount to run when a person is needed.
    pub on_attention: Option<String>,
    /// Whether files have extended attributes.
    pub xattrs: bool,
    pub tree: TreeOptions,
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
            list_again: list_again(settings.list_again)?,
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

/// A change that was never told is found within a week, long before what it was about is gone from Recently Deleted, where
/// iCloud keeps it for 30 days; and a listing a week is a request for every hundred photos and sixty-six members of albums.
const LIST_AGAIN: Duration = Duration::from_secs(7 * 86_400);

fn list_again(value: Option<jiff::SignedDuration>) -> Result<Option<Duration>, ConfigError> {
    let Some(value) = value else { return Ok(Some(LIST_AGAIN)) };
    match Duration::try_from(value) {
        Ok(Duration::ZERO) => Ok(None),
        Ok(every) if every >= Duration::from_secs(86_400) => Ok(Some(every)),
        // Whole listings every hour have shut people out for days (protocol/photos.md §11).
        _ => Err(setting("list_again", value.to_string(), "must be at least 24h, or 0s for never")),
    }
}

/// The longest name of a folder, in bytes, that file systems hold.
const LONGEST_NAME: usize = 255;

fn years(template: Option<String>) -> Result<String, ConfigError> {
    let template = template.unwrap_or_else(|| TreeOptions::default().years);
    let longest = template.replace("{year}", "-0000").replace("{month}", "00").replace("{day}", "00");
    if longest.split('/').any(|part| part.nfc().map(char::len_utf8).sum::<usize>() > LONGEST_NAME) {
        return Err(setting("years", template, "no folder's name may be longer than 255 bytes"));
    }
    let bare = template.replace("{year}", "").replace("{month}", "").replace("{day}", "");
    let folders_named = template.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match bare.contains(['{', '}', '\0']) || !folders_named || !template.contains("{year}") {
        true => Err(setting("years", template, "use folder names with {year}, and if you like {month} and {day}")),
        false => Ok(template),
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
            &format!("apple_id='a@b'\nyears='{{year}}/{}'", "é".repeat(128)),
            "apple_id='a@b'\npoll='1s'",
            "apple_id='a@b'\nlist_again='1h'",
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
    fn a_folder_of_years_may_be_as_long_as_a_name() {
        let years = format!("{{year}}/{}", "x".repeat(255));
        assert_eq!(resolve(&format!("apple_id='a@b'\nyears='{years}'")).unwrap().tree.years, years);
        let error = resolve(&format!("apple_id='a@b'\nyears='{years}x'")).unwrap_err();
        assert!(error.to_string().contains("255 bytes"), "{error}");
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
