//! Checks that warn, data that are late or delivered by half, and what is told of them.

use crate::support::{Project, Ran, monthly_layout};

const PIPELINE: &str = "name: plain
config: [../config/default.yaml]
lake: ../lake
sources:
  - layout: ../config/layouts/plain.yaml
    files: [../raw/*.csv]
    expect: {newest_within_days: 45, severity: warn}
checks: plain_checks
expect: {max_change: 0.1}
metrics: ../rebound.prom
stages: [ingest, aggregate]
";

const ALL_2007: [&str; 5] = [
    "2007,12,A,010190,100",
    "2007,12,A,020110,41",
    "2007,12,B,010190,30",
    "2007,12,B,020110,7",
    "2007,12,C,010190,22",
];

const BEGUN_2008: [&str; 3] = ["2008,3,A,010190,110", "2008,3,B,010190,33", "2008,3,C,020110,20"];

struct Plain(Project);

impl Plain {
    fn new() -> Self {
        let plain = Self(Project::new());
        plain.0.write("config/layouts/plain.yaml", monthly_layout().as_bytes());
        plain.0.write("pipelines/plain.yaml", PIPELINE.as_bytes());
        plain.0.write("pipelines/plain_checks/README", b"");
        plain.file("2007", &ALL_2007);
        plain.file("2008", &BEGUN_2008);
        plain
    }

    fn file(&self, name: &str, rows: &[&str]) {
        let text = format!("year,month,region,product,value\n{}\n", rows.join("\n"));
        self.0.write(&format!("raw/{name}.csv"), text.as_bytes());
    }

    fn check(&self, text: &str) {
        self.0.write("pipelines/plain_checks/trade.region_year__small.sql", text.as_bytes());
    }

    fn run(&self, options: &[&str]) -> Ran {
        self.0.rebound(&[&["run", "pipelines/plain.yaml"], options].concat())
    }

    #[track_caller]
    fn totals(&self) -> Vec<String> {
        self.0.sql("select year, sum(fob_value) from trade.region_year group by year order by year")
    }

    /// What `rebound checks` prints of a check: severity, the last outcome if it is a word, rows and signs.
    #[track_caller]
    fn history(&self, check: &str) -> [String; 4] {
        let printed = self.0.rebound(&["checks", "pipelines/plain.yaml"]).ok().out;
        let line = printed.lines().find(|line| line.starts_with(&format!("{check} ")));
        let rest = &line.unwrap_or_else(|| panic!("{check} in {printed}"))[check.len()..];
        let words: Vec<&str> = rest.split_whitespace().collect();
        let [severity, outcome, .., rows, signs] = words[..] else { panic!("{printed}") };
        [severity, outcome, rows, signs].map(str::to_owned)
    }

    /// The value of a series in the file of metrics.
    #[track_caller]
    fn metric(&self, file: &str, series: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.0.path().join(file)).expect("metrics");
        let mut found =
            text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = found.next().map(str::to_owned);
        assert_eq!(found.next(), None, "{series} is there once");
        value
    }
}

const STATUS: &str = "rebound_run_status{pipeline=\"plain\",status=";
const SUCCESS: &str = "rebound_last_success_timestamp_seconds{pipeline=\"plain\"}";

#[test]
fn what_was_delivered_by_half_is_not_published_unless_it_is_accepted() {
    let plain = Plain::new();
    let old = "the newest records are of 2008-03, which ended";
    let ran = plain.run(&[]).ok();
    assert!(ran.err.contains(old), "{ran:?}");
    let whole = ["2007,200.00", "2008,163.00"];
    assert_eq!(plain.totals(), whole);
    let status = |status: &str| plain.metric("rebound.prom", &format!("{STATUS}\"{status}\"}}"));
    assert_eq!(status("published").as_deref(), Some("1"));
    let success = plain.metric("rebound.prom", SUCCESS).expect("a success");
    assert_eq!(
        plain
            .metric("rebound.prom", "rebound_entries_rejected_total{pipeline=\"plain\"}")
            .as_deref(),
        Some("0")
    );
    let of_year = "rebound_table_rows{pipeline=\"plain\",table=\"trade.region_year\"}";
    assert_eq!(plain.metric("rebound.prom", of_year).as_deref(), Some("6"));

    plain.file("2007", &["2007,12,A,010190,100", "2007,12,B,010190,30"]);
    plain
        .run(&[])
        .fails(3, "1 data check failed; nothing was published")
        .fails(3, "pipelines/plain.yaml, expect.max_change: 2 rows")
        .fails(
            3,
            "trade.region_year, 2007: published are 200.00 USD, now there are 130.00 (-35.00 %): expected a change of at most \
             10.00 % (`max_change`)",
        )
        .fails(3, "trade.region_year, 2007: 1 published region without a value now: C")
        .fails(3, "`rebound run pipelines/plain.yaml --accept-changes` publishes it");
    assert_eq!(plain.totals(), whole);
    assert_eq!(status("check_failed").as_deref(), Some("1"));
    assert_eq!(status("published").as_deref(), Some("0"));
    assert_eq!(plain.metric("rebound.prom", SUCCESS), Some(success));
    let failed = "rebound_checks{pipeline=\"plain\",severity=\"error\",outcome=\"failed\"}";
    assert_eq!(plain.metric("rebound.prom", failed).as_deref(), Some("1"));
    assert_eq!(plain.history("expect.max_change"), ["error", "failed", "2", "-F"]);
    assert_eq!(plain.history("expect.newest_within_days of plain"), ["warn", "warned", "1", "ww"]);

    // The newest year grows with its months.
    plain.file("2007", &ALL_2007);
    plain.file("2008b", &["2008,4,A,010190,300"]);
    let ran = plain.run(&[]).ok();
    assert!(ran.err.contains("the newest records are of 2008-04"), "{ran:?}");
    assert_eq!(plain.totals(), ["2007,200.00", "2008,463.00"]);

    plain.file("2007", &["2007,12,A,010190,100", "2007,12,B,010190,30"]);
    let ran = plain.run(&["--accept-changes", "--metrics", "other.prom"]).ok();
    assert!(ran.err.contains("(-35.00 %)"), "{ran:?}");
    assert_eq!(plain.totals(), ["2007,130.00", "2008,463.00"]);
    assert_eq!(plain.history("expect.max_change"), ["error", "warned", "2", "-Fhw"]);
    let published = format!("{STATUS}\"published\"}}");
    assert_eq!(plain.metric("other.prom", &published).as_deref(), Some("1"));

    // Too old is too old, also where nothing changed.
    plain.0.edit("pipelines/plain.yaml", "severity: warn", "severity: error");
    plain.run(&["--accept-changes"]).fails(3, "the newest records are of 2008-04");
    plain.0.edit("pipelines/plain.yaml", "days: 45", "days: 100000");
    plain.run(&[]).ok();
    assert_eq!(status("unchanged").as_deref(), Some("1"));
    assert_eq!(plain.history("expect.newest_within_days of plain")[3], "wwwwFh");
}

#[test]
fn a_source_is_compared_with_its_own_records() {
    let plain = Plain::new();
    plain.0.edit("pipelines/plain.yaml", "expect: {max_change: 0.1}\n", "");
    plain.0.edit(
        "pipelines/plain.yaml",
        "newest_within_days: 45, severity: warn",
        "max_change: 0.1",
    );
    plain.run(&[]).ok();
    plain.file("2007", &["2007,12,A,010190,100", "2007,12,B,010190,30", "2007,12,C,010190,1"]);
    plain.run(&[]).fails(
        3,
        "customs.records of the layout `plain`, 2007: published are 200.00 USD, now there are 131.00 (-34.50 %)",
    );
    plain.file("2007", &ALL_2007);
    plain.run(&[]).ok();
    assert_eq!(plain.history("expect.max_change of plain")[3], "-F=");
}

#[test]
fn a_check_that_warns_is_told_and_kept_and_publishes() {
    let plain = Plain::new();
    let query =
        "select year, region_code from trade.region_year where fob_value < 25 order by 1, 2";
    plain.check(&format!("-- Regions have some exports.\n-- severity: warn\n{query}"));
    let ran = plain.run(&[]).ok();
    assert!(ran.err.contains("trade.region_year__small.sql: 2 rows"), "{ran:?}");
    assert!(ran.err.contains("| 2007 | C           |"), "{ran:?}");
    assert!(ran.out.contains("(0 checks passed"), "{ran:?}");
    let kept = std::fs::read_dir(plain.0.path().join("lake/runs")).expect("records");
    let kept: Vec<_> = kept.map(|file| file.expect("a file").path()).collect();
    let text = std::fs::read_to_string(&kept[0]).expect("a record");
    let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let check = &record["check_results"][0];
    assert_eq!(check["name"], "trade.region_year__small");
    assert_eq!((&check["severity"], &check["outcome"]), (&"warn".into(), &"warned".into()));
    assert_eq!(check["rows"], 2);
    assert!(check["first_rows"].as_str().expect("a text").contains("| 2008 | C "), "{check}");
    // It is looked at again, and what is published stays.
    let ran = plain.run(&[]).ok();
    assert!(ran.err.contains("small.sql: 2 rows") && ran.out.contains("nothing to do"), "{ran:?}");
    plain.check(query);
    plain.run(&[]).fails(3, "small.sql: 2 rows").fails(3, "| 2008 | C           |");
    plain.check(&query.replace("25", "20"));
    plain.run(&[]).ok();
    plain.run(&[]).ok();
    assert_eq!(plain.history("trade.region_year__small")[3], "wwFh=");
    let printed = plain.0.rebound(&["checks", "--runs", "3", "--rows"]).ok().out;
    assert!(printed.contains("Fh=") && !printed.contains("wwF"), "{printed}");
    assert!(printed.contains("the newest records are of 2008-03"), "{printed}");
}

#[test]
fn what_nobody_could_look_at_is_a_fault() {
    let plain = Plain::new();
    let whole = "expect: {max_change: 0.1}";
    let source = "expect: {newest_within_days: 45, severity: warn}";
    let stages = "stages: [ingest, aggregate]";
    for (from, to, told) in [
        (
            whole,
            "expect: {max_change: -1}",
            "invalid `expect.max_change` in `pipelines/plain.yaml`, line 9: -1",
        ),
        (whole, "expect: {newest_within_days: 3}", "invalid `expect.newest_within_days`"),
        (
            whole,
            "expect: {severity: warn}",
            "invalid `expect` in `pipelines/plain.yaml`, line 9: nothing is expected",
        ),
        (whole, "expect: {max_change: 0.1, severity: fatal}", "fatal"),
        (source, "expect: {max_chance: 45}", "unknown key `sources[0].expect.max_chance`"),
        (
            stages,
            "stages: [ingest]",
            "it is looked up in trade.region_year: expected `aggregate` in `stages`",
        ),
    ] {
        plain.0.edit("pipelines/plain.yaml", from, to);
        plain.run(&[]).fails(2, told);
        plain.0.edit("pipelines/plain.yaml", to, from);
    }
    plain.run(&["--no-records"]).fails(2, "a source has `expect`");
    plain.check("-- severity: fatal\nselect 1 from trade.region_year");
    plain
        .run(&[])
        .fails(2, "trade.region_year__small.sql`, line 1: \"fatal\": expected warn or error");
    assert_eq!(
        plain.metric("rebound.prom", &format!("{STATUS}\"failed\"}}")).as_deref(),
        Some("1")
    );
    assert_eq!(plain.metric("rebound.prom", SUCCESS), None);
    let ran = plain.0.rebound(&["checks", "pipelines/plain.yaml"]);
    assert!(ran.out.contains("no run has checked anything yet") || ran.code == 2, "{ran:?}");
}
