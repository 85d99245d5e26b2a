//! photosfs and `rclone mount` side by side, over a simulated iCloud 40 ms away that gives each connection 20 MB/s.
//!
//! `cargo bench --bench compare` as root, after `tests/run` has installed rclone; `-- --photosfs-alone` goes without it.
//! Both programs run as a person runs them, over TLS and the same proxy, and read the same albums; every run has photos of
//! its own, so that nothing is in a cache that should not be. Prints what it measures and writes benches/results.md.

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/clients/authority.rs"]
mod authority;
mod library;
mod peer;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/it/clients/proxy.rs"]
mod proxy;
mod report;
mod scenario;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use icloud_simulator::options::{Person, Tls};
use icloud_simulator::{Options, Simulator};

use peer::{Peer, Wires};
use report::Report;
use scenario::Place;

const RUNS: usize = 3;
const LATENCY: Duration = Duration::from_millis(40);
const BANDWIDTH: u64 = 20_000_000;

fn main() -> ExitCode {
    let alone = std::env::args().any(|argument| argument == "--photosfs-alone");
    let rclone = peer::rclone_program();
    if !alone && !rclone.exists() {
        eprintln!("{} is missing: tests/run installs it; or pass -- --photosfs-alone", rclone.display());
        return ExitCode::FAILURE;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (simulator, wires) = start(folder.path(), &runtime);
    let mut report = Report::default();
    let mut peers = vec![Peer::photosfs(folder.path(), &wires)];
    if !alone {
        peers.push(Peer::rclone(folder.path(), &wires));
    }
    for run in 0..RUNS {
        eprintln!("run {} of {RUNS}", run + 1);
        for peer in &peers {
            let place = Place::new(folder.path(), peer, run);
            scenario::all(&place, &simulator, &mut report);
        }
        scenario::local(folder.path(), run, &mut report);
    }
    drop(peers);
    let text = report.text();
    print!("{text}");
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results.md"), text).expect("benches/results.md");
    ExitCode::SUCCESS
}

fn start(folder: &Path, runtime: &tokio::runtime::Runtime) -> (Simulator, Wires) {
    let authority = authority::Authority::create(folder);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let tls = Tls { listen, cert: authority.certificate.clone(), key: authority.key.clone() };
    let options = Options {
        account: Person { apple_id: peer::APPLE_ID.into(), ..Person::default() },
        assets: Some(0),
        tls: Some(tls),
        latency: LATENCY,
        bandwidth: Some(BANDWIDTH),
        ..Options::default()
    };
    let simulator = Simulator::start(options).expect("the simulator starts");
    library::fill(&simulator.cloud(), RUNS);
    let to = simulator.tls_address().expect("it has a TLS listener");
    let proxy = runtime.block_on(proxy::Proxy::start(to)).expect("the proxy starts");
    let wires = Wires { authority: authority.trusted.clone(), proxy: proxy.url() };
    // It serves as long as the runtime lives.
    std::mem::forget(proxy);
    (simulator, wires)
}
