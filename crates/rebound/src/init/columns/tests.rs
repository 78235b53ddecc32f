use super::*;
use crate::init::draft::{Origin, Test};
use crate::init::keys::{code_before_words, name_behind};
use project::read_options::ReadOptions;
use sources::input::{BlockReader, Buffers};
use trade::layout::Field;

fn draft_of(text: &'static str) -> Draft {
    let options = ReadOptions::default();
    let reader = BlockReader::of_text(text.as_bytes(), &options, &Buffers::default());
    let look = FileLook::of_reader("exports.csv", reader.expect("a table")).expect("a look");
    draft(&look)
}

/// The columns of year, flow, region, product, destination and value, `-` for none.
fn columns(draft: &Draft) -> Vec<String> {
    let fields =
        [Field::Year, Field::Flow, Field::Region, Field::Product, Field::Destination, Field::Value];
    let name = |field: &Field| {
        draft.column_of(*field).map_or_else(|| "-".to_owned(), |at| draft.header[at].clone())
    };
    fields.iter().map(name).collect()
}

#[test]
fn columns_of_known_forms_are_those_of_the_source() {
    let baci = draft_of("t,i,j,k,v,q\n2021,4,24,20130,52.051,13.2\n2021,710,24,382390,1.5,NA\n");
    assert_eq!(columns(&baci), ["t", "-", "i", "k", "j", "v"]);
    assert_eq!((baci.value.multiplier, baci.value.currency.as_str()), (1000, "USD"));
    assert!(baci.missing.contains("NA"));
    assert_eq!(baci.fields[&Field::Flow].from, Origin::Constant("export".to_owned()));
    let classic = draft_of(
        "Year,Aggregate Level,Is Leaf Code,Trade Flow Code,Reporter ISO,Partner ISO,Commodity Code,Trade Value (US$)\n\
         2018,2,0,2,IND,WLD,01,30\n2018,6,1,2,IND,WLD,010121,30\n",
    );
    let names = [
        "Year",
        "Trade Flow Code",
        "Reporter ISO",
        "Commodity Code",
        "Partner ISO",
        "Trade Value (US$)",
    ];
    assert_eq!(columns(&classic), names);
    let leaf = &classic.conditions[0];
    assert_eq!((leaf.column, &leaf.test), (2, &Test::In(vec!["1".to_owned()])));
}

#[test]
fn wide_columns_are_flows_years_or_regions() {
    let flows = draft_of(
        "year,hs2,cou,exports,imports,tradebalance\n2000,01,Alberta,5,3,2\n2001,02,Yukon,1,,1\n",
    );
    assert_eq!(columns(&flows), ["year", "-", "cou", "hs2", "-", "-"]);
    let wide = flows.unpivot.expect("flows");
    assert_eq!(wide.columns, [(3, "export".to_owned()), (4, "import".to_owned())]);
    let years = draft_of("region;product;2008;2009\nNorth;0101;1,5;2,5\nSouth;0201;3,5;\n");
    let wide = years.unpivot.as_ref().expect("years");
    assert_eq!(wide.pattern.as_deref(), Some("^([0-9]{4})$"));
    assert_eq!(wide.columns, [(2, "2008".to_owned()), (3, "2009".to_owned())]);
    assert_eq!(columns(&years)[2..4], ["region", "product"]);
    let fiscal = draft_of(
        "Custom_offices,2081/082_import,2081/082_export,2081/082_export_share,2080/081_import,2080/081_export,2080/081_export_share\n\
         A,1,2,3,4,5,6\nB,1,2,3,4,5,6\n",
    );
    let wide = fiscal.unpivot.as_ref().expect("years");
    assert_eq!(wide.pattern.as_deref(), Some("^([0-9]{4})/[0-9]+_export$"));
    assert_eq!(wide.columns, [(2, "2081".to_owned()), (5, "2080".to_owned())]);
    // Imports are another flow, and shares are no values.
    let other = "or ^([0-9]{4})/[0-9]+_import$ and flow: {constant: import}";
    assert_eq!(wide.choose.as_deref(), Some(other));
    assert_eq!(fiscal.fields[&Field::Flow].from, Origin::Constant("export".to_owned()));
    assert_eq!(columns(&fiscal)[2], "Custom_offices");
    let regions = draft_of("year,hs6,North,South\n2000,010110,5,3\n2001,020110,1,2\n");
    let wide = regions.unpivot.expect("regions");
    assert_eq!((wide.field, wide.columns.len()), (Field::Region, 2));
}

