//! Functions that tell of the objects of the catalog: of tables, keys, types, comments.

use super::udf::{Args, Takes, register, register_of_oid, register_same};
use crate::absent::absent;
use crate::catalog::{Made, Signature};
use crate::pg_types::{formatted, standard};
use crate::relations::{OWNER, OWNER_OID, PG_CATALOG, PrimaryKey, Relation, quoted};
use datafusion::arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::prelude::SessionContext;
use std::collections::BTreeMap;
use std::sync::Arc;

const OID: &[Takes] = &[Takes::Oid];
const TEXT: &[Takes] = &[Takes::Text];

/// Names and numbers of one kind of objects, both ways.
#[derive(Debug, Default)]
struct Names {
    oids: BTreeMap<String, i32>,
    names: BTreeMap<i32, String>,
}

impl Names {
    fn add(&mut self, name: &str, oid: i32) {
        self.oids.entry(name.to_owned()).or_insert(oid);
        self.names.entry(oid).or_insert_with(|| name.to_owned());
    }

    /// The number of what has this name, which may be a number itself.
    fn oid(&self, name: &str) -> Option<i32> {
        let name = name.trim();
        if let Ok(oid) = name.parse() {
            return Some(oid);
        }
        let plain = unquoted(name);
        let without = plain.strip_prefix("pg_catalog.").unwrap_or(&plain);
        self.oids.get(&plain).or_else(|| self.oids.get(without)).copied()
    }

    /// The name of what has this number; the number, if nothing has it.
    fn name(&self, oid: i32) -> String {
        match self.names.get(&oid) {
            Some(name) => name.clone(),
            None if oid == 0 => "-".to_owned(),
            None => oid.to_string(),
        }
    }
}

/// A name without its quotes, and what was not quoted in small letters.
fn unquoted(name: &str) -> String {
    let mut is_quoted = false;
    name.chars()
        .filter_map(|c| {
            if c == '"' {
                is_quoted = !is_quoted;
                return None;
            }
            Some(if is_quoted { c } else { c.to_ascii_lowercase() })
        })
        .collect()
}

/// What the functions know.
#[derive(Debug)]
struct Objects {
    relations: Vec<Relation>,
    by_oid: BTreeMap<i32, usize>,
    /// The tables by the numbers of the indexes and constraints of their keys.
    by_key: BTreeMap<i32, usize>,
    types: BTreeMap<i32, String>,
    functions: BTreeMap<i32, Signature>,
    /// The number of `pg_class`.
    of_tables: Option<i32>,
}

impl Objects {
    fn of(made: &Made) -> Self {
        let relations = made.relations.all.clone();
        let places = || relations.iter().enumerate();
        let by_oid = places().map(|(at, relation)| (relation.oid, at)).collect();
        let by_key = places().flat_map(|(at, relation)| {
            relation.key.iter().flat_map(move |key| [(key.index, at), (key.oid, at)])
        });
        let by_key = by_key.collect();
        let of_tables = made.relations.oid(PG_CATALOG, "pg_class");
        let (types, functions) = (made.types.clone(), made.functions.clone());
        Self { relations: relations.clone(), by_oid, by_key, types, functions, of_tables }
    }

    fn table(&self, oid: i32) -> Option<&Relation> {
        self.relations.get(*self.by_oid.get(&oid)?)
    }

    fn key(&self, oid: i32) -> Option<(&Relation, &PrimaryKey)> {
        let relation = self.relations.get(*self.by_key.get(&oid)?)?;
        Some((relation, relation.key.as_ref()?))
    }

    /// The comment of a table, or of the column at a place of it.
    fn comment(&self, table: i32, place: Option<i32>) -> Option<String> {
        let relation = self.table(table)?;
        match place {
            None => relation.about.clone(),
            Some(place) => {
                let at = usize::try_from(place - 1).ok()?;
                relation.comments.get(at).cloned().flatten()
            }
        }
    }

    fn type_name(&self, oid: Option<i32>, modifier: Option<i32>) -> Option<String> {
        let oid = oid?;
        Some(match self.types.get(&oid) {
            Some(name) => formatted(name, modifier),
            None if oid == 0 => "-".to_owned(),
            None => "???".to_owned(),
        })
    }

