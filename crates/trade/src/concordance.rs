//! From the HS revision of a record to the one harmonised revision of the analysis.
//!
//! Two kinds of official table link neighbouring revisions: the *correlation*, many to many, and the
//! *conversion*, which gives each newer code one older code (UN Statistics Division). Revisions that are
//! not neighbours are linked by following the tables in between.
//!
//! * [`Method::OneToOne`]: each code goes whole to one code. Towards an older revision by the official
//!   conversion; towards a newer one, where no official conversion exists, to the only correlated code,
//!   else to the correlated code of the same digits, else to the lowest one. Simple; biased where codes
//!   were split.
//! * [`Method::Families`]: codes linked through any revision in use are one product: the connected
//!   components of the correlations (the idea of Pierce & Schott 2012). Nothing is ever attributed to a
//!   wrong code; coarser.
//! * [`Method::Weights`]: a code that was split is divided among its correlated codes in proportion to
//!   weights that the caller gives, to the last hundredth.
//!
//! A code that no table knows (confidential items, special chapters, misprints) keeps its digits and is
//! reported as [`MatchKind::Unlisted`].

use crate::hs::{Hs6, HsRevision};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// How codes are brought to the target revision. See the module's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Each code whole to one code.
    OneToOne,
    /// Connected components of the correlations.
    Families,
    /// Shares of value.
    Weights,
}

/// A text that names no method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown method {0:?}: expected one of one_to_one, families, weights")]
pub struct ParseMethodError(String);

impl FromStr for Method {
    type Err = ParseMethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "one_to_one" => Ok(Self::OneToOne),
            "families" => Ok(Self::Families),
            "weights" => Ok(Self::Weights),
            _ => Err(ParseMethodError(text.to_owned())),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneToOne => "one_to_one",
            Self::Families => "families",
            Self::Weights => "weights",
        })
    }
}

/// What stands between a code and its code in the target revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchKind {
    /// Reported in the target revision already.
    Same,
    /// One code, one code.
    OneToOne,
    /// Several codes became this one.
    Merge,
    /// This code became several.
    Split,
    /// Both at once.
    SplitAndMerge,
    /// A member of a family of several codes.
    Family,
    /// In no table.
    Unlisted,
}

impl MatchKind {
    /// Its name in `trade.conversion`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Same => "same_revision",
            Self::OneToOne => "one_to_one",
            Self::Merge => "merge",
            Self::Split => "split",
            Self::SplitAndMerge => "split_and_merge",
            Self::Family => "family",
            Self::Unlisted => "unlisted",
        }
    }
}

/// The many-to-many table between a revision and the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Correlation {
    /// Newer code, older code.
    pub pairs: Vec<(Hs6, Hs6)>,
}

/// The official tables. Index 0 links HS1996 to HS1992, and so on: the newer revision's index less one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// Many to many.
    pub correlations: [Correlation; 6],
    /// Newer code to its one older code.
    pub conversions: [BTreeMap<Hs6, Hs6>; 6],
}

/// The codes of the target revision that a code becomes, with their weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion<C = Hs6> {
    /// What kind of match it is.
    pub kind: MatchKind,
    /// Target code and weight; never empty. A code that is not divided has one with weight 1.
    pub targets: Vec<(C, u128)>,
}

impl<C> Conversion<C> {
    /// The weights of its targets.
    pub fn weights(&self) -> Vec<u128> {
        self.targets.iter().map(|(_, weight)| *weight).collect()
    }
}

/// Every code of the source revisions, brought to one target revision.
#[derive(Debug, Clone)]
pub struct Concordance {
    target: HsRevision,
    by_code: BTreeMap<(HsRevision, Hs6), Conversion>,
}

type Links = BTreeMap<Hs6, BTreeSet<Hs6>>;

impl Tables {
    /// The codes of `to` that each code of `from` is correlated with, through the revisions between.
    fn links(&self, from: HsRevision, to: HsRevision) -> Links {
        let steps: Vec<(usize, bool)> = if from < to {
            (from.index()..to.index()).map(|i| (i, true)).collect()
        } else {
            (to.index()..from.index()).rev().map(|i| (i, false)).collect()
        };
        let mut links: Option<Links> = None;
        for (i, forward) in steps {
            let mut step = Links::new();
            for &(newer, older) in &self.correlations[i].pairs {
                let (a, b) = if forward { (older, newer) } else { (newer, older) };
                step.entry(a).or_default().insert(b);
            }
            links = Some(match links {
                None => step,
                Some(links) => links
                    .into_iter()
                    .map(|(code, middle)| {
                        let ends = middle.iter().filter_map(|m| step.get(m)).flatten().copied();
                        (code, ends.collect::<BTreeSet<_>>())
                    })
                    .filter(|(_, ends)| !ends.is_empty())
                    .collect(),
            });
        }
        links.unwrap_or_default()
    }

