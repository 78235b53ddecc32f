//! Commands for data of one's own: `init` and `preview`.

use crate::init::{self, InitArgs};
use crate::preview::{self, PreviewArgs};
use std::io::Write;
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// Looks at raw files, says what it sees, and writes a pipeline for them.
/// Gives the files that are written.
pub(super) fn init(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &InitArgs,
) -> anyhow::Result<Vec<PathBuf>> {
    Ok(init::init(runtime.handle(), out, args)?)
}

/// Shows the first rows of a file as a layout reads them.
pub(super) fn preview(out: &mut impl Write, args: &PreviewArgs) -> anyhow::Result<()> {
    Ok(preview::preview(out, args)?)
}
