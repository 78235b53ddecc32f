//! The lake that commands read, and how much memory they have.

use super::failure::UsersError;
use super::programs::command_line;
use crate::kept;
use clap::Args;
use lake::{Catalog, HeldLease, KeptRun, Lake, TableVersion};
use project::config::count;
use query::Memory;
use std::path::Path;
use tokio::runtime::Runtime;

#[derive(Debug, Args)]
pub(super) struct LakeArgs {
    /// The lake: a folder or URL.
    #[arg(long, env = "REBOUND_LAKE", default_value = "lake")]
    pub(super) lake: String,
}

impl LakeArgs {
    /// Opens the lake.
    pub(super) fn open(&self) -> anyhow::Result<Lake> {
        open(&self.lake)
    }
}

/// Opens a lake that is there.
pub(super) fn open(lake: &str) -> anyhow::Result<Lake> {
    let is_folder = !lake.contains("://");
    if is_folder && !Path::new(lake).is_dir() {
        return Err(UsersError(format!(
            "no lake in `{lake}`: give its folder with --lake or REBOUND_LAKE, or make one with `rebound run`"
        ))
        .into());
    }
    Ok(Lake::open(lake)?)
}

#[derive(Debug, Args)]
pub(super) struct MemoryArgs {
    /// Memory of a query in MiB; sorts, joins and groups beyond it go to disk (TMPDIR) where they can.
    #[arg(long, env = "REBOUND_MEMORY_MIB", default_value_t = 4096, value_parser = count(64..=1 << 24))]
    memory_mib: usize,
}

impl MemoryArgs {
    /// For a query.
    pub(super) fn memory(&self) -> Memory {
        Memory { mib: self.memory_mib, setting: "a query (`--memory-mib`)" }
    }
}

/// What is published in the lake.
pub(super) fn catalog(runtime: &Runtime, lake: &Lake) -> anyhow::Result<Catalog> {
    runtime.block_on(lake.catalog())?.ok_or_else(|| {
        UsersError(format!("nothing is published in `{}` yet: `rebound run` publishes", lake.url()))
            .into()
    })
}

#[derive(Debug, Args)]
pub(super) struct KeptArgs {
    /// The tables as an earlier run published them: its name or how that begins, its number, `published`, or `previous`.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// The tables that a command reads: those that are published, or those of an earlier run.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) catalog: Catalog,
    /// The run that was asked for.
    kept: Option<KeptRun>,
}

impl Read {
    /// Looks whether the files of these tables are there, if an earlier run was asked for: they may
    /// have been collected. Tables that it did not have are told by others.
    pub(super) fn verify_kept<'t>(
        &self,
        runtime: &Runtime,
        lake: &Lake,
        tables: impl IntoIterator<Item = &'t str>,
    ) -> anyhow::Result<()> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let versions: Vec<&TableVersion> =
            tables.into_iter().filter_map(|table| self.catalog.tables.get(table)).collect();
        Ok(runtime.block_on(lake.verify_kept(kept, versions))?)
    }

    /// Leaves out the tables that were collected, if an earlier run was asked for, and names them.
    pub(super) fn whole(mut self, runtime: &Runtime, lake: &Lake) -> anyhow::Result<Self> {
        if self.kept.is_some() {
            let lost = runtime.block_on(lake.lost_tables(&self.catalog))?;
            self.catalog.tables.retain(|table, _| !lost.contains(table));
            if !lost.is_empty() {
                let lost = lost.into_iter().collect::<Vec<_>>().join(", ");
                tracing::warn!("left out, as they are no longer there in full: {lost}");
            }
        }
        Ok(self)
    }

    /// The run that was asked for.
    pub(super) fn kept(&self) -> Option<&KeptRun> {
        self.kept.as_ref()
    }
}

impl KeptArgs {
    /// Whether an earlier run is asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.run.is_some()
    }

    /// What `read` comes to with what is published, or with what the run published that is asked for.
    /// Of that a lease is held meanwhile, since a collection of garbage may remove it.
    pub(super) fn read<T>(
        &self,
        runtime: &Runtime,
        lake: &Lake,
        read: impl FnOnce(Read) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let (found, lease) = begin(runtime, lake, self.run.as_deref())?;
        let outcome = read(found);
        kept::release(runtime, lease);
        outcome
    }
}

/// What is published, or what the run published that is asked for, with the lease on that.
pub(super) fn begin(
    runtime: &Runtime,
    lake: &Lake,
    run: Option<&str>,
) -> anyhow::Result<(Read, Option<HeldLease>)> {
    let Some(asked) = run else {
        return Ok((Read { catalog: catalog(runtime, lake)?, kept: None }, None));
    };
    let (mut found, _) = kept::find(runtime, lake, &[asked])?;
    let Some(run) = found.pop() else {
        return Err(UsersError(format!("no run `{asked}`")).into());
    };
    let lease = kept::lease(runtime, lake, &[&run.catalog], &command_line());
    Ok((Read { catalog: run.catalog.clone(), kept: Some(run) }, lease))
}
