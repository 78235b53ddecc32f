//! Rows of regions' ranks: how sure they are, and whether another benchmark or form gives others.

use super::super::rows::Rows;
use super::episode::EpisodePath;
use super::intervals::{Replicated, Source};
use super::tables::{
    Rank, RankPair, RankPairRow, RankPlace, RankPlaceRow, RankRow, Robustness, RobustnessRow,
};
use super::units::responses;
use ::resilience::{Benchmark, NullReason, RankSpread, Replicates, Response, quantile, ranks};
use rayon::prelude::*;

/// The stages in the order of their names, with their places among the responses of a unit.
pub(super) const STAGES: [(&str, usize); 2] = [("recovery", 1), ("resistance", 0)];

/// Resistance and recovery of every region, by benchmark.
pub(super) struct Responses(Vec<Vec<[Response; 2]>>);

impl Responses {
    pub(super) fn new(path: &EpisodePath<'_>) -> Self {
        let n_regions = path.cube.regions.len();
        let of = |&benchmark: &Benchmark| {
            let regions = (0..n_regions).into_par_iter();
            regions.map(|region| responses(path, benchmark, region)).collect()
        };
        Self(path.benchmarks().iter().map(of).collect())
    }

    /// Those against a benchmark, by region.
    pub(super) fn of(&self, benchmark: usize) -> &[[Response; 2]] {
        &self.0[benchmark]
    }
}

/// What is drawn anew, the first that there is: products alone only where there is no model, as
/// they leave out what is least known of one.
const PREFERRED: [Source; 3] = [Source::Both, Source::Counterfactual, Source::Products];

/// The regions that are ranked against a benchmark over a stage.
struct Ranked {
    /// Their places.
    regions: Vec<usize>,
    /// What was drawn of each of them, if anything.
    sources: Vec<Option<Source>>,
    /// Why what was drawn of each says too little of it for an interval, if it does.
    doubts: Vec<Option<&'static str>>,
    /// The rank of each region, ranked or not.
    ranks: Vec<Option<f64>>,
    /// The index of those that are ranked: what was not drawn is as it was found; one that has no
    /// index in some replicates is left out of these, and is no surer than the others by it.
    replicates: Replicates,
    /// How sure each of their ranks is.
    spread: Vec<Option<RankSpread>>,
    n_top: usize,
}

impl Ranked {
    /// Those that have an index.
    fn new(
        path: &EpisodePath<'_>,
        found: &[[Response; 2]],
        replicated: &Replicated,
        (benchmark, stage): (usize, usize),
    ) -> Self {
        let bootstrap = path.asked.bootstrap();
        let indices: Vec<Option<f64>> = found.iter().map(|found| found[stage].index).collect();
        let regions: Vec<usize> =
            (0..indices.len()).filter(|&region| indices[region].is_some()).collect();
        let source_of = |region: &usize| {
            let drawn = replicated.drawn(*region, benchmark);
            PREFERRED.into_iter().find(|source| !drawn.of(*source, stage).is_empty())
        };
        let sources: Vec<Option<Source>> = regions.iter().map(source_of).collect();
        let doubt = |(&region, source): (&usize, &Option<Source>)| {
            let Some(source) = *source else { return Some("no_interval") };
            let interval = replicated.intervals(region, benchmark).of(source)[stage];
            let drawn = replicated.drawn(region, benchmark);
            interval.is_none().then(|| drawn.no_interval(source, stage))
        };
        let doubts = regions.iter().zip(&sources).map(doubt).collect();
        let mut replicates = Replicates::new(bootstrap.n);
        for (&region, source) in regions.iter().zip(&sources) {
            match source {
                Some(source) => {
                    let drawn = replicated.drawn(region, benchmark).of(*source, stage);
                    replicates.push(drawn.iter().copied());
                }
                None => replicates.push(std::iter::repeat_n(indices[region], bootstrap.n)),
            }
        }
        let n_top = regions.len().div_ceil(4);
        let spread = replicates.spread(bootstrap.level, n_top);
        let ranks = ranks(&indices);
        Self { regions, sources, doubts, ranks, replicates, spread, n_top }
    }

    /// Regions of which something was drawn.
    fn n_drawn(&self) -> usize {
        self.sources.iter().flatten().count()
    }

    /// How sure the rank of a region is, by what was drawn of it; or why that is not known.
    fn spread_of(&self, region: usize) -> Result<(Source, RankSpread), &'static str> {
        let Ok(at) = self.regions.binary_search(&region) else { return Err("no_interval") };
        match self.doubts[at] {
            Some(why) => Err(why),
            None => self.sources[at].zip(self.spread[at]).ok_or("no_interval"),
        }
    }
}

/// Rows of what says how sure ranks are.
#[derive(Default)]
pub(super) struct RankTables {
    /// Those of regions.
    pub(super) regions: Rows<Rank>,
    /// Those of pairs of regions.
    pub(super) pairs: Rows<RankPair>,
    /// Those of regions and places.
    pub(super) places: Rows<RankPlace>,
}

