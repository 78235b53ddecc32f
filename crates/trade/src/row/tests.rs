use super::*;
use crate::classification::{Classification, Hierarchy, TableGroups};
use crate::date::DateForm;
use crate::hs::HsRevision;
use crate::layout::{
    Codes, Condition, Empty, Field, FieldSpec, Layout, Meaning, Measure, NamePattern, Negative,
    Origin, ProductFormat, RevisionYears, Rule, Test, Unmapped, Unpivot, Zero,
};
use crate::money::{Money, MoneyFormat, Remainder, Rounding};
use crate::number::NumberFormat;
use crate::pattern::Pattern;
use crate::text::{Dialect, Rows};
use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn column(name: &str) -> FieldSpec {
    FieldSpec::of(Origin::Column(vec![name.to_owned()]))
}

fn layout() -> Layout {
    Layout {
        name: "long".to_owned(),
        fields: BTreeMap::from([
            (Field::Year, FieldSpec { characters: Some((1, 4)), ..column("month") }),
            (Field::Month, FieldSpec { characters: Some((5, 6)), ..column("month") }),
            (
                Field::Flow,
                FieldSpec { codes: Some(Codes::always([("0", "export")])), ..column("flow") },
            ),
            (Field::Region, column("city")),
            (Field::Product, column("hs")),
            (Field::Value, column("usd")),
        ]),
        unpivot: None,
        missing: BTreeSet::from(["NA".to_owned()]),
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
        rules: Vec::new(),
        conditions: Vec::new(),
        years: None,
        empty_value: None,
    }
}

const HEADER: [&str; 5] = ["month", "flow", "city", "hs", "usd"];

/// What became of a row, as text.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<(String, Money)>,
    rejects: Vec<Reject>,
    left_out: Vec<(LeftOut, u64, Money)>,
    unmapped: Vec<String>,
}

impl Sink for Found {
    fn entry(&mut self, e: &Entry<'_>) {
        let mut text = format!(
            "{} {:?} {} {} {} {}",
            e.year,
            e.month,
            e.region,
            e.product.as_str(),
            e.product.analysed(),
            e.value
        );
        if let Some(ownership) = &e.ownership {
            text += if e.ownership_is_fallback { " by fallback " } else { " " };
            text += ownership;
        }
        if e.rules != 0 {
            text = format!("{text} rules {:b}", e.rules);
        }
        self.entries.push((text, e.value));
    }

    fn reject(&mut self, reject: Reject) {
        self.rejects.push(reject);
    }

    fn left_out(&mut self, why: LeftOut, n_entries: u64, value: Money) {
        self.left_out.push((why, n_entries, value));
    }

    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money) {
        self.unmapped.push(format!("{field} {text} -> {code}, {n_entries} of {value}"));
    }
}

fn parse(parser: &RowParser<'_>, row: &[&[u8]]) -> (Found, Counts) {
    let mut found = Found::default();
    let row: Vec<Cow<'_, [u8]>> = row.iter().map(|text| Cow::Borrowed(*text)).collect();
    let counts = parser.parse(&row, &mut found);
    (found, counts)
}

fn check_with(layout: &Layout, header: &[&str], row: &[&str], expected: &str) {
    let parser = RowParser::new(layout, header).expect("the header fits");
    let row: Vec<&[u8]> = row.iter().map(|text| text.as_bytes()).collect();
    let (found, _) = parse(&parser, &row);
    let text = match (&found.entries[..], &found.rejects[..]) {
        ([(text, _)], []) => text.clone(),
        ([], [r]) => format!("{} in {}: {:?}, value {}", r.reason, r.column, r.found, r.value),
        other => format!("{other:?}"),
    };
    let all: Vec<_> = [text].into_iter().chain(found.unmapped).collect();
    assert_eq!(all.join("; "), expected);
}

fn check(row: [&str; 5], expected: &str) {
    check_with(&layout(), &HEADER, &row, expected);
}

#[test]
fn a_row_is_read() {
    check(["200811", "0", "4403", "85171100", "12.5"], "2008 Some(11) 4403 85171100 851711 12.50");
}

#[test]
fn product_codes_are_cleaned() {
    check(["200811", "0", "4403", "1019000", "1"], "2008 Some(11) 4403 01019000 010190 1.00");
    check(["200811", "0", "4403", "0101.90.00", "1"], "2008 Some(11) 4403 01019000 010190 1.00");
    check(["200811", "0", "4403", "85171100.0", "1"], "2008 Some(11) 4403 85171100 851711 1.00");
}

#[test]
fn a_product_that_has_lost_digits_to_an_exponent_is_rejected() {
    for code in ["8.47E+07", "8.47e7", "8.47110e+07"] {
        let expected = format!("invalid_product_code in hs: {code:?}, value 7.00");
        check(["200811", "0", "4403", code, "7"], &expected);
    }
}

