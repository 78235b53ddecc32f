//! Rows of shift-share: of regions, in their eight parts, and by product.

use super::super::error::StageError;
use super::super::rows::{LongTable, Rows};
use super::episode::{EpisodePath, PathStage, Span, each_region};
use super::tables::{
    ShiftShare, ShiftShareArcelus, ShiftShareArcelusRow, ShiftShareProduct, ShiftShareProductRow,
    ShiftShareRow,
};
use ::resilience::{
    Arcelus, NullReason, ProductShares, Stage, arcelus, shift_share, shift_share_by_product,
    shift_share_homothetic, shift_share_step,
};
use rayon::prelude::*;
use space::Exports;

/// The parts of a region over a stage.
struct Parts {
    change: Option<f64>,
    dunn: Option<::resilience::ShiftShare>,
    shares: Option<ProductShares>,
    eight: Option<Arcelus>,
    /// Why there are none.
    why: NullReason,
}

/// Why the change of a region over a stage has no parts; `None` if it has, unless it starts from
/// nothing.
fn why_not(path: &EpisodePath<'_>, span: Span<'_>, region: usize) -> Option<NullReason> {
    if !(span.from.is_reported[region] && span.to.is_reported[region]) {
        return Some(NullReason::YearMissing);
    }
    let has_changed = path.has_changed(&path.cube.regions[region], span.years);
    has_changed.then_some(NullReason::RegionChanged)
}

impl Parts {
    fn new(path: &EpisodePath<'_>, of: PathStage<'_>, region: usize) -> Self {
        let PathStage { span, stage, .. } = of;
        if let Some(why) = why_not(path, span, region) {
            return Self { change: None, dunn: None, shares: None, eight: None, why };
        }
        let total = |exports: &Exports| exports.region_totals()[region];
        Self {
            change: Some(total(stage.end()) - total(stage.start())),
            dunn: shift_share(stage, region),
            shares: shift_share_homothetic(stage, region),
            eight: arcelus(stage, region),
            why: NullReason::NoBase,
        }
    }
}

/// The parts of every region summed over the periods of a stage: `None` for one that was not
/// reported in all of them, and for all if the data leave one out.
fn dynamic(
    path: &EpisodePath<'_>,
    of: PathStage<'_>,
    from: &[i32],
    to: i32,
) -> Result<Vec<Option<::resilience::ShiftShare>>, StageError> {
    let n_regions = path.cube.regions.len();
    let mut sums = vec![Some(::resilience::ShiftShare::default()); n_regions];
    let first = from.last().copied().unwrap_or(to) + 1;
    if !(first..=to).all(|place| path.cube.has(place, path.episode.trailing)) {
        return Ok(vec![None; n_regions]);
    }
    let add = |sums: &mut Vec<Option<::resilience::ShiftShare>>, stage: &Stage| {
        sums.par_iter_mut().enumerate().for_each(|(region, sum)| {
            if let Some(sum) = sum {
                *sum += shift_share_step(stage, region);
            }
        });
    };
    if first == to {
        add(&mut sums, of.stage);
        return Ok(sums);
    }
    let (mut start, mut places) = (of.span.from.clone(), from.to_vec());
    for place in first..=to {
        let end = path.cube.slice(&[place], path.episode.trailing, "a period of a stage")?;
        let stage = path.stage(&start, &end, &places, place)?;
        for (sum, is_reported) in sums.iter_mut().zip(&end.is_reported) {
            *sum = sum.filter(|_| *is_reported);
        }
        add(&mut sums, &stage);
        (start, places) = (end, vec![place]);
    }
    Ok(sums)
}

