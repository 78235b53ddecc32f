//! `report`.

use super::lake_args::{LakeArgs, catalog};
use project::pipeline::Pipeline;
use project::pipeline_file::PipelineFile;
use report::{self, ReportArgs, destination};
use std::io::Write;
use std::path::PathBuf;
use tokio::runtime::Runtime;

/// Draws what is published; gives the files.
pub(super) fn draw(
    runtime: &Runtime,
    args: &ReportArgs,
    pipeline: &Pipeline,
) -> anyhow::Result<Vec<PathBuf>> {
    let lake = args.lake.clone().unwrap_or_else(|| pipeline.lake.clone());
    let lake = LakeArgs { lake }.open()?;
    let catalog = catalog(runtime, &lake)?;
    for version in catalog.tables.values() {
        runtime.block_on(lake.verify(version))?;
    }
    Ok(report::report(runtime, args, pipeline, &lake, &catalog)?)
}

/// Draws what is published, and lists the files: of a figure only the SVG.
pub(super) fn report(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &ReportArgs,
) -> anyhow::Result<()> {
    destination::is_folder_name(&args.output)?;
    let pipeline = PipelineFile::read(&args.pipeline)?.pipeline(runtime)?;
    let files = draw(runtime, args, &pipeline)?;
    for path in files.iter().filter(|path| path.extension().is_some_and(|e| e != "png")) {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}
