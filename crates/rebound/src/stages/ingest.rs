//! Raw files to `customs.records`, `customs.rejects`, `customs.reconciliation`, `customs.rules` and
//! `customs.unmapped`.
//!
//! Files are read as blocks of whole rows, the blocks side by side, each into a Parquet file of its own.
//! Blocks and the order of their files depend on the raw files alone, not on the threads; and no more of
//! a file is in memory than the blocks being read.

use super::rows::Rows;
use super::{Files, Made, Output, StageError, table};
use crate::graph::hint;
use crate::input::{self, Block, BlockReader, Item};
use crate::pipeline::{Pipeline, Source};
use arrow::array::{
    Array, ArrayRef, BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Array,
    Int64Builder, RecordBatch, StringArray, StringBuilder,
};
use lake::contract::MONEY;
use lake::{BATCH_ROWS, Contract, DataFile, Kind};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use trade::layout::Field;
use trade::row::HeaderError;
use trade::text::Rows as TextRows;
use trade::{Dialect, Entry, Layout, Money, Reject, RejectReason, RowParser, Sink};

/// A raw file on its way.
struct RawInput<'p> {
    source: &'p Source,
    item: Item,
    state: Mutex<State>,
}

enum State {
    Closed,
    Open { reader: BlockReader, fitted: Arc<Fitted>, n_blocks: usize },
    Done,
}

/// What all blocks of a file share.
struct Fitted {
    layout: Layout,
    header: Vec<String>,
    encoding: &'static encoding_rs::Encoding,
    dialect: Dialect,
}

/// A block, the file it is of, and its place there.
struct Task {
    file: usize,
    at: usize,
    block: Block,
    fitted: Arc<Fitted>,
}

/// What rows came to.
#[derive(Debug, Default)]
struct Account {
    n_rows: u64,
    n_entries: u64,
    n_records: u64,
    n_excluded: u64,
    n_rejected: u64,
    n_empty: u64,
    n_unreadable: u64,
    value_in: Money,
    value_records: Money,
    value_excluded: Money,
    value_rejected: Money,
    /// Entries and value of each rule of the layout.
    rules: Vec<(u64, Money)>,
    reasons: BTreeMap<&'static str, u64>,
    /// By field and text: what it became, entries, value.
    unmapped: BTreeMap<&'static str, BTreeMap<String, (String, u64, Money)>>,
    first_reject: Option<String>,
}

impl Account {
    /// Adds what later rows of the same file came to.
    fn add(&mut self, other: Self) {
        self.n_rows += other.n_rows;
        self.n_entries += other.n_entries;
        self.n_records += other.n_records;
        self.n_excluded += other.n_excluded;
        self.n_rejected += other.n_rejected;
        self.n_empty += other.n_empty;
        self.n_unreadable += other.n_unreadable;
        self.value_in += other.value_in;
        self.value_records += other.value_records;
        self.value_excluded += other.value_excluded;
        self.value_rejected += other.value_rejected;
        self.rules.resize(self.rules.len().max(other.rules.len()), (0, Money::ZERO));
        for (sum, (n, value)) in self.rules.iter_mut().zip(other.rules) {
            sum.0 += n;
            sum.1 += value;
        }
        for (reason, n) in other.reasons {
            *self.reasons.entry(reason).or_default() += n;
        }
        for (field, texts) in other.unmapped {
            let sums = self.unmapped.entry(field).or_default();
            for (text, (code, n, value)) in texts {
                let sum = sums.entry(text).or_insert((code, 0, Money::ZERO));
                sum.1 += n;
                sum.2 += value;
            }
        }
        self.first_reject = self.first_reject.take().or(other.first_reject);
    }
}

/// What a block came to.
struct Done {
    account: Account,
    records: Option<DataFile>,
    rejects: Option<DataFile>,
}

