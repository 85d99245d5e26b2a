//! Connections, threads and the life of a simulator.

mod metered;

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::call::{Call, Door, Front, Service};
use crate::fault::Fault;
use crate::library::Cloud;
use crate::options::{Options, Switches};
use crate::state::State;
use crate::{accounts, control, database, download, fault, reply, tls};
use metered::Metered;

/// No request of any client comes near this.
const LARGEST_BODY: usize = 8 << 20;

/// A running simulator, on a thread and runtime of its own. Dropping it stops it.
pub struct Simulator {
    state: Arc<State>,
    services: SocketAddr,
    content: SocketAddr,
    tls: Option<SocketAddr>,
    control: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    /// Whether the network is there.
    plugged: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Binds, fills the library and begins to answer. Blocks until that is done; errors are those of binding, of the
    /// TLS files and of making the library.
    pub fn start(options: Options) -> io::Result<Simulator> {
        let services = bind(options.listen)?;
        let content = bind(options.content_listen)?;
        let tls =
            options.tls.as_ref().map(|tls| Ok::<_, io::Error>((bind(tls.listen)?, tls::acceptor(tls)?))).transpose()?;
        let control = options.control.map(bind).transpose()?;
        let mut simulator = Simulator {
            services: services.local_addr()?,
            content: content.local_addr()?,
            tls: tls.as_ref().map(|(listener, _)| listener.local_addr()).transpose()?,
            control: control.as_ref().map(StdListener::local_addr).transpose()?,
            state: Arc::new(State::new(options)?),
            stop: watch::channel(false).0,
            plugged: watch::channel(true).0,
            thread: None,
        };
        let listeners = Listeners { services, content, tls, control };
        let world = World {
            state: simulator.state.clone(),
            content: format!("http://{}", simulator.content),
            plugged: simulator.plugged.subscribe(),
        };
        let stopped = simulator.stop.subscribe();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        simulator.thread = Some(std::thread::Builder::new().name("icloud-simulator".into()).spawn(move || {
            runtime.block_on(run(Arc::new(world), listeners, stopped));
            runtime.shutdown_background();
        })?);
        Ok(simulator)
    }

