//! Raw files to `customs.records` (or straight to what the stage `aggregate` makes of them),
//! `customs.rejects`, `customs.reconciliation`, `customs.rules` and `customs.unmapped`.
//!
//! Files are read as blocks of whole rows, the blocks side by side, each into a Parquet file of its
//! own. Blocks and the order of their files depend on the raw files alone, not on the threads; and
//! no more of a file is in memory than the blocks being read, and what is refused until there is
//! enough to write.

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

use self::raw_input::{RawInput, inputs, inputs_of, unreadable};
use self::reader::{RecordsTo, read};
use self::reconciliation::account_for;
use self::tables::{Records, Rejects};
use super::aggregate;
use super::context::{Context, Input, Made, Output};
use super::error::StageError;
use super::stage::{Also, Stage};
use super::table::Table;
use crate::remote::{RemoteExecutor, Task};
use lake::Contract;
use project::pipeline::Pipeline;
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

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        let inputs = inputs(params, context)?;
        let found = match context.remote() {
            Some(remote) => read_remotely(&inputs, remote)?,
            None => read(&inputs, 0, context, RecordsTo::Table, params.row_limit())?,
        };
        let (mut by_file, mut records, mut rejects) = (Vec::new(), Vec::new(), Vec::new());
        for OfFile { reconciliation, records: of_file, rejects: refused } in found {
            by_file.push(reconciliation);
            records.extend(of_file);
            rejects.extend(refused);
        }
        let mut output = account_for(params, &inputs, &by_file)?;
        output.insert(Records::NAME, Made::Files(records));
        output.insert(Rejects::NAME, Made::Files(rejects));
        Ok(output)
    }
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
        for of_file in read(&inputs, 0, context, to_sums, params.row_limit())? {
            by_file.push(of_file.reconciliation);
            rejects.extend(of_file.rejects);
        }
        let value: Money = by_file.iter().map(|found| found.value_records).sum();
        let mut output = account_for(params, &inputs, &by_file)?;
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

/// Has every raw file read elsewhere, an archive as one.
fn read_remotely(
    inputs: &[RawInput<'_>],
    remote: &RemoteExecutor<'_>,
) -> Result<Vec<OfFile>, StageError> {
    let mut tasks = Vec::new();
    let mut first = 0;
    // The members of an archive are beside each other: only their names begin with the archive's
    // and a slash.
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
    params: &Params,
    context: &Context<'_>,
    file: &str,
    first: usize,
) -> Result<Vec<OfFile>, StageError> {
    for source in &params.read {
        if let Some(raw) = source.files.iter().find(|raw| raw.label == file) {
            let inputs = inputs_of(source, raw, context)?;
            return read(&inputs, first, context, RecordsTo::Table, params.row_limit());
        }
    }
    let why = "the machine that was to read it does not see it: raw files must be at URLs, or in a folder that all \
               machines share";
    Err(unreadable(file, why.to_owned().into()))
}
