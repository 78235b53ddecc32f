//! Regression tables: a column a regression, a row a regressor, in the habit of `etable` and `esttab`.

mod renamed;

pub use self::renamed::renamed;
pub use crate::grid::TableCells;

use crate::destination::FileForm;
use crate::draw::{self, DrawError};
use crate::grid::Grid;
use crate::output::{CsvArgs, OutputError, visible_data};
use crate::words::{Words, key};
use clap::ValueEnum;
use estimate::Interval;
use indexmap::{IndexMap, IndexSet};
use indicatif::HumanCount;
use project::model_spec::Heading;
use serde_json::json;
use stages::regression::{Coefficient, Estimated};

/// The form of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For the terminal.
    Text,
    /// Markdown.
    Markdown,
    /// LaTeX, for the package booktabs.
    Latex,
    /// An HTML table.
    Html,
    /// A row a coefficient, as CSV.
    Csv,
}

impl FileForm for TableFormat {
    fn endings(&self) -> &'static [&'static str] {
        match self {
            Self::Text => &["txt"],
            Self::Markdown => &["md", "markdown"],
            Self::Latex => &["tex"],
            Self::Html => &["html", "htm"],
            Self::Csv => &["csv"],
        }
    }
}

/// What is in a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// A column a regression.
    Columns,
    /// A row a regression: its coefficients of interest only.
    Specifications,
}

impl Shape {
    /// The shape of a model's table, unless another is asked for.
    pub fn of(heading: &Heading) -> Self {
        if heading.focus.is_empty() { Self::Columns } else { Self::Specifications }
    }
}

/// A name, and what a regression says of it.
type Said = (&'static str, fn(&Estimated, &Words) -> String);

/// What is a row only where regressions differ in it.
const SHARED: [Said; 4] = [
    (key("Estimator"), |r, _| r.summary.estimator.clone()),
    (key("Errors"), |r, words| errors_of(&r.summary.inference, words)),
    (key("p values"), |r, words| match (r.summary.df_k, r.summary.df_t) {
        (None, _) => String::new(),
        (Some(_), Some(df)) => words.say_with("t ({df} df)", &[("df", &df.to_string())]),
        (Some(_), None) => words.say("normal").to_owned(),
    }),
    (key("Weights"), |r, _| r.summary.weights.clone()),
];

/// What is assumed of the errors: columns that they are clustered by stand in a sentence.
fn errors_of(inference: &str, words: &Words) -> String {
    let Some(by) = inference.strip_prefix("clustered by ") else { return inference.to_owned() };
    let (by, rest) = by.split_at(by.find(", ").unwrap_or(by.len()));
    let columns = by.split(" and ").collect::<Vec<_>>().join(words.say(" and "));
    words.say_with("clustered by {columns}", &[("columns", &columns)]) + rest
}

const STARS: &str = "* p < 0.1, ** p < 0.05, *** p < 0.01";

fn stars(p: Option<f64>) -> &'static str {
    match p {
        Some(p) if p < 0.01 => "***",
        Some(p) if p < 0.05 => "**",
        Some(p) if p < 0.1 => "*",
        _ => "",
    }
}

/// Four significant digits, without an exponent where that is short.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{value:.2e}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "between -4 and 7")]
    let before = size.log10().floor() as i32;
    let digits = usize::try_from(3 - before).unwrap_or(0);
    format!("{value:.digits$}")
}

fn count(n: usize) -> String {
    HumanCount(n as u64).to_string()
}

fn estimate_of(c: &Coefficient) -> String {
    match c.estimate {
        Some(b) => format!("{}{}", number(b), stars(c.p)),
        None => "-".to_owned(),
    }
}

fn se_of(c: &Coefficient) -> String {
    c.se.map_or_else(String::new, |se| format!("({})", number(se)))
}

fn wild_of(c: &Coefficient) -> String {
    c.wild_p.map_or_else(String::new, |p| format!("[{}]", number(p)))
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, number)
}

/// A column of a table of models: the names of its rows, or a regression and its place.
enum Column<'a> {
    Names,
    Regression(usize, &'a Estimated),
}

impl Column<'_> {
    fn cell(&self, name: &str, of: impl Fn(&Estimated) -> String) -> String {
        match self {
            Self::Names => name.to_owned(),
            Self::Regression(_, result) => of(result),
        }
    }
}

