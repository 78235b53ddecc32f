//! Codes of byte strings: what every row looks its texts up in.

/// The code of no text.
pub const NO_CODE: u32 = u32::MAX;

/// Bytes that a slot holds itself.
const SHORT: usize = 16;

/// A slot that is free.
const FREE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The bytes themselves, or hash and place of longer ones.
    words: (u64, u64),
    /// How many bytes; [`FREE`] for none yet.
    len: u32,
    code: u32,
}

/// Codes by bytes.
#[derive(Debug, Default)]
pub struct Memo {
    slots: Vec<Slot>,
    n: usize,
    /// The bytes that are too long for a slot.
    long: Vec<u8>,
}

/// Up to eight bytes as a number; no two of the same length have the same.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let four = |bytes: &[u8]| match bytes.first_chunk() {
        Some(bytes) => u64::from(u32::from_le_bytes(*bytes)),
        None => 0,
    };
    if let Some(bytes) = bytes.first_chunk() {
        return u64::from_le_bytes(*bytes);
    }
    match bytes.len() {
        4.. => four(bytes) | four(&bytes[bytes.len() - 4..]) << 32,
        _ => bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

/// Both ends of up to 16 bytes.
#[inline]
fn words(bytes: &[u8]) -> (u64, u64) {
    match bytes.len() {
        9.. => (word(bytes), word(&bytes[bytes.len() - 8..])),
        _ => (word(bytes), 0),
    }
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd1b5_4a32_d192_ed03);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
    let mixed = product as u64 ^ (product >> 64) as u64;
    mixed
}

/// A hash of up to 16 bytes.
#[inline]
fn hash_short(words: (u64, u64), n_bytes: u64) -> u64 {
    mix(words.0 ^ n_bytes << 56, words.1)
}

/// A hash of bytes of any length.
fn hash_long(bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<SHORT>();
    let mut hash = bytes.len() as u64;
    for chunk in chunks {
        let (a, b) = words(chunk);
        hash = mix(a ^ hash, b);
    }
    let (a, b) = words(rest);
    mix(a ^ hash, b)
}

impl Memo {
    /// What a slot of `bytes` holds, but for the place of long ones; and where to look for it.
    #[inline]
    fn key(bytes: &[u8]) -> ((u64, u64), u64) {
        if bytes.len() <= SHORT {
            let words = words(bytes);
            (words, hash_short(words, bytes.len() as u64))
        } else {
            let hash = hash_long(bytes);
            ((hash, 0), hash)
        }
    }

    #[inline]
    fn holds(&self, slot: &Slot, words: (u64, u64), bytes: &[u8]) -> bool {
        if slot.len as usize != bytes.len() || slot.words.0 != words.0 {
            return false;
        }
        if bytes.len() <= SHORT {
            return slot.words.1 == words.1;
        }
        let start = usize::try_from(slot.words.1).unwrap_or(usize::MAX);
        self.long.get(start..).and_then(|long| long.get(..bytes.len())) == Some(bytes)
    }

    /// The code of `bytes`.
    #[inline]
    pub fn get(&self, bytes: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let (words, hash) = Self::key(bytes);
        let mask = self.slots.len() - 1;
        let mut at = usize::try_from(hash >> 32).unwrap_or(0) & mask;
        loop {
            let slot = &self.slots[at];
            if slot.len == FREE {
                return None;
            }
            if self.holds(slot, words, bytes) {
                return Some(slot.code);
            }
            at = (at + 1) & mask;
        }
    }

    /// Puts down the code of `bytes`, which has none yet. Bytes of 4 GiB get none.
    pub fn put(&mut self, bytes: &[u8], code: u32) {
        let Some(len) = u32::try_from(bytes.len()).ok().filter(|&len| len != FREE) else { return };
        if (self.n + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let (mut words, hash) = Self::key(bytes);
        if bytes.len() > SHORT {
            words.1 = self.long.len() as u64;
            self.long.extend_from_slice(bytes);
        }
        self.place(Slot { words, len, code }, hash);
        self.n += 1;
    }

    fn place(&mut self, slot: Slot, hash: u64) {
        let mask = self.slots.len() - 1;
        let mut at = usize::try_from(hash >> 32).unwrap_or(0) & mask;
        while self.slots[at].len != FREE {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }

    fn grow(&mut self) {
        // Large tables grow slowly: what is not in the cache is slow to look up.
        let factor = if self.slots.len() < 1 << 14 { 4 } else { 2 };
        let size = (self.slots.len() * factor).max(64);
        let free = Slot { words: (0, 0), len: FREE, code: 0 };
        let old = std::mem::replace(&mut self.slots, vec![free; size]);
        for slot in old.into_iter().filter(|slot| slot.len != FREE) {
            let hash = if slot.len as usize <= SHORT {
                hash_short(slot.words, u64::from(slot.len))
            } else {
                slot.words.0
            };
            self.place(slot, hash);
        }
    }
}

/// Texts in the order in which they were first met, each with its place as code.
#[derive(Debug, Default)]
pub struct Dictionary {
    texts: String,
    /// Where each text ends.
    ends: Vec<usize>,
    codes: Memo,
}

impl Dictionary {
    /// The code of `text`, a new one if need be.
    pub fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text.as_bytes()) {
            return code;
        }
        let code = u32::try_from(self.ends.len()).unwrap_or(NO_CODE);
        self.texts.push_str(text);
        self.ends.push(self.texts.len());
        self.codes.put(text.as_bytes(), code);
        code
    }

    /// How many texts there are.
    pub fn n_texts(&self) -> usize {
        self.ends.len()
    }

    /// The text of a code.
    ///
    /// # Panics
    ///
    /// If no text has it.
    pub fn text(&self, code: u32) -> &str {
        let at = code as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.texts[start..self.ends[at]]
    }

    /// Bytes of memory that it has, about.
    pub fn n_bytes(&self) -> usize {
        let slots = self.codes.slots.len() * size_of::<Slot>() + self.codes.long.len();
        slots + self.texts.len() + self.ends.len() * size_of::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn codes_are_those_of_a_map(
            texts in prop::collection::vec(prop::collection::vec(0..3u8, 0..40), 0..400),
        ) {
            let mut memo = Memo::default();
            let mut map = BTreeMap::new();
            for (code, text) in (0..).zip(&texts) {
                prop_assert_eq!(memo.get(text), map.get(text).copied());
                if !map.contains_key(text) {
                    memo.put(text, code);
                    map.insert(text.clone(), code);
                }
            }
            for (text, code) in &map {
                prop_assert_eq!(memo.get(text), Some(*code));
            }
        }
    }

    #[test]
    fn texts_keep_their_codes() {
        let mut dictionary = Dictionary::default();
        let texts: Vec<String> =
            (0..500_u32).map(|n| "x".repeat(n as usize % 30) + &n.to_string()).collect();
        let codes: Vec<u32> = texts.iter().map(|text| dictionary.code(text)).collect();
        assert_eq!(codes, (0..500).collect::<Vec<_>>());
        assert_eq!(dictionary.code("0"), 0);
        assert_eq!(dictionary.n_texts(), 500);
        assert_eq!((dictionary.text(0), dictionary.text(499)), (&*texts[0], &*texts[499]));
    }
}
