//! The upkeep of a lake: `runs`, `verify` and `gc`.

use super::failure::Damaged;
use super::lake_args::{LakeArgs, catalog};
use super::list_format::{ListFormat, json};
use super::quantities::seconds;
use crate::{clock, nightly, run};
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use lake::{Lake, LakeError, Repaired, RunRecord, RunStatus, TableVersion};
use report::output::{columns, right};
use report::published;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;
use tokio::runtime::Runtime;

#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    /// Form of the list.
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
    #[command(flatten)]
    lake: LakeArgs,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Tables; without any, all that are published.
    table: Vec<String>,
    /// Make a catalog that is damaged or gone again, from the record of the run that published.
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    lake: LakeArgs,
}

#[derive(Debug, Args)]
pub(super) struct GcArgs {
    /// Keep what the newest N runs made or used, beside what is published.
    #[arg(long)]
    keep: usize,
    #[command(flatten)]
    lake: LakeArgs,
}

/// A run, as JSON has it.
#[derive(Debug, Serialize)]
struct RunJson<'r> {
    number: u64,
    run: &'r str,
    pipeline: &'r str,
    command: &'r str,
    started_at: &'r str,
    ended_at: Option<&'r str>,
    status: &'static str,
    n_built: usize,
    n_reused: usize,
    /// Of all its stages.
    seconds: f64,
    error: Option<&'r str>,
    is_published: bool,
}

fn n_stages(run: &RunRecord, action: &str) -> usize {
    run.stages.iter().filter(|stage| stage.action == action).count()
}

fn millis(run: &RunRecord) -> u64 {
    run.stages.iter().map(|stage| stage.millis).sum()
}

impl<'r> RunJson<'r> {
    fn of(run: &'r RunRecord, published: Option<&str>) -> Self {
        Self {
            number: run.number,
            run: &run.run,
            pipeline: &run.pipeline,
            command: &run.command,
            started_at: &run.started_at,
            ended_at: run.ended_at.as_deref(),
            status: run.status.name(),
            n_built: n_stages(run, "built"),
            n_reused: n_stages(run, "reused"),
            seconds: Duration::from_millis(millis(run)).as_secs_f64(),
            error: run.error.as_deref(),
            is_published: published == Some(run.run.as_str()),
        }
    }
}

/// Shows the history of runs.
pub(super) fn runs(runtime: &Runtime, out: &mut impl Write, args: &RunsArgs) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    let found = runtime.block_on(lake.runs())?;
    run::warn_of(&found.left_out);
    let found = found.records;
    let published = runtime.block_on(lake.catalog())?.map(|catalog| catalog.run);
    if args.format == ListFormat::Json {
        let told = found.iter().rev().map(|run| RunJson::of(run, published.as_deref()));
        return json(out, &told.collect::<Vec<_>>());
    }
    if found.is_empty() {
        writeln!(out, "no runs yet")?;
        return Ok(());
    }
    let head = ["no", "run", "pipeline", "began", "status", "built", "reused", "time", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for run in found.iter().rev() {
        let note = match (&run.error, published.as_ref() == Some(&run.run)) {
            (_, true) => "<- published".to_owned(),
            (Some(error), _) => error.lines().next().unwrap_or_default().to_owned(),
            (None, false) => String::new(),
        };
        let status = match run.status {
            RunStatus::Started => "not ended",
            other => other.name(),
        };
        rows.push(vec![
            right(run.number, 4),
            run.run.clone(),
            run.pipeline.clone(),
            clock::age(&run.started_at),
            status.to_owned(),
            n_stages(run, "built").to_string(),
            n_stages(run, "reused").to_string(),
            seconds(millis(run)),
            note,
        ]);
    }
    columns(out, &rows)?;
    Ok(())
}

