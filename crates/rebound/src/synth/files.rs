//! The files of a year.

use super::columns::{Column, PROCESSING, Part, columns};
use super::nation::SynthError;
use super::packing::{Packing, RecordsFile};
use super::row::{Dirt, Row};
use project::layout_file::LayoutFile;
use std::path::{Path, PathBuf};
use trade::layout::{Field, FieldSpec, Origin};
use trade::{Dialect, Layout};

/// The files of a year.
pub(super) struct Out<'a> {
    layout: &'a Layout,
    dialect: Dialect,
    encoding: &'static encoding_rs::Encoding,
    columns: Vec<Column>,
    year: i32,
    /// One, or one a month.
    files: Vec<(PathBuf, RecordsFile)>,
    line: String,
}

impl<'a> Out<'a> {
    pub(super) fn new(
        layout_file: &'a LayoutFile,
        dialect: Dialect,
        encoding: &'static encoding_rs::Encoding,
        (folder, packing): (&Path, Option<Packing>),
        year: i32,
    ) -> Result<Self, SynthError> {
        let layout = &layout_file.layout;
        let columns = columns(layout, year)?;
        let names = file_names(layout_file, packing, year)?;
        let mut files = Vec::new();
        for name in names {
            let path = folder.join(name);
            let file = RecordsFile::create(&path, packing)
                .map_err(|source| SynthError::Write { path: path.clone(), source })?;
            files.push((path, file));
        }
        let mut out = Self { layout, dialect, encoding, columns, year, files, line: String::new() };
        let header: Vec<String> = out.columns.iter().map(|column| column.name.clone()).collect();
        for at in 0..out.files.len() {
            out.line.clear();
            for name in &header {
                push_field(&mut out.line, dialect, name);
            }
            out.end_line(at)?;
        }
        Ok(out)
    }

    /// Writes a row with `dirt`; whether this layout can have it.
    pub(super) fn row(&mut self, row: &Row<'_>, dirt: Dirt) -> Result<bool, SynthError> {
        let is_possible = match dirt {
            Dirt::BadMonth => self.has_column(Field::Month),
            Dirt::NoOwner => {
                let spec = self.layout.fields.get(&Field::Ownership);
                spec.is_some_and(|spec| spec.fallback.is_some())
            }
            _ => true,
        };
        if !is_possible {
            return Ok(false);
        }
        self.line.clear();
        let n = self.columns.len();
        for at in 0..if dirt == Dirt::CutRow { n - 1 } else { n } {
            let text = self.text(at, row, dirt);
            push_field(&mut self.line, self.dialect, &text);
        }
        let file = if self.files.len() == 1 { 0 } else { row.month - 1 };
        self.end_line(file)?;
        Ok(true)
    }

    fn has_column(&self, field: Field) -> bool {
        self.columns.iter().any(|column| column.fields.iter().any(|f| f.field == field))
    }

    fn text(&self, at: usize, row: &Row<'_>, dirt: Dirt) -> String {
        let mut text = String::new();
        for part in &self.columns[at].fields {
            let value = self.value(part, row, dirt);
            match part.characters {
                None => return value,
                Some((first, last)) => {
                    // Parts of a column are ASCII; what lies between them is filled with 1.
                    while text.len() < last {
                        text.push('1');
                    }
                    text.replace_range(first - 1..last, &format!("{value:0>0$}", last + 1 - first));
                }
            }
        }
        text
    }