#[test]
fn codes_that_a_data_frame_made_numbers_of_are_their_digits() {
    let mut layout = layout();
    for (field, name) in [
        (Field::Destination, "country"),
        (Field::TradeMode, "mode"),
        (Field::Ownership, "type"),
        (Field::Firm, "firm"),
        (Field::FirmName, "name"),
    ] {
        layout.fields.insert(field, column(name));
    }
    layout.missing.insert("00".to_owned());
    let header = ["month", "flow", "city", "hs", "usd", "country", "mode", "type", "firm", "name"];
    let parser = RowParser::new(&layout, &header).expect("the header fits");
    let texts = |tail: &str| {
        let row = ["200811.0", "0.0", "11", "85171100.0", "7", "502", "10", "3", "44039", "12"];
        let row = row.map(|text| format!("{text}{}", if text.contains('.') { "" } else { tail }));
        let row: Vec<Cow<'_, [u8]>> = row.into_iter().map(|t| Cow::Owned(t.into_bytes())).collect();
        let mut codes = CodesOf::default();
        parser.parse(&row, &mut codes);
        codes.0
    };
    assert_eq!(texts(""), ["11", "502", "10", "3", "44039", "12"]);
    // A name stays.
    assert_eq!(texts(".0"), ["11", "502", "10", "3", "44039", "12.0"]);
    assert_eq!(texts(".10"), ["11.10", "502.10", "10.10", "3.10", "44039.10", "12.10"]);
    check_with(
        &layout,
        &header,
        &["200811", "0", "00.0", "85171100", "7", "", "", "", "", ""],
        "missing_value in city: \"\", value 7.00",
    );
}

/// The codes of entries.
#[derive(Default)]
struct CodesOf(Vec<String>);

impl Sink for CodesOf {
    fn entry(&mut self, e: &Entry<'_>) {
        let others = [&e.destination, &e.trade_mode, &e.ownership, &e.firm, &e.firm_name];
        self.0.push(e.region.to_string());
        self.0.extend(others.map(|code| code.as_deref().unwrap_or_default().to_owned()));
    }

    fn reject(&mut self, reject: Reject) {
        self.0.push(reject.reason.to_string());
    }

    fn left_out(&mut self, why: LeftOut, _: u64, _: Money) {
        self.0.push(why.name().to_owned());
    }

    fn unmapped(&mut self, _: Field, _: &str, _: &str, _: u64, _: Money) {}
}

#[test]
fn numbers_have_the_marks_of_the_layout() {
    let mut layout = layout();
    layout.fields.insert(Field::Quantity, column("kg"));
    layout.money.numbers =
        NumberFormat { decimal: ',', thousands: Some('.'), ..layout.money.numbers };
    layout.negative = Negative::Keep;
    let header = ["month", "flow", "city", "hs", "usd", "kg"];
    let parser = RowParser::new(&layout, &header).expect("the header fits");
    for (value, quantity, expected) in [
        ("1.234,5", "2.000", "1234.50 2000"),
        ("(30)", "1,5", "-30.00 1.5"),
        ("12,5-", "0,25", "-12.50 0.25"),
        ("1.23", "1", "wrong_grouping in usd: 1.23"),
        ("1,234.5", "1", "wrong_grouping in usd: 1,234.5"),
        ("1 234", "1", "not_a_number in usd: 1 234"),
        ("5%", "1", "not_a_number in usd: 5%"),
        ("1", "1.5", "invalid_quantity in kg: 1.5"),
        ("1", "1e3", "1.00 1000"),
    ] {
        let row = ["200811", "0", "4403", "85171100", value, quantity];
        let row: Vec<Cow<'_, [u8]>> = row.map(|text| Cow::Borrowed(text.as_bytes())).to_vec();
        let mut found = Numbers(String::new());
        parser.parse(&row, &mut found);
        assert_eq!(found.0, expected);
    }
}

/// Value and quantity of an entry, or why there is none.
struct Numbers(String);

impl Sink for Numbers {
    fn entry(&mut self, e: &Entry<'_>) {
        self.0 = format!("{} {}", e.value, e.quantity.unwrap_or(-1.0));
    }

    fn reject(&mut self, reject: Reject) {
        self.0 = format!("{} in {}: {}", reject.reason, reject.column, reject.found);
    }

    fn left_out(&mut self, why: LeftOut, _: u64, value: Money) {
        self.0 = format!("{} {value}", why.name());
    }

    fn unmapped(&mut self, _: Field, _: &str, _: &str, _: u64, _: Money) {}
}

#[test]
fn what_rounding_takes_is_counted_whatever_becomes_of_the_row() {
    let mut layout = layout();
    layout.money.round = Rounding::HalfEven;
    let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
    let count = |row: [&str; 5]| {
        let (found, counts) = parse(&parser, &row.map(str::as_bytes));
        let n = (found.entries.len(), found.rejects.len());
        (n, counts.value_in.to_string(), counts.rounded.to_string())
    };
    let of = |n, value: &str, rounded: &str| (n, value.to_owned(), rounded.to_owned());
    assert_eq!(count(["200811", "0", "4403", "85171100", "7"]), of((1, 0), "7.00", "0"));
    assert_eq!(count(["200811", "0", "4403", "85171100", "7.125"]), of((1, 0), "7.12", "0.005"));
    assert_eq!(count(["200811", "0", "4403", "85", "7.126"]), of((0, 1), "7.13", "-0.004"));
    assert_eq!(count(["200811", "0", "4403", "85171100", "-7.126"]), of((0, 1), "-7.13", "0.004"));
    layout.zero = Zero::Skip;
    let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
    let (found, counts) =
        parse(&parser, &["200811", "0", "4403", "85171100", "0.004"].map(str::as_bytes));
    assert!(found.entries.is_empty() && found.rejects.is_empty());
    assert_eq!((counts.n_empty, counts.rounded.to_string()), (1, "0.004".to_owned()));
    assert_ne!(counts.rounded, Remainder::ZERO);
    assert!(
        RejectReason::TooPrecise.remedy().is_some_and(|remedy| remedy.contains("round: half_even"))
    );
}

