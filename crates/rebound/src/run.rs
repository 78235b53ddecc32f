//! Plans and runs: what must be made and why, making it, checking it, publishing it.
//!
//! A run makes the versions that are not in the lake yet, checks the tables it would publish, and then
//! replaces the catalog in one put. Until then readers see what was published before; a run that is killed
//! leaves only versions that are complete, which the next run uses, and parts of versions, which it
//! writes again.

use crate::bounded;
use crate::clock;
use crate::estimation::{Estimated, EstimationError, Runner};
use crate::graph::{self, GraphError, Node, Parts};
use crate::model_spec::Heading;
use crate::pipeline::{self, Elsewhere, Engine, Pipeline, PipelineError, SqlFile};
use crate::raw_files::{Place, RawFile};
use crate::remote::{Cluster, RemoteExecutor, Task};
use crate::stage_name::StageName;
use crate::stages::{self, Files, Input, Made, StageError};
use crate::tables::{self, TableError};
use crate::verified::Verified;
use arrow::array::{AsArray, RecordBatch};
use lake::{
    Catalog, CatalogVersion, Contract, DataFile, FileRecord, Fingerprint, Holder, Lake, LakeError,
    LeaseTimes, Lock, LockError, RunRecord, RunStatus, StageRecord, TableVersion,
};
use query::{QueryError, Session, SessionParams};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The pipeline is at fault.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The graph or the selection is.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A raw file cannot be read.
    #[error("failed to read `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A raw file changed between planning and reading.
    #[error("`{0}` changed while the run read it: nothing was kept; run again when it is at rest")]
    FileChanged(String),
    /// A stage stopped.
    #[error("stage `{stage}` stopped")]
    Stage {
        /// The stage.
        stage: String,
        /// The cause.
        #[source]
        source: Box<StageError>,
    },
    /// A SQL file is at fault.
    #[error("failed to run `{path}`")]
    Sql {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: QueryError,
    },
    /// A model cannot be run.
    #[error(transparent)]
    Model(#[from] EstimationError),
    /// A table from elsewhere cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The SQL engine failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A selected stage needs a table that is not made yet.
    #[error(
        "`{node}` needs `{table}`, which is not made with this data and config: select `+{node}`"
    )]
    NotMade {
        /// The stage.
        node: String,
        /// The table.
        table: String,
    },
    /// The lake belongs to another pipeline.
    #[error(
        "the lake `{lake}` holds the tables of pipeline `{found}`: give `{asked}` a lake of its own (`lake:` in its file, or --lake)"
    )]
    OtherPipeline {
        /// The lake.
        lake: String,
        /// The pipeline in the lake.
        found: String,
        /// The pipeline to run.
        asked: String,
    },
    /// What an executor wrote is not in the lake.
    #[error(
        "an executor wrote `{path}`, which is not in the lake `{lake}` as seen from here: the lake must be in a folder that all \
         machines share, or at a URL"
    )]
    NotShared {
        /// The lake.
        lake: String,
        /// The file.
        path: String,
    },
    /// A SQL file could not be run by executors.
    #[error("failed to run `{path}`")]
    RemoteSql {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<StageError>,
    },
    /// The run could not say what it did.
    #[error("the record of the run could not be written, and {publication}")]
    Record {
        /// What became of the publication.
        publication: &'static str,
        /// The cause.
        #[source]
        source: Box<LakeError>,
    },
    /// The store stopped answering while the run published.
    #[error(
        "it is not known whether this run published: the lake `{lake}` stopped answering. `rebound runs` says which run is \
         published as soon as the lake can be read"
    )]
    Unknown {
        /// The lake.
        lake: String,
        /// The cause.
        #[source]
        source: Box<LakeError>,
    },
    /// Checks found rows that should not be.
    #[error("{} data check{} failed; nothing was published\n{}", .0.len(), if .0.len() == 1 { "" } else { "s" }, .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Checks(Vec<FailedCheck>),
    /// A pool of threads could not be made.
    #[error("failed to start {0} threads")]
    Threads(usize),
    /// The program failed where it should not.
    #[error(
        "rebound stopped at a fault of its own, and published nothing: {0}; please report it, with the pipeline if you can"
    )]
    Panic(String),
}

impl RunError {
    /// Whether the user's input or config is at fault.
    pub fn is_users(&self) -> bool {
        self.exit_code() == 2
    }

    /// The exit code: 2 for the user's input and config, 3 for the data, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Checks(_) => 3,
            Self::Stage { source, .. } if matches!(**source, StageError::TooManyRejects { .. }) => {
                3
            }
            Self::Pipeline(error) if !error.is_users() => 1,
            Self::Pipeline(_)
            | Self::Graph(_)
            | Self::Model(_)
            | Self::Table(_)
            | Self::NotMade { .. }
            | Self::OtherPipeline { .. }
            | Self::NotShared { .. }
            | Self::File { .. }
            | Self::FileChanged(_)
            | Self::Lock(LockError::Held(_))
            | Self::Lake(
                LakeError::Url(_)
                | LakeError::Folder { .. }
                | LakeError::Format { .. }
                | LakeError::Number { .. },
            ) => 2,
            Self::Sql { source: error, .. } | Self::Query(error) if error.is_users() => 2,
            Self::Stage { source, .. } | Self::RemoteSql { source, .. } if source.is_users() => 2,
            Self::Stage { .. }
            | Self::RemoteSql { .. }
            | Self::Lake(_)
            | Self::Lock(_)
            | Self::Sql { .. }
            | Self::Query(_)
            | Self::Threads(_)
            | Self::Record { .. }
            | Self::Unknown { .. }
            | Self::Panic(_) => 1,
        }
    }
}

