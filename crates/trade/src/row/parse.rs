//! From a row to its entries.

use super::conditions::FittedCondition;
use super::damage::RowDamage;
use super::entry::{Counts, Entry, LeftOut, ProductCode, Sink};
use super::parser::RowParser;
use super::reject::{Fault, Reject, RejectReason};
use super::texts::{FieldText, Unknown};
use super::unpivot::ValueColumn;
use crate::layout::{Empty, Field, Negative, Zero};
use crate::money::Money;
use std::borrow::Cow;

/// Adds a fault to those of the same row: what is the same is said once.
fn add_reject(rejects: &mut Vec<Reject>, reject: Reject) {
    let is_same = |other: &&mut Reject| {
        (other.reason, &other.column, &other.found)
            == (reject.reason, &reject.column, &reject.found)
    };
    match rejects.iter_mut().find(is_same) {
        Some(other) => {
            other.n_entries += reject.n_entries;
            other.value += reject.value;
            other.n_unreadable += reject.n_unreadable;
        }
        None => rejects.push(reject),
    }
}

impl RowParser<'_> {
    /// Whether the classification has a table that lacks a product, which is then a group of its
    /// own.
    pub(crate) fn is_unlisted(&self, product: &ProductCode) -> bool {
        self.layout.product.classification.lists(product.as_str()) == Some(false)
    }

    /// Whether all `conditions` hold of a row.
    fn all_hold(
        &self,
        conditions: &[FittedCondition<'_>],
        row: &[Cow<'_, [u8]>],
    ) -> Result<bool, Fault> {
        for &FittedCondition { at, test } in conditions {
            let text = std::str::from_utf8(&row[at]).map_err(|_| Fault {
                reason: RejectReason::Encoding,
                column: self.header[at].clone(),
                found: String::from_utf8_lossy(&row[at]).into_owned(),
            })?;
            if !test.holds(text.trim()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What an entry has beside region, destination and value; `None` if it is of another year than
    /// is meant.
    fn shared<'a>(
        &'a self,
        row: &'a [Cow<'_, [u8]>],
        unpivoted: Option<&'a str>,
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<Option<Entry<'a>>, Fault> {
        let missing = |field: Field| self.fault(field, RejectReason::Missing, "");
        let FieldText { text, .. } = self
            .text(Field::Year, row, unpivoted, 0, unknown)?
            .ok_or_else(|| missing(Field::Year))?;
        let year =
            self.year(&text).ok_or_else(|| self.fault(Field::Year, RejectReason::Year, &text))?;
        if !self.layout.is_of_years(year) {
            return Ok(None);
        }
        let mut optional = |field: Field| {
            Ok::<_, Fault>(self.text(field, row, unpivoted, year, unknown)?.map(|found| found.text))
        };
        let month = match optional(Field::Month)? {
            None => None,
            Some(text) => Some(
                self.month(&text)
                    .ok_or_else(|| self.fault(Field::Month, RejectReason::Month, &text))?,
            ),
        };
        let flow = optional(Field::Flow)?.ok_or_else(|| missing(Field::Flow))?;
        if !matches!(&*flow, "export" | "import") {
            return Err(self.fault(Field::Flow, RejectReason::Flow, &flow));
        }
        let text = optional(Field::Product)?.ok_or_else(|| missing(Field::Product))?;
        let product = ProductCode::clean(&text, &self.layout.product)
            .ok_or_else(|| self.fault(Field::Product, RejectReason::Product, &text))?;
        // What its codes do not have is counted already.
        let unlisted = match text {
            Cow::Borrowed(text) if self.is_unlisted(&product) => Some(text),
            _ => None,
        };
        let revision = match self.layout.product.revision(year) {
            None if self.layout.product.is_hs() => {
                return Err(self.fault(Field::Year, RejectReason::Revision, &year.to_string()));
            }
            revision => revision,
        };
        let quantity = match optional(Field::Quantity)? {
            None => (self.fields[Field::Quantity.index()].empty == Empty::Zero).then_some(0.0),
            Some(text) => Some(
                self.quantity(&text)
                    .ok_or_else(|| self.fault(Field::Quantity, RejectReason::Quantity, &text))?,
            ),
        };
        let trade_mode = optional(Field::TradeMode)?;
        let firm = optional(Field::Firm)?;
        let firm_name = optional(Field::FirmName)?;
        let quantity_unit = optional(Field::QuantityUnit)?;
        let ownership = self.text(Field::Ownership, row, unpivoted, year, unknown)?;
        if let Some(text) = unlisted {
            let code = product.as_str().to_owned();
            unknown.push(Unknown { field: Field::Product, text, code });
        }
        let ownership_is_fallback = ownership.as_ref().is_some_and(|found| found.is_fallback);
        Ok(Some(Entry {
            place: 0,
            year,
            month,
            flow,
            region: Cow::Borrowed(""),
            product,
            revision,
            destination: None,
            trade_mode,
            ownership: ownership.map(|found| found.text),
            ownership_is_fallback,
            firm,
            firm_name,
            quantity,
            quantity_unit,
            value: Money::ZERO,
            rules: 0,
        }))
    }

    /// A row that is refused whole, as its text is damaged.
    pub fn refusal(&self, reason: RejectReason, found: String) -> Reject {
        Reject {
            reason,
            column: String::new(),
            found,
            n_entries: self.n_entries(),
            value: Money::ZERO,
            n_unreadable: self.n_entries(),
        }
    }

    /// A row that is refused whole for its damage.
    pub fn damaged(&self, damage: RowDamage) -> Reject {
        self.refusal(damage.reason(), damage.to_string())
    }

    /// Reads one row. `row` holds the texts of its columns, unquoted.
    pub fn parse(&self, row: &[Cow<'_, [u8]>], sink: &mut impl Sink) -> Counts {
        let mut counts = Counts::default();
        if row.len() != self.n_columns() {
            let (found, expected) = (row.len(), self.n_columns());
            sink.reject(self.damaged(RowDamage::Cells { found, expected }));
            return counts;
        }
        if let Some(last) = row.last().filter(|last| self.has_trailing && !last.is_empty()) {
            let text = String::from_utf8_lossy(last);
            let found = format!("{text:?} in column {}, expected nothing", row.len());
            sink.reject(self.refusal(RejectReason::ColumnCount, found));
            return counts;
        }
        match self.all_hold(&self.conditions, row) {
            Ok(true) if self.varies => self.parse_each(row, &mut counts, sink),
            Ok(true) => self.parse_whole(row, &mut counts, sink),
            Ok(false) => {
                self.add_values(row, &mut counts);
                sink.left_out(LeftOut::Where, self.n_entries(), counts.value_in);
            }
            Err(fault) => self.refuse(fault, row, &mut counts, sink),
        }
        counts
    }

    /// Adds the values of a row that can be read; gives how many cannot.
    fn add_values(&self, row: &[Cow<'_, [u8]>], counts: &mut Counts) -> u64 {
        let mut n_unreadable = 0;
        for &ValueColumn { at, .. } in &self.values {
            match self.value(at, &row[at]) {
                Ok(Some(value)) => counts.add(value),
                Ok(None) => {}
                Err(_) => n_unreadable += 1,
            }
        }
        n_unreadable
    }

    /// Rejects a row whole.
    fn refuse(
        &self,
        fault: Fault,
        row: &[Cow<'_, [u8]>],
        counts: &mut Counts,
        sink: &mut impl Sink,
    ) {
        let n_unreadable = self.add_values(row, counts);
        sink.reject(fault.reject(self.n_entries(), counts.value_in, n_unreadable));
    }

    /// The value in a column of values, which is counted; `None`, counted too, for nothing, or a zero
    /// that is no record.
    fn counted(
        &self,
        ValueColumn { at, code }: &ValueColumn<'_>,
        row: &[Cow<'_, [u8]>],
        counts: &mut Counts,
    ) -> Result<Option<Money>, Fault> {
        // A long table has a row because there is something to say; no value there is a fault.
        let usual = if code.is_none() { Empty::Reject } else { Empty::Missing };
        let value = match (self.value(*at, &row[*at])?, self.layout.empty_value.unwrap_or(usual)) {
            (Some(parsed), _) => {
                counts.add(parsed);
                Some(parsed.amount)
            }
            (None, Empty::Zero) => Some(Money::ZERO),
            (None, Empty::Missing) => None,
            (None, Empty::Reject) => {
                return Err(Fault {
                    reason: RejectReason::Missing,
                    column: self.header[*at].clone(),
                    found: String::new(),
                });
            }
        };
        let is_skipped = |value: &Money| value.is_zero() && self.layout.zero == Zero::Skip;
        let value = value.filter(|value| !is_skipped(value));
        counts.n_empty += u64::from(value.is_none());
        Ok(value)
    }

    /// Reads a row whose entries share all but region, destination and value.
    fn parse_whole(&self, row: &[Cow<'_, [u8]>], counts: &mut Counts, sink: &mut impl Sink) {
        let mut unknown = Vec::new();
        let mut entry = match self.shared(row, None, &mut unknown) {
            Ok(Some(entry)) => entry,
            Ok(None) => {
                self.add_values(row, counts);
                sink.left_out(LeftOut::Years, self.n_entries(), counts.value_in);
                return;
            }
            Err(fault) => return self.refuse(fault, row, counts, sink),
        };
        let n_shared = unknown.len();
        let (mut n_kept, mut value_kept) = (0, Money::ZERO);
        for (place, column) in self.values.iter().enumerate() {
            let value = match self.counted(column, row, counts) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(fault) => {
                    sink.reject(fault.reject(1, Money::ZERO, 1));
                    continue;
                }
            };
            entry.place = place;
            entry.value = value;
            unknown.truncate(n_shared);
            match self.complete(&mut entry, row, column, &mut unknown) {
                Ok(()) => {
                    n_kept += 1;
                    value_kept += value;
                    sink.entry(&entry);
                    for Unknown { field, text, code } in &unknown[n_shared..] {
                        sink.unmapped(*field, text, code, 1, value);
                    }
                }
                Err(fault) => sink.reject(fault.reject(1, value, 0)),
            }
        }
        if n_kept > 0 {
            for Unknown { field, text, code } in &unknown[..n_shared] {
                sink.unmapped(*field, text, code, n_kept, value_kept);
            }
        }
    }

    /// Reads a row whose entries may differ in year, month, flow or product too.
    fn parse_each(&self, row: &[Cow<'_, [u8]>], counts: &mut Counts, sink: &mut impl Sink) {
        let mut unknown = Vec::new();
        let mut rejects = Vec::new();
        let (mut n_left_out, mut value_left_out) = (0, Money::ZERO);
        for (place, column) in self.values.iter().enumerate() {
            let value = match self.counted(column, row, counts) {
                Ok(Some(value)) => value,
                Ok(None) => continue,
                Err(fault) => {
                    add_reject(&mut rejects, fault.reject(1, Money::ZERO, 1));
                    continue;
                }
            };
            unknown.clear();
            match self.entry(row, column, (place, value), &mut unknown) {
                Ok(Some(entry)) => {
                    sink.entry(&entry);
                    for Unknown { field, text, code } in &unknown {
                        sink.unmapped(*field, text, code, 1, value);
                    }
                }
                Ok(None) => {
                    n_left_out += 1;
                    value_left_out += value;
                }
                Err(fault) => add_reject(&mut rejects, fault.reject(1, value, 0)),
            }
        }
        if n_left_out > 0 {
            sink.left_out(LeftOut::Years, n_left_out, value_left_out);
        }
        rejects.into_iter().for_each(|reject| sink.reject(reject));
    }

    /// The entry of one column of values; `None` if it is of another year than is meant.
    fn entry<'a>(
        &'a self,
        row: &'a [Cow<'_, [u8]>],
        column: &'a ValueColumn<'_>,
        (place, value): (usize, Money),
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<Option<Entry<'a>>, Fault> {
        let Some(mut entry) = self.shared(row, column.code.as_deref(), unknown)? else {
            return Ok(None);
        };
        entry.place = place;
        entry.value = value;
        self.complete(&mut entry, row, column, unknown)?;
        Ok(Some(entry))
    }

    /// Puts what may differ between the entries of a row into `entry`.
    fn complete<'a>(
        &'a self,
        entry: &mut Entry<'a>,
        row: &'a [Cow<'_, [u8]>],
        column: &'a ValueColumn<'_>,
        unknown: &mut Vec<Unknown<'a>>,
    ) -> Result<(), Fault> {
        let unpivoted = column.code.as_deref();
        let region = self.text(Field::Region, row, unpivoted, entry.year, unknown)?;
        let region = region.ok_or_else(|| self.fault(Field::Region, RejectReason::Missing, ""))?;
        entry.region = region.text;
        let destination = self.text(Field::Destination, row, unpivoted, entry.year, unknown)?;
        entry.destination = destination.map(|found| found.text);
        if entry.value < Money::ZERO && self.layout.negative == Negative::Reject {
            return Err(Fault {
                reason: RejectReason::Negative,
                column: self.header[column.at].clone(),
                found: entry.value.to_string(),
            });
        }
        entry.rules = 0;
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.covers(entry) && self.all_hold(&rule.cells, row)? {
                entry.rules |= 1 << at;
            }
        }
        Ok(())
    }
}
