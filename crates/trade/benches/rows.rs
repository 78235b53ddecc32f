//! How fast raw rows are read: where their fields are, what the row parser and the coder make of
//! them, and the words that rules look for in firms' names.

#![expect(clippy::expect_used, reason = "the rows are made up here, without faults")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use trade::layout::{
    Codes, Field, FieldSpec, Meaning, Measure, Negative, Origin, ProductFormat, RevisionYears,
    Rule, Unmapped, Zero,
};
use trade::text::Rows;
use trade::{
    Classification, CodedParser, Column, Dialect, Entry, HsRevision, Layout, LeftOut, Money,
    MoneyFormat, NumberFormat, Reject, Rounding, RowBatch, RowParser, RowTexts, Sink,
};

const N_ROWS: u32 = 50_000;
const N_FIRMS: u32 = 3_000;
const N_PLACES: u32 = 300;
const N_PRODUCTS: u32 = 4_000;
const N_COUNTRIES: u32 = 200;

/// Rows that are looked up together, as many as a run does.
const LOOKED_UP: usize = 128;

const DIALECT: Dialect = Dialect { delimiter: b',', quote: Some(b'"'), n_columns: 0 };

const HEADER: [&str; 11] = [
    "date", "flow", "place", "firm", "product", "country", "mode", "kind", "name", "quantity",
    "value",
];

/// Words of the names of trading firms.
const WORDS: [&str; 7] = ["进出口", "贸易", "外贸", "外经", "经贸", "工贸", "科贸"];

const BUSINESSES: [&str; 8] = ["纺织", "机械", "电子", "进出口", "化工", "贸易", "玩具", "食品"];

/// The bit of the rule that looks for [`WORDS`].
const TRADERS: u64 = 1 << 2;

/// Numbers that look random, from a linear congruential generator, and are the same each time.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
        u32::try_from(((self.0 >> 32) * u64::from(n)) >> 32).unwrap_or(0)
    }
}

fn column(name: &str) -> FieldSpec {
    FieldSpec::of(Origin::Column(vec![name.to_owned()]))
}

/// A column of the numbers from `first` to before `end`, and what each stands for.
fn coded_column(name: &str, first: u32, end: u32, code: impl Fn(u32) -> String) -> FieldSpec {
    let always = |number| vec![Meaning::always(&code(number))];
    let by_text = (first..end).map(|number| (number.to_string(), always(number))).collect();
    FieldSpec { codes: Some(Codes { by_text, unmapped: Unmapped::Reject }), ..column(name) }
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The layout of customs records of firms.
fn layout() -> Layout {
    let rule = |name: &str| Rule {
        name: name.to_owned(),
        why: String::new(),
        regions: BTreeSet::new(),
        products: BTreeSet::new(),
        destinations: BTreeSet::new(),
        firm_names: BTreeSet::new(),
        cells: Vec::new(),
    };
    let country = |number: u32| match number {
        142 => "CHN".to_owned(),
        number => format!("C{number}"),
    };
    Layout {
        name: "firms".to_owned(),
        fields: BTreeMap::from([
            (Field::Year, FieldSpec { characters: Some((1, 4)), ..column("date") }),
            (Field::Month, FieldSpec { characters: Some((5, 6)), ..column("date") }),
            (Field::Flow, coded_column("flow", 0, 1, |_| "export".to_owned())),
            (
                Field::Region,
                coded_column("place", 1100, 1100 + N_PLACES, |number| format!("{number}00")),
            ),
            (Field::Product, column("product")),
            (Field::Destination, coded_column("country", 101, 101 + N_COUNTRIES, country)),
            (Field::TradeMode, coded_column("mode", 10, 20, |number| format!("mode {number}"))),
            (Field::Ownership, coded_column("kind", 1, 8, |number| format!("kind {number}"))),
            (Field::Firm, column("firm")),
            (Field::FirmName, column("name")),
            (Field::Quantity, column("quantity")),
            (Field::Value, column("value")),
        ]),
        unpivot: None,
        missing: set(&["", "NA"]),
        money: MoneyFormat {
            numbers: NumberFormat::default(),
            multiplier: 1,
            round: Rounding::Refuse,
        },
        measure: Measure::Money("USD".to_owned()),
        negative: Negative::Reject,
        zero: Zero::Keep,
        product: ProductFormat {
            classification: Arc::new(Classification::hs()),
            digits: Some(8),
            restore_leading_zero: true,
            revisions: vec![RevisionYears {
                first: 2007,
                last: 2011,
                revision: HsRevision::Hs2007,
            }],
        },
        region_names: BTreeMap::new(),
        listed_regions: BTreeSet::new(),
        rules: vec![
            Rule { destinations: set(&["CHN"]), ..rule("returns") },
            Rule { products: set(&["98", "99"]), ..rule("special chapters") },
            Rule { firm_names: set(&WORDS), ..rule("traders") },
        ],
        conditions: Vec::new(),
        years: None,
        empty_value: None,
    }
}

/// The name of a firm, and whether one of [`WORDS`] is in it.
fn name(number: u32, draws: &mut Draws) -> (String, bool) {
    let business = BUSINESSES[draws.below(8) as usize];
    let name = format!("第{number}{business}有限公司");
    let is_trader = WORDS.iter().any(|word| name.contains(word));
    (name, is_trader)
}

/// What rows add up to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Totals {
    n_rows: u32,
    n_traders: u32,
    value: Money,
}

