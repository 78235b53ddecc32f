//! Tables from elsewhere that a pipeline names: proximities, a reference economy's trade, incomes of regions.

use crate::delimited::{self, Reader};
use crate::hs_tables::{self, CodesError};
use chrono::NaiveDate;
use project::pipeline::{
    ByProduct, External, GroupColumns, IncomeColumns, PciColumns, ProximityColumns, RebateColumns,
    ReferenceColumns,
};
use space::Relatedness;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use trade::{Concordance, Hs6, HsRevision, Method};

/// A table that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// The file is at fault.
    #[error("failed to read `{path}`: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A built-in table is damaged.
    #[error(transparent)]
    Codes(#[from] CodesError),
}

/// Calls `each` on the texts of the columns `names` of every row of the table at `path`; `key` is the
/// table's in the pipeline. What `each` says is wrong is an error with the line.
fn each_row<const N: usize>(
    path: &Path,
    key: &str,
    names: [&str; N],
    mut each: impl FnMut([&str; N]) -> Result<(), String>,
) -> Result<(), ExternalError> {
    let failed = |why: String| ExternalError::File { path: path.to_owned(), why };
    let mut reader = Reader::open(path).map_err(failed)?;
    let n_columns = reader.header().len();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        *place = delimited::place(reader.header(), name)
            .map_err(|why| failed(format!("{why}; correct `{key}.columns`")))?;
    }
    let rows = reader.each(|row| {
        // Bytes that are no text are a fault in any column.
        for place in 0..n_columns {
            row.text(place)?;
        }
        let mut texts = [""; N];
        for (text, &place) in texts.iter_mut().zip(&places) {
            *text = row.text(place)?;
        }
        each(texts)
    });
    rows.map_err(|fault| failed(fault.to_string()))
}

fn number(text: &str, what: &str) -> Result<f64, String> {
    let found = text.parse::<f64>().ok().filter(|value| value.is_finite());
    found.ok_or_else(|| format!("{what} {text:?}: expected a number"))
}

fn year(text: &str) -> Result<i32, String> {
    text.parse().map_err(|_| format!("year {text:?}: expected four digits"))
}

fn hs6(text: &str) -> Option<Hs6> {
    format!("{text:0>6}").parse().ok()
}

/// Incomes a head, or population, by year and region code; `key` is the table's in the pipeline.
///
/// # Errors
///
/// [`ExternalError`], naming file and line.
pub fn of_regions(
    external: &External<IncomeColumns>,
    key: &str,
) -> Result<BTreeMap<(i32, String), f64>, ExternalError> {
    let columns = &external.columns;
    let names = [columns.year.as_str(), columns.region.as_str(), columns.value.as_str()];
    let mut found = BTreeMap::new();
    each_row(&external.path, key, names, |[text, region, value]| {
        if value.is_empty() {
            return Ok(());
        }
        let value = number(value, key)?;
        if value < 0.0 {
            return Err(format!("{key} {value}: expected zero or more"));
        }
        match found.insert((year(text)?, region.to_owned()), value) {
            Some(_) => Err(format!("region {region:?} is there twice for {text}")),
            None => Ok(()),
        }
    })?;
    Ok(found)
}

/// The complexity of each of `products`; `None` where the table has none. Products of one code share its complexity.
///
/// # Errors
///
/// [`ExternalError`], naming file and line.
pub fn pci(
    external: &External<ByProduct<PciColumns>>,
    target: HsRevision,
    products: &[String],
) -> Result<Vec<Option<f64>>, ExternalError> {
    let columns = &external.columns;
    let names = [columns.product.as_str(), columns.value.as_str()];
    let mut of_codes: BTreeMap<Hs6, f64> = BTreeMap::new();
    each_row(&external.path, "pci", names, |[product, value]| {
        if let Some(code) = hs6(product)
            && of_codes.insert(code, number(value, "complexity")?).is_some()
        {
            return Err(format!("product {product:?} is there twice"));
        }
        Ok(())
    })?;
    let tables = hs_tables::tables(&BTreeSet::from([*external.columns.hs_revision, target]))?;
    let revisions = BTreeSet::from([target]);
    let concordance = Concordance::new(
        Method::OneToOne,
        *external.columns.hs_revision,
        &revisions,
        &tables,
        |_| 0,
    );
    let of = |product: &String| {
        let conversion = concordance.convert(target, product.parse().ok()?);
        of_codes.get(&conversion.targets.first()?.0).copied()
    };
    let found: Vec<Option<f64>> = products.iter().map(of).collect();
    tracing::info!(products = found.iter().flatten().count(), of = products.len(), "external PCI");
    Ok(found)
}

