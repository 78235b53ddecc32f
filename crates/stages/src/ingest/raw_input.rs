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
    pub(super) item: Item,
    /// Its number among the members of an archive, or among all raw files: files of records have it.
    pub(super) number: usize,
    /// The context of its unit.
    pub(super) context: Context<'p>,
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

/// A raw file, or the members of an archive, whose files are those of `context`'s unit.
pub(super) fn inputs_of<'p>(
    source: &'p Source,
    file: &RawFile,
    context: &Context<'p>,
) -> Result<Vec<RawInput<'p>>, StageError> {
    let items =
        input::items(file, context.runtime()).map_err(|error| unreadable(&file.label, error))?;
    let input = |(number, item)| RawInput {
        source,
        item,
        number,
        context: context.clone(),
        state: Mutex::new(State::Closed),
    };
    Ok(items.into_iter().enumerate().map(input).collect())
}

/// The raw files, in the order of their names, which is that of their numbers.
pub(super) fn inputs<'p>(
    params: &'p Params,
    context: &Context<'p>,
) -> Result<Vec<RawInput<'p>>, StageError> {
    let mut inputs = Vec::new();
    for source in &params.read {
        for file in &source.files {
            inputs.extend(inputs_of(source, file, context)?);
        }
    }
    inputs.sort_by(|a, b| a.item.label.cmp(&b.item.label));
    (0..).zip(&mut inputs).for_each(|(number, input)| input.number = number);
    Ok(inputs)
}
