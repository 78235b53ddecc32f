//! Figures of rows in memory, by the drawing code of the report: maps, quadrants, the product space,
//! paths of regions and coefficients.
//!
//! A figure is asked for by a [`Frame`] and options, which are read from JSON by [`options`]; what is
//! drawn of them is given to `figures.js` as JSON.

mod coefficients;
mod drawn;
pub mod error;
mod frame;
mod look;
mod map;
mod paths;
mod quadrants;
mod space;

pub use self::coefficients::{CoefficientOptions, coefficients};
pub use self::drawn::Drawn;
pub use self::frame::Frame;
pub use self::look::{Look, options};
pub use self::map::{MapOptions, map};
pub use self::paths::{PathOptions, paths};
pub use self::quadrants::{QuadrantOptions, quadrants};
pub use self::space::{SpaceOptions, space};

#[cfg(test)]
mod tests;
