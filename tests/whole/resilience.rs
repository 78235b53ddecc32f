//! Every index that SQL can state, stated again in SQL over the published sums, on the Australian sample; and the
//! made-up nation, whose truth is known.

use crate::resilience_table::sorted;
use crate::support::Project;
use crate::synth::nation;
use std::collections::BTreeMap;

/// Exports by region and product in the years of `crisis_2008`, absent ones as zero, and sums of them.
const CELLS: &str = "x as (
    select region_code, product,
        sum(case when year = 2008 then cast(fob_value as double) else 0 end) as x0,
        sum(case when year = 2009 then cast(fob_value as double) else 0 end) as x1,
        sum(case when year = 2011 then cast(fob_value as double) else 0 end) as x2
    from trade.region_product_year where year in (2008, 2009, 2011) group by region_code, product
),
r as (select region_code, sum(x0) as r0, sum(x1) as r1, sum(x2) as r2 from x group by region_code),
p as (select product, sum(x0) as p0, sum(x1) as p1, sum(x2) as p2 from x group by product),
n as (select sum(x0) as n0, sum(x1) as n1, sum(x2) as n2 from x)";

/// The sample with every benchmark that needs no other table, and more years before the base for the flags.
fn sample() -> Project {
    let project = Project::new();
    project.edit(
        "config/australia.yaml",
        "  region_benchmarks:",
        "  product_benchmarks: [aggregate, product, aggregate_loo, product_loo, own_trend]\n  shock_years_before: 2\n  \
         region_benchmarks:",
    );
    project.run().ok();
    project
}

/// Counts the rows that two formulations agree and disagree on.
pub(crate) fn compare(
    project: &Project,
    with: &str,
    from: &str,
    pairs: &[(&str, &str)],
    n_rows: usize,
) {
    for (found, stated) in pairs {
        // A null here must be a null there; a number the same to nine digits.
        let query = format!(
            "with {with} select count(*), sum(case when ({found} is null) <> ({stated} is null) then 1 \
             when abs({found} - ({stated})) > 1e-9 * (1 + abs({stated})) then 1 else 0 end), \
             count({found}) > 0 from {from}"
        );
        assert_eq!(project.sql(&query), [format!("{n_rows},0,true")], "{found} is not {stated}");
    }
}

#[test]
fn other_regions_say_what_one_would_have_been() {
    let project = Project::new();
    project.edit(
        "config/australia.yaml",
        "mix_loo, own_trend]",
        "mix_loo, own_trend, synthetic, matrix_completion]",
    );
    project.run().ok();
    // In logs a weighted mean of donors grows by the weighted product of their growth factors.
    let with = "y as (select region_code, year, sum(cast(fob_value as double)) as v
            from trade.region_year group by region_code, year),
        d as (select d.region_code, sum(d.weight) as weights,
            exp(sum(d.weight * ln(t.v / b.v))) as fall, exp(sum(d.weight * ln(e.v / t.v))) as rise
        from resilience.donor d
        join y b on b.region_code = d.donor and b.year = 2008
        join y t on t.region_code = d.donor and t.year = 2009
        join y e on e.region_code = d.donor and e.year = 2011
        where d.episode = 'crisis_2008' and d.benchmark = 'synthetic' and d.donor <> d.region_code
        group by d.region_code)";
    let from = "d join resilience.region f on f.region_code = d.region_code \
        and f.episode = 'crisis_2008' and f.benchmark = 'synthetic' \
        join y b on b.region_code = d.region_code and b.year = 2008 \
        join y t on t.region_code = d.region_code and t.year = 2009 \
        join resilience.region_period p on p.region_code = d.region_code and p.period = '2011' \
        and p.episode = 'crisis_2008' and p.benchmark = 'synthetic'";
    let pairs = [
        ("d.weights", "1"),
        ("f.resistance_expected_change", "(fall - 1) * b.v"),
        ("f.recovery_expected_change", "(rise - 1) * t.v"),
        ("p.expected_value", "fall * rise * b.v"),
    ];
    compare(&project, with, from, &pairs, 8);
    // Each region of eight is treated in turn, against the seven others.
    let placebos = project.sql(
        "select benchmark, count(*), count(ratio), min(p), max(p), min(n_donors), min(n_before), \
         count(distinct penalty), count(placebo_gap), count(null_reason) from resilience.placebo \
         where episode = 'crisis_2008' group by benchmark order by benchmark",
    );
    assert_eq!(
        placebos,
        ["matrix_completion,8,8,0.125,1.0,7,4,1,8,0", "synthetic,8,8,0.125,1.0,7,4,1,8,0"]
    );
    let completed = project.sql(
        "select count(*) from resilience.region_period where benchmark = 'matrix_completion' \
         and episode = 'crisis_2008' and period > '2008' and expected_value > 0",
    );
    assert_eq!(completed, ["24"]);
    // Products, groups of regions and the nation have none.
    for table in ["macro_region", "product", "nation", "nation_period"] {
        let count = format!(
            "select count(*) from resilience.{table} \
             where benchmark in ('synthetic', 'matrix_completion')"
        );
        assert_eq!(project.sql(&count), ["0"], "{table}");
    }
    // A table of one's own gives the same, to the last digit.
    let cells = "select year, region_code, product, fob_value from trade.region_product_year";
    project.rebound(&["sql", cells, "--format", "csv", "-o", "cells.csv"]).ok();
    for table in ["donor", "placebo", "region"] {
        let asked = ["cells.csv", "--config", "config/australia.yaml", "--rows", table];
        let made = project.rebound(&[&["resilience"][..], &asked].concat()).ok().out;
        let query = format!("select * from resilience.{table}");
        let published = project.rebound(&["sql", &query, "--format", "csv"]).ok().out;
        assert!(sorted(&made) == sorted(&published), "{table} is another");
    }
}

