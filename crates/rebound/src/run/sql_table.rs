//! Makes a table of SQL: as a whole, or by each value of its header `each`, as a unit of work that
//! reads what the header `reads` says.

use super::build::{Builder, Built};
use super::error::RunError;
use super::plan::{shared_session, sql_session};
use super::side_by_side::sharing;
use super::splitter::{Splitter, wrong};
use super::sql_cells::{Cell, cells};
use crate::clock;
use crate::node::Node;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::util::display::array_value_to_string;
use lake::{Column, DataFile, Fingerprint, Kind, Lake, LakeError, TableVersion};
use project::sql_file::{SqlEach, SqlFile, SqlPart, SqlReads};
use query::{QueryError, Session};
use serde::{Deserialize, Serialize};
use stages::remote::{RemoteExecutor, Task};
use stages::{Context, StageError, Unit, contracts};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What stands in the text of a table in parts for the first of those that are made.
const FROM: &str = "from";

/// A value of the header `each`, with what stands for its other names.
pub(super) struct Value {
    /// The value itself first.
    pub(super) cells: Vec<Cell>,
    /// The value, as a text.
    pub(super) text: String,
}

impl Value {
    /// A text, with what its names stand for.
    fn filled(&self, text: &str, each: &SqlEach<'_>) -> String {
        let named = each.names().zip(&self.cells);
        named.fold(text.to_owned(), |text, (name, cell)| {
            query::with_value(&text, name, &cell.literal)
        })
    }
}

/// What was made of a value.
#[derive(Serialize, Deserialize)]
pub(super) struct MadePart {
    pub(super) file: DataFile,
    pub(super) columns: Vec<Column>,
}

/// What a part is written from.
pub(super) struct PartWork<'w> {
    pub(super) node: &'w Node,
    pub(super) sql: &'w SqlFile,
    pub(super) statement: String,
    /// The name of `each`, and its value.
    pub(super) each: (&'w str, &'w str),
    /// The parts that are made, each with the folder of its file.
    pub(super) folders: Vec<(String, Fingerprint)>,
}

/// What a table is made of, value by value and of each part by part.
pub(super) struct Making<'w> {
    pub(super) node: &'w Node,
    pub(super) sql: &'w SqlFile,
    pub(super) each: &'w SqlEach<'w>,
    pub(super) values: &'w [Value],
    pub(super) parts: &'w [Part],
    /// Of each value those of its parts.
    pub(super) units: &'w [Unit],
}

/// What is missing of a value.
struct Missing {
    of_value: usize,
    /// The places of its units.
    places: Vec<usize>,
    /// What they read together.
    tables: Vec<TableVersion>,
}

/// A part of what a value makes: the whole, where the text is empty.
#[derive(Default)]
pub(super) struct Part {
    pub(super) text: String,
    /// The file that it reads alone.
    pub(super) file: Option<DataFile>,
}

