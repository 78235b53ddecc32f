//! Rows as codes: what [`RowParser`] makes of a row, with a number for each text.
//!
//! Of the texts of a column few are new. Each raw text is read once, checked and mapped, and known by its
//! bytes from then on; a row of known texts needs no more than to look them up. All else (faults, codes
//! without a meaning, wide tables) goes through [`RowParser`], so that there is one meaning of a row.

mod column_group;
mod fallback;
mod found;

use self::column_group::ColumnGroup;
use self::fallback::Fallback;
use self::found::{COLUMN_OF, Found, Year, has};
use crate::batch::RowTexts;
use crate::column::Column;
use crate::hs::HsRevision;
use crate::interner::{Interner, Lookup, NO_CODE, Text, UNKNOWN, is_same};
use crate::layout::{Field, Layout, Negative, Zero};
use crate::money::Money;
use crate::row::{
    Counts, Entry, Fitted, FittedRule, LeftOut, ProductCode, Reject, RowParser, Sink, Source,
};
use std::borrow::Cow;

/// The texts of each [`Column`], by code.
#[derive(Debug, Default)]
pub struct Dictionaries([Interner; Column::ALL.len()]);

impl Dictionaries {
    /// The texts of `column`, by code.
    pub fn of(&self, column: Column) -> &Interner {
        &self.0[column as usize]
    }

    /// Bytes of memory that they have, about.
    pub fn n_bytes(&self) -> usize {
        self.0.iter().map(Interner::n_bytes).sum()
    }

    fn code(&mut self, column: Column, text: &str) -> u32 {
        self.0[column as usize].code(text)
    }
}

/// An [`Entry`] as codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CodedEntry {
    /// Place of the value among the row's value columns, from 0.
    pub place: usize,
    /// Calendar year.
    pub year: i32,
    /// Month 1 to 12; 0 if the source has none.
    pub month: u32,
    /// The code of each [`Column`]; [`NO_CODE`] for none.
    pub codes: [u32; Column::ALL.len()],
    /// Whether the ownership was found in the fallback only.
    pub ownership_is_fallback: bool,
    /// Quantity.
    pub quantity: Option<f64>,
    /// FOB value.
    pub value: Money,
    /// The rules of the layout that cover it, the first as the lowest bit.
    pub rules: u64,
}

/// Takes what becomes of a row, as [`Sink`] does.
pub trait CodedSink {
    /// A readable entry.
    fn entry(&mut self, entry: &CodedEntry);
    /// A refused row or entry.
    fn reject(&mut self, reject: Reject);
    /// Entries that are left out, and their value where it can be read.
    fn left_out(&mut self, why: LeftOut, n_entries: u64, value: Money);
    /// A text of `field` that its codes do not have, and that became `code` in `n_entries` entries of
    /// `value` together.
    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money);
}

/// The rules that a code speaks for, as far as one column can tell.
#[derive(Debug)]
struct Masks {
    column: Column,
    /// Whether a rule has a condition on it.
    is_needed: bool,
    by_code: Vec<u64>,
    /// Where there is no text.
    none: u64,
}

impl Masks {
    #[inline]
    fn of(&mut self, code: u32, dictionaries: &Dictionaries, mask: impl Fn(&str) -> u64) -> u64 {
        if code == NO_CODE {
            return self.none;
        }
        let dictionary = dictionaries.of(self.column);
        while self.by_code.len() < dictionary.n_texts() {
            let code = u32::try_from(self.by_code.len()).unwrap_or(NO_CODE);
            self.by_code.push(mask(dictionary.text(code)));
        }
        self.by_code[code as usize]
    }
}

/// A batch of rows, and the texts of the column that was last asked for.
struct ColumnTexts<'r, R: ?Sized> {
    rows: &'r R,
    column: Option<Option<usize>>,
    texts: Vec<Text<'r>>,
}

