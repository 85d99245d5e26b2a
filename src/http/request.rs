use std::fmt;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Http, HttpError, Reply};

/// One call of the API.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn new(method: Method, url: Url) -> Request {
        Request { method, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Adds a header, and marks it as secret so that nobody prints it.
    ///
    /// A value that cannot be sent (a control character) leaves the header out.
    pub fn header(mut self, name: HeaderName, value: &str) -> Request {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Request {
        self.body = body.into();
        self
    }
}

/// Method, host and path alone.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, host(&self.url), self.url.path())
    }
}

/// The host, with its port where that says more: on this machine.
pub(super) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or("?");
    match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

impl Http {
    /// Makes one call and reads the whole reply, whatever its status.
    ///
    /// # Errors
    /// When there is no complete reply: unreachable, 60 s over, connection broken, more than 64 MiB.
    pub async fn send(&self, request: Request) -> Result<Reply, HttpError> {
        let host = host(&request.url);
        self.permit_api(&request.url)?;
        let call = format!("{request:?}");
        let sent = request.body.len();
        let started = std::time::Instant::now();
        let outgoing = self.shared.api.request(request.method, request.url).headers(request.headers).body(request.body);
        let incoming = outgoing.send().await.map_err(|e| HttpError::transport(&host, e))?;
        let reply = Reply::read(&host, incoming).await?;
        let (status, received) = (reply.status, reply.body.len());
        tracing::debug!(target: "photosfs::http", %call, status, sent, received, ms = started.elapsed().as_millis());
        Ok(reply)
    }

    fn permit_api(&self, url: &Url) -> Result<(), HttpError> {
        let local = self.shared.loopback && crate::config::is_loopback(url);
        match url.scheme() == "https" || local {
            true => Ok(()),
            false => Err(HttpError::Forbidden { host: host(url), reason: "the address is not https" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_no_secret() {
        let url = Url::parse("https://example.com/a/b?dsid=12345").unwrap();
        let request =
            Request::new(Method::POST, url).header(HeaderName::from_static("scnt"), "s3cret").body("p4ssword");
        assert_eq!(format!("{request:?}"), "POST example.com/a/b");
        assert_eq!(format!("{:?}", request.headers["scnt"]), "Sensitive");
    }
}
