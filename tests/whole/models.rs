//! Models, policy and tables from elsewhere in pipelines; `rebound estimate` and `rebound export`, on real and made-up data and on bad input.

use crate::support::{Project, root};
use std::collections::BTreeMap;

const PANEL: &str = "panel.csv";

/// A project with the panel of the references.
fn with_panel() -> Project {
    let project = Project::new();
    let panel = std::fs::read(root().join("tests/fixtures/hdfe-ols/synthetic_panel.csv"))
        .expect("a fixture");
    project.write(PANEL, &panel);
    project
}

fn estimate(project: &Project, formula: &str, more: &[&str]) -> crate::support::Ran {
    project.rebound(&[&["estimate", formula, "--data", PANEL], more].concat())
}

/// Coefficients by outcome, specification and term, of CSV output.
fn coefficients(text: &str) -> BTreeMap<[String; 3], BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<BTreeMap<String, String>> =
        reader.deserialize().collect::<Result<_, _>>().expect("CSV");
    rows.into_iter()
        .map(|row| (["outcome", "specification", "term"].map(|name| row[name].clone()), row))
        .collect()
}

#[test]
fn a_formula_gives_the_numbers_of_the_references() {
    let project = with_panel();
    let formula = "y ~ x1 + x2 + x4_collinear + x3 | region + hs6";
    let ran = estimate(&project, formula, &["-i", "cluster(region + hs6)", "--format", "csv"]).ok();
    let found = coefficients(&ran.out);
    let of = |term: &str| &found[&["y".to_owned(), String::new(), term.to_owned()]];
    let of_x1: f64 = of("x1")["estimate"].parse().expect("a number");
    assert!((of_x1 - 0.510_639_994_884_627_5).abs() < 1e-9, "{of_x1}");
    assert_eq!(of("x1")["n_used"], "2939");
    assert_eq!(of("x4_collinear")["null_reason"], "a combination of x1, x2");
    // Every form holds the same numbers.
    for (format, part) in [
        ("text", "x4_collinear left out: a combination of x1, x2."),
        ("markdown", "| x1 | 0.5106\\*\\*\\* |"),
        ("latex", "x1 & 0.5106\\textsuperscript{***} \\\\"),
        (
            "html",
            "<tr><th scope=\"row\">x1</th><td data-before=\"(-\" data-after=\")0\">0.5106***</td></tr>",
        ),
    ] {
        let ran =
            estimate(&project, formula, &["-i", "cluster(region + hs6)", "--format", format]).ok();
        assert!(ran.out.contains(part), "{format}: {}", ran.out);
    }
    estimate(&project, "y ~ i(year, x1, ref = 2009) | region + year", &["--plot", "p.svg"]).ok();
    let plot = std::fs::read_to_string(project.path().join("p.svg")).expect("a plot");
    assert_eq!(plot.matches("<circle").count(), 5, "a mark for each year but the reference");
}

/// A window sorts the rows that it is computed of, and has to sort all columns alike.
#[test]
fn what_sql_computes_of_many_rows_stays_beside_its_row() {
    let project = with_panel();
    // The mean of a region is what its effect takes out.
    let coefficient = |formula: &str, term: &str| -> f64 {
        let ran = estimate(&project, formula, &["--format", "csv"]).ok();
        let key = ["y".to_owned(), String::new(), term.to_owned()];
        coefficients(&ran.out)[&key]["estimate"].parse().expect("a number")
    };
    let within = "x1 - avg(x1) over (partition by region)";
    let (found, expected) = (
        coefficient(&format!("y ~ {within} | region"), within),
        coefficient("y ~ x1 | region", "x1"),
    );
    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    for (formula, more) in [
        (&format!("y ~ {within} + x2 | hs6")[..], &[][..]),
        ("y ~ lag(x1) over (partition by region order by year, id) + x3", &[]),
        ("y ~ x1 | region", &["--weights", "count(*) over (partition by region)"]),
    ] {
        let more = [more, &["--format", "csv"]].concat();
        let alone = estimate(&project, formula, &more).ok();
        let of_one = estimate(&project, formula, &[&more[..], &["-w", "true"]].concat()).ok();
        let numbers = |out: &str| -> Vec<String> {
            coefficients(out).into_values().map(|row| row["estimate"].clone()).collect()
        };
        assert_eq!(numbers(&alone.out), numbers(&of_one.out), "{formula}");
    }
    estimate(&project, "y ~ avg(x1)", &[]).fails(2, "failed to read its rows");
}

