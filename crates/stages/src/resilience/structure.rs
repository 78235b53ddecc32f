//! Rows of the transformation of regions' product structure.

use super::super::context::Context;
use super::super::cube::Slice;
use super::super::error::StageError;
use super::super::relatedness::reason;
use super::super::rows::{LongTable, Rows};
use super::episode::{EpisodePath, Span, each_region, level};
use super::params::Params;
use super::table_years::Codes;
use super::tables::{
    self, Margins, MarginsRow, ProductTransformation, ProductTransformationRow, TransformationRow,
};
use ::resilience::NullReason;
use ::resilience::structure::{
    Movement, Upgrading, margins, movement, share_above, top_tercile, upgrading,
};
use sources::reference_tables;
use space::{
    Complexity, ComplexityError, ComplexityParams, Exports, Rca, RcaRule, Reference,
    Specialization, complexity, prody, rca,
};
use std::collections::BTreeMap;

/// What products weigh, from elsewhere.
pub(super) struct Weights {
    /// By product.
    pci: Option<BTreeMap<String, f64>>,
    /// By year and region.
    incomes: Option<BTreeMap<(i32, String), f64>>,
    /// How the PCI of the data is computed.
    params: ComplexityParams,
}

impl Weights {
    /// Those that the exports give by themselves.
    pub(super) fn own(params: &Params) -> Self {
        Self { pci: None, incomes: None, params: params.complexity.params() }
    }

    /// Those of the regions, products and years of the data.
    pub(super) fn read(
        params: &Params,
        context: &Context<'_>,
        data: &Codes,
    ) -> Result<Self, StageError> {
        let pci = match &params.pci {
            None => None,
            Some(table) => {
                let target = params.harmonize.target_revision.hs();
                let found = reference_tables::pci(context.outside(table)?, target, &data.parts)?;
                let rows = data.parts.iter().cloned().zip(found);
                Some(rows.filter_map(|(code, pci)| Some((code, pci?))).collect())
            }
        };
        let incomes = match &params.incomes {
            None => None,
            Some(table) => Some(reference_tables::of_regions(
                context.outside(table)?,
                "incomes",
                &data.regions,
                &data.places,
            )?),
        };
        Ok(Self { pci, incomes, ..Self::own(params) })
    }
}

/// A period before the base.
struct Earlier {
    specialization: Specialization,
    slice: Slice,
}

/// The product space before and after, and what products weigh, fixed before.
struct Spaces {
    rca: [Rca; 2],
    specialization: [Specialization; 2],
    complexity: [Result<Complexity, ComplexityError>; 2],
    /// As many periods before the base as the transformation is after it.
    earlier: Option<Earlier>,
    pci: Vec<Option<f64>>,
    /// The PCI that the top third of the products have.
    high: Option<f64>,
    prody: Option<Vec<Option<f64>>>,
}

