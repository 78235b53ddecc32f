//! What can be measured of a table, and how: the arguments of `rebound measure`.

use crate::region_table::TableArgs;
use clap::builder::{EnumValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use project::config::choice::{CoOccurrenceMargin, OwnProduct, PciScale, RelatednessMeasure};
use project::config::count;
use report::output::OutputArgs;
use sources::input::Frame;
use std::path::Path;
use std::sync::Arc;

/// What to measure of which table, under which conventions.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// The table.
    #[command(flatten)]
    pub(super) table: TableArgs,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', num_args = 1.., help_heading = "Measures", default_values = [
        "rca", "specialized", "density", "outlook-gain", "diversity", "eci", "outlook-index", "ubiquity", "pci",
    ])]
    pub(super) metrics: Vec<Metric>,
    /// What a row of the result is; by default what the metrics are of.
    #[arg(long, value_enum)]
    pub(super) rows: Option<Of>,
    /// The conventions of another tool; single ones can still be changed.
    #[arg(long, value_enum)]
    pub(super) like: Option<Tool>,
    /// RCA at or above it makes a specialisation; above it, like stata.
    #[arg(long)]
    pub(super) rca_threshold: Option<f64>,
    /// How relatedness is measured.
    #[arg(long, value_parser = EnumValueParser::<RelatednessMeasure>::new().try_map(of_regions))]
    pub(super) relatedness: Option<RelatednessMeasure>,
    /// What co-occurrence is compared with.
    #[arg(long, value_enum)]
    pub(super) margin: Option<CoOccurrenceMargin>,
    /// Whether a product counts among its own surroundings.
    #[arg(long, value_enum)]
    pub(super) diagonal: Option<OwnProduct>,
    /// What PCI is measured in.
    #[arg(long, value_enum)]
    pub(super) pci_scale: Option<PciScale>,
    /// Standard deviations of the population (0) or the sample (1).
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=1))]
    pub(super) ddof: Option<u8>,
    /// The closest share of pairs that counts as related.
    #[arg(long, default_value_t = 0.05)]
    pub(super) related_share: f64,
    /// Neighbours of nearest-density.
    #[arg(long, default_value_t = 50, value_parser = count(0..=1_000_000_000))]
    pub(super) nearest: usize,
    /// Steps of eci-reflections.
    #[arg(long, default_value_t = 20, value_parser = count(2..=10_000))]
    pub(super) reflections: usize,
    /// First digits of a product's code that are its group, for related-variety.
    #[arg(long, default_value_t = 2, value_parser = count(0..=100))]
    pub(super) group_digits: usize,
    /// In which form, and where to.
    #[command(flatten)]
    pub out: OutputArgs,
}

impl MeasureArgs {
    /// Has the rows of a frame read instead of the file.
    pub fn take_rows(&mut self, rows: Frame) {
        self.table.rows = Some(Arc::new(rows));
    }

    /// The files that are read.
    pub(crate) fn inputs(&self) -> [&Path; 1] {
        [&self.table.file]
    }
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Metric {
    Rca,
    Rsca,
    Specialized,
    Density,
    Distance,
    ValueDensity,
    NearestDensity,
    RelatedCount,
    RelatedMass,
    OutlookGain,
    Diversity,
    Eci,
    EciReflections,
    Fitness,
    OutlookIndex,
    MeanDensity,
    Coherence,
    Entropy,
    RelatedVariety,
    UnrelatedVariety,
    Hhi,
    HhiNormalized,
    Theil,
    Gini,
    Krugman,
    Hoover,
    Hachman,
    Ubiquity,
    Pci,
    FitnessComplexity,
    LocationalGini,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Of {
    /// A region and a product that both have something in the year.
    Cells,
    /// A region.
    Regions,
    /// A product.
    Products,
    /// A pair of related products.
    Pairs,
}

impl Metric {
    /// What it is measured of.
    pub(super) fn of(self) -> Of {
        match self {
            Self::Rca
            | Self::Rsca
            | Self::Specialized
            | Self::Density
            | Self::Distance
            | Self::ValueDensity
            | Self::NearestDensity
            | Self::RelatedCount
            | Self::RelatedMass
            | Self::OutlookGain => Of::Cells,
            Self::Ubiquity | Self::Pci | Self::FitnessComplexity | Self::LocationalGini => {
                Of::Products
            }
            _ => Of::Regions,
        }
    }

    /// The name of its column.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().replace('-', "_"))
    }
}

/// A tool whose conventions can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Tool {
    PyEcomplexity,
    Stata,
    Economiccomplexity,
    Econcomplex,
    Econgeo,
}

/// A measure that a table of regions has.
fn of_regions(measure: RelatednessMeasure) -> Result<RelatednessMeasure, String> {
    match measure {
        RelatednessMeasure::Additions => {
            Err("additions are of firms: a pipeline measures them by `relatedness.measure`"
                .to_owned())
        }
        measure => Ok(measure),
    }
}
