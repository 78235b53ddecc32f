//! What a client is told of an error: the words that clients of PostgreSQL read, under a code of
//! gRPC.

use crate::errors::told;
use arrow_flight::error::FlightError;
use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};
use query::TooComplex;
use tonic::{Code, Status};

/// Bytes of a message, which goes in a header.
const LONGEST: usize = 4000;

/// The error as a client of Flight SQL is told it.
pub(crate) fn status(error: PgWireError) -> Status {
    let info = ErrorInfo::from(told(error));
    let mut message = info.message;
    if message.len() > LONGEST {
        message.truncate(message.floor_char_boundary(LONGEST));
        message.push_str("...");
    }
    Status::new(code(&info.code, &message), message)
}

/// The code of gRPC for one of PostgreSQL's.
fn code(of_postgres: &str, message: &str) -> Code {
    match of_postgres {
        "42P01" | "3D000" => Code::NotFound,
        "53200" | "53000" | "53300" => Code::ResourceExhausted,
        "57014" if message.contains("timeout") => Code::DeadlineExceeded,
        "57014" => Code::Cancelled,
        "0A000" => Code::Unimplemented,
        found if ["22", "25", "42", "54"].iter().any(|class| found.starts_with(class)) => {
            Code::InvalidArgument
        }
        _ => Code::Internal,
    }
}

/// An error of the engine as those of clients of PostgreSQL are.
pub(crate) fn of_engine(error: DataFusionError) -> PgWireError {
    PgWireError::ApiError(Box::new(error))
}

/// An error of batches that are encoded. What broke the query is within it.
pub(crate) fn of_batches(error: FlightError) -> PgWireError {
    match error {
        FlightError::ExternalError(error) => match error.downcast::<DataFusionError>() {
            Ok(error) => of_engine(*error),
            Err(error) => PgWireError::ApiError(error),
        },
        FlightError::Arrow(error) => of_engine(DataFusionError::ArrowError(Box::new(error), None)),
        error => PgWireError::ApiError(Box::new(error)),
    }
}

/// What a client is told whose query is too long or too deep.
pub(crate) fn too_complex(found: TooComplex) -> Status {
    let code = if found.is_users() { Code::InvalidArgument } else { Code::ResourceExhausted };
    Status::new(code, found.to_string())
}

/// An error of what we made ourselves.
pub(crate) fn ours(error: ArrowError) -> Status {
    Status::internal(error.to_string())
}

/// The refusal of all that would change something.
pub(crate) fn read_only() -> Status {
    Status::invalid_argument("the tables are published by `rebound run` and only read here")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::error;

    #[test]
    fn errors_have_codes_of_grpc() {
        for (of_postgres, message, expected) in [
            ("42P01", "table 'a' not found", Code::NotFound),
            ("42601", "x", Code::InvalidArgument),
            ("22000", "x", Code::InvalidArgument),
            ("57014", "canceling statement due to statement timeout (1 s)", Code::DeadlineExceeded),
            ("57014", "canceling statement due to user request", Code::Cancelled),
            ("53300", "sorry, too many clients already", Code::ResourceExhausted),
            ("58030", "x", Code::Internal),
        ] {
            let status = status(error(of_postgres, message.to_owned()));
            assert_eq!((status.code(), status.message()), (expected, message));
        }
        let long = status(error("42601", "é".repeat(LONGEST)));
        assert_eq!(long.message().len(), LONGEST + 3);
    }
}
