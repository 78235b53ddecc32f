//! Functions that can make much of little, such as `repeat`.
//!
//! What they will make is taken from the memory of the query before they make it. It is given back
//! when the last of it is gone.

use crate::bounds::is_planning;
use arrow::array::{Array, ArrayData, ArrayRef, AsArray, make_array};
use arrow::buffer::Buffer;
use arrow::compute::kernels::concat_elements::concat_elements_dyn;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, FieldRef, Int64Type, IntervalUnit, TimeUnit};
use bytes::Bytes;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{
    DFSchema, ExprSchema, Result, ScalarValue, exec_err, internal_err, plan_err,
};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Documentation, Expr, ExprSchemable, ExpressionPlacement,
    LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, StructFieldMapping, Volatility,
};
use datafusion::optimizer::analyzer::AnalyzerRule;
use datafusion::prelude::SessionConfig;
use std::any::Any;
use std::sync::Arc;

/// Bytes of a constant that may stand in a plan, to be written out for every row of a batch.
const LARGEST_CONSTANT: u64 = 4 << 10;

/// Bytes from which on an array's memory is held as long as there is the array.
const HELD_FROM: usize = 1 << 20;

/// The memory of a session's queries, for functions that ask for it.
#[derive(Debug, Clone)]
struct QueryMemory(Arc<dyn MemoryPool>);

impl ExtensionOptions for QueryMemory {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> Result<()> {
        plan_err!("there is no setting `{}.{key}`", Self::PREFIX)
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

impl ConfigExtension for QueryMemory {
    const PREFIX: &'static str = "rebound";
}

/// The settings of a session whose functions take their memory from `pool`.
pub fn with_memory(config: SessionConfig, pool: &Arc<dyn MemoryPool>) -> SessionConfig {
    config.with_option_extension(QueryMemory(Arc::clone(pool)))
}

/// How much a function makes of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// At most so many times the bytes of its arguments.
    Times(u64),
    /// The first argument as often as the second says: texts and lists.
    Repeat,
    /// As many characters as the second argument says.
    Pad,
    /// The third argument for each time that the second is in the first.
    Replace,
    /// The third argument, and what it takes from the first, for each match of the second in the
    /// first.
    ReplaceMatches,
    /// Numbers or times from one to another.
    Series,
    /// As many elements as the second argument says.
    Resize,
    /// The third argument for each element.
    ReplaceElements,
    /// Every element as text, with the second and third argument between and in place of them.
    JoinElements,
    /// The first argument between all others.
    JoinWith,
    /// The form that the second argument is, filled in.
    Format,
}

impl Growth {
    fn of(function: &ScalarUDF) -> Self {
        match function.name() {
            "repeat" | "array_repeat" => Self::Repeat,
            "lpad" | "rpad" => Self::Pad,
            "replace" => Self::Replace,
            "regexp_replace" => Self::ReplaceMatches,
            "range" | "generate_series" => Self::Series,
            "array_resize" => Self::Resize,
            "array_replace" | "array_replace_n" | "array_replace_all" => Self::ReplaceElements,
            "array_to_string" => Self::JoinElements,
            "concat_ws" => Self::JoinWith,
            "to_char" => Self::Format,
            "string_to_array" => Self::Times(16),
            _ => Self::Times(4),
        }
    }

