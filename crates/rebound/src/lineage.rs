//! Lineage of the columns of a pipeline: what each is made from, down to the raw tables.

use crate::node::{Node, Work};
use crate::run::RunError;
use crate::run::plan::{nodes, sql_session};
use arrow::array::RecordBatch;
use lake::meta::LineageEdge;
use lake::{Column, Lake};
use project::pipeline_file::PipelineFile;
use project::suggest::suggest;
use query::{Session, lineage, with_nulls};
use sources::user_tables::{self, Uses};
use stages::contracts;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use tokio::runtime::Runtime;

/// A table or a column that a pipeline does not have.
#[derive(Debug, thiserror::Error)]
#[error("the pipeline makes no {kind} `{name}`{hint}")]
pub struct Unknown {
    kind: &'static str,
    name: String,
    hint: String,
}

/// A table, or a column of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The table, `schema.table`.
    pub table: String,
    /// The column; `None` stands for the table as a whole.
    pub column: Option<String>,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}.{column}", self.table),
            None => f.write_str(&self.table),
        }
    }
}

/// A table of a pipeline.
#[derive(Debug)]
struct Made {
    /// What makes it.
    maker: String,
    /// Whether that is SQL, of which each column is traced.
    is_sql: bool,
    columns: Vec<Column>,
    edges: Vec<LineageEdge>,
}

/// What the tables of a pipeline are made from.
#[derive(Debug, Default)]
pub struct Lineage {
    tables: BTreeMap<String, Made>,
}

impl Lineage {
    /// That of the pipeline of `file`. No lake is read.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the pipeline, or a file that it names, is at fault.
    pub fn of(runtime: &Runtime, file: PipelineFile) -> Result<Self, RunError> {
        let pipeline = file.pipeline(runtime)?;
        // Texts are planned over tables without rows.
        let lake = Lake::open("memory://")?;
        let session = sql_session(&lake, &pipeline, 1)?;
        let mut lineage = Self::default();
        for node in nodes(&session, &pipeline)? {
            for (table, made) in lineage.made(runtime, &session, &node)? {
                let none = RecordBatch::new_empty(lake::contract::schema(&made.columns));
                session.register_batch(&table, none)?;
                lineage.tables.insert(table, made);
            }
        }
        Ok(lineage)
    }

