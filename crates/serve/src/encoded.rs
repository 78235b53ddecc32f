//! Rows as clients are given them: columns with PostgreSQL's names and types.

use crate::pg_types::PgType;
use crate::rewrite::without_marks;
use datafusion::arrow::datatypes::Schema;
use datafusion::prelude::DataFrame;
use datafusion_postgres::arrow_pg::datatypes::arrow_schema_to_pg_fields;
use datafusion_postgres::arrow_pg::datatypes::df::encode_dataframe;
use datafusion_postgres::pgwire::api::Type;
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::results::{FieldInfo, QueryResponse};
use datafusion_postgres::pgwire::error::PgWireResult;
use datafusion_postgres::pgwire::types::format::FormatOptions;
use std::sync::Arc;

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
            .with_format_options(Arc::clone(info.format_options()))
            .with_type_size(found.length)
            .with_type_modifier(found.modifier)
    });
    Ok(named.collect())
}

/// The rows of a query.
pub(crate) async fn rows(
    frame: DataFrame,
    format: &Format,
    options: Option<Arc<FormatOptions>>,
) -> PgWireResult<QueryResponse> {
    let columns = columns(frame.schema().as_arrow(), format)?;
    let response = encode_dataframe(frame, format, options).await?;
    Ok(QueryResponse::new(Arc::new(columns), response.data_rows))
}