    /// The types that a function takes.
    fn arguments(&self, function: i32) -> Option<String> {
        let takes = self.functions.get(&function)?.takes.iter();
        let takes = takes.map(|oid| self.type_name(Some(*oid), None).unwrap_or_default());
        Some(takes.collect::<Vec<_>>().join(", "))
    }

    /// The definition of the index of a key, or of the column at a place of it.
    fn index_definition(&self, index: i32, place: i32) -> Option<String> {
        let (relation, _) = self.key(index).filter(|(_, key)| key.index == index)?;
        match usize::try_from(place) {
            Ok(0) | Err(_) => relation.index_definition(),
            Ok(place) => relation.key_columns().nth(place - 1).map(quoted),
        }
    }

    fn constraint_definition(&self, oid: i32) -> Option<String> {
        let (relation, _) = self.key(oid).filter(|(_, key)| key.oid == oid)?;
        Some(format!("PRIMARY KEY ({})", relation.key_list()?))
    }
}

/// Registers all of them.
pub(super) fn register_all(context: &SessionContext, made: &Made) {
    let objects = Arc::new(Objects::of(made));
    register_names(context, made);
    register_definitions(context, &objects);
    register_comments(context, &objects);
    register_sizes(context, &objects);
    register_constant(context);
}

/// `regclass` and its like: functions as which casts to these types are written, and `to_regclass`
/// and its like, which give null for what is not there.
fn register_names(context: &SessionContext, made: &Made) {
    let (mut tables, mut schemas, mut types) =
        (Names::default(), Names::default(), Names::default());
    let own = |relation: &&Relation| relation.schema == PG_CATALOG;
    for relation in made.relations.all.iter().filter(own) {
        // Without a schema, as they are always found.
        tables.add(&relation.name, relation.oid);
    }
    let names = made.relations.names();
    for relation in &made.relations.all {
        tables.add(&format!("{}.{}", relation.schema, relation.name), relation.oid);
        if names.get(&relation.name).is_some_and(|schemas| schemas.len() == 1) {
            tables.oids.entry(relation.name.clone()).or_insert(relation.oid);
        }
        if let Some(key) = &relation.key {
            tables.add(&format!("{}.{}", relation.schema, key.name), key.index);
        }
    }
    for (name, oid) in &made.relations.schemas {
        schemas.add(name, *oid);
    }
    for (oid, name) in &made.types {
        types.names.insert(*oid, formatted(name, None));
        for name in [name.as_str(), standard(name), &formatted(name, None)] {
            types.oids.entry(name.to_owned()).or_insert(*oid);
        }
    }
    for (other, name) in [("int", "int4"), ("float", "float8"), ("decimal", "numeric")] {
        if let Some(oid) = types.oids.get(name).copied() {
            types.oids.insert(other.to_owned(), oid);
        }
    }
    let mut functions = Names::default();
    for (oid, function) in &made.functions {
        functions.add(&function.name, *oid);
    }
    let mut roles = Names::default();
    roles.add(OWNER, OWNER_OID);
    let kinds = [
        ("regclass", tables),
        ("regnamespace", schemas),
        ("regtype", types),
        ("regrole", roles),
        ("regproc", functions),
    ];
    for (kind, names) in kinds {
        let names = Arc::new(names);
        let of = Arc::clone(&names);
        register(context, &format!("to_{kind}"), &[TEXT], DataType::Int32, move |args| {
            let found = args.texts(0)?.iter().map(|name| of.oid(name?));
            Ok(Arc::new(found.collect::<Int32Array>()))
        });
        let of = Arc::clone(&names);
        register(context, kind, &[TEXT], DataType::Int32, move |args| {
            let found = args.texts(0)?.iter().map(|name| match name {
                None => Ok(None),
                Some(name) => match of.oid(name) {
                    Some(oid) => Ok(Some(oid)),
                    None => Err(absent(kind, name)),
                },
            });
            Ok(Arc::new(found.collect::<Result<Int32Array>>()?))
        });
        let of = Arc::clone(&names);
        register(context, &format!("{kind}_name"), &[TEXT], DataType::Utf8, move |args| {
            let found = args.texts(0)?.iter().map(|name| match name {
                None => Ok(None),
                // Nothing has no name.
                Some("-") => Ok(Some("-".to_owned())),
                Some(name) => match of.oid(name) {
                    Some(oid) => Ok(Some(of.name(oid))),
                    None => Err(absent(kind, name)),
                },
            });
            Ok(Arc::new(found.collect::<Result<StringArray>>()?))
        });
    }
}

