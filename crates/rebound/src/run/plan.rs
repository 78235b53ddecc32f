//! What a run would do, and why.

use super::content::{Content, contents};
use super::error::RunError;
use super::options::{Hashed, Options, Records};
use super::splitter::wrong;
use crate::graph;
use crate::node::{Node, Parts};
use lake::{
    Catalog, CatalogVersion, FileRecord, Fingerprint, Lake, LakeError, RunRecord, RunStatus,
    TableVersion,
};
use project::pipeline::{Engine, Pipeline, PipelineError};
use project::pipeline_file::PipelineFile;
use project::sql_file::{SqlFile, SqlReads};
use query::{Memory, Session, SessionParams};
use stages::{Choice, Kept};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// What a run would do with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make it.
    Build,
    /// Use the version that is there.
    Reuse,
    /// Leave it: not selected.
    Skip,
}

impl Action {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Reuse => "reuse",
            Self::Skip => "skip",
        }
    }
}

/// A node with what would be done, and why.
#[derive(Debug, Clone)]
pub struct Step {
    /// The node.
    pub node: Node,
    /// What it is made from.
    pub parts: Parts,
    /// The name of its versions.
    pub fingerprint: Fingerprint,
    /// What would be done.
    pub action: Action,
    /// Why.
    pub why: String,
    /// Which of its units may be made, and which are made again.
    pub choice: Choice,
    /// Its versions, if they are complete.
    pub versions: Option<Vec<TableVersion>>,
}

/// A pipeline read, its lake open, and what a run would do.
#[derive(Debug)]
pub struct Plan {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The lake.
    pub lake: Lake,
    /// What is published.
    pub published: Option<Catalog>,
    pub(super) replaced: CatalogVersion,
    /// The steps, in order.
    pub steps: Vec<Step>,
    pub(super) files: BTreeMap<String, Content>,
    /// What no earlier run knows of them.
    pub(super) found: BTreeMap<String, FileRecord>,
    /// The number of the next run.
    pub(super) number: u64,
    pub(super) threads: usize,
}

/// The pipeline of `file` as `options` want it.
fn asked(runtime: &Runtime, file: PipelineFile, options: &Options) -> Result<Pipeline, RunError> {
    let mut pipeline = file.pipeline(runtime)?;
    if let Some(lake) = &options.lake {
        pipeline.lake.clone_from(lake);
    }
    pipeline.keeps_records &= options.records == Records::AsAsked;
    pipeline.engine = options.engine.unwrap_or(pipeline.engine);
    pipeline.can_do_without_records()?;
    if pipeline.engine == Engine::Ballista && pipeline.lake.starts_with("memory:") {
        let why = "other machines do not see a lake in memory: name a shared folder or a URL";
        return Err(RunError::Pipeline(PipelineError::Value {
            path: pipeline.path,
            key: "lake".to_owned(),
            why: why.to_owned(),
        }));
    }
    Ok(pipeline)
}

/// The nodes of `pipeline`, each after what it reads.
pub(crate) fn nodes(session: &Session, pipeline: &Pipeline) -> Result<Vec<Node>, RunError> {
    graph::nodes(pipeline, |file: &SqlFile| {
        let of = |sql: &str| {
            session
                .tables_read(sql)
                .map_err(|source| RunError::Sql { path: file.path.clone(), source })
        };
        let mut tables = of(&file.text)?;
        file.heads().map_err(|why| wrong(file, why))?;
        file.names().map_err(|why| wrong(file, why))?;
        let reads = file.reads().map_err(|why| wrong(file, why))?;
        let part = file.part().map_err(|why| wrong(file, why))?;
        let divided = part.and_then(|part| part.of);
        if let Some(of) = divided.as_ref().filter(|of| !tables.contains(*of)) {
            return Err(wrong(file, format!("`part` names `{of}`, which it does not read")));
        }
        if divided.is_some() && reads.is_empty() {
            let why = "`part` needs `reads`, which says what each value of `each` reads";
            return Err(wrong(file, why.to_owned()));
        }
        names_what_is_read(file, &reads, &tables, divided.as_ref())?;
        if let Some(each) = file.each() {
            tables.extend(of(each.query)?);
        }
        Ok(tables)
    })
}

/// Looks whether `reads`, where a file has it, names the tables that its text reads and no others.
/// The one that `part` is of need not be named.
fn names_what_is_read(
    file: &SqlFile,
    reads: &[SqlReads],
    tables: &BTreeSet<String>,
    divided: Option<&String>,
) -> Result<(), RunError> {
    if reads.is_empty() {
        return Ok(());
    }
    let is_said =
        |table: &&String| divided == Some(*table) || reads.iter().any(|of| of.table == **table);
    if let Some(table) = tables.iter().find(|table| !is_said(table)) {
        let why = format!("it reads `{table}`, which `reads` does not name");
        return Err(wrong(file, why));
    }
    match reads.iter().find(|of| !tables.contains(&of.table)) {
        None => Ok(()),
        Some(of) => {
            let why = format!("`reads` names `{}`, which it does not read", of.table);
            Err(wrong(file, why))
        }
    }
}

