//! Variety and concentration: how diversified a region is, and how unlike the others.

use super::period::Period;
use super::values::Values;
use space::{
    Classes, Concentration, Specificity, concentration, entropy, related_variety, specificity,
};

/// A measure of a region's concentration.
pub(super) fn concentrated(
    period: &Period<'_>,
    measure: fn(&Concentration) -> Option<f64>,
) -> Values {
    period.of_regions(|r| measure(&concentration(period.exports.row(r), Classes::Active)?))
}

/// A measure of how unlike all regions together a region is.
pub(super) fn specific(period: &Period<'_>, measure: fn(&Specificity) -> f64) -> Values {
    let exports = &period.exports;
    let found = |r: usize| specificity(exports.row(r), exports.product_totals());
    period.of_regions(|r| Some(measure(&found(r)?)))
}

/// How unevenly a product is spread over the regions.
pub(super) fn locational_gini(period: &Period<'_>) -> Values {
    let exports = &period.exports;
    period.of_products(|p| {
        let column: Vec<f64> = (0..exports.n_regions()).map(|r| exports.get(r, p)).collect();
        Some(specificity(&column, exports.region_totals())?.locational_gini)
    })
}

/// Each product for itself.
fn alone(period: &Period<'_>) -> Vec<usize> {
    (0..period.exports.n_products()).collect()
}

/// Entropy over products.
pub(super) fn entropy_of_products(period: &Period<'_>) -> Values {
    let all = alone(period);
    period.of_regions(|r| entropy(period.exports.row(r), &all))
}

/// Entropy within groups of products.
pub(super) fn variety_within_groups(period: &Period<'_>) -> Values {
    let all = alone(period);
    let groups = &period.question.groups;
    period.of_regions(|r| related_variety(period.exports.row(r), &all, groups))
}

/// Entropy over groups of products.
pub(super) fn variety_between_groups(period: &Period<'_>) -> Values {
    let groups = &period.question.groups;
    period.of_regions(|r| entropy(period.exports.row(r), groups))
}
