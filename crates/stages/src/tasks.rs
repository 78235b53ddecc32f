//! Doing parts of stages for another machine.

use crate::aggregate;
use crate::context::{Context, Input};
use crate::error::StageError;
use crate::ingest;
use crate::remote::Task;
use lake::{Lake, TableVersion};
use project::pipeline::Pipeline;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::runtime::Handle;

/// Does a task that is a part of a stage of `pipeline`, writing `drafts`; gives what it came to.
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
) -> Result<Option<Value>, StageError> {
    let memory = pipeline.config.engine.memory();
    let context = Context::new(lake, runtime, memory, drafts.clone());
    let found = match task {
        Task::Ingest { file, first, .. } => {
            let params = ingest::Params::from(pipeline);
            serde_json::to_value(ingest::run_one(&params, &context, file, *first)?)?
        }
        Task::Reported { records } => {
            let params = aggregate::Params::from(pipeline);
            let context = reading(context, records);
            serde_json::to_value(aggregate::reported(&params, &context)?)?
        }
        Task::Year { records, year, reported } => {
            let params = aggregate::Params::from(pipeline);
            let context = reading(context, records);
            serde_json::to_value(aggregate::year_alone(&params, &context, *year, reported)?)?
        }
        Task::Sql { .. } => return Ok(None),
    };
    Ok(Some(found))
}

/// The context with records as its input.
fn reading<'a>(context: Context<'a>, records: &TableVersion) -> Context<'a> {
    let versions = BTreeMap::from([(records.table.clone(), records.clone())]);
    context.reading(&Input::tables(&[&records.table]), &versions)
}
