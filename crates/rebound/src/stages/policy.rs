//! Rates of export VAT rebates to `policy.*`: what each product got back, by year and over the crisis.

use super::context::{Input, Output};
use super::error::StageError;
use super::rows::Rows;
use super::rows::table;
use crate::external::{self, ExternalError, Rate};
use crate::pipeline::Pipeline;
use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use chrono::{Datelike, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

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

pub(super) fn run(pipeline: &Pipeline, input: &Input) -> Result<Output, StageError> {
    let mut products: BTreeSet<String> = BTreeSet::new();
    for batch in input.get("trade.product").into_iter().flatten() {
        let codes = batch.column(batch.schema().index_of("hs6")?).as_string::<i32>().clone();
        products.extend(codes.iter().flatten().map(str::to_owned));
    }
    let mut years: BTreeSet<i32> = BTreeSet::new();
    for batch in input.get("trade.region_year").into_iter().flatten() {
        let column =
            batch.column(batch.schema().index_of("year")?).as_primitive::<Int32Type>().clone();
        years.extend(column.iter().flatten());
    }
    let policy = &pipeline.config.policy;
    let dates = policy.dates().map_err(|(_, why)| StageError::Data(why))?;
    let lines = match &pipeline.rebate_rates {
        None => BTreeMap::new(),
        Some(rates) => {
            let target = pipeline.config.harmonize.revision().map_err(StageError::Data)?;
            let highest = policy.vat;
            let rates = external::rebate_rates(rates, target)?;
            if let Some((code, rate)) = rates
                .iter()
                .flat_map(|(code, line)| line.iter().map(move |rate| (code, rate)))
                .find(|(_, r)| r.rate > highest)
            {
                return Err(ExternalError::File {
                    path: pipeline.rebate_rates.as_ref().map(|t| t.path.clone()).unwrap_or_default(),
                    why: format!(
                        "a rebate of {} for {code} is above policy.vat = {highest}: state `unit: percent` in `rebate_rates.columns` if rates are percent",
                        rate.rate
                    ),
                }
                .into());
            }
            lines_of(&products, rates)
        }
    };
    let mut of_year = Rows::of("policy.rebate_year");
    for &year in &years {
        for (product, lines) in &lines {
            let found = in_year(lines, year);
            let rates: Vec<f64> = found.iter().map(|(rate, _)| *rate).collect();
            let Some(rate) = mean(&rates) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "days of a year")]
            let days: Vec<f64> = found.iter().map(|(_, days)| *days as f64).collect();
            of_year
                .int(year)
                .text(product.as_str())
                .float(rate)
                .float(policy.vat - rate)
                .float((policy.vat - rate).ln_1p())
                .float(rates.iter().copied().fold(f64::INFINITY, f64::min))
                .float(rates.iter().copied().fold(f64::NEG_INFINITY, f64::max))
                .count(rates.len())
                .float(mean(&days));
        }
    }
    let mut steps = Rows::of("policy.rebate");
    for (product, lines) in &lines {
        let at = |day: NaiveDate| -> Vec<Option<f64>> {
            lines.iter().map(|line| rate_on(line, day)).collect()
        };
        let between = |from: NaiveDate, to: NaiveDate| -> Vec<f64> {
            at(from).into_iter().zip(at(to)).filter_map(|(a, b)| Some(b? - a?)).collect()
        };
        let known =
            |rates: Vec<Option<f64>>| mean(&rates.into_iter().flatten().collect::<Vec<_>>());
        let crisis = between(dates.step_from, dates.step_to);
        let cut = between(dates.cut_from, dates.cut_to);
        let year_mean = |year: i32| {
            let found: Vec<f64> = in_year(lines, year).iter().map(|(rate, _)| *rate).collect();
            mean(&found)
        };
        let trough = dates.step_to.year();
        let change = year_mean(trough)
            .zip(year_mean(dates.step_from.year()))
            .map(|(after, before)| after - before);
        // A rise is a step up on any day after the first date.
        let n_rises = lines
            .iter()
            .map(|line| {
                line.windows(2)
                    .filter(|pair| {
                        pair[1].from > dates.step_from
                            && pair[1].from <= dates.step_to
                            && pair[1].rate > pair[0].rate
                    })
                    .count()
            })
            .max()
            .unwrap_or(0);
        steps
            .text(product.as_str())
            .float(known(at(dates.step_from)))
            .float(known(at(dates.step_to)))
            .float(mean(&crisis))
            .float(crisis.iter().copied().reduce(f64::min))
            .float(crisis.iter().copied().reduce(f64::max))
            .flag(mean(&crisis).map(|_| n_rises > 0))
            .count(n_rises)
            .float(change)
            .float(mean(&cut))
            .count(lines.len());
    }
    tracing::info!(products = lines.len(), of = products.len(), "rebate rates");
    let mut output = Output::new();
    table(&mut output, "policy.rebate_year", of_year)?;
    table(&mut output, "policy.rebate", steps)?;
    Ok(output)
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
