//! `rebound sql` without a query: a shell with history, completion and paging.

mod words;

use self::words::{Part, Words, is_complete, parts};
use crate::clock;
use crate::run::warn_of;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use comfy_table::{Table, TableComponent, presets};
use indicatif::HumanCount;
use lake::{Catalog, Lake, LakeError};
use query::{Memory, QueryError, Session};
use report::new_file::NewFile;
use report::output::{self, CsvArgs, Described, Format, OutputError, columns, right};
use report::published::{self, NotPublished};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const PROMPT: &str = "rebound> ";

/// Rows that are shown of a query, until the user asks for more.
const SHOWN: usize = 1000;

/// How often a running query is asked whether it should go on.
const HEED: Duration = Duration::from_millis(5);

const HELP: &str = "\
A query ends with `;` and may go over many lines. Tab completes tables, columns and keywords; the arrows go back in
history, Ctrl-R searches it; Ctrl-C stops a query, Ctrl-D leaves.

\\d            the published tables
\\d TABLE      a table: its columns, types, units and meaning
\\timing       say how long queries take, or no longer
\\x            show rows one column a line, or no longer
\\f FORMAT     form of the rows: table, csv, json
\\rows N       show at most N rows of a query (now {rows}); 0: all
\\pager        page what is longer than the screen, or no longer
\\o FILE       write the rows of queries to a file, which is there from the next \\o on; without FILE, to the screen
\\i FILE       run the queries of a file
\\q            leave";

/// What ends the shell.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The terminal failed.
    #[error("failed to read the terminal")]
    Terminal(#[from] ReadlineError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A session could not be made.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The screen failed.
    #[error("failed to write")]
    Io(#[from] std::io::Error),
}

/// What a line failed with; the shell says so and goes on.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    NotPublished(#[from] NotPublished),
    #[error("failed to write")]
    Io(#[from] std::io::Error),
    #[error("failed to use the file `{path}`")]
    File { path: PathBuf, source: std::io::Error },
    #[error("stopped")]
    Stopped,
    #[error("{0}")]
    Said(String),
}

/// What rustyline asks.
struct Assistant {
    words: Words,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.words.complete(line, at))
    }
}

/// How rows are shown.
#[derive(Debug)]
struct Show {
    format: Format,
    is_expanded: bool,
    is_timed: bool,
    is_paged: bool,
    rows: usize,
    file: Option<NewFile>,
}

/// Which tables a shell goes over to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Those that are published meanwhile.
    Newest,
    /// None: it stays with those that it began with.
    Never,
}

/// What the shell does next.
enum Next {
    /// Reads a line.
    Line,
    /// Reads the rest of this query.
    Rest(String),
    /// Ends.
    End,
}

struct Shell<'s> {
    runtime: &'s Runtime,
    lake: &'s Lake,
    catalog: Catalog,
    renewal: Renewal,
    session: Arc<Session>,
    memory: Memory,
    show: Show,
    /// Whether Ctrl-C was pressed.
    is_stopped: Arc<AtomicBool>,
}

