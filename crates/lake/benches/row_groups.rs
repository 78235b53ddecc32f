//! How fast row groups are written to a lake in memory, and their codes and money read again.

#![expect(clippy::expect_used, reason = "the tables are made up here, and fit")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lake::{
    Cells, Column, Contract, DataFile, Fingerprint, GROUP_ROWS, Kind, Lake, NO_CODE, TableVersion,
};
use tokio::runtime::Runtime;

/// Rows that are read at a time.
const BATCH_ROWS: usize = 16_384;

const CODES: [&str; 3] = ["region_code", "product", "destination"];
const ALL: [&str; 7] =
    ["source_row", "year", "region_code", "product", "destination", "quantity", "fob_value"];

/// Numbers that look random, from a linear congruential generator, and are the same each time.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
        u32::try_from(((self.0 >> 32) * u64::from(n)) >> 32).unwrap_or(0)
    }
}

/// One row group of customs records, by column.
struct Records {
    rows: Vec<i64>,
    regions: Vec<String>,
    region: Vec<u32>,
    products: Vec<String>,
    product: Vec<u32>,
    destinations: Vec<String>,
    destination: Vec<u32>,
    quantity: Vec<f64>,
    value: Vec<i128>,
}

impl Records {
    fn new() -> Self {
        let mut draws = Draws(1);
        let texts = |n: u32, first: u32| -> Vec<String> {
            (first..first + n).map(|number| number.to_string()).collect()
        };
        let mut records = Self {
            rows: (2..).take(GROUP_ROWS).collect(),
            regions: texts(340, 110_000),
            region: Vec::new(),
            products: texts(5_000, 100_000),
            product: Vec::new(),
            destinations: texts(230, 101),
            destination: Vec::new(),
            quantity: Vec::new(),
            value: Vec::new(),
        };
        let mut region = 0;
        for row in 0..GROUP_ROWS {
            // Of a firm some records come one after the other; not all say where to, and how much.
            if row % 4 == 0 {
                region = draws.below(340);
            }
            let destination = draws.below(230);
            let quantity = f64::from(draws.below(1_000_000)) / 8.0;
            records.region.push(region);
            records.product.push(draws.below(5_000));
            records.destination.push(if draws.below(20) == 0 { NO_CODE } else { destination });
            records.quantity.push(if draws.below(10) == 0 { f64::NAN } else { quantity });
            records.value.push(i128::from(draws.below(1_000_000_000)));
        }
        records
    }

    fn cells(&self, column: &str) -> Cells<'_> {
        match column {
            "source_row" => Cells::Counts(&self.rows),
            "year" => Cells::SameInt(2008),
            "region_code" => Cells::Texts(&self.regions, &self.region),
            "product" => Cells::Texts(&self.products, &self.product),
            "destination" => Cells::Texts(&self.destinations, &self.destination),
            "quantity" => Cells::Floats(&self.quantity),
            "fob_value" => Cells::Money(&self.value),
            other => panic!("no cells of `{other}`"),
        }
    }
}

/// The contract of a table of records; a destination and a quantity may be missing.
fn contract() -> Contract {
    let columns = [
        ("source_row", Kind::Count, false),
        ("year", Kind::Int, false),
        ("region_code", Kind::Text, false),
        ("product", Kind::Text, false),
        ("destination", Kind::Text, true),
        ("quantity", Kind::Float, true),
        ("fob_value", Kind::Money, false),
    ];
    let columns = columns.map(|(name, kind, is_nullable)| Column {
        name: name.to_owned(),
        kind,
        is_nullable,
        unit: String::new(),
        about: String::new(),
    });
    Contract {
        table: "customs.records",
        about: "one readable entry of a raw file",
        key: &["source_row"],
        columns: columns.to_vec(),
    }
}

/// A version of the table of records that has `columns` alone, in the order of its contract.
fn version(lake: &Lake, columns: &[&str]) -> TableVersion {
    let mut version = lake.draft(&contract(), "ingest", &Fingerprint::of(b"records"), "now");
    version.columns.retain(|column| columns.contains(&column.name.as_str()));
    version.key.retain(|column| columns.contains(&column.as_str()));
    assert_eq!(version.columns.len(), columns.len());
    version
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

fn write(runtime: &Runtime, lake: &Lake, version: &TableVersion, cells: &[Cells<'_>]) -> DataFile {
    let mut writer = lake.group_writer(version, "one.parquet").expect("a writer");
    writer.add(GROUP_ROWS, cells).expect("encoded");
    runtime.block_on(writer.finish()).expect("written")
}

fn writing(criterion: &mut Criterion) {
    let (runtime, lake) = (runtime(), Lake::open("memory://").expect("a lake"));
    let records = Records::new();
    let mut group = criterion.benchmark_group("group writer");
    group.sample_size(30).throughput(Throughput::Elements(GROUP_ROWS as u64));
    let tables = [
        ("codes", &CODES[..]),
        ("money", &["fob_value"]),
        ("floats", &["quantity"]),
        ("records", &ALL),
    ];
    for (name, columns) in tables {
        let version = version(&lake, columns);
        let cells: Vec<Cells<'_>> = columns.iter().map(|column| records.cells(column)).collect();
        let file = write(&runtime, &lake, &version, &cells);
        assert_eq!(file.rows, GROUP_ROWS as u64);
        group.bench_function(name, |bencher| {
            bencher.iter(|| write(&runtime, &lake, &version, &cells));
        });
    }
    group.finish();
}

/// Reads the columns that a sum of records needs; how many rows there are, and their value.
fn read(runtime: &Runtime, lake: &Lake, version: &TableVersion, file: &DataFile) -> (usize, i128) {
    let columns = ["region_code", "product", "destination", "fob_value"];
    let reader = lake.coded_reader(version, file, &columns);
    let mut reader = runtime.block_on(reader).expect("a reader");
    let (mut n_rows, mut value) = (0, 0);
    loop {
        let n = reader.read(BATCH_ROWS).expect("readable");
        if n == 0 {
            return (n_rows, value);
        }
        n_rows += n;
        value += reader.money(3).iter().sum::<i128>();
    }
}

fn reading(criterion: &mut Criterion) {
    let (runtime, lake) = (runtime(), Lake::open("memory://").expect("a lake"));
    let records = Records::new();
    let version = version(&lake, &ALL);
    let cells: Vec<Cells<'_>> = ALL.iter().map(|column| records.cells(column)).collect();
    let file = write(&runtime, &lake, &version, &cells);
    let expected = (GROUP_ROWS, records.value.iter().sum::<i128>());
    assert_eq!(read(&runtime, &lake, &version, &file), expected);
    let mut reader =
        runtime.block_on(lake.coded_reader(&version, &file, &["product"])).expect("a reader");
    let n = reader.read(BATCH_ROWS).expect("readable");
    for (row, &product) in records.product[..n].iter().enumerate() {
        let code = reader.codes(0).of(row);
        assert_eq!(reader.text(0, code), records.products[product as usize]);
    }

    let mut group = criterion.benchmark_group("coded reader");
    group.sample_size(50).throughput(Throughput::Elements(GROUP_ROWS as u64));
    group.bench_function("records", |bencher| {
        bencher.iter(|| read(&runtime, &lake, &version, &file));
    });
    group.finish();
}

criterion_group!(benches, writing, reading);
criterion_main!(benches);
