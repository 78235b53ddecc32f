//! How functions of PostgreSQL's are made.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::expr_fn::SimpleScalarUDF;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Signature, TypeSignature, Volatility};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// The type of the arguments of a function. Whatever is given is cast to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// A text.
    Text,
    /// The number of an object, or a small whole number.
    Oid,
    /// A yes or no.
    Bool,
    /// Anything, as it is.
    Any,
}

impl Takes {
    fn cast(self, array: &ArrayRef) -> Result<ArrayRef> {
        let to = match self {
            Self::Text => DataType::Utf8,
            Self::Oid => DataType::Int32,
            Self::Bool => DataType::Boolean,
            Self::Any => return Ok(Arc::clone(array)),
        };
        Ok(if array.data_type() == &to { Arc::clone(array) } else { cast(array, &to)? })
    }
}

/// The arguments of a call, of as many rows as it has.
#[derive(Debug)]
pub(super) struct Args {
    columns: Vec<ArrayRef>,
    /// The rows.
    pub(super) n: usize,
}

impl Args {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn column(&self, at: usize) -> Result<&ArrayRef> {
        self.columns.get(at).ok_or_else(|| exec_datafusion_err!("argument {} is missing", at + 1))
    }

    /// The argument as texts.
    pub(super) fn texts(&self, at: usize) -> Result<&StringArray> {
        let column = self.column(at)?;
        column.as_string_opt().ok_or_else(|| exec_datafusion_err!("argument {} is no text", at + 1))
    }

    /// The argument as numbers of objects.
    pub(super) fn oids(&self, at: usize) -> Result<&Int32Array> {
        let column = self.column(at)?;
        let oids = column.as_primitive_opt::<Int32Type>();
        oids.ok_or_else(|| exec_datafusion_err!("argument {} is no number", at + 1))
    }

    /// The argument as yes and no.
    pub(super) fn bools(&self, at: usize) -> Result<&BooleanArray> {
        let column = self.column(at)?;
        let bools = column.as_boolean_opt();
        bools.ok_or_else(|| exec_datafusion_err!("argument {} is neither true nor false", at + 1))
    }
}

/// Registers a function that may be called with any of these arguments: `of` gives what it returns
/// of all rows.
pub(super) fn register(
    context: &SessionContext,
    name: &str,
    takes: &[&'static [Takes]],
    returned: DataType,
    of: impl Fn(&Args) -> Result<ArrayRef> + Send + Sync + 'static,
) {
    let signatures = takes.iter().map(|takes| match takes.len() {
        0 => TypeSignature::Nullary,
        n => TypeSignature::Any(n),
    });
    let signature = Signature::one_of(signatures.collect(), Volatility::Stable);
    let takes: Vec<&'static [Takes]> = takes.to_vec();
    let function = move |args: &[ColumnarValue]| {
        let are_scalars = args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let columns = ColumnarValue::values_to_arrays(args)?;
        let takes = takes.iter().find(|takes| takes.len() == columns.len());
        let takes = takes.ok_or_else(|| exec_datafusion_err!("as many arguments are not taken"))?;
        let n = columns.first().map_or(1, |column| column.len());
        let columns = columns.iter().zip(takes.iter()).map(|(column, takes)| takes.cast(column));
        let found = of(&Args { columns: columns.collect::<Result<_>>()?, n })?;
        Ok(if are_scalars && found.len() == 1 {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?)
        } else {
            ColumnarValue::Array(found)
        })
    };
    let function =
        SimpleScalarUDF::new_with_signature(name, signature, returned, Arc::new(function));
    put(context, function.into());
}

/// Registers a function in the place of what has its name. That goes with its other names: sessions
/// register again what they copy, in any order, and would have the first again.
pub(super) fn put(context: &SessionContext, function: ScalarUDF) {
    context.deregister_udf(function.name());
    context.register_udf(function);
}

/// Registers a function that gives the same whatever its arguments are.
pub(super) fn register_same(
    context: &SessionContext,
    names: &[&str],
    takes: &[&'static [Takes]],
    value: &ScalarValue,
) {
    for name in names {
        let same = value.clone();
        register(context, name, takes, value.data_type(), move |args| {
            same.to_array_of_size(args.n)
        });
    }
}

/// Registers a function of one text.
pub(super) fn register_text(
    context: &SessionContext,
    name: &str,
    of: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) {
    register(context, name, &[&[Takes::Text]], DataType::Utf8, move |args| {
        let found = args.texts(0)?.iter().map(|text| of(text?));
        Ok(Arc::new(found.collect::<StringArray>()))
    });
}

/// Registers a function that gives a text for the number of an object, whatever else it is given.
pub(super) fn register_of_oid(
    context: &SessionContext,
    name: &str,
    takes: &[&'static [Takes]],
    of: impl Fn(i32) -> Option<String> + Send + Sync + 'static,
) {
    register(context, name, takes, DataType::Utf8, move |args| {
        let found = args.oids(0)?.iter().map(|oid| of(oid?));
        Ok(Arc::new(found.collect::<StringArray>()))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::SessionStateBuilder;

    #[test]
    fn copies_of_a_session_have_what_was_put_in_the_place_of_another() {
        // The order in which names are copied is chance.
        for _ in 0..64 {
            let context = SessionContext::new();
            register(&context, "to_char", &[&[Takes::Text]], DataType::Utf8, |args| {
                Ok(Arc::clone(args.column(0)?))
            });
            let copy = SessionStateBuilder::new_from_existing(context.state()).build();
            let found = copy.scalar_functions().get("to_char").expect("it is there");
            assert_eq!(
                found.signature().type_signature,
                TypeSignature::OneOf(vec![TypeSignature::Any(1)])
            );
        }
    }
}
