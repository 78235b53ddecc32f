//! Product codes of the Harmonized System and the revisions they belong to.

use std::fmt;
use std::str::FromStr;

/// A revision of the Harmonized System, in the order of their years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HsRevision {
    /// HS 1988/92, "H0".
    Hs1992,
    /// HS 1996, "H1".
    Hs1996,
    /// HS 2002, "H2".
    Hs2002,
    /// HS 2007, "H3".
    Hs2007,
    /// HS 2012, "H4".
    Hs2012,
    /// HS 2017, "H5".
    Hs2017,
    /// HS 2022, "H6".
    Hs2022,
}

impl HsRevision {
    /// Every revision, oldest first.
    pub const ALL: [Self; 7] = [
        Self::Hs1992,
        Self::Hs1996,
        Self::Hs2002,
        Self::Hs2007,
        Self::Hs2012,
        Self::Hs2017,
        Self::Hs2022,
    ];

    /// Its name: `HS2007`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs1992 => "HS1992",
            Self::Hs1996 => "HS1996",
            Self::Hs2002 => "HS2002",
            Self::Hs2007 => "HS2007",
            Self::Hs2012 => "HS2012",
            Self::Hs2017 => "HS2017",
            Self::Hs2022 => "HS2022",
        }
    }

    /// Its place in [`Self::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for HsRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown HS revision {0:?}: expected one of HS1992, HS1996, HS2002, HS2007, HS2012, HS2017, HS2022"
)]
pub struct ParseRevisionError(String);

impl FromStr for HsRevision {
    type Err = ParseRevisionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.name() == text)
            .ok_or_else(|| ParseRevisionError(text.to_owned()))
    }
}

/// Six digits of one HS revision. Which one is known by whoever holds the code.
///
/// * It has exactly six ASCII digits.
/// * It prints with its leading zero.
///
/// ```
/// use trade::Hs6;
/// let wheat: Hs6 = "100190".parse().unwrap();
/// assert_eq!(wheat.chapter(), "10");
/// assert!("10190".parse::<Hs6>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hs6([u8; 6]);

impl Hs6 {
    /// The six digits.
    pub fn as_str(&self) -> &str {
        // Only digits are ever stored.
        std::str::from_utf8(&self.0).unwrap_or("000000")
    }

    /// The first two digits.
    pub fn chapter(&self) -> &str {
        &self.as_str()[..2]
    }

    /// The first four digits.
    pub fn heading(&self) -> &str {
        &self.as_str()[..4]
    }

    /// The code of the first six of `digits`; `None` unless they are six digits at least.
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        let first: [u8; 6] = digits.get(..6)?.try_into().ok()?;
        first.iter().all(u8::is_ascii_digit).then_some(Self(first))
    }
}

impl fmt::Display for Hs6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hs6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hs6({})", self.as_str())
    }
}

/// A text that is no HS6 code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid HS6 code {0:?}: expected six digits")]
pub struct ParseHs6Error(String);

impl FromStr for Hs6 {
    type Err = ParseHs6Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 6 {
            return Err(ParseHs6Error(text.to_owned()));
        }
        Self::from_digits(text.as_bytes()).ok_or_else(|| ParseHs6Error(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_keeps_its_leading_zero() {
        let horse: Hs6 = "010110".parse().expect("a code");
        assert_eq!(horse.to_string(), "010110");
        assert_eq!((horse.chapter(), horse.heading()), ("01", "0101"));
    }

    #[test]
    fn code_of_five_digits_is_refused() {
        assert_eq!(
            "10110".parse::<Hs6>().map_err(|e| e.to_string()),
            Err("invalid HS6 code \"10110\": expected six digits".to_owned())
        );
    }

    #[test]
    fn revisions_are_ordered_by_year() {
        let names: Vec<_> = HsRevision::ALL.iter().map(|r| r.name()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
        assert!("HS2008".parse::<HsRevision>().is_err());
    }
}
