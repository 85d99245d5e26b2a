use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A request line and headers are some hundred bytes.
const LONGEST_HEAD: usize = 8 << 10;
/// Large enough that the tunnel costs little beside what goes through it.
const TUNNEL: usize = 256 << 10;
/// What a limited line carries for one connection before another has its turn.
const PACKETS: usize = 16 << 10;
/// Loopback answers in milliseconds; a client that stalls in its request is broken.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);

/// A CONNECT proxy on loopback: Apple's names on port 443 lead to the simulator, and nothing leads anywhere else.
pub struct Proxy {
    address: SocketAddr,
    refused: Arc<Mutex<BTreeSet<String>>>,
    line: Arc<Line>,
    acceptor: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(simulator: SocketAddr) -> io::Result<Self> {
        Self::over(simulator, None).await
    }

    /// Over a line that brings so many bytes a second, for all connections together.
    pub async fn over(simulator: SocketAddr, line: Option<u64>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let refused = Arc::new(Mutex::new(BTreeSet::new()));
        let line = Arc::new(Line::new(line));
        let acceptor = tokio::spawn(accept(listener, simulator, refused.clone(), line.clone()));
        Ok(Self { address, refused, line, acceptor })
    }

    /// What belongs into HTTPS_PROXY.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Bytes that came over the line, if it is limited: a service sends more than that into the buffers before it.
    #[allow(dead_code, reason = "the benchmarks ask for it")]
    pub fn carried(&self) -> Option<u64> {
        self.line.rate.map(|_| self.line.carried.load(Ordering::Relaxed))
    }

    /// Every destination that was asked for and is not Apple's.
    pub fn refused(&self) -> BTreeSet<String> {
        self.refused.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept(listener: TcpListener, simulator: SocketAddr, refused: Arc<Mutex<BTreeSet<String>>>, line: Arc<Line>) {
    while let Ok((client, _)) = listener.accept().await {
        // A tunnel that breaks is the client's to report.
        tokio::spawn(serve(client, simulator, refused.clone(), line.clone()));
    }
}

async fn serve(
    mut client: TcpStream,
    simulator: SocketAddr,
    refused: Arc<Mutex<BTreeSet<String>>>,
    line: Arc<Line>,
) -> io::Result<()> {
    let head = tokio::time::timeout(HEAD_DEADLINE, read_head(&mut client)).await??;
    let request = head.lines().next().unwrap_or_default().to_owned();
    if !request.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).is_some_and(leads_to_apple) {
        refused.lock().unwrap().insert(request);
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    }
    let mut server = TcpStream::connect(simulator).await?;
    // What has been sent goes on at once: else the end of an answer waits 40 ms for the acknowledgement of what came before.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    match line.rate {
        None => copy_bidirectional_with_sizes(&mut client, &mut server, TUNNEL, TUNNEL).await.map(drop),
        Some(_) => {
            let ((mut up, mut to), (mut from, mut down)) = (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut up, &mut down).await });
            let mut buffer = vec![0; PACKETS];
            loop {
                let count = from.read(&mut buffer).await?;
                if count == 0 {
                    return to.shutdown().await;
                }
                line.pass(count).await;
                to.write_all(&buffer[..count]).await?;
            }
        }
    }
}

/// A line that all connections share.
struct Line {
    rate: Option<u64>,
    due: Mutex<Instant>,
    carried: AtomicU64,
}

impl Line {
    fn new(rate: Option<u64>) -> Self {
        Self { rate, due: Mutex::new(Instant::now()), carried: AtomicU64::new(0) }
    }

    async fn pass(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let until = {
            let mut due = self.due.lock().unwrap();
            *due = (*due).max(Instant::now()) + Duration::from_secs_f64(bytes as f64 / rate as f64);
            *due
        };
        tokio::time::sleep_until(until).await;
        self.carried.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

async fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(client.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn leads_to_apple(destination: &str) -> bool {
    let Some(host) = destination.strip_suffix(":443") else { return false };
    let host = host.strip_suffix(".cn").unwrap_or(host);
    ["idmsa.apple.com", ".icloud.com", ".icloud-content.com"].iter().any(|name| host.ends_with(name))
}

#[test]
fn only_apples_own_names_lead_to_the_simulator() {
    for host in ["idmsa.apple.com", "setup.icloud.com", "p61-ckdatabasews.icloud.com", "cvws.icloud-content.com.cn"] {
        assert!(leads_to_apple(&format!("{host}:443")), "{host}");
        assert!(!leads_to_apple(&format!("{host}:80")), "{host}");
    }
    for destination in ["example.com:443", "icloud.com.example.net:443", "127.0.0.1:443", "push.apple.com:443"] {
        assert!(!leads_to_apple(destination), "{destination}");
    }
}
