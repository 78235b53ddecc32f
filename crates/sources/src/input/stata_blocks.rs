//! Stata's files, as blocks of their rows.

use super::block::{BLOCK_ROWS, BLOCK_TEXT_BYTES, Block, Stored};
use super::cells::{number_text, rounded};
use super::fault::text_of;
use super::words::{all_named, named};
use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use chrono::{DateTime, NaiveDate, TimeDelta};
use dta::stata::dta::dta_error::DtaError;
use dta::stata::dta::dta_reader::DtaReader;
use dta::stata::dta::record_reader::RecordReader;
use dta::stata::dta::release::Release;
use dta::stata::dta::value::Value;
use dta::stata::dta::value_label_table::ValueLabelTable;
use dta::stata::dta::variable::Variable;
use dta::stata::dta::variable_type::VariableType;
use encoding_rs::Encoding;
use project::printable::printable;
use project::read_options::{ColumnType, ReadOptions};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Texts of type strL, by the variable and observation that name them; none where the data are
/// binary.
type LongTexts = BTreeMap<(u32, u64), Option<String>>;

/// The labels of a variable's codes, where these are asked for.
type Labels = BTreeMap<i32, String>;

/// What a variable counts, from the beginning of 1960 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    /// Milliseconds.
    Clock,
    /// Days.
    Day,
    /// Weeks of Stata's own: 52 a year, of which the first begins with the year.
    Week,
    /// Months.
    Month,
    /// Quarters.
    Quarter,
    /// Halves of a year.
    Half,
    /// Years, from the first on.
    Year,
}

impl Time {
    /// What a display format of Stata says; `None` for numbers, for clocks with leap seconds and for
    /// calendars of one's own.
    fn of_format(format: &str) -> Option<Self> {
        let format = format.strip_prefix('%')?;
        let format = format.strip_prefix('-').unwrap_or(format);
        let Some(unit) = format.strip_prefix('t') else {
            // What Stata before version 10 wrote for days.
            return format.starts_with('d').then_some(Self::Day);
        };
        match unit.chars().next()? {
            'c' => Some(Self::Clock),
            'd' => Some(Self::Day),
            'w' => Some(Self::Week),
            'm' => Some(Self::Month),
            'q' => Some(Self::Quarter),
            'h' => Some(Self::Half),
            'y' => Some(Self::Year),
            _ => None,
        }
    }

    /// A count as a date of ISO 8601, as far as it goes; `None` if it is none. A week is written as
    /// Stata does, since ISO 8601 has other weeks.
    fn text(self, count: f64) -> Option<String> {
        let count = rounded(count.floor())?;
        let part = |n: i64| (1960 + count.div_euclid(n), count.rem_euclid(n) + 1);
        Some(match self {
            Self::Clock => {
                // Milliseconds from the beginning of 1960 to that of 1970.
                let time = DateTime::from_timestamp_millis(count.checked_sub(315_619_200_000)?)?;
                match count.rem_euclid(1000) {
                    0 => time.format("%Y-%m-%dT%H:%M:%S").to_string(),
                    _ => time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
                }
            }
            Self::Day => {
                let first = NaiveDate::from_ymd_opt(1960, 1, 1)?;
                first.checked_add_signed(TimeDelta::try_days(count)?)?.to_string()
            }
            Self::Week => {
                let (year, week) = part(52);
                format!("{year:04}w{week:02}")
            }
            Self::Month => {
                let (year, month) = part(12);
                format!("{year:04}-{month:02}")
            }
            Self::Quarter => {
                let (year, quarter) = part(4);
                format!("{year:04}-Q{quarter}")
            }
            Self::Half => {
                let (year, half) = part(2);
                format!("{year:04}-H{half}")
            }
            Self::Year => count.to_string(),
        })
    }
}

