//! The pages of a column chunk.

use crate::buffer_pool;
use crate::cells::NO_CODE;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use std::cell::RefCell;
use std::sync::Arc;

/// Bytes of the header of a page, or a few more.
const HEADER_BYTES: usize = 128;

/// Memory that one page after the other uses.
pub(super) struct Press {
    zstd: zstd::bulk::Compressor<'static>,
    pub(super) page: Vec<u8>,
    pub(super) codes: Vec<u32>,
}

thread_local! {
    static PRESS: RefCell<Option<Press>> = const { RefCell::new(None) };
}

impl Press {
    /// Gives `make` this thread's memory, or another.
    pub(super) fn with<T>(
        make: impl FnOnce(&mut Self) -> Result<T, ParquetError>,
    ) -> Result<T, ParquetError> {
        let mut press = match PRESS.take() {
            Some(press) => press,
            None => {
                Self { zstd: zstd::bulk::Compressor::new(1)?, page: Vec::new(), codes: Vec::new() }
            }
        };
        let made = make(&mut press);
        PRESS.set(Some(press));
        made
    }

    /// What was put into the page of `n` rows, as it goes into the file.
    pub(super) fn pressed(&mut self, n: usize) -> Result<Pressed, ParquetError> {
        let bytes = compress(&mut self.zstd, &self.page)?;
        Ok(Pressed { n, bytes, uncompressed: self.page.len() })
    }
}

/// A page of cells as it goes into the file.
pub(super) struct Pressed {
    n: usize,
    bytes: Bytes,
    uncompressed: usize,
}

/// Bytes of a chunk of these pages, or a few more.
pub(super) fn room(pages: &[Pressed]) -> usize {
    pages.iter().map(|page| page.bytes.len() + HEADER_BYTES).sum()
}

/// A column chunk as it goes into the file.
pub(super) struct MadeChunk {
    pub(super) bytes: Bytes,
    pub(super) close: ColumnCloseResult,
}

/// Where a page stands.
struct Place {
    n_rows: usize,
    start: usize,
    /// In bytes.
    size: usize,
}

/// The pages of a column chunk, as they stand in the file.
pub(super) struct Pages {
    sink: TrackedWrite<Vec<u8>>,
    /// Bytes before compression, headers included.
    uncompressed: usize,
    dictionary: Option<usize>,
    data: Option<usize>,
    /// Of each page of data.
    places: Vec<Place>,
}

impl Pages {
    /// None yet, of about so many bytes.
    pub(super) fn new(n_bytes: usize) -> Self {
        Self {
            sink: TrackedWrite::new(buffer_pool::take(n_bytes)),
            uncompressed: 0,
            dictionary: None,
            data: None,
            places: Vec::new(),
        }
    }

    fn put_page(&mut self, page: Page, uncompressed: usize) -> Result<(), ParquetError> {
        let start = self.sink.bytes_written();
        let n_compressed = page.buffer().len();
        SerializedPageWriter::new(&mut self.sink)
            .write_page(CompressedPage::new(page, uncompressed))?;
        self.uncompressed += self.sink.bytes_written() - start - n_compressed + uncompressed;
        Ok(())
    }

    pub(super) fn put_dictionary(
        &mut self,
        dictionary: &[u8],
        n: usize,
    ) -> Result<(), ParquetError> {
        self.dictionary = Some(self.sink.bytes_written());
        let page = Page::DictionaryPage {
            buf: Press::with(|press| compress(&mut press.zstd, dictionary))?,
            num_values: u32::try_from(n).unwrap_or(NO_CODE),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        self.put_page(page, dictionary.len())
    }

    pub(super) fn put(&mut self, page: Pressed, encoding: Encoding) -> Result<(), ParquetError> {
        let Pressed { n, bytes, uncompressed } = page;
        let start = self.sink.bytes_written();
        self.data.get_or_insert(start);
        let data = Page::DataPage {
            buf: bytes,
            num_values: u32::try_from(n).unwrap_or(NO_CODE),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.put_page(data, uncompressed)?;
        let size = self.sink.bytes_written() - start;
        self.places.push(Place { n_rows: n, start, size });
        Ok(())
    }

    /// The chunk of these pages, which are of `n` rows of `column`.
    pub(super) fn finish(
        self,
        column: &ColumnDescPtr,
        n: usize,
        encodings: Vec<Encoding>,
        bounds: Option<Statistics>,
    ) -> Result<MadeChunk, ParquetError> {
        let bytes = self.sink.into_inner()?;
        let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let mut metadata = ColumnChunkMetaData::builder(Arc::clone(column))
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_encodings(encodings)
            .set_num_values(signed(n))
            .set_total_compressed_size(signed(bytes.len()))
            .set_total_uncompressed_size(signed(self.uncompressed))
            .set_data_page_offset(signed(self.data.unwrap_or(0)))
            .set_dictionary_page_offset(self.dictionary.map(signed));
        if let Some(bounds) = bounds {
            metadata = metadata.set_statistics(bounds);
        }
        let mut index = OffsetIndexBuilder::new();
        for Place { n_rows, start, size } in self.places {
            index.append_row_count(signed(n_rows));
            index.append_offset_and_size(
                signed(start),
                i32::try_from(size).map_err(|_| ParquetError::General("a page of 2 GiB".into()))?,
            );
        }
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: n as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(index.build()),
        };
        Ok(MadeChunk { bytes: buffer_pool::recycle(bytes), close })
    }
}

fn compress(
    zstd: &mut zstd::bulk::Compressor<'static>,
    bytes: &[u8],
) -> Result<Bytes, ParquetError> {
    let mut compressed = buffer_pool::take(zstd::zstd_safe::compress_bound(bytes.len()));
    zstd.compress_to_buffer(bytes, &mut compressed)?;
    Ok(buffer_pool::recycle(compressed))
}
