//! The graph of stages: what each reads and writes, what each is made from, and which are selected.

use crate::config::ProximitySource;
use crate::model_spec::Model;
use crate::pipeline::{Elsewhere, Pipeline, SqlFile, Table};
use crate::stage_name::StageName;
use crate::suggest::suggest;
use lake::{Catalog, Fingerprint, Fingerprinter};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The tables that a stage reads.
fn reads(stage: StageName, pipeline: &Pipeline) -> Vec<&'static str> {
    let tables: &[&str] = match stage {
        StageName::Spatial => {
            // What the pipeline does not make has no differences.
            let is_made =
                |table: &&str| pipeline.stages.iter().any(|stage| writes(*stage).contains(table));
            let tables = ["trade.region", "trade.region_year"].into_iter();
            let measured = crate::stages::MEASURED.iter().map(|(table, _)| *table);
            let mut tables: Vec<&'static str> = tables.chain(measured).filter(is_made).collect();
            tables.sort_unstable();
            tables.dedup();
            return tables;
        }
        StageName::Ingest | StageName::Panels | StageName::Tables | StageName::Models => &[],
        StageName::Policy => &["trade.product", "trade.region_year"],
        StageName::Aggregate => &["customs.records"],
        StageName::Relatedness if uses(pipeline, ProximitySource::Firms) => {
            &["trade.region_product_year", "trade.region_product_year_firm"]
        }
        StageName::Relatedness => &["trade.region_product_year"],
        StageName::Resilience => &[
            "trade.region_product_year",
            "trade.region_product_year_trade_mode",
            "trade.region_product_year_ownership",
            "trade.region_product_year_destination",
            "trade.region_product_month",
            "trade.region_product_year_quantity",
        ],
        StageName::Diversification => {
            &["trade.region_product_year", "trade.region_product_year_destination"]
        }
    };
    tables.to_vec()
}

/// Whether it reads `table` file by file, as it has many rows, and not as a whole.
pub fn streams(stage: StageName, table: &str) -> bool {
    matches!(stage, StageName::Aggregate | StageName::Resilience)
        || table == "trade.region_product_year"
}

/// The tables that a stage writes.
fn writes(stage: StageName) -> &'static [&'static str] {
    match stage {
        StageName::Ingest => &[
            "customs.records",
            "customs.rejects",
            "customs.reconciliation",
            "customs.rules",
            "customs.unmapped",
        ],
        StageName::Aggregate => &[
            "trade.region",
            "trade.product",
            "trade.region_product_year",
            "trade.region_product_year_destination",
            "trade.region_product_year_ownership",
            "trade.region_product_year_trade_mode",
            "trade.region_product_year_ownership_trade_mode",
            "trade.region_product_year_firm",
            "trade.region_product_month",
            "trade.region_product_year_quantity",
            "trade.region_year",
            "trade.hs_conversion",
        ],
        StageName::Relatedness => &[
            "space.proximity",
            "space.region_product_year",
            "space.region_year",
            "space.product_year",
            "space.year",
        ],
        StageName::Diversification => {
            &["diversification.region_year", "diversification.product_year"]
        }
        StageName::Resilience => &[
            "resilience.episode",
            "resilience.region",
            "resilience.macro_region",
            "resilience.product",
            "resilience.nation",
            "resilience.region_product",
            "resilience.region_trade_mode",
            "resilience.region_ownership",
            "resilience.region_destination",
            "resilience.region_period",
            "resilience.nation_period",
            "resilience.region_cycle",
            "resilience.unit_value",
            "resilience.shift_share",
            "resilience.margins",
            "resilience.transformation",
            "resilience.product_transformation",
        ],
        StageName::Spatial => &["spatial.measure", "spatial.region"],
        StageName::Policy => &["policy.rebate", "policy.rebate_year"],
        StageName::Models => &["model.coefficients", "model.fit"],
        StageName::Panels | StageName::Tables => &[],
    }
}

/// A unit of work: a stage written in code, or one table of the stage `panels`.
#[derive(Debug, Clone)]
pub struct Node {
    /// The stage's name, or the table's.
    pub name: String,
    /// The stage it belongs to.
    pub stage: StageName,
    /// Tables it reads.
    pub reads: Vec<String>,
    /// Tables it writes.
    pub writes: Vec<String>,
    /// Its SQL, if it is a table of `panels`.
    pub sql: Option<SqlFile>,
    /// A stage that is done in the same go, and is no node of its own.
    pub with: Option<StageName>,
}

impl Node {
    /// The stages it is made of.
    fn stages(&self) -> impl Iterator<Item = StageName> {
        std::iter::once(self.stage).chain(self.with)
    }
}

