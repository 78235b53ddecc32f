//! `trade.region_product_year` to `space.*`: RCA, relatedness, density, complexity.

use super::context::{Files, Input, Made, Output};
use super::cube::{Cube, index, texts};
use super::error::StageError;
use super::rows::Rows;
use super::rows::table;
use crate::config::{ProximitySource, RelatednessMeasure};
use crate::external;
use crate::pipeline::Pipeline;
use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int32Type};
use rayon::prelude::*;
use space::complexity::{Fitness, Reflections, eci_from_pci, fitness, reflections, standardized};
use space::{
    Around, Complexity, ComplexityError, Density, Diagnostics, Exports, Expy, Filtered, Link,
    Neighbourhoods, Outlook, Rca, Reference, Relatedness, Specialization, Surroundings, TestedLink,
    backbone, change, coagglomeration, coherence, complexity, correlation, density, diagnostics,
    entropies_around, expy, filter, jump, nearest_density, outlook, prody, rca, relatedness,
    revealed_by_additions, rpop, surroundings, symmetric, validate, value_density,
};
use std::collections::BTreeMap;
use trade::Money;

/// Regions below which conditional probabilities are coarse.
const FEW_REGIONS: usize = 100;

/// The product space of a year.
struct Year {
    cleaned: Filtered,
    n_regions: usize,
    n_products: usize,
    exports: Exports,
    rca: Rca,
    specialization: Specialization,
    density: Density,
    value_density: Density,
    nearest: Density,
    surroundings: Surroundings,
    around: Around,
    coherence: Vec<Option<f64>>,
    complexity: Result<Complexity, ComplexityError>,
    reflections: Option<Reflections>,
    fitness: Option<Fitness>,
    outlook: Option<Outlook>,
    outlook_index: Vec<Option<f64>>,
    diagnostics: Diagnostics,
    n_regions_with_income: Option<usize>,
    prody: Vec<Option<f64>>,
    expy: Vec<Option<Expy>>,
    eci_external: Option<Vec<Option<f64>>>,
    rpop: Option<Rca>,
    /// RCA of the year before.
    before: Option<Rca>,
    jump: (f64, f64),
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

/// Relatedness, and its tested links.
struct Space {
    relatedness: Relatedness,
    tested: Option<Vec<TestedLink>>,
    /// The closest share of pairs.
    related: Neighbourhoods,
    nearest: Neighbourhoods,
    /// The chapter of each product.
    chapters: Vec<usize>,
}

/// Computes the product space of every year.
pub(super) fn run(
    pipeline: &Pipeline,
    input: &Input,
    files: &Files<'_>,
) -> Result<Output, StageError> {
    let cube = Cube::read(files)?;
    let config = &pipeline.config.relatedness;
    let (relatedness, tested) = relatedness_of(pipeline, input, &cube)?;
    let threshold = relatedness.threshold_of_closest(config.related_share).unwrap_or(f64::INFINITY);
    let (_, chapters) = index_of(cube.products.iter().map(|code| &code[..2]));
    let space = Space {
        related: relatedness.at_least(threshold),
        nearest: relatedness.nearest(config.nearest),
        relatedness,
        tested,
        chapters,
    };
    let target = pipeline.config.harmonize.revision().map_err(StageError::Data)?;
    let is_external = pipeline.config.relatedness.has_external_reference() == Ok(true);
    let reference = match pipeline.reference.as_ref().filter(|_| is_external) {
        Some(table) => Some(external::reference(table, target, &cube.products)?),
        None => None,
    };
    let incomes = match &pipeline.incomes {
        Some(table) => Some(external::of_regions(table, "incomes")?),
        None => None,
    };
    let population = match &pipeline.population {
        Some(table) => Some(external::of_regions(table, "population")?),
        None => None,
    };
    let pci = match &pipeline.pci {
        Some(table) => Some(external::pci(table, target, &cube.products)?),
        None => None,
    };
    let mut before: Option<(i32, Rca)> = None;

    let mut made: Vec<lake::DataFile> = Vec::new();
    let (mut by_region, mut by_product, mut by_year) =
        (Rows::of("space.region_year"), Rows::of("space.product_year"), Rows::of("space.year"));
    let mut seen: BTreeMap<i32, Seen> = BTreeMap::new();
    for &year in &cube.years {
        let slice = cube.slice(&[year], 1, "relatedness")?;
        let world = match &reference {
            None => None,
            Some(years) => Some(
                years
                    .get(&year)
                    .map(|(values, total)| Reference::Other(values, *total))
                    .ok_or_else(|| {
                        StageError::Data(format!("the pipeline's `reference` has no year {year}"))
                    })?,
            ),
        };
        let incomes: Option<Vec<Option<f64>>> = incomes.as_ref().map(|incomes| {
            cube.regions.iter().map(|code| incomes.get(&(year, code.clone())).copied()).collect()
        });
        if let Some(incomes) = &incomes {
            let reported = (0..cube.regions.len()).filter(|&r| slice.is_reported[r]);
            let without: Vec<&str> =
                reported.filter(|&r| incomes[r].is_none()).map(|r| &*cube.regions[r]).collect();
            if !without.is_empty() {
                tracing::warn!(year, regions = without.join(", "), "regions without an income");
            }
        }
        let mut found = year_of(pipeline, &space, &slice.exports, world, incomes.as_deref())?;
        found.eci_external = pci.as_ref().map(|pci| eci_from_pci(&found.specialization, pci));
        found.rpop = population.as_ref().map(|population| {
            let heads = |code: &String| {
                population.get(&(year, code.clone())).copied().unwrap_or(0.0).max(0.0)
            };
            let heads: Vec<f64> = cube.regions.iter().map(heads).collect();
            rpop(&found.exports, &heads)
        });
        found.before = before.take().filter(|(last, _)| last + 1 == year).map(|(_, rca)| rca);
        let now = Seen::of(&found);
        if found.cleaned.regions.is_empty() {
            tracing::warn!(
                year,
                "the cleaning leaves nothing: see the section `cleaning` of the config"
            );
        }
        let changes = Changes::of(&seen, year, &now, config.persistence_years);
        // Files of about one group of rows each are made side by side.
        let n_regions = (lake::GROUP_ROWS / cube.products.len().max(1)).max(1);
        let of_year: Vec<Option<lake::DataFile>> = (0..cube.regions.len().div_ceil(n_regions))
            .into_par_iter()
            .map(|chunk| {
                let first = chunk * n_regions;
                let last = cube.regions.len().min(first + n_regions);
                let mut rows = cells_of_year(&cube, year, &found, changes.as_ref(), first..last);
                if rows.n_rows() == 0 {
                    return Ok(None);
                }
                let name = format!("{year}-{chunk:05}.parquet");
                let mut writer = files.create("space.region_product_year", &name)?;
                rows.write(&mut writer)?;
                writer.finish().map(Some)
            })
            .collect::<Result<_, StageError>>()?;
        made.extend(of_year.into_iter().flatten());
        regions_of_year(&cube, year, &found, changes.as_ref(), &mut by_region);
        products_of_year(&cube, year, &found, &mut by_product);
        year_row(year, &found, &mut by_year);
        seen.insert(year, now);
        before = Some((year, found.rca));
    }
    let mut output = Output::new();
    output.insert("space.region_product_year", Made::Files(made));
    table(&mut output, "space.region_year", by_region)?;
    table(&mut output, "space.product_year", by_product)?;
    table(&mut output, "space.year", by_year)?;
    table(&mut output, "space.proximity", pairs(&cube, &space, config.publish_proximity_from))?;
    Ok(output)
}

/// The different texts in order, and the place of each.
fn index_of<'t>(all: impl Iterator<Item = &'t str> + Clone) -> (Vec<String>, Vec<usize>) {
    let (texts, places) = index(all.clone().map(str::to_owned));
    let of = all.map(|text| places[text]).collect();
    (texts, of)
}

