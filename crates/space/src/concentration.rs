//! Concentration and specialisation of one distribution: a region's exports over products or destinations, or a
//! product's over regions.
//!
//! With shares `s`, the shares `w` of a reference (the nation, or all products together) and `n` the number of
//! classes:
//!
//! ```text
//! HHI           sum of s^2                        normalised (HHI - 1/n) / (1 - 1/n);  Hirschman sqrt(HHI);  1 / HHI
//! Theil         sum of s ln(n s)
//! Gini          over the n classes, 0 for equal shares
//! Krugman       sum of |s - w|                     in [0, 2]
//! Hoover        1/2 sum of |s - w|                 in [0, 1]
//! Hachman       1 / sum of (s / w) s               1: like the reference
//! locational Gini   of the ratios s / w, weighted by w, in [0, 1]
//! ```
//!
//! # Conventions
//!
//! * Gini, Theil and the normalised HHI are over the classes with a value, or over all classes: results differ a
//!   lot, so [`Classes`] must be chosen.
//! * EconGeo's `locational_gini` is half of the one here; its Hoover index is in percent.

/// Which classes a distribution is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classes {
    /// Those with a value.
    Active,
    /// All that were given.
    All,
}

/// Concentration of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Concentration {
    /// Classes with a value.
    pub n_active: usize,
    /// Herfindahl-Hirschman index: the sum of squared shares, in `(0, 1]`.
    pub hhi: f64,
    /// HHI between equal shares (0) and one class (1); `None` for one class.
    pub hhi_normalized: Option<f64>,
    /// Theil, in nats.
    pub theil: f64,
    /// Gini, in `[0, 1)`.
    pub gini: f64,
    /// Share of the largest class.
    pub largest_share: f64,
}

impl Concentration {
    /// Hirschman index: the root of HHI.
    pub fn hirschman(&self) -> f64 {
        self.hhi.sqrt()
    }

    /// How many equal classes would have this HHI.
    pub fn inverse_hhi(&self) -> f64 {
        1.0 / self.hhi
    }
}

/// The values above zero, ascending.
fn above_zero(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|&x| x > 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

impl Classes {
    /// How many there are, of which `n_active` have a value.
    fn count(self, values: &[f64], n_active: usize) -> usize {
        match self {
            Self::Active => n_active,
            Self::All => values.len(),
        }
    }
}

/// Gini over `n` classes of these values, which ascend, and others that have none.
#[expect(clippy::cast_precision_loss, reason = "counts of classes")]
fn gini_of(sorted: &[f64], total: f64, n: usize) -> f64 {
    let n_empty = n - sorted.len();
    let n = n as f64;
    let ranked: f64 = sorted
        .iter()
        .enumerate()
        .map(|(i, x)| (2.0 * ((n_empty + i) as f64 + 1.0) - n - 1.0) * (x / total))
        .sum();
    (ranked / n).max(0.0)
}

/// Computes the concentration of `values` of zero or more; `None` if they are all zero.
#[expect(clippy::cast_precision_loss, reason = "counts of classes")]
pub fn concentration(values: &[f64], classes: Classes) -> Option<Concentration> {
    let sorted = above_zero(values);
    let total: f64 = sorted.iter().sum();
    let &largest = sorted.last()?;
    let n_classes = classes.count(values, sorted.len());
    let n = n_classes as f64;
    let shares = || sorted.iter().map(|x| x / total);
    let hhi: f64 = shares().map(|s| s * s).sum();
    let theil: f64 = shares().map(|s| s * (n * s).ln()).sum();
    Some(Concentration {
        n_active: sorted.len(),
        hhi,
        hhi_normalized: (n_classes > 1)
            .then(|| ((hhi - 1.0 / n) / (1.0 - 1.0 / n)).clamp(0.0, 1.0)),
        theil: theil.max(0.0),
        gini: gini_of(&sorted, total, n_classes),
        largest_share: largest / total,
    })
}

/// Gini of `values` of zero or more, as [`concentration`] has it; `None` if they are all zero.
pub fn gini(values: &[f64], classes: Classes) -> Option<f64> {
    let sorted = above_zero(values);
    let n_classes = classes.count(values, sorted.len());
    (!sorted.is_empty()).then(|| gini_of(&sorted, sorted.iter().sum(), n_classes))
}

/// How a distribution differs from a reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Specificity {
    /// Krugman index, in `[0, 2]`; half of it is Hoover's and the coefficient of specialisation.
    pub krugman: f64,
    /// Hachman index, in `(0, 1]`.
    pub hachman: f64,
    /// Gini of the ratios to the reference, in `[0, 1)`.
    pub locational_gini: f64,
}

