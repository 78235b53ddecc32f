//! Real numbers against those of other tools, each under that tool's conventions: 113 countries x 785 SITC products,
//! Spanish provinces, German Laender, and matrices to check by hand. See SOURCE.md beside the fixtures for tools and
//! versions. Where we differ, the test says DIFFERENCE and why.

use crate::support::root;
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use space::complexity::{FitnessParams, Scale, eci_from_pci, fitness, reflections, standardized};
use space::{
    Change, Classes, ComplexityParams, Diagonal, Exports, GainForm, Margin, Measure, Rca, RcaRule,
    Reference, Relatedness, Specialization, change, complexity, concentration, correlation,
    density, entropy, expy, outlook, prody, proximity, rca, related_variety, relatedness,
    specificity,
};
use std::collections::BTreeMap;
use std::fs::File;

struct Table(BTreeMap<String, Vec<f64>>, BTreeMap<String, Vec<String>>);

fn parquet(name: &str) -> Table {
    let path = root().join("tests/fixtures/sitc4-country-product").join(name);
    let file = File::open(path).expect("a fixture");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build();
    let (mut numbers, mut texts): (BTreeMap<_, Vec<f64>>, BTreeMap<_, Vec<String>>) =
        Default::default();
    for batch in reader.expect("a reader") {
        let batch = batch.expect("a batch");
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if field.data_type() == &DataType::Utf8 {
                let found = column.as_string::<i32>().iter().flatten().map(str::to_owned);
                texts.entry(field.name().clone()).or_default().extend(found);
            } else {
                // What a tool leaves undefined is NaN here.
                let column = arrow::compute::cast(column, &DataType::Float64).expect("numbers");
                let found = column.as_primitive::<Float64Type>().iter();
                let found = found.map(|value| value.unwrap_or(f64::NAN));
                numbers.entry(field.name().clone()).or_default().extend(found);
            }
        }
    }
    Table(numbers, texts)
}

fn csv(name: &str) -> Vec<BTreeMap<String, String>> {
    csv_of("sitc4-country-product", name)
}

fn csv_of(folder: &str, name: &str) -> Vec<BTreeMap<String, String>> {
    let path = root().join("tests/fixtures").join(folder).join(name);
    let mut reader = ::csv::Reader::from_path(path).expect("a fixture");
    reader.deserialize().collect::<Result<_, _>>().expect("rows")
}

struct World {
    countries: Vec<String>,
    products: Vec<String>,
    exports: Exports,
    rca: Rca,
    specialization: Specialization,
    proximity: Relatedness,
    cells: Table,
}

impl World {
    /// The cells are a full matrix in the order of countries and products.
    fn new() -> Self {
        let cells = parquet("cells.parquet");
        let unique = |column: &str| {
            let mut found = cells.1[column].clone();
            found.sort();
            found.dedup();
            found
        };
        let (countries, products) = (unique("country"), unique("product"));
        let values = cells.0["value"].clone();
        let exports = Exports::new(countries.len(), products.len(), values).expect("a matrix");
        let rca = rca(&exports, Reference::Own);
        let specialization = Specialization::new(&rca, RcaRule::AtLeast(1.0));
        let proximity = proximity(&specialization);
        Self { countries, products, exports, rca, specialization, proximity, cells }
    }

    fn check(&self, column: &str, scale: f64, tolerance: f64, value: impl Fn(usize, usize) -> f64) {
        let expected = &self.cells.0[column];
        let n = self.products.len();
        let mut n_compared = 0;
        for (at, expected) in expected.iter().enumerate() {
            let found = value(at / n, at % n) * scale;
            let error = (found - expected).abs();
            assert!(
                error <= tolerance * expected.abs().max(1e-3),
                "{column} {at}: {found}, not {expected}"
            );
            n_compared += 1;
        }
        assert_eq!(n_compared, 113 * 785);
    }
}

#[test]
fn rca_is_that_of_py_ecomplexity() {
    let world = World::new();
    world.check("rca", 1.0, 1e-12, |r, p| world.rca.get(r, p).expect("all are active"));
}

