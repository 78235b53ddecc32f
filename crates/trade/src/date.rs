//! Dates as people write them.
//!
//! A form says what the parts of a date are and where they stand. What is no date of the form, and
//! what two forms read as two dates, is none.

use std::collections::BTreeMap;

/// The year and month of a date, as far as its form has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// The year.
    pub year: Option<i32>,
    /// The month, 1 to 12. A quarter stands in its first.
    pub month: Option<i32>,
}

/// The forms that dates may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateForm {
    forms: Vec<Form>,
    /// Names of months beside those in English.
    names: BTreeMap<String, i32>,
}

/// A text that is no form of dates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?}: {why}: expected iso, month, quarter, fiscal or fiscal_end, or a form such as %d/%m/%Y with %Y, %y, %m, %b, %d, %q, %H, %M, %S or %T"
)]
pub struct ParseDateFormError {
    text: String,
    why: &'static str,
}

/// The parts of dates of one form, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    parts: Vec<Part>,
    year: YearOf,
}

/// The year of a span over two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum YearOf {
    Begin,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Letter(char),
    /// Four digits.
    Year,
    /// Two digits: 69 to 99 are of the last century.
    ShortYear,
    /// Two or four digits: the year after the one before it.
    NextYear,
    Month,
    MonthName,
    Day,
    Quarter,
    Hour,
    /// Minutes or seconds.
    Sixtieth,
    /// A time of day with its zone, at the end.
    Time,
}

const ISO: [&str; 8] =
    ["%Y-%m-%d", "%Y-%m-%dT%T", "%Y-%m-%d %T", "%Y%m%d", "%Y-%m", "%Y%m", "%Y/%m/%d", "%Y"];

const MONTH: [&str; 11] = [
    "%YM%m", "%Y-%m", "%Y/%m", "%Y.%m", "%Y%m", "%m/%Y", "%b-%Y", "%b %Y", "%Y %b", "%Y-%b",
    "%b-%y",
];

const QUARTER: [&str; 6] = ["%YQ%q", "%Y-Q%q", "%Y Q%q", "%Y/Q%q", "Q%q %Y", "Q%q-%Y"];

const FISCAL: [&str; 6] = ["%Y/%N", "%Y-%N", "FY%Y/%N", "FY%Y-%N", "FY %Y/%N", "FY %Y-%N"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl DateForm {
    /// The form that a text names or spells.
    ///
    /// # Errors
    ///
    /// [`ParseDateFormError`] if it is none.
    pub fn new(text: &str) -> Result<Self, ParseDateFormError> {
        let (texts, year) = match text {
            "iso" => (&ISO[..], YearOf::Begin),
            "month" => (&MONTH[..], YearOf::Begin),
            "quarter" => (&QUARTER[..], YearOf::Begin),
            "fiscal" => (&FISCAL[..], YearOf::Begin),
            "fiscal_end" => (&FISCAL[..], YearOf::End),
            _ => {
                let error = |why| ParseDateFormError { text: text.to_owned(), why };
                let parts = parts(text).map_err(error)?;
                // Only the forms that are named have the second year of a span.
                if parts.contains(&Part::NextYear) {
                    return Err(error("unknown %N"));
                }
                let form = Form { parts, year: YearOf::Begin };
                if form.is_of_no_period() {
                    return Err(error("neither year nor month"));
                }
                return Ok(Self { forms: vec![form], names: BTreeMap::new() });
            }
        };
        let forms = texts.iter().filter_map(|text| Some(Form { parts: parts(text).ok()?, year }));
        Ok(Self { forms: forms.collect(), names: BTreeMap::new() })
    }

    /// Any of several forms.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.forms.extend(other.forms);
        self.names.extend(other.names);
        self
    }

    /// The same with names of months, 1 to 12.
    #[must_use]
    pub fn with_names(mut self, names: BTreeMap<String, i32>) -> Self {
        self.names = names;
        self
    }

    /// Whether its dates have a year.
    pub fn has_year(&self) -> bool {
        let is_year = |part: &Part| matches!(part, Part::Year | Part::ShortYear);
        self.forms.iter().all(|form| form.parts.iter().any(is_year))
    }

    /// Whether one of its forms has a month.
    pub fn has_month(&self) -> bool {
        self.forms.iter().any(Form::has_month)
    }

    /// Whether it has names of months.
    pub fn has_names(&self) -> bool {
        self.forms.iter().any(|form| form.parts.contains(&Part::MonthName))
    }

    /// The date that a text is; `None` if it is none, or may be two.
    pub fn read(&self, text: &str) -> Option<Date> {
        let mut found = None;
        for date in self.forms.iter().filter_map(|form| form.read(text, &self.names)) {
            match found {
                Some(other) if other != date => return None,
                _ => found = Some(date),
            }
        }
        found
    }
}

