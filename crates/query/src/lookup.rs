//! A join that looks up what one side has for each row of the other.
//!
//! DataFusion's hash join writes every column of both sides out anew, also where each row of a side
//! finds one of the other. Here the rows that look something up keep their columns, their order and
//! their batches, and only what they find is written out. What is looked up is in memory; the other
//! side goes by.

use crate::looked_up::{Found, Index, is_key};
use crate::passing::{WIDE, bytes, width};
use arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{concat, filter, take};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::common::{JoinType, NullEquality, Result, Statistics, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::equivalence::{ProjectionMapping, join_equivalence_properties};
use datafusion::physical_expr::{Partitioning, PhysicalExprRef};
use datafusion::physical_plan::execution_plan::EmissionType;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PhysicalExpr,
    PlanProperties, apply_expression_roots,
};
use futures::{StreamExt, stream};
use std::fmt;
use std::sync::Arc;

/// Which rows look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// What becomes of rows that find nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unmatched {
    Kept,
    Dropped,
}

/// Where a column comes from.
#[derive(Debug, Clone, Copy)]
enum Origin {
    /// A column of the rows that look up.
    Seeking(usize),
    /// One of those that are taken from what is looked up.
    Sought(usize),
}

/// How rows are looked up.
#[derive(Debug)]
struct Shape {
    /// The keys of the rows that look up.
    seeking: Vec<PhysicalExprRef>,
    /// The keys that are looked for.
    sought: Vec<PhysicalExprRef>,
    unmatched: Unmatched,
    columns: Vec<Origin>,
    /// The columns that are taken from what is looked up.
    taken: Vec<usize>,
    schema: SchemaRef,
}

/// A join of this kind.
#[derive(Debug)]
pub(crate) struct LookupExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    on: Vec<(PhysicalExprRef, PhysicalExprRef)>,
    join_type: JoinType,
    /// The columns of both sides, before some are chosen.
    all: SchemaRef,
    chosen: Option<Vec<usize>>,
    side: Side,
    shape: Arc<Shape>,
    properties: Arc<PlanProperties>,
    /// Those of the join that it stands for: plans depend on them.
    statistics: Arc<Statistics>,
    metrics: ExecutionPlanMetricsSet,
}

/// Which rows of a join look up, if it is one that can be done so: its right side of an inner or a
/// right join, its left side of a left one, and there is no condition beside equal keys.
pub(crate) fn seeking(join: &HashJoinExec) -> Option<Side> {
    let is_plain = join.filter.is_none()
        && join.mode == PartitionMode::CollectLeft
        && join.null_equality == NullEquality::NullEqualsNothing
        && !join.null_aware
        && join.fetch().is_none();
    let (left, right) = (join.left.schema(), join.right.schema());
    let is_equal = |(a, b): &(PhysicalExprRef, PhysicalExprRef)| match (
        a.data_type(&left),
        b.data_type(&right),
    ) {
        (Ok(a), Ok(b)) => a == b && is_key(&a),
        _ => false,
    };
    let is_one = |side: &Arc<dyn ExecutionPlan>| side.output_partitioning().partition_count() == 1;
    if !is_plain || !join.on.iter().all(is_equal) || !is_one(&join.left) || !is_one(&join.right) {
        return None;
    }
    match join.join_type {
        JoinType::Inner | JoinType::Right => Some(Side::Right),
        JoinType::Left => Some(Side::Left),
        _ => None,
    }
}

impl LookupExec {
    /// What stands for a join whose `side` looks up.
    pub(crate) fn of(join: &HashJoinExec, side: Side) -> Result<Self> {
        let statistics = StatisticsContext::new().compute(join, &StatisticsArgs::new())?;
        let (left, right) = (Arc::clone(&join.left), Arc::clone(&join.right));
        let all = Arc::clone(join.join_schema());
        let chosen = join.projection.as_ref().map(|chosen| chosen.to_vec());
        Self::new([left, right], join.on.clone(), join.join_type, all, chosen, side, statistics)
    }

