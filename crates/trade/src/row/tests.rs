use super::*;
use crate::layout::{ProductFormat, Rule, Unpivot};
use crate::money::MoneyFormat;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn column(name: &str) -> FieldSpec {
    FieldSpec { origin: Origin::Column(vec![name.to_owned()]), characters: None, map: None }
}

fn layout() -> Layout {
    Layout {
        name: "long".to_owned(),
        fields: BTreeMap::from([
            (Field::Year, FieldSpec { characters: Some((1, 4)), ..column("month") }),
            (Field::Month, FieldSpec { characters: Some((5, 6)), ..column("month") }),
            (
                Field::Flow,
                FieldSpec {
                    map: Some(BTreeMap::from([("0".to_owned(), "export".to_owned())])),
                    ..column("flow")
                },
            ),
            (Field::Region, column("city")),
            (Field::Product, column("hs")),
            (Field::Value, column("usd")),
        ]),
        unpivot: None,
        missing: BTreeSet::from(["NA".to_owned()]),
        money: MoneyFormat { thousands: None, decimal: b'.', multiplier: 1 },
        currency: "USD".to_owned(),
        negative: Negative::Reject,
        zero: Zero::Keep,
        product: ProductFormat {
            digits: 8,
            restore_leading_zero: true,
            revisions: vec![(2007, 2011, HsRevision::Hs2007)],
        },
        region_names: BTreeMap::new(),
        rules: Vec::new(),
    }
}

const HEADER: [&str; 5] = ["month", "flow", "city", "hs", "usd"];

fn check(row: [&str; 5], expected: &str) {
    let layout = layout();
    let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
    let row = row.map(str::as_bytes);
    let outcome = parser.parse(&row);
    let found = match (&outcome.entries[..], &outcome.rejects[..]) {
        ([e], []) => {
            format!("{} {:?} {} {} {} {}", e.year, e.month, e.region, e.product, e.hs6, e.value)
        }
        ([], [r]) => format!("{} in {}: {:?}, value {}", r.reason, r.column, r.found, r.value),
        other => format!("{other:?}"),
    };
    assert_eq!(found, expected);
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
fn row_of_another_width_is_rejected_whole() {
    let layout = layout();
    let parser = RowParser::new(&layout, &HEADER).expect("the header fits");
    let outcome = parser.parse(&[b"200811", b"0"]);
    assert_eq!(outcome.rejects[0].reason, RejectReason::ColumnCount);
    assert_eq!(outcome.rejects[0].found, "2 columns, expected 5");
}

#[test]
fn wide_row_has_an_entry_a_column_and_rules_name_them() {
    let mut layout = layout();
    layout.fields.remove(&Field::Value);
    layout.fields.insert(
        Field::Region,
        FieldSpec { origin: Origin::Unpivoted, characters: None, map: None },
    );
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
    }];
    let header = ["month", "flow", "hs", "NSW", "Vic", "Re-exports"];
    let parser = RowParser::new(&layout, &header).expect("the header fits");
    let row = ["200801", "0", "85171100", "1e+05", "0", "7"].map(str::as_bytes);
    let outcome = parser.parse(&row);
    let found: Vec<_> =
        outcome.entries.iter().map(|e| (e.region, e.value.to_string(), e.rule)).collect();
    assert_eq!(found, [("1", "100000.00".to_owned(), None), ("RX", "7.00".to_owned(), Some(0))]);
    assert_eq!((outcome.n_empty, outcome.value_in.to_string()), (1, "100007.00".to_owned()));

    let missing = RowParser::new(&layout, &header[..5]).map(|_| ()).expect_err("no Re-exports");
    assert_eq!(
        missing.to_string(),
        "no column for `region`: the layout `long` expects Re-exports, \
         the header has month, flow, hs, NSW, Vic"
    );
}

proptest! {
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
        let outcome = parser.parse(&row);
        let n_rejected: u64 = outcome.rejects.iter().map(|r| r.n_entries).sum();
        prop_assert_eq!(outcome.entries.len() as u64 + n_rejected + outcome.n_empty, 1);
        let kept: Money = outcome.entries.iter().map(|e| e.value).sum();
        let rejected: Money = outcome.rejects.iter().map(|r| r.value).sum();
        prop_assert_eq!(kept + rejected, outcome.value_in);
    }
}