    /// Bytes that it makes at most.
    fn most(self, args: &[ColumnarValue], n_rows: usize) -> Result<u64> {
        let columns = args.iter().map(Column::of).collect::<Result<Vec<_>>>()?;
        let arg = |at: usize| columns.get(at);
        let text = |at: usize, row: usize| arg(at).map_or(0, |column| column.bytes(row));
        let number = |at: usize, row: usize| arg(at).map_or(0, |column| column.number(row));
        let of_row = |row: usize| -> u64 {
            match self {
                Self::Times(n) => {
                    let all = (0..columns.len()).map(|at| text(at, row));
                    all.fold(0, u64::saturating_add).saturating_mul(n)
                }
                Self::Repeat => text(0, row).saturating_mul(count(number(1, row))),
                Self::Pad => {
                    let wide = (0..columns.len())
                        .any(|at| text(at, row) > 0 && !arg(at).is_some_and(Column::is_ascii));
                    count(number(1, row)).saturating_mul(if wide { 4 } else { 1 })
                }
                Self::Replace => {
                    let (whole, part) = (text(0, row), text(1, row));
                    // What is empty is between all characters.
                    let times = whole.checked_div(part).unwrap_or(whole + 1);
                    times.saturating_mul(text(2, row)).saturating_add(whole)
                }
                Self::ReplaceMatches => {
                    let (whole, by) = (text(0, row), text(2, row));
                    // Matches do not overlap: what a reference takes is at most the whole in all.
                    (whole + 1).saturating_mul(by).saturating_add(whole.saturating_mul(1 + by / 2))
                }
                Self::Series => series(&columns, row),
                Self::Resize => {
                    let each = arg(0).map_or(8, Column::bytes_of_element).max(text(2, row));
                    count(number(1, row)).saturating_mul(each)
                }
                Self::ReplaceElements => {
                    let n = arg(0).map_or(0, |column| column.elements(row));
                    n.saturating_mul(text(2, row)).saturating_add(text(0, row))
                }
                Self::JoinElements => {
                    let n = arg(0).map_or(0, |column| column.leaves(row));
                    let each = text(1, row).saturating_add(text(2, row)).saturating_add(32);
                    n.saturating_mul(each).saturating_add(text(0, row))
                }
                Self::JoinWith => {
                    let all = (1..columns.len()).map(|at| text(at, row));
                    all.fold(0, u64::saturating_add)
                        .saturating_add(text(0, row).saturating_mul(columns.len() as u64))
                }
                // The longest field of two characters is a date with its time.
                Self::Format => text(1, row).saturating_mul(32),
            }
        };
        let is_one = columns.iter().all(|column| column.is_one);
        Ok(if is_one {
            of_row(0).saturating_add(16).saturating_mul(n_rows as u64)
        } else {
            (0..n_rows).fold(0_u64, |sum, row| sum.saturating_add(of_row(row)).saturating_add(16))
        })
    }
}

/// A number of times; less than none is none.
fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Bytes of the numbers or times from the first argument to the second, by steps of the third. With
/// one argument they go from nothing to the first.
fn series(columns: &[Column], row: usize) -> u64 {
    let step = columns.get(2).map_or(1, |column| column.step(row, columns[0].array.data_type()));
    let (from, to) = match columns {
        [to] => (0, to.number(row)),
        [from, to, ..] => (from.number(row), to.number(row)),
        [] => (0, 0),
    };
    let span = i128::from(to) - i128::from(from);
    let n = if step == 0 || (span < 0) != (step < 0) { 0 } else { (span / step).unsigned_abs() };
    u64::try_from(n.saturating_add(1).saturating_mul(8)).unwrap_or(u64::MAX)
}

/// An argument, or a column of rows.
pub(crate) struct Column {
    array: ArrayRef,
    /// Numbers, if it has some.
    numbers: Option<ArrayRef>,
    /// Whether all rows are the first.
    is_one: bool,
}

impl Column {
    pub(crate) fn of(value: &ColumnarValue) -> Result<Self> {
        let (array, is_one) = match value {
            ColumnarValue::Array(array) => (Arc::clone(array), false),
            ColumnarValue::Scalar(scalar) => (scalar.to_array_of_size(1)?, true),
        };
        let kind = array.data_type();
        let numbers = if kind.is_numeric() {
            Some(cast_with_options(&array, &DataType::Int64, &CastOptions::default())?)
        } else if matches!(kind, DataType::Date32) {
            let days = cast_with_options(&array, &DataType::Int32, &CastOptions::default())?;
            Some(cast_with_options(&days, &DataType::Int64, &CastOptions::default())?)
        } else if matches!(kind, DataType::Date64 | DataType::Timestamp(..)) {
            Some(cast_with_options(&array, &DataType::Int64, &CastOptions::default())?)
        } else {
            None
        };
        Ok(Self { array, numbers, is_one })
    }

    fn row(&self, row: usize) -> usize {
        if self.is_one { 0 } else { row }
    }

    /// The number in a row; one that is too large is the largest.
    fn number(&self, row: usize) -> i64 {
        let row = self.row(row);
        match &self.numbers {
            Some(_) if self.array.is_null(row) => 0,
            Some(numbers) if numbers.is_null(row) => i64::MAX,
            Some(numbers) => numbers.as_primitive::<Int64Type>().value(row),
            None => 0,
        }
    }

