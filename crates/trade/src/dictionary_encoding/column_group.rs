//! Columns that stand side by side, and whose texts are looked up as one.

use super::fallback::{Fallback, LookupCaches};
use super::found::{Found, Year, has};
use crate::batch::RowTexts;
use crate::interner::{Lookup, NO_CODE, UNKNOWN};
use crate::layout::Field;

/// Bytes of the longest text that is looked up at once.
const LONGEST: usize = 8;

/// Texts of a group: few enough for the processor's cache.
const MOST_TEXTS: usize = 1 << 13;

/// Batches in which some text may be unknown before there must be as many in which none was.
const PATIENCE: usize = 100;

/// The fields whose columns are joined: those of codes, of which few are different.
const JOINED: [Field; 7] = [
    Field::Year,
    Field::Month,
    Field::Flow,
    Field::Region,
    Field::Destination,
    Field::TradeMode,
    Field::Ownership,
];

/// Columns that stand side by side, and what their texts, with the delimiters between them, are to each field.
///
/// It knows only what the fields' own columns have told them, one by one.
#[derive(Debug)]
pub(super) struct ColumnGroup {
    first: usize,
    last: usize,
    fields: Vec<Field>,
    /// Dated if the year, which is not among its own fields, says what a text means.
    caches: LookupCaches,
    /// By field, the code of each text.
    codes: Vec<Vec<u32>>,
    n_texts: usize,
    lookup: Lookup,
    /// Whether all texts were known that were last looked up.
    is_known: bool,
    n_known: usize,
    n_unknown: usize,
}

impl ColumnGroup {
    /// Those of the columns of `fallbacks` whose texts are short enough in `rows`.
    pub(super) fn all(
        fallbacks: &[Vec<Fallback<'_, '_>>],
        rows: &(impl RowTexts + ?Sized),
    ) -> Vec<Self> {
        let column_of = |field: Field| fallbacks[field.index()].first()?.column();
        let length = |column: usize| {
            let (_, parts) = rows.parts(column, column)?;
            parts.map(|(start, end)| end - start).max()
        };
        let mut columns: Vec<usize> = JOINED.into_iter().filter_map(column_of).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for (at, length) in columns.into_iter().filter_map(|at| Some((at, length(at)?))) {
            match runs.last_mut() {
                Some((_, last, n)) if *last + 1 == at && *n + 1 + length <= LONGEST => {
                    (*last, *n) = (at, *n + 1 + length);
                }
                _ => runs.push((at, at, length)),
            }
        }
        let group = |(first, last, _): (usize, usize, usize)| {
            let is_in =
                |field: &Field| column_of(*field).is_some_and(|at| (first..=last).contains(&at));
            let fields: Vec<Field> = JOINED.into_iter().filter(is_in).collect();
            let is_dated = |field: &Field| {
                fallbacks[field.index()].first().is_some_and(|place| place.caches.is_dated)
            };
            let is_dated = !fields.contains(&Field::Year) && fields.iter().any(is_dated);
            Self {
                first,
                last,
                caches: if is_dated { LookupCaches::dated() } else { LookupCaches::undated() },
                codes: vec![Vec::new(); fields.len()],
                fields,
                n_texts: 0,
                lookup: Lookup::default(),
                is_known: false,
                n_known: 0,
                n_unknown: 0,
            }
        };
        runs.into_iter().map(group).filter(|group| group.fields.len() > 1).collect()
    }

    /// The fields that its columns are of.
    #[cfg(test)]
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether it has the year that says what other fields mean.
    pub(super) fn has_year(&self) -> bool {
        self.fields.contains(&Field::Year)
    }

    /// Whether it is of use.
    pub(super) fn is_of_use(&self) -> bool {
        self.n_unknown <= self.n_known + PATIENCE && self.n_texts < MOST_TEXTS
    }

    /// Looks up the texts of `rows`. If all are known, puts what they are to its fields into `found`.
    pub(super) fn look_up(
        &mut self,
        rows: &(impl RowTexts + ?Sized),
        year: Year,
        found: &mut Found,
        is_known: &mut [bool; Field::ALL.len()],
    ) {
        self.is_known = self.find(rows, year);
        if !self.is_known {
            self.n_unknown += 1;
            return;
        }
        self.n_known += 1;
        let texts = self.lookup.codes();
        for (field, of_text) in self.fields.iter().zip(&self.codes) {
            let Some(codes) = found.of(*field) else { continue };
            is_known[field.index()] = true;
            codes.resize(texts.len(), NO_CODE);
            for (code, &text) in codes.iter_mut().zip(texts) {
                *code = of_text[text as usize];
            }
        }
    }

    fn find(&mut self, rows: &(impl RowTexts + ?Sized), year: Year) -> bool {
        let year = match year {
            Year::Of(year) => year,
            Year::Differs if self.caches.is_dated => return false,
            Year::Differs => 0,
        };
        let Some((all, parts)) = rows.parts(self.first, self.last) else { return false };
        self.caches.of(year).get_parts(all, parts, &mut self.lookup)
            && !has(self.lookup.codes(), UNKNOWN)
    }

    /// Learns the texts of `rows` that were not known from what each field has found.
    pub(super) fn learn(
        &mut self,
        fallbacks: &mut [Vec<Fallback<'_, '_>>],
        rows: &(impl RowTexts + ?Sized),
        found: &Found,
    ) {
        if self.is_known {
            return;
        }
        let Some((all, parts)) = rows.parts(self.first, self.last) else { return };
        for (row, (start, end)) in parts.enumerate().filter(|(row, _)| !found.is_unusual[*row]) {
            let (text, year) = (&all[start..end], found.year[row].cast_signed());
            if text.len() > LONGEST || self.caches.of(year).get(text).is_some() {
                continue;
            }
            let n = self.n_texts;
            for (field, codes) in self.fields.iter().zip(&mut self.codes) {
                let places = &mut fallbacks[field.index()];
                // Where there is a fallback, it speaks for what has no code.
                let has_fallback = places.len() > 1;
                let known = places.first_mut().and_then(|place| {
                    let column = place.column()?;
                    place.caches.of(year).get(rows.text(row, column).bytes())
                });
                codes.extend(known.filter(|code| *code != NO_CODE || !has_fallback));
            }
            if self.codes.iter().all(|codes| codes.len() == n + 1) {
                self.caches.of(year).put(text, u32::try_from(n).unwrap_or(UNKNOWN));
                self.n_texts += 1;
            } else {
                self.codes.iter_mut().for_each(|codes| codes.truncate(n));
            }
        }
    }
}
