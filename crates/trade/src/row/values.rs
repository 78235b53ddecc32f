//! Values, quantities, years and months as texts have them.

use super::fit::{FIRST_YEAR, LAST_YEAR};
use super::parser::RowParser;
use super::reject::Fault;
use crate::money::{Money, Parsed};

/// What every quantity is below, so that sums of its thousandths and their shares are exact.
const QUANTITY_LIMIT: f64 = 1e16;

/// A number of up to four digits, which a spreadsheet may have given a fraction of nothing.
fn small_number(text: &str) -> Option<i32> {
    let text = text.strip_suffix(".0").unwrap_or(text);
    text.parse().ok().filter(|_| text.len() <= 4)
}

impl RowParser<'_> {
    pub(crate) fn year(&self, text: &str) -> Option<i32> {
        small_number(text).filter(|year| (FIRST_YEAR..=LAST_YEAR).contains(year))
    }

    pub(crate) fn month(&self, text: &str) -> Option<i32> {
        small_number(text).filter(|month| (1..=12).contains(month))
    }

    /// A number of zero or more and below [`QUANTITY_LIMIT`], written as values are.
    pub(crate) fn quantity(&self, text: &str) -> Option<f64> {
        let format = &self.layout.money.numbers;
        // Nearly all are plain; what else Rust takes for one is out of bounds.
        let plain = if format.decimal == '.' { text.parse::<f64>().ok() } else { None };
        let parsed = plain.or_else(|| format.parse(text).ok());
        parsed.filter(|quantity| (0.0..QUANTITY_LIMIT).contains(quantity))
    }

    /// The value in the column `at`, whose text is `text`; `None` if it is missing.
    #[inline]
    pub(crate) fn value(&self, at: usize, text: &[u8]) -> Result<Option<Parsed>, Fault> {
        match self.layout.money.parse_plain(text) {
            Some(amount) => Ok(Some(Parsed::exact(amount))),
            None => self.unusual_value(at, text),
        }
    }

    /// The value that a text is, if nothing was rounded.
    #[inline]
    pub(crate) fn exact_value(&self, at: usize, text: &[u8]) -> Option<Money> {
        let value = self.value(at, text).ok()??;
        value.remainder.is_zero().then_some(value.amount)
    }

    fn unusual_value(&self, at: usize, text: &[u8]) -> Result<Option<Parsed>, Fault> {
        let error = match self.layout.money.parse(text) {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        if std::str::from_utf8(text).is_ok_and(|text| self.present(text).is_none()) {
            return Ok(None);
        }
        Err(Fault {
            reason: error.into(),
            column: self.header[at].clone(),
            found: String::from_utf8_lossy(text).into_owned(),
        })
    }
}
