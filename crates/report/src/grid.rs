//! Tables for reading: headings, groups of rows and notes, as text, Markdown, LaTeX and HTML.
//!
//! A grid owns its columns, and a row is made by going through them: no row has more cells than another.

use crate::output::{HtmlText, markdown_text, visible};
use comfy_table::{CellAlignment, ColumnConstraint, Row, Table, Width, presets};
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Spaces between two cells of text.
const GAP: usize = 2;
/// Text is not made narrower than this.
const NARROWEST: usize = 40;
/// Nor a cell of it than this, which holds any character.
const NARROWEST_CELL: usize = 2;

/// Cells of a table below its title, in columns that `C` tells apart: labels, which say what a row is about, and
/// values.
pub(crate) struct Grid<C> {
    title: String,
    columns: Vec<C>,
    n_labels: usize,
    header: Vec<Vec<String>>,
    groups: Vec<Vec<Vec<String>>>,
    notes: Vec<String>,
}

/// What stands in a table, for programs that lay it out themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCells {
    /// What it is called.
    pub title: String,
    /// How many columns, from the left, say what a row is about.
    pub n_labels: usize,
    /// Rows of headings.
    pub header: Vec<Vec<String>>,
    /// Rows below them, by the rules that they stand between. All rows are equally long.
    pub groups: Vec<Vec<Vec<String>>>,
    /// What is said below it.
    pub notes: Vec<String>,
}

/// A row of HTML.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Head,
    /// With what each of its values lacks.
    Body(&'a [Lacking]),
}

/// What a number lacks before and behind its decimal point to be as wide there as all of its
/// column. A style sheet that adds it unseen, by `attr(data-before)` and `attr(data-after)`, sets
/// the points below each other.
#[derive(Debug, Clone, Default, PartialEq)]
struct Lacking {
    before: Option<String>,
    after: Option<String>,
}

/// Characters by their number. Digits are as wide as each other, and so are brackets.
type Characters = BTreeMap<char, usize>;

/// The characters before the decimal point of a number and from there on; of other texts none.
fn around_point(cell: &str) -> Option<[Characters; 2]> {
    let at = cell.find(|c: char| !"([-0123456789,".contains(c)).unwrap_or(cell.len());
    let (before, after) = cell.split_at(at);
    let is_number = before.contains(|c: char| c.is_ascii_digit())
        && after.chars().all(|c| c.is_ascii_digit() || ".e-*)]".contains(c));
    let count = |part: &str| {
        let mut all = Characters::new();
        for c in part.chars() {
            let like = match c {
                '0'..='9' => '0',
                '[' => '(',
                ']' => ')',
                other => other,
            };
            *all.entry(like).or_default() += 1;
        }
        all
    };
    is_number.then(|| [count(before), count(after)])
}

/// What each of the cells of a column lacks.
fn lacking<T: AsRef<str>>(cells: &[T]) -> Vec<Lacking> {
    let counts: Vec<Option<[Characters; 2]>> =
        cells.iter().map(|cell| around_point(cell.as_ref())).collect();
    let mut most = [Characters::new(), Characters::new()];
    for counts in counts.iter().flatten() {
        for (most, of) in most.iter_mut().zip(counts) {
            for (&c, &n) in of {
                let known = most.entry(c).or_default();
                *known = n.max(*known);
            }
        }
    }
    let fill = |most: &Characters, of: &Characters| -> Option<String> {
        let n_more = |c: char, n: usize| n - of.get(&c).copied().unwrap_or(0).min(n);
        let text: String =
            most.iter().flat_map(|(&c, &n)| std::iter::repeat_n(c, n_more(c, n))).collect();
        (!text.is_empty()).then_some(text)
    };
    let [most_before, most_after] = &most;
    counts
        .iter()
        .map(|counts| match counts {
            Some([before, after]) => {
                Lacking { before: fill(most_before, before), after: fill(most_after, after) }
            }
            None => Lacking::default(),
        })
        .collect()
}

impl<C> Grid<C> {
    /// A grid without rows.
    pub(crate) fn new(title: &str, labels: Vec<C>, values: Vec<C>) -> Self {
        let n_labels = labels.len();
        Self {
            title: one_line(title),
            columns: labels.into_iter().chain(values).collect(),
            n_labels,
            header: Vec::new(),
            groups: vec![Vec::new()],
            notes: Vec::new(),
        }
    }

