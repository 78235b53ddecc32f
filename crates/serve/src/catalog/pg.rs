//! The tables of `pg_catalog` that are made of what is published.

use crate::pg_types::PgType;
use crate::relations::{OWNER, OWNER_OID, PG_CATALOG, RelKind, Relation, Relations};
use crate::rows::{Cell, Rows};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::{Result, internal_datafusion_err};
use query::CATALOG;

/// The number of the database of what is published.
pub(super) const DATABASE_OID: i32 = 5;

/// The number of the first database of a run.
const FIRST_RUN_OID: i32 = 1_000_000;

/// How tables and keys are read, in `pg_am`.
const HEAP: i32 = 2;
const BTREE: i32 = 403;

/// The tables, with their columns as PostgreSQL has them.
pub(super) const COLUMNS: [(&str, &str); 27] = [
    ("pg_namespace", "oid oid, nspname text, nspowner oid, nspacl texts?"),
    (
        "pg_class",
        "oid oid, relname text, relnamespace oid, reltype oid, reloftype oid, relowner oid, \
         relam oid, relfilenode oid, reltablespace oid, relpages int4, reltuples float4, \
         relallvisible int4, reltoastrelid oid, relhasindex bool, relisshared bool, \
         relpersistence text, relkind text, relnatts int2, relchecks int2, relhasrules bool, \
         relhastriggers bool, relhassubclass bool, relrowsecurity bool, \
         relforcerowsecurity bool, relispopulated bool, relreplident text, \
         relispartition bool, relrewrite oid, relfrozenxid int4, relminmxid int4, \
         relacl texts?, reloptions texts?, relpartbound text?",
    ),
    (
        "pg_attribute",
        "attrelid oid, attname text, atttypid oid, attlen int2, attnum int2, \
         attcacheoff int4, atttypmod int4, attndims int2, attbyval bool, attalign text, \
         attstorage text, attcompression text, attnotnull bool, atthasdef bool, \
         atthasmissing bool, attidentity text, attgenerated text, attisdropped bool, \
         attislocal bool, attinhcount int2, attstattarget int2, attcollation oid, \
         attacl texts?, attoptions texts?, attfdwoptions texts?, attmissingval texts?",
    ),
    (
        "pg_constraint",
        "oid oid, conname text, connamespace oid, contype text, condeferrable bool, \
         condeferred bool, convalidated bool, conrelid oid, contypid oid, conindid oid, \
         conparentid oid, confrelid oid, confupdtype text, confdeltype text, \
         confmatchtype text, conislocal bool, coninhcount int2, connoinherit bool, \
         conkey int2s?, confkey int2s?, conpfeqop oids?, conppeqop oids?, conffeqop oids?, \
         confdelsetcols int2s?, conexclop oids?, conbin text?",
    ),
    (
        "pg_index",
        "indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool, \
         indnullsnotdistinct bool, indisprimary bool, indisexclusion bool, \
         indimmediate bool, indisclustered bool, indisvalid bool, indcheckxmin bool, \
         indisready bool, indislive bool, indisreplident bool, indkey int2s, \
         indcollation oids, indclass oids, indoption int2s, indexprs text?, indpred text?",
    ),
    ("pg_description", "objoid oid, classoid oid, objsubid int4, description text"),
    (
        "pg_database",
        "oid oid, datname text, datdba oid, encoding int4, datlocprovider text, \
         datistemplate bool, datallowconn bool, datconnlimit int4, datfrozenxid int4, \
         datminmxid int4, dattablespace oid, datcollate text, datctype text, \
         daticulocale text?, daticurules text?, datcollversion text?, datacl texts?",
    ),
    (
        "pg_tables",
        "schemaname text, tablename text, tableowner text, tablespace text?, \
         hasindexes bool, hasrules bool, hastriggers bool, rowsecurity bool",
    ),
    (
        "pg_indexes",
        "schemaname text, tablename text, indexname text, tablespace text?, indexdef text",
    ),
    ("pg_views", "schemaname text, viewname text, viewowner text, definition text?"),
    (
        "pg_matviews",
        "schemaname text, matviewname text, matviewowner text, tablespace text?, \
         hasindexes bool, ispopulated bool, definition text?",
    ),
    (
        "pg_sequences",
        "schemaname text, sequencename text, sequenceowner text, data_type text, \
         start_value int8, min_value int8, max_value int8, increment_by int8, cycle bool, \
         cache_size int8, last_value int8?",
    ),
    (
        "pg_stat_user_tables",
        "relid oid, schemaname text, relname text, seq_scan int8, seq_tup_read int8, \
         idx_scan int8?, idx_tup_fetch int8?, n_tup_ins int8, n_tup_upd int8, \
         n_tup_del int8, n_tup_hot_upd int8, n_live_tup int8, n_dead_tup int8, \
         n_mod_since_analyze int8, last_vacuum time?, last_autovacuum time?, \
         last_analyze time?, last_autoanalyze time?, vacuum_count int8, \
         autovacuum_count int8, analyze_count int8, autoanalyze_count int8",
    ),
    (
        "pg_stat_database",
        "datid oid, datname text, numbackends int4, xact_commit int8, xact_rollback int8, \
         blks_read int8, blks_hit int8, tup_returned int8, tup_fetched int8, \
         tup_inserted int8, tup_updated int8, tup_deleted int8, conflicts int8, \
         temp_files int8, temp_bytes int8, deadlocks int8, stats_reset time?",
    ),
    ("pg_stat_gssapi", "pid int4, gss_authenticated bool, principal text?, encrypted bool"),
    ("pg_stat_ssl", "pid int4, ssl bool, version text?, cipher text?, bits int4?, client_dn text?"),
    (
        "pg_stat_replication",
        "pid int4, usesysid oid, usename text, application_name text, client_addr text?, \
         state text, sync_state text",
    ),
    (
        "pg_replication_slots",
        "slot_name text, plugin text?, slot_type text, datoid oid, database text?, \
         temporary bool, active bool, active_pid int4?, xmin int4?, catalog_xmin int4?, \
         restart_lsn text?, confirmed_flush_lsn text?",
    ),
    (
        "pg_locks",
        "locktype text, database oid, relation oid, page int4?, tuple int2?, \
         virtualxid text?, transactionid int4?, classid oid, objid oid, objsubid int2?, \
         virtualtransaction text, pid int4, mode text, granted bool, fastpath bool, \
         waitstart time?",
    ),
    (
        "pg_collation",
        "oid oid, collname text, collnamespace oid, collowner oid, collprovider text, \
         collisdeterministic bool, collencoding int4, collcollate text?, collctype text?, \
         colliculocale text?, collicurules text?, collversion text?",
    ),
    ("pg_group", "groname text, grosysid oid, grolist oids"),
    ("pg_parameter_acl", "oid oid, parname text, paracl texts?"),
    ("pg_user_mapping", "oid oid, umuser oid, umserver oid, umoptions texts?"),
    (
        "pg_user_mappings",
        "umid oid, srvid oid, srvname text, umuser oid, usename text, umoptions texts?",
    ),
    (
        "pg_available_extensions",
        "name text, default_version text, installed_version text?, comment text",
    ),
    ("pg_prepared_xacts", "transaction int4, gid text, prepared time?, owner text, database text"),
    (
        "pg_policies",
        "schemaname text, tablename text, policyname text, permissive text, roles texts, \
         cmd text, qual text?, with_check text?",
    ),
];