/// A graph or a selection that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// A table is read that nothing writes.
    #[error("{reader} reads the table `{table}`, which no stage of the pipeline writes{hint}")]
    NoWriter {
        /// Who reads.
        reader: String,
        /// What.
        table: String,
        /// The closest name, or what to do.
        hint: String,
    },
    /// Two files make one table.
    #[error("the table `{0}` is written twice")]
    TwoWriters(String),
    /// A file's name is no table's.
    #[error("`{0}`: the name of a SQL file must be schema.table.sql")]
    BadName(String),
    /// Tables read each other in a circle.
    #[error("these tables read each other in a circle: {0}")]
    Circle(String),
    /// A selector names nothing.
    #[error(
        "`{selector}` selects nothing: expected a stage or a table, with + before it for what it needs or after it for what follows; there are {known}"
    )]
    Selector {
        /// The selector.
        selector: String,
        /// What there is.
        known: String,
    },
}

/// The nodes of `pipeline`, each after what it reads. `tables_read` finds the tables of a SQL text.
///
/// # Errors
///
/// [`GraphError`] if a table has no writer or two, or tables read each other in a circle.
pub fn nodes<E: From<GraphError>>(
    pipeline: &Pipeline,
    tables_read: impl Fn(&SqlFile) -> Result<BTreeSet<String>, E>,
) -> Result<Vec<Node>, E> {
    let mut nodes = Vec::new();
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    for stage in StageName::ALL.into_iter().filter(|stage| pipeline.stages.contains(stage)) {
        if stage == StageName::Tables {
            nodes.extend(pipeline.tables.keys().map(|name| Node {
                name: format!("external.{name}"),
                stage,
                reads: Vec::new(),
                writes: vec![format!("external.{name}")],
                sql: None,
                with: None,
            }));
            continue;
        }
        if stage == StageName::Aggregate && !pipeline.keeps_records {
            continue;
        }
        if stage != StageName::Panels {
            let with = (stage == StageName::Ingest && !pipeline.keeps_records)
                .then_some(StageName::Aggregate);
            let mut written = writes(stage).to_vec();
            if let Some(with) = with {
                written.retain(|table| !reads(with, pipeline).contains(table));
                written.extend(writes(with));
            }
            let reads = if stage == StageName::Models {
                let tables: BTreeSet<&str> =
                    pipeline.models.iter().flat_map(Model::tables).collect();
                tables.into_iter().map(str::to_owned).collect()
            } else {
                owned(&reads(stage, pipeline))
            };
            nodes.push(Node {
                name: stage.name().to_owned(),
                stage,
                reads,
                writes: owned(&written),
                sql: None,
                with,
            });
            continue;
        }
        for file in &pipeline.sql {
            if file.name.split('.').count() != 2 {
                return Err(GraphError::BadName(file.path.display().to_string()).into());
            }
            nodes.push(Node {
                name: file.name.clone(),
                stage,
                reads: tables_read(file)?.into_iter().collect(),
                writes: vec![file.name.clone()],
                sql: Some(file.clone()),
                with: None,
            });
        }
    }
    Ok(ordered(nodes)?)
}

fn ordered(mut nodes: Vec<Node>) -> Result<Vec<Node>, GraphError> {
    let mut written = BTreeSet::new();
    for table in nodes.iter().flat_map(|node| &node.writes) {
        if !written.insert(table.clone()) {
            return Err(GraphError::TwoWriters(table.clone()));
        }
    }
    for node in &nodes {
        if let Some(table) = node.reads.iter().find(|table| !written.contains(*table)) {
            return Err(GraphError::NoWriter {
                reader: node.name.clone(),
                table: table.clone(),
                hint: if table == "customs.records" {
                    ": the stage `ingest` does, without --no-records and `records: false`"
                        .to_owned()
                } else {
                    suggest(table, written.iter().map(String::as_str))
                },
            });
        }
    }
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut order = Vec::new();
    while !nodes.is_empty() {
        let Some(at) = nodes.iter().position(|node| node.reads.iter().all(|t| done.contains(t)))
        else {
            let left: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
            return Err(GraphError::Circle(left.join(", ")));
        };
        let node = nodes.remove(at);
        done.extend(node.writes.iter().cloned());
        order.push(node);
    }
    Ok(order)
}