#[test]
fn regions_by_every_benchmark() {
    let project = sample();
    let join = |benchmark: &str| {
        format!(
            "r cross join n join resilience.region f on f.region_code = r.region_code and f.episode = 'crisis_2008' \
             and f.benchmark = '{benchmark}'"
        )
    };
    let index = |to: &str, from: &str, expected: &str| {
        format!(
            "case when abs({expected}) >= 0.01 * {from} then (({to} - {from}) - {expected}) / abs({expected}) end"
        )
    };
    // The expected change of a stage by each benchmark; mix needs the sums of the products.
    let aggregate = ["(n1 / n0 - 1) * r0", "(n2 / n1 - 1) * r1"];
    let others = ["((n1 - r1) / (n0 - r0) - 1) * r0", "((n2 - r2) / (n1 - r1) - 1) * r1"];
    for (benchmark, expected) in [("aggregate", aggregate), ("aggregate_loo", others)] {
        let resistance = index("r1", "r0", expected[0]);
        let recovery = index("r2", "r1", expected[1]);
        let ratio = format!("(r1 / r0) / (1 + {} / r0)", expected[0]);
        let dlog = format!("ln(r1 / r0) - ln(1 + {} / r0)", expected[0]);
        let drop = format!("(r0 + {0} - r1) / (r0 + {0})", expected[0]);
        let pairs = [
            ("f.resistance_expected_change", expected[0]),
            ("f.recovery_expected_change", expected[1]),
            ("f.resistance", &resistance),
            ("f.recovery", &recovery),
            ("f.resistance_growth", "r1 / r0 - 1"),
            ("f.resistance_dhs", "2 * (r1 - r0) / (r1 + r0)"),
            ("f.resistance_ratio", &ratio),
            ("f.resistance_dlog", &dlog),
            ("f.sensitivity", "(r1 / r0 - 1) / (n1 / n0 - 1)"),
            ("f.level_recovery", "r2 / r0"),
            ("f.recovered_share", "case when r0 - r1 > 0.01 * r0 then (r2 - r1) / (r0 - r1) end"),
            ("f.drop", &drop),
            ("f.rebound", "r2 / r1 - 1"),
        ];
        compare(&project, CELLS, &join(benchmark), &pairs, 8);
    }
    let mix = format!(
        "{CELLS}, m as (select x.region_code,
            sum(case when x0 > 0 then (p1 / p0 - 1) * x0 end) as e1,
            sum(case when x1 > 0 then (p2 / p1 - 1) * x1 end) as e2,
            sum(case when x0 > 0 then coalesce((p1 - x1) / case when p0 - x0 >= 0.01 * x0 then nullif(p0 - x0, 0) end - 1, (n1 - r1) / (n0 - r0) - 1) * x0 end) as l1,
            sum(case when x1 > 0 then coalesce((p2 - x2) / case when p1 - x1 >= 0.01 * x1 then nullif(p1 - x1, 0) end - 1, (n2 - r2) / (n1 - r1) - 1) * x1 end) as l2
        from x join p on p.product = x.product join r on r.region_code = x.region_code cross join n group by x.region_code)"
    );
    for (benchmark, [first, second]) in [("mix", ["e1", "e2"]), ("mix_loo", ["l1", "l2"])] {
        let from = format!("{} join m on m.region_code = r.region_code", join(benchmark));
        let resistance = index("r1", "r0", first);
        let recovery = index("r2", "r1", second);
        let pairs = [("f.resistance", &*resistance), ("f.recovery", &*recovery)];
        compare(&project, &mix, &from, &pairs, 8);
    }
    // Its own growth from 2005 to 2008 goes on.
    let trend = "t as (select region_code,
            sum(case when year = 2005 then cast(fob_value as double) end) as y0,
            sum(case when year = 2008 then cast(fob_value as double) end) as y3,
            sum(case when year = 2009 then cast(fob_value as double) end) as y4,
            sum(case when year = 2011 then cast(fob_value as double) end) as y6
        from trade.region_year group by region_code)";
    let from = "t join resilience.region f on f.region_code = t.region_code and f.episode = 'crisis_2008' \
        and f.benchmark = 'own_trend'";
    let pairs = [
        ("f.resistance_expected_change", "(power(y3 / y0, 1.0 / 3) - 1) * y3"),
        ("f.recovery_expected_change", "(power(y3 / y0, 2.0 / 3) - 1) * y4"),
        (
            "f.drop_rebound",
            "case when 1 - y4 / (power(y3 / y0, 1.0 / 3) * y3) > 0.01 then \
          (y6 / y4 - 1) / (1 - y4 / (power(y3 / y0, 1.0 / 3) * y3)) end",
        ),
    ];
    compare(&project, trend, from, &pairs, 8);

    // The area under the expected path, 2009 to 2011.
    let path = "y as (select region_code, year, cast(fob_value as double) as v from trade.region_year),
        n as (select year, sum(v) as v from y group by year),
        l as (select b.region_code, sum(b.v * g.v / n0.v - y.v) as loss, sum(b.v * g.v / n0.v) as whole
            from y b join y on y.region_code = b.region_code and y.year between 2009 and 2011
            join n g on g.year = y.year cross join (select v from n where year = 2008) n0
            where b.year = 2008 group by b.region_code)";
    let from = "l join resilience.region f on f.region_code = l.region_code and f.episode = 'crisis_2008' \
        and f.benchmark = 'aggregate'";
    let pairs = [("f.cumulative_loss", "l.loss"), ("f.cumulative_loss_share", "l.loss / l.whole")];
    compare(&project, path, from, &pairs, 8);
    let from = "y join resilience.region_period f on f.region_code = y.region_code and f.episode = 'crisis_2008' \
        and f.benchmark = 'aggregate' and f.period = cast(y.year as text)
        join y b on b.region_code = y.region_code and b.year = 2008 join n g on g.year = y.year
        cross join (select v from n where year = 2008) n0";
    let pairs = [
        ("f.value", "y.v"),
        ("f.expected_value", "case when y.year > 2008 then b.v * g.v / n0.v end"),
    ];
    compare(&project, path, from, &pairs, 8 * 7);

    // The nation's path without a crisis: the mean log growth of the three years before goes on.
    let from = "n y join resilience.nation_period f on f.episode = 'crisis_2008' and f.benchmark = 'own_trend' \
        and f.period = cast(y.year as text) cross join (select v from n where year = 2008) n0
        cross join (select v from n where year = 2005) n5";
    let pairs = [
        ("f.value", "y.v"),
        (
            "f.expected_value",
            "case when y.year > 2008 then n0.v * power(n0.v / n5.v, (y.year - 2008) / 3.0) end",
        ),
    ];
    compare(&project, path, from, &pairs, 7);

    // Types, and the product that weighs most.
    let found = project.sql(
        "select count(*) from resilience.region where type <> case when resistance >= 0 then 'resistant' \
         else 'vulnerable' end || case when recovery >= 0 then '_recovering' else '_lagging' end \
         or (type is null) <> (resistance is null or recovery is null)",
    );
    assert_eq!(found, ["0"]);
    let largest =
        format!("{CELLS}, l as (select region_code, max(x0) as m from x group by region_code)");
    let from = "l join r on r.region_code = l.region_code join resilience.region f on f.region_code = l.region_code \
        and f.episode = 'crisis_2008' and f.benchmark = 'mix' join x on x.region_code = l.region_code \
        and x.product = f.largest_part";
    compare(&project, &largest, from, &[("f.largest_part_share", "m / r0"), ("x.x0", "m")], 8);
}

