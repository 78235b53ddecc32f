//! Rows of the date at which the series of each region breaks.

use super::super::rows::Rows;
use super::episode::EpisodePath;
use super::tables::{ShockDate, ShockDateRow};
use ::resilience::{BreakBootstrap, shock_date};
use rayon::prelude::*;

/// A region's date, or why it has none.
type Found = Result<::resilience::ShockDate, &'static str>;

/// Logarithms of the levels from the first that is reported; or why there are none.
fn logarithms(levels: &[Option<f64>]) -> Result<Vec<f64>, &'static str> {
    let levels: Vec<Option<f64>> =
        levels.iter().skip_while(|level| level.is_none()).copied().collect();
    let levels: Option<Vec<f64>> = levels.into_iter().collect();
    let levels = levels.filter(|levels| !levels.is_empty()).ok_or("year_missing")?;
    if levels.iter().any(|level| *level <= 0.0) {
        return Err("zero");
    }
    Ok(levels.into_iter().map(f64::ln).collect())
}

/// Adds the date of every region over the `shock_date_years` before the base and its path;
/// `number` is the episode's.
pub(super) fn rows(path: &EpisodePath<'_>, number: usize, rows: &mut Rows<ShockDate>) {
    let (cube, episode, config) = (path.cube, path.episode, path.asked.config);
    let n_before = i32::try_from(path.years_long(config.shock_date_years)).unwrap_or(i32::MAX);
    let first_base = episode.base.first().map_or(0, |period| period.place);
    let n_trailing = i32::try_from(episode.trailing - 1).unwrap_or(0);
    // The first periods of the data have no sum of those trailing them.
    let first = first_base.saturating_sub(n_before).max(path.first() + n_trailing);
    let last = episode.end.place.max(episode.transformation.place);
    let bootstrap = BreakBootstrap { n: config.bootstrap_replicates, seed: config.bootstrap_seed };
    let n_regions = cube.regions.len();
    let series = |region: usize| -> Result<Vec<f64>, &'static str> {
        let (code, end) = (&cube.regions[region], cube.period(last).year());
        if !path.is_whole(region, end) {
            return Err("region_changed");
        }
        // Earlier ones of other borders are left out.
        let is_other = |place: &i32| path.has_changed(code, (cube.period(*place).year(), end));
        let same = (first..=last).find(|place| !is_other(place)).unwrap_or(last);
        let (from, to) = path.at(same).zip(path.at(last)).ok_or("year_missing")?;
        logarithms(path.levels[region].get(from..=to).ok_or("year_missing")?)
    };
    let found: Vec<(usize, usize, Found)> = (0..n_regions)
        .into_par_iter()
        .map(|region| {
            cancel::check();
            let series = match series(region) {
                Ok(series) => series,
                Err(why) => return (0, 0, Err(why)),
            };
            let what = u64::try_from(number * n_regions + region).unwrap_or(0);
            let found = shock_date(&series, bootstrap, what).map_err(|why| why.code());
            let n = usize::try_from(last - first + 1).unwrap_or(0);
            (series.len(), n - series.len(), found)
        })
        .collect();
    for (code, (n_periods, skipped, found)) in cube.regions.iter().zip(found) {
        let date = found.ok();
        let name = |at: usize| {
            let at = i32::try_from(skipped + at).unwrap_or(0);
            cube.period(first + at).to_string()
        };
        let p_value = date.and_then(|date| date.p_value);
        let why = found.err().or(p_value.is_none().then_some("no_replicates"));
        rows.push(ShockDateRow {
            episode: &episode.name,
            region_code: code,
            period: date.map(|date| name(date.at)).as_deref(),
            first_candidate: date.map(|date| name(date.candidates.0)).as_deref(),
            last_candidate: date.map(|date| name(date.candidates.1)).as_deref(),
            sup_f: date.map(|date| date.sup_f),
            p_value,
            n_periods,
            null_reason: why,
        });
    }
}