/// The group of each region code.
///
/// # Errors
///
/// [`ExternalError`], naming file and line.
fn groups(external: &External<GroupColumns>) -> Result<BTreeMap<String, String>, ExternalError> {
    let columns = &external.columns;
    let names = [columns.region.as_str(), columns.group.as_str()];
    let mut found = BTreeMap::new();
    each_row(&external.path, "groups", names, |[region, group]| {
        match found.insert(region.to_owned(), group.to_owned()) {
            Some(other) if other != group => {
                Err(format!("region {region:?} is in two groups, {other:?} and {group:?}"))
            }
            _ => Ok(()),
        }
    })?;
    Ok(found)
}

/// The group of each of the regions `codes`: of the pipeline's table, or the first `digits`
/// characters of their codes.
///
/// # Errors
///
/// [`ExternalError`], naming file and line.
pub fn groups_of(
    table: Option<&External<GroupColumns>>,
    digits: usize,
    codes: &[&str],
) -> Result<Vec<String>, ExternalError> {
    let Some(table) = table else {
        let group = |code: &&str| code.chars().take(digits).collect::<String>();
        let named = |group: String| if group.is_empty() { "all".to_owned() } else { group };
        return Ok(codes.iter().map(group).map(named).collect());
    };
    let given = groups(table)?;
    let without: Vec<&str> =
        codes.iter().copied().filter(|code| !given.contains_key(*code)).collect();
    if !without.is_empty() {
        tracing::warn!(
            regions = without.join(", "),
            "regions without a group are put into `other`"
        );
    }
    let group = |code: &&str| given.get(*code).map_or_else(|| "other".to_owned(), Clone::clone);
    Ok(codes.iter().map(group).collect())
}

/// The trade of the reference economy in each of `products`, and in all, by year.
///
/// # Errors
///
/// [`ExternalError`], naming file and line.
pub fn reference(
    external: &External<ByProduct<ReferenceColumns>>,
    target: HsRevision,
    products: &[String],
) -> Result<BTreeMap<i32, (Vec<f64>, f64)>, ExternalError> {
    let columns = &external.columns;
    let names = [columns.year.as_str(), columns.product.as_str(), columns.value.as_str()];
    let tables = hs_tables::tables(&BTreeSet::from([*external.columns.hs_revision, target]))?;
    let revisions = BTreeSet::from([*external.columns.hs_revision]);
    let concordance = Concordance::new(Method::OneToOne, target, &revisions, &tables, |_| 0);
    let places: BTreeMap<&str, usize> =
        products.iter().enumerate().map(|(at, code)| (code.as_str(), at)).collect();
    let mut found: BTreeMap<i32, (Vec<f64>, f64)> = BTreeMap::new();
    let mut n_other = 0;
    each_row(&external.path, "reference", names, |[text, product, value]| {
        let (values, total) =
            found.entry(year(text)?).or_insert_with(|| (vec![0.0; products.len()], 0.0));
        let value = number(value, "value")?;
        if value < 0.0 {
            return Err(format!("value {value}: expected zero or more"));
        }
        *total += value;
        let code =
            hs6(product).map(|code| concordance.convert(*external.columns.hs_revision, code));
        let code = code.and_then(|conversion| conversion.targets.first().map(|(code, _)| *code));
        match code.and_then(|code| places.get(code.as_str())) {
            Some(&at) => values[at] += value,
            None => n_other += 1,
        }
        Ok(())
    })?;
    tracing::info!(years = found.len(), rows_of_other_products = n_other, "reference economy");
    Ok(found)
}

