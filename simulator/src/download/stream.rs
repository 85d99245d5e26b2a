//! Bodies as streams: no more than a piece of any file is in memory.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;

use crate::library::Body;

/// Small enough that a bandwidth limit is smooth, large enough that a fast client is not held up.
const PIECE: usize = 64 * 1024;

/// The bytes from `start` to `end`, no faster than `bandwidth` bytes a second.
pub(super) fn pieces(
    body: Body,
    start: u64,
    end: u64,
    bandwidth: Option<u64>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::unfold(start, move |position| {
        let body = body.clone();
        async move {
            let length = PIECE.min((end - position) as usize);
            if length == 0 {
                return None;
            }
            let piece = body.read(position, length);
            if let Some(bandwidth) = bandwidth.filter(|bandwidth| *bandwidth > 0) {
                tokio::time::sleep(Duration::from_secs_f64(length as f64 / bandwidth as f64)).await;
            }
            Some((Ok(piece), position + length as u64))
        }
    })
}
