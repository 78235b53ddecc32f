//! What a series would have been, had it gone on as in its own past: models of the levels up to and
//! with the last period of the base, with prediction intervals.
//!
//! With `y[t]` the levels, `t` periods from the last one (0), `h` periods ahead, `n` observations
//! and `k` coefficients:
//!
//! ```text
//! mean        y[t] = a + e[t]                          k = 1
//! linear      y[t] = a + b t + e[t]                    k = 2
//! log_linear  ln y[t] = a + b t + e[t]                 k = 2
//! ar1         y[t] = c + f y[t-1] + e[t]               k = 2, n one less than the levels
//!
//! s^2 = sum of e^2 / (n - k)
//! q   the quantile (1 + level)/2 of Student's t with n - k degrees of freedom
//! mean   a -+ q s sqrt(1 + 1/n)
//! lines  yhat(h) -+ q s sqrt(1 + 1/n + (h - mean t)^2 / sum of (t - mean t)^2)
//! ar1    yhat(h) = c + f yhat(h-1), yhat(0) = y[0];  yhat(h) -+ q s sqrt(sum over j < h of f^(2j))
//! ```
//!
//! The intervals of mean and lines are those of the linear model (Greene 2018); that of the
//! autoregression is that of its forecast errors (Hamilton 1994), as if its coefficients were known.
//!
//! # Conventions
//!
//! * All are fitted by least squares, the autoregression given its first level. Its root is used as
//!   it is estimated, also near one and beyond.
//! * `exp` of a line of logs is the median of the level, not its mean; its interval is `exp` of
//!   both ends.
//! * Mean and lines take the periods that are reported. An autoregression takes those that follow
//!   on each other up to the last.
//! * What is left out: errors that hang together in mean and lines, as where each level is a sum of
//!   trailing periods; that the coefficients of the autoregression are estimated. Either makes an
//!   interval too narrow.
//! * A line may fall below zero: what is no level of exports is for the caller to say.
//!
//! # How sure the path is
//!
//! Prediction intervals hold the level that there would have been; [`OwnPast::replicates`] say how
//! sure the path is that is expected, by bootstrap of the residuals. The percentiles of few
//! replicated fits are too near each other: what a normal law takes for quantiles of Student's t is
//! left out at each end instead (the expanded percentile interval of Hesterberg 2015), see
//! [`OwnPast::tail`]. With few degrees of freedom even that is too narrow: of 2 the quantile of
//! Student's t has 8e-6 of a normal law beyond it, which no usual number of replicates reaches, and
//! so few residuals have no tails. There is no such interval then. Of an autoregression it stays too
//! narrow where levels are few, as its root is estimated too low.

use crate::bootstrap::{Bootstrap, Interval, below};
use crate::response::NullReason;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::SeedableRng;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Keeps the random numbers apart from those of products, which start from the same seed.
const PIECE: u64 = 0x0d1d_a5be_f02e_ca5e;

/// A model of a unit's own past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnModel {
    /// The mean of the levels.
    Mean,
    /// A line through the levels.
    Linear,
    /// A line through the logs of the levels.
    LogLinear,
    /// A first-order autoregression of the levels, with a constant.
    Ar1,
}

