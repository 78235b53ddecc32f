//! `rebound export`: tables and rows of queries in the forms that other programs read, each with its
//! codebook.

mod codebook;
mod counted;
mod error;
mod for_stata;
mod geo_files;
mod geography;
mod rows;
mod workbook;

pub use self::error::ExportError;

use self::codebook::Codebook;
use self::counted::{Counted, examine};
use self::geo_files::WithoutShape;
use self::geography::{Geography, Place};
use self::rows::Opened;
use self::workbook::Book;
use crate::destination::{self, FileForm};
use crate::new_file::NewFile;
use crate::output::{self, CsvArgs, Format};
use crate::published;
use clap::{Args, ValueEnum};
use lake::{Catalog, Lake};
use query::{Memory, statements};
use std::collections::BTreeSet;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// The form of exported rows.
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
    /// A workbook of Excel, with its codebook and sources as sheets.
    Xlsx,
    /// GeoJSON: each row with the geometry of its region.
    #[value(name = "geojson")]
    GeoJson,
    /// GeoParquet: Parquet with the geometry of each row's region.
    #[value(name = "geoparquet")]
    GeoParquet,
}

impl FileForm for ExportFormat {
    fn endings(&self) -> &'static [&'static str] {
        match self {
            Self::Dta => &["dta"],
            Self::Csv => &["csv"],
            Self::Parquet => &["parquet", "pq"],
            Self::Arrow => &["arrow", "feather", "ipc"],
            Self::Xlsx => &["xlsx"],
            Self::GeoJson => &["geojson", "json"],
            Self::GeoParquet => &["parquet", "geoparquet", "pq"],
        }
    }
}

impl ExportFormat {
    /// How a file in a folder ends. GeoParquet stands beside Parquet of the same rows.
    fn extension(self) -> &'static str {
        match self {
            Self::GeoParquet => "geo.parquet",
            _ => self.ending(),
        }
    }

    /// Whether rows have a geometry in it.
    fn is_geographic(self) -> bool {
        matches!(self, Self::GeoJson | Self::GeoParquet)
    }
}

/// Arguments of `rebound export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Tables; without any, and without a query, those of the schema `panel`.
    pub tables: Vec<String>,
    /// Rows of a query; may be repeated.
    #[arg(long = "query", value_name = "SQL", allow_hyphen_values = true)]
    pub queries: Vec<String>,
    /// Rows of a query in a file, or of `-`, standard input; may be repeated. They are called as the file is.
    #[arg(long = "query-file", short = 'f', value_name = "FILE")]
    pub query_files: Vec<PathBuf>,
    /// What the rows of a query are called, as a file and as a sheet; once for each query in their order, those of
    /// --query first. Otherwise `query`, or as the file is.
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// Form; may be repeated. Otherwise what the name of --output says, or Stata.
    #[arg(long, value_enum)]
    pub format: Vec<ExportFormat>,
    /// The folder to write to; or one file, by a name that ends as files of a form do: `crisis.xlsx`. A workbook has
    /// a sheet for each table and query, any other file is of one.
    #[arg(long, short, default_value = "export")]
    pub output: PathBuf,
    /// Rows of tables: a SQL condition.
    #[arg(long = "where", short = 'w')]
    pub condition: Option<String>,
    /// For GeoJSON and GeoParquet: the pipeline file, whose `boundaries` are the geometry of regions.
    #[arg(long, value_name = "FILE", conflicts_with = "boundaries")]
    pub pipeline: Option<PathBuf>,
    /// The same from a file of GeoJSON alone.
    #[arg(long, value_name = "FILE", requires = "property")]
    pub boundaries: Option<PathBuf>,
    /// The property of --boundaries that has the code or the name of a region.
    #[arg(long, value_name = "NAME", requires = "boundaries")]
    pub property: Option<String>,
    /// Formulas.
    #[command(flatten)]
    pub csv: CsvArgs,
}

/// Where files go.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Destination {
    /// A folder, with a file for each table or query and form.
    Folder(Vec<ExportFormat>),
    /// One file.
    File(ExportFormat),
}

