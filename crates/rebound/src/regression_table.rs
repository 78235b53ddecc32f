//! Regression tables: a column a regression, a row a regressor, in the habit of `etable` and `esttab`.

use crate::estimation::{Coefficient, Estimated};
use crate::grid::Grid;
use crate::model_spec::Heading;
use crate::output::{CsvArgs, grouped, html_text};
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::fmt::Write;

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
type Said = (&'static str, fn(&Estimated) -> String);

/// What is a row only where regressions differ in it.
const SHARED: [Said; 4] = [
    ("Estimator", |r| r.summary.estimator.clone()),
    ("Errors", |r| r.summary.inference.clone()),
    ("p values", |r| match (r.summary.df_k, r.summary.df_t) {
        (None, _) => String::new(),
        (Some(_), Some(df)) => format!("t ({df} df)"),
        (Some(_), None) => "normal".to_owned(),
    }),
    ("Weights", |r| r.summary.weights.clone()),
];

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
fn number(value: f64) -> String {
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
    grouped(n as u64)
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

fn columns_grid<'a>(heading: &Heading, results: &[&'a Estimated]) -> Grid<Column<'a>> {
    let regressions = (1..).zip(results).map(|(place, result)| Column::Regression(place, result));
    let mut grid = Grid::new(&heading.title, vec![Column::Names], regressions.collect());
    grid.headings(|column| column.cell("", |r| r.outcome.clone()));
    grid.headings(|column| column.cell("", |r| r.specification.clone()));
    grid.headings(|column| match column {
        Column::Names => String::new(),
        Column::Regression(place, _) => format!("({place})"),
    });
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
    for term in terms {
        let of = |r: &Estimated, show: fn(&Coefficient) -> String| {
            r.coefficients.iter().find(|c| c.term == term).map_or_else(String::new, show)
        };
        grid.row(|column| column.cell(term, |r| of(r, estimate_of)));
        grid.row(|column| column.cell("", |r| of(r, se_of)));
        grid.row(|column| column.cell("", |r| of(r, wild_of)));
    }
    grid.rule();
    let mut effects: Vec<&str> = Vec::new();
    for result in results {
        for name in result.summary.effects.split(" + ").filter(|name| !name.is_empty()) {
            if !effects.contains(&name) {
                effects.push(name);
            }
        }
    }
    for name in effects {
        let has = |r: &Estimated| r.summary.effects.split(" + ").any(|known| known == name);
        let label = format!("Effects: {name}");
        grid.row(|column| column.cell(&label, |r| if has(r) { "yes" } else { "no" }.to_owned()));
    }
    grid.rule();
    let mut row = |name: &str, of: &dyn Fn(&Estimated) -> String| {
        grid.row(|column| column.cell(name, of));
    };
    // What all columns share is said once, below the table.
    for (name, of) in SHARED {
        if results.windows(2).any(|pair| of(pair[0]) != of(pair[1])) {
            row(name, &of);
        }
    }
    row("Observations", &|r| count(r.summary.n_used));
    let if_any = |n: usize| if n == 0 { String::new() } else { count(n) };
    row("Missing", &|r| if_any(r.summary.n_missing));
    row("Singletons", &|r| if_any(r.summary.n_singletons));
    row("Separated", &|r| if_any(r.summary.n_separated));
    let mut clusters: Vec<&str> = Vec::new();
    for part in results.iter().flat_map(|r| r.summary.clusters.split(" & ")) {
        if let Some((name, _)) = part.rsplit_once(' ')
            && !clusters.contains(&name)
        {
            clusters.push(name);
        }
    }
    for name in clusters {
        row(&format!("Clusters: {name}"), &|r| {
            let parts = r.summary.clusters.split(" & ").filter_map(|part| part.rsplit_once(' '));
            let n = parts
                .filter(|(known, _)| *known == name)
                .filter_map(|(_, n)| n.parse().ok())
                .next();
            n.map_or_else(String::new, count)
        });
    }
    row("R2", &|r| optional(r.summary.r2));
    row("R2 within", &|r| optional(r.summary.r2_within));
    row("F", &|r| optional(r.summary.f.map(|(f, _)| f)));
    row("First-stage F", &|r| optional(r.summary.first_stage_f));
    grid
}