/// A check and the rows that broke it.
#[derive(Debug, Clone)]
pub struct FailedCheck {
    /// The file.
    pub path: PathBuf,
    /// Rows in all.
    pub n_rows: usize,
    /// The first of them, as a table.
    pub first_rows: String,
}

impl std::fmt::Display for FailedCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let s = if self.n_rows == 1 { "" } else { "s" };
        write!(f, "{}: {} row{s}\n{}", self.path.display(), self.n_rows, self.first_rows)
    }
}

/// How to run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What to run; empty: everything.
    pub select: Vec<String>,
    /// Another lake than the pipeline's.
    pub lake: Option<String>,
    /// Another number of threads than the config's.
    pub threads: Option<usize>,
    /// Another engine than the pipeline's.
    pub engine: Option<Engine>,
    /// Whether to keep no records, whatever the pipeline says.
    pub no_records: bool,
    /// Whether to read every raw file through to see what changed, and not only those that look changed.
    pub rehash: bool,
    /// Whether to stop at once if another run holds the lake.
    pub no_wait: bool,
    /// Other machines that do the work of `ingest`, `aggregate` and `panels`.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// Whether to show progress on the terminal.
    pub progress: bool,
    /// The command line, for records.
    pub command: String,
}

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
    replaced: CatalogVersion,
    /// The steps, in order.
    pub steps: Vec<Step>,
    files: BTreeMap<String, Content>,
    /// What no earlier run knows of them.
    found: BTreeMap<String, FileRecord>,
    /// The number of the next run.
    number: u64,
    threads: usize,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it published, or why not.
    pub publication: Publication,
    /// What was done with each node.
    pub stages: Vec<StageRecord>,
    /// The tables that are current, published or not.
    pub tables: BTreeMap<String, TableVersion>,
    /// Checks that ran and held.
    pub n_checks: usize,
    /// How long it took.
    pub elapsed: Duration,
    /// The lake.
    pub lake: String,
}

/// What a run did to what readers see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// Readers see the tables of this run.
    Published,
    /// They are the same as before.
    Unchanged,
    /// A part was made, but published tables that depend on it are out of date.
    Held(Vec<String>),
}

/// What a file is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) hash: Fingerprint,
    /// Of a local file.
    state: Option<State>,
}

impl Content {
    /// What later plans may go by.
    fn record(&self) -> Option<FileRecord> {
        let state = self.state.as_ref().filter(|state| state.is_settled)?;
        Some(FileRecord { hash: self.hash.clone(), state: state.text.clone() })
    }
}

/// What the folder says of a file: as long as it stays, so does what is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    /// Size, times of change and inode.
    text: String,
    /// Whether the last change is so long ago that another would have another time.
    is_settled: bool,
}

/// Changes that come closer after each other may have the same time.
const SETTLED: Duration = Duration::from_secs(2);

impl State {
    fn of(path: &Path) -> std::io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let modified = clock::since_epoch(meta.modified()?);
        #[cfg(unix)]
        let (changed, inode) = {
            use std::os::unix::fs::MetadataExt;
            // Unlike the other time, no copy or unpacking sets this one back.
            let seconds = Duration::from_secs(u64::try_from(meta.ctime()).unwrap_or(0));
            let nanos = Duration::from_nanos(u64::try_from(meta.ctime_nsec()).unwrap_or(0));
            (seconds + nanos, meta.ino())
        };
        #[cfg(not(unix))]
        let (changed, inode) = (modified, 0);
        let times = format!("{} {}", modified.as_nanos(), changed.as_nanos());
        Ok(Self {
            text: format!("{} bytes, {times}, {inode}", meta.len()),
            is_settled: modified.max(changed) < clock::since_epoch(clock::ago(SETTLED)),
        })
    }
}

/// Reads the file through, unless it is as it was `before`.
fn content_of_path(path: &Path, before: Option<&FileRecord>) -> Result<Content, RunError> {
    let content = || {
        bounded::is_regular(path)?;
        let state = State::of(path)?;
        let hash = match before {
            Some(before) if before.state == state.text => before.hash.clone(),
            _ => Fingerprint::of_reader(std::fs::File::open(path)?)?,
        };
        Ok(Content { hash, state: Some(state) })
    };
    content().map_err(|source| RunError::File { path: path.to_owned(), source })
}

/// What a raw file is known by; it is not read if it is as it was `before`.
pub(crate) fn content_of(file: &RawFile, before: Option<&FileRecord>) -> Result<Content, RunError> {
    match &file.place {
        Place::Local(path) => content_of_path(path, before),
        Place::Remote(file) => {
            Ok(Content { hash: Fingerprint::of(file.state().as_bytes()), state: None })
        }
    }
}

