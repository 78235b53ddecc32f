//! Makes a table of SQL: as a whole, or by each value of its header `each`, as a unit of work that
//! reads what the header `reads` says.

use super::build::{Builder, Built};
use super::error::RunError;
use super::plan::sql_session;
use super::shipped_sql;
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
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What stands in the text of a table in parts for the first of those that are made.
const FROM: &str = "from";

/// A value of the header `each`, with what stands for its other names.
struct Value {
    /// The value itself first.
    cells: Vec<Cell>,
    /// The value, as a text.
    text: String,
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
struct MadePart {
    file: DataFile,
    columns: Vec<Column>,
}

/// What a part is written from.
struct PartWork<'w> {
    node: &'w Node,
    sql: &'w SqlFile,
    statement: String,
    /// The name of `each`, and its value.
    each: (&'w str, &'w str),
    /// The parts that are made, each with the folder of its file.
    folders: Vec<(String, Fingerprint)>,
}

/// What was made of a table, to be held against what is made of more.
struct Proof<'w> {
    node: &'w Node,
    sql: &'w SqlFile,
    each: &'w SqlEach<'w>,
    values: &'w [Value],
    parts: &'w [Part],
    /// Of each value those of its parts.
    units: &'w [Unit],
    made: &'w [MadePart],
}

