//! The views of `information_schema`.

use crate::pg_types::PgType;
use crate::relations::{OWNER, PG_CATALOG, RelKind, Relation, Relations};
use crate::rows::{Cell, Rows};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::{Result, internal_datafusion_err};
use query::CATALOG;

/// The views, with their columns as PostgreSQL has them.
pub(super) const COLUMNS: [(&str, &str); 30] = [
    ("information_schema_catalog_name", "catalog_name text"),
    (
        "schemata",
        "catalog_name text, schema_name text, schema_owner text, \
         default_character_set_catalog text?, default_character_set_schema text?, \
         default_character_set_name text?, sql_path text?",
    ),
    (
        "tables",
        "table_catalog text, table_schema text, table_name text, table_type text, \
         self_referencing_column_name text?, reference_generation text?, \
         user_defined_type_catalog text?, user_defined_type_schema text?, \
         user_defined_type_name text?, is_insertable_into text, is_typed text, \
         commit_action text?",
    ),
    (
        "columns",
        "table_catalog text, table_schema text, table_name text, column_name text, \
         ordinal_position int4, column_default text?, is_nullable text, data_type text, \
         character_maximum_length int4?, character_octet_length int4?, \
         numeric_precision int4?, numeric_precision_radix int4?, numeric_scale int4?, \
         datetime_precision int4?, interval_type text?, interval_precision int4?, \
         character_set_catalog text?, character_set_schema text?, character_set_name text?, \
         collation_catalog text?, collation_schema text?, collation_name text?, \
         domain_catalog text?, domain_schema text?, domain_name text?, udt_catalog text, \
         udt_schema text, udt_name text, scope_catalog text?, scope_schema text?, \
         scope_name text?, maximum_cardinality int4?, dtd_identifier text, \
         is_self_referencing text, is_identity text, identity_generation text?, \
         identity_start text?, identity_increment text?, identity_maximum text?, \
         identity_minimum text?, identity_cycle text, is_generated text, \
         generation_expression text?, is_updatable text",
    ),
    (
        "table_constraints",
        "constraint_catalog text, constraint_schema text, constraint_name text, \
         table_catalog text, table_schema text, table_name text, constraint_type text, \
         is_deferrable text, initially_deferred text, enforced text, nulls_distinct text?",
    ),
    (
        "key_column_usage",
        "constraint_catalog text, constraint_schema text, constraint_name text, \
         table_catalog text, table_schema text, table_name text, column_name text, \
         ordinal_position int4, position_in_unique_constraint int4?",
    ),
    (
        "constraint_column_usage",
        "table_catalog text, table_schema text, table_name text, column_name text, \
         constraint_catalog text, constraint_schema text, constraint_name text",
    ),
    (
        "constraint_table_usage",
        "table_catalog text, table_schema text, table_name text, constraint_catalog text, \
         constraint_schema text, constraint_name text",
    ),
    (
        "table_privileges",
        "grantor text, grantee text, table_catalog text, table_schema text, table_name text, \
         privilege_type text, is_grantable text, with_hierarchy text",
    ),
    (
        "role_table_grants",
        "grantor text, grantee text, table_catalog text, table_schema text, table_name text, \
         privilege_type text, is_grantable text, with_hierarchy text",
    ),
    (
        "column_privileges",
        "grantor text, grantee text, table_catalog text, table_schema text, table_name text, \
         column_name text, privilege_type text, is_grantable text",
    ),
    (
        "character_sets",
        "character_set_catalog text?, character_set_schema text?, character_set_name text, \
         character_repertoire text, form_of_use text, default_collate_catalog text, \
         default_collate_schema text?, default_collate_name text?",
    ),
    ("enabled_roles", "role_name text"),
    ("applicable_roles", "grantee text, role_name text, is_grantable text"),
    (
        "referential_constraints",
        "constraint_catalog text, constraint_schema text, constraint_name text, \
         unique_constraint_catalog text?, unique_constraint_schema text?, \
         unique_constraint_name text?, match_option text, update_rule text, delete_rule text",
    ),
    (
        "check_constraints",
        "constraint_catalog text, constraint_schema text, constraint_name text, check_clause text",
    ),
    (
        "views",
        "table_catalog text, table_schema text, table_name text, view_definition text?, \
         check_option text, is_updatable text, is_insertable_into text, \
         is_trigger_updatable text, is_trigger_deletable text, \
         is_trigger_insertable_into text",
    ),
    (
        "view_table_usage",
        "view_catalog text, view_schema text, view_name text, table_catalog text, \
         table_schema text, table_name text",
    ),
    (
        "view_column_usage",
        "view_catalog text, view_schema text, view_name text, table_catalog text, \
         table_schema text, table_name text, column_name text",
    ),
    (
        "routines",
        "specific_catalog text, specific_schema text, specific_name text, \
         routine_catalog text, routine_schema text, routine_name text, routine_type text, \
         module_name text?, data_type text?, type_udt_name text?, routine_body text, \
         routine_definition text?, external_name text?, external_language text, \
         is_deterministic text, sql_data_access text, security_type text",
    ),
    (
        "parameters",
        "specific_catalog text, specific_schema text, specific_name text, \
         ordinal_position int4, parameter_mode text, is_result text, as_locator text, \
         parameter_name text?, data_type text, udt_catalog text, udt_schema text, \
         udt_name text, parameter_default text?",
    ),
    (
        "sequences",
        "sequence_catalog text, sequence_schema text, sequence_name text, data_type text, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         start_value text, minimum_value text, maximum_value text, increment text, \
         cycle_option text",
    ),
    (
        "triggers",
        "trigger_catalog text, trigger_schema text, trigger_name text, \
         event_manipulation text, event_object_catalog text, event_object_schema text, \
         event_object_table text, action_order int4, action_condition text?, \
         action_statement text, action_orientation text, action_timing text",
    ),
    (
        "domains",
        "domain_catalog text, domain_schema text, domain_name text, data_type text, \
         character_maximum_length int4?, numeric_precision int4?, numeric_scale int4?, \
         domain_default text?, udt_catalog text, udt_schema text, udt_name text",
    ),
    (
        "domain_constraints",
        "constraint_catalog text, constraint_schema text, constraint_name text, \
         domain_catalog text, domain_schema text, domain_name text, is_deferrable text, \
         initially_deferred text",
    ),
    (
        "element_types",
        "object_catalog text, object_schema text, object_name text, object_type text, \
         collection_type_identifier text, data_type text, udt_catalog text, udt_schema text, \
         udt_name text",
    ),
    (
        "collations",
        "collation_catalog text, collation_schema text, collation_name text, pad_attribute text",
    ),
    (
        "udt_privileges",
        "grantor text, grantee text, udt_catalog text, udt_schema text, udt_name text, \
         privilege_type text, is_grantable text",
    ),
    (
        "usage_privileges",
        "grantor text, grantee text, object_catalog text, object_schema text, \
         object_name text, object_type text, privilege_type text, is_grantable text",
    ),
    (
        "foreign_tables",
        "foreign_table_catalog text, foreign_table_schema text, foreign_table_name text, \
         foreign_server_catalog text, foreign_server_name text",
    ),
];

