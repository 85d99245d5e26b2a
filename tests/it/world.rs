//! A simulator with one person's account, and that person's configuration.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use icloud_simulator::{Options, Simulator};
use photosfs::account::{Account, Clock, CodeSent, SignIn};
use photosfs::config::{Config, Settings};
use photosfs::http::{Http, Reply};
use secrecy::SecretString;

pub const APPLE_ID: &str = "demo@example.invalid";
pub const PASSWORD: &str = "demo-library-2026";
pub const CODE: &str = "908172";
pub const ZONES: &str = "database/1/com.apple.photos.cloud/production/private/zones/list";

/// A simulator, and a folder with the configuration of one person.
pub struct World {
    pub simulator: Simulator,
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> World {
        World::with_password(PASSWORD)
    }

    pub fn with_password(password: &str) -> World {
        World::of(Options { assets: Some(0), code: Some(CODE.into()), ..Options::default() }, password)
    }

    pub fn of(options: Options, password: &str) -> World {
        let simulator = Simulator::start(options).unwrap();
        let world = World { simulator, folder: tempfile::tempdir().unwrap() };
        let text = format!(
            "apple_id = '{APPLE_ID}'\nstate_dir = '{0}/state'\ncache_dir = '{0}/cache'\npassword_file = '{0}/password'\n\
             [endpoints]\nauth = '{1}'\nsetup = '{2}'\n",
            world.folder.path().display(),
            world.simulator.idmsa_url(),
            world.simulator.setup_url(),
        );
        std::fs::write(world.path("config.toml"), text).unwrap();
        std::fs::write(world.path("password"), password).unwrap();
        std::fs::set_permissions(world.path("password"), PermissionsExt::from_mode(0o600)).unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn session_file(&self) -> PathBuf {
        self.path("state").join(APPLE_ID).join("session.json")
    }

    pub fn config(&self) -> Config {
        Config::load(Settings::default(), Some(&self.path("config.toml"))).unwrap()
    }

    /// The account as another process would open it.
    pub fn account(&self) -> Arc<Account> {
        let config = self.config();
        Account::open(&config, Http::new(&config.endpoints).unwrap()).unwrap()
    }

    /// The same, by a clock that the test moves.
    pub fn account_at(&self, clock: &Clock) -> Arc<Account> {
        let config = self.config();
        Account::open_at(&config, Http::new(&config.endpoints).unwrap(), clock.clone()).unwrap()
    }

    /// Signed in, code and all.
    pub async fn signed_in(&self) -> Arc<Account> {
        let account = self.account();
        sign_in(&account).await;
        account
    }

    pub fn sign_ins(&self) -> u64 {
        self.simulator.requests("signin/init")
    }

    pub fn logins(&self) -> u64 {
        self.simulator.requests("accountLogin")
    }

    /// The program with this configuration, and nothing of the environment's.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_photosfs"));
        command.env_clear().env("HOME", self.folder.path()).env("PHOTOSFS_CONFIG", self.path("config.toml"));
        command.args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }
}

pub async fn sign_in(account: &Account) {
    let outcome = account.sign_in(&SecretString::from(PASSWORD)).await.unwrap();
    assert_eq!(outcome, SignIn::CodeNeeded { digits: 6, sent: CodeSent::Devices });
    account.submit_code(CODE).await.unwrap();
}

/// The data service let the call in, and answered it.
pub fn assert_let_in(reply: &Reply) {
    let zones: serde_json::Value = reply.json().unwrap();
    assert_eq!((reply.status, zones["zones"].is_array()), (200, true), "{zones}");
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}
