//! Estimates against those of other tools on the same rows: pyfixest (and through it fixest's conventions), statsmodels and
//! linearmodels, and the linear-regression sets of NIST. See SOURCE.md beside the fixtures.

use crate::support::root;
use estimate::{
    Correction, Counted, Factor, Family, Fit, Inference, Kernel, Options, Repair, Replicates,
    Sample, WildWeights, glm, ols, wild_bootstrap,
};
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
        levels.extend(self.0.iter().map(|row| (of(row), 0)));
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
    // DIFFERENCE: pyfixest leaves a variance below zero as it is; we repair the covariance then, unless told not to.
    let default = Correction { repair: Repair::Never, ..Correction::default() };
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
    let (mut n_models, mut n_compared) = (0, 0);
    for model in csv("models.csv") {
        let what = key(&model).join(" ");
        let vcov = model["vcov"].as_str();
        let clusters: Vec<&str> = vcov
            .strip_prefix("CRV1(")
            .or(vcov.strip_prefix("CRV3("))
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
            jackknife if jackknife.starts_with("CRV3") => Inference::Jackknife(n_effects),
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
            if found.p[at] > 1e-8 {
                close(found.p[at], number("p"), 1e-5, &what);
            }
            close(found.interval[at].low, number("ci_lo"), 1e-5, &what);
            close(found.interval[at].high, number("ci_hi"), 1e-5, &what);
            n_compared += 1;
        }
        n_models += 1;
    }
    assert_eq!((n_models, n_compared), (238, 786));
}

fn synthetic() -> Data {
    Data(csv("synthetic_panel.csv"))
}

/// Compares standard errors with those of another tool.
fn same(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        close(*found, *expected, tolerance, what);
    }
}

#[test]
fn leverages_count_the_effects_too() {
    // statsmodels 0.14 OLS and WLS with dummies of region and hs6, on the rows without singletons.
    let hc = |weights: &str, formula: &str, inference: Inference| {
        let (sample, _) = synthetic().sample(formula, weights, &[]);
        let fit = ols(sample, &Options::default()).expect("a fit");
        fit.covariance(&inference, Correction::default(), 0.95).expect("a covariance").se
    };
    let formula = "y ~ x1 + x2 + x3 | region + hs6";
    let found = hc("", formula, Inference::Hc2);
    same(
        &found,
        &[0.029_502_035_179_178_55, 0.031_320_449_699_698_535, 0.064_201_807_399_489_14],
        1e-8,
        "HC2",
    );
    let found = hc("", formula, Inference::Hc3);
    same(
        &found,
        &[0.030_358_047_636_369_595, 0.032_068_431_480_824_895, 0.066_190_798_370_018_3],
        1e-8,
        "HC3",
    );
    let found = hc("w", formula, Inference::Hc3);
    same(
        &found,
        &[0.053_041_489_626_708_71, 0.065_253_202_052_630_13, 0.132_970_512_312_328_3],
        1e-8,
        "weighted HC3",
    );
    let found = hc("", "y ~ x1 + x2 + x3", Inference::Hc3);
    let expected = [
        0.044_781_795_940_665_57,
        0.031_594_317_245_083_85,
        0.035_882_785_400_225_56,
        0.082_440_261_242_804_68,
    ];
    same(&found, &expected, 1e-8, "HC3 without effects");
}