#[test]
fn what_cannot_be_estimated_says_why() {
    let project = with_panel();
    for (formula, more, why) in [
        (
            "y ~ x1 + zonne | region",
            &[][..],
            "`data` has no column `zonne` (did you mean `zone`?); it has id, region",
        ),
        ("y ~ x1 | regoin", &[], "did you mean `region`?"),
        ("y ~ zone | region", &[], "`zone` is text, where a number is needed"),
        ("y ~ x1 | region", &["-w", "x1 > 100"], "no rows: `data` has none where x1 > 100"),
        ("y ~ x1 | region", &["-w", "x1 >"], "failed to read its rows"),
        ("y ~ one = 1 | region", &[], "no regressor is left (one: it has one value in all rows)"),
        (
            "y ~ x1 | region",
            &["-i", "cluster(zone)", "-w", "zone = 'Z4'"],
            "a cluster variable has 1 cluster",
        ),
        ("y ~ x1 | id", &[], "all 3000 rows are alone in a level of some effect (singletons)"),
        (
            "ln(count) ~ x1 | region",
            &[],
            "`ln(count)` is infinite or no number in 1073 of 3000 rows",
        ),
        ("y ~ x1 | region", &["--weights", "x2"], "weights must be zero or more"),
        ("y ~ x1 | region", &["--estimator", "ppml"], "Poisson needs zero or more"),
        ("y ~ x1 | region", &["--estimator", "logit"], "logit needs 0 or 1"),
        ("y ~ x1 | region", &["-i", "hc4"], "expected iid, hc1"),
        ("y ~ i(year, x1, ref = 1999) | region", &[], "no row has the reference"),
        ("y x1", &[], "expected outcome ~ regressors"),
        ("y ~ x1^2", &[], "write power(x, 2)"),
        ("y ~ x1 - 1", &[], "the intercept cannot be left out"),
        ("y ~ x1", &["-i", "driscoll_kraay(zone)"], "has no place in time among the others"),
        ("y ~ x1", &["-i", "driscoll_kraay(year, lags = 20)"], "leave room for 5 lags at most"),
        ("y ~ x1", &["-w", " "], "expected a SQL condition"),
        ("y ~ x1", &["--focus", "x11"], "did you mean `x1`?"),
        ("y ~ x1 + x1", &[], "`x1` is there twice"),
        ("y ~ x1 + y", &[], "`y` is among the regressors too"),
        ("y ~ x2 | 0 | x1 + x3 ~ w", &[], "1 instruments cannot stand for 2 endogenous regressors"),
        ("region ~ x1", &[], "`region` is text"),
    ] {
        estimate(&project, formula, more).fails(2, why);
    }
    project.rebound(&["estimate", "y ~ x", "--data", "nothing.csv"]).fails(2, "nothing.csv");
    project.rebound(&["estimate", "y ~ x"]).fails(2, "no lake");
    // What would be ignored is refused.
    project
        .rebound(&["estimate", "--model", "pipelines/models/m1.yaml", "--where", "true"])
        .fails(2, "cannot be used with");
    project.rebound(&["estimate", "--where", "true"]).fails(2, "required");
}