fn columns(name: &str) -> Result<Rows> {
    let found = COLUMNS.iter().find(|(known, _)| *known == name);
    let (_, columns) = found.ok_or_else(|| internal_datafusion_err!("no columns of {name}"))?;
    Rows::new(columns)
}

/// The rows of all of them.
pub(super) fn tables(
    relations: &Relations,
    databases: &[String],
) -> Result<Vec<(&'static str, RecordBatch)>> {
    COLUMNS
        .iter()
        .map(|(name, _)| {
            let mut rows = columns(name)?;
            match *name {
                "pg_namespace" => pg_namespace(relations, &mut rows),
                "pg_class" => pg_class(relations, &mut rows),
                "pg_attribute" => pg_attribute(relations, &mut rows),
                "pg_constraint" => pg_constraint(relations, &mut rows),
                "pg_index" => pg_index(relations, &mut rows),
                "pg_description" => pg_description(relations, &mut rows),
                "pg_database" => pg_database(databases, &mut rows),
                "pg_tables" => pg_tables(relations, &mut rows),
                "pg_indexes" => pg_indexes(relations, &mut rows),
                "pg_views" => pg_views(relations, &mut rows),
                "pg_stat_user_tables" => pg_stat_user_tables(relations, &mut rows),
                _ => {}
            }
            Ok((*name, rows.finish()?))
        })
        .collect()
}