impl<'r, R: RowTexts + ?Sized> ColumnTexts<'r, R> {
    fn new(rows: &'r R) -> Self {
        Self { rows, column: None, texts: Vec::new() }
    }

    /// The texts of `column`, empty ones of none. Neighbouring fields are often of the same.
    fn of(&mut self, column: Option<usize>) -> &[Text<'r>] {
        if self.column != Some(column) {
            match column {
                Some(column) => self.rows.texts(column, &mut self.texts),
                None => {
                    self.texts.clear();
                    self.texts.resize(self.rows.n_rows(), Text::default());
                }
            }
            self.column = Some(column);
        }
        &self.texts
    }
}

/// The entries of a batch of rows, one of each, by column.
#[derive(Debug, Clone, Copy)]
pub struct CodedBatch<'f> {
    /// Calendar years.
    pub year: &'f [u32],
    /// Months 1 to 12; [`NO_CODE`] if the source has none.
    pub month: &'f [u32],
    /// The codes of each [`Column`]; [`NO_CODE`] for none.
    pub codes: &'f [Vec<u32>; Column::ALL.len()],
    /// Whether the ownership, if there is one, was found in a fallback: above 0.
    pub ownership_at: &'f [u32],
    /// Quantities; NaN for none. Empty where nobody asks for their units.
    pub quantity: &'f [f64],
    /// FOB values.
    pub value: &'f [Money],
    /// The rules of the layout that cover each, the first as the lowest bit.
    pub rules: &'f [u64],
    /// The texts of the codes.
    pub dictionaries: &'f Dictionaries,
}

/// Reads the rows of one text as codes, a batch at a time.
#[derive(Debug)]
pub struct CodedParser<'p, 'l> {
    parser: &'p RowParser<'l>,
    /// The columns whose texts somebody asks for.
    is_asked: [bool; Column::ALL.len()],
    /// The column of the value, where a row has but one, and its texts say all.
    value: Option<usize>,
    /// By field.
    fallbacks: Vec<Vec<Fallback<'p, 'l>>>,
    dictionaries: Dictionaries,
    /// The code of each product, cut to what is analysed.
    cut: Vec<u32>,
    /// The revision of each year met.
    revisions: Vec<(u32, u32)>,
    masks: [Masks; 4],
    /// Columns that are looked up together, once there were rows.
    groups: Option<Vec<ColumnGroup>>,
    /// The column of firms' names, where they are asked for the rules alone and stand as they are.
    names: Option<usize>,
    found: Found,
    lookup: Lookup,
    numbers: Vec<u64>,
}

/// A row that the slow way must read.
struct SlowPath;

/// What stands for a text that is no number.
const NO_NUMBER: u64 = u64::MAX;

/// Puts the numbers that the texts of a column are into `numbers`, [`NO_NUMBER`] for none.
fn put_numbers(rows: &(impl RowTexts + ?Sized), column: usize, numbers: &mut Vec<u64>) {
    numbers.clear();
    match rows.parts(column, column) {
        Some((all, parts)) => {
            for (start, end) in parts {
                let mut text = Text::default();
                text.put_part(all, start, end, &Text::default());
                numbers.push(text.number().unwrap_or(NO_NUMBER));
            }
        }
        None => {
            let number = |row| rows.text(row, column).number().unwrap_or(NO_NUMBER);
            numbers.extend((0..rows.n_rows()).map(number));
        }
    }
}

/// Marks the rows that have no code.
fn mark_without_code(is_unusual: &mut [bool], codes: &[u32]) {
    for (is_unusual, code) in is_unusual.iter_mut().zip(codes) {
        *is_unusual |= *code == NO_CODE;
    }
}

/// Marks the rows of years that are not meant.
fn mark_other_years(layout: &Layout, years: &[u32], is_unusual: &mut [bool]) {
    if layout.years.is_some() {
        for (is_unusual, year) in is_unusual.iter_mut().zip(years) {
            *is_unusual |= !layout.is_of_years(year.cast_signed());
        }
    }
}