/// The nodes that `selectors` choose, by place; all of them without selectors.
///
/// `relatedness` is the stage, `+relatedness` also what it needs, `relatedness+` also what follows, and a
/// table's name stands for the node that writes it.
///
/// # Errors
///
/// [`GraphError::Selector`] if one names nothing.
pub fn select(nodes: &[Node], selectors: &[String]) -> Result<BTreeSet<usize>, GraphError> {
    if selectors.is_empty() {
        return Ok((0..nodes.len()).collect());
    }
    let mut chosen = BTreeSet::new();
    for selector in selectors {
        let name = selector.trim_start_matches('+').trim_end_matches('+');
        let mut found: BTreeSet<usize> = (0..nodes.len())
            .filter(|&at| {
                let node = &nodes[at];
                node.name == name
                    || node.stages().any(|stage| stage.name() == name)
                    || node.writes.iter().any(|t| t == name)
            })
            .collect();
        if found.is_empty() {
            let mut known: Vec<&str> = nodes.iter().map(|node| node.stage.name()).collect();
            known.dedup();
            return Err(GraphError::Selector {
                selector: selector.clone(),
                known: format!("{}{}", known.join(", "), suggest(name, known.iter().copied())),
            });
        }
        let start = found.clone();
        if selector.starts_with('+') {
            found.extend(closure(nodes, &start, |from, to| feeds(&nodes[to], &nodes[from])));
        }
        if selector.ends_with('+') {
            found.extend(closure(nodes, &start, |from, to| feeds(&nodes[from], &nodes[to])));
        }
        chosen.extend(found);
    }
    Ok(chosen)
}

fn feeds(writer: &Node, reader: &Node) -> bool {
    writer.writes.iter().any(|table| reader.reads.contains(table))
}

fn closure(
    nodes: &[Node],
    start: &BTreeSet<usize>,
    leads: impl Fn(usize, usize) -> bool,
) -> BTreeSet<usize> {
    let mut found = start.clone();
    let mut open: Vec<usize> = start.iter().copied().collect();
    while let Some(from) = open.pop() {
        for to in 0..nodes.len() {
            if leads(from, to) && found.insert(to) {
                open.push(to);
            }
        }
    }
    found
}

/// What a node is made from: named parts. Parts of config are their text, so that a plan can say which
/// key changed; all others are hashes.
pub type Parts = BTreeMap<String, String>;

/// The parts of every node, and the fingerprint they give it.
pub fn fingerprints(
    pipeline: &Pipeline,
    nodes: &[Node],
    files: &BTreeMap<String, Fingerprint>,
) -> Vec<(Parts, Fingerprint)> {
    let mut of_table: BTreeMap<String, Fingerprint> = BTreeMap::new();
    let mut made = Vec::new();
    for node in nodes {
        let mut parts = Parts::new();
        parts.insert("code".to_owned(), crate::stages::version(node.stage).to_string());
        if let Some(sql) = &node.sql {
            parts.insert("sql".to_owned(), Fingerprint::of(sql.meaning().as_bytes()).to_string());
        }
        if let Some(with) = node.with {
            parts.insert(format!("code {with}"), crate::stages::version(with).to_string());
        }
        for (section, text) in node.stages().flat_map(|stage| settings(pipeline, node, stage)) {
            parts.insert(format!("config {section}"), text);
        }
        for (file, hash) in files.iter().filter(|(file, _)| reads_file(pipeline, node, file)) {
            parts.insert(format!("file {file}"), hash.to_string());
        }
        for table in &node.reads {
            parts.insert(format!("table {table}"), of_table[table].to_string());
        }
        let mut maker = Fingerprinter::default();
        // A version that another format of the lake describes is not read.
        maker.add("format", &Catalog::FORMAT.to_le_bytes());
        maker.add("node", node.name.as_bytes());
        for (name, part) in &parts {
            maker.add(name, part.as_bytes());
        }
        let fingerprint = maker.finish();
        for table in &node.writes {
            of_table.insert(table.clone(), fingerprint.clone());
        }
        made.push((parts, fingerprint));
    }
    made
}

/// What machines that work together must have in common: the program's file, and what the rows of `ingest` and `aggregate`
/// depend on.
pub fn identity(pipeline: &Pipeline) -> Fingerprint {
    static PROGRAM: OnceLock<Option<Fingerprint>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let file = std::fs::File::open(std::env::current_exe().ok()?).ok()?;
        Fingerprint::of_reader(file).ok()
    });
    let mut maker = Fingerprinter::default();
    let version = env!("CARGO_PKG_VERSION");
    maker.add("program", program.as_ref().map_or(version, Fingerprint::as_str).as_bytes());
    for stage in [StageName::Ingest, StageName::Aggregate] {
        let node = Node {
            name: stage.name().to_owned(),
            stage,
            reads: Vec::new(),
            writes: Vec::new(),
            sql: None,
            with: None,
        };
        for (section, text) in settings(pipeline, &node, stage) {
            maker.add(&section, text.as_bytes());
        }
    }
    maker.finish()
}

