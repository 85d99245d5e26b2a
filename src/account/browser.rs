use url::Url;

use super::AccountError;
use super::cookies::{Absorbed, Cookies};
use super::session::{Exchange, Services, Session};
use crate::config::Endpoints;
use crate::http::{Bytes, HeaderName, Http, Method, Reply, Request, RetryPolicy};

/// The browser we speak as. Apple has turned old ones away (protocol/auth.md §2.1), so these grow old together.
const USER_AGENT: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3.1 Safari/605.1.15";
const BUILD: &str = "2534Project66";
const MASTERING: &str = "2534B22";
/// The public key of icloud.com's sign-in page.
const WIDGET: &str = "d39ba9916b7251055b22c7f910e2ea796ee65e98b2ddecea8f5dde8d9d1a815d";
/// Where that page comes from.
const SIGN_IN_ORIGIN: &str = "https://idmsa.apple.com";

/// Speaks to Apple's services as icloud.com does in a browser: addresses, headers, cookies.
#[derive(Clone)]
pub struct Browser {
    http: Http,
    endpoints: Endpoints,
}

impl Browser {
    pub fn new(http: Http, endpoints: Endpoints) -> Browser {
        Browser { http, endpoints }
    }

    /// How often and how long a call may be tried.
    pub fn retry_policy(&self) -> RetryPolicy {
        self.http.retry_policy()
    }

    /// The same, over connections of its own.
    pub fn reconnected(&self) -> Result<Browser, AccountError> {
        Ok(Browser { http: Http::new(&self.endpoints)?, endpoints: self.endpoints.clone() })
    }

    /// A call of the sign-in service, which knows no cookies of ours; `path` may be empty.
    pub async fn sign_in_call(
        &self,
        client_id: &str,
        exchange: &mut Exchange,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Reply, AccountError> {
        let url = below(&self.endpoints.auth, path);
        let mut request = Request::new(method, url).body(body.map(serde_json::Value::to_string).unwrap_or_default());
        for (name, value) in self.sign_in_headers(client_id) {
            request = request.header(HeaderName::from_static(name), value);
        }
        let echoed = [
            ("scnt", &exchange.scnt),
            ("x-apple-id-session-id", &exchange.session_id),
            ("x-apple-auth-attributes", &exchange.attributes),
        ];
        for (name, value) in echoed {
            if let Some(value) = value {
                request = request.header(HeaderName::from_static(name), value.expose());
            }
        }
        let reply = self.http.send(request).await?;
        exchange.absorb(&reply);
        Ok(reply)
    }

    /// What Apple's own page sends with every request of its sign-in (protocol/auth.md §2.1).
    fn sign_in_headers<'a>(&self, client_id: &'a str) -> [(&'static str, &'a str); 14] {
        [
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("x-apple-widget-key", WIDGET),
            ("x-apple-oauth-client-id", WIDGET),
            ("x-apple-oauth-client-type", "firstPartyAuth"),
            ("x-apple-oauth-redirect-uri", self.endpoints.home),
            ("x-apple-oauth-require-grant-code", "true"),
            ("x-apple-oauth-response-mode", "web_message"),
            ("x-apple-oauth-response-type", "code"),
            ("x-apple-oauth-state", client_id),
            ("x-apple-frame-id", client_id),
            ("origin", SIGN_IN_ORIGIN),
            ("referer", "https://idmsa.apple.com/"),
            ("user-agent", USER_AGENT),
        ]
    }