/// Adds the parts of regions over both stages.
pub(super) fn rows(
    path: &EpisodePath<'_>,
    rows: &mut Rows<ShiftShare>,
    in_eight: &mut Rows<ShiftShareArcelus>,
) -> Result<(), StageError> {
    let (trough, end) = (path.episode.trough.place, path.episode.end.place);
    let [resistance, recovery] = path.stages();
    let stages = [(recovery, vec![trough], end), (resistance, path.bases.clone(), trough)];
    for (of, from, to) in stages {
        let stage = of.span.name;
        let summed = dynamic(path, of, &from, to)?;
        let regions = (0..path.cube.regions.len()).into_par_iter();
        let found: Vec<Parts> = regions.map(|region| Parts::new(path, of, region)).collect();
        for ((code, parts), summed) in path.cube.regions.iter().zip(&found).zip(summed) {
            let (dunn, shares) = (parts.dunn, parts.shares);
            let why = dunn.is_none().then(|| parts.why.code());
            let summed = summed.filter(|_| dunn.is_some());
            let missing = summed.is_none().then(|| NullReason::YearMissing.code());
            rows.push(ShiftShareRow {
                episode: &path.episode.name,
                stage,
                region_code: code,
                change: parts.change,
                national: dunn.map(|of| of.national),
                mix: dunn.map(|of| of.mix),
                competitive: dunn.map(|of| of.competitive),
                null_reason: why,
                competitive_homothetic: shares.map(|of| of.competitive_homothetic),
                allocation: shares.map(|of| of.allocation),
                entering: shares.map(|of| of.entering),
                dynamic_national: summed.map(|of| of.national),
                dynamic_mix: summed.map(|of| of.mix),
                dynamic_competitive: summed.map(|of| of.competitive),
                dynamic_null_reason: why.or(missing),
            });
            in_eight.push(arcelus_row(path, stage, code, parts));
        }
    }
    Ok(())
}

fn arcelus_row<'a>(
    path: &'a EpisodePath<'_>,
    stage: &'static str,
    code: &'a str,
    parts: &Parts,
) -> ShiftShareArcelusRow<'a> {
    let eight = parts.eight;
    ShiftShareArcelusRow {
        episode: &path.episode.name,
        stage,
        region_code: code,
        national_expected: eight.map(|of| of.national_expected),
        national_differential: eight.map(|of| of.national_differential),
        mix_expected: eight.map(|of| of.mix_expected),
        mix_differential: eight.map(|of| of.mix_differential),
        regional_expected: eight.map(|of| of.regional_expected),
        regional_differential: eight.map(|of| of.regional_differential),
        regional_mix_expected: eight.map(|of| of.regional_mix_expected),
        regional_mix_differential: eight.map(|of| of.regional_mix_differential),
        entering: eight.map(|of| of.entering),
        null_reason: eight.is_none().then(|| parts.why.code()),
    }
}

/// Adds the parts of each product that a region exports at an end of a stage, to `long`.
pub(super) fn product_rows(
    path: &EpisodePath<'_>,
    long: &mut LongTable<'_, ShiftShareProduct>,
) -> Result<(), StageError> {
    let [resistance, recovery] = path.stages();
    for PathStage { span, stage, .. } in [recovery, resistance] {
        each_region(path.cube.regions.len(), long, |region| {
            let mut rows = Rows::<ShiftShareProduct>::default();
            let is_there = why_not(path, span, region).is_none();
            let parts = if is_there { shift_share_by_product(stage, region) } else { None };
            for (product, of) in parts.into_iter().flatten().enumerate() {
                let ends = [stage.start(), stage.end()].map(|of| of.get(region, product));
                if ends.iter().all(|value| *value <= 0.0) {
                    continue;
                }
                rows.push(ShiftShareProductRow {
                    episode: &path.episode.name,
                    stage: span.name,
                    region_code: &path.cube.regions[region],
                    product: &path.cube.products[product],
                    national: of.national,
                    mix: of.mix,
                    competitive: of.competitive,
                    competitive_homothetic: of.competitive_homothetic,
                    allocation: of.allocation,
                });
            }
            rows
        })?;
    }
    Ok(())
}