const PIPELINE: &str = "name: small\nconfig: [../config/default.yaml, small_config.yaml]\nlake: ../lake\nsources:\n  \
    - {layout: ../config/layouts/china_2007_2011.yaml, files: ['../made/records/*'], exclude: []}\n\
    rebate_rates:\n  file: ../made/rebate_rates.csv\n  hs_revision: HS2007\n  \
    columns: {hs: hs, rate: rate, valid_from: valid_from, valid_to: valid_to, unit: fraction}\n\
    tables:\n  gdp: {file: ../gdp.csv, types: {region_code: text}, about: made up}\n\
    models: [models/truth.yaml, models/m1.yaml, models/m3.yaml, models/density.yaml]\nsql: sql\nchecks: checks\n\
    stages: [ingest, aggregate, relatedness, diversification, resilience, policy, tables, panels, models]\n";

/// A made-up nation with policy, tables, panels and models.
fn small_nation(seed: &str) -> Project {
    let project = Project::new();
    let layout = "config/layouts/china_2007_2011.yaml";
    let size = [
        "--rows",
        "60000",
        "--regions",
        "80",
        "--products",
        "300",
        "--from",
        "2007",
        "--to",
        "2011",
        "--seed",
        seed,
    ];
    project.rebound(&[&["synth", "--layout", layout, "--output", "made"], &size[..]].concat()).ok();
    project.write("pipelines/small.yaml", PIPELINE.as_bytes());
    let config = "ingest: {max_rejected_share: 0.05}\naggregate: {firms: true}\nrelatedness: {proximity_years: [2008]}\n\
        resilience: {balanced: true}\n";
    project.write("pipelines/small_config.yaml", config.as_bytes());
    project.write("gdp.csv", b"region_code,gdp\n110000,11115.0\n120000,6719.01\n");
    project.write(
        "pipelines/sql/panel.income.sql",
        b"-- key: region_code\n-- about: regions with their income\nselect r.region_code, g.gdp from trade.region r join external.gdp g using (region_code)",
    );
    project.rebound(&["run", "pipelines/small.yaml"]).ok();
    project
}

#[test]
fn the_known_process_lies_in_the_intervals_of_its_estimates() {
    let mut inside = 0;
    let mut n = 0;
    for seed in ["1", "2", "3"] {
        let project = small_nation(seed);
        let truth =
            std::fs::read_to_string(project.path().join("made/truth.yaml")).expect("the truth");
        let ran = project.rebound(&["estimate", "--name", "truth", "--format", "csv"]).ok();
        for ([outcome, _, term], row) in coefficients(&ran.out) {
            let line = truth
                .lines()
                .find(|line| line.starts_with(&format!("{outcome}:")))
                .expect("a line");
            let key = if term == "(intercept)" { "constant" } else { &term };
            let value = line
                .split(&format!("{key}: "))
                .nth(1)
                .and_then(|rest| rest.split([',', '}']).next());
            let value: f64 = value.expect("a value").trim().parse().expect("a number");
            let bound = |name: &str| row[name].parse::<f64>().expect("a number");
            inside += u32::from((bound("low")..=bound("high")).contains(&value));
            // Far outside is a bug, not bad luck.
            let se = bound("se");
            assert!(
                (bound("estimate") - value).abs() < 4.5 * se,
                "{seed} {outcome} {term}: {row:?} for {value}"
            );
            n += 1;
        }
        if seed != "1" {
            continue;
        }
        // A table from elsewhere and SQL on it; 120000 is none of the regions.
        assert_eq!(
            project.sql("select region_code, gdp from panel.income order by 1"),
            ["110000,11115.0"]
        );
        // Shares and rebates of the panel against the sums they are made of.
        let n_bad = project.sql(
            "select count(*) from panel.region_product_year p join (select year, region_code, product, \
             sum(case when ownership in ('equity_jv', 'wholly_foreign', 'contractual_jv') then value_share else 0 end) as s \
             from trade.region_product_year_ownership group by 1, 2, 3) o using (year, region_code, product) \
             where abs(p.foreign_share - o.s) > 1e-12 or p.foreign_share is null",
        );
        assert_eq!(n_bad, ["0"]);
        let n_null = project.sql(
            "select count(*) from panel.region_product_year where is_exported and (foreign_share is null or processing_share is null or n_firms is null)",
        );
        assert_eq!(n_null, ["0"]);
        let steps = project.sql(
            "select count(*) from panel.region_product p join policy.rebate r using (product) where p.rebate_step is distinct from r.step",
        );
        assert_eq!(steps, ["0"]);
        models_follow_their_files(&project);
        exports_open(&project);
    }
    // 45 intervals of 95 %.
    assert!(n == 45 && inside >= 39, "{inside} of {n}");
}

