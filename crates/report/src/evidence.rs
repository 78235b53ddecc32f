//! What indices stand on: how much of the raw value is analysed, which years are missing, which regions
//! hang on few products, how ranks move with what is expected, and whether neighbours are alike.

use super::error::ReportError;
use super::source::{Source, integer};
use serde_json::{Value, json};

/// Records of a lake that are summed by year; of more the layouts are beside each other, which
/// `customs.reconciliation` has without a look at the records.
const MOST_SUMMED: i64 = 5_000_000;

/// Regions of the grid of years: those with most missing ones.
const GRID_REGIONS: usize = 30;

/// Of more regions than so many, the first and the last of a ranking are followed.
const ALL_FOLLOWED: usize = 26;
/// The regions at each end that are followed then.
const FOLLOWED_ENDS: usize = 6;

/// The forms of an index: the column's ending in `resilience.region`.
const FORMS: [(&str, &str); 5] =
    [("index", ""), ("diff", "_diff"), ("dlog", "_dlog"), ("dhs", "_dhs"), ("ratio", "_ratio")];

/// By list: its rows, and the `sql` that gives them.
pub(super) fn evidence(source: &Source<'_>) -> Result<Value, ReportError> {
    let by_year = source.has("customs.records") && n_records(source)? <= MOST_SUMMED;
    let mut lists = serde_json::Map::new();
    let queries: [(&str, &[&str], String); 9] = [
        (
            "coverage",
            &["customs.reconciliation"],
            if by_year { coverage_by_year() } else { coverage_by_layout() },
        ),
        ("rejected", &["customs.reconciliation"], rejected()),
        ("left_out", &["customs.reconciliation", "customs.rules"], left_out()),
        ("years", &["trade.region_year"], years()),
        ("cells", &["trade.region_year"], cells()),
        ("thin", &["panel.region"], thin()),
        ("moran", &["spatial.measure", "resilience.episode"], moran()),
        ("against", &["resilience.rank"], against()),
        ("forms", &["resilience.rank", "resilience.region"], forms(source)),
    ];
    for (list, needs, sql) in queries {
        lists.insert(list.to_owned(), json!({"rows": source.rows(needs, &sql)?, "sql": sql}));
    }
    Ok(Value::Object(lists))
}

/// Entries of all raw files that go on.
fn n_records(source: &Source<'_>) -> Result<i64, ReportError> {
    let rows = source.rows(
        &["customs.reconciliation"],
        "select cast(coalesce(sum(n_records + n_excluded), 0) as bigint) as n from customs.reconciliation",
    )?;
    Ok(rows.first().map_or(0, |row| integer(row, "n")))
}

/// Of each year: the readable exports of the raw files, what of them rules exclude, and what the
/// analysis has.
fn coverage_by_year() -> String {
    "select cast(r.year as varchar) as part, cast(r.raw_value as double) as raw_value, cast(r.excluded_value as double) as excluded_value, \
     cast(coalesce(a.analysed_value, 0) as double) as analysed_value from (select year, sum(fob_value) as raw_value, \
     sum(case when is_excluded then fob_value else 0 end) as excluded_value from customs.records where flow = 'export' group by year) r \
     left join (select year, sum(fob_value) as analysed_value from trade.region_year group by year) a on a.year = r.year order by part"
        .to_owned()
}

/// The same of each layout, of all flows and years.
fn coverage_by_layout() -> String {
    "select layout as part, cast(sum(value_in) as double) as raw_value, cast(sum(value_excluded) as double) as excluded_value, \
     cast(sum(value_records) as double) as analysed_value from customs.reconciliation group by layout order by part"
        .to_owned()
}

/// What could not be read.
fn rejected() -> String {
    "select cast(sum(n_entries) as bigint) as n_entries, cast(sum(n_rejected) as bigint) as n_rejected, \
     cast(sum(n_unreadable_values) as bigint) as n_unreadable, cast(sum(value_rejected) as double) as rejected_value \
     from customs.reconciliation"
        .to_owned()
}

/// What each rule leaves out, and its share in all readable values.
fn left_out() -> String {
    "select r.rule, r.why, cast(sum(r.n_entries) as bigint) as n_entries, cast(sum(r.fob_value) as double) as fob_value, \
     cast(sum(r.fob_value) as double) / nullif(max(w.raw_value), 0) as share from customs.rules r \
     cross join (select cast(sum(value_in) as double) as raw_value from customs.reconciliation) w \
     where r.is_excluded group by r.rule, r.why order by fob_value desc, r.rule, r.why"
        .to_owned()
}

