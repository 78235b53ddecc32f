//! Functions of arrays.

use super::udf::{Takes, put, register};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int32Builder, ListArray, ListBuilder, StructArray,
    new_empty_array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{DataType, Field, Fields, Int32Type};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// As which the rows of `_pg_expandarray` are gathered.
const ELEMENTS: &str = "pg_expandarray_elements";

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

/// The elements of arrays of small numbers, and how many of them each has.
fn numbers(lists: &ArrayRef) -> Result<ListArray> {
    Ok(cast(lists, &list_of(DataType::Int32))?.as_list().clone())
}

/// The places of the elements of each array, from 1.
fn subscripts(lists: &ArrayRef) -> Result<ArrayRef> {
    let mut places = ListBuilder::new(Int32Builder::new());
    let lists = match lists.data_type() {
        DataType::List(_) => lists.as_list::<i32>().clone(),
        _ => numbers(lists)?,
    };
    for at in 0..lists.len() {
        if lists.is_null(at) {
            places.append_null();
        } else {
            places.append_value((1..).take(lists.value(at).len()).map(Some));
        }
    }
    Ok(Arc::new(places.finish()))
}

fn element() -> Fields {
    Fields::from(vec![
        Field::new("x", DataType::Int32, true),
        Field::new("n", DataType::Int32, true),
    ])
}

/// The elements of each array, each with its place.
fn expanded(lists: &ArrayRef) -> Result<ArrayRef> {
    let lists = numbers(lists)?;
    let (mut elements, mut places, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
    for at in 0..lists.len() {
        let list = lists.value(at);
        let n = if lists.is_null(at) { 0 } else { list.len() };
        elements.extend(list.as_primitive::<Int32Type>().iter().take(n));
        places.extend((1..).take(n).map(Some));
        lengths.push(n);
    }
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int32Array::from(elements)), Arc::new(Int32Array::from(places))];
    let elements = StructArray::try_new(element(), columns, None)?;
    let field = Arc::new(Field::new_list_field(DataType::Struct(element()), true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(elements), None)?))
}

/// An array, or one without elements for null: what `array(query)` is of no rows.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OrEmpty {
    signature: Signature,
}

impl ScalarUDFImpl for OrEmpty {
    fn name(&self) -> &str {
        "or_empty"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, taken: &[DataType]) -> Result<DataType> {
        taken.first().cloned().ok_or_else(|| exec_datafusion_err!("an argument is missing"))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let column =
            columns.first().ok_or_else(|| exec_datafusion_err!("an argument is missing"))?;
        let Some(lists) = column.as_list_opt::<i32>().filter(|lists| lists.null_count() > 0) else {
            return Ok(ColumnarValue::Array(Arc::clone(column)));
        };
        let valid: Vec<ArrayRef> = lists.iter().flatten().collect();
        let values = match valid.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>() {
            none if none.is_empty() => new_empty_array(&lists.value_type()),
            some => concat(&some)?,
        };
        let lengths = lists.iter().map(|list| list.map_or(0, |list| list.len()));
        let (DataType::List(field), offsets) =
            (lists.data_type(), OffsetBuffer::from_lengths(lengths))
        else {
            return Ok(ColumnarValue::Array(Arc::clone(column)));
        };
        let made = ListArray::try_new(Arc::clone(field), offsets, values, None)?;
        Ok(ColumnarValue::Array(Arc::new(made)))
    }
}

/// Registers all of them.
pub(super) fn register_all(context: &SessionContext) {
    let signature = Signature::any(1, Volatility::Immutable);
    put(context, ScalarUDF::from(OrEmpty { signature }));
    let two: [&[Takes]; 2] = [&[Takes::Any, Takes::Oid], &[Takes::Any, Takes::Oid, Takes::Bool]];
    let places = list_of(DataType::Int32);
    register(context, "subscripts", &two, places, |args| subscripts(args.column(0)?));
    let elements = list_of(DataType::Struct(element()));
    register(context, ELEMENTS, &[&[Takes::Any]], elements, |args| expanded(args.column(0)?));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_places() {
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(7), Some(9)]),
            None,
            Some(vec![]),
        ]));
        let places = subscripts(&lists).expect("arrays");
        assert_eq!(places.as_list::<i32>().value(0).as_primitive::<Int32Type>().values(), &[1, 2]);
        assert!(places.is_null(1) && places.as_list::<i32>().value(2).is_empty());
        let all = expanded(&lists).expect("arrays");
        let all = all.as_list::<i32>();
        assert_eq!((all.len(), all.value(0).len(), all.value(1).len()), (3, 2, 0));
        assert_eq!(
            all.value(0).as_struct().column(1).as_primitive::<Int32Type>().values(),
            &[1, 2]
        );
    }
}
