//! Tables for reading: headings, groups of rows and notes, as text, Markdown, LaTeX and HTML.
//!
//! A grid owns its columns, and a row is made by going through them: no row has more cells than another.

use crate::output::{html_text, markdown_text, visible};
use std::fmt::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

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
            let shown: Vec<usize> = (0..self.n_labels).chain(panel.iter().copied()).collect();
            let total = shown.iter().map(|&at| widths[at] + GAP).sum();
            let lines_of = |rows: &[Vec<String>]| -> Vec<String> {
                rows.iter()
                    .filter(|row| panel.iter().any(|&at| !row[at].is_empty()))
                    .flat_map(|row| self.lines(row, &shown, &widths))
                    .collect()
            };
            lines.push("=".repeat(total));
            lines.extend(lines_of(&self.header));
            for group in self.groups() {
                let rows = lines_of(group);
                if !rows.is_empty() {
                    lines.push("-".repeat(total));
                    lines.extend(rows);
                }
            }
            lines.push("=".repeat(total));
        }
        lines.extend(self.notes.iter().flat_map(|note| wrapped(note, width)));
        lines.join("\n") + "\n"
    }

    /// The width of each column. What is too wide for one panel goes on below itself: labels beyond half of `width`
    /// or what the values leave of it, and values beyond what the labels leave.
    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths = vec![0; self.columns.len()];
        for row in self.header.iter().chain(self.groups.iter().flatten()) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
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

    /// A row in the columns `shown`: labels on the left of their columns, values on the right.
    fn lines(&self, row: &[String], shown: &[usize], widths: &[usize]) -> Vec<String> {
        let cells: Vec<Vec<String>> =
            shown.iter().map(|&at| wrapped(&row[at], widths[at])).collect();
        let n_lines = cells.iter().map(Vec::len).max().unwrap_or(0);
        let line = |place: usize| {
            let parts = shown.iter().zip(&cells).map(|(&at, cell)| {
                let text = cell.get(place).map_or("", String::as_str);
                let pad = " ".repeat(widths[at].saturating_sub(text.width()));
                if at < self.n_labels { format!("{text}{pad}") } else { format!("{pad}{text}") }
            });
            parts.collect::<Vec<_>>().join(" ".repeat(GAP).as_str()).trim_end().to_owned()
        };
        (0..n_lines).map(line).collect()
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
        let line = |row: &Vec<String>, is_head: bool| {
            let cells = row.iter().enumerate().map(|(at, cell)| {
                let cell = html_text(cell);
                match (is_head, at < self.n_labels) {
                    (true, true) => format!("<th scope=\"col\" class=\"label\">{cell}</th>"),
                    (true, false) => format!("<th scope=\"col\">{cell}</th>"),
                    (false, true) => format!("<th scope=\"row\">{cell}</th>"),
                    (false, false) => format!("<td>{cell}</td>"),
                }
            });
            format!("<tr>{}</tr>", cells.collect::<String>())
        };
        let mut out = format!(
            "<table class=\"regression\">\n<caption>{}</caption>\n<thead>\n",
            html_text(&self.title)
        );
        for row in &self.header {
            let _ = writeln!(out, "{}", line(row, true));
        }
        let _ = writeln!(out, "</thead>");
        for group in self.groups() {
            let _ = writeln!(out, "<tbody>");
            for row in group {
                let _ = writeln!(out, "{}", line(row, false));
            }
            let _ = writeln!(out, "</tbody>");
        }
        let n = self.columns.len();
        let notes: Vec<String> = self.notes.iter().map(|note| html_text(note)).collect();
        let _ = writeln!(
            out,
            "<tfoot><tr><td colspan=\"{n}\">{}</td></tr></tfoot>\n</table>",
            notes.join("<br>")
        );
        out
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
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if !line.is_empty() && line.width() + c.width().unwrap_or(0) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
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
