//! `report`.

use super::history;
use super::lake_args::{LakeArgs, catalog};
use crate::diff::{self, Asked};
use crate::report_server::{Server, Shown, Tell};
use anyhow::Context;
use lake::{Catalog, Lake};
use project::causes::causes;
use project::pipeline::Pipeline;
use project::pipeline_file::PipelineFile;
use project::report_settings::Language;
use report::{self, Drawn, ReportArgs, USUAL_ADDRESS, destination};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Regions and products that the report names of each table that changed.
const MOST_MOVED: usize = 10;

/// How often it is looked whether something else is published, and how often at the least where that
/// fails.
const EACH: Duration = Duration::from_secs(1);
const AT_LEAST: Duration = Duration::from_secs(60);

/// The lake of a report.
fn lake_of(args: &ReportArgs, pipelines: impl FnOnce() -> String) -> anyhow::Result<Lake> {
    LakeArgs { lake: args.lake.clone().unwrap_or_else(pipelines) }.open()
}

/// Whether a page shows the run that is published, and was drawn after the pipeline was written.
pub(super) fn is_current(
    runtime: &Runtime,
    args: &ReportArgs,
    page: &Path,
) -> anyhow::Result<bool> {
    let written = |path: &Path| path.metadata().and_then(|of| of.modified());
    let (Ok(drawn), Ok(text)) = (written(page), std::fs::read_to_string(page)) else {
        return Ok(false);
    };
    let file = PipelineFile::read(&args.pipeline)?;
    let run = catalog(runtime, &lake_of(args, || file.lake())?)?.run;
    let is_older = written(&args.pipeline).is_ok_and(|pipeline| pipeline < drawn);
    Ok(is_older && text.contains(&run))
}

/// Draws what is published.
pub(super) fn draw(
    runtime: &Runtime,
    args: &ReportArgs,
    pipeline: &Pipeline,
) -> anyhow::Result<(Drawn, Catalog)> {
    let lake = lake_of(args, || pipeline.lake.clone())?;
    let catalog = catalog(runtime, &lake)?;
    let drawn = draw_of(runtime, args, pipeline, &lake, &catalog)?;
    Ok((drawn, catalog))
}

fn draw_of(
    runtime: &Runtime,
    args: &ReportArgs,
    pipeline: &Pipeline,
    lake: &Lake,
    catalog: &Catalog,
) -> anyhow::Result<Drawn> {
    for version in catalog.tables.values() {
        runtime.block_on(lake.verify(version))?;
    }
    let changed = match &args.since {
        None => None,
        Some(since) => {
            let asked = Asked { tables: Vec::new(), top: MOST_MOVED };
            let found = history::difference(runtime, lake, [since, &catalog.run], &asked)?;
            Some(diff::changes(&found))
        }
    };
    Ok(report::report(runtime, args, pipeline, lake, catalog, changed)?)
}

/// Draws what is published, and lists the files: of a figure only the first. Serves the report, if
/// that is asked for.
pub(super) fn report(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &ReportArgs,
) -> anyhow::Result<()> {
    destination::is_folder_name(&args.output)?;
    // Before the work, so that a port that is taken is told at once.
    let server = match args.serve {
        false => None,
        true => {
            let address = args.bind.map_or_else(|| USUAL_ADDRESS.parse::<SocketAddr>(), Ok)?;
            Some(runtime.block_on(Server::bind(address))?)
        }
    };
    let pipeline = PipelineFile::read(&args.pipeline)?.pipeline(runtime)?;
    let files = watched(args, &pipeline);
    let (drawn, catalog) = draw(runtime, args, &pipeline)?;
    let firsts = drawn.figures.iter().filter_map(|files| files.first());
    for path in std::iter::once(&drawn.page).chain(firsts) {
        writeln!(out, "{}", path.display())?;
    }
    match server {
        None => Ok(()),
        Some(server) => serve(runtime, out, args, server, &drawn, Seen { run: catalog.run, files }),
    }
}

/// Serves a report, and draws it anew when something else is published, until Ctrl-C.
fn serve(
    runtime: &Runtime,
    out: &mut impl Write,
    args: &ReportArgs,
    server: Server,
    drawn: &Drawn,
    seen: Seen,
) -> anyhow::Result<()> {
    let (tell, shown) = watch::channel(Arc::new(Shown::of(drawn, &seen.run, 0)));
    let args = args.clone();
    // Drawing waits for what it reads, so that it has a runtime of its own. It ends with the program,
    // which waits for nothing.
    let own = query::runtime(0).context("failed to start the runtime")?;
    let follower = std::thread::Builder::new().name("report".to_owned());
    follower.spawn(move || follow(&own, &args, seen, &tell))?;
    runtime.block_on(until_interrupted(out, server, shown))
}

