//! Functions that tell of the session: who its client is, what it has set, what it may do.

use super::udf::{Takes, register, register_of_oid, register_same};
use crate::absent::absent;
use crate::facts::{Facts, RELEASE};
use crate::known::Known;
use crate::relations::{OWNER, OWNER_OID, PG_CATALOG};
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int32Array, ListBuilder, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

const NOTHING: [&[Takes]; 1] = [&[]];
const TEXT: &[Takes] = &[Takes::Text];

/// The release that clients are told of, and what is there in truth.
fn version() -> String {
    format!("PostgreSQL {RELEASE} (Rebound {}, DataFusion)", env!("CARGO_PKG_VERSION"))
}

/// Registers a function without arguments that gives a text of the session.
fn register_fact(
    context: &SessionContext,
    facts: &Arc<Facts>,
    name: &str,
    of: impl Fn(&Facts) -> Option<String> + Send + Sync + 'static,
) {
    let facts = Arc::clone(facts);
    register(context, name, &NOTHING, DataType::Utf8, move |args| {
        ScalarValue::Utf8(of(&facts)).to_array_of_size(args.n)
    });
}

/// The schemas of the search path that there are.
fn found(facts: &Facts, known: &Known) -> Vec<String> {
    facts.search_path().into_iter().filter(|name| known.schemas.contains(name)).collect()
}

/// Registers all of them.
pub(super) fn register_all(context: &SessionContext, facts: &Arc<Facts>, known: &Arc<Known>) {
    register_fact(context, facts, "version", |_| Some(version()));
    register_fact(context, facts, "session_user", |facts| Some(facts.user()));
    register_fact(context, facts, "current_database", |facts| Some(facts.database()));
    let all = Arc::clone(known);
    register_fact(context, facts, "current_schema", move |facts| {
        found(facts, &all).into_iter().next()
    });
    register_schemas(context, facts, known);
    register_settings(context, facts);
    register_privileges(context);
    let number = Arc::clone(facts);
    register(context, "pg_backend_pid", &NOTHING, DataType::Int32, move |args| {
        ScalarValue::Int32(Some(number.number())).to_array_of_size(args.n)
    });
    let user = Arc::clone(facts);
    register_of_oid(context, "pg_get_userbyid", &[&[Takes::Oid]], move |oid| {
        Some(match oid {
            OWNER_OID => OWNER.to_owned(),
            16_384 => user.user(),
            other => format!("unknown (OID={other})"),
        })
    });
    register_places(context);
}

fn register_schemas(context: &SessionContext, facts: &Arc<Facts>, known: &Arc<Known>) {
    let (of, all) = (Arc::clone(facts), Arc::clone(known));
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    register(context, "current_schemas", &[&[Takes::Bool]], list, move |args| {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for with_own in args.bools(0)? {
            let own = with_own.unwrap_or_default().then(|| PG_CATALOG.to_owned());
            lists.append_value(own.into_iter().chain(found(&of, &all)).map(Some));
        }
        Ok(Arc::new(lists.finish()))
    });
    let (of, all) = (Arc::clone(facts), Arc::clone(known));
    register(context, "pg_table_is_visible", &[&[Takes::Oid]], DataType::Boolean, move |args| {
        let path = found(&of, &all);
        let oids = args.oids(0)?.iter();
        let visible = oids.map(|oid| Some(all.is_visible(oid?, &path)));
        Ok(Arc::new(visible.collect::<BooleanArray>()))
    });
}

fn register_settings(context: &SessionContext, facts: &Arc<Facts>) {
    let of = Arc::clone(facts);
    let takes: [&[Takes]; 2] = [TEXT, &[Takes::Text, Takes::Bool]];
    register(context, "current_setting", &takes, DataType::Utf8, move |args| {
        let may_miss = if args.len() > 1 { Some(args.bools(1)?) } else { None };
        let values = args.texts(0)?.iter().enumerate().map(|(at, name)| {
            let Some(name) = name else { return Ok(None) };
            let value = of.setting(name);
            let may_miss = may_miss.is_some_and(|may_miss| may_miss.value(at));
            if value.is_none() && !may_miss {
                return Err(absent("setting", name));
            }
            Ok(value)
        });
        Ok(Arc::new(values.collect::<Result<StringArray>>()?))
    });
    let of = Arc::clone(facts);
    let takes: [&[Takes]; 1] = [&[Takes::Text, Takes::Text, Takes::Bool]];
    register(context, "set_config", &takes, DataType::Utf8, move |args| {
        let (names, values) = (args.texts(0)?, args.texts(1)?);
        for (name, value) in names.iter().zip(values) {
            if let (Some(name), Some(value)) = (name, value) {
                of.set(name, Some(value.to_owned()));
            }
        }
        Ok(Arc::new(values.clone()) as ArrayRef)
    });
}

