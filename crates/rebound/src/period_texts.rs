//! Periods as people write them: in options, in tables of dates and in columns of tables.
//!
//! A day is read as its month. What may be two periods is none, and the message says how to write
//! it.

use crate::init::periods::{month_named, names_in};
use project::printable::printable;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use trade::date::Date;
use trade::{DateForm, Frequency, Period, code};

/// Years that a period may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2100;

/// What may stand between the parts of a period.
const BETWEEN: [&str; 7] = ["", "-", " ", "/", ".", "_", ":"];

/// Quarters; `|` is what may stand between the parts. `T` is that of Romance languages.
const QUARTERS: [&str; 8] =
    ["%Y|Q%q", "Q%q|%Y", "%qQ|%Y", "%Y|%qQ", "%Y|T%q", "T%q|%Y", "%qT|%Y", "%Y|%qT"];

/// Quarters in words, and with years of two digits.
const MORE_QUARTERS: [&str; 14] = [
    "%q. Quartal %Y",
    "%q Quartal %Y",
    "Quartal %q %Y",
    "%q trimestre %Y",
    "%qe trimestre %Y",
    "%qer trimestre %Y",
    "%qº trimestre %Y",
    "%q° trimestre %Y",
    "Quarter %q %Y",
    "Q%q %y",
    "Q%q-%y",
    "Q%q/%y",
    "T%q %y",
    "T%q-%y",
];

/// Texts between the periods of a span.
const TO: [&str; 5] = ["..", "-", "–", "/", " to "];

/// Periods of a span that are all named.
const MOST_NAMED: i32 = 12;

/// Months by their names, with years of four and of two digits.
const NAMED: [&str; 3] = ["%b|%Y", "%Y|%b", "%b|%y"];

/// More months.
const MONTHS: [&str; 15] = [
    "%Y-%m", "%Y/%m", "%Y %m", "%Y.%m", "%Y_%m", "%Y%m", "%YM%m", "%Y-M%m", "%Y M%m", "%m/%Y",
    "%m-%Y", "%m.%Y", "%b. %Y", "%b, %Y", "%b de %Y",
];

/// Days that are no others, in whatever order days and months are written.
const DAYS: [&str; 14] = [
    "%Y-%m-%d",
    "%Y-%m-%dT%T",
    "%Y-%m-%d %T",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d/%b/%Y",
    "%d-%b-%y",
    "%d. %b %Y",
    "%b %d, %Y",
    "%d de %b de %Y",
];

/// What is a day and a month in one country, and a month and a day in another.
const DAY_FIRST: [&str; 2] = ["%d/%m/%Y", "%d-%m-%Y"];
const MONTH_FIRST: [&str; 2] = ["%m/%d/%Y", "%m-%d-%Y"];

/// What a form tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Quarter,
    Month,
    Day,
    DayFirst,
    MonthFirst,
}

/// A form, and what it tells.
struct Form {
    tells: Tells,
    form: DateForm,
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let mut texts: Vec<(Tells, String)> = Vec::new();
    for between in BETWEEN {
        let of = |form: &&str| form.replace('|', between);
        texts.extend(QUARTERS.iter().map(|form| (Tells::Quarter, of(form))));
        // Two digits right behind a name may be a part of it.
        let named = NAMED.iter().filter(|form| !between.is_empty() || !form.ends_with("%y"));
        texts.extend(named.map(|form| (Tells::Month, of(form))));
    }
    for (tells, forms) in [
        (Tells::Quarter, &MORE_QUARTERS[..]),
        (Tells::Month, &MONTHS[..]),
        (Tells::Day, &DAYS[..]),
        (Tells::DayFirst, &DAY_FIRST[..]),
        (Tells::MonthFirst, &MONTH_FIRST[..]),
    ] {
        texts.extend(forms.iter().map(|form| (tells, (*form).to_owned())));
    }
    let form =
        |(tells, text): (Tells, String)| DateForm::new(&text).ok().map(|form| Form { tells, form });
    texts.into_iter().filter_map(form).collect()
});