    /// Adds a row of headings, if a column of values has one.
    pub(crate) fn headings(&mut self, cell: impl Fn(&C) -> String) {
        let row = self.cells(cell);
        self.header.extend(row);
    }

    /// Adds a row, if a column of values has a cell of it.
    pub(crate) fn row(&mut self, cell: impl Fn(&C) -> String) {
        let row = self.cells(cell);
        if let Some(group) = self.groups.last_mut() {
            group.extend(row);
        }
    }

    /// Ends a group of rows.
    pub(crate) fn rule(&mut self) {
        self.groups.push(Vec::new());
    }

    /// Adds a note below the table.
    pub(crate) fn note(&mut self, note: &str) {
        self.notes.push(one_line(note));
    }

    fn cells(&self, cell: impl Fn(&C) -> String) -> Option<Vec<String>> {
        let cells: Vec<String> =
            self.columns.iter().map(|column| one_line(&cell(column))).collect();
        cells[self.n_labels..].iter().any(|cell| !cell.is_empty()).then_some(cells)
    }

    fn groups(&self) -> impl Iterator<Item = &Vec<Vec<String>>> {
        self.groups.iter().filter(|group| !group.is_empty())
    }

    /// What stands in it.
    pub(crate) fn into_cells(self) -> TableCells {
        TableCells {
            groups: self.groups().cloned().collect(),
            title: self.title,
            n_labels: self.n_labels,
            header: self.header,
            notes: self.notes,
        }
    }

    fn n_values(&self) -> usize {
        self.columns.len() - self.n_labels
    }

    /// Lines of at most `width` columns, or of 40 if it is less. Values that do not fit beside each other stand in
    /// panels below each other, each with the labels and without the rows that it has no value of.
    pub(crate) fn text(&self, width: usize) -> String {
        let width = width.max(NARROWEST);
        let widths = self.widths(width);
        let panels = self.panels(&widths, width);
        let mut lines = Vec::new();
        for (at, panel) in panels.iter().enumerate() {
            if at > 0 {
                lines.push(String::new());
            }
            let title = match panels.len() {
                1 => self.title.clone(),
                n => format!("{} (panel {} of {n})", self.title, at + 1),
            };
            lines.extend(wrapped(&title, width));
            lines.extend(self.panel(panel, &widths));
        }
        lines.extend(self.notes.iter().flat_map(|note| wrapped(note, width)));
        lines.join("\n") + "\n"
    }

    /// The labels and the values of a panel between rules.
    fn panel(&self, panel: &[usize], widths: &[usize]) -> Vec<String> {
        let shown: Vec<usize> = (0..self.n_labels).chain(panel.iter().copied()).collect();
        let layout: Vec<(usize, CellAlignment)> = shown
            .iter()
            .map(|&at| {
                let is_label = at < self.n_labels;
                (widths[at], if is_label { CellAlignment::Left } else { CellAlignment::Right })
            })
            .collect();
        let total = shown.iter().map(|&at| widths[at] + GAP).sum();
        let lines_of = |rows: &[Vec<String>]| -> Vec<String> {
            let has_value = |row: &&Vec<String>| panel.iter().any(|&at| !row[at].is_empty());
            let cells = |row: &Vec<String>| -> Vec<String> {
                shown.iter().map(|&at| row[at].clone()).collect()
            };
            laid_out(rows.iter().filter(has_value).map(cells), &layout)
        };
        let mut lines = vec!["=".repeat(total)];
        lines.extend(lines_of(&self.header));
        for group in self.groups() {
            let rows = lines_of(group);
            if !rows.is_empty() {
                lines.push("-".repeat(total));
                lines.extend(rows);
            }
        }
        lines.push("=".repeat(total));
        lines
    }

    /// The width of each column. What is too wide for one panel goes on below itself: labels beyond half of `width`
    /// or what the values leave of it, and values beyond what the labels leave.
    fn widths(&self, width: usize) -> Vec<usize> {
        let mut table = Table::new();
        table.add_rows(self.header.iter().chain(self.groups.iter().flatten()));
        let mut widths: Vec<usize> =
            table.column_max_content_widths().into_iter().map(usize::from).collect();
        widths.resize(self.columns.len(), 1);
        if room_of(&widths) <= width {
            return widths;
        }
        let (labels, values) = widths.split_at_mut(self.n_labels);
        let room = (width / 2).max(width.saturating_sub(room_of(values)));
        while room_of(labels) > room
            && let Some(widest) = labels.iter_mut().max()
            && *widest > NARROWEST_CELL
        {
            *widest -= 1;
        }
        let left = width.saturating_sub(room_of(labels) + GAP);
        for value in values {
            *value = (*value).min(left);
        }
        widths
    }