#[test]
fn instruments_give_what_pyfixest_gives() {
    // pyfixest 0.60: feols('y ~ x2 | region | x1 ~ x3 + w', CRV1 region), and without effects, iid.
    let data = synthetic();
    let (mut sample, _) = data.sample("y ~ x1 + x2 | region", "", &[]);
    sample.n_endogenous = 1;
    sample.instruments = vec![data.numbers("x3"), data.numbers("w")];
    let fit = ols(sample, &Options::default()).expect("a fit");
    same(&fit.coefficients, &[-2.480_697_609_345_301, -0.202_543_017_759_025_47], 1e-7, "2SLS");
    let found = fit
        .covariance(&Inference::Cluster(vec![0]), Correction::default(), 0.95)
        .expect("a covariance");
    same(&found.se, &[2.470_728_701_781_361_7, 0.047_230_124_691_119_56], 1e-6, "2SLS, clustered");
    let (mut sample, _) = data.sample("y ~ x1 + x2", "", &[]);
    sample.n_endogenous = 1;
    sample.instruments = vec![data.numbers("x3"), data.numbers("w")];
    let fit = ols(sample, &Options::default()).expect("a fit");
    // DIFFERENCE: the endogenous regressor comes first here, the intercept after it.
    let expected = [-0.291_462_435_459_757_1, 0.004_132_387_194_862_055, -0.191_546_504_445_236_77];
    same(&fit.coefficients, &expected, 1e-8, "2SLS without effects");
    let found = fit.covariance(&Inference::Iid, Correction::default(), 0.95).expect("a covariance");
    let expected = [1.331_703_892_124_430_4, 0.156_674_320_492_900_53, 0.033_389_785_515_565_214];
    same(&found.se, &expected, 1e-7, "2SLS without effects, iid");
    close(fit.first_stages[0].f.expect("an F"), 1.106_865_078_317_801_8, 1e-7, "first stage");
}

#[test]
fn logit_and_poisson_without_effects_are_those_of_statsmodels() {
    let data = synthetic();
    let (mut sample, _) = data.sample("y ~ x1 + x2", "", &[]);
    sample.outcome.iter_mut().for_each(|y| *y = f64::from(u8::from(*y > 0.0)));
    let none = Correction { k_adj: false, ..Correction::default() };
    let fit = glm(sample.clone(), Family::Logit, &Options::default()).expect("a fit");
    let found = fit.covariance(&Inference::Iid, none, 0.95).expect("a covariance");
    let expected = [-0.103_889_069_792_788_17, 0.562_057_344_805_758_1, -0.132_744_437_229_131_26];
    same(&fit.coefficients, &expected, 1e-9, "logit");
    let expected = [0.038_699_582_938_802_754, 0.035_775_921_145_323_39, 0.030_352_618_778_093_973];
    same(&found.se, &expected, 1e-7, "logit");
    close(fit.r2, 0.072_213_175_585_863_27, 1e-8, "McFadden's R2");
    // With dummies of the zone there, absorbed here.
    sample.factors = vec![data.factor("zone")];
    sample.effects = vec![0];
    let fit = glm(sample, Family::Logit, &Options::default()).expect("a fit");
    let found = fit.covariance(&Inference::Iid, none, 0.95).expect("a covariance");
    same(
        &fit.coefficients,
        &[0.538_246_007_274_925_4, -0.143_307_717_805_799_62],
        1e-8,
        "logit by zone",
    );
    same(&found.se, &[0.036_136_002_955_401_744, 0.030_823_479_382_131_064], 1e-7, "logit by zone");
    let (sample, _) = data.sample("count ~ x1 + x2", "", &[]);
    let fit = glm(sample, Family::Poisson, &Options::default()).expect("a fit");
    let found = fit.covariance(&Inference::Iid, none, 0.95).expect("a covariance");
    let expected = [0.044_728_469_726_705_51, 0.270_260_546_581_075_7, -0.113_778_238_219_282_55];
    same(&fit.coefficients, &expected, 1e-9, "Poisson");
    let expected = [0.018_652_312_651_655_46, 0.014_703_660_900_236_282, 0.013_330_276_266_421_385];
    same(&found.se, &expected, 1e-7, "Poisson");
    close(fit.deviance.expect("a deviance"), 3_634.973_273_243_241_7, 1e-10, "deviance");
}

