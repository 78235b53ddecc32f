//! Whether complexity means anything on the data at hand.
//!
//! ECI orders the countries of the world because what they export is nested and connected. On other data it need
//! not: these numbers say so, without a threshold of their own.

use crate::complexity::{ComplexityError, ComplexityParams, complexity};
use crate::network::{Nestedness, nestedness};
use crate::{Rca, RcaRule, Specialization};

/// What to look at beside ECI.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnostics {
    /// Share of the cells of active regions and products that are specialisations.
    pub fill: f64,
    /// The second largest eigenvalue: near 1 the regions nearly fall apart into groups.
    pub lambda_2: f64,
    /// Its distance to the third: near 0 two answers serve nearly equally.
    pub spectral_gap: f64,
    /// Pearson correlation of ECI and diversity: near 1, ECI says little more than diversity.
    pub diversity_correlation: f64,
    /// How nested the matrix is; `None` where it is too small.
    pub nestedness: Option<Nestedness>,
    /// The smaller rank correlation (Spearman, absolute) of ECI with that of thresholds a quarter lower and higher;
    /// `None` where those have no ECI.
    pub rank_stability: Option<f64>,
}

/// Pearson's correlation; `None` without spread in either.
pub(crate) fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let ((mean_a, _), (mean_b, _)) =
        (crate::complexity::moments(a, 0), crate::complexity::moments(b, 0));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - mean_a) * (y - mean_b);
        aa += (x - mean_a).powi(2);
        bb += (y - mean_b).powi(2);
    }
    (aa > 0.0 && bb > 0.0).then(|| ab / (aa * bb).sqrt())
}

/// Ranks from 1, ties sharing their mean.
#[expect(clippy::cast_precision_loss, reason = "ranks")]
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&a, &b| values[a].total_cmp(&values[b]).is_eq()) {
        let rank = first as f64 + (tied.len() as f64 + 1.0) / 2.0;
        tied.iter().for_each(|&at| ranks[at] = rank);
        first += tied.len();
    }
    ranks
}

/// Spearman's rank correlation of the places where both have a value; `None` without spread.
pub fn spearman(a: &[Option<f64>], b: &[Option<f64>]) -> Option<f64> {
    let (a, b): (Vec<f64>, Vec<f64>) =
        a.iter().zip(b).filter_map(|(a, b)| Some(((*a)?, (*b)?))).unzip();
    pearson(&ranks(&a), &ranks(&b))
}

/// Looks at the complexity of the specialisations above `threshold`.
///
/// # Errors
///
/// [`ComplexityError`] if there is none.
#[expect(clippy::cast_precision_loss, reason = "counts of regions and products")]
pub fn diagnostics(rca: &Rca, threshold: f64) -> Result<Diagnostics, ComplexityError> {
    let at = |threshold: f64| {
        let m = Specialization::new(rca, RcaRule::AtLeast(threshold));
        let found = complexity(&m, ComplexityParams::PY_ECOMPLEXITY)?;
        Ok::<_, ComplexityError>((m, found))
    };
    let (m, found) = at(threshold)?;
    let n_regions = found.eci.iter().flatten().count();
    let n_products = found.pci.iter().flatten().count();
    let n_cells: usize = (0..m.n_regions()).map(|r| m.diversity(r)).sum();
    let (eci, diversity): (Vec<f64>, Vec<f64>) = found
        .eci
        .iter()
        .enumerate()
        .filter_map(|(r, eci)| Some(((*eci)?, m.diversity(r) as f64)))
        .unzip();
    let stability = |factor: f64| {
        let (_, other) = at(threshold * factor).ok()?;
        spearman(&found.eci, &other.eci).map(f64::abs)
    };
    let rank_stability = match (stability(0.75), stability(1.25)) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => None,
    };
    Ok(Diagnostics {
        fill: n_cells as f64 / (n_regions * n_products) as f64,
        lambda_2: found.lambda_2,
        spectral_gap: found.lambda_2 - found.lambda_3,
        diversity_correlation: pearson(&eci, &diversity).unwrap_or(0.0),
        nestedness: nestedness(&m),
        rank_stability,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exports, Reference, rca};

    #[test]
    fn ranks_share_ties() {
        assert_eq!(ranks(&[10.0, 30.0, 10.0, 20.0]), [1.5, 4.0, 1.5, 3.0]);
        let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        let rising = spearman(&some(&[1.0, 2.0, 3.0]), &some(&[1.0, 10.0, 100.0]));
        assert!((rising.expect("spread") - 1.0).abs() < 1e-12);
        assert_eq!(spearman(&some(&[1.0, 1.0]), &some(&[1.0, 2.0])), None);
    }

    #[test]
    fn nested_data_are_stable_and_full() {
        // Region r exports the products up to r, evenly.
        let values = (0..20 * 30).map(|at| {
            if at % 30 <= 5 + at / 30 {
                1.0 + f64::from(u32::try_from(at % 7).expect("small"))
            } else {
                0.0
            }
        });
        let exports = Exports::new(20, 30, values.collect()).expect("valid");
        let found = diagnostics(&rca(&exports, Reference::Own), 1.0).expect("complexity");
        assert!((0.0..=1.0).contains(&found.fill) && found.spectral_gap > 0.0);
        assert!(found.diversity_correlation.abs() <= 1.0);
        assert!(found.rank_stability.is_none_or(|r| (0.0..=1.0).contains(&r)));
        assert!(diagnostics(&rca(&exports, Reference::Own), 1e9).is_err());
    }
}
