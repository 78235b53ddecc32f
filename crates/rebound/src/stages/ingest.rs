//! Raw files to `customs.records` (or straight to what the stage `aggregate` makes of them), `customs.rejects`, `customs.reconciliation`, `customs.rules` and
//! `customs.unmapped`.
//!
//! Files are read as blocks of whole rows, the blocks side by side, each into a Parquet file of its own.
//! Blocks and the order of their files depend on the raw files alone, not on the threads; and no more of
//! a file is in memory than the blocks being read, and what is refused until there is enough to write.

use super::aggregate;
use super::context::{Files, GroupWriter, Made, Output};
use super::error::StageError;
use super::packed::{CodedRows, Collector, Packer};
use super::rows::table;
use super::rows::{Rows, Words};
use super::sync::locked;
use crate::bounded::RowLimit;
use crate::input::{self, Block, BlockReader, Buffers, Item, Stored, Unreadable};
use crate::pipeline::{Pipeline, Source};
use crate::raw_files::RawFile;
use crate::remote::{RemoteExecutor, Task};
use crate::suggest::suggest;
use arrow::array::Array;
use lake::{Cells, Codes, DataFile, GROUP_ROWS};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use trade::Column;
use trade::coded::Dictionaries;
use trade::layout::Field;
use trade::row::HeaderError;
use trade::text::Rows as TextRows;
use trade::{
    CodedBatch, CodedEntry, CodedParser, CodedSink, Layout, Money, NO_CODE, Reject, RejectReason,
    RowBatch, RowParser, RowTexts,
};

/// A raw file on its way.
struct RawInput<'p> {
    source: &'p Source,
    /// The raw file that the item is, or is in.
    file: &'p str,
    item: Item,
    state: Mutex<State>,
}

/// What the blocks of a file came to, put together in their order, however they come.
struct Gathered<'a> {
    files: &'a Files<'a>,
    /// Of its file of refused rows.
    name: String,
    /// The block that is next, and how many there are, once that is known.
    next: usize,
    n_blocks: Option<usize>,
    /// Those after it.
    waiting: BTreeMap<usize, Done>,
    account: Account,
    records: Vec<DataFile>,
    /// What is written next.
    refused: Rows,
    writer: Option<GroupWriter<'a>>,
    rejects: Option<DataFile>,
}

impl<'a> Gathered<'a> {
    /// Nothing yet, of the raw file with this number.
    fn new(files: &'a Files<'a>, number: usize) -> Self {
        Self {
            files,
            name: format!("part-{number:05}.parquet"),
            next: 0,
            n_blocks: None,
            waiting: BTreeMap::new(),
            account: Account::default(),
            records: Vec::new(),
            refused: Rows::of(REJECTS),
            writer: None,
            rejects: None,
        }
    }

    fn add(&mut self, block: usize, done: Done) -> Result<(), StageError> {
        self.waiting.insert(block, done);
        while let Some(Done { account, records, refused }) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.account.add(account);
            self.records.extend(records);
            self.refused.append(refused);
            if self.refused.n_rows() >= REFUSED || self.refused.n_bytes() >= REFUSED_BYTES {
                self.write()?;
            }
        }
        self.close()
    }

    /// The file has so many blocks.
    fn end(&mut self, n_blocks: usize) -> Result<(), StageError> {
        self.n_blocks = Some(n_blocks);
        self.close()
    }

    fn write(&mut self) -> Result<(), StageError> {
        let writer = self.files.opened(&mut self.writer, REJECTS, &self.name)?;
        self.refused.write(writer)?;
        // Their texts are not those of the next.
        self.refused = Rows::of(REJECTS);
        Ok(())
    }

    /// Writes the rest, if all is there.
    fn close(&mut self) -> Result<(), StageError> {
        if self.n_blocks != Some(self.next) {
            return Ok(());
        }
        if self.refused.n_rows() > 0 {
            self.write()?;
        }
        self.rejects = self.writer.take().map(GroupWriter::finish).transpose()?;
        Ok(())
    }
}

enum State {
    Closed,
    Open { reader: Box<BlockReader>, fitted: Arc<Fitted>, n_blocks: usize },
    Done,
}