/// Reads every raw file of the pipeline.
pub(super) fn run(pipeline: &Pipeline, files: &Files<'_>) -> Result<Output, StageError> {
    let mut inputs = Vec::new();
    for source in &pipeline.sources {
        for file in &source.files {
            let items = input::items(file, &files.runtime)
                .map_err(|why| StageError::RawFile { path: PathBuf::from(&file.label), why })?;
            inputs.extend(items.into_iter().map(|item| RawInput {
                source,
                item,
                state: Mutex::new(State::Closed),
            }));
        }
    }
    inputs.sort_by(|a, b| a.item.label.cmp(&b.item.label));

    let work = Work { inputs: &inputs, files, next: Mutex::new(0), results: Mutex::default() };
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(|_| work.run());
        }
    });
    let results = work.results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut by_file: Vec<Account> = inputs.iter().map(|_| Account::default()).collect();
    let (mut records, mut rejects) = (Vec::new(), Vec::new());
    for ((file, _), result) in results {
        // Results are in the order of the files, so the same fault is always the one named.
        let done = result?;
        by_file[file].add(done.account);
        records.extend(done.records);
        rejects.extend(done.rejects);
    }
    let mut output = account_for(pipeline, &inputs, by_file)?;
    output.insert("customs.records", Made::Files(records));
    output.insert("customs.rejects", Made::Files(rejects));
    Ok(output)
}

/// The tables that say what each file came to.
fn account_for(
    pipeline: &Pipeline,
    inputs: &[RawInput<'_>],
    by_file: Vec<Account>,
) -> Result<Output, StageError> {
    let mut accounts = Rows::of("customs.reconciliation");
    let mut rules = Rows::of("customs.rules");
    let mut unmapped = Rows::of("customs.unmapped");
    let (mut n_entries, mut n_rejected) = (0, 0);
    let mut reasons: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (RawInput { source, item, .. }, account) in inputs.iter().zip(by_file) {
        let layout = &source.layout.layout;
        if let Some(first) = &account.first_reject {
            tracing::warn!(
                file = item.label,
                entries = account.n_rejected,
                first,
                "entries rejected"
            );
        }
        n_entries += account.n_entries;
        n_rejected += account.n_rejected;
        for (reason, n) in &account.reasons {
            *reasons.entry(reason).or_default() += n;
        }
        accounts
            .text(&*item.label)
            .text(&*layout.name)
            .text(&*layout.currency)
            .count(usize_of(account.n_rows))
            .count(usize_of(account.n_entries))
            .count(usize_of(account.n_records))
            .count(usize_of(account.n_excluded))
            .count(usize_of(account.n_rejected))
            .count(usize_of(account.n_empty))
            .count(usize_of(account.n_unreadable))
            .money(account.value_in)
            .money(account.value_records)
            .money(account.value_excluded)
            .money(account.value_rejected);
        let mut by_name: Vec<_> = layout.rules.iter().zip(&account.rules).collect();
        by_name.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        for (rule, &(n, value)) in by_name {
            rules
                .text(&*item.label)
                .text(&*rule.name)
                .text(&*rule.why)
                .flag(source.exclude.contains(&rule.name))
                .count(usize_of(n))
                .money(value);
        }
        if !account.unmapped.is_empty() {
            let texts = || account.unmapped.values().flat_map(BTreeMap::values);
            let (codes, n) = (texts().count(), texts().map(|(_, n, _)| n).sum::<u64>());
            tracing::warn!(file = item.label, entries = n, codes, "codes without a meaning kept");
        }
        for (field, texts) in &account.unmapped {
            for (text, (code, n, value)) in texts {
                unmapped
                    .text(&*item.label)
                    .text(*field)
                    .text(&**text)
                    .text(&**code)
                    .count(usize_of(*n))
                    .money(*value);
            }
        }
    }
    let limit = pipeline.config.ingest.max_rejected_share;
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let is_over = n_rejected > 0 && n_rejected as f64 > limit * n_entries as f64;
    if is_over {
        let reasons: Vec<_> = reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        return Err(StageError::TooManyRejects {
            rejected: n_rejected,
            entries: n_entries,
            limit,
            reasons: reasons.join(", "),
        });
    }
    let mut output = Output::new();
    table(&mut output, "customs.reconciliation", accounts)?;
    table(&mut output, "customs.rules", rules)?;
    table(&mut output, "customs.unmapped", unmapped)?;
    Ok(output)
}

fn usize_of(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files, and what is done of them.
struct Work<'a> {
    inputs: &'a [RawInput<'a>],
    files: &'a Files<'a>,
    /// The first file that nobody opened yet.
    next: Mutex<usize>,
    results: Mutex<BTreeMap<(usize, usize), Result<Done, StageError>>>,
}

