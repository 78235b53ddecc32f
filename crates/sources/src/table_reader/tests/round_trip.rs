//! What is written in any form and style is read as it was written; a number that may be another is
//! refused.

use super::super::*;
use super::rows_of;
use super::writers::{
    Cells, FORMS, PACKINGS, Written, delimited, formed, packed, some_table, tables, text_styles,
};
use crate::user_tables::{self, Uses};
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};
use project::read_options::{Characters, NumberMark};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

/// What is said of numbers that may be others.
const UNCLEAR: &str = "and no cell shows which";

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// Reads the file at `path` row by row and holds it against what was written.
fn check_rows(path: &Path, written: &Written) -> Result<(), TestCaseError> {
    let mut reader = TableReader::open(path, &written.options).map_err(TestCaseError::fail)?;
    let header: Vec<&str> = reader.header().iter().map(|name| name.trim()).collect();
    prop_assert_eq!(&header, &written.names, "{}", reader.seen());
    let format = reader.numbers(&[1]);
    let seen = reader.seen().to_owned();
    let rows = rows_of(&mut reader).map_err(TestCaseError::fail)?;
    prop_assert_eq!(rows.len(), written.rows.len(), "{}", seen);
    for (found, expected) in rows.iter().zip(&written.rows) {
        for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
            prop_assert!(at == 1 && written.is_stored || found == expected, "{found} {expected}");
        }
    }
    match format {
        Err(why) => prop_assert!(why.contains(UNCLEAR) && !written.is_stored, "{}", why),
        Ok(format) => {
            let numbers = rows.iter().map(|row| format.parse(&row[1]));
            let numbers = numbers.collect::<Result<Vec<f64>, _>>();
            let numbers = numbers.map_err(|fault| TestCaseError::fail(fault.to_string()))?;
            prop_assert_eq!(bits(&numbers), bits(&written.numbers), "{:?}", format);
        }
    }
    Ok(())
}

fn floats(column: &ArrayRef) -> Vec<f64> {
    let column = arrow::compute::cast(column, &DataType::Float64).expect("numbers");
    column.as_primitive::<Float64Type>().values().to_vec()
}

/// Reads the file at `path` as a table of a user and holds it against what was written.
fn check_user_table(path: &Path, written: &Written) -> Result<(), TestCaseError> {
    let one = |at: usize| BTreeSet::from([written.names[at].clone()]);
    let uses = Uses { codes: one(0), numbers: one(1) };
    let rows: RecordBatch = match user_tables::read(path, &written.options, &uses) {
        Ok((_, rows)) => rows,
        Err(error) => {
            let why = error.to_string();
            prop_assert!(why.contains(UNCLEAR) && !written.is_stored, "{}", why);
            return Ok(());
        }
    };
    prop_assert_eq!(rows.num_rows(), written.rows.len());
    let codes = input::utf8_text("c", rows.column(0), 1).map_err(TestCaseError::fail)?;
    for (code, expected) in codes.iter().zip(&written.rows) {
        prop_assert_eq!(code.map(str::trim), Some(expected[0].as_str()));
    }
    // No number is below zero and zero.
    prop_assert_eq!(rows.column(1).null_count(), 0);
    prop_assert_eq!(bits(&floats(rows.column(1))), bits(&written.numbers));
    Ok(())
}

fn check(bytes: &[u8], written: &Written) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table");
    std::fs::write(&path, bytes).expect("written");
    check_rows(&path, written)?;
    check_user_table(&path, written)
}

proptest! {
    #[test]
    fn delimited_text_of_any_style_is_read_as_it_was_written(
        table in tables(),
        style in text_styles(),
        packing in select(PACKINGS.to_vec()),
    ) {
        let written = delimited(&table, &style);
        check(&packed(&written.bytes, packing), &written)?;
    }

    #[test]
    fn every_form_is_read_as_it_was_written(
        table in tables(),
        form in select(FORMS.to_vec()),
        cells in select(vec![Cells::Texts, Cells::Numbers]),
        packing in select(PACKINGS.to_vec()),
    ) {
        let written = formed(&table, form, cells);
        check(&packed(&written.bytes, packing), &written)?;
    }
}

