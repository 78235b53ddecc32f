//! Collecting what nothing needs any more.

use crate::durable;
use crate::error::LakeError;
use crate::lease::{Collection, LEASES, LeaseTimes};
use crate::store::Lake;
use crate::version::TableVersion;
use crate::versions::COMPLETE;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// What a collection of garbage freed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// Versions removed: table and fingerprint.
    pub versions: Vec<String>,
    /// Bytes freed.
    pub bytes: u64,
    /// Files removed that were being written when their program ended.
    pub n_unfinished: usize,
    /// Programs at work for whose sake versions stayed.
    pub holders: Vec<String>,
}

/// Age at which a lease that is being written is one that was not written to its end.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

impl Lake {
    /// Removes the files that nothing names: not the catalog, not one of the `keep` newest runs,
    /// not a lease. Versions with files younger than `young_from` stay, for lakes where nothing
    /// else tells that no run is writing.
    ///
    /// # Errors
    ///
    /// [`LakeError`] if the store fails, or another collection is at work. What was removed until
    /// then stays removed; nothing published is ever touched.
    pub async fn collect_garbage(
        &self,
        keep: usize,
        young_from: Option<SystemTime>,
    ) -> Result<Garbage, LakeError> {
        let mut collection = self.begin_collection(LeaseTimes::default()).await?;
        let collected = self.collect(&mut collection, keep, young_from).await;
        collection.end().await?;
        collected
    }

    async fn collect(
        &self,
        collection: &mut Collection,
        keep: usize,
        young_from: Option<SystemTime>,
    ) -> Result<Garbage, LakeError> {
        let folder_of =
            |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        // Files may be of several versions, and in the folder of one that is gone.
        let (mut folders, mut files) = (BTreeSet::new(), BTreeSet::new());
        let mut use_version = |version: &TableVersion| {
            folders.insert(version.folder());
            files.extend(version.files.iter().map(|file| file.path.clone()));
        };
        if let Some(catalog) = self.catalog().await? {
            catalog.tables.values().for_each(&mut use_version);
        }
        let runs = self.runs().await?;
        if keep > 0
            && let Some(error) = runs.left_out.iter().find(|error| error.is_of_a_run())
        {
            // What it names cannot be kept, and would be gone for good.
            return Err(LakeError::Unkept(error.to_string()));
        }
        for run in runs.records.into_iter().rev().take(keep) {
            run.tables.values().for_each(&mut use_version);
        }
        let found = self.list("tables").await?;
        if let Some(since) = young_from {
            let young = found.iter().filter(|meta| SystemTime::from(meta.last_modified) > since);
            folders.extend(young.map(|meta| folder_of(meta.location.as_ref())));
        }
        let mut garbage = Garbage::default();
        let mut freed = BTreeSet::new();
        let mut unused = Vec::new();
        let mut holders = BTreeSet::new();
        for meta in found {
            let path = meta.location.to_string();
            let folder = folder_of(&path);
            if folders.contains(&folder) || files.contains(&path) {
                continue;
            }
            if let Some(holder) = collection.holder_of(&folder, &path) {
                holders.insert(holder);
                continue;
            }
            unused.push((!path.ends_with(COMPLETE), path, meta.size));
            freed.insert(folder);
        }
        // The mark of completeness goes first: half a version must not look like a whole one.
        unused.sort();
        let going = unused.iter().map(|(_, path, _)| path.as_str()).collect();
        let units = self.forget_unused_units(collection, &going).await?;
        for (_, path, bytes) in unused {
            collection.go_on().await?;
            self.store()
                .delete(&Path::from(path.clone()))
                .await
                .map_err(|source| LakeError::Store { path, source })?;
            garbage.bytes += bytes;
        }
        garbage.bytes += self.forget_unused_details(young_from).await?;
        if let Some(root) = self.folder() {
            for path in durable::left_behind(root) {
                // A holder of a lease may be writing it anew.
                let Ok(meta) = path.metadata() else { continue };
                let is_young = meta
                    .modified()
                    .is_ok_and(|time| time.elapsed().is_ok_and(|age| age < LEFT_BEHIND));
                if path.starts_with(root.join(LEASES)) && is_young {
                    continue;
                }
                let failed = |error| self.unflushed(&path.display().to_string(), error);
                std::fs::remove_file(&path).map_err(failed)?;
                garbage.bytes += meta.len();
                garbage.n_unfinished += 1;
            }
            for folder in &freed {
                // An empty folder left behind does no harm.
                let _ = std::fs::remove_dir(root.join(folder));
            }
        }
        // A folder of a unit is a part of versions, and none itself.
        let is_unit =
            |folder: &String| folder.rsplit('/').next().is_some_and(|name| units.contains(name));
        garbage.versions = freed.into_iter().filter(|folder| !is_unit(folder)).collect();
        garbage.holders = holders.into_iter().collect();
        Ok(garbage)
    }

    /// Forgets the units whose files are among those that go, and those that made none and read them;
    /// gives their names.
    async fn forget_unused_units(
        &self,
        collection: &mut Collection,
        going: &BTreeSet<&str>,
    ) -> Result<BTreeSet<String>, LakeError> {
        let mut names = BTreeSet::new();
        if going.is_empty() {
            return Ok(names);
        }
        for (path, record) in self.units().await? {
            collection.go_on().await?;
            let is_kept = record.is_some_and(|record| {
                let made = record.files.iter().map(|file| file.path.as_str());
                let mut files = made.chain(record.of.iter().map(String::as_str)).peekable();
                // One that has to do with no file is made again at no cost.
                files.peek().is_some() && !files.any(|file| going.contains(file))
            });
            if !is_kept {
                self.delete_if_there(&path).await?;
                let name = path.rsplit('/').next().and_then(|name| name.strip_suffix(".json"));
                names.extend(name.map(str::to_owned));
            }
        }
        Ok(names)
    }
}
