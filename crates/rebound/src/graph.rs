//! The graph of a pipeline: its nodes in order, what each is made from, and which are selected.

use crate::node::{Node, Parts};
use lake::{Catalog, Fingerprint, Fingerprinter};
use project::pipeline::Pipeline;
use project::sql_file::SqlFile;
use project::stage_name::StageName;
use project::suggest::suggest;
use serde_json::{Map, Value};
use stages::{FileInput, PlannedStage, STAGES};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

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
    #[error(
        "`{0}`: the name of a SQL file must be schema.table.sql, of small letters a to z, digits and _"
    )]
    BadName(String),
    /// Tables read each other in a circle.
    #[error("these tables read each other in a circle: {0}")]
    Circle(String),
    /// What a stage depends on cannot be written down.
    #[error("failed to write down what the stages depend on: {0}")]
    Params(String),
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
    /// A selector names a unit of what has none.
    #[error("`{selector}`: `{node}` is made as a whole and has no units: select `{node}`")]
    Whole {
        /// The selector.
        selector: String,
        /// What it is of.
        node: String,
    },
    /// A unit is to be left out.
    #[error(
        "`{0}`: no unit can be left out of a table; leave out its stage, or select other units"
    )]
    ExcludedUnit(String),
}

/// The stages that `pipeline` asks for.
fn planned(pipeline: &Pipeline) -> Result<Vec<PlannedStage>, GraphError> {
    let asked = STAGES.iter().filter(|stage| stage.is_asked(pipeline));
    let planned = asked.map(|stage| stage.planned(pipeline));
    planned.collect::<Result<_, _>>().map_err(|error| GraphError::Params(error.to_string()))
}

/// What would write `table`, if the pipeline asked for it.
fn who_else(pipeline: &Pipeline, table: &str) -> Option<String> {
    STAGES.iter().find_map(|stage| {
        if !stage.writes().iter().any(|contract| contract.table == table) {
            return None;
        }
        let name = stage.name();
        Some(match stage.why_not(pipeline) {
            Some(how) => format!(": the stage `{name}` does, {how}"),
            None => format!(": the stage `{name}` does, if it is among `stages`"),
        })
    })
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
    let stages = planned(pipeline)?;
    let mut made: BTreeSet<String> =
        stages.iter().flat_map(|stage| &stage.writes).map(|of| of.table.to_owned()).collect();
    let mut others: Vec<Node> = Vec::new();
    for (name, table) in pipeline.asked_tables() {
        others.push(Node::of_table(name, table.clone()));
    }
    for file in pipeline.asked_sql() {
        let is_name = |part: &str| {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            !part.is_empty() && part.chars().all(is_plain)
        };
        if file.name.split('.').count() != 2 || !file.name.split('.').all(is_name) {
            return Err(GraphError::BadName(file.path.display().to_string()).into());
        }
        others.push(Node::of_sql(file.clone(), tables_read(file)?));
    }
    made.extend(others.iter().flat_map(|node| node.writes.iter().cloned()));
    let is_made = |table: &str| made.contains(table);
    let of_stages = stages.into_iter().map(|stage| Node::of_stage(stage, is_made));
    let nodes = of_stages.chain(others).collect();
    Ok(ordered(nodes, |table| who_else(pipeline, table))?)
}

