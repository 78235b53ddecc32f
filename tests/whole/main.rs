//! Tests of the whole: the layers, the binary on real data, reproducibility, and published references.

#![expect(clippy::expect_used, reason = "in a test, what fails is the test")]
#![expect(clippy::too_many_lines, reason = "a test is one case after the other")]

mod bad_files;
mod bad_input;
mod book;
mod check_parts;
mod classifications;
mod damaged;
mod documents;
mod estimates;
mod expectations;
mod exports;
mod fingerprints;
mod front_door;
mod history;
mod init;
mod kill;
mod layers;
mod layout_combinations;
mod layout_fields;
mod layout_rows;
mod layout_sheets;
mod layouts;
mod limits;
mod measure;
mod meta;
mod models;
mod nation;
mod nightly;
mod nightly_week;
mod parts;
mod paths;
mod plausibility;
mod references;
mod remote;
mod remote_tasks;
mod report;
mod reproducible;
mod resilience;
mod resilience_page;
mod resilience_table;
mod sample;
mod sessions;
mod spaces;
mod stata;
mod support;
mod synth;
mod telemetry;
mod units;
mod units_plan;
mod without_records;
