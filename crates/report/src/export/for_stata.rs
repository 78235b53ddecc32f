//! Exports as Stata files: categories of tables are numbers with labels.

use super::counted::{Counted, is_labelled};
use super::error::ExportError;
use super::rows::{Exported, Opened, Origin};
use crate::new_file::NewFile;
use crate::stata::{self, StataError, StataFile, StataVariable, Stored};
use arrow::array::RecordBatch;
use lake::Kind;
use tokio::runtime::Runtime;

/// The variable of the column at `at` of a table.
fn variable(
    exported: &Exported,
    at: usize,
    counted: &Counted,
) -> Result<Option<StataVariable>, StataError> {
    let Some(column) = exported.columns.get(at) else { return Ok(None) };
    let name = &column.name;
    let Some(kind) = Kind::of(&column.data) else { return Ok(None) };
    let largest = counted.largest();
    let stored = match kind {
        Kind::Flag => Stored::Byte,
        Kind::Int | Kind::Count => Stored::whole(name, largest)?,
        Kind::Float | Kind::Money => Stored::float(name, largest)?,
        Kind::Text if is_labelled(exported, at, counted) => {
            Stored::Label(counted.texts.iter().cloned().zip(1..).collect())
        }
        Kind::Text => Stored::text(name, counted.longest)?,
    };
    let format = match kind {
        Kind::Money => "%18.2f".to_owned(),
        _ => stored.format(),
    };
    Ok(Some(StataVariable { name: name.clone(), about: column.label(), stored, format }))
}

/// Writes the rows to `file`.
///
/// # Errors
///
/// [`ExportError`] if they cannot be read or written, or have no place in a Stata file.
pub(super) fn write(
    runtime: &Runtime,
    opened: &Opened,
    variables: &[Counted],
    file: &NewFile,
) -> Result<(), ExportError> {
    let exported = &opened.exported;
    let failed = |error: StataError| match error {
        StataError::Limit(why) => {
            ExportError::TooLarge { table: exported.name.clone(), form: "a Stata file", why }
        }
        source => ExportError::Dta { path: file.target().to_owned(), source },
    };
    let rows = opened.rows(runtime)?;
    if exported.origin == Origin::Query {
        // Columns of a query may be of any type.
        let schema = rows.schema.clone();
        let batches: Vec<RecordBatch> = rows.collect::<Result<_, _>>()?;
        return stata::write(file.path(), &schema, &batches).map_err(failed);
    }
    let mut of_columns = Vec::new();
    for (at, counted) in variables.iter().enumerate() {
        of_columns.extend(variable(exported, at, counted).map_err(failed)?);
    }
    let about = format!("{}: {}", exported.name, exported.about);
    let mut written = StataFile::begin(file.path(), &about, of_columns).map_err(failed)?;
    for batch in rows {
        let batch = batch?;
        written.write(batch.columns(), batch.num_rows()).map_err(failed)?;
    }
    written.finish().map_err(failed)
}