/// Money of so many units.
fn whole(number: u64) -> Money {
    Money::from_hundredths(i128::from(number) * 100)
}

/// Whether all texts of a column are numbers, as [`put_numbers`] finds them.
fn are_numbers(rows: &(impl RowTexts + ?Sized), column: usize) -> bool {
    let Some((all, parts)) = rows.parts(column, column) else { return false };
    let mut are_numbers = true;
    for (start, end) in parts {
        let mut text = Text::default();
        text.put_part(all, start, end, &Text::default());
        are_numbers &= text.is_number();
    }
    are_numbers
}

/// Whether all texts of a column are ASCII.
fn are_ascii(rows: &(impl RowTexts + ?Sized), column: usize) -> bool {
    match rows.parts(column, column) {
        Some((all, parts)) => {
            let mut bits = 0;
            for (start, end) in parts {
                let bytes = &all[start..end];
                // Bytes that are read twice are the same both times.
                match (bytes.first_chunk(), bytes.last_chunk()) {
                    (Some(first), Some(last)) if bytes.len() <= 16 => {
                        bits |= u64::from_le_bytes(*first) | u64::from_le_bytes(*last);
                    }
                    _ => bits |= if bytes.is_ascii() { 0 } else { 0x80 },
                }
            }
            bits & 0x8080_8080_8080_8080 == 0
        }
        None => (0..rows.n_rows()).all(|row| rows.text(row, column).bytes().is_ascii()),
    }
}

impl<'p, 'l> CodedParser<'p, 'l> {
    /// Nothing is known yet. Firms, their names and units are checked, but have codes only where they are asked for.
    pub fn new(parser: &'p RowParser<'l>, is_asked: [bool; Column::ALL.len()]) -> Self {
        let names = &parser.fields[Field::FirmName.index()];
        Self {
            parser,
            is_asked,
            value: match &parser.values[..] {
                [column] if column.code.is_none() && !parser.needs_rows => Some(column.at),
                _ => None,
            },
            fallbacks: Field::ALL
                .iter()
                .map(|field| Fallback::all(&parser.fields[field.index()]))
                .collect(),
            dictionaries: Dictionaries::default(),
            cut: Vec::new(),
            revisions: Vec::new(),
            masks: [Column::Product, Column::FirmName, Column::Region, Column::Destination].map(
                |column| Masks {
                    column,
                    is_needed: parser.rules.iter().any(|rule| rule.asks(column)),
                    by_code: Vec::new(),
                    none: mask(parser, column, None),
                },
            ),
            groups: None,
            names: match names.source {
                Source::Column(at) if !is_asked[Column::FirmName as usize] => {
                    Some(at).filter(|_| names.is_plain() && names.fallback.is_none())
                }
                _ => None,
            },
            found: Found::default(),
            lookup: Lookup::default(),
            numbers: Vec::new(),
        }
    }