#[test]
fn proximity_is_that_of_py_ecomplexity() {
    let world = World::new();
    let expected = parquet("proximity.parquet");
    let at: BTreeMap<&str, usize> =
        world.products.iter().enumerate().map(|(at, code)| (code.as_str(), at)).collect();
    let n_positive = (0..world.products.len())
        .flat_map(|p| world.proximity.row(p).iter().skip(p + 1).copied().collect::<Vec<_>>())
        .filter(|phi| *phi > 0.0)
        .count();
    assert_eq!(n_positive, expected.0["proximity"].len());
    for ((p, q), expected) in
        expected.1["product_1"].iter().zip(&expected.1["product_2"]).zip(&expected.0["proximity"])
    {
        let found = world.proximity.get(at[p.as_str()], at[q.as_str()]);
        assert!((found - expected).abs() < 1e-14, "{p} {q}: {found}, not {expected}");
    }
}

#[test]
fn density_with_the_diagonal_is_that_of_py_ecomplexity() {
    let world = World::new();
    let density = density(&world.specialization, &world.proximity, Diagonal::Included);
    let value = |r, p| density.get(r, p).expect("not isolated");
    world.check("density_py_ecomplexity", 1.0, 1e-12, value);
}

#[test]
fn density_without_the_diagonal_is_that_of_econcomplex() {
    let world = World::new();
    let density = density(&world.specialization, &world.proximity, Diagonal::Excluded);
    let value = |r, p| density.get(r, p).expect("not isolated");
    world.check("density_pct_econcomplex", 100.0, 1e-11, value);
}

#[test]
fn complexity_is_that_of_py_ecomplexity() {
    let world = World::new();
    let found = complexity(&world.specialization, ComplexityParams::PY_ECOMPLEXITY)
        .expect("a connected network");
    let number = |row: &BTreeMap<String, String>, column: &str| -> f64 {
        row[column].parse().expect("a number")
    };
    for row in csv("country.csv") {
        let at = world.countries.iter().position(|c| *c == row["country"]).expect("a country");
        let eci = found.eci[at].expect("active");
        assert!((eci - number(&row, "eci")).abs() < 1e-9, "{}: {eci}", row["country"]);
        assert_eq!(world.specialization.diversity(at).to_string(), row["diversity"]);
    }
    for row in csv("product.csv") {
        let at = world.products.iter().position(|p| *p == row["product"]).expect("a product");
        let pci = found.pci[at].expect("active");
        assert!((pci - number(&row, "pci")).abs() < 1e-9, "{}: {pci}", row["product"]);
        assert_eq!(world.specialization.ubiquity(at).to_string(), row["ubiquity"]);
    }
}

#[test]
fn variety_is_that_of_reks() {
    let world = World::new();
    let groups = |digits: usize| -> Vec<usize> {
        let mut names: Vec<&str> = world.products.iter().map(|p| &p[..digits]).collect();
        let of = names.clone();
        names.dedup();
        of.iter().map(|name| names.iter().position(|n| n == name).expect("a group")).collect()
    };
    let own = groups(4);
    let mut n_compared = 0;
    for row in csv("variety.csv") {
        let at = world.countries.iter().position(|c| *c == row["country"]).expect("a country");
        let coarse = groups(row["group_digits"].parse().expect("digits"));
        let exports = world.exports.row(at);
        let found = [
            ("entropy", entropy(exports, &own)),
            ("related_variety_within", related_variety(exports, &own, &coarse)),
            ("unrelated_variety_between", entropy(exports, &coarse)),
        ];
        for (column, found) in found {
            let expected: f64 = row[column].parse().expect("a number");
            assert!((found.expect("exports") - expected).abs() < 1e-12, "{column}");
            n_compared += 1;
        }
    }
    assert_eq!(n_compared, 2 * 113 * 3);
}

/// `None` if the cell is empty.
fn number(row: &BTreeMap<String, String>, column: &str) -> Option<f64> {
    let text = &row[column];
    (!text.is_empty()).then(|| text.parse().expect("a number"))
}

