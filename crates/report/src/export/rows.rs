//! What is exported: the rows of a table or of a query, and what is known of their columns.

use super::error::ExportError;
use crate::published;
use crate::stata::ABOUT;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lake::{Catalog, Column, Kind, Lake, TableVersion, meta};
use project::classification::{self, HS_LEVELS, HsLevel};
use project::formula::quote;
use query::lineage::{Origins, Role, SourceColumn};
use query::{Memory, QueryError, Rows, Session};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The column that tables have their products in.
pub(super) const PRODUCT: &str = "product";

/// The column that tables have their regions in.
pub(super) const REGION: &str = "region_code";

/// What rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// Those of a table that a condition leaves, if there is one.
    Table {
        /// The condition.
        condition: Option<String>,
    },
    /// Those of a query.
    Query,
}

/// A column of a file.
#[derive(Debug, Clone)]
pub(super) struct ExportedColumn {
    /// Its name.
    pub(super) name: String,
    /// What it means; empty if nobody says.
    pub(super) about: String,
    /// Its unit; empty for codes and texts, and where nobody says.
    pub(super) unit: String,
    /// Its Arrow type.
    pub(super) data: DataType,
    /// The column of a table that its values are, as they are.
    pub(super) from: Option<SourceColumn>,
    /// What it is computed from, in words; empty where it is a column of a table.
    pub(super) computed: String,
}

impl ExportedColumn {
    /// A column of a table.
    fn of_table(table: &str, column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            about: column.about.clone(),
            unit: column.unit.clone(),
            data: column.kind.arrow(),
            from: Some(SourceColumn { table: table.to_owned(), column: column.name.clone() }),
            computed: String::new(),
        }
    }

    /// The name of its type, as contracts call it.
    pub(super) fn type_name(&self) -> String {
        match (&self.data, Kind::of(&self.data)) {
            (DataType::Decimal128(precision, scale), _) => format!("decimal({precision},{scale})"),
            (_, Some(kind)) => kind.name().to_owned(),
            (DataType::Date32 | DataType::Date64, None) => "date".to_owned(),
            (DataType::Timestamp(_, zone), None) => {
                zone.as_ref().map_or_else(|| "timestamp".to_owned(), |of| format!("timestamp {of}"))
            }
            (other, None) => other.to_string().to_lowercase(),
        }
    }

    /// Whether it has texts.
    pub(super) fn is_text(&self) -> bool {
        Kind::of(&self.data) == Some(Kind::Text)
    }

    /// What a label says of it: its meaning, and its unit in brackets.
    pub(super) fn label(&self) -> String {
        match (self.about.is_empty(), self.unit.is_empty()) {
            (_, true) => self.about.clone(),
            (true, false) => self.unit.clone(),
            (false, false) => format!("{} ({})", self.about, self.unit),
        }
    }

    /// Where its values come from, in words.
    pub(super) fn origin(&self) -> String {
        match &self.from {
            Some(from) => format!("{}.{}", from.table, from.column),
            None => self.computed.clone(),
        }
    }
}

/// Rows as their files have them.
#[derive(Debug)]
pub(super) struct Exported {
    /// What its files are called, without an ending: that of a table is `schema.table`.
    pub(super) name: String,
    /// What a row is.
    pub(super) about: String,
    /// The columns that make a row unique; none of a query.
    pub(super) key: Vec<String>,
    /// The columns of the files.
    pub(super) columns: Vec<ExportedColumn>,
    /// What gives the rows.
    pub(super) sql: String,
    /// What they are.
    pub(super) origin: Origin,
    /// The tables that they are made from, each with the fingerprint of its version, where it has
    /// one.
    pub(super) tables: Vec<(String, String)>,
}

