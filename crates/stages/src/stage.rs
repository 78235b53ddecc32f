//! What a stage is.

use super::context::{Context, Input, Output};
use super::error::StageError;
use super::unit::Unit;
use lake::Contract;
use project::pipeline::Pipeline;
use project::stage_name::StageName;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// A step of a pipeline: it reads declared tables and files, writes declared tables, and depends on
/// nothing else.
pub trait Stage {
    /// Its name in pipelines and on the command line.
    const NAME: StageName;

    /// Raised whenever equal input gives other rows. A test holds the rows of the sample against it.
    const VERSION: u32;

    /// Other stages whose work it does in the same go.
    const ALSO: &'static [Also] = &[];

    /// All that the rows depend on beside the inputs. Serialised, it is part of the fingerprint: by
    /// section and key, as the config has them.
    type Params: Serialize + Send + Sync + 'static;

    /// Whether it works unit by unit: it looks up what earlier runs kept of each, and its parts are
    /// looked at when they are read, not before.
    const BY_UNITS: bool = false;

    /// Whether `pipeline` asks for it.
    fn is_asked(pipeline: &Pipeline) -> bool {
        pipeline.stages.contains(&Self::NAME)
    }

    /// Why it is not asked for where its name is there.
    fn why_not(_pipeline: &Pipeline) -> Option<&'static str> {
        None
    }

    /// What it needs of a pipeline.
    fn params(pipeline: &Pipeline) -> Self::Params;

    /// The tables and files that it reads.
    fn reads(params: &Self::Params) -> Vec<Input>;

    /// The tables that it writes.
    fn writes() -> Vec<&'static Contract>;

    /// The units of its work, where they can be told without reading data.
    ///
    /// # Errors
    ///
    /// [`StageError`].
    fn units(
        _params: &Self::Params,
        _context: &Context<'_>,
    ) -> Result<Option<Vec<Unit>>, StageError> {
        Ok(None)
    }

    /// Makes the tables.
    ///
    /// # Errors
    ///
    /// [`StageError`].
    fn run(params: &Self::Params, context: &Context<'_>) -> Result<Output, StageError>;
}

/// A stage whose work another does.
#[derive(Debug, Clone, Copy)]
pub struct Also {
    /// Its name.
    pub name: StageName,
    /// The version of its code.
    pub version: u32,
}

/// A stage with what it needs of one pipeline.
#[derive(Clone)]
pub struct PlannedStage {
    /// Its name.
    pub name: StageName,
    /// Other stages whose work it does.
    pub also: &'static [Also],
    /// The version of its code.
    pub version: u32,
    /// Whether it works unit by unit.
    pub by_units: bool,
    /// All that the rows depend on beside the inputs.
    pub params: Map<String, Value>,
    /// What it reads.
    pub reads: Vec<Input>,
    /// The tables that it writes.
    pub writes: Vec<&'static Contract>,
    units: Arc<UnitsOf>,
    run: Arc<Run>,
}

type UnitsOf = dyn Fn(&Context<'_>) -> Result<Option<Vec<Unit>>, StageError> + Send + Sync;

type Run = dyn Fn(&Context<'_>) -> Result<Output, StageError> + Send + Sync;

impl fmt::Debug for PlannedStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedStage")
            .field("name", &self.name)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

impl PlannedStage {
    /// The units of its work, where they can be told without reading data.
    ///
    /// # Errors
    ///
    /// [`StageError`].
    pub fn units(&self, context: &Context<'_>) -> Result<Option<Vec<Unit>>, StageError> {
        (self.units)(context)
    }

    /// Makes the tables.
    ///
    /// # Errors
    ///
    /// [`StageError`].
    pub fn run(&self, context: &Context<'_>) -> Result<Output, StageError> {
        (self.run)(context)
    }
}

/// Any stage, whatever its params are.
pub trait AnyStage: Sync {
    /// See [`Stage::NAME`].
    fn name(&self) -> StageName;

    /// See [`Stage::is_asked`].
    fn is_asked(&self, pipeline: &Pipeline) -> bool;

    /// See [`Stage::writes`].
    fn writes(&self) -> Vec<&'static Contract>;

    /// See [`Stage::why_not`].
    fn why_not(&self, pipeline: &Pipeline) -> Option<&'static str>;

    /// The stage with what it needs of `pipeline`.
    ///
    /// # Errors
    ///
    /// [`StageError::Params`] if its params cannot be written down.
    fn planned(&self, pipeline: &Pipeline) -> Result<PlannedStage, StageError>;
}

impl<S: Stage + Sync> AnyStage for S {
    fn name(&self) -> StageName {
        S::NAME
    }

    fn is_asked(&self, pipeline: &Pipeline) -> bool {
        S::is_asked(pipeline)
    }

    fn writes(&self) -> Vec<&'static Contract> {
        S::writes()
    }

    fn why_not(&self, pipeline: &Pipeline) -> Option<&'static str> {
        S::why_not(pipeline)
    }

    fn planned(&self, pipeline: &Pipeline) -> Result<PlannedStage, StageError> {
        let params = S::params(pipeline);
        let written = match serde_json::to_value(&params)? {
            Value::Object(sections) => sections,
            // A stage without params.
            _ => Map::new(),
        };
        let params = Arc::new(params);
        let of_units = Arc::clone(&params);
        Ok(PlannedStage {
            name: S::NAME,
            also: S::ALSO,
            version: S::VERSION,
            by_units: S::BY_UNITS,
            params: written,
            reads: S::reads(&params),
            writes: S::writes(),
            units: Arc::new(move |context| S::units(&of_units, context)),
            run: Arc::new(move |context| S::run(&params, context)),
        })
    }
}
