//! Files as people have them, read by `measure`, by `estimate --data` and by a small layout.

use crate::support::{Project, Ran, Raw};
use std::fmt::Write as _;
use std::io::Cursor;

fn measure(project: &Project, file: &str, more: &[&str]) -> Ran {
    project.rebound(&[&["measure", file], more].concat())
}

/// The cells that are measured, as `region product value`.
#[track_caller]
fn cells(project: &Project, file: &str, more: &[&str]) -> Vec<String> {
    let fixed = ["--metrics", "rca", "--rows", "cells"];
    let ran = measure(project, file, &[&fixed[..], more].concat()).ok();
    let mut reader = ::csv::Reader::from_reader(ran.out.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let value = header.iter().position(|name| name == "rca").expect("an RCA") - 1;
    let cell = |row: ::csv::StringRecord| {
        let number: f64 = row[value].parse().expect("a number");
        let labels: Vec<&str> = row.iter().take(value).collect();
        (number > 0.0).then(|| format!("{} {number}", labels.join(" ")))
    };
    let mut found: Vec<String> =
        reader.records().filter_map(|row| cell(row.expect("a row"))).collect();
    found.sort();
    found
}

const PLAIN: [&str; 4] = ["A 0101 10", "A 8471 2.5", "B 0101 1", "B 8471 30"];

/// The same table in many forms.
fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let of = |delimiter: &str, quote: &str, end: &str| {
        let rows = [["region", "product", "value"], ["A", "0101", "10"], ["A", "8471", "2.5"]];
        let more = [["B", "0101", "1"], ["B", "8471", "30"]];
        let row = |row: &[&str; 3]| {
            let quoted: Vec<String> = row.iter().map(|f| format!("{quote}{f}{quote}")).collect();
            quoted.join(delimiter) + end
        };
        rows.iter().chain(&more).map(row).collect::<String>()
    };
    let plain = of(",", "", "\n");
    let utf16 = |from: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}{plain}").encode_utf16().flat_map(from).collect()
    };
    let titled = format!("Exports by region and product, 2010\nUnit: dollars\n\n{plain}");
    let noted = format!("{plain}\nSource: customs, as of May\nPreliminary\n");
    let trailing =
        format!("region,product,value\n{}", of(",", "", ",\n").split_once('\n').expect("rows").1);
    let json = r#"[{"region":"A","product":"0101","value":10},{"region":"A","product":"8471","value":2.5},
        {"region":"B","product":"0101","value":1},{"region":"B","product":"8471","value":30,"note":[1]}]"#;
    let lines = json.trim_matches(['[', ']']).replace("},", "}\n").replace("        ", "");
    vec![
        ("semicolons.csv", of(";", "\"", "\r\n").into_bytes()),
        ("tabs.tsv", of("\t", "", "\n").into_bytes()),
        ("bars.txt", of("|", "", "\n").into_bytes()),
        ("cr.csv", of(",", "", "\r").into_bytes()),
        ("utf16_le.csv", utf16(u16::to_le_bytes, "")),
        ("utf16_be.csv", utf16(u16::to_be_bytes, "")),
        ("utf16_mark.csv", utf16(u16::to_le_bytes, "\u{feff}")),
        ("mark.csv", format!("\u{feff}{plain}").into_bytes()),
        ("sep.csv", format!("sep=;\n{}", of(";", "", "\n")).into_bytes()),
        ("titled.csv", titled.into_bytes()),
        ("noted.csv", noted.into_bytes()),
        ("trailing.csv", trailing.into_bytes()),
        ("array.json", json.as_bytes().to_vec()),
        ("answer.json", format!("{{\"count\": 4, \"data\": {json}}}").into_bytes()),
        ("lines.jsonl", lines.into_bytes()),
        ("book.xlsx", workbook(&plain)),
        ("mac.zip", mac_archive(&plain)),
    ]
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a member");
        std::io::Write::write_all(&mut archive, bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

fn mac_archive(plain: &str) -> Vec<u8> {
    zip(&[
        (".DS_Store", b"\0\0\0\x01Bud1"),
        ("__MACOSX/exports/._2010.csv", b"\0\x05\x16\x07"),
        ("exports/2010.csv", plain.as_bytes()),
    ])
}

/// A workbook of one sheet with two title rows above the table, whose numbers are numbers.
pub(crate) fn workbook(plain: &str) -> Vec<u8> {
    workbook_of(&[("Data", plain)])
}

/// The rows of such a sheet.
fn sheet_rows(plain: &str) -> String {
    let cell = |(at, text): (usize, &str)| {
        let column = ["A", "B", "C", "D"][at];
        match text.parse::<f64>() {
            Ok(number) if !text.starts_with('0') && at == 2 => {
                format!("<c r=\"{column}ROW\"><v>{number}</v></c>")
            }
            _ => format!("<c r=\"{column}ROW\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        }
    };
    let titles = ["Exports by region and product", "US dollars"];
    titles
        .into_iter()
        .chain(plain.lines())
        .enumerate()
        .map(|(row, line)| {
            let row = (row + 1).to_string();
            let cells: String = line.split(',').enumerate().map(cell).collect();
            format!("<row r=\"{row}\">{}</row>", cells.replace("ROW", &row))
        })
        .collect()
}

/// A workbook of sheets, each a name and a table below two title rows.
pub(crate) fn workbook_of(sheets: &[(&str, &str)]) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let root = format!(
        "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"rId1\" \
         Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let (mut types, mut names, mut relations) = (String::new(), String::new(), String::new());
    let mut parts = Vec::new();
    for (at, (name, plain)) in (1..).zip(sheets) {
        let part = format!("xl/worksheets/sheet{at}.xml");
        write!(types, "<Override PartName=\"/{part}\" ContentType=\"{kind}.worksheet+xml\"/>")
            .expect("memory");
        write!(names, "<sheet name=\"{name}\" sheetId=\"{at}\" r:id=\"rId{at}\"/>")
            .expect("memory");
        write!(
            relations,
            "<Relationship Id=\"rId{at}\" Type=\"{office}/worksheet\" \
             Target=\"worksheets/sheet{at}.xml\"/>"
        )
        .expect("memory");
        let rows = sheet_rows(plain);
        let sheet =
            format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
        parts.push((part, sheet));
    }
    let types = format!(
        "<Types xmlns=\"{package}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{kind}.sheet.main+xml\"/>\
         {types}</Types>"
    );
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{names}</sheets></workbook>"
    );
    let relations =
        format!("<Relationships xmlns=\"{package}/relationships\">{relations}</Relationships>");
    let mut members: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
    ];
    members.extend(parts.iter().map(|(name, sheet)| (name.as_str(), sheet.as_bytes())));
    zip(&members)
}

#[test]
fn every_form_of_a_table_is_the_same_table() {
    let project = Project::new();
    for (name, bytes) in forms() {
        project.write(name, &bytes);
        assert_eq!(cells(&project, name, &[]), PLAIN, "{name}");
    }
    let eurostat = "freq,product,geo\\TIME_PERIOD\t2008 \t2009 \nA,0101,A\t10 \t: \nA,8471,A\t2.5 p\t: c\nA,0101,B\t1\t:\n\
                    A,8471,B\t30 b\t:\n";
    project.write("eurostat.tsv", eurostat.as_bytes());
    let expected = PLAIN.map(|cell| format!("2008 {cell}"));
    assert_eq!(cells(&project, "eurostat.tsv", &[]), expected);
}

#[test]
fn what_is_seen_is_said_and_can_be_told() {
    let project = Project::new();
    project.write("a.csv", "Exporte\n\nregion;product;value\nA;0101;10\nB;8471;30,5\n".as_bytes());
    let ran = measure(&project, "a.csv", &["--metrics", "rca"]).ok();
    assert!(ran.err.contains("utf-8, delimiter `;`, header in line 3"), "{}", ran.err);
    assert_eq!(cells(&project, "a.csv", &[]), ["A 0101 10", "B 8471 30.5"]);
    let told = ["--skip", "2", "--delimiter", ";", "--decimal", ",", "--encoding", "utf-8"];
    assert_eq!(cells(&project, "a.csv", &told), ["A 0101 10", "B 8471 30.5"]);
    measure(&project, "a.csv", &["--skip", "0"]).fails(2, "which column holds the regions?");
    let latin = encoding_rs::WINDOWS_1252
        .encode("região;produto;valor\nSão Paulo;0101;10\nCeará;8471;3\n")
        .0;
    project.write("latin.csv", &latin);
    let named = ["--region", "região", "--product", "produto", "--value", "valor"];
    assert_eq!(cells(&project, "latin.csv", &named), ["Ceará 8471 3", "São Paulo 0101 10"]);
    let chinese = "地区,商品,金额\n上海,鞋靴,12\n广东,玩具,7\n浙江,丝绸,9\n";
    project.write("chinese.csv", &encoding_rs::GB18030.encode(chinese).0);
    let named = ["--region", "地区", "--product", "商品", "--value", "金额"];
    let found = cells(&project, "chinese.csv", &named);
    assert_eq!(found, ["上海 鞋靴 12", "广东 玩具 7", "浙江 丝绸 9"]);
    assert!(measure(&project, "chinese.csv", &named).ok().err.contains("gb18030"));
}

#[test]
fn numbers_are_read_as_the_world_writes_them() {
    let project = Project::new();
    let table =
        |[a, b, c]: [&str; 3]| format!("region\tproduct\tvalue\nA\tx\t{a}\nB\ty\t{b}\nC\tz\t{c}\n");
    for (numbers, more) in [
        (["1\u{a0}234\u{a0}567,50", "12\u{a0}000", "7,25"], &[][..]),
        (["1\u{202f}234\u{202f}567,50", "12\u{202f}000", "7,25"], &[]),
        (["1 234 567,50", "12 000", "7,25"], &[]),
        (["1.234.567,50", "12.000", "7,25"], &[]),
        (["1'234'567.50", "12'000", "7.25"], &[]),
        (["1’234’567.50", "12’000", "7.25"], &[]),
        (["1,234,567.50", "12,000", "7.25"], &[]),
        (["12,34,567.50", "12,000", "7.25"], &[]),
        (["1.2345675E+06", "1.2e4", "7.25"], &[]),
        (["1234567.5 p", "12000 b", "7.25"], &["--flags", "true"]),
    ] {
        project.write("t.tsv", table(numbers).as_bytes());
        let expected = ["A x 1234567.5", "B y 12000", "C z 7.25"];
        assert_eq!(cells(&project, "t.tsv", more), expected, "{numbers:?}");
    }
    // Nothing shows what the comma is.
    project.write("t.tsv", table(["1,234", "5,678", "9,012"]).as_bytes());
    measure(&project, "t.tsv", &[]).fails(2, "comma").fails(2, "`decimal` or `thousands`");
    assert_eq!(cells(&project, "t.tsv", &["--decimal", ","])[0], "A x 1.234");
    assert_eq!(cells(&project, "t.tsv", &["--thousands", ","])[0], "A x 1234");
    // A wrong grouping is no number.
    project.write("t.tsv", table(["1,234,567.5", "1,23,4", "7"]).as_bytes());
    measure(&project, "t.tsv", &[]).fails(2, "line 3").fails(2, "1,23,4");
    // Negative values have a rule.
    for text in ["-5", "\u{2212}5", "5-", "(5)"] {
        project.write("t.tsv", table(["10", text, "7"]).as_bytes());
        measure(&project, "t.tsv", &[]).fails(2, "--negative");
        let left = cells(&project, "t.tsv", &["--negative", "leave-out"]);
        assert_eq!(left, ["A x 10", "C z 7"], "{text}");
    }
}

#[test]
fn marks_of_missing_values_are_said_and_settable() {
    let project = Project::new();
    project.write("t.csv", b"country,product,value\nNA,a,40\nZA,a,NA\nZA,b,3\nBW,b,:\nBW,a,5\n");
    let ran = measure(&project, "t.csv", &["--metrics", "diversity"]).ok();
    assert!(ran.err.contains("`NA` is taken as a region like any other"), "{}", ran.err);
    assert!(ran.err.contains("rows without a value are left out: `:`"), "{}", ran.err);
    assert_eq!(cells(&project, "t.csv", &[]), ["BW a 5", "NA a 40", "ZA b 3"]);
    assert_eq!(cells(&project, "t.csv", &["--missing", "NA,:"]), ["BW a 5", "ZA b 3"]);
    measure(&project, "t.csv", &["--missing", "NA"]).fails(2, "\":\"");
}

const FIRMS: &str = "firm,year,y,x\n";

#[test]
fn codes_keep_their_digits_in_estimates() {
    let project = Project::new();
    // Forty firms whose codes of 18 digits differ in the last ones: as doubles they are two.
    let mut text = FIRMS.to_owned();
    for firm in 0..40_u32 {
        for year in 0..4_u32 {
            let x = f64::from((firm * 7 + year * 13) % 11);
            let y = 2.0 * x + f64::from(firm) * 10.0;
            writeln!(text, "9111010859236620{firm:02},{}.0,{y},{x}", 2006 + year).expect("memory");
        }
    }
    project.write("firms.csv", text.as_bytes());
    let data = ["--data", "firms.csv", "--format", "csv"];
    let estimate = |formula: &str, more: &[&str]| {
        project.rebound(&[&["estimate", formula], &data[..], more].concat())
    };
    let ran = estimate("y ~ x | firm", &["--inference", "cluster(firm)"]).ok();
    let mut reader = ::csv::Reader::from_reader(ran.out.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let row = reader.records().next().expect("a row").expect("a row");
    let of = |name: &str| header.iter().position(|n| n == name).map(|at| row[at].to_owned());
    let slope: f64 =
        of("estimate").or(of("coefficient")).expect("a slope").parse().expect("a number");
    assert!((slope - 2.0).abs() < 1e-9, "{slope}");
    assert_eq!(of("n_used").as_deref(), Some("160"));
    let ran = estimate("y ~ x", &["--where", "firm = '911101085923662003'"]).ok();
    assert!(ran.out.contains(",4,1,"), "four rows of one firm: {}", ran.out);
    // A data frame wrote 2008.0.
    estimate("y ~ i(year, x, ref = 2008) | firm", &[]).ok();
    project.write("firms.csv", "firm,y,x\n8.47E+07,1,2\n8.48E+07,2,3\n".as_bytes());
    estimate("y ~ x | firm", &[]).fails(2, "a spreadsheet has shortened");
    // Semicolons and decimal commas.
    project
        .write("firms.csv", "firm;y;x\na;1,5;2,25\nb;2,5;3,5\nc;1,25;2,5\nd;4,5;7,75\n".as_bytes());
    estimate("y ~ x", &[]).ok();
    project.write("firms.csv", "firm,y,y\na,1,2\nb,2,3\n".as_bytes());
    estimate("y ~ firm", &[]).fails(2, "stands 2 times");
    project.write("firms.csv", "firm,y,x\nNA,1,2\nNA,2,3\nb,2,3\nb,4,9\n".as_bytes());
    let ran = estimate("y ~ x | firm", &[]).ok();
    assert!(ran.err.contains("`NA` is taken as a code of `firm`"), "{}", ran.err);
}

#[test]
fn totals_among_effects_are_warned_of() {
    let project = Project::new();
    let mut text = "region,partner,value,x\n".to_owned();
    let regions = [("AAA", 1.0), ("BBB", 2.5), ("CCC", 4.0), ("DDD", 9.0)];
    let partners = [("EEE", 0.25), ("FFF", 0.125), ("GGG", 0.625), ("W00", 1.0)];
    for (r, (region, scale)) in (1_u32..).zip(regions) {
        for (n, (partner, share)) in (1_u32..).zip(partners) {
            let x = r * n * n % 7;
            writeln!(text, "{region},{partner},{},{x}", scale * share).expect("memory");
        }
    }
    project.write("t.csv", text.as_bytes());
    let estimate = |more: &[&str]| {
        let formula = ["estimate", "value ~ x | region + partner", "--data", "t.csv"];
        project.rebound(&[&formula[..], more].concat())
    };
    let total = "label `W00` is the sum of the other 3 labels (50.0 % of the value)";
    let ran = estimate(&[]);
    assert!(ran.err.contains(total), "{ran:?}");
    assert!(!ran.err.contains("label `DDD`"), "{ran:?}");
    let ran = estimate(&["--where", "partner <> 'W00'"]);
    assert!(!ran.err.contains("is the sum of"), "{ran:?}");
    // Cells of two other columns, codes that are numbers, rows that lack a code, a missing outcome.
    let mut text = "region,partner,year,value,x\n1,2,,5,1\n1,2,2009,,1\n".to_owned();
    for (year, growth) in [(2007, 1.0), (2008, 1.5)] {
        for (r, (_, scale)) in (1_u32..).zip(regions) {
            for (n, (_, share)) in (1_u32..).zip(partners) {
                let x = r * n * n * year % 7;
                writeln!(text, "{r},{n},{year},{},{x}", growth * scale * share).expect("memory");
            }
        }
    }
    project.write("t.csv", text.as_bytes());
    let total = "label `4` is the sum of the other 3 labels (50.0 % of the value)";
    let ran = estimate(&["--inference", "cluster(year)"]).ok();
    assert!(ran.err.contains(total) && ran.err.contains("partner"), "{ran:?}");
    assert_eq!(ran.err.matches("is the sum of").count(), 1, "{ran:?}");
}

#[test]
fn stray_quotes_do_not_swallow_rows() {
    let text = "year,region,product,description,value\n2010,R1,730411,PIPE,100\n2010,R2,847130,\" TABLET,400\n\
                2010,R3,852872,MONITOR,60\n2010,R4,870321,CAR \",7\n2010,R5,870322,BUS,9\n";
    let project = Project::new();
    project.write("lone.csv", text.as_bytes());
    measure(&project, "lone.csv", &[]).fails(2, "line 3: a quote opens").fails(2, "whole rows");
    let all = cells(&project, "lone.csv", &["--quote", "none"]);
    assert_eq!(all.len(), 5, "{all:?}");
    let raw = Raw::new("plain");
    raw.0.write("config/layouts/plain.yaml", PLAIN_LAYOUT.as_bytes());
    raw.file("lone.csv", text.as_bytes());
    raw.run().ok();
    let found = raw.sql("select region_code, fob_value from customs.records order by source_row");
    assert_eq!(found, ["R1,100.00", "R3,60.00", "R4,7.00", "R5,9.00"]);
    let refused = raw.sql("select source_row, reason from customs.rejects");
    assert_eq!(refused.len(), 1, "{refused:?}");
}

/// A layout that tells where fields are, and nothing of the files' form.
const PLAIN_LAYOUT: &str = "name: plain
fields:
  year: {column: [year]}
  flow: {constant: export}
  product: {column: [product]}
  region: {column: [region]}
  value: {column: [value]}
product: {digits: 6, restore_leading_zero: true, revisions: [{from: 2000, to: 2020, revision: HS2007}]}
value: {currency: USD, multiplier: 1, negative: reject, zero: keep}
";

#[test]
fn a_layout_reads_every_form_that_it_does_not_tell() {
    for (name, bytes) in forms() {
        // A note below the rows is a reject of a raw file.
        if name == "noted.csv" {
            continue;
        }
        let raw = Raw::new("plain");
        let layout = PLAIN_LAYOUT
            .replace("{column: [year]}", "{constant: \"2008\"}")
            .replace("digits: 6", "digits: 4");
        raw.0.write("config/layouts/plain.yaml", layout.as_bytes());
        raw.file(name, &bytes);
        raw.run().ok();
        let found = raw.sql(
            "select region_code, product_code, fob_value from customs.records order by source_row",
        );
        let expected = ["A,0101,10.00", "A,8471,2.50", "B,0101,1.00", "B,8471,30.00"];
        assert_eq!(found, expected, "{name}: {:?}", raw.rejects());
    }
}

#[test]
fn what_is_no_table_is_called_what_it_is() {
    let project = Project::new();
    let page = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n";
    project.write("page.xls", page);
    measure(&project, "page.xls", &[]).fails(2, "web page");
    project.write("report.csv", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n");
    measure(&project, "report.csv", &[]).fails(2, "PDF");
    project.write("noise.csv", &(0..=255_u8).cycle().take(5000).collect::<Vec<u8>>());
    for file in ["page.xls", "report.csv", "noise.csv"] {
        let ran = measure(&project, file, &[]);
        assert_eq!(ran.code, 2, "{file}: {}", ran.err);
        let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t' | '\u{1b}');
        assert!(ran.err.chars().all(is_plain), "{file}: {:?}", ran.err);
        assert!(ran.err.len() < 2000, "{file}: {}", ran.err.len());
    }
}

const COMTRADE: &str = "refYear,reporterISO,flowCode,partnerISO,cmdCode,aggrLevel,primaryValue\n";

#[test]
fn totals_and_mixtures_are_warned_of() {
    let project = Project::new();
    let mut text = COMTRADE.to_owned();
    for (reporter, scale) in [("AAA", 1.0), ("BBB", 2.5), ("CCC", 4.0)] {
        for (product, value) in [("010121", 10.0), ("847130", 20.0), ("870321", 5.0)] {
            let whole = scale * value;
            for (partner, share) in [("EEE", 0.25), ("FFF", 0.125), ("GGG", 0.625), ("W00", 1.0)] {
                writeln!(text, "2019,{reporter},X,{partner},{product},6,{}", whole * share)
                    .expect("memory");
            }
            writeln!(text, "2019,{reporter},M,W00,{product},6,{value}").expect("memory");
        }
    }
    project.write("comtrade.csv", text.as_bytes());
    let ran = measure(&project, "comtrade.csv", &["--metrics", "rca"]).ok();
    for word in ["`flowCode`", "`W00`"] {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
    let exports = ["--where", "flowCode = 'X' and partnerISO = 'W00'"];
    assert_eq!(cells(&project, "comtrade.csv", &exports)[0], "2019 AAA 010121 10");
    let mixed = text.replace("X,W00,010121", "X,W00,TOTAL");
    project.write("mixed.csv", mixed.as_bytes());
    let ran = measure(&project, "mixed.csv", &["--where", "cmdCode > 500000"]);
    let ran = ran.fails(2, "`cmdCode` holds texts, such as \"TOTAL\"").fails(2, "--types");
    assert!(!ran.err.contains("Int64"), "{}", ran.err);
    let lost = "t,i,j,k,v,q\n2021,4,8,10121,1.5,NA\n2021,4,8,847130,2,1\n2021,32,8,100199,3,1\n";
    project.write("baci.csv", lost.as_bytes());
    assert!(cells(&project, "baci.csv", &[]).contains(&"2021 4 010121 1.5".to_owned()));
    let mixed = lost.replace("t,i,j,k,v,q", "year,region,partner,product,value,q");
    project.write("mixed.csv", mixed.as_bytes());
    let ran = measure(&project, "mixed.csv", &["--metrics", "rca"]).ok();
    assert!(ran.err.contains("zero"), "{}", ran.err);
    let twice = "region,product,value\nA,x,1\nA,x,1\nB,y,2\nC,z,0\n";
    project.write("twice.csv", twice.as_bytes());
    let ran = measure(&project, "twice.csv", &["--metrics", "rca"]).ok();
    assert!(ran.err.contains("repeated to the last field"), "{}", ran.err);
}
