//! How fast fixed effects are taken out, and coefficients estimated.

#![expect(clippy::expect_used, reason = "the panel is made up here, and has an estimate")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use estimate::{Factor, Options, Sample, ols};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

const N_ROWS: usize = 200_000;

/// Regions, products and years.
const LEVELS: [u32; 3] = [300, 2_000, 15];

const SLOPES: [f64; 3] = [2.0, -1.0, 0.5];

/// Between -1/2 and 1/2.
fn unit(random: &mut Pcg64Mcg) -> f64 {
    f64::from(random.next_u32()) / f64::from(u32::MAX) - 0.5
}

fn below(random: &mut Pcg64Mcg, n: u32) -> u32 {
    u32::try_from((u64::from(random.next_u32()) * u64::from(n)) >> 32).unwrap_or(0)
}

/// A panel whose outcome has an effect of each level.
fn panel() -> Sample {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let factors = LEVELS.map(|n| Factor {
        of_row: (0..N_ROWS).map(|_| below(&mut random, n)).collect(),
        n_levels: n as usize,
    });
    let of_levels: [Vec<f64>; 3] = LEVELS.map(|n| (0..n).map(|_| unit(&mut random)).collect());
    let regressors: [Vec<f64>; 3] =
        SLOPES.map(|_| (0..N_ROWS).map(|_| unit(&mut random)).collect());
    let outcome = (0..N_ROWS)
        .map(|row| {
            let explained = regressors.iter().zip(SLOPES).map(|(x, slope)| slope * x[row]);
            let effects = factors.iter().zip(&of_levels);
            let effects = effects.map(|(factor, of)| of[factor.of_row[row] as usize]);
            explained.chain(effects).sum::<f64>() + unit(&mut random)
        })
        .collect();
    Sample {
        outcome,
        regressors: Vec::from(regressors),
        factors: Vec::from(factors),
        ..Sample::default()
    }
}

fn estimates(criterion: &mut Criterion) {
    let panel = panel();
    let options = Options::default();
    let mut group = criterion.benchmark_group("estimates");
    group.sample_size(20).throughput(Throughput::Elements(N_ROWS as u64));
    // With one regressor nearly all of the time goes into the effects, without effects none.
    let models = [
        ("two effects, one regressor", 1, &[0, 1][..]),
        ("three effects, one regressor", 1, &[0, 1, 2]),
        ("no effects, three regressors", 3, &[]),
    ];
    for (name, n_regressors, effects) in models {
        let mut sample = Sample { effects: effects.to_vec(), ..panel.clone() };
        sample.regressors.truncate(n_regressors);
        let fit = ols(sample.clone(), &options).expect("a fit");
        assert_eq!(fit.rows.len(), N_ROWS);
        let slopes = fit.coefficients.iter().zip(&fit.kept);
        let slopes: Vec<(f64, f64)> =
            slopes.filter_map(|(found, place)| Some((*found, SLOPES[(*place)?]))).collect();
        assert_eq!(slopes.len(), n_regressors);
        assert!(slopes.iter().all(|(found, slope)| (found - slope).abs() < 0.05), "{slopes:?}");

        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || sample.clone(),
                |sample| ols(sample, &options).expect("a fit"),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, estimates);
criterion_main!(benches);
