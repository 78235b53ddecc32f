//! The contracts of `panel.*`, whose rows are made by the SQL files of a pipeline.

use super::table::{SHARE, UNITS, column, episode, product, region, year};
use lake::Kind::{Count, Flag, Float, Int, Money, Text};
use lake::{Column, Contract};
use project::classification::HS_LEVELS;
use std::sync::LazyLock;

static REGION: LazyLock<Contract> = LazyLock::new(|| Contract {
    table: "panel.region",
    about: "one region and episode, with the headline benchmark",
    key: &["episode", "region_code"],
    columns: [
        region_outcomes(),
        region_path(),
        region_intervals(),
        region_changes(),
        region_regressors(),
    ]
    .concat(),
});

static REGION_PRODUCT: LazyLock<Contract> = LazyLock::new(|| Contract {
    table: "panel.region_product",
    about: "one region, product and episode, with the headline benchmark; regressors of resilience.episode.regressor_year",
    key: &["episode", "region_code", "product"],
    columns: [
        vec![episode(), region()],
        products(),
        product_outcomes(),
        product_changes(),
        related(),
        vec![column("pci?", Float, "z-score", "product complexity, fixed at the base")],
        region_structure(),
        rebates(),
        shares(),
        product_regressors(),
        destinations(),
    ]
    .concat(),
});

static PAIR: LazyLock<Contract> = LazyLock::new(|| Contract {
    table: "panel.pair",
    about: "one region-product that was exported in any year",
    key: &["first_year", "region_code", "product"],
    columns: vec![first_year(), region(), product()],
});

static REGION_PRODUCT_YEAR: LazyLock<Contract> = LazyLock::new(|| Contract {
    table: "panel.region_product_year",
    about: "one year and region-product that was exported in any year, of the regions with a record of the year: outcomes and regressors of the year, for dynamic models",
    key: &["year", "first_year", "region_code", "product"],
    columns: [
        vec![year(), first_year(), region()],
        products(),
        values_of_year(),
        shares(),
        destinations(),
        firms_and_markets_of_year(),
        related(),
        turnover_of_year(),
        region_structure(),
        rebates_of_year(),
    ]
    .concat(),
});

pub(super) fn contracts() -> Vec<&'static Contract> {
    vec![&*REGION, &*REGION_PRODUCT, &*PAIR, &*REGION_PRODUCT_YEAR]
}

fn first_year() -> Column {
    column(
        "first_year",
        Int,
        "",
        "first year that has a record of the region's exports of the product",
    )
}

/// The product of a row, and beside it the levels of the Harmonized System and its groups.
fn products() -> Vec<Column> {
    let mut columns = vec![product()];
    // Other classifications do not have them.
    let of_hs =
        HS_LEVELS.iter().map(|level| Column { is_nullable: true, ..level.beside(&columns[0]) });
    let of_hs: Vec<Column> = of_hs.collect();
    columns.extend(of_hs);
    columns.push(column(
        "product_subgroup?",
        Text,
        "",
        "its subgroup: the heading of HS; null where the hierarchy of the classification has none",
    ));
    columns.push(column(
        "product_group?",
        Text,
        "",
        "its group: the chapter of HS; null where the hierarchy of the classification has none",
    ));
    columns
}

/// Relatedness of a product to a region, in the forms of the product space.
fn related() -> Vec<Column> {
    vec![
        column(
            "density?",
            Float,
            "0..1",
            "related diversification: relatedness density (Hidalgo et al. 2007)",
        ),
        column("density_null_reason?", Text, "", "isolated: related to no product"),
        column(
            "value_density?",
            Float,
            "0..1",
            "the same with the region's shares in place of its specialisations",
        ),
        column(
            "nearest_density?",
            Float,
            "0..1",
            "density over the config's number of nearest products; equally close ones share places",
        ),
        column(
            "related_mass?",
            Float,
            "sum of relatedness",
            "relatedness to the region's other specialisations",
        ),
        column(
            "related_count?",
            Count,
            "products",
            "other specialisations among the closest share of pairs",
        ),
        column(
            "group_entropy?",
            Float,
            "bits",
            "entropy of the region's exports in the product's group (of HS: chapter) without the product",
        ),
        column(
            "weighted_entropy?",
            Float,
            "bits",
            "entropy of the region's other exports, weighted by relatedness",
        ),
        column(
            "unrelated_entropy?",
            Float,
            "bits",
            "entropy of its exports that are not among the closest share of pairs, without the product; null if there are none",
        ),
        column("rca?", Float, "ratio", "revealed comparative advantage"),
        column("is_specialized?", Flag, "", "whether RCA meets the config's rule"),
    ]
}