#[test]
fn faults_have_their_reason_and_keep_their_value() {
    check(["200813", "0", "4403", "85171100", "7"], "invalid_month in month: \"13\", value 7.00");
    check(["x", "0", "4403", "85171100", "7"], "invalid_year in month: \"x\", value 7.00");
    check(["200811", "9", "4403", "85171100", "7"], "unmapped_code in flow: \"9\", value 7.00");
    check(["200811", "0", "", "85171100", "7"], "missing_value in city: \"\", value 7.00");
    check(["200811", "0", "NA", "85171100", "7"], "missing_value in city: \"\", value 7.00");
    check(["200811", "0", "4403", "85", "7"], "invalid_product_code in hs: \"85\", value 7.00");
    check(
        ["199911", "0", "4403", "85171100", "7"],
        "no_hs_revision in month: \"1999\", value 7.00",
    );
    check(
        ["200811", "0", "4403", "85171100", "-7"],
        "negative_value in usd: \"-7.00\", value -7.00",
    );
    check(["200811", "0", "4403", "85171100", "x"], "not_a_number in usd: \"x\", value 0.00");
    check(
        ["200811", "0", "4403", "85171100", "0.001"],
        "too_many_decimals in usd: \"0.001\", value 0.00",
    );
    check(["200811", "0", "4403", "85171100", ""], "missing_value in usd: \"\", value 0.00");
}

#[test]
fn regions_that_the_layout_does_not_name_are_counted() {
    let row = |city: &'static str| ["200811", "0", city, "85171100", "7"];
    let read = |city: &str| format!("2008 Some(11) {city} 85171100 851711 7.00");
    check(row("4430"), &read("4430"));
    let mut named = layout();
    named.listed_regions.insert("4403".to_owned());
    check_with(&named, &HEADER, &row("4403"), &read("4403"));
    let counted = format!("{}; region 4430 -> 4430, 1 of 7.00", read("4430"));
    check_with(&named, &HEADER, &row("4430"), &counted);
    check_with(&named, &HEADER, &row("4403.0"), &read("4403"));
    let counted = format!("{}; region 4430.0 -> 4430, 1 of 7.00", read("4430"));
    check_with(&named, &HEADER, &row("4430.0"), &counted);
}

#[test]
fn codes_have_their_years_and_the_unknown_ones_are_counted() {
    let mut layout = layout();
    let codes = |unmapped| Codes {
        by_text: BTreeMap::from([
            ("4403".to_owned(), vec![Meaning { last: 2008, ..Meaning::always("440300") }]),
            ("502".to_owned(), vec![Meaning::always("USA")]),
        ]),
        unmapped,
    };
    let mut set = |unmapped| {
        let spec = FieldSpec { codes: Some(codes(unmapped)), ..column("city") };
        layout.fields.insert(Field::Region, spec);
        layout.clone()
    };
    let row = |date: &'static str, city: &'static str| [date, "0", city, "85171100", "7"];
    let province = set(Unmapped::First { first: 2, then: "9000".to_owned() });
    let read = "85171100 851711 7.00";
    check_with(&province, &HEADER, &row("200811", "4403"), &format!("2008 Some(11) 440300 {read}"));
    check_with(
        &province,
        &HEADER,
        &row("200911", "4403"),
        &format!("2009 Some(11) 449000 {read}; region 4403 -> 449000, 1 of 7.00"),
    );
    check_with(&province, &HEADER, &row("200911", "502.0"), &format!("2009 Some(11) USA {read}"));
    check_with(&province, &HEADER, &row("200911", "4"), "unmapped_code in city: \"4\", value 7.00");
    check_with(
        &set(Unmapped::Keep),
        &HEADER,
        &row("200911", "9"),
        &format!("2009 Some(11) 9 {read}; region 9 -> 9, 1 of 7.00"),
    );
    check_with(
        &set(Unmapped::Keep),
        &HEADER,
        &row("200911", "9.0"),
        &format!("2009 Some(11) 9 {read}; region 9.0 -> 9, 1 of 7.00"),
    );
}

#[test]
fn fallback_optional_column_and_words_in_names() {
    let mut layout = layout();
    layout.fields.insert(
        Field::Ownership,
        FieldSpec {
            is_optional: true,
            codes: Some(Codes::always([("1", "state")])),
            fallback: Some(Box::new(FieldSpec {
                characters: Some((6, 6)),
                codes: Some(Codes::always([("6", "private")])),
                ..column("city")
            })),
            ..column("type")
        },
    );
    layout.fields.insert(Field::FirmName, column("name"));
    layout.rules = vec![Rule {
        name: "intermediary".to_owned(),
        why: String::new(),
        regions: BTreeSet::new(),
        products: BTreeSet::new(),
        destinations: BTreeSet::new(),
        firm_names: BTreeSet::from(["贸易".to_owned()]),
        cells: Vec::new(),
    }];
    let header = ["month", "flow", "city", "hs", "usd", "name", "type"];
    let row = ["200811", "0", "4403961234", "85171100", "7", "深圳贸易公司", "1"];
    let read = "2008 Some(11) 4403961234 85171100 851711 7.00";
    check_with(&layout, &header, &row, &format!("{read} state rules 1"));
    let row = ["200811", "0", "4403961234", "85171100", "7", "深圳电子", ""];
    check_with(&layout, &header, &row, &format!("{read} by fallback private"));
    check_with(&layout, &header[..6], &row[..6], &format!("{read} by fallback private"));
}

