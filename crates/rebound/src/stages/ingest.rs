//! Raw files to `customs.records`, `customs.rejects`, `customs.reconciliation` and `customs.rules`.
//!
//! Files are read side by side, each into its own Parquet file; the order of files is that of their
//! names, so the output does not depend on the threads.

use super::rows::Rows;
use super::{Output, StageError, table};
use crate::layout_file::Csv;
use crate::pipeline::{Pipeline, RawFile, Source};
use arrow::array::RecordBatch;
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use trade::{Money, Reject, RowParser};

/// What a file came to.
#[derive(Debug)]
struct Account {
    file: String,
    layout: String,
    currency: String,
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
    /// Per rule of the layout: name, why, whether it excludes, entries, value.
    rules: Vec<(String, String, bool, u64, Money)>,
    reasons: BTreeMap<&'static str, u64>,
    first_reject: Option<String>,
}

struct Ingested {
    records: RecordBatch,
    rejects: Vec<(u64, Vec<Reject>, String)>,
    account: Account,
}

/// Reads every raw file of the pipeline.
pub(super) fn run(pipeline: &Pipeline) -> Result<Output, StageError> {
    let files: Vec<(&Source, &RawFile)> = pipeline
        .sources
        .iter()
        .flat_map(|source| source.files.iter().map(move |file| (source, file)))
        .collect();
    // Every file is read before an error is raised, so that the same file is always the one named.
    let read: Vec<Result<Ingested, StageError>> =
        files.into_par_iter().map(|(source, file)| ingest(source, file)).collect();
    let mut ingested: Vec<Ingested> = read.into_iter().collect::<Result<_, _>>()?;
    ingested.sort_by(|a, b| a.account.file.cmp(&b.account.file));

    let (mut rejects, mut accounts, mut rules) = (
        Rows::of("customs.rejects"),
        Rows::of("customs.reconciliation"),
        Rows::of("customs.rules"),
    );
    let (mut n_entries, mut n_rejected) = (0, 0);
    let mut reasons: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut records = Vec::new();
    for Ingested { records: batch, rejects: found, account } in ingested {
        records.push(vec![batch]);
        for (line, faults, raw) in &found {
            for (at, fault) in faults.iter().enumerate() {
                rejects
                    .text(&*account.file)
                    .count(usize_of(*line))
                    .int(i32::try_from(at).unwrap_or(i32::MAX))
                    .text(fault.reason.code())
                    .text(&*fault.column)
                    .text(&*fault.found)
                    .text(&**raw)
                    .count(usize_of(fault.n_entries))
                    .count(usize_of(fault.n_unreadable))
                    .money(fault.value);
            }
        }
        if let Some(first) = &account.first_reject {
            tracing::warn!(
                file = account.file,
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
            .text(&*account.file)
            .text(&*account.layout)
            .text(&*account.currency)
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
        let mut by_name: Vec<_> = account.rules.iter().collect();
        by_name.sort_by(|a, b| a.0.cmp(&b.0));
        for (rule, why, is_excluded, n, value) in by_name {
            rules
                .text(&*account.file)
                .text(&**rule)
                .text(&**why)
                .flag(*is_excluded)
                .count(usize_of(*n))
                .money(*value);
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
    output.insert("customs.records", records);
    table(&mut output, "customs.rejects", rejects)?;
    table(&mut output, "customs.reconciliation", accounts)?;
    table(&mut output, "customs.rules", rules)?;
    Ok(output)
}

fn usize_of(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The bytes of a file, unpacked if they are gzip.
fn unpack(path: &Path) -> Result<Vec<u8>, StageError> {
    let failed = |why: String| StageError::RawFile { path: path.to_owned(), why };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut text = Vec::with_capacity(bytes.len() * 5);
    MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).map_err(|error| {
        failed(format!("its gzip data are damaged or cut short ({error}); fetch it again"))
    })?;
    Ok(text)
}

/// The text as UTF-8. Bytes that are no characters become U+FFFD unless the source says it is UTF-8, where
/// they reject the row they are needed in.
fn decode(bytes: Vec<u8>, csv: &Csv) -> Vec<u8> {
    if csv.encoding == encoding_rs::UTF_8 {
        return match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => rest.to_vec(),
            None => bytes,
        };
    }
    match csv.encoding.decode(&bytes).0 {
        Cow::Owned(text) => text.into_bytes(),
        Cow::Borrowed(text) => text.as_bytes().to_vec(),
    }
}

fn ingest(
    source: &Source,
    RawFile { label: file, path }: &RawFile,
) -> Result<Ingested, StageError> {
    let failed = |why: String| StageError::RawFile { path: path.to_owned(), why };
    let (layout, csv) = (&source.layout.layout, &source.layout.csv);
    let text = decode(unpack(path)?, csv);
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(csv.delimiter)
        .quoting(csv.quote.is_some())
        .quote(csv.quote.unwrap_or(b'"'))
        .flexible(true)
        .has_headers(true)
        .from_reader(&text[..]);
    let header: Vec<String> = reader
        .byte_headers()
        .map_err(|error| failed(error.to_string()))?
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    if header.iter().all(|name| name.trim().is_empty()) {
        return Err(failed("it is empty: expected a header and rows".to_owned()));
    }
    let names: Vec<&str> = header.iter().map(String::as_str).collect();
    let parser = RowParser::new(layout, &names).map_err(|error| failed(error.to_string()))?;

    let is_excluded: Vec<bool> =
        layout.rules.iter().map(|rule| source.exclude.contains(&rule.name)).collect();
    let mut account = Account {
        file: file.clone(),
        layout: layout.name.clone(),
        currency: layout.currency.clone(),
        n_rows: 0,
        n_entries: 0,
        n_records: 0,
        n_excluded: 0,
        n_rejected: 0,
        n_empty: 0,
        n_unreadable: 0,
        value_in: Money::ZERO,
        value_records: Money::ZERO,
        value_excluded: Money::ZERO,
        value_rejected: Money::ZERO,
        rules: layout
            .rules
            .iter()
            .zip(&is_excluded)
            .map(|(rule, &out)| (rule.name.clone(), rule.why.clone(), out, 0, Money::ZERO))
            .collect(),
        reasons: BTreeMap::new(),
        first_reject: None,
    };
    let mut records = Rows::of("customs.records");
    let mut rejects = Vec::new();
    let mut record = ::csv::ByteRecord::new();
    loop {
        let is_row =
            reader.read_byte_record(&mut record).map_err(|error| failed(error.to_string()))?;
        if !is_row {
            break;
        }
        let (start, line) = record.position().map_or((0, 0), |at| (usize_of(at.byte()), at.line()));
        let row: Vec<&[u8]> = record.iter().collect();
        let outcome = parser.parse(&row);
        account.n_rows += 1;
        account.n_entries += parser.n_entries();
        account.n_empty += outcome.n_empty;
        account.value_in += outcome.value_in;
        for (at, entry) in outcome.entries.iter().enumerate() {
            let out = entry.rule.is_some_and(|rule| is_excluded[rule]);
            if out {
                account.n_excluded += 1;
                account.value_excluded += entry.value;
            } else {
                account.n_records += 1;
                account.value_records += entry.value;
            }
            if let Some(rule) = entry.rule {
                account.rules[rule].3 += 1;
                account.rules[rule].4 += entry.value;
            }
            records
                .text(file.as_str())
                .count(usize_of(line))
                .int(i32::try_from(at).unwrap_or(i32::MAX))
                .int(entry.year)
                .int(entry.month)
                .text(entry.flow)
                .text(entry.region)
                .text(&*entry.product)
                .text(entry.hs6.as_str())
                .text(entry.revision.name())
                .text(entry.destination)
                .text(entry.trade_mode)
                .text(entry.ownership)
                .text(entry.firm)
                .float(entry.quantity)
                .text(entry.quantity_unit)
                .money(entry.value)
                .text(&*layout.currency)
                .text(entry.rule.map(|rule| layout.rules[rule].name.as_str()))
                .flag(out);
        }
        if !outcome.rejects.is_empty() {
            let end = usize_of(reader.position().byte()).min(text.len());
            let raw = String::from_utf8_lossy(&text[start.min(end)..end]);
            let raw = raw.trim_matches(['\r', '\n']).to_owned();
            for fault in &outcome.rejects {
                account.n_rejected += fault.n_entries;
                account.n_unreadable += fault.n_unreadable;
                account.value_rejected += fault.value;
                *account.reasons.entry(fault.reason.code()).or_default() += fault.n_entries;
            }
            if account.first_reject.is_none() {
                let fault = &outcome.rejects[0];
                account.first_reject = Some(format!(
                    "line {line}, {} {:?}: {}",
                    fault.column, fault.found, fault.reason
                ));
            }
            rejects.push((line, outcome.rejects, raw));
        }
    }
    tracing::debug!(file, rows = account.n_rows, "read");
    Ok(Ingested { records: records.finish()?, rejects, account })
}
