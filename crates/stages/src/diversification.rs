//! `trade.region_product_year` and its destinations to `diversification.*`: variety and
//! concentration.

pub(super) mod tables;

use self::tables::{
    MarketColumns, ProductYear, ProductYearRow, RegionYear, RegionYearRow, VarietyColumns,
};
use super::cell_years::{CellYears, files_of_years};
use super::context::{Context, Input, Made, Output};
use super::cube::{CELLS, Cube, texts};
use super::error::StageError;
use super::product_groups::{ProductGroups, numbers};
use super::rows::Rows;
use super::stage::Stage;
use super::table::Table;
use super::unit::Unit;
use arrow::array::AsArray;
use arrow::datatypes::Decimal128Type;
use lake::{Contract, DataFile};
use project::pipeline::Pipeline;
use project::stage_name::StageName;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sources::hs_tables;
use space::{
    Classes, Concentration, Exports, Specificity, concentration, entropy, gini, related_variety,
    specificity,
};
use std::collections::{BTreeMap, BTreeSet};
use trade::{Classification, Money};

/// Exports by region code and destination.
type Markets = BTreeMap<String, BTreeMap<String, Money>>;

/// Those of the one year that `context` has.
fn markets(context: &Context<'_>) -> Result<Markets, StageError> {
    let mut markets = Markets::new();
    for batch in &context.rows(DESTINATIONS)? {
        let schema = batch.schema();
        let values = batch.column(schema.index_of("fob_value")?).as_primitive::<Decimal128Type>();
        let (regions, destinations) = (texts(batch, "region_code")?, texts(batch, "destination")?);
        for row in 0..batch.num_rows() {
            // Rows come region after region: most texts are known.
            if !markets.contains_key(regions.value(row)) {
                markets.insert(regions.value(row).to_owned(), BTreeMap::new());
            }
            let Some(of_region) = markets.get_mut(regions.value(row)) else { continue };
            let value = Money::from_hundredths(values.value(row));
            match of_region.get_mut(destinations.value(row)) {
                Some(sum) => *sum += value,
                None => {
                    of_region.insert(destinations.value(row).to_owned(), value);
                }
            }
        }
    }
    Ok(markets)
}

/// The variety of a region's exports.
fn variety(row: &[f64], of: &ProductGroups) -> VarietyColumns<'static> {
    let ProductGroups { groups, subgroups, has_groups, has_subgroups, are_groups, are_subgroups } =
        of;
    let (within_groups, within_subgroups) =
        (*has_groups && !are_groups, *has_subgroups && !are_subgroups);
    let products: Vec<usize> = (0..row.len()).collect();
    let entropy_products = entropy(row, &products);
    VarietyColumns {
        entropy_products,
        entropy_subgroups: has_subgroups.then(|| entropy(row, subgroups)).flatten(),
        unrelated_variety: has_groups.then(|| entropy(row, groups)).flatten(),
        semi_related_variety: (within_groups && *has_subgroups)
            .then(|| related_variety(row, subgroups, groups))
            .flatten(),
        related_variety: within_groups.then(|| related_variety(row, &products, groups)).flatten(),
        related_variety_subgroups: within_subgroups
            .then(|| related_variety(row, &products, subgroups))
            .flatten(),
        variety_null_reason: match entropy_products {
            None => Some("no_exports"),
            Some(_) if !has_groups => Some("no_groups"),
            Some(_) if !has_subgroups => Some("no_subgroups"),
            Some(_) if *are_groups => Some("products_are_groups"),
            Some(_) if *are_subgroups => Some("products_are_subgroups"),
            Some(_) => None,
        },
    }
}

/// What a region's products say.
struct Found {
    variety: VarietyColumns<'static>,
    active: Option<Concentration>,
    gini_all: Option<f64>,
    specificity: Option<Specificity>,
}

impl Found {
    fn of(exports: &Exports, region: usize, groups: &ProductGroups) -> Self {
        let row = exports.row(region);
        let traded: Vec<f64> = row
            .iter()
            .zip(exports.product_totals())
            .filter(|(_, total)| **total > 0.0)
            .map(|(x, _)| *x)
            .collect();
        Self {
            variety: variety(row, groups),
            active: concentration(row, Classes::Active),
            gini_all: gini(&traded, Classes::All),
            specificity: specificity(row, exports.product_totals()),
        }
    }