impl Builder<'_> {
    /// The values of the header `each`.
    fn values(&self, session: &Session, sql: &SqlFile) -> Result<Vec<Value>, RunError> {
        let Some(each) = sql.each() else { return Ok(Vec::new()) };
        let failed = |source| RunError::Sql { path: sql.path.clone(), source };
        let (_, batches) =
            self.runtime.block_on(cancel::until(session.run(each.query))).map_err(failed)?;
        let n_names = each.names().count();
        let mut values = Vec::new();
        for batch in batches {
            if batch.num_columns() != n_names {
                let n_columns = batch.num_columns();
                return Err(wrong(
                    sql,
                    format!("`each` has {n_names} names, and its query gives {n_columns} columns"),
                ));
            }
            let columns = batch.columns().iter().map(cells).collect::<Result<Vec<_>, _>>();
            let columns = columns.map_err(|error| failed(QueryError::Run(error.into())))?;
            let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
            for _ in 0..batch.num_rows() {
                let row: Vec<Option<Cell>> =
                    columns.iter_mut().map(|column| column.next().flatten()).collect();
                // Nothing is made of a value that is null.
                let Some(text) = row[0].as_ref().map(|cell| cell.text.clone()) else { continue };
                let null = || Cell { literal: "null".to_owned(), text: String::new() };
                let cells = row.into_iter().map(|cell| cell.unwrap_or_else(null)).collect();
                values.push(Value { cells, text });
            }
        }
        Ok(values)
    }

    /// The statements that make a table: its text, or one for each value of its header `each`, so that what is large is made in parts.
    fn statements(&self, session: &Session, sql: &SqlFile) -> Result<Vec<String>, RunError> {
        let Some(each) = sql.each() else { return Ok(vec![sql.text.clone()]) };
        let values = self.values(session, sql)?;
        let mut texts: Vec<String> = values.iter().map(|of| of.filled(&sql.text, &each)).collect();
        if texts.is_empty() {
            // Without values there are no rows, but columns.
            let none = |text: String, name| query::with_value(&text, name, "null");
            texts.push(each.names().fold(sql.text.clone(), none));
        }
        if part_of(sql)?.is_some_and(|part| part.of.is_some()) {
            // As a whole it is made of all parts.
            let whole = |text: &String| query::with_value(text, FROM, "null");
            return Ok(texts.iter().map(whole).collect());
        }
        Ok(texts)
    }

    pub(super) fn build_sql(
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
        let open =
            |text: &str| self.runtime.block_on(cancel::until(session.open(text))).map_err(failed);
        let mut first = open(&texts[0])?;
        let schema = first.schema.clone();
        let mut version = self.sql_draft(node, sql, &schema, fingerprint, made_at)?;
        if part_of(sql)?.is_none()
            && let Some(remote) = self.remote(BTreeMap::new())?
        {
            let reads: Vec<_> = node.reads.iter().map(|table| current[table].clone()).collect();
            self.add_remote(&mut version, &remote, &reads, sql, texts)?;
            return Ok(version);
        }
        let column = part_of(sql)?.filter(|part| part.of.is_none()).map(|part| part.column);
        let has_parts = column.is_some();
        let named = |file: DataFile| match &file.unit {
            Some(_) if has_parts => file,
            _ => DataFile { unit: None, ..file },
        };
        let splitter = Splitter::whole(sql, (self.lake, self.pool), &version, column);
        let files = splitter.write_beside(self.runtime, |hand| {
            let mut hand = |batch| Ok(hand(batch));
            self.hand_over(sql, &mut first, &mut hand)?;
            let mut others = texts[1..].iter();
            others.try_for_each(|text| self.hand_over(sql, &mut open(text)?, &mut hand))
        })?;
        version.files = files.into_iter().map(named).collect();
        Ok(version)
    }

    /// Hands the rows of a query over, as long as they are taken.
    fn hand_over(
        &self,
        sql: &SqlFile,
        rows: &mut query::Rows,
        hand: &mut dyn FnMut(RecordBatch) -> Result<ControlFlow<()>, RunError>,
    ) -> Result<(), RunError> {
        let failed = |source| RunError::Sql { path: sql.path.clone(), source };
        while let Some(batch) = self.runtime.block_on(cancel::until(rows.next())).map_err(failed)? {
            if hand(batch)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// A version of a table of SQL with the columns of `schema`, still without files.
    fn sql_draft(
        &self,
        node: &Node,
        sql: &SqlFile,
        schema: &SchemaRef,
        fingerprint: &Fingerprint,
        made_at: &str,
    ) -> Result<TableVersion, RunError> {
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
                columns: Lake::columns_of(&sql.name, schema)?,
                metadata: BTreeMap::new(),
                made_at: made_at.to_owned(),
            },
        };
        version.metadata = self.metadata(&version.columns);
        if let Some(SqlPart { column, of }) = part_of(sql)? {
            let place = usize::from(of.is_some());
            if !version.key.is_empty() && version.key.get(place) != Some(&column) {
                let which = if place == 0 { "first" } else { "second" };
                let why = format!(
                    "`part: {column}` divides the rows, which stand in the order of the key: `{column}` must \
                     be the {which} column of `key`"
                );
                return Err(wrong(sql, why));
            }
        }
        Ok(version)
    }

    /// Whether a table of SQL says what each value of its header `each` reads.
    pub(super) fn is_by_values(&self, sql: &SqlFile) -> Result<bool, RunError> {
        Ok(!reads_of(sql)?.is_empty())
    }

    /// Makes a table of SQL value by value, and of each value part by part.
    pub(super) fn build_sql_by_values(
        &self,
        node: &Node,
        sql: &SqlFile,
        fingerprint: &Fingerprint,
        current: &BTreeMap<String, TableVersion>,
        made_at: &str,
    ) -> Result<Built, RunError> {
        let stopped = |source| self.stopped(node, source);
        let context = self.unit_context(node, current, BTreeMap::new())?;
        let Some(each) = sql.each() else {
            return Err(wrong(sql, "there is no `each`".to_owned()));
        };
        let name = each.name;
        let session = sql_session(self.lake, self.pipeline, 1)?;
        let failed = |source| RunError::Sql { path: sql.path.clone(), source };
        for table in session.tables_read(each.query).map_err(failed)? {
            self.verified.read(&current[&table])?;
            session.register(&current[&table])?;
        }
        let values = self.values(&session, sql)?;
        let reads = reads_of(sql)?;
        let divided = part_of(sql)?.and_then(|part| part.of);
        let parts = divided.as_ref().map(|of| parts_of(sql, &current[of])).transpose()?;
        let parts = parts.unwrap_or_else(|| vec![Part::default()]);
        if values.is_empty() || parts.is_empty() {
            for table in &node.reads {
                self.verified.read(&current[table])?;
            }
            let version = self.build_sql(node, sql, fingerprint, current, made_at)?;
            return Ok(Built::of(vec![version], &context));
        }
        let units = values.iter().flat_map(|value| parts.iter().map(move |part| (value, part)));
        let units: Vec<Unit> = units
            .map(|(value, part)| {
                let unit = self.value_unit(sql, &reads, value, part, current)?;
                Ok(match &divided {
                    Some(of) => unit.reading(of, part.file.iter().cloned()),
                    None => unit,
                })
            })
            .collect::<Result<_, RunError>>()?;
        let mut made = context.all_kept::<MadePart>(&units).map_err(stopped)?;
        context.has_all_chosen().map_err(stopped)?;
        let making =
            Making { node, sql, each: &each, values: &values, parts: &parts, units: &units };
        self.make_missing(&making, &context, &mut made)?;
        let made: Vec<MadePart> = made.into_iter().flatten().collect();
        self.prove(&making, &made, &context, &reads, divided.as_deref(), current)?;
        let columns = columns_of(sql, &units, &made)?;
        let schema = lake::contract::schema(&columns);
        let draft = self.sql_draft(node, sql, &schema, fingerprint, made_at)?;
        ordered(sql, name, &draft, &values)?;
        let files = made.into_iter().map(|part| part.file).collect();
        Ok(Built::of(vec![TableVersion { files, ..draft }], &context))
    }

    /// Makes the parts that are missing, values side by side.
    fn make_missing(
        &self,
        making: &Making<'_>,
        context: &Context<'_>,
        made: &mut [Option<MadePart>],
    ) -> Result<(), RunError> {
        let stopped = |source| self.stopped(making.node, source);
        let n_parts = making.parts.len();
        let mut missing = Vec::new();
        for of_value in 0..making.values.len() {
            let places = of_value * n_parts..(of_value + 1) * n_parts;
            let places: Vec<usize> = places.filter(|&at| made[at].is_none()).collect();
            if !places.is_empty() {
                let units: Vec<&Unit> = places.iter().map(|&at| &making.units[at]).collect();
                // Looked at here, as all threads look at a file together.
                let tables = read_together(context, &units).map_err(stopped)?;
                missing.push(Missing { of_value, places, tables });
            }
        }
        let mib = self.pipeline.config.engine.memory().mib;
        // Other machines have work enough of one value.
        let n_threads = if self.cluster.is_some() { 1 } else { self.pool.current_num_threads() };
        let found = sharing(n_threads, mib, missing.len(), |at, n_beside| {
            self.make_value(making, context, &missing[at], n_beside)
        })?;
        for (of_value, found) in missing.iter().zip(found) {
            for (&at, part) in of_value.places.iter().zip(found) {
                made[at] = Some(part);
            }
        }
        Ok(())
    }

    /// Makes the parts of a value that are missing, with what one of so many may use, and keeps them.
    fn make_value(
        &self,
        making: &Making<'_>,
        context: &Context<'_>,
        missing: &Missing,
        n_beside: usize,
    ) -> Result<Vec<MadePart>, RunError> {
        let Making { node, sql, each, values, parts, units } = making;
        let value = &values[missing.of_value];
        let part = |at: usize| &parts[at % parts.len()];
        let folder = |&at: &usize| (part(at).text.clone(), context.unit_folder(&units[at]));
        let first = missing.places.first().map_or(0, |&first| first);
        let _making = context.making(&value.text);
        let work = PartWork {
            node,
            sql,
            statement: statement(sql, each, value, part(first)),
            each: (each.name, &value.text),
            folders: missing.places.iter().map(folder).collect(),
        };
        let session = shared_session(self.lake, self.pipeline, n_beside)?;
        let found = self.parts(&session, &work, &missing.tables, "part.parquet")?;
        for (&at, part) in missing.places.iter().zip(&found) {
            let kept = context.keep(&units[at], vec![part.file.clone()], part);
            kept.map_err(|source| self.stopped(node, source))?;
        }
        Ok(found)
    }

    /// The unit that a part of a value is: the statement, and what it reads beside the part.
    fn value_unit(
        &self,
        sql: &SqlFile,
        reads: &[SqlReads],
        value: &Value,
        part: &Part,
        current: &BTreeMap<String, TableVersion>,
    ) -> Result<Unit, RunError> {
        let failed = |source| RunError::Stage { stage: sql.name.clone(), source: Box::new(source) };
        let literals: Vec<&String> = value.cells.iter().map(|cell| &cell.literal).collect();
        let said = (&sql.name, sql.meaning(), literals, &part.text, crate::node::SQL_VERSION);
        let name = [value.text.as_str(), &part.text].join(" ");
        let unit = Unit::new(name.trim_end()).of("sql", &said).map_err(failed)?;
        reads.iter().try_fold(unit, |unit, of| {
            let files = files_read(sql, of, value, &current[&of.table])?;
            Ok(unit.reading(&of.table, files))
        })
    }

    /// Writes the rows of some parts of a value from `tables`; gives the parts in their order.
    pub(super) fn parts(
        &self,
        session: &Session,
        work: &PartWork<'_>,
        tables: &[TableVersion],
        name: &str,
    ) -> Result<Vec<MadePart>, RunError> {
        let PartWork { node, sql, statement, each, folders } = work;
        let failed = |source| RunError::Sql { path: sql.path.clone(), source };
        for table in tables {
            session.register(table)?;
        }
        let mut rows =
            self.runtime.block_on(cancel::until(session.open(statement))).map_err(failed)?;
        let draft = self.sql_draft(node, sql, &rows.schema, &Fingerprint::of(b""), "")?;
        let column = part_of(sql)?.map(|part| part.column);
        let splitter = Splitter::new(sql, (self.lake, self.pool), &draft, column, folders, name);
        let is_keyed = draft.key.first().is_some_and(|key| key == each.0);
        let remote = self.remote(BTreeMap::new())?;
        let files = splitter.write_beside(self.runtime, |hand| {
            let mut checked = |batch: RecordBatch| {
                if is_keyed {
                    has_value(sql, &batch, *each)?;
                }
                Ok(hand(batch))
            };
            let Some(remote) = remote else {
                return self.hand_over(sql, &mut rows, &mut checked);
            };
            let whole = self.written_remotely(&remote, work, tables, &draft)?;
            for batch in self.runtime.block_on(self.lake.read(&whole, &[]))? {
                if checked(batch)?.is_break() {
                    break;
                }
            }
            Ok(self.runtime.block_on(self.lake.remove(&whole))?)
        })?;
        let label = |file: DataFile| DataFile {
            part: file.unit.filter(|part| !part.is_empty()),
            unit: Some(each.1.to_owned()),
            ..file
        };
        let part = |file| MadePart { file: label(file), columns: draft.columns.clone() };
        Ok(files.into_iter().map(part).collect())
    }

    /// Has a statement run elsewhere, into a file that nothing names.
    fn written_remotely(
        &self,
        remote: &RemoteExecutor<'_>,
        work: &PartWork<'_>,
        tables: &[TableVersion],
        draft: &TableVersion,
    ) -> Result<TableVersion, RunError> {
        let path = &work.sql.path;
        let own = format!("{:?} {} {}", work.folders, std::process::id(), clock::run_name());
        let version =
            TableVersion { fingerprint: Fingerprint::of(own.as_bytes()), ..draft.clone() };
        let task = Task::Sql {
            text: work.statement.clone(),
            reads: tables.to_vec(),
            version: version.clone(),
            name: "part-00000.parquet".to_owned(),
        };
        let failed = |source| RunError::RemoteSql { path: path.clone(), source: Box::new(source) };
        let files: Vec<DataFile> = remote.perform([task]).map_err(failed)?;
        let version = TableVersion { files, ..version };
        self.is_here(&version)?;
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

/// The tables that units read together.
pub(super) fn read_together(
    context: &Context<'_>,
    units: &[&Unit],
) -> Result<Vec<TableVersion>, StageError> {
    let mut tables: BTreeMap<String, TableVersion> = BTreeMap::new();
    for unit in units {
        for version in context.of_unit(unit, None)?.input_versions() {
            let all = tables
                .entry(version.table.clone())
                .or_insert_with(|| TableVersion { files: Vec::new(), ..version.clone() });
            let new = version.files.iter().filter(|file| !all.files.contains(file));
            let new: Vec<DataFile> = new.cloned().collect();
            all.files.extend(new);
        }
    }
    Ok(tables.into_values().collect())
}

/// The statement of a value, of parts from this one on: `$from` stands for it.
pub(super) fn statement(sql: &SqlFile, each: &SqlEach<'_>, value: &Value, first: &Part) -> String {
    let text = value.filled(&sql.text, each);
    if first.text.is_empty() { text } else { query::with_value(&text, FROM, &first.text) }
}

/// By what a table is divided, or what is wrong with that.
fn part_of(sql: &SqlFile) -> Result<Option<SqlPart>, RunError> {
    sql.part().map_err(|why| wrong(sql, why))
}

/// The parts of the table that divides another.
fn parts_of(sql: &SqlFile, version: &TableVersion) -> Result<Vec<Part>, RunError> {
    let part = |file: &DataFile| match &file.unit {
        Some(text) => Ok(Part { text: text.clone(), file: Some(file.clone()) }),
        None => {
            let table = &version.table;
            let why = format!("`{table}` is not divided: give it `-- part: column`, too");
            Err(wrong(sql, why))
        }
    };
    version.files.iter().filter(|file| file.rows > 0).map(part).collect()
}

/// What each value reads, or what is wrong with that.
fn reads_of(sql: &SqlFile) -> Result<Vec<SqlReads>, RunError> {
    sql.reads().map_err(|why| wrong(sql, why))
}

/// The columns of all parts, which are those of the first.
fn columns_of(sql: &SqlFile, units: &[Unit], made: &[MadePart]) -> Result<Vec<Column>, RunError> {
    let columns = made.first().map(|part| part.columns.clone()).unwrap_or_default();
    match made.iter().position(|part| part.columns != columns) {
        None => Ok(columns),
        Some(other) => {
            let unit = &units[other].name;
            let why = format!("`{unit}` of `each` gives other columns than the first");
            Err(wrong(sql, why))
        }
    }
}

/// The files of a table that a value reads.
fn files_read(
    sql: &SqlFile,
    of: &SqlReads,
    value: &Value,
    version: &TableVersion,
) -> Result<Vec<DataFile>, RunError> {
    let table = &of.table;
    let mut files: Vec<DataFile> = version.files.clone();
    if let Some(span) = of.of {
        let named = counted(sql, value, span.name)?;
        files.retain(|file| file.rows > 0);
        let Some(units) = files.iter().map(|file| file.unit.as_deref()).collect::<Option<Vec<_>>>()
        else {
            let why = format!("`{table}` is not made by units: say `reads: {table}` without `of`");
            return Err(wrong(sql, why));
        };
        let is_read: Vec<bool> = if span.years == (0, 0) {
            units.iter().map(|unit| *unit == named).collect()
        } else {
            let year = number(sql, named)?;
            let years = (year.saturating_add(span.years.0))..=(year.saturating_add(span.years.1));
            let own = |unit: &&str| unit.parse::<i32>().map(|own| years.contains(&own));
            units.iter().map(own).collect::<Result<_, _>>().map_err(|_| {
                let why =
                    format!("`{table}` is not made by year: say `reads: {table}` without years");
                wrong(sql, why)
            })?
        };
        let mut is_read = is_read.into_iter();
        files.retain(|_| is_read.next().unwrap_or(true));
    }
    if let Some(last) = of.up_to {
        let last = number(sql, counted(sql, value, last)?)?;
        files.retain(|file| file.rows > 0);
        let part = |file: &DataFile| file.part.as_ref().and_then(|part| part.parse::<i32>().ok());
        if files.iter().any(|file| part(file).is_none()) {
            let why = format!(
                "`{table}` has no parts that are numbers: say `reads: {table}` without `up to`"
            );
            return Err(wrong(sql, why));
        }
        files.retain(|file| part(file).is_some_and(|part| part <= last));
    }
    Ok(files)
}

/// What a name stands for that `reads` goes by.
fn counted<'v>(sql: &SqlFile, value: &'v Value, name: usize) -> Result<&'v str, RunError> {
    let text = value.cells[name].text.as_str();
    let named = sql.each().and_then(|each| each.names().nth(name).map(str::to_owned));
    match named.filter(|_| text.is_empty()) {
        None => Ok(text),
        Some(name) => {
            let of = &value.text;
            let why = format!(
                "`{name}` of `each` is null or empty for {of}, and `reads` goes by it: leave {of} out \
                 of the query, or give it a value"
            );
            Err(wrong(sql, why))
        }
    }
}

