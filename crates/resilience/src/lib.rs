//! Resilience of regions and of region-products around a crisis.
//!
//! * *Resistance* is the response from the base to the trough, *recovery* the response from the trough to
//!   the end, each against an expected change: [`respond`], [`Stage::expected_change`].
//! * *Transformation* is how much, and towards what, the product structure moved: [`structure`].
//! * [`cycle`] follows one series: turning points, time to recover, cumulative loss.
//! * [`Bootstrap`] says how much an index hangs on single products.
//! * [`quality`] compares unit values, where there are quantities.
//! * [`shift_share`] splits a region's change into national, mix and competitive parts.
//!
//! Values are exports in units of one currency. Which years are base, trough and end is the caller's.

mod benchmark;
mod bootstrap;
pub mod cycle;
mod quality;
mod response;
mod shift_share;
pub mod structure;

pub use benchmark::{Benchmark, ParseBenchmarkError, ReferenceGrowth, Stage, trend_growth};
pub use bootstrap::{Bootstrap, Interval, Summands, quantile};
pub use quality::{FEWEST_TO_TRIM, Quality, QualityParams, quality};
pub use response::{NullReason, Quadrant, Response, Status, respond, status};
pub use shift_share::{ShiftShare, shift_share};