#[test]
fn cells_by_every_benchmark() {
    let project = sample();
    let n: usize = project
        .sql("select count(*) from resilience.region_product where episode = 'crisis_2008' and benchmark = 'product'")[0]
        .parse()
        .expect("a count");
    assert!(n > 15_000);
    let join = |benchmark: &str| {
        format!(
            "x join p on p.product = x.product join r on r.region_code = x.region_code cross join n
             join resilience.region_product f on f.region_code = x.region_code and f.product = x.product
             and f.episode = 'crisis_2008' and f.benchmark = '{benchmark}'"
        )
    };
    let rates = [
        ("aggregate", ["n1 / n0 - 1", "n2 / n1 - 1"]),
        ("product", ["p1 / nullif(p0, 0) - 1", "p2 / nullif(p1, 0) - 1"]),
        ("aggregate_loo", ["(n1 - r1) / (n0 - r0) - 1", "(n2 - r2) / (n1 - r1) - 1"]),
        (
            "product_loo",
            [
                "(p1 - x1) / case when p0 - x0 >= 0.01 * x0 then nullif(p0 - x0, 0) end - 1",
                "(p2 - x2) / case when p1 - x1 >= 0.01 * x1 then nullif(p1 - x1, 0) end - 1",
            ],
        ),
    ];
    for (benchmark, [first, second]) in rates {
        let index = |from: &str, to: &str, rate: &str| {
            format!(
                "case when {from} > 0 and abs({rate}) >= 0.01 then ({to} / {from} - 1 - ({rate})) / abs({rate}) end"
            )
        };
        let resistance = index("x0", "x1", first);
        let recovery = index("x1", "x2", second);
        let difference = format!("case when x0 > 0 then x1 / x0 - 1 - ({first}) end");
        let pairs = [
            ("f.resistance", &*resistance),
            ("f.recovery", &*recovery),
            ("f.resistance_diff", &*difference),
            ("f.resistance_dhs", "2 * (x1 - x0) / nullif(x1 + x0, 0)"),
            ("f.level_recovery", "case when x0 > 0 then x2 / x0 end"),
        ];
        compare(&project, CELLS, &join(benchmark), &pairs, n);
    }
    // Every row has its status, and the reason of each null.
    let found = project.sql(&format!(
        "with {CELLS} select f.status, x0 > 0, x1 > 0, x2 > 0, \
         coalesce(f.resistance_null_reason, 'none') = 'no_base', coalesce(f.recovery_null_reason, 'none') = 'trough_zero' \
         from {} group by 1, 2, 3, 4, 5, 6 order by 1",
        join("aggregate")
    ));
    let expected = [
        "continuing,true,true,true,false,false",
        "entry,false,true,true,true,false",
        "exit,true,false,false,false,true",
        "late_entry,false,false,true,true,true",
        "late_exit,true,true,false,false,false",
        "passing,false,true,false,true,false",
        "re_entry,true,false,true,false,true",
    ];
    assert_eq!(found, expected);
    // Winsorised at the quantiles of all rows.
    let found = project.sql(
        "select count(*) from resilience.region_product f join (select episode, benchmark, min(resistance_winsorized) as low, \
         max(resistance_winsorized) as high from resilience.region_product group by 1, 2) w on w.episode = f.episode \
         and w.benchmark = f.benchmark where f.resistance_winsorized <> greatest(least(f.resistance, w.high), w.low)",
    );
    assert_eq!(found, ["0"]);
    let shares = project.sql(
        "select round(avg(case when resistance <> resistance_winsorized then 1.0 else 0.0 end), 3) from \
         resilience.region_product where resistance is not null and benchmark = 'product'",
    );
    let share: f64 = shares[0].parse().expect("a share");
    assert!((0.015..=0.021).contains(&share), "a hundredth at each end: {share}");
}