/// Every row of `rows` that has a number in `column` has the one of `found` at its place among `labels`.
#[track_caller]
fn agree(
    rows: &[BTreeMap<String, String>],
    key: &str,
    labels: &[String],
    column: &str,
    tolerance: f64,
    found: impl Fn(usize) -> Option<f64>,
) {
    let mut n_compared = 0;
    for row in rows {
        let Some(expected) = number(row, column) else { continue };
        let at = labels.iter().position(|label| *label == row[key]).expect("a label");
        let found = found(at).unwrap_or(f64::NAN);
        let error = (found - expected).abs();
        assert!(
            error <= tolerance * expected.abs().max(1.0),
            "{column} of {}: {found}, not {expected}",
            row[key]
        );
        n_compared += 1;
    }
    assert!(n_compared > 15, "{column}: {n_compared} compared");
}

const ECONCOMPLEX: ComplexityParams = ComplexityParams { pci_scale: Scale::Products, ddof: 0 };

#[test]
fn measures_of_relatedness_are_those_of_econgeo_and_py_ecomplexity() {
    let world = World::new();
    let expected = parquet("relatedness.parquet");
    let at: BTreeMap<&str, usize> =
        world.products.iter().enumerate().map(|(at, code)| (code.as_str(), at)).collect();
    let m = &world.specialization;
    let margin = Margin::CoOccurrence;
    let conditional = relatedness(m, Measure::Conditional);
    let found = [
        ("probability", relatedness(m, Measure::Probability(margin))),
        ("association", relatedness(m, Measure::Association(margin))),
        ("cosine", relatedness(m, Measure::Cosine(margin))),
        ("jaccard", relatedness(m, Measure::Jaccard(margin))),
        ("correlation", correlation(&world.rca)),
    ];
    for (row, (p, q)) in expected.1["product_1"].iter().zip(&expected.1["product_2"]).enumerate() {
        let (p, q) = (at[p.as_str()], at[q.as_str()]);
        let close = |name: &str, found: f64| {
            let expected = expected.0[name][row];
            let error = (found - expected).abs();
            assert!(error <= 1e-12 * expected.abs().max(1.0), "{name}: {found}, not {expected}");
        };
        for (name, found) in &found {
            close(name, found.get(p, q));
        }
        // Its entry (i, j) is the co-occurrence over the ubiquity of i: P(j | i).
        close("conditional_12", conditional.get(q, p));
        close("conditional_21", conditional.get(p, q));
    }
    assert!(expected.1["product_1"].len() > 4000);
}

#[test]
fn density_of_each_measure_is_that_of_econgeo() {
    let world = World::new();
    let m = &world.specialization;
    let expected = parquet("more_cells.parquet");
    for (name, measure) in [
        ("prob", Measure::Probability(Margin::CoOccurrence)),
        ("association", Measure::Association(Margin::CoOccurrence)),
        ("cosine", Measure::Cosine(Margin::CoOccurrence)),
        ("jaccard", Measure::Jaccard(Margin::CoOccurrence)),
    ] {
        let found = density(m, &relatedness(m, measure), Diagonal::Excluded);
        let n = world.products.len();
        for (at, expected) in expected.0[&format!("density_{name}_econgeo")].iter().enumerate() {
            // DIFFERENCE: EconGeo rounds to hundredths of a percent.
            let found = found.get(at / n, at % n).expect("related") * 100.0;
            assert!((found - expected / 100.0).abs() <= 0.005 + 1e-9, "{name} {at}: {found}");
        }
    }
}

#[test]
fn threshold_of_a_half_is_that_of_py_ecomplexity() {
    let world = World::new();
    let m = Specialization::new(&world.rca, RcaRule::AtLeast(0.5));
    let found = complexity(&m, ComplexityParams::PY_ECOMPLEXITY).expect("connected");
    let countries = csv("country.csv");
    agree(&countries, "country", &world.countries, "eci_half", 1e-9, |r| found.eci[r]);
    agree(&csv("product.csv"), "product", &world.products, "pci_half", 1e-9, |p| found.pci[p]);
}

