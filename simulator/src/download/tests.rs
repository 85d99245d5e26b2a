use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method};

use super::*;
use crate::call::Front;
use crate::library::Body as Content;
use crate::options::Options;

fn state() -> Arc<State> {
    Arc::new(State::new(Options { assets: Some(0), ..Options::default() }).unwrap())
}

/// Makes a body known and signs an address for it.
fn published(state: &State, body: &Content) -> String {
    state.cloud.model().published.insert(body.checksum(), body.clone());
    Links::new(&state.cloud, "http://127.0.0.1:2".into()).sign("PrimarySync", body.checksum()).url
}

fn call(address: &str, range: Option<&str>) -> Call {
    let address = url::Url::parse(address).unwrap();
    let mut headers = HeaderMap::new();
    headers.extend(range.map(|range| (header::RANGE, HeaderValue::from_str(range).unwrap())));
    Call {
        method: Method::GET,
        path: address.path().to_owned(),
        query: address.query_pairs().into_owned().collect(),
        headers,
        body: Default::default(),
        front: Front::Loopback { services: "http://127.0.0.1:1".into(), content: "http://127.0.0.1:2".into() },
    }
}

async fn get(state: &Arc<State>, call: Call) -> (u16, HeaderMap, bytes::Bytes) {
    let response = handle(state.clone(), call).await;
    let (parts, body) = response.into_parts();
    (parts.status.as_u16(), parts.headers, axum::body::to_bytes(body, usize::MAX).await.unwrap())
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers[name].to_str().unwrap()
}

#[tokio::test]
async fn a_signed_address_gives_the_bytes_and_any_range_of_them() {
    let state = state();
    let body = Content::seeded(5, 200_000);
    let address = published(&state, &body);
    assert!(address.contains("/${f}?o="));
    let (status, headers, bytes) = get(&state, call(&address, None)).await;
    assert_eq!((status, &bytes), (200, &body.to_bytes()));
    assert_eq!(
        (text(&headers, "content-type"), text(&headers, "accept-ranges")),
        ("application/octet-stream", "bytes")
    );
    let (status, headers, bytes) = get(&state, call(&address, Some("bytes=70000-149999"))).await;
    assert_eq!((status, &bytes), (206, &body.to_bytes().slice(70_000..150_000)));
    assert_eq!(
        (text(&headers, "content-range"), text(&headers, "content-length")),
        ("bytes 70000-149999/200000", "80000")
    );
    let (status, headers, _) = get(&state, call(&address, Some("bytes=200000-"))).await;
    assert_eq!((status, text(&headers, "content-range")), (416, "bytes */200000"));
    assert_eq!(state.breaches.all(), Vec::<String>::new());
}

#[tokio::test]
async fn the_placeholder_may_be_replaced_but_nothing_signed_may() {
    let state = state();
    let address = published(&state, &Content::seeded(5, 10));
    assert_eq!(get(&state, call(&address.replace("${f}", "IMG_1.JPG"), None)).await.0, 200);
    let later = address.replace("&e=", "&e=9");
    assert_eq!(get(&state, call(&later, None)).await.0, 403);
    assert_eq!(state.breaches.all().len(), 1);
}

#[tokio::test]
async fn an_address_is_gone_after_its_hour() {
    let state = state();
    let address = published(&state, &Content::seeded(5, 10));
    state.clock.advance(Duration::from_secs(3590));
    assert_eq!(get(&state, call(&address, None)).await.0, 200);
    state.clock.advance(Duration::from_secs(11));
    assert_eq!(get(&state, call(&address, None)).await.0, 410);
}

#[tokio::test]
async fn cookies_at_the_content_host_are_a_breach() {
    let state = state();
    let mut call = call(&published(&state, &Content::seeded(5, 10)), None);
    call.headers.insert(header::COOKIE, HeaderValue::from_static("a=b"));
    assert_eq!(get(&state, call).await.0, 200);
    assert_eq!(state.breaches.all().len(), 1);
}