#[test]
fn heading_stands_for_its_products() {
    let mut layout = layout();
    layout.product.digits = Some(4);
    check_with(
        &layout,
        &HEADER,
        &["200811", "0", "41", "1201", "7"],
        "2008 Some(11) 41 1201 120100 7.00",
    );
}

/// The layout with codes of another classification.
fn other(digits: Option<usize>, hierarchy: Hierarchy) -> Layout {
    let classification =
        Classification { name: "own".to_owned(), hierarchy, ..Classification::hs() };
    let product = ProductFormat {
        classification: Arc::new(classification),
        digits,
        restore_leading_zero: digits.is_some(),
        revisions: Vec::new(),
    };
    Layout { product, ..layout() }
}

#[test]
fn codes_of_another_classification_are_what_stands_there_in_any_year() {
    let check = |digits, code: &str, expected: &str| {
        let row = ["199011", "0", "41", code, "7"];
        check_with(&other(digits, Hierarchy::Flat), &HEADER, &row, expected);
    };
    let read = "1990 Some(11) 41";
    check(None, " Motor vehicles ", &format!("{read} Motor vehicles Motor vehicles 7.00"));
    check(None, "31-33", &format!("{read} 31-33 31-33 7.00"));
    check(None, "321.0", &format!("{read} 321 321 7.00"));
    check(Some(4), "311", &format!("{read} 0311 0311 7.00"));
    check(Some(5), "784.11", &format!("{read} 78411 78411 7.00"));
    check(Some(4), "31A", "invalid_product_code in hs: \"31A\", value 7.00");
    let long = "x".repeat(65);
    check(None, &long, &format!("invalid_product_code in hs: {long:?}, value 7.00"));
    check(None, "a\tb", "invalid_product_code in hs: \"a\\tb\", value 7.00");
}

#[test]
fn codes_that_the_table_of_groups_lacks_are_kept_and_counted() {
    let groups = TableGroups { group: Some("food".to_owned()), subgroup: None };
    let table = Hierarchy::Table(BTreeMap::from([("bread".to_owned(), groups)]));
    let layout = other(None, table);
    let check = |code: &str, expected: &str| {
        check_with(&layout, &HEADER, &["200811", "0", "41", code, "7"], expected);
    };
    check("bread", "2008 Some(11) 41 bread bread 7.00");
    let kept = "2008 Some(11) 41 steel steel 7.00; product steel -> steel, 1 of 7.00";
    check("steel", kept);
}

#[test]
fn row_of_another_width_is_rejected_whole() {
    let layout = layout();
    let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
    let (outcome, _) = parse(&parser, &[b"200811", b"0"]);
    assert_eq!(outcome.rejects[0].reason, RejectReason::ColumnCount);
    assert_eq!(outcome.rejects[0].found, "2 columns, expected 5");
}

#[test]
fn wide_row_has_an_entry_a_column_and_rules_name_them() {
    let mut layout = layout();
    layout.fields.remove(&Field::Value);
    layout.fields.insert(Field::Region, FieldSpec::of(Origin::Unpivoted));
    layout.unpivot = Some(Unpivot {
        field: Field::Region,
        columns: [("NSW", "1"), ("Re-exports", "RX"), ("Vic", "2")]
            .map(|(name, code)| (name.to_owned(), code.to_owned()))
            .to_vec(),
        pattern: None,
    });
    layout.zero = Zero::Skip;
    layout.rules = vec![Rule {
        name: "re_exports".to_owned(),
        why: String::new(),
        regions: BTreeSet::from(["RX".to_owned()]),
        products: BTreeSet::new(),
        destinations: BTreeSet::new(),
        firm_names: BTreeSet::new(),
        cells: Vec::new(),
    }];
    let header = ["month", "flow", "hs", "NSW", "Vic", "Re-exports"];
    let parser = RowParser::new(&layout, &header).expect("the header fits");
    let row = ["200801", "0", "85171100", "1e+05", "0", "7"].map(str::as_bytes);
    let (outcome, counts) = parse(&parser, &row);
    let found: Vec<_> = outcome.entries.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(
        found,
        [
            "2008 Some(1) 1 85171100 851711 100000.00",
            "2008 Some(1) RX 85171100 851711 7.00 rules 1"
        ]
    );
    assert_eq!((counts.n_empty, counts.value_in.to_string()), (1, "100007.00".to_owned()));

    let missing = RowParser::new(&layout, &header[..5]).map(|_| ()).expect_err("no Re-exports");
    assert_eq!(
        missing.to_string(),
        "no column for `region`: the layout `long` expects Re-exports, \
         the header has month, flow, hs, NSW, Vic"
    );
}

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn condition(column: &str, test: Test) -> Condition {
    Condition { column: column.to_owned(), test }
}

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).expect("an expression")
}

fn money(units: i128) -> Money {
    Money::from_hundredths(units * 100)
}

/// Entries, rejects by reason with their entries and value, what is left out, empty cells and value of
/// a row.
fn outcome(layout: &Layout, header: &[&str], row: &[&str]) -> String {
    let parser = RowParser::new(layout, header).expect("the header fits");
    let row: Vec<&[u8]> = row.iter().map(|text| text.as_bytes()).collect();
    let (found, counts) = parse(&parser, &row);
    let entries = found.entries.iter().map(|(text, _)| text.clone());
    let reject = |r: &Reject| {
        format!("{} in {}: {:?}, {} of {}", r.reason, r.column, r.found, r.n_entries, r.value)
    };
    let left_out =
        |(why, n, value): &(LeftOut, u64, Money)| format!("{}: {n} of {value}", why.name());
    let all: Vec<String> = entries
        .chain(found.rejects.iter().map(reject))
        .chain(found.left_out.iter().map(left_out))
        .chain(found.unmapped)
        .collect();
    format!("{}; empty {}, in {}", all.join("; "), counts.n_empty, counts.value_in)
}

