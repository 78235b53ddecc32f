//! `COPY ... TO STDOUT`, which `\copy` of psql and the drivers' copy functions send.

use crate::encoded;
use crate::errors::error;
use crate::rewrite::without_marks;
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ParamValues;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::{
    CopyLegacyCsvOption, CopyLegacyOption, CopyOption, CopySource, CopyTarget, Query, Statement,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::portal::Format;
use datafusion_postgres::pgwire::api::results::{CopyResponse, Response};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::copy::CopyData;
use datafusion_postgres::pgwire::messages::data::DataRow;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};

/// What rows are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Csv,
    Binary,
}

/// How rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    kind: Kind,
    has_header: bool,
    delimiter: char,
    null: String,
    quote: char,
}

fn unsupported(what: &str) -> PgWireError {
    error(
        "0A000",
        format!(
            "COPY with {what} is not supported: FORMAT csv, text or binary, HEADER, DELIMITER, NULL and QUOTE are"
        ),
    )
}

impl Form {
    fn of(options: &[CopyOption], legacy: &[CopyLegacyOption]) -> PgWireResult<Self> {
        let mut kind = Kind::Text;
        for option in legacy {
            kind = match option {
                CopyLegacyOption::Csv(_) => Kind::Csv,
                CopyLegacyOption::Binary => Kind::Binary,
                _ => kind,
            };
        }
        for option in options {
            if let CopyOption::Format(name) = option {
                kind = match name.value.to_lowercase().as_str() {
                    "csv" => Kind::Csv,
                    "text" => Kind::Text,
                    "binary" => Kind::Binary,
                    other => return Err(unsupported(&format!("FORMAT {other}"))),
                };
            }
        }
        let is_csv = kind == Kind::Csv;
        let mut form = Self {
            kind,
            has_header: false,
            delimiter: if is_csv { ',' } else { '\t' },
            null: if is_csv { "" } else { "\\N" }.to_owned(),
            quote: '"',
        };
        for option in options {
            match option {
                CopyOption::Format(_) => {}
                CopyOption::Header(has_header) => form.has_header = *has_header,
                CopyOption::Delimiter(delimiter) => form.delimiter = *delimiter,
                CopyOption::Null(null) => form.null.clone_from(null),
                CopyOption::Quote(quote) => form.quote = *quote,
                CopyOption::Encoding(name) if name.eq_ignore_ascii_case("utf8") => {}
                other => return Err(unsupported(&other.to_string())),
            }
        }
        for option in legacy {
            match option {
                CopyLegacyOption::Binary => {}
                CopyLegacyOption::Header => form.has_header = true,
                CopyLegacyOption::Delimiter(delimiter) => form.delimiter = *delimiter,
                CopyLegacyOption::Null(null) => form.null.clone_from(null),
                CopyLegacyOption::Csv(options) => {
                    for option in options {
                        match option {
                            CopyLegacyCsvOption::Header => form.has_header = true,
                            CopyLegacyCsvOption::Quote(quote) => form.quote = *quote,
                            other => return Err(unsupported(&other.to_string())),
                        }
                    }
                }
                other => return Err(unsupported(&other.to_string())),
            }
        }
        Ok(form)
    }

    fn put(&self, line: &mut String, text: Option<&str>) {
        let Some(text) = text else { return line.push_str(&self.null) };
        if self.kind == Kind::Csv {
            let is_special = |c| c == self.delimiter || c == self.quote || c == '\n' || c == '\r';
            if text == self.null || text.contains(is_special) {
                line.push(self.quote);
                for c in text.chars() {
                    if c == self.quote {
                        line.push(c);
                    }
                    line.push(c);
                }
                line.push(self.quote);
            } else {
                line.push_str(text);
            }
            return;
        }
        for c in text.chars() {
            match c {
                '\\' => line.push_str("\\\\"),
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                '\t' => line.push_str("\\t"),
                c if c == self.delimiter => line.extend(['\\', c]),
                c => line.push(c),
            }
        }
    }