    /// Bytes of the value in a row.
    pub(crate) fn bytes(&self, row: usize) -> u64 {
        let row = self.row(row);
        let array = &self.array;
        if row >= array.len() || array.is_null(row) {
            return 0;
        }
        let n = match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().value(row).len(),
            DataType::LargeUtf8 => array.as_string::<i64>().value(row).len(),
            DataType::Utf8View => array.as_string_view().value(row).len(),
            DataType::Binary => array.as_binary::<i32>().value(row).len(),
            DataType::LargeBinary => array.as_binary::<i64>().value(row).len(),
            DataType::BinaryView => array.as_binary_view().value(row).len(),
            DataType::List(_) | DataType::LargeList(_) => {
                let of_elements = self.elements(row).saturating_mul(self.bytes_of_element());
                return of_elements.saturating_add(8);
            }
            kind => match kind.primitive_width() {
                Some(width) => width,
                // Of what is neither, all is taken for each.
                None => array.slice(row, 1).to_data().get_slice_memory_size().unwrap_or(16),
            },
        };
        n as u64
    }

    fn child(&self) -> Option<&ArrayRef> {
        match self.array.data_type() {
            DataType::List(_) => Some(self.array.as_list::<i32>().values()),
            DataType::LargeList(_) => Some(self.array.as_list::<i64>().values()),
            _ => None,
        }
    }

    /// Elements of the list in a row.
    fn elements(&self, row: usize) -> u64 {
        let row = self.row(row);
        let n = match self.array.data_type() {
            _ if self.array.is_null(row) => 0,
            DataType::List(_) => i64::from(self.array.as_list::<i32>().value_length(row)),
            DataType::LargeList(_) => self.array.as_list::<i64>().value_length(row),
            _ => 1,
        };
        count(n)
    }

    /// Elements of lists in the list of a row: of all rows, where there are lists in lists.
    pub(crate) fn leaves(&self, row: usize) -> u64 {
        fn deepest(array: &ArrayRef) -> u64 {
            match array.data_type() {
                DataType::List(_) => deepest(array.as_list::<i32>().values()),
                DataType::LargeList(_) => deepest(array.as_list::<i64>().values()),
                _ => array.len() as u64,
            }
        }
        match self.child() {
            Some(child) if child.data_type().is_nested() => deepest(child),
            _ => self.elements(row),
        }
    }

    /// Bytes of an element of its lists, on average.
    pub(crate) fn bytes_of_element(&self) -> u64 {
        let Some(child) = self.child() else { return 8 };
        let all = child.to_data().get_slice_memory_size().unwrap_or(0) as u64;
        all.div_ceil((child.len() as u64).max(1)).max(1)
    }

    fn is_ascii(&self) -> bool {
        match self.array.data_type() {
            DataType::Utf8 => self.array.as_string::<i32>().is_ascii(),
            DataType::LargeUtf8 => self.array.as_string::<i64>().is_ascii(),
            DataType::Utf8View => self.array.as_string_view().is_ascii(),
            _ => true,
        }
    }

    /// The step of a series of `kind`, in its units and no longer than it is.
    fn step(&self, row: usize, kind: &DataType) -> i128 {
        use arrow::datatypes::{
            IntervalDayTimeType, IntervalMonthDayNanoType, IntervalYearMonthType,
        };
        let at = self.row(row);
        if self.array.is_null(at) {
            return 0;
        }
        const DAY: i128 = 86_400_000_000_000;
        let nanos: i128 = match self.array.data_type() {
            DataType::Interval(IntervalUnit::YearMonth) => {
                i128::from(self.array.as_primitive::<IntervalYearMonthType>().value(at)) * 28 * DAY
            }
            DataType::Interval(IntervalUnit::DayTime) => {
                let found = self.array.as_primitive::<IntervalDayTimeType>().value(at);
                i128::from(found.days) * DAY + i128::from(found.milliseconds) * 1_000_000
            }
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let found = self.array.as_primitive::<IntervalMonthDayNanoType>().value(at);
                let days = i128::from(found.months) * 28 + i128::from(found.days);
                days * DAY + i128::from(found.nanoseconds)
            }
            _ => return i128::from(self.number(row)),
        };
        let unit = match kind {
            DataType::Timestamp(TimeUnit::Second, _) => 1_000_000_000,
            DataType::Timestamp(TimeUnit::Millisecond, _) | DataType::Date64 => 1_000_000,
            DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => 1,
            _ => DAY,
        };
        // Of less than a unit, the series has at most one a unit.
        if nanos == 0 {
            0
        } else if nanos.abs() < unit {
            nanos.signum()
        } else {
            nanos / unit
        }
    }
}

