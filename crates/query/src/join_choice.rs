//! How joins of a session with one partition are done.
//!
//! Where one side looks up what the other has, and that fits into memory, [`LookupExec`] does it:
//! rows keep their order, so that what comes sorted stays sorted. What does not fit is sorted on
//! both sides, which spills, and merged. The order of rows is another then, so that this is done
//! only where they are sorted afterwards, and nothing is added up before: no number depends on how
//! a join was done.

use crate::lookup::{LookupExec, Side, seeking};
use crate::memory::Memory;
use crate::passing::with_children;
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNode;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalExprRef, PhysicalSortExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec,
};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use std::sync::Arc;

/// Chooses how joins are done. It comes after the engine's own rules, which choose the sides.
#[derive(Debug)]
pub(crate) struct ChosenJoins {
    /// Of the session's queries.
    pub(crate) memory: Memory,
}

impl PhysicalOptimizerRule for ChosenJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let has_join = plan.exists(|node| Ok(node.is::<HashJoinExec>()))?;
        if config.execution.target_partitions != 1 || !has_join {
            return Ok(plan);
        }
        // The rest is for sorts, groups, and rows on their way.
        Choice { free: self.memory.bytes() / 2 }.chosen(&plan, After::Other)
    }

    fn name(&self) -> &'static str {
        "chosen_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What comes after a node, with nothing between them whose result depends on the order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Sort,
    Other,
}

struct Choice {
    /// Bytes that may still be looked up.
    free: usize,
}

impl Choice {
    fn chosen(
        &mut self,
        node: &Arc<dyn ExecutionPlan>,
        after: After,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let is_whole = node.fetch().is_none();
        let below = if is_whole && node.is::<SortExec>() {
            After::Sort
        } else if is_whole && is_free_of_order(node) {
            after
        } else {
            After::Other
        };
        let children: Vec<Arc<dyn ExecutionPlan>> = node.children().into_iter().cloned().collect();
        let mut chosen = Vec::with_capacity(children.len());
        for child in &children {
            chosen.push(self.chosen(child, below)?);
        }
        let is_same = children.iter().zip(&chosen).all(|(child, new)| Arc::ptr_eq(child, new));
        let node = if is_same { Arc::clone(node) } else { with_children(node, chosen)? };
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            return Ok(self.join(join, after)?.unwrap_or(node));
        }
        if let Some(sort) = node.downcast_ref::<SortExec>()
            && sort.fetch().is_none()
            && is_sorted(sort.input(), sort.expr())?
        {
            return Ok(Arc::clone(sort.input()));
        }
        Ok(node)
    }

    /// What does a join; `None` where it stays as it is.
    fn join(
        &mut self,
        join: &HashJoinExec,
        after: After,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(side) = seeking(join) else { return Ok(None) };
        let (sought, other) = match side {
            Side::Left => (&join.right, &join.left),
            Side::Right => (&join.left, &join.right),
        };
        let n_bytes = most_bytes(sought)?;
        // A left side is read first by the engine, and its rows come in another order.
        let is_moved = side == Side::Left;
        let fits = n_bytes.is_none_or(|n_bytes| n_bytes <= self.free);
        if fits && (!is_moved || after == After::Sort) {
            self.free -= n_bytes.unwrap_or(0);
            let lookup: Arc<dyn ExecutionPlan> = Arc::new(LookupExec::of(join, side)?);
            return Ok(Some(Arc::new(CooperativeExec::new(lookup))));
        }
        if after == After::Other {
            return Ok(None);
        }
        // The engine would hold the left side.
        if is_moved
            && let Some(n_bytes) = most_bytes(other)?
            && n_bytes <= self.free
        {
            self.free -= n_bytes;
            return Ok(None);
        }
        merged(join).map(Some)
    }
}

/// Whether a node gives the same rows whatever the order in which it gets them.
fn is_free_of_order(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.is::<ProjectionExec>()
        || node.is::<FilterExec>()
        || node.is::<CooperativeExec>()
        || node.is::<CoalescePartitionsExec>()
        || node.is::<HashJoinExec>()
        || node.is::<NestedLoopJoinExec>()
        || node.is::<CrossJoinExec>()
}

fn is_sorted(rows: &Arc<dyn ExecutionPlan>, order: &LexOrdering) -> Result<bool> {
    Ok(rows.output_partitioning().partition_count() == 1
        && rows.equivalence_properties().ordering_satisfy(order.iter().cloned())?)
}

/// Bytes of a text, about.
const TEXT: usize = 24;

/// Bytes that the rows of a plan take at most; `None` where nobody knows how many there are.
fn most_bytes(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<usize>> {
    let schema = plan.schema();
    let width = |kind: &DataType| kind.primitive_width().unwrap_or(TEXT);
    let width: usize = schema.fields().iter().map(|field| width(field.data_type())).sum();
    Ok(most_rows(plan)?.map(|n_rows| n_rows.saturating_mul(width)))
}

/// How many rows a plan has at most. Guesses at what a filter leaves are none.
fn most_rows(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<usize>> {
    if plan.is::<UnnestExec>() {
        return Ok(None);
    }
    match plan.children()[..] {
        [input] => most_rows(input),
        _ => {
            let found = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())?;
            Ok(found.num_rows.get_value().copied())
        }
    }
}

/// A join of sorted rows, which spills where they do not fit into memory.
fn merged(join: &HashJoinExec) -> Result<Arc<dyn ExecutionPlan>> {
    let (left, right): (Vec<PhysicalExprRef>, Vec<PhysicalExprRef>) =
        join.on.iter().cloned().unzip();
    let plan: Arc<dyn ExecutionPlan> = Arc::new(SortMergeJoinExec::try_new(
        sorted(&join.left, left)?,
        sorted(&join.right, right)?,
        join.on.clone(),
        None,
        join.join_type,
        vec![SortOptions::default(); join.on.len()],
        join.null_equality,
    )?);
    let Some(chosen) = &join.projection else { return Ok(plan) };
    let schema = plan.schema();
    let columns = chosen.iter().map(|&at| {
        let name = schema.field(at).name();
        (Arc::new(Column::new(name, at)) as PhysicalExprRef, name.clone())
    });
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
}

/// The rows in the order of a key.
fn sorted(
    rows: &Arc<dyn ExecutionPlan>,
    key: Vec<PhysicalExprRef>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let sort = |expr| PhysicalSortExpr::new(expr, SortOptions::default());
    let Some(order) = LexOrdering::new(key.into_iter().map(sort)) else {
        return Ok(Arc::clone(rows));
    };
    if is_sorted(rows, &order)? {
        return Ok(Arc::clone(rows));
    }
    Ok(Arc::new(SortExec::new(order, Arc::clone(rows))))
}