    fn new(
        [left, right]: [Arc<dyn ExecutionPlan>; 2],
        on: Vec<(PhysicalExprRef, PhysicalExprRef)>,
        join_type: JoinType,
        all: SchemaRef,
        chosen: Option<Vec<usize>>,
        side: Side,
        statistics: Arc<Statistics>,
    ) -> Result<Self> {
        let keeps = match side {
            Side::Left => [true, false],
            Side::Right => [false, true],
        };
        let mut equal = join_equivalence_properties(
            left.equivalence_properties().clone(),
            right.equivalence_properties().clone(),
            &join_type,
            Arc::clone(&all),
            &keeps,
            None,
            &on,
        )?;
        let places: Vec<usize> = match &chosen {
            Some(chosen) => chosen.clone(),
            None => (0..all.fields().len()).collect(),
        };
        let schema: SchemaRef = Arc::new(all.project(&places)?);
        if chosen.is_some() {
            let mapping = ProjectionMapping::from_indices(&places, &all)?;
            equal = equal.project(&mapping, Arc::clone(&schema));
        }
        let goes_by = match side {
            Side::Left => &left,
            Side::Right => &right,
        };
        let properties = PlanProperties::new(
            equal,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            goes_by.boundedness(),
        );
        let n_left = left.schema().fields().len();
        let mut taken = Vec::new();
        let origin = |place: usize| {
            let is_left = place < n_left;
            let at = if is_left { place } else { place - n_left };
            if is_left == (side == Side::Left) {
                return Origin::Seeking(at);
            }
            taken.push(at);
            Origin::Sought(taken.len() - 1)
        };
        let columns = places.into_iter().map(origin).collect();
        let (lefts, rights): (Vec<_>, Vec<_>) = on.iter().cloned().unzip();
        let (seeking, sought) = match side {
            Side::Left => (lefts, rights),
            Side::Right => (rights, lefts),
        };
        let unmatched = match join_type {
            JoinType::Inner => Unmatched::Dropped,
            _ => Unmatched::Kept,
        };
        let shape = Arc::new(Shape { seeking, sought, unmatched, columns, taken, schema });
        Ok(Self {
            left,
            right,
            on,
            join_type,
            all,
            chosen,
            side,
            shape,
            properties: Arc::new(properties),
            statistics,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for LookupExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on: Vec<String> = self.on.iter().map(|(a, b)| format!("({a}, {b})")).collect();
        write!(f, "LookupExec: {} on {}, ", self.join_type, on.join(", "))?;
        match self.side {
            Side::Left => write!(f, "the left looks up"),
            Side::Right => write!(f, "the right looks up"),
        }
    }
}

impl ExecutionPlan for LookupExec {
    fn name(&self) -> &'static str {
        "LookupExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![self.side == Side::Left, self.side == Side::Right]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.on.iter().flat_map(|(left, right)| [left, right]), f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok(sides) = <[_; 2]>::try_from(children) else {
            return internal_err!("LookupExec has two children");
        };
        Ok(Arc::new(Self::new(
            sides,
            self.on.clone(),
            self.join_type,
            Arc::clone(&self.all),
            self.chosen.clone(),
            self.side,
            Arc::clone(&self.statistics),
        )?))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&self.statistics))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (seeking, sought) = match self.side {
            Side::Left => (&self.left, &self.right),
            Side::Right => (&self.right, &self.left),
        };
        let (rows, sought) = (
            seeking.execute(partition, Arc::clone(&context))?,
            sought.execute(partition, Arc::clone(&context))?,
        );
        let memory = MemoryConsumer::new("rows that a join looks up");
        let memory = memory.register(context.memory_pool());
        let lookup = Lookup {
            shape: Arc::clone(&self.shape),
            rows,
            sought: Sought::Open(sought),
            left: None,
            found: Vec::new(),
            most: context.session_config().batch_size().max(1),
            beside: memory.new_empty(),
            memory,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = stream::try_unfold(lookup, |mut lookup| async move {
            Ok(lookup.next().await?.map(|batch| (batch, lookup)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.shape.schema), batches)))
    }
}

/// What is looked up, before and after it was read.
enum Sought {
    Open(SendableRecordBatchStream),
    Read(Table),
}

/// What is looked up.
struct Table {
    index: Index,
    columns: Vec<ArrayRef>,
}

