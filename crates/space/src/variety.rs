//! Variety and concentration of one region's exports.
//!
//! With shares `s[p]` of products that nest in groups `g`, and `S[g]` the share of a group,
//!
//! ```text
//! H    = - sum over p of s[p] log2 s[p]                   entropy
//! UV   = - sum over g of S[g] log2 S[g]                   unrelated variety
//! RV   = sum over g of S[g] * H[g]                        related variety
//! H[g] = - sum over p in g of (s[p]/S[g]) log2 (s[p]/S[g])
//! ```
//!
//! so that `H = UV + RV` exactly (Frenken, Van Oort & Verburg 2007). Three tiers take the entropies at
//! two, four and six digits and their differences (Castaldi, Frenken & Los 2015).
//!
//! # Conventions
//!
//! * In bits. `0 log 0 = 0`. One product: 0. No exports: `None`.

/// Entropy in bits of the groups that `group` puts the products in; `group[p]` counts from 0.
///
/// With every product its own group, this is the entropy of products. `None` without exports.
///
/// # Panics
///
/// If `group` is shorter than `exports`.
pub fn entropy(exports: &[f64], group: &[usize]) -> Option<f64> {
    let sums = group_sums(exports, group);
    let total: f64 = sums.iter().sum();
    (total > 0.0).then(|| {
        sums.iter()
            .filter(|&&x| x > 0.0)
            .map(|x| x / total)
            .map(|s| -s * s.log2())
            .sum::<f64>()
            .max(0.0)
    })
}

/// Related variety in bits of products (`fine` groups) within `coarse` groups; `None` without exports.
///
/// # Panics
///
/// If a group list is shorter than `exports`.
pub fn related_variety(exports: &[f64], fine: &[usize], coarse: &[usize]) -> Option<f64> {
    let fine_sums = group_sums(exports, fine);
    let coarse_sums = group_sums(exports, coarse);
    let total: f64 = coarse_sums.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let mut parent = vec![0; fine_sums.len()];
    for (&fine, &coarse) in fine.iter().zip(coarse) {
        parent[fine] = coarse;
    }
    let mut within = vec![0.0; coarse_sums.len()];
    for (&sum, &parent) in fine_sums.iter().zip(&parent) {
        if sum > 0.0 {
            let share = sum / coarse_sums[parent];
            within[parent] -= share * share.log2();
        }
    }
    let related: f64 = within.iter().zip(&coarse_sums).map(|(h, sum)| sum / total * h).sum();
    Some(related.max(0.0))
}

fn group_sums(exports: &[f64], group: &[usize]) -> Vec<f64> {
    let n_groups = group.iter().max().map_or(0, |last| last + 1);
    let mut sums = vec![0.0; n_groups];
    for (value, &group) in exports.iter().zip(group) {
        sums[group] += value;
    }
    sums
}

/// Concentration of one region's exports over products.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Concentration {
    /// Products exported.
    pub n_active: usize,
    /// Herfindahl-Hirschman index: the sum of squared shares, in `(0, 1]`.
    pub hhi: f64,
    /// `(HHI - 1/n) / (1 - 1/n)` over the n products exported, in `[0, 1]`; `None` for one product.
    pub hhi_normalized: Option<f64>,
    /// Theil: `sum of s ln(n s)` over the n products exported, in nats.
    pub theil: f64,
    /// Gini over the products exported, in `[0, 1)`.
    pub gini: f64,
    /// Share of the largest product.
    pub largest_share: f64,
}

/// Computes the concentration of `exports`; `None` without exports.
#[expect(clippy::cast_precision_loss, reason = "counts of products")]
pub fn concentration(exports: &[f64]) -> Option<Concentration> {
    let mut active: Vec<f64> = exports.iter().copied().filter(|&x| x > 0.0).collect();
    active.sort_by(f64::total_cmp);
    let total: f64 = active.iter().sum();
    let &largest = active.last()?;
    let n = active.len() as f64;
    let shares = || active.iter().map(|x| x / total);
    let hhi: f64 = shares().map(|s| s * s).sum();
    let ranked: f64 =
        shares().enumerate().map(|(i, s)| (2.0 * (i as f64 + 1.0) - n - 1.0) * s).sum();
    Some(Concentration {
        n_active: active.len(),
        hhi,
        hhi_normalized: (active.len() > 1).then(|| ((hhi - 1.0 / n) / (1.0 - 1.0 / n)).max(0.0)),
        theil: shares().map(|s| s * (n * s).ln()).sum::<f64>().max(0.0),
        gini: (ranked / n).max(0.0),
        largest_share: largest / total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 010101, 010102, 010201, 840101, 840102: vector 1 of the methodology.
    const EXPORTS: [f64; 5] = [40.0, 10.0, 20.0, 20.0, 10.0];
    const HS6: [usize; 5] = [0, 1, 2, 3, 4];
    const HS4: [usize; 5] = [0, 0, 1, 2, 2];
    const HS2: [usize; 5] = [0, 0, 0, 1, 1];

    fn check(found: Option<f64>, expected: f64) {
        let found = found.expect("there are exports");
        assert!((found - expected).abs() < 1e-14, "{found} is not {expected}");
    }

    #[test]
    fn worked_example() {
        check(entropy(&EXPORTS, &HS6), 2.121_928_094_887_362_4);
        check(entropy(&EXPORTS, &HS2), 0.881_290_899_230_692_7);
        check(related_variety(&EXPORTS, &HS6, &HS2), 1.240_637_195_656_669_7);
        check(related_variety(&EXPORTS, &HS4, &HS2), 0.604_184_397_996_641_7);
        check(related_variety(&EXPORTS, &HS6, &HS4), 0.636_452_797_660_028);
    }

    #[test]
    fn nothing_has_no_variety_and_one_product_has_none() {
        assert_eq!(entropy(&[0.0, 0.0], &[0, 1]), None);
        assert_eq!(related_variety(&[0.0], &[0], &[0]), None);
        assert_eq!(concentration(&[0.0]), None);
        check(entropy(&[0.0, 5.0], &[0, 1]), 0.0);
        let one = concentration(&[0.0, 5.0]).expect("one product");
        assert_eq!((one.n_active, one.hhi_normalized), (1, None));
    }

    #[test]
    fn equal_shares_are_not_concentrated() {
        let equal = concentration(&[2.0; 4]).expect("four products");
        assert!((equal.hhi - 0.25).abs() < 1e-15);
        assert!(equal.gini.abs() < 1e-15 && equal.theil.abs() < 1e-15);
        assert_eq!(equal.hhi_normalized, Some(0.0));
        // Closed form: of n products, one has all but a vanishing part; Gini tends to 1 - 1/n.
        let one = concentration(&[1e-12, 1e-12, 1e-12, 1.0]).expect("four products");
        assert!((one.gini - 0.75).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn entropy_is_unrelated_plus_related(exports in prop::collection::vec(0.0f64..1e9, 24)) {
            let fine: Vec<usize> = (0..24).collect();
            let coarse: Vec<usize> = (0..24).map(|p| p / 5).collect();
            if let Some(h) = entropy(&exports, &fine) {
                let uv = entropy(&exports, &coarse).unwrap();
                let rv = related_variety(&exports, &fine, &coarse).unwrap();
                prop_assert!((h - uv - rv).abs() < 1e-12);
                prop_assert!(h <= 24f64.log2() + 1e-12);
            }
        }
    }
}
