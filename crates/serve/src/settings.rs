//! What clients set, and what they ask of it: SET, RESET, SHOW.

use crate::errors::error;
use crate::facts::{Facts, MayBeSet, SETTINGS};
use crate::read_only::nothing;
use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{DFSchema, ParamValues};
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{
    ContextModifier, DiscardObject, Expr, Reset, Set, Statement, Value, ValueWithSpan,
};
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::results::{
    DataRowEncoder, FieldFormat, FieldInfo, QueryResponse, Response, Tag,
};
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::api::{ClientInfo, Type};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::startup::ParameterStatus;
use futures::stream;
use std::sync::Arc;

/// The hook that comes before that of the protocol's crate, which sets what it reads itself.
#[derive(Debug)]
pub(crate) struct Settings(pub(crate) Arc<Facts>);

/// Settings whose values the protocol tells clients of, by the names that it has for them.
const TOLD: [(&str, &str); 6] = [
    ("application_name", "application_name"),
    ("client_encoding", "client_encoding"),
    ("datestyle", "DateStyle"),
    ("intervalstyle", "IntervalStyle"),
    ("search_path", "search_path"),
    ("standard_conforming_strings", "standard_conforming_strings"),
];

/// What the hook of the protocol's crate sets.
const SET_ELSEWHERE: [&str; 2] = ["statement_timeout", "timezone"];

/// What SHOW calls the column of a setting.
fn shown_name(name: &str) -> &str {
    match name {
        "timezone" => "TimeZone",
        name => TOLD.iter().find(|(known, _)| *known == name).map_or(name, |(_, told)| told),
    }
}

/// The value that is set, as a text; `None` for the default.
fn value_of(exprs: &[Expr]) -> Option<String> {
    let one = |expr: &Expr| match expr {
        Expr::Value(ValueWithSpan { value, .. }) => match value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            Value::Boolean(true) => "on".to_owned(),
            Value::Boolean(false) => "off".to_owned(),
            other => other.to_string(),
        },
        other => other.to_string(),
    };
    match exprs {
        [Expr::Identifier(name)] if name.value.eq_ignore_ascii_case("default") => None,
        // A path is a list of names, which stay in their quotes.
        [one_only] => Some(one(one_only)),
        all => {
            let all: Vec<String> = all
                .iter()
                .map(|expr| match expr {
                    Expr::Value(_) => format!("\"{}\"", one(expr)),
                    other => other.to_string(),
                })
                .collect();
            Some(all.join(", "))
        }
    }
}

/// What a statement does to the settings.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Set {
        name: String,
        value: Option<String>,
        ends: Ends,
    },
    /// What is accepted, and changes nothing.
    Nothing,
    Reset(String),
    ResetAll,
    DiscardAll,
    Show(String),
    ShowAll,
}

/// When what is set is no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    WithSession,
    WithTransaction,
}

fn asked(statement: &Statement) -> Option<Asked> {
    Some(match statement {
        Statement::Set(set) => match set {
            Set::SingleAssignment { scope, variable, values, .. } => Asked::Set {
                name: variable.to_string().to_lowercase(),
                value: value_of(values),
                ends: match scope {
                    Some(ContextModifier::Local) => Ends::WithTransaction,
                    _ => Ends::WithSession,
                },
            },
            Set::SetTimeZone { local, value } => Asked::Set {
                name: "timezone".to_owned(),
                value: value_of(std::slice::from_ref(value)),
                ends: if *local { Ends::WithTransaction } else { Ends::WithSession },
            },
            Set::SetNames { charset_name, .. } => Asked::Set {
                name: "client_encoding".to_owned(),
                value: Some(charset_name.value.clone()),
                ends: Ends::WithSession,
            },
            // All transactions read one publication, and only read.
            _ => Asked::Nothing,
        },
        Statement::Reset(reset) => match &reset.reset {
            Reset::ALL => Asked::ResetAll,
            Reset::ConfigurationParameter(name) => Asked::Reset(name.to_string().to_lowercase()),
        },
        Statement::Discard { object_type: DiscardObject::ALL } => Asked::DiscardAll,
        Statement::ShowVariable { variable } => {
            let words: Vec<String> =
                variable.iter().map(|word| word.value.to_lowercase()).collect();
            match words.join(" ").as_str() {
                "all" => Asked::ShowAll,
                "time zone" => Asked::Show("timezone".to_owned()),
                "transaction isolation level" => Asked::Show("transaction_isolation".to_owned()),
                "session authorization" => Asked::Show("session_authorization".to_owned()),
                name => Asked::Show(name.replace(' ', ".")),
            }
        }
        _ => return None,
    })
}

/// A column of texts.
fn column(name: &str) -> FieldInfo {
    FieldInfo::new(name.to_owned(), None, None, Type::TEXT, FieldFormat::Text)
}

fn columns(asked: &Asked) -> Vec<String> {
    match asked {
        Asked::Show(name) => vec![shown_name(name).to_owned()],
        Asked::ShowAll => ["name", "setting", "description"].map(str::to_owned).into(),
        _ => Vec::new(),
    }
}

/// Rows of texts.
fn rows(names: &[String], rows: Vec<Vec<String>>) -> PgWireResult<Response> {
    let fields = Arc::new(names.iter().map(|name| column(name)).collect::<Vec<_>>());
    let mut encoder = DataRowEncoder::new(Arc::clone(&fields));
    let mut encoded = Vec::with_capacity(rows.len());
    for row in rows {
        for cell in &row {
            encoder.encode_field(&Some(cell.as_str()))?;
        }
        encoded.push(Ok(encoder.take_row()));
    }
    Ok(Response::Query(QueryResponse::new(fields, stream::iter(encoded))))
}

