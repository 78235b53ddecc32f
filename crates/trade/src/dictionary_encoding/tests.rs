use super::*;
use crate::batch::RowBatch;
use crate::classification::{Classification, Hierarchy, TableGroups};
use crate::date::DateForm;
use crate::hs::HsRevision;
use crate::layout::{
    Codes, Condition, Empty, FieldSpec, Layout, Meaning, Measure, Origin, ProductFormat,
    RevisionYears, Rule, Test, Unmapped, Unpivot,
};
use crate::money::{MoneyFormat, Rounding};
use crate::number::NumberFormat;
use crate::text::{Dialect, Rows};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn column(name: &str) -> FieldSpec {
    FieldSpec::of(Origin::Column(vec![name.to_owned()]))
}

fn coded(name: &str, pairs: &[(&str, i32, i32, &str)], unmapped: Unmapped) -> FieldSpec {
    let mut by_text: BTreeMap<String, Vec<Meaning>> = BTreeMap::new();
    for &(text, first, last, code) in pairs {
        let meaning = Meaning { first, last, code: code.to_owned() };
        by_text.entry(text.to_owned()).or_default().push(meaning);
    }
    FieldSpec { codes: Some(Codes { by_text, unmapped }), ..column(name) }
}

const HEADER: [&str; 10] =
    ["date", "flow", "city", "firm", "hs", "country", "mode", "kind", "name", "usd"];

/// All that a field can have: dated codes, fallbacks, parts of texts.
fn fields() -> BTreeMap<Field, FieldSpec> {
    let always = (i32::MIN, i32::MAX);
    BTreeMap::from([
        (Field::Year, FieldSpec { characters: Some((1, 4)), ..column("date") }),
        (Field::Month, FieldSpec { characters: Some((5, 6)), ..column("date") }),
        (
            Field::Flow,
            coded(
                "flow",
                &[("0", always.0, always.1, "export"), ("1", always.0, always.1, "import")],
                Unmapped::Reject,
            ),
        ),
        (
            Field::Region,
            FieldSpec {
                fallback: Some(Box::new(FieldSpec { characters: Some((1, 2)), ..column("firm") })),
                ..coded(
                    "city",
                    &[
                        ("44", 2000, 2008, "GD-old"),
                        ("44", 2009, 2020, "GD"),
                        ("31", always.0, always.1, "SH"),
                    ],
                    Unmapped::First { first: 1, then: "00".to_owned() },
                )
            },
        ),
        (Field::Product, column("hs")),
        (
            Field::Destination,
            coded(
                "country",
                &[("502", always.0, always.1, "USA"), ("142", always.0, always.1, "CHN")],
                Unmapped::Reject,
            ),
        ),
        (
            Field::TradeMode,
            coded(
                "mode",
                &[("1", 2007, 2008, "ordinary"), ("1", 2009, 2011, "processing")],
                Unmapped::Keep,
            ),
        ),
        (
            Field::Ownership,
            FieldSpec {
                fallback: Some(Box::new(FieldSpec {
                    characters: Some((3, 3)),
                    ..coded(
                        "firm",
                        &[("1", always.0, always.1, "state"), ("3", always.0, always.1, "foreign")],
                        Unmapped::Reject,
                    )
                })),
                ..column("kind")
            },
        ),
        (Field::Firm, column("firm")),
        (Field::FirmName, column("name")),
        (Field::Quantity, column("mode")),
        (Field::Value, column("usd")),
    ])
}

/// A layout with such fields, and rules.
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
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
    Layout {
        name: "long".to_owned(),
        fields: fields(),
        unpivot: None,
        missing: BTreeSet::from([String::new(), "NA".to_owned(), "0000".to_owned()]),
        money: MoneyFormat {
            numbers: NumberFormat { thousands: Some(' '), ..NumberFormat::default() },
            multiplier: 1,
            round: Rounding::Refuse,
        },
        measure: Measure::Money("USD".to_owned()),
        negative: Negative::Reject,
        zero: Zero::Skip,
        product: ProductFormat {
            classification: Arc::new(Classification::hs()),
            digits: Some(8),
            restore_leading_zero: true,
            revisions: vec![
                RevisionYears { first: 2007, last: 2008, revision: HsRevision::Hs2007 },
                RevisionYears { first: 2009, last: 2011, revision: HsRevision::Hs2012 },
            ],
        },
        region_names: BTreeMap::new(),
        listed_regions: BTreeSet::new(),
        rules: vec![
            Rule { destinations: set(&["CHN"]), ..rule("returns") },
            Rule { products: set(&["98"]), ..rule("special") },
            Rule { firm_names: set(&["trading"]), regions: set(&["GD", "SH"]), ..rule("traders") },
        ],
        conditions: Vec::new(),
        years: None,
        empty_value: None,
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    is_asked: [bool; Column::ALL.len()],
    entries: Vec<(String, Option<f64>)>,
    rejects: Vec<Reject>,
    left_out: Vec<(LeftOut, u64, Money)>,
    unmapped: Vec<(Field, String, String, u64, Money)>,
    counts: Vec<Counts>,
}

