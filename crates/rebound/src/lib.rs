//! The program: the planner, making and publishing what a plan says, and the command line.
//!
//! This is the edge: errors of the libraries get their context here.

pub mod cli;
pub mod clock;
pub mod convert;
pub mod dictionary;
pub mod diff;
pub mod entries;
pub mod estimate_command;
pub mod graph;
pub mod init;
pub mod kept;
pub mod lineage;
pub mod log;
pub mod measure;
pub mod metrics;
pub mod nightly;
pub mod node;
mod period_texts;
mod plausibility;
pub mod preview;
pub mod progress;
mod raw_rows;
mod region_table;
pub mod report_server;
pub mod resilience;
pub mod rollback;
pub mod run;
pub mod shell;
pub mod synth;
pub mod telemetry;
pub mod threads;
mod usual_names;
pub mod verified;
pub mod worker;

pub use query::runtime;
pub use sources::input::Frame;
