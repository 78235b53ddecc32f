//! What is published, and whether it is all that the raw files had: `tables`, `describe` and
//! `reconcile`.

use super::failure::UsersError;
use super::lake_args::{KeptArgs, LakeArgs, MemoryArgs, catalog};
use super::list_format::{ListFormat, json};
use super::profile::profile;
use super::reference::Page;
use crate::run::{FailedCheck, RunError};
use crate::{clock, dictionary};
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use lake::{Catalog, meta};
use project::classification;
use project::suggest::suggest;
use report::output::{self, Described, columns, right};
use report::published;
use serde::Serialize;
use stages::contracts;
use std::io::Write;
use std::path::PathBuf;
use tokio::runtime::Runtime;

#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    /// The table, `schema.table`; `meta` lists the tables over the records of runs; `commands`, `config` and `conventions`
    /// print pages of the reference.
    #[arg(required_unless_present = "all")]
    table: Option<String>,
    /// Every table, as a Markdown data dictionary.
    #[arg(long, conflicts_with = "run")]
    all: bool,
    /// What its columns have instead of what they mean: nulls, distinct values, least and greatest, mean and median,
    /// the most frequent texts.
    #[arg(long, conflicts_with = "all")]
    summary: bool,
    /// Form of the contract or the summary.
    #[arg(long, value_enum, default_value = "table", conflicts_with = "all")]
    format: ListFormat,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    kept: KeptArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

#[derive(Debug, Args)]
pub(super) struct TablesArgs {
    /// Form of the list.
    #[arg(long, value_enum, default_value = "table")]
    format: ListFormat,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    kept: KeptArgs,
}

#[derive(Debug, Args)]
pub(super) struct ReconcileArgs {
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

/// Lists the published tables.
pub(super) fn tables(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &TablesArgs,
) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    args.kept.read(runtime, &lake, |read| {
        let catalog = read.whole(runtime, &lake)?.catalog;
        match args.format {
            ListFormat::Table => listed(out, &catalog),
            ListFormat::Json => json(out, &CatalogJson::of(&catalog)),
        }
    })
}

/// What is published, as JSON has it.
#[derive(Debug, Serialize)]
struct CatalogJson<'c> {
    pipeline: &'c str,
    run: &'c str,
    published_at: &'c str,
    tables: Vec<TableJson<'c>>,
}

/// A table, as JSON has it.
#[derive(Debug, Serialize)]
struct TableJson<'c> {
    name: &'c str,
    rows: u64,
    bytes: u64,
    stage: &'c str,
    about: &'c str,
    key: &'c [String],
    products: Option<String>,
    made_at: &'c str,
}

impl<'c> CatalogJson<'c> {
    fn of(catalog: &'c Catalog) -> Self {
        let tables = catalog.tables.iter().map(|(name, version)| TableJson {
            name,
            rows: version.rows(),
            bytes: version.bytes(),
            stage: &version.stage,
            about: &version.about,
            key: &version.key,
            products: classification::of(version),
            made_at: &version.made_at,
        });
        Self {
            pipeline: &catalog.pipeline,
            run: &catalog.run,
            published_at: &catalog.published_at,
            tables: tables.collect(),
        }
    }
}

