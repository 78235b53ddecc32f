//! How far a run is: one bar at a terminal, elsewhere lines in the log, never both.

use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use lake::RunRecord;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The bar that is drawn, if there is one: what is logged meanwhile goes above it.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far a run is.
#[derive(Debug)]
pub struct Progress {
    drawn: Option<(ProgressBar, Arc<Mutex<Left>>)>,
    n_steps: usize,
    /// Steps that are done.
    n_done: AtomicUsize,
}

/// What is left of a run, by the times of earlier ones.
#[derive(Debug)]
struct Left {
    /// Of each step; `None` where no run made it before.
    expected: Vec<Option<Duration>>,
    /// The step at work.
    at: usize,
    began: Instant,
}

impl Left {
    /// How long the rest may take, if all of it was made before.
    fn estimate(&self, now: Instant) -> Option<Duration> {
        let mut rest = self.expected.iter().skip(self.at);
        let first = (*rest.next()?)?.saturating_sub(now.saturating_duration_since(self.began));
        rest.try_fold(first, |sum, expected| Some(sum.saturating_add((*expected)?)))
    }
}

/// How long each stage took when a run made it last.
pub fn last_times(runs: &[RunRecord]) -> BTreeMap<String, Duration> {
    let built = runs.iter().flat_map(|run| &run.stages).filter(|stage| stage.action == "built");
    built.map(|stage| (stage.stage.clone(), Duration::from_millis(stage.millis))).collect()
}

impl Progress {
    /// Lines in the log, of so many steps.
    pub fn logged(n_steps: usize) -> Self {
        Self { drawn: None, n_steps, n_done: AtomicUsize::new(0) }
    }

    /// A bar for steps that are expected to take these times.
    pub fn drawn(expected: Vec<Option<Duration>>) -> Self {
        let n_steps = expected.len();
        let left = Arc::new(Mutex::new(Left { expected, at: 0, began: Instant::now() }));
        let bar = ProgressBar::new(u64::try_from(n_steps).unwrap_or(u64::MAX));
        let template = "{bar:24} {pos}/{len}  {elapsed}{left}  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let left = Arc::clone(&left);
            let tell = move |_: &ProgressState, into: &mut dyn fmt::Write| {
                if let Some(time) = locked(&left).estimate(Instant::now()) {
                    // What cannot be drawn is not missed.
                    let _ = write!(into, ", about {} left", HumanDuration(time));
                }
            };
            bar.set_style(style.with_key("left", tell));
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        *locked(&DRAWN) = Some(bar.clone());
        Self { drawn: Some((bar, left)), n_steps, n_done: AtomicUsize::new(0) }
    }

    /// That a stage is at work.
    pub fn begin(&self, stage: &str) {
        if let Some((bar, left)) = &self.drawn {
            locked(left).began = Instant::now();
            bar.set_message(stage.to_owned());
        }
    }

    /// That the stage is being made, and why.
    pub fn building(&self, stage: &str, why: &str) {
        if self.drawn.is_none() {
            let step = self.n_done.load(Ordering::Relaxed) + 1;
            tracing::info!(stage, why, step, of = self.n_steps, "stage started");
        }
    }

    /// That it is made.
    pub fn built(&self, stage: &str, rows: u64, millis: u64) {
        if self.drawn.is_none() {
            tracing::info!(stage, rows, millis, "stage ended");
        }
    }

    /// That a step is done.
    pub fn step(&self) {
        self.n_done.fetch_add(1, Ordering::Relaxed);
        if let Some((bar, left)) = &self.drawn {
            let mut left = locked(left);
            left.at += 1;
            left.began = Instant::now();
            drop(left);
            bar.inc(1);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((bar, _)) = &self.drawn {
            *locked(&DRAWN) = None;
            bar.finish_and_clear();
        }
    }
}

/// Standard error, for logs.
pub fn log_output() -> LogOutput {
    LogOutput
}

/// Standard error. A bar makes room for what is written.
#[derive(Debug)]
pub struct LogOutput;

impl Write for LogOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let bar = locked(&DRAWN).clone();
        match bar {
            Some(bar) => bar.suspend(|| io::stderr().write_all(bytes)),
            None => io::stderr().write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_rest_is_estimated_where_all_of_it_was_made_before() {
        let began = Instant::now();
        let seconds = |n| Some(Duration::from_secs(n));
        let left = |at, expected: &[Option<Duration>]| {
            Left { expected: expected.to_vec(), at, began }.estimate(began + Duration::from_secs(4))
        };
        let all = [seconds(10), seconds(0), seconds(5)];
        assert_eq!(left(0, &all), seconds(11));
        assert_eq!(left(1, &all), seconds(5), "what takes longer than before may end at once");
        assert_eq!(left(2, &all), seconds(1));
        assert_eq!(left(3, &all), None);
        assert_eq!(left(0, &[seconds(10), None]), None);
        assert_eq!(left(1, &[None, seconds(10)]), seconds(6));
    }

    #[test]
    fn a_stage_takes_as_long_as_when_it_was_last_made() {
        let run = |stages: serde_json::Value| -> RunRecord {
            let record = json!({
                "run": "r", "pipeline": "p", "command": "", "started_at": "", "status": "published", "stages": stages,
                "parts": {}, "tables": {},
            });
            serde_json::from_value(record).expect("a record")
        };
        let stage = |stage: &str, action: &str, millis: u64| json!({"stage": stage, "action": action, "why": "", "millis": millis, "rows": 0});
        let runs = [
            run(json!([stage("a", "built", 7), stage("b", "built", 5)])),
            run(json!([stage("a", "built", 9), stage("b", "reused", 0)])),
        ];
        let times = last_times(&runs);
        let millis: Vec<_> =
            times.iter().map(|(name, time)| (name.as_str(), time.as_millis())).collect();
        assert_eq!(millis, [("a", 9), ("b", 5)]);
    }
}
