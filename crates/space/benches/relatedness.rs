//! How fast co-occurrence becomes relatedness, and relatedness density, outlook and all else that is summed of it.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};
use space::{
    Diagonal, Exports, GainForm, Margin, Measure, Specialization, density, outlook, proximity,
    relatedness, sums_around,
};

const N_REGIONS: usize = 300;
const N_PRODUCTS: usize = 3_000;

/// Regions that are each specialised in about an eighth of the products.
fn specialization() -> Specialization {
    let mut random = Pcg64Mcg::seed_from_u64(1);
    let products: Vec<Vec<usize>> = (0..N_REGIONS)
        .map(|_| (0..N_PRODUCTS).filter(|_| random.next_u32() < u32::MAX / 8).collect())
        .collect();
    Specialization::from_rows(N_PRODUCTS, products)
}

/// How many regions are so.
fn count(is_so: impl Fn(usize) -> bool) -> f64 {
    (0..N_REGIONS).map(|region| f64::from(is_so(region))).sum()
}

fn pairs(criterion: &mut Criterion) {
    let specialization = specialization();
    let has = |region, product| specialization.get(region, product);
    let (a, b) = (count(|region| has(region, 0)), count(|region| has(region, 1)));
    let both = count(|region| has(region, 0) && has(region, 1));
    let association = Measure::Association(Margin::Ubiquity);
    let found = proximity(&specialization).get(0, 1);
    assert!((found - both / a.max(b)).abs() < 1e-12, "{found}");
    let found = relatedness(&specialization, association).get(0, 1);
    let n_active = count(|region| specialization.diversity(region) > 0);
    assert!((found - both * n_active / (a * b)).abs() < 1e-12, "{found}");

    let mut group = criterion.benchmark_group("relatedness");
    group.sample_size(20).throughput(Throughput::Elements((N_PRODUCTS * N_PRODUCTS) as u64));
    group.bench_function("proximity", |bencher| bencher.iter(|| proximity(&specialization)));
    group.bench_function("association", |bencher| {
        bencher.iter(|| relatedness(&specialization, association));
    });
    group.finish();
}

fn surroundings(criterion: &mut Criterion) {
    let specialization = specialization();
    let proximity = proximity(&specialization);
    let (region, product) = (N_REGIONS - 1, 7);
    let around = specialization.products(region).iter().map(|&q| proximity.get(product, q));
    let expected = around.sum::<f64>() / proximity.sum(product);
    let found = density(&specialization, &proximity, Diagonal::Excluded).get(region, product);
    assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?}");

    let mut group = criterion.benchmark_group("density");
    group.sample_size(20).throughput(Throughput::Elements((N_REGIONS * N_PRODUCTS) as u64));
    group.bench_function("all regions and products", |bencher| {
        bencher.iter(|| density(&specialization, &proximity, Diagonal::Excluded));
    });
    group.finish();
}

fn all_sums(criterion: &mut Criterion) {
    let specialization = specialization();
    let proximity = proximity(&specialization);
    // A region exports what it is specialised in, and as much again.
    let values = (0..N_REGIONS * N_PRODUCTS).map(|at| {
        let (region, product) = (at / N_PRODUCTS, at % N_PRODUCTS);
        let has = |product| specialization.get(region, product);
        if has(product) || has((product + 1) % N_PRODUCTS) { 1.0 } else { 0.0 }
    });
    let exports = Exports::new(N_REGIONS, N_PRODUCTS, values.collect()).expect("valid");
    let density = density(&specialization, &proximity, Diagonal::Excluded);
    let found = sums_around(&specialization, &exports, &proximity);
    assert_eq!(found.density(&specialization, &proximity, Diagonal::Excluded), density);
    let pci = vec![Some(0.5); N_PRODUCTS];
    let outlook = || {
        let form = GainForm::Nearer;
        outlook(&specialization, &proximity, &density, Diagonal::Excluded, &pci, form)
    };
    assert!(outlook().coi.iter().all(|coi| (0.0..1_500.0).contains(coi)));

    let mut group = criterion.benchmark_group("sums around products");
    group.sample_size(20).throughput(Throughput::Elements((N_REGIONS * N_PRODUCTS) as u64));
    group.bench_function("specialisation, shares and their entropy", |bencher| {
        bencher.iter(|| sums_around(&specialization, &exports, &proximity));
    });
    group.bench_function("outlook", |bencher| bencher.iter(outlook));
    group.finish();
}

criterion_group!(benches, pairs, surroundings, all_sums);
criterion_main!(benches);