impl Destination {
    /// Where the arguments say.
    fn of(args: &ExportArgs) -> Result<Self, ExportError> {
        let path = &args.output;
        let said = destination::said_form::<ExportFormat>(path);
        if destination::is_told_folder(path) || said.is_none() {
            destination::is_folder_name(path)?;
            let unless = [ExportFormat::Dta];
            let asked = if args.format.is_empty() { &unless[..] } else { &args.format };
            let mut forms: Vec<ExportFormat> = Vec::new();
            for form in asked {
                if !forms.contains(form) {
                    forms.push(*form);
                }
            }
            return Ok(Self::Folder(forms));
        }
        if args.format.len() > 1 {
            let why = format!(
                "`{}` is one file, and {} forms are asked for: name a folder, or one --format",
                path.display(),
                args.format.len()
            );
            return Err(ExportError::Asked(why));
        }
        destination::is_file_name(path)?;
        let asked = args.format.first().copied();
        Ok(Self::File(destination::form(Some(path), asked, ExportFormat::Dta)?))
    }

    /// The forms that are written.
    fn forms(&self) -> &[ExportFormat] {
        match self {
            Self::Folder(forms) => forms,
            Self::File(form) => std::slice::from_ref(form),
        }
    }
}

/// A query, by the name that its rows are to have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NamedQuery {
    name: String,
    sql: String,
}

/// What is asked for, as far as it can be told before a lake is read.
#[derive(Debug)]
pub struct Asked<'a> {
    args: &'a ExportArgs,
    destination: Destination,
    queries: Vec<NamedQuery>,
}

/// The text of a query in a file.
fn read_query(path: &Path) -> Result<String, ExportError> {
    let read = || match path.to_str() {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            Ok(text)
        }
        _ => std::fs::read_to_string(path),
    };
    read().map_err(|source| ExportError::Read { path: path.to_owned(), source })
}

/// The one query of a text, without what ends it.
fn one_query(name: &str, text: &str) -> Result<String, ExportError> {
    let (found, _) = statements(text);
    let mut queries = found.iter().filter(|statement| !statement.is_blank);
    match (queries.next(), queries.next()) {
        (Some(query), None) => Ok(query.text.trim().to_owned()),
        (None, _) => Err(ExportError::Asked(format!("the query `{name}` is empty"))),
        (Some(_), Some(_)) => Err(ExportError::Asked(format!(
            "`{name}` has more than one query: give each by a --query or --query-file of its own"
        ))),
    }
}

/// Whether a name may be that of files.
fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let is_long = name.chars().count() > 100;
    let begins = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    begins && !is_long && name.chars().all(is_letter) && name.trim_end() == name
}

/// The queries that are asked for, by their names.
fn queries(args: &ExportArgs) -> Result<Vec<NamedQuery>, ExportError> {
    let n = args.queries.len() + args.query_files.len();
    if args.names.len() > n {
        return Err(ExportError::Asked(format!(
            "there are {} names (--name) and {n} queries: a name is that of a query's rows",
            args.names.len()
        )));
    }
    let mut taken: BTreeSet<String> =
        args.tables.iter().map(|table| table.to_lowercase()).collect();
    let of_texts = args.queries.iter().map(|text| (None::<&Path>, Some(text)));
    let of_files = args.query_files.iter().map(|path| (Some(path.as_path()), None::<&String>));
    let mut found = Vec::new();
    for (at, (path, text)) in of_texts.chain(of_files).enumerate() {
        let stem = path.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        let unless = stem.filter(|stem| stem != "-").unwrap_or_else(|| match at {
            0 => "query".to_owned(),
            at => format!("query_{}", at + 1),
        });
        let name = args.names.get(at).cloned().unwrap_or(unless);
        if !is_name(&name) {
            return Err(ExportError::Asked(format!(
                "`{name}` is no name for files: expected letters, digits, _, -, . and spaces, by --name"
            )));
        }
        if !taken.insert(name.to_lowercase()) {
            return Err(ExportError::Asked(format!(
                "`{name}` is exported twice: call the rows of a query otherwise by --name"
            )));
        }
        let text = match (path, text) {
            (Some(path), _) => read_query(path)?,
            (None, text) => text.cloned().unwrap_or_default(),
        };
        found.push(NamedQuery { sql: one_query(&name, &text)?, name });
    }
    Ok(found)
}

