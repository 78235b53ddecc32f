//! Shift-share: a region's change as national, mix and competitive parts (Dunn 1960), and what
//! others made of it.
//!
//! With `x0`, `x1` the exports of region `r` at both ends, `g` growth and `N` all regions:
//!
//! ```text
//! change[r] = g[N] x0[r]  +  sum over p of (g[p] - g[N]) x0[r,p]  +  the rest
//!              national         mix                                   competitive
//! ```
//!
//! The competitive part is `sum over p of (x1[r,p] - (1 + g[p]) x0[r,p])`, so that products new to
//! the nation are in it and the three parts always add up to the change.
//!
//! Esteban-Marquillas (1972) divides it by the exports `h` that the region would have in a product
//! if it had the nation's structure (homothetic), so that a region's mix is not in its competitive
//! part:
//!
//! ```text
//! h[r,p]      = x0[r] X0[p] / X0
//! d[r,p]      = g[r,p] - g[p]
//! competitive = sum of h[r,p] d[r,p]  +  sum of (x0[r,p] - h[r,p]) d[r,p]  +  entering
//!                homothetic             allocation
//! ```
//!
//! Arcelus (1984) divides each part so: see [`Arcelus`].
//!
//! The dynamic form (Barff & Knight 1988) is the sum of these parts over the periods of a stage,
//! each from the structure and at the rates of its own: [`shift_share_step`], summed by the caller.
//!
//! # Conventions
//!
//! * A product that the region does not export at the start has no growth rate there. What it
//!   exports of it at the end is `entering`, a part of its own; beside that the product is taken to
//!   grow as in the nation, so that it has no homothetic competitive part and no allocation.
//! * A product of which the region exports little at the start may grow a thousandfold: its
//!   homothetic part and its allocation are then large and of opposite signs.

use crate::benchmark::{Benchmark, Stage};
use std::ops::AddAssign;

/// The three parts, in units of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ShiftShare {
    /// What growth at the national rate would have given.
    pub national: f64,
    /// What the region's products gave by growing faster or slower than the nation.
    pub mix: f64,
    /// What the region gained or lost within its products.
    pub competitive: f64,
}

impl AddAssign for ShiftShare {
    fn add_assign(&mut self, other: Self) {
        self.national += other.national;
        self.mix += other.mix;
        self.competitive += other.competitive;
    }
}

/// Splits the change of `region`'s exports over `stage`; `None` if it starts from nothing.
pub fn shift_share(stage: &Stage, region: usize) -> Option<ShiftShare> {
    let national = stage.expected_change(Benchmark::Aggregate, region)?;
    let expected = stage.expected_change(Benchmark::Mix, region)?;
    let change = stage.end().region_totals()[region] - stage.start().region_totals()[region];
    Some(ShiftShare { national, mix: expected - national, competitive: change - expected })
}

/// One period of the dynamic form: as [`shift_share`], but what starts from nothing is competitive
/// as a whole, since a region may export nothing for a period on its way.
pub fn shift_share_step(stage: &Stage, region: usize) -> ShiftShare {
    let competitive = stage.end().region_totals()[region] - stage.start().region_totals()[region];
    let new = ShiftShare { competitive, ..ShiftShare::default() };
    shift_share(stage, region).unwrap_or(new)
}

/// The parts of a product of a region, or of all its products, in units of the currency.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProductShares {
    /// What growth at the national rate would have given.
    pub national: f64,
    /// What the product gave by growing faster or slower than the nation.
    pub mix: f64,
    /// What the region gained or lost within the product: the three below.
    pub competitive: f64,
    /// The same on the exports that the region would have with the nation's structure.
    pub competitive_homothetic: f64,
    /// What it gained or lost by being specialised where it grows faster or slower than the nation.
    pub allocation: f64,
    /// Exports at the end of a product that it did not export at the start.
    pub entering: f64,
}

impl AddAssign for ProductShares {
    fn add_assign(&mut self, other: Self) {
        self.national += other.national;
        self.mix += other.mix;
        self.competitive += other.competitive;
        self.competitive_homothetic += other.competitive_homothetic;
        self.allocation += other.allocation;
        self.entering += other.entering;
    }
}

/// What the parts of a region's product are made from.
struct Cell {
    /// Exports at start and end.
    start: f64,
    end: f64,
    /// Exports at the start with the nation's structure.
    homothetic: f64,
    /// Growth of the nation, of the product there and in the region.
    of_nation: f64,
    of_product: f64,
    own: f64,
}

