//! The tables `resilience.*`.

use super::super::table::{SHARE, Table, UNITS, column, episode, product, region, tables};
use lake::{Column, Contract, Kind};

pub(crate) fn contracts() -> Vec<&'static Contract> {
    vec![
        Episode::contract(),
        Region::contract(),
        MacroRegion::contract(),
        Product::contract(),
        Nation::contract(),
        RegionProduct::contract(),
        RegionTradeMode::contract(),
        RegionOwnership::contract(),
        RegionDestination::contract(),
        RegionPeriod::contract(),
        NationPeriod::contract(),
        RegionCycle::contract(),
        UnitValue::contract(),
        ShiftShare::contract(),
        Margins::contract(),
        Transformation::contract(),
        ProductTransformation::contract(),
    ]
}

/// What a product of a region is compared with.
const BENCHMARKS: &str =
    "aggregate, product, aggregate_loo, product_loo, own_trend, reference or reference_product";

/// What a part of a region's exports is compared with, where parts are called `what`.
fn benchmarks_by(what: &str) -> String {
    format!("{BENCHMARKS}; product: national growth of the {what}")
}

/// The one unit that all regions are.
fn nation() -> Column {
    column("nation", Kind::Text, "", "all regions of the pipeline")
}

/// A form of the response over `stage`.
fn form(stage: &str, suffix: &str, unit: &str, about: &str) -> Column {
    column(&format!("{stage}{suffix}?"), Kind::Float, unit, about)
}

