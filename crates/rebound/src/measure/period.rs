//! What is measured once for a period, for all metrics that need it.

use super::args::{Metric, Of};
use super::question::Question;
use super::values::{Column, Values};
use crate::region_table::Table;
use space::{
    Complexity, Density, Exports, Outlook, Rca, Reference, Relatedness, Specialization, complexity,
    density, outlook, rca,
};

/// What is measured once for a period, if a metric asks for it.
pub(super) struct Period<'q> {
    pub(super) question: &'q Question,
    /// Its place among the table's.
    pub(super) at: usize,
    pub(super) exports: Exports,
    pub(super) rca: Rca,
    pub(super) specialization: Specialization,
    pub(super) relatedness: Option<Relatedness>,
    pub(super) density: Option<Density>,
    pub(super) complexity: Option<Complexity>,
    pub(super) outlook: Option<Outlook>,
    /// Regions that have something in it.
    pub(super) regions: Vec<usize>,
    /// Products that it has something of.
    pub(super) products: Vec<usize>,
}

/// What the table has in a period.
fn exports_of(table: &Table, at: usize) -> std::io::Result<Exports> {
    let (n_regions, n_products) = (table.regions.len(), table.products.len());
    let mut values = vec![0.0; n_regions * n_products];
    for cell in &table.periods[at].cells {
        values[cell.region * n_products + cell.product] += cell.value;
    }
    Exports::new(n_regions, n_products, values)
        .map_err(|error| std::io::Error::other(error.to_string()))
}

/// Those that have something.
fn active(totals: &[f64]) -> Vec<usize> {
    totals.iter().enumerate().filter(|(_, total)| **total > 0.0).map(|(at, _)| at).collect()
}

/// The complexity of a period, unless it is too small to have one.
fn complexity_of(question: &Question, at: usize, m: &Specialization) -> Option<Complexity> {
    complexity(m, question.conventions.params)
        .inspect_err(|error| {
            let period = &question.table.periods[at].label;
            tracing::warn!(period, "no ECI and PCI: {error}");
        })
        .ok()
}

impl<'q> Period<'q> {
    /// Measures what the metrics of the question need of a period.
    pub(super) fn of(question: &'q Question, at: usize) -> std::io::Result<Self> {
        use Metric as M;
        cancel::check();
        let conventions = &question.conventions;
        let exports = exports_of(&question.table, at)?;
        let rca = rca(&exports, Reference::Own);
        let specialization = Specialization::new(&rca, conventions.rule);
        let needs_outlook = question.asks_for(&[M::OutlookGain, M::OutlookIndex]);
        let needs_density =
            needs_outlook || question.asks_for(&[M::Density, M::Distance, M::MeanDensity]);
        let needs_relatedness = needs_density
            || question.of == Of::Pairs
            || question.asks_for(&[
                M::ValueDensity,
                M::NearestDensity,
                M::RelatedCount,
                M::RelatedMass,
                M::Coherence,
            ]);
        let needs_complexity = needs_outlook || question.asks_for(&[M::Eci, M::Pci]);
        let complexity = || {
            if needs_complexity { complexity_of(question, at, &specialization) } else { None }
        };
        let density = || {
            let related = needs_relatedness
                .then(|| conventions.relatedness_of(&exports, &specialization, &rca));
            // Density is a share of what is related; of the pairs, those above 0 are shown as they are.
            let related = match question.of {
                Of::Pairs => related,
                _ => related.map(|found| found.floored(0.0)),
            };
            let density = match &related {
                Some(found) if needs_density => {
                    Some(density(&specialization, found, conventions.diagonal))
                }
                _ => None,
            };
            (related, density)
        };
        let (complexity, (related, density)) = rayon::join(complexity, density);
        let outlook = match (&related, &density, &complexity) {
            (Some(related), Some(density), Some(complexity)) if needs_outlook => {
                let pci = if conventions.outlook_is_standardized {
                    &complexity.pci
                } else {
                    &complexity.pci_uncentered
                };
                let (diagonal, gain) = (conventions.diagonal, conventions.gain);
                Some(outlook(&specialization, related, density, diagonal, pci, gain))
            }
            _ => None,
        };
        Ok(Self {
            question,
            at,
            regions: active(exports.region_totals()),
            products: active(exports.product_totals()),
            exports,
            rca,
            specialization,
            relatedness: related,
            density,
            complexity,
            outlook,
        })
    }

    /// A value of each cell, region after region, where there is one.
    pub(super) fn cells<T: Copy + Default + Send + Sync>(
        &self,
        value: impl Fn(usize, usize) -> Option<T> + Sync,
    ) -> Column<T> {
        let (regions, products) = (&self.regions, &self.products);
        Column::of_rows(regions.len(), products.len(), |row, at| value(regions[row], products[at]))
    }

    /// A number for each cell.
    pub(super) fn of_cells(&self, value: impl Fn(usize, usize) -> Option<f64> + Sync) -> Values {
        Values::Float(self.cells(value))
    }

    /// A number for each region.
    pub(super) fn of_regions(&self, value: impl Fn(usize) -> Option<f64>) -> Values {
        Values::Float(self.regions.iter().map(|&r| value(r)).collect())
    }

    /// A number for each product.
    pub(super) fn of_products(&self, value: impl Fn(usize) -> Option<f64>) -> Values {
        Values::Float(self.products.iter().map(|&p| value(p)).collect())
    }
}
