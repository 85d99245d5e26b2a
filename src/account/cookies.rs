use std::fmt;

use cookie_store::{Cookie, CookieStore, RawCookie};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::secret::Secret;
use crate::http::HeaderMap;

/// The session's cookies, with domain, path and expiry: they outlive the process, and go back only where they belong.
#[derive(Clone, Default)]
pub struct Cookies(CookieStore);

impl Cookies {
    /// Takes over what a reply from `url` sets, and forgets what it sets to nothing or to a date gone by.
    pub fn absorb(&mut self, url: &Url, headers: &HeaderMap) -> Absorbed {
        let mut absorbed = Absorbed::default();
        for value in headers.get_all("set-cookie") {
            let Some(raw) = value.to_str().ok().and_then(|text| RawCookie::parse(text).ok()) else { continue };
            match self.insert(&raw, url) {
                Change::None => {}
                Change::Set => absorbed.set.push(raw.name().to_owned()),
                Change::Removed => absorbed.removed = true,
            }
        }
        absorbed
    }

    fn insert(&mut self, raw: &RawCookie<'_>, url: &Url) -> Change {
        let Ok(cookie) = Cookie::try_from_raw_cookie(raw, url).map(Cookie::into_owned) else { return Change::None };
        let domain = String::from(&cookie.domain);
        let path = String::from(&cookie.path);
        // Apple deletes a cookie by giving it no value, in quotes (protocol/auth.md §4.4).
        if raw.value().trim_matches('"').is_empty() || cookie.is_expired() {
            return match self.0.remove(&domain, &path, raw.name()) {
                Some(_) => Change::Removed,
                None => Change::None,
            };
        }
        match self.0.insert(cookie, url) {
            Ok(_) => Change::Set,
            Err(_) => Change::None,
        }
    }

    /// The value of the `Cookie` header for a request to `url`.
    pub fn header(&self, url: &Url) -> Option<Secret> {
        let pairs = self.0.get_request_values(url).map(|(name, value)| format!("{name}={value}"));
        let header = Zeroizing::new(pairs.collect::<Vec<_>>().join("; "));
        (!header.is_empty()).then(|| Secret::new(&header))
    }

    /// Whether a request to `url` would carry a cookie of this name.
    pub fn has(&self, url: &Url, name: &str) -> bool {
        self.0.get_request_values(url).any(|(own, _)| own == name)
    }
}

enum Change {
    None,
    Set,
    Removed,
}

/// What a reply changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Absorbed {
    /// Names that have a value now.
    pub set: Vec<String>,
    pub removed: bool,
}

impl Absorbed {
    pub fn is_change(&self) -> bool {
        self.removed || !self.set.is_empty()
    }

    pub fn has(&self, name: &str) -> bool {
        self.set.iter().any(|set| set == name)
    }
}

/// Names alone.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter_unexpired().map(|cookie| cookie.name())).finish()
    }
}

impl Serialize for Cookies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter_unexpired())
    }
}

impl<'de> Deserialize<'de> for Cookies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cookies, D::Error> {
        let cookies = Vec::<Cookie<'static>>::deserialize(deserializer)?;
        let store = CookieStore::from_cookies(cookies.into_iter().map(Ok::<_, D::Error>), false)?;
        Ok(Cookies(store))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn set(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("set-cookie", line.parse().unwrap());
        }
        headers
    }

    /// What a trusted accountLogin sets, in the two spellings of dates that were recorded.
    fn trusted() -> Cookies {
        let mut cookies = Cookies::default();
        let setup = url("https://setup.icloud.com/setup/ws/1/accountLogin");
        let absorbed = cookies.absorb(
            &setup,
            &set(&[
                r#"X-APPLE-WEBAUTH-TOKEN="v=2:t=Cw==~~"; Expires=Fri, 12-Jan-2098 05:06:31 GMT; Domain=.icloud.com; Path=/; Secure; HttpOnly"#,
                r#"X-APPLE-WEBAUTH-VALIDATE="v=1"; Domain=.icloud.com; Path=/; Secure"#,
                r#"dslang=US-EN; Domain=apple.com; Path=/"#,
                r#"gone="x"; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Domain=.icloud.com; Path=/"#,
            ]),
        );
        assert_eq!(absorbed.set, ["X-APPLE-WEBAUTH-TOKEN", "X-APPLE-WEBAUTH-VALIDATE"]);
        cookies
    }

    #[test]
    fn cookies_go_to_the_data_host_and_nowhere_else() {
        let cookies = trusted();
        let data = url("https://p61-ckdatabasews.icloud.com:443/database/1");
        let header = cookies.header(&data).unwrap();
        assert!(header.expose().contains(r#"X-APPLE-WEBAUTH-TOKEN="v=2:t=Cw==~~""#));
        for stranger in [
            "https://cvws.icloud-content.com/B/x",
            "http://p61-ckdatabasews.icloud.com/",
            "https://icloud.com.evil.example/",
        ] {
            assert!(cookies.header(&url(stranger)).is_none(), "{stranger}");
        }
    }

    #[test]
    fn they_survive_the_disk_session_cookies_too() {
        let text = serde_json::to_string(&trusted()).unwrap();
        let cookies: Cookies = serde_json::from_str(&text).unwrap();
        let data = url("https://p61-ckdatabasews.icloud.com/");
        assert!(cookies.has(&data, "X-APPLE-WEBAUTH-TOKEN") && cookies.has(&data, "X-APPLE-WEBAUTH-VALIDATE"));
    }

    #[test]
    fn an_empty_value_deletes() {
        let mut cookies = trusted();
        let data = url("https://p61-ckdatabasews.icloud.com/");
        let absorbed = cookies.absorb(&data, &set(&[r#"X-APPLE-WEBAUTH-TOKEN=""; Domain=.icloud.com; Path=/"#]));
        assert!(absorbed.is_change() && !cookies.has(&data, "X-APPLE-WEBAUTH-TOKEN"));
    }

    #[test]
    fn on_this_machine_they_stay_with_the_host() {
        let mut cookies = Cookies::default();
        cookies.absorb(&url("http://127.0.0.1:8080/setup"), &set(&["a=1; Path=/; Secure; HttpOnly"]));
        assert!(cookies.has(&url("http://127.0.0.1:9090/database"), "a"));
    }

    #[test]
    fn debug_shows_names_alone() {
        assert!(!format!("{:?}", trusted()).contains("v=2"));
    }
}
