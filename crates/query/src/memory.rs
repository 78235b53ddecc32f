//! How much memory a query may use, and what is said where it needs more.

use datafusion::common::resources_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory of a session's queries. Beyond it sorts, joins and groups spill to disk where they can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// In MiB.
    pub mib: usize,
    /// The setting that says so.
    pub setting: &'static str,
}

impl Memory {
    /// In bytes.
    pub fn bytes(self) -> usize {
        self.mib.saturating_mul(1 << 20)
    }
}

/// A limit of memory that knows which setting it comes from. It may lie within another one that
/// several share.
///
/// Sorts that run at once share what is left, each as much as the rest of the query: the first to
/// come would leave the others nothing to begin with. They spill what is more.
#[derive(Debug)]
pub struct Quota {
    memory: Memory,
    used: AtomicUsize,
    /// How many sorts there are.
    n_sorts: AtomicUsize,
    /// What they use.
    in_sorts: AtomicUsize,
    within: Option<Arc<dyn MemoryPool>>,
}

impl Quota {
    /// So much, and of that no more than `within` has.
    pub fn new(memory: Memory, within: Option<Arc<dyn MemoryPool>>) -> Self {
        let none = AtomicUsize::default;
        Self { memory, used: none(), n_sorts: none(), in_sorts: none(), within }
    }
}

/// Whether rows are kept to be sorted.
fn is_sort(consumer: &MemoryConsumer) -> bool {
    consumer.can_spill() && consumer.name().starts_with("ExternalSorter[")
}

impl Quota {
    /// Bytes that a sort may have, if it shares with others.
    fn share(&self) -> Option<usize> {
        let n_sorts = self.n_sorts.load(Ordering::Relaxed);
        let in_sorts = self.in_sorts.load(Ordering::Relaxed);
        let others = self.used.load(Ordering::Relaxed).saturating_sub(in_sorts);
        (n_sorts > 1).then(|| self.memory.bytes().saturating_sub(others) / (n_sorts + 1))
    }

    fn too_little(&self, enough: usize) -> DataFusionError {
        let Memory { mib, setting } = self.memory;
        let enough = enough.div_ceil(1 << 20);
        let fair = enough.max(mib.saturating_mul(2));
        resources_datafusion_err!(
            "the {mib} MiB of {setting} are too little: this step needs {enough} MiB, and those after it may need more; try {fair}, \
             or read fewer rows or columns"
        )
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB of {}", self.memory.mib, self.memory.setting)
    }
}

impl MemoryPool for Quota {
    fn name(&self) -> &'static str {
        "quota"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.n_sorts.fetch_add(usize::from(is_sort(consumer)), Ordering::Relaxed);
        if let Some(within) = &self.within {
            within.register(consumer);
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.n_sorts.fetch_sub(usize::from(is_sort(consumer)), Ordering::Relaxed);
        if let Some(within) = &self.within {
            within.unregister(consumer);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        if is_sort(reservation.consumer()) {
            self.in_sorts.fetch_add(additional, Ordering::Relaxed);
        }
        if let Some(within) = &self.within {
            within.grow(reservation, additional);
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        if is_sort(reservation.consumer()) {
            self.in_sorts.fetch_sub(shrink, Ordering::Relaxed);
        }
        if let Some(within) = &self.within {
            within.shrink(reservation, shrink);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let limit = self.memory.bytes();
        let is_sort = is_sort(reservation.consumer());
        let wanted = reservation.size().saturating_add(additional);
        if is_sort && self.share().is_some_and(|share| wanted > share) {
            return Err(self.too_little(wanted));
        }
        let fits = |used: usize| used.checked_add(additional).filter(|&sum| sum <= limit);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .map_err(|used| self.too_little(used.saturating_add(additional)))?;
        if let Some(within) = &self.within {
            within.try_grow(reservation, additional).inspect_err(|_| {
                self.used.fetch_sub(additional, Ordering::Relaxed);
            })?;
        }
        if is_sort {
            self.in_sorts.fetch_add(additional, Ordering::Relaxed);
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.memory.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::memory_pool::MemoryConsumer;

    #[test]
    fn a_query_gets_its_quota_and_all_together_what_they_share() {
        let all: Arc<dyn MemoryPool> =
            Arc::new(Quota::new(Memory { mib: 150, setting: "`all`" }, None));
        let quota = || {
            let own = Memory { mib: 100, setting: "`own`" };
            Arc::new(Quota::new(own, Some(Arc::clone(&all)))) as Arc<dyn MemoryPool>
        };
        let (one, two) = (quota(), quota());
        let first = MemoryConsumer::new("first").register(&one);
        let second = MemoryConsumer::new("second").register(&two);
        let mib = |n: usize| n << 20;
        first.try_grow(mib(80)).expect("within both");
        let told = first.try_grow(mib(30)).expect_err("beyond its own").strip_backtrace();
        assert!(
            told.contains("the 100 MiB of `own` are too little: this step needs 110 MiB"),
            "{told}"
        );
        let told = second.try_grow(mib(80)).expect_err("beyond the shared").strip_backtrace();
        assert!(
            told.contains("the 150 MiB of `all` are too little: this step needs 160 MiB"),
            "{told}"
        );
        assert_eq!((one.reserved(), two.reserved(), all.reserved()), (mib(80), 0, mib(80)));
        second.try_grow(mib(70)).expect("what is left");
        first.free();
        second.try_grow(mib(30)).expect("what the first gave back");
        assert_eq!((one.reserved(), all.reserved()), (0, mib(100)));
    }
    #[test]
    fn sorts_leave_each_other_room() {
        let quota = Memory { mib: 120, setting: "`own`" };
        let pool: Arc<dyn MemoryPool> = Arc::new(Quota::new(quota, None));
        let sort = || MemoryConsumer::new("ExternalSorter[0]").with_can_spill(true).register(&pool);
        let mib = |n: usize| n << 20;
        let first = sort();
        first.try_grow(mib(110)).expect("alone it has all");
        first.free();
        let second = sort();
        first.try_grow(mib(40)).expect("a third");
        first.try_grow(mib(1)).expect_err("more than a third");
        let other = MemoryConsumer::new("rows that a join looks up").register(&pool);
        other.try_grow(mib(60)).expect("what no sort has");
        second.try_grow(mib(21)).expect_err("more than a third of what is left");
        second.try_grow(mib(20)).expect("a third of what is left");
        drop(first);
        second.try_grow(mib(40)).expect("all that is left");
        assert_eq!(pool.reserved(), mib(120));
        drop((second, other));
        assert_eq!(pool.reserved(), 0);
    }
}