/// Everyone may connect, use every schema and type, and read; nobody may anything else.
fn may(privilege: &str) -> bool {
    let mut asked = privilege.split(',').map(|one| one.trim().to_lowercase());
    asked.any(|one| ["select", "usage", "connect", "execute"].contains(&one.as_str()))
}

fn register_privileges(context: &SessionContext) {
    const OF: [&str; 9] = [
        "has_table_privilege",
        "has_schema_privilege",
        "has_database_privilege",
        "has_any_column_privilege",
        "has_function_privilege",
        "has_sequence_privilege",
        "has_type_privilege",
        "has_language_privilege",
        "has_tablespace_privilege",
    ];
    let takes: [&[Takes]; 2] = [&[Takes::Any, Takes::Text], &[Takes::Any, Takes::Any, Takes::Text]];
    for name in OF {
        register(context, name, &takes, DataType::Boolean, |args| {
            let asked = args.texts(args.len() - 1)?.iter().map(|privilege| privilege.map(may));
            Ok(Arc::new(asked.collect::<BooleanArray>()))
        });
    }
    let of_columns: [&[Takes]; 2] = [
        &[Takes::Any, Takes::Any, Takes::Text],
        &[Takes::Any, Takes::Any, Takes::Any, Takes::Text],
    ];
    register(context, "has_column_privilege", &of_columns, DataType::Boolean, |args| {
        let asked = args.texts(args.len() - 1)?.iter().map(|privilege| privilege.map(may));
        Ok(Arc::new(asked.collect::<BooleanArray>()))
    });
    let no = ScalarValue::Boolean(Some(false));
    let takes: [&[Takes]; 2] = [&[Takes::Any, Takes::Any], &[Takes::Any, Takes::Any, Takes::Any]];
    register_same(context, &["pg_has_role"], &takes, &no);
}

/// Where the server is, and what it is doing: nothing of it is told.
fn register_places(context: &SessionContext) {
    let no = ScalarValue::Boolean(Some(false));
    register_same(context, &["pg_is_in_recovery", "pg_is_wal_replay_paused"], &NOTHING, &no);
    let none = ScalarValue::Utf8(None);
    register_same(context, &["inet_server_addr", "inet_client_addr"], &NOTHING, &none);
    let none = ScalarValue::Int32(None);
    register_same(context, &["inet_server_port", "inet_client_port"], &NOTHING, &none);
    let zero = ScalarValue::Int32(Some(0));
    register_same(context, &["pg_my_temp_schema"], &NOTHING, &zero);
    let nothing = ScalarValue::Utf8(Some(String::new()));
    register_same(context, &["pg_advisory_unlock_all"], &NOTHING, &nothing);
    let times = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    for name in ["pg_postmaster_start_time", "pg_conf_load_time"] {
        register(context, name, &NOTHING, times.clone(), |args| {
            let unknown = TimestampMicrosecondArray::new_null(args.n);
            Ok(Arc::new(unknown.with_timezone("UTC")))
        });
    }
    register(context, "getdatabaseencoding", &NOTHING, DataType::Utf8, |args| {
        ScalarValue::from("UTF8").to_array_of_size(args.n)
    });
    register(context, "pg_encoding_to_char", &[&[Takes::Oid]], DataType::Utf8, |args| {
        let name = |number| if number == 6 { "UTF8" } else { "" };
        Ok(Arc::new(args.oids(0)?.iter().map(|number| number.map(name)).collect::<StringArray>()))
    });
    register(context, "pg_char_to_encoding", &[TEXT], DataType::Int32, |args| {
        let number = |name: &str| if name.to_lowercase().starts_with("utf") { 6 } else { -1 };
        Ok(Arc::new(args.texts(0)?.iter().map(|name| name.map(number)).collect::<Int32Array>()))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_may_read_and_nothing_else() {
        assert!(may("SELECT") && may("usage") && may("INSERT, SELECT"));
        assert!(!may("INSERT") && !may("CREATE") && !may("TEMP"));
    }

    #[test]
    fn search_paths_have_the_schemas_that_there_are() {
        let facts = Facts::default();
        facts.set("search_path", Some("nowhere, panel, public".to_owned()));
        let schemas = ["panel", "public", "trade"].map(str::to_owned).into();
        let known = Known { schemas, ..Known::default() };
        assert_eq!(found(&facts, &known), ["panel", "public"]);
    }
}
