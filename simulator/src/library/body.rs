//! The bytes of one resource: held in memory, or made on the fly from a seed so that large libraries cost no memory.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use sha1::{Digest, Sha1};

use super::checksum::Checksum;
use super::random;

/// Seeded bodies are made in blocks of this size, each from its own state, so any range costs only its own blocks.
const BLOCK: u64 = 4096;
/// Hashing reads the body in pieces of this size: large enough to amortise the call, small enough to stay in cache.
const PIECE: usize = 256 * 1024;

/// The bytes of a resource. Cheap to clone; its digests are computed on first need, once.
#[derive(Clone, Debug)]
pub struct Body(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    digests: OnceLock<Digests>,
}

enum Source {
    Memory(Bytes),
    Seeded {
        seed: u64,
        size: u64,
    },
    /// Zeros but for a mark at the beginning of each `MARKED` bytes.
    Sparse {
        seed: u64,
        size: u64,
    },
    /// A beginning held in memory; what follows is made from the seed.
    Padded {
        head: Bytes,
        seed: u64,
        size: u64,
    },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
            Source::Seeded { seed, size } => write!(f, "Seeded({seed:#x}, {size} bytes)"),
            Source::Sparse { seed, size } => write!(f, "Sparse({seed:#x}, {size} bytes)"),
            Source::Padded { seed, size, .. } => write!(f, "Padded({seed:#x}, {size} bytes)"),
        }
    }
}

/// What tells a body from others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Identity {
    Content(Checksum),
    Seeded { seed: u64, size: u64 },
    Sparse { seed: u64, size: u64 },
}

#[derive(Clone, Copy, Debug)]
struct Digests {
    plain: [u8; 20],
    salted: Checksum,
}

