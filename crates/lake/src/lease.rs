//! Leases: what programs at work read or write, which a collection of garbage leaves alone.
//!
//! A lease is a small file. It is renewed while its holder lives, and expires when it is not.
//!
//! Whether a lease or a collection comes first is told without a lock. A holder writes its lease
//! and then looks for collections. A collection writes its mark and then looks for leases. So at
//! least one of them sees the other. Ages are differences of times that the store gave, so no
//! machine's clock matters.
//!
//! In a folder a lock of the operating system also tells whether a collection is at work. It ends
//! with its program.

use crate::error::LakeError;
use crate::lock::{CollectionLock, Holder};
use crate::store::Lake;
use chrono::{DateTime, SecondsFormat, Utc};
use object_store::ObjectMeta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

pub(crate) const LEASES: &str = "leases";
/// What the names of collections begin with.
const COLLECTION: &str = "gc-";
/// How long a collection lasts after it was last heard of.
const COLLECTION_LASTS: Duration = Duration::from_mins(5);
/// How often a collection is heard of.
const COLLECTION_RENEWED: Duration = Duration::from_secs(30);
/// How often a holder looks whether a collection has ended.
const LOOKED_FOR: Duration = Duration::from_millis(200);
/// Age at which an expired lease is garbage itself.
const FORGOTTEN: Duration = Duration::from_hours(24);

/// How long a lease lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// After it was last renewed.
    pub lasts: Duration,
    /// How often it is renewed: several times while it lasts.
    pub renewed_every: Duration,
    /// How long its holder waits for a collection of garbage to end before it begins.
    pub patience: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            lasts: Duration::from_mins(5),
            renewed_every: Duration::from_mins(1),
            patience: Duration::from_mins(15),
        }
    }
}

/// What is in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct LeaseText {
    holder: Holder,
    /// Seconds it lasts after it was last written.
    lasts: u64,
    /// Folders of versions, and files, below the root of the lake.
    keeps: BTreeSet<String>,
}

impl LeaseText {
    fn holder(&self) -> String {
        let Holder { pid, command, since } = &self.holder;
        format!("process {pid} (`{command}`, since {since})")
    }
}

/// A name that no other lease has.
fn unique(begin: &str, pid: u32) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = Utc::now().timestamp_nanos_opt().unwrap_or_default();
    let own = format!("{pid} {now} {}", NEXT.fetch_add(1, Ordering::Relaxed));
    let hash = blake3::hash(own.as_bytes()).to_hex();
    format!("{LEASES}/{begin}{pid}-{}.json", &hash.as_str()[..12])
}

fn me(command: &str) -> Holder {
    let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    Holder { pid: std::process::id(), command: command.to_owned(), since }
}

/// Whether what was written at `then` still lasts at `now`.
fn is_live(then: DateTime<Utc>, lasts: Duration, now: DateTime<Utc>) -> bool {
    // A time to come, as clocks are set, is no age.
    now.signed_duration_since(then).to_std().map_or(true, |age| age <= lasts)
}

/// A lease that is renewed until it is released or dropped.
pub struct HeldLease {
    lake: Lake,
    path: String,
    renewal: Option<JoinHandle<()>>,
    handle: Handle,
}

impl fmt::Debug for HeldLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldLease").field("path", &self.path).finish_non_exhaustive()
    }
}

impl HeldLease {
    /// Ends the lease.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if it cannot be removed; it expires then.
    pub async fn release(mut self) -> Result<(), LakeError> {
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
            // One that is being written must not come after the removal.
            let _ = renewal.await;
        }
        self.lake.delete_if_there(&self.path).await
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        let Some(renewal) = self.renewal.take() else { return };
        renewal.abort();
        let (lake, path) = (self.lake.clone(), self.path.clone());
        self.handle.spawn(async move {
            let _ = renewal.await;
            // It expires otherwise.
            let _ = lake.delete_if_there(&path).await;
        });
    }
}

/// A collection of garbage at work.
#[derive(Debug)]
pub(crate) struct Collection {
    /// In a folder.
    _lock: Option<CollectionLock>,
    lake: Lake,
    path: String,
    text: LeaseText,
    renewed: Instant,
    leases: Vec<LeaseText>,
}

impl Collection {
    /// Who holds a file in `folder`.
    pub(crate) fn holder_of(&self, folder: &str, path: &str) -> Option<String> {
        // A holder that makes parts of a table does not know their folders before.
        let table = folder.rsplit_once('/').map_or("", |(table, _)| table);
        let holds = |lease: &&LeaseText| {
            [folder, path, table].iter().any(|held| lease.keeps.contains(*held))
        };
        self.leases.iter().find(holds).map(LeaseText::holder)
    }