#[test]
fn a_mark_that_is_also_a_code_is_no_missing_value() {
    let draft = draft_of(
        "year,region,product,value\n2000,NA,0101,5\n2000,ZA,0101,NA\n2000,BW,0201,7\n2000,LS,0201,7\n2001,ZA,0101,5\n2001,BW,0101,5\n2002,ZA,0101,5\n2002,BW,0101,5\n2002,LS,0101,5\n",
    );
    assert!(!draft.missing.contains("NA"));
    assert!(
        draft.notes[0].contains("NA stands for a missing number in value"),
        "{:?}",
        draft.notes
    );
}

#[test]
fn codes_before_words_are_the_codes() {
    let of = |texts: &[&'static str]| code_before_words(texts.iter().copied());
    assert_eq!(of(&["01 - Live animals", "02 Meat"]), Some(2));
    assert_eq!(of(&["C10: Food", "C11: Drinks"]), Some(3));
    assert_eq!(of(&["01", "02"]), None);
    assert_eq!(of(&["01 a", "0201 b"]), None);
    assert_eq!(of(&["1", "Total"]), None);
    assert_eq!(name_behind("01 - Live animals", 2), "Live animals");
}

#[test]
fn industries_are_no_regions() {
    let mexico = draft_of(
        "ANIO,TRIMESTRE,CVE_ENT,ENTIDAD,SUBSECTOR,DESCRIPCION,VALOR_MILES_USD\n\
         2007,1,01,Aguascalientes,311,Industria alimentaria,5\n2007,2,02,Chihuahua,311,Industria alimentaria,C\n\
         2008,3,01,Aguascalientes,336,Transporte,7\n2008,4,02,Chihuahua,336,Transporte,8\n",
    );
    let names = ["ANIO", "-", "ENTIDAD", "SUBSECTOR", "-", "VALOR_MILES_USD"];
    assert_eq!(columns(&mexico), names);
    assert_eq!((mexico.value.multiplier, mexico.value.currency.as_str()), (1000, "USD"));
    assert!(mexico.missing.contains("C") && mexico.value.stand_ins["C"] == 1);
    let month = &mexico.fields[&Field::Month];
    assert_eq!(month.map[3], ("4".to_owned(), "10".to_owned()));
    assert_eq!(mexico.product.names, Some(5));
    let wales = draft_of(
        "Data values,Year,Area,Industry,Measure,Notes\n1.50,2006,North,Food,Exports (£ million),\n\
         2.50,2006,South,Steel,Exports (£ million),\n2.50,2006,South,Food,Exports (£ million),\n",
    );
    assert_eq!(columns(&wales), ["Year", "-", "Area", "Industry", "-", "Data values"]);
    assert_eq!((wales.value.multiplier, wales.value.currency.as_str()), (1_000_000, "GBP"));
    let flow = &wales.fields[&Field::Flow];
    assert_eq!((&flow.from, &flow.choose), (&Origin::Constant("export".to_owned()), &None));
}

#[test]
fn headers_of_products_are_unpivoted() {
    let chapters = draft_of("Country;Year;HS01;HS02;HS97\nAFK;2007;1,5;;2\nBGL;2007;;2,5;3\n");
    let wide = chapters.unpivot.as_ref().expect("chapters");
    assert_eq!((wide.field, wide.pattern.as_deref()), (Field::Product, Some("^HS([0-9]{2})$")));
    assert_eq!(columns(&chapters)[..3], ["Year", "-", "Country"]);
    let names = draft_of("region,year,Food,Steel\nNorth,2007,1,2\nSouth,2008,3,4\n");
    let wide = names.unpivot.as_ref().expect("names");
    assert_eq!((wide.field, wide.columns.len()), (Field::Product, 2));
}

#[test]
fn lines_behind_the_rows_and_cells_below_are_seen() {
    let text = draft_of(
        "region,product,value\nNorth,0101,5\n,0201,6\nSouth,0101,7\n,0201,8\n\nSource: customs\n",
    );
    assert_eq!(text.footer.as_deref(), Some("^Source: customs"));
    assert_eq!(text.fill_down, [0]);
}

#[test]
fn headers_in_chinese_say_what_columns_hold() {
    let draft = draft_of(
        "年份,月份,进出口,省份,商品编码,目的国,企业性质,金额(美元),数量\n\
         2007,1,出口,北京市,84713000,美国,国有企业,5,7\n2007,2,进口,上海市,85171210,日本,私营企业,6,8\n\
         2008,3,出口,北京市,85171210,日本,国有企业,7,9\n2008,1,出口,上海市,84713000,日本,国有企业,5,7\n",
    );
    let names = ["年份", "进出口", "省份", "商品编码", "目的国", "金额(美元)"];
    assert_eq!(columns(&draft), names);
    let of = |field: Field| draft.column_of(field).map(|at| draft.header[at].as_str());
    assert_eq!(of(Field::Month), Some("月份"));
    assert_eq!(of(Field::Ownership), Some("企业性质"));
    assert_eq!(of(Field::Quantity), Some("数量"));
}