/// A value that `reads` counts from.
fn number(sql: &SqlFile, text: &str) -> Result<i32, RunError> {
    text.parse().map_err(|_| {
        let why = format!("`{text}` of `each` is no whole number, which `reads` counts from");
        wrong(sql, why)
    })
}

/// Looks whether rows that are sorted by `each` all have its value: the first and the last have it.
fn has_value(
    sql: &SqlFile,
    batch: &RecordBatch,
    (each, value): (&str, &str),
) -> Result<(), RunError> {
    let Some(column) = batch.column_by_name(each) else { return Ok(()) };
    for row in [0, batch.num_rows().saturating_sub(1)] {
        if row < column.len() {
            let found = array_value_to_string(column, row).unwrap_or_default();
            if found != value {
                return Err(wrong(
                    sql,
                    format!(
                        "the rows of {each} {value} have {each} {found}: add `where {each} = ${each}`"
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Looks whether the parts of a table follow each other in the order of its key.
fn ordered(
    sql: &SqlFile,
    each: &str,
    version: &TableVersion,
    values: &[Value],
) -> Result<(), RunError> {
    let Some(first) = version.key.first() else {
        return Err(wrong(
            sql,
            format!(
                "it has no key: `reads` needs one that begins with `{each}`; add `-- key: {each}, ...`"
            ),
        ));
    };
    if first != each {
        return Err(wrong(
            sql,
            format!("its key begins with `{first}`: `reads` needs one that begins with `{each}`"),
        ));
    }
    let column = version.columns.iter().find(|column| column.name == *first);
    let is_number = column.is_some_and(|column| matches!(column.kind, Kind::Int | Kind::Count));
    let number = |of: &Value| of.text.parse::<i64>().ok().filter(|_| is_number);
    let is_before = |a: &Value, b: &Value| match (number(a), number(b)) {
        (Some(a), Some(b)) => a < b,
        _ => a.text < b.text,
    };
    match values.windows(2).find(|pair| !is_before(&pair[0], &pair[1])) {
        None => Ok(()),
        Some(pair) => Err(wrong(
            sql,
            format!(
                "`each` gives {} before {}: order its values as the key does, a text as text, and \
                 let none repeat",
                pair[0].text, pair[1].text
            ),
        )),
    }
}