impl<'a> Asked<'a> {
    /// What the arguments ask for. Queries are read from their files.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if they do not go together, or the destination is none that can be written to.
    pub fn of(args: &'a ExportArgs) -> Result<Self, ExportError> {
        let destination = Destination::of(args)?;
        let queries = queries(args)?;
        let asked = |why: &str| Err(ExportError::Asked(why.to_owned()));
        if args.condition.is_some() && args.tables.is_empty() && !queries.is_empty() {
            return asked("--where chooses rows of tables: write the condition into the query");
        }
        let is_geographic = destination.forms().iter().any(|form| form.is_geographic());
        let has_shapes = args.pipeline.is_some() || args.boundaries.is_some();
        if is_geographic && !has_shapes {
            return asked(
                "GeoJSON and GeoParquet have the geometry of regions: give the pipeline file that has their `boundaries` \
                 with --pipeline FILE, or --boundaries FILE --property NAME",
            );
        }
        if has_shapes && !is_geographic {
            return asked(
                "boundaries are for --format geojson and geoparquet: no other form has a geometry",
            );
        }
        if matches!(destination, Destination::File(_)) {
            let inputs = args.query_files.iter().chain(&args.pipeline).chain(&args.boundaries);
            destination::is_no_input(&args.output, inputs.map(PathBuf::as_path))?;
        }
        let found = Self { args, destination, queries };
        if !args.tables.is_empty() || !found.queries.is_empty() {
            found.fits(args.tables.len())?;
        }
        Ok(found)
    }

    /// Whether so many tables, with the queries, go where they are asked for.
    fn fits(&self, n_tables: usize) -> Result<(), ExportError> {
        let n = n_tables + self.queries.len();
        match self.destination {
            Destination::File(form) if form != ExportFormat::Xlsx && n != 1 => {
                Err(ExportError::Asked(format!(
                    "`{}` is the name of a file, and {n} tables and queries are asked for: name a folder, or a \
                     workbook (.xlsx), which has a sheet for each",
                    self.args.output.display()
                )))
            }
            _ => Ok(()),
        }
    }

    /// The tables that are exported: those named, or all panels where nothing is.
    fn tables(&self, catalog: &Catalog) -> Vec<String> {
        if !self.args.tables.is_empty() || !self.queries.is_empty() {
            return self.args.tables.clone();
        }
        catalog.tables.keys().filter(|table| table.starts_with("panel.")).cloned().collect()
    }

    /// All tables that are read.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if there is no session to read queries with.
    pub fn reads(
        &self,
        lake: &Lake,
        catalog: &Catalog,
        memory: Memory,
    ) -> Result<BTreeSet<String>, ExportError> {
        let mut found: BTreeSet<String> = self.tables(catalog).into_iter().collect();
        if !self.queries.is_empty() {
            let session = published::session(lake, 1, memory)?;
            for query in &self.queries {
                // What is no query is told when it is run.
                found.extend(session.tables_read(&query.sql).unwrap_or_default());
            }
        }
        Ok(found)
    }

    /// Where the geometry of regions is.
    fn place(&self) -> Option<Place<'a>> {
        let of_pipeline = self.args.pipeline.as_deref().map(Place::Pipeline);
        let of_file = self.args.boundaries.as_deref().zip(self.args.property.as_deref());
        of_pipeline.or(of_file.map(|(path, property)| Place::File(path, property)))
    }
}

fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> ExportError + use<> {
    let path = path.to_owned();
    move |source| ExportError::Write { path: path.clone(), source }
}

