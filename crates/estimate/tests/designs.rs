//! Random small designs (effects crossed, nested, nearly nested, repeated, falling apart, of one level; clusters in one to three
//! ways; weights, some of them zero; outcomes fitted exactly or separated) against least squares on dummies and closed forms.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::needless_range_loop,
    reason = "plain arithmetic on small designs, beside the code that it checks"
)]

use estimate::{
    Correction, Counted, EstimateError, Factor, Family, Fit, Inference, Options, Repair, Sample,
    WaldTest, glm, ols,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// So many cases, or as many as PROPTEST_CASES says.
fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    let cases = asked.unwrap_or(cases);
    // The same cases each time, unless so many are asked for that others may come.
    let rng_seed = match asked {
        Some(_) => RngSeed::Random,
        None => RngSeed::Fixed(2009),
    };
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

/// How an effect stands to the one before it.
#[derive(Debug, Clone, Copy)]
enum Effect {
    /// Drawn on its own.
    Crossed(u32),
    /// Each level of the one before is in one of these.
    Coarser(u32),
    /// The same, but for one row.
    NearlyCoarser(u32),
    /// The one before under other numbers.
    Same,
    /// Each of these splits the rows of the one before.
    Finer(u32),
    /// Levels of two halves of the rows have nothing in common.
    Apart(u32),
    /// One level.
    Single,
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        (2u32..9).prop_map(Effect::Crossed),
        (1u32..5).prop_map(Effect::Coarser),
        (1u32..5).prop_map(Effect::NearlyCoarser),
        Just(Effect::Same),
        (2u32..4).prop_map(Effect::Finer),
        (1u32..5).prop_map(Effect::Apart),
        Just(Effect::Single),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Noisy,
    /// Without noise.
    Exact,
    /// Far from zero, with little noise.
    Far,
}

#[derive(Debug, Clone)]
struct Design {
    n: usize,
    effects: Vec<Effect>,
    n_clusters: Vec<u32>,
    n_regressors: usize,
    /// The last regressor is a sum of the others and of what the first effect explains.
    has_combination: bool,
    is_weighted: bool,
    outcome: Outcome,
    keeps_singletons: bool,
    seed: u64,
}

fn design() -> impl Strategy<Value = Design> {
    (
        (4usize..50, prop::collection::vec(effect(), 0..4), prop::collection::vec(2u32..9, 1..4)),
        (1usize..4, any::<bool>(), any::<bool>(), any::<bool>(), any::<u64>()),
        prop_oneof![4 => Just(Outcome::Noisy), 1 => Just(Outcome::Exact), 1 => Just(Outcome::Far)],
    )
        .prop_map(|((n, effects, n_clusters), rest, outcome)| {
            let (n_regressors, has_combination, is_weighted, keeps_singletons, seed) = rest;
            Design {
                n,
                effects,
                n_clusters,
                n_regressors,
                has_combination: has_combination && n_regressors > 2,
                is_weighted,
                outcome,
                keeps_singletons,
                seed,
            }
        })
}

fn unit(random: &mut Pcg64Mcg) -> f64 {
    f64::from((random.next_u64() >> 40) as u32) / f64::from(1u32 << 24) - 0.5
}

fn below(random: &mut Pcg64Mcg, n: u32) -> u32 {
    ((random.next_u64() >> 32) % u64::from(n)) as u32
}

fn factor(of_row: Vec<u32>) -> Factor {
    let n_levels = of_row.iter().max().map_or(0, |level| *level as usize + 1);
    let mut factor = Factor { of_row, n_levels };
    factor.compact();
    factor
}

impl Effect {
    /// The level of each row, where those of the effect before are `before`.
    fn levels(self, before: &[u32], random: &mut Pcg64Mcg) -> Vec<u32> {
        let n = before.len();
        let coarser = |random: &mut Pcg64Mcg, k: u32| -> Vec<u32> {
            let of_level: Vec<u32> = (0..64).map(|_| below(random, k)).collect();
            before.iter().map(|&level| of_level[level as usize % 64]).collect()
        };
        match self {
            Self::Crossed(k) => (0..n).map(|_| below(random, k)).collect(),
            Self::Coarser(k) => coarser(random, k),
            Self::NearlyCoarser(k) => {
                let mut levels = coarser(random, k);
                let row = below(random, n as u32) as usize;
                levels[row] = (levels[row] + 1) % (k + 1);
                levels
            }
            Self::Same => before.iter().map(|level| 63 - level % 64).collect(),
            Self::Finer(k) => before.iter().map(|level| level * k + below(random, k)).collect(),
            Self::Apart(k) => {
                (0..n).map(|row| u32::from(row * 2 < n) * k + below(random, k)).collect()
            }
            Self::Single => vec![0; n],
        }
    }
}

impl Design {
    fn sample(&self) -> Sample {
        let mut random = Pcg64Mcg::seed_from_u64(self.seed);
        let n = self.n;
        let mut factors: Vec<Factor> = Vec::new();
        for effect in &self.effects {
            let before = factors.last().map_or_else(|| vec![0; n], |f: &Factor| f.of_row.clone());
            factors.push(factor(effect.levels(&before, &mut random)));
        }
        let n_effects = factors.len();
        let mut regressors: Vec<Vec<f64>> = (0..self.n_regressors)
            .map(|at| {
                // Some vary with the levels of an effect, one of them with nothing else.
                let of_level: Vec<f64> = (0..64).map(|_| unit(&mut random)).collect();
                let within = if at == 1 && random.next_u64() % 4 == 0 { 0.0 } else { 1.0 };
                let by = factors.first().map(|f| f.of_row.clone());
                (0..n)
                    .map(|row| {
                        let level = by.as_ref().map_or(0.0, |by| of_level[by[row] as usize % 64]);
                        level + within * unit(&mut random)
                    })
                    .collect()
            })
            .collect();
        if self.has_combination {
            let last = self.n_regressors - 1;
            for row in 0..n {
                let level = factors.first().map_or(0.0, |f| f64::from(f.of_row[row]));
                regressors[last][row] = regressors[0][row] - 2.0 * regressors[1][row] + level;
            }
        }
        let noise = if self.outcome == Outcome::Exact { 0.0 } else { 1.0 };
        let of_levels: Vec<f64> = (0..64 * n_effects).map(|_| 3.0 * unit(&mut random)).collect();
        let outcome = (0..n)
            .map(|row| {
                let explained: f64 = regressors.iter().map(|x| x[row]).sum();
                let effects: f64 = factors
                    .iter()
                    .enumerate()
                    .map(|(at, f)| of_levels[at * 64 + f.of_row[row] as usize % 64])
                    .sum();
                let far = if self.outcome == Outcome::Far { 1e6 } else { 0.25 };
                far + explained + effects + noise * unit(&mut random)
            })
            .collect();
        for &k in &self.n_clusters {
            factors.push(factor((0..n).map(|_| below(&mut random, k)).collect()));
        }
        let weights =
            self.is_weighted.then(|| {
                (0..n)
                    .map(|_| {
                        if below(&mut random, 9) == 0 { 0.0 } else { 1.1 + 2.0 * unit(&mut random) }
                    })
                    .collect()
            });
        Sample {
            outcome,
            regressors,
            weights,
            factors,
            effects: (0..n_effects).collect(),
            ..Sample::default()
        }
    }

    fn options(&self) -> Options {
        Options { drop_singletons: !self.keeps_singletons, ..Options::default() }
    }
}

/// An orthonormal basis of weighted columns, grown one by one.
#[derive(Default)]
struct Basis(Vec<Vec<f64>>);

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Basis {
    fn rest(&self, column: &[f64]) -> Vec<f64> {
        let mut rest = column.to_vec();
        // Twice is enough (Kahan).
        for _ in 0..3 {
            for b in &self.0 {
                let share = inner(b, &rest);
                rest.iter_mut().zip(b).for_each(|(r, b)| *r -= share * b);
            }
        }
        rest
    }

    /// Adds a column, unless it is a combination; how much of it was new.
    fn add(&mut self, column: &[f64]) -> f64 {
        let rest = self.rest(column);
        let share = (inner(&rest, &rest) / inner(column, column).max(1e-300)).sqrt();
        if share > 1e-7 {
            let length = inner(&rest, &rest).sqrt();
            self.0.push(rest.iter().map(|r| r / length).collect());
        }
        share
    }
}

/// Least squares on dummies: weighted rows, effects out, in the rows that `fit` used.
struct Dummies {
    rank: usize,
    x: Vec<Vec<f64>>,
    residuals: Vec<f64>,
    coefficients: Vec<f64>,
    inverse: Vec<Vec<f64>>,
    n: usize,
}

fn solve(a: &[Vec<f64>], b: &[f64]) -> Option<Vec<f64>> {
    let k = b.len();
    let mut m: Vec<Vec<f64>> =
        a.iter().zip(b).map(|(row, b)| row.iter().copied().chain([*b]).collect()).collect();
    for at in 0..k {
        let best = (at..k).max_by(|i, j| m[*i][at].abs().total_cmp(&m[*j][at].abs()))?;
        m.swap(at, best);
        if m[at][at] == 0.0 {
            return None;
        }
        for row in 0..k {
            if row != at {
                let share = m[row][at] / m[at][at];
                for column in at..=k {
                    m[row][column] -= share * m[at][column];
                }
            }
        }
    }
    Some((0..k).map(|at| m[at][k] / m[at][at]).collect())
}

fn dummies(sample: &Sample, fit: &Fit) -> Dummies {
    let rows: Vec<usize> = fit.rows.iter().map(|&row| row as usize).collect();
    let root = |row: usize| sample.weights.as_ref().map_or(1.0, |w| w[row].sqrt());
    let weighted = |column: &dyn Fn(usize) -> f64| -> Vec<f64> {
        rows.iter().map(|&row| column(row) * root(row)).collect()
    };
    let mut basis = Basis::default();
    if sample.effects.is_empty() {
        basis.add(&weighted(&|_| 1.0));
    }
    for &effect in &sample.effects {
        let factor = &sample.factors[effect];
        for level in 0..factor.n_levels as u32 {
            let column = weighted(&|row| f64::from(u8::from(factor.of_row[row] == level)));
            if column.iter().any(|v| *v != 0.0) {
                basis.add(&column);
            }
        }
    }
    let rank = basis.0.len();
    let kept: Vec<usize> = fit.kept.iter().flatten().copied().collect();
    let x: Vec<Vec<f64>> =
        kept.iter().map(|&at| basis.rest(&weighted(&|row| sample.regressors[at][row]))).collect();
    let y = basis.rest(&weighted(&|row| sample.outcome[row]));
    let cross: Vec<Vec<f64>> = x.iter().map(|a| x.iter().map(|b| inner(a, b)).collect()).collect();
    let target: Vec<f64> = x.iter().map(|a| inner(a, &y)).collect();
    let coefficients = solve(&cross, &target).expect("independent regressors");
    let inverse = (0..kept.len())
        .map(|at| {
            let unit: Vec<f64> = (0..kept.len()).map(|i| f64::from(u8::from(i == at))).collect();
            solve(&cross, &unit).expect("independent regressors")
        })
        .collect();
    let mut residuals = y;
    for (x, b) in x.iter().zip(&coefficients) {
        residuals.iter_mut().zip(x).for_each(|(e, x)| *e -= b * x);
    }
    Dummies { rank, x, residuals, coefficients, inverse, n: rows.len() }
}

impl Dummies {
    fn sandwich(&self, groups: &[u64]) -> Vec<f64> {
        let k = self.x.len();
        let mut of_group: std::collections::BTreeMap<u64, Vec<f64>> = Default::default();
        for (row, &group) in groups.iter().enumerate() {
            let sums = of_group.entry(group).or_insert_with(|| vec![0.0; k]);
            for (sum, x) in sums.iter_mut().zip(&self.x) {
                *sum += x[row] * self.residuals[row];
            }
        }
        (0..k)
            .map(|at| of_group.values().map(|s| inner(&self.inverse[at], s).powi(2)).sum())
            .collect()
    }
}

fn close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs().max(1e-4)
}

