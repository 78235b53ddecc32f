//! The files of the figures of a report: each in the forms that are asked for, with its data and SQL.

use crate::draw::{self, DrawError, Drawing, Paper};
use crate::error::ReportError;
use crate::new_file::NewFile;
use clap::ValueEnum;
use rayon::prelude::*;
use resvg::usvg::Options;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A form of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FigureForm {
    /// SVG.
    Svg,
    /// PNG.
    Png,
    /// PDF, with its font.
    Pdf,
}

/// Pixels that a width may have: in less, of 7 cm, words would lie over each other, and more is no page.
const WIDTHS: RangeInclusive<f64> = 264.0..=4000.0;

/// Units of a width: how many are an inch, which has 96 pixels.
const UNITS: [(&str, f64); 5] =
    [("mm", 25.4), ("cm", 2.54), ("in", 1.0), ("pt", 72.0), ("px", 96.0)];

/// The width of a figure on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width {
    pixels: u32,
}

impl FromStr for Width {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a number and its unit, mm, cm, in, pt or px, as in 8cm";
        let text = text.trim();
        let found = UNITS.iter().find_map(|(unit, per_inch)| {
            let number: f64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
            Some((number / per_inch * 96.0).round())
        });
        let Some(pixels) = found.filter(|pixels| pixels.is_finite()) else {
            return Err(expected.to_owned());
        };
        if !WIDTHS.contains(&pixels) {
            let [least, most] = [WIDTHS.start(), WIDTHS.end()].map(|of| of / 96.0 * 2.54);
            return Err(format!("expected {least:.1} to {most:.1} cm: words keep their size"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a whole number of a few thousand"
        )]
        let pixels = pixels as u32;
        Ok(Self { pixels })
    }
}

/// Stack of a thread that draws: JavaScript calls itself deeply.
const STACK: usize = 32 << 20;

/// What is asked for of the figures.
struct Asked<'a> {
    folder: &'a Path,
    forms: &'a [FigureForm],
    paper: Paper,
    letters: Options<'a>,
}

impl Asked<'_> {
    /// Writes the files of a figure that are called `name`.
    fn write(&self, drawing: &Drawing, name: &str) -> Result<Vec<PathBuf>, ReportError> {
        let mut files = Vec::new();
        // Each once, however often it is asked for.
        for form in FigureForm::value_variants().iter().filter(|form| self.forms.contains(form)) {
            files.push(match form {
                FigureForm::Svg => ("svg", drawing.svg.clone().into_bytes()),
                FigureForm::Png => ("png", draw::picture(drawing, self.paper, &self.letters)?),
                FigureForm::Pdf => ("pdf", draw::pdf(drawing, &self.letters)?),
            });
        }
        files.extend(csv(drawing)?.map(|bytes| ("csv", bytes)));
        let sql = drawing.sql.as_ref().map(|sql| format!("{}\n", sql.trim_end()).into_bytes());
        files.extend(sql.map(|bytes| ("sql", bytes)));
        let written = files
            .into_iter()
            .map(|(ending, bytes)| put(self.folder.join(format!("{name}.{ending}")), &bytes));
        written.collect()
    }
}

/// Draws the figures of the data of a report into `folder`. Gives the files of each: its forms, then
/// its data and SQL.
pub(crate) fn write(
    folder: &Path,
    data: &Value,
    forms: &[FigureForm],
    width: Option<Width>,
) -> Result<Vec<Vec<PathBuf>>, ReportError> {
    let paper = width.map_or(Paper::Screen, |width| Paper::Wide(width.pixels));
    let asked = Asked { folder, forms, paper, letters: draw::letters() };
    let threads = rayon::ThreadPoolBuilder::new().stack_size(STACK).build();
    let threads = threads.map_err(DrawError::from)?;
    threads.install(|| -> Result<Vec<Vec<PathBuf>>, ReportError> {
        let drawn = draw::figures(data, paper)?;
        let names = file_names(&drawn);
        let files = drawn.par_iter().zip(&names).map(|(drawing, name)| asked.write(drawing, name));
        files.collect()
    })
}

/// Writes a file, and gives its path.
pub(crate) fn put(path: PathBuf, bytes: &[u8]) -> Result<PathBuf, ReportError> {
    match NewFile::write(&path, bytes) {
        Ok(()) => Ok(path),
        Err(source) => Err(ReportError::Write { path, source }),
    }
}

/// The data of a figure, if it has them.
fn csv(drawing: &Drawing) -> Result<Option<Vec<u8>>, ReportError> {
    let Some((columns, rows)) = drawing.columns.as_ref().zip(drawing.rows.as_ref()) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let mut writer = csv::Writer::from_writer(&mut bytes);
    let write = |writer: &mut csv::Writer<&mut Vec<u8>>| -> csv::Result<()> {
        writer.write_record(columns)?;
        for row in rows {
            writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or_default()))?;
        }
        Ok(writer.flush()?)
    };
    let written = write(&mut writer);
    written.map_err(|source| DrawError::Data { name: drawing.name.clone(), source })?;
    drop(writer);
    Ok(Some(bytes))
}

/// What the files of each figure are called: an episode may be called what no file can be, and two
/// alike but for that.
fn file_names(drawn: &[Drawing]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let name = |drawing: &Drawing| {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let plain = |c: char| if is_plain(c) { c } else { '_' };
        let name: String = drawing.name.chars().map(plain).collect();
        let mut own = name.clone();
        let mut n = 1_usize;
        while !taken.insert(own.clone()) {
            n += 1;
            own = format!("{name}_{n}");
        }
        own
    };
    drawn.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_has_a_unit() {
        for (text, pixels) in [
            ("7cm", 265),
            ("8cm", 302),
            ("80mm", 302),
            ("3.5 in", 336),
            ("252pt", 336),
            ("640px", 640),
        ] {
            assert_eq!(text.parse(), Ok(Width { pixels }), "{text}");
        }
        for (text, why) in [
            ("8", "expected a number and its unit"),
            ("cm", "expected a number and its unit"),
            ("8 km", "expected a number and its unit"),
            ("infcm", "expected a number and its unit"),
            ("6.9cm", "expected 7.0 to 105.8 cm"),
            ("-8cm", "expected 7.0 to 105.8 cm"),
            ("2m", "expected a number and its unit"),
        ] {
            let error = text.parse::<Width>().expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    fn drawing(name: &str, rows: Option<Vec<Vec<Option<String>>>>) -> Drawing {
        let columns = rows.as_ref().map(|_| vec!["region".to_owned(), "value".to_owned()]);
        Drawing { at: 0, name: name.to_owned(), svg: String::new(), columns, rows, sql: None }
    }

    #[test]
    fn names_of_files_are_plain_and_none_is_taken_twice() {
        let drawn = ["map-a/b", "map-a b", "map-a_b", "space"].map(|name| drawing(name, None));
        assert_eq!(file_names(&drawn), ["map-a_b", "map-a_b_2", "map-a_b_3", "space"]);
    }

    #[test]
    fn data_are_csv_with_nothing_where_there_is_no_value() {
        let cell = |text: &str| Some(text.to_owned());
        let rows = vec![vec![cell("a, \"b\""), None], vec![cell("c"), cell("0.1")]];
        let found = csv(&drawing("x", Some(rows))).expect("written").expect("data");
        assert_eq!(String::from_utf8_lossy(&found), "region,value\n\"a, \"\"b\"\"\",\nc,0.1\n");
        assert!(csv(&drawing("x", None)).expect("nothing to write").is_none());
    }
}
