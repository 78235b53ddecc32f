//! Which columns hold values, what these count, and what is in no column.

use super::draft::{Condition, FieldDraft, Origin, Test, UnpivotDraft};
use super::finder::Finder;
use super::keys::KINDS;
use super::names::Role;
use super::units::{Sure, Unit};
use super::wide::{self, MANY_CODES, WideColumns, escaped};
use super::words::{
    comtrade_revision, flow_in, flow_of_file, flow_of_header, flow_within, year_of,
};
use crate::usual_names::{self, plain, usual};
use project::printable::printable;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use trade::layout::Field;
use trade::plausibility::is_named_total;

/// Parts of names of columns of values.
const VALUE_PARTS: [&str; 6] = ["value", "fob", "valor", "amount", "usd", "export"];

/// Columns that say which rows are the whole, and the text that does.
const WHOLES: [(&str, &[&str]); 5] = [
    ("partner2code", &["0"]),
    ("motcode", &["0"]),
    ("customscode", &["C00"]),
    ("isleafcode", &["1"]),
    ("isleaf", &["true", "1"]),
];

/// Currencies that are named where nothing says one.
const USUAL_CURRENCIES: &str =
    "USD, EUR, GBP, CNY or another ISO 4217 code; nothing in the file says it";

/// The same where there is a sign of dollars.
const DOLLARS: &str = "USD, AUD, CAD, NZD or another dollar; the file does not say whose";

/// Words of a title that may say a multiplier.
const MOST_WORDS: usize = 10;

/// Characters of what is told of a text.
const SAID_CHARACTERS: usize = 60;

/// Characters of a note that a pattern is made of.
const NOTE_CHARACTERS: usize = 24;