    /// Tells holders that it goes on.
    pub(crate) async fn go_on(&mut self) -> Result<(), LakeError> {
        if self.renewed.elapsed() > COLLECTION_RENEWED {
            self.lake.put_json(&self.path, &self.text).await?;
            self.renewed = Instant::now();
        }
        Ok(())
    }

    pub(crate) async fn end(self) -> Result<(), LakeError> {
        self.lake.delete_if_there(&self.path).await
    }
}

impl Lake {
    /// Takes a lease on folders of versions and files, and waits for the end of a collection of
    /// garbage that may have begun before. What was there may be gone then, so look again.
    ///
    /// `command` says what the holder is. The lease is renewed by a task on the runtime of
    /// `handle`.
    ///
    /// # Errors
    ///
    /// [`LakeError::Store`] if the lake cannot be written, [`LakeError::Collecting`] if a
    /// collection does not end.
    pub async fn lease(
        &self,
        command: &str,
        keeps: BTreeSet<String>,
        times: LeaseTimes,
        handle: &Handle,
    ) -> Result<HeldLease, LakeError> {
        let holder = me(command);
        let path = unique("", holder.pid);
        let text = LeaseText { holder, lasts: times.lasts.as_secs(), keeps };
        self.put_json(&path, &text).await?;
        let renewal = handle.spawn({
            let (lake, path) = (self.clone(), path.clone());
            async move {
                loop {
                    tokio::time::sleep(times.renewed_every).await;
                    // The next time, if not this time.
                    let _ = lake.put_json(&path, &text).await;
                }
            }
        });
        let lease = HeldLease {
            lake: self.clone(),
            path: path.clone(),
            renewal: Some(renewal),
            handle: handle.clone(),
        };
        let begun = Instant::now();
        loop {
            let found = self.list(LEASES).await?;
            let own = found.iter().find(|meta| meta.location.as_ref() == path);
            let now = own.map_or_else(Utc::now, |meta| meta.last_modified);
            let Some(collection) = found.iter().find(|meta| is_collection(meta, now)) else {
                return Ok(lease);
            };
            if !self.may_collect()? {
                return Ok(lease);
            }
            if begun.elapsed() > times.patience {
                let since = collection.last_modified.to_rfc3339();
                return Err(LakeError::Collecting { lake: self.url().to_owned(), since });
            }
            tokio::time::sleep(LOOKED_FOR).await;
        }
    }

    /// Whether a collection that left its mark may be at work.
    fn may_collect(&self) -> Result<bool, LakeError> {
        match self.folder() {
            None => Ok(true),
            Some(folder) => CollectionLock::is_held(folder)
                .map_err(|source| LakeError::Folder { path: folder.to_owned(), source }),
        }
    }

