//! Periods of time: years, quarters and months, each with the place it has in the order of its kind.

use std::fmt;
use std::str::FromStr;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frequency {
    /// Calendar years.
    Year,
    /// Quarters of calendar years.
    Quarter,
    /// Months.
    Month,
}

impl Frequency {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Quarter => "quarter",
            Self::Month => "month",
        }
    }

    /// Periods of a year.
    pub fn per_year(self) -> i32 {
        match self {
            Self::Year => 1,
            Self::Quarter => 4,
            Self::Month => 12,
        }
    }

    /// The period that the month `month` (1 to 12) of `year` lies in.
    pub fn of_month(self, year: i32, month: i32) -> Period {
        let n = self.per_year();
        Period { frequency: self, place: year * n + (month - 1) * n / 12 }
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A period: `2008`, `2008Q3` or `2008-09`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    /// How long it is.
    pub frequency: Frequency,
    /// Its place among all periods as long; a period and the next differ by 1. A year's is its number.
    pub place: i32,
}

impl Period {
    /// Its calendar year.
    pub fn year(self) -> i32 {
        self.place.div_euclid(self.frequency.per_year())
    }

    /// The period at another place.
    #[must_use]
    pub fn at(self, place: i32) -> Self {
        Self { place, ..self }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, part) = (self.year(), self.place.rem_euclid(self.frequency.per_year()) + 1);
        match self.frequency {
            Frequency::Year => write!(f, "{year}"),
            Frequency::Quarter => write!(f, "{year}Q{part}"),
            Frequency::Month => write!(f, "{year}-{part:02}"),
        }
    }
}

/// A text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no period: expected a year such as 2008, a quarter such as 2008Q3 or a month such as 2008-09"
)]
pub struct ParsePeriodError(String);

impl FromStr for Period {
    type Err = ParsePeriodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParsePeriodError(text.to_owned());
        let number = |text: &str, from: i32, to: i32| {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|_| is_plain);
            number.filter(|number| (from..=to).contains(number)).ok_or_else(error)
        };
        let (year, rest) = text.split_at_checked(4).ok_or_else(error)?;
        let year = number(year, 1900, 2100)?;
        let (frequency, part) = match (rest, rest.chars().next()) {
            ("", _) => (Frequency::Year, 1),
            (_, Some('Q')) => (Frequency::Quarter, number(&rest[1..], 1, 4)?),
            (_, Some('-')) if rest.len() == 3 => (Frequency::Month, number(&rest[1..], 1, 12)?),
            _ => return Err(error()),
        };
        Ok(Self { frequency, place: year * frequency.per_year() + part - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_written_as_they_are_read() {
        for text in ["2008", "2008Q1", "2008Q4", "2008-01", "2008-12"] {
            let period: Period = text.parse().expect("a period");
            assert_eq!((period.to_string(), period.year()), (text.to_owned(), 2008));
        }
        for text in [
            "", "208", "20081", "2008Q5", "2008Q0", "2008-13", "2008-9", "2008q1", "+208",
            "2008Q+1", "x008",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn periods_follow_each_other() {
        let next = |text: &str| {
            let period: Period = text.parse().expect("a period");
            period.at(period.place + 1).to_string()
        };
        assert_eq!([next("2008"), next("2008Q4"), next("2008-12")], ["2009", "2009Q1", "2009-01"]);
        assert_eq!(Frequency::Quarter.of_month(2008, 9).to_string(), "2008Q3");
        assert_eq!(Frequency::Month.of_month(2008, 9).to_string(), "2008-09");
        assert_eq!(Frequency::Year.of_month(2008, 9).to_string(), "2008");
    }
}
