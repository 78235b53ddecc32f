//! Files from outside, read into rows: raw files and archives of every form, tables of reference
//! economies and regions, users' tables, boundaries, and the HS tables of the program.

pub mod boundaries;
pub mod fitted;
pub mod hs_tables;
pub mod input;
pub mod matched;
pub mod reference_tables;
pub mod table_reader;
pub mod user_tables;
