//! How files are read, and how values and products are written in them.

use super::error::LayoutError;
use super::keys::{File, RoundText, ValueText};
use super::reading::Reading;
use crate::fault::Invalid;
use crate::product_text::{self, ProductText};
use crate::read_options::{Form, NumberMark, ReadOptions};
use trade::layout::{Measure, ProductFormat};
use trade::{MoneyFormat, NumberSample, Rounding};

impl Reading<'_> {
    /// How the files are read: the form has a section of its own.
    pub(super) fn options(&self, file: &mut File) -> Result<ReadOptions, LayoutError> {
        let form = file.format;
        let (csv, excel, json) = (file.csv.take(), file.excel.take(), file.json.take());
        let (parquet, dta) = (file.parquet.take(), file.dta.take());
        let sections = [
            (csv.is_some(), Form::Csv, "csv"),
            (excel.is_some(), Form::Excel, "excel"),
            (json.is_some(), Form::Json, "json"),
            (parquet.is_some(), Form::Parquet, "parquet"),
            (dta.is_some(), Form::Dta, "dta"),
        ];
        for (is_given, of, key) in sections {
            if is_given && form.is_some_and(|form| form != of) {
                let why =
                    "it is of another format: expected the section of the format and no other";
                return Err(self.invalid(key, why.to_owned()));
            }
        }
        let csv = csv.unwrap_or_default();
        let excel = excel.unwrap_or_default();
        let encodings = [parquet, dta].map(|text| text.and_then(|text| text.encoding));
        Ok(ReadOptions {
            form,
            delimiter: csv.delimiter,
            quote: csv.quote,
            encoding: encodings.into_iter().fold(csv.encoding, Option::or),
            sheet: excel.sheet,
            key: json.and_then(|json| json.key),
            skip: csv.skip.or(excel.skip),
            header: csv.header.or(excel.header),
            decimal: file.value.decimal,
            thousands: file.value.thousands,
            ..ReadOptions::default()
        })
    }

    pub(super) fn product(&mut self, text: &ProductText) -> Result<ProductFormat, LayoutError> {
        let found = product_text::read(self.path, text);
        let product = found.map_err(|Invalid { key, why }| self.invalid(&key, why))?;
        self.books += &product.tables;
        Ok(product.format)
    }

    /// Money of a currency, or something else with its unit.
    pub(super) fn measure(&self, text: &ValueText) -> Result<Measure, LayoutError> {
        let told = |text: &Option<String>| {
            let text = text.as_deref().map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        match (told(&text.currency), told(&text.measure), told(&text.unit)) {
            (Some(currency), None, None) => Ok(Measure::Money(currency)),
            (None, Some(name), Some(unit)) => Ok(Measure::Other { name, unit }),
            _ => {
                let why = "expected a currency, or a measure and its unit: {measure: employment, unit: persons}";
                Err(self.invalid("value", why.to_owned()))
            }
        }
    }

    pub(super) fn money(&self, text: &ValueText) -> Result<MoneyFormat, LayoutError> {
        let decimal = match text.decimal {
            None => None,
            Some(NumberMark(Some(mark))) => Some(mark),
            Some(NumberMark(None)) => {
                let why =
                    "none: expected one character; leave the key out to have it seen in a file";
                return Err(self.invalid("value.decimal", why.to_owned()));
            }
        };
        let thousands = text.thousands.map(|NumberMark(mark)| mark);
        // No cells, so that nothing but what is told can be at odds.
        let numbers = NumberSample::default().format(decimal, thousands);
        let numbers = numbers.map_err(|why| self.invalid("value.thousands", why.to_string()))?;
        if text.multiplier == 0 {
            return Err(self.invalid("value.multiplier", "expected 1 or more".to_owned()));
        }
        let round = match text.round {
            None => Rounding::Refuse,
            Some(RoundText::HalfEven) => Rounding::HalfEven,
        };
        Ok(MoneyFormat { numbers, multiplier: text.multiplier, round })
    }
}
