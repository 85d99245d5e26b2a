//! Blocks of originals that neither the disk nor the memory has room for: kept for a moment.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::line::Turn;
use super::ranged::Ranged;
use super::{ContentError, MIB as BLOCK, Shared};
use crate::photos::Resource;

/// 32 MiB: the reads that the kernel has in flight at most (fuse.md §1).
const MEMORY: u64 = 32 * BLOCK;

/// Each block is fetched once, however many wait for it. Only lengths are checked here: nothing has the whole file.
pub struct Uncached {
    blocks: Cache<(String, u64), Bytes>,
}

impl Uncached {
    pub fn new() -> Uncached {
        let weight = |_: &(String, u64), bytes: &Bytes| bytes.len() as u32;
        // Plainly the most recent: a policy that weighs popularity would refuse the new blocks of a long film.
        let policy = EvictionPolicy::lru();
        Uncached { blocks: Cache::builder().max_capacity(MEMORY).weigher(weight).eviction_policy(policy).build() }
    }

    /// A range inside the resource.
    pub async fn read(&self, shared: &Shared, resource: &Resource, range: Range<u64>) -> Result<Bytes, ContentError> {
        let mut all = BytesMut::with_capacity((range.end - range.start) as usize);
        for block in range.start / BLOCK..range.end.div_ceil(BLOCK) {
            let bytes = self.block(shared, resource, block).await?;
            let start = range.start.saturating_sub(block * BLOCK) as usize;
            let end = (range.end - block * BLOCK).min(bytes.len() as u64) as usize;
            all.extend_from_slice(&bytes[start..end]);
        }
        Ok(all.freeze())
    }

    async fn block(&self, shared: &Shared, resource: &Resource, block: u64) -> Result<Bytes, ContentError> {
        let identity =
            format!("{}/{}/{:?}/{}", resource.library.0, resource.record_name, resource.kind, resource.checksum);
        let fetched = self.blocks.try_get_with((identity, block), async {
            let turn = Arc::new(Turn::default());
            turn.want();
            let _connection = shared.line.take(&turn).await;
            let range = block * BLOCK..((block + 1) * BLOCK).min(resource.size);
            let length = (range.end - range.start) as usize;
            Ranged::new(&*shared.source, resource, range).take(length).await.map_err(ContentError::from)
        });
        fetched.await.map_err(|error: Arc<ContentError>| (*error).clone())
    }
}
