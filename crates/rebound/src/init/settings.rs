//! The config and the pipeline of raw files, by what they have.

use project::printable::printable;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use trade::HsRevision;

/// Years of a shock that people look at, as base, trough and end.
const SHOCKS: [(&str, [i32; 3]); 2] =
    [("crisis_2008", [2008, 2009, 2011]), ("pandemic_2020", [2019, 2020, 2022])];

/// What is known of the rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// The name of the pipeline.
    pub(super) name: String,
    /// What is measured, if that is no money.
    pub(super) measure: Option<&'static str>,
    /// The flow that is analysed.
    pub(super) flow: String,
    /// The other flows that are there.
    pub(super) other_flows: Vec<String>,
    /// Its values by year.
    pub(super) years: BTreeMap<i32, f64>,
    /// How many regions there are.
    pub(super) n_regions: usize,
    /// How many products.
    pub(super) n_products: usize,
    /// How many partners.
    pub(super) n_partners: usize,
    /// The revisions of the HS; none of another classification.
    pub(super) revisions: BTreeSet<HsRevision>,
    /// Whether there are months.
    pub(super) has_months: bool,
    /// Whether there are firms, ownerships or trade modes.
    pub(super) has_firms: bool,
    /// Digits that all codes of regions have; 0 for names.
    pub(super) region_digits: usize,
}

/// A source of the pipeline.
#[derive(Debug, Clone)]
pub(super) struct SourceText {
    /// Its layout, beside the pipeline.
    pub(super) layout: String,
    /// Its files.
    pub(super) files: Vec<String>,
    /// Rules of the layout that may be left out.
    pub(super) rules: Vec<String>,
}

/// What can be made of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Can {
    Be,
    /// And why not.
    NotBe(&'static str),
}

impl Facts {
    /// The years of the episode: its name, base, trough and end.
    pub(super) fn episode(&self) -> Option<(String, [i32; 3])> {
        let has = |year: &i32| self.years.contains_key(year);
        if let Some((name, years)) = SHOCKS.iter().find(|(_, years)| years.iter().all(has)) {
            return Some(((*name).to_owned(), *years));
        }
        let deepest = self.deepest()?;
        Some((format!("shock_{}", deepest[1]), deepest))
    }

    /// What a year comes to, as a share of another.
    fn growth(&self, before: i32, after: i32) -> f64 {
        let of = |year: i32| self.years.get(&year).copied().unwrap_or(0.0);
        if of(before) > 0.0 { of(after) / of(before) } else { f64::INFINITY }
    }

    /// The deepest fall between two years beside each other, with a year after it.
    fn deepest(&self) -> Option<[i32; 3]> {
        let years: Vec<i32> = self.years.keys().copied().collect();
        let growth = |at: usize| self.growth(years[at - 1], years[at]);
        let at =
            (1..years.len().checked_sub(1)?).min_by(|&a, &b| growth(a).total_cmp(&growth(b)))?;
        Some([years[at - 1], years[at], years[(at + 2).min(years.len() - 1)]])
    }

    /// Why the years of the episode are what they are: a shock that is known by name, or
    /// the deepest fall.
    fn why(&self, name: &str, base: i32, trough: i32) -> String {
        if SHOCKS.iter().all(|(known, _)| *known != name) {
            return "the deepest fall from one year to the next".to_owned();
        }
        let covered = "a shock that the years cover";
        let other = self.deepest().filter(|[from, to, _]| self.growth(*from, *to) < 1.0);
        match other {
            Some([from, to, end]) if to != trough && self.growth(base, trough) >= 1.0 => format!(
                "{covered}, but values do not fall from {base} to {trough}; the deepest fall is from {from} to \
                 {to} (base [{from}], trough {to}, end {end})"
            ),
            _ => covered.to_owned(),
        }
    }

    fn has_space(&self) -> Can {
        match (self.n_regions, self.n_products) {
            (0 | 1, _) => Can::NotBe("one region has no others to compare with"),
            (_, 0 | 1) => Can::NotBe("one product is related to no other"),
            _ => Can::Be,
        }
    }

    fn has_shock(&self) -> Can {
        match self.episode() {
            Some(_) => Can::Be,
            None => Can::NotBe("a shock takes three years: before, in it and after"),
        }
    }

