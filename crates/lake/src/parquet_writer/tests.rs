use super::*;
use crate::contract::MONEY;
use crate::{Contract, Fingerprint, Lake};
use arrow::array::ArrayRef;
use arrow::array::{
    BooleanArray, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};
use proptest::prelude::*;
use std::sync::Arc;

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// A version with a column of every kind, that may be null where cells of that kind can be.
fn version(lake: &Lake) -> TableVersion {
    let columns = [
        ("id", Kind::Count, false),
        ("text", Kind::Text, true),
        ("word", Kind::Text, false),
        ("none", Kind::Text, true),
        ("year", Kind::Int, true),
        ("place", Kind::Int, false),
        ("value", Kind::Money, false),
        ("maybe", Kind::Money, true),
        ("share", Kind::Float, true),
        ("rate", Kind::Float, false),
        ("flag", Kind::Flag, true),
        ("count", Kind::Count, true),
    ];
    let columns = columns.map(|(name, kind, is_nullable)| Column {
        name: name.to_owned(),
        kind,
        is_nullable,
        unit: String::new(),
        about: String::new(),
    });
    let contract = Contract {
        table: "customs.records",
        about: "a cell of every kind",
        key: &["id"],
        columns: columns.to_vec(),
    };
    lake.draft(&contract, "ingest", &Fingerprint::of(b"groups"), "now")
}

#[derive(Debug, Clone)]
struct Row {
    text: Option<u32>,
    word: u32,
    year: Option<u32>,
    value: i128,
    share: Option<f64>,
    rate: f64,
    flag: Option<bool>,
    maybe: Option<i128>,
    count: Option<i64>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let money = -99_999_999_999_999_999_999_i128..=99_999_999_999_999_999_999;
    let row = (
        prop::option::weighted(0.8, 0..40u32),
        0..3u32,
        prop::option::of(0..5u32),
        (money.clone(), prop::option::of(money)),
        prop::option::of(-1e9..1e9),
        -1.0..1.0,
        prop::option::of(any::<bool>()),
        prop::option::weighted(0.9, prop_oneof![-5..5i64, i64::MIN + 1..=i64::MAX]),
    )
        .prop_map(|(text, word, year, (value, maybe), share, rate, flag, count)| Row {
            text,
            word,
            year,
            value,
            share,
            rate,
            flag,
            maybe,
            count,
        });
    // Stretches of the same row, so that there are runs of all lengths between packed codes.
    prop::collection::vec((row, 1..30usize), 1..60).prop_map(|stretches| {
        stretches.into_iter().flat_map(|(row, n)| std::iter::repeat_n(row, n)).collect()
    })
}