impl OwnModel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mean, Self::Linear, Self::LogLinear, Self::Ar1];

    /// Levels that it needs at the least: two degrees of freedom are left.
    pub fn fewest(self) -> usize {
        match self {
            Self::Mean => 3,
            Self::Linear | Self::LogLinear => 4,
            Self::Ar1 => 5,
        }
    }

    /// Degrees of freedom that the interval of the expected path by residuals needs at the least.
    fn fewest_degrees(self) -> usize {
        if self == Self::Mean { 3 } else { 4 }
    }

    fn n_coefficients(self) -> usize {
        if self == Self::Mean { 1 } else { 2 }
    }

    /// Regressor and outcome of each observation of `past`, in its order.
    fn points(self, past: &[Option<f64>]) -> Result<Vec<(f64, f64)>, NullReason> {
        let enough = |found: usize| match (found >= self.fewest(), past.len() >= self.fewest()) {
            (true, _) => Ok(()),
            (false, true) => Err(NullReason::YearMissing),
            (false, false) => Err(NullReason::TooFewPeriods),
        };
        if self == Self::Ar1 {
            let mut run: Vec<f64> = past.iter().rev().map_while(|level| *level).collect();
            enough(run.len())?;
            run.reverse();
            return Ok(run.windows(2).map(|pair| (pair[0], pair[1])).collect());
        }
        let timed = past.iter().rev().enumerate().rev();
        let reported: Vec<(f64, f64)> =
            timed.filter_map(|(before, level)| Some((-float(before), (*level)?))).collect();
        enough(reported.len())?;
        if self != Self::LogLinear {
            return Ok(reported);
        }
        let log = |(time, level): (f64, f64)| (level > 0.0).then(|| (time, level.ln()));
        let logs: Option<Vec<_>> = reported.into_iter().map(log).collect();
        logs.ok_or(NullReason::ZeroLevel)
    }

    /// The line through `points`.
    fn line(self, points: &[(f64, f64)]) -> Result<Line, NullReason> {
        let n = float(points.len());
        let mean_x = points.iter().map(|point| point.0).sum::<f64>() / n;
        let mean_y = points.iter().map(|point| point.1).sum::<f64>() / n;
        if self == Self::Mean {
            return Ok(Line { mean_x, mean_y, slope: 0.0, spread_x: f64::INFINITY });
        }
        let (mut spread_x, mut common, mut largest) = (0.0_f64, 0.0, 0.0_f64);
        for &(x, y) in points {
            spread_x += (x - mean_x) * (x - mean_x);
            common += (x - mean_x) * (y - mean_y);
            largest = largest.max(x.abs());
        }
        // Levels that are all one tell no root: what differs is rounding.
        if spread_x <= n * (1e-12 * largest) * (1e-12 * largest) {
            return Err(NullReason::NoVariation);
        }
        Ok(Line { mean_x, mean_y, slope: common / spread_x, spread_x })
    }
}

fn float(n: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few periods")]
    let float = n as f64;
    float
}

/// A line by least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    mean_x: f64,
    mean_y: f64,
    slope: f64,
    /// Sum of squared deviations of the regressor.
    spread_x: f64,
}

impl Line {
    fn at(&self, x: f64) -> f64 {
        self.mean_y + self.slope * (x - self.mean_x)
    }
}

/// A model that was fitted to a unit's own past.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnPast {
    model: OwnModel,
    points: Vec<(f64, f64)>,
    line: Line,
    /// The last outcome, which an autoregression goes on from.
    last: f64,
    residuals: Vec<f64>,
    freedom: usize,
    sd: f64,
}

impl OwnPast {
    /// Fits `model` to `past`, the levels period by period up to and with the last one of the base;
    /// `None` was not reported.
    ///
    /// # Errors
    ///
    /// Why there is no model: [`NullReason::TooFewPeriods`] if `past` is shorter than
    /// [`OwnModel::fewest`], [`NullReason::YearMissing`] if too few of its periods are reported,
    /// [`NullReason::ZeroLevel`] for the log of zero, [`NullReason::NoVariation`] for an
    /// autoregression of levels that are all one.
    pub fn fit(model: OwnModel, past: &[Option<f64>]) -> Result<Self, NullReason> {
        let points = model.points(past)?;
        let line = model.line(&points)?;
        let residuals: Vec<f64> = points.iter().map(|&(x, y)| y - line.at(x)).collect();
        let freedom = points.len().saturating_sub(model.n_coefficients()).max(1);
        let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
        let last = points.last().map_or(0.0, |point| point.1);
        let sd = (squares / float(freedom)).sqrt();
        Ok(Self { model, points, line, last, residuals, freedom, sd })
    }

    /// Standard deviation of the residuals, `s`: in units of the series, of a line of logs in log
    /// points.
    pub fn residual_sd(&self) -> f64 {
        self.sd
    }

    /// Observations less coefficients.
    pub fn degrees_of_freedom(&self) -> usize {
        self.freedom
    }

