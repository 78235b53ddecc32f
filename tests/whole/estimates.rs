//! Estimates against those of other tools on the same rows: pyfixest (and through it fixest's conventions), statsmodels and
//! linearmodels, and the linear-regression sets of NIST. See SOURCE.md beside the fixtures.

use crate::support::root;
use estimate::{Correction, Counted, Factor, Family, Fit, Inference, Options, Sample, glm, ols};
use std::collections::BTreeMap;

type Row = BTreeMap<String, String>;

fn csv(name: &str) -> Vec<Row> {
    let path = root().join("tests/fixtures/hdfe-ols").join(name);
    let mut reader = ::csv::Reader::from_path(path).expect("a fixture");
    reader.deserialize().collect::<Result<_, _>>().expect("rows")
}

/// A table's columns, as numbers or as categories.
struct Data(Vec<Row>);

impl Data {
    fn numbers(&self, name: &str) -> Vec<f64> {
        let mut product = vec![1.0; self.0.len()];
        for part in name.split(':') {
            for (value, row) in product.iter_mut().zip(&self.0) {
                *value *= row[part].parse::<f64>().expect("a number");
            }
        }
        product
    }

    fn factor(&self, name: &str) -> Factor {
        let of = |row: &Row| name.split('^').map(|part| row[part].clone()).collect::<Vec<_>>();
        let mut levels: BTreeMap<Vec<String>, u32> = BTreeMap::new();
        self.0.iter().for_each(|row| drop(levels.insert(of(row), 0)));
        levels.values_mut().zip(0..).for_each(|(level, at)| *level = at);
        let of_row = self.0.iter().map(|row| levels[&of(row)]).collect();
        Factor { of_row, n_levels: levels.len() }
    }

    /// The sample of `y ~ a + b | f + g`, clusters after the effects, and the names of the regressors.
    fn sample(&self, formula: &str, weights: &str, clusters: &[&str]) -> (Sample, Vec<String>) {
        let (outcome, rest) = formula.split_once('~').expect("a formula");
        let (regressors, effects) = rest.split_once('|').unwrap_or((rest, ""));
        let names: Vec<String> = regressors.split('+').map(|name| name.trim().to_owned()).collect();
        let effects: Vec<&str> =
            effects.split('+').map(str::trim).filter(|name| !name.is_empty()).collect();
        let factors: Vec<Factor> =
            effects.iter().chain(clusters).map(|name| self.factor(name)).collect();
        let sample = Sample {
            outcome: self.numbers(outcome.trim()),
            regressors: names.iter().map(|name| self.numbers(name)).collect(),
            weights: (!weights.is_empty()).then(|| self.numbers(weights)),
            factors,
            effects: (0..effects.len()).collect(),
            ..Sample::default()
        };
        (sample, names)
    }
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    if found.is_nan() && expected.is_nan() {
        return;
    }
    let gap = (found - expected).abs() / expected.abs().max(1e-12);
    assert!(gap <= tolerance, "{what}: {found} is not {expected} (off by {gap:.1e})");
}

fn correction(text: &str) -> Correction {
    // DIFFERENCE: pyfixest leaves eigenvalues below zero as they are; fixest and we set them to zero unless told not to.
    let default = Correction { fix_eigenvalues: false, ..Correction::default() };
    match text {
        "default" => default,
        "k_fixef_full" => Correction { k_fixef: Counted::Full, ..default },
        "k_fixef_none" => Correction { k_fixef: Counted::None, ..default },
        "G_df_conventional" => Correction { g_min: false, ..default },
        "no_adj" => Correction { k_adj: false, g_adj: false, ..default },
        other => panic!("unknown correction {other}"),
    }
}

fn term_name(fit: &Fit, at: usize, names: &[String]) -> String {
    fit.kept[at].map_or_else(|| "Intercept".to_owned(), |place| names[place].clone())
}

#[test]
fn every_model_of_pyfixest_is_found_again() {
    let data: BTreeMap<&str, Data> = ["synthetic_panel", "wage_panel"]
        .map(|name| (name, Data(csv(&format!("{name}.csv")))))
        .into();
    let key = |row: &Row| {
        ["tool", "data", "formula", "weights", "vcov", "ssc", "fixef_rm"]
            .map(|name| row[name].clone())
    };
    let mut expected: BTreeMap<_, Vec<Row>> = BTreeMap::new();
    for row in csv("coefficients.csv") {
        expected.entry(key(&row)).or_default().push(row);
    }
    let mut n_compared = 0;
    for model in csv("models.csv") {
        let what = key(&model).join(" ");
        let vcov = model["vcov"].as_str();
        if vcov.starts_with("CRV3") {
            continue;
        }
        let clusters: Vec<&str> = vcov
            .strip_prefix("CRV1(")
            .map(|text| text.trim_end_matches(')').split('+').collect())
            .unwrap_or_default();
        let (sample, names) =
            data[model["data"].as_str()].sample(&model["formula"], &model["weights"], &clusters);
        let n_effects = sample.effects.len();
        let options =
            Options { drop_singletons: model["fixef_rm"] == "singleton", ..Options::default() };
        let is_poisson = model["tool"].ends_with("fepois");
        let fit =
            if is_poisson { glm(sample, Family::Poisson, &options) } else { ols(sample, &options) };
        let fit = fit.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(fit.n_rows().to_string(), model["n_used"], "{what}");
        let inference = match vcov {
            "iid" => Inference::Iid,
            "HC1" => Inference::Hc1,
            _ => Inference::Cluster((n_effects..n_effects + clusters.len()).collect()),
        };
        let found =
            fit.covariance(&inference, correction(&model["ssc"]), 0.95).expect("a covariance");
        assert_eq!(found.vcov.df_k.to_string(), model["df_k"], "{what}");
        if !is_poisson {
            close(fit.r2, model["r2"].parse().expect("a number"), 1e-9, &what);
            close(fit.rmse, model["rmse"].parse().expect("a number"), 1e-9, &what);
            if let (Some(within), Ok(expected)) = (fit.r2_within, model["r2_within"].parse()) {
                close(within, expected, 1e-8, &what);
            }
        }
        let rows = &expected[&key(&model)];
        assert_eq!(rows.len(), fit.coefficients.len(), "{what}");
        let dropped: Vec<&str> = fit.dropped.iter().map(|d| names[d.regressor].as_str()).collect();
        assert_eq!(dropped.join("+"), model["collinear"], "{what}");
        for (at, estimate) in fit.coefficients.iter().enumerate() {
            let name = term_name(&fit, at, &names);
            let row = rows.iter().find(|row| row["term"] == name).expect("a term");
            // A variance below zero has no root.
            let number = |column: &str| row[column].parse::<f64>().unwrap_or(f64::NAN);
            let what = format!("{what} {name}");
            close(*estimate, number("estimate"), 1e-8, &what);
            close(found.se[at], number("se"), 1e-6, &what);
            close(found.t[at], number("t"), 1e-6, &what);
            // DIFFERENCE: pyfixest takes the normal law for some iid and HC1 intervals of Poisson; t of N-K here, too.
            if !is_poisson {
                if found.p[at] > 1e-8 {
                    close(found.p[at], number("p"), 1e-5, &what);
                }
                close(found.interval[at].0, number("ci_lo"), 1e-5, &what);
                close(found.interval[at].1, number("ci_hi"), 1e-5, &what);
            }
            n_compared += 1;
        }
    }
    assert!(n_compared > 500, "{n_compared}");
}
