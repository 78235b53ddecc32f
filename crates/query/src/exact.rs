//! Exact sums and means of exact numbers.
//!
//! In DataFusion a sum of integers that passes the largest begins again at the smallest, and means
//! and medians of money have a few decimals more than money. Here a sum that does not fit its type
//! is an error. Means and medians are doubles.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, Float64Array,
    Int64Array, UInt64Array,
};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DecimalType, Field, FieldRef, Int64Type, UInt64Type,
};
use datafusion::common::types::{NativeType, logical_float64};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::average::Avg;
use datafusion::functions_aggregate::median::Median;
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Coercion, Documentation, EmitTo,
    GroupsAccumulator, ReversedUDAF, Signature, TypeSignatureClass, Volatility,
};
use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

/// The functions, under the names of those they stand in for.
pub(crate) fn functions() -> [AggregateUDF; 3] {
    let float = Coercion::new_implicit(
        TypeSignatureClass::Native(logical_float64()),
        vec![TypeSignatureClass::Numeric],
        NativeType::Float64,
    );
    let signature = Signature::coercible(vec![float], Volatility::Immutable);
    [
        AggregateUDF::new_from_impl(Exact { inner: Sum::new(), is_mean: false }),
        AggregateUDF::new_from_impl(Exact { inner: Avg::new(), is_mean: true }),
        AggregateUDF::new_from_impl(MedianOfDoubles { inner: Median::new(), signature }),
    ]
}

/// `sum` or `avg`: of exact numbers made here, of others by DataFusion.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact<F> {
    inner: F,
    is_mean: bool,
}

impl<F> Exact<F> {
    /// Whether values of `input` are summed here. Means of integers come as means of doubles.
    fn takes(&self, input: &DataType) -> bool {
        match input {
            DataType::Int64 | DataType::UInt64 => !self.is_mean,
            DataType::Decimal128(..) => true,
            other => self.is_mean && other.is_decimal(),
        }
    }
}