impl Totals {
    fn add(&mut self, n_traders: u32, value: Money) {
        self.n_rows += 1;
        self.n_traders += n_traders;
        self.value += value;
    }
}

impl Sink for Totals {
    fn entry(&mut self, entry: &Entry<'_>) {
        self.add(u32::from(entry.rules & TRADERS != 0), entry.value);
    }

    fn reject(&mut self, reject: Reject) {
        panic!("{reject:?}");
    }

    fn left_out(&mut self, why: LeftOut, n_entries: u64, _: Money) {
        panic!("{why:?}: {n_entries}");
    }

    fn unmapped(&mut self, field: Field, text: &str, _: &str, _: u64, _: Money) {
        panic!("{field} {text:?} has no code");
    }
}

/// Rows month after month, some of a firm one after the other, and what they add up to.
fn rows() -> (String, Totals) {
    let mut draws = Draws(1);
    let firms: Vec<(String, String, bool)> = (0..N_FIRMS)
        .map(|number| {
            let (place, kind) = (1100 + draws.below(N_PLACES), 1 + draws.below(7));
            let (name, is_trader) = name(number, &mut draws);
            (format!("{place}9{kind}{number:04}"), name, is_trader)
        })
        .collect();
    let (mut text, mut totals, mut firm) = (String::new(), Totals::default(), 0);
    for row in 0..N_ROWS {
        if row % 4 == 0 {
            firm = draws.below(N_FIRMS) as usize;
        }
        let (code, name, is_trader) = &firms[firm];
        let (place, kind) = (&code[..4], &code[5..6]);
        let month = row * 12 / N_ROWS + 1;
        let product = draws.below(N_PRODUCTS);
        // A number, which has lost the zero of the chapters before the tenth.
        let product = (1 + product % 97) * 1_000_000 + product * 79 % 10_000 * 100;
        let (country, mode) = (101 + draws.below(N_COUNTRIES), 10 + draws.below(10));
        let (quantity, value) = (1 + draws.below(100_000), 1 + draws.below(10_000_000));
        writeln!(
            text,
            "2008{month:02},0,{place},{code},{product},{country},{mode},{kind},\
             {name},{quantity},{value}",
        )
        .expect("a string");
        totals.add(u32::from(*is_trader), Money::from_hundredths(i128::from(value) * 100));
    }
    (text, totals)
}

/// What a run asks for that keeps neither firms nor units.
fn asked() -> [bool; Column::ALL.len()] {
    Column::ALL
        .map(|column| !matches!(column, Column::Firm | Column::FirmName | Column::QuantityUnit))
}