fn unknown(name: &str) -> PgWireError {
    error("42704", format!("unrecognized configuration parameter \"{name}\""))
}

/// Why a setting cannot have this value.
fn refusal(name: &str, value: Option<&str>) -> Option<PgWireError> {
    let known = SETTINGS.iter().find(|setting| setting.name == name);
    if known.is_some_and(|setting| setting.may_be_set == MayBeSet::No) {
        return Some(error("55P02", format!("parameter \"{name}\" cannot be changed")));
    }
    let is_utf8 = |value: &str| {
        let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
        ["utf8", "unicode", "sqlascii"].contains(&plain.to_lowercase().as_str())
    };
    let value = value.filter(|value| name == "client_encoding" && !is_utf8(value))?;
    Some(error(
        "0A000",
        format!("texts are sent as UTF8 only, not as \"{value}\": set client_encoding to UTF8"),
    ))
}

impl Settings {
    /// Does what is asked; `None` if another hook does.
    async fn answer(
        &self,
        asked: Asked,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        let done = |tag: &str| Some(Ok(Response::Execution(Tag::new(tag))));
        match asked {
            Asked::Set { name, value, ends } => {
                if let Some(refusal) = refusal(&name, value.as_deref()) {
                    return Some(Err(refusal));
                }
                match ends {
                    Ends::WithSession => self.0.set(&name, value),
                    Ends::WithTransaction => self.0.set_local(&name, value),
                }
                if SET_ELSEWHERE.contains(&name.as_str()) || name.starts_with("datafusion.") {
                    return None;
                }
                if let Err(error) = self.tell(&name, client).await {
                    return Some(Err(error));
                }
                done("SET")
            }
            Asked::Nothing => done("SET"),
            Asked::Reset(name) => {
                self.0.set(&name, None);
                if let Err(error) = self.tell(&name, client).await {
                    return Some(Err(error));
                }
                done("RESET")
            }
            Asked::ResetAll => {
                self.0.reset();
                client.metadata_mut().remove("statement_timeout_ms");
                done("RESET")
            }
            Asked::DiscardAll => {
                self.0.reset();
                client.metadata_mut().remove("statement_timeout_ms");
                client.portal_store().clear_portals();
                done("DISCARD ALL")
            }
            Asked::Show(ref name) => {
                let value = match name.as_str() {
                    "session_authorization" => Some(self.0.user()),
                    name => self.0.setting(name),
                };
                let Some(value) = value else { return Some(Err(unknown(name))) };
                Some(rows(&columns(&asked), vec![vec![value]]))
            }
            Asked::ShowAll => {
                let all = SETTINGS.iter().map(|setting| {
                    let value = self.0.setting(setting.name).unwrap_or_default();
                    vec![setting.name.to_owned(), value, setting.about.to_owned()]
                });
                Some(rows(&columns(&Asked::ShowAll), all.collect()))
            }
        }
    }

    /// Tells the client of a setting's value, if the protocol does.
    async fn tell(&self, name: &str, client: &mut dyn HookClient) -> PgWireResult<()> {
        let Some((_, told)) = TOLD.iter().find(|(known, _)| *known == name) else { return Ok(()) };
        let value = self.0.setting(name).unwrap_or_default();
        // What values are written by.
        client.metadata_mut().insert(name.to_owned(), value.clone());
        let status = ParameterStatus::new((*told).to_owned(), value);
        client.send_message(PgWireBackendMessage::ParameterStatus(status)).await
    }
}

#[async_trait]
impl QueryHook for Settings {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        _context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        self.answer(asked(statement)?, client).await
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        _context: &SessionContext,
        _client: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        let names = columns(&asked(statement)?);
        if names.is_empty() {
            return Some(Ok(nothing()));
        }
        let fields = names.iter().map(|name| Field::new(name, DataType::Utf8, true));
        let schema = DFSchema::try_from(Schema::new(fields.collect::<Vec<_>>()));
        Some(schema.map_err(|error| PgWireError::ApiError(Box::new(error))).map(|schema| {
            let schema = Arc::new(schema);
            LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema })
        }))
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _plan: &LogicalPlan,
        _params: &ParamValues,
        _context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        self.answer(asked(statement)?, client).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn check(sql: &str, expected: Asked) {
        let statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).expect(sql);
        assert_eq!(asked(&statements[0]), Some(expected), "{sql}");
    }

    fn set(name: &str, value: Option<&str>) -> Asked {
        Asked::Set {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            ends: Ends::WithSession,
        }
    }

    #[test]
    fn statements_of_settings_are_understood() {
        check("set search_path to panel, public", set("search_path", Some("panel, public")));
        check("set search_path = 'panel'", set("search_path", Some("panel")));
        check("set DateStyle to 'ISO, MDY'", set("datestyle", Some("ISO, MDY")));
        check("set extra_float_digits = 3", set("extra_float_digits", Some("3")));
        check("set search_path to default", set("search_path", None));
        check("set names 'utf8'", set("client_encoding", Some("utf8")));
        check("reset all", Asked::ResetAll);
        check("reset search_path", Asked::Reset("search_path".to_owned()));
        check("show transaction isolation level", Asked::Show("transaction_isolation".to_owned()));
        check("show server_version", Asked::Show("server_version".to_owned()));
        check("show all", Asked::ShowAll);
        check("discard all", Asked::DiscardAll);
        check("set transaction isolation level serializable", Asked::Nothing);
    }

    #[test]
    fn other_encodings_are_refused() {
        assert!(refusal("client_encoding", Some("LATIN1")).is_some());
        assert!(refusal("client_encoding", Some("utf-8")).is_none());
        assert!(refusal("server_version", Some("17")).is_some());
        assert!(refusal("search_path", Some("panel")).is_none());
    }
}