/// Rows whose texts are looked up together: few enough for their fields to stay in the processor's cache.
const LOOKED_UP: usize = 128;

/// Rows that are summed together, where they are read one by one: few enough to stay in the processor's cache.
const SUMMED: usize = 4096;

/// Bytes of a block whose records are not kept: few enough to stay there too.
const SUMMED_BYTES: usize = 2 << 20;

/// Refused rows after which they are written, or bytes of their texts.
const REFUSED: usize = 1 << 16;
const REFUSED_BYTES: usize = 16 << 20;

const REJECTS: &str = "customs.rejects";

/// Bytes of texts after which a file's are forgotten and learned anew.
const MOST_REMEMBERED: usize = 64 << 20;

/// What all blocks of a file share, and often those of others.
#[derive(PartialEq)]
struct Fitted {
    layout: Layout,
    header: Vec<String>,
    encoding: &'static encoding_rs::Encoding,
}

/// A block, the file it is of, and its place there.
struct BlockTask {
    file: usize,
    at: usize,
    block: Block,
    fitted: Arc<Fitted>,
}

/// By text without a meaning: what it became, entries, value.
type Unmapped = BTreeMap<String, (String, u64, Money)>;

/// What rows came to.
#[derive(Debug, Default, Serialize, Deserialize)]
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
    reasons: BTreeMap<Cow<'static, str>, u64>,
    /// By field.
    unmapped: BTreeMap<Cow<'static, str>, Unmapped>,
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
    refused: Rows,
}

/// Where records go.
#[derive(Debug, Clone, Copy)]
enum RecordsTo<'a> {
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
}

/// What a raw file came to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OfFile {
    account: Account,
    records: Vec<DataFile>,
    rejects: Vec<DataFile>,
}

/// Reads every raw file of the pipeline.
pub(super) fn run(pipeline: &Pipeline, files: &Files<'_>) -> Result<Output, StageError> {
    let inputs = inputs(pipeline, files)?;
    let found = match &files.remote {
        Some(remote) => read_remotely(&inputs, remote)?,
        None => read(&inputs, 0, files, RecordsTo::Table, row_limit(pipeline))?,
    };
    let (mut by_file, mut records, mut rejects) = (Vec::new(), Vec::new(), Vec::new());
    for OfFile { account, records: of_file, rejects: refused } in found {
        by_file.push(account);
        records.extend(of_file);
        rejects.extend(refused);
    }
    let mut output = account_for(pipeline, &inputs, by_file)?;
    output.insert("customs.records", Made::Files(records));
    output.insert(REJECTS, Made::Files(rejects));
    Ok(output)
}

/// Reads every raw file of the pipeline and sums its records, which are not kept.
pub(super) fn run_to_sums(pipeline: &Pipeline, files: &Files<'_>) -> Result<Output, StageError> {
    let collector = aggregate::collector(pipeline)?;
    let inputs = inputs(pipeline, files)?;
    let (mut by_file, mut rejects) = (Vec::with_capacity(inputs.len()), Vec::new());
    for of_file in read(&inputs, 0, files, RecordsTo::Sums(&collector), row_limit(pipeline))? {
        by_file.push(of_file.account);
        rejects.extend(of_file.rejects);
    }
    let value: Money = by_file.iter().map(|account| account.value_records).sum();
    let mut output = account_for(pipeline, &inputs, by_file)?;
    output.insert(REJECTS, Made::Files(rejects));
    let packed = collector.finish();
    // No check in SQL can compare the sums with records that are not there.
    let found = packed.value_met();
    if found != value {
        return Err(StageError::Data(format!(
            "the records have a value of {value}, and {found} came to the sums: a fault of the program"
        )));
    }
    output.extend(aggregate::sums(pipeline, files, &packed)?);
    Ok(output)
}

