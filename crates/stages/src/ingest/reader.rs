//! Raw files, read as blocks of rows side by side.

use super::super::context::{Context, GroupWriter};
use super::super::error::StageError;
use super::super::record_store::{Collector, RecordEncoder};
use super::super::sync::locked;
use super::super::table::Table;
use super::block::{BlockParser, NulBytes};
use super::gathered::{Done, Gathered, OfFile};
use super::raw_input::{Fitted, RawInput, State, unreadable};
use super::records::{Counted, RecordColumns};
use super::tables::Records;
use arrow::array::{Array, BinaryArray, RecordBatch};
use lake::{GROUP_ROWS, Pool};
use project::bounded::RowLimit;
use project::suggest::suggest;
use sources::input::{self, Block, Buffers, Stored};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use trade::Column;
use trade::layout::Field;
use trade::row::HeaderError;
use trade::text::Rows as TextRows;
use trade::{CodedParser, RowBatch, RowParser};

/// Rows whose texts are looked up together: few enough for their fields to stay in the processor's
/// cache.
const LOOKED_UP: usize = 128;

/// Rows that are summed together, where they are read one by one: few enough to stay in the
/// processor's cache.
const SUMMED: usize = 4096;

/// Bytes of a block whose records are not kept: few enough to stay there too.
const SUMMED_BYTES: usize = 2 << 20;

/// Bytes of texts after which a file's are forgotten and learned anew.
const MOST_REMEMBERED: usize = 64 << 20;

/// A block, the file it is of, and its place there.
struct BlockTask {
    file: usize,
    at: usize,
    block: Block,
    fitted: Arc<Fitted>,
}

/// Where records go.
#[derive(Debug, Clone, Copy)]
pub(super) enum RecordsTo<'a> {
    /// Into `customs.records`.
    Table,
    /// Into what is summed, and nowhere else.
    Sums(&'a Collector),
}

impl RecordsTo<'_> {
    /// The columns whose texts are needed.
    fn columns(self) -> [bool; Column::ALL.len()] {
        match self {
            Self::Table => [true; Column::ALL.len()],
            Self::Sums(collector) => collector.columns(),
        }
    }

    /// Records after which they go there.
    fn n_kept(self) -> usize {
        match self {
            Self::Table => GROUP_ROWS,
            Self::Sums(_) => SUMMED,
        }
    }
}

/// Reads raw files, of which the first has the number `first`.
///
/// # Errors
///
/// [`StageError`] if one cannot be read, or its rows cannot be written.
pub(super) fn read(
    inputs: &[RawInput<'_>],
    first: usize,
    context: &Context<'_>,
    records_to: RecordsTo<'_>,
    limit: RowLimit,
) -> Result<Vec<OfFile>, StageError> {
    let buffers = match records_to {
        RecordsTo::Table => Buffers::new(limit),
        RecordsTo::Sums(_) => Buffers::new(limit).of_blocks(SUMMED_BYTES),
    };
    let work = Reader {
        inputs,
        gathered: (first..)
            .take(inputs.len())
            .map(|number| Mutex::new(Gathered::new(context, number)))
            .collect(),
        first,
        context,
        records_to,
        next: Mutex::new(0),
        fitted: Mutex::default(),
        buffers,
        pool: Pool::default(),
        errors: Mutex::default(),
    };
    // One turn for each thread, and no more: what waits for columns to be written must not begin
    // another.
    rayon::broadcast(|_| work.run());
    let Reader { gathered, errors, .. } = work;
    // In the order of the files, so the same fault is always the one named.
    if let Some((_, error)) =
        errors.into_inner().unwrap_or_else(PoisonError::into_inner).pop_first()
    {
        return Err(error);
    }
    let of_file = |gathered: Mutex<Gathered<'_>>| {
        gathered.into_inner().unwrap_or_else(PoisonError::into_inner).into_file()
    };
    Ok(gathered.into_iter().map(of_file).collect())
}

/// The files, and what is done of them.
struct Reader<'a> {
    inputs: &'a [RawInput<'a>],
    /// The number of the first of them among all raw files.
    first: usize,
    context: &'a Context<'a>,
    records_to: RecordsTo<'a>,
    /// By file.
    gathered: Vec<Mutex<Gathered<'a>>>,
    /// The first file that nobody opened yet.
    next: Mutex<usize>,
    /// Layouts as they fit the files.
    fitted: Mutex<Vec<Arc<Fitted>>>,
    /// Memory for the text of blocks to come.
    buffers: Buffers,
    /// Memory for their rows.
    pool: Pool<RecordColumns>,
    /// By file and block.
    errors: Mutex<BTreeMap<(usize, usize), StageError>>,
}