impl Body {
    /// A body held in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Body {
        Body::of(Source::Memory(bytes.into()))
    }

    /// A body of `size` bytes that exists only as a seed; equal seeds and sizes give equal bytes.
    pub fn seeded(seed: u64, size: u64) -> Body {
        Body::of(Source::Seeded { seed, size })
    }

    /// A body of `size` bytes that takes hardly any room on a disk that keeps holes, and hardly any time to make: zeros, with
    /// a mark of its own in each MiB, so that no part can be taken for another.
    pub fn sparse(seed: u64, size: u64) -> Body {
        Body::of(Source::Sparse { seed, size })
    }

    /// A body of `size` bytes that begins with `head` and goes on from a seed, which no other body may have.
    pub fn padded(head: impl Into<Bytes>, seed: u64, size: u64) -> Body {
        let head = head.into();
        debug_assert!(head.len() as u64 <= size);
        Body::of(Source::Padded { head, seed, size })
    }

    fn of(source: Source) -> Body {
        Body(Arc::new(Inner { source, digests: OnceLock::new() }))
    }

    pub fn size(&self) -> u64 {
        match &self.0.source {
            Source::Memory(bytes) => bytes.len() as u64,
            Source::Seeded { size, .. } | Source::Sparse { size, .. } | Source::Padded { size, .. } => *size,
        }
    }

    /// Up to `length` bytes from `offset`; shorter only at the end of the body. Costs O(length).
    pub fn read(&self, offset: u64, length: usize) -> Bytes {
        let start = offset.min(self.size());
        let end = start.saturating_add(length as u64).min(self.size());
        match &self.0.source {
            Source::Memory(bytes) => bytes.slice(start as usize..end as usize),
            Source::Seeded { seed, .. } => seeded_range(*seed, start, end),
            Source::Sparse { seed, .. } => sparse_range(*seed, start, end),
            Source::Padded { head, seed, .. } => {
                let edge = head.len() as u64;
                let kept = head.slice(start.min(edge) as usize..end.min(edge) as usize);
                let made = seeded_range(*seed, start.max(edge) - edge, end.max(edge) - edge);
                if made.is_empty() { kept } else { [kept, made].concat().into() }
            }
        }
    }

    /// The whole body. For tests and small bodies.
    pub fn to_bytes(&self) -> Bytes {
        self.read(0, self.size() as usize)
    }

    /// Equal for equal bytes, and cheap for seeded bodies, which are not hashed for it.
    pub(crate) fn identity(&self) -> Identity {
        match self.0.source {
            Source::Memory(_) => Identity::Content(self.checksum()),
            Source::Seeded { seed, size } | Source::Padded { seed, size, .. } => Identity::Seeded { seed, size },
            Source::Sparse { seed, size } => Identity::Sparse { seed, size },
        }
    }

    /// A checksum of what the body is, which for a seeded body costs no hash over its bytes: what names a file whose
    /// content checksum is not shown.
    pub(crate) fn signature(&self) -> Checksum {
        match self.0.source {
            Source::Memory(_) | Source::Sparse { .. } | Source::Padded { .. } => self.checksum(),
            Source::Seeded { seed, size } => {
                Checksum::finish(Checksum::hasher().chain_update(seed.to_le_bytes()).chain_update(size.to_le_bytes()))
            }
        }
    }

    /// Plain SHA-1 of the bytes, in lower-case hex.
    pub fn sha1(&self) -> String {
        self.digests().plain.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Apple's `fileChecksum` of the bytes (photos.md §6).
    pub fn checksum(&self) -> Checksum {
        self.digests().salted
    }

    fn digests(&self) -> Digests {
        *self.0.digests.get_or_init(|| self.hash())
    }

    #[cfg(test)]
    pub(super) fn is_hashed(&self) -> bool {
        self.0.digests.get().is_some()
    }

    fn hash(&self) -> Digests {
        let (mut plain, mut salted) = (Sha1::new(), Checksum::hasher());
        let mut offset = 0;
        while offset < self.size() {
            let piece = self.read(offset, PIECE);
            plain.update(&piece);
            salted.update(&piece);
            offset += piece.len() as u64;
        }
        Digests { plain: plain.finalize().into(), salted: Checksum::finish(salted) }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Body {
        Body::bytes(bytes)
    }
}

fn seeded_range(seed: u64, start: u64, end: u64) -> Bytes {
    let mut out = BytesMut::with_capacity((end - start) as usize);
    let mut position = start;
    while position < end {
        let block = position / BLOCK;
        let from = (position - block * BLOCK) as usize;
        let until = (end - block * BLOCK).min(BLOCK) as usize;
        out.extend_from_slice(&seeded_block(seed, block)[from..until]);
        position = block * BLOCK + until as u64;
    }
    out.freeze()
}

/// A mark is eight bytes at a multiple of this.
const MARKED: u64 = 1 << 20;

fn sparse_range(seed: u64, start: u64, end: u64) -> Bytes {
    let mut out = BytesMut::zeroed((end - start) as usize);
    for mark in start / MARKED..end.div_ceil(MARKED) {
        let bytes = random::mix(seed, mark).to_le_bytes();
        for (at, byte) in (mark * MARKED..).zip(bytes).filter(|(at, _)| (start..end).contains(at)) {
            out[(at - start) as usize] = byte;
        }
    }
    out.freeze()
}

fn seeded_block(seed: u64, block: u64) -> [u8; BLOCK as usize] {
    let mut stream = random::Stream::new(random::mix(seed, block));
    let mut bytes = [0; BLOCK as usize];
    for word in bytes.chunks_exact_mut(8) {
        word.copy_from_slice(&stream.next().to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_of_a_seeded_body_equals_the_same_range_of_the_whole() {
        let body = Body::seeded(7, 3 * BLOCK + 123);
        let whole = body.to_bytes();
        assert_eq!(whole.len() as u64, body.size());
        for (offset, length) in [(0, 1), (4095, 2), (5000, 9000), (12_288, 500), (12_410, 5), (99_999, 4)] {
            let end = (offset + length).min(whole.len());
            assert_eq!(body.read(offset as u64, length), whole.slice(offset.min(end)..end), "{offset}+{length}");
        }
    }

    #[test]
    fn a_padded_body_begins_with_its_head() {
        let body = Body::padded(&b"head"[..], 7, 10_000);
        assert_eq!(&body.read(0, 4)[..], b"head");
        assert_eq!(body.read(4, 9996), Body::seeded(7, 9996).to_bytes());
        assert_eq!(body.to_bytes().slice(2..6000), body.read(2, 5998));
        assert_eq!(body.read(9_999, 100).len(), 1);
    }

    #[test]
    fn a_sparse_body_is_marked_and_else_empty() {
        let body = Body::sparse(7, 3 * MARKED + 5);
        let whole = body.to_bytes();
        let marks: Vec<&[u8]> = (0..3).map(|n| &whole[n * MARKED as usize..][..8]).collect();
        assert!(marks[0] != marks[1] && marks[1] != marks[2], "{marks:?}");
        assert_eq!(
            whole.iter().filter(|byte| **byte != 0).count(),
            marks.concat().iter().filter(|b| **b != 0).count() + 5
        );
        for (offset, length) in [(0, 3), (MARKED - 2, 7), (MARKED + 3, 40), (3 * MARKED - 1, 99)] {
            let end = (offset + length).min(body.size());
            assert_eq!(body.read(offset, length as usize), whole.slice(offset as usize..end as usize), "{offset}");
        }
    }

    #[test]
    fn different_seeds_differ_in_every_block() {
        let (one, two) = (Body::seeded(1, 3 * BLOCK).to_bytes(), Body::seeded(2, 3 * BLOCK).to_bytes());
        for block in 0..3 {
            let range = block * BLOCK as usize..(block + 1) * BLOCK as usize;
            assert_ne!(one[range.clone()], two[range]);
        }
    }

    #[test]
    fn digests_are_the_published_ones() {
        let body = Body::bytes(&b"hello world\n"[..]);
        assert_eq!(body.sha1(), "22596363b3de40b06f981fb85d82312e8c0ed511");
        assert_eq!(body.checksum().to_string(), "ARqdPZjFmdSZOG/4FrBl60A1BEXf");
    }
}
