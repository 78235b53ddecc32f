//! Tables whose rows depend on the session: who its client is, and what it has set.

use super::own::Own;
use crate::facts::{Facts, MayBeSet, SETTINGS};
use crate::relations::{OWNER, OWNER_OID, PG_CATALOG};
use crate::rows::Rows;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::TableType;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::Expr;
use futures::future::BoxFuture;
use std::sync::Arc;

/// The number of the role of a client that is not the owner.
const CLIENT_OID: i32 = 16_384;

const ROLES: &str = "rolname text, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb bool, \
 rolcanlogin bool, rolreplication bool, rolconnlimit int4, rolpassword text?, \
 rolvaliduntil time?, rolbypassrls bool, rolconfig texts?, oid oid";

const AUTHID: &str = "oid oid, rolname text, rolsuper bool, rolinherit bool, rolcreaterole bool, \
 rolcreatedb bool, rolcanlogin bool, rolreplication bool, rolbypassrls bool, \
 rolconnlimit int4, rolpassword text?, rolvaliduntil time?";

const USERS: &str = "usename text, usesysid oid, usecreatedb bool, usesuper bool, userepl bool, \
 usebypassrls bool, passwd text?, valuntil time?, useconfig texts?";

const SHOWN: &str = "name text, setting text, unit text?, category text, short_desc text, extra_desc text?, \
 context text, vartype text, source text, min_val text?, max_val text?, enumvals texts?, \
 boot_val text, reset_val text, sourcefile text?, sourceline int4?, pending_restart bool";

const ACTIVITY: &str = "datid oid, datname text, pid int4, leader_pid int4?, usesysid oid, usename text, \
 application_name text, client_addr text?, client_hostname text?, client_port int4?, \
 backend_start time?, xact_start time?, query_start time?, state_change time?, \
 wait_event_type text?, wait_event text?, state text, backend_xid int4?, backend_xmin int4?, \
 query_id int8?, query text, backend_type text";

/// The roles there are: the owner, and the client.
fn roles(facts: &Facts) -> Vec<(i32, String)> {
    let owner = (OWNER_OID, OWNER.to_owned());
    match facts.user() {
        user if user.is_empty() || user == OWNER => vec![owner],
        user => vec![owner, (CLIENT_OID, user)],
    }
}

fn pg_roles(facts: &Facts) -> Result<RecordBatch> {
    let mut rows = Rows::new(ROLES)?;
    for (oid, name) in roles(facts) {
        rows.push([
            ("rolname", name.into()),
            ("rolinherit", true.into()),
            ("rolcanlogin", true.into()),
            ("rolconnlimit", (-1).into()),
            ("rolpassword", "********".into()),
            ("oid", oid.into()),
        ]);
    }
    rows.finish()
}

fn pg_authid(facts: &Facts) -> Result<RecordBatch> {
    let mut rows = Rows::new(AUTHID)?;
    for (oid, name) in roles(facts) {
        rows.push([
            ("oid", oid.into()),
            ("rolname", name.into()),
            ("rolinherit", true.into()),
            ("rolcanlogin", true.into()),
            ("rolconnlimit", (-1).into()),
        ]);
    }
    rows.finish()
}

fn pg_user(facts: &Facts) -> Result<RecordBatch> {
    let mut rows = Rows::new(USERS)?;
    for (oid, name) in roles(facts) {
        rows.push([
            ("usename", name.into()),
            ("usesysid", oid.into()),
            ("passwd", "********".into()),
        ]);
    }
    rows.finish()
}

fn pg_settings(facts: &Facts) -> Result<RecordBatch> {
    let mut rows = Rows::new(SHOWN)?;
    for setting in &SETTINGS {
        let value = facts.setting(setting.name).unwrap_or_default();
        let is_set = value != setting.value;
        let context = if setting.may_be_set == MayBeSet::Yes { "user" } else { "internal" };
        rows.push([
            ("name", setting.name.into()),
            ("setting", value.into()),
            ("category", "Client Connection Defaults".into()),
            ("short_desc", setting.about.into()),
            ("context", context.into()),
            ("vartype", "string".into()),
            ("source", if is_set { "session" } else { "default" }.into()),
            ("boot_val", setting.value.into()),
            ("reset_val", setting.value.into()),
        ]);
    }
    rows.finish()
}

/// The client alone: it sees no other.
fn pg_stat_activity(facts: &Facts) -> Result<RecordBatch> {
    let mut rows = Rows::new(ACTIVITY)?;
    let oid = roles(facts).last().map_or(OWNER_OID, |(oid, _)| *oid);
    rows.push([
        ("datid", super::pg::DATABASE_OID.into()),
        ("datname", facts.database().into()),
        ("pid", facts.number().into()),
        ("usesysid", oid.into()),
        ("usename", facts.user().into()),
        ("application_name", facts.setting("application_name").unwrap_or_default().into()),
        ("state", "active".into()),
        ("backend_type", "client backend".into()),
    ]);
    rows.finish()
}

/// A table of the rows of a session.
#[derive(Debug)]
struct OfSession {
    columns: SchemaRef,
    rows: fn(&Facts) -> Result<RecordBatch>,
}

impl OfSession {
    fn scanned<'a>(
        &'a self,
        state: &'a dyn Session,
        projection: Option<&'a Vec<usize>>,
        filters: &'a [Expr],
        limit: Option<usize>,
    ) -> BoxFuture<'a, Result<Arc<dyn ExecutionPlan>>> {
        Box::pin(async move {
            let facts = state.config().get_extension::<Facts>().unwrap_or_default();
            let rows = (self.rows)(&facts)?;
            let rows = MemTable::try_new(self.schema(), vec![vec![rows]])?;
            rows.scan(state, projection, filters, limit).await
        })
    }
}

impl TableProvider for OfSession {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    // Without `async`, for the reason that `opaque` gives.
    fn scan<'a, 'b, 'c, 'd, 'r>(
        &'a self,
        state: &'b dyn Session,
        projection: Option<&'c Vec<usize>>,
        filters: &'d [Expr],
        limit: Option<usize>,
    ) -> BoxFuture<'r, Result<Arc<dyn ExecutionPlan>>>
    where
        Self: 'r,
        'a: 'r,
        'b: 'r,
        'c: 'r,
        'd: 'r,
    {
        self.scanned(state, projection, filters, limit)
    }
}

/// All of them.
pub(super) fn tables() -> Result<Vec<Own>> {
    type OfFacts = fn(&Facts) -> Result<RecordBatch>;
    let all: [(&str, &'static str, OfFacts); 5] = [
        ("pg_roles", ROLES, pg_roles),
        ("pg_authid", AUTHID, pg_authid),
        ("pg_user", USERS, pg_user),
        ("pg_settings", SHOWN, pg_settings),
        ("pg_stat_activity", ACTIVITY, pg_stat_activity),
    ];
    let own = all.into_iter().map(|(name, columns, rows)| {
        let table = Arc::new(OfSession { columns: Rows::new(columns)?.schema(), rows });
        Ok(Own { schema: PG_CATALOG, name: name.to_owned(), table, rows: None })
    });
    own.collect()
}
