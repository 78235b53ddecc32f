use super::*;
use arrow::array::{
    BinaryArray, Decimal128Array, Float32Array, Int64Array, NullArray, UInt64Array,
};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use project::read_options::ColumnTypes;

fn of(text: &str, types: &[(&str, &str)]) -> Result<RecordBatch, String> {
    of_file(text.as_bytes(), types)
}

fn of_file(bytes: &[u8], types: &[(&str, &str)]) -> Result<RecordBatch, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    std::fs::write(&path, bytes).expect("written");
    let one = |(name, kind): &(&str, &str)| ((*name).to_owned(), kind.parse().expect("a type"));
    let types = ColumnTypes(types.iter().map(one).collect());
    let options = ReadOptions { types, ..ReadOptions::default() };
    let found = read(&path, &options, &Uses::default());
    found.map(|(_, rows)| rows).map_err(|error| error.to_string())
}

fn parquet_of(rows: &RecordBatch, options: ArrowWriterOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = ArrowWriter::try_new_with_options(&mut bytes, rows.schema(), options);
    let mut writer = writer.expect("types that Parquet has");
    writer.write(rows).expect("memory");
    writer.close().expect("memory");
    bytes
}

#[test]
fn text_in_parquet_that_is_no_utf8_is_named() {
    let said = Schema::new(vec![Field::new("x", DataType::Utf8, false)]);
    let said = ArrowSchemaConverter::new().convert(&said).expect("a type that Parquet has");
    let options = ArrowWriterOptions::new().with_parquet_schema(said);
    let texts: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&b"a"[..], &b"\xba\xbc"[..]]));
    let rows = RecordBatch::try_from_iter([("x", texts)]).expect("a column");
    let bytes = parquet_of(&rows, options.with_skip_arrow_metadata(true));
    let error = of_file(&bytes, &[]).expect_err("an error");
    assert!(error.contains("/t`: row 2, column `x`: its bytes are no UTF-8"), "{error}");
}

#[test]
fn nothing_in_a_table_with_types_is_lost() {
    let error = |column: ArrayRef| {
        let rows = RecordBatch::try_from_iter([("x", column)]).expect("a column");
        plain(&rows, &BTreeMap::new()).expect_err("an error")
    };
    let text = error(Arc::new(UInt64Array::from(vec![Some(1), None, Some(u64::MAX)])));
    assert!(text.starts_with("row 3, column `x`: 18446744073709551615 does not"), "{text}");
    let text = error(Arc::new(BinaryArray::from_vec(vec![&b"a"[..], &b"\xff"[..]])));
    assert!(text.starts_with("row 2, column `x`: its bytes are no UTF-8"), "{text}");
    let nothing: ArrayRef = Arc::new(NullArray::new(2));
    let rows = RecordBatch::try_from_iter([("x", nothing)]).expect("a column");
    let (_, rows) = plain(&rows, &BTreeMap::new()).expect("rows");
    assert_eq!(rows.column(0).null_count(), 2);
}

#[test]
fn columns_of_parquet_take_the_type_that_is_asked_for() {
    let read = |column: ArrayRef, kind: &str| {
        let beside: ArrayRef = Arc::new(Int32Array::from(vec![7; column.len()]));
        let rows = RecordBatch::try_from_iter([("x", column), ("n", beside)]);
        let bytes = parquet_of(&rows.expect("columns"), ArrowWriterOptions::new());
        of_file(&bytes, &[("x", kind)])
    };
    let check = |column: ArrayRef, kind: &str, expected: ArrayRef| {
        let rows = read(column, kind).expect("rows");
        assert_eq!(rows.column(0), &expected);
        assert_eq!(rows.column(1).data_type(), &DataType::Int32);
    };
    let ints = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    let doubles = |values: &[f64]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let texts = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    check(ints(&[10121, -1]), "text", texts(&["10121", "-1"]));
    check(ints(&[1 << 53, -1]), "double", doubles(&[9_007_199_254_740_992.0, -1.0]));
    let decimals = Decimal128Array::from(vec![1050, 200]).with_precision_and_scale(9, 2);
    check(Arc::new(decimals.expect("room")), "double", doubles(&[10.5, 2.0]));
    check(ints(&[7]), "int", Arc::new(Int32Array::from(vec![7])));
    check(texts(&["1", "5000000000"]), "int", ints(&[1, 5_000_000_000]));
    check(doubles(&[10121.0, 0.5]), "text", texts(&["10121", "0.5"]));
    check(doubles(&[10121.0]), "int", Arc::new(Int32Array::from(vec![10121])));
    check(texts(&["0101", "-7"]), "int", Arc::new(Int32Array::from(vec![101, -7])));
    check(texts(&["0.1"]), "double", doubles(&[0.1]));
    check(Arc::new(BooleanArray::from(vec![true])), "text", texts(&["true"]));

    let error = |column: ArrayRef, kind: &str| read(column, kind).expect_err("an error");
    let text = error(texts(&["1", "9223372036854775808"]), "int");
    assert!(text.contains("/t`: row 2, column `x`: \"9223372036854775808\" is no"), "{text}");
    let text = error(ints(&[1, (1 << 53) + 1]), "double");
    assert!(text.contains("row 2, column `x`: 9007199254740993 does not fit"), "{text}");
    let large = Decimal128Array::from(vec![(1 << 53) + 1]).with_precision_and_scale(18, 0);
    let text = error(Arc::new(large.expect("room")), "double");
    assert!(text.contains("row 1, column `x`: 9007199254740993 does not fit"), "{text}");
    let text = error(doubles(&[7.5]), "int");
    assert!(text.contains("row 1, column `x`: \"7.5\" is no whole number"), "{text}");
    let text = error(texts(&["a"]), "double");
    assert!(text.contains("row 1, column `x`: \"a\" is no number"), "{text}");
    let text = error(ints(&[1]), "boolean");
    assert!(text.contains("row 1, column `x`: \"1\" is no true or false"), "{text}");
    assert!("float".parse::<ColumnType>().is_err());
}

