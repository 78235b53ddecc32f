//! Random numbers that belong to a place in the work, so that threads do not matter.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// The numbers of piece `what` of the work that starts from `seed`.
pub(crate) fn random_of(seed: u64, what: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(seed ^ (what + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A random number below `n`.
pub(crate) fn below(random: &mut Pcg64Mcg, n: usize) -> usize {
    let n = n as u128;
    usize::try_from((u128::from(random.next_u64()) * n) >> 64).unwrap_or(0)
}
