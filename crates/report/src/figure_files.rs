//! The files of the figures of a report: each in the forms that are asked for, with its data and SQL.

use crate::draw::{self, DrawError, Drawing, Paper};
use crate::error::ReportError;
use crate::made_files::{self, MadeFile, put};
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
    forms: &'a [FigureForm],
    paper: Paper,
    letters: Options<'a>,
}

impl Asked<'_> {
    /// The files of a figure: how their names end, and what is in them.
    fn files(&self, drawing: &Drawing) -> Result<Vec<(&'static str, Vec<u8>)>, ReportError> {
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
        Ok(files)
    }
}

/// Draws the figures of the data of a report into `folder`. Gives the files of each: its forms, then
/// its data and SQL. Files of figures that were drawn there before and are no longer are removed.
pub(crate) fn write(
    folder: &Path,
    data: &Value,
    forms: &[FigureForm],
    width: Option<Width>,
) -> Result<Vec<Vec<PathBuf>>, ReportError> {
    let paper = width.map_or(Paper::Screen, |width| Paper::Wide(width.pixels));
    let asked = Asked { forms, paper, letters: draw::letters() };
    let threads = rayon::ThreadPoolBuilder::new().stack_size(STACK).build();
    let threads = threads.map_err(DrawError::from)?;
    let (written, made) = threads.install(|| -> Result<_, ReportError> {
        let drawn = draw::figures(data, paper, |drawing| asked.files(drawing))?;
        let names = file_names(drawn.iter().map(|(drawing, _)| drawing.name.as_str()));
        let written = drawn.par_iter().zip(&names);
        let written = written.map(|((_, files), name)| put_all(folder, name, files));
        let written = written.collect::<Result<Vec<_>, ReportError>>()?;
        Ok(written.into_iter().unzip::<_, _, Vec<_>, Vec<_>>())
    })?;
    made_files::replace(folder, &made.concat())?;
    Ok(written)
}

/// Writes the files of the figure that is called `name`.
fn put_all(
    folder: &Path,
    name: &str,
    files: &[(&str, Vec<u8>)],
) -> Result<(Vec<PathBuf>, Vec<MadeFile>), ReportError> {
    let (mut paths, mut made) = (Vec::new(), Vec::new());
    for (ending, bytes) in files {
        let name = format!("{name}.{ending}");
        paths.push(put(folder.join(&name), bytes)?);
        made.push(MadeFile::new(name, bytes));
    }
    Ok((paths, made))
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
fn file_names<'d>(drawn: impl Iterator<Item = &'d str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let name = |name: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let plain = |c: char| if is_plain(c) { c } else { '_' };
        let name: String = name.chars().map(plain).collect();
        let mut own = name.clone();
        let mut n = 1_usize;
        while !taken.insert(own.clone()) {
            n += 1;
            own = format!("{name}_{n}");
        }
        own
    };
    drawn.map(name).collect()
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
        let name = name.to_owned();
        Drawing { name, title: None, language: None, svg: String::new(), columns, rows, sql: None }
    }

    #[test]
    fn names_of_files_are_plain_and_none_is_taken_twice() {
        let drawn = ["map-a/b", "map-a b", "map-a_b", "space"].into_iter();
        assert_eq!(file_names(drawn), ["map-a_b", "map-a_b_2", "map-a_b_3", "space"]);
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