    fn row(self, year: i32, region_code: &str, market: MarketColumns) -> RegionYearRow<'_> {
        let Self { variety, active, gini_all, specificity } = self;
        RegionYearRow {
            year,
            region_code,
            n_products: active.map_or(0, |c| c.n_active),
            variety,
            hhi: active.map(|c| c.hhi),
            hhi_normalized: active.and_then(|c| c.hhi_normalized),
            theil: active.map(|c| c.theil),
            gini: active.map(|c| c.gini),
            largest_share: active.map(|c| c.largest_share),
            null_reason: active.is_none().then_some("no_exports"),
            hirschman: active.map(|c| c.hirschman()),
            inverse_hhi: active.map(|c| c.inverse_hhi()),
            gini_all,
            krugman: specificity.map(|s| s.krugman),
            hoover: specificity.map(|s| s.hoover()),
            hachman: specificity.map(|s| s.hachman),
            market,
        }
    }
}

/// The stage.
pub(super) struct Diversification;

/// See [`Stage::Params`].
#[derive(Serialize)]
pub(super) struct Params {
    classification: Classification,
}

const DESTINATIONS: &str = "trade.region_product_year_destination";

impl Stage for Diversification {
    const NAME: StageName = StageName::Diversification;
    const VERSION: u32 = 4;
    const BY_UNITS: bool = true;
    type Params = Params;

    fn params(pipeline: &Pipeline) -> Params {
        Params { classification: pipeline.classification() }
    }

    fn reads(_params: &Params) -> Vec<Input> {
        Input::tables(&[CELLS, DESTINATIONS])
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        let cells = CellYears::of(context)?;
        let mut years = Vec::new();
        for year in cells.years() {
            let only = BTreeSet::from([year]);
            let unit = cells
                .unit(&year.to_string(), &only)?
                .of("params", params)?
                .reading(DESTINATIONS, files_of_years(context, DESTINATIONS, &only)?);
            years.push((year, unit));
        }
        let units: Vec<Unit> = years.iter().map(|(_, unit)| unit.clone()).collect();
        let kept = context.all_kept::<YearFiles>(&units)?;
        let common = Common {
            groups: ProductGroups::of(&params.classification, &cells.products),
            subcontinents: hs_tables::subcontinents()?,
        };
        // What is read is looked at before, one year after the other; then they are made side by side.
        let mut work = Vec::new();
        for ((year, unit), kept) in years.iter().zip(kept) {
            let of_year = match kept {
                Some(_) => None,
                None => Some(context.of_unit(unit, Some(&unit.name))?),
            };
            work.push((*year, unit, kept, of_year));
        }
        let make = |(year, unit, kept, of_year): (i32, &Unit, Option<YearFiles>, Option<_>)| {
            let Some(of_year) = of_year else { return Ok(kept) };
            let _making = context.making(&unit.name);
            let made = common.year(&cells, &of_year, year)?;
            context.keep(unit, made.files().cloned().collect(), &made)?;
            Ok(Some(made))
        };
        let made: Vec<Option<YearFiles>> =
            work.into_par_iter().map(make).collect::<Result<_, StageError>>()?;
        let (mut regions, mut products) = (Vec::new(), Vec::new());
        for files in made.into_iter().flatten() {
            regions.extend(files.regions);
            products.extend(files.products);
        }
        Ok(Output::from([
            (RegionYear::NAME, Made::Files(regions)),
            (ProductYear::NAME, Made::Files(products)),
        ]))
    }
}

/// The files of a year.
#[derive(Serialize, Deserialize)]
struct YearFiles {
    regions: Option<DataFile>,
    products: Option<DataFile>,
}

impl YearFiles {
    fn files(&self) -> impl Iterator<Item = &DataFile> {
        self.regions.iter().chain(&self.products)
    }
}

/// What all years share.
struct Common {
    groups: ProductGroups,
    subcontinents: BTreeMap<String, String>,
}

impl Common {
    /// Computes variety and concentration of every region and product of a year, and writes them.
    fn year(
        &self,
        cells: &CellYears,
        context: &Context<'_>,
        year: i32,
    ) -> Result<YearFiles, StageError> {
        let cube = cells.cube(context, &BTreeSet::from([year]))?;
        let markets = markets(context)?;
        let slice = cube.slice(&[year], 1, "diversification")?;
        let exports = &slice.exports;
        let found: Vec<Found> = (0..cube.regions.len())
            .into_par_iter()
            .map(|region| Found::of(exports, region, &self.groups))
            .collect();
        let (mut by_region, mut by_product) =
            (Rows::<RegionYear>::default(), Rows::<ProductYear>::default());
        for (region, found) in found.into_iter().enumerate() {
            if !slice.is_reported[region] {
                continue;
            }
            let code = cube.regions[region].as_str();
            let market = markets.get(code);
            by_region.push(found.row(year, code, market_columns(market, &self.subcontinents)));
        }
        products_of_year(&cube, year, exports, &mut by_product);
        let name = format!("{year}.parquet");
        Ok(YearFiles {
            regions: by_region.file(context, &name)?,
            products: by_product.file(context, &name)?,
        })
    }
}