    /// Columns of values, by the panel in which they stand.
    fn panels(&self, widths: &[usize], width: usize) -> Vec<Vec<usize>> {
        let of_labels = room_of(&widths[..self.n_labels]);
        let mut panels = Vec::new();
        let mut panel = Vec::new();
        let mut used = of_labels;
        for (at, column) in widths.iter().enumerate().skip(self.n_labels) {
            if used + column + GAP > width && !panel.is_empty() {
                panels.push(std::mem::take(&mut panel));
                used = of_labels;
            }
            used += column + GAP;
            panel.push(at);
        }
        panels.push(panel);
        panels
    }

    pub(crate) fn markdown(&self) -> String {
        let escape = |cell: &String| markdown_text(cell);
        let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        let mut lines = vec![format!("**{}**", markdown_text(&self.title)), String::new()];
        // Markdown knows one header row: the others are joined above it.
        let head = (0..self.columns.len()).map(|at| {
            let parts = self.header.iter().map(|row| &row[at]).filter(|cell| !cell.is_empty());
            parts.map(escape).collect::<Vec<_>>().join("<br>")
        });
        lines.push(line(head.collect()));
        let (labels, values) = ("| --- ".repeat(self.n_labels), "| ---: ".repeat(self.n_values()));
        lines.push(format!("{labels}{values}|"));
        lines.extend(self.groups().flatten().map(|row| line(row.iter().map(escape).collect())));
        lines.push(String::new());
        lines.extend(self.notes.iter().map(|note| format!("{}  ", markdown_text(note))));
        lines.join("\n") + "\n"
    }

    pub(crate) fn latex(&self) -> String {
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
            latex_text(&self.title)
        );
        let (labels, values) = ("l".repeat(self.n_labels), "c".repeat(self.n_values()));
        let _ = writeln!(out, "\\begin{{tabular}}{{{labels}{values}}}\n\\toprule");
        for row in &self.header {
            let _ = writeln!(out, "{}", line(row));
        }
        for group in self.groups() {
            let _ = writeln!(out, "\\midrule");
            for row in group {
                let _ = writeln!(out, "{}", line(row));
            }
        }
        let _ =
            writeln!(out, "\\bottomrule\n\\end{{tabular}}\n\\begin{{tablenotes}}\\footnotesize");
        for note in &self.notes {
            let _ = writeln!(out, "\\item {}", latex_text(note));
        }
        let _ = writeln!(out, "\\end{{tablenotes}}\n\\end{{threeparttable}}\n\\end{{table}}");
        out
    }

    pub(crate) fn html(&self) -> String {
        let markup = html! {
            table class="regression" {
                "\n" caption { (HtmlText(&self.title)) }
                "\n" thead { "\n" @for row in &self.header { (self.html_row(row, Part::Head)) } }
                @for group in self.groups() {
                    "\n" tbody {
                        "\n"
                        @for (row, lacking) in group.iter().zip(self.lacking(group)) {
                            (self.html_row(row, Part::Body(&lacking)))
                        }
                    }
                }
                "\n" tfoot { tr { td colspan=(self.columns.len()) { (self.html_notes()) } } }
                "\n"
            }
            "\n"
        };
        markup.into_string()
    }

    /// What the values of each row of a group lack, in the order of the columns of values. Rows of
    /// counts have no points to set below those of others.
    fn lacking(&self, group: &[Vec<String>]) -> Vec<Vec<Lacking>> {
        let is_fine = |row: &[String]| row[self.n_labels..].iter().any(|cell| cell.contains('.'));
        let cell = |row: &[String], at: usize| {
            if is_fine(row) { row[at].clone() } else { String::new() }
        };
        let columns: Vec<Vec<Lacking>> = (self.n_labels..self.columns.len())
            .map(|at| lacking(&group.iter().map(|row| cell(row, at)).collect::<Vec<_>>()))
            .collect();
        (0..group.len())
            .map(|row| columns.iter().map(|column| column[row].clone()).collect())
            .collect()
    }

    fn html_row(&self, row: &[String], part: Part<'_>) -> Markup {
        let (labels, values) = row.split_at(self.n_labels);
        html! {
            tr {
                @match part {
                    Part::Head => {
                        @for cell in labels { th scope="col" class="label" { (HtmlText(cell)) } }
                        @for cell in values { th scope="col" { (HtmlText(cell)) } }
                    }
                    Part::Body(lacking) => {
                        @for cell in labels { th scope="row" { (HtmlText(cell)) } }
                        @for (cell, Lacking { before, after }) in values.iter().zip(lacking) {
                            td data-before=[before.as_deref()] data-after=[after.as_deref()] { (HtmlText(cell)) }
                        }
                    }
                }
            }
            "\n"
        }
    }

    fn html_notes(&self) -> Markup {
        html! {
            @for (at, note) in self.notes.iter().enumerate() {
                @if at > 0 { br; }
                (HtmlText(note))
            }
        }
    }
}