#[test]
fn rows_that_are_not_meant_are_left_out_before_they_are_read() {
    let mut layout = layout();
    layout.conditions = vec![
        condition("flow", Test::In(texts(&["0", "8"]))),
        condition("city", Test::NotMatches(pattern("^Total"))),
        condition("hs", Test::NotIn(texts(&["TOTAL"]))),
        condition("month", Test::Matches(pattern("^2008"))),
    ];
    let read = |row: [&str; 5]| outcome(&layout, &HEADER, &row);
    let row = ["200811", "0", "4403", "85171100", "7"];
    assert_eq!(read(row), "2008 Some(11) 4403 85171100 851711 7.00; empty 0, in 7.00");
    let left_out = "where: 1 of 7.00; empty 0, in 7.00";
    assert_eq!(read(["200811", "1", "4403", "85171100", "7"]), left_out);
    assert_eq!(read(["200811", "0", " Total of all", "85171100", "7"]), left_out);
    assert_eq!(read(["200811", "0.0", "4403", "TOTAL", "7"]), left_out);
    assert_eq!(read(["200711", "0", "4403", "85171100", "7"]), left_out);
    // What is left out may be no record at all.
    assert_eq!(read(["x", "1", "", "85", "7"]), left_out);
    assert_eq!(read(["x", "1", "", "85", "x"]), "where: 1 of 0.00; empty 0, in 0.00");
    // What is not left out is refused where it must be.
    assert_eq!(
        read(["200811", "8", "4403", "85171100", "7"]),
        "unmapped_code in flow: \"8\", 1 of 7.00; empty 0, in 7.00"
    );
    let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
    let (found, _) = parse(&parser, &[b"200811", b"\xff", b"4403", b"85171100", b"7"]);
    assert_eq!(found.rejects[0].reason, RejectReason::Encoding);
    let missing = RowParser::new(&layout, &["month", "flow", "city", "hs8", "usd"]).map(|_| ());
    let missing = missing.expect_err("no such column").to_string();
    assert!(missing.starts_with("no column for `product`"), "{missing}");
    layout.conditions = vec![condition("level", Test::In(texts(&["6"])))];
    let missing = RowParser::new(&layout, &HEADER).map(|_| ()).expect_err("no such column");
    assert_eq!(
        missing.to_string(),
        "no column for `where`: the layout `long` expects level, the header has month, flow, city, hs, usd"
    );
}

#[test]
fn entries_of_other_years_are_left_out() {
    let mut layout = layout();
    layout.years = Some((2008, 2009));
    let read = |month: &str| outcome(&layout, &HEADER, &[month, "0", "4403", "85171100", "7"]);
    assert_eq!(read("200911"), "2009 Some(11) 4403 85171100 851711 7.00; empty 0, in 7.00");
    for month in ["200711", "201001", "199901"] {
        assert_eq!(read(month), "years: 1 of 7.00; empty 0, in 7.00");
    }
    assert_eq!(read("x"), "invalid_year in month: \"x\", 1 of 7.00; empty 0, in 7.00");
}

#[test]
fn rules_may_ask_for_the_texts_of_raw_columns() {
    let mut layout = layout();
    let rule = |cells: Vec<Condition>| Rule {
        name: "totals".to_owned(),
        why: String::new(),
        regions: BTreeSet::new(),
        products: BTreeSet::new(),
        destinations: BTreeSet::new(),
        firm_names: BTreeSet::new(),
        cells,
    };
    layout.rules = vec![
        Rule {
            regions: texts(&["4403"]),
            ..rule(vec![condition("kind", Test::In(texts(&["T"])))])
        },
        rule(vec![condition("kind", Test::NotIn(texts(&["", "A"])))]),
    ];
    let header = ["month", "flow", "city", "hs", "usd", "kind"];
    for (city, kind, expected) in [
        ("4403", "T", " rules 11"),
        ("4404", "T", " rules 10"),
        ("4403", "A", ""),
        ("4403", "", ""),
    ] {
        let read = outcome(&layout, &header, &["200811", "0", city, "85171100", "7", kind]);
        let expected =
            format!("2008 Some(11) {city} 85171100 851711 7.00{expected}; empty 0, in 7.00");
        assert_eq!(read, expected);
    }
    let missing = RowParser::new(&layout, &HEADER).map(|_| ()).expect_err("no such column");
    assert!(missing.to_string().starts_with("no column for `rules.totals`"), "{missing}");
}

#[test]
fn year_and_month_are_taken_from_dates() {
    let mut layout = layout();
    let date = DateForm::new("%d/%m/%Y").expect("a form");
    for field in [Field::Year, Field::Month] {
        layout.fields.insert(field, FieldSpec { date: Some(date.clone()), ..column("month") });
    }
    let read = |date: &str| outcome(&layout, &HEADER, &[date, "0", "4403", "85171100", "7"]);
    assert_eq!(read("31/12/2008"), "2008 Some(12) 4403 85171100 851711 7.00; empty 0, in 7.00");
    assert_eq!(
        read("31/02/2008"),
        "invalid_date in month: \"31/02/2008\", 1 of 7.00; empty 0, in 7.00"
    );
    assert_eq!(read(""), "missing_value in month: \"\", 1 of 7.00; empty 0, in 7.00");
    // A data frame makes a number of what is digits.
    let date = DateForm::new("%Y%m").expect("a form");
    for field in [Field::Year, Field::Month] {
        layout.fields.insert(field, FieldSpec { date: Some(date.clone()), ..column("month") });
    }
    let found = outcome(&layout, &HEADER, &["200812.0", "0", "4403", "85171100", "7"]);
    assert_eq!(found, "2008 Some(12) 4403 85171100 851711 7.00; empty 0, in 7.00");
}

