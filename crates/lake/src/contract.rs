//! The contract of every table: its columns with type, unit and meaning, and its key.
//!
//! This is the one place where a table is declared. Writing checks it, `rebound describe` and the data
//! dictionary print it, and SQL uses its names.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// Digits of a money column, and those of them after the point.
pub const MONEY: (u8, i8) = (20, 2);

/// Hundredths as text, with all their digits.
pub(crate) fn money_text(hundredths: i128) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// The hundredths that no money has or exceeds, either way.
pub(crate) const MONEY_LIMIT: u128 = 10_u128.pow(MONEY.0 as u32);

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A small integer: years, months, ordinals.
    Int,
    /// A count.
    Count,
    /// A 64-bit float.
    Float,
    /// Exact money: 20 digits, 2 of them after the point.
    Money,
    /// True or false.
    Flag,
}

impl Kind {
    /// The Arrow type that holds it.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int32,
            Self::Count => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Money => DataType::Decimal128(MONEY.0, MONEY.1),
            Self::Flag => DataType::Boolean,
        }
    }

    /// The kind that can hold an Arrow type without loss.
    pub fn of(found: &DataType) -> Option<Self> {
        match found {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Int8 | DataType::Int16 | DataType::Int32 => Some(Self::Int),
            DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64 => Some(Self::Count),
            DataType::Float32 | DataType::Float64 => Some(Self::Float),
            DataType::Decimal128(_, scale) if *scale == MONEY.1 => Some(Self::Money),
            DataType::Boolean => Some(Self::Flag),
            _ => None,
        }
    }

    /// What to do about a number that a column of it does not hold.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Float => {
                "tables hold finite numbers only: make it null (`nullif`, `case when ... end`), with the reason in a column beside it"
            }
            Self::Money => {
                "expected less than 10^18: look for a value among those it is made of that is wrong, or in another unit"
            }
            _ => "it has no room there: cast the column to double or text",
        }
    }

    /// Its name in printed contracts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Int => "int",
            Self::Count => "bigint",
            Self::Float => "double",
            Self::Money => "decimal(20,2)",
            Self::Flag => "boolean",
        }
    }
}

/// A column of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// Its unit; empty for codes and texts.
    pub unit: String,
    /// What it means.
    pub about: String,
}

/// The contract of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// `schema.table`.
    pub table: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// The columns that make a row unique; rows are sorted by them.
    pub key: &'static [&'static str],
    /// The columns.
    pub columns: Vec<Column>,
}

/// The Arrow schema of `columns`.
pub fn schema(columns: &[Column]) -> SchemaRef {
    let field = |c: &Column| Field::new(&c.name, c.kind.arrow(), c.is_nullable);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

impl Contract {
    /// The contract of `table`, if it has one.
    pub fn of(table: &str) -> Option<&'static Self> {
        CONTRACTS.iter().find(|contract| contract.table == table)
    }

    /// Every contract, in the order of the way of a record.
    pub fn all() -> &'static [Self] {
        &CONTRACTS
    }

    /// Its Arrow schema.
    pub fn schema(&self) -> SchemaRef {
        schema(&self.columns)
    }
}

const UNITS: &str = "currency units";
const SHARE: &str = "share, 0..1";

/// `name type unit about`: a trailing `?` on the name allows nulls.
fn column(name: &str, kind: Kind, unit: &str, about: &str) -> Column {
    Column {
        name: name.trim_end_matches('?').to_owned(),
        kind,
        is_nullable: name.ends_with('?'),
        unit: unit.to_owned(),
        about: about.to_owned(),
    }
}

fn region() -> Column {
    column("region_code", Kind::Text, "", "region")
}

fn hs6() -> Column {
    column(
        "hs6",
        Kind::Text,
        "",
        "product: six digits of the target HS revision (a family: its largest member)",
    )
}

fn year() -> Column {
    column("year", Kind::Int, "", "calendar year")
}

fn episode() -> Column {
    column("episode", Kind::Text, "", "episode of the config")
}

/// Relatedness of a product to a region, in the forms of the product space.
fn related() -> Vec<Column> {
    use Kind::{Count, Flag, Float, Text};
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
            "entropy of the region's exports in the chapter without the product",
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
    use Kind::{Float, Text};
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
            "why shares are null: not_exported, not_in_source, or processing_kind_not_given (the two kinds alone)",
        ),
    ]
}

/// Structure of a region, beside its products'.
fn region_structure() -> Vec<Column> {
    use Kind::Float;
    vec![
        column("region_related_variety?", Float, "bits", "of the region"),
        column("region_unrelated_variety?", Float, "bits", "of the region"),
        column("region_eci?", Float, "z-score", "economic complexity of the region"),
    ]
}

/// The columns of a path, period by period.
fn path(benchmark: &str, unit: Column) -> Vec<Column> {
    vec![
        episode(),
        column("benchmark", Kind::Text, "", benchmark),
        unit,
        column("period", Kind::Text, "", "year, quarter or month"),
        column("value?", Kind::Float, UNITS, "exports; null: not reported"),
        column(
            "expected_value?",
            Kind::Float,
            UNITS,
            "the base, grown as the benchmark; after the base only",
        ),
    ]
}

fn forms(stage: &str, from: &str, to: &str) -> Vec<Column> {
    let c = |suffix: &str, unit: &str, about: String| {
        column(&format!("{stage}{suffix}?"), Kind::Float, unit, &about)
    };
    vec![
        c("_growth", "fraction", format!("growth from {from} to {to}")),
        c("_expected_change", UNITS, "change that the benchmark expects".into()),
        c("", "ratio", "index: (change - expected change) / |expected change|; > 0 is better than expected (Martin et al. 2016)".into()),
        c("_diff", "fraction", "growth less expected growth".into()),
        c("_dlog", "log points", "log growth less expected log growth; null on exit".into()),
        c("_dhs", "-2..2", "midpoint growth (Davis, Haltiwanger & Schuh 1996)".into()),
        c("_ratio", "ratio", "growth factor over the expected one; above 1 is better than expected (Faggian et al. 2018)".into()),
        column(&format!("{stage}_null_reason?"), Kind::Text, "", "why the index is null"),
    ]
}

fn levels() -> Vec<Column> {
    vec![
        column(
            "base_value?",
            Kind::Money,
            UNITS,
            "exports at the base: mean of the base years, rounded to 0.01; null: a base year was not reported",
        ),
        column(
            "trough_value?",
            Kind::Money,
            UNITS,
            "exports in the trough year; null: not reported",
        ),
        column("end_value?", Kind::Money, UNITS, "exports in the end year; null: not reported"),
    ]
}

fn long_form(name: &'static str, about: &str) -> Vec<Column> {
    vec![
        year(),
        region(),
        hs6(),
        column(name, Kind::Text, "", about),
        column("fob_value", Kind::Money, UNITS, "FOB value"),
        column(
            "value_share?",
            Kind::Float,
            SHARE,
            "share in the region's exports of the product; null if they are not positive",
        ),
    ]
}

