//! `rebound sql` without a query: a shell with history, completion and paging.
//!
//! Its commands have the names that psql gives them, where psql has them.

mod command_list;
mod commands;
mod copied;
mod history;
mod running;
mod sink;
mod tokens;
mod words;

use self::running::{Ended, Running};
use self::sink::{Sink, SinkError};
use self::words::{Part, Words, is_complete, parts};
use crate::run::warn_of;
use crate::{clock, kept};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use indicatif::HumanCount;
use lake::{Catalog, HeldLease, HistoryError, KeptRun, Lake, LakeError};
use query::{Memory, QueryError, Session};
use report::destination::DestinationError;
use report::output::{self, CsvArgs, Format, OutputError};
use report::published::{self, NotPublished};
use report::screen::{self, Look};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::fmt::Write as _;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::runtime::Runtime;

/// Rows that are shown of a query, until the user asks for more.
const SHOWN: usize = 1000;

/// What ends the shell.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The terminal failed.
    #[error("failed to read the terminal")]
    Terminal(#[from] ReadlineError),
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
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Destination(#[from] DestinationError),
    #[error(transparent)]
    Sink(#[from] SinkError),
    #[error("failed to write")]
    Io(#[from] std::io::Error),
    #[error("failed to use the file `{path}`")]
    File { path: PathBuf, source: std::io::Error },
    #[error("stopped")]
    Stopped,
    #[error("{0}")]
    Said(String),
}

impl From<Ended> for LineError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Query(error) => error.into(),
            Ended::Stopped => Self::Stopped,
            broken @ Ended::Broken => Self::Said(broken.to_string()),
        }
    }
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
    look: Look,
    timing: Switch,
    paging: Switch,
    rows: usize,
    sink: Option<Sink>,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

impl Switch {
    fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// As a user's word has it; without one, the other way.
    fn after(self, word: &str) -> Result<Self, LineError> {
        match (word, self) {
            ("on", _) | ("", Self::Off) => Ok(Self::On),
            ("off", _) | ("", Self::On) => Ok(Self::Off),
            (other, _) => Err(LineError::Said(format!("`{other}`: expected on or off"))),
        }
    }
}

/// Which tables a shell reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tables {
    /// Those that are published, also when others are meanwhile.
    Published,
    /// Those of a kept run, which is called so.
    Kept(String),
}

impl Tables {
    /// Those of a run, by its number if it has one.
    pub fn of(run: &KeptRun) -> Self {
        let number = run.record.as_ref().map(|record| record.number).filter(|n| *n > 0);
        Self::Kept(number.map_or_else(|| run.catalog.run.clone(), |number| number.to_string()))
    }

    fn prompt(&self) -> String {
        match self {
            Self::Published => "rebound> ".to_owned(),
            Self::Kept(run) => format!("rebound@{run}> "),
        }
    }
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
    tables: Tables,
    /// On the tables of a kept run that was asked for here.
    lease: Option<HeldLease>,
    session: Arc<Session>,
    memory: Memory,
    show: Show,
    /// The last query.
    last: Option<String>,
    /// What was edited elsewhere, for the history.
    edited: Vec<String>,
    /// How many files are being run, one from the other.
    n_files: usize,
    /// Whether other tables are read than completion knows.
    is_renewed: bool,
    /// Whether Ctrl-C was pressed.
    is_stopped: Arc<AtomicBool>,
}

