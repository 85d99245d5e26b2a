//! A stand-in for Apple's iCloud Photos web services, for tests and for `photosfs demo`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use icloud_simulator::Simulator;
use icloud_simulator::options::{Options, Tls};

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers as Apple's iCloud Photos services do, on loopback only, until interrupted.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where sign-in, account and database answer
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Certificate chain (PEM) for the TLS listener
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key (PEM) for the TLS listener
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Where the TLS listener answers, for every Apple name
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", requires = "tls_cert")]
    tls_listen: SocketAddr,
    /// Where the control port answers
    #[arg(long, value_name = "ADDRESS")]
    control: Option<SocketAddr>,
    /// A library of N assets whose bodies are made when asked for, instead of the demo library
    #[arg(long, value_name = "N")]
    assets: Option<usize>,
    /// Mean size of the originals of such a library
    #[arg(long, value_name = "BYTES", default_value_t = 4096, requires = "assets")]
    body_size: u64,
    /// Milliseconds added to every answer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency: u64,
    /// Bytes per second of one download; unlimited if not given
    #[arg(long, value_name = "BYTES")]
    bandwidth: Option<u64>,
    /// The account's Apple ID
    #[arg(long, value_name = "ID")]
    apple_id: Option<String>,
    /// The account's password. It protects nothing: use none of your own
    #[arg(long, value_name = "TEXT")]
    password: Option<String>,
    /// The code that the trusted device shows; `random` draws a new one at every push
    #[arg(long, value_name = "DIGITS", default_value = "123456")]
    code: String,
}

impl Arguments {
    fn options(self) -> Options {
        let mut options =
            Options { listen: self.listen, control: self.control, assets: self.assets, ..Options::default() };
        options.tls = self.tls_cert.zip(self.tls_key).map(|(cert, key)| Tls { listen: self.tls_listen, cert, key });
        options.latency = Duration::from_millis(self.latency);
        options.bandwidth = self.bandwidth;
        options.body_size = self.body_size;
        options.code = Some(self.code).filter(|code| code != "random");
        if let Some(apple_id) = self.apple_id {
            options.account.apple_id = apple_id;
        }
        if let Some(password) = self.password {
            options.account.password = password;
        }
        options
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let simulator = Simulator::start(Arguments::parse().options())?;
    println!("idmsa {}", simulator.idmsa_url());
    println!("setup {}", simulator.setup_url());
    println!("content {}", simulator.content_url());
    if let Some(address) = simulator.tls_address() {
        println!("tls {address}");
    }
    if let Some(address) = simulator.control_address() {
        println!("control http://{address}");
    }
    println!("ready");
    tokio::signal::ctrl_c().await
}