fn columns(name: &str) -> Result<Rows> {
    let found = COLUMNS.iter().find(|(known, _)| *known == name);
    let (_, columns) = found.ok_or_else(|| internal_datafusion_err!("no columns of {name}"))?;
    Rows::new(columns)
}

/// The rows of all of them.
pub(super) fn tables(relations: &Relations) -> Result<Vec<(&'static str, RecordBatch)>> {
    COLUMNS
        .iter()
        .map(|(name, _)| {
            let mut rows = columns(name)?;
            match *name {
                "information_schema_catalog_name" => {
                    rows.push([("catalog_name", CATALOG.into())]);
                }
                "schemata" => schemata(relations, &mut rows),
                "tables" => all_tables(relations, &mut rows),
                "columns" => all_columns(relations, &mut rows),
                "table_constraints" => table_constraints(relations, &mut rows),
                "key_column_usage" => key_columns(relations, &mut rows),
                "constraint_column_usage" => key_columns(relations, &mut rows),
                "constraint_table_usage" => key_tables(relations, &mut rows),
                "table_privileges" | "role_table_grants" => privileges(relations, &mut rows),
                "column_privileges" => column_privileges(relations, &mut rows),
                "views" => views(relations, &mut rows),
                "character_sets" => rows.push([
                    ("character_set_name", "UTF8".into()),
                    ("character_repertoire", "UCS".into()),
                    ("form_of_use", "UTF8".into()),
                    ("default_collate_catalog", CATALOG.into()),
                ]),
                "enabled_roles" => rows.push([("role_name", OWNER.into())]),
                _ => {}
            }
            Ok((*name, rows.finish()?))
        })
        .collect()
}

fn text(of: &str) -> Cell {
    of.into()
}

fn schemata(relations: &Relations, rows: &mut Rows) {
    for name in relations.schemas.keys() {
        rows.push([
            ("catalog_name", text(CATALOG)),
            ("schema_name", text(name)),
            ("schema_owner", text(OWNER)),
        ]);
    }
}

fn all_tables(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        let kind = match relation.kind {
            RelKind::Table => "BASE TABLE",
            RelKind::View => "VIEW",
        };
        rows.push([
            ("table_catalog", text(CATALOG)),
            ("table_schema", text(&relation.schema)),
            ("table_name", text(&relation.name)),
            ("table_type", text(kind)),
            ("is_insertable_into", text("NO")),
            ("is_typed", text("NO")),
        ]);
    }
}

