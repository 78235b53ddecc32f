//! What periods the rows of an episode are read from.

use project::config::{Episode, Resilience};
use std::ops::RangeInclusive;
use trade::{Frequency, Period};

/// How many years before the base are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct YearsBefore {
    /// Those of the own trend.
    trend: usize,
    /// Those in which a break is looked for.
    shock_date: usize,
    /// Those that are the norm of a shock.
    norm: usize,
    /// Those that models of the own past are fitted to, which end with the base, if a benchmark is
    /// one.
    own_past: Option<usize>,
    /// Those in which regions are found alike, if they are looked for.
    donors: Option<usize>,
}

impl From<&Resilience> for YearsBefore {
    fn from(config: &Resilience) -> Self {
        Self {
            trend: config.trend_years,
            shock_date: config.shock_date_years,
            norm: config.shock_years_before,
            own_past: config.uses_own_past().then_some(config.own_past_years),
            donors: config.uses_donors().then_some(config.donor_years),
        }
    }
}

/// Spans of periods, by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    frequency: Frequency,
    spans: Vec<RangeInclusive<i32>>,
}

/// How many periods of an episode stand for some years.
fn years_long(episode: &Episode, years: usize) -> i32 {
    let years = i32::try_from(years).unwrap_or(i32::MAX);
    years.saturating_mul(episode.frequency().per_year())
}

/// The periods whose sums stand for those from `first` to `last`.
fn summed(episode: &Episode, first: i32, last: i32) -> RangeInclusive<i32> {
    let trailing = i32::try_from(episode.trailing).unwrap_or(i32::MAX);
    first.saturating_sub(trailing.saturating_sub(1))..=last
}

fn first_base(episode: &Episode) -> i32 {
    episode.base.first().copied().unwrap_or(episode.trough).place
}

/// From the trend before the base, and as long a path before it, to the end.
fn path(episode: &Episode, before: YearsBefore) -> RangeInclusive<i32> {
    let first = first_base(episode).saturating_sub(years_long(episode, before.trend));
    summed(episode, first, episode.end.place.max(episode.transformation.place))
}

impl Reach {
    /// Of the parts of regions' exports.
    pub(super) fn of_parts(episode: &Episode, before: YearsBefore) -> Self {
        Self { frequency: episode.frequency(), spans: vec![path(episode, before)] }
    }

    /// Of all that regions by product have, but their own course: entries are counted over as many
    /// periods before the base, too, and a break is looked for further back. Models of the own past
    /// are fitted to years of their own, and regions are found alike in others.
    pub(super) fn of_rows(episode: &Episode, before: YearsBefore) -> Self {
        let mut reach = Self::of_parts(episode, before);
        let last = episode.last_base().place;
        let earlier = last.saturating_sub(episode.transformation.place.saturating_sub(last));
        reach.spans.push(summed(episode, earlier, earlier));
        let broken = first_base(episode).saturating_sub(years_long(episode, before.shock_date));
        reach.spans.push(summed(episode, broken, last));
        if let Some(years) = before.own_past {
            let first = last.saturating_sub(years_long(episode, years).saturating_sub(1));
            reach.spans.push(summed(episode, first, last));
        }
        if let Some(years) = before.donors {
            let first = first_base(episode).saturating_sub(years_long(episode, years));
            reach.spans.push(summed(episode, first, last));
        }
        reach
    }

    /// Of regions' own course: from the peak and the norm of a shock to the last period of the
    /// data, whichever that is, since a region comes back when it does.
    pub(super) fn of_course(episode: &Episode, before: YearsBefore) -> Self {
        let a_year = years_long(episode, 1);
        let peak = first_base(episode).saturating_sub(a_year);
        let after_base = episode.last_base().place.saturating_add(1);
        let norm = after_base.saturating_sub(years_long(episode, before.norm));
        let norm = norm.saturating_sub(a_year);
        let course = summed(episode, peak.min(norm), i32::MAX);
        let first = *path(episode, before).start().min(course.start());
        Self { frequency: episode.frequency(), spans: vec![first..=i32::MAX] }
    }

    /// The place of the first period.
    pub(super) fn first(&self) -> i32 {
        self.spans.iter().map(|span| *span.start()).min().unwrap_or(i32::MAX)
    }

