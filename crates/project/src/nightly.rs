//! What a nightly run does around the run itself: the key `nightly` of a pipeline.

use crate::fault::Step;
use crate::paths::resolve_path;
use serde::Deserialize;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

/// What a nightly run does around the run itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nightly {
    /// The runs that are kept; without it nothing is removed.
    pub keep: Option<Keep>,
    /// How often it is tried again.
    pub retries: u32,
    /// What is waited before the first time; before each other twice as long.
    pub backoff: Duration,
    /// Who is told of a run that went well.
    pub on_success: Option<Hook>,
    /// Who is told of one that did not.
    pub on_failure: Option<Hook>,
}

impl Default for Nightly {
    fn default() -> Self {
        Self {
            keep: None,
            retries: 3,
            backoff: Duration::from_secs(30),
            on_success: None,
            on_failure: None,
        }
    }
}

/// The runs that are kept: those for which one of these holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// The newest, so many.
    pub runs: Option<usize>,
    /// Those that began within so many days.
    pub days: Option<u32>,
}

/// Who is told of a run, with its summary as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// A program with its arguments, on its standard input.
    Command(Vec<String>),
    /// A URL, by POST.
    Webhook(String),
}

/// The key as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NightlyText {
    keep: Option<KeepText>,
    retries: Option<u32>,
    backoff_seconds: Option<u32>,
    on_success: Option<HookText>,
    on_failure: Option<HookText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeepText {
    runs: Option<u32>,
    days: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HookText {
    command: Option<Vec<String>>,
    webhook: Option<String>,
}

/// What is wrong with a value of the key: the way to it, and why.
pub(crate) type Wrong = (Vec<Step>, String);

const RUNS: RangeInclusive<u32> = 1..=1_000_000;
const DAYS: RangeInclusive<u32> = 1..=36_500;
const RETRIES: RangeInclusive<u32> = 0..=20;
const BACKOFF_SECONDS: RangeInclusive<u32> = 0..=3_600;

/// What is wrong, as it is found.
struct Reading<'f> {
    /// The pipeline file.
    file: &'f Path,
    wrong: Vec<Wrong>,
}

impl NightlyText {
    /// What it says; programs are relative to the pipeline file.
    pub(crate) fn nightly(&self, file: &Path) -> Result<Nightly, Vec<Wrong>> {
        let mut reading = Reading { file, wrong: Vec::new() };
        let usual = Nightly::default();
        let keep = self.keep.as_ref().map(|text| reading.keep(text));
        let retries = reading.number(&["retries"], self.retries, &RETRIES);
        let backoff = reading.number(&["backoff_seconds"], self.backoff_seconds, &BACKOFF_SECONDS);
        let nightly = Nightly {
            keep,
            retries: retries.unwrap_or(usual.retries),
            backoff: backoff.map_or(usual.backoff, |n| Duration::from_secs(n.into())),
            on_success: reading.hook("on_success", self.on_success.as_ref()),
            on_failure: reading.hook("on_failure", self.on_failure.as_ref()),
        };
        if reading.wrong.is_empty() { Ok(nightly) } else { Err(reading.wrong) }
    }
}