#[test]
fn products_the_nation_and_groups_of_regions() {
    let project = sample();
    let n: usize = project.sql("select count(*) from trade.product")[0].parse().expect("a count");
    let from = "(select * from resilience.product where episode = 'crisis_2008' and benchmark = 'aggregate') f
        left join p on f.product = p.product cross join n";
    let index = "case when p0 > 0 then (p1 / p0 - n1 / n0) / abs(n1 / n0 - 1) end";
    let pairs =
        [("f.resistance", index), ("f.level_recovery", "case when p0 > 0 then p2 / p0 end")];
    compare(&project, CELLS, from, &pairs, n);
    // One group holds all states: what it does is what the nation does, under every benchmark.
    let found = project.sql(
        "select count(*), sum(case when m.end_value = n.end_value and abs(m.resistance_growth - n.resistance_growth) < 1e-12 \
         then 1 end) from resilience.macro_region m join resilience.nation n on n.episode = m.episode \
         and n.benchmark = m.benchmark",
    );
    assert_eq!(found, ["10,10"]);
    let found = project.sql(
        "select benchmark, resistance_null_reason from resilience.nation where episode = 'crisis_2008' \
         and resistance is null order by 1",
    );
    assert_eq!(
        found,
        [
            "aggregate,is_benchmark",
            "aggregate_loo,no_benchmark",
            "mix,is_benchmark",
            "mix_loo,no_benchmark"
        ],
        "it is the first, and there is no other for the second"
    );
}

#[test]
fn shift_share_in_its_other_forms() {
    let project = sample();
    let with = format!(
        "{CELLS}, e as (select x.region_code, min(r0) as r0, min(r1 / r0 - n1 / n0) as beyond,
            sum(case when x0 > 0 then r0 * p0 / n0 * (x1 / x0 - p1 / p0) else 0 end) as homothetic,
            sum(case when x0 > 0 then (x0 - r0 * p0 / n0) * (x1 / x0 - p1 / p0) else 0 end) as allocation,
            sum(case when x0 = 0 then x1 else 0 end) as entering
        from x join p on p.product = x.product join r on r.region_code = x.region_code cross join n
        group by x.region_code)"
    );
    let from = "e join resilience.shift_share f on f.region_code = e.region_code and f.episode = 'crisis_2008' \
        and f.stage = 'resistance' join resilience.shift_share_arcelus a on a.region_code = e.region_code \
        and a.episode = f.episode and a.stage = f.stage join resilience.margins m on m.region_code = e.region_code \
        and m.episode = f.episode and m.stage = f.stage";
    let pairs = [
        ("f.competitive_homothetic", "e.homothetic"),
        ("f.allocation", "e.allocation"),
        ("f.entering", "e.entering"),
        ("f.entering", "m.entering"),
        // One period: the dynamic form is the other.
        ("f.dynamic_mix", "f.mix"),
        ("f.dynamic_competitive", "f.competitive"),
        ("a.regional_expected", "e.r0 * e.beyond"),
        ("a.regional_mix_expected", "e.homothetic - e.r0 * e.beyond"),
        ("a.entering", "e.entering"),
    ];
    compare(&project, &with, from, &pairs, 8);
    // From 2009 to 2011 over 2010, each with its own structure.
    let with = "y as (select region_code, product,
            sum(case when year = 2009 then cast(fob_value as double) else 0 end) as a,
            sum(case when year = 2010 then cast(fob_value as double) else 0 end) as b,
            sum(case when year = 2011 then cast(fob_value as double) else 0 end) as c
        from trade.region_product_year where year between 2009 and 2011 group by region_code, product),
        q as (select product, sum(a) as pa, sum(b) as pb, sum(c) as pc from y group by product),
        n as (select sum(a) as na, sum(b) as nb, sum(c) as nc from y),
        d as (select y.region_code, sum(a * (nb / na - 1) + b * (nc / nb - 1)) as national,
            sum(case when a > 0 then a * (pb / pa - nb / na) else 0 end
                + case when b > 0 then b * (pc / pb - nc / nb) else 0 end) as mix
        from y join q on q.product = y.product cross join n group by y.region_code)";
    let from = "d join resilience.shift_share f on f.region_code = d.region_code and f.episode = 'crisis_2008' \
        and f.stage = 'recovery'";
    let pairs = [
        ("f.dynamic_national", "d.national"),
        ("f.dynamic_mix", "d.mix"),
        ("f.dynamic_competitive", "f.change - d.national - d.mix"),
    ];
    compare(&project, with, from, &pairs, 8);
    // Products of a region that has some at an end, and no others.
    let with = format!(
        "{CELLS}, c as (select region_code, count(*) as n from x where x0 > 0 or x1 > 0 group by region_code),
        f as (select region_code, count(*) as n from resilience.shift_share_product
            where episode = 'crisis_2008' and stage = 'resistance' group by region_code)"
    );
    compare(&project, &with, "c join f on f.region_code = c.region_code", &[("f.n", "c.n")], 8);
}

