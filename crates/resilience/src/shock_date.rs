//! When a series broke: a screening for the date of a shock.
//!
//! ```text
//! none   y[t] = a + b t + e[t]
//! at k   y[t] = a1 + b1 t for t < k,  a2 + b2 t from k on
//! F[k]   = ((S - S[k]) / 2) / (S[k] / (n - 4)),   S the sums of squared residuals
//! sup F  = max of F[k] over k with a share of the series on each side            Andrews (1993)
//! ```
//!
//! The p-value is by bootstrap: residuals of the line without a break are drawn with replacement,
//! so often is their sup F as large. It does not rest on the tables of Andrews, which are for long
//! series.
//!
//! # Conventions
//!
//! * Each side has 0.15 of the series and at least three places, so that a line does not fit it
//!   exactly by itself.
//! * sup F is the same for any line added to the series, and for any scale.
//! * Residuals are drawn one by one, as if they were independent: of sums over trailing periods,
//!   which are not, p is too small. It is a screening, and names no cause.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// The share of the series on each side of a break at the least.
const TRIMMING: f64 = 0.15;

/// Places on each side at the least.
const FEWEST_ON_A_SIDE: usize = 3;

/// A sum of squares this small beside the other is what rounding leaves of nothing.
const EXACT: f64 = 1e-9;

/// Keeps the random numbers apart from those of intervals, which start from the same seed.
const PIECE: u64 = 0x5e1f_da7e_0b5e_55ed;

/// How the p-value is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakBootstrap {
    /// Replicates; 0: no p-value.
    pub n: usize,
    /// What the random numbers start from.
    pub seed: u64,
}

/// Where a series breaks most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShockDate {
    /// The first place of what is new.
    pub at: usize,
    /// The first and the last place that it could be.
    pub candidates: (usize, usize),
    /// The largest F.
    pub sup_f: f64,
    /// Probability of one as large without a break; `None` without replicates.
    pub p_value: Option<f64>,
}

/// Why there is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoShockDate {
    /// Fewer places than two lines need.
    TooFewPeriods,
    /// A line, or two of them, leave nothing unexplained to measure a break by.
    ExactFit,
}

impl NoShockDate {
    /// Its name in the tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooFewPeriods => "too_few_periods",
            Self::ExactFit => "exact_fit",
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few periods or replicates")]
fn float(count: usize) -> f64 {
    count as f64
}

/// What is left of a series by the line that fits it best.
fn detrended(series: &[f64]) -> Vec<f64> {
    let n = float(series.len());
    let mean = series.iter().sum::<f64>() / n;
    let middle = (n - 1.0) / 2.0;
    let (mut with_time, mut of_time) = (0.0, 0.0);
    for (t, y) in series.iter().enumerate() {
        let t = float(t) - middle;
        with_time += t * (y - mean);
        of_time += t * t;
    }
    let slope = with_time / of_time;
    let left = series.iter().enumerate();
    left.map(|(t, y)| y - mean - slope * (float(t) - middle)).collect()
}

/// Sums before each place, of which differences are sums of a stretch.
#[derive(Default)]
struct Before {
    sums: Vec<[f64; 5]>,
}

impl Before {
    /// Reads a series, in the place of the one before.
    fn read(&mut self, series: &[f64]) {
        let mut sum = [0.0; 5];
        self.sums.clear();
        self.sums.push(sum);
        for (t, &y) in series.iter().enumerate() {
            let t = float(t);
            let more = [t, t * t, y, t * y, y * y];
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            self.sums.push(sum);
        }
    }