/// A period, as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadPeriod {
    /// The period; of a day its month.
    pub(crate) period: Period,
    /// Whether it is that of a day.
    pub(crate) is_of_day: bool,
}

/// A text of several that is no period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Its place among them.
    pub(crate) at: usize,
    /// What it is, and what was expected.
    pub(crate) why: String,
}

/// The period that a date of a form is, if it is one.
fn period_of(date: Date, tells: Tells) -> Option<ReadPeriod> {
    let year = date.year.filter(|year| YEARS.contains(year))?;
    let frequency = if tells == Tells::Quarter { Frequency::Quarter } else { Frequency::Month };
    let is_of_day = matches!(tells, Tells::Day | Tells::DayFirst | Tells::MonthFirst);
    Some(ReadPeriod { period: frequency.of_month(year, date.month?), is_of_day })
}

/// Whether a text has lost a digit, or is a number: 2008.1 may be January, October, a quarter.
fn is_decimal(text: &str) -> bool {
    text.split_once('.').is_some_and(|(year, part)| year.len() == 4 && part.len() == 1)
}

/// The period that a text is, where days and months are written in the order that `order` tells.
fn read(text: &str, order: Tells) -> Result<ReadPeriod, String> {
    let text = code::whole(text.trim());
    let fault = match text.parse::<Period>() {
        Ok(period) => return Ok(ReadPeriod { period, is_of_day: false }),
        Err(fault) => fault,
    };
    if is_decimal(text) {
        let what = "a month, a quarter or a number";
        return Err(ambiguous(text, what, "2008, 2008Q3 or 2008-09"));
    }
    let names: BTreeMap<String, i32> = names_in(std::iter::once(text)).into_iter().collect();
    let own = |form: &Form| match form.form.has_names() {
        true => form.form.clone().with_names(names.clone()).read(text),
        false => form.form.read(text),
    };
    let is_other = |form: &&Form| {
        matches!(form.tells, Tells::DayFirst | Tells::MonthFirst) && form.tells != order
    };
    let mut forms = FORMS.iter().filter(|form| !is_other(form));
    let found = forms.find_map(|form| period_of(own(form)?, form.tells));
    found.ok_or_else(|| why_none(text).unwrap_or_else(|| fault.to_string()))
}

/// What a text is that is no period, and what to write, if it is something that people write.
fn why_none(text: &str) -> Option<String> {
    if is_without_year(text) {
        let what = "a month of one year or of another, or a day";
        return Some(ambiguous(text, what, WITH_YEAR));
    }
    let shown = printable(text, 40);
    if let Some((year, next)) = span(text) {
        return Some(format!(
            "{shown:?} is no period: write {year} for the year from {year} to {next}"
        ));
    }
    is_half(text).then(|| {
        format!("{shown:?} is no period: half-years are not read: take quarters (2008Q3) or years")
    })
}

/// Whether a text is a half of a year: `2004H1`, `S2 2004`.
fn is_half(text: &str) -> bool {
    let signs: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_year = |year: &str| year.parse::<i32>().is_ok_and(|year| YEARS.contains(&year));
    let is_part = |part: &str| {
        matches!(part.to_ascii_uppercase().as_str(), "H1" | "H2" | "1H" | "2H" | "S1" | "S2")
    };
    let is = |year: Option<&str>, part: Option<&str>| {
        year.is_some_and(is_year) && part.is_some_and(is_part)
    };
    signs.len() == 6 && (is(signs.get(..4), signs.get(4..)) || is(signs.get(2..), signs.get(..2)))
}

/// Whether a text is two or three numbers of at most two digits, or a day and the name of a month.
fn is_without_year(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['/', '-', '.', ' ']).collect();
    let is_short = |part: &&str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_name = |part: &&str| month_named(part).is_some();
    match parts[..] {
        [_, _] | [_, _, _] if parts.iter().all(is_short) => true,
        [day, name] => is_short(&day) && is_name(&name),
        _ => false,
    }
}

/// What to write where the year has two digits.
const WITH_YEAR: &str = "it with the year in four digits, as in 2008, 2008Q3 or 2008-09";

