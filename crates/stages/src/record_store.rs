//! Records as rows of numbers, kept by year and region.

mod coded_rows;
mod codes;
mod collector;
mod encoder;
mod file_rows;
mod row;
mod spill;
mod store;
mod texts;

pub(super) use self::coded_rows::{CodedRows, RECORDS, WORDS};
pub(super) use self::codes::ReportedCode;
pub(super) use self::collector::{Collector, FileCodes, RecordValues};
pub(super) use self::encoder::RecordEncoder;
pub(super) use self::row::{NO_WORD, Row, by_place};
pub(super) use self::store::{Group, RecordStore};
pub(super) use self::texts::{Interner, Texts};

use self::collector::FileValues;
use self::file_rows::FileRows;
use super::context::Context;
use super::error::StageError;
use lake::DataFile;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

impl RecordStore {
    /// Reads the records in some files, of all years or those that are named, into `collector`; gives
    /// what was reported in each file, too.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the lake fails, or the disk where the rest goes.
    pub(super) fn read(
        context: &Context<'_>,
        of: &[DataFile],
        years: Option<BTreeSet<i32>>,
        collector: Collector,
    ) -> Result<(Self, Vec<FileCodes>), StageError> {
        let collector = collector.of_years(years);
        let next = AtomicUsize::new(0);
        // Each thread knows the texts that it has met.
        let results = rayon::broadcast(|_| {
            let mut encoder = RecordEncoder::default();
            let mut found = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(file) = of.get(at) else { return Ok(found) };
                let mut rows = FileRows::open(context, file, &collector)?;
                while rows.read(&mut encoder)? {
                    encoder.encode(&rows, &collector)?;
                }
                found.push((at, encoder.end_file(&collector)?));
            }
        });
        let found = results.into_iter().collect::<Result<Vec<_>, StageError>>()?;
        let by_file: BTreeMap<usize, FileValues> = found.into_iter().flatten().collect();
        let store = collector.finish();
        let codes = by_file.into_values().map(|values| values.by_code(&store.codes)).collect();
        Ok((store, codes))
    }
}
