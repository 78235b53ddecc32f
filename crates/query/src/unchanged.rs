//! Columns of a query whose values are those of a table's column, as its logical plan says: what the
//! contract tells of the one holds of the other.

use crate::bounds::{check, planning};
use crate::lineage::SourceColumn;
use crate::{QueryError, Session, frame};
use datafusion::common::JoinType;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};
use datafusion::sql::sqlparser::dialect::GenericDialect;

impl Session {
    /// For each column of `sql`, a query over registered tables, the column that its values are taken
    /// from as they are; `None` where they are computed.
    ///
    /// # Errors
    ///
    /// [`QueryError::Plan`] if the text is at fault.
    pub async fn unchanged(&self, sql: &str) -> Result<Vec<Option<SourceColumn>>, QueryError> {
        check(sql, &GenericDialect {})?;
        let work = async {
            let frame = frame(&self.context, sql).await.map_err(QueryError::Plan)?;
            Ok(of_plan(frame.logical_plan()))
        };
        planning(work, None).await?
    }
}

/// Where the columns of a plan are taken from.
fn of_plan(plan: &LogicalPlan) -> Vec<Option<SourceColumn>> {
    let n = plan.schema().fields().len();
    let mut found = match plan {
        LogicalPlan::TableScan(scan) => {
            let Some(schema) = scan.table_name.schema() else { return vec![None; n] };
            let table = format!("{schema}.{}", scan.table_name.table());
            let of = |name: &String| SourceColumn { table: table.clone(), column: name.clone() };
            scan.projected_schema.fields().iter().map(|field| Some(of(field.name()))).collect()
        }
        LogicalPlan::Projection(projection) => named(&projection.expr, &projection.input),
        LogicalPlan::Distinct(Distinct::On(distinct)) => {
            named(&distinct.select_expr, &distinct.input)
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Repartition(_)
        // What a window adds stands behind the columns below it.
        | LogicalPlan::Window(_)
        | LogicalPlan::Distinct(Distinct::All(_)) => {
            plan.inputs().first().map_or_else(Vec::new, |input| of_plan(input))
        }
        LogicalPlan::Aggregate(aggregate) => {
            // Grouping sets make nulls of what they leave out.
            let is_set = aggregate.group_expr.iter().any(|of| matches!(of, Expr::GroupingSet(_)));
            if is_set { Vec::new() } else { named(&aggregate.group_expr, &aggregate.input) }
        }
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                let mut both = of_plan(&join.left);
                both.append(&mut of_plan(&join.right));
                both
            }
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => of_plan(&join.left),
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => of_plan(&join.right),
        },
        LogicalPlan::Union(union) => {
            let mut parts = union.inputs.iter().map(|input| of_plan(input));
            let first = parts.next().unwrap_or_default();
            let same = |(one, other): (Option<SourceColumn>, Option<SourceColumn>)| {
                one.filter(|one| other.as_ref() == Some(one))
            };
            parts.fold(first, |all, part| all.into_iter().zip(part).map(same).collect())
        }
        _ => Vec::new(),
    };
    found.resize(n, None);
    found
}

/// Where expressions over `input` are taken from: those that are a column, by whatever name.
fn named(exprs: &[Expr], input: &LogicalPlan) -> Vec<Option<SourceColumn>> {
    let below = of_plan(input);
    let of = |expr: &Expr| {
        let mut expr = expr;
        while let Expr::Alias(alias) = expr {
            expr = &alias.expr;
        }
        let Expr::Column(column) = expr else { return None };
        let at = input.schema().maybe_index_of_column(column)?;
        below.get(at).cloned().flatten()
    };
    exprs.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, SessionParams};
    use lake::{Column, Contract, Fingerprint, Kind, Lake};

    fn session() -> Session {
        let lake = Lake::open("memory://").expect("a lake");
        let memory = Memory { mib: 64, setting: "a test" };
        let session = Session::new(&lake, SessionParams { threads: 1, memory }).expect("a session");
        for (table, names) in [("t.a", ["year", "value"]), ("t.b", ["year", "rate"])] {
            let column = |name: &str| Column {
                name: name.to_owned(),
                kind: Kind::Int,
                is_nullable: false,
                unit: String::new(),
                about: String::new(),
            };
            let columns = names.map(column).to_vec();
            let contract = Contract { table, about: "", key: &["year"], columns };
            let version = lake.draft(&contract, "test", &Fingerprint::of(b"x"), "now");
            session.register(&version).expect("registered");
        }
        session
    }

    #[track_caller]
    fn check_all(sql: &str, expected: &[&str]) {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let found = runtime.block_on(async { session().unchanged(sql).await }).expect("a query");
        let told = |from: &Option<SourceColumn>| {
            from.as_ref().map_or_else(String::new, |of| format!("{}.{}", of.table, of.column))
        };
        assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected, "{sql}");
    }

    #[test]
    fn a_column_passes_through_names_joins_and_groups() {
        check_all("select * from t.a where year > 1 order by value", &["t.a.year", "t.a.value"]);
        check_all(
            "with s as (select year as y, sum(value) as v from t.a group by year) \
             select s.y as period, v, b.rate from s left join t.b b on b.year = s.y limit 3",
            &["t.a.year", "", "t.b.rate"],
        );
        check_all(
            "select distinct year, row_number() over (order by value) as n from t.a",
            &["t.a.year", ""],
        );
    }

    #[test]
    fn what_is_computed_is_of_no_column() {
        check_all(
            "select value * 1 as value, max(year) as year from t.a group by value",
            &["", ""],
        );
        check_all("select cast(year as bigint) as year, 1 as one from t.a", &["", ""]);
        check_all("select year, value from t.a group by rollup(year, value)", &["", ""]);
    }

    #[test]
    fn a_union_is_of_a_column_that_all_its_parts_have() {
        check_all(
            "select year, value from t.a where year = 1 union all select year, value + 1 from t.a",
            &["t.a.year", ""],
        );
        check_all("select year from t.a union all select year from t.b", &[""]);
    }
}
