//! Real numbers against those of other tools: 113 countries x 785 SITC products, mean of 1998-2000. See
//! SOURCE.md beside the fixtures for tools, versions and conventions.

use crate::support::root;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use space::{
    Diagonal, Exports, Proximity, Rca, RcaRule, Specialization, complexity, density, entropy,
    proximity, rca, related_variety,
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
                assert_eq!(column.null_count(), 0);
                let found = column.as_primitive::<Float64Type>().values();
                numbers.entry(field.name().clone()).or_default().extend(found);
            }
        }
    }
    Table(numbers, texts)
}

fn csv(name: &str) -> Vec<BTreeMap<String, String>> {
    let path = root().join("tests/fixtures/sitc4-country-product").join(name);
    let mut reader = ::csv::Reader::from_path(path).expect("a fixture");
    reader.deserialize().collect::<Result<_, _>>().expect("rows")
}

struct World {
    countries: Vec<String>,
    products: Vec<String>,
    exports: Exports,
    rca: Rca,
    specialization: Specialization,
    proximity: Proximity,
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
        let rca = rca(&exports);
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
        .flat_map(|p| world.proximity.row(p).iter().skip(p + 1))
        .filter(|phi| **phi > 0.0)
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
    let found = complexity(&world.specialization).expect("a connected network");
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
