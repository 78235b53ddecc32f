//! Proves of a table of SQL that what its headers `reads` and `part` leave out makes no difference.

use super::build::Builder;
use super::error::RunError;
use super::plan::sql_session;
use super::shipped_sql;
use super::splitter::wrong;
use super::sql_table::{MadePart, Making, PartWork, Value, read_together, statement};
use lake::TableVersion;
use project::sql_file::SqlReads;
use stages::{Context, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

impl Builder<'_> {
    /// Makes some values ([`proven`]) once more from whole tables, and a part of the last alone, once for
    /// each text of SQL and the values that there are: what `reads` and `part` leave out must make no
    /// difference. Of [shipped SQL](shipped_sql) it is known, unless all is made again.
    pub(super) fn prove(
        &self,
        making: &Making<'_>,
        made: &[MadePart],
        context: &Context<'_>,
        reads: &[SqlReads],
        divided: Option<&str>,
        current: &BTreeMap<String, TableVersion>,
    ) -> Result<(), RunError> {
        let Making { node, sql, values, parts, units, .. } = making;
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
                self.is_as_made(making, made, context, places.clone(), &with_whole(names)?)
            };
            if !is_same(&all)? {
                let mut which = "all of the tables".to_owned();
                for name in &all {
                    if !is_same(&[name])? {
                        which = format!("all of `{name}`");
                        break;
                    }
                }
                let (each, value) = (making.each.name, &values[at].text);
                let why = format!(
                    "with {which} the rows of {each} {value} are others: `reads` must name all years \
                     that they depend on"
                );
                return Err(wrong(sql, why));
            }
            let alone = places.clone().find(|&at| made[at].file.rows > 0);
            let is_held = parts.len() > 1 && at + 1 == values.len();
            if let Some((alone, of)) = alone.filter(|_| is_held).zip(divided) {
                let tables = read_together(context, &[&units[alone]]).map_err(stopped)?;
                if !self.is_as_made(making, made, context, alone..alone + 1, &tables)? {
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
        making: &Making<'_>,
        made: &[MadePart],
        context: &Context<'_>,
        places: Range<usize>,
        tables: &[TableVersion],
    ) -> Result<bool, RunError> {
        let Making { node, sql, each, values, parts, units } = making;
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
        let session = sql_session(self.lake, self.pipeline, 1)?;
        let again = self.parts(&session, &work, tables, "proof.parquet")?;
        for part in &again {
            self.runtime.block_on(self.lake.remove_file(&part.file))?;
        }
        let hashes = |parts: &[MadePart]| -> Vec<_> {
            parts.iter().map(|part| part.file.hash.clone()).collect()
        };
        Ok(hashes(&again) == hashes(&made[places]))
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