impl Spaces {
    fn new(path: &EpisodePath<'_>, rule: RcaRule, weights: &Weights) -> Result<Self, StageError> {
        let after = &path.after;
        let (episode, cube) = (path.episode, path.cube);
        let rca = [&path.base.exports, &after.exports].map(|of| rca(of, Reference::Own));
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
            Some(Earlier { specialization: Specialization::new(&of, rule), slice })
        } else {
            None
        };
        let prody = weights.incomes.as_ref().map(|incomes| {
            let income = |code: &String| incomes.get(&(last.year(), code.clone())).copied();
            let incomes: Vec<Option<f64>> = cube.regions.iter().map(income).collect();
            prody(&path.base.exports, &incomes)
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
    fn new(path: &EpisodePath<'_>, spaces: &Spaces, region: usize) -> Self {
        let after = &path.after;
        let nothing = |why| Self { movement: Err(why), upgrading: None, expy: None };
        if !(path.base.is_reported[region] && after.is_reported[region]) {
            return nothing(NullReason::YearMissing);
        }
        if !path.is_whole(region, path.episode.transformation.year()) {
            return nothing(NullReason::RegionChanged);
        }
        let (before, after) = (path.base.exports.row(region), after.exports.row(region));
        Self {
            movement: movement(before, after).ok_or(NullReason::NoBase),
            upgrading: upgrading(before, after, &spaces.pci),
            expy: spaces.prody.as_ref().and_then(|prody| upgrading(before, after, prody)),
        }
    }
}

/// Adds the rows of an episode.
pub(super) fn rows(
    path: &EpisodePath<'_>,
    rule: RcaRule,
    weights: &Weights,
    regions: &mut Rows<tables::Transformation>,
    products: &mut LongTable<'_, ProductTransformation>,
) -> Result<(), StageError> {
    let spaces = Spaces::new(path, rule, weights)?;
    let n_regions = path.cube.regions.len();
    let found: Vec<Transformation> =
        (0..n_regions).map(|region| Transformation::new(path, &spaces, region)).collect();
    for (region, found) in found.iter().enumerate() {
        regions.push(region_row(path, &spaces, region, found));
    }
    each_region(n_regions, products, |region| product_rows(path, &spaces, region, &found[region]))
}

/// New specialisations over the products that could have become one.
fn entry_rate(from: &Specialization, to: &Specialization, region: usize) -> Option<f64> {
    let new = to.products(region).iter().filter(|&&p| !from.get(region, p)).count();
    let at_risk = from.n_products() - from.products(region).len();
    #[expect(clippy::cast_precision_loss, reason = "counts of products")]
    let rate = new as f64 / at_risk as f64;
    (at_risk > 0).then_some(rate)
}

/// After less before.
fn difference([before, after]: [Option<f64>; 2]) -> Option<f64> {
    before.zip(after).map(|(before, after)| after - before)
}

fn region_row<'a>(
    path: &'a EpisodePath<'_>,
    spaces: &Spaces,
    region: usize,
    found: &Transformation,
) -> TransformationRow<'a> {
    let moved = found.movement.as_ref().ok();
    let [before, later] = &spaces.specialization;
    let changes = |from: &Specialization, to: &Specialization| {
        moved.map(|_| to.products(region).iter().filter(|&&p| !from.get(region, p)).count())
    };
    let upgraded = found.upgrading.as_ref();
    let no_movement = found.movement.as_ref().err().map(|why| why.code());
    let no_upgrading = no_movement.unwrap_or_else(|| spaces.no_pci());
    let expy = found.expy.as_ref();
    let eci = spaces.complexity.each_ref().map(|found| {
        found.as_ref().ok().and_then(|found| found.eci[region]).filter(|_| moved.is_some())
    });
    let high = [&path.base.exports, &path.after.exports].map(|exports: &Exports| {
        let threshold = spaces.high.filter(|_| moved.is_some())?;
        share_above(exports.row(region), &spaces.pci, threshold)
    });
    let earlier = spaces.earlier.as_ref().filter(|of| of.slice.is_reported[region]);
    let earlier = earlier.filter(|_| path.base.is_reported[region]);
    TransformationRow {
        episode: &path.episode.name,
        region_code: &path.cube.regions[region],
        michaely: moved.map(|m| m.michaely),
        similarity: moved.map(|m| m.similarity),
        moore: moved.map(|m| m.moore),
        lilien: moved.and_then(|m| m.lilien),
        n_continuing: moved.map(|m| m.n_continuing),
        n_entering: moved.map(|m| m.n_entering),
        n_exiting: moved.map(|m| m.n_exiting),
        n_new_specializations: changes(before, later),
        n_lost_specializations: changes(later, before),
        null_reason: no_movement,
        pci_before: upgraded.map(|u| u.before),
        pci_after: upgraded.map(|u| u.after),
        upgrading: upgraded.map(|u| u.after - u.before),
        pci_coverage: upgraded.map(|u| u.coverage_after),
        upgrading_null_reason: upgraded.is_none().then_some(no_upgrading),
        expy_before: expy.map(|e| e.before),
        expy_after: expy.map(|e| e.after),
        expy_change: expy.map(|e| e.after - e.before),
        eci_before: eci[0],
        eci_after: eci[1],
        eci_change: difference(eci),
        high_complexity_before: high[0],
        high_complexity_after: high[1],
        high_complexity_change: difference(high),
        entry_rate: moved.and_then(|_| entry_rate(before, later, region)),
        entry_rate_before: earlier.and_then(|of| entry_rate(&of.specialization, before, region)),
    }
}

