//! What a config may choose between: each choice is one enum, for files, the command line and the
//! documentation. The pure crates have enums of their own, without names; one `From` leads there.

use clap::ValueEnum;
use resilience::Benchmark;
use resilience::donors::Scale as PathScale;
use serde::{Deserialize, Serialize};
use space::complexity::Scale;
use space::{Diagonal, GainForm, Margin};
use std::fmt::Display;
use std::ops::Deref;
use std::str::FromStr;

/// A choice that has a name.
pub trait Choice: ValueEnum {
    /// Its name in files and tables.
    fn name(&self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().replace('-', "_"))
    }
}

impl<T: ValueEnum> Choice for T {}

/// A value of another crate that files write as it prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named<T>(pub T);

impl<T> Deref for Named<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Display> Serialize for Named<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Named<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// Which flow is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Exports.
    Export,
    /// Imports.
    Import,
}

/// By what a region-product's value is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The country of destination.
    Destination,
    /// Who owns the firm.
    Ownership,
    /// Ordinary or processing trade, and their kinds.
    TradeMode,
    /// Ownership and trade mode together.
    OwnershipTradeMode,
}

/// What is counted of a region-product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// How many destinations there are.
    Destinations,
    /// How many firms there are.
    Firms,
}

/// How RCA is compared with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum RcaComparison {
    /// The threshold counts.
    AtLeast,
    /// It does not.
    Above,
}

/// What shares are compared with in RCA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum RcaReference {
    /// The sum of the regions.
    National,
    /// The pipeline's table `reference`.
    External,
}

/// How relatedness is measured; see [`space::Measure`] for formulas and sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum RelatednessMeasure {
    /// The smaller conditional probability: Hidalgo et al. (2007).
    Proximity,
    /// The conditional probability.
    Conditional,
    /// Cosine.
    Cosine,
    /// Jaccard.
    Jaccard,
    /// Association strength.
    Association,
    /// Probability index.
    Probability,
    /// Standard deviations above the hypergeometric mean: Teece et al. (1994).
    Survivor,
    /// Observed over expected, rescaled to `[-1, 1)`.
    Revealed,
    /// Correlation of RCA.
    Correlation,
    /// Ellison, Glaeser & Kerr (2010).
    Coagglomeration,
    /// What firms with one product add from the first year to the last.
    Additions,
}

impl RelatednessMeasure {
    /// The measure of co-occurrence that it is, if it is one; `margin` is what co-occurrence is
    /// compared with.
    pub fn of_co_occurrence(self, margin: CoOccurrenceMargin) -> Option<space::Measure> {
        let margin = Margin::from(margin);
        Some(match self {
            Self::Proximity => space::Measure::Proximity,
            Self::Conditional => space::Measure::Conditional,
            Self::Cosine => space::Measure::Cosine(margin),
            Self::Jaccard => space::Measure::Jaccard(margin),
            Self::Association => space::Measure::Association(margin),
            Self::Probability => space::Measure::Probability(margin),
            Self::Survivor => space::Measure::Survivor,
            Self::Revealed => space::Measure::Revealed,
            Self::Correlation | Self::Coagglomeration | Self::Additions => return None,
        })
    }
}

/// What co-occurrence is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum CoOccurrenceMargin {
    /// Regions with the product.
    Ubiquity,
    /// The product's co-occurrences, as in EconGeo.
    CoOccurrence,
}

impl From<CoOccurrenceMargin> for Margin {
    fn from(margin: CoOccurrenceMargin) -> Self {
        match margin {
            CoOccurrenceMargin::Ubiquity => Self::Ubiquity,
            CoOccurrenceMargin::CoOccurrence => Self::CoOccurrence,
        }
    }
}

/// Where relatedness comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ProximitySource {
    /// The data's own regions.
    Regions,
    /// The data's own firms.
    Firms,
    /// The pipeline's table `proximity`.
    External,
}