/// The terms of regressions, each after those that it follows in its own.
fn terms<'a>(results: &[&'a Estimated]) -> Vec<&'a str> {
    let mut terms: Vec<&str> = Vec::new();
    for result in results {
        let mut after = 0;
        for c in &result.coefficients {
            match terms.iter().position(|term| *term == c.term) {
                Some(at) => after = at + 1,
                None => {
                    terms.insert(after.min(terms.len()), &c.term);
                    after += 1;
                }
            }
        }
    }
    terms
}

/// What errors are clustered by.
fn clusters<'a>(results: &[&'a Estimated]) -> Vec<&'a str> {
    let mut clusters: Vec<&str> = Vec::new();
    for part in results.iter().flat_map(|r| r.summary.clusters.split(" & ")) {
        if let Some((name, _)) = part.rsplit_once(' ')
            && !clusters.contains(&name)
        {
            clusters.push(name);
        }
    }
    clusters
}

fn columns_grid<'a>(
    words: &Words,
    heading: &Heading,
    results: &[&'a Estimated],
) -> Grid<Column<'a>> {
    let regressions = (1..).zip(results).map(|(place, result)| Column::Regression(place, result));
    let mut grid = Grid::new(&heading.title, vec![Column::Names], regressions.collect());
    grid.headings(|column| column.cell("", |r| r.outcome.clone()));
    grid.headings(|column| column.cell("", |r| r.specification.clone()));
    grid.headings(|column| match column {
        Column::Names => String::new(),
        Column::Regression(place, _) => format!("({place})"),
    });
    for term in terms(results) {
        let of = |r: &Estimated, show: fn(&Coefficient) -> String| {
            r.coefficients.iter().find(|c| c.term == term).map_or_else(String::new, show)
        };
        grid.row(|column| column.cell(term, |r| of(r, estimate_of)));
        grid.row(|column| column.cell("", |r| of(r, se_of)));
        grid.row(|column| column.cell("", |r| of(r, wild_of)));
    }
    grid.rule();
    let effects: IndexSet<&str> = results
        .iter()
        .flat_map(|result| result.summary.effects.split(" + "))
        .filter(|name| !name.is_empty())
        .collect();
    for name in effects {
        let has = |r: &Estimated| r.summary.effects.split(" + ").any(|known| known == name);
        let label = words.say_with("Effects: {effect}", &[("effect", name)]);
        let said = |r: &Estimated| if has(r) { words.say("yes") } else { words.say("no") };
        grid.row(|column| column.cell(&label, |r| said(r).to_owned()));
    }
    grid.rule();
    let mut row = |name: &str, of: &dyn Fn(&Estimated) -> String| {
        grid.row(|column| column.cell(name, of));
    };
    // What all columns share is said once, below the table.
    for (name, of) in SHARED {
        if results.windows(2).any(|pair| of(pair[0], words) != of(pair[1], words)) {
            row(words.say(name), &|r| of(r, words));
        }
    }
    row(words.say("Observations"), &|r| count(r.summary.n_used));
    let if_any = |n: usize| if n == 0 { String::new() } else { count(n) };
    row(words.say("Missing"), &|r| if_any(r.summary.n_missing));
    row(words.say("Singletons"), &|r| if_any(r.summary.n_singletons));
    row(words.say("Separated"), &|r| if_any(r.summary.n_separated));
    for name in clusters(results) {
        let label = words.say_with("Clusters: {cluster}", &[("cluster", name)]);
        row(&label, &|r| {
            let parts = r.summary.clusters.split(" & ").filter_map(|part| part.rsplit_once(' '));
            let n = parts
                .filter(|(known, _)| *known == name)
                .filter_map(|(_, n)| n.parse().ok())
                .next();
            n.map_or_else(String::new, count)
        });
    }
    row("R2", &|r| optional(r.summary.r2));
    row(words.say("R2 within"), &|r| optional(r.summary.r2_within));
    row("F", &|r| optional(r.summary.wald.map(|wald| wald.f)));
    row(words.say("First-stage F"), &|r| optional(r.summary.first_stage_f));
    grid
}

/// A row of a table of specifications: a regression with its place, and a coefficient that is followed, if it has one.
struct Line<'a> {
    place: usize,
    result: &'a Estimated,
    coefficient: Option<&'a Coefficient>,
    /// Whether its interval says its level, as not all have one.
    says_level: bool,
    words: &'a Words,
}

impl Line<'_> {
    fn optional(&self, of: fn(&Coefficient) -> Option<f64>) -> String {
        optional(self.coefficient.and_then(of))
    }
}

/// A heading, and what stands below it.
type Headed = (&'static str, fn(&Line<'_>) -> String);