/// Has every raw file read elsewhere, an archive as one.
fn read_remotely(
    inputs: &[RawInput<'_>],
    remote: &RemoteExecutor<'_>,
) -> Result<Vec<OfFile>, StageError> {
    let mut tasks = Vec::new();
    let mut first = 0;
    // The members of an archive are beside each other: only their names begin with the archive's and a slash.
    for of_file in inputs.chunk_by(|a, b| a.file == b.file) {
        let file = of_file[0].file.to_owned();
        tasks.push(Task::Ingest { hash: remote.planned(&file).cloned(), file, first });
        first += of_file.len();
    }
    let found: Vec<Vec<OfFile>> = remote.perform(tasks)?;
    Ok(found.into_iter().flatten().collect())
}

/// Reads one raw file, or all members of an archive, of which the first has this number among all.
///
/// # Errors
///
/// [`StageError`] if it is not there, or cannot be read.
pub(crate) fn run_one(
    pipeline: &Pipeline,
    files: &Files<'_>,
    file: &str,
    first: usize,
) -> Result<Vec<OfFile>, StageError> {
    for source in &pipeline.sources {
        if let Some(raw) = source.files.iter().find(|raw| raw.label == file) {
            let inputs = inputs_of(source, raw, files)?;
            return read(&inputs, first, files, RecordsTo::Table, row_limit(pipeline));
        }
    }
    let why = "the machine that was to read it does not see it: raw files must be at URLs, or in a folder that all \
               machines share";
    Err(unreadable(file, why.to_owned().into()))
}

fn unreadable(file: &str, fault: Unreadable) -> StageError {
    StageError::RawFile { path: PathBuf::from(file), fault }
}

fn row_limit(pipeline: &Pipeline) -> RowLimit {
    RowLimit { mib: pipeline.config.ingest.max_row_mib, setting: Some("ingest.max_row_mib") }
}

fn inputs_of<'p>(
    source: &'p Source,
    file: &'p RawFile,
    files: &Files<'_>,
) -> Result<Vec<RawInput<'p>>, StageError> {
    let items =
        input::items(file, &files.runtime).map_err(|error| unreadable(&file.label, error))?;
    let input =
        |item| RawInput { source, file: &file.label, item, state: Mutex::new(State::Closed) };
    Ok(items.into_iter().map(input).collect())
}

/// The raw files, in the order of their names.
fn inputs<'p>(pipeline: &'p Pipeline, files: &Files<'_>) -> Result<Vec<RawInput<'p>>, StageError> {
    let mut inputs = Vec::new();
    for source in &pipeline.sources {
        for file in &source.files {
            inputs.extend(inputs_of(source, file, files)?);
        }
    }
    inputs.sort_by(|a, b| a.item.label.cmp(&b.item.label));
    Ok(inputs)
}

