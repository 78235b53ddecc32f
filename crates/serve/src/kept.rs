//! The publications of kept runs, each opened once for all clients that read it.

use crate::databases;
use crate::publication::{self, Publication, PublicationError};
use lake::{Catalog, HistoryError, Lake, Runs};
use query::SessionParams;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use tokio::sync::Mutex;

/// The error of the database `asked`, with the names of others where it is not there in full.
fn with_others(
    error: PublicationError,
    runs: &Runs,
    now: &Catalog,
    asked: &str,
) -> PublicationError {
    match error {
        PublicationError::History(why @ HistoryError::Collected { .. }) => {
            let mut others = databases::all(runs, &now.run);
            others.retain(|database| database != asked);
            PublicationError::Gone { why, databases: databases::listed(&others) }
        }
        error => error,
    }
}

/// Those that clients read, by run. One that nobody reads any longer is closed, and its lease ends.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<BTreeMap<String, Weak<Publication>>>);

/// What a kept run published, and the name of its database.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) publication: Arc<Publication>,
    pub(crate) database: String,
}

impl Kept {
    /// What the run published that `asked` names. `served` is what clients of the published tables
    /// read.
    pub(crate) async fn open(
        &self,
        lake: &Lake,
        served: Arc<Publication>,
        params: SessionParams,
        asked: &str,
    ) -> Result<Opened, PublicationError> {
        // The others wait, as they may ask for the same.
        let mut opened = self.0.lock().await;
        let now = publication::catalog(lake).await?;
        let runs = lake.runs().await?;
        let run = runs.kept(asked, &now, lake.url())?;
        let database = databases::of_run(&run);
        opened.retain(|_, publication| publication.strong_count() > 0);
        let known = opened.get(&run.catalog.run).and_then(Weak::upgrade);
        let mut known = known.into_iter().chain([served]);
        let publication = match known.find(|known| known.catalog == run.catalog) {
            Some(publication) => publication,
            None => {
                let made = Publication::of_kept(lake, &run, &now, params).await;
                Arc::new(made.map_err(|error| with_others(error, &runs, &now, &database))?)
            }
        };
        opened.insert(run.catalog.run, Arc::downgrade(&publication));
        Ok(Opened { publication, database })
    }

    /// Lets go of the files of all.
    pub(crate) async fn release(&self) {
        // Whoever is opening one now loses it with the server, and its lease expires.
        let open: Vec<Arc<Publication>> = match self.0.try_lock() {
            Ok(opened) => opened.values().filter_map(Weak::upgrade).collect(),
            Err(_) => return,
        };
        for publication in open {
            publication.release().await;
        }
    }
}