    fn forecast(&self, line: &Line, ahead: usize) -> f64 {
        match self.model {
            OwnModel::Ar1 => (0..ahead).fold(self.last, |level, _| line.at(level)),
            _ => line.at(float(ahead)),
        }
    }

    /// What is forecast, as a level; `None` beyond what a number holds.
    fn level(&self, forecast: f64) -> Option<f64> {
        let level = if self.model == OwnModel::LogLinear { forecast.exp() } else { forecast };
        Some(level).filter(|level| level.is_finite())
    }

    /// The level expected `ahead` periods after the last one, in units of the series: of a line of
    /// logs the median. `None` if an explosive root carries it beyond what a number holds.
    pub fn expected(&self, ahead: usize) -> Option<f64> {
        self.level(self.forecast(&self.line, ahead))
    }

    /// The interval that the level `ahead` periods after the last one is in with the probability
    /// `level`, such as 0.95.
    pub fn interval(&self, ahead: usize, level: f64) -> Option<Interval> {
        let law = StudentsT::new(0.0, 1.0, float(self.freedom)).ok()?;
        let quantile = law.inverse_cdf(f64::midpoint(1.0, level.clamp(0.0, 1.0)));
        let line = &self.line;
        let variance = match self.model {
            OwnModel::Ar1 => {
                let square = line.slope * line.slope;
                (0..ahead).fold(0.0, |sum, _| 1.0 + square * sum)
            }
            _ => {
                let distance = float(ahead) - line.mean_x;
                1.0 + 1.0 / float(self.points.len()) + distance * distance / line.spread_x
            }
        };
        let half = quantile * self.sd * variance.sqrt();
        let middle = self.forecast(line, ahead);
        Some(Interval { low: self.level(middle - half)?, high: self.level(middle + half)? })
    }

    /// The share of the replicates that an interval of `level`, such as 0.95, leaves out at each end:
    /// what the standard normal law has beyond the quantile of Student's t.
    ///
    /// `None` with fewer than 3 degrees of freedom of a mean and 4 of others: replicates of so few
    /// residuals say too little of how sure the path is.
    pub fn tail(&self, level: f64) -> Option<f64> {
        if self.freedom < self.model.fewest_degrees() {
            return None;
        }
        let plain = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
        let laws =
            StudentsT::new(0.0, 1.0, float(self.freedom)).ok().zip(Normal::new(0.0, 1.0).ok());
        let tail =
            |(of_few, of_many): (StudentsT, Normal)| of_many.cdf(-of_few.inverse_cdf(1.0 - plain));
        Some(laws.map_or(plain, tail))
    }