/// What to write where the order of day and month is not told.
const IN_ORDER: &str = "2008-09 or 2008-09-01";

fn ambiguous(text: &str, what: &str, write: &str) -> String {
    format!("{:?} may be {what}: write {write}", printable(text, 40))
}

/// The two years that a text may be a span of: those of 2008/09 and of 2008-2009.
fn span(text: &str) -> Option<(i32, i32)> {
    let (year, next) = code::whole(text.trim()).split_once(['/', '-'])?;
    let year = year.parse::<i32>().ok().filter(|of| year.len() == 4 && YEARS.contains(of))?;
    let expected = match next.len() {
        2 => (year + 1) % 100,
        4 => year + 1,
        _ => return None,
    };
    (next.parse::<i32>() == Ok(expected)).then_some((year, year + 1))
}

/// What is wrong with texts that no order of days and months fits, where `one` is the first that is no
/// period with the day first, `other` with the month first.
fn neither(texts: &[&str], one: Unread, other: Unread) -> Unread {
    let is_read = |at: usize, order: Tells| read(texts[at], order).is_ok();
    let (by_month, by_day) = (one.at, other.at);
    if !is_read(by_month, Tells::MonthFirst) {
        return one;
    }
    if !is_read(by_day, Tells::DayFirst) {
        return other;
    }
    let [month_first, day_first] = [by_month, by_day].map(|at| printable(texts[at].trim(), 40));
    Unread {
        at: by_month.max(by_day),
        why: format!(
            "{day_first:?} has the day first, {month_first:?} the month: write {IN_ORDER} in all rows"
        ),
    }
}

/// The periods that the texts of one column are, each once. Days and months are in the order that
/// fits all of them.
///
/// Errors: the first text that is no period, or that may be two.
pub(crate) fn periods(texts: &[&str]) -> Result<Vec<ReadPeriod>, Unread> {
    let of = |order: Tells| {
        let read = |(at, text): (usize, &&str)| read(text, order).map_err(|why| Unread { at, why });
        texts.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()
    };
    let found = match (of(Tells::DayFirst), of(Tells::MonthFirst)) {
        (Ok(found), Ok(other)) => {
            if let Some(at) = found.iter().zip(&other).position(|(a, b)| a != b) {
                let why = ambiguous(texts[at], "a day of one month or of another", IN_ORDER);
                return Err(Unread { at, why });
            }
            found
        }
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => found,
        (Err(one), Err(other)) => return Err(neither(texts, one, other)),
    };
    // Years that begin in one and end in the next look like months, each of another year.
    let spans: BTreeSet<(i32, i32)> = texts.iter().filter_map(|text| span(text)).collect();
    let are_few = spans.len() < 3 && texts.iter().all(|text| text.contains('-'));
    let is_clear = are_few || texts.iter().any(|text| span(text).is_none());
    match texts.first().and_then(|text| span(text)) {
        Some((year, next)) if !is_clear => Err(Unread {
            at: 0,
            why: format!(
                "{:?} may be the month {year}-{:02} or the year from {year} to {next}: write {year}-{:02} for the month, \
                 {year} for the year",
                printable(texts[0].trim(), 40),
                next % 100,
                next % 100
            ),
        }),
        _ => Ok(found),
    }
}

/// The period that one text is.
///
/// Errors: what the text is, and what was expected.
pub(crate) fn period(text: &str) -> Result<Period, String> {
    let found = periods(&[text]).map_err(|fault| fault.why)?;
    found.first().map(|of| of.period).ok_or_else(|| "it is empty".to_owned())
}

