//! Rates of export VAT rebates to `policy.*`: what each product got back, by year and over the crisis.

pub(super) mod tables;

use self::tables::{Rebate, RebateRow, RebateYear, RebateYearRow};
use super::context::{Context, Input, Output};
use super::error::StageError;
use super::params::Target;
use super::rows::{Rows, table};
use super::stage::Stage;
use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use chrono::{Datelike, NaiveDate};
use lake::Contract;
use project::config;
use project::pipeline::{ByProduct, External, Pipeline, RebateColumns};
use project::stage_name::StageName;
use serde::Serialize;
use sources::matched::{Examples, MatchedColumn};
use sources::reference_tables::{self, ExternalError, Rate};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The tariff lines of a product, each with its rates in the order of their dates.
type Lines = Vec<Vec<Rate>>;

fn rate_on(line: &[Rate], day: NaiveDate) -> Option<f64> {
    line.iter()
        .find(|rate| rate.from <= day && rate.to.is_none_or(|to| day <= to))
        .map(|rate| rate.rate)
}

/// The mean rate over the days of a year on which the line has one, and how many those are.
fn over_year(line: &[Rate], year: i32) -> (f64, i64) {
    let (Some(first), Some(last)) =
        (NaiveDate::from_ymd_opt(year, 1, 1), NaiveDate::from_ymd_opt(year, 12, 31))
    else {
        return (0.0, 0);
    };
    let mut sum = 0.0;
    let mut days = 0;
    for rate in line {
        let from = rate.from.max(first);
        let to = rate.to.map_or(last, |to| to.min(last));
        let n = (to - from).num_days() + 1;
        if n > 0 {
            #[expect(clippy::cast_precision_loss, reason = "days of a year")]
            let weight = n as f64;
            sum += rate.rate * weight;
            days += n;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "days of a year")]
    let mean = if days > 0 { sum / days as f64 } else { 0.0 };
    (mean, days)
}

/// Rate and days of the lines that have a rate in a year.
fn in_year(lines: &Lines, year: i32) -> Vec<(f64, i64)> {
    lines.iter().map(|line| over_year(line, year)).filter(|(_, days)| *days > 0).collect()
}

#[expect(clippy::cast_precision_loss, reason = "lines of a product")]
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The lines of each of `products`: those of its six digits or, if there are none, of the longest code that it begins with.
fn lines_of(
    products: &BTreeSet<String>,
    rates: BTreeMap<String, Vec<Rate>>,
) -> BTreeMap<String, Lines> {
    let mut exact: BTreeMap<String, Lines> = BTreeMap::new();
    let mut prefixes: BTreeMap<String, Vec<Rate>> = BTreeMap::new();
    for (code, line) in rates {
        if code.len() >= 6 {
            exact.entry(code[..6].to_owned()).or_default().push(line);
        } else {
            prefixes.insert(code, line);
        }
    }
    let mut found = BTreeMap::new();
    for product in products {
        let prefix = || {
            [4, 2]
                .iter()
                .find_map(|&n| prefixes.get(product.get(..n)?))
                .map(|line| vec![line.clone()])
        };
        if let Some(lines) = exact.remove(product).or_else(prefix) {
            found.insert(product.clone(), lines);
        }
    }
    found
}

/// The stage.
pub(super) struct Policy;

/// See [`Stage::Params`].
#[derive(Serialize)]
pub(super) struct Params {
    policy: config::Policy,
    harmonize: Target,
    rebate_rates: Option<External<ByProduct<RebateColumns>>>,
}

const PRODUCT: &str = "trade.product";
const REGION_YEAR: &str = "trade.region_year";

impl Stage for Policy {
    const NAME: StageName = StageName::Policy;
    const VERSION: u32 = 2;
    type Params = Params;

    fn params(pipeline: &Pipeline) -> Params {
        Params {
            policy: pipeline.config.policy.clone(),
            harmonize: Target::from(&pipeline.config),
            rebate_rates: pipeline.rebate_rates.clone(),
        }
    }