#[test]
fn every_form_is_read_in_every_packing() {
    for form in FORMS {
        for packing in PACKINGS {
            for cells in [Cells::Texts, Cells::Numbers] {
                let written = formed(&some_table(), form, cells);
                let found = check(&packed(&written.bytes, packing), &written);
                assert!(found.is_ok(), "{form:?} {packing:?} {cells:?}: {found:?}");
            }
        }
    }
}

#[test]
fn marks_that_are_told_are_those_of_texts() {
    let marks = ReadOptions {
        decimal: Some(NumberMark(Some(','))),
        thousands: Some(NumberMark(Some('.'))),
        ..ReadOptions::default()
    };
    for form in FORMS {
        let mut written = formed(&some_table(), form, Cells::Numbers);
        written.options = marks.clone();
        let found = check(&written.bytes, &written);
        assert!(found.is_ok(), "{form:?}: {found:?}");
    }
}

#[test]
fn codes_keep_signs_and_zeros() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let uses = Uses { codes: BTreeSet::from(["code".to_owned()]), ..Uses::default() };
    for codes in [["+5", "5"], ["-0", "0"], ["+05", "12"], ["05", "5"]] {
        std::fs::write(&path, format!("code,x\n{},1\n{},2\n", codes[0], codes[1]))
            .expect("written");
        let (_, rows) = user_tables::read(&path, &ReadOptions::default(), &uses).expect("a table");
        let found = input::utf8_text("code", rows.column(0), 1).expect("texts");
        assert_eq!(found.iter().flatten().collect::<Vec<_>>(), codes);
    }
}

#[test]
fn names_have_no_white_space_around_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    std::fs::write(&path, "code , value\n05,1.234\n06,1.234.567\n").expect("written");
    let uses = Uses {
        codes: BTreeSet::from(["code".to_owned()]),
        numbers: BTreeSet::from(["value".to_owned()]),
    };
    let (schema, rows) = user_tables::read(&path, &ReadOptions::default(), &uses).expect("a table");
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["code", "value"]);
    assert_eq!(bits(&floats(rows.column(1))), bits(&[1234.0, 1_234_567.0]));
}

/// The header and the rows of a file in an encoding, which is not told.
fn in_encoding(text: &str, encoding: &'static encoding_rs::Encoding) -> (String, Vec<Vec<String>>) {
    let (bytes, _, is_lossy) = encoding.encode(text);
    assert!(!is_lossy, "{text}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    std::fs::write(&path, &bytes).expect("written");
    let told = ReadOptions { encoding: Some(Characters(encoding)), ..ReadOptions::default() };
    let mut reader = TableReader::open(&path, &told).expect("a table");
    let expected = (reader.header().join(","), rows_of(&mut reader).expect("rows"));
    let mut reader = TableReader::open(&path, &ReadOptions::default()).expect("a table");
    let found = (reader.header().join(","), rows_of(&mut reader).expect("rows"));
    assert_eq!(found, expected);
    found
}

#[test]
fn encodings_are_seen_in_the_texts_of_a_file() {
    let chinese = "企业名称,商品名称,出口金额,目的国\n\
        上海市对外贸易进出口有限公司,运动鞋靴,12.50,美国\n\
        广东省纺织品进出口公司,棉制女式衬衫,7.25,日本\n\
        北京市机械设备制造厂,金属切削机床,310.00,德国\n";
    let (header, rows) = in_encoding(chinese, encoding_rs::GB18030);
    assert_eq!(header, "企业名称,商品名称,出口金额,目的国");
    assert_eq!(rows[1][1], "棉制女式衬衫");
    let portuguese = "município;seção;descrição;valor\n\
        São José dos Pinhais;X;Máquinas e aparelhos elétricos;12,5\n\
        Paranaguá;II;Grãos de soja, em condições de exportação;310\n\
        Foz do Iguaçu;IV;Açúcar e produtos de confeitaria;7,25\n";
    let (header, rows) = in_encoding(portuguese, encoding_rs::WINDOWS_1252);
    assert_eq!(header, "município,seção,descrição,valor");
    assert_eq!(rows[1][2], "Grãos de soja, em condições de exportação");
}