/// Serves what is shown until Ctrl-C.
async fn until_interrupted(
    out: &mut impl Write,
    server: Server,
    shown: watch::Receiver<Arc<Shown>>,
) -> anyhow::Result<()> {
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    // It is heard from the first time that it is asked for.
    tokio::select! {
        biased;
        ended = &mut interrupted => return Ok(ended?),
        () = std::future::ready(()) => {}
    }
    writeln!(out, "serving http://{}/ until Ctrl-C", server.address())?;
    out.flush()?;
    tokio::select! {
        ended = interrupted => Ok(ended?),
        ended = server.serve(shown) => Ok(ended?),
    }
}

/// When a file was written, and how many bytes it has; none if it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// Files of which a report is drawn, with their stamps.
type Watched = Vec<(PathBuf, Stamp)>;

/// What a report is drawn of.
#[derive(PartialEq, Eq)]
struct Seen {
    /// The run that is published.
    run: String,
    /// What else it hangs on.
    files: Watched,
}

fn stamped(path: PathBuf) -> (PathBuf, Stamp) {
    let of = path.metadata().ok().and_then(|of| Some((of.modified().ok()?, of.len())));
    (path, of)
}

/// The pipeline, and the file of the report's words.
fn watched(args: &ReportArgs, pipeline: &Pipeline) -> Watched {
    let words = match &pipeline.report.language {
        Language::File(path) => Some(path.clone()),
        Language::English | Language::Chinese | Language::French => None,
    };
    std::iter::once(args.pipeline.clone()).chain(words).map(stamped).collect()
}

/// The stamps of the same files now.
fn now(files: &Watched) -> Watched {
    files.iter().map(|(path, _)| stamped(path.clone())).collect()
}

/// Draws the report anew whenever something else is published than what was `seen`, or its files are
/// others, as long as the program lives. Where that fails, what is shown stays, and it is tried again
/// later and later, or once a file is another.
fn follow(runtime: &Runtime, args: &ReportArgs, mut seen: Seen, tell: &Tell) {
    let (mut wait, mut n_drawn) = (EACH, 0);
    let mut lake = None;
    let mut failed: Option<(Watched, Instant)> = None;
    loop {
        std::thread::sleep(EACH);
        let files = now(&seen.files);
        if failed.as_ref().is_some_and(|(of, until)| *of == files && Instant::now() < *until) {
            continue;
        }
        match drawn_anew(runtime, args, &mut lake, &seen) {
            Ok(None) => (wait, failed) = (EACH, None),
            Ok(Some((drawn, of))) => {
                n_drawn += 1;
                tell.send_replace(Arc::new(Shown::of(&drawn, &of.run, n_drawn)));
                (wait, failed, seen) = (EACH, None, of);
            }
            Err(error) => {
                wait = (2 * wait).min(AT_LEAST);
                failed = Some((files, Instant::now() + wait));
                let why = causes(error.as_ref()).join(": ");
                tracing::warn!("the report that is served stays as it was drawn: {why}");
            }
        }
    }
}

/// The report, if something else is published than what was `seen`, or its files are others, and what
/// it is drawn of. The lake is opened once.
fn drawn_anew(
    runtime: &Runtime,
    args: &ReportArgs,
    lake: &mut Option<Lake>,
    seen: &Seen,
) -> anyhow::Result<Option<(Drawn, Seen)>> {
    let is_as_seen = now(&seen.files) == seen.files;
    let file = PipelineFile::read(&args.pipeline)?;
    let lake = match lake {
        Some(lake) => lake,
        None => lake.insert(lake_of(args, || file.lake())?),
    };
    let catalog = catalog(runtime, lake)?;
    if is_as_seen && catalog.run == seen.run {
        return Ok(None);
    }
    let pipeline = file.pipeline(runtime)?;
    // Stamped before they are read.
    let files = watched(args, &pipeline);
    let drawn = draw_of(runtime, args, &pipeline, lake, &catalog)?;
    tracing::info!(run = catalog.run, "drew the report anew");
    Ok(Some((drawn, Seen { run: catalog.run, files })))
}