    fn value(&self, part: &Part, row: &Row<'_>, dirt: Dirt) -> String {
        let coded = |code: &str| part.texts.get(code).cloned().unwrap_or_else(|| code.to_owned());
        match part.field {
            Field::Year => self.year.to_string(),
            Field::Month if dirt == Dirt::BadMonth => "13".to_owned(),
            Field::Month => format!("{:02}", row.month),
            Field::Flow => coded("export"),
            Field::Region if dirt == Dirt::Spaces && part.characters.is_none() => {
                format!(" {} ", row.region)
            }
            Field::Region => row.region.to_owned(),
            Field::Product if dirt == Dirt::ShortCode => "85".to_owned(),
            Field::Product => {
                let digits = self.layout.product.digits;
                let mut code = format!("{}{:0<6}", row.hs6, row.tail * 10);
                code.truncate(digits.unwrap_or(code.len()));
                if self.layout.product.restore_leading_zero && code.starts_with('0') {
                    code.remove(0);
                }
                if dirt == Dirt::FloatCode {
                    code.push_str(".0");
                }
                code
            }
            Field::Destination => coded(row.destination),
            Field::TradeMode if row.firm.is_processing => {
                let texts = PROCESSING.iter().filter_map(|code| part.texts.get(code));
                let text = texts.min_by_key(|text| text.len());
                text.cloned().unwrap_or_else(|| "15".to_owned())
            }
            Field::TradeMode => coded("10"),
            Field::Ownership if dirt == Dirt::NoOwner => String::new(),
            Field::Ownership => coded(row.firm.owner),
            Field::Firm => row.firm.code.clone(),
            Field::FirmName => row.firm.name.clone(),
            Field::Quantity => row.quantity.to_string(),
            Field::QuantityUnit => "kg".to_owned(),
            Field::Value if dirt == Dirt::NoNumber => "#N/A".to_owned(),
            Field::Value if dirt == Dirt::Spaces => format!(" {} ", row.value),
            Field::Value => row.value.to_string(),
        }
    }

    fn end_line(&mut self, file: usize) -> Result<(), SynthError> {
        self.line.pop();
        self.line.push('\n');
        let bytes = self.encoding.encode(&self.line).0;
        let (path, out) = &mut self.files[file];
        out.write_all(&bytes).map_err(|source| SynthError::Write { path: path.clone(), source })
    }

    pub(super) fn finish(self) -> Result<(), SynthError> {
        for (path, out) in self.files {
            out.keep().map_err(|source| SynthError::Write { path, source })?;
        }
        Ok(())
    }
}

fn push_field(line: &mut String, dialect: Dialect, text: &str) {
    let delimiter = char::from(dialect.delimiter);
    match dialect.quote.map(char::from) {
        Some(quote) if text.contains([delimiter, quote]) => {
            line.push(quote);
            line.push_str(&text.replace(quote, &format!("{quote}{quote}")));
            line.push(quote);
        }
        _ => line.push_str(text),
    }
    line.push(delimiter);
}

/// Names that tell what the layout wants to know from them: a file a year, or a month.
pub(super) fn file_names(
    layout: &LayoutFile,
    packing: Option<Packing>,
    year: i32,
) -> Result<Vec<String>, SynthError> {
    let ending = packing.map_or("", Packing::ending);
    let tells = |name: &str, month: Option<usize>| {
        layout.for_file(name).is_ok_and(|layout| {
            let told = |field: Field| match layout.fields.get(&field) {
                Some(FieldSpec { origin: Origin::Constant(text), codes, .. }) => {
                    let code = codes.as_ref().and_then(|codes| codes.by_text.get(text)?.first());
                    Some(code.map_or_else(|| text.clone(), |meaning| meaning.code.clone()))
                }
                _ => None,
            };
            told(Field::Year).is_none_or(|text| text == year.to_string())
                && told(Field::Month).is_none_or(|text| text.parse().ok() == month)
                && told(Field::Flow).is_none_or(|text| text == "export")
        })
    };
    let months = || (1..=12).map(|month| (format!("{year}-{month:02}.csv{ending}"), Some(month)));
    for start in ["", "EXP_", "export_"] {
        let name = format!("{start}{year}.csv{ending}");
        if tells(&name, None) {
            return Ok(vec![name]);
        }
        if months().all(|(name, month)| tells(&format!("{start}{name}"), month)) {
            return Ok(months().map(|(name, _)| format!("{start}{name}")).collect());
        }
    }
    Err(SynthError::Request(
        "the layout wants to know more from a file's name than is made up here".to_owned(),
    ))
}
