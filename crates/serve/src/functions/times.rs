//! Times written as a pattern says: `to_char` of dates and times.

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

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

/// A time, taken apart.
#[derive(Debug, Clone, Copy)]
struct Time {
    year: i64,
    month: i64,
    day: i64,
    /// From 1 on.
    day_of_year: i64,
    /// From 0 on, which is Sunday.
    day_of_week: i64,
    /// Microseconds of the day.
    micros: i64,
}

impl Time {
    fn of(micros: i64) -> Self {
        let days = micros.div_euclid(DAY);
        let (year, month, day) = date(days);
        let first = days_of(year, 1, 1);
        Self {
            year,
            month,
            day,
            day_of_year: days - first + 1,
            day_of_week: (days + 4).rem_euclid(7),
            micros: micros.rem_euclid(DAY),
        }
    }

    fn hour(self) -> i64 {
        self.micros / 3_600_000_000
    }

    /// Year and week as ISO 8601 counts them.
    fn iso_week(self) -> (i64, i64) {
        let from_monday = (self.day_of_week + 6).rem_euclid(7);
        let week = (self.day_of_year - 1 - from_monday + 10) / 7;
        let weeks = |year: i64| {
            let thursday = |year: i64| (days_of(year, 12, 31) + 4).rem_euclid(7) == 4;
            if thursday(year) || (days_of(year, 1, 1) + 4).rem_euclid(7) == 4 { 53 } else { 52 }
        };
        match week {
            0 => (self.year - 1, weeks(self.year - 1)),
            week if week > weeks(self.year) => (self.year + 1, 1),
            week => (self.year, week),
        }
    }
}

/// Year, month and day of a day counted from 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// The day of a date, counted from 1970.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

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

fn name_at<'n>(names: &[&'n str], at: i64) -> &'n str {
    usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
}

/// Whether a value is as wide as the widest of its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Filled,
    Own,
}

/// What a keyword is for; `typed` is as it was written.
fn value(time: Time, keyword: &str, typed: &str, width: Width) -> String {
    let is_filled = width == Width::Filled;
    let number = |value: i64, n: usize| {
        if is_filled { format!("{value:0n$}") } else { value.to_string() }
    };
    let name = |names: &[&str], at: i64| {
        let name = in_case(name_at(names, at), typed);
        if is_filled { format!("{name:9}") } else { name }
    };
    let short = |names: &[&str], at: i64| {
        in_case(&name_at(names, at).chars().take(3).collect::<String>(), typed)
    };
    let (iso_year, iso_week) = time.iso_week();
    let iso_day = if time.day_of_week == 0 { 7 } else { time.day_of_week };
    let hour_of_12 = if time.hour() % 12 == 0 { 12 } else { time.hour() % 12 };
    match keyword {
        "Y,YYY" => format!("{},{:03}", time.year / 1000, time.year % 1000),
        "YYYY" => number(time.year, 4),
        "YYY" => number(time.year % 1000, 3),
        "YY" => number(time.year % 100, 2),
        "Y" => number(time.year % 10, 1),
        "IYYY" => number(iso_year, 4),
        "IYY" => number(iso_year % 1000, 3),
        "IY" => number(iso_year % 100, 2),
        "I" => number(iso_year % 10, 1),
        "IDDD" => number((iso_week - 1) * 7 + iso_day, 3),
        "ID" => number(iso_day, 1),
        "IW" => number(iso_week, 2),
        "MONTH" => name(&MONTHS, time.month - 1),
        "MON" => short(&MONTHS, time.month - 1),
        "MM" => number(time.month, 2),
        "MI" => number(time.micros / 60_000_000 % 60, 2),
        "MS" => number(time.micros / 1000 % 1000, 3),
        "US" => number(time.micros % 1_000_000, 6),
        "HH24" => number(time.hour(), 2),
        "HH12" | "HH" => number(hour_of_12, 2),
        "SSSS" => number(time.micros / 1_000_000, 1),
        "SS" => number(time.micros / 1_000_000 % 60, 2),
        "AM" | "PM" => in_case(if time.hour() < 12 { "AM" } else { "PM" }, typed),
        "DAY" => name(&DAYS, time.day_of_week),
        "DY" => short(&DAYS, time.day_of_week),
        "DDD" => number(time.day_of_year, 3),
        "DD" => number(time.day, 2),
        "D" => number(time.day_of_week + 1, 1),
        "WW" => number((time.day_of_year - 1) / 7 + 1, 2),
        "W" => number((time.day - 1) / 7 + 1, 1),
        "Q" => number((time.month - 1) / 3 + 1, 1),
        "CC" => number((time.year - 1) / 100 + 1, 2),
        _ => String::new(),
    }
}

/// A time, in microseconds from 1970, as the pattern says.
pub(super) fn written(micros: i64, pattern: &str) -> String {
    let time = Time::of(micros);
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
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_postgresql_writes_them() {
        // 2008-09-05 14:07:09.012345, a Friday.
        let time = days_of(2008, 9, 5) * DAY + (14 * 3600 + 7 * 60 + 9) * 1_000_000 + 12_345;
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
            assert_eq!(written(time, pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for days in [-800_000, -1, 0, 59, 60, 11_016, 11_017, 20_000, 2_000_000] {
            let (year, month, day) = date(days);
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!((date(0), date(11_016)), ((1970, 1, 1), (2000, 2, 29)));
        // The last day of 2008 is in the first week of 2009; the first of 2010 in the last of 2009.
        assert_eq!(written(days_of(2008, 12, 31) * DAY, "IYYY IW"), "2009 01");
        assert_eq!(written(days_of(2010, 1, 1) * DAY, "IYYY IW"), "2009 53");
    }
}