fn hash_files(
    pipeline: &Pipeline,
    before: &BTreeMap<String, FileRecord>,
) -> Result<BTreeMap<String, Content>, RunError> {
    let mut files: BTreeMap<String, Content> = pipeline
        .sources
        .par_iter()
        .flat_map(|source| &source.files)
        .map(|file| Ok((file.label.clone(), content_of(file, before.get(&file.label))?)))
        .collect::<Result<_, RunError>>()?;
    for Elsewhere { label, path, .. } in pipeline.externals() {
        let content = content_of_path(&path, before.get(&label))?;
        files.insert(label, content);
    }
    Ok(files)
}

/// Reads the pipeline at `path` and says what a run would do.
///
/// # Errors
///
/// [`RunError`] if the pipeline, a file it names, or the lake is at fault.
pub fn plan(runtime: &Runtime, path: &Path, options: &Options) -> Result<Plan, RunError> {
    let mut pipeline = pipeline::read(runtime, path)?;
    if let Some(lake) = &options.lake {
        pipeline.lake.clone_from(lake);
    }
    pipeline.keeps_records &= !options.no_records;
    pipeline.engine = options.engine.unwrap_or(pipeline.engine);
    pipeline.can_do_without_records()?;
    if pipeline.engine == Engine::Ballista && pipeline.lake.starts_with("memory:") {
        let why = "other machines do not see a lake in memory: name a shared folder or a URL";
        return Err(RunError::Pipeline(PipelineError::Value {
            path: path.to_owned(),
            key: "lake".to_owned(),
            why: why.to_owned(),
        }));
    }
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
    let nodes = graph::nodes(&pipeline, |file: &SqlFile| {
        let of = |sql: &str| {
            session
                .tables_read(sql)
                .map_err(|source| RunError::Sql { path: file.path.clone(), source })
        };
        let mut tables = of(&file.text)?;
        if let Some((_, query)) = file.each() {
            tables.extend(of(query)?);
        }
        Ok::<_, RunError>(tables)
    })?;
    let chosen = graph::select(&nodes, &options.select)?;
    let runs = runtime.block_on(lake.runs())?;
    warn_of(&runs.left_out);
    let number = runs.next_number();
    let runs = runs.records;
    let known = if options.rehash { BTreeMap::new() } else { last_files(&runs) };
    let files = hash_files(&pipeline, &known)?;
    let found = files.iter().filter_map(|(label, file)| Some((label.clone(), file.record()?)));
    let found = found.filter(|(label, file)| known.get(label) != Some(file)).collect();
    let hashes = files.iter().map(|(file, content)| (file.clone(), content.hash.clone())).collect();
    let made = graph::fingerprints(&pipeline, &nodes, &hashes);
    let before = last_parts(runs);
    let mut steps = Vec::new();
    for (at, (node, (parts, fingerprint))) in nodes.into_iter().zip(made).enumerate() {
        let versions = runtime.block_on(versions(&lake, &node, &fingerprint))?;
        let (action, why) = if !chosen.contains(&at) {
            let state =
                if versions.is_some() { "not selected" } else { "not selected, out of date" };
            (Action::Skip, state.to_owned())
        } else if versions.is_some() {
            (Action::Reuse, "up to date".to_owned())
        } else {
            let why = match before.get(&node.name) {
                None => "new".to_owned(),
                Some(old) if *old == parts => "not finished, damaged or collected".to_owned(),
                Some(old) => graph::difference(old, &parts),
            };
            (Action::Build, why)
        };
        steps.push(Step { node, parts, fingerprint, action, why, versions });
    }
    Ok(Plan { pipeline, lake, published, replaced, steps, files, found, number, threads })
}

/// Warns of what was left out of a lake.
pub fn warn_of(left_out: &[LakeError]) {
    for error in left_out {
        tracing::warn!("{error}");
    }
}