/// Shares of owners and trade modes in the exports of a region-product.
fn shares() -> Vec<Column> {
    vec![
        column(
            "foreign_share?",
            Float,
            SHARE,
            "exports of foreign-invested firms (contractual and equity joint ventures, wholly foreign) in those of the region-product; null where the source does not say",
        ),
        column("wholly_foreign_share?", Float, SHARE, "of wholly foreign firms alone"),
        column("state_share?", Float, SHARE, "of state-owned firms"),
        column("collective_share?", Float, SHARE, "of collective firms"),
        column("private_share?", Float, SHARE, "of private firms and sole traders"),
        column("processing_share?", Float, SHARE, "of processing trade"),
        column(
            "supplied_processing_share?",
            Float,
            SHARE,
            "of processing with supplied materials; null where the release does not tell kinds apart",
        ),
        column(
            "imported_processing_share?",
            Float,
            SHARE,
            "of processing with imported materials; null likewise",
        ),
        column("ordinary_share?", Float, SHARE, "of ordinary trade"),
        column(
            "shares_null_reason?",
            Text,
            "",
            "why shares are null: not_exported, not_in_source, year_missing (the region has no record of the year), or processing_kind_not_given (the two kinds alone)",
        ),
    ]
}

/// Structure of a region, beside its products'.
fn region_structure() -> Vec<Column> {
    vec![
        column("region_related_variety?", Float, "bits", "of the region"),
        column("region_unrelated_variety?", Float, "bits", "of the region"),
        column("region_eci?", Float, "z-score", "economic complexity of the region"),
    ]
}

/// Where the exports of a region-product go.
fn destinations() -> Vec<Column> {
    vec![
        column("n_destinations?", Count, "countries", "destinations; null without them"),
        column("destination_hhi?", Float, "0..1", "concentration over destinations"),
        column(
            "us_eu_japan_share?",
            Float,
            SHARE,
            "of the United States, the European Union (27 members) and Japan",
        ),
        column("hong_kong_share?", Float, SHARE, "of Hong Kong, an entrepot"),
    ]
}

/// How a region came through an episode.
fn region_outcomes() -> Vec<Column> {
    vec![
        episode(),
        region(),
        column("region_name", Text, "", "name"),
        column("base_value?", Money, UNITS, "exports at the base"),
        column("trough_value?", Money, UNITS, "exports at the trough"),
        column("end_value?", Money, UNITS, "exports at the end"),
        column("resistance?", Float, "ratio", "index against the aggregate benchmark"),
        column("resistance_null_reason?", Text, "", "why it is null"),
        column("resistance_mix?", Float, "ratio", "index against the mix benchmark"),
        column("resistance_dhs?", Float, "-2..2", "midpoint growth to the trough"),
        column("recovery?", Float, "ratio", "index against the aggregate benchmark"),
        column("recovery_null_reason?", Text, "", "why it is null"),
        column("recovery_mix?", Float, "ratio", "index against the mix benchmark"),
        column("recovery_dhs?", Float, "-2..2", "midpoint growth to the end"),
        column("type?", Text, "", "resistant or vulnerable, recovering or lagging"),
        column("expected_sign?", Int, "-1, 0, 1", "sign of the expected change to the trough"),
        column("sensitivity?", Float, "ratio", "growth over national growth, base to trough"),
        column("level_recovery?", Float, "ratio", "end over base"),
        column(
            "drop_rebound?",
            Float,
            "ratio",
            "rebound over drop against the own trend (Han & Goetz 2015); null unless own_trend is among the benchmarks",
        ),
        column(
            "cumulative_loss_share?",
            Float,
            "fraction",
            "loss against the expected path, base to end, over what was expected",
        ),
        column(
            "n_periods_to_recover?",
            Count,
            "periods",
            "from the trough to the level of the base",
        ),
        column("is_recovered?", Flag, "", "whether that is within the data"),
    ]
}

/// What a region's path up to the end is made of, against what all regions' growth expects.
fn region_path() -> Vec<Column> {
    vec![
        column(
            "largest_gap_relative?",
            Float,
            "fraction",
            "largest gap below the expected path, over the level expected in its period; below zero if never below (resilience.component, as the columns up to composite)",
        ),
        column(
            "gross_loss_share?",
            Float,
            SHARE,
            "expected less found where above zero, base to end, over what was expected",
        ),
        column(
            "end_relative?",
            Float,
            "fraction",
            "found over expected at the end, less 1: above zero is above the old path",
        ),
        column(
            "gaps_null_reason?",
            Text,
            "",
            "why one of these three is null: a reason of the base or the benchmark, or nothing_expected",
        ),
        column(
            "n_periods_to_recover_expected?",
            Count,
            "periods",
            "from the trough to the expected path, within resilience.recover_tolerance for recover_periods in a row; 0 if the trough is there",
        ),
        column(
            "recover_expected_null_reason?",
            Text,
            "",
            "why it is null; not_recovered: not by the end, so that it is longer",
        ),
        column(
            "rri?",
            Float,
            "ratio",
            "better of the two periods after the trough, less the trough, over the loss from base to trough (Frazier et al. 2018)",
        ),
        column(
            "rri_null_reason?",
            Text,
            "",
            "why it is null; no_loss: none of near_zero or more, too_few_periods: the episode ends before",
        ),
        column(
            "composite?",
            Float,
            "0..100",
            "mean of six scores of the path by resilience.composite_weights: a convention of this program",
        ),
        column("composite_null_reason?", Text, "", "why it is null"),
    ]
}

