//! `rebound export`: tables in the forms people estimate from, each with its codebook.

use crate::new_file::NewFile;
use crate::output::{self, CsvArgs, Format, HtmlText, OutputError, markdown_text};
use crate::published::{self, NotPublished};
use crate::stata::{self, StataError, StataFile, StataVariable, Stored, number};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use clap::{Args, ValueEnum};
use lake::{Catalog, Column, Kind, Lake, LakeError, TableVersion};
use maud::{DOCTYPE, PreEscaped, html};
use project::classification::{self, HS_LEVELS, HsLevel};
use project::formula::quote;
use query::{Memory, QueryError, Session};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// The form of an exported table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Stata, version 118 (Stata 14 and later).
    Dta,
    /// Comma-separated, with a header.
    Csv,
    /// Parquet.
    Parquet,
    /// Arrow IPC (Feather version 2).
    Arrow,
}

impl ExportFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Dta => "dta",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}

/// Arguments of `rebound export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Tables; without any, those of the schema `panel`.
    pub tables: Vec<String>,
    /// Form; may be repeated.
    #[arg(long, value_enum, default_value = "dta")]
    pub format: Vec<ExportFormat>,
    /// The folder to write to.
    #[arg(long, short, default_value = "export")]
    pub output: PathBuf,
    /// Rows: a SQL condition.
    #[arg(long = "where", short = 'w')]
    pub condition: Option<String>,
    /// Formulas.
    #[command(flatten)]
    pub csv: CsvArgs,
}

/// Why a table could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The table is not published.
    #[error(transparent)]
    Unknown(#[from] NotPublished),
    /// The condition does not go with a table.
    #[error(
        "the condition does not go with `{table}`; nothing was written: name the tables that it is for"
    )]
    Condition {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: QueryError,
    },
    /// A file cannot be written.
    #[error("failed to write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A Stata file cannot be written.
    #[error("failed to write `{path}` as Stata's")]
    Dta {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: StataError,
    },
    /// A value does not fit into a Stata file.
    #[error(
        "`{table}` does not fit into a Stata file: {why}; take another form, or fewer rows by --where"
    )]
    TooLarge {
        /// The table.
        table: String,
        /// What does not fit.
        why: String,
    },
    /// Rows could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The SQL engine failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

impl ExportError {
    /// Whether the user's input is at fault.
    pub fn is_users(&self) -> bool {
        match self {
            Self::Unknown(_)
            | Self::Condition { .. }
            | Self::Write { .. }
            | Self::TooLarge { .. } => true,
            Self::Query(error) => error.is_users(),
            _ => false,
        }
    }
}

/// The column that tables have their products in.
const PRODUCT: &str = "product";

/// A table as its files have it.
struct Exported {
    /// The published version, with the columns of the files.
    version: TableVersion,
    /// What gives their rows.
    sql: String,
}

impl Exported {
    /// The rows of a table that `condition` (with its ` where`) leaves; where products are of the
    /// Harmonized System, with their levels beside them, for effects and clusters.
    fn new(published: &TableVersion, condition: &str) -> Self {
        let table = &published.table;
        let levels = missing_levels(published);
        if levels.is_empty() {
            let sql = format!("select * from {table}{condition}");
            return Self { version: published.clone(), sql };
        }
        let mut columns = Vec::new();
        let mut terms = Vec::new();
        for column in &published.columns {
            columns.push(column.clone());
            terms.push(quote(&column.name));
            if column.name == PRODUCT {
                for level in &levels {
                    let HsLevel { name, n_digits, .. } = level;
                    columns.push(level.beside(column));
                    terms.push(format!("left({}, {n_digits}) as {name}", quote(PRODUCT)));
                }
            }
        }
        // The condition may name the levels, and columns by the name of their table.
        let name = quote(table.split_once('.').map_or(table.as_str(), |(_, name)| name));
        let terms = terms.join(", ");
        let sql = format!("select * from (select {terms} from {table}) as {name}{condition}");
        Self { version: TableVersion { columns, ..published.clone() }, sql }
    }
}

/// The levels of the Harmonized System that a table lacks beside its products; none if these are of
/// another classification, or if it has the subheading.
fn missing_levels(version: &TableVersion) -> Vec<&'static HsLevel> {
    let find = |name: &str| version.columns.iter().find(|column| column.name == name);
    let has_codes = find(PRODUCT).is_some_and(|column| column.kind == Kind::Text);
    if !has_codes || !classification::is_hs(version) || find("hs6").is_some() {
        return Vec::new();
    }
    HS_LEVELS.iter().filter(|level| find(level.name).is_none()).collect()
}

