//! Regression tables: a column a regression, a row a regressor, in the habit of `etable` and `esttab`.

use crate::estimation::{Coefficient, Estimated};
use crate::output::{grouped, html_text};
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

/// Cells of a table: a header of one or two rows, groups of rows, notes.
struct Grid {
    title: String,
    header: Vec<Vec<String>>,
    groups: Vec<Vec<Vec<String>>>,
    notes: Vec<String>,
}

/// A name, and what a regression says of it.
type Said = (&'static str, fn(&Estimated) -> String);

/// What is a row only where regressions differ in it.
const SHARED: [Said; 3] = [
    ("Estimator", |r| r.summary.estimator.clone()),
    ("Errors", |r| r.summary.inference.clone()),
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

/// A row that is in the table if a regression has a value of it.
fn row(rows: &mut Vec<Vec<String>>, name: &str, cells: Vec<String>) {
    if cells.iter().any(|cell| !cell.is_empty()) {
        rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
    }
}

fn columns_grid(title: &str, about: &str, results: &[&Estimated]) -> Grid {
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
    let each =
        |of: &dyn Fn(&Estimated) -> String| results.iter().map(|r| of(r)).collect::<Vec<_>>();
    let mut header = Vec::new();
    row(&mut header, "", each(&|r| r.outcome.clone()));
    row(&mut header, "", each(&|r| r.specification.clone()));
    header.push(
        std::iter::once(String::new())
            .chain((1..=results.len()).map(|at| format!("({at})")))
            .collect(),
    );
    let mut coefficients = Vec::new();
    for term in terms {
        let of = |r: &Estimated, show: &dyn Fn(&Coefficient) -> String| {
            r.coefficients.iter().find(|c| c.term == term).map_or_else(String::new, show)
        };
        coefficients
            .push(std::iter::once(term.to_owned()).chain(each(&|r| of(r, &estimate_of))).collect());
        row(&mut coefficients, "", each(&|r| of(r, &se_of)));
        let wild =
            |c: &Coefficient| c.wild_p.map_or_else(String::new, |p| format!("[{}]", number(p)));
        row(&mut coefficients, "", each(&|r| of(r, &wild)));
    }
    let mut effects = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for result in results {
        names.extend(result.summary.effects.split(" + ").filter(|name| !name.is_empty()));
    }
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
            let has = |r: &Estimated| r.summary.effects.split(" + ").any(|n| n == name);
            row(
                &mut effects,
                &format!("Effects: {name}"),
                each(&|r| if has(r) { "yes" } else { "no" }.to_owned()),
            );
        }
    }
    let optional = |value: Option<f64>| value.map_or_else(String::new, number);
    let mut summary = Vec::new();
    // What all columns share is said once, below the table.
    let differs = |of: &dyn Fn(&Estimated) -> String| {
        results.windows(2).any(|pair| of(pair[0]) != of(pair[1]))
    };
    for (name, of) in SHARED {
        if differs(&of) {
            row(&mut summary, name, each(&of));
        }
    }
    row(&mut summary, "Observations", each(&|r| count(r.summary.n_used)));
    let if_any = |n: usize| if n == 0 { String::new() } else { count(n) };
    row(&mut summary, "Missing", each(&|r| if_any(r.summary.n_missing)));
    row(&mut summary, "Singletons", each(&|r| if_any(r.summary.n_singletons)));
    row(&mut summary, "Separated", each(&|r| if_any(r.summary.n_separated)));
    let mut clusters: Vec<&str> = Vec::new();
    for part in results.iter().flat_map(|r| r.summary.clusters.split(" & ")) {
        if let Some((name, _)) = part.rsplit_once(' ')
            && !clusters.contains(&name)
        {
            clusters.push(name);
        }
    }
    for name in clusters {
        let of = |r: &Estimated| {
            let parts = r.summary.clusters.split(" & ").filter_map(|part| part.rsplit_once(' '));
            let n = parts
                .filter(|(known, _)| *known == name)
                .filter_map(|(_, n)| n.parse().ok())
                .next();
            n.map_or_else(String::new, count)
        };
        row(&mut summary, &format!("Clusters: {name}"), each(&of));
    }
    row(&mut summary, "R2", each(&|r| optional(r.summary.r2)));
    row(&mut summary, "R2 within", each(&|r| optional(r.summary.r2_within)));
    row(&mut summary, "F", each(&|r| optional(r.summary.f.map(|(f, _)| f))));
    row(&mut summary, "First-stage F", each(&|r| optional(r.summary.first_stage_f)));
    let mut groups = vec![coefficients, effects, summary];
    groups.retain(|group| !group.is_empty());
    Grid { title: title.to_owned(), header, groups, notes: notes(about, results) }
}

