//! Times written as a pattern says: `to_char` of dates and times.

use chrono::{DateTime, Datelike, Timelike, Utc};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// How a name is written.
fn in_case(name: &str, pattern: &str) -> String {
    let mut letters = pattern.chars();
    match (letters.next(), letters.next()) {
        (Some(first), _) if first.is_lowercase() => name.to_lowercase(),
        (_, Some(second)) if second.is_uppercase() => name.to_uppercase(),
        _ => name.to_owned(),
    }
}

/// The keywords of patterns; those that begin alike, the longest first.
const KEYWORDS: [&str; 34] = [
    "Y,YYY", "YYYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "IDDD", "ID", "IW", "I", "MONTH",
    "MON", "MM", "MI", "MS", "HH24", "HH12", "HH", "SSSS", "SS", "US", "AM", "PM", "DAY", "DDD",
    "DD", "DY", "D", "WW", "W", "Q", "CC",
];

fn name_at<'n>(names: &[&'n str], at: u32) -> &'n str {
    usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
}

/// Whether a value is as wide as the widest of its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Filled,
    Own,
}

/// What a keyword is for; `typed` is as it was written.
fn value(time: DateTime<Utc>, keyword: &str, typed: &str, width: Width) -> String {
    let is_filled = width == Width::Filled;
    let number = |value: i64, n: usize| {
        if is_filled { format!("{value:0n$}") } else { value.to_string() }
    };
    let small = |value: u32, n: usize| number(i64::from(value), n);
    let name = |names: &[&str], at: u32| {
        let name = in_case(name_at(names, at), typed);
        if is_filled { format!("{name:9}") } else { name }
    };
    let short = |names: &[&str], at: u32| {
        in_case(&name_at(names, at).chars().take(3).collect::<String>(), typed)
    };
    let (year, week, weekday) = (i64::from(time.year()), time.iso_week(), time.weekday());
    let iso_year = i64::from(week.year());
    match keyword {
        "Y,YYY" => format!("{},{:03}", year / 1000, year % 1000),
        "YYYY" => number(year, 4),
        "YYY" => number(year % 1000, 3),
        "YY" => number(year % 100, 2),
        "Y" => number(year % 10, 1),
        "IYYY" => number(iso_year, 4),
        "IYY" => number(iso_year % 1000, 3),
        "IY" => number(iso_year % 100, 2),
        "I" => number(iso_year % 10, 1),
        "IDDD" => small(week.week0() * 7 + weekday.number_from_monday(), 3),
        "ID" => small(weekday.number_from_monday(), 1),
        "IW" => small(week.week(), 2),
        "MONTH" => name(&MONTHS, time.month0()),
        "MON" => short(&MONTHS, time.month0()),
        "MM" => small(time.month(), 2),
        "MI" => small(time.minute(), 2),
        "MS" => small(time.timestamp_subsec_millis(), 3),
        "US" => small(time.timestamp_subsec_micros(), 6),
        "HH24" => small(time.hour(), 2),
        "HH12" | "HH" => small(time.hour12().1, 2),
        "SSSS" => small(time.num_seconds_from_midnight(), 1),
        "SS" => small(time.second(), 2),
        "AM" | "PM" => in_case(if time.hour12().0 { "PM" } else { "AM" }, typed),
        "DAY" => name(&DAYS, weekday.num_days_from_sunday()),
        "DY" => short(&DAYS, weekday.num_days_from_sunday()),
        "DDD" => small(time.ordinal(), 3),
        "DD" => small(time.day(), 2),
        "D" => small(weekday.number_from_sunday(), 1),
        "WW" => small(time.ordinal0() / 7 + 1, 2),
        "W" => small(time.day0() / 7 + 1, 1),
        "Q" => small(time.month0() / 3 + 1, 1),
        "CC" => number((year - 1) / 100 + 1, 2),
        _ => String::new(),
    }
}

/// A time, in microseconds from 1970, as the pattern says; none if no calendar reaches so far.
pub(super) fn written(micros: i64, pattern: &str) -> Option<String> {
    let time = DateTime::<Utc>::from_timestamp_micros(micros)?;
    let (mut text, mut rest, mut width) = (String::new(), pattern, Width::Filled);
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let quoted = &rest[1..];
            let end = quoted.find('"').unwrap_or(quoted.len());
            text.push_str(&quoted[..end]);
            rest = quoted.get(end + 1..).unwrap_or_default();
            continue;
        }
        let begins = |keyword: &&&str| {
            rest.get(..keyword.len()).is_some_and(|head| head.eq_ignore_ascii_case(keyword))
        };
        if begins(&&"FM") {
            (width, rest) = (Width::Own, &rest[2..]);
        } else if let Some(keyword) = KEYWORDS.iter().find(|keyword| begins(keyword)) {
            let (typed, behind) = rest.split_at(keyword.len());
            text.push_str(&value(time, keyword, typed, width));
            (width, rest) = (Width::Filled, behind);
        } else {
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().expect("a time").timestamp_micros()
    }

    #[test]
    fn times_are_written_as_postgresql_writes_them() {
        let time = micros("2008-09-05T14:07:09.012345Z");
        for (pattern, expected) in [
            ("YYYY-MM-DD HH24:MI:SS", "2008-09-05 14:07:09"),
            ("YY/FMMM/FMDD", "08/9/5"),
            ("HH12:MI AM", "02:07 PM"),
            ("Mon DD, YYYY", "Sep 05, 2008"),
            ("MONTH|Month|FMmonth|", "SEPTEMBER|September|september|"),
            ("FMDay, DY", "Friday, FRI"),
            ("IYYY-\"W\"IW-ID", "2008-W36-5"),
            ("Q DDD D W WW CC", "3 249 6 1 36 21"),
            ("MS US", "012 012345"),
            ("Y,YYY", "2,008"),
        ] {
            assert_eq!(written(time, pattern).as_deref(), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn weeks_are_those_of_iso_8601() {
        // The last day of 2008 is in the first week of 2009; the first of 2010 in the last of 2009.
        for (day, expected) in [("2008-12-31", "2009 01"), ("2010-01-01", "2009 53")] {
            let time = micros(&format!("{day}T00:00:00Z"));
            assert_eq!(written(time, "IYYY IW").as_deref(), Some(expected), "{day}");
        }
        assert_eq!(written(i64::MAX, "YYYY"), None);
    }
}
