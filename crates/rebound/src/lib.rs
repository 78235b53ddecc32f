//! The pipeline: configuration, the graph of stages, and the command line.
//!
//! This is the edge. Codes become indices and indices codes here, files are read, text becomes typed
//! values, and errors of the libraries get their context.

pub mod boundaries;
pub mod bounded;
pub mod causes;
mod classification;
pub mod cli;
pub mod clock;
pub mod codes;
pub mod config;
pub mod delimited;
pub mod draw;
pub mod estimate_command;
pub mod export;
pub mod external;
pub mod formula;
pub mod graph;
mod grid;
pub mod input;
pub mod layout_file;
pub mod levels;
pub mod log;
pub mod measure;
pub mod model_spec;
pub mod new_file;
pub mod node;
pub mod output;
pub mod paths;
pub mod pipeline;
pub mod pipeline_file;
pub mod published;
pub mod raw_files;
pub mod regression;
pub mod regression_table;
pub mod remote;
pub mod report;
pub mod run;
pub mod shell;
pub mod stage_name;
pub mod stages;
pub mod suggest;
pub mod synth;
pub mod tables;
pub mod verified;
pub mod worker;
pub mod yaml;

pub use query::runtime;
