//! What a command ends with when it fails: what is told of it, and the exit code.

use crate::convert::ConvertError;
use crate::diff::DiffError;
use crate::estimate_command::EstimateCommandError;
use crate::init::InitError;
use crate::log::LogFormat;
use crate::measure::MeasureError;
use crate::preview::PreviewError;
use crate::report_server::ServeError;
use crate::resilience::ResilienceError;
use crate::rollback::RollbackError;
use crate::run::RunError;
use crate::synth::SynthError;
use lake::{HistoryError, LakeError, LockError};
use project::causes::causes;
use project::layout_file::LayoutError;
use project::pipeline::PipelineError;
use query::QueryError;
use report::ReportError;
use report::destination::DestinationError;
use report::export::ExportError;
use report::output::OutputError;
use report::published::NotPublished;
use report::stata::StataError;
use std::io::Write;

/// An error of the user's making that no library has a type for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsersError(pub(super) String);

/// Tables that are not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{n_files} damaged file{s} in {tables}; `rebound run` makes again: {stages}", s = if *n_files == 1 { "" } else { "s" })]
pub(super) struct Damaged {
    pub(super) n_files: usize,
    pub(super) tables: String,
    pub(super) stages: String,
}

/// A panic.
#[derive(Debug, thiserror::Error)]
#[error(
    "rebound stopped at a fault of its own: {0}; please report it, with what you asked for if you can"
)]
pub(super) struct Fault(pub(super) String);

/// Whether whoever read the output has gone away, as `head` does.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_closed = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<OutputError>().is_some_and(OutputError::is_closed_pipe)
            || cause.downcast_ref::<std::io::Error>().is_some_and(is_closed)
    })
}

/// Characters of a message that are shown: it may hold a whole file.
const MOST_SHOWN: usize = 4_000;

/// A message as a terminal may show it: what would steer the terminal is written out, and what is too
/// long for anybody is cut.
pub fn readable(text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == MOST_SHOWN {
            let more = text.chars().count() - MOST_SHOWN;
            return format!("{shown}... ({more} characters more)");
        }
        match c {
            '\n' | '\t' => shown.push(c),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// Says on standard error what failed, and why.
pub(super) fn tell(error: &anyhow::Error, format: LogFormat) {
    let chain: Vec<String> = causes(error.as_ref()).iter().map(|cause| readable(cause)).collect();
    match format {
        LogFormat::Json => tracing::error!(causes = chain[1..].join(": "), "{}", chain[0]),
        LogFormat::Human => {
            let mut err = std::io::stderr().lock();
            let _ = writeln!(err, "error: {}", chain[0]);
            for cause in &chain[1..] {
                let _ = writeln!(err, "  because: {cause}");
            }
        }
    }
}

/// Whether the user's input or config is at fault.
pub fn is_users_fault(error: &anyhow::Error) -> bool {
    exit_code(error) == 2
}

/// 1 for our fault, 2 for the user's input or config, 3 for the data.
pub(super) fn exit_code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<RunError>() {
            return error.exit_code();
        }
        if cause.is::<Damaged>() {
            return 3;
        }
        let is_users = cause.is::<UsersError>()
            || cause.is::<DestinationError>()
            || cause.is::<NotPublished>()
            || cause.is::<LayoutError>()
            || matches!(cause.downcast_ref(), Some(MeasureError::Table { .. }))
            || cause.downcast_ref().is_some_and(ResilienceError::is_users)
            || cause.downcast_ref().is_some_and(ConvertError::is_users)
            || cause.downcast_ref().is_some_and(InitError::is_users)
            || cause.downcast_ref().is_some_and(PreviewError::is_users)
            || cause.downcast_ref().is_some_and(EstimateCommandError::is_users)
            || cause.downcast_ref().is_some_and(ExportError::is_users)
            || cause.downcast_ref().is_some_and(StataError::is_users)
            || cause.downcast_ref().is_some_and(ReportError::is_users)
            || cause.downcast_ref().is_some_and(ServeError::is_users)
            || cause.downcast_ref().is_some_and(PipelineError::is_users)
            || matches!(cause.downcast_ref(), Some(SynthError::Request(_)))
            || cause.downcast_ref().is_some_and(QueryError::is_users)
            || cause.downcast_ref().is_some_and(HistoryError::is_users)
            || cause.downcast_ref().is_some_and(RollbackError::is_users)
            || cause.downcast_ref().is_some_and(DiffError::is_users)
            || matches!(cause.downcast_ref(), Some(LockError::Held(_)))
            || matches!(
                cause.downcast_ref(),
                Some(LakeError::Url(_) | LakeError::Folder { .. } | LakeError::Format { .. })
            );
        if is_users {
            return 2;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_does_not_steer_the_terminal() {
        assert_eq!(readable("a \u{1b}[31mred\u{7}\n\tb"), "a \\u{1b}[31mred\\u{7}\n\tb");
        let long = readable(&"x".repeat(5_000));
        assert!(long.ends_with("x... (1000 characters more)"), "{}", &long[3_990..]);
    }
}
