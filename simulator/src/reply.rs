//! The few shapes that answers take.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

/// A JSON answer.
pub fn json(status: u16, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("text for keys");
    typed(status, "application/json; charset=UTF-8", text)
}

/// Plain text, as Apple's front ends answer when they are in trouble.
pub fn text(status: u16, body: &str) -> Response {
    typed(status, "text/plain", body.to_owned())
}

/// A body of a given type.
pub fn typed(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = empty(status);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    *response.body_mut() = body.into();
    response
}

/// A status alone.
pub fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A moment, in seconds since 1970, as headers write it.
pub fn http_date(at_s: i64) -> String {
    let at = jiff::Timestamp::from_second(at_s).unwrap_or_default();
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .expect("years from 1 to 9999 are written")
}

/// Sets a header whose value this crate made: printable ASCII.
pub fn set(response: &mut Response, name: &'static str, value: &str) {
    let value = HeaderValue::from_str(value).expect("header values are made of printable ASCII");
    response.headers_mut().insert(HeaderName::from_static(name), value);
}
