//! Measures of any region-product table, without a pipeline: one call, as py-ecomplexity and its
//! peers have it.

mod args;
mod complexity;
mod concentration;
mod conventions;
mod metrics;
mod output;
mod period;
mod question;
mod relatedness;
mod specialization;
mod values;

pub use self::args::MeasureArgs;
pub use self::conventions::conventions_by_tool;

use self::conventions::Conventions;
use self::output::Form;
use self::period::Period;
use self::question::Question;
use crate::region_table::{self, Products, Table};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rayon::prelude::*;
use report::output::OutputError;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// A table or a question that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The table cannot be used.
    #[error("failed to measure `{path}`: {why}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The result cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl From<arrow::error::ArrowError> for MeasureError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Output(error.into())
    }
}

/// The measures of a table, period after period.
pub struct Measured {
    question: Question,
    form: Form,
    /// The columns of the result.
    pub schema: SchemaRef,
    next: usize,
    /// Periods that are measured and not given yet.
    ready: VecDeque<Result<RecordBatch, OutputError>>,
    /// Time spent on measuring, without reading and writing.
    spent: Duration,
}

impl std::fmt::Debug for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Measured").field("metrics", &self.question.metrics).finish_non_exhaustive()
    }
}

/// Reads the table and says what its measures will look like.
///
/// # Errors
///
/// [`MeasureError::Table`], naming the file, and line and column where there are.
pub fn measure(args: &MeasureArgs, runtime: &Handle) -> Result<Measured, MeasureError> {
    let failed = |why: String| MeasureError::Table { path: args.table.file.clone(), why };
    question::check(args).map_err(failed)?;
    let table = Table::read(&args.table, Products::Needed, runtime).map_err(failed)?;
    region_table::warn(&table);
    let conventions = Conventions::of(args);
    let text = conventions.text();
    tracing::info!(
        regions = table.regions.len(),
        products = table.products.len(),
        periods = table.periods.len(),
        region = table.columns.region,
        product = table.columns.product(),
        value = table.columns.value,
        conventions = text,
        "read"
    );
    let question = Question::new(args, table, conventions).map_err(failed)?;
    let form = Form::of(&question, text).map_err(failed)?;
    Ok(Measured {
        question,
        schema: Arc::clone(&form.schema),
        form,
        next: 0,
        ready: VecDeque::new(),
        spent: Duration::ZERO,
    })
}

impl Measured {
    fn period(&self, at: usize) -> Result<RecordBatch, OutputError> {
        let period = Period::of(&self.question, at)?;
        Ok(self.form.batch(&period)?)
    }
}

impl Iterator for Measured {
    type Item = Result<RecordBatch, OutputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            // As many periods side by side as there are threads: not every step of one uses them
            // all.
            let n_periods = self.question.table.periods.len();
            let last = (self.next + rayon::current_num_threads()).min(n_periods);
            let periods: Vec<usize> = (self.next..last).collect();
            self.next = last;
            let begun = Instant::now();
            let found: Vec<_> = periods.into_par_iter().map(|at| self.period(at)).collect();
            self.spent += begun.elapsed();
            self.ready.extend(found);
            if self.next == n_periods && !self.ready.is_empty() {
                tracing::info!(seconds = self.spent.as_secs_f64(), "measured");
            }
        }
        self.ready.pop_front()
    }
}