/// Every region in every year of the analysis, with its exports if there are any.
fn grid() -> String {
    "select r.region_code, y.year, v.fob_value from (select distinct region_code from trade.region_year) r \
     cross join (select distinct year from trade.region_year) y \
     left join trade.region_year v on v.region_code = r.region_code and v.year = y.year"
        .to_owned()
}

/// How many regions have records, by year.
fn years() -> String {
    format!(
        "select year, count(fob_value) as n_regions, count(*) - count(fob_value) as n_missing from ({}) group by year order by year",
        grid()
    )
}

/// The grid of the regions with most missing years.
fn cells() -> String {
    format!(
        "select region_code, year, cast(fob_value as double) as fob_value from (select region_code, year, fob_value, \
         dense_rank() over (order by n_missing desc, region_code) as place from (select region_code, year, fob_value, \
         count(*) over (partition by region_code) - count(fob_value) over (partition by region_code) as n_missing from ({}))) \
         where place <= {GRID_REGIONS} order by region_code, year",
        grid()
    )
}

/// On how many products the indices of a region stand.
fn thin() -> String {
    "select episode, region_code, cast(base_value as double) as base_value, n_products, largest_product, largest_product_share \
     from panel.region where n_products > 0 and largest_product_share is not null order by episode, region_code"
        .to_owned()
}

/// Whether neighbours are alike in what the report says of regions.
fn moran() -> String {
    "select e.episode, s.measure, s.n_regions, s.n_with_neighbours, s.moran, s.moran_expected, s.moran_p_value, s.moran_null_reason \
     from spatial.measure s join resilience.episode e on s.period = e.episode || ' / aggregate' \
     where s.source_table = 'resilience.region' and s.measure in ('resistance', 'recovery', 'level_recovery', 'cumulative_loss_share') \
     order by e.episode, s.measure"
        .to_owned()
}

/// The regions that are followed from one ranking to the next: all, or those at both ends of the
/// ranking against all regions.
fn followed() -> String {
    format!(
        "select episode, stage, region_code from (select episode, stage, region_code, n_ranked, \
         row_number() over (partition by episode, stage order by rank, region_code) as place from resilience.rank \
         where benchmark = 'aggregate' and rank is not null) \
         where n_ranked <= {ALL_FOLLOWED} or place <= {FOLLOWED_ENDS} or place + {FOLLOWED_ENDS} > n_ranked"
    )
}

/// Their ranks against each benchmark.
fn against() -> String {
    format!(
        "select r.episode, r.stage, r.benchmark as variant, r.region_code, r.rank, r.n_ranked from resilience.rank r \
         join ({}) f on f.episode = r.episode and f.stage = r.stage and f.region_code = r.region_code \
         where r.rank is not null order by r.episode, r.stage, variant, r.region_code",
        followed()
    )
}

/// Their ranks by each form of the index against their products in all regions: against all regions
/// together forms of a growth rank alike.
fn forms(source: &Source<'_>) -> String {
    let mut forms = Vec::new();
    let mut cases = Vec::new();
    for stage in ["recovery", "resistance"] {
        for (form, ending) in FORMS {
            let column = format!("{stage}{ending}");
            // Lakes of before lack the forms that came later.
            if source.has_column("resilience.region", &column) {
                forms.push(format!("('{stage}', '{form}')"));
                cases.push(format!(
                    "when v.stage = '{stage}' and v.variant = '{form}' then r.{column}"
                ));
            }
        }
    }
    format!(
        "select r.episode, r.stage, r.variant, r.region_code, r.rank, r.n_ranked from (select episode, stage, variant, region_code, \
         cast(rank() over (partition by episode, stage, variant order by value desc) as double) as rank, \
         count(*) over (partition by episode, stage, variant) as n_ranked from (select r.episode, v.stage, v.variant, r.region_code, \
         case {} end as value from resilience.region r cross join (values {}) as v(stage, variant) where r.benchmark = 'mix') \
         where value is not null) r \
         join ({}) f on f.episode = r.episode and f.stage = r.stage and f.region_code = r.region_code \
         order by r.episode, r.stage, r.variant, r.region_code",
        cases.join(" "),
        forms.join(", "),
        followed()
    )
}