    fn line<'t>(&self, cells: impl Iterator<Item = Option<std::borrow::Cow<'t, str>>>) -> CopyData {
        let mut line = String::new();
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                line.push(self.delimiter);
            }
            self.put(&mut line, cell.as_deref());
        }
        line.push('\n');
        CopyData::new(line.into())
    }

    fn lines(&self, batch: &RecordBatch) -> PgWireResult<Vec<CopyData>> {
        let failed = |error| PgWireError::ApiError(Box::new(error));
        let options = FormatOptions::new();
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        let mut lines = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let cells = columns.iter().zip(batch.columns()).map(|(shown, column)| {
                if column.is_null(row) {
                    return None;
                }
                Some(match column.data_type() {
                    DataType::Boolean if column.as_boolean().value(row) => "t".into(),
                    DataType::Boolean => "f".into(),
                    _ => shown.value(row).to_string().into(),
                })
            });
            lines.push(self.line(cells));
        }
        Ok(lines)
    }
}

/// A table that is copied is a query of its rows.
pub(crate) fn read_query(statement: &mut Statement) {
    let Statement::Copy { source, to: true, target: CopyTarget::Stdout, .. } = statement else {
        return;
    };
    let CopySource::Table { table_name, columns } = source else { return };
    let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let columns = if columns.is_empty() { "*".to_owned() } else { columns.join(", ") };
    let sql = format!("SELECT {columns} FROM {table_name}");
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &sql);
    if let Ok([Statement::Query(query)]) = parsed.as_deref() {
        *source = CopySource::Query(query.clone());
    }
}

/// The query whose rows are copied, and how; `None` if it is no COPY to the client.
fn asked(statement: &Statement) -> Option<PgWireResult<(Box<Query>, Form)>> {
    let Statement::Copy {
        source: CopySource::Query(query),
        to: true,
        target: CopyTarget::Stdout,
        options,
        legacy_options,
        ..
    } = statement
    else {
        return None;
    };
    Some(Form::of(options, legacy_options).map(|form| (query.clone(), form)))
}

/// What comes before the rows of a binary copy: its signature, no flags, no extension.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A row of a binary copy: its fields as they are sent to whoever asks for them in binary.
fn binary(row: &DataRow) -> Vec<u8> {
    [&row.field_count.to_be_bytes()[..], &row.data].concat()
}

/// What comes behind the rows of a binary copy: a row of -1 fields.
const END: [u8; 2] = [0xff, 0xff];

async fn copy(query: Box<Query>, form: Form, context: &SessionContext) -> PgWireResult<Response> {
    let failed = |error| PgWireError::ApiError(Box::new(error));
    let statement = EngineStatement::Statement(Box::new(Statement::Query(query)));
    let plan = context.state().statement_to_plan(statement).await.map_err(failed)?;
    let frame = context.execute_logical_plan(plan).await.map_err(failed)?;
    let names: Vec<String> = frame
        .schema()
        .fields()
        .iter()
        .map(|field| without_marks(field.name()).to_owned())
        .collect();
    let n_columns = names.len();
    if form.kind == Kind::Binary {
        let rows = encoded::rows(frame, &Format::UnifiedBinary, None).await?;
        let rows = rows.data_rows.map(|row| row.map(|row| binary(&row)));
        // Some clients want the signature in one message with what comes first.
        let rows = rows.chain(stream::iter([Ok(END.to_vec())])).enumerate();
        let rows = rows.map(|(at, data)| {
            let data = data?;
            let all = if at == 0 { [SIGNATURE, &data].concat() } else { data };
            Ok(CopyData::new(Bytes::from(all)))
        });
        // Said to be of text first: to what is binary from the start the crate adds an end of its
        // own.
        let mut response = CopyResponse::new(0, n_columns, rows);
        response.format = 1;
        return Ok(Response::CopyOut(response));
    }
    let head =
        form.has_header.then(|| Ok(form.line(names.iter().map(|name| Some(name.as_str().into())))));
    let batches = frame.execute_stream().await.map_err(failed)?;
    let rows =
        batches.map_err(failed).map(move |batch| form.lines(&batch?)).flat_map(
            |lines| match lines {
                Ok(lines) => stream::iter(lines.into_iter().map(Ok).collect::<Vec<_>>()),
                Err(error) => stream::iter(vec![Err(error)]),
            },
        );
    Ok(Response::CopyOut(CopyResponse::new(0, n_columns, stream::iter(head).chain(rows))))
}