fn models_follow_their_files(project: &Project) {
    let plan = |project: &Project| project.rebound(&["plan", "pipelines/small.yaml"]).ok().out;
    assert!(plan(project).contains("nothing to do"));
    let path = project.path().join("pipelines/models/m1.yaml");
    let text = std::fs::read_to_string(&path).expect("a model");
    std::fs::write(&path, text.replace("destination_hhi]", "product_hhi]")).expect("written");
    let changed = plan(project);
    assert!(
        changed.contains("1 of 14 to build") && changed.contains("build   models"),
        "{changed}"
    );
    std::fs::write(&path, text.replace("destination_hhi]", "destination_hi]")).expect("written");
    project.rebound(&["run", "pipelines/small.yaml"]).fails(2, "did you mean `destination_hhi`?");
    std::fs::write(&path, text.replace("effects:", "effect:")).expect("written");
    project.rebound(&["plan", "pipelines/small.yaml"]).fails(2, "unknown key `estimate.effect`");
    std::fs::write(&path, &text).expect("written");
    std::fs::write(project.path().join("gdp.csv"), "region_code,gdp\n110000,1\n").expect("written");
    let changed = plan(project);
    assert!(
        changed.contains("build   external.gdp") && changed.contains("build   panel.income"),
        "{changed}"
    );
    assert!(changed.contains("2 of 14 to build"), "{changed}");
    std::fs::write(
        project.path().join("made/rebate_rates.csv"),
        "hs,rate,valid_from,valid_to\n61,13,2008-08-01,\n",
    )
    .expect("written");
    project.rebound(&["run", "pipelines/small.yaml"]).fails(2, "line 2: rate 13: expected 0 to 1");
    project.rebound(&["estimate", "--name", "M9"]).fails(2, "there are truth, M1, M3, density");
}

fn exports_open(project: &Project) {
    let ran = project
        .rebound(&[
            "export",
            "panel.region_product",
            "--format",
            "dta",
            "--format",
            "csv",
            "-o",
            "out",
        ])
        .ok();
    assert_eq!(ran.out.lines().count(), 4, "{}", ran.out);
    let book = std::fs::read_to_string(project.path().join("out/panel.region_product_codebook.md"))
        .expect("a codebook");
    let n_nulls = project
        .sql("select count(*) from panel.region_product where resistance_null_reason = 'no_base'");
    assert!(book.contains(&format!("no_base {}", n_nulls[0])), "{book}");
    // The Stata file is read back by the program itself: the same regression from both gives the same numbers.
    let formula = "resistance_dhs ~ density + foreign_share | region_code + hs2";
    let of = |arguments: &[&str]| {
        let fixed = ["estimate", formula, "--format", "csv"];
        project.rebound(&[&fixed[..], arguments].concat()).ok().out
    };
    assert_eq!(
        of(&["--data", "out/panel.region_product.dta"]),
        of(&["--table", "panel.region_product"])
    );
    project.rebound(&["export", "space.product_year", "--format", "csv", "-o", "out"]).ok();
    let rows = std::fs::read_to_string(project.path().join("out/space.product_year.csv"));
    assert!(rows.expect("rows").starts_with("year,product,hs6,hs4,hs2,ubiquity,"));
    let ran = project.rebound(&["export", "--where", "episode = 'crisis_2008'", "-o", "none"]);
    ran.fails(2, "the condition does not go with `panel.income`");
    assert!(!project.path().join("none").exists());
    project.rebound(&["export", "panel.regoin"]).fails(2, "did you mean `panel.region`?");
}

