//! Choices of the product space in a pipeline: where relatedness comes from, references, incomes, cleaning, tests.

use crate::support::{Project, Ran};

/// A project on a small made-up nation of firms, whose config says `more`.
struct Nation(Project);

impl Nation {
    fn new() -> Self {
        let project = Project::new();
        let synth = [
            "synth",
            "--layout",
            "config/layouts/china_2007_2011.yaml",
            "-o",
            "made",
            "--rows",
            "8000",
            "--regions",
            "30",
            "--products",
            "80",
        ];
        project.rebound(&synth).ok();
        project.write("pipelines/none/README", b"");
        Self(project)
    }

    fn run(&self, pipeline: &str, config: &str) -> Ran {
        let text = format!(
            "name: made\nconfig: [../config/default.yaml, made_config.yaml]\nlake: ../lake\nsources:\n  \
             - {{layout: ../config/layouts/china_2007_2011.yaml, files: ['../made/records/*'], exclude: []}}\n\
             sql: none\nchecks: none\nstages: [ingest, aggregate, relatedness, diversification]\n{pipeline}"
        );
        self.0.write("pipelines/made.yaml", text.as_bytes());
        let config = format!("ingest: {{max_rejected_share: 0.05}}\n{config}");
        self.0.write("pipelines/made_config.yaml", config.as_bytes());
        self.0.rebound(&["run", "pipelines/made.yaml"])
    }

    fn one(&self, query: &str) -> String {
        self.0.sql(query).join(";")
    }
}

#[test]
fn relatedness_of_firms_and_every_measure_run() {
    let nation = Nation::new();
    let firms = "aggregate: {firms: true}\n";
    let related = |text: &str| format!("{firms}relatedness: {{proximity_source: firms, {text}}}\n");
    nation.run("", &related("proximity_years: [2007, 2008]")).ok();
    assert_eq!(
        nation.one(
            "select count(*) from trade.region_product_year c join (select year, region_code, product, count(*) n, \
             sum(fob_value) v from trade.region_product_year_firm group by 1, 2, 3) f on f.year = c.year \
             and f.region_code = c.region_code and f.product = c.product where f.n <> c.n_firms or f.v <> c.fob_value"
        ),
        "0"
    );
    let of_firms =
        nation.one("select count(*), round(sum(density), 6) from space.region_product_year");
    nation.run("", &related("proximity_years: [2007, 2008], measure: additions")).ok();
    assert_ne!(
        nation.one("select count(*), round(sum(density), 6) from space.region_product_year"),
        of_firms
    );
    nation
        .run("", &related("proximity_years: [1999]"))
        .fails(2, "no firm exports anything in [1999]");
    let mut sums = Vec::new();
    for measure in [
        "proximity",
        "conditional",
        "cosine",
        "jaccard",
        "association",
        "probability",
        "survivor",
        "revealed",
        "correlation",
        "coagglomeration",
    ] {
        let config = format!("relatedness: {{proximity_years: [2008], measure: {measure}}}\n");
        nation.run("", &config).ok();
        let bad = nation.one(
            "select count(*) from space.region_product_year where density < 0 or density > 1 or value_density > 1 \
             or nearest_density > 1 or (density is null) <> (density_null_reason is not null)",
        );
        assert_eq!(bad, "0", "{measure}");
        sums.push(nation.one("select round(sum(density), 6) from space.region_product_year"));
    }
    sums.sort();
    sums.dedup();
    // Association is the conditional probability times a factor of the product itself, which density divides out.
    assert_eq!(sums.len(), 9, "each other measure has a density of its own");
}

