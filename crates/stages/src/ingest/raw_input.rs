//! Raw files on their way.

use super::super::context::Context;
use super::super::error::StageError;
use super::params::Params;
use project::pipeline::Source;
use project::raw_files::RawFile;
use sources::fitted::Fitted;
use sources::input::{self, BlockReader, Item, Unreadable};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

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
