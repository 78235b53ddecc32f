//! Whether complexity means anything on the data at hand.
//!
//! ECI orders the countries of the world because what they export is nested and connected. On other data it need
//! not: these numbers say so, without a threshold of their own.

use crate::complexity::{ComplexityError, ComplexityParams, Spectrum, complexity};
use crate::network::{Nestedness, nestedness};
use crate::{Rca, RcaRule, Specialization};

/// What to look at beside ECI.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnostics {
    /// Share of the cells of active regions and products that are specialisations; `None` without any.
    pub fill: Option<f64>,
    /// The second largest eigenvalue: near 1 the regions nearly fall apart into groups; `None` where there is none.
    pub lambda_2: Option<f64>,
    /// Its distance to the third: near 0 two answers serve nearly equally.
    pub spectral_gap: Option<f64>,
    /// Pearson correlation of ECI and diversity: near 1, ECI says little more than diversity; `None` without ECI.
    pub diversity_correlation: Option<f64>,
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

/// Looks at the complexity of the specialisations `m` that `rule` makes of `rca`, by their `spectrum`.
#[expect(clippy::cast_precision_loss, reason = "counts of regions and products")]
pub fn diagnostics(
    rca: &Rca,
    rule: RcaRule,
    m: &Specialization,
    spectrum: &Result<Spectrum, ComplexityError>,
) -> Diagnostics {
    const PARAMS: ComplexityParams = ComplexityParams::PY_ECOMPLEXITY;
    let of_spectrum = spectrum.as_ref().map_err(|error| *error);
    let found = of_spectrum.and_then(|spectrum| spectrum.complexity(PARAMS));
    let n_regions = (0..m.n_regions()).filter(|&r| m.diversity(r) > 0).count();
    let n_products = (0..m.n_products()).filter(|&p| m.ubiquity(p) > 0).count();
    let n_cells: usize = (0..m.n_regions()).map(|r| m.diversity(r)).sum();
    let (lambda_2, lambda_3) = match &found {
        Ok(found) => (Some(found.lambda_2), Some(found.lambda_3)),
        Err(ComplexityError::NotUnique { lambda_2, lambda_3 }) => {
            (Some(*lambda_2), Some(*lambda_3))
        }
        Err(_) => (None, None),
    };
    let eci = found.map(|found| found.eci).unwrap_or_default();
    let (own, diversity): (Vec<f64>, Vec<f64>) = eci
        .iter()
        .enumerate()
        .filter_map(|(r, eci)| Some(((*eci)?, m.diversity(r) as f64)))
        .unzip();
    let stability = |factor: f64| {
        let rule = match rule {
            RcaRule::AtLeast(threshold) => RcaRule::AtLeast(threshold * factor),
            RcaRule::Above(threshold) => RcaRule::Above(threshold * factor),
        };
        let other = complexity(&Specialization::new(rca, rule), PARAMS);
        spearman(&eci, &other.ok()?.eci).map(f64::abs)
    };
    let rank_stability = match rayon::join(|| stability(0.75), || stability(1.25)) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => None,
    };
    Diagnostics {
        fill: (n_cells > 0).then(|| n_cells as f64 / (n_regions * n_products) as f64),
        lambda_2,
        spectral_gap: lambda_2.zip(lambda_3).map(|(second, third)| second - third),
        diversity_correlation: pearson(&own, &diversity),
        nestedness: nestedness(m),
        rank_stability,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complexity::spectrum;
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
        let rca = rca(&exports, Reference::Own);
        let diagnosed = |threshold: f64| {
            let rule = RcaRule::AtLeast(threshold);
            let m = Specialization::new(&rca, rule);
            diagnostics(&rca, rule, &m, &spectrum(&m))
        };
        let found = diagnosed(1.0);
        assert!(found.fill.is_some_and(|fill| (0.0..=1.0).contains(&fill)));
        assert!(found.spectral_gap.is_some_and(|gap| gap > 0.0));
        assert!(found.diversity_correlation.is_some_and(|r| r.abs() <= 1.0));
        assert!(found.rank_stability.is_none_or(|r| (0.0..=1.0).contains(&r)));
        let none = diagnosed(1e9);
        assert_eq!((none.fill, none.lambda_2, none.nestedness), (None, None, None));
    }
}