/// How many fields there are.
fn count_fields(text: &str) -> usize {
    let mut rows = Rows::new(text.as_bytes(), DIALECT, 1);
    let (mut fields, mut n) = (Vec::new(), 0);
    while rows.next_row(&mut fields).is_some() {
        n += fields.len();
        fields.clear();
    }
    n
}

/// Reads row by row.
fn parse(parser: &RowParser<'_>, text: &str) -> Totals {
    let mut rows = Rows::new(text.as_bytes(), DIALECT, 1);
    let (mut fields, mut totals) = (Vec::new(), Totals::default());
    while rows.next_row(&mut fields).is_some() {
        parser.parse(&fields, &mut totals);
        fields.clear();
    }
    totals
}

/// Reads batch by batch.
fn code(coder: &mut CodedParser<'_, '_>, text: &str) -> Totals {
    let mut rows = Rows::new(text.as_bytes(), DIALECT, 1);
    let mut batch = RowBatch::new(&rows);
    let mut totals = Totals::default();
    loop {
        batch.fill(&mut rows, LOOKED_UP);
        if batch.n_rows() == 0 {
            return totals;
        }
        coder.look_up(&batch);
        let entries = coder.batch(&batch).expect("rows without faults");
        for (rules, value) in entries.rules.iter().zip(entries.value) {
            totals.add(u32::from(rules & TRADERS != 0), *value);
        }
    }
}

fn reading(criterion: &mut Criterion) {
    let (text, expected) = rows();
    let layout = layout();
    let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
    assert_eq!(count_fields(&text), N_ROWS as usize * HEADER.len());
    assert_eq!(parse(&parser, &text), expected);
    let mut coder = CodedParser::new(&parser, asked());
    // What is met for the first time is read another way.
    assert_eq!(code(&mut coder, &text), expected);
    assert_eq!(code(&mut coder, &text), expected);

    let mut group = criterion.benchmark_group("rows");
    group.sample_size(20).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("fields", |bencher| bencher.iter(|| count_fields(&text)));
    group.bench_function("row parser", |bencher| bencher.iter(|| parse(&parser, &text)));
    group.bench_function("coder, new texts", |bencher| {
        bencher.iter(|| code(&mut CodedParser::new(&parser, asked()), &text));
    });
    group.bench_function("coder, known texts", |bencher| {
        bencher.iter(|| code(&mut coder, &text));
    });
    group.finish();
}

/// Looks rows up in which nothing differs but the names.
fn words(criterion: &mut Criterion) {
    let mut draws = Draws(2);
    let (mut text, mut n_bytes, mut n_expected) = (String::new(), 0, 0);
    for row in 0..N_ROWS {
        let (name, is_trader) = name(row, &mut draws);
        writeln!(text, "2008,0,1100,85171100,{name},7").expect("a string");
        n_bytes += name.len() as u64;
        n_expected += usize::from(is_trader);
    }
    let mut layout = layout();
    layout.fields.retain(|field, _| Field::REQUIRED.contains(field) || *field == Field::FirmName);
    let header = ["date", "flow", "place", "product", "name", "value"];
    let parser = RowParser::new(&layout, &header).expect("the header fits");
    let mut coder = CodedParser::new(&parser, asked());

    let mut rows = Rows::new(text.as_bytes(), DIALECT, 1);
    let mut batches = Vec::new();
    loop {
        let mut batch = RowBatch::new(&rows);
        batch.fill(&mut rows, LOOKED_UP);
        if batch.n_rows() == 0 {
            break;
        }
        batches.push(batch);
    }
    let mut n_traders = 0;
    for batch in &batches {
        coder.look_up(batch);
        let entries = coder.batch(batch).expect("rows without faults");
        n_traders += entries.rules.iter().filter(|rules| **rules & TRADERS != 0).count();
    }
    assert_eq!(n_traders, n_expected);

    let mut group = criterion.benchmark_group("words");
    group.throughput(Throughput::Bytes(n_bytes));
    group.bench_function("names", |bencher| {
        bencher.iter(|| {
            for batch in &batches {
                coder.look_up(batch);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, reading, words);
criterion_main!(benches);
