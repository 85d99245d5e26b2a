//! Reading and setting web cookies.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use jiff::Timestamp;

use crate::call::Front;

/// The cookies of a request. Clients may send a quoted value back without its quotes.
pub fn sent(headers: &HeaderMap) -> HashMap<String, String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}

/// Sets cookies of the iCloud domain on one answer.
pub struct Baker<'a> {
    pub front: &'a Front,
    pub response: &'a mut Response,
}

impl Baker<'_> {
    /// `expires_s` in seconds since the epoch; `None` for the life of the browser.
    pub fn set(&mut self, name: &str, value: &str, expires_s: Option<i64>) {
        let expires = expires_s.map(|at| format!("; Expires={}", date(at))).unwrap_or_default();
        let scope = self.front.cookie_scope(".icloud.com");
        let text = format!("{name}=\"{value}\"{expires}; {scope}; HttpOnly");
        let text = HeaderValue::from_str(&text).expect("cookies are made of printable ASCII");
        self.response.headers_mut().append(header::SET_COOKIE, text);
    }

    /// Deletes a cookie the way Apple does: empty, one second after the epoch.
    pub fn delete(&mut self, name: &str) {
        self.set(name, "", Some(1));
    }
}

/// One of the formats in which Apple writes dates, and the one that strict parsers stumble over.
fn date(at_s: i64) -> String {
    let at = Timestamp::from_second(at_s).unwrap_or(Timestamp::MAX);
    at.strftime("%a, %d-%b-%Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_no_part_of_a_value() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("A=\"v=2:t=x==\"; B=plain"));
        headers.append(header::COOKIE, HeaderValue::from_static("C=third"));
        let cookies = sent(&headers);
        assert_eq!(
            (cookies["A"].as_str(), cookies["B"].as_str(), cookies["C"].as_str()),
            ("v=2:t=x==", "plain", "third")
        );
    }

    #[test]
    fn dates_look_as_recorded() {
        assert_eq!(date(1_705_035_991), "Fri, 12-Jan-2024 05:06:31 GMT");
    }
}