/// What a codebook says of a variable.
#[derive(Debug, Default)]
struct Counted {
    n: u64,
    n_missing: u64,
    reasons: BTreeMap<String, u64>,
    sum: f64,
    mean: f64,
    squares: f64,
    min: Option<f64>,
    max: Option<f64>,
    texts: BTreeSet<String>,
    longest: usize,
}

/// Different texts of a column beyond which they are not listed.
const MANY_TEXTS: usize = 200;

impl Counted {
    fn add(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
        #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^52")]
        let n = self.n as f64;
        // Welford's sums: means far from zero do not swallow the spread.
        let gap = value - self.mean;
        self.mean += gap / n;
        self.squares += gap * (value - self.mean);
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
    }

    fn add_text(&mut self, text: &str) {
        self.n += 1;
        self.longest = self.longest.max(text.len());
        if self.texts.len() <= MANY_TEXTS && !self.texts.contains(text) {
            self.texts.insert(text.to_owned());
        }
    }

    fn sd(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^52")]
        let n = self.n as f64;
        (self.n > 1).then(|| (self.squares / (n - 1.0)).sqrt())
    }
}

/// The column that says why `name` is null: that of the longest beginning of its name, or of the shares.
fn reason_of(name: &str, columns: &[String]) -> Option<usize> {
    let of_prefix = columns
        .iter()
        .enumerate()
        .filter_map(|(at, column)| Some((column.strip_suffix("_null_reason")?, at)))
        .filter(|(prefix, _)| name != format!("{prefix}_null_reason"))
        .filter(|(prefix, _)| {
            name.starts_with(prefix) || (*prefix == "shares" && name.ends_with("_share"))
        })
        .max_by_key(|(prefix, _)| prefix.len());
    of_prefix.map(|(_, at)| at)
}

/// Reads the rows once and counts.
fn examine(
    runtime: &Runtime,
    session: &Session,
    sql: &str,
    version: &TableVersion,
) -> Result<(u64, Vec<Counted>), ExportError> {
    let names: Vec<String> = version.columns.iter().map(|column| column.name.clone()).collect();
    let reasons: Vec<Option<usize>> = names.iter().map(|name| reason_of(name, &names)).collect();
    let mut found: Vec<Counted> = names.iter().map(|_| Counted::default()).collect();
    let mut n_rows = 0;
    runtime.block_on(session.stream(sql, |batch| {
        n_rows += batch.num_rows() as u64;
        for ((variable, column), reason) in found.iter_mut().zip(batch.columns()).zip(&reasons) {
            let texts = column.as_string_opt::<i32>();
            for row in 0..batch.num_rows() {
                match (texts, number(column, row)) {
                    (Some(texts), _) if texts.is_valid(row) => variable.add_text(texts.value(row)),
                    (None, Some(value)) => variable.add(value),
                    _ => {
                        variable.n_missing += 1;
                        let reason = reason
                            .and_then(|at| batch.column(at).as_string_opt::<i32>())
                            .filter(|reasons| reasons.is_valid(row))
                            .map_or("", |reasons| reasons.value(row));
                        match variable.reasons.get_mut(reason) {
                            Some(n) => *n += 1,
                            None => {
                                variable.reasons.insert(reason.to_owned(), 1);
                            }
                        }
                    }
                }
            }
        }
    }))?;
    Ok((n_rows, found))
}

/// Whether texts are categories to be labelled, and not codes.
fn is_labelled(column: &Column, version: &TableVersion, variable: &Counted) -> bool {
    let codes = [PRODUCT, "product_subgroup", "product_group", "hs2", "hs4", "hs6", "region_code"];
    let is_code = codes.contains(&column.name.as_str());
    let is_key = version.key.contains(&column.name) && column.name != "episode";
    column.kind == Kind::Text && !is_code && !is_key && variable.texts.len() <= MANY_TEXTS
}

