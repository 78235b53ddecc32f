//! Parts of statements, as rewriting takes them apart and puts them together.

use crate::facts::folded;
use datafusion::sql::sqlparser::ast::{
    Array, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, OrderByExpr, OrderByKind, Query, Select,
    SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, Value, ValueWithSpan,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// A name without its schema.
pub(super) fn last(name: &ObjectName) -> Option<&Ident> {
    name.0.last().and_then(ObjectNamePart::as_ident)
}

/// The same, as it is looked for.
pub(super) fn last_folded(name: &ObjectName) -> String {
    last(name).map(folded).unwrap_or_default()
}

pub(super) fn value(of: Value) -> Expr {
    Expr::Value(of.with_empty_span())
}

pub(super) fn null() -> Expr {
    value(Value::Null)
}

pub(super) fn boolean(is: &str) -> Expr {
    value(Value::Boolean(is == "true"))
}

pub(super) fn text(of: &str) -> Expr {
    value(Value::SingleQuotedString(of.to_owned()))
}

/// The text, if it is nothing but one.
pub(super) fn as_text(of: &Expr) -> Option<&str> {
    match of {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. })
        | Expr::Value(ValueWithSpan { value: Value::EscapedStringLiteral(text), .. }) => Some(text),
        Expr::Nested(inner) => as_text(inner),
        _ => None,
    }
}

/// The call of a function.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(called(name, args))
}

pub(super) fn called(name: &str, args: Vec<Expr>) -> Function {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

/// The arguments of a call, if they are nothing but expressions.
pub(super) fn arguments(of: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &of.args else { return None };
    list.args
        .iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect()
}

pub(super) fn cast(expr: Expr, to: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type: to,
        array: false,
        format: None,
    }
}

/// The elements of an array as PostgreSQL writes it, `{a,"b c"}`.
pub(super) fn elements(of: &str) -> Option<Vec<String>> {
    let inner = of.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (mut found, mut element, mut is_quoted, mut is_escaped) =
        (Vec::new(), String::new(), false, false);
    for c in inner.chars() {
        match c {
            _ if is_escaped => {
                element.push(c);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => found.push(std::mem::take(&mut element).trim().to_owned()),
            _ => element.push(c),
        }
    }
    if !found.is_empty() || !element.trim().is_empty() {
        found.push(element.trim().to_owned());
    }
    Some(found)
}

pub(super) fn array(of: Vec<Expr>) -> Expr {
    Expr::Array(Array { elem: of, named: true })
}

/// `select ITEMS`, from nowhere.
pub(super) fn select(items: Vec<SelectItem>) -> Option<Box<Query>> {
    let mut query = Parser::new(&PostgreSqlDialect {})
        .try_with_sql("SELECT 1")
        .and_then(|mut parser| parser.parse_query())
        .ok()?;
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = items;
    }
    Some(query)
}

/// A query as a table.
pub(super) fn derived(subquery: Box<Query>, name: &str) -> TableFactor {
    let alias = TableAlias {
        explicit: true,
        name: Ident::with_quote('"', name),
        columns: Vec::new(),
        at: None,
    };
    TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None }
}

pub(super) fn from(relation: TableFactor) -> Vec<TableWithJoins> {
    vec![TableWithJoins { relation, joins: Vec::new() }]
}

/// The query, if it is one `select`, without others before it.
pub(super) fn as_select(query: &mut Query) -> Option<&mut Select> {
    if query.with.is_some() {
        return None;
    }
    match query.body.as_mut() {
        SetExpr::Select(select) => Some(select),
        _ => None,
    }
}

/// The expressions that it is ordered by; `None` if it is ordered otherwise.
pub(super) fn ordered_by(query: &Query) -> Option<Vec<OrderByExpr>> {
    match query.order_by.as_ref().map(|order| &order.kind) {
        None => Some(Vec::new()),
        Some(OrderByKind::Expressions(by)) => Some(by.clone()),
        Some(OrderByKind::All(_)) => None,
    }
}

/// The expression of an item of a `select`.
pub(super) fn expr_of(item: &mut SelectItem) -> Option<&mut Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// Functions that make one value of many rows.
const AGGREGATES: [&str; 23] = [
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "every",
    "first_value",
    "json_agg",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object_agg",
    "last_value",
    "max",
    "median",
    "min",
    "stddev",
    "string_agg",
    "sum",
    "var_pop",
    "variance",
];

/// Whether a `select` makes one row of all.
pub(super) fn is_aggregate(select: &Select) -> bool {
    use datafusion::sql::sqlparser::ast::{GroupByExpr, Visit, Visitor};
    use std::ops::ControlFlow;

    struct Finds {
        depth: usize,
    }

    impl Visitor for Finds {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.depth -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function)
                    if self.depth == 0
                        && function.over.is_none()
                        && AGGREGATES.contains(&last_folded(&function.name).as_str()) =>
                {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }

    let is_grouped = match &select.group_by {
        GroupByExpr::Expressions(by, with) => !by.is_empty() || !with.is_empty(),
        GroupByExpr::All(_) => true,
    };
    let mut finds = Finds { depth: 0 };
    is_grouped
        || select.having.is_some()
        || select.projection.iter().any(|item| item.visit(&mut finds).is_break())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_taken_apart() {
        for (text, expected) in [
            ("{}", Some(vec![])),
            ("{a,b}", Some(vec!["a", "b"])),
            ("{\"a,b\", c}", Some(vec!["a,b", "c"])),
            ("{\"a\\\"b\"}", Some(vec!["a\"b"])),
            ("a", None),
        ] {
            let found = elements(text);
            assert_eq!(found, expected.map(|all| all.into_iter().map(str::to_owned).collect()));
        }
    }
}
