//! Rows of the transformation of regions' product structure.

use super::super::cube::{Cube, Slice};
use super::super::error::StageError;
use super::super::relatedness::reason;
use super::super::rows::{LongTable, Rows};
use super::episode::{EpisodePath, each_region, level};
use crate::external;
use crate::pipeline::Pipeline;
use ::resilience::NullReason;
use ::resilience::structure::{
    Movement, Upgrading, margins, movement, share_above, top_tercile, upgrading,
};
use space::{
    Complexity, ComplexityError, ComplexityParams, Exports, Rca, RcaRule, Reference,
    Specialization, complexity, prody, rca,
};
use std::collections::BTreeMap;
use trade::HsRevision;

/// What products weigh, from elsewhere.
pub(super) struct Weights {
    /// By HS6.
    pci: Option<BTreeMap<String, f64>>,
    /// By year and region.
    incomes: Option<BTreeMap<(i32, String), f64>>,
    /// How the PCI of the data is computed.
    params: ComplexityParams,
}

impl Weights {
    pub(super) fn read(
        pipeline: &Pipeline,
        cube: &Cube,
        target: HsRevision,
    ) -> Result<Self, StageError> {
        let pci = match &pipeline.pci {
            None => None,
            Some(table) => {
                let found = external::pci(table, target, &cube.products)?;
                let rows = cube.products.iter().cloned().zip(found);
                Some(rows.filter_map(|(code, pci)| Some((code, pci?))).collect())
            }
        };
        let incomes = match &pipeline.incomes {
            None => None,
            Some(table) => Some(external::of_regions(table, "incomes")?),
        };
        let params = pipeline.config.complexity.params().map_err(StageError::Data)?;
        Ok(Self { pci, incomes, params })
    }
}

/// The product space before and after, and what products weigh, fixed before.
struct Spaces {
    rca: [Rca; 2],
    specialization: [Specialization; 2],
    complexity: [Result<Complexity, ComplexityError>; 2],
    /// Specialisations as many periods before the base as the transformation is after it.
    earlier: Option<(Specialization, Slice)>,
    pci: Vec<Option<f64>>,
    /// The PCI that the top third of the products have.
    high: Option<f64>,
    prody: Option<Vec<Option<f64>>>,
}

impl Spaces {
    fn new(course: &EpisodePath<'_>, rule: RcaRule, weights: &Weights) -> Result<Self, StageError> {
        let after = &course.after;
        let (episode, cube) = (course.episode, course.cube);
        let rca = [&course.base.exports, &after.exports].map(|of| rca(of, Reference::Own));
        let specialization = [0, 1].map(|at| Specialization::new(&rca[at], rule));
        let complexity = [0, 1].map(|at| complexity(&specialization[at], weights.params));
        let pci: Vec<Option<f64>> = match (&weights.pci, &complexity[0]) {
            (Some(given), _) => cube.products.iter().map(|code| given.get(code).copied()).collect(),
            (None, Ok(own)) => own.pci.clone(),
            (None, Err(_)) => vec![None; cube.products.len()],
        };
        let last = episode.last_base();
        let earlier = last.place - (episode.transformation.place - last.place);
        let earlier = if cube.has(earlier, episode.trailing) {
            let slice = cube.slice(&[earlier], episode.trailing, "entries before the base")?;
            let of = space::rca(&slice.exports, Reference::Own);
            Some((Specialization::new(&of, rule), slice))
        } else {
            None
        };
        let prody = weights.incomes.as_ref().map(|incomes| {
            let income = |code: &String| incomes.get(&(last.year(), code.clone())).copied();
            let incomes: Vec<Option<f64>> = cube.regions.iter().map(income).collect();
            prody(&course.base.exports, &incomes)
        });
        Ok(Self { rca, specialization, complexity, earlier, high: top_tercile(&pci), pci, prody })
    }

    /// Why products have no PCI.
    fn no_pci(&self) -> &'static str {
        match &self.complexity[0] {
            Err(error) => reason(error),
            Ok(_) => "no_complexity_covered",
        }
    }
}