/// Memory that is given back with the last part of an array.
struct Held {
    buffer: Buffer,
    _reservation: Arc<MemoryReservation>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.buffer.as_slice()
    }
}

fn held(data: ArrayData, reservation: &Arc<MemoryReservation>) -> Result<ArrayData> {
    let buffer = |buffer: &Buffer| {
        let (buffer, reservation) = (buffer.clone(), Arc::clone(reservation));
        Buffer::from(Bytes::from_owner(Held { buffer, _reservation: reservation }))
    };
    let buffers = data.buffers().iter().map(buffer).collect();
    let children = data.child_data().iter().map(|child| held(child.clone(), reservation));
    let children = children.collect::<Result<Vec<_>>>()?;
    Ok(data.into_builder().buffers(buffers).child_data(children).build()?)
}

fn pool_of(config: &ConfigOptions) -> Result<&Arc<dyn MemoryPool>> {
    match config.extensions.get::<QueryMemory>() {
        Some(QueryMemory(pool)) => Ok(pool),
        None => internal_err!("the session has no memory for functions"),
    }
}

/// What `make` makes, of at most `most` bytes, held in `pool`. A large constant becomes an array of
/// `n_rows`.
fn reserved(
    name: &str,
    most: u64,
    n_rows: usize,
    config: &ConfigOptions,
    make: impl FnOnce() -> Result<ColumnarValue>,
) -> Result<ColumnarValue> {
    if is_planning() {
        // A large constant is left to be made when the query runs, where its memory is counted.
        return if most > LARGEST_CONSTANT {
            exec_err!("`{name}` makes more than a plan can hold")
        } else {
            make()
        };
    }
    let reservation = MemoryConsumer::new(name).register(pool_of(config)?);
    let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    reservation.try_grow(bytes(most))?;
    let made = make()?;
    let array = match made {
        ColumnarValue::Scalar(constant) if constant.size() as u64 <= LARGEST_CONSTANT => {
            return Ok(ColumnarValue::Scalar(constant));
        }
        ColumnarValue::Scalar(constant) => constant.to_array_of_size(n_rows)?,
        ColumnarValue::Array(array) => array,
    };
    let size = array.get_buffer_memory_size();
    if size < HELD_FROM {
        return Ok(ColumnarValue::Array(array));
    }
    reservation.try_resize(size)?;
    let data = held(array.to_data(), &Arc::new(reservation))?;
    Ok(ColumnarValue::Array(make_array(data)))
}

/// A function that takes its memory first.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Growing {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

fn is_counted(function: &ScalarUDF) -> bool {
    function.inner().is::<Growing>() || function.inner().is::<Constant>()
}

fn growing(inner: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    if is_counted(&inner) {
        return inner;
    }
    let growth = Growth::of(&inner);
    Arc::new(ScalarUDF::new_from_impl(Growing { inner, growth }))
}

// It is the function in all but its memory, so it has every method.
#[warn(clippy::missing_trait_methods)]
impl ScalarUDFImpl for Growing {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        #[expect(deprecated, reason = "the function's own")]
        self.inner.inner().display_name(args)
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(ScalarUDF::new_from_impl(Self { inner, growth: self.growth }))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn is_nullable(&self, args: &[Expr], schema: &dyn ExprSchema) -> bool {
        #[expect(deprecated, reason = "the function's own")]
        self.inner.inner().is_nullable(args, schema)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let most = self.growth.most(&args.args, args.number_rows)?;
        let config = Arc::clone(&args.config_options);
        reserved(self.name(), most, args.number_rows, &config, || {
            self.inner.inner().invoke_with_args(args)
        })
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(match self.inner.inner().simplify(args, info)? {
            // Of functions again, which have to be counted, too.
            ExprSimplifyResult::Simplified(expr) => ExprSimplifyResult::Simplified(
                expr.transform_up(|expr| Ok(with_growing(expr))).data()?,
            ),
            unchanged => unchanged,
        })
    }

    fn preimage(
        &self,
        args: &[Expr],
        literal: &Expr,
        info: &SimplifyContext,
    ) -> Result<PreimageResult> {
        self.inner.inner().preimage(args, literal, info)
    }

    fn short_circuits(&self) -> bool {
        self.inner.inner().short_circuits()
    }

