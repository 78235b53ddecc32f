//! Codes of byte strings: what every row looks its texts up in.

/// The code of no text.
pub const NO_CODE: u32 = u32::MAX;

/// The code of a text that a [`LookupCache`] does not know.
pub const UNKNOWN: u32 = u32::MAX - 1;

/// Bytes that a slot holds itself.
const SHORT: usize = 16;

/// Slots of a table in which looking a text up is not slower than finding that it is the same as the one before.
const SMALL: usize = 1 << 14;

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

/// Bytes that are looked up.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text<'t> {
    bytes: &'t [u8],
    /// The bytes, those that are missing zero; the hash of more than 16.
    words: (u64, u64),
}

impl<'t> Text<'t> {
    /// The text of `bytes`.
    pub fn of(bytes: &'t [u8]) -> Self {
        let mut text = Self::default();
        text.put(bytes, &Self::default());
        text
    }

    /// Becomes the text of `bytes`, which comes after `before`.
    #[inline]
    pub fn put(&mut self, bytes: &'t [u8], before: &Self) {
        if bytes.len() > SHORT {
            self.put_long(bytes, before);
        } else {
            self.bytes = bytes;
            self.words = words(bytes);
        }
    }

    /// Becomes the text from `start` to `end` of `all`, which comes after `before`.
    ///
    /// # Panics
    ///
    /// If `all` ends earlier.
    // Not a value that is given back: its parts would go by way of the stack, and be waited for there.
    #[inline(always)]
    pub fn put_part(&mut self, all: &'t [u8], start: usize, end: usize, before: &Self) {
        let bytes = &all[start..end];
        let len = bytes.len();
        if len > SHORT {
            self.put_long(bytes, before);
            return;
        }
        self.bytes = bytes;
        // Reading on and leaving out what is too much is faster than asking how long it is.
        let Some(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]) = all[start..].first_chunk()
        else {
            self.words = words(bytes);
            return;
        };
        self.words.0 = u64::from_le_bytes([a, b, c, d, e, f, g, h]) & LOWEST[len.min(8)];
        self.words.1 = u64::from_le_bytes([i, j, k, l, m, n, o, p]) & LOWEST[len.saturating_sub(8)];
    }

    #[inline(always)]
    fn put_long(&mut self, bytes: &'t [u8], before: &Self) {
        if is_same(bytes, before.bytes) {
            *self = *before;
        } else {
            self.bytes = bytes;
            self.words = (hash_long(bytes), 0);
        }
    }

    /// Whether it is the same as the text before it, as far as that is told fast.
    #[inline]
    fn repeats(&self, before: &Self) -> bool {
        self.words == before.words
            && self.bytes.len() == before.bytes.len()
            && (self.bytes.len() <= SHORT || std::ptr::eq(self.bytes, before.bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// The number that up to 15 digits are; `None` for all else.
    #[inline(always)]
    pub fn number(&self) -> Option<u64> {
        match self.bytes.len() {
            len @ 1..=8 => eight_digits(self.words.0, len),
            len @ 9..=15 => {
                let high = eight_digits(self.words.0, 8)?;
                Some(high * POWERS[len - 8] + eight_digits(self.words.1, len - 8)?)
            }
            _ => None,
        }
    }

    /// Whether it is a [`Self::number`].
    #[inline(always)]
    pub fn is_number(&self) -> bool {
        match self.bytes.len() {
            len @ 1..=8 => are_digits(padded(self.words.0, len)),
            len @ 9..=15 => are_digits(self.words.0) && are_digits(padded(self.words.1, len - 8)),
            _ => false,
        }
    }

    /// Its key, if it fits a [`ShortSlot`].
    #[inline]
    fn key(&self) -> Option<u64> {
        key(self.words.0, self.bytes.len())
    }

    #[inline]
    fn hash(&self) -> u64 {
        match self.bytes.len() {
            len @ 0..=SHORT => hash_short(self.words, len as u64),
            _ => self.words.0,
        }
    }
}

/// The lowest bytes of a word, by how many.
const LOWEST: [u64; 9] = {
    let mut masks = [u64::MAX; 9];
    let mut n = 0;
    while n < 8 {
        masks[n] = (1 << (8 * n)) - 1;
        n += 1;
    }
    masks
};

/// Powers of ten.
const POWERS: [u64; 8] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// The lowest `n` bytes of a word, 1 to 8, at its end, and zeros before them.
#[inline(always)]
fn padded(word: u64, n: usize) -> u64 {
    word << (64 - 8 * n) | ZEROS & LOWEST[8 - n]
}

/// Whether all eight bytes are digits.
#[inline(always)]
fn are_digits(word: u64) -> bool {
    let high = word & 0xf0f0_f0f0_f0f0_f0f0;
    let next = word.wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
    high == ZEROS && next == ZEROS
}

/// The number that the lowest `n` bytes of a word are digits of, 1 to 8.
#[inline(always)]
fn eight_digits(word: u64, n: usize) -> Option<u64> {
    let word = padded(word, n);
    if !are_digits(word) {
        return None;
    }
    // Pairs of digits, of pairs, and of those.
    let digits = word - ZEROS;
    let pairs = ((digits * 10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = ((pairs * 100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some(((fours * 10_000) + (fours >> 32)) & 0xffff_ffff)
}

/// A slot for up to eight bytes.
#[derive(Debug, Clone, Copy)]
struct ShortSlot {
    /// [`NO_KEY`] for none yet.
    key: u64,
    code: u32,
}

/// What no text has for a key.
const NO_KEY: u64 = 0;

/// By length, what the key of fewer than eight bytes has for the last: no byte of UTF-8.
const TAGS: [u64; 9] = {
    let mut tags = [0; 9];
    let mut n = 0;
    while n < 8 {
        tags[n] = (LEAST_TAG + n as u64) << 56;
        n += 1;
    }
    tags
};
const LEAST_TAG: u64 = 0xf8;

/// The bytes of a text in one number, and how many; `None` if that is not to be told.
#[inline(always)]
fn key(word: u64, len: usize) -> Option<u64> {
    let tag = TAGS.get(len)?;
    (len < 8 || word >> 56 < LEAST_TAG).then_some(word | tag)
}

/// A hash of a key, the highest bits the best.
#[inline(always)]
fn hash_key(key: u64) -> u64 {
    (key ^ key >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Codes by bytes.
#[derive(Debug, Default)]
pub struct LookupCache {
    /// Of the texts of one byte, by that byte.
    tiny: Vec<u32>,
    /// Those of up to eight bytes: four slots are in a line of the cache.
    short: Vec<ShortSlot>,
    n_short: usize,
    slots: Vec<Slot>,
    n: usize,
    /// The bytes that are too long for a slot.
    long: Vec<u8>,
}

/// What the texts that were last looked up together came to.
#[derive(Debug, Default)]
pub struct Lookup {
    /// The texts that are looked up, and the places of their first slots.
    picks: Vec<(usize, usize)>,
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

/// Up to eight bytes as a number, the first lowest, zero for those that are missing.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    let four = |bytes: &[u8]| match bytes.first_chunk() {
        Some(bytes) => u64::from(u32::from_le_bytes(*bytes)),
        None => 0,
    };
    if let Some(bytes) = bytes.first_chunk() {
        return u64::from_le_bytes(*bytes);
    }
    // Bytes that are read twice are the same both times.
    match bytes.len() {
        0 => 0,
        n @ 4.. => four(bytes) | four(&bytes[n - 4..]) << (8 * (n - 4)),
        n => [0, n / 2, n - 1]
            .into_iter()
            .fold(0, |word, at| word | u64::from(bytes[at]) << (8 * at)),
    }
}

/// Whether two texts are the same.
#[inline(always)]
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    let n = a.len();
    if n != b.len() {
        return false;
    }
    if !(16..=32).contains(&n) {
        return a == b;
    }
    // Four words, some bytes in two of them: faster than a call.
    let word = |text: &[u8]| text.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let differing = |at: usize| word(&a[at..]) ^ word(&b[at..]);
    differing(0) | differing(8) | differing(n - 16) | differing(n - 8) == 0
}

/// Up to 16 bytes as two numbers.
#[inline]
fn words(bytes: &[u8]) -> (u64, u64) {
    match bytes.len() {
        n @ 9.. => (word(bytes), word(&bytes[n - 8..]) >> (8 * (2 * 8 - n.min(SHORT)))),
        _ => (word(bytes), 0),
    }
}

#[inline(always)]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd1b5_4a32_d192_ed03);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
    let mixed = product as u64 ^ (product >> 64) as u64;
    mixed
}

/// A hash of up to 16 bytes.
#[inline(always)]
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

impl LookupCache {
    #[inline]
    fn holds(&self, slot: &Slot, text: &Text<'_>) -> bool {
        if slot.len as usize != text.bytes.len() || slot.words.0 != text.words.0 {
            return false;
        }
        if text.bytes.len() <= SHORT {
            return slot.words.1 == text.words.1;
        }
        self.bytes_of(slot) == Some(text.bytes)
    }

    /// The code of `bytes`.
    #[inline]
    pub fn get(&self, bytes: &[u8]) -> Option<u32> {
        let text = Text::of(bytes);
        match text.key() {
            Some(key) => Some(self.short_code(key)).filter(|&code| code != UNKNOWN),
            None if self.slots.is_empty() => None,
            None => self.sought(&text, self.place_of(&text)),
        }
    }

    /// The code of the text with this key, [`UNKNOWN`] if it has none.
    #[inline(always)]
    fn short_code(&self, key: u64) -> u32 {
        let Some(mask) = self.short.len().checked_sub(1) else { return UNKNOWN };
        let mut at = usize::try_from(hash_key(key) >> 32).unwrap_or(0);
        loop {
            let slot = &self.short[at & mask];
            if slot.key == key {
                return slot.code;
            }
            if slot.key == NO_KEY {
                return UNKNOWN;
            }
            at += 1;
        }
    }

    /// Looks up parts of `all`, from the first to before the second place of each, unless it knows longer texts than
    /// those of eight bytes; whether it did.
    ///
    /// # Panics
    ///
    /// If `all` ends earlier.
    #[inline(always)]
    pub fn get_parts(
        &self,
        all: &[u8],
        parts: impl Iterator<Item = (usize, usize)>,
        found: &mut Lookup,
    ) -> bool {
        if !self.slots.is_empty() {
            return false;
        }
        found.codes.clear();
        found.codes.extend(parts.map(|(start, end)| {
            let len = end - start;
            let Some(lowest) = LOWEST.get(len) else { return UNKNOWN };
            let word = match all[start..].first_chunk() {
                Some(bytes) => u64::from_le_bytes(*bytes) & lowest,
                None => word(&all[start..end]),
            };
            key(word, len).map_or(UNKNOWN, |key| self.short_code(key))
        }));
        true
    }

    /// Where a text is looked for first.
    #[inline]
    fn place_of(&self, text: &Text<'_>) -> usize {
        usize::try_from(text.hash() >> 32).unwrap_or(0) & (self.slots.len() - 1)
    }

    /// The code of a text, which is in no slot between its first and this one.
    fn sought(&self, text: &Text<'_>, mut at: usize) -> Option<u32> {
        let mask = self.slots.len() - 1;
        loop {
            let slot = &self.slots[at & mask];
            if slot.len == FREE {
                return None;
            }
            if self.holds(slot, text) {
                return Some(slot.code);
            }
            at += 1;
        }
    }

    /// Looks up texts together. In a large table each step is done for all of them before the next, so that the
    /// processor fetches their slots side by side: most of it is in no cache.
    pub fn get_all(&self, texts: &[Text<'_>], found: &mut Lookup) {
        let Lookup { picks, slots, ends, codes } = found;
        codes.clear();
        if !self.tiny.is_empty() && texts.iter().all(|text| text.bytes.len() == 1) {
            return codes.extend(texts.iter().map(|text| self.tiny[usize::from(text.bytes[0])]));
        }
        if self.slots.is_empty() || texts.iter().all(|text| text.key().is_some()) {
            codes.reserve(texts.len());
            for text in texts {
                codes.push(text.key().map_or(UNKNOWN, |key| self.short_code(key)));
            }
            return;
        }
        let skips = self.slots.len() > SMALL;
        picks.clear();
        for (at, text) in texts.iter().enumerate() {
            if !skips || at == 0 || !text.repeats(&texts[at - 1]) {
                picks.push((at, self.place_of(text)));
            }
        }
        slots.clear();
        slots.extend(picks.iter().map(|&(_, place)| self.slots[place]));
        if !self.long.is_empty() {
            // Nobody needs them, but with them the long texts are in the cache.
            ends.clear();
            ends.extend(slots.iter().map(|slot| match self.bytes_of(slot) {
                Some(bytes) => word(&bytes[bytes.len() - 8..]) ^ word(bytes),
                None => 0,
            }));
        }
        codes.resize(texts.len(), UNKNOWN);
        for (&(at, place), slot) in picks.iter().zip(&*slots) {
            if let Some(key) = texts[at].key() {
                codes[at] = self.short_code(key);
            } else if self.holds(slot, &texts[at]) {
                codes[at] = slot.code;
            } else if slot.len != FREE {
                codes[at] = self.sought(&texts[at], place + 1).unwrap_or(UNKNOWN);
            }
        }
        // Those left out are the same as the one before.
        let ends = picks.iter().skip(1).map(|&(at, _)| at).chain([texts.len()]);
        for (&(at, _), end) in picks.iter().zip(ends) {
            let code = codes[at];
            codes[at + 1..end].fill(code);
        }
    }

    /// Bytes of memory that it has, about.
    pub fn n_bytes(&self) -> usize {
        let short = self.short.len() * size_of::<ShortSlot>();
        short + self.slots.len() * size_of::<Slot>() + self.long.len()
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
        let text = Text::of(bytes);
        if let Some(key) = text.key() {
            self.put_short(bytes, key, code);
            return;
        }
        // Small tables are in the cache however empty they are.
        let room = if self.slots.len() < 1 << 14 { 4 } else { 2 };
        if (self.n + 1) * room > self.slots.len() {
            self.grow();
        }
        let (mut words, hash) = (text.words, text.hash());
        if bytes.len() > SHORT {
            words.1 = self.long.len() as u64;
            self.long.extend_from_slice(bytes);
        }
        place(&mut self.slots, Slot { words, len, code }, hash, |slot| slot.len == FREE);
        self.n += 1;
    }

    fn put_short(&mut self, bytes: &[u8], key: u64, code: u32) {
        if let [byte] = bytes {
            self.tiny.resize(256, UNKNOWN);
            self.tiny[usize::from(*byte)] = code;
        }
        // Small tables are in the cache however empty they are.
        let room = if self.short.len() < 1 << 12 { 4 } else { 2 };
        let is_free = |slot: &ShortSlot| slot.key == NO_KEY;
        if (self.n_short + 1) * room > self.short.len() {
            let size = (self.short.len() * 2).max(64);
            let free = ShortSlot { key: NO_KEY, code: 0 };
            let old = std::mem::replace(&mut self.short, vec![free; size]);
            for slot in old.into_iter().filter(|slot| !is_free(slot)) {
                place(&mut self.short, slot, hash_key(slot.key), is_free);
            }
        }
        place(&mut self.short, ShortSlot { key, code }, hash_key(key), is_free);
        self.n_short += 1;
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
            place(&mut self.slots, slot, hash, |slot| slot.len == FREE);
        }
    }
}

/// Puts a slot where its hash says, or at the next place that is free.
fn place<S>(slots: &mut [S], slot: S, hash: u64, is_free: impl Fn(&S) -> bool) {
    let mask = slots.len() - 1;
    let mut at = usize::try_from(hash >> 32).unwrap_or(0) & mask;
    while !is_free(&slots[at]) {
        at = (at + 1) & mask;
    }
    slots[at] = slot;
}

/// Texts in the order in which they were first met, each with its place as code.
#[derive(Debug, Default)]
pub struct Interner {
    texts: String,
    /// Where each text ends.
    ends: Vec<usize>,
    /// Some bits of a text's hash, and its code; [`FREE`] for none. Small, as it is asked for new texts only.
    slots: Vec<(u32, u32)>,
}

impl Interner {
    /// The code of `text`, a new one if need be.
    pub fn code(&mut self, text: &str) -> u32 {
        if (self.ends.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = Text::of(text.as_bytes()).hash();
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
            texts in prop_oneof![8_usize..9, 40_usize..41].prop_flat_map(|most| {
                let text = prop::collection::vec(prop_oneof![0..3u8, 200..203u8, 248..=255u8], 0..=most);
                prop::collection::vec(text, 0..400)
            }),
            n_times in 1..4_usize,
        ) {
            let mut cache = LookupCache::default();
            let mut map = BTreeMap::new();
            for (code, text) in (0..).zip(&texts) {
                prop_assert_eq!(cache.get(text), map.get(text).copied());
                if !map.contains_key(text) {
                    cache.put(text, code);
                    map.insert(text.clone(), code);
                }
            }
            for (text, code) in &map {
                prop_assert_eq!(cache.get(text), Some(*code));
            }
            let absent: Vec<Vec<u8>> = (0..20).map(|n| vec![9; n]).collect();
            // As they stand, and within one long text.
            let all: Vec<&[u8]> = texts
                .iter()
                .chain(&absent)
                .flat_map(|text| std::iter::repeat_n(text.as_slice(), n_times))
                .collect();
            let whole = all.concat();
            let (mut alone, mut within) = (Vec::new(), Vec::new());
            let mut start = 0;
            for bytes in &all {
                let end = start + bytes.len();
                let mut text = Text::default();
                text.put_part(&whole, start, end, within.last().unwrap_or(&Text::default()));
                within.push(text);
                start = end;
            }
            for bytes in &all {
                let mut text = Text::default();
                text.put(bytes, alone.last().unwrap_or(&Text::default()));
                prop_assert_eq!(text.words, within[alone.len()].words);
                alone.push(text);
            }
            let expected: Vec<u32> =
                all.iter().map(|text| map.get(*text).copied().unwrap_or(UNKNOWN)).collect();
            for texts in [alone, within] {
                let mut found = Lookup::default();
                cache.get_all(&texts, &mut found);
                prop_assert_eq!(found.codes(), &expected);
            }
            let (mut found, mut end) = (Lookup::default(), 0);
            let parts = all.iter().map(|bytes| {
                end += bytes.len();
                (end - bytes.len(), end)
            });
            let is_short = map.keys().all(|text| text.len() < 8 || text.len() == 8 && text[7] < 248);
            prop_assert_eq!(cache.get_parts(&whole, parts, &mut found), is_short);
            prop_assert!(!is_short || found.codes() == expected);
        }

        #[test]
        fn digits_are_numbers(
            digits in "[0-9]{0,17}", other in any::<u8>(), at in 0..17_usize,
        ) {
            let number = |bytes: &[u8]| Text::of(bytes).number();
            let expected = digits.parse().ok().filter(|_| digits.len() <= 15);
            prop_assert_eq!(number(digits.as_bytes()), expected);
            prop_assert_eq!(Text::of(digits.as_bytes()).is_number(), expected.is_some());
            let mut bytes = digits.into_bytes();
            if at < bytes.len() && !other.is_ascii_digit() {
                bytes[at] = other;
                prop_assert_eq!(number(&bytes), None);
                prop_assert!(!Text::of(&bytes).is_number());
            }
        }
    }

    #[test]
    fn texts_keep_their_codes() {
        let mut dictionary = Interner::default();
        let texts: Vec<String> =
            (0..500_u32).map(|n| "x".repeat(n as usize % 30) + &n.to_string()).collect();
        let codes: Vec<u32> = texts.iter().map(|text| dictionary.code(text)).collect();
        assert_eq!(codes, (0..500).collect::<Vec<_>>());
        assert_eq!(dictionary.code("0"), 0);
        assert_eq!(dictionary.n_texts(), 500);
        assert_eq!((dictionary.text(0), dictionary.text(499)), (&*texts[0], &*texts[499]));
    }
}
