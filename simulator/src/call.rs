//! One request as the handlers see it, and how its client came to us.

use axum::http::{HeaderMap, Method};
use bytes::Bytes;

/// One request, its body read whole.
pub struct Call {
    pub method: Method,
    /// Percent-encoded, without the query.
    pub path: String,
    /// The query, decoded, in the order it was sent.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The names the client knows us by.
    pub front: Front,
}

impl Call {
    /// The first query parameter of this name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON, whatever its content type says.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Method and path, for breaches: never the query, which may hold what is nobody's business.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What the names of hosts in mainland China end with (protocol/auth.md §0.5).
const CHINA: &str = ".cn";

/// Which of our services a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Idmsa,
    Setup,
    Database,
    Content,
}

impl Service {
    /// The service that owns this path.
    pub fn of_path(path: &str) -> Option<Service> {
        let prefixes = [
            ("/appleauth/auth", Service::Idmsa),
            ("/setup/ws/1/", Service::Setup),
            ("/database/1/", Service::Database),
            ("/B/", Service::Content),
        ];
        prefixes.into_iter().find(|(prefix, _)| path.starts_with(prefix)).map(|(_, service)| service)
    }

    /// Whether Apple serves this under that host name (no port), here or in mainland China.
    fn lives_at(self, host: &str) -> bool {
        let host = host.strip_suffix(CHINA).unwrap_or(host);
        match self {
            Service::Idmsa => host == "idmsa.apple.com",
            Service::Setup => host == "setup.icloud.com" || host.ends_with("-setup.icloud.com"),
            Service::Database => host.ends_with("-ckdatabasews.icloud.com"),
            Service::Content => host.ends_with(".icloud-content.com"),
        }
    }
}

/// Which of our listeners took the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Plain HTTP for idmsa, setup and database.
    Services,
    /// Plain HTTP for content: its own port plays its own host.
    Content,
    /// TLS, every service, told apart by host name.
    Tls,
}

/// The names a client knows us by: Apple's, or loopback addresses. Links and cookies are made to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Front {
    Apple { host: String },
    Loopback { services: String, content: String },
}

impl Front {
    /// `host` is the request's Host; `content` the base URL of the plain content listener.
    pub fn new(door: Door, host: &str, content: &str) -> Result<Front, String> {
        let name = without_port(host);
        let place = name.strip_suffix(CHINA).unwrap_or(name);
        if [".apple.com", ".icloud.com", ".icloud-content.com"].iter().any(|domain| place.ends_with(domain)) {
            return Ok(Front::Apple { host: name.to_owned() });
        }
        if !matches!(name, "127.0.0.1" | "localhost") {
            return Err(format!("asked for a host that is not ours: {name}"));
        }
        Ok(match door {
            Door::Tls => Front::Loopback { services: format!("https://{host}"), content: format!("https://{host}") },
            _ => Front::Loopback { services: format!("http://{host}"), content: content.to_owned() },
        })
    }

    /// Whether this service may be asked for under these names, through that listener.
    pub fn serves(&self, service: Service, door: Door) -> bool {
        match (self, door) {
            (Front::Apple { host }, _) => service.lives_at(host),
            (_, Door::Services) => service != Service::Content,
            (_, Door::Content) => service == Service::Content,
            (_, Door::Tls) => true,
        }
    }

    /// Base URL of an iCloud service in the account's partition, for example `ckdatabasews`. No trailing slash.
    pub fn partition_url(&self, service: &str, partition: u16) -> String {
        match self {
            Front::Apple { .. } => format!("https://p{partition}-{service}.icloud.com{}:443", self.region()),
            Front::Loopback { services, .. } => services.clone(),
        }
    }

    /// How the names go on with which this client came.
    fn region(&self) -> &'static str {
        match self {
            Front::Apple { host } if host.ends_with(CHINA) => CHINA,
            _ => "",
        }
    }

    /// Whether the account's data is behind this name; on loopback all partitions are one.
    pub fn is_at(&self, partition: u16) -> bool {
        match self {
            Front::Apple { host } => host.starts_with(&format!("p{partition}-")),
            Front::Loopback { .. } => true,
        }
    }

    /// Base URL of an iCloud host that has no partition, for example `setup`.
    pub fn icloud_url(&self, host: &str) -> String {
        match self {
            Front::Apple { .. } => format!("https://{host}.icloud.com{}", self.region()),
            Front::Loopback { services, .. } => services.clone(),
        }
    }

    /// Base URL of the content host, to which `/B/…` is appended.
    pub fn content_url(&self) -> String {
        match self {
            Front::Apple { .. } => format!("https://cvws.icloud-content.com{}", self.region()),
            Front::Loopback { content, .. } => content.clone(),
        }
    }

    /// The scope attributes of a cookie for that domain; on loopback it is host-only and not Secure, or a jar would drop it.
    pub fn cookie_scope(&self, domain: &str) -> String {
        match self {
            Front::Apple { .. } => format!("Domain={domain}{}; Path=/; Secure", self.region()),
            Front::Loopback { .. } => "Path=/".into(),
        }
    }
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}