/// The nodes, each after what it reads. `who_else` says of a table that nothing writes who could.
fn ordered(
    mut nodes: Vec<Node>,
    who_else: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Node>, GraphError> {
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
                hint: who_else(table)
                    .unwrap_or_else(|| suggest(table, written.iter().map(String::as_str))),
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

/// The nodes that are chosen, by place, each with the names of the only units that may be made of
/// it; none where all may.
pub type Selection = BTreeMap<usize, Option<BTreeSet<String>>>;

/// The nodes that `selectors` choose, without those that `excluded` do; all of them without
/// selectors.
///
/// `relatedness` is the stage, `+relatedness` also what it needs, `relatedness+` also what follows, and a
/// table's name stands for the node that writes it. `aggregate@2016` is one unit of a stage.
///
/// # Errors
///
/// [`GraphError`] if one names nothing, or a unit where there is none.
pub fn select(
    nodes: &[Node],
    selectors: &[String],
    excluded: &[String],
) -> Result<Selection, GraphError> {
    let mut chosen = Selection::new();
    if selectors.is_empty() {
        chosen.extend((0..nodes.len()).map(|at| (at, None)));
    }
    for text in selectors {
        let selector = Selector::from(text.as_str());
        let named = selector.named(nodes)?;
        for at in selector.reached(nodes, &named) {
            match selector.unit.filter(|_| named.contains(&at)) {
                Some(unit) => {
                    // What is chosen as a whole already stays so.
                    if let Some(units) = chosen.entry(at).or_insert_with(|| Some(BTreeSet::new())) {
                        units.insert(unit.to_owned());
                    }
                }
                None => {
                    chosen.insert(at, None);
                }
            }
        }
    }
    for text in excluded {
        let selector = Selector::from(text.as_str());
        if selector.unit.is_some() {
            return Err(GraphError::ExcludedUnit(text.clone()));
        }
        let named = selector.named(nodes)?;
        for at in selector.reached(nodes, &named) {
            chosen.remove(&at);
        }
    }
    Ok(chosen)
}

/// A selector in its parts: `+name@unit+`.
struct Selector<'s> {
    text: &'s str,
    name: &'s str,
    unit: Option<&'s str>,
}

impl<'s> From<&'s str> for Selector<'s> {
    fn from(text: &'s str) -> Self {
        let named = text.trim_start_matches('+').trim_end_matches('+');
        let (name, unit) = match named.split_once('@') {
            Some((name, unit)) => (name, Some(unit)),
            None => (named, None),
        };
        Self { text, name, unit }
    }
}

impl Selector<'_> {
    /// The nodes that it names.
    fn named(&self, nodes: &[Node]) -> Result<BTreeSet<usize>, GraphError> {
        let name = self.name;
        let is_named = |node: &Node| {
            node.name == name
                || node.stages().iter().any(|stage| stage.name() == name)
                || node.writes.iter().any(|table| table == name)
        };
        let found: BTreeSet<usize> = (0..nodes.len()).filter(|&at| is_named(&nodes[at])).collect();
        if found.is_empty() {
            let stages = nodes.iter().flat_map(Node::stages).map(StageName::name);
            let mut known: Vec<&str> = stages.collect();
            known.dedup();
            return Err(GraphError::Selector {
                selector: self.text.to_owned(),
                known: format!("{}{}", known.join(", "), suggest(name, known.iter().copied())),
            });
        }
        let whole = found.iter().map(|&at| &nodes[at]).find(|node| !node.has_units());
        if let Some(node) = whole.filter(|_| self.unit.is_some()) {
            let (selector, node) = (self.text.to_owned(), node.name.clone());
            return Err(GraphError::Whole { selector, node });
        }
        Ok(found)
    }

    /// These nodes, with what they need and what follows as far as it asks for that.
    fn reached(&self, nodes: &[Node], named: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut found = named.clone();
        if self.text.starts_with('+') {
            found.extend(closure(nodes, named, |from, to| feeds(&nodes[to], &nodes[from])));
        }
        if self.text.ends_with('+') {
            found.extend(closure(nodes, named, |from, to| feeds(&nodes[from], &nodes[to])));
        }
        found
    }
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

/// What every node is made from, and the fingerprint that this gives it. `files` are the hashes of
/// the files that nodes read.
pub fn fingerprints(
    nodes: &[Node],
    files: &BTreeMap<String, Fingerprint>,
) -> Vec<(Parts, Fingerprint)> {
    let mut of_table: BTreeMap<&str, Fingerprint> = BTreeMap::new();
    let mut made = Vec::new();
    for node in nodes {
        let mut parts = node.own_parts();
        for FileInput { file, read_as } in &node.files {
            let hash = files.get(&file.label).map_or("unknown", Fingerprint::as_str);
            let said = match read_as {
                None => hash.to_owned(),
                Some(layout) => format!("{hash} as {layout}"),
            };
            parts.insert(format!("file {}", file.label), said);
        }
        for table in &node.reads {
            parts.insert(format!("table {table}"), of_table[table.as_str()].to_string());
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
            of_table.insert(table, fingerprint.clone());
        }
        made.push((parts, fingerprint));
    }
    made
}

