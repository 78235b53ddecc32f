//! Whether one of some words is in a text.

/// How many bytes at the beginning of a word are looked at before the rest.
const LOOKED_AT: usize = 3;

/// Words that are looked for together.
#[derive(Debug, Clone)]
pub(crate) struct Words<'w> {
    words: Vec<&'w [u8]>,
    /// Of the first bytes, by place and byte, the words that have it there or are shorter: bit `n` for every eighth word, from word `n`.
    at: [[u8; 256]; LOOKED_AT],
}

impl<'w> Words<'w> {
    /// Those of `words` that are not empty.
    pub(crate) fn new(words: impl Iterator<Item = &'w str>) -> Self {
        let words: Vec<_> = words.map(str::as_bytes).filter(|word| !word.is_empty()).collect();
        let mut at = [[0; 256]; LOOKED_AT];
        for (n, word) in words.iter().enumerate() {
            for (place, of_byte) in at.iter_mut().enumerate() {
                match word.get(place) {
                    Some(&byte) => of_byte[usize::from(byte)] |= 1 << (n % 8),
                    None => of_byte.iter_mut().for_each(|words| *words |= 1 << (n % 8)),
                }
            }
        }
        Self { words, at }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether one of them is in `text`.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let [first, second, third] = &self.at;
        let of = |words: &[u8; 256], byte: u8| words[usize::from(byte)];
        for (start, bytes) in text.windows(LOOKED_AT).enumerate() {
            let begun = of(first, bytes[0]) & of(second, bytes[1]) & of(third, bytes[2]);
            if begun != 0 && self.begins(begun, &text[start..]) {
                return true;
            }
        }
        let last = text.len().saturating_sub(LOOKED_AT - 1);
        (last..text.len()).any(|start| self.begins(of(first, text[start]), &text[start..]))
    }

    /// Whether `text` begins with one of the words of these bits.
    fn begins(&self, bits: u8, text: &[u8]) -> bool {
        let is_of = |n: usize| bits & 1 << (n % 8) != 0;
        self.words.iter().enumerate().any(|(n, word)| is_of(n) && text.starts_with(word))
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
