//! Filters of joins that look whether anybody still asks for the rows.
//!
//! A join compares rows until it has found some. Where its filter holds for none of them, it does not
//! come back to the scheduler for long, and would go on after its query was cancelled. So the filter
//! ends it.

use crate::one_input::{OneInput, Passage};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use cancel::Token;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, exec_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder,
};
use datafusion::physical_plan::stream::{
    RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter,
};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, PhysicalExpr};
use futures::{StreamExt, stream};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Ends joins by their filters where a query is cancelled. It comes last: no other rule knows these
/// filters.
#[derive(Debug)]
pub(crate) struct JoinsAskedFor;

impl PhysicalOptimizerRule for JoinsAskedFor {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let asked = Asked::default();
        let found = plan.transform_up(|node| {
            Ok(match looking(&node, &asked)? {
                Some(join) => Transformed::yes(join),
                None => Transformed::no(node),
            })
        })?;
        let plan = found.data;
        if !found.transformed {
            return Ok(plan);
        }
        // Whoever asks for the rows holds one stream of them, so that none is still to come.
        let is_one = plan.output_partitioning().partition_count() == 1;
        let input: Arc<dyn ExecutionPlan> =
            if is_one { plan } else { Arc::new(CoalescePartitionsExec::new(plan)) };
        Ok(OneInput::of(input, asked))
    }

    fn name(&self) -> &'static str {
        "joins_asked_for"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The join with a filter that looks; `None` of what is none, or has no filter.
fn looking(node: &Arc<dyn ExecutionPlan>, asked: &Asked) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        let Some(filter) = join.filter() else { return Ok(None) };
        let filter = Looking::filter(filter, asked);
        let join = NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter)).build()?;
        return Ok(Some(Arc::new(join)));
    }
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        let Some(filter) = join.filter() else { return Ok(None) };
        let filter = Looking::filter(filter, asked);
        return join.builder().with_filter(Some(filter)).build_exec().map(Some);
    }
    Ok(None)
}

/// Who asks for a plan's rows.
#[derive(Debug, Default)]
struct Asking {
    /// How many streams of the rows somebody holds.
    n_held: AtomicUsize,
    /// The call that the rows are for. It may be told to stop while who holds the rows waits for a
    /// thread to let go of them.
    call: OnceLock<Token>,
}

#[derive(Debug, Clone, Default)]
struct Asked(Arc<Asking>);

impl Asked {
    /// One more, until what is given is dropped.
    fn hold(&self) -> Held {
        if let Some(token) = cancel::token() {
            self.0.call.get_or_init(|| token);
        }
        self.0.n_held.fetch_add(1, Ordering::SeqCst);
        Held(self.clone())
    }

    fn is_held(&self) -> bool {
        self.0.n_held.load(Ordering::Relaxed) > 0
            && !self.0.call.get().is_some_and(Token::is_cancelled)
    }
}

struct Held(Asked);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.n_held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A filter that fails where nobody asks for its rows.
#[derive(Debug)]
struct Looking {
    filter: Arc<dyn PhysicalExpr>,
    asked: Asked,
}

impl Looking {
    fn filter(filter: &JoinFilter, asked: &Asked) -> JoinFilter {
        let own = Self { filter: Arc::clone(filter.expression()), asked: asked.clone() };
        let columns = filter.column_indices().to_vec();
        JoinFilter::new(Arc::new(own), columns, Arc::clone(filter.schema()))
    }
}

impl PartialEq for Looking {
    fn eq(&self, other: &Self) -> bool {
        self.filter.eq(&other.filter) && Arc::ptr_eq(&self.asked.0, &other.asked.0)
    }
}

impl Eq for Looking {}

impl Hash for Looking {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.filter.hash(state);
    }
}

impl fmt::Display for Looking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.filter)
    }
}