fn specifications_grid(title: &str, about: &str, focus: &[String], results: &[&Estimated]) -> Grid {
    let header = [
        "outcome",
        "specification",
        "term",
        "estimate",
        "se",
        "95 % interval",
        "p",
        "N",
        "R2 within",
    ];
    let mut rows = Vec::new();
    for result in results {
        let shown: Vec<&Coefficient> = result
            .coefficients
            .iter()
            .filter(|c| {
                focus.is_empty()
                    || focus.contains(&c.term)
                    || c.level.as_ref().is_some_and(|(_, of)| focus.contains(of))
            })
            .collect();
        for c in &shown {
            let optional = |value: Option<f64>| value.map_or_else(String::new, number);
            rows.push(vec![
                result.outcome.clone(),
                result.specification.clone(),
                c.term.clone(),
                estimate_of(c),
                optional(c.se),
                c.interval.map_or_else(String::new, |(low, high)| {
                    format!("{} to {}", number(low), number(high))
                }),
                optional(c.p),
                optional(c.wild_p),
                count(result.summary.n_used),
                optional(result.summary.r2_within),
            ]);
        }
        if shown.is_empty() {
            let mut cells =
                vec![result.outcome.clone(), result.specification.clone(), "-".to_owned()];
            cells.resize(header.len(), String::new());
            rows.push(cells);
        }
    }
    Grid {
        title: title.to_owned(),
        header: vec![header.map(str::to_owned).to_vec()],
        groups: vec![rows],
        notes: notes(about, results),
    }
}