/// What tells the rows of a table of specifications apart.
const LABELS: [Headed; 4] = [
    (key("no."), |line| format!("({})", line.place)),
    (key("outcome"), |line| line.result.outcome.clone()),
    (key("specification"), |line| line.result.specification.clone()),
    (key("term"), |line| line.coefficient.map_or_else(|| "-".to_owned(), |c| c.term.clone())),
];

/// What intervals are called, behind their level where they have one.
const INTERVAL: &str = key("interval");

/// And their values.
const VALUES: [Headed; 7] = [
    (key("estimate"), |line| line.coefficient.map_or_else(|| "-".to_owned(), estimate_of)),
    (key("se"), |line| line.optional(|c| c.se)),
    (INTERVAL, |line| {
        let Some(of) = line.coefficient.and_then(|c| c.interval) else { return String::new() };
        let (low, high) = (number(of.low), number(of.high));
        let ends = line.words.say_with("{low} to {high}", &[("low", &low), ("high", &high)]);
        match line.says_level {
            true => format!("{ends} ({})", line.result.summary.confidence),
            false => ends,
        }
    }),
    ("p", |line| line.optional(|c| c.p)),
    (key("wild p"), |line| line.optional(|c| c.wild_p)),
    ("N", |line| count(line.result.summary.n_used)),
    (key("R2 within"), |line| optional(line.result.summary.r2_within)),
];

/// Whether a coefficient is among those of interest; without any, all are.
fn is_followed(c: &Coefficient, focus: &[String]) -> bool {
    focus.is_empty()
        || focus.contains(&c.term)
        || c.level.as_ref().is_some_and(|level| focus.contains(&level.of))
}

fn specifications_grid(words: &Words, heading: &Heading, results: &[&Estimated]) -> Grid<Headed> {
    let focus = &heading.focus;
    let has_any = |r: &&&Estimated| r.coefficients.iter().any(|c| c.interval.is_some());
    let levels: IndexSet<String> =
        results.iter().filter(has_any).map(|r| r.summary.confidence.to_string()).collect();
    let says_level = levels.len() > 1;
    let mut lines = Vec::new();
    for (place, &result) in (1..).zip(results) {
        let of = |coefficient| Line { place, result, coefficient, says_level, words };
        let before = lines.len();
        let followed = result.coefficients.iter().filter(|c| is_followed(c, focus));
        lines.extend(followed.map(|c| of(Some(c))));
        if lines.len() == before {
            lines.push(of(None));
        }
    }
    // A column that would be empty, as p of a wild bootstrap mostly is, is left out.
    let of = |columns: &[Headed]| -> Vec<Headed> {
        let is_there = |(_, cell): &Headed| lines.iter().any(|line| !cell(line).is_empty());
        columns.iter().copied().filter(is_there).collect()
    };
    let mut grid = Grid::new(&heading.title, of(&LABELS), of(&VALUES));
    grid.headings(|(name, _)| match (*name, levels.first()) {
        (INTERVAL, Some(level)) if !says_level => {
            words.say_with("{level} interval", &[("level", level.as_str())])
        }
        (name, _) => words.say(name).to_owned(),
    });
    for line in &lines {
        grid.row(|(_, cell)| cell(line));
    }
    grid
}

