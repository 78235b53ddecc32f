//! The program: the planner, making and publishing what a plan says, and the command line.
//!
//! This is the edge: errors of the libraries get their context here.

pub mod cli;
pub mod clock;
pub mod estimate_command;
pub mod graph;
pub mod init;
pub mod log;
pub mod measure;
pub mod node;
mod plausibility;
pub mod preview;
mod raw_rows;
pub mod run;
pub mod shell;
pub mod synth;
mod usual_names;
pub mod verified;
pub mod worker;

pub use query::runtime;