fn reads_file(pipeline: &Pipeline, node: &Node, file: &str) -> bool {
    let externals = pipeline.externals();
    match externals.iter().find(|table| table.label == file) {
        Some(table) => is_read_by(table, pipeline, node),
        None => node.stage == StageName::Ingest,
    }
}

/// Whether a node reads a table from elsewhere: nodes of the stage `tables` one each, other stages what they are listed for.
fn is_read_by(table: &Elsewhere, pipeline: &Pipeline, node: &Node) -> bool {
    table.readers.contains(&node.stage)
        && table_of(pipeline, node).is_none_or(|own| own.label == table.label)
}

/// The table from elsewhere that a node of the stage `tables` reads.
pub fn table_of<'p>(pipeline: &'p Pipeline, node: &Node) -> Option<&'p Table> {
    pipeline.tables.get(node.name.strip_prefix("external.")?)
}

/// Whether relatedness comes from `source`.
pub fn uses(pipeline: &Pipeline, source: ProximitySource) -> bool {
    pipeline.config.relatedness.source() == Ok(source)
}

/// The parts of the config that a node's rows depend on in one of its stages, as JSON.
fn settings(pipeline: &Pipeline, node: &Node, stage: StageName) -> Vec<(String, String)> {
    fn json<T: serde::Serialize>(value: &T) -> String {
        serde_json::to_string(value).unwrap_or_default()
    }
    let config = &pipeline.config;
    let related = &config.relatedness;
    let elsewhere =
        pipeline.externals().into_iter().filter(|table| is_read_by(table, pipeline, node));
    let elsewhere = elsewhere.map(|table| (table.key.to_owned(), table.settings));
    let target = &config.harmonize.target_revision;
    let harmonize =
        || ("harmonize".to_owned(), json(&BTreeMap::from([("target_revision", target)])));
    match stage {
        StageName::Ingest => {
            let mut parts = vec![("ingest".to_owned(), json(&config.ingest))];
            for source in &pipeline.sources {
                let layout = &source.layout.layout.name;
                let text = Fingerprint::of(source.layout.meaning.as_bytes());
                parts.push((format!("layout {layout}"), text.to_string()));
                parts.push((format!("exclude ({layout})"), json(&source.exclude)));
            }
            parts
        }
        StageName::Aggregate => {
            let names: BTreeMap<_, _> =
                pipeline.sources.iter().flat_map(|s| &s.layout.layout.region_names).collect();
            vec![
                ("harmonize".to_owned(), json(&config.harmonize)),
                ("aggregate".to_owned(), json(&config.aggregate)),
                ("regions".to_owned(), json(&names)),
            ]
        }
        StageName::Relatedness => {
            let mut parts = vec![
                ("relatedness".to_owned(), json(related)),
                ("complexity".to_owned(), json(&config.complexity)),
                ("cleaning".to_owned(), json(&config.cleaning)),
            ];
            parts.push(harmonize());
            parts.extend(elsewhere);
            parts
        }
        StageName::Resilience => {
            let rca = BTreeMap::from([
                ("rca_rule", serde_json::json!(related.rca_rule)),
                ("rca_threshold", serde_json::json!(related.rca_threshold)),
            ]);
            let digits = BTreeMap::from([("group_digits", config.spatial.group_digits)]);
            let mut parts = vec![
                ("resilience".to_owned(), json(&config.resilience)),
                ("relatedness".to_owned(), json(&rca)),
                ("complexity".to_owned(), json(&config.complexity)),
                ("spatial".to_owned(), json(&digits)),
                harmonize(),
            ];
            parts.extend(elsewhere);
            parts
        }
        StageName::Spatial => {
            let mut parts = vec![("spatial".to_owned(), json(&config.spatial))];
            parts.extend(elsewhere);
            parts
        }
        StageName::Policy => {
            let mut parts = vec![("policy".to_owned(), json(&config.policy)), harmonize()];
            parts.extend(elsewhere);
            parts
        }
        StageName::Models => pipeline
            .models
            .iter()
            .map(|model| (format!("model {}", model.name), model.text.clone()))
            .collect(),
        StageName::Tables => elsewhere.collect(),
        StageName::Diversification | StageName::Panels => Vec::new(),
    }
}

