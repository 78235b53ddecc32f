//! The dates of episodes: from the command line, or of regions' own from a table.

use super::args::ResilienceArgs;
use crate::period_texts::{list, period};
use crate::usual_names::{self, plain, usual};
use project::config::{Episode, EpisodeFault};
use project::printable::printable;
use project::read_options::ReadOptions;
use sources::table_reader::{self, TableReader};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use trade::{Period, code};

/// Names that are told of those that are at fault.
const MOST_TOLD: usize = 5;

/// Episodes, and the regions that rows are given of.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Dates {
    /// None: those of the config file.
    pub(super) episodes: Vec<Episode>,
    /// By episode; none: all regions of every one.
    pub(super) regions: BTreeMap<String, BTreeSet<String>>,
}

/// The periods of an episode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Periods {
    base: Vec<Period>,
    trough: Period,
    end: Period,
    transformation: Option<Period>,
}

impl Periods {
    /// What the episode is called where nobody says it.
    fn name(&self) -> String {
        let base: Vec<String> = self.base.iter().map(ToString::to_string).collect();
        let name = format!("{}_{}_{}", base.join("+"), self.trough, self.end);
        match self.transformation {
            Some(transformation) => format!("{name}_{transformation}"),
            None => name,
        }
    }

    /// The episode of this name; otherwise what is wrong with its periods.
    fn episode(&self, name: String, args: &ResilienceArgs) -> Result<Episode, EpisodeFault> {
        let episode = Episode {
            name,
            base: self.base.clone(),
            trough: self.trough,
            end: self.end,
            transformation: self.transformation.unwrap_or(self.end),
            trailing: args.trailing.unwrap_or(1),
        };
        episode.check()?;
        Ok(episode)
    }
}

/// The period that an option tells, if it does.
fn of_option(told: Option<&String>, option: &str) -> Result<Option<Period>, String> {
    told.map(|text| period(text).map_err(|why| format!("{option}: {why}"))).transpose()
}

/// The periods that one text or several tell, in order.
fn base_of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Vec<Period>, String> {
    let mut base = Vec::new();
    for text in texts {
        base.extend(list(text)?);
    }
    base.sort_unstable();
    Ok(base)
}

/// The dates that the arguments tell, or the table that they name; otherwise what is wrong.
pub(super) fn dates(args: &ResilienceArgs) -> Result<Dates, String> {
    if let Some(path) = &args.own_dates {
        let end = of_option(args.end.as_ref(), "--end")?;
        let transformation = of_option(args.transformation.as_ref(), "--transformation")?;
        let own = own(path, args, (end, transformation));
        return own.map_err(|why| format!("the dates of `{}`: {why}", path.display()));
    }
    let told = [
        (args.trough.is_some(), "--trough"),
        (args.end.is_some(), "--end"),
        (args.transformation.is_some(), "--transformation"),
        (args.trailing.is_some(), "--trailing"),
        (args.name.is_some(), "--name"),
    ];
    if args.base.is_empty() {
        return match told.into_iter().find(|(is_told, _)| *is_told) {
            Some((_, option)) => Err(format!(
                "{option} is of an episode that begins with --base: say --base PERIOD, too"
            )),
            None => Ok(Dates::default()),
        };
    }
    let needed = |told: Option<&String>, option: &str| {
        of_option(told, option)?.ok_or_else(|| {
            format!("an episode has a base, a trough and an end: say {option} PERIOD")
        })
    };
    let base = base_of(args.base.iter().map(String::as_str));
    let periods = Periods {
        base: base.map_err(|why| format!("--base: {why}"))?,
        trough: needed(args.trough.as_ref(), "--trough")?,
        end: needed(args.end.as_ref(), "--end")?,
        transformation: of_option(args.transformation.as_ref(), "--transformation")?,
    };
    let name = args.name.clone().unwrap_or_else(|| periods.name());
    let episode = periods.episode(name, args).map_err(|EpisodeFault { key, why }| match key {
        Some(key) => format!("--{key} {why}"),
        None => why,
    })?;
    Ok(Dates { episodes: vec![episode], regions: BTreeMap::new() })
}

/// The places of the columns of a table of dates.
struct Places {
    region: usize,
    base: usize,
    trough: usize,
    end: Option<usize>,
    transformation: Option<usize>,
}

impl Places {
    fn of(header: &[String]) -> Result<Self, String> {
        let find = |name: &str| header.iter().position(|column| plain(column) == name);
        let needed = |name: &str| match find(name) {
            Some(place) => Ok(place),
            None => table_reader::place(header, name),
        };
        Ok(Self {
            region: match usual(header, &usual_names::of_regions()).first() {
                Some(&place) => place,
                None => table_reader::place(header, "region")?,
            },
            base: needed("base")?,
            trough: needed("trough")?,
            end: find("end"),
            transformation: find("transformation"),
        })
    }
}