impl Work<'_> {
    /// Takes a file of its own, as long as there are, and then helps with those of others.
    fn run(&self) {
        loop {
            let mut next = locked(&self.next);
            let file = *next;
            *next += 1;
            drop(next);
            if file >= self.inputs.len() {
                break;
            }
            self.work_on(file);
        }
        for file in 0..self.inputs.len() {
            self.work_on(file);
        }
    }

    fn work_on(&self, file: usize) {
        loop {
            let taken = self.take(file);
            let (at, result) = match taken {
                Ok(None) => return,
                Ok(Some(task)) => (task.at, self.read(&task)),
                Err((at, error)) => (at, Err(error)),
            };
            if result.is_err() {
                *locked(&self.inputs[file].state) = State::Done;
            }
            locked(&self.results).insert((file, at), result);
        }
    }

    /// The next block of a file.
    fn take(&self, file: usize) -> Result<Option<Task>, (usize, StageError)> {
        let RawInput { source, item, state } = &self.inputs[file];
        let failed = |why: String| StageError::RawFile { path: PathBuf::from(&item.label), why };
        let mut state = locked(state);
        if matches!(*state, State::Closed) {
            let reader = item.open(&source.layout.format).map_err(|why| {
                *state = State::Done;
                (0, failed(why))
            })?;
            let layout = source.layout.for_file(&item.label).map_err(|why| {
                *state = State::Done;
                (0, failed(why))
            })?;
            let names: Vec<&str> = reader.header().iter().map(String::as_str).collect();
            if let Err(error) = RowParser::new(&layout, &names) {
                *state = State::Done;
                return Err((0, failed(header_fault(&error, &names))));
            }
            let fitted = Fitted {
                layout,
                header: reader.header().to_vec(),
                encoding: reader.encoding(),
                dialect: match source.layout.format {
                    crate::layout_file::FileFormat::Csv { dialect, .. } => dialect,
                    _ => Dialect { delimiter: b',', quote: None },
                },
            };
            *state = State::Open { reader, fitted: Arc::new(fitted), n_blocks: 0 };
        }
        let State::Open { reader, fitted, n_blocks } = &mut *state else { return Ok(None) };
        let at = *n_blocks;
        match reader.next_block() {
            Ok(Some(block)) => {
                *n_blocks += 1;
                Ok(Some(Task { file, at, block, fitted: Arc::clone(fitted) }))
            }
            Ok(None) => {
                *state = State::Done;
                Ok(None)
            }
            Err(why) => {
                *state = State::Done;
                Err((at, failed(why)))
            }
        }
    }

    /// Reads the rows of a block and writes them.
    fn read(&self, task: &Task) -> Result<Done, StageError> {
        let RawInput { source, item, .. } = &self.inputs[task.file];
        let failed = |why: String| StageError::RawFile { path: PathBuf::from(&item.label), why };
        let Fitted { layout, header, encoding, dialect } = &*task.fitted;
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        let parser =
            RowParser::new(layout, &names).map_err(|error| failed(header_fault(&error, &names)))?;
        let name = format!("part-{:05}-{:05}.parquet", task.file, task.at);
        let mut reading = Reading {
            label: &item.label,
            layout,
            excluded: layout
                .rules
                .iter()
                .enumerate()
                .filter(|(_, rule)| source.exclude.contains(&rule.name))
                .fold(0, |mask, (at, _)| mask | 1 << at),
            rule_names: BTreeMap::new(),
            line: 0,
            n_rejects: 0,
            fresh: Vec::new(),
            account: Account {
                rules: vec![(0, Money::ZERO); layout.rules.len()],
                ..Account::default()
            },
            records: Records::new(&item.label, layout, &parser)?,
            rejects: Rows::of("customs.rejects"),
        };
        let mut writer = None;
        match &task.block {
            Block::Text { text, line } => {
                let text = decode(text, encoding);
                let has_nul = memchr::memchr(0, &text).is_some();
                let mut rows = TextRows::new(&text, *dialect, *line);
                let mut fields = Vec::with_capacity(header.len());
                while let Some(row) = rows.next_row(&mut fields) {
                    reading.line = row.line;
                    let damage = if row.is_unclosed {
                        Some((RejectReason::UnclosedQuote, "a quote that does not close"))
                    } else if has_nul && memchr::memchr(0, row.raw).is_some() {
                        Some((RejectReason::NulByte, "a NUL byte"))
                    } else {
                        None
                    };
                    reading.row(&parser, &fields, damage, || String::from_utf8_lossy(row.raw));
                    if reading.records.n_rows >= BATCH_ROWS {
                        self.write(&mut writer, &name, &mut reading.records)?;
                    }
                }
            }
            Block::Table { rows, row } => {
                let columns = input::texts(rows).map_err(failed)?;
                let mut fields: Vec<Cow<'_, [u8]>> = Vec::with_capacity(columns.len());
                for at in 0..rows.num_rows() {
                    fields.clear();
                    fields.extend(columns.iter().map(|column| {
                        let text = if column.is_valid(at) { column.value(at) } else { "" };
                        Cow::Borrowed(text.as_bytes())
                    }));
                    reading.line = row + at as u64;
                    let raw = || {
                        let texts: Vec<_> =
                            fields.iter().map(|text| String::from_utf8_lossy(text)).collect();
                        Cow::Owned(texts.join(","))
                    };
                    reading.row(&parser, &fields, None, raw);
                    if reading.records.n_rows >= BATCH_ROWS {
                        self.write(&mut writer, &name, &mut reading.records)?;
                    }
                }
            }
        }
        if reading.records.n_rows > 0 {
            self.write(&mut writer, &name, &mut reading.records)?;
        }
        let rejects = if reading.rejects.n_rows() > 0 {
            let mut writer = self.files.create("customs.rejects", &name)?;
            writer.write(reading.rejects.finish()?)?;
            Some(writer.finish()?)
        } else {
            None
        };
        tracing::debug!(file = item.label, block = task.at, rows = reading.account.n_rows, "read");
        Ok(Done {
            account: reading.account,
            records: writer.map(super::FileWriter::finish).transpose()?,
            rejects,
        })
    }

    fn write<'s>(
        &'s self,
        writer: &mut Option<super::FileWriter<'s>>,
        name: &str,
        records: &mut Records,
    ) -> Result<(), StageError> {
        let writer = match writer {
            Some(writer) => writer,
            None => writer.insert(self.files.create("customs.records", name)?),
        };
        writer.write(records.finish()?)
    }
}

