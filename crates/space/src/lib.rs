//! Arithmetic on region x product matrices: RCA, relatedness, density, complexity, variety, concentration,
//! entry and exit, spatial differences and convergence.
//!
//! A region is a row and a product is a column, both by index; what they are called, and whether they
//! are regions and products at all, is the caller's affair. Nothing here does IO.
//!
//! Published tools disagree on conventions, so each one is a named choice without a default. Sums of
//! floats are made in a fixed order: the same input gives the same bits for any number of threads.
//!
//! ```
//! use space::{
//!     ComplexityParams, Diagonal, Exports, RcaRule, Reference, Specialization, complexity, density, proximity, rca,
//! };
//!
//! // Three regions, four products, in dollars.
//! let exports = Exports::new(3, 4, vec![4.0, 4.0, 1.0, 1.0, 1.0, 0.0, 7.0, 2.0, 0.0, 0.0, 1.0, 3.0])?;
//! let rca = rca(&exports, Reference::Own);
//! let specialization = Specialization::new(&rca, RcaRule::AtLeast(1.0));
//! let proximity = proximity(&specialization);
//! let density = density(&specialization, &proximity, Diagonal::Excluded);
//! assert!((rca.get(0, 1).unwrap() - 2.4).abs() < 1e-12);
//! assert_eq!(density.get(0, 0), Some(1.0));
//!
//! // Its own conventions are an argument, and what has no unique answer is an error.
//! let complexity = complexity(&specialization, ComplexityParams::PY_ECOMPLEXITY);
//! assert!(complexity.is_err(), "the first two products are exported by nobody else");
//! # Ok::<(), space::ExportsError>(())
//! ```

mod co_occurrence;
pub mod complexity;
mod concentration;
pub mod convergence;
mod density;
mod diagnostics;
mod dynamics;
mod filter;
mod kernel;
mod matrix;
mod network;
mod outlook;
mod random;
mod rca;
mod relatedness;
mod sophistication;
pub mod spatial;
mod sums;
mod validation;
mod variety;

pub use complexity::{
    Complexity, ComplexityError, ComplexityParams, Spectrum, complexity, spectrum,
};
pub use concentration::{Classes, Concentration, Specificity, concentration, gini, specificity};
pub use density::{Density, Surroundings, density, nearest_density, surroundings, value_density};
pub use diagnostics::{Diagnostics, diagnostics, spearman};
pub use dynamics::{Change, change, jump};
pub use filter::{FilterParams, Filtered, filter};
pub use matrix::{Exports, ExportsError};
pub use network::{Link, Nestedness, backbone, coherence, nestedness};
pub use outlook::{GainForm, Outlook, outlook};
pub use rca::{Rca, RcaRule, Reference, Specialization, rca, rpop, symmetric};
pub use relatedness::{
    Diagonal, Margin, Measure, Neighbourhoods, Relatedness, RelatednessError, coagglomeration,
    correlation, proximity, relatedness, revealed_by_additions,
};
pub use sophistication::{Expy, expy, prody, specialized_mean};
pub use sums::{SumsAround, sums_around};
pub use validation::{Null, TestedLink, validate};
pub use variety::{Around, entropies_around, entropy, related_variety};
