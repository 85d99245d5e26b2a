//! Pieces of originals that neither the disk nor the memory has room for: kept for a moment.

use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::line::Turn;
use super::ranged::Ranged;
use super::{ContentError, MIB, Shared};
use crate::photos::Resource;

/// Pieces fetched ahead of a reader that goes through a file.
const MAX_AHEAD: u64 = 8;

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
        let bytes = self.fetch(shared, edition.resource, edition.generation, number, true).await?;
        Ok((number * MIB, bytes))
    }

    /// Has the pieces after an offset fetched, for a reader that goes on.
    pub fn run_ahead(&self, shared: &Arc<Shared>, edition: &Edition, offset: u64, window: u64) {
        let from = offset.div_ceil(MIB);
        let until = (from + (window / MIB).min(MAX_AHEAD)).min(edition.resource.size.div_ceil(MIB));
        for number in from..until {
            let (own, shared, generation) = (self.clone(), shared.clone(), edition.generation);
            let resource = edition.resource.clone();
            // Whoever asks for the piece is told of a failure.
            shared.clone().runtime.spawn(async move {
                let _ = own.fetch(&shared, &resource, generation, number, false).await;
            });
        }
    }

    async fn fetch(
        &self,
        shared: &Arc<Shared>,
        resource: &Resource,
        generation: u32,
        number: u64,
        urgent: bool,
    ) -> Result<Bytes, ContentError> {
        let Resource { library, record_name, kind, checksum, .. } = resource;
        let identity = format!("{}/{record_name}/{kind:?}/{checksum}/{generation}", library.0);
        let fetched = self.pieces.try_get_with((identity, number), async {
            let turn = Arc::new(Turn::new(checksum));
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
