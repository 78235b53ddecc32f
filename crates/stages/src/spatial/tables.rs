//! The tables `spatial.*`.

use super::super::table::{Table, region, tables};
use lake::Contract;

pub(crate) fn contracts() -> Vec<&'static Contract> {
    vec![Measure::contract(), Region::contract(), Convergence::contract()]
}

tables! {
    /// Which measure a row is about.
    pub(super) struct MeasureColumns<'a> {
        source_table: Text, "", "table that holds the measure";
        measure: Text, "", "its column";
        period: Text, "", "year, or episode / benchmark";
    }

    /// How unequal regions are, counting alike and by their exports.
    pub(super) struct InequalityColumns {
        cv?: Float, "ratio", "coefficient of variation; null if the mean is 0";
        cv_weighted?: Float, "ratio", "the same, regions weighted by their exports of all years: Williamson's (1965) index with exports in the place of people";
        sd_log?: Float, "log points", "standard deviation of logarithms: sigma convergence if it falls from year to year; null if a value is not above 0";
        gini?: Float, "0..1", "Gini; null if a value is negative, or all are 0";
        gini_weighted?: Float, "0..1", "the same, weighted";
        theil?: Float, "nats", "Theil's T; null if a value is not above 0";
        theil_between?: Float, "nats", "its part between groups of regions";
        theil_within?: Float, "nats", "its part within them";
        theil_weighted?: Float, "nats", "Theil's T, weighted";
        theil_between_weighted?: Float, "nats", "its part between groups";
        theil_within_weighted?: Float, "nats", "its part within them";
    }

    /// How a measure differs over space.
    pub(super) struct MeasureRow<'a> {
        ..measure: MeasureColumns<'a>, MeasureColumns::columns();
        n_regions: Count, "regions", "regions that have it";
        mean: Float, "the measure's", "mean, regions counting alike";
        ..inequality: InequalityColumns, InequalityColumns::columns();
        n_groups: Count, "groups", "groups of the regions that have it";
        n_with_neighbours: Count, "regions", "regions that have it and a neighbour that has it";
        moran?: Float, "index", "Moran's I";
        moran_expected?: Float, "index", "what it is by chance";
        moran_p_value?: Float, "probability", "two-sided, by permutation";
        moran_null_reason?: Text, "", "no_boundaries, no_neighbours, too_few_regions or no_spread";
    }

    /// `spatial.measure`.
    pub(super) table Measure(MeasureRow<'a>) = "spatial.measure",
        "how a measure of regions differs over space, in a year or an episode",
        ["source_table", "period", "measure"], MeasureRow::columns();

    /// A region among its neighbours.
    pub(super) struct RegionRow<'a> {
        ..measure: MeasureColumns<'a>, MeasureColumns::columns();
        region_code: Text = region();
        value: Float, "the measure's", "its value";
        neighbour_mean?: Float, "the measure's", "weighted mean of its neighbours; null without any, or where all regions are alike";
        local_moran?: Float, "index", "local Moran's I (Anselin 1995)";
        p_value?: Float, "probability", "two-sided, by conditional permutation";
        lisa_class?: Text, "", "high_high, low_low, high_low or low_high; not_significant above the config's p-value";
    }

    /// `spatial.region`.
    pub(super) table Region(RegionRow<'a>) = "spatial.region",
        "a region's place among its neighbours, by measure and year or episode",
        ["source_table", "period", "measure", "region_code"], RegionRow::columns();

    /// Convergence over a span of years.
    pub(super) struct ConvergenceRow<'a> {
        from_year: Int, "", "year that growth is from";
        to_year: Int, "", "year that it is to";
        n_regions: Count, "regions", "regions with exports in both years";
        sigma_from?: Float, "log points", "standard deviation of their log exports in the first year";
        sigma_to?: Float, "log points", "the same in the last: sigma convergence if it is less";
        beta?: Float, "log points", "growth a year that goes with exports higher by one log point in the first year; below 0: beta convergence (Barro & Sala-i-Martin 1992)";
        beta_standard_error?: Float, "log points", "of least squares, regions counting alike";
        r_squared?: Float, "0..1", "share of the variance of growth that initial exports explain";
        speed?: Float, "log points", "-ln(1 + beta T) / T: share of the gap that is closed in a year; below 0: it widens";
        half_life?: Float, "years", "time to close half of the gap";
        null_reason?: Text, "", "too_few_regions, no_spread; changes_places: 1 + beta T is not above 0, and there is no speed; no_convergence: there is no half-life";
    }

    /// `spatial.convergence`.
    pub(super) table Convergence(ConvergenceRow<'a>) = "spatial.convergence",
        "whether regions' exports became more alike: from the first year of the data to the last, and from the base year to the end year of each episode",
        ["from_year", "to_year"], ConvergenceRow::columns();
}
