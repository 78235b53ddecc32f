//! The published tables of a lake over the PostgreSQL wire protocol and Arrow Flight SQL: read-only,
//! with limits for every query.
//!
//! A connection has a session of its own over the tables of the run that was published last. When
//! another run is published, queries that run go on reading the old one. So does a transaction, to
//! its end. The next query reads the new run. What is read is never a mixture: the tables of a run
//! come and go together.
//!
//! A client of the database `rebound@RUN` reads what that run published, as long as it stays.

mod absent;
mod access;
mod catalog;
mod client;
mod connection;
mod copy_out;
mod cursors;
mod databases;
mod encoded;
mod errors;
mod facts;
mod flight;
mod functions;
mod kept;
mod known;
mod limits;
mod opaque;
mod parameters;
mod pg_types;
mod publication;
mod read_only;
mod relations;
mod rewrite;
mod rows;
mod screen;
mod server;
mod service;
mod settings;
mod truths;

pub use access::{AccessError, Users, tls};
pub use limits::Limits;
pub use publication::PublicationError;
pub use server::{Server, ServerError};
