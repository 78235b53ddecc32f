//! Wide columns by their headers: of a period each, of a product, a region or a flow.

use super::names::Role;
use super::periods::{PeriodForm, month_named};
use super::words::{flow_in, is_code, is_year, year_of};
use std::collections::BTreeMap;
use trade::Pattern;

/// Columns of products from which on they go before all that other headers say.
pub(super) const MANY_CODES: usize = 10;

/// Columns of products from which on their headers are taken for codes.
const FEWEST_CODES: usize = 3;

/// What a column is called by: its header with a part that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WideColumns {
    /// Their places, each with the part.
    pub(super) columns: Vec<(usize, String)>,
    /// A pattern of their headers, whose first group is the part.
    pub(super) pattern: String,
    /// The form of the parts, if they are dates.
    pub(super) date: Option<PeriodForm>,
    /// The words beside the part.
    pub(super) words: String,
}

/// A text as a pattern that finds it alone.
pub(super) fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation()
            && !matches!(c, '_' | '/' | '-' | ',' | ':' | ';' | '%' | '\'' | '"')
        {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

impl WideColumns {
    /// The flow that the words say.
    pub(super) fn flow(&self) -> Option<&'static str> {
        flow_in(&self.words)
    }
}

/// Patterns of periods within headers, beside those of years alone.
const PERIODS: [&str; 4] = [
    "(?:19|20)[0-9]{2}[-_ /.]?[QqTt][1-4]",
    "[QqTt][1-4][-_ /.]?(?:19|20)[0-9]{2}",
    "(?:19|20)[0-9]{2}[-/](?:(?:19|20)[0-9]{2}|[0-9]{2})",
    "(?:19|20)[0-9]{2}[-_/.M](?:0[1-9]|1[0-2])",
];

/// A header in three parts by a pattern: before, what it finds, and behind.
fn parts(pattern: &str, name: &str) -> Option<[String; 3]> {
    let pattern = Pattern::new(&format!("^(.*?)({pattern})([^0-9].*|)$")).ok()?;
    let part = |group: &str| pattern.expand(name, group);
    Some([part("${1}")?, part("${2}")?, part("${3}")?])
}

/// A header that begins with the name of a month: the month and year, and the pattern of both.
fn named_month(name: &str) -> Option<(String, String)> {
    let n = name.find(|c: char| !c.is_alphabetic())?;
    month_named(&name[..n])?;
    let pattern = Pattern::new("^[.]?[-_ /.]?(?:(?:19|20)[0-9]{2}|[0-9]{2})$").ok()?;
    let year = pattern.is_in(&name[n..]).then(|| name[n..].to_owned())?;
    Some((name[..n].to_owned(), year))
}

/// Columns of one month each, whose headers are its name and the year.
fn of_named_months(numbers: &[(usize, &str)]) -> Option<WideColumns> {
    let found: Vec<(usize, &str, String)> =
        numbers.iter().filter_map(|&(at, name)| Some((at, name, named_month(name)?.0))).collect();
    let names: Vec<&str> = found.iter().map(|(_, name, _)| *name).collect();
    if found.len() < 2 {
        return None;
    }
    let date = PeriodForm::of(&names)?;
    let mut months: Vec<String> = found.iter().map(|(.., month)| escaped(month)).collect();
    months.sort_unstable();
    months.dedup();
    Some(WideColumns {
        pattern: format!("^((?:{})[^0-9]*[0-9]{{2,4}})$", months.join("|")),
        columns: found.iter().map(|(at, name, _)| (*at, (*name).to_owned())).collect(),
        date: Some(date),
        words: String::new(),
    })
}

/// Columns of one period each that is more than a year.
fn of_periods(numbers: &[(usize, &str)]) -> Vec<WideColumns> {
    let mut found: Vec<WideColumns> = of_named_months(numbers).into_iter().collect();
    for period in PERIODS {
        let mut by_words: BTreeMap<[String; 2], Vec<(usize, String)>> = BTreeMap::new();
        for (at, name) in numbers {
            if let Some([before, part, behind]) = parts(period, name) {
                by_words.entry([before, behind]).or_default().push((*at, part));
            }
        }
        for ([before, behind], columns) in by_words {
            let texts: Vec<&str> = columns.iter().map(|(_, text)| text.as_str()).collect();
            if columns.len() < 2 {
                continue;
            }
            let is_same = |of: &WideColumns| {
                of.columns.iter().map(|(at, _)| at).eq(columns.iter().map(|(at, _)| at))
            };
            if found.iter().any(is_same) {
                continue;
            }
            if let Some(date) = PeriodForm::of(&texts) {
                let pattern = format!("^{}({period}){}$", escaped(&before), escaped(&behind));
                let words = format!("{before} {behind}");
                found.push(WideColumns { columns, pattern, date: Some(date), words });
            }
        }
    }
    found
}

