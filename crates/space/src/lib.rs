//! Arithmetic on region x product matrices: RCA, proximity, density, complexity, variety and
//! concentration.
//!
//! A region is a row and a product is a column, both by index; what they are called, and whether they
//! are regions and products at all, is the caller's affair. Nothing here does IO.
//!
//! Published tools disagree on conventions, so each one is a named choice without a default. Sums of
//! floats are made in a fixed order: the same input gives the same bits for any number of threads.
//!
//! ```
//! use space::{density, proximity, rca, Diagonal, Exports, RcaRule, Specialization};
//!
//! // Two regions, three products.
//! let exports = Exports::new(2, 3, vec![4.0, 4.0, 0.0, 1.0, 0.0, 7.0])?;
//! let rca = rca(&exports);
//! let specialization = Specialization::new(&rca, RcaRule::AtLeast(1.0));
//! let proximity = proximity(&specialization);
//! let density = density(&specialization, &proximity, Diagonal::Excluded);
//! assert_eq!(density.get(0, 0), Some(1.0));
//! # Ok::<(), space::ExportsError>(())
//! ```

mod complexity;
mod density;
mod matrix;
mod proximity;
mod rca;
mod variety;

pub use complexity::{Complexity, ComplexityError, complexity};
pub use density::{Density, density};
pub use matrix::{Exports, ExportsError};
pub use proximity::{Diagonal, Proximity, ProximityError, proximity};
pub use rca::{Rca, RcaRule, Specialization, rca};
pub use variety::{Concentration, concentration, entropy, related_variety};