    /// A call of the setup service, with the session's cookies, and what it does to them.
    pub async fn setup_call(
        &self,
        cookies: &mut Cookies,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<(Reply, Absorbed), AccountError> {
        let url = below(&self.endpoints.setup, path);
        let reply = self.call(cookies, url.clone(), content_type, body.into()).await?;
        let absorbed = cookies.absorb(&url, &reply.headers);
        Ok((reply, absorbed))
    }

    /// A call of the data service (protocol/photos.md §0). Its cookies are for the caller to take over.
    pub async fn data_call(
        &self,
        cookies: &Cookies,
        services: &Services,
        client_id: &str,
        path: &str,
        body: Bytes,
    ) -> Result<Reply, AccountError> {
        let mut url = below(&services.data, path);
        url.query_pairs_mut()
            .append_pair("remapEnums", "true")
            .append_pair("getCurrentSyncToken", "true")
            .append_pair("clientBuildNumber", BUILD)
            .append_pair("clientMasteringNumber", MASTERING)
            .append_pair("clientId", client_id)
            .append_pair("dsid", services.dsid.expose());
        // What icloud.com's page sends, which spares it a preflight.
        self.call(cookies, url, "text/plain", body).await
    }

    async fn call(&self, cookies: &Cookies, url: Url, content_type: &str, body: Bytes) -> Result<Reply, AccountError> {
        let home = self.endpoints.home;
        let cookie = cookies.header(&url);
        let mut request = Request::new(Method::POST, url)
            .header(HeaderName::from_static("content-type"), content_type)
            .header(HeaderName::from_static("accept"), "application/json")
            .header(HeaderName::from_static("origin"), home)
            .header(HeaderName::from_static("referer"), &format!("{home}/"))
            .header(HeaderName::from_static("user-agent"), USER_AGENT)
            .body(body);
        if let Some(cookie) = cookie {
            request = request.header(HeaderName::from_static("cookie"), cookie.expose());
        }
        Ok(self.http.send(request).await?)
    }

    /// The data service's address, if it is one that our cookies may go to.
    pub fn data_address(&self, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let local = self.endpoints.loopback && crate::config::is_loopback(&url);
        let name = url.domain().unwrap_or_default();
        let apples = name.ends_with(".icloud.com") || name.ends_with(".icloud.com.cn");
        (local || (url.scheme() == "https" && apples)).then_some(url)
    }

    /// Whether this is the region, `icloud.com` or `icloud.com.cn`, that we speak to.
    pub fn is_at(&self, domain: &str) -> bool {
        self.endpoints.home.strip_prefix("https://www.") == Some(domain)
    }

    /// Whether this is a simulator's browser.
    pub fn is_simulated(&self) -> bool {
        self.endpoints.loopback
    }

    /// The service that sessions belong to.
    pub fn service(&self) -> &Url {
        &self.endpoints.setup
    }

    /// Whether a session holds the cookie without which no call is answered.
    pub fn has_session_cookie(&self, session: &Session) -> bool {
        session.cookies.has(&self.endpoints.setup, SESSION_COOKIE)
    }
}

/// The cookie that is the session.
pub const SESSION_COOKIE: &str = "X-APPLE-WEBAUTH-TOKEN";
/// Without these two the data service answers 423.
pub const KEY_COOKIES: [&str; 2] = ["X-APPLE-WEBAUTH-PCS-Photos", "X-APPLE-WEBAUTH-PCS-Sharing"];
/// Given in its place while something, such as new terms, waits to be accepted.
pub const REPAIR_COOKIE: &str = "X-APPLE-WEBAUTH-REPAIR";

/// `base` with `path`, which may bring a query, added to its own.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    if !path.is_empty() {
        url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    }
    url.set_query(query);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(loopback: bool) -> Browser {
        let url = |text| Url::parse(text).unwrap();
        let endpoints = Endpoints {
            auth: url("https://idmsa.apple.com/appleauth/auth"),
            setup: url("https://setup.icloud.com/setup/ws/1"),
            home: "https://www.icloud.com",
            loopback,
            first_wait: None,
        };
        Browser::new(Http::new(&endpoints).unwrap(), endpoints)
    }

    #[test]
    fn addresses() {
        let base = Url::parse("https://h/a/b").unwrap();
        assert_eq!(below(&base, "").as_str(), "https://h/a/b");
        assert_eq!(below(&base, "c/d?x=1").as_str(), "https://h/a/b/c/d?x=1");
        assert_eq!(below(&Url::parse("https://h:444").unwrap(), "c").as_str(), "https://h:444/c");
    }

    #[test]
    fn cookies_are_for_apples_data_hosts() {
        for (address, good) in [
            ("https://p61-ckdatabasews.icloud.com:443", true),
            ("https://p1-ckdatabasews.icloud.com.cn", true),
            ("http://p61-ckdatabasews.icloud.com", false),
            ("https://p61-ckdatabasews.icloud.com.evil.example", false),
            ("https://evilicloud.com", false),
            ("http://127.0.0.1:8080", false),
            ("nonsense", false),
        ] {
            assert_eq!(browser(false).data_address(address).is_some(), good, "{address}");
        }
        assert!(browser(true).data_address("http://127.0.0.1:8080").is_some());
        assert!(browser(true).data_address("http://192.168.1.1:8080").is_none());
    }
}
