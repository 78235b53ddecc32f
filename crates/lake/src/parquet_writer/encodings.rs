//! Parquet's encodings of levels, codes and whole numbers.

/// Which of `n` cells are there, with the length of that before it.
pub(super) fn put_levels(page: &mut Vec<u8>, n: usize, is_there: impl Fn(usize) -> bool) {
    let start = page.len();
    page.extend([0; 4]);
    let bits = Bits::of(n, is_there);
    if bits.are_all_set() {
        // However few they are.
        put_varint(page, (n as u64) << 1);
        page.push(1);
    } else {
        put_bits(page, &bits);
    }
    let n_bytes = u32::try_from(page.len() - start - 4).unwrap_or(0);
    page[start..start + 4].copy_from_slice(&n_bytes.to_le_bytes());
}

/// One bit each, from the lowest of a word.
struct Bits {
    words: Vec<u64>,
    n: usize,
}

impl Bits {
    fn of(n: usize, is_set: impl Fn(usize) -> bool) -> Self {
        let word = |first: usize| {
            let bits = first..n.min(first + 64);
            bits.fold(0, |word, at| word | u64::from(is_set(at)) << (at - first))
        };
        Self { words: (0..n).step_by(64).map(word).collect(), n }
    }

    /// The bits from `at` on, as many as a word has; those beyond the last are 0.
    fn from(&self, at: usize) -> u64 {
        let word = |at: usize| self.words.get(at).copied().unwrap_or(0);
        let low = word(at / 64) >> (at % 64);
        match at % 64 {
            0 => low,
            skipped => low | word(at / 64 + 1) << (64 - skipped),
        }
    }

    fn are_all_set(&self) -> bool {
        self.n == 0 || self.from(0) & 1 == 1 && self.run(0) == self.n
    }

    /// Whether the eight bits from `at` on are the same.
    fn is_run(&self, at: usize) -> bool {
        matches!(self.from(at) & 255, 0 | 255)
    }

    /// How many bits from `at` on are the same.
    fn run(&self, at: usize) -> usize {
        let is_set = self.from(at) & 1 == 1;
        let mut end = at;
        while end < self.n {
            let bits = self.from(end);
            let n = if is_set { bits.trailing_ones() } else { bits.trailing_zeros() };
            end += n as usize;
            if n < 64 {
                break;
            }
        }
        end.min(self.n) - at
    }
}

/// Bits in Parquet's hybrid of runs and packed bits, as [`put_codes`] of one bit each.
fn put_bits(page: &mut Vec<u8>, bits: &Bits) {
    let mut at = 0;
    while at < bits.n {
        let left = bits.n - at;
        if left >= 8 && bits.is_run(at) {
            let n = bits.run(at);
            put_varint(page, (n as u64) << 1);
            page.push(u8::from(bits.from(at) & 1 == 1));
            at += n;
            continue;
        }
        // Eights up to the next run, or all that are left.
        let mut n = 8;
        while left >= n + 8 && !bits.is_run(at + n) {
            n += 8;
        }
        if left < n + 8 {
            n = left.next_multiple_of(8);
        }
        put_varint(page, (n as u64 / 8) << 1 | 1);
        page.extend((0..n).step_by(8).map(|skipped| bits.from(at + skipped).to_le_bytes()[0]));
        at += n;
    }
}

/// Codes of `width` bits in Parquet's hybrid of runs and packed bits.
pub(super) fn put_codes(page: &mut Vec<u8>, codes: &[u32], width: u32) {
    let is_same = |eight: &[u32]| eight.iter().all(|&code| code == eight[0]);
    let mut rest = codes;
    while !rest.is_empty() {
        // A run of at least eight.
        if rest.len() >= 8 && is_same(&rest[..8]) {
            let n = 8 + rest[8..].iter().take_while(|&&code| code == rest[0]).count();
            put_varint(page, (n as u64) << 1);
            page.extend_from_slice(&rest[0].to_le_bytes()[..width.div_ceil(8) as usize]);
            rest = &rest[n..];
            continue;
        }
        // Eights up to the next run.
        let mut n = 8;
        while rest.len() >= n + 8 && !is_same(&rest[n..n + 8]) {
            n += 8;
        }
        // A tail of less than eight is filled up; readers know how many values there are.
        if rest.len() < n + 8 {
            n = rest.len().next_multiple_of(8);
        }
        put_varint(page, (n as u64 / 8) << 1 | 1);
        let there = rest.len().min(n);
        let zeros = std::iter::repeat_n(0, n - there);
        pack(page, rest[..there].iter().map(|&code| u64::from(code)).chain(zeros), width);
        rest = &rest[there..];
    }
}

fn put_varint(page: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        page.push(number.to_le_bytes()[0] & 127 | 128);
        number >>= 7;
    }
    page.push(number.to_le_bytes()[0]);
}

/// Values of `width` bits each, from the lowest bit; whole bytes of them.
fn pack(page: &mut Vec<u8>, values: impl Iterator<Item = u64>, width: u32) {
    let (mut bits, mut n_bits) = (0_u128, 0);
    for value in values {
        bits |= u128::from(value) << n_bits;
        n_bits += width;
        if n_bits >= 64 {
            page.extend_from_slice(&bits.to_le_bytes()[..8]);
            bits >>= 64;
            n_bits -= 64;
        }
    }
    page.extend_from_slice(&bits.to_le_bytes()[..n_bits as usize / 8]);
}

/// Values of a block of deltas, and of each of the four parts that have a width of their own.
const BLOCK: usize = 128;
const PART: usize = 32;

/// Numbers by their differences, in Parquet's DELTA_BINARY_PACKED.
pub(super) fn put_deltas(page: &mut Vec<u8>, values: &[i64]) {
    put_varint(page, BLOCK as u64);
    put_varint(page, (BLOCK / PART) as u64);
    put_varint(page, values.len() as u64);
    put_zigzag(page, values.first().copied().unwrap_or(0));
    let deltas: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    for block in deltas.chunks(BLOCK) {
        let least = block.iter().copied().min().unwrap_or(0);
        put_zigzag(page, least);
        let widths = page.len();
        page.extend([0; BLOCK / PART]);
        for (at, part) in block.chunks(PART).enumerate() {
            let above = |delta: &i64| delta.wrapping_sub(least).cast_unsigned();
            let width = 64 - part.iter().map(above).max().unwrap_or(0).leading_zeros();
            page[widths + at] = u8::try_from(width).unwrap_or(64);
            let zeros = std::iter::repeat_n(0, PART - part.len());
            pack(page, part.iter().map(above).chain(zeros), width);
        }
    }
}

fn put_zigzag(page: &mut Vec<u8>, value: i64) {
    put_varint(page, (value << 1 ^ value >> 63).cast_unsigned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_codes_of_one_bit(
            runs in prop::collection::vec((any::<bool>(), prop_oneof![1..12usize, 50..200usize]), 0..20),
        ) {
            let levels: Vec<u32> = runs
                .iter()
                .flat_map(|&(is_set, n)| std::iter::repeat_n(u32::from(is_set), n))
                .collect();
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            put_codes(&mut expected, &levels, 1);
            put_bits(&mut found, &Bits::of(levels.len(), |at| levels[at] == 1));
            prop_assert_eq!(found, expected);
        }
    }
}