#[test]
fn errors_that_hang_together_in_time_or_space() {
    let data = synthetic();
    // statsmodels 0.14: get_robustcov_results('hac-groupsum', maxlags=2, use_correction=False).
    let (sample, _) = data.sample("y ~ x1 + x2 + x3", "", &["year", "region"]);
    let fit = ols(sample, &Options::default()).expect("a fit");
    let none = Correction { k_adj: false, g_adj: false, ..Correction::default() };
    let inference = Inference::DriscollKraay { time: 0, lags: Some(2) };
    let found = fit.covariance(&inference, none, 0.95).expect("a covariance");
    let expected = [
        0.108_516_920_610_694_12,
        0.043_159_214_238_749_41,
        0.014_431_305_946_553_629,
        0.039_622_668_082_109_96,
    ];
    same(&found.se, &expected, 1e-8, "Driscoll-Kraay");
    // Without lags it is the covariance clustered by time.
    let at_once = Inference::DriscollKraay { time: 0, lags: Some(0) };
    let by_time =
        fit.vcov(&Inference::Cluster(vec![0]), Correction::default()).expect("a covariance");
    let at_once = fit.vcov(&at_once, Correction::default()).expect("a covariance");
    same(&at_once.matrix, &by_time.matrix, 1e-12, "no lags");
    // Conley's by numpy from the definition, 40 made-up places, Bartlett to 300 km.
    let points: Vec<[f64; 2]> = (0..40u32)
        .map(|at| [100.0 + 1.3 * f64::from(at % 7), 20.0 + 0.7 * f64::from(at)])
        .collect();
    let km = sources::boundaries::km;
    let distances: Vec<f64> =
        points.iter().flat_map(|a| points.iter().map(move |b| km(*a, *b))).collect();
    let conley = |cutoff_km| Inference::Conley {
        place: 1,
        distances: distances.clone(),
        cutoff_km,
        kernel: Kernel::Bartlett,
    };
    let found = fit.covariance(&conley(300.0), Correction::default(), 0.95).expect("a covariance");
    same(&found.se, &CONLEY, 1e-8, "Conley");
    // With no place near another it is the covariance clustered by place, but for G/(G-1).
    let alone = fit.vcov(&conley(1e-6), none).expect("a covariance");
    let by_place = fit.vcov(&Inference::Cluster(vec![1]), none).expect("a covariance");
    same(&alone.matrix, &by_place.matrix, 1e-12, "places apart");
}

#[test]
fn units_change_errors_by_nothing_but_themselves() {
    // Of this model the variance of x2 is negative by region and year (pyfixest has no error there).
    let errors = |unit: f64, repair: Repair| {
        let formula = "y ~ x1 + x2 + x3 | region + hs6";
        let (mut sample, _) = synthetic().sample(formula, "", &["region", "year"]);
        sample.regressors[1].iter_mut().for_each(|x| *x *= unit);
        let fit = ols(sample, &Options::default()).expect("a fit");
        let correction = Correction { repair, ..Correction::default() };
        fit.covariance(&Inference::Cluster(vec![2, 3]), correction, 0.95).expect("a covariance")
    };
    let never = errors(1.0, Repair::Never);
    let is_negative = never.degenerate.contains(&Some(estimate::Degenerate::Negative));
    for repair in [Repair::Variances, Repair::Psd, Repair::Never] {
        let plain = errors(1.0, repair);
        assert_eq!(
            plain.vcov.is_repaired,
            repair == Repair::Psd || is_negative && repair == Repair::Variances
        );
        for unit in [1e-6, 1e9] {
            let found = errors(unit, repair);
            let expected: Vec<f64> =
                plain.se.iter().zip([1.0, unit, 1.0]).map(|(se, unit)| se / unit).collect();
            same(&found.se, &expected, 1e-8, "in other units");
        }
        if repair == Repair::Variances && !is_negative {
            same(&plain.se, &never.se, 1e-15, "left alone");
        }
    }
}