    fn reads(params: &Params) -> Vec<Input> {
        let mut inputs = Input::tables(&[PRODUCT, REGION_YEAR]);
        inputs.extend(params.rebate_rates.iter().map(|table| Input::file(table.file())));
        inputs
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        let products = products(context)?;
        let lines = match &params.rebate_rates {
            None => BTreeMap::new(),
            Some(table) => {
                let rates = rates(params, context.outside(table)?)?;
                let codes: Examples = rates.keys().collect();
                let lines = lines_of(&products, rates);
                are_matched(&table.path, &lines, &products, &codes)?;
                lines
            }
        };
        tracing::info!(products = lines.len(), of = products.len(), "rebate rates");
        let mut output = Output::new();
        table(&mut output, rebate_years(params.policy.vat, &years(context)?, &lines))?;
        table(&mut output, rebates(&Days::of(&params.policy), &lines))?;
        Ok(output)
    }
}

fn products(context: &Context<'_>) -> Result<BTreeSet<String>, StageError> {
    let mut products = BTreeSet::new();
    for batch in context.rows(PRODUCT)? {
        let codes = batch.column(batch.schema().index_of("product")?).as_string::<i32>().clone();
        products.extend(codes.iter().flatten().map(str::to_owned));
    }
    Ok(products)
}

/// Whether the table at `path`, which has `codes`, has rates of any product.
fn are_matched(
    path: &Path,
    lines: &BTreeMap<String, Lines>,
    products: &BTreeSet<String>,
    codes: &Examples,
) -> Result<(), ExternalError> {
    let column = MatchedColumn { path, key: "rebate_rates", column: "hs", what: "product" };
    let products: Vec<&String> = products.iter().collect();
    let failed = |why: String| ExternalError::File { path: path.to_owned(), why };
    column.check(lines.len(), &products, codes).map_err(failed)
}

fn years(context: &Context<'_>) -> Result<BTreeSet<i32>, StageError> {
    let mut years = BTreeSet::new();
    for batch in context.rows(REGION_YEAR)? {
        let column =
            batch.column(batch.schema().index_of("year")?).as_primitive::<Int32Type>().clone();
        years.extend(column.iter().flatten());
    }
    Ok(years)
}

/// The rates of a table, none of them above the rate of VAT.
fn rates(
    params: &Params,
    table: &External<ByProduct<RebateColumns>>,
) -> Result<BTreeMap<String, Vec<Rate>>, StageError> {
    let highest = params.policy.vat;
    let rates = reference_tables::rebate_rates(table, params.harmonize.target_revision.hs())?;
    let all = rates.iter().flat_map(|(code, line)| line.iter().map(move |rate| (code, rate.rate)));
    match all.into_iter().find(|(_, rate)| *rate > highest) {
        None => Ok(rates),
        Some((code, rate)) => Err(ExternalError::File {
            path: table.path.clone(),
            why: format!(
                "a rebate of {rate} for {code} is above policy.vat = {highest}: state `unit: percent` in \
                 `rebate_rates.columns` if rates are percent"
            ),
        }
        .into()),
    }
}

fn rebate_years(
    vat: f64,
    years: &BTreeSet<i32>,
    lines: &BTreeMap<String, Lines>,
) -> Rows<RebateYear> {
    let mut rows = Rows::default();
    for &year in years {
        for (product, lines) in lines {
            let found = in_year(lines, year);
            let rates: Vec<f64> = found.iter().map(|(rate, _)| *rate).collect();
            let Some(rate) = mean(&rates) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "days of a year")]
            let days: Vec<f64> = found.iter().map(|(_, days)| *days as f64).collect();
            rows.push(RebateYearRow {
                year,
                product,
                rate,
                export_tax: vat - rate,
                log_export_tax: (vat - rate).ln_1p(),
                rate_min: rates.iter().copied().fold(f64::INFINITY, f64::min),
                rate_max: rates.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                n_lines: rates.len(),
                n_days: mean(&days),
            });
        }
    }
    rows
}

/// The days that rates are compared on.
struct Days {
    step_from: NaiveDate,
    step_to: NaiveDate,
    cut_from: NaiveDate,
    cut_to: NaiveDate,
}

impl Days {
    fn of(policy: &config::Policy) -> Self {
        Self {
            step_from: policy.step_from.0.0,
            step_to: policy.step_to.0.0,
            cut_from: policy.cut_from.0.0,
            cut_to: policy.cut_to.0.0,
        }
    }
}

