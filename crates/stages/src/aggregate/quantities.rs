//! Quantities by region, product, year and unit of measure, beside the value of the records that
//! have one.

use super::super::context::Context;
use super::super::cube::coded;
use super::super::error::StageError;
use super::super::record_store::{RECORDS, ReportedCode};
use super::super::rows::Rows;
use super::super::sync::locked;
use super::conversions::Conversions;
use super::products::Products;
use super::split::split;
use super::tables::{CellColumns, QuantityRow, RegionProductYearQuantity};
use arrow::array::{Array, AsArray, DictionaryArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Float64Type, Int32Type};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};
use trade::interner::Interner;
use trade::money::allocate;
use trade::{Conversion, HsRevision, Money};

const COLUMNS: [&str; 9] = [
    "year",
    "flow",
    "region_code",
    "product",
    "hs_revision",
    "quantity",
    "quantity_unit",
    "fob_value",
    "is_excluded",
];

/// Sums are exact, so that they do not depend on their order.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    /// Thousandths of a unit.
    quantity: i128,
    value: Money,
    n: usize,
}

/// What is summed, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    year: i32,
    region: u32,
    product: u32,
    unit: u32,
}

#[expect(clippy::disallowed_types, reason = "lookup only; what comes out is sorted")]
type Sums = std::collections::HashMap<Key, Sum>;

#[derive(Debug, Default)]
struct Shared {
    regions: Interner,
    units: Interner,
    sums: Sums,
}

/// Rows of `trade.region_product_year_quantity`.
///
/// # Errors
///
/// [`StageError`] if the records cannot be read.
pub(super) fn rows(
    context: &Context<'_>,
    flow: &str,
    conversions: &Conversions,
) -> Result<Rows<RegionProductYearQuantity>, StageError> {
    let shared = Mutex::new(Shared::default());
    let known = Known { flow, conversions, products: Products::of(conversions) };
    context.files_of(RECORDS)?.par_iter().try_for_each(|file| {
        let mut sums = Sums::default();
        context
            .each_coded(RECORDS, file, &COLUMNS, |batch| add(batch, &known, &shared, &mut sums))?;
        let mut shared = locked(&shared);
        for (key, more) in sums {
            let sum = shared.sums.entry(key).or_default();
            sum.quantity += more.quantity;
            sum.value += more.value;
            sum.n += more.n;
        }
        Ok::<_, StageError>(())
    })?;
    let Shared { regions, units, sums } =
        shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut sums: Vec<(Key, Sum)> = sums.into_iter().collect();
    sums.par_sort_unstable_by_key(|&(Key { year, region, product, unit }, _)| {
        (year, regions.text(region), product, units.text(unit))
    });
    let mut rows = Rows::default();
    for (Key { year, region, product, unit }, sum) in sums {
        #[expect(clippy::cast_precision_loss, reason = "a quantity")]
        let quantity = sum.quantity as f64 / 1000.0;
        rows.push(QuantityRow {
            cell: CellColumns {
                year,
                region_code: regions.text(region),
                product: &known.products.codes()[product as usize],
            },
            quantity_unit: units.text(unit),
            quantity,
            fob_value: sum.value,
            n_records: sum.n,
        });
    }
    Ok(rows)
}

/// A column of texts, and what each entry of its dictionary means.
fn meanings<'b, T>(
    batch: &'b RecordBatch,
    column: &str,
    meaning: impl Fn(&str) -> Result<T, StageError>,
) -> Result<(&'b DictionaryArray<Int32Type>, Vec<T>), StageError> {
    let column = batch.column(batch.schema().index_of(column)?).as_dictionary::<Int32Type>();
    let texts = column.values().as_string::<i32>();
    let meanings = (0..texts.len()).map(|at| meaning(texts.value(at)));
    Ok((column, meanings.collect::<Result<_, _>>()?))
}

/// What is known before the records are read.
struct Known<'a> {
    flow: &'a str,
    conversions: &'a Conversions,
    products: Products,
}

/// The products that a reported code is brought to, by place in the order of the conversion.
struct Target<'a> {
    conversion: &'a Conversion<String>,
    products: Vec<u32>,
}

impl Known<'_> {
    fn target(&self, revision: Option<HsRevision>, code: &str) -> Result<Target<'_>, StageError> {
        let reported = ReportedCode { revision, code: code.to_owned() };
        let conversion = self.conversions.get(&reported).ok_or_else(|| {
            StageError::Data("a code appeared after the codes were read".to_owned())
        })?;
        let products = conversion.targets.iter().map(|(code, _)| self.products.place(code));
        Ok(Target { conversion, products: products.collect() })
    }
}

fn add(
    batch: &RecordBatch,
    known: &Known<'_>,
    shared: &Mutex<Shared>,
    sums: &mut Sums,
) -> Result<(), StageError> {
    let schema = batch.schema();
    let column = |name: &str| Ok::<_, StageError>(batch.column(schema.index_of(name)?));
    let quantities = column("quantity")?.as_primitive::<Float64Type>();
    if quantities.null_count() == batch.num_rows() {
        return Ok(());
    }
    let years = column("year")?.as_primitive::<Int32Type>().values();
    let values = column("fob_value")?.as_primitive::<Decimal128Type>().values();
    let is_excluded = column("is_excluded")?.as_boolean();
    let broken = |e: &dyn std::fmt::Display| StageError::Data(format!("{RECORDS}: {e}"));
    let (flows, is_asked) = meanings(batch, "flow", |text| Ok(text == known.flow))?;
    let (codes, codes_of) = meanings(batch, "product", |text| Ok(text.to_owned()))?;
    let (revisions, revisions_of) =
        meanings(batch, "hs_revision", |text| text.parse::<HsRevision>().map_err(|e| broken(&e)))?;
    let mut shared = locked(shared);
    let (regions, regions_of) = coded(batch, "region_code", &mut shared.regions)?;
    let (units, units_of) = coded(batch, "quantity_unit", &mut shared.units)?;
    let no_unit = shared.units.code("");
    drop(shared);
    // By revision and code; codes of other classifications than HS have no revision.
    let mut targets: BTreeMap<(Option<usize>, usize), Target<'_>> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let keys = (flows.key(row), regions.key(row), codes.key(row));
        let (Some(flow), Some(region), Some(code)) = keys else { continue };
        if quantities.is_null(row) || is_excluded.value(row) || !is_asked[flow] {
            continue;
        }
        let revision = revisions.key(row);
        let target: &Target<'_> = match targets.entry((revision, code)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let revision = revision.map(|revision| revisions_of[revision]);
                new.insert(known.target(revision, &codes_of[code])?)
            }
        };
        let &Target { conversion, ref products } = target;
        let unit = units.key(row).map_or(no_unit, |unit| units_of[unit]);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "below 10^19, as a quantity is below 10^16"
        )]
        let quantity = (quantities.value(row) * 1000.0).round() as i128;
        let value = Money::from_hundredths(values[row]);
        // A code that was split divides its quantity as its value.
        let quantities = match conversion.targets.len() {
            1 => vec![quantity],
            _ => {
                let parts = allocate(Money::from_hundredths(quantity), &conversion.weights());
                parts.into_iter().map(Money::hundredths).collect()
            }
        };
        split(conversion, value, |at, value| {
            let (year, region, product) = (years[row], regions_of[region], products[at]);
            let key = Key { year, region, product, unit };
            let sum = sums.entry(key).or_default();
            sum.quantity += quantities[at];
            sum.value += value;
            sum.n += 1;
        });
    }
    Ok(())
}