    fn has_groups(&self) -> Can {
        match self.n_regions {
            0..=2 => Can::NotBe("inequality and neighbours take three regions"),
            _ => Can::Be,
        }
    }

    /// The stages that run, and those that cannot, each with the reason.
    pub(super) fn stages(&self) -> (Vec<&'static str>, Vec<(&'static str, &'static str)>) {
        let (mut runs, mut left) = (vec!["ingest", "aggregate"], Vec::new());
        let (space, shock) = (self.has_space(), self.has_shock());
        let all = match (space, shock) {
            (Can::Be, Can::Be) => Can::Be,
            (Can::NotBe(why), _) | (_, Can::NotBe(why)) => Can::NotBe(why),
        };
        let spatial = if all == Can::Be { self.has_groups() } else { all };
        let stages = [
            ("relatedness", space),
            ("diversification", Can::Be),
            ("resilience", shock),
            ("spatial", spatial),
            ("policy", all),
            ("panels", all),
        ];
        for (stage, can) in stages {
            match can {
                Can::Be => runs.push(stage),
                Can::NotBe(why) => left.push((stage, why)),
            }
        }
        (runs, left)
    }

    /// The years, for people.
    pub(super) fn years_text(&self) -> String {
        let years: Vec<i32> = self.years.keys().copied().collect();
        match years[..] {
            [] => "none".to_owned(),
            [one] => one.to_string(),
            [first, .., last] => {
                let n = i32::try_from(years.len()).unwrap_or(i32::MAX);
                match last - first + 1 == n {
                    true => format!("{first} to {last}"),
                    false => years.iter().map(i32::to_string).collect::<Vec<_>>().join(", "),
                }
            }
        }
    }

    fn config(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        writeln!(
            text,
            "# What {} does otherwise than default.yaml, which has every key with its meaning.\n# \
             What only you can know has a comment `choose:`. Years there are: {}.",
            self.name,
            self.years_text()
        )?;
        if let Some(oldest) = self.revisions.first() {
            let all: Vec<&str> = self.revisions.iter().map(|revision| revision.name()).collect();
            writeln!(
                text,
                "\nharmonize:\n  # All years are brought to one revision; the data have {}.\n  \
                 target_revision: {oldest}",
                all.join(", ")
            )?;
        }
        let choose = match self.other_flows.is_empty() {
            true => String::new(),
            false => format!("  # choose: or {}", printable(&self.other_flows.join(", "), 80)),
        };
        writeln!(text, "\naggregate:\n  flow: {}{choose}", self.flow)?;
        let mut parts = Vec::new();
        if self.n_partners > 0 {
            parts.push("destination");
        }
        if self.has_firms {
            parts.extend(["ownership", "trade_mode", "ownership_trade_mode"]);
        }
        let counts = match (self.n_partners > 0, self.has_firms) {
            (true, true) => "destinations, firms",
            (true, false) => "destinations",
            (false, true) => "firms",
            (false, false) => "",
        };
        writeln!(text, "  parts: [{}]\n  counts: [{counts}]", parts.join(", "))?;
        if self.has_months {
            writeln!(
                text,
                "  # Sums by month, for episodes in months or quarters.\n  months: false  # choose: or true"
            )?;
        }
        self.episodes(&mut text)?;
        let group = if self.region_digits >= 4 { 2 } else { 0 };
        writeln!(
            text,
            "\nspatial:\n  # Digits of a region's code that are its group; 0: all are one group.\n  \
             group_digits: {group}"
        )?;
        Ok(text)
    }

    fn episodes(&self, text: &mut String) -> std::fmt::Result {
        let Some((name, [base, trough, end])) = self.episode() else {
            let Some(year) = self.years.keys().next() else { return Ok(()) };
            return writeln!(text, "\nrelatedness:\n  proximity_years: [{year}]");
        };
        let years = self.years_text();
        writeln!(
            text,
            "\nrelatedness:\n  # Years before the shock, from which it is known what goes together.\n  \
             proximity_years: [{base}]  # choose: of {years}"
        )?;
        let why = self.why(&name, base, trough);
        writeln!(
            text,
            "\nresilience:\n  episodes:\n    # choose: {why}; base, trough and end of {years}\n    \
             - name: {name}\n      base: [{base}]\n      trough: {trough}\n      end: {end}"
        )
    }