fn answer<'a>(
    statement: &'a Statement,
    context: &'a SessionContext,
) -> BoxFuture<'a, Option<PgWireResult<Response>>> {
    Box::pin(async move {
        match asked(statement)? {
            Ok((query, form)) => Some(copy(query, form, context).await),
            Err(error) => Some(Err(error)),
        }
    })
}

/// The hook.
#[derive(Debug)]
pub(crate) struct CopyOut;

#[async_trait]
impl QueryHook for CopyOut {
    // Without `async`, for the reason that `opaque` gives.
    fn handle_simple_query<'a, 'b, 'c, 'd, 'r>(
        &'a self,
        statement: &'b Statement,
        context: &'c SessionContext,
        _client: &'d mut dyn HookClient,
    ) -> BoxFuture<'r, Option<PgWireResult<Response>>>
    where
        Self: 'r,
        'a: 'r,
        'b: 'r,
        'c: 'r,
        'd: 'r,
    {
        answer(statement, context)
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        _context: &SessionContext,
        _client: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        asked(statement).map(|_| Ok(crate::read_only::nothing()))
    }

    fn handle_extended_query<'a, 'b, 'c, 'd, 'e, 'f, 'r>(
        &'a self,
        statement: &'b Statement,
        _plan: &'c LogicalPlan,
        _params: &'d ParamValues,
        context: &'e SessionContext,
        _client: &'f mut dyn HookClient,
    ) -> BoxFuture<'r, Option<PgWireResult<Response>>>
    where
        Self: 'r,
        'a: 'r,
        'b: 'r,
        'c: 'r,
        'd: 'r,
        'e: 'r,
        'f: 'r,
    {
        answer(statement, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;

    fn parsed(sql: &str) -> Statement {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).expect(sql).remove(0);
        read_query(&mut statement);
        statement
    }

    fn check(sql: &str, cells: &[Option<&str>], expected: &str) {
        let (_, form) = asked(&parsed(sql)).expect("a copy").expect("supported");
        let line = form.line(cells.iter().map(|cell| cell.map(Into::into)));
        assert_eq!(line.data, expected, "{sql}");
    }

    #[test]
    fn cells_are_quoted_or_escaped() {
        let cells = [Some("a"), None, Some(""), Some("b,\"c\""), Some("d\te\\\n")];
        check(
            "copy (select 1) to stdout csv header",
            &cells,
            "a,,\"\",\"b,\"\"c\"\"\",\"d\te\\\n\"\n",
        );
        check("copy a.b to stdout", &cells, "a\t\\N\t\tb,\"c\"\td\\te\\\\\\n\n");
        check(
            "copy a to stdout (format csv, delimiter ';', null 'NA')",
            &[Some("NA"), None, Some("1,5"), Some("2;5")],
            "\"NA\";NA;1,5;\"2;5\"\n",
        );
    }

    #[test]
    fn tables_are_queries() {
        for (sql, expected) in [
            ("copy a.b to stdout", "SELECT * FROM a.b"),
            ("copy a (x, \"Y\") to stdout with binary", "SELECT x, \"Y\" FROM a"),
        ] {
            let (query, _) = asked(&parsed(sql)).expect("a copy").expect("supported");
            assert_eq!(query.to_string(), expected);
        }
    }

    #[test]
    fn binary_rows_are_counted_fields() {
        for sql in ["copy a to stdout (format binary)", "copy a to stdout with binary"] {
            let (_, form) = asked(&parsed(sql)).expect("a copy").expect("supported");
            assert_eq!(form.kind, Kind::Binary);
        }
        let row = DataRow::new(BytesMut::from(&b"\0\0\0\x01a"[..]), 1);
        assert_eq!(binary(&row), b"\0\x01\0\0\0\x01a");
        assert_eq!(SIGNATURE.len(), 19);
    }

    #[test]
    fn other_forms_are_refused() {
        assert!(asked(&parsed("copy a to stdout (format parquet)")).expect("a copy").is_err());
        assert!(asked(&parsed("copy a to '/tmp/x'")).is_none());
    }
}