#[test]
fn a_covariance_with_positive_variances_is_left_alone() {
    // One eigenvalue below zero, all variances above: (1, 1, 1 - 2 * 0.6) on the correlation scale.
    let mut checked = 0;
    let data = synthetic();
    for formula in
        ["y ~ x1 + x2 + x3 | region", "y ~ x1 + x2 + x3 | hs6 + year", "y ~ x1 + x3 | year"]
    {
        for clusters in [["zone", "year"], ["region", "year"], ["zone", "hs6"]] {
            let n_effects =
                formula.split('|').nth(1).map_or(0, |effects| effects.split('+').count());
            let (sample, _) = data.sample(formula, "", &clusters);
            let fit = ols(sample, &Options::default()).expect("a fit");
            let of = |repair| {
                let correction = Correction { repair, ..Correction::default() };
                let ways = Inference::Cluster(vec![n_effects, n_effects + 1]);
                fit.covariance(&ways, correction, 0.95).expect("a covariance")
            };
            let (plain, default, psd) = (of(Repair::Never), of(Repair::Variances), of(Repair::Psd));
            if plain.degenerate.iter().all(Option::is_none) {
                assert_eq!(default.se, plain.se);
                checked += usize::from(psd.vcov.is_repaired);
            } else {
                assert!(default.vcov.is_repaired && psd.vcov.is_repaired);
                assert!(default.se.iter().all(|se| *se > 0.0), "{:?}", default.se);
            }
        }
    }
    assert!(checked > 0, "none had an eigenvalue below zero");
}

#[test]
fn rows_with_a_leverage_of_one_add_nothing_to_errors() {
    // A dummy of one row: HC3 of the others is that without the row.
    let (sample, _) = synthetic().sample("y ~ x1 + x2 | region", "", &[]);
    let n = sample.n_rows();
    let mut with = sample.clone();
    with.regressors.push((0..n).map(|row| f64::from(u8::from(row == 7))).collect());
    let mut without = sample;
    without.retain(&(0..n).map(|row| row != 7).collect::<Vec<_>>());
    for inference in [Inference::Hc2, Inference::Hc3] {
        let of = |sample: &Sample| {
            let fit = ols(sample.clone(), &Options::default()).expect("a fit");
            fit.covariance(&inference, Correction::default(), 0.95).expect("a covariance")
        };
        let (found, expected) = (of(&with), of(&without));
        assert_eq!((found.vcov.n_full_leverage, expected.vcov.n_full_leverage), (1, 0));
        same(&found.se[..2], &expected.se, 1e-8, "without the row");
    }
}

#[test]
fn weights_of_zero_are_no_rows_and_kernels_differ() {
    let data = synthetic();
    let (mut sample, _) = data.sample("y ~ x1 + x2 | region", "w", &["region"]);
    let keep: Vec<bool> = (0..sample.n_rows()).map(|row| row % 3 != 0).collect();
    let mut rest = sample.clone();
    rest.retain(&keep);
    let weights = sample.weights.as_mut().expect("weights");
    weights.iter_mut().zip(&keep).filter(|(_, keep)| !**keep).for_each(|(w, _)| *w = 0.0);
    let n_zero = keep.iter().filter(|keep| !**keep).count();
    let (zero, rest) = (ols(sample, &Options::default()), ols(rest, &Options::default()));
    let (zero, rest) = (zero.expect("a fit"), rest.expect("a fit"));
    assert_eq!((zero.n_zero_weights, rest.n_zero_weights), (n_zero, 0));
    assert_eq!((&zero.coefficients, zero.n_rows()), (&rest.coefficients, rest.n_rows()));
    // All places within the cutoff and one weight for all: the scores of a fit add up to nothing.
    let g = zero.n_clusters(1);
    let conley = |kernel, cutoff_km| Inference::Conley {
        place: 1,
        distances: vec![1.0; g * g],
        cutoff_km,
        kernel,
    };
    let of = |inference: &Inference| {
        zero.covariance(inference, Correction::default(), 0.95).expect("a covariance")
    };
    let all = of(&conley(Kernel::Uniform, 1.0));
    assert!(all.degenerate.iter().all(|why| *why == Some(estimate::Degenerate::Zero)), "{all:?}");
    // Bartlett's weight is nothing at the cutoff: places are alone.
    let none = Correction { k_adj: false, g_adj: false, ..Correction::default() };
    let alone = zero.vcov(&conley(Kernel::Bartlett, 1.0), none).expect("a covariance");
    let by_place = zero.vcov(&Inference::Cluster(vec![1]), none).expect("a covariance");
    same(&alone.matrix, &by_place.matrix, 1e-12, "places apart");
}