/// What machines that work together must have in common: the program's file, and what the rows of
/// the stages depend on.
///
/// # Errors
///
/// [`GraphError::Params`].
pub fn identity(pipeline: &Pipeline) -> Result<Fingerprint, GraphError> {
    static PROGRAM: OnceLock<Option<Fingerprint>> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let file = std::fs::File::open(std::env::current_exe().ok()?).ok()?;
        Fingerprint::of_reader(file).ok()
    });
    let mut maker = Fingerprinter::default();
    let version = env!("CARGO_PKG_VERSION");
    maker.add("program", program.as_ref().map_or(version, Fingerprint::as_str).as_bytes());
    for stage in planned(pipeline)? {
        for (section, said) in &stage.params {
            maker.add(section, said.to_string().as_bytes());
        }
    }
    Ok(maker.finish())
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
            ("file", old, new) => format!("{}: {what}", file_difference(old, new)),
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

/// What changed of a file, whose part is another.
pub fn file_difference(old: Option<&String>, new: Option<&String>) -> &'static str {
    match (old, new) {
        (Some(old), Some(new)) if hash_of(old) == hash_of(new) => "file read by another layout",
        (Some(_), Some(_)) => "file changed",
        (None, _) => "file added",
        (_, None) => "file gone",
    }
}

/// The hash in the part of a file, without how it is read.
fn hash_of(part: &str) -> &str {
    part.split(" as ").next().unwrap_or(part)
}

/// The keys of a section whose values differ: `relatedness.rca_threshold 1.0 -> 1.5`.
fn json_difference(section: &str, old: Option<&String>, new: Option<&String>) -> String {
    let parse = |text: Option<&String>| {
        text.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default()
    };
    let mut changed = Vec::new();
    add_differences(section, &parse(old), &parse(new), &mut changed);
    changed.join(", ")
}

