//! Lineage: from which columns of tables each column of a query is computed, as its logical plan
//! says.

use crate::bounds::{check, planning};
use crate::meaning::with_nulls;
use crate::{QueryError, Session, frame};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType, Result, internal_datafusion_err};
use datafusion::logical_expr::expr::{
    AggregateFunction, Exists, InSubquery, SetComparison, WindowFunction,
};
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{
    Aggregate, Distinct, DistinctOn, Expr, Join, LogicalPlan, RecursiveQuery, SortExpr, Subquery,
    TableScan,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use lake::meta::LineageEdge;
use std::collections::{BTreeMap, BTreeSet};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceColumn {
    /// The table, `schema.table`.
    pub table: String,
    /// The column.
    pub column: String,
}

/// How a column takes part in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Its values are computed with.
    Value,
    /// It only chooses, groups or orders the rows that are.
    Condition,
}

/// The columns that one is computed from.
pub type Origins = BTreeMap<SourceColumn, Role>;

/// What a query is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLineage {
    /// Its columns, in order, each with what it is computed from.
    pub columns: Vec<(String, Origins)>,
    /// What says which rows there are: columns in the conditions of joins and filters, and those it
    /// groups by.
    pub conditions: BTreeSet<SourceColumn>,
    /// All tables that it reads.
    pub tables: BTreeSet<String>,
}

impl QueryLineage {
    /// What it says of `table`, which the query makes.
    pub fn edges(&self, table: &str) -> Vec<LineageEdge> {
        let edge = |column: Option<&String>, from: &SourceColumn, is_condition| LineageEdge {
            table: table.to_owned(),
            column: column.cloned(),
            from_table: from.table.clone(),
            from_column: Some(from.column.clone()),
            is_condition,
        };
        let mut edges = Vec::new();
        for (name, origins) in &self.columns {
            let of_column =
                origins.iter().map(|(from, role)| edge(Some(name), from, *role == Role::Condition));
            edges.extend(of_column);
        }
        edges.extend(self.conditions.iter().map(|from| edge(None, from, true)));
        // A table of which no column is named, as in `select count(*)`.
        let named: BTreeSet<&String> = edges.iter().map(|edge| &edge.from_table).collect();
        let others: Vec<String> =
            self.tables.iter().filter(|from| !named.contains(from)).cloned().collect();
        edges.extend(others.iter().map(|from| of_table(table, from)));
        edges
    }
}

/// That `table` is made from `from`, and nothing of columns.
fn of_table(table: &str, from: &str) -> LineageEdge {
    LineageEdge {
        table: table.to_owned(),
        column: None,
        from_table: from.to_owned(),
        from_column: None,
        is_condition: false,
    }
}

/// What is known of `table`, which code makes from the tables `reads`, each with its columns: its
/// key has the values of their columns of the same name. Of its other columns only the tables are
/// known.
pub fn of_stage<'t>(
    table: &str,
    key: impl IntoIterator<Item = &'t str> + Clone,
    reads: impl IntoIterator<Item = (&'t str, &'t [lake::Column])>,
) -> Vec<LineageEdge> {
    let mut edges = Vec::new();
    for (from, columns) in reads {
        let is_there = |name: &&str| columns.iter().any(|column| column.name == **name);
        edges.extend(key.clone().into_iter().filter(is_there).map(|name| LineageEdge {
            column: Some(name.to_owned()),
            from_column: Some(name.to_owned()),
            ..of_table(table, from)
        }));
        edges.push(of_table(table, from));
    }
    edges
}

impl Session {
    /// What `sql`, a query over registered tables, is computed from. Placeholders are nulls.
    ///
    /// # Errors
    ///
    /// [`QueryError::Plan`] if the text is at fault.
    pub async fn lineage(&self, sql: &str) -> Result<QueryLineage, QueryError> {
        let sql = with_nulls(sql);
        check(&sql, &GenericDialect {})?;
        let work = async {
            let frame = frame(&self.context, &sql).await.map_err(QueryError::Plan)?;
            traced(frame.logical_plan()).map_err(QueryError::Plan)
        };
        planning(work, None).await?
    }
}