impl Exported {
    /// The rows of a table that `condition` leaves; where products are of the Harmonized System, with
    /// their levels beside them, for effects and clusters.
    pub(super) fn of_table(published: &TableVersion, condition: Option<&str>) -> Self {
        let table = &published.table;
        let clause = condition.map_or_else(String::new, |of| format!(" where {of}"));
        let levels = missing_levels(published);
        let mut columns = Vec::new();
        let mut terms = Vec::new();
        for column in &published.columns {
            columns.push(ExportedColumn::of_table(table, column));
            terms.push(quote(&column.name));
            if column.name == PRODUCT {
                for level in &levels {
                    let HsLevel { name, n_digits, .. } = level;
                    let computed = format!("computed from {table}.{PRODUCT}");
                    let beside = ExportedColumn::of_table(table, &level.beside(column));
                    columns.push(ExportedColumn { from: None, computed, ..beside });
                    terms.push(format!("left({}, {n_digits}) as {name}", quote(PRODUCT)));
                }
            }
        }
        let sql = if levels.is_empty() {
            format!("select * from {table}{clause}")
        } else {
            // The condition may name the levels, and columns by the name of their table.
            let name = quote(table.split_once('.').map_or(table.as_str(), |(_, name)| name));
            let terms = terms.join(", ");
            format!("select * from (select {terms} from {table}) as {name}{clause}")
        };
        Self {
            name: table.clone(),
            about: published.about.clone(),
            key: published.key.clone(),
            columns,
            sql,
            origin: Origin::Table { condition: condition.map(str::to_owned) },
            tables: vec![(table.clone(), published.fingerprint.to_string())],
        }
    }

    /// The rows of a query, whose files are called `name`.
    fn of_query(
        runtime: &Runtime,
        session: &Session,
        catalog: &Catalog,
        (name, sql): (&str, &str),
    ) -> Result<Self, QueryError> {
        let schema = runtime.block_on(session.open(sql))?.schema;
        let unchanged = runtime.block_on(session.unchanged(sql))?;
        let lineage = runtime.block_on(session.lineage(sql))?;
        let mut columns = Vec::new();
        for (at, field) in schema.fields().iter().enumerate() {
            let from = unchanged.get(at).cloned().flatten();
            let known = from.as_ref().and_then(|from| known_column(catalog, from));
            let origins = lineage.columns.get(at).map(|(_, origins)| origins);
            let told = |of: fn(&Column) -> &String| known.map(of).cloned().unwrap_or_default();
            columns.push(ExportedColumn {
                name: field.name().clone(),
                about: told(|column| &column.about),
                unit: told(|column| &column.unit),
                data: field.data_type().clone(),
                computed: origins.map(computed_from).unwrap_or_default(),
                from,
            });
        }
        let fingerprint = |table: &String| {
            let version = catalog.tables.get(table);
            version.map_or_else(String::new, |version| version.fingerprint.to_string())
        };
        let tables = lineage.tables.iter().map(|table| (table.clone(), fingerprint(table)));
        Ok(Self {
            name: name.to_owned(),
            about: "rows of a query".to_owned(),
            key: Vec::new(),
            columns,
            sql: sql.to_owned(),
            origin: Origin::Query,
            tables: tables.collect(),
        })
    }

    /// The place of the column that has the code of a row's region, if there is one.
    pub(super) fn region(&self) -> Option<usize> {
        let is_code = |column: &ExportedColumn| match &column.from {
            Some(from) => from.column == REGION,
            None => column.name == REGION,
        };
        self.columns.iter().position(|column| column.is_text() && is_code(column))
    }
}

/// What the contract says of a column.
fn known_column<'c>(catalog: &'c Catalog, from: &SourceColumn) -> Option<&'c Column> {
    let of_meta = || meta::contract(&from.table).map(|contract| &contract.columns);
    let published = catalog.tables.get(&from.table).map(|version| &version.columns);
    let columns = published.or_else(of_meta)?;
    columns.iter().find(|column| column.name == from.column)
}

/// What a column is computed from, in words; empty where that is nothing.
fn computed_from(origins: &Origins) -> String {
    let values = origins.iter().filter(|(_, role)| **role == Role::Value);
    let names: Vec<String> =
        values.map(|(from, _)| format!("{}.{}", from.table, from.column)).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("computed from {}", names.join(", ")),
    }
}

/// The levels of the Harmonized System that a table lacks beside its products; none if these are of
/// another classification, or if it has the subheading.
fn missing_levels(version: &TableVersion) -> Vec<&'static HsLevel> {
    let find = |name: &str| version.columns.iter().find(|column| column.name == name);
    let has_codes = find(PRODUCT).is_some_and(|column| column.kind == Kind::Text);
    if !has_codes || !classification::is_hs(version) || find("hs6").is_some() {
        return Vec::new();
    }
    HS_LEVELS.iter().filter(|level| find(level.name).is_none()).collect()
}

/// Rows with the session that gives them.
pub(super) struct Opened {
    session: Session,
    pub(super) exported: Exported,
}