fn add_differences(key: &str, old: &Value, new: &Value, changed: &mut Vec<String>) {
    if old == new {
        return;
    }
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for below in keys {
            let of = |all: &Map<String, Value>| all.get(below).cloned().unwrap_or_default();
            add_differences(&format!("{key}.{below}"), &of(old), &of(new), changed);
        }
        return;
    }
    let show = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        value => value.to_string(),
    };
    let (old, new) = (show(old), show(new));
    let is_long = |text: &String| text.chars().count() > 40;
    changed.push(match is_long(&old) || is_long(&new) {
        true => key.to_owned(),
        false => format!("{key} {old} -> {new}"),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Work;
    use std::path::PathBuf;

    fn node(name: &str, reads: &[&str], writes: &[&str]) -> Node {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        Node {
            name: name.to_owned(),
            reads: owned(reads),
            files: Vec::new(),
            writes: owned(writes),
            work: Work::Sql(SqlFile {
                path: PathBuf::new(),
                name: name.to_owned(),
                text: String::new(),
            }),
        }
    }

    fn in_order(nodes: Vec<Node>) -> Result<Vec<Node>, GraphError> {
        ordered(nodes, |_| None)
    }

    fn chain() -> Vec<Node> {
        in_order(vec![
            node("c", &["t.b"], &["t.c"]),
            node("a", &[], &["t.a"]),
            node("b", &["t.a"], &["t.b"]),
            node("d", &["t.a"], &["t.d"]),
        ])
        .expect("no circle")
    }

    fn check(selector: &str, expected: &str) {
        let nodes = chain();
        let found = chosen(&nodes, &[selector], &[]);
        assert!(found.starts_with(expected), "{selector}: {found}");
    }

    /// The names of the nodes that are chosen, with those of their units.
    fn chosen(nodes: &[Node], selectors: &[&str], excluded: &[&str]) -> String {
        let owned =
            |texts: &[&str]| -> Vec<String> { texts.iter().map(|&text| text.to_owned()).collect() };
        let named = |(at, units): (usize, Option<BTreeSet<String>>)| match units {
            None => nodes[at].name.clone(),
            Some(units) => {
                format!("{}{:?}", nodes[at].name, units.into_iter().collect::<Vec<_>>())
            }
        };
        match select(nodes, &owned(selectors), &owned(excluded)) {
            Ok(found) => found.into_iter().map(named).collect(),
            Err(error) => error.to_string(),
        }
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
    fn what_is_excluded_is_taken_from_what_is_selected() {
        let nodes = chain();
        assert_eq!(chosen(&nodes, &[], &["b"]), "acd");
        assert_eq!(chosen(&nodes, &[], &["b+"]), "ad");
        assert_eq!(chosen(&nodes, &["+c", "d"], &["t.a"]), "bcd");
        assert_eq!(chosen(&nodes, &["b"], &["b"]), "");
        assert!(chosen(&nodes, &[], &["x"]).starts_with("`x` selects nothing"));
        assert!(chosen(&nodes, &[], &["b@1"]).starts_with("`b@1`: no unit can be left out"));
    }

    #[test]
    fn one_unit_of_a_node_is_selected_by_its_name() {
        let mut nodes = chain();
        for node in nodes.iter_mut().filter(|node| node.name != "d") {
            if let Work::Sql(file) = &mut node.work {
                "-- each: year in select 2008\n-- reads: t.x of year\nselect 1\n"
                    .clone_into(&mut file.text);
            }
            assert!(node.has_units(), "{}", node.name);
        }
        assert_eq!(chosen(&nodes, &["b@2008"], &[]), r#"b["2008"]"#);
        assert_eq!(chosen(&nodes, &["t.b@2009", "b@2008"], &[]), r#"b["2008", "2009"]"#);
        assert_eq!(chosen(&nodes, &["b@2008+"], &[]), r#"b["2008"]c"#);
        assert_eq!(chosen(&nodes, &["+b@2008"], &[]), r#"ab["2008"]"#);
        assert_eq!(chosen(&nodes, &["b@2008", "b"], &[]), "b");
        assert_eq!(chosen(&nodes, &["b", "b@2008"], &[]), "b");
        assert_eq!(chosen(&nodes, &["b@2008", "d"], &["b"]), "d");
        let whole = chosen(&nodes, &["d@2008"], &[]);
        assert!(whole.starts_with("`d@2008`: `d` is made as a whole"), "{whole}");
    }

    #[test]
    fn circles_and_unknown_tables_are_refused() {
        let circle = in_order(vec![node("a", &["t.b"], &["t.a"]), node("b", &["t.a"], &["t.b"])]);
        assert_eq!(circle.map(|_| ()), Err(GraphError::Circle("a, b".into())));
        let error =
            in_order(vec![node("a", &[], &["trade.region"]), node("b", &["trade.regions"], &[])])
                .map(|_| ())
                .expect_err("unknown");
        assert!(error.to_string().ends_with("(did you mean `trade.region`?)"), "{error}");
        let twice = in_order(vec![node("a", &[], &["t.a"]), node("b", &[], &["t.a"])]);
        assert!(matches!(twice, Err(GraphError::TwoWriters(_))));
    }

    #[test]
    fn difference_names_the_key() {
        let parts = |text: &str| Parts::from([("config relatedness".to_owned(), text.to_owned())]);
        let found = difference(&parts(r#"{"a":1,"b":2}"#), &parts(r#"{"a":1,"b":3}"#));
        assert_eq!(found, "config changed: relatedness.b 2 -> 3");
        let read = |as_what: &str| Parts::from([("file x.csv".to_owned(), as_what.to_owned())]);
        let found = difference(&read("1 as a"), &read("1 as b"));
        assert_eq!(found, "file read by another layout: x.csv");
        assert_eq!(difference(&read("1 as a"), &read("2 as a")), "file changed: x.csv");
        let old = Parts::from([("file x.csv".to_owned(), "1".to_owned())]);
        assert_eq!(difference(&old, &Parts::new()), "file gone: x.csv");
    }
}