/// Reads raw files, of which the first has the number `first`.
fn read(
    inputs: &[RawInput<'_>],
    first: usize,
    files: &Files<'_>,
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
            .map(|number| Mutex::new(Gathered::new(files, number)))
            .collect(),
        first,
        files,
        records_to,
        next: Mutex::new(0),
        fitted: Mutex::default(),
        buffers,
        spare: Mutex::default(),
        errors: Mutex::default(),
    };
    // One turn for each thread, and no more: what waits for columns to be written must not begin another.
    rayon::broadcast(|_| work.run());
    let Reader { gathered, errors, .. } = work;
    // In the order of the files, so the same fault is always the one named.
    if let Some((_, error)) =
        errors.into_inner().unwrap_or_else(PoisonError::into_inner).pop_first()
    {
        return Err(error);
    }
    let of_file = |gathered: Mutex<Gathered<'_>>| {
        let Gathered { account, records, rejects, .. } =
            gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        OfFile { account, records, rejects: rejects.into_iter().collect() }
    };
    Ok(gathered.into_iter().map(of_file).collect())
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
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for (RawInput { source, item, .. }, account) in inputs.iter().zip(&by_file) {
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
                    .text(&**field)
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

/// The files, and what is done of them.
struct Reader<'a> {
    inputs: &'a [RawInput<'a>],
    /// The number of the first of them among all raw files.
    first: usize,
    files: &'a Files<'a>,
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
    spare: Mutex<Vec<Records>>,
    /// By file and block.
    errors: Mutex<BTreeMap<(usize, usize), StageError>>,
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
            let names: Vec<&str> = fitted.header.iter().map(String::as_str).collect();
            let rows = match RowParser::new(&fitted.layout, &names) {
                Ok(rows) => rows,
                Err(error) => {
                    let error = self.header_failed(*file, &error, &names);
                    self.put(*file, 0, Err(error));
                    tasks.next();
                    continue;
                }
            };
            let mut parser = CodedParser::new(&rows, self.records_to.columns());
            let mut packer = Packer::default();
            let mut last = None;
            while parser.n_bytes() <= MOST_REMEMBERED
                && let Some(task) = tasks.next_if(|task| Arc::ptr_eq(&task.fitted, &fitted))
            {
                let result = self.read(&task, &mut parser, &mut packer);
                self.buffers.recycle(task.block);
                self.put(task.file, task.at, result);
                last = Some((task.file, task.at));
            }
            if let (RecordsTo::Sums(collector), Some((file, at))) = (self.records_to, last)
                && let Err(error) = packer.hand_over(collector)
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
    fn header_failed(&self, file: usize, error: &HeaderError, names: &[&str]) -> StageError {
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
            let reader = item.open(&source.layout.format, &self.buffers).map_err(|error| {
                *state = State::Done;
                (0, unreadable(&item.label, error))
            })?;
            let layout = source.layout.for_file(&item.label).map_err(|why| {
                *state = State::Done;
                (0, failed(why))
            })?;
            let names: Vec<&str> = reader.header().iter().map(String::as_str).collect();
            if let Err(error) = RowParser::new(&layout, &names) {
                *state = State::Done;
                return Err((0, self.header_failed(file, &error, &names)));
            }
            let fitted = self.shared(Fitted {
                layout,
                header: reader.header().to_vec(),
                encoding: reader.encoding(),
            });
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
        packer: &mut Packer,
    ) -> Result<Done, StageError> {
        let RawInput { source, item, .. } = &self.inputs[task.file];
        let failed = |why: String| unreadable(&item.label, why.into());
        let Fitted { layout, header, encoding } = &*task.fitted;
        let name = format!("part-{:05}-{:05}.parquet", self.first + task.file, task.at);
        let mut reading = Reading {
            label: &item.label,
            layout,
            excluded: layout
                .rules
                .iter()
                .enumerate()
                .filter(|(_, rule)| source.exclude.contains(&rule.name))
                .fold(0, |mask, (at, _)| mask | 1 << at),
            counts: Vec::new(),
            last: 0,
            rule_names: Vec::new(),
            line: 0,
            n_rejects: 0,
            fresh: Vec::new(),
            account: Account {
                rules: vec![(0, Money::ZERO); layout.rules.len()],
                ..Account::default()
            },
            counted: Vec::new(),
            records: locked(&self.spare).pop().unwrap_or_else(|| Records {
                columns: self.records_to.columns(),
                is_written: matches!(self.records_to, RecordsTo::Table),
                ..Records::default()
            }),
            refused: Rows::of(REJECTS),
        };
        let n_kept = match self.records_to {
            RecordsTo::Table => GROUP_ROWS,
            RecordsTo::Sums(_) => SUMMED,
        };
        let mut writer = None;
        match &task.block {
            Block::Text { text, line, dialect, has_nul } => {
                let has_nul = *has_nul;
                let text = decode(text, encoding);
                let mut rows = TextRows::new(&text, *dialect, *line);
                let mut batch = RowBatch::new(&rows);
                loop {
                    batch.fill(&mut rows, LOOKED_UP);
                    if batch.rows().is_empty() {
                        break;
                    }
                    parser.look_up(&batch);
                    let is_sound = !has_nul && !batch.rows().iter().any(|row| row.is_unclosed);
                    match (parser.batch(&batch).filter(|_| is_sound), self.records_to) {
                        (Some(entries), RecordsTo::Table) => {
                            let lines = batch.rows().iter().map(|row| row.line);
                            reading.count_all(&entries);
                            reading.records.extend(&entries, lines, &reading.counted);
                        }
                        (Some(entries), RecordsTo::Sums(collector)) => {
                            reading.count_all(&entries);
                            packer.pack(&Counted(entries, &reading.counted), collector)?;
                        }
                        (None, _) => reading.rows(parser, &batch, has_nul),
                    }
                    if reading.records.n_rows() >= n_kept {
                        self.keep(&mut writer, &name, &mut reading, parser, packer)?;
                    }
                }
            }
            Block::Table { rows, row, stored } => {
                let mut columns = input::texts(rows, stored).map_err(failed)?;
                let places = parser.rows();
                for at in places.value_columns().filter(|&at| stored[at] == Stored::Single) {
                    columns[at] = input::as_decimals(&columns[at]);
                }
                for at in
                    places.columns_of(Field::Product).filter(|&at| stored[at] == Stored::Single)
                {
                    columns[at] = input::without_long_codes(&columns[at]);
                }
                let numbers = places.value_columns().chain(places.columns_of(Field::Quantity));
                let numbers = numbers.map(|at| (at, layout.money.decimal));
                // Points are left out of codes, and a number has lost the zeros that its code ends with: 8517.1 may
                // be 8517.10. No code has a comma.
                let codes = places.columns_of(Field::Product).map(|at| (at, b','));
                for (at, mark) in numbers.chain(codes) {
                    let is_number = matches!(stored[at], Stored::Number | Stored::Single);
                    if is_number && mark != b'.' {
                        columns[at] = input::with_mark(&columns[at], mark);
                    }
                }
                let mut fields: Vec<Cow<'_, [u8]>> = Vec::with_capacity(LOOKED_UP * header.len());
                for first in (0..rows.num_rows()).step_by(LOOKED_UP) {
                    let last = (first + LOOKED_UP).min(rows.num_rows());
                    fields.clear();
                    for at in first..last {
                        fields.extend(columns.iter().map(|column| {
                            Cow::Borrowed(if column.is_valid(at) { column.value(at) } else { b"" })
                        }));
                    }
                    let texts: Vec<&[Cow<'_, [u8]>]> = fields.chunks(columns.len()).collect();
                    parser.look_up(&texts[..]);
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
                        self.keep(&mut writer, &name, &mut reading, parser, packer)?;
                    }
                }
            }
        }
        if reading.records.n_rows() > 0 {
            self.keep(&mut writer, &name, &mut reading, parser, packer)?;
        }
        let (account, records, refused) = reading.accounted();
        locked(&self.spare).push(records);
        tracing::debug!(file = item.label, block = task.at, rows = account.n_rows, "read");
        let records = writer.map(GroupWriter::finish).transpose()?;
        Ok(Done { account, records, refused })
    }

    /// Brings the records read so far to where they go.
    fn keep<'s>(
        &'s self,
        writer: &mut Option<GroupWriter<'s>>,
        name: &str,
        reading: &mut Reading<'_>,
        parser: &CodedParser<'_, '_>,
        packer: &mut Packer,
    ) -> Result<(), StageError> {
        let Reading { label, layout, records, rule_names, .. } = reading;
        if let RecordsTo::Sums(collector) = self.records_to {
            packer.pack(&(&*records, parser.dictionaries()), collector)?;
        } else {
            let writer = self.files.opened(writer, "customs.records", name)?;
            records.write(writer, label, &layout.currency, parser.dictionaries(), rule_names)?;
        }
        records.clear();
        Ok(())
    }
}

