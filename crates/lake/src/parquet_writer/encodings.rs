//! Parquet's encodings of levels, codes and whole numbers.

/// Which of `n` cells are there, with the length of that before it.
pub(super) fn put_levels(page: &mut Vec<u8>, n: usize, is_there: impl Fn(usize) -> bool) {
    let start = page.len();
    page.extend([0; 4]);
    if (0..n).all(&is_there) {
        put_varint(page, (n as u64) << 1);
        page.push(1);
    } else {
        let levels: Vec<u32> = (0..n).map(|at| u32::from(is_there(at))).collect();
        put_codes(page, &levels, 1);
    }
    let n_bytes = u32::try_from(page.len() - start - 4).unwrap_or(0);
    page[start..start + 4].copy_from_slice(&n_bytes.to_le_bytes());
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