tables! {
    /// Exports at base, trough and end.
    pub(super) struct Levels {
        base_value?: Money, UNITS, "exports at the base: mean of the base years, rounded to 0.01; null: a base year was not reported";
        trough_value?: Money, UNITS, "exports in the trough year; null: not reported";
        end_value?: Money, UNITS, "exports in the end year; null: not reported";
    }

    /// The forms of the response over a stage.
    pub(super) struct Forms<'a>(stage: &str, from: &str, to: &str) {
        growth?: Float = form(stage, "_growth", "fraction", &format!("growth from {from} to {to}"));
        expected_change?: Float = form(stage, "_expected_change", UNITS, "change that the benchmark expects");
        index?: Float = form(stage, "", "ratio", "index: (change - expected change) / |expected change|; > 0 is better than expected (Martin et al. 2016)");
        diff?: Float = form(stage, "_diff", "fraction", "growth less expected growth");
        dlog?: Float = form(stage, "_dlog", "log points", "log growth less expected log growth; null on exit");
        dhs?: Float = form(stage, "_dhs", "-2..2", "midpoint growth (Davis, Haltiwanger & Schuh 1996)");
        ratio?: Float = form(stage, "_ratio", "ratio", "growth factor over the expected one; above 1 is better than expected (Faggian et al. 2018)");
        null_reason?: Text = column(&format!("{stage}_null_reason?"), Kind::Text, "", "why the index is null");
    }

    /// An episode.
    pub(super) struct EpisodeRow<'a> {
        episode: Text = episode();
        frequency: Text, "", "year, quarter or month";
        base: Text, "", "periods whose mean is the base";
        trough: Text, "", "period of the trough";
        end: Text, "", "period of the end of the recovery";
        transformation: Text, "", "period compared with the base for the structure";
        trailing: Int, "periods", "periods whose sum stands for the last of them";
        base_year: Int, "", "year of the last base period";
        trough_year: Int, "", "year of the trough";
        end_year: Int, "", "year of the end";
        transformation_year: Int, "", "year of the transformation";
        regressor_year: Int, "", "last whole year that ends with the base or before it: what the panels explain with is of this year";
        ..levels: Levels, Levels::columns();
        resistance_growth?: Float, "fraction", "growth from base to trough of the regions that were reported at both ends with the same borders";
        recovery_growth?: Float, "fraction", "the same from trough to end";
        n_regions_resistance: Count, "regions", "regions it is of, that exported anything";
        n_regions_recovery: Count, "regions", "the same from trough to end";
        n_regions_compared: Count, "regions", "regions reported at base, trough and end with the same borders: those that resilience.nation is of";
        n_negative_cells: Count, "cells", "region-products below zero at base, trough and end, which count as zero in every table of resilience";
        negative_value: Money, UNITS, "their sum";
    }

    /// `resilience.episode`.
    pub(super) table Episode(EpisodeRow<'a>) = "resilience.episode",
        "an episode of the config and the nation's path through it",
        ["episode"], EpisodeRow::columns();

    /// A unit as a whole, such as a region, against a benchmark.
    pub(super) struct UnitRow<'a>(unit: Column) {
        episode: Text = episode();
        benchmark: Text, "", "aggregate, mix, aggregate_loo, mix_loo, own_trend, reference or reference_mix";
        unit: Text = unit;
        ..levels: Levels, Levels::columns();
        ..resistance: Forms<'a>, Forms::columns("resistance", "base", "trough");
        ..recovery: Forms<'a>, Forms::columns("recovery", "trough", "end");
        quadrant?: Text = column("type?", Kind::Text, "", "resistant or vulnerable, recovering or lagging: by the signs of both indices");
        sensitivity?: Float, "ratio", "growth over national growth, base to trough; above 1 is hit harder when the nation falls (Martin 2012)";
        level_recovery?: Float, "ratio", "end over base";
        recovered_share?: Float, "ratio", "share of the loss made up by the end; null without a loss of near_zero or more";
        drop?: Float, "fraction", "how far the trough is below the level that the benchmark expects; with own_trend, of Han & Goetz 2015";
        rebound?: Float, "fraction", "growth from the trough to the end";
        drop_rebound?: Float, "ratio", "rebound over drop; null without a drop of near_zero or more";
        cumulative_loss?: Float, UNITS, "expected less found, summed over the periods after the base up to the end; divided by trailing, as sums of trailing periods hold each so many times";
        cumulative_loss_share?: Float, "fraction", "the same over what was expected";
        expected_sign?: Int, "-1, 0, 1", "sign of the expected change to the trough: +1 means resistance is beating an expansion";
        resistance_low?: Float, "ratio", "lower end of the interval of the index, by bootstrap over its products (for a product: regions); null: fewer than two, or a tenth of the replicates have no index";
        resistance_high?: Float, "ratio", "upper end";
        recovery_low?: Float, "ratio", "lower end of the interval of the index";
        recovery_high?: Float, "ratio", "upper end";
        largest_part?: Text, "", "the product (for a product: the region) with most exports at the base";
        largest_part_share?: Float, SHARE, "its share: one product can make an index";
    }

    /// `resilience.region`.
    pub(super) table Region(UnitRow<'a>) = "resilience.region",
        "resistance and recovery of a region against a benchmark",
        ["episode", "benchmark", "region_code"], UnitRow::columns(region());

    /// `resilience.macro_region`.
    pub(super) table MacroRegion(UnitRow<'a>) = "resilience.macro_region",
        "resistance and recovery of a group of regions against a benchmark; values are of the regions reported in that period, growth and indices of those reported at both ends of the stage",
        ["episode", "benchmark", "macro_region"],
        UnitRow::columns(column("macro_region", Kind::Text, "", "group of regions: of the pipeline's table `groups`, or the first spatial.group_digits of the code"));

    /// `resilience.product`.
    pub(super) table Product(UnitRow<'a>) = "resilience.product",
        "resistance and recovery of a product over the regions reported at both ends of a stage against a benchmark; mix: its regions' growth",
        ["episode", "benchmark", "product"], UnitRow::columns(product());

    /// `resilience.nation`.
    pub(super) table Nation(UnitRow<'a>) = "resilience.nation",
        "the path of the regions reported at base, trough and end with the same borders (resilience.episode.n_regions_compared), in all columns, against their trend or another economy; against aggregate and mix it has no index, as it is both",
        ["episode", "benchmark", "nation"], UnitRow::columns(nation());

    /// A part of a region's exports against a benchmark.
    pub(super) struct CellRow<'a>(part: Column, benchmarks: &str) {
        episode: Text = episode();
        benchmark: Text, "", benchmarks;
        region_code: Text = region();
        part: Text = part;
        status: Text, "", "continuing, entry, exit, re_entry, late_exit, late_entry, passing, absent (from all three), or unknown: the region was not reported at one";
        ..levels: Levels, Levels::columns();
        ..resistance: Forms<'a>, Forms::columns("resistance", "base", "trough");
        ..recovery: Forms<'a>, Forms::columns("recovery", "trough", "end");
        resistance_winsorized?: Float, "ratio", "index, pulled in to the quantiles resilience.winsorized_share and 1 less it of its episode and benchmark";
        recovery_winsorized?: Float, "ratio", "the same of recovery";
        level_recovery?: Float, "ratio", "end over base; null without a base";
        recovered_share?: Float, "ratio", "share of the loss made up by the end; null without a loss of near_zero or more";
    }

    /// `resilience.region_product`.
    pub(super) table RegionProduct(CellRow<'a>) = "resilience.region_product",
        "resistance and recovery of a region's product against a benchmark",
        ["episode", "benchmark", "region_code", "product"],
        CellRow::columns(product(), BENCHMARKS);

    /// `resilience.region_trade_mode`.
    pub(super) table RegionTradeMode(CellRow<'a>) = "resilience.region_trade_mode",
        "resistance and recovery of a region's exports by trade mode; episodes in years",
        ["episode", "benchmark", "region_code", "trade_mode"],
        CellRow::columns(
            column("trade_mode", Kind::Text, "", "customs regime"),
            &benchmarks_by("trade mode"),
        );

    /// `resilience.region_ownership`.
    pub(super) table RegionOwnership(CellRow<'a>) = "resilience.region_ownership",
        "resistance and recovery of a region's exports by ownership of the firm; episodes in years",
        ["episode", "benchmark", "region_code", "ownership"],
        CellRow::columns(
            column("ownership", Kind::Text, "", "ownership of the firm"),
            &benchmarks_by("ownership"),
        );

    /// `resilience.region_destination`.
    pub(super) table RegionDestination(CellRow<'a>) = "resilience.region_destination",
        "resistance and recovery of a region's exports by destination; episodes in years",
        ["episode", "benchmark", "region_code", "destination"],
        CellRow::columns(
            column("destination", Kind::Text, "", "country of destination"),
            &benchmarks_by("destination"),
        );

    /// A unit in a period.
    pub(super) struct PeriodRow<'a>(benchmarks: &str, unit: Column) {
        episode: Text = episode();
        benchmark: Text, "", benchmarks;
        unit: Text = unit;
        period: Text, "", "year, quarter or month";
        value?: Float, UNITS, "exports; null: not reported";
        expected_value?: Float, UNITS, "the base, grown as the benchmark; after the base only";
    }

    /// `resilience.region_period`.
    pub(super) table RegionPeriod(PeriodRow<'a>) = "resilience.region_period",
        "a region's path, period by period, and the path that the benchmark expects from the base on",
        ["episode", "benchmark", "region_code", "period"],
        PeriodRow::columns("as in resilience.region", region());

    /// `resilience.nation_period`.
    pub(super) table NationPeriod(PeriodRow<'a>) = "resilience.nation_period",
        "the nation's path, period by period, and the path that the benchmark expects from the base on: with own_trend, the path without a crisis",
        ["episode", "benchmark", "nation", "period"],
        PeriodRow::columns("as in resilience.nation", nation());

    /// A region's own course.
    pub(super) struct RegionCycleRow<'a> {
        episode: Text = episode();
        region_code: Text = region();
        peak?: Text, "", "period of the highest level from a year before the base to the trough (Sensier et al. 2016)";
        trough?: Text, "", "period of the lowest level from the peak to the end";
        n_periods_down?: Count, "periods", "from peak to trough";
        amplitude?: Float, "fraction", "change from peak to trough";
        regained?: Text, "", "first period after the trough at the level of the peak";
        n_periods_to_regain?: Count, "periods", "from trough to there";
        cycle_null_reason?: Text, "", "year_missing, region_changed or no_contraction";
        n_periods_to_recover?: Count, "periods", "from the episode's trough to the level of the base, 0 if it never fell below; null: not within the data";
        is_recovered?: Flag, "", "whether the level of the base is reached again within the data";
        is_shocked?: Flag, "", "growth over a year fell more than the margin below its mean of the years before (Hill et al. 2012)";
        is_resistant?: Flag, "", "not shocked, though the nation was";
        is_resilient?: Flag, "", "growth back at that mean in time; null: not shocked, or the data end too early";
        shock_null_reason?: Text, "", "too_few_periods, year_missing, region_changed, or no_growth_rate: from zero";
    }

    /// `resilience.region_cycle`.
    pub(super) table RegionCycle(RegionCycleRow<'a>) = "resilience.region_cycle",
        "a region's own course through an episode: turning points, time to come back, shock by growth alone",
        ["episode", "region_code"], RegionCycleRow::columns();

    /// Unit values and quality of a region's product.
    pub(super) struct UnitValueRow<'a> {
        episode: Text = episode();
        region_code: Text = region();
        product: Text = product();
        quantity_unit: Text, "", "unit of measure; empty: the source names none";
        unit_value_before?: Float, "currency a unit", "value over quantity, base";
        unit_value_after?: Float, "currency a unit", "the same, transformation";
        relative_before?: Float, "ratio", "over the unit value of all regions together; null: alone, or an outlier";
        relative_after?: Float, "ratio", "the same after";
        relative_change?: Float, "log points", "log of after over before: upgrading within the product if above 0";
        quality_before?: Float, "log points", "quality against the mean of the regions (Khandelwal, Schott & Wei 2013)";
        quality_after?: Float, "log points", "the same after";
        quality_change?: Float, "log points", "after less before";
        null_reason?: Text, "", "why the changes are null: no_quantity_before, no_quantity_after, outlier_or_alone, region_changed";
    }

    /// `resilience.unit_value`.
    pub(super) table UnitValue(UnitValueRow<'a>) = "resilience.unit_value",
        "unit values and quality of a region's product in one unit of measure, base and transformation; episodes in years",
        ["episode", "region_code", "product", "quantity_unit"], UnitValueRow::columns();

    /// Shift-share of a region over a stage.
    pub(super) struct ShiftShareRow<'a> {
        episode: Text = episode();
        stage: Text, "", "resistance or recovery";
        region_code: Text = region();
        change?: Float, UNITS, "change of exports";
        national?: Float, UNITS, "growth at the national rate";
        mix?: Float, UNITS, "due to the products it began with";
        competitive?: Float, UNITS, "gained or lost within products";
        null_reason?: Text, "", "year_missing, region_changed or no_base";
    }

    /// `resilience.shift_share`.
    pub(super) table ShiftShare(ShiftShareRow<'a>) = "resilience.shift_share",
        "a region's change over a stage: national + mix + competitive (Dunn 1960)",
        ["episode", "stage", "region_code"], ShiftShareRow::columns();

    /// Margins of a region over a stage.
    pub(super) struct MarginsRow<'a> {
        episode: Text = episode();
        stage: Text, "", "recovery, resistance, or transformation: from the base to its period";
        region_code: Text = region();
        change?: Float, UNITS, "change of exports";
        continuing?: Float, UNITS, "of products exported at both ends: the intensive margin";
        growing?: Float, UNITS, "of them, those that grew";
        shrinking?: Float, UNITS, "of them, those that fell; below zero";
        entering?: Float, UNITS, "of products exported at the end only";
        exiting?: Float, UNITS, "of products exported at the start only; below zero";
        null_reason?: Text, "", "year_missing or region_changed";
    }

    /// `resilience.margins`.
    pub(super) table Margins(MarginsRow<'a>) = "resilience.margins",
        "a region's change over a stage by what became of its products: continuing + entering + exiting",
        ["episode", "stage", "region_code"], MarginsRow::columns();

    /// Transformation of a region's product structure.
    pub(super) struct TransformationRow<'a> {
        episode: Text = episode();
        region_code: Text = region();
        michaely?: Float, "0..1", "half the sum of absolute share changes";
        similarity?: Float, "0..1", "1 - michaely (Finger & Kreinin 1979)";
        moore?: Float, "radians", "angle between the share vectors";
        lilien?: Float, "log points", "dispersion of growth over continuing products";
        n_continuing?: Count, "products", "exported before and after";
        n_entering?: Count, "products", "exported only after";
        n_exiting?: Count, "products", "exported only before";
        n_new_specializations?: Count, "products", "RCA met the rule only after";
        n_lost_specializations?: Count, "products", "RCA met the rule only before";
        null_reason?: Text, "", "year_missing, region_changed or no_base";
        pci_before?: Float, "z-score", "mean PCI of exports before, PCI fixed at the base";
        pci_after?: Float, "z-score", "mean PCI of exports after, PCI fixed at the base";
        upgrading?: Float, "z-score", "their difference";
        pci_coverage?: Float, SHARE, "share of exports after in products with a PCI";
        upgrading_null_reason?: Text, "", "why there is none";
        expy_before?: Float, "as incomes", "EXPY before, PRODY fixed at the base; null without a table `incomes`";
        expy_after?: Float, "as incomes", "EXPY after, PRODY fixed at the base";
        expy_change?: Float, "as incomes", "their difference";
        eci_before?: Float, "z-score", "ECI at the base";
        eci_after?: Float, "z-score", "ECI in the transformation period";
        eci_change?: Float, "z-score", "their difference; each is relative to the regions of its period";
        high_complexity_before?: Float, SHARE, "share of exports in the third of products with the highest PCI, before";
        high_complexity_after?: Float, SHARE, "the same after";
        high_complexity_change?: Float, SHARE, "their difference";
        entry_rate?: Float, SHARE, "new specialisations over the products that the region was not specialised in (Xiao, Boschma & Andersson 2018)";
        entry_rate_before?: Float, SHARE, "the same over as many periods before the base; null: the data begin later";
    }

    /// `resilience.transformation`.
    pub(super) table Transformation(TransformationRow<'a>) = "resilience.transformation",
        "how a region's product structure moved from the base to the transformation year",
        ["episode", "region_code"], TransformationRow::columns();

    /// A product's part in the transformation of a region.
    pub(super) struct ProductTransformationRow<'a> {
        episode: Text = episode();
        region_code: Text = region();
        product: Text = product();
        share_before?: Float, SHARE, "share in the region's exports at the base";
        share_after?: Float, SHARE, "share in the transformation year";
        rca_before?: Float, "ratio", "RCA at the base";
        rca_after?: Float, "ratio", "RCA in the transformation year";
        pci?: Float, "z-score", "PCI, fixed at the base";
        upgrading?: Float, "z-score", "(share after - share before) x (PCI - mean PCI before); adds up to the region's upgrading";
        rca_change?: Float, "ratio", "RCA after less before";
        prody?: Float, "as incomes", "PRODY, fixed at the base; null without a table `incomes`";
        expy_upgrading?: Float, "as incomes", "(share after - share before) x (PRODY - EXPY before); adds up to the region's change of EXPY";
        is_entry_upgrade?: Flag, "", "entered (RCA rule) a product above the region's mean PCI; null outside the risk set (specialised before), without PCI, and if traded neither before nor after unless resilience.balanced";
    }

    /// `resilience.product_transformation`.
    pub(super) table ProductTransformation(ProductTransformationRow<'a>) =
        "resilience.product_transformation",
        "a product's part in the transformation of a region's structure",
        ["episode", "region_code", "product"], ProductTransformationRow::columns();
}
