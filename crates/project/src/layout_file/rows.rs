//! The section `rows` of a layout: which lines of a file are rows.

use crate::fault::Invalid;
use crate::read_options::{Form, ReadOptions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trade::Pattern;
use trade::shape::{HeaderShape, Ragged, Shape};

/// Lines that `skip_last` may name: so many are kept until it is known whether they are the last.
const MOST_SKIPPED: usize = 1000;

/// Rows that a header may have.
const MOST_HEADER_ROWS: usize = 100;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowsText {
    comment: Option<String>,
    header: Option<HeaderText>,
    skip_last: Option<usize>,
    footer: Option<String>,
    ragged: Option<RaggedText>,
    #[serde(default)]
    fill_down: Vec<String>,
    #[serde(default)]
    titles: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HeaderText {
    line: Option<u64>,
    #[serde(rename = "match")]
    pattern: Option<String>,
    lines: Option<usize>,
    join: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum RaggedText {
    Reject,
    Fill,
    Cut,
}

fn pattern(key: &str, text: &str) -> Result<Pattern, Invalid> {
    Pattern::new(text).map_err(|error| Invalid::new(key, error.to_string()))
}

impl RowsText {
    /// What it says, of files that are read as `options` say.
    pub(super) fn shape(self, options: &ReadOptions) -> Result<Shape, Invalid> {
        let Self { comment, header, skip_last, footer, ragged, fill_down, titles } = self;
        if comment.as_deref() == Some("") {
            return Err(Invalid::new(
                "rows.comment",
                "empty: expected what comments begin with".to_owned(),
            ));
        }
        if let Some(n) = skip_last.filter(|n| !(1..=MOST_SKIPPED).contains(n)) {
            return Err(Invalid::new(
                "rows.skip_last",
                format!("{n}: expected 1 to {MOST_SKIPPED}"),
            ));
        }
        let twice = fill_down.iter().enumerate().find(|(at, name)| fill_down[..*at].contains(name));
        if let Some((_, name)) = twice {
            return Err(Invalid::new("rows.fill_down", format!("{name:?} is there twice")));
        }
        let says_nothing = comment.is_none()
            && header.is_none()
            && skip_last.is_none()
            && footer.is_none()
            && ragged.is_none()
            && fill_down.is_empty()
            && titles.is_empty();
        if says_nothing {
            let why = "it says nothing: expected comment, header, skip_last, footer, ragged, fill_down or titles";
            return Err(Invalid::new("rows", why.to_owned()));
        }
        let title = |(name, text): (String, String)| {
            let key = format!("rows.titles.{name}");
            Ok::<_, Invalid>((name, pattern(&key, &text)?))
        };
        let shape = Shape {
            comment,
            header: header.map(|text| text.shape(options)).transpose()?.unwrap_or_default(),
            skip_last: skip_last.unwrap_or(0),
            footer: footer.map(|text| pattern("rows.footer", &text)).transpose()?,
            ragged: match ragged {
                None | Some(RaggedText::Reject) => Ragged::Reject,
                Some(RaggedText::Fill) => Ragged::Fill,
                Some(RaggedText::Cut) => Ragged::Cut,
            },
            fill_down,
            titles: titles.into_iter().map(title).collect::<Result<_, Invalid>>()?,
        };
        match options.form.and_then(|form| Some((form, without_effect(&shape, form)?))) {
            Some((form, key)) => {
                Err(Invalid::new(key, format!("it has no effect on {}: leave it out", form.name())))
            }
            None => Ok(shape),
        }
    }
}

impl HeaderText {
    fn shape(self, options: &ReadOptions) -> Result<HeaderShape, Invalid> {
        let Self { line, pattern: text, lines, join } = self;
        let key = "rows.header";
        if line.is_none() && text.is_none() && lines.is_none() {
            return Err(Invalid::new(key, "expected line, match or lines".to_owned()));
        }
        if line == Some(0) {
            return Err(Invalid::new(
                "rows.header.line",
                "0: expected a line, counted from 1".to_owned(),
            ));
        }
        if let Some(n) = lines.filter(|n| !(1..=MOST_HEADER_ROWS).contains(n)) {
            let why = format!("{n}: expected 1 to {MOST_HEADER_ROWS}");
            return Err(Invalid::new("rows.header.lines", why));
        }
        if join.is_some() && lines.is_none_or(|n| n < 2) {
            let why = "it has no effect on a header of one row: say `lines`, or leave it out";
            return Err(Invalid::new("rows.header.join", why.to_owned()));
        }
        if options.header == Some(false) {
            let why = "the files have no header, as `header: false` says: leave one of them out";
            return Err(Invalid::new(key, why.to_owned()));
        }
        if options.skip.is_some() && (line.is_some() || text.is_some()) {
            let why = "`skip` says where the header is, and so does it: leave one of them out";
            return Err(Invalid::new(key, why.to_owned()));
        }
        let default = HeaderShape::default();
        Ok(HeaderShape {
            line,
            pattern: text.map(|text| pattern("rows.header.match", &text)).transpose()?,
            n_rows: lines.unwrap_or(default.n_rows),
            join: join.unwrap_or(default.join),
        })
    }
}

/// The key of `rows` that has no effect on files of a form, if there is one.
pub fn without_effect(shape: &Shape, form: Form) -> Option<&'static str> {
    let HeaderShape { line, pattern, n_rows, .. } = &shape.header;
    let has_header = line.is_some() || pattern.is_some() || *n_rows > 1;
    let header = has_header.then_some("rows.header");
    let comment = shape.comment.is_some().then_some("rows.comment");
    let ragged = (shape.ragged != Ragged::Reject).then_some("rows.ragged");
    match form {
        Form::Csv => None,
        // Every row of a sheet has all of its columns.
        Form::Excel => ragged,
        // Their columns have names, and they have no lines beside those of rows.
        Form::Json | Form::Parquet | Form::Arrow | Form::Dta => header.or(comment).or(ragged),
        Form::Eurostat => Some("rows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn shape_of(text: &str, options: &ReadOptions) -> Result<Shape, String> {
        let text: RowsText = yaml::of_text(text)?;
        text.shape(options).map_err(|Invalid { key, why }| format!("{key}: {why}"))
    }

    const ALL: &str = r##"
comment: "#"
header: {line: 2, match: "^year", lines: 2, join: "/"}
skip_last: 1
footer: "^Source"
ragged: fill
fill_down: [Province, column 1]
titles: {chapter: "^HS ([0-9]{2})", whole: "^Unit.*"}
"##;

    #[test]
    fn every_key_is_read() {
        let shape = shape_of(ALL, &ReadOptions::default()).expect("a section");
        assert_eq!(shape.comment.as_deref(), Some("#"));
        let HeaderShape { line, pattern, n_rows, join } = &shape.header;
        assert_eq!((*line, *n_rows, join.as_str()), (Some(2), 2, "/"));
        let pattern = pattern.as_ref().expect("a pattern");
        assert_eq!((pattern.find("year,x"), pattern.find("a year")), (Some("year"), None));
        assert_eq!(pattern.as_str(), "^year");
        assert_eq!((shape.skip_last, shape.ragged), (1, Ragged::Fill));
        assert!(shape.footer.expect("a footer").find("Source: x").is_some());
        assert_eq!(shape.fill_down, ["Province", "column 1"]);
        let [(chapter, of_chapter), (whole, of_whole)] = &shape.titles[..] else { panic!("two") };
        assert_eq!((chapter.as_str(), of_chapter.find("HS 01 - x")), ("chapter", Some("01")));
        assert_eq!((whole.as_str(), of_whole.find("Unit: $")), ("whole", Some("Unit: $")));
        let shape = shape_of("{comment: '%'}", &ReadOptions::default()).expect("a section");
        assert_eq!((shape.header.n_rows, shape.header.join.as_str()), (1, " "));
        assert_eq!((shape.skip_last, shape.ragged), (0, Ragged::Reject));
    }

    #[test]
    fn what_contradicts_or_has_no_effect_is_refused() {
        let plain = ReadOptions::default();
        let skip = ReadOptions { skip: Some(2), ..ReadOptions::default() };
        let bare = ReadOptions { header: Some(false), ..ReadOptions::default() };
        let of = |form| ReadOptions { form: Some(form), ..ReadOptions::default() };
        for (text, options, expected) in [
            ("{}", &plain, "rows: it says nothing"),
            ("{skip: 1}", &plain, "skip"),
            ("{comment: ''}", &plain, "rows.comment: empty"),
            ("{skip_last: 0}", &plain, "rows.skip_last: 0"),
            ("{skip_last: 1001}", &plain, "expected 1 to 1000"),
            ("{footer: '('}", &plain, "rows.footer: "),
            ("{titles: {x: '['}}", &plain, "rows.titles.x: "),
            ("{fill_down: [a, b, a]}", &plain, "\"a\" is there twice"),
            ("{ragged: drop}", &plain, "cut"),
            ("{header: {}}", &plain, "expected line, match or lines"),
            ("{header: {line: 0}}", &plain, "rows.header.line: 0"),
            ("{header: {lines: 0}}", &plain, "rows.header.lines: 0"),
            ("{header: {line: 2, join: x}}", &plain, "rows.header.join: it has no effect"),
            ("{header: {line: 3}}", &skip, "`skip` says where the header is"),
            ("{header: {match: x}}", &skip, "`skip` says where the header is"),
            ("{header: {line: 3}}", &bare, "`header: false`"),
            ("{ragged: cut}", &of(Form::Excel), "rows.ragged: it has no effect on a workbook"),
            ("{comment: x}", &of(Form::Json), "rows.comment: it has no effect on JSON"),
            ("{header: {line: 1}}", &of(Form::Parquet), "rows.header: it has no effect on Parquet"),
            ("{skip_last: 1}", &of(Form::Eurostat), "rows: it has no effect on Eurostat TSV"),
        ] {
            let error = shape_of(text, options).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        for (text, options) in [
            ("{header: {lines: 2}}", &skip),
            ("{skip_last: 1, comment: x, header: {line: 2}}", &of(Form::Excel)),
            ("{skip_last: 1, footer: x, fill_down: [a], titles: {b: c}}", &of(Form::Dta)),
        ] {
            shape_of(text, options).expect(text);
        }
    }
}