    /// The official older code of `code`, through the revisions between; `None` towards a newer one.
    fn official(&self, from: HsRevision, to: HsRevision, code: Hs6) -> Option<Hs6> {
        (to < from).then_some(())?;
        (to.index()..from.index())
            .rev()
            .try_fold(code, |code, i| self.conversions[i].get(&code).copied())
    }

    /// Connected components over every revision from the oldest to the newest in use.
    fn families(&self, revisions: &BTreeSet<HsRevision>) -> BTreeMap<(HsRevision, Hs6), usize> {
        let mut ids: BTreeMap<(HsRevision, Hs6), usize> = BTreeMap::new();
        let mut parent: Vec<usize> = Vec::new();
        fn root(parent: &mut [usize], mut node: usize) -> usize {
            while parent[node] != node {
                parent[node] = parent[parent[node]];
                node = parent[node];
            }
            node
        }
        if let (Some(first), Some(last)) = (revisions.first(), revisions.last()) {
            for i in first.index()..last.index() {
                for &(newer, older) in &self.correlations[i].pairs {
                    let [a, b] = [(HsRevision::ALL[i + 1], newer), (HsRevision::ALL[i], older)]
                        .map(|node| {
                            *ids.entry(node).or_insert_with(|| {
                                parent.push(parent.len());
                                parent.len() - 1
                            })
                        });
                    let (a, b) = (root(&mut parent, a), root(&mut parent, b));
                    parent[a.max(b)] = a.min(b);
                }
            }
        }
        ids.into_iter().map(|(node, id)| (node, root(&mut parent, id))).collect()
    }
}

impl Concordance {
    /// Brings every code of `sources` to `target`.
    ///
    /// `value` gives the value traded under a code of the target revision: the weight of a split code's
    /// parts, and what decides which member a family is named after (the largest; the lowest code
    /// among equals).
    pub fn new(
        method: Method,
        target: HsRevision,
        sources: &BTreeSet<HsRevision>,
        tables: &Tables,
        value: impl Fn(Hs6) -> u128,
    ) -> Self {
        let mut by_code = BTreeMap::new();
        let mut revisions = sources.clone();
        revisions.insert(target);
        if method == Method::Families && revisions.len() > 1 {
            let family_of = tables.families(&revisions);
            let mut members: BTreeMap<usize, Vec<(HsRevision, Hs6)>> = BTreeMap::new();
            for (&node, &family) in &family_of {
                members.entry(family).or_default().push(node);
            }
            for members in members.values() {
                let name = members
                    .iter()
                    .filter(|(revision, _)| *revision == target)
                    .map(|&(_, code)| (value(code), std::cmp::Reverse(code)))
                    .max();
                let Some((_, std::cmp::Reverse(name))) = name else { continue };
                let alone = HsRevision::ALL
                    .into_iter()
                    .all(|revision| members.iter().filter(|(r, _)| *r == revision).count() <= 1);
                for &(revision, code) in members.iter().filter(|(r, _)| revisions.contains(r)) {
                    let kind = match (alone, revision == target) {
                        (true, true) => MatchKind::Same,
                        (true, false) => MatchKind::OneToOne,
                        (false, _) => MatchKind::Family,
                    };
                    by_code.insert((revision, code), Conversion { kind, targets: vec![(name, 1)] });
                }
            }
            return Self { target, by_code };
        }
        for &source in sources.iter().filter(|source| **source != target) {
            let links = tables.links(source, target);
            let mut n_sources: BTreeMap<Hs6, usize> = BTreeMap::new();
            for code in links.values().flatten() {
                *n_sources.entry(*code).or_default() += 1;
            }
            for (&code, ends) in &links {
                let kind = match (ends.len(), ends.iter().any(|end| n_sources[end] > 1)) {
                    (1, false) => MatchKind::OneToOne,
                    (1, true) => MatchKind::Merge,
                    (_, false) => MatchKind::Split,
                    (_, true) => MatchKind::SplitAndMerge,
                };
                let lowest = ends.first().copied().unwrap_or(code);
                let one = match tables.official(source, target, code) {
                    Some(official) => official,
                    None if ends.contains(&code) => code,
                    None => lowest,
                };
                let targets = match method {
                    Method::Weights if ends.len() > 1 => {
                        ends.iter().map(|&end| (end, value(end))).collect()
                    }
                    Method::Weights => vec![(lowest, 1)],
                    Method::OneToOne | Method::Families => vec![(one, 1)],
                };
                by_code.insert((source, code), Conversion { kind, targets });
            }
        }
        Self { target, by_code }
    }

    /// The revision everything is brought to.
    pub fn target(&self) -> HsRevision {
        self.target
    }