/// What is wrong with a header, and the name in it that comes closest to what was expected.
fn header_fault(error: &HeaderError, names: &[&str]) -> String {
    let closest = match error {
        HeaderError::NoColumn { expected, .. } => expected
            .split(" or ")
            .map(|name| hint(name, names.iter().copied()))
            .find(|hint| !hint.is_empty()),
        HeaderError::NoPosition { .. } | HeaderError::Repeated { .. } => None,
    };
    format!("{error}{}", closest.unwrap_or_default())
}

/// The text as UTF-8. Bytes that are no characters become U+FFFD unless the source says it is UTF-8, where
/// they reject the row they are needed in.
fn decode<'t>(text: &'t [u8], encoding: &'static encoding_rs::Encoding) -> Cow<'t, [u8]> {
    if encoding == encoding_rs::UTF_8 {
        return Cow::Borrowed(text);
    }
    match encoding.decode_without_bom_handling(text).0 {
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
    }
}

/// Rows of a block, on their way into tables.
struct Reading<'a> {
    label: &'a str,
    layout: &'a Layout,
    /// The rules whose entries are excluded.
    excluded: u64,
    /// The names of the rules that are set in a mask.
    rule_names: BTreeMap<u64, String>,
    line: u64,
    n_rejects: i32,
    /// Rejects of the row being read, until its text is put beside them.
    fresh: Vec<Reject>,
    account: Account,
    records: Records,
    rejects: Rows,
}