impl Cell {
    /// That of `product`, or nothing if nobody exports it at the start.
    fn of(stage: &Stage, region: usize, product: usize) -> Option<Self> {
        let (start, end) = (stage.start().get(region, product), stage.end().get(region, product));
        let of_product = stage.product_growth(product)?;
        Some(Self {
            start,
            end,
            homothetic: stage.start().region_totals()[region] * stage.start_share(product)?,
            of_nation: stage.national_growth()?,
            of_product,
            own: if start > 0.0 { end / start - 1.0 } else { of_product },
        })
    }

    /// What the region exports of it at the end, if nothing at the start.
    fn entering(&self) -> f64 {
        if self.start > 0.0 { 0.0 } else { self.end }
    }
}

/// Splits the change of each product of `region` over `stage`, in the order of the products; `None`
/// if the region starts from nothing. The parts add up to those of [`shift_share`].
pub fn shift_share_by_product(stage: &Stage, region: usize) -> Option<Vec<ProductShares>> {
    let has_base = stage.start().region_totals()[region] > 0.0;
    let shares = |product: usize| {
        let cell = Cell::of(stage, region, product).filter(|cell| cell.start > 0.0);
        let Some(Cell { start, end, homothetic, of_nation, of_product, own }) = cell else {
            let new = stage.end().get(region, product);
            return ProductShares { competitive: new, entering: new, ..ProductShares::default() };
        };
        ProductShares {
            national: of_nation * start,
            mix: (of_product - of_nation) * start,
            competitive: end - (1.0 + of_product) * start,
            competitive_homothetic: homothetic * (own - of_product),
            allocation: (start - homothetic) * (own - of_product),
            entering: 0.0,
        }
    };
    has_base.then(|| (0..stage.start().n_products()).map(shares).collect())
}

/// The sum of [`shift_share_by_product`] over a region's products.
pub fn shift_share_homothetic(stage: &Stage, region: usize) -> Option<ProductShares> {
    let mut sum = ProductShares::default();
    shift_share_by_product(stage, region)?.into_iter().for_each(|of_product| sum += of_product);
    Some(sum)
}

/// The eight parts of Arcelus (1984), in units of the currency, and what enters.
///
/// ```text
/// m[p] = g[p] - g[N],  m[r,p] = g[r,p] - g[r]
///
/// national           h g[N]                  (x0 - h) g[N]
/// mix                h m[p]                  (x0 - h) m[p]
/// regional           h (g[r] - g[N])         (x0 - h) (g[r] - g[N])
/// regional mix       h (m[r,p] - m[p])       (x0 - h) (m[r,p] - m[p])
///                     expected                differential
/// ```
///
/// The first two pairs are Dunn's national part and mix. The expected regional part and regional
/// mix are the homothetic competitive part of Esteban-Marquillas, the differential ones the
/// allocation. Over all products the differential national and regional parts are 0, and so is the
/// expected mix where no product is new to the nation: by product they are not.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Arcelus {
    /// National growth of homothetic exports.
    pub national_expected: f64,
    /// National growth of what the region exports beyond them.
    pub national_differential: f64,
    /// Mix of homothetic exports.
    pub mix_expected: f64,
    /// Mix of what it exports beyond them.
    pub mix_differential: f64,
    /// Growth of the region as a whole beyond the nation's, of homothetic exports.
    pub regional_expected: f64,
    /// The same of what it exports beyond them.
    pub regional_differential: f64,
    /// Growth of products in the region, beyond its own, less that in the nation; of homothetic
    /// exports.
    pub regional_mix_expected: f64,
    /// The same of what it exports beyond them.
    pub regional_mix_differential: f64,
    /// Exports at the end of products that it did not export at the start.
    pub entering: f64,
}

impl Arcelus {
    /// All parts together: the change.
    pub fn total(&self) -> f64 {
        self.national_expected
            + self.national_differential
            + self.mix_expected
            + self.mix_differential
            + self.regional_expected
            + self.regional_differential
            + self.regional_mix_expected
            + self.regional_mix_differential
            + self.entering
    }
}

impl AddAssign for Arcelus {
    fn add_assign(&mut self, other: Self) {
        self.national_expected += other.national_expected;
        self.national_differential += other.national_differential;
        self.mix_expected += other.mix_expected;
        self.mix_differential += other.mix_differential;
        self.regional_expected += other.regional_expected;
        self.regional_differential += other.regional_differential;
        self.regional_mix_expected += other.regional_mix_expected;
        self.regional_mix_differential += other.regional_mix_differential;
        self.entering += other.entering;
    }
}