#[test]
fn links_are_tested_and_the_tree_is_published() {
    let nation = Nation::new();
    let config = |how: &str| {
        format!(
            "relatedness: {{proximity_years: [2008], publish_proximity_from: 0, validation: {how}, \
             validation_shuffles: 99}}\n"
        )
    };
    nation.run("", &config("hypergeometric")).ok();
    assert_eq!(
        nation.one("select count(*) from space.proximity where p_value is null or p_value <= 0 or p_value > 1 or q_value < p_value"),
        "0"
    );
    assert_eq!(
        nation.one(
            "select count(*) = (select count(distinct product) from space.product_year where year = 2008 and ubiquity > 0) - 1 \
             from space.proximity where is_in_tree"
        ),
        "true",
        "the tree of a connected space"
    );
    let exact = nation.one("select avg(p_value) from space.proximity");
    nation.run("", &config("permutation")).ok();
    let (a, b): (f64, f64) = (
        exact.parse().expect("a number"),
        nation.one("select avg(p_value) from space.proximity").parse().expect("a number"),
    );
    assert!((a - b).abs() < 0.15 && (a - b).abs() > 0.0, "{a} {b}");
}

#[test]
fn cleaning_leaves_out_the_small_and_says_so() {
    let nation = Nation::new();
    nation.run("", "relatedness: {proximity_years: [2008]}\n").ok();
    let before = nation.one("select count(*) from space.region_year where year = 2008");
    nation
        .run("", "relatedness: {proximity_years: [2008]}\ncleaning: {min_diversity: 5, min_ubiquity: 2}\n")
        .ok();
    let found = nation.one(
        "select n_regions > n_regions_kept, n_regions_kept = (select count(*) from space.region_year r where r.year = y.year), \
         n_products_kept = (select count(*) from space.product_year p where p.year = y.year), value_share_kept < 1, \
         (select min(diversity) from space.region_year r where r.year = y.year) >= 5, \
         (select min(ubiquity) from space.product_year p where p.year = y.year) >= 2 from space.year y where year = 2008",
    );
    assert_eq!(found, "true,true,true,true,true,true", "of {before} regions");
}

#[test]
fn incomes_and_a_reference_economy_are_read() {
    let nation = Nation::new();
    nation.run("", "relatedness: {proximity_years: [2008]}\n").ok();
    let rows =
        |query: &str, header: &str| format!("{header}\n{}\n", nation.0.sql(query).join("\n"));
    let incomes = rows(
        "select year, region_code, 100 * row_number() over (partition by year order by region_code) from trade.region_year",
        "y,r,gdp",
    );
    // The nation itself as its reference changes nothing.
    let world = rows(
        "select year, product, sum(fob_value) from trade.region_product_year group by 1, 2",
        "year,hs,v",
    );
    nation.0.write("pipelines/incomes.csv", incomes.as_bytes());
    nation.0.write("pipelines/world.csv", world.as_bytes());
    let own = nation.one("select sum(rca), count(*) from space.region_product_year");
    let pipeline = "incomes: {file: incomes.csv, columns: {year: y, region: r, value: gdp}}\n\
        reference: {file: world.csv, hs_revision: HS2007, columns: {year: year, product: hs, value: v}}\n";
    let config = "relatedness: {proximity_years: [2008], rca_reference: external}\n";
    nation.run(pipeline, config).ok();
    let other = nation.one("select sum(rca), count(*) from space.region_product_year");
    let number =
        |text: &str| -> f64 { text.split(',').next().unwrap_or("").parse().expect("a number") };
    assert!((number(&own) / number(&other) - 1.0).abs() < 1e-9, "{own} {other}");
    let found = nation.one(
        "select min(expy) > 100, max(expy) < 3000, min(expy_coverage) > 0.999, \
         (select count(*) from space.product_year where prody is null) from space.region_year",
    );
    assert_eq!(found, "true,true,true,0");
    // EXPY is what SQL says it is.
    let differ = nation.one(
        "select count(*) from space.region_year e join (select t.year, t.region_code, \
         sum(t.fob_value * p.prody) / sum(t.fob_value) as expy from trade.region_product_year t \
         join space.product_year p on p.year = t.year and p.product = t.product group by 1, 2) s on s.year = e.year \
         and s.region_code = e.region_code where abs(s.expy / e.expy - 1) > 1e-9",
    );
    assert_eq!(differ, "0");
    // Population, external PCI and jumps.
    let heads = rows(
        "select year, region_code, sum(fob_value) from trade.region_year group by 1, 2",
        "y,r,heads",
    );
    nation.0.write("pipelines/heads.csv", heads.as_bytes());
    let pci = rows(
        "select product, avg(pci) from space.product_year where pci is not null group by 1",
        "hs,pci",
    );
    nation.0.write("pipelines/pci.csv", pci.as_bytes());
    let more = format!(
        "{pipeline}population: {{file: heads.csv, columns: {{year: y, region: r, value: heads}}}}\n\
         pci: {{file: pci.csv, hs_revision: HS2007, columns: {{product: hs, value: pci}}}}\n"
    );
    nation.run(&more, config).ok();
    assert_eq!(
        nation.one(
            "select count(*) > 1000, sum(case when abs(rpop / rca - 1) > 1e-9 then 1 else 0 end), \
             sum(case when jumped and not (is_specialized and entered) then 1 else 0 end), count(jumped) > 100 \
             from space.region_product_year where rca > 0"
        ),
        "true,0,0,true",
        "with exports as heads, RPOP is RCA"
    );
    assert_eq!(
        nation.one(
            "with w as (select product, avg(pci) as pci from space.product_year where pci is not null group by 1), \
             s as (select c.year, c.region_code, avg(w.pci) as eci from space.region_product_year c join w on w.product = c.product \
             where c.is_specialized group by 1, 2) select count(*) > 100, sum(case when abs(s.eci - r.eci_external) > 1e-9 \
             then 1 else 0 end) from space.region_year r join s on s.year = r.year and s.region_code = r.region_code"
        ),
        "true,0"
    );
    nation.0.write("pipelines/pci.csv", b"hs,pci\n010110,1\n10110,2\n");
    nation.run(&more, config).fails(2, "line 3: product \"10110\" is there twice");
    nation.0.write("pipelines/incomes.csv", b"y,r,gdp\n2008,440300,1\n2008,440300,2\n");
    nation.run(pipeline, config).fails(2, "line 3: region \"440300\" is there twice for 2008");
    nation.0.write("pipelines/incomes.csv", b"y,r,gdp\n2008,440300,much\n");
    nation.run(pipeline, config).fails(2, "incomes.csv").fails(2, "line 2: incomes \"much\"");
    nation.0.write("pipelines/incomes.csv", b"y,region,gdp\n");
    nation.run(pipeline, config).fails(2, "no column `r`").fails(2, "correct `incomes.columns`");
}

