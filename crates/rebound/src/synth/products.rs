//! The products of a nation, and the rebates of the export tax on them.

use super::nation::{Nation, SynthError};
use super::random::Random;
use sources::hs_tables;
use trade::{Hs6, HsRevision};

/// Steps of the rebate, in hundredths of the value, that headings have.
const REBATE_STEPS: [u32; 5] = [0, 0, 1, 2, 4];

/// As many products as asked for.
pub(super) fn products(nation: &Nation) -> Result<Vec<Hs6>, SynthError> {
    let all: Vec<Hs6> = hs_tables::descriptions(HsRevision::Hs2007)?.into_keys().collect();
    if all.len() < nation.products {
        let n = all.len();
        return Err(SynthError::Request(format!("HS2007 has {n} products, fewer than asked for")));
    }
    Ok((0..nation.products).map(|at| all[at * all.len() / nation.products]).collect())
}

/// A number that belongs to the four-digit heading of a product.
fn of_heading(nation: &Nation, product: Hs6, n: usize, what: u64) -> usize {
    let heading = product.heading().parse::<u64>().unwrap_or(0);
    Random::of(nation.seed, heading << 40 | what).below(n)
}

/// By how many hundredths of the value the rebate rose in 2008-09.
fn rise(nation: &Nation, product: Hs6) -> u32 {
    REBATE_STEPS[of_heading(nation, product, REBATE_STEPS.len(), 0)]
}

/// The rise of the export tax rebate of 2008-09.
pub(super) fn rebate(nation: &Nation, product: Hs6) -> f64 {
    f64::from(rise(nation, product)) / 100.0
}

/// A rate of the rebate.
pub(super) struct Rate {
    /// In hundredths of the value.
    pub(super) hundredths: usize,
    /// The first day that it holds.
    pub(super) from: &'static str,
    /// The last.
    pub(super) to: &'static str,
}

/// The rates of a product, which rise in two steps, as those of these years did.
pub(super) fn rates(nation: &Nation, product: Hs6) -> [Rate; 3] {
    let before = 5 + 2 * of_heading(nation, product, 5, 1);
    let rise = rise(nation, product) as usize;
    [
        Rate { hundredths: before, from: "2007-07-01", to: "2008-10-31" },
        Rate { hundredths: before + rise / 2, from: "2008-11-01", to: "2009-05-31" },
        Rate { hundredths: before + rise, from: "2009-06-01", to: "2015-12-31" },
    ]
}