fn listed(out: &mut impl Write, catalog: &Catalog) -> anyhow::Result<()> {
    let head = ["table", "rows", "size", "made", "key", "products"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    for (name, version) in &catalog.tables {
        rows.push(vec![
            name.clone(),
            right(HumanCount(version.rows()), 9),
            right(BinaryBytes(version.bytes()), 10),
            clock::age(&version.made_at),
            version.key.join(", "),
            classification::of(version).unwrap_or_default(),
        ]);
    }
    columns(out, &rows)?;
    writeln!(
        out,
        "\npipeline {}, run {}, published {}",
        catalog.pipeline,
        catalog.run,
        clock::age(&catalog.published_at)
    )?;
    Ok(())
}

/// Every contract as Markdown: `docs/tables.md`.
fn all_contracts(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "# Data dictionary\n\nPrinted by `rebound describe --all` from the declarations of the tables. What a table is made from \
         is told for the config as it is shipped (`config/default.yaml`) and the panels of `pipelines/sql`; \
         `rebound lineage PIPELINE TABLE[.COLUMN]` tells it of a pipeline, column by column."
    )?;
    let made = dictionary::made_by()?;
    for contract in contracts::all() {
        writeln!(
            out,
            "\n## {}\n\n{}. Key: {}.\n",
            contract.table,
            contract.about,
            contract.key.join(", ")
        )?;
        if let Some(sentence) = made.get(contract.table) {
            writeln!(out, "{sentence}\n")?;
        }
        writeln!(
            out,
            "| column | type | null | unit | meaning |\n| --- | --- | --- | --- | --- |"
        )?;
        for column in &contract.columns {
            writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                column.name,
                column.kind.name(),
                if column.is_nullable { "yes" } else { "" },
                column.unit,
                column.about.replace('|', "\\|")
            )?;
        }
    }
    Ok(())
}

/// Lists the tables of the schema `meta`.
fn meta_tables(out: &mut impl Write) -> std::io::Result<()> {
    let mut rows = vec![["table", "a row is", "key"].map(str::to_owned).to_vec()];
    for contract in meta::contracts() {
        let key = contract.key.join(", ");
        rows.push(vec![contract.table.to_owned(), contract.about.to_owned(), key]);
    }
    columns(out, &rows)
}

/// A contract, as JSON has it.
#[derive(Debug, Serialize)]
struct DescribedJson<'d> {
    table: &'d str,
    about: &'d str,
    /// With commas.
    key: &'d str,
    products: Option<&'d str>,
    columns: Vec<ColumnJson<'d>>,
}

/// A column of a contract, as JSON has it.
#[derive(Debug, Serialize)]
struct ColumnJson<'d> {
    name: &'d str,
    r#type: &'static str,
    null: bool,
    unit: &'d str,
    about: &'d str,
}

impl<'d> DescribedJson<'d> {
    fn of(described: &'d Described) -> Self {
        let columns = described.columns.iter().map(|column| ColumnJson {
            name: &column.name,
            r#type: column.kind.name(),
            null: column.is_nullable,
            unit: &column.unit,
            about: &column.about,
        });
        Self {
            table: &described.table,
            about: &described.about,
            key: &described.key,
            products: described.products.as_deref(),
            columns: columns.collect(),
        }
    }
}

/// Prints what is told of a table.
fn tell(out: &mut impl Write, format: ListFormat, described: &Described) -> anyhow::Result<()> {
    match format {
        ListFormat::Table => Ok(output::contract(out, described)?),
        ListFormat::Json => json(out, &DescribedJson::of(described)),
    }
}

/// Prints what the columns of a table have.
fn summary(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &DescribeArgs,
    name: &str,
) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    args.kept.read(runtime, &lake, |read| {
        let found = profile(runtime, &lake, &read, name, args.memory.memory())?;
        match args.format {
            ListFormat::Table => Ok(found.print(out)?),
            ListFormat::Json => json(out, &found),
        }
    })
}

