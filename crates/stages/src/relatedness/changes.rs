//! What regions take up and give up from year to year.

use space::{Change, Exports, Rca, Specialization, change};
use std::collections::BTreeMap;

/// The specialisations of a year, and who has an RCA in it.
pub(super) struct Seen {
    specialization: Specialization,
    regions: Vec<bool>,
    products: Vec<bool>,
}

impl Seen {
    pub(super) fn of(rca: &Rca, specialization: &Specialization, exports: &Exports) -> Self {
        let totals = exports.product_totals();
        Self {
            specialization: specialization.clone(),
            regions: (0..rca.n_regions()).map(|r| rca.region_is_active(r)).collect(),
            products: (0..rca.n_products())
                .map(|p| rca.product_is_active(p) && totals[p] > 0.0)
                .collect(),
        }
    }
}

/// The years before, and those up to this one, that an entry is seen in.
pub(super) struct Changes<'a> {
    before: Vec<&'a Specialization>,
    after: Vec<&'a Specialization>,
    /// Who has an RCA in all of them.
    regions: Vec<bool>,
    products: Vec<bool>,
}

impl<'a> Changes<'a> {
    /// Entry in `year` is being out in the `n` years before and in in it and the `n - 1` that
    /// follow. Here the last of these is the year, so that nothing depends on years to come:
    /// `year - n + 1 ..= year` against the `n` before.
    pub(super) fn of(
        seen: &'a BTreeMap<i32, Seen>,
        year: i32,
        now: &'a Seen,
        n: usize,
    ) -> Option<Self> {
        let n = i32::try_from(n).ok()?;
        let years = |from: i32, to: i32| (from..=to).map(|y| seen.get(&y)).collect::<Option<_>>();
        let before: Vec<&Seen> = years(year - 2 * n + 1, year - n)?;
        let mut after: Vec<&Seen> = years(year - n + 1, year - 1)?;
        after.push(now);
        let all = |of: fn(&Seen) -> &Vec<bool>| {
            let mut is_known = of(now).clone();
            for year in before.iter().chain(&after) {
                is_known.iter_mut().zip(of(year)).for_each(|(all, this)| *all &= this);
            }
            is_known
        };
        let (regions, products) = (all(|year| &year.regions), all(|year| &year.products));
        let matrices = |years: &[&'a Seen]| years.iter().map(|y| &y.specialization).collect();
        Some(Self { before: matrices(&before), after: matrices(&after), regions, products })
    }

    /// What happened; `None` where region or product had nothing in one of the years.
    pub(super) fn at(&self, region: usize, product: usize) -> Option<Change> {
        (self.regions[region] && self.products[product])
            .then(|| change(&self.before, &self.after, region, product))
    }
}