#[test]
fn empty_cells_are_what_the_layout_says() {
    let mut layout = layout();
    let row = |value: &'static str| ["200811", "0", "4403", "85171100", value];
    let read = |layout: &Layout, value: &'static str| outcome(layout, &HEADER, &row(value));
    for (empty, expected) in [
        (None, "missing_value in usd: \"\", 1 of 0.00; empty 0, in 0.00"),
        (Some(Empty::Reject), "missing_value in usd: \"\", 1 of 0.00; empty 0, in 0.00"),
        (Some(Empty::Missing), "; empty 1, in 0.00"),
        (Some(Empty::Zero), "2008 Some(11) 4403 85171100 851711 0.00; empty 0, in 0.00"),
    ] {
        layout.empty_value = empty;
        assert_eq!(read(&layout, ""), expected);
        assert_eq!(read(&layout, " NA "), expected);
    }
    layout.zero = Zero::Skip;
    assert_eq!(read(&layout, ""), "; empty 1, in 0.00");
}

#[test]
fn empty_quantities_are_what_the_layout_says() {
    let mut layout = layout();
    let header = ["month", "flow", "city", "hs", "usd", "kg"];
    for (empty, expected) in [
        (Empty::Missing, "7.00 -1"),
        (Empty::Zero, "7.00 0"),
        (Empty::Reject, "missing_value in kg: "),
    ] {
        layout.fields.insert(Field::Quantity, FieldSpec { empty, ..column("kg") });
        let parser = RowParser::new(&layout, &header).expect("the header fits");
        let row = ["200811", "0", "4403", "85171100", "7", "NA"];
        let row: Vec<Cow<'_, [u8]>> = row.map(|text| Cow::Borrowed(text.as_bytes())).to_vec();
        let mut found = Numbers(String::new());
        parser.parse(&row, &mut found);
        assert_eq!(found.0, expected);
    }
}

/// A table with a column for each code of `field`, by name and by pattern.
fn wide(field: Field, columns: &[(&str, &str)], names: Option<(&str, &str)>) -> Layout {
    let mut layout = layout();
    layout.fields.remove(&Field::Value);
    layout.fields.insert(field, FieldSpec::of(Origin::Unpivoted));
    layout.unpivot = Some(Unpivot {
        field,
        columns: columns
            .iter()
            .map(|(name, code)| ((*name).to_owned(), (*code).to_owned()))
            .collect(),
        pattern: names
            .map(|(text, code)| NamePattern { pattern: pattern(text), code: code.to_owned() }),
    });
    layout
}

#[test]
fn two_flows_stand_in_two_columns() {
    let layout = wide(Field::Flow, &[("exports", "export"), ("imports", "import")], None);
    let header = ["month", "city", "hs", "imports", "exports"];
    let read = |row: [&str; 5]| outcome(&layout, &header, &row);
    assert_eq!(
        read(["200811", "4403", "85171100", "3", "7"]),
        "2008 Some(11) 4403 85171100 851711 7.00; 2008 Some(11) 4403 85171100 851711 3.00; empty 0, in 10.00"
    );
    assert_eq!(
        read(["200811", "4403", "85171100", "", "x"]),
        "not_a_number in exports: \"x\", 1 of 0.00; empty 1, in 0.00"
    );
    // A fault that all entries share is said once, with their value.
    assert_eq!(
        read(["200811", "4403", "85", "3", "7"]),
        "invalid_product_code in hs: \"85\", 2 of 10.00; empty 0, in 10.00"
    );
}

#[test]
fn years_months_and_products_stand_in_headers() {
    let mut layout = wide(Field::Year, &[("last", "2009")], Some(("^([0-9]{4}) Exports?$", "$1")));
    layout.fields.remove(&Field::Month);
    layout.years = Some((2008, 2011));
    let header =
        ["flow", "city", "hs", "2007 Export", "2008 Exports", "last", "2012 Exports", "note"];
    let row = ["0", "4403", "85171100", "1", "2", "4", "8", "text"];
    assert_eq!(
        outcome(&layout, &header, &row),
        "2009 None 4403 85171100 851711 4.00; 2008 None 4403 85171100 851711 2.00; years: 2 of 9.00; empty 0, in 15.00"
    );
    let twice = ["flow", "city", "hs", "2008 Exports", "2008 Exports", "last"];
    let error = RowParser::new(&layout, &twice).map(|_| ()).expect_err("twice").to_string();
    assert!(error.contains("`2008 Exports` for `year` stands 2 times"), "{error}");
    let none = wide(Field::Year, &[], Some(("^x([0-9]{4})$", "$1")));
    let header = ["month", "flow", "city", "hs", "y2008"];
    let error = RowParser::new(&none, &header).map(|_| ()).expect_err("none").to_string();
    assert!(error.contains("expects names like `^x([0-9]{4})$`"), "{error}");

    // A header may tell more than one field, and have a map of its own.
    let mut layout = wide(Field::Month, &[], Some(("^[A-Z][a-z]+ [0-9]{4}$", "$0")));
    let date = DateForm::new("%b %Y").expect("a form");
    for field in [Field::Year, Field::Month] {
        let spec = FieldSpec { date: Some(date.clone()), ..FieldSpec::of(Origin::Unpivoted) };
        layout.fields.insert(field, spec);
    }
    let header = ["flow", "city", "hs", "Sep 2008", "Jan 2009", "Abc 2009"];
    assert_eq!(
        outcome(&layout, &header, &["0", "4403", "85171100", "1", "2", "4"]),
        "2008 Some(9) 4403 85171100 851711 1.00; 2009 Some(1) 4403 85171100 851711 2.00; \
         invalid_date in year: \"Abc 2009\", 1 of 4.00; empty 0, in 7.00"
    );

    let layout = wide(Field::Product, &[], Some(("^HS ([0-9. ]+)$", "$1")));
    let header = ["month", "flow", "city", "HS 8517.11.00", "HS 85"];
    assert_eq!(
        outcome(&layout, &header, &["200811", "0", "4403", "1", "2"]),
        "2008 Some(11) 4403 85171100 851711 1.00; invalid_product_code in product: \"85\", 1 of 2.00; empty 0, in 3.00"
    );
}