    /// Whether a year has some of the periods. It is read as a whole, as is whether a region
    /// reported.
    pub(super) fn has_year(&self, year: i32) -> bool {
        let year_of = |place: i32| Period { frequency: self.frequency, place }.year();
        self.spans
            .iter()
            .any(|span| (year_of(*span.start())..=year_of(*span.end())).contains(&year))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: YearsBefore =
        YearsBefore { trend: 3, shock_date: 1, norm: 8, own_past: None, donors: None };

    fn episode(
        base: &[&str],
        [trough, end, transformation]: [&str; 3],
        trailing: usize,
    ) -> Episode {
        let period = |text: &str| text.parse::<Period>().expect("a period");
        Episode {
            name: "crisis".to_owned(),
            base: base.iter().map(|text| period(text)).collect(),
            trough: period(trough),
            end: period(end),
            transformation: period(transformation),
            trailing,
        }
    }

    fn years(reach: &Reach) -> Vec<i32> {
        (1980..=2030).filter(|&year| reach.has_year(year)).collect()
    }

    #[test]
    fn rows_are_read_from_the_trend_to_the_end() {
        let short = episode(&["2007", "2008"], ["2009", "2011", "2010"], 1);
        let expected: Vec<i32> = (2004..=2011).collect();
        assert_eq!(years(&Reach::of_parts(&short, BEFORE)), expected);
        // Entries before the base: 2006, as the transformation is two years after it.
        assert_eq!(years(&Reach::of_rows(&short, BEFORE)), expected);
        let long = episode(&["2008"], ["2009", "2010", "2015"], 1);
        let expected: Vec<i32> = [2001].into_iter().chain(2005..=2015).collect();
        assert_eq!(years(&Reach::of_rows(&long, BEFORE)), expected);
        assert_eq!(Reach::of_rows(&long, BEFORE).first(), 2001);
        assert_eq!(Reach::of_parts(&long, BEFORE).first(), 2005);
    }

    #[test]
    fn a_break_is_looked_for_in_years_of_its_own() {
        let of_years = episode(&["2007", "2008"], ["2009", "2011", "2011"], 1);
        let before = YearsBefore { shock_date: 10, ..BEFORE };
        assert_eq!(years(&Reach::of_rows(&of_years, before)), (1997..=2011).collect::<Vec<_>>());
        assert_eq!(Reach::of_parts(&of_years, before).first(), 2004);
        let of_months = episode(&["2009-05"], ["2009-12", "2010-12", "2010-12"], 12);
        assert_eq!(Reach::of_rows(&of_months, before).first(), (1999 * 12 + 4) - 11);
    }

    #[test]
    fn models_of_the_own_past_are_read_up_to_the_base() {
        let own = YearsBefore { own_past: Some(8), ..BEFORE };
        let of_years = episode(&["2007", "2008"], ["2009", "2011", "2011"], 1);
        assert_eq!(years(&Reach::of_rows(&of_years, own)), (2001..=2011).collect::<Vec<_>>());
        assert_eq!(Reach::of_rows(&of_years, own).first(), 2001);
        // Of months, 8 years of sums of twelve, the first of 2000-07 to 2001-06.
        let of_months = episode(&["2009-05"], ["2009-12", "2010-12", "2010-12"], 12);
        assert_eq!(Reach::of_rows(&of_months, own).first(), 2000 * 12 + 6);
        let parts = Reach::of_parts(&of_years, own);
        assert_eq!(parts, Reach::of_parts(&of_years, BEFORE), "parts have no such benchmark");
    }

    #[test]
    fn regions_are_found_alike_in_years_of_their_own() {
        let of_years = episode(&["2007", "2008"], ["2009", "2011", "2011"], 1);
        let before = YearsBefore { donors: Some(6), ..BEFORE };
        let expected: Vec<i32> = (2001..=2011).collect();
        assert_eq!(years(&Reach::of_rows(&of_years, before)), expected);
        assert_eq!(Reach::of_rows(&of_years, before).first(), 2001);
        assert_eq!(Reach::of_parts(&of_years, before).first(), 2004);
        // Whichever of both looks further back is read.
        let both = YearsBefore { own_past: Some(10), ..before };
        assert_eq!(Reach::of_rows(&of_years, both).first(), 1999);
    }

    #[test]
    fn sums_of_trailing_periods_are_read_from_before() {
        let of_years = episode(&["2008"], ["2009", "2011", "2011"], 2);
        let expected: Vec<i32> = (2004..=2011).collect();
        assert_eq!(years(&Reach::of_parts(&of_years, BEFORE)), expected);
        // 36 months before 2008-06 and 11 that trail: 2004-07.
        let of_months = episode(&["2008-06"], ["2009-02", "2010-02", "2010-02"], 12);
        let expected: Vec<i32> = (2004..=2010).collect();
        assert_eq!(years(&Reach::of_parts(&of_months, BEFORE)), expected);
        assert_eq!(Reach::of_parts(&of_months, BEFORE).first(), 2004 * 12 + 6);
    }

    #[test]
    fn a_course_is_read_from_the_norm_of_a_shock_to_the_last_year() {
        // Growth of 2009 on is held against that of the eight years before, from 2000 to 2001 on.
        let of_years = episode(&["2008"], ["2009", "2011", "2011"], 1);
        assert_eq!(years(&Reach::of_course(&of_years, BEFORE)), (2000..=2030).collect::<Vec<_>>());
        // A year before the first of several years of the base is looked at for the peak.
        let base: Vec<String> = (1995..=2008).map(|year: i32| year.to_string()).collect();
        let base: Vec<&str> = base.iter().map(String::as_str).collect();
        let many = episode(&base, ["2009", "2011", "2011"], 1);
        let short = YearsBefore { trend: 1, norm: 2, ..BEFORE };
        assert_eq!(Reach::of_course(&many, short).first(), 1994);
    }
}
