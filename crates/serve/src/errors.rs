//! What a client is told of an error: its code, its message, and where it is in the query.

use crate::absent::Absent;
use crate::functions::MORE_THAN_ONE;
use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
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

/// A place in a text: line and column, from 1.
type Place = (u64, u64);

/// The error with the code that PostgreSQL has for its kind. Its message is the engine's without
/// its wrappers.
pub(crate) fn told(found: PgWireError) -> PgWireError {
    told_of(found, None)
}

/// The same of an error of the query `sql`, with the place in it.
pub(crate) fn told_in(found: PgWireError, sql: &str) -> PgWireError {
    told_of(found, Some(sql))
}

fn told_of(found: PgWireError, sql: Option<&str>) -> PgWireError {
    let PgWireError::ApiError(inner) = &found else { return found };
    let (code, message, place) = if let Some(of_engine) = inner.downcast_ref::<DataFusionError>() {
        if let Some(fault) = query::lake_fault(of_engine) {
            return error("58030", fault);
        }
        let message = query::plain(of_engine);
        (code_of(of_engine, &message), message, place_of(of_engine))
    } else if let Some(of_parser) = inner.downcast_ref::<ParserError>() {
        let message = of_parser.to_string();
        let place = place_in(&message);
        ("42601", message, place)
    } else {
        return found;
    };
    let mut info = ErrorInfo::new("ERROR".to_owned(), code.to_owned(), message);
    let at = sql.and_then(|sql| match place {
        Some(place) => position(sql, place),
        // What goes on is missing: PostgreSQL points behind the last letter.
        None if info.message.ends_with("found: EOF") => u64::try_from(sql.chars().count() + 1).ok(),
        None => None,
    });
    info.position = at.map(|at| at.to_string());
    PgWireError::UserError(Box::new(info))
}

/// Where the engine found the error.
fn place_of(error: &DataFusionError) -> Option<Place> {
    if let DataFusionError::SQL(error, _) = error.find_root() {
        return place_in(&error.to_string());
    }
    let span = error.diagnostic()?.span?;
    Some((span.start.line, span.start.column)).filter(|(line, _)| *line > 0)
}

