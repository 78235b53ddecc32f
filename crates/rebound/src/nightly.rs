//! A run at night: tried again where that may help, then what is old removed, and who asked told.

mod hooks;
mod prune;
mod retries;
mod summary;

pub use self::hooks::{HookError, Told, host_of, tell};
pub use self::prune::{Pruned, n_kept, prune, young_from};
pub use self::retries::{pause, with_retries};
pub use self::summary::{Checks, Ended, Failed, FailedRows, StageSummary, Summary};
