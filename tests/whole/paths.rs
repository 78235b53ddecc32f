//! Paths of regions on the Australian sample, against models of their own past, and what they are made of: each stated
//! again in SQL over the published sums.

use crate::resilience::compare;
use crate::support::Project;

/// The levels of 2005 to 2008 and what follows from their mean and the line through them, `t` years from 2008: the mean
/// of `t` is -1.5, the sum of its squared deviations 5.
const OWN_PAST: &str = "y as (select region_code,
        sum(case when year = 2005 then cast(fob_value as double) end) as a,
        sum(case when year = 2006 then cast(fob_value as double) end) as b,
        sum(case when year = 2007 then cast(fob_value as double) end) as c,
        sum(case when year = 2008 then cast(fob_value as double) end) as d,
        sum(case when year = 2009 then cast(fob_value as double) end) as x1
    from trade.region_year group by region_code),
l as (select *, (a + b + c + d) / 4 as m, (-1.5 * a - 0.5 * b + 0.5 * c + 1.5 * d) / 5 as g,
    (-1.5 * ln(a) - 0.5 * ln(b) + 0.5 * ln(c) + 1.5 * ln(d)) / 5 as k,
    (ln(a) + ln(b) + ln(c) + ln(d)) / 4 as n from y),
s as (select *, sqrt((power(a - m, 2) + power(b - m, 2) + power(c - m, 2) + power(d - m, 2)) / 3) as sd_mean,
    sqrt((power(a - m + 1.5 * g, 2) + power(b - m + 0.5 * g, 2) + power(c - m - 0.5 * g, 2)
    + power(d - m - 1.5 * g, 2)) / 2) as sd_line from l)";

#[test]
fn models_of_the_own_past() {
    let project = Project::new();
    project.edit(
        "config/australia.yaml",
        "mix_loo, own_trend]",
        "mix_loo, own_trend, own_mean, own_linear, own_log_linear, own_ar1]",
    );
    project.run().ok();
    let join = |benchmark: &str| {
        format!(
            "s join resilience.region f on f.region_code = s.region_code and f.episode = 'crisis_2008' \
             and f.benchmark = '{benchmark}'"
        )
    };
    let models = [
        ("own_mean", "m", "m"),
        ("own_linear", "(m + 2.5 * g)", "(m + 4.5 * g)"),
        ("own_log_linear", "exp(n + 2.5 * k)", "exp(n + 4.5 * k)"),
    ];
    for (benchmark, trough, end) in models {
        let resistance = format!("{trough} - d");
        // The mean expects no change after the base.
        let recovery = format!("({end} / {trough} - 1) * x1");
        let pairs = [
            ("f.resistance_expected_change", &*resistance),
            ("f.recovery_expected_change", &*recovery),
        ];
        compare(&project, OWN_PAST, &join(benchmark), &pairs, 8);
    }
    // Student's t at 0.975 with 3 and 2 degrees of freedom.
    let intervals = [
        ("own_mean", 2009, "m", "3.1824463052837078 * sd_mean * sqrt(1.25)"),
        (
            "own_linear",
            2009,
            "m + 2.5 * g",
            "4.302652729749463 * sd_line * sqrt(1.25 + 2.5 * 2.5 / 5)",
        ),
        (
            "own_linear",
            2011,
            "m + 4.5 * g",
            "4.302652729749463 * sd_line * sqrt(1.25 + 4.5 * 4.5 / 5)",
        ),
    ];
    for (benchmark, year, level, half) in intervals {
        let from = format!(
            "s join resilience.region_period f on f.region_code = s.region_code and f.episode = 'crisis_2008' \
             and f.benchmark = '{benchmark}' and f.period = '{year}'"
        );
        let (low, high) = (format!("greatest({level} - {half}, 0)"), format!("{level} + {half}"));
        let pairs =
            [("f.expected_value", level), ("f.expected_low", &*low), ("f.expected_high", &*high)];
        compare(&project, OWN_PAST, &from, &pairs, 8);
    }
    // An autoregression needs five levels; the other benchmarks have no interval.
    let found = project.sql(
        "select count(*), count(resistance), count(recovery) from resilience.region where episode = 'crisis_2008' \
         and benchmark = 'own_ar1' and resistance_null_reason = 'too_few_periods' \
         and recovery_null_reason = 'too_few_periods'",
    );
    assert_eq!(found, ["8,0,0"]);
    // An index against them has three intervals or reasons, one against others has one.
    let found = project.sql(
        "select benchmark = 'own_linear', count(*), count(distinct source), sum(case when low is null \
         and null_reason is null then 1 else 0 end) from resilience.interval where episode = 'crisis_2008' \
         and benchmark in ('aggregate', 'own_linear') group by 1 order by 1",
    );
    assert_eq!(found, ["false,16,1,0", "true,48,3,0"]);
    // The mean expects nothing after the trough that an index could be relative to.
    let found = project.sql(
        "select distinct null_reason, n_replicates from resilience.interval where episode = 'crisis_2008' \
         and benchmark = 'own_mean' and stage = 'recovery'",
    );
    assert_eq!(found, ["benchmark_near_zero,0"]);
    // Paths against other benchmarks say why they have no interval.
    let found = project.sql(
        "select count(largest_gap_low) = 0, count(distinct interval_null_reason) from resilience.component \
         where episode = 'crisis_2008' and benchmark = 'aggregate'",
    );
    assert_eq!(found, ["true,1"]);
    let found = project.sql(
        "select count(expected_low), count(expected_high) from resilience.region_period where benchmark not like 'own_%' \
         or benchmark = 'own_trend'",
    );
    assert_eq!(found, ["0,0"]);
}

