//! How much of each step is there already, and how long the rest may take.

use super::build::{Builder, choices};
use super::error::RunError;
use super::plan::{Action, Plan, Step, last_parts};
use crate::graph;
use crate::node::{Parts, Work};
use crate::verified::Verified;
use lake::{RunRecord, TableVersion};
use serde::Serialize;
use stages::{Kept, StageError, Unit};
use std::collections::{BTreeMap, BTreeSet};
use tokio::runtime::Runtime;

/// Runs of a stage that its time is estimated by.
const TIMED: usize = 10;

/// Units that are named with their reasons.
const NAMED: usize = 3;

/// What is known of the units of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Units {
    /// Which of them would be made.
    Each {
        /// Those that were not there before.
        new: Vec<String>,
        /// Those that were, made from something else.
        changed: Vec<String>,
        /// Those that are made again from the same.
        again: Vec<String>,
        /// How many are used again.
        reused: usize,
    },
    /// The whole is one unit.
    Whole {
        /// Whether it is used again, as its inputs have the content that they had.
        is_reused: bool,
    },
    /// Which of them are made is decided in the run.
    Later {
        /// The table that is to be made first, if it is one.
        after: Option<String>,
        /// How many there were in the last run.
        last: Option<u64>,
    },
}

impl Units {
    /// How many would be made, if that is known.
    pub fn n_made(&self) -> Option<usize> {
        match self {
            Self::Each { new, changed, again, .. } => Some(new.len() + changed.len() + again.len()),
            Self::Whole { is_reused } => Some(usize::from(!is_reused)),
            Self::Later { .. } => None,
        }
    }
}

/// An estimate of a time, from earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Milliseconds.
    pub millis: u64,
    /// Whether it is as long as that only if all is made that may be.
    pub is_most: bool,
}

/// What is known of a step that would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Its units; nothing of a step that is not made.
    pub units: Option<Units>,
    /// How long it may take, if an earlier run says so.
    pub time: Option<Estimate>,
    /// Why, with the names of units where they are few.
    pub why: String,
}

/// How long a unit of a stage took, and how many there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Known {
    millis: u64,
    made: u64,
    /// Of the last run that made it.
    last: u64,
}

impl Known {
    /// How long `n` units may take.
    fn time_of(self, n: u64) -> Option<u64> {
        (self.made > 0).then(|| self.millis.saturating_mul(n) / self.made)
    }
}

/// What earlier runs say of each stage.
fn known_of(runs: &[RunRecord]) -> BTreeMap<&str, Known> {
    let mut found: BTreeMap<&str, (Known, usize)> = BTreeMap::new();
    for stage in runs.iter().rev().flat_map(|run| &run.stages) {
        // What reads its inputs and makes nothing says nothing of a unit.
        if stage.action != "built" || stage.units_made == 0 {
            continue;
        }
        let (known, n) = found.entry(&stage.stage).or_default();
        if *n == 0 {
            known.last = stage.units_made.saturating_add(stage.units_reused);
        }
        if *n < TIMED {
            known.millis = known.millis.saturating_add(stage.millis);
            known.made = known.made.saturating_add(stage.units_made);
            *n += 1;
        }
    }
    found.into_iter().map(|(stage, (known, _))| (stage, known)).collect()
}

/// The names of the units that the tables of a node had, as far as their files say.
fn units_before<'r>(runs: &'r [RunRecord], writes: &[String]) -> BTreeSet<&'r str> {
    let has = |run: &&RunRecord| writes.iter().any(|table| run.tables.contains_key(table));
    let Some(run) = runs.iter().rev().find(has) else { return BTreeSet::new() };
    let versions = writes.iter().filter_map(|table| run.tables.get(table));
    versions.flat_map(|version| &version.files).filter_map(|file| file.unit.as_deref()).collect()
}

/// The part of a stage that is a file.
fn part_of(unit: &str) -> String {
    format!("file {unit}")
}

