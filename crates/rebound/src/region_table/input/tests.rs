//! Rows are read alike by their typed columns and by the texts of their cells.

use super::*;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::FileWriter;
use clap::Parser;
use sources::input::Frame;
use std::sync::Arc;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: TableArgs,
}

fn args(options: &[&str]) -> TableArgs {
    let words = ["measure", "frame"].iter().chain(options);
    Command::try_parse_from(words).expect("arguments").args
}

/// Numbers that look like any.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("small") % n
    }

    /// One of the usual texts, or now and then a rare one.
    fn text(&mut self, usual: &[&str], rare: &[&str], one_in: usize) -> Option<String> {
        let of = if self.below(one_in) == 0 { rare } else { usual };
        let text = of[self.below(of.len())];
        (text != "none").then(|| text.to_owned())
    }
}

/// Texts of a column.
type Texts = Vec<&'static str>;

/// The columns: a name, usual and rare texts, and the types that they may have.
fn columns() -> Vec<(&'static str, [Texts; 2], Vec<DataType>)> {
    let by = |keys: DataType| DataType::Dictionary(Box::new(keys), Box::new(DataType::Utf8));
    let texts = [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        by(DataType::Int16),
        by(DataType::UInt32),
    ];
    let with = |others: &[DataType]| texts.iter().chain(others).cloned().collect::<Vec<_>>();
    use DataType as D;
    vec![
        (
            "country",
            [
                vec!["AA", " BB ", "11.0", "11", "007", "CC"],
                vec!["NA", "none", "", "A\u{7}A", "8.47E+07", "-"],
            ],
            texts.to_vec(),
        ),
        (
            "hs6",
            [
                vec!["10110", "020110", "7", "999999", "20110"],
                vec!["16777217", "none", "123456792", ".", "-4"],
            ],
            with(&[D::Int64, D::Int32, D::UInt32, D::UInt64, D::Float64, D::Float32]),
        ),
        (
            "year",
            [vec!["2008", "2009", "2010"], vec!["none", "2008.0", "08"]],
            with(&[D::Int16, D::Int64, D::Float64, D::Float32]),
        ),
        (
            "month",
            [vec!["1", "2", "3", "12"], vec!["13", "none", "Mar"]],
            with(&[D::Int8, D::Float64]),
        ),
        (
            "value",
            [
                vec![
                    "1.5",
                    "20",
                    "0",
                    "1e3",
                    "0.1",
                    "123456789.125",
                    "3",
                    "7",
                    "0.30000000000000004",
                ],
                vec!["-3", "NA", ".", "none", "nan", "inf", "", "-0", "x"],
            ],
            with(&[
                D::Float64,
                D::Float32,
                D::Int64,
                D::Int8,
                D::UInt64,
                D::Decimal128(30, 3),
                D::Decimal128(10, 0),
            ]),
        ),
        ("flowCode", [vec!["X", "M"], vec!["none", "RX"]], texts.to_vec()),
        ("partnerISO", [vec!["W00", "DEU", "CHN"], vec!["none", ""]], texts.to_vec()),
        ("note", [vec!["a"], vec!["b", "none", " a"]], with(&[D::Utf8, D::Boolean])),
    ]
}

/// A made-up table, in batches of some of its rows; one in so many texts is rare.
fn table(seed: u64, one_in: usize) -> Frame {
    let mut numbers = Numbers(seed);
    let n = 40 + numbers.below(200);
    // Few texts make rows that stand twice.
    let is_narrow = numbers.below(3) == 0;
    let (mut fields, mut arrays) = (Vec::new(), Vec::<ArrayRef>::new());
    for (name, [usual, rare], kinds) in columns() {
        let usual = if is_narrow { &usual[..usual.len().min(2)] } else { &usual[..] };
        let texts = (0..n).map(|_| numbers.text(usual, &rare, one_in)).collect::<StringArray>();
        let kind = kinds[numbers.below(kinds.len())].clone();
        // What is none of the type is null.
        arrays.push(cast(&texts, &kind).expect("a cast that is known"));
        fields.push(Field::new(name, kind, true));
    }
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns");
    let first = numbers.below(n);
    Frame { schema, batches: vec![rows.slice(0, first), rows.slice(first, n - first)] }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Columns,
    Texts,
}