#[test]
fn outlook_is_that_of_py_ecomplexity_and_of_econcomplex() {
    let world = World::new();
    let m = &world.specialization;
    let n = world.products.len();
    let cells = parquet("more_cells.parquet");
    let check = |diagonal: Diagonal, params: ComplexityParams, form: GainForm, column: &str| {
        let tolerance = 1e-9;
        let omega = density(m, &world.proximity, diagonal);
        let found = complexity(m, params).expect("connected");
        let pci =
            if params.pci_scale == Scale::Regions { &found.pci_uncentered } else { &found.pci };
        let found = outlook(m, &world.proximity, &omega, diagonal, pci, form);
        for (at, expected) in cells.0[column].iter().enumerate() {
            match found.gain(at / n, at % n) {
                // DIFFERENCE: where a country is specialised, gain is undefined here; the tools write 0.
                None => assert!(expected.is_nan() || expected.abs() < 1e-15, "{column} {at}"),
                Some(gain) => {
                    let error = (gain - expected).abs();
                    assert!(
                        error <= tolerance * expected.abs().max(1.0),
                        "{column} {at}: {gain}, not {expected}"
                    );
                }
            }
        }
        found.coi.into_iter().map(Some).collect::<Vec<_>>()
    };
    let py = check(
        Diagonal::Included,
        ComplexityParams::PY_ECOMPLEXITY,
        GainForm::Nearer,
        "gain_py_ecomplexity",
    );
    let coi = standardized(&py, 0);
    let countries = csv("country.csv");
    agree(&countries, "country", &world.countries, "coi", 1e-9, |r| coi[r]);
    let raw = check(Diagonal::Excluded, ECONCOMPLEX, GainForm::Mean, "gain_econcomplex");
    agree(&countries, "country", &world.countries, "coi_raw", 1e-9, |r| raw[r]);
}

#[test]
fn complexity_by_other_methods_is_that_of_econcomplex_and_datawheel() {
    let world = World::new();
    let m = &world.specialization;
    let (countries, products) = (csv("country.csv"), csv("product.csv"));
    let own = complexity(m, ECONCOMPLEX).expect("connected");
    agree(&products, "product", &world.products, "pci_eigenvector", 1e-9, |p| own.pci[p]);
    let params = FitnessParams { max_iterations: 2000, tolerance: 1e-13 };
    let found = fitness(m, params).expect("regions");
    assert!(found.converged);
    agree(&countries, "country", &world.countries, "fitness_converged", 1e-8, |r| found.fitness[r]);
    // DIFFERENCE: econcomplex goes on from the new fitness at once, so its complexity is one half-step ahead; at
    // the limit the two are the same.
    agree(&products, "product", &world.products, "complexity_converged", 1e-8, |p| {
        found.complexity[p]
    });
    let twenty = reflections(m, 20, 0).expect("spread");
    // DIFFERENCE: the tools keep the large mean in their numbers and lose digits.
    agree(&countries, "country", &world.countries, "eci_reflections", 1e-7, |r| twenty.regions[r]);
    // DIFFERENCE: Datawheel's 20 iterations are 18 steps from diversity.
    let twenty = reflections(m, 18, 1).expect("spread");
    agree(&countries, "country", &world.countries, "eci_reflections_dw", 1e-7, |r| {
        twenty.regions[r]
    });
    // EconGeo's are ranged from 0 to 100, its odd steps the other way round.
    let ranged = |values: &[Option<f64>]| {
        let all: Vec<f64> = values.iter().copied().flatten().collect();
        let low = all.iter().copied().fold(f64::INFINITY, f64::min);
        let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        values.iter().map(|v| v.map(|v| 100.0 * (v - low) / (high - low))).collect::<Vec<_>>()
    };
    let odd = ranged(&reflections(m, 19, 0).expect("spread").regions);
    agree(&countries, "country", &world.countries, "morc_19", 1e-6, |r| odd[r]);
    let even = ranged(&reflections(m, 18, 0).expect("spread").products);
    agree(&products, "product", &world.products, "mort_18", 1e-6, |p| even[p]);
    // DIFFERENCE: EconGeo divides its vector by the sum of it and rounds the matrix to four digits: orders agree.
    let kci: Vec<Option<f64>> = world
        .countries
        .iter()
        .map(|country| {
            let row = countries.iter().find(|row| row["country"] == *country).expect("a row");
            number(row, "kci")
        })
        .collect();
    assert!(space::spearman(&kci, &own.eci).expect("spread").abs() > 0.9999);
}

