//! The stages of a pipeline: each reads tables, works, and gives the rows of other tables. It knows
//! no other stage; only `ingest` hands records that are not kept on to `aggregate`.

pub(crate) mod aggregate;
mod cell_years;
mod context;
pub mod contracts;
pub mod cube;
mod diversification;
pub(crate) mod error;
pub mod hs_codes;
pub(crate) mod ingest;
mod levels;
pub mod models;
mod panels;
mod params;
mod plausibility;
mod policy;
mod product_groups;
mod record_store;
pub mod regression;
mod relatedness;
pub mod remote;
pub mod resilience;
mod row_cells;
pub mod rows;
mod sink;
pub mod spatial;
mod stage;
mod sync;
mod table;
pub mod tasks;
mod unit;
mod years;

pub use context::{Context, FileInput, Finishing, GroupWriter, Input, Made, Output, SPANS, Verify};
pub use error::StageError;
pub use stage::{Also, AnyStage, PlannedStage, Stage};
pub use unit::{Choice, Kept, Unit, UnitCounts, UnitName};

/// Every stage that is written in code. A pipeline asks for some of them.
pub const STAGES: &[&dyn AnyStage] = &[
    &ingest::Ingest,
    &aggregate::Aggregate,
    &plausibility::Plausibility,
    &relatedness::Relatedness,
    &diversification::Diversification,
    &resilience::Resilience,
    &spatial::Spatial,
    &policy::Policy,
    &models::Models,
    &ingest::IngestToSums,
];
