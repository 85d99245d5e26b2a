//! One request of a file's consecutive blocks, going on whether anybody waits or not. Which blocks, is decided when it has
//! a connection: only then is it known what others have fetched meanwhile, and how many share the line.

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::time::Instant;

use super::line::{Connection, Turn};
use super::original::Original;
use super::partial::Partial;
use super::ranged::Ranged;
use super::{BLOCK, ContentError};
use crate::photos::Checksum;

/// Blocks that are written at once, at most: 1 MiB. Of a file that is given out as it arrives the first piece of a request
/// is one block and each next one twice as long: whoever waits for its first bytes has them at once, and a long request
/// goes to the disk in few writes.
const MAX_PIECE: u64 = 16;

/// Blocks that a request fetches undisturbed if others wait for its connection: 8 MiB.
pub const TURN: u64 = 128;

/// A task that fetches blocks, and how it ended.
pub struct Stream {
    /// Where it is to look for blocks that are missing.
    pub part: Range<u64>,
    claimed: OnceLock<Range<u64>>,
    pub turn: Arc<Turn>,
    /// No more blocks come; what is left is to judge or to claim them.
    pub has_fetched: AtomicBool,
    outcome: OnceLock<Result<(), ContentError>>,
}

impl Stream {
    pub fn new(of: &Checksum, is_foreseen: bool, part: Range<u64>) -> Stream {
        let turn = Arc::new(Turn::new(of, is_foreseen));
        turn.note_left(part.end - part.start);
        Stream { part, claimed: OnceLock::new(), turn, has_fetched: AtomicBool::new(false), outcome: OnceLock::new() }
    }

    /// The blocks it fetches: none before it has claimed them.
    pub fn blocks(&self) -> Range<u64> {
        self.claimed.get().cloned().unwrap_or(0..0)
    }

    /// Whether it has no connection yet.
    pub fn is_waiting(&self) -> bool {
        self.claimed.get().is_none()
    }

    /// Decides which blocks it fetches.
    pub fn claim(&self, blocks: Range<u64>) {
        self.turn.note_rest(blocks.end - blocks.start);
        let _ = self.claimed.set(blocks);
    }

    /// Whether it fetches this block, or may yet.
    pub fn may_bring(&self, block: u64) -> bool {
        self.claimed.get().unwrap_or(&self.part).contains(&block)
    }

    /// `None` while it is under way.
    pub fn outcome(&self) -> Option<Result<(), ContentError>> {
        self.outcome.get().cloned()
    }
}

/// Tells everybody who waits that the stream is over, also if its task panics or is dropped.
struct Ending {
    original: Arc<Original>,
    stream: Arc<Stream>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Set already, unless the task did not come to its end.
        let _ = self.stream.outcome.set(Err(std::io::Error::other("the download was abandoned").into()));
        self.original.ended(&self.stream);
    }
}

/// Fetches the stream's blocks into the file; the one who completes it has it judged.
pub async fn run(original: Arc<Original>, stream: Arc<Stream>, partial: Arc<Partial>) {
    let ending = Ending { original: original.clone(), stream: stream.clone() };
    let fetched = fetch(&original, &stream, &partial).await;
    // Others were faster: there is nothing to save.
    let is_idle = stream.blocks().is_empty() && !partial.is_complete();
    let settled = if is_idle { Ok(()) } else { original.settle(&stream, &partial).await };
    let _ = ending.stream.outcome.set(fetched.and(settled));
}

async fn fetch(original: &Arc<Original>, stream: &Stream, partial: &Arc<Partial>) -> Result<(), ContentError> {
    if partial.is_complete() {
        return Ok(());
    }
    let (shared, resource, begun) = (&original.shared, &original.resource, Instant::now());
    // No connection is held while the address is looked up.
    let place = shared.line.join(&stream.turn);
    shared.source.prepare(std::slice::from_ref(resource)).await;
    let connection = place.granted().await;
    let waited = begun.elapsed();
    if take(original, stream, partial, connection).await? {
        let (blocks, took, wanted) = (stream.blocks(), begun.elapsed(), stream.turn.is_wanted());
        tracing::debug!(record = resource.record_name, ?blocks, ?waited, ?took, wanted, "fetched");
    }
    Ok(())
}

/// Claims blocks and fetches them. False if it was cut short, or if the disk does not take them.
async fn take(
    original: &Arc<Original>,
    stream: &Stream,
    partial: &Arc<Partial>,
    connection: Connection<'_>,
) -> Result<bool, ContentError> {
    let mut connection = Some(connection);
    let bytes_of = |blocks: &Range<u64>| partial.present().bytes_of(blocks);
    let mut rest = original.claim(stream, partial);
    let mut ranged = Ranged::new(&original.shared, &stream.turn, &original.resource, bytes_of(&rest));
    let mut longest = if original.is_small() { MAX_PIECE } else { 1 };
    while !rest.is_empty() {
        let piece = bytes_of(&(rest.start..rest.end.min(rest.start + longest)));
        let bytes = ranged.take_unless_cut((piece.end - piece.start) as usize).await?;
        if bytes.is_empty() {
            return Ok(false);
        }
        if bytes_of(&rest).end == piece.start + bytes.len() as u64 {
            // The last piece need not be written before another request begins.
            drop(connection.take());
        }
        let length = bytes.len() as u64;
        if !keep(original, partial, rest.start, bytes).await {
            return Ok(false);
        }
        rest.start += length.div_ceil(BLOCK);
        stream.turn.note_rest(rest.end - rest.start);
        if rest.start >= stream.blocks().start + TURN {
            stream.turn.end_turn();
            if !original.is_open() {
                // The rest of it is for nobody.
                return Ok(false);
            }
        }
        longest = (longest * 2).min(MAX_PIECE);
    }
    Ok(true)
}

/// Writes a piece from this block on, and tells those who wait. False if the disk does not take it: the file is left to be
/// served past it.
async fn keep(original: &Arc<Original>, partial: &Arc<Partial>, first: u64, bytes: Bytes) -> bool {
    let target = partial.clone();
    if let Err(error) = blocking(move || target.write(first, &bytes)).await {
        original.leave_disk(Some(partial), &error);
        return false;
    }
    // The block that completes the file is not shown before the file is judged.
    original.progressed();
    if partial.take_saving() {
        original.save_aside(partial);
    }
    true
}

/// Does what waits for the disk where it may.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
