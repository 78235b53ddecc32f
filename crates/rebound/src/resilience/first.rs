//! The columns of each table that are read first.

/// By table, the columns that are shown before the others, where they say anything.
static FIRST: [(&str, &[&str]); 12] = [
    (
        "resilience.component",
        &[
            "benchmark",
            "region_code",
            "composite",
            "composite_null_reason",
            "composite_low",
            "composite_high",
            "largest_gap_relative",
            "largest_gap_period",
            "end_relative",
            "n_periods_to_recover",
            "recover_null_reason",
        ],
    ),
    (
        "resilience.composite_rank",
        &["benchmark", "region_code", "composite", "rank", "rank_low", "rank_high", "null_reason"],
    ),
    (
        "resilience.interval",
        &["benchmark", "stage", "region_code", "source", "low", "high", "null_reason"],
    ),
    (
        "resilience.macro_region",
        &[
            "benchmark",
            "macro_region",
            "base_value",
            "trough_value",
            "end_value",
            "resistance",
            "recovery",
            "type",
        ],
    ),
    (
        "resilience.nation",
        &[
            "benchmark",
            "nation",
            "base_value",
            "trough_value",
            "end_value",
            "resistance",
            "recovery",
            "type",
        ],
    ),
    (
        "resilience.placebo",
        &[
            "benchmark",
            "region_code",
            "gap",
            "p",
            "ratio",
            "pre_rmspe",
            "post_rmspe",
            "n_donors",
            "null_reason",
        ],
    ),
    (
        "resilience.product",
        &[
            "benchmark",
            "product",
            "base_value",
            "trough_value",
            "end_value",
            "resistance",
            "recovery",
            "type",
        ],
    ),
    (
        "resilience.rank",
        &[
            "benchmark",
            "stage",
            "region_code",
            "rank",
            "rank_low",
            "rank_high",
            "p_top_quarter",
            "null_reason",
            "source",
            "p_above_median",
            "index",
        ],
    ),
    (
        "resilience.region_cycle",
        &[
            "region_code",
            "peak",
            "trough",
            "amplitude",
            "n_periods_down",
            "n_periods_to_regain",
            "cycle_null_reason",
        ],
    ),
    (
        "resilience.region_product",
        &[
            "benchmark",
            "region_code",
            "product",
            "base_value",
            "trough_value",
            "end_value",
            "resistance",
            "recovery",
        ],
    ),
    (
        "resilience.robustness",
        &[
            "stage",
            "region_code",
            "is_robust",
            "null_reason",
            "n_above",
            "n_compared",
            "rank_low",
            "rank_high",
            "diff_low",
            "diff_high",
        ],
    ),
    (
        "resilience.transformation",
        &[
            "region_code",
            "michaely",
            "similarity",
            "n_entering",
            "n_exiting",
            "upgrading",
            "null_reason",
            "upgrading_null_reason",
        ],
    ),
];

/// The columns of a table in the order that they are read in: those that are read first, then the
/// others as they stand. That of episodes stays in front.
pub(super) fn in_order<'n>(table: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let first = FIRST.iter().find(|(name, _)| *name == table).map_or(&[][..], |(_, first)| *first);
    let place = |name: &&str| match first.iter().position(|of| of == name) {
        _ if *name == "episode" => 0,
        Some(at) => at + 1,
        None => first.len() + 1,
    };
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(place);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::names::{name_of, table_named};

    #[test]
    fn what_is_read_first_are_columns_of_tables() {
        for (table, first) in FIRST {
            let contract = table_named(&name_of(table)).expect(table);
            let names = || contract.columns.iter().map(|column| column.name.as_str());
            assert_eq!(contract.table, table);
            for name in first {
                assert!(names().any(|of| of == *name), "{table}.{name}");
            }
            let ordered = in_order(table, names());
            assert_eq!(ordered.len(), names().count());
            assert_eq!(ordered[0], "episode");
            assert_eq!(&ordered[1..=first.len()], first);
        }
        let ordered = in_order("resilience.region_period", ["episode", "period", "value"]);
        assert_eq!(ordered, ["episode", "period", "value"]);
    }
}