fn codes(rows: &[Row], code: impl Fn(&Row) -> Option<u32>) -> Vec<u32> {
    rows.iter().map(|row| code(row).unwrap_or(NO_CODE)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    // What arrow's reader and ours find is what was put in.
    #[test]
    fn groups_are_read_as_they_were_written(
        groups in prop::collection::vec(rows(), 1..4),
        batch_rows in prop::sample::select(vec![1, 7, 100, 10_000]),
    ) {
        let lake = Lake::open("memory://").expect("a lake");
        let mut version = version(&lake);
        let texts: Vec<String> = (0..40).map(|at| "é".repeat(at % 7) + &at.to_string()).collect();
        let words = vec!["b", "", "a"];
        let years = [2009, -1, 2007, 2008, 2010];
        let all: Vec<Row> = groups.concat();
        let (found, coded) = wait(async {
            let mut writer = lake.group_writer(&version, "one.parquet").expect("a writer");
            let mut at = 0;
            for rows in &groups {
                let ids: Vec<i64> = (at..).take(rows.len()).collect();
                let count: Vec<i64> = rows.iter().map(|row| row.count.unwrap_or(NO_COUNT)).collect();
                at += i64::try_from(rows.len()).expect("few");
                let (text, year) = (codes(rows, |row| row.text), codes(rows, |row| row.year));
                let word = codes(rows, |row| Some(row.word));
                let value: Vec<i128> = rows.iter().map(|row| row.value).collect();
                let share: Vec<f64> = rows.iter().map(|row| row.share.unwrap_or(f64::NAN)).collect();
                let rate: Vec<f64> = rows.iter().map(|row| row.rate).collect();
                let flags: Vec<Option<bool>> = rows.iter().map(|row| row.flag).collect();
                let maybe: Vec<i128> = rows.iter().map(|row| row.maybe.unwrap_or(NO_MONEY)).collect();
                let cells = [
                    Cells::Counts(&ids),
                    Cells::Texts(&texts, &text),
                    Cells::Texts(&words, &word),
                    Cells::Same(None),
                    Cells::Ints(&years, &year),
                    Cells::SameInt(7),
                    Cells::Money(&value),
                    Cells::Money(&maybe),
                    Cells::Floats(&share),
                    Cells::Floats(&rate),
                    Cells::Flags(&flags),
                    Cells::Counts(&count),
                ];
                writer.add(rows.len(), &cells).expect("encoded");
            }
            version.files.push(writer.finish().await.expect("written"));
            lake.complete(&version).await.expect("written");
            let found = lake.read(&version, &[]).await.expect("readable");
            (found, coded_rows(&lake, &version, batch_rows).await)
        });
        let row = |row: &Row| CodedRow {
            texts: [row.text.map(|at| texts[at as usize].clone()), Some(words[row.word as usize].to_owned()), None],
            ints: [row.year.map(|at| years[at as usize]), Some(7)],
            money: [Some(row.value), row.maybe],
            flag: row.flag,
        };
        prop_assert_eq!(coded, all.iter().map(row).collect::<Vec<_>>());
        let found = arrow::compute::concat_batches(&found[0].schema(), &found).expect("one batch");
        let value: Decimal128Array = all.iter().map(|row| Some(row.value)).collect();
        let value = value.with_precision_and_scale(MONEY.0, MONEY.1).expect("money");
        let maybe: Decimal128Array = all.iter().map(|row| row.maybe).collect();
        let maybe = maybe.with_precision_and_scale(MONEY.0, MONEY.1).expect("money");
        let n = i64::try_from(all.len()).expect("few");
        let text = all.iter().map(|row| row.text.map(|at| texts[at as usize].as_str()));
        let expected: Vec<ArrayRef> = vec![
            Arc::new((0..n).collect::<Int64Array>()),
            Arc::new(text.collect::<StringArray>()),
            Arc::new(all.iter().map(|row| Some(words[row.word as usize])).collect::<StringArray>()),
            Arc::new(all.iter().map(|_| None::<&str>).collect::<StringArray>()),
            Arc::new(all.iter().map(|row| row.year.map(|at| years[at as usize])).collect::<Int32Array>()),
            Arc::new(all.iter().map(|_| 7).collect::<Int32Array>()),
            Arc::new(value),
            Arc::new(maybe),
            Arc::new(all.iter().map(|row| row.share).collect::<Float64Array>()),
            Arc::new(all.iter().map(|row| row.rate).collect::<Float64Array>()),
            Arc::new(all.iter().map(|row| row.flag).collect::<BooleanArray>()),
            Arc::new(all.iter().map(|row| row.count).collect::<Int64Array>()),
        ];
        let expected = RecordBatch::try_new(found.schema(), expected).expect("a batch");
        prop_assert_eq!(found, expected);
    }
}

/// What a [`CodedReader`] can read of a row.
#[derive(Debug, PartialEq)]
struct CodedRow {
    texts: [Option<String>; 3],
    ints: [Option<i32>; 2],
    money: [Option<i128>; 2],
    flag: Option<bool>,
}

async fn coded_rows(lake: &Lake, version: &TableVersion, batch_rows: usize) -> Vec<CodedRow> {
    let columns = ["text", "word", "none", "year", "place", "value", "maybe", "flag"];
    let file = &version.files[0];
    let mut reader = lake.coded_reader(version, file, &columns).await.expect("a reader");
    let mut rows = Vec::new();
    loop {
        let n = reader.read(batch_rows).expect("readable");
        if n == 0 {
            break;
        }
        let code = |column: usize, row: usize| {
            Some(reader.codes(column).of(row)).filter(|code| *code != NO_CODE)
        };
        let int = |column: usize, row: usize| {
            code(column, row).map(|code| reader.ints(column)[code as usize])
        };
        let money = |column: usize, row: usize| {
            Some(reader.money(column)[row]).filter(|money| *money != NO_MONEY)
        };
        rows.extend((0..n).map(|row| CodedRow {
            texts: [0, 1, 2].map(|at| code(at, row).map(|code| reader.text(at, code).to_owned())),
            ints: [int(3, row), int(4, row)],
            money: [money(5, row), money(6, row)],
            flag: code(7, row).map(|code| code == 1),
        }));
    }
    rows
}

/// What writing `groups` of year and region comes to.
fn written(groups: &[&[(i32, Option<&str>)]]) -> Result<DataFile, LakeError> {
    let lake = Lake::open("memory://").expect("a lake");
    let mut version = version(&lake);
    version.columns.retain(|column| column.name == "place" || column.name == "word");
    version.key = vec!["place".to_owned(), "word".to_owned()];
    wait(async {
        let mut writer = lake.group_writer(&version, "one.parquet").expect("a writer");
        for rows in groups {
            let ints: Vec<i32> = rows.iter().map(|row| row.0).collect();
            let numbers: Vec<u32> = (0..).take(rows.len()).collect();
            let texts: Vec<&str> = rows.iter().map(|row| row.1.unwrap_or("")).collect();
            let codes = rows.iter().zip(&numbers).map(|(row, &at)| row.1.map_or(NO_CODE, |_| at));
            let codes: Vec<u32> = codes.collect();
            let cells = [Cells::Texts(&texts, &codes), Cells::Ints(&ints, &numbers)];
            writer.add(rows.len(), &cells)?;
        }
        writer.finish().await
    })
}

#[test]
fn rows_out_of_order_and_nulls_are_refused() {
    let a = (2008, Some("a"));
    let b = (2008, Some("b"));
    let c = (2009, Some("a"));
    assert_eq!(written(&[&[a, b], &[c]]).expect("in order").rows, 3);
    for wrong in [vec![&[b, a][..]], vec![&[a, a]], vec![&[a, b], &[b]], vec![&[c], &[a]]] {
        let error = written(&wrong).expect_err("a fault");
        assert!(matches!(error, LakeError::KeyOrder { .. }), "{error}");
    }
    let error = written(&[&[a, (2009, None)]]).expect_err("a fault");
    assert!(matches!(&error, LakeError::Null { column, .. } if column == "word"), "{error}");
}

#[test]
fn cells_of_other_columns_are_refused() {
    let lake = Lake::open("memory://").expect("a lake");
    let version = version(&lake);
    let mut writer = lake.group_writer(&version, "one.parquet").expect("a writer");
    let error = writer.add(1, &[Cells::SameInt(1)]).expect_err("a fault");
    assert!(matches!(error, LakeError::Columns { .. }), "{error}");
}

#[test]
fn numbers_that_tables_do_not_hold_are_refused_with_their_place() {
    let lake = Lake::open("memory://").expect("a lake");
    let mut version = version(&lake);
    version.columns.retain(|column| ["id", "value", "rate"].contains(&&*column.name));
    let mut writer = lake.group_writer(&version, "one.parquet").expect("a writer");
    let mut error = |ids: &[i64], values: &[i128], rates: &[f64]| {
        let cells = [Cells::Counts(ids), Cells::Money(values), Cells::Floats(rates)];
        writer.add(ids.len(), &cells).expect_err("a fault").to_string()
    };
    let most = 10_i128.pow(20);
    let found = error(&[3, 5], &[most - 1, -most], &[0.5, 0.5]);
    assert!(found.contains("`value`") && found.contains("has -1000000000000000000.00 at id 5:"));
    let found = error(&[7], &[1], &[f64::INFINITY]);
    assert!(found.contains("`rate`") && found.contains("has inf at id 7:"));
}

#[test]
fn damaged_files_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::open(folder.path().to_str().expect("UTF-8")).expect("a lake");
    let mut version = version(&lake);
    version.columns.retain(|column| ["id", "word", "value", "flag"].contains(&&*column.name));
    let ids: Vec<i64> = (0..500).collect();
    let codes: Vec<u32> = (0..500).map(|row| row * row % 7 % 3).collect();
    let value: Vec<i128> = ids.iter().map(|id| i128::from(id * id * 7919)).collect();
    let flags: Vec<Option<bool>> = ids.iter().map(|id| Some(id % 3 == 0)).collect();
    let words = vec!["a", "b", "c"];
    let cells = [
        Cells::Counts(&ids),
        Cells::Texts(&words, &codes),
        Cells::Money(&value),
        Cells::Flags(&flags),
    ];
    let mut writer = lake.group_writer(&version, "one.parquet").expect("a writer");
    writer.add(500, &cells).expect("encoded");
    let file = wait(writer.finish()).expect("written");
    let path = folder.path().join(version.folder()).join("one.parquet");
    let sound = std::fs::read(&path).expect("a file");
    let read = || -> Result<usize, LakeError> {
        let columns = ["word", "value", "flag"];
        let mut reader = wait(lake.coded_reader(&version, &file, &columns))?;
        let mut n = 0;
        while let more @ 1.. = reader.read(64)? {
            n += more;
        }
        Ok(n)
    };
    assert_eq!(read().expect("sound"), 500);
    // Whatever byte is wrong, what cannot be read is an error that names the file, or rows are read.
    let mut n_refused = 0;
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&path, bytes).expect("a file");
        if let Err(error) = read() {
            assert!(error.to_string().contains("one.parquet"), "byte {at}: {error:?}");
            n_refused += 1;
        }
    }
    assert!(n_refused > sound.len() / 10, "{n_refused} of {}", sound.len());
    std::fs::write(&path, &sound[..sound.len() / 2]).expect("a file");
    assert!(read().expect_err("cut short").to_string().contains("one.parquet"));
}
