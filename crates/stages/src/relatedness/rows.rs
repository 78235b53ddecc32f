//! Rows of the product space.

use super::super::cube::Cube;
use super::super::rows::Rows;
use super::changes::Changes;
use super::product_space::ProductSpace;
use super::tables::{
    ProductYear, ProductYearRow, Proximity, ProximityRow, RegionProductYear, RegionProductYearRow,
    RegionYear, RegionYearRow, YearRow,
};
use super::year::{YearSpace, reason};
use space::{Change, Link, TestedLink, backbone, jump, symmetric};
use std::collections::BTreeMap;
use std::ops::Range;

/// Makes the rows of a year.
pub(super) struct YearRows<'a> {
    pub(super) cube: &'a Cube,
    pub(super) year: i32,
    pub(super) space: &'a YearSpace,
    pub(super) changes: Option<&'a Changes<'a>>,
}

impl<'a> YearRows<'a> {
    /// The cells of some of the regions.
    pub(super) fn cells(&self, regions: Range<usize>) -> Rows<RegionProductYear> {
        let mut rows = Rows::<RegionProductYear>::default();
        for region in regions {
            for product in 0..self.cube.products.len() {
                if let Some(row) = self.cell(region, product) {
                    rows.push(row);
                }
            }
        }
        rows
    }

    fn cell(&self, region: usize, product: usize) -> Option<RegionProductYearRow<'a>> {
        let space = self.space;
        let rca = space.rca.get(region, product)?;
        if !space.product_is_active(product) {
            return None;
        }
        let density = space.density.get(region, product);
        let change = self.changes.and_then(|changes| changes.at(region, product));
        let (low, high) = (space.jump_from, space.jump_to);
        let before = space.before.as_ref();
        let jumped = before.and_then(|before| jump(before, &space.rca, region, product, low, high));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of products"
        )]
        let related_count = space.surroundings.count(region, product) as usize;
        Some(RegionProductYearRow {
            year: self.year,
            region_code: &self.cube.regions[region],
            product: &self.cube.products[product],
            rca,
            rsca: symmetric(rca),
            is_specialized: space.specialization.get(region, product),
            density,
            density_null_reason: density.is_none().then_some("isolated"),
            value_density: space.value_density.get(region, product),
            nearest_density: space.nearest.get(region, product),
            related_mass: space.surroundings.mass(region, product),
            related_count,
            group_entropy: space.around.group(region, product).filter(|_| space.has_groups),
            weighted_entropy: space.around.weighted(region, product),
            unrelated_entropy: space.around.unrelated(region, product),
            outlook_gain: space.outlook.as_ref().and_then(|found| found.gain(region, product)),
            entered: change.and_then(Change::entry),
            exited: change.and_then(Change::exit),
            jumped,
            rpop: space.rpop.as_ref().and_then(|rpop| rpop.get(region, product)),
        })
    }

    /// Adds a row for each region that exports.
    pub(super) fn regions(&self, rows: &mut Rows<RegionYear>) {
        let active = (0..self.cube.regions.len()).filter(|&r| self.space.region_is_active(r));
        active.for_each(|region| rows.push(self.region(region)));
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