impl Opened {
    /// The rows of a table that `condition` leaves.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if it is not published or damaged, or the condition does not go with it.
    pub(super) fn table(
        runtime: &Runtime,
        (lake, catalog, memory): (&Lake, &Catalog, Memory),
        table: &str,
        condition: Option<&str>,
    ) -> Result<Self, ExportError> {
        let version = published::version(catalog, table)?;
        runtime.block_on(lake.verify(version))?;
        // One partition keeps the order of the key.
        let session = published::session(lake, 1, memory)?;
        session.register(version)?;
        let exported = Exported::of_table(version, condition);
        let plan = runtime.block_on(session.open(&exported.sql));
        plan.map_err(|source| ExportError::Condition { table: table.to_owned(), source })?;
        Ok(Self { session, exported })
    }

    /// The rows of a query, whose files are called `name`.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if a table that it reads is not published or damaged, or the text is at fault.
    pub(super) fn query(
        runtime: &Runtime,
        (lake, catalog, memory): (&Lake, &Catalog, Memory),
        (name, sql): (&str, &str),
    ) -> Result<Self, ExportError> {
        // One partition: sums of floats do not depend on the number of cores.
        let session = published::session(lake, 1, memory)?;
        for version in catalog.tables.values() {
            session.register(version)?;
        }
        published::verify(runtime, lake, catalog, &session, sql)?;
        for left_out in published::register_meta(runtime, lake, catalog, &session, sql)? {
            tracing::warn!("{left_out}");
        }
        let failed = |source: QueryError| {
            let is_missing = source.is_about_a_table();
            let help = published::missing_table(&session, catalog, sql).filter(|_| is_missing);
            let help = help.map_or_else(String::new, |help| format!(": {help}"));
            let told = format!("the query `{name}` cannot be exported; nothing was written{help}");
            ExportError::Query { told, source }
        };
        let exported =
            Exported::of_query(runtime, &session, catalog, (name, sql)).map_err(failed)?;
        Ok(Self { session, exported })
    }

    /// Its rows, from the first on.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if the query cannot be started.
    pub(super) fn rows<'r>(&self, runtime: &'r Runtime) -> Result<Batches<'r>, ExportError> {
        let rows = runtime.block_on(self.session.open(&self.exported.sql))?;
        let column = |(field, column): (&Arc<Field>, &ExportedColumn)| {
            let field = field.as_ref().clone();
            if self.exported.origin != Origin::Query {
                return field;
            }
            // What was planned to have no nulls need not have none.
            let field = field.with_nullable(true);
            let label = column.label();
            match label.is_empty() {
                true => field,
                false => field.with_metadata([(ABOUT.to_owned(), label)].into()),
            }
        };
        let columns = rows.schema.fields().iter().zip(&self.exported.columns).map(column);
        let schema = Arc::new(Schema::new(columns.collect::<Vec<Field>>()));
        Ok(Batches { runtime, rows, schema })
    }
}

