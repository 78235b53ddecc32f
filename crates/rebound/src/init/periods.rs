//! Dates, months and quarters as texts of cells and headers have them.

use super::names::fold;
use std::collections::{BTreeMap, BTreeSet};
use trade::DateForm;
use trade::date::Date;

/// How names of months begin in English, French, German, Spanish, Portuguese and Italian.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "fev"],
    &["mar", "mrz", "maerz"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mag"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "aou", "ago"],
    &["sep", "set"],
    &["oct", "okt", "out", "ott"],
    &["nov"],
    &["dec", "dez", "dic"],
];

/// What follows these beginnings.
const ENDS: [&str; 49] = [
    "", "braio", "ch", "co", "e", "eiro", "ember", "embre", "embro", "ereiro", "gio", "gno", "ho",
    "i", "iembre", "il", "ile", "io", "l", "lio", "llet", "n", "naio", "o", "ober", "obre", "r",
    "rero", "rier", "ro", "ruar", "ruary", "rz", "s", "sto", "t", "tember", "tembre", "tiembre",
    "uar", "uary", "ubre", "ubro", "ust", "v", "vier", "y", "z", "zo",
];

/// Letters of the longest name of a month.
const LONGEST_MONTH: usize = 10;

/// Forms that are tried before those that are put together.
const FORMS: [&str; 7] = ["fiscal", "iso", "month", "quarter", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y"];

/// More of them, with names of months.
const MORE_FORMS: [&str; 16] = [
    "%d-%m-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d. %b %Y",
    "%d de %b de %Y",
    "%b de %Y",
    "%b %d, %Y",
    "%b. %Y",
    "FY%Y",
    "FY %Y",
    "%q. Quartal %Y",
    "%Y/%m/%d",
];

/// What may stand between the parts of a period.
const BETWEEN: [&str; 6] = ["", "-", " ", "/", "_", "."];

/// The form of dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PeriodForm {
    /// As a layout says it.
    pub(super) form: String,
    /// Names of months that are not English, with their numbers.
    pub(super) names: Vec<(String, i32)>,
    /// Another form that reads all of them otherwise.
    pub(super) or: Option<String>,
    /// Whether all have a month.
    pub(super) has_month: bool,
}

/// The month that a name is of, in one of several languages.
pub(crate) fn month_named(name: &str) -> Option<i32> {
    let name = fold(name);
    if !(3..=LONGEST_MONTH).contains(&name.chars().count())
        || !name.chars().all(char::is_alphabetic)
    {
        return None;
    }
    let at = MONTHS.iter().position(|all| all.iter().any(|begin| name.starts_with(begin)))?;
    let rest = name.get(3..).unwrap_or("");
    // `market` and `setor` begin so, too.
    ENDS.contains(&rest).then(|| i32::try_from(at + 1).ok()).flatten()
}

/// The month that a text of a column of months is: 3, `03`, `M03`, `Mar`, `março`.
pub(crate) fn month_of(text: &str) -> Option<i32> {
    let text = trade::code::whole(text.trim());
    let digits = text.strip_prefix(['M', 'm']).unwrap_or(text);
    let number = digits.parse().ok().filter(|month| (1..=12).contains(month));
    number.or_else(|| month_named(text.trim_end_matches('.')))
}

/// The first month of the quarter that a text is: 2, `Q2`, `T2`, `II`, `2T`, `2º trimestre`.
pub(crate) fn quarter_of(text: &str) -> Option<i32> {
    let text = fold(trade::code::whole(text.trim()));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    let number = match (digits.as_str(), letters.as_str()) {
        ("", "i" | "itrimestre" | "itrim") => 1,
        ("", "ii" | "iitrimestre" | "iitrim") => 2,
        ("", "iii" | "iiitrimestre" | "iiitrim") => 3,
        ("", "iv" | "ivtrimestre" | "ivtrim") => 4,
        (digits @ ("1" | "2" | "3" | "4"), letters) => {
            let ends = ["quarter", "trimestre", "quartal", "trim", "qtr", "q", "t"];
            let ordinal =
                ends.iter().find_map(|end| letters.strip_suffix(end).or(letters.strip_prefix(end)));
            let is_ordinal = |rest: &str| {
                matches!(
                    rest,
                    "" | "er" | "e" | "eme" | "o" | "st" | "nd" | "rd" | "th" | "º" | "ª"
                )
            };
            if !letters.is_empty() && !ordinal.is_some_and(is_ordinal) {
                return None;
            }
            digits.parse().ok()?
        }
        _ => return None,
    };
    Some(3 * number - 2)
}

