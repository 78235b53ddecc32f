//! Shocks, and the periods that their stages begin and end with.

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use trade::{Frequency, Period};

/// A shock, and the periods that its stages begin and end with. All are as long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "EpisodeText", into = "EpisodeText")]
pub struct Episode {
    /// Its name.
    pub name: String,
    /// Periods whose mean is the base, ascending.
    pub base: Vec<Period>,
    /// The trough.
    pub trough: Period,
    /// The end of the recovery.
    pub end: Period,
    /// The period whose structure is compared with the base's.
    pub transformation: Period,
    /// Periods whose sum stands for the last of them: 12 months take the seasons out.
    pub trailing: usize,
}

/// An episode as a file has it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EpisodeText {
    name: String,
    base: Periods,
    trough: OnePeriod,
    end: OnePeriod,
    transformation: Option<OnePeriod>,
    trailing: Option<usize>,
}

/// A period: a year as a number, or any period as a text.
#[derive(Debug, Clone, Copy)]
struct OnePeriod(Period);

/// One period, or a list of them.
#[derive(Debug, Clone)]
struct Periods(Vec<Period>);

impl Serialize for OnePeriod {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Periods {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

struct PeriodVisitor;

impl PeriodVisitor {
    fn period<E: de::Error>(text: &str) -> Result<OnePeriod, E> {
        text.parse().map(OnePeriod).map_err(de::Error::custom)
    }
}

impl Visitor<'_> for PeriodVisitor {
    type Value = OnePeriod;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a period: a year (2008), quarter (2008Q3) or month (2008-09)")
    }

    fn visit_i64<E: de::Error>(self, year: i64) -> Result<OnePeriod, E> {
        Self::period(&year.to_string())
    }

    fn visit_u64<E: de::Error>(self, year: u64) -> Result<OnePeriod, E> {
        Self::period(&year.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OnePeriod, E> {
        Self::period(text)
    }
}

impl<'de> Deserialize<'de> for OnePeriod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeriodVisitor)
    }
}

struct PeriodsVisitor;

impl<'de> Visitor<'de> for PeriodsVisitor {
    type Value = Periods;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a period, or a list of periods")
    }

    fn visit_i64<E: de::Error>(self, year: i64) -> Result<Periods, E> {
        PeriodVisitor.visit_i64(year).map(|period| Periods(vec![period.0]))
    }

    fn visit_u64<E: de::Error>(self, year: u64) -> Result<Periods, E> {
        PeriodVisitor.visit_u64(year).map(|period| Periods(vec![period.0]))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Periods, E> {
        PeriodVisitor.visit_str(text).map(|period| Periods(vec![period.0]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Periods, A::Error> {
        let mut periods = Vec::new();
        while let Some(OnePeriod(period)) = list.next_element()? {
            periods.push(period);
        }
        Ok(Periods(periods))
    }
}

impl<'de> Deserialize<'de> for Periods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeriodsVisitor)
    }
}

impl From<EpisodeText> for Episode {
    fn from(text: EpisodeText) -> Self {
        let mut base = text.base.0;
        base.sort_unstable();
        Self {
            base,
            trough: text.trough.0,
            end: text.end.0,
            transformation: text.transformation.unwrap_or(text.end).0,
            trailing: text.trailing.unwrap_or(1),
            name: text.name,
        }
    }
}

impl From<Episode> for EpisodeText {
    fn from(episode: Episode) -> Self {
        Self {
            base: Periods(episode.base),
            trough: OnePeriod(episode.trough),
            end: OnePeriod(episode.end),
            transformation: Some(OnePeriod(episode.transformation)),
            trailing: Some(episode.trailing),
            name: episode.name,
        }
    }
}

/// What is wrong with the periods of an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpisodeFault {
    /// The key at fault, where it is one alone.
    pub key: Option<&'static str>,
    /// What is there, and what was expected.
    pub why: String,
}

