//! Where the fields of a record stand, and how their texts are read.

use super::error::LayoutError;
use super::keys::{EmptyText, FieldText, Texts};
use super::reading::{FromName, NameOf, Reading};
use std::collections::BTreeMap;
use trade::layout::{Codes, Empty, Field, FieldSpec, Origin, ParseFieldError};
use trade::{DateForm, Pattern};

/// Where a field is looked for: at its own place, or at a fallback's, of which the first has depth 1.
#[derive(Debug, Clone, Copy)]
struct Place<'k> {
    field: Field,
    depth: usize,
    key: &'k str,
}

impl Reading<'_> {
    /// The fields; what is wrong with one is put with the other faults.
    pub(super) fn fields(
        &mut self,
        texts: BTreeMap<String, FieldText>,
    ) -> BTreeMap<Field, FieldSpec> {
        let mut fields = BTreeMap::new();
        for (name, text) in texts {
            let key = format!("fields.{name}");
            let field: Result<Field, ParseFieldError> = name.parse();
            let spec = match field {
                Ok(field) => self.field(Place { field, depth: 0, key: &key }, text),
                Err(error) => Err(self.invalid(&key, error.to_string())),
            };
            if let (Ok(field), Some(spec)) = (name.parse::<Field>(), self.kept(spec)) {
                fields.insert(field, spec);
            }
        }
        fields
    }

    fn field(&mut self, place: Place<'_>, text: FieldText) -> Result<FieldSpec, LayoutError> {
        let Place { field, depth, key } = place;
        if let Some((idle, why)) = idle_key(place, &text) {
            return Err(self.without_effect(&format!("{key}.{idle}"), why));
        }
        if text.sheet.is_some() && !self.has_sheets {
            let why = "sheets have a say only where `excel.sheets` tells which are read";
            return Err(self.without_effect(&format!("{key}.sheet"), why));
        }
        let names = (text.file_name.as_deref(), text.sheet.as_deref());
        let origins = (text.column, text.position, text.constant, text.unpivoted, names);
        let origin = match origins {
            (Some(names), None, None, None, (None, None)) if !names.is_empty() => {
                Origin::Column(names)
            }
            (None, Some(position), None, None, (None, None)) => Origin::Position(position),
            (None, None, Some(constant), None, (None, None)) => Origin::Constant(constant),
            (None, None, None, Some(true), (None, None)) => Origin::Unpivoted,
            (None, None, None, None, (Some(pattern), None)) => {
                self.told_by_name(place, NameOf::File, pattern)?
            }
            (None, None, None, None, (None, Some(pattern))) => {
                self.told_by_name(place, NameOf::Sheet, pattern)?
            }
            _ => {
                let why = "expected exactly one of column (a list of names), position, constant, file_name, sheet, unpivoted: true";
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
        let (date, codes) = match (text.date, text.map, text.book) {
            (Some(forms), map, None) => (Some(self.date(place, &forms, map)?), None),
            (None, None, None) => (None, None),
            (None, Some(map), None) => {
                let pairs = map.iter().map(|(text, code)| (text.as_str(), code.as_str()));
                (None, Some(Codes::always(pairs)))
            }
            (None, None, Some(book)) => (None, Some(self.book(key, field, &book)?)),
            (_, _, Some(_)) => {
                let why = "expected one of a book, a map, or a date with or without a map";
                return Err(self.invalid(key, why.to_owned()));
            }
        };
        let fallback = match text.fallback {
            None => None,
            Some(text) => {
                let key = format!("{key}.fallback");
                let place = Place { field, depth: depth + 1, key: &key };
                Some(Box::new(self.field(place, *text)?))
            }
        };
        Ok(FieldSpec {
            origin,
            is_optional: text.optional.unwrap_or(false),
            characters,
            date,
            codes,
            empty: self.empty(place, text.empty)?,
            fallback,
        })
    }

    /// A text that the name of a file or of a sheet tells, once that is known.
    fn told_by_name(
        &mut self,
        Place { field, depth, key }: Place<'_>,
        of: NameOf,
        pattern: &str,
    ) -> Result<Origin, LayoutError> {
        let pattern = Pattern::new(pattern)
            .map_err(|error| self.invalid(key, format!("{}: {error}", of.key())))?;
        self.from_names.push(FromName { field, of, depth, pattern });
        Ok(Origin::Constant(String::new()))
    }

    /// The forms of a date, with names of months.
    fn date(
        &self,
        Place { field, key, .. }: Place<'_>,
        Texts(forms): &Texts,
        map: Option<BTreeMap<String, String>>,
    ) -> Result<DateForm, LayoutError> {
        let key = format!("{key}.date");
        let mut all: Option<DateForm> = None;
        for text in forms {
            let form =
                DateForm::new(text).map_err(|error| self.invalid(&key, error.to_string()))?;
            let lacks = match field {
                Field::Month => (!form.has_month()).then_some("month"),
                _ => (!form.has_year()).then_some("year"),
            };
            if let Some(lacks) = lacks {
                return Err(self.invalid(&key, format!("{text:?} has no {lacks}")));
            }
            all = Some(match all {
                Some(others) => others.or(form),
                None => form,
            });
        }
        let Some(form) = all else {
            return Err(self.invalid(&key, "expected at least one form".to_owned()));
        };
        let Some(map) = map else { return Ok(form) };
        if !form.has_names() {
            let why = "the date has no names of months, `%b`";
            return Err(self.without_effect(&key.replace(".date", ".map"), why));
        }
        let mut names = BTreeMap::new();
        for (name, month) in map {
            match month.parse::<i32>().ok().filter(|month| (1..=12).contains(month)) {
                Some(month) if !name.is_empty() => names.insert(name, month),
                _ => {
                    let why = format!(
                        "{name:?}: {month:?}: expected the name of a month and its number, 1 to 12"
                    );
                    return Err(self.invalid(&key.replace(".date", ".map"), why));
                }
            };
        }
        Ok(form.with_names(names))
    }

    /// What the field is where it is empty.
    fn empty(
        &self,
        Place { field, key, .. }: Place<'_>,
        text: Option<EmptyText>,
    ) -> Result<Empty, LayoutError> {
        let why = match text {
            Some(EmptyText::Zero) if field != Field::Quantity => {
                "zero: only values and quantities may be: expected missing or reject"
            }
            Some(EmptyText::Missing) if Field::REQUIRED.contains(&field) => {
                "missing: every record must have it: expected reject, as it is without the key"
            }
            // A required field that is missing is refused in any case.
            Some(EmptyText::Reject) if Field::REQUIRED.contains(&field) => {
                return Ok(Empty::Missing);
            }
            other => return Ok(other.map_or(Empty::Missing, Empty::from)),
        };
        Err(self.invalid(&format!("{key}.empty"), why.to_owned()))
    }
}

/// A key that says nothing where it stands, and why.
fn idle_key(
    Place { field, depth, .. }: Place<'_>,
    text: &FieldText,
) -> Option<(&'static str, &'static str)> {
    let is_value = field == Field::Value;
    let is_constant = text.constant.is_some();
    let is_unpivoted = text.unpivoted == Some(true);
    let given = [
        ("constant", is_constant),
        ("unpivoted", is_unpivoted),
        ("file_name", text.file_name.is_some()),
        ("sheet", text.sheet.is_some()),
        ("characters", text.characters.is_some()),
        ("date", text.date.is_some()),
        ("map", text.map.is_some()),
        ("book", text.book.is_some()),
        ("fallback", text.fallback.is_some()),
        ("optional", text.optional.is_some()),
        ("empty", text.empty.is_some()),
    ];
    let why = |key: &str| match key {
        "unpivoted" if is_value => {
            Some("the columns of `unpivot` are the values: leave `fields.value` out")
        }
        "unpivoted" if depth > 0 => Some("a header is never missing: say it of the field itself"),
        "empty" if is_value => Some("say `empty` in the section `value`"),
        "empty" if depth > 0 => Some("say it of the field itself, not of where else to look"),
        "empty" if is_constant || is_unpivoted => Some("the text is never missing"),
        "fallback" if is_constant || is_unpivoted => Some("the text is never missing"),
        "characters" | "date" if is_constant => Some("say as `constant` what is meant"),
        "date" if !matches!(field, Field::Year | Field::Month) => {
            Some("a date tells year and month only")
        }
        "optional" if text.column.is_none() => {
            Some("only a column that is found by its name may be absent")
        }
        "constant" | "file_name" | "sheet" | "characters" | "date" | "map" | "book"
        | "fallback" | "optional"
            if is_value =>
        {
            Some("values are the numbers of one column")
        }
        _ => None,
    };
    given.into_iter().filter(|(_, is_given)| *is_given).find_map(|(key, _)| Some((key, why(key)?)))
}