impl Outcome {
    fn new(is_asked: [bool; Column::ALL.len()]) -> Self {
        let (entries, rejects, unmapped) = (Vec::new(), Vec::new(), Vec::new());
        let left_out = Vec::new();
        Self { is_asked, entries, rejects, left_out, unmapped, counts: Vec::new() }
    }

    fn entry(&mut self, numbers: String, texts: [Option<&str>; 11], quantity: Option<f64>) {
        let texts = Column::ALL.map(|at| texts[at as usize].filter(|_| self.is_asked[at as usize]));
        self.entries.push((format!("{numbers} {texts:?}"), quantity));
    }
}

impl Sink for Outcome {
    fn entry(&mut self, e: &Entry<'_>) {
        let numbers = format!(
            "{} {} {} {} {} {:b}",
            e.place,
            e.year,
            e.month.unwrap_or(0),
            e.ownership_is_fallback,
            e.value,
            e.rules
        );
        let texts = [
            Some(&*e.flow),
            Some(&*e.region),
            Some(e.product.as_str()),
            Some(e.product.analysed()),
            e.revision.map(HsRevision::name),
            e.destination.as_deref(),
            e.trade_mode.as_deref(),
            e.ownership.as_deref(),
            e.firm.as_deref(),
            e.firm_name.as_deref(),
            e.quantity_unit.as_deref(),
        ];
        self.entry(numbers, texts, e.quantity);
    }

    fn reject(&mut self, reject: Reject) {
        self.rejects.push(reject);
    }

    fn left_out(&mut self, why: LeftOut, n_entries: u64, value: Money) {
        self.left_out.push((why, n_entries, value));
    }

    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money) {
        self.unmapped.push((field, text.to_owned(), code.to_owned(), n_entries, value));
    }
}

/// Keeps entries as codes until their texts can be asked for.
struct Kept {
    entries: Vec<CodedEntry>,
    outcome: Outcome,
}

impl CodedSink for Kept {
    fn entry(&mut self, entry: &CodedEntry) {
        self.entries.push(*entry);
    }

    fn reject(&mut self, reject: Reject) {
        self.outcome.reject(reject);
    }

    fn left_out(&mut self, why: LeftOut, n_entries: u64, value: Money) {
        self.outcome.left_out(why, n_entries, value);
    }

    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money) {
        self.outcome.unmapped(field, text, code, n_entries, value);
    }
}

/// Reads rows in both ways.
fn read(
    parser: &RowParser<'_>,
    coded: &mut CodedParser<'_, '_>,
    rows: &(impl RowTexts + ?Sized),
    expected: &mut Outcome,
    kept: &mut Kept,
) {
    coded.look_up(rows);
    let n_before = kept.entries.len();
    let as_columns = coded.batch(rows).map(|batch| {
        let row = |at: usize| CodedEntry {
            place: 0,
            year: batch.year[at].cast_signed(),
            month: if batch.month[at] == NO_CODE { 0 } else { batch.month[at] },
            codes: Column::ALL.map(|column| batch.codes[column as usize][at]),
            ownership_is_fallback: batch.ownership_at[at] > 0
                && batch.codes[Column::Ownership as usize][at] != NO_CODE,
            quantity: batch.quantity.get(at).copied().filter(|quantity| !quantity.is_nan()),
            value: batch.value[at],
            rules: batch.rules[at],
        };
        (batch.quantity.is_empty(), (0..rows.n_rows()).map(row).collect::<Vec<_>>())
    });
    for at in 0..rows.n_rows() {
        let counts = parser.parse(&rows.row(at), expected);
        expected.counts.push(counts);
        let counts = coded.parse(at, rows, kept);
        kept.outcome.counts.push(counts);
    }
    // As columns, the same; and only where no row is out of the ordinary.
    if let Some((has_no_quantities, as_columns)) = as_columns {
        let mut alone = kept.entries[n_before..].to_vec();
        if has_no_quantities {
            alone.iter_mut().for_each(|entry| entry.quantity = None);
        }
        assert_eq!(as_columns, alone);
        assert_eq!(as_columns.len(), rows.n_rows());
    }
}

