//! Numbers of columns: money and counts are added exactly.

use lake::Kind;
use serde::{Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;

/// A number of a column, or a sum of such.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// Money, in hundredths.
    Money(i128),
    /// A count, a year or an ordinal.
    Whole(i128),
    /// A float.
    Float(f64),
}

impl Amount {
    /// Nothing, of a kind of columns. `None` where these have no numbers.
    pub(super) fn zero(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Money => Some(Self::Money(0)),
            Kind::Int | Kind::Count => Some(Self::Whole(0)),
            Kind::Float => Some(Self::Float(0.0)),
            Kind::Text | Kind::Flag => None,
        }
    }

    /// The sum of both.
    pub(super) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Money(a), Self::Money(b)) => Self::Money(a.saturating_add(b)),
            (Self::Whole(a), Self::Whole(b)) => Self::Whole(a.saturating_add(b)),
            (a, b) => Self::Float(a.float() + b.float()),
        }
    }

    /// The same with the other sign.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Money(a) => Self::Money(-a),
            Self::Whole(a) => Self::Whole(-a),
            Self::Float(a) => Self::Float(-a),
        }
    }

    /// The same without its sign.
    pub(super) fn size(self) -> Self {
        match self {
            Self::Money(a) => Self::Money(a.abs()),
            Self::Whole(a) => Self::Whole(a.abs()),
            Self::Float(a) => Self::Float(a.abs()),
        }
    }

    /// How it stands to another of its kind.
    pub(super) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Money(a), Self::Money(b)) | (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (a, b) => a.float().total_cmp(&b.float()),
        }
    }

    /// Whether it is less than nothing.
    pub(super) fn is_negative(self) -> bool {
        match self {
            Self::Money(a) | Self::Whole(a) => a < 0,
            Self::Float(a) => a < 0.0,
        }
    }

    /// As a float, in units.
    #[expect(clippy::cast_precision_loss, reason = "for means and for reading")]
    pub(super) fn float(self) -> f64 {
        match self {
            Self::Money(a) => a as f64 / 100.0,
            Self::Whole(a) => a as f64,
            Self::Float(a) => a,
        }
    }
}

/// A float, for reading.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if size > 0.0 && !(1e-3..1e15).contains(&size) {
        format!("{value:.3e}")
    } else if size >= 1000.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(hundredths) => {
                let sign = if *hundredths < 0 { "-" } else { "" };
                let size = hundredths.unsigned_abs();
                write!(f, "{sign}{}.{:02}", size / 100, size % 100)
            }
            Self::Whole(whole) => write!(f, "{whole}"),
            Self::Float(value) => f.write_str(&short(*value)),
        }
    }
}

impl Serialize for Amount {
    /// Money is text, with all its digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Money(_) => serializer.collect_str(self),
            Self::Whole(whole) => match i64::try_from(*whole) {
                Ok(whole) => serializer.serialize_i64(whole),
                Err(_) => serializer.collect_str(whole),
            },
            Self::Float(value) => serializer.serialize_f64(*value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_all_digits_of_money_and_few_of_floats() {
        let large = Amount::Money(-1_234_567_890_123_456_789);
        assert_eq!(large.to_string(), "-12345678901234567.89");
        assert_eq!(large.size().plus(Amount::Money(11)).to_string(), "12345678901234568.00");
        assert_eq!(Amount::Money(-5).to_string(), "-0.05");
        for (value, expected) in [
            (0.0, "0.0000"),
            (1.0 / 3.0, "0.3333"),
            (-1e-9, "-1.000e-9"),
            (123_456.789, "123456.79"),
        ] {
            assert_eq!(Amount::Float(value).to_string(), expected);
        }
        let json = serde_json::to_string(&[large, Amount::Whole(7), Amount::Float(0.5)]);
        assert_eq!(json.expect("JSON"), r#"["-12345678901234567.89",7,0.5]"#);
    }
}
