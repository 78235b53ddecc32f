//! What kept runs published, for the commands that look back.

use crate::run::warn_of;
use lake::{Catalog, HeldLease, HistoryError, KeptRun, Lake};
use tokio::runtime::Runtime;

/// The runs that `asked` names in this order, from one look at the lake.
///
/// # Errors
///
/// [`HistoryError`] if a name is none of a run that published.
pub fn find(
    runtime: &Runtime,
    lake: &Lake,
    asked: &[&str],
) -> Result<(Vec<KeptRun>, lake::Runs), HistoryError> {
    let now = runtime.block_on(lake.catalog())?;
    let now = now.ok_or_else(|| HistoryError::Nothing(lake.url().to_owned()))?;
    let runs = runtime.block_on(lake.runs())?;
    warn_of(&runs.left_out);
    let found = asked.iter().map(|asked| runs.kept(asked, &now, lake.url()));
    let found = found.collect::<Result<_, _>>()?;
    Ok((found, runs))
}

/// A lease on what a reader reads. `None`, with a warning, where the lake cannot be written.
pub fn lease(
    runtime: &Runtime,
    lake: &Lake,
    catalogs: &[&Catalog],
    command: &str,
) -> Option<HeldLease> {
    let lease = lake.lease_on(command, catalogs, runtime.handle());
    match runtime.block_on(lease) {
        Ok(lease) => Some(lease),
        Err(error) => {
            tracing::warn!(
                %error,
                "no lease on the tables of the run: a `rebound gc` meanwhile may remove what is read, which is an error then"
            );
            None
        }
    }
}

/// Lets go of what was read.
pub fn release(runtime: &Runtime, lease: Option<HeldLease>) {
    if let Some(lease) = lease
        && let Err(error) = runtime.block_on(lease.release())
    {
        tracing::warn!(%error, "the lease on the tables expires by itself");
    }
}