impl Specificity {
    /// Hoover index, or coefficient of specialisation, in `[0, 1]`.
    pub fn hoover(&self) -> f64 {
        self.krugman / 2.0
    }
}

/// Compares `values` of zero or more with `reference`; classes that the reference does not have are left out. `None` if nothing is
/// left of either.
pub fn specificity(values: &[f64], reference: &[f64]) -> Option<Specificity> {
    let mut pairs: Vec<(f64, f64)> = values
        .iter()
        .copied()
        .zip(reference.iter().copied())
        .filter(|(_, reference)| *reference > 0.0)
        .collect();
    let (total, of_reference) =
        pairs.iter().fold((0.0, 0.0), |(s, w), (value, reference)| (s + value, w + reference));
    if total <= 0.0 || of_reference <= 0.0 {
        return None;
    }
    for (s, w) in &mut pairs {
        *s /= total;
        *w /= of_reference;
    }
    let krugman = pairs.iter().map(|(s, w)| (s - w).abs()).sum();
    // What is not there adds nothing to the other two.
    let held = || pairs.iter().filter(|(s, _)| *s > 0.0);
    let hachman = 1.0 / held().map(|(s, w)| s / w * s).sum::<f64>();
    // Area between the diagonal and the Lorenz curve of shares over reference shares, by rising ratio.
    let mut rising: Vec<(f64, f64, f64)> = held().map(|&(s, w)| (s / w, s, w)).collect();
    rising.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut curve) = (0.0, 0.0);
    for (_, s, w) in rising {
        curve += w * (2.0 * below + s);
        below += s;
    }
    Some(Specificity { krugman, hachman, locational_gini: (1.0 - curve).max(0.0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn nothing_has_none_and_one_class_has_no_normalised_index() {
        assert_eq!(concentration(&[0.0], Classes::Active), None);
        assert_eq!(concentration(&[], Classes::All), None);
        let one = concentration(&[0.0, 5.0], Classes::Active).expect("one class");
        assert_eq!((one.n_active, one.hhi_normalized), (1, None));
        let all = concentration(&[0.0, 5.0], Classes::All).expect("one of two");
        assert_eq!((all.n_active, all.hhi_normalized), (1, Some(1.0)));
        close(all.gini, 0.5);
        close(all.theil, 2f64.ln());
    }

    #[test]
    fn equal_shares_are_not_concentrated() {
        let equal = concentration(&[2.0; 4], Classes::Active).expect("four classes");
        close(equal.hhi, 0.25);
        close(equal.gini, 0.0);
        close(equal.theil, 0.0);
        close(equal.inverse_hhi(), 4.0);
        close(equal.hirschman(), 0.5);
        // Closed form: of n classes, one has all but a vanishing part; Gini tends to 1 - 1/n.
        let one = concentration(&[1e-12, 1e-12, 1e-12, 1.0], Classes::Active).expect("four");
        assert!((one.gini - 0.75).abs() < 1e-9);
    }

    #[test]
    fn specificity_by_hand() {
        // Shares (.5, .5, 0) against (.25, .25, .5).
        let found = specificity(&[1.0, 1.0, 0.0], &[1.0, 1.0, 2.0]).expect("both");
        close(found.krugman, 1.0);
        close(found.hoover(), 0.5);
        close(found.hachman, 0.5);
        // Half of the reference has nothing, the rest equal parts.
        close(found.locational_gini, 0.5);
        let same = specificity(&[3.0, 6.0], &[1.0, 2.0]).expect("both");
        close(same.krugman, 0.0);
        close(same.hachman, 1.0);
        close(same.locational_gini, 0.0);
        assert_eq!(specificity(&[1.0, 0.0], &[0.0, 1.0]), None);
    }

    proptest! {
        #[test]
        fn ranges_and_scale(values in prop::collection::vec(0.0f64..1e9, 2..30), scale in 1e-3f64..1e3) {
            let scaled: Vec<f64> = values.iter().map(|x| x * scale).collect();
            let ones = vec![1.0; values.len()];
            if let (Some(a), Some(b)) = (concentration(&values, Classes::All), concentration(&scaled, Classes::All)) {
                prop_assert!((a.hhi - b.hhi).abs() < 1e-9 && (a.gini - b.gini).abs() < 1e-9);
                prop_assert!(a.hhi > 0.0 && a.hhi <= 1.0 + 1e-12 && a.gini < 1.0);
                // Against equal shares, the locational Gini is the Gini.
                let s = specificity(&values, &ones).expect("both");
                prop_assert!((s.locational_gini - a.gini).abs() < 1e-9);
                prop_assert!((0.0..=2.0).contains(&s.krugman) && s.hachman <= 1.0 + 1e-12);
            }
        }
    }
}
