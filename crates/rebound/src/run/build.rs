//! Makes the tables of a node.

use super::content::{Content, is_as_planned};
use super::error::RunError;
use super::plan::Step;
use crate::clock;
use crate::graph;
use crate::node::{Node, Work};
use crate::verified::Verified;
use lake::{
    Catalog, Column, ContentHash, Contract, DataFile, Fingerprint, Kind, Lake, LakeError,
    TableVersion, UnitRecord,
};
use project::classification::{CLASSIFICATION, MEASURE, REVISION, UNIT};
use project::pipeline::{Pipeline, Table};
use sources::user_tables::{self, Uses};
use stages::remote::{Cluster, RemoteExecutor};
use stages::{
    Choice, Context, FileInput, Input, Made, PlannedStage, StageError, Unit, UnitCounts, contracts,
};
use std::collections::BTreeMap;
use tokio::runtime::Runtime;
use trade::layout::Measure;

/// What making a version takes.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) pipeline: &'a Pipeline,
    pub(super) lake: &'a Lake,
    pub(super) files: &'a BTreeMap<String, Content>,
    pub(super) verified: &'a Verified<'a>,
    pub(super) cluster: Option<&'a dyn Cluster>,
    /// Which units of each node may be made, and which are made again.
    pub(super) choices: BTreeMap<String, Choice>,
}

/// Which units of each step may be made, and which are made again.
pub(super) fn choices(steps: &[Step]) -> BTreeMap<String, Choice> {
    steps.iter().map(|step| (step.node.name.clone(), step.choice.clone())).collect()
}

/// What was made of a node.
#[derive(Debug)]
pub(super) struct Built {
    /// The versions of its tables.
    pub(super) versions: Vec<TableVersion>,
    /// The units that were made, to be kept once it is known that nothing changed meanwhile.
    pub(super) units: Vec<UnitRecord>,
    /// How many were made and used again.
    pub(super) counts: UnitCounts,
    /// The files of those that were used again.
    pub(super) reused: Vec<DataFile>,
}

impl Built {
    /// These versions, with the units that `context` noted.
    pub(super) fn of(versions: Vec<TableVersion>, context: &Context<'_>) -> Self {
        let (units, counts, reused) = context.take_units();
        Self { versions, units, counts, reused }
    }
}