/// The forms that periods may have, the likelier first.
fn forms() -> Vec<String> {
    let mut forms: Vec<String> = FORMS.iter().map(|form| (*form).to_owned()).collect();
    for between in BETWEEN {
        for letter in ["Q", "T"] {
            forms.push(format!("%Y{between}{letter}%q"));
            forms.push(format!("{letter}%q{between}%Y"));
            forms.push(format!("%q{letter}{between}%Y"));
            forms.push(format!("%Y{between}%q{letter}"));
        }
        for months in ["%b{}%Y", "%b{}%y", "%Y{}%b", "%m{}%Y", "%Y{}%m", "%YM%m{}"] {
            forms.push(months.replace("{}", between));
        }
    }
    forms.extend(MORE_FORMS.iter().map(|form| (*form).to_owned()));
    let mut known = BTreeSet::new();
    forms.retain(|form| known.insert(form.clone()));
    forms
}

/// The names of months in texts, unless all are English.
pub(crate) fn names_in<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<(String, i32)> {
    let mut names: BTreeMap<String, i32> = BTreeMap::new();
    for text in texts {
        for word in
            text.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() >= 3)
        {
            if let Some(month) = month_named(word) {
                names.insert(word.to_owned(), month);
            }
        }
    }
    let english = DateForm::new("%b").ok();
    let is_english = |(name, month): (&String, &i32)| {
        let read = english.as_ref().and_then(|form| form.read(name));
        read.and_then(|date| date.month) == Some(*month)
    };
    match names.iter().all(is_english) {
        true => Vec::new(),
        false => names.into_iter().collect(),
    }
}

impl PeriodForm {
    /// The form that reads all texts.
    pub(super) fn of(texts: &[&str]) -> Option<Self> {
        let names = names_in(texts.iter().copied());
        let mut found: Option<(Self, Vec<Date>)> = None;
        for form in forms() {
            let own = if form.contains("%b") { names.clone() } else { Vec::new() };
            let of = Self { form, names: own, or: None, has_month: false };
            let Some(read) = of.date_form() else { continue };
            let Some(dates) = texts.iter().map(|text| read.read(text)).collect::<Option<Vec<_>>>()
            else {
                continue;
            };
            if dates.iter().any(|date| date.year.is_none()) {
                continue;
            }
            match &mut found {
                None => {
                    let has_month = dates.iter().all(|date| date.month.is_some());
                    found = Some((Self { has_month, ..of }, dates));
                }
                Some((first, others)) if first.or.is_none() && *others != dates => {
                    first.or = Some(of.form);
                }
                Some(_) => {}
            }
        }
        found.map(|(form, _)| form)
    }

    /// What reads it.
    pub(super) fn date_form(&self) -> Option<DateForm> {
        let form = DateForm::new(&self.form).ok()?;
        Some(match self.names.is_empty() {
            true => form,
            false => form.with_names(self.names.iter().cloned().collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_a_form() {
        for (texts, form) in [
            (&["2008-01-05", "2008-02-01"][..], "iso"),
            (&["2008/09", "2009/10"], "fiscal"),
            (&["2008-09", "2008-10"], "iso"),
            (&["2008Q1", "2009Q4"], "quarter"),
            (&["2007/T1", "2007/T4"], "%Y/T%q"),
            (&["1T2008", "4T2009"], "%qT%Y"),
            (&["05/11/2008", "25/11/2008"], "%d/%m/%Y"),
            (&["11/05/2008", "11/25/2008"], "%m/%d/%Y"),
            (&["Apr-2007", "Oct-2010"], "month"),
            (&["Jan-08", "Feb-08"], "month"),
            (&["abr-2007", "dez-2010"], "%b-%Y"),
            (&["enero 2007", "agosto 2010"], "%b %Y"),
            (&["Mai 2007", "Dezember 2010"], "%b %Y"),
            (&["FY2008", "FY2009"], "FY%Y"),
            (&["03.2008", "12.2008"], "%m.%Y"),
        ] {
            let found = PeriodForm::of(texts).map(|of| of.form);
            assert_eq!(found.as_deref(), Some(form), "{texts:?}");
        }
        assert_eq!(PeriodForm::of(&["Total", "2008"]), None);
        let unclear = PeriodForm::of(&["05/11/2008"]).expect("a form");
        assert_eq!(unclear.or.as_deref(), Some("%m/%d/%Y"));
        let names = PeriodForm::of(&["abr-2007", "dez-2010"]).expect("a form").names;
        assert_eq!(names, [("abr".to_owned(), 4), ("dez".to_owned(), 12)]);
    }

    #[test]
    fn months_and_quarters_have_numbers() {
        for (text, month) in
            [("3", 3), ("M03", 3), ("Mar", 3), ("março", 3), ("août", 8), ("Dez.", 12)]
        {
            assert_eq!(month_of(text), Some(month), "{text}");
        }
        assert_eq!((month_of("13"), month_of("market"), month_of("Total")), (None, None, None));
        for (text, month) in [
            ("1", 1),
            ("Q2", 4),
            ("T3", 7),
            ("IV", 10),
            ("2T", 4),
            ("1er trimestre", 1),
            ("3. Quartal", 7),
        ] {
            assert_eq!(quarter_of(text), Some(month), "{text}");
        }
        assert_eq!((quarter_of("5"), quarter_of("x1")), (None, None));
    }
}