#[test]
fn ranks_and_whether_they_hold() {
    let project = sample();
    let with = "k as (select region_code, rank() over (order by resistance desc) as place
        from resilience.region where episode = 'crisis_2008' and benchmark = 'aggregate' and resistance_low is not null)";
    let from = "k join resilience.rank f on f.region_code = k.region_code and f.episode = 'crisis_2008' \
        and f.benchmark = 'aggregate' and f.stage = 'resistance'";
    compare(
        &project,
        with,
        from,
        &[("f.rank", "k.place"), ("f.n_top", "2"), ("f.n_ranked", "8")],
        8,
    );
    let of = "where episode = 'crisis_2008' and benchmark = 'aggregate' and stage = 'resistance'";
    // The two places at the top are somebody's in each replicate.
    let sum = format!("select abs(sum(p_top_quarter) - 2) < 1e-9 from resilience.rank {of}");
    assert_eq!(project.sql(&sum), ["true"]);
    let pairs = format!("select count(*), count(distinct region_a) from resilience.rank_pair {of}");
    assert_eq!(project.sql(&pairs), ["28,7"]);
    // Each region has some place in each replicate, and the first n_top are its chance at the top.
    let with = format!(
        "k as (select region_code, sum(probability) as all_places, sum(case when place <= 2 then probability end) as top,
        max(place) as last from resilience.rank_place {of} group by region_code)"
    );
    let from = "k join resilience.rank f on f.region_code = k.region_code and k.last <= f.n_ranked and f.episode = 'crisis_2008' \
        and f.benchmark = 'aggregate' and f.stage = 'resistance'";
    compare(
        &project,
        &with,
        from,
        &[("k.all_places", "1"), ("coalesce(k.top, 0)", "f.p_top_quarter")],
        8,
    );

    let with = "v as (select benchmark, region_code, 'index' as form, resistance as v from resilience.region where episode = 'crisis_2008'
        union all select benchmark, region_code, 'diff', resistance_diff from resilience.region where episode = 'crisis_2008'
        union all select benchmark, region_code, 'dlog', resistance_dlog from resilience.region where episode = 'crisis_2008'
        union all select benchmark, region_code, 'dhs', resistance_dhs from resilience.region
            where episode = 'crisis_2008' and benchmark = 'aggregate'),
        placed as (select region_code, rank() over (partition by benchmark, form order by v desc) as place from v where v is not null),
        m as (select region_code, min(place) as low, max(place) as high from placed group by region_code),
        d as (select region_code, count(v) as n, sum(case when v >= 0 then 1 else 0 end) as above, min(v) as low, max(v) as high
            from v where form = 'diff' group by region_code)";
    let from = "d join m on m.region_code = d.region_code join resilience.robustness f \
        on f.region_code = d.region_code and f.episode = 'crisis_2008' and f.stage = 'resistance'";
    let pairs = [
        ("f.n_compared", "d.n"),
        ("f.n_above", "d.above"),
        ("f.diff_low", "d.low"),
        ("f.diff_high", "d.high"),
        ("f.rank_low", "m.low"),
        ("f.rank_high", "m.high"),
        (
            "case when f.is_robust then 1 else 0 end",
            "case when d.above in (0, d.n) then 1 else 0 end",
        ),
    ];
    compare(&project, with, from, &pairs, 8);

    // Places by the composite itself, of those that have one.
    let with = "k as (select region_code, rank() over (order by composite desc) as place, count(*) over () as n
        from resilience.component where episode = 'crisis_2008' and benchmark = 'mix' and composite is not null)";
    let from = "k join resilience.composite_rank f on f.region_code = k.region_code \
        and f.episode = 'crisis_2008' and f.benchmark = 'mix'";
    let n_composites = project.sql(
        "select count(composite) from resilience.component where episode = 'crisis_2008' and benchmark = 'mix'",
    );
    let n_composites: usize = n_composites[0].parse().expect("a count");
    assert!(n_composites > 1);
    compare(&project, with, from, &[("f.rank", "k.place"), ("f.n_ranked", "k.n")], n_composites);

    // Periods from ten years before the base, or the first of the data, to the end or the transformation.
    assert_eq!(
        project.sql(
            "select episode, min(n_periods), max(n_periods), count(*), count(p_value) from resilience.shock_date \
             group by episode order by episode"
        ),
        ["crisis_2008,7,7,8,8", "crisis_2008_long,10,10,8,8"]
    );
    assert_eq!(
        project.sql(
            "select distinct episode, first_candidate, last_candidate from resilience.shock_date order by episode"
        ),
        ["crisis_2008,2008,2009", "crisis_2008_long,2008,2012"]
    );
    project.edit(
        "config/australia.yaml",
        "  region_benchmarks:",
        "  rank_pairs_up_to: 7\n  region_benchmarks:",
    );
    project.run().ok();
    assert_eq!(project.sql("select count(*) from resilience.rank_pair"), ["0"]);
    assert_eq!(project.sql("select count(*) from resilience.rank_place"), ["0"]);
}

