//! Raw files to `customs.records` (or straight to what the stage `aggregate` makes of them),
//! `customs.rejects`, `customs.reconciliation`, `customs.rules` and `customs.unmapped`.
//!
//! Files are read as blocks of whole rows, the blocks side by side, each into a Parquet file of its
//! own. Blocks and the order of their files depend on the raw files alone, not on the threads; and
//! no more of a file is in memory than the blocks being read, and what is refused until there is
//! enough to write.

mod account;
mod block;
mod gathered;
mod params;
mod raw_input;
mod reader;
mod reconciliation;
mod records;
pub(super) mod tables;

pub(crate) use self::gathered::OfFile;
pub(crate) use self::params::Params;

use self::account::{OfSource, account_for};
use self::raw_input::{RawInput, inputs, inputs_of, unreadable};
use self::reader::{RecordsTo, read};
use self::tables::{Records, Rejects};
use super::aggregate;
use super::context::{Context, Input, Made, Output};
use super::error::StageError;
use super::stage::{Also, Stage};
use super::table::Table;
use super::unit::Unit;
use crate::remote::{RemoteExecutor, Task};
use lake::Contract;
use project::pipeline::{Pipeline, Source};
use project::raw_files::RawFile;
use project::stage_name::StageName;
use serde::Serialize;
use trade::Money;

/// The stage.
pub(super) struct Ingest;

/// The stages `ingest` and `aggregate` in one go: records are summed as they are read, and not
/// kept.
pub(super) struct IngestToSums;

/// The version of the code, whether records are kept or not.
const VERSION: u32 = 7;

impl Stage for Ingest {
    const NAME: StageName = StageName::Ingest;
    const VERSION: u32 = VERSION;
    const BY_UNITS: bool = true;
    type Params = Params;

    fn is_asked(pipeline: &Pipeline) -> bool {
        pipeline.keeps_records && pipeline.stages.contains(&Self::NAME)
    }

    fn why_not(pipeline: &Pipeline) -> Option<&'static str> {
        let is_named = pipeline.stages.contains(&Self::NAME);
        (is_named && !pipeline.keeps_records).then_some("without --no-records and `records: false`")
    }

    fn params(pipeline: &Pipeline) -> Params {
        Params::from(pipeline)
    }

    fn reads(params: &Params) -> Vec<Input> {
        params.inputs()
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn units(params: &Params, context: &Context<'_>) -> Result<Option<Vec<Unit>>, StageError> {
        let raw = raw_units(params, context)?;
        Ok(Some(raw.into_iter().map(|(unit, ..)| unit).collect()))
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        let mut found: Vec<OfSource<'_>> = Vec::new();
        let mut missing = Vec::new();
        let raw = raw_units(params, context)?;
        let units: Vec<Unit> = raw.iter().map(|(unit, ..)| unit.clone()).collect();
        let kept = context.all_kept::<Vec<OfFile>>(&units)?;
        for ((unit, source, file), kept) in raw.iter().zip(kept) {
            match kept {
                Some(members) => {
                    let known = |file| OfSource { source, file, is_new: false };
                    found.extend(members.into_iter().map(known));
                }
                None => missing.push(Missing { unit, source, file }),
            }
        }
        let made = match context.remote() {
            Some(remote) => read_remotely(&missing, context, remote)?,
            None => read_here(params, &missing, context)?,
        };
        for (Missing { unit, source, .. }, members) in missing.into_iter().zip(made) {
            let files = members.iter().flat_map(OfFile::files).cloned().collect();
            context.keep(unit, files, &members)?;
            let new = |file| OfSource { source, file, is_new: true };
            found.extend(members.into_iter().map(new));
        }
        found.sort_by(|a, b| a.file.label.cmp(&b.file.label));
        let mut output = account_for(params, &found)?;
        let (mut records, mut rejects) = (Vec::new(), Vec::new());
        for OfSource { file, .. } in &found {
            records.extend(file.named(&file.records));
            rejects.extend(file.named(&file.rejects));
        }
        output.insert(Records::NAME, Made::Files(records));
        output.insert(Rejects::NAME, Made::Files(rejects));
        Ok(output)
    }
}

/// A raw file that no earlier run read as it is to be read now.
struct Missing<'u, 'p> {
    unit: &'u Unit,
    source: &'p Source,
    file: &'p RawFile,
}

/// The raw files as units, each with its source.
fn raw_units<'p>(
    params: &'p Params,
    context: &Context<'_>,
) -> Result<Vec<(Unit, &'p Source, &'p RawFile)>, StageError> {
    let mut units = Vec::new();
    for (at, source) in params.read.iter().enumerate() {
        for file in &source.files {
            units.push((params.unit(at, file, context)?, source, file));
        }
    }
    Ok(units)
}