impl Reading<'_> {
    /// Reads a row; `raw` gives its text if it must be kept.
    fn row<'t>(
        &mut self,
        parser: &RowParser<'_>,
        fields: &[Cow<'_, [u8]>],
        damage: Option<(RejectReason, &str)>,
        raw: impl FnOnce() -> Cow<'t, str>,
    ) {
        self.account.n_rows += 1;
        self.account.n_entries += parser.n_entries();
        match damage {
            None => {
                let counts = parser.parse(fields, self);
                self.account.n_empty += counts.n_empty;
                self.account.value_in += counts.value_in;
            }
            Some((reason, found)) => parser.refuse(reason, found.to_owned(), self),
        }
        if self.fresh.is_empty() {
            return;
        }
        let raw = raw();
        for (at, fault) in std::mem::take(&mut self.fresh).into_iter().enumerate() {
            let account = &mut self.account;
            account.n_rejected += fault.n_entries;
            account.n_unreadable += fault.n_unreadable;
            account.value_rejected += fault.value;
            *account.reasons.entry(fault.reason.code()).or_default() += fault.n_entries;
            if account.first_reject.is_none() {
                account.first_reject = Some(format!(
                    "line {}, {} {:?}: {}",
                    self.line, fault.column, fault.found, fault.reason
                ));
            }
            self.n_rejects += 1;
            self.rejects
                .text(self.label)
                .count(usize_of(self.line))
                .int(i32::try_from(at).unwrap_or(i32::MAX))
                .text(fault.reason.code())
                .text(&*fault.column)
                .text(&*fault.found)
                .text(&*raw)
                .count(usize_of(fault.n_entries))
                .count(usize_of(fault.n_unreadable))
                .money(fault.value);
        }
    }
}

impl Sink for Reading<'_> {
    fn entry(&mut self, entry: &Entry<'_>) {
        let is_excluded = entry.rules & self.excluded != 0;
        let account = &mut self.account;
        if is_excluded {
            account.n_excluded += 1;
            account.value_excluded += entry.value;
        } else {
            account.n_records += 1;
            account.value_records += entry.value;
        }
        let mut rules = None;
        if entry.rules != 0 {
            let covers = |at: usize| entry.rules & 1 << at != 0;
            let sums = account.rules.iter_mut().enumerate().filter(|(at, _)| covers(*at));
            for (_, sum) in sums {
                sum.0 += 1;
                sum.1 += entry.value;
            }
            let names = self.rule_names.entry(entry.rules).or_insert_with(|| {
                let rules = self.layout.rules.iter().enumerate().filter(|(at, _)| covers(*at));
                rules.map(|(_, rule)| rule.name.as_str()).collect::<Vec<_>>().join(",")
            });
            rules = Some(names.as_str());
        }
        self.records.add(self.line, entry, rules, is_excluded);
    }

    fn reject(&mut self, reject: Reject) {
        self.fresh.push(reject);
    }

    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money) {
        let sums = self.account.unmapped.entry(field.name()).or_default();
        let sum = match sums.get_mut(text) {
            Some(sum) => sum,
            None => sums.entry(text.to_owned()).or_insert((code.to_owned(), 0, Money::ZERO)),
        };
        sum.1 += n_entries;
        sum.2 += value;
    }
}

/// Builds batches of `customs.records`. What is the same in every record of a file is made once.
struct Records {
    n_rows: usize,
    source_file: ArrayRef,
    currency: ArrayRef,
    /// The flow, where the layout gives it.
    constant_flow: Option<ArrayRef>,
    source_row: Int64Builder,
    entry: Int32Builder,
    year: Int32Builder,
    month: Int32Builder,
    flow: StringBuilder,
    region: StringBuilder,
    product: StringBuilder,
    hs6: StringBuilder,
    revision: StringBuilder,
    destination: StringBuilder,
    trade_mode: StringBuilder,
    ownership: StringBuilder,
    ownership_source: StringBuilder,
    firm: StringBuilder,
    firm_name: StringBuilder,
    quantity: Float64Builder,
    quantity_unit: StringBuilder,
    value: Decimal128Builder,
    rules: StringBuilder,
    is_excluded: BooleanBuilder,
    schema: arrow::datatypes::SchemaRef,
}