/// Rows of a batch that are still to be written, where some find several.
struct Left {
    batch: RecordBatch,
    row: usize,
    /// How many of what the row finds are written.
    n_written: u32,
}

struct Lookup {
    shape: Arc<Shape>,
    rows: SendableRecordBatchStream,
    sought: Sought,
    left: Option<Left>,
    /// What is found of each row of the batch.
    found: Vec<Found>,
    /// Rows of a batch, at the most.
    most: usize,
    /// For what is looked up.
    memory: MemoryReservation,
    /// For rows that are written out many times.
    beside: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Lookup {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if let Sought::Open(rows) = &mut self.sought {
            let table = read(rows, &self.shape, &self.memory, self.most).await?;
            self.sought = Sought::Read(table);
        }
        let Sought::Read(table) = &self.sought else {
            return internal_err!("a join did not read what it looks up");
        };
        let time = self.metrics.elapsed_compute().clone();
        loop {
            if let Some(left) = &mut self.left {
                let _timer = time.timer();
                if let Some(batch) = written(&self.shape, table, left, &self.found, self.most)? {
                    return Ok(Some(batch.record_output(&self.metrics)));
                }
                self.left = None;
            }
            if table.index.n() == 0 && self.shape.unmatched == Unmatched::Dropped {
                return Ok(None);
            }
            let Some(batch) = self.rows.next().await.transpose()? else { return Ok(None) };
            if batch.num_rows() == 0 {
                continue;
            }
            let _timer = time.timer();
            let keys = keys(&self.shape.seeking, &batch)?;
            table.index.find(&keys, &mut self.found)?;
            if table.index.has_repeats() {
                let width = width(&batch)?;
                if width > WIDE {
                    let most = bytes(width.saturating_mul(self.most as u64));
                    self.beside.try_resize(most.max(self.beside.size()))?;
                }
                self.left = Some(Left { batch, row: 0, n_written: 0 });
            } else if let Some(batch) = joined(&self.shape, table, &batch, &self.found)? {
                return Ok(Some(batch.record_output(&self.metrics)));
            }
        }
    }
}

/// The values of keys.
fn keys(of: &[PhysicalExprRef], batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    of.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows())).collect()
}

/// Reads what is looked up.
async fn read(
    rows: &mut SendableRecordBatchStream,
    shape: &Shape,
    memory: &MemoryReservation,
    most: usize,
) -> Result<Table> {
    let schema = rows.schema();
    let mut of_keys: Vec<Vec<ArrayRef>> = vec![Vec::new(); shape.sought.len()];
    let mut of_columns: Vec<Vec<ArrayRef>> = vec![Vec::new(); shape.taken.len()];
    let mut widest = 0;
    let mut add = |batch: &RecordBatch| -> Result<()> {
        let taken = batch.project(&shape.taken)?;
        memory.try_grow(get_record_batch_memory_size(&taken))?;
        widest = widest.max(width(&taken)?);
        for (into, key) in of_keys.iter_mut().zip(keys(&shape.sought, batch)?) {
            into.push(key);
        }
        for (into, column) in of_columns.iter_mut().zip(taken.columns()) {
            into.push(Arc::clone(column));
        }
        Ok(())
    };
    add(&RecordBatch::new_empty(Arc::clone(&schema)))?;
    while let Some(batch) = rows.next().await {
        add(&batch?)?;
    }
    let index = Index::of(&of_keys)?;
    drop(of_keys);
    let whole = |batches: Vec<ArrayRef>| -> Result<ArrayRef> {
        let batches: Vec<&dyn Array> = batches.iter().map(AsRef::as_ref).collect();
        Ok(concat(&batches)?)
    };
    let columns = of_columns.into_iter().map(whole).collect::<Result<Vec<_>>>()?;
    let n_bytes = columns.iter().map(|column| column.get_array_memory_size()).sum::<usize>();
    // What is looked up may be written out for each row that looks it up.
    let wide = if widest > WIDE { widest.saturating_mul(most as u64) } else { 0 };
    memory.try_resize((n_bytes + index.size()).saturating_add(bytes(wide)))?;
    Ok(Table { index, columns })
}