/// Reads raw files side by side; of an archive gives what each member came to.
fn read_here(
    params: &Params,
    missing: &[Missing<'_, '_>],
    context: &Context<'_>,
) -> Result<Vec<Vec<OfFile>>, StageError> {
    let mut inputs = Vec::new();
    for (at, Missing { unit, source, file }) in missing.iter().enumerate() {
        let members = inputs_of(source, file, &context.named(unit, None))?;
        inputs.extend(members.into_iter().map(|input| (at, input)));
    }
    // In the order of their names, so that the same fault is always the one named.
    inputs.sort_by(|(_, a), (_, b)| a.item.label.cmp(&b.item.label));
    let (places, inputs): (Vec<usize>, Vec<RawInput<'_>>) = inputs.into_iter().unzip();
    let mut made: Vec<Vec<OfFile>> = missing.iter().map(|_| Vec::new()).collect();
    let read = read(&inputs, RecordsTo::Table, params.row_limit())?;
    for (at, of_file) in places.into_iter().zip(read) {
        made[at].push(of_file);
    }
    Ok(made)
}

/// What both stages depend on.
#[derive(Serialize)]
pub(super) struct BothParams {
    #[serde(flatten)]
    ingest: Params,
    #[serde(flatten)]
    aggregate: aggregate::Params,
}

impl Stage for IngestToSums {
    const NAME: StageName = StageName::Ingest;
    const VERSION: u32 = VERSION;
    const ALSO: &'static [Also] =
        &[Also { name: StageName::Aggregate, version: aggregate::VERSION }];
    type Params = BothParams;

    fn is_asked(pipeline: &Pipeline) -> bool {
        !pipeline.keeps_records && pipeline.stages.contains(&Self::NAME)
    }

    fn params(pipeline: &Pipeline) -> BothParams {
        BothParams { ingest: Params::from(pipeline), aggregate: aggregate::Params::from(pipeline) }
    }

    fn reads(params: &BothParams) -> Vec<Input> {
        params.ingest.inputs()
    }

    fn writes() -> Vec<&'static Contract> {
        [tables::accounts(), aggregate::tables::contracts()].concat()
    }

    fn run(params: &BothParams, context: &Context<'_>) -> Result<Output, StageError> {
        let BothParams { ingest: params, aggregate: of_sums } = params;
        let collector = aggregate::collector(of_sums, context.memory());
        let inputs = inputs(params, context)?;
        let (mut by_file, mut rejects) = (Vec::with_capacity(inputs.len()), Vec::new());
        let to_sums = RecordsTo::Sums(&collector);
        for (input, of_file) in inputs.iter().zip(read(&inputs, to_sums, params.row_limit())?) {
            rejects.extend(of_file.named(&of_file.rejects));
            by_file.push(OfSource { source: input.source, file: of_file, is_new: true });
        }
        let value: Money = by_file.iter().map(|of| of.file.reconciliation.value_records).sum();
        let mut output = account_for(params, &by_file)?;
        output.insert(Rejects::NAME, Made::Files(rejects));
        let store = collector.finish();
        // No check in SQL can compare the sums with records that are not there.
        let found = store.value_met();
        if found != value {
            return Err(StageError::Data(format!(
                "the records have a value of {value}, and {found} came to the sums: a fault of the program"
            )));
        }
        output.extend(aggregate::sums(of_sums, context, &store)?);
        Ok(output)
    }
}

/// Has raw files read elsewhere, an archive as one.
fn read_remotely(
    missing: &[Missing<'_, '_>],
    context: &Context<'_>,
    remote: &RemoteExecutor<'_>,
) -> Result<Vec<Vec<OfFile>>, StageError> {
    let task = |missing: &Missing<'_, '_>| {
        let file = missing.file.label.clone();
        let hash = remote.planned(&file).cloned();
        Task::Ingest { hash, file, unit: context.named(missing.unit, None).unit_name().cloned() }
    };
    remote.perform(missing.iter().map(task))
}

/// Reads one raw file, or all members of an archive.
///
/// # Errors
///
/// [`StageError`] if it is not there, or cannot be read.
pub(crate) fn run_one(
    params: &Params,
    context: &Context<'_>,
    file: &str,
) -> Result<Vec<OfFile>, StageError> {
    for source in &params.read {
        if let Some(raw) = source.files.iter().find(|raw| raw.label == file) {
            let inputs = inputs_of(source, raw, context)?;
            return read(&inputs, RecordsTo::Table, params.row_limit());
        }
    }
    let why = "the machine that was to read it does not see it: raw files must be at URLs, or in a folder that all \
               machines share";
    Err(unreadable(file, why.to_owned().into()))
}