/// What is wrong with a header, and the name in it that comes closest to what was expected.
fn header_fault(error: &HeaderError, names: &[&str]) -> String {
    let closest = match error {
        HeaderError::NoColumn { expected, .. } => expected
            .split(" or ")
            .map(|name| suggest(name, names.iter().copied()))
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

/// The entries that the same rules cover.
struct Covered {
    rules: u64,
    is_excluded: bool,
    /// Of the rules' names; [`NO_CODE`] for no rule.
    code: u32,
    n: u64,
    value: Money,
}

/// Rows of a block, on their way into tables.
struct Reading<'a> {
    label: &'a str,
    layout: &'a Layout,
    /// The rules whose entries are excluded.
    excluded: u64,
    /// Entries by the rules that cover them, and the place of the last that was counted.
    counts: Vec<Covered>,
    last: usize,
    /// The names of the rules of each that has a code.
    rule_names: Vec<String>,
    line: u64,
    n_rejects: i32,
    /// Rejects of the row being read, until its text is put beside them.
    fresh: Vec<Reject>,
    account: Account,
    /// Of each entry of a batch whether a rule excludes it, and the code of the rules' names.
    counted: Vec<(bool, u32)>,
    records: Records,
    refused: Rows,
}

impl Reading<'_> {
    /// Reads the rows of the batch that was looked up, one after the other.
    fn rows(&mut self, parser: &mut CodedParser<'_, '_>, batch: &RowBatch<'_>, has_nul: bool) {
        for (at, row) in batch.rows().iter().enumerate() {
            self.line = row.line;
            let damage = if row.is_unclosed {
                Some((RejectReason::UnclosedQuote, "a quote that does not close"))
            } else if has_nul && memchr::memchr(0, row.raw).is_some() {
                Some((RejectReason::NulByte, "a NUL byte"))
            } else {
                None
            };
            let raw = || String::from_utf8_lossy(row.raw);
            self.row(parser, at, batch, damage, raw);
        }
    }

    /// Reads the row at a place of the batch that was looked up; `raw` gives its text if it must be kept.
    fn row<'t>(
        &mut self,
        parser: &mut CodedParser<'_, '_>,
        at: usize,
        rows: &(impl RowTexts + ?Sized),
        damage: Option<(RejectReason, &str)>,
        raw: impl FnOnce() -> Cow<'t, str>,
    ) {
        self.account.n_rows += 1;
        self.account.n_entries += parser.rows().n_entries();
        match damage {
            None => {
                let counts = parser.parse(at, rows, self);
                self.account.n_empty += counts.n_empty;
                self.account.value_in += counts.value_in;
            }
            Some((reason, found)) => {
                self.reject(parser.rows().refusal(reason, found.to_owned()));
            }
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
            *account.reasons.entry(Cow::Borrowed(fault.reason.code())).or_default() +=
                fault.n_entries;
            if account.first_reject.is_none() {
                account.first_reject = Some(format!(
                    "line {}, {} {:?}: {}",
                    self.line, fault.column, fault.found, fault.reason
                ));
            }
            self.n_rejects += 1;
            self.refused
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

impl Reading<'_> {
    /// Counts an entry that `rules` cover: whether it is excluded, and the code of the rules' names.
    fn count(&mut self, value: Money, rules: u64) -> (bool, u32) {
        let is_last = self.counts.get(self.last).is_some_and(|counts| counts.rules == rules);
        if !is_last {
            self.last = self.place_of(rules);
        }
        let counts = &mut self.counts[self.last];
        counts.n += 1;
        counts.value += value;
        (counts.is_excluded, counts.code)
    }

    /// The place of the entries that `rules` cover among those that are counted together.
    #[cold]
    fn place_of(&mut self, rules: u64) -> usize {
        if let Some(at) = self.counts.iter().position(|counts| counts.rules == rules) {
            return at;
        }
        let code = if rules == 0 {
            NO_CODE
        } else {
            let covers = |at: usize| rules & 1 << at != 0;
            let of_mask = self.layout.rules.iter().enumerate().filter(|(at, _)| covers(*at));
            let names: Vec<_> = of_mask.map(|(_, rule)| rule.name.as_str()).collect();
            self.rule_names.push(names.join(","));
            u32::try_from(self.rule_names.len() - 1).unwrap_or(NO_CODE)
        };
        let is_excluded = rules & self.excluded != 0;
        self.counts.push(Covered { rules, is_excluded, code, n: 0, value: Money::ZERO });
        self.counts.len() - 1
    }

    /// What the rows came to.
    fn accounted(self) -> (Account, Records, Rows) {
        let mut account = self.account;
        for Covered { rules, is_excluded, n, value, .. } in self.counts {
            if is_excluded {
                account.n_excluded += n;
                account.value_excluded += value;
            } else {
                account.n_records += n;
                account.value_records += value;
            }
            for (at, sum) in account.rules.iter_mut().enumerate() {
                if rules & 1 << at != 0 {
                    sum.0 += n;
                    sum.1 += value;
                }
            }
        }
        (account, self.records, self.refused)
    }

    /// Counts rows of one entry each.
    fn count_all(&mut self, entries: &CodedBatch<'_>) {
        let n = entries.value.len() as u64;
        self.account.n_rows += n;
        self.account.n_entries += n;
        self.counted.clear();
        let mut value_in = Money::ZERO;
        for (&value, &rules) in entries.value.iter().zip(entries.rules) {
            value_in += value;
            let counted = self.count(value, rules);
            self.counted.push(counted);
        }
        self.account.value_in += value_in;
    }
}

impl CodedSink for Reading<'_> {
    fn entry(&mut self, entry: &CodedEntry) {
        let (is_excluded, rules) = self.count(entry.value, entry.rules);
        self.records.add(self.line, entry, rules, is_excluded);
    }

    fn reject(&mut self, reject: Reject) {
        self.fresh.push(reject);
    }

    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money) {
        let sums = self.account.unmapped.entry(Cow::Borrowed(field.name())).or_default();
        let sum = match sums.get_mut(text) {
            Some(sum) => sum,
            None => sums.entry(text.to_owned()).or_insert((code.to_owned(), 0, Money::ZERO)),
        };
        sum.1 += n_entries;
        sum.2 += value;
    }
}

