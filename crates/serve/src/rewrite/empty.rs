//! Queries of tables that have no rows have none either, whatever else they ask.
//!
//! Clients ask much of what is never here: policies, triggers, sequences, partitions. What the
//! engine cannot plan of such a query need not be planned: a value of it is null, a list of it
//! empty, and nothing of it exists.

use super::ast::{arguments, array, boolean, cast, expr_of, is_aggregate, last_folded, null};
use crate::facts::folded;
use crate::known::Known;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, DataType, Expr, FunctionArguments, JoinOperator, ObjectName, Query, Select,
    SelectItem, SetExpr, SetOperator, TableFactor, TableWithJoins, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};
use std::ops::ControlFlow;

/// Columns of PostgreSQL's own tables that are null in every row: nobody has granted anything, and
/// nothing has options.
const ALWAYS_NULL: [&str; 12] = [
    "attacl",
    "attoptions",
    "attfdwoptions",
    "datacl",
    "evttags",
    "fdwoptions",
    "nspacl",
    "reloptions",
    "relacl",
    "spcacl",
    "srvoptions",
    "umoptions",
];

pub(super) struct Emptiness<'k> {
    pub(super) known: &'k Known,
}

fn is_always_null(expr: &Expr) -> bool {
    let name = match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    name.is_some_and(|name| ALWAYS_NULL.contains(&folded(name).as_str()))
}

impl Emptiness<'_> {
    fn is_empty_table(&self, name: &ObjectName) -> bool {
        let [.., schema, table] = &name.0[..] else { return false };
        match (schema.as_ident(), table.as_ident()) {
            (Some(schema), Some(table)) => {
                self.known.is_without_rows(&folded(schema), &folded(table))
            }
            _ => false,
        }
    }

    fn is_empty_factor(&self, factor: &TableFactor) -> bool {
        match factor {
            TableFactor::Table { name, args: None, .. } => self.is_empty_table(name),
            TableFactor::Derived { subquery, .. } => self.is_empty_query(subquery),
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.is_empty_join(table_with_joins)
            }
            TableFactor::UNNEST { array_exprs, .. } => array_exprs.iter().all(is_always_null),
            _ => false,
        }
    }

    fn is_empty_join(&self, table: &TableWithJoins) -> bool {
        let mut is_empty = self.is_empty_factor(&table.relation);
        for join in &table.joins {
            let is_right_empty = self.is_empty_factor(&join.relation);
            is_empty = match &join.join_operator {
                JoinOperator::Left(_)
                | JoinOperator::LeftOuter(_)
                | JoinOperator::OuterApply
                | JoinOperator::Anti(_)
                | JoinOperator::LeftAnti(_) => is_empty,
                JoinOperator::Right(_)
                | JoinOperator::RightOuter(_)
                | JoinOperator::RightAnti(_) => is_right_empty,
                JoinOperator::FullOuter(_) => is_empty && is_right_empty,
                _ => is_empty || is_right_empty,
            };
        }
        is_empty
    }

    /// Whether a `select` has no rows to look at.
    fn reads_nothing(&self, select: &Select) -> bool {
        let is_never = matches!(
            &select.selection,
            Some(Expr::Value(ValueWithSpan { value: Value::Boolean(false), .. }))
        );
        // One row of functions of what is always null.
        let unnests_null = select.from.is_empty()
            && select.projection.len() == 1
            && select.projection.iter().any(|item| match item {
                SelectItem::ExprWithAlias { expr, .. } => is_unnest_of_null(expr),
                _ => false,
            });
        is_never || unnests_null || select.from.iter().any(|table| self.is_empty_join(table))
    }

    fn is_empty_body(&self, body: &SetExpr) -> bool {
        match body {
            SetExpr::Select(select) => self.reads_nothing(select) && !is_aggregate(select),
            SetExpr::Query(query) => self.is_empty_query(query),
            SetExpr::SetOperation { left, op, right, .. } => match op {
                SetOperator::Union => self.is_empty_body(left) && self.is_empty_body(right),
                SetOperator::Intersect => self.is_empty_body(left) || self.is_empty_body(right),
                _ => self.is_empty_body(left),
            },
            _ => false,
        }
    }

    fn is_empty_query(&self, query: &Query) -> bool {
        self.is_empty_body(&query.body)
    }
}

fn is_unnest_of_null(expr: &Expr) -> bool {
    match expr {
        Expr::Function(function) if last_folded(&function.name) == "unnest" => {
            arguments(function).is_some_and(|args| args.iter().all(is_always_null))
        }
        _ => false,
    }
}

/// An array of texts without any.
fn no_texts() -> Expr {
    let element = ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None);
    cast(array(Vec::new()), DataType::Array(element))
}

/// In the items of a `select` without rows, what the engine may not plan.
struct Blanks;

impl VisitorMut for Blanks {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Subquery(_) => *expr = null(),
            Expr::Exists { .. }
            | Expr::InSubquery { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. } => {
                *expr = boolean("false");
            }
            Expr::Function(function) if is_array(&function.args) => *expr = no_texts(),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_array(args: &FunctionArguments) -> bool {
    matches!(args, FunctionArguments::Subquery(_))
}

impl VisitorMut for Emptiness<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if self.reads_nothing(select) && !is_aggregate(select) {
            select.selection = Some(boolean("false"));
            for item in &mut select.projection {
                if let Some(expr) = expr_of(item) {
                    let _ = expr.visit(&mut Blanks);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Subquery(query) if self.is_empty_query(query) => *expr = null(),
            Expr::Exists { subquery, negated } if self.is_empty_query(subquery) => {
                *expr = boolean(if *negated { "true" } else { "false" });
            }
            Expr::InSubquery { subquery, negated, .. } if self.is_empty_query(subquery) => {
                *expr = boolean(if *negated { "true" } else { "false" });
            }
            Expr::Function(function) => {
                if let FunctionArguments::Subquery(query) = &function.args
                    && self.is_empty_query(query)
                {
                    *expr = no_texts();
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
