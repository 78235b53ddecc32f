//! Queries as values where the engine does not take them: arrays of rows, rows of other tables,
//! whether there are any.

use super::ast::{
    as_select, call, called, derived, expr_of, from, is_aggregate, last, ordered_by, select, value,
};
use crate::facts::folded;
use crate::functions::SINGLE;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArgumentClause, FunctionArguments, Ident, LimitClause,
    OrderByExpr, Query, Select, SelectItem, TableAliasColumnDef, TableFactor, UnaryOperator, Value,
    ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The column of a query that is read as a table.
const COLUMN: &str = "pg_value";

/// Changes such queries.
pub(super) struct Queries;

/// The call of an aggregate of the values in this order.
fn aggregate(name: &str, expr: Expr, order: Vec<OrderByExpr>) -> Expr {
    let mut function: Function = called(name, vec![expr]);
    if let FunctionArguments::List(list) = &mut function.args
        && !order.is_empty()
    {
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    Expr::Function(function)
}

/// The order of a query with its one value in place of what stands for it.
fn order_of(query: &Query, item: &SelectItem, expr: &Expr) -> Option<Vec<OrderByExpr>> {
    let mut order = ordered_by(query)?;
    for by in &mut order {
        let is_it = match &by.expr {
            Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) => number == "1",
            Expr::Identifier(name) => {
                matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value == name.value)
            }
            _ => false,
        };
        if is_it {
            by.expr = expr.clone();
        }
    }
    Some(order)
}

/// Makes a plain `select` of one value give one row, which `name` makes of all.
fn gathered(query: &Query, name: &str) -> Option<Query> {
    let mut made = query.clone();
    let item = as_select(&mut made)?.projection.first()?.clone();
    let expr = match &item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr.clone(),
        _ => return None,
    };
    let order = order_of(query, &item, &expr)?;
    (made.order_by, made.limit_clause, made.fetch) = (None, None, None);
    let all = as_select(&mut made)?;
    if all.projection.len() != 1 || all.distinct.is_some() || is_aggregate(all) {
        return None;
    }
    all.projection = vec![SelectItem::UnnamedExpr(aggregate(name, expr, order))];
    Some(made)
}

fn is_limited(query: &Query) -> bool {
    query.limit_clause.is_some() || query.fetch.is_some()
}

/// Whether a query is limited to its first row.
fn is_of_one_row(query: &Query) -> bool {
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, .. }) => matches!(
            limit,
            Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) if number == "1"
        ),
        _ => false,
    }
}

/// An array of the rows of any query of one column.
fn gathered_as_table(query: &Query, name: &str) -> Option<Query> {
    let mut table = derived(Box::new(query.clone()), "pg_rows");
    if let TableFactor::Derived { alias: Some(alias), .. } = &mut table {
        alias.columns.push(TableAliasColumnDef::from_name(COLUMN));
    }
    let all = Expr::Identifier(Ident::new(COLUMN));
    let mut over = select(vec![SelectItem::UnnamedExpr(aggregate(name, all, Vec::new()))])?;
    as_select(&mut over)?.from = from(table);
    Some(*over)
}

/// The array of a query.
fn array_of(query: &Query) -> Option<Expr> {
    let gathered = if is_limited(query) { None } else { gathered(query, "array_agg") };
    let query = gathered.or_else(|| gathered_as_table(query, "array_agg"))?;
    Some(call("or_empty", vec![Expr::Subquery(Box::new(query))]))
}

/// The names of tables that a query has within.
fn tables_within(query: &Query) -> BTreeSet<String> {
    struct Finds(BTreeSet<String>);

    impl Visitor for Finds {
        type Break = ();

        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            let (alias, name) = match factor {
                TableFactor::Table { name, alias, .. } => (alias.as_ref(), last(name)),
                TableFactor::Derived { alias, .. } | TableFactor::UNNEST { alias, .. } => {
                    (alias.as_ref(), None)
                }
                _ => (None, None),
            };
            self.0.extend(alias.map(|alias| &alias.name).or(name).map(folded));
            ControlFlow::Continue(())
        }
    }

    let mut finds = Finds(BTreeSet::new());
    let _ = query.visit(&mut finds);
    finds.0
}

/// Whether a query names columns of tables around it.
fn looks_outside(query: &Query) -> bool {
    struct Finds(BTreeSet<String>);

    impl Visitor for Finds {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::CompoundIdentifier(parts)
                    if parts.len() > 1 && !self.0.contains(&folded(&parts[parts.len() - 2])) =>
                {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }

    query.visit(&mut Finds(tables_within(query))).is_break()
}

/// A query whose value is asked for in each row of those around it, so that it gives one row.
fn single(query: &Query) -> Option<Expr> {
    if !looks_outside(query) {
        return None;
    }
    let value = |query| Expr::Subquery(Box::new(query));
    if is_of_one_row(query) {
        return gathered(query, "first_value").map(value);
    }
    if is_limited(query) {
        return None;
    }
    // What no row asks for may have several.
    let rows = gathered(query, "array_agg").map(value)?;
    Some(call(SINGLE, vec![rows]))
}

/// Whether a query has rows, as a value.
fn has_rows(query: &Query) -> Option<Expr> {
    let mut made = query.clone();
    (made.order_by, made.limit_clause, made.fetch) = (None, None, None);
    let all = as_select(&mut made)?;
    if all.distinct.is_some() || is_aggregate(all) {
        return None;
    }
    let one = value(Value::Number("1".to_owned(), false));
    let are_there = Expr::BinaryOp {
        left: Box::new(call("count", vec![one])),
        op: BinaryOperator::Gt,
        right: Box::new(value(Value::Number("0".to_owned(), false))),
    };
    all.projection = vec![SelectItem::UnnamedExpr(are_there)];
    Some(Expr::Subquery(Box::new(made)))
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(expr))) }
}

/// Of the items of a `select`: whether there are rows is a value there.
struct Items {
    depth: usize,
}

impl VisitorMut for Items {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        let made = match expr {
            Expr::Exists { subquery, negated } => {
                has_rows(subquery).map(|made| if *negated { not(made) } else { made })
            }
            Expr::InSubquery { expr, subquery, negated } => array_of(subquery).map(|all| {
                let is_in = call("array_has", vec![all, (**expr).clone()]);
                if *negated { not(is_in) } else { is_in }
            }),
            _ => None,
        };
        if let Some(made) = made {
            *expr = made;
        }
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Queries {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let Some(expr) = expr_of(item) {
                let _ = expr.visit(&mut Items { depth: 0 });
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let made = match expr {
            Expr::Function(function) => match &function.args {
                FunctionArguments::Subquery(query) => array_of(query),
                _ => None,
            },
            Expr::Subquery(query) => single(query),
            _ => None,
        };
        if let Some(made) = made {
            *expr = made;
        }
        ControlFlow::Continue(())
    }
}
