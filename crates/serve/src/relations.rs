//! What PostgreSQL calls relations: the tables of a publication and PostgreSQL's own, with numbers
//! that come of their names.

use datafusion::arrow::datatypes::SchemaRef;
use lake::TableVersion;
use std::collections::{BTreeMap, BTreeSet};

/// The schema of PostgreSQL's own tables.
pub(crate) const PG_CATALOG: &str = "pg_catalog";

/// The schema of the standard's views of them.
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// Who owns everything.
pub(crate) const OWNER: &str = "rebound";

/// The number of the owner.
pub(crate) const OWNER_OID: i32 = 10;

/// Numbers that PostgreSQL itself has given end before this one.
const FIRST: i32 = 20_000;

/// Numbers made of names are smaller than this one: they fit whatever clients keep them in.
const BEHIND_LAST: i32 = 1 << 30;

/// Numbers of PostgreSQL's own tables, to which clients and `pg_description` refer.
const KNOWN: [(&str, i32); 45] = [
    ("pg_aggregate", 2600),
    ("pg_am", 2601),
    ("pg_amop", 2602),
    ("pg_amproc", 2603),
    ("pg_attrdef", 2604),
    ("pg_attribute", 1249),
    ("pg_auth_members", 1261),
    ("pg_authid", 1260),
    ("pg_cast", 2605),
    ("pg_class", 1259),
    ("pg_collation", 3456),
    ("pg_constraint", 2606),
    ("pg_conversion", 2607),
    ("pg_database", 1262),
    ("pg_db_role_setting", 2964),
    ("pg_default_acl", 826),
    ("pg_depend", 2608),
    ("pg_description", 2609),
    ("pg_enum", 3501),
    ("pg_event_trigger", 3466),
    ("pg_extension", 3079),
    ("pg_foreign_data_wrapper", 2328),
    ("pg_foreign_server", 1417),
    ("pg_foreign_table", 3118),
    ("pg_index", 2610),
    ("pg_inherits", 2611),
    ("pg_language", 2612),
    ("pg_namespace", 2615),
    ("pg_opclass", 2616),
    ("pg_operator", 2617),
    ("pg_opfamily", 2753),
    ("pg_policy", 3256),
    ("pg_proc", 1255),
    ("pg_publication", 6104),
    ("pg_range", 3541),
    ("pg_rewrite", 2618),
    ("pg_sequence", 2224),
    ("pg_statistic_ext", 3381),
    ("pg_tablespace", 1213),
    ("pg_trigger", 2620),
    ("pg_ts_config", 3602),
    ("pg_ts_dict", 3600),
    ("pg_ts_parser", 3601),
    ("pg_ts_template", 3764),
    ("pg_type", 1247),
];

/// What a relation is to `pg_class.relkind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RelKind {
    Table,
    View,
}

/// The primary key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrimaryKey {
    /// The name of its constraint and index.
    pub(crate) name: String,
    /// The number of its constraint.
    pub(crate) oid: i32,
    /// The number of its index.
    pub(crate) index: i32,
    /// The places of its columns, from 1.
    pub(crate) places: Vec<i64>,
}

/// A table or view.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) oid: i32,
    pub(crate) schema: String,
    pub(crate) schema_oid: i32,
    pub(crate) name: String,
    pub(crate) kind: RelKind,
    pub(crate) columns: SchemaRef,
    /// What a row is.
    pub(crate) about: Option<String>,
    /// What each column means, if anyone said so.
    pub(crate) comments: Vec<Option<String>>,
    pub(crate) key: Option<PrimaryKey>,
    pub(crate) rows: i64,
    /// Bytes of its files.
    pub(crate) bytes: i64,
}

impl Relation {
    /// Whether it is one of PostgreSQL's own.
    pub(crate) fn is_of_system(&self) -> bool {
        [PG_CATALOG, INFORMATION_SCHEMA].contains(&self.schema.as_str())
    }

    /// The names of the columns of the key.
    pub(crate) fn key_columns(&self) -> impl Iterator<Item = &str> {
        let places = self.key.iter().flat_map(|key| &key.places);
        places.filter_map(|place| {
            let at = usize::try_from(place - 1).ok()?;
            self.columns.fields().get(at).map(|field| field.name().as_str())
        })
    }
}

