//! Workbooks whose sheets are one table: a sheet a year, a sheet a region.

use crate::front_door::{workbook, workbook_of};
use crate::support::Raw;

/// A layout of sheets, with more fields.
fn layout(excel: &str, fields: &str) -> String {
    format!(
        "name: sheets
excel: {{{excel}}}
fields:
  flow: {{constant: export}}
  product: {{column: [product]}}
  value: {{column: [value]}}
{fields}product: {{digits: 6, restore_leading_zero: true, revisions: [{{from: 2000, to: 2020, revision: HS2007}}]}}
value: {{currency: USD, multiplier: 1, negative: reject, zero: keep}}
"
    )
}

/// A year in the name of a sheet.
const YEAR: &str = "  year: {sheet: '^([0-9]{4})$'}\n  region: {column: [region]}\n";

fn raw(layout: &str, book: &[u8]) -> Raw {
    let raw = Raw::new("sheets");
    raw.0.write("config/layouts/sheets.yaml", layout.as_bytes());
    raw.file("book.xlsx", book);
    raw
}

fn years() -> Vec<u8> {
    workbook_of(&[
        ("Notes", "about,this,book"),
        ("2008", "region,product,value\nA,010121,10\nB,847130,2.5\n"),
        ("2009", "product,region,value\n010121,A,20.25\n010121,B,lots\n847130,B,3\n"),
        ("2010", "region,product,value\nA,010121,1\n"),
    ])
}

#[test]
fn sheets_are_read_one_after_the_other_as_one_table() {
    let raw = raw(&layout("sheets: '^[0-9]{4}$'", YEAR), &years());
    raw.run().ok();
    let found = raw.sql(
        "select source_file, source_row, year, region_code, product_code, fob_value \
         from customs.records order by source_file, source_row",
    );
    let expected = [
        "raw/book.xlsx/2008,4,2008,A,010121,10.00",
        "raw/book.xlsx/2008,5,2008,B,847130,2.50",
        "raw/book.xlsx/2009,4,2009,A,010121,20.25",
        "raw/book.xlsx/2009,6,2009,B,847130,3.00",
        "raw/book.xlsx/2010,4,2010,A,010121,1.00",
    ];
    assert_eq!(found, expected, "{:?}", raw.rejects());
    let rejects =
        raw.sql("select source_file, source_row, column_name, found from customs.rejects");
    assert_eq!(rejects, ["raw/book.xlsx/2009,5,value,lots"]);
    let account = raw.sql(
        "select source_file, n_rows, n_records, n_rejected, value_in from customs.reconciliation \
         order by source_file",
    );
    let expected = [
        "raw/book.xlsx/2008,2,2,0,12.50",
        "raw/book.xlsx/2009,3,2,1,23.25",
        "raw/book.xlsx/2010,1,1,0,1.00",
    ];
    assert_eq!(account, expected);
    let arguments = ["preview", "config/layouts/sheets.yaml", "raw/book.xlsx"];
    let shown = raw.0.rebound(&arguments).ok();
    assert!(shown.out.contains("2008 export A"), "{}", shown.out);
}

#[test]
fn sheets_may_be_named_and_tell_any_field() {
    let book = workbook_of(&[
        ("North", "year,product,value\n2008,010121,10\n"),
        ("All regions", "year,product,value\n2008,010121,15\n"),
        ("South", "year,product,value\n2008,010121,5\n"),
    ]);
    let fields = "  year: {column: [year]}\n  region: {sheet: '^.*$', map: {North: N, South: S}}\n";
    let raw = raw(&layout("sheets: [South, North]", fields), &book);
    raw.run().ok();
    let found = raw.sql("select region_code, fob_value from customs.records order by region_code");
    assert_eq!(found, ["N,10.00", "S,5.00"]);
}

#[test]
fn what_does_not_fit_names_the_sheet() {
    let pattern = layout("sheets: '^[0-9]{4}$'", YEAR);
    let other = workbook_of(&[
        ("2008", "region,product,value\nA,010121,10\n"),
        ("2009", "region,hs6,value\nA,010121,10\n"),
    ]);
    let refused = raw(&pattern, &other);
    let ran = refused.run().fails(2, "raw/book.xlsx/2009");
    ran.fails(2, "sheet `2009` has other columns than sheet `2008`")
        .fails(2, "it lacks `product`, and has `hs6`");
    let refused = raw(&pattern, &workbook("region,product,value\nA,010121,10\n"));
    refused.run().fails(2, "no sheet matches `excel.sheets` `^[0-9]{4}$`: its sheets are `Data`");
    let refused = raw(&pattern, b"region,product,value\nA,010121,10\n");
    refused.run().fails(2, "it is no workbook, and the layout reads sheets of one");
    for (excel, fields, expected) in [
        ("sheet: '2008', sheets: '^2'", YEAR, "leave one of them out"),
        ("sheets: []", YEAR, "at least one name"),
        ("sheets: [a, b, a]", YEAR, "\"a\" is there twice"),
        ("sheets: '('", YEAR, "`excel.sheets`"),
        ("sheet: '2008'", YEAR, "the key has no effect here"),
    ] {
        let refused = raw(&layout(excel, fields), &years());
        refused.run().fails(2, expected);
    }
}