/// Sorts the units that are not kept by what they are, and says why those are made that have a
/// reason of their own.
struct Sorted {
    new: Vec<String>,
    changed: Vec<String>,
    again: Vec<String>,
    /// A name and a reason.
    reasons: Vec<(String, &'static str)>,
}

impl Sorted {
    fn of(missing: &[&str], before: Option<&Parts>, now: &Parts, there: &BTreeSet<&str>) -> Self {
        let (mut new, mut changed, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let mut reasons = Vec::new();
        let rest = |parts: &Parts| -> Parts {
            let others = parts.iter().filter(|(name, _)| !name.starts_with("file "));
            others.map(|(name, part)| (name.clone(), part.clone())).collect()
        };
        let is_other = before.is_none_or(|before| rest(before) != rest(now));
        for &unit in missing {
            let name = unit.to_owned();
            let part = part_of(unit);
            let (old, part) = (before.and_then(|before| before.get(&part)), now.get(&part));
            let is_known = old.is_some() || there.contains(unit);
            if before.is_some() && old != part {
                reasons.push((name.clone(), graph::file_difference(old, part)));
            }
            if !is_known {
                new.push(name);
            } else if old != part || is_other {
                changed.push(name);
            } else {
                again.push(name);
            }
        }
        Self { new, changed, again, reasons }
    }

    fn n(&self) -> usize {
        self.new.len() + self.changed.len() + self.again.len()
    }

    /// Why the step is made: by unit, where they are few and each has a reason of its own.
    fn why(&self, step: &Step, before: Option<&Parts>) -> String {
        let Some(before) = before.filter(|_| (1..=NAMED).contains(&self.n())) else {
            return step.why.clone();
        };
        if self.reasons.len() != self.n() {
            return step.why.clone();
        }
        let mut told: Vec<String> =
            self.reasons.iter().map(|(unit, why)| format!("{unit} ({why})")).collect();
        let others = |parts: &Parts| -> Parts {
            let is_told = |name: &str| self.reasons.iter().any(|(unit, _)| part_of(unit) == name);
            let others = parts.iter().filter(|(name, _)| !is_told(name));
            others.map(|(name, part)| (name.clone(), part.clone())).collect()
        };
        let (old, new) = (others(before), others(&step.parts));
        if old != new {
            told.push(graph::difference(&old, &new));
        }
        told.join("; ")
    }
}

/// Looks at the steps of a plan, one after the other.
struct Looking<'l> {
    builder: &'l Builder<'l>,
    runs: &'l [RunRecord],
    before: BTreeMap<&'l str, &'l Parts>,
    /// The tables whose files are known.
    current: BTreeMap<String, TableVersion>,
    /// Those that would be made.
    made: BTreeSet<&'l str>,
}

impl<'l> Looking<'l> {
    /// What is known of a step that would be made, and why it would be.
    fn look(&mut self, step: &'l Step) -> Result<(Option<Units>, String), RunError> {
        let node = &step.node;
        let later = |after: Option<&String>, last: Option<u64>| Units::Later {
            after: after.cloned(),
            last: last.filter(|_| node.has_units()),
        };
        let last = || known_of(self.runs).get(node.name.as_str()).map(|known| known.last);
        let is_open = |table: &&String| !self.current.contains_key(*table);
        if let Some(table) = node.reads.iter().find(is_open) {
            // What is neither there nor made cannot be read: the run will say so.
            let is_made = self.made.contains(table.as_str());
            if is_made && !node.has_units() && step.choice.kept == Kept::Ignored {
                return Ok((Some(Units::Whole { is_reused: false }), step.why.clone()));
            }
            return Ok((is_made.then(|| later(Some(table), last())), step.why.clone()));
        }
        let stopped = |source: StageError| self.builder.stopped(node, source);
        let context = self.builder.unit_context(node, &self.current, BTreeMap::new())?;
        if !node.has_units() {
            let whole = self.builder.whole(node, &self.current, &context).map_err(stopped)?;
            let kept = context.looked_up::<Vec<TableVersion>>(&[whole]).map_err(stopped)?;
            let kept = kept.into_iter().next().flatten();
            let is_reused = kept.is_some();
            // What follows reads these.
            for version in kept.into_iter().flatten() {
                self.made.remove(version.table.as_str());
                self.current.insert(version.table.clone(), version);
            }
            return Ok((Some(Units::Whole { is_reused }), step.why.clone()));
        }
        let units = match &node.work {
            Work::Stage(stage) => stage.units(&context).map_err(stopped)?,
            Work::Sql(_) | Work::Table(_) => None,
        };
        let Some(units) = units else { return Ok((Some(later(None, last())), step.why.clone())) };
        let kept = context.are_kept(&units).map_err(stopped)?;
        Ok(self.each(step, &units, &kept))
    }