#[test]
fn concentration_is_that_of_econgeo_and_econcomplex() {
    let world = World::new();
    let countries = csv("country.csv");
    let of = |r: usize| concentration(world.exports.row(r), Classes::Active).expect("exports");
    let all = |r: usize| concentration(world.exports.row(r), Classes::All).expect("exports");
    let world_row = world.exports.product_totals();
    let specific = |r: usize| specificity(world.exports.row(r), world_row).expect("exports");
    let labels = &world.countries;
    agree(&countries, "country", labels, "hhi_econgeo", 1e-12, |r| Some(of(r).hhi));
    agree(&countries, "country", labels, "herfindahl", 1e-12, |r| all(r).hhi_normalized);
    agree(&countries, "country", labels, "krugman_econgeo", 1e-12, |r| Some(specific(r).krugman));
    agree(&countries, "country", labels, "spec_econgeo", 1e-12, |r| Some(specific(r).hoover()));
    agree(&countries, "country", labels, "hachman_econgeo", 1e-12, |r| Some(specific(r).hachman));
    let products = csv("product.csv");
    let column =
        |p: usize| -> Vec<f64> { (0..labels.len()).map(|r| world.exports.get(r, p)).collect() };
    let against = |p: usize| specificity(&column(p), world.exports.region_totals()).expect("trade");
    // DIFFERENCE: EconGeo's locational Gini is half of the area measure; its Hoover index is a percentage of two digits.
    agree(&products, "product", &world.products, "locational_gini", 1e-12, |p| {
        Some(against(p).locational_gini / 2.0)
    });
    agree(&products, "product", &world.products, "hoover_index_vs_total_pct", 1e-3, |p| {
        Some(100.0 * against(p).hoover())
    });
    agree(&products, "product", &world.products, "gini_round3", 6e-4, |p| {
        Some(concentration(&column(p), Classes::All).expect("trade").gini)
    });
}

#[test]
fn prody_and_expy_are_those_of_econgeo() {
    let world = World::new();
    let countries = csv("country.csv");
    let incomes: Vec<Option<f64>> = world
        .countries
        .iter()
        .map(|country| {
            let row = countries.iter().find(|row| row["country"] == *country).expect("a row");
            number(row, "gdp")
        })
        .collect();
    let found = prody(&world.exports, &incomes);
    // DIFFERENCE: EconGeo takes RCA rounded to two digits, over the countries with an income only.
    agree(&csv("product.csv"), "product", &world.products, "prody", 0.02, |p| found[p]);
    let level = expy(&world.exports, &found);
    agree(&countries, "country", &world.countries, "expy", 0.02, |r| {
        incomes[r].and_then(|_| level[r]).map(|expy| expy.value)
    });
}

/// A matrix of `tests/fixtures/tiny-matrices`; empty cells are NaN.
fn tiny(name: &str) -> (usize, Vec<f64>) {
    let path = root().join("tests/fixtures/tiny-matrices").join(format!("{name}.csv"));
    let mut reader = ::csv::Reader::from_path(path).expect("a fixture");
    let mut values = Vec::new();
    let mut n = 0;
    for row in reader.records() {
        let row = row.expect("a row");
        n = row.len() - 1;
        values.extend(row.iter().skip(1).map(|cell| cell.parse::<f64>().unwrap_or(f64::NAN)));
    }
    (n, values)
}

#[test]
fn tiny_matrices_are_those_of_econgeo() {
    let (n, values) = tiny("econgeo_doc_matrix_input");
    let n_regions = values.len() / n;
    let exports = Exports::new(n_regions, n, values).expect("a matrix");
    let lq = rca(&exports, Reference::Own);
    for (at, expected) in tiny("location_quotient").1.iter().enumerate() {
        assert!((lq.get(at / n, at % n).unwrap_or(0.0) - expected).abs() < 1e-12);
    }
    let m = Specialization::new(&lq, RcaRule::AtLeast(1.0));
    let counts = tiny("cooc6_input").1;
    for (name, measure) in [
        ("association", Measure::Association(Margin::CoOccurrence)),
        ("cosine", Measure::Cosine(Margin::CoOccurrence)),
        ("jaccard", Measure::Jaccard(Margin::CoOccurrence)),
        ("prob", Measure::Probability(Margin::CoOccurrence)),
    ] {
        let found = relatedness(&m, measure);
        for (at, expected) in tiny(&format!("relatedness_{name}")).1.iter().enumerate() {
            assert!((found.get(at / n, at % n) - expected).abs() < 1e-12, "{name}");
        }
        let omega = density(&m, &found, Diagonal::Excluded);
        for (at, expected) in
            tiny(&format!("relatedness_density_{name}_round2")).1.iter().enumerate()
        {
            match omega.get(at / n, at % n) {
                None => assert!(expected.is_nan(), "{name} {at}"),
                Some(found) => {
                    assert!((100.0 * found - expected).abs() <= 0.005 + 1e-9, "{name} {at}")
                }
            }
        }
        let six = Relatedness::from_counts(6, &counts, measure).expect("counts");
        for (at, expected) in tiny(&format!("cooc6_relatedness_{name}")).1.iter().enumerate() {
            assert!((six.get(at / 6, at % 6) - expected).abs() < 1e-12, "{name}");
        }
    }
}

