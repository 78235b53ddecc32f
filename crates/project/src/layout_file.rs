//! Layout files, `config/layouts/*.yaml`: the text form of [`trade::Layout`] and of how a file is
//! unpacked; and code books, the CSV files that say what a source's codes mean.

use crate::read_options::{Characters, Delimiter, Form, NumberMark, Quote, ReadOptions};
use crate::yaml::{self, YamlError};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use trade::layout::{
    Codes, Field, FieldSpec, Layout, Meaning, Negative, Origin, ParseFieldError, ProductFormat,
    RevisionYears, Rule, Unmapped, Unpivot, Zero,
};
use trade::{MoneyFormat, NumberSample, Rounding};

/// A layout file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The file is at fault.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A value makes no sense.
    #[error("invalid `{key}` in `{path}`: {why}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong and what was expected.
        why: String,
    },
}

/// A layout and how its files are unpacked.
#[derive(Debug, Clone)]
pub struct LayoutFile {
    /// How rows are read.
    pub layout: Layout,
    /// How a file becomes rows: what the layout tells; all else is seen in the file. Where no mark
    /// of numbers is told, `layout` has the most usual.
    pub options: ReadOptions,
    /// What it says, and its code books, as JSON: what records depend on. Comments and the order of
    /// keys are no part of it.
    pub meaning: String,
    /// Fields that the name of a file tells, with the pattern that finds them there.
    file_name: BTreeMap<Field, regex::Regex>,
}