/// How rows are read.
struct Way {
    asks_firms: bool,
    /// As one text, or as rows.
    as_text: bool,
}

fn check(layout: &Layout, header: &[&str], way: Way, batches: &[Vec<Vec<String>>]) {
    let Way { asks_firms, as_text } = way;
    let parser = RowParser::new(layout, header).expect("the header fits");
    let is_asked = Column::ALL.map(|column| {
        asks_firms || !matches!(column, Column::Firm | Column::FirmName | Column::QuantityUnit)
    });
    let mut coded = CodedParser::new(&parser, is_asked);
    let mut expected = Outcome::new(is_asked);
    let mut kept = Kept { entries: Vec::new(), outcome: Outcome::new(is_asked) };
    // All of them twice: what is known from the first time is read another way.
    for batch in batches.iter().chain(batches) {
        if as_text {
            let lines: Vec<String> = batch.iter().map(|row| row.join(";") + "\n").collect();
            let text = lines.concat();
            let mut rows = Rows::new(
                text.as_bytes(),
                Dialect { delimiter: b';', quote: None, n_columns: 0 },
                1,
            );
            let mut texts = RowBatch::new(&rows);
            let mut n_rows = 0;
            loop {
                texts.fill(&mut rows, usize::MAX);
                if texts.n_rows() == 0 {
                    break;
                }
                n_rows += texts.n_rows();
                read(&parser, &mut coded, &texts, &mut expected, &mut kept);
            }
            assert_eq!(n_rows, batch.len());
            continue;
        }
        let rows: Vec<Vec<Cow<'_, [u8]>>> = batch
            .iter()
            .map(|row| row.iter().map(|text| Cow::Borrowed(text.as_bytes())).collect())
            .collect();
        let texts: Vec<&[Cow<'_, [u8]>]> = rows.iter().map(Vec::as_slice).collect();
        read(&parser, &mut coded, &texts[..], &mut expected, &mut kept);
    }
    let Kept { entries, mut outcome } = kept;
    for e in entries {
        let numbers = format!(
            "{} {} {} {} {} {:b}",
            e.place, e.year, e.month, e.ownership_is_fallback, e.value, e.rules
        );
        let texts = Column::ALL.map(|column| {
            let code = e.codes[column as usize];
            (is_asked[column as usize] && code != NO_CODE)
                .then(|| coded.dictionaries().of(column).text(code))
        });
        outcome.entry(numbers, texts, e.quantity);
    }
    assert_eq!(outcome, expected);
}

fn cell(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![
        12 => prop::sample::select(texts).prop_map(str::to_owned),
        1 => prop::sample::select(&["", "NA", " ", "0000", "é", "1,5", "x\u{0}"][..]).prop_map(str::to_owned),
    ]
}

fn row() -> impl Strategy<Value = Vec<String>> {
    let cells = (
        cell(&["200711", "200801", "200912", " 200801 ", "201113", "199901"]),
        cell(&["0", "1", "0.0", "9"]),
        cell(&["44", "31", "44.0", "NA", "77"]),
        cell(&["4413110001", "3113110001", "3113110001.0", "441311000122334455667788", "441"]),
        cell(&["85171100", "1019000", "98010000", "8517.11.00", "85171100.0", "12"]),
        cell(&["502", "142", "502.0", "999"]),
        cell(&["1", "1.0", "5", "0012"]),
        cell(&["NA", "private", "state", "3.0", "3"]),
        cell(&["a firm", "a trading firm of a very long name", "trading"]),
        cell(&["12.5", "7", "0", "-3", "1 000", "1e3", "x", "0.125", "(7.001)", "50-", "1 00"]),
    );
    (cells, 0..40usize).prop_map(|(c, cut)| {
        let mut row = vec![c.0, c.1, c.2, c.3, c.4, c.5, c.6, c.7, c.8, c.9];
        if cut == 0 {
            row.pop();
        }
        row
    })
}

/// Rows that have some of their texts from the row before.
fn batch() -> impl Strategy<Value = Vec<Vec<String>>> {
    let kept = prop_oneof![Just(0_u16), Just(0b01_1111_1110), any::<u16>()];
    let rows = prop::collection::vec((row(), kept), 0..40);
    rows.prop_map(|rows| {
        let mut batch: Vec<Vec<String>> = Vec::new();
        for (mut row, kept) in rows {
            if let Some(before) = batch.last() {
                for (at, (text, before)) in row.iter_mut().zip(before).enumerate() {
                    if kept & 1 << at != 0 {
                        text.clone_from(before);
                    }
                }
            }
            batch.push(row);
        }
        batch
    })
}

/// Has a layout say what is asked of rows, of years, of empty cells and of dates: each bit is one.
fn say_more(layout: &mut Layout, bits: u8) {
    let is_one = |column: &str, texts: &[&str]| Condition {
        column: column.to_owned(),
        test: Test::In(texts.iter().map(|text| (*text).to_owned()).collect()),
    };
    if bits & 1 != 0 {
        layout.years = Some((2008, 2009));
    }
    if bits & 2 != 0 {
        layout.conditions =
            vec![is_one("flow", &["0", "1"]), is_one("kind", &["NA", "state", "3"])];
    }
    if bits & 4 != 0 {
        layout.rules[0].cells = vec![is_one("city", &["44"])];
    }
    if bits & 8 != 0
        && let Some(quantity) = layout.fields.get_mut(&Field::Quantity)
    {
        quantity.empty = Empty::Zero;
    }
    if bits & 16 != 0 {
        let date = DateForm::new("%Y%m").expect("a form");
        for field in [Field::Year, Field::Month] {
            let spec = FieldSpec { date: Some(date.clone()), ..column("date") };
            layout.fields.insert(field, spec);
        }
    }
    if bits & 32 != 0 {
        layout.empty_value = Some(Empty::Missing);
    }
}

/// Texts as they stand, of which a table of groups lists one, if there is a table.
fn of_another_classification(listed: Option<&str>) -> ProductFormat {
    let hierarchy = match listed {
        None => Hierarchy::Flat,
        Some(code) => Hierarchy::Table(BTreeMap::from([(code.to_owned(), TableGroups::default())])),
    };
    let classification =
        Classification { name: "own".to_owned(), hierarchy, ..Classification::hs() };
    ProductFormat {
        classification: Arc::new(classification),
        digits: None,
        restore_leading_zero: false,
        revisions: Vec::new(),
    }
}

proptest! {
    // Codes are another form of the same: nothing is read otherwise than row by row.
    #[test]
    fn codes_say_what_the_row_parser_says(
        batches in prop::collection::vec(batch(), 1..5),
        is_kept in any::<bool>(),
        is_wide in any::<bool>(),
        is_rounded in any::<bool>(),
        asks_firms in any::<bool>(),
        as_text in any::<bool>(),
        more in 0..64_u8,
        other in prop::option::of(any::<bool>()),
    ) {
        let mut layout = layout();
        say_more(&mut layout, more);
        if let Some(has_table) = other {
            layout.product = of_another_classification(has_table.then_some("85171100"));
        }
        if is_kept {
            layout.zero = Zero::Keep;
            layout.negative = Negative::Keep;
        }
        if is_rounded {
            layout.money.round = Rounding::HalfEven;
        }
        if is_wide {
            layout.unpivot = Some(Unpivot {
                field: Field::Destination,
                columns: [("usd", "USA"), ("mode", "CHN")]
                    .map(|(header, code)| (header.to_owned(), code.to_owned()))
                    .to_vec(),
                pattern: None,
            });
            layout.fields.insert(Field::Destination, FieldSpec::of(Origin::Unpivoted));
            layout.fields.remove(&Field::Value);
        }
        check(&layout, &HEADER, Way { asks_firms, as_text }, &batches);
    }
}

/// Looks up rows without quotes, and says which columns are looked up together from then on.
fn joined(coded: &mut CodedParser<'_, '_>, text: &str) -> Vec<Vec<Field>> {
    let mut rows =
        Rows::new(text.as_bytes(), Dialect { delimiter: b';', quote: None, n_columns: 0 }, 1);
    let mut batch = RowBatch::new(&rows);
    batch.fill(&mut rows, usize::MAX);
    coded.look_up(&batch);
    assert_eq!(coded.batch(&batch).map(|batch| batch.value.len()), Some(batch.n_rows()));
    coded.groups.iter().flatten().map(|group| group.fields().to_vec()).collect()
}

#[test]
fn short_columns_side_by_side_are_looked_up_together_as_long_as_that_helps() {
    let layout = layout();
    let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
    let mut coded = CodedParser::new(&parser, [true; Column::ALL.len()]);
    let row = |kind: &str| format!("200801;0;31;3113110001;85171100;502;1;{kind};a firm;7\n");
    let date = vec![Field::Year, Field::Month, Field::Flow];
    let others = vec![Field::Destination, Field::TradeMode, Field::Ownership];
    for _ in 0..300 {
        assert_eq!(joined(&mut coded, &row("st")), [date.clone(), others.clone()]);
    }
    // Texts that are always new, and longer ones.
    let mut found = Vec::new();
    for n in 0..1000 {
        found = joined(&mut coded, &row(&n.to_string()));
    }
    assert_eq!(found, [date]);
}