impl<'a> Builder<'a> {
    /// Other machines, for work that writes `drafts`.
    pub(super) fn remote(
        &self,
        drafts: BTreeMap<String, TableVersion>,
    ) -> Result<Option<RemoteExecutor<'a>>, RunError> {
        let Some(cluster) = self.cluster else { return Ok(None) };
        let hash = |(file, content): (&String, &Content)| (file.clone(), content.hash.clone());
        let planned = self.files.iter().map(hash).collect();
        let same = graph::identity(self.pipeline)?;
        Ok(Some(RemoteExecutor::new(cluster, self.pipeline, same, self.lake, planned, drafts)))
    }

    /// Ends a version, whoever wrote its files.
    fn complete(&self, version: &TableVersion) -> Result<(), RunError> {
        if self.cluster.is_some() {
            self.is_here(version)?;
        }
        Ok(self.runtime.block_on(self.lake.complete(version))?)
    }

    /// What another machine wrote to a folder of its own is not here.
    pub(super) fn is_here(&self, version: &TableVersion) -> Result<(), RunError> {
        match self.runtime.block_on(self.lake.verify(version)) {
            Err(LakeError::Lost { path, .. }) => {
                Err(RunError::NotShared { lake: self.lake.url().to_owned(), path })
            }
            verified => Ok(verified?),
        }
    }

    /// Makes the tables of a step from those that `current` has.
    pub(super) fn build(
        &self,
        step: &Step,
        current: &BTreeMap<String, TableVersion>,
    ) -> Result<Built, RunError> {
        let Step { node, fingerprint, .. } = step;
        for table in &node.reads {
            if !current.contains_key(table) {
                return Err(RunError::NotMade { node: node.name.clone(), table: table.clone() });
            }
        }
        let made_at = clock::now();
        let built = match &node.work {
            Work::Stage(stage) if stage.by_units => {
                self.build_stage(node, stage, fingerprint, current, &made_at)?
            }
            Work::Sql(sql) if self.is_by_values(sql)? => {
                self.build_sql_by_values(node, sql, fingerprint, current, &made_at)?
            }
            work => self.build_whole(node, work, fingerprint, current, made_at)?,
        };
        // The fingerprint says which bytes were read; they must be those that were planned with.
        for FileInput { file, .. } in &node.files {
            if !is_as_planned(self.runtime, file, self.files.get(&file.label))? {
                return Err(RunError::FileChanged(file.label.clone()));
            }
        }
        let before = step.versions.as_deref().unwrap_or_default();
        let versions = built.versions.into_iter().map(|made| as_before(before, made)).collect();
        let built = Built { versions, ..built };
        built.versions.iter().try_for_each(|version| self.complete(version))?;
        Ok(built)
    }

    /// Makes tables that are not divided into units, unless they were made before from inputs of the same content.
    fn build_whole(
        &self,
        node: &Node,
        work: &Work,
        fingerprint: &Fingerprint,
        current: &BTreeMap<String, TableVersion>,
        made_at: String,
    ) -> Result<Built, RunError> {
        let context = self.unit_context(node, current, BTreeMap::new())?;
        let stopped = |source| self.stopped(node, source);
        let whole = self.whole(node, current, &context).map_err(stopped)?;
        let kept = context.kept::<Vec<TableVersion>>(&whole).map_err(stopped)?;
        let named = |version| TableVersion {
            fingerprint: fingerprint.clone(),
            made_at: made_at.clone(),
            ..version
        };
        if let Some(versions) = kept {
            return Ok(Built::of(versions.into_iter().map(named).collect(), &context));
        }
        for table in &node.reads {
            self.verified.read(&current[table])?;
        }
        // Its files are where any history would put them.
        let folder = context.unit_folder(&whole);
        let versions = match work {
            Work::Stage(stage) => {
                self.build_stage(node, stage, &folder, current, &made_at)?.versions
            }
            Work::Sql(sql) => vec![self.build_sql(node, sql, &folder, current, &made_at)?],
            Work::Table(table) => {
                vec![self.build_table(node, table, &folder, made_at.clone())?]
            }
        };
        let files = versions.iter().flat_map(|version| &version.files).cloned().collect();
        context.keep(&whole, files, &versions).map_err(stopped)?;
        Ok(Built::of(versions.into_iter().map(named).collect(), &context))
    }

    /// The whole work of a node as one unit.
    pub(super) fn whole(
        &self,
        node: &Node,
        current: &BTreeMap<String, TableVersion>,
        context: &Context<'_>,
    ) -> Result<Unit, StageError> {
        let mut unit = Unit::new(node.name.as_str()).of("parts", &node.own_parts())?;
        for FileInput { file, read_as } in &node.files {
            unit = context.with_file(unit, &file.label)?.of("read_as", read_as)?;
        }
        for table in &node.reads {
            unit = unit.reading(table, current[table].files.iter().cloned());
        }
        Ok(unit)
    }

    /// What the units of a node work with.
    pub(super) fn unit_context(
        &self,
        node: &Node,
        current: &BTreeMap<String, TableVersion>,
        drafts: BTreeMap<String, TableVersion>,
    ) -> Result<Context<'a>, RunError> {
        let (code, inputs) = match &node.work {
            Work::Stage(stage) => {
                let also = stage.also.iter().map(|also| format!(" {} {}", also.name, also.version));
                let own = format!("{} {}{}", stage.name, stage.version, also.collect::<String>());
                (own, stage.reads.clone())
            }
            work @ (Work::Sql(_) | Work::Table(_)) => {
                let files = node.files.iter().cloned().map(Input::File);
                let tables = node.reads.iter().cloned().map(Input::Table);
                let kind = if matches!(work, Work::Sql(_)) { "sql" } else { "table" };
                (kind.to_owned(), tables.chain(files).collect())
            }
        };
        // What files say of themselves is part of them.
        let contracts: Vec<_> =
            node.writes.iter().filter_map(|table| contracts::of(table)).collect();
        let said = contracts.iter().map(|contract| {
            let draft = self.draft(contract, "", &Fingerprint::of(b""), "");
            (draft.key, draft.about, draft.columns, draft.metadata)
        });
        let said = serde_json::to_vec(&(said.collect::<Vec<_>>(), self.said()))
            .map_err(|error| self.stopped(node, StageError::Params(error)))?;
        let code = format!("{code} format {} {}", Catalog::FORMAT, Fingerprint::of(&said));
        let hash = |FileInput { file, .. }: &FileInput| {
            Some((file.label.clone(), self.files.get(&file.label)?.hash.clone()))
        };
        let hashes = node.files.iter().filter_map(hash).collect();
        let memory = self.pipeline.config.engine.memory();
        let choice = self.choices.get(&node.name).cloned().unwrap_or_default();
        Ok(Context::new(self.lake, self.runtime.handle().clone(), memory, drafts)
            .reading(&inputs, current)
            .by_units(&code, hashes, self.verified)
            .choosing(choice))
    }

    pub(super) fn stopped(&self, node: &Node, source: StageError) -> RunError {
        RunError::Stage { stage: node.name.clone(), source: Box::new(source) }
    }

    /// What tables may say of products and values.
    fn said(&self) -> Vec<BTreeMap<String, String>> {
        let column = |name: &str, unit: &str| Column {
            name: name.to_owned(),
            kind: Kind::Text,
            is_nullable: true,
            unit: unit.to_owned(),
            about: String::new(),
        };
        let unit = match self.pipeline.measure() {
            Measure::Other { unit, .. } => unit,
            _ => String::new(),
        };
        let (product, revision) = (column("product", &unit), column("hs_revision", ""));
        vec![self.metadata(std::slice::from_ref(&product)), self.metadata(&[product, revision])]
    }

    /// A new version of a table, still without files; says what its products are, if it has some.
    pub(super) fn draft(
        &self,
        contract: &Contract,
        stage: &str,
        fingerprint: &Fingerprint,
        made_at: &str,
    ) -> TableVersion {
        let draft = self.lake.draft(contract, stage, fingerprint, made_at);
        let mut columns = draft.columns;
        contracts::say_measure(&mut columns, &self.pipeline.measure());
        let metadata = self.metadata(&columns);
        TableVersion { metadata, columns, ..draft }
    }

    /// What is said of a table with these columns: of its products and, where they are no money, of
    /// its values.
    pub(super) fn metadata(&self, columns: &[Column]) -> BTreeMap<String, String> {
        let mut said = self.classification(columns);
        if let Measure::Other { name, unit } = self.pipeline.measure()
            && columns.iter().any(|column| column.unit == unit)
        {
            said.insert(MEASURE.to_owned(), name);
            said.insert(UNIT.to_owned(), unit);
        }
        said
    }

    /// The classification of the products of a table with these columns, and its revision; by record
    /// where a column says it.
    fn classification(&self, columns: &[Column]) -> BTreeMap<String, String> {
        let has = |name: &str| columns.iter().any(|column| column.name == name);
        if !(has("product") || has("product_a")) {
            return BTreeMap::new();
        }
        let by_record = "hs_revision";
        // Records are as they were reported.
        let classification = if has(by_record) {
            self.pipeline.source_classification()
        } else {
            self.pipeline.classification()
        };
        let revision = if !classification.is_hs() {
            classification.revision
        } else if has(by_record) {
            Some(format!("column {by_record}"))
        } else {
            Some(self.pipeline.config.harmonize.target_revision.to_string())
        };
        let said = [(CLASSIFICATION, Some(classification.name)), (REVISION, revision)];
        said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// Has a stage make its tables, and writes the rows that it did not write itself.
    fn build_stage(
        &self,
        node: &Node,
        stage: &PlannedStage,
        fingerprint: &Fingerprint,
        current: &BTreeMap<String, TableVersion>,
        made_at: &str,
    ) -> Result<Built, RunError> {
        let stopped = |source| self.stopped(node, source);
        let drafts = stage.writes.iter().map(|contract| {
            let draft = self.draft(contract, node.maker(), fingerprint, made_at);
            (contract.table.to_owned(), draft)
        });
        let drafts: BTreeMap<String, TableVersion> = drafts.collect();
        let context =
            self.unit_context(node, current, drafts.clone())?.with_remote(self.remote(drafts)?);
        let mut output = self.pool.install(|| stage.run(&context)).map_err(stopped)?;
        context.has_all_chosen().map_err(stopped)?;
        let mut versions = Vec::new();
        for table in &node.writes {
            let draft = context.drafts().get(table).cloned();
            let (Some(version), Some(made)) = (draft, output.remove(table.as_str())) else {
                let why = format!("the stage gave no rows for `{table}`");
                return Err(stopped(StageError::Data(why)));
            };
            versions.push(self.written(version, made)?);
        }
        Ok(Built::of(versions, &context))
    }

    /// The version with what was made of it.
    fn written(&self, mut version: TableVersion, made: Made) -> Result<TableVersion, RunError> {
        match made {
            Made::Files(files) if !files.is_empty() => version.files = files,
            made => {
                let file = self.runtime.block_on(async {
                    let mut writer = self.lake.writer(&version)?;
                    if let Made::Rows(batches) = made {
                        for batch in batches {
                            writer.write(batch).await?;
                        }
                    }
                    writer.finish().await
                })?;
                version.files.push(file);
            }
        }
        Ok(version)
    }

    /// A table from elsewhere, as it is.
    fn build_table(
        &self,
        node: &Node,
        table: &Table,
        fingerprint: &Fingerprint,
        made_at: String,
    ) -> Result<TableVersion, RunError> {
        let (schema, rows) = user_tables::read(&table.path, &table.read, &Uses::default())?;
        let version = TableVersion {
            table: node.name.clone(),
            stage: node.maker().to_owned(),
            fingerprint: fingerprint.clone(),
            files: Vec::new(),
            key: Vec::new(),
            about: table.about.clone(),
            columns: Lake::columns_of(&node.name, &schema)?,
            metadata: BTreeMap::new(),
            made_at,
        };
        self.written(version, Made::Rows(vec![rows]))
    }
}

