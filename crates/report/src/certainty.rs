//! What says how sure the indices of regions are: all benchmarks beside each other, intervals of ranks,
//! what paths are made of, and paths that have a prediction interval.

use super::error::ReportError;
use super::source::{Source, integer, text};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Models of the own past, the one that is shown first if a region has several: exports grow by rates,
/// so that a line of logs comes before one of levels.
pub(super) const OWN_MODELS: [&str; 4] = ["own_log_linear", "own_linear", "own_ar1", "own_mean"];

/// Of more regions than twice as many, the first and the last so many are drawn, as in `charts/certainty.js`.
const SHOWN_ENDS: usize = 15;

/// By episode: growth less expected growth of each region and benchmark, why there is none against
/// a benchmark, what is said of all benchmarks together, ranks against each benchmark and how likely
/// each is, and what paths are made of against the headline benchmark. An episode without any of these tables is not
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
    for (episode, of) in chances(source)? {
        episodes.entry(episode).or_default().entry("chances").or_default().push(of);
    }
    Ok(json!(episodes))
}

/// How likely the first and the last regions have each place, of those whose rank has an interval
/// (`n_known` of `n_ranked`), against each benchmark over each stage, with its episode; and of how
/// many one place is likelier than all others (`n_one`).
fn chances(source: &Source<'_>) -> Result<Vec<(String, Value)>, ReportError> {
    const TABLE: &str = "resilience.rank_place";
    let needs = [TABLE, "resilience.rank"];
    let rows = source.rows(
        &needs,
        &format!(
            "select c.episode, c.benchmark, c.stage, c.region_code, c.place, c.probability, r.n_known, r.n_ranked from {TABLE} c \
             join (select episode, benchmark, stage, region_code, n_ranked, \
             row_number() over (partition by episode, benchmark, stage order by rank, region_code) as nth, \
             count(*) over (partition by episode, benchmark, stage) as n_known from resilience.rank where p_top_quarter is not null) r \
             on r.episode = c.episode and r.benchmark = c.benchmark and r.stage = c.stage and r.region_code = c.region_code \
             where r.nth <= {SHOWN_ENDS} or r.nth + {SHOWN_ENDS} > r.n_known \
             order by c.episode, c.benchmark, c.stage, r.nth, c.place"
        ),
    )?;
    let ones = source.rows(
        &needs,
        &format!(
            "select episode, benchmark, stage, count(*) as n_one from (select episode, benchmark, stage, region_code, \
             max(probability) as most from {TABLE} group by episode, benchmark, stage, region_code) where most > 0.5 \
             group by episode, benchmark, stage order by episode, benchmark, stage"
        ),
    )?;
    let list = |row: &Value| ["episode", "benchmark", "stage"].map(|key| text(row, key).to_owned());
    let ones: BTreeMap<[String; 3], i64> =
        ones.iter().map(|row| (list(row), integer(row, "n_one"))).collect();
    let of_list = |rows: &[Value]| {
        let first = rows.first()?;
        let [episode, benchmark, stage] = list(first);
        let regions = rows.chunk_by(|a, b| a["region_code"] == b["region_code"]).map(|of| {
            let places: Vec<Value> =
                of.iter().map(|row| json!([row["place"], row["probability"]])).collect();
            json!([of.first().map(|row| &row["region_code"]), places])
        });
        let regions: Vec<Value> = regions.collect();
        let n_one = ones.get(&list(first)).copied().unwrap_or_default();
        let found = json!({"benchmark": benchmark, "stage": stage, "n_known": first["n_known"], "n_ranked": first["n_ranked"],
            "n_one": n_one, "regions": regions});
        Some((episode, found))
    };
    Ok(rows.chunk_by(|a, b| list(a) == list(b)).filter_map(of_list).collect())
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
