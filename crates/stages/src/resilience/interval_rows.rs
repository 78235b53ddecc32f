//! Rows of the intervals of regions' indices.

use super::super::rows::Rows;
use super::episode::EpisodePath;
use super::intervals::{Replicated, Source};
use super::ranks::{Responses, STAGES};
use super::tables::{IndexInterval, IndexIntervalRow};

/// Adds the interval of each region's index, by what is drawn anew.
pub(super) fn rows(
    path: &EpisodePath<'_>,
    found: &Responses,
    replicated: &Replicated,
    rows: &mut Rows<IndexInterval>,
) {
    for (at, &benchmark) in path.benchmarks().iter().enumerate() {
        for (name, stage) in STAGES {
            for (region, code) in path.cube.regions.iter().enumerate() {
                let response = &found.of(at)[region][stage];
                let drawn = replicated.drawn(region, at);
                for source in Source::ALL.into_iter().filter(|source| source.is_of(benchmark)) {
                    let (interval, replicates) = match response.index {
                        Some(_) => {
                            let intervals = replicated.intervals(region, at).of(source);
                            (intervals[stage], drawn.of(source, stage))
                        }
                        None => (None, &[][..]),
                    };
                    let why = match (response.null_reason, interval) {
                        (Some(why), _) => Some(why.code()),
                        (None, Some(_)) => None,
                        (None, None) if path.asked.bootstrap().n == 0 => Some("no_replicates"),
                        (None, None) => Some(drawn.no_interval(source, stage)),
                    };
                    rows.push(IndexIntervalRow {
                        episode: &path.episode.name,
                        benchmark: benchmark.name(),
                        stage: name,
                        region_code: code,
                        source: source.name(),
                        low: interval.map(|interval| interval.low),
                        high: interval.map(|interval| interval.high),
                        n_replicates: replicates.iter().flatten().count(),
                        null_reason: why,
                    });
                }
            }
        }
    }
}
