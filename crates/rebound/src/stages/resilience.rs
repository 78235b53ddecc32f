//! `trade.region_product_year` to `resilience.*`, for every episode of the config.

use super::cube::{Cube, Slice};
use super::relatedness::reason;
use super::rows::Rows;
use super::{Input, Made, Output, StageError, table};
use crate::config::Episode;
use crate::pipeline::Pipeline;
use rayon::prelude::*;
use resilience::structure::{Movement, Upgrading, movement, upgrading};
use resilience::{
    Benchmark, NullReason, Response, expected_change, expected_growth, respond, shift_share, status,
};
use space::{
    Complexity, ComplexityError, ComplexityParams, Exports, Rca, Reference, Specialization,
    complexity, rca,
};

/// The slices of an episode, and each stage's two ends with the same regions on both sides: a region that
/// is missing at one end must not look like growth of the nation.
struct Path {
    base: Slice,
    trough: Slice,
    end: Slice,
    resistance: (Exports, Exports),
    recovery: (Exports, Exports),
}

fn comparable(from: &Slice, to: &Slice) -> Result<(Exports, Exports), StageError> {
    let cut = |exports: &Exports| {
        let n = exports.n_products();
        let values = (0..exports.n_regions())
            .flat_map(|region| {
                let is_there = from.is_reported[region] && to.is_reported[region];
                (0..n).map(move |p| if is_there { exports.get(region, p) } else { 0.0 })
            })
            .collect();
        Exports::new(exports.n_regions(), n, values).map_err(|e| StageError::Data(e.to_string()))
    };
    Ok((cut(&from.exports)?, cut(&to.exports)?))
}

/// Computes all resilience tables.
pub(super) fn run(pipeline: &Pipeline, input: &Input) -> Result<Output, StageError> {
    let cube = Cube::read(input)?;
    let config = &pipeline.config.resilience;
    let rule = pipeline.config.relatedness.rule().map_err(StageError::Data)?;
    let mut of_regions = config.of_regions().map_err(StageError::Data)?;
    of_regions.sort_by_key(|benchmark| benchmark.name());
    let mut of_products = config.of_products().map_err(StageError::Data)?;
    of_products.sort();
    let mut episodes: Vec<&Episode> = config.episodes.iter().collect();
    episodes.sort_by(|a, b| a.name.cmp(&b.name));

    let mut summary = Rows::of("resilience.episode");
    let mut regions = Rows::of("resilience.region");
    let mut products = Vec::new();
    let mut shares = Rows::of("resilience.shift_share");
    let mut structure = Rows::of("resilience.transformation");
    let mut product_structure = Rows::of("resilience.product_transformation");
    for episode in episodes {
        let what = format!("episode {}", episode.name);
        let base = cube.mean(&episode.base_years, &what)?;
        let trough = cube.mean(&[episode.trough_year], &what)?;
        let end = cube.mean(&[episode.end_year], &what)?;
        let after = cube.mean(&[episode.transformation_year], &what)?;
        let path = Path {
            resistance: comparable(&base, &trough)?,
            recovery: comparable(&trough, &end)?,
            base,
            trough,
            end,
        };
        summarize(episode, &path, &mut summary);
        for &benchmark in &of_regions {
            for region in 0..cube.regions.len() {
                region_row(
                    &cube,
                    episode,
                    benchmark,
                    config.near_zero,
                    &path,
                    region,
                    &mut regions,
                );
            }
        }
        for (name, benchmark) in &of_products {
            let batches: Vec<_> = (0..cube.regions.len())
                .into_par_iter()
                .map(|region| {
                    product_rows(
                        &cube,
                        episode,
                        (name, *benchmark),
                        config.near_zero,
                        &path,
                        region,
                    )
                })
                .collect::<Result<_, _>>()?;
            products.extend(batches);
        }
        shift_share_rows(&cube, episode, &path, &mut shares);
        let spaces = Spaces::new(&path.base, &after, rule);
        for region in 0..cube.regions.len() {
            let row = Transformation::new(&path.base, &after, &spaces, region);
            transformation_row(&cube, episode, &spaces, region, &row, &mut structure);
            product_transformation_rows(
                &cube,
                episode,
                (&path.base, &after),
                &spaces,
                region,
                &row,
                &mut product_structure,
            );
        }
    }
    let mut output = Output::new();
    table(&mut output, "resilience.episode", summary)?;
    table(&mut output, "resilience.region", regions)?;
    output.insert("resilience.region_product", Made::Rows(products));
    table(&mut output, "resilience.shift_share", shares)?;
    table(&mut output, "resilience.transformation", structure)?;
    table(&mut output, "resilience.product_transformation", product_structure)?;
    Ok(output)
}

fn growth((from, to): &(Exports, Exports)) -> Option<f64> {
    (from.total() > 0.0).then(|| (to.total() - from.total()) / from.total())
}