/// What is said of variables: those that are given as dates, those that count time in a way that is
/// not known, and those whose labels are given or not.
fn seen(variables: &[Variable], times: &[Option<Time>], labels: &[Option<Labels>]) -> String {
    let names = |is: &dyn Fn(usize, &Variable) -> bool| -> Vec<&str> {
        let all = variables.iter().enumerate();
        all.filter(|(at, variable)| is(*at, variable)).map(|(_, v)| v.name()).collect()
    };
    let is_count = |v: &Variable| v.format().trim_start_matches(['%', '-']).starts_with('t');
    let is_labelled = |v: &Variable| !v.value_label_name().is_empty();
    let dates = names(&|at, _| times[at].is_some());
    let counts = names(&|at, v| times[at].is_none() && is_count(v));
    let as_codes = names(&|at, v| labels[at].is_none() && is_labelled(v));
    let as_labels = names(&|at, _| labels[at].is_some());
    let said = [
        ("dates as texts", dates),
        ("counts of time as numbers", counts),
        ("codes, not their labels (`types`: label)", as_codes),
        ("labels, not their codes", as_labels),
    ];
    let said = said.into_iter().filter(|(_, names)| !names.is_empty());
    let said: Vec<String> =
        said.map(|(what, names)| format!("{what}: {}", all_named(names))).collect();
    said.join("; ")
}

/// The labels of the variables of which `options` ask for them.
fn labels_of(
    variables: &[Variable],
    options: &ReadOptions,
    table: &ValueLabelTable,
) -> Result<Vec<Option<Labels>>, String> {
    let of = |variable: &Variable| {
        if !is_asked(variable, options) {
            return Ok(None);
        }
        let name = named(variable.name());
        let set = table.get(variable.value_label_name()).ok_or_else(|| {
            format!("column {name} has no value labels: leave it out of `types`, or say text")
        })?;
        let mut labels = Labels::new();
        let mut codes: BTreeMap<&str, i32> = BTreeMap::new();
        for entry in set.entries() {
            if let Some(other) = codes.insert(entry.label(), entry.value()) {
                return Err(format!(
                    "column {name}: the codes {other} and {} have one label, {}: read the codes",
                    entry.value(),
                    named(entry.label())
                ));
            }
            labels.insert(entry.value(), entry.label().to_owned());
        }
        Ok(Some(labels))
    };
    variables.iter().map(of).collect()
}

/// Whether the labels of a variable are asked for.
fn is_asked(variable: &Variable, options: &ReadOptions) -> bool {
    options.types.0.get(variable.name()) == Some(&ColumnType::Label)
}

/// The label of a code; `None` if it has none.
fn label_of<'l>(value: &Value<'_>, labels: &'l Labels) -> Option<&'l str> {
    let code = number(value).filter(|code| code.fract() == 0.0)?;
    let code = i32::try_from(rounded(code)?).ok()?;
    labels.get(&code).map(String::as_str)
}

/// Reads the blocks of a Stata file.
pub(super) struct StataBlocks {
    /// The names of the columns.
    pub(super) header: Vec<String>,
    /// Which variables are given as dates, and which by their labels.
    pub(super) seen: String,
    /// What counts of time each variable has.
    times: Vec<Option<Time>>,
    /// The labels that each variable is given by.
    labels: Vec<Option<Labels>>,
    records: Box<RecordReader<BufReader<File>>>,
    /// The texts of type strL, which stand after the rows.
    texts: LongTexts,
    row: u64,
}

