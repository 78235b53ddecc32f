use super::*;
use crate::hs::HsRevision;
use crate::layout::{Codes, ProductFormat, RevisionYears, Rule, Unpivot};
use crate::money::{MoneyFormat, Remainder, Rounding};
use crate::number::NumberFormat;
use crate::text::{Dialect, Rows};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

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
        currency: "USD".to_owned(),
        negative: Negative::Reject,
        zero: Zero::Keep,
        product: ProductFormat {
            digits: 8,
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
    }
}

const HEADER: [&str; 5] = ["month", "flow", "city", "hs", "usd"];

/// What became of a row, as text.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<(String, Money)>,
    rejects: Vec<Reject>,
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
            e.hs6,
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
    layout.product.digits = 4;
    check_with(
        &layout,
        &HEADER,
        &["200811", "0", "41", "1201", "7"],
        "2008 Some(11) 41 1201 120100 7.00",
    );
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
    });
    layout.zero = Zero::Skip;
    layout.rules = vec![Rule {
        name: "re_exports".to_owned(),
        why: String::new(),
        regions: BTreeSet::from(["RX".to_owned()]),
        products: BTreeSet::new(),
        destinations: BTreeSet::new(),
        firm_names: BTreeSet::new(),
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
}
