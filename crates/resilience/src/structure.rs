//! Transformation of the product structure: how much it moved, and towards what.
//!
//! With `s0[p]`, `s1[p]` the shares of a region's products before and after:
//!
//! ```text
//! michaely   = 1/2 sum |s1 - s0|                           0..1
//! similarity = sum min(s0, s1) = 1 - michaely              Finger & Kreinin (1979)
//! moore      = arccos( sum s0 s1 / sqrt(sum s0^2 sum s1^2) )  radians
//! lilien     = sqrt( sum sbar (dln x - dln X)^2 )          products exported at both ends only
//! U[p]       = (s1 - s0) (w[p] - W),  W = sum s0 w         upgrading contribution
//! ```
//!
//! With `w` a complexity or sophistication of products fixed at a reference, the `U` add up exactly to the
//! change of the region's mean `w` (its EXPY if `w` is PRODY): share changes add up to zero.

/// How much a region's structure moved. Dimensionless.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Movement {
    /// Half the sum of absolute share changes, 0 to 1.
    pub michaely: f64,
    /// Share that stayed where it was: 1 - Michaely.
    pub similarity: f64,
    /// Angle between the share vectors, in radians, 0 to pi/2.
    pub moore: f64,
    /// Dispersion of growth over continuing products; `None` if there are none.
    pub lilien: Option<f64>,
    /// Products exported before and after.
    pub n_continuing: usize,
    /// Products exported only after.
    pub n_entering: usize,
    /// Products exported only before.
    pub n_exiting: usize,
}

/// Compares a region's exports by product `before` and `after`; `None` if it exports nothing at an end.
pub fn movement(before: &[f64], after: &[f64]) -> Option<Movement> {
    let (total_0, total_1) = (before.iter().sum::<f64>(), after.iter().sum::<f64>());
    if total_0 <= 0.0 || total_1 <= 0.0 {
        return None;
    }
    let growth = (total_1 / total_0).ln();
    let (mut absolute, mut dot, mut norm_0, mut norm_1) = (0.0, 0.0, 0.0, 0.0);
    let (mut lilien, mut lilien_weight) = (0.0, 0.0);
    let (mut n_continuing, mut n_entering, mut n_exiting) = (0, 0, 0);
    for (&x0, &x1) in before.iter().zip(after) {
        let (s0, s1) = (x0 / total_0, x1 / total_1);
        absolute += (s1 - s0).abs();
        dot += s0 * s1;
        norm_0 += s0 * s0;
        norm_1 += s1 * s1;
        match (x0 > 0.0, x1 > 0.0) {
            (true, true) => {
                n_continuing += 1;
                let weight = 0.5 * (s0 + s1);
                lilien += weight * ((x1 / x0).ln() - growth).powi(2);
                lilien_weight += weight;
            }
            (false, true) => n_entering += 1,
            (true, false) => n_exiting += 1,
            (false, false) => {}
        }
    }
    let michaely = (0.5 * absolute).min(1.0);
    Some(Movement {
        michaely,
        similarity: 1.0 - michaely,
        moore: (dot / (norm_0 * norm_1).sqrt()).clamp(0.0, 1.0).acos(),
        lilien: (lilien_weight > 0.0).then(|| lilien.sqrt()),
        n_continuing,
        n_entering,
        n_exiting,
    })
}

/// Upgrading of a region: its mean product weight before and after, and each product's part in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Upgrading {
    /// Mean weight before.
    pub before: f64,
    /// Mean weight after.
    pub after: f64,
    /// Part of each product in the change; `None` for products without a weight.
    pub contributions: Vec<Option<f64>>,
    /// Share of exports before in products that have a weight, 0 to 1.
    pub coverage_before: f64,
    /// The same after.
    pub coverage_after: f64,
}

/// Computes the upgrading of a region whose products have `weights` (PRODY or PCI, fixed).
///
/// Products without a weight are left out and shares renormalised over the others; the coverage says how
/// much that leaves. `None` if nothing with a weight is exported at an end.
pub fn upgrading(before: &[f64], after: &[f64], weights: &[Option<f64>]) -> Option<Upgrading> {
    let covered = |exports: &[f64]| -> f64 {
        exports.iter().zip(weights).filter(|(_, w)| w.is_some()).map(|(x, _)| x).sum()
    };
    let (total_0, total_1) = (covered(before), covered(after));
    if total_0 <= 0.0 || total_1 <= 0.0 {
        return None;
    }
    let mean = |exports: &[f64], total: f64| -> f64 {
        exports.iter().zip(weights).filter_map(|(x, w)| w.map(|w| x / total * w)).sum()
    };
    let mean_before = mean(before, total_0);
    let contributions = before
        .iter()
        .zip(after)
        .zip(weights)
        .map(|((x0, x1), w)| w.map(|w| (x1 / total_1 - x0 / total_0) * (w - mean_before)))
        .collect();
    Some(Upgrading {
        before: mean_before,
        after: mean(after, total_1),
        contributions,
        coverage_before: total_0 / before.iter().sum::<f64>(),
        coverage_after: total_1 / after.iter().sum::<f64>(),
    })
}

