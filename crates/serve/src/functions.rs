//! Functions that PostgreSQL's clients call at their start: for the version, for who they are, for
//! numbers and sizes of tables.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, StringArray};
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType, Int32Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::expr_fn::SimpleScalarUDF;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Signature, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use lake::TableVersion;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The PostgreSQL whose catalog the clients find, and what is there in truth.
const VERSION: &str =
    concat!("PostgreSQL 16.6 (Rebound ", env!("CARGO_PKG_VERSION"), ", DataFusion)");

/// Registers a function of columns.
pub(crate) fn register(
    context: &SessionContext,
    name: &str,
    signature: Signature,
    returned: DataType,
    of: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
) {
    let function = move |args: &[ColumnarValue]| {
        Ok(ColumnarValue::Array(of(&ColumnarValue::values_to_arrays(args)?)?))
    };
    let function =
        SimpleScalarUDF::new_with_signature(name, signature, returned, Arc::new(function));
    context.register_udf(ScalarUDF::from(function));
}

/// Registers a function of one column.
fn register_of(
    context: &SessionContext,
    name: &str,
    taken: DataType,
    returned: DataType,
    of: impl Fn(&ArrayRef) -> Result<ArrayRef> + Send + Sync + 'static,
) {
    let signature = Signature::exact(vec![taken], Volatility::Stable);
    register(context, name, signature, returned, move |columns| match columns {
        [column] => of(column),
        _ => Err(exec_datafusion_err!("expected one argument")),
    });
}

/// Registers a function without arguments.
fn register_constant(context: &SessionContext, name: &str, text: &str) {
    let text = ScalarValue::from(text);
    let function = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(text.clone()));
    let function = create_udf(name, vec![], DataType::Utf8, Volatility::Stable, Arc::new(function));
    context.register_udf(function);
}

/// The column as numbers of this kind.
pub(crate) fn numbers_of<T: ArrowPrimitiveType>(
    column: &ArrayRef,
) -> Result<&datafusion::arrow::array::PrimitiveArray<T>> {
    column
        .as_primitive_opt::<T>()
        .ok_or_else(|| exec_datafusion_err!("expected numbers, found {}", column.data_type()))
}

/// Registers `version`, `to_regclass` and `to_regtype`, and `pg_size_pretty`. `pg_table_size`,
/// `pg_relation_size` and `pg_total_relation_size` give the bytes of a table's Parquet files.
///
/// `numbers` are those of the tables in the session's catalog, `types` those of the types.
pub(crate) fn register_all<'v>(
    context: &SessionContext,
    numbers: &BTreeMap<String, i32>,
    types: &BTreeMap<String, i32>,
    versions: impl Iterator<Item = &'v TableVersion>,
) {
    register_constant(context, "version", VERSION);
    for (name, numbers) in [("to_regclass", numbers), ("to_regtype", types)] {
        let numbers = numbers.clone();
        register_of(context, name, DataType::Utf8, DataType::Int32, move |names| {
            let number = |name: Option<&str>| numbers.get(&name?.replace('"', "")).copied();
            Ok(Arc::new(names.as_string::<i32>().iter().map(number).collect::<Int32Array>()))
        });
    }
    let sizes: BTreeMap<i32, i64> = versions
        .filter_map(|version| {
            let number = numbers.get(&version.table)?;
            Some((*number, i64::try_from(version.bytes()).unwrap_or(i64::MAX)))
        })
        .collect();
    let sizes = Arc::new(sizes);
    for name in ["pg_table_size", "pg_relation_size", "pg_total_relation_size"] {
        let sizes = Arc::clone(&sizes);
        register_of(context, name, DataType::Int32, DataType::Int64, move |tables| {
            let size = |table: Option<i32>| Some(sizes.get(&table?).copied().unwrap_or(0));
            let tables = numbers_of::<Int32Type>(tables)?;
            Ok(Arc::new(tables.iter().map(size).collect::<Int64Array>()))
        });
    }
    register_of(context, "pg_size_pretty", DataType::Int64, DataType::Utf8, |sizes| {
        let sizes = numbers_of::<Int64Type>(sizes)?;
        Ok(Arc::new(sizes.iter().map(|size| size.map(pretty)).collect::<StringArray>()))
    });
}

/// Registers `session_user`, which `current_user` and `user` are written as.
pub(crate) fn register_user(session: &SessionContext, user: &str) {
    register_constant(session, "session_user", user);
}

/// Registers `current_database`.
pub(crate) fn register_database(session: &SessionContext, database: &str) {
    register_constant(session, "current_database", database);
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
