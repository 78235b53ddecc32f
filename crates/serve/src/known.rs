//! Which tables there are, as those need to know who read the text of a query.

use crate::catalog::{HasRows, Made};
use crate::relations::{PG_CATALOG, Relation};
use std::collections::{BTreeMap, BTreeSet};

/// Which tables there are.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The names of published tables, each with the schemas that have one, in their order.
    pub(crate) names: BTreeMap<String, Vec<String>>,
    /// PostgreSQL's own tables, `schema.table`.
    pub(crate) own: BTreeMap<String, HasRows>,
    /// The schemas.
    pub(crate) schemas: BTreeSet<String>,
    /// The schema and the name of published tables, by number.
    pub(crate) tables: BTreeMap<i32, (String, String)>,
    /// The numbers of tables of `pg_catalog`.
    pub(crate) numbers: BTreeMap<String, i32>,
}

/// Where a table without a schema is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// In this schema.
    In(String),
    /// In these schemas, none of which is in the search path.
    InSeveral(Vec<String>),
    Nowhere,
}

impl Known {
    pub(crate) fn of(made: &Made) -> Self {
        let published = |relation: &&Relation| !relation.is_of_system();
        let tables = made
            .relations
            .all
            .iter()
            .filter(published)
            .map(|relation| (relation.oid, (relation.schema.clone(), relation.name.clone())));
        let of_own = made.relations.all.iter().filter(|relation| relation.schema == PG_CATALOG);
        Self {
            names: made.relations.names(),
            own: made.own.clone(),
            schemas: made.relations.schemas.keys().cloned().collect(),
            tables: tables.collect(),
            numbers: of_own.map(|relation| (relation.name.clone(), relation.oid)).collect(),
        }
    }

    /// Where the table of this name is, if the search path is `path`. Outside the path, a table is
    /// found whose name no other has.
    pub(crate) fn found(&self, name: &str, path: &[String]) -> Found {
        if self.own.contains_key(&format!("{PG_CATALOG}.{name}")) {
            return Found::In(PG_CATALOG.to_owned());
        }
        let Some(schemas) = self.names.get(name) else { return Found::Nowhere };
        if let Some(schema) = path.iter().find(|schema| schemas.contains(schema)) {
            return Found::In(schema.clone());
        }
        match &schemas[..] {
            [schema] => Found::In(schema.clone()),
            several => Found::InSeveral(several.to_vec()),
        }
    }

    /// Whether the table of this number is listed where tables are asked for without a schema. All
    /// are, as long as the search path has none of their schemas.
    pub(crate) fn is_visible(&self, oid: i32, path: &[String]) -> bool {
        let Some((schema, name)) = self.tables.get(&oid) else { return true };
        let has_tables = |of: &&String| self.names.values().any(|schemas| schemas.contains(of));
        if !path.iter().any(|of| has_tables(&of)) {
            return true;
        }
        self.found(name, path) == Found::In(schema.clone()) && path.contains(schema)
    }

    /// The number of a table of `pg_catalog`.
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        self.numbers.get(name).copied()
    }

    /// Whether a table of this schema has no rows in any session.
    pub(crate) fn is_without_rows(&self, schema: &str, name: &str) -> bool {
        self.own.get(&format!("{schema}.{name}")) == Some(&HasRows::Never)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Of a few tables.
    pub(crate) fn known() -> Known {
        let own = [
            ("pg_catalog.pg_class", HasRows::Maybe),
            ("pg_catalog.pg_attribute", HasRows::Maybe),
            ("pg_catalog.pg_type", HasRows::Maybe),
            ("pg_catalog.pg_constraint", HasRows::Maybe),
            ("pg_catalog.pg_roles", HasRows::Maybe),
            ("pg_catalog.pg_policy", HasRows::Never),
            ("pg_catalog.pg_attrdef", HasRows::Never),
            ("information_schema.tables", HasRows::Maybe),
        ];
        let names = [("region", vec!["panel", "spatial"]), ("records", vec!["customs"])];
        Known {
            names: names
                .into_iter()
                .map(|(name, of)| (name.to_owned(), of.into_iter().map(str::to_owned).collect()))
                .collect(),
            own: own.map(|(name, has)| (name.to_owned(), has)).into(),
            schemas: ["customs", "panel", "public", "spatial"].map(str::to_owned).into(),
            tables: [(1, "panel"), (2, "spatial")]
                .map(|(oid, schema)| (oid, (schema.to_owned(), "region".to_owned())))
                .into(),
            numbers: [("pg_class".to_owned(), 1259)].into(),
        }
    }

    #[test]
    fn tables_are_found_by_the_search_path_or_by_their_names_alone() {
        let known = known();
        let path = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let found = |schema: &str| Found::In(schema.to_owned());
        assert_eq!(known.found("region", &path(&["public", "spatial", "panel"])), found("spatial"));
        assert_eq!(known.found("records", &path(&["public"])), found("customs"));
        assert_eq!(known.found("pg_class", &path(&[])), found("pg_catalog"));
        assert_eq!(known.found("nothing", &path(&["panel"])), Found::Nowhere);
        let several = Found::InSeveral(path(&["panel", "spatial"]));
        assert_eq!(known.found("region", &path(&["public"])), several);
        assert!(known.is_visible(1, &path(&["public"])) && known.is_visible(2, &path(&["public"])));
        assert!(known.is_visible(1, &path(&["panel"])) && !known.is_visible(2, &path(&["panel"])));
    }
}
