//! Makes the tables of a node.

use super::content::{Content, is_as_planned};
use super::error::RunError;
use super::plan::sql_session;
use crate::clock;
use crate::graph;
use crate::node::{Node, Work};
use crate::verified::Verified;
use arrow::array::AsArray;
use lake::{Column, Contract, DataFile, Fingerprint, Lake, LakeError, TableVersion};
use project::classification::{CLASSIFICATION, MEASURE, REVISION, UNIT};
use project::pipeline::{Pipeline, SqlFile, Table};
use query::{QueryError, Session};
use sources::user_tables::{self, Uses};
use stages::remote::{Cluster, RemoteExecutor, Task};
use stages::{Context, FileInput, Made, PlannedStage, StageError, contracts};
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
}

impl<'a> Builder<'a> {
    /// Other machines, for work that writes `drafts`.
    fn remote(
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
    fn is_here(&self, version: &TableVersion) -> Result<(), RunError> {
        match self.runtime.block_on(self.lake.verify(version)) {
            Err(LakeError::Lost { path, .. }) => {
                Err(RunError::NotShared { lake: self.lake.url().to_owned(), path })
            }
            verified => Ok(verified?),
        }
    }

    /// Makes the tables of a node from those that `current` has.
    pub(super) fn build(
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
        let versions = match &node.work {
            Work::Stage(stage) => self.build_stage(node, stage, fingerprint, current, &made_at)?,
            Work::Sql(sql) => vec![self.build_sql(node, sql, fingerprint, current, &made_at)?],
            Work::Table(table) => vec![self.build_table(node, table, fingerprint, made_at)?],
        };
        // The fingerprint says which bytes were read; they must be those that were planned with.
        for FileInput { file, .. } in &node.files {
            if !is_as_planned(self.runtime, file, self.files.get(&file.label))? {
                return Err(RunError::FileChanged(file.label.clone()));
            }
        }
        versions.iter().try_for_each(|version| self.complete(version))?;
        Ok(versions)
    }

    /// A new version of a table, still without files; says what its products are, if it has some.
    fn draft(
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
    fn metadata(&self, columns: &[Column]) -> BTreeMap<String, String> {
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
    ) -> Result<Vec<TableVersion>, RunError> {
        let stopped =
            |source| RunError::Stage { stage: node.name.clone(), source: Box::new(source) };
        let drafts = stage.writes.iter().map(|contract| {
            let draft = self.draft(contract, node.maker(), fingerprint, made_at);
            (contract.table.to_owned(), draft)
        });
        let drafts: BTreeMap<String, TableVersion> = drafts.collect();
        let memory = self.pipeline.config.engine.memory();
        let context =
            Context::new(self.lake, self.runtime.handle().clone(), memory, drafts.clone())
                .reading(&stage.reads, current)
                .with_remote(self.remote(drafts)?);
        let mut output = self.pool.install(|| stage.run(&context)).map_err(stopped)?;
        let mut versions = Vec::new();
        for table in &node.writes {
            let draft = context.drafts().get(table).cloned();
            let (Some(version), Some(made)) = (draft, output.remove(table.as_str())) else {
                let why = format!("the stage gave no rows for `{table}`");
                return Err(stopped(StageError::Data(why)));
            };
            versions.push(self.written(version, made)?);
        }
        Ok(versions)
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
                texts.push(query::with_value(&sql.text, name, &literal));
            }
        }
        if texts.is_empty() {
            // Without values there are no rows, but columns.
            texts.push(query::with_value(&sql.text, name, "null"));
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
        let mut version = match contracts::of(&sql.name) {
            Some(contract) => self.draft(contract, &node.name, fingerprint, made_at),
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
                metadata: BTreeMap::new(),
                made_at: made_at.to_owned(),
            },
        };
        version.metadata = self.metadata(&version.columns);
        if let Some(remote) = self.remote(BTreeMap::new())? {
            let reads: Vec<_> = node.reads.iter().map(|table| current[table].clone()).collect();
            self.add_remote(&mut version, &remote, &reads, sql, texts)?;
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