impl Records {
    fn new(label: &str, layout: &Layout, parser: &RowParser<'_>) -> Result<Self, StageError> {
        let Some(contract) = Contract::of("customs.records") else {
            return Err(StageError::Data("there is no contract of customs.records".to_owned()));
        };
        // A row of a wide table may run a batch over its size.
        let n = BATCH_ROWS + usize_of(parser.n_entries());
        let same = |text: &str| {
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, n))) as ArrayRef
        };
        let text = || StringBuilder::with_capacity(n, n * 8);
        Ok(Self {
            n_rows: 0,
            source_file: same(label),
            currency: same(&layout.currency),
            constant_flow: parser.constant(Field::Flow).map(same),
            source_row: Int64Builder::with_capacity(n),
            entry: Int32Builder::with_capacity(n),
            year: Int32Builder::with_capacity(n),
            month: Int32Builder::with_capacity(n),
            flow: text(),
            region: text(),
            product: text(),
            hs6: text(),
            revision: text(),
            destination: text(),
            trade_mode: text(),
            ownership: text(),
            ownership_source: text(),
            firm: text(),
            firm_name: text(),
            quantity: Float64Builder::with_capacity(n),
            quantity_unit: text(),
            value: Decimal128Builder::with_capacity(n).with_data_type(Kind::Money.arrow()),
            rules: text(),
            is_excluded: BooleanBuilder::with_capacity(n),
            schema: contract.schema(),
        })
    }

    fn add(&mut self, line: u64, entry: &Entry<'_>, rules: Option<&str>, is_excluded: bool) {
        self.n_rows += 1;
        self.source_row.append_value(i64::try_from(line).unwrap_or(i64::MAX));
        self.entry.append_value(i32::try_from(entry.place).unwrap_or(i32::MAX));
        self.year.append_value(entry.year);
        self.month.append_option(entry.month);
        if self.constant_flow.is_none() {
            self.flow.append_value(&entry.flow);
        }
        self.region.append_value(&entry.region);
        self.product.append_value(entry.product.as_str());
        self.hs6.append_value(entry.hs6.as_str());
        self.revision.append_value(entry.revision.name());
        self.destination.append_option(entry.destination.as_deref());
        self.trade_mode.append_option(entry.trade_mode.as_deref());
        self.ownership.append_option(entry.ownership.as_deref());
        let source = if entry.ownership_is_fallback { "fallback" } else { "field" };
        self.ownership_source.append_option(entry.ownership.is_some().then_some(source));
        self.firm.append_option(entry.firm.as_deref());
        self.firm_name.append_option(entry.firm_name.as_deref());
        self.quantity.append_option(entry.quantity);
        self.quantity_unit.append_option(entry.quantity_unit.as_deref());
        self.value.append_value(entry.value.hundredths());
        self.rules.append_option(rules);
        self.is_excluded.append_value(is_excluded);
    }

    fn finish(&mut self) -> Result<RecordBatch, StageError> {
        let n = self.n_rows;
        self.n_rows = 0;
        let value = self.value.finish();
        value.validate_decimal_precision(MONEY.0)?;
        let source_row: Int64Array = self.source_row.finish();
        let columns: Vec<ArrayRef> = vec![
            self.source_file.slice(0, n),
            Arc::new(source_row),
            Arc::new(self.entry.finish()),
            Arc::new(self.year.finish()),
            Arc::new(self.month.finish()),
            match &self.constant_flow {
                Some(flow) => flow.slice(0, n),
                None => Arc::new(self.flow.finish()),
            },
            Arc::new(self.region.finish()),
            Arc::new(self.product.finish()),
            Arc::new(self.hs6.finish()),
            Arc::new(self.revision.finish()),
            Arc::new(self.destination.finish()),
            Arc::new(self.trade_mode.finish()),
            Arc::new(self.ownership.finish()),
            Arc::new(self.ownership_source.finish()),
            Arc::new(self.firm.finish()),
            Arc::new(self.firm_name.finish()),
            Arc::new(self.quantity.finish()),
            Arc::new(self.quantity_unit.finish()),
            Arc::new(value),
            self.currency.slice(0, n),
            Arc::new(self.rules.finish()),
            Arc::new(self.is_excluded.finish()),
        ];
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}