#[test]
fn distance_from_zero_costs_no_digits_of_errors() {
    let (sample, _) = synthetic().sample("y ~ x1 + x2 + x3", "w", &["region", "year"]);
    let kinds = [
        Inference::Iid,
        Inference::Hc1,
        Inference::Hc3,
        Inference::Cluster(vec![0]),
        Inference::Cluster(vec![0, 1]),
        Inference::Jackknife(0),
        Inference::DriscollKraay { time: 1, lags: Some(1) },
    ];
    let errors = |shift: f64, kind: &Inference| {
        let mut sample = sample.clone();
        sample.regressors[0].iter_mut().for_each(|x| *x += shift);
        let fit = ols(sample, &Options::default()).expect("a fit");
        fit.covariance(kind, Correction::default(), 0.95).expect("a covariance").se[1..].to_vec()
    };
    for kind in &kinds {
        // A shift that costs x1 itself 6 of its 16 digits.
        same(&errors(1e6, kind), &errors(0.0, kind), 1e-7, &format!("{kind:?}"));
    }
}

#[test]
fn instruments_that_tell_too_little_are_refused_and_exact_ones_are_none() {
    let data = synthetic();
    let (mut sample, _) = data.sample("y ~ x1 + x2 + x3", "", &[]);
    // An endogenous regressor that is its instrument: least squares.
    sample.n_endogenous = 1;
    sample.instruments = vec![sample.regressors[0].clone()];
    let fit = ols(sample.clone(), &Options::default()).expect("a fit");
    let (plain, _) = data.sample("y ~ x1 + x2 + x3", "", &[]);
    let plain = ols(plain, &Options::default()).expect("a fit");
    let by_name = |fit: &Fit| -> BTreeMap<Option<usize>, f64> {
        fit.kept.iter().copied().zip(fit.coefficients.iter().copied()).collect()
    };
    for (name, found) in by_name(&fit) {
        close(found, by_name(&plain)[&name], 1e-9, "an exact first stage");
    }
    assert_eq!(fit.first_stages[0].f, None);
    // Two endogenous regressors whose projections are one.
    let z: Vec<f64> = data.numbers("w");
    sample.n_endogenous = 2;
    let rest = |column: &[f64]| -> Vec<f64> {
        // What neither the intercept, x3 nor the instruments explain.
        let regressors = vec![data.numbers("x3"), z.clone(), data.numbers("year")];
        let of = Sample { outcome: column.to_vec(), regressors, ..Sample::default() };
        ols(of, &Options::default()).expect("a fit").residuals
    };
    for (at, share) in [(0, 1.0), (1, -2.0)] {
        let noise = rest(&sample.regressors[at]);
        sample.regressors[at] = noise.iter().zip(&z).map(|(e, z)| e + share * z).collect();
    }
    sample.instruments = vec![z.clone(), data.numbers("year")];
    let error = ols(sample, &Options::default()).expect_err("not identified");
    assert_eq!(error, estimate::EstimateError::RankCondition { endogenous: 2 });
}

#[test]
fn rows_that_are_predicted_well_are_not_separated() {
    // The index goes from -60 to 60, and outcomes overlap around 0.
    let x: Vec<f64> = (0..400u32).map(|at| f64::from(at) * 0.3 - 60.0).collect();
    let outcome = x.iter().enumerate().map(|(at, x)| {
        f64::from(u8::from(
            *x + 0.3 * f64::from(u32::try_from(at * 7919 % 13).expect("small")) - 1.8 > 0.0,
        ))
    });
    let sample = Sample { outcome: outcome.collect(), regressors: vec![x], ..Sample::default() };
    let fit = glm(sample, Family::Logit, &Options::default()).expect("a fit");
    assert_eq!((fit.n_rows(), fit.n_separated), (400, 0));
    let index = |at: f64| fit.coefficients[0] + fit.coefficients[1] * at;
    assert!(index(60.0).abs() > 21.0, "the index does not go far: {}", index(60.0));
}

