//! What each region exports of each product, by whom, and how it falls and comes back.

use super::firms::{Firm, FirmPool, SECTORS};
use super::nation::{Nation, SynthError};
use super::process::{NOISE, RECOVERY, RESISTANCE, UPGRADING, effect};
use super::products::rebate;
use super::random::Random;
use super::regions::Place;
use space::{
    Density, Diagonal, Exports, RcaRule, Reference, Specialization, density, proximity, rca,
};
use trade::Hs6;

/// The exports of a product of a region.
pub(super) struct Cell {
    pub(super) region: usize,
    pub(super) product: usize,
    /// Their value in the base year.
    pub(super) base: f64,
    pub(super) firms: Vec<Firm>,
    pub(super) foreign: f64,
    pub(super) processing: f64,
    pub(super) density: f64,
    pub(super) rebate: f64,
    pub(super) resistance: f64,
    pub(super) recovery: f64,
    /// Whether it is exported from [`ENTRY_YEAR`](super::process::ENTRY_YEAR) on only.
    pub(super) is_entry: bool,
}

impl Cell {
    /// Its value in a year: 2008 is the base, 2009 the trough, 2011 the end of the return.
    pub(super) fn value_in(&self, year: i32, random: &mut Random) -> f64 {
        let noise = 0.1 * random.normal();
        let change = match year {
            2008 => 0.0,
            2009 => self.resistance,
            2010 => self.resistance + 0.6 * self.recovery + noise,
            2011 => self.resistance + self.recovery,
            ..=2007 => 0.1 * f64::from(year - 2008) + noise,
            2012.. => self.resistance + self.recovery + 0.05 * f64::from(year - 2011) + noise,
        };
        self.base * change.exp()
    }
}

/// What makes a region export a product: nested capabilities, and sectors.
struct Pattern<'a> {
    seed: u64,
    n_products: usize,
    /// By region.
    capability: Vec<f64>,
    /// By product.
    difficulty: Vec<f64>,
    size: Vec<f64>,
    sector: Vec<usize>,
    /// Of regions to sectors.
    affinity: Vec<f64>,
    firms: FirmPool<'a>,
}

/// A product that a region exports in the base year.
struct Reached {
    region: usize,
    product: usize,
    base: f64,
    firms: Vec<Firm>,
    /// Where the random numbers of the cell go on.
    random: Random,
}

impl<'a> Pattern<'a> {
    fn new(nation: &'a Nation, regions: &'a [Place]) -> Self {
        let (n, m) = (nation.regions, nation.products);
        let mut random = Random::of(nation.seed, 1);
        let capability: Vec<f64> = (0..n).map(|_| 1.3 * random.normal()).collect();
        let openness: Vec<f64> = (0..n).map(|_| 0.15 + 0.5 * random.unit()).collect();
        let difficulty: Vec<f64> = (0..m).map(|_| 1.2 * random.normal()).collect();
        let size: Vec<f64> = (0..m).map(|_| 1.2 * random.normal()).collect();
        let sector: Vec<usize> = (0..m).map(|_| random.below(SECTORS)).collect();
        let affinity: Vec<f64> = (0..n * SECTORS).map(|_| 0.8 * random.normal()).collect();
        let per_sector = (m / 40).clamp(2, 900);
        let firms = FirmPool { nation, regions, openness, per_sector };
        let seed = nation.seed;
        Self { seed, n_products: m, capability, difficulty, size, sector, affinity, firms }
    }

    /// What `region` exports of `product` in the base year, if it does.
    fn reached(&self, region: usize, product: usize) -> Option<Reached> {
        let mut random = Random::of(self.seed, 2 + (region * self.n_products + product) as u64);
        let base = self.capability[region] - self.difficulty[product]
            + self.affinity[region * SECTORS + self.sector[product]]
            - 0.8;
        if base + random.normal() < 0.0 {
            return None;
        }
        let logarithm = 12.5 + 0.6 * base + self.size[product] + 1.4 * random.normal();
        let value = logarithm.exp().round().max(1000.0);
        let n_firms = 1 + random.below(3);
        let firms = (0..n_firms)
            .map(|_| self.firms.draw(region, self.sector[product], &mut random))
            .collect();
        Some(Reached { region, product, base: value, firms, random })
    }