/// The lineage of a plan as the SQL planner makes it.
fn traced(plan: &LogicalPlan) -> Result<QueryLineage> {
    let mut tracer = Tracer::default();
    let Traced { columns, conditions, .. } = tracer.rows(plan, None)?;
    let names = plan.schema().fields().iter().map(|field| field.name().clone());
    Ok(QueryLineage {
        columns: names.zip(columns).collect(),
        conditions: conditions.into_keys().collect(),
        tables: tracer.tables,
    })
}

/// Adds `origins` where they stand in `role`. What is a value anywhere is one.
fn add(into: &mut Origins, origins: &Origins, role: Role) {
    for (from, own) in origins {
        let role = role.max(*own);
        match into.get_mut(from) {
            Some(known) => *known = role.min(*known),
            None => {
                into.insert(from.clone(), role);
            }
        }
    }
}

/// The rows of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Traced {
    /// What each column is computed from.
    columns: Vec<Origins>,
    /// What says which rows there are.
    conditions: Origins,
    /// What they are ordered by. With a limit, it says which of them stay.
    order: Origins,
}

/// The columns that an expression may name.
#[derive(Clone, Copy)]
struct Scope<'s> {
    /// Those of its inputs.
    inputs: &'s [(&'s DFSchema, &'s [Origins])],
    /// Those of the query that its own is a part of.
    outer: Option<&'s Self>,
}

impl Scope<'_> {
    fn find(&self, column: &Column) -> Option<&Origins> {
        self.inputs.iter().find_map(|(schema, columns)| {
            schema.maybe_index_of_column(column).and_then(|at| columns.get(at))
        })
    }

    /// What a column is computed from.
    fn column(&self, column: &Column) -> Result<&Origins> {
        self.find(column).ok_or_else(|| {
            internal_datafusion_err!("the column `{}` has no origin", column.flat_name())
        })
    }

    /// What a column of a query around this one is computed from.
    fn outer_column(&self, column: &Column) -> Result<&Origins> {
        let around = std::iter::successors(self.outer, |scope| scope.outer);
        let mut found = around.filter_map(|scope| scope.find(column));
        found.next().ok_or_else(|| {
            internal_datafusion_err!("the outer column `{}` has no origin", column.flat_name())
        })
    }
}

/// Goes down a plan.
#[derive(Debug, Default)]
struct Tracer {
    tables: BTreeSet<String>,
    /// Recursive queries that it is in, each with what is known of its columns.
    recursive: Vec<(String, Vec<Origins>)>,
}