/// A row of a table of specifications: a regression with its place, and a coefficient that is followed, if it has one.
struct Line<'a> {
    place: usize,
    result: &'a Estimated,
    coefficient: Option<&'a Coefficient>,
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
    ("no.", |line| format!("({})", line.place)),
    ("outcome", |line| line.result.outcome.clone()),
    ("specification", |line| line.result.specification.clone()),
    ("term", |line| line.coefficient.map_or_else(|| "-".to_owned(), |c| c.term.clone())),
];

/// And their values.
const VALUES: [Headed; 7] = [
    ("estimate", |line| line.coefficient.map_or_else(|| "-".to_owned(), estimate_of)),
    ("se", |line| line.optional(|c| c.se)),
    ("95 % interval", |line| {
        line.coefficient
            .and_then(|c| c.interval)
            .map_or_else(String::new, |(low, high)| format!("{} to {}", number(low), number(high)))
    }),
    ("p", |line| line.optional(|c| c.p)),
    ("wild p", |line| line.optional(|c| c.wild_p)),
    ("N", |line| count(line.result.summary.n_used)),
    ("R2 within", |line| optional(line.result.summary.r2_within)),
];

fn specifications_grid(heading: &Heading, results: &[&Estimated]) -> Grid<Headed> {
    let focus = &heading.focus;
    let mut lines = Vec::new();
    for (place, &result) in (1..).zip(results) {
        let of = |coefficient| Line { place, result, coefficient };
        let before = lines.len();
        let followed = result.coefficients.iter().filter(|c| {
            focus.is_empty()
                || focus.contains(&c.term)
                || c.level.as_ref().is_some_and(|(_, of)| focus.contains(of))
        });
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
    grid.headings(|(name, _)| (*name).to_owned());
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

fn notes(shape: Shape, about: &str, results: &[&Estimated]) -> Vec<String> {
    let (errors, wild) = match shape {
        Shape::Columns => ("Standard errors in round brackets, ", "in square brackets"),
        Shape::Specifications => ("", "as wild p"),
    };
    let mut notes = vec![format!("{errors}{STARS}.")];
    let mut shared = Vec::new();
    for (name, of) in SHARED {
        let all: Vec<String> = results.iter().map(|r| of(r)).collect();
        if let [first, rest @ ..] = &all[..]
            && !first.is_empty()
            && rest.iter().all(|other| other == first)
        {
            shared.push(format!("{name}: {first}."));
        }
    }
    if !shared.is_empty() {
        notes.push(shared.join(" "));
    }
    if results.iter().any(|r| r.coefficients.iter().any(|c| c.wild_p.is_some())) {
        notes.push(format!("p of the wild cluster bootstrap {wild}."));
    }
    // The same remark of several regressions is made once.
    let mut remarks: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for (place, result) in (1..).zip(results) {
        let mut found: Vec<String> = Vec::new();
        found.extend(result.summary.failure.iter().map(|why| format!("not estimated: {why}")));
        // A reason that several terms share is given once.
        let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
        for c in &result.coefficients {
            let Some(why) = &c.null_reason else { continue };
            let left_out = if c.estimate.is_none() { "left out: " } else { "" };
            let reason = format!("{left_out}{why}");
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, terms)) => terms.push(&c.term),
                None => reasons.push((reason, vec![&c.term])),
            }
        }
        found.extend(reasons.into_iter().map(|(reason, terms)| {
            let terms = terms.join(", ");
            match reason.strip_prefix("left out: ") {
                Some(why) => format!("{terms} left out: {why}"),
                None => format!("{terms}: {reason}"),
            }
        }));
        if !result.summary.missing.is_empty() {
            found.push(format!("rows without a value: {}", result.summary.missing));
        }
        if !result.summary.notes.is_empty() {
            found.push(result.summary.notes.clone());
        }
        for remark in found {
            if !remarks.contains_key(&remark) {
                order.push(remark.clone());
            }
            let at = remarks.entry(remark).or_default();
            if at.last() != Some(&place) {
                at.push(place);
            }
        }
    }
    for remark in order {
        let at = &remarks[&remark];
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
        notes.push(format!("Rows: {}.", sources[0]));
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
pub fn render(
    format: TableFormat,
    of_csv: CsvArgs,
    shape: Shape,
    heading: &Heading,
    results: &[&Estimated],
    width: usize,
) -> String {
    let notes = notes(shape, &heading.about, results);
    match (format, shape) {
        (TableFormat::Csv, _) => csv(of_csv, results),
        (_, Shape::Columns) => formatted(format, columns_grid(heading, results), &notes, width),
        (_, Shape::Specifications) => {
            formatted(format, specifications_grid(heading, results), &notes, width)
        }
    }
}

fn formatted<C>(format: TableFormat, mut grid: Grid<C>, notes: &[String], width: usize) -> String {
    for note in notes {
        grid.note(note);
    }
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
    ("low", |_, c| exact(c.interval.map(|(low, _)| low))),
    ("high", |_, c| exact(c.interval.map(|(_, high)| high))),
    ("wild_p", |_, c| exact(c.wild_p)),
    ("null_reason", |_, c| c.null_reason.clone().unwrap_or_default()),
    ("n_used", |r, _| r.summary.n_used.to_string()),
    ("r2", |r, _| exact(r.summary.r2)),
    ("r2_within", |r, _| exact(r.summary.r2_within)),
];

fn exact(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn csv(of_csv: CsvArgs, results: &[&Estimated]) -> String {
    let quoted = |cell: String| {
        let cell = of_csv.cell(&cell).into_owned();
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    let line = |cell: &dyn Fn(&CsvHeaded) -> String| {
        CSV.iter().map(|column| quoted(cell(column))).collect::<Vec<_>>().join(",") + "\n"
    };
    let mut out = line(&|(name, _)| (*name).to_owned());
    for r in results {
        for c in &r.coefficients {
            out.push_str(&line(&|(_, cell)| cell(r, c)));
        }
        // What was not estimated is a row with its reason.
        if let Some(why) = &r.summary.failure {
            let none = Coefficient::without(String::new(), None, format!("not estimated: {why}"));
            out.push_str(&line(&|(_, cell)| cell(r, &none)));
        }
    }
    out
}

/// A plot of coefficients with their intervals, as SVG: a row a regression and coefficient, on one scale.
pub fn plot(title: &str, focus: &[String], results: &[&Estimated]) -> String {
    struct Mark {
        label: String,
        estimate: f64,
        low: f64,
        high: f64,
    }
    let mut marks = Vec::new();
    for result in results {
        for c in &result.coefficients {
            let is_shown = if focus.is_empty() {
                c.term != "(intercept)"
            } else {
                focus.contains(&c.term)
                    || c.level.as_ref().is_some_and(|(_, of)| focus.contains(of))
            };
            if let (true, Some(estimate), Some((low, high))) = (is_shown, c.estimate, c.interval) {
                let parts =
                    [result.outcome.as_str(), result.specification.as_str(), c.term.as_str()];
                let label = parts
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" · ");
                marks.push(Mark { label, estimate, low, high });
            }
        }
    }
    let low = marks.iter().map(|m| m.low).fold(0.0, f64::min);
    let high = marks.iter().map(|m| m.high).fold(0.0, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    let letters = marks.iter().map(|m| m.label.chars().count()).max().unwrap_or(10);
    #[expect(clippy::cast_precision_loss, reason = "places on a page")]
    let (left, n) = (16.0 + 6.6 * letters as f64, marks.len() as f64);
    let (width, row_height, top) = (left + 460.0, 22.0, 46.0);
    let height = top + n * row_height + 40.0;
    let x = |value: f64| left + 20.0 + (value - low) / span * 400.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" role=\"img\">\n<title>{0}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"600\" fill=\"#222222\">{0}</text>\n",
        html_text(title)
    );
    let step = nice_step(span / 5.0);
    let bottom = top + n * row_height;
    let mut tick = (low / step).ceil() * step;
    while tick <= high + 1e-9 * span {
        let _ = writeln!(
            out,
            "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{top}\" y2=\"{bottom:.1}\" stroke=\"#e4e4e4\"/><text x=\"{0:.1}\" y=\"{1:.1}\" text-anchor=\"middle\" fill=\"#555555\">{2}</text>",
            x(tick),
            bottom + 18.0,
            short(tick, step)
        );
        tick += step;
    }
    let _ = writeln!(
        out,
        "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{top}\" y2=\"{bottom:.1}\" stroke=\"#555555\"/>",
        x(0.0)
    );
    for (at, mark) in marks.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "places on a page")]
        let y = top + (at as f64 + 0.5) * row_height;
        let colour = if mark.low > 0.0 || mark.high < 0.0 { "#0072b2" } else { "#8c8c8c" };
        let _ = writeln!(
            out,
            "<text x=\"{0:.1}\" y=\"{1:.1}\" text-anchor=\"end\" fill=\"#222222\">{2}</text>\
             <line x1=\"{3:.1}\" x2=\"{4:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <circle cx=\"{5:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"><title>{6}: {7} ({8} to {9})</title></circle>",
            left + 4.0,
            y + 4.0,
            html_text(&mark.label),
            x(mark.low),
            x(mark.high),
            x(mark.estimate),
            html_text(&mark.label),
            number(mark.estimate),
            number(mark.low),
            number(mark.high),
        );
    }
    out.push_str("</svg>\n");
    out
}

