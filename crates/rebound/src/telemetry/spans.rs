//! The spans of a run: itself, its stages and its checks. Units have theirs from `stages`.
//!
//! Where no traces are sent a span is nothing, and nothing is recorded of it.

use lake::{CheckRecord, RunRecord, StageRecord};
use opentelemetry::trace::TraceContextExt;
use stages::SPANS;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Attributes are whole numbers with a sign.
fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The URL of a lake, without what lets one in.
fn without_credentials(lake: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(lake) else { return lake.to_owned() };
    if url.password().is_some() {
        // A URL that has a password may be without.
        let _ = url.set_password(None);
        let _ = url.set_username("");
    }
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// A run that begins.
pub fn of_run(pipeline: &str, lake: &str) -> Span {
    let span = tracing::info_span!(
        target: SPANS,
        "run",
        pipeline,
        lake = %without_credentials(lake),
        run = Empty,
        status = Empty,
        trace_id = Empty,
        otel.status_code = Empty,
    );
    if !span.is_disabled() {
        // What is logged names it, so that a line leads to its trace.
        let trace = span.context().span().span_context().trace_id().to_string();
        span.record("trace_id", trace.as_str());
    }
    span
}

/// How a run ended; without a record it did not begin to do something.
pub fn tell_run<T, E>(span: &Span, record: Option<&RunRecord>, outcome: &Result<T, E>) {
    if span.is_disabled() {
        return;
    }
    if let Some(record) = record {
        span.record("run", record.run.as_str());
        span.record("status", record.status.name());
    }
    if outcome.is_err() {
        span.record("otel.status_code", "error");
    }
}

/// A stage whose turn it is.
pub fn of_stage(stage: &str) -> Span {
    tracing::info_span!(
        target: SPANS,
        "stage",
        stage,
        action = Empty,
        why = Empty,
        rows = Empty,
        units_made = Empty,
        units_reused = Empty,
        otel.status_code = Empty,
    )
}

/// What came of the stage that this thread is in.
pub fn tell_stage(done: &StageRecord) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("action", done.action.as_str());
    span.record("why", done.why.as_str());
    span.record("rows", whole(done.rows));
    span.record("units_made", whole(done.units_made));
    span.record("units_reused", whole(done.units_reused));
    if done.action == "failed" {
        span.record("otel.status_code", "error");
    }
}

/// A check whose turn it is.
pub fn of_check(check: &str) -> Span {
    tracing::info_span!(
        target: SPANS,
        "check",
        check,
        severity = Empty,
        outcome = Empty,
        rows = Empty,
    )
}

/// What came of the check that this thread is in.
pub fn tell_check(done: &CheckRecord) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    span.record("severity", done.severity.name());
    span.record("outcome", done.outcome.name());
    span.record("rows", whole(done.rows));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lake_is_told_without_what_lets_one_in() {
        for (lake, told) in [
            ("lake", "lake"),
            ("/data/lake a", "/data/lake a"),
            ("s3://bucket/lake", "s3://bucket/lake"),
            ("s3://key:secret@bucket/lake", "s3://bucket/lake"),
            ("abfss://box@account/lake?sig=secret#secret", "abfss://box@account/lake"),
        ] {
            assert_eq!(without_credentials(lake), told);
        }
    }
}