/// A small case's one number of a term.
fn number_of(project: &Project, file: &str, formula: &str, more: &[&str], column: &str) -> f64 {
    let path = root().join("tests/fixtures/small-cases").join(file).display().to_string();
    let fixed = ["estimate", formula, "--data", &path, "--format", "csv"];
    let found = coefficients(&project.rebound(&[&fixed[..], more].concat()).ok().out);
    let row = found.values().find(|row| row["term"] == "x").expect("a coefficient of x");
    row[column].parse().expect("a number")
}

#[test]
fn an_effect_that_others_are_nested_in_changes_no_estimate() {
    // Errors of pyfixest 0.60: iid, HC1, by city, by province.
    let cases = [
        (
            "nested_effects.csv",
            0.409_522_791_324_011_26,
            [
                0.079_473_344_735_118_22,
                0.072_366_334_921_698_29,
                0.053_758_862_069_468_46,
                0.043_251_063_144_507_14,
            ],
        ),
        (
            "nested_effects_2.csv",
            0.586_435_764_462_374_9,
            [
                0.068_438_050_466_762_53,
                0.074_504_360_748_800_3,
                0.035_249_231_010_683_8,
                0.040_697_421_725_235_695,
            ],
        ),
    ];
    let project = Project::new();
    let close = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-10, "{found} is not {expected}");
    };
    for (file, slope, errors) in cases {
        let kinds = ["iid", "hc1", "cluster(city)", "cluster(province)"];
        for effects in ["city + province", "province + city"] {
            let formula = format!("y ~ x | {effects}");
            for (inference, error) in kinds.iter().zip(errors) {
                let found =
                    |column| number_of(&project, file, &formula, &["-i", inference], column);
                close(found("estimate"), slope);
                close(found("se"), error);
            }
        }
        close(number_of(&project, file, "y ~ x | city", &[], "estimate"), slope);
    }
    let path = root().join("tests/fixtures/small-cases/nested_effects.csv").display().to_string();
    let ran = project.rebound(&["estimate", "y ~ x | city + province", "--data", &path]).ok();
    let text = ran.out.replace('\n', " ");
    assert!(text.contains("province adds nothing: city is nested in it"), "{text}");
}

#[test]
fn periods_are_in_the_order_of_time() {
    let project = Project::new();
    let dk = ["-i", "driscoll_kraay(period, lags = 2)"];
    let of = |file: &str| number_of(&project, file, "y ~ x | unit", &dk, "se");
    // pyfixest 0.60.
    let expected = 0.111_307_543_843_197_06;
    let found = of("periods_1_to_12.csv");
    assert!((found / expected - 1.0).abs() < 1e-6, "{found}");
    let text =
        std::fs::read_to_string(root().join("tests/fixtures/small-cases/periods_1_to_12.csv"));
    let text = text.expect("a fixture");
    // Months and dates as people write them, and event times, all the same.
    let written = |name: &str, of: &dyn Fn(&str) -> String| {
        let rows = text.lines().enumerate().map(|(at, line)| {
            let cells: Vec<&str> = line.split(',').collect();
            let period = if at == 0 { "period".to_owned() } else { of(cells[1]) };
            format!("{},{period},{},{}\n", cells[0], cells[2], cells[3])
        });
        project.write(name, rows.collect::<String>().as_bytes());
        let asked = ["estimate", "y ~ x | unit", "--data", name, "--format", "csv"];
        project.rebound(&[&asked[..], &dk].concat())
    };
    for (name, of) in [
        ("months.csv", &(|p: &str| format!("2008-{p}")) as &dyn Fn(&str) -> String),
        ("marked.csv", &|p: &str| format!("2008m{p}")),
        ("floats.csv", &|p: &str| format!("{p}.0")),
    ] {
        let found = coefficients(&written(name, of).ok().out);
        let se: f64 = found.values().next().expect("x")["se"].parse().expect("a number");
        assert!((se / expected - 1.0).abs() < 1e-6, "{name}: {se}");
    }
    written("names.csv", &|p: &str| format!("month {p}")).fails(2, "has no place in time");
    written("events.csv", &|p: &str| (p.parse::<i32>().expect("a number") - 6).to_string()).ok();
    let formula = "y ~ i(period, x, ref = -1) | unit";
    let asked = ["estimate", formula, "--data", "events.csv", "--plot", "events.svg"];
    let expected: Vec<String> =
        (-5..=6).filter(|at| *at != -1).map(|at| format!("x x period = {at}")).collect();
    let in_order = |text: &str, what: &str| {
        let places: Vec<usize> = expected
            .iter()
            .map(|term| {
                let after =
                    |at: usize| text[at + term.len()..].starts_with(|c: char| !c.is_ascii_digit());
                let found =
                    text.match_indices(term.as_str()).map(|(at, _)| at).find(|at| after(*at));
                found.unwrap_or_else(|| panic!("no {term} in {what}"))
            })
            .collect();
        assert!(places.is_sorted(), "{what}: {text}");
    };
    in_order(&project.rebound(&asked).ok().out, "the table");
    in_order(&project.rebound(&[&asked[..], &["--format", "csv"]].concat()).ok().out, "CSV");
    in_order(
        &std::fs::read_to_string(project.path().join("events.svg")).expect("a plot"),
        "the plot",
    );
}