/// Relatedness as the config asks for it.
fn relatedness_of(
    pipeline: &Pipeline,
    input: &Input,
    cube: &Cube,
) -> Result<(Relatedness, Option<Vec<TestedLink>>), StageError> {
    let config = &pipeline.config.relatedness;
    let source = config.source().map_err(StageError::Data)?;
    let measure = config.measure().map_err(StageError::Data)?;
    let null = config.null().map_err(StageError::Data)?;
    if let Some(external) = pipeline.used_proximity() {
        let target = pipeline.config.harmonize.revision().map_err(StageError::Data)?;
        return Ok((external::proximity(external, target, &cube.products)?, None));
    }
    let what = "relatedness.proximity_years";
    let holders = if source == ProximitySource::Firms {
        let years = &config.proximity_years;
        if measure == RelatednessMeasure::Additions {
            let ends =
                [years.iter().min(), years.iter().max()].map(|year| year.copied().unwrap_or(0));
            let [before, after] = ends.map(|year| Firms::of(input, cube, &[year]));
            let (before, after) = (before?, after?);
            let firms: Vec<&String> = before.cells.keys().chain(after.cells.keys()).collect();
            let mut firms: Vec<&String> = firms.into_iter().collect();
            firms.sort();
            firms.dedup();
            let floor = config.firm_floor;
            let [before, after] = [&before, &after]
                .map(|year| year.specialization(&firms, cube.products.len(), floor));
            return Ok((revealed_by_additions(&before, &after).floored(0.0), None));
        }
        let firms = Firms::of(input, cube, years)?;
        let names: Vec<&String> = firms.cells.keys().collect();
        let all = firms.specialization(&names, cube.products.len(), config.firm_floor);
        // A firm of one product says nothing of what goes together.
        all.filtered(|firm, _| all.diversity(firm) > 1)
    } else {
        if cube.regions.len() < FEW_REGIONS {
            tracing::warn!(
                regions = cube.regions.len(),
                "relatedness from fewer than {FEW_REGIONS} regions is coarse; consider `proximity_source: external` or a higher min_ubiquity"
            );
        }
        let pooled = cube.pooled(&config.proximity_years, what)?;
        let rca = rca(&pooled, Reference::Own);
        match measure {
            RelatednessMeasure::Correlation => return Ok((correlation(&rca), None)),
            RelatednessMeasure::Coagglomeration => {
                return Ok((coagglomeration(&pooled).floored(0.0), None));
            }
            _ => Specialization::new(&rca, config.rule().map_err(StageError::Data)?),
        }
    };
    let kept = holders.filtered(|_, p| holders.ubiquity(p) >= config.min_ubiquity);
    let RelatednessMeasure::CoOccurrence(measure) = measure else {
        return Err(StageError::Data("relatedness.measure needs another source".to_owned()));
    };
    let tested = null.map(|null| validate(&kept, null));
    Ok((relatedness(&kept, measure).floored(0.0), tested))
}