#[test]
fn entry_and_exit_are_those_of_econgeo() {
    let of = |name: &str| {
        let (n, values) = tiny(name);
        Specialization::from_fn(values.len() / n, n, |r, p| values[r * n + p] > 0.0)
    };
    let (before, after) = (of("entry_exit_t1_input"), of("entry_exit_t2_input"));
    let n = before.n_products();
    let (entries, exits) = (tiny("entry_mat").1, tiny("exit_mat").1);
    for at in 0..entries.len() {
        let found = change(&[&before], &[&after], at / n, at % n);
        let same = |found: Option<bool>, expected: f64| match found {
            None => expected.is_nan(),
            Some(is_so) => (f64::from(u8::from(is_so)) - expected).abs() < 1e-12,
        };
        assert!(
            same(Change::entry(found), entries[at]) && same(Change::exit(found), exits[at]),
            "{at}"
        );
    }
}

#[test]
fn spanish_provinces_are_those_of_datawheel_and_econcomplex() {
    let rows = csv_of("spain-provinces", "subnational_exports.csv");
    let expected = csv_of("spain-provinces", "region_section.csv");
    let unique = |column: &str| {
        let mut found: Vec<String> = expected.iter().map(|row| row[column].clone()).collect();
        found.sort_by_key(|text| text.parse::<u32>().expect("a number"));
        found.dedup();
        found
    };
    let (regions, sections) = (unique("region"), unique("section"));
    let at = |labels: &[String], text: &str| labels.iter().position(|label| label == text);
    let mut values = vec![0.0; regions.len() * sections.len()];
    for row in &rows {
        // Section 22 is not in the global file and is left out of every result.
        if let (Some(r), Some(s)) = (at(&regions, &row["region"]), at(&sections, &row["section"])) {
            values[r * sections.len() + s] += number(row, "value").expect("a value");
        }
    }
    let exports = Exports::new(regions.len(), sections.len(), values).expect("a matrix");
    let lq = rca(&exports, Reference::Own);
    let m = Specialization::new(&lq, RcaRule::AtLeast(1.0));
    let omega = density(&m, &proximity(&m), Diagonal::Excluded);
    for row in &expected {
        let (r, s) = (
            at(&regions, &row["region"]).expect("a region"),
            at(&sections, &row["section"]).expect("a section"),
        );
        let close = |column: &str, found: f64| {
            let expected = number(row, column).expect("a number");
            assert!(
                (found - expected).abs() <= 1e-10 * expected.abs().max(1.0),
                "{column}: {found}, not {expected}"
            );
        };
        close("rca", lq.get(r, s).unwrap_or(0.0));
        close("relatedness_dw", omega.get(r, s).expect("related"));
        close("density_pct_econcomplex", 100.0 * omega.get(r, s).expect("related"));
    }
    let mut pci = vec![None; sections.len()];
    for row in csv_of("spain-provinces", "global_pci.csv") {
        if let Some(s) = at(&sections, &row["section"]) {
            pci[s] = number(&row, "pci_reflections_dw");
        }
    }
    let mean = eci_from_pci(&m, &pci);
    let table = csv_of("spain-provinces", "region.csv");
    agree(&table, "region", &regions, "subnational_eci_dw", 1e-10, |r| mean[r]);
    let z = standardized(&mean, 0);
    agree(&table, "region", &regions, "subnational_eci_econcomplex", 1e-10, |r| z[r]);
    let own = complexity(&m, ECONCOMPLEX).expect("connected");
    agree(&table, "region", &regions, "eci_eigenvector_econcomplex", 1e-9, |r| own.eci[r]);
    agree(&table, "region", &regions, "krugman", 1e-10, |r| {
        Some(specificity(exports.row(r), exports.product_totals())?.krugman)
    });
    let own: Vec<usize> = (0..sections.len()).collect();
    agree(&table, "region", &regions, "shannon_entropy", 1e-10, |r| entropy(exports.row(r), &own));
    agree(&table, "region", &regions, "herfindahl", 1e-10, |r| {
        concentration(exports.row(r), Classes::All)?.hhi_normalized
    });
}