#[test]
fn long_numbers_of_firms_stay_apart() {
    // 18 digits, of which doubles keep 15: 50 firms, of which 4 would be left.
    let project = Project::new();
    let rows = |letter: &str| {
        let row = |at: u64| {
            let (firm, x) = (at % 50, (at * 7919) % 101);
            let y = x * 2 + firm * 31 % 17 + (at * 31) % 13;
            format!("{letter}{},{x},{y}\n", 110_101_199_001_010_000 + firm)
        };
        format!("firm,x,y\n{}", (0..400).map(row).collect::<String>())
    };
    project.write("numbers.csv", rows("").as_bytes());
    project.write("names.csv", rows("f").as_bytes());
    let of = |file: &str| {
        let asked = ["estimate", "y ~ x | firm", "--data", file, "-i", "cluster(firm)"];
        project.rebound(&asked).ok().out
    };
    let found = of("numbers.csv");
    assert!(found.contains("Clusters: firm") && found == of("names.csv"), "{found}");
}

#[test]
fn an_exact_fit_has_no_errors_and_says_why() {
    let project = Project::new();
    project.write("exact.csv", b"y,x,g,w\n1,1,a,1\n2,2,a,0\n4,4,b,2\n5,5,b,1\n7,7,c,1\n");
    let kinds = ["iid", "hc1", "hc2", "hc3", "cluster(g)", "crv3(g)", "driscoll_kraay(x)"];
    for inference in kinds {
        for more in [&[][..], &["--weights", "w"]] {
            let asked = ["estimate", "y ~ x", "--data", "exact.csv", "-i", inference];
            let ran = project.rebound(&[&asked[..], more].concat()).ok();
            let text = ran.out.replace('\n', " ");
            assert!(text.contains("the fit is exact"), "{inference}: {text}");
            // Once, where stars are explained.
            assert_eq!(text.matches("***").count(), 1, "{inference}: {text}");
        }
    }
    let weighted = project.rebound(&["estimate", "y ~ x", "--data", "exact.csv", "--weights", "w"]);
    let text = weighted.ok().out.replace('\n', " ");
    assert!(text.contains("1 row of weight zero left out"), "{text}");
    // In a run it is a row with its reason.
    let model = "name: exact\ntitle: An identity\ntable: panel.region\nestimate:\n  outcomes: [twice = 2 * base_value]\n  \
                 regressors: [base_value]\n  where: episode = 'crisis_2008'\n";
    project.write("pipelines/models/exact.yaml", model.as_bytes());
    project.edit("pipelines/australia.yaml", "models: [", "models: [models/exact.yaml, ");
    project.run().ok();
    let found = project.sql(
        "select term, round(estimate, 9), se is null, null_reason is not null from model.coefficients where model = 'exact' order by 1 desc",
    );
    assert_eq!(found[0], "base_value,2.0,true,true");
    let found = project.sql("select f is null, notes from model.fit where model = 'exact'");
    assert!(found[0].starts_with("true,no F: the fit is exact"), "{found:?}");
}