/// The columns of a table of units, such as regions, that are named by `key`.
fn unit(key: Column) -> Vec<Column> {
    use Kind::{Float, Int, Text};
    [
        vec![
            episode(),
            column("benchmark", Text, "", "aggregate, mix, aggregate_loo, mix_loo, own_trend, reference or reference_mix"),
            key,
        ],
        levels(),
        forms("resistance", "base", "trough"),
        forms("recovery", "trough", "end"),
        vec![
            column("type?", Text, "", "resistant or vulnerable, recovering or lagging: by the signs of both indices"),
            column("sensitivity?", Float, "ratio", "growth over national growth, base to trough; above 1 is hit harder when the nation falls (Martin 2012)"),
            column("level_recovery?", Float, "ratio", "end over base"),
            column("recovered_share?", Float, "ratio", "share of the loss made up by the end; null without a loss of near_zero or more"),
            column("drop?", Float, "fraction", "how far the trough is below the level that the benchmark expects; with own_trend, of Han & Goetz 2015"),
            column("rebound?", Float, "fraction", "growth from the trough to the end"),
            column("drop_rebound?", Float, "ratio", "rebound over drop; null without a drop of near_zero or more"),
            column("cumulative_loss?", Float, UNITS, "expected less found, summed over the periods after the base up to the end; divided by trailing, as sums of trailing periods hold each so many times"),
            column("cumulative_loss_share?", Float, "fraction", "the same over what was expected"),
            column("expected_sign?", Int, "-1, 0, 1", "sign of the expected change to the trough: +1 means resistance is beating an expansion"),
            column("resistance_low?", Float, "ratio", "lower end of the interval of the index, by bootstrap over its products (for a product: regions); null: fewer than two, or a tenth of the replicates have no index"),
            column("resistance_high?", Float, "ratio", "upper end"),
            column("recovery_low?", Float, "ratio", "lower end of the interval of the index"),
            column("recovery_high?", Float, "ratio", "upper end"),
            column("largest_part?", Text, "", "the product (for a product: the region) with most exports at the base"),
            column("largest_part_share?", Float, SHARE, "its share: one product can make an index"),
        ],
    ]
    .concat()
}

/// The columns of a table of regions by `key`, which is called `what`.
fn cell(key: Column, what: &str) -> Vec<Column> {
    use Kind::{Float, Text};
    let benchmarks =
        "aggregate, product, aggregate_loo, product_loo, own_trend, reference or reference_product";
    let about = match what {
        "product" => benchmarks.to_owned(),
        _ => format!("{benchmarks}; product: national growth of the {what}"),
    };
    [
        vec![
            episode(),
            column("benchmark", Text, "", &about),
            region(),
            key,
            column("status", Text, "", "continuing, entry, exit, re_entry, late_exit, late_entry, passing, absent (from all three), or unknown: the region was not reported at one"),
        ],
        levels(),
        forms("resistance", "base", "trough"),
        forms("recovery", "trough", "end"),
        vec![
            column("resistance_winsorized?", Float, "ratio", "index, pulled in to the quantiles resilience.winsorized_share and 1 less it of its episode and benchmark"),
            column("recovery_winsorized?", Float, "ratio", "the same of recovery"),
            column("level_recovery?", Float, "ratio", "end over base; null without a base"),
            column("recovered_share?", Float, "ratio", "share of the loss made up by the end; null without a loss of near_zero or more"),
        ],
    ]
    .concat()
}