/// What firms export, by firm and product.
struct Firms {
    cells: BTreeMap<String, BTreeMap<usize, Money>>,
}

impl Firms {
    fn of(input: &Input, cube: &Cube, years: &[i32]) -> Result<Self, StageError> {
        let places: BTreeMap<&str, usize> =
            cube.products.iter().enumerate().map(|(at, code)| (code.as_str(), at)).collect();
        let mut cells: BTreeMap<String, BTreeMap<usize, Money>> = BTreeMap::new();
        for batch in input.get("trade.region_product_year_firm").into_iter().flatten() {
            let schema = batch.schema();
            let found = batch.column(schema.index_of("year")?).as_primitive::<Int32Type>();
            let values =
                batch.column(schema.index_of("fob_value")?).as_primitive::<Decimal128Type>();
            let (firms, hs6) = (texts(batch, "firm")?, texts(batch, "hs6")?);
            for row in (0..batch.num_rows()).filter(|&row| years.contains(&found.value(row))) {
                let Some(&product) = places.get(hs6.value(row)) else { continue };
                let value = Money::from_hundredths(values.value(row));
                if !cells.contains_key(firms.value(row)) {
                    cells.insert(firms.value(row).to_owned(), BTreeMap::new());
                }
                if let Some(of_firm) = cells.get_mut(firms.value(row)) {
                    *of_firm.entry(product).or_default() += value;
                }
            }
        }
        if cells.is_empty() {
            return Err(StageError::Data(format!(
                "no firm exports anything in {years:?}: `proximity_source: firms` needs records with firms, and relatedness.proximity_years that the data have"
            )));
        }
        Ok(Self { cells })
    }

