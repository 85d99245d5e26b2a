//! A set of a file's blocks.

use std::ops::Range;

use super::BLOCK;

/// Which blocks of a file of known size are present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    size: u64,
    bits: Vec<u8>,
    missing: u64,
}

impl Blocks {
    /// None present.
    pub fn none(size: u64) -> Blocks {
        let count = size.div_ceil(BLOCK);
        Blocks { size, bits: vec![0; count.div_ceil(8) as usize], missing: count }
    }

    pub fn count(&self) -> u64 {
        self.size.div_ceil(BLOCK)
    }

    pub fn is_complete(&self) -> bool {
        self.missing == 0
    }

    pub fn contains(&self, block: u64) -> bool {
        self.bits[(block / 8) as usize] & (1 << (block % 8)) != 0
    }

    pub fn insert(&mut self, block: u64) {
        if !self.contains(block) {
            self.bits[(block / 8) as usize] |= 1 << (block % 8);
            self.missing -= 1;
        }
    }

    /// The file's bytes in consecutive blocks.
    pub fn bytes_of(&self, blocks: &Range<u64>) -> Range<u64> {
        blocks.start * BLOCK..(blocks.end * BLOCK).min(self.size)
    }

    /// The blocks present from this one on, without a gap, but no more than `most`.
    pub fn run(&self, block: u64, most: u64) -> Range<u64> {
        let limit = block.saturating_add(most).min(self.count()).max(block);
        let end = (block..limit).find(|block| !self.contains(*block)).unwrap_or(limit);
        block..end
    }

    /// As kept on disk: the size, then the bits.
    pub fn encode(&self) -> Vec<u8> {
        [&self.size.to_le_bytes()[..], &self.bits].concat()
    }

    /// Reads back what [`Blocks::encode`] wrote for a file of this size; anything else is `None`.
    pub fn decode(bytes: &[u8], size: u64) -> Option<Blocks> {
        let (head, bits) = bytes.split_first_chunk::<8>()?;
        let mut blocks = Blocks::none(size);
        if u64::from_le_bytes(*head) != size || bits.len() != blocks.bits.len() {
            return None;
        }
        for block in 0..blocks.count() {
            if bits[(block / 8) as usize] & (1 << (block % 8)) != 0 {
                blocks.insert(block);
            }
        }
        Some(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survive_the_disk_and_refuse_another_size() {
        let size = 9 * BLOCK + 5;
        let mut blocks = Blocks::none(size);
        [0, 7, 8, 9].into_iter().for_each(|b| blocks.insert(b));
        assert_eq!(Blocks::decode(&blocks.encode(), size), Some(blocks.clone()));
        assert_eq!(Blocks::decode(&blocks.encode(), size - 1), None);
        assert_eq!(Blocks::decode(&blocks.encode()[..9], size), None);
        assert_eq!(blocks.bytes_of(&(8..10)), 8 * BLOCK..size);
        assert_eq!((blocks.run(7, 99), blocks.run(7, 2), blocks.run(1, 9)), (7..10, 7..9, 1..1));
    }

    #[test]
    fn an_empty_file_is_complete() {
        assert!(Blocks::none(0).is_complete());
    }
}