    /// The text of the config.
    pub(super) fn config_text(&self) -> String {
        // A string takes all that is written to it.
        self.config().unwrap_or_default()
    }

    fn pipeline(&self, sources: &[SourceText]) -> Result<String, std::fmt::Error> {
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let (runs, left) = self.stages();
        let mut text = String::new();
        writeln!(
            text,
            "# Written by `rebound init`. Paths are relative to this file.\nname: {}\nconfig: \
             [default.yaml, config.yaml]\nlake: lake\nsources:",
            self.name
        )?;
        for source in sources {
            writeln!(text, "  - layout: {}\n    files:", source.layout)?;
            for file in &source.files {
                writeln!(text, "      - {}", quoted(file))?;
            }
            match source.rules.is_empty() {
                true => writeln!(text, "    exclude: []")?,
                false => {
                    writeln!(text, "    exclude: []  # choose: of {}", source.rules.join(", "))?;
                }
            }
        }
        if runs.contains(&"panels") {
            writeln!(
                text,
                "# One file a table, and one file a claim whose rows break it.\nsql: sql"
            )?;
        }
        writeln!(text, "checks: checks")?;
        writeln!(
            text,
            "# Shapes for maps and neighbours: boundaries: {{file: regions.geojson, property: code}}"
        )?;
        for (stage, why) in left {
            writeln!(text, "# Not {stage}: {why}.")?;
        }
        writeln!(text, "stages: [{}]", runs.join(", "))?;
        Ok(text)
    }

    /// The text of the pipeline.
    pub(super) fn pipeline_text(&self, sources: &[SourceText]) -> String {
        self.pipeline(sources).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(years: &[(i32, f64)], n_regions: usize) -> Facts {
        Facts {
            name: "x".to_owned(),
            flow: "export".to_owned(),
            years: years.iter().copied().collect(),
            n_regions,
            n_products: 9,
            ..Facts::default()
        }
    }

    #[test]
    fn the_shock_is_one_that_the_years_cover() {
        let flat = |years: std::ops::RangeInclusive<i32>| -> Vec<(i32, f64)> {
            years.map(|year| (year, 1.0)).collect()
        };
        let of = |years: &[(i32, f64)]| facts(years, 9).episode();
        let known = Some(("crisis_2008".to_owned(), [2008, 2009, 2011]));
        assert_eq!(of(&flat(2005..=2014)), known);
        let fall = [(2000, 5.0), (2001, 6.0), (2002, 3.0), (2003, 4.0)];
        assert_eq!(of(&fall), Some(("shock_2002".to_owned(), [2001, 2002, 2003])));
        assert_eq!(of(&flat(2000..=2001)), None);
    }

    #[test]
    fn a_known_shock_without_a_fall_names_the_deepest() {
        let years = [(2007, 4.0), (2008, 5.0), (2009, 6.0), (2010, 7.0), (2011, 3.0), (2012, 4.0)];
        let text = facts(&years, 9).config_text();
        let both = ["do not fall from 2008 to 2009", "deepest fall is from 2010 to 2011"];
        assert!(both.iter().all(|said| text.contains(said)), "{text}");
        let years = [(2008, 5.0), (2009, 4.0), (2010, 7.0), (2011, 3.0), (2012, 4.0)];
        assert!(!facts(&years, 9).config_text().contains("do not fall"));
    }

    #[test]
    fn stages_that_cannot_run_are_left_out() {
        let (runs, left) = facts(&[(2018, 1.0)], 1).stages();
        assert_eq!(runs, ["ingest", "aggregate", "diversification"]);
        let names: Vec<_> = left.iter().map(|(stage, _)| *stage).collect();
        assert_eq!(names, ["relatedness", "resilience", "spatial", "policy", "panels"]);
        let years: Vec<(i32, f64)> = (2005..=2014).map(|year| (year, 1.0)).collect();
        let (runs, left) = facts(&years, 9).stages();
        assert!(left.is_empty() && runs.contains(&"panels"));
    }
}
