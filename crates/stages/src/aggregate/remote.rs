//! Parts of the sums, done on other machines.

use super::super::context::Context;
use super::super::error::StageError;
use super::super::record_store::{FileCodes, RECORDS, RecordStore, ReportedCode};
use super::conversions::conversions;
use super::harmonizer::{YearContexts, YearSums};
use super::params::{Params, collector};
use super::sums::sum;
use super::year::Year;
use crate::remote::{RemoteExecutor, Task};
use lake::{DataFile, TableVersion};
use std::collections::{BTreeMap, BTreeSet};
use trade::Money;

/// What the records of each file of the input are.
///
/// # Errors
///
/// [`StageError`] if they cannot be read.
pub(crate) fn reported(
    params: &Params,
    context: &Context<'_>,
) -> Result<Vec<FileCodes>, StageError> {
    let of = context.files_of(RECORDS)?;
    Ok(RecordStore::read(context, &of, None, collector(params, context.memory()))?.1)
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
) -> Result<Vec<YearSums>, StageError> {
    let of = context.files_of(RECORDS)?;
    let collector = collector(params, context.memory());
    let (store, _) = RecordStore::read(context, &of, Some(BTreeSet::from([year])), collector)?;
    let of_text = |(text, &value): (&String, &Money)| (ReportedCode::from(text.clone()), value);
    let reported = reported.iter().map(of_text).collect();
    let contexts = YearContexts::ByYear(BTreeMap::from([(year, context.clone())]));
    sum(params, &contexts, &store, &conversions(params, &reported)?)
}

/// Files of records that another machine looks through at a time.
const FILES_OF_A_TASK: usize = 8;

/// Has other machines look through records.
pub(super) fn look_remotely(
    context: &Context<'_>,
    files: &[DataFile],
    remote: &RemoteExecutor<'_>,
) -> Result<Vec<FileCodes>, StageError> {
    let records = context.described(RECORDS)?;
    let part = |files: &[DataFile]| Task::Reported {
        records: TableVersion { files: files.to_vec(), ..records.clone() },
    };
    let found: Vec<Vec<FileCodes>> = remote.perform(files.chunks(FILES_OF_A_TASK).map(part))?;
    Ok(found.into_iter().flatten().collect())
}

/// Has other machines sum years.
pub(super) fn sum_remotely(
    context: &Context<'_>,
    years: &[&Year],
    reported: &BTreeMap<ReportedCode, Money>,
    remote: &RemoteExecutor<'_>,
) -> Result<Vec<YearSums>, StageError> {
    let records = context.described(RECORDS)?;
    let reported: BTreeMap<String, Money> =
        reported.iter().map(|(code, &value)| (code.clone().into(), value)).collect();
    let found: Vec<Vec<YearSums>> = remote.perform(years.iter().map(|of| Task::Year {
        records: TableVersion { files: of.files.clone(), ..records.clone() },
        year: of.year,
        reported: reported.clone(),
        unit: context.named(&of.unit, Some(&of.unit.name)).unit_name().cloned(),
    }))?;
    Ok(found.into_iter().flatten().collect())
}