/// Where the parser found the error, as its message says: `... at Line: 1, Column: 8`.
fn place_in(message: &str) -> Option<Place> {
    let (_, place) = message.rsplit_once("Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let column: String = column.chars().take_while(char::is_ascii_digit).collect();
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// The place as PostgreSQL tells it: the number of its letter in the text, from 1.
fn position(sql: &str, (line, column): Place) -> Option<u64> {
    let before = usize::try_from(line.checked_sub(1)?).ok()?;
    let lines: Vec<&str> = sql.split_inclusive('\n').collect();
    let letters = lines.get(..before)?.iter().map(|line| line.chars().count()).sum::<usize>();
    let at = u64::try_from(letters).ok()? + column;
    (at <= u64::try_from(sql.chars().count()).ok()? + 1).then_some(at)
}

/// Parts of messages of plans, and the codes of such errors. The first that is found counts.
const OF_PLANS: [(&str, &str); 21] = [
    ("Invalid function", "42883"),
    ("No function matches", "42883"),
    ("does not support zero arguments", "42883"),
    ("Function", "42883"),
    ("failed to match any signature", "42883"),
    ("Cannot coerce arithmetic expression", "42883"),
    ("Cannot infer common argument type", "42883"),
    ("Cannot get result type for", "42883"),
    ("Unsupported SQL type", "42704"),
    ("must appear in the GROUP BY clause", "42803"),
    ("must be in GROUP BY", "42803"),
    ("Aggregate functions are not allowed", "42803"),
    ("HAVING clause references", "42803"),
    ("unique expression names", "42701"),
    ("duplicate", "42701"),
    ("UNION", "42804"),
    ("must have the same number of columns", "42601"),
    ("Scalar subquery should only return one column", "42601"),
    ("Prepared statement", "26000"),
    ("Incompatible inputs for", "42804"),
    ("Cannot cast", "42846"),
];

/// The same of errors of rows.
const OF_ROWS: [(&str, &str); 15] = [
    (MORE_THAN_ONE, "21000"),
    ("more than one row", "21000"),
    ("Scalar subquery returned", "21000"),
    ("ivide by zero", "22012"),
    ("ivision by zero", "22012"),
    ("verflow", "22003"),
    ("out of range", "22003"),
    ("does not fit", "22003"),
    ("too large", "22003"),
    ("Can't cast value", "22003"),
    ("Cannot cast string", "22P02"),
    ("Error parsing timestamp", "22007"),
    ("Cannot parse", "22P02"),
    ("invalid regular expression", "2201B"),
    ("Regular expression", "2201B"),
];

fn listed(message: &str, codes: &[(&str, &'static str)]) -> Option<&'static str> {
    codes.iter().find(|(part, _)| message.contains(part)).map(|(_, code)| *code)
}

fn code_of(error: &DataFusionError, message: &str) -> &'static str {
    match error.find_root() {
        DataFusionError::External(cause) => match cause.downcast_ref::<Absent>() {
            Some(absent) => absent.code(),
            None => "XX000",
        },
        DataFusionError::Plan(_)
            if message.contains("table '") && message.contains("not found") =>
        {
            "42P01"
        }
        DataFusionError::Plan(_) if message.contains("Table function") => "42883",
        DataFusionError::Plan(_) => listed(message, &OF_PLANS).unwrap_or("42601"),
        DataFusionError::SchemaError(error, _) => match **error {
            SchemaError::AmbiguousReference { .. } => "42702",
            SchemaError::DuplicateQualifiedField { .. }
            | SchemaError::DuplicateUnqualifiedField { .. } => "42701",
            SchemaError::FieldNotFound { .. } => "42703",
        },
        DataFusionError::SQL(..) => "42601",
        DataFusionError::NotImplemented(_) => "0A000",
        DataFusionError::ResourcesExhausted(_) => "53200",
        DataFusionError::ArrowError(error, _) => match **error {
            ArrowError::DivideByZero => "22012",
            ArrowError::ArithmeticOverflow(_) => "22003",
            ArrowError::ParseError(_) => listed(message, &OF_ROWS).unwrap_or("22P02"),
            _ => listed(message, &OF_ROWS).unwrap_or("22000"),
        },
        DataFusionError::Execution(_) => listed(message, &OF_ROWS).unwrap_or("22000"),
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => "58030",
        _ => listed(message, &OF_ROWS).unwrap_or("XX000"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_letters() {
        let sql = "select a,\n  \u{e9}, b\nfrom c";
        for (place, expected) in [
            ((1, 8), Some(8)),
            ((2, 3), Some(13)),
            ((3, 6), Some(23)),
            ((4, 1), Some(24)),
            ((5, 1), None),
            ((0, 0), None),
        ] {
            assert_eq!(position(sql, place), expected, "{place:?}");
        }
        let message = "sql parser error: Expected: an expression, found: , at Line: 12, Column: 8";
        assert_eq!(place_in(message), Some((12, 8)));
        assert_eq!(place_in("no place"), None);
    }

    #[test]
    fn errors_have_the_codes_of_postgresql() {
        let arrow = |error| DataFusionError::ArrowError(Box::new(error), None);
        let plan = |text: &str| DataFusionError::Plan(text.to_owned());
        let run = |text: &str| DataFusionError::Execution(text.to_owned());
        for (error, expected) in [
            (arrow(ArrowError::DivideByZero), "22012"),
            (arrow(ArrowError::ArithmeticOverflow("a + b".to_owned())), "22003"),
            (
                arrow(ArrowError::CastError(
                    "Cannot cast string 'x' to value of Int32 type".to_owned(),
                )),
                "22P02",
            ),
            (plan("table 'rebound.panel.regoin' not found"), "42P01"),
            (plan("Invalid function 'nope'"), "42883"),
            (run(MORE_THAN_ONE), "21000"),
            (DataFusionError::NotImplemented("x".to_owned()), "0A000"),
            (DataFusionError::ResourcesExhausted("x".to_owned()), "53200"),
            (crate::absent::absent("regclass", "a.b"), "42P01"),
            (crate::absent::absent("setting", "a"), "42704"),
        ] {
            let message = query::plain(&error);
            assert_eq!(code_of(&error, &message), expected, "{message}");
        }
    }
}