    fn specialization(&self, firms: &[&String], n_products: usize, floor: f64) -> Specialization {
        let row = |firm: &&String| match self.cells.get(*firm) {
            None => Vec::new(),
            Some(cells) => {
                let has = |value: &Money| *value > Money::ZERO && value.to_f64() >= floor;
                cells.iter().filter(|(_, value)| has(value)).map(|(&p, _)| p).collect()
            }
        };
        Specialization::from_rows(n_products, firms.iter().map(row).collect())
    }
}

fn year_of(
    pipeline: &Pipeline,
    space: &Space,
    exports: &Exports,
    world: Option<Reference<'_>>,
    incomes: Option<&[Option<f64>]>,
) -> Result<Year, StageError> {
    let config = &pipeline.config.relatedness;
    let rule = config.rule().map_err(StageError::Data)?;
    let diagonal = config.diagonal().map_err(StageError::Data)?;
    let of_complexity = &pipeline.config.complexity;
    let params = of_complexity.params().map_err(StageError::Data)?;
    let phi = &space.relatedness;
    let n_active = |totals: &[f64]| totals.iter().filter(|&&total| total > 0.0).count();
    let (n_regions, n_products) =
        (n_active(exports.region_totals()), n_active(exports.product_totals()));
    let reference = world.unwrap_or(Reference::Own);
    let cleaned = filter(exports, reference, pipeline.config.cleaning.params(rule));
    let exports = exports.only(&cleaned.regions, &cleaned.products);
    let rca = rca(&exports, reference);
    let specialization = Specialization::new(&rca, rule);
    let density = density(&specialization, phi, diagonal);
    let complexity = complexity(&specialization, params);
    let outlook = match &complexity {
        Err(_) => None,
        Ok(complexity) => {
            let pci = if of_complexity.outlook_is_standardized().map_err(StageError::Data)? {
                &complexity.pci
            } else {
                &complexity.pci_uncentered
            };
            let form = of_complexity.gain().map_err(StageError::Data)?;
            Some(outlook(&specialization, phi, &density, diagonal, pci, form))
        }
    };
    let coi = outlook.as_ref().map_or_else(Vec::new, |outlook| {
        let active = outlook.coi.iter().enumerate();
        active.map(|(r, coi)| (exports.region_totals()[r] > 0.0).then_some(*coi)).collect()
    });
    let prody = incomes.map_or_else(Vec::new, |incomes| prody(&exports, incomes));
    Ok(Year {
        value_density: value_density(&exports, phi, diagonal),
        nearest: nearest_density(&specialization, &space.nearest),
        surroundings: surroundings(&specialization, phi, &space.related),
        around: entropies_around(&exports, &space.chapters, phi, &space.related),
        coherence: coherence(&exports, phi),
        reflections: reflections(&specialization, of_complexity.reflections, params.ddof).ok(),
        fitness: fitness(&specialization, of_complexity.fitness()).ok(),
        outlook_index: standardized(&coi, params.ddof),
        diagnostics: diagnostics(&rca, rule),
        n_regions_with_income: incomes.map(|incomes| {
            cleaned.regions.iter().filter(|&&region| incomes[region].is_some()).count()
        }),
        expy: if prody.is_empty() { Vec::new() } else { expy(&exports, &prody) },
        prody,
        eci_external: None,
        rpop: None,
        before: None,
        jump: (config.jump_from, config.jump_to),
        cleaned,
        n_regions,
        n_products,
        exports,
        rca,
        specialization,
        density,
        complexity,
        outlook,
    })
}

