//! `plan`: what a run would do, why, how much of it is there already, and how long it may take.

use super::quantities::about;
use super::run::PlanArgs;
use crate::run::{self, Action, Estimate, Forecast, Plan, Units, forecast};
use clap::{Args, ValueEnum};
use project::pipeline_file::PipelineFile;
use project::stage_name::StageName;
use report::output::columns;
use serde::Serialize;
use std::io::Write;
use tokio::runtime::Runtime;

/// Form of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    /// A table, for people.
    Table,
    /// All that is known, as JSON.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct PlanCommand {
    #[command(flatten)]
    plan: PlanArgs,
    /// Form of the plan.
    #[arg(long, value_enum, default_value = "table")]
    format: PlanFormat,
}

/// A step, as JSON has it.
#[derive(Debug, Serialize)]
struct StepJson<'p> {
    stage: &'p str,
    action: &'static str,
    tables: &'p [String],
    #[serde(flatten)]
    forecast: &'p Forecast,
}

/// A plan, as JSON has it.
#[derive(Debug, Serialize)]
struct PlanJson<'p> {
    pipeline: &'p str,
    lake: &'p str,
    n_to_build: usize,
    /// Tables that are there and others than those published.
    n_to_publish: usize,
    /// What may take longest and least.
    time: Total,
    steps: Vec<StepJson<'p>>,
}

/// How long all steps may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Total {
    /// Milliseconds of what is made in any case.
    least_millis: u64,
    /// The same with all that may be made.
    most_millis: u64,
    /// Whether earlier runs say it of every step.
    is_known: bool,
}

impl Total {
    fn of<'t>(steps: impl Iterator<Item = Option<&'t Estimate>>) -> Self {
        let none = Self { is_known: true, ..Self::default() };
        steps.fold(none, |total, time| match time {
            None => Self { is_known: false, ..total },
            Some(Estimate { millis, is_most }) => Self {
                least_millis: total.least_millis.saturating_add(if *is_most { 0 } else { *millis }),
                most_millis: total.most_millis.saturating_add(*millis),
                ..total
            },
        })
    }

    /// In words, if there is something to say.
    fn told(self) -> Option<String> {
        let Self { least_millis: least, most_millis: most, is_known } = self;
        match is_known {
            false if least == 0 => None,
            false => Some(format!("{} and more", about(least))),
            true if least == most => Some(about(most)),
            true => Some(at_most(most)),
        }
    }
}

/// A time that is the longest, in words.
fn at_most(millis: u64) -> String {
    match about(millis) {
        told if told.starts_with("about") => format!("at most {told}"),
        told => told,
    }
}

/// The units of a step in words.
fn units_told(units: &Units, one: &str) -> String {
    let many = |n: usize| if n == 1 { one.to_owned() } else { format!("{one}s") };
    match units {
        Units::Whole { is_reused: false } => "whole".to_owned(),
        Units::Whole { is_reused: true } => "none: its inputs are what they were".to_owned(),
        Units::Later { after, last } => {
            let last = last.map(|last| format!(" ({last} the last time)")).unwrap_or_default();
            match after {
                Some(table) => format!("decided when `{table}` is made{last}"),
                None => format!("decided when it is made{last}"),
            }
        }
        Units::Each { reused, .. } => {
            let made = units.n_made().unwrap_or_default();
            let n = made + reused;
            match made {
                0 => format!("none of {n} {}", many(n)),
                made if made == n => format!("all {n} {}", many(n)),
                made => format!("{made} of {n} {}", many(n)),
            }
        }
    }
}

fn print_table(
    out: &mut impl Write,
    plan: &Plan,
    forecasts: &[Forecast],
    total: Total,
) -> std::io::Result<()> {
    let head = ["action", "stage", "units", "time", "why"].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    for (step, Forecast { units, time, why }) in plan.steps.iter().zip(forecasts) {
        let is_of_files = step.node.stages().contains(&StageName::Ingest);
        let one = if is_of_files { "file" } else { "unit" };
        rows.push(vec![
            step.action.name().to_owned(),
            step.node.name.clone(),
            units.as_ref().map(|units| units_told(units, one)).unwrap_or_default(),
            match time {
                None | Some(Estimate { millis: 0, .. }) => String::new(),
                Some(Estimate { millis, is_most: false }) => about(*millis),
                Some(Estimate { millis, is_most: true }) => at_most(*millis),
            },
            why.clone(),
        ]);
    }
    columns(out, &rows)?;
    match n_to_build(plan) {
        0 if plan.n_to_publish() > 0 => writeln!(
            out,
            "\nnothing to build; a run publishes {} tables that are others than those published",
            plan.n_to_publish()
        ),
        0 => writeln!(out, "\nnothing to do"),
        n => {
            let time = total.told().map(|time| format!(", {time}")).unwrap_or_default();
            writeln!(out, "\n{n} of {} to build{time}", plan.steps.len())
        }
    }
}

