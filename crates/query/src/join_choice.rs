//! How joins of a session with one partition are done.
//!
//! Where one side looks up what the other has, and that fits into memory, [`LookupExec`] does it:
//! rows keep their order, so that what comes sorted stays sorted. What does not fit is sorted on
//! both sides, which spills, and merged. The order of rows is another then. They are sorted back into
//! it, unless they are sorted afterwards anyway and nothing is added up before: no number depends on
//! how a join was done.

use crate::lookup::{LookupExec, Side, seeking};
use crate::memory::Memory;
use crate::one_input::{OneInput, Passage};
use crate::passing::with_children;
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNode;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::{WindowFrame, WindowFunctionDefinition};
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
use datafusion::physical_plan::windows::{BoundedWindowAggExec, create_window_expr};
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, InputOrderMode, PlanProperties,
};
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
        // The engine would hold the left side.
        if is_moved
            && let Some(n_bytes) = most_bytes(other)?
            && n_bytes <= self.free
        {
            self.free -= n_bytes;
            return Ok(None);
        }
        merged(join, after).map(Some)
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
///
/// Where the order of its rows is used, they are sorted into that of the engine's join: each row of
/// the right side with what it finds, then the rows of the left that nothing has found.
fn merged(join: &HashJoinExec, after: After) -> Result<Arc<dyn ExecutionPlan>> {
    let is_in_order = after == After::Other;
    let side = |rows: &Arc<dyn ExecutionPlan>| {
        if is_in_order { numbered(rows) } else { Ok(Arc::clone(rows)) }
    };
    let (left, right): (Vec<PhysicalExprRef>, Vec<PhysicalExprRef>) =
        join.on.iter().cloned().unzip();
    let mut plan: Arc<dyn ExecutionPlan> = Arc::new(SortMergeJoinExec::try_new(
        sorted(&side(&join.left)?, left)?,
        sorted(&side(&join.right)?, right)?,
        join.on.clone(),
        None,
        join.join_type,
        vec![SortOptions::default(); join.on.len()],
        join.null_equality,
    )?);
    let schema = plan.schema();
    let column = |at: usize| Arc::new(Column::new(schema.field(at).name(), at)) as PhysicalExprRef;
    let (n_left, n_right) = (join.left.schema().fields().len(), join.right.schema().fields().len());
    if is_in_order {
        let options = SortOptions { descending: false, nulls_first: false };
        let by =
            [n_left + 1 + n_right, n_left].map(|at| PhysicalSortExpr::new(column(at), options));
        plan = Arc::new(SortExec::new(LexOrdering::from(by), plan));
    } else if join.projection.is_none() {
        return Ok(plan);
    }
    let chosen: Vec<usize> = match &join.projection {
        Some(chosen) => chosen.to_vec(),
        None => (0..n_left + n_right).collect(),
    };
    let columns = chosen.into_iter().map(|at| {
        let at = at + usize::from(is_in_order && at >= n_left);
        (column(at), schema.field(at).name().clone())
    });
    let plan: Arc<dyn ExecutionPlan> = Arc::new(ProjectionExec::try_new(columns, plan)?);
    if !is_in_order {
        return Ok(plan);
    }
    Ok(OneInput::of(plan, InOrder { properties: Arc::clone(join.properties()) }))
}

/// The rows with their number in a last column.
fn numbered(rows: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let number = create_window_expr(
        &WindowFunctionDefinition::WindowUDF(row_number_udwf()),
        "row number".to_owned(),
        &[],
        &[],
        &[],
        Arc::new(WindowFrame::new(None)),
        rows.schema(),
        false,
        false,
        None,
    )?;
    let rows = Arc::clone(rows);
    let mode = InputOrderMode::Sorted;
    Ok(Arc::new(BoundedWindowAggExec::try_new(vec![number], rows, mode, false)?))
}

/// Rows that are known to be in the order of the join for which they stand.
#[derive(Debug, Clone)]
struct InOrder {
    properties: Arc<PlanProperties>,
}

impl Passage for InOrder {
    const NAME: &'static str = "InOrder";

    fn properties<'a>(&'a self, _: &'a Arc<dyn ExecutionPlan>) -> &'a Arc<PlanProperties> {
        &self.properties
    }

    fn rows(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        input.execute(partition, context)
    }
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

#[cfg(test)]
mod tests {
    use crate::{Memory, Session, SessionParams};
    use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
    use arrow::compute::concat_batches;
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::physical_plan::displayable;
    use lake::{Column, Contract, Fingerprint, Kind, Lake, TableVersion};
    use std::sync::Arc;
    use tokio::runtime::{Builder, Runtime};

    fn runtime() -> Runtime {
        Builder::new_multi_thread().worker_threads(2).build().expect("a runtime")
    }

    fn nullable(column: Column) -> Column {
        Column { is_nullable: true, ..column }
    }

    fn column(name: &str, kind: Kind) -> Column {
        let (name, unit) = (name.to_owned(), String::new());
        Column { name, kind, is_nullable: false, unit, about: String::new() }
    }

