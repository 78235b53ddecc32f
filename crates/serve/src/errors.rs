//! What a client is told of an error.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};

/// The error with the code that PostgreSQL has for its kind, and DataFusion's message without its wrappers.
pub(crate) fn told(error: PgWireError) -> PgWireError {
    let PgWireError::ApiError(inner) = &error else { return error };
    let (code, message) = if let Some(of_engine) = inner.downcast_ref::<DataFusionError>() {
        let message = query::plain(of_engine);
        (code_of(of_engine, &message), message)
    } else if let Some(of_parser) = inner.downcast_ref::<ParserError>() {
        ("42601", of_parser.to_string())
    } else {
        return error;
    };
    PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".to_owned(), code.to_owned(), message)))
}

fn code_of(error: &DataFusionError, message: &str) -> &'static str {
    match error.find_root() {
        DataFusionError::Plan(_)
            if message.contains("table '") && message.contains("not found") =>
        {
            "42P01"
        }
        DataFusionError::SchemaError(..) => "42703",
        DataFusionError::SQL(..) | DataFusionError::Plan(_) => "42601",
        DataFusionError::NotImplemented(_) => "0A000",
        DataFusionError::ResourcesExhausted(_) => "53200",
        DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => "22000",
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => "58030",
        _ => "XX000",
    }
}
