//! Nodes of a plan that have one input, whose columns they give.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
};
use std::fmt;
use std::sync::Arc;

/// What such a node does.
pub(crate) trait Passage: fmt::Debug + Clone + Send + Sync + 'static {
    /// The node's name in plans.
    const NAME: &'static str;

    /// What is known of its rows; of the input's rows, unless it knows better.
    fn properties<'a>(&'a self, input: &'a Arc<dyn ExecutionPlan>) -> &'a Arc<PlanProperties> {
        input.properties()
    }

    /// Its rows, in the order of the input's.
    ///
    /// # Errors
    ///
    /// Those of the input.
    fn rows(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream>;
}

/// The node.
#[derive(Debug)]
pub(crate) struct OneInput<P> {
    input: Arc<dyn ExecutionPlan>,
    passage: P,
}

impl<P: Passage> OneInput<P> {
    pub(crate) fn of(input: Arc<dyn ExecutionPlan>, passage: P) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { input, passage })
    }
}

impl<P: Passage> DisplayAs for OneInput<P> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", P::NAME)
    }
}

impl<P: Passage> ExecutionPlan for OneInput<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.passage.properties(&self.input)
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
            Some(input) if children.is_empty() => Ok(Self::of(input, self.passage.clone())),
            _ => internal_err!("{} has one child", P::NAME),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.passage.rows(&self.input, partition, context)
    }
}