/// A terminal to read from.
fn editor(catalog: &Catalog) -> Result<Editor<Assistant, FileHistory>, ShellError> {
    let config = Config::builder()
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .completion_prompt_limit(200)
        .build();
    let mut editor: Editor<Assistant, FileHistory> = Editor::with_config(config)?;
    editor.set_helper(Some(Assistant { words: Words::of(catalog) }));
    Ok(editor)
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
    tables: Tables,
    memory: Memory,
) -> Result<(), ShellError> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let signal = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&is_stopped))?;
    let editor = editor(&catalog)?;
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
        look: Look::default(),
        timing: Switch::Off,
        paging: Switch::On,
        rows: SHOWN,
        sink: None,
    };
    let mut shell = Shell {
        runtime,
        lake,
        catalog,
        tables,
        lease: None,
        session,
        memory,
        show,
        last: None,
        edited: Vec::new(),
        n_files: 0,
        is_renewed: false,
        is_stopped,
    };
    let ended = shell.read(editor);
    if let Err(error) = shell.end_sink() {
        say(&error)?;
    }
    kept::release(runtime, shell.lease.take());
    signal_hook::low_level::unregister(signal);
    ended
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

impl Shell<'_> {
    /// Reads lines until the terminal ends, and does what they say.
    fn read(&mut self, mut editor: Editor<Assistant, FileHistory>) -> Result<(), ShellError> {
        let history = history::file(self.lake);
        if let Some(path) = &history {
            // The first time there is none.
            let _ = editor.load_history(path);
        }
        let mut begun = String::new();
        loop {
            let prompt = self.tables.prompt();
            let initial = std::mem::take(&mut begun);
            let text = match editor.readline_with_initial(prompt.as_str(), (&initial, "")) {
                Ok(text) => text,
                // Ctrl-C clears the line.
                Err(ReadlineError::Interrupted) => continue,
                Err(ReadlineError::Eof) => return Ok(()),
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
            // What was read before is there still.
            if let Err(error) = self.renew() {
                say(&error)?;
            }
            let next = self.lines(&text)?;
            if std::mem::take(&mut self.is_renewed) {
                editor.set_helper(Some(Assistant { words: Words::of(&self.catalog) }));
            }
            for text in self.edited.drain(..) {
                editor.add_history_entry(text)?;
            }
            if let Some(path) = &history {
                let _ = editor.append_history(path);
            }
            match next {
                Next::Line => {}
                Next::Rest(text) => begun = text,
                Next::End => return Ok(()),
            }
        }
    }

    /// Ends the file or command that rows are written to.
    fn end_sink(&mut self) -> Result<(), LineError> {
        Ok(self.show.sink.take().map_or(Ok(()), Sink::end)?)
    }

    /// Reads these tables from now on.
    fn change(
        &mut self,
        catalog: Catalog,
        tables: Tables,
        lease: Option<HeldLease>,
    ) -> Result<(), LineError> {
        match published::open(self.lake, &catalog, self.memory) {
            Ok(session) => self.session = Arc::new(session),
            Err(error) => {
                kept::release(self.runtime, lease);
                return Err(error.into());
            }
        }
        kept::release(self.runtime, std::mem::replace(&mut self.lease, lease));
        (self.catalog, self.tables) = (catalog, tables);
        self.is_renewed = true;
        Ok(())
    }

    /// Goes over to what is published now, and says so, unless a kept run was asked for.
    fn renew(&mut self) -> Result<(), LineError> {
        if self.tables != Tables::Published {
            return Ok(());
        }
        let Some(catalog) = self.runtime.block_on(self.lake.catalog())? else { return Ok(()) };
        if catalog == self.catalog {
            return Ok(());
        }
        println(&format!("(another run is published: {})", catalog.run))?;
        self.change(catalog, Tables::Published, None)
    }

    /// Does what a text says, saying what goes wrong; what comes next.
    fn lines(&mut self, text: &str) -> std::io::Result<Next> {
        let mut open: Option<String> = None;
        for part in parts(text) {
            self.is_stopped.store(false, Ordering::Relaxed);
            let done = match part {
                Part::Query(query) => {
                    let begun = open.take().unwrap_or_default();
                    self.query(&(begun + query), self.show.paging).map(ControlFlow::Continue)
                }
                Part::Open(query) => {
                    let begun = open.take().unwrap_or_default();
                    open = Some(begun + query);
                    continue;
                }
                Part::Command(command) => {
                    let (name, rest) =
                        command.split_once(char::is_whitespace).unwrap_or((command, ""));
                    // As psql takes `\o|less`.
                    let (name, rest) = match name.find('|') {
                        Some(at) => (&name[..at], &command[at..]),
                        None => (name, rest),
                    };
                    self.command(name, rest.trim(), &mut open)
                }
            };
            match done {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(Next::End),
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

    /// Makes sure that the tables of a query are there, and makes those known that are made for it.
    fn prepare(&self, sql: &str) -> Result<(), LineError> {
        published::verify(self.runtime, self.lake, &self.catalog, &self.session, sql)?;
        let left_out =
            published::register_meta(self.runtime, self.lake, &self.catalog, &self.session, sql)?;
        warn_of(&left_out);
        Ok(())
    }

    /// Starts a query.
    fn start(&self, sql: &str) -> Result<Running, LineError> {
        let started = Running::start(self.runtime, &self.session, sql, &self.is_stopped);
        started.map_err(|ended| match ended {
            Ended::Query(error) => self.explained(error, sql),
            other => other.into(),
        })
    }

    /// What a query failed with; where it names a table that is not there, with the closest name.
    fn explained(&self, error: QueryError, sql: &str) -> LineError {
        match published::missing_table(&self.session, &self.catalog, sql) {
            Some(help) if error.is_about_a_table() => LineError::Said(help),
            _ => error.into(),
        }
    }

    /// Runs a query, and shows its rows.
    fn query(&mut self, sql: &str, paging: Switch) -> Result<(), LineError> {
        self.last = Some(sql.to_owned());
        let begun = Instant::now();
        self.prepare(sql)?;
        let limit = match (self.show.rows, &self.show.sink) {
            (0, _) | (_, Some(_)) => usize::MAX,
            (n, None) => n,
        };
        let (schema, batches, is_cut) = self.rows(sql, limit)?;
        let took = begun.elapsed();
        let mut text = Vec::new();
        if self.show.format == Format::Table {
            // A file is as wide as its rows.
            let width = self.show.sink.is_none().then(output::text_width);
            let shown = screen::shown(&schema, &batches, &self.show.look, width)?;
            text.extend_from_slice(shown.as_bytes());
        } else {
            let batches = batches.into_iter().map(Ok::<_, OutputError>);
            output::write(self.show.format, CsvArgs::default(), &schema, batches, &mut text)?;
        }
        if let Some(sink) = &mut self.show.sink {
            if let Err(error) = sink.write(&text) {
                if error.is_closed() {
                    // What it ended with is of no use to anybody.
                    let _ = self.end_sink();
                }
                return Err(error.into());
            }
        } else {
            let mut text = String::from_utf8_lossy(&text).into_owned();
            if is_cut {
                let n = HumanCount(limit as u64);
                let _ = writeln!(text, "(the first {n} only; `\\rows 0` shows all)");
            }
            page(&text, WideLines::Cut, paging)?;
        }
        if self.show.timing == Switch::On {
            println(&format!("time: {:.3} s", took.as_secs_f64()))?;
        }
        Ok(())
    }

    /// Up to `limit` rows, and whether there are more.
    fn rows(
        &self,
        sql: &str,
        limit: usize,
    ) -> Result<(SchemaRef, Vec<RecordBatch>, bool), LineError> {
        let mut rows = self.start(sql)?;
        let (mut batches, mut n) = (Vec::new(), 0);
        while n <= limit
            && let Some(batch) = rows.next()?
        {
            n += batch.num_rows();
            batches.push(batch);
        }
        let is_cut = n > limit;
        if is_cut && let Some(last) = batches.pop() {
            batches.push(last.slice(0, last.num_rows() - (n - limit)));
        }
        Ok((Arc::clone(&rows.schema), batches, is_cut))
    }
}

/// Shows a text, through a pager if it is longer than the screen.
fn page(text: &str, wide: WideLines, paging: Switch) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if paging == Switch::Off {
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
