//! The columns that are unpivoted, and the fields that their headers tell.

use super::error::LayoutError;
use super::keys::UnpivotText;
use super::reading::Reading;
use std::collections::BTreeMap;
use trade::Pattern;
use trade::layout::{Field, FieldSpec, NamePattern, Origin, ParseFieldError, Unpivot};

impl Reading<'_> {
    pub(super) fn unpivot(
        &self,
        text: UnpivotText,
        fields: &BTreeMap<Field, FieldSpec>,
    ) -> Result<Unpivot, LayoutError> {
        let field: Field = text
            .field
            .parse()
            .map_err(|e: ParseFieldError| self.invalid("unpivot.field", e.to_string()))?;
        if !Unpivot::FIELDS.contains(&field) {
            let known = Unpivot::FIELDS.map(Field::name).join(", ");
            let why = format!("{field}: expected one of {known}");
            return Err(self.invalid("unpivot.field", why));
        }
        let spec = fields.get(&field);
        let is_unpivoted = spec.is_some_and(|spec| spec.origin == Origin::Unpivoted);
        if !is_unpivoted && !self.is_at_fault(&format!("fields.{field}")) {
            let why = format!("fields.{field} must say `unpivoted: true`");
            return Err(self.invalid("unpivot.field", why));
        }
        let pattern = match (text.pattern, text.code) {
            (None, None) => None,
            (None, Some(_)) => {
                return Err(self.without_effect("unpivot.code", "there is no `pattern`"));
            }
            (Some(pattern), code) => {
                let pattern = Pattern::new(&pattern)
                    .map_err(|error| self.invalid("unpivot.pattern", error.to_string()))?;
                let usual = if pattern.n_groups() > 0 { "$1" } else { "$0" };
                Some(NamePattern { pattern, code: code.unwrap_or_else(|| usual.to_owned()) })
            }
        };
        let columns = text.columns.unwrap_or_default();
        if columns.is_empty() && pattern.is_none() {
            let why = "expected at least one column, or a `pattern` that finds them";
            return Err(self.invalid("unpivot.columns", why.to_owned()));
        }
        let is_no_flow = |code: &&String| !matches!(code.as_str(), "export" | "import");
        if let Some(code) = columns.values().find(is_no_flow)
            && field == Field::Flow
            && spec.is_some_and(|spec| spec.codes.is_none())
        {
            let why = format!("{code:?}: expected export or import");
            return Err(self.invalid("unpivot.columns", why));
        }
        Ok(Unpivot { field, columns: columns.into_iter().collect(), pattern })
    }

    /// Whether what is unpivoted has columns, and no required field is left out.
    pub(super) fn check_fields(
        &mut self,
        fields: &BTreeMap<Field, FieldSpec>,
        unpivoted: Option<Field>,
    ) {
        for (field, spec) in fields.iter().filter(|(_, spec)| spec.origin == Origin::Unpivoted) {
            let key = format!("fields.{field}.unpivoted");
            let takes_part =
                spec.characters.is_some() || spec.date.is_some() || spec.codes.is_some();
            let fault = match unpivoted {
                Some(of) if of == *field => continue,
                None => self.without_effect(&key, "there is no `unpivot`"),
                Some(_) if !Unpivot::FIELDS.contains(field) => {
                    self.invalid(&key, "headers do not tell this field".to_owned())
                }
                Some(_) if takes_part => continue,
                Some(of) => {
                    let why = format!(
                        "the headers tell `{of}`: say by characters, date, map or book what they tell of this field"
                    );
                    self.invalid(&key, why)
                }
            };
            self.faults.push(fault);
        }
        if unpivoted.is_some() && fields.contains_key(&Field::Value) {
            let why = "the columns of `unpivot` are the values";
            self.faults.push(self.without_effect("fields.value", why));
        }
        for field in Field::REQUIRED {
            let is_given =
                fields.contains_key(&field) || (field == Field::Value && unpivoted.is_some());
            if !is_given && !self.is_at_fault(&format!("fields.{field}")) {
                self.faults.push(self.invalid("fields", format!("`{field}` is required")));
            }
        }
    }
}