#[test]
fn codes_of_single_precision_are_refused_where_others_may_be_the_same() {
    let firms = |code: f32| {
        let column: ArrayRef = Arc::new(Float32Array::from(vec![7.0, code]));
        let beside: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let rows = RecordBatch::try_from_iter([("firm", column), ("n", beside)]);
        parquet_of(&rows.expect("columns"), ArrowWriterOptions::new())
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t");
    let read = |code: f32, codes: &[&str]| {
        std::fs::write(&path, firms(code)).expect("written");
        let codes = codes.iter().map(|name| (*name).to_owned()).collect();
        read(&path, &ReadOptions::default(), &Uses { codes, numbers: BTreeSet::new() })
    };
    // 123456789 and 123456792 are one number of single precision.
    let error = read(123_456_789.0, &["firm"]).expect_err("a code").to_string();
    assert!(error.contains("row 2: column `firm`: 123456792 is a number of single"), "{error}");
    assert!(read(123_456_789.0, &["n"]).is_ok());
    assert!(read(16_777_216.0, &["firm"]).is_ok());
}

#[test]
fn columns_take_the_type_that_all_values_have() {
    let rows = of("code,n,x,is,name\n0101,1,1.5,true,a\n1702,-2,,false,\n", &[]).expect("rows");
    let types: Vec<DataType> =
        rows.schema().fields().iter().map(|f| f.data_type().clone()).collect();
    use DataType::{Boolean, Float64, Int32, Utf8};
    assert_eq!(types, [Utf8, Int32, Float64, Boolean, Utf8]);
    let asked = of("code,n\n1101,1\n", &[("code", "text"), ("n", "double")]).expect("rows");
    assert_eq!(asked.schema().field(0).data_type(), &Utf8);
    assert_eq!(asked.schema().field(1).data_type(), &Float64);
}

#[test]
fn whole_numbers_stay_whole() {
    let kind = |text: &str, types: &[_]| {
        let rows = of(&format!("x,n\n{text},1\n7,2\n"), types).expect("rows");
        rows.column(0).data_type().clone()
    };
    assert_eq!(kind("2147483648", &[]), DataType::Int64);
    assert_eq!(kind("-9223372036854775808", &[]), DataType::Int64);
    assert_eq!(kind("2147483648", &[("x", "int")]), DataType::Int64);
    assert_eq!(kind("2147483648", &[("x", "double")]), DataType::Float64);
    assert_eq!(kind("2147483648.5", &[]), DataType::Float64);
    // Neither a double nor 64 bits hold it.
    assert_eq!(kind("9223372036854775808", &[]), DataType::Utf8);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let error = |text, types: &[_]| of(text, types).expect_err("an error");
    assert!(
        error("a,b\n1,2\n3\n", &[]).contains("line 3: 1 columns, expected 2"),
        "{}",
        error("a,b\n1,2\n3\n", &[])
    );
    assert!(
        error("a\nx\n", &[("a", "int")]).contains("row 1, column `a`: \"x\": expected a number")
    );
    assert!(error("alpha\nx\n", &[("alhpa", "int")]).contains("did you mean `alpha`"));
}
