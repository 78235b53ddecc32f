//! Where the marks of a text are: delimiters, line ends, quotes.

use crate::text::Dialect;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

/// What is in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// How many line ends.
    pub n_lines: u64,
    /// Whether there is a quote.
    pub has_quote: bool,
    /// Whether there is a NUL byte.
    pub has_nul: bool,
}

impl Marks {
    /// Adds what is in `text`.
    pub fn add(&mut self, text: &[u8], dialect: Dialect) {
        let quote = dialect.quote.unwrap_or(0);
        let (chunks, rest) = text.as_chunks();
        let (n_lines, has_others) = counted(chunks, b'\n', [0, quote]);
        let last = || rest.iter().copied();
        self.n_lines += n_lines + last().filter(|&byte| byte == b'\n').count() as u64;
        // Most texts have neither.
        if has_others || last().any(|byte| byte == 0 || byte == quote) {
            self.has_nul |= memchr::memchr(0, text).is_some();
            self.has_quote |=
                dialect.quote.is_some_and(|quote| memchr::memchr(quote, text).is_some());
        }
    }
}

/// How often `mark` is in the text, and whether one of two others is.
fn counted(chunks: &[[u8; 64]], mark: u8, others: [u8; 2]) -> (u64, bool) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = V3::try_new() {
        return simd.vectorize(Count { simd, chunks, mark, others });
    }
    count(Words, chunks, mark, others)
}

#[inline(always)]
fn count(finder: impl Finder, chunks: &[[u8; 64]], mark: u8, others: [u8; 2]) -> (u64, bool) {
    let (mut n, mut found) = (0, 0);
    for chunk in chunks {
        n += u64::from(finder.marks_of(chunk, [mark; 2]).count_ones());
        found |= finder.marks_of(chunk, others);
    }
    (n, found != 0)
}

/// Finds marks.
pub(crate) trait Finder: Copy {
    /// The bits of the bytes that are one of two marks.
    fn marks_of(self, bytes: &[u8; 64], marks: [u8; 2]) -> u64;

    /// The bits of the bytes that are one of two marks, and of those that are the second.
    #[inline(always)]
    fn both_of(self, bytes: &[u8; 64], [first, second]: [u8; 2]) -> (u64, u64) {
        let seconds = self.marks_of(bytes, [second; 2]);
        (self.marks_of(bytes, [first; 2]) | seconds, seconds)
    }
}

/// Finds marks eight bytes at a time.
#[derive(Clone, Copy)]
pub(crate) struct Words;

impl Finder for Words {
    #[inline(always)]
    fn marks_of(self, bytes: &[u8; 64], marks: [u8; 2]) -> u64 {
        const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
        // The highest bit of each byte that is not zero.
        let others = |word: u64| ((word & LOW) + LOW) | word;
        let (words, _) = bytes.as_chunks();
        words.iter().enumerate().fold(0, |bits, (at, word)| {
            let word = u64::from_le_bytes(*word);
            let [a, b] = marks.map(|mark| others(word ^ u64::from_le_bytes([mark; 8])));
            let found = !(a & b) & !LOW;
            // The highest bits of the bytes, side by side.
            bits | ((found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at)
        })
    }
}

// Every function down to the instruction must be inlined, or it is called as a function: hence no closures.
#[cfg(target_arch = "x86_64")]
impl Finder for V3 {
    #[inline(always)]
    fn marks_of(self, bytes: &[u8; 64], marks: [u8; 2]) -> u64 {
        let a = self.avx._mm256_set1_epi8(marks[0].cast_signed());
        let b = self.avx._mm256_set1_epi8(marks[1].cast_signed());
        let mut bits = 0;
        let mut at = 0;
        while at < 64 {
            if let Some(half) = bytes[at..].first_chunk::<32>() {
                let half = pulp::cast(*half);
                let is_a = self.avx2._mm256_cmpeq_epi8(half, a);
                let is_b = self.avx2._mm256_cmpeq_epi8(half, b);
                let found = self.avx2._mm256_movemask_epi8(self.avx2._mm256_or_si256(is_a, is_b));
                bits |= u64::from(found.cast_unsigned()) << at;
            }
            at += 32;
        }
        bits
    }
}

#[cfg(target_arch = "x86_64")]
struct Count<'c> {
    simd: V3,
    chunks: &'c [[u8; 64]],
    mark: u8,
    others: [u8; 2],
}

#[cfg(target_arch = "x86_64")]
impl pulp::NullaryFnOnce for Count<'_> {
    type Output = (u64, bool);

    #[inline(always)]
    fn call(self) -> (u64, bool) {
        let Self { simd, chunks, mark, others } = self;
        count(simd, chunks, mark, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_are_found(bytes in prop::collection::vec(prop_oneof![any::<u8>(), 8..14_u8], 64)) {
            let bytes: [u8; 64] = bytes.try_into().expect("64 bytes");
            let is_mark = |byte: u8| u64::from(byte == 10 || byte == 12);
            let expected = bytes.iter().rev().fold(0, |bits, &byte| bits << 1 | is_mark(byte));
            prop_assert_eq!(Words.marks_of(&bytes, [10, 12]), expected);
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = V3::try_new() {
                prop_assert_eq!(simd.marks_of(&bytes, [10, 12]), expected);
            }
        }

        #[test]
        fn marks_are_counted(
            text in prop::collection::vec(prop::sample::select(&b"aaaaaaaaaaaaaa\n\n\"\0"[..]), 0..300),
            quote in prop::option::of(Just(b'"')),
            is_clean in any::<bool>(),
        ) {
            let text: Vec<u8> = text.into_iter().filter(|byte| !is_clean || *byte > 0 && *byte != b'"').collect();
            let mut marks = Marks::default();
            marks.add(&text, Dialect { delimiter: b',', quote, n_columns: 0 });
            let expected = Marks {
                n_lines: text.iter().filter(|byte| **byte == b'\n').count() as u64,
                has_quote: quote.is_some_and(|quote| text.contains(&quote)),
                has_nul: text.contains(&0),
            };
            prop_assert_eq!(marks, expected);
        }
    }
}