/// A region's transformation, or why there is none.
struct Transformation {
    movement: Result<Movement, NullReason>,
    upgrading: Option<Upgrading>,
    expy: Option<Upgrading>,
}

impl Transformation {
    fn new(course: &EpisodePath<'_>, spaces: &Spaces, region: usize) -> Self {
        let after = &course.after;
        let nothing = |why| Self { movement: Err(why), upgrading: None, expy: None };
        if !(course.base.is_reported[region] && after.is_reported[region]) {
            return nothing(NullReason::YearMissing);
        }
        if !course.is_whole(region, course.episode.transformation.year()) {
            return nothing(NullReason::RegionChanged);
        }
        let (before, after) = (course.base.exports.row(region), after.exports.row(region));
        Self {
            movement: movement(before, after).ok_or(NullReason::NoBase),
            upgrading: upgrading(before, after, &spaces.pci),
            expy: spaces.prody.as_ref().and_then(|prody| upgrading(before, after, prody)),
        }
    }
}

/// Adds the rows of an episode.
pub(super) fn rows(
    course: &EpisodePath<'_>,
    rule: RcaRule,
    weights: &Weights,
    regions: &mut Rows,
    products: &mut LongTable<'_>,
) -> Result<(), StageError> {
    let spaces = Spaces::new(course, rule, weights)?;
    let n_regions = course.cube.regions.len();
    let found: Vec<Transformation> =
        (0..n_regions).map(|region| Transformation::new(course, &spaces, region)).collect();
    for (region, row) in found.iter().enumerate() {
        region_row(course, &spaces, region, row, regions);
    }
    each_region(n_regions, products, |region| product_rows(course, &spaces, region, &found[region]))
}

/// New specialisations over the products that could have become one.
fn entry_rate(from: &Specialization, to: &Specialization, region: usize) -> Option<f64> {
    let new = to.products(region).iter().filter(|&&p| !from.get(region, p)).count();
    let at_risk = from.n_products() - from.products(region).len();
    #[expect(clippy::cast_precision_loss, reason = "counts of products")]
    let rate = new as f64 / at_risk as f64;
    (at_risk > 0).then_some(rate)
}

fn region_row(
    course: &EpisodePath<'_>,
    spaces: &Spaces,
    region: usize,
    row: &Transformation,
    rows: &mut Rows,
) {
    let moved = row.movement.as_ref().ok();
    let [before, later] = &spaces.specialization;
    let changes = |from: &Specialization, to: &Specialization| {
        moved.map(|_| to.products(region).iter().filter(|&&p| !from.get(region, p)).count())
    };
    rows.text(&*course.episode.name)
        .text(&*course.cube.regions[region])
        .float(moved.map(|m| m.michaely))
        .float(moved.map(|m| m.similarity))
        .float(moved.map(|m| m.moore))
        .float(moved.and_then(|m| m.lilien))
        .count(moved.map(|m| m.n_continuing))
        .count(moved.map(|m| m.n_entering))
        .count(moved.map(|m| m.n_exiting))
        .count(changes(before, later))
        .count(changes(later, before))
        .text(row.movement.as_ref().err().map(|why| why.code()));
    let upgraded = row.upgrading.as_ref();
    let why = row.movement.as_ref().err().map_or_else(|| spaces.no_pci(), |why| why.code());
    rows.float(upgraded.map(|u| u.before))
        .float(upgraded.map(|u| u.after))
        .float(upgraded.map(|u| u.after - u.before))
        .float(upgraded.map(|u| u.coverage_after))
        .text(upgraded.is_none().then_some(why));
    let expy = row.expy.as_ref();
    rows.float(expy.map(|e| e.before))
        .float(expy.map(|e| e.after))
        .float(expy.map(|e| e.after - e.before));
    let change = |pair: [Option<f64>; 2], rows: &mut Rows| {
        let difference = pair[0].zip(pair[1]).map(|(before, after)| after - before);
        rows.float(pair[0]).float(pair[1]).float(difference);
    };
    let eci = spaces.complexity.each_ref().map(|found| {
        found.as_ref().ok().and_then(|found| found.eci[region]).filter(|_| moved.is_some())
    });
    change(eci, rows);
    let high = [&course.base.exports, &course.after.exports].map(|exports: &Exports| {
        let threshold = spaces.high.filter(|_| moved.is_some())?;
        share_above(exports.row(region), &spaces.pci, threshold)
    });
    change(high, rows);
    rows.float(moved.and_then(|_| entry_rate(before, later, region)));
    let earlier = spaces.earlier.as_ref().filter(|(_, slice)| slice.is_reported[region]);
    let earlier = earlier.filter(|_| course.base.is_reported[region]);
    rows.float(earlier.and_then(|(of, _)| entry_rate(of, before, region)));
}