    /// The parser of what is met for the first time.
    pub fn rows(&self) -> &RowParser<'l> {
        self.parser
    }

    /// Bytes of memory that what is known of texts has, about.
    pub fn n_bytes(&self) -> usize {
        self.dictionaries.n_bytes()
    }

    /// The texts of the codes so far.
    pub fn dictionaries(&self) -> &Dictionaries {
        &self.dictionaries
    }

    /// Looks up the texts of a batch of rows, column by column: the processor can then fetch what many rows
    /// are compared with at once.
    pub fn look_up(&mut self, rows: &(impl RowTexts + ?Sized)) {
        // Each row is read by itself.
        if self.value.is_none() {
            return;
        }
        let (parser, n) = (self.parser, rows.n_rows());
        let mut found = std::mem::take(&mut self.found);
        found.is_unusual.clear();
        let n_columns = parser.n_columns();
        let is_unusual = |row: usize| {
            rows.n_columns(row) != n_columns
                || (parser.has_trailing && !rows.text(row, n_columns - 1).bytes().is_empty())
        };
        found.is_unusual.extend((0..n).map(is_unusual));
        found.ownership_at.clear();
        found.ownership_at.resize(n, 0);
        found.rules.clear();
        found.rules.resize(n, if parser.rules.is_empty() { 0 } else { u64::MAX });
        let mut groups = match self.groups.take() {
            Some(groups) => groups,
            None => ColumnGroup::all(&self.fallbacks, rows),
        };
        let mut is_known = [false; Field::ALL.len()];
        let mut texts = ColumnTexts::new(rows);
        for group in groups.iter_mut().filter(|group| group.has_year()) {
            group.look_up(rows, Year::Differs, &mut found, &mut is_known);
        }
        let unusual = &mut found.is_unusual;
        if !is_known[Field::Year.index()] {
            self.find(Field::Year, &mut texts, None, &mut found.year, unusual, None);
        }
        mark_other_years(parser.layout, &found.year, unusual);
        let year = Year::of_all(&found.year);
        for group in groups.iter_mut().filter(|group| !group.has_year()) {
            group.look_up(rows, year, &mut found, &mut is_known);
        }
        let unusual = &mut found.is_unusual;
        let years = Some((&*found.year, year));
        if !is_known[Field::Month.index()] {
            self.find(Field::Month, &mut texts, years, &mut found.month, unusual, None);
        }
        for (field, column) in COLUMN_OF {
            let codes = &mut found.codes[column as usize];
            if is_known[field.index()] {
                continue;
            }
            if column == Column::FirmName
                && let Some(at) = self.names
            {
                codes.clear();
                codes.resize(n, NO_CODE);
                self.find_names(rows, at, &mut found.rules, unusual);
                continue;
            }
            let places = (field == Field::Ownership).then_some(&mut found.ownership_at);
            self.find(field, &mut texts, years, codes, unusual, places);
        }
        for group in &mut groups {
            group.learn(&mut self.fallbacks, rows, &found);
        }
        groups.retain(ColumnGroup::is_of_use);
        self.groups = Some(groups);
        self.find_products(&mut found);
        if !parser.rules.is_empty() {
            let dictionaries = &self.dictionaries;
            for masks in self.masks.iter_mut().filter(|masks| masks.is_needed) {
                let column = masks.column;
                if column == Column::FirmName && self.names.is_some() {
                    continue;
                }
                let codes = &found.codes[column as usize];
                for (rules, &code) in found.rules.iter_mut().zip(codes) {
                    let of = |text: &str| mask(parser, column, Some(text));
                    *rules &= masks.of(code, dictionaries, of);
                }
            }
        }
        self.found = found;
    }

    /// Puts the rules that firms' names speak for into `rules`. A name is not remembered: to find it among all
    /// others takes longer than to look at it.
    fn find_names(
        &self,
        rows: &(impl RowTexts + ?Sized),
        column: usize,
        rules: &mut [u64],
        unusual: &mut [bool],
    ) {
        let parser = self.parser;
        let names = &self.masks[NAMES];
        let mask_of = |name: &[u8]| {
            let name = std::str::from_utf8(name).ok()?;
            Some(match parser.present(name) {
                Some(name) if names.is_needed => mask(parser, Column::FirmName, Some(name)),
                _ => names.none,
            })
        };
        let (mut before, mut mask) = (&[][..], mask_of(&[]));
        let mut put = |at: usize, name| {
            if !is_same(name, before) {
                (before, mask) = (name, mask_of(name));
            }
            match mask {
                Some(mask) => rules[at] &= mask,
                None => unusual[at] = true,
            }
        };
        match rows.parts(column, column) {
            Some((all, parts)) => {
                for (at, (start, end)) in parts.enumerate() {
                    put(at, &all[start..end]);
                }
            }
            None => (0..rows.n_rows()).for_each(|at| put(at, rows.text(at, column).bytes())),
        }
    }

    /// Puts what is analysed and the revision beside the products that were found.
    fn find_products(&mut self, found: &mut Found) {
        for column in [Column::Flow, Column::Region, Column::Product] {
            let codes = &found.codes[column as usize];
            if has(codes, NO_CODE) {
                mark_without_code(&mut found.is_unusual, codes);
            }
        }
        let mut cut = std::mem::take(&mut found.codes[Column::Analysed as usize]);
        cut.clear();
        let products = &found.codes[Column::Product as usize];
        let of_product = |&at: &u32| *self.cut.get(at as usize).unwrap_or(&NO_CODE);
        cut.extend(products.iter().map(of_product));
        found.codes[Column::Analysed as usize] = cut;
        let mut revisions = std::mem::take(&mut found.codes[Column::Revision as usize]);
        revisions.clear();
        for of_year in found.year.chunk_by(|a, b| a == b) {
            let revision = self.revision(of_year[0]);
            let first = revisions.len();
            revisions.resize(first + of_year.len(), revision.unwrap_or(NO_CODE));
            if revision.is_none() {
                found.is_unusual[first..revisions.len()].fill(true);
            }
        }
        found.codes[Column::Revision as usize] = revisions;
    }

    /// The entries of the batch that was last looked up, if every row has one and none needs the slow way.
    pub fn batch(&mut self, rows: &(impl RowTexts + ?Sized)) -> Option<CodedBatch<'_>> {
        let at = self.value?;
        if has(&self.found.is_unusual, true) {
            return None;
        }
        let mut quantity = std::mem::take(&mut self.found.quantity);
        let mut value = std::mem::take(&mut self.found.value);
        quantity.clear();
        value.clear();
        let mut numbers = std::mem::take(&mut self.numbers);
        put_numbers(rows, at, &mut numbers);
        let layout = self.parser.layout;
        if layout.money.multiplier == 1 && layout.zero == Zero::Keep && !has(&numbers, NO_NUMBER) {
            value.extend(numbers.iter().map(|&number| whole(number)));
        } else {
            for (row, &number) in numbers.iter().enumerate() {
                let Ok(of_row) = self.value(at, number, || rows.text(row, at)) else { break };
                value.push(of_row);
            }
        }
        let fitted = &self.parser.fields[Field::Quantity.index()];
        let plain = match fitted.source {
            Source::Column(at) if fitted.is_plain() && !self.parser.missing_digits => Some(at),
            _ => None,
        };
        let is_asked = self.is_asked[Column::QuantityUnit as usize];
        let are_sound = !is_asked && plain.is_some_and(|at| are_numbers(rows, at));
        match plain {
            _ if are_sound => numbers.clear(),
            Some(at) => put_numbers(rows, at, &mut numbers),
            None => numbers.fill(NO_NUMBER),
        }
        for ((row, &number), &year) in numbers.iter().enumerate().zip(&self.found.year) {
            #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53")]
            quantity.push(match number {
                NO_NUMBER => match self.quantity(row, rows, year.cast_signed()) {
                    Ok(amount) => amount.unwrap_or(f64::NAN),
                    Err(SlowPath) => break,
                },
                number => number as f64,
            });
        }
        let n = rows.n_rows();
        let is_whole = value.len() == n && (are_sound || quantity.len() == n);
        self.numbers = numbers;
        self.found.quantity = quantity;
        self.found.value = value;
        let found = &self.found;
        is_whole.then_some(CodedBatch {
            year: &found.year,
            month: &found.month,
            codes: &found.codes,
            ownership_at: &found.ownership_at,
            quantity: &found.quantity,
            value: &found.value,
            rules: &found.rules,
            dictionaries: &self.dictionaries,
        })
    }

    /// The value of a row that has one which the layout takes; `number` if its text is one.
    #[inline(always)]
    fn value<'t>(
        &self,
        at: usize,
        number: u64,
        text: impl FnOnce() -> Text<'t>,
    ) -> Result<Money, SlowPath> {
        let layout = self.parser.layout;
        let value = match number {
            number if number != NO_NUMBER && layout.money.multiplier == 1 => whole(number),
            _ => self.parser.exact_value(at, text().bytes()).ok_or(SlowPath)?,
        };
        let is_taken = (value >= Money::ZERO || layout.negative == Negative::Keep)
            && (!value.is_zero() || layout.zero == Zero::Keep);
        is_taken.then_some(value).ok_or(SlowPath)
    }

    /// Reads the row at this place of the batch that was last looked up, like [`RowParser::parse`].
    pub fn parse(
        &mut self,
        at: usize,
        rows: &(impl RowTexts + ?Sized),
        sink: &mut impl CodedSink,
    ) -> Counts {
        if let Some(value) = self.value
            && !self.found.is_unusual[at]
            && let Ok(entry) = self.entry(at, rows, value)
        {
            sink.entry(&entry);
            return Counts { value_in: entry.value, ..Counts::default() };
        }
        let parser = self.parser;
        let mut coder = Coder { dictionaries: &mut self.dictionaries, cut: &mut self.cut, sink };
        parser.parse(&rows.row(at), &mut coder)
    }

    fn entry(
        &self,
        at: usize,
        rows: &(impl RowTexts + ?Sized),
        value: usize,
    ) -> Result<CodedEntry, SlowPath> {
        let found = &self.found;
        let year = i32::try_from(found.year[at]).map_err(|_| SlowPath)?;
        let month = found.month[at];
        let quantity = self.quantity(at, rows, year)?;
        let text = rows.text(at, value);
        let value = self.value(value, text.number().unwrap_or(NO_NUMBER), || text)?;
        let mut codes = [NO_CODE; Column::ALL.len()];
        for (code, column) in codes.iter_mut().zip(&found.codes) {
            *code = column[at];
        }
        Ok(CodedEntry {
            place: 0,
            year,
            month: if month == NO_CODE { 0 } else { month },
            codes,
            ownership_is_fallback: found.ownership_at[at] > 0
                && codes[Column::Ownership as usize] != NO_CODE,
            quantity,
            value,
            rules: found.rules[at],
        })
    }

    /// Puts the code of `field` in each row into `codes`; for year and month its number.
    fn find(
        &mut self,
        field: Field,
        texts: &mut ColumnTexts<'_, impl RowTexts + ?Sized>,
        years: Option<(&[u32], Year)>,
        codes: &mut Vec<u32>,
        unusual: &mut [bool],
        mut places: Option<&mut Vec<u32>>,
    ) {
        let rows = texts.rows;
        codes.clear();
        codes.resize(rows.n_rows(), NO_CODE);
        if self.is_idle(field, rows) {
            return;
        }
        let parser = self.parser;
        let mut known = Known { dictionaries: &mut self.dictionaries, cut: &mut self.cut };
        for (level, place) in (0..).zip(&mut self.fallbacks[field.index()]) {
            let fitted = place.fitted;
            let column = match fitted.source {
                Source::Column(column) => Some(column),
                Source::Constant(_) => None,
                Source::Absent => continue,
                Source::Unpivoted => return unusual.fill(true),
            };
            if !has(codes, NO_CODE)
                || unusual.iter().zip(&*codes).all(|(unusual, code)| *unusual || *code != NO_CODE)
            {
                break;
            }
            let year_of = |at: usize| years.map_or(0, |(years, _)| years[at].cast_signed());
            let is_of_one =
                !place.caches.is_dated || years.is_none_or(|(_, year)| matches!(year, Year::Of(_)));
            if is_of_one {
                let cache = place.caches.of(year_of(0));
                let is_done = match column.and_then(|column| rows.parts(column, column)) {
                    Some((all, parts)) => cache.get_parts(all, parts, &mut self.lookup),
                    None => false,
                };
                if !is_done {
                    cache.get_all(texts.of(column), &mut self.lookup);
                }
                let found = self.lookup.codes();
                if level == 0 && !has(found, UNKNOWN) && !has(unusual, true) {
                    codes.copy_from_slice(found);
                    continue;
                }
            }
            for at in 0..codes.len() {
                if unusual[at] || codes[at] != NO_CODE {
                    continue;
                }
                let mut code = if is_of_one { self.lookup.codes()[at] } else { UNKNOWN };
                if code == UNKNOWN {
                    let year = year_of(at);
                    let text = column.map_or(Text::default(), |column| rows.text(at, column));
                    let cache = place.caches.of(year);
                    let found = match cache.get(text.bytes()) {
                        Some(code) => Ok(code),
                        None => learn(parser, fitted, &mut known, field, &rows.row(at), year)
                            .inspect(|&code| cache.put(text.bytes(), code)),
                    };
                    let Ok(found) = found else {
                        unusual[at] = true;
                        continue;
                    };
                    code = found;
                }
                codes[at] = code;
                if let Some(places) = &mut places {
                    places[at] = level;
                }
            }
        }
        // No year, no meaning.
        if field == Field::Year {
            mark_without_code(unusual, codes);
        }
    }

    /// Whether nobody asks for the texts of `field`, and none of these is wrong: only one of damaged bytes can be.
    fn is_idle(&self, field: Field, rows: &(impl RowTexts + ?Sized)) -> bool {
        let column = COLUMN_OF.iter().find(|(of, _)| *of == field).map(|(_, column)| *column);
        let is_asked = column.is_none_or(|column| self.is_asked[column as usize]);
        if is_asked || !matches!(field, Field::Firm | Field::QuantityUnit) {
            return false;
        }
        let [place] = &self.fallbacks[field.index()][..] else { return false };
        place.column().is_some_and(|column| place.fitted.is_plain() && are_ascii(rows, column))
    }

    fn quantity(
        &self,
        row: usize,
        rows: &(impl RowTexts + ?Sized),
        year: i32,
    ) -> Result<Option<f64>, SlowPath> {
        let parser = self.parser;
        let mut unknown = Vec::new();
        let texts = rows.row(row);
        let text = parser.text(Field::Quantity, &texts, None, year, &mut unknown);
        match text.map_err(|_| SlowPath)? {
            None => Ok(None),
            Some(_) if !unknown.is_empty() => Err(SlowPath),
            Some(found) => parser.quantity(&found.text).map(Some).ok_or(SlowPath),
        }
    }

    /// The code of the revision of a year, [`NO_CODE`] where products are not of HS; `None` if the
    /// layout has no revision of HS for it.
    fn revision(&mut self, year: u32) -> Option<u32> {
        if let Some((_, code)) = self.revisions.iter().find(|(of, _)| *of == year) {
            return Some(*code);
        }
        let format = &self.parser.layout.product;
        let code = match format.revision(year.cast_signed()) {
            Some(revision) => self.dictionaries.code(Column::Revision, revision.name()),
            None if format.is_hs() => return None,
            None => NO_CODE,
        };
        self.revisions.push((year, code));
        Some(code)
    }
}