/// Whether a file that is there was written by an export, or there is none. A codebook says so itself,
/// any other file by the codebook beside it.
fn is_ours(path: &Path, codebook: &Path) -> Result<(), ExportError> {
    let is_codebook =
        std::fs::read_to_string(codebook).is_ok_and(|text| codebook::is_codebook(&text));
    match !path.exists() || is_codebook {
        true => Ok(()),
        false => Err(ExportError::Taken { path: path.to_owned() }),
    }
}

/// What is being exported.
struct Export<'e> {
    runtime: &'e Runtime,
    asked: &'e Asked<'e>,
    catalog: &'e Catalog,
    geography: Option<Geography>,
    written: Vec<PathBuf>,
}

impl Export<'_> {
    /// The file of these rows, without its ending.
    fn stem(&self, opened: &Opened) -> PathBuf {
        match self.asked.destination {
            Destination::Folder(_) => self.asked.args.output.join(&opened.exported.name),
            Destination::File(_) => self.asked.args.output.with_extension(""),
        }
    }

    /// The file of these rows in a form.
    fn path(&self, opened: &Opened, form: ExportFormat) -> PathBuf {
        match self.asked.destination {
            Destination::Folder(_) => with_ending(&self.stem(opened), ".", form.extension()),
            Destination::File(_) => self.asked.args.output.clone(),
        }
    }

    /// Looks whether these rows have a place: their files replace nothing that no export wrote, and
    /// each form can have them.
    fn has_place(&self, opened: &Opened) -> Result<(), ExportError> {
        let stem = self.stem(opened);
        let book = with_ending(&stem, "_codebook.", "md");
        if self.has_codebook() {
            for ending in ["md", "html"] {
                let path = with_ending(&stem, "_codebook.", ending);
                is_ours(&path, &path)?;
            }
        }
        for form in self.asked.destination.forms() {
            if matches!(self.asked.destination, Destination::Folder(_)) {
                is_ours(&self.path(opened, *form), &book)?;
            }
            if form.is_geographic() {
                geo_files::region(&opened.exported)?;
            }
        }
        Ok(())
    }

    /// Whether codebooks stand beside the files: one workbook has its own.
    fn has_codebook(&self) -> bool {
        self.asked.destination != Destination::File(ExportFormat::Xlsx)
    }

    /// Writes the codebook of rows.
    fn codebook(&mut self, opened: &Opened, counted: (u64, &[Counted])) -> Result<(), ExportError> {
        let book = Codebook::new(&opened.exported, self.catalog, counted);
        for (ending, text) in [("md", book.markdown()), ("html", book.html())] {
            let path = with_ending(&self.stem(opened), "_codebook.", ending);
            NewFile::write(&path, text.as_bytes()).map_err(unwritable(&path))?;
            self.written.push(path);
        }
        Ok(())
    }

    /// Writes rows in a form.
    fn write(
        &mut self,
        opened: &Opened,
        form: ExportFormat,
        counted: (u64, &[Counted]),
    ) -> Result<(), ExportError> {
        let path = self.path(opened, form);
        let mut file = NewFile::create(&path).map_err(unwritable(&path))?;
        let mut without = None;
        match form {
            ExportFormat::Dta => for_stata::write(self.runtime, opened, counted.1, &file)?,
            ExportFormat::Csv => self.plain(opened, Format::Csv, &mut file)?,
            ExportFormat::Parquet => self.plain(opened, Format::Parquet, &mut file)?,
            ExportFormat::Arrow => self.plain(opened, Format::Arrow, &mut file)?,
            ExportFormat::Xlsx => {
                let mut book = Book::new(self.catalog);
                book.add(&opened.exported, counted, opened.rows(self.runtime)?)?;
                book.finish(BufWriter::new(&mut file))?;
            }
            ExportFormat::GeoJson | ExportFormat::GeoParquet => {
                without = self.shaped(opened, form, &mut file)?;
            }
        }
        file.keep().map_err(unwritable(&path))?;
        if let Some(without) = without {
            tell(&path, &without);
        }
        self.written.push(path);
        Ok(())
    }

    fn plain(&self, opened: &Opened, form: Format, file: &mut NewFile) -> Result<(), ExportError> {
        let rows = opened.rows(self.runtime)?;
        let schema = rows.schema.clone();
        output::write(form, self.asked.args.csv, &schema, rows, BufWriter::new(file))
    }

    fn shaped(
        &self,
        opened: &Opened,
        form: ExportFormat,
        file: &mut NewFile,
    ) -> Result<Option<WithoutShape>, ExportError> {
        let Some(geography) = &self.geography else { return Ok(None) };
        let rows = opened.rows(self.runtime)?;
        let out = BufWriter::new(file);
        match form {
            ExportFormat::GeoParquet => {
                geo_files::geoparquet(&opened.exported, geography, rows, out)
            }
            _ => geo_files::geojson(&opened.exported, geography, rows, out),
        }
    }

    /// Writes all rows into one workbook.
    fn workbook(&mut self, all: &[Opened]) -> Result<(), ExportError> {
        let path = self.asked.args.output.clone();
        let mut file = NewFile::create(&path).map_err(unwritable(&path))?;
        let mut book = Book::new(self.catalog);
        for opened in all {
            let (n_rows, variables) = examine(self.runtime, opened)?;
            let rows = opened.rows(self.runtime)?;
            book.add(&opened.exported, (n_rows, &variables), rows)?;
        }
        book.finish(BufWriter::new(&mut file))?;
        file.keep().map_err(unwritable(&path))?;
        self.written.push(path);
        Ok(())
    }
}

