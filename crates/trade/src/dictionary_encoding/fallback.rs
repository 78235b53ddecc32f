//! The places where a field's text may be, and what is known of the texts there.

use crate::interner::LookupCache;
use crate::row::{Fitted, Source};

/// What is known of raw texts, of each year alone where that says what they mean.
#[derive(Debug)]
pub(super) struct LookupCaches {
    pub(super) is_dated: bool,
    pub(super) by_year: Vec<(i32, LookupCache)>,
    /// The one last used.
    pub(super) current: usize,
}

impl LookupCaches {
    /// Nothing is known of texts that mean the same in every year.
    pub(super) fn undated() -> Self {
        Self { is_dated: false, by_year: vec![(0, LookupCache::default())], current: 0 }
    }

    /// The same of texts whose meaning depends on the year.
    pub(super) fn dated() -> Self {
        Self { is_dated: true, ..Self::undated() }
    }

    /// What is known of the raw texts of `year`.
    #[inline]
    pub(super) fn of(&mut self, year: i32) -> &mut LookupCache {
        let year = if self.is_dated { year } else { 0 };
        if self.by_year[self.current].0 != year {
            self.current = match self.by_year.iter().position(|(of, _)| *of == year) {
                Some(at) => at,
                None => {
                    self.by_year.push((year, LookupCache::default()));
                    self.by_year.len() - 1
                }
            };
        }
        &mut self.by_year[self.current].1
    }
}

/// One place where a field's text may be: the field's own, or a fallback's.
#[derive(Debug)]
pub(super) struct Fallback<'p, 'l> {
    pub(super) fitted: &'p Fitted<'l>,
    pub(super) caches: LookupCaches,
}

impl<'p, 'l> Fallback<'p, 'l> {
    pub(super) fn all(fitted: &'p Fitted<'l>) -> Vec<Self> {
        std::iter::successors(Some(fitted), |fitted| fitted.fallback.as_deref())
            .map(|fitted| Self {
                fitted,
                caches: if fitted.is_dated() {
                    LookupCaches::dated()
                } else {
                    LookupCaches::undated()
                },
            })
            .collect()
    }

    /// The column that its text is in.
    pub(super) fn column(&self) -> Option<usize> {
        match self.fitted.source {
            Source::Column(at) => Some(at),
            _ => None,
        }
    }
}