#[test]
fn structure_margins_and_turning_points() {
    let project = sample();
    let with = format!(
        "{CELLS}, s as (select x.region_code, x.product, x0, x1, x2, x0 / r0 as s0, x2 / r2 as s2, r0, r2 from x \
            join r on r.region_code = x.region_code),
        m as (select region_code, sum(abs(s2 - s0)) / 2 as michaely, sum(least(s0, s2)) as similar,
            acos(sum(s0 * s2) / sqrt(sum(s0 * s0) * sum(s2 * s2))) as moore,
            sqrt(sum(case when x0 > 0 and x2 > 0 then (s0 + s2) / 2 * power(ln(x2 / x0) - ln(r2 / r0), 2) end)) as lilien,
            sum(case when x0 > 0 and x2 > 0 then x2 - x0 else 0 end) as continuing,
            sum(case when x0 = 0 and x2 > 0 then x2 else 0 end) as entering,
            sum(case when x0 > 0 and x2 = 0 then -x0 else 0 end) as exiting,
            sum(case when x0 > 0 and x2 > x0 then x2 - x0 else 0 end) as growing
        from s group by region_code)"
    );
    let from = "m join resilience.transformation f on f.region_code = m.region_code and f.episode = 'crisis_2008' \
        join resilience.margins g on g.region_code = m.region_code and g.episode = 'crisis_2008' \
        and g.stage = 'transformation'";
    let pairs = [
        ("f.michaely", "m.michaely"),
        ("f.similarity", "m.similar"),
        ("f.moore", "m.moore"),
        ("f.lilien", "m.lilien"),
        ("g.continuing", "m.continuing"),
        ("g.entering", "m.entering"),
        ("g.exiting", "m.exiting"),
        ("g.growing", "m.growing"),
    ];
    compare(&project, &with, from, &pairs, 8);

    // Shift-share.
    let with = format!(
        "{CELLS}, d as (select x.region_code, min(n1 / n0 - 1) * sum(x0) as national,
            sum(case when x0 > 0 then (p1 / p0 - n1 / n0) * x0 else 0 end) as mix,
            sum(x1 - case when x0 > 0 then p1 / p0 * x0 else 0 end) as competitive
        from x join p on p.product = x.product cross join n group by x.region_code)"
    );
    let from = "d join resilience.shift_share f on f.region_code = d.region_code and f.episode = 'crisis_2008' \
        and f.stage = 'resistance'";
    let pairs = [
        ("f.national", "d.national"),
        ("f.mix", "d.mix"),
        ("f.competitive", "d.competitive"),
        ("f.change", "d.national + d.mix + d.competitive"),
    ];
    compare(&project, &with, from, &pairs, 8);

    // Specialisations by RCA, new ones over those that could have been; the third of products with the highest PCI.
    let with = format!(
        "{CELLS}, b as (select x.region_code, x.product, x0, x2, x0 * n0 / (r0 * p0) >= 1 as m0, x2 * n2 / (r2 * p2) >= 1 as m2
            from x join p on p.product = x.product join r on r.region_code = x.region_code cross join n),
        all_products as (select count(*) as n_all from trade.product),
        e as (select region_code, sum(case when m2 and not coalesce(m0, false) then 1.0 else 0.0 end)
            / (min(n_all) - sum(case when m0 then 1 else 0 end)) as rate from b cross join all_products group by region_code),
        w as (select distinct product, pci from resilience.product_transformation where episode = 'crisis_2008' and pci is not null),
        k as (select product, pci, row_number() over (order by pci desc) as place, count(*) over () as n_pci from w),
        h as (select min(pci) as high from k where place <= ceil(n_pci / 3.0)),
        c as (select x.region_code, sum(case when pci >= high then x0 else 0 end) / sum(x0) as before,
            sum(case when pci >= high then x2 else 0 end) / sum(x2) as after
            from x join w on w.product = x.product cross join h group by x.region_code)"
    );
    let from = "e join c on c.region_code = e.region_code join resilience.transformation f \
        on f.region_code = e.region_code and f.episode = 'crisis_2008'";
    let pairs = [
        ("f.entry_rate", "e.rate"),
        ("f.high_complexity_before", "c.before"),
        ("f.high_complexity_change", "c.after - c.before"),
    ];
    compare(&project, &with, from, &pairs, 8);

    // Turning points: the highest year of 2007 to 2009, the lowest from there to 2011, the first year back at the top.
    let with = "y as (select region_code, year, cast(fob_value as double) as v from trade.region_year),
        a as (select *, row_number() over (partition by region_code order by v desc, year desc) as place from y
            where year between 2007 and 2009),
        peak as (select region_code, year, v from a where place = 1),
        b as (select y.*, row_number() over (partition by y.region_code order by y.v, y.year) as place from y
            join peak on peak.region_code = y.region_code and y.year between peak.year and 2011),
        trough as (select region_code, year, v from b where place = 1),
        back as (select y.region_code, min(y.year) as year from y join trough on trough.region_code = y.region_code
            join peak on peak.region_code = y.region_code where y.year > trough.year and y.v >= peak.v group by y.region_code)";
    let from = "peak join trough on trough.region_code = peak.region_code
        left join back on back.region_code = peak.region_code
        join resilience.region_cycle f on f.region_code = peak.region_code and f.episode = 'crisis_2008'";
    let fell = "trough.v < peak.v";
    let pairs = [
        ("cast(f.peak as int)", format!("case when {fell} then peak.year end")),
        ("cast(f.trough as int)", format!("case when {fell} then trough.year end")),
        ("f.amplitude", format!("case when {fell} then trough.v / peak.v - 1 end")),
        ("cast(f.regained as int)", format!("case when {fell} then back.year end")),
    ];
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (*a, b.as_str())).collect();
    compare(&project, with, from, &pairs, 8);

    // The flags of growth, with two years before.
    let with = "y as (select region_code, year, cast(fob_value as double) as v from trade.region_year),
        g as (select y.region_code, y.year, y.v / b.v - 1 as g from y join y b on b.region_code = y.region_code
            and b.year = y.year - 1),
        f0 as (select region_code, avg(case when year in (2007, 2008) then g end) as norm,
            sum(case when year = 2009 then g end) as now from g group by region_code),
        after as (select g.region_code, max(case when g.g >= norm then 1 else 0 end) as is_back from g
            join f0 on f0.region_code = g.region_code where year between 2010 and 2013 group by g.region_code)";
    let from = "f0 join after on after.region_code = f0.region_code join resilience.region_cycle f \
        on f.region_code = f0.region_code and f.episode = 'crisis_2008'";
    let pairs = [
        ("cast(f.is_shocked as int)", "case when now < norm - 0.02 then 1 else 0 end"),
        ("cast(f.is_resilient as int)", "case when now < norm - 0.02 then is_back end"),
    ];
    compare(&project, with, from, &pairs, 8);
}

