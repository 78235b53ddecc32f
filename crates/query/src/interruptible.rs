//! Joins that can be stopped.

use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr,
    PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt, stream};
use std::fmt;
use std::sync::Arc;
use std::task::Poll;

/// Lets a query go back to the scheduler now and then where a join makes many rows of few. DataFusion sees to that where
/// rows are read; a join that goes on and on over what it has read would hear of no cancellation.
#[derive(Debug)]
pub(crate) struct InterruptibleJoins;

impl PhysicalOptimizerRule for InterruptibleJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if !node.name().ends_with("JoinExec") {
                return Ok(Transformed::no(node));
            }
            // One that compares all with all may find nothing for long: its other side comes in small steps.
            let node = match *node.children() {
                [left, right] if node.name() == "NestedLoopJoinExec" => {
                    let steps = Arc::new(Steps { input: Arc::clone(right), n_rows: step(left)? });
                    let children = vec![Arc::clone(left), steps as _];
                    let anew = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
                    node.replace_children(children, anew)?
                }
                _ => node,
            };
            Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as _))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "interruptible_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Pairs of rows that are compared between two ways back to the scheduler: less than a second's.
const PAIRS: usize = 1 << 22;

/// Rows of a step where nobody knows how many rows there are to compare each with.
const UNKNOWN: usize = 64;

/// How many rows are compared with all of `left` in a step. Their number decides on the order of the rows found, so it comes
/// from what the data say, and not from the time it takes.
fn step(left: &Arc<dyn ExecutionPlan>) -> Result<usize> {
    let found = StatisticsContext::new().compute(left.as_ref(), &StatisticsArgs::new())?;
    Ok(match found.num_rows.get_value() {
        Some(&n) => (PAIRS / n.max(1)).max(1),
        None => UNKNOWN,
    })
}

/// The rows of its input a few at a time, with a way back to the scheduler between them.
#[derive(Debug)]
struct Steps {
    input: Arc<dyn ExecutionPlan>,
    n_rows: usize,
}

impl DisplayAs for Steps {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Steps: rows={}", self.n_rows)
    }
}

impl ExecutionPlan for Steps {
    fn name(&self) -> &'static str {
        "Steps"
    }

    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) if children.is_empty() => Ok(Arc::new(Self { input, n_rows: self.n_rows })),
            _ => internal_err!("Steps has one child"),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let schema = input.schema();
        let n_rows = self.n_rows;
        let steps = input.flat_map(move |batch| {
            let steps = match batch {
                Ok(batch) => (0..batch.num_rows())
                    .step_by(n_rows)
                    .map(|at| Ok(batch.slice(at, n_rows.min(batch.num_rows() - at))))
                    .collect(),
                Err(error) => vec![Err(error)],
            };
            stream::iter(steps).then(|step| async {
                let mut has_waited = false;
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
