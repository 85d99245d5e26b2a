//! The simulator as a process, behind a wire that counts.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::authority::Authority;
use crate::programs::{APPLE_ID, Wires};
use crate::proxy::Proxy;

const LATENCY_MS: &str = "40";

pub struct Cloud {
    process: Child,
    control: String,
    bytes: Arc<AtomicU64>,
    pub wires: Wires,
    runtime: Runtime,
    _proxy: Proxy,
}

/// Beside photosfs, where cargo puts it.
pub fn program() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_photosfs")).with_file_name("icloud-simulator")
}

impl Cloud {
    pub fn start(folder: &Path, assets: usize) -> Cloud {
        let authority = Authority::create(folder);
        let mut command = Command::new(program());
        command.args(["--assets", &assets.to_string(), "--latency", LATENCY_MS, "--apple-id", APPLE_ID]);
        command.args(["--control", "127.0.0.1:0", "--tls-cert"]).arg(&authority.certificate);
        command.arg("--tls-key").arg(&authority.key).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the simulator starts");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let told: Vec<String> = lines.map_while(Result::ok).take_while(|line| line != "ready").collect();
        let find = |what: &str| told.iter().find_map(|line| line.strip_prefix(what)).expect(what).trim().to_owned();
        let to: SocketAddr = find("tls ").parse().expect("an address");
        let (runtime, bytes) = (Runtime::new().expect("a runtime"), Arc::<AtomicU64>::default());
        let counted = runtime.block_on(count(to, bytes.clone()));
        let proxy = runtime.block_on(Proxy::start(counted)).expect("the proxy starts");
        let wires = Wires { authority: authority.trusted, proxy: proxy.url() };
        Cloud { process, control: find("control "), bytes, wires, runtime, _proxy: proxy }
    }

    /// Has the simulator hash every original now, which it does once for each when it is first listed: whoever lists first
    /// must not wait for it.
    pub fn hash_everything(&self) {
        self.runtime.block_on(ask(&self.control, "GET", "/truth", ""));
    }

    /// Requests answered so far, and bytes that went over the wire in both directions.
    pub fn traffic(&self) -> (u64, u64) {
        let answer = self.runtime.block_on(ask(&self.control, "GET", "/requests", ""));
        let requests = answer.as_object().expect("counts").values().filter_map(Value::as_u64).sum();
        (requests, self.bytes.load(Ordering::Relaxed))
    }

    /// Seconds of processor time so far.
    pub fn cpu(&self) -> f64 {
        crate::client::cpu(self.process.id())
    }

    /// Adds a photo that was taken in a month that no other is of.
    pub fn add_photo(&self, name: &str, seed: u64) {
        self.command(&json!({"add_photo": {"name": name, "seed": seed, "size": 5000, "captured_ms": 0}}));
    }

    /// Adds photos that were taken one a minute, the last one called `MANY_` and their number less one.
    pub fn add_photos(&self, count: u32) {
        self.command(&json!({"add_photos": {"count": count}}));
    }

    fn command(&self, command: &Value) {
        self.runtime.block_on(ask(&self.control, "POST", "/command", &command.to_string()));
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One request to the control port, in HTTP's simplest form.
async fn ask(control: &str, method: &str, path: &str, body: &str) -> Value {
    let address = control.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("the control port answers");
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n");
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(head.contains(" 200 "), "{answer}");
    serde_json::from_str(body).expect("JSON")
}

/// Passes everything on to an address, and counts it.
async fn count(to: SocketAddr, bytes: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(to).await else { continue };
            let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
            tokio::spawn(pass(client_in, server_out, bytes.clone()));
            tokio::spawn(pass(server_in, client_out, bytes.clone()));
        }
    });
    address
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    bytes: Arc<AtomicU64>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        bytes.fetch_add(length as u64, Ordering::Relaxed);
        to.write_all(&buffer[..length]).await?;
    }
}
