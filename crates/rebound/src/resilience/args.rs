//! What is asked of which table: the arguments of `rebound resilience`.

use super::names::rows_names;
use crate::region_table::TableArgs;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use project::config::choice::{AbsentRegions, region_benchmarks};
use project::config::count;
use project::config::range::THREADS;
use report::output::OutputArgs;
use sources::input::Frame;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The resilience of which table's regions, over which periods, against which benchmarks.
#[derive(Debug, Args)]
pub struct ResilienceArgs {
    /// The table; without a column of products a value is of a region as a whole.
    #[command(flatten)]
    pub(super) table: TableArgs,
    /// Periods whose mean is the base, with commas: years (2008), quarters (2008Q3) or months (2008-09, Sep 2008).
    #[arg(long, value_name = "PERIODS", help_heading = "Episode")]
    pub(super) base: Vec<String>,
    /// The period of the trough.
    #[arg(long, value_name = "PERIOD", help_heading = "Episode")]
    pub(super) trough: Option<String>,
    /// The period of the end of the recovery.
    #[arg(long, value_name = "PERIOD", help_heading = "Episode")]
    pub(super) end: Option<String>,
    /// The period whose structure is compared with the base's; the end unless said otherwise.
    #[arg(long, value_name = "PERIOD", help_heading = "Episode")]
    pub(super) transformation: Option<String>,
    /// Periods whose sum stands for the last of them: 12 months take the seasons out.
    #[arg(long, value_name = "N", value_parser = count(1..=1200), help_heading = "Episode")]
    pub(super) trailing: Option<usize>,
    /// What the episode is called in the rows; its periods unless said otherwise.
    #[arg(long, help_heading = "Episode")]
    pub(super) name: Option<String>,
    /// A table of dates by region: columns region, base, trough and end. Each different set of dates is an episode of
    /// all regions, against whom the regions that have it are compared; only their rows are given.
    #[arg(
        long = "episodes", value_name = "FILE", conflicts_with_all = ["base", "trough"], help_heading = "Episode"
    )]
    pub(super) own_dates: Option<PathBuf>,
    /// Rows that are read instead of that table.
    #[arg(skip)]
    pub(super) rows_of_dates: Option<Arc<Frame>>,
    /// Give no rows of regions that the table of dates does not list; they are still among whom others are compared with.
    #[arg(long, requires = "own_dates", help_heading = "Episode")]
    pub(super) only_listed: bool,
    /// What regions are compared with, as `resilience.region_benchmarks` of a config; `mix` of regions is `product` of
    /// region-products; `all` is every one that means something for the table.
    #[arg(
        long, value_name = "NAMES", value_delimiter = ',', value_parser = PossibleValuesParser::new(benchmarks()),
        help_heading = "Conventions"
    )]
    pub(super) benchmark: Vec<String>,
    /// No index is divided by an expected growth smaller than this.
    #[arg(long, value_name = "GROWTH", help_heading = "Conventions")]
    pub(super) near_zero: Option<f64>,
    /// No index is computed from less than this at the start of its stage.
    #[arg(long, value_name = "VALUE", help_heading = "Conventions")]
    pub(super) min_base_value: Option<f64>,
    /// What a region without rows in a period is.
    #[arg(long, value_enum, help_heading = "Conventions")]
    pub(super) absent_regions: Option<AbsentRegions>,
    /// Years before the base whose mean log growth is the own trend.
    #[arg(long, value_name = "N", help_heading = "Conventions")]
    pub(super) trend_years: Option<usize>,
    /// Replicates of the intervals; 0: none.
    #[arg(long, value_name = "N", help_heading = "Conventions")]
    pub(super) bootstrap: Option<usize>,
    /// Share of the replicates inside the interval.
    #[arg(long, value_name = "SHARE", help_heading = "Conventions")]
    pub(super) level: Option<f64>,
    /// What random numbers start from.
    #[arg(long, value_name = "N", help_heading = "Conventions")]
    pub(super) seed: Option<u64>,
    /// A config over default.yaml, as pipelines have it; options go over it.
    #[arg(long, value_name = "FILE", help_heading = "Conventions")]
    pub(super) config: Option<PathBuf>,
    /// Which table is given: one of `resilience.*`; also `regions` (region), `cells` (region-product), `periods`
    /// (region-period) and `pairs` (rank-pair).
    #[arg(
        long, value_parser = PossibleValuesParser::new(rows_names()),
        conflicts_with = "all", help_heading = "Rows"
    )]
    pub rows: Option<String>,
    /// Write every table that can be made, each as a file in the folder of `--output`.
    #[arg(long, requires = "output", help_heading = "Rows")]
    pub all: bool,
    /// Draw a page too, `report.html` and its figures in a folder, as `rebound report` does of a pipeline.
    #[arg(long, value_name = "FOLDER", conflicts_with = "own_dates", help_heading = "Rows")]
    pub report: Option<PathBuf>,
    /// Threads; 0: one a core. Never changes a number.
    #[arg(long, value_parser = count(THREADS))]
    pub threads: Option<usize>,
    /// In which form, and where to.
    #[command(flatten, next_help_heading = "Rows")]
    pub out: OutputArgs,
}

/// What stands for all benchmarks that a table can have.
const ALL: &str = "all";

/// Whether a benchmark is of another economy, which a table does not have.
fn is_of_reference(name: &str) -> bool {
    name.starts_with("reference")
}

/// The names of benchmarks, and what stands for all of them; those of another economy are not shown.
fn benchmarks() -> Vec<PossibleValue> {
    let value = |name: &'static str| PossibleValue::new(name).hide(is_of_reference(name));
    region_benchmarks().into_iter().chain([ALL]).map(value).collect()
}

impl ResilienceArgs {
    /// Whether all benchmarks are asked for that mean something.
    pub(super) fn asks_for_all(&self) -> bool {
        self.benchmark.iter().any(|name| name == ALL)
    }

    /// The names of the benchmarks that are asked for, in order.
    pub(super) fn benchmark_names(&self) -> Vec<String> {
        let mut names: Vec<String> = match self.asks_for_all() {
            true => {
                let all = region_benchmarks().into_iter();
                all.filter(|name| !is_of_reference(name)).map(str::to_owned).collect()
            }
            false => self.benchmark.clone(),
        };
        names.sort();
        names.dedup();
        names
    }

    /// Has the rows of a frame read instead of the file.
    pub fn take_rows(&mut self, rows: Frame) {
        self.table.rows = Some(Arc::new(rows));
    }

    /// Has the rows of a frame read instead of the table of dates.
    pub fn take_dates(&mut self, rows: Frame) {
        self.rows_of_dates = Some(Arc::new(rows));
    }

    /// The files that are read.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        let others = [&self.own_dates, &self.config].into_iter().flatten();
        std::iter::once(&self.table.file).chain(others).map(PathBuf::as_path)
    }
}
