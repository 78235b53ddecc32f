//! Random numbers that depend on the seed and on what they are for.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

pub(super) struct Random(Pcg64Mcg);

impl Random {
    pub(super) fn of(seed: u64, what: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// In [0, 1).
    #[inline]
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    #[inline]
    pub(super) fn below(&mut self, n: usize) -> usize {
        let n = n as u128;
        usize::try_from((u128::from(self.0.next_u64()) * n) >> 64).unwrap_or(0)
    }

    /// Normal, by Box and Muller (1958).
    #[inline]
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "in range by its caller"
)]
#[inline]
pub(super) fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}
