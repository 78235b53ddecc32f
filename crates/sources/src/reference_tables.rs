//! Tables from elsewhere that a pipeline names: proximities, a reference economy's trade, incomes of regions.

use crate::hs_tables::{self, CodesError};
use crate::matched::{Examples, MatchedColumn};
use crate::table_reader::TableReader;
use chrono::NaiveDate;
use project::pipeline::{
    ByProduct, External, GroupColumns, IncomeColumns, PciColumns, ProximityColumns, RebateColumns,
    ReferenceColumns,
};
use space::Relatedness;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use trade::code;
use trade::number::NumberFormat;
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

/// Calls `each` on the texts of the columns `names` of every row of a table, and on how its numbers
/// are written, which are in the columns at `numbers` among them; `key` is the table's in the
/// pipeline. What `each` says is wrong is an error with the line.
fn each_row<C, const N: usize>(
    table: &External<C>,
    key: &str,
    names: [&str; N],
    numbers: &[usize],
    mut each: impl FnMut([&str; N], &NumberFormat) -> Result<(), String>,
) -> Result<(), ExternalError> {
    let failed = |why: String| ExternalError::File { path: table.path.clone(), why };
    let mut reader = TableReader::open(&table.path, &table.read).map_err(failed)?;
    let n_columns = reader.header().len();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        *place =
            reader.place(name).map_err(|why| failed(format!("{why}; correct `{key}.columns`")))?;
    }
    let options = &table.read;
    let of_numbers: Vec<usize> = numbers.iter().map(|&at| places[at]).collect();
    let format = reader.numbers(&of_numbers);
    let format = format.map_err(|why| failed(format!("{why} in `{key}.read`")))?;
    let rows = reader.each(|row| {
        // Bytes that are no text are a fault in any column.
        for place in 0..n_columns {
            row.text(place)?;
        }
        let mut texts = [""; N];
        for (at, (text, &place)) in texts.iter_mut().zip(&places).enumerate() {
            *text = row.text(place)?;
            let is_missing = match numbers.contains(&at) {
                true => options.is_missing_number(text),
                false => options.is_missing(text),
            };
            if is_missing {
                *text = "";
            }
        }
        each(texts, &format)
    });
    rows.map_err(|fault| failed(fault.to_string()))
}

/// Holds the products, regions or years `data` against the table at `path`, which has `n` of them.
fn hold<T: AsRef<str>>(
    column: &MatchedColumn<'_>,
    n: usize,
    data: &[T],
    table: &Examples,
) -> Result<(), ExternalError> {
    let failed = |why: String| ExternalError::File { path: column.path.to_owned(), why };
    column.check(n, data, table).map_err(failed)
}

/// The column of products of the table `key`.
fn of_products<'a>(path: &'a Path, key: &'a str, column: &'a str) -> MatchedColumn<'a> {
    MatchedColumn { path, key, column, what: "product" }
}

fn number(format: &NumberFormat, text: &str, what: &str) -> Result<f64, String> {
    format.parse(text).map_err(|fault| format!("{what} {text:?}: {fault}"))
}

fn year(text: &str) -> Result<i32, String> {
    code::whole(text).parse().map_err(|_| format!("year {text:?}: expected four digits"))
}

fn hs6(text: &str) -> Option<Hs6> {
    format!("{:0>6}", code::whole(text)).parse().ok()
}

/// Incomes a head, or population, by year and region code; `key` is the table's in the pipeline. The
/// data have `regions` and `years`.
///
/// # Errors
///
/// [`ExternalError`], naming file and line, or if it has none of the regions or years.
pub fn of_regions(
    external: &External<IncomeColumns>,
    key: &str,
    regions: &[String],
    years: &[i32],
) -> Result<BTreeMap<(i32, String), f64>, ExternalError> {
    let columns = &external.columns;
    let names = [columns.year.as_str(), columns.region.as_str(), columns.value.as_str()];
    let mut found = BTreeMap::new();
    let (mut of_regions, mut of_years) = (Examples::default(), Examples::default());
    each_row(external, key, names, &[2], |[text, region, value], format| {
        of_regions.add(region);
        of_years.add(text);
        if value.is_empty() {
            return Ok(());
        }
        let value = number(format, value, key)?;
        if value < 0.0 {
            return Err(format!("{key} {value}: expected zero or more"));
        }
        match found.insert((year(text)?, region.to_owned()), value) {
            Some(_) => Err(format!("region {region:?} is there twice for {text}")),
            None => Ok(()),
        }
    })?;
    let matched = |column, what| MatchedColumn { path: &external.path, key, column, what };
    let there: BTreeSet<&str> = found.keys().map(|(_, region)| region.as_str()).collect();
    let n = regions.iter().filter(|region| there.contains(region.as_str())).count();
    hold(&matched("region", "region"), n, regions, &of_regions)?;
    let there: BTreeSet<i32> = found.keys().map(|(year, _)| *year).collect();
    let n = years.iter().filter(|&year| there.contains(year)).count();
    let years: Vec<String> = years.iter().map(i32::to_string).collect();
    hold(&matched("year", "year"), n, &years, &of_years)?;
    Ok(found)
}

