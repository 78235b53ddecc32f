//! The lake that commands read, and how much memory they have.

use super::failure::UsersError;
use clap::Args;
use lake::{Catalog, Lake};
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
        let is_folder = !self.lake.contains("://");
        if is_folder && !Path::new(&self.lake).is_dir() {
            return Err(UsersError(format!(
                "no lake in `{}`: give its folder with --lake or REBOUND_LAKE, or make one with `rebound run`",
                self.lake
            ))
            .into());
        }
        Ok(Lake::open(&self.lake)?)
    }
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