/// What columns of these widths take, with the gaps after them.
fn room_of(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + GAP).sum()
}

/// A line break in a cell would begin a row.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines of at most `width` columns, broken between words, or within a word that is longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    laid_out([[text]], &[(width, CellAlignment::Left)])
}

/// Rows as lines, in columns of these widths with a gap behind each; what is too wide goes on below
/// itself.
fn laid_out(
    rows: impl IntoIterator<Item = impl Into<Row>>,
    columns: &[(usize, CellAlignment)],
) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).add_rows(rows);
    let number = |width: usize| u16::try_from(width).unwrap_or(u16::MAX);
    for (column, (width, alignment)) in table.column_iter_mut().zip(columns) {
        let with_gap = Width::Fixed(number(width + GAP));
        column.set_padding((0, number(GAP))).set_constraint(ColumnConstraint::Absolute(with_gap));
        column.set_cell_alignment(*alignment);
    }
    table.trim_fmt().lines().map(str::to_owned).collect()
}

fn latex_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().map(visible) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_within_long_ones() {
        assert_eq!(wrapped("to be or not", 5), ["to be", "or", "not"]);
        assert_eq!(wrapped("a123456 b", 4), ["a123", "456", "b"]);
        assert_eq!(wrapped("区域韧性", 5), ["区域", "韧性"]);
        assert!(wrapped("  ", 4).is_empty());
    }

    #[test]
    fn numbers_lack_what_sets_their_points_below_each_other() {
        let cells = ["-0.5095***", "(0.04244)", "[1.5]", "12", "yes", "", "-8.61e-5"];
        let found = lacking(&cells);
        let is_number = |cell: &&str| around_point(cell).is_some();
        assert_eq!(cells.iter().filter(|cell| is_number(cell)).count(), 5);
        for side in 0..2 {
            let mut widths: Vec<Characters> = Vec::new();
            for (cell, of) in cells.iter().zip(&found) {
                let Some(mut width) = around_point(cell) else {
                    assert_eq!(*of, Lacking::default(), "{cell}");
                    continue;
                };
                let lacks = if side == 0 { &of.before } else { &of.after };
                for c in lacks.iter().flat_map(|text| text.chars()) {
                    *width[side].entry(c).or_default() += 1;
                }
                widths.push(std::mem::take(&mut width[side]));
            }
            assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{widths:?}");
        }
    }

    #[test]
    fn values_stand_in_as_many_panels_as_they_need() {
        let mut grid = Grid::new("t", vec![0], (1..=9).collect());
        grid.headings(|at| if *at == 0 { String::new() } else { format!("({at})") });
        grid.row(|at| if *at == 0 { "地区".to_owned() } else { format!("{at}.{at}{at}{at}{at}") });
        grid.row(|at| match at {
            0 => "last".to_owned(),
            9 => "9".to_owned(),
            _ => String::new(),
        });
        grid.row(|at| if *at == 0 { "none".to_owned() } else { String::new() });
        grid.note("n");
        let text = grid.text(40);
        let first = [
            "t (panel 1 of 3)",
            "======================================",
            "         (1)     (2)     (3)     (4)",
            "--------------------------------------",
            "地区  1.1111  2.2222  3.3333  4.4444",
            "======================================",
            "",
        ];
        assert_eq!(text.lines().take(first.len()).collect::<Vec<_>>(), first);
        assert!(!text.contains("none") && text.ends_with("\nn\n"), "{text}");
        let panels: Vec<&str> = text.split("\n\n").collect();
        assert_eq!(panels.len(), 3, "{text}");
        assert!(!panels[1].contains("last") && panels[2].contains("\nlast       9\n"), "{text}");
        assert_eq!(grid.text(400).lines().count(), 8);
    }
}