/// Rows as they come.
pub(super) struct Batches<'r> {
    runtime: &'r Runtime,
    rows: Rows,
    /// Their columns. What is known of those of a query is in the metadata of their fields.
    pub(super) schema: SchemaRef,
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.runtime.block_on(self.rows.next()).transpose()?;
        let typed = |batch: RecordBatch| {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let (schema, columns) = (Arc::clone(&self.schema), batch.columns().to_vec());
            RecordBatch::try_new_with_options(schema, columns, &options).map_err(ExportError::from)
        };
        Some(batch.map_err(ExportError::from).and_then(typed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, AsArray, StringArray};
    use lake::Fingerprint;
    use std::collections::BTreeMap;

    fn column(name: &str, unit: &str, about: &str) -> Column {
        Column {
            name: name.to_owned(),
            kind: Kind::Text,
            is_nullable: false,
            unit: unit.to_owned(),
            about: about.to_owned(),
        }
    }

    /// A version of a table with columns of text, whose products are of a classification.
    fn version(columns: &[&str], classification: &str) -> TableVersion {
        let said = (classification::CLASSIFICATION.to_owned(), classification.to_owned());
        TableVersion {
            table: "trade.product".to_owned(),
            stage: "aggregate".to_owned(),
            fingerprint: Fingerprint::of(b"x"),
            files: Vec::new(),
            key: Vec::new(),
            about: String::new(),
            columns: columns.iter().map(|name| column(name, "", "")).collect(),
            metadata: BTreeMap::from([said]),
            made_at: "now".to_owned(),
        }
    }

    fn names(exported: &Exported) -> Vec<&str> {
        exported.columns.iter().map(|column| column.name.as_str()).collect()
    }

    fn check_columns(columns: &[&str], classification: &str, expected: &[&str]) {
        let exported = Exported::of_table(&version(columns, classification), None);
        assert_eq!(names(&exported), expected);
    }

    fn text<const N: usize>(texts: [&str; N]) -> ArrayRef {
        Arc::new(StringArray::from(texts.to_vec()))
    }

    const MEMORY: Memory = Memory { mib: 256, setting: "a test" };

    #[test]
    fn products_of_the_harmonized_system_have_their_levels_beside_them() {
        let all = ["year", "product", "hs6", "hs4", "hs2", "n"];
        check_columns(&["year", "product", "n"], "HS", &all);
        check_columns(&["product", "hs4"], "HS", &["product", "hs6", "hs2", "hs4"]);
        check_columns(&["product", "hs6"], "HS", &["product", "hs6"]);
        check_columns(&["region_code"], "HS", &["region_code"]);
        check_columns(&["product"], "SITC", &["product"]);
        let mut numbers = version(&["product"], "HS");
        numbers.columns[0].kind = Kind::Int;
        assert_eq!(names(&Exported::of_table(&numbers, None)), ["product"]);
    }

    #[test]
    fn levels_are_the_first_digits_of_products_and_may_be_in_the_condition() {
        let rows = RecordBatch::try_from_iter([
            ("product", text(["010110", "610910", "610990"])),
            ("Group", text(["a", "b", "c"])),
        ]);
        let runtime = Runtime::new().expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let draft = version(&["product", "Group"], "HS");
        let published = runtime.block_on(lake.write(draft, vec![rows.expect("rows")]));
        let published = published.expect("written");
        let session = published::session(&lake, 1, MEMORY).expect("a session");
        session.register(&published).expect("registered");
        let condition = "hs4 = '6109' and product.product <> '610910'";
        let exported = Exported::of_table(&published, Some(condition));
        let opened = Opened { session, exported };
        let rows = opened.rows(&runtime).expect("rows");
        let schema = Arc::clone(&rows.schema);
        let fields = schema.fields().iter().map(|field| field.name().as_str());
        assert_eq!(fields.collect::<Vec<_>>(), names(&opened.exported));
        let found: Vec<RecordBatch> = rows.map(|batch| batch.expect("a batch")).collect();
        let expected = ["610990", "610990", "6109", "61", "c"];
        let found = arrow::compute::concat_batches(&schema, &found).expect("one batch");
        assert_eq!(found.num_rows(), 1);
        for (column, expected) in found.columns().iter().zip(expected) {
            assert_eq!(column.as_string::<i32>().value(0), expected);
        }
    }

    #[test]
    fn a_query_has_what_is_known_of_the_columns_that_pass_through() {
        let runtime = Runtime::new().expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let rows =
            RecordBatch::try_from_iter([(REGION, text(["A", "B"])), ("fob", text(["1", "2"]))]);
        let mut draft = version(&[], "HS");
        draft.columns = vec![column(REGION, "", "the region"), column("fob", "USD", "exports")];
        let published = runtime.block_on(lake.write(draft, vec![rows.expect("rows")]));
        let published = published.expect("written");
        let fingerprint = published.fingerprint.to_string();
        let catalog = Catalog {
            format: Catalog::FORMAT,
            run: "one".to_owned(),
            pipeline: "test".to_owned(),
            published_at: "now".to_owned(),
            tables: BTreeMap::from([(published.table.clone(), published)]),
            checks: BTreeMap::new(),
        };
        let open = |sql: &str| Opened::query(&runtime, (&lake, &catalog, MEMORY), ("crisis", sql));
        let sql = "select region_code as code, fob, length(fob) as n from trade.product";
        let exported = open(sql).expect("a query").exported;
        let told: Vec<[String; 4]> = exported
            .columns
            .iter()
            .map(|of| [of.name.clone(), of.about.clone(), of.unit.clone(), of.origin()])
            .collect();
        let expected = [
            ["code", "the region", "", "trade.product.region_code"],
            ["fob", "exports", "USD", "trade.product.fob"],
            ["n", "", "", "computed from trade.product.fob"],
        ];
        assert_eq!(told, expected.map(|of| of.map(str::to_owned)));
        assert_eq!(exported.region(), Some(0), "whatever it is called");
        assert_eq!(exported.tables, [("trade.product".to_owned(), fingerprint)]);
        let error = open("select * from trade.prodct").err().expect("no table").to_string();
        assert!(
            error.contains("`crisis`") && error.contains("did you mean `trade.product`?"),
            "{error}"
        );
    }
}