/// The parts that a form is spelled with.
fn parts(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            parts.push(Part::Letter(letter));
            continue;
        }
        parts.push(match letters.next() {
            Some('%') => Part::Letter('%'),
            Some('Y') => Part::Year,
            Some('y') => Part::ShortYear,
            Some('N') => Part::NextYear,
            Some('m') => Part::Month,
            Some('b' | 'B') => Part::MonthName,
            Some('d' | 'e') => Part::Day,
            Some('q') => Part::Quarter,
            Some('H') => Part::Hour,
            Some('M' | 'S') => Part::Sixtieth,
            Some('T') => Part::Time,
            _ => return Err("unknown sign after %"),
        });
    }
    Ok(parts)
}

/// What was found of a date.
#[derive(Debug, Default)]
struct Found {
    year: Option<i32>,
    next: Option<(i32, usize)>,
    month: Option<i32>,
    quarter: Option<i32>,
    day: Option<i32>,
}

impl Form {
    fn has_month(&self) -> bool {
        let is_month = |part: &Part| matches!(part, Part::Month | Part::MonthName | Part::Quarter);
        self.parts.iter().any(is_month)
    }

    fn is_of_no_period(&self) -> bool {
        let is_year = |part: &Part| matches!(part, Part::Year | Part::ShortYear);
        !self.has_month() && !self.parts.iter().any(is_year)
    }

    /// Whether the part at this place is beside one that is digits too.
    fn is_among_digits(&self, at: usize) -> bool {
        let is_digits = |at: Option<usize>| {
            at.and_then(|at| self.parts.get(at))
                .is_some_and(|part| !matches!(part, Part::Letter(_) | Part::MonthName | Part::Time))
        };
        is_digits(at.checked_sub(1)) || is_digits(Some(at + 1))
    }

    fn read(&self, text: &str, names: &BTreeMap<String, i32>) -> Option<Date> {
        let mut rest = text;
        let mut found = Found::default();
        for (at, part) in self.parts.iter().enumerate() {
            let fewest = if self.is_among_digits(at) { 2 } else { 1 };
            let mut take = |fewest, most, from, to| number(&mut rest, fewest, most, from..=to);
            match part {
                Part::Letter(letter) => {
                    let mut letters = rest.chars();
                    letters.next().filter(|next| next.eq_ignore_ascii_case(letter))?;
                    rest = letters.as_str();
                }
                Part::Year => found.year = Some(take(4, 4, 0, 9999)?),
                Part::ShortYear => {
                    let year = take(2, 2, 0, 99)?;
                    found.year = Some(if year < 69 { 2000 + year } else { 1900 + year });
                }
                Part::NextYear => {
                    let before = rest.len();
                    let next = number(&mut rest, 2, 4, 0..=9999)?;
                    found.next = Some((next, before - rest.len()));
                }
                Part::Month => found.month = Some(take(fewest, 2, 1, 12)?),
                Part::MonthName => found.month = Some(month_name(&mut rest, names)?),
                Part::Day => found.day = Some(take(fewest, 2, 1, 31)?),
                Part::Quarter => found.quarter = Some(take(1, 1, 1, 4)?),
                Part::Hour => {
                    take(fewest, 2, 0, 23)?;
                }
                Part::Sixtieth => {
                    take(2, 2, 0, 59)?;
                }
                Part::Time => {
                    number(&mut rest, 2, 2, 0..=23)?;
                    let is_time = |c: char| c.is_ascii_digit() || ":.+-Z".contains(c);
                    if !rest.starts_with(':') || !rest.chars().all(is_time) {
                        return None;
                    }
                    rest = "";
                }
            }
        }
        if !rest.is_empty() { None } else { found.date(self.year) }
    }
}

