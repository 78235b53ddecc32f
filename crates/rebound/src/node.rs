//! Nodes of the graph: what makes tables, what they are made from, and who does it.

use lake::Fingerprint;
use project::pipeline::Table;
use project::sql_file::SqlFile;
use project::stage_name::StageName;
use stages::{FileInput, Input, PlannedStage};
use std::collections::{BTreeMap, BTreeSet};

/// What a node is made from: named parts. Parts of config are their text, so that a plan can say
/// which key changed; all others are hashes.
pub type Parts = BTreeMap<String, String>;

/// Raised whenever the same SQL and rows would give other rows.
pub const SQL_VERSION: u32 = 4;

/// Raised whenever the same user's table would give other rows.
const TABLE_VERSION: u32 = 2;

/// Who makes a node's tables.
#[derive(Debug, Clone)]
pub enum Work {
    /// A stage written in code.
    Stage(PlannedStage),
    /// A statement of SQL.
    Sql(SqlFile),
    /// A user's file.
    Table(Table),
}

/// A unit of work.
#[derive(Debug, Clone)]
pub struct Node {
    /// The stage's name, or the table's.
    pub name: String,
    /// The tables that it reads.
    pub reads: Vec<String>,
    /// The files from outside that it reads, each with how it is read.
    pub files: Vec<FileInput>,
    /// The tables that it writes.
    pub writes: Vec<String>,
    /// Who makes them.
    pub work: Work,
}

impl Node {
    /// A stage; `is_made` says which tables the pipeline makes.
    pub fn of_stage(stage: PlannedStage, is_made: impl Fn(&str) -> bool) -> Self {
        let mut reads = Vec::new();
        let mut files = Vec::new();
        for input in &stage.reads {
            match input {
                Input::Table(table) => reads.push(table.clone()),
                Input::TableIfMade(table) if is_made(table) => reads.push((*table).to_owned()),
                Input::TableIfMade(_) => {}
                Input::File(file) => files.push(file.clone()),
            }
        }
        Self {
            name: stage.name.name().to_owned(),
            reads,
            files,
            writes: stage.writes.iter().map(|contract| contract.table.to_owned()).collect(),
            work: Work::Stage(stage),
        }
    }

    /// A table made by SQL from `reads`.
    pub fn of_sql(file: SqlFile, reads: BTreeSet<String>) -> Self {
        Self {
            name: file.name.clone(),
            reads: reads.into_iter().collect(),
            files: Vec::new(),
            writes: vec![file.name.clone()],
            work: Work::Sql(file),
        }
    }

    /// A user's table, which SQL reads as `external.<name>`.
    pub fn of_table(name: &str, table: Table) -> Self {
        let name = format!("external.{name}");
        Self {
            writes: vec![name.clone()],
            name,
            reads: Vec::new(),
            files: vec![table.file().into()],
            work: Work::Table(table),
        }
    }

    /// The stages it is a part of, or that it is.
    pub fn stages(&self) -> Vec<StageName> {
        match &self.work {
            Work::Stage(stage) => {
                let also = stage.also.iter().map(|also| also.name);
                std::iter::once(stage.name).chain(also).collect()
            }
            Work::Sql(_) => vec![StageName::Panels],
            Work::Table(_) => vec![StageName::Tables],
        }
    }

    /// Whether it is made unit by unit.
    pub fn has_units(&self) -> bool {
        match &self.work {
            Work::Stage(stage) => stage.by_units,
            Work::Sql(file) => file.reads().is_ok_and(|reads| !reads.is_empty()),
            Work::Table(_) => false,
        }
    }

    /// The stage that its tables say made them.
    pub fn maker(&self) -> &str {
        match &self.work {
            Work::Stage(_) | Work::Sql(_) => &self.name,
            Work::Table(_) => StageName::Tables.name(),
        }
    }

    /// What it is made from, beside its inputs.
    pub fn own_parts(&self) -> Parts {
        let mut parts = Parts::new();
        let version = match &self.work {
            Work::Stage(stage) => {
                for also in stage.also {
                    parts.insert(format!("code {}", also.name), also.version.to_string());
                }
                let sections = stage.params.iter();
                parts.extend(
                    sections.map(|(key, said)| (format!("config {key}"), said.to_string())),
                );
                stage.version
            }
            Work::Sql(file) => {
                let meaning = Fingerprint::of(file.meaning().as_bytes());
                parts.insert("sql".to_owned(), meaning.to_string());
                SQL_VERSION
            }
            Work::Table(table) => {
                let said = serde_json::json!({ "read": table.read, "about": table.about });
                parts.insert("config tables".to_owned(), said.to_string());
                TABLE_VERSION
            }
        };
        parts.insert("code".to_owned(), version.to_string());
        parts
    }
}
