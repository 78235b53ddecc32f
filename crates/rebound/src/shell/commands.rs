//! What the commands of the shell do.

use super::command_list::{help, unknown};
use super::copied::Copied;
use super::sink::Sink;
use super::{LineError, Next, Shell, Switch, Tables, WideLines, page, println};
use crate::{clock, kept};
use clap::ValueEnum;
use indicatif::HumanCount;
use lake::Catalog;
use report::destination;
use report::new_file::NewFile;
use report::output::{self, CsvArgs, Described, Format, columns, right};
use report::published;
use report::screen::Turn;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Seconds between two runs of a query that is watched, unless said otherwise.
const WATCHED_S: f64 = 2.0;

/// Seconds that can be asked for: a day at most.
const WATCHABLE_S: std::ops::RangeInclusive<f64> = 0.1..=86_400.0;

/// Files that may be run one from the other.
const MOST_FILES: usize = 16;

/// How often one that waits looks whether to go on.
const HEED: Duration = Duration::from_millis(20);

/// What edits a query where the user names nothing.
const EDITOR: &str = "vi";

impl Shell<'_> {
    /// Does what a command says; whether the shell goes on. `open` is the query that is not ended yet.
    pub(super) fn command(
        &mut self,
        name: &str,
        rest: &str,
        open: &mut Option<String>,
    ) -> Result<ControlFlow<()>, LineError> {
        match name {
            "q" | "quit" | "exit" => return Ok(ControlFlow::Break(())),
            "?" | "h" | "help" => page(&help(self.show.rows), WideLines::Folded, self.show.paging)?,
            "d" | "d+" | "dt" | "dt+" if rest.is_empty() => {
                page(&tables(&self.catalog)?, WideLines::Folded, self.show.paging)?;
            }
            "d" | "d+" | "dt" | "dt+" => {
                let text = match lake::meta::contract(rest) {
                    Some(contract) => table(&Described::of_contract(contract))?,
                    None => table(&Described::of(published::version(&self.catalog, rest)?))?,
                };
                page(&text, WideLines::Folded, self.show.paging)?;
            }
            "timing" => {
                self.show.timing = self.show.timing.after(rest)?;
                println(&format!("timing is {}", self.show.timing.name()))?;
            }
            "x" => self.turn(rest)?,
            "pager" => self.paging(rest)?,
            "f" => self.format(rest)?,
            "pset" => self.set(rest)?,
            "rows" => {
                let n = rest.replace(',', "").parse();
                self.show.rows = n.map_err(|_| {
                    LineError::Said("how many rows? `\\rows 100`; `\\rows 0` shows all".to_owned())
                })?;
            }
            "o" => self.output(rest)?,
            "i" => return self.file(rest, open),
            "e" | "edit" => return self.edit(rest, open),
            "watch" => self.watch(rest, open)?,
            "copy" => self.copy(rest)?,
            "run" => self.read_run(rest)?,
            _ => return Err(LineError::Said(unknown(name))),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// `\x`: whether rows are turned.
    fn turn(&mut self, rest: &str) -> Result<(), LineError> {
        let turn = match (rest, self.show.look.turn) {
            ("on", _) => Turn::On,
            ("off", _) => Turn::Off,
            ("auto", _) => Turn::Auto,
            ("", Turn::On) => Turn::Off,
            ("", _) => Turn::On,
            (other, _) => {
                return Err(LineError::Said(format!("`{other}`: expected on, off or auto")));
            }
        };
        self.show.look.turn = turn;
        Ok(println(&format!("one column a line is {}", turn_name(turn)))?)
    }

    /// `\pager`: whether long texts are paged.
    fn paging(&mut self, rest: &str) -> Result<(), LineError> {
        self.show.paging = self.show.paging.after(rest)?;
        Ok(println(&format!("paging is {}", self.show.paging.name()))?)
    }

    /// `\f`: the form of the rows.
    fn format(&mut self, rest: &str) -> Result<(), LineError> {
        let format = Format::from_str(rest, true).map_err(|_| {
            let texts = Format::value_variants().iter().filter(|format| format.is_text());
            let names: Vec<String> = texts.map(|format| name_of(*format)).collect();
            LineError::Said(format!("a form is one of {}", names.join(", ")))
        })?;
        if !format.is_text() {
            return Err(LineError::Said(format!(
                "{} is not for a terminal: `\\copy (QUERY) to FILE` writes it",
                name_of(format)
            )));
        }
        self.show.format = format;
        Ok(())
    }

    /// `\pset`: what psql sets so, as far as it is here.
    fn set(&mut self, rest: &str) -> Result<(), LineError> {
        let (what, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let value = value.trim();
        match what {
            "null" => {
                if !value.is_empty() {
                    let inner = value.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
                    self.show.look.null = inner.unwrap_or(value).to_owned();
                }
                Ok(println(&format!("null is shown as `{}`", self.show.look.null))?)
            }
            "expanded" | "x" => self.turn(value),
            "format" => self.format(value),
            "pager" => self.paging(value),
            "" => Ok(println(&format!(
                "expanded {}\nformat   {}\nnull     `{}`\npager    {}",
                turn_name(self.show.look.turn),
                name_of(self.show.format),
                self.show.look.null,
                self.show.paging.name()
            ))?),
            other => {
                let known = ["expanded", "format", "null", "pager"];
                let hint = project::suggest::suggest(other, known);
                let known = known.join(", ");
                Err(LineError::Said(format!(
                    "`\\pset` knows no `{other}`{hint}: there are {known}"
                )))
            }
        }
    }

    /// `\o`: where rows go.
    fn output(&mut self, rest: &str) -> Result<(), LineError> {
        self.end_sink()?;
        if rest.is_empty() {
            return Ok(());
        }
        self.show.sink = Some(match rest.strip_prefix('|') {
            Some(command) if command.trim().is_empty() => {
                return Err(LineError::Said("which command? `\\o |sort`".to_owned()));
            }
            Some(command) => Sink::command(command.trim())?,
            None => {
                let path = Path::new(rest);
                destination::is_file_name(path)?;
                destination::is_outside(path, self.lake.folder())?;
                Sink::file(path)?
            }
        });
        Ok(())
    }

    /// `\i`: runs the queries of a file.
    fn file(
        &mut self,
        path: &str,
        open: &mut Option<String>,
    ) -> Result<ControlFlow<()>, LineError> {
        if path.is_empty() {
            return Err(LineError::Said("which file? `\\i FILE`".to_owned()));
        }
        if self.n_files >= MOST_FILES {
            return Err(LineError::Said(format!(
                "`{path}` is not run: {MOST_FILES} files are being run one from the other"
            )));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|source| LineError::File { path: path.into(), source })?;
        self.n_files += 1;
        let next = self.lines(&text);
        self.n_files -= 1;
        match next? {
            Next::Line => Ok(ControlFlow::Continue(())),
            Next::End => Ok(ControlFlow::Break(())),
            Next::Rest(last) => {
                // A file ends its last query.
                let begun = open.take().unwrap_or_default();
                self.query(&(begun + &last), self.show.paging)?;
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    /// `\e`: edits the query that is open, or the last one, and runs what comes of it.
    fn edit(
        &mut self,
        rest: &str,
        open: &mut Option<String>,
    ) -> Result<ControlFlow<()>, LineError> {
        if !rest.is_empty() {
            return Err(LineError::Said(format!(
                "`\\e` edits a query, and no file: `\\i {rest}` runs one"
            )));
        }
        let before = match (&*open, &self.last) {
            (Some(open), _) => format!("{}\n", open.trim_end()),
            (None, Some(last)) => format!("{last};\n"),
            (None, None) => String::new(),
        };
        let text = edited(&before)?;
        if text.trim_end() == before.trim_end() {
            println("(nothing was changed, and nothing is run)")?;
            return Ok(ControlFlow::Continue(()));
        }
        let text = text.trim_end();
        println(text)?;
        self.edited.push(text.to_owned());
        *open = None;
        Ok(match self.lines(text)? {
            Next::Line => ControlFlow::Continue(()),
            Next::End => ControlFlow::Break(()),
            Next::Rest(rest) => {
                *open = Some(rest);
                ControlFlow::Continue(())
            }
        })
    }

    /// `\watch`: runs the query that is open, or the last one, again and again.
    fn watch(&mut self, rest: &str, open: &mut Option<String>) -> Result<(), LineError> {
        let seconds = match rest {
            "" => Some(WATCHED_S),
            text => text.parse::<f64>().ok().filter(|seconds| WATCHABLE_S.contains(seconds)),
        };
        let seconds = seconds.ok_or_else(|| {
            LineError::Said(format!(
                "`{rest}`: expected seconds from {} to {}",
                WATCHABLE_S.start(),
                WATCHABLE_S.end()
            ))
        })?;
        let sql = open.take().or_else(|| self.last.clone());
        let sql = sql.ok_or_else(|| {
            LineError::Said("there is no query yet: run one, then `\\watch`".to_owned())
        })?;
        loop {
            println(&format!("{} (every {seconds} s; Ctrl-C ends it)", clock::now()))?;
            self.renew()?;
            match self.query(&sql, Switch::Off) {
                Err(LineError::Stopped) => break,
                done => done?,
            }
            let begun = Instant::now();
            while !self.is_stopped.load(Ordering::Relaxed)
                && begun.elapsed().as_secs_f64() < seconds
            {
                std::thread::sleep(HEED);
            }
            if self.is_stopped.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(println("")?)
    }

    /// `\copy`: writes the rows of a query to a file.
    fn copy(&mut self, rest: &str) -> Result<(), LineError> {
        let Copied { sql, file: path, format } = Copied::read(rest).map_err(LineError::Said)?;
        destination::is_file_name(&path)?;
        destination::is_outside(&path, self.lake.folder())?;
        let format = destination::form(Some(&path), format, Format::Csv)?;
        self.prepare(&sql)?;
        let failed = |source| LineError::File { path: path.clone(), source };
        let mut file = NewFile::create(&path).map_err(failed)?;
        let mut rows = self.start(&sql)?;
        let schema = Arc::clone(&rows.schema);
        let mut n = 0;
        let batches = std::iter::from_fn(|| {
            let batch = rows.next().map_err(LineError::from).transpose()?;
            n += batch.as_ref().map_or(0, arrow::array::RecordBatch::num_rows);
            Some(batch)
        });
        let out = BufWriter::new(&mut file);
        output::write(format, CsvArgs::default(), &schema, batches, out)?;
        file.keep().map_err(failed)?;
        let s = if n == 1 { "" } else { "s" };
        Ok(println(&format!("{} row{s} written to `{}`", HumanCount(n as u64), path.display()))?)
    }

    /// `\run`: reads what a kept run published, or what is published.
    fn read_run(&mut self, run: &str) -> Result<(), LineError> {
        if run.is_empty() {
            let catalog = self.runtime.block_on(self.lake.catalog())?;
            let catalog = catalog.ok_or_else(|| {
                LineError::Said("nothing is published now: `rebound run` publishes".to_owned())
            })?;
            println(&format!("what is published: run {}", catalog.run))?;
            return self.change(catalog, Tables::Published, None);
        }
        let (mut found, _) = kept::find(self.runtime, self.lake, &[run])?;
        let found = found.pop().ok_or_else(|| LineError::Said(format!("no run `{run}`")))?;
        let mut catalog = found.catalog.clone();
        let lease = kept::lease(self.runtime, self.lake, &[&catalog], "rebound sql");
        let lost = match self.runtime.block_on(self.lake.lost_tables(&catalog)) {
            Ok(lost) => lost,
            Err(error) => {
                kept::release(self.runtime, lease);
                return Err(error.into());
            }
        };
        catalog.tables.retain(|table, _| !lost.contains(table));
        println(&format!("{} tables of run {}", catalog.tables.len(), found.shown()))?;
        if !lost.is_empty() {
            let lost = lost.into_iter().collect::<Vec<_>>().join(", ");
            println(&format!("(left out, as they are no longer there in full: {lost})"))?;
        }
        self.change(catalog, Tables::of(&found), lease)
    }
}

fn name_of(format: Format) -> String {
    format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn turn_name(turn: Turn) -> &'static str {
    match turn {
        Turn::On => "on",
        Turn::Off => "off",
        Turn::Auto => "auto",
    }
}

/// What comes of a text in the user's editor.
fn edited(before: &str) -> Result<String, LineError> {
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|program| !program.trim().is_empty()));
    let editor = named.unwrap_or_else(|| EDITOR.to_owned());
    let mut file = tempfile::Builder::new().prefix("rebound-").suffix(".sql").tempfile()?;
    file.write_all(before.as_bytes())?;
    file.flush()?;
    // The user's words may have quotes.
    let ended = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(file.path())
        .status()
        .map_err(|source| LineError::File { path: editor.clone().into(), source })?;
    if !ended.success() {
        return Err(LineError::Said(format!(
            "`{editor}` failed ({ended}): set VISUAL or EDITOR to a program that edits a file"
        )));
    }
    // An editor may have put another file in its place.
    Ok(std::fs::read_to_string(file.path())?)
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
