//! Pieces of originals that neither the disk nor the memory has room for: kept for a moment.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::line::Turn;
use super::ranged::Ranged;
use super::{ContentError, MIB, Shared};
use crate::photos::Resource;

/// Pieces fetched ahead of a reader that goes through a file.
const MAX_AHEAD: u64 = 8;

/// Pieces kept behind him: the kernel asks out of order, by 8 MiB at the most (fuse.md §1). The memory is for what comes:
/// the most recent pieces are those that were read, and the others would make room for them.
const MAX_BEHIND: u64 = 8;

/// Each piece of 1 MiB is fetched once, however many wait for it.
#[derive(Clone)]
pub struct Uncached {
    pieces: Cache<(String, u64), Bytes>,
}

/// A file as it was when a reader opened it: what was damaged is not mixed with what is fetched anew.
pub struct Edition<'a> {
    pub resource: &'a Resource,
    pub generation: u32,
}

impl Edition<'_> {
    fn piece(&self, number: u64) -> (String, u64) {
        let Resource { library, record_name, kind, checksum, .. } = self.resource;
        (format!("{}/{record_name}/{kind:?}/{checksum}/{}", library.0, self.generation), number)
    }
}

/// How far a reader has come, in pieces: from where he is to where those begin that were not asked for yet.
#[derive(Default)]
pub struct Progress(Mutex<Range<u64>>);

impl Progress {
    /// The pieces to be fetched for a reader who has come to an offset: each once, unless he jumps.
    fn advance(&self, offset: u64, window: u64, size: u64) -> Range<u64> {
        let from = offset.div_ceil(MIB);
        let until = (from + (window / MIB).min(MAX_AHEAD)).min(size.div_ceil(MIB));
        let mut known = self.known();
        if from + MAX_BEHIND < known.start || from > known.end {
            *known = from..from;
        }
        let new = known.end..until;
        *known = known.start.max(from)..known.end.max(until);
        new
    }

    /// Whether the reader has left a piece behind.
    fn is_beyond(&self, number: u64) -> bool {
        number + MAX_BEHIND < self.known().start
    }

    fn known(&self) -> MutexGuard<'_, Range<u64>> {
        self.0.lock().expect("no panic while locked")
    }
}

impl Uncached {
    /// With so many bytes of memory.
    pub fn new(memory: u64) -> Uncached {
        let weight = |_: &(String, u64), bytes: &Bytes| bytes.len() as u32;
        // Plainly the most recent: a policy that weighs popularity would refuse the new pieces of a long film.
        let policy = EvictionPolicy::lru();
        Uncached { pieces: Cache::builder().max_capacity(memory).weigher(weight).eviction_policy(policy).build() }
    }

    /// The piece that holds an offset, and where it begins.
    pub async fn piece(
        &self,
        shared: &Arc<Shared>,
        edition: &Edition<'_>,
        offset: u64,
    ) -> Result<(u64, Bytes), ContentError> {
        let number = offset / MIB;
        let bytes = self.fetch(shared, edition, number, true).await?;
        Ok((number * MIB, bytes))
    }

    /// Has the pieces after an offset fetched, for a reader that goes on, and forgets what lies behind him.
    pub async fn run_ahead(
        &self,
        shared: &Arc<Shared>,
        edition: &Edition<'_>,
        progress: &Arc<Progress>,
        offset: u64,
        window: u64,
    ) {
        for number in progress.advance(offset, window, edition.resource.size) {
            let (own, shared, generation) = (self.clone(), shared.clone(), edition.generation);
            let (resource, progress) = (edition.resource.clone(), progress.clone());
            shared.clone().runtime.spawn(async move {
                let edition = Edition { resource: &resource, generation };
                if !progress.is_beyond(number) {
                    // Whoever asks for the piece is told of a failure.
                    let _ = own.fetch(&shared, &edition, number, false).await;
                }
            });
        }
        if let Some(behind) = (offset / MIB).checked_sub(MAX_BEHIND + 1) {
            self.pieces.invalidate(&edition.piece(behind)).await;
        }
    }

    async fn fetch(
        &self,
        shared: &Arc<Shared>,
        edition: &Edition<'_>,
        number: u64,
        urgent: bool,
    ) -> Result<Bytes, ContentError> {
        let resource = edition.resource;
        let fetched = self.pieces.try_get_with(edition.piece(number), async {
            let turn = Arc::new(Turn::new(&resource.checksum, false));
            if urgent {
                turn.want();
            }
            shared.source.prepare(std::slice::from_ref(resource)).await;
            loop {
                let _connection = shared.line.join(&turn).granted().await;
                let range = number * MIB..((number + 1) * MIB).min(resource.size);
                let length = (range.end - range.start) as usize;
                let bytes = Ranged::new(shared, &turn, resource, range).take_unless_cut(length).await?;
                if bytes.len() == length {
                    return Ok(bytes);
                }
                // A piece is not kept in part: it is waited for from now on.
                turn.want();
            }
        });
        fetched.await.map_err(|error: Arc<ContentError>| (*error).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_has_each_piece_fetched_once() {
        let progress = Progress::default();
        let advance = |offset, window| progress.advance(offset, window, 20 * MIB + 1);
        assert_eq!(advance(MIB / 8, 3 * MIB), 1..4, "the first is asked for by himself");
        assert_eq!(advance(MIB / 4, 16 * MIB), 4..9);
        assert!(advance(0, 16 * MIB).is_empty(), "out of order");
        assert_eq!(advance(9 * MIB, 16 * MIB), 9..17);
        assert!(progress.is_beyond(0) && !progress.is_beyond(1));
        assert_eq!(advance(15 * MIB, 16 * MIB), 17..21, "to the end of the file");
        assert_eq!(advance(2 * MIB, 2 * MIB), 2..4, "a jump");
    }
}
