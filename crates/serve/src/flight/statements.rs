//! Queries as clients hold them: in tickets, and prepared.

use crate::flight::wire::{put, text};
use bytes::Bytes;
use datafusion::scalar::ScalarValue;
use datafusion_postgres::pgwire::api::auth::sasl::scram::random_nonce;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Statements that a connection may have prepared.
const MOST: usize = 1000;

/// Bytes of their texts and parameters.
const MOST_BYTES: usize = 16 << 20;

/// A query: its text, with numbers in the place of parameters, and where it is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    /// What it is cancelled by.
    pub(crate) name: String,
    /// The database; that of the connection if it is empty.
    pub(crate) database: String,
    pub(crate) sql: String,
    /// The values of its parameters, as far as they are bound.
    pub(crate) values: Vec<ScalarValue>,
}

impl Statement {
    /// One without values.
    pub(crate) fn new(database: &str, sql: &str) -> Self {
        Self {
            name: random_nonce(),
            database: database.to_owned(),
            sql: query::with_numbers(sql).into_owned(),
            values: Vec::new(),
        }
    }

    /// What a ticket holds of it. Whoever has it may as well ask the query.
    pub(crate) fn handle(&self) -> Bytes {
        let mut handle = Vec::with_capacity(self.sql.len() + 64);
        for (number, text) in (1..).zip([&self.name, &self.database, &self.sql]) {
            put(&mut handle, number, text.as_bytes());
        }
        handle.into()
    }

    /// What a ticket holds; `None` if it is none of ours.
    pub(crate) fn of_handle(handle: &[u8]) -> Option<Self> {
        let [name, database, sql] = [1, 2, 3].map(|number| text(handle, number).map(str::to_owned));
        Some(Self { name: name?, database: database?, sql: sql?, values: Vec::new() })
    }

    fn bytes(&self) -> usize {
        self.sql.len() + self.values.iter().map(ScalarValue::size).sum::<usize>()
    }
}

/// The statements that a connection has prepared, by the numbers that are their handles.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    last: u64,
    open: BTreeMap<u64, Arc<Statement>>,
}

/// Why a statement is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotKept {
    #[error("this connection has {MOST} prepared statements open: close some")]
    Many,
    #[error(
        "the prepared statements of this connection have more than {} MiB with their parameters: close some",
        MOST_BYTES >> 20
    )]
    Large,
}

impl Prepared {
    /// Keeps another statement; its handle.
    pub(crate) fn keep(&mut self, statement: Statement) -> Result<Bytes, NotKept> {
        if self.open.len() >= MOST {
            return Err(NotKept::Many);
        }
        let number = self.last + 1;
        self.put(number, statement)?;
        self.last = number;
        Ok(number.to_string().into())
    }

    /// Keeps the statement of this handle with other values.
    pub(crate) fn bind(&mut self, handle: &[u8], values: Vec<ScalarValue>) -> Result<(), NotKept> {
        let Some((number, statement)) = self.find(handle) else { return Ok(()) };
        let statement = Statement { values, ..Statement::clone(statement) };
        self.put(number, statement)
    }

    fn put(&mut self, number: u64, statement: Statement) -> Result<(), NotKept> {
        let others = self.open.iter().filter(|(other, _)| **other != number);
        let bytes: usize = others.map(|(_, statement)| statement.bytes()).sum();
        if bytes + statement.bytes() > MOST_BYTES {
            return Err(NotKept::Large);
        }
        self.open.insert(number, Arc::new(statement));
        Ok(())
    }

    fn find(&self, handle: &[u8]) -> Option<(u64, &Arc<Statement>)> {
        let number = std::str::from_utf8(handle).ok()?.parse().ok()?;
        Some((number, self.open.get(&number)?))
    }

    /// The statement of this handle.
    pub(crate) fn get(&self, handle: &[u8]) -> Option<Arc<Statement>> {
        self.find(handle).map(|(_, statement)| Arc::clone(statement))
    }

    /// Forgets a statement.
    pub(crate) fn close(&mut self, handle: &[u8]) {
        if let Some((number, _)) = self.find(handle) {
            self.open.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_hold_what_is_asked() {
        let statement = Statement::new("rebound@3", "select ? from a.b");
        assert_eq!(statement.sql, "select $1 from a.b");
        assert_eq!(Statement::of_handle(&statement.handle()), Some(statement));
        for handle in [&b""[..], b"\x0a\x01a", b"select 1"] {
            assert_eq!(Statement::of_handle(handle), None);
        }
    }

    #[test]
    fn prepared_statements_are_bounded() {
        let mut prepared = Prepared::default();
        let first = prepared.keep(Statement::new("", "select ?")).expect("the first");
        prepared.bind(&first, vec![ScalarValue::from(7_i64)]).expect("small");
        assert_eq!(prepared.get(&first).expect("it is open").values, [ScalarValue::from(7_i64)]);
        let large = ScalarValue::from("x".repeat(MOST_BYTES));
        assert_eq!(prepared.bind(&first, vec![large]), Err(NotKept::Large));
        assert_eq!(prepared.get(&first).expect("it is open").values.len(), 1);
        for _ in 1..MOST {
            prepared.keep(Statement::new("", "select 1")).expect("not many");
        }
        assert_eq!(prepared.keep(Statement::new("", "select 1")), Err(NotKept::Many));
        prepared.close(&first);
        assert_eq!(prepared.get(&first), None);
        prepared.keep(Statement::new("", "select 1")).expect("there is room");
    }
}
