//! A record as a row of numbers.

pub(crate) const CODE_BITS: u32 = 24;
pub(crate) const MONTH_BITS: u32 = 4;
pub(crate) const REGION_BITS: u32 = 27;
pub(crate) const FIRST_YEAR: i32 = 1900;

/// The word of a row that has none.
pub(crate) const NO_WORD: u32 = u32::MAX;

/// A record, or several that differ in nothing but their value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// From the highest bit: years since 1900, region, month (0: none), and the number of revision
    /// and code.
    pub(crate) place: u64,
    /// Hundredths.
    pub(crate) value: i64,
    /// `NO_WORD` for none.
    pub(crate) destination: u32,
    /// The place of ownership and trade mode in `RecordStore::kinds`.
    pub(crate) kind: u32,
    /// `NO_WORD` for none.
    pub(crate) firm: u32,
    /// How many records; 0 if the row only holds more of the value of the row before.
    pub(crate) n: u32,
}

impl Row {
    /// The place of revision and code in `RecordStore::codes`.
    pub(crate) fn code(&self) -> usize {
        usize::try_from(self.place & ((1 << CODE_BITS) - 1)).unwrap_or(0)
    }

    /// Puts another code in its place.
    pub(crate) fn set_code(&mut self, code: u32) {
        self.place = self.place >> CODE_BITS << CODE_BITS | u64::from(code);
    }

    /// The same record, of which another code has this value.
    pub(crate) fn part(&self, code: u32, value: i64) -> Self {
        let mut part = Self { value, ..*self };
        part.set_code(code);
        part
    }

    /// 1 to 12; 0 if the source has no months.
    pub(crate) fn month(&self) -> u32 {
        u32::try_from(self.place >> CODE_BITS & ((1 << MONTH_BITS) - 1)).unwrap_or(0)
    }

    /// Year and region.
    pub(crate) fn group(&self) -> u64 {
        self.place >> (CODE_BITS + MONTH_BITS)
    }

    /// Adds `other` if it differs in nothing but its value, and the sum has room.
    pub(crate) fn merge(&mut self, other: &Self) -> bool {
        let is_same = self.place == other.place
            && (self.destination, self.kind, self.firm)
                == (other.destination, other.kind, other.firm);
        let (value, n) = (self.value.checked_add(other.value), self.n.checked_add(other.n));
        if let (true, Some(value), Some(n)) = (is_same, value, n) {
            (self.value, self.n) = (value, n);
            return true;
        }
        false
    }
}

/// Years since the first of those that a row can be of.
pub(crate) fn year_of(row: &Row) -> u64 {
    row.group() >> REGION_BITS
}

pub(crate) fn region_of(row: &Row) -> u64 {
    row.group() & ((1 << REGION_BITS) - 1)
}

/// Puts `items` into `sorted` in the order of their places, which are below `n`, as they come at
/// each place.
pub(crate) fn by_place<T: Copy + Default>(
    items: &[T],
    n: usize,
    place: impl Fn(&T) -> usize,
    next: &mut Vec<usize>,
    sorted: &mut Vec<T>,
) {
    next.clear();
    next.resize(n, 0);
    for item in items {
        next[place(item)] += 1;
    }
    let mut start = 0;
    for next in next.iter_mut() {
        start += std::mem::replace(next, start);
    }
    sorted.resize(items.len(), T::default());
    for item in items {
        let next = &mut next[place(item)];
        sorted[*next] = *item;
        *next += 1;
    }
}
