//! The value of a query that may give one row: an error if it gives more.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, UInt64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// The name of the function, which no client calls.
pub(crate) const SINGLE: &str = "single_value";

/// What PostgreSQL says of such a query.
pub(crate) const MORE_THAN_ONE: &str =
    "more than one row returned by a subquery used as an expression";

#[derive(Debug, PartialEq, Eq, Hash)]
struct Single {
    signature: Signature,
}

impl AggregateUDFImpl for Single {
    fn name(&self) -> &str {
        SINGLE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, taken: &[DataType]) -> Result<DataType> {
        taken.first().cloned().ok_or_else(|| exec_datafusion_err!("an argument is missing"))
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let value = ScalarValue::try_from(args.return_field.data_type())?;
        Ok(Box::new(Seen { value, n: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let value = args.return_field.data_type().clone();
        let fields = [Field::new("value", value, true), Field::new("n", DataType::UInt64, false)];
        Ok(fields.map(Arc::new).into())
    }
}

/// What was seen: one value, of so many rows.
#[derive(Debug)]
struct Seen {
    value: ScalarValue,
    n: u64,
}

impl Seen {
    fn see(&mut self, values: &ArrayRef, at: usize, n: u64) -> Result<()> {
        if n > 0 && self.n == 0 {
            self.value = ScalarValue::try_from_array(values, at)?;
        }
        self.n = self.n.saturating_add(n);
        Ok(())
    }
}

impl Accumulator for Seen {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first().filter(|values| !values.is_empty()) else {
            return Ok(());
        };
        self.see(values, 0, u64::try_from(values.len()).unwrap_or(u64::MAX))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.n > 1 {
            return exec_err!("{MORE_THAN_ONE}");
        }
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::from(self.n)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, numbers] = states else { return exec_err!("expected two states") };
        let numbers = numbers.as_primitive::<UInt64Type>();
        for at in 0..values.len() {
            self.see(values, at, numbers.value(at))?;
        }
        Ok(())
    }
}

/// Registers the function.
pub(super) fn register(context: &SessionContext) {
    let signature = Signature::any(1, Volatility::Immutable);
    context.register_udaf(AggregateUDF::from(Single { signature }));
}
