//! Whether one of some words is in a text.

/// Kinds of pairs of bytes.
const PAIRS: usize = 1 << 10;

/// Words that are looked for together, after Wu & Manber (1994), *A fast algorithm for multi-pattern searching*: a place is
/// left behind as soon as its last two bytes are nowhere near the end of a word.
#[derive(Debug, Clone)]
pub(crate) struct Words<'w> {
    words: Vec<&'w [u8]>,
    /// Bytes of the shortest, of which as many are looked at first.
    shortest: usize,
    /// By kind of pair, how many bytes later one may be that ends what is looked at first.
    skips: Vec<u8>,
}

impl<'w> Words<'w> {
    /// Those of `words` that are not empty.
    pub(crate) fn new(words: impl Iterator<Item = &'w str>) -> Self {
        let words: Vec<_> = words.map(str::as_bytes).filter(|word| !word.is_empty()).collect();
        let shortest = words.iter().map(|word| word.len()).min().unwrap_or(0).min(255);
        let most = u8::try_from(shortest.saturating_sub(1)).unwrap_or(u8::MAX);
        let mut skips = vec![most; PAIRS];
        for word in &words {
            for (pair, skip) in word[..shortest].windows(2).zip((0..most).rev()) {
                let least = &mut skips[kind(pair)];
                *least = skip.min(*least);
            }
        }
        Self { words, shortest, skips }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether one of them is in `text`.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let mut end = self.shortest.max(1);
        while end <= text.len() {
            let skip = match text[..end] {
                [.., a, b] => self.skips[kind(&[a, b])],
                _ => 0,
            };
            if skip > 0 {
                end += usize::from(skip);
                continue;
            }
            let rest = &text[end - self.shortest..];
            if self.words.iter().any(|word| rest.starts_with(word)) {
                return true;
            }
            end += 1;
        }
        false
    }
}

/// The kind of a pair of bytes.
#[inline(always)]
fn kind(pair: &[u8]) -> usize {
    match pair {
        [a, b] => (usize::from(*a) << 2 ^ usize::from(*b) << 1) & (PAIRS - 1),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_found_as_one_after_the_other(
            words in prop::collection::vec("[ab贸易]{0,4}", 0..12), text in "[ab贸易外]{0,12}",
        ) {
            let found = Words::new(words.iter().map(String::as_str));
            let expected = words.iter().any(|word| !word.is_empty() && text.contains(word.as_str()));
            prop_assert_eq!(found.is_in(text.as_bytes()), expected);
            prop_assert_eq!(found.is_empty(), words.iter().all(String::is_empty));
        }
    }
}