    /// What `code` of `revision` becomes.
    pub fn convert(&self, revision: HsRevision, code: Hs6) -> Conversion {
        match self.by_code.get(&(revision, code)) {
            Some(conversion) => conversion.clone(),
            None if revision == self.target => {
                Conversion { kind: MatchKind::Same, targets: vec![(code, 1)] }
            }
            None => Conversion { kind: MatchKind::Unlisted, targets: vec![(code, 1)] },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hs(code: &str) -> Hs6 {
        code.parse().expect("a code")
    }

    /// 2007 to 2002: 111111 unchanged; 200001 split into 200011 and 200012; 300001 and 300002 merged
    /// into 300010; 400001 and 400002 re-cut into 400011 and 400012.
    fn tables() -> Tables {
        let mut tables = Tables::default();
        let pairs = [
            ("111111", "111111"),
            ("200011", "200001"),
            ("200012", "200001"),
            ("300010", "300001"),
            ("300010", "300002"),
            ("400011", "400001"),
            ("400012", "400001"),
            ("400012", "400002"),
        ];
        tables.correlations[2].pairs = pairs.map(|(a, b)| (hs(a), hs(b))).to_vec();
        let conversions = [
            ("111111", "111111"),
            ("200011", "200001"),
            ("200012", "200001"),
            ("300010", "300002"),
            ("400011", "400001"),
            ("400012", "400002"),
        ];
        tables.conversions[2] = conversions.into_iter().map(|(a, b)| (hs(a), hs(b))).collect();
        tables
    }

    fn check(method: Method, from: HsRevision, to: HsRevision, code: &str, expected: &str) {
        let value = |code: Hs6| match code.as_str() {
            "200012" => 30,
            "200011" | "400012" => 10,
            _ => 0,
        };
        let concordance = Concordance::new(method, to, &BTreeSet::from([from]), &tables(), value);
        let conversion = concordance.convert(from, hs(code));
        let targets: Vec<_> =
            conversion.targets.iter().map(|(code, weight)| format!("{code}*{weight}")).collect();
        assert_eq!(format!("{} {}", conversion.kind.code(), targets.join(" ")), expected, "{code}");
    }

    #[test]
    fn backward_follows_the_official_conversion() {
        let check = |code, expected| {
            check(Method::OneToOne, HsRevision::Hs2007, HsRevision::Hs2002, code, expected);
        };
        check("111111", "one_to_one 111111*1");
        check("200011", "merge 200001*1");
        check("300010", "split 300002*1");
        check("400012", "split_and_merge 400002*1");
        check("999999", "unlisted 999999*1");
    }

    #[test]
    fn forward_takes_the_only_code_then_the_same_then_the_lowest() {
        let check = |code, expected| {
            check(Method::OneToOne, HsRevision::Hs2002, HsRevision::Hs2007, code, expected);
        };
        check("111111", "one_to_one 111111*1");
        check("200001", "split 200011*1");
        check("300001", "merge 300010*1");
        check("400002", "merge 400012*1");
    }

    #[test]
    fn weights_divide_what_was_split() {
        let check = |code, expected| {
            check(Method::Weights, HsRevision::Hs2002, HsRevision::Hs2007, code, expected);
        };
        check("200001", "split 200011*10 200012*30");
        check("400001", "split_and_merge 400011*0 400012*10");
        check("300001", "merge 300010*1");
    }

    #[test]
    fn families_are_named_after_their_largest_member() {
        let check = |code, expected| {
            check(Method::Families, HsRevision::Hs2002, HsRevision::Hs2007, code, expected);
        };
        check("111111", "one_to_one 111111*1");
        check("200001", "family 200012*1");
        check("300001", "family 300010*1");
        check("400002", "family 400012*1");
    }

    #[test]
    fn family_members_of_the_target_revision_move_too() {
        let sources = BTreeSet::from([HsRevision::Hs2002, HsRevision::Hs2007]);
        let concordance =
            Concordance::new(Method::Families, HsRevision::Hs2007, &sources, &tables(), |_| 0);
        let conversion = concordance.convert(HsRevision::Hs2007, hs("200012"));
        assert_eq!(
            conversion,
            Conversion { kind: MatchKind::Family, targets: vec![(hs("200011"), 1)] }
        );
    }

    #[test]
    fn data_of_the_target_revision_alone_are_left_as_they_are() {
        let sources = BTreeSet::from([HsRevision::Hs2007]);
        for method in [Method::OneToOne, Method::Families, Method::Weights] {
            let concordance =
                Concordance::new(method, HsRevision::Hs2007, &sources, &tables(), |_| 0);
            let conversion = concordance.convert(HsRevision::Hs2007, hs("200012"));
            assert_eq!(
                conversion,
                Conversion { kind: MatchKind::Same, targets: vec![(hs("200012"), 1)] }
            );
        }
    }
}
