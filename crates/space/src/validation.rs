//! Which links between products are more than chance.
//!
//! ```text
//! hypergeometric   p[a,b] = P(X >= C[a,b]),  X the overlap of k[a] and k[b] regions drawn from N
//! permutation      p[a,b] = (1 + the number of shuffled matrices with C at least as large) / (1 + shuffles)
//! ```
//!
//! The first takes ubiquities as given; the second, by curveball trades (Strona et al. 2014), diversities too.
//! Many links are tested at once: `q` is the p-value adjusted by Benjamini & Hochberg (1995), the expected share
//! of false links among those with a q no larger.
//!
//! # Conventions
//!
//! * `N` counts the regions that are specialised in anything.
//! * Pairs that no region has together are not tested and are no links.

use crate::Specialization;
use crate::random::{below, random_of};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

/// A tested pair of products.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestedLink {
    /// The product with the lower index.
    pub p: usize,
    /// The other.
    pub q: usize,
    /// Regions that have both.
    pub co_occurrence: usize,
    /// Probability of as many or more by chance.
    pub p_value: f64,
    /// Adjusted for the number of tests.
    pub q_value: f64,
}

/// How chance is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Null {
    /// Exact, ubiquities given.
    Hypergeometric,
    /// Shuffles that keep ubiquities and diversities.
    Permutation {
        /// How many.
        n_shuffles: usize,
        /// What the random numbers start from.
        seed: u64,
    },
}

/// Tests every pair of products that a region has together, in the order of the products.
pub fn validate(specialization: &Specialization, null: Null) -> Vec<TestedLink> {
    let mut links = match null {
        Null::Hypergeometric => hypergeometric(specialization),
        Null::Permutation { n_shuffles, seed } => permutation(specialization, n_shuffles, seed),
    };
    adjust(&mut links);
    links
}

