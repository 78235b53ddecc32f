//! How fast intervals are made by bootstrap over products.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};
use resilience::{Bootstrap, Interval, Summands};

const BOOTSTRAP: Bootstrap = Bootstrap { n: 500, level: 0.95, seed: 1 };

/// Numbers of a product: start and end of two stages, and what two benchmarks expect of each.
const WIDTH: usize = 8;

/// `n` products, and their sums.
fn products(n: u32) -> (Summands, [f64; WIDTH]) {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let mut unit = || f64::from(random.next_u32()) / f64::from(u32::MAX);
    let (mut products, mut sums) = (Summands::new(WIDTH), [0.0; WIDTH]);
    for _ in 0..n {
        let base = 1_000.0 * unit();
        let trough = base * (0.5 + 0.5 * unit());
        let end = trough * (1.0 + 0.5 * unit());
        let numbers =
            [base, trough, trough, end, -0.2 * base, -0.25 * base, 0.2 * trough, 0.3 * trough];
        products.push(&numbers);
        sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
    }
    (products, sums)
}

/// Resistance against the first benchmark.
fn index(sums: &[f64]) -> f64 {
    (sums[1] - sums[0] - sums[4]) / sums[4].abs()
}

fn interval(products: &Summands) -> Option<Interval> {
    let mut found = Vec::with_capacity(BOOTSTRAP.n);
    BOOTSTRAP.replicates(products, 0, |sums| found.push(index(sums)));
    BOOTSTRAP.interval(found)
}

fn bootstrap(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bootstrap");
    for n in [300, 3_000] {
        let (products, sums) = products(n);
        let (found, expected) = (interval(&products), index(&sums));
        let holds = |found: Interval| found.low < expected && expected < found.high;
        assert!(found.is_some_and(holds), "{found:?} of {expected}");

        group.throughput(Throughput::Elements(u64::from(n) * BOOTSTRAP.n as u64));
        group.bench_with_input(BenchmarkId::from_parameter(n), &products, |bencher, products| {
            bencher.iter(|| interval(products));
        });
    }
    group.finish();
}

criterion_group!(benches, bootstrap);
criterion_main!(benches);
