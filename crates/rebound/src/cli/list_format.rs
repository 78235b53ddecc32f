//! The form of what is listed.

use clap::ValueEnum;
use serde::Serialize;
use std::io::Write;

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// For reading.
    Table,
    /// All that is known, as JSON.
    Json,
}

/// Writes what is listed as JSON.
pub(super) fn json(out: &mut impl Write, found: &impl Serialize) -> anyhow::Result<()> {
    writeln!(out, "{}", serde_json::to_string_pretty(found)?)?;
    Ok(())
}