impl StataBlocks {
    /// Begins to read the file at `path`, in `encoding` if it does not say another, with the labels
    /// that `options` ask for.
    pub(super) fn open(
        path: &Path,
        encoding: &'static Encoding,
        options: &ReadOptions,
    ) -> Result<Self, String> {
        let damaged = |error: DtaError| {
            let error = printable(&error.to_string(), 100);
            format!("it is no Stata file, or a damaged one ({error})")
        };
        let open = |reader: DtaReader| {
            reader.from_path(path).and_then(|reader| reader.read_header()).map_err(damaged)
        };
        let mut reader = open(DtaReader::new())?;
        // Stata writes UTF-8 from version 118 on.
        if reader.header().release() < Release::V118 {
            reader = open(DtaReader::new().encoding(encoding))?;
        }
        let mut reader = reader.read_schema().map_err(damaged)?;
        reader.skip_to_end().map_err(damaged)?;
        let mut records = reader.into_record_reader().map_err(damaged)?;
        let mut table = ValueLabelTable::new();
        if records.schema().variables().iter().any(|v| is_asked(v, options)) {
            let mut reader = records.seek_value_labels().map_err(damaged)?;
            reader.read_remaining_into(&mut table).map_err(damaged)?;
            records = reader.seek_records().map_err(damaged)?;
        }
        let variables = records.schema().variables();
        let header = variables.iter().map(|v| v.name().to_owned()).collect();
        let is_number = |v: &Variable| {
            let kind = v.variable_type();
            !matches!(kind, VariableType::FixedString(_) | VariableType::LongString)
        };
        let time = |v: &Variable| Time::of_format(v.format()).filter(|_| is_number(v));
        let times: Vec<Option<Time>> = variables.iter().map(time).collect();
        let labels = labels_of(variables, options, &table)?;
        let seen = seen(variables, &times, &labels);
        let mut texts = LongTexts::new();
        let is_long = variables.iter().any(|v| v.variable_type() == VariableType::LongString);
        let records = if is_long {
            let mut reader = records.seek_long_strings().map_err(damaged)?;
            let encoding = reader.encoding();
            while let Some(text) = reader.read_long_string().map_err(damaged)? {
                let key = (text.variable(), text.observation());
                texts.insert(key, text.data_str(encoding).map(Cow::into_owned));
            }
            reader.seek_records().map_err(damaged)?
        } else {
            records
        };
        Ok(Self { header, seen, times, labels, records: Box::new(records), texts, row: 1 })
    }

    /// The next rows; `None` at the end.
    pub(super) fn next_block(&mut self) -> Result<Option<Block>, String> {
        let Self { header, times, labels, records, texts, row, .. } = self;
        let mut columns: Vec<StringBuilder> = header.iter().map(|_| StringBuilder::new()).collect();
        let (mut n_rows, mut n_bytes) = (0, 0);
        while n_rows < BLOCK_ROWS && n_bytes < BLOCK_TEXT_BYTES {
            let damaged = |error: DtaError| {
                let error = printable(&error.to_string(), 100);
                format!("its Stata data are damaged or cut short ({error}); fetch it again")
            };
            let Some(record) = records.read_record().map_err(damaged)? else { break };
            let meanings = times.iter().zip(&*labels);
            for ((cells, (time, labels)), value) in
                columns.iter_mut().zip(meanings).zip(record.values())
            {
                let date = time.and_then(|time| time.text(number(value)?));
                let label = labels.as_ref().and_then(|labels| label_of(value, labels));
                match (label, date) {
                    (Some(label), _) => {
                        n_bytes += label.len();
                        cells.append_value(label);
                    }
                    (None, Some(date)) => cells.append_value(date),
                    (None, None) => {
                        let text = stata_text(value, texts)?;
                        n_bytes += text.as_ref().map_or(0, |text| text.len());
                        cells.append_option(text);
                    }
                }
            }
            n_rows += 1;
        }
        if n_rows == 0 {
            return Ok(None);
        }
        let columns = header
            .iter()
            .zip(&mut columns)
            .map(|(name, cells)| (name.as_str(), Arc::new(cells.finish()) as ArrayRef, true));
        let rows = RecordBatch::try_from_iter_with_nullable(columns).map_err(text_of)?;
        let first = *row;
        *row += n_rows as u64;
        let variables = records.schema().variables().iter().zip(times.iter().zip(&*labels));
        let stored = variables.map(|(variable, of)| match (of, variable.variable_type()) {
            ((None, None), VariableType::Float) => Stored::Single,
            ((None, None), VariableType::Double) => Stored::Number,
            _ => Stored::Text,
        });
        Ok(Some(Block::Table { rows, row: first, stored: stored.collect() }))
    }
}

/// A Stata value as a number; `None` if it is missing or a text.
fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Byte(n) => n.present().map(f64::from),
        Value::Int(n) => n.present().map(f64::from),
        Value::Long(n) => n.present().map(f64::from),
        Value::Float(n) => n.present().map(f64::from),
        Value::Double(n) => n.present(),
        Value::String(_) | Value::LongStringRef(_) => None,
    }
}

