//! `synth`.

use crate::synth::{self, Nation, Packing};
use clap::Args;
use project::config::count;
use project::layout_file;
use report::destination;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct SynthArgs {
    /// The layout file.
    #[arg(long)]
    layout: PathBuf,
    /// The folder to write to.
    #[arg(long, short)]
    output: PathBuf,
    /// About how many records, over all years; at least one a year, region, product and firm that go together.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    rows: u64,
    /// Regions.
    #[arg(long, default_value_t = 60, value_parser = count(1..=100_000))]
    regions: usize,
    /// Products.
    #[arg(long, default_value_t = 500, value_parser = count(1..=100_000))]
    products: usize,
    /// First year.
    #[arg(long, default_value_t = 2007, value_parser = clap::value_parser!(i32).range(1900..=2100))]
    from: i32,
    /// Last year.
    #[arg(long, default_value_t = 2011, value_parser = clap::value_parser!(i32).range(1900..=2100))]
    to: i32,
    /// Share of the rows that are spoiled, 0 to 1.
    #[arg(long, default_value_t = 0.001)]
    dirt: f64,
    /// What the random numbers start from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Pack the files of records.
    #[arg(long, value_enum)]
    pack: Option<Packing>,
}

/// Writes a made-up nation's records.
pub(super) fn synth(out: &mut impl Write, args: &SynthArgs) -> anyhow::Result<()> {
    destination::is_folder_name(&args.output)?;
    let layout = layout_file::read(&args.layout)?;
    let nation = Nation {
        rows: args.rows,
        regions: args.regions,
        products: args.products,
        years: (args.from, args.to),
        dirt: args.dirt,
        seed: args.seed,
    };
    let written = synth::write(&nation, &layout, args.pack, &args.output)?;
    let n_rejects: u64 = written.rejects.values().sum();
    writeln!(
        out,
        "made up {} records worth {} in {}, and {n_rejects} rows that must be rejected; what is true of them is in truth.yaml",
        written.rows,
        written.value,
        args.output.display()
    )?;
    Ok(())
}
