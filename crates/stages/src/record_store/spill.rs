//! Rows of records as they wait to be summed: by group, each number in as few bytes as the rows of
//! a run need, in memory up to a limit and in an unnamed file beyond it.

use super::super::error::StageError;
use super::super::sync::locked;
use super::row::{CODE_BITS, MONTH_BITS, Row, by_place, region_of, year_of};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Mutex;

/// Numbers of a row, without its group. They are walked by place: zipped arrays are not made one
/// loop.
const N_FIELDS: usize = 7;

/// Bytes after the last row, so that every number can be read and written as a word of eight.
const PADDING: usize = 8 * N_FIELDS;

/// How many bytes each number of a row has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Form([u8; N_FIELDS]);

impl Form {
    fn of<'r>(rows: impl Iterator<Item = &'r Row>) -> Self {
        let mut bits = [0; N_FIELDS];
        for row in rows {
            let numbers = numbers(row);
            let mut n = 0;
            while n < N_FIELDS {
                bits[n] |= numbers[n];
                n += 1;
            }
        }
        let n_bytes = |bits: u64| (u64::BITS - bits.leading_zeros()).div_ceil(8);
        Self(bits.map(|bits| u8::try_from(n_bytes(bits)).unwrap_or(8)))
    }

    /// A form for the rows of both.
    fn or(self, other: Self) -> Self {
        let mut widest = self;
        for (width, other) in widest.0.iter_mut().zip(other.0) {
            *width = other.max(*width);
        }
        widest
    }

    /// Bytes of a row.
    fn n_bytes(self) -> usize {
        self.0.into_iter().map(usize::from).sum()
    }

    /// Puts a row at the start of `bytes`, of which some after it are overwritten too.
    #[inline]
    fn put(self, row: &Row, bytes: &mut [u8; PADDING]) {
        let numbers = numbers(row);
        let (mut at, mut n) = (0, 0);
        while n < N_FIELDS {
            if let Some(word) = bytes[at..].first_chunk_mut() {
                *word = numbers[n].to_le_bytes();
            }
            at += usize::from(self.0[n]);
            n += 1;
        }
    }

    /// The row of `group` at the start of `bytes`.
    #[inline]
    fn row(self, group: u64, bytes: &[u8; PADDING]) -> Row {
        let mut numbers = [0; N_FIELDS];
        let (mut at, mut n) = (0, 0);
        while n < N_FIELDS {
            let word = bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
            let width = self.0[n];
            at += usize::from(width);
            numbers[n] = word & u64::MAX.checked_shr(64 - 8 * u32::from(width)).unwrap_or(0);
            n += 1;
        }
        let [code, month, destination, kind, firm, n, value] = numbers;
        #[expect(clippy::cast_possible_truncation, reason = "they were numbers of 32 bits")]
        let word = |number: u64| number as u32;
        Row {
            place: (group << MONTH_BITS | month) << CODE_BITS | code,
            value: (value >> 1).cast_signed() ^ -(value & 1).cast_signed(),
            destination: word(destination).wrapping_sub(1),
            kind: word(kind),
            firm: word(firm).wrapping_sub(1),
            n: word(n),
        }
    }
}

/// What is kept of a row: small numbers for small values, zero for no word.
#[inline]
fn numbers(row: &Row) -> [u64; N_FIELDS] {
    [
        row.place & ((1 << CODE_BITS) - 1),
        u64::from(row.month()),
        u64::from(row.destination.wrapping_add(1)),
        u64::from(row.kind),
        u64::from(row.firm.wrapping_add(1)),
        u64::from(row.n),
        (row.value << 1 ^ row.value >> 63).cast_unsigned(),
    ]
}

/// Rows in the order of their groups: each group, where it begins, how many rows it has.
type Index = Vec<(u64, usize, usize)>;

#[derive(Debug)]
enum Store {
    Memory(Vec<u8>),
    /// Where the rows begin in the file.
    Disk(u64),
}

/// Rows that came together, those of a group beside each other.
#[derive(Debug)]
pub(super) struct Run {
    store: Store,
    form: Form,
    index: Index,
}