fn notes(about: &str, results: &[&Estimated]) -> Vec<String> {
    let mut notes = vec![format!("Standard errors in round brackets, {STARS}.")];
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
        notes.push("p of the wild cluster bootstrap in square brackets, or as wild p.".to_owned());
    }
    // The same remark of several columns is made once.
    let mut remarks: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for (at, result) in results.iter().enumerate() {
        let mut found: Vec<String> = Vec::new();
        found.extend(result.summary.failure.iter().map(|why| format!("not estimated: {why}")));
        found.extend(
            result
                .coefficients
                .iter()
                .filter_map(|c| Some(format!("{} left out: {}", c.term, c.null_reason.as_ref()?))),
        );
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
            remarks.entry(remark).or_default().push(at + 1);
        }
    }
    for remark in order {
        let at = &remarks[&remark];
        if at.len() == results.len() {
            notes.push(format!("{remark}."));
        } else {
            let columns: Vec<String> = at.iter().map(|at| format!("({at})")).collect();
            notes.push(format!("{} {remark}.", columns.join(", ")));
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

/// Results with their titles, by model: name, title and results, in their order.
pub fn by_model(results: Vec<(String, Estimated)>) -> Vec<(String, String, Vec<Estimated>)> {
    let mut of_model: Vec<(String, String, Vec<Estimated>)> = Vec::new();
    for (title, result) in results {
        match of_model.iter_mut().find(|(name, ..)| *name == result.model) {
            Some((_, _, results)) => results.push(result),
            None => of_model.push((result.model.clone(), title, vec![result])),
        }
    }
    of_model
}

/// The regression table of `results`, which are of one model.
pub fn render(
    format: TableFormat,
    shape: Shape,
    title: &str,
    about: &str,
    focus: &[String],
    results: &[&Estimated],
) -> String {
    if format == TableFormat::Csv {
        return csv(results);
    }
    let grid = match shape {
        Shape::Columns => columns_grid(title, about, results),
        Shape::Specifications => specifications_grid(title, about, focus, results),
    };
    match format {
        TableFormat::Text => text(&grid),
        TableFormat::Markdown => markdown(&grid),
        TableFormat::Latex => latex(&grid),
        TableFormat::Html | TableFormat::Csv => html(&grid),
    }
}

fn widths(grid: &Grid) -> Vec<usize> {
    let rows = grid.header.iter().chain(grid.groups.iter().flatten());
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

fn text(grid: &Grid) -> String {
    let widths = widths(grid);
    let total = widths.iter().map(|width| width + 2).sum::<usize>();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
            let pad = " ".repeat(width - cell.chars().count());
            if at == 0 { format!("{cell}{pad}") } else { format!("{pad}{cell}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![grid.title.clone(), "=".repeat(total)];
    lines.extend(grid.header.iter().map(line));
    for group in &grid.groups {
        lines.push("-".repeat(total));
        lines.extend(group.iter().map(line));
    }
    lines.push("=".repeat(total));
    lines.extend(grid.notes.iter().cloned());
    lines.join("\n") + "\n"
}

fn markdown(grid: &Grid) -> String {
    let escape = |cell: &String| cell.replace('|', "\\|").replace('*', "\\*");
    let line = |row: &Vec<String>| {
        format!("| {} |", row.iter().map(escape).collect::<Vec<_>>().join(" | "))
    };
    let mut lines = vec![format!("**{}**", grid.title), String::new()];
    let n = grid.header.last().map_or(0, Vec::len);
    // Markdown knows one header row: the others are joined above it.
    let head: Vec<String> = (0..n)
        .map(|at| {
            let parts: Vec<&str> = grid
                .header
                .iter()
                .map(|row| row[at].as_str())
                .filter(|cell| !cell.is_empty())
                .collect();
            parts.join("<br>")
        })
        .collect();
    lines.push(line(&head));
    lines.push(format!("| --- |{}", " ---: |".repeat(n.saturating_sub(1))));
    lines.extend(grid.groups.iter().flatten().map(line));
    lines.push(String::new());
    lines.extend(grid.notes.iter().map(|note| format!("{}  ", note.replace('*', "\\*"))));
    lines.join("\n") + "\n"
}

fn latex_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '^' => out.push_str("\\^{}"),
            '~' => out.push_str("\\~{}"),
            '<' => out.push_str("$<$"),
            '>' => out.push_str("$>$"),
            c => out.push(c),
        }
    }
    out
}

fn latex(grid: &Grid) -> String {
    let n = grid.header.last().map_or(1, Vec::len);
    let cell = |text: &String| match text
        .find("***")
        .or_else(|| text.find("**"))
        .or_else(|| text.find('*'))
    {
        Some(at) if text[at..].chars().all(|c| c == '*') => {
            format!("{}\\textsuperscript{{{}}}", latex_text(&text[..at]), &text[at..])
        }
        _ => latex_text(text),
    };
    let line = |row: &Vec<String>| {
        format!("{} \\\\", row.iter().map(cell).collect::<Vec<_>>().join(" & "))
    };
    let mut out = String::new();
    let _ = writeln!(out, "% needs \\usepackage{{booktabs, threeparttable}}");
    let _ = writeln!(
        out,
        "\\begin{{table}}\n\\centering\n\\begin{{threeparttable}}\n\\caption{{{}}}",
        latex_text(&grid.title)
    );
    let _ = writeln!(out, "\\begin{{tabular}}{{l{}}}\n\\toprule", "c".repeat(n - 1));
    for row in &grid.header {
        let _ = writeln!(out, "{}", line(row));
    }
    for group in &grid.groups {
        let _ = writeln!(out, "\\midrule");
        for row in group {
            let _ = writeln!(out, "{}", line(row));
        }
    }
    let _ = writeln!(out, "\\bottomrule\n\\end{{tabular}}\n\\begin{{tablenotes}}\\footnotesize");
    for note in &grid.notes {
        let _ = writeln!(out, "\\item {}", latex_text(note));
    }
    let _ = writeln!(out, "\\end{{tablenotes}}\n\\end{{threeparttable}}\n\\end{{table}}");
    out
}

fn html(grid: &Grid) -> String {
    let line = |row: &Vec<String>, tag: &str| {
        let cells = row.iter().enumerate().map(|(at, cell)| {
            let tag = if at == 0 { "th" } else { tag };
            let scope = if at == 0 { " scope=\"row\"" } else { "" };
            format!("<{tag}{scope}>{}</{tag}>", html_text(cell))
        });
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let mut out = format!(
        "<table class=\"regression\">\n<caption>{}</caption>\n<thead>\n",
        html_text(&grid.title)
    );
    for row in &grid.header {
        let _ = writeln!(out, "{}", line(row, "th"));
    }
    let _ = writeln!(out, "</thead>");
    for group in &grid.groups {
        let _ = writeln!(out, "<tbody>");
        for row in group {
            let _ = writeln!(out, "{}", line(row, "td"));
        }
        let _ = writeln!(out, "</tbody>");
    }
    let n = grid.header.last().map_or(1, Vec::len);
    let notes: Vec<String> = grid.notes.iter().map(|note| html_text(note)).collect();
    let _ = writeln!(
        out,
        "<tfoot><tr><td colspan=\"{n}\">{}</td></tr></tfoot>\n</table>",
        notes.join("<br>")
    );
    out
}

fn csv(results: &[&Estimated]) -> String {
    let quote = |text: &str| {
        if text.contains([',', '"', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let mut out =
        "model,specification,outcome,term,estimate,se,t,p,low,high,wild_p,null_reason,n_used,r2,r2_within\n".to_owned();
    for r in results {
        for c in &r.coefficients {
            let optional =
                |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let cells = [
                quote(&r.model),
                quote(&r.specification),
                quote(&r.outcome),
                quote(&c.term),
                optional(c.estimate),
                optional(c.se),
                optional(c.t),
                optional(c.p),
                optional(c.interval.map(|(low, _)| low)),
                optional(c.interval.map(|(_, high)| high)),
                optional(c.wild_p),
                quote(c.null_reason.as_deref().unwrap_or_default()),
                r.summary.n_used.to_string(),
                optional(r.summary.r2),
                optional(r.summary.r2_within),
            ];
            let _ = writeln!(out, "{}", cells.join(","));
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
