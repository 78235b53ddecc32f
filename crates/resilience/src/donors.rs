//! What a unit would have been without the shock, by the other units of a panel.
//!
//! * [`synthetic`]: a penalised synthetic control, a weighted mean of other units that were alike
//!   before the shock (Abadie & L'Hour 2021).
//! * [`complete`]: matrix completion by nuclear norm, whose factors and fixed effects are of all
//!   units and periods (Athey, Bayati, Doudchenko, Imbens & Khosravi 2021).
//! * [`in_space`] and [`in_time`]: the same where nothing happened: to each other unit, and some
//!   periods earlier.
//!
//! One unit is treated at a time, and all others are its donors. Where a shock hit all of them,
//! what they give is *relative*: how a unit fared beside units that had been alike, not what it
//! would have been without the shock.
//!
//! Every function is pure and of one unit, so that callers may take the units side by side. Rows
//! are put in an order of their own values first: results do not depend on the order of the units,
//! to the last bit.

mod completion;
mod factor;
mod panel;
mod placebo;
mod synthetic;

pub use completion::{Fold, complete, fold_errors, singular_penalties};
pub use panel::{Expected, FEWEST_BEFORE, Panel, Scale, best_penalty};
pub use placebo::{in_space, in_time};
pub use synthetic::{PENALTIES, origins, synthetic, validation_errors};
