//! Shift-share: a region's change as national, mix and competitive parts (Dunn 1960).
//!
//! ```text
//! change[r] = g[N] x[r]  +  sum over p of (g[p] - g[N]) x[r,p]  +  the rest
//!              national        mix                                  competitive
//! ```
//!
//! The competitive part is `sum over p of (x1[r,p] - (1 + g[p]) x0[r,p])`, so that products new to the
//! nation are in it and the three parts always add up to the change.

use crate::benchmark::{Benchmark, Stage};

/// The three parts, in units of the currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShiftShare {
    /// What growth at the national rate would have given.
    pub national: f64,
    /// What the region's products gave by growing faster or slower than the nation.
    pub mix: f64,
    /// What the region gained or lost within its products.
    pub competitive: f64,
}

/// Splits the change of `region`'s exports over `stage`; `None` if it starts from nothing.
pub fn shift_share(stage: &Stage, region: usize) -> Option<ShiftShare> {
    let national = stage.expected_change(Benchmark::Aggregate, region)?;
    let expected = stage.expected_change(Benchmark::Mix, region)?;
    let change = stage.end().region_totals()[region] - stage.start().region_totals()[region];
    Some(ShiftShare { national, mix: expected - national, competitive: change - expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use space::Exports;

    #[test]
    fn worked_example() {
        let start = Exports::new(2, 2, vec![100.0, 100.0, 50.0, 250.0]).expect("valid");
        let end = Exports::new(2, 2, vec![60.0, 110.0, 45.0, 235.0]).expect("valid");
        let parts = shift_share(&Stage::new(start, end), 0).expect("a base");
        assert!((parts.national + 20.0).abs() < 1e-12);
        assert!((parts.mix - (-220.0 / 7.0 + 20.0)).abs() < 1e-12);
        // (60 - 0.7 * 100) + (110 - 69/70 * 100), computed by hand.
        assert!((parts.competitive - (-10.0 + 80.0 / 7.0)).abs() < 1e-12);
        assert!((parts.national + parts.mix + parts.competitive + 30.0).abs() < 1e-12);
    }
}
