//! Parts of the sums, done on other machines.

use super::super::context::{Context, Output};
use super::super::error::StageError;
use super::super::record_store::{RECORDS, RecordStore, ReportedCode};
use super::conversions::{conversions, descriptions};
use super::params::{Params, collector};
use super::sums::{AllSums, all_sums, finish};
use crate::remote::{RemoteExecutor, Task};
use lake::{DataFile, TableVersion};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use trade::Money;

/// What the records of some files are, before they are summed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reported {
    codes: BTreeMap<ReportedCode, Money>,
    /// Of each file.
    years: Vec<BTreeSet<i32>>,
}

/// What the records of the input are.
///
/// # Errors
///
/// [`StageError`] if they cannot be read.
pub(crate) fn reported(params: &Params, context: &Context<'_>) -> Result<Reported, StageError> {
    let mut found = Reported::default();
    for file in context.files_of(RECORDS)? {
        let store = RecordStore::read(context, &[file], None, collector(params, context.memory()))?;
        found.years.push(store.groups(&store.regions.in_order()).into_keys().collect());
        for (code, value) in store.reported_in_all() {
            *found.codes.entry(code).or_default() += value;
        }
    }
    Ok(found)
}

/// Sums a year of the input, when `reported` is what the records of all years are.
///
/// # Errors
///
/// [`StageError`] if they cannot be read or written.
pub(crate) fn year_alone(
    params: &Params,
    context: &Context<'_>,
    year: i32,
    reported: &BTreeMap<String, Money>,
) -> Result<AllSums, StageError> {
    let store = RecordStore::read(
        context,
        &context.files_of(RECORDS)?,
        Some(year),
        collector(params, context.memory()),
    )?;
    let of_text = |(text, &value): (&String, &Money)| (ReportedCode::from(text.clone()), value);
    let reported = reported.iter().map(of_text).collect();
    all_sums(params, context, &store, &conversions(params, &reported)?)
}

/// Files of records that another machine looks through at a time.
const FILES_OF_A_TASK: usize = 8;

/// Has other machines look through the records and sum their years.
pub(super) fn run_remotely(
    params: &Params,
    context: &Context<'_>,
    remote: &RemoteExecutor<'_>,
) -> Result<Output, StageError> {
    let records = context.input(RECORDS)?;
    let part = |files: &[DataFile]| TableVersion { files: files.to_vec(), ..records.clone() };
    let parts: Vec<TableVersion> = records.files.chunks(FILES_OF_A_TASK).map(part).collect();
    let found: Vec<Reported> =
        remote.perform(parts.iter().map(|records| Task::Reported { records: records.clone() }))?;
    let mut reported: BTreeMap<ReportedCode, Money> = BTreeMap::new();
    let mut of_year: BTreeMap<i32, Vec<DataFile>> = BTreeMap::new();
    for (part, found) in parts.iter().zip(found) {
        for (code, value) in found.codes {
            *reported.entry(code).or_default() += value;
        }
        for (file, years) in part.files.iter().zip(found.years) {
            for year in years {
                of_year.entry(year).or_default().push(file.clone());
            }
        }
    }
    let conversions = conversions(params, &reported)?;
    let reported: BTreeMap<String, Money> =
        reported.into_iter().map(|(code, value)| (code.into(), value)).collect();
    let found: Vec<AllSums> = remote.perform(of_year.iter().map(|(&year, files)| Task::Year {
        records: part(files),
        year,
        reported: reported.clone(),
    }))?;
    let mut sums = AllSums::default();
    for of_year in found {
        sums.years.extend(of_year.years);
        sums.traded.extend(of_year.traded);
        sums.regions.extend(of_year.regions);
    }
    finish(params, context, &conversions, sums, &descriptions(params)?)
}
