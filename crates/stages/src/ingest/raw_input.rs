//! Raw files on their way.

use super::super::context::Context;
use super::super::error::StageError;
use super::params::Params;
use project::layout_file::LayoutFile;
use project::pipeline::Source;
use project::raw_files::RawFile;
use sources::input::{self, Block, BlockReader, Item, Unreadable};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use trade::layout::Field;
use trade::row::HeaderError;
use trade::text::Rows;
use trade::{Layout, NumberSample, RowParser};

/// Rows that are looked at to see how numbers are written.
const SAMPLE_ROWS: usize = 10_000;

/// A raw file on its way.
pub(super) struct RawInput<'p> {
    pub(super) source: &'p Source,
    /// The raw file that the item is, or is in.
    pub(super) file: &'p str,
    pub(super) item: Item,
    pub(super) state: Mutex<State>,
}

/// How far a raw file is.
pub(super) enum State {
    Closed,
    Open { reader: Box<BlockReader>, fitted: Arc<Fitted>, n_blocks: usize },
    Done,
}

/// What all blocks of a file share, and often those of others.
#[derive(PartialEq)]
pub(super) struct Fitted {
    pub(super) layout: Layout,
    pub(super) header: Vec<String>,
    pub(super) encoding: &'static encoding_rs::Encoding,
    /// Whether rows end with a delimiter that the header lacks.
    pub(super) has_trailing: bool,
}

impl Fitted {
    /// Sees how numbers are written in the first rows, as far as the layout does not tell.
    ///
    /// # Errors
    ///
    /// If they can be read in two ways, or the rows cannot be read.
    pub(super) fn see_numbers(
        &mut self,
        told: &LayoutFile,
        reader: &mut BlockReader,
    ) -> Result<(), String> {
        if let (Some(_), Some(_)) = (told.options.decimal, told.options.thousands) {
            return Ok(());
        }
        let (mut sample, mut others) = (NumberSample::default(), NumberSample::default());
        if let Some(block) = reader.next_block()? {
            if let (Block::Text { text, line, dialect, .. }, Ok(parser)) = (&block, self.parser()) {
                let values: Vec<usize> =
                    parser.value_columns().chain(parser.columns_of(Field::Quantity)).collect();
                let text = input::decode(text, self.encoding);
                let mut rows = Rows::new(&text, *dialect, *line);
                let mut fields = Vec::new();
                for _ in 0..SAMPLE_ROWS {
                    fields.clear();
                    if rows.next_row(&mut fields).is_none() {
                        break;
                    }
                    for (at, cell) in fields.iter().enumerate() {
                        let cell = std::str::from_utf8(cell).unwrap_or("").trim();
                        match values.contains(&at) {
                            _ if cell.is_empty() || self.layout.missing.contains(cell) => {}
                            true => sample.add(cell),
                            false => others.add(cell),
                        }
                    }
                }
            }
            reader.put_back(block);
        }
        let format = told.options.number_format(&sample, &others);
        let format = format.map_err(|error| error.to_string())?;
        self.layout.money.numbers = format;
        if let Some(cell) = told.options.unclear_point(&sample, format) {
            tracing::warn!(
                layout = told.layout.name,
                "`{cell}` is taken for a number with a fraction: say `value.thousands` if it has none"
            );
        }
        Ok(())
    }

    /// What reads its rows.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if the layout does not fit the header.
    pub(super) fn parser(&self) -> Result<RowParser<'_>, HeaderError> {
        let names: Vec<&str> = self.header.iter().map(String::as_str).collect();
        let parser = RowParser::new(&self.layout, &names)?;
        Ok(if self.has_trailing { parser.with_trailing_delimiter() } else { parser })
    }
}

/// A raw file cannot be read.
pub(super) fn unreadable(file: &str, fault: Unreadable) -> StageError {
    StageError::RawFile { path: PathBuf::from(file), fault }
}

/// A raw file, or the members of an archive.
pub(super) fn inputs_of<'p>(
    source: &'p Source,
    file: &'p RawFile,
    context: &Context<'_>,
) -> Result<Vec<RawInput<'p>>, StageError> {
    let items =
        input::items(file, context.runtime()).map_err(|error| unreadable(&file.label, error))?;
    let input =
        |item| RawInput { source, file: &file.label, item, state: Mutex::new(State::Closed) };
    Ok(items.into_iter().map(input).collect())
}

/// The raw files, in the order of their names.
pub(super) fn inputs<'p>(
    params: &'p Params,
    context: &Context<'_>,
) -> Result<Vec<RawInput<'p>>, StageError> {
    let mut inputs = Vec::new();
    for source in &params.read {
        for file in &source.files {
            inputs.extend(inputs_of(source, file, context)?);
        }
    }
    inputs.sort_by(|a, b| a.item.label.cmp(&b.item.label));
    Ok(inputs)
}
