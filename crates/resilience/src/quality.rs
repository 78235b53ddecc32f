//! Unit values and quality of one product, in one unit of measure and one period, over the regions that export it.
//!
//! ```text
//! p[r] = value[r] / quantity[r]                                            unit value
//! relative[r] = p[r] / (sum of values / sum of quantities)
//! quality[r] = e[r] / (sigma - 1),  ln q[r] + sigma ln p[r] = a + e[r]     Khandelwal, Schott & Wei (2013)
//! ```
//!
//! `a` is the mean over the regions, which holds what belongs to the product and the period; there is no destination
//! here to take out.
//!
//! # Conventions
//!
//! * Unit values in the outer shares of their distribution are outliers, mostly wrong quantities, and left out of all
//!   sums; of fewer than [`FEWEST_TO_TRIM`] regions none is.

use crate::bootstrap::quantile;

/// Regions from which on outliers are told from others.
pub const FEWEST_TO_TRIM: usize = 50;

/// How quality is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualityParams {
    /// Elasticity of substitution, above 1.
    pub sigma: f64,
    /// Share of each tail of the unit values that is left out.
    pub trimmed_share: f64,
}

/// A region's unit value and quality.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Value over quantity, in currency a unit.
    pub unit_value: f64,
    /// Over that of all regions together; `None` for an outlier, or if no other region exports the product.
    pub relative: Option<f64>,
    /// Log points; `None` where there is no relative unit value.
    pub quality: Option<f64>,
}

/// Measures the regions with these quantities and values; `None` where one of both is not above zero.
pub fn quality(observed: &[(f64, f64)], params: QualityParams) -> Vec<Option<Quality>> {
    let unit_value =
        |&(quantity, value): &(f64, f64)| (quantity > 0.0 && value > 0.0).then(|| value / quantity);
    let unit_values: Vec<Option<f64>> = observed.iter().map(unit_value).collect();
    let mut sorted: Vec<f64> = unit_values.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let limits = if sorted.len() < FEWEST_TO_TRIM {
        (0.0, f64::INFINITY)
    } else {
        (quantile(&sorted, params.trimmed_share), quantile(&sorted, 1.0 - params.trimmed_share))
    };
    let is_kept = |unit_value: f64| limits.0 <= unit_value && unit_value <= limits.1;
    let (mut n, mut quantities, mut values, mut sum) = (0_u32, 0.0, 0.0, 0.0);
    let demand = |quantity: f64, unit_value: f64| quantity.ln() + params.sigma * unit_value.ln();
    for (&(quantity, value), unit_value) in observed.iter().zip(&unit_values) {
        if let Some(unit_value) = unit_value.filter(|unit_value| is_kept(*unit_value)) {
            n += 1;
            quantities += quantity;
            values += value;
            sum += demand(quantity, unit_value);
        }
    }
    let mean = sum / f64::from(n.max(1));
    let rows = observed.iter().zip(&unit_values);
    rows.map(|(&(quantity, _), &unit_value)| {
        let unit_value = unit_value?;
        let is_compared = n > 1 && is_kept(unit_value);
        Some(Quality {
            unit_value,
            relative: is_compared.then(|| unit_value / (values / quantities)),
            quality: is_compared
                .then(|| (demand(quantity, unit_value) - mean) / (params.sigma - 1.0)),
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: QualityParams = QualityParams { sigma: 5.0, trimmed_share: 0.01 };

    #[test]
    fn dearer_at_the_same_quantity_is_better() {
        // Two regions sell 10 units, at 2 and at 4.
        let found = quality(&[(10.0, 20.0), (10.0, 40.0), (0.0, 5.0)], PARAMS);
        let [Some(cheap), Some(dear), None] = found[..] else { panic!("{found:?}") };
        assert!((cheap.unit_value - 2.0).abs() < 1e-12 && (dear.unit_value - 4.0).abs() < 1e-12);
        assert!((dear.relative.expect("compared") - 4.0 / 3.0).abs() < 1e-12);
        // sigma ln 2 apart, over sigma - 1, around their mean.
        let half = 5.0 * 2.0_f64.ln() / 4.0 / 2.0;
        assert!((dear.quality.expect("compared") - half).abs() < 1e-12);
        assert!((cheap.quality.expect("compared") + half).abs() < 1e-12);
    }

    #[test]
    fn more_sold_at_the_same_price_is_better() {
        let found = quality(&[(10.0, 20.0), (40.0, 80.0)], PARAMS);
        let of = |at: usize| found[at].expect("observed").quality.expect("compared");
        assert!((of(1) - of(0) - 4.0_f64.ln() / 4.0).abs() < 1e-12);
    }

    #[test]
    fn alone_or_far_out_is_not_compared() {
        let alone = quality(&[(10.0, 20.0)], PARAMS)[0].expect("observed");
        assert_eq!((alone.relative, alone.quality), (None, None));
        let mut many: Vec<(f64, f64)> =
            (0..200).map(|at| (1.0, 100.0 + f64::from(at % 10))).collect();
        many.push((1.0, 1e9));
        let found = quality(&many, PARAMS);
        let last = found[200].expect("observed");
        assert_eq!(last.relative, None, "a unit value ten million times the others'");
        let first = found[9].expect("observed");
        assert!(first.relative.expect("compared") > 1.0, "it does not weigh in the sum either");
    }
}