impl<F: AggregateUDFImpl + Eq + Hash> AggregateUDFImpl for Exact<F> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [input] if self.is_mean && input.is_decimal() => Ok(DataType::Float64),
            _ => self.inner.return_type(types),
        }
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let input = args.expr_fields[0].data_type();
        if !self.takes(input) {
            return self.inner.accumulator(args);
        }
        let outcome = Outcome::of(input, args.return_type());
        Ok(if args.is_distinct {
            Box::new(DistinctTotal { outcome, seen: BTreeMap::new() })
        } else {
            Box::new(Total { outcome, sum: 0, n: 0 })
        })
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        if self.takes(args.expr_fields[0].data_type()) {
            self.accumulator(args)
        } else {
            self.inner.create_sliding_accumulator(args)
        }
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let input = args.input_fields[0].data_type();
        if !self.takes(input) {
            return self.inner.state_fields(args);
        }
        let sum = Outcome::of(input, args.return_type()).state_type();
        if args.is_distinct {
            let value = Field::new_list_field(sum, true);
            let name = format_state_name(args.name, "distinct");
            return Ok(vec![Arc::new(Field::new_list(name, value, true))]);
        }
        let n = Field::new(format_state_name(args.name, "count"), DataType::UInt64, true);
        let sum = Field::new(format_state_name(args.name, "sum"), sum, true);
        Ok(vec![Arc::new(sum), Arc::new(n)])
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        if self.takes(args.expr_fields[0].data_type()) {
            !args.is_distinct
        } else {
            self.inner.groups_accumulator_supported(args)
        }
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let input = args.expr_fields[0].data_type();
        if !self.takes(input) {
            return self.inner.create_groups_accumulator(args);
        }
        let outcome = Outcome::of(input, args.return_type());
        Ok(Box::new(Totals { outcome, sums: Vec::new(), ns: Vec::new() }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// `median`, always of doubles: the middle of two amounts of money may lie between two hundredths.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MedianOfDoubles {
    inner: Median,
    signature: Signature,
}

impl AggregateUDFImpl for MedianOfDoubles {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// What sums come to.
#[derive(Debug)]
struct Outcome {
    /// A double for a mean, the type of the sum otherwise.
    found: DataType,
    /// Decimals of the numbers summed.
    scale: i8,
}

impl Outcome {
    fn of(input: &DataType, found: &DataType) -> Self {
        let scale = match input {
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => *scale,
            _ => 0,
        };
        Self { found: found.clone(), scale }
    }

    fn state_type(&self) -> DataType {
        DataType::Decimal128(DECIMAL128_MAX_PRECISION, self.scale)
    }

    /// `sums` as state: they may pass the digits of the type, but never its bits.
    fn state(&self, sums: Vec<i128>) -> Result<ArrayRef> {
        let sums = Decimal128Array::from(sums);
        Ok(Arc::new(sums.with_precision_and_scale(DECIMAL128_MAX_PRECISION, self.scale)?))
    }

    /// The sums or means of groups, of `ns` numbers each; of none, null.
    fn array(&self, sums: Vec<i128>, ns: Vec<u64>) -> Result<ArrayRef> {
        let groups = sums.into_iter().zip(ns).map(|(sum, n)| (n > 0).then_some((sum, n)));
        let too_large = || exec_datafusion_err!("the sum overflows: it is no {}", self.found);
        Ok(match &self.found {
            DataType::Float64 => {
                let one = 10_f64.powi(i32::from(self.scale));
                let means = groups.map(|group| group.map(|(sum, n)| sum as f64 / (one * n as f64)));
                Arc::new(means.collect::<Float64Array>())
            }
            DataType::Int64 => {
                let sums = groups.map(|group| match group {
                    Some((sum, _)) => i64::try_from(sum).map(Some).map_err(|_| too_large()),
                    None => Ok(None),
                });
                Arc::new(sums.collect::<Result<Int64Array>>()?)
            }
            DataType::UInt64 => {
                let sums = groups.map(|group| match group {
                    Some((sum, _)) => u64::try_from(sum).map(Some).map_err(|_| too_large()),
                    None => Ok(None),
                });
                Arc::new(sums.collect::<Result<UInt64Array>>()?)
            }
            DataType::Decimal128(precision, scale) => {
                let sums = groups.map(|group| match group {
                    Some((sum, _))
                        if !Decimal128Type::is_valid_decimal_precision(sum, *precision) =>
                    {
                        Err(too_large())
                    }
                    group => Ok(group.map(|(sum, _)| sum)),
                });
                let sums = sums.collect::<Result<Decimal128Array>>()?;
                Arc::new(sums.with_precision_and_scale(*precision, *scale)?)
            }
            other => return exec_err!("no sum is a {other}"),
        })
    }

    fn scalar(&self, sum: i128, n: u64) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.array(vec![sum], vec![n])?, 0)
    }
}

fn overflow() -> DataFusionError {
    exec_datafusion_err!("the sum overflows")
}

fn plus(sum: i128, value: i128) -> Result<i128> {
    sum.checked_add(value).ok_or_else(overflow)
}

fn less(sum: i128, value: i128) -> Result<i128> {
    sum.checked_sub(value).ok_or_else(overflow)
}

/// Hands on every value of `array` that is not null, with its row.
fn for_each(array: &ArrayRef, mut take: impl FnMut(usize, i128) -> Result<()>) -> Result<()> {
    fn values<T: ArrowPrimitiveType>(
        array: &ArrayRef,
        exact: impl Fn(T::Native) -> Option<i128>,
        take: &mut impl FnMut(usize, i128) -> Result<()>,
    ) -> Result<()> {
        let array = array.as_primitive::<T>();
        for (row, value) in array.values().iter().enumerate() {
            if array.is_valid(row) {
                take(row, exact(*value).ok_or_else(overflow)?)?;
            }
        }
        Ok(())
    }
    let take = &mut take;
    match array.data_type() {
        DataType::Int64 => values::<Int64Type>(array, |value| Some(value.into()), take),
        DataType::UInt64 => values::<UInt64Type>(array, |value| Some(value.into()), take),
        DataType::Decimal32(..) => values::<Decimal32Type>(array, |value| Some(value.into()), take),
        DataType::Decimal64(..) => values::<Decimal64Type>(array, |value| Some(value.into()), take),
        DataType::Decimal128(..) => values::<Decimal128Type>(array, Some, take),
        DataType::Decimal256(..) => values::<Decimal256Type>(array, |value| value.to_i128(), take),
        other => exec_err!("no {other} can be summed exactly"),
    }
}