/// Pairs with something in common and their counts.
fn pairs(m: &Specialization) -> Vec<(usize, usize, usize)> {
    let n = m.n_products();
    let rows: Vec<Vec<_>> = (0..n)
        .into_par_iter()
        .map(|p| {
            cancel::check();
            let found = (p + 1..n).map(|q| (p, q, m.co_occurrence(p, q)));
            found.filter(|(_, _, count)| *count > 0).collect()
        })
        .collect();
    rows.into_iter().flatten().collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of regions")]
fn hypergeometric(m: &Specialization) -> Vec<TestedLink> {
    let n_active = (0..m.n_regions()).filter(|&r| m.diversity(r) > 0).count();
    let mut log_factorial = vec![0.0; n_active + 1];
    for at in 1..=n_active {
        log_factorial[at] = log_factorial[at - 1] + (at as f64).ln();
    }
    let choose = |n: usize, k: usize| log_factorial[n] - log_factorial[k] - log_factorial[n - k];
    let ubiquity: Vec<usize> = (0..m.n_products()).map(|p| m.ubiquity(p)).collect();
    pairs(m)
        .into_par_iter()
        .map(|(p, q, count)| {
            let (a, b) = (ubiquity[p].min(ubiquity[q]), ubiquity[p].max(ubiquity[q]));
            let least = count.max((a + b).saturating_sub(n_active));
            let probability =
                |x: usize| (choose(b, x) + choose(n_active - b, a - x) - choose(n_active, a)).exp();
            // From the first term on, each is the one before times a ratio, unless the first is too small to say.
            let mut term = probability(least);
            let mut p_value = 0.0;
            for x in least..=a {
                p_value += term;
                if x < a && term < 1e-250 {
                    term = probability(x + 1);
                } else if x < a {
                    let up = (a - x) as f64 * (b - x) as f64;
                    term *= up / ((x + 1) as f64 * (n_active + x + 1 - a - b) as f64);
                }
            }
            TestedLink { p, q, co_occurrence: count, p_value: p_value.min(1.0), q_value: 1.0 }
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of shuffles")]
fn permutation(m: &Specialization, n_shuffles: usize, seed: u64) -> Vec<TestedLink> {
    let pairs = pairs(m);
    let n_extreme: Vec<u32> = (0..n_shuffles as u64)
        .into_par_iter()
        .fold(
            || vec![0u32; pairs.len()],
            |mut counts, shuffle| {
                // Each shuffle has numbers of its own, so that threads do not matter.
                let mut random = random_of(seed, shuffle);
                let shuffled = shuffled(m, &mut random);
                for (n, &(p, q, count)) in counts.iter_mut().zip(&pairs) {
                    *n += u32::from(shuffled.co_occurrence(p, q) >= count);
                }
                counts
            },
        )
        .reduce(
            || vec![0; pairs.len()],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        );
    pairs
        .into_iter()
        .zip(n_extreme)
        .map(|((p, q, co_occurrence), n)| {
            let p_value = (1.0 + f64::from(n)) / (1.0 + n_shuffles as f64);
            TestedLink { p, q, co_occurrence, p_value, q_value: 1.0 }
        })
        .collect()
}

/// Five trades a region: two regions put what only one of them has together and draw it anew.
fn shuffled(m: &Specialization, random: &mut Pcg64Mcg) -> Specialization {
    let mut rows: Vec<Vec<usize>> = (0..m.n_regions()).map(|r| m.products(r).to_vec()).collect();
    let n = rows.len();
    for _ in 0..if n > 1 { 5 * n } else { 0 } {
        let a = below(random, n);
        let b = (a + 1 + below(random, n - 1)) % n;
        let (mut both, mut either) = (Vec::new(), Vec::new());
        let (mut i, mut j) = (0, 0);
        let (x, y) = (&rows[a], &rows[b]);
        while i < x.len() || j < y.len() {
            match (x.get(i), y.get(j)) {
                (Some(p), Some(q)) if p == q => {
                    both.push(*p);
                    (i, j) = (i + 1, j + 1);
                }
                (Some(p), q) if q.is_none_or(|q| p < q) => {
                    either.push(*p);
                    i += 1;
                }
                (_, Some(q)) => {
                    either.push(*q);
                    j += 1;
                }
                (_, None) => break,
            }
        }
        let n_a = x.len() - both.len();
        for at in 0..n_a {
            let with = at + below(random, either.len() - at);
            either.swap(at, with);
        }
        let merged = |own: &[usize]| {
            let mut row = [&both[..], own].concat();
            row.sort_unstable();
            row
        };
        let (of_a, of_b) = (merged(&either[..n_a]), merged(&either[n_a..]));
        rows[a] = of_a;
        rows[b] = of_b;
    }
    Specialization::from_rows(m.n_products(), rows)
}

/// Benjamini & Hochberg's step-up.
#[expect(clippy::cast_precision_loss, reason = "counts of pairs")]
fn adjust(links: &mut [TestedLink]) {
    let mut order: Vec<usize> = (0..links.len()).collect();
    order.par_sort_by(|&a, &b| links[a].p_value.total_cmp(&links[b].p_value).then(a.cmp(&b)));
    let n = links.len() as f64;
    let mut least = 1.0f64;
    for (rank, &at) in order.iter().enumerate().rev() {
        // Dividing by the rank must not round a value below its own.
        let own = (links[at].p_value * n / (rank as f64 + 1.0)).max(links[at].p_value);
        least = least.min(own);
        links[at].q_value = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_pcg::rand_core::SeedableRng;

    #[test]
    fn hypergeometric_by_hand() {
        // Of 10 regions, 4 have P1 and 3 have P2, 2 of them both: P(X >= 2) = (6 * 6 + 4) / 120.
        let m = Specialization::from_fn(10, 3, |r, p| match p {
            0 => r < 4,
            1 => (2..5).contains(&r),
            _ => r > 3,
        });
        let found = validate(&m, Null::Hypergeometric);
        let of = |p: usize, q: usize| found.iter().find(|l| (l.p, l.q) == (p, q)).expect("tested");
        assert!((of(0, 1).p_value - 40.0 / 120.0).abs() < 1e-12);
        assert!(found.iter().all(|l| (l.p, l.q) != (0, 2)), "never together");
        // Products of many regions that avoid each other: as many by chance for sure.
        let m = Specialization::from_fn(10_000, 2, |r, p| match p {
            0 => r < 3000,
            _ => (2700..6700).contains(&r),
        });
        let everyone = m.filtered(|_, _| true);
        let m = Specialization::from_fn(10_000, 3, |r, p| p == 2 || everyone.get(r, p));
        let found = validate(&m, Null::Hypergeometric);
        assert!((found[0].p_value - 1.0).abs() < 1e-9, "{:?}", found[0]);
    }

    #[test]
    fn adjustment_by_hand() {
        let link =
            |p_value: f64| TestedLink { p: 0, q: 1, co_occurrence: 1, p_value, q_value: 1.0 };
        let mut links = [0.01, 0.04, 0.03, 0.5].map(link);
        adjust(&mut links);
        let found = links.map(|l| l.q_value);
        let expected = [0.04, 0.16 / 3.0, 0.16 / 3.0, 0.5];
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 1e-15, "{found:?}");
        }
    }

    #[test]
    fn planted_pair_is_found_and_chance_is_not() {
        // P0 and P1 go together; the rest is a fixed irregular pattern.
        let m = Specialization::from_fn(60, 12, |r, p| match p {
            0 | 1 => r % 4 == 0,
            _ => (r * r * 7 + p * p * 31 + r * p * 13) % 11 < 4,
        });
        let first = validate(&m, Null::Permutation { n_shuffles: 400, seed: 1 });
        assert!(first[0].p_value < 0.01 && (first[0].p, first[0].q) == (0, 1), "{:?}", first[0]);
        assert_eq!(first, validate(&m, Null::Permutation { n_shuffles: 400, seed: 1 }));
        let n_false = first.iter().skip(1).filter(|l| l.q_value < 0.05).count();
        assert!(n_false <= 6, "{n_false}");
    }

    proptest! {
        #[test]
        fn shuffles_keep_both_margins(cells in prop::collection::vec(any::<bool>(), 8 * 15), seed in any::<u64>()) {
            let m = Specialization::from_fn(8, 15, |r, p| cells[r * 15 + p]);
            let other = shuffled(&m, &mut Pcg64Mcg::seed_from_u64(seed));
            for r in 0..8 {
                prop_assert_eq!(m.diversity(r), other.diversity(r));
                prop_assert!(other.products(r).is_sorted());
            }
            for p in 0..15 {
                prop_assert_eq!(m.ubiquity(p), other.ubiquity(p));
            }
        }

        #[test]
        fn probabilities_are_some(cells in prop::collection::vec(any::<bool>(), 12 * 6)) {
            let m = Specialization::from_fn(12, 6, |r, p| cells[r * 6 + p]);
            for link in validate(&m, Null::Hypergeometric) {
                prop_assert!(link.p_value > 0.0 && link.p_value <= 1.0);
                prop_assert!(link.q_value >= link.p_value && link.q_value <= 1.0);
            }
        }
    }
}