/// The complexity of each of `products`; `None` where the table has none. Products of one code share its complexity.
///
/// # Errors
///
/// [`ExternalError`], naming file and line, or if it has none of the products.
pub fn pci(
    external: &External<ByProduct<PciColumns>>,
    target: HsRevision,
    products: &[String],
) -> Result<Vec<Option<f64>>, ExternalError> {
    let columns = &external.columns;
    let names = [columns.product.as_str(), columns.value.as_str()];
    let mut of_codes: BTreeMap<Hs6, f64> = BTreeMap::new();
    let mut examples = Examples::default();
    each_row(external, "pci", names, &[1], |[product, value], format| {
        examples.add(product);
        if let Some(code) = hs6(product)
            && !value.is_empty()
            && of_codes.insert(code, number(format, value, "complexity")?).is_some()
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
    let n = found.iter().flatten().count();
    tracing::info!(products = n, of = products.len(), "external PCI");
    hold(&of_products(&external.path, "pci", "product"), n, products, &examples)?;
    Ok(found)
}

/// The group of each region code; the data have the regions `codes`.
///
/// # Errors
///
/// [`ExternalError`], naming file and line, or if it has none of the regions.
fn groups(
    external: &External<GroupColumns>,
    codes: &[&str],
) -> Result<BTreeMap<String, String>, ExternalError> {
    let columns = &external.columns;
    let names = [columns.region.as_str(), columns.group.as_str()];
    let mut found = BTreeMap::new();
    let mut examples = Examples::default();
    each_row(external, "groups", names, &[], |[region, group], _| {
        examples.add(region);
        match found.insert(region.to_owned(), group.to_owned()) {
            Some(other) if other != group => {
                Err(format!("region {region:?} is in two groups, {other:?} and {group:?}"))
            }
            _ => Ok(()),
        }
    })?;
    let n = codes.iter().filter(|code| found.contains_key(**code)).count();
    let (path, what) = (external.path.as_path(), "region");
    hold(&MatchedColumn { path, key: "groups", column: "region", what }, n, codes, &examples)?;
    Ok(found)
}

/// The group of each of the regions `codes`: of the pipeline's table, or the first `digits`
/// characters of their codes.
///
/// # Errors
///
/// [`ExternalError`], naming file and line, or if the table has none of the regions.
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
    let given = groups(table, codes)?;
    let without: Vec<&str> =
        codes.iter().copied().filter(|code| !given.contains_key(*code)).collect();
    if !without.is_empty() {
        tracing::warn!(
            regions = without.join(", "),
            n = without.len(),
            of = codes.len(),
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
/// [`ExternalError`], naming file and line, or if it has none of the products.
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
    let mut is_there = vec![false; products.len()];
    let mut examples = Examples::default();
    each_row(external, "reference", names, &[2], |[text, product, value], format| {
        examples.add(product);
        if value.is_empty() {
            return Ok(());
        }
        let (values, total) =
            found.entry(year(text)?).or_insert_with(|| (vec![0.0; products.len()], 0.0));
        let value = number(format, value, "value")?;
        if value < 0.0 {
            return Err(format!("value {value}: expected zero or more"));
        }
        *total += value;
        let code =
            hs6(product).map(|code| concordance.convert(*external.columns.hs_revision, code));
        let code = code.and_then(|conversion| conversion.targets.first().map(|(code, _)| *code));
        match code.and_then(|code| places.get(code.as_str())) {
            Some(&at) => {
                values[at] += value;
                is_there[at] = true;
            }
            None => n_other += 1,
        }
        Ok(())
    })?;
    tracing::info!(years = found.len(), rows_of_other_products = n_other, "reference economy");
    let n = is_there.iter().filter(|is_there| **is_there).count();
    hold(&of_products(&external.path, "reference", "product"), n, products, &examples)?;
    Ok(found)
}

/// Proximities of another revision's codes, given to the products of the target revision.
///
/// A product takes the proximities of the one code it corresponds to. Two products of one code are as
/// close as can be, 1: the other revision does not tell them apart.
///
/// # Errors
///
/// [`ExternalError`], naming file and line, or if it has none of the products.
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
    let mut examples = Examples::default();
    each_row(external, "proximity", names, &[2], |[a, b, value], format| {
        examples.add(a);
        // Codes such as 9999AA, commodities not specified, are no products and match none.
        let (Some(a), Some(b)) = (hs6(a), hs6(b)) else {
            n_other += 1;
            return Ok(());
        };
        if value.is_empty() {
            return Ok(());
        }
        let value = format
            .parse(value)
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
    hold(&of_products(&external.path, "proximity", "a"), n_known, products, &examples)?;
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
    each_row(external, "rebate_rates", names, &[1], |[hs, rate, from, to], format| {
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
        let rate = number(format, rate, "rate")? * unit;
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

#[cfg(test)]
mod tests {
    use super::*;
    use project::config::choice::Named;
    use project::read_options::ReadOptions;
    use tempfile::NamedTempFile;

    fn table<C>(text: &str, columns: C) -> (NamedTempFile, External<C>) {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        let external = External {
            label: String::new(),
            path: file.path().to_owned(),
            read: ReadOptions::default(),
            columns,
        };
        (file, external)
    }

    #[test]
    fn a_reference_of_headings_is_refused_and_one_of_products_is_read() {
        let read = |code: &str| {
            let names = ["year", "code", "value"].map(str::to_owned);
            let [year, product, value] = names;
            let columns = ReferenceColumns { year, product, value };
            let columns = ByProduct { hs_revision: Named(HsRevision::Hs2007), columns };
            let text = format!("year,code,value\n2008,{code},5\n2008,8517,7\n");
            let (_file, external) = table(&text, columns);
            let products = ["010190", "851712"].map(str::to_owned);
            reference(&external, HsRevision::Hs2007, &products)
        };
        let error = read("0101").expect_err("headings").to_string();
        assert!(
            error.contains(
                "it has none of the 2 products of the data: it has `0101`, `8517` where the data have `010190`, `851712`; \
                 correct the table, or `reference.columns.product`"
            ),
            "{error}"
        );
        let (values, total) = read("10190").expect("a product").remove(&2008).expect("a year");
        assert!((values[0] - 5.0).abs() < 1e-12 && (total - 12.0).abs() < 1e-12);
    }

    #[test]
    fn incomes_of_other_regions_or_years_are_refused() {
        let names = ["year", "region", "value"].map(str::to_owned);
        let [year, region, value] = names;
        let columns = IncomeColumns { year, region, value };
        let (_file, external) = table("year,region,value\n2008,31,5\n", columns);
        let read = |region: &str, year: i32| {
            of_regions(&external, "incomes", &[region.to_owned()], &[year])
        };
        assert_eq!(read("31", 2008).expect("an income").len(), 1);
        let error = read("310000", 2008).expect_err("another region").to_string();
        assert!(error.contains("it has `31` where the data have `310000`"), "{error}");
        assert!(error.contains("`incomes.columns.region`"), "{error}");
        let error = read("31", 2009).expect_err("another year").to_string();
        assert!(error.contains("`incomes.columns.year`"), "{error}");
    }

    #[test]
    fn groups_of_other_regions_are_refused_and_a_region_without_one_is_put_aside() {
        let columns = GroupColumns { region: "region".to_owned(), group: "part".to_owned() };
        let (_file, external) = table("region,part\nA,east\nB,west\n", columns);
        let found = groups_of(Some(&external), 2, &["A", "C"]).expect("one is there");
        assert_eq!(found, ["east", "other"]);
        let error = groups_of(Some(&external), 2, &["C", "D"]).expect_err("none").to_string();
        assert!(error.contains("none of the 2 regions of the data"), "{error}");
    }
}