fn register_definitions(context: &SessionContext, objects: &Arc<Objects>) {
    let of = Arc::clone(objects);
    register(context, "format_type", &[&[Takes::Oid, Takes::Oid]], DataType::Utf8, move |args| {
        let (types, modifiers) = (args.oids(0)?, args.oids(1)?);
        let found = types.iter().zip(modifiers).map(|(oid, with)| of.type_name(oid, with));
        Ok(Arc::new(found.collect::<StringArray>()))
    });
    let of = Arc::clone(objects);
    let takes: [&[Takes]; 2] = [OID, &[Takes::Oid, Takes::Bool]];
    register_of_oid(context, "pg_get_constraintdef", &takes, move |oid| {
        of.constraint_definition(oid)
    });
    for name in ["pg_get_function_arguments", "pg_get_function_identity_arguments"] {
        let of = Arc::clone(objects);
        register_of_oid(context, name, &[OID], move |oid| of.arguments(oid));
    }
    let of = Arc::clone(objects);
    register_of_oid(context, "pg_get_function_result", &[OID], move |oid| {
        of.type_name(Some(of.functions.get(&oid)?.returns), None)
    });
    let of = Arc::clone(objects);
    let takes: [&[Takes]; 2] = [OID, &[Takes::Oid, Takes::Oid, Takes::Bool]];
    register(context, "pg_get_indexdef", &takes, DataType::Utf8, move |args| {
        let places = if args.len() > 1 { Some(args.oids(1)?) } else { None };
        let found = args.oids(0)?.iter().enumerate().map(|(at, index)| {
            of.index_definition(index?, places.map_or(0, |places| places.value(at)))
        });
        Ok(Arc::new(found.collect::<StringArray>()))
    });
}

fn comments(of: &Objects, args: &Args) -> Result<ArrayRef> {
    let of_columns = args.len() > 1;
    let places = if of_columns { Some(args.oids(1)?) } else { None };
    let found = args.oids(0)?.iter().enumerate().map(|(at, table)| {
        let place = places.map(|places| places.value(at));
        of.comment(table?, place)
    });
    Ok(Arc::new(found.collect::<StringArray>()))
}

fn register_comments(context: &SessionContext, objects: &Arc<Objects>) {
    let of = Arc::clone(objects);
    let takes: [&[Takes]; 2] = [OID, &[Takes::Oid, Takes::Text]];
    register(context, "obj_description", &takes, DataType::Utf8, move |args| {
        let kinds = if args.len() > 1 { Some(args.texts(1)?) } else { None };
        let found = args.oids(0)?.iter().enumerate().map(|(at, oid)| {
            // Comments are of tables.
            let is_of_table = kinds.is_none_or(|kinds| kinds.value(at) == "pg_class");
            oid.filter(|_| is_of_table).and_then(|oid| of.comment(oid, None))
        });
        Ok(Arc::new(found.collect::<StringArray>()))
    });
    let of = Arc::clone(objects);
    let takes: [&[Takes]; 1] = [&[Takes::Oid, Takes::Oid]];
    register(context, "col_description", &takes, DataType::Utf8, move |args| comments(&of, args));
    let none = ScalarValue::Utf8(None);
    register_same(context, &["shobj_description"], &[&[Takes::Oid, Takes::Text]], &none);
    let of = Arc::clone(objects);
    let takes: [&[Takes]; 1] = [&[Takes::Oid, Takes::Oid, Takes::Oid]];
    register(context, "pg_describe_object", &takes, DataType::Utf8, move |args| {
        let (kinds, oids) = (args.oids(0)?, args.oids(1)?);
        let found = kinds.iter().zip(oids).map(|(kind, oid)| {
            let relation = of.table(oid?).filter(|_| kind == of.of_tables)?;
            Some(format!("table {}", relation.full_name()))
        });
        Ok(Arc::new(found.collect::<StringArray>()))
    });
}