fn product_rows(
    path: &EpisodePath<'_>,
    spaces: &Spaces,
    region: usize,
    found: &Transformation,
) -> Rows<ProductTransformation> {
    let mut rows = Rows::<ProductTransformation>::default();
    let (base, after) = (&path.base, &path.after);
    let is_whole = path.is_whole(region, path.episode.transformation.year());
    let is_balanced = path.asked.config.balanced;
    let share = |slice: &Slice, product: usize| {
        level(slice, region).filter(|t| *t > 0.0).map(|t| slice.exports.get(region, product) / t)
    };
    for (product, code) in path.cube.products.iter().enumerate() {
        let is_traded =
            base.exports.get(region, product) + after.exports.get(region, product) > 0.0;
        if !(is_traded || is_balanced) {
            continue;
        }
        let pci = spaces.pci[product];
        let upgraded = found.upgrading.as_ref();
        // The risk set: not specialised before.
        let is_at_risk = found.movement.is_ok() && !spaces.specialization[0].get(region, product);
        let entry = pci.zip(upgraded).filter(|_| is_at_risk).map(|(pci, upgraded)| {
            spaces.specialization[1].get(region, product) && pci > upgraded.before
        });
        let rca = [0, 1].map(|at| spaces.rca[at].get(region, product).filter(|_| is_whole));
        rows.push(ProductTransformationRow {
            episode: &path.episode.name,
            region_code: &path.cube.regions[region],
            product: code,
            share_before: share(base, product).filter(|_| is_whole),
            share_after: share(after, product).filter(|_| is_whole),
            rca_before: rca[0],
            rca_after: rca[1],
            pci,
            upgrading: upgraded.and_then(|u| u.contributions[product]),
            rca_change: difference(rca),
            prody: spaces.prody.as_ref().and_then(|prody| prody[product]),
            expy_upgrading: found.expy.as_ref().and_then(|u| u.contributions[product]),
            is_entry_upgrade: entry,
        });
    }
    rows
}

/// What the change of every region came from, over each stage.
pub(super) fn margin_rows(path: &EpisodePath<'_>, rows: &mut Rows<Margins>) {
    let [resistance, recovery] = path.stages();
    for span in [recovery.span, resistance.span, path.transformation()] {
        let Span { name, from, to, years } = span;
        for (region, code) in path.cube.regions.iter().enumerate() {
            let why = if !(from.is_reported[region] && to.is_reported[region]) {
                Some(NullReason::YearMissing)
            } else if path.has_changed(code, years) {
                Some(NullReason::RegionChanged)
            } else {
                None
            };
            let found = match why {
                None => Some(margins(from.exports.row(region), to.exports.row(region))),
                Some(_) => None,
            };
            rows.push(MarginsRow {
                episode: &path.episode.name,
                stage: name,
                region_code: code,
                change: found.map(|m| m.continuing + m.entering + m.exiting),
                continuing: found.map(|m| m.continuing),
                growing: found.map(|m| m.growing),
                shrinking: found.map(|m| m.shrinking),
                entering: found.map(|m| m.entering),
                exiting: found.map(|m| m.exiting),
                null_reason: why.map(NullReason::code),
            });
        }
    }
}