/// The periods that stand in one text, with commas, semicolons or plus signs between them; with
/// spaces, if each is one without spaces.
///
/// Errors: as of [`period`].
pub(crate) fn list(text: &str) -> Result<Vec<Period>, String> {
    let parts = |between: &[char]| {
        let parts = text.split(between).map(str::trim).filter(|part| !part.is_empty());
        parts.map(period).collect::<Result<Vec<_>, _>>()
    };
    let found = parts(&[',', ';', '+']);
    let spaced = || parts(&[',', ';', '+', ' ']);
    let found = found.or_else(|why| {
        spaced().map_err(|_| match all_of_span(text) {
            Some(all) => format!("{why}; write {all} for all that it spans"),
            None => why,
        })
    })?;
    if found.is_empty() { Err("expected a period, or several".to_owned()) } else { Ok(found) }
}

/// The periods of a span, from the first to the last of them, with commas: those of 2007-2009 and of
/// 2008-07..2008-09.
fn all_of_span(text: &str) -> Option<String> {
    let mut ends = TO.iter().flat_map(|to| {
        text.match_indices(*to).map(move |(at, to)| (&text[..at], &text[at + to.len()..]))
    });
    let (first, last) = ends.find_map(|(first, last)| {
        let own = |text: &str| text.trim().parse::<Period>().ok();
        let (first, last) = (own(first)?, own(last)?);
        let n = last.place - first.place;
        (first.frequency == last.frequency && (1..MOST_NAMED).contains(&n)).then_some((first, last))
    })?;
    let all = (first.place..=last.place).map(|place| first.at(place).to_string());
    Some(all.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        period(text).map(|of| of.to_string())
    }

    #[test]
    fn periods_are_read_as_people_write_them() {
        for (text, expected) in [
            ("2008", "2008"),
            (" 2008 ", "2008"),
            ("2008.0", "2008"),
            ("2008Q3", "2008Q3"),
            ("2008-Q3", "2008Q3"),
            ("2008 q3", "2008Q3"),
            ("2008q3", "2008Q3"),
            ("Q3 2008", "2008Q3"),
            ("Q3-2008", "2008Q3"),
            ("3Q2008", "2008Q3"),
            ("Q3 08", "2008Q3"),
            ("q3-98", "1998Q3"),
            ("3. Quartal 2008", "2008Q3"),
            ("1er trimestre 2008", "2008Q1"),
            ("3º trimestre 2008", "2008Q3"),
            ("2008T3", "2008Q3"),
            ("2008-09", "2008-09"),
            ("2008/9", "2008-09"),
            ("2008M09", "2008-09"),
            ("2008m9", "2008-09"),
            ("2008-M09", "2008-09"),
            ("2008.09", "2008-09"),
            ("200809", "2008-09"),
            ("09/2008", "2008-09"),
            ("9.2008", "2008-09"),
            ("Sep 2008", "2008-09"),
            ("Sep-2008", "2008-09"),
            ("Sep-08", "2008-09"),
            ("Sept. 2008", "2008-09"),
            ("September 2008", "2008-09"),
            ("SEP2008", "2008-09"),
            ("2008 Sep", "2008-09"),
            ("2008-Sep", "2008-09"),
            ("septembre 2008", "2008-09"),
            ("Dez 2008", "2008-12"),
            ("set/2008", "2008-09"),
            ("2008-09-01", "2008-09"),
            ("2008-09-30 00:00:00", "2008-09"),
            ("2008-09-30T00:00:00.000Z", "2008-09"),
            ("2008/09/30", "2008-09"),
            ("20080930", "2008-09"),
            ("30.09.2008", "2008-09"),
            ("31/12/2008", "2008-12"),
            ("12/31/2008", "2008-12"),
            ("05/05/2008", "2008-05"),
            ("30 Sep 2008", "2008-09"),
            ("30-Sep-08", "2008-09"),
        ] {
            assert_eq!(shown(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_period_is_told() {
        for text in [
            "",
            "total",
            "208",
            "2008-13",
            "200813",
            "2008Q5",
            "2008-02-30",
            "2008/2010",
            "Foo 2008",
            "1850",
            "2008-09-31",
        ] {
            let error = shown(text).expect_err(text);
            assert!(error.contains("is no period: expected a year such as 2008"), "{error}");
        }
    }

    #[test]
    fn what_may_be_two_periods_is_refused_with_what_to_write() {
        for text in ["09/08", "9-8", "01/09/08", "08-Sep", "2008.1", "01/09/2008"] {
            let error = shown(text).expect_err(text);
            assert!(error.contains("may be a") && error.contains("2008-09"), "{error}");
        }
        for (text, write) in [
            ("01/09/2008", "write 2008-09 or 2008-09-01"),
            ("2008.1", "write 2008, 2008Q3 or 2008-09"),
        ] {
            let error = shown(text).expect_err(text);
            assert!(error.contains(write) && !error.contains("four digits"), "{error}");
        }
        for (text, write) in [
            ("2004-2005", "write 2004 for the year from 2004 to 2005"),
            ("1995/96", "write 1995 for the year from 1995 to 1996"),
            ("1999/00", "write 1999 for the year from 1999 to 2000"),
            ("2004H1", "half-years are not read"),
            ("S2 2004", "half-years are not read"),
        ] {
            let error = shown(text).expect_err(text);
            assert!(error.contains("is no period") && error.contains(write), "{error}");
        }
        let error = shown("2008/09").expect_err("a span");
        assert!(error.contains("write 2008-09 for the month, 2008 for the year"), "{error}");
    }

    #[test]
    fn a_column_says_in_which_order_its_days_and_months_stand() {
        let of = |texts: &[&str]| {
            let found = periods(texts)?;
            Ok::<_, Unread>(found.iter().map(|of| of.period.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(of(&["01/09/2008", "31/12/2008"]), Ok(vec!["2008-09".into(), "2008-12".into()]));
        assert_eq!(of(&["09/01/2008", "12/31/2008"]), Ok(vec!["2008-09".into(), "2008-12".into()]));
        assert_eq!(of(&["05/05/2008", "01/09/2008"]).expect_err("two readings").at, 1);
        assert_eq!(of(&["31/12/2008", "12/31/2008"]).expect_err("no order").at, 1);
        let clash = of(&["01/09/2008", "05/13/2009", "31/12/2007"]).expect_err("no order").why;
        for part in ["\"31/12/2007\" has the day first", "\"05/13/2009\" the month"] {
            assert!(clash.contains(part), "{clash}");
        }
        assert_eq!(of(&["01/09/2008", "crisis"]).expect_err("no period").at, 1);
        assert_eq!(of(&["31/12/2008", "crisis"]).expect_err("no period").at, 1);
        assert_eq!(of(&["12/31/2008", "crisis"]).expect_err("no period").at, 1);
        // Months of one year are no spans of two.
        assert_eq!(of(&["2008/08", "2008/09"]), Ok(vec!["2008-08".into(), "2008-09".into()]));
        assert_eq!(of(&["2008-09"]), Ok(vec!["2008-09".into()]));
        for spans in [&["2007/08", "2008/09"][..], &["2007-08", "2008-09", "2009-10"]] {
            let error = of(spans).expect_err("spans").why;
            assert!(error.contains("or the year from 2007 to 2008"), "{error}");
        }
        assert_eq!(of(&[]), Ok(Vec::new()));
    }

    #[test]
    fn several_periods_stand_in_one_text() {
        let of = |text: &str| {
            list(text).map(|of| of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        for text in ["2007,2008", "2007, 2008", "2007+2008", "2007; 2008", "2007 2008"] {
            assert_eq!(of(text).as_deref(), Ok("2007 2008"), "{text}");
        }
        assert_eq!(of("Sep 2008, Oct 2008").as_deref(), Ok("2008-09 2008-10"));
        assert_eq!(of("2008 q3").as_deref(), Ok("2008Q3"));
        for (text, write) in [
            ("2007-2008", "write 2007,2008 for all"),
            ("2005 to 2007", "write 2005,2006,2007 for all"),
            ("2008-07..2008-09", "write 2008-07,2008-08,2008-09 for all"),
            ("2008Q4-2009Q1", "write 2008Q4,2009Q1 for all"),
        ] {
            let error = of(text).expect_err("a span");
            assert!(error.contains("is no period") && error.contains(write), "{error}");
        }
        assert!(of("").is_err());
    }
}