/// Adds the rank of every region, and if there are few how likely each has each place, and of each
/// pair which of them is above.
pub(super) fn rows(
    path: &EpisodePath<'_>,
    found: &Responses,
    replicated: &Replicated,
    tables: &mut RankTables,
) {
    let regions = &path.cube.regions;
    let has_pairs = regions.len() <= path.asked.config.rank_pairs_up_to;
    for (at, benchmark) in path.benchmarks().iter().enumerate() {
        for (name, stage) in STAGES {
            let found = found.of(at);
            let ranked = Ranked::new(path, found, replicated, (at, stage));
            for (region, code) in regions.iter().enumerate() {
                let (index, rank) = (found[region][stage].index, ranked.ranks[region]);
                let sure = ranked.spread_of(region);
                let why = match (rank, sure) {
                    (Some(_), Ok(_)) => None,
                    (Some(_), Err(_)) if path.asked.bootstrap().n == 0 => Some("no_replicates"),
                    (Some(_), Err(why)) => Some(why),
                    (None, _) => found[region][stage].null_reason.map(NullReason::code),
                };
                let (source, spread) = sure.ok().unzip();
                tables.regions.push(RankRow {
                    episode: &path.episode.name,
                    benchmark: benchmark.name(),
                    stage: name,
                    region_code: code,
                    index,
                    rank,
                    source: source.map(Source::name),
                    rank_low: spread.map(|of| of.rank.low),
                    rank_high: spread.map(|of| of.rank.high),
                    p_top_quarter: spread.map(|of| of.p_top),
                    p_above_median: spread.map(|of| of.p_above_median),
                    n_ranked: ranked.regions.len(),
                    n_drawn: ranked.n_drawn(),
                    n_top: ranked.n_top,
                    null_reason: why,
                });
            }
            if has_pairs {
                pair_rows(path, benchmark.name(), name, &ranked, &mut tables.pairs);
                place_rows(path, benchmark.name(), name, &ranked, &mut tables.places);
            }
        }
    }
}

fn pair_rows(
    path: &EpisodePath<'_>,
    benchmark: &str,
    stage: &str,
    ranked: &Ranked,
    rows: &mut Rows<RankPair>,
) {
    let code = |region: &usize| path.cube.regions[*region].as_str();
    let sure: Vec<(usize, &usize)> =
        ranked.regions.iter().enumerate().filter(|(at, _)| ranked.doubts[*at].is_none()).collect();
    for (nth, &(a, region_a)) in sure.iter().enumerate() {
        for &(b, region_b) in &sure[nth + 1..] {
            let Some(p_above) = ranked.replicates.p_above(a, b) else { continue };
            rows.push(RankPairRow {
                episode: &path.episode.name,
                benchmark,
                stage,
                region_a: code(region_a),
                region_b: code(region_b),
                p_above,
            });
        }
    }
}

fn place_rows(
    path: &EpisodePath<'_>,
    benchmark: &str,
    stage: &str,
    ranked: &Ranked,
    rows: &mut Rows<RankPlace>,
) {
    let places = ranked.replicates.places();
    let of_regions = ranked.regions.iter().zip(&ranked.doubts).zip(places);
    for ((&region, doubt), places) in of_regions {
        for (at, probability) in places.iter().flatten().enumerate() {
            if doubt.is_none() && *probability > 0.0 {
                rows.push(RankPlaceRow {
                    episode: &path.episode.name,
                    benchmark,
                    stage,
                    region_code: &path.cube.regions[region],
                    place: at + 1,
                    probability: *probability,
                });
            }
        }
    }
}

/// Adds how each region did against all benchmarks.
pub(super) fn robustness_rows(
    path: &EpisodePath<'_>,
    found: &Responses,
    rows: &mut Rows<Robustness>,
) {
    for (name, stage) in STAGES {
        let forms: [fn(&Response) -> Option<f64>; 3] = [|of| of.index, |of| of.diff, |of| of.dlog];
        let ranks_by = |of: &[[Response; 2]], form: fn(&Response) -> Option<f64>| {
            ranks(&of.iter().map(|of| form(&of[stage])).collect::<Vec<_>>())
        };
        let mut all: Vec<Vec<Option<f64>>> = Vec::new();
        for of in &found.0 {
            all.extend(forms.map(|form| ranks_by(of, form)));
        }
        // Midpoint growth is the region's own, whatever it is compared with.
        all.extend(found.0.first().map(|of| ranks_by(of, |of| of.dhs)));
        for (region, code) in path.cube.regions.iter().enumerate() {
            let of_region: Vec<&Response> = found.0.iter().map(|of| &of[region][stage]).collect();
            let mut diffs: Vec<f64> = of_region.iter().filter_map(|of| of.diff).collect();
            diffs.sort_by(f64::total_cmp);
            let n_above = diffs.iter().filter(|diff| **diff >= 0.0).count();
            let (low, high) = (diffs.first().copied(), diffs.last().copied());
            let mut places: Vec<f64> = all.iter().filter_map(|ranks| ranks[region]).collect();
            places.sort_by(f64::total_cmp);
            let why = match diffs.len() {
                0 => of_region.iter().find_map(|of| of.null_reason).map(NullReason::code),
                1 => Some("one_benchmark"),
                _ => None,
            };
            let is_one_sign = n_above == 0 || n_above == diffs.len();
            rows.push(RobustnessRow {
                episode: &path.episode.name,
                stage: name,
                region_code: code,
                n_compared: diffs.len(),
                n_above,
                diff_low: low,
                diff_median: low.map(|_| quantile(&diffs, 0.5)),
                diff_high: high,
                rank_low: low.and(places.first().copied()),
                rank_high: low.and(places.last().copied()),
                is_robust: (diffs.len() > 1).then_some(is_one_sign),
                null_reason: why,
            });
        }
    }
}
