//! A simulated account with everything but a mount: signed in, index and cache in a folder of its own.

use std::path::Path;
use std::sync::Arc;

use icloud_simulator::{Options, Simulator};
use photosfs::account::{Account, SignIn};
use photosfs::config::{Config, Settings};
use photosfs::http::Http;
use photosfs::index::{Index, NodeKind, ROOT};
use photosfs::photos::Photos;
use photosfs::sync::{LibrarySync, Round, SyncError};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub struct Stage {
    pub simulator: Simulator,
    pub folder: TempDir,
    pub runtime: Runtime,
    pub config: Config,
    pub photos: Arc<Photos>,
    pub index: Arc<Index>,
    pub sync: Arc<LibrarySync>,
    pub http: Http,
}

impl Stage {
    /// The demo library, or with `assets` a seeded one; signed in, nothing listed.
    pub fn new(options: Options) -> Stage {
        Stage::with(options, "")
    }

    /// With settings of its own, as lines of a configuration file.
    pub fn with(options: Options, settings: &str) -> Stage {
        let simulator = Simulator::start(options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let config = config(&simulator, folder.path(), settings);
        let http = Http::new(&config.endpoints).unwrap();
        let account = Account::open(&config, http.clone()).unwrap();
        runtime.block_on(sign_in(&simulator, &account));
        let index = Arc::new(Index::open(&config.state.join("index.sqlite"), &config.tree).unwrap());
        let photos = {
            let _inside = runtime.enter();
            Arc::new(Photos::new(account))
        };
        let sync = Arc::new(LibrarySync::new(photos.clone(), index.clone()));
        Stage { simulator, folder, runtime, config, photos, index, sync, http }
    }

    /// As another process would go on: its own index and session over the same files.
    pub fn reopened(self) -> Stage {
        let Stage { simulator, folder, runtime, config, http, photos, index, sync } = self;
        drop((photos, sync, index));
        let account = Account::open(&config, http.clone()).unwrap();
        let index = Arc::new(Index::open(&config.state.join("index.sqlite"), &config.tree).unwrap());
        let photos = {
            let _inside = runtime.enter();
            Arc::new(Photos::new(account))
        };
        let sync = Arc::new(LibrarySync::new(photos.clone(), index.clone()));
        Stage { simulator, folder, runtime, config, photos, index, sync, http }
    }

    pub fn update(&self) -> Result<(), SyncError> {
        self.runtime.block_on(self.sync.round(Round::News))
    }

    /// Every path below the root with its inode, directories too.
    pub fn tree(&self) -> Vec<(String, photosfs::index::Node)> {
        let mut tree = Vec::new();
        let mut todo = vec![(ROOT, String::new())];
        while let Some((ino, path)) = todo.pop() {
            for entry in self.index.children(ino).unwrap() {
                let path = format!("{path}/{}", entry.name);
                if entry.node.kind == NodeKind::Directory {
                    todo.push((entry.node.ino, path.clone()));
                }
                tree.push((path, entry.node));
            }
        }
        tree.sort_by(|a, b| a.0.cmp(&b.0));
        tree
    }
}

/// A configuration that points at a simulator and keeps everything in a folder, with settings of its own.
fn config(simulator: &Simulator, folder: &Path, settings: &str) -> Config {
    let file = folder.join("config.toml");
    std::fs::write(&file, settings.to_owned() + &config_text(simulator, folder)).unwrap();
    let config = Config::load(Settings::default(), Some(&file)).unwrap();
    std::fs::create_dir_all(&config.state).unwrap();
    config
}

/// The text of a configuration file for a simulator.
pub fn config_text(simulator: &Simulator, folder: &Path) -> String {
    format!(
        "apple_id = 'demo@example.invalid'\nstate_dir = '{0}/state'\ncache_dir = '{0}/cache'\nkeep_free = '1M'\n\
         poll = '10s'\n[endpoints]\nauth = '{1}'\nsetup = '{2}'\nfirst_wait = '10ms'\n",
        folder.display(),
        simulator.idmsa_url(),
        simulator.setup_url(),
    )
}

/// Signs in with the password and the code that the simulated device shows.
pub async fn sign_in(simulator: &Simulator, account: &Account) {
    let password = secrecy::SecretString::from("demo-library-2026");
    match account.sign_in(&password).await.unwrap() {
        SignIn::Done => {}
        SignIn::CodeNeeded { .. } => account.submit_code(&simulator.device_code()).await.unwrap(),
    }
}
