//! Where the summary of a run goes.

use crate::nightly::Summary;
use anyhow::Context;
use project::causes::causes;
use report::new_file::NewFile;
use std::io::Write;
use std::path::Path;

/// Writes a summary as a line of JSON to a file; to standard output if that is `-`.
pub(super) fn put(out: &mut impl Write, found: &Summary, path: &Path) -> anyhow::Result<()> {
    let json = format!("{}\n", serde_json::to_string(found)?);
    if path == Path::new("-") {
        out.write_all(json.as_bytes())?;
        return Ok(out.flush()?);
    }
    NewFile::write(path, json.as_bytes())
        .with_context(|| format!("failed to write the summary to `{}`", path.display()))
}

/// How a run ended that was then told. The error that ended the run comes first.
pub(super) fn either(ended: anyhow::Result<()>, told: anyhow::Result<()>) -> anyhow::Result<()> {
    match (ended, told) {
        (Err(error), told) => {
            if let Err(untold) = told {
                tracing::warn!("{}", causes(untold.as_ref()).join(": "));
            }
            Err(error)
        }
        (Ok(()), told) => told,
    }
}