/// The share of `exports` in products whose weight is at least `threshold`, among those that have one; `None`
/// if nothing with a weight is exported.
pub fn share_above(exports: &[f64], weights: &[Option<f64>], threshold: f64) -> Option<f64> {
    let (mut above, mut all) = (0.0, 0.0);
    for (&value, weight) in exports.iter().zip(weights) {
        if let Some(weight) = weight {
            all += value;
            if *weight >= threshold {
                above += value;
            }
        }
    }
    (all > 0.0).then(|| above / all)
}

/// The value that a third of `weights` reach (rounded up): the threshold of the top tercile; `None` without weights.
pub fn top_tercile(weights: &[Option<f64>]) -> Option<f64> {
    let mut known: Vec<f64> = weights.iter().flatten().copied().collect();
    known.sort_by(|a, b| b.total_cmp(a));
    known.get(known.len().div_ceil(3).checked_sub(1)?).copied()
}

/// What a region's change of exports came from. Money in units of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Margins {
    /// Products exported at both ends: the intensive margin.
    pub continuing: f64,
    /// Products exported at the end only.
    pub entering: f64,
    /// Products exported at the start only; zero or less.
    pub exiting: f64,
    /// Of the continuing, those that grew.
    pub growing: f64,
    /// Of the continuing, those that fell; zero or less.
    pub shrinking: f64,
}

/// Splits the change from `before` to `after` by what became of the products: continuing + entering + exiting, and
/// continuing = growing + shrinking.
pub fn margins(before: &[f64], after: &[f64]) -> Margins {
    let mut margins = Margins::default();
    for (&x0, &x1) in before.iter().zip(after) {
        let change = x1 - x0;
        match (x0 > 0.0, x1 > 0.0) {
            (true, true) => {
                margins.continuing += change;
                if change > 0.0 {
                    margins.growing += change;
                } else {
                    margins.shrinking += change;
                }
            }
            (false, true) => margins.entering += change,
            (true, false) => margins.exiting += change,
            (false, false) => {}
        }
    }
    margins
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn worked_example_of_upgrading() {
        let weights = [10_000.0, 20_000.0, 30_000.0].map(Some);
        let found = upgrading(&[5.0, 3.0, 2.0], &[40.0, 30.0, 30.0], &weights).expect("exports");
        assert!((found.before - 17_000.0).abs() < 1e-9 && (found.after - 19_000.0).abs() < 1e-9);
        let expected = [700.0, 0.0, 1300.0];
        for (found, expected) in found.contributions.iter().zip(expected) {
            assert!((found.expect("weighted") - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn structure_that_turns_over_wholly() {
        let found = movement(&[1.0, 0.0], &[0.0, 3.0]).expect("exports");
        assert!((found.michaely - 1.0).abs() < 1e-15 && found.similarity.abs() < 1e-15);
        assert!((found.moore - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
        assert_eq!((found.lilien, found.n_entering, found.n_exiting), (None, 1, 1));
        assert_eq!(movement(&[0.0], &[1.0]), None);
    }

    #[test]
    fn structure_that_only_grows_does_not_move() {
        let found = movement(&[1.0, 2.0], &[2.0, 4.0]).expect("exports");
        assert!(found.michaely.abs() < 1e-15 && found.moore < 1e-7);
        assert!(found.lilien.expect("continuing") < 1e-12);
    }

    #[test]
    fn top_third_of_the_products() {
        let weights = [Some(3.0), None, Some(1.0), Some(2.0), Some(0.0)];
        assert_eq!(top_tercile(&weights), Some(2.0), "two of four");
        assert_eq!(top_tercile(&[None]), None);
        let share = share_above(&[1.0, 50.0, 1.0, 2.0, 0.0], &weights, 2.0);
        assert_eq!(share, Some(0.75), "products without a weight are left out");
        assert_eq!(share_above(&[0.0, 9.0], &weights[..2], 2.0), None);
    }

    proptest! {
        #[test]
        fn margins_add_up(
            cells in prop::collection::vec((0u32..3, 0u32..1_000_000, 0u32..1_000_000), 1..40),
        ) {
            let before: Vec<f64> = cells.iter().map(|c| if c.0 == 1 { 0.0 } else { f64::from(c.1) }).collect();
            let after: Vec<f64> = cells.iter().map(|c| if c.0 == 2 { 0.0 } else { f64::from(c.2) }).collect();
            let found = margins(&before, &after);
            let change = after.iter().sum::<f64>() - before.iter().sum::<f64>();
            // Whole numbers: exact.
            let sum = found.continuing + found.entering + found.exiting;
            prop_assert!((sum - change).abs() < f64::EPSILON);
            prop_assert!((found.growing + found.shrinking - found.continuing).abs() < f64::EPSILON);
            prop_assert!(found.exiting <= 0.0 && found.shrinking <= 0.0 && found.entering >= 0.0);
            // Backwards, entries are exits.
            let back = margins(&after, &before);
            prop_assert!((back.entering + found.exiting).abs() < f64::EPSILON);
            prop_assert!((back.exiting + found.entering).abs() < f64::EPSILON);
        }

        #[test]
        fn contributions_add_up(
            before in prop::collection::vec(0.0f64..1e6, 8),
            after in prop::collection::vec(0.0f64..1e6, 8),
            weights in prop::collection::vec(prop::option::of(-3.0f64..3.0), 8),
        ) {
            if let Some(found) = upgrading(&before, &after, &weights) {
                let sum: f64 = found.contributions.iter().flatten().sum();
                prop_assert!((sum - (found.after - found.before)).abs() < 1e-9);
            }
        }
    }
}