fn summarize(episode: &Episode, path: &Path, rows: &mut Rows) {
    let mut years = episode.base_years.clone();
    years.sort_unstable();
    let years: Vec<_> = years.iter().map(i32::to_string).collect();
    rows.text(&*episode.name)
        .text(&*years.join(", "))
        .int(episode.trough_year)
        .int(episode.end_year)
        .int(episode.transformation_year)
        .money(path.base.total_money())
        .money(path.trough.total_money())
        .money(path.end.total_money())
        .float(growth(&path.resistance))
        .float(growth(&path.recovery));
}

fn forms(response: &Response, rows: &mut Rows) {
    rows.float(response.growth)
        .float(response.expected_change)
        .float(response.index)
        .float(response.diff)
        .float(response.dlog)
        .float(response.dhs)
        .text(response.null_reason.map(NullReason::code));
}

fn level(slice: &Slice, region: usize) -> Option<f64> {
    slice.is_reported[region].then(|| slice.exports.region_totals()[region])
}

fn region_row(
    cube: &Cube,
    episode: &Episode,
    benchmark: Benchmark,
    near_zero: f64,
    path: &Path,
    region: usize,
    rows: &mut Rows,
) {
    let [base, trough, end] = [&path.base, &path.trough, &path.end].map(|s| level(s, region));
    let stage = |from, to, ends: &(Exports, Exports), no_base| {
        let expected = expected_change(benchmark, &ends.0, &ends.1, region);
        respond(from, to, expected, near_zero, no_base)
    };
    let resistance = stage(base, trough, &path.resistance, NullReason::NoBase);
    let recovery = stage(trough, end, &path.recovery, NullReason::TroughZero);
    rows.text(&*episode.name).text(benchmark.name()).text(&*cube.regions[region]);
    for slice in [&path.base, &path.trough, &path.end] {
        rows.money(slice.region_money(region));
    }
    forms(&resistance, rows);
    forms(&recovery, rows);
    let national = growth(&path.resistance).filter(|g| g.abs() >= near_zero);
    let sensitivity = resistance.growth.zip(national).map(|(own, national)| own / national);
    let level_recovery = base.filter(|b| *b > 0.0).zip(end).map(|(b, e)| e / b);
    let recovered = match (base, trough, end) {
        (Some(base), Some(trough), Some(end)) if base > trough => {
            Some((end - trough) / (base - trough))
        }
        _ => None,
    };
    let sign = resistance.expected_change.map(|d| if d > 0.0 { 1 } else { -i32::from(d < 0.0) });
    rows.float(sensitivity).float(level_recovery).float(recovered).int(sign);
}

fn product_rows(
    cube: &Cube,
    episode: &Episode,
    (name, benchmark): (&str, Benchmark),
    near_zero: f64,
    path: &Path,
    region: usize,
) -> Result<arrow::array::RecordBatch, StageError> {
    let mut rows = Rows::of("resilience.region_product");
    let at = |slice: &Slice, product: usize| slice.exports.get(region, product);
    for (product, hs6) in cube.products.iter().enumerate() {
        let [x0, x1, x2] = [&path.base, &path.trough, &path.end].map(|s| at(s, product));
        if x0 + x1 + x2 <= 0.0 {
            continue;
        }
        let reported = |slice: &Slice, x: f64| slice.is_reported[region].then_some(x);
        let [base, trough, end] =
            [(&path.base, x0), (&path.trough, x1), (&path.end, x2)].map(|(s, x)| reported(s, x));
        let stage = |from: Option<f64>, to, ends: &(Exports, Exports), no_base| {
            let rate = expected_growth(benchmark, &ends.0, &ends.1, region, product);
            let expected = from.zip(rate).map(|(from, rate)| from * rate);
            respond(from, to, expected, near_zero, no_base)
        };
        rows.text(&*episode.name)
            .text(name)
            .text(&*cube.regions[region])
            .text(&**hs6)
            .text(status(x0, x1, x2).code());
        for slice in [&path.base, &path.trough, &path.end] {
            rows.money(slice.cell_money(region, product));
        }
        forms(&stage(base, trough, &path.resistance, NullReason::NoBase), &mut rows);
        forms(&stage(trough, end, &path.recovery, NullReason::TroughZero), &mut rows);
        rows.float(base.filter(|b| *b > 0.0).zip(end).map(|(b, e)| e / b));
    }
    Ok(rows.finish()?)
}

fn shift_share_rows(cube: &Cube, episode: &Episode, path: &Path, rows: &mut Rows) {
    let stages = [
        ("recovery", &path.trough, &path.end, &path.recovery),
        ("resistance", &path.base, &path.trough, &path.resistance),
    ];
    for (stage, from, to, ends) in stages {
        for (region, code) in cube.regions.iter().enumerate() {
            let is_there = from.is_reported[region] && to.is_reported[region];
            let parts = if is_there { shift_share(&ends.0, &ends.1, region) } else { None };
            let change =
                is_there.then(|| ends.1.region_totals()[region] - ends.0.region_totals()[region]);
            let why = if is_there { NullReason::NoBase } else { NullReason::YearMissing };
            rows.text(&*episode.name)
                .text(stage)
                .text(&**code)
                .float(change)
                .float(parts.map(|p| p.national))
                .float(parts.map(|p| p.mix))
                .float(parts.map(|p| p.competitive))
                .text(parts.is_none().then(|| why.code()));
        }
    }
}

