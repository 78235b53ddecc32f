//! What the blocks of a raw file came to, put together.

use super::super::context::{Context, GroupWriter};
use super::super::error::StageError;
use super::super::rows::Rows;
use super::super::table::Table;
use super::reconciliation::Reconciliation;
use super::tables::Rejects;
use lake::DataFile;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tracing::Span;

/// Refused rows after which they are written, or bytes of their texts.
const REFUSED: usize = 1 << 16;
const REFUSED_BYTES: usize = 16 << 20;

/// What a block came to.
pub(super) struct Done {
    pub(super) reconciliation: Reconciliation,
    pub(super) records: Option<DataFile>,
    pub(super) refused: Rows<Rejects>,
}

/// What a raw file came to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OfFile {
    /// The file, or the member of an archive.
    pub(super) label: String,
    pub(super) reconciliation: Reconciliation,
    pub(super) records: Vec<DataFile>,
    pub(super) rejects: Vec<DataFile>,
}

impl OfFile {
    /// The files of its records and rejects.
    pub(super) fn files(&self) -> impl Iterator<Item = &DataFile> {
        self.records.iter().chain(&self.rejects)
    }

    /// The same of its files, which say that they are of this raw file.
    pub(super) fn named(&self, files: &[DataFile]) -> impl Iterator<Item = DataFile> {
        let label = &self.label;
        let named = move |file: &DataFile| {
            let source_file = Some(label.clone());
            DataFile { source_file, ..file.clone() }
        };
        files.iter().map(named)
    }
}

/// What the blocks of a file came to, put together in their order, however they come.
pub(super) struct Gathered<'a> {
    context: &'a Context<'a>,
    /// Of its file of refused rows.
    name: String,
    /// The block that is next, and how many there are, once that is known.
    next: usize,
    n_blocks: Option<usize>,
    /// Those after it.
    waiting: BTreeMap<usize, Done>,
    reconciliation: Reconciliation,
    records: Vec<DataFile>,
    /// What is written next.
    refused: Rows<Rejects>,
    writer: Option<GroupWriter<'a>>,
    rejects: Option<DataFile>,
    /// From when it is opened until all is there.
    making: Option<Span>,
}

impl<'a> Gathered<'a> {
    /// Nothing yet, of the raw file with this number.
    pub(super) fn new(context: &'a Context<'a>, number: usize) -> Self {
        Self {
            context,
            name: format!("part-{number:05}.parquet"),
            next: 0,
            n_blocks: None,
            waiting: BTreeMap::new(),
            reconciliation: Reconciliation::default(),
            records: Vec::new(),
            refused: Rows::default(),
            writer: None,
            rejects: None,
            making: None,
        }
    }

    /// The file of this name is open.
    pub(super) fn begin(&mut self, label: &str) {
        self.making = Some(self.context.making(label));
    }

    /// Adds what a block came to.
    pub(super) fn add(&mut self, block: usize, done: Done) -> Result<(), StageError> {
        self.waiting.insert(block, done);
        while let Some(Done { reconciliation, records, refused }) = self.waiting.remove(&self.next)
        {
            self.next += 1;
            self.reconciliation.add(reconciliation);
            self.records.extend(records);
            self.refused.append(refused);
            if self.refused.n_rows() >= REFUSED || self.refused.n_bytes() >= REFUSED_BYTES {
                self.write()?;
            }
        }
        self.close()
    }

    /// How far the sample of its rows is thinned so far.
    pub(super) fn sample_level(&self) -> u32 {
        self.reconciliation.sample.level()
    }

    /// The file has so many blocks.
    pub(super) fn end(&mut self, n_blocks: usize) -> Result<(), StageError> {
        self.n_blocks = Some(n_blocks);
        self.close()
    }

    fn write(&mut self) -> Result<(), StageError> {
        let writer = self.context.opened(&mut self.writer, Rejects::NAME, &self.name)?;
        self.refused.write(writer)?;
        // Their texts are not those of the next.
        self.refused = Rows::default();
        Ok(())
    }

    /// Writes the rest, if all is there.
    fn close(&mut self) -> Result<(), StageError> {
        if self.n_blocks != Some(self.next) {
            return Ok(());
        }
        if self.refused.n_rows() > 0 {
            self.write()?;
        }
        self.rejects = self.writer.take().map(GroupWriter::finish).transpose()?;
        self.making = None;
        Ok(())
    }

    /// All of the file of this name.
    pub(super) fn into_file(self, label: &str) -> OfFile {
        OfFile {
            label: label.to_owned(),
            reconciliation: self.reconciliation,
            records: self.records,
            rejects: self.rejects.into_iter().collect(),
        }
    }
}