/// Looks whether checks say of tables that they read which parts they read.
fn look_at_checks(session: &Session, pipeline: &Pipeline) -> Result<(), RunError> {
    for file in &pipeline.checks {
        let parts = file.check_parts().map_err(|why| wrong(file, why))?;
        let Some(reads) = parts.map(|parts| parts.reads).filter(|reads| !reads.is_empty()) else {
            continue;
        };
        let tables = session
            .tables_read(&file.text)
            .map_err(|source| RunError::Sql { path: file.path.clone(), source })?;
        names_what_is_read(file, &reads, &tables, None)?;
        if reads.iter().all(|of| of.of.is_none()) {
            let why = "`reads` names no table of which each reads a part: take `each` out";
            return Err(wrong(file, why.to_owned()));
        }
    }
    Ok(())
}

/// Reads the pipeline of `file` and says what a run would do.
///
/// # Errors
///
/// [`RunError`] if the pipeline, a file it names, or the lake is at fault.
pub fn plan(runtime: &Runtime, file: PipelineFile, options: &Options) -> Result<Plan, RunError> {
    let pipeline = asked(runtime, file, options)?;
    let lake = Lake::open(&pipeline.lake)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = match options.threads.unwrap_or(pipeline.config.engine.threads) {
        0 => cores,
        threads => threads,
    };
    let (published, replaced) = runtime.block_on(lake.catalog_to_replace())?;
    if let Some(catalog) = &published
        && catalog.pipeline != pipeline.name
    {
        return Err(RunError::OtherPipeline {
            lake: lake.url().to_owned(),
            found: catalog.pipeline.clone(),
            asked: pipeline.name,
        });
    }
    let session = sql_session(&lake, &pipeline, 1)?;
    let nodes = nodes(&session, &pipeline)?;
    look_at_checks(&session, &pipeline)?;
    let mut chosen = graph::select(&nodes, &options.select, &options.exclude)?;
    let runs = runtime.block_on(lake.recent_runs())?;
    warn_of(&runs.left_out);
    let number = runs.next_number();
    let runs = runs.records;
    let known = match options.hashed {
        Hashed::All => BTreeMap::new(),
        Hashed::Changed => last_files(&runs),
    };
    let read = nodes.iter().flat_map(|node| &node.files).map(|input| &input.file);
    let files = contents(read, &known)?;
    warn_of_identical(&pipeline, &files);
    let found = files.iter().filter_map(|(label, file)| Some((label.clone(), file.record()?)));
    let found = found.filter(|(label, file)| known.get(label) != Some(file)).collect();
    let hashes = files.iter().map(|(file, content)| (file.clone(), content.hash.clone())).collect();
    let made = graph::fingerprints(&nodes, &hashes);
    let before = last_parts(&runs);
    let mut steps = Vec::new();
    for (at, (node, (parts, fingerprint))) in nodes.into_iter().zip(made).enumerate() {
        let versions = runtime.block_on(versions(&lake, &node, &fingerprint))?;
        let before = before.get(node.name.as_str()).copied();
        let units = chosen.remove(&at);
        let (action, why) = match (&versions, &units, options.kept) {
            (Some(_), None, _) => (Action::Skip, "not selected".to_owned()),
            (None, None, _) => (Action::Skip, "not selected, out of date".to_owned()),
            (Some(_), Some(_), Kept::Used) => (Action::Reuse, "up to date".to_owned()),
            (Some(_), Some(_), Kept::Ignored) => (Action::Build, AGAIN.to_owned()),
            (None, Some(_), _) => (Action::Build, why_build(before, &parts)),
        };
        let choice = Choice { only: units.flatten().map(Arc::new), kept: options.kept };
        steps.push(Step { node, parts, fingerprint, action, why, choice, versions });
    }
    Ok(Plan { pipeline, lake, published, replaced, steps, files, found, number, threads })
}

/// Why something is made that is up to date.
const AGAIN: &str = "all is made again (--full)";

/// Warns of raw files that are the same byte by byte: their values would count twice.
fn warn_of_identical(pipeline: &Pipeline, files: &BTreeMap<String, Content>) {
    for (first, other) in identical(pipeline, files) {
        tracing::warn!(
            "the raw files `{first}` and `{other}` are the same, byte by byte: their values count twice; leave one out of \
             `files`"
        );
    }
}

/// Raw files on this machine that are the same, each with the first of them.
fn identical<'f>(
    pipeline: &Pipeline,
    files: &'f BTreeMap<String, Content>,
) -> Vec<(&'f str, &'f str)> {
    let raw = pipeline.sources.iter().flat_map(|source| &source.files);
    let raw: BTreeSet<&str> = raw.map(|file| file.label.as_str()).collect();
    let mut by_hash: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for (label, content) in files.iter().filter(|(label, _)| raw.contains(label.as_str())) {
        // What remote files are known by are not their bytes.
        if content.state.is_none() {
            continue;
        }
        match by_hash.get(content.hash.as_str()) {
            Some(first) => found.push((*first, label.as_str())),
            None => {
                by_hash.insert(content.hash.as_str(), label);
            }
        }
    }
    found
}

