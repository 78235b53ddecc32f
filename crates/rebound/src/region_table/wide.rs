//! Tables with a column a period, which are none with a row a period.

use crate::period_texts::period;

/// Columns that are named.
const MOST_NAMED: usize = 3;

/// Fewest columns of periods that make a table wide.
const FEWEST: usize = 2;

/// What a name of a column says of a period: that of `2008`, `X2008`, `exports_2008Q1`.
fn is_period(name: &str) -> bool {
    let name = name.trim();
    let at = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let (before, rest) = name.split_at(at);
    let is_word = before.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | ' ' | '-'));
    is_word && period(rest).is_ok()
}

/// What is wrong, and if columns of the table are periods how to make it one of rows.
pub(super) fn with_hint(why: String, header: &[String]) -> String {
    let periods: Vec<String> = header
        .iter()
        .filter(|name| is_period(name))
        .map(|name| format!("`{}`", name.trim()))
        .collect();
    if periods.len() < FEWEST {
        return why;
    }
    let more = if periods.len() > MOST_NAMED { ", ..." } else { "" };
    let named = periods.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    format!(
        "{why}. The columns {named}{more} are periods: a row must be of one region and period. Make the table long first \
         (Stata: reshape long; R: pivot_longer; pandas: melt)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_may_be_periods() {
        for name in ["2008", "X2008", "y_2008", "exports 2008", "2008Q1", "2008-09", "emp2008q4"] {
            assert!(is_period(name), "{name}");
        }
        for name in ["region", "hs6", "value_1", "", "2008_share"] {
            assert!(!is_period(name), "{name}");
        }
    }
}
