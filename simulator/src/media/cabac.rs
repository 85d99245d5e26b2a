/// Writes bits, the highest first.
#[derive(Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    /// Bits already used in the last byte, 0 when it is full.
    used: u32,
}

impl BitWriter {
    pub fn bit(&mut self, bit: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        let last = self.bytes.last_mut().expect("a byte was pushed");
        *last |= u8::from(bit) << (7 - self.used);
        self.used = (self.used + 1) % 8;
    }

    pub fn bits(&mut self, value: u32, count: u32) {
        (0..count).rev().for_each(|place| self.bit(value >> place & 1 == 1));
    }

    /// An unsigned Exp-Golomb code (H.265 §9.2).
    pub fn golomb(&mut self, value: u32) {
        let length = 32 - (value + 1).leading_zeros();
        self.bits(0, length - 1);
        self.bits(value + 1, length);
    }

    pub fn align_with_zeros(&mut self) {
        self.used = 0;
    }

    /// The stop bit and zeros up to the next byte (H.265 §7.3.2.11).
    pub fn trail(&mut self) {
        self.bit(true);
        self.align_with_zeros();
    }

    /// Whole bytes; only where the writer stands on a byte's edge.
    pub fn bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.used, 0);
        self.bytes.extend_from_slice(bytes);
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The arithmetic coder of H.265 (§9.3.4.6 ff. tell its inverse), as far as a picture of raw blocks needs it:
/// one context-coded bin that always takes its likely value, and terminating bins.
#[derive(Debug)]
pub struct Arithmetic {
    low: u32,
    range: u32,
    first: bool,
    outstanding: u32,
}

impl Default for Arithmetic {
    fn default() -> Self {
        Self { low: 0, range: 510, first: true, outstanding: 0 }
    }
}

/// `rangeTabLps` (H.265 table 9-52), the rows of states 0 to 62.
const LEAST_RANGE: [[u8; 4]; 63] = [
    [128, 176, 208, 240],
    [128, 167, 197, 227],
    [128, 158, 187, 216],
    [123, 150, 178, 205],
    [116, 142, 169, 195],
    [111, 135, 160, 185],
    [105, 128, 152, 175],
    [100, 122, 144, 166],
    [95, 116, 137, 158],
    [90, 110, 130, 150],
    [85, 104, 123, 142],
    [81, 99, 117, 135],
    [77, 94, 111, 128],
    [73, 89, 105, 122],
    [69, 85, 100, 116],
    [66, 80, 95, 110],
    [62, 76, 90, 104],
    [59, 72, 86, 99],
    [56, 69, 81, 94],
    [53, 65, 77, 89],
    [51, 62, 73, 85],
    [48, 59, 69, 80],
    [46, 56, 66, 76],
    [43, 53, 63, 72],
    [41, 50, 59, 69],
    [39, 48, 56, 65],
    [37, 45, 54, 62],
    [35, 43, 51, 59],
    [33, 41, 48, 56],
    [32, 39, 46, 53],
    [30, 37, 43, 50],
    [29, 35, 41, 48],
    [27, 33, 39, 45],
    [26, 31, 37, 43],
    [24, 30, 35, 41],
    [23, 28, 33, 39],
    [22, 27, 32, 37],
    [21, 26, 30, 35],
    [20, 24, 29, 33],
    [19, 23, 27, 31],
    [18, 22, 26, 30],
    [17, 21, 25, 28],
    [16, 20, 23, 27],
    [15, 19, 22, 25],
    [14, 18, 21, 24],
    [14, 17, 20, 23],
    [13, 16, 19, 22],
    [12, 15, 18, 21],
    [12, 14, 17, 20],
    [11, 14, 16, 19],
    [11, 13, 15, 18],
    [10, 12, 15, 17],
    [10, 12, 14, 16],
    [9, 11, 13, 15],
    [9, 11, 12, 14],
    [8, 10, 12, 14],
    [8, 9, 11, 13],
    [7, 9, 11, 12],
    [7, 9, 10, 12],
    [7, 8, 10, 11],
    [6, 8, 9, 11],
    [6, 7, 9, 10],
    [6, 7, 8, 9],
];

impl Arithmetic {
    /// A bin that has its context's more probable value, in the context's state `state`, which rises by one each time up to 62.
    pub fn likely(&mut self, state: &mut usize, out: &mut BitWriter) {
        self.range -= u32::from(LEAST_RANGE[*state][(self.range >> 6 & 3) as usize]);
        *state = (*state + 1).min(62);
        self.renormalise(out);
    }

    /// A terminating bin of value 0.
    pub fn go_on(&mut self, out: &mut BitWriter) {
        self.range -= 2;
        self.renormalise(out);
    }

    /// A terminating bin of value 1, and all that is still inside; its last bit doubles as the stop bit.
    pub fn finish(mut self, out: &mut BitWriter) {
        self.range -= 2;
        self.low += self.range;
        self.range = 2;
        self.renormalise(out);
        self.put(self.low >> 9 & 1 == 1, out);
        out.bits(self.low >> 7 & 3 | 1, 2);
        out.align_with_zeros();
    }

    fn renormalise(&mut self, out: &mut BitWriter) {
        while self.range < 256 {
            match self.low {
                0..256 => self.put(false, out),
                512.. => {
                    self.low -= 512;
                    self.put(true, out);
                }
                _ => {
                    self.low -= 256;
                    self.outstanding += 1;
                }
            }
            self.range <<= 1;
            self.low <<= 1;
        }
    }

    fn put(&mut self, bit: bool, out: &mut BitWriter) {
        if self.first {
            self.first = false;
        } else {
            out.bit(bit);
        }
        for _ in 0..std::mem::take(&mut self.outstanding) {
            out.bit(!bit);
        }
    }
}

/// Reads what [`Arithmetic`] and [`BitWriter`] wrote (H.265 §9.3.4.3), so that a test can take a picture apart again.
#[cfg(test)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
    range: u32,
    offset: u32,
}

#[cfg(test)]
impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { bytes, at: 0, range: 510, offset: 0 };
        decoder.start();
        decoder
    }

    fn start(&mut self) {
        (self.range, self.offset) = (510, 0);
        (0..9).for_each(|_| self.shift_in());
    }

    fn shift_in(&mut self) {
        self.offset = self.offset << 1 | u32::from(self.bytes[self.at / 8] >> (7 - self.at % 8) & 1);
        self.at += 1;
    }

    /// Whether a bin has the probable value.
    pub fn likely(&mut self, state: &mut usize) -> bool {
        self.range -= u32::from(LEAST_RANGE[*state][(self.range >> 6 & 3) as usize]);
        *state = (*state + 1).min(62);
        let likely = self.offset < self.range;
        self.renormalise();
        likely
    }

    /// A terminating bin.
    pub fn ends(&mut self) -> bool {
        self.range -= 2;
        let ends = self.offset >= self.range;
        if !ends {
            self.renormalise();
        }
        ends
    }

    /// Raw bytes after a terminating bin; the coder starts anew behind them.
    pub fn raw(&mut self, count: usize) -> &'a [u8] {
        let start = self.at.div_ceil(8);
        self.at = (start + count) * 8;
        self.start();
        &self.bytes[start..start + count]
    }

    fn renormalise(&mut self) {
        while self.range < 256 {
            self.range <<= 1;
            self.shift_in();
        }
    }
}
