//! The stages: each reads tables, works, and gives the rows of other tables. It knows no other stage; only `ingest` hands records
//! that are not kept on to `aggregate`.

pub(crate) mod aggregate;
mod context;
pub mod cube;
mod diversification;
pub(crate) mod error;
pub(crate) mod ingest;
pub mod models;
mod packed;
mod policy;
mod relatedness;
mod resilience;
pub mod rows;
mod spatial;
mod sync;

pub use context::{Files, Finishing, GroupWriter, Input, Made, Output};
pub use error::StageError;
pub use spatial::MEASURED;

use crate::pipeline::Pipeline;
use crate::stage_name::StageName;

/// The version of a stage's code: raised whenever the same input would give other rows. A test holds the
/// rows of the sample against it.
pub fn version(stage: StageName) -> u32 {
    match stage {
        StageName::Ingest => 4,
        StageName::Aggregate => 4,
        StageName::Relatedness => 5,
        StageName::Diversification | StageName::Tables | StageName::Models => 2,
        StageName::Resilience | StageName::Spatial => 3,
        StageName::Policy => 1,
        StageName::Panels => 4,
    }
}

/// Runs a stage that is written in code.
///
/// # Errors
///
/// [`StageError`].
pub fn run(
    stage: StageName,
    pipeline: &Pipeline,
    input: &Input,
    files: &Files<'_>,
) -> Result<Output, StageError> {
    match stage {
        StageName::Ingest if pipeline.keeps_records => ingest::run(pipeline, files),
        StageName::Ingest => ingest::run_to_sums(pipeline, files),
        StageName::Aggregate => aggregate::run(pipeline, files),
        StageName::Relatedness => relatedness::run(pipeline, input, files),
        StageName::Diversification => diversification::run(input, files),
        StageName::Resilience => resilience::run(pipeline, files),
        StageName::Spatial => spatial::run(pipeline, input),
        StageName::Policy => policy::run(pipeline, input),
        // These are made by SQL, or from files.
        StageName::Panels | StageName::Tables | StageName::Models => Ok(Output::new()),
    }
}