/// Reads queries from the terminal until it ends.
///
/// # Errors
///
/// [`ShellError`] if the terminal or the lake fails. What a query fails with is said, and the shell goes on.
pub fn run(
    runtime: &Runtime,
    lake: &Lake,
    catalog: Catalog,
    renewal: Renewal,
    memory: Memory,
) -> Result<(), ShellError> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let signal = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&is_stopped))?;
    let config = Config::builder()
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .completion_prompt_limit(200)
        .build();
    let mut editor: Editor<Assistant, FileHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant { words: Words::of(&catalog) }));
    let history = history_file();
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    let session = Arc::new(published::open(lake, &catalog, memory)?);
    println(&format!(
        "{} tables of `{}`, published {} (run {}). \\? helps, \\d lists the tables, \\q leaves.",
        catalog.tables.len(),
        lake.url(),
        clock::age(&catalog.published_at),
        catalog.run
    ))?;
    let show = Show {
        format: Format::Table,
        is_expanded: false,
        is_timed: false,
        is_paged: true,
        rows: SHOWN,
        file: None,
    };
    let mut shell = Shell { runtime, lake, catalog, renewal, session, memory, show, is_stopped };
    let mut begun = String::new();
    loop {
        let text = match editor.readline_with_initial(PROMPT, (&std::mem::take(&mut begun), "")) {
            Ok(text) => text,
            // Ctrl-C clears the line.
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        };
        if text.trim().is_empty() {
            continue;
        }
        editor.add_history_entry(text.trim_end())?;
        if let Some(path) = &history {
            // A history that cannot be kept must not stop the work.
            let _ = editor.append_history(path).or_else(|_| editor.save_history(path));
        }
        if shell.renew()? {
            editor.set_helper(Some(Assistant { words: Words::of(&shell.catalog) }));
        }
        match shell.lines(&text)? {
            Next::Line => {}
            Next::Rest(text) => begun = text,
            Next::End => break,
        }
    }
    if let Err(error) = shell.keep_file() {
        say(&error)?;
    }
    signal_hook::low_level::unregister(signal);
    Ok(())
}

/// What a pager does with lines that are wider than the screen.
#[derive(Debug, Clone, Copy)]
enum WideLines {
    Folded,
    Cut,
}

fn println(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}

fn say(error: &LineError) -> std::io::Result<()> {
    let causes: Vec<String> =
        std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
            .map(ToString::to_string)
            .collect();
    // A transparent error says what its source says.
    let mut causes: Vec<&str> = causes.iter().map(String::as_str).collect();
    causes.dedup();
    writeln!(std::io::stderr().lock(), "error: {}", causes.join("\n  because: "))
}

/// Where the lines of earlier shells are kept.
fn history_file() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/state"));
    let folder = state.filter(|path| path.is_absolute()).or_else(home)?.join("rebound");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