/// The specialisations of a year, and who has an RCA in it.
struct Seen {
    specialization: Specialization,
    regions: Vec<bool>,
    products: Vec<bool>,
}

impl Seen {
    fn of(year: &Year) -> Self {
        Self {
            specialization: year.specialization.clone(),
            regions: (0..year.rca.n_regions()).map(|r| year.rca.region_is_active(r)).collect(),
            products: (0..year.rca.n_products())
                .map(|p| {
                    year.rca.product_is_active(p) && is_active(year.exports.product_totals()[p])
                })
                .collect(),
        }
    }
}

/// The years before, and those up to this one, that an entry is seen in.
struct Changes<'a> {
    before: Vec<&'a Specialization>,
    after: Vec<&'a Specialization>,
    /// Who has an RCA in all of them.
    regions: Vec<bool>,
    products: Vec<bool>,
}

impl<'a> Changes<'a> {
    /// Entry in `year` is being out in the `n` years before and in in it and the `n - 1` that follow; here the last
    /// of these is the year, so that nothing depends on years to come: `year - n + 1 ..= year` against the `n` before.
    fn of(seen: &'a BTreeMap<i32, Seen>, year: i32, now: &'a Seen, n: usize) -> Option<Self> {
        let n = i32::try_from(n).ok()?;
        let years = |from: i32, to: i32| (from..=to).map(|y| seen.get(&y)).collect::<Option<_>>();
        let before: Vec<&Seen> = years(year - 2 * n + 1, year - n)?;
        let mut after: Vec<&Seen> = years(year - n + 1, year - 1)?;
        after.push(now);
        let all = |of: fn(&Seen) -> &Vec<bool>| {
            let mut is_known = of(now).clone();
            for year in before.iter().chain(&after) {
                is_known.iter_mut().zip(of(year)).for_each(|(all, this)| *all &= this);
            }
            is_known
        };
        let (regions, products) = (all(|year| &year.regions), all(|year| &year.products));
        let matrices = |years: &[&'a Seen]| years.iter().map(|y| &y.specialization).collect();
        Some(Self { before: matrices(&before), after: matrices(&after), regions, products })
    }

    /// What happened; `None` where region or product had nothing in one of the years.
    fn at(&self, region: usize, product: usize) -> Option<space::Change> {
        (self.regions[region] && self.products[product])
            .then(|| change(&self.before, &self.after, region, product))
    }
}

fn is_active(total: f64) -> bool {
    total > 0.0
}

fn cells_of_year(
    cube: &Cube,
    year: i32,
    space: &Year,
    changes: Option<&Changes<'_>>,
    regions: std::ops::Range<usize>,
) -> Rows {
    let mut rows = Rows::of("space.region_product_year");
    for region in regions {
        for (product, hs6) in cube.products.iter().enumerate() {
            let Some(rca) = space.rca.get(region, product) else { continue };
            if !is_active(space.exports.product_totals()[product]) {
                continue;
            }
            let density = space.density.get(region, product);
            let gain = space.outlook.as_ref().and_then(|outlook| outlook.gain(region, product));
            let change = changes.and_then(|changes| changes.at(region, product));
            let (low, high) = space.jump;
            let jumped = space
                .before
                .as_ref()
                .and_then(|before| jump(before, &space.rca, region, product, low, high));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count of products"
            )]
            let count = space.surroundings.count(region, product) as usize;
            rows.int(year)
                .text(&*cube.regions[region])
                .text(&**hs6)
                .float(rca)
                .float(symmetric(rca))
                .flag(space.specialization.get(region, product))
                .float(density)
                .text(density.is_none().then_some("isolated"))
                .float(space.value_density.get(region, product))
                .float(space.nearest.get(region, product))
                .float(space.surroundings.mass(region, product))
                .count(count)
                .float(space.around.group(region, product))
                .float(space.around.weighted(region, product))
                .float(space.around.unrelated(region, product))
                .float(gain)
                .flag(change.and_then(space::Change::entry))
                .flag(change.and_then(space::Change::exit))
                .flag(jumped)
                .float(space.rpop.as_ref().and_then(|rpop| rpop.get(region, product)));
        }
    }
    rows
}