/// Makes a catalog that is damaged or gone again.
fn repair(runtime: &Runtime, out: &mut impl Write, lake: &Lake) -> anyhow::Result<()> {
    let _lock = run::try_lock(lake, "rebound verify --repair")?;
    match runtime.block_on(lake.repair())? {
        Some(Repaired { catalog, is_certain, left_out }) => {
            run::warn_of(&left_out);
            if !is_certain {
                tracing::warn!(
                    "run {} was killed while it published: nobody knows whether it had, but its tables are whole and checked",
                    catalog.run
                );
            }
            writeln!(
                out,
                "the catalog is made again: {} tables of run {} are published",
                catalog.tables.len(),
                catalog.run
            )?;
        }
        None => writeln!(out, "the catalog is not damaged")?,
    }
    Ok(())
}

/// What reading versions through came to.
#[derive(Default)]
struct Found<'v> {
    n_files: u64,
    n_bytes: u64,
    n_damaged: usize,
    /// The damaged tables.
    tables: BTreeSet<&'v str>,
    /// The stages that make them.
    stages: BTreeSet<&'v str>,
}

impl<'v> Found<'v> {
    /// Reads a version through; one that is damaged is made again by the next run.
    fn read(
        &mut self,
        runtime: &Runtime,
        out: &mut impl Write,
        lake: &Lake,
        version: &'v TableVersion,
    ) -> anyhow::Result<()> {
        let (mut is_whole, mut failed) = (true, None);
        for file in &version.files {
            self.n_files += 1;
            self.n_bytes += file.bytes;
            match lake.verify_content(runtime.handle(), &version.table, file) {
                Ok(_) => {}
                Err(error @ (LakeError::Lost { .. } | LakeError::Damaged { .. })) => {
                    writeln!(out, "{error}")?;
                    is_whole = false;
                    // Whatever made the file is forgotten.
                    let forgotten = runtime.block_on(lake.unmark_damaged(version, &file.path));
                    failed = failed.or(forgotten.err());
                    self.n_damaged += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if is_whole {
            return Ok(());
        }
        self.tables.insert(version.table.as_str());
        self.stages.insert(version.stage.as_str());
        if let Some(error) = failed {
            tracing::warn!(
                "{error}: the damage cannot be marked, so `rebound run` makes `{}` again only where it reads it; run `rebound \
                 verify` where the lake can be written",
                version.table
            );
        }
        Ok(())
    }
}

/// Reads every file of what is published, and says which are damaged.
pub(super) fn verify(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &VerifyArgs,
) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    if args.repair {
        repair(runtime, out, &lake)?;
    }
    let catalog = catalog(runtime, &lake)?;
    let versions: Vec<&TableVersion> = if args.table.is_empty() {
        catalog.tables.values().collect()
    } else {
        args.table
            .iter()
            .map(|table| published::version(&catalog, table))
            .collect::<Result<_, _>>()?
    };
    let mut found = Found::default();
    for version in &versions {
        found.read(runtime, out, &lake, version)?;
    }
    if found.n_damaged > 0 {
        let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
        let (tables, stages) = (list(found.tables), list(found.stages));
        return Err(Damaged { n_files: found.n_damaged, tables, stages }.into());
    }
    writeln!(
        out,
        "{} files of {} tables, {}, are as they were written",
        HumanCount(found.n_files),
        versions.len(),
        BinaryBytes(found.n_bytes)
    )?;
    Ok(())
}

/// Removes versions that nobody needs.
pub(super) fn gc(runtime: &Runtime, out: &mut impl Write, args: &GcArgs) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    let young_from = nightly::young_from(&lake);
    let _lock = run::try_lock(&lake, "rebound gc")?;
    let garbage = runtime.block_on(lake.collect_garbage(args.keep, young_from))?;
    writeln!(out, "freed {} in {} versions", BinaryBytes(garbage.bytes), garbage.versions.len())?;
    if garbage.n_unfinished > 0 {
        writeln!(out, "removed {} files that killed programs were writing", garbage.n_unfinished)?;
    }
    for holder in &garbage.holders {
        writeln!(out, "kept what {holder} works with")?;
    }
    Ok(())
}