impl Shell<'_> {
    /// Ends the file that rows are written to.
    fn keep_file(&mut self) -> Result<(), LineError> {
        let Some(file) = self.show.file.take() else { return Ok(()) };
        let path = file.target().to_owned();
        file.keep().map_err(|source| LineError::File { path, source })
    }

    /// Goes over to what is published now, and says so; whether it is another run.
    fn renew(&mut self) -> Result<bool, ShellError> {
        if self.renewal == Renewal::Never {
            return Ok(false);
        }
        let Some(catalog) = self.runtime.block_on(self.lake.catalog())? else { return Ok(false) };
        if catalog == self.catalog {
            return Ok(false);
        }
        self.session = Arc::new(published::open(self.lake, &catalog, self.memory)?);
        println(&format!("(another run is published: {})", catalog.run))?;
        self.catalog = catalog;
        Ok(true)
    }

    /// Does what a text says, saying what goes wrong; what comes next.
    fn lines(&mut self, text: &str) -> std::io::Result<Next> {
        let mut open = None;
        for part in parts(text) {
            let done = match part {
                Part::Query(query) => self.query(query).map(|()| true),
                Part::Open(query) => {
                    open = Some(query.to_owned());
                    continue;
                }
                Part::Command(command) => {
                    let (name, rest) =
                        command.split_once(char::is_whitespace).unwrap_or((command, ""));
                    self.command(name, rest.trim())
                }
            };
            match done {
                Ok(true) => {}
                Ok(false) => return Ok(Next::End),
                Err(error) => {
                    say(&error)?;
                    if matches!(error, LineError::Stopped) {
                        break;
                    }
                }
            }
        }
        Ok(open.map_or(Next::Line, Next::Rest))
    }

    fn command(&mut self, name: &str, rest: &str) -> Result<bool, LineError> {
        let toggled = |name: &str, is_on: &mut bool| {
            *is_on = !*is_on;
            println(&format!("{name} is {}", if *is_on { "on" } else { "off" }))
        };
        match name {
            "q" | "quit" | "exit" => return Ok(false),
            "?" | "h" | "help" => {
                let rows = match self.show.rows {
                    0 => "all".to_owned(),
                    n => n.to_string(),
                };
                println(&HELP.replace("{rows}", &rows))?;
            }
            "d" | "d+" | "dt" | "dt+" if rest.is_empty() => {
                let text = tables(&self.catalog)?;
                self.page(&text, WideLines::Folded)?;
            }
            "d" | "d+" => {
                let text = match lake::meta::contract(rest) {
                    Some(contract) => table(&Described::of_contract(contract))?,
                    None => table(&Described::of(published::version(&self.catalog, rest)?))?,
                };
                self.page(&text, WideLines::Folded)?;
            }
            "timing" => toggled("timing", &mut self.show.is_timed)?,
            "x" => toggled("one column a line", &mut self.show.is_expanded)?,
            "pager" => toggled("paging", &mut self.show.is_paged)?,
            "f" => {
                let known = || {
                    let names = [Format::Table, Format::Csv, Format::Json].map(name_of);
                    LineError::Said(format!("a form is one of {}", names.join(", ")))
                };
                let format = Format::from_str(rest, true).map_err(|_| known())?;
                if matches!(format, Format::Parquet | Format::Arrow | Format::Dta) {
                    return Err(LineError::Said(format!(
                        "{} is not for a terminal: `rebound sql \"...\" --format {0} -o FILE` writes it",
                        name_of(format)
                    )));
                }
                self.show.format = format;
            }
            "rows" => {
                let n = rest.replace(',', "").parse();
                self.show.rows = n.map_err(|_| {
                    LineError::Said("how many rows? `\\rows 100`; `\\rows 0` shows all".to_owned())
                })?;
            }
            "o" if rest.is_empty() => self.keep_file()?,
            "o" => {
                self.keep_file()?;
                let file = NewFile::create(Path::new(rest))
                    .map_err(|source| LineError::File { path: rest.into(), source })?;
                self.show.file = Some(file);
            }
            "i" => {
                let text = std::fs::read_to_string(rest)
                    .map_err(|source| LineError::File { path: rest.into(), source })?;
                if let Next::Rest(last) = self.lines(&text)? {
                    self.query(&last)?;
                }
            }
            _ => {
                return Err(LineError::Said(format!("no command `\\{name}`; \\? lists them")));
            }
        }
        Ok(true)
    }

    fn query(&mut self, sql: &str) -> Result<(), LineError> {
        let begun = Instant::now();
        published::verify(self.runtime, self.lake, &self.catalog, &self.session, sql)?;
        let left_out =
            published::register_meta(self.runtime, self.lake, &self.catalog, &self.session, sql)?;
        warn_of(&left_out);
        let limit = match (self.show.rows, &self.show.file) {
            (0, _) | (_, Some(_)) => usize::MAX,
            (n, None) => n,
        };
        let (schema, batches, is_cut) = self.run(sql, limit)?;
        let took = begun.elapsed();
        let mut text = Vec::new();
        if self.show.is_expanded && self.show.format == Format::Table {
            text.extend_from_slice(expanded(&schema, &batches)?.as_bytes());
        } else {
            let batches = batches.into_iter().map(Ok::<_, OutputError>);
            output::write(self.show.format, CsvArgs::default(), &schema, batches, &mut text)?;
        }
        if let Some(file) = &mut self.show.file {
            let written = file.write_all(&text);
            written.map_err(|source| LineError::File { path: file.target().into(), source })?;
        } else {
            let mut text = String::from_utf8_lossy(&text).into_owned();
            if is_cut {
                let n = HumanCount(limit as u64);
                let _ = writeln!(text, "(the first {n} only; `\\rows 0` shows all)");
            }
            self.page(&text, WideLines::Cut)?;
        }
        if self.show.is_timed {
            println(&format!("time: {:.3} s", took.as_secs_f64()))?;
        }
        Ok(())
    }

    /// Up to `limit` rows, and whether there are more.
    fn run(
        &self,
        sql: &str,
        limit: usize,
    ) -> Result<(SchemaRef, Vec<RecordBatch>, bool), LineError> {
        self.is_stopped.store(false, Ordering::Relaxed);
        let (session, text) = (Arc::clone(&self.session), sql.to_owned());
        let task = self.runtime.spawn(async move {
            let mut rows = session.open(&text).await?;
            let (mut batches, mut n) = (Vec::new(), 0);
            while n <= limit
                && let Some(batch) = rows.next().await?
            {
                n += batch.num_rows();
                batches.push(batch);
            }
            Ok::<_, QueryError>((rows.schema, batches, n))
        });
        while !task.is_finished() {
            if self.is_stopped.load(Ordering::Relaxed) {
                task.abort();
                return Err(LineError::Stopped);
            }
            std::thread::sleep(HEED);
        }
        let ended = self.runtime.block_on(task).map_err(|_| LineError::Stopped)?;
        let (schema, mut batches, n) = ended.map_err(|error| {
            match published::missing_table(&self.session, &self.catalog, sql) {
                Some(help) if error.is_about_a_table() => LineError::Said(help),
                _ => error.into(),
            }
        })?;
        let is_cut = n > limit;
        if is_cut && let Some(last) = batches.pop() {
            batches.push(last.slice(0, last.num_rows() - (n - limit)));
        }
        Ok((schema, batches, is_cut))
    }

    /// Shows a text, through a pager if it is longer than the screen.
    fn page(&self, text: &str, wide: WideLines) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        if !self.show.is_paged {
            return write!(out, "{text}");
        }
        let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        let mut words = pager.split_whitespace();
        let Some(program) = words.next() else { return write!(out, "{text}") };
        let how = match wide {
            WideLines::Folded => "-FRX",
            WideLines::Cut => "-FRSX",
        };
        let started = Command::new(program)
            .args(words)
            // Ends at once if all fits.
            .env("LESS", std::env::var("LESS").unwrap_or_else(|_| how.to_owned()))
            .stdin(Stdio::piped())
            .spawn();
        let Ok(mut child) = started else { return write!(out, "{text}") };
        if let Some(mut input) = child.stdin.take() {
            // Whoever leaves the pager early has seen enough.
            let _ = input.write_all(text.as_bytes());
        }
        child.wait()?;
        Ok(())
    }
}