/// Rows of `customs.records`, by column, with codes for texts.
#[derive(Default)]
struct Records {
    /// The columns that are kept, and whether what nobody sums is kept too.
    columns: [bool; Column::ALL.len()],
    is_written: bool,
    source_row: Vec<i64>,
    entry: Vec<u32>,
    /// The years met, and the place of each row's among them.
    years: Vec<i32>,
    year: Vec<u32>,
    month: Vec<u32>,
    codes: [Vec<u32>; Column::ALL.len()],
    ownership_source: Vec<u32>,
    quantity: Vec<f64>,
    value: Vec<i128>,
    rules: Vec<u32>,
    is_excluded: Vec<Option<bool>>,
}

/// Where the ownership of a record is from, by code.
const OWNERSHIP_SOURCES: [&str; 2] = ["field", "fallback"];

impl Records {
    fn add(&mut self, line: u64, entry: &CodedEntry, rules: u32, is_excluded: bool) {
        let year = self.year_code(entry.year);
        self.year.push(year);
        self.month.push(entry.month.checked_sub(1).unwrap_or(NO_CODE));
        for ((column, code), is_kept) in self.codes.iter_mut().zip(entry.codes).zip(self.columns) {
            if is_kept {
                column.push(code);
            }
        }
        self.value.push(entry.value.hundredths());
        self.is_excluded.push(Some(is_excluded));
        if !self.is_written {
            return;
        }
        self.source_row.push(i64::try_from(line).unwrap_or(i64::MAX));
        self.entry.push(u32::try_from(entry.place).unwrap_or(NO_CODE));
        let has_ownership = entry.codes[Column::Ownership as usize] != NO_CODE;
        let source = u32::from(entry.ownership_is_fallback);
        self.ownership_source.push(if has_ownership { source } else { NO_CODE });
        self.quantity.push(entry.quantity.unwrap_or(f64::NAN));
        self.rules.push(rules);
    }