/// Whether an error is right: there is nothing to estimate from.
fn is_justified(error: &EstimateError, design: &Design, sample: &Sample) -> bool {
    match error {
        EstimateError::NoRows(_) => !design.keeps_singletons || sample.weights.is_some(),
        // Few rows, or regressors that the effects explain.
        EstimateError::NoDegrees { rows, parameters } => parameters >= rows,
        EstimateError::NoRegressors(_) | EstimateError::ConstantOutcome => true,
        _ => false,
    }
}

fn slopes(fit: &Fit) -> impl Iterator<Item = usize> {
    fit.kept.iter().enumerate().filter(|(_, kept)| kept.is_some()).map(|(at, _)| at)
}

proptest! {
    #![proptest_config(config(5_000))]

    #[test]
    fn least_squares_are_those_of_dummies(design in design()) {
        let sample = design.sample();
        let fit = match ols(sample.clone(), &design.options()) {
            Ok(fit) => fit,
            Err(error) => {
                prop_assert!(is_justified(&error, &design, &sample), "{error}");
                return Ok(());
            }
        };
        let expected = dummies(&sample, &fit);
        let n_zero = sample.weights.as_ref().map_or(0, |w| w.iter().filter(|w| **w == 0.0).count());
        prop_assert_eq!(fit.n_zero_weights, n_zero);
        prop_assert_eq!(fit.n_rows() + fit.n_singletons + n_zero, design.n);
        let at: Vec<usize> = slopes(&fit).collect();
        // Far from zero, doubles have fewer digits left for what varies.
        let least = if design.outcome == Outcome::Far { 1e-2 } else { 0.0 };
        for (place, &at) in at.iter().enumerate() {
            let (found, expected) = (fit.coefficients[at], expected.coefficients[place]);
            let is_close = close(found, expected, 1e-6) || (found - expected).abs() < 1e-6 * least;
            prop_assert!(is_close, "estimate {found} is not {expected}");
        }
        let exact = Correction { k_fixef: Counted::Full, k_exact: true, repair: Repair::Never, ..Correction::default() };
        let k = at.len();
        let n = expected.n as f64;
        match fit.vcov(&Inference::Iid, exact) {
            // The intercept is among the coefficients without effects.
            Ok(vcov) => prop_assert_eq!(vcov.df_k, k + expected.rank),
            Err(error) => prop_assert!(expected.n <= k + expected.rank, "{error}"),
        }
        let plain = Correction { k_adj: false, g_adj: false, repair: Repair::Never, ..Correction::default() };
        let rss = inner(&expected.residuals, &expected.residuals);
        let mut kinds = vec![(Inference::Iid, None), (Inference::Hc1, Some(vec![(0..expected.n as u64).collect()]))];
        let places: Vec<usize> = (design.effects.len()..sample.factors.len()).collect();
        for ways in 1..=places.len() {
            let groups: Vec<Vec<u64>> = (1u32..1 << ways)
                .map(|subset| {
                    fit.rows.iter().map(|&row| {
                        (0..ways).filter(|way| subset >> way & 1 == 1).fold(0, |group, way| {
                            group * 64 + u64::from(sample.factors[places[way]].of_row[row as usize]) + 1
                        })
                    }).collect()
                })
                .collect();
            kinds.push((Inference::Cluster(places[..ways].to_vec()), Some(groups)));
        }
        for (inference, groups) in kinds {
            let found = match fit.covariance(&inference, plain, 0.95) {
                Ok(found) => found,
                Err(EstimateError::NoDegrees { .. } | EstimateError::FewClusters(_)) => continue,
                Err(error) => return Err(TestCaseError::fail(format!("{inference:?}: {error}"))),
            };
            let variances: Vec<f64> = match &groups {
                None => (0..k).map(|at| expected.inverse[at][at] * rss / (n - 1.0)).collect(),
                Some(groups) => {
                    let mut sum = vec![0.0; k];
                    for (subset, groups) in (1u32..).zip(groups) {
                        let sign = if subset.count_ones() % 2 == 1 { 1.0 } else { -1.0 };
                        sum.iter_mut().zip(expected.sandwich(groups)).for_each(|(s, v)| *s += sign * v);
                    }
                    sum
                }
            };
            if let Some(WaldTest { f, p }) = found.wald {
                prop_assert!(f.is_finite() && (0.0..=1.0).contains(&p), "F {f}, p {p}");
            }
            for (place, &at) in at.iter().enumerate() {
                let size = expected.inverse[place][place] * rss / n;
                // iid is (N-1)/N of the mean square: corrections are off.
                let (variance, what) = (variances[place], &inference);
                let is_nothing = variance <= 1e-10 * size || fit.is_exact;
                match found.degenerate[at] {
                    Some(why) => {
                        prop_assert!(is_nothing, "{what:?}: {why}, where the variance is {variance} of {size}");
                        prop_assert!(found.se[at].is_nan() && found.p[at].is_nan());
                    }
                    None if is_nothing => {}
                    None => {
                        let (found, expected) = (found.se[at], variance.sqrt());
                        let tolerance = if variance < 1e-3 * size { 1e-4 } else { 1e-5 };
                        prop_assert!(close(found, expected, tolerance), "{what:?}: {found} is not {expected}");
                    }
                }
            }
        }
        if design.outcome == Outcome::Exact {
            prop_assert!(fit.is_exact, "rss {}", fit.rss);
        }
        if fit.is_exact {
            let found = fit.covariance(&Inference::Hc1, plain, 0.95);
            prop_assert!(found.is_err() || found.is_ok_and(|c| c.wald.is_none() && c.se.iter().all(|se| se.is_nan())));
        }
    }

    #[test]
    fn dropped_regressors_are_what_dummies_explain(design in design()) {
        let sample = design.sample();
        let Ok(fit) = ols(sample.clone(), &design.options()) else { return Ok(()) };
        let rows: Vec<usize> = fit.rows.iter().map(|&row| row as usize).collect();
        let root = |row: usize| sample.weights.as_ref().map_or(1.0, |w| w[row].sqrt());
        let mut basis = Basis::default();
        basis.add(&rows.iter().map(|&row| root(row)).collect::<Vec<_>>());
        for &effect in &sample.effects {
            let factor = &sample.factors[effect];
            for level in 0..factor.n_levels as u32 {
                let column: Vec<f64> = rows
                    .iter()
                    .map(|&row| if factor.of_row[row] == level { root(row) } else { 0.0 })
                    .collect();
                if column.iter().any(|v| *v != 0.0) {
                    basis.add(&column);
                }
            }
        }
        for (at, x) in sample.regressors.iter().enumerate() {
            let column: Vec<f64> = rows.iter().map(|&row| x[row] * root(row)).collect();
            let share = basis.add(&column);
            let is_kept = fit.kept.contains(&Some(at));
            // Between the two the tolerances of both decide.
            if share > 1e-5 {
                prop_assert!(is_kept, "regressor {at} has {share} of its own");
            } else if share < 1e-10 {
                prop_assert!(!is_kept, "regressor {at} has nothing of its own");
            }
        }
    }
}

