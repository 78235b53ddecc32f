//! What a client is told of an error.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};

/// An error of a statement, with PostgreSQL's code for its kind.
pub(crate) fn error(code: &str, message: String) -> PgWireError {
    of_severity("ERROR", code, message)
}

/// An error that ends the connection.
pub(crate) fn fatal(code: &str, message: &str) -> PgWireError {
    of_severity("FATAL", code, message.to_owned())
}

fn of_severity(severity: &str, code: &str, message: String) -> PgWireError {
    let info = ErrorInfo::new(severity.to_owned(), code.to_owned(), message);
    PgWireError::UserError(Box::new(info))
}

/// The error with the code that PostgreSQL has for its kind. Its message is DataFusion's without
/// its wrappers.
pub(crate) fn told(found: PgWireError) -> PgWireError {
    let PgWireError::ApiError(inner) = &found else { return found };
    let (code, message) = if let Some(of_engine) = inner.downcast_ref::<DataFusionError>() {
        if let Some(fault) = query::lake_fault(of_engine) {
            return error("58030", fault);
        }
        let message = query::plain(of_engine);
        (code_of(of_engine, &message), message)
    } else if let Some(of_parser) = inner.downcast_ref::<ParserError>() {
        ("42601", of_parser.to_string())
    } else {
        return found;
    };
    error(code, message)
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
