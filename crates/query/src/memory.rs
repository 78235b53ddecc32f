//! How much memory a query may use, and what is said where it needs more.

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};
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
#[derive(Debug)]
pub struct Quota {
    memory: Memory,
    used: AtomicUsize,
    within: Option<Arc<dyn MemoryPool>>,
}

impl Quota {
    /// So much, and of that no more than `within` has.
    pub fn new(memory: Memory, within: Option<Arc<dyn MemoryPool>>) -> Self {
        Self { memory, used: AtomicUsize::new(0), within }
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

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        if let Some(within) = &self.within {
            within.grow(reservation, additional);
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        if let Some(within) = &self.within {
            within.shrink(reservation, shrink);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let limit = self.memory.bytes();
        let fits = |used: usize| used.checked_add(additional).filter(|&sum| sum <= limit);
        if let Err(used) = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            let Memory { mib, setting } = self.memory;
            let enough = used.saturating_add(additional).div_ceil(1 << 20);
            let fair = enough.max(mib.saturating_mul(2));
            return Err(resources_datafusion_err!(
                "the {mib} MiB of {setting} are too little: this step needs {enough} MiB, and those after it may need more; try {fair}, \
                 or read fewer rows or columns"
            ));
        }
        let Some(within) = &self.within else { return Ok(()) };
        within.try_grow(reservation, additional).inspect_err(|_| {
            self.used.fetch_sub(additional, Ordering::Relaxed);
        })
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
}
