//! Products that regions take up and give up.
//!
//! ```text
//! entry[r,p]   M[r,p] before = 0: 1 if M after = 1, else 0;  null where M before = 1
//! exit[r,p]    M[r,p] before = 1: 1 if M after = 0, else 0;  null where M before = 0
//! ```
//!
//! as EconGeo's `entry.mat` and `exit.mat`. With several years before and after, a region is *out* if it is out in
//! all years before, and *in* if it is in in all years after (persistence). A *jump* asks for more: RCA at or below
//! a low bound before and at or above a high one after (Bahar, Hausmann & Hidalgo 2014: 0.05 and 1).

use crate::{Rca, Specialization};

/// What happened to a region's product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Out before, in after.
    Entry,
    /// Out before, and after.
    StaysOut,
    /// In before, out after.
    Exit,
    /// In before, and after.
    StaysIn,
    /// In some of the years before only: neither at risk to enter nor to leave.
    Mixed,
}

impl Change {
    /// 1 for an entry, 0 for staying out; `None` outside the risk set.
    pub fn entry(self) -> Option<bool> {
        match self {
            Self::Entry => Some(true),
            Self::StaysOut => Some(false),
            Self::Exit | Self::StaysIn | Self::Mixed => None,
        }
    }

    /// 1 for an exit, 0 for staying in; `None` outside the risk set.
    pub fn exit(self) -> Option<bool> {
        match self {
            Self::Exit => Some(true),
            Self::StaysIn => Some(false),
            Self::Entry | Self::StaysOut | Self::Mixed => None,
        }
    }
}

/// What happened to `product` in `region` from the years `before` to the years `after`. To enter is to be in in all
/// years after; to leave is to be out in all of them.
///
/// # Panics
///
/// If a matrix is smaller than the region or product asked for.
pub fn change(
    before: &[&Specialization],
    after: &[&Specialization],
    region: usize,
    product: usize,
) -> Change {
    let is_in = |year: &&Specialization| year.get(region, product);
    if before.iter().all(|year| !is_in(year)) {
        if !after.is_empty() && after.iter().all(is_in) { Change::Entry } else { Change::StaysOut }
    } else if before.iter().all(is_in) {
        if !after.is_empty() && after.iter().all(|year| !is_in(year)) {
            Change::Exit
        } else {
            Change::StaysIn
        }
    } else {
        Change::Mixed
    }
}

/// Whether RCA rose from `low` or less to `high` or more; `None` outside the risk set (RCA above `low` before, or
/// undefined in either year).
///
/// # Panics
///
/// If a matrix is smaller than the region or product asked for.
pub fn jump(
    before: &Rca,
    after: &Rca,
    region: usize,
    product: usize,
    low: f64,
    high: f64,
) -> Option<bool> {
    before.get(region, product).filter(|rca| *rca <= low)?;
    after.get(region, product).map(|rca| rca >= high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exports, Reference, rca};

    fn years(states: &[bool]) -> Vec<Specialization> {
        states.iter().map(|&is_in| Specialization::from_fn(1, 1, |_, _| is_in)).collect()
    }

    #[track_caller]
    fn check(before: &[bool], after: &[bool], expected: Change) {
        let (before, after) = (years(before), years(after));
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        assert_eq!(change(&before, &after, 0, 0), expected);
    }

    #[test]
    fn risk_sets_and_persistence() {
        check(&[false], &[true], Change::Entry);
        check(&[false], &[false], Change::StaysOut);
        check(&[true], &[false], Change::Exit);
        check(&[true], &[true], Change::StaysIn);
        check(&[false, true], &[true], Change::Mixed);
        check(&[false, false], &[true, false], Change::StaysOut);
        check(&[true, true], &[false, true], Change::StaysIn);
        assert_eq!((Change::Entry.entry(), Change::Entry.exit()), (Some(true), None));
        assert_eq!((Change::StaysIn.entry(), Change::StaysIn.exit()), (None, Some(false)));
        assert_eq!((Change::Mixed.entry(), Change::Mixed.exit()), (None, None));
    }

    #[test]
    fn jumps_start_low() {
        let of = |x: f64| {
            let values = vec![x, 100.0 - x, 100.0, 100.0];
            rca(&Exports::new(2, 2, values).expect("valid"), Reference::Own)
        };
        let (none, some, much) = (of(0.0), of(20.0), of(90.0));
        assert_eq!(jump(&none, &much, 0, 0, 0.05, 1.0), Some(true));
        assert_eq!(jump(&none, &some, 0, 0, 0.05, 1.0), Some(false));
        assert_eq!(jump(&some, &much, 0, 0, 0.05, 1.0), None);
    }
}
