//! The shipped layouts on files in exactly the form they are for, and files that are damaged.

use crate::support::{Project, Raw, root};
use arrow::array::{
    Array, ArrayRef, BinaryArray, Float32Array, Float64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use dta::stata::dta::byte_order::ByteOrder;
use dta::stata::dta::dta_writer::DtaWriter;
use dta::stata::dta::header::Header;
use dta::stata::dta::release::Release;
use dta::stata::dta::schema::Schema;
use dta::stata::dta::value::Value;
use dta::stata::dta::variable::Variable;
use dta::stata::dta::variable_type::VariableType;
use dta::stata::stata_double::StataDouble;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use std::borrow::Cow;
use std::io::{Cursor, Write as _};
use std::sync::Arc;

fn gb18030(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

/// Files of `layout`, in GB18030, give `records`.
#[track_caller]
fn check(layout: &str, files: &[(&str, &str)], records: &[&str]) -> Raw {
    let raw = Raw::new(layout);
    for (name, text) in files {
        raw.file(name, &gb18030(text));
    }
    raw.run().ok();
    assert_eq!(raw.records(), records, "{:?}", raw.rejects());
    raw
}

const PACKED: [&str; 2] = [
    "2000,1,export,440300,85171100,HS1996,USA,10,private,field,4403161234,Shenzhen Electronics,10.0,1000.00,",
    "2000,2,export,330100,50072011,HS1996,JPN,14,private,fallback,3301961234,Hangzhou Silk,5.0,250.00,",
];

#[test]
fn every_packing_gives_the_same_records() {
    for name in [
        "rows.csv.gz",
        "rows.csv.bz2",
        "rows.csv.xz",
        "rows.csv.zst",
        "rows.zip",
        "rows_114.dta",
        "rows_117.dta",
        "rows_118.dta",
        "rows_119.dta",
        "rows_117_strl.dta",
        "rows_118_strl.dta",
        "rows.parquet",
    ] {
        let raw = Raw::new("china_2000_2001");
        raw.fixture(name);
        raw.run().ok();
        assert_eq!(raw.records(), PACKED, "{name}: {:?}", raw.rejects());
    }
}

#[test]
fn members_of_an_archive_and_files_of_folders_have_names() {
    let raw = Raw::new("china_2000_2001");
    raw.file(
        "2000/01/rows.zip",
        &std::fs::read(root().join("tests/fixtures/packed/rows.zip")).expect("it"),
    );
    raw.file(".hidden/x.csv", b"no header");
    raw.run().ok();
    assert_eq!(
        raw.sql("select source_file, n_records from customs.reconciliation order by 1"),
        ["raw/2000/01/rows.zip/a.csv,1", "raw/2000/01/rows.zip/b.csv,1"]
    );
}

#[test]
fn two_members_of_one_name_stop_the_run() {
    let path = root().join("tests/fixtures/packed/rows.zip");
    let mut zip = std::fs::read(path).expect("a fixture");
    let places: Vec<usize> =
        zip.windows(5).enumerate().filter(|(_, w)| *w == b"b.csv").map(|(at, _)| at).collect();
    assert_eq!(places.len(), 2, "beside the member, and in the directory");
    for at in places {
        zip[at] = b'a';
    }
    check_file("rows.zip", &zip, &["`raw/rows.zip`", "have the name `a.csv`", "unpack it"]);
}

#[test]
fn stata_file_of_before_unicode_is_read_in_the_layouts_encoding() {
    let raw = Raw::new("china_2000_2001");
    let path = root().join("tests/fixtures/packed/rows_114.dta");
    let mut bytes = std::fs::read(path).expect("a fixture");
    let at = bytes.windows(8).position(|w| w == b"Hangzhou").expect("the name");
    bytes[at..at + 8].copy_from_slice(&gb18030("杭州贸易"));
    raw.file("rows.dta", &bytes);
    raw.run().ok();
    assert_eq!(
        raw.sql("select firm_name, rules from customs.records where firm = '3301961234'"),
        ["杭州贸易 Silk,intermediaries"]
    );
}

/// A row in the form of the layout `china_2000_2001`.
const CELLS: [(&str, &str); 10] = [
    ("shipment_date", "200001"),
    ("exp_imp", "0"),
    ("party_id", "4403161234"),
    ("company", "A"),
    ("CompanyType", "6"),
    ("hs_id", "85171100"),
    ("country", "502"),
    ("value", "7"),
    ("quantity", "1"),
    ("shipment", "10"),
];

/// Rows like it, with these columns.
fn rows_of(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let n = columns[0].1.len();
    let columns = CELLS.map(|(name, text)| {
        let given = columns.iter().find(|(given, _)| *given == name);
        let same = || Arc::new(StringArray::from(vec![text; n])) as ArrayRef;
        (name, given.map_or_else(same, |(_, column)| Arc::clone(column)))
    });
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

/// A Parquet file of such rows.
fn parquet_of(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    written(&rows_of(columns), ArrowWriterOptions::new())
}

/// One that says of columns of bytes that they are text in UTF-8.
fn parquet_said_to_be_text(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let rows = rows_of(columns);
    let said = rows.schema();
    let said = said.fields().iter().map(|f| Field::new(f.name(), DataType::Utf8, f.is_nullable()));
    let said = ArrowSchema::new(said.collect::<Vec<_>>());
    let said = ArrowSchemaConverter::new().convert(&said).expect("types that Parquet has");
    let options = ArrowWriterOptions::new().with_parquet_schema(said);
    written(&rows, options.with_skip_arrow_metadata(true))
}

fn written(rows: &RecordBatch, options: ArrowWriterOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, rows.schema(), options)
        .expect("types that Parquet has");
    writer.write(rows).expect("memory");
    writer.close().expect("memory");
    bytes
}

/// A Stata file of one such row, with these numbers.
fn dta_of(numbers: &[(&str, f64)]) -> Vec<u8> {
    let cells = CELLS.map(|(name, text)| {
        let given = numbers.iter().find(|(given, _)| *given == name);
        let value = match given {
            Some((_, number)) => Value::Double(StataDouble::Present(*number)),
            None => Value::String(Cow::Borrowed(text)),
        };
        (name, value)
    });
    let mut schema = Schema::builder();
    for (name, value) in &cells {
        let (kind, format) = match value {
            Value::Double(_) => (VariableType::Double, "%10.0g"),
            _ => (VariableType::FixedString(10), "%10s"),
        };
        schema = schema.add_variable(Variable::builder(kind, *name).format(format));
    }
    let header = Header::builder(Release::V118, ByteOrder::LittleEndian).build();
    let writer = DtaWriter::new().from_writer(Cursor::new(Vec::new()));
    let writer = writer.write_header(header).expect("memory");
    let writer = writer.write_schema(schema.build().expect("variables")).expect("memory");
    let mut writer = writer.into_record_writer().expect("memory");
    writer.write_record(&cells.map(|(_, value)| value)).expect("memory");
    let writer = writer.into_long_string_writer().expect("memory");
    let writer = writer.into_value_label_writer().expect("memory");
    writer.finish().expect("memory").into_inner()
}

#[test]
fn names_that_parquet_has_as_bytes_are_read_in_the_layouts_encoding() {
    let of = |names: [&[u8]; 2]| {
        parquet_of(&[("company", Arc::new(BinaryArray::from_vec(names.to_vec())))])
    };
    let chinese = gb18030("杭州贸易");
    // Bytes that are UTF-8 of something else.
    let doubtful = gb18030("双台");
    assert!(std::str::from_utf8(&doubtful).is_ok());
    let raw = Raw::new("china_2000_2001");
    raw.file("a.parquet", &of([&chinese, b"Silk"]));
    raw.file("b.parquet", &of([&doubtful, b"Silk"]));
    raw.run().ok();
    let expected = ["杭州贸易,intermediaries", "Silk,", "双台,", "Silk,"];
    let query = "select firm_name, rules from customs.records order by source_file, source_row";
    assert_eq!(raw.sql(query), expected);

    let raw = Raw::new("china_2000_2001");
    raw.0.edit("config/layouts/china_2000_2001.yaml", "encoding: gb18030", "encoding: utf-8");
    raw.file("a.parquet", &of([&chinese, b"Silk"]));
    raw.run().ok();
    assert_eq!(
        raw.sql("select source_row, reason, column_name, fob_value from customs.rejects"),
        ["1,invalid_encoding,company,7.00"]
    );
    assert_eq!(raw.sql("select firm_name from customs.records"), ["Silk"]);
}

#[test]
fn text_in_parquet_that_is_no_utf8_is_read_in_the_layouts_encoding_or_rejected() {
    let of = |names: &[&[u8]]| {
        let names = Arc::new(BinaryArray::from_vec(names.to_vec())) as ArrayRef;
        parquet_said_to_be_text(&[("company", names)])
    };
    let (chinese, unicode) = (gb18030("杭州贸易"), "杭州贸易".as_bytes());
    // Bytes that are UTF-8 of something else, and characters that are cut short.
    let (doubtful, cut) = (gb18030("双台"), &unicode[..8]);
    let raw = Raw::new("china_2000_2001");
    raw.file("a.parquet", &of(&[&doubtful, &chinese, b"Silk", &chinese]));
    raw.file("b.parquet", &of(&[unicode, cut, unicode]));
    raw.run().ok();
    let query = "select firm_name from customs.records order by source_file, source_row";
    let expected = ["双台", "杭州贸易", "Silk", "杭州贸易", "杭州贸易", "杭州贸易"];
    assert_eq!(raw.sql(query), expected);
    let rejects =
        "select source_file, source_row, reason, column_name, fob_value from customs.rejects";
    assert_eq!(raw.sql(rejects), ["raw/b.parquet,2,invalid_encoding,company,7.00"]);

    let raw = Raw::new("china_2000_2001");
    raw.0.edit("config/layouts/china_2000_2001.yaml", "encoding: gb18030", "encoding: utf-8");
    raw.file("a.parquet", &of(&[&chinese, b"Silk", unicode]));
    raw.run().ok();
    assert_eq!(raw.sql(query), ["Silk", "杭州贸易"]);
    assert_eq!(raw.sql(rejects), ["raw/a.parquet,1,invalid_encoding,company,7.00"]);
}

#[test]
fn values_of_single_precision_are_exact() {
    let values = Float32Array::from(vec![123_456_792.0, 1234.56, 1234.567]);
    let raw = Raw::new("china_2000_2001");
    raw.file("a.parquet", &parquet_of(&[("value", Arc::new(values))]));
    raw.run().ok();
    let found = raw.sql("select fob_value from customs.records order by source_row");
    assert_eq!(found, ["123456792.00", "1234.56"]);
    assert_eq!(raw.rejects(), ["3,too_many_decimals,value,1234.567"]);
}

#[test]
fn stored_numbers_are_read_as_they_are_whatever_the_marks_of_texts() {
    let numbers = |numbers: [f64; 3]| Arc::new(Float64Array::from(numbers.to_vec())) as ArrayRef;
    let raw = Raw::new("china_2000_2001");
    let layout = "config/layouts/china_2000_2001.yaml";
    raw.0.edit(layout, "decimal: \".\"", "decimal: \",\"");
    raw.0.edit(layout, "thousands: null", "thousands: \".\"");
    let stored = parquet_of(&[
        ("hs_id", numbers([85_171_100.0, 1_019_000.0, 851_712.5])),
        ("value", numbers([1234.5, 0.25, 3.5])),
        ("quantity", numbers([2.5, 1000.125, 1.0])),
    ]);
    raw.file("a.parquet", &stored);
    raw.file("b.dta", &dta_of(&[("hs_id", 85_171_100.0), ("value", 1234.5), ("quantity", 2.5)]));
    let single = Arc::new(Float32Array::from(vec![1234.56]));
    let texts = Arc::new(StringArray::from(vec!["1.234,5"]));
    raw.file("c.parquet", &parquet_of(&[("value", single), ("quantity", texts)]));
    raw.run().ok();
    let found = raw.sql(
        "select product_code, fob_value, quantity from customs.records order by source_file, source_row",
    );
    let expected = [
        "85171100,1234.50,2.5",
        "01019000,0.25,1000.125",
        "85171100,1234.50,2.5",
        "85171100,1234.56,1234.5",
    ];
    assert_eq!(found, expected);
    // Without its last zeros, it would be the code 08517125.
    assert_eq!(raw.rejects(), ["3,invalid_product_code,hs_id,\"851712,5\""]);
    assert_eq!(raw.sql("select fob_value from customs.rejects"), ["3.50"]);
}

#[test]
fn china_2002_takes_the_month_from_the_name() {
    check(
        "china_2002",
        &[(
            "2002-11.csv",
            "hs_id,party_id,pname,companytype,国家名称_C,进出口_C,贸易类型_C,value,quantity\n\
             61091000,4403161234,深圳制衣,外商独资企业,美国,出口,一般贸易,1200,30\n\
             1019000,3223961234,昆山农业,,日本,出口,来料加工装配贸易,80,2\n",
        )],
        &[
            "2002,11,export,440300,61091000,HS2002,USA,10,wholly_foreign,field,4403161234,深圳制衣,30.0,1200.00,",
            "2002,11,export,320500,01019000,HS2002,JPN,14,private,fallback,3223961234,昆山农业,2.0,80.00,",
        ],
    );
}

#[test]
fn china_2005_has_two_sets_of_headers() {
    let raw = check(
        "china_2003_2005",
        &[
            (
                "2005-01.csv",
                "shipment_date,exp_imp,party_id,company,companyType,hs_id,country,value,quantity,shipment\n\
                 200501,0,4403161234,A,6,85171100,502,10,1,10\n",
            ),
            (
                "2005-12.csv",
                "日期,进口或出口,HS编码,HS中文,金额,数量,价格,数量单位,企业编码,经营单位,消费地或生产地,企业性质,起运国或目的国,口岸海关,贸易方式\n\
                 200512,出口,61091000,T恤,20,2,10,件,1101961234,外贸公司,33019,私营企业,日本,上海,进料加工贸易\n\
                 200512,进口,61091000,T恤,30,2,15,件,1101961234,外贸公司,99119,私营企业,日本,上海,进料加工贸易\n",
            ),
        ],
        &[
            "2005,1,export,440300,85171100,HS2002,USA,10,private,field,4403161234,A,1.0,10.00,",
            "2005,12,export,330100,61091000,HS2002,JPN,15,private,field,1101961234,外贸公司,2.0,20.00,intermediaries",
            "2005,12,import,999000,61091000,HS2002,JPN,15,private,field,1101961234,外贸公司,2.0,30.00,intermediaries",
        ],
    );
    assert_eq!(
        raw.sql("select field, raw_code, code, n_entries, fob_value from customs.unmapped"),
        ["region,9911,999000,1,30.00"]
    );
}

#[test]
fn china_2006_lost_a_header_and_its_numbers_are_texts() {
    check(
        "china_2006",
        &[(
            "2006_03.csv",
            "月度,进出口,企业代码,企业名称,企业类型,商品代码,var18,贸易方式,金额,数量\n\
             \"200603\",\"0\",\"4403161234\",\"深圳\",\"2\",\"1019000\",\"110\",\"15\",\"1.2E+05\",\"7\"\n",
        )],
        &[
            "2006,3,export,440300,01019000,HS2002,HKG,15,contractual_jv,field,4403161234,深圳,7.0,120000.00,",
        ],
    );
}

#[test]
fn china_2007_2011_recodes_the_trade_mode_and_keeps_invalid_bytes() {
    let raw = Raw::new("china_2007_2011");
    let mut text = gb18030(
        "_日期,_进口或出口,_税号编码,_企业编码,_经营单位,_消费地进口or生产地出口,_海关口岸,_企业性质,_起运国或目的国,_贸易方式,_中转国,_金额,_数量\n\
         200811,0,1019000.0,4403161234,深圳贸易,44031,5301,3,502,2,110,5000,10\n\
         200811,0,85171100,4403161234,X",
    );
    text.extend(b"\xff\x39");
    text.extend(gb18030(",44031,5301,3,142,1,110,70,1\n"));
    raw.file("2008_part1.csv", &text);
    raw.run().ok();
    assert_eq!(
        raw.records(),
        [
            "2008,11,export,440300,01019000,HS2007,USA,processing,equity_jv,field,4403161234,深圳贸易,10.0,5000.00,intermediaries",
            "2008,11,export,440300,85171100,HS2007,CHN,10,equity_jv,field,4403161234,X\u{fffd}9,1.0,70.00,returns",
        ]
    );
}

#[test]
fn china_2012_2016_has_no_quantity_in_its_last_year() {
    check(
        "china_2012_2016",
        &[
            (
                "2012.csv",
                "经营单位代码_EntCd,经营单位名称_EntNm,进出口分类代码_ImpExpTypeCd,HS商品编码_HSCd,金额_美元_Sum_USD,贸易方式代码_TrdMdCd,产消国代码_PrdMktCntryCd,数量_Quantity,价格_Price,数量单位代码_QuantityUnitCd\n\
                 4403161234,深圳,0,85171100,10,23,502,3,3.3,001\n",
            ),
            (
                "2016.csv",
                "经营单位代码_EntCd,经营单位名称_EntNm,进出口分类代码_ImpExpTypeCd,HS商品编码_HSCd,金额_美元_Sum_USD,贸易方式代码_TrdMdCd,起运国或目的国代码_BegEndCntryCd\n\
                 4403161234,深圳,0,85171100,20,1,110\n",
            ),
        ],
        &[
            "2012,,export,440300,85171100,HS2012,USA,processing,private,fallback,4403161234,深圳,3.0,10.00,",
            "2016,,export,440300,85171100,HS2012,HKG,10,private,fallback,4403161234,深圳,,20.00,",
        ],
    );
}

#[test]
fn china_query_has_commas_dashes_and_the_flow_in_its_name() {
    let header = "数据年月,商品编码,商品名称,贸易伙伴编码,贸易伙伴名称,贸易方式编码,贸易方式名称,注册地编码,注册地名称,第一数量,第一计量单位,第二数量,第二计量单位,人民币\n";
    let raw = check(
        "china_query",
        &[(
            "出口2021.csv",
            &format!(
                "{header}202103,85171100,电话,502,美国,10,一般贸易,44,广东省,\"1,234\",台,-,-,\"56,789\"\n\
                 202103,85171100,电话,502,美国,10,一般贸易,44,广东省\n"
            ),
        )],
        &["2021,3,export,44,85171100,HS2017,USA,10,,,,,1234.0,56789.00,"],
    );
    assert_eq!(raw.rejects(), ["3,column_count,,\"9 columns, expected 14\""]);
}

#[test]
fn brazil_by_state_and_by_municipality() {
    check(
        "brazil_comexstat",
        &[(
            "EXP_2020.csv",
            "\"CO_ANO\";\"CO_MES\";\"CO_NCM\";\"CO_UNID\";\"CO_PAIS\";\"SG_UF_NCM\";\"CO_VIA\";\"CO_URF\";\"QT_ESTAT\";\"KG_LIQUIDO\";\"VL_FOB\"\n\
             \"2020\";\"01\";\"12019000\";\"10\";\"160\";\"PR\";\"01\";\"0817800\";100;60;5000\n",
        )],
        &["2020,1,export,41,12019000,HS2017,CHN,,,,,,60.0,5000.00,"],
    );
    check(
        "brazil_comexstat_mun",
        &[(
            "EXP_2020_MUN.csv",
            "\"CO_ANO\";\"CO_MES\";\"SH4\";\"CO_PAIS\";\"SG_UF_MUN\";\"CO_MUN\";\"KG_LIQUIDO\";\"VL_FOB\"\n\
             \"2020\";\"01\";\"1201\";\"160\";\"PR\";\"4118204\";60;5000\n",
        )],
        &["2020,1,export,4118204,1201,HS2017,CHN,,,,,,60.0,5000.00,"],
    );
}

#[test]
fn parana_runs_whole_and_its_totals_are_those_of_the_file() {
    let project = Project::new();
    project.rebound(&["run", "pipelines/parana.yaml"]).ok();
    let sql = |query: &str| {
        project.rebound(&["sql", query, "--format", "csv", "--lake", "lake-parana"]).ok().out
    };
    // Summed by another program from the file.
    let totals = [
        "2020,12187367929.00",
        "2021,13690240709.00",
        "2022,16775794571.00",
        "2023,20037870308.00",
        "2024,18033410738.00",
        "2025,18178920883.00",
    ];
    let found =
        sql("select year, sum(fob_value) from trade.region_year group by year order by year");
    assert_eq!(found.lines().skip(1).collect::<Vec<_>>(), totals);
    let found = sql(
        "select count(*), count(resistance), count(recovery) from panel.region where episode = 'shock_2020'",
    );
    let counts: Vec<usize> = found
        .lines()
        .nth(1)
        .into_iter()
        .flat_map(|l| l.split(','))
        .map(|n| n.parse().unwrap_or(0))
        .collect();
    assert_eq!(counts[0], 238);
    assert!(counts[1] > 100 && counts[2] > 100, "{found}");
    let names = sql("select region_name from trade.region where region_code = '4118204'");
    assert!(names.contains("Paranaguá"), "{names}");

    // Months and quantities are sums over the records.
    let found = sql(
        "select count(*), sum(case when a.fob_value = b.value then 1 end) from trade.region_product_month a \
         join (select year, month, region_code, product, sum(fob_value) as value from customs.records group by 1, 2, 3, 4) b \
         on b.year = a.year and b.month = a.month and b.region_code = a.region_code and b.product = a.product",
    );
    let counts: Vec<&str> = found.lines().nth(1).expect("a row").split(',').collect();
    assert!(counts[0] == counts[1] && counts[0].len() == 5, "{found}");
    // Unit values, the nation's and quality, stated in SQL: fewer than 50 municipalities of a product, none is trimmed.
    let found = sql(
        "with x as (select region_code, product, year, sum(quantity) as q, sum(cast(fob_value as double)) as v from customs.records \
             where year in (2020, 2025) group by 1, 2, 3), \
         y as (select *, v / q as p, count(*) over (partition by product, year) as n, \
             sum(v) over (partition by product, year) / sum(q) over (partition by product, year) as national, \
             avg(ln(q) + 5 * ln(v / q)) over (partition by product, year) as mean from x where q > 0 and v > 0), \
         z as (select a.region_code, a.product, ln((b.p / b.national) / (a.p / a.national)) as change, \
             ((ln(b.q) + 5 * ln(b.p) - b.mean) - (ln(a.q) + 5 * ln(a.p) - a.mean)) / 4 as quality \
             from y a join y b on b.region_code = a.region_code and b.product = a.product and a.year = 2020 and b.year = 2025 \
             where a.n between 2 and 49 and b.n between 2 and 49) \
         select count(*), sum(case when abs(f.relative_change - change) < 1e-9 and abs(f.quality_change - quality) < 1e-9 \
             then 1 end) from z join resilience.unit_value f on f.region_code = z.region_code and f.product = z.product \
             and f.episode = 'shock_2020' and f.quantity_unit = 'kg'",
    );
    let counts: Vec<&str> = found.lines().nth(1).expect("a row").split(',').collect();
    assert!(counts[0] == counts[1] && counts[0].len() == 3, "{found}");
}

const HEADER: &str =
    "shipment_date,exp_imp,party_id,company,CompanyType,hs_id,country,value,quantity,shipment\n";

fn row(date: &str, hs: &str, value: &str) -> String {
    format!("{date},0,4403161234,A,6,{hs},502,{value},1,10\n")
}

/// One row of a file of 2000 becomes `expected`: `value as HS8`, or its reject.
#[track_caller]
fn check_row(row: &str, expected: &str) {
    let raw = Raw::new("china_2000_2001");
    raw.file("a.csv", &[HEADER.as_bytes(), row.as_bytes()].concat());
    raw.run().ok();
    let found = [
        raw.sql("select fob_value || ' as ' || product_code from customs.records"),
        raw.sql("select reason || ': ' || found from customs.rejects"),
    ]
    .concat();
    let found: Vec<_> = found.iter().map(|text| text.trim_matches('"')).collect();
    assert_eq!(found, [expected], "{row:?}");
}

#[test]
fn numbers_and_codes_as_they_come() {
    check_row(&row("200001", "85171100", "1.2E+05"), "120000.00 as 85171100");
    check_row(&row("200001", "8517.11.00", " 7 "), "7.00 as 85171100");
    check_row(&row("200001", "1019000", "7"), "7.00 as 01019000");
    check_row(&row("200001", "85171100", "#N/A"), "not_a_number: #N/A");
    check_row(&row("200001", "85171100", "1 234"), "not_a_number: 1 234");
    check_row(&row("200001", "85171100", "\"1,234\""), "not_a_number: 1,234");
    check_row(&row("200001", "85171100", "-"), "missing_value: ");
    check_row(
        &row("200001", "85171100", "99999999999999999999"),
        "number_too_large: 99999999999999999999",
    );
    check_row(
        &row("200001", "85171100", "999999999999999999.99"),
        "number_too_large: 999999999999999999.99",
    );
    for digits in ["85", "8517", "851711", "851711001", "8517110012", "851711001234"] {
        check_row(&row("200001", digits, "7"), &format!("invalid_product_code: {digits}"));
    }
    check_row(&row("200013", "85171100", "7"), "invalid_month: 13");
    check_row(&row("190001", "85171100", "7"), "no_hs_revision: 1900");
    check_row(&row("300001", "85171100", "7"), "invalid_year: 3000");
    check_row("200001,0,4403161234\n", "column_count: 3 columns, expected 10");
    check_row("200001,0,4403161234,A\0B,6,85171100,502,7,1,10\n", "nul_byte: a NUL byte");
    check_row(
        "200001,0,4403161234,\"A,6,85171100,502,7,1,10\n",
        "unclosed_quote: a quote that does not close",
    );
    check_row("200001,0,4403161234,\"A\nB\",6,85171100,502,7,1,10\r\n", "7.00 as 85171100");
}

#[test]
fn marks_of_other_systems_are_understood() {
    for text in [
        format!("\u{feff}{HEADER}{}", row("200001", "85171100", "7")),
        format!("{HEADER}{}", row("200001", "85171100", "7")).replace('\n', "\r\n"),
        format!("{HEADER}{}", row("200001", "85171100", "7")).replace('\n', "\r"),
        format!("{HEADER}\n\r\n{}\n\n", row("200001", "85171100", "7")),
    ] {
        let raw = Raw::new("china_2000_2001");
        raw.file("a.csv", text.as_bytes());
        raw.run().ok();
        assert_eq!(raw.sql("select fob_value from customs.records"), ["7.00"], "{text:?}");
    }
    let text = format!("\u{feff}{HEADER}{}", row("200001", "85171100", "7"));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let raw = Raw::new("china_2000_2001");
    raw.file("a.csv", &utf16);
    raw.run().ok();
    assert_eq!(raw.sql("select fob_value from customs.records"), ["7.00"]);
}

/// A damaged file stops the run with exit code 2 and says `expected`.
#[track_caller]
fn check_file(name: &str, bytes: &[u8], expected: &[&str]) {
    let raw = Raw::new("china_2000_2001");
    raw.file(name, bytes);
    let ran = raw.run();
    for text in expected {
        assert!(ran.code == 2 && ran.err.contains(text), "{text:?} is not in: {ran:?}");
    }
}

#[test]
fn damaged_files_are_named_and_stop_the_run() {
    let fixture = |name: &str| {
        std::fs::read(root().join("tests/fixtures/packed").join(name)).expect("a fixture")
    };
    for name in ["rows.csv.gz", "rows.csv.bz2", "rows.csv.xz", "rows.csv.zst", "rows.zip"] {
        let bytes = fixture(name);
        check_file(
            name,
            &bytes[..bytes.len() - 7],
            &[name, "damaged or cut short", "fetch it again"],
        );
    }
    let mut zip = fixture("rows.zip");
    zip[60] ^= 0x55;
    check_file("rows.zip", &zip, &["rows.zip", "damaged or cut short"]);
    for name in ["rows_114.dta", "rows_118.dta"] {
        let bytes = fixture(name);
        check_file(name, &bytes[..bytes.len() / 2], &[name]);
    }
    let parquet = fixture("rows.parquet");
    check_file("rows.parquet", &parquet[..parquet.len() - 9], &["rows.parquet"]);
    check_file("a.csv", b"", &["a.csv", "it is empty"]);
    check_file(
        "a.csv",
        HEADER.replace("hs_id", "hsid").as_bytes(),
        &["no column for `product`", "expects hs_id", "did you mean `hsid`?"],
    );
}

#[test]
fn many_small_blocks_and_many_files_give_every_row_once() {
    let raw = Raw::new("china_2000_2001");
    for file in 0..5 {
        let mut text = Vec::from(HEADER);
        for at in 0..20_000 {
            write!(text, "{}", row("200001", "85171100", &(file * 20_000 + at).to_string()))
                .expect("memory");
        }
        raw.file(&format!("{file}.csv"), &text);
    }
    raw.run().ok();
    assert_eq!(
        raw.sql("select count(*), count(distinct fob_value), sum(fob_value), max(source_row) from customs.records"),
        ["100000,100000,4999950000.00,20001"]
    );
}