    /// Calls `each` with the expected levels of the periods 1 to `n_ahead` of every replicate of a
    /// residual bootstrap, for piece `what` of the work, which names its random numbers: others than
    /// those of [`Bootstrap::replicates`], so that both may be taken together.
    ///
    /// Residuals are drawn with replacement in moving blocks of `block_length` (at most all; 1:
    /// each by itself), less the mean that each place of a block has over all blocks (Kunsch 1989;
    /// Bruggemann, Jentsch & Trenkler 2016), times `sqrt(n / (n - k))`, since residuals are smaller
    /// than errors. They are put on the fitted values, those of an autoregression one after the
    /// other from its first level, and the model is fitted again. An autoregression goes on from
    /// the last level found. Only the expected path varies: what was found after the base is the
    /// caller's, and stays. An expected level is `None` if a replicate has none.
    pub fn replicates(
        &self,
        block_length: usize,
        bootstrap: Bootstrap,
        what: u64,
        n_ahead: usize,
        mut each: impl FnMut(&[Option<f64>]),
    ) {
        let n = self.residuals.len();
        let length = block_length.clamp(1, n.max(1));
        let n_blocks = (n + 1).saturating_sub(length);
        if n_blocks == 0 {
            return;
        }
        let scale = (float(n) / float(self.freedom)).sqrt();
        let means: Vec<f64> = self
            .residuals
            .windows(n_blocks)
            .map(|of_place| of_place.iter().sum::<f64>() / float(n_blocks))
            .collect();
        let seed = bootstrap.seed ^ PIECE ^ (what + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut errors = Vec::with_capacity(n + length);
        let mut points = Vec::with_capacity(n);
        let mut path = Vec::with_capacity(n_ahead);
        for _ in 0..bootstrap.n {
            cancel::check();
            errors.clear();
            while errors.len() < n {
                let first = below(&mut random, n_blocks);
                let block = self.residuals[first..first + length].iter().zip(&means);
                errors.extend(block.map(|(residual, mean)| scale * (residual - mean)));
            }
            self.put_on(&errors, &mut points);
            let line = self.model.line(&points).ok();
            path.clear();
            path.extend((1..=n_ahead).map(|ahead| self.level(self.forecast(&line?, ahead))));
            each(&path);
        }
    }

    /// The observations with other errors, into `points`.
    fn put_on(&self, errors: &[f64], points: &mut Vec<(f64, f64)>) {
        points.clear();
        let mut level = self.points.first().map_or(0.0, |point| point.0);
        for (&(x, _), error) in self.points.iter().zip(errors) {
            let x = if self.model == OwnModel::Ar1 { level } else { x };
            level = self.line.at(x) + error;
            points.push((x, level));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEVELS: [f64; 8] = [100.0, 108.0, 103.0, 115.0, 121.0, 118.0, 130.0, 127.0];

    fn reported(levels: &[f64]) -> Vec<Option<f64>> {
        levels.iter().map(|&level| Some(level)).collect()
    }

    fn fit(model: OwnModel, levels: &[f64]) -> OwnPast {
        OwnPast::fit(model, &reported(levels)).expect("enough levels")
    }

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-10 * expected.abs().max(1.0)
    }

    /// Level and ends of the interval of 95 %, `ahead` periods on.
    fn check(past: &OwnPast, ahead: usize, expected: [f64; 3]) {
        let level = past.expected(ahead).expect("finite");
        let interval = past.interval(ahead, 0.95).expect("finite");
        for (found, expected) in [level, interval.low, interval.high].into_iter().zip(expected) {
            assert!(near(found, expected), "{found} is not {expected}, {ahead} ahead of {past:?}");
        }
    }

    /// statsmodels 0.15: `OLS(y, X).fit().get_prediction(...).summary_frame(0.05)`, columns `mean`,
    /// `obs_ci_*`.
    #[test]
    fn mean_and_lines_are_those_of_statsmodels() {
        let mean = fit(OwnModel::Mean, &LEVELS);
        for ahead in [1, 3] {
            check(&mean, ahead, [115.25, 87.914_910_046_592_14, 142.585_089_953_407_87]);
        }
        assert!(near(mean.residual_sd(), 10.898_885_919_474_26));
        let line = fit(OwnModel::Linear, &LEVELS);
        check(&line, 1, [134.0, 121.189_133_639_223_95, 146.810_866_360_776_12]);
        check(&line, 3, [142.333_333_333_333_33, 127.581_767_152_190_57, 157.084_899_514_476_18]);
        assert!(near(line.residual_sd(), 4.129_837_231_121_287));
        let logs = fit(OwnModel::LogLinear, &LEVELS);
        check(&logs, 1, [135.234_781_612_734_48, 120.722_547_491_292_9, 151.491_552_637_779_14]);
        check(&logs, 3, [145.451_454_504_492_23, 127.629_088_453_381_48, 165.762_569_284_509]);
        assert!(near(logs.residual_sd(), 0.036_594_612_601_779_125));
    }

    /// The same with the third and the seventh level not reported.
    #[test]
    fn a_line_takes_what_is_reported() {
        let mut levels = reported(&LEVELS);
        (levels[2], levels[6]) = (None, None);
        let line = OwnPast::fit(OwnModel::Linear, &levels).expect("six levels");
        assert_eq!(line.degrees_of_freedom(), 4);
        check(&line, 1, [131.54, 120.362_575_447_091_53, 142.717_424_552_908_5]);
        check(&line, 3, [138.7, 125.599_856_365_817_54, 151.800_143_634_182_43]);
    }

    /// statsmodels 0.15: `AutoReg(y, 1, trend="c").fit().forecast(4)`; the interval by scipy's t, 5
    /// degrees.
    #[test]
    fn an_autoregression_is_that_of_statsmodels() {
        let past = fit(OwnModel::Ar1, &LEVELS);
        assert!(near(past.line.slope, 0.677_268_871_925_360_1));
        assert!(near(past.residual_sd(), 7.165_000_693_989_399));
        check(&past, 1, [126.523_324_851_569_06, 108.105_104_215_278_32, 144.941_545_487_859_8]);
        check(&past, 3, [125.981_839_998_130_41, 102.186_721_329_357_44, 149.776_958_666_903_4]);
        assert_eq!(past.expected(0), Some(127.0), "it goes on from the last level");
    }

    #[test]
    fn what_cannot_be_fitted_has_its_reason() {
        let why = |model, levels: &[Option<f64>]| OwnPast::fit(model, levels).err();
        for model in OwnModel::ALL {
            let levels = reported(&LEVELS[..model.fewest()]);
            assert_eq!(why(model, &levels), None, "{model:?}");
            assert_eq!(why(model, &levels[1..]), Some(NullReason::TooFewPeriods), "{model:?}");
            let mut gap = levels.clone();
            gap[1] = None;
            assert_eq!(why(model, &gap), Some(NullReason::YearMissing), "{model:?}");
        }
        // An autoregression begins after the last gap.
        let mut gap = reported(&LEVELS);
        gap[2] = None;
        let after = OwnPast::fit(OwnModel::Ar1, &gap).expect("five levels");
        let alone = fit(OwnModel::Ar1, &LEVELS[3..]);
        assert_eq!(after, alone);
        let zero = reported(&[1.0, 2.0, 0.0, 3.0]);
        assert_eq!(why(OwnModel::LogLinear, &zero), Some(NullReason::ZeroLevel));
        assert_eq!(why(OwnModel::Linear, &zero), None);
        let constant = reported(&[0.1 + 0.2; 6]);
        assert_eq!(why(OwnModel::Ar1, &constant), Some(NullReason::NoVariation));
        let mean = OwnPast::fit(OwnModel::Linear, &constant).expect("a line").expected(3);
        assert!(near(mean.expect("finite"), 0.3));
        // An explosive root goes on until no number holds it.
        let explosive = fit(OwnModel::Ar1, &[1.0, 10.0, 100.0, 1000.0, 10_000.0]);
        assert!(near(explosive.expected(2).expect("finite"), 1e6));
        assert_eq!((explosive.expected(400), explosive.interval(400, 0.95)), (None, None));
    }

    /// Standard normal numbers (Box & Muller 1958).
    fn normal(random: &mut Pcg64Mcg) -> f64 {
        let unit = |n: usize| (float(n) + 0.5) / 1e9;
        let (a, b) = (unit(below(random, 1_000_000_000)), unit(below(random, 1_000_000_000)));
        (-2.0 * a.ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos()
    }

    /// The share of made-up series whose next level but one is in the interval of 95 %.
    fn coverage(model: OwnModel, n: usize, series: impl Fn(&[f64]) -> Vec<f64>) -> f64 {
        let n_series = 4000;
        let mut random = Bootstrap { n: 0, level: 0.95, seed: 5 }.random(0);
        let inside = (0..n_series).filter(|_| {
            let errors: Vec<f64> = (0..n + 2).map(|_| normal(&mut random)).collect();
            let levels = series(&errors);
            let interval = fit(model, &levels[..n]).interval(2, 0.95).expect("finite");
            interval.low <= levels[n + 1] && levels[n + 1] <= interval.high
        });
        float(inside.count()) / float(n_series)
    }

    #[test]
    fn intervals_hold_what_they_say_they_do() {
        let line = |errors: &[f64]| -> Vec<f64> {
            errors.iter().enumerate().map(|(t, e)| 100.0 + 3.0 * float(t) + 5.0 * e).collect()
        };
        let flat = |errors: &[f64]| errors.iter().map(|e| 100.0 + 5.0 * e).collect::<Vec<f64>>();
        let logs = |errors: &[f64]| -> Vec<f64> {
            let log = |(t, e): (usize, &f64)| (3.0 + 0.1 * float(t) + 0.2 * e).exp();
            errors.iter().enumerate().map(log).collect()
        };
        let ar1 = |errors: &[f64]| -> Vec<f64> {
            let mut level = 100.0;
            let next = errors.iter().map(|e| {
                level = 50.0 + 0.5 * level + 5.0 * e;
                level
            });
            next.collect()
        };
        let found = [
            coverage(OwnModel::Mean, 5, flat),
            coverage(OwnModel::Linear, 8, line),
            coverage(OwnModel::LogLinear, 8, logs),
            coverage(OwnModel::Ar1, 100, ar1),
        ];
        for share in found {
            assert!((0.93..=0.97).contains(&share), "{found:?}");
        }
    }

    #[test]
    fn tails_are_those_of_students_t() {
        // scipy 1.17: norm.cdf(-t.ppf(0.975, df)), of 6 degrees of freedom and of 98.
        let line = fit(OwnModel::Linear, &LEVELS);
        let few = line.tail(0.95).expect("six degrees");
        assert!(near(few, 0.007_204_303_674_330_894), "{few}");
        let many: Vec<f64> = (0..100).map(|t| float(t) + float(t % 7)).collect();
        let many = fit(OwnModel::Linear, &many).tail(0.95).expect("many degrees");
        assert!(near(many, 0.023_601_876_372_812_896), "{many}");
    }

    #[test]
    fn too_few_levels_have_no_interval_of_the_path() {
        for (model, fewest) in [
            (OwnModel::Mean, 4),
            (OwnModel::Linear, 6),
            (OwnModel::LogLinear, 6),
            (OwnModel::Ar1, 7),
        ] {
            assert!(fit(model, &LEVELS[..fewest]).tail(0.95).is_some(), "{model:?}");
            let fewer = fit(model, &LEVELS[..fewest - 1]);
            assert_eq!(fewer.tail(0.95), None, "{model:?}");
            assert!(fewer.interval(1, 0.95).is_some(), "Student's t holds that of the level");
        }
    }

    /// The share of made-up series whose true level of the period after next is in the interval of
    /// 95 % that residuals give of the expected one.
    fn coverage_by_residuals(
        model: OwnModel,
        (n, n_series): (usize, u64),
        series: impl Fn(&[f64]) -> Vec<f64>,
        truth: impl Fn(&[f64]) -> f64,
    ) -> f64 {
        let bootstrap = Bootstrap { n: 399, level: 0.95, seed: 8 };
        let mut random = bootstrap.random(0);
        let mut n_inside = 0;
        for what in 0..n_series {
            let errors: Vec<f64> = (0..n).map(|_| normal(&mut random)).collect();
            let levels = series(&errors);
            let past = fit(model, &levels);
            let mut found = Vec::with_capacity(bootstrap.n);
            past.replicates(1, bootstrap, what, 2, |path| found.extend(path[1]));
            let tail = past.tail(0.95).expect("enough levels");
            let interval = bootstrap.interval_between(found, tail).expect("finite");
            let truth = truth(&levels);
            n_inside += usize::from(interval.low <= truth && truth <= interval.high);
        }
        float(n_inside) / float(usize::try_from(n_series).expect("a count"))
    }

    #[test]
    fn intervals_by_residuals_hold_what_they_say_they_do() {
        let line = |errors: &[f64]| -> Vec<f64> {
            errors.iter().enumerate().map(|(t, e)| 100.0 + 3.0 * float(t) + 5.0 * e).collect()
        };
        let logs = |errors: &[f64]| -> Vec<f64> {
            let log = |(t, e): (usize, &f64)| (3.0 + 0.1 * float(t) + 0.2 * e).exp();
            errors.iter().enumerate().map(log).collect()
        };
        let next = |level: f64| 50.0 + 0.5 * level;
        let ar1 = |errors: &[f64]| -> Vec<f64> {
            let mut level = 100.0;
            let mut step = |e: &f64| {
                level = next(level) + 5.0 * e;
                level
            };
            errors.iter().map(&mut step).collect()
        };
        let last = |levels: &[f64]| levels.last().copied().expect("levels");
        let ahead = |levels: &[f64]| float(levels.len() + 1);
        let found = [
            coverage_by_residuals(OwnModel::Linear, (12, 3000), line, |of| 100.0 + 3.0 * ahead(of)),
            coverage_by_residuals(OwnModel::LogLinear, (16, 3000), logs, |of| {
                (3.0 + 0.1 * ahead(of)).exp()
            }),
            coverage_by_residuals(OwnModel::Ar1, (150, 1500), ar1, |of| next(next(last(of)))),
        ];
        for share in found {
            assert!((0.93..=0.97).contains(&share), "{found:?}");
        }
    }

    #[test]
    fn replicates_vary_as_the_fitted_line_does() {
        let bootstrap = Bootstrap { n: 4000, level: 0.95, seed: 3 };
        let past = fit(OwnModel::Linear, &LEVELS);
        let mut found = Vec::new();
        past.replicates(1, bootstrap, 0, 2, |path| found.push(path[1].expect("finite")));
        assert_eq!(found.len(), 4000);
        let mean = found.iter().sum::<f64>() / 4000.0;
        let variance = found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3999.0;
        // s sqrt(1/8 + (2 + 3.5)^2 / 42): the line's own error, without that of the level.
        let sd = 4.129_837_231_121_287 * (1.0_f64 / 8.0 + 5.5 * 5.5 / 42.0).sqrt();
        assert!((variance.sqrt() / sd - 1.0).abs() < 0.05, "{} is not {sd}", variance.sqrt());
        let expected = past.expected(2).expect("finite");
        assert!((mean - expected).abs() < 4.0 * sd / 4000_f64.sqrt(), "{mean} is not {expected}");
    }

    #[test]
    fn replicates_are_the_same_for_the_same_seed_and_piece() {
        let bootstrap = Bootstrap { n: 20, level: 0.9, seed: 7 };
        for model in OwnModel::ALL {
            let past = fit(model, &LEVELS);
            let of = |block, what| {
                let mut paths = Vec::new();
                past.replicates(block, bootstrap, what, 3, |path| paths.push(path.to_vec()));
                paths
            };
            assert_eq!(of(2, 0), of(2, 0));
            assert_ne!(of(2, 0), of(2, 1), "{model:?}");
            assert_ne!(of(1, 0), of(3, 0), "{model:?}");
            // One block of all residuals, less their means by place, is nothing.
            for path in of(100, 0) {
                for (ahead, level) in (1..).zip(path) {
                    let expected = past.expected(ahead).expect("finite");
                    let found = level.expect("finite");
                    assert!((found - expected).abs() < 1e-6 * expected, "{model:?}: {found}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_unit_of_measure_changes_nothing_else(
            levels in prop::collection::vec(1.0f64..1e6, 8),
            scale in 0.001f64..1000.0,
        ) {
            for model in OwnModel::ALL {
                let scaled: Vec<f64> = levels.iter().map(|level| scale * level).collect();
                let (one, other) = (fit(model, &levels), fit(model, &scaled));
                for ahead in [1, 2] {
                    let of = |past: &OwnPast| {
                        let interval = past.interval(ahead, 0.9).unwrap();
                        [past.expected(ahead).unwrap(), interval.low, interval.high]
                    };
                    let largest = of(&one).into_iter().fold(1e6, |a: f64, b| a.max(b.abs()));
                    for (a, b) in of(&one).into_iter().zip(of(&other)) {
                        let off = (scale * a - b).abs();
                        prop_assert!(off <= 1e-8 * scale * largest, "{:?}", model);
                    }
                }
            }
        }

        #[test]
        fn an_exact_line_goes_on(start in 50.0f64..100.0, slope in -5.0f64..5.0) {
            let levels: Vec<f64> = (0..8).map(|t| start + slope * float(t)).collect();
            let past = fit(OwnModel::Linear, &levels);
            for ahead in 0..4 {
                let expected = start + slope * float(7 + ahead);
                prop_assert!((past.expected(ahead).unwrap() - expected).abs() < 1e-9);
            }
            prop_assert!(past.residual_sd() < 1e-9);
        }
    }
}