fn name_of(format: Format) -> String {
    format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The published tables.
fn tables(catalog: &Catalog) -> std::io::Result<String> {
    let mut rows = vec![["table", "rows", "a row is"].map(str::to_owned).to_vec()];
    for (name, version) in &catalog.tables {
        let n = right(HumanCount(version.rows()), 11);
        rows.push(vec![name.clone(), n, output::shortened(&version.about, 90)]);
    }
    let mut text = Vec::new();
    columns(&mut text, &rows)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A table's contract.
fn table(described: &Described) -> std::io::Result<String> {
    let mut text = Vec::new();
    output::contract(&mut text, described)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Rows one column a line.
fn expanded(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String, OutputError> {
    let options = arrow::util::display::FormatOptions::new().with_null("null");
    let (mut text, mut n) = (String::new(), 0);
    for batch in batches {
        let columns = batch
            .columns()
            .iter()
            .map(|column| arrow::util::display::ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            n += 1;
            let mut table = Table::new();
            table.load_preset(presets::NOTHING).set_style(TableComponent::VerticalLines, '|');
            for (field, column) in schema.fields().iter().zip(&columns) {
                table.add_row([field.name().clone(), column.value(row).try_to_string()?]);
            }
            for (column, padding) in table.column_iter_mut().zip([(0, 1), (1, 0)]) {
                column.set_padding(padding);
            }
            let _ = writeln!(text, "-- row {n}\n{}", table.trim_fmt());
        }
    }
    let _ = writeln!(text, "({n} row{})", if n == 1 { "" } else { "s" });
    Ok(text)
}