/// A part of what a value makes: the whole, where the text is empty.
#[derive(Default)]
struct Part {
    text: String,
    /// The file that it reads alone.
    file: Option<DataFile>,
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
        let mut splitter = Splitter::whole(sql, self.lake, &version, column);
        let mut add = |rows: &mut query::Rows| -> Result<(), RunError> {
            while let Some(batch) =
                self.runtime.block_on(cancel::until(rows.next())).map_err(failed)?
            {
                self.runtime.block_on(splitter.add(batch))?;
            }
            Ok(())
        };
        add(&mut first)?;
        for text in &texts[1..] {
            add(&mut open(text)?)?;
        }
        version.files = self.runtime.block_on(splitter.finish())?.into_iter().map(named).collect();
        Ok(version)
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
        for (of_value, value) in values.iter().enumerate() {
            let places = of_value * parts.len()..(of_value + 1) * parts.len();
            let missing: Vec<usize> = places.clone().filter(|&at| made[at].is_none()).collect();
            let Some(&first) = missing.first() else { continue };
            let of_units: Vec<&Unit> = missing.iter().map(|&at| &units[at]).collect();
            let tables = read_together(&context, &of_units).map_err(stopped)?;
            let folders = missing.iter().map(|&at| {
                let of_unit = context.unit_folder(&units[at]);
                (parts[at - places.start].text.clone(), of_unit)
            });
            let _making = context.making(&value.text);
            let work = PartWork {
                node,
                sql,
                statement: statement(sql, &each, value, &parts[first - places.start]),
                each: (name, &value.text),
                folders: folders.collect(),
            };
            let found = self.parts(&work, &tables, "part.parquet")?;
            for (at, part) in missing.into_iter().zip(found) {
                context.keep(&units[at], vec![part.file.clone()], &part).map_err(stopped)?;
                made[at] = Some(part);
            }
        }
        let made: Vec<MadePart> = made.into_iter().flatten().collect();
        let proof = Proof {
            node,
            sql,
            each: &each,
            values: &values,
            parts: &parts,
            units: &units,
            made: &made,
        };
        self.prove(&proof, &context, &reads, divided.as_deref(), current)?;
        let columns = columns_of(sql, &units, &made)?;
        let schema = lake::contract::schema(&columns);
        let draft = self.sql_draft(node, sql, &schema, fingerprint, made_at)?;
        ordered(sql, name, &draft, &values)?;
        let files = made.into_iter().map(|part| part.file).collect();
        Ok(Built::of(vec![TableVersion { files, ..draft }], &context))
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
    fn parts(
        &self,
        work: &PartWork<'_>,
        tables: &[TableVersion],
        name: &str,
    ) -> Result<Vec<MadePart>, RunError> {
        let PartWork { node, sql, statement, each, folders } = work;
        let failed = |source| RunError::Sql { path: sql.path.clone(), source };
        let session = sql_session(self.lake, self.pipeline, 1)?;
        for table in tables {
            session.register(table)?;
        }
        let mut rows =
            self.runtime.block_on(cancel::until(session.open(statement))).map_err(failed)?;
        let draft = self.sql_draft(node, sql, &rows.schema, &Fingerprint::of(b""), "")?;
        let column = part_of(sql)?.map(|part| part.column);
        let mut splitter = Splitter::new(sql, self.lake, &draft, column, folders, name);
        let is_keyed = draft.key.first().is_some_and(|key| key == each.0);
        let mut add = |batch: RecordBatch| -> Result<(), RunError> {
            if is_keyed {
                has_value(sql, &batch, *each)?;
            }
            self.runtime.block_on(splitter.add(batch))
        };
        if let Some(remote) = self.remote(BTreeMap::new())? {
            let whole = self.written_remotely(&remote, work, tables, &draft)?;
            for batch in self.runtime.block_on(self.lake.read(&whole, &[]))? {
                add(batch)?;
            }
            self.runtime.block_on(self.lake.remove(&whole))?;
        } else {
            while let Some(batch) =
                self.runtime.block_on(cancel::until(rows.next())).map_err(failed)?
            {
                add(batch)?;
            }
        }
        let files = self.runtime.block_on(splitter.finish())?;
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

    /// Makes some values ([`proven`]) once more from whole tables, and a part of the last alone, once for
    /// each text of SQL and the values that there are: what `reads` and `part` leave out must make no
    /// difference. Of [shipped SQL](shipped_sql) it is known, unless all is made again.
    fn prove(
        &self,
        proof: &Proof<'_>,
        context: &Context<'_>,
        reads: &[SqlReads],
        divided: Option<&str>,
        current: &BTreeMap<String, TableVersion>,
    ) -> Result<(), RunError> {
        let Proof { node, sql, values, parts, units, .. } = proof;
        let stopped = |source| self.stopped(node, source);
        let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
        let said = (&sql.name, sql.meaning(), texts);
        let known = Unit::new("proof").of("sql", &said).map_err(stopped)?;
        let is_narrow = reads.iter().any(|of| of.of.is_some() || of.up_to.is_some());
        let is_shipped = !context.is_made_again() && shipped_sql::is_proven(sql);
        if is_shipped
            || !(is_narrow || parts.len() > 1)
            || context.looked_up::<bool>(std::slice::from_ref(&known)).map_err(stopped)?
                == [Some(true)]
        {
            return Ok(());
        }
        let all: Vec<&str> = reads.iter().map(|of| of.table.as_str()).collect();
        for at in proven(values) {
            let places = at * parts.len()..(at + 1) * parts.len();
            let of_units: Vec<&Unit> = units[places.clone()].iter().collect();
            let narrow = read_together(context, &of_units).map_err(stopped)?;
            let with_whole = |names: &[&str]| -> Result<Vec<TableVersion>, RunError> {
                let version = |part: &TableVersion| {
                    if !names.contains(&part.table.as_str()) {
                        return Ok(part.clone());
                    }
                    self.verified.read(&current[&part.table])?;
                    Ok(current[&part.table].clone())
                };
                narrow.iter().map(version).collect()
            };
            let is_same = |names: &[&str]| -> Result<bool, RunError> {
                self.is_as_made(proof, context, places.clone(), &with_whole(names)?)
            };
            if !is_same(&all)? {
                let mut which = "all of the tables".to_owned();
                for name in &all {
                    if !is_same(&[name])? {
                        which = format!("all of `{name}`");
                        break;
                    }
                }
                let (each, value) = (proof.each.name, &values[at].text);
                let why = format!(
                    "with {which} the rows of {each} {value} are others: `reads` must name all years \
                     that they depend on"
                );
                return Err(wrong(sql, why));
            }
            let alone = places.clone().find(|&at| proof.made[at].file.rows > 0);
            let is_held = parts.len() > 1 && at + 1 == values.len();
            if let Some((alone, of)) = alone.filter(|_| is_held).zip(divided) {
                let tables = read_together(context, &[&units[alone]]).map_err(stopped)?;
                if !self.is_as_made(proof, context, alone..alone + 1, &tables)? {
                    let unit = &units[alone].name;
                    let why = format!(
                        "the rows of {unit} are others where they are made alone: `part` needs rows \
                         that depend on no other part of `{of}`"
                    );
                    return Err(wrong(sql, why));
                }
            }
        }
        context.keep_aside(&known, &true).map_err(stopped)
    }

    /// Whether units that stand beside each other, of one value, come out as they were made.
    fn is_as_made(
        &self,
        proof: &Proof<'_>,
        context: &Context<'_>,
        places: Range<usize>,
        tables: &[TableVersion],
    ) -> Result<bool, RunError> {
        let Proof { node, sql, each, values, parts, units, made } = proof;
        let (of_value, first) = (places.start / parts.len(), places.start % parts.len());
        let value = &values[of_value];
        let folder =
            |at: usize| (parts[at % parts.len()].text.clone(), context.unit_folder(&units[at]));
        let work = PartWork {
            node,
            sql,
            statement: statement(sql, each, value, &parts[first]),
            each: (each.name, &value.text),
            folders: places.clone().map(folder).collect(),
        };
        let again = self.parts(&work, tables, "proof.parquet")?;
        for part in &again {
            self.runtime.block_on(self.lake.remove_file(&part.file))?;
        }
        let hashes = |parts: &[MadePart]| -> Vec<_> {
            parts.iter().map(|part| part.file.hash.clone()).collect()
        };
        Ok(hashes(&again) == hashes(&made[places]))
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

/// The values that are made once more: the first and the last, and of those whose names stand in
/// another relation to each other, such as a year three before the end in place of two, one each.
fn proven(values: &[Value]) -> BTreeSet<usize> {
    let relation = |value: &Value| -> Vec<Option<i64>> {
        let numbers: Vec<Option<i64>> =
            value.cells.iter().map(|cell| cell.text.parse().ok()).collect();
        let first = numbers.iter().copied().flatten().next();
        numbers.iter().map(|of| Some(of.as_ref()?.saturating_sub(first?))).collect()
    };
    let mut relations = BTreeSet::new();
    let new = values.iter().map(relation).map(|of| relations.insert(of));
    let new = new.enumerate().filter(|(_, is_new)| *is_new).map(|(at, _)| at).take(RELATIONS);
    new.chain([0, values.len().saturating_sub(1)]).collect()
}

/// Relations between names that are looked at, at the most.
const RELATIONS: usize = 8;

/// The tables that units read together.
fn read_together(context: &Context<'_>, units: &[&Unit]) -> Result<Vec<TableVersion>, StageError> {
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
fn statement(sql: &SqlFile, each: &SqlEach<'_>, value: &Value, first: &Part) -> String {
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
