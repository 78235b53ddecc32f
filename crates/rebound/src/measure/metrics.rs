//! Each metric, by name.

use super::args::Metric;
use super::period::Period;
use super::values::Values;
use super::{complexity, concentration, relatedness, specialization};

/// The values of a metric, one for each cell, region or product of the period.
pub(super) fn values(period: &Period<'_>, metric: Metric) -> Values {
    match metric {
        Metric::Rca => specialization::rca(period),
        Metric::Rsca => specialization::symmetric_rca(period),
        Metric::Specialized => specialization::specialized(period),
        Metric::Diversity => specialization::diversity(period),
        Metric::Ubiquity => specialization::ubiquity(period),
        Metric::Density => relatedness::density(period),
        Metric::Distance => relatedness::distance(period),
        Metric::ValueDensity => relatedness::value_density(period),
        Metric::NearestDensity => relatedness::nearest_density(period),
        Metric::RelatedCount => relatedness::related_count(period),
        Metric::RelatedMass => relatedness::related_mass(period),
        Metric::MeanDensity => relatedness::mean_density(period),
        Metric::Coherence => relatedness::coherence(period),
        Metric::Eci => complexity::eci(period),
        Metric::Pci => complexity::pci(period),
        Metric::EciReflections => complexity::eci_reflections(period),
        Metric::Fitness => complexity::region_fitness(period),
        Metric::FitnessComplexity => complexity::product_complexity(period),
        Metric::OutlookGain => complexity::outlook_gain(period),
        Metric::OutlookIndex => complexity::outlook_index(period),
        Metric::Entropy => concentration::entropy_of_products(period),
        Metric::RelatedVariety => concentration::variety_within_groups(period),
        Metric::UnrelatedVariety => concentration::variety_between_groups(period),
        Metric::Hhi => concentration::concentrated(period, |found| Some(found.hhi)),
        Metric::HhiNormalized => concentration::concentrated(period, |found| found.hhi_normalized),
        Metric::Theil => concentration::concentrated(period, |found| Some(found.theil)),
        Metric::Gini => concentration::concentrated(period, |found| Some(found.gini)),
        Metric::Krugman => concentration::specific(period, |found| found.krugman),
        Metric::Hoover => concentration::specific(period, |found| found.hoover()),
        Metric::Hachman => concentration::specific(period, |found| found.hachman),
        Metric::LocationalGini => concentration::locational_gini(period),
    }
}
