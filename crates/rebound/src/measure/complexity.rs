//! Complexity: of regions and products together, by three methods, and what it promises a region.

use super::period::Period;
use super::values::Values;
use space::complexity::{Fitness, FitnessParams, fitness, reflections, standardized};

/// The economic complexity index of regions.
pub(super) fn eci(period: &Period<'_>) -> Values {
    period.of_regions(|r| period.complexity.as_ref()?.eci[r])
}

/// The product complexity index.
pub(super) fn pci(period: &Period<'_>) -> Values {
    period.of_products(|p| period.complexity.as_ref()?.pci[p])
}

/// ECI by reflections.
pub(super) fn eci_reflections(period: &Period<'_>) -> Values {
    let ddof = period.question.conventions.params.ddof;
    let found = reflections(&period.specialization, period.question.reflections, ddof).ok();
    period.of_regions(|r| found.as_ref()?.regions[r])
}

/// The fitness of regions and the complexity of products that belong together.
fn fitness_of(period: &Period<'_>) -> Option<Fitness> {
    let params = FitnessParams { max_iterations: 1000, tolerance: 1e-10 };
    let found = fitness(&period.specialization, params).ok()?;
    if !found.converged {
        tracing::warn!(
            steps = found.iterations,
            change = found.change,
            "fitness did not converge: some values tend to 0"
        );
    }
    Some(found)
}

/// Fitness of regions.
pub(super) fn region_fitness(period: &Period<'_>) -> Values {
    let found = fitness_of(period);
    period.of_regions(|r| found.as_ref()?.fitness[r])
}

/// Complexity of products that fitness goes by.
pub(super) fn product_complexity(period: &Period<'_>) -> Values {
    let found = fitness_of(period);
    period.of_products(|p| found.as_ref()?.complexity[p])
}

/// What a product would bring nearer to a region.
pub(super) fn outlook_gain(period: &Period<'_>) -> Values {
    period.of_cells(|r, p| period.outlook.as_ref()?.gain(r, p))
}

/// How near a region is to complex products.
pub(super) fn outlook_index(period: &Period<'_>) -> Values {
    let coi: Vec<Option<f64>> = (0..period.exports.n_regions())
        .map(|r| {
            let outlook = period.outlook.as_ref()?;
            (period.exports.region_totals()[r] > 0.0).then(|| outlook.coi[r])
        })
        .collect();
    let found = standardized(&coi, period.question.conventions.params.ddof);
    period.of_regions(|r| found[r])
}