#[test]
fn entries_and_exits_are_those_of_sql() {
    let nation = Nation::new();
    nation.run("", "relatedness: {proximity_years: [2008]}\n").ok();
    let found = nation.one(
        "with m as (select year, region_code, product, is_specialized as now from space.region_product_year), \
         c as (select a.year, a.region_code, a.product, a.entered, a.exited, b.now as before, a.is_specialized as now \
         from space.region_product_year a join m b on b.year = a.year - 1 and b.region_code = a.region_code \
         and b.product = a.product) \
         select count(*) > 1000, sum(case when (entered is null) <> before then 1 else 0 end), \
         sum(case when entered <> now then 1 else 0 end), sum(case when (exited is null) <> (not before) then 1 else 0 end), \
         sum(case when exited = now then 1 else 0 end) from c",
    );
    assert_eq!(found, "true,0,0,0,0");
    assert_eq!(
        nation.one("select count(entered) from space.region_product_year where year = 2007"),
        "0"
    );
}

#[test]
fn neighbours_and_inequality_of_the_sample_are_those_of_its_map_and_of_sql() {
    let project = Project::published();
    let near = project.sql(
        "select region_code, neighbour_mean is null, lisa_class from spatial.region where measure = 'resistance' \
         and period = 'crisis_2008 / aggregate' order by region_code",
    );
    assert_eq!(near.len(), 8);
    let alone: Vec<_> = near.iter().filter(|line| line.contains(",true,")).collect();
    assert_eq!(alone, ["TAS,true,"], "an island");
    // The ACT lies within New South Wales.
    assert_eq!(
        project.sql(
            "select count(*) from spatial.region a join spatial.region b on b.source_table = a.source_table \
             and b.measure = a.measure and b.period = a.period where a.region_code = 'ACT' and b.region_code = 'NSW' \
             and abs(a.neighbour_mean - b.value) > 1e-9 * abs(b.value)"
        ),
        ["0"]
    );
    // Gini by its other formula, half the mean difference over the mean; Theil by its own.
    let differ = project.sql(
        "with v as (select year, cast(fob_value as double) as x from trade.region_year), \
         m as (select year, avg(x) as mean, count(*) as n from v group by year), \
         g as (select a.year, sum(abs(a.x - b.x)) as total from v a join v b on b.year = a.year group by a.year), \
         t as (select v.year, avg(v.x / m.mean * ln(v.x / m.mean)) as theil from v join m on m.year = v.year group by v.year) \
         select count(*), sum(case when abs(s.gini - g.total / (2 * m.n * m.n * m.mean)) > 1e-12 \
         or abs(s.theil - t.theil) > 1e-12 then 1 else 0 end) from spatial.measure s join m on cast(m.year as varchar) = s.period \
         join g on g.year = m.year join t on t.year = m.year where s.source_table = 'trade.region_year' \
         and s.measure = 'fob_value'",
    );
    assert_eq!(differ, ["10,0"]);
    // Sigma of a year, and the slope of growth on the level by moments.
    let differ = project.sql(
        "with v as (select year, region_code, ln(cast(fob_value as double)) as l from trade.region_year), \
         m as (select year, sqrt(avg(l * l) - avg(l) * avg(l)) as sigma from v group by year), \
         g as (select c.from_year, c.to_year, a.l, (b.l - a.l) / (c.to_year - c.from_year) as g from spatial.convergence c \
         join v a on a.year = c.from_year join v b on b.year = c.to_year and b.region_code = a.region_code), \
         s as (select from_year, to_year, (avg(g * l) - avg(g) * avg(l)) / (avg(l * l) - avg(l) * avg(l)) as beta from g \
         group by from_year, to_year) \
         select c.from_year, c.to_year, c.n_regions, abs(c.beta - s.beta) < 1e-9, abs(c.sigma_to - m.sigma) < 1e-9, \
         abs(c.sigma_to - f.sd_log) < 1e-12 from spatial.convergence c \
         join s on s.from_year = c.from_year and s.to_year = c.to_year join m on m.year = c.to_year \
         join spatial.measure f on f.source_table = 'trade.region_year' and f.measure = 'fob_value' \
         and f.period = cast(c.to_year as varchar) order by c.from_year, c.to_year",
    );
    let expected =
        ["2005,2014,8,true,true,true", "2008,2010,8,true,true,true", "2008,2011,8,true,true,true"];
    assert_eq!(differ, expected);
    for weights in ["nearest", "inverse_distance"] {
        project.edit(
            "config/australia.yaml",
            "  group_digits: 0",
            &format!("  weights: {weights}\n  group_digits: 0 "),
        );
        project.run().ok();
        assert_eq!(
            project.sql("select distinct n_with_neighbours from spatial.measure where measure = 'fob_value'").len(),
            1
        );
        project.edit(
            "config/australia.yaml",
            &format!("  weights: {weights}\n  group_digits: 0 "),
            "  group_digits: 0",
        );
    }
    project.write("pipelines/groups.csv", b"region,part\nNSW,east\nVIC,east\nQLD,east\nTAS,east\nACT,east\nSA,west\nWA,west\nNT,west\n");
    project.edit(
        "pipelines/australia.yaml",
        "\nsql: sql",
        "\ngroups: {file: groups.csv, columns: {region: region, group: part}}\nsql: sql",
    );
    project.run().ok();
    assert_eq!(
        project.sql("select distinct n_groups, theil_between > 0 from spatial.measure where measure = 'fob_value'"),
        ["2,true"]
    );
    project.edit("pipelines/australia.yaml", "property: name}", "property: cartodb_id}");
    project
        .run()
        .fails(2, "no region has a boundary")
        .fails(2, "say which is which in `boundaries.names`");
    project.edit("pipelines/australia.yaml", "property: cartodb_id}", "property: nom}");
    project.run().fails(2, "has no property `nom`: it has");
}