/// What changed between two sets of parts, in words; the first few.
pub fn difference(before: &Parts, after: &Parts) -> String {
    let mut changes = Vec::new();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        let (kind, what) = name.split_once(' ').unwrap_or((name, ""));
        changes.push(match (kind, old, new) {
            ("code", Some(_), Some(_)) => "code changed".to_owned(),
            ("code", None, _) => format!("with the stage {what}, as records are not kept"),
            ("code", _, None) => format!("without the stage {what}, as records are kept"),
            ("sql", _, _) => "SQL changed".to_owned(),
            ("table", Some(_), Some(_)) => format!("input changed: {what}"),
            ("table", None, _) => format!("input added: {what}"),
            ("table", _, None) => format!("input gone: {what}"),
            ("file", Some(_), Some(_)) => format!("file changed: {what}"),
            ("file", None, _) => format!("file added: {what}"),
            ("file", _, None) => format!("file gone: {what}"),
            (_, old, new) => format!("config changed: {}", json_difference(what, old, new)),
        });
    }
    let shown = 3;
    let more = changes.len().saturating_sub(shown);
    changes.truncate(shown);
    if more > 0 {
        changes.push(format!("and {more} more changes"));
    }
    changes.join("; ")
}

/// The keys of a section whose values differ: `relatedness.rca_threshold 1.0 -> 1.5`.
fn json_difference(section: &str, old: Option<&String>, new: Option<&String>) -> String {
    let parse = |text: Option<&String>| {
        text.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
    };
    match (parse(old), parse(new)) {
        (Some(serde_json::Value::Object(old)), Some(serde_json::Value::Object(new))) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let changed: Vec<_> = keys
                .into_iter()
                .filter(|key| old.get(*key) != new.get(*key))
                .map(|key| {
                    let show = |value: Option<&serde_json::Value>| {
                        let text = value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
                        if text.chars().count() > 40 { "...".to_owned() } else { text }
                    };
                    let (a, b) = (show(old.get(key)), show(new.get(key)));
                    if a == "..." || b == "..." {
                        format!("{section}.{key}")
                    } else {
                        format!("{section}.{key} {a} -> {b}")
                    }
                })
                .collect();
            changed.join(", ")
        }
        _ => section.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, reads: &[&str], writes: &[&str]) -> Node {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        Node {
            name: name.to_owned(),
            stage: StageName::Panels,
            reads: owned(reads),
            writes: owned(writes),
            sql: None,
            with: None,
        }
    }

    fn chain() -> Vec<Node> {
        ordered(vec![
            node("c", &["t.b"], &["t.c"]),
            node("a", &[], &["t.a"]),
            node("b", &["t.a"], &["t.b"]),
            node("d", &["t.a"], &["t.d"]),
        ])
        .expect("no circle")
    }

    fn check(selector: &str, expected: &str) {
        let nodes = chain();
        let found = match select(&nodes, &[selector.to_owned()]) {
            Ok(found) => found.into_iter().map(|at| nodes[at].name.as_str()).collect::<String>(),
            Err(error) => error.to_string(),
        };
        assert!(found.starts_with(expected), "{selector}: {found}");
    }

    #[test]
    fn nodes_come_after_what_they_read() {
        let names: String = chain().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, "abcd");
    }

    #[test]
    fn selectors_reach_both_ways() {
        check("b", "b");
        check("b+", "bc");
        check("+b", "ab");
        check("+b+", "abc");
        check("t.d", "d");
        check("x", "`x` selects nothing");
    }

    #[test]
    fn circles_and_unknown_tables_are_refused() {
        let circle = ordered(vec![node("a", &["t.b"], &["t.a"]), node("b", &["t.a"], &["t.b"])]);
        assert_eq!(circle.map(|_| ()), Err(GraphError::Circle("a, b".into())));
        let error =
            ordered(vec![node("a", &[], &["trade.region"]), node("b", &["trade.regions"], &[])])
                .map(|_| ())
                .expect_err("unknown");
        assert!(error.to_string().ends_with("(did you mean `trade.region`?)"), "{error}");
        let twice = ordered(vec![node("a", &[], &["t.a"]), node("b", &[], &["t.a"])]);
        assert!(matches!(twice, Err(GraphError::TwoWriters(_))));
    }

    #[test]
    fn difference_names_the_key() {
        let parts = |text: &str| Parts::from([("config relatedness".to_owned(), text.to_owned())]);
        let found = difference(&parts(r#"{"a":1,"b":2}"#), &parts(r#"{"a":1,"b":3}"#));
        assert_eq!(found, "config changed: relatedness.b 2 -> 3");
        let old = Parts::from([("file x.csv".to_owned(), "1".to_owned())]);
        assert_eq!(difference(&old, &Parts::new()), "file gone: x.csv");
    }
}
