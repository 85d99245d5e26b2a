//! Bodies as streams: no more than a piece of any file is in memory.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::time::Instant;

use crate::library::Body;

/// Small enough that a bandwidth limit is smooth, large enough that a fast client is not held up.
const PIECE: usize = 64 * 1024;

/// How far a slow reader may fall behind and then have more at once.
const SLACK: Duration = Duration::from_millis(20);

/// The bytes from `start` to `end`, no faster than `bandwidth` bytes a second. Each piece has its time from the first one
/// on, so that the timer's milliseconds do not add up.
pub(super) fn pieces(
    body: Body,
    start: u64,
    end: u64,
    bandwidth: Option<u64>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let begun = Instant::now();
    stream::unfold((start, begun), move |(position, due)| {
        let body = body.clone();
        async move {
            let length = PIECE.min((end - position) as usize);
            if length == 0 {
                return None;
            }
            let piece = body.read(position, length);
            let Some(bandwidth) = bandwidth.filter(|bandwidth| *bandwidth > 0) else {
                return Some((Ok(piece), (position + length as u64, due)));
            };
            let due = due + Duration::from_secs_f64(length as f64 / bandwidth as f64);
            tokio::time::sleep_until(due).await;
            Some((Ok(piece), (position + length as u64, due.max(Instant::now() - SLACK))))
        }
    })
}
