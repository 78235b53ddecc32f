//! What a run is told: pipelines, config, layouts and models are read here, once, into typed values.
//!
//! It knows no stage but by name, reads no data, and runs nothing.

pub mod bounded;
pub mod causes;
pub mod classification;
pub mod config;
pub mod expectation;
pub mod fault;
pub mod formula;
pub mod layout_file;
pub mod model_spec;
pub mod nightly;
pub mod paths;
pub mod pipeline;
pub mod pipeline_file;
pub mod printable;
mod product_text;
pub mod raw_files;
pub mod read_options;
pub mod report_settings;
mod severity_header;
pub mod sheets;
pub mod sql_file;
pub mod stage_name;
pub mod suggest;
mod tracked;
pub mod yaml;
