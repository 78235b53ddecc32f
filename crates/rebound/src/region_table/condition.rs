//! What is wrong with a condition on rows, in words of the table that it is asked of.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use project::printable::printable;
use query::names_in;

/// What the engine says where values of two kinds are compared or computed with.
const OF_KINDS: [&str; 4] = ["cast", "coerc", "common argument type", "cannot infer"];

/// Characters of a text that are shown.
const SHOWN: usize = 40;

/// Why the rows that a condition asks for are not found: in the engine's words, unless a column is
/// compared with what it does not hold. Then the columns are named, with what they hold.
pub(super) fn fault(condition: &str, rows: &RecordBatch, error: &str) -> String {
    let lower = error.to_lowercase();
    let schema = rows.schema();
    let all: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let named = names_in(condition, &all);
    if named.is_empty() || !OF_KINDS.iter().any(|words| lower.contains(words)) {
        return format!("--where: {error}");
    }
    let held: Vec<String> = named
        .iter()
        .filter_map(|name| {
            let column = rows.column_by_name(name)?;
            Some(format!("`{}` holds {}", printable(name, SHOWN), held_by(column)))
        })
        .collect();
    format!(
        "--where compares a column with what it does not hold: {}. Put texts in quotes (code = '0101') and numbers in \
         none (year > 2007), or say what a column holds by --types (code=text)",
        held.join(", ")
    )
}

/// What a column holds, in words.
fn held_by(column: &dyn Array) -> String {
    let kind = match column.data_type() {
        DataType::Boolean => "true and false",
        whole if whole.is_integer() => "whole numbers",
        number if number.is_numeric() => "numbers",
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let other = texts.iter().flatten().find(|text| text.trim().parse::<f64>().is_err());
            let shown = |text: &str| format!("texts, such as {:?}", printable(text, SHOWN));
            return other.map_or_else(|| "codes, which are texts".to_owned(), shown);
        }
        _ => "other values",
    };
    kind.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn a_comparison_of_kinds_is_told_by_columns() {
        let code: ArrayRef = Arc::new(StringArray::from(vec!["0101", "TOTAL"]));
        let firm: ArrayRef = Arc::new(StringArray::from(vec!["007", "008"]));
        let year: ArrayRef = Arc::new(Int32Array::from(vec![2008, 2009]));
        let value: ArrayRef = Arc::new(Float64Array::from(vec![1.5, 2.0]));
        let columns = [("code", code), ("firm", firm), ("year", year), ("value", value)];
        let rows = RecordBatch::try_from_iter(columns).expect("columns");
        let engine = "Cannot cast string 'TOTAL' to value of Int64 type";
        let told = fault("code > 100 and year = 2008", &rows, engine);
        assert!(
            told.contains("`code` holds texts, such as \"TOTAL\", `year` holds whole numbers. Put"),
            "{told}"
        );
        assert!(!told.contains("Int64"), "{told}");
        let told = fault("firm > value", &rows, engine);
        assert!(
            told.contains("`firm` holds codes, which are texts, `value` holds numbers"),
            "{told}"
        );
        let other = fault("cod = '1'", &rows, "No field named cod");
        assert_eq!(other, "--where: No field named cod");
    }
}