/// The columns of destinations.
fn market_columns(
    market: Option<&BTreeMap<String, Money>>,
    subcontinents: &BTreeMap<String, String>,
) -> MarketColumns {
    let market: BTreeMap<&String, Money> = market
        .into_iter()
        .flatten()
        .filter(|(_, v)| **v > Money::ZERO)
        .map(|(c, v)| (c, *v))
        .collect();
    let values: Vec<f64> = market.values().map(|value| value.to_f64()).collect();
    let names: Vec<String> = market.keys().map(|&name| name.clone()).collect();
    let alone: Vec<usize> = (0..names.len()).collect();
    // A destination that is in no list is a group of its own.
    let group = numbers(&names, |name| subcontinents.get(name).map(String::as_str));
    let found = concentration(&values, Classes::Active);
    MarketColumns {
        n_destinations: (!names.is_empty()).then_some(names.len()),
        destination_entropy: entropy(&values, &alone),
        market_unrelated_variety: entropy(&values, &group),
        market_related_variety: related_variety(&values, &alone, &group),
        destination_hhi: found.map(|c| c.hhi),
        destination_gini: found.map(|c| c.gini),
    }
}

/// Products whose columns are taken out of the rows of regions together: they stand side by side there.
const TOGETHER: usize = 8;

/// Adds a row for each product that is exported.
fn products_of_year(cube: &Cube, year: i32, exports: &Exports, rows: &mut Rows<ProductYear>) {
    let n_regions = cube.regions.len();
    let found: Vec<Vec<ProductYearRow<'_>>> = cube
        .products
        .par_chunks(TOGETHER)
        .enumerate()
        .map(|(chunk, products)| {
            let mut columns = vec![0.0; products.len() * n_regions];
            for region in 0..n_regions {
                let row = &exports.row(region)[chunk * TOGETHER..][..products.len()];
                for (at, value) in row.iter().enumerate() {
                    columns[at * n_regions + region] = *value;
                }
            }
            let columns = columns.chunks_exact(n_regions.max(1));
            let rows = products.iter().zip(columns);
            rows.filter_map(|(product, column)| product_row(year, product, column, exports))
                .collect()
        })
        .collect();
    found.into_iter().flatten().for_each(|row| rows.push(row));
}

/// What the exports of a product by region say, if there are any.
fn product_row<'a>(
    year: i32,
    product: &'a str,
    column: &[f64],
    exports: &Exports,
) -> Option<ProductYearRow<'a>> {
    let found = concentration(column, Classes::Active)?;
    let against = specificity(column, exports.region_totals())?;
    Some(ProductYearRow {
        year,
        product,
        n_regions: found.n_active,
        hhi: found.hhi,
        gini: found.gini,
        locational_gini: against.locational_gini,
        hoover: against.hoover(),
        largest_share: found.largest_share,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use trade::classification::Hierarchy;

    #[test]
    fn variety_that_has_no_groups_is_null_with_a_reason() {
        let row = [1.0, 1.0, 2.0];
        let flat = Classification { hierarchy: Hierarchy::Flat, ..Classification::hs() };
        let products = ["010110", "010190", "020110"].map(str::to_owned);
        let found = variety(&row, &ProductGroups::of(&flat, &products));
        assert_eq!(found.entropy_products, Some(1.5));
        assert_eq!((found.unrelated_variety, found.related_variety), (None, None));
        assert_eq!(found.variety_null_reason, Some("no_groups"));
        let found = variety(&row, &ProductGroups::of(&Classification::hs(), &products));
        assert_eq!((found.unrelated_variety, found.related_variety), (Some(1.0), Some(0.5)));
        assert_eq!(found.variety_null_reason, None);
        let found = variety(&[0.0; 3], &ProductGroups::of(&Classification::hs(), &products));
        assert_eq!(found.variety_null_reason, Some("no_exports"));
    }

    #[test]
    fn markets_of_one_subcontinent_are_related() {
        let subcontinents = hs_tables::subcontinents().expect("the table");
        let market = [("DEU", 50), ("FRA", 50), ("JPN", 100)]
            .map(|(code, value)| (code.to_owned(), Money::from_hundredths(value)));
        let found = market_columns(Some(&BTreeMap::from(market)), &subcontinents);
        let is = |found: Option<f64>, expected: f64| {
            found.is_some_and(|found| (found - expected).abs() < 1e-12)
        };
        assert_eq!(found.n_destinations, Some(3));
        assert!(is(found.destination_entropy, 1.5));
        assert!(is(found.market_unrelated_variety, 1.0));
        assert!(is(found.market_related_variety, 0.5));
    }
}