    /// Adds rows on these lines by column, to be written.
    fn extend(
        &mut self,
        entries: &CodedBatch<'_>,
        lines: impl Iterator<Item = u64>,
        counted: &[(bool, u32)],
    ) {
        for &year in entries.year {
            let code = self.year_code(year.cast_signed());
            self.year.push(code);
        }
        let month = |&month: &u32| if month == NO_CODE { NO_CODE } else { month - 1 };
        self.month.extend(entries.month.iter().map(month));
        for (column, codes) in self.codes.iter_mut().zip(entries.codes) {
            column.extend_from_slice(codes);
        }
        self.value.extend(entries.value.iter().map(|value| value.hundredths()));
        self.is_excluded.extend(counted.iter().map(|(is_excluded, _)| Some(*is_excluded)));
        self.rules.extend(counted.iter().map(|(_, rules)| *rules));
        self.source_row.extend(lines.map(|line| i64::try_from(line).unwrap_or(i64::MAX)));
        self.entry.resize(self.source_row.len(), 0);
        let owners = entries.codes[Column::Ownership as usize].iter().zip(entries.ownership_at);
        self.ownership_source.extend(
            owners.map(|(&owner, &at)| if owner == NO_CODE { NO_CODE } else { u32::from(at > 0) }),
        );
        self.quantity.extend_from_slice(entries.quantity);
    }

    fn year_code(&mut self, year: i32) -> u32 {
        let at = self.years.iter().rposition(|&known| known == year).unwrap_or_else(|| {
            self.years.push(year);
            self.years.len() - 1
        });
        u32::try_from(at).unwrap_or(NO_CODE)
    }