    /// What is known of a step whose units are.
    fn each(&self, step: &Step, units: &[Unit], kept: &[bool]) -> (Option<Units>, String) {
        let missing = units.iter().zip(kept).filter(|(_, kept)| !**kept);
        let missing: Vec<&str> = missing.map(|(unit, _)| unit.name.as_str()).collect();
        let before = self.before.get(step.node.name.as_str()).copied();
        let there = units_before(self.runs, &step.node.writes);
        let sorted = Sorted::of(&missing, before, &step.parts, &there);
        let why = sorted.why(step, before);
        let reused = units.len().saturating_sub(sorted.n());
        let Sorted { new, changed, again, .. } = sorted;
        (Some(Units::Each { new, changed, again, reused }), why)
    }
}

/// What is known of each step of a plan, in order.
///
/// # Errors
///
/// [`RunError`] if the lake fails, or the units that are selected are not there.
pub fn forecast(runtime: &Runtime, plan: &Plan) -> Result<Vec<Forecast>, RunError> {
    let runs = runtime.block_on(plan.lake.recent_runs())?.records;
    let pool = crate::threads::pool(1, None).map_err(|_| RunError::Threads(1))?;
    let verified = Verified::new(&plan.lake, runtime, &pool);
    let builder = Builder {
        runtime,
        pool: &pool,
        pipeline: &plan.pipeline,
        lake: &plan.lake,
        files: &plan.files,
        verified: &verified,
        cluster: None,
        choices: choices(&plan.steps),
    };
    let (current, made) = (BTreeMap::new(), BTreeSet::new());
    let before = last_parts(&runs);
    let mut looking = Looking { builder: &builder, runs: &runs, before, current, made };
    let known = known_of(&runs);
    let mut found = Vec::new();
    for step in &plan.steps {
        if step.action != Action::Build {
            let versions = step.versions.iter().flatten();
            looking.current.extend(versions.map(|of| (of.table.clone(), of.clone())));
            found.push(Forecast { units: None, time: None, why: step.why.clone() });
            continue;
        }
        looking.made.extend(step.node.writes.iter().map(String::as_str));
        let (units, why) = looking.look(step)?;
        let known = known.get(step.node.name.as_str()).copied().unwrap_or_default();
        let time = units.as_ref().and_then(|units| time_of(units, known));
        found.push(Forecast { units, time, why });
    }
    Ok(found)
}

/// How long these units may take.
fn time_of(units: &Units, known: Known) -> Option<Estimate> {
    let (n, is_most) = match units {
        Units::Later { last, .. } => (last.unwrap_or(1), true),
        units => (u64::try_from(units.n_made()?).unwrap_or(u64::MAX), false),
    };
    Some(Estimate { millis: known.time_of(n)?, is_most })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(stages: &[(&str, &str, u64, u64, u64)]) -> RunRecord {
        let stage = |&(stage, action, millis, made, reused): &(&str, &str, u64, u64, u64)| {
            json!({"stage": stage, "action": action, "why": "", "millis": millis, "rows": 0,
                "units_made": made, "units_reused": reused})
        };
        let stages: Vec<_> = stages.iter().map(stage).collect();
        let record = json!({
            "run": "r", "pipeline": "p", "command": "", "started_at": "", "status": "published",
            "stages": stages, "parts": {}, "tables": {},
        });
        serde_json::from_value(record).expect("a record")
    }

    #[test]
    fn times_are_those_of_a_unit_times_the_units_to_be_made() {
        let runs = [
            run(&[("ingest", "built", 6_000, 20, 0), ("models", "built", 900, 1, 0)]),
            run(&[("ingest", "built", 1_000, 1, 20), ("models", "reused", 0, 0, 0)]),
            // Nothing was made, and a failure says nothing.
            run(&[("ingest", "built", 50, 0, 21), ("models", "failed", 7_000, 0, 0)]),
        ];
        let known = known_of(&runs);
        assert_eq!(known["ingest"], Known { millis: 7_000, made: 21, last: 21 });
        let time = |units: &Units, stage: &str| {
            time_of(units, known.get(stage).copied().unwrap_or_default())
                .map(|time| (time.millis, time.is_most))
        };
        let each = |new: &[&str]| Units::Each {
            new: new.iter().map(|&name| name.to_owned()).collect(),
            changed: Vec::new(),
            again: Vec::new(),
            reused: 5,
        };
        assert_eq!(time(&each(&["a", "b", "c"]), "ingest"), Some((1_000, false)));
        assert_eq!(time(&each(&[]), "ingest"), Some((0, false)));
        let later = |last| Units::Later { after: Some("t.a".to_owned()), last };
        assert_eq!(time(&later(Some(21)), "ingest"), Some((7_000, true)));
        assert_eq!(time(&later(None), "models"), Some((900, true)), "a whole is one unit");
        assert_eq!(time(&Units::Whole { is_reused: false }, "models"), Some((900, false)));
        assert_eq!(time(&Units::Whole { is_reused: true }, "models"), Some((0, false)));
        assert_eq!(time(&Units::Whole { is_reused: false }, "spatial"), None);
    }

    fn parts(parts: &[(&str, &str)]) -> Parts {
        parts.iter().map(|&(name, part)| (name.to_owned(), part.to_owned())).collect()
    }

    #[test]
    fn units_are_new_or_changed_and_say_why() {
        let before = parts(&[("code", "7"), ("file a", "1 as x"), ("file b", "1 as x")]);
        let now = parts(&[
            ("code", "7"),
            ("file a", "1 as x"),
            ("file b", "2 as x"),
            ("file c", "3 as x"),
        ]);
        let none = BTreeSet::new();
        let sorted = |missing: &[&str], before: Option<&Parts>, now: &Parts| {
            let Sorted { new, changed, again, reasons } = Sorted::of(missing, before, now, &none);
            (new.join(" "), changed.join(" "), again.join(" "), reasons)
        };
        let owned = |(new, changed, again): (&str, &str, &str),
                     reasons: &[(&str, &'static str)]| {
            let reasons: Vec<(String, &'static str)> =
                reasons.iter().map(|&(name, why)| (name.to_owned(), why)).collect();
            (new.to_owned(), changed.to_owned(), again.to_owned(), reasons)
        };
        assert_eq!(
            sorted(&["a", "b", "c"], Some(&before), &now),
            owned(("c", "b", "a"), &[("b", "file changed"), ("c", "file added")])
        );
        assert_eq!(sorted(&["a", "b"], None, &now), owned(("a b", "", ""), &[]));
        // Another version of the code reads the same files anew.
        let code = parts(&[("code", "8"), ("file a", "1 as x")]);
        assert_eq!(sorted(&["a"], Some(&before), &code), owned(("", "a", ""), &[]));
        // Years have no part of their own: they were there if their files were.
        let there = BTreeSet::from(["2008"]);
        let found = Sorted::of(&["2008", "2009"], Some(&before), &code, &there);
        assert_eq!((found.changed, found.new), (vec!["2008".to_owned()], vec!["2009".to_owned()]));
    }
}