/// The parts of each product of `region` over `stage`, in the order of the products; `None` if the
/// region starts from nothing.
pub fn arcelus_by_product(stage: &Stage, region: usize) -> Option<Vec<Arcelus>> {
    let start = stage.start().region_totals()[region];
    let of_region = stage.end().region_totals()[region] / start - 1.0;
    let parts = |product: usize| {
        let Some(cell) = Cell::of(stage, region, product) else {
            let entering = stage.end().get(region, product);
            return Arcelus { entering, ..Arcelus::default() };
        };
        let (expected, differential) = (cell.homothetic, cell.start - cell.homothetic);
        let mix = cell.of_product - cell.of_nation;
        let regional = of_region - cell.of_nation;
        let regional_mix = (cell.own - of_region) - mix;
        Arcelus {
            national_expected: expected * cell.of_nation,
            national_differential: differential * cell.of_nation,
            mix_expected: expected * mix,
            mix_differential: differential * mix,
            regional_expected: expected * regional,
            regional_differential: differential * regional,
            regional_mix_expected: expected * regional_mix,
            regional_mix_differential: differential * regional_mix,
            entering: cell.entering(),
        }
    };
    (start > 0.0).then(|| (0..stage.start().n_products()).map(parts).collect())
}

/// The sum of [`arcelus_by_product`] over a region's products.
pub fn arcelus(stage: &Stage, region: usize) -> Option<Arcelus> {
    let mut sum = Arcelus::default();
    arcelus_by_product(stage, region)?.into_iter().for_each(|of_product| sum += of_product);
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use space::Exports;

    fn exports(values: [f64; 4]) -> Exports {
        Exports::new(2, 2, values.to_vec()).expect("valid")
    }

    /// Vector 2 of the methodology.
    fn stage() -> Stage {
        Stage::new(exports([100.0, 100.0, 50.0, 250.0]), exports([60.0, 110.0, 45.0, 235.0]))
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-10, "{found} is not {expected}");
    }

    #[test]
    fn worked_example() {
        let parts = shift_share(&stage(), 0).expect("a base");
        close(parts.national, -20.0);
        close(parts.mix, -220.0 / 7.0 + 20.0);
        // (60 - 0.7 * 100) + (110 - 69/70 * 100), computed by hand.
        close(parts.competitive, -10.0 + 80.0 / 7.0);
        close(parts.national + parts.mix + parts.competitive, -30.0);
    }

    #[test]
    fn homothetic_parts_by_hand() {
        // The nation has 150 and 350 of 500: with its structure region 0 would have 60 and 140 of
        // 200.
        let parts = shift_share_by_product(&stage(), 0).expect("a base");
        close(parts[0].competitive_homothetic, 60.0 * (-0.4 + 0.3));
        close(parts[0].allocation, 40.0 * (-0.4 + 0.3));
        close(parts[1].competitive_homothetic, 140.0 * (0.1 + 1.0 / 70.0));
        close(parts[1].allocation, -40.0 * (0.1 + 1.0 / 70.0));
        let sum = shift_share_homothetic(&stage(), 0).expect("a base");
        close(sum.competitive_homothetic, 10.0);
        close(sum.allocation, -60.0 / 7.0);
        close(sum.competitive, 10.0 / 7.0);
        close(sum.entering, 0.0);
    }

    #[test]
    fn eight_parts_by_hand() {
        let found = arcelus(&stage(), 0).expect("a base");
        close(found.national_expected, -20.0);
        close(found.national_differential, 0.0);
        close(found.mix_expected, 0.0);
        close(found.mix_differential, -80.0 / 7.0);
        close(found.regional_expected, -10.0);
        close(found.regional_differential, 0.0);
        close(found.regional_mix_expected, 20.0);
        close(found.regional_mix_differential, -60.0 / 7.0);
        // The first product: 60 and 40 of 100, which fell by 0.4, as the region by 0.15.
        let first = arcelus_by_product(&stage(), 0).expect("a base")[0];
        close(first.national_differential, -4.0);
        close(first.mix_expected, -12.0);
        close(first.regional_differential, -2.0);
        close(first.regional_mix_expected, -3.0);
        close(first.total(), -40.0);
    }

    #[test]
    fn what_enters_has_no_rate() {
        let start = exports([100.0, 0.0, 50.0, 0.0]);
        let stage = Stage::new(start, exports([90.0, 7.0, 60.0, 3.0]));
        let parts = shift_share_by_product(&stage, 0).expect("a base");
        let new = ProductShares { competitive: 7.0, entering: 7.0, ..ProductShares::default() };
        assert_eq!(parts[1], new, "new to the nation");
        // A product that the others have: 0 to 8, in a region that would have 100 * 50 / 200 of it.
        let stage = Stage::new(exports([100.0, 0.0, 50.0, 50.0]), exports([90.0, 8.0, 60.0, 55.0]));
        let parts = shift_share_by_product(&stage, 0).expect("a base")[1];
        close(parts.entering, 8.0);
        close(parts.competitive, 8.0);
        close(parts.competitive_homothetic, 0.0);
        close(parts.allocation, 0.0);
        let found = arcelus_by_product(&stage, 0).expect("a base")[1];
        close(found.national_expected, 25.0 * 13.0 / 200.0);
        close(found.total(), 8.0);
        let empty = Stage::new(exports([0.0, 0.0, 1.0, 1.0]), exports([1.0, 0.0, 1.0, 1.0]));
        assert_eq!(shift_share_by_product(&empty, 0), None);
        assert_eq!(shift_share_homothetic(&empty, 0), None);
        assert_eq!(arcelus(&empty, 0), None);
        assert_eq!(
            shift_share_step(&empty, 0),
            ShiftShare { competitive: 1.0, ..ShiftShare::default() }
        );
    }

    #[test]
    fn the_dynamic_form_follows_the_structure() {
        // Region 0 moves from the product that falls to the one that grows: with the structure of
        // each period its mix is better than with that of the first.
        let levels = [
            exports([100.0, 100.0, 100.0, 100.0]),
            exports([50.0, 150.0, 110.0, 90.0]),
            exports([30.0, 240.0, 66.0, 144.0]),
        ];
        let of = |from: usize, to: usize| Stage::new(levels[from].clone(), levels[to].clone());
        let mut sum = ShiftShare::default();
        sum += shift_share_step(&of(0, 1), 0);
        sum += shift_share_step(&of(1, 2), 0);
        // First: no growth; products -0.2 and 0.2. Then 0.2; products -0.4 and 0.6.
        close(sum.national, 0.2 * 200.0);
        close(sum.mix, -0.6 * 50.0 + 0.4 * 150.0);
        close(sum.competitive, 0.0);
        let once = shift_share(&of(0, 2), 0).expect("a base");
        close(once.mix, -0.72 * 100.0 + 0.72 * 100.0);
        close(once.national, 40.0);
        close(once.competitive, 30.0);
    }

    proptest! {
        #[test]
        fn parts_are_those_of_the_others(
            start in prop::collection::vec(prop::option::of(100u32..100_000_000), 20),
            end in prop::collection::vec(prop::option::of(100u32..100_000_000), 20),
        ) {
            let new = |hundredths: &[Option<u32>]| {
                let values = hundredths.iter().map(|n| f64::from(n.unwrap_or(0)) / 100.0).collect();
                Exports::new(4, 5, values).expect("valid")
            };
            let stage = Stage::new(new(&start), new(&end));
            for region in 0..4 {
                let Some(dunn) = shift_share(&stage, region) else {
                    prop_assert_eq!(shift_share_homothetic(&stage, region), None);
                    continue;
                };
                let parts = shift_share_homothetic(&stage, region).unwrap();
                let eight = arcelus(&stage, region).unwrap();
                let totals = [stage.start(), stage.end()].map(|of| of.region_totals()[region]);
                let scale = 1.0
                    + totals[0]
                    + totals[1]
                    + parts.competitive_homothetic.abs()
                    + parts.allocation.abs();
                let pairs = [
                    (parts.national, dunn.national),
                    (parts.mix, dunn.mix),
                    (parts.competitive, dunn.competitive),
                    (
                        parts.competitive_homothetic + parts.allocation + parts.entering,
                        dunn.competitive,
                    ),
                    (eight.national_expected + eight.national_differential, dunn.national),
                    (eight.national_differential, 0.0),
                    (eight.regional_differential, 0.0),
                    (eight.mix_expected + eight.mix_differential, dunn.mix),
                    (
                        eight.regional_expected + eight.regional_mix_expected,
                        parts.competitive_homothetic,
                    ),
                    (
                        eight.regional_differential + eight.regional_mix_differential,
                        parts.allocation,
                    ),
                    (eight.entering, parts.entering),
                    (eight.total(), totals[1] - totals[0]),
                ];
                for (at, (found, expected)) in pairs.into_iter().enumerate() {
                    let is_close = (found - expected).abs() < 1e-8 * scale;
                    prop_assert!(is_close, "{at}: {found}, {expected}");
                }
            }
        }
    }
}