fn all_columns(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        for (place, field) in (1_i64..).zip(relation.columns.fields()) {
            let found = PgType::of(field);
            let (precision, radix, scale) = match (found.digits, found.bits()) {
                (Some((precision, scale, radix)), _) => (Some(precision), Some(radix), Some(scale)),
                (None, Some(bits)) => (Some(bits), Some(2), None),
                (None, None) => (None, None, None),
            };
            let is_of_time = [1082, 1083, 1114, 1184].contains(&found.oid);
            let places_of_seconds = if found.oid == 1082 { 0 } else { 6 };
            rows.push([
                ("table_catalog", text(CATALOG)),
                ("table_schema", text(&relation.schema)),
                ("table_name", text(&relation.name)),
                ("column_name", text(field.name())),
                ("ordinal_position", place.into()),
                ("is_nullable", text(if field.is_nullable() { "YES" } else { "NO" })),
                ("data_type", text(found.standard_name())),
                ("character_octet_length", (found.oid == 25).then_some(1 << 30).into()),
                ("numeric_precision", precision.into()),
                ("numeric_precision_radix", radix.into()),
                ("numeric_scale", scale.into()),
                ("datetime_precision", is_of_time.then_some(places_of_seconds).into()),
                ("udt_catalog", text(CATALOG)),
                ("udt_schema", text(PG_CATALOG)),
                ("udt_name", text(&found.name)),
                ("dtd_identifier", place.to_string().into()),
                ("is_self_referencing", text("NO")),
                ("is_identity", text("NO")),
                ("identity_cycle", text("NO")),
                ("is_generated", text("NEVER")),
                ("is_updatable", text("NO")),
            ]);
        }
    }
}

/// Relations that have a key, each with its name.
fn with_key(relations: &Relations) -> impl Iterator<Item = (&Relation, &str)> {
    relations
        .all
        .iter()
        .filter_map(|relation| Some((relation, relation.key.as_ref()?.name.as_str())))
}

/// How a relation's key and the relation are named.
fn key_names(relation: &Relation, name: &str) -> [(&'static str, Cell); 6] {
    [
        ("constraint_catalog", text(CATALOG)),
        ("constraint_schema", text(&relation.schema)),
        ("constraint_name", text(name)),
        ("table_catalog", text(CATALOG)),
        ("table_schema", text(&relation.schema)),
        ("table_name", text(&relation.name)),
    ]
}

fn table_constraints(relations: &Relations, rows: &mut Rows) {
    for (relation, name) in with_key(relations) {
        rows.push(key_names(relation, name).into_iter().chain([
            ("constraint_type", text("PRIMARY KEY")),
            ("is_deferrable", text("NO")),
            ("initially_deferred", text("NO")),
            ("enforced", text("YES")),
        ]));
    }
}

fn key_columns(relations: &Relations, rows: &mut Rows) {
    for (relation, name) in with_key(relations) {
        for (place, column) in (1_i64..).zip(relation.key_columns()) {
            let place = [("column_name", text(column)), ("ordinal_position", place.into())];
            rows.push(key_names(relation, name).into_iter().chain(place));
        }
    }
}

fn key_tables(relations: &Relations, rows: &mut Rows) {
    for (relation, name) in with_key(relations) {
        rows.push(key_names(relation, name));
    }
}

/// Everyone may read, and nothing else.
fn privileges(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        rows.push([
            ("grantor", text(OWNER)),
            ("grantee", text("PUBLIC")),
            ("table_catalog", text(CATALOG)),
            ("table_schema", text(&relation.schema)),
            ("table_name", text(&relation.name)),
            ("privilege_type", text("SELECT")),
            ("is_grantable", text("NO")),
            ("with_hierarchy", text("YES")),
        ]);
    }
}

fn column_privileges(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        for field in relation.columns.fields() {
            rows.push([
                ("grantor", text(OWNER)),
                ("grantee", text("PUBLIC")),
                ("table_catalog", text(CATALOG)),
                ("table_schema", text(&relation.schema)),
                ("table_name", text(&relation.name)),
                ("column_name", text(field.name())),
                ("privilege_type", text("SELECT")),
                ("is_grantable", text("NO")),
            ]);
        }
    }
}

fn views(relations: &Relations, rows: &mut Rows) {
    for relation in relations.all.iter().filter(|relation| relation.kind == RelKind::View) {
        rows.push([
            ("table_catalog", text(CATALOG)),
            ("table_schema", text(&relation.schema)),
            ("table_name", text(&relation.name)),
            ("check_option", text("NONE")),
            ("is_updatable", text("NO")),
            ("is_insertable_into", text("NO")),
            ("is_trigger_updatable", text("NO")),
            ("is_trigger_deletable", text("NO")),
            ("is_trigger_insertable_into", text("NO")),
        ]);
    }
}