impl Run {
    /// The rows, in fewer bytes and those of a group together.
    pub(super) fn of(rows: &[Row], order: &mut Order) -> Self {
        let order = order.by_group(rows);
        let mut index = Index::new();
        for (at, &row) in order.iter().enumerate() {
            let group = rows[row as usize].group();
            match index.last_mut() {
                Some((last, _, n)) if *last == group => *n += 1,
                _ => index.push((group, at, 1)),
            }
        }
        let form = Form::of(rows.iter());
        let n_bytes = form.n_bytes();
        let mut bytes = vec![0; rows.len() * n_bytes + PADDING];
        for (at, &row) in order.iter().enumerate() {
            if let Some(place) = bytes[at * n_bytes..].first_chunk_mut() {
                form.put(&rows[row as usize], place);
            }
        }
        Self { store: Store::Memory(bytes), form, index }
    }

    /// Adds `n` rows of `group` to `rows`, of which `bytes` begin with the first.
    fn unpack(&self, group: u64, bytes: &[u8], n: usize, rows: &mut Vec<Row>) {
        let (form, n_bytes) = (self.form, self.form.n_bytes());
        for at in 0..n {
            if let Some(bytes) = bytes[at * n_bytes..].first_chunk() {
                rows.push(form.row(group, bytes));
            }
        }
    }
}

/// The order of rows by group, in memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Order {
    places: Vec<u32>,
    sorted: Vec<u32>,
    next: Vec<usize>,
}

impl Order {
    /// The places of the rows, those of a group together: by counting, where there are fewer groups
    /// than rows.
    fn by_group(&mut self, rows: &[Row]) -> &[u32] {
        let Self { places, sorted, next } = self;
        let first = rows.iter().map(year_of).min().unwrap_or(0);
        let n_years = rows.iter().map(|row| year_of(row) - first + 1).max().unwrap_or(0);
        let n_regions = rows.iter().map(|row| region_of(row) + 1).max().unwrap_or(0);
        let n_groups = usize::try_from(n_years * n_regions).unwrap_or(usize::MAX);
        places.clear();
        places.extend((0..).take(rows.len()));
        if n_groups > rows.len() {
            places.sort_by_key(|&at| rows[at as usize].group());
            return places;
        }
        let place = |&at: &u32| {
            let row = &rows[at as usize];
            usize::try_from((year_of(row) - first) * n_regions + region_of(row)).unwrap_or(0)
        };
        by_place(places, n_groups, place, next, sorted);
        sorted
    }
}

/// Rows of a group that lie together.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    run: usize,
    first: usize,
    /// How many rows.
    pub(super) n_rows: usize,
}

/// All rows.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: Vec<Run>,
    bytes_in_memory: usize,
    spilled: Mutex<Option<File>>,
    bytes_on_disk: u64,
}

