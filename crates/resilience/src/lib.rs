//! Resilience of regions and of region-products around a crisis.
//!
//! * *Resistance* is the response from the base to the trough, *recovery* the response from the trough to
//!   the end, each against an expected change: [`respond`], [`Stage::expected_change`].
//! * *Transformation* is how much, and towards what, the product structure moved: [`structure`].
//! * [`OwnPast`] is what a series would have been, had it gone on as before: its mean, a line, an
//!   autoregression, with prediction intervals.
//! * [`path`] holds a path against the one expected: gaps, losses, recovery, a composite.
//! * [`cycle`] follows one series: turning points, time to recover, cumulative loss.
//! * [`Bootstrap`] says how much an index hangs on single products.
//! * [`Replicates`] and [`ranks`] say who is above whom, and how sure that is;
//!   [`weight_sensitivity`] how much a weighted sum hangs on its weights.
//! * [`shock_date`] screens a series for the date of a break.
//! * [`donors`] says what a region would have been by the other regions.
//! * [`quality`] compares unit values, where there are quantities.
//! * [`shift_share`] splits a region's change into national, mix and competitive parts;
//!   [`shift_share_by_product`] and [`arcelus`] divide them further.
//!
//! Values are exports in units of one currency. Which years are base, trough and end is the caller's.

mod benchmark;
mod bootstrap;
pub mod cycle;
pub mod donors;
mod own_past;
pub mod path;
mod quality;
mod rank;
mod response;
mod rounding;
mod shift_share;
mod shock_date;
pub mod structure;

pub use benchmark::{Benchmark, ParseBenchmarkError, ReferenceGrowth, Stage, trend_growth};
pub use bootstrap::{Bootstrap, Interval, Summands, quantile};
pub use own_past::{OwnModel, OwnPast};
pub use quality::{FEWEST_TO_TRIM, Quality, QualityParams, quality};
pub use rank::{
    RankSpread, Replicates, WeightDraws, WeightSensitivity, ranks, simplex_weights,
    weight_sensitivity,
};
pub use response::{NullReason, Quadrant, Response, Status, respond, status};
pub use rounding::beyond_expected;
pub use shift_share::{
    Arcelus, ProductShares, ShiftShare, arcelus, arcelus_by_product, shift_share,
    shift_share_by_product, shift_share_homothetic, shift_share_step,
};
pub use shock_date::{BreakBootstrap, NoShockDate, ShockDate, shock_date};
