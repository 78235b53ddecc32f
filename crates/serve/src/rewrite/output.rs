//! The names of the columns that a client is given, which are PostgreSQL's.

use super::ast::{last_folded, value};
use crate::facts::folded;
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Ident, Query, Select, SelectItem, SetExpr, Statement, Value, VisitMut,
    VisitorMut,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// What tells columns of the same name apart, to the engine. No client sees it.
const MARK: char = '\u{e000}';

/// A name without the marks.
pub(crate) fn without_marks(name: &str) -> &str {
    name.trim_end_matches(MARK)
}

/// The outermost `select`, whose columns a client is given.
pub(super) fn outermost(statement: &mut Statement) -> Option<&mut Select> {
    let query = match statement {
        Statement::Query(query) => query,
        Statement::Declare { stmts } => stmts.first_mut()?.for_query.as_mut()?,
        _ => return None,
    };
    first(query)
}

fn first(query: &mut Query) -> Option<&mut Select> {
    let mut body = query.body.as_mut();
    loop {
        match body {
            SetExpr::Select(select) => return Some(select),
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = query.body.as_mut(),
            _ => return None,
        }
    }
}

/// The `select`s whose rows a client is given, one after the other.
pub(super) fn united(statement: &mut Statement) -> Vec<&mut Select> {
    let query = match statement {
        Statement::Query(query) => Some(query),
        Statement::Declare { stmts } => {
            stmts.first_mut().and_then(|declared| declared.for_query.as_mut())
        }
        _ => None,
    };
    let (mut found, mut bodies) = (Vec::new(), Vec::new());
    bodies.extend(query.map(|query| query.body.as_mut()));
    while let Some(body) = bodies.pop() {
        match body {
            SetExpr::Select(select) => found.push(select.as_mut()),
            SetExpr::SetOperation { left, right, .. } => {
                bodies.extend([left.as_mut(), right.as_mut()])
            }
            SetExpr::Query(query) => bodies.push(query.body.as_mut()),
            _ => {}
        }
    }
    found
}

/// What PostgreSQL calls a column of this value.
pub(super) fn name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => folded(name),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded).unwrap_or_default(),
        Expr::Function(function) => last_folded(&function.name),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => name(inner),
        Expr::Cast { expr: inner, data_type, .. } => match name(inner) {
            unknown if unknown == UNNAMED => of_type(data_type),
            known => known,
        },
        Expr::TypedString(typed) => of_type(&typed.data_type),
        Expr::Case { else_result, .. } => match else_result.as_deref().map(name) {
            Some(known) if known != UNNAMED && is_column(else_result.as_deref()) => known,
            _ => "case".to_owned(),
        },
        Expr::Exists { .. } => "exists".to_owned(),
        Expr::Array(_) => "array".to_owned(),
        Expr::Extract { .. } => "extract".to_owned(),
        Expr::Substring { .. } => "substring".to_owned(),
        Expr::Position { .. } => "position".to_owned(),
        Expr::Overlay { .. } => "overlay".to_owned(),
        Expr::Ceil { .. } => "ceil".to_owned(),
        Expr::Floor { .. } => "floor".to_owned(),
        Expr::Trim { .. } => "btrim".to_owned(),
        Expr::AtTimeZone { .. } => "timezone".to_owned(),
        Expr::Interval(_) => "interval".to_owned(),
        Expr::Value(of) if matches!(of.value, Value::Boolean(_)) => "bool".to_owned(),
        Expr::Subquery(query) => {
            let mut query = query.clone();
            let item = first(&mut query).and_then(|select| select.projection.first().cloned());
            match item {
                Some(SelectItem::ExprWithAlias { alias, .. }) => folded(&alias),
                Some(SelectItem::UnnamedExpr(expr)) => name(&expr),
                _ => UNNAMED.to_owned(),
            }
        }
        Expr::CompoundFieldAccess { root, .. } => name(root),
        _ => UNNAMED.to_owned(),
    }
}

/// What PostgreSQL calls a column that nothing names.
const UNNAMED: &str = "?column?";

/// What is written as a column and is none.
const NO_COLUMNS: [&str; 3] = ["current_role", "current_schema", "tableoid"];

fn is_column(expr: Option<&Expr>) -> bool {
    let name = match expr {
        Some(Expr::Identifier(name)) => Some(name),
        Some(Expr::CompoundIdentifier(parts)) => parts.last(),
        _ => None,
    };
    name.is_some_and(|name| !NO_COLUMNS.contains(&folded(name).as_str()))
}

fn of_type(of: &DataType) -> String {
    match of {
        DataType::Int(_) | DataType::Integer(_) => "int4".to_owned(),
        DataType::BigInt(_) => "int8".to_owned(),
        DataType::SmallInt(_) => "int2".to_owned(),
        DataType::Varchar(_) | DataType::CharacterVarying(_) => "varchar".to_owned(),
        DataType::DoublePrecision | DataType::Double(_) => "float8".to_owned(),
        DataType::Real => "float4".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Custom(name, _) => last_folded(name),
        other => {
            let text = other.to_string().to_lowercase();
            text.split(['(', ' ', '[']).next().unwrap_or(&text).to_owned()
        }
    }
}

/// A name that no column has yet.
fn unused(name: &str, used: &mut BTreeSet<String>) -> String {
    let mut name = name.to_owned();
    while !used.insert(name.clone()) {
        name.push(MARK);
    }
    name
}

/// Names the columns that a client is given: those that it has not named itself, or that have the
/// name of another.
pub(super) fn name_columns(select: &mut Select) {
    let has_all = select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    let mut used = BTreeSet::new();
    for item in &mut select.projection {
        match item {
            // Of `x, *`, the column that is named is another than that among all.
            SelectItem::UnnamedExpr(expr) if has_all && is_column(Some(&*expr)) => {
                let alias = unused(&format!("{}{MARK}", name(expr)), &mut used);
                named(item, alias);
            }
            SelectItem::UnnamedExpr(expr) => {
                let wanted = name(expr);
                let alias = unused(&wanted, &mut used);
                if !is_column(Some(&*expr)) || alias != wanted {
                    named(item, alias);
                }
            }
            SelectItem::ExprWithAlias { alias, .. } => {
                let wanted = folded(alias);
                let given = unused(&wanted, &mut used);
                if given != wanted {
                    *alias = Ident::with_quote('"', given);
                }
            }
            _ => {}
        }
    }
}

fn named(item: &mut SelectItem, alias: String) {
    if let SelectItem::UnnamedExpr(expr) = item {
        let expr = std::mem::replace(expr, value(Value::Null));
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', alias) };
    }
}

/// Tells columns apart that have the same text, which the engine does not take.
pub(super) struct Apart;

impl VisitorMut for Apart {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut used = BTreeSet::new();
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && !used.insert(expr.to_string())
            {
                let alias = unused(&format!("{}{MARK}", name(expr)), &mut used);
                named(item, alias);
            }
        }
        ControlFlow::Continue(())
    }
}

/// Tells the columns of all `select`s apart.
pub(super) fn tell_apart(statement: &mut Statement) {
    let _ = statement.visit(&mut Apart);
}