/// A header with its year taken out: a pattern whose first group is the year, the words beside it,
/// and the year.
fn with_year(name: &str) -> Option<(String, String, String)> {
    year_of(name)?;
    let (mut pattern, mut words) = ("^".to_owned(), String::new());
    let mut year: Option<String> = None;
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_same = |c: char| c.is_ascii_digit() == first.is_ascii_digit();
        let end = rest.find(|c: char| !is_same(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if !first.is_ascii_digit() {
            pattern += &escaped(run);
            words += run;
        } else if year.is_none() && is_year(run) {
            year = Some(run.to_owned());
            pattern += "([0-9]{4})";
        } else {
            pattern += "[0-9]+";
        }
    }
    pattern.push('$');
    Some((pattern, words, year?))
}

/// Columns of one year or other period each, whose headers are alike but for it; with others that
/// are left out. Shares are none of them.
pub(super) fn periods(numbers: &[(usize, &str)]) -> Option<(WideColumns, Vec<WideColumns>)> {
    let mut all = of_periods(numbers);
    let is_taken = |at: usize, all: &[WideColumns]| {
        all.iter().any(|of| of.columns.iter().any(|(column, _)| *column == at))
    };
    let mut by_pattern: BTreeMap<String, WideColumns> = BTreeMap::new();
    for &(at, name) in numbers.iter().filter(|(at, _)| !is_taken(*at, &all)) {
        let Some((pattern, words, year)) = with_year(name) else { continue };
        let of = by_pattern.entry(pattern.clone()).or_insert_with(|| WideColumns {
            columns: Vec::new(),
            pattern,
            date: None,
            words,
        });
        of.columns.push((at, year));
    }
    all.extend(by_pattern.into_values().filter(|of| of.columns.len() > 1));
    all.retain(|of| !Role::Share.is_in(&of.words));
    let order = |of: &WideColumns| match of.flow() {
        _ if Role::Quantity.is_in(&of.words) => 3,
        Some("export") => 0,
        None => 1,
        Some(_) => 2,
    };
    all.sort_by_key(|of| (order(of), std::cmp::Reverse(of.columns.len()), of.pattern.clone()));
    let mut all = all.into_iter();
    let first = all.next()?;
    Some((first, all.collect()))
}

/// Columns of one product each, whose headers are its code, with the same words before it or none.
pub(super) fn codes(numbers: &[(usize, &str)]) -> Option<WideColumns> {
    let mut by_words: BTreeMap<&str, Vec<(usize, String)>> = BTreeMap::new();
    for (at, name) in numbers {
        let n = name.len() - name.bytes().rev().take_while(u8::is_ascii_digit).count();
        if is_code(&name[n..]) && name.len() - n <= 10 {
            by_words.entry(&name[..n]).or_default().push((*at, name[n..].to_owned()));
        }
    }
    let (before, columns) = by_words.into_iter().max_by_key(|(_, columns)| columns.len())?;
    let is_all = columns.len() == numbers.len() && columns.len() > 1;
    if columns.len() < FEWEST_CODES && !is_all {
        return None;
    }
    let lengths = || columns.iter().map(|(_, code)| code.len());
    let (first, last) = (lengths().min()?, lengths().max()?);
    let digits = if first == last { format!("{{{first}}}") } else { format!("{{{first},{last}}}") };
    Some(WideColumns {
        pattern: format!("^{}([0-9]{digits})$", escaped(before)),
        words: before.to_owned(),
        columns,
        date: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'n>(names: &[&'n str]) -> Vec<(usize, &'n str)> {
        names.iter().copied().enumerate().collect()
    }

    #[test]
    fn periods_are_seen_in_headers() {
        for (names, pattern, part, date) in [
            (&["y2008", "y2009"][..], "^y([0-9]{4})$", "2008", None),
            (
                &["2008 Exports", "2009 Exports", "2008 Imports", "2009 Imports"],
                "^([0-9]{4}) Exports$",
                "2008",
                None,
            ),
            (
                &["2008/09", "2009/10"],
                "^((?:19|20)[0-9]{2}[-/](?:(?:19|20)[0-9]{2}|[0-9]{2}))$",
                "2008/09",
                Some("fiscal"),
            ),
            (
                &["2007 Q1", "2007 Q2"],
                "^((?:19|20)[0-9]{2}[-_ /.]?[QqTt][1-4])$",
                "2007 Q1",
                Some("quarter"),
            ),
            (&["Jan-08", "Feb-08"], "^((?:Feb|Jan)[^0-9]*[0-9]{2,4})$", "Jan-08", Some("month")),
            (
                &[
                    "2081/082_export",
                    "2080/081_export",
                    "2081/082_export_share",
                    "2080/081_export_share",
                ],
                "^([0-9]{4})/[0-9]+_export$",
                "2081",
                None,
            ),
        ] {
            let (found, _) = periods(&named(names)).expect("periods");
            assert_eq!(
                (found.pattern.as_str(), found.columns[0].1.as_str()),
                (pattern, part),
                "{names:?}"
            );
            assert_eq!(found.date.map(|of| of.form).as_deref(), date, "{names:?}");
            assert!(Pattern::new(pattern).expect("a pattern").is_in(names[0]));
        }
        assert_eq!(periods(&named(&["value", "weight"])), None);
    }

    #[test]
    fn codes_are_seen_in_headers() {
        let found = codes(&named(&["HS01", "HS02", "HS97", "Total"])).expect("codes");
        assert_eq!(found.pattern, "^HS([0-9]{2})$");
        assert_eq!(found.columns[2], (2, "97".to_owned()));
        assert_eq!(codes(&named(&["1", "10", "97"])).expect("codes").pattern, "^([0-9]{1,2})$");
        assert_eq!(codes(&named(&["North", "South"])), None);
    }
}
