//! `trade.region_product_year` to `space.*`: RCA, proximity, density and complexity.

use super::cube::Cube;
use super::rows::Rows;
use super::{Input, Made, Output, StageError, table};
use crate::codes;
use crate::config::ProximitySource;
use crate::pipeline::{ExternalProximity, Pipeline};
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use space::{
    Complexity, ComplexityError, Density, Proximity, Rca, Specialization, complexity, density,
    proximity, rca,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use trade::{Concordance, Hs6, HsRevision, Method};

/// Regions below which conditional probabilities are coarse.
const FEW_REGIONS: usize = 100;

struct Year {
    exports: space::Exports,
    rca: Rca,
    specialization: Specialization,
    density: Density,
    complexity: Result<Complexity, ComplexityError>,
}

/// Why there is no complexity, as tables say it.
pub(super) fn reason(error: &ComplexityError) -> &'static str {
    match error {
        ComplexityError::TooFewRegions(_) => "too_few_regions",
        ComplexityError::NotUnique { .. } => "not_unique",
        ComplexityError::NoSpread => "no_spread",
        ComplexityError::NotConverged(_) => "not_converged",
    }
}

/// Computes the product space of every year.
pub(super) fn run(pipeline: &Pipeline, input: &Input) -> Result<Output, StageError> {
    let cube = Cube::read(input)?;
    let config = &pipeline.config.relatedness;
    let rule = config.rule().map_err(StageError::Data)?;
    let diagonal = config.diagonal().map_err(StageError::Data)?;
    let source = config.source().map_err(StageError::Data)?;

    let phi = match (source, &pipeline.proximity) {
        (ProximitySource::External, Some(external)) => {
            let target = pipeline.config.harmonize.revision().map_err(StageError::Data)?;
            read_external(external, target, &cube.products)?
        }
        (ProximitySource::External, None) | (ProximitySource::Regions, _) => {
            if cube.regions.len() < FEW_REGIONS {
                tracing::warn!(
                    regions = cube.regions.len(),
                    "proximity from fewer than {FEW_REGIONS} regions is coarse; consider `proximity_source: external` or a higher min_ubiquity"
                );
            }
            let pooled = cube.pooled(&config.proximity_years, "relatedness.proximity_years")?;
            let all = Specialization::new(&rca(&pooled), rule);
            let (n_regions, n_products) = (all.n_regions(), all.n_products());
            proximity(&Specialization::from_fn(n_regions, n_products, |r, p| {
                all.get(r, p) && all.ubiquity(p) >= config.min_ubiquity
            }))
        }
    };

    let years: Vec<(i32, Year)> = cube
        .years
        .iter()
        .map(|&year| {
            let exports = cube.mean(&[year], "relatedness")?.exports;
            let rca = rca(&exports);
            let specialization = Specialization::new(&rca, rule);
            let density = density(&specialization, &phi, diagonal);
            let complexity = complexity(&specialization);
            Ok((year, Year { exports, rca, specialization, density, complexity }))
        })
        .collect::<Result<_, StageError>>()?;

    let mut cells = Vec::new();
    let (mut by_region, mut by_product) =
        (Rows::of("space.region_year"), Rows::of("space.product_year"));
    for (year, space) in &years {
        cells.push(cells_of_year(&cube, *year, space)?);
        regions_of_year(&cube, *year, space, &mut by_region);
        products_of_year(&cube, *year, space, &mut by_product);
    }
    let mut output = Output::new();
    output.insert("space.region_product_year", Made::Rows(cells));
    table(&mut output, "space.region_year", by_region)?;
    table(&mut output, "space.product_year", by_product)?;
    output.insert(
        "space.proximity",
        Made::Rows(published_pairs(&cube, &phi, config.publish_proximity_from)?),
    );
    Ok(output)
}

fn is_active(total: f64) -> bool {
    total > 0.0
}

fn cells_of_year(
    cube: &Cube,
    year: i32,
    space: &Year,
) -> Result<arrow::array::RecordBatch, StageError> {
    let mut rows = Rows::of("space.region_product_year");
    for (region, code) in cube.regions.iter().enumerate() {
        for (product, hs6) in cube.products.iter().enumerate() {
            let Some(rca) = space.rca.get(region, product) else { continue };
            let density = space.density.get(region, product);
            rows.int(year)
                .text(&**code)
                .text(&**hs6)
                .float(rca)
                .float((rca - 1.0) / (rca + 1.0))
                .flag(space.specialization.get(region, product))
                .float(density)
                .text(density.is_none().then_some("isolated"));
        }
    }
    Ok(rows.finish()?)
}

