//! A made-up nation: its records are read back exactly, and its process is found again from them.

use crate::support::Project;
use std::collections::{BTreeMap, BTreeSet};

const CONFIG: &str = "ingest: {max_rejected_share: 0.05}\nrelatedness: {rca_rule: at_least, rca_threshold: 1.0, \
    proximity_source: regions, proximity_years: [2008], min_ubiquity: 1, diagonal: excluded, publish_proximity_from: 0.9}\n";

/// A project whose raw files are made up in `layout`.
pub(crate) fn nation(layout: &str, size: &[&str], stages: &str) -> Project {
    let project = Project::new();
    let layout_file = format!("config/layouts/{layout}.yaml");
    let fixed = ["synth", "--layout", &layout_file, "--output", "made"];
    project.rebound(&[&fixed[..], size].concat()).ok();
    let pipeline = format!(
        "name: made\nconfig: [../config/default.yaml, made_config.yaml]\nlake: ../lake\nsources:\n  \
         - {{layout: ../config/layouts/{layout}.yaml, files: ['../made/records/*'], exclude: []}}\nproximity: null\n\
         sql: none\nchecks: none\nstages: [{stages}]\n"
    );
    project.write("pipelines/made.yaml", pipeline.as_bytes());
    project.write("pipelines/made_config.yaml", CONFIG.as_bytes());
    project.write("pipelines/none/README", b"");
    project.rebound(&["run", "pipelines/made.yaml"]).ok();
    project
}

/// The text after `key: ` in the truth, up to a comma or brace.
fn truth(project: &Project, line: &str, key: &str) -> String {
    let text = std::fs::read_to_string(project.path().join("made/truth.yaml")).expect("the truth");
    let line = text.lines().find(|l| l.starts_with(&format!("{line}:"))).expect("the line");
    let rest = line.split(&format!("{key}: ")).nth(1).expect("the key");
    rest.split([',', '}']).next().unwrap_or_default().to_owned()
}

#[test]
fn every_layout_reads_back_what_was_made_in_it() {
    for layout in [
        "china_2000_2001",
        "china_2002",
        "china_2003_2005",
        "china_2006",
        "china_2007_2011",
        "china_2012_2016",
        "china_query",
        "brazil_comexstat",
        "brazil_comexstat_mun",
    ] {
        let size = [
            "--rows",
            "3000",
            "--regions",
            "20",
            "--products",
            "60",
            "--dirt",
            "0.02",
            "--from",
            "2008",
            "--to",
            "2009",
        ];
        let project = nation(layout, &size, "ingest");
        let found = project
            .sql("select sum(n_records) || ' ' || sum(value_records) from customs.reconciliation");
        let of = |key: &str| truth(&project, "written", key);
        assert_eq!(found, [format!("{} {}.00", of("rows"), of("value"))], "{layout}");
        let found = project.sql(
            "select reason || ': ' || count(*) from customs.rejects group by reason order by reason",
        );
        let text = std::fs::read_to_string(project.path().join("made/truth.yaml")).expect("it");
        let line = text.lines().find(|l| l.starts_with("rejects")).expect("the line");
        assert_eq!(line, format!("rejects: {{{}}}", found.join(", ")), "{layout}");
        assert!(found.len() >= 3, "{layout}: {found:?}");
    }
}

#[test]
fn same_seed_gives_the_same_bytes_and_another_does_not() {
    let project = Project::new();
    let mut bytes = Vec::new();
    for (folder, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
        let layout = "config/layouts/china_2007_2011.yaml";
        let size = ["--rows", "2000", "--regions", "10", "--products", "40", "--seed", seed];
        let fixed = ["synth", "--layout", layout, "--output", folder];
        project.rebound(&[&fixed[..], &size].concat()).ok();
        bytes.push(
            std::fs::read(project.path().join(folder).join("records/2009.csv")).expect("made"),
        );
    }
    assert!(bytes[0] == bytes[1] && bytes[0] != bytes[2]);
}