#[test]
fn the_sample_of_rebate_steps_gives_the_days_of_its_notices() {
    let project = Project::new();
    let path = project.path().join("pipelines/australia.yaml");
    let text = std::fs::read_to_string(&path).expect("the pipeline");
    let rates = "rebate_rates:\n  file: ../samples/rebate-steps/rebate_group_steps.csv\n  hs_revision: HS2007\n  \
        columns: {hs: hs, rate: rate, valid_from: valid_from, valid_to: valid_to, unit: percent}\nsql: sql\n";
    std::fs::write(&path, text.replace("sql: sql\n", rates)).expect("written");
    project.rebound(&["run", "pipelines/australia.yaml", "--select", "+policy"]).ok();
    // methodology: apparel, day-weighted, percent.
    let found = project.sql(
        "select year, round(100 * rate, 7) from policy.rebate_year where product = '610910' and year in (2008, 2009) order by 1",
    );
    assert_eq!(found, ["2008,12.0027322", "2009,15.6684932"]);
    let found = project.sql("select round(step, 6), n_rises, has_rise from policy.rebate where product in ('610910', '950300') order by product");
    assert_eq!(found, ["0.05,4,true", "0.04,2,true"]);
    assert_eq!(
        project.sql("select count(*) from policy.rebate where left(product, 2) = '01'"),
        ["0"]
    );
}

#[test]
fn models_are_the_same_for_any_number_of_threads() {
    let project = Project::new();
    let followed = "focus: [density]\nabout: Said below.\nestimate:\n";
    project.edit("pipelines/models/density.yaml", "estimate:\n", followed);
    let mut texts = Vec::new();
    for threads in ["1", "3"] {
        let lake = format!("lake{threads}");
        project
            .rebound(&["run", "pipelines/australia.yaml", "--lake", &lake, "--threads", threads])
            .ok();
        texts.push(project.rebound(&["estimate", "--lake", &lake, "--format", "csv"]).ok().out);
    }
    assert!(texts[0].len() > 1000 && texts[0] == texts[1]);
    published_tables_fit(&project);
}

/// The published model follows one coefficient, and says so in its table.
fn published_tables_fit(project: &Project) {
    let fits = |text: &str, width: usize| text.lines().all(|line| line.chars().count() <= width);
    let estimate = ["estimate", "--lake", "lake1"];
    let text = project.rebound(&estimate).ok().out;
    let headings = text.lines().nth(2).expect("headings");
    let names: Vec<&str> = headings.split_whitespace().take(5).collect();
    assert_eq!(names, ["no.", "outcome", "specification", "term", "estimate"], "{text}");
    assert!(fits(&text, 100) && text.ends_with("\nSaid below.\n"), "{text}");
    assert!(!text.contains("\nlog_base_value "), "{text}");
    let columns = [&estimate[..], &["--shape", "columns"]].concat();
    let narrow = project.command().args(&columns).env("COLUMNS", "60").output();
    let text = crate::support::Ran::from(narrow.expect("the binary runs")).ok().out;
    assert!(fits(&text, 60) && text.contains("(panel 1 of "), "{text}");
    assert!(text.contains("\nlog_base_value "), "{text}");
    let whole = [&columns[..], &["--format", "markdown"]].concat();
    assert!(project.rebound(&whole).ok().out.contains("<br>(9) |"));
}