/// A path with an ending behind its name.
fn with_ending(stem: &Path, mark: &str, ending: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(mark);
    path.push(ending);
    path.into()
}

/// Tells of regions without a shape.
fn tell(path: &Path, without: &WithoutShape) {
    const NAMED: usize = 5;
    let WithoutShape { codes, n_regions, n_rows } = without;
    let some: Vec<&str> = codes.iter().take(NAMED).map(String::as_str).collect();
    let more = if codes.len() > NAMED { " and others" } else { "" };
    let regions = match codes.is_empty() {
        true => "they have no region".to_owned(),
        false => {
            format!(
                "{} of {n_regions} regions have no shape: {}{more}",
                codes.len(),
                some.join(", ")
            )
        }
    };
    tracing::warn!("`{}`: rows without a geometry: {n_rows}; {regions}", path.display());
}

/// Writes what is asked for, with codebooks; gives the files.
///
/// # Errors
///
/// [`ExportError`].
pub fn export(
    runtime: &Runtime,
    asked: &Asked<'_>,
    memory: Memory,
    lake: &Lake,
    catalog: &Catalog,
) -> Result<Vec<PathBuf>, ExportError> {
    let tables = asked.tables(catalog);
    asked.fits(tables.len())?;
    // All or nothing: what one of them does not go with is told before a file is written.
    let mut all = Vec::new();
    let source = (lake, catalog, memory);
    for table in &tables {
        all.push(Opened::table(runtime, source, table, asked.args.condition.as_deref())?);
    }
    for NamedQuery { name, sql } in &asked.queries {
        all.push(Opened::query(runtime, source, (name, sql))?);
    }
    let place = asked.place();
    let geography = place.map(|place| Geography::read(runtime, source, place)).transpose()?;
    let mut export = Export { runtime, asked, catalog, geography, written: Vec::new() };
    for opened in &all {
        export.has_place(opened)?;
    }
    let folder = &asked.args.output;
    match &asked.destination {
        Destination::Folder(_) => {
            std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
        }
        Destination::File(ExportFormat::Xlsx) => {
            export.workbook(&all)?;
            return Ok(export.written);
        }
        Destination::File(_) => {}
    }
    for opened in &all {
        let (n_rows, variables) = examine(runtime, opened)?;
        export.codebook(opened, (n_rows, &variables))?;
        for form in asked.destination.forms() {
            export.write(opened, *form, (n_rows, &variables))?;
        }
    }
    Ok(export.written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Command {
        #[command(flatten)]
        args: ExportArgs,
    }

    fn args(of: &[&str]) -> ExportArgs {
        Command::try_parse_from(of).expect("arguments").args
    }

    fn refused(of: &[&str]) -> String {
        Asked::of(&args(of)).expect_err("what is refused").to_string()
    }

    #[test]
    fn a_query_is_called_as_asked_or_as_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("crisis.sql");
        std::fs::write(&file, "-- what\nselect 1 as a; -- end\n").expect("written");
        let file = file.display().to_string();
        let named = |of: &[&str]| -> Vec<(String, String)> {
            let found = queries(&args(of)).expect("queries");
            found.into_iter().map(|query| (query.name, query.sql)).collect()
        };
        let pair = |name: &str, sql: &str| (name.to_owned(), sql.to_owned());
        assert_eq!(named(&["--query", "select 1"]), [pair("query", "select 1")]);
        let all = ["--query", "select 1;", "--query", "select 2", "-f", &file, "--name", "one"];
        let expected = [
            pair("one", "select 1"),
            pair("query_2", "select 2"),
            pair("crisis", "-- what\nselect 1 as a"),
        ];
        assert_eq!(named(&all), expected);
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        let query = ["--query", "select 1"];
        let with = |more: &[&str]| refused(&[&query[..], more].concat());
        assert!(with(&["--name", "../x"]).contains("is no name for files"));
        assert!(with(&["--name", "a", "--name", "b"]).contains("2 names (--name) and 1 queries"));
        assert!(with(&["panel.region", "--name", "Panel.region"]).contains("exported twice"));
        assert!(with(&["--where", "a = 1"]).contains("write the condition into the query"));
        assert!(refused(&["--query", " ;"]).contains("is empty"));
        assert!(refused(&["--query", "select 1; select 2"]).contains("more than one query"));
        assert!(with(&["--format", "geojson"]).contains("--pipeline FILE"));
        assert!(with(&["--pipeline", "p.yaml"]).contains("no other form has a geometry"));
        assert!(with(&["panel.region", "-o", "o.csv"]).contains("2 tables and queries"));
        assert!(with(&["-o", "o.csv", "--format", "dta"]).contains("is no name for --format dta"));
        let both = ["-o", "o.xlsx", "--format", "xlsx", "--format", "csv"];
        assert!(with(&both).contains("2 forms are asked for"));
    }

    #[test]
    fn the_name_of_a_file_says_the_form() {
        let said = |of: &[&str]| Destination::of(&args(of)).expect("a destination");
        assert_eq!(said(&[]), Destination::Folder(vec![ExportFormat::Dta]));
        let twice = ["--format", "csv", "--format", "csv"];
        assert_eq!(said(&twice), Destination::Folder(vec![ExportFormat::Csv]));
        assert_eq!(said(&["-o", "crisis.xlsx"]), Destination::File(ExportFormat::Xlsx));
        assert_eq!(said(&["-o", "a.parquet"]), Destination::File(ExportFormat::Parquet));
        let geo = ["-o", "a.parquet", "--format", "geoparquet"];
        assert_eq!(said(&geo), Destination::File(ExportFormat::GeoParquet));
        assert!(Destination::of(&args(&["-o", "a.pdf"])).is_err());
    }

    #[test]
    fn nothing_is_replaced_that_no_export_wrote() {
        let folder = tempfile::tempdir().expect("a folder");
        let [file, book] = ["a.csv", "a_codebook.md"].map(|name| folder.path().join(name));
        assert!(is_ours(&file, &book).is_ok(), "nothing is there");
        std::fs::write(&file, "x").expect("written");
        let error = is_ours(&file, &book).expect_err("another's").to_string();
        assert!(error.contains("is nothing that `rebound export` wrote"), "{error}");
        std::fs::write(&book, "# Codebook of a\n").expect("written");
        assert!(is_ours(&file, &book).is_ok());
        std::fs::write(&book, "my notes").expect("written");
        assert!(is_ours(&book, &book).is_err());
    }
}