impl Runs {
    /// Adds rows, and brings all to disk if they have more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(super) fn add(&mut self, run: Run, limit: usize) -> Result<(), StageError> {
        if let Store::Memory(bytes) = &run.store {
            self.bytes_in_memory += bytes.len();
        }
        self.runs.push(run);
        if self.bytes_in_memory > limit { self.spill() } else { Ok(()) }
    }

    /// How many bytes went to disk.
    pub(super) fn bytes_on_disk(&self) -> u64 {
        self.bytes_on_disk
    }

    /// Every group of every run.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (u64, Piece)> {
        self.runs.iter().enumerate().flat_map(|(run, Run { index, .. })| {
            index.iter().map(move |&(group, first, n_rows)| (group, Piece { run, first, n_rows }))
        })
    }

    /// Adds the rows of a piece of `group` to `rows`.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the disk fails.
    pub(super) fn rows(
        &self,
        group: u64,
        piece: &Piece,
        rows: &mut Vec<Row>,
    ) -> Result<(), StageError> {
        let run = &self.runs[piece.run];
        let n_bytes = run.form.n_bytes();
        match &run.store {
            Store::Memory(bytes) => {
                run.unpack(group, &bytes[piece.first * n_bytes..], piece.n_rows, rows);
            }
            Store::Disk(start) => {
                let mut bytes = vec![0; piece.n_rows * n_bytes + PADDING];
                let place = start + (piece.first * n_bytes) as u64;
                if let Some(file) = &mut *locked(&self.spilled) {
                    file.seek(SeekFrom::Start(place)).map_err(StageError::Scratch)?;
                    let bytes = &mut bytes[..piece.n_rows * n_bytes];
                    file.read_exact(bytes).map_err(StageError::Scratch)?;
                }
                run.unpack(group, &bytes, piece.n_rows, rows);
            }
        }
        Ok(())
    }

    /// Brings the rows in memory to disk, as one run.
    fn spill(&mut self) -> Result<(), StageError> {
        let in_memory: Vec<Run> =
            self.runs.extract_if(.., |run| matches!(run.store, Store::Memory(_))).collect();
        let mut pieces: Vec<(u64, &Run, &[u8], usize)> = Vec::new();
        for run in &in_memory {
            if let Store::Memory(bytes) = &run.store {
                let n_bytes = run.form.n_bytes();
                let piece = |&(group, at, n)| (group, run, &bytes[at * n_bytes..], n);
                pieces.extend(run.index.iter().map(piece));
            }
        }
        pieces.sort_by_key(|(group, ..)| *group);
        let form = in_memory.iter().fold(Form::default(), |form, run| form.or(run.form));
        let mut spilled = locked(&self.spilled);
        let file = match &mut *spilled {
            Some(file) => file,
            None => spilled.insert(tempfile::tempfile().map_err(StageError::Scratch)?),
        };
        let mut index = Index::new();
        let (mut rows, mut n_rows) = (Vec::new(), 0);
        let mut out = BufWriter::with_capacity(1 << 20, file);
        for (group, run, bytes, n) in pieces {
            rows.clear();
            run.unpack(group, bytes, n, &mut rows);
            let mut bytes = [0; PADDING];
            for row in &rows {
                form.put(row, &mut bytes);
                out.write_all(&bytes[..form.n_bytes()]).map_err(StageError::Scratch)?;
            }
            match index.last_mut() {
                Some((last, _, of_last)) if *last == group => *of_last += n,
                _ => index.push((group, n_rows, n)),
            }
            n_rows += n;
        }
        out.flush().map_err(StageError::Scratch)?;
        drop(out);
        drop(spilled);
        self.runs.push(Run { store: Store::Disk(self.bytes_on_disk), form, index });
        self.bytes_on_disk += (n_rows * form.n_bytes()) as u64;
        self.bytes_in_memory = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::NO_WORD;
    use super::*;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = Row> {
        let number = || prop_oneof![Just(NO_WORD), 0..300_u32, 0..NO_WORD - 1];
        let value = prop_oneof![-200..200_i64, any::<i64>()];
        let place = (0..6_u64, 0..13_u64, prop_oneof![0..200_u64, 0..1_u64 << CODE_BITS]);
        (place, number(), 0..300_u32, number(), 0..3_u32, value).prop_map(
            |((group, month, code), destination, kind, firm, n, value)| Row {
                place: (group << MONTH_BITS | month) << CODE_BITS | code,
                value,
                destination,
                kind,
                firm,
                n,
            },
        )
    }

    proptest! {
        // Rows come back as they were and in their order, from memory and from disk.
        #[test]
        fn rows_are_kept(
            batches in prop::collection::vec(prop::collection::vec(row(), 0..60), 0..6),
            limit in prop_oneof![Just(0), 0..2000_usize, Just(usize::MAX)],
        ) {
            let mut runs = Runs::default();
            for rows in &batches {
                runs.add(Run::of(rows, &mut Order::default()), limit).expect("a disk");
            }
            for group in 0..6 {
                let mut found = Vec::new();
                for (_, piece) in runs.pieces().filter(|(of, _)| *of == group) {
                    let n_before = found.len();
                    runs.rows(group, &piece, &mut found).expect("a disk");
                    prop_assert_eq!(found.len() - n_before, piece.n_rows);
                }
                let all = batches.iter().flatten().filter(|row| row.group() == group);
                prop_assert_eq!(found, all.copied().collect::<Vec<_>>());
            }
            let n_rows: usize = batches.iter().map(Vec::len).sum();
            prop_assert!(limit > 0 || n_rows == 0 || runs.bytes_on_disk() > 0);
            prop_assert!(limit < usize::MAX || runs.bytes_on_disk() == 0);
        }
    }
}