impl Finder<'_> {
    /// The free columns of numbers that may be summed.
    fn sums(&self) -> Vec<usize> {
        let is_other = |at: usize| {
            [Role::Quantity, Role::Share, Role::Number].iter().any(|of| self.is_called(at, *of))
        };
        self.numbers().into_iter().filter(|&at| !is_other(at)).collect()
    }

    fn with_names<'h>(&'h self, places: &[usize]) -> Vec<(usize, &'h str)> {
        places.iter().map(|&at| (at, self.header[at].as_str())).collect()
    }

    /// Columns of one flow each.
    fn wide_flows(&self) -> Option<UnpivotDraft> {
        if self.draft.fields.contains_key(&Field::Flow) {
            return None;
        }
        let numbers = self.sums();
        let of = |flow: &str| {
            let mut all: Vec<usize> = numbers
                .iter()
                .copied()
                .filter(|&at| {
                    // With years there are several of each flow.
                    let name = &self.header[at];
                    flow_of_header(name) == Some(flow) && year_of(name).is_none()
                })
                .collect();
            all.sort_by_key(|&at| self.header[at].len());
            all.first().copied()
        };
        let (exports, imports) = (of("export")?, of("import")?);
        Some(UnpivotDraft {
            field: Field::Flow,
            columns: vec![(exports, "export".to_owned()), (imports, "import".to_owned())],
            pattern: None,
            choose: None,
        })
    }

    fn unpivot(&mut self, wide: UnpivotDraft) {
        self.taken.extend(wide.columns.iter().map(|(at, _)| *at));
        self.draft.fields.insert(wide.field, FieldDraft::of(Origin::Header));
        self.draft.unpivot = Some(wide);
    }

    /// Columns of one year or other period each, with the flow that their headers say.
    fn wide_periods(&mut self) -> bool {
        if self.draft.fields.contains_key(&Field::Year) {
            return false;
        }
        let numbers = self.numbers();
        let found = wide::periods(&self.with_names(&numbers));
        let Some((found, others)) = found else { return false };
        let flow = found.flow();
        let of_flow = |of: &WideColumns| match of.flow() {
            Some(other) if Some(other) != flow => {
                format!("{} and flow: {{constant: {other}}}", of.pattern)
            }
            _ => of.pattern.clone(),
        };
        let choose = (!others.is_empty()).then(|| {
            format!("or {}", others.iter().map(of_flow).collect::<Vec<_>>().join(", or "))
        });
        let WideColumns { columns, pattern, date, .. } = found;
        let field = Field::Year;
        self.unpivot(UnpivotDraft { field, columns, pattern: Some(pattern), choose });
        let of_header = FieldDraft { date: date.clone(), ..FieldDraft::of(Origin::Header) };
        if date.as_ref().is_some_and(|date| date.has_month) {
            self.draft.fields.insert(Field::Month, of_header.clone());
        }
        let choose = date.as_ref().and_then(|date| match date.form.as_str() {
            "fiscal" => Some("fiscal, the year it begins in, or fiscal_end".to_owned()),
            own => date.or.as_ref().map(|or| format!("{own} or {or}")),
        });
        self.draft.fields.insert(Field::Year, FieldDraft { choose, ..of_header });
        if let Some(flow) = flow {
            let constant = FieldDraft::of(Origin::Constant(flow.to_owned()));
            self.draft.fields.insert(Field::Flow, constant);
        }
        true
    }

    /// Columns of one product each, named by its code.
    fn wide_products(&self, fewest: usize) -> Option<UnpivotDraft> {
        if self.draft.fields.contains_key(&Field::Product) {
            return None;
        }
        let found = wide::codes(&self.with_names(&self.sums()))?;
        (found.columns.len() >= fewest).then_some(UnpivotDraft {
            field: Field::Product,
            columns: found.columns,
            pattern: Some(found.pattern),
            choose: None,
        })
    }

    /// Columns of one region, product or partner each, whose names are no codes.
    fn wide_names(&self) -> Option<UnpivotDraft> {
        let numbers = self.sums();
        if numbers.len() < 2 {
            return None;
        }
        let has = |field: Field| self.draft.fields.contains_key(&field);
        let is_words =
            |at: &usize| !self.column(*at).is_number() && self.column(*at).texts.len() > 1;
        let has_words = self.free().iter().any(is_words);
        let is_place = |at: &usize| {
            let name = &self.header[*at];
            (2..=3).contains(&name.len()) && name.chars().all(|c| c.is_ascii_uppercase())
        };
        let (field, choose) = match (has(Field::Region), has(Field::Product)) {
            (false, true) => {
                (Field::Region, "the columns of regions: leave out those that are none")
            }
            (false, false) if !has_words => {
                (Field::Region, "the columns of regions, or field: product")
            }
            (_, false) => (Field::Product, "the columns of products, or field: destination"),
            (true, true) if numbers.iter().all(is_place) && !has(Field::Destination) => {
                (Field::Destination, "the columns of partners")
            }
            (true, true) => return None,
        };
        let columns = numbers.iter().map(|&at| (at, self.header[at].clone())).collect();
        Some(UnpivotDraft { field, columns, pattern: None, choose: Some(choose.to_owned()) })
    }

    /// The column or columns of values.
    pub(super) fn value(&mut self) {
        if let Some(at) = self.known_column(Field::Value).filter(|&at| self.is_free(at)) {
            self.take(Field::Value, at, FieldDraft::column(at));
            return;
        }
        if let Some(wide) = self.wide_flows() {
            self.unpivot(wide);
            return;
        }
        if self.wide_periods() {
            return;
        }
        if let Some(wide) = self.wide_products(MANY_CODES) {
            self.unpivot(wide);
            return;
        }
        let is_number =
            |at: &usize| self.column(*at).is_number() && !self.is_called(*at, Role::Share);
        let mut named: Vec<usize> =
            self.usual(usual_names::VALUE).into_iter().filter(is_number).collect();
        let has_part = |at: &usize| {
            let name = plain(&self.header[*at]);
            let unit = Unit::of(&self.header[*at]);
            VALUE_PARTS.iter().any(|part| name.contains(part))
                || self.is_called(*at, Role::Value)
                || unit.currency.is_some()
                || unit.measure.is_some()
        };
        let more: Vec<usize> =
            self.sums().into_iter().filter(|at| has_part(at) && !named.contains(at)).collect();
        named.extend(more);
        if named.is_empty() {
            if let Some(wide) = self.wide_products(0).or_else(|| self.wide_names()) {
                self.unpivot(wide);
                return;
            }
            named = self.sums();
        }
        if named.is_empty() {
            named = self.numbers();
        }
        let Some(&at) = named.first() else { return };
        let choose = self.or(&named[1..]);
        self.take(Field::Value, at, FieldDraft { choose, ..FieldDraft::column(at) });
    }

    /// The column of quantities.
    pub(super) fn quantity(&mut self) {
        let known = self.known_column(Field::Quantity).map(|at| {
            let name = plain(&self.header[at]);
            let unit = usual_names::QUANTITY.iter().find(|(of, _)| *of == name);
            let of_baci = self.known.is_some_and(|form| form.name == "baci").then_some("t");
            (at, unit.and_then(|(_, unit)| *unit).or(of_baci))
        });
        let named = || {
            usual_names::QUANTITY
                .iter()
                .find_map(|(name, unit)| Some((self.usual(&[*name]).first().copied()?, *unit)))
        };
        let Some((at, unit)) = known.or_else(named) else { return };
        if !self.column(at).is_all_numbers() || !self.is_free(at) {
            return;
        }
        self.take(Field::Quantity, at, FieldDraft::column(at));
        if let Some(unit) = unit {
            let unit = FieldDraft::of(Origin::Constant(unit.to_owned()));
            self.draft.fields.insert(Field::QuantityUnit, unit);
        } else if let Some(&at) = self.usual(&["qtyunitabbr", "qtyunit", "unit"]).first() {
            self.take(Field::QuantityUnit, at, FieldDraft::column(at));
        }
    }

    /// What is in no column: in the name of the file, or known to the user alone.
    pub(super) fn others(&mut self) {
        self.of_sheets();
        let label = self.look.file_of(&self.look.label).to_lowercase();
        let file = label.rsplit('/').next().unwrap_or(&label).to_owned();
        if !self.draft.fields.contains_key(&Field::Year) {
            let field = self.year_of_file(&file);
            self.draft.fields.insert(Field::Year, field);
        }
        if !self.draft.fields.contains_key(&Field::Flow) {
            let field = self.flow_of_file();
            self.draft.fields.insert(Field::Flow, field);
        }
        if let Entry::Vacant(place) = self.draft.fields.entry(Field::Product) {
            let none = FieldDraft::of(Origin::Constant("all".to_owned()));
            let why = "no column has products: all are one";
            place.insert(none.choose("all, or column: and the name of the column of products"));
            self.draft.product.classification = Some("goods".to_owned());
            self.draft.product.why = why.to_owned();
        }
        if let Entry::Vacant(place) = self.draft.fields.entry(Field::Region) {
            let one = FieldDraft::of(Origin::Constant("ALL".to_owned()));
            place.insert(one.choose("the name of the one region; no column has regions"));
        }
    }

    /// The year that the name of a file, a sheet or a title says.
    fn year_of_file(&self, file: &str) -> FieldDraft {
        if year_of(file).is_some() {
            return FieldDraft::of(Origin::FileName("((?:19|20)[0-9]{2})[^/]*$".to_owned()))
                .choose("the year in the file's name, or constant: and another year");
        }
        let mut titles = self.look.own_sheet.iter().chain(&self.look.above);
        let said = titles.find_map(|text| Some((text, year_of(text)?)));
        let (year, choose) = match said {
            Some((text, year)) => {
                let text = printable(text, SAID_CHARACTERS);
                (year.to_string(), format!("the year, as {text} says, or another"))
            }
            None => {
                ("2000".to_owned(), "the year: no column and no name of a file says it".to_owned())
            }
        };
        FieldDraft::of(Origin::Constant(year)).choose(choose)
    }

    /// The flow that columns, titles or the names of files say.
    fn flow_of_file(&self) -> FieldDraft {
        let constant = |flow: &str| FieldDraft::of(Origin::Constant(flow.to_owned()));
        if let Some(flow) = self.said_flow() {
            return constant(flow);
        }
        let labels = self.look.files();
        let mut said: Vec<(String, String)> = labels
            .iter()
            .filter_map(|label| flow_of_file(label))
            .map(|(word, flow)| (word.to_owned(), flow.to_owned()))
            .collect();
        let is_all = said.len() == labels.len();
        said.sort();
        said.dedup();
        if is_all && said.iter().any(|(_, flow)| Some(flow) != said.first().map(|(_, of)| of)) {
            let words: Vec<&str> = said.iter().map(|(word, _)| word.as_str()).collect();
            let pattern = format!("({})[^/]*$", words.join("|"));
            return FieldDraft { map: said, ..FieldDraft::of(Origin::FileName(pattern)) };
        }
        let in_file = said.first().map(|(_, flow)| flow.as_str()).filter(|_| is_all);
        let title = self.look.above.iter().find_map(|text| flow_in(text));
        constant(in_file.or(title).unwrap_or("export")).choose("export or import")
    }

    /// Rows of several kinds, of which one is meant.
    pub(super) fn conditions(&mut self) {
        let product = self.draft.column_of(Field::Product);
        let n_levels = product.map_or(0, |at| self.column(at).lengths().len());
        for at in 0..self.header.len() {
            let (name, column) = (plain(&self.header[at]), self.column(at));
            let whole = WHOLES.iter().find(|(of, _)| *of == name);
            let found = whole
                .and_then(|(_, texts)| texts.iter().find(|text| column.texts.contains_key(**text)));
            // Where all codes are of one level, leaves are only some of them.
            let is_idle = name.starts_with("isleaf") && n_levels < 2;
            if column.texts.len() < 2 || self.taken.contains(&at) || is_idle {
                continue;
            }
            let condition = if let Some(text) = found {
                let why = "the others are parts or sums of these".to_owned();
                Some((vec![(*text).to_owned()], why))
            } else if KINDS.contains(&name.as_str()) {
                let texts: Vec<&str> = column.texts.keys().take(8).map(String::as_str).collect();
                let usual = column.usual().unwrap_or_default().to_owned();
                Some((vec![usual], format!("choose: one of {}", texts.join(", "))))
            } else {
                None
            };
            if let Some((texts, why)) = condition {
                self.draft.conditions.push(Condition { column: at, test: Test::In(texts), why });
            }
        }
        self.named_totals();
        let revision = |at: &usize| {
            let texts = &self.column(*at).texts;
            !texts.is_empty() && texts.keys().all(|text| comtrade_revision(text).is_some())
        };
        let columns = ["classificationcode", "classification"];
        self.draft.revision_column = usual(&self.header, &columns).into_iter().find(revision);
    }

    /// Rows that are totals by name, in columns of keys.
    fn named_totals(&mut self) {
        for field in [Field::Region, Field::Product, Field::Month] {
            let Some(at) = self.draft.column_of(field) else { continue };
            let texts = || self.column(at).texts.keys();
            let is_left_out = |text: &str| {
                self.draft.conditions.iter().any(|of| of.column == at && !of.holds(text))
            };
            let is_total = |text: &&String| is_named_total(text) && !is_left_out(text);
            let totals: Vec<String> = texts().filter(is_total).cloned().collect();
            if totals.is_empty() || texts().len() < totals.len() + 2 {
                continue;
            }
            let why = format!(
                "{} is the total of the others",
                printable(&totals.join(", "), SAID_CHARACTERS)
            );
            self.draft.conditions.push(Condition { column: at, test: Test::NotIn(totals), why });
        }
    }

    /// What values count, by the first text that says it: their headers, columns of one text, titles,
    /// notes, the name of the sheet, that of the file.
    pub(super) fn unit(&mut self) {
        let places: Vec<usize> = self.draft.values().into_iter().map(|(at, _)| at).collect();
        let mut texts: Vec<&str> =
            places.iter().take(1).map(|&at| self.header[at].as_str()).collect();
        if let Some(pattern) = self.draft.unpivot.as_ref().and_then(|wide| wide.pattern.as_deref())
        {
            texts.push(pattern);
        }
        texts.extend(self.constants().map(|(_, text)| text));
        let kept = self.draft.conditions.iter().filter_map(|of| match &of.test {
            Test::In(texts) => texts.first().map(String::as_str),
            Test::NotIn(_) | Test::Digits(_) => None,
        });
        texts.extend(kept);
        let is_short = |text: &&String| {
            text.split_whitespace().count() <= MOST_WORDS || !Unit::of(text).is_empty()
        };
        texts.extend(self.look.above.iter().filter(is_short).map(String::as_str));
        texts.extend(self.look.notes.iter().map(String::as_str));
        texts.extend(self.look.sheet.as_deref());
        let (mut unit, mut by) = (Unit::default(), None);
        for text in texts {
            let of = Unit::of(text);
            // A title of many words that says no currency may count something else.
            let is_loose = of.currency.is_none()
                && !of.has_dollar
                && text.split_whitespace().count() > MOST_WORDS;
            let of = if is_loose { Unit { multiplier: None, ..of } } else { of };
            if unit.multiplier.is_none() && of.multiplier.is_some() {
                by = Some(printable(text, SAID_CHARACTERS));
            }
            unit = unit.or(of);
        }
        let power = self.constants().find_map(|(at, text)| {
            let is_power = ["unitmult", "powercode"].contains(&plain(&self.header[at]).as_str());
            text.parse::<u32>().ok().filter(|power| is_power && *power <= 9)
        });
        if let (Some(power), None) = (power, unit.multiplier) {
            unit.multiplier = Some((10_u32.pow(power), Sure::Yes));
            by = Some("the column of its power of ten".to_owned());
        }
        if unit.currency.is_none() && !unit.has_dollar && unit.measure.is_none() {
            let file = self.look.file_of(&self.look.label).rsplit('/').next().unwrap_or_default();
            unit.measure = Unit::of(file).measure.filter(|_| flow_within(file).is_none());
        }
        let known = self.known.and_then(|form| form.currency);
        let value = &mut self.draft.value;
        value.measure = unit.measure.filter(|_| known.is_none() && unit.currency.is_none());
        value.currency = known.or(unit.currency).unwrap_or("USD").to_owned();
        value.other_currencies = match (known.or(unit.currency), unit.has_dollar) {
            (Some(_), _) => None,
            (None, true) => Some(DOLLARS.to_owned()),
            (None, false) => Some(USUAL_CURRENCIES.to_owned()),
        };
        if let (Some((multiplier, sure)), None) = (unit.multiplier, self.known) {
            value.multiplier = multiplier;
            value.multiplier_by = by;
            value.other_multipliers =
                (sure == Sure::No).then(|| "1000, or 1000000 if mil is million".to_owned());
        }
    }

    /// Marks and words that stand for a missing value where numbers are.
    pub(super) fn missing(&mut self) {
        let numbers = self.draft.values().into_iter().map(|(at, _)| at);
        let numbers: Vec<usize> = numbers.chain(self.draft.column_of(Field::Quantity)).collect();
        let keys = [Field::Region, Field::Destination, Field::Product, Field::Year];
        let keys: Vec<usize> =
            keys.iter().filter_map(|&field| self.draft.column_of(field)).collect();
        let mut words: BTreeMap<String, u64> = BTreeMap::new();
        for at in numbers {
            let stand_ins = self.column(at).stand_ins();
            let marks = self.column(at).marks.keys().map(|mark| (mark.as_str(), None));
            for (mark, n) in marks.chain(stand_ins.into_iter().map(|(word, n)| (word, Some(n)))) {
                let of = keys.iter().find(|&&key| self.column(key).texts.contains_key(mark));
                match of {
                    None => {
                        self.draft.missing.insert(mark.to_owned());
                        if let Some(n) = n {
                            *words.entry(mark.to_owned()).or_default() += n;
                        }
                    }
                    Some(&key) => {
                        let note = format!(
                            "{mark} stands for a missing number in {}, and is a code in {}: rows \
                             without a number are rejected",
                            self.header[at], self.header[key]
                        );
                        self.draft.notes.push(note);
                    }
                }
            }
        }
        self.draft.value.stand_ins = words;
    }

    /// Keys that stand only in the first row of a group, and lines behind the last row.
    pub(super) fn lines(&mut self) {
        let keys = [
            Field::Year,
            Field::Month,
            Field::Flow,
            Field::Region,
            Field::Product,
            Field::Destination,
        ];
        for at in keys.iter().filter_map(|&field| self.draft.column_of(field)).collect::<Vec<_>>() {
            let column = self.column(at);
            let is_filled_down = column.begins_filled && column.n_empty >= column.n_filled;
            let is_named = !self.header[at].is_empty();
            if is_filled_down && is_named && !self.draft.fill_down.contains(&at) {
                self.draft.fill_down.push(at);
            }
        }
        let others: Vec<&String> = self.look.other_sheets.iter().collect();
        if !others.is_empty() {
            let names: Vec<String> =
                others.iter().take(6).map(|name| printable(name, 40)).collect();
            let names = names.join(", ");
            let sheets = if others.len() == 1 { "the sheet" } else { "the sheets" };
            self.draft.notes.push(match self.look.sheets.is_empty() {
                true => format!(
                    "of a workbook one sheet is read: {sheets} {names} not; save what you need of them as files, \
                     or, if they have the same columns, name them in `excel: {{sheets: [...]}}`"
                ),
                false => format!("not read of the workbook: {sheets} {names}"),
            });
        }
        self.draft.footer = self.footer();
        self.unused();
    }

    /// Says which columns may be of months or partners, and are not read.
    fn unused(&mut self) {
        if self.known.is_some() {
            return;
        }
        for (role, what) in [(Role::Month, "months or quarters"), (Role::Partner, "partners")] {
            let found: Vec<usize> =
                self.free().into_iter().filter(|&at| self.is_idle(at, role)).collect();
            if !found.is_empty() {
                let note = format!("{} may be {what}, and is not read", self.names(&found));
                self.draft.notes.push(note);
            }
        }
    }

    /// Whether a column is called by a role, and no column that is read says what it does.
    fn is_idle(&self, at: usize, role: Role) -> bool {
        let keys = [Field::Year, Field::Month, Field::Region, Field::Destination];
        let mut read = keys.iter().filter_map(|&field| self.draft.column_of(field));
        let is_told = read.any(|of| self.look.tells(of, at));
        let is_sum = role == Role::Partner && self.column(at).is_number();
        self.is_called(at, role)
            && !self.is_called(at, Role::Label)
            && self.column(at).texts.len() > 1
            && !is_told
            && !is_sum
    }

    /// A pattern of the first line of what follows the rows, that no row begins like.
    fn footer(&self) -> Option<String> {
        let first = self.look.columns.first()?;
        let mut begins: Vec<String> = Vec::new();
        for note in &self.look.notes {
            let begin: String = note.chars().take(NOTE_CHARACTERS).collect();
            let begin = begin.trim().to_owned();
            let is_row = first.texts.keys().any(|text| text.starts_with(&begin));
            if !begin.is_empty() && !is_row && !begins.contains(&begin) {
                begins.push(begin);
            }
        }
        let begins: Vec<String> = begins.iter().map(|begin| escaped(begin)).collect();
        match &begins[..] {
            [] => None,
            [one] => Some(format!("^{one}")),
            several => Some(format!("^(?:{})", several.join("|"))),
        }
    }
}
