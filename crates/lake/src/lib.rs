//! The lake: the contract of each table, and its versions as Parquet files on an object store.
//!
//! ```text
//! <lake>/catalog.json                                   what is published: a version of every table
//! <lake>/tables/<schema.table>/<fingerprint>/*.parquet  one version of one table
//! <lake>/tables/<schema.table>/<fingerprint>/version.json   written last: the version is complete
//! <lake>/units/<fingerprint>.json                       what a unit of work made, by what it was made from
//! <lake>/runs/<run>.json                                what each run did
//! <lake>/details/<hash>.json                            what runs say at length, once for all that say it
//! <lake>/leases/<holder>.json                           what a program at work reads or writes
//! ```
//!
//! A version is named by the fingerprint of all that it was made from, so it is never overwritten
//! by something else, and one that is there and complete can be used again. Readers go through the
//! catalog, which is replaced in one atomic put: they see the old run or the new one, never a
//! mixture. A version names each of its files with its size and the hash of its bytes, and is these
//! files or an error.

mod buffer_pool;
mod catalog;
mod cells;
mod check;
mod clock;
pub mod contract;
mod durable;
mod error;
mod external;
mod fingerprint;
mod garbage;
mod history;
mod lease;
mod lock;
pub mod meta;
mod object;
mod parquet_reader;
mod parquet_writer;
mod pinned;
mod prefix_store;
mod properties;
mod published;
mod reading;
mod remote;
mod run_details;
mod seal;
mod stepwise;
mod store;
mod table;
mod transient;
mod unit;
mod version;
mod versions;

pub use buffer_pool::Pool;
pub use catalog::{Catalog, FileRecord, RunRecord, RunStatus, Runs, StageRecord};
pub use cells::{Cells, NO_CODE, NO_COUNT, NO_MONEY, Texts};
pub use check::{CheckOutcome, CheckRecord, Severity};
pub use clock::{ClockError, check_clock};
pub use contract::{Column, Contract, Kind};
pub use error::LakeError;
pub use external::{ExternalParquet, nested};
pub use fingerprint::{ContentHash, Fingerprint, Fingerprinter};
pub use garbage::Garbage;
pub use history::{HistoryError, KeptRun};
pub use lease::{HeldLease, LeaseTimes};
pub use lock::{Holder, Lock, LockError};
pub use parquet_reader::{CodedReader, Codes};
pub use parquet_writer::GroupWriter;
pub use pinned::PinnedStore;
pub use properties::GROUP_ROWS;
pub use published::{CatalogVersion, Repaired};
pub use remote::{RemoteError, RemoteFault, RemoteFile};
pub use store::Lake;
pub use table::TableWriter;
pub use transient::may_pass;
pub use unit::UnitRecord;
pub use version::{DataFile, TableVersion, folder_of, table_folder};
pub use versions::FileState;

#[cfg(test)]
mod tests;