/// A batch of these columns.
fn batch_of(
    shape: &Shape,
    n_rows: usize,
    column: impl Fn(&Origin) -> Result<ArrayRef>,
) -> Result<RecordBatch> {
    let columns = shape.columns.iter().map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(&shape.schema), columns, &options)?)
}

/// The rows of a batch, each with the one row that it finds.
fn joined(
    shape: &Shape,
    table: &Table,
    batch: &RecordBatch,
    found: &[Found],
) -> Result<Option<RecordBatch>> {
    let n_found = found.iter().filter(|found| found.n > 0).count();
    let n_rows = batch.num_rows();
    if n_found == n_rows {
        let places: Vec<u32> = found.iter().map(|found| found.first).collect();
        let is_run = table.index.is_in_place()
            && places.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
        let first = places.first().map_or(0, |first| *first as usize);
        let rows = UInt32Array::from_iter_values(places.iter().map(|at| table.index.row_at(*at)));
        return batch_of(shape, n_rows, |origin| match origin {
            Origin::Seeking(at) => Ok(Arc::clone(batch.column(*at))),
            Origin::Sought(at) if is_run => Ok(table.columns[*at].slice(first, n_rows)),
            Origin::Sought(at) => Ok(take(&table.columns[*at], &rows, None)?),
        })
        .map(Some);
    }
    let is_found = || found.iter().map(|found| found.n > 0);
    if shape.unmatched == Unmatched::Dropped {
        if n_found == 0 {
            return Ok(None);
        }
        let mask = BooleanArray::from(is_found().collect::<Vec<bool>>());
        let places = found.iter().filter(|found| found.n > 0).map(|found| found.first);
        let rows = UInt32Array::from_iter_values(places.map(|at| table.index.row_at(at)));
        return batch_of(shape, n_found, |origin| match origin {
            Origin::Seeking(at) => Ok(filter(batch.column(*at), &mask)?),
            Origin::Sought(at) => Ok(take(&table.columns[*at], &rows, None)?),
        })
        .map(Some);
    }
    let row = |found: &Found| if found.n > 0 { table.index.row_at(found.first) } else { 0 };
    let nulls = NullBuffer::from_iter(is_found());
    let rows = UInt32Array::new(found.iter().map(row).collect(), Some(nulls));
    batch_of(shape, n_rows, |origin| match origin {
        Origin::Seeking(at) => Ok(Arc::clone(batch.column(*at))),
        Origin::Sought(at) => found_or_null(&table.columns[*at], &rows),
    })
    .map(Some)
}

/// The values at `rows`, with nulls where these are null.
fn found_or_null(column: &ArrayRef, rows: &UInt32Array) -> Result<ArrayRef> {
    if rows.null_count() == rows.len() {
        return Ok(new_null_array(column.data_type(), rows.len()));
    }
    Ok(take(column, rows, None)?)
}

/// The next rows that are left of a batch, of which some find several; `None` if none is left.
fn written(
    shape: &Shape,
    table: &Table,
    left: &mut Left,
    found: &[Found],
    most: usize,
) -> Result<Option<RecordBatch>> {
    let (mut seeking, mut sought) = (Vec::new(), Vec::new());
    while seeking.len() < most && left.row < left.batch.num_rows() {
        let row = u32::try_from(left.row).unwrap_or(u32::MAX);
        let of_row = found[left.row];
        if of_row.n == 0 {
            if shape.unmatched == Unmatched::Kept {
                seeking.push(row);
                sought.push(None);
            }
            left.row += 1;
            continue;
        }
        seeking.push(row);
        sought.push(Some(table.index.row_at(of_row.first + left.n_written)));
        left.n_written += 1;
        if left.n_written == of_row.n {
            (left.row, left.n_written) = (left.row + 1, 0);
        }
    }
    if seeking.is_empty() {
        return Ok(None);
    }
    let (seeking, sought) = (UInt32Array::from(seeking), UInt32Array::from(sought));
    batch_of(shape, seeking.len(), |origin| match origin {
        Origin::Seeking(at) => Ok(take(left.batch.column(*at), &seeking, None)?),
        Origin::Sought(at) => found_or_null(&table.columns[*at], &sought),
    })
    .map(Some)
}
