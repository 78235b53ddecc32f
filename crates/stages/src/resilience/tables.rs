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
        Component::contract(),
        UnitValue::contract(),
        ShiftShare::contract(),
        Margins::contract(),
        Transformation::contract(),
        ProductTransformation::contract(),
        Rank::contract(),
        RankPair::contract(),
        RankPlace::contract(),
        IndexInterval::contract(),
        CompositeRank::contract(),
        Robustness::contract(),
        ShockDate::contract(),
        ShiftShareArcelus::contract(),
        ShiftShareProduct::contract(),
        Donor::contract(),
        Placebo::contract(),
    ]
}

/// What a product of a region is compared with.
const BENCHMARKS: &str =
    "aggregate, product, aggregate_loo, product_loo, own_trend, reference or reference_product";

/// What a unit as a whole is compared with.
const OF_REGIONS: &str = "aggregate, mix, aggregate_loo, mix_loo, own_trend, own_mean, own_linear, own_log_linear, own_ar1, reference, reference_mix; of regions also synthetic, matrix_completion";

/// What a part of a region's exports is compared with, where parts are called `what`.
fn benchmarks_by(what: &str) -> String {
    format!("{BENCHMARKS}; product: national growth of the {what}")
}

/// What gaps are measured in.
const GAP: &str = "as resilience.donor_scale: log points, shares of the mean, currency units";

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
        benchmark: Text, "", OF_REGIONS;
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
        resistance_low?: Float, "ratio", "lower end of the interval of the index, by bootstrap over its products (for a product: regions); null: fewer than two, or a tenth of the replicates have no index; of regions resilience.interval has others";
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
        expected_value?: Float, UNITS, "the base, grown as the benchmark; of own_mean, own_linear, own_log_linear (a median) and own_ar1 the level of the model; after the base only, not below zero";
        expected_low?: Float, UNITS, "lower end of its prediction interval of resilience.bootstrap_level, not below zero; null but for own_mean, own_linear, own_log_linear and own_ar1";
        expected_high?: Float, UNITS, "upper end";
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

    /// What a region's path is made of, against a benchmark.
    pub(super) struct ComponentRow<'a> {
        episode: Text = episode();
        benchmark: Text, "", OF_REGIONS;
        region_code: Text = region();
        largest_gap?: Float, UNITS, "largest of expected less found (above zero: less was found; the gaps of resilience.placebo have the other sign) over the periods after the base up to the end; below zero if never below the expected path";
        largest_gap_period?: Text, "", "period of the largest gap";
        largest_gap_relative?: Float, "fraction", "the largest gap over the level expected in its period";
        largest_gap_spread?: Float, "standard deviations", "the largest gap in units of spread; its relative size where spread_of is log_residuals or growth";
        spread?: Float, "as spread_of", "standard deviation of what spread_of names, before the shock";
        spread_of: Text, "", "level_residuals (currency units) and log_residuals (log points) of the model of the own past, else growth: over a year, in the trend_years before the base (fraction)";
        gross_loss?: Float, UNITS, "expected less found where above zero, summed over the periods after the base up to the end; divided by trailing, as in resilience.region";
        gross_gain?: Float, UNITS, "found less expected where above zero, summed likewise";
        net_loss?: Float, UNITS, "gross_loss less gross_gain: cumulative_loss of resilience.region";
        loss_area?: Float, "currency units x periods", "area below the expected path, trapezoids from a gap of zero at the last base period on, split where the paths cross; divided by trailing";
        gain_area?: Float, "currency units x periods", "area above the expected path, likewise";
        n_periods_below?: Count, "periods", "after the base up to the end, below the expected path";
        end_relative?: Float, "fraction", "found over expected at the end, less 1: above zero is above the old path";
        null_reason?: Text, "", "why gaps, losses, areas and n_periods_below are null: region_changed, year_missing, no_base, small_base, is_benchmark, no_benchmark, or too_few_periods, zero_level, no_variation in the own past, or as in resilience.placebo";
        relative_null_reason?: Text, "", "why largest_gap_relative or end_relative is null: as null_reason, or nothing_expected: a level of zero is expected";
        spread_null_reason?: Text, "", "why largest_gap_spread is null: as relative_null_reason, or too few, missing, zero or equal levels before";
        n_periods_to_recover?: Count, "periods", "from the trough to the first of recover_periods in a row that are at most recover_tolerance below the expected path, 0 if the trough is";
        recover_null_reason?: Text, "", "as null_reason, or not_recovered: not by the end";
        growth_sd?: Float, "fraction", "standard deviation of growth from period to period after the trough up to the end";
        growth_sd_null_reason?: Text, "", "why growth_sd is null; too_few_periods: fewer than two rates";
        rri?: Float, "ratio", "better of the two periods after the trough, less the trough, over the loss from base to trough (RRI, Frazier et al. 2018)";
        rri_null_reason?: Text, "", "why rri is null; no_loss: none of near_zero or more, too_few_periods: the episode ends before";
        is_80_regained?: Flag, "", "whether 0.8 of the base is reached from the trough up to the end";
        n_periods_to_80?: Count, "periods", "from the trough to the first such period, 0 if it is the trough";
        regained_null_reason?: Text, "", "why n_periods_to_80 is null; not_recovered: is_80_regained is false";
        depth_score?: Float, "0..100", "100 (1 - largest_gap_relative), pulled into the range as all scores";
        loss_score?: Float, "0..100", "100 (1 - gross_loss over what was expected)";
        recovery_score?: Float, "0..100", "100 / (1 + years to recover); 0 if not_recovered";
        strength_score?: Float, "0..100", "share of the largest gap that is made up by the end; 100 without a gap";
        stability_score?: Float, "0..100", "100 (1 - growth_sd)";
        end_score?: Float, "0..100", "50 x found over expected at the end: 50 is as expected, 100 twice that";
        composite?: Float, "0..100", "mean of the scores by resilience.composite_weights: a convention of this program, beside its parts and no headline";
        composite_null_reason?: Text, "", "the reason of the first score that weighs something and is null";
        largest_gap_low?: Float, UNITS, "lower end of the interval of largest_gap, by residuals of the model of the own past that are drawn anew: as counterfactual in resilience.interval";
        largest_gap_high?: Float, UNITS, "upper end";
        composite_low?: Float, "0..100", "lower end of the interval of the composite, likewise";
        composite_high?: Float, "0..100", "upper end";
        interval_null_reason?: Text, "", "why an interval of what is there is null: not_own_past (another benchmark), no_replicates, too_few_periods (as in resilience.interval), or no_interval (a tenth of the replicates have none)";
    }

    /// `resilience.component`.
    pub(super) table Component(ComponentRow<'a>) = "resilience.component",
        "what a region's path after the base is made of, against the path that a benchmark expects: depth, loss, time, strength, stability, end",
        ["episode", "benchmark", "region_code"], ComponentRow::columns();

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
        competitive_homothetic?: Float, UNITS, "part of competitive: on the exports that the region would have with the nation's structure, so that its mix is not in it (Esteban-Marquillas 1972)";
        allocation?: Float, UNITS, "part of competitive: by being specialised where it grows faster than the nation, or slower";
        entering?: Float, UNITS, "part of competitive: exports at the end of products that it did not export at the start, which have no growth rate";
        dynamic_national?: Float, UNITS, "growth at the national rate, period by period from the exports of each, summed (Barff & Knight 1988)";
        dynamic_mix?: Float, UNITS, "due to products, with the structure of each period";
        dynamic_competitive?: Float, UNITS, "gained or lost within products, period by period";
        dynamic_null_reason?: Text, "", "as null_reason; year_missing also of a period on the way";
    }

    /// `resilience.shift_share`.
    pub(super) table ShiftShare(ShiftShareRow<'a>) = "resilience.shift_share",
        "a region's change over a stage: national + mix + competitive (Dunn 1960), competitive being competitive_homothetic + allocation + entering; and the dynamic parts, which add up to the same change",
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

    /// The rank of a region.
    pub(super) struct RankRow<'a> {
        episode: Text = episode();
        benchmark: Text, "", "as in resilience.region";
        stage: Text, "", "recovery or resistance";
        region_code: Text = region();
        index?: Float, "ratio", "the index that is ranked, as in resilience.region";
        rank?: Float, "rank", "1 is the highest; equal ones have the mean of theirs; of all regions that have an index";
        source?: Text, "", "what is drawn anew of it where that gives an interval: both, else counterfactual, against a model of its own past; products against others";
        rank_low?: Float, "rank", "lower end of the interval of the rank: how far up it may be, by bootstrap";
        rank_high?: Float, "rank", "upper end: how far down it may be";
        p_top_quarter?: Float, "probability", "of being among the first n_top";
        p_above_median?: Float, "probability", "of being above the median, half if at it";
        n_ranked: Count, "regions", "regions that are ranked: they have an index";
        n_drawn: Count, "regions", "of them, those of which something is drawn anew, each left out of the replicates in which it has no index; the others stay at their index in every replicate";
        n_top: Count, "regions", "a quarter of them, rounded up";
        null_reason?: Text, "", "why the rank is null: as in resilience.region; or why only the interval and probabilities are: no_interval or too_few_periods (as resilience.interval says of what is drawn: the region is drawn among the others all the same), or no_replicates (resilience.bootstrap_replicates is 0)";
    }

    /// `resilience.rank`.
    pub(super) table Rank(RankRow<'a>) = "resilience.rank",
        "the rank of a region's index against a benchmark, and how sure it is: each region is drawn anew by itself, what the others make expected of it stays",
        ["episode", "benchmark", "stage", "region_code"], RankRow::columns();

    /// Which of two regions is above.
    pub(super) struct RankPairRow<'a> {
        episode: Text = episode();
        benchmark: Text, "", "as in resilience.region";
        stage: Text, "", "recovery or resistance";
        region_a: Text, "", "region";
        region_b: Text, "", "another region, after it in the order of their codes";
        p_above: Float, "probability", "that the index of region_a is above that of region_b, half if equal";
    }

    /// `resilience.rank_pair`.
    pub(super) table RankPair(RankPairRow<'a>) = "resilience.rank_pair",
        "which of two ranked regions is more resilient, by what resilience.rank says is drawn anew of each; of regions whose rank has an interval; empty if the data have more regions than resilience.rank_pairs_up_to, or no two such, as without products or models of the own past",
        ["episode", "benchmark", "stage", "region_a", "region_b"], RankPairRow::columns();

    /// How likely a region has a place.
    pub(super) struct RankPlaceRow<'a> {
        episode: Text = episode();
        benchmark: Text, "", "as in resilience.region";
        stage: Text, "", "recovery or resistance";
        region_code: Text = region();
        place: Count, "place", "1 is the highest; equal ones share theirs alike";
        probability: Float, "probability", "that the region has this place, over the replicates; above 0, and 1 in sum over the places of a region";
    }

    /// `resilience.rank_place`.
    pub(super) table RankPlace(RankPlaceRow<'a>) = "resilience.rank_place",
        "how likely a region has each place, by what resilience.rank says is drawn anew of each; of regions whose rank has an interval, and places that one has in some replicate; empty if the data have more regions than resilience.rank_pairs_up_to, or none has an interval",
        ["episode", "benchmark", "stage", "region_code", "place"], RankPlaceRow::columns();

    /// The interval of an index of a region.
    pub(super) struct IndexIntervalRow<'a> {
        episode: Text = episode();
        benchmark: Text, "", "as in resilience.region";
        stage: Text, "", "recovery or resistance";
        region_code: Text = region();
        source: Text, "", "what is drawn anew: products (of the region, the benchmark's growth stays), counterfactual (residuals of the model of its own past, in blocks of resilience.block_length, the model is fitted again, what was found after the base stays), or both, each by itself; the last two against own_mean, own_linear, own_log_linear and own_ar1 alone";
        low?: Float, "ratio", "lower end of the interval of the index, of resilience.bootstrap_level; with a counterfactual the ends leave out what a normal law has beyond Student's t (Hesterberg 2015)";
        high?: Float, "ratio", "upper end";
        n_replicates: Count, "replicates", "replicates that have an index";
        null_reason?: Text, "", "why there is no interval: as in resilience.region; one_product: fewer than two; too_few_periods: also with a model but fewer than 4 degrees of freedom (levels less coefficients; own_mean: 3, own_ar1: one less), of which residuals say too little; no_interval: a tenth of the replicates have no index; or no_replicates";
    }

    /// `resilience.interval`.
    pub(super) table IndexInterval(IndexIntervalRow<'a>) = "resilience.interval",
        "how far the index of a region hangs on single products, and on how well the model of its own past is known; not what chance had made of the region without a crisis, for which see expected_low in resilience.region_period",
        ["episode", "benchmark", "stage", "region_code", "source"], IndexIntervalRow::columns();

    /// The rank of a region's composite.
    pub(super) struct CompositeRankRow<'a> {
        episode: Text = episode();
        benchmark: Text, "", OF_REGIONS;
        region_code: Text = region();
        composite?: Float, "0..100", "as in resilience.component, by resilience.composite_weights";
        rank?: Float, "rank", "its rank; 1 is the highest; equal ones have the mean of theirs";
        rank_low?: Float, "rank", "lower end of the interval of the rank, of resilience.bootstrap_level, over weights drawn at random: all weights of the scores that weigh something are alike (Dirichlet)";
        rank_high?: Float, "rank", "upper end";
        rank_median?: Float, "rank", "its median";
        n_ranked: Count, "regions", "regions that have a composite";
        null_reason?: Text, "", "why there is no rank: as composite_null_reason in resilience.component; no_draws (resilience.weight_draws is 0): only its interval and median are null";
    }

    /// `resilience.composite_rank`.
    pub(super) table CompositeRank(CompositeRankRow<'a>) = "resilience.composite_rank",
        "the rank of a region's composite, and how far it hangs on what its scores weigh",
        ["episode", "benchmark", "region_code"], CompositeRankRow::columns();

    /// A region against all benchmarks.
    pub(super) struct RobustnessRow<'a> {
        episode: Text = episode();
        stage: Text, "", "recovery or resistance";
        region_code: Text = region();
        n_compared: Count, "benchmarks", "benchmarks of the config that expect something of it";
        n_above: Count, "benchmarks", "of them, those against which it did as well as expected or better; forms do not differ in that, as they compare the same two changes";
        diff_low?: Float, "fraction", "lowest growth less expected growth, over these benchmarks";
        diff_median?: Float, "fraction", "the median";
        diff_high?: Float, "fraction", "the highest";
        rank_low?: Float, "rank", "how far up it comes, over these benchmarks and the forms index, diff, dlog, and by dhs; 1 is the highest of the regions that have the form";
        rank_high?: Float, "rank", "how far down it comes";
        is_robust?: Flag, "", "whether it is above what is expected against all benchmarks, or below against all";
        null_reason?: Text, "", "why it is null: as in resilience.region, or one_benchmark";
    }

    /// `resilience.robustness`.
    pub(super) table Robustness(RobustnessRow<'a>) = "resilience.robustness",
        "whether a region did better than expected whatever it is compared with, over all resilience.region_benchmarks",
        ["episode", "stage", "region_code"], RobustnessRow::columns();

    /// The date of a break.
    pub(super) struct ShockDateRow<'a> {
        episode: Text = episode();
        region_code: Text = region();
        period?: Text, "", "first period after the break in level and growth";
        first_candidate?: Text, "", "the first that it could be: 0.15 of the periods and three at least are on each side";
        last_candidate?: Text, "", "the last that it could be";
        sup_f?: Float, "F", "largest F of one break in the line of log exports, with 0.15 of the periods and three at least on each side (Andrews 1993)";
        p_value?: Float, "probability", "of one as large without a break, by bootstrap of residuals; too small for sums of trailing periods, which are not independent";
        n_periods: Count, "periods", "periods looked at: up to the end or the transformation, from resilience.shock_date_years before the base, or the first that was reported, or the first with the borders of the end";
        null_reason?: Text, "", "year_missing, region_changed, zero (a period without exports), too_few_periods, exact_fit, or no_replicates: only p_value is null";
    }

    /// `resilience.shock_date`.
    pub(super) table ShockDate(ShockDateRow<'a>) = "resilience.shock_date",
        "when a region's exports broke with their past, as a screening: it names no cause",
        ["episode", "region_code"], ShockDateRow::columns();

    /// Shift-share of a region over a stage, in eight parts.
    pub(super) struct ShiftShareArcelusRow<'a> {
        episode: Text = episode();
        stage: Text, "", "resistance or recovery";
        region_code: Text = region();
        national_expected?: Float, UNITS, "growth at the national rate of homothetic exports: those that the region would have with the nation's structure";
        national_differential?: Float, UNITS, "the same of what it exports beyond them; 0 over all products";
        mix_expected?: Float, UNITS, "growth of products in the nation beyond its own, of homothetic exports; 0 but for products new to the nation";
        mix_differential?: Float, UNITS, "the same of what it exports beyond them";
        regional_expected?: Float, UNITS, "growth of the region beyond the nation's, of homothetic exports";
        regional_differential?: Float, UNITS, "the same of what it exports beyond them; 0 over all products";
        regional_mix_expected?: Float, UNITS, "growth of products in the region beyond its own, less that in the nation, of homothetic exports";
        regional_mix_differential?: Float, UNITS, "the same of what it exports beyond them";
        entering?: Float, UNITS, "exports at the end of products that it did not export at the start, which have no growth rate";
        null_reason?: Text, "", "year_missing, region_changed or no_base";
    }

    /// `resilience.shift_share_arcelus`.
    pub(super) table ShiftShareArcelus(ShiftShareArcelusRow<'a>) =
        "resilience.shift_share_arcelus",
        "a region's change over a stage in eight parts and what enters (Arcelus 1984); each pair is a part of resilience.shift_share: national, mix; the expected regional ones competitive_homothetic, the differential ones allocation",
        ["episode", "stage", "region_code"], ShiftShareArcelusRow::columns();

    /// Shift-share of a region's product over a stage.
    pub(super) struct ShiftShareProductRow<'a> {
        episode: Text = episode();
        stage: Text, "", "resistance or recovery";
        region_code: Text = region();
        product: Text = product();
        national: Float, UNITS, "growth at the national rate";
        mix: Float, UNITS, "growth of the product in the nation beyond that";
        competitive: Float, UNITS, "gained or lost within the product; all exports at the end, if there are none at the start";
        competitive_homothetic: Float, UNITS, "part of competitive on homothetic exports; 0 of a product that the region did not export at the start, as it has no growth rate";
        allocation: Float, UNITS, "part of competitive by specialisation; 0 of such a product";
    }

    /// `resilience.shift_share_product`.
    pub(super) table ShiftShareProduct(ShiftShareProductRow<'a>) =
        "resilience.shift_share_product",
        "a product's part in the shift-share of a region, of products exported at an end of the stage; they add up to resilience.shift_share, and a region without parts there has no rows",
        ["episode", "stage", "region_code", "product"], ShiftShareProductRow::columns();

    /// A donor of a region.
    pub(super) struct DonorRow<'a> {
        episode: Text = episode();
        benchmark: Text, "", "synthetic";
        region_code: Text = region();
        donor: Text, "", "another region";
        weight: Float, SHARE, "its weight, above 0; those of a region add up to 1";
    }

    /// `resilience.donor`.
    pub(super) table Donor(DonorRow<'a>) = "resilience.donor",
        "the regions whose weighted mean a region is expected to move as (Abadie & L'Hour 2021); empty if synthetic is not among resilience.region_benchmarks",
        ["episode", "benchmark", "region_code", "donor"], DonorRow::columns();

    /// How well a region is known by the others, and the same where nothing happened.
    pub(super) struct PlaceboRow<'a> {
        episode: Text = episode();
        benchmark: Text, "", "synthetic or matrix_completion";
        region_code: Text = region();
        n_before: Count, "periods", "periods up to the base in which regions are found alike";
        n_donors?: Count, "regions", "other regions that miss no period of the episode";
        penalty?: Float, "", "the penalty, one for all regions: of distances (synthetic), or what singular values are lowered by (matrix_completion)";
        is_penalty_at_end?: Flag, "", "whether it is the smallest or the largest of those that were tried: a better one may lie beyond";
        n_iterations?: Count, "", "iterations until the result was known";
        pre_rmspe?: Float, GAP, "root of the mean squared gap (found less expected) up to the base";
        post_rmspe?: Float, GAP, "the same after the base; null: no period has a value";
        ratio?: Float, "ratio", "post_rmspe over pre_rmspe; null: no gap up to the base, which counts as the largest ratio";
        p?: Float, SHARE, "placebo in space: the share of regions, itself among them, whose ratio is at least its own (Abadie, Diamond & Hainmueller 2010)";
        gap?: Float, GAP, "mean gap after the base, found less expected: below zero, less was found; largest_gap of resilience.component has the other sign";
        placebo_gap?: Float, GAP, "placebo in time: mean gap (found less expected) from resilience.placebo_years before the base up to it, as if the shock had been then; null: too few periods are left before";
        null_reason?: Text, "", "why there is nothing: too_few_periods (up to the base synthetic needs three, matrix_completion two), year_missing, zero_level, region_changed, no_donors or no_convergence";
    }

    /// `resilience.placebo`.
    pub(super) table Placebo(PlaceboRow<'a>) = "resilience.placebo",
        "how well a region is known by the other regions up to the base, and what is found of it where nothing happened; empty if neither benchmark is among resilience.region_benchmarks",
        ["episode", "benchmark", "region_code"], PlaceboRow::columns();
}