fn regions_of_year(
    cube: &Cube,
    year: i32,
    space: &Year,
    changes: Option<&Changes<'_>>,
    rows: &mut Rows,
) {
    for (region, code) in cube.regions.iter().enumerate() {
        if !is_active(space.exports.region_totals()[region]) {
            continue;
        }
        let traded = |p: usize| is_active(space.exports.product_totals()[p]);
        let held = |p: usize| space.specialization.get(region, p);
        let (eci, why) = match &space.complexity {
            Ok(complexity) => (complexity.eci[region], "no_specialization"),
            Err(error) => (None, reason(error)),
        };
        let n = |of: fn(space::Change) -> Option<bool>| {
            let changes = changes?;
            let products = 0..cube.products.len();
            Some(products.filter(|&p| changes.at(region, p).and_then(of) == Some(true)).count())
        };
        let expy = space.expy.get(region).copied().flatten();
        rows.int(year)
            .text(&**code)
            .count(space.specialization.diversity(region))
            .float(space.density.mean(region, traded))
            .float(space.density.mean(region, |p| traded(p) && held(p)))
            .float(space.density.mean(region, |p| traded(p) && !held(p)))
            .float(space.coherence[region])
            .float(eci)
            .text(eci.is_none().then_some(why))
            .float(space.reflections.as_ref().and_then(|found| found.regions[region]))
            .float(space.fitness.as_ref().and_then(|found| found.fitness[region]))
            .float(space.outlook_index.get(region).copied().flatten())
            .float(space.eci_external.as_ref().and_then(|eci| eci[region]))
            .count(n(space::Change::entry))
            .count(n(space::Change::exit))
            .float(expy.map(|expy| expy.value))
            .float(expy.map(|expy| expy.coverage));
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
            .text(pci.is_none().then_some(why))
            .float(space.fitness.as_ref().and_then(|found| found.complexity[product]))
            .float(space.prody.get(product).copied().flatten());
    }
}

fn year_row(year: i32, space: &Year, rows: &mut Rows) {
    let found = space.diagnostics;
    rows.int(year)
        .count(space.n_regions)
        .count(space.cleaned.regions.len())
        .count(space.n_products)
        .count(space.cleaned.products.len())
        .float(space.cleaned.value_share)
        .count(space.cleaned.rounds)
        .count(space.n_regions_with_income)
        .float(found.fill)
        .float(found.lambda_2)
        .float(found.spectral_gap)
        .float(found.diversity_correlation)
        .float(found.nestedness.map(|n| n.all))
        .float(found.rank_stability)
        .count(space.fitness.as_ref().map(|f| f.iterations))
        .float(space.fitness.as_ref().map(|f| f.change).filter(|change| change.is_finite()))
        .flag(space.fitness.as_ref().map(|f| f.converged));
}

fn pairs(cube: &Cube, space: &Space, from: f64) -> Rows {
    let mut rows = Rows::of("space.proximity");
    let tested: BTreeMap<(usize, usize), &TestedLink> =
        space.tested.iter().flatten().map(|link| ((link.p, link.q), link)).collect();
    for Link { p, q, value, is_in_tree } in backbone(&space.relatedness, from) {
        let test = tested.get(&(p, q));
        rows.text(&*cube.products[p])
            .text(&*cube.products[q])
            .float(value)
            .flag(is_in_tree)
            .count(test.map(|test| test.co_occurrence))
            .float(test.map(|test| test.p_value))
            .float(test.map(|test| test.q_value));
    }
    rows
}