    /// What `region` exports of `product`, which enters: its value and by whom.
    fn entered(&self, region: usize, product: usize, mut random: Random) -> (f64, Vec<Firm>) {
        let base = (11.0 + self.size[product] + 0.5 * random.normal()).exp().max(1000.0);
        (base, vec![self.firms.draw(region, self.sector[product], &mut random)])
    }
}

/// The exports that are there, and what is around them.
struct Surroundings<'a> {
    nation: &'a Nation,
    products: &'a [Hs6],
    exports: Exports,
    density: Density,
}

impl Surroundings<'_> {
    /// The cell of a product that is exported in the base year.
    fn settled(&self, reached: Reached) -> Cell {
        let Reached { region, product, base, firms, mut random } = reached;
        let total: u128 = firms.iter().map(|firm| firm.weight).sum();
        let share = |of: fn(&Firm) -> bool| {
            let part: u128 = firms.iter().filter(|firm| of(firm)).map(|firm| firm.weight).sum();
            part as f64 / total as f64
        };
        let (foreign, processing) = (share(|f| f.is_foreign), share(|f| f.is_processing));
        let rebate = rebate(self.nation, self.products[product]);
        let density = self.density.get(region, product).unwrap_or(0.0);
        let x = [density, rebate, foreign, processing];
        let resistance = effect(RESISTANCE, x) + NOISE * random.normal();
        let recovery = effect(RECOVERY, x) + NOISE * random.normal();
        Cell {
            region,
            product,
            base,
            firms,
            foreign,
            processing,
            density,
            rebate,
            resistance,
            recovery,
            is_entry: false,
        }
    }

    /// The cells of products that enter in a region with these shares of foreign firms and of
    /// processing.
    fn entries(
        &self,
        pattern: &Pattern<'_>,
        region: usize,
        [foreign, processing]: [f64; 2],
    ) -> Vec<Cell> {
        let m = self.nation.products;
        let mut entries = Vec::new();
        for product in (0..m).filter(|product| self.exports.get(region, *product) <= 0.0) {
            // A product of nobody is in nobody's surroundings.
            let Some(density) = self.density.get(region, product) else { continue };
            let rebate = rebate(self.nation, self.products[product]);
            let what = (1 << 61) + (region * m + product) as u64;
            let mut random = Random::of(self.nation.seed, what);
            if random.unit() < effect(UPGRADING, [density, rebate, foreign, processing]) {
                let (base, firms) = pattern.entered(region, product, random);
                entries.push(Cell {
                    region,
                    product,
                    base,
                    firms,
                    foreign,
                    processing,
                    density,
                    rebate,
                    resistance: 0.0,
                    recovery: 0.0,
                    is_entry: true,
                });
            }
        }
        entries
    }
}

/// The cells of a nation: those that are there in the base year, then those that enter.
pub(super) fn cells(
    nation: &Nation,
    regions: &[Place],
    products: &[Hs6],
) -> Result<Vec<Cell>, SynthError> {
    let (n, m) = (nation.regions, nation.products);
    let pattern = Pattern::new(nation, regions);
    let mut values = vec![0.0; n * m];
    let mut found = Vec::new();
    for region in 0..n {
        for product in 0..m {
            if let Some(reached) = pattern.reached(region, product) {
                values[region * m + product] = reached.base;
                found.push(reached);
            }
        }
    }
    let exports = Exports::new(n, m, values)
        .map_err(|error| SynthError::Request(format!("no exports were made: {error}")))?;
    let specialization = Specialization::new(&rca(&exports, Reference::Own), RcaRule::AtLeast(1.0));
    let density = density(&specialization, &proximity(&specialization), Diagonal::Excluded);
    let surroundings = Surroundings { nation, products, exports, density };
    let settled = found.into_iter().map(|reached| surroundings.settled(reached));
    let mut cells: Vec<Cell> = settled.collect();

    let mut totals = vec![[0.0; 3]; n];
    for cell in &cells {
        let of_region = [1.0, cell.foreign, cell.processing].map(|share| share * cell.base);
        totals[cell.region].iter_mut().zip(of_region).for_each(|(total, part)| *total += part);
    }
    for (region, [total, foreign, processing]) in totals.into_iter().enumerate() {
        if total > 0.0 {
            let shares = [foreign / total, processing / total];
            cells.extend(surroundings.entries(&pattern, region, shares));
        }
    }
    Ok(cells)
}