/// A sum and how many numbers it is of.
#[derive(Debug)]
struct Total {
    outcome: Outcome,
    sum: i128,
    n: u64,
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for_each(&values[0], |_, value| {
            self.sum = plus(self.sum, value)?;
            self.n += 1;
            Ok(())
        })
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for_each(&values[0], |_, value| {
            self.sum = less(self.sum, value)?;
            self.n -= 1;
            Ok(())
        })
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let ns = states[1].as_primitive::<UInt64Type>();
        for_each(&states[0], |row, sum| {
            self.sum = plus(self.sum, sum)?;
            self.n += ns.value(row);
            Ok(())
        })
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum =
            ScalarValue::Decimal128(Some(self.sum), DECIMAL128_MAX_PRECISION, self.outcome.scale);
        Ok(vec![sum, ScalarValue::UInt64(Some(self.n))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.outcome.scalar(self.sum, self.n)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// How often each number was seen.
#[derive(Debug)]
struct DistinctTotal {
    outcome: Outcome,
    seen: BTreeMap<i128, u64>,
}

impl Accumulator for DistinctTotal {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for_each(&values[0], |_, value| {
            *self.seen.entry(value).or_default() += 1;
            Ok(())
        })
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for_each(&values[0], |_, value| {
            if let Some(n) = self.seen.get_mut(&value) {
                *n -= 1;
                if *n == 0 {
                    self.seen.remove(&value);
                }
            }
            Ok(())
        })
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for values in states[0].as_list::<i32>().iter().flatten() {
            self.update_batch(&[values])?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let scale = self.outcome.scale;
        let value = |&value| ScalarValue::Decimal128(Some(value), DECIMAL128_MAX_PRECISION, scale);
        let values: Vec<ScalarValue> = self.seen.keys().map(value).collect();
        let list = ScalarValue::new_list_nullable(&values, &self.outcome.state_type());
        Ok(vec![ScalarValue::List(list)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.seen.keys().try_fold(0, |sum, &value| plus(sum, value))?;
        self.outcome.scalar(sum, self.seen.len() as u64)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.seen.len() * size_of::<(i128, u64)>()
    }
}

/// The sums of groups.
#[derive(Debug)]
struct Totals {
    outcome: Outcome,
    sums: Vec<i128>,
    ns: Vec<u64>,
}

impl Totals {
    fn add(&mut self, group: usize, sum: i128, n: u64) -> Result<()> {
        self.sums[group] = plus(self.sums[group], sum)?;
        self.ns[group] += n;
        Ok(())
    }

    fn grow(&mut self, n_groups: usize) {
        self.sums.resize(n_groups, 0);
        self.ns.resize(n_groups, 0);
    }
}

/// Whether the row is one of those that count.
fn counts(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        for_each(&values[0], |row, value| {
            if counts(filter, row) { self.add(groups[row], value, 1) } else { Ok(()) }
        })
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        n_groups: usize,
    ) -> Result<()> {
        self.grow(n_groups);
        let ns = states[1].as_primitive::<UInt64Type>();
        for_each(&states[0], |row, sum| self.add(groups[row], sum, ns.value(row)))
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (sums, ns) = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.ns));
        self.outcome.array(sums, ns)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, ns) = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.ns));
        Ok(vec![self.outcome.state(sums)?, Arc::new(UInt64Array::from(ns))])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let (mut sums, mut ns) = (vec![0; values[0].len()], vec![0; values[0].len()]);
        for_each(&values[0], |row, value| {
            if counts(filter, row) {
                (sums[row], ns[row]) = (value, 1);
            }
            Ok(())
        })?;
        Ok(vec![self.outcome.state(sums)?, Arc::new(UInt64Array::from(ns))])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i128>() + self.ns.capacity() * size_of::<u64>()
    }
}