/// Levels and gaps of 2009 to 2011, the expected ones grown as all regions together.
const PATHS: &str = "y as (select region_code, year, cast(fob_value as double) as v from trade.region_year),
    n as (select year, sum(v) as v from y group by year),
    p as (select y.region_code, y.year, y.v, b.v * n.v / n0.v as e from y join n on n.year = y.year
        join y b on b.region_code = y.region_code and b.year = 2008
        cross join (select v from n where year = 2008) n0 where y.year between 2009 and 2011),
    g as (select region_code, max(e - v) as largest, sum(greatest(e - v, 0)) as loss, sum(greatest(v - e, 0)) as gain,
        sum(case when e > v then 1 else 0 end) as below, sum(e) as whole,
        sum(case when year = 2009 then e - v end) as g1, sum(case when year = 2010 then e - v end) as g2,
        sum(case when year = 2011 then e - v end) as g3, sum(case when year = 2011 then v / e - 1 end) as beyond,
        sum(case when year = 2009 then v end) as x1, sum(case when year = 2010 then v end) as x2,
        sum(case when year = 2011 then v end) as x3,
        min(case when year = 2009 and e - v <= 0.02 * e then 0 else 9 end) as b1,
        min(case when year = 2010 and e - v <= 0.02 * e then 0 else 9 end) as b2,
        min(case when year = 2011 and e - v <= 0.02 * e then 0 else 9 end) as b3
        from p group by region_code),
    w as (select g.region_code, min(p.year) as period, min((p.e - p.v) / p.e) as rel from g
        join p on p.region_code = g.region_code and p.e - p.v = g.largest group by g.region_code),
    r as (select y.region_code, stddev_samp(y.v / b.v - 1) as sd from y join y b on b.region_code = y.region_code
        and b.year = y.year - 1 where y.year between 2006 and 2008 group by y.region_code),
    s as (select g.*, w.period, w.rel, r.sd, x0.v as x0, abs(x2 / x1 - x3 / x2) / sqrt(2) as sd_after,
        case when b1 + b2 = 0 then 0 when b2 + b3 = 0 then 1 end as back
        from g join w on w.region_code = g.region_code join r on r.region_code = g.region_code
        join y x0 on x0.region_code = g.region_code and x0.year = 2008)";