/// Proximities of another revision's codes, given to the products of the target revision.
///
/// A product takes the proximities of the one code it corresponds to. Two products of one code are as
/// close as can be, 1: the other revision does not tell them apart.
///
/// # Errors
///
/// [`ExternalError`], naming file and line.
pub fn proximity(
    external: &External<ByProduct<ProximityColumns>>,
    target: HsRevision,
    products: &[String],
) -> Result<Relatedness, ExternalError> {
    let columns = &external.columns;
    let tables = hs_tables::tables(&BTreeSet::from([*external.columns.hs_revision, target]))?;
    let concordance = Concordance::new(
        Method::OneToOne,
        *external.columns.hs_revision,
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
    let names = [columns.a.as_str(), columns.b.as_str(), columns.proximity.as_str()];
    each_row(&external.path, "proximity", names, |[a, b, value]| {
        // Codes such as 9999AA, commodities not specified, are no products and match none.
        let (Some(a), Some(b)) = (hs6(a), hs6(b)) else {
            n_other += 1;
            return Ok(());
        };
        let value = value
            .parse::<f64>()
            .ok()
            .filter(|value| (0.0..=1.0).contains(value))
            .ok_or_else(|| format!("proximity {value:?}: expected a number between 0 and 1"))?;
        known.extend([a, b]);
        let none = Vec::new();
        for &p in places.get(&a).unwrap_or(&none) {
            for &q in places.get(&b).unwrap_or(&none) {
                if a != b {
                    pairs.push((p, q, value));
                }
            }
        }
        Ok(())
    })?;
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
    Relatedness::from_pairs(products.len(), pairs).map_err(|error| ExternalError::File {
        path: external.path.clone(),
        why: error.to_string(),
    })
}

/// A rebate of export VAT, in force on the export dates from the first to the last day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// A fraction of the value.
    pub rate: f64,
    /// First day.
    pub from: NaiveDate,
    /// Last day; `None`: until further notice.
    pub to: Option<NaiveDate>,
}

/// Rebate rates by tariff line (8 or 10 digits, products, headings or chapters), in the order of their dates. Codes of six digits and more
/// begin with the target revision's product.
///
/// # Errors
///
/// [`ExternalError`], naming file and line, or two rates of one line on one day.
pub fn rebate_rates(
    external: &External<ByProduct<RebateColumns>>,
    target: HsRevision,
) -> Result<BTreeMap<String, Vec<Rate>>, ExternalError> {
    let columns = &external.columns;
    let failed = |why: String| ExternalError::File { path: external.path.clone(), why };
    let unit = match columns.unit.as_str() {
        "fraction" => 1.0,
        "percent" => 0.01,
        other => {
            return Err(failed(format!(
                "`rebate_rates.columns.unit` is {other:?}: expected fraction or percent"
            )));
        }
    };
    let names =
        [&columns.hs, &columns.rate, &columns.valid_from, &columns.valid_to].map(String::as_str);
    let tables = hs_tables::tables(&BTreeSet::from([*external.columns.hs_revision, target]))?;
    let revisions = BTreeSet::from([*external.columns.hs_revision]);
    let concordance = Concordance::new(Method::OneToOne, target, &revisions, &tables, |_| 0);
    let mut found: BTreeMap<String, Vec<Rate>> = BTreeMap::new();
    each_row(&external.path, "rebate_rates", names, |[hs, rate, from, to]| {
        let digits: String = hs.chars().filter(|c| *c != '.').collect();
        if !(2..=10).contains(&digits.len())
            || digits.len() % 2 == 1
            || !digits.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(format!("code {hs:?}: expected 2, 4, 6, 8 or 10 digits"));
        }
        let date = |text: &str, what: &str| {
            text.parse::<NaiveDate>()
                .map_err(|_| format!("{what} {text:?}: expected a date, YYYY-MM-DD"))
        };
        let rate = number(rate, "rate")? * unit;
        if !(0.0..=1.0).contains(&rate) {
            return Err(format!("rate {rate}: expected 0 to 1 (`unit: percent` reads 0 to 100)"));
        }
        let from = date(from, "valid_from")?;
        let to = if to.is_empty() { None } else { Some(date(to, "valid_to")?) };
        if to.is_some_and(|to| to < from) {
            return Err(format!("valid_to is before valid_from, {from}"));
        }
        let code = match digits.get(..6).and_then(hs6) {
            None => digits,
            Some(code) => {
                let conversion = concordance.convert(*external.columns.hs_revision, code);
                let target = conversion.targets.first().map_or(code, |(code, _)| *code);
                format!("{}{}", target.as_str(), &digits[6..])
            }
        };
        found.entry(code).or_default().push(Rate { rate, from, to });
        Ok(())
    })?;
    for (code, line) in &mut found {
        line.sort_by_key(|rate| rate.from);
        let overlap = line.windows(2).find(|pair| pair[0].to.is_none_or(|to| to >= pair[1].from));
        // Lines that one product now stands for may differ; a line's own rates may not.
        if let Some(pair) = overlap
            && *external.columns.hs_revision == target
        {
            return Err(failed(format!(
                "{code} has two rates on {}: end the first before it",
                pair[1].from
            )));
        }
    }
    Ok(found)
}
