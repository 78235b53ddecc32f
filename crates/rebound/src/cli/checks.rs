//! What came of the checks of the last runs: `checks`.

use super::lake_args::open;
use super::list_format::{ListFormat, json};
use crate::{clock, run};
use clap::Args;
use indicatif::HumanCount;
use lake::{CheckOutcome, CheckRecord, RunRecord};
use project::pipeline_file::PipelineFile;
use report::output::{columns, right};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use tokio::runtime::Runtime;

#[derive(Debug, Args)]
pub(super) struct ChecksArgs {
    /// The pipeline file whose lake is read.
    pipeline: Option<PathBuf>,
    /// The lake: a folder or URL; otherwise the pipeline's, or `lake`.
    #[arg(long, env = "REBOUND_LAKE")]
    lake: Option<String>,
    /// How many runs that checked are looked at, the newest.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = project::config::count(1..=100_000))]
    runs: usize,
    /// Print the first rows that each check found when it last looked, too.
    #[arg(long)]
    rows: bool,
    /// Form of what is shown.
    #[arg(long, value_enum, default_value = "table", conflicts_with = "rows")]
    format: ListFormat,
}

/// A check over the runs, oldest first.
struct History<'r> {
    last: &'r CheckRecord,
    /// When the first of the last runs began in which it came to the same.
    since: &'r str,
    /// What it came to in each run; `None` where there was no such check.
    outcomes: Vec<Option<CheckOutcome>>,
}

/// The same, as JSON has it.
#[derive(Debug, Serialize)]
struct CheckJson<'r> {
    name: &'r str,
    severity: &'static str,
    outcome: &'static str,
    since: &'r str,
    rows: u64,
    /// The first of them, as text.
    first_rows: &'r str,
    /// What it came to in each run, oldest first.
    runs: Vec<OutcomeJson<'r>>,
}

/// What a check came to in a run.
#[derive(Debug, Serialize)]
struct OutcomeJson<'r> {
    run: &'r str,
    /// Nothing where there was no such check.
    outcome: Option<&'static str>,
}

impl<'r> CheckJson<'r> {
    fn of(history: &History<'r>, runs: &[&'r RunRecord]) -> Self {
        let outcomes = runs.iter().zip(&history.outcomes).map(|(run, outcome)| OutcomeJson {
            run: &run.run,
            outcome: outcome.map(CheckOutcome::name),
        });
        Self {
            name: &history.last.name,
            severity: history.last.severity.name(),
            outcome: history.last.outcome.name(),
            since: history.since,
            rows: history.last.rows,
            first_rows: &history.last.first_rows,
            runs: outcomes.collect(),
        }
    }
}

/// A sign for what a check came to in a run.
fn sign(outcome: Option<CheckOutcome>) -> char {
    match outcome {
        Some(CheckOutcome::Held) => 'h',
        Some(CheckOutcome::HeldBefore) => '=',
        Some(CheckOutcome::Warned) => 'w',
        Some(CheckOutcome::Failed) => 'F',
        Some(CheckOutcome::NotRun) => '-',
        None => '.',
    }
}

const SIGNS: &str = "runs, oldest first: h held, = held before on the same tables, w warned, F failed, - not run, . no such check";

fn is_same(a: CheckOutcome, b: CheckOutcome) -> bool {
    a == b || (a.is_held() && b.is_held())
}

/// The checks of the last of `runs`, each over all of them.
fn histories<'r>(runs: &[&'r RunRecord]) -> Vec<History<'r>> {
    let Some(last_run) = runs.last() else { return Vec::new() };
    let of = |last: &'r CheckRecord| {
        let found: Vec<Option<CheckOutcome>> = runs
            .iter()
            .map(|run| {
                let of_run = run.check_results.iter().find(|check| check.name == last.name);
                of_run.map(|check| check.outcome)
            })
            .collect();
        let same = found
            .iter()
            .rev()
            .take_while(|outcome| outcome.is_some_and(|outcome| is_same(outcome, last.outcome)));
        let since = &runs[runs.len() - same.count().max(1)].started_at;
        History { last, since, outcomes: found }
    };
    let mut all: Vec<History<'r>> = last_run.check_results.iter().map(of).collect();
    all.sort_by(|a, b| a.last.name.cmp(&b.last.name));
    all
}

/// Shows what came of each check over the last runs.
pub(super) fn checks(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &ChecksArgs,
) -> anyhow::Result<()> {
    let lake = match (&args.lake, &args.pipeline) {
        (Some(lake), _) => lake.clone(),
        (None, Some(pipeline)) => PipelineFile::read(pipeline)?.lake(),
        (None, None) => "lake".to_owned(),
    };
    let found = runtime.block_on(open(&lake)?.runs())?;
    run::warn_of(&found.left_out);
    let checked = found.records.iter().filter(|run| !run.check_results.is_empty());
    let mut runs: Vec<&RunRecord> = checked.collect();
    runs.drain(..runs.len().saturating_sub(args.runs));
    let histories = histories(&runs);
    if args.format == ListFormat::Json {
        let told: Vec<_> = histories.iter().map(|of| CheckJson::of(of, &runs)).collect();
        return json(out, &told);
    }
    let Some(newest) = runs.last() else {
        writeln!(out, "no run has checked anything yet")?;
        return Ok(());
    };
    let head = ["check", "severity", "last", "since", "rows", "runs"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for History { last, since, outcomes } in &histories {
        rows.push(vec![
            last.name.clone(),
            last.severity.name().to_owned(),
            last.outcome.name().to_owned(),
            clock::age(since),
            right(HumanCount(last.rows), 9),
            outcomes.iter().map(|outcome| sign(*outcome)).collect(),
        ]);
    }
    columns(out, &rows)?;
    writeln!(out, "\n{SIGNS}\nlast run: {}, {}", newest.run, newest.status.name())?;
    if args.rows {
        let found = histories.iter().filter(|history| history.last.rows > 0);
        for History { last, .. } in found {
            writeln!(out, "\n{}\n{}", last.name, last.first_rows)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(number: u64, checks: &[(&str, CheckOutcome)]) -> RunRecord {
        let check = |(name, outcome): &(&str, CheckOutcome)| json!({"name": name, "severity": "error", "outcome": outcome, "rows": 0, "first_rows": ""});
        let record = json!({
            "run": number.to_string(), "number": number, "pipeline": "p", "command": "",
            "started_at": format!("day {number}"), "status": "published", "stages": [], "parts": {}, "tables": {},
            "check_results": checks.iter().map(check).collect::<Vec<_>>(),
        });
        serde_json::from_value(record).expect("a record")
    }

    #[test]
    fn a_check_is_what_it_is_since_it_last_was_something_else() {
        use CheckOutcome::{Failed, Held, HeldBefore, Warned};
        let runs = [
            run(1, &[("a", Held), ("gone", Failed)]),
            run(2, &[("a", Failed)]),
            run(3, &[("a", Held), ("b", Warned)]),
            run(4, &[("b", Warned), ("a", HeldBefore)]),
        ];
        let runs: Vec<&RunRecord> = runs.iter().collect();
        let found: Vec<(String, &str, String)> = histories(&runs)
            .iter()
            .map(|history| {
                let signs = history.outcomes.iter().map(|outcome| sign(*outcome)).collect();
                (history.last.name.clone(), history.since, signs)
            })
            .collect();
        let expected = [("a", "day 3", "hFh="), ("b", "day 3", "..ww")];
        let expected =
            expected.map(|(name, since, signs)| (name.to_owned(), since, signs.to_owned()));
        assert_eq!(found, expected);
    }
}