#[test]
fn components_of_paths() {
    let project = Project::published();
    let from = "s join resilience.component f on f.region_code = s.region_code and f.episode = 'crisis_2008' \
        and f.benchmark = 'aggregate'";
    // Trapezoids from zero, whose sum nets what lies above: half of the last gap is not there.
    let pairs = [
        ("f.largest_gap", "s.largest"),
        ("cast(f.largest_gap_period as int)", "s.period"),
        ("f.largest_gap_relative", "s.rel"),
        ("f.spread", "s.sd"),
        ("f.largest_gap_spread", "s.rel / s.sd"),
        ("f.gross_loss", "s.loss"),
        ("f.gross_gain", "s.gain"),
        ("f.net_loss", "s.g1 + s.g2 + s.g3"),
        ("f.loss_area - f.gain_area", "s.g1 + s.g2 + s.g3 / 2"),
        ("f.n_periods_below", "s.below"),
        ("f.end_relative", "s.beyond"),
        ("f.n_periods_to_recover", "s.back"),
        ("f.growth_sd", "s.sd_after"),
        ("f.rri", "case when x0 - x1 > 0.01 * x0 then (greatest(x2, x3) - x1) / (x0 - x1) end"),
        (
            "f.n_periods_to_80",
            "case when x1 >= 0.8 * x0 then 0 when x2 >= 0.8 * x0 then 1 when x3 >= 0.8 * x0 then 2 end",
        ),
        ("f.depth_score", "100 * least(1, greatest(0, 1 - s.rel))"),
        ("f.loss_score", "100 * least(1, 1 - s.loss / s.whole)"),
        ("f.recovery_score", "case when s.back is null then 0 else 100.0 / (1 + s.back) end"),
        (
            "f.strength_score",
            "case when s.largest > 0 then 100 * least(1, greatest(0, 1 - s.g3 / s.largest)) else 100 end",
        ),
        ("f.stability_score", "100 * greatest(0, 1 - s.sd_after)"),
        ("f.end_score", "100 * least(1, greatest(0, (1 + s.beyond) / 2))"),
        (
            "f.composite",
            "(f.depth_score + f.loss_score + f.recovery_score + f.strength_score + f.stability_score + f.end_score) / 6",
        ),
    ];
    compare(&project, PATHS, from, &pairs, 8);
}

#[test]
fn weights_of_the_composite_are_checked() {
    let project = Project::new();
    let change = |text: &str| {
        project.write("config/weights.yaml", format!("resilience: {text}\n").as_bytes());
        let pipeline = std::fs::read_to_string(project.path().join("pipelines/australia.yaml"));
        let pipeline = pipeline.expect("there").replace(
            "  - ../config/australia.yaml\n",
            "  - ../config/australia.yaml\n  - ../config/weights.yaml\n",
        );
        project.write("pipelines/weights.yaml", pipeline.as_bytes());
        project.rebound(&["plan", "pipelines/weights.yaml"])
    };
    let all = "depth: 0, loss: 0, recovery: 0, strength: 0, stability: 0";
    for (text, why) in [
        (format!("{{composite_weights: {{{all}, end: 0}}}}"), "expected a weight above 0"),
        (format!("{{composite_weights: {{{all}, end: -1}}}}"), "end: -1: expected 0 or more"),
        ("{composite_weights: {depth: 1}}".to_owned(), "missing key"),
        (format!("{{composite_weights: {{{all}, end: 1, luck: 1}}}}"), "luck"),
        ("{recover_periods: 0}".to_owned(), "resilience.recover_periods"),
        ("{own_past_years: 0}".to_owned(), "resilience.own_past_years"),
        ("{shock_date_years: 0}".to_owned(), "resilience.shock_date_years"),
        ("{block_length: 0}".to_owned(), "resilience.block_length"),
        ("{weight_draws: 1000001}".to_owned(), "resilience.weight_draws"),
    ] {
        change(&text).fails(2, why);
    }
    change(&format!("{{composite_weights: {{{all}, end: 0.5}}}}")).ok();
}