    fn n_rows(&self) -> usize {
        self.value.len()
    }

    /// Writes the rows as one group.
    fn write(
        &self,
        writer: &mut GroupWriter<'_>,
        label: &str,
        currency: &str,
        texts: &Dictionaries,
        rule_names: &Vec<String>,
    ) -> Result<(), StageError> {
        let n = self.n_rows();
        let Self { codes, .. } = self;
        let words = Column::ALL.map(|column| Words(texts.of(column)));
        let text = |column: Column| Cells::Texts(&words[column as usize], &codes[column as usize]);
        let sources = OWNERSHIP_SOURCES.to_vec();
        let months: Vec<i32> = (1..=12).collect();
        let n_entries = self.entry.iter().max().map_or(0, |last| last + 1);
        let places: Vec<i32> = (0..i32::try_from(n_entries).unwrap_or(i32::MAX)).collect();
        // The columns of the contract, in its order.
        let cells = [
            Cells::Same(Some(label)),
            Cells::Counts(&self.source_row),
            Cells::Ints(&places, &self.entry),
            Cells::Ints(&self.years, &self.year),
            Cells::Ints(&months, &self.month),
            text(Column::Flow),
            text(Column::Region),
            text(Column::Product),
            text(Column::Hs6),
            text(Column::Revision),
            text(Column::Destination),
            text(Column::TradeMode),
            text(Column::Ownership),
            Cells::Texts(&sources, &self.ownership_source),
            text(Column::Firm),
            text(Column::FirmName),
            Cells::Floats(&self.quantity),
            text(Column::QuantityUnit),
            Cells::Money(&self.value),
            Cells::Same(Some(currency)),
            Cells::Texts(rule_names, &self.rules),
            Cells::Flags(&self.is_excluded),
        ];
        writer.write(n, &cells)
    }

    fn clear(&mut self) {
        self.source_row.clear();
        self.entry.clear();
        self.year.clear();
        self.month.clear();
        self.codes.iter_mut().for_each(Vec::clear);
        self.ownership_source.clear();
        self.quantity.clear();
        self.value.clear();
        self.rules.clear();
        self.is_excluded.clear();
    }
}

/// Entries that are packed as they are, and what was counted of each.
struct Counted<'a>(CodedBatch<'a>, &'a [(bool, u32)]);

impl CodedRows for Counted<'_> {
    fn n_rows(&self) -> usize {
        self.1.len()
    }

    fn years(&self) -> impl Fn(usize) -> i32 {
        |row| self.0.year[row].cast_signed()
    }

    fn months(&self) -> impl Fn(usize) -> u32 {
        |row| if self.0.month[row] == NO_CODE { 0 } else { self.0.month[row] }
    }

    fn values(&self) -> impl Fn(usize) -> i128 {
        |row| self.0.value[row].hundredths()
    }

    fn excluded(&self) -> impl Fn(usize) -> bool {
        |row| self.1[row].0
    }

    fn codes(&self, column: Column) -> Codes<'_> {
        Codes::Each(&self.0.codes[column as usize])
    }

    fn text(&self, column: Column, code: u32) -> &str {
        self.0.dictionaries.of(column).text(code)
    }
}

/// Rows, and the texts of their codes.
impl CodedRows for (&Records, &Dictionaries) {
    fn n_rows(&self) -> usize {
        self.0.n_rows()
    }

    fn years(&self) -> impl Fn(usize) -> i32 {
        |row| self.0.years[self.0.year[row] as usize]
    }

    fn months(&self) -> impl Fn(usize) -> u32 {
        // The code of no month is the last number.
        |row| self.0.month[row].wrapping_add(1)
    }

    fn values(&self) -> impl Fn(usize) -> i128 {
        |row| self.0.value[row]
    }

    fn excluded(&self) -> impl Fn(usize) -> bool {
        |row| self.0.is_excluded[row] == Some(true)
    }

    fn codes(&self, column: Column) -> Codes<'_> {
        Codes::Each(&self.0.codes[column as usize])
    }

    fn text(&self, column: Column, code: u32) -> &str {
        self.1.of(column).text(code)
    }
}