fn product_rows(
    course: &EpisodePath<'_>,
    spaces: &Spaces,
    region: usize,
    row: &Transformation,
) -> Rows {
    let mut rows = Rows::of("resilience.product_transformation");
    let (base, after) = (&course.base, &course.after);
    let is_whole = course.is_whole(region, course.episode.transformation.year());
    let is_balanced = course.asked.config.balanced;
    let share = |slice: &Slice, product: usize| {
        level(slice, region).filter(|t| *t > 0.0).map(|t| slice.exports.get(region, product) / t)
    };
    for (product, hs6) in course.cube.products.iter().enumerate() {
        let is_traded =
            base.exports.get(region, product) + after.exports.get(region, product) > 0.0;
        if !(is_traded || is_balanced) {
            continue;
        }
        let pci = spaces.pci[product];
        let upgraded = row.upgrading.as_ref();
        // The risk set: not specialised before.
        let is_at_risk = row.movement.is_ok() && !spaces.specialization[0].get(region, product);
        let entry = pci.zip(upgraded).filter(|_| is_at_risk).map(|(pci, upgraded)| {
            spaces.specialization[1].get(region, product) && pci > upgraded.before
        });
        let rca = [0, 1].map(|at| spaces.rca[at].get(region, product).filter(|_| is_whole));
        rows.text(&*course.episode.name)
            .text(&*course.cube.regions[region])
            .text(&**hs6)
            .float(share(base, product).filter(|_| is_whole))
            .float(share(after, product).filter(|_| is_whole))
            .float(rca[0])
            .float(rca[1])
            .float(pci)
            .float(upgraded.and_then(|u| u.contributions[product]))
            .float(rca[0].zip(rca[1]).map(|(before, after)| after - before))
            .float(spaces.prody.as_ref().and_then(|prody| prody[product]))
            .float(row.expy.as_ref().and_then(|u| u.contributions[product]))
            .flag(entry);
    }
    rows
}

/// What the change of every region came from, over each stage.
pub(super) fn margin_rows(course: &EpisodePath<'_>, rows: &mut Rows) {
    let [resistance, recovery] = course.years();
    let stages = [
        ("recovery", &course.trough, &course.end, recovery),
        ("resistance", &course.base, &course.trough, resistance),
        (
            "transformation",
            &course.base,
            &course.after,
            (resistance.0, course.episode.transformation.year()),
        ),
    ];
    for (name, from, to, years) in stages {
        for (region, code) in course.cube.regions.iter().enumerate() {
            let why = if !(from.is_reported[region] && to.is_reported[region]) {
                Some(NullReason::YearMissing)
            } else if course.has_changed(code, years) {
                Some(NullReason::RegionChanged)
            } else {
                None
            };
            let found = match why {
                None => Some(margins(from.exports.row(region), to.exports.row(region))),
                Some(_) => None,
            };
            rows.text(&*course.episode.name)
                .text(name)
                .text(&**code)
                .float(found.map(|m| m.continuing + m.entering + m.exiting))
                .float(found.map(|m| m.continuing))
                .float(found.map(|m| m.growing))
                .float(found.map(|m| m.shrinking))
                .float(found.map(|m| m.entering))
                .float(found.map(|m| m.exiting))
                .text(why.map(NullReason::code));
        }
    }
}