impl Found {
    /// The date, unless there is no such day or span.
    fn date(self, year: YearOf) -> Option<Date> {
        let month = self.month.or(self.quarter.map(|quarter| 3 * quarter - 2));
        if let (Some(month), Some(day)) = (month, self.day)
            && day > days(self.year, month)
        {
            return None;
        }
        let mut found = Date { year: self.year, month };
        if let (Some(begin), Some((next, n_digits))) = (self.year, self.next) {
            let expected = match n_digits {
                2 => (begin + 1) % 100,
                4 => begin + 1,
                _ => return None,
            };
            if next != expected {
                return None;
            }
            found.year = Some(if year == YearOf::End { begin + 1 } else { begin });
        }
        Some(found)
    }
}

/// The days of a month.
fn days(year: Option<i32>, month: i32) -> i32 {
    let is_leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if year.is_none_or(is_leap) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Takes a number of so many digits from the beginning of `rest`.
fn number(
    rest: &mut &str,
    fewest: usize,
    most: usize,
    range: std::ops::RangeInclusive<i32>,
) -> Option<i32> {
    let n = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(n);
    let number =
        digits.parse::<i32>().ok().filter(|number| n >= fewest && range.contains(number))?;
    *rest = after;
    Some(number)
}

/// Takes the name of a month: one of `names`, or one in English, in full or its beginning.
fn month_name(rest: &mut &str, names: &BTreeMap<String, i32>) -> Option<i32> {
    let own = names.iter().filter(|(name, _)| rest.starts_with(name.as_str()));
    if let Some((name, month)) = own.max_by_key(|(name, _)| name.len()) {
        *rest = &rest[name.len()..];
        return Some(*month);
    }
    let n = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (letters, after) = rest.split_at(n);
    let letters = letters.to_ascii_lowercase();
    let is_short = letters.len() == 3 || letters == "sept";
    let at = MONTHS
        .iter()
        .position(|full| letters == *full || is_short && full.starts_with(letters.as_str()))?;
    *rest = after;
    i32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(form: &str, text: &str) -> Option<(Option<i32>, Option<i32>)> {
        let form = DateForm::new(form).expect("a form");
        form.read(text).map(|date| (date.year, date.month))
    }

    #[test]
    fn dates_are_read_in_the_forms_people_write() {
        for (form, text, year, month) in [
            ("%d/%m/%Y", "31/12/2008", Some(2008), Some(12)),
            ("%d/%m/%Y", "1/9/2008", Some(2008), Some(9)),
            ("%Y-%m-%d", "2008-09-30", Some(2008), Some(9)),
            ("%YM%m", "2008M09", Some(2008), Some(9)),
            ("%YQ%q", "2008Q3", Some(2008), Some(7)),
            ("%b-%Y", "Sep-2008", Some(2008), Some(9)),
            ("%b-%y", "SEPT-08", Some(2008), Some(9)),
            ("%B %Y", "february 1999", Some(1999), Some(2)),
            ("%Y%m", "200809", Some(2008), Some(9)),
            ("%b", "May", None, Some(5)),
            ("%Y", "2008", Some(2008), None),
            ("%m/%d/%y %H:%M", "2/29/96 23:59", Some(1996), Some(2)),
            ("iso", "2008-09-01", Some(2008), Some(9)),
            ("iso", "2008-09-01T00:00:00.000Z", Some(2008), Some(9)),
            ("iso", "2008-09-01 00:00:00", Some(2008), Some(9)),
            ("iso", "20080901", Some(2008), Some(9)),
            ("month", "2008M09", Some(2008), Some(9)),
            ("month", "09/2008", Some(2008), Some(9)),
            ("month", "2008 Sep", Some(2008), Some(9)),
            ("quarter", "Q4 2008", Some(2008), Some(10)),
            ("fiscal", "2008/09", Some(2008), None),
            ("fiscal", "FY2008-2009", Some(2008), None),
            ("fiscal", "1999/00", Some(1999), None),
            ("fiscal_end", "2008/09", Some(2009), None),
        ] {
            assert_eq!(read(form, text), Some((year, month)), "{form}: {text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for (form, text) in [
            ("%d/%m/%Y", "31/02/2008"),
            ("%d/%m/%Y", "12/31/2008"),
            ("%d/%m/%Y", "1/9/08"),
            ("%d/%m/%Y", "1/9/2008 "),
            ("%Y-%m-%d", "2009-02-29"),
            ("%Y-%m-%d", "2008-09"),
            ("%Y%m", "20081"),
            ("%Y%m", "200813"),
            ("%YQ%q", "2008Q5"),
            ("%b-%Y", "Septem-2008"),
            ("%b-%Y", "-2008"),
            ("iso", "2008-09-01T25:00:00"),
            ("iso", "2008-09-01 noon"),
            ("fiscal", "2008/10"),
            ("fiscal", "2008/2010"),
            ("fiscal", "2008/009"),
            ("month", "2008M9M"),
            ("%Y", ""),
        ] {
            assert_eq!(read(form, text), None, "{form}: {text}");
        }
        for form in ["%d", "%Q", "%", "dd/mm/yyyy", "", "%Y/%N"] {
            assert!(DateForm::new(form).is_err(), "{form}");
        }
    }

    #[test]
    fn a_date_of_two_readings_is_none() {
        let american = DateForm::new("%m/%d/%Y").expect("a form");
        let both = DateForm::new("%d/%m/%Y").expect("a form").or(american);
        let month = |text: &str| both.read(text).and_then(|date| date.month);
        assert_eq!(month("31/12/2008"), Some(12));
        assert_eq!(month("12/31/2008"), Some(12));
        assert_eq!(month("05/05/2008"), Some(5));
        assert_eq!(month("05/06/2008"), None);
    }

    #[test]
    fn months_have_names_of_any_language() {
        let names = [("Ene", 1), ("Enero", 1), ("9月", 9)].map(|(name, at)| (name.to_owned(), at));
        let form = DateForm::new("%b-%Y").expect("a form").with_names(BTreeMap::from(names));
        let read = |text: &str| form.read(text).and_then(|date| date.month);
        assert_eq!(read("Enero-2008"), Some(1));
        assert_eq!(read("Ene-2008"), Some(1));
        assert_eq!(read("9月-2008"), Some(9));
        assert_eq!(read("Dec-2008"), Some(12));
        assert_eq!(read("Dic-2008"), None);
    }

    proptest! {
        #[test]
        fn every_day_is_read_in_every_form(year in 1900..=2100_i32, month in 1..=12_i32, day in 1..=31_i32) {
            let is_day = day <= days(Some(year), month);
            let expected = is_day.then_some((Some(year), Some(month)));
            for (form, text) in [
                ("%d/%m/%Y", format!("{day}/{month}/{year}")),
                ("%d.%m.%Y", format!("{day:02}.{month:02}.{year}")),
                ("%Y%m%d", format!("{year}{month:02}{day:02}")),
                ("iso", format!("{year}-{month:02}-{day:02}")),
            ] {
                prop_assert_eq!(read(form, &text), expected, "{}", text);
            }
        }

        #[test]
        fn no_text_is_too_strange(form in "\\PC{0,8}|(%[a-zA-Z]|[-/ ]){0,6}", text in "\\PC{0,12}") {
            if let Ok(form) = DateForm::new(&form) {
                let date = form.read(&text);
                prop_assert!(date.is_none_or(|date| date.month.is_none_or(|month| (1..=12).contains(&month))));
            }
        }
    }
}
