//! Rows of a table in its order, read by all cores.
//!
//! A plan that reads a table from its beginning to its end is divided into parts of about one row
//! group each. Several of them are read at a time, and their rows are given one part after the
//! other.

use datafusion::arrow::array::RecordBatch;
use datafusion::common::config::ConfigOptions;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{Distribution, ExecutionPlan, ExecutionPlanProperties};
use futures::{Stream, StreamExt, stream};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Rows of a part. So many the lake puts in a row group.
const PART: usize = 262_144;

/// Bytes of rows that wait of a part that is not yet its turn.
const WAITING: usize = 32 << 20;

/// The unit of permits for bytes that wait.
const UNIT: usize = 1 << 10;

/// Whether a query gives rows of one table as they come, so that they have its order.
pub(crate) fn is_of_one_table(plan: &LogicalPlan) -> bool {
    let has_queries = plan.expressions().iter().any(|expression| {
        let found = expression.exists(|part| {
            Ok(matches!(
                part,
                Expr::ScalarSubquery(_)
                    | Expr::InSubquery(_)
                    | Expr::Exists(_)
                    | Expr::SetComparison(_)
            ))
        });
        found.unwrap_or(true)
    });
    !has_queries
        && match plan {
            LogicalPlan::TableScan(_) => true,
            LogicalPlan::Projection(projection) => is_of_one_table(&projection.input),
            LogicalPlan::Filter(filter) => is_of_one_table(&filter.input),
            LogicalPlan::SubqueryAlias(alias) => is_of_one_table(&alias.input),
            _ => false,
        }
}

/// The plan in parts, whose rows one after the other are those of `plan`; `None` if it cannot be
/// divided so.
pub(crate) fn divided(
    plan: &Arc<dyn ExecutionPlan>,
    config: &ConfigOptions,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    // Each part would have as many rows as all may have.
    if plan.output_partitioning().partition_count() != 1 || plan.fetch().is_some() {
        return Ok(None);
    }
    let child = match plan.children()[..] {
        [] => {
            let found = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())?;
            let n_rows = found.num_rows.get_value().copied();
            let n = n_rows.unwrap_or(0).div_ceil(PART);
            return if n > 1 { plan.repartitioned(n, config) } else { Ok(None) };
        }
        [child] => child,
        _ => return Ok(None),
    };
    let taken = plan.input_distribution_requirements().into_per_child();
    let takes_any = matches!(taken[..], [Distribution::UnspecifiedDistribution]);
    if !takes_any || plan.maintains_input_order() != [true] {
        return Ok(None);
    }
    let Some(child) = divided(child, config)? else { return Ok(None) };
    replace_children_if_necessary(Arc::clone(plan), vec![child]).map(Some)
}

/// A part that is read: its batches that wait, each with the permit for its bytes.
struct Part {
    batches: mpsc::UnboundedReceiver<(Result<RecordBatch>, Option<OwnedSemaphorePermit>)>,
    task: SpawnedTask<()>,
}

fn begin(
    plan: &Arc<dyn ExecutionPlan>,
    part: usize,
    task: &Arc<TaskContext>,
    bytes: usize,
) -> Result<Part> {
    let mut rows = plan.execute(part, Arc::clone(task))?;
    let n_units = (bytes / UNIT).max(1);
    let room = Arc::new(Semaphore::new(n_units));
    let (put, batches) = mpsc::unbounded_channel();
    let task = SpawnedTask::spawn(async move {
        while let Some(batch) = rows.next().await {
            let bytes = batch.as_ref().map_or(0, RecordBatch::get_array_memory_size);
            let units = u32::try_from((bytes / UNIT).clamp(1, n_units)).unwrap_or(u32::MAX);
            // It is never closed.
            let permit = Arc::clone(&room).acquire_many_owned(units).await.ok();
            if put.send((batch, permit)).is_err() {
                break;
            }
        }
    });
    Ok(Part { batches, task })
}

/// Parts of a plan that are read side by side.
struct Parts {
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    n: usize,
    next: usize,
    /// Those that are read, the one whose turn it is first.
    begun: VecDeque<Part>,
    /// How many are read at a time, and the bytes of rows that wait of each.
    width: usize,
    bytes: usize,
    /// The memory of what waits.
    _memory: MemoryReservation,
}

impl Parts {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            while self.begun.len() < self.width && self.next < self.n {
                self.begun.push_back(begin(&self.plan, self.next, &self.task, self.bytes)?);
                self.next += 1;
            }
            let Some(first) = self.begun.front_mut() else { return Ok(None) };
            if let Some((batch, _permit)) = first.batches.recv().await {
                return batch.map(Some);
            }
            let Some(done) = self.begun.pop_front() else { return Ok(None) };
            if let Err(error) = done.task.join().await {
                return Err(DataFusionError::ExecutionJoin(Box::new(error)));
            }
        }
    }
}

/// The rows of all parts of `plan`, one part after the other. As many are read at a time as there
/// are threads in `config`, fewer where the query's memory has no room for what waits.
pub(crate) fn rows(
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    n_threads: usize,
) -> impl Stream<Item = Result<RecordBatch>> + Send + 'static {
    let n = plan.output_partitioning().partition_count();
    let memory = MemoryConsumer::new("rows that wait for their turn").register(task.memory_pool());
    let mut width = n_threads.clamp(1, n.max(1));
    while width > 1 && memory.try_grow(width * WAITING).is_err() {
        width /= 2;
    }
    let parts = Parts {
        plan,
        task,
        n,
        next: 0,
        begun: VecDeque::new(),
        width,
        bytes: WAITING,
        _memory: memory,
    };
    stream::unfold(Some(parts), |parts| async move {
        let mut parts = parts?;
        match parts.next().await {
            Ok(Some(batch)) => Some((Ok(batch), Some(parts))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}