#[test]
fn packed_files_hold_the_same_records() {
    for layout in ["china_2002", "china_2007_2011", "brazil_comexstat"] {
        let size = ["--rows", "3000", "--regions", "20", "--products", "60", "--from", "2008"];
        let size = [&size[..], &["--to", "2008"]].concat();
        let plain = nation(layout, &size, "ingest");
        let packed = nation(layout, &[&size[..], &["--pack", "zstd"]].concat(), "ingest");
        let files = |project: &Project| {
            let folder = std::fs::read_dir(project.path().join("made/records")).expect("a folder");
            let mut files: Vec<_> = folder.map(|file| file.expect("a file").path()).collect();
            files.sort();
            files
        };
        let (raw, zst) = (files(&plain), files(&packed));
        assert!(!raw.is_empty() && raw.len() == zst.len(), "{layout}");
        for (raw, zst) in raw.iter().zip(&zst) {
            assert_eq!(zst.file_name(), raw.with_added_extension("zst").file_name());
            let text = std::fs::read(raw).expect("made");
            let bytes = std::fs::read(zst).expect("made");
            assert!(bytes.len() < text.len(), "{layout}: {} of {}", bytes.len(), text.len());
            assert!(zstd::decode_all(&*bytes).expect("zstd") == text, "{layout}");
        }
        let truth = |project: &Project| std::fs::read(project.path().join("made/truth.yaml"));
        assert_eq!(truth(&plain).expect("the truth"), truth(&packed).expect("the truth"));
        let sums = "select sum(n_records), sum(value_records) from customs.reconciliation";
        assert_eq!(plain.sql(sums), packed.sql(sums));
        assert_eq!(packed.sql(sums).len(), 1);
    }
}

#[test]
fn packed_files_have_the_same_bytes_again() {
    let project = Project::new();
    let made = ["a", "b"].map(|folder| {
        let fixed = ["synth", "--layout", "config/layouts/china_2007_2011.yaml", "--rows", "2000"];
        let size = ["--regions", "10", "--products", "40", "--pack", "zstd", "--output", folder];
        project.rebound(&[&fixed[..], &size].concat()).ok();
        let path = project.path().join(folder).join("records/2009.csv.zst");
        std::fs::read(path).expect("made")
    });
    assert!(made[0] == made[1]);
}

#[test]
fn what_cannot_be_made_is_refused() {
    let project = Project::new();
    let synth = |layout: &str, more: &[&str]| {
        let layout = format!("config/layouts/{layout}.yaml");
        let fixed = ["synth", "--layout", &layout, "--output", "made"];
        project.rebound(&[&fixed[..], more].concat())
    };
    synth("australia_state_ahecc8", &[]).fails(2, "layouts with a row an entry only");
    synth("brazil_parana_mun", &[]).fails(2, "delimited text with a header only");
    synth("china_2006", &["--products", "9999"]).fails(2, "fewer than asked for");
    synth("china_2006", &["--regions", "9999"]).fails(2, "fewer than asked for");
    synth("no_such", &[]).fails(2, "failed to read `config/layouts/no_such.yaml`");
    synth("china_2006", &["--pack", "rar"]).fails(2, "[possible values: zstd]");
}

/// Ordinary least squares by the normal equations.
fn least_squares(x: &[[f64; 5]], y: &[f64]) -> [f64; 5] {
    let mut a = [[0.0; 6]; 5];
    for (x, y) in x.iter().zip(y) {
        for i in 0..5 {
            for j in 0..5 {
                a[i][j] += x[i] * x[j];
            }
            a[i][5] += x[i] * y;
        }
    }
    for i in 0..5 {
        for row in i + 1..5 {
            let factor = a[row][i] / a[i][i];
            let pivot = a[i];
            for (cell, p) in a[row].iter_mut().zip(pivot).skip(i) {
                *cell -= factor * p;
            }
        }
    }
    let mut b = [0.0; 5];
    for i in (0..5).rev() {
        let known: f64 = (i + 1..5).map(|j| a[i][j] * b[j]).sum();
        b[i] = (a[i][5] - known) / a[i][i];
    }
    b
}