    fn conditional_arguments<'a>(
        &self,
        args: &'a [Expr],
    ) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.inner().conditional_arguments(args)
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        self.inner.inner().evaluate_bounds(input)
    }

    fn propagate_constraints(
        &self,
        interval: &Interval,
        inputs: &[&Interval],
    ) -> Result<Option<Vec<Interval>>> {
        self.inner.inner().propagate_constraints(interval, inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.inner().output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.inner().preserves_lex_ordering(inputs)
    }

    fn strictly_order_preserving(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.inner().strictly_order_preserving(inputs)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(types)
    }

    fn struct_field_mapping(&self, literals: &[Option<ScalarValue>]) -> Option<StructFieldMapping> {
        self.inner.inner().struct_field_mapping(literals)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.inner().documentation()
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        self.inner.inner().placement(args)
    }
}

/// A long text or list of the query itself. It is not written out for every row without being
/// counted.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Constant {
    value: ScalarValue,
    signature: Signature,
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        "constant"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let most = (self.value.size() as u64).saturating_mul(args.number_rows as u64);
        reserved(self.name(), most, args.number_rows, &args.config_options, || {
            Ok(ColumnarValue::Scalar(self.value.clone()))
        })
    }
}

/// A chain of `||` of texts.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joined(Signature);

impl Joined {
    /// `left || right`. A chain on the left goes on, so that a long one is not deep.
    fn call(left: Expr, right: Expr) -> Expr {
        let mut args = match left {
            Expr::ScalarFunction(call) if is_joined(&call.func) => call.args,
            left => vec![left],
        };
        args.push(right);
        let inner = Self(Signature::any(args.len(), Volatility::Immutable));
        let func = growing(Arc::new(ScalarUDF::new_from_impl(inner)));
        Expr::ScalarFunction(ScalarFunction { func, args })
    }
}

fn is_joined(function: &ScalarUDF) -> bool {
    let growing = function.inner().downcast_ref::<Growing>();
    growing.is_some_and(|growing| growing.inner.inner().is::<Joined>())
}

impl ScalarUDFImpl for Joined {
    fn name(&self) -> &str {
        "joined"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [first, ..] => Ok(first.clone()),
            [] => internal_err!("|| has two sides"),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some((first, rest)) = arrays.split_first() else {
            return internal_err!("|| has two sides");
        };
        let mut joined = Arc::clone(first);
        for next in rest {
            joined = concat_elements_dyn(&joined, next)?;
        }
        let are_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        Ok(if are_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?)
        } else {
            ColumnarValue::Array(joined)
        })
    }
}

/// Whether values of this type have no fixed size.
fn is_open(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_open(values),
        kind => {
            kind.is_nested()
                || kind.is_string()
                || matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
        }
    }
}

fn with_growing(expr: Expr) -> Transformed<Expr> {
    match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) if !is_counted(&func) => {
            Transformed::yes(Expr::ScalarFunction(ScalarFunction { func: growing(func), args }))
        }
        expr => Transformed::no(expr),
    }
}

fn counted(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    Ok(match expr {
        // What has to be made out before it can be made is left to the engine.
        Expr::ScalarFunction(ref call)
            if !call.args.is_empty()
                && call.func.name() != "get_field"
                && !call.func.inner().short_circuits()
                && expr.get_type(schema).is_ok_and(|kind| is_open(&kind)) =>
        {
            with_growing(expr)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right })
            if are_texts(&left, &right, schema) =>
        {
            Transformed::yes(Joined::call(*left, *right))
        }
        Expr::Literal(value, _) if value.size() as u64 > LARGEST_CONSTANT => {
            let signature = Signature::nullary(Volatility::Immutable);
            let func = Arc::new(ScalarUDF::new_from_impl(Constant { value, signature }));
            Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args: Vec::new() }))
        }
        expr => Transformed::no(expr),
    })
}

fn are_texts(left: &Expr, right: &Expr, schema: &DFSchema) -> bool {
    match (left.get_type(schema), right.get_type(schema)) {
        (Ok(left), Ok(right)) => left == right && left.is_string(),
        _ => false,
    }
}

/// Makes functions take their memory first. It must come after types were made to agree.
#[derive(Debug)]
pub(crate) struct CountedFunctions;

impl AnalyzerRule for CountedFunctions {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        crate::arithmetic::rewritten(plan, counted)
    }

    fn name(&self) -> &'static str {
        "counted_functions"
    }
}
