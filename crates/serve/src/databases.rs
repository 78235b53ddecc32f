//! The databases that clients connect to: what is published, and what each kept run published.

use lake::{KeptRun, RunRecord, Runs};
use query::CATALOG;

/// Databases that are named in an error.
const NAMED: usize = 12;

/// The run that a client of the database `name` asks for; `None` if it asks for what is published.
pub(crate) fn asked<'n>(name: &'n str, user: &str) -> Option<&'n str> {
    // A client that names no database names its user.
    let (_, run) = name.split_once('@').filter(|_| name != user)?;
    Some(run)
}

/// The database of a run.
fn of_record(run: &RunRecord) -> String {
    match run.number {
        // Runs of old lakes have none.
        0 => format!("{CATALOG}@{}", run.run),
        number => format!("{CATALOG}@{number}"),
    }
}

/// The database of a run that published.
pub(crate) fn of_run(run: &KeptRun) -> String {
    match &run.record {
        Some(record) => of_record(record),
        None => format!("{CATALOG}@{}", run.catalog.run),
    }
}

/// The databases of all runs that published, oldest first. The run `now` published last.
pub(crate) fn all(runs: &Runs, now: &str) -> Vec<String> {
    runs.published(now).into_iter().map(of_record).collect()
}

/// The newest of them, as an error names them.
pub(crate) fn listed(names: &[String]) -> String {
    let newest: Vec<&str> = names.iter().rev().take(NAMED).map(String::as_str).collect();
    let more = if names.len() > NAMED { ", ..." } else { "" };
    let all: Vec<&str> = std::iter::once(CATALOG).chain(newest).collect();
    format!("{}{more}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_with_an_at_are_runs() {
        for (name, user, expected) in [
            ("rebound", "ada", None),
            ("anything", "ada", None),
            ("rebound@12", "ada", Some("12")),
            ("lake@20260731", "ada", Some("20260731")),
            ("rebound@", "ada", Some("")),
            // Without a database.
            ("ada@example.org", "ada@example.org", None),
            ("ada@example.org", "bob", Some("example.org")),
        ] {
            assert_eq!(asked(name, user), expected, "{name}");
        }
    }

    #[test]
    fn errors_name_the_newest() {
        let names: Vec<String> = (1..=14).map(|n| format!("rebound@{n}")).collect();
        assert_eq!(listed(&names[..2]), "rebound, rebound@2, rebound@1");
        assert_eq!(listed(&[]), "rebound");
        let told = listed(&names);
        assert!(told.starts_with("rebound, rebound@14, ") && told.ends_with("@3, ..."), "{told}");
    }
}
