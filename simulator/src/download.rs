//! The content host: signed, expiring addresses and the bytes behind them (photos.md §5.5, §5.6).

mod link;
mod range;
mod stream;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Method, header};
use axum::response::Response;
use futures_util::TryStreamExt;

use crate::call::Call;
use crate::library::{Checksum, Cloud};
use crate::reply;
use crate::state::State;
use link::Verdict;
pub(crate) use link::{LinkKey, Links};
use range::Asked;

pub async fn handle(state: Arc<State>, call: Call) -> Response {
    if call.method != Method::GET {
        state.breaches.record(format!("{}: content is fetched by GET", call.line()));
        return reply::text(405, "Method Not Allowed");
    }
    if call.headers.contains_key(header::COOKIE) {
        state.breaches.record("cookies were sent to the content host");
    }
    for cloud in state.clouds() {
        match link::verify(&cloud, &call, state.clock.now_s()) {
            Verdict::Good(checksum) => return serve(&state, &cloud, &call, checksum),
            Verdict::Expired => return reply::text(410, "Gone"),
            Verdict::Forged => {}
        }
    }
    state.breaches.record("content was asked for with an address that was never signed");
    reply::text(403, "Forbidden")
}

fn serve(state: &State, cloud: &Cloud, call: &Call, checksum: Checksum) -> Response {
    let Some(body) = cloud.model().published.get(&checksum).cloned() else {
        return reply::text(404, "Not Found");
    };
    let size = body.size();
    let (status, start, end) = match range::read(call.header("range"), size) {
        Asked::Whole => (200, 0, size),
        Asked::Part { start, end } => (206, start, end),
        Asked::Nothing => return unsatisfiable(size),
    };
    let mut response = reply::typed(
        status,
        "application/octet-stream",
        Body::from_stream(stream::pieces(body, start, end, state.options.bandwidth).inspect_ok({
            let content = state.requests.content.clone();
            move |piece| _ = content.fetch_add(piece.len() as u64, Ordering::Relaxed)
        })),
    );
    reply::set(&mut response, "content-length", &(end - start).to_string());
    if status == 206 {
        reply::set(&mut response, "content-range", &format!("bytes {start}-{}/{size}", end - 1));
    }
    common_headers(&mut response, &call.path, state.clock.now_s());
    response
}

fn unsatisfiable(size: u64) -> Response {
    let mut response = reply::text(416, "Requested Range Not Satisfiable");
    reply::set(&mut response, "content-range", &format!("bytes */{size}"));
    response
}

/// Headers of every recorded answer.
fn common_headers(response: &mut Response, path: &str, now_s: i64) {
    let name = path.rsplit('/').next().unwrap_or_default().replace('$', "%24");
    reply::set(response, "accept-ranges", "bytes");
    // Of no use to anybody: it is always the moment of the answer.
    reply::set(response, "last-modified", &reply::http_date(now_s));
    reply::set(response, "cache-control", "no-transform,private,max-age=2592000,s-maxage=2592000");
    reply::set(response, "content-disposition", &format!("attachment; filename=\"{name}\"; filename*=UTF-8''{name}"));
    reply::set(response, "access-control-allow-methods", "GET,OPTIONS");
    reply::set(response, "server", "AppleHttpServer/70a91026");
}

#[cfg(test)]
mod tests;