/// The variable of a column in a Stata file.
fn stata_variable(
    version: &TableVersion,
    column: &Column,
    variable: &Counted,
) -> Result<StataVariable, StataError> {
    let name = &column.name;
    let largest = variable.max.unwrap_or(0.0).abs().max(variable.min.unwrap_or(0.0).abs());
    let stored = match column.kind {
        Kind::Flag => Stored::Byte,
        Kind::Int | Kind::Count => Stored::whole(name, largest)?,
        Kind::Float | Kind::Money => Stored::float(name, largest)?,
        Kind::Text if is_labelled(column, version, variable) => {
            Stored::Label(variable.texts.iter().cloned().zip(1..).collect())
        }
        Kind::Text => Stored::text(name, variable.longest)?,
    };
    let format = match column.kind {
        Kind::Money => "%18.2f".to_owned(),
        _ => stored.format(),
    };
    let about = if column.unit.is_empty() {
        column.about.clone()
    } else {
        format!("{} ({})", column.about, column.unit)
    };
    Ok(StataVariable { name: name.clone(), about, stored, format })
}

fn write_dta(
    runtime: &Runtime,
    session: &Session,
    sql: &str,
    version: &TableVersion,
    variables: &[Counted],
    file: &NewFile,
) -> Result<(), ExportError> {
    let failed = |error: StataError| match error {
        StataError::Limit(why) => ExportError::TooLarge { table: version.table.clone(), why },
        source => ExportError::Dta { path: file.target().to_owned(), source },
    };
    let of_columns = version.columns.iter().zip(variables);
    let of_columns = of_columns.map(|(column, variable)| stata_variable(version, column, variable));
    let of_columns = of_columns.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let about = format!("{}: {}", version.table, version.about);
    let mut written = StataFile::begin(file.path(), &about, of_columns).map_err(failed)?;
    let mut broken = None;
    runtime.block_on(session.stream(sql, |batch| {
        if broken.is_none() {
            broken = written.write(batch.columns(), batch.num_rows()).err();
        }
    }))?;
    match broken {
        Some(error) => Err(failed(error)),
        None => written.finish().map_err(failed),
    }
}

/// The rows of a codebook, as texts.
fn codebook(version: &TableVersion, variables: &[Counted]) -> Vec<Vec<String>> {
    let names: Vec<String> = version.columns.iter().map(|column| column.name.clone()).collect();
    let legal = stata::legal_names(&names);
    let mut rows = Vec::new();
    for ((column, variable), stata) in version.columns.iter().zip(variables).zip(legal) {
        let shown = |value: Option<f64>| value.map_or_else(String::new, short);
        let is_number = column.kind != Kind::Text;
        let mean = (is_number && variable.n > 0).then_some(variable.mean);
        let mut reasons: Vec<String> = variable
            .reasons
            .iter()
            .filter(|(reason, _)| !reason.is_empty())
            .map(|(reason, n)| format!("{reason} {n}"))
            .collect();
        if let (Some(n), false) = (variable.reasons.get(""), reasons.is_empty()) {
            reasons.push(format!("other {n}"));
        }
        let values = if is_labelled(column, version, variable) && variable.texts.len() <= 12 {
            variable
                .texts
                .iter()
                .zip(1..)
                .map(|(text, n)| format!("{n} {text}"))
                .collect::<Vec<_>>()
                .join("; ")
        } else if column.kind == Kind::Text && variable.texts.len() > MANY_TEXTS {
            format!("more than {MANY_TEXTS} values")
        } else if column.kind == Kind::Text {
            format!("{} values", variable.texts.len())
        } else {
            String::new()
        };
        let mut name = column.name.clone();
        if stata != name {
            let _ = write!(name, " (Stata: {stata})");
        }
        rows.push(vec![
            name,
            column.about.clone(),
            column.unit.clone(),
            column.kind.name().to_owned(),
            variable.n.to_string(),
            variable.n_missing.to_string(),
            reasons.join("; "),
            shown(mean),
            shown(if is_number { variable.sd() } else { None }),
            shown(variable.min),
            shown(variable.max),
            values,
        ]);
    }
    rows
}

const HEADER: [&str; 12] = [
    "variable",
    "label",
    "unit",
    "type",
    "n",
    "missing",
    "missing by reason",
    "mean",
    "sd",
    "min",
    "max",
    "values",
];

fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if value.fract() == 0.0 && size < 1e12 {
        format!("{value:.0}")
    } else if (1e-3..1e7).contains(&size) {
        #[expect(clippy::cast_possible_truncation, reason = "between -3 and 7")]
        let digits = usize::try_from(4 - size.log10().floor() as i32).unwrap_or(0);
        format!("{value:.digits$}")
    } else {
        format!("{value:.4e}")
    }
}