#[test]
fn regions_of_headers_are_coded_and_counted() {
    let mut layout = wide(Field::Region, &[("NSW", "1")], Some(("^Exports of (.*)$", "$1")));
    layout.fields.insert(
        Field::Region,
        FieldSpec {
            codes: Some(Codes {
                unmapped: Unmapped::Keep,
                ..Codes::always([("Victoria", "2"), ("1", "1")])
            }),
            ..FieldSpec::of(Origin::Unpivoted)
        },
    );
    let header = ["month", "flow", "hs", "NSW", "Exports of Victoria", "Exports of Mars"];
    assert_eq!(
        outcome(&layout, &header, &["200811", "0", "85171100", "1", "2", "4"]),
        "2008 Some(11) 1 85171100 851711 1.00; 2008 Some(11) 2 85171100 851711 2.00; \
         2008 Some(11) Mars 85171100 851711 4.00; region Mars -> Mars, 1 of 4.00; empty 0, in 7.00"
    );
}

#[test]
fn chapter_stands_for_its_products() {
    let mut layout = layout();
    layout.product.digits = Some(2);
    for (code, expected) in [("84", "84 840000"), ("1", "01 010000"), ("1.0", "01 010000")] {
        let row = ["200811", "0", "41", code, "7"];
        check_with(&layout, &HEADER, &row, &format!("2008 Some(11) 41 {expected} 7.00"));
    }
    let row = ["200811", "0", "41", "841", "7"];
    check_with(&layout, &HEADER, &row, "invalid_product_code in hs: \"841\", value 7.00");
}

