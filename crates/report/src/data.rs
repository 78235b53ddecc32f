//! The data of a report.

use super::certainty::{certainty, own_paths};
use super::error::ReportError;
use super::evidence::evidence;
use super::network;
use super::shapes;
use super::source::{Source, text};
use super::words::Words;
use super::{expected, terms};
use crate::output::{shortened, visible_data};
use project::model_spec::Heading;
use project::pipeline::Pipeline;
use serde_json::{Map, Value, json};
use sources::boundaries::Boundaries;
use stages::regression::Estimated;
use std::collections::{BTreeMap, BTreeSet};

/// Characters of an official description that are shown.
const DESCRIBED: usize = 71;

/// The data that the page and the figures show, as JSON.
pub(super) fn data(
    source: &Source<'_>,
    pipeline: &Pipeline,
    words: &Words,
    results: &[(Heading, Estimated)],
) -> Result<Value, ReportError> {
    let (measure, unit) = pipeline.measured();
    let episodes = source.rows(
        &[],
        "select e.episode, e.frequency, e.base, e.trough, e.\"end\", e.base_year, e.trough_year, e.end_year, e.transformation_year, \
         e.regressor_year, cast(n.base_value as double) as base_value, cast(n.trough_value as double) as trough_value, \
         cast(n.end_value as double) as end_value, e.resistance_growth, e.recovery_growth, e.n_regions_compared \
         from resilience.episode e left join (select episode, max(base_value) as base_value, max(trough_value) as trough_value, \
         max(end_value) as end_value from resilience.nation group by episode) n on n.episode = e.episode order by e.episode",
    )?;
    let national = source.rows(
        &[],
        "select year, cast(sum(fob_value) as double) as value from trade.region_year group by year order by year",
    )?;
    let regions = regions(source)?;
    let names: Map<String, Value> = regions
        .iter()
        .map(|row| (text(row, "region_code").to_owned(), row["region_name"].clone()))
        .collect();
    // What takes long is asked side by side.
    let of_models = || terms::coefficients(source, words, results);
    let of_paths = || Ok::<_, ReportError>((paths(source)?, own_paths(source)?));
    let ((space, geo), ((evidence, certainty), (coefficients, of_paths))) = rayon::join(
        || {
            let space = || network::space(source, &episodes, names.len(), pipeline);
            rayon::join(space, || geo(pipeline, &names))
        },
        || {
            let sure = || rayon::join(|| evidence(source), || certainty(source));
            rayon::join(sure, || rayon::join(of_models, of_paths))
        },
    );
    let (space, sold) = space?;
    let (paths, own_paths) = of_paths?;
    let described: BTreeMap<String, String> = source
        .rows(&["trade.product"], "select product, description from trade.product")?
        .iter()
        .filter(|row| sold.listed.contains(text(row, "product")))
        .map(|row| {
            (text(row, "product").to_owned(), shortened(text(row, "description"), DESCRIBED))
        })
        .collect();
    Ok(visible_data(json!({
        "meta": {"pipeline": pipeline.name, "run": source.catalog.run, "published_at": source.catalog.published_at,
            "measure": measure, "unit": unit, "level": pipeline.config.resilience.bootstrap_level},
        "episodes": episodes, "national": national, "national_paths": national_paths(source)?,
        "national_own": expected::of_nation(source)?, "regions": regions, "names": names,
        "paths": paths, "own_paths": own_paths, "certainty": certainty?, "parts": sold.parts,
        "evidence": evidence?,
        "products": described, "space": space, "models": terms::models(results),
        "coefficients": coefficients?,
        "geo": geo?,
    })))
}

/// The indices of the regions, and what they had at the base.
fn regions(source: &Source<'_>) -> Result<Vec<Value>, ReportError> {
    let lisa = if source.has("spatial.region") {
        ", s.lisa_class as lisa from panel.region p left join spatial.region s on s.source_table = 'resilience.region' and \
         s.measure = 'resistance' and s.period = p.episode || ' / aggregate' and s.region_code = p.region_code"
    } else {
        ", cast(null as varchar) as lisa from panel.region p"
    };
    let (reason, joined) = if source.has("resilience.transformation") {
        (
            "t.upgrading_null_reason",
            " left join resilience.transformation t on t.episode = p.episode and t.region_code = p.region_code",
        )
    } else {
        ("cast(null as varchar)", "")
    };
    source.rows(
        &[],
        &format!(
            "select p.episode, p.region_code, p.region_name, cast(p.base_value as double) as base_value, p.resistance, p.resistance_low, \
             p.resistance_high, p.resistance_null_reason, p.recovery, p.recovery_low, p.recovery_high, p.recovery_null_reason, p.type, \
             p.upgrading, {reason} as upgrading_null_reason, p.level_recovery, p.related_variety, p.unrelated_variety, p.hhi, p.eci, \
             p.mean_density{lisa}{joined} \
             order by p.episode, p.region_code"
        ),
    )
}

/// Something of each region, by episode.
type OfRegions<T> = BTreeMap<String, BTreeMap<String, T>>;

/// Periods with values and what was expected.
type Path = Vec<Value>;

/// The paths of the regions, by episode.
fn paths(source: &Source<'_>) -> Result<OfRegions<Path>, ReportError> {
    let mut paths: OfRegions<Path> = BTreeMap::new();
    let rows = source.rows(
        &["resilience.region_period"],
        "select episode, region_code, period, value, expected_value from resilience.region_period where benchmark = 'aggregate' \
         order by episode, region_code, period",
    )?;
    for row in rows {
        paths
            .entry(text(&row, "episode").to_owned())
            .or_default()
            .entry(text(&row, "region_code").to_owned())
            .or_default()
            .push(json!([row["period"], row["value"], row["expected_value"]]));
    }
    Ok(paths)
}

/// The path of the nation, by episode.
fn national_paths(source: &Source<'_>) -> Result<BTreeMap<String, Path>, ReportError> {
    let mut paths: BTreeMap<String, Path> = BTreeMap::new();
    let rows = source.rows(
        &["resilience.nation_period"],
        "select episode, period, max(value) as value, max(case when benchmark = 'own_trend' then expected_value end) as expected_value \
         from resilience.nation_period group by episode, period order by episode, period",
    )?;
    for row in rows {
        paths.entry(text(&row, "episode").to_owned()).or_default().push(json!([
            row["period"],
            row["value"],
            row["expected_value"]
        ]));
    }
    Ok(paths)
}

/// The shapes of the regions as GeoJSON, with their codes; null without boundaries.
fn geo(pipeline: &Pipeline, names: &Map<String, Value>) -> Result<Value, ReportError> {
    let Some(external) = &pipeline.boundaries else { return Ok(Value::Null) };
    let boundaries = Boundaries::read(&external.path, &external.columns.property)?;
    let mut features = Vec::new();
    let mut taken = BTreeSet::new();
    for (code, name) in names {
        let given = external.columns.names.get(code).map(String::as_str);
        let shape = [given, name.as_str(), Some(code.as_str())]
            .into_iter()
            .flatten()
            .find(|name| boundaries.has(name));
        if let Some(shape) = shape {
            taken.insert(shape.to_owned());
            features.push((code.clone(), shape.to_owned()));
        }
    }
    // What is on the map but in no table is shown, too.
    features.extend(
        boundaries
            .names()
            .filter(|name| !taken.contains(*name))
            .map(|name| (name.to_owned(), name.to_owned())),
    );
    Ok(shapes::collection(&boundaries, &features))
}