impl EpisodeFault {
    fn of(key: &'static str, why: impl Into<String>) -> Self {
        Self { key: Some(key), why: why.into() }
    }
}

impl fmt::Display for EpisodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = self.key {
            write!(f, "{key} ")?;
        }
        f.write_str(&self.why)
    }
}

impl Episode {
    /// The last base period.
    pub fn last_base(&self) -> Period {
        self.base.last().copied().unwrap_or(self.trough)
    }

    /// The last whole year that ends with the base or before it.
    pub fn regressor_year(&self) -> i32 {
        let last = self.last_base();
        let next = last.at(last.place + 1);
        next.year() - 1
    }

    /// How long its periods are.
    pub fn frequency(&self) -> Frequency {
        self.trough.frequency
    }

    /// Whether it runs forward, in periods of one length.
    ///
    /// # Errors
    ///
    /// The key at fault, and what was expected.
    pub fn check(&self) -> Result<(), EpisodeFault> {
        let all = || {
            let ends = [self.trough, self.end, self.transformation];
            self.base.iter().copied().chain(ends)
        };
        if self.base.is_empty() {
            return Err(EpisodeFault::of("base", "is empty: expected at least one period"));
        }
        if let Some(other) = all().find(|period| period.frequency != self.frequency()) {
            let why = format!(
                "{other} is a {}, the trough {} a {}: expected periods of one length",
                other.frequency,
                self.trough,
                self.frequency()
            );
            return Err(EpisodeFault { key: None, why });
        }
        if let Some(pair) = self.base.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(EpisodeFault::of("base", format!("{}: a period is there twice", pair[0])));
        }
        super::range::within(&self.trailing, &(1..=1200))
            .map_err(|why| EpisodeFault::of("trailing", format!("{why} periods")))?;
        let (last, trough, end) = (self.last_base(), self.trough, self.end);
        let stages =
            [("trough", last, "the last base period", trough), ("end", trough, "the trough", end)];
        for (key, before, what, period) in stages {
            if period <= before {
                let why = format!("{period}: expected a period after {what}, {before}");
                return Err(EpisodeFault::of(key, why));
            }
        }
        if self.transformation <= last {
            let why = format!(
                "{}: expected a period after the last base period, {last}",
                self.transformation
            );
            return Err(EpisodeFault::of("transformation", why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn episode_runs_forward() {
        let read = yaml::of_text::<Episode>;
        let good = "{name: crisis, base: [2008], trough: 2009, end: 2011}";
        let episode = read(good).expect("an episode");
        assert_eq!(episode.check(), Ok(()));
        assert_eq!(episode.transformation, episode.end, "the end unless said otherwise");
        let faults = [
            ("trough: 2009", "trough: 2008", "expected a period after the last base period, 2008"),
            ("base: [2008]", "base: [2007, 2007]", "a period is there twice"),
            ("base: [2008]", "base: []", "expected at least one period"),
            ("end: 2011", "end: 2011Q1", "expected periods of one length"),
            ("end: 2011", "end: 2011, trailing: 0", "0: expected 1 to 1200 periods"),
            ("end: 2011", "end: 2011, transformation: 2007", "after the last base period, 2008"),
        ];
        for (from, to, why) in faults {
            let episode = read(&good.replace(from, to)).expect("an episode");
            let error = episode.check().expect_err("a fault").to_string();
            assert!(error.contains(why), "{error}");
        }
        for (from, to, why) in [
            ("2011", "2011Q7", "`end`: \"2011Q7\" is no period"),
            ("2011", "{a: 1}", "expected a period"),
            ("[2008]", "true", "expected a period, or a list of periods"),
        ] {
            let error = read(&good.replace(from, to)).expect_err("no period");
            assert!(error.contains(why), "{error}");
        }
        let months =
            "{name: m, base: [2008-06, 2008-07], trough: 2009-02, end: 2010-02, trailing: 12}";
        assert_eq!(read(months).expect("an episode").check(), Ok(()));
    }
}
