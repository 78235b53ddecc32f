//! Entries of rows, and who takes them.

use super::reject::Reject;
use crate::code;
use crate::hs::HsRevision;
use crate::layout::{Field, ProductFormat};
use crate::money::{Money, Parsed, Remainder};
use std::borrow::Cow;

/// The most bytes that a product code may have.
pub const MAX_PRODUCT_BYTES: usize = 64;

/// Digits of the HS codes that are analysed.
const HS_DIGITS: usize = 6;

/// A product code as reported, cleaned, and as it is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductCode {
    /// Behind the code there are zeros, with which an HS code of few digits is filled up.
    bytes: [u8; MAX_PRODUCT_BYTES],
    len: usize,
    /// Bytes of the code as it is analysed.
    n_analysed: usize,
}

impl ProductCode {
    /// All of it.
    pub fn as_str(&self) -> &str {
        // Only whole texts are ever put in.
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    /// The product that is analysed: the first six digits of an HS code (those of a heading are
    /// followed by `00`), else the code itself.
    pub fn analysed(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.n_analysed]).unwrap_or_default()
    }

    /// Cleans `text` as a code of this format; none if it is no such code.
    pub fn clean(text: &str, format: &ProductFormat) -> Option<Self> {
        let mut code = match format.digits {
            Some(n_digits) => Self::of_digits(text, n_digits, format)?,
            None => Self::of_text(code::whole(text.trim()))?,
        };
        code.n_analysed = if format.is_hs() { HS_DIGITS } else { code.len };
        Some(code)
    }

    /// A text as it stands.
    fn of_text(text: &str) -> Option<Self> {
        let is_code = !text.is_empty() && !text.contains(char::is_control);
        let mut bytes = [b'0'; MAX_PRODUCT_BYTES];
        bytes.get_mut(..text.len()).filter(|_| is_code)?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, len: text.len(), n_analysed: 0 })
    }

    /// So many digits: dots and spaces dropped, a float's `.0` tail cut, the lost leading zero
    /// restored.
    fn of_digits(text: &str, n_digits: usize, format: &ProductFormat) -> Option<Self> {
        let text = text.as_bytes();
        let is_number = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        let text = text.strip_suffix(b".0").filter(|whole| is_number(whole)).unwrap_or(text);
        let mut code = Self { bytes: [b'0'; MAX_PRODUCT_BYTES], len: 0, n_analysed: 0 };
        let mut put = |digit: u8| {
            let place = code.bytes.get_mut(code.len)?;
            *place = digit;
            code.len += 1;
            Some(())
        };
        let n_found = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        if format.restore_leading_zero && n_found + 1 == n_digits {
            put(b'0')?;
        }
        for &byte in text {
            match byte {
                b'0'..=b'9' => put(byte)?,
                b'.' | b' ' => {}
                _ => return None,
            }
        }
        (code.len == n_digits).then_some(code)
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
    /// The revision of an HS code; none of other classifications.
    pub revision: Option<HsRevision>,
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

/// Why entries are left out before they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum LeftOut {
    /// The conditions of the layout do not hold of their row.
    Where,
    /// They are of other years than the source is read for.
    Years,
}

impl LeftOut {
    /// All of them, each at its number.
    pub const ALL: [Self; 2] = [Self::Where, Self::Years];

    /// The name that it has among the rules of a layout.
    pub fn name(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Years => "years",
        }
    }

    /// What it is for, one line.
    pub fn why(self) -> &'static str {
        match self {
            Self::Where => "rows of which the layout's `where` does not hold",
            Self::Years => "entries of other years than the pipeline's `years`",
        }
    }
}

/// Takes what becomes of a row.
pub trait Sink {
    /// A readable entry.
    fn entry(&mut self, entry: &Entry<'_>);
    /// A refused row or entry.
    fn reject(&mut self, reject: Reject);
    /// Entries that are left out, and their value where it can be read.
    fn left_out(&mut self, why: LeftOut, n_entries: u64, value: Money);
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