    /// The tables of `node`, which is made from those that are there.
    fn made(
        &self,
        runtime: &Runtime,
        session: &Session,
        node: &Node,
    ) -> Result<Vec<(String, Made)>, RunError> {
        let maker = node.maker().to_owned();
        match &node.work {
            Work::Stage(stage) => {
                let of = |contract: &&'static lake::Contract| {
                    let reads = node.reads.iter().map(|from| {
                        let read = self.tables.get(from).map(|made| made.columns.as_slice());
                        (from.as_str(), read.unwrap_or_default())
                    });
                    let key = contract.key.iter().copied();
                    let made = Made {
                        maker: maker.clone(),
                        is_sql: false,
                        columns: contract.columns.clone(),
                        edges: lineage::of_stage(contract.table, key, reads),
                    };
                    (contract.table.to_owned(), made)
                };
                Ok(stage.writes.iter().map(of).collect())
            }
            Work::Sql(sql) => {
                let failed = |source| RunError::Sql { path: sql.path.clone(), source };
                let found = runtime.block_on(session.lineage(&sql.text)).map_err(failed)?;
                let columns = match contracts::of(&sql.name) {
                    Some(contract) => contract.columns.clone(),
                    None => {
                        let text = with_nulls(&sql.text);
                        let rows = runtime.block_on(session.open(&text)).map_err(failed)?;
                        Lake::columns_of(&sql.name, &rows.schema)?
                    }
                };
                let edges = found.edges(&sql.name);
                let made = Made { maker: "SQL".to_owned(), is_sql: true, columns, edges };
                Ok(vec![(sql.name.clone(), made)])
            }
            Work::Table(table) => {
                let (schema, _) = user_tables::read(&table.path, &table.read, &Uses::default())?;
                let columns = Lake::columns_of(&node.name, &schema)?;
                let made = Made { maker, is_sql: false, columns, edges: Vec::new() };
                Ok(vec![(node.name.clone(), made)])
            }
        }
    }

    /// The table, or the column, that `name` is: `schema.table` or `schema.table.column`.
    ///
    /// # Errors
    ///
    /// [`Unknown`], with the closest name.
    pub fn target(&self, name: &str) -> Result<Target, Unknown> {
        let mut parts = name.splitn(3, '.');
        let words: Vec<&str> = parts.by_ref().take(2).collect();
        let table = words.join(".");
        let Some(made) = self.tables.get(&table) else {
            let hint = suggest(&table, self.tables.keys().map(String::as_str));
            return Err(Unknown { kind: "table", name: table, hint });
        };
        let column = parts.next().map(str::to_owned);
        if let Some(column) = &column
            && made.columns.iter().all(|known| known.name != *column)
        {
            let known = made.columns.iter().map(|known| known.name.as_str());
            return Err(Unknown {
                kind: "column",
                name: name.to_owned(),
                hint: suggest(column, known),
            });
        }
        Ok(Target { table, column })
    }

    /// What `target` is made from in one step.
    fn edges_of(&self, target: &Target) -> Vec<&LineageEdge> {
        let Some(made) = self.tables.get(&target.table) else { return Vec::new() };
        if target.column.is_none() {
            return made.edges.iter().collect();
        }
        let of_column = |edge: &&LineageEdge| edge.column == target.column;
        let of_all = |edge: &&LineageEdge| edge.column.is_none();
        let mut edges: Vec<&LineageEdge> = made.edges.iter().filter(of_column).collect();
        // Of what code makes, any column may be of any table that is read, unless it is a key.
        if made.is_sql || edges.is_empty() {
            edges.extend(made.edges.iter().filter(of_all));
        }
        edges
    }

    /// All that `target` is made from, down to the raw tables, each step once and in order. What is
    /// only a condition is not followed.
    pub fn below(&self, target: &Target) -> BTreeSet<&LineageEdge> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::from([target.clone()]);
        let mut open = vec![target.clone()];
        while let Some(at) = open.pop() {
            for edge in self.edges_of(&at) {
                found.insert(edge);
                let next = source_of(&at, edge);
                if !edge.is_condition && seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        found
    }

    /// The same, as a tree.
    pub fn tree(&self, target: &Target) -> String {
        let mut text = String::new();
        self.add_line(&mut text, "", target);
        self.add_below(&mut text, "", target, &mut BTreeSet::new());
        text
    }

    fn add_line(&self, text: &mut String, prefix: &str, target: &Target) {
        let maker = self.tables.get(&target.table).map(|made| made.maker.as_str());
        let _ = writeln!(text, "{prefix}{target} ({})", maker.unwrap_or("not made"));
    }

    fn add_below(
        &self,
        text: &mut String,
        prefix: &str,
        target: &Target,
        seen: &mut BTreeSet<Target>,
    ) {
        let edges = self.edges_of(target);
        let of = |is_condition: bool| -> BTreeSet<Target> {
            let asked = edges.iter().filter(|edge| edge.is_condition == is_condition);
            asked.map(|edge| source_of(target, edge)).collect()
        };
        let values = of(false);
        let mut conditions = of(true);
        conditions.retain(|condition| !values.contains(condition));
        let n = values.len() + usize::from(!conditions.is_empty());
        for (at, source) in values.iter().enumerate() {
            let (branch, below) =
                if at + 1 == n { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let has_below = !self.edges_of(source).is_empty();
            if has_below && !seen.insert(source.clone()) {
                let _ = writeln!(text, "{prefix}{branch}{source} (see above)");
                continue;
            }
            self.add_line(text, &format!("{prefix}{branch}"), source);
            self.add_below(text, &format!("{prefix}{below}"), source, seen);
        }
        if !conditions.is_empty() {
            let names: Vec<String> = conditions.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "{prefix}└─ rows by {}", names.join(", "));
        }
    }
}