fn regions_of_year(cube: &Cube, year: i32, space: &Year, rows: &mut Rows) {
    for (region, code) in cube.regions.iter().enumerate() {
        if !is_active(space.exports.region_totals()[region]) {
            continue;
        }
        let densities: Vec<f64> = (0..cube.products.len())
            .filter(|&product| is_active(space.exports.product_totals()[product]))
            .filter_map(|product| space.density.get(region, product))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a count of products")]
        let mean =
            (!densities.is_empty()).then(|| densities.iter().sum::<f64>() / densities.len() as f64);
        let (eci, why) = match &space.complexity {
            Ok(complexity) => (complexity.eci[region], "no_specialization"),
            Err(error) => (None, reason(error)),
        };
        rows.int(year)
            .text(&**code)
            .count(space.specialization.diversity(region))
            .float(mean)
            .float(eci)
            .text(eci.is_none().then_some(why));
    }
}

fn products_of_year(cube: &Cube, year: i32, space: &Year, rows: &mut Rows) {
    for (product, code) in cube.products.iter().enumerate() {
        if !is_active(space.exports.product_totals()[product]) {
            continue;
        }
        let (pci, why) = match &space.complexity {
            Ok(complexity) => (complexity.pci[product], "no_specialization"),
            Err(error) => (None, reason(error)),
        };
        rows.int(year)
            .text(&**code)
            .count(space.specialization.ubiquity(product))
            .float(pci)
            .text(pci.is_none().then_some(why));
    }
}

fn published_pairs(
    cube: &Cube,
    phi: &Proximity,
    from: f64,
) -> Result<Vec<arrow::array::RecordBatch>, StageError> {
    const CHUNK: usize = 256;
    (0..cube.products.len().div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut rows = Rows::of("space.proximity");
            let last = cube.products.len().min((chunk + 1) * CHUNK);
            for p in chunk * CHUNK..last {
                for (q, &value) in phi.row(p).iter().enumerate().skip(p + 1) {
                    if value > 0.0 && value >= from {
                        rows.text(&*cube.products[p]).text(&*cube.products[q]).float(value);
                    }
                }
            }
            Ok(rows.finish()?)
        })
        .collect()
}

/// Reads proximities of another revision's codes and gives them to the products of the target revision.
///
/// A product takes the proximities of the one code it corresponds to. Two products of one code are as
/// close as can be, 1: the other revision does not tell them apart.
fn read_external(
    external: &ExternalProximity,
    target: HsRevision,
    products: &[String],
) -> Result<Proximity, StageError> {
    let failed = |why: String| StageError::RawFile { path: external.path.clone(), why };
    let bytes = std::fs::read(&external.path).map_err(|error| failed(error.to_string()))?;
    let mut text = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(&bytes[..])
            .read_to_end(&mut text)
            .map_err(|e| failed(e.to_string()))?;
    } else {
        text = bytes;
    }
    let mut reader = csv::Reader::from_reader(&text[..]);
    let header = reader.headers().map_err(|error| failed(error.to_string()))?.clone();
    let columns = &external.columns;
    let [a, b, weight] = [&columns.a, &columns.b, &columns.proximity].map(|name| {
        header.iter().position(|column| column == name).ok_or_else(|| {
            let found = header.iter().collect::<Vec<_>>().join(", ");
            failed(format!(
                "no column `{name}`: the header has {found}; correct `proximity.columns`"
            ))
        })
    });
    let (a, b, weight) = (a?, b?, weight?);

    let tables = codes::tables()?;
    let concordance = Concordance::new(
        Method::OneToOne,
        external.revision,
        &BTreeSet::from([target]),
        &tables,
        |_| 0,
    );
    let mut places: BTreeMap<Hs6, Vec<usize>> = BTreeMap::new();
    for (place, product) in products.iter().enumerate() {
        let Ok(code) = product.parse() else { continue };
        if let Some(&(code, _)) = concordance.convert(target, code).targets.first() {
            places.entry(code).or_default().push(place);
        }
    }
    let mut pairs = Vec::new();
    let mut known = BTreeSet::new();
    let mut n_other = 0;
    for row in reader.records() {
        let row = row.map_err(|error| failed(error.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        // Codes such as 9999AA, commodities not specified, are no products and match none.
        let code = |at: usize| format!("{:0>6}", row[at].trim()).parse::<Hs6>();
        let (Ok(a), Ok(b)) = (code(a), code(b)) else {
            n_other += 1;
            continue;
        };
        let value: f64 = row[weight].trim().parse().map_err(|_| {
            failed(format!(
                "line {line}: proximity {:?}: expected a number between 0 and 1",
                &row[weight]
            ))
        })?;
        known.extend([a, b]);
        let none = Vec::new();
        for &p in places.get(&a).unwrap_or(&none) {
            for &q in places.get(&b).unwrap_or(&none) {
                if a != b {
                    pairs.push((p, q, value));
                }
            }
        }
    }
    for code in &known {
        for &p in places.get(code).map_or(&[][..], Vec::as_slice) {
            pairs.extend(places[code].iter().map(|&q| (p, q, 1.0)));
        }
    }
    let n_known = known.iter().filter_map(|code| places.get(code)).map(Vec::len).sum::<usize>();
    tracing::info!(
        products = products.len(),
        with_proximity = n_known,
        pairs_without_hs6_code = n_other,
        "external proximities"
    );
    Proximity::from_pairs(products.len(), pairs).map_err(|error| failed(error.to_string()))
}
