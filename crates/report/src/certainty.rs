//! What says how sure the indices of regions are: all benchmarks beside each other, intervals of ranks,
//! what paths are made of, and paths that have a prediction interval.

use super::error::ReportError;
use super::source::{Source, text};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Models of the own past, the one that is shown first if a region has several: exports grow by rates,
/// so that a line of logs comes before one of levels.
pub(super) const OWN_MODELS: [&str; 4] = ["own_log_linear", "own_linear", "own_ar1", "own_mean"];

/// Of more regions than twice as many, the first and the last so many are drawn, as in `charts/certainty.js`.
const SHOWN_ENDS: usize = 15;

/// By episode: growth less expected growth of each region and benchmark, why there is none against
/// a benchmark, what is said of all benchmarks together, ranks against each benchmark, and what
/// paths are made of against the headline benchmark. An episode without any of these tables is not
/// in it.
pub(super) fn certainty(source: &Source<'_>) -> Result<Value, ReportError> {
    let lists: [(&str, &[&str], String); 5] = [
        (
            "differences",
            &["resilience.region", "resilience.robustness"],
            "select episode, region_code, benchmark, resistance_diff as resistance, recovery_diff as recovery from resilience.region \
             where resistance_diff is not null or recovery_diff is not null order by episode, region_code, benchmark"
                .to_owned(),
        ),
        ("not_compared", &["resilience.region", "resilience.robustness"], not_compared()),
        (
            "robustness",
            &["resilience.region", "resilience.robustness"],
            "select episode, stage, region_code, n_compared, n_above, diff_low, diff_median, diff_high from resilience.robustness \
             where n_compared > 0 order by episode, stage, region_code"
                .to_owned(),
        ),
        ("ranks", &["resilience.rank"], ranks(source)),
        (
            "components",
            &["resilience.component"],
            "select episode, region_code, largest_gap, largest_gap_relative, largest_gap_period, gross_loss, end_relative, null_reason, \
             relative_null_reason, n_periods_to_recover, recover_null_reason from resilience.component where benchmark = 'aggregate' \
             order by episode, region_code"
                .to_owned(),
        ),
    ];
    let mut episodes: BTreeMap<String, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
    for (list, needs, sql) in lists {
        for mut row in source.rows(needs, &sql)? {
            let episode = text(&row, "episode").to_owned();
            if let Some(cells) = row.as_object_mut() {
                cells.remove("episode");
            }
            episodes.entry(episode).or_default().entry(list).or_default().push(row);
        }
    }
    Ok(json!(episodes))
}

/// Of the regions that are compared with some benchmark: how many of them are not with another,
/// by benchmark and reason.
fn not_compared() -> String {
    let of_stage = |stage: &str| {
        format!(
            "select r.episode, '{stage}' as stage, r.benchmark, r.{stage}_null_reason as reason from resilience.region r \
             join resilience.robustness b on b.episode = r.episode and b.region_code = r.region_code and b.stage = '{stage}' \
             where r.{stage}_diff is null and b.n_compared > 0"
        )
    };
    format!(
        "select episode, stage, benchmark, reason, count(*) as n_regions from ({} union all {}) \
         group by episode, stage, benchmark, reason order by episode, stage, benchmark, reason",
        of_stage("recovery"),
        of_stage("resistance"),
    )
}

/// The first and the last regions by rank, of each benchmark and stage, with how many have an
/// interval (`n_known`), and how many are on one side of the median with a probability of 95 % or
/// more (`n_sure`).
fn ranks(source: &Source<'_>) -> String {
    // Lakes of before do not say what was drawn anew.
    let drawn = if source.has_column("resilience.rank", "source") {
        "source"
    } else {
        "'products' as source"
    };
    let of_list = "over (partition by episode, benchmark, stage)";
    format!(
        "select episode, benchmark, stage, region_code, rank, rank_low, rank_high, p_top_quarter, p_above_median, n_ranked, n_top, \
         source, null_reason, n_known, n_sure from (select *, \
         row_number() over (partition by episode, benchmark, stage order by rank, region_code) as place, \
         count(p_above_median) {of_list} as n_known, \
         count(case when p_above_median >= 0.95 or p_above_median <= 0.05 then 1 end) {of_list} as n_sure \
         from (select episode, benchmark, stage, region_code, rank, rank_low, rank_high, p_top_quarter, p_above_median, n_ranked, n_top, \
         {drawn}, null_reason from resilience.rank where rank is not null)) \
         where place <= {SHOWN_ENDS} or place + {SHOWN_ENDS} > n_ranked order by episode, benchmark, stage, place"
    )
}

/// By episode and region: the path that a model of its own past expects, with its prediction interval.
pub(super) fn own_paths(source: &Source<'_>) -> Result<Value, ReportError> {
    const TABLE: &str = "resilience.region_period";
    let mut episodes: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    if source.has_column(TABLE, "expected_low") {
        for model in OWN_MODELS {
            let rows = source.rows(
                &[TABLE],
                &format!(
                    "select episode, region_code, period, expected_value, expected_low, expected_high from {TABLE} \
                     where benchmark = '{model}' and expected_low is not null order by episode, region_code, period"
                ),
            )?;
            for row in rows {
                let region = episodes
                    .entry(text(&row, "episode").to_owned())
                    .or_default()
                    .entry(text(&row, "region_code").to_owned())
                    .or_insert_with(|| json!({"model": model, "periods": {}}));
                // A region has the first model that it can have.
                if region["model"] == model
                    && let Some(periods) = region["periods"].as_object_mut()
                {
                    add_period(periods, &row);
                }
            }
        }
    }
    Ok(json!(episodes))
}

/// Adds what is expected of a period, and between what it may be.
fn add_period(periods: &mut Map<String, Value>, row: &Value) {
    periods.insert(
        text(row, "period").to_owned(),
        json!([row["expected_value"], row["expected_low"], row["expected_high"]]),
    );
}