    /// The lock of a collection in a folder.
    async fn collection_lock(&self) -> Result<Option<CollectionLock>, LakeError> {
        let Some(folder) = self.folder() else { return Ok(None) };
        let begun = Instant::now();
        loop {
            let taken = CollectionLock::try_take(folder)
                .map_err(|source| LakeError::Folder { path: folder.to_owned(), source })?;
            if taken.is_some() {
                return Ok(taken);
            }
            // Whoever looks whether it is held, holds it for a moment.
            if begun.elapsed() > LOOKED_FOR {
                let since = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
                return Err(LakeError::Collecting { lake: self.url().to_owned(), since });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Begins a collection of garbage, and looks who is at work. Leases are renewed as often as
    /// `times` says.
    pub(crate) async fn begin_collection(
        &self,
        times: LeaseTimes,
    ) -> Result<Collection, LakeError> {
        let lock = self.collection_lock().await?;
        let holder = me("rebound gc");
        let path = unique(COLLECTION, holder.pid);
        let text = LeaseText { holder, lasts: COLLECTION_LASTS.as_secs(), keeps: BTreeSet::new() };
        self.put_json(&path, &text).await?;
        let mut collection = Collection {
            _lock: lock,
            lake: self.clone(),
            path,
            text,
            renewed: Instant::now(),
            leases: Vec::new(),
        };
        match self.leases(&collection.path, times).await {
            Ok(leases) => {
                collection.leases = leases;
                Ok(collection)
            }
            Err(error) => {
                collection.end().await?;
                Err(error)
            }
        }
    }

    /// The leases that last, as seen by the collection whose mark is at `own`.
    async fn leases(&self, own: &str, times: LeaseTimes) -> Result<Vec<LeaseText>, LakeError> {
        let mut found = self.list(LEASES).await?;
        let now = |found: &[ObjectMeta]| {
            let of_own = found.iter().find(|meta| meta.location.as_ref() == own);
            of_own.map_or_else(Utc::now, |meta| meta.last_modified)
        };
        let is_to_come = |meta: &ObjectMeta, now| is_to_come(meta, now, times.renewed_every);
        if found.iter().any(|meta| is_to_come(meta, now(&found))) {
            // The clock was set back. Who lives writes again.
            tokio::time::sleep(times.renewed_every + times.renewed_every / 4).await;
            if let Some(mark) = self.get_json::<LeaseText>(own).await? {
                self.put_json(own, &mark).await?;
            }
            found = self.list(LEASES).await?;
            let now = now(&found);
            for meta in found.extract_if(.., |meta| is_to_come(meta, now)) {
                self.delete_if_there(meta.location.as_ref()).await?;
            }
        }
        let now = now(&found);
        let mut leases = Vec::new();
        for meta in found {
            let path = meta.location.to_string();
            if path == own || !path.ends_with(".json") {
                continue;
            }
            if is_collection(&meta, now) {
                // In a folder this collection has the lock.
                if self.folder().is_some() {
                    self.delete_if_there(&path).await?;
                    continue;
                }
                let since = meta.last_modified.to_rfc3339();
                return Err(LakeError::Collecting { lake: self.url().to_owned(), since });
            }
            // One that is released meanwhile is nobody's.
            let lease = match self.get_json::<LeaseText>(&path).await {
                Ok(Some(lease)) => lease,
                Ok(None) => continue,
                Err(LakeError::Json { path: shown, .. }) => {
                    // Its holder would have written it again by now.
                    if is_live(meta.last_modified, LeaseTimes::default().lasts, now) {
                        return Err(LakeError::Lease { path: shown });
                    }
                    self.delete_if_there(&path).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let lasts = Duration::from_secs(lease.lasts);
            if is_live(meta.last_modified, lasts, now) {
                leases.push(lease);
            } else if !is_live(meta.last_modified, lasts.max(FORGOTTEN), now) {
                self.delete_if_there(&path).await?;
            }
        }
        Ok(leases)
    }
}

/// Whether this was written later than `now`, by more than writes are apart.
fn is_to_come(meta: &ObjectMeta, now: DateTime<Utc>, apart: Duration) -> bool {
    meta.last_modified.signed_duration_since(now).to_std().is_ok_and(|by| by > apart)
}

/// Whether this is the mark of a collection that is at work at `now`.
fn is_collection(meta: &ObjectMeta, now: DateTime<Utc>) -> bool {
    let name = meta.location.filename().unwrap_or_default();
    name.starts_with(COLLECTION) && is_live(meta.last_modified, COLLECTION_LASTS, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::ObjectStoreExt;
    use object_store::path::Path;

    const SERVE: &str = "rebound serve";

    fn times(lasts: Duration) -> LeaseTimes {
        let patience = Duration::from_millis(300);
        LeaseTimes { lasts, renewed_every: Duration::from_millis(100), patience }
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(future)
    }

    async fn put(lake: &Lake, path: &str) {
        lake.store().put(&Path::from(path), "x".into()).await.expect("written");
    }

    const VERSION: &str = "tables/t.a/1";

    async fn is_there(lake: &Lake) -> bool {
        lake.store().head(&Path::from(format!("{VERSION}/version.json"))).await.is_ok()
    }

    #[test]
    fn what_is_leased_is_no_garbage_until_it_is_released() {
        let folder = tempfile::tempdir().expect("a folder");
        for url in ["memory://", folder.path().to_str().expect("utf-8")] {
            wait(async {
                let lake = Lake::open(url).expect("a lake");
                put(&lake, &format!("{VERSION}/version.json")).await;
                put(&lake, "tables/t.b/2/part.parquet").await;
                let keeps = BTreeSet::from([VERSION.to_owned()]);
                let lease = lake
                    .lease(SERVE, keeps, times(Duration::from_secs(60)), &Handle::current())
                    .await
                    .expect("a lease");
                let garbage = lake.collect_garbage(0, None).await.expect("collected");
                assert_eq!(garbage.versions, ["tables/t.b/2"]);
                let pid = std::process::id();
                let begin = format!("process {pid} (`rebound serve`, since ");
                assert!(garbage.holders[0].starts_with(&begin), "{:?}", garbage.holders);
                assert!(is_there(&lake).await);
                lease.release().await.expect("released");
                let garbage = lake.collect_garbage(0, None).await.expect("collected");
                assert_eq!((garbage.versions.len(), garbage.holders.len()), (1, 0));
                assert!(!is_there(&lake).await);
            });
        }
    }

    #[test]
    fn a_lease_of_one_who_died_expires() {
        wait(async {
            let lake = Lake::open("memory://").expect("a lake");
            put(&lake, &format!("{VERSION}/version.json")).await;
            let text =
                LeaseText { holder: me(SERVE), lasts: 1, keeps: BTreeSet::from([VERSION.into()]) };
            lake.put_json(&unique("", 7), &text).await.expect("written");
            lake.collect_garbage(0, None).await.expect("collected");
            assert!(is_there(&lake).await);
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            lake.collect_garbage(0, None).await.expect("collected");
            assert!(!is_there(&lake).await);
        });
    }

    #[test]
    fn a_lease_is_renewed() {
        wait(async {
            let lake = Lake::open("memory://").expect("a lake");
            put(&lake, &format!("{VERSION}/version.json")).await;
            let keeps = BTreeSet::from([VERSION.to_owned()]);
            let of = times(Duration::from_secs(1));
            let lease = lake.lease(SERVE, keeps, of, &Handle::current()).await.expect("a lease");
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            lake.collect_garbage(0, None).await.expect("collected");
            assert!(is_there(&lake).await);
            drop(lease);
        });
    }

    #[test]
    fn holders_wait_for_a_collection_and_collections_for_each_other() {
        wait(async {
            let lake = Lake::open("memory://").expect("a lake");
            let collection = lake.begin_collection(LeaseTimes::default()).await.expect("begun");
            let second = lake.collect_garbage(0, None).await.expect_err("one at a time");
            assert!(matches!(second, LakeError::Collecting { .. }), "{second}");
            let of = times(Duration::from_secs(60));
            let early = lake.lease(SERVE, BTreeSet::new(), of, &Handle::current()).await;
            assert!(matches!(early, Err(LakeError::Collecting { .. })));
            let patient = LeaseTimes { patience: Duration::from_secs(60), ..of };
            let handle = Handle::current();
            let (lease, ended) =
                tokio::join!(lake.lease(SERVE, BTreeSet::new(), patient, &handle), async {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    collection.end().await
                },);
            ended.expect("ended");
            lease.expect("a lease").release().await.expect("released");
        });
    }

    #[test]
    fn a_collection_that_was_killed_keeps_nobody_waiting() {
        wait(async {
            let folder = tempfile::tempdir().expect("a folder");
            let lake = Lake::open(folder.path().to_str().expect("utf-8")).expect("a lake");
            let mark = unique(COLLECTION, 7);
            let text = LeaseText { holder: me("rebound gc"), lasts: 300, keeps: BTreeSet::new() };
            lake.put_json(&mark, &text).await.expect("written");
            let of = times(Duration::from_secs(60));
            let lease = lake.lease(SERVE, BTreeSet::new(), of, &Handle::current()).await;
            lease.expect("nobody collects").release().await.expect("released");
            lake.collect_garbage(0, None).await.expect("collected");
            assert!(!folder.path().join(mark).exists());
            // One that lives has the lock.
            let collection = lake.begin_collection(of).await.expect("begun");
            let early = lake.lease(SERVE, BTreeSet::new(), of, &Handle::current()).await;
            assert!(matches!(early, Err(LakeError::Collecting { .. })));
            let second = lake.collect_garbage(0, None).await.expect_err("one at a time");
            assert!(matches!(second, LakeError::Collecting { .. }), "{second}");
            collection.end().await.expect("ended");
            lake.collect_garbage(0, None).await.expect("collected");
        });
    }

    #[test]
    fn a_lease_of_a_clock_that_was_wrong_does_not_last_for_ever() {
        wait(async {
            let folder = tempfile::tempdir().expect("a folder");
            let lake = Lake::open(folder.path().to_str().expect("utf-8")).expect("a lake");
            let keeps = BTreeSet::from([VERSION.to_owned()]);
            let of = times(Duration::from_secs(60));
            let lease = lake.lease(SERVE, keeps, of, &Handle::current()).await.expect("a lease");
            let text = LeaseText { holder: me(SERVE), lasts: 300, keeps: BTreeSet::new() };
            let dead = unique("", 7);
            lake.put_json(&dead, &text).await.expect("written");
            let later = Utc::now() + Duration::from_hours(100_000);
            for path in [&dead, &lease.path] {
                let file = std::fs::File::options().write(true).open(folder.path().join(path));
                file.expect("there").set_modified(later.into()).expect("set");
            }
            let collection = lake.begin_collection(of).await.expect("begun");
            assert!(collection.holder_of(VERSION, "").is_some(), "who lives writes again");
            assert!(!folder.path().join(dead).exists());
            collection.end().await.expect("ended");
            lease.release().await.expect("released");
        });
    }
}
