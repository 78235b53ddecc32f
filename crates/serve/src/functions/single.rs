//! The value of a query that may give one row: an error if it gives more.

use super::udf::put;
use datafusion::arrow::array::{Array, AsArray, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

/// The name of the function, which no client calls. It takes the array of the query's rows.
pub(crate) const SINGLE: &str = "single_value";

/// What PostgreSQL says of such a query.
pub(crate) const MORE_THAN_ONE: &str =
    "more than one row returned by a subquery used as an expression";

#[derive(Debug, PartialEq, Eq, Hash)]
struct Single {
    signature: Signature,
}

impl ScalarUDFImpl for Single {
    fn name(&self) -> &str {
        SINGLE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, taken: &[DataType]) -> Result<DataType> {
        match taken {
            [DataType::List(element)] => Ok(element.data_type().clone()),
            _ => exec_err!("{SINGLE} takes an array"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let lists = columns.first().and_then(|column| column.as_list_opt::<i32>());
        let lists = lists.ok_or_else(|| exec_datafusion_err!("{SINGLE} takes an array"))?;
        let offsets = lists.value_offsets();
        let places = (0..lists.len()).map(|at| {
            if lists.is_null(at) || offsets[at] == offsets[at + 1] {
                return Ok(None);
            }
            if offsets[at + 1] - offsets[at] > 1 {
                return exec_err!("{MORE_THAN_ONE}");
            }
            Ok(u32::try_from(offsets[at]).ok())
        });
        let places = places.collect::<Result<UInt32Array>>()?;
        Ok(ColumnarValue::Array(take(lists.values(), &places, None)?))
    }
}

/// Registers the function.
pub(super) fn register(context: &SessionContext) {
    let signature = Signature::any(1, Volatility::Immutable);
    put(context, ScalarUDF::from(Single { signature }));
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn value(sql: &str) -> Result<String> {
        let context = SessionContext::new();
        register(&context);
        let rows = context.sql(sql).await?.collect().await?;
        Ok(datafusion::arrow::util::display::array_value_to_string(rows[0].column(0), 0)?)
    }

    #[tokio::test]
    async fn more_rows_than_one_are_an_error() {
        assert_eq!(value("select single_value([7])").await.expect("a value"), "7");
        assert_eq!(
            value("select single_value(null::int[]) is null").await.expect("a value"),
            "true"
        );
        let error = value("select single_value([7, 8])").await.expect_err("two");
        assert!(error.to_string().contains(MORE_THAN_ONE), "{error}");
    }
}