impl Reading<'_> {
    fn tell(&mut self, keys: &[&str], why: impl Into<String>) {
        let steps = [Step::from("nightly")].into_iter().chain(keys.iter().map(|key| (*key).into()));
        self.wrong.push((steps.collect(), why.into()));
    }

    fn number(
        &mut self,
        keys: &[&str],
        found: Option<u32>,
        range: &RangeInclusive<u32>,
    ) -> Option<u32> {
        let found = found?;
        if !range.contains(&found) {
            let (first, last) = (range.start(), range.end());
            self.tell(keys, format!("{found}: expected a whole number of {first} to {last}"));
        }
        Some(found)
    }

    fn keep(&mut self, text: &KeepText) -> Keep {
        let runs = self.number(&["keep", "runs"], text.runs, &RUNS);
        let days = self.number(&["keep", "days"], text.days, &DAYS);
        if runs.is_none() && days.is_none() {
            let why = "expected `runs`, `days` or both: a run is kept if one of them says so";
            self.tell(&["keep"], why);
        }
        Keep { runs: runs.and_then(|n| usize::try_from(n).ok()), days }
    }

    fn hook(&mut self, key: &str, text: Option<&HookText>) -> Option<Hook> {
        match text? {
            HookText { command: Some(words), webhook: None } => self.command(key, words),
            HookText { command: None, webhook: Some(url) } => self.webhook(key, url),
            _ => {
                let why = "expected one of `command: [PROGRAM, ARGUMENT, ...]` and `webhook: URL`";
                self.tell(&[key], why);
                None
            }
        }
    }

    fn command(&mut self, key: &str, words: &[String]) -> Option<Hook> {
        let Some((program, arguments)) = words.split_first().filter(|(name, _)| !name.is_empty())
        else {
            self.tell(&[key, "command"], "expected a program and its arguments, as a list");
            return None;
        };
        // A name alone is looked for on the PATH.
        let program = if program.contains('/') {
            let path = resolve_path(self.file, program);
            std::path::absolute(&path).unwrap_or(path).display().to_string()
        } else {
            program.clone()
        };
        Some(Hook::Command([program].into_iter().chain(arguments.iter().cloned()).collect()))
    }

    fn webhook(&mut self, key: &str, url: &str) -> Option<Hook> {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_alphanumeric() || c == '[' || c == '_')
                && !rest.contains(char::is_whitespace)
        });
        if !has_host {
            // It may hold a secret.
            self.tell(&[key, "webhook"], "expected a URL with https:// or http://");
            return None;
        }
        Some(Hook::Webhook(url.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::key_path;
    use crate::yaml;

    fn read(text: &str) -> Result<Nightly, Vec<String>> {
        let path = Path::new("pipelines/a.yaml");
        let text: NightlyText = yaml::all_of(path, text).expect("a section");
        text.nightly(path).map_err(|wrong| {
            wrong.iter().map(|(steps, why)| format!("{}: {why}", key_path(steps))).collect()
        })
    }

    #[test]
    fn all_that_is_said_is_read() {
        let text = "keep: {runs: 14, days: 60}\nretries: 5\nbackoff_seconds: 2\n\
                    on_success: {command: [notify, --quiet]}\non_failure: {webhook: 'https://x/y?z=1'}\n";
        let expected = Nightly {
            keep: Some(Keep { runs: Some(14), days: Some(60) }),
            retries: 5,
            backoff: Duration::from_secs(2),
            on_success: Some(Hook::Command(vec!["notify".to_owned(), "--quiet".to_owned()])),
            on_failure: Some(Hook::Webhook("https://x/y?z=1".to_owned())),
        };
        assert_eq!(read(text), Ok(expected));
        assert_eq!(read("{}"), Ok(Nightly::default()));
    }

    #[test]
    fn a_program_with_a_folder_is_relative_to_the_file() {
        let nightly = read("on_success: {command: [./notify, ./x]}").expect("read");
        let Some(Hook::Command(words)) = nightly.on_success else { panic!("{nightly:?}") };
        let expected = std::path::absolute("pipelines/notify").expect("a path");
        assert_eq!(words, [expected.display().to_string(), "./x".to_owned()]);
    }

    #[test]
    fn all_faults_are_told() {
        let text = "keep: {runs: 0}\nretries: 21\nbackoff_seconds: 4000\n\
                    on_success: {command: []}\non_failure: {webhook: 'ftp://x'}\n";
        let wrong = read(text).expect_err("faults");
        let expected = [
            "nightly.keep.runs: 0: expected a whole number of 1 to 1000000",
            "nightly.retries: 21: expected a whole number of 0 to 20",
            "nightly.backoff_seconds: 4000: expected a whole number of 0 to 3600",
            "nightly.on_success.command: expected a program and its arguments, as a list",
            "nightly.on_failure.webhook: expected a URL with https:// or http://",
        ];
        assert_eq!(wrong, expected);
        for text in
            ["on_failure: {}", "on_failure: {command: [a], webhook: 'http://x'}", "keep: {}"]
        {
            assert_eq!(read(text).expect_err("a fault").len(), 1, "{text}");
        }
    }
}
