//! Specialisation: RCA, and where it is high enough.

use super::period::Period;
use super::values::Values;
use space::symmetric;

/// Revealed comparative advantage.
pub(super) fn rca(period: &Period<'_>) -> Values {
    period.of_cells(|r, p| period.rca.get(r, p))
}

/// RCA, symmetric around 0.
pub(super) fn symmetric_rca(period: &Period<'_>) -> Values {
    period.of_cells(|r, p| period.rca.get(r, p).map(symmetric))
}

/// Whether a region is specialised in a product.
pub(super) fn specialized(period: &Period<'_>) -> Values {
    let m = &period.specialization;
    Values::Flag(period.cells(|r, p| Some(m.get(r, p))))
}

/// Products that a region is specialised in.
pub(super) fn diversity(period: &Period<'_>) -> Values {
    let m = &period.specialization;
    Values::Count(period.regions.iter().map(|&r| i64::try_from(m.diversity(r)).ok()).collect())
}

/// Regions that are specialised in a product.
pub(super) fn ubiquity(period: &Period<'_>) -> Values {
    let m = &period.specialization;
    Values::Count(period.products.iter().map(|&p| i64::try_from(m.ubiquity(p)).ok()).collect())
}
