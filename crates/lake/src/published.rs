//! What is published, and what runs did, as a lake keeps them.

use crate::catalog::{Catalog, RunRecord, Runs};
use crate::error::LakeError;
use crate::run_details::{RUNS, Read, Stored, Told};
use crate::seal::{in_words, sealed, unsealed};
use crate::store::Lake;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, UpdateVersion};
use serde::Deserialize;
use serde_json::Value;

/// The catalog that a run replaces.
#[derive(Debug, Clone)]
pub struct CatalogVersion(pub(crate) Option<UpdateVersion>);

pub(crate) const CATALOG: &str = "catalog.json";

/// A catalog that was made again.
#[derive(Debug)]
pub struct Repaired {
    /// What is published now.
    pub catalog: Catalog,
    /// Whether it is known that this is what was published.
    pub is_certain: bool,
    /// Files among the records of runs that are none.
    pub left_out: Vec<LakeError>,
}

/// The format of a catalog, which all of them say.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Lake {
    /// The catalog that these bytes are.
    fn catalog_of(&self, bytes: &[u8]) -> Result<Catalog, LakeError> {
        let damaged = |why| LakeError::Catalog { path: self.shown(CATALOG), why };
        let not_json = |error: serde_json::Error| damaged(in_words(&error));
        let mut sealed: Value = serde_json::from_slice(bytes).map_err(not_json)?;
        let Format { format } = Format::deserialize(&sealed).map_err(not_json)?;
        if format == Catalog::FORMAT {
            return unsealed(sealed).map_err(damaged);
        }
        // One of ours, of which the format alone is damaged?
        if let Some(fields) = sealed.as_object_mut() {
            fields.insert("format".to_owned(), Catalog::FORMAT.into());
        }
        match unsealed::<Catalog>(sealed) {
            Ok(_) => Err(damaged(format!("it says format {format}"))),
            Err(_) => Err(LakeError::Format { found: format, expected: Catalog::FORMAT }),
        }
    }

    /// What is published; `None` in a new lake.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the catalog cannot be read.
    pub async fn catalog(&self) -> Result<Option<Catalog>, LakeError> {
        Ok(self.catalog_to_replace().await?.0)
    }

    /// What is published, and what [`Self::publish`] needs to replace just that.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the catalog cannot be read.
    pub async fn catalog_to_replace(&self) -> Result<(Option<Catalog>, CatalogVersion), LakeError> {
        let mut found = self.catalog_and_state().await?;
        if found.is_none()
            && let Some(run) = self.runs().await?.witness()
        {
            // Unless it was published meanwhile, it was there and is no longer.
            found = self.catalog_and_state().await?;
            if found.is_none() {
                let why =
                    format!("it is gone, though run {} says that something was published", run.run);
                return Err(LakeError::Catalog { path: self.shown(CATALOG), why });
            }
        }
        match found {
            None => Ok((None, CatalogVersion(None))),
            Some((catalog, replaced)) => Ok((Some(catalog?), replaced)),
        }
    }

    /// The catalog, or what is wrong with it, and the state that the store says it is in. `None` if
    /// there is none.
    async fn catalog_and_state(
        &self,
    ) -> Result<Option<(Result<Catalog, LakeError>, CatalogVersion)>, LakeError> {
        self.check_is_file(CATALOG)?;
        let store = |source| LakeError::Store { path: self.shown(CATALOG), source };
        let found = match self.store().get(&Path::from(CATALOG)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(store(source)),
        };
        let replaced = CatalogVersion(Some(UpdateVersion {
            e_tag: found.meta.e_tag.clone(),
            version: found.meta.version.clone(),
        }));
        let bytes = found.bytes().await.map_err(store)?;
        Ok(Some((self.catalog_of(&bytes), replaced)))
    }

    /// Makes a catalog anew that is damaged or gone, from the record of the run that published
    /// last. Readers then see what they saw before. `None` if it is whole, or nothing was ever
    /// published.
    ///
    /// In a folder the writers' [`Lock`](crate::Lock) must be held.
    ///
    /// # Errors
    ///
    /// [`LakeError::Unrepairable`] if there is no such record, or nothing of what it names; and
    /// others if the lake cannot be read or written.
    pub async fn repair(&self) -> Result<Option<Repaired>, LakeError> {
        let (damaged, is_there) = match self.catalog_and_state().await? {
            Some((Err(LakeError::Catalog { .. }), damaged)) => (damaged, true),
            Some((Err(error), _)) => return Err(error),
            Some((Ok(_), _)) => return Ok(None),
            None => (CatalogVersion(None), false),
        };
        let runs = self.runs().await?;
        if !is_there && runs.witness().is_none() && runs.left_out.is_empty() {
            return Ok(None);
        }
        let unrepairable = |why: String| LakeError::Unrepairable { path: self.shown(CATALOG), why };
        let found =
            runs.last_published().and_then(|(run, is_certain)| Some((run.catalog()?, is_certain)));
        let Some((catalog, is_certain)) = found else {
            let first = runs.left_out.first().map(|error| format!(" ({error})"));
            return Err(unrepairable(first.unwrap_or_default()));
        };
        // What is lost of it is told by who reads it, and made again by the next run.
        if !self.has_any_of(&catalog).await? {
            return Err(unrepairable(format!(" (of run {} nothing is left)", catalog.run)));
        }
        self.publish(&catalog, &damaged).await?;
        Ok(Some(Repaired { catalog, is_certain, left_out: runs.left_out }))
    }

    /// Whether a version that a catalog names is there as it was written, by its mark and size.
    async fn has_any_of(&self, catalog: &Catalog) -> Result<bool, LakeError> {
        for version in catalog.tables.values() {
            let found = match self.version(&version.table, &version.fingerprint).await {
                Ok(Some(found)) if found == *version => self.verify(version).await,
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            match found {
                Ok(()) => return Ok(true),
                Err(LakeError::Lost { .. } | LakeError::Version { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Publishes: readers see all of `catalog` from now on. What it replaces must still be what was
    /// published. In a folder the writers' [`Lock`](crate::Lock) sees to that, on an object store
    /// the store itself.
    ///
    /// # Errors
    ///
    /// [`LakeError::Conflict`] if another run has published, and others if the catalog cannot be
    /// written.
    pub async fn publish(
        &self,
        catalog: &Catalog,
        replaced: &CatalogVersion,
    ) -> Result<(), LakeError> {
        let sealed = sealed(self.shown(CATALOG), catalog)?;
        if self.folder().is_some() {
            return self.keep_json(CATALOG, &sealed).await;
        }
        let mode = match &replaced.0 {
            None => PutMode::Create,
            Some(version) => PutMode::Update(version.clone()),
        };
        self.put_json_if(CATALOG, &sealed, mode).await
    }

    /// Keeps the record of a run.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if it cannot be written.
    pub async fn put_run(&self, record: &RunRecord) -> Result<(), LakeError> {
        let path = format!("{RUNS}/{}.json", record.run);
        let sealed = sealed(self.shown(&path), &self.put_details(record).await?)?;
        self.keep_json(&path, &sealed).await
    }

    /// Removes the record of a run, if it is there. In a folder the writers'
    /// [`Lock`](crate::Lock) must be held.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if it cannot be removed.
    pub async fn remove_run(&self, run: &str) -> Result<(), LakeError> {
        self.delete_if_there(&format!("{RUNS}/{run}.json")).await
    }

    /// Every run. A file among the records that is no record is left out, and told.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if a record cannot be read.
    pub async fn runs(&self) -> Result<Runs, LakeError> {
        self.runs_with(Told::All).await
    }

    /// Every run, where only the newest that ended say which tables they have, and for each stage
    /// the newest that had it what it was made from, if they say that at length: what a plan needs,
    /// read in no time.
    ///
    /// # Errors
    ///
    /// As of [`Self::runs`].
    pub async fn recent_runs(&self) -> Result<Runs, LakeError> {
        self.runs_with(Told::Newest).await
    }

    async fn runs_with(&self, told: Told) -> Result<Runs, LakeError> {
        let mut runs = Runs::default();
        let mut stored = Vec::new();
        for found in self.list(RUNS).await? {
            let path = found.location.as_ref();
            let Some(name) = found.location.filename().and_then(|name| name.strip_suffix(".json"))
            else {
                continue;
            };
            // One that is removed meanwhile is none.
            let Some(bytes) = self.get_if_there(path).await? else { continue };
            let said = serde_json::from_slice(&bytes).map_err(|error| in_words(&error));
            let why = match said.and_then(Stored::of) {
                Ok(of) if of.record.run == name => {
                    stored.push((path.to_owned(), of));
                    continue;
                }
                Ok(of) => format!("it is that of run {}", of.record.run),
                Err(why) => why,
            };
            runs.left_out.push(LakeError::Record { path: self.shown(path), why });
        }
        let mut read = Read::default();
        stored.sort_by(|(_, Stored { record: a, .. }), (_, Stored { record: b, .. })| {
            (a.number, &a.run).cmp(&(b.number, &b.run))
        });
        for (path, of) in stored.into_iter().rev() {
            match self.with_details(of, told, &mut read).await? {
                Ok(record) => runs.records.push(record),
                Err(why) => {
                    runs.left_out.push(LakeError::Record { path: self.shown(&path), why });
                }
            }
        }
        runs.records.reverse();
        Ok(runs)
    }
}