    /// Base URL of everything but content: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.services)
    }

    /// Base URL of sign-in, as clients configure it.
    pub fn idmsa_url(&self) -> String {
        format!("{}/appleauth/auth", self.url())
    }

    /// Base URL of the account service, as clients configure it.
    pub fn setup_url(&self) -> String {
        format!("{}/setup/ws/1", self.url())
    }

    /// Base URL of the content host.
    pub fn content_url(&self) -> String {
        format!("http://{}", self.content)
    }

    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls
    }

    pub fn control_address(&self) -> Option<SocketAddr> {
        self.control
    }

    /// What the handlers share, for the modules that add to this handle.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// The photo libraries, to read and to change while clients look at them.
    pub fn cloud(&self) -> Cloud {
        self.state.cloud.clone()
    }

    /// Scripts a failure.
    pub fn fault(&self, fault: Fault) {
        self.state.faults.add(fault);
    }

    /// Takes the network away: every connection is cut and new ones are refused, until [`Simulator::plug_in`]. Not those of
    /// the TLS listener and the control port.
    pub fn unplug(&self) {
        self.plugged.send_replace(false);
        self.wait_until_it(false);
    }

    pub fn plug_in(&self) {
        self.plugged.send_replace(true);
        self.wait_until_it(true);
    }

    fn wait_until_it(&self, accepts: bool) {
        let as_wanted = |address| std::net::TcpStream::connect(address).is_ok() == accepts;
        for address in [self.services, self.content] {
            while !as_wanted(address) {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// What clients did that no correct client does.
    pub fn breaches(&self) -> Vec<String> {
        self.state.breaches.all()
    }

    /// Leniencies that were used; no fault of the client.
    pub fn notes(&self) -> Vec<String> {
        self.state.breaches.notes()
    }

    /// Panics if a client did what no correct client does, or if a scripted fault never struck.
    pub fn assert_clean(&self) {
        let mut lines = self.breaches();
        lines.extend(
            self.state.faults.unfired().into_iter().map(|fault| format!("scripted fault never struck: {fault}")),
        );
        assert!(lines.is_empty(), "the simulator was not left clean:\n  {}", lines.join("\n  "));
    }

    /// How often an endpoint was asked, for example `records/query` or `signin/init`.
    pub fn requests(&self, endpoint: &str) -> u64 {
        self.state.requests.count(endpoint)
    }

    /// Bytes of files handed to clients; some may have been under way when a connection was closed.
    pub fn content_bytes(&self) -> u64 {
        self.state.requests.content.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Connections that were closed because of [`Options::connection_bytes`].
    pub fn exhausted_connections(&self) -> u64 {
        self.state.requests.exhausted.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The most requests ever in progress at once.
    pub fn peak_requests(&self) -> usize {
        self.state.requests.peak()
    }

    /// Changes the account's behaviour from the next request on.
    pub fn change_switches(&self, change: impl FnOnce(&mut Switches)) {
        self.state.change_switches(change);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A listener on loopback; anything else is refused, for these services let anybody in who knows the demo password.
fn bind(address: SocketAddr) -> io::Result<StdListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{address} is not a loopback address")));
    }
    let listener = StdListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

struct Listeners {
    services: StdListener,
    content: StdListener,
    tls: Option<(StdListener, tokio_rustls::TlsAcceptor)>,
    control: Option<StdListener>,
}

/// What every connection needs.
struct World {
    state: Arc<State>,
    /// Base URL of the plain content listener.
    content: String,
    plugged: watch::Receiver<bool>,
}

async fn run(world: Arc<World>, listeners: Listeners, mut stopped: watch::Receiver<bool>) {
    tokio::spawn(plain(world.clone(), listeners.services, Door::Services));
    tokio::spawn(plain(world.clone(), listeners.content, Door::Content));
    if let Some((listener, acceptor)) = listeners.tls {
        tokio::spawn(over_tls(world.clone(), listener, acceptor));
    }
    if let Some(listener) = listeners.control {
        tokio::spawn(control::serve(world.state.clone(), tokio_listener(listener)));
    }
    // An error means that the handle is gone: that stops us too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

fn tokio_listener(listener: StdListener) -> TcpListener {
    TcpListener::from_std(listener).expect("a fresh listener registers with the runtime")
}

async fn plain(world: Arc<World>, listener: StdListener, door: Door) {
    let address = listener.local_addr().expect("it is bound");
    let (mut plugged, mut listener) = (world.plugged.clone(), Some(listener));
    while plugged.wait_for(|plugged| *plugged).await.is_ok() {
        let Some(listening) = listener.take().or_else(|| bind(address).ok()) else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let listening = tokio_listener(listening);
        tokio::select! {
            () = accept(&world, &listening, door) => {}
            _ = plugged.wait_for(|plugged| !*plugged) => {}
        }
    }
}

async fn accept(world: &Arc<World>, listener: &TcpListener, door: Door) {
    loop {
        // A failed accept is the client's connection lost again, or no descriptor free at this moment.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (world, mut plugged) = (world.clone(), world.plugged.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = connection(world, stream, door) => {}
                _ = plugged.wait_for(|plugged| !*plugged) => {}
            }
        });
    }
}

async fn over_tls(world: Arc<World>, listener: StdListener, acceptor: tokio_rustls::TlsAcceptor) {
    let listener = tokio_listener(listener);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (world, acceptor) = (world.clone(), acceptor.clone());
        tokio::spawn(async move {
            match acceptor.accept(stream).await {
                Ok(stream) => connection(world, stream, Door::Tls).await,
                Err(error) => tracing::info!("TLS handshake: {error}"),
            }
        });
    }
}

async fn connection(world: Arc<World>, stream: impl AsyncRead + AsyncWrite + Unpin, door: Door) {
    let service = service_fn(|request| {
        let world = world.clone();
        async move { answer(&world, request, door).await }
    });
    let share = world.state.options.connection_bytes.filter(|_| door != Door::Services).unwrap_or(u64::MAX);
    let mut stream = Metered::new(stream, share);
    let served =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(&mut stream), service).await;
    if let Err(error) = served {
        tracing::debug!("connection: {error}");
    }
    if stream.is_exhausted() {
        world.state.requests.exhausted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

async fn answer(world: &World, request: Request<Incoming>, door: Door) -> io::Result<Response> {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let state = &world.state;
    let begun = state.requests.begin(&path);
    if !state.options.latency.is_zero() {
        tokio::time::sleep(state.options.latency).await;
    }
    let response = match call(world, request, door).await {
        Ok(call) => route(state, call, door).await,
        Err(reason) => Ok(refused(state, &format!("{method} {path}: {reason}"))),
    };
    let response = response.map(|response| dated(response, state.clock.now_s()));
    response.iter().for_each(|response| state.issued.note_headers(response.headers()));
    let status = response.as_ref().map_or(0, |response| response.status().as_u16());
    state.requests.end(begun, &method, &path, status);
    response
}

/// With the date of the simulator's own clock, which may be another than this machine's.
fn dated(mut response: Response, now_s: i64) -> Response {
    reply::set(&mut response, "date", &reply::http_date(now_s));
    response
}

/// Reads a request whole and finds the names it came by.
async fn call(world: &World, request: Request<Incoming>, door: Door) -> Result<Call, String> {
    let (parts, body) = request.into_parts();
    let host = host(&parts.headers).ok_or("no Host header")?;
    let front = Front::new(door, host, &world.content)?;
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let body = axum::body::to_bytes(Body::new(body), LARGEST_BODY).await.map_err(|error| error.to_string())?;
    Ok(Call { method: parts.method, path: parts.uri.path().to_owned(), query, headers: parts.headers, body, front })
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

/// An error resets the connection.
async fn route(state: &Arc<State>, call: Call, door: Door) -> io::Result<Response> {
    let service = Service::of_path(&call.path).filter(|service| call.front.serves(*service, door));
    let Some(service) = service else {
        return Ok(refused(state, &format!("{} is not served at this host", call.line())));
    };
    accounts::look_for_leaks(state, &call, service);
    fault::through(state, call, |call| async move {
        match service {
            Service::Idmsa | Service::Setup => accounts::handle(state.clone(), call).await,
            Service::Database => database::handle(state.clone(), call).await,
            Service::Content => download::handle(state.clone(), call).await,
        }
    })
    .await
}

/// Everything that is not simulated is refused, never forwarded.
fn refused(state: &State, line: &str) -> Response {
    state.breaches.record(line);
    reply::text(404, "not simulated")
}
