//! A table of a user's as the cube that the stage works on.

use super::exact::{Shift, exact};
use crate::period_texts::{self, ReadPeriod, Unread};
use crate::region_table::Table;
use project::printable::printable;
use stages::cube::{Cube, Entry};
use std::collections::{BTreeMap, BTreeSet};
use trade::{Frequency, Period};

/// The period of another length that one lies in; `None` if that is shorter.
fn widened(period: Period, frequency: Frequency) -> Option<Period> {
    let months = 12 / period.frequency.per_year();
    let first = period.place.rem_euclid(period.frequency.per_year()) * months + 1;
    let is_within = frequency.per_year() <= period.frequency.per_year();
    is_within.then(|| frequency.of_month(period.year(), first))
}

/// The codes in the order of their texts, and for each of `labels` its place there.
fn ordered(labels: &[String]) -> (Vec<String>, Vec<usize>) {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|&a, &b| labels[a].cmp(&labels[b]));
    let mut places = vec![0; labels.len()];
    order.iter().enumerate().for_each(|(place, &at)| places[at] = place);
    (order.into_iter().map(|at| labels[at].clone()).collect(), places)
}

/// Says which periods are summed, and which of those that they are summed to lack some.
fn tell_sums(found: &[ReadPeriod], wide: &[Period], (from, to): (Frequency, Frequency)) {
    let mut parts: BTreeMap<Period, BTreeSet<Period>> = BTreeMap::new();
    found.iter().zip(wide).for_each(|(of, wide)| {
        parts.entry(*wide).or_default().insert(of.period);
    });
    if found.iter().all(|of| of.is_of_day) && parts.values().all(|of| of.len() == 1) {
        tracing::info!("a day stands for its {to}: each has days of one month");
        return;
    }
    let whole = usize::try_from(from.per_year() / to.per_year()).unwrap_or(1);
    let partial: Vec<String> =
        parts.iter().filter(|(_, of)| of.len() < whole).map(|(of, _)| of.to_string()).collect();
    tracing::info!("{from}s are summed to {to}s");
    if !partial.is_empty() {
        tracing::warn!("not all {from}s of these {to}s are in the table: {}", partial.join(", "));
    }
}

/// The periods of the table's, as those of an episode; otherwise what is wrong.
fn periods(table: &Table, frequency: Frequency) -> Result<Vec<Period>, String> {
    let Some(column) = &table.columns.period else {
        return Err(
            "which column holds the periods? Resilience is over time: say --period NAME".to_owned()
        );
    };
    let labels: Vec<&str> = table.periods.iter().map(|of| of.label.as_str()).collect();
    let found = period_texts::periods(&labels);
    let found = found.map_err(|Unread { at, why }| {
        format!("column `{column}`, `{}`: {why}", printable(labels[at], 40))
    })?;
    let Some(first) = found.first().map(|of| of.period) else { return Ok(Vec::new()) };
    let other = found.iter().map(|of| of.period).find(|of| of.frequency != first.frequency);
    if let Some(other) = other {
        return Err(format!(
            "column `{column}`: {first} is a {}, {other} a {}: expected periods of one length; take one kind by --where",
            first.frequency, other.frequency
        ));
    }
    let wide: Option<Vec<Period>> = found.iter().map(|of| widened(of.period, frequency)).collect();
    let wide = wide.ok_or_else(|| {
        let is_short = |of: &&(String, Frequency)| of.1.per_year() >= frequency.per_year();
        let beside = match table.columns.others.iter().find(is_short) {
            Some((name, of)) => format!(", or the {of}s beside the years by --{of} {name}"),
            None => String::new(),
        };
        format!(
            "the episode is in {frequency}s, the periods of column `{column}` are {}s: say the episode in {}s, or name a \
             column with {frequency}s by --period{beside}",
            first.frequency, first.frequency
        )
    })?;
    if first.frequency != frequency {
        tell_sums(&found, &wide, (first.frequency, frequency));
    } else if found.iter().any(|of| of.is_of_day) {
        tracing::info!("days are taken as their months");
    }
    Ok(wide)
}

/// A table as the stage takes it.
pub(super) struct Exports {
    pub(super) cube: Cube,
    /// What its values were multiplied by.
    pub(super) shift: Shift,
    /// The places of its periods.
    pub(super) places: BTreeSet<i32>,
}

/// The cube of a table, in periods of the length of an episode's; otherwise why there is none.
pub(super) fn exports(table: &Table, frequency: Frequency) -> Result<Exports, String> {
    let periods = periods(table, frequency)?;
    let (regions, region_at) = ordered(&table.regions);
    let (products, product_at) = ordered(&table.products);
    let cells = || {
        let of_period = periods.iter().zip(&table.periods);
        of_period.flat_map(|(period, of)| of.cells.iter().map(move |cell| (period.place, cell)))
    };
    let values: Vec<f64> = cells().map(|(_, cell)| cell.value).collect();
    let (money, shift) = exact(&values)?;
    let entries = cells().zip(money).map(|((period, cell), value)| Entry {
        period,
        region: region_at[cell.region],
        product: product_at[cell.product],
        value,
    });
    let cube = Cube::new((regions, products), frequency, entries);
    let places = periods.iter().map(|period| period.place).collect();
    Ok(Exports { cube, shift, places })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_periods_lie_in_longer_ones() {
        let wide = |text: &str, frequency| {
            let period: Period = text.parse().expect("a period");
            widened(period, frequency).map(|of| of.to_string())
        };
        assert_eq!(wide("2008-09", Frequency::Quarter).as_deref(), Some("2008Q3"));
        assert_eq!(wide("2008Q4", Frequency::Year).as_deref(), Some("2008"));
        assert_eq!(wide("2008-12", Frequency::Month).as_deref(), Some("2008-12"));
        assert_eq!(wide("2008", Frequency::Quarter), None);
        assert_eq!(wide("2008Q4", Frequency::Month), None);
    }
}