fn pg_namespace(relations: &Relations, rows: &mut Rows) {
    for (name, oid) in &relations.schemas {
        rows.push([
            ("oid", (*oid).into()),
            ("nspname", name.as_str().into()),
            ("nspowner", OWNER_OID.into()),
        ]);
    }
}

fn kind(relation: &Relation) -> Cell {
    match relation.kind {
        RelKind::Table => "r".into(),
        RelKind::View => "v".into(),
    }
}

fn n_columns(of: usize) -> Cell {
    Cell::Int(i64::try_from(of).unwrap_or(0))
}

fn pg_class(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        let is_table = relation.kind == RelKind::Table;
        rows.push([
            ("oid", relation.oid.into()),
            ("relname", relation.name.as_str().into()),
            ("relnamespace", relation.schema_oid.into()),
            ("relowner", OWNER_OID.into()),
            ("relam", if is_table { HEAP } else { 0 }.into()),
            ("relfilenode", if is_table { relation.oid } else { 0 }.into()),
            // In blocks of 8 KiB.
            ("relpages", (relation.bytes / 8192).into()),
            ("reltuples", relation.rows.into()),
            ("relhasindex", relation.key.is_some().into()),
            ("relpersistence", "p".into()),
            ("relkind", kind(relation)),
            ("relnatts", n_columns(relation.columns.fields().len())),
            ("relispopulated", true.into()),
            ("relreplident", "d".into()),
        ]);
        let Some(key) = &relation.key else { continue };
        rows.push([
            ("oid", key.index.into()),
            ("relname", key.name.as_str().into()),
            ("relnamespace", relation.schema_oid.into()),
            ("relowner", OWNER_OID.into()),
            ("relam", BTREE.into()),
            ("relfilenode", key.index.into()),
            ("reltuples", relation.rows.into()),
            ("relpersistence", "p".into()),
            ("relkind", "i".into()),
            ("relnatts", n_columns(key.places.len())),
            ("relispopulated", true.into()),
            ("relreplident", "n".into()),
        ]);
    }
}

fn pg_attribute(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        let columns = relation.columns.fields();
        let of_table = (1_i64..).zip(columns).map(|(place, field)| (relation.oid, place, field));
        let of_index = relation.key.iter().flat_map(|key| {
            let fields =
                key.places.iter().filter_map(|place| columns.get(usize::try_from(place - 1).ok()?));
            (1_i64..).zip(fields).map(|(place, field)| (key.index, place, field))
        });
        for (table, place, field) in of_table.chain(of_index) {
            let found = PgType::of(field);
            let is_short = (1..=8).contains(&found.length);
            rows.push([
                ("attrelid", table.into()),
                ("attname", field.name().as_str().into()),
                ("atttypid", found.oid.into()),
                ("attlen", found.length.into()),
                ("attnum", place.into()),
                ("attcacheoff", (-1).into()),
                ("atttypmod", found.modifier.into()),
                ("attbyval", is_short.into()),
                ("attalign", "i".into()),
                ("attstorage", if is_short { "p" } else { "x" }.into()),
                ("attnotnull", (!field.is_nullable()).into()),
                ("attislocal", true.into()),
                ("attstattarget", (-1).into()),
            ]);
        }
    }
}