/// A Stata value as text; `None` if it is missing.
fn stata_text<'v>(
    value: &'v Value<'_>,
    texts: &'v LongTexts,
) -> Result<Option<Cow<'v, str>>, String> {
    let number = |n: Option<i64>| n.map(|n| Cow::Owned(n.to_string()));
    Ok(match value {
        Value::Byte(n) => number(n.present().map(i64::from)),
        Value::Int(n) => number(n.present().map(i64::from)),
        Value::Long(n) => number(n.present().map(i64::from)),
        Value::Float(n) => n.present().map(|n| Cow::Owned(number_text(f64::from(n)))),
        Value::Double(n) => n.present().map(|n| Cow::Owned(number_text(n))),
        Value::String(text) => Some(Cow::Borrowed(&**text)),
        // No text is no reference.
        Value::LongStringRef(reference) if reference.variable() == 0 => None,
        Value::LongStringRef(reference) => {
            let text = texts.get(&(reference.variable(), reference.observation()));
            let text = text.ok_or_else(|| {
                "a row names a text of type strL that is not there; fetch the file again".to_owned()
            })?;
            let text = text.as_deref().ok_or_else(|| {
                "it has binary data of type strL: drop those variables in Stata".to_owned()
            })?;
            Some(Cow::Borrowed(text))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::cells::utf8_texts;
    use arrow::array::StringArray;
    use dta::stata::dta::byte_order::ByteOrder;
    use dta::stata::dta::dta_writer::DtaWriter;
    use dta::stata::dta::header::Header;
    use dta::stata::dta::schema::Schema;
    use dta::stata::missing_value::MissingValue;
    use dta::stata::stata_byte::StataByte;
    use dta::stata::stata_double::StataDouble;
    use dta::stata::stata_float::StataFloat;
    use dta::stata::stata_long::StataLong;

    #[test]
    fn a_number_of_single_precision_is_read_as_it_is() {
        let texts = [123_456_792.0, 0.1, 1234.56, -7.0].map(|number| {
            let value = Value::Float(StataFloat::Present(number));
            stata_text(&value, &LongTexts::new()).expect("a text").map(Cow::into_owned)
        });
        let widened = ["123456792", "0.10000000149011612", "1234.56005859375", "-7"];
        assert_eq!(texts, widened.map(|text| Some(text.to_owned())));
    }

    #[test]
    fn counts_of_time_are_dates() {
        let is = |format: &str, count: f64, expected: &str| {
            let time = Time::of_format(format).expect("a time");
            assert_eq!(time.text(count).as_deref(), Some(expected), "{format} {count}");
        };
        is("%td", 17_790.0, "2008-09-15");
        is("%-tdCCYY.NN.DD", -1.0, "1959-12-31");
        is("%dD_m_Y", 0.0, "1960-01-01");
        is("%tm", 584.0, "2008-09");
        is("%tmCCYY-NN", -1.0, "1959-12");
        is("%tq", 194.0, "2008-Q3");
        is("%th", 97.0, "2008-H2");
        is("%ty", 2008.0, "2008");
        is("%tc", 1_537_092_000_000.0, "2008-09-15T10:00:00");
        is("%tcHH:MM", -0.5, "1959-12-31T23:59:59.999");
        is("%tw", 2530.0, "2008w35");
        is("%tw", -1.0, "1959w52");
        for format in ["%9.0g", "%12s", "%tC", "%tbnyse", "", "%"] {
            assert_eq!(Time::of_format(format), None, "{format}");
        }
        assert_eq!(Time::Day.text(1e300), None);
    }

    /// Puts a set of value labels into a file of version 118.
    fn with_labels(path: &Path, name: &str, labels: &[(u32, &str)]) {
        let ends = labels.iter().scan(0, |end, (_, label)| {
            let begin = *end;
            *end += u32::try_from(label.len()).expect("short") + 1;
            Some(begin)
        });
        let texts: String = labels.iter().map(|(_, label)| format!("{label}\0")).collect();
        let counts = [labels.len(), texts.len()].map(|n| u32::try_from(n).expect("short"));
        let numbers = counts.into_iter().chain(ends).chain(labels.iter().map(|(code, _)| *code));
        let mut table: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
        table.extend(texts.bytes());
        let length = u32::try_from(table.len()).expect("short");
        // A name has 129 bytes, and three follow that say nothing.
        let mut set = [&b"<lbl>"[..], &length.to_le_bytes()[..], name.as_bytes()].concat();
        set.resize(5 + 4 + 129 + 3, 0);
        set.extend(table);
        set.extend(b"</lbl>");
        let mut bytes = std::fs::read(path).expect("a file");
        let tag = b"<value_labels>";
        let at = bytes.windows(tag.len()).rposition(|found| found == tag).expect("a tag");
        drop(bytes.splice(at + tag.len()..at + tag.len(), set));
        std::fs::write(path, bytes).expect("written");
    }

    #[test]
    fn dates_are_texts_labels_are_given_where_asked_and_extended_missing_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.dta");
        let variable =
            |kind, name: &str, format: &str| Variable::builder(kind, name).format(format);
        let schema = Schema::builder()
            .add_variable(variable(VariableType::Long, "day", "%td"))
            .add_variable(variable(VariableType::Double, "value", "%10.0g"))
            .add_variable(variable(VariableType::Byte, "kind", "%8.0g").value_label_name("kinds"))
            .add_variable(variable(VariableType::FixedString(4), "code", "%4s"))
            .add_variable(variable(VariableType::Double, "leap", "%tC"))
            .build()
            .expect("a schema");
        let header = Header::builder(Release::V118, ByteOrder::LittleEndian).build();
        let writer = DtaWriter::new().from_path(&path).expect("a file");
        let writer = writer.write_header(header).expect("written");
        let writer = writer.write_schema(schema).expect("written");
        let mut writer = writer.into_record_writer().expect("written");
        let rows = [
            (
                StataLong::Present(17_790),
                StataDouble::Present(11_267_085_662.933),
                StataByte::Present(1),
                "0012",
            ),
            (
                StataLong::Missing(MissingValue::System),
                StataDouble::Missing(MissingValue::A),
                StataByte::Missing(MissingValue::Z),
                "",
            ),
        ];
        for (day, value, kind, code) in rows {
            let values = [
                Value::Long(day),
                Value::Double(value),
                Value::Byte(kind),
                Value::String(Cow::Borrowed(code)),
                Value::Double(StataDouble::Present(5.0)),
            ];
            writer.write_record(&values).expect("written");
        }
        let writer = writer.into_long_string_writer().expect("written");
        let writer = writer.into_value_label_writer().expect("written");
        writer.finish().expect("written");
        with_labels(&path, "kinds", &[(1, "ordinary"), (2, "other")]);

        let read = |types: &str| {
            let types = types.parse().expect("types");
            let options = ReadOptions { types, ..ReadOptions::default() };
            let mut blocks = StataBlocks::open(&path, encoding_rs::UTF_8, &options)?;
            let Some(Block::Table { rows, row, stored }) = blocks.next_block().expect("a block")
            else {
                panic!("a table")
            };
            let (text, number) = (Stored::Text, Stored::Number);
            assert_eq!(stored, [text, number, text, text, number]);
            let columns = utf8_texts(&rows, row).expect("texts");
            let column = |cells: &StringArray| -> Vec<String> {
                cells.iter().map(|cell| cell.unwrap_or("none").to_owned()).collect()
            };
            Ok::<_, String>((blocks.seen, columns.iter().map(column).collect::<Vec<_>>()))
        };
        let (seen, found) = read("").expect("Stata");
        assert_eq!(
            seen,
            "dates as texts: `day`; counts of time as numbers: `leap`; codes, not their labels (`types`: label): `kind`"
        );
        let mut expected = [
            ["2008-09-15", "none"],
            ["11267085662.933", "none"],
            ["1", "none"],
            ["0012", ""],
            ["5", "5"],
        ];
        assert_eq!(found, expected);
        let (seen, found) = read("kind=label").expect("Stata");
        assert!(seen.ends_with("; labels, not their codes: `kind`"), "{seen}");
        expected[2][0] = "ordinary";
        assert_eq!(found, expected);
        let error = read("value=label").expect_err("no labels");
        assert!(error.contains("column `value` has no value labels"), "{error}");
    }
}