/// The product space before and after, with complexity fixed before.
struct Spaces {
    rca: (Rca, Rca),
    specialization: (Specialization, Specialization),
    complexity: Result<Complexity, ComplexityError>,
}

impl Spaces {
    fn new(base: &Slice, after: &Slice, rule: space::RcaRule) -> Self {
        let rca = (rca(&base.exports, Reference::Own), rca(&after.exports, Reference::Own));
        let specialization = (Specialization::new(&rca.0, rule), Specialization::new(&rca.1, rule));
        let complexity = complexity(&specialization.0, ComplexityParams::PY_ECOMPLEXITY);
        Self { rca, specialization, complexity }
    }
}

/// A region's transformation, or why there is none.
struct Transformation {
    movement: Result<Movement, NullReason>,
    upgrading: Option<Upgrading>,
}

impl Transformation {
    fn new(base: &Slice, after: &Slice, spaces: &Spaces, region: usize) -> Self {
        if !(base.is_reported[region] && after.is_reported[region]) {
            return Self { movement: Err(NullReason::YearMissing), upgrading: None };
        }
        let (before, after) = (base.exports.row(region), after.exports.row(region));
        Self {
            movement: movement(before, after).ok_or(NullReason::NoBase),
            upgrading: spaces
                .complexity
                .as_ref()
                .ok()
                .and_then(|c| upgrading(before, after, &c.pci)),
        }
    }
}

fn transformation_row(
    cube: &Cube,
    episode: &Episode,
    spaces: &Spaces,
    region: usize,
    row: &Transformation,
    rows: &mut Rows,
) {
    let moved = row.movement.as_ref().ok();
    let (before, after) = (&spaces.specialization.0, &spaces.specialization.1);
    let changes = |from: &Specialization, to: &Specialization| {
        moved.map(|_| to.products(region).iter().filter(|&&p| !from.get(region, p)).count())
    };
    rows.text(&*episode.name)
        .text(&*cube.regions[region])
        .float(moved.map(|m| m.michaely))
        .float(moved.map(|m| m.similarity))
        .float(moved.map(|m| m.moore))
        .float(moved.and_then(|m| m.lilien))
        .count(moved.map(|m| m.n_continuing))
        .count(moved.map(|m| m.n_entering))
        .count(moved.map(|m| m.n_exiting))
        .count(changes(before, after))
        .count(changes(after, before))
        .text(row.movement.as_ref().err().map(|why| why.code()));
    let upgraded = row.upgrading.as_ref();
    let why = match (&spaces.complexity, &row.movement) {
        (Err(error), _) => reason(error),
        (_, Err(why)) => why.code(),
        _ => "no_complexity_covered",
    };
    rows.float(upgraded.map(|u| u.before))
        .float(upgraded.map(|u| u.after))
        .float(upgraded.map(|u| u.after - u.before))
        .float(upgraded.map(|u| u.coverage_after))
        .text(upgraded.is_none().then_some(why));
}

fn product_transformation_rows(
    cube: &Cube,
    episode: &Episode,
    (base, after): (&Slice, &Slice),
    spaces: &Spaces,
    region: usize,
    row: &Transformation,
    rows: &mut Rows,
) {
    let share = |slice: &Slice, product: usize| {
        level(slice, region).filter(|t| *t > 0.0).map(|t| slice.exports.get(region, product) / t)
    };
    for (product, hs6) in cube.products.iter().enumerate() {
        let is_traded =
            base.exports.get(region, product) + after.exports.get(region, product) > 0.0;
        if !is_traded {
            continue;
        }
        let pci = spaces.complexity.as_ref().ok().and_then(|c| c.pci[product]);
        let upgraded = row.upgrading.as_ref();
        // The risk set: not specialised before.
        let is_at_risk = row.movement.is_ok() && !spaces.specialization.0.get(region, product);
        let entry = pci.zip(upgraded).filter(|_| is_at_risk).map(|(pci, upgraded)| {
            spaces.specialization.1.get(region, product) && pci > upgraded.before
        });
        rows.text(&*episode.name)
            .text(&*cube.regions[region])
            .text(&**hs6)
            .float(share(base, product))
            .float(share(after, product))
            .float(spaces.rca.0.get(region, product))
            .float(spaces.rca.1.get(region, product))
            .float(pci)
            .float(upgraded.and_then(|u| u.contributions[product]))
            .flag(entry);
    }
}