/// Steps up between the first day and the last of them, of the line that has most.
fn n_rises(days: &Days, lines: &Lines) -> usize {
    let of_line = |line: &Vec<Rate>| {
        let is_rise = |pair: &&[Rate]| {
            pair[1].from > days.step_from
                && pair[1].from <= days.step_to
                && pair[1].rate > pair[0].rate
        };
        line.windows(2).filter(is_rise).count()
    };
    lines.iter().map(of_line).max().unwrap_or(0)
}

fn rebates(days: &Days, lines: &BTreeMap<String, Lines>) -> Rows<Rebate> {
    let mut rows = Rows::default();
    for (product, lines) in lines {
        let at = |day: NaiveDate| -> Vec<Option<f64>> {
            lines.iter().map(|line| rate_on(line, day)).collect()
        };
        let between = |from: NaiveDate, to: NaiveDate| -> Vec<f64> {
            at(from).into_iter().zip(at(to)).filter_map(|(a, b)| Some(b? - a?)).collect()
        };
        let known =
            |rates: Vec<Option<f64>>| mean(&rates.into_iter().flatten().collect::<Vec<_>>());
        let crisis = between(days.step_from, days.step_to);
        let cut = between(days.cut_from, days.cut_to);
        let year_mean = |year: i32| {
            let found: Vec<f64> = in_year(lines, year).iter().map(|(rate, _)| *rate).collect();
            mean(&found)
        };
        let change = year_mean(days.step_to.year())
            .zip(year_mean(days.step_from.year()))
            .map(|(after, before)| after - before);
        let n_rises = n_rises(days, lines);
        rows.push(RebateRow {
            product,
            rate_before: known(at(days.step_from)),
            rate_after: known(at(days.step_to)),
            step: mean(&crisis),
            step_min: crisis.iter().copied().reduce(f64::min),
            step_max: crisis.iter().copied().reduce(f64::max),
            has_rise: mean(&crisis).map(|_| n_rises > 0),
            n_rises,
            annual_change: change,
            earlier_cut: mean(&cut),
            n_lines: lines.len(),
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn a_year_counts_each_rate_by_its_days() {
        // methodology: apparel, 11 to 31 July 2008, then 13, 14, 15, 16; percent here.
        let steps = [
            ("2007-07-01", 11.0),
            ("2008-08-01", 13.0),
            ("2008-11-01", 14.0),
            ("2009-02-01", 15.0),
            ("2009-04-01", 16.0),
        ];
        let line: Vec<Rate> = steps
            .iter()
            .enumerate()
            .map(|(at, (from, rate))| Rate {
                rate: *rate,
                from: day(from),
                to: steps.get(at + 1).map(|(next, _)| day(next) - chrono::Days::new(1)),
            })
            .collect();
        let (of_2008, days) = over_year(&line, 2008);
        assert!((of_2008 - 12.002_732_240_437_158).abs() < 1e-12 && days == 366);
        let (of_2009, _) = over_year(&line, 2009);
        assert!((of_2009 - 15.668_493_150_684_932).abs() < 1e-12);
        assert_eq!(over_year(&line, 2007).1, 184);
        assert_eq!(rate_on(&line, day("2008-10-31")), Some(13.0));
        assert_eq!(rate_on(&line, day("2007-06-30")), None);
    }

    #[test]
    fn a_product_takes_its_own_lines_or_those_of_the_longest_prefix() {
        let line = |rate| vec![Rate { rate, from: day("2007-01-01"), to: None }];
        let rates = BTreeMap::from([
            ("61".to_owned(), line(0.1)),
            ("6103".to_owned(), line(0.2)),
            ("61031000".to_owned(), line(0.3)),
            ("61031010".to_owned(), line(0.5)),
        ]);
        let products = ["610110", "610310", "610399", "620110"].map(str::to_owned).into();
        let found = lines_of(&products, rates);
        let of = |product: &str| {
            found.get(product).map(|lines| lines.iter().map(|l| l[0].rate).collect::<Vec<_>>())
        };
        assert_eq!(of("610110"), Some(vec![0.1]));
        assert_eq!(of("610310"), Some(vec![0.3, 0.5]));
        assert_eq!(of("610399"), Some(vec![0.2]));
        assert_eq!(of("620110"), None);
    }
}
