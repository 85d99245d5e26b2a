use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use icloud_simulator::library::{Area, TruthLibrary};
use icloud_simulator::options::{Protocol, Tls};
use icloud_simulator::{Options, Simulator};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::process::Command;

use super::album;
use super::authority::Authority;
use super::proxy::Proxy;

/// Apple, as far as a real client can tell: the simulator behind Apple's names and a certificate for them, with one
/// empty home. Nothing outside its temporary folder is touched.
pub struct Stage {
    pub simulator: Simulator,
    pub authority: Authority,
    pub proxy: Proxy,
    folder: TempDir,
}

impl Stage {
    pub async fn open(options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("photosfs-clients-").tempdir().expect("a temporary folder");
        let authority = Authority::create(folder.path());
        let tls = Tls {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            cert: authority.certificate.clone(),
            key: authority.key.clone(),
        };
        let mut options = Options { tls: Some(tls), ..options };
        options.switches.strict = false;
        let start = move || Simulator::start(options);
        let simulator = tokio::task::spawn_blocking(start).await.unwrap().expect("the simulator starts");
        let proxy = Proxy::start(simulator.tls_address().unwrap()).await.expect("the proxy starts");
        let stage = Self { simulator, authority, proxy, folder };
        std::fs::create_dir(stage.home()).expect("a home");
        std::fs::create_dir(stage.scratch()).expect("a scratch folder");
        stage
    }

    /// The demo library.
    pub async fn demo() -> Self {
        Self::open(Options::default()).await
    }

    /// A library with nothing in it yet.
    pub async fn empty() -> Self {
        Self::open(Options { assets: Some(0), ..Options::default() }).await
    }

    /// Somebody who takes part in a shared library of other people: it is in the shared database, not in his own.
    pub async fn participant() -> Self {
        let stage = Self::empty().await;
        let cloud = stage.simulator.cloud();
        album::add_photos(&cloud, cloud.add_shared_library(Area::Shared), 5);
        stage
    }

    /// The password is stretched in Apple's other way.
    pub async fn with_the_other_derivation() -> Self {
        let stage = Self::empty().await;
        stage.simulator.change_switches(|switches| switches.protocol = Protocol::S2kFo);
        stage
    }

    /// The personal library as a faithful client must show it.
    pub fn personal(&self) -> TruthLibrary {
        self.library(|library| !library.shared)
    }

    /// The shared library as a faithful client must show it.
    pub fn shared(&self) -> TruthLibrary {
        self.library(|library| library.shared)
    }

    fn library(&self, is_wanted: impl Fn(&TruthLibrary) -> bool) -> TruthLibrary {
        let libraries = self.simulator.cloud().truth().libraries;
        libraries.into_iter().find(is_wanted).expect("this stage has such a library")
    }

    pub fn apple_id(&self) -> String {
        self.simulator.state().options.account.apple_id.clone()
    }

    pub fn password(&self) -> String {
        self.simulator.state().options.account.password.clone()
    }

    /// What the trusted device shows.
    pub fn code(&self) -> String {
        self.simulator.state().options.code.clone().expect("the demo account's code is fixed")
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The client's TMPDIR.
    pub fn scratch(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Leaves of a Python client's session only what says that this browser is trusted: no cookies and no session token.
    pub fn forget_session(&self, folder: &Path) {
        let files: Vec<_> = std::fs::read_dir(folder).expect("its session").map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 2, "cookies, and the session as JSON: {files:?}");
        let (sessions, cookies): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| file.extension().is_some_and(|extension| extension == "session"));
        let [session, cookies] = [&sessions[0], &cookies[0]];
        std::fs::remove_file(cookies).unwrap();
        let mut kept: Map<String, Value> = serde_json::from_slice(&std::fs::read(session).unwrap()).unwrap();
        kept.retain(|name, _| ["client_id", "trust_token"].contains(&name.as_str()));
        assert_eq!(kept.len(), 2, "there is a trust token");
        std::fs::write(session, Value::from(kept).to_string()).unwrap();
    }

    /// A client from the clients' environment, which sees this stage and nothing of the machine's own set-up.
    pub fn client(&self, program: &str) -> Command {
        let bin = clients().join("bin");
        let path = bin.join(program);
        assert!(path.exists(), "{} is missing: tests/run installs the real clients", path.display());
        let mut command = Command::new(path);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", self.home())
            .env("TMPDIR", self.scratch())
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("PYTHONUNBUFFERED", "1")
            .env("HTTPS_PROXY", self.proxy.url())
            .env("HTTP_PROXY", self.proxy.url())
            .env("REQUESTS_CA_BUNDLE", &self.authority.trusted)
            .kill_on_drop(true);
        command
    }

    /// Panics where a client did what no correct client does, or asked for somebody who is not Apple.
    pub fn assert_clean(&self) {
        self.simulator.assert_clean();
        assert!(self.proxy.refused().is_empty(), "asked for others than Apple: {:?}", self.proxy.refused());
    }
}

/// Where tests/run installs the clients: beside what cargo builds.
fn clients() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").join("clients-venv")
}