/// A block on its way into tables.
struct BlockWork<'b, 'f> {
    /// Of the file of its records.
    name: String,
    writer: Option<GroupWriter<'f>>,
    rows: BlockParser<'b>,
}

impl Reader<'_> {
    /// Takes files of its own, as long as there are, and then helps with those of others.
    fn run(&self) {
        let own = std::iter::from_fn(|| {
            let mut next = locked(&self.next);
            let file = *next;
            *next += 1;
            (file < self.inputs.len()).then_some(file)
        });
        let mut tasks = own
            .chain(0..self.inputs.len())
            .flat_map(|file| std::iter::from_fn(move || self.next_of(file)))
            .peekable();
        // One turn for each run of blocks whose texts are remembered together.
        while let Some(BlockTask { file, fitted, .. }) = tasks.peek() {
            let fitted = Arc::clone(fitted);
            let rows = match fitted.parser() {
                Ok(rows) => rows,
                Err(error) => {
                    let error = self.header_failed(*file, &error, &fitted.header);
                    self.put(*file, 0, Err(error));
                    tasks.next();
                    continue;
                }
            };
            let mut parser = CodedParser::new(&rows, self.records_to.columns());
            let mut encoder = RecordEncoder::default();
            let mut last = None;
            while parser.n_bytes() <= MOST_REMEMBERED
                && let Some(task) = tasks.next_if(|task| Arc::ptr_eq(&task.fitted, &fitted))
            {
                let result = self.read(&task, &mut parser, &mut encoder);
                self.buffers.recycle(task.block);
                self.put(task.file, task.at, result);
                last = Some((task.file, task.at));
            }
            if let (RecordsTo::Sums(collector), Some((file, at))) = (self.records_to, last)
                && let Err(error) = encoder.hand_over(collector)
            {
                self.put(file, at, Err(error));
            }
        }
    }

    /// The next block of a file, unless there is none or it cannot be read.
    fn next_of(&self, file: usize) -> Option<BlockTask> {
        self.take(file).unwrap_or_else(|(at, error)| {
            self.put(file, at, Err(error));
            None
        })
    }

    /// The header of a file does not fit its layout.
    fn header_failed(&self, file: usize, error: &HeaderError, names: &[String]) -> StageError {
        unreadable(&self.inputs[file].item.label, header_fault(error, names).into())
    }

    fn put(&self, file: usize, at: usize, result: Result<Done, StageError>) {
        let kept = result.and_then(|done| locked(&self.gathered[file]).add(at, done));
        if let Err(error) = kept {
            *locked(&self.inputs[file].state) = State::Done;
            locked(&self.errors).insert((file, at), error);
        }
    }

    /// The next block of a file.
    fn take(&self, file: usize) -> Result<Option<BlockTask>, (usize, StageError)> {
        let RawInput { source, item, state, .. } = &self.inputs[file];
        let failed = |why: String| unreadable(&item.label, why.into());
        let mut state = locked(state);
        if matches!(*state, State::Closed) {
            let reader = item.open(&source.layout.options, &self.buffers).map_err(|error| {
                *state = State::Done;
                (0, unreadable(&item.label, error))
            })?;
            let layout = source.layout.for_file(&item.label).map_err(|why| {
                *state = State::Done;
                (0, failed(why))
            })?;
            let mut reader = reader;
            let mut fitted = Fitted {
                layout,
                header: reader.header().to_vec(),
                encoding: reader.encoding(),
                has_trailing: reader.has_trailing_delimiter(),
            };
            if let Err(error) = fitted.parser() {
                *state = State::Done;
                return Err((0, self.header_failed(file, &error, &fitted.header)));
            }
            if let Err(why) = fitted.see_numbers(&source.layout, &mut reader) {
                *state = State::Done;
                return Err((0, failed(why)));
            }
            tracing::debug!(file = item.label, form = reader.seen(), "opened");
            let fitted = self.shared(fitted);
            *state = State::Open { reader: Box::new(reader), fitted, n_blocks: 0 };
        }
        let State::Open { reader, fitted, n_blocks } = &mut *state else { return Ok(None) };
        let at = *n_blocks;
        match reader.next_block() {
            Ok(Some(block)) => {
                *n_blocks += 1;
                Ok(Some(BlockTask { file, at, block, fitted: Arc::clone(fitted) }))
            }
            Ok(None) => {
                *state = State::Done;
                drop(state);
                locked(&self.gathered[file]).end(at).map_err(|error| (at, error))?;
                Ok(None)
            }
            Err(why) => {
                *state = State::Done;
                Err((at, failed(why)))
            }
        }
    }

    /// `fitted`, or the same of a file before.
    fn shared(&self, fitted: Fitted) -> Arc<Fitted> {
        let mut all = locked(&self.fitted);
        match all.iter().find(|known| ***known == fitted) {
            Some(known) => Arc::clone(known),
            None => {
                let fitted = Arc::new(fitted);
                all.push(Arc::clone(&fitted));
                fitted
            }
        }
    }

    /// Reads the rows of a block and writes them.
    fn read(
        &self,
        task: &BlockTask,
        parser: &mut CodedParser<'_, '_>,
        encoder: &mut RecordEncoder,
    ) -> Result<Done, StageError> {
        let RawInput { source, item, .. } = &self.inputs[task.file];
        let Fitted { layout, encoding, .. } = &*task.fitted;
        let excluded = layout
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| source.exclude.contains(&rule.name))
            .fold(0, |mask, (at, _)| mask | 1 << at);
        let records = self.pool.take().unwrap_or_else(|| match self.records_to {
            RecordsTo::Table => RecordColumns::to_write(),
            RecordsTo::Sums(collector) => RecordColumns::to_sum(collector.columns()),
        });
        let mut work = BlockWork {
            name: format!("part-{:05}-{:05}.parquet", self.first + task.file, task.at),
            writer: None,
            rows: BlockParser::new(&item.label, layout, excluded, records),
        };
        match &task.block {
            Block::Text { text, line, dialect, has_nul } => {
                let text = input::decode(text, encoding);
                let rows = TextRows::new(&text, *dialect, *line);
                let nuls = if *has_nul { NulBytes::Some } else { NulBytes::None };
                self.read_text(rows, nuls, &mut work, parser, encoder)?;
            }
            Block::Table { rows, row, stored } => {
                let decimal = layout.money.numbers.decimal;
                let columns = prepared(rows, stored, parser.rows(), decimal)
                    .map_err(|why| unreadable(&item.label, why.into()))?;
                self.read_table(&columns, *row, &mut work, parser, encoder)?;
            }
        }
        if work.rows.records.n_rows() > 0 {
            self.keep(&mut work, parser, encoder)?;
        }
        let BlockWork { writer, rows, .. } = work;
        let (reconciliation, records, refused) = rows.accounted();
        self.pool.recycle(records);
        tracing::debug!(file = item.label, block = task.at, rows = reconciliation.n_rows, "read");
        let records = writer.map(GroupWriter::finish).transpose()?;
        Ok(Done { reconciliation, records, refused })
    }

    /// Reads the rows of a text.
    fn read_text<'f>(
        &'f self,
        mut rows: TextRows<'_>,
        nuls: NulBytes,
        work: &mut BlockWork<'_, 'f>,
        parser: &mut CodedParser<'_, '_>,
        encoder: &mut RecordEncoder,
    ) -> Result<(), StageError> {
        let n_kept = self.records_to.n_kept();
        let mut batch = RowBatch::new(&rows);
        loop {
            batch.fill(&mut rows, LOOKED_UP);
            if batch.rows().is_empty() {
                return Ok(());
            }
            parser.look_up(&batch);
            let is_sound =
                nuls == NulBytes::None && !batch.rows().iter().any(|row| row.is_unclosed);
            let reading = &mut work.rows;
            match (parser.batch(&batch).filter(|_| is_sound), self.records_to) {
                (Some(entries), RecordsTo::Table) => {
                    let lines = batch.rows().iter().map(|row| row.line);
                    reading.count_all(&entries);
                    reading.records.extend(&entries, lines, &reading.counted);
                }
                (Some(entries), RecordsTo::Sums(collector)) => {
                    reading.count_all(&entries);
                    encoder.encode(&Counted(entries, &reading.counted), collector)?;
                }
                (None, _) => reading.rows(parser, &batch, nuls),
            }
            if reading.records.n_rows() >= n_kept {
                self.keep(work, parser, encoder)?;
            }
        }
    }

    /// Reads the rows of a table, of which the first has the number `row`.
    fn read_table<'f>(
        &'f self,
        columns: &[BinaryArray],
        row: u64,
        work: &mut BlockWork<'_, 'f>,
        parser: &mut CodedParser<'_, '_>,
        encoder: &mut RecordEncoder,
    ) -> Result<(), StageError> {
        let n_kept = self.records_to.n_kept();
        let n_rows = columns.first().map_or(0, Array::len);
        let mut fields: Vec<Cow<'_, [u8]>> = Vec::with_capacity(LOOKED_UP * columns.len());
        for first in (0..n_rows).step_by(LOOKED_UP) {
            let last = (first + LOOKED_UP).min(n_rows);
            fields.clear();
            for at in first..last {
                fields.extend(columns.iter().map(|column| {
                    Cow::Borrowed(if column.is_valid(at) { column.value(at) } else { b"" })
                }));
            }
            let texts: Vec<&[Cow<'_, [u8]>]> = fields.chunks(columns.len()).collect();
            parser.look_up(&texts[..]);
            let reading = &mut work.rows;
            for (at, texts_of) in texts.iter().enumerate() {
                reading.line = row + (first + at) as u64;
                let raw = || {
                    let texts: Vec<_> =
                        texts_of.iter().map(|text| String::from_utf8_lossy(text)).collect();
                    Cow::Owned(texts.join(","))
                };
                reading.row(parser, at, &texts[..], None, raw);
            }
            if reading.records.n_rows() >= n_kept {
                self.keep(work, parser, encoder)?;
            }
        }
        Ok(())
    }

    /// Brings the records read so far to where they go.
    fn keep<'f>(
        &'f self,
        BlockWork { name, writer, rows }: &mut BlockWork<'_, 'f>,
        parser: &CodedParser<'_, '_>,
        encoder: &mut RecordEncoder,
    ) -> Result<(), StageError> {
        let BlockParser { label, layout, records, rule_names, .. } = rows;
        if let RecordsTo::Sums(collector) = self.records_to {
            encoder.encode(&(&*records, parser.dictionaries()), collector)?;
        } else {
            let writer = self.context.opened(writer, Records::NAME, name)?;
            records.write(writer, label, &layout.currency, parser.dictionaries(), rule_names)?;
        }
        records.clear();
        Ok(())
    }
}