/// Intervals of a region's indices, and the product that they may hang on.
fn region_intervals() -> Vec<Column> {
    vec![
        column("resistance_low?", Float, "ratio", "lower end of the interval of resistance"),
        column("resistance_high?", Float, "ratio", "upper end"),
        column("recovery_low?", Float, "ratio", "lower end of the interval of recovery"),
        column("recovery_high?", Float, "ratio", "upper end"),
        column("largest_product?", Text, "", "product with most exports at the base"),
        column("largest_product_share?", Float, SHARE, "its share"),
    ]
}

/// What changed in a region's exports over an episode.
fn region_changes() -> Vec<Column> {
    vec![
        column("resistance_national?", Float, UNITS, "shift-share to the trough: national part"),
        column("resistance_industry_mix?", Float, UNITS, "shift-share to the trough: mix part"),
        column(
            "resistance_competitive?",
            Float,
            UNITS,
            "shift-share to the trough: competitive part",
        ),
        column("michaely?", Float, "0..1", "structural change"),
        column("upgrading?", Float, "z-score", "change of mean PCI"),
        column("expy_change?", Float, "as incomes", "change of EXPY"),
        column("eci_change?", Float, "z-score", "change of ECI"),
        column(
            "high_complexity_change?",
            Float,
            SHARE,
            "change of the share of the third of products with the highest PCI",
        ),
        column("n_new_specializations?", Count, "products", "specialisations gained"),
        column("entry_rate?", Float, SHARE, "the same over the products it was not specialised in"),
    ]
}

/// What a region was like before an episode.
fn region_regressors() -> Vec<Column> {
    vec![
        column("related_variety?", Float, "bits", "at the last base year"),
        column("unrelated_variety?", Float, "bits", "at the last base year"),
        column("hhi?", Float, "0..1", "at the last base year"),
        column("n_products?", Count, "products", "at the last base year"),
        column("eci?", Float, "z-score", "at the last base year"),
        column("mean_density?", Float, "0..1", "at the last base year"),
        column(
            "log_base_value?",
            Float,
            "log units",
            "ln of exports at the base; null if not positive",
        ),
        column(
            "foreign_share?",
            Float,
            SHARE,
            "exports of foreign-invested firms; null where the source does not say",
        ),
        column("state_share?", Float, SHARE, "exports of state-owned firms"),
        column("processing_share?", Float, SHARE, "processing trade"),
        column(
            "rebate_step?",
            Float,
            "fraction",
            "rise of the rebate of export VAT, of what the region exports",
        ),
    ]
}

/// How a region-product came through an episode.
fn product_outcomes() -> Vec<Column> {
    vec![
        column("status", Text, "", "what became of it"),
        column("base_value?", Money, UNITS, "exports at the base"),
        column("trough_value?", Money, UNITS, "exports at the trough"),
        column("end_value?", Money, UNITS, "exports at the end"),
        column("resistance?", Float, "ratio", "index against the aggregate benchmark"),
        column("resistance_winsorized?", Float, "ratio", "index, its tails pulled in"),
        column("resistance_diff?", Float, "fraction", "growth less national growth"),
        column("resistance_dlog?", Float, "log points", "log growth less national log growth"),
        column("resistance_dhs?", Float, "-2..2", "midpoint growth"),
        column("resistance_null_reason?", Text, "", "why the index is null"),
        column("recovery?", Float, "ratio", "index against the aggregate benchmark"),
        column("recovery_winsorized?", Float, "ratio", "index, its tails pulled in"),
        column("recovery_diff?", Float, "fraction", "growth less national growth"),
        column("recovery_dlog?", Float, "log points", "log growth less national log growth"),
        column("recovery_dhs?", Float, "-2..2", "midpoint growth"),
        column("recovery_null_reason?", Text, "", "why the index is null"),
    ]
}