/// Bytes of Parquet files.
fn register_sizes(context: &SessionContext, objects: &Arc<Objects>) {
    let names = ["pg_table_size", "pg_relation_size", "pg_total_relation_size"];
    let takes: [&[Takes]; 2] = [OID, &[Takes::Oid, Takes::Text]];
    for name in names {
        let of = Arc::clone(objects);
        register(context, name, &takes, DataType::Int64, move |args| {
            let size = |oid: Option<i32>| Some(of.table(oid?).map_or(0, |table| table.bytes));
            Ok(Arc::new(args.oids(0)?.iter().map(size).collect::<Int64Array>()))
        });
    }
    let all = objects.relations.iter().map(|table| table.bytes).sum();
    let all = ScalarValue::Int64(Some(all));
    register_same(context, &["pg_database_size"], &[&[Takes::Any]], &all);
    let none = ScalarValue::Int64(Some(0));
    register_same(context, &["pg_indexes_size", "pg_tablespace_size"], &[&[Takes::Any]], &none);
}

/// What is the same of every object.
fn register_constant(context: &SessionContext) {
    let one: [&[Takes]; 1] = [&[Takes::Any]];
    let yes = ScalarValue::Boolean(Some(true));
    let visible = [
        "pg_type_is_visible",
        "pg_function_is_visible",
        "pg_operator_is_visible",
        "pg_opclass_is_visible",
        "pg_opfamily_is_visible",
        "pg_collation_is_visible",
        "pg_conversion_is_visible",
        "pg_statistics_obj_is_visible",
        "pg_ts_parser_is_visible",
        "pg_ts_dict_is_visible",
        "pg_ts_template_is_visible",
        "pg_ts_config_is_visible",
    ];
    register_same(context, &visible, &one, &yes);
    let no = ScalarValue::Boolean(Some(false));
    let never =
        ["pg_relation_is_publishable", "pg_is_other_temp_schema", "pg_relation_is_updatable"];
    register_same(context, &never, &one, &no);
    let none = ScalarValue::Utf8(None);
    let any: [&[Takes]; 3] =
        [&[Takes::Any], &[Takes::Any, Takes::Any], &[Takes::Any, Takes::Any, Takes::Any]];
    let undefined = [
        "pg_get_expr",
        "pg_get_viewdef",
        "pg_get_ruledef",
        "pg_get_triggerdef",
        "pg_get_functiondef",
        "pg_get_function_sqlbody",
        "pg_get_function_arg_default",
        "pg_get_serial_sequence",
        "pg_get_partkeydef",
        "pg_get_partition_constraintdef",
        "pg_get_statisticsobjdef",
        "pg_get_statisticsobjdef_columns",
        "pg_tablespace_location",
        "pg_relation_filepath",
    ];
    register_same(context, &undefined, &any, &none);
    let no_number = ScalarValue::Int32(None);
    register_same(context, &["pg_partition_ancestors", "pg_partition_root"], &one, &no_number);
    let zero = ScalarValue::Int64(Some(0));
    let counters = [
        "pg_stat_get_numscans",
        "pg_stat_get_live_tuples",
        "pg_stat_get_dead_tuples",
        "pg_stat_get_tuples_inserted",
        "pg_stat_get_tuples_updated",
        "pg_stat_get_tuples_deleted",
    ];
    register_same(context, &counters, &one, &zero);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_sql_writes_them() {
        let mut names = Names::default();
        names.add("panel.region", 7);
        names.add("pg_class", 1259);
        for (name, expected) in [
            ("panel.region", Some(7)),
            ("PANEL.\"region\"", Some(7)),
            ("\"PANEL\".region", None),
            ("pg_catalog.pg_class", Some(1259)),
            ("42", Some(42)),
            ("nothing", None),
        ] {
            assert_eq!(names.oid(name), expected, "{name}");
        }
        assert_eq!((names.name(7), names.name(8)), ("panel.region".to_owned(), "8".to_owned()));
    }
}
