//! Rows of the product space.

use super::super::cube::Cube;
use super::super::rows::Rows;
use super::changes::Changes;
use super::product_space::ProductSpace;
use super::tables::{
    ProductYear, ProductYearRow, Proximity, ProximityRow, RegionYear, RegionYearRow, YearRow,
};
use super::year::{YearSpace, reason};
use rayon::prelude::*;
use space::{Change, Link, TestedLink, backbone};
use std::collections::BTreeMap;

/// Makes the rows of a year.
pub(super) struct YearRows<'a> {
    pub(super) cube: &'a Cube,
    pub(super) year: i32,
    pub(super) space: &'a YearSpace<'a>,
    pub(super) changes: Option<&'a Changes<'a>>,
}

impl<'a> YearRows<'a> {
    /// Adds a row for each region that exports.
    pub(super) fn regions(&self, rows: &mut Rows<RegionYear>) {
        let regions = (0..self.cube.regions.len()).into_par_iter();
        let active = regions.filter(|&region| self.space.region_is_active(region));
        let found: Vec<RegionYearRow<'_>> = active.map(|region| self.region(region)).collect();
        found.into_iter().for_each(|row| rows.push(row));
    }

    fn region(&self, region: usize) -> RegionYearRow<'a> {
        let space = self.space;
        let traded = |p: usize| space.product_is_active(p);
        let held = |p: usize| space.specialization.get(region, p);
        let (eci, why) = match &space.complexity {
            Ok(complexity) => (complexity.eci[region], "no_specialization"),
            Err(error) => (None, reason(error)),
        };
        let n = |of: fn(Change) -> Option<bool>| {
            let changes = self.changes?;
            let products = 0..self.cube.products.len();
            Some(products.filter(|&p| changes.at(region, p).and_then(of) == Some(true)).count())
        };
        let expy = space.expy.get(region).copied().flatten();
        RegionYearRow {
            year: self.year,
            region_code: &self.cube.regions[region],
            diversity: space.specialization.diversity(region),
            mean_density: space.density.mean(region, traded),
            internal_density: space.density.mean(region, |p| traded(p) && held(p)),
            external_density: space.density.mean(region, |p| traded(p) && !held(p)),
            coherence: space.coherence[region],
            eci,
            eci_null_reason: eci.is_none().then_some(why),
            eci_reflections: space.reflections.as_ref().and_then(|found| found.regions[region]),
            fitness: space.fitness.as_ref().and_then(|found| found.fitness[region]),
            outlook_index: space.outlook_index.get(region).copied().flatten(),
            eci_external: space.eci_external.as_ref().and_then(|eci| eci[region]),
            n_entries: n(Change::entry),
            n_exits: n(Change::exit),
            expy: expy.map(|expy| expy.value),
            expy_coverage: expy.map(|expy| expy.coverage),
        }
    }

    /// Adds a row for each product that is exported.
    pub(super) fn products(&self, rows: &mut Rows<ProductYear>) {
        let active = (0..self.cube.products.len()).filter(|&p| self.space.product_is_active(p));
        active.for_each(|product| rows.push(self.product(product)));
    }

    fn product(&self, product: usize) -> ProductYearRow<'a> {
        let space = self.space;
        let (pci, why) = match &space.complexity {
            Ok(complexity) => (complexity.pci[product], "no_specialization"),
            Err(error) => (None, reason(error)),
        };
        ProductYearRow {
            year: self.year,
            product: &self.cube.products[product],
            ubiquity: space.specialization.ubiquity(product),
            pci,
            pci_null_reason: pci.is_none().then_some(why),
            fitness_complexity: space.fitness.as_ref().and_then(|found| found.complexity[product]),
            prody: space.prody.get(product).copied().flatten(),
        }
    }

    /// The row of the year.
    pub(super) fn year(&self) -> YearRow {
        let space = self.space;
        let (found, fitness) = (space.diagnostics, space.fitness.as_ref());
        YearRow {
            year: self.year,
            n_regions: space.n_regions,
            n_regions_kept: space.cleaned.regions.len(),
            n_products: space.n_products,
            n_products_kept: space.cleaned.products.len(),
            value_share_kept: space.cleaned.value_share,
            cleaning_rounds: space.cleaned.rounds,
            n_regions_with_income: space.n_regions_with_income,
            fill: found.fill,
            lambda_2: found.lambda_2,
            spectral_gap: found.spectral_gap,
            eci_diversity_correlation: found.diversity_correlation,
            nodf: found.nestedness.map(|n| n.all),
            eci_rank_stability: found.rank_stability,
            fitness_iterations: fitness.map(|f| f.iterations),
            fitness_change: fitness.map(|f| f.change).filter(|change| change.is_finite()),
            is_fitness_converged: fitness.map(|f| f.converged),
        }
    }
}

/// The pairs of products that are related by `from` or more, and those of the tree.
pub(super) fn pairs(cube: &Cube, space: &ProductSpace, from: f64) -> Rows<Proximity> {
    let mut rows = Rows::<Proximity>::default();
    let tested: BTreeMap<(usize, usize), &TestedLink> =
        space.tested.iter().flatten().map(|link| ((link.p, link.q), link)).collect();
    for Link { p, q, value, is_in_tree } in backbone(&space.relatedness, from) {
        let test = tested.get(&(p, q));
        rows.push(ProximityRow {
            product_a: &cube.products[p],
            product_b: &cube.products[q],
            proximity: value,
            is_in_tree,
            co_occurrence: test.map(|test| test.co_occurrence),
            p_value: test.map(|test| test.p_value),
            q_value: test.map(|test| test.q_value),
        });
    }
    rows
}