#[test]
fn the_process_is_found_again_from_the_records() {
    let size = [
        "--rows",
        "60000",
        "--regions",
        "80",
        "--products",
        "300",
        "--from",
        "2008",
        "--to",
        "2011",
    ];
    let project = nation("china_2007_2011", &size, "ingest, aggregate, relatedness");
    let mut cells: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let key_and_rest = |line: &str| -> (String, String) {
        let mut parts = line.splitn(3, ',');
        let key = format!("{},{}", parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        (key, parts.next().unwrap_or_default().to_owned())
    };
    let numbers = |line: &str| -> (String, Vec<f64>) {
        let (key, rest) = key_and_rest(line);
        (key, rest.split(',').map(|n| n.parse().expect("a number")).collect())
    };
    let text = std::fs::read_to_string(project.path().join("made/truth_cells.csv")).expect("made");
    for line in text.lines().skip(1) {
        let (key, values) = numbers(line);
        cells.insert(key, values);
    }
    let found = project.sql(
        "select region_code, product, sum(case when year = 2008 then fob_value end), \
         sum(case when year = 2009 then fob_value end), sum(case when year = 2011 then fob_value end) \
         from trade.region_product_year group by 1, 2 order by 1, 2",
    );
    let entered: BTreeSet<String> = {
        let path = project.path().join("made/truth_entries.csv");
        let text = std::fs::read_to_string(path).expect("made");
        text.lines().skip(1).map(|line| numbers(line).0).collect()
    };
    assert_eq!(found.len(), cells.len() + entered.len());
    let (mut x, mut fall, mut back) = (Vec::new(), Vec::new(), Vec::new());
    for line in &found {
        let (key, rest) = key_and_rest(line);
        if !cells.contains_key(&key) {
            let (in_2008, in_2011) = (rest.starts_with(','), !rest.ends_with(','));
            assert!(in_2008 && in_2011 && entered.contains(&key), "{line}");
            continue;
        }
        let (_, v) = numbers(line);
        // value_2008, density, rebate, foreign, processing, resistance, recovery
        let t = &cells[&key];
        assert!((v[0] - t[0]).abs() < 0.01, "{key}: {} for {}", v[0], t[0]);
        x.push([1.0, t[1], t[2], t[3], t[4]]);
        fall.push((v[1] / v[0]).ln());
        back.push((v[2] / v[1]).ln());
    }
    for (name, y) in [("resistance", &fall), ("recovery", &back)] {
        let b = least_squares(&x, y);
        for (at, key) in
            ["constant", "density", "rebate", "foreign", "processing"].iter().enumerate()
        {
            let expected: f64 = truth(&project, name, key).parse().expect("a number");
            // About four standard errors at this size; regressors that vary little have large ones.
            let tolerance = [0.06, 0.15, 0.8, 0.04, 0.04][at];
            assert!((b[at] - expected).abs() < tolerance, "{name} {key}: {} for {expected}", b[at]);
        }
    }
    // The density the process was made with is the one the pipeline computes.
    let density = project.sql(
        "select d.region_code, d.product, density from space.region_product_year d \
         join trade.region_product_year t on t.region_code = d.region_code and t.product = d.product and t.year = d.year \
         where d.year = 2008",
    );
    assert_eq!(density.len(), cells.len());
    // Who exports what from 2010 on but not in 2008, by the density of the pipeline and the shares of the truth.
    let mut of_region: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    let mut rebates: BTreeMap<String, f64> = BTreeMap::new();
    for (key, t) in &cells {
        let (region, product) = key.split_once(',').expect("two codes");
        let sums = of_region.entry(region.to_owned()).or_default();
        for (sum, share) in sums.iter_mut().zip([1.0, t[3], t[4]]) {
            *sum += share * t[0];
        }
        rebates.insert(product.to_owned(), t[2]);
    }
    let risk = project.sql(
        "select d.region_code, d.product, density, case when t.product is null then 0 else 1 end \
         from space.region_product_year d left join (select distinct region_code, product from trade.region_product_year \
         where year = 2011) t on t.region_code = d.region_code and t.product = d.product where d.year = 2008 and not exists \
         (select 1 from trade.region_product_year b where b.year = 2008 and b.region_code = d.region_code \
         and b.product = d.product) order by 1, 2",
    );
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for line in &risk {
        let (key, v) = numbers(line);
        let (region, product) = key.split_once(',').expect("two codes");
        let [total, foreign, processing] = of_region[region];
        x.push([1.0, v[0], rebates[product], foreign / total, processing / total]);
        y.push(v[1]);
    }
    assert!((y.iter().sum::<f64>() - entered.len() as f64).abs() < 0.5, "every entry is found");
    let b = least_squares(&x, &y);
    for (at, key) in ["constant", "density", "rebate", "foreign", "processing"].iter().enumerate() {
        let expected: f64 = truth(&project, "upgrading", key).parse().expect("a number");
        let tolerance = [0.03, 0.12, 0.5, 0.05, 0.05][at];
        assert!((b[at] - expected).abs() < tolerance, "upgrading {key}: {} for {expected}", b[at]);
    }
    for line in density {
        let (key, v) = numbers(&line);
        assert!((v[0] - cells[&key][1]).abs() < 1e-12, "{key}");
    }
}
