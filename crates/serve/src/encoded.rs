//! Rows as clients are given them: columns with PostgreSQL's names and types.

use crate::pg_types::PgType;
use crate::rewrite::without_marks;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::DataFrame;
use datafusion_postgres::arrow_pg::datatypes::arrow_schema_to_pg_fields;
use datafusion_postgres::arrow_pg::encode_recordbatch;
use datafusion_postgres::pgwire::api::Type;
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::results::{FieldInfo, QueryResponse};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::data::DataRow;
use datafusion_postgres::pgwire::types::format::FormatOptions;
use futures::{Stream, StreamExt, stream};
use std::sync::Arc;

fn failed(error: DataFusionError) -> PgWireError {
    PgWireError::ApiError(Box::new(error))
}

/// The columns of rows, as a client is told of them.
pub(crate) fn columns(schema: &Schema, format: &Format) -> PgWireResult<Vec<FieldInfo>> {
    let of_crate = arrow_schema_to_pg_fields(schema, format, None)?;
    let named = of_crate.iter().zip(schema.fields()).map(|(info, field)| {
        // What is of no type is text, as in PostgreSQL.
        let kind = match info.datatype() {
            &Type::UNKNOWN => Type::TEXT,
            known => known.clone(),
        };
        let found = PgType::of(field);
        FieldInfo::new(without_marks(info.name()).to_owned(), None, None, kind, info.format())
            .with_type_size(found.length)
            .with_type_modifier(found.modifier)
    });
    Ok(named.collect())
}

/// Begins a query: its columns with the types that they come in, and its rows.
pub(crate) async fn begun(
    frame: DataFrame,
) -> PgWireResult<(SchemaRef, SendableRecordBatchStream)> {
    let planned = Arc::clone(frame.schema().inner());
    let rows = frame.execute_stream().await.map_err(failed)?;
    let come = rows.schema();
    // A plan has the types of its columns for sure only when it is analysed.
    let fields =
        planned.fields().iter().zip(come.fields()).map(|(planned, come)| {
            planned.as_ref().clone().with_data_type(come.data_type().clone())
        });
    Ok((Arc::new(Schema::new(fields.collect::<Vec<_>>())), rows))
}

/// Rows in the form that is asked for.
pub(crate) fn written(
    schema: &Schema,
    rows: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    format: &Format,
    options: Option<&Arc<FormatOptions>>,
) -> PgWireResult<QueryResponse> {
    let columns = columns(schema, format)?.into_iter().map(|column| match options {
        Some(options) => column.with_format_options(Arc::clone(options)),
        None => column,
    });
    let columns = Arc::new(columns.collect::<Vec<_>>());
    let of_rows = Arc::clone(&columns);
    let rows = rows.map(move |batch| {
        let rows: Box<dyn Iterator<Item = PgWireResult<DataRow>> + Send> = match batch {
            Ok(batch) => encode_recordbatch(Arc::clone(&of_rows), batch),
            Err(error) => Box::new(std::iter::once(Err(failed(error)))),
        };
        stream::iter(rows)
    });
    Ok(QueryResponse::new(columns, rows.flatten()))
}

/// The rows of a query.
pub(crate) async fn rows(
    frame: DataFrame,
    format: &Format,
    options: Option<Arc<FormatOptions>>,
) -> PgWireResult<QueryResponse> {
    let (schema, rows) = begun(frame).await?;
    written(&schema, rows, format, options.as_ref())
}