fn n_to_build(plan: &Plan) -> usize {
    plan.steps.iter().filter(|step| step.action == Action::Build).count()
}

/// A plan with what is known of its steps.
struct Planned {
    plan: Plan,
    forecasts: Vec<Forecast>,
    total: Total,
}

impl Planned {
    fn of(runtime: &Runtime, args: &PlanArgs) -> anyhow::Result<Self> {
        let file = PipelineFile::read(&args.pipeline)?;
        let plan = run::plan(runtime, file, &args.options())?;
        let forecasts = forecast(runtime, &plan)?;
        let steps = plan.steps.iter().zip(&forecasts);
        let built = steps.filter(|(step, _)| step.action == Action::Build);
        let total = Total::of(built.map(|(_, forecast)| forecast.time.as_ref()));
        Ok(Self { plan, forecasts, total })
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        print_table(out, &self.plan, &self.forecasts, self.total)
    }

    fn json(&self) -> PlanJson<'_> {
        let plan = &self.plan;
        let steps = plan.steps.iter().zip(&self.forecasts).map(|(step, forecast)| StepJson {
            stage: &step.node.name,
            action: step.action.name(),
            tables: &step.node.writes,
            forecast,
        });
        PlanJson {
            pipeline: &plan.pipeline.name,
            lake: plan.lake.url(),
            n_to_build: n_to_build(plan),
            n_to_publish: plan.n_to_publish(),
            time: self.total,
            steps: steps.collect(),
        }
    }
}

/// Says what a run would do.
pub(super) fn plan(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &PlanCommand,
) -> anyhow::Result<()> {
    let planned = Planned::of(runtime, &args.plan)?;
    match args.format {
        PlanFormat::Table => planned.print(out)?,
        PlanFormat::Json => {
            writeln!(out, "{}", serde_json::to_string_pretty(&planned.json())?)?;
        }
    }
    Ok(())
}

/// The same in both forms: JSON and text.
pub(super) fn both(runtime: &Runtime, args: &PlanCommand) -> anyhow::Result<(String, String)> {
    let planned = Planned::of(runtime, &args.plan)?;
    let mut text = Vec::new();
    planned.print(&mut text)?;
    let json = serde_json::to_string(&planned.json())?;
    Ok((json, String::from_utf8_lossy(&text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_in_words() {
        let each = |new: usize, reused: usize| Units::Each {
            new: vec![String::new(); new],
            changed: Vec::new(),
            again: Vec::new(),
            reused,
        };
        let later =
            |after: Option<&str>, last| Units::Later { after: after.map(str::to_owned), last };
        for (units, expected) in [
            (each(1, 203), "1 of 204 files"),
            (each(0, 2), "none of 2 files"),
            (each(3, 0), "all 3 files"),
            (each(1, 0), "all 1 file"),
            (Units::Whole { is_reused: false }, "whole"),
            (later(Some("t.a"), Some(17)), "decided when `t.a` is made (17 the last time)"),
            (later(Some("t.a"), None), "decided when `t.a` is made"),
            (later(None, None), "decided when it is made"),
        ] {
            assert_eq!(units_told(&units, "file"), expected);
        }
    }

    #[test]
    fn the_time_of_all_is_as_sure_as_its_parts() {
        let time = |millis, is_most| Some(Estimate { millis, is_most });
        let told = |times: &[Option<Estimate>]| Total::of(times.iter().map(Option::as_ref)).told();
        let (sure, open) = (time(3_000, false), time(9_000, true));
        assert_eq!(told(&[sure, sure]).as_deref(), Some("about 6 s"));
        assert_eq!(told(&[sure, open]).as_deref(), Some("at most about 12 s"));
        assert_eq!(told(&[sure, open, None]).as_deref(), Some("about 3 s and more"));
        assert_eq!(told(&[open, None]), None);
    }
}
