//! Codes of the Harmonized System, brought to a revision of it or to a classification that a
//! concordance leads to from there.

use sources::hs_tables::{self, CodesError};
use std::collections::{BTreeMap, BTreeSet};
use trade::{Concordance, Conversion, Hs6, HsRevision, MatchKind, Method, TargetRevision};

/// What becomes of codes of some revisions.
#[derive(Debug)]
pub struct Harmonized {
    concordance: Concordance,
    onward: Option<Onward>,
}

/// What HS codes of the revision that has a concordance to the target become there.
#[derive(Debug)]
struct Onward {
    codes: BTreeMap<Hs6, String>,
    /// How many codes become each product.
    n_codes: BTreeMap<String, usize>,
}

impl Onward {
    fn read(target: TargetRevision) -> Result<Option<Self>, CodesError> {
        if target.is_hs() {
            return Ok(None);
        }
        let codes = hs_tables::to_target(target)?;
        let mut n_codes: BTreeMap<String, usize> = BTreeMap::new();
        for product in codes.values() {
            *n_codes.entry(product.clone()).or_default() += 1;
        }
        Ok(Some(Self { codes, n_codes }))
    }

    /// The products that codes of that revision become. What no table has keeps the name of the
    /// revision, so that it is no code of the target.
    fn bring(&self, from: HsRevision, conversion: Conversion) -> Conversion<String> {
        let Conversion { kind, targets } = conversion;
        let mut products: BTreeMap<String, u128> = BTreeMap::new();
        let mut is_listed = kind != MatchKind::Unlisted;
        for (code, weight) in targets {
            let product = self.codes.get(&code).cloned();
            is_listed &= product.is_some();
            *products.entry(product.unwrap_or_else(|| format!("{from} {code}"))).or_default() +=
                weight;
        }
        let is_alone = kind == MatchKind::Same || kind == MatchKind::OneToOne;
        let kind = match products.len() {
            _ if !is_listed => MatchKind::Unlisted,
            1 if is_alone
                && products.keys().all(|product| self.n_codes.get(product) == Some(&1)) =>
            {
                MatchKind::OneToOne
            }
            1 => MatchKind::Merge,
            _ => MatchKind::SplitAndMerge,
        };
        Conversion { kind, targets: products.into_iter().collect() }
    }
}

impl Harmonized {
    /// That of codes of `sources`, by the tables that come with the program. `weight` gives the value
    /// traded under a code of the target's revision of HS.
    ///
    /// # Errors
    ///
    /// [`CodesError`] if a table that came with the program is damaged.
    pub fn new(
        method: Method,
        target: TargetRevision,
        sources: &BTreeSet<HsRevision>,
        weight: impl Fn(Hs6) -> u128,
    ) -> Result<Self, CodesError> {
        let mut between = sources.clone();
        between.insert(target.hs());
        let tables = hs_tables::tables(&between)?;
        let concordance = Concordance::new(method, target.hs(), sources, &tables, weight);
        Ok(Self { concordance, onward: Onward::read(target)? })
    }

    /// Whether a table of a revision has a code, whatever becomes of it.
    pub fn is_listed(&self, revision: HsRevision, code: Hs6) -> bool {
        self.concordance.convert(revision, code).kind != MatchKind::Unlisted
    }

    /// The products that a code of a revision becomes.
    pub fn convert(&self, revision: HsRevision, code: Hs6) -> Conversion<String> {
        let found = self.concordance.convert(revision, code);
        match &self.onward {
            Some(onward) => onward.bring(self.concordance.target(), found),
            None => {
                let targets = found.targets.into_iter();
                let targets = targets.map(|(code, weight)| (code.to_string(), weight));
                Conversion { kind: found.kind, targets: targets.collect() }
            }
        }
    }
}
