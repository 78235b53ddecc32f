//! What can be measured of a table, and how: the arguments of `rebound measure`.

use clap::builder::{EnumValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use project::config::choice::{CoOccurrenceMargin, OwnProduct, PciScale, RelatednessMeasure};
use project::config::count;
use project::read_options::ReadOptions;
use report::output::{CsvArgs, Format};
use std::path::PathBuf;

/// What to measure of which table, under which conventions.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// A table with a row a region and product (and year): delimited text, a workbook, Parquet,
    /// Arrow, Stata or JSON, plain or packed.
    pub(super) file: PathBuf,
    /// Its column of regions (found by its name if it is a usual one).
    #[arg(long)]
    pub(super) region: Option<String>,
    /// Its column of products.
    #[arg(long)]
    pub(super) product: Option<String>,
    /// Its column of values: exports, employees, patents.
    #[arg(long)]
    pub(super) value: Option<String>,
    /// Its column of years or other periods, each measured on its own; `none` if it has one that must not be used.
    #[arg(long)]
    pub(super) year: Option<String>,
    /// The rows that are measured: a SQL condition, as in "flowCode = 'X' and partnerISO <> 'W00'".
    #[arg(long = "where", short = 'w', value_name = "CONDITION")]
    pub(super) condition: Option<String>,
    /// What becomes of rows with a negative value.
    #[arg(long, value_enum, default_value = "refuse")]
    pub(super) negative: Negative,
    /// Fill product codes up to so many digits with zeros in front, which numbers have lost.
    #[arg(long, value_parser = count(1..=12))]
    pub(super) product_digits: Option<usize>,
    /// How the file is read.
    #[command(flatten, next_help_heading = "Reading the file (what is not told is seen in it)")]
    pub(super) read: ReadOptions,
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
    /// Form of the rows.
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,
    /// Write to a file instead of standard output.
    #[arg(long, short)]
    pub output: Option<PathBuf>,
    /// Formulas.
    #[command(flatten)]
    pub csv: CsvArgs,
}

/// What becomes of rows with a negative value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Negative {
    /// They are an error.
    Refuse,
    /// They are left out, which is said with their number and value.
    LeaveOut,
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