    /// A table with a file for each of `files`.
    async fn table(lake: &Lake, contract: &Contract, files: Vec<Vec<ArrayRef>>) -> TableVersion {
        let mut whole: Option<TableVersion> = None;
        for (at, columns) in files.into_iter().enumerate() {
            let made_from = Fingerprint::of(format!("{} {at}", contract.table).as_bytes());
            let draft = lake.draft(contract, "test", &made_from, "now");
            let rows = RecordBatch::try_new(contract.schema(), columns).expect("a batch");
            let made = lake.write(draft, vec![rows]).await.expect("written");
            match &mut whole {
                Some(whole) => whole.files.extend(made.files),
                None => whole = Some(made),
            }
        }
        whole.expect("a file")
    }

    fn ints(values: impl IntoIterator<Item = i32>) -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(values))
    }

    fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
        Arc::new(values.into_iter().map(Some).collect::<StringArray>())
    }

    /// Pairs of `n` regions and products by the year that they were first in, what they exported in
    /// two years, as far as they did, and names of most products.
    async fn tables(lake: &Lake, n: i32) -> Vec<TableVersion> {
        let (region, product) = (|at: i32| format!("{at:06}"), |at: i32| format!("{:06}", at * 7));
        let is_first = move |at: i32| at % 5 != 0;
        let pairs = move |first: bool| {
            let all = (0..n).flat_map(move |r| (0..n).map(move |p| (r, p)));
            all.filter(move |(r, p)| is_first(r + p) == first)
        };
        let pair = Contract {
            table: "test.pair",
            about: "pairs",
            key: &["first_year", "region", "product"],
            columns: vec![
                column("first_year", Kind::Int),
                column("region", Kind::Text),
                column("product", Kind::Text),
            ],
        };
        let of_pair = |first: bool| {
            let year = if first { 2007 } else { 2008 };
            vec![
                ints(pairs(first).map(|_| year)),
                texts(pairs(first).map(|(r, _)| region(r))),
                texts(pairs(first).map(|(_, p)| product(p))),
            ]
        };
        let cell = Contract {
            table: "test.cell",
            about: "values",
            key: &["year", "region", "product"],
            columns: vec![
                column("year", Kind::Int),
                column("region", Kind::Text),
                column("product", Kind::Text),
                nullable(column("value", Kind::Float)),
            ],
        };
        let of_cell = |year: i32| {
            let all = || {
                let all = (0..n).flat_map(move |r| (0..n).map(move |p| (r, p)));
                all.filter(move |(r, p)| (r * p + year) % 3 != 0)
            };
            let values = all().map(|(r, p)| (p % 11 != 3).then(|| f64::from(r * 1000 + p) / 7.0));
            vec![
                ints(all().map(|_| year)),
                texts(all().map(|(r, _)| region(r))),
                texts(all().map(|(_, p)| product(p))),
                Arc::new(Float64Array::from_iter(values)) as ArrayRef,
            ]
        };
        let name = Contract {
            table: "test.name",
            about: "names",
            key: &["product"],
            columns: vec![column("product", Kind::Text), nullable(column("name", Kind::Text))],
        };
        let named = || (0..n).filter(|p| p % 4 != 1);
        let of_name = vec![
            texts(named().map(product)),
            texts(named().map(|p| format!("a name that is rather long {p}"))),
        ];
        vec![
            table(lake, &pair, vec![of_pair(true), of_pair(false)]).await,
            table(lake, &cell, vec![of_cell(2007), of_cell(2008)]).await,
            table(lake, &name, vec![of_name]).await,
        ]
    }

    fn session(lake: &Lake, tables: &[TableVersion], threads: usize, mib: usize) -> Session {
        let memory = Memory { mib, setting: "`memory`" };
        let session = Session::new(lake, SessionParams { threads, memory }).expect("a session");
        tables.iter().for_each(|table| session.register(table).expect("registered"));
        session
    }

    async fn plan(session: &Session, sql: &str) -> String {
        let frame = session.context.sql(sql).await.expect("a query");
        let plan = frame.create_physical_plan().await.expect("a plan");
        displayable(plan.as_ref()).indent(false).to_string()
    }

    async fn rows(session: &Session, sql: &str) -> String {
        let (schema, rows) = session.run(sql).await.expect("rows");
        let rows = concat_batches(&schema, &rows).expect("one batch");
        pretty_format_batches(&[rows]).expect("printable").to_string()
    }

    fn count(plan: &str, node: &str) -> usize {
        plan.matches(node).count()
    }

    /// What is like the panels.
    const PANEL: &str = "with nation as (
            select product, sum(value) as value from test.cell where year = 2008 group by product
        )
        select 2008 as year, p.first_year, p.region, p.product, x.value, b.value as before, h.name, n.value as of_all
        from test.pair p
        left join test.cell x on x.year = 2008 and x.region = p.region and x.product = p.product
        left join test.cell b on b.year = 2007 and b.region = p.region and b.product = p.product
        left join test.name h on h.product = p.product
        left join nation n on n.product = p.product
        order by year, p.first_year, p.region, p.product";

    #[test]
    fn what_looks_up_keeps_its_order_and_is_sorted_no_more() {
        runtime().block_on(async {
            let lake = Lake::open("memory://").expect("a lake");
            let tables = tables(&lake, 120).await;
            let one = session(&lake, &tables, 1, 256);
            let found = plan(&one, PANEL).await;
            assert_eq!(count(&found, "LookupExec"), 4, "{found}");
            assert_eq!(count(&found, "JoinExec"), 0, "{found}");
            assert_eq!(count(&found, "SortExec"), 0, "{found}");
            let two = session(&lake, &tables, 2, 256);
            assert_eq!(count(&plan(&two, PANEL).await, "LookupExec"), 0);
            assert_eq!(rows(&one, PANEL).await, rows(&two, PANEL).await);
        });
    }

    #[test]
    fn joins_of_each_kind_find_the_same() {
        let queries = [
            "select p.region, h.name from test.pair p join test.name h on h.product = p.product order by 1, 2",
            "select p.region, h.name from test.name h right join test.pair p on h.product = p.product order by 1, 2",
            // Several years of each pair, and no pair of some.
            "select p.region, p.product, x.year, x.value from test.pair p join test.cell x
             on x.region = p.region and x.product = p.product order by 1, 2, 3",
            "select h.product, h.name, x.region, x.year from test.name h left join test.cell x
             on x.product = h.product and x.region < '000003' order by 1, 3, 4",
            "select h.name, x.region, x.year, x.value from test.cell x left join
             (select * from test.name where name like '%2%') h on x.product = h.product
             order by x.year, x.region, x.product",
            "select a.year, a.region, a.product, b.year, c.value from test.cell a
             join test.cell b on a.region = b.region and a.product = b.product
             left join test.cell c on c.year = b.year and c.region = a.region and c.product = a.product
             order by 1, 2, 3, 4",
            "select x.region, h.name from test.cell x left join test.name h on false order by x.year, x.region, x.product",
            "select a.value, count(*) from test.cell a join test.cell b on a.value = b.value group by 1 order by 1",
        ];
        runtime().block_on(async {
            let lake = Lake::open("memory://").expect("a lake");
            let tables = tables(&lake, 40).await;
            let (one, two) = (session(&lake, &tables, 1, 256), session(&lake, &tables, 2, 256));
            for query in queries {
                assert_eq!(rows(&one, query).await, rows(&two, query).await, "{query}");
            }
        });
    }

    #[test]
    fn what_is_added_up_is_not_read_in_another_order() {
        // The larger side is looked up only where the order of the rows is made afterwards.
        let query =
            "select sum(x.value) from test.name h left join test.cell x on x.product = h.product";
        runtime().block_on(async {
            let lake = Lake::open("memory://").expect("a lake");
            let tables = tables(&lake, 40).await;
            let one = session(&lake, &tables, 1, 256);
            let found = plan(&one, query).await;
            assert!(!found.contains("the left looks up"), "{found}");
            let sorted = "select h.product, x.value from test.name h left join test.cell x on x.product = h.product order by 1, 2";
            let found = plan(&one, sorted).await;
            assert!(found.contains("the left looks up"), "{found}");
        });
    }

    #[test]
    fn what_does_not_fit_is_sorted_and_merged() {
        // Pairs look up two years each, and those that find nothing stay. No sort makes their order.
        let ties = "select p.region, p.product, x.year, x.value, row_number() over () as at
             from test.cell x right join test.pair p on x.region = p.region and x.product = p.product";
        let sums = "select p.first_year, sum(x.value), first_value(x.value), count(*) from test.pair p
             join test.cell x on x.region = p.region and x.product = p.product group by 1 order by 1";
        runtime().block_on(async {
            let lake = Lake::open("memory://").expect("a lake");
            let tables = tables(&lake, 1000).await;
            let small = session(&lake, &tables, 1, 64);
            let large = session(&lake, &tables, 1, 4096);
            for (query, n_lookups) in [(PANEL, 1), (ties, 0), (sums, 0)] {
                let found = plan(&small, query).await;
                assert!(count(&found, "SortMergeJoinExec") >= 1, "{found}");
                assert!(count(&found, "LookupExec") >= n_lookups, "{found}");
                assert_eq!(count(&found, "HashJoinExec"), 0, "{found}");
                assert_eq!(count(&plan(&large, query).await, "SortMergeJoinExec"), 0);
                let (_, merged) = small.run(query).await.expect("rows");
                let (schema, looked_up) = large.run(query).await.expect("rows");
                let whole =
                    |rows: &[RecordBatch]| concat_batches(&schema, rows).expect("one batch");
                assert!(whole(&merged) == whole(&looked_up), "other rows: {query}");
            }
        });
    }
}
