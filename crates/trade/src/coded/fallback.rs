//! The places where a field's text may be, and what is known of the texts there.

use crate::memo::Memo;
use crate::row::{Fitted, Source};

/// What is known of raw texts, of each year alone where that says what they mean.
#[derive(Debug)]
pub(super) struct Memos {
    pub(super) is_dated: bool,
    pub(super) by_year: Vec<(i32, Memo)>,
    /// The one last used.
    pub(super) current: usize,
}

impl Memos {
    /// Nothing is known of texts that mean the same in every year.
    pub(super) fn undated() -> Self {
        Self { is_dated: false, by_year: vec![(0, Memo::default())], current: 0 }
    }

    /// The same of texts whose meaning depends on the year.
    pub(super) fn dated() -> Self {
        Self { is_dated: true, ..Self::undated() }
    }

    /// What is known of the raw texts of `year`.
    #[inline]
    pub(super) fn of(&mut self, year: i32) -> &mut Memo {
        let year = if self.is_dated { year } else { 0 };
        if self.by_year[self.current].0 != year {
            self.current = match self.by_year.iter().position(|(of, _)| *of == year) {
                Some(at) => at,
                None => {
                    self.by_year.push((year, Memo::default()));
                    self.by_year.len() - 1
                }
            };
        }
        &mut self.by_year[self.current].1
    }
}

/// One place where a field's text may be: the field's own, or a fallback's.
#[derive(Debug)]
pub(super) struct Link<'p, 'l> {
    pub(super) fitted: &'p Fitted<'l>,
    pub(super) memos: Memos,
}

impl<'p, 'l> Link<'p, 'l> {
    pub(super) fn chain(fitted: &'p Fitted<'l>) -> Vec<Self> {
        std::iter::successors(Some(fitted), |fitted| fitted.fallback.as_deref())
            .map(|fitted| Self {
                fitted,
                memos: if fitted.is_dated() { Memos::dated() } else { Memos::undated() },
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
