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
pub(super) use self::collector::{Collector, RecordValues};
pub(super) use self::encoder::RecordEncoder;
pub(super) use self::row::{NO_WORD, Row, by_place};
pub(super) use self::store::{Group, RecordStore};
pub(super) use self::texts::{Interner, Texts};

use self::file_rows::FileRows;
use super::context::Context;
use super::error::StageError;
use lake::DataFile;
use std::sync::atomic::{AtomicUsize, Ordering};

impl RecordStore {
    /// Reads the records in some files, of all years or one, into `collector`.
    ///
    /// # Errors
    ///
    /// [`StageError`] if the lake fails, or the disk where the rest goes.
    pub(super) fn read(
        context: &Context<'_>,
        of: &[DataFile],
        year: Option<i32>,
        collector: Collector,
    ) -> Result<Self, StageError> {
        let collector = collector.of_year(year);
        let next = AtomicUsize::new(0);
        // Each thread knows the texts that it has met.
        let results = rayon::broadcast(|_| {
            let mut encoder = RecordEncoder::default();
            while let Some(file) = of.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut rows = FileRows::open(context, file, &collector)?;
                while rows.read(&mut encoder)? {
                    encoder.encode(&rows, &collector)?;
                }
            }
            encoder.hand_over(&collector)
        });
        results.into_iter().collect::<Result<(), StageError>>()?;
        Ok(collector.finish())
    }
}