static CONTRACTS: LazyLock<Vec<Contract>> = LazyLock::new(|| {
    use Kind::{Count, Flag, Float, Int, Money, Text};
    vec![
        Contract {
            table: "customs.records",
            about: "one readable entry of a raw file; entries that a rule excludes are here too, marked",
            key: &["source_file", "source_row", "entry"],
            columns: vec![
                column("source_file", Text, "", "raw file, as the pipeline's pattern found it"),
                column(
                    "source_row",
                    Count,
                    "",
                    "line of the (unpacked) raw file on which the row begins",
                ),
                column(
                    "entry",
                    Int,
                    "",
                    "place of the value among the row's value columns, from 0",
                ),
                year(),
                column("month?", Int, "1..12", "month, where the source has months"),
                column("flow", Text, "", "export or import"),
                region(),
                column(
                    "product_code",
                    Text,
                    "",
                    "product code as reported, cleaned, all its digits",
                ),
                column("hs6", Text, "", "its first six digits, in the revision of the record"),
                column("hs_revision", Text, "", "HS revision in force in that year"),
                column("destination?", Text, "", "country of destination"),
                column("trade_mode?", Text, "", "customs regime"),
                column("ownership?", Text, "", "ownership of the firm"),
                column(
                    "ownership_source?",
                    Text,
                    "",
                    "field, or fallback where the field said nothing",
                ),
                column("firm?", Text, "", "firm"),
                column("firm_name?", Text, "", "name of the firm"),
                column("quantity?", Float, "quantity_unit", "quantity"),
                column("quantity_unit?", Text, "", "unit of measure"),
                column("fob_value", Money, UNITS, "FOB value"),
                column("currency", Text, "", "ISO 4217 code"),
                column(
                    "rules?",
                    Text,
                    "",
                    "rules of the layout that cover the entry, in its order, with commas",
                ),
                column("is_excluded", Flag, "", "whether the pipeline excludes one of them"),
            ],
        },
        Contract {
            table: "customs.rejects",
            about: "one row or entry of a raw file that could not be read, with its text and the reason",
            key: &["source_file", "source_row", "reject"],
            columns: vec![
                column("source_file", Text, "", "raw file"),
                column(
                    "source_row",
                    Count,
                    "",
                    "line of the (unpacked) raw file on which the row begins",
                ),
                column("reject", Int, "", "place among the rejects of the row, from 0"),
                column("reason", Text, "", "why"),
                column("column_name", Text, "", "column at fault; empty for the row as a whole"),
                column("found", Text, "", "what stood there"),
                column("raw_text", Text, "", "the row as it stands in the file"),
                column("n_entries", Count, "entries", "entries lost with it"),
                column(
                    "n_unreadable_values",
                    Count,
                    "entries",
                    "of them, with a value that cannot be read",
                ),
                column("fob_value", Money, UNITS, "their value, where it can be read"),
            ],
        },
        Contract {
            table: "customs.reconciliation",
            about: "one raw file: entries in = records + excluded + rejected + empty, and the same for value",
            key: &["source_file"],
            columns: vec![
                column("source_file", Text, "", "raw file"),
                column("layout", Text, "", "layout that read it"),
                column("currency", Text, "", "ISO 4217 code"),
                column("n_rows", Count, "rows", "data rows of the file"),
                column("n_entries", Count, "entries", "values a row can hold, times rows"),
                column("n_records", Count, "entries", "entries that go on"),
                column("n_excluded", Count, "entries", "entries that a named rule excludes"),
                column("n_rejected", Count, "entries", "entries rejected"),
                column(
                    "n_empty",
                    Count,
                    "entries",
                    "cells of a wide table that hold zero or nothing",
                ),
                column(
                    "n_unreadable_values",
                    Count,
                    "entries",
                    "rejected entries whose value cannot be read",
                ),
                column("value_in", Money, UNITS, "sum of every readable value of the file"),
                column("value_records", Money, UNITS, "value of the entries that go on"),
                column("value_excluded", Money, UNITS, "value that named rules exclude"),
                column("value_rejected", Money, UNITS, "value of the rejected entries"),
            ],
        },
        Contract {
            table: "customs.rules",
            about: "what each rule of the layout covers in each raw file",
            key: &["source_file", "rule"],
            columns: vec![
                column("source_file", Text, "", "raw file"),
                column("rule", Text, "", "rule of the layout"),
                column("why", Text, "", "what the rule is for"),
                column("is_excluded", Flag, "", "whether the pipeline excludes it"),
                column("n_entries", Count, "entries", "entries it covers"),
                column("fob_value", Money, UNITS, "their value"),
            ],
        },
        Contract {
            table: "customs.unmapped",
            about: "a text that is not among the layout's codes or listed regions, and that was kept or put among the others of its province",
            key: &["source_file", "field", "raw_code"],
            columns: vec![
                column("source_file", Text, "", "raw file"),
                column("field", Text, "", "field of the layout"),
                column("raw_code", Text, "", "text as it stands in the file"),
                column("code", Text, "", "code it became"),
                column("n_entries", Count, "entries", "entries with it"),
                column("fob_value", Money, UNITS, "their value"),
            ],
        },
        Contract {
            table: "trade.region",
            about: "one region",
            key: &["region_code"],
            columns: vec![
                region(),
                column("region_name", Text, "", "its name; the code where the layout names none"),
            ],
        },
        Contract {
            table: "trade.product",
            about: "one product of the target HS revision that is traded",
            key: &["hs6"],
            columns: vec![
                hs6(),
                column("hs4", Text, "", "its heading"),
                column("hs2", Text, "", "its chapter"),
                column(
                    "description?",
                    Text,
                    "",
                    "official text; null for codes that the revision does not list",
                ),
                column("is_listed", Flag, "", "whether the target revision lists the code"),
                column(
                    "n_codes",
                    Count,
                    "codes",
                    "reported codes that were brought to it, over all revisions",
                ),
            ],
        },
        Contract {
            table: "trade.region_product_year",
            about: "exports of a region in a product and year, on the target HS revision",
            key: &["year", "region_code", "hs6"],
            columns: vec![
                year(),
                region(),
                hs6(),
                column("fob_value", Money, UNITS, "FOB value"),
                column(
                    "n_records",
                    Count,
                    "records",
                    "records summed; a record that was split counts for each part",
                ),
                column(
                    "n_destinations?",
                    Count,
                    "countries",
                    "destinations; null where the source has none, or `aggregate.counts` does not ask",
                ),
                column("n_firms?", Count, "firms", "firms; null where the source has none, or `aggregate.counts` does not ask"),
            ],
        },
        Contract {
            table: "trade.region_product_year_destination",
            about: "the same by destination, where the source has destinations",
            key: &["year", "region_code", "hs6", "destination"],
            columns: long_form("destination", "country of destination"),
        },
        Contract {
            table: "trade.region_product_year_ownership",
            about: "the same by ownership of the firm, where the source has it",
            key: &["year", "region_code", "hs6", "ownership"],
            columns: long_form("ownership", "ownership of the firm"),
        },
        Contract {
            table: "trade.region_product_year_trade_mode",
            about: "the same by customs regime, where the source has it",
            key: &["year", "region_code", "hs6", "trade_mode"],
            columns: long_form("trade_mode", "customs regime"),
        },
        Contract {
            table: "trade.region_product_year_ownership_trade_mode",
            about: "the same by ownership and customs regime together, where the source has both",
            key: &["year", "region_code", "hs6", "ownership", "trade_mode"],
            columns: {
                let mut columns = long_form("ownership", "ownership of the firm");
                columns.insert(4, column("trade_mode", Text, "", "customs regime"));
                columns
            },
        },
        Contract {
            table: "trade.region_product_year_firm",
            about: "the same by firm, where the source has firms and the config keeps them",
            key: &["year", "region_code", "hs6", "firm"],
            columns: long_form("firm", "firm"),
        },
        Contract {
            table: "trade.region_product_month",
            about: "the same by month, where the source has months and the config keeps them",
            key: &["year", "region_code", "hs6", "month"],
            columns: vec![
                year(),
                region(),
                hs6(),
                column("month", Int, "1..12", "month"),
                column("fob_value", Money, UNITS, "FOB value"),
            ],
        },
        Contract {
            table: "trade.region_product_year_quantity",
            about: "quantities by unit of measure, of the records that have one, if the config keeps them",
            key: &["year", "region_code", "hs6", "quantity_unit"],
            columns: vec![
                year(),
                region(),
                hs6(),
                column("quantity_unit", Text, "", "unit of measure; empty: the source names none"),
                column(
                    "quantity",
                    Float,
                    "quantity_unit",
                    "sum, each record's quantity rounded to thousandths",
                ),
                column("fob_value", Money, UNITS, "FOB value of those records"),
                column(
                    "n_records",
                    Count,
                    "records",
                    "records summed; a record that was split counts for each part",
                ),
            ],
        },
        Contract {
            table: "trade.region_year",
            about: "exports of a region in a year",
            key: &["year", "region_code"],
            columns: vec![
                year(),
                region(),
                column("fob_value", Money, UNITS, "FOB value"),
                column("n_products", Count, "products", "products with a value above zero"),
                column("n_records", Count, "records", "records summed"),
            ],
        },
        Contract {
            table: "trade.hs_conversion",
            about: "how the codes of a year were brought to the target HS revision",
            key: &["year", "hs_revision", "kind"],
            columns: vec![
                year(),
                column("hs_revision", Text, "", "revision of the records"),
                column(
                    "kind",
                    Text,
                    "",
                    "same_revision, one_to_one, merge, split, split_and_merge, family or unlisted",
                ),
                column("target_revision", Text, "", "revision of the analysis"),
                column("method", Text, "", "one_to_one, families or weights"),
                column("n_codes", Count, "codes", "reported HS6 codes"),
                column("fob_value", Money, UNITS, "their value"),
                column("value_share?", Float, SHARE, "share in the year's value"),
            ],
        },
        Contract {
            table: "space.proximity",
            about: "a pair of products at least as close as the config publishes, or of the maximum spanning tree",
            key: &["hs6_a", "hs6_b"],
            columns: vec![
                column("hs6_a", Text, "", "the product with the lower code"),
                column("hs6_b", Text, "", "the other"),
                column(
                    "proximity",
                    Float,
                    "the measure's",
                    "relatedness by the config's measure; proximity (Hidalgo et al. 2007) by default",
                ),
                column(
                    "is_in_tree",
                    Flag,
                    "",
                    "whether the link belongs to the maximum spanning tree",
                ),
                column(
                    "co_occurrence?",
                    Count,
                    "regions or firms",
                    "how many have both; null without validation",
                ),
                column(
                    "p_value?",
                    Float,
                    "probability",
                    "of as many or more by chance; null without validation",
                ),
                column(
                    "q_value?",
                    Float,
                    "share",
                    "p-value adjusted for the number of links (Benjamini & Hochberg 1995)",
                ),
            ],
        },
        Contract {
            table: "space.region_product_year",
            about: "a region and a product that both export in the year, and are not cleaned away",
            key: &["year", "region_code", "hs6"],
            columns: vec![
                year(),
                region(),
                hs6(),
                column(
                    "rca",
                    Float,
                    "ratio",
                    "revealed comparative advantage (Balassa 1965) against the config's reference",
                ),
                column("rsca", Float, "-1..1", "symmetric RCA: (rca - 1) / (rca + 1)"),
                column("is_specialized", Flag, "", "whether RCA meets the config's rule"),
                column("density?", Float, "0..1", "relatedness density (Hidalgo et al. 2007)"),
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
                    "related_mass",
                    Float,
                    "sum of relatedness",
                    "relatedness to the region's other specialisations",
                ),
                column(
                    "related_count",
                    Count,
                    "products",
                    "other specialisations of the region among the closest share of pairs",
                ),
                column(
                    "group_entropy?",
                    Float,
                    "bits",
                    "entropy of the region's exports in the chapter without the product; null if there are none",
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
                    "entropy of the region's exports that are not among the closest share of pairs, without the product; null if there are none",
                ),
                column(
                    "outlook_gain?",
                    Float,
                    "PCI",
                    "complexity outlook gain; null where the region is specialised, or without PCI",
                ),
                column(
                    "entered?",
                    Flag,
                    "",
                    "whether a product it was not specialised in before is one now; null outside the risk set, and where region or product had nothing in one of the years",
                ),
                column(
                    "exited?",
                    Flag,
                    "",
                    "whether a product it was specialised in before is none now; null likewise",
                ),
                column(
                    "jumped?",
                    Flag,
                    "",
                    "whether RCA rose from the config's low bound or less to its high one since the year before (Bahar et al. 2014); null outside the risk set",
                ),
                column(
                    "rpop?",
                    Float,
                    "ratio",
                    "exports a head as a ratio to those of all regions; null without population",
                ),
            ],
        },
        Contract {
            table: "space.region_year",
            about: "a region's place in the product space of the year",
            key: &["year", "region_code"],
            columns: vec![
                year(),
                region(),
                column("diversity", Count, "products", "products it is specialised in"),
                column("mean_density?", Float, "0..1", "mean density over the year's products"),
                column(
                    "internal_density?",
                    Float,
                    "0..1",
                    "mean density around what it is specialised in",
                ),
                column(
                    "external_density?",
                    Float,
                    "0..1",
                    "mean density around what it is not specialised in",
                ),
                column(
                    "coherence?",
                    Float,
                    "the measure's",
                    "relatedness among its exports (Nesta & Saviotti 2005); null for fewer than two products",
                ),
                column(
                    "eci?",
                    Float,
                    "z-score",
                    "economic complexity (Hidalgo & Hausmann 2009), from the data's own regions",
                ),
                column("eci_null_reason?", Text, "", "why there is none"),
                column(
                    "eci_reflections?",
                    Float,
                    "z-score",
                    "the same by the method of reflections",
                ),
                column(
                    "fitness?",
                    Float,
                    "mean 1",
                    "fitness (Tacchella et al. 2012); see space.year for convergence",
                ),
                column("outlook_index?", Float, "z-score", "complexity outlook index"),
                column(
                    "eci_external?",
                    Float,
                    "PCI",
                    "mean external PCI of what it is specialised in; null without it",
                ),
                column(
                    "n_entries?",
                    Count,
                    "products",
                    "products entered, over the config's persistence; null where the years before are not in the data",
                ),
                column("n_exits?", Count, "products", "products left, likewise"),
                column(
                    "expy?",
                    Float,
                    "incomes",
                    "income level of its exports (Hausmann, Hwang & Rodrik 2007); null without incomes",
                ),
                column(
                    "expy_coverage?",
                    Float,
                    "share, 0..1",
                    "share of its exports in products with a PRODY",
                ),
            ],
        },
        Contract {
            table: "space.product_year",
            about: "a product's place in the product space of the year",
            key: &["year", "hs6"],
            columns: vec![
                year(),
                hs6(),
                column("ubiquity", Count, "regions", "regions specialised in it"),
                column(
                    "pci?",
                    Float,
                    "z-score",
                    "product complexity, from the data's own regions, on the config's scale",
                ),
                column("pci_null_reason?", Text, "", "why there is none"),
                column(
                    "fitness_complexity?",
                    Float,
                    "mean 1",
                    "complexity of fitness (Tacchella et al. 2012)",
                ),
                column(
                    "prody?",
                    Float,
                    "incomes",
                    "income level of the product (Hausmann, Hwang & Rodrik 2007); null without incomes",
                ),
            ],
        },
        Contract {
            table: "space.year",
            about: "what a year's product space was made of, and whether its complexity can be trusted",
            key: &["year"],
            columns: vec![
                year(),
                column("n_regions", Count, "regions", "regions that export"),
                column("n_regions_kept", Count, "regions", "of them, those that the cleaning kept"),
                column("n_products", Count, "products", "products that are exported"),
                column(
                    "n_products_kept",
                    Count,
                    "products",
                    "of them, those that the cleaning kept",
                ),
                column(
                    "value_share_kept",
                    Float,
                    "share, 0..1",
                    "share of the value in what was kept",
                ),
                column("cleaning_rounds", Count, "rounds", "rounds of cleaning"),
                column(
                    "n_regions_with_income?",
                    Count,
                    "regions",
                    "of those kept, regions with an income; null without incomes",
                ),
                column("fill?", Float, "share, 0..1", "share of cells that are specialisations"),
                column(
                    "lambda_2?",
                    Float,
                    "0..1",
                    "second largest eigenvalue: near 1 the regions nearly fall apart into groups",
                ),
                column(
                    "spectral_gap?",
                    Float,
                    "0..1",
                    "distance to the third: near 0, another answer serves nearly as well",
                ),
                column(
                    "eci_diversity_correlation?",
                    Float,
                    "-1..1",
                    "near 1, ECI says little more than diversity",
                ),
                column("nodf?", Float, "0..100", "nestedness (Almeida-Neto et al. 2008)"),
                column(
                    "eci_rank_stability?",
                    Float,
                    "0..1",
                    "smaller rank correlation with the ECI of thresholds a quarter lower and higher",
                ),
                column("fitness_iterations?", Count, "steps", "steps that fitness took"),
                column("fitness_change?", Float, "log points", "largest change in the last"),
                column("is_fitness_converged?", Flag, "", "whether that is within the tolerance"),
            ],
        },
        Contract {
            table: "diversification.region_year",
            about: "variety and concentration of a region's exports in a year",
            key: &["year", "region_code"],
            columns: vec![
                year(),
                region(),
                column("n_products", Count, "products", "products exported"),
                column("entropy_hs6?", Float, "bits", "entropy of products"),
                column("entropy_hs4?", Float, "bits", "entropy of headings"),
                column(
                    "unrelated_variety?",
                    Float,
                    "bits",
                    "entropy of chapters (Frenken et al. 2007)",
                ),
                column(
                    "semi_related_variety?",
                    Float,
                    "bits",
                    "headings within chapters (Castaldi et al. 2015)",
                ),
                column(
                    "related_variety?",
                    Float,
                    "bits",
                    "products within chapters (Frenken et al. 2007)",
                ),
                column(
                    "related_variety_hs4?",
                    Float,
                    "bits",
                    "products within headings (Castaldi et al. 2015)",
                ),
                column("hhi?", Float, "0..1", "Herfindahl-Hirschman index over products"),
                column(
                    "hhi_normalized?",
                    Float,
                    "0..1",
                    "HHI between equal shares (0) and one product (1); null for one product",
                ),
                column("theil?", Float, "nats", "Theil index over products exported"),
                column("gini?", Float, "0..1", "Gini over products exported"),
                column("largest_share?", Float, SHARE, "share of the largest product"),
                column("null_reason?", Text, "", "no_exports"),
                column("hirschman?", Float, "0..1", "root of HHI"),
                column(
                    "inverse_hhi?",
                    Float,
                    "products",
                    "how many equal products would have this HHI",
                ),
                column(
                    "gini_all?",
                    Float,
                    "0..1",
                    "Gini over all products that the nation exports in the year",
                ),
                column(
                    "krugman?",
                    Float,
                    "0..2",
                    "sum of |share - the nation's share| over products",
                ),
                column("hoover?", Float, "0..1", "half of it: coefficient of specialisation"),
                column("hachman?", Float, "0..1", "Hachman index: 1 is the nation's structure"),
                column(
                    "n_destinations?",
                    Count,
                    "countries",
                    "destinations; null where the source has none",
                ),
                column("destination_entropy?", Float, "bits", "entropy of destinations"),
                column(
                    "market_unrelated_variety?",
                    Float,
                    "bits",
                    "entropy of the subcontinents of destinations (UN M49)",
                ),
                column(
                    "market_related_variety?",
                    Float,
                    "bits",
                    "destinations within subcontinents",
                ),
                column(
                    "destination_hhi?",
                    Float,
                    "0..1",
                    "Herfindahl-Hirschman index over destinations",
                ),
                column("destination_gini?", Float, "0..1", "Gini over destinations"),
            ],
        },
        Contract {
            table: "diversification.product_year",
            about: "concentration of a product's exports over regions",
            key: &["year", "hs6"],
            columns: vec![
                year(),
                hs6(),
                column("n_regions", Count, "regions", "regions that export it"),
                column("hhi", Float, "0..1", "Herfindahl-Hirschman index over regions"),
                column("gini", Float, "0..1", "Gini over regions that export it"),
                column(
                    "locational_gini",
                    Float,
                    "0..1",
                    "Gini of the ratios of its shares to those of all exports (EconGeo's is half of it)",
                ),
                column(
                    "hoover",
                    Float,
                    "0..1",
                    "half the sum of |share - share of all exports| over regions",
                ),
                column("largest_share", Float, SHARE, "share of the largest region"),
            ],
        },
        Contract {
            table: "resilience.episode",
            about: "an episode of the config and the nation's path through it",
            key: &["episode"],
            columns: [
                vec![
                    episode(),
                    column("frequency", Text, "", "year, quarter or month"),
                    column("base", Text, "", "periods whose mean is the base"),
                    column("trough", Text, "", "period of the trough"),
                    column("end", Text, "", "period of the end of the recovery"),
                    column(
                        "transformation",
                        Text,
                        "",
                        "period compared with the base for the structure",
                    ),
                    column(
                        "trailing",
                        Int,
                        "periods",
                        "periods whose sum stands for the last of them",
                    ),
                    column("base_year", Int, "", "year of the last base period"),
                    column("trough_year", Int, "", "year of the trough"),
                    column("end_year", Int, "", "year of the end"),
                    column("transformation_year", Int, "", "year of the transformation"),
column("regressor_year", Int, "", "last whole year that ends with the base or before it: what the panels explain with is of this year"),
                ],
                levels(),
                vec![
                    column("resistance_growth?", Float, "fraction", "growth from base to trough of the regions that were reported at both ends with the same borders"),
                    column("recovery_growth?", Float, "fraction", "the same from trough to end"),
column("n_regions_resistance", Count, "regions", "regions it is of, that exported anything"),
column("n_regions_recovery", Count, "regions", "the same from trough to end"),
column("n_negative_cells", Count, "cells", "region-products below zero at base, trough and end, which count as zero in every table of resilience"),
column("negative_value", Money, UNITS, "their sum"),
                ],
            ]
            .concat(),
        },
        Contract {
            table: "resilience.region",
            about: "resistance and recovery of a region against a benchmark",
            key: &["episode", "benchmark", "region_code"],
            columns: unit(region()),
        },
        Contract {
            table: "resilience.macro_region",
            about: "resistance and recovery of a group of regions against a benchmark; values are of the regions reported in that period, growth and indices of those reported at both ends of the stage",
            key: &["episode", "benchmark", "macro_region"],
            columns: unit(column(
                "macro_region",
                Text,
                "",
                "group of regions: of the pipeline's table `groups`, or the first spatial.group_digits of the code",
            )),
        },
        Contract {
            table: "resilience.product",
            about: "resistance and recovery of a product over the regions reported at both ends of a stage against a benchmark; mix: its regions' growth",
            key: &["episode", "benchmark", "hs6"],
            columns: unit(hs6()),
        },
        Contract {
            table: "resilience.nation",
            about: "the nation's own path against its trend or another economy; against aggregate and mix it has no index, as it is both",
            key: &["episode", "benchmark", "nation"],
            columns: unit(column("nation", Text, "", "all regions of the pipeline")),
        },
        Contract {
            table: "resilience.region_product",
            about: "resistance and recovery of a region's product against a benchmark",
            key: &["episode", "benchmark", "region_code", "hs6"],
            columns: cell(hs6(), "product"),
        },
        Contract {
            table: "resilience.region_trade_mode",
            about: "resistance and recovery of a region's exports by trade mode; episodes in years",
            key: &["episode", "benchmark", "region_code", "trade_mode"],
            columns: cell(column("trade_mode", Text, "", "customs regime"), "trade mode"),
        },
        Contract {
            table: "resilience.region_ownership",
            about: "resistance and recovery of a region's exports by ownership of the firm; episodes in years",
            key: &["episode", "benchmark", "region_code", "ownership"],
            columns: cell(column("ownership", Text, "", "ownership of the firm"), "ownership"),
        },
        Contract {
            table: "resilience.region_destination",
            about: "resistance and recovery of a region's exports by destination; episodes in years",
            key: &["episode", "benchmark", "region_code", "destination"],
            columns: cell(column("destination", Text, "", "country of destination"), "destination"),
        },
        Contract {
            table: "resilience.region_period",
            about: "a region's path, period by period, and the path that the benchmark expects from the base on",
            key: &["episode", "benchmark", "region_code", "period"],
            columns: path("as in resilience.region", region()),
        },
        Contract {
            table: "resilience.nation_period",
            about: "the nation's path, period by period, and the path that the benchmark expects from the base on: with own_trend, the path without a crisis",
            key: &["episode", "benchmark", "nation", "period"],
            columns: path("as in resilience.nation", column("nation", Text, "", "all regions of the pipeline")),
        },
        Contract {
            table: "resilience.region_cycle",
            about: "a region's own course through an episode: turning points, time to come back, shock by growth alone",
            key: &["episode", "region_code"],
            columns: vec![
                episode(),
                region(),
                column(
                    "peak?",
                    Text,
                    "",
                    "period of the highest level from a year before the base to the trough (Sensier et al. 2016)",
                ),
                column("trough?", Text, "", "period of the lowest level from the peak to the end"),
                column("n_periods_down?", Count, "periods", "from peak to trough"),
                column("amplitude?", Float, "fraction", "change from peak to trough"),
                column(
                    "regained?",
                    Text,
                    "",
                    "first period after the trough at the level of the peak",
                ),
                column("n_periods_to_regain?", Count, "periods", "from trough to there"),
                column("cycle_null_reason?", Text, "", "year_missing, region_changed or no_contraction"),
                column(
                    "n_periods_to_recover?",
                    Count,
                    "periods",
                    "from the episode's trough to the level of the base, 0 if it never fell below; null: not within the data",
                ),
                column(
                    "is_recovered?",
                    Flag,
                    "",
                    "whether the level of the base is reached again within the data",
                ),
                column(
                    "is_shocked?",
                    Flag,
                    "",
                    "growth over a year fell more than the margin below its mean of the years before (Hill et al. 2012)",
                ),
                column("is_resistant?", Flag, "", "not shocked, though the nation was"),
                column(
                    "is_resilient?",
                    Flag,
                    "",
                    "growth back at that mean in time; null: not shocked, or the data end too early",
                ),
                column("shock_null_reason?", Text, "", "too_few_periods, year_missing, region_changed, or no_growth_rate: from zero"),
            ],
        },
        Contract {
            table: "resilience.unit_value",
            about: "unit values and quality of a region's product in one unit of measure, base and transformation; episodes in years",
            key: &["episode", "region_code", "hs6", "quantity_unit"],
            columns: vec![
                episode(),
                region(),
                hs6(),
                column("quantity_unit", Text, "", "unit of measure; empty: the source names none"),
                column("unit_value_before?", Float, "currency a unit", "value over quantity, base"),
                column("unit_value_after?", Float, "currency a unit", "the same, transformation"),
                column(
                    "relative_before?",
                    Float,
                    "ratio",
                    "over the unit value of all regions together; null: alone, or an outlier",
                ),
                column("relative_after?", Float, "ratio", "the same after"),
                column(
                    "relative_change?",
                    Float,
                    "log points",
                    "log of after over before: upgrading within the product if above 0",
                ),
                column(
                    "quality_before?",
                    Float,
                    "log points",
                    "quality against the mean of the regions (Khandelwal, Schott & Wei 2013)",
                ),
                column("quality_after?", Float, "log points", "the same after"),
                column("quality_change?", Float, "log points", "after less before"),
                column(
                    "null_reason?",
                    Text,
                    "",
                    "why the changes are null: no_quantity_before, no_quantity_after, outlier_or_alone, region_changed",
                ),
            ],
        },
        Contract {
            table: "resilience.shift_share",
            about: "a region's change over a stage: national + mix + competitive (Dunn 1960)",
            key: &["episode", "stage", "region_code"],
            columns: vec![
                episode(),
                column("stage", Text, "", "resistance or recovery"),
                region(),
                column("change?", Float, UNITS, "change of exports"),
                column("national?", Float, UNITS, "growth at the national rate"),
                column("mix?", Float, UNITS, "due to the products it began with"),
                column("competitive?", Float, UNITS, "gained or lost within products"),
                column("null_reason?", Text, "", "year_missing, region_changed or no_base"),
            ],
        },
        Contract {
            table: "resilience.margins",
            about: "a region's change over a stage by what became of its products: continuing + entering + exiting",
            key: &["episode", "stage", "region_code"],
            columns: vec![
                episode(),
                column(
                    "stage",
                    Text,
                    "",
                    "recovery, resistance, or transformation: from the base to its period",
                ),
                region(),
                column("change?", Float, UNITS, "change of exports"),
                column(
                    "continuing?",
                    Float,
                    UNITS,
                    "of products exported at both ends: the intensive margin",
                ),
                column("growing?", Float, UNITS, "of them, those that grew"),
                column("shrinking?", Float, UNITS, "of them, those that fell; below zero"),
                column("entering?", Float, UNITS, "of products exported at the end only"),
                column(
                    "exiting?",
                    Float,
                    UNITS,
                    "of products exported at the start only; below zero",
                ),
                column("null_reason?", Text, "", "year_missing or region_changed"),
            ],
        },
        Contract {
            table: "resilience.transformation",
            about: "how a region's product structure moved from the base to the transformation year",
            key: &["episode", "region_code"],
            columns: vec![
                episode(),
                region(),
                column("michaely?", Float, "0..1", "half the sum of absolute share changes"),
                column("similarity?", Float, "0..1", "1 - michaely (Finger & Kreinin 1979)"),
                column("moore?", Float, "radians", "angle between the share vectors"),
                column(
                    "lilien?",
                    Float,
                    "log points",
                    "dispersion of growth over continuing products",
                ),
                column("n_continuing?", Count, "products", "exported before and after"),
                column("n_entering?", Count, "products", "exported only after"),
                column("n_exiting?", Count, "products", "exported only before"),
                column("n_new_specializations?", Count, "products", "RCA met the rule only after"),
                column(
                    "n_lost_specializations?",
                    Count,
                    "products",
                    "RCA met the rule only before",
                ),
                column("null_reason?", Text, "", "year_missing, region_changed or no_base"),
                column(
                    "pci_before?",
                    Float,
                    "z-score",
                    "mean PCI of exports before, PCI fixed at the base",
                ),
                column(
                    "pci_after?",
                    Float,
                    "z-score",
                    "mean PCI of exports after, PCI fixed at the base",
                ),
                column("upgrading?", Float, "z-score", "their difference"),
                column(
                    "pci_coverage?",
                    Float,
                    SHARE,
                    "share of exports after in products with a PCI",
                ),
                column("upgrading_null_reason?", Text, "", "why there is none"),
                column(
                    "expy_before?",
                    Float,
                    "as incomes",
                    "EXPY before, PRODY fixed at the base; null without a table `incomes`",
                ),
                column("expy_after?", Float, "as incomes", "EXPY after, PRODY fixed at the base"),
                column("expy_change?", Float, "as incomes", "their difference"),
                column("eci_before?", Float, "z-score", "ECI at the base"),
                column("eci_after?", Float, "z-score", "ECI in the transformation period"),
                column(
                    "eci_change?",
                    Float,
                    "z-score",
                    "their difference; each is relative to the regions of its period",
                ),
                column(
                    "high_complexity_before?",
                    Float,
                    SHARE,
                    "share of exports in the third of products with the highest PCI, before",
                ),
                column("high_complexity_after?", Float, SHARE, "the same after"),
                column("high_complexity_change?", Float, SHARE, "their difference"),
                column(
                    "entry_rate?",
                    Float,
                    SHARE,
                    "new specialisations over the products that the region was not specialised in (Xiao, Boschma & Andersson 2018)",
                ),
                column(
                    "entry_rate_before?",
                    Float,
                    SHARE,
                    "the same over as many periods before the base; null: the data begin later",
                ),
            ],
        },
        Contract {
            table: "resilience.product_transformation",
            about: "a product's part in the transformation of a region's structure",
            key: &["episode", "region_code", "hs6"],
            columns: vec![
                episode(),
                region(),
                hs6(),
                column("share_before?", Float, SHARE, "share in the region's exports at the base"),
                column("share_after?", Float, SHARE, "share in the transformation year"),
                column("rca_before?", Float, "ratio", "RCA at the base"),
                column("rca_after?", Float, "ratio", "RCA in the transformation year"),
                column("pci?", Float, "z-score", "PCI, fixed at the base"),
                column(
                    "upgrading?",
                    Float,
                    "z-score",
                    "(share after - share before) x (PCI - mean PCI before); adds up to the region's upgrading",
                ),
                column("rca_change?", Float, "ratio", "RCA after less before"),
                column(
                    "prody?",
                    Float,
                    "as incomes",
                    "PRODY, fixed at the base; null without a table `incomes`",
                ),
                column(
                    "expy_upgrading?",
                    Float,
                    "as incomes",
                    "(share after - share before) x (PRODY - EXPY before); adds up to the region's change of EXPY",
                ),
                column(
                    "is_entry_upgrade?",
                    Flag,
                    "",
                    "entered (RCA rule) a product above the region's mean PCI; null outside the risk set (specialised before), without PCI, and if traded neither before nor after unless resilience.balanced",
                ),
            ],
        },
        Contract {
            table: "panel.region",
            about: "one region and episode, with the headline benchmark",
            key: &["episode", "region_code"],
            columns: vec![
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
                column(
                    "expected_sign?",
                    Int,
                    "-1, 0, 1",
                    "sign of the expected change to the trough",
                ),
                column(
                    "sensitivity?",
                    Float,
                    "ratio",
                    "growth over national growth, base to trough",
                ),
                column("level_recovery?", Float, "ratio", "end over base"),
                column("drop_rebound?", Float, "ratio", "rebound over drop against the own trend (Han & Goetz 2015); null unless own_trend is among the benchmarks"),
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
                column(
                    "resistance_low?",
                    Float,
                    "ratio",
                    "lower end of the interval of resistance",
                ),
                column("resistance_high?", Float, "ratio", "upper end"),
                column("recovery_low?", Float, "ratio", "lower end of the interval of recovery"),
                column("recovery_high?", Float, "ratio", "upper end"),
                column("largest_hs6?", Text, "", "product with most exports at the base"),
                column("largest_hs6_share?", Float, SHARE, "its share"),
                column(
                    "resistance_national?",
                    Float,
                    UNITS,
                    "shift-share to the trough: national part",
                ),
                column(
                    "resistance_industry_mix?",
                    Float,
                    UNITS,
                    "shift-share to the trough: mix part",
                ),
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
                column(
                    "entry_rate?",
                    Float,
                    SHARE,
                    "the same over the products it was not specialised in",
                ),
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
                column("foreign_share?", Float, SHARE, "exports of foreign-invested firms; null where the source does not say"),
                column("state_share?", Float, SHARE, "exports of state-owned firms"),
                column("processing_share?", Float, SHARE, "processing trade"),
                column("rebate_step?", Float, "fraction", "rise of the rebate of export VAT, of what the region exports"),
            ],
        },
        Contract {
            table: "panel.region_product",
            about: "one region, product and episode, with the headline benchmark; regressors of resilience.episode.regressor_year",
            key: &["episode", "region_code", "hs6"],
            columns: [vec![
                episode(),
                region(),
                hs6(),
                column("hs4", Text, "", "heading"),
                column("hs2", Text, "", "chapter"),
                column("status", Text, "", "what became of it"),
                column("base_value?", Money, UNITS, "exports at the base"),
                column("trough_value?", Money, UNITS, "exports at the trough"),
                column("end_value?", Money, UNITS, "exports at the end"),
                column("resistance?", Float, "ratio", "index against the aggregate benchmark"),
                column("resistance_winsorized?", Float, "ratio", "index, its tails pulled in"),
                column("resistance_diff?", Float, "fraction", "growth less national growth"),
                column(
                    "resistance_dlog?",
                    Float,
                    "log points",
                    "log growth less national log growth",
                ),
                column("resistance_dhs?", Float, "-2..2", "midpoint growth"),
                column("resistance_null_reason?", Text, "", "why the index is null"),
                column("recovery?", Float, "ratio", "index against the aggregate benchmark"),
                column("recovery_winsorized?", Float, "ratio", "index, its tails pulled in"),
                column("recovery_diff?", Float, "fraction", "growth less national growth"),
                column(
                    "recovery_dlog?",
                    Float,
                    "log points",
                    "log growth less national log growth",
                ),
                column("recovery_dhs?", Float, "-2..2", "midpoint growth"),
                column("recovery_null_reason?", Text, "", "why the index is null"),
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
                column("is_entry?", Flag, "", "exported at the end, of what was not at the base; null otherwise"),
                column("is_exit?", Flag, "", "not exported at the end, of what was at the base; null otherwise"),
                column("is_recovered?", Flag, "", "back at the base's value at the end, of what fell to the trough; null otherwise"),
                ], related(), vec![
                column("pci?", Float, "z-score", "product complexity, fixed at the base"),
                ], region_structure(), vec![
                column("rebate_step?", Float, "fraction", "rise of the product's rebate of export VAT over the crisis (policy.rebate)"),
                column("rebate_exposure?", Float, "fraction", "the same times the share that is eligible: 1 less processing with supplied materials"),
                column("rebate_exposure_low?", Float, "fraction", "the same with all processing taken as not eligible: a lower bound, there also where its kind is not given"),
                column("rebate_annual_change?", Float, "fraction", "change of the day-weighted annual rate"),
                column("has_rebate_rise?", Flag, "", "whether the rate rose"),
                column("rebate_earlier_cut?", Float, "fraction", "change of the rate before the crisis; below zero: a cut"),
                ], shares(), vec![
                column("region_foreign_share?", Float, SHARE, "foreign-invested firms in all exports of the region: also for products it does not export"),
                column("region_processing_share?", Float, SHARE, "processing trade in all exports of the region"),
                column("log_base_value?", Float, "log units", "ln of exports at the base; null if not positive"),
                column("pre_trend_dlog?", Float, "log points", "mean log growth of the three years to the regressors' year"),
                column("pre_trend_dhs?", Float, "-2..2", "mean midpoint growth of the same years; also of those with zeros"),
                column("market_share?", Float, SHARE, "share of the nation's exports of the product"),
                column("product_hhi?", Float, "0..1", "concentration of the product's exports over regions"),
                column("log_firms?", Float, "log units", "ln(1 + exporting firms); null without firms"),
                column("firm_hhi?", Float, "0..1", "concentration of the region-product's exports over firms"),
                column("n_destinations?", Count, "countries", "destinations; null without them"),
                column("destination_hhi?", Float, "0..1", "concentration over destinations"),
                column("us_eu_japan_share?", Float, SHARE, "of the United States, the European Union (27 members) and Japan"),
                column("hong_kong_share?", Float, SHARE, "of Hong Kong, an entrepot"),
            ]].concat(),
        },
        Contract {
            table: "panel.region_product_year",
            about: "one year and region-product that was exported in any year: outcomes and regressors of the year, for dynamic models",
            key: &["year", "region_code", "hs6"],
            columns: [vec![
                year(),
                region(),
                hs6(),
                column("hs4", Text, "", "heading"),
                column("hs2", Text, "", "chapter"),
                column("fob_value", Money, UNITS, "exports; 0 if there are none"),
                column("is_exported", Flag, "", "whether there are exports"),
                column("log_value?", Float, "log units", "ln of exports; null if not positive"),
                column("dlog_value?", Float, "log points", "log growth over the year; null if an end is not positive"),
                column("dhs_value?", Float, "-2..2", "midpoint growth over the year (Davis, Haltiwanger & Schuh 1996); null if both ends are zero, or the year before has no data"),
                ], shares(), vec![
                column("n_destinations?", Count, "countries", "destinations; null without them"),
                column("destination_hhi?", Float, "0..1", "concentration over destinations"),
                column("us_eu_japan_share?", Float, SHARE, "of the United States, the European Union (27 members) and Japan"),
                column("hong_kong_share?", Float, SHARE, "of Hong Kong, an entrepot"),
                column("n_firms?", Count, "firms", "exporting firms; null without firms"),
                column("log_firms?", Float, "log units", "ln(1 + exporting firms); null without firms"),
                column("firm_hhi?", Float, "0..1", "concentration over firms"),
                column("market_share?", Float, SHARE, "share of the nation's exports of the product"),
                column("product_hhi?", Float, "0..1", "concentration of the product's exports over regions"),
                ], related(), vec![
                column("entered?", Flag, "", "whether a product it was not specialised in the year before is one now"),
                column("exited?", Flag, "", "whether a product it was specialised in is none now"),
                column("pci?", Float, "z-score", "product complexity of the year"),
                ], region_structure(), vec![
                column("rebate_rate?", Float, "fraction", "day-weighted rebate of export VAT (policy.rebate_year)"),
                column("log_export_tax?", Float, "log units", "ln(1 + VAT less rebate)"),
                column("log_export_tax_exposure?", Float, "log units", "the same times the share that is eligible"),
            ]].concat(),
        },
        Contract {
            table: "policy.rebate",
            about: "a product's rebate of export VAT over the crisis, of the pipeline's `rebate_rates`",
            key: &["hs6"],
            columns: vec![
                hs6(),
                column("rate_before?", Float, "fraction", "rate on policy.step_from, mean of its tariff lines"),
                column("rate_after?", Float, "fraction", "rate on policy.step_to"),
                column("step?", Float, "fraction", "crisis step: mean over lines of the rate after less the rate before; null where no line has both"),
                column("step_min?", Float, "fraction", "smallest step of its lines"),
                column("step_max?", Float, "fraction", "largest step of its lines"),
                column("has_rise?", Flag, "", "whether a line's rate rose between the two days"),
                column("n_rises", Count, "steps", "rises between the two days, of the line with most"),
                column("annual_change?", Float, "fraction", "day-weighted mean of the year of step_to less that of the year of step_from"),
                column("earlier_cut?", Float, "fraction", "rate on policy.cut_to less that on policy.cut_from; below zero: a cut"),
                column("n_lines", Count, "lines", "tariff lines"),
            ],
        },
        Contract {
            table: "policy.rebate_year",
            about: "a product's rebate of export VAT in a year",
            key: &["year", "hs6"],
            columns: vec![
                year(),
                hs6(),
                column("rate", Float, "fraction", "day-weighted rate, mean of its tariff lines"),
                column("export_tax", Float, "fraction", "policy.vat less the rate"),
                column("log_export_tax", Float, "log units", "ln(1 + export_tax)"),
                column("rate_min", Float, "fraction", "lowest of its lines"),
                column("rate_max", Float, "fraction", "highest of its lines"),
                column("n_lines", Count, "lines", "tariff lines with a rate in the year"),
                column("n_days?", Float, "days", "days of the year with a rate, mean of its lines"),
            ],
        },
        Contract {
            table: "model.coefficients",
            about: "one coefficient of a regression, or the reason why there is none",
            key: &["model", "specification", "outcome", "term"],
            columns: vec![
                column("model", Text, "", "model"),
                column("specification", Text, "", "its specification; empty if it has but one"),
                column("outcome", Text, "", "outcome"),
                column("term", Text, "", "regressor"),
                column("place", Count, "", "place in the model, from 1"),
                column("level?", Text, "", "level of a dynamic form, i(by, x)"),
                column("level_of?", Text, "", "the regressor there"),
                column("estimate?", Float, "outcome per regressor", "coefficient"),
                column("se?", Float, "as estimate", "standard error, of the inference that model.fit names"),
                column("t?", Float, "ratio", "estimate by standard error"),
                column("p?", Float, "probability", "two-sided"),
                column("low?", Float, "as estimate", "lower end of the 95 % interval"),
                column("high?", Float, "as estimate", "upper end"),
                column("wild_p?", Float, "probability", "p of the wild cluster bootstrap, null imposed"),
                column("null_reason?", Text, "", "why there is no estimate: absorbed, a combination, constant, or without data"),
            ],
        },
        Contract {
            table: "model.fit",
            about: "how a regression went",
            key: &["model", "specification", "outcome"],
            columns: vec![
                column("model", Text, "", "model"),
                column("specification", Text, "", "its specification; empty if it has but one"),
                column("outcome", Text, "", "outcome"),
                column("place", Count, "", "place among the model's regressions, from 1"),
                column("title", Text, "", "what the model's table is called"),
                column("about", Text, "", "what is said below it"),
                column("focus", Text, "", "coefficients that it follows, `a; b`, a row a specification; empty if it shows all"),
                column("estimator", Text, "", "ols, wls, 2sls, ppml or logit"),
                column("source_table", Text, "", "table of its rows"),
                column("condition", Text, "", "condition on them"),
                column("effects", Text, "", "absorbed effects"),
                column("inference", Text, "", "what is assumed of the errors"),
                column("weights", Text, "", "weights"),
                column("n_selected", Count, "rows", "rows of the condition"),
                column("n_missing", Count, "rows", "of them without a value of some column"),
                column("missing", Text, "", "those columns, with counts"),
                column("n_zero_weights", Count, "rows", "rows of weight zero, left out"),
                column("n_singletons", Count, "rows", "rows alone in a level of an effect, left out"),
                column("n_separated", Count, "rows", "rows fitted exactly in the limit (perfect prediction), left out (ppml, logit)"),
                column("n_used", Count, "rows", "rows of the estimate"),
                column("levels", Text, "", "levels of each effect"),
                column("n_absorbed", Count, "parameters", "parameters the effects stand for: levels less one for each effect after the first"),
                column("clusters", Text, "", "clusters of each cluster variable"),
                column("df_k?", Count, "parameters", "K of the small-sample correction (effects nested in clusters left out)"),
                column("df_t?", Count, "degrees", "degrees of freedom of t; null: normal"),
                column("r2?", Float, "share", "R2; of the deviance for ppml and logit"),
                column("r2_within?", Float, "share", "R2 once the effects are out"),
                column("rmse?", Float, "the outcome's", "root of the mean squared residual"),
                column("f?", Float, "ratio", "Wald's F that all coefficients are zero"),
                column("f_p?", Float, "probability", "its p"),
                column("first_stage_f?", Float, "ratio", "smallest first-stage F of the instruments"),
                column("deviance?", Float, "", "deviance"),
                column("n_iterations", Count, "iterations", "iterations of ppml and logit"),
                column("notes", Text, "", "what a reader must know"),
                column("failure?", Text, "", "why there are no estimates"),
            ],
        },
        Contract {
            table: "spatial.measure",
            about: "how a measure of regions differs over space, in a year or an episode",
            key: &["source_table", "measure", "period"],
            columns: vec![
                column("source_table", Text, "", "table that holds the measure"),
                column("measure", Text, "", "its column"),
                column("period", Text, "", "year, or episode / benchmark"),
                column("n_regions", Count, "regions", "regions that have it"),
                column("mean", Float, "the measure's", "mean, regions counting alike"),
                column("cv?", Float, "ratio", "coefficient of variation; null if the mean is 0"),
                column(
                    "cv_weighted?",
                    Float,
                    "ratio",
                    "the same, regions weighted by their exports of all years",
                ),
                column("gini?", Float, "0..1", "Gini; null if a value is negative, or all are 0"),
                column("gini_weighted?", Float, "0..1", "the same, weighted"),
                column("theil?", Float, "nats", "Theil's T; null if a value is not above 0"),
                column("theil_between?", Float, "nats", "its part between groups of regions"),
                column("theil_within?", Float, "nats", "its part within them"),
                column("theil_weighted?", Float, "nats", "Theil's T, weighted"),
                column("theil_between_weighted?", Float, "nats", "its part between groups"),
                column("theil_within_weighted?", Float, "nats", "its part within them"),
                column("n_groups", Count, "groups", "groups of the regions that have it"),
                column(
                    "n_with_neighbours",
                    Count,
                    "regions",
                    "regions that have it and a neighbour that has it",
                ),
                column("moran?", Float, "index", "Moran's I"),
                column("moran_expected?", Float, "index", "what it is by chance"),
                column("moran_p_value?", Float, "probability", "two-sided, by permutation"),
                column(
                    "moran_null_reason?",
                    Text,
                    "",
                    "no_boundaries, no_neighbours, too_few_regions or no_spread",
                ),
            ],
        },
        Contract {
            table: "spatial.region",
            about: "a region's place among its neighbours, by measure and year or episode",
            key: &["source_table", "measure", "period", "region_code"],
            columns: vec![
                column("source_table", Text, "", "table that holds the measure"),
                column("measure", Text, "", "its column"),
                column("period", Text, "", "year, or episode / benchmark"),
                region(),
                column("value", Float, "the measure's", "its value"),
                column(
                    "neighbour_mean?",
                    Float,
                    "the measure's",
                    "weighted mean of its neighbours; null without any, or where all regions are alike",
                ),
                column("local_moran?", Float, "index", "local Moran's I (Anselin 1995)"),
                column("p_value?", Float, "probability", "two-sided, by conditional permutation"),
                column(
                    "lisa_class?",
                    Text,
                    "",
                    "high_high, low_low, high_low or low_high; not_significant above the config's p-value",
                ),
            ],
        },
    ]
});

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_are_columns_without_nulls_and_names_are_unique() {
        for contract in Contract::all() {
            let names: BTreeSet<_> = contract.columns.iter().map(|c| &c.name).collect();
            assert_eq!(names.len(), contract.columns.len(), "{}", contract.table);
            for key in contract.key {
                let column = contract.columns.iter().find(|c| c.name == *key);
                assert!(column.is_some_and(|c| !c.is_nullable), "{} {key}", contract.table);
            }
            assert!(contract.table.split_once('.').is_some(), "{}", contract.table);
            assert!(contract.columns.iter().all(|c| !c.about.is_empty()), "{}", contract.table);
        }
    }

    #[test]
    fn kinds_hold_their_own_arrow_type() {
        for kind in [Kind::Text, Kind::Int, Kind::Count, Kind::Float, Kind::Money, Kind::Flag] {
            assert_eq!(Kind::of(&kind.arrow()), Some(kind));
        }
    }
}
