//! Bodies that arrive short, wrong or slowly.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::reply;

/// What happens to a body. Offsets count from the first byte of the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// The connection is closed after so many bytes.
    CutAfter(u64),
    /// The connection is closed after so many bytes of the file, whichever range of it was asked for.
    CutAt(u64),
    /// Content-Length is off by so many.
    LengthOff(i64),
    /// The right length, and one bit of every piece wrong.
    WrongBytes,
    /// Nothing comes for a time after so many bytes.
    StallAfter { bytes: u64, ms: u64 },
    /// No more than so many bytes a second.
    Bandwidth(u64),
}

pub(super) fn damage(mut response: Response, damage: Damage) -> Response {
    if let Damage::LengthOff(by) = damage {
        let length =
            response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let length: i64 = length.unwrap_or(0);
        reply::set(&mut response, "content-length", &(length + by).max(0).to_string());
        return response;
    }
    let begins = begins(&response);
    let damage = match damage {
        // A range that begins beyond the place is answered whole.
        Damage::CutAt(at) => Damage::CutAfter(at.checked_sub(begins).filter(|rest| *rest > 0).unwrap_or(u64::MAX)),
        other => other,
    };
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, Body::from_stream(damaged(body, damage)))
}

/// Where in the file an answer begins.
fn begins(response: &Response) -> u64 {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()).unwrap_or(0)
}

fn damaged(body: Body, damage: Damage) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let pieces = body.into_data_stream();
    stream::unfold((pieces, 0, false), move |(mut pieces, sent, ended)| async move {
        if ended {
            return None;
        }
        let piece = match pieces.next().await? {
            Ok(piece) => piece,
            Err(_) => return Some((Err(Cut(Bytes::new())), (pieces, sent, true))),
        };
        let length = piece.len() as u64;
        let result = bend(piece, sent, damage).await;
        let ended = result.is_err();
        Some((result, (pieces, sent + length, ended)))
    })
    .flat_map(cut)
}

/// Long enough for what was sent to leave the connection's buffer before the connection is closed.
const FLUSH: Duration = Duration::from_millis(20);

/// A cut piece is delivered up to the cut, and then comes the error that closes the connection.
fn cut(result: Result<Bytes, Cut>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (piece, is_cut) = match result {
        Ok(piece) => (piece, false),
        Err(Cut(piece)) => (piece, true),
    };
    let closing = async move {
        tokio::time::sleep(FLUSH).await;
        Err(io::ErrorKind::ConnectionAborted.into())
    };
    stream::iter([Ok(piece)]).chain(stream::iter(is_cut.then_some(closing)).then(|closing| closing))
}

/// What was sent before the connection is closed.
struct Cut(Bytes);

async fn bend(piece: Bytes, sent: u64, damage: Damage) -> Result<Bytes, Cut> {
    let end = sent + piece.len() as u64;
    match damage {
        Damage::CutAfter(at) if at < end => Err(Cut(piece.slice(..(at - sent) as usize))),
        Damage::WrongBytes => Ok(flipped(&piece)),
        Damage::StallAfter { bytes, ms } if (sent..end).contains(&bytes) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(piece)
        }
        Damage::Bandwidth(rate) => {
            tokio::time::sleep(Duration::from_secs_f64(piece.len() as f64 / rate.max(1) as f64)).await;
            Ok(piece)
        }
        _ => Ok(piece),
    }
}

fn flipped(piece: &Bytes) -> Bytes {
    let mut bytes = piece.to_vec();
    let middle = bytes.len() / 2;
    bytes.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
    bytes.into()
}