fn markdown(
    version: &TableVersion,
    n_rows: u64,
    condition: Option<&str>,
    rows: &[Vec<String>],
) -> String {
    let escape = |text: &String| markdown_text(text);
    let mut out = format!(
        "# Codebook of {}\n\n{}.\n\n",
        markdown_text(&version.table),
        markdown_text(&version.about)
    );
    let _ = writeln!(
        out,
        "{n_rows} rows{}; key: {}.\n",
        condition.map_or_else(String::new, |c| format!(" where {}", markdown_text(c))),
        markdown_text(&version.key.join(", "))
    );
    let _ = writeln!(out, "| {} |\n|{}", HEADER.join(" | "), " --- |".repeat(HEADER.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.iter().map(escape).collect::<Vec<_>>().join(" | "));
    }
    out
}

/// How a codebook looks.
const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#222;background:#fff}\
     table{border-collapse:collapse}\
     th,td{border-bottom:1px solid #ddd;padding:.3rem .6rem;text-align:left;vertical-align:top}\
     td:nth-child(n+5):nth-child(-n+6),td:nth-child(n+8):nth-child(-n+11)\
     {text-align:right;font-variant-numeric:tabular-nums}\
     thead th{position:sticky;top:0;background:#fff}\
     @media(prefers-color-scheme:dark){body,thead th{background:#16181c;color:#e4e4e4}\
     th,td{border-color:#3a3d44}}";

fn html(
    version: &TableVersion,
    n_rows: u64,
    condition: Option<&str>,
    rows: &[Vec<String>],
) -> String {
    let title = html! { "Codebook of " (HtmlText(&version.table)) };
    let page = html! {
        (DOCTYPE) "\n"
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            "\n"
            body {
                h1 { (title) }
                p {
                    (HtmlText(&version.about)) ". " (n_rows) " rows"
                    @if let Some(condition) = condition {
                        " where " code { (HtmlText(condition)) }
                    }
                    "; key: " (HtmlText(&version.key.join(", "))) "."
                }
                "\n"
                table {
                    thead { tr { @for name in HEADER { th { (name) } } } }
                    tbody {
                        "\n"
                        @for row in rows {
                            tr { @for cell in row { td { (HtmlText(cell)) } } } "\n"
                        }
                    }
                }
            }
        }
        "\n"
    };
    page.into_string()
}

/// The tables that are asked for: those named, or all panels.
pub fn tables(args: &ExportArgs, catalog: &Catalog) -> Vec<String> {
    if !args.tables.is_empty() {
        return args.tables.clone();
    }
    catalog.tables.keys().filter(|table| table.starts_with("panel.")).cloned().collect()
}

/// Writes the tables and their codebooks; gives the files.
///
/// # Errors
///
/// [`ExportError`].
pub fn export(
    runtime: &Runtime,
    args: &ExportArgs,
    memory: Memory,
    lake: &Lake,
    catalog: &Catalog,
) -> Result<Vec<PathBuf>, ExportError> {
    let tables = tables(args, catalog);
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::Write { path, source }
    };
    let condition = args.condition.as_ref().map_or_else(String::new, |c| format!(" where {c}"));
    // All or nothing: a condition that one table does not know is told before a file is written.
    let mut opened = Vec::new();
    for table in &tables {
        let version = published::version(catalog, table)?;
        runtime.block_on(lake.verify(version))?;
        // One partition keeps the order of the key.
        let session = published::session(lake, 1, memory)?;
        session.register(version)?;
        let exported = Exported::new(version, &condition);
        let plan = runtime.block_on(session.open(&exported.sql));
        plan.map_err(|source| ExportError::Condition { table: table.clone(), source })?;
        opened.push((session, exported));
    }
    std::fs::create_dir_all(&args.output).map_err(unwritable(&args.output))?;
    let mut written = Vec::new();
    for (session, Exported { version, sql }) in &opened {
        let table = &version.table;
        let (n_rows, variables) = examine(runtime, session, sql, version)?;
        let rows = codebook(version, &variables);
        for (extension, text) in [
            ("md", markdown(version, n_rows, args.condition.as_deref(), &rows)),
            ("html", html(version, n_rows, args.condition.as_deref(), &rows)),
        ] {
            let path = args.output.join(format!("{table}_codebook.{extension}"));
            NewFile::write(&path, text.as_bytes()).map_err(unwritable(&path))?;
            written.push(path);
        }
        for format in &args.format {
            let path = args.output.join(format!("{table}.{}", format.extension()));
            let form = match format {
                ExportFormat::Dta => {
                    let file = NewFile::create(&path).map_err(unwritable(&path))?;
                    write_dta(runtime, session, sql, version, &variables, &file)?;
                    file.keep().map_err(unwritable(&path))?;
                    written.push(path);
                    continue;
                }
                ExportFormat::Csv => Format::Csv,
                ExportFormat::Parquet => Format::Parquet,
                ExportFormat::Arrow => Format::Arrow,
            };
            let (schema, batches): (SchemaRef, Vec<RecordBatch>) =
                runtime.block_on(session.run(sql))?;
            let mut file = NewFile::create(&path).map_err(unwritable(&path))?;
            let batches = batches.into_iter().map(Ok::<_, OutputError>);
            let out = std::io::BufWriter::new(&mut file);
            output::write(form, args.csv, &schema, batches, out)?;
            file.keep().map_err(unwritable(&path))?;
            written.push(path);
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, StringArray};
    use lake::Fingerprint;
    use std::sync::Arc;

    /// A version of a table with columns of text, whose products are of a classification.
    fn version(columns: &[&str], classification: &str) -> TableVersion {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            kind: Kind::Text,
            is_nullable: false,
            unit: String::new(),
            about: String::new(),
        };
        let said = (classification::CLASSIFICATION.to_owned(), classification.to_owned());
        TableVersion {
            table: "trade.product".to_owned(),
            stage: "aggregate".to_owned(),
            fingerprint: Fingerprint::of(b"x"),
            files: Vec::new(),
            key: Vec::new(),
            about: String::new(),
            columns: columns.iter().map(column).collect(),
            metadata: BTreeMap::from([said]),
            made_at: "now".to_owned(),
        }
    }

    fn names(version: &TableVersion) -> Vec<&str> {
        version.columns.iter().map(|column| column.name.as_str()).collect()
    }

    fn check_columns(columns: &[&str], classification: &str, expected: &[&str]) {
        let exported = Exported::new(&version(columns, classification), "");
        assert_eq!(names(&exported.version), expected);
    }

    #[test]
    fn products_of_the_harmonized_system_have_their_levels_beside_them() {
        let all = ["year", "product", "hs6", "hs4", "hs2", "n"];
        check_columns(&["year", "product", "n"], "HS", &all);
        check_columns(&["product", "hs4"], "HS", &["product", "hs6", "hs2", "hs4"]);
        check_columns(&["product", "hs6"], "HS", &["product", "hs6"]);
        check_columns(&["region_code"], "HS", &["region_code"]);
        check_columns(&["product"], "SITC", &["product"]);
        let mut numbers = version(&["product"], "HS");
        numbers.columns[0].kind = Kind::Int;
        assert_eq!(names(&Exported::new(&numbers, "").version), ["product"]);
    }

    #[test]
    fn levels_are_the_first_digits_of_products_and_may_be_in_the_condition() {
        let text = |texts: [&str; 3]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
        let rows = RecordBatch::try_from_iter([
            ("product", text(["010110", "610910", "610990"])),
            ("Group", text(["a", "b", "c"])),
        ]);
        let runtime = Runtime::new().expect("a runtime");
        let lake = Lake::open("memory://").expect("a lake");
        let draft = version(&["product", "Group"], "HS");
        let published = runtime.block_on(lake.write(draft, vec![rows.expect("rows")]));
        let published = published.expect("written");
        let memory = Memory { mib: 256, setting: "a test" };
        let session = published::session(&lake, 1, memory).expect("a session");
        session.register(&published).expect("registered");
        let condition = " where hs4 = '6109' and product.product <> '610910'";
        let exported = Exported::new(&published, condition);
        let (schema, found) = runtime.block_on(session.run(&exported.sql)).expect("rows");
        let fields = schema.fields().iter().map(|field| field.name().as_str());
        assert_eq!(fields.collect::<Vec<_>>(), names(&exported.version));
        let expected = ["610990", "610990", "6109", "61", "c"];
        let found = arrow::compute::concat_batches(&schema, &found).expect("one batch");
        assert_eq!(found.num_rows(), 1);
        for (column, expected) in found.columns().iter().zip(expected) {
            assert_eq!(column.as_string::<i32>().value(0), expected);
        }
    }

    #[test]
    fn a_null_is_explained_by_the_column_of_its_measure() {
        let columns = [
            "resistance",
            "resistance_dhs",
            "resistance_null_reason",
            "foreign_share",
            "shares_null_reason",
        ];
        let columns = columns.map(str::to_owned);
        assert_eq!(reason_of("resistance_dhs", &columns), Some(2));
        assert_eq!(reason_of("foreign_share", &columns), Some(4));
        assert_eq!(reason_of("resistance_null_reason", &columns), None);
    }
}
