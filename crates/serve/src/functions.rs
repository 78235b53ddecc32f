//! Functions that PostgreSQL's clients ask at their start: the version, and the sizes of tables.

use datafusion::arrow::array::{AsArray, Int32Array, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, create_udf,
};
use datafusion::prelude::SessionContext;
use lake::TableVersion;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The PostgreSQL whose catalog the clients find, and what is there in truth.
const VERSION: &str =
    concat!("PostgreSQL 16.6 (Rebound ", env!("CARGO_PKG_VERSION"), ", DataFusion)");

/// Registers `version`; `to_regclass` and `to_regtype`; `pg_table_size`, `pg_relation_size` and `pg_total_relation_size`, which give the bytes of a table's Parquet
/// files, and `pg_size_pretty`. `numbers` are the tables' in the session's catalog, `types`
/// the types'.
pub(crate) fn register<'v>(
    context: &SessionContext,
    numbers: &BTreeMap<String, i32>,
    types: &BTreeMap<String, i32>,
    versions: impl Iterator<Item = &'v TableVersion>,
) {
    let version = |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(ScalarValue::from(VERSION)));
    let version =
        create_udf("version", vec![], DataType::Utf8, Volatility::Stable, Arc::new(version));
    context.register_udf(version);
    context.register_udf(NumberOf::udf("to_regclass", numbers.clone()));
    context.register_udf(NumberOf::udf("to_regtype", types.clone()));
    let sizes: BTreeMap<i32, i64> = versions
        .filter_map(|version| {
            let number = numbers.get(&version.table)?;
            Some((*number, i64::try_from(version.bytes()).unwrap_or(i64::MAX)))
        })
        .collect();
    let sizes = Arc::new(sizes);
    for name in ["pg_table_size", "pg_relation_size", "pg_total_relation_size"] {
        let signature = Signature::exact(vec![DataType::Int32], Volatility::Stable);
        context.register_udf(ScalarUDF::from(SizeOf {
            name,
            signature,
            sizes: Arc::clone(&sizes),
        }));
    }
    let signature = Signature::exact(vec![DataType::Int64], Volatility::Immutable);
    context.register_udf(ScalarUDF::from(Pretty { signature }));
}

/// Registers `session_user`, which `current_user` and `user` are written as.
pub(crate) fn register_user(session: &SessionContext, user: &str) {
    let user = ScalarValue::from(user);
    let user = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(user.clone()));
    session.register_udf(create_udf(
        "session_user",
        vec![],
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(user),
    ));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SizeOf {
    name: &'static str,
    signature: Signature,
    sizes: Arc<BTreeMap<i32, i64>>,
}

impl ScalarUDFImpl for SizeOf {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(numbers) = arrays.first().and_then(|array| array.as_primitive_opt::<Int32Type>())
        else {
            return exec_err!("{} takes the number of a table", self.name);
        };
        let sizes: Int64Array = numbers
            .iter()
            .map(|number| number.map(|number| self.sizes.get(&number).copied().unwrap_or(0)))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(sizes)))
    }
}

/// `to_regclass` and `to_regtype`: the number of a name, null if nothing has it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct NumberOf {
    name: &'static str,
    signature: Signature,
    numbers: Arc<BTreeMap<String, i32>>,
}

impl NumberOf {
    fn udf(name: &'static str, numbers: BTreeMap<String, i32>) -> ScalarUDF {
        let signature = Signature::exact(vec![DataType::Utf8], Volatility::Stable);
        ScalarUDF::from(Self { name, signature, numbers: Arc::new(numbers) })
    }
}

impl ScalarUDFImpl for NumberOf {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(names) = arrays.first().and_then(|array| array.as_string_opt::<i32>()) else {
            return exec_err!("{} takes a name", self.name);
        };
        let numbers: Int32Array =
            names.iter().map(|name| self.numbers.get(&name?.replace('"', "")).copied()).collect();
        Ok(ColumnarValue::Array(Arc::new(numbers)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Pretty {
    signature: Signature,
}

/// As PostgreSQL writes it: whole units, the next from 10 times its size on.
fn pretty(bytes: i64) -> String {
    let mut size = i128::from(bytes);
    if size.abs() < 10 * 1024 {
        return format!("{size} bytes");
    }
    // One bit more than shown, for rounding.
    size >>= 9;
    for unit in ["kB", "MB", "GB"] {
        if size.abs() < 20 * 1024 - 1 {
            return format!("{} {unit}", (size + size.signum()) / 2);
        }
        size >>= 10;
    }
    format!("{} TB", (size + size.signum()) / 2)
}

impl ScalarUDFImpl for Pretty {
    fn name(&self) -> &'static str {
        "pg_size_pretty"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(sizes) = arrays.first().and_then(|array| array.as_primitive_opt::<Int64Type>())
        else {
            return exec_err!("pg_size_pretty takes a number of bytes");
        };
        let texts: StringArray = sizes.iter().map(|size| size.map(pretty)).collect();
        Ok(ColumnarValue::Array(Arc::new(texts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_postgresql_writes_them() {
        // Printed by PostgreSQL 15.
        for (bytes, expected) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (-10_240, "-10 kB"),
            (1_000_000_000, "954 MB"),
            (1_000_000_000_000, "931 GB"),
        ] {
            assert_eq!(pretty(bytes), expected);
        }
    }
}