/// What each node was made from when it was last made.
fn last_parts(runs: Vec<RunRecord>) -> BTreeMap<String, Parts> {
    let ended = runs.into_iter().filter(|run| run.status != RunStatus::Started);
    ended.flat_map(|run| run.parts).collect()
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

/// The lock of a folder's writers, if nobody has it; an object store needs none.
///
/// # Errors
///
/// [`LockError`].
pub fn try_lock(lake: &Lake, command: &str) -> Result<Option<Lock>, LockError> {
    let Some(folder) = lake.folder() else { return Ok(None) };
    let me = Holder { pid: std::process::id(), command: command.to_owned(), since: clock::now() };
    Lock::try_take(folder, &me).map(Some)
}

fn take_lock(lake: &Lake, options: &Options) -> Result<Option<Lock>, RunError> {
    let mut is_told = false;
    loop {
        match try_lock(lake, &options.command) {
            Err(LockError::Held(holder)) if !options.no_wait => {
                if !is_told {
                    let text = LockError::Held(holder).to_string();
                    tracing::warn!("{text}; waiting for it to end (--no-wait stops instead)");
                    is_told = true;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            taken => return Ok(taken?),
        }
    }
}

/// Runs the pipeline at `path`.
///
/// # Errors
///
/// [`RunError`]; what was published before stays published.
pub fn run(runtime: &Runtime, path: &Path, options: &Options) -> Result<Outcome, RunError> {
    let started = Instant::now();
    // The lock comes before the plan, so that the plan is still true when it is carried out.
    let mut lake_url = pipeline::head(path)?.lake;
    if let Some(lake) = &options.lake {
        lake_url.clone_from(lake);
    }
    let _lock = take_lock(&Lake::open(&lake_url)?, options)?;
    let plan = plan(runtime, path, options)?;
    let mut record = RunRecord {
        run: clock::run_name(),
        number: plan.number,
        pipeline: plan.pipeline.name.clone(),
        command: options.command.clone(),
        started_at: clock::now(),
        ended_at: None,
        found: plan.published.as_ref().map(|catalog| catalog.run.clone()),
        status: RunStatus::Started,
        error: None,
        stages: Vec::new(),
        parts: BTreeMap::new(),
        files: plan.found.clone(),
        tables: BTreeMap::new(),
        published_at: None,
        checks: BTreeMap::new(),
    };
    let lake = plan.lake.clone();
    let lake_url = plan.pipeline.lake.clone();
    let keep = |record: &RunRecord, publication| {
        let kept = runtime.block_on(lake.put_run(record));
        kept.map_err(|source| RunError::Record { publication, source: Box::new(source) })
    };
    keep(&record, "nothing was made or published")?;
    let outcome = leased(runtime, path, plan, options, &mut record);
    record.ended_at = Some(clock::now());
    record.status = match &outcome {
        Ok((Publication::Published, _)) => RunStatus::Published,
        Ok((Publication::Held(_), _)) => RunStatus::Held,
        Ok((Publication::Unchanged, _)) => RunStatus::Unchanged,
        Err(RunError::Checks(_)) => RunStatus::CheckFailed,
        Err(RunError::Unknown { .. }) => RunStatus::Unknown,
        Err(_) => RunStatus::Failed,
    };
    record.error = outcome.as_ref().err().map(|error| error.to_string());
    let kept = keep(
        &record,
        match record.status {
            RunStatus::Published => "its tables are published",
            RunStatus::Unknown => "it is not known whether its tables are published",
            _ => "what was published before stays published",
        },
    );
    let (publication, n_checks) = match (outcome, kept) {
        (Ok(outcome), kept) => kept.map(|()| outcome)?,
        (Err(error), kept) => {
            // The error that ended the run comes first.
            if let Err(kept) = kept {
                tracing::warn!("{kept}");
            }
            return Err(error);
        }
    };
    Ok(Outcome {
        publication,
        stages: record.stages,
        tables: record.tables,
        n_checks,
        elapsed: started.elapsed(),
        lake: lake_url,
    })
}

/// Carries a plan out under a lease on all versions that it reads or writes. What is found damaged or gone on the way is made again.
fn leased(
    runtime: &Runtime,
    path: &Path,
    first: Plan,
    options: &Options,
    record: &mut RunRecord,
) -> Result<(Publication, usize), RunError> {
    let lake = first.lake.clone();
    // Each time a version less is there to be damaged.
    let mut n_left = first.steps.iter().map(|step| step.node.writes.len()).sum::<usize>();
    let keeps = first.keeps();
    let lease = lake.lease(&options.command, keeps, LeaseTimes::default(), runtime.handle());
    let lease = runtime.block_on(lease)?;
    // What was planned with before the lease; later plans are made under it.
    let mut next = first.looked_at_again(runtime);
    let outcome = loop {
        let step =
            next.and_then(|plan| without_panic(|| carry_out(runtime, plan, options, record)));
        match step {
            Err(RunError::Lake(error @ (LakeError::Damaged { .. } | LakeError::Lost { .. })))
                if n_left > 0 =>
            {
                tracing::warn!("{error}: it is made again now");
                n_left -= 1;
                next = plan(runtime, path, options);
            }
            outcome => break outcome,
        }
    };
    if let Err(error) = runtime.block_on(lease.release()) {
        tracing::warn!("{error}; the run's lease expires by itself");
    }
    outcome
}

/// What `work` comes to; a panic is an error, so that the run's record ends.
fn without_panic<T>(work: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    caught(work).unwrap_or_else(|text| Err(RunError::Panic(text)))
}

/// What `work` gives.
///
/// # Errors
///
/// What it said when it panicked.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("no reason is given").to_owned()
    })
}

impl Plan {
    /// The folders and files of the versions that carrying it out reads or writes.
    fn keeps(&self) -> BTreeSet<String> {
        let folders = self.steps.iter().flat_map(|step| {
            let folder = |table: &String| lake::folder_of(table, &step.fingerprint);
            step.node.writes.iter().map(folder)
        });
        let versions = self.steps.iter().flat_map(|step| step.versions.iter().flatten());
        let files = versions.flat_map(|version| &version.files).map(|file| file.path.clone());
        folders.chain(files).collect()
    }