/// Where an edge of `target` comes from: of a table as a whole, from tables as wholes.
fn source_of(target: &Target, edge: &LineageEdge) -> Target {
    let column = target.column.as_ref().and(edge.from_column.clone());
    Target { table: edge.from_table.clone(), column }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(
        table: &str,
        column: Option<&str>,
        from: (&str, Option<&str>),
        role: &str,
    ) -> LineageEdge {
        LineageEdge {
            table: table.to_owned(),
            column: column.map(str::to_owned),
            from_table: from.0.to_owned(),
            from_column: from.1.map(str::to_owned),
            is_condition: role == "condition",
        }
    }

    fn made(maker: &str, columns: &[&str], edges: Vec<LineageEdge>) -> Made {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            kind: lake::Kind::Float,
            is_nullable: true,
            unit: String::new(),
            about: String::new(),
        };
        let columns = columns.iter().map(column).collect();
        Made { maker: maker.to_owned(), is_sql: maker == "SQL", columns, edges }
    }

    /// Records, two tables that a stage makes of them, and a table that SQL makes of these.
    fn lineage() -> Lineage {
        let of_stage = |table: &str| {
            vec![
                edge(table, Some("year"), ("customs.records", Some("year")), "value"),
                edge(table, None, ("customs.records", None), "value"),
            ]
        };
        let of_sql = vec![
            edge("p.x", Some("year"), ("t.a", Some("year")), "value"),
            edge("p.x", Some("share"), ("t.a", Some("value")), "value"),
            edge("p.x", Some("share"), ("t.b", Some("total")), "value"),
            edge("p.x", None, ("t.b", Some("year")), "condition"),
        ];
        let tables = [
            ("customs.records", made("ingest", &["year", "value"], Vec::new())),
            ("t.a", made("aggregate", &["year", "value"], of_stage("t.a"))),
            ("t.b", made("aggregate", &["year", "total"], of_stage("t.b"))),
            ("p.x", made("SQL", &["year", "share", "one"], of_sql)),
        ];
        let tables = tables.map(|(name, made)| (name.to_owned(), made));
        Lineage { tables: BTreeMap::from(tables) }
    }

    #[track_caller]
    fn check(name: &str, expected: &[&str]) {
        let lineage = lineage();
        let target = lineage.target(name).expect("it is there");
        assert_eq!(lineage.tree(&target).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn trees_go_down_to_the_raw_tables() {
        check(
            "p.x.share",
            &[
                "p.x.share (SQL)",
                "├─ t.a.value (aggregate)",
                "│  └─ customs.records (ingest)",
                "├─ t.b.total (aggregate)",
                "│  └─ customs.records (ingest)",
                "└─ rows by t.b.year",
            ],
        );
        check("t.a.year", &["t.a.year (aggregate)", "└─ customs.records.year (ingest)"]);
        check(
            "p.x",
            &[
                "p.x (SQL)",
                "├─ t.a (aggregate)",
                "│  └─ customs.records (ingest)",
                "└─ t.b (aggregate)",
                "   └─ customs.records (ingest)",
            ],
        );
        check("p.x.one", &["p.x.one (SQL)", "└─ rows by t.b.year"]);
        check("customs.records.year", &["customs.records.year (ingest)"]);
    }

    #[test]
    fn steps_are_told_once_each() {
        let lineage = lineage();
        let target = lineage.target("p.x.year").expect("it is there");
        let found: Vec<LineageEdge> = lineage.below(&target).into_iter().cloned().collect();
        let expected = [
            edge("p.x", None, ("t.b", Some("year")), "condition"),
            edge("p.x", Some("year"), ("t.a", Some("year")), "value"),
            edge("t.a", Some("year"), ("customs.records", Some("year")), "value"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn unknown_names_have_the_closest() {
        let told = |name: &str| lineage().target(name).expect_err("unknown").to_string();
        assert_eq!(told("p.xx"), "the pipeline makes no table `p.xx` (did you mean `p.x`?)");
        assert_eq!(
            told("p.x.shares"),
            "the pipeline makes no column `p.x.shares` (did you mean `share`?)"
        );
        assert_eq!(told("p"), "the pipeline makes no table `p`");
    }
}