impl PhysicalExpr for Looking {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.filter.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.filter.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.filter.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if !self.asked.is_held() {
            return exec_err!("nobody asks for the rows of this query any more");
        }
        self.filter.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.filter]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        match children.pop() {
            Some(filter) if children.is_empty() => {
                Ok(Arc::new(Self { filter, asked: self.asked.clone() }))
            }
            _ => internal_err!("a filter that looks has one child"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.filter.fmt_sql(f)
    }
}

/// The rows of a plan are made by a task of their own: whoever holds them can let go of them while a
/// join does not look up. Filters of the plan know whether somebody does.
impl Passage for Asked {
    const NAME: &'static str = "AskedFor";

    fn rows(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let held = self.hold();
        let schema = input.schema();
        let mut made = RecordBatchReceiverStreamBuilder::new(Arc::clone(&schema), 1);
        let (into, input) = (made.tx(), Arc::clone(input));
        made.spawn(async move {
            let mut rows = input.execute(partition, context)?;
            while let Some(batch) = rows.next().await {
                let is_last = batch.is_err();
                // Rows that nobody takes any more cannot be sent.
                if into.send(batch).await.is_err() || is_last {
                    break;
                }
            }
            Ok(())
        });
        // What is held is dropped with the rows.
        let rows = stream::unfold((made.build(), held), |(mut rows, held)| async move {
            rows.next().await.map(|batch| (batch, (rows, held)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Memory, Session, SessionParams};
    use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::Int64Type;
    use lake::Lake;
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use tokio::runtime::Builder;

    /// A session with the numbers from 0 below `n`.
    fn session(n: i64) -> Session {
        let lake = Lake::open("memory://").expect("a lake");
        let memory = Memory { mib: 256, setting: "`memory`" };
        let session = Session::new(&lake, SessionParams { threads: 2, memory });
        let session = session.expect("a session");
        let value: ArrayRef = Arc::new(Int64Array::from_iter_values(0..n));
        let rows = RecordBatch::try_from_iter([("value", value)]).expect("rows");
        session.register_rows("many", rows.schema(), vec![rows]).expect("registered");
        session
    }

    #[test]
    fn joins_that_find_nothing_end_with_their_query() {
        for query in [
            "select count(*) from many a join many b on a.value * b.value = -1",
            "select a.value from many a left join many b on a.value * b.value = -1",
            "select count(*) from many a join (select value from range(3000000) union all select 1) b on a.value + b.value = -1",
            "select count(*) from many a where exists (select 1 from many b where a.value * b.value = -1)",
            "select count(*) from many a join many b on a.value % 1 = b.value % 1 and a.value * b.value = -1",
        ] {
            let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
            let session = session(3_000_000);
            let running = runtime.spawn(async move { session.run(query).await.map(drop) });
            std::thread::sleep(Duration::from_secs(1));
            assert!(!running.is_finished(), "{query}: it did not run long enough");
            running.abort();
            let begun = Instant::now();
            // Its threads are waited for.
            runtime.shutdown_timeout(Duration::from_secs(30));
            let spent = begun.elapsed();
            assert!(spent < Duration::from_secs(5), "{query}: its threads went on for {spent:?}");
        }
    }

    #[test]
    fn joins_that_are_waited_for_find_all() {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let session = session(1_000);
        let count = |query: &str| {
            let (_, rows) = runtime.block_on(session.run(query)).expect("rows");
            rows[0].column(0).as_primitive::<Int64Type>().value(0)
        };
        for (query, expected) in [
            ("select count(*) from many a join many b on a.value < b.value", 499_500),
            (
                "select count(*) from many a join many b on a.value % 10 = b.value % 10 and a.value < b.value",
                49_500,
            ),
            (
                "select count(*) from (select a.value from many a join many b on a.value < b.value limit 7)",
                7,
            ),
            (
                "select count(*) from many a join many b on b.value < a.value where a.value in \
                 (select max(c.value) from many c join many d on c.value + d.value = 2)",
                2,
            ),
        ] {
            assert_eq!(count(query), expected, "{query}");
            // A plan is asked for again.
            assert_eq!(count(query), expected, "{query}");
        }
    }
}