impl Tracer {
    /// The rows of `plan`, which is a part of the query whose columns are `outer`.
    fn rows(&mut self, plan: &LogicalPlan, outer: Option<&Scope<'_>>) -> Result<Traced> {
        let Some(input) = plan.inputs().first().copied() else { return self.leaf(plan, outer) };
        match plan {
            LogicalPlan::Join(join) => return self.join(join, outer),
            LogicalPlan::Union(union) => {
                let mut all = Traced::default();
                all.columns.resize(plan.schema().fields().len(), Origins::new());
                for input in &union.inputs {
                    let found = self.rows(input, outer)?;
                    merge(&mut all, &found);
                }
                return Ok(all);
            }
            LogicalPlan::RecursiveQuery(query) => return self.recursion(query, outer),
            _ => {}
        }
        let mut found = self.rows(input, outer)?;
        let below = std::mem::take(&mut found.columns);
        let inputs = [(input.schema().as_ref(), below.as_slice())];
        let scope = Scope { inputs: &inputs, outer };
        let conditions = &mut found.conditions;
        let columns = match plan {
            LogicalPlan::Projection(projection) => self.each(&projection.expr, scope)?,
            LogicalPlan::Filter(filter) => {
                self.add_expr(&filter.predicate, scope, Role::Condition, conditions)?;
                below
            }
            LogicalPlan::Window(window) => {
                let mut made = self.each(&window.window_expr, scope)?;
                let mut columns = below;
                columns.append(&mut made);
                columns
            }
            LogicalPlan::Aggregate(aggregate) => {
                found.order.clear();
                self.aggregate(aggregate, scope, conditions)?
            }
            LogicalPlan::Distinct(Distinct::On(distinct)) => {
                self.distinct_on(distinct, scope, conditions)?
            }
            LogicalPlan::Sort(sort) => {
                found.order.clear();
                self.add_sorts(&sort.expr, scope, &mut found.order)?;
                if sort.fetch.is_some() {
                    add(conditions, &found.order, Role::Condition);
                }
                below
            }
            LogicalPlan::Limit(_) => {
                add(conditions, &found.order, Role::Condition);
                below
            }
            LogicalPlan::Unnest(unnest) => {
                let from = |at: &usize| below.get(*at).cloned().unwrap_or_default();
                unnest.dependency_indices.iter().map(from).collect()
            }
            LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::Distinct(Distinct::All(_)) => below,
            // What no query is made of: anything may come from anything.
            _ => {
                let mut any = Origins::new();
                below.iter().for_each(|origins| add(&mut any, origins, Role::Value));
                vec![any; plan.schema().fields().len()]
            }
        };
        found.columns = columns;
        Ok(found)
    }

    /// What has no rows below it.
    fn leaf(&mut self, plan: &LogicalPlan, outer: Option<&Scope<'_>>) -> Result<Traced> {
        let n = plan.schema().fields().len();
        let mut found = Traced { columns: vec![Origins::new(); n], ..Traced::default() };
        match plan {
            LogicalPlan::TableScan(scan) => found.columns = self.scan(scan),
            LogicalPlan::Values(values) => {
                let scope = Scope { inputs: &[], outer };
                for row in &values.values {
                    for (expr, column) in row.iter().zip(&mut found.columns) {
                        self.add_expr(expr, scope, Role::Value, column)?;
                    }
                }
            }
            _ => {}
        }
        Ok(found)
    }

    fn scan(&mut self, scan: &TableScan) -> Vec<Origins> {
        let name = &scan.table_name;
        let known = self.recursive.iter().rev().find(|(query, _)| *query == name.table());
        if let (None, Some((_, columns))) = (name.schema(), known) {
            return match &scan.projection {
                None => columns.clone(),
                Some(places) => {
                    places.iter().map(|at| columns.get(*at).cloned().unwrap_or_default()).collect()
                }
            };
        }
        let table = match name.schema() {
            Some(schema) => format!("{schema}.{}", name.table()),
            None => name.table().to_owned(),
        };
        self.tables.insert(table.clone());
        let fields = scan.projected_schema.fields().iter();
        fields
            .map(|field| {
                let from = SourceColumn { table: table.clone(), column: field.name().clone() };
                Origins::from([(from, Role::Value)])
            })
            .collect()
    }