#[test]
fn episodes_in_months_add_up_to_those_in_years() {
    let project = Project::new();
    let size = [
        "--rows",
        "30000",
        "--regions",
        "12",
        "--products",
        "80",
        "--from",
        "2007",
        "--to",
        "2011",
        "--dirt",
        "0",
    ];
    let project = {
        drop(project);
        nation("china_2007_2011", &size, "ingest, aggregate")
    };
    let episodes = "aggregate: {months: true}\nresilience:\n  region_changes: [{region: '110000', year: 2009}]\n  episodes:\n    \
        - {name: by_month, base: [2008-12], trough: 2009-12, end: 2011-12, trailing: 12}\n    \
        - {name: by_quarter, base: [2008Q4], trough: 2009Q4, end: 2011Q4, trailing: 4}\n    \
        - {name: by_year, base: [2008], trough: 2009, end: 2011}\n    \
        - {name: seasons, base: [2007Q1, 2008Q1], trough: 2009Q1, end: 2010Q1}\n";
    project.write("pipelines/months.yaml", episodes.as_bytes());
    project.edit("pipelines/made.yaml", "made_config.yaml]", "made_config.yaml, months.yaml]");
    project.edit(
        "pipelines/made.yaml",
        "stages: [ingest, aggregate]",
        "stages: [ingest, aggregate, resilience]",
    );
    project.rebound(&["run", "pipelines/made.yaml"]).ok();
    // The year that ends with December is the year, by any path.
    let found = project.sql(
        "select y.benchmark, count(*), sum(case when m.base_value = y.base_value and m.end_value = y.end_value \
         and q.trough_value = y.trough_value and coalesce(m.resistance, -9) = coalesce(y.resistance, -9) \
         and coalesce(q.recovery, -9) = coalesce(y.recovery, -9) then 1 end) from resilience.region y \
         join resilience.region m on m.region_code = y.region_code and m.benchmark = y.benchmark and m.episode = 'by_month' \
         join resilience.region q on q.region_code = y.region_code and q.benchmark = y.benchmark and q.episode = 'by_quarter' \
         where y.episode = 'by_year' group by 1 order by 1",
    );
    assert_eq!(found, ["aggregate,12,12", "mix,12,12"]);
    // A base of two quarters is their mean, by a sum over the records.
    let found = project.sql(
        "with v as (select region_code, sum(case when year < 2009 then fob_value end) as base, \
         sum(case when year = 2009 then fob_value end) as trough from customs.records where month <= 3 and flow = 'export' \
         group by region_code) select count(*), sum(case when abs(base - 2 * base_value) <= 0.01 and trough = trough_value then 1 end) \
         from v join resilience.region f on f.region_code = v.region_code and f.episode = 'seasons' and f.benchmark = 'mix'",
    );
    assert_eq!(found, ["12,12"]);
    let found = project.sql(
        "select distinct resistance_null_reason, recovery_null_reason from resilience.region where region_code = '110000' \
         and episode = 'by_year'",
    );
    assert_eq!(found, ["region_changed,"]);
    // The same from the other sides: what regions do by mode, ownership and destination adds up.
    for part in ["trade_mode", "ownership", "destination"] {
        let found = project.sql(&format!(
            "select count(*) from (select region_code, sum(base_value) as base, sum(end_value) as later from \
             resilience.region_{part} where episode = 'by_year' and benchmark = 'product' group by 1) s \
             join resilience.region f on f.region_code = s.region_code and f.episode = 'by_year' and f.benchmark = 'mix' \
             where s.base = f.base_value and s.later = f.end_value"
        ));
        assert_eq!(found, ["12"], "{part}");
    }
}

