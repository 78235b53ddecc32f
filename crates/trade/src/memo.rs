//! Codes of byte strings: what every row looks its texts up in.

/// The code of no text.
pub const NO_CODE: u32 = u32::MAX;

/// The code of a text that a [`Memo`] does not know.
pub const UNKNOWN: u32 = u32::MAX - 1;

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
    /// Of the texts of one byte, by that byte.
    tiny: Vec<u32>,
    slots: Vec<Slot>,
    n: usize,
    /// The bytes that are too long for a slot.
    long: Vec<u8>,
}

/// What the texts that were last looked up together came to.
#[derive(Debug, Default)]
pub struct Lookup {
    keys: Vec<((u64, u64), usize)>,
    slots: Vec<Slot>,
    ends: Vec<u64>,
    codes: Vec<u32>,
}

impl Lookup {
    /// Of each text its code, or [`UNKNOWN`].
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }
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
        0 => 0,
        n => [bytes[0], bytes[n / 2], bytes[n - 1]]
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
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
        self.bytes_of(slot) == Some(bytes)
    }

    /// The code of `bytes`.
    #[inline]
    pub fn get(&self, bytes: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let (words, hash) = Self::key(bytes);
        self.sought(bytes, words, usize::try_from(hash >> 32).unwrap_or(0))
    }

    /// The code of `bytes`, which are in no slot between their first and this one.
    #[inline]
    fn sought(&self, bytes: &[u8], words: (u64, u64), mut at: usize) -> Option<u32> {
        let mask = self.slots.len() - 1;
        loop {
            let slot = &self.slots[at & mask];
            if slot.len == FREE {
                return None;
            }
            if self.holds(slot, words, bytes) {
                return Some(slot.code);
            }
            at += 1;
        }
    }

    /// Looks up texts together. Each step is done for all of them before the next, so that the processor
    /// fetches their slots side by side: most of a large table is in no cache.
    pub fn get_all(&self, texts: &[&[u8]], found: &mut Lookup) {
        let Lookup { keys, slots, ends, codes } = found;
        codes.clear();
        if self.slots.is_empty() {
            return codes.resize(texts.len(), UNKNOWN);
        }
        if !self.tiny.is_empty() && texts.iter().all(|text| text.len() == 1) {
            return codes.extend(texts.iter().map(|text| self.tiny[usize::from(text[0])]));
        }
        let mask = self.slots.len() - 1;
        keys.clear();
        keys.extend(texts.iter().map(|text| {
            let (words, hash) = Self::key(text);
            (words, usize::try_from(hash >> 32).unwrap_or(0) & mask)
        }));
        slots.clear();
        slots.extend(keys.iter().map(|&(_, at)| self.slots[at]));
        if !self.long.is_empty() {
            // Nobody needs them, but with them the long texts are in the cache.
            ends.clear();
            ends.extend(slots.iter().map(|slot| match self.bytes_of(slot) {
                Some(bytes) => words(&bytes[bytes.len() - SHORT..]).0 ^ words(bytes).0,
                None => 0,
            }));
        }
        codes.extend(texts.iter().zip(&*keys).zip(&*slots).map(|((text, (words, at)), slot)| {
            if self.holds(slot, *words, text) {
                slot.code
            } else if slot.len == FREE {
                UNKNOWN
            } else {
                self.sought(text, *words, at + 1).unwrap_or(UNKNOWN)
            }
        }));
    }

    /// The bytes of a slot that does not hold them itself.
    #[inline]
    fn bytes_of(&self, slot: &Slot) -> Option<&[u8]> {
        if slot.len as usize <= SHORT || slot.len == FREE {
            return None;
        }
        let start = usize::try_from(slot.words.1).unwrap_or(usize::MAX);
        self.long.get(start..)?.get(..slot.len as usize)
    }

    /// Puts down the code of `bytes`, which has none yet. Bytes of 4 GiB get none.
    pub fn put(&mut self, bytes: &[u8], code: u32) {
        let Some(len) = u32::try_from(bytes.len()).ok().filter(|&len| len != FREE) else { return };
        // Small tables are in the cache however empty they are.
        let room = if self.slots.len() < 1 << 14 { 4 } else { 2 };
        if (self.n + 1) * room > self.slots.len() {
            self.grow();
        }
        let (mut words, hash) = Self::key(bytes);
        if bytes.len() > SHORT {
            words.1 = self.long.len() as u64;
            self.long.extend_from_slice(bytes);
        }
        self.place(Slot { words, len, code }, hash);
        self.n += 1;
        if let [byte] = bytes {
            self.tiny.resize(256, UNKNOWN);
            self.tiny[usize::from(*byte)] = code;
        }
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
        let size = (self.slots.len() * 2).max(64);
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
    /// Some bits of a text's hash, and its code; [`FREE`] for none. Small, as it is asked for new texts only.
    slots: Vec<(u32, u32)>,
}

impl Dictionary {
    /// The code of `text`, a new one if need be.
    pub fn code(&mut self, text: &str) -> u32 {
        if (self.ends.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let (_, hash) = Memo::key(text.as_bytes());
        let bits = u32::try_from(hash >> 32).unwrap_or(0);
        let mask = self.slots.len() - 1;
        let mut at = bits as usize & mask;
        loop {
            match self.slots[at] {
                (_, FREE) => break,
                (of, code) if of == bits && self.text(code) == text => return code,
                _ => at = (at + 1) & mask,
            }
        }
        let code = u32::try_from(self.ends.len()).unwrap_or(NO_CODE);
        self.texts.push_str(text);
        self.ends.push(self.texts.len());
        self.slots[at] = (bits, code);
        code
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let old = std::mem::replace(&mut self.slots, vec![(0, FREE); size]);
        for slot in old.into_iter().filter(|(_, code)| *code != FREE) {
            let mut at = slot.0 as usize & (size - 1);
            while self.slots[at].1 != FREE {
                at = (at + 1) & (size - 1);
            }
            self.slots[at] = slot;
        }
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
        let slots = self.slots.len() * size_of::<(u32, u32)>();
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
            let absent: Vec<Vec<u8>> = (0..20).map(|n| vec![9; n]).collect();
            let all: Vec<&[u8]> = texts.iter().chain(&absent).map(Vec::as_slice).collect();
            let mut found = Lookup::default();
            memo.get_all(&all, &mut found);
            let expected: Vec<u32> =
                all.iter().map(|text| map.get(*text).copied().unwrap_or(UNKNOWN)).collect();
            prop_assert_eq!(found.codes(), expected);
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
