//! A simulated iCloud, and the way to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use icloud_simulator::options::{Person, Tls};
use icloud_simulator::{Options, Simulator};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::library::{self, Shelf};
use crate::programs::{APPLE_ID, Wires};
use crate::{authority, proxy};

/// How far away it is, and how wide the way.
pub struct Distance {
    pub latency: Duration,
    /// Bytes a second of each connection.
    pub connection: Option<u64>,
    /// Bytes a second of all together.
    pub line: Option<u64>,
}

pub struct World {
    pub simulator: Simulator,
    pub wires: Wires,
    proxy: proxy::Proxy,
    _runtime: Runtime,
    pub folder: TempDir,
}

impl World {
    pub fn new(distance: &Distance, shelves: &[&Shelf], runs: usize) -> World {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // A user's photosfs must be able to pass.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let runtime = Runtime::new().expect("a runtime");
        let authority = authority::Authority::create(folder.path());
        let simulator = simulator(&authority, distance);
        library::fill(&simulator.cloud(), shelves, runs);
        let to = simulator.tls_address().expect("it has a TLS listener");
        let proxy = runtime.block_on(proxy::Proxy::over(to, distance.line)).expect("the proxy starts");
        let wires = Wires { authority: authority.trusted.clone(), proxy: proxy.url() };
        World { simulator, wires, proxy, _runtime: runtime, folder }
    }

    /// Bytes that have been fetched so far: of originals, or all that came over a limited line.
    pub fn fetched(&self) -> u64 {
        self.proxy.carried().unwrap_or_else(|| self.simulator.content_bytes())
    }
}

fn simulator(authority: &authority::Authority, distance: &Distance) -> Simulator {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let tls = Tls { listen, cert: authority.certificate.clone(), key: authority.key.clone() };
    let options = Options {
        account: Person { apple_id: APPLE_ID.into(), ..Person::default() },
        assets: Some(0),
        tls: Some(tls),
        latency: distance.latency,
        bandwidth: distance.connection,
        ..Options::default()
    };
    Simulator::start(options).expect("the simulator starts")
}
