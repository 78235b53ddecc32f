//! Entries of rows, and who takes them.

use super::reject::Reject;
use crate::hs::{Hs6, HsRevision};
use crate::layout::{Field, ProductFormat};
use crate::money::{Money, Parsed, Remainder};
use std::borrow::Cow;

/// The most digits that a product code may have.
pub const MAX_PRODUCT_DIGITS: usize = 12;

/// A product code as reported, cleaned, all its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductCode {
    digits: [u8; MAX_PRODUCT_DIGITS],
    len: usize,
}

impl ProductCode {
    /// Its digits.
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever put in.
        std::str::from_utf8(&self.digits[..self.len]).unwrap_or_default()
    }

    /// Cleans `text`: dots and spaces dropped, a float's `.0` tail cut, the lost leading zero
    /// restored.
    pub(crate) fn clean(text: &str, format: &ProductFormat) -> Option<Self> {
        let text = text.as_bytes();
        let is_number = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        let text = text.strip_suffix(b".0").filter(|whole| is_number(whole)).unwrap_or(text);
        let mut code = Self { digits: [b'0'; MAX_PRODUCT_DIGITS], len: 0 };
        let mut put = |digit: u8| {
            let place = code.digits.get_mut(code.len)?;
            *place = digit;
            code.len += 1;
            Some(())
        };
        let n_digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        if format.restore_leading_zero && n_digits + 1 == format.digits {
            put(b'0')?;
        }
        for &byte in text {
            match byte {
                b'0'..=b'9' => put(byte)?,
                b'.' | b' ' => {}
                _ => return None,
            }
        }
        (code.len == format.digits).then_some(code)
    }

    /// The first six digits; those of a heading are followed by `00`.
    pub(crate) fn hs6(&self) -> Option<Hs6> {
        Hs6::from_digits(&self.digits[..self.len.max(6)])
    }
}

/// One readable entry of a raw row. Texts borrow from the row or the layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// Place of the value among the row's value columns, from 0.
    pub place: usize,
    /// Calendar year.
    pub year: i32,
    /// Month 1 to 12, if the source has months.
    pub month: Option<i32>,
    /// `export` or `import`.
    pub flow: Cow<'a, str>,
    /// Region code.
    pub region: Cow<'a, str>,
    /// Product code, cleaned to the layout's digits.
    pub product: ProductCode,
    /// Its first six digits.
    pub hs6: Hs6,
    /// The revision they belong to.
    pub revision: HsRevision,
    /// Destination code.
    pub destination: Option<Cow<'a, str>>,
    /// Trade mode code.
    pub trade_mode: Option<Cow<'a, str>>,
    /// Ownership code.
    pub ownership: Option<Cow<'a, str>>,
    /// Whether the ownership was found in the fallback only.
    pub ownership_is_fallback: bool,
    /// Firm identifier.
    pub firm: Option<Cow<'a, str>>,
    /// Name of the firm.
    pub firm_name: Option<Cow<'a, str>>,
    /// Quantity.
    pub quantity: Option<f64>,
    /// Unit of the quantity.
    pub quantity_unit: Option<Cow<'a, str>>,
    /// FOB value.
    pub value: Money,
    /// The rules of the layout that cover it, the first as the lowest bit.
    pub rules: u64,
}

/// Takes what becomes of a row.
pub trait Sink {
    /// A readable entry.
    fn entry(&mut self, entry: &Entry<'_>);
    /// A refused row or entry.
    fn reject(&mut self, reject: Reject);
    /// A text of `field` that its codes do not have, and that became `code` in `n_entries` entries
    /// of `value` together.
    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money);
}

/// What a row held in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries left out as zero or missing in a wide table.
    pub n_empty: u64,
    /// Sum of every readable value of the row, before any other rule.
    pub value_in: Money,
    /// What rounding took from these values.
    pub rounded: Remainder,
}

impl Counts {
    /// Adds a readable value.
    #[inline]
    pub(crate) fn add(&mut self, value: Parsed) {
        self.value_in += value.amount;
        self.rounded += value.remainder;
    }
}
