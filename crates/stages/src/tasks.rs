//! Doing parts of stages for another machine.

use crate::aggregate;
use crate::context::{Context, Input};
use crate::error::StageError;
use crate::ingest;
use crate::remote::Task;
use crate::unit::UnitName;
use lake::{Lake, TableVersion};
use project::pipeline::Pipeline;
use std::collections::BTreeMap;
use tokio::runtime::Handle;

/// Does a task that is a part of a stage of `pipeline`, writing `drafts`; gives what it came to, as
/// JSON.
/// `None` if it is no stage's.
///
/// # Errors
///
/// [`StageError`].
pub fn perform(
    task: &Task,
    pipeline: &Pipeline,
    lake: &Lake,
    runtime: Handle,
    drafts: &BTreeMap<String, TableVersion>,
) -> Result<Option<String>, StageError> {
    let memory = pipeline.config.engine.memory();
    let context = Context::new(lake, runtime, memory, drafts.clone());
    let found = match task {
        Task::Ingest { file, unit, .. } => {
            let params = ingest::Params::from(pipeline);
            let context = named(context, unit.as_ref());
            serde_json::to_string(&ingest::run_one(&params, &context, file)?)?
        }
        Task::Reported { records } => {
            let params = aggregate::Params::from(pipeline);
            let context = reading(context, records);
            serde_json::to_string(&aggregate::reported(&params, &context)?)?
        }
        Task::Year { records, year, reported, unit } => {
            let params = aggregate::Params::from(pipeline);
            let context = named(reading(context, records), unit.as_ref());
            serde_json::to_string(&aggregate::year_alone(&params, &context, *year, reported)?)?
        }
        Task::Sql { .. } => return Ok(None),
    };
    Ok(Some(found))
}

/// The context whose files have the names of a unit, if the task is one.
fn named<'a>(context: Context<'a>, unit: Option<&UnitName>) -> Context<'a> {
    match unit {
        Some(unit) => context.in_folder(unit.clone()),
        None => context,
    }
}

/// The context with records as its input.
fn reading<'a>(context: Context<'a>, records: &TableVersion) -> Context<'a> {
    let versions = BTreeMap::from([(records.table.clone(), records.clone())]);
    context.reading(&Input::tables(&[&records.table]), &versions)
}