/// What texts that are met for the first time are put into.
struct Known<'k> {
    dictionaries: &'k mut Dictionaries,
    cut: &'k mut Vec<u32>,
}

/// The place of firms' names among the columns that rules ask for.
const NAMES: usize = 1;

/// The rules whose condition on `column` holds.
fn mask(parser: &RowParser<'_>, column: Column, text: Option<&str>) -> u64 {
    let holds = |rule: &FittedRule<'_>| match column {
        Column::Product => rule.is_of_product(text.unwrap_or("")),
        Column::FirmName => rule.is_of_name(text.unwrap_or("")),
        Column::Region => rule.is_of_region(text.unwrap_or("")),
        _ => rule.is_of_destination(text),
    };
    let rules = parser.rules.iter().enumerate();
    rules.fold(0, |mask, (at, rule)| mask | u64::from(holds(rule)) << at)
}

/// The code of the text of `field` in `row`, which is met for the first time.
#[cold]
fn learn<'l>(
    parser: &RowParser<'l>,
    fitted: &Fitted<'l>,
    known: &mut Known<'_>,
    field: Field,
    row: &[Cow<'_, [u8]>],
    year: i32,
) -> Result<u32, SlowPath> {
    let mut unknown = Vec::new();
    let text = parser.text_of(fitted, field, row, None, year, &mut unknown);
    let Some(text) = text.map_err(|_| SlowPath)? else { return Ok(NO_CODE) };
    if !unknown.is_empty() {
        return Err(SlowPath);
    }
    let number = |number: Option<i32>| number.and_then(|n| u32::try_from(n).ok()).ok_or(SlowPath);
    match field {
        Field::Year => return number(parser.year(&text)),
        Field::Month => return number(parser.month(&text)),
        Field::Product => {
            let product = ProductCode::clean(&text, &parser.layout.product).ok_or(SlowPath)?;
            if parser.is_unlisted(&product) {
                return Err(SlowPath);
            }
            return Ok(product_code(known.dictionaries, known.cut, &product));
        }
        Field::Flow if !matches!(&*text, "export" | "import") => return Err(SlowPath),
        _ => {}
    }
    let column = COLUMN_OF.iter().find(|(of, _)| *of == field).ok_or(SlowPath)?.1;
    Ok(known.dictionaries.code(column, &text))
}

