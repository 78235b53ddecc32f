//! Rows of what the other regions say of each region.

use super::super::rows::Rows;
use super::episode::EpisodePath;
use super::tables::{Donor, DonorRow, Placebo, PlaceboRow};
use ::resilience::NullReason;

/// Adds the donors of every region with their weights, and how well they know it.
pub(super) fn rows(path: &EpisodePath<'_>, donors: &mut Rows<Donor>, placebos: &mut Rows<Placebo>) {
    let Some(found) = &path.donors else { return };
    let regions = &path.cube.regions;
    for (benchmark, of_regions) in &found.found {
        for (region_code, of_region) in regions.iter().zip(of_regions) {
            let expected = of_region.expected.as_ref().ok();
            for &(donor, weight) in expected.into_iter().flat_map(|expected| &expected.weights) {
                donors.push(DonorRow {
                    episode: &path.episode.name,
                    benchmark: benchmark.name(),
                    region_code,
                    donor: &regions[donor],
                    weight,
                });
            }
            placebos.push(PlaceboRow {
                episode: &path.episode.name,
                benchmark: benchmark.name(),
                region_code,
                n_before: found.n_before,
                n_donors: expected.map(|expected| expected.n_donors),
                penalty: expected.map(|expected| expected.penalty),
                is_penalty_at_end: expected.map(|_| of_region.is_penalty_at_end),
                n_iterations: expected.map(|expected| expected.n_iterations),
                pre_rmspe: expected.map(|expected| expected.pre_rmspe),
                post_rmspe: expected.and_then(|expected| expected.post_rmspe),
                ratio: expected
                    .and_then(|expected| expected.ratio())
                    .filter(|ratio| ratio.is_finite()),
                p: of_region.p,
                gap: expected.and_then(|expected| expected.mean_gap),
                placebo_gap: of_region.placebo_gap,
                null_reason: of_region.expected.as_ref().err().copied().map(NullReason::code),
            });
        }
    }
}