/// What is made again and has the same files is what it was `before`, so that nothing else is
/// published. Says of a file that has other bytes than before that something is at fault.
fn as_before(before: &[TableVersion], made: TableVersion) -> TableVersion {
    let Some(before) = before.iter().find(|before| before.table == made.table) else { return made };
    let hashes: BTreeMap<&str, &ContentHash> =
        before.files.iter().map(|file| (file.path.as_str(), &file.hash)).collect();
    for file in &made.files {
        if hashes.get(file.path.as_str()).is_some_and(|hash| **hash != file.hash) {
            tracing::warn!(
                "`{}`, made again from the same, has other bytes than before: what made it depends on more than it says, or \
                 the machine is at fault",
                file.path
            );
        }
    }
    if before.files == made.files {
        TableVersion { made_at: before.made_at.clone(), ..made }
    } else {
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_again_as_it_was_is_what_it_was() {
        let file = |path: &str, bytes: &[u8]| {
            let hash = ContentHash::of_reader(bytes).expect("bytes");
            DataFile::new(path.to_owned(), 1, 1, hash)
        };
        let version = |made_at: &str, files: Vec<DataFile>| TableVersion {
            table: "t.a".to_owned(),
            stage: "a".to_owned(),
            fingerprint: Fingerprint::of(b"a"),
            files,
            key: Vec::new(),
            about: String::new(),
            columns: Vec::new(),
            metadata: BTreeMap::new(),
            made_at: made_at.to_owned(),
        };
        let before = version("then", vec![file("x", b"1")]);
        let again = |made: TableVersion| as_before(std::slice::from_ref(&before), made).made_at;
        assert_eq!(again(version("now", vec![file("x", b"1")])), "then");
        assert_eq!(again(version("now", vec![file("x", b"2")])), "now");
        assert_eq!(again(version("now", vec![file("y", b"1")])), "now");
        let other = TableVersion { table: "t.b".to_owned(), ..before.clone() };
        assert_eq!(as_before(&[other], version("now", vec![file("x", b"1")])).made_at, "now");
    }
}