/// The dates of a table with a row a region; `unless` has the end and the transformation of rows that
/// have none.
fn own(
    path: &Path,
    args: &ResilienceArgs,
    unless: (Option<Period>, Option<Period>),
) -> Result<Dates, String> {
    let mut reader = match &args.rows_of_dates {
        Some(frame) => TableReader::of_frame(frame, &ReadOptions::default())?,
        None => TableReader::open(path, &ReadOptions::default())?,
    };
    let places = Places::of(reader.header())?;
    let mut by_periods: BTreeMap<Periods, (Episode, BTreeSet<String>)> = BTreeMap::new();
    let rows = reader.each(|row| {
        let text = |place: usize| row.text(place).map(|text| code::whole(text).to_owned());
        let needed = |place: usize, what: &str| match text(place)? {
            empty if empty.is_empty() => Err(format!("the {what} is empty")),
            text => Ok(text),
        };
        let read = |text: &str, what: &str| period(text).map_err(|why| format!("{what}: {why}"));
        let optional = |place: Option<usize>, what: &str| {
            let found = place.map(text).transpose()?.filter(|text| !text.is_empty());
            found.map(|text| read(&text, what)).transpose()
        };
        let base = base_of([needed(places.base, "base")?.as_str()]);
        let end = optional(places.end, "end")?.or(unless.0);
        let periods = Periods {
            base: base.map_err(|why| format!("base: {why}"))?,
            trough: read(&needed(places.trough, "trough")?, "trough")?,
            end: end.ok_or("the end is empty, and there is no --end")?,
            transformation: optional(places.transformation, "transformation")?.or(unless.1),
        };
        let region = needed(places.region, "region")?;
        if let Some((_, regions)) = by_periods.get_mut(&periods) {
            regions.insert(region);
            return Ok(());
        }
        let name = match &args.name {
            Some(name) => format!("{name}_{}", periods.name()),
            None => periods.name(),
        };
        let episode = periods.episode(name, args).map_err(|fault| fault.to_string())?;
        by_periods.insert(periods, (episode, BTreeSet::from([region])));
        Ok(())
    });
    rows.map_err(|fault| fault.to_string())?;
    if by_periods.is_empty() {
        return Err("it has no rows".to_owned());
    }
    let mut dates = Dates::default();
    for (episode, regions) in by_periods.into_values() {
        dates.regions.insert(episode.name.clone(), regions);
        dates.episodes.push(episode);
    }
    Ok(dates)
}

/// Some names, as far as they can be told.
fn told<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{}`", printable(name, 40))).collect();
    let more = names.len().saturating_sub(MOST_TOLD);
    let first = names[..names.len() - more].join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

/// Whether all episodes are in periods of one length; otherwise which are not.
pub(super) fn check_lengths(episodes: &[Episode]) -> Result<(), String> {
    let Some(first) = episodes.first() else { return Ok(()) };
    let (name, frequency) = (&first.name, first.frequency());
    match episodes.iter().find(|episode| episode.frequency() != frequency) {
        None => Ok(()),
        Some(other) => Err(format!(
            "the episode `{name}` is in {frequency}s, `{}` in {}s: one call takes episodes in periods of one length",
            other.name,
            other.frequency()
        )),
    }
}

impl Dates {
    /// What tells a period of an episode: an option, the table of dates, or a config.
    fn teller(&self, episode: &Episode, key: &str, args: &ResilienceArgs) -> String {
        match &args.own_dates {
            _ if self.episodes.is_empty() => {
                let file = args.config.as_deref().unwrap_or(Path::new("the config"));
                format!("episode `{}` of `{}`: {key}", episode.name, file.display())
            }
            Some(path) => {
                let of = told(self.regions.get(&episode.name).into_iter().flatten());
                format!("the dates of `{}`, those of {of}: {key}", path.display())
            }
            None => format!("--{key}"),
        }
    }

    /// Whether the data have the periods of all episodes, by their places; otherwise which they lack.
    pub(super) fn check_periods(
        &self,
        episodes: &[Episode],
        places: &BTreeSet<i32>,
        args: &ResilienceArgs,
    ) -> Result<(), String> {
        let (Some(&first), Some(&last)) = (places.first(), places.last()) else { return Ok(()) };
        for episode in episodes {
            let base = episode.base.iter().map(|&period| ("base", period));
            let others = [
                ("trough", episode.trough),
                ("end", episode.end),
                ("transformation", episode.transformation),
            ];
            let trailing = i32::try_from(episode.trailing).unwrap_or(i32::MAX);
            for (key, period) in base.chain(others) {
                let mut needed = period.place - trailing + 1..=period.place;
                let Some(missing) = needed.find(|place| !places.contains(place)) else { continue };
                let summed = match trailing {
                    1 => String::new(),
                    n => format!("; the {n} {}s that end with it are summed", period.frequency),
                };
                return Err(format!(
                    "{} {period}: {} {} is not in the data, which has {} to {}{summed}",
                    self.teller(episode, key, args),
                    period.frequency,
                    period.at(missing),
                    period.at(first),
                    period.at(last)
                ));
            }
        }
        Ok(())
    }

    /// Holds regions' own dates against the regions of the table; otherwise says which do not match.
    pub(super) fn check(&self, regions: &[String], args: &ResilienceArgs) -> Result<(), String> {
        if self.regions.is_empty() {
            return Ok(());
        }
        let listed: BTreeSet<&String> = self.regions.values().flatten().collect();
        let known: BTreeSet<&String> = regions.iter().collect();
        let unknown: Vec<&String> = listed.difference(&known).copied().collect();
        if !unknown.is_empty() {
            return Err(format!(
                "the dates are of regions that the table does not have: {}",
                told(unknown.into_iter())
            ));
        }
        let without: Vec<&String> = known.difference(&listed).copied().collect();
        if without.is_empty() || args.only_listed {
            return Ok(());
        }
        Err(format!(
            "regions without dates: {}; add them to the table of dates, or say --only-listed, which gives no rows of them",
            told(without.into_iter())
        ))
    }
}