#[test]
fn perfect_prediction_is_named() {
    let x: Vec<f64> = (0..40u32).map(f64::from).collect();
    let outcome = x.iter().map(|x| f64::from(u8::from(*x > 19.5))).collect();
    let sample = Sample { outcome, regressors: vec![x], ..Sample::default() };
    let error = glm(sample, Family::Logit, &Options::default()).expect_err("nothing is left");
    assert_eq!(error, estimate::EstimateError::PerfectPrediction);
}

#[test]
fn the_wild_bootstrap_of_few_clusters_tends_to_all_its_samples() {
    // All 2^G Rademacher samples, by numpy with dummies: share of |t| as large as the sample's, null imposed.
    for (cluster, t, p) in [
        (
            "zone",
            [16.525_853_287_671_175, -25.542_935_315_954_708, 1.635_233_214_754_560_7],
            [0.0625, 0.0625, 0.1875],
        ),
        (
            "year",
            [16.177_376_951_980_705, -28.331_722_407_717_97, 1.831_264_425_271_18],
            [0.031_25, 0.031_25, 0.125],
        ),
    ] {
        let (sample, _) = synthetic().sample("y ~ x1 + x2 + x3 | region + hs6", "", &[cluster]);
        let fit = ols(sample, &Options::default()).expect("a fit");
        let replicates = Replicates { n: 20_000, weights: WildWeights::Rademacher, seed: 1 };
        let found = wild_bootstrap(&fit, 2, replicates).expect("results");
        for (at, result) in found.iter().enumerate() {
            close(result.t, t[at], 1e-7, cluster);
            let error = (p[at] * (1.0 - p[at]) / 20_000.0_f64).sqrt();
            assert!(
                (result.p - p[at]).abs() < 4.0 * error,
                "{cluster} {at}: {} is not {}",
                result.p,
                p[at]
            );
        }
    }
}

#[test]
fn certified_values_of_nist_are_met() {
    // NIST StRD, linear regression. Wampler's y is a polynomial of degree 5 in 0..20 plus, in 3 to 5, noise; all coefficients are 1.
    let noise = [
        759.0, -2048.0, 2048.0, -2048.0, 2523.0, -2048.0, 2048.0, -2048.0, 1838.0, -2048.0, 2048.0,
    ];
    let powers: Vec<Vec<f64>> =
        (1..=5).map(|power| (0..21u32).map(|x| f64::from(x).powi(power)).collect()).collect();
    let sds = [
        2_152.326_246_781_70,
        2_363.551_734_696_81,
        779.343_524_331_583,
        101.475_507_550_350,
        5.645_665_121_707_52,
        0.112_324_854_679_312,
    ];
    for (name, size, tolerance) in
        [("Wampler3", 1.0, 1e-9), ("Wampler4", 100.0, 1e-8), ("Wampler5", 10_000.0, 1e-6)]
    {
        let y = (0..21)
            .map(|x| 1.0 + powers.iter().map(|p| p[x]).sum::<f64>() + size * noise[x.min(20 - x)])
            .collect();
        let sample = Sample { outcome: y, regressors: powers.clone(), ..Sample::default() };
        let fit = ols(sample, &Options::default()).expect("a fit");
        same(&fit.coefficients, &[1.0; 6], tolerance, name);
        let found =
            fit.covariance(&Inference::Iid, Correction::default(), 0.95).expect("a covariance");
        same(&found.se, &sds.map(|sd| sd * size), 1e-9, name);
    }
    // Longley (1967).
    let rows: [[f64; 7]; 16] = [
        [60_323.0, 83.0, 234_289.0, 2_356.0, 1_590.0, 107_608.0, 1_947.0],
        [61_122.0, 88.5, 259_426.0, 2_325.0, 1_456.0, 108_632.0, 1_948.0],
        [60_171.0, 88.2, 258_054.0, 3_682.0, 1_616.0, 109_773.0, 1_949.0],
        [61_187.0, 89.5, 284_599.0, 3_351.0, 1_650.0, 110_929.0, 1_950.0],
        [63_221.0, 96.2, 328_975.0, 2_099.0, 3_099.0, 112_075.0, 1_951.0],
        [63_639.0, 98.1, 346_999.0, 1_932.0, 3_594.0, 113_270.0, 1_952.0],
        [64_989.0, 99.0, 365_385.0, 1_870.0, 3_547.0, 115_094.0, 1_953.0],
        [63_761.0, 100.0, 363_112.0, 3_578.0, 3_350.0, 116_219.0, 1_954.0],
        [66_019.0, 101.2, 397_469.0, 2_904.0, 3_048.0, 117_388.0, 1_955.0],
        [67_857.0, 104.6, 419_180.0, 2_822.0, 2_857.0, 118_734.0, 1_956.0],
        [68_169.0, 108.4, 442_769.0, 2_936.0, 2_798.0, 120_445.0, 1_957.0],
        [66_513.0, 110.8, 444_546.0, 4_681.0, 2_637.0, 121_950.0, 1_958.0],
        [68_655.0, 112.6, 482_704.0, 3_813.0, 2_552.0, 123_366.0, 1_959.0],
        [69_564.0, 114.2, 502_601.0, 3_931.0, 2_514.0, 125_368.0, 1_960.0],
        [69_331.0, 115.7, 518_173.0, 4_806.0, 2_572.0, 127_852.0, 1_961.0],
        [70_551.0, 116.9, 554_894.0, 4_007.0, 2_827.0, 130_081.0, 1_962.0],
    ];
    let sample = Sample {
        outcome: rows.iter().map(|row| row[0]).collect(),
        regressors: (1..7).map(|at| rows.iter().map(|row| row[at]).collect()).collect(),
        ..Sample::default()
    };
    let fit = ols(sample, &Options::default()).expect("a fit");
    let expected = [
        -3_482_258.634_595_82,
        15.061_872_271_373_3,
        -0.035_819_179_292_591_0,
        -2.020_229_803_816_83,
        -1.033_226_867_173_59,
        -0.051_104_105_653_580_7,
        1_829.151_464_613_55,
    ];
    same(&fit.coefficients, &expected, 1e-9, "Longley");
    let expected = [
        890_420.383_607_373,
        84.914_925_774_766_9,
        0.033_491_007_772_243_2,
        0.488_399_681_651_699,
        0.214_274_163_161_675,
        0.226_073_200_069_370,
        455.478_499_142_212,
    ];
    let found = fit.covariance(&Inference::Iid, Correction::default(), 0.95).expect("a covariance");
    same(&found.se, &expected, 1e-9, "Longley");
}