fn pg_constraint(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        let Some(key) = &relation.key else { continue };
        rows.push([
            ("oid", key.oid.into()),
            ("conname", key.name.as_str().into()),
            ("connamespace", relation.schema_oid.into()),
            ("contype", "p".into()),
            ("convalidated", true.into()),
            ("conrelid", relation.oid.into()),
            ("conindid", key.index.into()),
            ("confupdtype", " ".into()),
            ("confdeltype", " ".into()),
            ("confmatchtype", " ".into()),
            ("conislocal", true.into()),
            ("connoinherit", true.into()),
            ("conkey", key.places.clone().into()),
        ]);
    }
}

fn pg_index(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        let Some(key) = &relation.key else { continue };
        let none = vec![0; key.places.len()];
        rows.push([
            ("indexrelid", key.index.into()),
            ("indrelid", relation.oid.into()),
            ("indnatts", n_columns(key.places.len())),
            ("indnkeyatts", n_columns(key.places.len())),
            ("indisunique", true.into()),
            ("indisprimary", true.into()),
            ("indimmediate", true.into()),
            ("indisvalid", true.into()),
            ("indisready", true.into()),
            ("indislive", true.into()),
            ("indkey", key.places.clone().into()),
            ("indcollation", none.clone().into()),
            ("indclass", none.clone().into()),
            ("indoption", none.into()),
        ]);
    }
}

fn pg_description(relations: &Relations, rows: &mut Rows) {
    let of_tables = relations.oid(PG_CATALOG, "pg_class");
    for relation in &relations.all {
        let comments = (1_i64..).zip(&relation.comments);
        let comments = std::iter::once((0, &relation.about)).chain(comments);
        for (place, comment) in comments {
            let Some(comment) = comment else { continue };
            rows.push([
                ("objoid", relation.oid.into()),
                ("classoid", of_tables.into()),
                ("objsubid", place.into()),
                ("description", comment.as_str().into()),
            ]);
        }
    }
}

fn pg_database(databases: &[String], rows: &mut Rows) {
    let of_runs = (FIRST_RUN_OID..).zip(databases.iter().map(String::as_str));
    for (oid, name) in std::iter::once((DATABASE_OID, CATALOG)).chain(of_runs) {
        rows.push([
            ("oid", oid.into()),
            ("datname", name.into()),
            ("datdba", OWNER_OID.into()),
            ("encoding", 6.into()),
            ("datlocprovider", "c".into()),
            ("datallowconn", true.into()),
            ("datconnlimit", (-1).into()),
            ("dattablespace", 1663.into()),
            ("datcollate", "C".into()),
            ("datctype", "C.UTF-8".into()),
        ]);
    }
}

fn pg_tables(relations: &Relations, rows: &mut Rows) {
    for relation in relations.all.iter().filter(|relation| relation.kind == RelKind::Table) {
        rows.push([
            ("schemaname", relation.schema.as_str().into()),
            ("tablename", relation.name.as_str().into()),
            ("tableowner", OWNER.into()),
            ("hasindexes", relation.key.is_some().into()),
        ]);
    }
}

fn pg_indexes(relations: &Relations, rows: &mut Rows) {
    for relation in &relations.all {
        let Some(definition) = relation.index_definition() else { continue };
        rows.push([
            ("schemaname", relation.schema.as_str().into()),
            ("tablename", relation.name.as_str().into()),
            ("indexname", relation.key.as_ref().map(|key| key.name.clone()).into()),
            ("indexdef", definition.into()),
        ]);
    }
}

fn pg_views(relations: &Relations, rows: &mut Rows) {
    for relation in relations.all.iter().filter(|relation| relation.kind == RelKind::View) {
        rows.push([
            ("schemaname", relation.schema.as_str().into()),
            ("viewname", relation.name.as_str().into()),
            ("viewowner", OWNER.into()),
        ]);
    }
}

fn pg_stat_user_tables(relations: &Relations, rows: &mut Rows) {
    for relation in relations.all.iter().filter(|relation| !relation.is_of_system()) {
        rows.push([
            ("relid", relation.oid.into()),
            ("schemaname", relation.schema.as_str().into()),
            ("relname", relation.name.as_str().into()),
            ("n_live_tup", relation.rows.into()),
        ]);
    }
}
