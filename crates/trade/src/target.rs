//! What the codes of an analysis are brought to: a revision of the Harmonized System, or another
//! classification that a concordance leads to from there.

use crate::classification::{Classification, Hierarchy};
use crate::hs::HsRevision;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A revision of HS, or a classification that HS codes are brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetRevision {
    /// The Harmonized System.
    Hs(HsRevision),
    /// Standard International Trade Classification, revision 2.
    Sitc2,
    /// Its revision 3.
    Sitc3,
    /// Its revision 4.
    Sitc4,
    /// Classification by Broad Economic Categories, revision 4.
    Bec4,
    /// International Standard Industrial Classification, revision 2.
    Isic2,
    /// Its revision 3.
    Isic3,
}

impl TargetRevision {
    /// Those that are not of HS.
    pub const OTHERS: [Self; 6] =
        [Self::Sitc2, Self::Sitc3, Self::Sitc4, Self::Bec4, Self::Isic2, Self::Isic3];

    /// Its name: `HS2007`, `SITC3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs(revision) => revision.name(),
            Self::Sitc2 => "SITC2",
            Self::Sitc3 => "SITC3",
            Self::Sitc4 => "SITC4",
            Self::Bec4 => "BEC4",
            Self::Isic2 => "ISIC2",
            Self::Isic3 => "ISIC3",
        }
    }

    /// Whether it is of HS.
    pub fn is_hs(self) -> bool {
        matches!(self, Self::Hs(_))
    }

    /// The revision of HS that codes are brought to first: the one that has a concordance to each
    /// other classification.
    pub fn hs(self) -> HsRevision {
        match self {
            Self::Hs(revision) => revision,
            _ => HsRevision::Hs2007,
        }
    }

    /// What its products are codes of.
    pub fn classification(self) -> Classification {
        let (name, revision, group, subgroup) = match self {
            Self::Hs(_) => return Classification::hs(),
            Self::Sitc2 => ("SITC", "2", 2, 3),
            Self::Sitc3 => ("SITC", "3", 2, 3),
            Self::Sitc4 => ("SITC", "4", 2, 3),
            Self::Bec4 => ("BEC", "4", 1, 2),
            Self::Isic2 => ("ISIC", "2", 2, 3),
            Self::Isic3 => ("ISIC", "3", 2, 3),
        };
        Classification {
            name: name.to_owned(),
            revision: Some(revision.to_owned()),
            hierarchy: Hierarchy::Digits { group, subgroup: Some(subgroup) },
            labels: BTreeMap::new(),
        }
    }
}

impl fmt::Display for TargetRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no revision to bring codes to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown HS revision {0:?}: expected one of HS1992, HS1996, HS2002, HS2007, HS2012, HS2017, HS2022, or SITC2, SITC3, SITC4, BEC4, ISIC2, ISIC3"
)]
pub struct ParseTargetError(String);

impl FromStr for TargetRevision {
    type Err = ParseTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let other = Self::OTHERS.into_iter().find(|other| other.name() == text);
        let of_hs = || text.parse().ok().map(Self::Hs);
        other.or_else(of_hs).ok_or_else(|| ParseTargetError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named_by_classification_and_revision() {
        let of_hs = HsRevision::ALL.map(TargetRevision::Hs);
        for target in of_hs.into_iter().chain(TargetRevision::OTHERS) {
            assert_eq!(target.name().parse(), Ok(target));
            let of = target.classification();
            let named = format!("{}{}", of.name, of.revision.as_deref().unwrap_or(""));
            assert_eq!(of.is_hs(), target.is_hs());
            assert!(target.is_hs() || named == target.name());
        }
        let error = "SITC5".parse::<TargetRevision>().expect_err("no such").to_string();
        assert!(error.contains("SITC2, SITC3, SITC4"), "{error}");
    }
}