/// The effects as regressors, before the others, and how many they are.
fn explicit(sample: &Sample) -> (Sample, usize) {
    let mut explicit = Sample { effects: Vec::new(), regressors: Vec::new(), ..sample.clone() };
    for &effect in &sample.effects {
        let factor = &sample.factors[effect];
        for level in 0..factor.n_levels as u32 {
            let dummy = factor.of_row.iter().map(|l| f64::from(u8::from(*l == level)));
            explicit.regressors.push(dummy.collect());
        }
    }
    let n_dummies = explicit.regressors.len();
    explicit.regressors.extend(sample.regressors.iter().cloned());
    (explicit, n_dummies)
}

proptest! {
    #![proptest_config(config(1_500))]

    #[test]
    fn generalised_models_are_those_of_dummies(mut design in design(), is_logit in any::<bool>()) {
        design.outcome = Outcome::Noisy;
        design.n += 20;
        let mut sample = design.sample();
        let mut random = Pcg64Mcg::seed_from_u64(design.seed ^ 1);
        for y in &mut sample.outcome {
            *y = if is_logit {
                f64::from(u8::from(*y + unit(&mut random) > 0.25))
            } else {
                (*y).exp().round()
            };
        }
        let family = if is_logit { Family::Logit } else { Family::Poisson };
        let fit = match glm(sample.clone(), family, &design.options()) {
            Ok(fit) => fit,
            Err(
                EstimateError::PerfectPrediction | EstimateError::NoRows(_) | EstimateError::NoDegrees { .. }
                | EstimateError::NoRegressors(_) | EstimateError::ConstantOutcome,
            ) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        // Of the same rows, so that nothing is separated or alone.
        let mut keep = vec![false; sample.n_rows()];
        fit.rows.iter().for_each(|&row| keep[row as usize] = true);
        let mut rest = sample.clone();
        rest.retain(&keep);
        let (explicit, n_dummies) = explicit(&rest);
        let whole = glm(explicit, family, &design.options());
        let whole = match whole {
            Ok(whole) => whole,
            Err(error) => return Err(TestCaseError::fail(format!("with dummies: {error}"))),
        };
        if whole.n_separated > 0 {
            return Ok(());
        }
        for (found, kept) in fit.coefficients.iter().zip(&fit.kept) {
            let place = kept.map(|at| at + n_dummies);
            let Some(at) = whole.kept.iter().position(|of| *of == place) else {
                prop_assert!(false, "regressor {kept:?} is none with dummies");
                continue;
            };
            let expected = whole.coefficients[at];
            prop_assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{found} is not {expected}");
        }
        prop_assert!(close(fit.deviance.unwrap_or(f64::NAN), whole.deviance.unwrap_or(f64::NAN), 1e-6));
        for inference in [Inference::Iid, Inference::Hc1] {
            let found = fit.covariance(&inference, Correction::default(), 0.95);
            prop_assert!(found.is_ok_and(|c| c.vcov.df_t.is_none()) || fit.n_rows() <= fit.n_absorbed() + fit.coefficients.len());
        }
    }
}
