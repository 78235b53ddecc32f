//! What a layout that was written makes of the files that it is of.

use super::look::MOST_ROWS;
use crate::raw_rows;
use indicatif::HumanCount;
use project::layout_file::{self, LayoutFile};
use project::printable::printable;
use sources::input::Item;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use trade::layout::Field;
use trade::{Entry, LeftOut, Money, Reject, Sink};

/// Characters of what was found that are told.
const FOUND_CHARACTERS: usize = 40;

/// Entries of one reason that were rejected.
struct Rejected {
    n: u64,
    /// The first of them.
    first: String,
    /// The column that has it.
    column: String,
}

/// What becomes of entries.
struct Trial {
    n_entries: u64,
    n_rejected: u64,
    /// What entries come to, by flow.
    values: BTreeMap<String, Money>,
    by_reason: BTreeMap<&'static str, Rejected>,
    /// The place of the row that is read.
    place: String,
}

impl Sink for Trial {
    fn entry(&mut self, entry: &Entry<'_>) {
        self.n_entries += 1;
        match self.values.get_mut(&*entry.flow) {
            Some(value) => *value += entry.value,
            None => {
                self.values.insert(entry.flow.clone().into_owned(), entry.value);
            }
        }
    }

    fn reject(&mut self, reject: Reject) {
        self.n_rejected += reject.n_entries;
        let found = printable(&reject.found, FOUND_CHARACTERS);
        let column = printable(&reject.column, FOUND_CHARACTERS);
        let first = format!("{}: {column} {found:?}", self.place);
        let of = self.by_reason.entry(reject.reason.code());
        let of = of.or_insert(Rejected { n: 0, first, column });
        of.n += reject.n_entries;
    }

    fn left_out(&mut self, _: LeftOut, _: u64, _: Money) {}

    fn unmapped(&mut self, _: Field, _: &str, _: &str, _: u64, _: Money) {}
}

impl Trial {
    /// What entries come to: flows are not added up.
    fn values_text(&self) -> String {
        let mut values = self.values.iter();
        match (values.next(), values.next()) {
            (None, _) => String::new(),
            (Some((_, value)), None) => format!(" of {value}"),
            _ => {
                let all = self.values.iter();
                let all: Vec<String> = all
                    .map(|(flow, value)| format!("{} {value}", printable(flow, FOUND_CHARACTERS)))
                    .collect();
                format!(" ({})", all.join(", "))
            }
        }
    }

    /// Why a run stops, and what to change, if more than `limit` of the entries are rejected.
    fn stop(&self, layout: &str, limit: f64) -> Option<String> {
        let n = self.n_entries + self.n_rejected;
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let is_over = self.n_rejected > 0 && self.n_rejected as f64 > limit * n as f64;
        let (reason, most) = self.by_reason.iter().max_by_key(|(_, of)| of.n)?;
        is_over.then(|| {
            format!(
                "{} of {} entries are rejected, more than {limit} of them (`ingest.max_rejected_share`), most as \
                 {reason} in {}: say in `where` of {layout} which rows of this column are meant, mend the field that \
                 reads it, or set another `ingest: {{max_rejected_share: }}` in config.yaml",
                HumanCount(self.n_rejected),
                HumanCount(n),
                most.column,
            )
        })
    }

    fn add(&mut self, item: &Item, told: &LayoutFile) -> Result<(), String> {
        let mut n_rows = 0;
        raw_rows::each_by_layout(item, told, |row, parser, _| {
            n_rows += 1;
            self.place = row.place.to_string();
            row.parse(parser, self);
            match n_rows < MOST_ROWS {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        Ok(())
    }
}

/// Reads files by the layout at `path`, and says how many entries they have and what is rejected;
/// gives what stops a run, if more than `limit` of them are.
///
/// # Errors
///
/// If it cannot be said.
pub(super) fn read(
    out: &mut impl Write,
    path: &Path,
    items: &[Item],
    limit: f64,
) -> std::io::Result<Option<String>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut trial = Trial {
        n_entries: 0,
        n_rejected: 0,
        values: BTreeMap::new(),
        by_reason: BTreeMap::new(),
        place: String::new(),
    };
    let told = layout_file::read(path).map_err(|error| error.to_string());
    let found = told.and_then(|told| items.iter().try_for_each(|item| trial.add(item, &told)));
    if let Err(why) = found {
        writeln!(out, "{name} does not fit: {}", printable(&why, 400))?;
        return Ok(Some(format!("{name} does not fit its files: mend what is said of it above")));
    }
    writeln!(
        out,
        "read by {name}: {} entries{}, {} rejected",
        HumanCount(trial.n_entries),
        trial.values_text(),
        HumanCount(trial.n_rejected)
    )?;
    for (reason, Rejected { n, first, .. }) in &trial.by_reason {
        writeln!(out, "  {reason}: {}, the first at {first}", HumanCount(*n))?;
    }
    Ok(trial.stop(&name, limit))
}