/// Whether a product counts among its own surroundings in density.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OwnProduct {
    /// It does not.
    Excluded,
    /// It does.
    Included,
}

impl From<OwnProduct> for Diagonal {
    fn from(own: OwnProduct) -> Self {
        match own {
            OwnProduct::Excluded => Self::Excluded,
            OwnProduct::Included => Self::Included,
        }
    }
}

/// How links are tested against chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LinkValidation {
    /// They are not.
    None,
    /// Against draws without replacement.
    Hypergeometric,
    /// Against shuffles that keep both margins.
    Permutation,
}

/// What PCI is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum PciScale {
    /// The spread of regions.
    Regions,
    /// The spread of products.
    Products,
}

impl From<PciScale> for Scale {
    fn from(scale: PciScale) -> Self {
        match scale {
            PciScale::Regions => Self::Regions,
            PciScale::Products => Self::Products,
        }
    }
}

/// The PCI that the outlook takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OutlookPci {
    /// As the eigenvector has it.
    Uncentered,
    /// With its mean taken off.
    Standardized,
}

/// What the gain of the outlook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OutlookGain {
    /// What a product brings nearer.
    Nearer,
    /// Less its own place in the outlook.
    NearerLessOwn,
    /// The mean.
    Mean,
}

impl From<OutlookGain> for GainForm {
    fn from(gain: OutlookGain) -> Self {
        match gain {
            OutlookGain::Nearer => Self::Nearer,
            OutlookGain::NearerLessOwn => Self::NearerLessOwn,
            OutlookGain::Mean => Self::Mean,
        }
    }
}

/// What a region without rows in a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum AbsentRegions {
    /// Its file was not delivered: it has no index.
    Missing,
    /// It exported nothing.
    Zero,
}

/// The names of what regions may be compared with.
pub fn region_benchmarks() -> Vec<&'static str> {
    Benchmark::ALL.iter().map(|benchmark| benchmark.name()).collect()
}

/// What a region-product is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ProductBenchmark {
    /// All regions, all products.
    Aggregate,
    /// All regions, the same product.
    Product,
    /// All other regions, all products.
    AggregateLoo,
    /// All other regions, the same product.
    ProductLoo,
    /// Its own growth before the base.
    OwnTrend,
    /// Another economy, all products.
    Reference,
    /// Another economy, the same product.
    ReferenceProduct,
}

impl From<ProductBenchmark> for Benchmark {
    fn from(benchmark: ProductBenchmark) -> Self {
        match benchmark {
            ProductBenchmark::Aggregate => Self::Aggregate,
            ProductBenchmark::Product => Self::Mix,
            ProductBenchmark::AggregateLoo => Self::AggregateLeaveOneOut,
            ProductBenchmark::ProductLoo => Self::MixLeaveOneOut,
            ProductBenchmark::OwnTrend => Self::OwnTrend,
            ProductBenchmark::Reference => Self::Reference,
            ProductBenchmark::ReferenceProduct => Self::ReferenceMix,
        }
    }
}

/// What regions are compared in where one is expected to be as others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum DonorScale {
    /// Logs of exports over the region's mean before.
    Log,
    /// Exports over that mean.
    Index,
    /// Exports.
    Level,
}

impl From<DonorScale> for PathScale {
    fn from(scale: DonorScale) -> Self {
        match scale {
            DonorScale::Log => Self::Log,
            DonorScale::Index => Self::Index,
            DonorScale::Level => Self::Level,
        }
    }
}

/// How neighbours are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SpatialWeights {
    /// Regions whose borders meet.
    Contiguity,
    /// The nearest.
    Nearest,
    /// All within the band, by the inverse of their distance.
    InverseDistance,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_has_one_name_in_files_and_tables() {
        for benchmark in ProductBenchmark::value_variants() {
            let name = serde_json::to_value(benchmark).expect("JSON");
            assert_eq!(name, benchmark.name());
        }
    }
}