/// 1, 2 or 5 times a power of ten, at least `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10.0_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|nice| *nice >= step).unwrap_or(step)
}

fn short(value: f64, step: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "digits of a tick")]
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let text = format!("{value:.digits$}");
    if text.trim_start_matches(['-', '0', '.']).is_empty() { "0".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimation::Summary;
    use unicode_width::UnicodeWidthStr;

    const SHAPES: [Shape; 2] = [Shape::Columns, Shape::Specifications];
    /// As wide as any table of these tests.
    const WIDE: usize = 2000;
    const AWKWARD: [&str; 7] = [
        "a|b",
        "left(code, 2) = '44' & x",
        "ln(a, b)",
        "\"quoted\", x",
        "back\\slash",
        "two\nlines",
        "区域韧性",
    ];

    fn coefficient(term: &str, estimate: f64) -> Coefficient {
        Coefficient {
            term: term.to_owned(),
            level: None,
            estimate: Some(estimate),
            se: Some(0.25),
            t: Some(estimate / 0.25),
            p: Some(0.5),
            interval: Some((estimate - 0.5, estimate + 0.5)),
            wild_p: None,
            null_reason: None,
        }
    }

    fn result(specification: &str, coefficients: Vec<Coefficient>) -> Estimated {
        Estimated {
            model: "m".to_owned(),
            specification: specification.to_owned(),
            outcome: "y".to_owned(),
            coefficients,
            summary: Summary {
                table: "panel.region".to_owned(),
                estimator: "ols".to_owned(),
                effects: "region_code + hs2".to_owned(),
                inference: "clustered by region_code".to_owned(),
                clusters: "region_code 31".to_owned(),
                n_used: 1234,
                r2: Some(0.75),
                r2_within: Some(0.125),
                ..Summary::default()
            },
        }
    }

    /// Regressions with all that can befall them: odd names, no estimate, no coefficient that is followed.
    fn results(has_wild: bool) -> Vec<Estimated> {
        let mut terms: Vec<Coefficient> = AWKWARD.map(|term| coefficient(term, 1.5)).into();
        terms[0].wild_p = has_wild.then_some(0.0321);
        let mut without = coefficient("a|b", 1.5);
        without.estimate = None;
        without.se = None;
        without.t = None;
        without.p = None;
        without.interval = None;
        without.null_reason = Some("a combination of x, y | z".to_owned());
        let mut failed = result("a, \"b\" | c & d", Vec::new());
        failed.outcome = "ln(y, 2) | z".to_owned();
        failed.summary = Summary {
            failure: Some("no rows: none where a | b & c".to_owned()),
            ..Summary::default()
        };
        vec![
            result("all", terms),
            result("", vec![without, coefficient("other", 2.5)]),
            failed,
            result("other & terms", vec![coefficient("other", 3.5)]),
        ]
    }

    fn heading(focus: &[&str]) -> Heading {
        Heading {
            title: "A | title & more".to_owned(),
            about: "About it.\nIn two lines.".to_owned(),
            focus: focus.iter().map(|term| (*term).to_owned()).collect(),
        }
    }

    fn table(format: TableFormat, shape: Shape, results: &[Estimated], width: usize) -> String {
        let results: Vec<&Estimated> = results.iter().collect();
        render(format, CsvArgs::default(), shape, &heading(&AWKWARD), &results, width)
    }

    /// Parts of a line between separators that no backslash stands before.
    fn split(line: &str, separator: char) -> Vec<String> {
        let mut cells = vec![String::new()];
        let mut is_escaped = false;
        for c in line.chars() {
            if c == separator && !is_escaped {
                cells.push(String::new());
            } else if let Some(cell) = cells.last_mut() {
                cell.push(c);
            }
            is_escaped = c == '\\' && !is_escaped;
        }
        cells.iter().map(|cell| cell.trim().to_owned()).collect()
    }

    fn markdown_rows(text: &str) -> Vec<Vec<String>> {
        let row = |line: &str| {
            let cells = split(line, '|');
            cells[1..cells.len() - 1].to_vec()
        };
        text.lines().filter(|line| line.starts_with('|')).map(row).collect()
    }

    fn latex_rows(text: &str) -> Vec<Vec<String>> {
        let lines = text.lines().filter_map(|line| line.strip_suffix(" \\\\"));
        lines.map(|line| split(line, '&')).collect()
    }

    fn html_rows(text: &str) -> Vec<Vec<String>> {
        let row = |line: &str| -> Vec<String> {
            let line = line.replace("</td>", "</th>");
            let cells: Vec<&str> = line.split("</th>").collect();
            let text = |cell: &&str| cell.rsplit('>').next().unwrap_or_default().to_owned();
            cells[..cells.len() - 1].iter().map(text).collect()
        };
        text.lines().filter(|line| line.starts_with("<tr>")).map(row).collect()
    }

    #[test]
    fn rows_are_as_wide_as_their_heading() {
        for has_wild in [false, true] {
            let results = results(has_wild);
            for shape in SHAPES {
                let width = match shape {
                    Shape::Columns => 1 + results.len(),
                    Shape::Specifications => 10 + usize::from(has_wild),
                };
                let case = format!("{shape:?}, wild: {has_wild}");

                let text = table(TableFormat::Markdown, shape, &results, WIDE);
                let rows = markdown_rows(&text);
                assert!(rows.len() > 8, "{case}: {text}");
                assert!(rows[1].iter().all(|cell| ["---", "---:"].contains(&cell.as_str())));
                assert!(rows.iter().all(|row| row.len() == width), "{case}: {text}");

                let text = table(TableFormat::Latex, shape, &results, WIDE);
                let rows = latex_rows(&text);
                let (_, rest) = text.split_once("\\begin{tabular}{").expect("a tabular");
                let (columns, _) = rest.split_once('}').expect("its columns");
                assert_eq!(columns.len(), width, "{case}: {text}");
                assert!(rows.len() > 8, "{case}: {text}");
                assert!(rows.iter().all(|row| row.len() == width), "{case}: {text}");

                let text = table(TableFormat::Html, shape, &results, WIDE);
                let rows = html_rows(&text);
                assert!(rows.len() > 8, "{case}: {text}");
                assert!(rows.iter().all(|row| row.len() == width), "{case}: {text}");
                assert!(text.contains(&format!("colspan=\"{width}\"")), "{case}: {text}");

                let text = table(TableFormat::Csv, shape, &results, WIDE);
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                assert_eq!(reader.headers().expect("headings").len(), 15);
                let rows: Vec<csv::StringRecord> =
                    reader.records().collect::<Result<_, _>>().expect("rows of one width");
                let terms: Vec<&str> = rows.iter().map(|row| &row[3]).collect();
                assert_eq!(terms[..7], AWKWARD);
                for row in &rows {
                    let n = if row[11].starts_with("not estimated: ") { "0" } else { "1234" };
                    assert_eq!(&row[12], n, "{text}");
                }

                let text = table(TableFormat::Text, shape, &results, WIDE);
                let rules = text.lines().filter(|line| line.starts_with("===")).count();
                assert_eq!(rules, 2, "{case}: {text}");
            }
        }
    }

    #[test]
    fn cells_of_specifications_stand_below_their_headings() {
        for has_wild in [false, true] {
            let results = results(has_wild);
            let of = |format| table(format, Shape::Specifications, &results, WIDE);
            let mut tables = [
                markdown_rows(&of(TableFormat::Markdown)),
                latex_rows(&of(TableFormat::Latex)),
                html_rows(&of(TableFormat::Html)),
            ];
            tables[0].remove(1);
            for rows in tables {
                let at = |name: &str| rows[0].iter().position(|heading| heading == name);
                let cell = |row: usize, name: &str| rows[row][at(name).expect("a heading")].clone();
                assert_eq!(cell(1, "outcome"), "y");
                assert_eq!(cell(1, "specification"), "all");
                assert_eq!(cell(1, "estimate"), "1.500");
                assert_eq!(cell(1, "se"), "0.2500");
                assert_eq!(
                    cell(1, "95 % interval".replace('%', percent(&rows[0])).as_str()),
                    "1.000 to 2.000"
                );
                assert_eq!(cell(1, "p"), "0.5000");
                assert_eq!(cell(1, "N"), "1,234");
                assert_eq!(cell(1, "R2 within"), "0.1250");
                assert_eq!(at("wild p").is_some(), has_wild);
                if has_wild {
                    assert_eq!(cell(1, "wild p"), "0.03210");
                }
                // A dropped regressor, a regression that failed and one without the coefficient.
                for (row, number, n) in [(8, "(2)", "1,234"), (9, "(3)", "0"), (10, "(4)", "1,234")]
                {
                    assert_eq!(cell(row, "no."), number);
                    assert_eq!(cell(row, "estimate"), "-");
                    assert_eq!(cell(row, "N"), n);
                }
                assert_eq!(rows.len(), 11);
            }
            let text = of(TableFormat::Text);
            for (name, value) in [("estimate", "1.500"), ("N", "1,234"), ("R2 within", "0.1250")] {
                for line in text.lines().filter(|line| line.starts_with("(1)")).take(7) {
                    assert_eq!(cell_below(&text, name, line), value, "{text}");
                }
            }
        }
    }

    /// How LaTeX writes a percent sign, where the headings are LaTeX's.
    fn percent(headings: &[String]) -> &'static str {
        if headings.iter().any(|heading| heading.contains("\\%")) { "\\%" } else { "%" }
    }

    /// What ends in `line` where the heading ends.
    fn cell_below(text: &str, heading: &str, line: &str) -> String {
        let head = text.lines().nth(2).expect("headings");
        let padded = format!("{head}  ");
        let end = padded.find(&format!("  {heading}  ")).expect("the heading") + 2 + heading.len();
        let mut taken = String::new();
        for c in line.chars() {
            if taken.width() == end {
                break;
            }
            taken.push(c);
        }
        taken.rsplit("  ").next().unwrap_or_default().to_owned()
    }

    #[test]
    fn panels_hold_each_regression_once_and_fit() {
        let results: Vec<Estimated> = (1..=12)
            .map(|n| {
                let mut terms = vec![coefficient("density", f64::from(n) + 0.5)];
                if n == 12 {
                    terms.push(coefficient("in_the_last_only", 99.5));
                }
                let mut result = result(&format!("specification {n}"), terms);
                result.summary.n_used = 0;
                result
            })
            .collect();
        for width in [40, 60, 77, 100, 140] {
            let text = table(TableFormat::Text, Shape::Columns, &results, width);
            assert!(text.lines().all(|line| line.width() <= width), "{text}");
            let words: Vec<&str> = text.split_whitespace().collect();
            let times = |word: &str| words.iter().filter(|known| **known == word).count();
            for n in 1..=12 {
                assert_eq!(times(&format!("({n})")), 1, "{text}");
                assert_eq!(times(&number(f64::from(n) + 0.5)), 1, "{text}");
            }
            let panels: Vec<&str> = text.split("\n\n").collect();
            assert!(panels.len() > 1, "{text}");
            for (at, panel) in panels.iter().enumerate() {
                let title = format!("A | title & more (panel {} of {})\n=", at + 1, panels.len());
                assert!(panel.starts_with(&title), "{text}");
                assert_eq!(panel.matches("\ndensity ").count(), 1, "{text}");
                let is_last = at + 1 == panels.len();
                assert_eq!(panel.contains("\nin_the_last_only "), is_last, "{text}");
                assert_eq!(panel.contains("\nStandard errors"), is_last, "{text}");
            }
        }
        let text = table(TableFormat::Text, Shape::Columns, &results, WIDE);
        assert!(!text.contains("panel 1"), "{text}");
    }

    #[test]
    fn nothing_is_too_long_for_a_narrow_page() {
        let mut results = results(true);
        results[0].coefficients[0].term = "long_name".repeat(40);
        results[0].specification = "a very long name of a specification ".repeat(10);
        results[0].outcome = "区域韧性".repeat(20);
        results[0].summary.notes = "only 31 clusters, as was to be expected".repeat(20);
        results[1].coefficients[0].term = results[0].coefficients[0].term.clone();
        for shape in SHAPES {
            for width in 40..=130 {
                let text = table(TableFormat::Text, shape, &results, width);
                assert!(text.lines().all(|line| line.width() <= width), "{width}: {text}");
                assert!(
                    text.contains("1.500")
                        && text.contains("[0.03210]") == (shape == Shape::Columns),
                    "{width}: {text}"
                );
                assert_eq!(text.matches("About it. In two").count(), 1, "{width}: {text}");
            }
            // Less than fits is not tried.
            assert_eq!(
                table(TableFormat::Text, shape, &results, 0),
                table(TableFormat::Text, shape, &results, 40)
            );
        }
    }

    #[test]
    fn places_are_told_in_runs() {
        assert_eq!(places(&[1]), "(1)");
        assert_eq!(places(&[1, 2, 4, 5, 6, 9]), "(1), (2), (4)-(6), (9)");
    }

    #[test]
    fn a_focus_makes_a_table_of_specifications() {
        assert_eq!(Shape::of(&heading(&[])), Shape::Columns);
        assert_eq!(Shape::of(&heading(&["density"])), Shape::Specifications);
    }
}
