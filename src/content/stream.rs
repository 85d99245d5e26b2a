//! One request of a file's consecutive blocks, going on whether anybody waits or not.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::ContentError;
use super::original::Original;
use super::partial::Partial;
use super::ranged::Ranged;

/// The blocks a task is fetching, and how it ended.
pub struct Stream {
    pub blocks: Range<u64>,
    outcome: OnceLock<Result<(), ContentError>>,
}

impl Stream {
    pub fn new(blocks: Range<u64>) -> Stream {
        Stream { blocks, outcome: OnceLock::new() }
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
    let settled = original.settle(&partial).await;
    let _ = ending.stream.outcome.set(fetched.and(settled));
}

async fn fetch(original: &Arc<Original>, stream: &Stream, partial: &Arc<Partial>) -> Result<(), ContentError> {
    if stream.blocks.is_empty() {
        return Ok(());
    }
    let _permit = original.shared.requests.acquire().await.expect("never closed");
    let bytes_of = |block| partial.present().bytes_of(block);
    let range = bytes_of(stream.blocks.start).start..bytes_of(stream.blocks.end - 1).end;
    let mut ranged = Ranged::new(&*original.shared.source, &original.resource, range);
    for block in stream.blocks.clone() {
        let range = bytes_of(block);
        let bytes = ranged.take((range.end - range.start) as usize).await?;
        let target = partial.clone();
        let written = blocking(move || target.write(block, &bytes)).await;
        if let Err(error) = written {
            original.leave_disk(Some(partial), &error);
            return Ok(());
        }
        // The block that completes the file is not shown before the file is judged.
        original.progressed();
    }
    Ok(())
}

/// Does what waits for the disk where it may.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