/// Places as `(1), (3)-(5)`.
fn places(at: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &place in at {
        if let Some((_, last)) = runs.last_mut()
            && *last + 1 == place
        {
            *last = place;
        } else {
            runs.push((place, place));
        }
    }
    let texts = runs.iter().map(|(first, last)| match last - first {
        0 => format!("({first})"),
        1 => format!("({first}), ({last})"),
        _ => format!("({first})-({last})"),
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// What is to be said of one regression.
fn remarks_of(words: &Words, result: &Estimated) -> Vec<String> {
    let failure = result.summary.failure.iter();
    let failure =
        failure.map(|why| words.say_with("not estimated: {reason}", &[("reason", why.as_str())]));
    failure.chain(warnings_in(words, result)).collect()
}

/// What a reader must know of a regression besides its numbers: coefficients that are left out, rows
/// that lack a value, what is doubtful of its errors.
pub fn warnings(result: &Estimated) -> Vec<String> {
    warnings_in(&Words::english(), result)
}

/// The same in a language. Reasons stay as the estimator gives them.
fn warnings_in(words: &Words, result: &Estimated) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // A reason that several terms share is given once.
    let mut reasons: IndexMap<(bool, &str), Vec<&str>> = IndexMap::new();
    for c in &result.coefficients {
        let Some(why) = &c.null_reason else { continue };
        reasons.entry((c.estimate.is_none(), why.as_str())).or_default().push(&c.term);
    }
    found.extend(reasons.into_iter().map(|((is_left_out, reason), terms)| {
        let terms = terms.join(words.say(", "));
        let values = [("terms", terms.as_str()), ("reason", reason)];
        if is_left_out {
            words.say_with("{terms} left out: {reason}", &values)
        } else {
            words.say_with("{terms}: {reason}", &values)
        }
    }));
    if !result.summary.missing.is_empty() {
        let missing = [("columns", result.summary.missing.as_str())];
        found.push(words.say_with("rows without a value: {columns}", &missing));
    }
    if !result.summary.notes.is_empty() {
        found.push(result.summary.notes.clone());
    }
    found
}

fn notes(words: &Words, shape: Shape, about: &str, results: &[&Estimated]) -> Vec<String> {
    let (errors, wild) = match shape {
        Shape::Columns => (
            key("Standard errors in round brackets, {stars}."),
            key("p of the wild cluster bootstrap in square brackets."),
        ),
        Shape::Specifications => {
            (key("{stars}."), key("p of the wild cluster bootstrap as wild p."))
        }
    };
    let mut notes = vec![words.say_with(errors, &[("stars", STARS)])];
    let mut shared = Vec::new();
    for (name, of) in SHARED {
        let all: Vec<String> = results.iter().map(|r| of(r, words)).collect();
        if let [first, rest @ ..] = &all[..]
            && !first.is_empty()
            && rest.iter().all(|other| other == first)
        {
            let values = [("name", words.say(name)), ("value", first.as_str())];
            shared.push(words.say_with("{name}: {value}.", &values));
        }
    }
    if !shared.is_empty() {
        notes.push(shared.join(" "));
    }
    if results.iter().any(|r| r.coefficients.iter().any(|c| c.wild_p.is_some())) {
        notes.push(words.say(wild).to_owned());
    }
    // The same remark of several regressions is made once.
    let mut remarks: IndexMap<String, Vec<usize>> = IndexMap::new();
    for (place, result) in (1..).zip(results) {
        for remark in remarks_of(words, result) {
            let at = remarks.entry(remark).or_default();
            if at.last() != Some(&place) {
                at.push(place);
            }
        }
    }
    for (remark, at) in &remarks {
        if at.len() == results.len() {
            notes.push(format!("{remark}."));
        } else {
            notes.push(format!("{} {remark}.", places(at)));
        }
    }
    let mut sources: Vec<String> = results
        .iter()
        .map(|r| match r.summary.condition.as_str() {
            "" => r.summary.table.clone(),
            condition => format!("{} where {condition}", r.summary.table),
        })
        .collect();
    sources.dedup();
    if sources.len() == 1 {
        notes.push(words.say_with("Rows: {rows}.", &[("rows", sources[0].as_str())]));
    }
    notes.extend((!about.is_empty()).then(|| about.trim().to_owned()));
    notes
}

/// Results by model: its name, what is said of it, and its results, in their order.
pub fn by_model(results: Vec<(Heading, Estimated)>) -> Vec<(String, Heading, Vec<Estimated>)> {
    let mut of_model: Vec<(String, Heading, Vec<Estimated>)> = Vec::new();
    for (heading, result) in results {
        match of_model.iter_mut().find(|(name, ..)| *name == result.model) {
            Some((_, _, results)) => results.push(result),
            None => of_model.push((result.model.clone(), heading, vec![result])),
        }
    }
    of_model
}

/// The regression table of `results`, which are of one model. Text is at most `width` columns wide.
///
/// # Errors
///
/// [`OutputError`] if a row cannot be written.
pub fn render(
    format: TableFormat,
    of_csv: CsvArgs,
    shape: Shape,
    heading: &Heading,
    results: &[&Estimated],
    width: usize,
) -> Result<String, OutputError> {
    let words = &Words::english();
    let notes = notes(words, shape, &heading.about, results);
    match (format, shape) {
        (TableFormat::Csv, _) => csv(of_csv, results),
        (_, Shape::Columns) => {
            Ok(formatted(format, columns_grid(words, heading, results), &notes, width))
        }
        (_, Shape::Specifications) => {
            Ok(formatted(format, specifications_grid(words, heading, results), &notes, width))
        }
    }
}

/// The regression table of `results` for the page of a report, in its language.
pub(crate) fn html(
    words: &Words,
    shape: Shape,
    heading: &Heading,
    results: &[&Estimated],
) -> String {
    let notes = notes(words, shape, &heading.about, results);
    match shape {
        Shape::Columns => noted(columns_grid(words, heading, results), &notes).html(),
        Shape::Specifications => noted(specifications_grid(words, heading, results), &notes).html(),
    }
}

/// What stands in the regression table of `results`.
pub fn cells(shape: Shape, heading: &Heading, results: &[&Estimated]) -> TableCells {
    let words = &Words::english();
    let notes = notes(words, shape, &heading.about, results);
    match shape {
        Shape::Columns => noted(columns_grid(words, heading, results), &notes).into_cells(),
        Shape::Specifications => {
            noted(specifications_grid(words, heading, results), &notes).into_cells()
        }
    }
}

fn noted<C>(mut grid: Grid<C>, notes: &[String]) -> Grid<C> {
    for note in notes {
        grid.note(note);
    }
    grid
}

fn formatted<C>(format: TableFormat, grid: Grid<C>, notes: &[String], width: usize) -> String {
    let grid = noted(grid, notes);
    match format {
        TableFormat::Text => grid.text(width),
        TableFormat::Markdown => grid.markdown(),
        TableFormat::Latex => grid.latex(),
        TableFormat::Html | TableFormat::Csv => grid.html(),
    }
}

/// A heading of CSV, and what stands below it.
type CsvHeaded = (&'static str, fn(&Estimated, &Coefficient) -> String);

const CSV: [CsvHeaded; 15] = [
    ("model", |r, _| r.model.clone()),
    ("specification", |r, _| r.specification.clone()),
    ("outcome", |r, _| r.outcome.clone()),
    ("term", |_, c| c.term.clone()),
    ("estimate", |_, c| exact(c.estimate)),
    ("se", |_, c| exact(c.se)),
    ("t", |_, c| exact(c.t)),
    ("p", |_, c| exact(c.p)),
    ("low", |_, c| exact(c.interval.map(|of| of.low))),
    ("high", |_, c| exact(c.interval.map(|of| of.high))),
    ("wild_p", |_, c| exact(c.wild_p)),
    ("null_reason", |_, c| c.null_reason.clone().unwrap_or_default()),
    ("n_used", |r, _| r.summary.n_used.to_string()),
    ("r2", |r, _| exact(r.summary.r2)),
    ("r2_within", |r, _| exact(r.summary.r2_within)),
];

fn exact(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn csv(of_csv: CsvArgs, results: &[&Estimated]) -> Result<String, OutputError> {
    let mut out = Vec::new();
    let mut writer = csv::Writer::from_writer(&mut out);
    let mut row = |cell: &dyn Fn(&CsvHeaded) -> String| {
        writer.write_record(CSV.iter().map(|column| of_csv.cell(&cell(column)).into_owned()))
    };
    row(&|(name, _)| (*name).to_owned())?;
    for r in results {
        for c in &r.coefficients {
            row(&|(_, cell)| cell(r, c))?;
        }
        // What was not estimated is a row with its reason.
        if let Some(why) = &r.summary.failure {
            let none = Coefficient::without(String::new(), None, format!("not estimated: {why}"));
            row(&|(_, cell)| cell(r, &none))?;
        }
    }
    writer.flush()?;
    drop(writer);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A plot of coefficients with their intervals, as SVG: a row a regression and coefficient, on one scale.
///
/// # Errors
///
/// [`DrawError`] if it cannot be drawn.
pub fn plot(title: &str, focus: &[String], results: &[&Estimated]) -> Result<String, DrawError> {
    let mut marks = Vec::new();
    for result in results {
        for c in &result.coefficients {
            let is_shown = is_followed(c, focus) && !(focus.is_empty() && c.term == "(intercept)");
            if let (true, Some(estimate), Some(Interval { low, high })) =
                (is_shown, c.estimate, c.interval)
            {
                let parts = [&result.outcome, &result.specification, &c.term].map(String::as_str);
                let named: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                marks.push(json!({
                    "label": named.join(" · "),
                    "estimate": estimate,
                    "low": low,
                    "high": high,
                    "said": format!("{} ({} to {})", number(estimate), number(low), number(high)),
                }));
            }
        }
    }
    let level = results.first().map(|result| result.summary.confidence).unwrap_or_default();
    draw::plot(&visible_data(json!({"title": title, "level": level.level(), "marks": marks})))
}

#[cfg(test)]
mod tests;