#[test]
fn what_is_missing_negative_or_changed_looks_like_no_growth() {
    let project = Project::new();
    let raw = |name: &str, rows: &[(i32, &str, &str, i64)]| {
        let lines =
            rows.iter().map(|(year, region, hs6, value)| format!("{year},{region},{hs6},{value}"));
        let lines: Vec<String> =
            std::iter::once("year,region,hs6,value".to_owned()).chain(lines).collect();
        let text = lines.join("\n");
        project.write(&format!("raw/{name}.csv"), text.as_bytes());
    };
    // C is not reported in 2009; B has a correction below zero; the nation of A and B falls from 300 to 240.
    let rows = [
        (2008, "A", "010190", 100),
        (2008, "A", "020110", 100),
        (2008, "B", "010190", 100),
        (2008, "C", "010190", 700),
        (2009, "A", "010190", 100),
        (2009, "A", "020110", 40),
        (2009, "B", "010190", 100),
        (2009, "B", "020110", -5),
        (2011, "A", "010190", 120),
        (2011, "B", "020110", 200),
        (2011, "C", "010190", 600),
    ];
    raw("trade", &rows);
    let layout = "name: plain\nformat: csv\ncsv: {delimiter: \",\", quote: null, encoding: utf-8, header: true}\nfields:\n  \
        year: {column: [year]}\n  flow: {constant: export}\n  region: {column: [region]}\n  product: {column: [hs6]}\n  \
        value: {column: [value]}\nproduct: {digits: 6, restore_leading_zero: false, revisions: [{from: 2007, to: 2011, \
        revision: HS2007}]}\nvalue: {currency: USD, decimal: \".\", thousands: null, multiplier: 1, negative: keep, zero: keep}\n\
        missing: [\"\"]\nregions: {}\nrules: []\n";
    project.write("config/layouts/plain.yaml", layout.as_bytes());
    let pipeline = "name: plain\nconfig: [../config/default.yaml, plain.yaml]\nlake: ../lake\nproximity: null\nsources:\n  \
        - {layout: ../config/layouts/plain.yaml, files: [../raw/trade.csv], exclude: []}\nsql: none\nchecks: none\n\
        stages: [ingest, aggregate, resilience]\n";
    project.write("pipelines/plain.yaml", pipeline.as_bytes());
    project.write("pipelines/none/README", b"");
    let config = |text: &str| {
        project.write(
            "pipelines/plain.yaml",
            pipeline.replace("checks: checks", "checks: none").as_bytes(),
        );
        project.write(
            "pipelines/plain.yaml",
            pipeline.replace("checks: checks", "checks: none").as_bytes(),
        );
        project.write(
            "pipelines/plain_config.yaml",
            format!("resilience:\n  product_benchmarks: [aggregate, product]\n{text}").as_bytes(),
        );
        project.edit("pipelines/plain.yaml", "plain.yaml]", "plain_config.yaml]");
        project.rebound(&["run", "pipelines/plain.yaml"]).ok();
    };
    config("");
    let nation = "select resistance_growth, n_regions_resistance, n_negative_cells, negative_value from resilience.episode";
    assert_eq!(project.sql(nation), ["-0.2,2,1,-5.00"]);
    // From every side the growth is that of the regions that were there.
    let growth = |table: &str, which: &str| {
        project.sql(&format!("select round(resistance_growth, 9) from resilience.{table} where benchmark = 'aggregate' {which}"))
    };
    assert_eq!(growth("nation", ""), ["-0.2"]);
    assert_eq!(growth("product", "and product = '010190'"), ["0.0"]);
    assert_eq!(growth("region", "and region_code = 'C'"), ["\"\""]);
    let status = "select region_code, product, status, resistance_null_reason from resilience.region_product \
        where benchmark = 'aggregate' order by 1, 2";
    let found = project.sql(status);
    assert_eq!(
        found,
        [
            "A,010190,continuing,",
            "A,020110,late_exit,",
            "B,010190,late_exit,",
            "B,020110,late_entry,no_base",
            "C,010190,unknown,year_missing",
        ]
    );

    // As zeros: C fell to nothing.
    config("  absent_regions: zero\n");
    assert_eq!(project.sql(nation), ["-0.76,3,1,-5.00"]);
    assert_eq!(growth("region", "and region_code = 'C'"), ["-1.0"]);

    // Borders of A changed: it has no index, and B is compared with itself.
    config("  region_changes: [{region: A, year: 2009}, {region: '010190', year: 2009}]\n");
    assert_eq!(project.sql(nation), ["0.0,1,1,-5.00"]);
    assert_eq!(growth("region", "and region_code = 'A'"), ["\"\""]);
    assert_eq!(growth("product", "and product = '010190'"), ["0.0"], "a product is no region");
    let found = project.sql(
        "select count(*) from resilience.region_product where region_code = 'A' \
         and (level_recovery is not null or resistance is not null)",
    );
    assert_eq!(found, ["0"]);
    let found = project.sql("select cycle_null_reason, shock_null_reason from resilience.region_cycle where region_code = 'A'");
    assert_eq!(found, ["region_changed,region_changed"]);

    // Little at the start.
    config("  min_base_value: 150\n");
    let found = project.sql(
        "select region_code, resistance_null_reason from resilience.region where benchmark = 'aggregate' order by 1",
    );
    assert_eq!(found, ["A,", "B,small_base", "C,year_missing"]);
    // With all cells there are.
    config("  balanced: true\n");
    let found = project.sql(
        "select count(*), sum(case when status = 'absent' then 1 else 0 end) from resilience.region_product \
         where benchmark = 'aggregate'",
    );
    assert_eq!(found, ["6,0"], "C is unknown in 2009");
}

/// Places of values in their order; there are no ties.
fn ranks(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| values.iter().filter(|other| *other < value).count() as f64).collect()
}

fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let squares: f64 = ranks(a).iter().zip(ranks(b)).map(|(a, b)| (a - b).powi(2)).sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

#[test]
fn the_made_up_nation_ranks_as_it_was_made() {
    let size = [
        "--rows",
        "60000",
        "--regions",
        "60",
        "--products",
        "200",
        "--from",
        "2008",
        "--to",
        "2011",
        "--dirt",
        "0.01",
    ];
    let project = nation("china_2007_2011", &size, "ingest, aggregate, resilience");
    let text = std::fs::read_to_string(project.path().join("made/truth_cells.csv")).expect("made");
    // What a region was made to do, with the noise and by the known effects alone.
    let mut of_region: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut parts = line.split(',');
        let region = parts.next().expect("a region").to_owned();
        let v: Vec<f64> = parts.skip(1).map(|n| n.parse().expect("a number")).collect();
        let effects = -0.2 + 0.3 * v[1] + 2.0 * v[2] - 0.1 * v[3] - 0.15 * v[4];
        let sums = of_region.entry(region).or_default();
        sums[0] += v[0];
        sums[1] += v[0] * v[5].exp();
        sums[2] += v[0] * effects.exp();
    }
    let found = project.sql(
        "select region_code, resistance from resilience.region where benchmark = 'aggregate' order by 1",
    );
    assert_eq!(found.len(), of_region.len());
    let (mut index, mut made, mut by_effects) = (Vec::new(), Vec::new(), Vec::new());
    for line in &found {
        let (region, value) = line.split_once(',').expect("two columns");
        let [base, all, effects] = of_region[region];
        index.push(value.parse().expect("an index"));
        made.push(all / base);
        by_effects.push(effects / base);
    }
    let (with_noise, without) =
        (rank_correlation(&index, &made), rank_correlation(&index, &by_effects));
    assert!(with_noise > 0.999, "{with_noise}");
    assert!(without > 0.5, "the effects show through the noise: {without}");
}