    /// The same, with versions that are no longer there to be made: of a folder's lake its lock says that none is.
    fn looked_at_again(mut self, runtime: &Runtime) -> Result<Self, RunError> {
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

fn carry_out(
    runtime: &Runtime,
    plan: Plan,
    options: &Options,
    record: &mut RunRecord,
) -> Result<(Publication, usize), RunError> {
    let Plan { pipeline, lake, published, replaced, steps, files, threads, .. } = plan;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|_| RunError::Threads(threads))?;
    let verified = Verified::new(&lake, runtime, &pool);
    let bar = progress(options.progress, steps.len());
    let mut current: BTreeMap<String, TableVersion> = BTreeMap::new();
    let mut stale: BTreeSet<String> = BTreeSet::new();
    let mut built: BTreeSet<String> = BTreeSet::new();
    for step in steps {
        bar.set_message(step.node.name.clone());
        let began = Instant::now();
        let versions = match (step.action, step.versions) {
            (Action::Build, _) => {
                tracing::info!(stage = step.node.name, why = step.why, "stage started");
                let maker = Maker {
                    runtime,
                    pool: &pool,
                    pipeline: &pipeline,
                    lake: &lake,
                    files: &files,
                    verified: &verified,
                    cluster: options.cluster.as_deref(),
                };
                let versions = maker.build(&step.node, &step.fingerprint, &current)?;
                built.extend(step.node.writes.iter().cloned());
                // What was touched while it was read may have been read.
                let mut reads = step.node.reads.iter().filter_map(|table| current.get(table));
                if let Err(error) = reads.try_for_each(|version| verified.read(version)) {
                    for version in &versions {
                        runtime.block_on(lake.unmark(version))?;
                    }
                    return Err(error.into());
                }
                versions
            }
            (_, Some(versions)) => versions,
            (_, None) => {
                stale.extend(step.node.writes.iter().cloned());
                bar.inc(1);
                continue;
            }
        };
        let rows = versions.iter().map(TableVersion::rows).sum();
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let action = if step.action == Action::Build { "built" } else { "reused" };
        if step.action == Action::Build {
            tracing::info!(stage = step.node.name, rows, millis, "stage ended");
        }
        if step.action != Action::Skip {
            record.parts.insert(step.node.name.clone(), step.parts);
            let done = StageRecord {
                stage: step.node.name.clone(),
                action: action.to_owned(),
                why: step.why,
                millis,
                rows,
            };
            match record.stages.iter_mut().find(|known| known.stage == done.stage) {
                // Where a run begins anew, what it made before was made.
                Some(_) if step.action != Action::Build => {}
                Some(known) => *known = done,
                None => record.stages.push(done),
            }
        }
        for version in versions {
            current.insert(version.table.clone(), version);
        }
        record.tables.clone_from(&current);
        bar.inc(1);
    }
    bar.finish_and_clear();

    // Readers must not see new tables beside old ones that were made from something else.
    let old = published.as_ref().map(|catalog| &catalog.tables);
    let held: Vec<String> = stale
        .into_iter()
        .filter(|table| old.is_some_and(|tables| tables.contains_key(table)))
        .collect();
    if !held.is_empty() {
        return Ok((Publication::Held(held), 0));
    }
    let (checks, n_checks) =
        check(runtime, &pipeline, &lake, &verified, &current, published.as_ref())?;
    let is_same = published
        .as_ref()
        .is_some_and(|catalog| catalog.tables == current && catalog.checks == checks);
    if is_same {
        return Ok((Publication::Unchanged, n_checks));
    }
    let catalog = Catalog {
        format: Catalog::FORMAT,
        run: record.run.clone(),
        pipeline: pipeline.name.clone(),
        published_at: clock::now(),
        tables: current,
        checks,
    };
    // What is published is there; an old version that comes back may have been damaged while nobody read it.
    for (table, version) in &catalog.tables {
        let was_published =
            published.as_ref().is_some_and(|old| old.tables.get(table) == Some(version));
        if was_published || built.contains(table) {
            verified.look(version)?;
        } else {
            verified.read(version)?;
        }
    }
    // The record first: a published run is always one that `gc` knows, and from which its catalog can be made again.
    record.published_at = Some(catalog.published_at.clone());
    record.checks.clone_from(&catalog.checks);
    let kept = runtime.block_on(lake.put_run(record));
    let publication = "nothing was published";
    kept.map_err(|source| RunError::Record { publication, source: Box::new(source) })?;
    if let Err(error) = runtime.block_on(lake.publish(&catalog, &replaced)) {
        // What the store answered may not be what it did: another answer was lost, or another run made the same.
        match runtime.block_on(lake.catalog()) {
            Ok(Some(now)) if now == catalog => {
                tracing::warn!(
                    "the store's answer was lost, but the catalog in the lake is that of this run: it is published"
                );
            }
            Ok(Some(now)) if now.tables == catalog.tables && now.checks == catalog.checks => {
                return Ok((Publication::Unchanged, n_checks));
            }
            Ok(_) => return Err(error.into()),
            Err(_) => {
                return Err(RunError::Unknown {
                    lake: lake.url().to_owned(),
                    source: Box::new(error),
                });
            }
        }
    }
    tracing::info!(run = record.run, tables = catalog.tables.len(), "published");
    Ok((Publication::Published, n_checks))
}

fn progress(is_shown: bool, n_steps: usize) -> indicatif::ProgressBar {
    if !is_shown {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(n_steps as u64);
    if let Ok(style) =
        indicatif::ProgressStyle::with_template("{bar:24} {pos}/{len} {msg} {elapsed}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// What making a version takes.
struct Maker<'a> {
    runtime: &'a Runtime,
    pool: &'a rayon::ThreadPool,
    pipeline: &'a Pipeline,
    lake: &'a Lake,
    files: &'a BTreeMap<String, Content>,
    verified: &'a Verified<'a>,
    cluster: Option<&'a dyn Cluster>,
}

impl<'a> Maker<'a> {
    /// Other machines, for work that writes `drafts`.
    fn remote(&self, drafts: BTreeMap<String, TableVersion>) -> Option<RemoteExecutor<'a>> {
        let cluster = self.cluster?;
        let hash = |(file, content): (&String, &Content)| (file.clone(), content.hash.clone());
        let planned = self.files.iter().map(hash).collect();
        let same = graph::identity(self.pipeline);
        Some(RemoteExecutor::new(cluster, self.pipeline, same, self.lake, planned, drafts))
    }

    /// Ends a version, whoever wrote its files.
    fn complete(&self, version: &TableVersion) -> Result<(), RunError> {
        if self.cluster.is_some() {
            self.is_here(version)?;
        }
        Ok(self.runtime.block_on(self.lake.complete(version))?)
    }

    /// What another machine wrote to a folder of its own is not here.
    fn is_here(&self, version: &TableVersion) -> Result<(), RunError> {
        match self.runtime.block_on(self.lake.verify(version)) {
            Err(LakeError::Lost { path, .. }) => {
                Err(RunError::NotShared { lake: self.lake.url().to_owned(), path })
            }
            verified => Ok(verified?),
        }
    }

    fn build(
        &self,
        node: &Node,
        fingerprint: &Fingerprint,
        current: &BTreeMap<String, TableVersion>,
    ) -> Result<Vec<TableVersion>, RunError> {
        for table in &node.reads {
            let version = current.get(table).ok_or_else(|| RunError::NotMade {
                node: node.name.clone(),
                table: table.clone(),
            })?;
            self.verified.read(version)?;
        }
        let made_at = clock::now();
        if let Some(sql) = &node.sql {
            return Ok(vec![self.build_sql(node, sql, fingerprint, current, &made_at)?]);
        }
        if let Some(table) = graph::table_of(self.pipeline, node) {
            return Ok(vec![self.build_table(node, table, fingerprint, made_at)?]);
        }
        let stopped =
            |source| RunError::Stage { stage: node.name.clone(), source: Box::new(source) };
        let drafts = node.writes.iter().filter_map(|table| {
            let contract = Contract::of(table)?;
            let draft = self.lake.draft(contract, node.stage.name(), fingerprint, &made_at);
            Some((table.clone(), draft))
        });
        let drafts: BTreeMap<String, TableVersion> = drafts.collect();
        let files = Files {
            lake: self.lake,
            runtime: self.runtime.handle().clone(),
            remote: self.remote(drafts.clone()),
            drafts,
            inputs: node
                .reads
                .iter()
                .map(|table| (table.clone(), current[table].clone()))
                .collect(),
        };
        let mut output = if node.stage == StageName::Models {
            let results = self.estimate(node, current)?;
            stages::models::rows(&results).map_err(stopped)?
        } else {
            let mut input = Input::new();
            for table in node.reads.iter().filter(|table| !graph::streams(node.stage, table)) {
                let batches = self.runtime.block_on(self.lake.read(&current[table], &[]))?;
                input.insert(table.clone(), batches);
            }
            let output =
                self.pool.install(|| stages::run(node.stage, self.pipeline, &input, &files));
            output.map_err(stopped)?
        };
        if node.stage == StageName::Ingest {
            self.files_are_as_planned()?;
        }
        let mut versions = Vec::new();
        for table in &node.writes {
            let draft = files.drafts.get(table).cloned();
            let (Some(mut version), Some(made)) = (draft, output.remove(table.as_str())) else {
                let why = format!("the stage gave no rows for `{table}`");
                return Err(stopped(StageError::Data(why)));
            };
            self.runtime.block_on(async {
                match made {
                    Made::Files(files) if !files.is_empty() => version.files = files,
                    made => {
                        let mut writer = self.lake.writer(&version)?;
                        if let Made::Rows(batches) = made {
                            for batch in batches {
                                writer.write(batch).await?;
                            }
                        }
                        version.files.push(writer.finish().await?);
                    }
                }
                Ok::<_, LakeError>(())
            })?;
            self.complete(&version)?;
            versions.push(version);
        }
        Ok(versions)
    }

    /// The fingerprint says which bytes were read; they must be those that were planned with.
    fn files_are_as_planned(&self) -> Result<(), RunError> {
        for file in self.pipeline.sources.iter().flat_map(|source| &source.files) {
            let planned = self.files.get(&file.label);
            let is_same = match &file.place {
                Place::Local(path) => {
                    let unreadable = |source| RunError::File { path: path.clone(), source };
                    let state = State::of(path).map_err(unreadable)?.text;
                    let is_of = |of: &State| of.text == state;
                    planned.is_some_and(|planned| planned.state.as_ref().is_some_and(is_of))
                        || planned.map(|planned| &planned.hash)
                            == Some(
                                &std::fs::File::open(path)
                                    .and_then(Fingerprint::of_reader)
                                    .map_err(unreadable)?,
                            )
                }
                Place::Remote(remote) => {
                    let state = self.runtime.block_on(remote.state_now());
                    state.map_err(PipelineError::from)? == remote.state()
                }
            };
            if !is_same {
                return Err(RunError::FileChanged(file.label.clone()));
            }
        }
        Ok(())
    }

    /// The results of the pipeline's models, with what is said of these.
    fn estimate(
        &self,
        node: &Node,
        current: &BTreeMap<String, TableVersion>,
    ) -> Result<Vec<(Heading, Estimated)>, RunError> {
        let session = sql_session(self.lake, self.pipeline, 1)?;
        for table in &node.reads {
            session.register(&current[table])?;
        }
        let runner = Runner { session: &session, runtime: self.runtime.handle() };
        let mut results = Vec::new();
        for model in &self.pipeline.models {
            let found = self.pool.install(|| runner.run(model))?;
            for result in &found {
                if let Some(failure) = &result.summary.failure {
                    let Estimated { model, specification, outcome, .. } = result;
                    tracing::warn!(model, specification, outcome, "not estimated: {failure}");
                }
            }
            results.extend(found.into_iter().map(|result| (model.heading(), result)));
        }
        Ok(results)
    }

    /// A table from elsewhere, as it is.
    fn build_table(
        &self,
        node: &Node,
        table: &pipeline::Table,
        fingerprint: &Fingerprint,
        made_at: String,
    ) -> Result<TableVersion, RunError> {
        let (schema, rows) = tables::read(&table.path, &table.types, self.runtime.handle())?;
        let version = TableVersion {
            table: node.name.clone(),
            stage: node.stage.name().to_owned(),
            fingerprint: fingerprint.clone(),
            files: Vec::new(),
            key: Vec::new(),
            about: table.about.clone(),
            columns: Lake::columns_of(&node.name, &schema)?,
            made_at,
        };
        Ok(self.runtime.block_on(self.lake.write(version, vec![rows]))?)
    }

    /// The statements that make a table: its text, or one for each value of its header `each`, so that what is large is made in parts.
    fn statements(&self, session: &Session, sql: &SqlFile) -> Result<Vec<String>, RunError> {
        let Some((name, query)) = sql.each() else { return Ok(vec![sql.text.clone()]) };
        let failed = |source| RunError::Sql { path: sql.path.clone(), source };
        let (_, batches) = self.runtime.block_on(session.run(query)).map_err(failed)?;
        let mut texts = Vec::new();
        for batch in batches {
            let values = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8);
            let values = values.map_err(|error| failed(QueryError::Run(error.into())))?;
            let is_number = batch.column(0).data_type().is_numeric();
            for value in values.as_string::<i32>().iter().flatten() {
                let literal = if is_number {
                    value.to_owned()
                } else {
                    format!("'{}'", value.replace('\'', "''"))
                };
                texts.push(sql.text.replace(&format!("${name}"), &literal));
            }
        }
        if texts.is_empty() {
            // Without values there are no rows, but columns.
            texts.push(sql.text.replace(&format!("${name}"), "null"));
        }
        Ok(texts)
    }

    fn build_sql(
        &self,
        node: &Node,
        sql: &SqlFile,
        fingerprint: &Fingerprint,
        current: &BTreeMap<String, TableVersion>,
        made_at: &str,
    ) -> Result<TableVersion, RunError> {
        // One partition: sums of floats must not depend on the number of cores.
        let session = sql_session(self.lake, self.pipeline, 1)?;
        for table in &node.reads {
            session.register(&current[table])?;
        }
        let failed = |source| RunError::Sql { path: sql.path.clone(), source };
        let texts = self.statements(&session, sql)?;
        let open = |text: &str| self.runtime.block_on(session.open(text)).map_err(failed);
        let mut first = open(&texts[0])?;
        let schema = first.schema.clone();
        let version = match Contract::of(&sql.name) {
            Some(contract) => self.lake.draft(contract, &node.name, fingerprint, made_at),
            None => TableVersion {
                table: sql.name.clone(),
                stage: node.name.clone(),
                fingerprint: fingerprint.clone(),
                files: Vec::new(),
                key: sql
                    .header("key")
                    .map(|key| key.split(',').map(|name| name.trim().to_owned()).collect())
                    .unwrap_or_default(),
                about: sql.header("about").unwrap_or_default().to_owned(),
                columns: Lake::columns_of(&sql.name, &schema)?,
                made_at: made_at.to_owned(),
            },
        };
        let mut version = version;
        if let Some(remote) = self.remote(BTreeMap::new()) {
            let reads: Vec<_> = node.reads.iter().map(|table| current[table].clone()).collect();
            self.add_remote(&mut version, &remote, &reads, sql, texts)?;
            self.complete(&version)?;
            return Ok(version);
        }
        let mut writer = self.lake.writer(&version)?;
        let mut add = |rows: &mut query::Rows| -> Result<(), RunError> {
            while let Some(batch) = self.runtime.block_on(rows.next()).map_err(failed)? {
                self.runtime.block_on(writer.write(batch))?;
            }
            Ok(())
        };
        add(&mut first)?;
        for text in &texts[1..] {
            add(&mut open(text)?)?;
        }
        version.files.push(self.runtime.block_on(writer.finish())?);
        self.complete(&version)?;
        Ok(version)
    }

    /// Has statements run elsewhere, each into a file of its own, and makes one file of them as if they were run here.
    fn add_remote(
        &self,
        version: &mut TableVersion,
        remote: &RemoteExecutor<'_>,
        reads: &[TableVersion],
        sql: &SqlFile,
        texts: Vec<String>,
    ) -> Result<(), RunError> {
        let is_whole = texts.len() == 1;
        // Parts are of a version that nothing names: of two runs at once neither finds the other's, and what a killed run
        // leaves is garbage.
        let parts = if is_whole {
            version.clone()
        } else {
            let own =
                format!("{} {} {}", version.fingerprint, std::process::id(), clock::run_name());
            TableVersion { fingerprint: Fingerprint::of(own.as_bytes()), ..version.clone() }
        };
        let tasks = texts.into_iter().enumerate().map(|(at, text)| Task::Sql {
            text,
            reads: reads.to_vec(),
            version: parts.clone(),
            name: format!("part-{at:05}.parquet"),
        });
        let failed =
            |source| RunError::RemoteSql { path: sql.path.clone(), source: Box::new(source) };
        let files: Vec<DataFile> = remote.perform(tasks).map_err(failed)?;
        if is_whole {
            version.files = files;
            return Ok(());
        }
        let parts = TableVersion { files, ..parts };
        self.is_here(&parts)?;
        let whole = self.runtime.block_on(async {
            let mut writer = self.lake.writer(version)?;
            for file in &parts.files {
                let part = TableVersion { files: vec![file.clone()], ..parts.clone() };
                for batch in self.lake.read(&part, &[]).await? {
                    writer.write(batch).await?;
                }
            }
            let whole = writer.finish().await?;
            self.lake.remove(&parts).await?;
            Ok::<_, LakeError>(whole)
        })?;
        version.files.push(whole);
        Ok(())
    }
}

/// Runs the checks that did not hold before on the same tables; gives them all with what they held on.
fn check(
    runtime: &Runtime,
    pipeline: &Pipeline,
    lake: &Lake,
    verified: &Verified<'_>,
    current: &BTreeMap<String, TableVersion>,
    published: Option<&Catalog>,
) -> Result<(BTreeMap<String, Fingerprint>, usize), RunError> {
    let session = sql_session(lake, pipeline, 1)?;
    for version in current.values() {
        session.register(version)?;
    }
    let mut held = BTreeMap::new();
    let mut failed = Vec::new();
    let mut n_run = 0;
    let mut n_without_records = 0;
    for file in &pipeline.checks {
        let broken = |source| RunError::Sql { path: file.path.clone(), source };
        let tables = session.tables_read(&file.text).map_err(broken)?;
        if tables.contains("customs.records") && !pipeline.keeps_records {
            n_without_records += 1;
            continue;
        }
        // A part of a pipeline is checked in part.
        if tables.iter().any(|t| !current.contains_key(t) && is_made_by(pipeline, t)) {
            continue;
        }
        let mut maker = lake::Fingerprinter::default();
        let code = stages::version(StageName::Panels).to_string();
        maker.add("code", code.as_bytes());
        maker.add("sql", file.meaning().as_bytes());
        for table in &tables {
            if let Some(version) = current.get(table) {
                maker.add(table, version.fingerprint.as_str().as_bytes());
            }
        }
        let fingerprint = maker.finish();
        let held_before =
            published.is_some_and(|catalog| catalog.checks.get(&file.name) == Some(&fingerprint));
        if !held_before {
            for version in tables.iter().filter_map(|table| current.get(table)) {
                verified.read(version)?;
            }
            let (_, rows) = runtime.block_on(session.run(&file.text)).map_err(broken)?;
            n_run += 1;
            let n_rows = rows.iter().map(RecordBatch::num_rows).sum();
            if n_rows > 0 {
                failed.push(FailedCheck {
                    path: file.path.clone(),
                    n_rows,
                    first_rows: first_rows(&rows),
                });
                continue;
            }
        }
        held.insert(file.name.clone(), fingerprint);
    }
    if n_without_records > 0 {
        tracing::info!("{n_without_records} checks not run, as records are not kept");
    }
    if failed.is_empty() { Ok((held, n_run)) } else { Err(RunError::Checks(failed)) }
}

fn is_made_by(pipeline: &Pipeline, table: &str) -> bool {
    Contract::of(table).is_some() || pipeline.sql.iter().any(|file| file.name == table)
}

fn first_rows(rows: &[RecordBatch]) -> String {
    const SHOWN: usize = 10;
    let mut left = SHOWN;
    let mut shown = Vec::new();
    for batch in rows {
        let n = batch.num_rows().min(left);
        shown.push(batch.slice(0, n));
        left -= n;
    }
    arrow::util::pretty::pretty_format_batches(&shown)
        .map_or_else(|error| error.to_string(), |table| table.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_text() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
        let there = |text: &'static str| {
            without_panic(|| -> Result<(), RunError> {
                pool.install(|| [1, 2].par_iter().for_each(|at| assert!(*at < 2, "{text}")));
                Ok(())
            })
        };
        let error = there("a sum is no number").expect_err("a panic");
        assert!(error.to_string().contains("a sum is no number"), "{error}");
        assert_eq!(error.exit_code(), 1);
    }
}