/// What the rows of a table say.
fn said(frame: &Frame, args: &TableArgs, by: By) -> Result<String, String> {
    let mut reader = TableReader::of_frame(frame, &args.read)?;
    reader.find_repeated(None);
    let places = Places::of(reader.header(), args, Products::Optional)?;
    let of_kind = |at: &usize| Kinds::of(reader.header()[*at].trim());
    let mut gathered = Gathered::default();
    gathered.kinds.extend(places.kinds.iter().map(of_kind));
    if by == By::Columns {
        gathered.add_all(&mut reader, args, &places, Pending::default())?;
        return Ok(gathered.said());
    }
    let mut reading = Reading::of(args, &places);
    reading.format = reader.numbers(&[places.value])?;
    let keys = [Some(places.region), places.product, places.period, places.part(), places.partner];
    reader.take_as_codes(keys.into_iter().flatten().chain(places.kinds.iter().copied()));
    while let Some(block) = reader.next_block()? {
        gathered.add_texts(&mut reader, &block, &reading, &places)?;
    }
    Ok(gathered.said())
}

#[test]
fn typed_columns_are_read_as_their_texts() {
    let asked: [&[&str]; 7] = [
        &[],
        &["--negative=leave-out"],
        &["--negative=leave-out", "--missing=NA,3,.,nan,x"],
        &["--month=month", "--negative=leave-out"],
        &["--product-digits=6", "--missing=7,AA,0.1,x,inf"],
        &["--year=none", "--negative=leave-out", "--missing=x,nan,inf,NA,."],
        &["--product=none", "--region=hs6", "--negative=leave-out"],
    ];
    let (mut n_read, mut n_refused, mut n_repeated) = (0, 0, 0);
    for seed in 0..600 {
        let one_in = if seed % 2 == 0 { 2000 } else { 60 };
        let frame = table(seed, one_in);
        for options in asked {
            let args = args(options);
            let by_texts = said(&frame, &args, By::Texts);
            let by_columns = said(&frame, &args, By::Columns);
            assert_eq!(by_columns, by_texts, "seed {seed}, {options:?}: {:?}", frame.schema);
            match by_texts {
                Ok(_) => n_read += 1,
                Err(_) => n_refused += 1,
            }
            n_repeated +=
                usize::from(by_columns.is_ok_and(|said| !said.ends_with("repeated rows: 0")));
        }
    }
    assert!(
        n_read > 1000 && n_refused > 300 && n_repeated > 10,
        "{n_read} {n_refused} {n_repeated}"
    );
}

#[test]
fn rows_that_stand_twice_are_counted_whether_a_cell_has_one_row_or_more() {
    let texts = |texts: &[&str]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let values: ArrayRef =
        cast(&texts(&["1", "2", "1", "2.5"]), &DataType::Float64).expect("numbers");
    let columns = [
        ("country", texts(&["A", "A", "A", "B"])),
        ("hs6", texts(&["1", "1", "1", "1"])),
        ("value", values),
    ];
    let rows = RecordBatch::try_from_iter(columns).expect("columns");
    let frame = Frame { schema: rows.schema(), batches: vec![rows] };
    for by in [By::Columns, By::Texts] {
        let said = said(&frame, &args(&[]), by).expect("rows");
        assert!(said.ends_with("repeated rows: 1"), "{said}");
    }
}

#[test]
fn a_condition_holds_for_the_same_rows_of_a_frame_and_a_file() {
    let runtime = crate::runtime(1).expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.arrow");
    for seed in 0..40 {
        let frame = table(seed, 2000);
        let file = std::fs::File::create(&path).expect("a file");
        let mut writer = FileWriter::try_new(file, &frame.schema).expect("a writer");
        frame.batches.iter().for_each(|rows| writer.write(rows).expect("written"));
        writer.finish().expect("written");
        for condition in
            ["\"flowCode\" = 'X'", "value > 2", "year = 2008 and month < 3", "nothing = 1"]
        {
            let read = |rows: Option<Arc<Frame>>| {
                let options = ["--where", condition, "--negative=leave-out"];
                let args = TableArgs { rows, file: path.clone(), ..args(&options) };
                let table = Table::read(&args, Products::Needed, runtime.handle())?;
                let periods = table.periods.iter().map(|period| {
                    let cells = period.cells.iter().map(|of| (of.region, of.product, of.value));
                    (period.label.clone(), cells.collect::<Vec<_>>())
                });
                let periods: Vec<_> = periods.collect();
                Ok::<_, String>((table.regions, table.products, periods))
            };
            let of_frame = read(Some(Arc::new(frame.clone())));
            let of_file = read(None);
            // Only a file can be taken for something.
            let words = |why: String| why.split("; the file was taken").next().map(str::to_owned);
            assert_eq!(of_frame.map_err(words), of_file.map_err(words), "seed {seed}, {condition}");
        }
    }
}