/// A layout with any of the keys that say which rows, years and cells are meant, and its header.
fn any_layout() -> impl Strategy<Value = (Layout, Vec<&'static str>)> {
    let empty = prop::sample::select(vec![
        None,
        Some(Empty::Missing),
        Some(Empty::Zero),
        Some(Empty::Reject),
    ]);
    let tests = prop::sample::select(vec![
        Vec::new(),
        vec![("flow", Test::In(texts(&["0"])))],
        vec![("a", Test::NotIn(texts(&["", "1"]))), ("flow", Test::Matches(pattern("[01]")))],
        vec![("hs", Test::NotMatches(pattern("^98")))],
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (0..5_u8, tests, empty, flags).prop_map(|(kind, tests, empty, flags)| {
        let (has_years, has_rule, has_date, skips_zero) = flags;
        let mut layout = match kind {
            0 => layout(),
            1 => wide(Field::Flow, &[("a", "export"), ("b", "import")], None),
            2 => wide(Field::Year, &[("a", "2008")], Some(("^b$", "2010"))),
            3 => wide(Field::Region, &[], Some(("^[ab]$", "$0"))),
            _ => wide(Field::Product, &[("b", "85171100"), ("a", "1")], None),
        };
        layout.conditions =
            tests.into_iter().map(|(column, test)| condition(column, test)).collect();
        layout.empty_value = empty;
        if has_years {
            layout.years = Some((2008, 2009));
        }
        if has_rule {
            layout.rules = vec![Rule {
                name: "ones".to_owned(),
                why: String::new(),
                regions: BTreeSet::new(),
                products: BTreeSet::new(),
                destinations: BTreeSet::new(),
                firm_names: BTreeSet::new(),
                cells: vec![condition("b", Test::NotIn(texts(&["1"])))],
            }];
        }
        if has_date {
            let date = Some(DateForm::new("%Y%m").expect("a form"));
            layout.fields.insert(Field::Month, FieldSpec { date, ..column("month") });
        }
        layout.fields.insert(
            Field::Quantity,
            FieldSpec { empty: empty.unwrap_or(Empty::Missing), ..column("kg") },
        );
        layout.zero = if skips_zero { Zero::Skip } else { Zero::Keep };
        if kind == 0 {
            layout.fields.insert(Field::Value, column("a"));
        }
        (layout, vec!["month", "flow", "city", "hs", "kg", "a", "b"])
    })
}

/// What a customs file is made of, and what breaks it.
fn bytes_of_a_file() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => Just(b"200811,0,4403,85171100,12.5\n".to_vec()),
        2 => prop::sample::select(vec![
            &b"200811"[..], b"0", b"4403", b"85171100", b"1019000", b"8517.11.00", b"1,234", b"1.2E+05", b"-", b"#N/A",
            b"NA", b"99999999999999999999", b"1e400", b"\xff", b"\0", b"\xef\xbb\xbf", b"\"\"",
        ]).prop_map(<[u8]>::to_vec),
        4 => prop::sample::select(&b",,,\n\n\r\"; "[..]).prop_map(|byte| vec![byte]),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    // `make fuzz` asks for more by PROPTEST_CASES.
    #[test]
    fn nothing_is_lost_whatever_the_file(text in bytes_of_a_file()) {
        let layout = layout();
        let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
        let dialect = Dialect { delimiter: b',', quote: Some(b'"'), n_columns: 0 };
        let mut rows = Rows::new(&text, dialect, 2);
        let (mut fields, mut found, mut n_rows) = (Vec::new(), Found::default(), 0);
        let (mut value_in, mut n_empty) = (Money::ZERO, 0);
        let mut line = 1;
        while let Some(row) = {
            fields.clear();
            rows.next_row(&mut fields)
        } {
            prop_assert!(row.line > line && !row.raw.is_empty());
            line = row.line;
            n_rows += 1;
            if row.is_unclosed {
                found.reject(parser.refusal(RejectReason::UnclosedQuote, String::new()));
            } else {
                let counts = parser.parse(&fields, &mut found);
                value_in += counts.value_in;
                n_empty += counts.n_empty;
            }
        }
        let n_rejected: u64 = found.rejects.iter().map(|r| r.n_entries).sum();
        prop_assert_eq!(found.entries.len() as u64 + n_rejected + n_empty, n_rows);
        let kept: Money = found.entries.iter().map(|(_, value)| *value).sum();
        let rejected: Money = found.rejects.iter().map(|r| r.value).sum();
        prop_assert_eq!(kept + rejected, value_in);
        prop_assert!(rows.position() == text.len());
    }

    #[test]
    fn nothing_is_lost_whatever_the_row(
        row in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            prop::collection::vec(b'0'..=b'9', 1..=8),
            Just(b"200811".to_vec()), Just(b"0".to_vec()), Just(b"85171100".to_vec()),
        ], 4..7)
    ) {
        let layout = layout();
        let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
        let row: Vec<&[u8]> = row.iter().map(Vec::as_slice).collect();
        let (outcome, counts) = parse(&parser, &row);
        let n_rejected: u64 = outcome.rejects.iter().map(|r| r.n_entries).sum();
        prop_assert_eq!(outcome.entries.len() as u64 + n_rejected + counts.n_empty, 1);
        let kept: Money = outcome.entries.iter().map(|(_, value)| *value).sum();
        let rejected: Money = outcome.rejects.iter().map(|r| r.value).sum();
        prop_assert_eq!(kept + rejected, counts.value_in);
    }

    // Rows in = entries + rejected + left out + empty, whatever the layout says; and so their value.
    #[test]
    fn nothing_is_lost_whatever_the_layout(
        (layout, header) in any_layout(),
        rows in prop::collection::vec(
            (
                prop::sample::select(vec!["200711", "200801", "200912", "201013", "1999", "x", ""]),
                prop::sample::select(vec!["0", "0.0", "1", "9", ""]),
                prop::sample::select(vec!["4403", "Total", "NA", ""]),
                prop::sample::select(vec!["85171100", "1019000", "98010000", "85", ""]),
                prop::sample::select(vec!["1", "", "NA", "-1", "x"]),
                prop::collection::vec(
                    prop::sample::select(vec!["0", "1", "12.5", "-3", "NA", "", "x", "1e5", "0.001"]),
                    2,
                ),
            ),
            1..20,
        ),
    ) {
        let parser = RowParser::new(&layout, &header).expect("the header fits");
        let mut found = Found::default();
        let (mut value_in, mut n_empty, mut by_hand) = (Money::ZERO, 0, Money::ZERO);
        for (month, flow, city, hs, kg, values) in &rows {
            let cells = [month, flow, city, hs, kg, &values[0], &values[1]];
            let row: Vec<Cow<'_, [u8]>> =
                cells.iter().map(|text| Cow::Borrowed(text.as_bytes())).collect();
            let counts = parser.parse(&row, &mut found);
            value_in += counts.value_in;
            n_empty += counts.n_empty;
            for value in &values[..usize::try_from(parser.n_entries()).expect("few")] {
                by_hand += match *value {
                    "1" => money(1),
                    "12.5" => Money::from_hundredths(1250),
                    "-3" => money(-3),
                    "1e5" => money(100_000),
                    _ => Money::ZERO,
                };
            }
        }
        let n_rejected: u64 = found.rejects.iter().map(|reject| reject.n_entries).sum();
        let n_left_out: u64 = found.left_out.iter().map(|(_, n, _)| n).sum();
        let n_entries = found.entries.len() as u64 + n_rejected + n_left_out + n_empty;
        prop_assert_eq!(n_entries, rows.len() as u64 * parser.n_entries());
        let kept: Money = found.entries.iter().map(|(_, value)| *value).sum();
        let rejected: Money = found.rejects.iter().map(|reject| reject.value).sum();
        let left_out: Money = found.left_out.iter().map(|(_, _, value)| *value).sum();
        prop_assert_eq!(kept + rejected + left_out, value_in);
        prop_assert_eq!(value_in, by_hand);
    }
}