/// The columns of a table as the texts that a layout reads.
fn prepared(
    rows: &RecordBatch,
    stored: &[Stored],
    places: &RowParser<'_>,
    decimal: char,
) -> Result<Vec<BinaryArray>, String> {
    let mut columns = input::texts(rows, stored)?;
    for at in places.value_columns().filter(|&at| stored[at] == Stored::Single) {
        columns[at] = input::as_decimals(&columns[at]);
    }
    for at in places.columns_of(Field::Product).filter(|&at| stored[at] == Stored::Single) {
        columns[at] = input::without_long_codes(&columns[at]);
    }
    let numbers = places.value_columns().chain(places.columns_of(Field::Quantity));
    let numbers = numbers.map(|at| (at, decimal));
    // Points are left out of codes, and a number has lost the zeros that its code ends with: 8517.1
    // may be 8517.10. No code has a comma.
    let codes = places.columns_of(Field::Product).map(|at| (at, ','));
    for (at, mark) in numbers.chain(codes) {
        let is_number = matches!(stored[at], Stored::Number | Stored::Single);
        if is_number && mark != '.' {
            columns[at] = input::with_mark(&columns[at], mark);
        }
    }
    Ok(columns)
}

/// What is wrong with a header, and the name in it that comes closest to what was expected.
fn header_fault(error: &HeaderError, names: &[String]) -> String {
    let closest = match error {
        HeaderError::NoColumn { expected, .. } => expected
            .split(" or ")
            .map(|name| suggest(name, names.iter().map(String::as_str)))
            .find(|hint| !hint.is_empty()),
        HeaderError::NoPosition { .. }
        | HeaderError::Repeated { .. }
        | HeaderError::Names { .. } => None,
    };
    format!("{error}{}", closest.unwrap_or_default())
}