#[test]
fn german_laender_are_those_of_reat_and_econgeo() {
    let rows = csv_of("regional-panel-germany", "input.csv");
    let unique = |column: &str| {
        let mut found: Vec<String> = rows.iter().map(|row| row[column].clone()).collect();
        found.sort();
        found.dedup();
        found
    };
    let (regions, codes) = (unique("region"), unique("code"));
    let at =
        |labels: &[String], text: &str| labels.iter().position(|l| l == text).expect("a label");
    let of = |rows: Vec<BTreeMap<String, String>>, year: &str| -> Vec<BTreeMap<String, String>> {
        rows.into_iter().filter(|row| row["year"] == year).collect()
    };
    for year in ["2008", "2009", "2011"] {
        let mut values = vec![0.0; regions.len() * codes.len()];
        for row in rows.iter().filter(|row| row["year"] == year) {
            values[at(&regions, &row["region"]) * codes.len() + at(&codes, &row["code"])] =
                number(row, "emp").expect("persons");
        }
        let exports = Exports::new(regions.len(), codes.len(), values).expect("a matrix");
        let lq = rca(&exports, Reference::Own);
        for row in of(csv_of("regional-panel-germany", "location_quotient.csv"), year) {
            let found = lq.get(at(&regions, &row["region"]), at(&codes, &row["code"]));
            let expected = number(&row, "location_quotient").expect("a number");
            assert!((found.expect("active") - expected).abs() < 1e-12);
        }
        let table = of(csv_of("regional-panel-germany", "region_specialization.csv"), year);
        let one = |r: usize| concentration(exports.row(r), Classes::All).expect("persons");
        let two =
            |r: usize| specificity(exports.row(r), exports.product_totals()).expect("persons");
        let key = "region";
        agree(&table, key, &regions, "econgeo_krugman", 1e-12, |r| Some(two(r).krugman));
        agree(&table, key, &regions, "econgeo_hachman", 1e-12, |r| Some(two(r).hachman));
        agree(&table, key, &regions, "reat_hoover_vs_total", 1e-12, |r| Some(two(r).hoover()));
        agree(&table, key, &regions, "reat_herf", 1e-12, |r| Some(one(r).hhi));
        agree(&table, key, &regions, "reat_gini", 1e-12, |r| Some(one(r).gini));
        let mut n_compared = 0;
        for row in of(csv_of("regional-panel-germany", "industry_concentration.csv"), year) {
            let code = at(&codes, &row["code"]);
            let column: Vec<f64> = (0..regions.len()).map(|r| exports.get(r, code)).collect();
            let found = specificity(&column, exports.region_totals()).expect("persons");
            let close = |column: &str, found: f64, tolerance: f64| {
                let expected = number(&row, column).expect("a number");
                assert!((found - expected).abs() <= tolerance, "{column}: {found}, not {expected}");
            };
            close("econgeo_locational_gini", found.locational_gini / 2.0, 1e-12);
            close("econgeo_hoover_index_pct_round2", 100.0 * found.hoover(), 0.005 + 1e-9);
            close("reat_krugman_conc_vs_total", found.krugman, 1e-12);
            // REAT's Gini of concentration is that of location quotients, each Land counting alike.
            let quotients: Vec<f64> =
                (0..regions.len()).map(|r| lq.get(r, code).expect("active")).collect();
            let gini =
                space::spatial::gini(&quotients, &vec![1.0; regions.len()]).expect("above 0");
            close("reat_gini_conc", gini, 1e-12);
            n_compared += 1;
        }
        assert_eq!(n_compared, codes.len());
    }
}