/// Prints the contract of a table, or of all, or a page on the `program`.
pub(super) fn describe(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &DescribeArgs,
    program: clap::Command,
) -> anyhow::Result<()> {
    if args.all {
        return all_contracts(out);
    }
    let name = args.table.as_deref().unwrap_or_default();
    if args.summary {
        return summary(runtime, out, args, name);
    }
    if let Some(page) = Page::of(name) {
        return page.print(out, program);
    }
    if name == meta::SCHEMA {
        if args.format == ListFormat::Table {
            return Ok(meta_tables(out)?);
        }
        let all: Vec<Described> = meta::contracts().iter().map(Described::of_contract).collect();
        return json(out, &all.iter().map(DescribedJson::of).collect::<Vec<_>>());
    }
    if let Some(contract) = meta::contract(name) {
        return tell(out, args.format, &Described::of_contract(contract));
    }
    if args.kept.is_asked() {
        // As that run had it: contracts change, too.
        let lake = args.lake.open()?;
        return args.kept.read(runtime, &lake, |read| {
            let version = published::version(&read.catalog, name)?;
            tell(out, args.format, &Described::of(version))
        });
    }
    let published = args.lake.open().and_then(|lake| catalog(runtime, &lake));
    let described = match contracts::of(name) {
        Some(contract) => {
            // A contract is told also where no lake can be read.
            let catalog = published.ok();
            let version = catalog.as_ref().and_then(|catalog| catalog.tables.get(name));
            // Only what is published knows what values measure, where they are no money.
            let of_measure = version.filter(|version| classification::has_measure(version));
            Described {
                table: name.to_owned(),
                about: contract.about.to_owned(),
                key: contract.key.join(", "),
                products: version.and_then(classification::of),
                columns: of_measure.map_or(&contract.columns, |version| &version.columns).clone(),
            }
        }
        None => {
            let catalog = published?;
            let version = catalog.tables.get(name).ok_or_else(|| {
                let of_meta = meta::contracts().iter().map(|contract| contract.table);
                let known = contracts::all().iter().map(|contract| contract.table).chain(of_meta);
                let hint = suggest(name, known.chain(catalog.tables.keys().map(String::as_str)));
                UsersError(format!("no table `{name}`{hint}; `rebound tables` lists them"))
            })?;
            Described::of(version)
        }
    };
    tell(out, args.format, &described)
}

/// Shows that nothing was lost between the raw files and the records.
pub(super) fn reconcile(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &ReconcileArgs,
) -> anyhow::Result<()> {
    let lake = args.lake.open()?;
    let catalog = catalog(runtime, &lake)?;
    let session = published::open(&lake, &catalog, args.memory.memory())?;
    published::verify(runtime, &lake, &catalog, &session, DIFFERENCES)?;
    let mut is_exact = true;
    for (title, text) in RECONCILIATION {
        published::verify(runtime, &lake, &catalog, &session, text)?;
        let (schema, batches) = runtime.block_on(session.run(text))?;
        writeln!(out, "{title}\n{}\n", output::table(&schema, &batches)?)?;
    }
    let (_, differences) = runtime.block_on(session.run(DIFFERENCES))?;
    for batch in &differences {
        is_exact &= batch.num_rows() == 0;
    }
    if is_exact {
        writeln!(
            out,
            "exact: in every file, entries and value in = records + excluded + rejected (+ empty)"
        )?;
        Ok(())
    } else {
        Err(RunError::Checks(vec![FailedCheck {
            path: PathBuf::from("customs.reconciliation"),
            n_rows: differences.iter().map(arrow::array::RecordBatch::num_rows).sum(),
            first_rows: "files whose parts do not add up; see above".to_owned(),
        }])
        .into())
    }
}

const RECONCILIATION: [(&str, &str); 4] = [
    (
        "entries, by file",
        "select source_file, n_rows, n_entries, n_records, n_excluded, n_rejected, n_empty \
         from customs.reconciliation order by source_file",
    ),
    (
        "value, by file",
        "select source_file, value_in, value_records, value_excluded, value_rejected, n_unreadable_values, \
         value_in - value_records - value_excluded - value_rejected as difference, rounded_difference \
         from customs.reconciliation order by source_file",
    ),
    (
        "rules, all files",
        "select rule, why, is_excluded, sum(n_entries) as n_entries, sum(fob_value) as fob_value \
         from customs.rules group by rule, why, is_excluded order by rule",
    ),
    (
        "rejects, all files",
        "select reason, count(*) as n_rejects, sum(n_entries) as n_entries, sum(fob_value) as fob_value \
         from customs.rejects group by reason order by reason",
    ),
];

const DIFFERENCES: &str = "select source_file from customs.reconciliation \
     where value_in <> value_records + value_excluded + value_rejected \
        or n_entries <> n_records + n_excluded + n_rejected + n_empty";