/// Why a node is made; `before` is what it was made from when it was last made.
fn why_build(before: Option<&Parts>, parts: &Parts) -> String {
    match before {
        None => "new".to_owned(),
        Some(old) if old == parts => "not finished, damaged or collected".to_owned(),
        Some(old) => graph::difference(old, parts),
    }
}

/// Warns of what was left out of a lake.
pub fn warn_of(left_out: &[LakeError]) {
    for error in left_out {
        tracing::warn!("{error}");
    }
}

/// What each node was made from when it was last made.
pub(super) fn last_parts(runs: &[RunRecord]) -> BTreeMap<&str, &Parts> {
    let ended = runs.iter().filter(|run| run.status != RunStatus::Started);
    let parts = ended.flat_map(|run| &run.parts);
    parts.map(|(node, parts)| (node.as_str(), parts)).collect()
}

/// The raw files as the last runs found them.
fn last_files(runs: &[RunRecord]) -> BTreeMap<String, FileRecord> {
    let files = runs.iter().flat_map(|run| &run.files);
    files.map(|(label, file)| (label.clone(), file.clone())).collect()
}

async fn versions(
    lake: &Lake,
    node: &Node,
    fingerprint: &Fingerprint,
) -> Result<Option<Vec<TableVersion>>, LakeError> {
    let mut found = Vec::new();
    for table in &node.writes {
        let version = match lake.version(table, fingerprint).await {
            Ok(Some(version)) => lake.verify(&version).await.map(|()| version),
            Ok(None) => return Ok(None),
            Err(error) => Err(error),
        };
        match version {
            Ok(version) => found.push(version),
            Err(error @ (LakeError::Lost { .. } | LakeError::Version { .. })) => {
                tracing::warn!("{error}");
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(found))
}

pub(crate) fn sql_session(
    lake: &Lake,
    pipeline: &Pipeline,
    threads: usize,
) -> Result<Session, RunError> {
    let memory = pipeline.config.engine.memory();
    Ok(Session::new(lake, SessionParams { threads, memory })?)
}

/// A session of one partition for SQL that is one of so many that share the memory.
pub(super) fn shared_session(
    lake: &Lake,
    pipeline: &Pipeline,
    n_beside: usize,
) -> Result<Session, RunError> {
    let Memory { mib, setting } = pipeline.config.engine.memory();
    let memory = Memory { mib: mib / n_beside.max(1), setting };
    Ok(Session::new(lake, SessionParams { threads: 1, memory })?)
}

impl Plan {
    /// How many tables a run would publish, or no longer publish, beside those that are made.
    pub fn n_to_publish(&self) -> usize {
        let published = self.published.as_ref().map(|catalog| &catalog.tables);
        let versions = self.steps.iter().filter_map(|step| step.versions.as_ref()).flatten();
        let others = versions.filter(|version| {
            published.is_none_or(|tables| tables.get(&version.table) != Some(*version))
        });
        let written: BTreeSet<&String> =
            self.steps.iter().flat_map(|step| &step.node.writes).collect();
        let gone = published.into_iter().flat_map(BTreeMap::keys);
        others.count() + gone.filter(|table| !written.contains(table)).count()
    }

    /// The folders and files of the versions that carrying it out reads or writes.
    pub(super) fn keeps(&self) -> BTreeSet<String> {
        let folders = self.steps.iter().flat_map(|step| {
            let folder = |table: &String| lake::folder_of(table, &step.fingerprint);
            step.node.writes.iter().map(folder)
        });
        let versions = self.steps.iter().flat_map(|step| step.versions.iter().flatten());
        let files = versions.flat_map(|version| &version.files).map(|file| file.path.clone());
        // Which parts of earlier versions are used again is known when the inputs are.
        let built = self.steps.iter().filter(|step| step.action == Action::Build);
        let tables =
            built.flat_map(|step| &step.node.writes).map(|table| lake::table_folder(table));
        folders.chain(files).chain(tables).collect()
    }

    /// The same, with versions that are no longer there to be made: of a folder's lake its lock says that none is.
    pub(super) fn looked_at_again(mut self, runtime: &Runtime) -> Result<Self, RunError> {
        if self.lake.folder().is_some() {
            return Ok(self);
        }
        for step in self.steps.iter_mut().filter(|step| step.versions.is_some()) {
            step.versions =
                runtime.block_on(versions(&self.lake, &step.node, &step.fingerprint))?;
            if step.versions.is_none() && step.action == Action::Reuse {
                step.action = Action::Build;
                "lost meanwhile".clone_into(&mut step.why);
            }
        }
        Ok(self)
    }
}