#[test]
fn separated_rows_are_left_out_and_change_nothing() {
    // Rows of a dummy whose outcomes are all zero are fitted in the limit only; without them and the dummy, the rest is the same.
    let data = synthetic();
    let (plain, _) = data.sample("count ~ x1 + x2 | region", "", &[]);
    let mut sample = plain.clone();
    let dummy: Vec<f64> = plain
        .outcome
        .iter()
        .enumerate()
        .map(|(at, y)| f64::from(u8::from(*y == 0.0 && at % 5 == 0)))
        .collect();
    let keep: Vec<bool> = dummy.iter().map(|d| *d == 0.0).collect();
    sample.regressors.push(dummy);
    let found = glm(sample, Family::Poisson, &Options::default()).expect("a fit");
    let mut rest = plain;
    rest.retain(&keep);
    let expected = glm(rest, Family::Poisson, &Options::default()).expect("a fit");
    assert_eq!(
        found.n_separated - expected.n_separated,
        keep.iter().filter(|keep| !**keep).count()
    );
    same(&found.coefficients, &expected.coefficients, 1e-8, "separation");
    assert_eq!(found.dropped.len(), 1);
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let (sample, _) =
                synthetic().sample("y ~ x1 + x2 + x3 | region^year + hs6", "w", &["region", "hs6"]);
            let fit = ols(sample, &Options::default()).expect("a fit");
            let inference = Inference::Cluster(vec![2, 3]);
            let found =
                fit.covariance(&inference, Correction::default(), 0.95).expect("a covariance");
            (fit.coefficients.clone(), found.se)
        })
    };
    assert_eq!(fit(1), fit(3));
}

const CONLEY: [f64; 4] =
    [0.14062245561555933, 0.05293764627614311, 0.027385692503625218, 0.08227570230175549];
