//! What rows pass on their way into a join, or where their lists are unnested.
//!
//! There a query can be stopped. Rows that are written out many times are counted first.

use crate::growing::Column;
use crate::one_input::{OneInput, Passage};
use arrow::array::{Array, RecordBatch};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use futures::{StreamExt, stream};
use std::sync::Arc;
use std::task::Poll;

/// Lets a query go back to the scheduler now and then where a join makes many rows of few.
/// DataFusion does so where rows are read. A join that goes on over what it has read would hear of
/// no cancellation.
///
/// It also counts the rows of joins and of lists that are unnested, which DataFusion writes out as
/// often as is asked for.
#[derive(Debug)]
pub(crate) struct BoundedJoins;

impl PhysicalOptimizerRule for BoundedJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if let Some(unnest) = node.downcast_ref::<UnnestExec>() {
                let lists = unnest.list_column_indices();
                let lists = lists.iter().map(|list| list.index_in_input_schema).collect();
                let input = OneInput::of(Arc::clone(unnest.input()), Way::Unnested(lists));
                return Ok(Transformed::yes(with_children(&node, vec![input])?));
            }
            if !node.name().ends_with("JoinExec") {
                return Ok(Transformed::no(node));
            }
            let is_nested = node.name() == "NestedLoopJoinExec";
            let children = match *node.children() {
                // One that compares all with all may find nothing for long: its other side comes in small steps.
                [left, right] if is_nested => {
                    let n_rows = step(left)?;
                    vec![repeated(left), OneInput::of(repeated(right), Way::Steps(n_rows))]
                }
                ref children => children.iter().map(|child| repeated(child)).collect(),
            };
            let node = with_children(&node, children)?;
            Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as _))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "bounded_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn repeated(rows: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    OneInput::of(Arc::clone(rows), Way::Repeated)
}

pub(crate) fn with_children(
    node: &Arc<dyn ExecutionPlan>,
    children: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let anew = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(node).replace_children(children, anew)
}

/// Pairs of rows that are compared between two ways back to the scheduler: less than a second's.
const PAIRS: usize = 1 << 22;

/// Rows of a step where nobody knows how many rows there are to compare each with.
const UNKNOWN: usize = 64;

/// How many rows are compared with all of `left` in a step. This number decides on the order of the
/// rows that are found. So it comes from the data, and not from the time that a step takes.
fn step(left: &Arc<dyn ExecutionPlan>) -> Result<usize> {
    let found = StatisticsContext::new().compute(left.as_ref(), &StatisticsArgs::new())?;
    Ok(match found.num_rows.get_value() {
        Some(&n) => (PAIRS / n.max(1)).max(1),
        None => UNKNOWN,
    })
}

/// Bytes of a row from which on it is counted how often it may be written out.
pub(crate) const WIDE: u64 = 4 << 10;

/// Bytes that lists of rows are unnested to at a time, if they are not of one row.
const PORTION: u64 = 8 << 20;

/// How rows go through.
#[derive(Debug, Clone)]
enum Way {
    /// So many at a time, with a way back to the scheduler between them.
    Steps(usize),
    /// As they are; memory for a batch of the widest is kept as long as they come.
    Repeated,
    /// As many as may be unnested at a time, by the columns with lists.
    Unnested(Vec<usize>),
}

/// The rows of the input, as they come.
impl Passage for Way {
    const NAME: &'static str = "Passing";

    fn rows(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let reservation =
            MemoryConsumer::new("rows written out many times").register(context.memory_pool());
        let n_rows = context.session_config().batch_size() as u64;
        let input = input.execute(partition, context)?;
        let schema = input.schema();
        let way = self.clone();
        let passed = input.map(move |batch| {
            let batch = batch?;
            match &way {
                Self::Steps(n) => Ok(portions(&batch, |_| *n)),
                Self::Repeated => {
                    let width = width(&batch)?;
                    if width > WIDE {
                        let most = bytes(width.saturating_mul(n_rows));
                        reservation.try_resize(most.max(reservation.size()))?;
                    }
                    Ok(vec![batch])
                }
                Self::Unnested(lists) => unnested(&batch, lists, &reservation),
            }
        });
        let is_stepwise = matches!(self, Self::Steps(_));
        let steps = passed.flat_map(move |steps| {
            let steps: Vec<Result<RecordBatch>> = match steps {
                Ok(steps) => steps.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            stream::iter(steps).then(move |step| async move {
                let mut has_waited = !is_stepwise;
                futures::future::poll_fn(|context| {
                    if std::mem::replace(&mut has_waited, true) {
                        return Poll::Ready(());
                    }
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                step
            })
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, steps)))
    }
}

pub(crate) fn bytes(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The batch in parts of as many rows as `n` says for where they begin.
fn portions(batch: &RecordBatch, n: impl Fn(usize) -> usize) -> Vec<RecordBatch> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < batch.num_rows() {
        let n = n(at).clamp(1, batch.num_rows() - at);
        parts.push(batch.slice(at, n));
        at += n;
    }
    parts
}

fn columns(batch: &RecordBatch) -> Result<Vec<Column>> {
    let column = |array: &Arc<dyn Array>| Column::of(&ColumnarValue::Array(Arc::clone(array)));
    batch.columns().iter().map(column).collect()
}

/// Bytes that no row of the batch is wider than.
pub(crate) fn width(batch: &RecordBatch) -> Result<u64> {
    let mut sum = 0_u64;
    for column in
        batch.columns().iter().filter(|column| column.data_type().primitive_width().is_none())
    {
        // A column that is small as a whole has no wide rows.
        if column.get_buffer_memory_size() as u64 <= WIDE {
            continue;
        }
        let column = Column::of(&ColumnarValue::Array(Arc::clone(column)))?;
        let widest = (0..batch.num_rows()).map(|row| column.bytes(row)).max();
        sum = sum.saturating_add(widest.unwrap_or(0));
    }
    Ok(sum)
}

/// The batch in parts that can each be unnested within `reservation`. That is as large as the
/// largest part needs.
fn unnested(
    batch: &RecordBatch,
    lists: &[usize],
    reservation: &MemoryReservation,
) -> Result<Vec<RecordBatch>> {
    let columns = columns(batch)?;
    let mut sizes = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let n = lists.iter().map(|&list| columns[list].leaves(row)).max().unwrap_or(1).max(1);
        let of_row = columns.iter().enumerate().map(|(at, column)| {
            if lists.contains(&at) { column.bytes_of_element() } else { column.bytes(row) }
        });
        let width = of_row.fold(8, u64::saturating_add);
        sizes.push(n.saturating_mul(width));
    }
    let largest = sizes
        .iter()
        .copied()
        .max()
        .unwrap_or(0)
        .max(PORTION.min(sizes.iter().copied().fold(0, u64::saturating_add)));
    reservation.try_resize(bytes(largest))?;
    Ok(portions(batch, |at| {
        let mut sum = 0_u64;
        let fits = sizes[at..].iter().take_while(|size| {
            sum = sum.saturating_add(**size);
            sum <= PORTION
        });
        fits.count()
    }))
}