    fn join(&mut self, join: &Join, outer: Option<&Scope<'_>>) -> Result<Traced> {
        let left = self.rows(&join.left, outer)?;
        let of_left = (join.left.schema().as_ref(), left.columns.as_slice());
        // A lateral query on the right names columns of the left.
        let inputs = [of_left];
        let right = self.rows(&join.right, Some(&Scope { inputs: &inputs, outer }))?;
        let of_right = (join.right.schema().as_ref(), right.columns.as_slice());
        let mut conditions = left.conditions.clone();
        add(&mut conditions, &right.conditions, Role::Condition);
        for (on_left, on_right) in &join.on {
            for (expr, of) in [(on_left, of_left), (on_right, of_right)] {
                let scope = Scope { inputs: &[of], outer };
                self.add_expr(expr, scope, Role::Condition, &mut conditions)?;
            }
        }
        if let Some(filter) = &join.filter {
            let scope = Scope { inputs: &[of_left, of_right], outer };
            self.add_expr(filter, scope, Role::Condition, &mut conditions)?;
        }
        let (left, right) = (left.columns, right.columns);
        let marked = |mut columns: Vec<Origins>| {
            columns.push(conditions.clone());
            columns
        };
        let columns = match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                left.into_iter().chain(right).collect()
            }
            JoinType::LeftSemi | JoinType::LeftAnti => left,
            JoinType::RightSemi | JoinType::RightAnti => right,
            JoinType::LeftMark => marked(left),
            JoinType::RightMark => marked(right),
        };
        Ok(Traced { columns, conditions, order: Origins::new() })
    }

    fn aggregate(
        &mut self,
        aggregate: &Aggregate,
        scope: Scope<'_>,
        conditions: &mut Origins,
    ) -> Result<Vec<Origins>> {
        let mut columns = Vec::new();
        for expr in grouping_set_to_exprlist(&aggregate.group_expr)? {
            let mut origins = Origins::new();
            self.add_expr(expr, scope, Role::Value, &mut origins)?;
            add(conditions, &origins, Role::Condition);
            columns.push(origins);
        }
        // Grouping sets have a column that numbers them.
        let n = aggregate.schema.fields().len().saturating_sub(aggregate.aggr_expr.len());
        columns.resize(n, Origins::new());
        columns.append(&mut self.each(&aggregate.aggr_expr, scope)?);
        Ok(columns)
    }

    fn distinct_on(
        &mut self,
        distinct: &DistinctOn,
        scope: Scope<'_>,
        conditions: &mut Origins,
    ) -> Result<Vec<Origins>> {
        for expr in &distinct.on_expr {
            self.add_expr(expr, scope, Role::Condition, conditions)?;
        }
        if let Some(sorts) = &distinct.sort_expr {
            self.add_sorts(sorts, scope, conditions)?;
        }
        self.each(&distinct.select_expr, scope)
    }

    /// A query that reads itself, gone through until no row of it adds an origin.
    fn recursion(&mut self, query: &RecursiveQuery, outer: Option<&Scope<'_>>) -> Result<Traced> {
        let mut found = self.rows(&query.static_term, outer)?;
        loop {
            self.recursive.push((query.name.clone(), found.columns.clone()));
            let next = self.rows(&query.recursive_term, outer);
            self.recursive.pop();
            let mut all = found.clone();
            merge(&mut all, &next?);
            if all == found {
                return Ok(found);
            }
            found = all;
        }
    }

    /// What each of `exprs` is computed from.
    fn each(&mut self, exprs: &[Expr], scope: Scope<'_>) -> Result<Vec<Origins>> {
        let of = |expr: &Expr| -> Result<Origins> {
            let mut origins = Origins::new();
            self.add_expr(expr, scope, Role::Value, &mut origins)?;
            Ok(origins)
        };
        exprs.iter().map(of).collect()
    }

    fn add_sorts(
        &mut self,
        sorts: &[SortExpr],
        scope: Scope<'_>,
        into: &mut Origins,
    ) -> Result<()> {
        sorts.iter().try_for_each(|sort| self.add_expr(&sort.expr, scope, Role::Condition, into))
    }

    /// Adds what `expr` is computed from.
    fn add_expr(
        &mut self,
        expr: &Expr,
        scope: Scope<'_>,
        role: Role,
        into: &mut Origins,
    ) -> Result<()> {
        match expr {
            Expr::Column(column) => add(into, scope.column(column)?, role),
            Expr::OuterReferenceColumn(_, column) => add(into, scope.outer_column(column)?, role),
            Expr::ScalarSubquery(query) => self.add_query(query, scope, role, into)?,
            Expr::Exists(Exists { subquery, .. }) => {
                self.add_query(subquery, scope, Role::Condition, into)?;
            }
            Expr::InSubquery(InSubquery { expr, subquery, .. })
            | Expr::SetComparison(SetComparison { expr, subquery, .. }) => {
                self.add_expr(expr, scope, role, into)?;
                self.add_query(subquery, scope, role, into)?;
            }
            Expr::AggregateFunction(AggregateFunction { params, .. }) => {
                params.args.iter().try_for_each(|arg| self.add_expr(arg, scope, role, into))?;
                if let Some(filter) = &params.filter {
                    self.add_expr(filter, scope, Role::Condition, into)?;
                }
                self.add_sorts(&params.order_by, scope, into)?;
            }
            Expr::WindowFunction(window) => {
                let WindowFunction { params, .. } = window.as_ref();
                params.args.iter().try_for_each(|arg| self.add_expr(arg, scope, role, into))?;
                for condition in params.partition_by.iter().chain(params.filter.as_deref()) {
                    self.add_expr(condition, scope, Role::Condition, into)?;
                }
                self.add_sorts(&params.order_by, scope, into)?;
            }
            other => {
                other.apply_children(|child| {
                    self.add_expr(child, scope, role, into)?;
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
        }
        Ok(())
    }

    /// Adds what a query in an expression is computed from.
    fn add_query(
        &mut self,
        query: &Subquery,
        scope: Scope<'_>,
        role: Role,
        into: &mut Origins,
    ) -> Result<()> {
        let found = self.rows(&query.subquery, Some(&scope))?;
        found.columns.iter().for_each(|origins| add(into, origins, role));
        add(into, &found.conditions, Role::Condition);
        Ok(())
    }
}

/// Adds the rows of `other`, whose columns stand in the same order.
fn merge(into: &mut Traced, other: &Traced) {
    for (column, origins) in into.columns.iter_mut().zip(&other.columns) {
        add(column, origins, Role::Value);
    }
    add(&mut into.conditions, &other.conditions, Role::Condition);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, SessionParams};
    use arrow::array::RecordBatch;
    use lake::{Column as TableColumn, Kind, Lake};

    fn columns(names: &[(&str, Kind)]) -> Vec<TableColumn> {
        let column = |&(name, kind): &(&str, Kind)| TableColumn {
            name: name.to_owned(),
            kind,
            is_nullable: true,
            unit: String::new(),
            about: String::new(),
        };
        names.iter().map(column).collect()
    }

    fn session() -> Session {
        let lake = Lake::open("memory://").expect("a lake");
        let memory = Memory { mib: 256, setting: "`memory`" };
        let session = Session::new(&lake, SessionParams { threads: 1, memory }).expect("a session");
        let tables = [
            (
                "t.a",
                columns(&[("year", Kind::Int), ("region", Kind::Text), ("value", Kind::Money)]),
            ),
            ("t.b", columns(&[("year", Kind::Int), ("rate", Kind::Float), ("region", Kind::Text)])),
        ];
        for (table, columns) in tables {
            let none = RecordBatch::new_empty(lake::contract::schema(&columns));
            session.register_batch(table, none).expect("registered");
        }
        session
    }

    /// `column: what it is computed from` for each column, with `?` behind what is a condition, and
    /// a last line of what says which rows there are.
    fn told(found: &QueryLineage) -> Vec<String> {
        let name = |from: &SourceColumn| format!("{}.{}", from.table, from.column);
        let mut lines: Vec<String> = Vec::new();
        for (column, origins) in &found.columns {
            let origins: Vec<String> = origins
                .iter()
                .map(|(from, role)| match role {
                    Role::Value => name(from),
                    Role::Condition => format!("{}?", name(from)),
                })
                .collect();
            lines.push(format!("{column}: {}", origins.join(" ")));
        }
        let rows: Vec<String> = found.conditions.iter().map(name).collect();
        lines.push(format!("rows: {}", rows.join(" ")));
        lines
    }

    #[track_caller]
    fn check_all(sql: &str, expected: &[&str]) {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let found = runtime.block_on(async { session().lineage(sql).await }).expect("a query");
        assert_eq!(told(&found), expected, "{sql}");
    }

    #[test]
    fn columns_are_traced_through_expressions_and_names() {
        check_all(
            "select year, value * 2 + year as x, 1 as one, case when region = 'A' then value end as y \
             from (select year, value, region from t.a) as s order by x",
            &[
                "year: t.a.year",
                "x: t.a.value t.a.year",
                "one: ",
                "y: t.a.region t.a.value",
                "rows: ",
            ],
        );
    }

    #[test]
    fn filters_joins_and_groups_say_which_rows_there_are() {
        check_all(
            "with s as (select region, sum(value) as total, count(*) as n from t.a where year > 2000 group by region) \
             select s.region, s.total / b.rate as x, n from s left join t.b b on b.region = s.region and b.year < 3",
            &[
                "region: t.a.region",
                "x: t.a.value t.b.rate",
                "n: ",
                "rows: t.a.region t.a.year t.b.region t.b.year",
            ],
        );
        check_all(
            "select sum(value) filter (where year = 1) as x from t.a having max(year) > 2",
            &["x: t.a.value t.a.year?", "rows: t.a.year"],
        );
        check_all(
            "select a.value from t.a a order by a.year limit 1",
            &["value: t.a.value", "rows: t.a.year"],
        );
    }

    #[test]
    fn windows_have_conditions_of_their_own() {
        check_all(
            "select value - lag(value) over (partition by region order by year) as d, region from t.a",
            &["d: t.a.region? t.a.value t.a.year?", "region: t.a.region", "rows: "],
        );
    }

    #[test]
    fn unions_have_the_origins_of_all_their_parts() {
        check_all(
            "select year as y, value as v from t.a union all select year + 1, rate from t.b where rate > 0",
            &["y: t.a.year t.b.year", "v: t.a.value t.b.rate", "rows: t.b.rate"],
        );
    }

    #[test]
    fn queries_in_queries_are_a_part_of_them() {
        check_all(
            "select a.value, (select max(b.rate) from t.b b where b.year = a.year) as r from t.a a \
             where exists (select 1 from t.b c where c.region = a.region)",
            &["value: t.a.value", "r: t.a.year? t.b.rate t.b.year?", "rows: t.a.region t.b.region"],
        );
        check_all(
            "select value from t.a where region in (select region from t.b where rate > 1)",
            &["value: t.a.value", "rows: t.a.region t.b.rate t.b.region"],
        );
    }

    #[test]
    fn a_recursive_query_has_the_origins_of_its_rounds() {
        check_all(
            "with recursive r as (select year as n, value as v from t.a \
             union all select r.n, r.v from r join t.b b on b.year = r.n) select n, v from r",
            &["n: t.a.year", "v: t.a.value", "rows: t.a.year t.b.year"],
        );
    }

    #[test]
    fn a_table_without_a_named_column_is_told() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let found =
            runtime.block_on(async { session().lineage("select count(*) as n from t.a").await });
        let edges = found.expect("a query").edges("t.c");
        assert_eq!(edges, [of_table("t.c", "t.a")]);
    }

    #[test]
    fn placeholders_are_planned_as_nulls() {
        check_all(
            "-- each: year in select year from t.a\nselect value from t.a where year between $year - 1 and $year",
            &["value: t.a.value", "rows: t.a.year"],
        );
    }

    #[test]
    fn keys_of_stages_come_from_columns_of_the_same_name() {
        let read = columns(&[("year", Kind::Int), ("value", Kind::Money)]);
        let found = of_stage("t.c", ["year", "episode"], [("t.a", read.as_slice())]);
        let year = Some("year".to_owned());
        let of_key =
            LineageEdge { column: year.clone(), from_column: year, ..of_table("t.c", "t.a") };
        assert_eq!(found, [of_key, of_table("t.c", "t.a")]);
    }
}