/// The code of a product; that of what is analysed is put down with it.
fn product_code(dictionaries: &mut Dictionaries, cut: &mut Vec<u32>, product: &ProductCode) -> u32 {
    let code = dictionaries.code(Column::Product, product.as_str());
    if code as usize == cut.len() {
        cut.push(dictionaries.code(Column::Analysed, product.analysed()));
    }
    code
}

/// Gives codes to what [`RowParser`] reads.
struct Coder<'a, S> {
    dictionaries: &'a mut Dictionaries,
    cut: &'a mut Vec<u32>,
    sink: &'a mut S,
}

impl<S: CodedSink> Sink for Coder<'_, S> {
    fn entry(&mut self, entry: &Entry<'_>) {
        let mut codes = [NO_CODE; Column::ALL.len()];
        let product = product_code(self.dictionaries, self.cut, &entry.product);
        codes[Column::Product as usize] = product;
        codes[Column::Analysed as usize] = self.cut[product as usize];
        let texts = [
            (Column::Flow, Some(&*entry.flow)),
            (Column::Region, Some(&*entry.region)),
            (Column::Revision, entry.revision.map(HsRevision::name)),
            (Column::Destination, entry.destination.as_deref()),
            (Column::TradeMode, entry.trade_mode.as_deref()),
            (Column::Ownership, entry.ownership.as_deref()),
            (Column::Firm, entry.firm.as_deref()),
            (Column::FirmName, entry.firm_name.as_deref()),
            (Column::QuantityUnit, entry.quantity_unit.as_deref()),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                codes[column as usize] = self.dictionaries.code(column, text);
            }
        }
        self.sink.entry(&CodedEntry {
            place: entry.place,
            year: entry.year,
            month: entry.month.and_then(|month| u32::try_from(month).ok()).unwrap_or(0),
            codes,
            ownership_is_fallback: entry.ownership_is_fallback,
            quantity: entry.quantity,
            value: entry.value,
            rules: entry.rules,
        });
    }

    fn reject(&mut self, reject: Reject) {
        self.sink.reject(reject);
    }

    fn left_out(&mut self, why: LeftOut, n_entries: u64, value: Money) {
        self.sink.left_out(why, n_entries, value);
    }

    fn unmapped(&mut self, field: Field, text: &str, code: &str, n_entries: u64, value: Money) {
        self.sink.unmapped(field, text, code, n_entries, value);
    }
}

#[cfg(test)]
mod tests;
