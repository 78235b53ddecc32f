//! Blocks of rows, and the memory that they are read into.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use encoding_rs::Encoding;
use lake::Pool;
use project::bounded::RowLimit;
use std::sync::Arc;
use trade::Dialect;
use trade::shape::ShapedRows;

/// Bytes of text of a block, but for its last row, where nobody asks for others.
const BLOCK_BYTES: usize = 32 << 20;

/// Bytes that are read at a time: few enough to be looked through while they are in the processor's
/// cache.
pub(super) const PIECE_BYTES: usize = 256 << 10;

/// Rows of a block of a file that is a table already.
pub(super) const BLOCK_ROWS: usize = 1 << 18;

/// Bytes of texts after which such a block ends, so that a column of it has room for them.
pub(super) const BLOCK_TEXT_BYTES: usize = 256 << 20;

/// A table that is in memory, as another program has it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its rows, in order.
    pub batches: Vec<RecordBatch>,
}

/// Some rows of a file.
#[derive(Debug)]
pub enum Block {
    /// Text, which begins on a line of this number.
    Text {
        /// The rows, in the file's encoding.
        text: Vec<u8>,
        /// Number of its first line.
        line: u64,
        /// Its marks: without quotes if none is in it.
        dialect: Dialect,
        /// Whether it may have a byte of zero.
        has_nul: bool,
    },
    /// A table, whose first row has this number, counted from 1.
    Table {
        /// The rows.
        rows: RecordBatch,
        /// Number of the first.
        row: u64,
        /// What each column has.
        stored: Vec<Stored>,
    },
    /// Rows of a file whose layout says which lines are rows.
    Shaped {
        /// The rows, in UTF-8 unless their bytes are no text in the file's encoding.
        rows: ShapedRows,
        /// Lines since the block before that are no rows.
        n_left_out: u64,
        /// Rows since then whose number of cells was mended.
        n_mended: u64,
    },
}

/// What a column of a table has in its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Texts, or what has one text wherever it is written.
    Text,
    /// Bytes, which are texts in this encoding.
    Bytes(&'static Encoding),
    /// Numbers that may have a fraction.
    Number,
    /// Such numbers of single precision.
    Single,
}

impl Stored {
    /// A column of this Arrow type, in `encoding` if it is of bytes.
    pub(super) fn of(kind: &DataType, encoding: &'static Encoding) -> Self {
        match kind {
            DataType::Dictionary(_, values) => Self::of(values, encoding),
            DataType::RunEndEncoded(_, values) => Self::of(values.data_type(), encoding),
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes(encoding),
            DataType::Float32 => Self::Single,
            DataType::Float16 | DataType::Float64 => Self::Number,
            decimal if decimal.is_decimal() => Self::Number,
            _ => Self::Text,
        }
    }
}

/// Memory of blocks that are done with, for those to come: of any file, from any thread.
#[derive(Debug, Clone)]
pub struct Buffers {
    /// Bytes of text of a block, but for its last row.
    pub(super) n_bytes: usize,
    /// How long a row may be.
    pub(super) limit: RowLimit,
    pool: Arc<Pool<Vec<u8>>>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new(RowLimit::default())
    }
}

impl Buffers {
    /// For rows of so many bytes.
    pub fn new(limit: RowLimit) -> Self {
        Self { n_bytes: BLOCK_BYTES, limit, pool: Arc::default() }
    }

    /// The same for blocks of so many bytes, but for their last rows.
    #[must_use]
    pub fn of_blocks(self, n_bytes: usize) -> Self {
        Self { n_bytes, ..self }
    }

    /// Takes the memory of a block that is done with.
    pub fn recycle(&self, block: Block) {
        if let Block::Text { text, .. } = block {
            self.pool.recycle(text);
        }
    }

    pub(super) fn take(&self) -> Vec<u8> {
        let room = || Vec::with_capacity(self.n_bytes + PIECE_BYTES);
        let mut buffer = self.pool.take().unwrap_or_else(room);
        buffer.clear();
        buffer
    }
}