/// A name as SQL has it: in quotes if it needs them.
pub(crate) fn quoted(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

impl Relation {
    /// Its name with its schema.
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    /// The columns of its key, with commas; `None` if it has none.
    pub(crate) fn key_list(&self) -> Option<String> {
        self.key.as_ref()?;
        Some(self.key_columns().map(quoted).collect::<Vec<_>>().join(", "))
    }

    /// The statement that would make the index of its key.
    pub(crate) fn index_definition(&self) -> Option<String> {
        let (key, columns) = (self.key.as_ref()?, self.key_list()?);
        let (name, table) = (quoted(&key.name), self.full_name());
        Some(format!("CREATE UNIQUE INDEX {name} ON {table} USING btree ({columns})"))
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    pub(crate) all: Vec<Relation>,
    /// The numbers of schemas.
    pub(crate) schemas: BTreeMap<String, i32>,
    taken: BTreeSet<i32>,
}

impl Relations {
    /// PostgreSQL's schemas, and no relation yet.
    pub(crate) fn new() -> Self {
        let schemas = [(PG_CATALOG, 11), ("public", 2200), (INFORMATION_SCHEMA, 13_000)];
        let schemas = schemas.map(|(name, oid)| (name.to_owned(), oid));
        Self { schemas: BTreeMap::from(schemas), ..Self::default() }
    }

    /// A number for what has this name: the same wherever no other has it by chance.
    fn number(&mut self, of: &str) -> i32 {
        let mixed = of
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let span = BEHIND_LAST - FIRST;
        let mut at = i32::try_from(mixed % span.unsigned_abs()).unwrap_or(0);
        while !self.taken.insert(FIRST + at) {
            at = (at + 1) % span;
        }
        FIRST + at
    }

    fn schema(&mut self, name: &str) -> i32 {
        if let Some(oid) = self.schemas.get(name) {
            return *oid;
        }
        let oid = self.number(&format!("schema {name}"));
        self.schemas.insert(name.to_owned(), oid);
        oid
    }

    /// Adds a table of a publication.
    pub(crate) fn add(&mut self, version: &TableVersion) {
        let (schema, name) = version.table.split_once('.').unwrap_or(("public", &version.table));
        let schema_oid = self.schema(schema);
        let columns = version.schema();
        let place = |name: &String| {
            let at = columns.fields().iter().position(|field| field.name() == name)?;
            i64::try_from(at + 1).ok()
        };
        let places: Option<Vec<i64>> = version.key.iter().map(place).collect();
        let key = places.filter(|places| !places.is_empty()).map(|places| PrimaryKey {
            name: format!("{name}_pkey"),
            oid: self.number(&format!("key {}", version.table)),
            index: self.number(&format!("index {}", version.table)),
            places,
        });
        let comments = version.columns.iter().map(|column| {
            let unit = match column.unit.as_str() {
                "" => String::new(),
                unit => format!(" ({unit})"),
            };
            Some(format!("{}{unit}", column.about))
        });
        let relation = Relation {
            oid: self.number(&format!("table {}", version.table)),
            schema: schema.to_owned(),
            schema_oid,
            name: name.to_owned(),
            kind: RelKind::Table,
            about: Some(format!("{}. Key: {}.", version.about, version.key.join(", "))),
            comments: comments.collect(),
            columns,
            key,
            rows: i64::try_from(version.rows()).unwrap_or(i64::MAX),
            bytes: i64::try_from(version.bytes()).unwrap_or(i64::MAX),
        };
        self.all.push(relation);
    }

    /// Adds one of PostgreSQL's own.
    pub(crate) fn add_own(&mut self, schema: &str, name: &str, columns: SchemaRef) {
        let known = KNOWN.iter().find(|(known, _)| schema == PG_CATALOG && *known == name);
        let oid = known.map(|(_, oid)| *oid);
        let schema_oid = self.schema(schema);
        let relation = Relation {
            oid: oid.unwrap_or_else(|| self.number(&format!("table {schema}.{name}"))),
            schema: schema.to_owned(),
            schema_oid,
            name: name.to_owned(),
            kind: if oid.is_some() { RelKind::Table } else { RelKind::View },
            about: None,
            comments: vec![None; columns.fields().len()],
            columns,
            key: None,
            rows: 0,
            bytes: 0,
        };
        self.all.push(relation);
    }

    /// The number of the table of this name in this schema.
    pub(crate) fn oid(&self, schema: &str, name: &str) -> Option<i32> {
        let is_it = |relation: &&Relation| relation.schema == schema && relation.name == name;
        self.all.iter().find(is_it).map(|relation| relation.oid)
    }

    /// The names of tables of publications, each with the schemas that have one, in their order.
    pub(crate) fn names(&self) -> BTreeMap<String, Vec<String>> {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for relation in self.all.iter().filter(|relation| !relation.is_of_system()) {
            names.entry(relation.name.clone()).or_default().push(relation.schema.clone());
        }
        for schemas in names.values_mut() {
            schemas.sort();
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    #[test]
    fn numbers_come_of_names() {
        let columns = || Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, true)]));
        let (mut one, mut other) = (Relations::new(), Relations::new());
        for name in ["pg_class", "pg_views"] {
            one.add_own(PG_CATALOG, name, columns());
        }
        for name in ["pg_locks", "pg_views"] {
            other.add_own(PG_CATALOG, name, columns());
        }
        assert_eq!(one.oid(PG_CATALOG, "pg_class"), Some(1259));
        assert_eq!(one.oid(PG_CATALOG, "pg_views"), other.oid(PG_CATALOG, "pg_views"));
        assert!(one.oid(PG_CATALOG, "pg_views") >= Some(FIRST));
        assert_eq!(one.oid("public", "pg_views"), None);
    }
}