    /// The sum of squares that a line leaves of the places from `first` to before `end`.
    fn left(&self, first: usize, end: usize) -> f64 {
        let (from, to) = (self.sums[first], self.sums[end]);
        let [t, tt, y, ty, yy] = std::array::from_fn(|at| to[at] - from[at]);
        let n = float(end - first);
        let (of_time, with_time, own) = (tt - t * t / n, ty - t * y / n, yy - y * y / n);
        (own - with_time * with_time / of_time).max(0.0)
    }
}

/// The place of the largest F and that, infinite where two lines fit exactly; places on each side
/// are `side` at least.
fn sup_f(before: &Before, n: usize, side: usize) -> (usize, f64) {
    let none = before.left(0, n);
    let f = |at: usize| {
        let two = before.left(0, at) + before.left(at, n);
        if two <= EXACT * none {
            return if none > 0.0 { f64::INFINITY } else { 0.0 };
        }
        ((none - two).max(0.0) / 2.0) / (two / float(n - 4))
    };
    let mut best = (side, f(side));
    for at in side + 1..=n - side {
        let found = f(at);
        if found > best.1 {
            best = (at, found);
        }
    }
    best
}

/// Looks for the break of `series`, such as logarithms of levels; piece `what` of the work names
/// its random numbers.
///
/// # Errors
///
/// [`NoShockDate`] says why there is none.
pub fn shock_date(
    series: &[f64],
    bootstrap: BreakBootstrap,
    what: u64,
) -> Result<ShockDate, NoShockDate> {
    let n = series.len();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few periods")]
    let trimmed = (TRIMMING * float(n)).ceil() as usize;
    let side = trimmed.max(FEWEST_ON_A_SIDE);
    if n < 2 * side {
        return Err(NoShockDate::TooFewPeriods);
    }
    let left = detrended(series);
    let square = |of: &[f64]| of.iter().map(|y| y * y).sum::<f64>();
    if square(&left) <= EXACT * EXACT * square(series) {
        return Err(NoShockDate::ExactFit);
    }
    let mut before = Before::default();
    before.read(&left);
    let (at, found) = sup_f(&before, n, side);
    if !found.is_finite() {
        return Err(NoShockDate::ExactFit);
    }
    let candidates = (side, n - side);
    if bootstrap.n == 0 {
        return Ok(ShockDate { at, candidates, sup_f: found, p_value: None });
    }
    let seed = bootstrap.seed ^ PIECE ^ (what + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut drawn = vec![0.0; n];
    let mut as_large = 0;
    for _ in 0..bootstrap.n {
        cancel::check();
        for y in &mut drawn {
            let place = ((random.next_u64() >> 32) * n as u64) >> 32;
            *y = left[usize::try_from(place).unwrap_or(0)];
        }
        before.read(&detrended(&drawn));
        as_large += usize::from(sup_f(&before, n, side).1 >= found);
    }
    let p_value = float(1 + as_large) / float(1 + bootstrap.n);
    Ok(ShockDate { at, candidates, sup_f: found, p_value: Some(p_value) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOOTSTRAP: BreakBootstrap = BreakBootstrap { n: 199, seed: 1 };

    /// Logarithms of levels that grow, fall at the sixth, and grow again.
    const FALLEN: [f64; 10] = [4.60, 4.71, 4.79, 4.92, 5.00, 4.72, 4.80, 4.93, 5.01, 5.09];

    fn date(series: &[f64]) -> ShockDate {
        shock_date(series, BOOTSTRAP, 0).expect("a date")
    }

    /// Standard normal numbers, of sums of twelve uniform ones.
    fn noise(random: &mut Pcg64Mcg, n: usize) -> Vec<f64> {
        let mut unit = || f64::from(random.next_u32()) / f64::from(u32::MAX);
        (0..n).map(|_| (0..12).map(|_| unit()).sum::<f64>() - 6.0).collect()
    }

    #[test]
    fn worked_examples() {
        // By least squares on each side of every split, in another language.
        let found = date(&FALLEN);
        assert_eq!((found.at, found.candidates), (5, (3, 7)));
        assert!((found.sup_f - 213.207_792_207_793_86).abs() < 1e-7, "{}", found.sup_f);
        assert!(found.p_value.expect("replicates") < 0.05);
        let none = date(&[1.0, 1.3, 1.2, 1.6, 1.4, 1.9, 1.7]);
        assert_eq!(none.at, 4);
        assert!((none.sup_f - 0.180_194_805_194_805_2).abs() < 1e-10, "{}", none.sup_f);
        assert!(none.p_value.expect("replicates") > 0.5);
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        let why = |series: &[f64]| shock_date(series, BOOTSTRAP, 0).expect_err("no date");
        assert_eq!(why(&FALLEN[..5]), NoShockDate::TooFewPeriods);
        assert_eq!(why(&[]), NoShockDate::TooFewPeriods);
        assert_eq!(why(&[7.5; 9]), NoShockDate::ExactFit);
        let line: Vec<f64> = (0..9).map(|t| 18.0 + 0.1 * f64::from(t)).collect();
        assert_eq!(why(&line), NoShockDate::ExactFit);
        let two: Vec<f64> = (0..9).map(|t| f64::from(if t < 4 { t } else { t - 3 })).collect();
        assert_eq!(why(&two), NoShockDate::ExactFit, "nothing is left to measure it by");
        let without = BreakBootstrap { n: 0, seed: 1 };
        assert_eq!(shock_date(&FALLEN, without, 0).expect("a date").p_value, None);
    }

    #[test]
    fn a_piece_of_the_work_has_its_own_numbers() {
        let series = [1.0, 1.3, 1.2, 1.6, 1.4, 1.9, 1.7, 1.6, 2.0];
        let p = |what| shock_date(&series, BOOTSTRAP, what).expect("a date").p_value;
        assert_eq!(p(3), p(3));
        assert!((0..20).any(|what| p(what) != p(0)));
    }

    #[test]
    fn one_in_twenty_series_without_a_break_seems_to_have_one() {
        let mut random = Pcg64Mcg::seed_from_u64(11);
        let n_series = 600;
        let is_found = |what: &u64| {
            let series = noise(&mut random, 17);
            let found = shock_date(&series, BOOTSTRAP, *what).expect("a date");
            found.p_value.is_some_and(|p| p <= 0.05)
        };
        let n = (0..n_series).filter(is_found).count();
        // A standard error of 0.9 of a hundred.
        assert!((12..=54).contains(&n), "{n} of {n_series}");
    }

    proptest! {
        #[test]
        fn a_line_and_a_scale_change_nothing(
            series in prop::collection::vec(-5.0f64..5.0, 8..30),
            start in -10.0f64..10.0,
            slope in -1.0f64..1.0,
            scale in 0.1f64..10.0,
        ) {
            let without = BreakBootstrap { n: 0, seed: 1 };
            let moved: Vec<f64> = series
                .iter()
                .enumerate()
                .map(|(t, y)| start + slope * float(t) + scale * y)
                .collect();
            let found = [&series, &moved].map(|of| shock_date(of, without, 0));
            if let [Ok(a), Ok(b)] = found {
                prop_assert!((a.sup_f - b.sup_f).abs() < 1e-6 * (1.0 + a.sup_f));
            }
        }
    }
}
