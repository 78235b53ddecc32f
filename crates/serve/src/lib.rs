//! The published tables of a lake over the PostgreSQL wire protocol and Arrow Flight SQL: read-only,
//! with limits for every query.
//!
//! A connection has a session of its own over the tables of the run that was published last. When
//! another run is published, queries that run go on reading the old one. So does a transaction, to
//! its end. The next query reads the new run. What is read is never a mixture: the tables of a run
//! come and go together.
//!
//! A client of the database `rebound@RUN` reads what that run published, as long as it stays.

mod access;
mod client;
mod comments;
mod connection;
mod copy_out;
mod databases;
mod dialect;
mod errors;
mod flight;
mod functions;
mod kept;
mod limits;
mod pg_rows;
mod publication;
mod read_only;
mod screen;
mod server;

pub use access::{AccessError, Users, tls};
pub use limits::Limits;
pub use publication::PublicationError;
pub use server::{Server, ServerError};
