//! How related a product is to what a region has.

use super::period::Period;
use super::values::Values;
use space::{Density, Surroundings};

/// A density, as `change` shows it.
fn of_density(period: &Period<'_>, density: Option<&Density>, change: fn(f64) -> f64) -> Values {
    period.of_cells(|r, p| density?.get(r, p).map(change))
}

/// The share of what is related to a product that the region is specialised in.
pub(super) fn density(period: &Period<'_>) -> Values {
    of_density(period, period.density.as_ref(), |density| density)
}

/// What density lacks of 1.
pub(super) fn distance(period: &Period<'_>) -> Values {
    of_density(period, period.density.as_ref(), |density| 1.0 - density)
}

/// Density by the region's shares in place of its specialisation.
pub(super) fn value_density(period: &Period<'_>) -> Values {
    let diagonal = period.question.conventions.diagonal;
    let related = period.relatedness.as_ref();
    let found = related.map(|related| space::value_density(&period.exports, related, diagonal));
    of_density(period, found.as_ref(), |density| density)
}

/// Density among the nearest products alone.
pub(super) fn nearest_density(period: &Period<'_>) -> Values {
    let m = &period.specialization;
    let related = period.relatedness.as_ref();
    let found =
        related.map(|related| space::nearest_density(m, &related.nearest(period.question.nearest)));
    of_density(period, found.as_ref(), |density| density)
}

/// What is around each product among the closest share of pairs.
fn surroundings(period: &Period<'_>) -> Option<Surroundings> {
    let related = period.relatedness.as_ref()?;
    let share = period.question.related_share;
    let threshold = related.threshold_of_closest(share).unwrap_or(f64::INFINITY);
    Some(space::surroundings(&period.specialization, related, &related.at_least(threshold)))
}

/// Related products that the region is specialised in.
pub(super) fn related_count(period: &Period<'_>) -> Values {
    let around = surroundings(period);
    let count = |r: usize, p: usize| i64::try_from(around.as_ref()?.count(r, p)).ok();
    Values::Count(period.cells(count))
}

/// How related those are, all together.
pub(super) fn related_mass(period: &Period<'_>) -> Values {
    let around = surroundings(period);
    period.of_cells(|r, p| Some(around.as_ref()?.mass(r, p)))
}

/// The mean density of a region, over the products that are traded.
pub(super) fn mean_density(period: &Period<'_>) -> Values {
    let traded = |p: usize| period.exports.product_totals()[p] > 0.0;
    period.of_regions(|r| period.density.as_ref()?.mean(r, traded))
}

/// How related the products of a region are to each other.
pub(super) fn coherence(period: &Period<'_>) -> Values {
    let related = period.relatedness.as_ref();
    let found = related.map(|related| space::coherence(&period.exports, related));
    period.of_regions(|r| found.as_ref()?[r])
}