/// What changed in a region's exports of a product over an episode.
fn product_changes() -> Vec<Column> {
    vec![
        column("upgrading?", Float, "z-score", "contribution to the region's upgrading"),
        column(
            "expy_upgrading?",
            Float,
            "as incomes",
            "contribution to the region's change of EXPY",
        ),
        column("rca_change?", Float, "ratio", "RCA after less before"),
        column(
            "is_entry_upgrade?",
            Flag,
            "",
            "entered a product above the region's mean complexity",
        ),
        column(
            "is_entry?",
            Flag,
            "",
            "exported at the end, of what was not at the base; null otherwise",
        ),
        column(
            "is_exit?",
            Flag,
            "",
            "not exported at the end, of what was at the base; null otherwise",
        ),
        column(
            "is_recovered?",
            Flag,
            "",
            "back at the base's value at the end, of what fell to the trough; null otherwise",
        ),
    ]
}

/// Rebates of export VAT over an episode.
fn rebates() -> Vec<Column> {
    vec![
        column(
            "rebate_step?",
            Float,
            "fraction",
            "rise of the product's rebate of export VAT over the crisis (policy.rebate)",
        ),
        column(
            "rebate_exposure?",
            Float,
            "fraction",
            "the same times the share that is eligible: 1 less processing with supplied materials",
        ),
        column(
            "rebate_exposure_low?",
            Float,
            "fraction",
            "the same with all processing taken as not eligible: a lower bound, there also where its kind is not given",
        ),
        column(
            "rebate_annual_change?",
            Float,
            "fraction",
            "change of the day-weighted annual rate",
        ),
        column("has_rebate_rise?", Flag, "", "whether the rate rose"),
        column(
            "rebate_earlier_cut?",
            Float,
            "fraction",
            "change of the rate before the crisis; below zero: a cut",
        ),
    ]
}

/// What region and product were like before an episode.
fn product_regressors() -> Vec<Column> {
    vec![
        column(
            "region_foreign_share?",
            Float,
            SHARE,
            "foreign-invested firms in all exports of the region: also for products it does not export",
        ),
        column(
            "region_processing_share?",
            Float,
            SHARE,
            "processing trade in all exports of the region",
        ),
        column(
            "log_base_value?",
            Float,
            "log units",
            "ln of exports at the base; null if not positive",
        ),
        column(
            "pre_trend_dlog?",
            Float,
            "log points",
            "mean log growth of the three years to the regressors' year",
        ),
        column(
            "pre_trend_dhs?",
            Float,
            "-2..2",
            "mean midpoint growth of the same years; also of those with zeros",
        ),
        column("market_share?", Float, SHARE, "share of the nation's exports of the product"),
        column(
            "product_hhi?",
            Float,
            "0..1",
            "concentration of the product's exports over regions",
        ),
        column("log_firms?", Float, "log units", "ln(1 + exporting firms); null without firms"),
        column(
            "firm_hhi?",
            Float,
            "0..1",
            "concentration of the region-product's exports over firms",
        ),
    ]
}

/// Exports of a region-product in a year, and their growth.
fn values_of_year() -> Vec<Column> {
    vec![
        column("fob_value", Money, UNITS, "exports; 0 if there are none"),
        column("is_exported", Flag, "", "whether there are exports"),
        column("log_value?", Float, "log units", "ln of exports; null if not positive"),
        column(
            "dlog_value?",
            Float,
            "log points",
            "log growth over the year; null if an end is not positive",
        ),
        column(
            "dhs_value?",
            Float,
            "-2..2",
            "midpoint growth over the year (Davis, Haltiwanger & Schuh 1996): 2 for an entry, -2 for an exit; null if both ends are zero, or the region has no record of the year before",
        ),
    ]
}

/// Firms and other regions that export what a region-product does in a year.
fn firms_and_markets_of_year() -> Vec<Column> {
    vec![
        column("n_firms?", Count, "firms", "exporting firms; null without firms"),
        column("log_firms?", Float, "log units", "ln(1 + exporting firms); null without firms"),
        column("firm_hhi?", Float, "0..1", "concentration over firms"),
        column("market_share?", Float, SHARE, "share of the nation's exports of the product"),
        column(
            "product_hhi?",
            Float,
            "0..1",
            "concentration of the product's exports over regions",
        ),
    ]
}

/// Specialisations won and lost in a year, and the product's complexity.
fn turnover_of_year() -> Vec<Column> {
    vec![
        column(
            "entered?",
            Flag,
            "",
            "whether a product it was not specialised in the year before is one now",
        ),
        column("exited?", Flag, "", "whether a product it was specialised in is none now"),
        column("pci?", Float, "z-score", "product complexity of the year"),
    ]
}

/// Rebates of export VAT in a year.
fn rebates_of_year() -> Vec<Column> {
    vec![
        column(
            "rebate_rate?",
            Float,
            "fraction",
            "day-weighted rebate of export VAT (policy.rebate_year)",
        ),
        column("log_export_tax?", Float, "log units", "ln(1 + VAT less rebate)"),
        column(
            "log_export_tax_exposure?",
            Float,
            "log units",
            "the same times the share that is eligible",
        ),
    ]
}
