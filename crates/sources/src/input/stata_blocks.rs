//! Stata's files, as blocks of their rows.

use super::block::{BLOCK_ROWS, Block, Stored};
use super::cells::number_text;
use super::fault::text_of;
use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use dta::stata::dta::dta_reader::DtaReader;
use dta::stata::dta::record_reader::RecordReader;
use dta::stata::dta::release::Release;
use dta::stata::dta::value::Value;
use dta::stata::dta::variable_type::VariableType;
use encoding_rs::Encoding;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Texts of type strL, by the variable and observation that name them; none where the data are
/// binary.
type LongTexts = BTreeMap<(u32, u64), Option<String>>;

/// Reads the blocks of a Stata file.
pub(super) struct StataBlocks {
    /// The names of the columns.
    pub(super) header: Vec<String>,
    records: Box<RecordReader<BufReader<File>>>,
    /// The texts of type strL, which stand after the rows.
    texts: LongTexts,
    row: u64,
}

impl StataBlocks {
    /// Begins to read the file at `path`, in `encoding` if it does not say another.
    pub(super) fn open(path: &Path, encoding: &'static Encoding) -> Result<Self, String> {
        let damaged = |error| format!("it is no Stata file, or a damaged one ({error})");
        let open = |reader: DtaReader| {
            reader.from_path(path).and_then(|reader| reader.read_header()).map_err(damaged)
        };
        let mut reader = open(DtaReader::new())?;
        // Stata writes UTF-8 from version 118 on.
        if reader.header().release() < Release::V118 {
            reader = open(DtaReader::new().encoding(encoding))?;
        }
        let mut reader = reader.read_schema().map_err(damaged)?;
        reader.skip_to_end().map_err(damaged)?;
        let records = reader.into_record_reader().map_err(damaged)?;
        let variables = records.schema().variables();
        let header = variables.iter().map(|v| v.name().to_owned()).collect();
        let mut texts = LongTexts::new();
        let is_long = variables.iter().any(|v| v.variable_type() == VariableType::LongString);
        let records = if is_long {
            let mut reader = records.seek_long_strings().map_err(damaged)?;
            let encoding = reader.encoding();
            while let Some(text) = reader.read_long_string().map_err(damaged)? {
                let key = (text.variable(), text.observation());
                texts.insert(key, text.data_str(encoding).map(Cow::into_owned));
            }
            reader.seek_records().map_err(damaged)?
        } else {
            records
        };
        Ok(Self { header, records: Box::new(records), texts, row: 1 })
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        let Self { header, records, texts, row } = self;
        let mut columns: Vec<StringBuilder> = header.iter().map(|_| StringBuilder::new()).collect();
        let mut n_rows = 0;
        while n_rows < BLOCK_ROWS {
            let damaged = |error| {
                format!("its Stata data are damaged or cut short ({error}); fetch it again")
            };
            let Some(record) = records.read_record().map_err(damaged)? else { break };
            for (cells, value) in columns.iter_mut().zip(record.values()) {
                cells.append_option(stata_text(value, texts)?);
            }
            n_rows += 1;
        }
        if n_rows == 0 {
            return Ok(None);
        }
        let columns = header
            .iter()
            .zip(&mut columns)
            .map(|(name, cells)| (name.as_str(), Arc::new(cells.finish()) as ArrayRef, true));
        let rows = RecordBatch::try_from_iter_with_nullable(columns).map_err(text_of)?;
        let first = *row;
        *row += n_rows as u64;
        let variables = records.schema().variables().iter();
        let stored = variables.map(|variable| match variable.variable_type() {
            VariableType::Float => Stored::Single,
            VariableType::Double => Stored::Number,
            _ => Stored::Text,
        });
        Ok(Some(Block::Table { rows, row: first, stored: stored.collect() }))
    }
}

/// A Stata value as text; `None` if it is missing.
fn stata_text<'v>(
    value: &'v Value<'_>,
    texts: &'v LongTexts,
) -> Result<Option<Cow<'v, str>>, String> {
    let number = |n: Option<i64>| n.map(|n| Cow::Owned(n.to_string()));
    Ok(match value {
        Value::Byte(n) => number(n.present().map(i64::from)),
        Value::Int(n) => number(n.present().map(i64::from)),
        Value::Long(n) => number(n.present().map(i64::from)),
        Value::Float(n) => n.present().map(|n| Cow::Owned(number_text(f64::from(n)))),
        Value::Double(n) => n.present().map(|n| Cow::Owned(number_text(n))),
        Value::String(text) => Some(Cow::Borrowed(&**text)),
        // No text is no reference.
        Value::LongStringRef(reference) if reference.variable() == 0 => None,
        Value::LongStringRef(reference) => {
            let text = texts.get(&(reference.variable(), reference.observation()));
            let text = text.ok_or_else(|| {
                "a row names a text of type strL that is not there; fetch the file again".to_owned()
            })?;
            let text = text.as_deref().ok_or_else(|| {
                "it has binary data of type strL: drop those variables in Stata".to_owned()
            })?;
            Some(Cow::Borrowed(text))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dta::stata::stata_float::StataFloat;

    #[test]
    fn a_number_of_single_precision_is_read_as_it_is() {
        let texts = [123_456_792.0, 0.1, 1234.56, -7.0].map(|number| {
            let value = Value::Float(StataFloat::Present(number));
            stata_text(&value, &LongTexts::new()).expect("a text").map(Cow::into_owned)
        });
        let widened = ["123456792", "0.10000000149011612", "1234.56005859375", "-7"];
        assert_eq!(texts, widened.map(|text| Some(text.to_owned())));
    }
}
