//! Raw files, read as blocks of rows side by side.

use super::super::context::{Context, GroupWriter};
use super::super::error::StageError;
use super::super::record_store::{Collector, RecordEncoder};
use super::super::sync::locked;
use super::super::table::Table;
use super::block::{BlockParser, NulBytes};
use super::gathered::{Done, Gathered, OfFile};
use super::raw_input::{RawInput, State, unreadable};
use super::records::{Counted, RecordColumns};
use super::tables::Records;
use arrow::array::{Array, BinaryArray};
use lake::{DataFile, GROUP_ROWS, Pool};
use project::bounded::RowLimit;
use sources::fitted::{Fitted, NumberColumns, header_fault, prepared};
use sources::input::{self, Block, Buffers};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use trade::Column;
use trade::shape::ShapedRows;
use trade::text::Rows as TextRows;
use trade::{CodedParser, RowBatch, RowDamage};

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

/// Reads raw files.
///
/// # Errors
///
/// [`StageError`] if one cannot be read, or its rows cannot be written.
pub(super) fn read(
    inputs: &[RawInput<'_>],
    records_to: RecordsTo<'_>,
    limit: RowLimit,
) -> Result<Vec<OfFile>, StageError> {
    let buffers = match records_to {
        RecordsTo::Table => Buffers::new(limit),
        RecordsTo::Sums(_) => Buffers::new(limit).of_blocks(SUMMED_BYTES),
    };
    let work = Reader {
        inputs,
        gathered: inputs
            .iter()
            .map(|input| Mutex::new(Gathered::new(&input.context, input.number)))
            .collect(),
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
    let of_file = |(gathered, input): (Mutex<Gathered<'_>>, &RawInput<'_>)| {
        let gathered = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        gathered.into_file(&input.item.label)
    };
    Ok(gathered.into_iter().zip(inputs).map(of_file).collect())
}

/// The files, and what is done of them.
struct Reader<'a> {
    inputs: &'a [RawInput<'a>],
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
    context: &'f Context<'f>,
    writer: Option<GroupWriter<'f>>,
    /// The years of the rows that are written.
    years: BTreeSet<i32>,
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
                    let why = header_fault(&error, &fitted.header);
                    self.put(*file, 0, Err(unreadable(&self.inputs[*file].item.label, why.into())));
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
            let opened = Fitted::open(item, &source.layout, &self.buffers);
            let (reader, fitted) = opened.map_err(|error| {
                *state = State::Done;
                (0, unreadable(&item.label, error))
            })?;
            tracing::debug!(file = item.label, form = reader.seen(), "opened");
            locked(&self.gathered[file]).begin(&item.label);
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
        let RawInput { source, item, number, context, .. } = &self.inputs[task.file];
        let Fitted { layout, encoding, header, .. } = &*task.fitted;
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
        let level = locked(&self.gathered[task.file]).sample_level();
        let mut work = BlockWork {
            name: format!("part-{number:05}-{:05}.parquet", task.at),
            context,
            writer: None,
            years: BTreeSet::new(),
            rows: BlockParser::new(&item.label, layout, excluded, records, level, header),
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
            Block::Shaped { rows, n_left_out, n_mended } => {
                work.rows.leave_out(*n_left_out, *n_mended);
                self.read_shaped(rows, &mut work, parser, encoder)?;
            }
        }
        if work.rows.records.n_rows() > 0 {
            self.keep(&mut work, parser, encoder)?;
        }
        let BlockWork { writer, years, rows, .. } = work;
        let (reconciliation, records, refused) = rows.accounted();
        self.pool.recycle(records);
        tracing::debug!(file = item.label, block = task.at, rows = reconciliation.n_rows, "read");
        let records = writer.map(GroupWriter::finish).transpose()?;
        let years = years.into_iter().collect();
        let records = records.map(|file| DataFile { years, ..file });
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
                    reading.count_all(&entries, batch.rows());
                    reading.records.extend(&entries, lines, &reading.counted);
                }
                (Some(entries), RecordsTo::Sums(collector)) => {
                    reading.count_all(&entries, batch.rows());
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
                reading.table_row(parser, at, &texts[..], texts_of);
            }
            if reading.records.n_rows() >= n_kept {
                self.keep(work, parser, encoder)?;
            }
        }
        Ok(())
    }

    /// Reads the rows that a layout tells from other lines.
    fn read_shaped<'f>(
        &'f self,
        rows: &ShapedRows,
        work: &mut BlockWork<'_, 'f>,
        parser: &mut CodedParser<'_, '_>,
        encoder: &mut RecordEncoder,
    ) -> Result<(), StageError> {
        let n_kept = self.records_to.n_kept();
        let (n_rows, n_columns) = (rows.n_rows(), rows.n_columns().max(1));
        let numbers = NumberColumns::new(parser.rows(), work.rows.layout, n_columns);
        let mut fields: Vec<Cow<'_, [u8]>> = Vec::with_capacity(LOOKED_UP * n_columns);
        for first in (0..n_rows).step_by(LOOKED_UP) {
            let last = (first + LOOKED_UP).min(n_rows);
            fields.clear();
            for row in first..last {
                let cells = rows.cells(row).enumerate();
                fields.extend(cells.map(|(at, (text, kind))| numbers.text(at, text, kind)));
            }
            let texts: Vec<&[Cow<'_, [u8]>]> = fields.chunks(n_columns).collect();
            parser.look_up(&texts[..]);
            let reading = &mut work.rows;
            for row in first..last {
                reading.line = rows.line(row);
                let raw = rows.raw(row);
                let damage = rows.damage(row).or_else(|| RowDamage::nul_in(raw));
                reading.shaped_row(parser, row - first, &texts, damage, raw);
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
        BlockWork { name, context, writer, years, rows }: &mut BlockWork<'_, 'f>,
        parser: &CodedParser<'_, '_>,
        encoder: &mut RecordEncoder,
    ) -> Result<(), StageError> {
        let BlockParser { label, layout, records, rule_names, .. } = rows;
        if let RecordsTo::Sums(collector) = self.records_to {
            encoder.encode(&(&*records, parser.dictionaries()), collector)?;
        } else {
            let writer = context.opened(writer, Records::NAME, name)?;
            records.write(writer, label, &layout.measure, parser.dictionaries(), rule_names)?;
            years.extend(records.years_met());
        }
        records.clear();
        Ok(())
    }
}