impl LayoutFile {
    /// The layout for the file named `label`, with what its name tells.
    ///
    /// # Errors
    ///
    /// What is missing in the name.
    pub fn for_file(&self, label: &str) -> Result<Layout, String> {
        let mut layout = self.layout.clone();
        for (field, pattern) in &self.file_name {
            let found = pattern.captures(label).ok_or_else(|| {
                format!("the layout finds `{field}` in the file's name by `{pattern}`, and it is not there")
            })?;
            let text = found.get(1).or_else(|| found.get(0)).map_or("", |found| found.as_str());
            if let Some(spec) = layout.fields.get_mut(field) {
                spec.origin = Origin::Constant(text.to_owned());
            }
        }
        Ok(layout)
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    format: Option<Form>,
    csv: Option<CsvText>,
    excel: Option<ExcelText>,
    json: Option<JsonText>,
    parquet: Option<EncodingText>,
    dta: Option<EncodingText>,
    fields: BTreeMap<String, FieldText>,
    unpivot: Option<UnpivotText>,
    product: ProductText,
    value: ValueText,
    #[serde(default)]
    missing: BTreeSet<String>,
    #[serde(default)]
    regions: BTreeMap<String, String>,
    #[serde(default)]
    rules: Vec<RuleText>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct CsvText {
    delimiter: Option<Delimiter>,
    #[serde(deserialize_with = "quote")]
    quote: Option<Quote>,
    encoding: Option<Characters>,
    header: Option<bool>,
    skip: Option<usize>,
}

/// A quote, where `null` says that there is none.
fn quote<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Quote>, D::Error> {
    Ok(Some(Option::<Quote>::deserialize(from)?.unwrap_or(Quote(None))))
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct ExcelText {
    sheet: Option<String>,
    header: Option<bool>,
    skip: Option<usize>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct JsonText {
    key: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EncodingText {
    encoding: Option<Characters>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FieldText {
    column: Option<Vec<String>>,
    position: Option<usize>,
    constant: Option<String>,
    unpivoted: Option<bool>,
    file_name: Option<String>,
    optional: Option<bool>,
    characters: Option<[usize; 2]>,
    map: Option<BTreeMap<String, String>>,
    book: Option<BookText>,
    fallback: Option<Box<Self>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct BookText {
    file: String,
    release: String,
    unmapped: String,
}

/// A row of a code book.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct BookRow {
    release: String,
    from: Option<i32>,
    to: Option<i32>,
    raw: String,
    code: String,
    name: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct UnpivotText {
    field: String,
    columns: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ProductText {
    digits: usize,
    restore_leading_zero: bool,
    revisions: Vec<RevisionText>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RevisionText {
    from: i32,
    to: i32,
    revision: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ValueText {
    currency: String,
    decimal: Option<NumberMark>,
    #[serde(default, deserialize_with = "told_mark")]
    thousands: Option<NumberMark>,
    multiplier: u32,
    negative: NegativeText,
    zero: ZeroText,
    round: Option<RoundText>,
}

/// A mark that is there, `null` for none.
fn told_mark<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NumberMark>, D::Error> {
    Ok(Some(Option::deserialize(from)?.unwrap_or(NumberMark(None))))
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum RoundText {
    HalfEven,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum NegativeText {
    Keep,
    Reject,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum ZeroText {
    Keep,
    Skip,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    why: String,
    regions: Option<BTreeSet<String>>,
    products: Option<BTreeSet<String>>,
    destinations: Option<BTreeSet<String>>,
    firm_names: Option<BTreeSet<String>>,
}

/// What reading a layout gathers on the way.
struct Reading<'p> {
    path: &'p Path,
    /// The rows of the code books.
    books: String,
    /// Names of the codes of regions.
    region_names: BTreeMap<String, String>,
    file_name: BTreeMap<Field, regex::Regex>,
}

impl Reading<'_> {
    fn invalid(&self, key: &str, why: String) -> LayoutError {
        LayoutError::Value { path: self.path.to_owned(), key: key.to_owned(), why }
    }

    fn field(
        &mut self,
        key: &str,
        field: Field,
        text: FieldText,
    ) -> Result<FieldSpec, LayoutError> {
        let origins =
            (text.column, text.position, text.constant, text.unpivoted, text.file_name.as_deref());
        let origin = match origins {
            (Some(names), None, None, None, None) if !names.is_empty() => Origin::Column(names),
            (None, Some(position), None, None, None) => Origin::Position(position),
            (None, None, Some(constant), None, None) => Origin::Constant(constant),
            (None, None, None, Some(true), None) => Origin::Unpivoted,
            (None, None, None, None, Some(pattern)) => {
                let pattern = regex::Regex::new(pattern)
                    .map_err(|error| self.invalid(key, format!("file_name: {error}")))?;
                self.file_name.insert(field, pattern);
                Origin::Constant(String::new())
            }
            _ => {
                let why = "expected exactly one of column (a list of names), position, constant, file_name, unpivoted: true";
                return Err(self.invalid(key, why.to_owned()));
            }
        };
        let characters = match text.characters {
            None => None,
            Some([first, last]) if 1 <= first && first <= last => Some((first, last)),
            Some([first, last]) => {
                let why = format!(
                    "characters [{first}, {last}]: expected first and last, counted from 1"
                );
                return Err(self.invalid(key, why));
            }
        };
        let codes = match (text.map, text.book) {
            (None, None) => None,
            (Some(map), None) => {
                Some(Codes::always(map.iter().map(|(text, code)| (text.as_str(), code.as_str()))))
            }
            (None, Some(book)) => Some(self.book(key, field, &book)?),
            (Some(_), Some(_)) => {
                return Err(self.invalid(key, "expected a map or a book, not both".to_owned()));
            }
        };
        let fallback = match text.fallback {
            None => None,
            Some(text) => Some(Box::new(self.field(&format!("{key}.fallback"), field, *text)?)),
        };
        let is_optional = text.optional.unwrap_or(false);
        Ok(FieldSpec { origin, is_optional, characters, codes, fallback })
    }

    /// The rows of a code book that hold for a release: its own stand over those of any release.
    fn book(&mut self, key: &str, field: Field, book: &BookText) -> Result<Codes, LayoutError> {
        let path = crate::paths::resolve_path(self.path, &book.file);
        let invalid =
            |why: String| LayoutError::Value { path: path.clone(), key: key.to_owned(), why };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| invalid(format!("failed to read the code book: {error}")))?;
        let mut general: BTreeMap<String, Vec<Meaning>> = BTreeMap::new();
        let mut own = general.clone();
        let mut is_known = book.release.is_empty();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for (at, row) in reader.deserialize::<BookRow>().enumerate() {
            let line = at + 2;
            let row = row.map_err(|error| invalid(format!("line {line}: {error}")))?;
            let said = serde_json::to_string(&row).map_err(|error| invalid(error.to_string()))?;
            self.books += &said;
            is_known |= row.release == book.release;
            let into = match row.release.as_str() {
                "" => &mut general,
                release if release == book.release => &mut own,
                _ => continue,
            };
            let (first, last) = (row.from.unwrap_or(i32::MIN), row.to.unwrap_or(i32::MAX));
            let meanings = into.entry(row.raw.clone()).or_default();
            if first > last || meanings.iter().any(|of| first <= of.last && of.first <= last) {
                let why = format!("line {line}: the years of {:?} overlap", row.raw);
                return Err(invalid(why));
            }
            if field == Field::Region {
                self.region_names.insert(row.code.clone(), row.name);
            }
            meanings.push(Meaning { first, last, code: row.code });
        }
        if !is_known {
            return Err(invalid(format!("it has no release {:?}", book.release)));
        }
        general.extend(own);
        let then = book.unmapped.trim_start_matches('?');
        let unmapped = match (book.unmapped.as_str(), book.unmapped.len() - then.len()) {
            ("reject", _) => Unmapped::Reject,
            ("keep", _) => Unmapped::Keep,
            (_, first @ 1..) => Unmapped::First { first, then: then.to_owned() },
            (other, _) => {
                let why = format!(
                    "unmapped: {other:?}: expected reject, keep, or a pattern such as ??9000, the first two characters and 9000"
                );
                return Err(self.invalid(key, why));
            }
        };
        Ok(Codes { by_text: general, unmapped })
    }

    /// How the files are read: the form has a section of its own.
    fn options(&self, file: &mut File) -> Result<ReadOptions, LayoutError> {
        let form = file.format;
        let (csv, excel, json) = (file.csv.take(), file.excel.take(), file.json.take());
        let (parquet, dta) = (file.parquet.take(), file.dta.take());
        let sections = [
            (csv.is_some(), Form::Csv, "csv"),
            (excel.is_some(), Form::Excel, "excel"),
            (json.is_some(), Form::Json, "json"),
            (parquet.is_some(), Form::Parquet, "parquet"),
            (dta.is_some(), Form::Dta, "dta"),
        ];
        for (is_given, of, key) in sections {
            if is_given && form.is_some_and(|form| form != of) {
                let why =
                    "it is of another format: expected the section of the format and no other";
                return Err(self.invalid(key, why.to_owned()));
            }
        }
        let csv = csv.unwrap_or_default();
        let excel = excel.unwrap_or_default();
        let encodings = [parquet, dta].map(|text| text.and_then(|text| text.encoding));
        Ok(ReadOptions {
            form,
            delimiter: csv.delimiter,
            quote: csv.quote,
            encoding: encodings.into_iter().fold(csv.encoding, Option::or),
            sheet: excel.sheet,
            key: json.and_then(|json| json.key),
            skip: csv.skip.or(excel.skip),
            header: csv.header.or(excel.header),
            decimal: file.value.decimal,
            thousands: file.value.thousands,
            ..ReadOptions::default()
        })
    }

    fn fields(
        &mut self,
        texts: BTreeMap<String, FieldText>,
    ) -> Result<BTreeMap<Field, FieldSpec>, LayoutError> {
        let mut fields = BTreeMap::new();
        for (name, text) in texts {
            let key = format!("fields.{name}");
            let field: Field =
                name.parse().map_err(|e: ParseFieldError| self.invalid(&key, e.to_string()))?;
            fields.insert(field, self.field(&key, field, text)?);
        }
        Ok(fields)
    }

    fn unpivot(
        &self,
        text: UnpivotText,
        fields: &BTreeMap<Field, FieldSpec>,
    ) -> Result<Unpivot, LayoutError> {
        let field: Field = text
            .field
            .parse()
            .map_err(|e: ParseFieldError| self.invalid("unpivot.field", e.to_string()))?;
        if !matches!(field, Field::Region | Field::Destination) {
            let why = format!("{field}: expected region or destination");
            return Err(self.invalid("unpivot.field", why));
        }
        if fields.get(&field).map(|spec| &spec.origin) != Some(&Origin::Unpivoted) {
            let why = format!("fields.{field} must say `unpivoted: true`");
            return Err(self.invalid("unpivot.field", why));
        }
        if text.columns.is_empty() {
            return Err(self.invalid("unpivot.columns", "expected at least one column".to_owned()));
        }
        Ok(Unpivot { field, columns: text.columns.into_iter().collect() })
    }

    /// Whether what is unpivoted has columns, and no required field is left out.
    fn check_fields(
        &self,
        fields: &BTreeMap<Field, FieldSpec>,
        unpivoted: Option<Field>,
    ) -> Result<(), LayoutError> {
        for (field, spec) in fields {
            if spec.origin == Origin::Unpivoted && unpivoted != Some(*field) {
                let why = "there is no `unpivot` of this field".to_owned();
                return Err(self.invalid(&format!("fields.{field}"), why));
            }
        }
        for field in Field::REQUIRED {
            let is_given =
                fields.contains_key(&field) || (field == Field::Value && unpivoted.is_some());
            if !is_given {
                return Err(self.invalid("fields", format!("`{field}` is required")));
            }
        }
        Ok(())
    }

    fn product(&self, text: &ProductText) -> Result<ProductFormat, LayoutError> {
        if !matches!(text.digits, 4 | 6..=12) {
            let why = format!("{}: expected 4 or 6 to 12", text.digits);
            return Err(self.invalid("product.digits", why));
        }
        let invalid = |why: String| self.invalid("product.revisions", why);
        let mut revisions: Vec<RevisionYears> = Vec::new();
        for years in &text.revisions {
            let revision = years
                .revision
                .parse()
                .map_err(|e: trade::hs::ParseRevisionError| invalid(e.to_string()))?;
            let (first, last) = (years.from, years.to);
            if first > last {
                return Err(invalid(format!("{first} is after {last}")));
            }
            if let Some(of) = revisions.iter().find(|of| first <= of.last && of.first <= last) {
                let why = format!("{first}-{last} overlaps {}-{}", of.first, of.last);
                return Err(invalid(why));
            }
            revisions.push(RevisionYears { first, last, revision });
        }
        Ok(ProductFormat {
            digits: text.digits,
            restore_leading_zero: text.restore_leading_zero,
            revisions,
        })
    }

    fn money(&self, text: &ValueText) -> Result<MoneyFormat, LayoutError> {
        let decimal = match text.decimal {
            None => None,
            Some(NumberMark(Some(mark))) => Some(mark),
            Some(NumberMark(None)) => {
                let why =
                    "none: expected one character; leave the key out to have it seen in a file";
                return Err(self.invalid("value.decimal", why.to_owned()));
            }
        };
        let thousands = text.thousands.map(|NumberMark(mark)| mark);
        // No cells, so that nothing but what is told can be at odds.
        let numbers = NumberSample::default().format(decimal, thousands);
        let numbers = numbers.map_err(|why| self.invalid("value.thousands", why.to_string()))?;
        if text.multiplier == 0 {
            return Err(self.invalid("value.multiplier", "expected 1 or more".to_owned()));
        }
        let round = match text.round {
            None => Rounding::Refuse,
            Some(RoundText::HalfEven) => Rounding::HalfEven,
        };
        Ok(MoneyFormat { numbers, multiplier: text.multiplier, round })
    }

    fn rules(&self, texts: Vec<RuleText>) -> Result<Vec<Rule>, LayoutError> {
        let rule = |text: RuleText| Rule {
            name: text.name,
            why: text.why,
            regions: text.regions.unwrap_or_default(),
            products: text.products.unwrap_or_default(),
            destinations: text.destinations.unwrap_or_default(),
            firm_names: text.firm_names.unwrap_or_default(),
        };
        let rules: Vec<Rule> = texts.into_iter().map(rule).collect();
        if rules.len() > 64 {
            let why = format!("{} rules: expected at most 64", rules.len());
            return Err(self.invalid("rules", why));
        }
        for (at, rule) in rules.iter().enumerate() {
            if rules[..at].iter().any(|other| other.name == rule.name) {
                return Err(self.invalid("rules", format!("{:?} is there twice", rule.name)));
            }
            let conditions = [&rule.regions, &rule.products, &rule.destinations, &rule.firm_names];
            if conditions.into_iter().all(BTreeSet::is_empty) {
                let why = format!(
                    "{:?} covers everything: give regions, products, destinations or firm_names",
                    rule.name
                );
                return Err(self.invalid("rules", why));
            }
        }
        Ok(rules)
    }
}

/// Reads the layout at `path`.
///
/// # Errors
///
/// [`LayoutError`] if the file has other keys than a layout, or values that make no sense.
pub fn read(path: &Path) -> Result<LayoutFile, LayoutError> {
    let mut file: File = yaml::read(path)?;
    let mut meaning = serde_json::to_string(&file).map_err(|error| LayoutError::Value {
        path: path.to_owned(),
        key: "layout".to_owned(),
        why: error.to_string(),
    })?;
    let listed_regions = file.regions.keys().cloned().collect();
    let mut reading = Reading {
        path,
        books: String::new(),
        region_names: std::mem::take(&mut file.regions),
        file_name: BTreeMap::new(),
    };
    let options = reading.options(&mut file)?;
    let fields = reading.fields(file.fields)?;
    let unpivot = file.unpivot.map(|text| reading.unpivot(text, &fields)).transpose()?;
    reading.check_fields(&fields, unpivot.as_ref().map(|unpivot| unpivot.field))?;
    let product = reading.product(&file.product)?;
    let money = reading.money(&file.value)?;
    let rules = reading.rules(file.rules)?;
    let layout = Layout {
        name: file.name,
        fields,
        unpivot,
        missing: file.missing,
        money,
        currency: file.value.currency,
        negative: match file.value.negative {
            NegativeText::Keep => Negative::Keep,
            NegativeText::Reject => Negative::Reject,
        },
        zero: match file.value.zero {
            ZeroText::Keep => Zero::Keep,
            ZeroText::Skip => Zero::Skip,
        },
        product,
        region_names: reading.region_names,
        listed_regions,
        rules,
    };
    meaning += &reading.books;
    Ok(LayoutFile { layout, options, meaning, file_name: reading.file_name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::borrow::Cow;
    use trade::{Entry, Money, Reject, RowParser, Sink};

    struct Nowhere(u64);

    impl Sink for Nowhere {
        fn entry(&mut self, _: &Entry<'_>) {
            self.0 += 1;
        }
        fn reject(&mut self, reject: Reject) {
            self.0 += reject.n_entries;
        }
        fn unmapped(&mut self, _: Field, _: &str, _: &str, _: u64, _: Money) {}
    }

    fn shipped() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/layouts");
        let entries = std::fs::read_dir(folder).expect("the layouts");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths
    }

    /// The shipped layout for Paraná's exports with other lines for its marks.
    fn with_marks(lines: &str) -> Result<LayoutFile, LayoutError> {
        let path = shipped().into_iter().find(|path| path.ends_with("brazil_parana_mun.yaml"));
        let path = path.expect("the layout");
        let text = std::fs::read_to_string(&path).expect("readable");
        let marks = "  decimal: \".\"\n  thousands: null\n";
        assert!(text.contains(marks), "{text}");
        let books = path.parent().and_then(Path::parent).expect("config").join("codes");
        let text = text.replace("../codes", &books.display().to_string()).replace(marks, lines);
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        read(file.path())
    }

    #[test]
    fn marks_of_numbers_are_told_or_left_to_the_file() {
        let told = |lines: &str| {
            let layout = with_marks(lines).expect(lines);
            let of = |mark: Option<NumberMark>| mark.map(|NumberMark(mark)| mark);
            let numbers = layout.layout.money.numbers;
            let ReadOptions { decimal, thousands, .. } = layout.options;
            (of(decimal), of(thousands), numbers.decimal, numbers.thousands)
        };
        assert_eq!(told(""), (None, None, '.', None));
        assert_eq!(told("  thousands: null\n"), (None, Some(None), '.', None));
        assert_eq!(told("  thousands: none\n"), (None, Some(None), '.', None));
        assert_eq!(told("  thousands: \".\"\n"), (None, Some(Some('.')), ',', Some('.')));
        assert_eq!(told("  thousands: space\n"), (None, Some(Some(' ')), '.', Some(' ')));
        assert_eq!(
            told("  decimal: \",\"\n  thousands: \"\u{2019}\"\n"),
            (Some(Some(',')), Some(Some('\u{2019}')), ',', Some('\u{2019}'))
        );
        assert_eq!(told("  decimal: \"\u{b7}\"\n"), (Some(Some('\u{b7}')), None, '\u{b7}', None));
        for (lines, expected) in [
            ("  decimal: \",\"\n  thousands: \",\"\n", "`decimal` and `thousands` are both `,`"),
            ("  decimal: none\n", "leave the key out"),
            ("  decimal: ab\n", "is not one character"),
            ("  round: up\n", "half_even"),
        ] {
            let error = with_marks(lines).map(|_| ()).expect_err(lines).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_file_shows_the_marks_that_its_layout_does_not_tell() {
        let mut cells = NumberSample::default();
        cells.add("1,234");
        let numbers = |lines: &str| {
            let layout = with_marks(lines).expect(lines);
            layout.options.number_format(&cells, &NumberSample::default())
        };
        assert!(numbers("").is_err());
        let told = numbers("  decimal: \".\"\n").map(|found| found.thousands);
        assert_eq!(told, Ok(Some(',')));
        let told = numbers("  thousands: null\n").map(|found| found.decimal);
        assert_eq!(told, Ok(','));
    }

    #[test]
    fn values_are_rounded_where_the_layout_says_so() {
        let round = |lines: &str| with_marks(lines).expect(lines).layout.money.round;
        assert_eq!(round(""), Rounding::Refuse);
        assert_eq!(round("  round: half_even\n"), Rounding::HalfEven);
    }

    /// The text with some of its lines cut, doubled, changed or swapped.
    fn damaged(text: &str, edits: &[(usize, usize, u8, String)]) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (line, at, kind, with) in edits {
            if lines.is_empty() {
                break;
            }
            let line = line % lines.len();
            let n = lines[line].chars().count();
            let cut: String = lines[line].chars().take(at % (n + 1)).collect();
            match kind % 5 {
                0 => drop(lines.remove(line)),
                1 => lines.insert(line, lines[line].clone()),
                2 => lines[line] = cut,
                3 => lines[line] = format!("{cut}{with}"),
                _ => {
                    let tail: String = lines[line].chars().skip(at % (n + 1) + 1).collect();
                    lines[line] = format!("{cut}{with}{tail}");
                }
            }
        }
        lines.join("\n")
    }

    proptest! {
        // `make fuzz` asks for more by PROPTEST_CASES.
        #[test]
        fn layouts_are_read_or_refused_whatever_they_say(
            at in any::<prop::sample::Index>(),
            edits in prop::collection::vec(
                (any::<usize>(), any::<usize>(), any::<u8>(),
                 prop_oneof![prop::sample::select(vec!["-1", "0", "99999999999", "[", "{", "''", ": ", "~", "true", "[9, 1]"])
                     .prop_map(str::to_owned), "\\PC{0,4}"]),
                1..4,
            ),
            cells in prop::collection::vec("\\PC{0,12}|[0-9]{1,10}", 1..12),
        ) {
            let paths = shipped();
            let path = at.get(&paths);
            let text = damaged(&std::fs::read_to_string(path).expect("readable"), &edits);
            // Beside the others, so that its code books are found.
            let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
            let books = path.parent().and_then(Path::parent).expect("config").join("codes");
            let text = text.replace("../codes", &books.display().to_string());
            std::fs::write(file.path(), text).expect("written");
            match read(file.path()) {
                Err(error) => prop_assert!(error.to_string().contains('`'), "{error}"),
                Ok(layout) => {
                    let Ok(layout) = layout.for_file("exports/EXP_2008-11.csv") else { return Ok(()) };
                    let names: Vec<String> = layout
                        .fields
                        .values()
                        .filter_map(|spec| match &spec.origin {
                            Origin::Column(names) => names.first().cloned(),
                            _ => None,
                        })
                        .chain(layout.unpivot.iter().flat_map(|u| u.columns.iter().map(|(name, _)| name.clone())))
                        .collect::<BTreeSet<_>>()
                        .into_iter()
                        .collect();
                    let header: Vec<&str> = names.iter().map(String::as_str).collect();
                    if let Ok(parser) = RowParser::new(&layout, &header) {
                        let cells: Vec<_> = cells.iter().cycle().take(header.len()).collect();
                        let row: Vec<Cow<'_, [u8]>> =
                            cells.into_iter().map(|cell| Cow::Borrowed(cell.as_bytes())).collect();
                        let mut sink = Nowhere(0);
                        let counts = parser.parse(&row, &mut sink);
                        prop_assert_eq!(sink.0 + counts.n_empty, parser.n_entries());
                    }
                }
            }
        }
    }
}
